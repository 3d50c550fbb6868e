"""The structure of many certificates at once, as strict as `certtrust.x509.structure`.

All certificates lie in one array of bytes; a step reads one element of each. Whatever is out of
the ordinary is left to the functions that take one certificate, so that both always agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .ber import (
    BIT_STRING,
    BOOLEAN,
    CONTEXT_0,
    CONTEXT_3,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
)
from .columnar_elements import CertificateBytes, Elements, Flags, Positions, Rows
from .extensions import DECISIVE, usable
from .oids import SUBJECT_ALT_NAME
from .structure import Structure, structure

_MOST_EXTENSIONS, _MOST_NAMES = 40, 40
_TAG_OF_VALUE = np.zeros(256, dtype=np.int64)  # by the last octet of 2.5.29.x
for _oid, _tag in DECISIVE.items():
    _TAG_OF_VALUE[_oid[2]] = _tag


class Frames(NamedTuple):
    """The elements of the frame of every certificate, and which frames are ordinary."""

    signed: Elements
    version: Elements
    """Only where `has_version`."""
    has_version: Flags
    serial: Elements
    inner_algorithm: Elements
    issuer: Elements
    validity: Elements
    subject: Elements
    public_key: Elements
    extensions: Elements
    """The list; without content where there is none."""
    algorithm: Elements
    signature: Elements
    sound: Flags


def frames(certificates: CertificateBytes) -> Frames:
    """Return the frame of each certificate."""
    ends = certificates.ends
    whole = certificates.elements(certificates.begins, ends)
    sound = whole.sound & (whole.tag == SEQUENCE) & (whole.stop == ends)
    signed = certificates.elements(whole.start, ends)
    first = certificates.elements(signed.start, ends)
    has_version = first.tag == CONTEXT_0
    version = certificates.elements(
        np.where(has_version, first.start, first.at), ends
    )
    sound &= signed.sound & (signed.tag == SEQUENCE) & first.sound & version.sound
    sound &= ~has_version | (
        (version.tag == INTEGER) & (version.stop > version.start)
    )
    serial = certificates.elements(np.where(has_version, first.stop, first.at), ends)
    sound &= serial.sound & (serial.tag == INTEGER)
    fields = [serial]
    for _ in range(5):
        fields.append(certificates.elements(fields[-1].stop, ends))
        sound &= fields[-1].sound & (fields[-1].tag == SEQUENCE)
    _, inner_algorithm, issuer, validity, subject, public_key = fields
    after = public_key.stop
    there = after < signed.stop
    last = certificates.elements(after, ends)
    listed = certificates.elements(np.where(there, last.start, signed.start), ends)
    proper = (
        last.sound & (last.tag == CONTEXT_3) & listed.sound & (listed.tag == SEQUENCE)
    )
    proper &= (listed.stop == last.stop) & (last.stop == signed.stop)
    sound &= np.where(there, proper, after == signed.stop)
    extensions = listed._replace(
        start=np.where(there & sound, listed.start, listed.stop)
    )
    algorithm = certificates.elements(signed.stop, ends)
    signature = certificates.elements(algorithm.stop, ends)
    sound &= algorithm.sound & (algorithm.tag == SEQUENCE)
    sound &= (
        signature.sound & (signature.tag == BIT_STRING) & (signature.stop == ends)
    )
    sound &= (signature.start < signature.stop) & (
        certificates.at(signature.start) == 0
    )
    return Frames(
        signed,
        version,
        has_version,
        serial,
        inner_algorithm,
        issuer,
        validity,
        subject,
        public_key,
        extensions,
        algorithm,
        signature,
        sound,
    )


class Extensions(NamedTuple):
    """The extensions of all certificates: every first one, then every second one, and so on."""

    certificate: Rows
    arc: Positions
    """The x of 2.5.29.x, and 255 for others."""
    is_flagged: Flags
    is_critical: Flags
    value: Elements
    sound: Flags
    complete: Flags
    """By certificate: whether all of its extensions are here."""


def extensions(certificates: CertificateBytes, listed: Elements) -> Extensions:
    """Return the extensions in these lists."""
    owner, _, entry, complete = certificates.children(
        listed.start, listed.stop, _MOST_EXTENSIONS
    )
    oid = certificates.elements(entry.start, entry.stop)
    flag = certificates.elements(oid.stop, entry.stop)
    is_flagged = flag.tag == BOOLEAN
    value = certificates.elements(
        np.where(is_flagged, flag.stop, oid.stop), entry.stop
    )
    octets = [certificates.at(oid.start + at) for at in range(3)]
    is_id_ce = (oid.stop == oid.start + 3) & (octets[0] == 0x55) & (octets[1] == 0x1D)
    sound = entry.sound & oid.sound & flag.sound & value.sound
    sound &= (entry.tag == SEQUENCE) & (oid.tag == OID) & (value.tag == OCTET_STRING)
    sound &= (value.stop == entry.stop) & (
        ~is_flagged | (flag.stop == flag.start + 1)
    )
    is_critical = is_flagged & (certificates.at(flag.start) != 0)
    return Extensions(
        owner,
        np.where(is_id_ce, octets[2], 255),
        is_flagged,
        is_critical,
        value,
        sound,
        complete,
    )


def _plainly_usable(certificates: CertificateBytes, frame: Frames) -> Flags:
    """Return which certificates have ordinary extensions only, which let them be used."""
    owner, arc, _, is_critical, value, sound, complete = extensions(
        certificates, frame.extensions
    )
    content = certificates.elements(value.start, value.stop)
    tag = _TAG_OF_VALUE[arc]
    good = sound & (arc < 0x40) & ((tag > 0) | ~is_critical)
    good &= (tag == 0) | (
        content.sound & (content.tag == tag) & (content.stop == value.stop)
    )
    named = np.flatnonzero(good & (arc == SUBJECT_ALT_NAME[2]))
    list_, _, name, all_names = certificates.children(
        content.start[named], content.stop[named], _MOST_NAMES
    )
    all_names[
        list_[(name.tag < 0x80) | (name.tag & 0x1F > 8) | (name.tag >= 0xC0)]
    ] = False
    good[named] = all_names
    identity = np.sort(owner * 0x100 + arc)
    twice = identity[1:][identity[1:] == identity[:-1]] // 0x100
    plain = frame.sound & complete
    plain[owner[~good]] = False
    plain[twice] = False
    return plain


class Structures:
    """The structure of certificates, column by column or one by one.

    The parts are those of `certtrust.x509.structure.Structure`; `usable` is explained at
    `certtrust.x509.extensions.usable`.
    """

    def __init__(self, ders: Sequence[bytes]) -> None:
        self._ders = ders
        self._bytes = CertificateBytes(ders)
        self._frames = frames(self._bytes)
        sound = self._frames.sound
        self._odd = {
            row: structure(ders[row]) for row in np.flatnonzero(~sound).tolist()
        }
        self.readable = sound.copy()
        self.readable[
            [row for row, parts in self._odd.items() if parts is not None]
        ] = True

    @cached_property
    def usable(self) -> Flags:
        """Whether its extensions let a certificate be used."""
        fit = _plainly_usable(self._bytes, self._frames)
        for row in np.flatnonzero(self.readable & ~fit).tolist():
            parts = self[row]
            fit[row] = parts is not None and usable(parts)
        return fit

    def __getitem__(self, row: int) -> Structure | None:
        """Return the structure of one certificate, None where it has none."""
        return structure(self._ders[row])

    def column(self, part: str, rows: Positions) -> list[bytes]:
        """Return one part of these certificates, which must have a structure."""
        starts, stops = (
            positions[rows] - self._bytes.begins[rows]
            for positions in self._edges(part)
        )
        cut = zip(rows.tolist(), starts.tolist(), stops.tolist(), strict=True)
        column = [self._ders[row][start:stop] for row, start, stop in cut]
        for at in np.flatnonzero(np.isin(rows, list(self._odd))).tolist():
            parts = self._odd[int(rows[at])]
            column[at] = b"" if parts is None else getattr(parts, part)
        return column

    def may_equal(self, part: str, other: str, rows: Positions) -> Flags:
        """Return where two parts may be the same octets: of one length, or not cut here."""
        sizes = [
            stops[rows] - starts[rows]
            for starts, stops in map(self._edges, (part, other))
        ]
        equal: Flags = np.equal(*sizes)
        equal[np.isin(rows, list(self._odd))] = True
        return equal

    def _edges(self, part: str) -> tuple[Positions, Positions]:
        elements: Elements = getattr(self._frames, part)
        # A signature is the content of its bit string, behind the number of unused bits.
        return (
            elements.start + 1 if part == "signature" else elements.at,
            elements.stop,
        )
