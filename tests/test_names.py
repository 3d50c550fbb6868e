"""Names: hosts of URLs, registration names and the table of all names, by cases written by hand
and by properties.
"""

from __future__ import annotations

import re
import unicodedata

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrust.errors import CerttrustError
from certtrust.names import certificate_names, hosts, matching
from certtrust.names.device_ids import HARDWARE_ID, SERIAL


def _matches(pattern: str, host: str, kind: matching.Kind = "dns") -> bool:
    return bool(matching.host_matches([pattern], [host], kind=kind).iloc[0])


@pytest.mark.parametrize(
    ("pattern", "host"),
    [
        ("phone.example.com", "PHONE.example.COM"),
        ("Phone.Example.Com", "phone.example.com."),
        ("phone.example.com.", "phone.example.com"),
        ("phone.example.com", "phone.example.com:8443"),
        ("phone.example.com", "phone.example.com:"),
        ("*.example.com", "a_b.example.com"),
        ("*.example.com", "bücher.example.com"),
        ("*.good--example.com", "www.good--example.com"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "bu\u0308cher.EXAMPLE"),
        ("example.com", "example\u3002com"),
        ("www.example.com", "www%2Eexample.com"),
        ("phone", "phone"),
        ("192.0.2.7", "192.0.2.7:443"),
        ("192.0.2.7", "0xc0.0.0x207"),
        ("2001:DB8::1", "[2001:db8:0:0::1]:443"),
        ("fe80::1", "[fe80::1%25eth0]"),
    ],
)
def test_a_name_fits(pattern: str, host: str) -> None:
    """Case, one final dot, ports, brackets, IDNA and the spelling of an address do not matter."""
    assert _matches(pattern, host)


