"""Cases: failed attempts that fail alike, what each of them needs, and the actions that would meet each need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays import threads
from ...arrays.arrow import true
from ...arrays.grouping import Codes, alike, combine, distinct, once, places_of_rows, same_objects
from ...evaluation.attempts import by_serial
from ...evaluation.check import check, required
from ...fleet import Fleet
from ...names import device_ids, matching
from .actions import COLUMNS, KINDS, among
from .trusting import Authorities, joined, lapsed, microseconds, unobtainable, ways

RULES = (
    "time.clock",
    "transport.tls_only",
    "password.tls_only",
    "certificate.trust",
    "time.validity",
    "certificate.name",
)
CLOCK, TRANSPORT, PASSWORD, TRUSTED, VALID, NAMED = range(len(RULES))

ALIKE = (
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
"""What tells which rules an attempt requires."""
_PRESENTED = ("pbx", "fingerprint", "bundle", "self_issued", "issuer", "trust_paths")
_KEY = ("action", *COLUMNS)
_LARGE = np.int64(2**62)


@dataclass(frozen=True)
class Cases:
    """Failed attempts, grouped by what decides about them.

    Parameters
    ----------
    near : array of int
        The attempts of devices and certificates that failed attempts are of, by their places in the results.
    number : array of int
        The case of each of them, -1 where it did not fail.
    same : array of int
        Numbers by which those of them are equal that are alike but for their time and outcome.
    rows : DataFrame
        One attempt for each case, numbered from 0, with `attempts` (how many it stands for) and `since` (the
        earliest moment among them).
    needs : array of bool, one row per case, one column per rule
        Which rules are broken.
    unsure : array of bool, one row per case, one column per rule
        Which rules are required and cannot be decided.
    options : DataFrame
        case, need (column of `needs`), the columns of an action, and cost. An option for a rule that is unsure is none
        to be taken for its sake, but settles what the data do not tell.
    """

    near: Codes
    number: Codes
    same: Codes
    rows: pd.DataFrame
    needs: npt.NDArray[np.bool_]
    unsure: npt.NDArray[np.bool_]
    options: pd.DataFrame


def failed(results: pd.DataFrame) -> pd.Series:
    """Tell which attempts rules of the page predict to fail, of those that were not seen to succeed."""
    return (results["verdict"] == "fail") & (results["observed"] != "up") & (results["scenario"] != "browser")


def cases(fleet: Fleet, results: pd.DataFrame, known: pd.DataFrame, authorities: Authorities, *, logged: bool) -> Cases:
    """Group the failed attempts and list the actions for each; `fleet` has links.

    `logged` tells that the attempts stand in the log, so that a registration can be given another name.
    """
    fails = failed(results).to_numpy(dtype=bool)
    near = _near(results, fails)
    same_near, first_near = alike(results[[*ALIKE]].iloc[near], ALIKE)
    failing = np.flatnonzero(fails[near])
    places = near[failing]
    rows = results[[*_REQUIRING, *RULES, "judged_at", "trust_paths"]].iloc[places]
    broken = np.column_stack([true(~rows[code]) for code in RULES])
    asked = required(rows)
    unsure = np.column_stack([asked[code] & rows[code].isna().to_numpy() for code in RULES])
    moments = microseconds(rows["judged_at"])
    # First by all that a way to trust may depend on, then by the ways that are there.
    same, _ = combine(same_near[failing], *(each @ (1 << np.arange(len(RULES))) for each in (broken, unsure)))
    code, first = combine(same, same_objects(rows["trust_paths"]), authorities.spans(moments))
    presented = results[[*_PRESENTED]].iloc[places[first]]
    trusting = _trusting(fleet, presented, broken[first, TRUSTED], moments[first], known, authorities)
    merged, kept = combine(same[first], _signature(len(first), trusting))
    number, row = merged[code], first[kept]
    number_near = np.full(len(near), -1)
    number_near[failing] = number
    since = np.full(len(row), _LARGE)
    np.minimum.at(since, number, moments)
    found = results.iloc[places[row]].reset_index(drop=True)
    found = found.assign(
        attempts=np.bincount(number, minlength=len(row)),
        since=pd.to_datetime(since, unit="us", utc=True).as_unit("us"),
    )
    case_of_row = np.full(len(first), -1)
    case_of_row[kept] = np.arange(len(kept))
    trusting = trusting.assign(case=case_of_row[trusting["row"].to_numpy()]).query("case >= 0").drop(columns="row")
    needs, unsure = broken[row], unsure[row]
    options = [trusting.assign(need=TRUSTED), *_without_certificates(fleet, found, needs, unsure)]
    options += _with_certificates(fleet, found, needs, unsure, results[[*ALIKE]].iloc[near[first_near]], logged=logged)
    priced = _priced(pd.concat(options, ignore_index=True), found)
    return Cases(near, number_near, same_near, found, needs, unsure, priced)


def _near(results: pd.DataFrame, fails: npt.NDArray[np.bool_]) -> Codes:
    """Return the places of the failed attempts, and of all others of their devices and certificates."""
    columns = [results[name] for name in ("device", "fingerprint")]
    of_these = threads.each(lambda column: among(column, distinct(column[fails])), columns, len(results))
    return np.flatnonzero(fails | np.any(of_these, axis=0))


def _signature(rows: int, trusting: pd.DataFrame) -> Codes:
    """Return a number for each row that is equal where the same ways to trust are open."""
    kinds, _ = combine(*(pd.factorize(trusting[name])[0] for name in ("action", "fingerprint", "pbx", "name", "value")))
    marks = np.random.default_rng(0).integers(0, 2**62, size=int(kinds.max(initial=-1)) + 1)
    total = np.zeros(rows, dtype=np.int64)
    np.add.at(total, trusting["row"].to_numpy(), marks[kinds])
    return total


def _trusting(
    fleet: Fleet,
    rows: pd.DataFrame,
    untrusted: npt.NDArray[np.bool_],
    moments: Codes,
    known: pd.DataFrame,
    authorities: Authorities,
) -> pd.DataFrame:
    """Return the ways to get the certificate of each row trusted at its moment, with the row's number."""
    at = np.flatnonzero(untrusted & among(rows["fingerprint"], known["fingerprint"]))
    leaf, first = combine(*(pd.factorize(rows[name].iloc[at])[0] for name in ("fingerprint", "bundle")))
    leaves = rows[["fingerprint", "bundle", "self_issued", "issuer"]].iloc[at[first]].reset_index(drop=True)
    leaves["authority_key_id"] = known["authority_key_id"].reindex(leaves["fingerprint"]).to_numpy()
    there = ways(fleet, leaves, known, authorities)
    row, way = joined(leaf, there["leaf"].to_numpy())
    holds = (there["not_before"].to_numpy()[way] <= moments[at[row]]) & (
        moments[at[row]] <= there["not_after"].to_numpy()[way]
    )
    row, way = row[holds], way[holds]
    by_ca = pd.DataFrame(
        {
            "row": at[row],
            "action": "trust",
            "fingerprint": there["fingerprint"].array[way],
            "cost": there["steps"].to_numpy()[way],
        }
    )
    itself = pd.DataFrame({"row": at, "action": "trust", "fingerprint": rows["fingerprint"].array[at], "cost": 0})
    ended = lapsed(rows.iloc[at], known, moments[at])
    renewed = pd.DataFrame(
        {"row": at[ended["row"]], "action": "renew CA", "fingerprint": ended["fingerprint"], "cost": 0}
    )
    missing = unobtainable(leaves, authorities).to_numpy()[leaf]
    absent = leaves.iloc[leaf[missing]]
    unknown = pd.DataFrame(
        {
            "row": at[missing],
            "action": "find CA",
            "name": absent["issuer"].array,
            "value": absent["authority_key_id"].array,
            "cost": 0,
        }
    )
    found = pd.concat([by_ca, itself, renewed, unknown], ignore_index=True)
    found = found.drop_duplicates(["row", "action", "fingerprint"], ignore_index=True)
    found["pbx"] = rows["pbx"].array[found["row"].to_numpy()]
    everywhere = found[found["pbx"].isna()].drop(columns="row").drop_duplicates()
    if everywhere.empty:
        return found
    # An entry for a row whose PBX is not known stands in every list, and so helps the rows of the others as well.
    others = found[found["pbx"].notna()].drop(columns=["pbx", "cost"])
    return pd.concat(
        [found, others.merge(everywhere, on=["action", "fingerprint", "name", "value"])], ignore_index=True
    )


