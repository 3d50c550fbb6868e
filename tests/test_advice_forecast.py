"""Forecast: the failures that `check` finds at each future date, and the expiries behind them."""

import dataclasses
import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certtrust as ct
from certtrust.advice import endings, forecast, latest
from certtrust.advice.forecast import _last_path, failure_counts
from certtrust.schema import CERTIFICATES, DEVICES, REGISTRATIONS, TRUST, empty
from certtrust.testing import small_fleet
from certtrust.trust.trust_state import TrustPath


@pytest.fixture(scope="module")
def fleet():
    """Return a linked fleet with certificates and a CA that end within two years."""
    return small_fleet(120, seed=9)


def current(fleet):
    """Return the latest attempt of each registration in the log."""
    return latest(ct.attempts(fleet))


def failures_at(rows, dates):
    """Return date, device and cause of the failures at each date, by one call of `check`."""
    at = pd.Series(dates.repeat(len(rows)))
    repeated = pd.concat([rows] * len(dates), ignore_index=True)
    results = ct.check(repeated, at=at).assign(date=at)
    failing = results[(results["verdict"] == "fail").to_numpy()]
    return failing[["date", "device", "cause"]].astype({"cause": "str"})


def test_each_date_agrees_with_check_at_that_date(fleet):
    """Compare with judging every current registration at every date, without any shortcut."""
    counts = forecast(fleet, periods=9, freq="QS")
    dates = pd.DatetimeIndex(counts["date"].unique())
    failing = failures_at(
        pd.concat(current_attempts(fleet), ignore_index=True), dates
    )
    expected = failing.groupby(["date", "cause"])["device"].agg(["size", "nunique"])
    counts = counts[counts["attempts"] > 0].astype({"cause": "str"})
    counts = counts.set_index(["date", "cause"]).sort_index()
    assert counts["attempts"].to_dict() == expected["size"].to_dict()
    assert counts["devices"].to_dict() == expected["nunique"].to_dict()


def current_attempts(fleet):
    """Return the logged attempts repeated now, and those of devices that are not in the log."""
    now = ct.attempts(dataclasses.replace(fleet, registrations=retried_today(fleet)))
    silent = ct.attempts(fleet, of="devices")
    return now, silent[~silent["device"].isin(now["device"])]


def retried_today(fleet):
    """Return the registrations of the latest attempts, repeated now."""
    rows = fleet.registrations.loc[current(fleet).index]
    now = pd.Timestamp.now("UTC").as_unit("us")
    return rows.assign(time=rows["time"].mask(rows["time"].notna(), now))


def test_dates_are_in_the_future_and_have_every_cause(fleet):
    """A chart needs no filling of gaps."""
    counts = forecast(fleet, periods=6)
    assert counts["date"].nunique() == 6
    assert counts["date"].min() > pd.Timestamp.now("UTC")
    assert len(counts) == 6 * counts["cause"].nunique()
    assert (counts["new_devices"] <= counts["devices"]).all()
    assert (counts["devices"] <= counts["attempts"]).all()


def test_an_expiry_counts_the_attempts_that_fail_because_of_it(fleet):
    """Compare with `check` in the last second of the certificate and in the second after it."""
    expiries = endings(fleet, periods=36)
    assert {"device", "CA"} == set(expiries["role"])
    assert expiries["ends"].is_monotonic_increasing
    rows = pd.concat(current_attempts(fleet), ignore_index=True)
    rows["on_way"] = [
        {own, *(entry for path in paths for entry in path["certificates"])}
        for own, paths in zip(rows["fingerprint"], rows["trust_paths"], strict=True)
    ]
    ends = pd.DatetimeIndex(expiries["ends"]).repeat(len(rows))
    repeated = pd.concat([rows] * len(expiries), ignore_index=True)
    before = ct.check(repeated, at=pd.Series(ends))
    after = ct.check(repeated, at=pd.Series(ends + pd.Timedelta(seconds=1)))
    down = (before["verdict"] == "pass") & (after["verdict"] == "fail")
    for number, ending in enumerate(expiries.itertuples()):
        failing = rows[down.iloc[number * len(rows) :].head(len(rows)).to_numpy()]
        affected = failing[[ending.fingerprint in path for path in failing["on_way"]]]
        assert len(affected) == ending.attempts
        assert affected["device"].nunique() == ending.devices


