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
from ..partitions import Common
from ..partitions.split import Of
from ..schema import CERTIFICATES, DEVICES, REGISTRATIONS, TRUST, empty, expect
from ..texts.sentences import say
from . import dealing
from .cluster import loaded, threads
from .dealing import Deal, Facts, Judged, Look
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
    certificates, log = _parts_of(fleet.certificates), _parts_of(fleet.registrations)
    count = parts or max(certificates, log, threads())
    return _joined(fleet, of, count)


def _parts_of(frame: Any) -> int:
    return int(frame.npartitions)


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
    slices, logs = certificates.to_delayed(), log.to_delayed()
    looks = [task(dealing.look_at_certificates)(part) for part in slices]
    looks_at_logs = [task(dealing.look_at_log)(part) for part in logs]
    both = [*looks, *looks_at_logs]
    deal = task(_deal)(both, fleet.trust, fleet.devices, count)
    labels, issuers = first_labels(looks), _issuers(fleet.links)
    labelled = list(zip(slices, labels, strict=True))
    facts = [task(dealing.facts_of)(*part, deal, issuers) for part in labelled]
    overview = task(dealing.overview_of)(facts)
    labels_of_log = first_labels(looks_at_logs)
    dealt = [
        task(dealing.dealt_log, nout=2)(part, first, deal, overview)
        for part, first in zip(logs, labels_of_log, strict=True)
    ]
    pairs = [pairs for _, pairs in dealt]
    judged = task(_judged)(facts, pairs)
    chains = [
        task(dealing.dealt_certificates)(*part, fact, judged, count)
        for part, fact in zip(labelled, facts, strict=True)
    ]
    rows = _shuffled([rows for rows, _ in dealt], count)
    small = task(_same)(_without_rows(fleet, log._meta))
    parts = zip(range(count), rows, _shuffled(chains, count), strict=True)
    joined = [
        task(dealing.attempts_of_part)(*part, overview, deal, small, of)
        for part in parts
    ]
    return from_parts(joined, _meta_of_attempts(fleet, log._meta, of))


def _without_rows(fleet: Fleet, log: pd.DataFrame) -> Fleet:
    """Return the small tables of a fleet; its device entries are sent with the deal."""
    return replace(
        fleet,
        certificates=empty(CERTIFICATES),
        registrations=log.head(0).drop(columns=dealing.UNUSED, errors="ignore"),
        devices=empty(DEVICES),
        sources=None,
    )


def _same(value: Any) -> Any:
    return value


def _deal(
    looks: list[Look], trust: pd.DataFrame, devices: pd.DataFrame, count: int
) -> Deal:
    contributions = [look.contribution for look in looks]
    common = Common.of(contributions, trust=trust, devices=devices)
    on_wire = distinct(*(look.on_wire for look in looks))
    return Deal(common, count, on_wire).prepared()


def _judged(facts: list[Facts], pairs: list[Judged]) -> Judged:
    return Judged.of([*pairs, *(fact.judged for fact in facts)])


def _issuers(links: pd.DataFrame | None) -> pd.Series | None:
    if links is None:
        return None
    return distinct(links["issuer"][links["issuer"] != links["child"]])


def first_labels(looks: Sequence[Any]) -> list[Any]:
    """Return tasks of the label that the first row of each slice has in the whole."""
    sums = task(_sums)(looks)
    return [sums[number] for number in range(len(looks))]


def _sums(looks: list[Look]) -> list[int]:
    return [0, *np.cumsum([look.rows for look in looks]).tolist()]


def _shuffled(parts: Sequence[Any], count: int) -> list[Any]:
    """Return one task for each part, with the parcels that were dealt to it."""
    marks = _marks(count)
    meta = pd.DataFrame(
        {
            dealing.PART: pd.Series(dtype="float64"),
            dealing.PACKED: pd.Series(dtype="object"),
        }
    )
    marked = [task(_marked)(part, marks) for part in parts]
    shuffled = from_parts(marked, meta).shuffle(
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
    """Return the parcels of a part.

    Raises
    ------
    RuntimeError
        If rows of another part are among them, since Dask deals in another way than is known here.
    """
    if (part[dealing.PART] != mark).any():
        raise RuntimeError("rows arrived in a partition that they do not belong to")
    return part


def _meta_of_attempts(fleet: Fleet, log: pd.DataFrame, of: Of) -> pd.DataFrame:
    """Return the attempts of a fleet that has nothing in it."""
    nothing = replace(
        _without_rows(fleet, log),
        registrations=log.head(0),
        trust=fleet.trust.head(0),
        links=None,
        handshakes=None,
    )
    return attempts_of_fleet(nothing, of)
