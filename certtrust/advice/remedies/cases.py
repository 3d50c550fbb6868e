"""Cases: failed attempts that fail alike, and the actions of each remedy that would mend them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...arrays.grouping import (
    Codes,
    factorize_codes,
    factorize_rows,
    factorize_sets,
    object_codes,
)
from ...fleet import Fleet
from ..joins import among, microseconds
from .failures import RULES, Failures, failed
from .kinds import BY_KIND, REMEDIES
from .related import ALIKE, ATTEMPT, outcomes, related, spans
from .remedy import COLUMNS
from .trusting import Authorities, Untrusted

_TRUST = "certificate.trust"
_PRESENTED = ["pbx", "fingerprint", "bundle", "self_issued", "issuer", "trust_paths"]
_ENTRY = ["action", "fingerprint", "pbx", "name", "value"]
_TEXTS = ["action", *(name for name in COLUMNS if name != "since")]


def cases(
    fleet: Fleet,
    results: pd.DataFrame,
    certificates: pd.DataFrame,
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
        Rows of table RESULTS, from `related_rows`.
    certificates : DataFrame
        Those of the fleet, see `certificates_by_fingerprint`.
    authorities : Authorities
        Its CAs.
    logged : bool
        Whether the attempts are of the log, so that a registration can be given another name.

    Returns
    -------
    Failures
        The cases.
    DataFrame
        case, need (position of the rule in `RULES`), the columns of an action, and cost. Where
        the need is an undecided rule, the action settles what the data do not tell, and is not
        to be taken for that alone.
    """
    fails = failed(results)
    positions_of_all = related(results, fails)
    codes, first_of_code = factorize_rows(
        results[ATTEMPT].iloc[positions_of_all], ATTEMPT
    )
    failing = np.flatnonzero(fails[positions_of_all])
    positions = positions_of_all[failing]
    moments = microseconds(results["judged_at"].iloc[positions])
    broken, unsure = outcomes(results.iloc[positions])
    # Attempts of one group have the same entries of trust lists to choose from, since they
    # share the ways to trust and no certificate on these begins or ends between them. Groups
    # that could do with the same entries are then one case.
    bits = 1 << np.arange(len(RULES))
    fault, _ = factorize_codes(codes[failing], broken @ bits, unsure @ bits)
    paths = object_codes(results["trust_paths"].iloc[positions])
    group, first = factorize_codes(fault, paths, spans(authorities.dates, moments))
    presented = results[_PRESENTED].iloc[positions[first]]
    untrusted = broken[first, RULES.index(_TRUST)] & among(
        presented["fingerprint"], certificates["fingerprint"]
    )
    row = np.flatnonzero(untrusted)
    entries = _entries(
        Untrusted(
            fleet,
            certificates,
            authorities,
            row,
            presented.iloc[row],
            moments[first[row]],
        ),
        presented["pbx"],
    )
    case_of_group, kept = factorize_codes(
        fault[first], _entry_set_codes(entries, len(first))
    )
    case_of_failing = case_of_group[group]
    case = np.full(len(positions_of_all), -1)
    case[failing] = case_of_failing
    earliest = pd.Series(moments).groupby(case_of_failing).min()
    failures = Failures(
        fleet,
        logged,
        positions=positions_of_all,
        case=case,
        codes=codes,
        distinct=results[ATTEMPT].iloc[positions_of_all[first_of_code]],
        rows=results.iloc[positions[first[kept]]]
        .reset_index(drop=True)
        .assign(
            attempts=np.bincount(
                case_of_failing,
                results[ALIKE].to_numpy()[positions],
                minlength=len(kept),
            ).astype(np.int64),
            since=pd.to_datetime(earliest, unit="us", utc=True).dt.as_unit("us"),
        ),
        needs=broken[first[kept]],
        unsure=unsure[first[kept]],
    )
    entries = entries[entries["row"].isin(kept)]
    entries = entries.assign(case=case_of_group[entries["row"]]).drop(columns="row")
    return failures, _options(failures, entries)


def _entries(untrusted: Untrusted, pbx: pd.Series) -> pd.DataFrame:
    """Return the trust list entries that would make each row trusted.

    The columns are row, steps, action, and those of an action.
    """
    parts = [
        remedy.entries(untrusted).assign(action=remedy.kind)
        for remedy in REMEDIES
        if remedy.entries is not None
    ]
    entries = pd.concat(parts, ignore_index=True)
    entries = entries.reindex(columns=["row", "steps", *_ENTRY]).drop_duplicates(
        ["row", "action", "fingerprint"], ignore_index=True
    )
    entries["pbx"] = pbx.array[entries["row"].to_numpy()]
    everywhere = entries[entries["pbx"].isna()].drop(columns="row").drop_duplicates()
    if everywhere.empty:
        return entries
    # An entry for a row of unknown PBX is in every list, and so helps the rows of the others.
    others = entries[entries["pbx"].notna()].drop(columns=["pbx", "steps"])
    shared = others.merge(everywhere, on=["action", "fingerprint", "name", "value"])
    return pd.concat([entries, shared], ignore_index=True)


def _entry_set_codes(entries: pd.DataFrame, rows: int) -> Codes:
    """Return a code for each row, equal where the same entries would do."""
    entry, _ = factorize_rows(entries, _ENTRY)
    # Every row gets one more member that is no entry, so that none has an empty set.
    owners = np.append(np.arange(rows), entries["row"].to_numpy())
    code, _ = factorize_sets(owners, np.append(np.full(rows, -1), entry))
    return code


def _options(failures: Failures, entries: pd.DataFrame) -> pd.DataFrame:
    """Return the actions of all remedies, with the earliest attempt and the cost of each."""
    parts = [entries.assign(need=RULES.index(_TRUST))]
    for remedy in REMEDIES:
        if remedy.propose is not None:
            for rule, actions in remedy.propose(failures).items():
                parts.append(
                    actions.assign(action=remedy.kind, need=RULES.index(rule))
                )
    options = pd.concat(parts, ignore_index=True)
    options = options.reindex(columns=["case", "need", "steps", *_TEXTS])
    options = options.astype(dict.fromkeys(_TEXTS, "str"))
    dated = [remedy.kind for remedy in REMEDIES if remedy.dated]
    since = failures.rows["since"].reindex(options["case"]).set_axis(options.index)
    options["since"] = since.where(options["action"].isin(dated))
    by_action = options.groupby(_TEXTS, dropna=False, sort=False)
    options["since"] = by_action["since"].transform("min")
    costs = {kind: remedy.cost for kind, remedy in BY_KIND.items()}
    cost = options["action"].map(costs).astype("int64")
    steps = options.pop("steps").fillna(0).astype("int64")
    return options.assign(cost=cost + steps)
