"""Mutations: bit flips, cuts, splices, repeats of tokens, other encodings."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

Mutate = Callable[[bytes, list[bytes], random.Random], bytes]

TOKENS = (
    b"-----BEGIN CERTIFICATE-----\n",
    b"-----END CERTIFICATE-----\n",
    b"-----BEGIN PKCS7-----",
    b"Certificate:\n    Data:\n",
    b"\x30\x80",
    b"\x30\x82\xff\xff",
    b"\x30\x84\x7f\xff\xff\xff",
    b"\x00\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"%0A",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"\n",
    b"\r\n",
    b" ",
    b"\x00",
    b'"',
    b",",
    b"=",
    b"MII",
)
LOG_TOKENS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b"[{",
    b'{"a":',
    b'"',
    b"\\",
    b"\\ud800",
    b"<a>",
    b"</a>",
    b"<?xml ",
    b"<![CDATA[",
    b"&#0;",
    b"&lt;user",
    b"<!DOCTYPE x [",
    b'<user h323="',
    b"<device hw='",
    b"mod cmd FLASHDIR0 add-item 1 (pbx=<user ",
    b")(",
    b"<134>",
    b"<134>1 ",
    b"1970-01-01T00:00:00Z",
    b"99999-01-01T00:00:00Z",
    b"0001-01-01T00:00:00+14:00",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"1e999",
    b"NaN",
    b"time,time,state,serial\n",
    b"event=syslog&time=0&msg=",
    b"%ff",
    b"%",
    b"state=",
    b'name="',
    b";",
    b",",
    b"\t",
    b"|",
    b"  ",
    b"\n",
    b"\r",
    b"\r\n",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    "\u2028\u00a0".encode(),
    b"PAR1",
)
PATTERN_TOKENS = (
    b"(",
    b")",
    b"(?:",
    b"(?=",
    b"(?<=x",
    b"(?P<state>",
    b"(?P=state)",
    b"(?i)",
    b"(?x)",
    b"[",
    b"]",
    b"[^",
    b"*",
    b"+",
    b"?",
    b"{2,}",
    b"{1000}",
    b"{99999999999}",
    b"|",
    b"\\1",
    b"\\",
    b"\\p{L}",
    b"\\Z",
    b".",
    b"^",
    b"$",
    b"\xff",
    b"\x00",
)


class Material(NamedTuple):
    """The input of a mutation."""

    data: bytes
    tokens: tuple[bytes, ...]
    others: list[bytes]
    choose: random.Random

    def position(self) -> int:
        """Return a position in the data, or its end."""
        return self.choose.randrange(len(self.data) + 1)


def mutated(tokens: tuple[bytes, ...]) -> Mutate:
    """Return a function that mutates bytes with some tokens of their format."""

    def mutate(data: bytes, others: list[bytes], choose: random.Random) -> bytes:
        for _ in range(choose.choice((1, 1, 1, 2, 3, 8))):
            mutation = choose.choice(_MUTATIONS)
            data = mutation(Material(data, tokens, others, choose))[:_LONGEST]
        return data

    return mutate


_LONGEST = 1 << 18


def _flipped(material: Material) -> bytes:
    changed = bytearray(material.data)
    for _ in range(material.choose.choice((1, 2, 10))):
        if changed:
            position = material.choose.randrange(len(changed))
            changed[position] ^= 1 << material.choose.randrange(8)
    return bytes(changed)


def _replaced(material: Material) -> bytes:
    changed = bytearray(material.data)
    if changed:
        byte = material.choose.choice((0, 255, 10, 34, 127, 128))
        changed[material.choose.randrange(len(changed))] = byte
    return bytes(changed)


def _cut(material: Material) -> bytes:
    data = material.data
    start, stop = sorted((material.position(), material.position()))
    return material.choose.choice(
        (data[:start], data[stop:], data[:start] + data[stop:])
    )


def _spliced(material: Material) -> bytes:
    other = material.choose.choice(material.others)
    begin = material.choose.randrange(len(other) + 1)
    return material.data[: material.position()] + other[begin:]


def _doubled(material: Material) -> bytes:
    data, times = material.data, material.choose.choice((2, 5, 50))
    start, stop = sorted((material.position(), material.position()))
    return data[:start] + data[start:stop] * times + data[stop:]


def _repeated(material: Material) -> bytes:
    data = material.data
    at = material.choose.choice((0, len(data), material.position()))
    times = material.choose.choice((1, 1, 3, 200, 5000))
    return data[:at] + material.choose.choice(material.tokens) * times + data[at:]


def _tokens_alone(material: Material) -> bytes:
    """Return a row of tokens without the data."""
    count = material.choose.choice((5, 50, 1000))
    return b"".join(material.choose.choices(material.tokens, k=count))


def _encoded(material: Material) -> bytes:
    codec = material.choose.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32"))
    return material.data.decode("utf-8", "replace").encode(codec)


def _reordered(material: Material) -> bytes:
    lines = material.data.split(b"\n")
    material.choose.shuffle(lines)
    return material.choose.choice((b"\n", b"\r", b"\r\n", b"")).join(lines)


_MUTATIONS = (
    _flipped,
    _flipped,
    _replaced,
    _cut,
    _spliced,
    _doubled,
    _repeated,
    _repeated,
    _tokens_alone,
    _encoded,
    _reordered,
)
