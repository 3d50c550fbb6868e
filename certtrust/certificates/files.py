"""What a file holds, block by block: certificates as DER, and everything else by name.

PEM with text between the blocks, DER back to back, PKCS#7, PKCS#12, bare base64, tables, dumps and listings.
Nothing that looks like a block is lost: a key, a request or a block that cannot be decoded is named in its
place, and no byte of a private key is handed on.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat
from operator import contains
from typing import BinaryIO

from ..x509.ber import BadEncoding, element
from . import certificate_tables, listings
from .key_stores import Block, first, kind_of, pkcs7, pkcs12

try:
    from pybase64 import b64decode as decode_base64  # four times as fast, where it is there
except ImportError:
    from binascii import a2b_base64 as decode_base64  # type: ignore[assignment]

NOTHING = ("nothing is there", "no certificate is found")
"""What is said of content that holds no block at all: empty, or of another kind."""

_WINDOW = 1 << 20
_LONGEST_LABEL = 80
_KEPT_UNREAD = 64 << 10

_BEGIN, _DASHES, _END = b"-----BEGIN ", b"-----", b"-----END "
_FIRST_LINE, _LAST_LINE = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_PLAIN_PEM = re.compile(b"%b([^-]*)%b" % (_FIRST_LINE, _LAST_LINE))
_BETWEEN = re.compile(rb"%b\s*%b" % (_LAST_LINE, _FIRST_LINE))
_CERTIFICATES = frozenset({b"CERTIFICATE", b"X509 CERTIFICATE"})
_PKCS7 = frozenset({b"PKCS7", b"PKCS #7 SIGNED DATA", b"CMS"})

_ENCODED_BEGIN = b"LS0tLS1CRUdJTi"
_ENCODED_PEM = re.compile(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,}(?:\s+[A-Za-z0-9+/]{16,})*={0,2}")
_SPACE = re.compile(rb"\s*")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_HEX_DER = re.compile(rb"(?<![0-9A-Fa-f])3082(?:[0-9A-Fa-f]{2}){100,}")


def blocks(stream: BinaryIO, password: bytes | None = None) -> Iterator[list[Block] | list[bytes]]:
    """Yield the blocks of a stream in order, in runs: a run of plain certificates is just their DER.

    A large PEM file is read piece by piece.
    """
    data = stream.read(_WINDOW)
    if _is_der(data) or _BEGIN not in data or certificate_tables.looks_like(data):
        yield list(content(data + stream.read(), password))
        return
    data = _without_bom(data)
    while data:
        more = stream.read(_WINDOW)
        stop = len(data) if not more else _last_end(data)
        if stop:
            yield _run(data, stop, password)
        data = data[stop:] + more


def _last_end(data: bytes) -> int:
    """Return where the last complete block ends, 0 where there is none."""
    last = data.rfind(_END)
    stop = data.find(_DASHES, last + len(_END)) if last >= 0 else -1
    return stop + len(_DASHES) if stop >= 0 else 0


def _run(data: bytes, stop: int, password: bytes | None) -> list[Block] | list[bytes]:
    """Return the blocks of PEM text up to `stop`; all at once where they are nothing but certificates."""
    if data.find(_BEGIN, 0, stop) < 0:
        return []
    text = data[:stop].strip()
    between, bodies = b"", _back_to_back(text)
    if not bodies:
        parts = _PLAIN_PEM.split(text)
        between, bodies = b"".join(parts[::2]), parts[1::2]
    if bodies and _BEGIN not in between and _ENCODED_BEGIN not in between and not _is_escaped(data, bodies):
        with suppress(binascii.Error):
            return list(map(decode_base64, bodies))
    return list(content(data[:stop], password))


def _back_to_back(text: bytes) -> list[bytes]:
    """Return what stands in certificates that follow each other with the same line end between all; [] of others."""
    if not text.startswith(_FIRST_LINE) or not text.endswith(_LAST_LINE):
        return []
    between = _BETWEEN.search(text)
    inside = text[len(_FIRST_LINE) : -len(_LAST_LINE)]
    bodies = inside.split(between[0]) if between else [inside]
    return [] if any(map(contains, bodies, repeat(b"-"))) else bodies


def _is_escaped(data: bytes, bodies: list[bytes]) -> bool:
    """Tell whether a block has headers or is written with escapes."""
    return any(mark in data and any(mark in body for body in bodies) for mark in (b":", b"\\"))


def content(data: bytes, password: bytes | None = None) -> Iterator[Block]:
    """Yield the blocks of content, whatever form it has; one that says so where there are none."""
    data = _without_bom(data)
    found = False
    for block in _recognised(data, password):
        found = True
        yield block
    if not found:
        yield _unrecognised(data)


def _recognised(data: bytes, password: bytes | None) -> Iterator[Block]:
    if _is_der(data):
        yield from _ders(data, password)
        return
    cells = certificate_tables.read(data)
    if cells is not None:
        yield from _table(cells, password)
    elif _BEGIN in data or _ENCODED_BEGIN in data:
        yield from _pem(data, password)
        for written in _ENCODED_PEM.findall(data) if _ENCODED_BEGIN in data else ():
            # Secrets of Kubernetes hold PEM within base64.
            text = b"".join(written.split())
            yield from _pem(decode_base64(text[: len(text) // 4 * 4]), password)
    elif listings.looks_like(data):
        yield from (Block(None, problem, columns) for problem, columns in listings.read(data))
    elif written := _HEX_DER.findall(data):
        for each in written:
            yield from _ders(bytes.fromhex(each.decode("ascii")), password)
    elif _BASE64.fullmatch(data):
        yield from _bare_base64(data, password)


def _unrecognised(data: bytes) -> Block:
    if not data.strip():
        return Block(None, NOTHING[0])
    if data.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        return Block(None, "an archive within an archive, which is not opened")
    is_text = not re.search(rb"[\x00-\x08\x0e-\x1f\x80-\xff]", data[:4096])
    if is_text or len(data) > _KEPT_UNREAD:
        return Block(None, NOTHING[1])
    return Block(data)


def _without_bom(data: bytes) -> bytes:
    if data.startswith(codecs.BOM_UTF8):
        return data[3:]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
        if text.isascii():
            return text.encode()
    return data


# PEM


def _pem(data: bytes, password: bytes | None) -> Iterator[Block]:
    at = data.find(_BEGIN)
    while at >= 0:
        start = data.find(_DASHES, at + len(_BEGIN))
        label = data[at + len(_BEGIN) : start] if start >= 0 else b""
        if not label or len(label) > _LONGEST_LABEL or b"\n" in label:
            yield Block(None, "PEM: a BEGIN line that does not end")
            at = data.find(_BEGIN, at + len(_BEGIN))
            continue
        stop = data.find(_DASHES, start + len(_DASHES))
        body = data[start + len(_DASHES) : stop] if stop >= 0 else data[start + len(_DASHES) :]
        cut = None if data.startswith(_END, stop) and stop >= 0 else "PEM: the END line is missing"
        yield from _pem_block(label, body, cut, password)
        at = data.find(_BEGIN, stop) if stop >= 0 else -1


def _pem_block(label: bytes, body: bytes, cut: str | None, password: bytes | None) -> Iterator[Block]:
    is_certificate = label in _CERTIFICATES
    if not is_certificate and label != b"TRUSTED CERTIFICATE" and label not in _PKCS7 and label != b"PKCS12":
        yield _other_label(label)
        return
    try:
        der = _base64(body)
    except binascii.Error as problem:
        yield Block(None, cut or f"PEM: no base64: {problem}")
        return
    if is_certificate:
        yield Block(der, cut)
    elif label == b"TRUSTED CERTIFICATE":
        # OpenSSL appends what the certificate is trusted for, which is no part of it.
        yield Block(first(der), cut)
    elif label in _PKCS7:
        yield from pkcs7(der)
    else:
        yield from pkcs12(der, password)


def _other_label(label: bytes) -> Block:
    name = label.decode("latin-1").strip()
    what = next((what for word, what in _OTHERS.items() if word in name), "not a certificate")
    return Block(None, f"{name}: {what}, skipped")


_OTHERS = {
    "PRIVATE KEY": "a private key",
    "REQUEST": "a certificate signing request",
    "CRL": "a revocation list",
    "PUBLIC KEY": "a public key",
}


def _base64(body: bytes) -> bytes:
    if b"\\" in body:
        # Text within JSON or YAML: line ends and slashes are written as escapes.
        body = re.sub(rb"\\[nrt]|\\", b"", body)
    if b":" in body:
        body = re.split(rb"\r?\n\s*\r?\n", body, maxsplit=1)[-1]
    try:
        return decode_base64(body)
    except binascii.Error:
        return decode_base64(body + b"==")


def _bare_base64(data: bytes, password: bytes | None) -> Iterator[Block]:
    """Yield what base64 without armour holds: a line each, paragraphs, or one certificate over all lines."""
    written: list[list[bytes]] = []
    missing = 0
    for line in data.split():
        if missing <= 0:
            # Only a line after a whole certificate starts the next one.
            missing = _length_in_base64(line)
            written.append([])
        written[-1].append(line)
        missing -= len(line)
    for parts in written:
        with suppress(binascii.Error):
            der = _base64(b"".join(parts))
            if _is_der(der):
                yield from _ders(der, password)


def _length_in_base64(line: bytes) -> int:
    """Return how long the DER is in base64 whose first line this is."""
    head = b""
    with suppress(binascii.Error):
        head = decode_base64(line[:8].replace(b"=", b"A").ljust(8, b"A"))
    head = head.ljust(6, b"\0")
    long_form = head[1] & 0x7F if head[1] > 0x7F else 0
    size = 2 + long_form + (int.from_bytes(head[2 : 2 + min(long_form, 4)], "big") if long_form else head[1])
    return (size + 2) // 3 * 4


# DER


def _is_der(data: bytes) -> bool:
    """Tell whether content starts as a SEQUENCE: a text that starts with the digit 0 does not."""
    if data[:1] != b"0" or len(data) < 2:
        return False
    if data[1] >= 0x80:
        return True
    return data[1] + 2 == len(data)


def _ders(data: bytes, password: bytes | None) -> Iterator[Block]:
    at = 0
    while at < len(data):
        stop = _next(data, at)
        after = _SPACE.match(data, stop).end()  # type: ignore[union-attr]
        if stop < len(data) and not kind_of(data[after : _next(data, after)]):
            # What follows is nothing by itself: the block is as odd as it stands.
            stop = after = len(data)
        yield from _der(data[at:stop], password)
        at = after


def _next(data: bytes, at: int) -> int:
    """Return where the element at a place ends, which is the end of the data where it is cut short."""
    try:
        return element(data, at, len(data))[3]
    except BadEncoding:
        return len(data)


def _der(der: bytes, password: bytes | None) -> Iterator[Block]:
    kind = kind_of(der)
    if kind in ("certificate", None):
        yield Block(der)
    elif kind == "PKCS#7":
        yield from pkcs7(der)
    elif kind == "PKCS#12":
        yield from pkcs12(der, password)
    else:
        yield Block(None, f"{kind}, skipped")


# Tables


def _table(cells: Iterator[certificate_tables.Cell], password: bytes | None) -> Iterator[Block]:
    for cell in cells:
        part = f"#{cell.row}"
        if cell.content is None:
            yield Block(None, cell.problem, None, part, cell.device)
            continue
        # Bytes in a column are one certificate each, however odd; a text may hold several.
        found = _der(cell.content, password) if _is_der(cell.content) else content(cell.content, password)
        for block in found:
            yield block._replace(part=part, device=cell.device)
