"""Remedies of a fleet on a cluster: parts give their cases, and one place makes the plan.

The plan is made by the very functions of `certtrust.remedies`, from a fleet that has only what a
plan depends on: the attempts that fail or are related to those, with their certificates as they
are; every other certificate with its names, dates and issuer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..advice.remedies.actions import check_kinds
from ..advice.remedies.failures import failed
from ..advice.remedies.fleet_copy import certificates_by_fingerprint
from ..advice.remedies.kinds import KINDS
from ..advice.remedies.plan import plan_of_rows
from ..advice.remedies.related import related_rows
from ..advice.remedies.trusting import Authorities
from ..arrays.arrow import as_mask
from ..arrays.grouping import distinct, distinct_rows, first_positions
from ..evaluation.ownership import Ownership
from ..fleet import Fleet
from ..partitions import Common, together
from ..schema import (
    DEVICES,
    LINKS,
    REGISTRATIONS,
    RESULTS,
    conform,
    empty,
    expect,
)
from ..texts.sentences import spoken
from ..trust import trust_state
from . import dealing
from .dealing import Look
from .frames import computed, expect_dask
from .here import task
from .joining import expect_large_fleet, first_labels

_HEAVY = ("der", "dns_names", "ip_addresses")
"""Columns of a certificate that only matter where it is judged."""


def remedies(
    fleet: Fleet,
    results: Any,
    *,
    kinds: str | Sequence[str] = KINDS,
    lang: str | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Rank the actions that turn predicted failures into passes, for a fleet on a cluster.

    Parameters
    ----------
    fleet : Fleet
        The fleet of `certtrust.scale.read_fleet`, or as `certtrust.scale.attempts` takes it. With
        links no signature is verified again.
    results : dask.dataframe.DataFrame
        Table RESULTS of all its attempts, of `certtrust.scale.check`; best after `persist()`.
    kinds, lang : optional
        As in `certtrust.remedies`.
    progress : bool, optional
        As in `certtrust.scale.collect`.

    Returns
    -------
    DataFrame
        The plan that `certtrust.remedies` makes of the whole fleet. The workers find the attempts
        that it depends on, once where no plan tells them apart; the plan is made here.

    Raises
    ------
    CerttrustError
        If `kinds` has an unknown kind, or as in `certtrust.scale.collect`.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.scale.read_fleet("data/fleet")  # doctest: +SKIP
    >>> results = ct.scale.check(ct.scale.attempts(fleet)).persist()  # doctest: +SKIP
    >>> ct.scale.remedies(fleet, results)["step"].iloc[0]  # doctest: +SKIP
    """
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    check_kinds(kinds)
    fleet = expect_large_fleet(fleet)
    expect(expect_dask(results)._meta, RESULTS)
    common, cases = _gathered(fleet, results, progress)
    logged = not cases.rows[["time", "state", "line"]].isna().all(axis=None)
    small = replace(
        fleet,
        certificates=cases.certificates,
        registrations=cases.registrations,
        links=cases.links,
        sources=None,
    )
    authorities = Authorities(small, certificates_by_fingerprint(small))
    with spoken(lang):
        return plan_of_rows(
            small,
            cases.rows,
            kinds,
            authorities,
            Ownership.of(small, common.serials),
            logged=logged,
        ).actions


@dataclass(frozen=True)
class Cases:
    """What a plan depends on, of a slice or of all."""

    rows: pd.DataFrame
    """Of `related_rows`."""
    certificates: pd.DataFrame
    registrations: pd.DataFrame
    links: pd.DataFrame


