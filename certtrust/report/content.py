"""What a report says, as frames: computed once, then shown as a page, as JSON and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from ..advice import impersonations
from ..advice import missing as missing_data
from ..advice.forecast import forecast_with_endings
from ..advice.remedies.plan import planned
from ..arrays.arrow import as_mask
from ..evaluation.attempts import attempts
from ..evaluation.check import causes as count_causes
from ..evaluation.check import check, compare, counted, required
from ..evaluation.rules import BY_CODE, RULES
from ..evaluation.wire import seen_on_wire
from ..explanation.findings import explain, filled
from ..fleet import FOLDERS, Fleet, link
from ..texts.dates import in_utc
from ..texts.labels import cause_label
from ..texts.sentences import sentences
from .grounds import Grounds, grounds
from .wire import WireContent, wire_content

Step = Callable[[str], None]
"""Called with the name of the step that begins, for a progress bar."""

PAIRS = 10_000
"""How many impersonations a report keeps at most."""


@dataclass(frozen=True)
class Report:
    """Everything that a report shows.

    Parameters
    ----------
    name : str
        What the fleet is called.
    made : Timestamp
        When the report was made.
    at : Timestamp
        From when on what ends lies ahead: the chosen moment, else when the report was made.
    of : {"log", "devices"}
        Whether the attempts are those of the log, or one would-be attempt per known device.
    fleet : Fleet
        What was read, with its links.
    grounds : Grounds
        How much of the files was understood.
    results : DataFrame
        Table RESULTS.
    causes : DataFrame
        One row per cause: cause, title, attempts, devices, share, stated (attempts whose log, or
        the wire, states it), and of a typical attempt: device, why, remedy; requirement and
        citation of the rule.
    comparison : DataFrame
        `certtrust.compare(results)`.
    failing : DataFrame
        One row per device, PBX and cause: device, long_name, number, user, pbx, model,
        registration_name, subject_cn, cause, title, evidence, attempts, first, last, why, remedy,
        actions (the ranks of the remedies that repair the last attempt together, such as "3, 7";
        missing where none does).
    undecided : DataFrame
        One row per rule that some attempts leave open: code, title, attempts, devices, missing.
    missing : DataFrame
        `certtrust.missing(results)`, a kind that several PBXs lack in one row.
    remedies, forecast, endings : DataFrame
        `certtrust.remedies(fleet, results)`, `certtrust.forecast(fleet)` and what takes
        registrations down within that time, `certtrust.endings(fleet)`.
    impersonations : DataFrame
        The worst pairs of `certtrust.impersonations(fleet)`.
    inputs : DataFrame
        One row per file: kind ("unused" for one that went into no table), source, rows, unread.
    problems : DataFrame
        One row per thing that could not be read in full: kind, source, place, parse_error.
    wire : WireContent, optional
        What captures show; None where there are none.
    """

    name: str
    made: pd.Timestamp
    at: pd.Timestamp
    of: str
    fleet: Fleet
    grounds: Grounds
    results: pd.DataFrame
    causes: pd.DataFrame
    comparison: pd.DataFrame
    failing: pd.DataFrame
    undecided: pd.DataFrame
    missing: pd.DataFrame
    remedies: pd.DataFrame
    forecast: pd.DataFrame
    endings: pd.DataFrame
    impersonations: pd.DataFrame
    inputs: pd.DataFrame
    problems: pd.DataFrame
    wire: WireContent | None = None


def explain_fleet(
    fleet: Fleet,
    *,
    name: str = "fleet",
    at: pd.Timestamp | str | None = None,
    periods: int = 24,
    step: Step | None = None,
) -> Report:
    """Judge a fleet and gather what a report shows.

    Parameters
    ----------
    fleet : Fleet
        What was read; one without registrations is judged by one would-be attempt per known device.
    name : str
        What the fleet is called in the report.
    at : Timestamp or str, optional
        The moment to judge at; by default each attempt at its own time.
    periods : int
        How many months the forecast looks ahead.
    step : function, optional
        Called with the name of each step, one of `certtrust.report.STEPS`, before it begins.

    Returns
    -------
    Report

    Examples
    --------
    >>> import certtrust as ct
    >>> explain_fleet(ct.simulate(20, seed=1), periods=1).of
    'log'
    """
    begin = step or (lambda _name: None)
    begin("signatures")
    linked = link(fleet)
    begin("attempts")
    of: Literal["log", "devices"] = "log" if len(fleet.registrations) else "devices"
    results = check(attempts(linked, of=of), at=at)
    begin("remedies")
    plan = planned(linked, results)
    begin("causes")
    failing = failing_devices(results, plan.ranks)
    begin("forecast")
    predictions, endings = forecast_with_endings(linked, periods=periods)
    begin("names")
    pairs = impersonations(linked, at=at, limit=PAIRS)
    made = pd.Timestamp.now("UTC").floor("s")
    return Report(
        name=name,
        made=made,
        at=made if at is None else in_utc(at),
        of=of,
        fleet=linked,
        grounds=grounds(fleet),
        results=results,
        causes=explained_causes(results, failing),
        comparison=compare(results),
        failing=failing,
        undecided=undecided_rules(results),
        missing=missing_anywhere(results),
        remedies=plan.actions,
        forecast=predictions,
        endings=endings,
        impersonations=pairs,
        inputs=inputs(fleet),
        problems=problems(fleet),
        wire=wire_content(linked, results),
    )


def failing_devices(
    results: pd.DataFrame, ranks: pd.Series | None = None
) -> pd.DataFrame:
    """Return one row per device, PBX and cause, most attempts first, with the last reason.

    `ranks` are those of the actions that repair each attempt, by the labels of the results.
    """
    ranks = pd.Series(dtype="str") if ranks is None else ranks
    keys = ["device", "pbx", "cause"]
    failed = counted(results)
    grouped = failed.groupby(keys, observed=True, dropna=False, sort=False)
    counts = grouped.agg(
        attempts=("cause", "size"), first=("time", "min"), last=("time", "max")
    ).reset_index()
    in_order = failed.sort_values("time", kind="stable")
    typical = in_order.drop_duplicates(keys, keep="last")
    persons = ["long_name", "number", "user"]
    names = ["model", "registration_name", "subject_cn"]
    columns = [*keys, *persons, *names, "evidence"]
    shown = typical[columns].assign(
        title=typical["cause"].astype("str").map(cause_label),
        **reasons(typical),
        actions=ranks.reindex(typical.index).astype("str"),
    )
    rows = counts.merge(shown, on=keys, how="left").sort_values(
        ["attempts", "device"], ascending=[False, True], kind="stable"
    )
    order = [
        "device", *persons, "pbx", *names, "cause", "title", "evidence", "attempts", "first",
        "last", "why", "remedy", "actions",
    ]  # fmt: skip
    return rows[order].reset_index(drop=True)


def reasons(failed: pd.DataFrame) -> dict[str, pd.Series]:
    """Return `why` and `remedy` in words for the cause of each row."""
    why = pd.Series("", index=failed.index, dtype="str")
    remedy = pd.Series("", index=failed.index, dtype="str")
    cause = failed["cause"].astype("str")
    for name in cause.dropna().unique():
        rows = failed[cause == name]
        if name == "unexplained":
            on_wire = seen_on_wire(rows)
            parts = [
                (some, _filled(sentences()[table][name], some))
                for table, some in (
                    ("causes", rows[~on_wire]),
                    ("proofs", rows[on_wire]),
                )
            ]
        elif name not in BY_CODE:
            texts = sentences()["causes"].get(name, {"why": "", "remedy": ""})
            parts = [(rows, _filled(texts, rows))]
        else:
            # What the wire proves although the rule holds, or is undecided, by the data here.
            only_proven = (rows["evidence"] == "wire") & ~as_mask(~rows[name])
            broken, proven = rows[~only_proven], rows[only_proven]
            parts = []
            if len(broken):
                parts.append((broken, explain(broken, BY_CODE[name])))
            if len(proven):
                parts.append((proven, _filled(sentences()["proofs"][name], proven)))
        for part, words in parts:
            why[part.index], remedy[part.index] = words["why"], words["remedy"]
    return {"why": why, "remedy": remedy}


def _filled(texts: Mapping[str, str], rows: pd.DataFrame) -> dict[str, pd.Series]:
    return {part: filled(texts[part], rows) for part in ("why", "remedy")}


def explained_causes(results: pd.DataFrame, failing: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cause: its numbers, the rule behind it, and a typical device."""
    narrow = results[["device", "cause", "evidence", "observed", "verdict"]]
    counts = count_causes(narrow.assign(evidence="any")).drop(columns="evidence")
    failed = counted(narrow)
    by_log = failed.loc[failed["evidence"].isin(["log", "wire"]), "cause"]
    stated = by_log.astype("str").value_counts()
    cause = counts["cause"].astype("str")
    typical = failing.drop_duplicates("cause").astype({"cause": "str"})
    typical = typical.set_index("cause")[["device", "why", "remedy"]]
    rules = {code: BY_CODE[code] for code in cause.unique() if code in BY_CODE}
    citations = {code: rule.citation for code, rule in rules.items()}
    requirements = {
        code: rule.sentences["requirement"] for code, rule in rules.items()
    }
    return counts.assign(
        cause=cause,
        title=cause.map(cause_label),
        stated=cause.map(stated).fillna(0).astype("int64"),
        requirement=cause.map(requirements).astype("str"),
        citation=cause.map(citations).astype("str"),
        **{str(name): cause.map(typical[name]) for name in typical},
    )