@pytest.mark.parametrize(
    ("pattern", "host"),
    [
        ("", ""),
        ("", "a"),
        (".", "."),
        ("*", "a"),
        ("*.com", "example.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("*.example.com", ".example.com"),
        ("*.example.com", "*.example.com"),
        ("w*.example.com", "www.example.com"),
        ("*w.example.com", "www.example.com"),
        ("a.*.com", "a.b.com"),
        ("*.*.com", "a.b.com"),
        ("**.example.com", "a.example.com"),
        ("example.com..", "example.com"),
        ("example.com", "example.com.."),
        ("example.com", "example.com.evil"),
        ("example.com\x00.evil", "example.com"),
        (" example.com", "example.com"),
        ("example.com ", "example.com"),
        ("https://example.com", "example.com"),
        ("example.com:443", "example.com:443"),
        ("user@example.com", "user@example.com"),
        ("\uff45xample.com", "example.com"),
        ("example\u3002com", "example.com"),
        ("exam\xadple.com", "example.com"),
        ("a" * 64, "a" * 64),
        ("*.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7.example"),
        ("192.0.2.7", "[::ffff:192.0.2.7]"),
        ("192.0.2.07", "192.0.2.7"),
        ("0xc0000207", "192.0.2.7"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        ("[::1]", "[::1]"),
        ("::1%eth0", "[::1]"),
        ("example.com", "example.com:8o"),
    ],
)
def test_a_name_does_not_fit(pattern: str, host: str) -> None:
    """Malformed names match nothing, a wildcard stands for exactly the leftmost label, and
    addresses are no names.
    """
    assert not _matches(pattern, host)
    assert not _matches(pattern, host, "cn")


def test_iPAddress_entries_are_addresses_only() -> None:  # noqa: N802
    """In an iPAddress entry, only an address matches an address."""
    patterns = [
        "192.0.2.7",
        "2001:db8::1",
        "phone",
        "192.0.2.7",
        "*.example.com",
        "0:0:0:0:0:0:0:1",
    ]
    urls = ["192.0.2.7", "[2001:DB8::1]", "phone", "phone", "a.example.com", "::1"]
    assert matching.host_matches(patterns, urls, kind="ip").tolist() == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


def test_missing_on_either_side_is_missing() -> None:
    """An unknown value is neither a match nor a mismatch; the index is that of the patterns."""
    patterns = pd.Series(["a", None, None], index=[7, 8, 9], dtype="str")
    matches = matching.host_matches(
        patterns, pd.Series([None, "a", None], dtype="str")
    )
    assert matches.isna().all()
    assert matches.index.tolist() == [7, 8, 9]
    assert matches.dtype == "boolean"


def test_wrong_calls_are_named() -> None:
    """An unknown kind and lists of different lengths are the caller's mistakes."""
    with pytest.raises(CerttrustError, match="kind is 'uri'"):
        matching.host_matches(["a"], ["a"], kind="uri")  # type: ignore[arg-type]
    with pytest.raises(CerttrustError, match="1 values and hosts 2"):
        matching.host_matches(["a"], ["a", "b"])
    with pytest.raises(CerttrustError, match="2 values and common_names 1"):
        matching.begins_with_cn(["a", "b"], ["a"])


LABELS = st.sampled_from(
    [
        "a",
        "b",
        "com",
        "*",
        "w*",
        "",
        "xn--bcher-kva",
        "bücher",
        "BÜCHER",
        "1",
        "0x7f",
        "255",
        "ß",
        "☺",
    ]
)
NAMES = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.sampled_from(
        [
            "192.0.2.7",
            "::1",
            "[::1]",
            "[::1]:443",
            "1.2",
            "a.b:8443",
            "a%2eb",
            "\x00",
            "\ud800",
            "\u202e",
        ]
    ),
    st.text(max_size=12),
    st.ip_addresses().map(str),
    st.none(),
)


def _defined(pattern: str | None, host: str | None) -> bool | None:
    """Return in plain Python for one pair what `host_matches` returns for many."""
    if pattern is None or host is None:
        return None
    presented = hosts.pattern(pattern.encode(errors="replace").decode())
    wanted = hosts.host(host.encode(errors="replace").decode())
    if presented is None or wanted is None:
        return False
    if presented.startswith("*."):
        return (
            hosts.address(wanted) is None
            and wanted.partition(".")[2] == presented[2:]
        )
    return presented == wanted


@given(st.lists(st.tuples(NAMES, NAMES), max_size=20), st.booleans())
def test_vectorised_hosts_equal_the_definition(
    pairs: list[tuple[str | None, str | None]], same: bool
) -> None:
    """For any text the columns agree with the definition row by row, and nothing raises."""
    patterns = [pattern for pattern, _ in pairs]
    urls = patterns if same else [host for _, host in pairs]
    matches = matching.host_matches(
        pd.Series(patterns, dtype="object"), pd.Series(urls, dtype="object")
    )
    expected = [
        _defined(pattern, host) for pattern, host in zip(patterns, urls, strict=True)
    ]
    assert [None if value is pd.NA else bool(value) for value in matches] == expected


@given(NAMES)
def test_a_normalised_host_stays_as_it_is(value: str | None) -> None:
    """A host that was normalised does not change when it is read again."""
    if (
        value is not None
        and (spelled := hosts.host(value.encode(errors="replace").decode()))
        is not None
    ):
        assert hosts.host(spelled) == spelled
        assert hosts.pattern(spelled) == spelled


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://phone.example/", "phone.example"),
        ("HTTPS://Phone.example:8443/a?b#c", "Phone.example"),
        ("wss://[2001:db8::1]:443/ws", "[2001:db8::1]"),
        ("https://admin:secret@192.0.2.7/", "192.0.2.7"),
        ("https://a@b@phone.example/", "phone.example"),
        ("https://phone.example?x=@evil.example", "phone.example"),
        ("https://phone.example\\@evil.example/", "phone.example"),
        ("  https://phone.example  ", "phone.example"),
        ("phone.example:8443", "phone.example"),
        ("phone.example/admin", "phone.example"),
        ("//phone.example/x", "phone.example"),
        ("https://bücher.example./", "bücher.example."),
        ("https:///", None),
        ("https://:443/", None),
        ("", None),
        (None, None),
    ],
)
def test_hosts_of_urls(url: str | None, host: str | None) -> None:
    """The host is the one that a browser would use, whatever surrounds it."""
    url_hosts = matching.url_hosts(pd.Series([url], dtype="str"))
    assert url_hosts.tolist() == [host] if host else url_hosts.isna().all()


