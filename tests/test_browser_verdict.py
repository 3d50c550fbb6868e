"""hygiene.browser: compare with Chromium's verdicts on the same sites, and with cases made here."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import certtrust as ct
from certtrust.certificates.reading import from_der
from certtrust.schema import CERTIFICATES, TRUST, empty
from certtrust.trust import browser_verdict
from certtrust.trust.browser_policy import to_ca, to_entry, to_server

pytest.importorskip("asn1crypto")
from browser.pki import DAY, NOW, Issued, below, leaf, root
from browser.sites import Site, sites


def _attempt(url: str, chain: list[Issued], listed: list[Issued]) -> pd.DataFrame:
    certificates = from_der([issued.der for issued in chain])
    trust = (
        from_der([issued.der for issued in listed]) if listed else empty(CERTIFICATES)
    )
    return ct.browser_attempts(
        certificates, {str(certificates["fingerprint"].iloc[0]): url}, trust
    )


def _why(attempts: pd.DataFrame, moment: pd.Timestamp | None = None) -> str:
    at = pd.Timestamp.now("UTC") if moment is None else moment
    verdict = browser_verdict.browser_verdict(
        attempts, pd.Series(at.as_unit("us"), index=attempts.index)
    )
    return str(verdict["why"].iloc[0])


@pytest.fixture(scope="module")
def verdicts() -> dict[str, bool]:
    """Return the verdict on every site, judging the sites of each trust list together."""
    verdicts_by_site: dict[str, bool] = {}
    by_list: dict[tuple[bytes, ...], list[Site]] = {}
    for site in sites():
        by_list.setdefault(tuple(issued.der for issued in site.listed), []).append(
            site
        )
    for listed, sites_of_list in by_list.items():
        served = [
            (site.name, issued.der) for site in sites_of_list for issued in site.chain
        ]
        bundles = [name for name, _ in served]
        certificates = from_der(
            [der for _, der in served], source=bundles, bundle=bundles
        )
        urls = {
            hashlib.sha256(site.chain[0].der).hexdigest(): site.url
            for site in sites_of_list
        }
        results = ct.check(ct.browser_attempts(certificates, urls, from_der(listed)))
        by_url = dict(zip(results["url"], results["hygiene.browser"], strict=True))
        verdicts_by_site |= {
            site.name: bool(by_url[site.url]) for site in sites_of_list
        }
    return verdicts_by_site


@pytest.mark.parametrize("site", sites(), ids=lambda site: site.name)
def test_sites_as_a_chromium_judged_them(
    site: Site, verdicts: dict[str, bool]
) -> None:
    """Each verdict equals the one that Chromium gave when this was written."""
    assert verdicts[site.name] is site.opens


def test_every_reason_is_given() -> None:
    """Name, time, content and trust are separate reasons in one text."""
    stranger = root("Stranger")
    chain = [
        leaf(
            stranger,
            "other.example",
            hash_name="sha1",
            start=NOW - 9 * DAY,
            end=NOW - DAY,
        )
    ]
    why = _why(_attempt("https://phone.example/", chain, [root("Listed")]))
    assert "no entry of its subject alternative name matches phone.example" in why
    assert "signed with ecdsa-with-SHA1" in why
    assert "expired" in why
    assert "ends before its root" in why


def test_a_ca_that_browsers_refuse_is_named_with_its_reason() -> None:
    """The rule of the article is satisfied, but browsers object to a CA above the certificate."""
    top = root("Top")
    middle = below(top, "Middle", hash_name="sha1")
    attempts = _attempt(
        "https://phone.example/", [leaf(middle, "phone.example"), middle], [top]
    )
    assert attempts["trust_state"].tolist() == ["chain"]
    assert _why(attempts) == "a CA above it: it is signed with ecdsa-with-SHA1"


def test_browsers_refuse_a_listed_certificate_of_an_unlisted_ca() -> None:
    """The article accepts a listed certificate; browsers only do if it is self-signed."""
    presented = leaf(root("Unlisted"), "phone.example")
    attempts = _attempt("https://phone.example/", [presented], [presented])
    assert attempts["trust_state"].tolist() == ["listed"]
    assert ct.check(attempts)["hygiene.browser"].tolist() == [False]
    assert "only for self-signed certificates" in _why(attempts)


def test_a_listing_of_a_device_decides_nothing() -> None:
    """The listing of a device contains neither the alternative names nor the path."""
    good = _attempt(
        "https://phone.example/", [leaf(root("Top"), "phone.example")], []
    )
    listing = good.assign(
        fingerprint=pd.Series([None], dtype="str"),
        dns_names=pd.Series([[]], dtype="object"),
    )
    listing["browser_paths"] = browser_verdict.browser_paths(
        listing, empty(CERTIFICATES), empty(TRUST)
    )
    now = pd.Series(pd.Timestamp.now("UTC").as_unit("us"), index=listing.index)
    assert browser_verdict.browser_verdict(listing, now)["accepted"].isna().all()


def test_the_moment_counts() -> None:
    """An attempt is judged at other moments without reading the certificates again."""
    top = root("Top", end=NOW + 30 * DAY)
    attempts = _attempt(
        "https://phone.example/",
        [leaf(top, "phone.example", end=NOW + 60 * DAY)],
        [top],
    )
    moments = [NOW - 2 * DAY, NOW, NOW + 40 * DAY, NOW + 70 * DAY]
    verdicts = [
        ct.check(attempts, at=pd.Timestamp(at))["hygiene.browser"].iloc[0]
        for at in moments
    ]
    assert verdicts == [False, True, False, False]
    assert _why(attempts, pd.Timestamp(NOW - 2 * DAY)).startswith(
        "it is not valid yet"
    )


def test_an_empty_list_trusts_nobody() -> None:
    """An empty list means that the browser refuses, not that data are missing."""
    results = ct.check(
        _attempt("https://phone.example/", [leaf(root("Top"), "phone.example")], [])
    )
    assert results["hygiene.browser"].tolist() == [False]


def test_unknown_stays_unknown() -> None:
    """Without a host, a certificate or a moment there is no verdict, unless something else is
    wrong.
    """
    top = root("Top")
    good = _attempt("https://phone.example/", [leaf(top, "phone.example")], [top])
    now = pd.Series(pd.Timestamp.now("UTC").as_unit("us"), index=good.index)
    never = pd.Series(pd.NaT, index=good.index, dtype="datetime64[us, UTC]")
    no_url = good.assign(url=pd.Series([None], dtype="str"))
    no_view = good.assign(browser_paths=pd.Series([None], dtype="object"))
    assert browser_verdict.browser_verdict(good, now)["accepted"].tolist() == [True]
    for attempts, moment in ((no_url, now), (no_view, now), (good, never)):
        assert (
            browser_verdict.browser_verdict(attempts, moment)["accepted"].isna().all()
        )
    elsewhere = good.assign(url="https://elsewhere.example/")
    assert browser_verdict.browser_verdict(elsewhere, never)["accepted"].tolist() == [
        False
    ]


def test_many_attempts_keep_their_index_and_order() -> None:
    """Several URLs for several certificates give the same verdicts in any order."""
    top = root("Top")
    ders = [leaf(top, name).der for name in ("a.example", "b.example", "c.example")]
    certificates = from_der(ders, bundle=["a", "b", "c"], source=["a", "b", "c"])
    urls = ["https://a.example/", "https://x.example/", "https://c.example/"]
    attempts = ct.browser_attempts(certificates, urls, from_der([top.der]))
    assert ct.check(attempts.iloc[::-1])["hygiene.browser"].tolist() == [
        True,
        False,
        True,
    ]
    assert ct.check(attempts.iloc[:0])["hygiene.browser"].tolist() == []


_DER = leaf(
    root("Top"),
    "phone.example",
    usages=["server_auth"],
    key_usage=["digital_signature"],
).der
_POSITIONS = st.integers(0, len(_DER) - 1)


@given(
    st.lists(st.tuples(_POSITIONS, st.integers(0, 255)), max_size=4),
    st.one_of(st.none(), _POSITIONS),
)
def test_objections_survive_any_bytes(
    changes: list[tuple[int, int]], cut: int | None
) -> None:
    """Judging a changed certificate never raises, and one that is cut short is refused."""
    changed = bytearray(_DER)
    for position, octet in changes:
        changed[position] = octet
    for judge in (to_server, to_ca, to_entry):
        objection = judge(bytes(changed[:cut]))
        assert objection if cut is not None else isinstance(objection, str)
