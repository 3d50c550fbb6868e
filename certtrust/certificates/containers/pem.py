"""PEM with text between the blocks, read window by window, and PEM in base64 (Kubernetes)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from operator import contains, itemgetter
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from ...formats import About
from ..blocks import (
    CERTIFICATE,
    NO_SEQUENCE,
    Block,
    Item,
    end_of,
    is_nothing,
    kind_of,
    of_der,
)
from . import contents

try:
    from pybase64 import b64decode  # four times as fast, where it is there
except ImportError:
    from binascii import a2b_base64 as b64decode  # type: ignore[assignment]

    decode_base64_alone = partial(b64decode, strict_mode=True)  # type: ignore[call-arg]
else:
    decode_base64_alone = partial(b64decode, validate=True)

NAME = "PEM"

decode_base64 = b64decode

WINDOW = 1 << 20
"""Bytes read at a time."""
_LONGEST_LABEL = 80
_FEW = 50

_BEGIN, _DASHES, _END = b"-----BEGIN ", b"-----", b"-----END "
FIRST_LINE, LAST_LINE = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_PLAIN_PEM = re.compile(b"%b([^-]*)%b" % (FIRST_LINE, LAST_LINE))
BETWEEN = re.compile(rb"%b\s*%b" % (LAST_LINE, FIRST_LINE))

_ENCODED_BEGIN = b"LS0tLS1CRUdJTi"
_ENCODED_PEM = re.compile(
    rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,}(?:\s+[A-Za-z0-9+/]{16,})*={0,2}"
)

_KINDS = {
    "PRIVATE KEY": "a private key",
    "REQUEST": "a certificate signing request",
    "CRL": "a revocation list",
    "PUBLIC KEY": "a public key",
}
"""Labels with these words; nothing but a certificate is taken out of such a block."""


def sniff(head: bytes) -> bool:
    """Return True where a BEGIN line is there, plain or within base64."""
    return _BEGIN in head or _ENCODED_BEGIN in head


def read(stream: BinaryIO, about: About) -> Iterator[Item]:
    """Yield the blocks of PEM in order."""
    data = stream.read(WINDOW)
    while data:
        more = stream.read(WINDOW)
        stop = len(data) if not more else _last_end(data)
        if stop:
            yield from _run(data, stop, about)
        data = data[stop:] + more


def certificates(data: bytes) -> list[bytes]:
    """Return the certificates of PEM that holds nothing else; an empty list for other content."""
    bodies = _back_to_back(data.strip())
    if not bodies or _is_escaped(data, bodies):
        return []
    try:
        ders = list(map(decode_base64, bodies))
    except binascii.Error:
        return []
    return ders if all_plain(ders) else []


def all_plain(ders: list[bytes]) -> bool:
    """Return True where each is one certificate by its first bytes, length and end."""
    return all(_plain(ders))


def _ends_in_a_signature(der: bytes) -> bool:
    """Return True where algorithm and signature follow the signed part and nothing else does."""
    at = 8 + int.from_bytes(der[6:8], "big")
    algorithm = der[at : at + 2]
    if algorithm[:1] != b"0" or algorithm[1:] >= b"\x80":
        return False
    at += 2 + algorithm[1]
    tag, size = der[at : at + 1], der[at + 1 : at + 4]
    if tag != b"\x03" or len(size) < 3:
        return False
    if size[0] == 0x82:
        return at + 4 + int.from_bytes(size[1:], "big") == len(der)
    return at + (3 + size[1] if size[0] == 0x81 else 2 + size[0]) == len(der)


def from_base64(text: bytes) -> bytes:
    """Return decoded base64, with or without headers, escapes and padding.

    Raises
    ------
    binascii.Error
        If it is no base64.
    """
    if b"\\" in text:
        # Text within JSON or YAML: line ends and slashes are written as escapes.
        text = re.sub(rb"\\[nrt]|\\", b"", text)
    if b":" in text:
        text = re.split(rb"\r?\n\s*\r?\n", text, maxsplit=1)[-1]
    try:
        return decode_base64(text)
    except binascii.Error:
        return decode_base64(text + b"==")


def _last_end(data: bytes) -> int:
    """Return where the last complete block ends, 0 where there is none."""
    last = data.rfind(_END)
    stop = data.find(_DASHES, last + len(_END)) if last >= 0 else -1
    return stop + len(_DASHES) if stop >= 0 else 0


def _run(data: bytes, stop: int, about: About) -> Iterator[Item]:
    """Yield the blocks of PEM text up to `stop`; all at once if they are just certificates."""
    text = data[:stop].strip()
    between, bodies = b"", _back_to_back(text)
    if not bodies:
        sections = _PLAIN_PEM.split(text)
        between, bodies = b"".join(sections[::2]), sections[1::2]
    if (
        bodies
        and _BEGIN not in between
        and _ENCODED_BEGIN not in between
        and not _is_escaped(data, bodies)
    ):
        try:
            ders = list(map(decode_base64, bodies))
        except binascii.Error:
            yield from _blocks(text, about)
            return
        plain = _plain(ders)
        if all(plain):
            yield from ders
            return
        for der, is_plain in zip(ders, plain, strict=True):
            if is_plain:
                yield der
            else:
                yield from _items(der, about)
        return
    yield from _blocks(text, about)
    for encoded in _ENCODED_PEM.findall(text) if _ENCODED_BEGIN in text else ():
        # Secrets of Kubernetes hold PEM within base64.
        letters = b"".join(encoded.split())
        yield from _blocks(decode_base64(letters[: len(letters) // 4 * 4]), about)


def _back_to_back(text: bytes) -> list[bytes]:
    """Return the bodies of PEM certificates with the same text between all; else an empty list."""
    if not text.startswith(FIRST_LINE) or not text.endswith(LAST_LINE):
        return []
    between = BETWEEN.search(text)
    inside = text[len(FIRST_LINE) : -len(LAST_LINE)]
    bodies = inside.split(between[0]) if between else [inside]
    return [] if any(map(contains, bodies, repeat(b"-"))) else bodies


def _is_escaped(data: bytes, bodies: list[bytes]) -> bool:
    """Return True where a block has headers or is written with escapes."""
    return any(
        mark in data and any(mark in body for body in bodies)
        for mark in (b":", b"\\")
    )


def _plain(ders: list[bytes]) -> list[bool]:
    """Return which are one certificate by first bytes and length; others need a closer look."""
    heads = b"".join(map(itemgetter(slice(0, 10)), ders))
    if len(ders) < _FEW or len(heads) != 10 * len(ders):
        return [
            der[:2] == der[4:6] == b"\x30\x82"
            and der[8:10] == b"\xa0\x03"
            and int.from_bytes(der[2:4], "big") + 4 == len(der)
            and _ends_in_a_signature(der)
            for der in ders
        ]
    octets = np.frombuffer(heads, np.uint8).reshape(-1, 10).T.astype(np.int64)
    sizes = np.fromiter(map(len, ders), np.int64, len(ders))
    plain = (octets[0] == 0x30) & (octets[1] == 0x82)
    plain &= octets[2] * 256 + octets[3] + 4 == sizes
    plain &= (octets[4] == 0x30) & (octets[5] == 0x82)
    plain &= (octets[8] == 0xA0) & (octets[9] == 3)
    plain &= _end_in_signatures(ders, sizes, 8 + octets[6] * 256 + octets[7])
    return cast("list[bool]", plain.tolist())


def _end_in_signatures(
    ders: list[bytes], sizes: npt.NDArray[np.int64], at: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return what `_ends_in_a_signature` does for many; `at` is where their signed parts end."""
    data = np.frombuffer(b"".join(ders), np.uint8)
    starts = np.cumsum(sizes) - sizes
    algorithm, algorithm_size = _octets(data, starts + at, 2)
    fits = (algorithm == 0x30) & (algorithm_size < 0x80)
    at = at + 2 + algorithm_size
    tag, size, high, low = _octets(data, starts + at, 4)
    fits &= (tag == 0x03) & (at + 4 <= sizes)
    short = np.where(size == 0x81, 3 + high, 2 + size)
    end = np.where(size == 0x82, 4 + high * 256 + low, short)
    ends: npt.NDArray[np.bool_] = fits & (at + end == sizes)
    return ends


