"""Attempts, results, causes and findings of a fleet on a cluster."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import CerttrustError
from ..evaluation import check as check_rules
from ..evaluation.attempts import attempts as attempts_of_fleet
from ..explanation.findings import findings as findings_of
from ..fleet import Fleet
from ..partitions import Common, contribution
from ..partitions.split import Of
from ..schema import CERTIFICATES, DEVICES, REGISTRATIONS, TRUST, empty, expect
from ..texts.sentences import current_language, say
from . import dealing
from .cluster import current_client, loaded
from .dealing import Deal, Judged
from .frames import NUMBERED, computed, expect_dask, from_parts
from .here import as_here

Marks = npt.NDArray[np.float64]


def attempts(fleet: Fleet, of: Of = "log", *, parts: int | None = None) -> Any:
    """Join every registration with its certificate, device and trust outcome, on a cluster.

    Parameters
    ----------
    fleet : Fleet
        Certificates and registrations are Dask frames, of `certtrust.scale.read_fleet` or put
        together as `certtrust.Fleet(certificates, trust, devices, registrations)`; the other tables
        are frames of pandas, and are sent to all workers.
    of : {"log", "devices"}
        As in `certtrust.attempts`.
    parts : int, optional
        How many partitions the attempts have; by default as many as the larger of the two frames,
        and at least one for each thread of the cluster.

    Returns
    -------
    dask.dataframe.DataFrame
        Table ATTEMPTS: the rows of `certtrust.attempts`, with the same labels, dealt by device.
        `certtrust.scale.collect` brings them into input order.

    Raises
    ------
    CerttrustError
        If it is no such fleet, or the cluster cannot be used.

    Notes
    -----
    All rows of a device meet in one partition, together with what others decide about it, so
    that each is judged as in the whole fleet; `certtrust.scale.account` shows that no row is lost.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> attempts = ct.scale.attempts(fleet)  # doctest: +SKIP
    """
    if of not in ("log", "devices"):
        raise CerttrustError(say("errors.evaluation.of", of=repr(of)))
    fleet = _expect_fleet(fleet)
    if parts is not None and (type(parts) is not int or parts < 1):
        raise CerttrustError(say("errors.scale.parts", given=repr(parts)))
    count = parts or max(
        fleet.certificates.npartitions,
        fleet.registrations.npartitions,
        sum(current_client().nthreads().values()),
    )
    return _joined(fleet, of, count)


def _expect_fleet(fleet: Any) -> Fleet:
    """Return a fleet of Dask frames; frames of pandas in their place become one partition."""
    if not isinstance(fleet, Fleet):
        kind = type(fleet).__name__
        raise CerttrustError(say("errors.frames.no_fleet", kind=kind))
    large = {}
    for name, table in (
        ("certificates", CERTIFICATES),
        ("registrations", REGISTRATIONS),
    ):
        frame = getattr(fleet, name)
        if isinstance(frame, pd.DataFrame):
            frame = expect(frame, table)
            part = loaded("dask").delayed(frame)
            frame = from_parts([part], frame.head(0))
        expect(expect_dask(frame)._meta, table)
        large[name] = frame
    return replace(
        fleet,
        trust=expect(fleet.trust, TRUST),
        devices=expect(fleet.devices, DEVICES),
        **large,
    )


def _joined(fleet: Fleet, of: Of, count: int) -> Any:
    """Return the attempts of a fleet in that many parts."""
    task = _task
    slices = fleet.certificates.to_delayed()
    logs = fleet.registrations.to_delayed()
    small = replace(
        fleet,
        certificates=empty(CERTIFICATES),
        registrations=empty(REGISTRATIONS),
        devices=empty(DEVICES),
        sources=None,
    )
    small_task = task(_same)(small)
    deal = task(_deal)(
        [task(_of_certificates)(part) for part in slices],
        [task(_of_log)(part) for part in logs],
        fleet.trust,
        fleet.devices,
        count,
    )
    first_of_slice = _first_labels(slices)
    first_of_log = _first_labels(logs)
    facts = [task(_facts)(deal, part) for part in slices]
    on_wire = task(_distinct)([task(dealing.wire_fingerprints)(log) for log in logs])
    presenters = task(dealing.presenters)(
        [
            task(dealing.presented)(part, fact, on_wire)
            for part, fact in zip(slices, facts, strict=True)
        ]
    )
    dealt = [
        task(dealing.dealt_log, nout=2)(log, first, deal, presenters)
        for log, first in zip(logs, first_of_log, strict=True)
    ]
    judged = task(Judged.of)(
        [
            *(pairs for _, pairs in dealt),
            *(
                task(dealing.own_judged)(part, fact, count)
                for part, fact in zip(slices, facts, strict=True)
            ),
        ]
    )
    issuers = _issuers(fleet.links)
    commons = task(dealing.one_of_each)(
        [
            task(dealing.common_rows)(part, fact, first, issuers)
            for part, fact, first in zip(slices, facts, first_of_slice, strict=True)
        ]
    )
    certificates = [
        task(dealing.dealt_certificates)(part, fact, first, judged, count)
        for part, fact, first in zip(slices, facts, first_of_slice, strict=True)
    ]
    meta = fleet.certificates._meta.assign(
        **{
            dealing.HOLDER: pd.Series(dtype="str"),
        }
    )
    of_log = fleet.registrations._meta.drop(columns=dealing.UNUSED, errors="ignore")
    rows = _shuffled([log for log, _ in dealt], of_log, count)
    chains = _shuffled(certificates, meta, count)
    joined = [
        task(dealing.attempts_of_part)(
            number, log, part, commons, deal, small_task, of
        )
        for number, (log, part) in enumerate(zip(rows, chains, strict=True))
    ]
    return from_parts(joined, _meta_of_attempts(fleet, of))


def _task(function: Any, **options: Any) -> Any:
    return loaded("dask").delayed(as_here(function), **options)


def _same(value: Any) -> Any:
    return value


def _of_certificates(part: pd.DataFrame) -> Any:
    return contribution(certificates=part)


def _of_log(part: pd.DataFrame) -> Any:
    return contribution(registrations=part)


def _deal(
    of_slices: list[Any],
    of_logs: list[Any],
    trust: pd.DataFrame,
    devices: pd.DataFrame,
    count: int,
) -> Deal:
    common = Common.of([*of_slices, *of_logs], trust=trust, devices=devices)
    return Deal(common, count).prepared()


def _facts(deal: Deal, part: pd.DataFrame) -> pd.DataFrame:
    return deal.common.certificate_facts(part)


def _distinct(texts: list[pd.Series]) -> pd.Series:
    return dealing.distinct(*texts)


def _issuers(links: pd.DataFrame | None) -> pd.Series | None:
    if links is None:
        return None
    return dealing.distinct(links["issuer"][links["issuer"] != links["child"]])


def _first_labels(parts: Sequence[Any]) -> list[Any]:
    """Return tasks of the label that the first row of each part has in the whole."""
    sums = _task(_sums)([_task(len)(part) for part in parts])
    return [sums[number] for number in range(len(parts))]


def _sums(sizes: list[int]) -> list[int]:
    return [0, *np.cumsum(sizes).tolist()]


def _shuffled(parts: Sequence[Any], meta: pd.DataFrame, count: int) -> list[Any]:
    """Return one task for each part, with the rows that were dealt to it."""
    marks = _marks(count)
    marked = [_task(_marked)(part, marks) for part in parts]
    shuffled = from_parts(marked, meta.assign(**{dealing.PART: 0.0})).shuffle(
        on=dealing.PART, npartitions=count, shuffle_method="tasks"
    )
    return [
        _task(_arrived)(part, mark)
        for part, mark in zip(shuffled.to_delayed(), marks, strict=True)
    ]


def _marks(count: int) -> Marks:
    """Return for each part a number whose rows Dask sends to the partition of its place.

    Dask deals rows by a hash of a column. It is that of floats, which it makes of any numbers.
    """
    index_of = loaded("dask.dataframe.shuffle").partitioning_index
    marks = np.full(count, -1.0)
    for start in itertools.count(0, 16 * count):
        tried = np.arange(start, start + 16 * count, dtype=np.float64)
        place, first = np.unique(
            index_of(pd.DataFrame({dealing.PART: tried}), count), return_index=True
        )
        is_free = marks[place] < 0
        marks[place[is_free]] = tried[first[is_free]]
        if (marks >= 0).all():
            return marks
    raise AssertionError


def _marked(part: pd.DataFrame, marks: Marks) -> pd.DataFrame:
    return part.assign(**{dealing.PART: marks[part[dealing.PART].to_numpy()]})


def _arrived(part: pd.DataFrame, mark: float) -> pd.DataFrame:
    """Return the rows of a part without their mark.

    Raises
    ------
    RuntimeError
        If rows of another part are among them, since Dask deals in another way than is known here.
    """
    if (part[dealing.PART] != mark).any():
        raise RuntimeError("rows arrived in a partition that they do not belong to")
    return part.drop(columns=dealing.PART)


def _meta_of_attempts(fleet: Fleet, of: Of) -> pd.DataFrame:
    nothing = replace(
        fleet,
        certificates=empty(CERTIFICATES),
        registrations=fleet.registrations._meta.head(0),
        devices=fleet.devices.head(0),
        trust=fleet.trust.head(0),
        links=None,
        handshakes=None,
        sources=None,
    )
    return attempts_of_fleet(nothing, of)


def check(attempts: Any, *, at: pd.Timestamp | str | None = None) -> Any:
    """Judge each attempt by the rules that its scenario requires, on a cluster.

    Parameters
    ----------
    attempts : dask.dataframe.DataFrame
        Table ATTEMPTS of `certtrust.scale.attempts`.
    at : Timestamp or str, optional
        The moment to judge at, as in `certtrust.check`; by default the row's own time, else the
        moment of this call, for all partitions.

    Returns
    -------
    dask.dataframe.DataFrame
        Table RESULTS. `results.persist()` keeps it in the memory of the workers, so that causes,
        findings and remedies do not begin again with the files.

    Raises
    ------
    CerttrustError
        If `at` is no moment.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> results = ct.scale.check(ct.scale.attempts(fleet)).persist()  # doctest: +SKIP
    """
    attempts = expect_dask(attempts)
    moment = None if at is None else check_rules.moment_of(at)
    now = pd.Timestamp.now("UTC").as_unit("us")
    judge = partial(_checked, at=moment, now=now)
    parts = [_task(judge)(part) for part in attempts.to_delayed()]
    return from_parts(parts, judge(attempts._meta))


def _checked(
    attempts: pd.DataFrame, at: pd.Timestamp | None, now: pd.Timestamp
) -> pd.DataFrame:
    moment = attempts["time"].fillna(now) if at is None else at
    return check_rules.check(attempts, at=moment)


def findings(results: Any, *, lang: str | None = None) -> Any:
    """List every broken or undecided rule of every attempt, in words, on a cluster.

    Parameters
    ----------
    results : dask.dataframe.DataFrame
        Table RESULTS of `certtrust.scale.check`.
    lang : str, optional
        As in `certtrust.findings`.

    Returns
    -------
    dask.dataframe.DataFrame
        The rows of `certtrust.findings`, dealt by device.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> results = ct.scale.check(ct.scale.attempts(fleet))  # doctest: +SKIP
    >>> ct.scale.findings(results).head()  # doctest: +SKIP
    """
    results = expect_dask(results)
    explain = partial(_findings, lang=lang or current_language())
    parts = [_task(explain)(part) for part in results.to_delayed()]
    return from_parts(parts, explain(results._meta))


def _findings(results: pd.DataFrame, lang: str) -> pd.DataFrame:
    listed = findings_of(results, lang=lang)
    return listed.set_axis(pd.Index(listed["attempt"], name=NUMBERED))
