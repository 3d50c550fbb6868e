"""Stand-in certificates: the same structure byte by byte, other names, keys and signatures.

Nothing is built anew: the DER is walked, and what names somebody is replaced where it stands. So
odd encodings, the order of extensions and mistakes in them stay what they are.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from ...x509.ber import (
    ASCII_STRINGS,
    BIT_STRING,
    BMP_STRING,
    BOOLEAN,
    CONTEXT_0,
    CONTEXT_3,
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
    children,
    content,
    element,
    encoded,
)
from ...x509.oids import (
    AUTHORITY_KEY_ID,
    NAME_CONSTRAINTS,
    SUBJECT_ALT_NAME,
    SUBJECT_KEY_ID,
)
from ...x509.signatures import sign
from ...x509.structure import ISSUER_ID, SUBJECT_ID, Structure, structure
from .keys import StandInKeys
from .words import Pseudonyms

_KEPT = frozenset(
    bytes.fromhex(oid)
    for oid in (
        "551d0f",  # key usage
        "551d13",  # basic constraints
        "551d24",  # policy constraints
        "551d25",  # extended key usage
        "551d36",  # inhibit anyPolicy
        "6086480186f8420101",  # Netscape certificate type
        "2b06010505070118",  # TLS feature
        "2b0601050507300105",  # OCSP no check
    )
)
"""Extensions that name nobody."""
_COUNTRY = bytes.fromhex("550406")
_ISSUER_ALT_NAME = bytes.fromhex("551d12")
_STRINGS = {
    UTF8_STRING: "utf-8",
    BMP_STRING: "utf-16-be",
    UNIVERSAL_STRING: "utf-32-be",
    **dict.fromkeys(ASCII_STRINGS, "latin-1"),
}
_PLAIN = frozenset((BOOLEAN, OID, 0x05, 0x0A, UTC_TIME, GENERALIZED_TIME))
"""Tags of what names nobody: flags, types, NULL, enumerations, dates."""
_NESTED = 0x20
_MAIL, _DNS, _DIRECTORY, _URI, _IP, _REGISTERED = 0x81, 0x82, 0xA4, 0x86, 0x87, 0x88
_DEEPEST = 30


class StandIns:
    """Stand-ins for the certificates of one fleet.

    Parameters
    ----------
    pseudonyms : Pseudonyms
        For all that names somebody.
    signers : mapping of bytes to bytes
        The DER of the issuer of each certificate whose signature verifies, by its own DER.
    """

    def __init__(
        self, pseudonyms: Pseudonyms, signers: Mapping[bytes, bytes]
    ) -> None:
        self._pseudonyms = pseudonyms
        self._keys = StandInKeys(pseudonyms)
        self._signers = signers

    def certificate(self, der: bytes) -> bytes | None:
        """Return the stand-in for a certificate, None where it cannot be taken apart."""
        parts = structure(der)
        if parts is None:
            return None
        try:
            signed = self._signed_part(parts)
            signature = self._signature(der, parts, signed)
        except (BadEncoding, ValueError, IndexError, UnicodeError):
            return None
        if signature is None:
            return None
        bits = encoded(BIT_STRING, b"\0" + signature)
        return encoded(SEQUENCE, signed + parts.algorithm + bits)

    def _signed_part(self, parts: Structure) -> bytes:
        names = {
            parts.issuer: self._name(parts.issuer),
            parts.subject: self._name(parts.subject),
        }
        made = []
        serial_seen = False
        for number, field in enumerate(children(content(parts.signed, SEQUENCE))):
            if number == 0 and field[0] == CONTEXT_0:
                made.append(field)
            elif field[0] == INTEGER and not serial_seen:
                serial_seen = True
                number_ = self._pseudonyms.integer(content(field, INTEGER))
                made.append(encoded(INTEGER, number_))
            elif field[0] == CONTEXT_3:
                made.append(encoded(CONTEXT_3, self._extensions(field)))
            elif field[0] in (ISSUER_ID, SUBJECT_ID):
                made.append(encoded(field[0], self._opaque(content(field, field[0]))))
            else:
                made.append(field)
        # After the serial: algorithm, issuer, validity, subject, key.
        first = next(at for at, field in enumerate(made) if field[0] == INTEGER) + 1
        made[first + 1] = names[parts.issuer]
        made[first + 3] = names[parts.subject]
        made[first + 4] = self._keys.public(parts.public_key)
        return encoded(SEQUENCE, b"".join(made))

    def _signature(self, der: bytes, parts: Structure, signed: bytes) -> bytes | None:
        issuer = self._signers.get(der)
        above = None if issuer is None else structure(issuer)
        if above is not None:
            key = self._keys.private(above.public_key)
            return None if key is None else sign(key, parts.algorithm, signed)
        # It verified under no key at hand, and shall not do so now.
        return _broken(parts.signature)

    # Names

    def _name(self, name: bytes) -> bytes:
        """Return a Name with other values."""
        sets = [
            encoded(SET, b"".join(map(self._attribute, children(content(part, SET)))))
            for part in children(content(name, SEQUENCE))
        ]
        return encoded(SEQUENCE, b"".join(sets))

    def _attribute(self, attribute: bytes) -> bytes:
        kind, *values = children(content(attribute, SEQUENCE))
        if content(kind, OID) == _COUNTRY:
            return attribute
        return encoded(SEQUENCE, kind + b"".join(map(self._replaced, values)))

    def _string(self, tag: int, data: bytes) -> bytes:
        """Return the content of a string with its pseudonym, in the same encoding."""
        encoding = _STRINGS.get(tag, "latin-1")
        try:
            text = data.decode(encoding)
            return self._pseudonyms.text(text).encode(encoding)
        except UnicodeError:
            return self._opaque(data)

    # Extensions

    def _extensions(self, field: bytes) -> bytes:
        made = []
        for entry in children(content(content(field, CONTEXT_3), SEQUENCE)):
            *head, value = children(content(entry, SEQUENCE))
            inside = self._extension(
                content(head[0], OID), content(value, OCTET_STRING)
            )
            made.append(
                encoded(SEQUENCE, b"".join(head) + encoded(OCTET_STRING, inside))
            )
        return encoded(SEQUENCE, b"".join(made))

    def _extension(self, oid: bytes, value: bytes) -> bytes:
        if oid in _KEPT:
            return value
        try:
            if oid == SUBJECT_KEY_ID:
                own = self._key_id(content(value, OCTET_STRING))
                return encoded(OCTET_STRING, own)
            if oid == AUTHORITY_KEY_ID:
                return self._authority_key_id(value)
            if oid in (SUBJECT_ALT_NAME, _ISSUER_ALT_NAME):
                return self._general_names(value)
            if oid == NAME_CONSTRAINTS:
                return self._name_constraints(value)
            return self._replaced(value)
        except (BadEncoding, ValueError, IndexError):
            return self._malformed(value)

    def _malformed(self, value: bytes) -> bytes:
        """Return other bytes that are as malformed: the first one and the length stay."""
        return value[:2] + self._opaque(value[2:])

    def _key_id(self, data: bytes) -> bytes:
        return self._pseudonyms.other_bytes(data, "key identifier")

    def _authority_key_id(self, value: bytes) -> bytes:
        made = []
        for field in children(content(value, SEQUENCE)):
            inside = content(field, field[0])
            if field[0] == 0x80:
                inside = self._key_id(inside)
            elif field[0] == 0xA1:
                inside = b"".join(map(self._general_name, children(inside)))
            elif field[0] == 0x82:
                inside = self._pseudonyms.integer(inside)
            else:
                inside = self._opaque(inside)
            made.append(encoded(field[0], inside))
        return encoded(SEQUENCE, b"".join(made))

    def _general_names(self, value: bytes) -> bytes:
        names = children(content(value, SEQUENCE))
        return encoded(SEQUENCE, b"".join(map(self._general_name, names)))

    def _general_name(self, name: bytes) -> bytes:
        tag, inside = name[0], content(name, name[0])
        if tag in (_MAIL, _DNS):
            return encoded(tag, self._string(tag, inside))
        if tag == _URI:
            scheme, separator, rest = inside.partition(b"://")
            if separator:
                return encoded(tag, scheme + separator + self._string(tag, rest))
            return encoded(tag, self._string(tag, inside))
        if tag == _IP:
            return encoded(tag, self._pseudonyms.packed_address(inside))
        if tag == _DIRECTORY:
            return encoded(tag, self._name(inside))
        if tag == _REGISTERED:
            return name
        return self._replaced(name)

    def _name_constraints(self, value: bytes) -> bytes:
        made = []
        for field in children(content(value, SEQUENCE)):
            trees = []
            for tree in children(content(field, field[0])):
                base, *bounds = children(content(tree, SEQUENCE))
                trees.append(
                    encoded(SEQUENCE, self._general_name(base) + b"".join(bounds))
                )
            made.append(encoded(field[0], b"".join(trees)))
        return encoded(SEQUENCE, b"".join(made))

    # What is not known: strings get pseudonyms, bytes become others, the structure stays.

    def _replaced(self, value: bytes, depth: int = 0) -> bytes:
        """Return an element with everything in it replaced that may name somebody."""
        tag, start, stop, end = element(value, strict=True)
        if end != len(value) or depth > _DEEPEST:
            raise BadEncoding("not one element")
        inside = value[start:stop]
        if tag & _NESTED:
            parts = (self._replaced(part, depth + 1) for part in children(inside))
            return encoded(tag, b"".join(parts))
        if tag in _PLAIN:
            return value
        if tag == INTEGER:
            return encoded(tag, self._pseudonyms.integer(inside))
        if tag in _STRINGS:
            return encoded(tag, self._string(tag, inside))
        if tag == BIT_STRING:
            return encoded(tag, inside[:1] + self._opaque(inside[1:]))
        if tag == OCTET_STRING:
            try:
                return encoded(tag, self._replaced(inside, depth + 1))
            except (BadEncoding, ValueError, IndexError):
                return encoded(tag, self._opaque(inside))
        if tag & 0xC0 == 0x80 and inside.isascii() and inside.decode().isprintable():
            if tag == _URI:
                return self._general_name(value)
            return encoded(tag, self._string(tag, inside))
        return encoded(tag, self._opaque(inside))

    def _opaque(self, data: bytes) -> bytes:
        return self._pseudonyms.other_bytes(data)


def _broken(signature: bytes) -> bytes:
    """Return random bytes in the form of a signature."""
    try:
        numbers = [
            content(part, INTEGER) for part in children(content(signature, SEQUENCE))
        ]
    except BadEncoding:
        return signature[:1] and b"\x01" + secrets.token_bytes(len(signature) - 1)
    made = (
        encoded(
            INTEGER,
            bytes([1 + secrets.randbelow(126)])
            + secrets.token_bytes(len(number) - 1),
        )
        for number in numbers
        if number
    )
    return encoded(SEQUENCE, b"".join(made))