@pytest.mark.parametrize(
    ("name", "cn", "begins"),
    [
        ("0090332f688a", "0090332f688a", True),
        ("009033010203-TEL1", "009033010203", True),
        ("IP222-2f-68-8a", "IP222-2f-68-8a", True),
        ("IP222-2f-68-8a", "ip222-2F-68-8A", True),
        ("ip29-2-01-02-03", "IP29-2-01-02-03", True),
        ("0090332f688a", "0090332F688A", True),
        ("0090332F688A-TEL1", "00:90:33:2f:68:8a", True),
        ("00-90-33-2f-68-8a", "0090332f688a", True),
        ("00-90-33-2f-68-8a", "00-90-33", True),
        ("0090.332f.688a", "0090332F688a", True),
        ("user10", "user1", True),
        ("müller-1", "mu\u0308ller", True),
        ("user1", "User1", False),
        ("user1", "user10", False),
        ("user1", "", False),
        ("user1", " ", False),
        ("user1", " user1", False),
        ("user1 ", "user1 ", True),
        ("\x00user1", "\x00", False),
        ("user1", "user1\x00", False),
        ("caf\ufffd", "caf\ufffd", False),
        ("cafe\u0301", "cafe", False),
        ("0090332f688a", "IP222-2f-68-8a", False),
        ("0090332f688b", "0090332f688a", False),
        ("", "a", False),
    ],
)
def test_the_name_starts_with_the_cn(name: str, cn: str, begins: bool) -> None:
    """The prefix is exact, apart from the spelling of a serial or hardware ID; empty and
    unreadable CNs never match.
    """
    assert matching.begins_with_cn([name], [cn]).tolist() == [begins]


def test_missing_names_and_missing_cns() -> None:
    """A missing CN matches no name; where the name is missing, any real CN is undecided."""
    begins = matching.begins_with_cn(["a", None, None, None], [None, "a", None, ""])
    assert begins.astype("object").tolist() == [False, pd.NA, False, False]


TEXTS = st.one_of(
    st.none(),
    st.text(st.sampled_from("a1-: \x00é\u0301\ufffd"), max_size=6),
    st.from_regex(SERIAL, fullmatch=True),
    st.from_regex(HARDWARE_ID, fullmatch=True),
    st.sampled_from(
        [
            "0090332f688a",
            "00:90:33:2F:68:8a",
            "0090332F688A-TEL1",
            "IP222-2f-68-8a",
            "ip222-2F",
            "\ud800",
        ]
    ),
)


def _folded(text: str) -> str:
    lower = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    mac = re.match(
        r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", lower
    )
    return re.sub("[:.-]", "", mac[0]) + lower[mac.end() :] if mac else lower


def _begins(name: str | None, cn: str | None) -> bool | None:
    """Return in plain Python for one pair what `begins_with_cn` returns for many."""
    if cn is None or not cn.strip() or "\x00" in cn or "\ufffd" in cn:
        return False
    if name is None:
        return None
    name, cn = (
        unicodedata.normalize("NFC", value.encode(errors="replace").decode())
        for value in (name, cn)
    )
    own = re.fullmatch(HARDWARE_ID, name) or re.match(
        rf"(?:{SERIAL})(?![0-9A-Za-z])", name
    )
    return name.startswith(cn) or bool(own and _folded(name).startswith(_folded(cn)))


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=20), st.booleans())
def test_vectorised_prefixes_equal_the_definition(
    pairs: list[tuple[str | None, str | None]], same: bool
) -> None:
    """For any text the columns agree with the definition row by row, and nothing raises."""
    registered = [name for name, _ in pairs]
    cns = registered if same else [cn for _, cn in pairs]
    begins = matching.begins_with_cn(
        pd.Series(registered, dtype="object"), pd.Series(cns, dtype="object")
    )
    expected = [_begins(name, cn) for name, cn in zip(registered, cns, strict=True)]
    assert [None if value is pd.NA else bool(value) for value in begins] == expected
    inside = matching.ends_inside(
        pd.Series(registered, dtype="object"), pd.Series(cns, dtype="object")
    )
    assert (inside.isna() == begins.isna()).all()
    assert not (inside & ~begins).fillna(value=False).any()