def test_a_fleet_without_a_log_is_forecast_by_its_device_entries(fleet):
    """Expiries are shown without a log, too."""
    silent = dataclasses.replace(fleet, registrations=fleet.registrations.head(0))
    assert len(forecast(silent, periods=2))
    assert len(endings(silent, periods=48))


def test_the_latest_attempt_of_each_registration_is_chosen():
    """Time decides, not the order of lines; without times the last line counts. Each name counts
    as one registration.
    """
    frame = pd.DataFrame(
        {
            "device": ["a", "a", "a", "b", "b", None],
            "pbx": "p",
            "registration_name": ["x", "x", "y", "z", "z", None],
            "interface": None,
            "time": pd.to_datetime(
                ["2026-02-01", "2026-01-01", "2026-01-01", None, None, None], utc=True
            ),
        },
        index=[10, 11, 12, 13, 14, 15],
    ).astype({"interface": "str"})
    assert latest(frame).index.tolist() == [10, 12, 14, 15]


def test_mistakes_are_refused(fleet):
    """A forecast needs future dates and a frequency that pandas knows."""
    for periods in (0, 2.5, "3"):
        with pytest.raises(
            ct.CerttrustError, match="a whole number of dates, at least one"
        ):
            forecast(fleet, periods=periods)
    for freq in ("blue moon", "-1MS", "0D"):
        with pytest.raises(ct.CerttrustError, match="not an interval between dates"):
            endings(fleet, freq=freq)


