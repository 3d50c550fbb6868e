"""Impersonations: every pair that the name rule lets through, and no other; shared names and
shared keys.
"""

import dataclasses
import datetime
import sys

import numpy as np
import pandas as pd
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

import certtrust as ct
from certtrust import simulation
from certtrust.advice import impersonations, shared_keys, shared_names
from certtrust.advice.impersonations import _room
from certtrust.evaluation.ownership import Ownership
from certtrust.names import begins_with_cn, device_ids
from certtrust.names.prefixes import beginnings
from certtrust.schema import (
    CERTIFICATES,
    DEVICES,
    LINKS,
    REGISTRATIONS,
    TRUST,
    conform,
    empty,
)
from certtrust.testing import fleet_of, small_fleet

NOW = pd.Timestamp("2026-06-01T00:00:00Z")
CA = trustme.CA(organization_name="Test CA", key_type=trustme.KeyType.ECDSA)


def issue(common_name, *, ca=CA, year=2025):
    """Return the PEM of a device certificate that is valid from that year for ten years."""
    issued = ca.issue_cert(
        "device.example.com",
        common_name=common_name,
        not_before=datetime.datetime(year, 1, 1, tzinfo=datetime.UTC),
        not_after=datetime.datetime(year + 10, 1, 1, tzinfo=datetime.UTC),
        key_type=trustme.KeyType.ECDSA,
    )
    return issued.cert_chain_pems[0].bytes()


def build_fleet(certificates, devices, registrations=()):
    """Return a fleet of certificates by their device's name, device names, and registrations."""
    unowned = fleet_of(
        [pem for _, pem in certificates],
        trust=ct.read_trust_list(CA.cert_pem.bytes()).assign(pbx="hq"),
        devices=[{"pbx": "hq", "hardware_id": name} for name in devices],
        registrations=registrations,
    )
    owners = {f"{number}.pem": name for number, (name, _) in enumerate(certificates)}
    owned = unowned.certificates.assign(
        device=unowned.certificates["bundle"].map(owners)
    )
    return ct.link(dataclasses.replace(unowned, certificates=owned))


PHONES = ("009033000001", "009033000002", "009033000003")


def test_a_short_cn_impersonates_every_other_device():
    """By the article's prefix rule CN 0090 fits every serial; its own device is not listed."""
    fleet = build_fleet(
        [(PHONES[0], issue("0090")), (PHONES[1], issue(PHONES[1]))], PHONES
    )
    pairs = impersonations(fleet, at=NOW)
    assert pairs["victim"].tolist() == [PHONES[1], PHONES[2]]
    assert set(pairs["device"]) == {PHONES[0]}
    assert pairs["opens"].tolist() == [2, 2]
    assert pairs["trust_state"].tolist() == ["chain", "chain"]


@pytest.mark.parametrize(
    "harmless",
    [
        issue("0090", ca=trustme.CA(key_type=trustme.KeyType.ECDSA)),
        issue("0090", year=2010),
        issue(" "),
        issue("0091"),
    ],
    ids=["not trusted", "expired", "blank CN", "no prefix"],
)
def test_a_certificate_that_would_be_refused_impersonates_nobody(harmless):
    """It has to be trusted and valid at that moment, and a name has to begin with its CN."""
    assert impersonations(build_fleet([(PHONES[0], harmless)], PHONES), at=NOW).empty


def test_names_in_the_log_can_be_impersonated_too():
    """A name that a device registered with counts like those in the PBX configuration."""
    registrations = [
        {"pbx": "hq", "serial": PHONES[1], "registration_name": "reception"}
    ]
    fleet = build_fleet([("swphone_x", issue("recep"))], PHONES, registrations)
    assert impersonations(fleet, at=NOW)[["victim", "name"]].to_numpy().tolist() == [
        [PHONES[1], "reception"]
    ]


def test_the_list_is_cut_at_the_limit_and_still_counts_all():
    """Certificates with the most pairs are cut short, and none of them drops out."""
    fleet = build_fleet(
        [(PHONES[0], issue("0090")), (PHONES[1], issue("00903"))],
        (*PHONES, "009033000004"),
    )
    pairs = impersonations(fleet, at=NOW, limit=4)
    assert pairs.groupby("subject_cn").size().to_dict() == {"0090": 2, "00903": 2}
    assert set(pairs["opens"]) == {3}


