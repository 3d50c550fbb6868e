"""Actions: each kind changes only what it describes, in a copy, and invalid ones are refused."""

import dataclasses

import pandas as pd
import pytest

import certtrust as ct
from certtrust.advice import KINDS, apply
from certtrust.advice.remedies.fleet_copy import FOREVER
from certtrust.advice.remedies.kinds import BY_KIND, REMEDIES
from certtrust.advice.remedies.remedy import checked
from certtrust.testing import small_fleet
from certtrust.texts.sentences import sentences
from certtrust.x509.structure import structure


@pytest.fixture(scope="module")
def fleet():
    """Return a fleet with every usual fault."""
    return small_fleet(100, seed=8)


def action(kind, **columns):
    """Return a frame of one action."""
    return pd.DataFrame([{"action": kind, **columns}])


def changed(before, after):
    """Return the names of the frames in which two fleets differ."""
    frames = ("certificates", "trust", "devices", "registrations")
    return {
        name
        for name in frames
        if not getattr(before, name).equals(getattr(after, name))
    }


def test_every_kind_can_be_applied_and_is_worded(fleet):
    """Each kind has a function and sentences."""
    attempts = ct.attempts(fleet).dropna(subset=["device", "pbx", "fingerprint"])
    one = attempts.iloc[0]
    facts = {
        name: one[name]
        for name in ("device", "pbx", "fingerprint", "registration_name")
    }
    facts |= {
        "name": facts.pop("registration_name"),
        "value": "other",
        "since": pd.Timestamp("2026-01-01", tz="UTC"),
    }
    for kind in KINDS:
        assert isinstance(apply(fleet, action(kind, **facts)), ct.Fleet)
    texts = sentences()["actions"]
    assert set(KINDS) | {
        "trust CA",
        "renew self-signed",
        "reissue self-signed",
    } == set(texts)
    assert all(
        {"title", "step", "price", "instead"} == set(sentence_parts)
        for sentence_parts in texts.values()
    )


def test_setting_a_clock_concerns_one_device(fleet):
    """All registrations of that device get a clock, and no others change."""
    attempts = ct.attempts(fleet)
    device = attempts.loc[attempts["clock_unset"].fillna(value=False), "device"].iloc[
        0
    ]
    after = apply(fleet, action("set clock", device=device))
    unset = attempts.loc[
        fleet.registrations["clock_unset"].ne(after.registrations["clock_unset"]),
        "device",
    ]
    assert changed(fleet, after) == {"registrations"}
    assert set(unset) == {device}


def test_trusting_a_certificate_adds_it_to_that_list_alone(fleet):
    """The new entry has the PBX and the certificate itself."""
    ca = fleet.certificates.loc[fleet.certificates["is_ca"].fillna(value=False)].iloc[
        0
    ]
    after = apply(
        fleet, action("trust", pbx="elsewhere", fingerprint=ca["fingerprint"])
    )
    assert changed(fleet, after) == {"trust"}
    assert after.trust.iloc[-1][["pbx", "fingerprint", "der"]].tolist() == [
        "elsewhere",
        ca["fingerprint"],
        ca["der"],
    ]
    assert after.trust.dtypes.equals(fleet.trust.dtypes)


def test_a_renewed_ca_keeps_name_and_key_and_never_expires(fleet):
    """It represents the certificate that the owner of the CA would have to issue."""
    ca = fleet.certificates.loc[fleet.certificates["is_ca"].fillna(value=False)].iloc[
        0
    ]
    new = apply(
        fleet, action("renew CA", pbx="hq", fingerprint=ca["fingerprint"])
    ).trust.iloc[-1]
    one, other = structure(ca["der"]), structure(new["der"])
    assert (one.subject, one.public_key) == (other.subject, other.public_key)
    read = ct.read_certificates(new["der"]).iloc[0]
    assert (read["fingerprint"], read["not_before"]) == (
        new["fingerprint"],
        ca["not_before"],
    )
    assert read["not_after"].year in (2049, 9999)
    assert new["fingerprint"] != ca["fingerprint"]


def test_a_reissued_certificate_has_the_new_cn_and_never_expires(fleet):
    """Special characters of a name are escaped; the fingerprint stays the same."""
    leaf = fleet.certificates.iloc[0]["fingerprint"]
    after = apply(
        fleet, action("reissue", fingerprint=leaf, value="a+b")
    ).certificates
    row = after[after["fingerprint"] == leaf].iloc[0]
    assert (row["subject_cn"], row["subject"], row["not_after"]) == (
        "a+b",
        "CN=a\\+b",
        FOREVER,
    )


def test_a_flag_is_set_at_one_pbx_or_at_all():
    """An action with a PBX changes that entry; without one it changes every entry of the device."""
    entries = pd.DataFrame(
        {"pbx": ["hq", "hotel"], "hardware_id": "IP222-00-00-01", "tls_only": True}
    )
    fleet = ct.Fleet(
        *(
            ct.schema.empty(table)
            for table in (ct.schema.CERTIFICATES, ct.schema.TRUST)
        ),
        ct.schema.conform(entries, ct.schema.DEVICES),
        ct.schema.empty(ct.schema.REGISTRATIONS),
    )
    clear = action("clear TLS only", device="IP222-00-00-01", pbx="hq")
    assert apply(fleet, clear).devices["tls_only"].tolist() == [False, True]
    assert apply(fleet, clear.drop(columns="pbx")).devices["tls_only"].tolist() == [
        False,
        False,
    ]


