"""What an update to 16r1 locks out: TLS profiles, and the versions that devices speak."""

from __future__ import annotations

import dataclasses
from functools import cache
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust.evaluation.tls_versions import VERSIONS, speaks
from certtrust.schema import HANDSHAKES, conform
from certtrust.testing import assert_frames_equal, small_fleet

CODE, OPINION = "transport.tls_version", "hygiene.tls_version"
T0 = pd.Timestamp("2026-03-01", tz="UTC")


@cache
def fleet() -> ct.Fleet:
    """Return a fleet without faults, whose devices have certificates."""
    return small_fleet(healthy=True)


@cache
def over_tls() -> pd.DataFrame:
    """Return the results of its registrations over TLS whose certificate is known."""
    results = ct.check(ct.attempts(fleet()))
    proxied = results["via_reverse_proxy"].fillna(value=False)
    return results[
        (results["protocol"] == "H.323/TLS")
        & results["fingerprint"].notna()
        & results["device"].notna()
        & ~proxied.astype(bool)
        & (results["verdict"] == "pass")
    ]


def seen(*rows: dict[str, object], role: str = "client") -> ct.Fleet:
    """Return the fleet with connections of the device of the first registration."""
    fingerprint = over_tls()["fingerprint"].iloc[0]
    own = [{"time": T0, f"{role}_certificates": [fingerprint], **row} for row in rows]
    return dataclasses.replace(
        fleet(), handshakes=conform(pd.DataFrame(own), HANDSHAKES)
    )


def version(with_handshakes: ct.Fleet) -> str | None:
    """Return the version that the device of the first registration speaks."""
    row = ct.attempts(with_handshakes).loc[over_tls().index[0], "tls_version"]
    return None if pd.isna(row) else str(row)


@pytest.mark.parametrize("profile", ["normal", "strict"])
def test_without_a_version_a_pass_becomes_unknown(profile: str) -> None:
    """Nothing was seen, so that nothing is promised; other transports are not asked."""
    before = ct.check(ct.attempts(fleet()))
    after = ct.check(ct.attempts(ct.what_if(fleet(), tls_profile=profile)))
    rows = over_tls().index
    assert set(after.loc[rows, "verdict"]) == {"unknown"}
    assert set(ct.changes(before, after)["change"]) == {"now unknown"}
    plain = before["protocol"].isin(["H.323/TCP", "H.323/UDP"])
    assert plain.any()
    assert_frames_equal(
        before.loc[plain, ["verdict", "cause"]],
        after.loc[plain, ["verdict", "cause"]],
    )
    missing = ct.missing(after)
    assert "TLS version" in set(missing["what"])


@pytest.mark.parametrize(
    ("profile", "offered", "verdict"),
    [
        *(("normal", name, "fail") for name in VERSIONS[:4]),
        *(("normal", name, "pass") for name in VERSIONS[4:]),
        *(("strict", name, "fail") for name in VERSIONS[:5]),
        ("strict", "TLS 1.3", "pass"),
        ("normal", "TLS 1.3 draft 23", "pass"),
        ("strict", "TLS 1.3 draft 23", "unknown"),
        ("normal", "0x0505", "unknown"),
    ],
)
def test_the_highest_version_that_a_device_offers_decides(
    profile: str, offered: str, verdict: str
) -> None:
    """Profile normal takes TLS 1.2 and 1.3, profile strict 1.3 alone."""
    what_if = ct.what_if(seen({"offered_version": offered}), tls_profile=profile)
    result = ct.check(ct.attempts(what_if)).loc[over_tls().index[0]]
    assert result["verdict"] == verdict
    if verdict == "fail":
        assert result["cause"] == CODE
        row = ct.check(ct.attempts(what_if)).loc[[over_tls().index[0]]]
        steps = ct.explained(row).steps.set_index("code")
        assert offered in steps.loc[CODE, "why"]


