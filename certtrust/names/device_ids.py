"""Serials (MAC addresses) and hardware IDs: one normaliser for every reader.

A serial is the device's MAC as 12 hex digits (`0090332f688a`). A hardware ID is the product and
the last three octets (`IP222-2f-68-8a`); products contain hyphens (`IP29-2`), so it is read
from the right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
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
_NONE, _HYPHEN = (pa.scalar(each, pa.large_string()) for each in (None, "-"))


def serials(text: pd.Series) -> pd.Series:
    """Return each text that is a serial as 12 lower-case hex digits, and missing for every
    other text.

    Examples
    --------
    >>> serials(pd.Series(["00-90-33-2F-68-8A", "IP222-2f-68-8a"])).tolist()
    ['0090332f688a', nan]
    """
    return _series(_serials(_trimmed(text)), text.index)


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
    return spellings(text)["spelled"]


def spellings(text: pd.Series) -> pd.DataFrame:
    """Return each text as `same_spelling` does (`spelled`), and of a hardware ID its `tail` as
    `hardware_ids` does.
    """
    trimmed = _trimmed(text)
    model, octets = _hardware_ids(trimmed)
    hardware_id = pc.binary_join_element_wise(model, octets, _HYPHEN)
    spelled = pc.coalesce(_serials(trimmed), hardware_id, pc.utf8_lower(trimmed))
    tail = pc.replace_substring(octets, "-", "")
    return pd.DataFrame(
        {"spelled": _series(spelled, text.index), "tail": _series(tail, text.index)}
    )


def leading_serials(text: pd.Series, rest: str) -> pd.Series:
    """Return the serial that each text begins with, where what follows it fits a pattern.

    Examples
    --------
    >>> leading_serials(pd.Series(["00-90-33-2F-68-8A-TEL1", "0090332f688ab"]), "-.*").tolist()
    ['0090332f688a', nan]
    """
    found = pc.extract_regex(arrow.text(text), f"^(?P<serial>{SERIAL})(?:{rest})$")
    return _series(_serials(pc.struct_field(found, "serial")), text.index)


def without_interface(names: pd.Series, interfaces: pd.Series) -> pd.Series:
    """Return registration names without the interface of a gateway behind a hardware ID.

    Examples
    --------
    >>> names = pd.Series(["IP811-25-0d-3f-TEL1", "IP811-25-0d-3f-PRI1-L1", "room-TEL1"])
    >>> without_interface(names, pd.Series([None, "PRI1-L1", "TEL1"])).tolist()
    ['IP811-25-0d-3f', 'IP811-25-0d-3f', 'room-TEL1']
    """
    longer = pc.match_substring_regex(arrow.text(names), f"^{HARDWARE_ID}-.")
    rows = np.flatnonzero(arrow.bits(longer))
    pattern = f"^(?P<id>{HARDWARE_ID})-(?P<interface>(?s:.+))$"
    parts = pc.extract_regex(arrow.text(names.iloc[rows]), pattern)
    behind, told = (
        pc.struct_field(parts, "interface"),
        arrow.text(interfaces.iloc[rows]),
    )
    like_one = pc.and_(
        pc.is_null(told), pc.match_substring_regex(behind, "^[A-Za-z]+[0-9]*$")
    )
    itself = pc.match_substring_regex(arrow.text(names.iloc[rows]), f"^{HARDWARE_ID}$")
    same = arrow.bits(pc.or_kleene(pc.equal(behind, told), like_one)) & ~arrow.bits(
        itself
    )
    found = names.copy()
    found.iloc[rows[same]] = pd.array(
        pc.struct_field(parts, "id").filter(pa.array(same)), dtype="str"
    )
    return found


def _trimmed(text: pd.Series) -> Any:
    return pc.utf8_trim_whitespace(arrow.text(text))


def _series(found: Any, index: pd.Index) -> pd.Series:
    return pd.Series(pd.array(found, dtype="str"), index=index)


def _serials(trimmed: Any) -> Any:
    known = pc.if_else(
        pc.match_substring_regex(trimmed, f"^(?:{SERIAL})$"), trimmed, _NONE
    )
    separated = pc.greater(pc.binary_length(known), _DIGITS)
    return pc.utf8_lower(
        arrow.changed(
            known, separated, lambda text: pc.replace_substring_regex(text, "[:.-]", "")
        )
    )


def _hardware_ids(trimmed: Any) -> tuple[Any, Any]:
    """Return the product and the octets, as xx-xx-xx, of each hardware ID."""
    known = pc.if_else(
        pc.match_substring_regex(trimmed, f"^(?:{HARDWARE_ID})$"), trimmed, _NONE
    )
    model = pc.utf8_upper(pc.utf8_slice_codeunits(known, 0, -9))
    return model, pc.utf8_lower(pc.utf8_slice_codeunits(known, -8, None))
