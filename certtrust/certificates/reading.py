"""Certificates of any shape as one frame: table CERTIFICATES, one row for each block.

`read_certificates` reads files and content; `from_der` makes the same rows from DER in memory.
Where cryptography refuses to load a certificate, `parse_error` begins with "certificate: ": its
columns are shown, but no verdict may rest on them. A block that is no certificate (a key, a
request, what cannot be decoded) is a row without fingerprint and DER.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import chain, islice
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import column_names, limits
from ..arrays.threads import progress_bar
from ..errors import CerttrustError
from ..formats import About
from ..names.device_ids import (
    HARDWARE_ID,
    SERIAL,
    hardware_ids,
    same_spelling,
    serials,
)
from ..schema import CERTIFICATES, TRUST, Table, conform, expect
from ..sources import Source, Unit, sources, units
from ..texts.sentences import say
from ..x509 import reader
from ..x509.columnar_elements import TEXT
from . import containers, passwords
from .blocks import NO_ROWS, Block, Item, Rows
from .device_names import device_in
from .passwords import Passwords

_BATCH = 4096
_FILES_AT_ONCE = 256
_MOST_REPEATED = 16_384
"""Certificates that are remembered because they came more than once."""
_SHOWN_AFTER = 2.0

Columns = dict[str, Any]
Options = dict[str, Any]
"""Passwords, and what headings of the caller's own mean."""


@dataclass
class Batch:
    """Blocks and where they come from; a plain certificate is just its DER."""

    blocks: list[Item] = field(default_factory=list)
    source: list[Any] = field(default_factory=list)
    position: list[Any] = field(default_factory=list)
    bundle: list[Any] = field(default_factory=list)
    device: list[str | None] = field(default_factory=list)
    pbx: list[str | None] = field(default_factory=list)

    def add(
        self, blocks: Sequence[Item], source: str, position: int, device: str | None
    ) -> None:
        """Append consecutive blocks of one source."""
        size = len(blocks)
        self.blocks += blocks
        self.source += [source] * size
        self.position += range(position, position + size)
        self.bundle += [source] * size
        self.device += [device] * size
        self.pbx += [None] * size

    def add_rows(
        self, rows: Rows, source: str, position: int, device: str | None
    ) -> None:
        """Append what rows of a table hold; each row is a bundle of its own."""
        self.add(rows.items, source, position, device)
        size = len(rows.items)
        self.bundle[-size:] = [source + part for part in rows.parts]
        self.device[-size:] = [
            device if named is None else named for named in rows.devices
        ]


