"""`certtrust.testing`, which helps to test code that builds on the package."""

import numpy as np
import pandas as pd
import pytest
from chain_builder import certificate

import certtrust as ct
from certtrust import schema
from certtrust.testing import assert_frames_equal, fleet_of, small_fleet


def test_a_small_fleet_is_a_fresh_copy_at_every_call():
    """Changing one does not change the next."""
    fleet = small_fleet(12)
    fleet.devices["pbx"] = "elsewhere"
    fleet.certificates.loc[0, "subject_cn"] = "somebody else"
    again = small_fleet(12)
    assert "elsewhere" not in set(again.devices["pbx"])
    assert "somebody else" not in set(again.certificates["subject_cn"])
    assert again.links is not None


def test_a_healthy_fleet_has_no_fault():
    """Nothing fails, neither by the log nor by the rules."""
    results = ct.check(ct.attempts(small_fleet(12, healthy=True)))
    assert set(results["observed"]) == {"up"}
    assert set(results["verdict"]) == {"pass"}
    faulty = ct.check(ct.attempts(small_fleet(60)))
    assert (faulty["verdict"] == "fail").any()


def test_a_fleet_of_rows_is_judged_like_one_that_was_read():
    """Each certificate is a bundle of its own, and a mapping gives its device."""
    leaf = certificate("0090332f688a", "Root", ca=False)
    fleet = fleet_of(
        {"0090332f688a": leaf},
        trust=certificate("Root"),
        devices=[{"pbx": "hq", "hardware_id": "0090332f688a", "user": "one"}],
        registrations=[
            {
                "pbx": "hq",
                "serial": "0090332f688a",
                "registration_name": "0090332f688a",
                "authentication": "certificate",
                "time": pd.Timestamp("2026-01-01", tz="UTC"),
            }
        ],
    )
    assert fleet.certificates["device"].tolist() == ["0090332f688a"]
    for name in ("certificates", "trust", "devices", "registrations"):
        declared = schema.TABLES[name.upper()].names
        assert getattr(fleet, name).columns[: len(declared)].tolist() == declared
    assert ct.check(ct.attempts(fleet))["verdict"].tolist() == ["pass"]


def test_an_empty_fleet_has_the_columns():
    """All tables are empty."""
    fleet = fleet_of()
    assert len(ct.check(ct.attempts(fleet))) == 0
    assert len(fleet.trust) == 0


def test_frames_are_compared_by_content():
    """Row labels and text dtypes do not matter, cells and missing cells do."""
    one = pd.DataFrame(
        {"pbx": ["hq", None], "names": [["a"], []], "at": [np.nan, 2.0]}, index=[5, 6]
    )
    assert_frames_equal(one, one.assign(pbx=one["pbx"].astype("category")))
    assert_frames_equal(one, one.iloc[::-1], ordered=False)
    with pytest.raises(AssertionError):
        assert_frames_equal(one, one.iloc[::-1])
    for other in (
        one.assign(pbx="hq"),
        one.assign(names=[["a"], ["b"]]),
        one[["pbx"]],
        one[:1],
    ):
        with pytest.raises(AssertionError):
            assert_frames_equal(one, other, ordered=False)
