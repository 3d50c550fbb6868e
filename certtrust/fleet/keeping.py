"""Reading a fleet of which most was read before: unchanged files are not opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..certificates import passwords
from ..certificates.passwords import Passwords
from ..schema import LINKS, TABLES, empty
from ..sources import Source, Unit, units
from ..texts import dates
from ..texts.sentences import say
from .accounts import Account
from .intake import Intake, Reader
from .kept import DamagedError, Memory, Pending, Rows, positions_of
from .kinds import HANDSHAKES
from .tables import Fleet, link


class _Read(Protocol):
    def __call__(self, intake: Intake, *, password: Passwords) -> Fleet: ...


def read_and_keep(
    read: _Read,
    intake: Intake,
    keep: str | os.PathLike[str],
    key: str,
    password: Passwords,
) -> Fleet:
    """Return a linked fleet, reading only files that `keep` does not have as they are.

    Parameters
    ----------
    read : callable
        Reads the fleet of an intake.
    intake : Intake
        An empty one.
    keep : path
        The folder of what was read, see `certtrust.read_fleet`.
    key : str
        Stands for all options that rows depend on.
    password : see `certtrust.read_certificates`
        Passwords of key stores. Files that ask for one are not kept.
    """
    asked: set[str] = set()
    secrets = passwords.checked(password)

    def noting(name: str) -> Any:
        asked.add(name)
        return secrets(name) if callable(secrets) else secrets

    for memory in (Memory(keep, key), Memory(keep, key, is_damaged=True)):
        kept = KeptIntake(intake.is_apart, intake.own, memory=memory)
        try:
            fleet = read(kept, password=noting)
            links = memory.kept_links()
        except DamagedError:
            # Nothing of it is used: all files are read, and kept anew.
            continue
        fleet = link(replace(fleet, links=links))
        kept.forget(asked)
        verified = empty(LINKS) if fleet.links is None else fleet.links
        memory.save(kept.raw, kept.frames, kept.slices, verified)
        return fleet
    raise DamagedError(str(keep))


def in_words(fleet: Fleet) -> str:
    """Return how many files of a fleet were read, and how many were unchanged."""
    assert fleet.sources is not None  # noqa: S101 - read_fleet gives them
    by_file = fleet.sources.drop_duplicates("source")["kept_since"]
    kept = by_file.dropna()
    read = {"read": len(by_file) - len(kept), "files": len(by_file)}
    if kept.empty:
        return say("reading.kept_nothing", **read)
    since = dates.moment(kept.min())
    return say("reading.kept", kept=len(kept), since=since, **read)


@dataclass
class KeptIntake(Intake):
    """An intake that passes over unchanged files, whose rows come from the memory."""

    memory: Memory = field(kw_only=True)
    raw: list[Account] = field(default_factory=list)
    """The accounts as they were when the files were sorted."""
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    """All rows by kind, as the readers gave them."""
    slices: dict[str, dict[int, slice]] = field(default_factory=dict)
    """Of each kind, which rows are those of each account, by its position."""
    _kept: dict[str, dict[int, Rows]] = field(default_factory=dict)
    _pending: Pending | None = None

    def files(self, source: Any) -> Iterator[Source]:
        """Yield the files of certificates that have to be read, and keep the others."""
        for unit in units(source):
            if not self._is_taken(unit):
                yield from self.sort(self._noted(unit))

    def _is_taken(self, unit: Unit) -> bool:
        """Return True where a file is unchanged, whose accounts are then taken over."""
        before = len(self.memory.pending)
        file = self.memory.unchanged(unit)
        self._pending = None
        if file is None:
            if len(self.memory.pending) > before:
                self._pending = self.memory.pending[-1]
            return False
        if any(map(self.is_apart, file.names)):
            return False
        if any(list(map(self.is_again, dict.fromkeys(file.names)))):
            return True
        begin = len(self.accounts)
        since = pd.Timestamp(file.read_at)
        for account, rows in zip(file.accounts, file.rows, strict=True):
            if rows is not None and account.taken_for is not None:
                self._kept.setdefault(account.taken_for, {})[len(self.accounts)] = (
                    rows
                )
            self.accounts.append(replace(account, kept_since=since))
            self.raw.append(account)
        self.memory.take(file, [*range(begin, len(self.accounts))])
        return True

    def _noted(self, unit: Unit) -> Iterator[Source]:
        for source in unit():
            if source.error is not None and self._pending is not None:
                self._pending.can_be_kept = False
            yield source

    def add(self, account: Account, name: str) -> None:
        """Add the account of a file that is read."""
        if self._pending is not None:
            self._pending.positions.append(len(self.accounts))
            self._pending.names.append(name)
            if account.taken_for == HANDSHAKES:
                self._pending.can_be_kept = False
        self.raw.append(account)
        super().add(account, name)

    def each(
        self, kind: str, read: Reader, first: pd.DataFrame | None = None
    ) -> list[pd.DataFrame]:
        """Return the rows of a kind as one frame, those of unchanged files in their places."""
        kept = self._kept.get(kind, {})
        of_kind = [
            at for at, account in enumerate(self.raw) if account.taken_for == kind
        ]
        tables = [at for at in of_kind if self.raw[at].is_table]
        plain = [at for at in of_kind if not self.raw[at].is_table]
        frames = super().each(kind, read, first)
        new_tables = [at for at in tables if at not in kept]
        new_plain = [at for at in plain if at not in kept]
        sizes = self._sizes(frames, new_plain, new_tables)
        if sizes is None:
            # Whose rows they are is not certain, so they are not kept, nor put between others.
            if kept:
                raise DamagedError
            self.forget({self.raw[at].source for at in of_kind})
            return frames
        places = _consecutive([*new_plain, *new_tables], sizes)
        if kept:
            begin = sum(map(len, frames))
            old, rows_of_old = self.memory.table(kind, kept)
            frames = [*frames, old]
            for at, rows in rows_of_old.items():
                places[at] = slice(begin + rows.start, begin + rows.stop)
        order = [*plain, *tables]
        frame = _put_in_order(kind, frames, [places[at] for at in order])
        sizes = {at: places[at].stop - places[at].start for at in order}
        self.frames[kind], self.slices[kind] = frame, _consecutive(order, sizes)
        for at in tables:
            self.counted[self.raw[at].source] = frame.iloc[self.slices[kind][at]]
        return [frame]

    def _sizes(
        self, frames: list[pd.DataFrame], plain: list[int], tables: list[int]
    ) -> dict[int, int] | None:
        """Return how many rows each new file gave, None where that is not certain.

        The rows of plain files have their sources and stand in their order; each table has a
        frame of its own.
        """
        names = [self.raw[at].source for at in plain]
        if len(set(names)) < len(names):
            return None
        of_plain = frames[: len(frames) - len(tables)]
        of_tables = frames[len(of_plain) :]
        runs = [
            (source, len(list(rows)))
            for frame in of_plain
            for source, rows in groupby(frame["source"].tolist())
        ]
        sizes = dict(runs)
        is_in_order = [name for name in names if name in sizes] == [
            *map(itemgetter(0), runs)
        ]
        if not is_in_order or len(of_plain) > 1 or len(of_tables) < len(tables):
            return None
        return {
            **{at: sizes.get(self.raw[at].source, 0) for at in plain},
            **dict(zip(tables, map(len, of_tables), strict=True)),
        }

    def forget(self, names: set[str]) -> None:
        """Keep none of the files with these sources."""
        for pending in self.memory.pending:
            if any(self.raw[at].source in names for at in pending.positions):
                pending.can_be_kept = False


def _consecutive(positions: list[int], sizes: dict[int, int]) -> dict[int, slice]:
    """Return where the rows of each account are, one after another."""
    ends = list(accumulate(sizes[at] for at in positions))
    return {
        at: slice(end - sizes[at], end)
        for at, end in zip(positions, ends, strict=True)
    }


def _put_in_order(
    kind: str, frames: list[pd.DataFrame], places: list[slice]
) -> pd.DataFrame:
    """Return the rows at these places of frames that are thought of as one."""
    table = TABLES[kind.upper()]
    filled = [frame for frame in frames if len(frame)] or frames[:1] or [empty(table)]
    frame = (
        filled[0]
        if len(filled) == 1
        else pd.concat([empty(table), *filled], ignore_index=True)
    )
    positions = positions_of(places)
    if np.array_equal(positions, np.arange(len(frame))):
        return frame
    return frame.iloc[positions].reset_index(drop=True)
