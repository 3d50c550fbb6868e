"""The fields of a certificate (RFC 5280, section 4.1): the bytes of a field in, its values out.

Every function takes the content of an element (without tag and length) unless it says
otherwise, and raises `BadEncoding` where the field cannot be read. Lengths that only BER allows
are read too: what strict readers refuse is shown all the same, and `parse_error` says so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from .ber import (
    ASCII_STRINGS,
    BIT_STRING,
    BMP_STRING,
    BOOLEAN,
    CONTEXT_0,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UNIVERSAL_STRING,
    UTC_TIME,
    UTF8_STRING,
    BadEncoding,
    element,
    elements,
    number,
    only,
)
from .ber import dotted as uncached_dotted
from .oids import (
    ATTRIBUTES,
    CURVES,
    HASHES,
    KEY_TYPES,
    KEY_USAGES,
    PSS,
    PURPOSES,
    SIGNATURES,
)

DNS_NAME, IP_ADDRESS, KEY_IDENTIFIER = 0x82, 0x87, 0x80


# Names, algorithms and OIDs recur all over a fleet; a cache holds those of a few CAs.
dotted = lru_cache(maxsize=1024)(uncached_dotted)


# version, serialNumber


def serial_number(content: bytes) -> str:
    """Return a serial number in hex, with a minus sign where it is negative."""
    return format(number(content), "x")


# signature algorithm


class Algorithm(NamedTuple):
    """A signature algorithm, its hash, and what is unknown about it."""

    name: str
    hash: str | None
    problem: str | None


@lru_cache(maxsize=256)
def algorithm(content: bytes) -> Algorithm:
    """Return a signature algorithm by name, else by OID, and its hash."""
    parts = list(elements(content))
    if not parts or parts[0][0] != OID:
        raise BadEncoding("no OID")
    oid = dotted(parts[0][1])
    if oid == PSS:
        return _pss(parts[1:])
    if oid not in SIGNATURES:
        return Algorithm(oid, None, f"algorithm {oid} is not known")
    return Algorithm(SIGNATURES[oid].name, SIGNATURES[oid].hash, None)


def _pss(parameters: list[tuple[int, bytes]]) -> Algorithm:
    oid = "1.3.14.3.2.26"
    try:
        for tag, content in elements(parameters[0][1]) if parameters else ():
            if tag == CONTEXT_0:
                oid = dotted(only(only(content, SEQUENCE), OID))
    except BadEncoding as problem:
        return Algorithm("rsassaPss", None, f"parameters: {problem}")
    digest = HASHES.get(oid)
    return Algorithm(
        "rsassaPss", digest, None if digest else f"algorithm {oid} is not known"
    )


# issuer, subject

PLAIN_STRINGS = frozenset((UTF8_STRING, *ASCII_STRINGS))
"""Types of attribute values whose ASCII is what it looks like."""
STRING_TAGS = PLAIN_STRINGS | {OCTET_STRING, UTC_TIME, GENERALIZED_TIME}
"""Types of attribute values that are read as UTF-8."""

_ESCAPES = str.maketrans(
    {special: f"\\{special}" for special in '\\"+,;<>'} | {"\0": "\\00"}
)


class Name(NamedTuple):
    """A distinguished name: its RFC 4514 text, some attributes, and what is odd in it."""

    text: str
    common_name: str | None
    organisation: str | None
    country: str | None
    problem: str | None


class _Rdn(NamedTuple):
    """One relative distinguished name: its text, its attributes, and what is odd in it."""

    text: str
    attributes: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]


@lru_cache(maxsize=256)
def name(content: bytes) -> Name:
    """Return a Name: an RDNSequence, of which RFC 4514 writes the last RDN first."""
    rdns = [_rdn(tag, rdn) for tag, rdn in elements(content)]
    last = {kind: value for rdn in rdns for kind, value in rdn.attributes}
    problem = (
        ", ".join(dict.fromkeys(problem for rdn in rdns for problem in rdn.problems))
        or None
    )
    text = ",".join(rdn.text for rdn in reversed(rdns) if rdn.attributes)
    return Name(text, last.get("CN"), last.get("O"), last.get("C"), problem)


@lru_cache(maxsize=1024)
def _rdn(tag: int, content: bytes) -> _Rdn:
    problems: list[str] = []
    if tag != SET or not content:
        problems.append(
            "an empty RDN" if tag == SET else f"tag {tag:#04x} where a SET belongs"
        )
    attributes = list(_attributes(content, problems))
    text = "+".join(f"{kind}={escaped(value)}" for kind, value in attributes)
    values = tuple(
        (kind, value if isinstance(value, str) else f"#{value.hex()}")
        for kind, value in attributes
    )
    return _Rdn(text, values, tuple(problems))


def _attributes(rdn: bytes, problems: list[str]) -> Iterator[tuple[str, str | bytes]]:
    """Yield type and value of an RDN's attributes; note in `problems` what cannot be read."""
    for _, pair in elements(rdn):
        try:
            (kind, oid), (tag, value), *_ = elements(pair)
            written = dotted(oid)
        except ValueError as problem:
            problems.append(
                f"an attribute that is no pair of type and value ({problem})"
            )
            continue
        if kind != OID:
            problems.append("an attribute without type")
            continue
        short = ATTRIBUTES.get(written, written)
        yield short, value if tag == BIT_STRING else _string(tag, value, problems)


