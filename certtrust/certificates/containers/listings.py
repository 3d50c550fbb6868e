"""A device's listing of its own certificates (`mod cmd X509 xml-info`): names and dates, no DER.

Such a row has no fingerprint and cannot be verified. The names of elements and attributes are
those that innovaphone's own update script reads. The form of the dates is not documented, so only
unambiguous forms are read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import pandas as pd

from ...formats import About
from ...x509.fields import escaped
from ..blocks import Block

NAME = "listing of a device"

_ELEMENT = re.compile(r"<(certificate|request)\b([^<>]{0,20000}?)/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![\w.-])([A-Za-z_][\w.-]{0,63})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)')"""
)
_UNIX_SECONDS = re.compile(r"\d{1,11}")
_GERMAN = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}")
_YEAR_FIRST_OR_MONTH_NAMED = re.compile(r"^\d{4}-\d|[A-Za-z]{3}")
_NO_NAMES = ("-- no CN --", "-- no CA --")


def sniff(head: bytes) -> bool:
    """Return True where content is such a listing."""
    return head.lstrip()[:1] == b"<" and b"<certificate" in head


def read(stream: BinaryIO, _about: About) -> Iterator[Block]:
    """Yield the columns of each certificate, and which of them cannot be read."""
    for kind, inside in _ELEMENT.findall(stream.read().decode("utf-8", "replace")):
        if kind.lower() == "request":
            yield Block(None, "a certificate signing request, skipped")
            continue
        attributes = {
            name.lower(): html.unescape(one or other)
            for name, one, other in _ATTRIBUTE.findall(inside)
        }
        problems: list[str] = []
        columns: dict[str, Any] = {
            **_names(attributes, "subject"),
            **_names(attributes, "issuer"),
        }
        for column in ("not_before", "not_after"):
            columns[column] = _moment(attributes.get(column), column, problems)
        yield Block(None, "; ".join(problems) or None, columns)


def _names(attributes: dict[str, str], party: str) -> dict[str, str | None]:
    common_name = attributes.get(f"{party}_cn")
    if not common_name or common_name in _NO_NAMES:
        return {party: None, f"{party}_cn": None}
    return {party: f"CN={escaped(common_name)}", f"{party}_cn": common_name}


def _moment(text: str | None, column: str, problems: list[str]) -> int | None:
    """Return a time as microseconds since 1970; without a zone it is UTC."""
    if not text:
        problems.append(f"{column}: missing")
        return None
    try:
        when = _timestamp(text.strip())
    except (ValueError, OverflowError, TypeError):
        problems.append(f"{column}: no time: {text[:40]!r}")
        return None
    when = when.tz_localize("UTC") if when.tzinfo is None else when.tz_convert("UTC")
    return int(when.to_datetime64().astype("datetime64[us]").astype("int64"))


def _timestamp(text: str) -> pd.Timestamp:
    if _UNIX_SECONDS.fullmatch(text):
        return pd.Timestamp(int(text), unit="s")
    if _GERMAN.match(text):
        return pd.to_datetime(text, dayfirst=True)
    if _YEAR_FIRST_OR_MONTH_NAMED.search(text):
        return pd.Timestamp(text)
    # 01/05/2039 may be either day, so it is neither.
    raise ValueError(text)
