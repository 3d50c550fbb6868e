"""The files of a fleet, sorted: what each is taken for, and those that wait for their reader."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from .. import heading_rows
from ..certificates.trust_lists import list_name
from ..formats import as_text, begin
from ..sources import Source, sources
from ..spreadsheets import is_workbook
from ..texts.sentences import say
from . import kinds
from .accounts import Account
from .kinds import CERTIFICATES, DEVICES, HANDSHAKES, REGISTRATIONS, TRUST
from .tables import CAPTURES, FOLDERS

PLACES = {**{name: name for name in FOLDERS}, CAPTURES: HANDSHAKES}
"""The folders of a fleet's directory, and the kind of what lies in each."""
Reader = Callable[[Iterable[Source]], pd.DataFrame]


@dataclass
class Intake:
    """The files of a fleet, sorted: an account of each, and those that wait for their reader."""

    is_apart: Callable[[str], bool]
    own: kinds.Own = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    counted: dict[str, pd.DataFrame] = field(default_factory=dict)
    """The frames of files that were read by themselves, by the names of the files."""
    _waiting: dict[str, list[Source]] = field(default_factory=dict)
    _paths: set[str] = field(default_factory=set)

    def files(self, source: Any) -> Iterator[Source]:
        """Yield the files of certificates of an input, and keep the others."""
        yield from self.sort(sources(source))

    def sort(self, files: Iterable[Source]) -> Iterator[Source]:
        """Yield the files of certificates, which are many, and keep the others."""
        for file in files:
            if self.is_apart(file.name) or self.is_again(file.name):
                continue
            for account in accounts_of(file, self.own):
                self.add(account, file.name)
                named = replace(file, name=account.source)
                if account.taken_for == CERTIFICATES and not account.is_table:
                    yield named
                elif account.taken_for is not None:
                    self._waiting.setdefault(account.taken_for, []).append(named)

    def add(self, account: Account, _name: str) -> None:
        """Add the account of a file, or of an archive member, of this name."""
        self.accounts.append(account)

    def is_again(self, name: str) -> bool:
        """Return True where a file was there before, and remember it."""
        path = os.path.realpath(name)
        if path in self._paths:
            return True
        if os.path.isfile(path):
            self._paths.add(path)
        return False

    def each(
        self, kind: str, read: Reader, first: pd.DataFrame | None = None
    ) -> list[pd.DataFrame]:
        """Return the frames of the files of a kind that wait, saved tables by themselves.

        Rows of a saved table name the files that they came from first, so that only the frame
        tells how many rows the saved one gave. `first` are rows that were read already.
        """
        tables = {account.source for account in self.accounts if account.is_table}
        files = self.waiting(kind)
        plain = [file for file in files if file.name not in tables]
        frames = [] if first is None else [first]
        frames += [read(plain)] if plain else []
        for file in files:
            if file.name in tables:
                self.counted[file.name] = read([file])
                frames.append(self.counted[file.name])
        return frames

    def waiting(self, kind: str) -> list[Source]:
        """Return the files of a kind that wait, which then wait no longer."""
        return self._waiting.pop(kind, [])

    def owners(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return the PBX of each trust list that has one, by the name of its file.

        In the folder `trust/` of a fleet the name of a file is that of a PBX, known or not.
        """
        owners = {}
        for position, account in enumerate(self.accounts):
            if account.taken_for != TRUST:
                continue
            stem = list_name(account.source)
            owner = stem if account.is_in_place else pbx_in(stem, names)
            if owner is not None:
                owners[account.source] = owner
            is_guess = account.is_guess or owner is None
            self.accounts[position] = replace(account, pbx=owner, is_guess=is_guess)
        return owners


def accounts_of(file: Source, own: kinds.Own) -> list[Account]:
    """Return what a file is taken for, and why; a workbook may hold tables of several kinds."""
    top, _, rest = file.name.partition("/")
    is_in_place = top in PLACES and bool(rest)
    account = Account(rest if is_in_place else file.name, is_in_place=is_in_place)
    folder = PLACES.get(file.name) or kinds.kind_of_folder(file.name)
    if file.error is not None:
        return [account.by_folder(folder, file.error)]
    try:
        with file.open() as opened:
            head, stream = begin(opened)
            packed = stream.read() if _is_packed(head) else b""
    except OSError as problem:
        problem_text = say("reading.sources.stopped", reason=problem)
        return [account.by_folder(folder, problem_text)]
    names = set() if kinds.begins_as_pem(head) else kinds.headings(as_text(head))
    if kinds.is_endpoints(packed):
        return [replace(account, not_understood=say("reading.sources.endpoints"))]
    if kinds.is_report(names):
        return [replace(account, not_understood=say("reading.sources.report"))]
    is_parquet = head.startswith(_PARQUET)
    is_table = (is_parquet and kinds.names_sources(packed)) or (
        {"source", "parse_error"} <= names
    )
    account = replace(account, is_table=is_table)
    decided: list[Account] = []
    for kind in _kinds(head, packed, own):
        of_kind = _decided(account, kind, folder, head, file.name)
        if of_kind.taken_for is None and is_workbook(head):
            problem_text = kinds.problem_of_workbook(packed)
            of_kind = replace(of_kind, not_understood=problem_text)
        elif kind in (DEVICES, REGISTRATIONS) and not (is_table or is_parquet):
            unread = kinds.unread_headings(head, packed, kind, own)
            of_kind = replace(of_kind, unread_headings=unread)
        decided.append(of_kind)
    return decided


_PARQUET = b"PAR1"


def _is_packed(head: bytes) -> bool:
    """Return True for a file whose beginning alone does not tell what is in it."""
    return head.startswith(_PARQUET) or is_workbook(head)


def _kinds(head: bytes, packed: bytes, own: kinds.Own) -> Sequence[str | None]:
    if head.startswith(_PARQUET):
        return [kinds.kind_of_parquet(packed)]
    if is_workbook(head):
        return kinds.kinds_of_workbook(packed, own) or [None]
    return [kinds.kind_of(head, own)]


def _decided(
    account: Account, kind: str | None, folder: str | None, head: bytes, name: str
) -> Account:
    """Return the account with the kind that content, folder and name give."""
    if kind == CERTIFICATES and folder == TRUST:
        return account.by_folder(TRUST)
    if kind == CERTIFICATES and folder != CERTIFICATES and _says_trust(name):
        return replace(account, taken_for=TRUST, decided_by="name", is_guess=True)
    if kind is not None:
        is_loose = kind == CERTIFICATES and folder != CERTIFICATES
        is_loose &= not kinds.denies_trust(PurePosixPath(name).name)
        return replace(
            account, taken_for=kind, decided_by="content", may_be_list=is_loose
        )
    if folder is not None:
        return account.by_folder(folder)
    if not head.strip():
        return replace(account, not_understood=say("reading.sources.empty"))
    if kinds.is_text(head, name):
        return replace(
            account, taken_for=REGISTRATIONS, decided_by="text", is_guess=True
        )
    return replace(account, not_understood=_unrecognised(as_text(head)))


_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
_LOOKED_AT = 1 << 10
"""Characters of a file that tell text from anything else."""


def _unrecognised(text: str) -> str:
    """Return why a file is nothing that is known here; of a table, its headings."""
    is_binary = _CONTROL.search(text[:_LOOKED_AT]) is not None
    unread = None if is_binary else heading_rows.unread_headings(text, DEVICES)
    if unread is not None:
        return say("reading.sources.headings", unread=unread)
    return say("reading.sources.unrecognised")


_TRUST = re.compile(r"(?<!cert)trust")


def _says_trust(name: str) -> bool:
    stem = PurePosixPath(name).name.lower()
    return _TRUST.search(stem) is not None and not kinds.denies_trust(stem)


def pbx_in(stem: str, names: Mapping[str, str]) -> str | None:
    """Return the PBX that a file is named after, alone or beside words such as `trust`.

    Examples
    --------
    >>> names = {"hq": "HQ", "hq-2": "HQ-2"}
    >>> pbx_in("hq", names), pbx_in("trust-list_HQ-2", names), pbx_in("roots", names)
    ('HQ', 'HQ-2', None)
    """
    stem = stem.lower()
    if stem in names:
        return names[stem]
    for word in ("trustlist", "trust-list", "trust_list", "trusted", "trust"):
        if word in stem:
            rest = stem.replace(word, "", 1).strip(" -_.")
            return names.get(rest)
    return None
