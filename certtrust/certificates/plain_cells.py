"""Cells of a table that hold plain certificates, thousands at once.

A cell is plain if it is one PEM certificate or several, one certificate as DER, or that in base64
on one line. What `containers.contents` makes of such a cell is known beforehand: its certificates,
as they are. Any other cell is left to it.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from itertools import islice, repeat
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
    decode_base64_alone,
)

_FEW = 32
"""So many cells of PEM are no longer halved to find those that are out of the ordinary."""
_LONGEST = 0xFFFF
_OID = 0x06
_USUAL = LAST_LINE + b"\n" + FIRST_LINE
"""What mostly stands between two certificates."""


def certificates_of_each(cells: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return the certificates of each plain cell as DER; nothing for any other.

    Examples
    --------
    >>> certificates_of_each([b"no certificate", b""])
    [(), ()]
    """
    by_cell: list[Sequence[bytes]] = [()] * len(cells)
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
    bodies = _bodies(texts)
    if bodies is None:
        return None
    try:
        ders = list(map(decode_base64, bodies))
    except binascii.Error:
        return None
    if not all_plain(ders):
        return None
    if len(ders) == len(texts):
        return [[der] for der in ders]
    waiting = iter(ders)
    counts = map(bytes.count, texts, repeat(LAST_LINE))
    return [list(islice(waiting, count)) for count in counts]


def _bodies(texts: Sequence[bytes]) -> list[bytes] | None:
    """Return what stands between the first and the last lines, in all texts; None if unusual."""
    bodies = _split(texts, _USUAL)
    if bodies is None:
        # Other line ends, or blank lines: what is between, one of them shows.
        first = next(filter(None, map(BETWEEN.search, texts)), None)
        if first is not None and first[0] != _USUAL:
            bodies = _split(texts, first[0])
    return bodies


def _split(texts: Sequence[bytes], between: bytes) -> list[bytes] | None:
    joined = between[len(LAST_LINE) : -len(FIRST_LINE)].join(texts)
    if b":" in joined or b"\\" in joined:
        return None
    bodies = joined[len(FIRST_LINE) : -len(LAST_LINE)].split(between)
    return None if any(map(contains, bodies, repeat(b"-"))) else bodies


def _from_base64(cell: bytes) -> bytes | None:
    """Return the DER that a cell is in base64, on one line; None for what may be anything."""
    if len(cell) % 4 or not cell.startswith(b"MI"):
        return None
    try:
        der = decode_base64_alone(cell)
    except (binascii.Error, ValueError):
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
