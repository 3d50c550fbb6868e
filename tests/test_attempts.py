"""The join: which certificate, device entry, PBX, name and scenario an attempt has.

The certificates are made here.
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


def build_fleet(certificates=(), devices=(), registrations=(), trust=None):
    """Return a fleet of PEM blocks and rows, whose PBXs trust the CA above by default."""
    listed = CA.cert_pem.bytes() if trust is None else trust
    return fleet_of(
        certificates, trust=listed, devices=devices, registrations=registrations
    )


def test_attempts_keep_the_index_and_further_columns_of_registrations():
    """Each registration gives one attempt, in order, whether it is joined or not."""
    fleet = build_fleet(
        registrations=[{"serial": PHONE}, {}, {"registration_name": "x"}]
    )
    fleet.registrations.index = [5, 3, 9]
    fleet.registrations["true_cause"] = ["a", "b", "c"]
    attempts = ct.attempts(fleet)
    assert attempts.index.tolist() == [5, 3, 9]
    assert attempts["true_cause"].tolist() == ["a", "b", "c"]
    assert attempts.columns[: len(ATTEMPTS.names)].tolist() == ATTEMPTS.names


def test_lines_without_a_registration_are_no_attempts():
    """Other events and unreadable lines stay in the log, and do not count as failures."""
    rows = [
        {"state": None, "serial": PHONE, "code": "0x0011005b"},
        {"state": None, "parse_error": "not JSON"},
        {},
    ]
    assert ct.attempts(build_fleet(registrations=rows)).index.tolist() == [2]


def test_an_empty_fleet_has_no_attempts():
    """The frame is empty and has all columns."""
    empty_fleet = ct.Fleet(
        empty(CERTIFICATES), empty(TRUST), empty(DEVICES), empty(REGISTRATIONS)
    )
    for of in ("log", "devices"):
        assert ct.attempts(empty_fleet, of=of).columns.tolist() == ATTEMPTS.names
    with pytest.raises(ct.CerttrustError, match=r"log.*devices"):
        ct.attempts(empty_fleet, of="phones")


def test_the_certificate_named_by_the_log_wins_over_the_newest():
    """A fingerprint decides; without one it is the newest certificate issued by that time."""
    old, new = issue(PHONE, year=2020), issue(PHONE, year=2024)
    first = ct.read_certificates(old)["fingerprint"].iloc[0]
    second = ct.read_certificates(new)["fingerprint"].iloc[0]
    at = pd.to_datetime(
        ["2026-01-01", "2026-01-01", "2022-01-01", "2019-01-01", None], utc=True
    )
    rows = [{"serial": PHONE, "time": time} for time in at]
    rows[0]["fingerprint"] = first.upper()
    attempts = ct.attempts(build_fleet([old, new], registrations=rows))
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


def test_a_fingerprint_that_is_in_no_file_leaves_the_trust_unknown():
    """The log proves that the certificate exists, but not what is in it."""
    attempts = ct.attempts(
        build_fleet(
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
def test_a_device_is_recognised_however_the_log_names_it(row):
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
        build_fleet(
            [issue(PHONE)],
            devices,
            [{"time": pd.Timestamp("2026-01-01T00:00:00Z"), **row}],
        )
    )
    assert attempts["device"].tolist() == [PHONE]
    assert attempts["tls_only"].tolist() == [True]
    assert attempts["subject_cn"].tolist() == [PHONE]
    assert attempts["pbx"].tolist() == ["hq"]


def test_an_ambiguous_hardware_id_is_not_joined():
    """A hardware ID that fits two serials stays a hardware ID."""
    devices = [{"serial": PHONE}, {"serial": "0290332f688a"}]
    attempts = ct.attempts(
        build_fleet(
            devices=devices, registrations=[{"hardware_id": "IP222-2f-68-8a"}]
        )
    )
    assert attempts["device"].tolist() == ["IP222-2f-68-8a"]


def test_entries_that_disagree_leave_the_flag_unknown():
    """A device on two user objects with different values has no known value."""
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
        build_fleet(devices=devices, registrations=[{"serial": PHONE, "pbx": "hq"}])
    )
    assert attempts["tls_only"].isna().all()
    assert attempts["reverse_proxy"].tolist() == [False]


def test_flags_are_those_of_the_pbx_of_the_registration():
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
    attempts = ct.attempts(build_fleet(devices=devices, registrations=rows))
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
    """The authentication in the log decides, then TLS only or a registration by device name;
    otherwise it is undecided.
    """
    attempts = ct.attempts(
        build_fleet(
            devices=[{"serial": PHONE, **device}],
            registrations=[{"serial": PHONE, **row}],
        )
    )
    assert [
        value if isinstance(value, str) else None for value in attempts["scenario"]
    ] == [scenario]


def test_default_names_follow_the_article():
    """A phone registers by its serial, an interface of a gateway by serial and interface, unless
    the log says otherwise.
    """
    rows = [
        {"serial": PHONE},
        {"serial": PHONE, "interface": "TEL1"},
        {"serial": PHONE, "registration_name": "x"},
    ]
    attempts = ct.attempts(build_fleet(registrations=rows))
    assert attempts["registration_name"].tolist() == [PHONE, f"{PHONE}-TEL1", "x"]
    assert attempts["name_by"].tolist() == ["default", "default", "log"]


def test_devices_without_a_log_are_judged_as_if_they_registered_now():
    """The hypothetical attempt of a device entry passes with a trusted certificate, and fails
    without trust or before its validity.
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
    good = ct.check(ct.attempts(build_fleet([issue(PHONE)], devices), of="devices"))
    assert good["verdict"].tolist() == ["pass"]
    assert good["observed"].isna().all()
    stranger = trustme.CA(organization_name="Other")
    bad = ct.check(
        ct.attempts(build_fleet([issue(PHONE, ca=stranger)], devices), of="devices")
    )
    assert bad["cause"].tolist() == ["certificate.trust"]
    early = ct.check(
        ct.attempts(build_fleet([issue(PHONE, year=2090)], devices), of="devices")
    )
    assert early["cause"].tolist() == ["time.validity"]