def _select(found: pd.DataFrame, chosen: npt.NDArray[np.bool_], action: str, need: int, *columns: str) -> pd.DataFrame:
    return found.loc[chosen, list(columns)].assign(case=np.flatnonzero(chosen), action=action, need=need, cost=0)


def _without_certificates(
    fleet: Fleet, found: pd.DataFrame, needs: npt.NDArray[np.bool_], unsure: npt.NDArray[np.bool_]
) -> list[pd.DataFrame]:
    """Return the actions on clock, transport, flags and kind of authentication."""
    identified = found["device"].notna().to_numpy()
    locked = true(found["tls_only"])
    over_tls = unsure[:, TRANSPORT] & found["protocol"].notna().to_numpy()
    found = found.assign(pbx=_pbx_of_entry(fleet, found))
    through_proxy = found["via_reverse_proxy"].fillna(value=False).to_numpy(dtype=bool)
    fits = _certificate_would_do(found, needs[:, PASSWORD])
    by_certificate = needs[:, PASSWORD] & identified & fits
    parts = [_select(found, (needs | unsure)[:, CLOCK] & identified, "set clock", CLOCK, "device")]
    parts.append(_select(found, (needs[:, TRANSPORT] | over_tls) & identified, "use TLS", TRANSPORT, "device"))
    parts.append(_select(found, by_certificate, "use certificate", PASSWORD, "pbx", "device"))
    settled = by_certificate & _told_by_certificate(found, unsure)
    parts.append(_select(found, settled, "use certificate", TRANSPORT, "pbx", "device"))
    for need in (TRANSPORT, PASSWORD):
        here = (needs[:, need] | (unsure[:, need] & locked)) & identified
        parts.append(_select(found, here, "clear TLS only", need, "pbx", "device"))
        parts.append(_select(found, here & through_proxy, "allow reverse proxy", need, "pbx", "device"))
    return parts


