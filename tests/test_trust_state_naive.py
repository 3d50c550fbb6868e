"""Compare the vectorised judgement with a definition that looks at one certificate, one list and
one path at a time.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pandas as pd
import pytest
from chain_builder import certificate, year
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples

from certtrust.certificates.reading import from_der
from certtrust.trust import trust_state
from certtrust.x509.signatures import verify

KINDS: list[dict[str, Any]] = [
    {"ca": True},
    {"ca": True, "cert_sign": True, "key_ids": True},
    {"ca": True, "last": 2022},
    {"ca": True, "first": 2030},
    {"ca": True, "path_length": 0},
    {"ca": True, "excluded": ("b.example.com",)},
    {"ca": True, "critical": "1.2.3.4"},
    {"ca": True, "cert_sign": False},
    {"ca": None},
    {"ca": False},
]
LEAF_KINDS: list[dict[str, Any]] = [
    {},
    {"dns": ("a.example.com",)},
    {"dns": ("b.example.com",)},
]
MOMENTS = [year(number) for number in (2021, 2026, 2035)]


@cache
def universe() -> tuple[list[bytes], list[bytes]]:
    """Return CAs with three names and two keys that sign each other in every way, and leaves
    below them.
    """
    signers = list(product("AB", (1, 2)))
    cas = [
        certificate(subject, issuer, own=own, signer=signer, **kind)
        for (subject, own), (issuer, signer), kind in product(
            [*signers, ("C", 1)], signers, KINDS
        )
    ]
    leaves = [
        certificate("L", issuer, own=own, signer=signer, ca=None, **kind)
        for (issuer, signer), own, kind in product(
            [*signers, ("L", 1), ("C", 1)], (1, 3), LEAF_KINDS
        )
    ]
    return cas, leaves


@cache
def loaded(der: bytes) -> x509.Certificate:
    """Return the certificate as the cryptography package reads it."""
    return x509.load_der_x509_certificate(der)


@cache
def signed(child: bytes, issuer: bytes) -> bool:
    """Return True where names and signature link the two."""
    return (
        loaded(child).issuer == loaded(issuer).subject
        and verify(child, issuer) is True
    )


def extension(der: bytes, kind: Any) -> Any:
    """Return an extension's value, or None."""
    try:
        return loaded(der).extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def usable(der: bytes) -> bool:
    """Return True where no unknown critical extension forbids the use."""
    return not any(
        isinstance(extension.value, x509.UnrecognizedExtension)
        for extension in loaded(der).extensions
    )


def says_ca(der: bytes) -> bool:
    """Return True where basicConstraints say that it is a CA."""
    basic = extension(der, x509.BasicConstraints)
    return basic is not None and basic.ca


@cache
def same_holder(first: bytes, second: bytes) -> bool:
    """Return True where two certificates have the same name and key."""
    keys = [
        loaded(der)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for der in (first, second)
    ]
    return keys[0] == keys[1] and loaded(first).subject == loaded(second).subject


def paths(
    leaf: bytes, available: set[bytes], path: tuple[bytes, ...] = ()
) -> Iterator[tuple[bytes, ...]]:
    """Yield all signed paths up from a leaf, valid or not, with no certificate twice."""
    for issuer in available - {leaf, *path}:
        if signed((leaf, *path)[-1], issuer):
            yield (*path, issuer)
            yield from paths(leaf, available, (*path, issuer))


def holds(leaf: bytes, path: tuple[bytes, ...], listed: set[bytes]) -> bool:
    """Return True where a path satisfies RFC 5280 and the article, leaving the time aside."""
    if path[-1] not in listed or not usable(leaf):
        return False
    for depth, der in enumerate(path):
        basic, usage, limits = (
            extension(der, kind)
            for kind in (x509.BasicConstraints, x509.KeyUsage, x509.NameConstraints)
        )
        below = [ca for ca in path[:depth] if loaded(ca).subject != loaded(ca).issuer]
        is_ca = basic.ca if basic else der in listed
        signs = usage is None or usage.key_cert_sign
        fits = (
            basic is None
            or basic.path_length is None
            or len(below) <= basic.path_length
        )
        names = extension(leaf, x509.SubjectAlternativeName)
        dns = names.get_values_for_type(x509.DNSName) if names else []
        excluded = limits is not None and "b.example.com" in dns
        if not (is_ca and signs and fits and usable(der)) or excluded:
            return False
    return True


def state(
    leaf: bytes, presented: set[bytes], listed: set[bytes], at: pd.Timestamp
) -> tuple[str, int]:
    """Return the trust state and the length of the shortest path."""
    if not usable(leaf):
        return "unreadable", 0
    if not listed:
        return "no trust list", 0
    if leaf in listed:
        return "listed", 0
    available = {ca for ca in presented | listed if not same_holder(leaf, ca)}
    trusted_paths = [
        path for path in paths(leaf, available) if holds(leaf, path, listed)
    ]
    valid = [
        len(path)
        for path in trusted_paths
        if all(
            loaded(ca).not_valid_before_utc <= at <= loaded(ca).not_valid_after_utc
            for ca in path
        )
    ]
    if valid:
        return "chain", min(valid)
    if trusted_paths:
        return "expired CA", 0
    return failure(leaf, available, listed), 0