words = st.text(alphabet="0aA1:-.é\0\n", max_size=6) | st.sampled_from(
    [
        "",
        " ",
        "0090",
        "009033",
        "00:90:33:2F:68:8A",
        "00:90",
        "0090.332f.688a",
        "0090332F688A",
        "0090332f688a-TEL1",
        "0090332f688a\nx",
        "IP222-2f-68-8a",
        "e\u0301",
        "\ufffd",
    ]
)


@given(
    st.lists(words | st.text(max_size=3), unique=True),
    st.lists(words | st.text(max_size=3), unique=True),
)
def test_the_ranges_are_those_of_the_name_rule(cns, texts):
    """Compare with the rule itself for every pair of texts, including empty ones, NULs and
    accents.
    """
    group, owner, text_position = beginnings(texts, cns)
    pairs = set(zip(owner.tolist(), text_position.tolist(), strict=True))
    assert len(pairs) == len(owner)
    for number, cn in zip(group.tolist(), cns, strict=True):
        begun = begins_with_cn(texts, [cn] * len(texts)).tolist()
        assert [(number, text) in pairs for text in range(len(texts))] == begun
        assert (number < 0) == (not any(begun))


def test_cns_that_begin_the_same_names_share_a_group():
    """The names of a prefix are listed once, however many spellings of it there are."""
    cns = ["ABCDEF", "abcdef", "aBcDeF", "abcd", "user"]
    group, owner, _ = beginnings(
        [f"abcdef{number:06x}" for number in range(50)] + ["users"], cns
    )
    assert group.tolist()[:4] == [group[0]] * 4
    assert len(owner) == 51


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9), st.integers(1, 200))
def test_the_room_is_the_largest_that_the_limit_leaves(counts, limit):
    """One more pair per certificate would exceed the limit, unless all pairs fit."""
    counts = np.array(counts)
    room = _room(counts, limit)
    assert room == 1 or np.minimum(counts, room).sum() <= limit
    assert room >= counts.max() or np.minimum(counts, room + 1).sum() > limit


SHORT = st.sampled_from(
    [
        "0090",
        "009033000001",
        "00:90:33:00:00:02",
        "an",
        "anna",
        "0",
        "I",
        None,
        "",
        "IP222-00-00-01",
        "a\0",
    ]
)
SITES = st.sampled_from(["hq", "hq", "branch", None])
RARELY = st.sampled_from([False, False, False, False, True])
SERIALS = st.sampled_from(["009033000001", "009033000002", None])
HARDWARE = st.sampled_from(["IP222-00-00-01", "IP222-00-00-02", "Swphone_anna", None])
FINGERPRINTS = st.sampled_from([f"{number:064x}" for number in range(4)])


@st.composite
def small_fleets(draw):
    """Draw a fleet whose certificates are trust list entries themselves, with frames that have
    unusual indices.
    """

    def frame(table, columns, size, odd):
        rows = draw(
            st.lists(
                st.fixed_dictionaries(columns),
                min_size=draw(st.sampled_from([0, 2, 4])),
                max_size=size,
            )
        )
        table_frame = conform(pd.DataFrame(rows, columns=list(columns)), table)
        return table_frame.set_axis(range(odd, odd + 7 * len(table_frame), 7), axis=0)

    properties = draw(
        st.dictionaries(
            FINGERPRINTS,
            st.tuples(SHORT, RARELY, RARELY),
            min_size=draw(st.integers(0, 3)),
            max_size=4,
        )
    )
    certificates = []
    for number, fingerprint in enumerate(
        [
            *properties,
            *draw(st.lists(st.sampled_from(list(properties) or ["-"]), max_size=2)),
        ]
    ):
        cn, refused, ca = properties.get(fingerprint, (None, False, False))
        certificates.append(
            {
                "fingerprint": fingerprint,
                "bundle": str(number),
                "device": draw(SERIALS | HARDWARE),
                "subject": f"CN={cn}",
                "subject_cn": cn,
                "issuer": "CN=CA",
                "is_ca": ca,
                "not_before": NOW,
                "not_after": NOW,
                "parse_error": "certificate: refused" if refused else None,
            }
        )
    files = conform(
        pd.DataFrame(certificates, columns=CERTIFICATES.names), CERTIFICATES
    )
    entries = (
        draw(st.lists(st.tuples(st.sampled_from([*properties]), SITES), max_size=6))
        if properties
        else []
    )
    distinct = files.drop_duplicates("fingerprint").set_index(
        "fingerprint", drop=False
    )
    listed = distinct.reindex([fingerprint for fingerprint, _ in entries]).assign(
        pbx=[site for _, site in entries]
    )
    devices = {
        "pbx": SITES,
        "user": SHORT,
        "hardware_id": HARDWARE,
        "serial": SERIALS,
    }
    lines = {
        "pbx": SITES,
        "serial": SERIALS,
        "hardware_id": HARDWARE,
        "registration_name": SHORT,
        "interface": st.sampled_from(["TEL1", None]),
        "fingerprint": FINGERPRINTS | st.none(),
    }
    return ct.Fleet(
        files.set_axis(range(3, 3 + len(files)), axis=0),
        conform(listed.reset_index(drop=True), TRUST),
        frame(DEVICES, devices, 5, odd=2),
        frame(REGISTRATIONS, lines, 5, odd=9),
        empty(LINKS),
    )