def _string(tag: int, value: bytes, problems: list[str]) -> str:
    encoding = {BMP_STRING: "utf-16-be", UNIVERSAL_STRING: "utf-32-be"}.get(
        tag, "utf-8"
    )
    try:
        if tag not in STRING_TAGS and encoding == "utf-8":
            problems.append(f"a value of string type {tag:#04x}")
        return value.decode(encoding)
    except UnicodeDecodeError:
        problems.append(f"a value that is not {encoding.upper()}")
        return (
            value.decode("latin-1")
            if encoding == "utf-8"
            else value.decode(encoding, "replace")
        )


def escaped(value: str | bytes) -> str:
    """Return a value as RFC 4514, section 2.4, writes it."""
    if isinstance(value, bytes):
        return f"#{value.hex()}" if value else ""
    text = value.translate(_ESCAPES)
    if value.startswith("#") or (value.startswith(" ") and len(value) > 1):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if value.endswith(" ") else text


# subjectPublicKeyInfo

_LARGEST_FIELD = 1 << 16


class KeyAlgorithm(NamedTuple):
    """The algorithm of a public key: its kind, and what follows from its parameters."""

    kind: str
    size: int | None
    curve: str | None
    problem: str | None


@lru_cache(maxsize=256)
def key_algorithm(content: bytes) -> KeyAlgorithm:
    """Return the algorithm of a SubjectPublicKeyInfo; an RSA key's size is in the key itself."""
    parts = list(elements(content))
    if not parts or parts[0][0] != OID:
        raise BadEncoding("no OID")
    oid = dotted(parts[0][1])
    kind = KEY_TYPES.get(oid, oid)
    try:
        if kind == "EC":
            return _ec(parts[1:])
        if kind == "DSA" and parts[1:] and parts[1][0] == SEQUENCE:
            return KeyAlgorithm(
                kind, number(only(parts[1][1], INTEGER)).bit_length(), None, None
            )
    except BadEncoding as problem:
        return KeyAlgorithm(kind, None, None, str(problem))
    return KeyAlgorithm(kind, None, None, None)


def _ec(parameters: list[tuple[int, bytes]]) -> KeyAlgorithm:
    if not parameters:
        raise BadEncoding("no curve")
    tag, content = parameters[0]
    if tag == OID:
        oid = dotted(content)
        curve, size = CURVES.get(oid, (oid, None))
        return KeyAlgorithm(
            "EC", size, curve, None if oid in CURVES else f"curve {oid} is not known"
        )
    if tag == SEQUENCE:
        return KeyAlgorithm(
            "EC",
            _field_size(content),
            None,
            "the curve is given by explicit parameters",
        )
    raise BadEncoding("no named curve")


def _field_size(parameters: bytes) -> int | None:
    """Return the field size of explicit parameters: version, field type, prime or degree."""
    try:
        _, (_, field), *_ = elements(parameters)
        _, (tag, content), *_ = elements(field)
        size = (
            number(content).bit_length()
            if tag == INTEGER
            else number(only(content, INTEGER))
        )
    except ValueError:
        return None
    return size if 0 < size < _LARGEST_FIELD else None