@pytest.mark.parametrize(
    ("role", "rows", "expected"),
    [
        ("client", [("TLS 1.0", None)], "TLS 1.0"),
        ("client", [(None, "TLS 1.0")], "TLS 1.0 or newer"),
        ("client", [(None, None)], None),
        ("client", [("TLS 1.3", "TLS 1.2")], "TLS 1.3"),
        ("server", [("TLS 1.3", "TLS 1.2")], "TLS 1.2"),
        ("server", [("TLS 1.2", "TLS 1.2")], "TLS 1.2 or newer"),
        ("server", [(None, "TLS 1.1")], "TLS 1.1 or newer"),
        ("server", [("TLS 1.0", None)], None),
        # An update counts from when it is seen; what is seen later outranks what was.
        ("client", [("TLS 1.0", None), ("TLS 1.2", None)], "TLS 1.2"),
        ("client", [("TLS 1.2", None), ("TLS 1.0", None)], "TLS 1.0"),
        ("client", [("TLS 1.0", None), (None, "TLS 1.2")], "TLS 1.2 or newer"),
        ("client", [(None, "TLS 1.2"), ("TLS 1.0", None)], "TLS 1.0"),
    ],
)
def test_what_connections_tell_of_a_version(role, rows, expected) -> None:
    """A client offers its highest; a server's is known where the client offered more."""
    connections = [
        {
            "time": T0 + pd.Timedelta(days=day),
            "offered_version": offered,
            "tls_version": chosen,
        }
        for day, (offered, chosen) in enumerate(rows)
    ]
    assert version(seen(*connections, role=role)) == expected
    assert version(seen(*connections[::-1], role=role)) == expected


def test_connections_at_one_moment_that_disagree_leave_it_open() -> None:
    """An offer proves the version; that it is the highest one it does not."""
    rows = [{"offered_version": name} for name in ("TLS 1.0", "TLS 1.2")]
    assert version(seen(*rows)) == "TLS 1.2 or newer"


def test_an_endpoint_that_was_asked_shows_its_version() -> None:
    """The second frame of `fetch_fleet` is taken as it is."""
    fingerprint = over_tls()["fingerprint"].iloc[0]
    endpoints = pd.DataFrame(
        {
            "host": ["192.0.2.7", "192.0.2.8"],
            "port": [443, 443],
            "outcome": ["open", "refused"],
            "tls_version": ["TLS 1.1", None],
            "certificates": [[fingerprint], None],
            "asked_at": [T0, T0],
        }
    )
    for frame in (endpoints, endpoints[["tls_version", "certificates"]]):
        asked = ct.what_if(fleet(), tls_profile="normal", endpoints=frame)
        assert version(asked) == "TLS 1.1"
        row = ct.check(ct.attempts(asked)).loc[over_tls().index[0]]
        assert row["verdict"] == "fail"
    with pytest.raises(ct.CerttrustError, match="certificates"):
        ct.what_if(fleet(), endpoints=endpoints[["tls_version"]])
    with pytest.raises(ct.CerttrustError):
        ct.what_if(fleet(), endpoints=None, tls_profile="fast")


def test_without_a_profile_no_verdict_turns() -> None:
    """An old version is an opinion, whatever connections show."""
    before = ct.check(ct.attempts(fleet()))
    for offered in ("TLS 1.0", "TLS 1.2"):
        after = ct.check(ct.attempts(seen({"offered_version": offered})))
        columns = ["verdict", "cause", "evidence", "explained"]
        assert_frames_equal(before[columns], after[columns])
        opinion = after.loc[over_tls().index[0], OPINION]
        assert opinion == (offered == "TLS 1.2")
    first = over_tls().index[0]
    old = ct.check(ct.attempts(seen({"offered_version": "TLS 1.0"})))
    found = ct.findings(old.loc[[first]])
    assert OPINION in set(found["code"])


def test_what_asks_nothing_is_no_step_of_a_diagnosis() -> None:
    """Neither without a profile, nor without a version."""
    before = ct.check(ct.attempts(fleet()))
    steps = ct.explained(before.loc[[over_tls().index[0]]]).steps
    assert not set(steps["code"]) & {CODE, OPINION}
    assert set(before[CODE].dropna()) <= {True}