def one_at_a_time(fleet):
    """Return the pairs by definition: compare each certificate with each name of each device."""
    ownership = Ownership.of(fleet)
    registered, entered = ownership.owners(fleet.registrations), ownership.entered
    sites = {}
    for device, site in zip(
        entered.dropna(), fleet.devices["pbx"][entered.notna()], strict=True
    ):
        sites.setdefault(device, set()).update([] if pd.isna(site) else [site])
    devices = pd.concat([entered, registered])
    with_serial = set(devices[device_ids.serials(devices).notna()])
    registrable_names = []
    for (_, row), device in zip(fleet.devices.iterrows(), entered, strict=True):
        registrable_names += [
            (row["pbx"], device, row[name])
            for name in ("user", "hardware_id", "serial")
        ]
        if device in with_serial:
            registrable_names.append((row["pbx"], device, device))
    for (_, row), device in zip(
        fleet.registrations.iterrows(), registered, strict=True
    ):
        only = sites.get(device, set())
        site = (
            next(iter(only)) if pd.isna(row["pbx"]) and len(only) == 1 else row["pbx"]
        )
        registrable_names += [
            (site, device, row[name])
            for name in ("registration_name", "hardware_id", "serial")
        ]
        if pd.notna(row["interface"]) and device in with_serial:
            registrable_names.append((site, device, f"{device}-{row['interface']}"))
    registrable_names = [
        (None if pd.isna(site) else site, *identity)
        for site, *identity in registrable_names
        if not any(map(pd.isna, identity))
    ]
    own = ownership.leaves
    presented = fleet.certificates.iloc[own["row"]].assign(device=own["device"].array)
    presented_by = list(
        zip(presented["fingerprint"], presented["device"], strict=True)
    )
    presented_by += list(
        zip(fleet.registrations["fingerprint"], registered, strict=True)
    )
    candidates = []
    for fingerprint, rows in pd.concat([presented, fleet.trust]).groupby(
        "fingerprint"
    ):
        cn = rows["subject_cn"].iloc[0]
        holders = {
            device
            for other, device in presented_by
            if other == fingerprint and pd.notna(device)
        }
        if not holders:
            spelled = device_ids.same_spelling(pd.Series([cn], dtype="str")).iloc[0]
            holders = {
                device
                for _, device, name in registrable_names
                if cn == name or device == spelled
            }
        beside_none = rows["is_ca"].ne(other=True).any() or holders
        if pd.isna(cn) or pd.notna(rows["parse_error"].iloc[0]) or not beside_none:
            continue
        lists = fleet.trust[fleet.trust["fingerprint"] == fingerprint]["pbx"]
        candidates += [
            (fingerprint, site, device, name, cn)
            for site, device, name in registrable_names
            if (lists.isna() | (lists == site)).any() and holders != {device}
        ]
    begins = begins_with_cn(
        [name for *_, name, _ in candidates], [cn for *_, cn in candidates]
    )
    return {pair[:3] for pair, fits in zip(candidates, begins, strict=True) if fits}


@pytest.mark.parametrize(
    "examples", [15, pytest.param(200, marks=pytest.mark.exhaustive)]
)
def test_the_list_agrees_with_the_definition(examples):
    """Small fleets have missing values, shared names, shared certificates, and trust lists for
    all PBXs or for one.
    """

    @given(small_fleets())
    @settings(max_examples=examples, deadline=None)
    def holds(fleet):
        listed = impersonations(fleet, at=NOW)
        sites = [None if pd.isna(site) else site for site in listed["pbx"]]
        pairs = list(zip(listed["fingerprint"], sites, listed["victim"], strict=True))
        assert set(pairs) == one_at_a_time(fleet)
        assert len(pairs) == len(set(pairs))
        by_grant = listed.groupby(["fingerprint", "pbx"], dropna=False)["opens"]
        assert listed["opens"].tolist() == by_grant.transform("size").tolist()
        assert listed["opens"].is_monotonic_decreasing
        assert (
            listed["device"].isna() | (listed["device"] != listed["victim"])
        ).all()
        assert begins_with_cn(listed["name"], listed["subject_cn"]).all()
        if len(listed):
            cut = impersonations(fleet, at=NOW, limit=1)
            assert cut.to_dict("records") == listed.head(1).to_dict("records")

    holds()