def test_the_leaf_of_a_chain_file_belongs_to_the_device():
    """In any order of the blocks, the device's own certificate is the one that issues no other."""
    leaf, root = issue("phone.example.com"), CA.cert_pem.bytes()
    for pem in (leaf + root, root + leaf):
        certificates = ct.read_certificates(pem).assign(device=PHONE)
        fleet = ct.Fleet(
            certificates,
            ct.read_trust_list(root),
            empty(DEVICES),
            conform(pd.DataFrame([{"serial": PHONE, "state": "up"}]), REGISTRATIONS),
        )
        assert ct.attempts(fleet)["subject_cn"].tolist() == ["phone.example.com"]


def test_browser_urls_are_paired_with_certificates():
    """There may be one URL for all, one each, several for one certificate, or a mapping; any
    other number is refused.
    """
    certificates = build_fleet([issue("a"), issue("b")]).certificates
    trust = ct.read_trust_list(CA.cert_pem.bytes())
    for_all = ct.browser_attempts(certificates, "https://device.example.com/", trust)
    assert len(for_all) == 2
    results = ct.check(for_all)
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
    """Making attempts leaves the fleet as it was."""
    fleet = build_fleet(
        [issue(PHONE)], [{"serial": PHONE, "pbx": "hq"}], [{"serial": PHONE}]
    )
    before = [
        frame.copy(deep=True)
        for frame in (
            fleet.certificates,
            fleet.trust,
            fleet.devices,
            fleet.registrations,
        )
    ]
    ct.attempts(fleet)
    ct.attempts(fleet, of="devices")
    for frame, copy in zip(
        (fleet.certificates, fleet.trust, fleet.devices, fleet.registrations),
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
def test_a_flag_is_known_where_every_entry_states_it(flag, tls_only, expected):
    """An entry that inherits its flag states nothing, and another entry does not speak for it."""
    devices = [
        {"pbx": "hq", "user": str(number), "serial": PHONE, flag: value}
        for number, value in enumerate(tls_only)
    ]
    attempts = ct.attempts(
        build_fleet(devices=devices, registrations=[{"serial": PHONE, "pbx": "hq"}])
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
"""Columns of a registration in a log, and whether over H.323/TLS it is one by certificate."""

DEVICE_ENTRIES = [
    {"serial": PHONE, "tls_only": False},
    {"hardware_id": "IP222-2f-68-8a"},
    {"hardware_id": "Swphone_ada"},
]


@pytest.mark.parametrize(
    "devices",
    [[], DEVICE_ENTRIES[:1], DEVICE_ENTRIES[1:2], DEVICE_ENTRIES],
    ids=["no entry", "by serial", "by hardware ID", "three entries"],
)
def test_a_device_name_over_tls_means_registration_by_certificate(devices):
    """Knowing more about the device does not remove a scenario."""
    protocols = ("H.323/TLS", "H.323/TCP", None)
    rows = [
        {**row, "protocol": protocol}
        for row, _ in REGISTERED_BY
        for protocol in protocols
    ]
    scenarios = ct.attempts(build_fleet(devices=devices, registrations=rows))[
        "scenario"
    ]
    by_certificate = scenarios.eq("h323-certificate").to_numpy().reshape(-1, 3)
    expected = [[is_certificate, False, False] for _, is_certificate in REGISTERED_BY]
    assert by_certificate.tolist() == expected


def years_chosen(certificates, row, *times):
    """Return the years in which the certificates of attempts at these times were issued."""
    fleet = dataclasses.replace(
        build_fleet(registrations=[row for _ in times]), certificates=certificates
    )
    fleet.registrations["time"] = pd.to_datetime(list(times), utc=True).as_unit("us")
    return ct.attempts(fleet)["not_before"].dt.year.astype("Int64").tolist()


@pytest.mark.parametrize("name", [PHONE, "Smartphone_kim645"])
def test_the_newest_certificate_counts_wherever_it_is(name):
    """It may be in one file in any order, in several files, or before one issued later."""
    old, new, next_one = (issue(name, year=year) for year in (2018, 2022, 2031))
    for pems in ([old, new, next_one], [next_one, new, old], [new, next_one, old]):
        together = ct.read_certificates(b"".join(pems)).assign(
            bundle="export.pem", source="export.pem"
        )
        apart = build_fleet(pems).certificates
        for certificates in (together, apart):
            times = ("2026-01-01", "2020-01-01", "2033-01-01", "2017-01-01")
            years = years_chosen(certificates, {"registration_name": name}, *times)
            assert years == [2022, 2018, 2031, pd.NA]


def test_order_does_not_decide_between_certificates_of_one_second():
    """The same one is chosen in any order."""
    pems = [issue(PHONE, year=2020) for _ in range(4)]
    taken = set()
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        attempts = ct.attempts(
            build_fleet(
                [pems[number] for number in order], registrations=[{"serial": PHONE}]
            )
        )
        taken |= set(attempts["fingerprint"])
    assert len(taken) == 1


def test_an_unreadable_file_of_a_device_leaves_its_certificate_unknown():
    """The newest one may be in it; a certificate that the log names is judged nevertheless."""
    good = issue(PHONE, year=2020)
    certificates = build_fleet([good]).certificates
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
    fleet = build_fleet(
        registrations=[
            {**row, "time": pd.Timestamp("2026-01-01T00:00:00Z")} for row in rows
        ]
    )
    attempts = ct.attempts(
        ct.Fleet(both, fleet.trust, fleet.devices, fleet.registrations)
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
        ct.Fleet(with_key, fleet.trust, fleet.devices, fleet.registrations)
    )
    assert attempts["trust_state"].tolist()[0] == "chain"


def test_a_certificate_in_two_files_is_judged_by_both_chains():
    """It is alone in one file and has its chain in the other; neither order nor log decides."""
    sub = CA.create_child_ca(key_type=trustme.KeyType.ECDSA)
    leaf = sub.issue_cert(
        "x.example.com", common_name=PHONE, key_type=trustme.KeyType.ECDSA
    )
    alone, chain = (
        leaf.cert_chain_pems[0].bytes(),
        b"".join(pem.bytes() for pem in leaf.cert_chain_pems),
    )
    for pems in ([alone, chain], [chain, alone]):
        fingerprint = ct.read_certificates(alone)["fingerprint"].iloc[0]
        rows = [{"serial": PHONE}, {"serial": PHONE, "fingerprint": fingerprint}]
        fleet = build_fleet(pems, registrations=rows)
        assert ct.attempts(fleet)["trust_state"].tolist() == ["chain", "chain"]


def test_only_untrusted_rows_have_a_trust_failure():
    """A row that passes has none; judged at another moment it may have one."""
    attempts = ct.attempts(
        build_fleet([issue(PHONE)], registrations=[{"serial": PHONE}])
    )
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
