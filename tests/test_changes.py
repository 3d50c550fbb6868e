"""Two results are compared by device and registration, whatever their labels and order."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import certtrust as ct
from certtrust.advice.changes import aligned_changes, changed
from certtrust.evaluation.check import CAUSES, VERDICTS
from certtrust.testing import small_fleet

T0, T1 = (pd.Timestamp(day, tz="UTC") for day in ("2026-03-01", "2026-03-08"))


def results(*rows: dict[str, object]) -> pd.DataFrame:
    """Return the columns of RESULTS that are compared."""
    usual = {
        "device": "0090332f688a",
        "pbx": "hq",
        "registration_name": "0090332f688a",
        "interface": None,
        "name_by": "log",
        "time": T0,
        "verdict": "pass",
        "cause": None,
        "observed": None,
    }
    columns = [*usual, "serial"]
    return pd.DataFrame([{**usual, **row} for row in rows], columns=columns)


def kinds(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Return the kinds of change."""
    return ct.changes(before, after)["change"].astype("str").tolist()


def fails(cause: str) -> dict[str, str]:
    """Return a failed verdict for a cause."""
    return {"verdict": "fail", "cause": cause}


UNKNOWN = {"verdict": "unknown"}


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, fails("time.clock"), "broken"),
        (UNKNOWN, fails("time.clock"), "broken"),
        (fails("time.clock"), {}, "repaired"),
        (fails("time.clock"), {"cause": "timeout"}, "repaired"),
        (fails("time.clock"), UNKNOWN, "now unknown"),
        ({}, UNKNOWN, "now unknown"),
        (UNKNOWN, {}, "now known"),
        (fails("time.clock"), fails("certificate.name"), "other cause"),
        (fails("time.clock"), fails("time.clock"), None),
        ({"cause": "timeout"}, {}, None),
        (UNKNOWN, UNKNOWN, None),
    ],
)
def test_each_change_of_the_same_attempt_has_its_name(before, after, change) -> None:
    """It depends on the verdicts, and on the causes where both fail."""
    expected = [] if change is None else [change]
    assert kinds(results(before), results(after)) == expected
    found = ct.changes(results(before), results(after))
    assert set(found["evidence"]) <= {"rule"}


def shuffled_is_equal(fleet: ct.Fleet, seed: int) -> None:
    """Assert that neither rows of results nor those of the fleet's tables have an order."""
    before = ct.check(ct.attempts(fleet))
    shuffled = before.sample(frac=1, random_state=seed)
    assert ct.changes(before, shuffled).empty
    assert ct.changes(shuffled.reset_index(drop=True), before).empty
    mixed = {
        name: getattr(fleet, name)
        .sample(frac=1, random_state=seed)
        .reset_index(drop=True)
        for name in ("registrations", "devices", "certificates", "trust")
    }
    after = ct.check(ct.attempts(dataclasses.replace(fleet, **mixed)))
    assert ct.changes(before, after).empty


def test_a_shuffled_log_is_no_change() -> None:
    """Neither rows of results nor lines of the log, however they are labelled, make one."""
    shuffled_is_equal(small_fleet(40), 1)


@pytest.mark.exhaustive
def test_no_shuffled_log_of_many_fleets_is_a_change() -> None:
    """The same for random fleets of several sizes."""
    for seed in range(8):
        shuffled_is_equal(small_fleet(20 + 20 * seed, seed=seed), seed)


def test_every_registration_is_listed_once_and_no_other() -> None:
    """What `changes` lists is what a comparison of the latest attempts one by one finds."""
    fleet = small_fleet()
    before = ct.check(ct.attempts(fleet))
    after = ct.check(ct.attempts(ct.what_if(fleet, tls_only=True)), at="2028-01-01")
    found = ct.changes(before, after)
    keys = ["device", "pbx", "registration_name", "interface"]
    assert not found.duplicated(keys).any()
    latest = [
        ct.latest(frame).set_index(keys)[["verdict", "cause"]].astype("str")
        for frame in (before, after)
    ]
    both = latest[0].join(latest[1].add_suffix("_after")).reset_index()
    both = both[both["device"].notna()]
    moved = both["verdict"] != both["verdict_after"]
    moved |= (both["verdict"] == "fail") & (both["cause"] != both["cause_after"])
    assert len(found) == int(moved.sum()) > 0
    assert set(found["device"]) == set(both.loc[moved, "device"])


def test_a_new_log_is_compared_by_what_it_shows() -> None:
    """What was observed at another moment outranks what the rules predict."""
    up, failed = {"observed": "up"}, {"observed": "failed", "cause": "wrong_password"}
    found = ct.changes(results(up), results({**failed, "time": T1}))
    assert found["change"].tolist() == ["broken"]
    assert found["evidence"].tolist() == ["log"]
    assert found["cause_after"].tolist() == ["wrong_password"]
    found = ct.changes(results(failed), results({**up, "time": T1}))
    assert found[["change", "evidence"]].to_numpy().tolist() == [["repaired", "log"]]
    # The rules say that it is repaired, the new log that it is not.
    still = {**failed, "cause": "unexplained", "time": T1}
    broken = {**fails("certificate.trust"), "observed": "failed"}
    assert kinds(results(broken), results(still)) == ["other cause"]


def test_what_is_not_seen_again_is_not_repaired() -> None:
    """A failure that the log stated, and that nobody looked for again, is undecided now."""
    failed = results({"observed": "failed", "cause": "wrong_password"})
    unseen = results({"time": pd.NaT})
    assert kinds(failed, unseen) == ["now unknown"]
    broken = results({**fails("certificate.trust"), "observed": "failed"})
    found = ct.changes(broken, unseen)
    assert found[["change", "evidence"]].to_numpy().tolist() == [["repaired", "rule"]]