def test_a_certificate_lasts_through_its_last_second():
    """`check` counts it the same way."""
    fleet = build_fleet([(PHONES[0], issue("0090"))], PHONES)
    end = fleet.certificates["not_after"].iloc[0]
    assert len(impersonations(fleet, at=end + pd.Timedelta(milliseconds=999))) == 2
    assert impersonations(fleet, at=end + pd.Timedelta(seconds=1)).empty


def test_a_fleet_of_one_pbx_need_not_name_it():
    """A list without a PBX counts for all, and devices without one may be anywhere."""
    fleet = build_fleet([(PHONES[0], issue("0090"))], PHONES)
    nowhere = {
        name: getattr(fleet, name).assign(pbx=None).astype({"pbx": "str"})
        for name in ("trust", "devices")
    }
    pairs = impersonations(dataclasses.replace(fleet, **nowhere), at=NOW)
    assert pairs["victim"].tolist() == [PHONES[1], PHONES[2]]
    assert pairs["pbx"].isna().all()


def test_a_listed_certificate_belongs_to_the_device_it_names():
    """A self-signed certificate of a softphone is often only in the trust list; the softphone
    of that name then owns it.
    """
    trust = conform(
        ct.read_certificates(issue("Swphone_anna")).assign(pbx="hq"), TRUST
    )
    fleet = build_fleet(
        [(PHONES[0], issue(PHONES[0]))], ["Swphone_anna", "Swphone_annabel"]
    )
    pairs = impersonations(dataclasses.replace(fleet, trust=trust), at=NOW)
    assert pairs[["device", "victim"]].to_numpy().tolist() == [
        ["swphone_anna", "swphone_annabel"]
    ]


@pytest.mark.parametrize(
    ("bundle", "opened"), [("leaf.pem", []), ("alone.pem", PHONES[1:])]
)
def test_a_ca_counts_where_a_device_presents_it_as_its_own(bundle, opened):
    """Old devices have self-signed CA certificates; a CA that accompanies a leaf has no device."""
    fleet = build_fleet(
        [(PHONES[0], issue(PHONES[0])), (PHONES[0], issue("0090"))], PHONES
    )
    files = fleet.certificates.assign(
        bundle=pd.array(["leaf.pem", bundle], dtype="str")
    )
    files["is_ca"] = pd.array([False, True], dtype="boolean")
    pairs = impersonations(dataclasses.replace(fleet, certificates=files), at=NOW)
    assert pairs["victim"].tolist() == list(opened)


def test_a_copied_certificate_impersonates_the_device_it_was_copied_from():
    """The device that presented it in the log may register as the device that it names."""
    copied = issue(PHONES[0])
    fingerprint = ct.read_certificates(copied)["fingerprint"].iloc[0]
    registrations = [
        {
            "pbx": "hq",
            "serial": PHONES[1],
            "registration_name": PHONES[1],
            "fingerprint": fingerprint,
        }
    ]
    pairs = impersonations(
        build_fleet([(PHONES[0], copied)], PHONES, registrations), at=NOW
    )
    assert pairs[["device", "victim"]].to_numpy().tolist() == [[PHONES[1], PHONES[0]]]


def test_one_complete_chain_makes_a_certificate_trusted():
    """The same certificate in a file without the intermediate CA changes nothing."""
    intermediate = CA.create_child_ca(key_type=trustme.KeyType.ECDSA)
    issued = intermediate.issue_cert(
        "device.example.com", common_name="0090", key_type=trustme.KeyType.ECDSA
    )
    alone, with_chain = (
        issued.cert_chain_pems[0].bytes(),
        b"".join(certificate.bytes() for certificate in issued.cert_chain_pems),
    )
    pairs = impersonations(
        build_fleet([(PHONES[0], alone), (PHONES[0], with_chain)], PHONES)
    )
    assert pairs["victim"].tolist() == [PHONES[1], PHONES[2]]


