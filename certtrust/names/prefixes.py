"""The article's prefix rule: a registration name starts with the CN of the certificate."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays import threads
from ..arrays.arrow import as_mask, flags, index_of, replace_where, same_length, text
from ..arrays.grouping import Codes, factorize_codes, repeat_ranges
from ..errors import CerttrustError
from ..texts.sentences import say
from .device_ids import HARDWARE_ID, SERIAL, SOFT_CLIENT


def begins_with_cn(
    registration_names: Iterable[Any], common_names: Iterable[Any]
) -> pd.Series:
    """Return whether each registration name, or hardware ID, starts with its CN.

    Parameters
    ----------
    registration_names, common_names : Series or list of str, n values each
        Names that devices register with, and common names of their certificates.

    Returns
    -------
    Series of boolean
        With the index of `registration_names`. False where the CN is missing or empty, for such
        a CN matches no name; else missing where the name is missing.

    Raises
    ------
    CerttrustError
        If the two have different lengths. Values pair up by position.

    Notes
    -----
    The article: the registration name must start with the CN value of the certificate. Decided
    here:

    - An empty CN, one of blanks only, and one with a NUL or with a character that could not be
      decoded never match, though every text starts with the empty text.
    - The comparison is exact, blanks and case included, after Unicode normalisation (NFC).
    - But where the name is a device's own, that is a hardware ID or one that starts with a
      serial, case does not matter, and a serial may be written as a MAC with `:`, `-` or dots
      on either side: all of these are spellings of the same bytes. The article shows lower-case
      hex only.
    - A serial is not a hardware ID, though both may be of one device:
      `certificate_fits_registration`.

    Examples
    --------
    >>> begins_with_cn(["009033010203-TEL1", "0090332f688a", "user1", "user1"],
    ...                ["009033010203", "00:90:33:2F:68:8A", "User1", ""]).tolist()
    [True, True, False, False]
    """
    index, names, cns = paired(
        registration_names=registration_names, common_names=common_names
    )
    can_match = as_mask(usable(cns))
    missing = as_mask(pc.is_null(names)) & can_match
    return flags(begins(names, cns) & can_match, missing, index)


def paired(**columns: Iterable[Any]) -> tuple[pd.Index, Any, Any]:
    """Return the index of the first of two columns, and both as Arrow text.

    Raises
    ------
    CerttrustError
        If one is no column of text, or they have different lengths.
    """
    for name, values in columns.items():
        if isinstance(values, str | bytes | pd.DataFrame) or not isinstance(
            values, Iterable
        ):
            value = repr(values)[:_SHOWN]
            raise CerttrustError(
                say("errors.names.no_column", name=name, value=value)
            )
    first, second = (
        values if isinstance(values, pd.Series | pa.Array) else list(values)
        for values in columns.values()
    )
    texts = text(first), text(second)
    same_length(**dict(zip(columns, texts, strict=True)))
    return index_of(first), *texts


_SHOWN = 40  # characters of a wrong value
_OWN_NAME = rf"(?s)^(?:(?:{SERIAL})(?:[^0-9A-Za-z].*)?|{HARDWARE_ID})$"
_OCTET = "([0-9a-f]{2})"
_OCTETS = "^" + "[:-]".join([_OCTET] * 6)
_DOTTED = r"^([0-9a-f]{4})\.([0-9a-f]{4})\.([0-9a-f]{4})"
_SEPARATED = r"^[0-9a-f]{2}(?:[:-]|[0-9a-f]{2}\.)"


def usable(cns: Any) -> Any:
    """Return which CNs can match at all."""
    blank = pc.or_(pc.equal(cns, ""), pc.utf8_is_space(cns))
    unreadable = pc.or_(
        pc.match_substring(cns, "\0"), pc.match_substring(cns, "\ufffd")
    )
    return pc.invert(pc.or_(blank, unreadable))


def begins(names: Any, cns: Any) -> np.ndarray:
    """Return where an Arrow text begins with a CN that is usable."""
    names, cns = _composed(names), _composed(cns)
    begins = _starts_with(names, cns)
    rest = np.flatnonzero(~begins)
    rest = rest[
        as_mask(pc.match_substring_regex(names.take(pa.array(rest)), _OWN_NAME))
    ]
    begins[rest] = _starts_with(
        _folded(names.take(pa.array(rest))), _folded(cns.take(pa.array(rest)))
    )
    return begins


def _composed(texts: Any) -> Any:
    """Return texts in the composed form (NFC) of Unicode.

    By Python: `pyarrow.compute.utf8_normalize` leaves them as they are in version 21.
    """
    return replace_where(texts, pc.invert(pc.string_is_ascii(texts)), _nfc)


def _nfc(texts: Any) -> Any:
    composed = [unicodedata.normalize("NFC", text) for text in texts.to_pylist()]
    return pa.array(composed, pa.large_string())


def _folded(texts: Any) -> Any:
    lower = pc.ascii_lower(texts)
    return replace_where(lower, pc.match_substring_regex(lower, _SEPARATED), _joined)


def _joined(lower: Any) -> Any:
    return pc.replace_substring_regex(
        pc.replace_substring_regex(lower, _OCTETS, r"\1\2\3\4\5\6"),
        _DOTTED,
        r"\1\2\3",
    )


def _starts_with(texts: Any, prefixes: Any) -> np.ndarray:
    """Return where texts start with prefixes; by one comparison per length of prefix."""
    length = pc.fill_null(pc.utf8_length(prefixes), -1).to_numpy(zero_copy_only=False)
    starts_with = np.zeros(len(length), dtype=bool)
    order = np.argsort(length, kind="stable")
    starts = np.flatnonzero(np.diff(length[order], prepend=-2))
    for rows in np.split(order, starts[1:]):
        size = int(length[rows[0]]) if len(rows) else -1
        if size > 0:
            head = pc.utf8_slice_codeunits(texts.take(pa.array(rows)), 0, size)
            starts_with[rows] = as_mask(pc.equal(head, prefixes.take(pa.array(rows))))
    return starts_with


def beginnings(
    registration_names: Iterable[Any], common_names: Iterable[Any]
) -> tuple[Codes, Codes, Codes]:
    """Return all names that each CN begins, as `begins_with_cn` decides for one pair.

    Not every pair is compared: the names are sorted once, and each CN has its range in them;
    those of a device's own are
    sorted a second time in the spelling that is compared regardless of case. CNs that begin the
    same names share a number, so that a thousand spellings of one prefix cost no more than one.

    Parameters
    ----------
    registration_names, common_names : Series or list of str
        n names and m CNs, no text twice.

    Returns
    -------
    group : array of int, m values
        The number of each CN, -1 where it begins no name.
    owner, name : arrays of int
        The pairs: a number, and the position of a name that the CNs of that number begin.

    Examples
    --------
    >>> names = ["user1", "user10", "0090332F688A"]
    >>> group, owner, name = beginnings(names, ["user1", "0090", "009033", "x"])
    >>> group.tolist(), owner.tolist(), name.tolist()
    ([0, 1, 1, -1], [0, 0, 1], [0, 1, 2])
    """
    names, cns = _composed(text(registration_names)), _composed(text(common_names))
    can_match = np.flatnonzero(as_mask(usable(cns)))
    wanted = cns.take(pa.array(can_match))
    own = np.flatnonzero(as_mask(pc.match_substring_regex(names, _OWN_NAME)))
    folded = _folded(names.take(pa.array(own)))
    plain = as_mask(pc.is_valid(names))
    plain[
        own[as_mask(pc.equal(folded, pc.ascii_lower(names.take(pa.array(own)))))]
    ] = False
    exact = np.flatnonzero(plain)
    sorted_twice = [
        (names.take(pa.array(exact)), wanted, exact),
        (folded, _folded(wanted), own),
    ]
    ranges = threads.parallel_map(lambda one: _ranges(*one), sorted_twice, len(names))
    code, first = factorize_codes(
        *(edge for _, start, end in ranges for edge in (start, end))
    )
    pairs = []
    for ordered, start, end in ranges:
        owner, number = repeat_ranges((end - start)[first])
        pairs.append(
            owner * max(len(names), 1) + ordered[start[first][owner] + number]
        )
    owner, name = np.divmod(np.unique(np.concatenate(pairs)), max(len(names), 1))
    group = np.full(len(cns), -1, dtype=np.int64)
    group[can_match] = np.where(np.isin(code, owner), code, -1)
    return group, owner, name


def _ranges(
    texts: Any, prefixes: Any, positions: Codes
) -> tuple[Codes, Codes, Codes]:
    """Return the positions in the order of their texts, and the range of each prefix in them."""
    count, size = len(prefixes), len(texts)
    prefixes, texts = (side.cast(pa.large_binary()) for side in (prefixes, texts))
    # No octet of UTF-8 is so high; and the sort is stable, so that a prefix stands before a
    # text that equals it.
    beyond = pc.binary_join_element_wise(
        prefixes, *(pa.scalar(octets, pa.large_binary()) for octets in (b"\xff", b""))
    )
    order = (
        pc.sort_indices(pa.concat_arrays([prefixes, texts, beyond]))
        .to_numpy()
        .astype(np.int64)
    )
    is_text = (order >= count) & (order < count + size)
    before = np.empty(len(order), dtype=np.int64)
    before[order] = np.cumsum(is_text)
    start, end = before[:count], before[count + size :]
    return (
        positions[order[is_text] - count],
        np.where(start < end, start, 0),
        np.where(start < end, end, 0),
    )


def ends_inside(
    registration_names: Iterable[Any], common_names: Iterable[Any]
) -> pd.Series:
    """Return where a CN ends inside the name, so that it would let another device in, too.

    `user1` in `user10` does, and so does every CN that is only a part of a serial or hardware ID
    (`IP222` in `IP222-2f-68-8a`, `Swphone_` in `Swphone_ada`). `009033010203` in
    `009033010203-TEL1` does not: it names the gateway.

    Parameters
    ----------
    registration_names, common_names : Series or list of str, n values each

    Returns
    -------
    Series of boolean
        With the index of `registration_names`; missing and False as in `begins_with_cn`.

    Examples
    --------
    >>> names = ["user10", "user1", "009033010203-TEL1"]
    >>> ends_inside(names, ["user1", "user1", "009033010203"]).tolist()
    [True, False, False]
    """
    index, names, cns = paired(
        registration_names=registration_names, common_names=common_names
    )
    begins = begins_with_cn(names, cns).set_axis(index)
    whole = pc.and_(
        pc.match_substring_regex(cns, f"^(?:{SERIAL})$"),
        pc.match_substring_regex(names, rf"^(?:{SERIAL})(?:$|[^0-9A-Za-z])"),
    )
    rows = np.flatnonzero(
        as_mask(begins) & ~as_mask(pc.or_(whole, pc.equal(names, cns)))
    )
    columns = (column.take(pa.array(rows)).to_pylist() for column in (names, cns))
    pairs = list(zip(*columns, strict=True))
    verdicts = {pair: _ends_inside(*pair) for pair in set(pairs)}
    inside = np.zeros(len(begins), dtype=bool)
    inside[rows] = [verdicts[pair] for pair in pairs]
    return flags(inside, begins.isna().to_numpy(), begins.index)


# The longest reading first: products contain hyphens, and an interface may follow.
_DEVICE_ID = "|".join(
    (
        rf"(?:{SERIAL})(?![0-9A-Za-z])",
        rf"(?:{HARDWARE_ID}|{SOFT_CLIENT})$",
        rf"{HARDWARE_ID}(?![0-9A-Za-z])",
    )
)


def _ends_inside(name: str, cn: str) -> bool:
    """Return it for a pair that matches; the CN is neither the whole name nor a serial."""
    own = re.match(_DEVICE_ID, name)
    if own and len(cn) < own.end():
        return True
    name, cn = unicodedata.normalize("NFC", name), unicodedata.normalize("NFC", cn)
    return len(cn) < len(name) and cn[-1].isalnum() and name[len(cn)].isalnum()