def nothing_is_repaired_by_lack(fleet: ct.Fleet) -> None:
    """Assert that without some of its data no failure turns into a pass."""
    before = ct.check(ct.attempts(fleet))
    for name in ("certificates", "trust", "devices"):
        less = dataclasses.replace(fleet, **{name: getattr(fleet, name).iloc[:0]})
        found = ct.changes(before, ct.check(ct.attempts(less)))
        assert not (found["change"] == "repaired").any(), name


def test_missing_data_never_repair() -> None:
    """Whatever a state lacks, no failure of the other one turns into a pass by it."""
    nothing_is_repaired_by_lack(small_fleet())


@pytest.mark.exhaustive
def test_missing_data_of_many_fleets_never_repair() -> None:
    """The same for random fleets."""
    for seed in range(8):
        nothing_is_repaired_by_lack(small_fleet(40, seed=seed + 20))


def test_one_device_in_two_spellings_is_one() -> None:
    """Its serial and its hardware ID, as its name as well; an unknown one stays another."""
    by_id = {"device": "IP222-2f-68-8a", "registration_name": "ip222-2F-68-8A"}
    assert kinds(results(by_id), results({})) == []
    other = {"device": "IP222-2f-68-8b", "registration_name": "IP222-2f-68-8b"}
    assert kinds(results(other), results({})) == ["gone", "new"]


def test_names_and_pbxs_that_nobody_stated_are_no_change() -> None:
    """A device with one registration is the same one; with two it is not told which."""
    named = {"registration_name": "reception"}
    default = {"name_by": "default"}
    nowhere = {"pbx": None}
    for unstated in (default, nowhere, {**default, **nowhere}):
        other = {**named, **unstated} if "name_by" not in unstated else unstated
        assert kinds(results(named), results(other)) == [], unstated
        assert kinds(results(other), results(named)) == [], unstated
    two = results(named, {"registration_name": "gate"})
    assert kinds(two, results(default)) == ["gone", "gone", "new"]
    assert kinds(results(named), results({"registration_name": "gate"})) == [
        "gone",
        "new",
    ]


def test_of_attempts_at_one_moment_the_worst_counts() -> None:
    """Their order does not decide, and neither does that of attempts without a time."""
    rows = [{}, UNKNOWN, fails("time.clock"), fails("certificate.name")]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        for time in (T0, pd.NaT):
            mixed = results(*({**rows[row], "time": time} for row in order))
            found = ct.changes(results({}), mixed)
            assert found["verdict_after"].tolist() == ["fail"]
            assert found["cause_after"].tolist() == ["time.clock"]


def test_attempts_of_unknown_devices_are_left_out() -> None:
    """They cannot be matched, and two of them may be two devices."""
    nameless = {"device": None, "registration_name": None}
    before = results({**nameless, **fails("time.clock")})
    assert kinds(before, results(nameless)) == []
    assert kinds(before, results({})) == ["new"]


def test_further_columns_may_be_absent_and_frames_empty() -> None:
    """Only what tells registrations apart, and the verdict, has to be there."""
    narrow = results({}, fails("time.clock"))[
        ["device", "pbx", "registration_name", "interface", "verdict", "cause"]
    ]
    assert ct.changes(narrow, narrow).empty
    assert kinds(narrow.head(1), narrow.iloc[:0]) == ["gone"]
    assert ct.changes(narrow.iloc[:0], narrow.iloc[:0]).empty
    with pytest.raises(ct.CerttrustError, match="registration_name"):
        ct.changes(narrow, narrow.drop(columns="registration_name"))
    for odd in (None, 5, "fleet", {}):
        with pytest.raises(ct.CerttrustError, match="RESULTS"):
            ct.changes(narrow, odd)


def test_arguments_are_not_changed() -> None:
    """They are compared as copies."""
    before = ct.check(ct.attempts(small_fleet()))
    copy = before.copy()
    ct.changes(before, before.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(before, copy)


def test_rows_of_one_order_are_compared_as_they_stand() -> None:
    """Widgets compare rows that they know to be the same, also of unknown devices."""
    before = results({"device": None}, {}).astype(
        {"verdict": VERDICTS, "cause": CAUSES}
    )
    after = before.assign(
        verdict=pd.Categorical(["fail", "pass"], dtype=VERDICTS),
        cause=pd.Categorical(["time.clock", None], dtype=CAUSES),
    )
    assert aligned_changes(before, after)["change"].tolist() == ["broken"]
    assert changed(before, after).tolist() == [0, 7]
    assert np.all(changed(before, before) == 7)


@pytest.mark.parametrize(
    "cause", ["transport.tls_only", "password.tls_only", "time.clock"]
)
def test_what_only_a_log_shows_is_not_repaired_without_one(cause: str) -> None:
    """A would-be attempt has the right transport, login and clock whatever the device does."""
    before = results({**fails(cause), "observed": "failed"})
    assert kinds(before, results({"time": pd.NaT})) == ["now unknown"]
    assert kinds(before, results({"time": T1})) == ["repaired"]


def test_a_name_that_nobody_tried_again_is_not_repaired() -> None:
    """A would-be attempt goes by the default name, and not by the one that failed."""
    before = {**fails("certificate.name"), "observed": "failed"}
    other = results({**before, "registration_name": "lobby"})
    default = results(
        {"time": pd.NaT, "registration_name": None, "name_by": "default"}
    )
    assert kinds(other, default) == ["now unknown"]
    assert kinds(results(before), results({"time": pd.NaT})) == ["repaired"]
