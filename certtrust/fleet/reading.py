"""From any files to a fleet: each file goes to the reader of what it holds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from .. import captures, heading_rows, schema
from ..captures import REGISTRATION_PORT
from ..certificates.containers.wire import blocks as wire_blocks
from ..certificates.passwords import Passwords
from ..certificates.reading import from_blocks, read_certificates
from ..certificates.trust_lists import list_name, read_named_lists, read_trust_list
from ..devices import read_devices
from ..errors import SourceError
from ..formats import as_text, begin
from ..registrations import of_handshakes, read_registrations
from ..sources import Source, is_content, sources
from ..spreadsheets import is_workbook
from ..texts.sentences import say
from . import accounts, kinds
from .accounts import Account
from .kinds import CERTIFICATES, DEVICES, HANDSHAKES, REGISTRATIONS, TRUST
from .tables import CAPTURES, FOLDERS, Fleet, read_saved, saved_tables

PLACES = {**{name: name for name in FOLDERS}, CAPTURES: HANDSHAKES}
"""The folders of a fleet's directory, and the kind of what lies in each."""
Reader = Callable[[Iterable[Source]], pd.DataFrame]


def read_fleet(
    source: Any,
    *,
    trust: Any = None,
    password: Passwords = None,
    columns: Mapping[str, str] | None = None,
    timezone: Any = None,
    patterns: Any = None,
    port: int | Iterable[int] = REGISTRATION_PORT,
    pbx: str | Mapping[str, str] | None = None,
) -> Fleet:
    """Read a fleet from whatever files there are; what a file holds decides what it is.

    Parameters
    ----------
    source : path, glob, directory, bytes, str, open file, or an iterable of these
        Certificates, trust lists, PBX objects, logs, and packet captures or logs of Zeek and
        Suricata in any mixture, also in nested folders and in ZIP or tar archives. Or a
        directory that `Fleet.save` wrote. The folders `certificates/`, `trust/` (one list per
        PBX, named after it), `devices/`, `registrations/` and `captures/` help where content
        does not tell, above all trust lists from other certificates.
    trust : as `source`, or a mapping from the name of a PBX to it, optional
        The trust lists. A file that is named after a PBX of the data is its list, any other
        one that of every PBX. Without it, a file is taken for a trust list if its folder or
        its name says so, if it is named after a PBX of the data or, where there is no other
        list, if it holds nothing but CAs; all but the first are guesses.
    password : str, bytes, a sequence of these or a function, optional
        Passwords of PKCS#12 files, as in `read_certificates`. A file that none of them opens is
        a row that says so.
    columns : mapping from a heading to the name of a column, optional
        What headings of your own tables mean, as in `read_devices`.
    timezone : optional
        The zone of times that name none, as in `read_registrations`.
    patterns : regular expression, or several in a list or by name in a dict, optional
        What messages of logs are searched for, as in `read_registrations`.
    port : int or several, optional
        TCP ports of H.323/TLS, on which a connection in a capture is a registration.
    pbx : str or mapping of address to name, optional
        What the PBX of such connections is called; else it is the address of the server.

    Returns
    -------
    Fleet
        Its `sources` account for every file: what it was taken for, why, and what of it was
        not understood. A saved fleet comes back as it was saved, any other one without links;
        `link` adds them.

    Raises
    ------
    SourceError
        If a path or glob names nothing, or a directory holds a saved fleet that is not whole
        or lies beside other folders of a fleet.

    Notes
    -----
    An attempt that stands in a log and in a capture is two rows of the registrations.

    Examples
    --------
    >>> fleet = read_fleet("data/fleet")
    >>> fleet.trust["pbx"].nunique() > 1
    True
    >>> int((fleet.sources["taken_for"] == "trust").sum())
    4
    """
    if (saved := _saved(source)) is not None:
        return saved
    own = kinds.columns_of(columns)
    intake = Intake(is_apart=_apart(source, trust), own=own)

    def certificates_of(files: Iterable[Source]) -> pd.DataFrame:
        return read_certificates(
            files, password=password, columns=own.get(CERTIFICATES)
        )

    certificates = certificates_of(intake.sort(sources(source)))
    waiting: dict[str, Reader] = {
        CERTIFICATES: certificates_of,
        DEVICES: partial(read_devices, columns=own.get(DEVICES)),
        REGISTRATIONS: partial(
            read_registrations,
            columns=own.get(REGISTRATIONS),
            timezone=timezone,
            patterns=patterns,
        ),
    }
    parts = {kind: intake.each(kind, read) for kind, read in waiting.items()}
    parts[CERTIFICATES].insert(0, certificates)
    handshakes = _add_captures(intake, parts, port, pbx)
    frames = {kind: _joined(part, kind) for kind, part in parts.items()}
    names = _pbx_names(frames)
    stated = _stated_lists(trust, names, password)
    owners = intake.owners(names)
    lists = [
        *stated,
        *intake.each(
            TRUST, lambda files: read_named_lists(files, owners, password=password)
        ),
    ]
    if trust is None:
        frames[CERTIFICATES], guessed = _guessed_lists(
            frames[CERTIFICATES], intake.accounts, names, has_list=bool(lists)
        )
        lists.append(guessed)
    frames[TRUST] = _joined(lists, TRUST)
    counted = frames if handshakes is None else {**frames, HANDSHAKES: handshakes}
    table = accounts.table(
        [*intake.accounts, *accounts.of_argument(stated)], counted, intake.counted
    )
    return Fleet(**frames, handshakes=handshakes, sources=table)


