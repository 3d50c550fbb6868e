"""Text of a log to the typed columns of REGISTRATIONS, a block of lines at a time, in Arrow.

What cannot be read becomes missing and a note; what is absent becomes missing without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import schema
from ..formats import FALSE, TRUE
from ..names import damaged_serials, device_ids
from ..table_files import ARROW
from . import vocabulary
from .text.spans import Mask, Positions, Spans, as_mask, present

TEXT, MOMENT = ARROW[schema.TEXT], ARROW[schema.MOMENT]
COLUMNS = {column.name: column for column in schema.REGISTRATIONS}

SCHEMA = pa.schema([(name, ARROW[column.dtype]) for name, column in COLUMNS.items()])

NULL = pa.scalar(None, TEXT)

Columns = dict[str, Any]
"""Arrow arrays of one length by column name; words are plain text until `table` encodes them."""


class Notes:
    """What could not be read in each row of a block; several notes of a row are joined."""

    def __init__(self, *problems: Any) -> None:
        self._count = len(problems[0])
        self._rows: list[Positions] = []
        self._texts: list[Any] = []
        for texts in problems:
            self.add(present(texts), texts)

    def add(self, mask: Mask, note: Any) -> None:
        """Note a text (one for all, or an array) on the rows where the mask is true."""
        rows = np.flatnonzero(mask)
        if not len(rows):
            return
        self._rows.append(rows)
        if isinstance(note, str):
            self._texts.append(constant(note, len(rows)))
        else:
            self._texts.append(note.take(pa.array(rows)))

    def add_text(self, rows: Positions, texts: Any) -> None:
        """Note texts at some rows; a missing one is no note."""
        filled = np.flatnonzero(present(texts))
        if len(filled):
            self._rows.append(np.asarray(rows)[filled])
            self._texts.append(texts.take(pa.array(filled)))

    def unread(self, text: Any, values: Any, note: str) -> None:
        """Note a text where there was something and no value could be made of it."""
        if values.null_count > text.null_count:
            self.add(present(text) & ~present(values), note)

    @property
    def text(self) -> Any:
        """The notes of each row, missing where there is none."""
        if not self._rows:
            return constant(None, self._count)
        rows = np.concatenate(self._rows)
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        firsts = np.flatnonzero(np.diff(rows, prepend=-1))
        texts = pa.concat_arrays(self._texts).take(pa.array(order))
        edges = pa.array(np.append(firsts, len(rows)))
        joined = pc.binary_join(
            pa.LargeListArray.from_arrays(edges, texts), word("; ")
        )
        return scatter(joined, rows[firsts], self._count)


def word(text: str) -> Any:
    """Return a word as a scalar of the type that all text has here."""
    return pa.scalar(text, TEXT)


def word_where(mask: Mask, name: str) -> Any:
    """Return a word, encoded, on the rows where the mask is true."""
    return encode(np.where(mask, np.int32(0), np.int32(-1)), [name])


def encode(codes: Any, names: list[str]) -> Any:
    """Return the names of codes, dictionary-encoded in order of appearance.

    A code below 0 is missing.
    """
    used = sorted(
        np.flatnonzero(np.bincount(codes + 1)[1:]),
        key=lambda code: np.argmax(codes == code),
    )
    rank = np.full(len(names) + 1, -1, np.int32)
    rank[used] = np.arange(len(used))
    indices = rank[codes]
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, mask=indices < 0),
        pa.array([names[code] for code in used], TEXT),
    )


def blank(text: Any) -> Mask:
    """Return True where a text is empty or nothing but white space."""
    first = Spans.of(text).byte_at(0)
    candidates = (first <= ord(" ")) | (first > ord("~"))
    if candidates.any():
        rows = np.flatnonzero(candidates)
        trimmed = pc.utf8_trim_whitespace(text.take(pa.array(rows)))
        candidates[rows] = Spans.of(trimmed).sizes == 0
    return candidates & present(text)


def blank_to_null(text: Any) -> Any:
    """Trim white space and make what is then empty missing."""
    if not len(text):
        return text
    spans = whole = Spans.of(text)
    data = spans.data[spans.start[0] : spans.stop[-1]]
    if data.size and (data.min() <= ord(" ") or data.max() > ord("~")):
        spans = whole.strip()
    filled = spans.sizes > 0
    if spans is whole and np.count_nonzero(filled) == len(text) - text.null_count:
        return text
    return spans.where(filled).text()


def map_distinct(text: Any, function: Callable[[list[Any]], Iterable[Any]]) -> Any:
    """Apply a function to the list of distinct values of a text array.

    The result is dictionary-encoded.
    """
    encoded = text.dictionary_encode()
    values = pa.array(function(encoded.dictionary.to_pylist()), TEXT)
    mapped = values.dictionary_encode()
    indices = mapped.indices.take(encoded.indices)
    return pa.DictionaryArray.from_arrays(indices, mapped.dictionary)


_SERIAL = "^[0-9a-f]{12}$"


def _all_serials(text: Any) -> bool:
    """Return True where all texts that are not missing are serials in their one spelling."""
    spans = Spans.of(text)
    sizes = spans.sizes
    full = sizes == 12
    if not len(text) or ((sizes > 0) & ~full).any():
        return False
    if np.count_nonzero(full) < len(text) - text.null_count:
        return False
    data = spans.data[spans.start[0] : spans.stop[-1]]
    digits = (data - ord("0") < 10) | (data - ord("a") < 6)
    return bool(digits.all())


def serials(text: Any) -> Any:
    """Return serials in any spelling as 12 lower-case hex digits; all else is missing."""
    if _all_serials(text):
        return text
    return _in_one_spelling(
        text,
        _SERIAL,
        r"^\s*[0-9A-Fa-f][0-9A-Fa-f:.-]{10,15}[0-9A-Fa-f]\s*$",
        device_ids.serials,
    )


def mended_serials(
    text: Any, serial: Any, notes: Notes, note: str | None = None
) -> Any:
    """Return serials, completed by those that other texts can only have been.

    What was mended is noted, and what was lost; for all else there is `note`.
    """
    is_likely = as_mask(pc.match_substring_regex(text, damaged_serials.MAY_BE))
    if note is None:
        rest = pc.if_else(pa.array(is_likely & ~present(serial)), text, NULL)
    else:
        rest = pc.if_else(pa.array(present(serial)), NULL, text)
    if rest.null_count == len(rest):
        return serial
    encoded = rest.dictionary_encode()
    outcomes = [
        damaged_serials.mended(word) for word in encoded.dictionary.to_pylist()
    ]
    is_ipei = ipeis(encoded.dictionary)
    words = [
        outcome.note or (note if outcome.serial is None and not handset else None)
        for outcome, handset in zip(outcomes, present(is_ipei), strict=True)
    ]
    remarks = pa.array(words, TEXT).take(encoded.indices)
    notes.add(present(remarks), remarks)
    mended = pa.array([outcome.serial for outcome in outcomes], TEXT)
    return coalesce(serial, mended.take(encoded.indices))


def ipeis(text: Any) -> Any:
    """Return the identities of DECT handsets; all else is missing."""
    is_ipei = pc.match_substring_regex(text, rf"^\s*{damaged_serials.IPEI}\s*$")
    return pc.if_else(is_ipei, text, NULL)


def hardware_ids(text: Any) -> Any:
    """Return hardware IDs in their one spelling; all else is missing."""

    def one_spelling(series: pd.Series) -> pd.Series:
        is_hardware_id = device_ids.hardware_ids(series)["model"].notna()
        return device_ids.same_spelling(series).where(is_hardware_id)

    return _in_one_spelling(
        text,
        "^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}$",
        r"^\s*[A-Za-z].*-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}\s*$",
        one_spelling,
    )


def _in_one_spelling(
    text: Any, right: str, likely: str, function: Callable[[pd.Series], pd.Series]
) -> Any:
    """Keep what is spelled right, and apply the function to what may be another spelling."""
    if text.null_count == len(text):
        return text
    is_right = pc.match_substring_regex(text, right)
    if pc.all(is_right).as_py():
        return text
    kept = pc.if_else(is_right, text, NULL)
    is_likely = pc.and_not(pc.match_substring_regex(text, likely), is_right)
    candidates = pc.if_else(is_likely, text, NULL)
    if candidates.null_count == len(text):
        return kept
    respelled = map_distinct(
        candidates, lambda values: function(pd.Series(values, dtype="str")).array
    )
    return pc.coalesce(kept, respelled.dictionary_decode())


_PROTOCOLS = {
    vocabulary.plain(spelling): name
    for name, others in vocabulary.PROTOCOLS.items()
    for spelling in (name, *others)
}
_STATES = {
    **{state: state for state in vocabulary.STATES},
    **vocabulary.STATE_SPELLINGS,
}
_STATES_OF_TABLES = {**_STATES, **vocabulary.STATE_WORDS}
_AUTHENTICATIONS = {name: name for name in vocabulary.AUTHENTICATIONS}
_FLAGS = {**dict.fromkeys(TRUE, "true"), **dict.fromkeys(FALSE, "false")}


def _looked_up(names: dict[str, str], text: Any, note: str, notes: Notes) -> Any:
    """Return the names of words in any case; any other word is missing and noted."""
    values = map_distinct(
        text,
        lambda words: [names.get((word or "").strip().lower()) for word in words],
    )
    notes.unread(text, values, note)
    return values


def states(text: Any, notes: Notes, *, of_table: bool = False) -> Any:
    """Return the registration states among the texts."""
    note = f"the state is none of {', '.join(vocabulary.STATES)}"
    names = _STATES_OF_TABLES if of_table else _STATES
    return _looked_up(names, text, note, notes)


def authentications(text: Any, notes: Notes) -> Any:
    """Return certificate, password or none."""
    note = f"the authentication is none of {', '.join(_AUTHENTICATIONS)}"
    return _looked_up(_AUTHENTICATIONS, text, note, notes)


def flags(text: Any, name: str, notes: Notes) -> Any:
    """Return true and false from their usual words."""
    words = _looked_up(_FLAGS, text, f"{name} is neither true nor false", notes)
    return words.dictionary_decode().cast(pa.bool_())


def protocols(text: Any) -> Any:
    """Return protocols by their one name; unknown ones stay as they stand."""
    return map_distinct(
        text,
        lambda words: [
            word and _PROTOCOLS.get(vocabulary.plain(word), word) for word in words
        ],
    )


def severities(text: Any) -> Any:
    """Return severities by name, from their number or name; unknown ones stay as they stand."""
    names = {str(number): name for number, name in enumerate(vocabulary.SEVERITIES)}
    return map_distinct(
        text, lambda words: [word and names.get(word, word.lower()) for word in words]
    )


def reasons(text: Any) -> Any:
    """Return the reasons of failures by their standard names, as plain text."""
    return map_distinct(text, vocabulary.reasons).dictionary_decode()


def fingerprints(text: Any) -> Any:
    """Return SHA-256 fingerprints in lower-case hex without separators.

    Other texts stay as they stand.
    """
    if pc.all(pc.match_substring_regex(text, "^[0-9a-f]{64}$")).as_py():
        return text
    plain = pc.utf8_lower(pc.replace_substring(text, ":", ""))
    return pc.if_else(pc.match_substring_regex(plain, "^[0-9a-f]{64}$"), plain, text)


def coalesce(*arrays: Any) -> Any:
    """Return the first value of each row, as Arrow's function of this name does.

    An array of which nothing is needed is not copied, words may be encoded, and None is no
    array.
    """
    values, *others = (array for array in arrays if array is not None)
    for other in others:
        if values.null_count == len(values):
            values = other
        elif (present(other) & ~present(values)).any():
            values = pc.coalesce(*(decoded(array) for array in (values, other)))
    return values


def decoded(text: Any) -> Any:
    """Return an array without its dictionary, where it has one."""
    return text.dictionary_decode() if pa.types.is_dictionary(text.type) else text


_DEFAULT_NAME = (
    rf"^(?P<serial>{device_ids.SERIAL})(?:-(?P<interface>[A-Za-z][A-Za-z0-9]*))?$"
)


def complete_from_name(columns: Columns) -> Columns:
    """Fill in the missing serials and interfaces from registration names of the default form."""
    name = columns.get("registration_name")
    if name is None or name.null_count == len(name):
        return columns
    has_value = [
        present(columns[key]) for key in ("serial", "interface") if key in columns
    ]
    if len(has_value) == 2 and np.all((has_value[0] & has_value[1]) | ~present(name)):
        return columns
    if _all_serials(name):
        serial, interface = name, pa.nulls(len(name), TEXT)
    else:
        is_serial = pc.match_substring_regex(name, _SERIAL)
        parts = pc.extract_regex(pc.if_else(is_serial, NULL, name), _DEFAULT_NAME)
        serial = pc.if_else(
            is_serial, name, serials(pc.struct_field(parts, "serial"))
        )
        interface = blank_to_null(pc.struct_field(parts, "interface"))
    # A device with a hardware ID may register under any name, so the name gives its serial
    # only where nothing else says who it is.
    hardware_id = columns.get("hardware_id")
    if hardware_id is not None:
        serial = pc.if_else(pc.is_null(hardware_id), serial, NULL)
    return columns | {
        "serial": coalesce(columns.get("serial"), serial),
        "interface": coalesce(columns.get("interface"), interface),
    }


def constant(value: Any, count: int, arrow: Any = TEXT) -> Any:
    """Return one value for every row of a block; blocks share its memory."""
    return _repeated(value, 1 << max(0, count - 1).bit_length(), arrow).slice(
        0, count
    )


@lru_cache(maxsize=32)
def _repeated(value: Any, count: int, arrow: Any) -> Any:
    if value is None:
        return pa.nulls(count, arrow)
    return pa.repeat(pa.scalar(value, arrow), count)


def scatter(array: Any, rows: Any, count: int) -> Any:
    """Return a column of `count` rows with the values at these rows, missing in all others."""
    if len(array) == count:
        return array
    if array.null_count == len(array):
        return pa.nulls(count, array.type)
    indices = np.full(count, -1)
    indices[rows] = np.arange(len(rows))
    return array.take(pa.array(indices, mask=indices < 0))


def join_parts(parts: list[tuple[Any, Columns]], count: int) -> Columns:
    """Join parts of a block, each the numbers of its rows and their columns.

    A column may also have all rows of the block and be missing outside of its part.
    """
    joined: Columns = {}
    for rows, columns in parts:
        for name, array in columns.items():
            joined[name] = coalesce(joined.get(name), scatter(array, rows, count))
    return joined
