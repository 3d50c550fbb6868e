"""Elements of ASN.1 encodings, read by two policies.

The strict one takes DER only and is what trust rests on. The lenient one also reads what BER
allows and DER forbids, indefinite lengths too, and goes on beside damage: what strict readers
refuse is still to be shown. Nothing here builds more than slices of its input.
"""

from __future__ import annotations

from collections.abc import Iterator

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
CONTEXT_0, CONTEXT_3 = 0xA0, 0xA3
"""Constructed tags [0] and [3]: version and extensions of a certificate, content of a CMS."""
UTF8_STRING, UNIVERSAL_STRING, BMP_STRING = 0x0C, 0x1C, 0x1E
ASCII_STRINGS = (0x12, 0x13, 0x14, 0x16, 0x1A)
"""NumericString, PrintableString, TeletexString, IA5String, VisibleString: Latin-1, if an
issuer goes beyond ASCII.
"""

_FAR = 1 << 32


class BadEncoding(ValueError):  # noqa: N818 - it describes data, and never leaves the package
    """The bytes are no such structure."""


def element(
    data: bytes, at: int = 0, end: int | None = None, *, strict: bool = False
) -> tuple[int, int, int, int]:
    """Return tag, start and stop of the content, and where the next element begins.

    Raises
    ------
    BadEncoding
        If the element runs past `end`, by default that of `data`. If `strict`, also where it
        has a tag of several bytes or a length that DER forbids.
    """
    end = len(data) if end is None else end
    try:
        tag, size, start = data[at], data[at + 1], at + 2
        if tag & 0x1F == 0x1F:
            if strict:
                raise BadEncoding("a tag of several bytes")
            start = _after_long_tag(data, at + 1)
            size, start = data[start], start + 1
        if size == 0x80 and not strict:
            stop = _end_of_contents(data, start, end)
            return tag, start, stop, stop + 2
        if size >= 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[start : start + count], "big")
            start += count
            if strict and not (
                1 <= count <= 4 and size >= 0x80 and size >> 8 * (count - 1)
            ):
                raise BadEncoding("length is not DER")
    except IndexError:
        raise BadEncoding("cut short") from None
    if (missing := start + size - end) > 0:
        raise BadEncoding(
            f"cut short: {missing} bytes are missing"
            if missing < _FAR
            else "cut short"
        )
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


def number(content: bytes) -> int:
    """Return an INTEGER."""
    if not content:
        raise BadEncoding("an integer without content")
    return int.from_bytes(content, "big", signed=True)


def dotted(oid: bytes) -> str:
    """Return the content of an OBJECT IDENTIFIER as dotted text.

    Examples
    --------
    >>> dotted(bytes.fromhex("2a864886f70d"))
    '1.2.840.113549'
    """
    if len(oid) > 64:
        raise BadEncoding("OID is too long")
    arcs, arc = [], 0
    for octet in oid:
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs or oid[-1] >= 0x80:
        raise BadEncoding("OID is cut short")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def encoded(tag: int, content: bytes) -> bytes:
    """Return the element in DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(length))) + length + content


# Lenient


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


def parts(
    data: bytes, most: int | None = None
) -> tuple[list[tuple[int, bytes]], str | None]:
    """Return the elements of `data`, the last one as far as it goes, and what is wrong with it."""
    items: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while at < end and len(items) != most:
        try:
            tag, start, stop, after = element(data, at, end)
        except BadEncoding as problem:
            size = data[at + 1] if at + 1 < end else 0
            items.append(
                (data[at], data[at + 2 + (size & 0x7F if size > 0x80 else 0) :])
            )
            return items, str(problem)
        items.append((tag, data[start:stop]))
        at = after
    return items, None


def only(data: bytes, tag: int) -> bytes:
    """Return the content of the first element of `data`, which must have this tag."""
    actual, start, stop, _ = element(data)
    if actual != tag:
        raise BadEncoding(f"tag {actual:#04x} where {tag:#04x} belongs")
    return data[start:stop]


# Strict


def children(data: bytes) -> list[bytes]:
    """Return the elements that follow each other in `data`, each with its tag and length."""
    encodings = []
    at = 0
    while at < len(data):
        start = at
        *_, at = element(data, at, strict=True)
        encodings.append(data[start:at])
    return encodings


def content(data: bytes, tag: int) -> bytes:
    """Return the content of the one element in `data`, which must have this tag.

    Raises
    ------
    BadEncoding
        If it has another tag, or something follows it.
    """
    actual, start, stop, _ = element(data, strict=True)
    if actual != tag:
        raise BadEncoding(f"tag {actual:#x} instead of {tag:#x}")
    if stop != len(data):
        raise BadEncoding("bytes after the element")
    return data[start:stop]
