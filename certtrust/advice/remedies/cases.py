"""Cases: failed attempts that fail alike, and the actions of each remedy that would mend them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays import threads
from ...arrays.arrow import true
from ...arrays.grouping import Codes, alike, combine, distinct, same_objects, same_sets
from ...evaluation.check import required
from ...fleet import Fleet
from .failures import RULES, Failures, failed
from .fleet_copy import among
from .kinds import BY_KIND, REMEDIES
from .remedy import COLUMNS
from .trusting import Authorities, Untrusted, microseconds

_TRUST = "certificate.trust"
_ALIKE = (
    "device",
    "pbx",
    "registration_name",
    "hardware_id",
    "serial",
    "interface",
    "fingerprint",
    "bundle",
    "scenario",
    "protocol",
    "authentication",
    "via_reverse_proxy",
    "reverse_proxy",
)
_REQUIRING = ("scenario", "protocol", "authentication")
"""The columns that decide which rules an attempt requires."""
_PRESENTED = ("pbx", "fingerprint", "bundle", "self_issued", "issuer", "trust_paths")
_ENTRY = ("action", "fingerprint", "pbx", "name", "value")
_TEXTS = ("action", *(name for name in COLUMNS if name != "since"))


def cases(
    fleet: Fleet,
    results: pd.DataFrame,
    known: pd.DataFrame,
    authorities: Authorities,
    *,
    logged: bool,
) -> tuple[Failures, pd.DataFrame]:
    """Group the failed attempts, and list the actions that would mend them.

    Parameters
    ----------
    fleet : Fleet
        With links.
    results : DataFrame
        Table RESULTS.
    known : DataFrame
        The certificates of the fleet, see `known_certificates`.
    authorities : Authorities
        Its CAs.
    logged : bool
        Whether the attempts stand in the log, so that a registration can be given another name.

    Returns
    -------
    Failures
        The cases.
    DataFrame
        case, need (position of the rule in `RULES`), the columns of an action, and cost. An
        option for a rule that is unsure is none to be taken for its sake, but settles what the
        data do not tell.
    """
    fails = failed(results).to_numpy(dtype=bool)
    near = _near(results, fails)
    same_near, first_near = alike(results[[*_ALIKE]].iloc[near], _ALIKE)
    failing = np.flatnonzero(fails[near])
    positions = near[failing]
    attempts = results[[*_REQUIRING, *RULES, "judged_at", "trust_paths"]].iloc[
        positions
    ]
    broken, unsure = _outcomes(attempts)
    moments = microseconds(attempts["judged_at"])
    # First by all that a way to trust may depend on, then by the ways that are there.
    bits = 1 << np.arange(len(RULES))
    same, _ = combine(same_near[failing], broken @ bits, unsure @ bits)
    code, first = combine(
        same, same_objects(attempts["trust_paths"]), authorities.spans(moments)
    )
    presented = results[[*_PRESENTED]].iloc[positions[first]]
    untrusted = broken[first, RULES.index(_TRUST)] & among(
        presented["fingerprint"], known["fingerprint"]
    )
    row = np.flatnonzero(untrusted)
    entries = _entries(
        Untrusted(
            fleet, known, authorities, row, presented.iloc[row], moments[first[row]]
        ),
        presented["pbx"],
    )
    merged, kept = combine(same[first], _same_entries(entries, len(first)))
    number, representative = merged[code], first[kept]
    case = np.full(len(near), -1)
    case[failing] = number
    rows = results.iloc[positions[representative]].reset_index(drop=True)
    earliest = pd.Series(moments).groupby(number).min()
    since = pd.to_datetime(earliest, unit="us", utc=True).dt.as_unit("us")
    failures = Failures(
        fleet,
        logged,
        positions=near,
        case=case,
        alike=same_near,
        nearby=results[[*_ALIKE]].iloc[near[first_near]],
        rows=rows.assign(
            attempts=np.bincount(number, minlength=len(kept)), since=since
        ),
        needs=broken[representative],
        unsure=unsure[representative],
    )
    case_of_row = np.full(len(first), -1)
    case_of_row[kept] = np.arange(len(kept))
    entries = entries.assign(case=case_of_row[entries["row"].to_numpy()]).query(
        "case >= 0"
    )
    return failures, _options(failures, entries.drop(columns="row"))


def _near(results: pd.DataFrame, fails: npt.NDArray[np.bool_]) -> Codes:
    """Return the positions of the failed attempts, and of all others of their devices and
    certificates.
    """
    columns = [results[name] for name in ("device", "fingerprint")]
    of_these = threads.each(
        lambda column: among(column, distinct(column[fails])), columns, len(results)
    )
    return np.flatnonzero(fails | np.any(of_these, axis=0))


def _outcomes(
    attempts: pd.DataFrame,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which rules each attempt breaks, and which it requires though its data do not
    decide them.
    """
    asked = required(attempts)
    broken = np.column_stack([true(~attempts[code]) for code in RULES])
    unsure = np.column_stack(
        [asked[code] & attempts[code].isna().to_numpy() for code in RULES]
    )
    return broken, unsure