@pytest.mark.parametrize(
    ("name", "cn", "inside"),
    [
        ("user10", "user1", True),
        ("user1", "user1", False),
        ("user-10", "user", False),
        ("user-10", "user-", False),
        ("IP222-2f-68-8a", "IP222", True),
        ("IP222-2f-68-8a", "IP222-2f-68-8A", False),
        ("IP811-25-0d-3f-TEL1", "IP811", True),
        ("IP811-25-0d-3f-TEL1", "IP811-25-0d-3f", False),
        ("Swphone_ada", "Swphone", True),
        ("Swphone_ada", "Swphone_", True),
        ("0090332f688a", "009033", True),
        ("0090332f688a-TEL1", "00:90:33:2F:68:8A", False),
        ("0090332f688a-TEL12", "0090332f688a-TEL1", True),
        ("00:90:33:2f:68:8a", "0090332f688a", False),
        ("0090332f688abc", "0090332f688a", True),
        ("other", "user1", False),
    ],
)
def test_a_match_that_ends_inside_a_name(name: str, cn: str, inside: bool) -> None:
    """A CN that ends at a boundary of the name is fine; one that ends within a word matches
    other devices too.
    """
    assert matching.ends_inside([name], [cn]).tolist() == [inside]


def _attempt(**columns: object) -> pd.DataFrame:
    text = (
        "registration_name",
        "hardware_id",
        "serial",
        "interface",
        "subject_cn",
        "subject",
        "url",
    )
    row = {**dict.fromkeys(text), "dns_names": [], "ip_addresses": [], **columns}
    return pd.DataFrame([row]).astype(dict.fromkeys(text, "str"))


@pytest.mark.parametrize(
    ("columns", "fits"),
    [
        ({"registration_name": "0090332f688a", "subject_cn": "0090332f688a"}, True),
        ({"registration_name": "reception", "subject_cn": "0090332f688a"}, False),
        ({"serial": "0090332f688a", "subject_cn": "0090332f688a"}, True),
        (
            {
                "serial": "009033010203",
                "interface": "TEL1",
                "subject_cn": "009033010203-TEL1",
            },
            True,
        ),
        (
            {
                "serial": "009033010203",
                "interface": "TEL1",
                "subject_cn": "009033010203-TEL2",
            },
            False,
        ),
        (
            {
                "registration_name": "reception",
                "serial": "0090332f688a",
                "subject_cn": "0090332f688a",
            },
            False,
        ),
        (
            {
                "registration_name": "0090332f688a",
                "hardware_id": "IP222-2f-68-8a",
                "subject_cn": "IP222-2f-68-8a",
            },
            True,
        ),
        (
            {
                "registration_name": "0090332f688a",
                "hardware_id": "IP240-2f-68-8a",
                "subject_cn": "IP222-2f-68-8a",
            },
            False,
        ),
        ({"registration_name": "0090332f688a", "subject_cn": "IP222-2f-68-8a"}, True),
        (
            {
                "registration_name": "0090332f688a-TEL1",
                "subject_cn": "IP222-2f-68-8a",
            },
            True,
        ),
        (
            {"registration_name": "0090332f688a", "subject_cn": "IP222-2f-68-8b"},
            False,
        ),
        ({"hardware_id": "IP222-2f-68-8a", "subject_cn": "0090332f688a"}, True),
        (
            {
                "registration_name": "IP222-2f-68-8a",
                "serial": "0090332f688a",
                "subject_cn": "0090332f688a",
            },
            True,
        ),
        (
            {
                "registration_name": "IP222-2f-68-8a",
                "serial": "0290332f688a",
                "subject_cn": "0090332f688a",
            },
            False,
        ),
        (
            {
                "registration_name": "IP222-2f-68-8a",
                "serial": "0090332f688a",
                "subject_cn": "009033",
            },
            True,
        ),
        (
            {
                "registration_name": "IP222-2f-68-8a",
                "serial": "0090332f688b",
                "subject_cn": "009033",
            },
            False,
        ),
        (
            {
                "hardware_id": "IP222-2f-68-8a",
                "serial": "0090332f688a",
                "subject_cn": "009033",
            },
            True,
        ),
        (
            {
                "registration_name": "reception",
                "serial": "0090332f688a",
                "hardware_id": "IP222-2f-68-8a",
                "subject_cn": "0090332f688a",
            },
            False,
        ),
        ({"hardware_id": "Swphone_user0", "subject_cn": "Swphone_user0"}, True),
        ({"subject_cn": "0090332f688a"}, None),
        ({"registration_name": "0090332f688a", "subject": "O=Example"}, False),
        (
            {"registration_name": "0090332f688a", "subject": "CN=", "subject_cn": ""},
            False,
        ),
        ({"subject": "CN=", "subject_cn": ""}, False),
        ({"registration_name": "0090332f688a"}, None),
        (
            {
                "registration_name": "a",
                "subject": "CN=b",
                "subject_cn": "b",
                "certificate_error": "subject: odd",
            },
            None,
        ),
        (
            {
                "registration_name": "a",
                "subject": "CN=a",
                "subject_cn": "a",
                "certificate_error": "certificate: ",
            },
            None,
        ),
        (
            {
                "registration_name": "lobby",
                "subject": "CN=phone,CN=lobby",
                "subject_cn": "phone",
            },
            True,
        ),
        (
            {
                "registration_name": "fake",
                "subject": r"O=x\,CN=fake,CN=phone",
                "subject_cn": "phone",
            },
            False,
        ),
    ],
)
def test_certificates_and_registrations(
    columns: dict[str, str], fits: bool | None
) -> None:
    """The name has to begin with a CN; serial and hardware ID are equivalent as a device's own
    name.
    """
    verdict = matching.certificate_fits_registration(_attempt(**columns)).iloc[0]
    assert (None if verdict is pd.NA else bool(verdict)) is fits