def _add_captures(
    intake: Intake,
    parts: dict[str, list[pd.DataFrame]],
    port: int | Iterable[int],
    pbx: str | Mapping[str, str] | None,
) -> pd.DataFrame | None:
    """Add the certificates and registrations of captures; return their connections."""
    files = intake.waiting(HANDSHAKES)
    if not files:
        return None
    wire = captures.read(files, port=port)
    seen = wire.handshakes()
    parts[CERTIFICATES].append(from_blocks(wire_blocks(wire)))
    parts[REGISTRATIONS].append(of_handshakes(seen, port=port, pbx=pbx))
    return captures.handshakes_frame(wire)


@dataclass
class Intake:
    """The files of a fleet, sorted: an account of each, and those that wait for their reader."""

    is_apart: Callable[[str], bool]
    own: kinds.Own = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    counted: dict[str, pd.DataFrame] = field(default_factory=dict)
    """The frames of files that were read by themselves, by the names of the files."""
    _waiting: dict[str, list[Source]] = field(default_factory=dict)

    def sort(self, files: Iterable[Source]) -> Iterator[Source]:
        """Yield the files of certificates, which are many, and keep the others."""
        paths: set[str] = set()
        for file in files:
            if self.is_apart(file.name) or _is_again(file.name, paths):
                continue
            for account in accounts_of(file, self.own):
                self.accounts.append(account)
                named = replace(file, name=account.source)
                if account.taken_for == CERTIFICATES and not account.is_table:
                    yield named
                elif account.taken_for is not None:
                    self._waiting.setdefault(account.taken_for, []).append(named)

    def each(self, kind: str, read: Reader) -> list[pd.DataFrame]:
        """Return the frames of the files of a kind that wait, saved tables by themselves.

        Rows of a saved table name the files that they came from first, so that only the frame
        tells how many rows the saved one gave.
        """
        tables = {account.source for account in self.accounts if account.is_table}
        files = self.waiting(kind)
        plain = [file for file in files if file.name not in tables]
        frames = [read(plain)] if plain else []
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


def _is_again(name: str, paths: set[str]) -> bool:
    """Return True where a file was there before, and remember it."""
    path = os.path.realpath(name)
    if path in paths:
        return True
    if os.path.isfile(path):
        paths.add(path)
    return False


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
    is_table = head.startswith(_PARQUET) or {"source", "parse_error"} <= names
    account = replace(account, is_table=is_table)
    decided: list[Account] = []
    for kind in _kinds(head, packed, own):
        of_kind = _decided(account, kind, folder, head, file.name)
        if of_kind.taken_for is None and is_workbook(head):
            problem_text = kinds.problem_of_workbook(packed)
            of_kind = replace(of_kind, not_understood=problem_text)
        elif kind in (DEVICES, REGISTRATIONS) and not is_table:
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