def test_readiness_counts_devices_by_model_and_firmware() -> None:
    """Each device that may use TLS is in one row, and ready, locked out or unknown."""
    handshakes = [
        {
            "time": T0,
            "client_certificates": [fingerprint],
            "offered_version": VERSIONS[number % 6],
        }
        for number, fingerprint in enumerate(over_tls()["fingerprint"].unique())
    ]
    whole = dataclasses.replace(
        fleet(), handshakes=conform(pd.DataFrame(handshakes), HANDSHAKES)
    )
    tables = [
        ct.tls_readiness(whole, tls_profile=name) for name in ("normal", "strict")
    ]
    for table in tables:
        parts = table[["ready", "locked_out", "unknown"]].sum(axis="columns")
        assert (parts == table["devices"]).all()
        assert table["locked_out"].is_monotonic_decreasing
    assert tables[0]["locked_out"].sum() < tables[1]["locked_out"].sum()
    before = ct.check(ct.attempts(whole))
    after = ct.check(ct.attempts(ct.what_if(whole, tls_profile="strict")))
    broken = ct.changes(before, after)
    broken = broken[broken["change"] == "broken"]
    assert set(broken["cause_after"]) <= {CODE}
    assert 0 < broken["device"].nunique() <= table["locked_out"].sum()
    assert not table.duplicated(["model", "firmware"]).any()
    with pytest.raises(ct.CerttrustError, match="normal or strict"):
        ct.tls_readiness(whole, tls_profile="fast")
    assert ct.tls_readiness(ct.read_fleet(b"")).empty


def test_profiles_are_saved_with_the_fleet(tmp_path: Path) -> None:
    """A what-if is judged the same after it was saved; each PBX may have a profile of its own."""
    what_if = ct.what_if(seen({"offered_version": "TLS 1.0"}), tls_profile="normal")
    again = ct.read_fleet(what_if.save(tmp_path / "saved"))
    assert_frames_equal(again.profiles, what_if.profiles)
    verdicts = [ct.check(ct.attempts(one))["verdict"] for one in (what_if, again)]
    assert verdicts[0].tolist() == verdicts[1].tolist()
    pbx = over_tls()["pbx"].iloc[0]
    rows = [{"pbx": pbx, "tls_profile": "strict"}, {"tls_profile": "normal"}]
    own = conform(pd.DataFrame(rows), ct.schema.PROFILES)
    attempts = ct.attempts(dataclasses.replace(fleet(), profiles=own))
    expected = attempts["pbx"].eq(pbx).map({True: "strict", False: "normal"})
    assert attempts["tls_profile"].astype("str").tolist() == expected.tolist()


def test_a_copy_under_pseudonyms_keeps_its_profiles() -> None:
    """Each PBX has the same one under its other name, and every verdict stays."""
    small = ct.simulate(8, seed=1)
    pbx = small.devices["pbx"].iloc[0]
    rows = [{"pbx": pbx, "tls_profile": "strict"}, {"tls_profile": "normal"}]
    own = conform(pd.DataFrame(rows), ct.schema.PROFILES)
    before = dataclasses.replace(small, profiles=own)
    copy = ct.pseudonymise(before)
    assert copy.profiles is not None
    assert pbx not in set(copy.profiles["pbx"])
    verdicts = [ct.check(ct.attempts(one)) for one in (before, copy)]
    for column in ("verdict", CODE):
        assert verdicts[0][column].tolist() == verdicts[1][column].tolist()


def test_a_newer_version_never_locks_out() -> None:
    """What a version is taken for grows with it, and the looser profile takes no less."""
    for older, newer in product(range(6), repeat=2):
        if older > newer:
            continue
        for least in ("TLS 1.2", "TLS 1.3"):
            old, new = speaks(
                pd.Series([VERSIONS[older], VERSIONS[newer]]), least
            ).tolist()
            assert new or not old
    names = pd.Series([*VERSIONS, *(f"{name} or newer" for name in VERSIONS), None])
    normal, strict = speaks(names, "TLS 1.2"), speaks(names, "TLS 1.3")
    assert (normal | ~strict).fillna(value=True).all()
