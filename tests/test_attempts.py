"""The join: which certificate, device entry, PBX, name and scenario an attempt has.

Certificates are made here.
"""

import dataclasses
import datetime

import pandas as pd
import pytest
import trustme

import certtrust as ct
from certtrust.schema import (
    ATTEMPTS,
    CERTIFICATES,
    DEVICES,
    REGISTRATIONS,
    TRUST,
    conform,
    empty,
)
from certtrust.testing import fleet_of

PHONE = "0090332f688a"
CA = trustme.CA(organization_name="Test CA", key_type=trustme.KeyType.ECDSA)


def issue(common_name, *, year=2025, ca=CA):
    """Return the PEM of a device certificate valid from that year for ten years."""
    leaf = ca.issue_cert(
        "device.example.com",
        common_name=common_name,
        not_before=datetime.datetime(year, 1, 1, tzinfo=datetime.UTC),
        not_after=datetime.datetime(year + 10, 1, 1, tzinfo=datetime.UTC),
        key_type=trustme.KeyType.ECDSA,
    )
    return leaf.cert_chain_pems[0].bytes()


def fleet(certificates=(), devices=(), registrations=(), trust=None):
    """Return a fleet of the given PEM blocks and rows whose PBXs trust the CA above."""
    listed = CA.cert_pem.bytes() if trust is None else trust
    return fleet_of(
        certificates, trust=listed, devices=devices, registrations=registrations
    )


def test_rows_in_are_rows_out_with_their_index_and_further_columns():
    """Each registration gives one attempt, in order, whatever joins and whatever does not."""
    given = fleet(registrations=[{"serial": PHONE}, {}, {"registration_name": "x"}])
    given.registrations.index = [5, 3, 9]
    given.registrations["true_cause"] = ["a", "b", "c"]
    attempts = ct.attempts(given)
    assert attempts.index.tolist() == [5, 3, 9]
    assert attempts["true_cause"].tolist() == ["a", "b", "c"]
    assert attempts.columns[: len(ATTEMPTS.names)].tolist() == ATTEMPTS.names


def test_lines_that_speak_of_no_registration_are_no_attempts():
    """Other events and lines that could not be read stay in the log, and are not counted as
    failures.
    """
    rows = [
        {"state": None, "serial": PHONE, "code": "0x0011005b"},
        {"state": None, "parse_error": "not JSON"},
        {},
    ]
    assert ct.attempts(fleet(registrations=rows)).index.tolist() == [2]


def test_an_empty_fleet_has_no_attempts():
    """Nothing in, nothing out, and every column is there."""
    nothing = ct.Fleet(
        empty(CERTIFICATES), empty(TRUST), empty(DEVICES), empty(REGISTRATIONS)
    )
    for of in ("log", "devices"):
        assert ct.attempts(nothing, of=of).columns.tolist() == ATTEMPTS.names
    with pytest.raises(ct.CerttrustError, match=r"log.*devices"):
        ct.attempts(nothing, of="phones")


def test_the_certificate_named_by_the_log_wins_over_the_newest():
    """A fingerprint decides; without one it is the newest certificate already issued at that
    time.
    """
    old, new = issue(PHONE, year=2020), issue(PHONE, year=2024)
    first = ct.read_certificates(old)["fingerprint"].iloc[0]
    second = ct.read_certificates(new)["fingerprint"].iloc[0]
    at = pd.to_datetime(
        ["2026-01-01", "2026-01-01", "2022-01-01", "2019-01-01", None], utc=True
    )
    rows = [{"serial": PHONE, "time": time} for time in at]
    rows[0]["fingerprint"] = first.upper()
    attempts = ct.attempts(fleet([old, new], registrations=rows))
    assert attempts["fingerprint"].fillna("").tolist() == [
        first,
        second,
        first,
        "",
        second,
    ]
    assert attempts["certificate_by"].astype("str").fillna("").tolist() == [
        "fingerprint",
        "device",
        "device",
        "",
        "device",
    ]


def test_a_fingerprint_that_no_file_holds_leaves_the_trust_unknown():
    """The log proves that there is such a certificate; what it is remains unknown."""
    attempts = ct.attempts(
        fleet(
            [issue(PHONE)],
            registrations=[{"serial": PHONE, "fingerprint": "00" * 32}],
        )
    )
    assert attempts["trust_state"].tolist() == ["no certificate"]
    assert attempts["subject_cn"].isna().all()


