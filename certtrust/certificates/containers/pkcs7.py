"""PKCS#7 and CMS: the certificates within a SignedData, in DER or BER."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About
from ...x509.ber import CONTEXT_0, SEQUENCE, element, elements, only
from ..blocks import PKCS7, Block, end_of, kind_of, of_der

NAME = PKCS7


def sniff(head: bytes) -> bool:
    """Return True where content is one such structure and nothing else."""
    return kind_of(head) == PKCS7 and end_of(head) == len(head)


def read(stream: BinaryIO, _about: About) -> Iterator[Block]:
    """Yield the certificates of a SignedData in order, as encoded (RFC 5652, section 5.1)."""
    try:
        (_, _), (_, explicit), *_ = elements(only(stream.read(), SEQUENCE))
        signed = elements(only(explicit, SEQUENCE))
        certificates = next(
            (inside for tag, inside in signed if tag == CONTEXT_0), b""
        )
        at = 0
        while at < len(certificates):
            tag, _, _, after = element(certificates, at)
            if tag == SEQUENCE:
                der = certificates[at:after]
                yield of_der(der, kind_of(der))
            else:
                yield Block(None, "PKCS#7: no X.509 certificate, skipped")
            at = after
        if not certificates:
            yield Block(None, "PKCS#7: holds no certificates")
    except ValueError as problem:
        yield Block(None, f"PKCS#7: {problem}")
