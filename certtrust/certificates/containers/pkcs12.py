"""PKCS#12 key stores: their certificates; keys are dropped as soon as they are decrypted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from ... import limits
from ...formats import About
from ...x509.ber import (
    CONTEXT_0,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    BadEncoding,
    number,
    only,
    parts,
)
from ..blocks import CERTIFICATE, PKCS7_OID, PKCS12, Block, end_of, kind_of
from ..passwords import passwords_for

NAME = PKCS12

_ENCRYPTED_DATA = PKCS7_OID + b"\6"
_X509_CERTIFICATE = bytes.fromhex("2a864886f70d01091601")
_CONSTRUCTED_OCTETS = 0x24


def sniff(head: bytes) -> bool:
    """Return True where content is one such structure and nothing else."""
    return kind_of(head) == PKCS12 and end_of(head) == len(head)


def read(stream: BinaryIO, about: About) -> Iterator[Block]:
    """Yield the certificates of a key store, the one that belongs to its key first."""
    store = stream.read()
    budget = about.options.get("rounds") or [limits.KEY_DERIVATION_ROUNDS]
    passwords = passwords_for(about.name, about.options.get("password"))
    rounds = _rounds(store) * max(len(passwords), 1)
    if rounds > min(budget[0], limits.KEY_DERIVATION_ROUNDS):
        yield Block(None, _too_many_rounds(rounds))
        return
    budget[0] -= rounds
    certificates, problem = _opened(store, passwords)
    if problem is not None:
        # A store that strict readers refuse may still hold certificates that nothing protects.
        certificates = list(_unprotected(store))
    for der in certificates:
        yield Block(der)
    if not certificates or _cut(store):
        yield Block(None, f"PKCS#12: {problem or 'holds no certificates'}")


def _too_many_rounds(rounds: int) -> str:
    bound = f"{limits.KEY_DERIVATION_ROUNDS:,} rounds of hashing"
    if rounds > limits.KEY_DERIVATION_ROUNDS:
        return f"PKCS#12: the file asks for more than {bound}"
    return f"PKCS#12: with the key stores before it, its file or archive asks for more than {bound}"


def _opened(
    store: bytes, passwords: Sequence[bytes]
) -> tuple[list[bytes], str | None]:
    """Return the certificates of a store, or why it cannot be opened."""
    possible = [password for password in passwords if b"\0" not in password]
    if passwords and not possible:
        return [], "a password holds no zero byte"
    problems: dict[bytes | None, str] = {}
    # Among many files some have no password, and some the empty one.
    for candidate in dict.fromkeys((*possible, None, b"")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # what is odd in a certificate stands in its row
                opened = load_pkcs12(store, candidate)
        except ValueError as problem:
            problems[candidate] = str(problem)
            continue
        certificates = [
            entry.certificate
            for entry in (opened.cert, *opened.additional_certs)
            if entry is not None
        ]
        del opened  # and the key with it
        return [
            certificate.public_bytes(Encoding.DER) for certificate in certificates
        ], None
    if cut := _cut(store):
        return [], cut
    if not possible and _ENCRYPTED_DATA in store:
        return [], "the password is missing"
    return [], problems[possible[0] if possible else None]


def _cut(store: bytes) -> str | None:
    return parts(store, 1)[1]


def _unprotected(store: bytes) -> Iterator[bytes]:
    """Yield the certificates that a store holds unencrypted (RFC 7292, section 4.2.3)."""
    for inside in _structures(store):
        for (tag, content), (_, value) in pairwise(parts(inside)[0]):
            if tag == OID and content == _X509_CERTIFICATE:
                try:
                    der = only(value, OCTET_STRING)
                except BadEncoding:
                    continue
                if kind_of(der) == CERTIFICATE:
                    yield der


def _rounds(store: bytes) -> int:
    """Return how many rounds of hashing a store may ask for: the sum of all its numbers."""
    numbers = (
        content
        for inside in _structures(store)
        for tag, content in parts(inside)[0]
        if tag == INTEGER
    )
    return sum(
        max(number(content), 0) for content in numbers if 2 <= len(content) <= 8
    )


def _structures(data: bytes) -> Iterator[bytes]:
    """Yield the contents of all constructed elements of a store, in order."""
    waiting = [data]
    while waiting:
        inside = waiting.pop()
        yield inside
        nested = []
        for tag, content in parts(inside, 1000)[0]:
            if tag in (OCTET_STRING, _CONSTRUCTED_OCTETS) and content[:1] != b"0":
                continue
            if tag in (SEQUENCE, SET, CONTEXT_0, OCTET_STRING, _CONSTRUCTED_OCTETS):
                nested.append(content)
        waiting += reversed(nested)