@pytest.mark.parametrize(
    "row",
    [
        {"serial": PHONE},
        {"serial": "00-90-33-2F-68-8A"},
        {"hardware_id": "IP222-2f-68-8a"},
        {"hardware_id": "ip222-2F-68-8A"},
        {"registration_name": PHONE},
        {"registration_name": f"{PHONE}-TEL1"},
        {"registration_name": "reception", "pbx": "hq"},
    ],
)
def test_a_device_is_recognised_in_every_way_that_a_log_names_it(row):
    """Serial, hardware ID, registration name and user object lead to the same device and
    certificate.
    """
    devices = [
        {
            "pbx": "hq",
            "user": "reception",
            "hardware_id": PHONE,
            "serial": PHONE,
            "tls_only": True,
        }
    ]
    attempts = ct.attempts(
        fleet(
            [issue(PHONE)],
            devices,
            [{"time": pd.Timestamp("2026-01-01T00:00:00Z"), **row}],
        )
    )
    assert attempts["device"].tolist() == [PHONE]
    assert attempts["tls_only"].tolist() == [True]
    assert attempts["subject_cn"].tolist() == [PHONE]
    assert attempts["pbx"].tolist() == ["hq"]


def test_two_serials_of_the_same_end_are_not_guessed_between():
    """A hardware ID that fits two serials stays a hardware ID."""
    devices = [{"serial": PHONE}, {"serial": "0290332f688a"}]
    attempts = ct.attempts(
        fleet(devices=devices, registrations=[{"hardware_id": "IP222-2f-68-8a"}])
    )
    assert attempts["device"].tolist() == ["IP222-2f-68-8a"]


def test_entries_that_disagree_leave_the_flag_unknown():
    """One hardware ID on two user objects with different flags tells neither."""
    devices = [
        {
            "pbx": "hq",
            "user": "a",
            "serial": PHONE,
            "tls_only": True,
            "reverse_proxy": False,
        },
        {
            "pbx": "hq",
            "user": "b",
            "serial": PHONE,
            "tls_only": False,
            "reverse_proxy": False,
        },
    ]
    attempts = ct.attempts(
        fleet(devices=devices, registrations=[{"serial": PHONE, "pbx": "hq"}])
    )
    assert attempts["tls_only"].isna().all()
    assert attempts["reverse_proxy"].tolist() == [False]


def test_flags_are_those_of_the_pbx_that_was_registered_at():
    """The same device may be configured differently at two PBXs."""
    devices = [
        {"pbx": "hq", "serial": PHONE, "tls_only": True},
        {"pbx": "branch", "serial": PHONE, "tls_only": False},
    ]
    rows = [
        {"serial": PHONE, "pbx": "branch"},
        {"serial": PHONE, "pbx": "hq"},
        {"serial": PHONE},
    ]
    attempts = ct.attempts(fleet(devices=devices, registrations=rows))
    assert attempts["tls_only"].tolist() == [False, True, pd.NA]
    assert attempts["pbx"].fillna("").tolist() == ["branch", "hq", ""]


@pytest.mark.parametrize(
    ("row", "device", "scenario"),
    [
        ({"authentication": "certificate"}, {}, "h323-certificate"),
        ({"authentication": "password"}, {"tls_only": True}, "h323-password"),
        ({}, {"tls_only": True}, "h323-certificate"),
        (
            {"via_reverse_proxy": True},
            {"tls_only": True, "reverse_proxy": True},
            None,
        ),
        (
            {"registration_name": PHONE, "protocol": "H.323/TLS"},
            {"tls_only": False},
            "h323-certificate",
        ),
        (
            {"registration_name": PHONE, "protocol": "H.323/TCP"},
            {"tls_only": False},
            None,
        ),
        (
            {"registration_name": "reception", "protocol": "H.323/TLS"},
            {"tls_only": False},
            None,
        ),
        ({"protocol": "SIPS", "authentication": "password"}, {}, None),
        ({"authentication": "none"}, {"tls_only": True}, None),
    ],
)
def test_the_scenario_follows_the_log_then_the_flags(row, device, scenario):
    """The log's authentication decides, then TLS only or a registration by hardware ID; else it
    stays open.
    """
    attempts = ct.attempts(
        fleet(
            devices=[{"serial": PHONE, **device}],
            registrations=[{"serial": PHONE, **row}],
        )
    )
    assert [
        value if isinstance(value, str) else None for value in attempts["scenario"]
    ] == [scenario]


