"""Serials (MAC addresses) and hardware IDs: one normaliser for every reader.

A serial is the device's MAC as 12 hex digits (`0090332f688a`). A hardware ID is the product and the
last three octets (`IP222-2f-68-8a`); products contain hyphens (`IP29-2`), so it is read from the right.
"""

from __future__ import annotations

import pandas as pd

_OCTET = "[0-9A-Fa-f]{2}"
SERIAL = rf"(?:{_OCTET}[:-]){{5}}{_OCTET}|[0-9A-Fa-f]{{12}}|(?:[0-9A-Fa-f]{{4}}\.){{2}}[0-9A-Fa-f]{{4}}"
"""Pattern of a serial: 12 hex digits, or octets with `:` or `-`, or three groups with dots."""
HARDWARE_ID = rf"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*?-{_OCTET}-{_OCTET}-{_OCTET}"
"""Pattern of a hardware ID: a product that begins with a letter, then three octets."""


def serials(text: pd.Series) -> pd.Series:
    """Return each text that is a serial as 12 lower-case hex digits, and missing for every other text.

    Examples
    --------
    >>> serials(pd.Series(["00-90-33-2F-68-8A", "IP222-2f-68-8a"])).tolist()
    ['0090332f688a', nan]
    """
    text = text.astype("str").str.strip()
    digits = text.str.replace(r"[:.-]", "", regex=True).str.lower()
    return digits.where(text.str.fullmatch(SERIAL).fillna(False).astype(bool))


def hardware_ids(text: pd.Series) -> pd.DataFrame:
    """Split each hardware ID into `model` (upper case) and `tail` (six lower-case hex digits).

    Examples
    --------
    >>> hardware_ids(pd.Series(["ip29-2-01-02-0A", "phone"])).values.tolist()
    [['IP29-2', '01020a'], [nan, nan]]
    """
    text = text.astype("str").str.strip()
    fits = text.str.fullmatch(HARDWARE_ID).fillna(False).astype(bool)
    model = text.str.slice(stop=-9).str.upper().where(fits)
    tail = text.str.slice(start=-8).str.replace("-", "").str.lower().where(fits)
    return pd.DataFrame({"model": model, "tail": tail}, index=text.index)


def same_spelling(text: pd.Series) -> pd.Series:
    """Return each text in the one spelling that identities are compared in.

    Serials become 12 lower-case hex digits, hardware IDs get an upper-case product and lower-case
    octets, and any other name keeps its spelling in lower case.

    Examples
    --------
    >>> same_spelling(pd.Series(["00:90:33:2F:68:8A", "ip222-2F-68-8A", "Reception"])).tolist()
    ['0090332f688a', 'IP222-2f-68-8a', 'reception']
    """
    text = text.astype("str").str.strip()
    parts = hardware_ids(text)
    spelled = parts["model"] + "-" + text.str.slice(start=-8).str.lower()
    return serials(text).fillna(spelled).fillna(text.str.lower())