def _pbx_names(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the PBXs of devices and registrations, by their names in lower case."""
    names = pd.concat([frames[DEVICES]["pbx"], frames[REGISTRATIONS]["pbx"]])
    return {str(name).lower(): str(name) for name in names.dropna().unique()}


def _guessed_lists(
    certificates: pd.DataFrame,
    files: list[Account],
    names: Mapping[str, str],
    *,
    has_list: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the certificates without those of files that are probably trust lists, and these."""
    loose = {
        file.source: position
        for position, file in enumerate(files)
        if file.may_be_list
    }
    rows = certificates[certificates["source"].isin(list(loose))]
    owners: dict[str, str | None] = {}
    for source in rows["source"].unique():
        owner = pbx_in(list_name(source), names)
        if owner is not None:
            owners[source] = owner
            _note(files, loose[source], "name", owner)
    if not owners and not has_list:
        for source in _only_authorities(rows):
            owners[source] = None
            _note(files, loose[source], "CAs only", None)
    is_listed = certificates["source"].isin(list(owners))
    listed = certificates[is_listed]
    owner_of_row = listed["source"].map(owners).astype("str")
    return (
        certificates[~is_listed].reset_index(drop=True),
        schema.conform(listed.assign(pbx=owner_of_row), schema.TRUST),
    )


def _note(
    files: list[Account], position: int, decided_by: str, pbx: str | None
) -> None:
    files[position] = replace(
        files[position],
        taken_for=TRUST,
        decided_by=decided_by,
        pbx=pbx,
        is_guess=True,
    )


def _only_authorities(rows: pd.DataFrame) -> list[str]:
    """Return the files whose readable certificates are CAs, and none a device's.

    A root of version 1 or 2 cannot say that it is a CA; that it issued itself is taken for it.
    """
    readable = rows[rows["fingerprint"].notna() & rows["subject"].notna()]
    old_root = (readable["version"] < 3) & readable["self_issued"]
    is_authority = readable["is_ca"].fillna(value=False) | old_root.fillna(
        value=False
    )
    is_authority &= readable["device"].isna()
    by_file = is_authority.astype(bool).groupby(readable["source"], sort=False).all()
    return by_file.index[by_file].tolist()


def _stated_lists(
    trust: Any, names: Mapping[str, str], password: Passwords
) -> list[pd.DataFrame]:
    """Return the lists that a caller gave, one frame for each of its PBXs."""
    if trust is None:
        return []
    if isinstance(trust, Mapping):
        return [
            read_trust_list(content, pbx=pbx, password=password)
            for pbx, content in trust.items()
        ]
    files = list(sources(trust))
    owners = {
        file.name: owner
        for file in files
        if (owner := pbx_in(list_name(file.name), names)) is not None
    }
    return [read_named_lists(files, owners, password=password)]


def _apart(source: Any, trust: Any) -> Callable[[str], bool]:
    """Return a test for files of `source` that `trust` names as well: they are read as lists."""
    given = trust.values() if isinstance(trust, Mapping) else (trust,)
    flat = [
        item
        for items in given
        for item in (items if isinstance(items, list | tuple) else (items,))
    ]
    paths = {os.path.realpath(item) for item in flat if _is_path(item)}
    root = source if _is_path(source) and os.path.isdir(source) else ""
    if not paths:
        return lambda _name: False
    return lambda name: os.path.realpath(os.path.join(root, name)) in paths


def _is_path(item: Any) -> bool:
    if isinstance(item, str) and ("\0" in item or is_content(item)):
        return False
    return isinstance(item, str | os.PathLike)


def _saved(source: Any) -> Fleet | None:
    """Return a fleet that was saved in a directory, None where it holds anything else."""
    if not _is_path(source):
        return None
    root = Path(source)
    try:
        files = saved_tables(root) if root.is_dir() else {}
    except ValueError:
        return None
    if not files or not (set(FOLDERS) <= set(files) or _is_all(root, files)):
        return None
    if any((root / name).is_dir() for name in FOLDERS):
        folders = ", ".join(FOLDERS)
        raise SourceError(
            say("errors.reading.two_fleets", path=repr(str(source)), folders=folders)
        )
    return read_saved(root, files)


def _is_all(root: Path, files: Mapping[str, Path]) -> bool:
    """Return True where a directory has several tables of a saved fleet, and nothing else."""
    return len(files) > 1 and set(root.iterdir()) == set(files.values())


def _joined(frames: list[pd.DataFrame], kind: str) -> pd.DataFrame:
    table = schema.TABLES[kind.upper()]
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    if len(filled) == 1:
        return schema.conform(filled[0], table)
    joined = pd.concat([schema.empty(table), *filled], ignore_index=True)
    return schema.conform(joined, table)
