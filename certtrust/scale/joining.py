"""Attempts of a fleet on a cluster: the rows of each device meet in one partition."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.grouping import distinct
from ..errors import CerttrustError
from ..evaluation.attempts import attempts as attempts_of_fleet
from ..fleet import Fleet
from ..partitions import Common, contribution
from ..partitions.split import Of
from ..schema import CERTIFICATES, DEVICES, REGISTRATIONS, TRUST, empty, expect
from ..texts.sentences import say
from . import dealing
from .cluster import current_client, loaded
from .dealing import Deal, Judged
from .frames import expect_dask, from_parts
from .here import task

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
    fleet = expect_large_fleet(fleet)
    if parts is not None and (type(parts) is not int or parts < 1):
        raise CerttrustError(say("errors.scale.parts", given=repr(parts)))
    count = parts or max(
        fleet.certificates.npartitions,
        fleet.registrations.npartitions,
        sum(current_client().nthreads().values()),
    )
    return _joined(fleet, of, count)


def expect_large_fleet(fleet: Any) -> Fleet:
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
    certificates: Any = fleet.certificates
    log: Any = fleet.registrations
    slices = certificates.to_delayed()
    logs = log.to_delayed()
    deal = task(_deal)(
        [task(_of_certificates)(part) for part in slices],
        [task(_of_log)(part) for part in logs],
        fleet.trust,
        fleet.devices,
        count,
    )
    facts = [task(_facts)(deal, part) for part in slices]
    whole = list(zip(slices, facts, _first_labels(slices), strict=True))
    dealt = _dealt_logs(logs, whole, deal)
    own = [task(dealing.own_judged)(part, fact, count) for part, fact, _ in whole]
    judged = task(Judged.of)([*(pairs for _, pairs in dealt), *own])
    chains = [
        task(dealing.dealt_certificates)(*of_slice, judged, count)
        for of_slice in whole
    ]
    issuers = _issuers(fleet.links)
    of_all = [task(dealing.common_rows)(*of_slice, issuers) for of_slice in whole]
    commons = task(dealing.one_of_each)(of_all)
    held = pd.Series(dtype="str")
    of_chains = certificates._meta.assign(**{dealing.HOLDER: held})
    of_log = log._meta.drop(columns=dealing.UNUSED, errors="ignore")
    parts = zip(
        range(count),
        _shuffled([rows for rows, _ in dealt], of_log, count),
        _shuffled(chains, of_chains, count),
        strict=True,
    )
    small = task(_same)(_without_rows(fleet))
    joined = [
        task(dealing.attempts_of_part)(*part, commons, deal, small, of)
        for part in parts
    ]
    return from_parts(joined, _meta_of_attempts(fleet, log._meta, of))


def _dealt_logs(
    logs: Sequence[Any], whole: Sequence[tuple[Any, Any, Any]], deal: Any
) -> list[Any]:
    """Return tasks that deal the slices of the log: to rows, and to whom they judge."""
    on_wire = task(_distinct)([task(dealing.wire_fingerprints)(log) for log in logs])
    presented = [
        task(dealing.presented)(part, fact, on_wire) for part, fact, _ in whole
    ]
    presenters = task(dealing.presenters)(presented)
    return [
        task(dealing.dealt_log, nout=2)(log, first, deal, presenters)
        for log, first in zip(logs, _first_labels(logs), strict=True)
    ]


def _without_rows(fleet: Fleet) -> Fleet:
    """Return the small tables of a fleet; its device entries are sent with the deal."""
    return replace(
        fleet,
        certificates=empty(CERTIFICATES),
        registrations=empty(REGISTRATIONS),
        devices=empty(DEVICES),
        sources=None,
    )


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
    return distinct(*texts)


def _issuers(links: pd.DataFrame | None) -> pd.Series | None:
    if links is None:
        return None
    return distinct(links["issuer"][links["issuer"] != links["child"]])


def _first_labels(parts: Sequence[Any]) -> list[Any]:
    """Return tasks of the label that the first row of each part has in the whole."""
    sums = task(_sums)([task(len)(part) for part in parts])
    return [sums[number] for number in range(len(parts))]


def _sums(sizes: list[int]) -> list[int]:
    return [0, *np.cumsum(sizes).tolist()]


def _shuffled(parts: Sequence[Any], meta: pd.DataFrame, count: int) -> list[Any]:
    """Return one task for each part, with the rows that were dealt to it."""
    marks = _marks(count)
    marked = [task(_marked)(part, marks) for part in parts]
    shuffled = from_parts(marked, meta.assign(**{dealing.PART: 0.0})).shuffle(
        on=dealing.PART, npartitions=count, shuffle_method="tasks"
    )
    return [
        task(_arrived)(part, mark)
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


def _meta_of_attempts(fleet: Fleet, log: pd.DataFrame, of: Of) -> pd.DataFrame:
    """Return the attempts of a fleet that has nothing in it."""
    nothing = replace(
        _without_rows(fleet),
        registrations=log.head(0),
        trust=fleet.trust.head(0),
        links=None,
        handshakes=None,
    )
    return attempts_of_fleet(nothing, of)
