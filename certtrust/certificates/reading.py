"""Certificates of any shape as one frame: table CERTIFICATES, one row for each block that was
found.

`read_certificates` reads files and content; `from_der` makes the same rows of DER that is
already in memory. A row that cryptography refuses to load has a `parse_error` that begins with
`x509.REFUSED` ("certificate: "): its columns are shown, but no verdict may rest on them. A
block that is no certificate (a key, a request, what cannot be decoded) is a row without
fingerprint and DER.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CerttrustError
from ..formats import About
from ..names.device_ids import HARDWARE_ID, SERIAL, hardware_ids, same_spelling, serials
from ..schema import CERTIFICATES, TRUST, Table, conform
from ..sources import Source, Unit, sources, units
from ..texts.sentences import say
from ..x509 import reader
from ..x509.columnar_elements import TEXT
from . import containers
from .blocks import NO_ROWS, Block, Item
from .device_names import device_in

_BATCH = 4096
_FILES_AT_ONCE = 256
_SHOWN_AFTER = 2.0

Columns = dict[str, Any]


@dataclass
class Batch:
    """Blocks and where they were found; a plain certificate is just its DER."""

    blocks: list[Item] = field(default_factory=list)
    source: list[Any] = field(default_factory=list)
    position: list[Any] = field(default_factory=list)
    bundle: list[Any] = field(default_factory=list)
    device: list[str | None] = field(default_factory=list)
    pbx: list[str | None] = field(default_factory=list)

    def add(
        self, blocks: Sequence[Item], source: str, position: int, device: str | None
    ) -> None:
        """Append blocks that follow each other in one source."""
        size = len(blocks)
        self.blocks += blocks
        self.source += [source] * size
        self.position += range(position, position + size)
        self.bundle += [source] * size
        self.device += [device] * size
        self.pbx += [None] * size


Passwords = str | bytes | Sequence[str | bytes] | None
"""One password, or several that are tried in turn."""


def read_certificates(
    source: Any,
    *,
    password: Passwords = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read certificates of any shape into a frame, one row for each block that is found.

    Parameters
    ----------
    source : path, glob, directory, bytes, str of PEM, open file, or an iterable of these
        PEM with text between the blocks, DER (several back to back too), PKCS#7, PKCS#12,
        base64 or hex without armour, PEM escaped as in a URL, text in UTF-16, Parquet, CSV or
        JSON with a column of certificates, secrets of Kubernetes, the listing of a device
        (`X509 xml-info`); ZIP and tar archives and gzip around any of these. Table
        CERTIFICATES, written to Parquet or CSV, comes back whole.
    password : str, bytes or a sequence of these, optional
        Password of PKCS#12 files. Keys within are dropped at once.
    workers : int, optional
        Number of processes that share many files; without it, this process reads them. A script
        that asks for several has to guard its entry (`if __name__ == "__main__":`).
    progress : bool, optional
        Show a progress bar; without it, one appears on a terminal or in a notebook after two
        seconds.

    Returns
    -------
    DataFrame
        Table CERTIFICATES in input order. What is odd in a certificate costs its own columns
        only, and `parse_error` says which and why; it begins with "certificate: " where
        cryptography refuses to load the certificate. Keys and requests are rows that are named
        in `parse_error` and hold nothing else.

    Raises
    ------
    SourceError
        If a path or glob names nothing.
    CerttrustError
        If `workers` are asked for by a script whose entry is not guarded.

    Examples
    --------
    >>> read_certificates(b"no certificate")["parse_error"].tolist()
    ['no certificate is found']
    """
    rows = read_rows(source, password=password, workers=workers, progress=progress)
    return conform(rows, CERTIFICATES)[CERTIFICATES.names]


def _secrets(password: Passwords) -> tuple[bytes, ...]:
    """Return the passwords to try, as bytes."""
    several = isinstance(password, (list, tuple))
    passwords: Any = password if several else () if password is None else (password,)
    for one in passwords:
        if not isinstance(one, str | bytes):
            raise CerttrustError(
                say("errors.certificates.password", kind=type(one).__name__)
            )
    return tuple(
        one.encode(errors="replace") if isinstance(one, str) else one
        for one in passwords
    )


