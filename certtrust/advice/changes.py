"""What differs between two results, registration by registration."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import Codes, codes, factorize_codes, factorize_rows
from ..evaluation.ownership import Ownership, per_text
from ..names import device_ids
from ..schema import CERTIFICATES, DEVICES, RESULTS, Table, conform, empty, expect
from .joins import microseconds

CHANGES = (
    "broken",
    "repaired",
    "now unknown",
    "now known",
    "other cause",
    "gone",
    "new",
)
"""Kinds of difference between two judgements of one registration, the worst first."""

REGISTRATION = ("device", "pbx", "registration_name", "interface")
"""The columns of ATTEMPTS that tell registrations apart."""

_NEEDED = (*REGISTRATION, "verdict", "cause")
_PERSON = ("long_name", "number", "user")
_FURTHER = ("name_by", "serial", "time", "observed", "model", "firmware", *_PERSON)
_COMPARED = Table("RESULTS", RESULTS.row, RESULTS.only(*_NEEDED, *_FURTHER))
_LOOSER = (
    ("device", "pbx", "interface"),
    ("device", "registration_name", "interface"),
    ("device", "interface"),
)
"""By what registrations are matched, one after another, where a name or a PBX is not stated."""
_OUTCOMES = {"up": "pass", "failed": "fail"}
_BY_THE_ATTEMPT = ("transport.tls_only", "password.tls_only", "time.clock")
"""Causes that a log shows, and that a would-be attempt of a device entry cannot have."""
_SEVERITY = {"pass": 0, "up": 0, "unknown": 1, "fail": 2, "failed": 2}


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List the registrations that are judged otherwise in another result.

    Parameters
    ----------
    before, after : DataFrame
        Table RESULTS: of the same log under other settings, or of two logs. Neither labels nor
        the order of rows matter.

    Returns
    -------
    DataFrame
        One row per registration that changed, the worst change first:

        ================= ========================================================================
        device, pbx       who registers where
        registration_name the name that is registered
        interface         that of a gateway
        model, firmware   of the device, as far as they are known
        change            category: broken = fails now and did not before, repaired, now unknown,
                          now known = passes now and was undecided before, other cause, gone, new
        evidence          category: rule = the rules predict it, log = a new attempt shows it
        verdict_before,   what the rules predict
        verdict_after
        cause_before,     why it fails, missing where it does not
        cause_after
        observed_before,  how the attempt went: up or failed
        observed_after
        ================= ========================================================================

    Raises
    ------
    MissingColumnError
        If a result lacks one of the columns that tell registrations apart, or its verdict.

    Notes
    -----
    A registration is a device at a PBX under a name and with an interface. It is represented by
    its latest attempt; of several at the same moment by the worst. A device has one identity,
    whether it is named by its serial or its hardware ID. Where only one of the two results
    states a name or a PBX, the only registration of the device that is left in either is taken
    for the same one. Attempts of which not even the device is known cannot be matched and are
    left out.

    Where both hold the same attempt, it is the prediction that changed. Where the attempt is a
    new one, what was observed outranks what is predicted. What was seen to fail for no rule, and
    was not seen again, is now unknown and not repaired. So is what failed by its transport, its
    way to authenticate, its clock, or under another name than a would-be attempt has.

    Examples
    --------
    >>> import certtrust as ct
    >>> attempts = ct.attempts(ct.simulate(20, seed=1, faults={}))
    >>> now, then = ct.check(attempts), ct.check(attempts, at="2071-01-01")
    >>> changes(now, then)["change"].unique().tolist()
    ['broken']
    >>> len(changes(now, now.sample(frac=1, random_state=1)))
    0
    """
    return _differences(*matched(before, after))


def aligned_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what `changes` does for results that hold the same registrations in one order."""
    sides = (_judged(frame).reset_index(drop=True) for frame in (before, after))
    return _differences(*sides)


def matched(
    before: pd.DataFrame, after: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the registrations of both results, row by row; a row of missing values is absent."""
    judged = [_judged(results) for results in (before, after)]
    named = _in_one_spelling(judged)
    old, new = (_latest(results) for results in named)
    left, right = _pairs(old, new)
    return _taken(old, left), _taken(new, right)


def current(results: pd.DataFrame) -> pd.DataFrame:
    """Return the latest attempt of each registration, as `changes` compares it.

    Unlike `certtrust.latest`, it is the same whatever the order of rows.
    """
    further = [name for name in ("evidence",) if name in results]
    judged = _judged(results).join(results[further])
    return _latest(_in_one_spelling([judged])[0])


def latest_of(results: pd.DataFrame, first_rows: str) -> pd.DataFrame:
    """Return the rows among which `current` chooses, of a fleet or of a part of one.

    Each device keeps the name that it has here, since another part may know more.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS, and the column `first_rows`.
    first_rows : str
        The column that says where each row stands in the whole; of the rows that are returned it
        is that of the first attempt of the registration.
    """
    columns = [name for name in ("evidence", first_rows) if name in results]
    judged = _judged(results).join(results[columns])
    judged = judged[judged["device"].notna()]
    _, first = factorize_rows(judged, REGISTRATION)
    return _latest(judged).assign(**{first_rows: judged[first_rows].array[first]})


