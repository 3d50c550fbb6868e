"""One certificate, field by field (RFC 5280, section 4.1); an odd field costs only its own columns.

    Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
    TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject,
                                  subjectPublicKeyInfo, [1] issuerUniqueID, [2] subjectUniqueID,
                                  [3] extensions }

The columnar reader leaves to this one what it does not know. Fields are told apart by their
position, so that one of a wrong type does not move the others. What is left of a truncated
certificate is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from . import fields, oids
from .ber import (
    BIT_STRING,
    CONTEXT_0,
    CONTEXT_3,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    BadEncoding,
    encoded,
    number,
    only,
    parts,
)
from .times import time

Element = tuple[int, bytes]
Row = dict[str, Any]

_NO_ELEMENT: Element = (0, b"")
_MOST_PROBLEMS = 20


class _Problems(list[str]):
    """What could not be read; `of` collects what reading a field raises."""

    def of(self, field: str) -> _Field:
        return _Field(self, field)


class _Field:
    def __init__(self, problems: list[str], field: str) -> None:
        self._problems, self._field = problems, field

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> bool:
        if isinstance(problem, BadEncoding | ValueError):
            self._problems.append(f"{self._field}: {problem}")
            return True
        return False


def read(der: bytes) -> Row:
    """Return the columns of one certificate that can be read; `parse_error` tells of the others."""
    row: Row = {"dns_names": [], "ip_addresses": []}
    problems = _Problems()
    outer, cut = parts(der)
    tag, content = outer[0] if outer else _NO_ELEMENT
    if tag != SEQUENCE:
        row["parse_error"] = "no SEQUENCE, so no certificate"
        return row
    if len(outer) > 1:
        problems.append("bytes after the certificate")
    inner, inner_cut = parts(content)
    if cut or inner_cut:
        problems.append(cut or inner_cut or "")
    signed, algorithm, *_ = [*inner, _NO_ELEMENT, _NO_ELEMENT]
    if signed[0] != SEQUENCE:
        problems.append("no tbsCertificate")
    else:
        _read_signed(signed[1], algorithm, row, problems)
    # A certificate may be wrong a hundred thousand times, and a few of them are enough.
    row["parse_error"] = (
        "; ".join(list(dict.fromkeys(problems))[:_MOST_PROBLEMS]) or None
    )
    return row


def _read_signed(
    signed: bytes, outer_algorithm: Element, row: Row, problems: _Problems
) -> None:
    elements, cut = parts(signed)
    if cut and not problems:
        problems.append(f"tbsCertificate: {cut}")
    row["version"] = 1
    if elements and elements[0][0] == CONTEXT_0:
        with problems.of("version"):
            row["version"] = None
            row["version"] = _small(number(only(elements.pop(0)[1], INTEGER)) + 1)
    missing = 6 - len(elements)
    if missing > 0:
        problems.append(f"tbsCertificate: {missing} fields are missing")
    filled = [*elements, *[_NO_ELEMENT] * max(missing, 0)]
    serial, algorithm, issuer, validity, subject, key, *rest = filled
    with problems.of("serial_number"):
        row["serial_number"] = fields.serial_number(_content(serial, INTEGER))
    with problems.of("signature_algorithm"):
        _read_algorithm(
            outer_algorithm if outer_algorithm[0] == SEQUENCE else algorithm, row
        )
    with problems.of("issuer"):
        _read_issuer(issuer, row)
    _read_validity(validity, row, problems)
    with problems.of("subject"):
        _read_subject(subject, row)
    if "subject" in row and "issuer" in row:
        row["self_issued"] = row["subject"] == row["issuer"]
    with problems.of("subject_public_key"):
        _read_key(_content(key, SEQUENCE), row)
    extensions = next((content for tag, content in rest if tag == CONTEXT_3), None)
    if extensions is not None:
        _read_extensions(extensions, row, problems)


def _content(part: Element, tag: int) -> bytes:
    if part is _NO_ELEMENT:
        raise BadEncoding("missing")
    if part[0] != tag:
        raise BadEncoding(f"tag {part[0]:#04x} where {tag:#04x} belongs")
    return part[1]


def _small(value: int) -> int:
    if not -(1 << 63) <= value < 1 << 63:
        raise BadEncoding("a number beyond 64 bits")
    return value


def _raise(problem: str | None) -> None:
    """Raise what is wrong with values that were read all the same."""
    if problem:
        raise BadEncoding(problem)


def _read_algorithm(part: Element, row: Row) -> None:
    row["signature_algorithm"], row["signature_hash"], problem = fields.algorithm(
        _content(part, SEQUENCE)
    )
    _raise(problem)


def _read_issuer(part: Element, row: Row) -> None:
    name = fields.name(_content(part, SEQUENCE))
    row |= {"issuer": name.text, "issuer_cn": name.common_name}
    _raise(name.problem)


def _read_subject(part: Element, row: Row) -> None:
    name = fields.name(_content(part, SEQUENCE))
    row |= {"subject": name.text, "subject_cn": name.common_name}
    row |= {"organisation": name.organisation, "country": name.country}
    _raise(name.problem)


def _read_validity(part: Element, row: Row, problems: _Problems) -> None:
    times: list[Element] = []
    with problems.of("validity"):
        times = parts(_content(part, SEQUENCE))[0]
    for at, column in enumerate(("not_before", "not_after")):
        with problems.of(column):
            if at >= len(times):
                raise BadEncoding("missing")
            row[column], problem = time(*times[at])
            _raise(problem)


def _read_key(content: bytes, row: Row) -> None:
    algorithm, key, *_ = [*parts(content)[0], _NO_ELEMENT, _NO_ELEMENT]
    row["key_type"], row["key_size"], row["curve"], problem = fields.key_algorithm(
        _content(algorithm, SEQUENCE)
    )
    if row["key_type"] == "RSA":
        row["key_size"] = fields.rsa_key_size(_content(key, BIT_STRING))
    elif (
        row["key_type"] == "EC" and row["key_size"] is None and key[1][1:2] == b"\x04"
    ):
        # An uncompressed point is one octet and two coordinates, each as long as the field.
        row["key_size"] = (len(key[1]) - 2) // 2 * 8
    if (
        row["key_type"] == "EC"
        and problem
        and _read_known_curve(encoded(SEQUENCE, content), row)
    ):
        return
    _raise(problem)


def _read_known_curve(public_key: bytes, row: Row) -> bool:
    """Return True where cryptography recognises explicit parameters as a named curve."""
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, EllipticCurvePublicKey):
        row |= {"curve": key.curve.name, "key_size": key.key_size}
    return row["curve"] is not None


def _extension_values(
    content: bytes, problems: _Problems
) -> Iterator[tuple[bytes, bytes]]:
    with problems.of("extensions"):
        for _, extension in parts(only(content, SEQUENCE))[0]:
            elements = parts(extension)[0]
            if not elements or elements[0][0] != OID:
                problems.append("extensions: one without OID")
                continue
            (_, oid), (tag, value) = elements[0], elements[-1]
            if tag != OCTET_STRING:
                problems.append(
                    f"extension {fields.extension_name(oid)}: no OCTET STRING"
                )
                continue
            yield oid, value


def _read_extensions(content: bytes, row: Row, problems: _Problems) -> None:
    values: dict[bytes, list[bytes]] = defaultdict(list)
    for oid, value in _extension_values(content, problems):
        if oid in _EXTENSIONS:
            values[oid].append(value)
    for oid, occurrences in values.items():
        name = f"extension {fields.extension_name(oid)}"
        if len(occurrences) > 1:
            problems.append(f"{name}: occurs {len(occurrences)} times")
        # Twice the same says the same; two that differ say nothing.
        if len(set(occurrences)) == 1:
            with problems.of(name):
                _EXTENSIONS[oid](occurrences[0], row)
                fields.whole(occurrences[0])


def _read_alt_names(value: bytes, row: Row) -> None:
    problems: list[str] = []
    names = fields.subject_alt_name(value, problems)
    row["dns_names"], row["ip_addresses"], row["other_names"] = names
    _raise(", ".join(problems))


def _read_constraints(value: bytes, row: Row) -> None:
    row["is_ca"], row["path_length"], problem = fields.basic_constraints(value)
    _raise(problem)


def _column(
    name: str, decode: Callable[[bytes], str | None]
) -> Callable[[bytes, Row], None]:
    def read_extension(value: bytes, row: Row) -> None:
        row[name] = decode(value)

    return read_extension


_EXTENSIONS: dict[bytes, Callable[[bytes, Row], None]] = {
    oids.SUBJECT_KEY_ID: _column("subject_key_id", fields.subject_key_id),
    oids.KEY_USAGE: _column("key_usage", fields.key_usage),
    oids.SUBJECT_ALT_NAME: _read_alt_names,
    oids.BASIC_CONSTRAINTS: _read_constraints,
    oids.AUTHORITY_KEY_ID: _column("authority_key_id", fields.authority_key_id),
    oids.EXTENDED_KEY_USAGE: _column("extended_key_usage", fields.extended_key_usage),
}