def rsa_key_size(content: bytes) -> int:
    """Return the size of the modulus in the content of a subjectPublicKey's BIT STRING."""
    return number(only(only(content[1:], SEQUENCE), INTEGER)).bit_length()


# extensions

AltNames = tuple[list[str], list[str], int]


def extension_name(oid: bytes) -> str:
    """Return an extension's OID as text, from the content of its element."""
    try:
        return dotted(oid)
    except BadEncoding:
        return f"#{oid[:64].hex()}"


def whole(value: bytes) -> bytes:
    """Return an extension's value, which must be one element with nothing after it."""
    *_, after = element(value, 0, len(value))
    if after != len(value):
        raise BadEncoding("bytes after the value")
    return value


def subject_key_id(value: bytes) -> str:
    """Return the value of a subjectKeyIdentifier in hex."""
    return only(value, OCTET_STRING).hex()


def key_usage(value: bytes) -> str:
    """Return the bits of a keyUsage by name, joined by a comma."""
    content = only(value, BIT_STRING)
    if not content:
        raise BadEncoding("a bit string without content")
    unused = min(content[0], 7) if len(content) < 4 else 0
    bits = int.from_bytes(content[1:3], "big") >> unused << unused
    bits <<= 8 * (2 - len(content[1:3]))
    return ",".join(
        usage for at, usage in enumerate(KEY_USAGES) if bits >> 15 - at & 1
    )


def subject_alt_name(value: bytes, problems: list[str] | None = None) -> AltNames:
    """Return DNS names, addresses and the number of other names of a subjectAltName.

    What is odd in a name is added to `problems`, or raised where there is no such list.
    """
    dns: list[str] = []
    addresses: list[str] = []
    others = 0
    odd: list[str] = [] if problems is None else problems
    for tag, content in elements(only(value, SEQUENCE)):
        if tag == DNS_NAME:
            dns.append(
                content.decode()
                if content.isascii()
                else _string(UTF8_STRING, content, odd)
            )
        elif tag == IP_ADDRESS:
            try:
                addresses.append(_address(content))
            except BadEncoding as problem:
                odd.append(str(problem))
        else:
            others += 1
    if problems is None and odd:
        raise BadEncoding(odd[0])
    return dns, addresses, others


def _address(content: bytes) -> str:
    if len(content) in (4, 16):
        return str(ipaddress.ip_address(content))
    half = len(content) // 2
    if len(content) in (8, 32):
        # Address and mask belong in name constraints, but occur here too.
        mask = int.from_bytes(content[half:], "big")
        ones = mask.bit_count()
        if mask == ((1 << ones) - 1) << (8 * half - ones):
            return str(ipaddress.ip_network((content[:half], ones), strict=False))
    raise BadEncoding(f"an IP address of {len(content)} bytes: {content[:32].hex()}")


class Constraints(NamedTuple):
    """A basicConstraints: cA, pathLenConstraint, and what is odd in it."""

    is_ca: bool
    path_length: int | None
    problem: str | None


def basic_constraints(value: bytes) -> Constraints:
    """Return cA and pathLenConstraint of a basicConstraints."""
    is_ca, path_length = False, None
    for tag, content in elements(only(value, SEQUENCE)):
        if tag == BOOLEAN and len(content) == 1:
            is_ca = content != b"\0"
        elif tag == INTEGER:
            path_length = number(content)
        else:
            raise BadEncoding(f"tag {tag:#04x} in basicConstraints")
    if path_length is not None and not -(1 << 63) <= path_length < 1 << 63:
        return Constraints(is_ca, None, "a path length beyond 64 bits")
    return Constraints(is_ca, path_length, None)


def authority_key_id(value: bytes) -> str | None:
    """Return the keyIdentifier of an authorityKeyIdentifier in hex."""
    return next(
        (
            content.hex()
            for tag, content in elements(only(value, SEQUENCE))
            if tag == KEY_IDENTIFIER
        ),
        None,
    )


def extended_key_usage(value: bytes) -> str:
    """Return the purposes of an extendedKeyUsage by name, else by OID, joined by a comma."""
    oids = [
        dotted(content)
        for tag, content in elements(only(value, SEQUENCE))
        if tag == OID
    ]
    return ",".join(PURPOSES.get(oid, oid) for oid in oids)