SERIAL_KNOWN = {"serial": "0090332f688a"}
HARDWARE_ID_KNOWN = {"hardware_id": "IP222-2f-68-8a"}
BOTH_KNOWN = SERIAL_KNOWN | HARDWARE_ID_KNOWN


@pytest.mark.parametrize(
    ("cn", "name", "also", "fits", "inferred_from"),
    [
        ("0090332f688a", "0090332f688a", {}, True, None),
        ("0090332f688a", "0090332f688a-TEL1", {}, True, None),
        ("0090332f688a", None, SERIAL_KNOWN, True, None),
        ("IP222-2f-68-8a", "0090332f688a", {}, True, "serial"),
        ("IP222-2f-68-8a", None, SERIAL_KNOWN, True, "serial"),
        ("IP222-2f-68-8a", "0090332f688a-TEL1", SERIAL_KNOWN, True, "serial"),
        ("0090332f688a", "IP222-2f-68-8a-TEL1", SERIAL_KNOWN, True, None),
        (
            "0090332f688a",
            "IP222-2f-68-8a-TEL1",
            {"interface": "TEL1"},
            True,
            "hardware ID",
        ),
        ("0090332f688a", "IP222-2f-68-8a-TEL1", {"interface": "TEL2"}, False, None),
        ("IP222-2f-68-8a", "0090332f688a", BOTH_KNOWN, True, None),
        ("ip222-2F-68-8A", "0090332F688A", BOTH_KNOWN, True, None),
        ("IP222-2f-68-8a", "0090332f6800", {"serial": "0090332f6800"}, False, None),
        ("IP222-2f-68-8a", "0090332f6800", BOTH_KNOWN, False, None),
        ("0090332f688a", "IP222-2f-68-8a", {}, True, "hardware ID"),
        ("0090332f688a", None, HARDWARE_ID_KNOWN, True, "hardware ID"),
        ("0090332f688a", "IP222-2f-68-8a", SERIAL_KNOWN, True, None),
        (
            "0090332f688a",
            "IP222-2f-68-8a",
            {"device": "0090332f688a"},
            True,
            "hardware ID",
        ),
        ("0290332f688a", "IP222-2f-68-8a", {"device": "0090332f688a"}, False, None),
        ("0290332f688a", "IP222-2f-68-8a", SERIAL_KNOWN, False, None),
        ("0090332f68", "IP222-2f-68-8a", {}, None, None),
        ("0090332f69", "IP222-2f-68-8a", {}, False, None),
        ("IP222", "0090332f688a", {}, None, None),
        ("IP222-", "0090332f688a", {}, None, None),
        ("IP222", "0090332f688a", BOTH_KNOWN, True, None),
        ("IP222", "0090332f688a", {"hardware_id": "IP111-2f-68-8a"}, False, None),
        ("IP222", None, HARDWARE_ID_KNOWN, True, None),
        ("phone.example.com", "0090332f688a", {}, False, None),
        ("0090332f688a", "room-1", BOTH_KNOWN, False, None),
        ("IP222-2f-68-8a", "room-1", BOTH_KNOWN, False, None),
        ("IP222-2f-68-8a", "room-1", {}, False, None),
        ("room", "room-1", BOTH_KNOWN, True, None),
        ("Room", "room-1", BOTH_KNOWN, False, None),
        ("Swphone_ada", "SWPHONE_ADA", {"hardware_id": "Swphone_ada"}, True, None),
        ("swphone", "Swphone_ada", {"hardware_id": "Swphone_ada"}, True, None),
        ("Swphone_ada", "ada", {"hardware_id": "Swphone_ada"}, False, None),
        ("Swphone_ada", None, {"hardware_id": "SWPHONE_ADA"}, True, None),
        ("Swphone_ada", "SWPHONE_ADA", {}, True, None),
        ("Ada", "ADA", {}, False, None),
        ("Ada", "ADA", {"hardware_id": "ada"}, True, None),
        ("0090332f688a", None, {}, None, None),
    ],
)
def test_a_serial_and_a_hardware_id_are_one_name(
    cn: str,
    name: str | None,
    also: dict[str, str],
    fits: bool | None,
    inferred_from: str | None,
) -> None:
    """A device that registers with either passes with either; a chosen name has to match
    itself.
    """
    attempt = _attempt(registration_name=name, subject_cn=cn, **also)
    fit = matching.registration_fit(
        attempt.astype({"device": "str"} if "device" in also else {})
    ).iloc[0]
    assert (None if fit["fits"] is pd.NA else bool(fit["fits"])) is fits
    assert (
        None if pd.isna(fit["inferred_from"]) else fit["inferred_from"]
    ) == inferred_from