UNLOGGED = small_fleet(40, seed=4, healthy=True)
UNLOGGED = ct.link(
    dataclasses.replace(UNLOGGED, registrations=UNLOGGED.registrations.head(0))
)
WOULD_BE = ct.attempts(UNLOGGED, of="devices")
DATES = pd.date_range("2030-01-01", periods=4, freq="MS", tz="UTC").as_unit("us")
NOW = pd.Timestamp("2029-12-20T10:00:00.5Z").as_unit("us")
DAY, SECOND = 86_400_000_000, 1_000_000
edges = st.sampled_from([NOW, *DATES]).flatmap(
    lambda date: st.sampled_from([-40 * DAY, -DAY, -SECOND, -1, 0, 1, SECOND]).map(
        lambda shift: (int(date.value // 1000) + shift) // SECOND * SECOND
    )
)
paths = st.lists(
    st.tuples(edges, edges).map(
        lambda ends: TrustPath(("ca",), min(ends), max(ends) + SECOND - 1)
    ),
    max_size=3,
)


@st.composite
def would_be_attempts(draw):
    """Draw attempts of a few devices whose certificates and paths begin and end close to the
    dates.
    """
    chosen = st.lists(st.integers(0, len(WOULD_BE) - 1), max_size=30)
    rows = WOULD_BE.iloc[draw(chosen)].reset_index(drop=True)
    size = len(rows)

    def dates():
        drawn = draw(st.lists(edges | st.none(), min_size=size, max_size=size))
        return pd.to_datetime(
            pd.Series(drawn, dtype="Int64"), unit="us", utc=True
        ).astype("datetime64[us, UTC]")

    trust_paths = [tuple(draw(paths)) for _ in range(size)]
    return rows.assign(
        device=pd.array(
            draw(
                st.lists(
                    st.sampled_from(["a", "b", None]), min_size=size, max_size=size
                )
            ),
            dtype="str",
        ),
        not_before=dates(),
        not_after=dates(),
        trust_paths=pd.Series(trust_paths, dtype="object"),
    ).set_axis(range(5, 5 + size), axis=0)


@pytest.mark.parametrize(
    "examples", [12, pytest.param(200, marks=pytest.mark.exhaustive)]
)
def test_counts_equal_judging_everything_at_every_date(examples):
    """A new device is one that did not fail for the same cause at the previous date."""

    @given(would_be_attempts())
    @settings(max_examples=examples, deadline=None)
    def holds(rows):
        counts = failure_counts(rows, NOW, DATES)
        assert len(counts) == len(DATES) * counts["cause"].nunique()
        failing = failures_at(rows, DATES.insert(0, NOW))
        failures = set(zip(failing["date"], failing["cause"], strict=True))
        assert {cause for date, cause in failures if date != NOW} == set(
            counts["cause"]
        )
        devices = {
            key: set(group.dropna())
            for key, group in failing.groupby(["date", "cause"])["device"]
        }
        earlier = dict(zip(DATES, [NOW, *DATES], strict=False))
        for row in counts.itertuples():
            now = devices.get((row.date, row.cause), set())
            before = devices.get((earlier[row.date], row.cause), set())
            attempts = (failing["date"] == row.date) & (failing["cause"] == row.cause)
            assert row.attempts == attempts.sum()
            assert row.devices == len(now)
            assert row.new_devices == len(now - before)

    holds()


def test_a_certificate_may_end_in_the_very_second_of_the_forecast():
    """It is valid through that second, and fails at every later date."""
    passes = (ct.check(WOULD_BE, at=NOW)["verdict"] == "pass").to_numpy()
    rows = WOULD_BE[passes].assign(not_after=NOW.floor("s"))
    counts = failure_counts(rows, NOW, DATES)
    failing = counts[counts["cause"] == "time.validity"]
    assert failing["attempts"].tolist() == [len(rows)] * len(DATES)
    assert failing["new_devices"].iloc[0] == rows["device"].nunique() > 0


@given(paths)
def test_the_last_path_holds_until_none_does(trust_paths):
    """A path that begins after a gap does not help; one that begins in the next second does."""
    moment = int(NOW.value // 1000)
    current_paths = [
        path for path in trust_paths if path.not_before <= moment <= path.not_after
    ]
    last = _last_path(tuple(trust_paths), moment)
    if not current_paths:
        assert not last.certificates
        return
    assert any(
        path.not_before <= last.not_after <= path.not_after for path in trust_paths
    )
    assert not any(
        path.not_before <= last.not_after + 1 <= path.not_after
        for path in trust_paths
    )
    for edge in [
        path.not_after
        for path in trust_paths
        if moment <= path.not_after < last.not_after
    ]:
        assert any(
            path.not_before <= edge + 1 <= path.not_after for path in trust_paths
        )


def test_a_forecast_without_a_log_agrees_with_check_of_the_devices():
    """Compare causes and devices of two years with a check of every month."""
    counts = forecast(UNLOGGED)
    dates = pd.DatetimeIndex(counts["date"].unique())
    assert len(dates) == 24
    expected = failures_at(WOULD_BE, dates).groupby(["date", "cause"])["device"]
    failing = counts[counts["devices"] > 0].astype({"cause": "str"})
    failing = failing.set_index(["date", "cause"])["devices"]
    assert failing.to_dict() == expected.nunique().to_dict()


def test_an_empty_fleet_has_no_failures_and_keeps_the_columns(fleet):
    """Both functions return an empty frame with the usual columns."""
    empty_fleet = ct.Fleet(
        empty(CERTIFICATES), empty(TRUST), empty(DEVICES), empty(REGISTRATIONS)
    )
    for function in (forecast, endings):
        frame = function(empty_fleet, periods=2)
        assert frame.empty
        assert frame.dtypes.to_dict() == function(fleet, periods=2).dtypes.to_dict()


def test_judging_in_parts_makes_no_difference(fleet, monkeypatch):
    """The number of registrations that are judged at a time does not matter."""
    expected = forecast(fleet, periods=12)
    monkeypatch.setattr(sys.modules[forecast.__module__], "_BLOCK", 50)
    pd.testing.assert_frame_equal(forecast(fleet, periods=12), expected)