def read_rows(
    source: Any,
    *,
    password: Passwords = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Return what `read_certificates` does, as table TRUST.

    `pbx` is what a table of trust lists says of a row, empty where it says that it is in every
    PBX's list.
    """
    secret = _secrets(password)
    with _progress(progress) as advance:
        if workers is not None and workers > 1:
            batches = _in_processes(units(source), secret, workers)
        else:
            batches = _batches(sources(source), secret)
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
    """Return the rows of certificates whose DER is at hand: from a handshake, a simulation,
    another frame.

    Parameters
    ----------
    ders : iterable of bytes
        One certificate each.
    source, bundle : str or sequence of str
        Where they come from and what arrived together, for all or one by one; `bundle` is
        `source` by default.
    device : str or sequence of str, optional
        Who presented them, for all or one by one; where it is missing, the name of the source
        or the CN tells.

    Returns
    -------
    DataFrame
        Table CERTIFICATES in the order given; `position` counts within each source.

    Examples
    --------
    >>> from_der([b"0"], source="phone")[["source", "position"]].values.tolist()
    [['phone', 0]]
    """
    held: list[Item] = list(ders)
    names = pd.Series(_each(source, len(held)), dtype="str")
    positions, bundles = (
        names.groupby(names).cumcount(),
        _each(source if bundle is None else bundle, len(held)),
    )
    by_name = {name: device_in(name) for name in names.unique()}
    given = zip(_each(device, len(held)), names, strict=True)
    devices = [each if isinstance(each, str) else by_name[name] for each, name in given]
    batch = Batch(
        held, names.tolist(), positions.tolist(), bundles, devices, [None] * len(held)
    )
    return _frame(list(map(_columns, _parts(batch))), CERTIFICATES)


def days_left(certificates: pd.DataFrame, at: Any = None) -> pd.Series:
    """Return for how many days each certificate is still valid.

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
    # Whole microseconds as numbers: the end of the year 9999 is further away than a Timedelta
    # of nanoseconds reaches.
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


def _each(value: Any, size: int) -> list[Any]:
    return [value] * size if value is None or isinstance(value, str) else list(value)


# From sources to batches of columns


@contextmanager
def _progress(wanted: bool | None) -> Iterator[Callable[[int], object]]:
    """Give a function that is to be told how many more rows there are."""
    seen = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not (seen if wanted is None else wanted):
        yield lambda _: None
        return
    from tqdm.auto import (
        tqdm,
    )  # it loads the notebook's widgets, which a plain read does not need

    delay = _SHOWN_AFTER if wanted is None else 0
    with tqdm(unit=" certificates", unit_scale=True, delay=delay) as bar:
        yield bar.update


def _batches(found: Iterable[Source], password: tuple[bytes, ...]) -> Iterator[Columns]:
    """Yield the columns of all blocks, so many at a time that they stay within the processor's
    reach.
    """
    batch = Batch()
    for source in found:
        position, device = 0, device_in(source.name)
        for run in _runs(source, password):
            batch.add(run, source.name, position, device)
            position += len(run)
            if len(batch.blocks) >= _BATCH:
                *whole, batch = _parts(batch)
                yield from map(_columns, whole)
    yield from map(_columns, _parts(batch))


def _parts(batch: Batch) -> Iterator[Batch]:
    for at in range(0, len(batch.blocks), _BATCH):
        yield Batch(
            *(getattr(batch, each.name)[at : at + _BATCH] for each in fields(Batch))
        )


def _runs(source: Source, password: tuple[bytes, ...]) -> Iterator[Sequence[Item]]:
    if source.error is not None:
        yield [Block(None, source.error)]
        return
    blocks = containers.read(
        source.open, About(source.name, source.modified, {"password": password})
    )
    try:
        while run := list(islice(blocks, _BATCH)):
            yield (
                [block for block in run if block is not NO_ROWS]
                if NO_ROWS in run[:1]
                else run
            )
    except OSError as problem:
        yield [Block(None, f"reading stopped: {problem}")]


def _in_processes(
    found: Iterator[Unit], password: tuple[bytes, ...], workers: int
) -> Iterator[Columns]:
    """Read many files in several processes, in order."""
    try:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            groups = iter(lambda: list(islice(found, _FILES_AT_ONCE)), [])
            for batches in pool.map(partial(_read_group, password=password), groups):
                yield from batches
    except BrokenProcessPool as problem:
        raise CerttrustError(say("errors.certificates.workers")) from problem


def _read_group(group: list[Unit], password: tuple[bytes, ...]) -> list[Columns]:
    return list(_batches((source for unit in group for source in unit()), password))


def _columns(batch: Batch) -> Columns:
    """Return the columns of a batch, one row for each block."""
    if set(map(type, batch.blocks)) <= {bytes}:
        ders = cast(list[bytes | None], batch.blocks)
        columns = reader.read(cast(list[bytes], ders))
    else:
        ders = [each.der if isinstance(each, Block) else each for each in batch.blocks]
        columns = _columns_of_blocks(batch, ders)
    serial, model, spelled = _identities(columns["subject_cn"])
    source = pa.array(batch.source, TEXT)
    return columns | {
        "source": source,
        "position": pa.array(batch.position, pa.int64()),
        "bundle": source
        if batch.bundle == batch.source
        else pa.array(batch.bundle, TEXT),
        "device": pc.coalesce(_spelled(batch.device), spelled),
        "pbx": pa.array(batch.pbx, TEXT),
        "serial": serial,
        "model": model,
        "der": ders,
    }


def _columns_of_blocks(batch: Batch, ders: list[bytes | None]) -> Columns:
    columns = reader.read([der for der in ders if isinstance(der, bytes)])
    found = {
        row: block for row, block in enumerate(batch.blocks) if isinstance(block, Block)
    }
    others = [block for block in found.values() if block.der is None]
    rows = [{**(block.columns or {}), "parse_error": block.problem} for block in others]
    columns = reader.interleaved(
        columns, rows, np.array([der is not None for der in ders], bool)
    )
    _add_what_blocks_tell(batch, found, columns)
    return columns


def _add_what_blocks_tell(
    batch: Batch, found: dict[int, Block], columns: Columns
) -> None:
    errors = columns["parse_error"].to_pylist()
    for row, block in found.items():
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
    batch: Batch, row: int, told: dict[str, Any], error: str | None
) -> str | None:
    """Put back where a row of a table came from; return its error, which holds what is found
    wrong now.
    """
    batch.source[row], batch.position[row] = told.get("source"), told.get("position")
    batch.bundle[row], batch.device[row] = told.get("bundle"), told.get("device")
    if "pbx" in told:
        batch.pbx[row] = told["pbx"] or ""
    before = told.get("parse_error")
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
            series[column] = pa.chunked_array(parts).to_pandas(types_mapper=_DTYPES.get)
    return conform(pd.DataFrame(series), table)


