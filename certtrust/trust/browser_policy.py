"""Browser policy: what today's browsers object to in one certificate.

It depends on whether it is the server's, a CA between or an entry of the list. Learnt by serving
some three hundred certificates to a Chromium whose list held their roots; the tests do so again.
Firefox differs in details (it takes keys on P-521 from servers, too).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..texts.sentences import say
from ..x509.ber import (
    BIT_STRING,
    INTEGER,
    OID,
    SEQUENCE,
    BadEncoding,
    children,
    content,
    dotted,
)
from ..x509.extensions import extensions as read_extensions
from ..x509.oids import SIGNATURES
from ..x509.structure import Structure, structure

_SUBJECT_ALT_NAME, _KEY_USAGE, _EXTENDED_KEY_USAGE = (
    "2.5.29.17",
    "2.5.29.15",
    "2.5.29.37",
)
_UNDERSTOOD = {
    _SUBJECT_ALT_NAME,
    _KEY_USAGE,
    _EXTENDED_KEY_USAGE,
    "2.5.29.19",  # basic constraints
    "2.5.29.30",  # name constraints
    "2.5.29.32",  # certificate policies
    "2.5.29.33",  # policy mappings
    "2.5.29.36",  # policy constraints
    "2.5.29.54",  # inhibit anyPolicy
}
_FOR_SERVERS = {"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"}  # serverAuth, any purpose
_RSA, _EC, _PSS = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.2.840.113549.1.1.10"
_SIGNATURES = {
    *(
        f"1.2.840.113549.1.1.{number}" for number in (11, 12, 13)
    ),  # RSA with SHA-256, SHA-384, SHA-512
    *(f"1.2.840.10045.4.3.{number}" for number in (2, 3, 4)),  # ECDSA with these
}
_SHA2 = {f"2.16.840.1.101.3.4.2.{number}" for number in (1, 2, 3)}
_LEAST_RSA = 1024
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_P256, _P384, _P521 = "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"

_Extensions = Mapping[str, tuple[bool, bytes]]


def to_server(der: bytes) -> str:
    """Return what browsers object to in a server's own certificate; empty where nothing.

    Examples
    --------
    >>> to_server(b"no certificate")
    'it is not well-formed'
    """
    parts, extensions = _read(der)
    if parts is None or extensions is None:
        return say("trust.browsers.malformed")
    objections = [
        *_in_common(parts, extensions),
        *_to_key(parts, {_P256, _P384}),
        *_to_alt_names(parts, extensions),
    ]
    usage = extensions.get(_KEY_USAGE)
    if usage and not _bits(usage[1]) & 0x80:
        objections.append(say("trust.browsers.key_usage"))
    return ", ".join([*objections, *_to_signature(parts)])


def to_ca(der: bytes) -> str:
    """Return what browsers object to in a CA between the server's certificate and the list."""
    parts, _ = _read(der)
    if parts is None:
        return say("trust.browsers.malformed")
    return ", ".join([*_to_entry(der), *_to_signature(parts)])


def to_entry(der: bytes) -> str:
    """Return what browsers object to in a CA of their list, whose signature does not matter."""
    return ", ".join(_to_entry(der))


def _to_entry(der: bytes) -> list[str]:
    parts, extensions = _read(der)
    if parts is None or extensions is None:
        return [say("trust.browsers.malformed")]
    curves = {_P256, _P384, _P521}
    return [*_in_common(parts, extensions), *_to_key(parts, curves)]


def _read(der: bytes) -> tuple[Structure | None, _Extensions | None]:
    """Return the structure of a certificate and its extensions by OID, None if malformed."""
    parts = structure(der)
    if parts is None:
        return None, None
    try:
        values = read_extensions(parts).items()
        return parts, {dotted(oid): value for oid, value in values}
    except BadEncoding:
        return parts, None