def _judged(results: pd.DataFrame) -> pd.DataFrame:
    """Return what is compared of a result; what it does not have is missing."""
    results = expect(results, RESULTS, _NEEDED)
    further = [name for name in _FURTHER if name in results]
    given = [*_NEEDED, *further]
    judged = conform(expect(results, RESULTS, given)[given], _COMPARED)
    verdict = judged["verdict"].astype("str").fillna("unknown")
    return judged.assign(verdict=verdict)


def _in_one_spelling(sides: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return rows whose device is known, each called alike in both results."""
    together = pd.concat([side[["device", "serial"]] for side in sides])
    serials = pd.concat(
        [device_ids.serials(together[name].drop_duplicates()) for name in together]
    )
    ownership = Ownership(empty(CERTIFICATES), empty(DEVICES), serials.dropna())
    spelt = []
    for side in sides:
        rows = side[side["device"].notna()]
        device = per_text(ownership.identity, rows["device"])
        name = rows["registration_name"]
        is_own = as_mask(per_text(ownership.identity, name) == device)
        spelt.append(
            rows.assign(
                device=device,
                registration_name=name.mask(is_own, device),
            )
        )
    return spelt


def _latest(results: pd.DataFrame) -> pd.DataFrame:
    """Return the latest attempt of each registration, the worst of several at one moment."""
    code, first = factorize_rows(results, REGISTRATION)
    severity = [
        results[name].astype("str").map(_SEVERITY).fillna(1).to_numpy()
        for name in ("observed", "verdict")
    ]
    rest = (*_PERSON, "firmware", "model", "name_by", "cause")
    ranks = [pd.factorize(results[name].astype("str"), sort=True)[0] for name in rest]
    time = results["time"]
    moment = np.full(len(results), np.iinfo(np.int64).min)
    moment[time.notna()] = microseconds(time.dropna())
    order = np.lexsort((*ranks, *severity, moment))
    last = np.zeros(len(first), dtype=np.int64)
    last[code[order]] = order
    return results.iloc[last].reset_index(drop=True)


def _pairs(old: pd.DataFrame, new: pd.DataFrame) -> tuple[Codes, Codes]:
    """Return the positions of the same registrations in both, -1 where one side has none."""
    left = np.arange(len(old))
    right = _partner(old, new, REGISTRATION)
    for keys in _LOOSER:
        open_old = np.flatnonzero(right < 0)
        open_new = np.setdiff1d(np.arange(len(new)), right)
        one, other = old.iloc[open_old], new.iloc[open_new]
        partner = _partner(one, other, keys)
        partner = np.where(_agree(one, other, partner), partner, -1)
        right[open_old] = np.append(open_new, -1)[partner]
    added = np.setdiff1d(np.arange(len(new)), right)
    return (
        np.append(left, np.full(len(added), -1)),
        np.append(right, added),
    )


def _partner(old: pd.DataFrame, new: pd.DataFrame, keys: tuple[str, ...]) -> Codes:
    """Return for each row of `old` the position of the only one of `new` with the same keys.

    -1 where there is none or several, or where several rows of `old` have these keys.
    """
    both = pd.concat([old[list(keys)], new[list(keys)]], ignore_index=True)
    code, first = factorize_rows(both, keys)
    old_code, new_code = code[: len(old)], code[len(old) :]
    counts = [
        np.bincount(part, minlength=len(first)) for part in (old_code, new_code)
    ]
    position = np.full(len(first), -1, dtype=np.int64)
    position[new_code] = np.arange(len(new))
    is_only = np.logical_and.reduce([count == 1 for count in counts])
    return np.where(is_only[old_code], position[old_code], -1)


def _agree(
    old: pd.DataFrame, new: pd.DataFrame, partner: Codes
) -> npt.NDArray[np.bool_]:
    """Return where names and PBXs of a pair are equal, or not stated on one side."""
    other = _taken(new.reset_index(drop=True), partner)
    old = old.reset_index(drop=True)
    agree = partner >= 0
    for name in ("pbx", "registration_name"):
        stated = [
            side[name].where(~_is_default(side)) if name != "pbx" else side[name]
            for side in (old, other)
        ]
        agree &= as_mask(
            stated[0].isna() | stated[1].isna() | (stated[0] == stated[1])
        )
    return agree


def _is_default(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return where the name is the article's default, and nobody has stated it."""
    return as_mask(rows["name_by"] == "default")


def _taken(frame: pd.DataFrame, positions: Codes) -> pd.DataFrame:
    """Return rows by position; -1 gives a row of missing values."""
    return frame.reindex(positions).reset_index(drop=True)


def _differences(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that differ between two frames of the same registrations."""
    is_new_attempt = _is_new_attempt(old, new)
    sides = [_outcome(side, is_new_attempt) for side in (old, new)]
    (was, cause_before), (now, cause_after) = sides
    # What failed against the rules is not repaired because nobody looked again, nor is what a
    # would-be attempt is judged without.
    other_name = ~as_mask(old["registration_name"] == new["registration_name"]) & (
        old["registration_name"].notna() | new["registration_name"].notna()
    )
    another_way = new["time"].isna() & (
        cause_before.isin(_BY_THE_ATTEMPT) | other_name
    )
    unseen = is_new_attempt & as_mask(
        (old["observed"] == "failed")
        & ((old["verdict"] != "fail") | another_way)
        & new["observed"].isna()
        & (now == "pass")
    )
    now = now.mask(unseen, "unknown")
    code = kinds_of_change(was, now, cause_before, cause_after)
    rows = pd.DataFrame(
        {
            **{
                name: new[name].where(now.notna(), old[name])
                for name in (*REGISTRATION, "model", "firmware")
            },
            "change": pd.Categorical.from_codes(
                np.where(code < len(CHANGES), code, -1).astype(np.int64),
                dtype=pd.CategoricalDtype(list(CHANGES), ordered=True),
            ),
            "evidence": pd.Categorical(
                np.where(is_new_attempt, "log", "rule"), ["log", "rule"]
            ),
            "verdict_before": old["verdict"].astype("str"),
            "cause_before": cause_before,
            "verdict_after": new["verdict"].astype("str"),
            "cause_after": cause_after,
            "observed_before": old["observed"].astype("str"),
            "observed_after": new["observed"].astype("str"),
        }
    )
    # Where no attempt was observed, a prediction is all that there is.
    predicted = new["observed"].isna()
    rows["evidence"] = rows["evidence"].mask(predicted, "rule").mask(now.isna())
    by = ["change", "pbx", "device", "registration_name", "interface"]
    order = rows.sort_values(by, kind="stable").index
    return rows.loc[order[code[order] < len(CHANGES)]].reset_index(drop=True)


def _is_new_attempt(old: pd.DataFrame, new: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return where the two are not the same attempt: at another moment, or gone otherwise."""
    differs = np.zeros(len(old), dtype=bool)
    for name in ("time", "observed"):
        both = pd.concat([old[name], new[name]])
        code = codes(both)
        differs |= code[: len(old)] != code[len(old) :]
    return differs


def _outcome(
    rows: pd.DataFrame, is_new_attempt: npt.NDArray[np.bool_]
) -> tuple[pd.Series, pd.Series]:
    """Return how each row is judged, and the cause where it fails."""
    verdict = rows["verdict"].astype("str")
    observed = rows["observed"].astype("str").map(_OUTCOMES)
    outcome = observed.fillna(verdict).where(is_new_attempt, verdict).astype("str")
    return outcome, rows["cause"].astype("str").where(outcome == "fail")


def kinds_of_change(
    was: pd.Series, now: pd.Series, cause_before: pd.Series, cause_after: pd.Series
) -> Codes:
    """Return each row's kind of change by its position in `CHANGES`, or their number for none.

    Parameters
    ----------
    was, now : Series of str, n values
        pass, fail or unknown; missing where that side has no such registration.
    cause_before, cause_after : Series of str
        Missing where it does not fail.
    """
    kinds = {
        "new": was.isna(),
        "gone": now.isna(),
        "broken": (was != "fail") & (now == "fail"),
        "repaired": (was == "fail") & (now == "pass"),
        "now unknown": (was != "unknown") & (now == "unknown"),
        "now known": (was == "unknown") & (now == "pass"),
        "other cause": (was == "fail")
        & (now == "fail")
        & (cause_before.fillna("") != cause_after.fillna("")),
    }
    code: Codes = np.select(
        [as_mask(mask) for mask in kinds.values()],
        [CHANGES.index(kind) for kind in kinds],
        default=len(CHANGES),
    ).astype(np.int64)
    return code


def changed(before: pd.DataFrame, after: pd.DataFrame) -> Codes:
    """Return each row's kind of change by its position in `CHANGES`, or their number for none.

    Parameters
    ----------
    before, after : DataFrame, n rows
        Verdict and cause of the same attempts in the same order, as categories.
    """
    frames = (before, after)
    columns = [
        frame[name].cat.codes.to_numpy()
        for frame in frames
        for name in ("verdict", "cause")
    ]
    code, first = factorize_codes(*(column.astype(np.int64) for column in columns))
    sides: list[Any] = []
    for frame in frames:
        rows = frame.iloc[first].reset_index(drop=True)
        verdict = rows["verdict"].astype("str")
        sides.append((verdict, rows["cause"].astype("str").where(verdict == "fail")))
    (was, cause_before), (now, cause_after) = sides
    return kinds_of_change(was, now, cause_before, cause_after)[code]
