"""Certificates in DER as columns: by the columnar reader where cryptography loads them.

The tolerant reader reads the others. Where cryptography refuses to load a certificate,
`parse_error` begins with "certificate: ", and no verdict may rest on what was read of it.
"""

from __future__ import annotations

import gc
import hashlib
import re
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import length_hint
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.x509 import InvalidVersion, load_der_x509_certificate

from . import columnar, tolerant
from .columnar_elements import LONGEST, TEXT
from .signatures import verify

REFUSED = "certificate: "
"""What `parse_error` begins with where cryptography refuses to load the certificate."""

_MOSTLY = 0.8
"""Share of distinct certificates above which equal ones are not looked for any further."""

Row = tolerant.Row
Columns = dict[str, Any]


def read(ders: Sequence[bytes]) -> Columns:
    """Return the columns of certificates, each an Arrow array, or a list for what holds lists.

    Parameters
    ----------
    ders : sequence of bytes
        One certificate each, or what looks like one.

    Returns
    -------
    dict
        The columns of CERTIFICATES that follow from the certificate alone, in the order given.
    """
    distinct = list(dict.fromkeys(ders))
    if len(distinct) > _MOSTLY * len(ders):
        return _read(ders)
    # Chains of many devices repeat their CAs.
    position = dict(zip(distinct, range(len(distinct)), strict=True))
    rows = np.fromiter(map(position.__getitem__, ders), np.int64, len(ders))
    return _taken(_read(distinct), rows)


def _read(ders: Sequence[bytes]) -> Columns:
    with collector_held_back(), warnings.catch_warnings():
        # Odd certificates are data here; parse_error says what is odd about them.
        warnings.simplefilter("ignore")
        refusals = _refusals(ders)
        loaded = np.ones(len(ders), bool)
        loaded[list(refusals)] = False
        walked = np.flatnonzero(
            loaded & (np.fromiter(map(len, ders), np.int64, len(ders)) <= LONGEST)
        )
        columns, odd = columnar.read([ders[row] for row in walked.tolist()])
        columns["parse_error"] = pa.nulls(len(odd), TEXT)
        regular = np.zeros(len(ders), bool)
        regular[walked] = ~odd
        if not regular.all():
            rows = [
                _tolerant(ders[row], refusals.get(row))
                for row in np.flatnonzero(~regular).tolist()
            ]
            columns = interleaved(
                _taken(columns, np.flatnonzero(~odd)), rows, regular
            )
        columns["fingerprint"] = pa.array(
            [hashlib.sha256(der).hexdigest() for der in ders], TEXT
        )
        columns["is_self_signed"] = _self_signed(ders, columns["self_issued"], loaded)
    return columns


@contextmanager
def collector_held_back() -> Iterator[None]:
    """Hold the garbage collector back: it could free none of the lists of a batch."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def interleaved(
    columns: Columns, rows: list[Row], regular: npt.NDArray[np.bool_]
) -> Columns:
    """Return the columns with `rows` put in where a row is not `regular`."""
    if not rows:
        return columns
    order = np.empty(len(regular), np.int64)
    order[regular] = np.arange(regular.sum())
    order[~regular] = np.arange(regular.sum(), len(regular))
    both: Columns = {}
    for name, column in columns.items():
        if isinstance(column, list):
            cells = [*column, *(row.get(name, []) for row in rows)]
            both[name] = [cells[at] for at in order.tolist()]
        else:
            other = pa.array([row.get(name) for row in rows], column.type)
            both[name] = pa.concat_arrays([column, other]).take(pa.array(order))
    return both


def _taken(columns: Columns, rows: npt.NDArray[np.int64]) -> Columns:
    indices = pa.array(rows)
    return {
        name: [[*column[row]] for row in rows.tolist()]
        if isinstance(column, list)
        else column.take(indices)
        for name, column in columns.items()
    }


def _refusals(ders: Sequence[bytes]) -> dict[int, str]:
    """Return why cryptography refuses to load certificates, by row."""
    refusals: dict[int, str] = {}
    waiting = iter(ders)
    while True:
        try:
            # Only whether it loads matters: the objects are dropped as they come.
            deque(map(load_der_x509_certificate, waiting), maxlen=0)
        except (ValueError, InvalidVersion) as problem:
            refusals[len(ders) - length_hint(waiting) - 1] = (
                f"{REFUSED}{in_words(str(problem))}"
            )
        else:
            return refusals


_PARSE_ERROR = re.compile(
    r"ParseError \{ kind: (?P<kind>\w+)(?P<detail>.*?)(?:, location: \[(?P<where>.*)\])? \}"
)
_KINDS = {
    "InvalidValue": "an invalid value",
    "InvalidTag": "an invalid tag",
    "InvalidLength": "an invalid length",
    "UnexpectedTag": "an element of another kind than belongs there",
    "ShortData": "fewer bytes than announced",
    "IntegerOverflow": "a number that is too large",
    "ExtraData": "bytes behind the end",
    "InvalidSetOrdering": "a set out of order",
    "EncodedDefault": "a default value that is written out",
    "OidTooLong": "an object identifier that is too long",
    "UnknownDefinedBy": "an unknown identifier",
}


def in_words(problem: str) -> str:
    """Return the message of a refusal without the inner notation of the parser that refused.

    Examples
    --------
    >>> in_words('error parsing asn1 value: ParseError { kind: ExtraData, location: ["Name", 0] }')
    'bytes behind the end in Name, 0'
    >>> in_words("unknown version")
    'unknown version'
    """
    match = _PARSE_ERROR.search(problem)
    if match is None:
        return problem
    kind = _KINDS.get(match["kind"], f"it is no certificate ({match['kind']})")
    where = (match["where"] or "").replace('"', "").replace("::", " ")
    return f"{kind} in {where}" if where else kind


def _tolerant(der: bytes, refusal: str | None) -> Row:
    row = tolerant.read(der)
    problems = filter(None, (refusal, row["parse_error"]))
    return row | {"parse_error": "; ".join(problems) or None}


@lru_cache(maxsize=1024)
def _verifies_itself(der: bytes) -> bool | None:
    """Return whether a certificate's own key verifies it; chains bring roots again and again."""
    return verify(der, der)


def _self_signed(
    ders: Sequence[bytes], self_issued: pa.Array, loaded: npt.NDArray[np.bool_]
) -> pa.Array:
    """Return which self-issued certificates verify under their own keys; others are False."""
    candidates = np.flatnonzero(
        self_issued.fill_null(True).to_numpy(zero_copy_only=False) & loaded
    )
    verified, unknown = np.zeros(len(ders), bool), ~loaded
    for row in candidates.tolist():
        answer = _verifies_itself(ders[row])
        verified[row], unknown[row] = bool(answer), answer is None
    return pa.array(verified, mask=unknown)
