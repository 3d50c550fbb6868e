"""The outlines of many certificates at once, as strict as `certtrust.x509.structure` and with the speed of arrays.

All certificates stand in one array of bytes; a step reads the element at one place of each. Whatever is out of
the ordinary is left to the functions that take one certificate, so that both always say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .extensions import DECISIVE, SUBJECT_ALT_NAME, usable
from .structure import SEQUENCE, Outline, outline

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_BOOLEAN, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID = 0x01, 0x02, 0x03, 0x04, 0x06
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_MOST_EXTENSIONS, _MOST_NAMES = 16, 8
_TAG_OF_VALUE = np.zeros(256, dtype=np.int64)  # by the last octet of 2.5.29.x
for _oid, _tag in DECISIVE.items():
    _TAG_OF_VALUE[_oid[2]] = _tag


_EDGES = {
    "signed": ("signed", "signed_end"),
    "inner_algorithm": ("inner_algorithm", "issuer"),
    "issuer": ("issuer", "validity"),
    "subject": ("subject", "key"),
    "public_key": ("key", "key_end"),
    "algorithm": ("signed_end", "algorithm_end"),
    "signature": ("signature", "end"),
}


class _Elements(NamedTuple):
    tag: Places
    start: Places
    stop: Places
    sound: Flags


class _Frames(NamedTuple):
    """Places in every certificate, and whether it has the ordinary frame."""

    signed: Places
    inner_algorithm: Places
    issuer: Places
    validity: Places
    subject: Places
    key: Places
    key_end: Places
    extensions: Places
    extensions_end: Places
    signed_end: Places
    algorithm_end: Places
    signature: Places
    end: Places
    sound: Flags


class Outlines:
    """The outlines of certificates, column by column or one by one.

    `certtrust.x509.structure.outline` says what a part is, `certtrust.x509.extensions.usable` what `usable` tells.
    """

    def __init__(self, ders: Sequence[bytes]) -> None:
        self._ders = ders
        octets = _Octets(ders)
        frames = octets.frames()
        self._begins = octets.begins
        self._cuts: dict[str, Places] = dict(zip(_Frames._fields, frames[:-1], strict=False))
        self._odd = {row: outline(ders[row]) for row in np.flatnonzero(~frames.sound).tolist()}
        self.known = frames.sound.copy()
        self.known[[row for row, parts in self._odd.items() if parts is not None]] = True
        self._octets, self._frames = octets, frames

    @cached_property
    def usable(self) -> Flags:
        """Whether its extensions let a certificate be used."""
        fit = self._frames.sound & self._octets.plain_extensions(self._frames)
        for row in np.flatnonzero(self.known & ~fit).tolist():
            parts = self[row]
            fit[row] = parts is not None and usable(parts)
        return fit

    def __getitem__(self, row: int) -> Outline | None:
        """Return the outline of one certificate, None where it has none."""
        return outline(self._ders[row])

    def column(self, part: str, rows: Places) -> list[bytes]:
        """Return one part of these certificates, which must have an outline."""
        first, last = _EDGES[part]
        cut = zip(
            rows.tolist(),
            (self._cuts[first][rows] - self._begins[rows]).tolist(),
            (self._cuts[last][rows] - self._begins[rows]).tolist(),
            strict=True,
        )
        found = [self._ders[row][start:stop] for row, start, stop in cut]
        for place in np.flatnonzero(np.isin(rows, list(self._odd))).tolist():
            parts = self._odd[int(rows[place])]
            found[place] = b"" if parts is None else getattr(parts, part)
        return found

    def may_equal(self, part: str, other: str, rows: Places) -> Flags:
        """Tell where two parts of a certificate may be the same octets: they are of one length, or not cut here."""
        sizes = [self._cuts[last][rows] - self._cuts[first][rows] for first, last in (_EDGES[part], _EDGES[other])]
        equal: Flags = np.equal(*sizes)
        equal[np.isin(rows, list(self._odd))] = True
        return equal


class _Octets:
    """Certificates as one array of bytes."""

    def __init__(self, ders: Sequence[bytes]) -> None:
        self.bytes = np.frombuffer(b"".join((*ders, bytes(8))), dtype=np.uint8)
        sizes = np.fromiter(map(len, ders), np.int64, len(ders))
        self.ends = np.cumsum(sizes)
        self.begins = self.ends - sizes

    def at(self, places: Places) -> Places:
        """Return the octets at these places; those beyond the end are as good as any, for they prove nothing."""
        return self.bytes.take(places, mode="clip").astype(np.int64)

    def elements(self, places: Places, ends: Places) -> _Elements:
        """Return the DER elements at these places; those that are not sound run beyond their ends or are no DER."""
        tag, size, start = self.at(places), self.at(places + 1), places + 2
        sound = (places + 1 < ends) & (tag & 0x1F != 0x1F)
        long = np.flatnonzero(size > 0x7F)
        if len(long):
            count, at = size[long] & 0x7F, start[long]
            first = self.at(at)
            length = first
            for more in (1, 2):
                length = np.where(count > more, length << 8 | self.at(at + more), length)
            sound[long] &= (count >= 1) & (count <= 3) & (length > 0x7F) & (first != 0)
            size[long], start[long] = length, at + count
        return _Elements(tag, start, start + size, sound & (start + size <= ends))

    def frames(self) -> _Frames:
        """Return the frame of each certificate."""
        whole = self.elements(self.begins, self.ends)
        sound = whole.sound & (whole.tag == SEQUENCE) & (whole.stop == self.ends)
        signed = self.elements(whole.start, self.ends)
        at = signed.start
        number = self.elements(at, self.ends)
        tagged = number.tag == _VERSION
        inside = self.elements(np.where(tagged, number.start, at), self.ends)
        sound &= signed.sound & (signed.tag == SEQUENCE) & number.sound & inside.sound
        sound &= ~tagged | ((inside.tag == _INTEGER) & (inside.stop > inside.start))
        serial = self.elements(np.where(tagged, number.stop, at), self.ends)
        sound &= serial.sound & (serial.tag == _INTEGER)
        places = [serial.stop]
        for _ in range(5):
            field = self.elements(places[-1], self.ends)
            sound &= field.sound & (field.tag == SEQUENCE)
            places.append(field.stop)
        last = self.elements(places[-1], self.ends)
        there = places[-1] < signed.stop
        listed = self.elements(np.where(there, last.start, at), self.ends)
        proper = last.sound & (last.tag == _EXTENSIONS) & listed.sound & (listed.tag == SEQUENCE)
        proper &= (listed.stop == last.stop) & (last.stop == signed.stop)
        sound &= np.where(there, proper, places[-1] == signed.stop)
        algorithm = self.elements(signed.stop, self.ends)
        signature = self.elements(algorithm.stop, self.ends)
        sound &= algorithm.sound & (algorithm.tag == SEQUENCE) & signature.sound & (signature.tag == _BIT_STRING)
        sound &= (signature.stop == self.ends) & (signature.start < signature.stop) & (self.at(signature.start) == 0)
        first, stop = (np.where(there, each, self.begins) for each in (listed.start, listed.stop))
        inner, issuer, validity, subject, key, key_end = places
        fields = (whole.start, inner, issuer, validity, subject, key, key_end, first, stop, signed.stop)
        return _Frames(*fields, algorithm.stop, signature.start + 1, self.ends, sound)

    def plain_extensions(self, frames: _Frames) -> Flags:
        """Tell which certificates have nothing but ordinary extensions that let them be used."""
        plain = frames.sound.copy()
        seen = np.zeros(len(plain), dtype=np.uint64)
        places = frames.extensions.copy()
        rows = np.flatnonzero(plain & (places < frames.extensions_end))
        for _ in range(_MOST_EXTENSIONS):
            if not len(rows):
                return plain
            ends = frames.extensions_end[rows]
            entry = self.elements(places[rows], ends)
            oid = self.elements(entry.start, entry.stop)
            flag = self.elements(oid.stop, entry.stop)
            critical = flag.tag == _BOOLEAN
            value = self.elements(np.where(critical, flag.stop, oid.stop), entry.stop)
            content = self.elements(value.start, value.stop)
            good = entry.sound & oid.sound & flag.sound & value.sound
            good &= (
                (entry.tag == SEQUENCE) & (oid.tag == _OID) & (value.tag == _OCTET_STRING) & (value.stop == entry.stop)
            )
            good &= ~critical | (flag.stop == flag.start + 1)
            good &= (oid.stop == oid.start + 3) & (self.at(oid.start) == 0x55) & (self.at(oid.start + 1) == 0x1D)
            last = self.at(oid.start + 2)
            tag = _TAG_OF_VALUE[last]
            good &= (tag > 0) | ~critical | (self.at(flag.start) == 0)
            good &= (tag == 0) | (content.sound & (content.tag == tag) & (content.stop == value.stop))
            bit = np.uint64(1) << (last & 0x3F).astype(np.uint64)
            good &= (last < 0x40) & (seen[rows] & bit == 0)
            named = good & (last == SUBJECT_ALT_NAME[2])
            good[named] &= self._general_names(content.start[named], content.stop[named])
            plain[rows[~good]] = False
            seen[rows] |= bit
            places[rows] = entry.stop
            rows = rows[good & (entry.stop < ends)]
        plain[rows] = False
        return plain

    def _general_names(self, places: Places, ends: Places) -> Flags:
        """Tell which places are followed by nothing but a few general names."""
        good = np.ones(len(places), dtype=bool)
        places = places.copy()
        for _ in range(_MOST_NAMES):
            rows = np.flatnonzero(good & (places < ends))
            name = self.elements(places[rows], ends[rows])
            good[rows] = name.sound & (name.tag >= 0x80) & (name.tag & 0x1F <= 8) & (name.tag < 0xC0)
            places[rows] = name.stop
        return good & (places >= ends)