def test_an_empty_fleet_has_no_pairs_and_keeps_the_columns():
    """The same holds for a fleet without trust lists and one without names."""
    fleet = build_fleet([(PHONES[0], issue("0090"))], PHONES)
    columns = impersonations(fleet, at=NOW).columns.tolist()
    for name in ("certificates", "trust", "devices"):
        reduced = dataclasses.replace(
            fleet, **{name: getattr(fleet, name).head(0)}, links=None
        )
        pairs = impersonations(reduced, at=NOW)
        assert pairs.empty
        assert pairs.columns.tolist() == columns
    for moment in ("yesterday", pd.NaT):
        with pytest.raises(ct.CerttrustError, match="is not a date or time"):
            impersonations(fleet, at=moment)
    with pytest.raises(ct.CerttrustError, match="at least 1"):
        impersonations(fleet, limit=0)


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_many_certificates_of_one_short_cn_are_judged_in_parts_and_cut(
    monkeypatch, limit
):
    """The size of the parts makes no difference to the pairs."""
    names_at_two = [
        (PHONES[0], issue("0090")),
        (PHONES[1], issue("0090")),
        (PHONES[2], issue("009")),
    ]
    fleet = build_fleet(
        names_at_two, [f"0090330000{number:02x}" for number in range(1, 8)]
    )
    fleet.devices["pbx"] = pd.array(
        ["hq", "branch", "hq", "hq", "branch", "hq", "hq"], dtype="str"
    )
    fleet.trust["pbx"] = pd.array([None], dtype="str")
    pairs = impersonations(fleet, at=NOW, limit=limit)
    monkeypatch.setattr(sys.modules[impersonations.__module__], "_BLOCK", 1)
    pd.testing.assert_frame_equal(impersonations(fleet, at=NOW, limit=limit), pairs)
    assert len(pairs) <= limit
    assert pairs["opens"].iloc[0] == 5
    assert (
        limit < 100
        or len(pairs)
        == pairs.groupby(["fingerprint", "pbx"])["opens"].first().sum()
        == 18
    )


def test_one_name_with_two_keys_and_one_key_in_two_devices():
    """Two keys share a CN, and one certificate was copied to another device."""
    copied = issue(PHONES[2])
    fleet = build_fleet(
        [
            (PHONES[0], issue("phone")),
            (PHONES[1], issue("phone")),
            (PHONES[2], copied),
            ("009033000009", copied),
        ],
        PHONES,
    )
    assert shared_names(fleet).to_dict("records") == [
        {"subject_cn": "phone", "keys": 2, "certificates": 2, "devices": 2}
    ]
    keys = shared_keys(fleet)
    assert keys["device"].tolist() == ["009033000003", "009033000009"]
    assert keys["devices"].tolist() == [2, 2]
    assert keys["key"].nunique() == keys["fingerprint"].nunique() == 1


def test_a_blank_cn_is_no_name_and_a_renewed_certificate_has_two_keys():
    """No device can register with a blank CN, however many certificates have one."""
    pems = [
        (PHONES[0], issue(" ")),
        (PHONES[1], issue(" ")),
        (PHONES[2], issue(PHONES[2])),
        (PHONES[2], issue(PHONES[2])),
    ]
    names = shared_names(build_fleet(pems, PHONES))
    assert names.to_dict("records") == [
        {"subject_cn": PHONES[2], "keys": 2, "certificates": 2, "devices": 1}
    ]
    assert shared_keys(build_fleet(pems, PHONES)).empty


def test_pairs_of_a_simulated_fleet_hold_by_diagnosis():
    """`diagnose` passes the certificate for the name of the other device."""
    fleet = small_fleet(120, seed=5)
    pairs = impersonations(fleet, at=simulation.NOW)
    assert len(pairs)
    for pair in pairs.drop_duplicates(["subject_cn", "pbx"]).itertuples():
        presented = fleet.certificates[
            fleet.certificates["fingerprint"] == pair.fingerprint
        ].head(1)
        bundle = fleet.certificates[
            fleet.certificates["bundle"] == presented["bundle"].iloc[0]
        ]
        result = ct.diagnose(
            presented,
            chain=bundle[bundle["fingerprint"] != pair.fingerprint],
            scenario="h323-certificate",
            registration_name=pair.name,
            trust=fleet.trust[fleet.trust["pbx"] == pair.pbx],
            tls_only=True,
            at=simulation.NOW,
        )
        assert result.verdict == "pass"