def failure(leaf: bytes, available: set[bytes], listed: set[bytes]) -> str:
    """Return the reason why no path leads to the list."""
    if signed(leaf, leaf):
        return "self-signed"
    reached = {
        der
        for path in paths(leaf, available)
        if all(map(usable, path[:-1]))
        for der in path
    }
    unusable = any(not usable(der) and der in reached for der in available)
    if reached & listed or unusable:
        return "issuer is no CA"
    if any(signed(der, der) for der in reached):
        return "untrusted CA"
    ends = [
        der
        for der in (leaf, *reached)
        if not any(signed(der, other) for other in available - {leaf})
    ]
    others = {der for der in available - {leaf} if der in listed or says_ca(der)}
    broken = any(
        loaded(der).issuer == loaded(other).subject
        for der in ends
        for other in others
    )
    return "broken signature" if broken else "unknown CA"


@cache
def universe_rows() -> pd.DataFrame:
    """Return the universe as a table, read once."""
    cas, leaves = universe()
    return from_der([*cas, *leaves])


def frames(data: st.DataObject) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Draw bundles, trust lists, and the rows to judge."""
    size = len(universe_rows())
    cas = st.lists(st.integers(0, len(universe()[0]) - 1), max_size=3)
    parts = []
    for number in range(data.draw(st.integers(1, 3))):
        drawn = [size - 1 - data.draw(st.integers(0, size - 1)), *data.draw(cas)]
        parts.append(universe_rows().iloc[drawn].assign(bundle=str(number)))
    certificates = pd.concat(parts, ignore_index=True)
    entries = []
    for pbx in ("hq", "north", None):
        drawn = data.draw(
            cas if pbx else st.lists(st.integers(0, size - 1), max_size=1)
        )
        entries.append(
            universe_rows()
            .iloc[drawn]
            .assign(
                pbx=pd.Series(
                    [pbx] * len(drawn), universe_rows().index[drawn], dtype="str"
                )
            )
        )
    trust = pd.concat(entries, ignore_index=True)
    first = certificates.drop_duplicates("bundle")[["fingerprint", "bundle"]]
    questions = first.merge(
        pd.DataFrame({"pbx": pd.Series(["hq", "north", "south"], dtype="str")}),
        how="cross",
    )
    return certificates, trust, questions


STATES = (
    *(
        "unreadable",
        "no trust list",
        "listed",
        "chain",
        "self-signed",
        "expired CA",
        "issuer is no CA",
    ),
    *("untrusted CA", "broken signature", "unknown CA"),
)
"""A certificate that arrived with several chains has the first of the states that they give."""


def check(data: st.DataObject) -> None:
    """Compare state and path of every row at every moment."""
    certificates, trust, questions = frames(data)
    der = dict(
        zip(universe_rows()["fingerprint"], universe_rows()["der"], strict=True)
    )
    bundles = certificates.groupby("bundle")["der"].agg(set)
    links = (
        trust_state.link(certificates, trust) if data.draw(st.booleans()) else None
    )
    answer = questions.join(trust_state.judge(questions, certificates, trust, links))
    for moment in MOMENTS:
        at = pd.Series(moment, questions.index)
        judged = answer.join(trust_state.trust_at(answer, at)).assign(
            path=trust_state.path_at(answer, at)
        )
        for row in judged.itertuples():
            entries = trust.loc[
                trust["pbx"].isna() | (trust["pbx"] == row.pbx), "fingerprint"
            ]
            listed = {der[fingerprint] for fingerprint in entries}
            leaf = der[row.fingerprint]
            arrived_in = [bundle for bundle in bundles if leaf in bundle]
            outcomes = [state(leaf, bundle, listed, moment) for bundle in arrived_in]
            expected, length = min(
                outcomes, key=lambda outcome: (STATES.index(outcome[0]), outcome[1])
            )
            assert row.trust_state == expected
            if expected == "chain":
                assert len(row.path) == length + 1
                assert holds(
                    leaf,
                    tuple(der[fingerprint] for fingerprint in row.path[1:]),
                    listed,
                )
            assert (
                (row.trusted_by == row.path[-1])
                if row.path
                else pd.isna(row.trusted_by)
            )


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_the_judgement_equals_the_naive_one(data):
    """They agree on states and paths at every moment, for small graphs with loops, twins,
    impostors and every kind of CA.
    """
    check(data)


@pytest.mark.exhaustive
@settings(max_examples=examples(5000), deadline=None)
@given(st.data())
def test_the_judgement_equals_the_naive_one_on_many_graphs(data):
    """They agree on many more graphs."""
    check(data)
