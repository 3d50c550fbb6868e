"""Thousands of certificates at once, field by field (RFC 5280, section 4.1).

    Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
    TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject,
                                  subjectPublicKeyInfo, [1] issuerUniqueID, [2] subjectUniqueID,
                                  [3] extensions }

All certificates lie in one array of bytes. A step of the walk reads one element of every
certificate with a few array operations and no loop. The walk relies on cryptography having loaded
each certificate, which proves its frame; nobody proves what is inside extensions and keys, so
whatever does not have the expected shape is marked as odd and left to the tolerant reader. Values
that many certificates share are decoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import fields, oids
from .ber import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
)
from .columnar_elements import (
    TEXT,
    CertificateBytes,
    Elements,
    Flags,
    Positions,
    Rows,
)
from .columnar_structure import extensions, frames
from .times import regular_times

Columns = dict[str, Any]

_MOST_RDNS = 16
_MOST_NAMES = 40
_READ = (
    oids.SUBJECT_KEY_ID, oids.KEY_USAGE, oids.SUBJECT_ALT_NAME, oids.BASIC_CONSTRAINTS,
    oids.AUTHORITY_KEY_ID, oids.EXTENDED_KEY_USAGE,
)  # fmt: skip


def read(ders: Sequence[bytes]) -> tuple[Columns, Flags]:
    """Return the columns of certificates that cryptography loads, and which are odd.

    Returns
    -------
    columns : dict
        By name, an Arrow array, or a list for what holds lists.
    odd : boolean array
        The certificates whose columns must not be used: the tolerant reader reads them.
    """
    octets = CertificateBytes(ders)
    rows = np.arange(len(ders))
    frame = frames(octets)
    odd = ~frame.sound
    columns: Columns = {}
    columns["version"] = pa.array(
        np.where(frame.has_version, octets.at(frame.version.start) + 1, 1)
    )
    columns["serial_number"] = _serial_numbers(octets, frame.serial, odd)
    not_before = octets.elements(frame.validity.start, frame.validity.stop)
    not_after = octets.elements(not_before.stop, frame.validity.stop)
    columns["not_before"] = _moments(octets, not_before, odd)
    columns["not_after"] = _moments(octets, not_after, odd)
    _read_names(octets, rows, frame.issuer, frame.subject, columns, odd)
    _read_keys(octets, rows, frame.public_key, columns, odd)
    _read_extensions(octets, frame.extensions, columns, odd)
    _read_algorithms(octets, rows, frame.algorithm, columns, odd)
    return columns, odd


# serialNumber, validity


def _serial_numbers(
    octets: CertificateBytes, serial: Elements, odd: Flags
) -> pa.Array:
    odd |= octets.at(serial.start) > 0x7F
    digits = pc.ascii_ltrim(octets.hex(serial.start, serial.stop), "0")
    return pc.if_else(pc.equal(digits, ""), "0", digits)


def _moments(octets: CertificateBytes, time: Elements, odd: Flags) -> pa.Array:
    size = time.stop - time.start
    short = (time.tag == UTC_TIME) & (size == 13)
    long = (time.tag == GENERALIZED_TIME) & (size == 15)
    # Both forms end in YYMMDDhhmmssZ, and the long one has the century before it.
    moments, sound = regular_times(long, octets.columns(time.stop - 15, 14))
    odd |= ~(sound & time.sound & (short | long))
    return pa.array(moments).cast(pa.timestamp("us", "UTC"))


# issuer, subject

_PLAIN = np.zeros(256, bool)
_PLAIN[0x20:0x7F] = True
_PLAIN[[ord(character) for character in '"+,;<>\\']] = False
_PLAIN_TAGS = np.isin(np.arange(256), list(fields.PLAIN_STRINGS))
_ID_AT = [oids.ATTRIBUTES.get(f"2.5.4.{arc}", f"2.5.4.{arc}") for arc in range(128)]
_LAST = (3, 10, 6)
_EQUALS, _COMMA = pa.scalar("=", TEXT), pa.scalar(",", TEXT)


class _Names(NamedTuple):
    """The columns of plain names; the rows of others are empty."""

    plain: Flags
    text: pa.Array
    common_name: pa.Array
    organisation: pa.Array
    country: pa.Array


def _read_names(
    octets: CertificateBytes,
    rows: Rows,
    issuer: Elements,
    subject: Elements,
    columns: Columns,
    odd: Flags,
) -> None:
    names = _plain_names(octets, subject)
    others = np.flatnonzero(~names.plain)
    decoded = octets.shared(subject.start[others], subject.stop[others], fields.name)
    odd[others] |= decoded.undecoded()
    for column, plain in zip(
        ("subject", "subject_cn", "organisation", "country"), names[1:], strict=True
    ):
        field = {"subject": "text", "subject_cn": "common_name"}.get(column, column)
        columns[column] = _filled(
            plain, decoded.column(field, others, len(rows), TEXT), others
        )
    # A self-issued certificate holds its name twice, and the first has just been read.
    same = _same(octets, issuer, subject)
    others = np.flatnonzero(~same)
    decoded = octets.shared(issuer.start[others], issuer.stop[others], fields.name)
    odd[others] |= decoded.undecoded()
    for column, own, field in (
        ("issuer", "subject", "text"),
        ("issuer_cn", "subject_cn", "common_name"),
    ):
        columns[column] = _filled(
            columns[own], decoded.column(field, others, len(rows), TEXT), others
        )
    columns["self_issued"] = pc.equal(columns["subject"], columns["issuer"])


def _same(octets: CertificateBytes, issuer: Elements, subject: Elements) -> Flags:
    """Return where both names are the same octets."""
    same: Flags = issuer.stop - issuer.start == subject.stop - subject.start
    rows = np.flatnonzero(same)
    issuers = octets.slices(issuer.start[rows], issuer.stop[rows])
    subjects = octets.slices(subject.start[rows], subject.stop[rows])
    same[rows] = np.fromiter(map(bytes.__eq__, issuers, subjects), bool, len(rows))
    return same


def _filled(column: pa.Array, other: pa.Array, rows: Rows) -> pa.Array:
    """Return the column with the values of the other one in these rows."""
    if len(rows) in (0, len(column)):
        return other if len(rows) else column
    mask = np.zeros(len(column), bool)
    mask[rows] = True
    return pc.if_else(pa.array(mask), other, column)


def _plain_names(octets: CertificateBytes, name: Elements) -> _Names:
    """Return the names whose RDNs have one 2.5.4.x attribute with a value that needs no escape."""
    size = len(name.at)
    row, at, rdn, plain = octets.children(name.start, name.stop, _MOST_RDNS)
    pair = octets.elements(rdn.start, rdn.stop)
    kind = octets.elements(pair.start, pair.stop)
    value = octets.elements(kind.stop, pair.stop)
    arc = octets.at(kind.start + 2)
    fits = (
        (pair.stop == rdn.stop)
        & (value.stop == pair.stop)
        & (value.start < value.stop)
        & value.sound
    )
    fits &= (
        (kind.stop == kind.start + 3)
        & (octets.at(kind.start) == 0x55)
        & (octets.at(kind.start + 1) == 0x04)
    )
    plain[row[~(fits & (arc < len(_ID_AT)) & _PLAIN_TAGS[value.tag])]] = False
    kept = plain[row]
    row, at, arc, start, stop = (
        row[kept],
        at[kept],
        arc[kept],
        value.start[kept],
        value.stop[kept],
    )
    values, needs_escape = _texts(octets, start, stop)
    plain[row[needs_escape]] = False
    return _Names(
        plain,
        _written(values, row, at, arc, size),
        *(_last(values, row, arc, kind, size) for kind in _LAST),
    )


def _texts(
    octets: CertificateBytes, start: Positions, stop: Positions
) -> tuple[pa.Array, Flags]:
    """Return the octets between these positions as text, and which texts need an escape."""
    data, offsets = octets.joint(start, stop)
    bad = np.flatnonzero(~_PLAIN[data])
    needs_escape = np.isin(data[offsets[:-1]], (0x20, 0x23)) | (
        data[offsets[1:] - 1] == 0x20
    )
    needs_escape[np.searchsorted(offsets, bad, side="right") - 1] = True
    data[bad] = 0x3F
    return pa.LargeStringArray.from_buffers(
        len(start), pa.py_buffer(offsets), pa.py_buffer(data)
    ), needs_escape


def _written(
    values: pa.Array, row: Positions, step: Positions, arc: Positions, size: int
) -> pa.Array:
    """Return names as RFC 4514 writes them, the last RDN first."""
    texts = pc.binary_join_element_wise(
        pa.array(_ID_AT, TEXT).take(pa.array(arc)), values, _EQUALS
    )
    count = np.bincount(row, minlength=size)
    offsets = np.concatenate(([0], np.cumsum(count)))
    order = np.empty(len(row), np.int64)
    order[offsets[row] + count[row] - 1 - step] = np.arange(len(row))
    return pc.binary_join(
        pa.LargeListArray.from_arrays(offsets, texts.take(pa.array(order))), _COMMA
    )


def _last(
    values: pa.Array, row: Positions, arc: Positions, kind: int, size: int
) -> pa.Array:
    """Return the last attribute of a kind."""
    last = np.full(size, -1)
    of_kind = np.flatnonzero(arc == kind)
    last[row[of_kind]] = of_kind
    return values.take(pa.array(last, mask=last < 0))


# subjectPublicKeyInfo

_BIT_LENGTH = np.array([octet.bit_length() for octet in range(256)])


def _read_keys(
    octets: CertificateBytes, rows: Rows, key: Elements, columns: Columns, odd: Flags
) -> None:
    algorithm = octets.elements(key.start, key.stop)
    kinds = octets.shared(algorithm.start, algorithm.stop, fields.key_algorithm)
    odd |= kinds.undecoded()
    columns["key_type"] = kinds.column("kind", rows, len(rows), TEXT)
    columns["curve"] = kinds.column("curve", rows, len(rows), TEXT)
    is_rsa = np.array(
        [bool(value) and value.kind == "RSA" for value in kinds.values], bool
    )[kinds.code]
    bits = octets.elements(algorithm.stop, key.stop)
    numbers = octets.elements(bits.start + 1, bits.stop)
    modulus = octets.elements(numbers.start, numbers.stop)
    size = _bit_length(octets, modulus)
    fits = (
        (bits.tag == BIT_STRING)
        & (numbers.tag == SEQUENCE)
        & (modulus.tag == INTEGER)
    )
    fits &= bits.sound & numbers.sound & modulus.sound & (size > 0)
    odd |= is_rsa & ~fits
    sizes = kinds.column("size", rows, len(rows), pa.int64())
    columns["key_size"] = pc.if_else(pa.array(is_rsa), pa.array(size), sizes)


def _bit_length(octets: CertificateBytes, number: Elements) -> Positions:
    """Return the length of positive INTEGERs in bits, and 0 for others."""
    sign = octets.at(number.start)
    padded = sign == 0
    first = np.where(padded, octets.at(number.start + 1), sign)
    length = (number.stop - number.start - 1 - padded) * 8 + _BIT_LENGTH[first]
    return np.where((sign > 0x7F) | (first == 0), 0, length)


# extensions

_SLOTS = np.full(256, -1)
_SLOTS[[oid[2] for oid in _READ]] = np.arange(len(_READ))


class _Value(NamedTuple):
    """The value of an extension, None included."""

    value: str | None


class _Extension(NamedTuple):
    """One extension: the certificates that have it, and where its values start and stop."""

    rows: Rows
    start: Positions
    stop: Positions


def _read_extensions(
    octets: CertificateBytes, listed: Elements, columns: Columns, odd: Flags
) -> None:
    starts, stops = _extension_values(octets, listed, odd)

    def extension(oid: bytes) -> _Extension:
        start, stop = starts[_SLOTS[oid[2]]], stops[_SLOTS[oid[2]]]
        rows = np.flatnonzero(start)
        return _Extension(rows, start[rows], stop[rows])

    columns["subject_key_id"] = _subject_key_ids(
        octets, extension(oids.SUBJECT_KEY_ID), odd
    )
    for oid, decode, column in (
        (oids.KEY_USAGE, fields.key_usage, "key_usage"),
        (oids.AUTHORITY_KEY_ID, fields.authority_key_id, "authority_key_id"),
        (oids.EXTENDED_KEY_USAGE, fields.extended_key_usage, "extended_key_usage"),
    ):
        columns[column] = _texts_of(octets, extension(oid), decode, odd)
    rows, start, stop = extension(oids.BASIC_CONSTRAINTS)
    decoded = octets.shared(
        start, stop, lambda value: fields.basic_constraints(fields.whole(value))
    )
    odd[rows] |= decoded.undecoded()
    columns["is_ca"] = decoded.column("is_ca", rows, len(odd), pa.bool_())
    columns["path_length"] = decoded.column("path_length", rows, len(odd), pa.int64())
    _read_alt_names(octets, extension(oids.SUBJECT_ALT_NAME), columns, odd)


def _texts_of(
    octets: CertificateBytes,
    extension: _Extension,
    decode: Callable[[bytes], str | None],
    odd: Flags,
) -> pa.Array:
    decoded = octets.shared(
        extension.start,
        extension.stop,
        lambda value: _Value(decode(fields.whole(value))),
    )
    odd[extension.rows] |= decoded.undecoded()
    return decoded.column("value", extension.rows, len(odd), TEXT)


def _subject_key_ids(
    octets: CertificateBytes, extension: _Extension, odd: Flags
) -> pa.Array:
    value = octets.elements(extension.start, extension.stop)
    odd[extension.rows] |= (
        ~value.sound | (value.tag != OCTET_STRING) | (value.stop != extension.stop)
    )
    position = np.full(len(odd), -1)
    position[extension.rows] = np.arange(len(extension.rows))
    ids = octets.hex(np.minimum(value.start, extension.stop), extension.stop)
    return ids.take(pa.array(position, mask=position < 0))


def _read_alt_names(
    octets: CertificateBytes, extension: _Extension, columns: Columns, odd: Flags
) -> None:
    dns: list[list[str]] = [[] for _ in odd]
    addresses: list[list[str]] = [[] for _ in odd]
    others = np.full(len(odd), -1)
    plain = _read_dns_names(octets, extension, dns)
    others[extension.rows[plain]] = 0
    rest = np.flatnonzero(~plain)
    contents = octets.slices(extension.start[rest], extension.stop[rest])
    for row, content in zip(extension.rows[rest].tolist(), contents, strict=True):
        try:
            dns[row], addresses[row], others[row] = fields.subject_alt_name(
                fields.whole(content)
            )
        except ValueError:
            odd[row] = True
    counts = pa.array(others, mask=others < 0)
    columns |= {"dns_names": dns, "ip_addresses": addresses, "other_names": counts}


def _read_dns_names(
    octets: CertificateBytes, extension: _Extension, dns: list[list[str]]
) -> Flags:
    """Read the lists of a few DNS names in ASCII and nothing else; return which those are."""
    names = octets.elements(extension.start, extension.stop)
    plain: Flags = (
        names.sound & (names.tag == SEQUENCE) & (names.stop == extension.stop)
    )
    at, _, name, complete = octets.children(
        names.start, np.where(plain, names.stop, names.start), _MOST_NAMES
    )
    plain &= complete
    plain[at[name.tag != fields.DNS_NAME]] = False
    order = np.argsort(at, kind="stable")
    order = order[plain[at[order]]]
    at = at[order]
    texts, is_ascii = octets.texts(name.start[order], name.stop[order])
    plain[at[~is_ascii]] = False
    of_row = np.concatenate(
        ([0], np.cumsum(np.bincount(at, minlength=len(plain))))
    ).tolist()
    for row, which in zip(
        np.flatnonzero(plain).tolist(), extension.rows[plain].tolist(), strict=True
    ):
        dns[which] = texts[of_row[row] : of_row[row + 1]]
    return plain


def _extension_values(
    octets: CertificateBytes, listed: Elements, odd: Flags
) -> tuple[Positions, Positions]:
    """Return where the values of the extensions in `_READ` start and stop; 0 = absent."""
    starts, stops = np.zeros((2, len(_READ), len(odd)), np.int64)
    entries = extensions(octets, listed)
    odd |= ~entries.complete
    slot = _SLOTS[entries.arc]
    of_use = slot >= 0
    odd[entries.certificate[of_use & ~entries.sound]] = True
    of_use &= entries.sound
    slot, row = slot[of_use], entries.certificate[of_use]
    starts[slot, row], stops[slot, row] = (
        entries.value.start[of_use],
        entries.value.stop[of_use],
    )
    times = np.bincount(slot * len(odd) + row, minlength=starts.size).reshape(
        starts.shape
    )
    odd |= (times > 1).any(axis=0)
    return starts, stops


# signatureAlgorithm


def _read_algorithms(
    octets: CertificateBytes,
    rows: Rows,
    algorithm: Elements,
    columns: Columns,
    odd: Flags,
) -> None:
    decoded = octets.shared(algorithm.start, algorithm.stop, fields.algorithm)
    odd |= decoded.undecoded()
    columns["signature_algorithm"] = decoded.column("name", rows, len(rows), TEXT)
    columns["signature_hash"] = decoded.column("hash", rows, len(rows), TEXT)