def _entries(untrusted: Untrusted, pbx: pd.Series) -> pd.DataFrame:
    """Return the entries of trust lists that would make each row trusted: row, action, its
    columns, and steps.
    """
    parts = [
        remedy.entries(untrusted).assign(action=remedy.kind)
        for remedy in REMEDIES
        if remedy.entries is not None
    ]
    columns = ["row", "steps", *(name for name in _ENTRY if name != "pbx")]
    entries = pd.concat(
        [part.reindex(columns=columns) for part in parts], ignore_index=True
    )
    entries = entries.drop_duplicates(
        ["row", "action", "fingerprint"], ignore_index=True
    )
    entries["pbx"] = pbx.array[entries["row"].to_numpy()]
    everywhere = entries[entries["pbx"].isna()].drop(columns="row").drop_duplicates()
    if everywhere.empty:
        return entries
    # An entry for a row whose PBX is not known stands in every list, and so helps the rows of
    # the others as well.
    others = entries[entries["pbx"].notna()].drop(columns=["pbx", "steps"])
    shared = others.merge(everywhere, on=["action", "fingerprint", "name", "value"])
    return pd.concat([entries, shared], ignore_index=True)


def _same_entries(entries: pd.DataFrame, rows: int) -> Codes:
    """Return a number for each row that is equal where the same entries would do."""
    entry, _ = combine(*(pd.factorize(entries[name])[0] for name in _ENTRY))
    # Every row has a member that is no entry, since each owner of a set has to have one.
    owners = np.append(np.arange(rows), entries["row"].to_numpy())
    number, _ = same_sets(owners, np.append(np.full(rows, -1), entry))
    return number


def _options(failures: Failures, entries: pd.DataFrame) -> pd.DataFrame:
    """Return all actions of all remedies, each with the earliest attempt that it is for, and
    its cost.
    """
    parts = [entries.assign(need=RULES.index(_TRUST))]
    for remedy in REMEDIES:
        if remedy.propose is not None:
            for rule, actions in remedy.propose(failures).items():
                parts.append(actions.assign(action=remedy.kind, need=RULES.index(rule)))
    options = pd.concat(parts, ignore_index=True).reindex(
        columns=["case", "need", "steps", *_TEXTS]
    )
    options = options.astype(dict.fromkeys(_TEXTS, "str"))
    dated = [remedy.kind for remedy in REMEDIES if remedy.dated]
    since = pd.Series(
        failures.rows["since"].array[options["case"].to_numpy()], index=options.index
    )
    since = since.where(options["action"].isin(dated))
    options["since"] = since.groupby(
        [options[name] for name in _TEXTS], dropna=False, sort=False
    ).transform("min")
    cost = (
        options["action"]
        .map({kind: remedy.cost for kind, remedy in BY_KIND.items()})
        .astype("int64")
    )
    options["cost"] = cost + options.pop("steps").fillna(0).astype("int64")
    return options