def _told_by_certificate(found: pd.DataFrame, unsure: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell where the transport is not known, and is TLS once the device authenticates by certificate."""
    return unsure[:, TRANSPORT] & ~found["protocol"].isin(["H.323/TCP", "H.323/UDP"]).to_numpy()


def _told_by_name(found: pd.DataFrame, name: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell where it is not known how the device authenticates, and is by certificate once it has that name."""
    return true(by_serial(name, found["device"]) & found["scenario"].isna() & (found["protocol"] == "H.323/TLS"))


def _pbx_of_entry(fleet: Fleet, found: pd.DataFrame) -> pd.Series:
    """Return the PBX, missing where it has no entries of its own: the flags are then those of the device's others."""
    return found["pbx"].where(found["pbx"].isin(fleet.devices["pbx"].dropna().unique()))


def _certificate_would_do(found: pd.DataFrame, asked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which devices with a password have a certificate that the rules would let in."""
    fits = np.zeros(len(found), dtype=bool)
    if asked.any():
        meant = found[asked].assign(scenario="h323-certificate", authentication="certificate")
        judged = check(meant, at=meant["judged_at"])
        outcome = [judged[RULES[need]].fillna(value=False).to_numpy(dtype=bool) for need in (TRUSTED, VALID, NAMED)]
        fits[asked] = np.all(outcome, axis=0)
    return fits


def _with_certificates(
    fleet: Fleet,
    found: pd.DataFrame,
    needs: npt.NDArray[np.bool_],
    unsure: npt.NDArray[np.bool_],
    near: pd.DataFrame,
    *,
    logged: bool,
) -> list[pd.DataFrame]:
    """Return the actions that give the device another name or another certificate.

    `near` tells who registers by which names and certificates, as far as the device or the certificate is of a case.
    """
    here = among(found["fingerprint"], fleet.certificates["fingerprint"])
    own = here & among(found["fingerprint"], _single(near))
    parts = [_select(found, needs[:, VALID] & here, "renew", VALID, "fingerprint")]
    if logged:
        renamed = _renamed(found, needs[:, NAMED])
        told = _told_by_name(found.iloc[renamed["case"].to_numpy()], renamed["value"])
        parts += [renamed, renamed[told & unsure[renamed["case"].to_numpy(), PASSWORD]].assign(need=PASSWORD)]
    reissued = _fitting(near, ["fingerprint"], found.loc[needs[:, NAMED] & own, ["fingerprint"]])
    listed = fleet.trust["pbx"]
    known_list = among(found["pbx"], listed) | (listed.isna().any() & found["pbx"].notna().to_numpy())
    any_of_them = needs[:, [PASSWORD, TRUSTED, VALID, NAMED]].any(axis=1)
    enrolled = _fitting(near, ["device", "pbx"], found.loc[any_of_them & known_list, ["device", "pbx"]])
    parts += [_valued(found, (needs | unsure)[:, need], "reissue", need, reissued) for need in (VALID, NAMED)]
    parts += [
        _valued(found, (needs | unsure)[:, need], "enrol", need, enrolled) for need in (PASSWORD, TRUSTED, VALID, NAMED)
    ]
    return [*parts, _valued(found, _told_by_certificate(found, unsure), "enrol", TRANSPORT, enrolled)]


def _single(near: pd.DataFrame) -> pd.Series:
    """Return those of the certificates that one device alone presents."""
    pairs = near[["fingerprint", "device"]].dropna().drop_duplicates()
    return pairs.loc[~pairs["fingerprint"].duplicated(keep=False), "fingerprint"]


def _renamed(found: pd.DataFrame, asked: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Rename what carries its own certificate, or one of its user: the CN of another one is not a name to take."""
    rows = found[asked]
    cn = rows["subject_cn"]
    spelled = device_ids.same_spelling(cn)
    own = (spelled == rows["device"]) | (spelled == device_ids.same_spelling(rows["hardware_id"]))
    own |= (cn == rows["user"]) & cn.notna()
    serial = device_ids.serials(rows["device"])
    default = serial.where(rows["interface"].isna(), serial + "-" + rows["interface"])
    begins = matching.begins_with_cn(default, cn).fillna(value=False).astype(bool)
    name = rows["registration_name"]
    value = default.where(begins, cn.str.strip())
    chosen = asked.copy()
    chosen[asked] = true(own) & (value != name).fillna(value=True).to_numpy(dtype=bool)
    return _select(found.assign(name=name, value=value), chosen, "rename", NAMED, "device", "name", "value")


def _fitting(near: pd.DataFrame, keys: list[str], wanted: pd.DataFrame) -> pd.DataFrame:
    """Return for each wanted key a CN that fits all names that it registers with, where there is one."""
    wanted = wanted.dropna().drop_duplicates()
    columns = ["device", "registration_name", "hardware_id", "serial", "interface"]
    there = places_of_rows([near[key] for key in keys], [wanted[key] for key in keys]) >= 0
    rows = once(near.loc[there, list(dict.fromkeys([*keys, *columns]))])
    rows["serial_of_device"] = device_ids.serials(rows["device"])
    found = []
    for candidate in ("serial_of_device", "hardware_id", "registration_name"):
        whose, first = alike(rows, keys)
        cn = rows.groupby(whose, sort=False)[candidate].first()
        fits = true(matching.certificate_fits_registration(rows.assign(subject_cn=cn.array.take(whose))))
        fitting = np.bincount(whose, ~fits, minlength=len(first)) == 0
        found.append(rows[keys].iloc[first[fitting]].assign(value=cn.array[fitting]))
        rows = rows[~fitting[whose]]
    together: pd.DataFrame = pd.concat(found, ignore_index=True)
    return together


def _valued(
    found: pd.DataFrame, asked: npt.NDArray[np.bool_], action: str, need: int, values: pd.DataFrame
) -> pd.DataFrame:
    keys = [name for name in values if name != "value"]
    case = np.flatnonzero(asked)
    place = places_of_rows([found[key].iloc[case] for key in keys], [values[key] for key in keys])
    case, place = case[place >= 0], place[place >= 0]
    chosen = found[keys].iloc[case].assign(case=case, value=values["value"].array[place])
    return chosen.assign(action=action, need=need, cost=0)


def _priced(options: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Complete the actions: each begins with the earliest attempt that it is for, and has its place among the kinds."""
    dated = options["action"].isin(["renew", "reissue", "enrol"])
    moments = found["since"].array[options["case"].to_numpy()]
    text = [name for name in _KEY if name != "since"]
    options = options.reindex(columns=["case", "need", "cost", *text])
    options = options.astype(dict.fromkeys(text, "str"))
    options["since"] = pd.Series(moments, index=options.index).where(dated)
    options["since"] = options.groupby(text, dropna=False, sort=False)["since"].transform("min")
    rank = pd.Categorical(options["action"], categories=list(KINDS)).codes.astype(np.int64)
    options["cost"] = options["cost"].fillna(0).astype("int64") + 100 * rank
    return options
