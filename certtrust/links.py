"""Links: which certificate signed which; each signature is checked once, however many devices share it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt
import pandas as pd

from .distinguished import Name, comparable
from .extensions import key_ids, usable
from .groups import distinct, places
from .outline import Outline, outline
from .schema import LINKS, conform, empty
from .signatures import verify_pairs

# Keys that are tried for one certificate, turn by turn, and how many tries beyond the first turns all of them
# share: thousands of CAs of one name must not cost millions of checks.
_TURNS = (1, 3, 12, 48, 192, 768, 3072)
_FREE_TURNS = 3
_SHARED_TRIES = 50_000


@dataclass
class Library:
    """All certificates that are known, the trust list's first, by what an issuer is looked for with."""

    der: Mapping[str, bytes]
    capable: Collection[str]
    """Certificates that say they are a CA or stand in a list: names are compared beyond their bytes for these."""
    outlines: dict[str, Outline] = field(default_factory=dict)
    _exact: dict[bytes, list[str]] = field(default_factory=dict)
    _alike: dict[Name, list[str]] = field(default_factory=dict)
    _keys: dict[bytes, dict[bytes, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for fingerprint, der in self.der.items():
            parts = outline(der)
            if parts is not None:
                self.outlines[fingerprint] = parts
                self._exact.setdefault(parts.subject, []).append(fingerprint)
        for fingerprint in self.capable:
            name = comparable(self.outlines[fingerprint].subject) if fingerprint in self.outlines else None
            if name is not None:
                self._alike.setdefault(name, []).append(fingerprint)

    def keys(self, name: bytes) -> dict[bytes, str]:
        """Return the distinct keys of the certificates with this subject, each with the first that has it.

        An empty name names nobody (RFC 5280, section 4.1.2.4).
        """
        if name not in self._keys:
            wanted = comparable(name)
            same = (*self._alike.get(wanted, ()), *self._exact.get(name, ())) if wanted else ()
            found: dict[bytes, str] = {}
            for fingerprint in same:
                found.setdefault(self.outlines[fingerprint].public_key, fingerprint)
            self._keys[name] = found
        return self._keys[name]


def claims(certificates: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which certificates say that they are a CA, or were not read well enough to tell."""
    says_ca, unread = certificates["is_ca"], certificates["parse_error"].notna()
    return (says_ca.fillna(False) | (says_ca.isna() & unread)).to_numpy(dtype=bool)


def library(certificates: pd.DataFrame, trust: pd.DataFrame, children: pd.Series) -> Library:
    """Return the children and what may have issued them, each certificate once.

    That is every CA, whatever stands in a list, and whatever has the very name of an issuer of a child.
    """
    says_ca = claims(certificates)
    child = places(certificates["fingerprint"], children) >= 0
    issuers = distinct(certificates["issuer"][child], trust["issuer"])
    kept = certificates[child | says_ca | (places(certificates["subject"], issuers) >= 0)]
    both = pd.concat([trust[["fingerprint", "der"]], kept[["fingerprint", "der"]]])
    both = both[both["fingerprint"].notna() & both["der"].notna()].drop_duplicates("fingerprint")
    der = dict(zip(both["fingerprint"], both["der"], strict=True))
    capable = distinct(trust["fingerprint"], certificates["fingerprint"][says_ca])
    return Library(der, capable.tolist())


def extend(known: pd.DataFrame | None, children: Collection[str], books: Library) -> pd.DataFrame:
    """Return the links that are known and those found by trying what is still untried for the children.

    A certificate's signature verifies under one key, so the search for it ends there.
    """
    links = empty(LINKS) if known is None else conform(known, LINKS)
    tried: dict[str, set[str]] = {}
    concerned = links[links["child"].isin(list(children))] if len(links) else links
    for child, issuer in zip(concerned["child"], concerned["issuer"], strict=True):
        tried.setdefault(child, set()).add(issuer)
    rows: list[tuple[str, str, bool | None]] = []
    pending: list[tuple[str, Iterator[str]]] = []
    for child in children:
        parts = books.outlines.get(child)
        if parts is None:
            continue
        if not usable(parts):
            if child not in tried:
                rows.append((child, child, None))
            continue
        keys = books.keys(parts.issuer)
        pending.append((child, iter(_in_order(parts, keys, tried.get(child, set()), books))))
    shared = _SHARED_TRIES
    for turn, size in enumerate(_TURNS):
        jobs = [(child, issuer) for child, untried in pending for issuer in islice(untried, size)]
        if turn >= _FREE_TURNS:
            jobs = jobs[:shared]
            shared -= len(jobs)
        if not jobs:
            break
        outlines = books.outlines
        answers = verify_pairs([(outlines[child], outlines[issuer].public_key) for child, issuer in jobs])
        rows += [(*job, answer) for job, answer in zip(jobs, answers, strict=True)]
        done = {child for (child, _), answer in zip(jobs, answers, strict=True) if answer}
        pending = [each for each in pending if each[0] not in done]
    new = pd.DataFrame(rows, columns=["child", "issuer", "verified"])
    return pd.concat([links, conform(new, LINKS)], ignore_index=True) if len(rows) else links


def _in_order(parts: Outline, keys: dict[bytes, str], tried: set[str], books: Library) -> Iterator[str]:
    """Yield one certificate for each key: the one that the child names by identifier first, then its own."""
    if len(keys) == 1 and not tried:
        yield from keys.values()
        return
    known = {books.outlines[each].public_key for each in tried if each in books.outlines}
    _, wanted = key_ids(parts)
    first = []
    if wanted is not None:
        first = [key for key, each in keys.items() if key_ids(books.outlines[each])[0] == wanted]
    own = [parts.public_key] if parts.public_key in keys else []
    for key in dict.fromkeys((*first, *own, *keys)):
        if key not in known:
            yield keys[key]
