"""Certificates of any shape as one frame: table CERTIFICATES, one row for each block that was found.

`read_certificates` reads files and content; `from_der` makes the same rows of DER that is already in memory.
A row that cryptography refuses to load has a `parse_error` that begins with `x509.REFUSED` ("certificate: "):
its columns are shown, but no verdict may rest on them. A block that is no certificate (a key, a request, what
cannot be decoded) is a row without fingerprint and DER.
"""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from io import BytesIO
from itertools import islice
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from . import x509
from .blocks import Block, blocks
from .identity import HARDWARE_ID, SERIAL, hardware_ids, same_spelling, serials
from .schema import CERTIFICATES, conform
from .sources import Source, sources

_BATCH = 8192
_FILES_AT_ONCE = 256
_SHOWN_AFTER = 2.0

# Free names that soft clients are known by, where a serial or a hardware ID is missing.
_SOFT_CLIENT = r"(?:[Ss]wphone_|[Ss]martphone)[^./\\]*"
_WITHIN = r"(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"
# A product is looked for from "IP" first, so that hq-IP222-2f-68-8a is the phone and not a product "hq-IP222".
_IN_FILE_NAME = re.compile(
    "|".join(
        (
            _WITHIN.format(f"(?:{SERIAL})"),
            _WITHIN.format(rf"[Ii][Pp](?:{HARDWARE_ID[len('[A-Za-z]') :]})"),
            _WITHIN.format(HARDWARE_ID),
            _WITHIN.format(_SOFT_CLIENT),
        )
    )
)


class Found(NamedTuple):
    """A block, where it was found, and what it arrived with."""

    source: str
    position: int
    bundle: str
    device: str | None
    block: Block


