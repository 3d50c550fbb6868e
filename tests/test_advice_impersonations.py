"""Impersonations: every pair that the name rule lets through, and no other; shared names and shared keys."""

import datetime

import numpy as np
import pandas as pd
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

import certtrust as ct
from certtrust import names, simulation
from certtrust.advice import impersonations, shared_keys, shared_names
from certtrust.advice.impersonations import _begun, _folded, _opened, _room
from certtrust.schema import CERTIFICATES, DEVICES, REGISTRATIONS, conform

NOW = pd.Timestamp("2026-06-01T00:00:00Z")
CA = trustme.CA(organization_name="Test CA", key_type=trustme.KeyType.ECDSA)


def issue(common_name, *, ca=CA, year=2025):
    """Return the PEM of a device certificate that is valid from that year for ten years."""
    made = ca.issue_cert(
        "device.example.com",
        common_name=common_name,
        not_before=datetime.datetime(year, 1, 1, tzinfo=datetime.UTC),
        not_after=datetime.datetime(year + 10, 1, 1, tzinfo=datetime.UTC),
        key_type=trustme.KeyType.ECDSA,
    )
    return made.cert_chain_pems[0].bytes()


def fleet(certificates, devices, registrations=()):
    """Return a fleet of certificates by their device's name, device names, and registrations."""
    read = [
        ct.read_certificates(pem).assign(source=f"{number}.pem", bundle=f"{number}.pem", device=device)
        for number, (device, pem) in enumerate(certificates)
    ]
    entries = [{"pbx": "hq", "hardware_id": name} for name in devices]
    return ct.link(
        ct.Fleet(
            conform(pd.concat(read, ignore_index=True), CERTIFICATES),
            ct.read_trust_list(CA.cert_pem.bytes()).assign(pbx="hq"),
            conform(pd.DataFrame(entries), DEVICES),
            conform(pd.DataFrame(list(registrations)), REGISTRATIONS),
        )
    )


PHONES = ("009033000001", "009033000002", "009033000003")


def test_a_short_cn_opens_every_other_device_and_comes_first():
    """The page's prefix rule: CN 0090 begins every serial; its own holder is no victim."""
    given = fleet([(PHONES[0], issue("0090")), (PHONES[1], issue(PHONES[1]))], PHONES)
    found = impersonations(given, at=NOW)
    assert found["victim"].tolist() == [PHONES[1], PHONES[2]]
    assert set(found["device"]) == {PHONES[0]}
    assert found["opens"].tolist() == [2, 2]
    assert found["trust_state"].tolist() == ["chain", "chain"]


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
def test_a_certificate_that_would_not_be_let_in_opens_nothing(harmless):
    """It has to be trusted and valid at that moment, and its CN has to begin a name."""
    assert impersonations(fleet([(PHONES[0], harmless)], PHONES), at=NOW).empty


def test_names_of_the_log_and_of_users_can_be_taken_too():
    """Whatever a device registers as is a name; a copied certificate opens the other device as well."""
    seen = [{"pbx": "hq", "serial": PHONES[1], "registration_name": "reception"}]
    given = fleet([("swphone_x", issue("recep"))], PHONES, seen)
    assert impersonations(given, at=NOW)[["victim", "name"]].to_numpy().tolist() == [[PHONES[1], "reception"]]


def test_the_list_is_cut_at_the_limit_and_still_counts_all():
    """The certificates that open most are cut short, and nobody drops out."""
    given = fleet([(PHONES[0], issue("0090")), (PHONES[1], issue("00903"))], (*PHONES, "009033000004"))
    found = impersonations(given, at=NOW, limit=4)
    assert found.groupby("subject_cn").size().to_dict() == {"0090": 2, "00903": 2}
    assert set(found["opens"]) == {3}


words = st.text(alphabet="0aA1:-.é", max_size=6) | st.sampled_from(
    ["", "0090", "009033", "00:90:33:2F:68:8A", "0090.332f.688a", "0090332F688A", "0090332f688a-TEL1", "IP222-2f-68-8a"]
)