def test_default_names_are_the_pages():
    """A phone registers by its serial, a gateway's interface by serial and interface, unless
    the log says otherwise.
    """
    rows = [
        {"serial": PHONE},
        {"serial": PHONE, "interface": "TEL1"},
        {"serial": PHONE, "registration_name": "x"},
    ]
    attempts = ct.attempts(fleet(registrations=rows))
    assert attempts["registration_name"].tolist() == [PHONE, f"{PHONE}-TEL1", "x"]
    assert attempts["name_by"].tolist() == ["default", "default", "log"]


def test_devices_without_a_log_are_judged_as_if_they_registered_now():
    """One would-be attempt per device entry passes with a trusted certificate and fails without
    trust.
    """
    devices = [
        {
            "pbx": "hq",
            "serial": PHONE,
            "hardware_id": PHONE,
            "tls_only": True,
            "reverse_proxy": False,
        }
    ]
    good = ct.check(ct.attempts(fleet([issue(PHONE)], devices), of="devices"))
    assert good["verdict"].tolist() == ["pass"]
    assert good["observed"].isna().all()
    stranger = trustme.CA(organization_name="Other")
    bad = ct.check(
        ct.attempts(fleet([issue(PHONE, ca=stranger)], devices), of="devices")
    )
    assert bad["cause"].tolist() == ["certificate.trust"]
    early = ct.check(
        ct.attempts(fleet([issue(PHONE, year=2090)], devices), of="devices")
    )
    assert early["cause"].tolist() == ["time.validity"]


def test_of_a_chain_file_the_device_is_its_leaf():
    """Whatever the order of the blocks, the certificate that issues none of the others is the
    device's own.
    """
    leaf, root = issue("phone.example.com"), CA.cert_pem.bytes()
    for pem in (leaf + root, root + leaf):
        certificates = ct.read_certificates(pem).assign(device=PHONE)
        given = ct.Fleet(
            certificates,
            ct.read_trust_list(root),
            empty(DEVICES),
            conform(pd.DataFrame([{"serial": PHONE, "state": "up"}]), REGISTRATIONS),
        )
        assert ct.attempts(given)["subject_cn"].tolist() == ["phone.example.com"]


def test_browser_urls_pair_with_what_the_servers_present():
    """One URL for all, one each, several for one certificate, or a mapping; another number is
    refused.
    """
    certificates = fleet([issue("a"), issue("b")]).certificates
    trust = ct.read_trust_list(CA.cert_pem.bytes())
    every = ct.browser_attempts(certificates, "https://device.example.com/", trust)
    assert len(every) == 2
    results = ct.check(every)
    assert results[["browser.trust", "browser.name"]].all(axis=None)
    pair = ct.browser_attempts(certificates, ["https://a/", "https://b/"], trust)
    assert ct.check(pair)["browser.name"].tolist() == [True, True]
    one = ct.browser_attempts(
        certificates.head(1), ["https://a/", "https://b/"], trust
    )
    assert ct.check(one)["browser.name"].tolist() == [True, False]
    mapped = ct.browser_attempts(certificates, {"1.pem": "wss://b:443/"}, trust)
    assert mapped["subject_cn"].tolist() == ["b"]
    with pytest.raises(ct.CerttrustError, match="3 URLs for 2"):
        ct.browser_attempts(certificates, ["https://a/"] * 3, trust)


def test_no_function_changes_its_argument():
    """The fleet is the same after its attempts were made."""
    given = fleet(
        [issue(PHONE)], [{"serial": PHONE, "pbx": "hq"}], [{"serial": PHONE}]
    )
    before = [
        frame.copy(deep=True)
        for frame in (
            given.certificates,
            given.trust,
            given.devices,
            given.registrations,
        )
    ]
    ct.attempts(given)
    ct.attempts(given, of="devices")
    for frame, copy in zip(
        (given.certificates, given.trust, given.devices, given.registrations),
        before,
        strict=True,
    ):
        pd.testing.assert_frame_equal(frame, copy)