@pytest.mark.parametrize(
    ("columns", "fits"),
    [
        (
            {
                "url": "https://phone.example/",
                "subject": "CN=phone.example",
                "subject_cn": "phone.example",
            },
            True,
        ),
        (
            {
                "url": "https://phone.example/",
                "subject": "",
                "dns_names": ["a.example", "phone.example"],
            },
            True,
        ),
        (
            {
                "url": "https://192.0.2.7/",
                "subject": "",
                "ip_addresses": ["192.0.2.7"],
            },
            True,
        ),
        (
            {
                "url": "https://192.0.2.7/",
                "subject": "CN=192.0.2.7",
                "subject_cn": "192.0.2.7",
            },
            True,
        ),
        (
            {"url": "https://192.0.2.7/", "subject": "", "dns_names": ["192.0.2.7"]},
            True,
        ),
        ({"url": "wss://[::1]:443/x", "subject": "", "ip_addresses": ["::1"]}, True),
        (
            {
                "url": "https://a.example/",
                "subject": "CN=b.example,CN=a.example",
                "subject_cn": "b.example",
            },
            True,
        ),
        (
            {
                "url": "https://a.example/",
                "subject": r"O=x\,CN=a.example,CN=b",
                "subject_cn": "b",
            },
            False,
        ),
        ({"url": "https://a.example/", "subject": "CN=b", "subject_cn": "b"}, False),
        ({"url": "https://a.example/", "subject": ""}, False),
        ({"url": "https://a.example/"}, None),
        ({"url": None, "subject": "CN=b", "subject_cn": "b"}, None),
        (
            {
                "url": "https://a.example/",
                "subject": "",
                "certificate_error": "extension 2.5.29.17: invalid",
            },
            None,
        ),
        (
            {
                "url": "https://a.example/",
                "subject": "",
                "certificate_error": "extension 2.5.29.31: invalid",
            },
            False,
        ),
        (
            {
                "url": "https://a.example/",
                "subject": "",
                "certificate_error": "subject_public_key: cut short",
            },
            False,
        ),
        (
            {
                "url": "https://a/",
                "subject": "CN=a",
                "subject_cn": "a",
                "certificate_error": "subject: odd",
            },
            True,
        ),
        (
            {
                "url": "https://a/",
                "subject": "CN=a",
                "subject_cn": "a",
                "certificate_error": "certificate: odd",
            },
            None,
        ),
        (
            {
                "url": "https://a/",
                "subject": "CN=b",
                "subject_cn": "b",
                "fingerprint": None,
            },
            None,
        ),
        (
            {
                "url": "https://a/",
                "subject": "CN=a",
                "subject_cn": "a",
                "fingerprint": None,
            },
            True,
        ),
        (
            {
                "url": "https://a/",
                "subject": "CN=a+CN=c,CN=b",
                "subject_cn": "c",
                "fingerprint": "00",
            },
            True,
        ),
        (
            {
                "url": "https://1.2.3.4.5/",
                "subject": "CN=1.2.3.4.5",
                "subject_cn": "1.2.3.4.5",
            },
            False,
        ),
    ],
)
def test_certificates_and_urls(columns: dict[str, object], fits: bool | None) -> None:
    """Any CN, DNS name or address suffices; unread names leave the verdict undecided."""
    verdict = matching.certificate_fits_url(_attempt(**columns)).iloc[0]
    assert (None if verdict is pd.NA else bool(verdict)) is fits