@given(st.lists(words, min_size=1, max_size=8), st.lists(words, max_size=8))
def test_the_ranges_are_those_of_the_name_rule(cns, texts):
    """Against the rule itself, on every pair."""
    certificates = pd.DataFrame({"fingerprint": [str(n) for n in range(len(cns))], "subject_cn": cns})
    certificates["subject"] = "CN=x"
    certificates["dns_names"] = certificates["ip_addresses"] = [[] for _ in cns]
    victims = pd.DataFrame({"pbx": "p", "device": [str(n) for n in range(len(texts))], "name": texts})
    found = _opened(
        certificates.astype({"subject_cn": "str", "subject": "str"}), victims.astype({"device": "str", "name": "str"})
    )
    expected = {
        (cn, str(number))
        for cn in set(cns)
        for number, text in enumerate(texts)
        if names.begins_with_cn([text], [cn]).tolist() == [True]
    }
    assert set(zip(found["cn"], found["device"], strict=True)) == expected


@given(st.lists(st.text(max_size=4), max_size=9), st.lists(st.text(max_size=4), max_size=9))
def test_bisection_finds_what_startswith_finds(prefixes, texts):
    """For any Unicode text, the empty one included."""
    prefix, text = _begun(prefixes, texts)
    pairs = [(p, t) for p, one in enumerate(prefixes) for t, other in enumerate(texts) if other.startswith(one)]
    assert sorted(zip(prefix.tolist(), text.tolist(), strict=True)) == pairs


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9), st.integers(1, 200))
def test_the_room_is_the_largest_that_the_limit_leaves(counts, limit):
    """One more of each would be too many, unless all are there already."""
    counts = np.array(counts)
    room = _room(counts, limit)
    assert room == 1 or np.minimum(counts, room).sum() <= limit
    assert room >= counts.max() or np.minimum(counts, room + 1).sum() > limit


def test_spelling_is_folded_as_the_name_rule_does():
    """MACs in their three forms become the serial; other names lose their capitals only."""
    spelled = ["00:90:33:2F:68:8A-TEL1", "00-90-33-2f-68-8a", "0090.332F.688A", "IP222-2F-68-8A", "É"]
    assert [_folded(each) for each in spelled] == ["0090332f688a-TEL1".lower()] + ["0090332f688a"] * 2 + [
        "ip222-2f-68-8a",
        "É",
    ]


def test_one_name_with_two_keys_and_one_key_in_two_devices():
    """A CN that two keys carry, and a certificate that was copied to another device."""
    copied = issue(PHONES[2])
    given = fleet(
        [(PHONES[0], issue("phone")), (PHONES[1], issue("phone")), (PHONES[2], copied), ("009033000009", copied)],
        PHONES,
    )
    assert shared_names(given).to_dict("records") == [
        {"subject_cn": "phone", "keys": 2, "certificates": 2, "devices": 2}
    ]
    keys = shared_keys(given)
    assert keys["device"].tolist() == ["009033000003", "009033000009"]
    assert keys["devices"].tolist() == [2, 2]
    assert keys["key"].nunique() == keys["fingerprint"].nunique() == 1


def test_pairs_of_a_simulated_fleet_hold_by_diagnosis():
    """The holder of the certificate, registering as the victim, would be let in."""
    given = ct.link(simulation.simulate(120, seed=5))
    found = impersonations(given, at=simulation.NOW)
    assert len(found)
    for pair in found.drop_duplicates(["subject_cn", "pbx"]).itertuples():
        presented = given.certificates[given.certificates["fingerprint"] == pair.fingerprint].head(1)
        bundle = given.certificates[given.certificates["bundle"] == presented["bundle"].iloc[0]]
        result = ct.diagnose(
            presented,
            chain=bundle[bundle["fingerprint"] != pair.fingerprint],
            scenario="h323-certificate",
            registration_name=pair.name,
            trust=given.trust[given.trust["pbx"] == pair.pbx],
            tls_only=True,
            at=simulation.NOW,
        )
        assert result.verdict == "pass"