def _in_common(parts: Structure, extensions: _Extensions) -> Iterator[str]:
    for oid, (critical, _) in extensions.items():
        if critical and oid not in _UNDERSTOOD:
            yield say("trust.browsers.critical_extension", extension=oid)
            break
    if extensions and parts.version != 3:
        yield say("trust.browsers.version")
    if _EXTENDED_KEY_USAGE in extensions:
        _, purposes = extensions[_EXTENDED_KEY_USAGE]
        if not _FOR_SERVERS & _purposes(purposes):
            yield say("trust.browsers.purpose")


def _to_signature(parts: Structure) -> Iterator[str]:
    try:
        oid, *parameters = children(content(parts.algorithm, SEQUENCE))
        name = dotted(content(oid, OID))
        strong = name in _SIGNATURES or (
            name == _PSS and _pss_hashes(parameters[0]) <= _SHA2
        )
    except (BadEncoding, ValueError, IndexError):
        yield say("trust.browsers.unread_algorithm")
        return
    if not strong:
        algorithm = SIGNATURES[name].name if name in SIGNATURES else name
        yield say("trust.browsers.weak_algorithm", algorithm=algorithm)
    elif parts.algorithm != parts.inner_algorithm:
        yield say("trust.browsers.two_algorithms")


def _pss_hashes(parameters: bytes) -> set[str]:
    """Return the hashes of message and mask; the default, SHA-1, as `sha1`."""
    fields = {field[0]: field for field in children(content(parameters, SEQUENCE))}
    if not {0xA0, 0xA1} <= set(fields):
        return {"sha1"}
    message = children(content(content(fields[0xA0], 0xA0), SEQUENCE))[0]
    generator = children(content(content(fields[0xA1], 0xA1), SEQUENCE))[1]
    mask = children(content(generator, SEQUENCE))[0]
    return {dotted(content(algorithm, OID)) for algorithm in (message, mask)}


def _to_key(parts: Structure, curves: set[str]) -> Iterator[str]:
    try:
        algorithm, key = children(content(parts.public_key, SEQUENCE))
        oid, *parameters = children(content(algorithm, SEQUENCE))
        kind = dotted(content(oid, OID))
        if kind == _RSA:
            modulus = content(
                children(content(content(key, BIT_STRING)[1:], SEQUENCE))[0], INTEGER
            )
            size = int.from_bytes(modulus, "big").bit_length()
            if size < _LEAST_RSA:
                yield say("trust.browsers.short_key", bits=str(size))
        elif kind != _EC or dotted(content(parameters[0], OID)) not in curves:
            yield say("trust.browsers.kind_of_key")
    except (BadEncoding, ValueError, IndexError):
        yield say("trust.browsers.unread_key")


def _to_alt_names(parts: Structure, extensions: _Extensions) -> Iterator[str]:
    if _SUBJECT_ALT_NAME not in extensions:
        return
    critical, value = extensions[_SUBJECT_ALT_NAME]
    try:
        if not critical and not content(parts.subject, SEQUENCE):
            yield say("trust.browsers.empty_subject")
        names = children(content(value, SEQUENCE))
        well_formed = bool(names) and all(map(_is_well_formed, names))
    except BadEncoding:
        well_formed = False
    if not well_formed:
        yield say("trust.browsers.malformed_names")


def _is_well_formed(name: bytes) -> bool:
    if name[0] == _IP_ADDRESS:
        return len(content(name, _IP_ADDRESS)) in (4, 16)
    return name[0] != _DNS_NAME or content(name, _DNS_NAME).isascii()


def _purposes(value: bytes) -> set[str]:
    try:
        return {
            dotted(content(oid, OID)) for oid in children(content(value, SEQUENCE))
        }
    except BadEncoding:
        return set()


def _bits(value: bytes) -> int:
    """Return the first eight bits of a BIT STRING."""
    try:
        octets = content(value, BIT_STRING)
    except BadEncoding:
        return 0
    return octets[1] if len(octets) > 1 else 0