@pytest.mark.parametrize(
    ("tls_only", "expected"),
    [
        ((True, None), pd.NA),
        ((None, True), pd.NA),
        ((False, None), pd.NA),
        ((True, True), True),
        ((False, False), False),
        ((None, None), pd.NA),
    ],
)
@pytest.mark.parametrize("flag", ["tls_only", "reverse_proxy"])
def test_a_flag_is_known_where_every_entry_tells_it(flag, tls_only, expected):
    """An entry that inherits its flag is silent, and what the other one says does not hold for
    it.
    """
    devices = [
        {"pbx": "hq", "user": str(number), "serial": PHONE, flag: value}
        for number, value in enumerate(tls_only)
    ]
    attempts = ct.attempts(
        fleet(devices=devices, registrations=[{"serial": PHONE, "pbx": "hq"}])
    )
    assert attempts[flag].tolist() == [expected]


REGISTERED_BY = [
    ({"registration_name": PHONE}, True),
    ({"registration_name": f"{PHONE}-TEL1", "interface": "TEL1"}, True),
    ({"registration_name": "IP222-2f-68-8a"}, True),
    ({"registration_name": "ip222-2F-68-8A"}, True),
    ({"registration_name": "IP222-2f-68-8a-TEL1", "interface": "TEL1"}, True),
    ({"registration_name": "SWPHONE_ADA"}, True),
    ({"registration_name": "ada", "hardware_id": "Ada"}, True),
    ({"hardware_id": "IP222-2f-68-8a"}, True),
    ({"serial": PHONE}, True),
    ({"hardware_id": "Swphone_ada"}, True),
    ({"registration_name": "room-1", "serial": PHONE}, False),
    ({"registration_name": "0090332f6800", "serial": PHONE}, True),
    ({"registration_name": "IP111-2f-68-00", "hardware_id": "Swphone_ada"}, True),
    ({}, False),
]
"""What a log says of a registration, and whether it is one by certificate over H.323/TLS."""

KNOWN_OF_THE_DEVICE = [
    {"serial": PHONE, "tls_only": False},
    {"hardware_id": "IP222-2f-68-8a"},
    {"hardware_id": "Swphone_ada"},
]


@pytest.mark.parametrize(
    "devices",
    [[], KNOWN_OF_THE_DEVICE[:1], KNOWN_OF_THE_DEVICE[1:2], KNOWN_OF_THE_DEVICE],
    ids=["no entry", "by serial", "by hardware ID", "three entries"],
)
def test_who_registers_by_the_name_of_a_device_does_so_by_certificate(devices):
    """Over H.323/TLS; and what more is known of the device takes no scenario away."""
    protocols = ("H.323/TLS", "H.323/TCP", None)
    rows = [
        {**row, "protocol": protocol}
        for row, _ in REGISTERED_BY
        for protocol in protocols
    ]
    scenarios = ct.attempts(fleet(devices=devices, registrations=rows))["scenario"]
    by_certificate = scenarios.eq("h323-certificate").to_numpy().reshape(-1, 3)
    expected = [[over_tls, False, False] for _, over_tls in REGISTERED_BY]
    assert by_certificate.tolist() == expected


def chosen(certificates, row, *times):
    """Return the years in which the certificates of attempts at these times were issued."""
    given = dataclasses.replace(
        fleet(registrations=[row for _ in times]), certificates=certificates
    )
    given.registrations["time"] = pd.to_datetime(list(times), utc=True).as_unit("us")
    return ct.attempts(given)["not_before"].dt.year.astype("Int64").tolist()


