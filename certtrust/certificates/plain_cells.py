"""Cells of a table that hold plain certificates, thousands at once.

A cell is plain if it is one PEM certificate or several, one certificate as DER, or that in base64
on one line. What `containers.contents` makes of such a cell is known beforehand: its certificates,
as they are. Any other cell is left to it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from itertools import repeat
from operator import contains

import numpy as np

from ..x509.columnar_elements import CertificateBytes
from ..x509.columnar_structure import frames
from .containers.pem import (
    BETWEEN,
    FIRST_LINE,
    LAST_LINE,
    all_plain,
    certificates,
    decode_base64,
)

_FEW = 32
"""So many cells of PEM are no longer halved to find those that are out of the ordinary."""
_LONGEST = 0xFFFF
_BASE64 = re.compile(rb"MI[A-Za-z0-9+/]+={0,2}")
_OID = 0x06


def certificates_of_each(cells: Sequence[bytes]) -> list[list[bytes]]:
    """Return the certificates of each plain cell as DER; an empty list for any other.

    Examples
    --------
    >>> certificates_of_each([b"no certificate", b""])
    [[], []]
    """
    by_cell: list[list[bytes]] = [[] for _ in cells]
    in_pem: list[int] = []
    ders: dict[int, bytes] = {}
    for row, cell in enumerate(cells):
        if cell.startswith(FIRST_LINE):
            in_pem.append(row)
        elif cell.startswith(b"\x30\x82") and len(cell) <= _LONGEST:
            ders[row] = cell
        elif der := _from_base64(cell):
            ders[row] = der
    pem_cells = [cells[row] for row in in_pem]
    for row, chain in zip(in_pem, _of_pem(pem_cells), strict=True):
        by_cell[row] = chain
    for (row, der), is_plain in zip(
        ders.items(), _plain([*ders.values()]), strict=True
    ):
        if is_plain:
            by_cell[row] = [der]
    return by_cell


def _of_pem(cells: Sequence[bytes]) -> list[list[bytes]]:
    """Return the certificates of cells that begin as PEM; those in doubt are tried in halves."""
    if len(cells) <= _FEW:
        return list(map(certificates, cells))
    chains = _of_uniform_pem(list(map(bytes.strip, cells)))
    if chains is not None:
        return chains
    middle = len(cells) // 2
    return _of_pem(cells[:middle]) + _of_pem(cells[middle:])


def _of_uniform_pem(texts: Sequence[bytes]) -> list[list[bytes]] | None:
    """Return the certificates of each text if all are plain, with the same text between all."""
    if not all(map(bytes.endswith, texts, repeat(LAST_LINE))):
        return None
    inside = [text[len(FIRST_LINE) : -len(LAST_LINE)] for text in texts]
    first = next(filter(None, map(BETWEEN.search, texts)), None)
    between = first[0] if first else LAST_LINE + b"\n" + FIRST_LINE
    bodies = between.join(inside).split(between)
    unusual = (b"-", b":", b"\\")
    if any(any(map(contains, bodies, repeat(mark))) for mark in unusual):
        return None
    try:
        ders = list(map(decode_base64, bodies))
    except binascii.Error:
        return None
    if not all_plain(ders):
        return None
    waiting = iter(ders)
    counts = map(bytes.count, inside, repeat(between))
    return [[next(waiting) for _ in range(count + 1)] for count in counts]


def _from_base64(cell: bytes) -> bytes | None:
    """Return the DER that a cell is in base64, on one line; None for what may be anything."""
    if len(cell) % 4 or _BASE64.fullmatch(cell) is None:
        return None
    try:
        der = bytes(decode_base64(cell))
    except binascii.Error:
        return None
    return der if der.startswith(b"\x30\x82") and len(der) <= _LONGEST else None


def _plain(ders: list[bytes]) -> list[bool]:
    """Return which are the DER of one certificate of version 2 or 3 and nothing else."""
    if not ders:
        return []
    octets = CertificateBytes(ders)
    frame = frames(octets)
    begins_with_oid = octets.at(frame.inner_algorithm.start) == _OID
    plain = frame.sound & frame.has_version & begins_with_oid
    return [bool(flag) for flag in np.asarray(plain).tolist()]
