"""Serials (MAC addresses) and hardware IDs: one normaliser for every reader.

A serial is the device's MAC as 12 hex digits (`0090332f688a`). A hardware ID is the product and
the last three octets (`IP222-2f-68-8a`); products contain hyphens (`IP29-2`), so it is read
from the right.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays import arrow

_OCTET = "[0-9A-Fa-f]{2}"
SERIAL = (
    rf"(?:{_OCTET}[:-]){{5}}{_OCTET}|[0-9A-Fa-f]{{12}}|"
    rf"(?:[0-9A-Fa-f]{{4}}\.){{2}}[0-9A-Fa-f]{{4}}"
)
"""Pattern of a serial: 12 hex digits, or octets with `:` or `-`, or three groups with dots."""
HARDWARE_ID = rf"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*?-{_OCTET}-{_OCTET}-{_OCTET}"
"""Pattern of a hardware ID: a product that begins with a letter, then three octets."""
SOFT_CLIENT = rf"(?i:Swphone_.+|Smartphone_.+|SwPh_(?:{_OCTET}){{4}})"
"""Pattern of the hardware ID of a soft client, which has no octets."""

_DIGITS = 12
_NOTHING = pa.scalar(None, pa.large_string())
_HYPHEN = pa.scalar("-", pa.large_string())


class Parts(NamedTuple):
    """Texts taken apart, as Arrow text; missing where a text is none of the kind."""

    serial: Any
    """Twelve lower-case hex digits."""
    tail: Any
    """The last three octets of a hardware ID, six lower-case hex digits."""
    spelling: Any
    """The one spelling that identities are compared in, see `same_spelling`."""


def parts(texts: Iterable[Any]) -> Parts:
    """Return the serial, the last octets and the one spelling of each text."""
    trimmed = _trimmed(texts)
    serial = _serials(trimmed)
    model, octets = _hardware_ids(trimmed)
    hardware_id = pc.binary_join_element_wise(model, octets, _HYPHEN)
    spelling = pc.coalesce(serial, hardware_id, pc.utf8_lower(trimmed))
    return Parts(serial, pc.replace_substring(octets, "-", ""), spelling)


def as_serials(texts: Iterable[Any]) -> Any:
    """Return what `serials` does, as Arrow text."""
    return _serials(_trimmed(texts))


def serials(text: pd.Series) -> pd.Series:
    """Return each text that is a serial as 12 lower-case hex digits, missing for any other.

    Examples
    --------
    >>> serials(pd.Series(["00-90-33-2F-68-8A", "IP222-2f-68-8a"])).tolist()
    ['0090332f688a', nan]
    """
    return _series(as_serials(text), text.index)


def hardware_ids(text: pd.Series) -> pd.DataFrame:
    """Split each hardware ID into `model` (upper case) and `tail` (six lower-case hex digits).

    Examples
    --------
    >>> hardware_ids(pd.Series(["ip29-2-01-02-0A", "phone"])).values.tolist()
    [['IP29-2', '01020a'], [nan, nan]]
    """
    model, octets = _hardware_ids(_trimmed(text))
    tail = pc.replace_substring(octets, "-", "")
    return pd.DataFrame(
        {"model": _series(model, text.index), "tail": _series(tail, text.index)}
    )


def same_spelling(text: pd.Series) -> pd.Series:
    """Return each text in the one spelling that identities are compared in.

    Serials become 12 lower-case hex digits, hardware IDs get an upper-case product and lower-case
    octets, and any other name keeps its spelling in lower case.

    Examples
    --------
    >>> same_spelling(pd.Series(["00:90:33:2F:68:8A", "ip222-2F-68-8A", "Reception"])).tolist()
    ['0090332f688a', 'IP222-2f-68-8a', 'reception']
    """
    return _series(parts(text).spelling, text.index)


def leading_serials(text: pd.Series, rest: str) -> pd.Series:
    """Return the serial that each text begins with, where what follows it fits a pattern.

    Examples
    --------
    >>> leading_serials(pd.Series(["00-90-33-2F-68-8A-TEL1", "0090332f688ab"]), "-.*").tolist()
    ['0090332f688a', nan]
    """
    return _series(serials_before(arrow.text(text), rest), text.index)


def serials_before(texts: Any, rest: str) -> Any:
    """Return what `leading_serials` does, for Arrow text."""
    matches = pc.extract_regex(texts, f"^(?P<serial>{SERIAL})(?:{rest})$")
    return _serials(pc.struct_field(matches, "serial"))


def without_interface(names: Any, interfaces: Any) -> Any:
    """Return registration names without the interface of a gateway behind a hardware ID.

    Parameters
    ----------
    names, interfaces : Arrow text, n values each
        Where the interface is missing, letters with a number behind them count as one.

    Examples
    --------
    >>> names = ["IP811-25-0d-3f-TEL1", "IP811-25-0d-3f-PRI1-L1", "room-TEL1"]
    >>> without_interface(arrow.text(names), arrow.text([None, "PRI1-L1", "TEL1"])).to_pylist()
    ['IP811-25-0d-3f', 'IP811-25-0d-3f', 'room-TEL1']
    """
    longer = pc.fill_null(pc.match_substring_regex(names, _LONGER), fill_value=False)
    candidates, stated = names.filter(longer), interfaces.filter(longer)
    matches = pc.extract_regex(candidates, _WITH_INTERFACE)
    base, rest = (pc.struct_field(matches, field) for field in ("base", "rest"))
    like_one = pc.match_substring_regex(rest, "^[A-Za-z]+[0-9]*$")
    is_interface = pc.if_else(pc.is_null(stated), like_one, pc.equal(rest, stated))
    whole = pc.match_substring_regex(candidates, f"^{HARDWARE_ID}$")
    cut = pc.fill_null(pc.and_not(is_interface, whole), fill_value=False)
    return pc.replace_with_mask(names, longer, pc.if_else(cut, base, candidates))


_LONGER = f"^{HARDWARE_ID}-."
_WITH_INTERFACE = f"^(?P<base>{HARDWARE_ID})-(?P<rest>(?s:.+))$"


def _trimmed(texts: Iterable[Any]) -> Any:
    return pc.utf8_trim_whitespace(arrow.text(texts))


def _series(texts: Any, index: pd.Index) -> pd.Series:
    return pd.Series(pd.array(texts, dtype="str"), index=index)


def _serials(trimmed: Any) -> Any:
    matches = pc.match_substring_regex(trimmed, f"^(?:{SERIAL})$")
    serials = pc.if_else(matches, trimmed, _NOTHING)
    separated = pc.greater(pc.binary_length(serials), _DIGITS)
    return pc.utf8_lower(arrow.replace_where(serials, separated, _without_separators))


def _without_separators(serials: Any) -> Any:
    return pc.replace_substring_regex(serials, "[:.-]", "")


def _hardware_ids(trimmed: Any) -> tuple[Any, Any]:
    """Return the product and the octets, as xx-xx-xx, of each hardware ID."""
    matches = pc.match_substring_regex(trimmed, f"^(?:{HARDWARE_ID})$")
    ids = pc.if_else(matches, trimmed, _NOTHING)
    model = pc.utf8_upper(pc.utf8_slice_codeunits(ids, 0, -9))
    return model, pc.utf8_lower(pc.utf8_slice_codeunits(ids, -8, None))