@pytest.mark.parametrize("name", [PHONE, "Smartphone_kim645"])
def test_the_newest_certificate_counts_wherever_it_stands(name):
    """In one file in any order, in several files, and before one that is not issued yet."""
    old, new, next_one = (issue(name, year=year) for year in (2018, 2022, 2031))
    for pems in ([old, new, next_one], [next_one, new, old], [new, next_one, old]):
        together = ct.read_certificates(b"".join(pems)).assign(
            bundle="export.pem", source="export.pem"
        )
        apart = fleet(pems).certificates
        for certificates in (together, apart):
            times = ("2026-01-01", "2020-01-01", "2033-01-01", "2017-01-01")
            years = chosen(certificates, {"registration_name": name}, *times)
            assert years == [2022, 2018, 2031, pd.NA]


def test_of_certificates_of_one_second_not_the_order_decides():
    """The same one is taken, whichever stands first."""
    pems = [issue(PHONE, year=2020) for _ in range(4)]
    taken = set()
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        attempts = ct.attempts(
            fleet(
                [pems[number] for number in order], registrations=[{"serial": PHONE}]
            )
        )
        taken |= set(attempts["fingerprint"])
    assert len(taken) == 1


def test_a_file_of_the_device_that_cannot_be_read_leaves_its_certificate_unknown():
    """It may hold the newest one; a certificate that the log names is judged all the same."""
    good = issue(PHONE, year=2020)
    certificates = fleet([good]).certificates
    cut = ct.read_certificates(good[:60]).assign(
        device=PHONE, source=f"{PHONE}.pem", bundle=f"{PHONE}.pem"
    )
    both = conform(pd.concat([certificates, cut], ignore_index=True), CERTIFICATES)
    fingerprint = certificates["fingerprint"].iloc[0]
    rows = [
        {"serial": PHONE},
        {"serial": PHONE, "fingerprint": fingerprint},
        {"serial": "0090330000aa"},
    ]
    given = fleet(
        registrations=[
            {**row, "time": pd.Timestamp("2026-01-01T00:00:00Z")} for row in rows
        ]
    )
    attempts = ct.attempts(
        ct.Fleet(both, given.trust, given.devices, given.registrations)
    )
    assert attempts["trust_state"].tolist() == [
        "unreadable",
        "chain",
        "no certificate",
    ]
    assert attempts["certificate_error"].notna().tolist() == [True, False, False]
    results = ct.check(attempts)
    assert results["time.validity"].tolist() == [pd.NA, True, pd.NA]
    key = {
        "parse_error": "PRIVATE KEY: a private key, skipped",
        "device": PHONE,
        "bundle": "0.pem",
    }
    with_key = conform(
        pd.concat([certificates, pd.DataFrame([key])], ignore_index=True),
        CERTIFICATES,
    )
    attempts = ct.attempts(
        ct.Fleet(with_key, given.trust, given.devices, given.registrations)
    )
    assert attempts["trust_state"].tolist()[0] == "chain"


def test_a_certificate_in_two_files_is_judged_by_both_chains():
    """Alone in one file and with its chain in the other; neither the file's name nor the log
    decides.
    """
    sub = CA.create_child_ca(key_type=trustme.KeyType.ECDSA)
    leaf = sub.issue_cert(
        "x.example.com", common_name=PHONE, key_type=trustme.KeyType.ECDSA
    )
    alone, chain = (
        leaf.cert_chain_pems[0].bytes(),
        b"".join(pem.bytes() for pem in leaf.cert_chain_pems),
    )
    for pems in ([alone, chain], [chain, alone]):
        given = fleet(pems)
        fingerprint = ct.read_certificates(alone)["fingerprint"].iloc[0]
        rows = [{"serial": PHONE}, {"serial": PHONE, "fingerprint": fingerprint}]
        given = fleet(pems, registrations=rows)
        assert ct.attempts(given)["trust_state"].tolist() == ["chain", "chain"]


def test_why_a_certificate_is_not_trusted_stands_in_rows_that_are_not():
    """A row that passes says nothing of failures; judged at another moment it does."""
    attempts = ct.attempts(fleet([issue(PHONE)], registrations=[{"serial": PHONE}]))
    results = ct.check(attempts)
    assert results["trust_state"].tolist() == ["chain"]
    assert results["trust_failure"].isna().all()
    later = ct.check(results, at="9000-01-01")
    assert (
        later["trust_failure"].astype("str").tolist()
        == ["expired CA"]
        == later["trust_state"].tolist()
    )
    assert ct.check(later, at="2026-01-01")["trust_failure"].isna().all()
