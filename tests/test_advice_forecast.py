"""Forecast: what `check` says at each future date, and which certificate's end is to blame."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import certtrust as ct
from certtrust import simulation
from certtrust.advice import endings, forecast, latest


@pytest.fixture(scope="module")
def fleet():
    """Return a linked fleet with certificates and a CA that end within two years."""
    return ct.link(simulation.simulate(120, seed=9))


def standing(fleet):
    """Return the latest attempt of each registration, as the log has it."""
    return latest(ct.attempts(fleet))


def test_each_date_says_what_check_says_at_that_date(fleet):
    """Against judging every standing registration at every date, without any shortcut."""
    found = forecast(fleet, periods=9, freq="QS")
    parts = _all(fleet)
    for date, rows in found.groupby("date"):
        failing = pd.concat(
            judged.loc[judged["verdict"] == "fail", ["device", "cause"]].astype("str")
            for judged in (ct.check(each, at=date) for each in parts)
        )
        expected = failing.groupby("cause")["device"].agg(["size", "nunique"])
        rows = rows[rows["attempts"] > 0].set_index(rows.loc[rows["attempts"] > 0, "cause"].astype("str"))
        assert rows["attempts"].to_dict() == expected["size"].to_dict()
        assert rows["devices"].to_dict() == expected["nunique"].to_dict()


def _all(fleet):
    """Return the attempts of the log tried again now, and those of devices that the log lacks."""
    now = ct.attempts(dataclasses.replace(fleet, registrations=_today(fleet)))
    silent = ct.attempts(fleet, of="devices")
    return now, silent[~silent["device"].isin(now["device"])]


def _today(fleet):
    """Return the registrations of the latest attempts, tried again now."""
    rows = fleet.registrations.loc[standing(fleet).index]
    now = pd.Timestamp.now("UTC").as_unit("us")
    return rows.assign(time=rows["time"].mask(rows["time"].notna(), now))


def test_dates_are_in_the_future_and_causes_are_at_every_date(fleet):
    """A chart can be drawn of it without filling holes."""
    found = forecast(fleet, periods=6)
    assert found["date"].nunique() == 6
    assert found["date"].min() > pd.Timestamp.now("UTC")
    assert len(found) == 6 * found["cause"].nunique()
    assert (found["new_devices"] <= found["devices"]).all()
    assert (found["devices"] <= found["attempts"]).all()


def test_a_certificate_is_to_blame_for_what_its_end_takes_down(fleet):
    """One second after its last second, just its devices fail that passed before it, among others."""
    found = endings(fleet, periods=36)
    assert {"device", "CA"} == set(found["role"])
    assert found["ends"].is_monotonic_increasing
    rows = pd.concat(_all(fleet), ignore_index=True)
    for ending in found.itertuples():
        before = ct.check(rows, at=ending.ends)
        after = ct.check(rows, at=ending.ends + pd.Timedelta(seconds=1))
        down = rows[(before["verdict"] == "pass") & (after["verdict"] == "fail")]
        above = [{each for path in paths for each in path[0]} for paths in down["trust_paths"]]
        its = [ending.fingerprint in {own, *cas} for own, cas in zip(down["fingerprint"], above, strict=True)]
        mine = down[np.array(its, dtype=bool)]
        assert (len(mine), mine["device"].nunique()) == (ending.attempts, ending.devices)


def test_a_fleet_without_a_log_is_forecast_by_its_device_entries(fleet):
    """Who has no log yet sees the expiries all the same."""
    silent = dataclasses.replace(fleet, registrations=fleet.registrations.head(0))
    assert len(forecast(silent, periods=2))
    assert len(endings(silent, periods=48))


def test_the_latest_attempt_of_each_registration_stands_for_it():
    """By time, whatever the order of the lines; without a time, the last line; names apart, one each."""
    frame = pd.DataFrame(
        {
            "device": ["a", "a", "a", "b", "b", None],
            "pbx": "p",
            "registration_name": ["x", "x", "y", "z", "z", None],
            "interface": None,
            "time": pd.to_datetime(["2026-02-01", "2026-01-01", "2026-01-01", None, None, None], utc=True),
        },
        index=[10, 11, 12, 13, 14, 15],
    ).astype({"interface": "str"})
    assert latest(frame).index.tolist() == [10, 12, 14, 15]


def test_mistakes_are_refused(fleet):
    """A forecast needs a date, and a distance that pandas knows."""
    with pytest.raises(ct.CerttrustError, match="at least one date"):
        forecast(fleet, periods=0)
    with pytest.raises(ct.CerttrustError, match="no distance of dates"):
        endings(fleet, freq="blue moon")