def undecided_rules(results: pd.DataFrame) -> pd.DataFrame:
    """Return the rules that some attempts leave open, with what is missing to decide them."""
    kind = ["scenario", "protocol", "authentication"]
    required_of = required(results[kind].drop_duplicates())
    grouped = results.groupby(kind, dropna=False, observed=True, sort=False)
    kinds = grouped.ngroup().to_numpy()
    rows = []
    for rule in RULES:
        is_open = required_of[rule.code][kinds] & results[rule.code].isna().to_numpy()
        devices = results.loc[is_open, "device"]
        if len(devices):
            words = [rule.sentences[name] for name in ("title", "missing")]
            rows.append((rule.code, *words, len(devices), devices.nunique()))
    columns = ["code", "title", "missing", "attempts", "devices"]
    undecided = pd.DataFrame(rows, columns=columns)
    undecided = undecided.sort_values("attempts", ascending=False, kind="stable")
    order = ["code", "title", "attempts", "devices", "missing"]
    return undecided[order].reset_index(drop=True)


def missing_anywhere(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of missing data; its PBX where it is missing at one alone."""
    by_pbx = missing_data(results)
    anywhere = missing_data(
        results.assign(pbx=pd.Series(index=results.index, dtype="str"))
    )
    is_single = ~by_pbx["what"].duplicated(keep=False)
    rows = pd.concat([by_pbx[is_single], anywhere]).drop_duplicates("what")
    return rows.sort_values(
        "attempts", ascending=False, kind="stable", ignore_index=True
    )


def inputs(fleet: Fleet) -> pd.DataFrame:
    """Return the files: kind, source, rows, and how many of these could not be read in full.

    The kind of a file that went into no table is `unused`.
    """
    parts = []
    for kind in _kinds(fleet):
        frame: pd.DataFrame = getattr(fleet, kind)
        unread = frame["parse_error"].notna()
        by_source = unread.groupby(frame["source"].fillna("(no file)"), sort=False)
        counts = by_source.agg(rows="size", unread="sum").reset_index()
        parts.append(counts.assign(kind=kind))
    if fleet.sources is not None:
        unused = fleet.sources[fleet.sources["taken_for"].isna()]
        parts.append(unused[["source", "rows"]].assign(kind="unused", unread=0))
    return pd.concat(parts, ignore_index=True)[["kind", "source", "rows", "unread"]]


def problems(fleet: Fleet) -> pd.DataFrame:
    """Return what could not be read in full: kind, source, place (line or block), reason."""
    parts = []
    for kind in _kinds(fleet):
        frame: pd.DataFrame = getattr(fleet, kind)
        bad = frame[frame["parse_error"].notna()]
        place: Any = pd.NA
        if "line" in bad:
            place = bad["line"]
        elif "position" in bad:
            place = bad["position"] + 1
        elif "stream" in bad:
            place = bad["stream"]
        rows = bad[["source", "parse_error"]].assign(kind=kind, place=place)
        parts.append(rows.astype({"place": "Int64"}))
    if fleet.sources is not None:
        unused = fleet.sources[fleet.sources["taken_for"].isna()]
        named = {"not_understood": "parse_error"}
        reasons = unused[["source", "not_understood"]].rename(columns=named)
        parts.append(reasons.assign(kind="unused"))
    columns = ["kind", "source", "place", "parse_error"]
    together = pd.concat(parts, ignore_index=True)[columns]
    if fleet.handshakes is None:
        return together
    # A capture that cannot be read is a row of each table that is made of it.
    of_capture = together["source"].isin(fleet.handshakes["source"])
    again = together.duplicated(["source", "parse_error"]) & of_capture
    return together[~again].reset_index(drop=True)


def _kinds(fleet: Fleet) -> list[str]:
    return [*FOLDERS, *(["handshakes"] if fleet.handshakes is not None else [])]
