"""Frames for the tests of charts and reports, with as many causes as a test needs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from certtrust import schema
from certtrust.evaluation.check import LOG_CAUSES
from certtrust.evaluation.rules import RULES, SCENARIOS

RULE_CAUSES = list(
    dict.fromkeys(code for codes in SCENARIOS.values() for code in codes)
)
KNOWN_CAUSES = [*RULE_CAUSES, *LOG_CAUSES]


def cause_names(count: int) -> list[str]:
    """Return `count` causes: first those of the rules, then those of the log, then unknown ones."""
    strangers = [
        f"strange cause no. {number} with a name of some length"
        for number in range(count)
    ]
    return (KNOWN_CAUSES + strangers)[:count]


def make_results(
    causes: int = 6, rows: int = 600, *, days: float = 30.0, seed: int = 0
) -> pd.DataFrame:
    """Return RESULTS with `rows` attempts, about half of them failed for one of the causes."""
    random = np.random.default_rng(seed)
    names = cause_names(causes)
    weights = np.array([0.85**rank for rank in range(len(names))])
    failed = random.random(rows) < 0.55 if names else np.zeros(rows, dtype=bool)
    picked = (
        random.choice(len(names), rows, p=weights / weights.sum())
        if names
        else np.zeros(rows, dtype=int)
    )
    cause = pd.Series(
        np.array([*names, ""], dtype=object)[picked], dtype="str"
    ).where(failed)
    serials = np.array(
        [f"009033{number:06x}" for number in range(max(rows // 4, 1))], dtype=object
    )
    device = pd.Series(serials[random.integers(0, len(serials), rows)], dtype="str")
    by_rule = cause.isin(RULE_CAUSES)
    model = random.choice(
        ["IP111", "IP112", "IP222", "IP232", "IP0010", "IP0013", "IP29-2"], rows
    )
    frame = pd.DataFrame(
        {
            "time": pd.Timestamp("2026-03-01", tz="UTC")
            + pd.to_timedelta(random.random(rows) * days, unit="D"),
            "pbx": random.choice(["hq", "munich", "branch-west"], rows),
            "device": device,
            "model": model,
            "firmware": random.choice(["13r2", "13r3", "14r1"], rows),
            "serial": device,
            "registration_name": device,
            "subject_cn": device.where(
                random.random(rows) < 0.7, "phone.example.com"
            ),
            "fingerprint": device,
            "scenario": "h323-certificate",
            "state": pd.Series(np.where(failed, "rejected", "up")),
            "verdict": np.where(by_rule, "fail", "pass"),
            "cause": cause,
            "evidence": pd.Series(np.where(by_rule, "rule", "log")).where(
                cause.notna()
            ),
            "observed": np.where(failed, "failed", "up"),
            "explained": by_rule.astype("boolean").where(failed),
        }
    )
    frame.loc[cause == "time.clock", "evidence"] = random.choice(
        ["rule", "log"], int((cause == "time.clock").sum())
    )
    rules = {
        rule.code: pd.Series(pd.NA, index=frame.index, dtype="boolean")
        for rule in RULES
    }
    for code in SCENARIOS["h323-certificate"]:
        rules[code] = pd.Series(
            random.random(rows) > 0.06, index=frame.index, dtype="boolean"
        ).mask(cause == code, False)
    results = schema.conform(frame.assign(**rules), schema.RESULTS)
    return results[
        [column for column in results if column not in rules] + list(rules)
    ]


def test_frames_follow_the_schema() -> None:
    """The frames that the tests draw have the columns of `check`."""
    results = make_results(causes=30, rows=400)
    assert set(schema.RESULTS.names) <= set(results.columns)
    assert results["cause"].nunique() > 20
    assert make_results(causes=0, rows=50)["cause"].isna().all()


def make_certificates(count: int, *, today: str = "2026-11-23") -> pd.DataFrame:
    """Return `count` device certificates and a third as many of CAs, with ends over decades."""
    random = np.random.default_rng(count)
    numbers = np.arange(count + count // 3 + (count > 0))
    is_ca = numbers >= count
    days = random.normal(900, 1500, len(numbers)) + is_ca * 3000
    frame = pd.DataFrame(
        {
            "fingerprint": [f"{number:064x}" for number in numbers],
            "subject_cn": [
                f"Certification Authority with a long name no. {number}"
                if number >= count
                else str(number)
                for number in numbers
            ],
            "not_after": pd.Timestamp(today, tz="UTC")
            + pd.to_timedelta(days.round(), unit="D"),
            "is_ca": is_ca,
        }
    )
    return schema.conform(frame, schema.CERTIFICATES)


def make_predictions(causes: int, *, periods: int = 24) -> pd.DataFrame:
    """Return a forecast in which every cause grows at a different rate."""
    dates = pd.date_range("2026-12-01", periods=periods, freq="MS", tz="UTC")
    rows = [
        (date, cause, 10 + period * (number + 1))
        for period, date in enumerate(dates)
        for number, cause in enumerate(cause_names(causes))
    ]
    return pd.DataFrame(rows, columns=["date", "cause", "devices"])


def make_actions(count: int) -> pd.DataFrame:
    """Return a plan of `count` actions, each of which repairs less than the one before."""
    devices = [max(40 - 3 * number, 1) for number in range(count)]
    return pd.DataFrame(
        {
            "rank": range(1, count + 1),
            "step": [
                f"Add the CA no. {number} to the trust list of the PBX headquarters"
                for number in range(count)
            ],
            "attempts": [3 * size for size in devices],
            "devices": devices,
            "devices_cumulative": np.cumsum(devices) if count else [],
        }
    )