def _gathered(
    fleet: Fleet, results: Any, progress: bool | None
) -> tuple[Common, Cases]:
    """Return what is common to all parts, and the cases of all, from the workers."""
    certificates: Any = fleet.certificates
    log: Any = fleet.registrations
    slices, logs = certificates.to_delayed(), log.to_delayed()
    parts = results.to_delayed()
    looks = [task(dealing.look_at_certificates)(part) for part in slices]
    looks_at_logs = [task(dealing.look_at_log)(part) for part in logs]
    common = task(_common)([*looks, *looks_at_logs], fleet.trust, fleet.devices)
    authorities = task(_of_all)(
        [task(_authorities)(part, common) for part in slices],
    )
    presented = task(_distinct)([task(_failing)(part) for part in parts])
    dates = task(_dates)(authorities, fleet.trust)
    rows = [task(related_rows)(part, dates, presented) for part in parts]
    related = task(_related)([task(_whose)(part) for part in rows])
    chosen = [
        task(_certificates)(part, first, common, related)
        for part, first in zip(slices, first_labels(looks), strict=True)
    ]
    lines = [
        task(_lines)(part, first, related)
        for part, first in zip(logs, first_labels(looks_at_logs), strict=True)
    ]
    links = [fleet.links]
    if fleet.links is None:
        verify = task(partial(_links, trust=fleet.trust))
        links = [verify(part, authorities) for part in slices]
    sizes = [1, len(rows), len(chosen), len(lines), len(links)]
    done = computed([common, *rows, *chosen, *lines, *links], progress=progress)
    first, *groups = _apart(done, sizes)
    related_attempts, kept, log_lines = (
        together(group).sort_index(kind="stable") for group in groups[:3]
    )
    verified = conform(pd.concat([empty(LINKS), *groups[3]]), LINKS)
    cases = Cases(related_attempts, kept, log_lines, distinct_rows(verified))
    return first[0], cases


def _apart(done: list[Any], sizes: list[int]) -> list[list[Any]]:
    bounds = np.cumsum([0, *sizes])
    return [done[start:stop] for start, stop in pairwise(bounds)]


# What the workers do


def _common(looks: list[Look], trust: pd.DataFrame, devices: pd.DataFrame) -> Common:
    contributions = [look.contribution for look in looks]
    return Common.of(contributions, trust=trust, devices=devices)


def _authorities(part: pd.DataFrame, common: Common) -> pd.DataFrame:
    """Return the certificates of a slice that are CAs or may have issued others."""
    facts = common.certificate_facts(part)
    chosen = facts["is_common"].to_numpy() | as_mask(part["is_ca"])
    rows = part[chosen & part["fingerprint"].notna()]
    return dealing.one_of_each([rows])


def _of_all(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return dealing.one_of_each(parts)


def _dates(authorities: pd.DataFrame, trust: pd.DataFrame) -> Any:
    small = Fleet(
        authorities, trust, empty(DEVICES), empty(REGISTRATIONS), links=empty(LINKS)
    )
    return Authorities(small, certificates_by_fingerprint(small)).dates


def _distinct(texts: list[pd.Series]) -> pd.Series:
    return distinct(*texts)


def _failing(results: pd.DataFrame) -> pd.Series:
    """Return the certificates that failed attempts present."""
    return distinct(results["fingerprint"][failed(results)].dropna())


@dataclass(frozen=True)
class Related:
    """Whom the rows that decide about a plan are about, and their labels."""

    devices: pd.Series
    fingerprints: pd.Series
    labels: Any


def _whose(rows: pd.DataFrame) -> Related:
    return Related(
        distinct(rows["device"].dropna()),
        distinct(rows["fingerprint"].dropna()),
        np.asarray(rows.index),
    )


def _related(parts: list[Related]) -> Related:
    return Related(
        distinct(*(part.devices for part in parts)),
        distinct(*(part.fingerprints for part in parts)),
        np.concatenate([part.labels for part in parts]),
    )


def _certificates(
    part: pd.DataFrame, first: int, common: Common, related: Related
) -> pd.DataFrame:
    """Return the certificates of a slice, light where no plan judges them."""
    facts = common.certificate_facts(part)
    whole = facts["is_common"].to_numpy() | as_mask(part["is_ca"])
    whole |= first_positions(facts["device"], related.devices) >= 0
    whole |= first_positions(facts["key"], related.devices) >= 0
    whole |= first_positions(part["fingerprint"], related.fingerprints) >= 0
    bundles = distinct(part["bundle"][whole].dropna())
    whole |= first_positions(part["bundle"], bundles) >= 0
    light = {
        name: part[name].where(whole, None).astype(part[name].dtype)
        for name in _HEAVY
    }
    return part.assign(**light).set_axis(np.arange(first, first + len(part)))


def _lines(part: pd.DataFrame, first: int, related: Related) -> pd.DataFrame:
    """Return the lines of a log that decide about a plan, with their labels in the whole."""
    labels = np.arange(first, first + len(part))
    return part.set_axis(labels)[np.isin(labels, related.labels)]


def _links(
    part: pd.DataFrame, authorities: pd.DataFrame, trust: pd.DataFrame
) -> pd.DataFrame:
    """Return the links of the certificates of a slice to all CAs."""
    rows = pd.concat([part, authorities]).drop_duplicates("fingerprint")
    return trust_state.link(rows.reset_index(drop=True), trust)