def read_certificates(
    source: Any,
    *,
    password: str | bytes | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read certificates of any shape into a frame, one row for each block that is found.

    Parameters
    ----------
    source : path, glob, directory, bytes, str of PEM, open file, or an iterable of these
        PEM with text between the blocks, DER (several back to back too), PKCS#7, PKCS#12, base64 without
        armour, Parquet, CSV or JSON with a column of certificates, secrets of Kubernetes, the listing of a
        device (`X509 xml-info`); ZIP and tar archives and gzip around any of these.
    password : str or bytes, optional
        Password of PKCS#12 files. Keys within are dropped at once.
    workers : int, optional
        Number of processes that share many files; without it, this process reads them. A script that
        asks for several has to guard its entry (`if __name__ == "__main__":`).
    progress : bool, optional
        Show a progress bar; without it, one appears on a terminal or in a notebook after two seconds.

    Returns
    -------
    DataFrame
        Table CERTIFICATES in input order. What is odd in a certificate costs its own columns only, and
        `parse_error` says which and why; it begins with "certificate: " where cryptography refuses to load
        the certificate. Keys and requests are rows that are named in `parse_error` and hold nothing else.

    Raises
    ------
    SourceError
        If a path or glob names nothing.

    Examples
    --------
    >>> read_certificates(b"no certificate")["parse_error"].tolist()
    ['no certificate is found']
    """
    secret = password.encode() if isinstance(password, str) else password
    with _progress(progress) as bar:
        if workers is not None and workers > 1:
            batches = _in_processes(sources(source), secret, workers)
        else:
            batches = _batches(sources(source), secret)
        parts = []
        for batch in batches:
            parts.append(batch)
            bar.update(len(batch["der"]))
    return _frame(parts)


def from_der(
    ders: Iterable[bytes],
    *,
    source: str | Sequence[str] = "<der>",
    bundle: str | Sequence[str] | None = None,
    device: str | Sequence[str | None] | None = None,
) -> pd.DataFrame:
    """Return the rows of certificates whose DER is at hand: from a handshake, a simulation, another frame.

    Parameters
    ----------
    ders : iterable of bytes
        One certificate each.
    source, bundle : str or sequence of str
        Where they come from and what arrived together, for all or one by one; `bundle` is `source` by default.
    device : str or sequence of str, optional
        Who presented them, for all or one by one; where it is missing, the name of the source or the CN tells.

    Returns
    -------
    DataFrame
        Table CERTIFICATES in the order given; `position` counts within each source.

    Examples
    --------
    >>> from_der([b"0"], source="phone")[["source", "position"]].values.tolist()
    [['phone', 0]]
    """
    held = list(ders)
    names = _each(source, len(held))
    bundles = names if bundle is None else _each(bundle, len(held))
    devices = _each(device, len(held))
    positions = pd.Series(names, dtype="object").groupby(names).cumcount().tolist() if held else []
    found = map(Found, names, positions, bundles, devices, map(Block, held))
    return _frame(list(_of_found(found)))


def days_left(certificates: pd.DataFrame, at: Any = None) -> pd.Series:
    """Return for how many days each certificate is still valid.

    Parameters
    ----------
    certificates : DataFrame
        A frame with the column `not_after`.
    at : Timestamp or what becomes one, or Series of them, optional
        The moment to count from, in UTC where it has no zone; now by default.

    Returns
    -------
    Series of float
        Days with their fraction, negative after the end; missing where the end is.

    Examples
    --------
    >>> days_left(pd.DataFrame({"not_after": pd.to_datetime(["2026-02-01"], utc=True)}), "2026-01-01").tolist()
    [31.0]
    """
    moment = pd.Timestamp.now("UTC") if at is None else pd.to_datetime(at, utc=True)
    # Whole microseconds as numbers: the end of the year 9999 is further away than a Timedelta reaches.
    left = _microseconds(certificates["not_after"]) - (
        _microseconds(moment) if isinstance(moment, pd.Series) else moment.as_unit("us").value
    )
    return (left / 86_400_000_000).astype("float64").rename("days_left")


def _microseconds(moments: pd.Series) -> pd.Series:
    moments = moments.astype("datetime64[us, UTC]")
    return moments.astype("int64").where(moments.notna())


def _each(value: Any, size: int) -> list[Any]:
    return [value] * size if value is None or isinstance(value, str) else list(value)


# From sources to batches of columns


def _progress(wanted: bool | None) -> Any:
    from tqdm.auto import tqdm  # it loads the notebook's widgets, which a plain read does not need

    seen = sys.stderr.isatty() or "ipykernel" in sys.modules
    hidden = not (seen if wanted is None else wanted)
    return tqdm(unit=" certificates", unit_scale=True, disable=hidden, delay=_SHOWN_AFTER if wanted is None else 0)


def _batches(found: Iterable[Source], password: bytes | None) -> Iterator[dict[str, Any]]:
    return _of_found(each for source in found for each in _blocks_of(source, password))


def _of_found(found: Iterable[Found]) -> Iterator[dict[str, Any]]:
    waiting = iter(found)
    while batch := list(islice(waiting, _BATCH)):
        yield _columns(batch)


def _blocks_of(source: Source, password: bytes | None) -> Iterator[Found]:
    name, position = source.name, 0
    if source.error is not None:
        yield Found(name, 0, name, None, Block(None, source.error))
        return
    try:
        with source.open() as stream:
            for block in blocks(stream, password):
                bundle, device = name, None
                if block.columns and "row" in block.columns:
                    bundle, device = f"{name}#{block.columns['row']}", block.columns["device"]
                yield Found(name, position, bundle, device, block)
                position += 1
    except OSError as problem:
        yield Found(name, position, name, None, Block(None, f"reading stopped: {problem}"))


def _in_processes(found: Iterator[Source], password: bytes | None, workers: int) -> Iterator[dict[str, Any]]:
    """Read many files in several processes, in order."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        groups = iter(lambda: [_portable(each) for each in islice(found, _FILES_AT_ONCE)], [])
        for batches in pool.map(partial(_read_group, password=password), groups):
            yield from batches


def _read_group(group: list[Source], password: bytes | None) -> list[dict[str, Any]]:
    return list(_batches(group, password))


def _portable(source: Source) -> Source:
    """Return a source that another process can open: members of an open archive are read here."""
    try:
        pickle.dumps(source)
    except TypeError:
        try:
            with source.open() as stream:
                return Source(source.name, source.modified, None, partial(BytesIO, stream.read()))
        except OSError as problem:
            return Source(source.name, source.modified, str(problem))
    return source


def _columns(batch: list[Found]) -> dict[str, Any]:
    """Return the columns of a batch of blocks."""
    names, positions, bundles, devices, found = zip(*batch, strict=True)
    has_der = np.array([block.der is not None for block in found], bool)
    columns = x509.read([block.der for block in found if block.der is not None])
    if not has_der.all():
        others = [{**(block.columns or {}), "parse_error": block.problem} for block in found if block.der is None]
        columns = x509.interleaved(columns, others, has_der)
    beside = {row: block.problem for row, block in enumerate(found) if block.problem and block.der is not None}
    if beside:
        errors = columns["parse_error"].to_pylist()
        for row, problem in beside.items():
            errors[row] = "; ".join(filter(None, (errors[row], problem)))
        columns["parse_error"] = pa.array(errors, x509.TEXT)
    return columns | {
        "source": pa.array(names, x509.TEXT),
        "position": pa.array(positions, pa.int64()),
        "bundle": pa.array(bundles, x509.TEXT),
        "device": pa.array(devices, x509.TEXT),
        "der": [block.der for block in found],
    }


# From batches to the frame

_DTYPES = {
    pa.large_string(): pd.StringDtype(na_value=np.nan),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def _frame(batches: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the batches as one frame."""
    batches = batches or [_columns_of_nothing()]
    series: dict[str, pd.Series] = {}
    for column in CERTIFICATES.names:
        parts = [batch.pop(column) for batch in batches if column in batch]
        if parts and isinstance(parts[0], list):
            series[column] = pd.Series([cell for part in parts for cell in part], dtype="object")
        elif parts:
            series[column] = pa.chunked_array(parts).to_pandas(types_mapper=_DTYPES.get)
    return conform(_with_identities(pd.DataFrame(series)), CERTIFICATES)


def _columns_of_nothing() -> dict[str, Any]:
    none = Found("", 0, "", None, Block(b""))
    return {name: column[:0] for name, column in _columns([none]).items()}


def _with_identities(frame: pd.DataFrame) -> pd.DataFrame:
    """Tell the device of each row: by the file's name, by who handed it over, else by the CN."""
    common_name = frame["subject_cn"]
    is_plain = common_name.str.fullmatch("[0-9a-f]{12}").fillna(False).astype(bool)
    serial, model = common_name.where(is_plain), common_name.where(is_plain & False)
    spelled = serial
    other = common_name[~is_plain & common_name.notna()].drop_duplicates()
    if len(other):
        by_name = pd.DataFrame({"serial": serials(other), "model": hardware_ids(other)["model"]})
        by_name["device"] = same_spelling(other).where(by_name.notna().any(axis=1))
        by_name = by_name.set_axis(other).dropna(how="all")
        serial = serial.fillna(common_name.map(by_name["serial"]).astype("str"))
        model = model.fillna(common_name.map(by_name["model"]).astype("str"))
        spelled = spelled.fillna(common_name.map(by_name["device"]).astype("str"))
    sources_named = frame["source"].drop_duplicates()
    in_name = sources_named.map(_in_file_name).astype("str").dropna()
    given = frame["device"]
    if len(in_name):
        by_source = same_spelling(in_name).set_axis(sources_named[in_name.index])
        given = frame["source"].map(by_source).astype("str").fillna(given)
    if given.notna().any():
        spelled = same_spelling(given).fillna(spelled)
    return frame.assign(serial=serial, model=model, device=spelled)


def _in_file_name(name: str) -> str | None:
    stem = name.rpartition("/")[2].partition(".")[0] if name[:1] != "<" else ""
    found = _IN_FILE_NAME.search(stem)
    return found[0] if found else None
