"""Elements of DER, read so that BER and damage do not hide what stands beside them.

Lengths that BER allows and DER forbids are read, indefinite ones too: what strict readers refuse is still
to be shown. Nothing here builds more than slices of its input.
"""

from __future__ import annotations

from collections.abc import Iterator

from .structure import BadEncoding

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE, SET = 0x01, 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
UTF8_STRING, UNIVERSAL_STRING, BMP_STRING = 0x0C, 0x1C, 0x1E


def element(data: bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Return tag, start and stop of the content, and where the next element begins."""
    try:
        tag, size, start = data[at], data[at + 1], at + 2
        if tag & 0x1F == 0x1F:
            start = _after_long_tag(data, at + 1)
            size, start = data[start], start + 1
        if size == 0x80:
            stop = _end_of_contents(data, start, end)
            return tag, start, stop, stop + 2
        if size > 0x80:
            start, size = start + size - 0x80, int.from_bytes(data[start : start + size - 0x80], "big")
    except IndexError:
        raise BadEncoding("cut short") from None
    if start + size > end:
        raise BadEncoding(f"cut short: {start + size - end} bytes are missing")
    return tag, start, start + size, start + size


def _after_long_tag(data: bytes, at: int) -> int:
    while data[at] & 0x80:
        at += 1
    return at + 1


def _end_of_contents(data: bytes, at: int, end: int) -> int:
    """Return where the end-of-contents octets of an indefinite length stand."""
    depth = 0
    while at + 1 < end:
        if data[at] == 0 and data[at + 1] == 0:
            if depth == 0:
                return at
            depth, at = depth - 1, at + 2
            continue
        start = _after_long_tag(data, at + 1) - 1 if data[at] & 0x1F == 0x1F else at
        if data[start + 1] == 0x80:
            depth, at = depth + 1, start + 2
        else:
            *_, at = element(data, at, end)
    raise BadEncoding("cut short: no end of contents")


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of the elements that follow each other in `data`."""
    at, end = 0, len(data)
    while at < end:
        tag, start = data[at], at + 2
        stop = start + data[at + 1] if start <= end else end + 1
        if stop > end or stop > start + 0x7F or tag & 0x1F == 0x1F:
            tag, start, stop, at = element(data, at, end)
        else:
            at = stop
        yield tag, data[start:stop]


def only(data: bytes, tag: int) -> bytes:
    """Return the content of the first element of `data`, which must have this tag."""
    found, start, stop, _ = element(data, 0, len(data))
    if found != tag:
        raise BadEncoding(f"tag {found:#04x} where {tag:#04x} belongs")
    return data[start:stop]


def number(content: bytes) -> int:
    """Return an INTEGER."""
    if not content:
        raise BadEncoding("an integer without content")
    return int.from_bytes(content, "big", signed=True)


def encoded(tag: int, content: bytes) -> bytes:
    """Return the element in DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(length))) + length + content