def test_empty_frames() -> None:
    """No rows give no rows."""
    empty = _attempt().iloc[:0]
    assert matching.certificate_fits_url(empty).empty
    assert matching.certificate_fits_registration(empty).empty
    assert certificate_names(empty).empty
    assert matching.host_matches([], []).empty
    assert matching.ends_inside([], []).empty


def test_every_name_of_every_certificate_is_a_row() -> None:
    """There is one row per name, by certificate, with the certificate's label as index."""
    frame = pd.DataFrame(
        {
            "fingerprint": ["f0", "f1", "f2"],
            "device": ["d0", None, "d2"],
            "subject": [r"CN=a\2Cb\\,CN=caf\C3\A9+O=x", "O=x", "CN=c"],
            "subject_cn": ["a,b\\", None, "c"],
            "dns_names": [["b.example"], [], ["d.example", "e.example"]],
            "ip_addresses": [[], [], ["192.0.2.7"]],
        },
        index=[5, 6, 5],
    )
    table = certificate_names(frame)
    assert table.index.tolist() == [5, 5, 5, 5, 5, 5, 5]
    assert table["fingerprint"].tolist() == ["f0"] * 3 + ["f2"] * 4
    assert table["kind"].tolist() == ["cn", "cn", "dns", "cn", "dns", "dns", "ip"]
    assert table["name"].tolist() == [
        "café",
        "a,b\\",
        "b.example",
        "c",
        "d.example",
        "e.example",
        "192.0.2.7",
    ]


@given(st.lists(st.text("aZ09.-_:[]% \nx", max_size=12)), st.integers(0, 99_999_999))
def test_ports_are_dropped_alike_for_many_hosts(names: list[str], port: int) -> None:
    """Many hosts at once, some with a port, are spelled as each one is by itself."""
    texts = [*names, *(f"{name}:{port}" for name in names), "p.example.com:8443"]
    spelled = hosts.from_hosts(pa.array(texts, pa.large_string())).to_pylist()
    assert spelled == list(map(hosts.host, texts))