def read_certificates(
    source: Any,
    *,
    password: Passwords = None,
    columns: Mapping[str, str] | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read certificates of any shape into a frame, one row for each block.

    Parameters
    ----------
    source : path, glob, directory, bytes, str of PEM, open file, or an iterable of these
        PEM with text between the blocks, DER (several back to back too), PKCS#7, PKCS#12,
        base64 or hex without armour, PEM escaped as in a URL, text in UTF-16, Parquet, CSV,
        Excel or JSON with a column of certificates, secrets of Kubernetes, the listing of a device
        (`X509 xml-info`), packet captures and the logs of Zeek and Suricata (a bundle for each
        side of each connection); ZIP and tar archives and gzip around any of these. Table
        CERTIFICATES, written to Parquet or CSV, comes back whole.
    password : str, bytes, a sequence of these or a function, optional
        Passwords of PKCS#12 files, which are tried in turn; a function is called with the name
        of each such file, and returns the same. Keys within are dropped at once.
    columns : dict, optional
        What a heading of one's own means in such a table: `content` is the column that holds
        certificates, `device` that of who presented them, as in `{"Gerät": "device"}`.
    workers : int, optional
        Number of processes that share many files; without it, this process reads them. A script
        that asks for several has to guard its entry (`if __name__ == "__main__":`).
    progress : bool, optional
        Show a progress bar; without it, one appears on a terminal or in a notebook after two
        seconds.

    Returns
    -------
    DataFrame
        Table CERTIFICATES in input order. An odd field of a certificate costs only its own
        columns, and `parse_error` says which and why; it begins with "certificate: " where
        cryptography refuses to load the certificate. Keys and requests are rows that hold
        nothing but what they are, in `parse_error`.

    Raises
    ------
    SourceError
        If a path or glob names nothing.
    CerttrustError
        If `workers` are asked for by a script whose entry is not guarded, or `columns` names
        no column.

    Examples
    --------
    >>> read_certificates(b"no certificate")["parse_error"].tolist()
    ['no certificate is found']
    """
    rows = read_rows(
        source, password=password, columns=columns, workers=workers, progress=progress
    )
    return _with_contradictions(conform(rows, CERTIFICATES)[CERTIFICATES.names])


def read_rows(
    source: Any,
    *,
    password: Passwords = None,
    columns: Mapping[str, str] | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Return the rows of `read_certificates` as table TRUST.

    `pbx` comes from a saved table TRUST; it is empty for a row that is in every PBX's list.
    """
    options = {
        "password": passwords.checked(password),
        "columns": column_names.checked(columns, "certificates"),
    }
    if workers is not None and type(workers) is not int:
        raise CerttrustError(say("errors.reading.workers", workers=repr(workers)))
    with _progress(progress) as advance, reader.collector_held_back():
        if workers is not None and workers > 1:
            batches = _in_processes(units(source), options, workers)
        else:
            batches = _batches(sources(source), options)
        parts = []
        for batch in batches:
            parts.append(batch)
            advance(len(batch["der"]))
    return _frame(parts, TRUST)


def from_der(
    ders: Iterable[bytes],
    *,
    source: str | Sequence[str] = "<der>",
    bundle: str | Sequence[str] | None = None,
    device: str | Sequence[str | None] | None = None,
) -> pd.DataFrame:
    """Return the rows of certificates given as DER: from a handshake, a simulation, a frame.

    Parameters
    ----------
    ders : iterable of bytes
        One certificate each.
    source, bundle : str or sequence of str
        Where they come from and what arrived together, for all or per certificate; `bundle`
        is `source` by default.
    device : str or sequence of str, optional
        Who presented them, for all or per certificate; where it is missing, the name of the
        source or the CN decides.

    Returns
    -------
    DataFrame
        Table CERTIFICATES in the order given; `position` counts within each source.

    Examples
    --------
    >>> from_der([b"0"], source="phone")[["source", "position"]].values.tolist()
    [['phone', 0]]
    """
    blocks: list[Item] = list(ders)
    size = len(blocks)
    names = pd.Series(_per_row(source, size), dtype="str")
    device_by_name = {name: device_in(name) for name in names.unique()}
    batch = Batch(
        blocks,
        source=names.tolist(),
        position=names.groupby(names).cumcount().tolist(),
        bundle=_per_row(source if bundle is None else bundle, size),
        device=[
            given if isinstance(given, str) else device_by_name[name]
            for given, name in zip(_per_row(device, size), names, strict=True)
        ],
        pbx=[None] * size,
    )
    return _frame(list(map(_columns, _parts(batch))), CERTIFICATES)


def from_blocks(blocks: Iterable[tuple[str, Block]]) -> pd.DataFrame:
    """Return table CERTIFICATES of blocks, each with the name of its source."""
    batch = Batch()
    positions: Counter[str] = Counter()
    for source, block in blocks:
        batch.add([block], source, positions[source], None)
        positions[source] += 1
    rows = _frame(list(map(_columns, _parts(batch))), CERTIFICATES)
    return _with_contradictions(rows[CERTIFICATES.names])


def days_left(certificates: pd.DataFrame, at: Any = None) -> pd.Series:
    """Return the days that each certificate is still valid.

    Parameters
    ----------
    certificates : DataFrame
        A frame with the column `not_after`.
    at : Timestamp, date, text in ISO form, or Series of them, optional
        The moment to count from, in UTC where it has no zone; now by default.

    Returns
    -------
    Series of float
        Days with their fraction, negative after the end; missing where the end is.

    Raises
    ------
    CerttrustError
        If `at` is no time, or text in another than the ISO form.

    Examples
    --------
    >>> certificates = pd.DataFrame({"not_after": pd.to_datetime(["2026-02-01"], utc=True)})
    >>> days_left(certificates, "2026-01-01").tolist()
    [31.0]
    """
    certificates = expect(certificates, CERTIFICATES, ["not_after"])
    # In integers, as the year 9999 is out of reach of a Timedelta in nanoseconds.
    moments = _microseconds(_moments(pd.Timestamp.now("UTC") if at is None else at))
    until = moments if isinstance(at, pd.Series) else moments.iloc[0]
    left = (_microseconds(certificates["not_after"]) - until) / 86_400_000_000
    return left.astype("float64").rename("days_left")


def _moments(at: Any) -> pd.Series:
    times = at if isinstance(at, pd.Series) else pd.Series([at])
    try:
        return pd.to_datetime(times, utc=True, format="ISO8601")
    except (ValueError, TypeError, OverflowError) as problem:
        shown = repr(at) if times is not at else ", ".join(map(repr, times.head(3)))
        raise CerttrustError(say("errors.certificates.at", at=shown)) from problem


def _microseconds(moments: pd.Series) -> pd.Series:
    moments = moments.astype("datetime64[us, UTC]")
    return moments.astype("int64").where(moments.notna())


def _per_row(value: Any, size: int) -> list[Any]:
    return [value] * size if value is None or isinstance(value, str) else list(value)


# From sources to batches of columns


@contextmanager
def _progress(wanted: bool | None) -> Iterator[Callable[[int], object]]:
    """Provide a function that adds rows to the progress bar, if there is one."""
    is_watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not (is_watched if wanted is None else wanted):
        yield lambda _: None
        return
    delay = _SHOWN_AFTER if wanted is None else 0
    with progress_bar(unit=" certificates", unit_scale=True, delay=delay) as bar:
        yield bar.update


def _batches(inputs: Iterable[Source], options: Options) -> Iterator[Columns]:
    """Yield the columns of all blocks, in batches that fit into the processor's cache."""
    batch = Batch()
    rounds_left: dict[str, list[int]] = {}
    repeated: dict[bytes, bytes] = {}
    for source in inputs:
        position, device = 0, device_in(source.name)
        of_file = {**options, "rounds": _rounds_left(source, rounds_left)}
        for run in _runs(source, of_file):
            if isinstance(run, Rows):
                batch.add_rows(run, source.name, position, device)
                position += len(run.items)
            else:
                batch.add(run, source.name, position, device)
                position += len(run)
            if len(batch.blocks) >= _BATCH:
                *whole, batch = _parts(batch)
                for part in whole:
                    yield _shared(_columns(part), repeated)
    for part in _parts(batch):
        yield _shared(_columns(part), repeated)


def _shared(columns: Columns, repeated: dict[bytes, bytes]) -> Columns:
    """Return the columns of a batch, in which equal DER is one object: CAs of chains are many."""
    firsts: dict[bytes, bytes] = {}
    ders: list[bytes | None] = []
    for der in columns["der"]:
        one = None if der is None else repeated.get(der)
        if one is None and der is not None:
            one = firsts.setdefault(der, der)
            if one is not der and len(repeated) < _MOST_REPEATED:
                repeated[one] = one
        ders.append(one)
    return columns | {"der": ders}


def _parts(batch: Batch) -> Iterator[Batch]:
    for at in range(0, len(batch.blocks), _BATCH):
        columns = (getattr(batch, column.name) for column in fields(Batch))
        yield Batch(*(column[at : at + _BATCH] for column in columns))


def _rounds_left(source: Source, by_archive: dict[str, list[int]]) -> list[int]:
    """Return the rounds of hashing left for the key stores of a file or of its archive.

    It is a list of one number, which each key store lowers.
    """
    if source.archive is None:
        return [limits.KEY_DERIVATION_ROUNDS]
    name, size = source.archive
    more = limits.KEY_DERIVATION_ROUNDS_PER_BYTE * size
    return by_archive.setdefault(name, [limits.KEY_DERIVATION_ROUNDS + more])


def _runs(source: Source, options: Options) -> Iterator[Sequence[Item] | Rows]:
    """Yield the items of a file some thousands at a time; those of a table as `Rows`."""
    if source.error is not None:
        yield [Block(None, source.error)]
        return
    blocks = containers.read(source.open, About(source.name, None, options))
    try:
        first = next(blocks, None)
        if isinstance(first, Rows):
            yield first
            yield from cast(Iterator[Rows], blocks)
            return
        items = cast(Iterator[Item], blocks)
        if first is not None:
            items = chain((first,), items)
        while run := list(islice(items, _BATCH)):
            yield (
                [block for block in run if block is not NO_ROWS]
                if NO_ROWS in run[:1]
                else run
            )
    except OSError as problem:
        yield [Block(None, f"reading stopped: {problem}")]


def _in_processes(
    files: Iterator[Unit], options: Options, workers: int
) -> Iterator[Columns]:
    """Read many files in several processes, in order."""
    # Python in a browser (Pyodide) has no processes, and lacks these modules.
    try:
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context
    except ImportError as problem:
        raise CerttrustError(say("errors.certificates.no_processes")) from problem

    try:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            groups = iter(lambda: list(islice(files, _FILES_AT_ONCE)), [])
            for batches in pool.map(partial(_read_group, options=options), groups):
                yield from batches
    except BrokenProcessPool as problem:
        raise CerttrustError(say("errors.certificates.workers")) from problem


def _read_group(group: list[Unit], options: Options) -> list[Columns]:
    return list(_batches((source for unit in group for source in unit()), options))


def _columns(batch: Batch) -> Columns:
    """Return the columns of a batch, one row for each block."""
    if set(map(type, batch.blocks)) <= {bytes}:
        ders = cast(list[bytes | None], batch.blocks)
        columns = reader.read(cast(list[bytes], ders))
    else:
        ders = [
            item.der if isinstance(item, Block) else item for item in batch.blocks
        ]
        columns = _columns_of_blocks(batch, ders)
    serial, model, spelled = _identities(columns["subject_cn"])
    source = pa.array(batch.source, TEXT)
    return columns | {
        "source": source,
        "position": pa.array(batch.position, pa.int64()),
        "bundle": source
        if batch.bundle == batch.source
        else pa.array(batch.bundle, TEXT),
        "device": pc.coalesce(_spelled(pa.array(batch.device, TEXT)), spelled),
        "pbx": pa.array(batch.pbx, TEXT),
        "serial": serial,
        "model": model,
        "der": ders,
    }


def _columns_of_blocks(batch: Batch, ders: list[bytes | None]) -> Columns:
    blocks = {
        row: block
        for row, block in enumerate(batch.blocks)
        if isinstance(block, Block)
    }
    columns = reader.interleaved(
        reader.read([der for der in ders if der is not None]),
        [
            {**(block.columns or {}), "parse_error": block.problem}
            for block in blocks.values()
            if block.der is None
        ],
        np.array([der is not None for der in ders], bool),
    )
    _apply_notes(batch, blocks, columns)
    return columns


def _apply_notes(batch: Batch, blocks: dict[int, Block], columns: Columns) -> None:
    """Put what is known beside the DER of blocks into the batch and its columns."""
    errors = columns["parse_error"].to_pylist()
    for row, block in blocks.items():
        if block.part is not None:
            batch.bundle[row] += block.part
        if block.device is not None:
            batch.device[row] = block.device
        if block.problem is not None and block.der is not None:
            errors[row] = "; ".join(filter(None, (errors[row], block.problem)))
        if block.table is not None:
            errors[row] = _restored(batch, row, block.table, errors[row])
    columns["parse_error"] = pa.array(errors, TEXT)


def _restored(
    batch: Batch, row: int, saved: dict[str, Any], error: str | None
) -> str | None:
    """Restore where a saved row came from; return its error, the present one included."""
    batch.source[row], batch.position[row] = (
        saved.get("source"),
        saved.get("position"),
    )
    batch.bundle[row], batch.device[row] = saved.get("bundle"), saved.get("device")
    if "pbx" in saved:
        batch.pbx[row] = saved["pbx"] or ""
    before = saved.get("parse_error")
    return (
        before
        if before and before.startswith(error or "")
        else "; ".join(filter(None, (error, before))) or None
    )


# From batches to the frame

_DTYPES = {
    pa.large_string(): pd.StringDtype(na_value=np.nan),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def _frame(batches: list[Columns], table: Table) -> pd.DataFrame:
    """Return the batches as one frame of a table."""
    batches = batches or [_columns(Batch())]
    series: dict[str, pd.Series] = {}
    for column in table.names:
        parts = [batch.pop(column) for batch in batches]
        if isinstance(parts[0], list):
            series[column] = pd.Series(
                [cell for part in parts for cell in part], dtype="object"
            )
        else:
            series[column] = pa.chunked_array(parts).to_pandas(
                types_mapper=_DTYPES.get
            )
    return conform(pd.DataFrame(series), table)


# Devices

_PLAIN_SERIAL = "^[0-9a-f]{12}$"
_PLAIN_HARDWARE_ID = (
    "^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}$"
)
_ANY_IDENTITY = rf"^\s*(?:{SERIAL}|{HARDWARE_ID})\s*$"


def _identities(common_name: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return the serial, the model and the device of CNs that are serials or hardware IDs."""
    none = pa.scalar(None, TEXT)
    is_serial = pc.match_substring_regex(common_name, _PLAIN_SERIAL)
    is_hardware = pc.match_substring_regex(common_name, _PLAIN_HARDWARE_ID)
    serial = pc.if_else(is_serial, common_name, none)
    hardware = pc.if_else(is_hardware, common_name, none)
    model = pc.utf8_slice_codeunits(hardware, 0, -9)
    rest = pc.invert(pc.or_(is_serial, is_hardware))
    if pc.any(rest).as_py():
        rest = pc.and_(rest, pc.match_substring_regex(common_name, _ANY_IDENTITY))
    if not pc.any(rest).as_py():
        return serial, model, pc.coalesce(serial, hardware)
    # Other spellings are rare, and `device_ids` knows them all.
    other = pc.if_else(rest, common_name, none)
    text = other.to_pandas(types_mapper=_DTYPES.get)
    serial = pc.coalesce(serial, pa.array(serials(text), TEXT))
    model = pc.coalesce(model, pa.array(hardware_ids(text)["model"], TEXT))
    return (
        serial,
        model,
        pc.coalesce(pc.if_else(is_serial, common_name, hardware), _spelled(other)),
    )


def _with_contradictions(certificates: pd.DataFrame) -> pd.DataFrame:
    """Note in `parse_error` where the name of a file and the CN are two devices."""
    is_device = certificates["serial"].notna() | certificates["model"].notna()
    differs = is_device & certificates["device"].ne(certificates["subject_cn"])
    rows = certificates[differs & certificates["device"].notna()]
    rows = rows[_are_two_devices(rows["device"], rows["subject_cn"])]
    if rows.empty:
        return certificates
    notes = "named after " + rows["device"] + ", but its CN is " + rows["subject_cn"]
    before = rows["parse_error"].fillna("")
    errors = certificates["parse_error"].copy()
    # A saved table has the note already.
    errors[rows.index] = [
        error if error.endswith(note) else "; ".join(filter(None, (error, note)))
        for error, note in zip(before, notes, strict=True)
    ]
    return certificates.assign(parse_error=errors)


def _are_two_devices(names: pd.Series, others: pd.Series) -> pd.Series:
    """Return where two serials or hardware IDs cannot be those of one device."""
    (serial, tail), (other_serial, other_tail) = map(
        _serial_and_tail, (names, others)
    )
    return (serial.ne(other_serial) & serial.notna() & other_serial.notna()) | (
        tail.ne(other_tail) & tail.notna() & other_tail.notna()
    )


def _serial_and_tail(names: pd.Series) -> tuple[pd.Series, pd.Series]:
    serial = serials(names)
    return serial, serial.str[-6:].fillna(hardware_ids(names)["tail"])


def _spelled(names: pa.Array) -> pa.Array:
    """Return names in the spelling in which devices are compared."""
    if names.null_count == len(names):
        return names
    is_serial = pc.match_substring_regex(names, _PLAIN_SERIAL)
    if pc.all(is_serial).as_py():
        return names
    encoded = names.dictionary_encode()
    distinct = encoded.dictionary.to_pandas(types_mapper=_DTYPES.get)
    spelled = pa.array(same_spelling(distinct), TEXT)
    return spelled.take(encoded.indices)