# Devices

_PLAIN_SERIAL = "^[0-9a-f]{12}$"
_PLAIN_HARDWARE_ID = (
    "^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}$"
)
_ANY_IDENTITY = rf"^\s*(?:{SERIAL}|{HARDWARE_ID})\s*$"


def _identities(common_name: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return serial, model, and either as a device's name, where a CN is a serial or a hardware
    ID.
    """
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
    # Other spellings are rare, and identity knows them all.
    other = pc.if_else(rest, common_name, none)
    text = other.to_pandas(types_mapper=_DTYPES.get)
    serial = pc.coalesce(serial, pa.array(serials(text), TEXT))
    model = pc.coalesce(model, pa.array(hardware_ids(text)["model"], TEXT))
    return (
        serial,
        model,
        pc.coalesce(
            pc.if_else(is_serial, common_name, hardware), _spelled(other.to_pylist())
        ),
    )


def _spelled(names: list[str | None]) -> pa.Array:
    """Return names in the one spelling that identities are compared in."""
    distinct = pd.Series(
        [name for name in dict.fromkeys(names) if name is not None], dtype="str"
    )
    if distinct.empty:
        return pa.nulls(len(names), TEXT)
    spelled = dict(zip(distinct, same_spelling(distinct), strict=True))
    return pa.array([spelled.get(name or "") for name in names], TEXT)
