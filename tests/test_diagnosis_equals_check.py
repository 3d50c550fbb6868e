"""Diagnosing one certificate gives, step by step, the result of `check` for its row in the
fleet.
"""

import pandas as pd
import pytest
from thoroughness import share

import certtrust as ct
from certtrust.evaluation.rules import HYGIENE, SCENARIOS
from certtrust.testing import small_fleet

FACTS = (
    "scenario",
    "registration_name",
    "hardware_id",
    "fingerprint",
    "bundle",
    "pbx",
    "tls_only",
)


def comparable(attempts, at=None):
    """Return the results of attempts with distinct inputs that `diagnose` accepts.

    The serial is left out, since `diagnose` does not take one.
    """
    results = ct.check(
        attempts.assign(serial=pd.Series(None, index=attempts.index, dtype="str")),
        at=at,
    )
    rows = results[
        (results["protocol"] == "H.323/TLS")
        & results["scenario"].notna()
        & results["bundle"].notna()
        & ~results["clock_unset"]
        & ~results["via_reverse_proxy"].fillna(value=False)
    ]
    rows = rows.assign(names=rows["registration_name"].fillna(rows["hardware_id"]))
    return rows.dropna(subset="names").drop_duplicates(list(FACTS))


def diagnosed(fleet, row):
    """Return the diagnosis of the certificate of a row, from the row and the fleet."""
    bundle = fleet.certificates[fleet.certificates["bundle"] == row["bundle"]]
    leaf = bundle["fingerprint"] == row["fingerprint"]
    listed = fleet.trust[
        (fleet.trust["pbx"] == row["pbx"]) | fleet.trust["pbx"].isna()
    ]
    return ct.diagnose(
        bundle[leaf].head(1),
        chain=bundle[~leaf],
        scenario=row["scenario"],
        registration_name=None
        if pd.isna(row["registration_name"])
        else row["registration_name"],
        hardware_id=None if pd.isna(row["hardware_id"]) else row["hardware_id"],
        trust=None if listed.empty else listed,
        tls_only=None if pd.isna(row["tls_only"]) else bool(row["tls_only"]),
        at=row["judged_at"],
    )


def assert_equal(fleet, row):
    """Compare steps, verdict, trust and names of a diagnosis with the row."""
    diagnosis = diagnosed(fleet, row)
    scenario = row["scenario"]
    # A diagnosis has no TLS profile and no version, so it does not ask about them.
    codes = [*SCENARIOS[scenario], *HYGIENE[scenario]]
    assert diagnosis.steps["code"].tolist() == [
        code for code in codes if not code.endswith(".tls_version")
    ]
    for code, passed in diagnosis.steps[["code", "passed"]].itertuples(index=False):
        assert pd.array([passed], dtype="boolean").equals(
            pd.array([row[code]], dtype="boolean")
        ), (code, row.to_dict())
    assert diagnosis.verdict == row["verdict"]
    if scenario == "h323-certificate":
        diagnosed_row = diagnosis.result.iloc[0]
        for name in ("trust_state", "trusted_by", "subject_cn", "not_after"):
            assert (
                pd.isna(diagnosed_row[name]) and pd.isna(row[name])
            ) or diagnosed_row[name] == row[name]
        assert bool(diagnosis.path) == (row["trust_state"] in ("listed", "chain"))


def test_a_diagnosis_equals_the_row_of_a_fleet():
    """The rows have every cause and trust state of a simulated fleet."""
    fleet = small_fleet(80, seed=1)
    results = comparable(ct.attempts(fleet))
    chosen = results.groupby(
        ["cause", "trust_state", "scenario"], observed=True, dropna=False
    ).head(1)
    assert chosen["cause"].nunique() >= 3
    for _, row in chosen.iloc[share(range(len(chosen)))].iterrows():
        assert_equal(fleet, row)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(10, 15))
def test_a_diagnosis_equals_every_row_of_a_fleet(seed):
    """They agree for each distinct row of five simulated fleets, at its own time and at two
    others.
    """
    fleet = small_fleet(60, seed=seed)
    attempts = ct.attempts(fleet)
    for at in (None, "2012-05-01", "2040-05-01"):
        for _, row in comparable(attempts, at).iterrows():
            assert_equal(fleet, row)
