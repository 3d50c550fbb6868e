"""The device that a file is named after: a serial, a hardware ID, or a soft client's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import splitext

from ..names.device_ids import HARDWARE_ID, SERIAL

# Endings of certificate files and archives of them; a name may have several.
_ENDINGS = frozenset(
    f".{ending}"
    for words in (
        "pem crt cer cert der p7b p7c p7s p7m spc pfx p12 ca-bundle bundle chain jks b64 "
        "base64 hex txt log",
        "csv tsv json jsonl ndjson yaml yml xml parquet zip tar tgz gz bak old bin",
    )
    for ending in words.split()
)
_ALONE = r"(?<![0-9A-Za-z])(?:{})(?![0-9A-Za-z])"
# Names that soft clients go by, where a serial or a hardware ID is missing.
_SOFT_CLIENT = re.compile(r"(?<![0-9A-Za-z])(?:[Ss]wphone_|[Ss]martphone)[^/\\]*")
_COPY = re.compile(r" ?\([0-9]{1,3}\)$")
# Products that begin with "IP" come first, so that hq-IP222-2f-68-8a is the phone and not a
# product "hq-IP222".
_PATTERNS = tuple(
    re.compile(_ALONE.format(pattern))
    for pattern in (
        SERIAL,
        f"[Ii][Pp]{HARDWARE_ID.removeprefix('[A-Za-z]')}",
        HARDWARE_ID,
    )
)

_YEAR, _MONTH, _DAY = (
    r"(?:19|20)[0-9]{2}",
    r"(?:0[1-9]|1[0-2])",
    r"(?:0[1-9]|[12][0-9]|3[01])",
)
_HOUR, _SIXTY = r"(?:[01][0-9]|2[0-3])", r"[0-5][0-9]"
_TIME = rf"{_HOUR}[-_.:]?{_SIXTY}(?:[-_.:]?{_SIXTY})?"
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_DATE = rf"{_YEAR}[-_.]?{_MONTH}[-_.]?{_DAY}(?:[-_.T ]?{_TIME}Z?)?"
_NO_DEVICES = re.compile(_ALONE.format(rf"{_UUID}|{_DATE}"))
_DATE_BEHIND = re.compile(rf"[-_. ]+{_DATE}$")
_TWO = r"[0-9]{2}"
_TWELVE_DIGITS_OF_A_TIME = re.compile(
    rf"{_YEAR}{_MONTH}{_DAY}{_HOUR}{_SIXTY}|(?:{_DAY}{_MONTH}|{_MONTH}{_DAY}){_YEAR}{_HOUR}{_SIXTY}"
    rf"|(?:{_TWO}{_MONTH}{_DAY}|{_DAY}{_MONTH}{_TWO}|{_MONTH}{_DAY}{_TWO}){_HOUR}{_SIXTY}{_SIXTY}"
)
_SIX_DIGITS_OF_A_DATE = re.compile(
    rf"{_TWO}{_MONTH}{_DAY}|{_DAY}{_MONTH}{_TWO}|{_MONTH}{_DAY}{_TWO}|{_HOUR}{_SIXTY}{_SIXTY}"
)
_PRODUCT_AND_OCTETS = re.compile(r"(?i:(ip)?).*((?:-[0-9a-f]{2}){3})", re.IGNORECASE)


def device_in(name: str) -> str | None:
    """Return the device that the last part of a path is named after, in its spelling there.

    A device stands alone or between separators and can be neither a date nor part of a UUID.

    Examples
    --------
    >>> device_in("phones/192.0.2.7_0090332f688a.pem"), device_in("export-2026-03-02_101125.pem")
    ('0090332f688a', None)
    """
    last = name.rpartition("/")[2]
    if last.startswith("<"):
        return None
    stem, ending = splitext(last)
    while ending.lower() in _ENDINGS:
        last = stem
        stem, ending = splitext(last)
    if _PATTERNS[0].fullmatch(last) and not _may_be_a_time(last):
        return last
    stem = _COPY.sub("", last)
    client = _SOFT_CLIENT.search(stem)
    return next(
        _devices(_NO_DEVICES.sub("?", stem)),
        _DATE_BEHIND.sub("", client[0]) if client else None,
    )


def _devices(stem: str) -> Iterator[str]:
    for pattern in _PATTERNS:
        yield from (
            match[0]
            for match in pattern.finditer(stem)
            if not _may_be_a_time(match[0])
        )


def _may_be_a_time(name: str) -> bool:
    digits = re.sub("[:.-]", "", name)
    if _TWELVE_DIGITS_OF_A_TIME.fullmatch(digits):
        return True
    octets = _PRODUCT_AND_OCTETS.fullmatch(name)
    # A product of this vendor is enough; any other word may be followed by a date.
    if octets is None or octets[1]:
        return False
    return _SIX_DIGITS_OF_A_DATE.fullmatch(octets[2].replace("-", "")) is not None
