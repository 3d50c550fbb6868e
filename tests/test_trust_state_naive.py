"""The vectorised judgement against a definition that takes one certificate, one list and one
path at a time.
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
MOMENTS = [year(each) for each in (2021, 2026, 2035)]


@cache
def universe() -> tuple[list[bytes], list[bytes]]:
    """Return all CAs of three names and two keys that sign each other in every way, and leaves
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
    """Tell whether names and signature link the two."""
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
    """Tell whether no unknown critical extension forbids the use."""
    return not any(
        isinstance(each.value, x509.UnrecognizedExtension)
        for each in loaded(der).extensions
    )


def says_ca(der: bytes) -> bool:
    """Tell whether basicConstraints says CA."""
    basic = extension(der, x509.BasicConstraints)
    return basic is not None and basic.ca


@cache
def same_holder(one: bytes, other: bytes) -> bool:
    """Return whether two certificates have the same name and key."""
    keys = [
        loaded(each)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for each in (one, other)
    ]
    return keys[0] == keys[1] and loaded(one).subject == loaded(other).subject


def paths(
    leaf: bytes, there: set[bytes], path: tuple[bytes, ...] = ()
) -> Iterator[tuple[bytes, ...]]:
    """Yield all ways up from a certificate, however wrong, each certificate at most once."""
    for each in there - {leaf, *path}:
        if signed((leaf, *path)[-1], each):
            yield (*path, each)
            yield from paths(leaf, there, (*path, each))


def holds(leaf: bytes, path: tuple[bytes, ...], listed: set[bytes]) -> bool:
    """Tell whether a path is one by RFC 5280 and the page, whatever the time."""
    if path[-1] not in listed or not usable(leaf):
        return False
    for place, der in enumerate(path):
        basic, usage, limits = (
            extension(der, kind)
            for kind in (x509.BasicConstraints, x509.KeyUsage, x509.NameConstraints)
        )
        below = [
            each
            for each in path[:place]
            if loaded(each).subject != loaded(each).issuer
        ]
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
    there = {each for each in presented | listed if not same_holder(leaf, each)}
    found = [path for path in paths(leaf, there) if holds(leaf, path, listed)]
    valid = [
        len(path)
        for path in found
        if all(
            loaded(each).not_valid_before_utc
            <= at
            <= loaded(each).not_valid_after_utc
            for each in path
        )
    ]
    if valid:
        return "chain", min(valid)
    if found:
        return "expired CA", 0
    return failure(leaf, there, listed), 0


def failure(leaf: bytes, there: set[bytes], listed: set[bytes]) -> str:
    """Return why nothing leads to the list."""
    if signed(leaf, leaf):
        return "self-signed"
    reached = {
        each
        for path in paths(leaf, there)
        if all(map(usable, path[:-1]))
        for each in path
    }
    unusable = any(not usable(each) and each in reached for each in there)
    if reached & listed or unusable:
        return "issuer is no CA"
    if any(signed(each, each) for each in reached):
        return "untrusted CA"
    ends = [
        each
        for each in (leaf, *reached)
        if not any(signed(each, other) for other in there - {leaf})
    ]
    others = {each for each in there - {leaf} if each in listed or says_ca(each)}
    broken = any(
        loaded(each).issuer == loaded(other).subject
        for each in ends
        for other in others
    )
    return "broken signature" if broken else "unknown CA"


@cache
def rows() -> pd.DataFrame:
    """Return the universe as a table, read once."""
    cas, leaves = universe()
    return from_der([*cas, *leaves])


def frames(data: st.DataObject) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Draw bundles, trust lists, and the questions."""
    whole = len(rows())
    cas = st.lists(st.integers(0, len(universe()[0]) - 1), max_size=3)
    parts = []
    for place in range(data.draw(st.integers(1, 3))):
        drawn = [whole - 1 - data.draw(st.integers(0, whole - 1)), *data.draw(cas)]
        parts.append(rows().iloc[drawn].assign(bundle=str(place)))
    certificates = pd.concat(parts, ignore_index=True)
    entries = []
    for pbx in ("hq", "north", None):
        drawn = data.draw(
            cas if pbx else st.lists(st.integers(0, whole - 1), max_size=1)
        )
        entries.append(
            rows()
            .iloc[drawn]
            .assign(
                pbx=pd.Series([pbx] * len(drawn), rows().index[drawn], dtype="str")
            )
        )
    trust = pd.concat(entries, ignore_index=True)
    first = certificates.drop_duplicates("bundle")[["fingerprint", "bundle"]]
    question = first.merge(
        pd.DataFrame({"pbx": pd.Series(["hq", "north", "south"], dtype="str")}),
        how="cross",
    )
    return certificates, trust, question


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
"""Of a certificate that arrived with several chains, the first of these is its state."""


def check(data: st.DataObject) -> None:
    """Compare state and path of every question at every moment."""
    certificates, trust, question = frames(data)
    der = dict(zip(rows()["fingerprint"], rows()["der"], strict=True))
    bundles = certificates.groupby("bundle")["der"].agg(set)
    links = (
        trust_state.link(certificates, trust) if data.draw(st.booleans()) else None
    )
    answer = question.join(trust_state.judge(question, certificates, trust, links))
    for moment in MOMENTS:
        at = pd.Series(moment, question.index)
        judged = answer.join(trust_state.trust_at(answer, at)).assign(
            path=trust_state.path_at(answer, at)
        )
        for row in judged.itertuples():
            entries = trust.loc[
                trust["pbx"].isna() | (trust["pbx"] == row.pbx), "fingerprint"
            ]
            listed = {der[each] for each in entries}
            leaf = der[row.fingerprint]
            arrived = [bundle for bundle in bundles if leaf in bundle]
            found = [state(leaf, bundle, listed, moment) for bundle in arrived]
            expected, length = min(
                found, key=lambda one: (STATES.index(one[0]), one[1])
            )
            assert row.trust_state == expected
            if expected == "chain":
                assert len(row.path) == length + 1
                assert holds(leaf, tuple(der[each] for each in row.path[1:]), listed)
            assert (
                (row.trusted_by == row.path[-1])
                if row.path
                else pd.isna(row.trusted_by)
            )


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_the_judgement_equals_the_naive_one(data):
    """States, paths and moments of small graphs with loops, twins, impostors and every kind of
    CA.
    """
    check(data)


@pytest.mark.exhaustive
@settings(max_examples=examples(5000), deadline=None)
@given(st.data())
def test_the_judgement_equals_the_naive_one_on_many_graphs(data):
    """The same on many more."""
    check(data)
