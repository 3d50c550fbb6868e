"""The listing that a device prints of its own certificates (`mod cmd X509 xml-info`): names and dates, no DER.

What such a row says cannot be verified: it has no fingerprint, so nothing that needs a signature is told of it.
The names of elements and attributes are those that innovaphone's own update script reads; in which form the
dates stand is not documented, so the forms that can mean one day only are read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..x509.fields import escaped

Row = tuple[str | None, dict[str, Any]]

_ELEMENT = re.compile(r"<(certificate|request)\b([^<>]{0,20000}?)/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_UNIX_SECONDS = re.compile(r"\d{1,11}")
_GERMAN = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}")
_YEAR_FIRST_OR_MONTH_NAMED = re.compile(r"^\d{4}-\d|[A-Za-z]{3}")
_NO_NAMES = ("-- no CN --", "-- no CA --")


def looks_like(data: bytes) -> bool:
    """Tell whether content is such a listing."""
    return data.lstrip()[:1] == b"<" and b"<certificate" in data


def read(data: bytes) -> Iterator[Row]:
    """Yield for each certificate what cannot be read of it, and its columns."""
    for kind, written in _ELEMENT.findall(data.decode("utf-8", "replace")):
        if kind.lower() == "request":
            yield "a certificate signing request, skipped", {}
            continue
        attributes = {name.lower(): html.unescape(one or other) for name, one, other in _ATTRIBUTE.findall(written)}
        problems: list[str] = []
        columns: dict[str, Any] = {**_names(attributes, "subject"), **_names(attributes, "issuer")}
        for column in ("not_before", "not_after"):
            columns[column] = _moment(attributes.get(column), column, problems)
        yield "; ".join(problems) or None, columns


def _names(attributes: dict[str, str], whose: str) -> dict[str, str | None]:
    common_name = attributes.get(f"{whose}_cn")
    if not common_name or common_name in _NO_NAMES:
        return {whose: None, f"{whose}_cn": None}
    return {whose: f"CN={escaped(common_name)}", f"{whose}_cn": common_name}


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