def test_mistakes_are_refused(fleet):
    """Unknown actions, certificates that are not in the fleet, and frames without actions raise."""
    with pytest.raises(
        ct.CerttrustError, match="no such action; there are set clock"
    ):
        apply(fleet, action("reboot"))
    with pytest.raises(
        ct.CerttrustError, match="no certificate with the fingerprint 00ff"
    ):
        apply(fleet, action("trust", pbx="hq", fingerprint="00ff"))
    with pytest.raises(ct.CerttrustError, match="lack the column action"):
        apply(fleet, pd.DataFrame({"device": ["x"]}))


def test_a_line_that_is_no_attempt_does_not_become_one():
    """Logs have other lines of a device too, which an action on its registrations leaves alone."""
    log = pd.DataFrame(
        {"serial": ["009033000001"] * 2, "state": ["rejected", None], "pbx": "hq"}
    )
    fleet = ct.Fleet(
        *(
            ct.schema.empty(table)
            for table in (ct.schema.CERTIFICATES, ct.schema.TRUST, ct.schema.DEVICES)
        ),
        ct.schema.conform(log, ct.schema.REGISTRATIONS),
    )
    for kind in ("use certificate", "enrol", "rename"):
        after = apply(
            fleet,
            action(
                kind, pbx="hq", device="009033000001", name="009033000001", value="x"
            ),
        )
        assert (
            ct.attempts(after).index.tolist()
            == ct.attempts(fleet).index.tolist()
            == [0]
        )


def test_an_empty_plan_changes_nothing(fleet):
    """All frames stay the same."""
    assert (
        changed(fleet, apply(fleet, pd.DataFrame({"action": pd.Series(dtype="str")})))
        == set()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_incomplete_action_is_refused(fleet, kind):
    """An incomplete action could silently change nothing, or the wrong rows."""
    with pytest.raises(
        ct.CerttrustError, match=rf"'{kind}' lacks its (device|fingerprint|name)"
    ):
        apply(fleet, action(kind))


def test_a_registration_without_pbx_uses_the_certificate_of_its_own_device():
    """It does so even after another device is enrolled at several PBXs."""
    fleet = small_fleet(30, seed=2, healthy=True)
    log = ct.attempts(fleet).drop_duplicates("device")
    one, other = log["device"].dropna().iloc[:2]
    silent = fleet.registrations.loc[log.index[log["device"] == other]].assign(
        pbx=None, fingerprint=None
    )
    rows = pd.concat([fleet.registrations, silent], ignore_index=True).astype(
        fleet.registrations.dtypes.to_dict()
    )
    actions = pd.DataFrame(
        {"device": [one, one, other], "pbx": ["north", "south", "north"]}
    )
    better = apply(
        dataclasses.replace(fleet, registrations=rows),
        actions.assign(action="enrol", value="a"),
    )
    presented = better.registrations["fingerprint"].iloc[-1]
    devices = better.certificates.set_index("fingerprint")["device"]
    assert devices[presented] == other


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"meets": ()}, "name rules that decide a verdict"),
        ({"meets": ("hygiene.prefix",)}, "name rules that decide a verdict"),
        ({"needs": ("colour",)}, "name some of pbx, device"),
        ({"propose": None}, "one of propose and entries"),
        (
            {"variant": ("is_ca", "clock of a CA")},
            r'add title, step, price, instead to \[actions."clock of a CA"\]',
        ),
        (
            {"kind": "wind clock"},
            r'add title, step, price, instead to \[actions."wind clock"\]',
        ),
        ({"cost": 950}, "'set clock' and 'trust' have costs of 950 and 1000"),
    ],
)
def test_an_incomplete_record_is_refused(changes, message):
    """The error says what the record of a remedy lacks."""
    clock, *others = sorted(REMEDIES, key=lambda remedy: remedy.cost)
    with pytest.raises(ct.CerttrustError, match=message):
        checked([dataclasses.replace(clock, **changes), *others])


def test_kinds_are_a_table_in_the_order_of_their_cost():
    """The table lists the cost of each remedy, the rules that it meets and what it needs."""
    table = ct.advice.kinds()
    assert table["action"].tolist() == list(KINDS)
    assert table["cost"].is_monotonic_increasing
    assert table.set_index("action").loc["rename", "meets"] == ", ".join(
        BY_KIND["rename"].meets
    )


def test_an_enrolment_without_pbx_changes_every_registration():
    """A new certificate that is in every list is presented at every PBX, also where the log
    names one.
    """
    fleet = small_fleet(20, seed=3, healthy=True)
    log = ct.attempts(fleet)
    device = log["device"].dropna().iloc[0]
    better = apply(fleet, action("enrol", device=device, value="x"))
    presented = better.registrations.loc[
        log.index[log["device"] == device], "fingerprint"
    ]
    assert set(presented) == {better.trust["fingerprint"].iloc[-1]}
