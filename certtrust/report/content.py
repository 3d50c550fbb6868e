"""What a report says, as frames: computed once, then shown as a page, as JSON and as CSV."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .. import processes
from ..advice import impersonations
from ..advice.forecast import coming_dates
from ..advice.remedies.fleet_copy import certificates_by_fingerprint
from ..advice.remedies.kinds import KINDS
from ..advice.remedies.plan import plan_of_rows
from ..advice.remedies.trusting import Authorities
from ..charts.name_fit import Relations
from ..evaluation.check import counted, moment_of
from ..evaluation.ownership import Ownership
from ..evaluation.rules import BY_CODE
from ..fleet import FOLDERS, Fleet, link
from ..history.state import StateRows
from ..partitions import split
from ..texts.dates import in_utc
from ..texts.labels import cause_label
from .grounds import Grounds, grounds
from .partial import LABEL, ROW, Job, combined, failing_of, partial_of, ranked
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
        When the report was begun; the forecast looks ahead from then.
    periods : int
        How many months it looks ahead.
    at : Timestamp
        From when on what ends lies ahead: the chosen moment, else when the report was made.
    of : {"log", "devices"}
        Whether the attempts are those of the log, or one would-be attempt per known device.
    fleet : Fleet
        What was read, with its links.
    grounds : Grounds
        How much of the files was understood.
    results : DataFrame
        Table RESULTS; of a fleet that is judged in several parts, a large one, only the columns
        `certtrust.report.partial.KEPT`.
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
    relations : Relations
        `certtrust.charts.name_relations(results)`, and what the chart says of devices.
    combinations : DataFrame
        `certtrust.charts.broken_together(results)`.
    state : StateRows
        What `certtrust.diff` compares of the results.
    wire : WireContent, optional
        What captures show; None where there are none.
    """

    name: str
    made: pd.Timestamp
    periods: int
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
    relations: Relations
    combinations: pd.DataFrame
    state: StateRows
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
    linked = _labelled(link(fleet))
    begin("attempts")
    made = pd.Timestamp.now("UTC").floor("s")
    now, dates = coming_dates(periods, "MS", at=made)
    moment = None if at is None else moment_of(at)
    parts = split(linked)
    certificates = certificates_by_fingerprint(linked)
    authorities = Authorities(linked, certificates)
    is_one = len(parts) == 1
    jobs = (
        Job(part, moment, now, dates, authorities.dates, parts.shared, is_one)
        for part in parts
    )
    workers = 1 if is_one else None
    whole = combined([*processes.run(partial_of, jobs, workers=workers)])
    of, serials = parts.of, parts.common.serials
    # Whose each row is takes memory that the plan needs.
    del parts, jobs
    begin("remedies")
    plan = plan_of_rows(
        linked,
        whole.related,
        KINDS,
        authorities,
        Ownership.of(linked, serials),
        logged=of == "log",
    )
    failing = with_actions(whole.failing, plan.ranks)
    begin("names")
    pairs = impersonations(linked, at=at, limit=PAIRS)
    return Report(
        name=name,
        made=made,
        periods=periods,
        at=made if at is None else in_utc(at),
        of=of,
        fleet=linked,
        grounds=grounds(fleet),
        results=whole.results,
        causes=explained_causes(whole.causes, failing),
        comparison=whole.comparison,
        failing=failing,
        undecided=whole.undecided,
        missing=missing_anywhere(whole.missing, whole.missing_anywhere),
        remedies=plan.actions,
        forecast=whole.forecast,
        endings=whole.endings,
        impersonations=pairs,
        inputs=inputs(fleet),
        problems=problems(fleet),
        relations=whole.relations,
        combinations=whole.combinations,
        state=whole.state,
        wire=wire_content(linked, whole.on_wire),
    )


def _labelled(fleet: Fleet) -> Fleet:
    """Return a fleet whose rows have labels of their own, by which actions name them."""
    frames = {name: getattr(fleet, name) for name in ("devices", "registrations")}
    return dataclasses.replace(
        fleet,
        **{
            name: frame.reset_index(drop=True)
            for name, frame in frames.items()
            if not frame.index.is_unique
        },
    )


def failing_devices(
    results: pd.DataFrame, ranks: pd.Series | None = None
) -> pd.DataFrame:
    """Return one row per device, PBX and cause, most attempts first, with the last reason.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    ranks : Series of str, optional
        Those of the actions that repair each attempt, by the labels of the results.
    """
    failing = failing_of(counted(results.assign(**{ROW: range(len(results))})))
    ranks = pd.Series(dtype="str") if ranks is None else ranks
    return with_actions(ranked([failing]), ranks)


def with_actions(failing: pd.DataFrame, ranks: pd.Series) -> pd.DataFrame:
    """Return failing devices with the ranks of the actions that repair the typical attempt."""
    actions = ranks.reindex(failing[LABEL]).astype("str").array
    return failing.assign(actions=actions).drop(columns=LABEL)


def explained_causes(counts: pd.DataFrame, failing: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cause: its numbers, the rule behind it, and a typical device.

    Parameters
    ----------
    counts : DataFrame
        cause, attempts, devices and stated, as of `Partial.causes`.
    failing : DataFrame
        As in `Report.failing`.
    """
    cause = counts["cause"].astype("str")
    typical = failing.drop_duplicates("cause").astype({"cause": "str"})
    typical = typical.set_index("cause")[["device", "why", "remedy"]]
    rules = {code: BY_CODE[code] for code in cause.unique() if code in BY_CODE}
    citations = {code: rule.citation for code, rule in rules.items()}
    requirements = {
        code: rule.sentences["requirement"] for code, rule in rules.items()
    }
    total = counts["attempts"].sum()
    return pd.DataFrame(
        {
            "cause": cause,
            "attempts": counts["attempts"],
            "devices": counts["devices"],
            "share": (counts["attempts"] / total).astype("float64"),
            "title": cause.map(cause_label),
            "stated": counts["stated"].astype("int64"),
            "requirement": cause.map(requirements).astype("str"),
            "citation": cause.map(citations).astype("str"),
            **{str(name): cause.map(typical[name]) for name in typical},
        }
    )


def missing_anywhere(by_pbx: pd.DataFrame, anywhere: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of missing data; its PBX where it is missing at one alone."""
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