def _octets(
    data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.int64]:
    """Return that many octets from each position on, one row for the first, one for the next."""
    positions = np.minimum(at + np.arange(count)[:, None], len(data) - 1)
    octets: npt.NDArray[np.int64] = data[positions].astype(np.int64)
    return octets


# Block by block


def _blocks(text: bytes, about: About) -> Iterator[Item]:
    at = text.find(_BEGIN)
    while at >= 0:
        start = text.find(_DASHES, at + len(_BEGIN))
        label = text[at + len(_BEGIN) : start] if start >= 0 else b""
        if not label or len(label) > _LONGEST_LABEL or b"\n" in label:
            yield Block(None, "PEM: a BEGIN line that does not end")
            at = text.find(_BEGIN, at + len(_BEGIN))
            continue
        start += len(_DASHES)
        stop = text.find(_DASHES, start)
        body = text[start:stop] if stop >= 0 else text[start:]
        cut = (
            None
            if stop >= 0 and text.startswith(_END, stop)
            else "PEM: the END line is missing"
        )
        yield from _block(label.decode("latin-1").strip(), body, cut, about)
        at = text.find(_BEGIN, stop) if stop >= 0 else -1


def _block(label: str, body: bytes, cut: str | None, about: About) -> Iterator[Item]:
    """Yield what a block holds: its content decides, not its label."""
    kind = next((kind for word, kind in _KINDS.items() if word in label), None)
    other = Block(None, f"{label}: {kind or 'not a certificate'}, skipped")
    try:
        der = from_base64(body)
    except binascii.Error as problem:
        is_named = kind is not None or not _may_hold_certificates(label)
        yield other if is_named else Block(None, cut or f"PEM: no base64: {problem}")
        return
    if label == "TRUSTED CERTIFICATE" and kind_of(der) == CERTIFICATE:
        # OpenSSL appends the purposes that the certificate is trusted for.
        stop = end_of(der)
        der = der if kind_of(der[stop:]) else der[:stop]
    if kind is not None:
        yield (
            Block(der, cut)
            if kind_of(der) == CERTIFICATE and end_of(der) == len(der)
            else other
        )
        return
    for item in _items(der, about):
        block = item if isinstance(item, Block) else Block(item)
        if block.problem == NO_SEQUENCE and not _may_hold_certificates(label):
            yield other
        elif block.der is None and block.problem is not None:
            yield block._replace(problem=cut or block.problem)
        else:
            yield block._replace(
                problem="; ".join(filter(None, (block.problem, cut))) or None
            )


def _may_hold_certificates(label: str) -> bool:
    return any(word in label for word in ("CERTIFICATE", "PKCS", "CMS", "CHAIN"))


def _items(data: bytes, about: About) -> Iterator[Item]:
    """Yield what the decoded bytes of one block hold."""
    kind = kind_of(data)
    if kind == CERTIFICATE and end_of(data) == len(data):
        yield of_der(data, kind)
        return
    for item in contents(data, about):
        yield Block(None, NO_SEQUENCE) if is_nothing(item) else item
