"""Text as it stands in a log to the typed columns of REGISTRATIONS, a block of lines at a time,
in Arrow.

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
from ..names import device_ids
from ..table_files import ARROW
from . import vocabulary
from .text.spans import Flags, Places, Spans, present

TEXT, MOMENT = ARROW[schema.TEXT], ARROW[schema.MOMENT]
COLUMNS = {column.name: column for column in schema.REGISTRATIONS}

SCHEMA = pa.schema([(name, ARROW[column.dtype]) for name, column in COLUMNS.items()])

NOTHING = pa.scalar(None, TEXT)

Columns = dict[str, Any]
"""Arrow arrays of one length by column name; words are plain text until `table` encodes them."""


class Notes:
    """What could not be read in each row of a block; several notes of a row are joined."""

    def __init__(self, problems: Any) -> None:
        self._count = len(problems)
        self._rows: list[Places] = []
        self._texts: list[Any] = []
        self.add(present(problems), problems)

    def add(self, where: Flags, note: Any) -> None:
        """Note a text (one for all, or an array) on the rows where a mask holds."""
        rows = np.flatnonzero(where)
        if len(rows):
            self._rows.append(rows)
            self._texts.append(
                constant(note, len(rows))
                if isinstance(note, str)
                else note.take(pa.array(rows))
            )

    def unread(self, text: Any, made: Any, note: str) -> None:
        """Note a text where something stood and nothing could be made of it."""
        if made.null_count > text.null_count:
            self.add(present(text) & ~present(made), note)

    @property
    def text(self) -> Any:
        """The notes of each row, missing where there is none."""
        if not self._rows:
            return constant(None, self._count)
        rows = np.concatenate(self._rows)
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        texts = pa.concat_arrays(self._texts).take(pa.array(order))
        notes = pa.LargeListArray.from_arrays(
            pa.array(np.append(begins, len(rows))), texts
        )
        return spread(pc.binary_join(notes, word("; ")), rows[begins], self._count)


def word(text: str) -> Any:
    """Return a word as a scalar of the type that all text has here."""
    return pa.scalar(text, TEXT)


def marked(where: Flags, name: str) -> Any:
    """Return a word, encoded, on the rows where a mask holds."""
    return coded(np.where(where, np.int32(0), np.int32(-1)), [name])


def coded(codes: Any, names: list[str]) -> Any:
    """Return words by their numbers, encoded in the order in which they occur; missing where
    the number is below 0.
    """
    used = sorted(
        np.flatnonzero(np.bincount(codes + 1)[1:]),
        key=lambda number: np.argmax(codes == number),
    )
    rank = np.full(len(names) + 1, -1, np.int32)
    rank[used] = np.arange(len(used))
    encoded = rank[codes]
    return pa.DictionaryArray.from_arrays(
        pa.array(encoded, mask=encoded < 0),
        pa.array([names[number] for number in used], TEXT),
    )


def blank(text: Any) -> Flags:
    """Return True where a text is empty or nothing but white space."""
    letter = Spans.of(text).letter(0)
    maybe = (letter <= ord(" ")) | (letter > ord("~"))
    if maybe.any():
        rows = np.flatnonzero(maybe)
        maybe[rows] = (
            Spans.of(pc.utf8_trim_whitespace(text.take(pa.array(rows)))).sizes == 0
        )
    return maybe & present(text)


def blank_to_null(text: Any) -> Any:
    """Trim white space and make what is then empty missing."""
    if not len(text):
        return text
    spans = whole = Spans.of(text)
    letters = spans.octets[spans.start[0] : spans.stop[-1]]
    if letters.size and (letters.min() <= ord(" ") or letters.max() > ord("~")):
        spans = whole.stripped()
    full = spans.sizes > 0
    if spans is whole and np.count_nonzero(full) == len(text) - text.null_count:
        return text
    return spans.where(full).text()


def words(text: Any, function: Callable[[list[Any]], Iterable[Any]]) -> Any:
    """Apply a function of a list to the distinct values of a text array; the result is encoded
    in a dictionary.
    """
    encoded = text.dictionary_encode()
    made = pa.array(function(encoded.dictionary.to_pylist()), TEXT).dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        made.indices.take(encoded.indices), made.dictionary
    )


_SERIAL = "^[0-9a-f]{12}$"


def _all_serials(text: Any) -> bool:
    """Return True where all texts, of which some may be missing, are serials in their one
    spelling.
    """
    spans = Spans.of(text)
    sizes = spans.sizes
    full = sizes == 12
    if (
        not len(text)
        or ((sizes > 0) & ~full).any()
        or np.count_nonzero(full) < len(text) - text.null_count
    ):
        return False
    letters = spans.octets[spans.start[0] : spans.stop[-1]]
    digits = (letters - ord("0") < 10) | (letters - ord("a") < 6)
    return bool(digits.all())


def serials(text: Any) -> Any:
    """Return what is a serial in any spelling as 12 lower-case hex digits; all else is missing."""
    if _all_serials(text):
        return text
    return _spelled(
        text,
        _SERIAL,
        r"^\s*[0-9A-Fa-f][0-9A-Fa-f:.-]{10,15}[0-9A-Fa-f]\s*$",
        device_ids.serials,
    )


def hardware_ids(text: Any) -> Any:
    """Return what is a hardware ID in its one spelling; all else is missing."""

    def one_spelling(series: pd.Series) -> pd.Series:
        return device_ids.same_spelling(series).where(
            device_ids.hardware_ids(series)["model"].notna()
        )

    return _spelled(
        text,
        "^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}$",
        r"^\s*[A-Za-z].*-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}\s*$",
        one_spelling,
    )


def _spelled(
    text: Any, right: str, likely: str, function: Callable[[pd.Series], pd.Series]
) -> Any:
    """Keep what is spelled right already, and apply a function only to what may be another
    spelling of it.
    """
    if text.null_count == len(text):
        return text
    fits = pc.match_substring_regex(text, right)
    if pc.all(fits).as_py():
        return text
    kept = pc.if_else(fits, text, NOTHING)
    others = pc.if_else(
        pc.and_not(pc.match_substring_regex(text, likely), fits), text, NOTHING
    )
    if others.null_count == len(text):
        return kept
    made = words(others, lambda values: function(pd.Series(values, dtype="str")).array)
    return pc.coalesce(kept, made.dictionary_decode())


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


_PROTOCOL = {
    _plain(spelling): name
    for name, others in vocabulary.PROTOCOLS.items()
    for spelling in (name, *others)
}
_STATE = {**{state: state for state in vocabulary.STATES}, **vocabulary.STATE_SPELLINGS}
_AUTHENTICATION = {name: name for name in vocabulary.AUTHENTICATIONS}
_FLAG = {**dict.fromkeys(TRUE, "true"), **dict.fromkeys(FALSE, "false")}


def _one_of(known: dict[str, str], text: Any, note: str, notes: Notes) -> Any:
    """Return the known words; any other one is missing and noted."""
    made = words(
        text,
        lambda values: [known.get((value or "").strip().lower()) for value in values],
    )
    notes.unread(text, made, note)
    return made


def states(text: Any, notes: Notes) -> Any:
    """Return the registration states among the texts."""
    return _one_of(
        _STATE, text, f"the state is none of {', '.join(vocabulary.STATES)}", notes
    )


def authentications(text: Any, notes: Notes) -> Any:
    """Return certificate, password or none."""
    return _one_of(
        _AUTHENTICATION,
        text,
        f"the authentication is none of {', '.join(_AUTHENTICATION)}",
        notes,
    )


def flags(text: Any, name: str, notes: Notes) -> Any:
    """Return true and false from their usual words."""
    return (
        _one_of(_FLAG, text, f"{name} is neither true nor false", notes)
        .dictionary_decode()
        .cast(pa.bool_())
    )


def protocols(text: Any) -> Any:
    """Return protocols by their one name; unknown ones stay as they stand."""
    return words(
        text,
        lambda values: [
            value and _PROTOCOL.get(_plain(value), value) for value in values
        ],
    )


def severities(text: Any) -> Any:
    """Return severities by name, from their number or name; unknown ones stay as they stand."""
    names = {str(number): name for number, name in enumerate(vocabulary.SEVERITIES)}
    return words(text, lambda values: [v and names.get(v, v.lower()) for v in values])


def fingerprints(text: Any) -> Any:
    """Return SHA-256 fingerprints in lower-case hex without separators; other texts stay as
    they stand.
    """
    if pc.all(pc.match_substring_regex(text, "^[0-9a-f]{64}$")).as_py():
        return text
    plain = pc.utf8_lower(pc.replace_substring(text, ":", ""))
    return pc.if_else(pc.match_substring_regex(plain, "^[0-9a-f]{64}$"), plain, text)


def first(*arrays: Any) -> Any:
    """Return the first value of each row; arrays of which nothing is needed are not copied,
    words may be encoded.
    """
    first, *others = (array for array in arrays if array is not None)
    for other in others:
        if first.null_count == len(first):
            first = other
        elif (present(other) & ~present(first)).any():
            first = pc.coalesce(*(_decoded(array) for array in (first, other)))
    return first


def _decoded(text: Any) -> Any:
    return text.dictionary_decode() if pa.types.is_dictionary(text.type) else text


_DEFAULT_NAME = (
    rf"^(?P<serial>{device_ids.SERIAL})(?:-(?P<interface>[A-Za-z][A-Za-z0-9]*))?$"
)


def named(columns: Columns) -> Columns:
    """Complete the interface and the serial from a registration name of the default form, where
    they are missing.
    """
    name = columns.get("registration_name")
    if name is None or name.null_count == len(name):
        return columns
    if _all_serials(name):
        serial, interface = name, pa.nulls(len(name), TEXT)
    else:
        plain = pc.match_substring_regex(name, _SERIAL)
        parts = pc.extract_regex(pc.if_else(plain, NOTHING, name), _DEFAULT_NAME)
        serial = pc.if_else(plain, name, serials(pc.struct_field(parts, "serial")))
        interface = blank_to_null(pc.struct_field(parts, "interface"))
    # A device that is known by its hardware ID may register under any name, so the name tells
    # its serial only where nothing else tells who it is.
    known = columns.get("hardware_id")
    serial = serial if known is None else pc.if_else(pc.is_null(known), serial, NOTHING)
    return columns | {
        "serial": first(columns.get("serial"), serial),
        "interface": first(columns.get("interface"), interface),
    }


def constant(value: Any, count: int, arrow: Any = TEXT) -> Any:
    """Return one value for every row of a block; blocks share its memory."""
    return _repeated(value, 1 << max(0, count - 1).bit_length(), arrow).slice(0, count)


@lru_cache(maxsize=32)
def _repeated(value: Any, count: int, arrow: Any) -> Any:
    return (
        pa.nulls(count, arrow)
        if value is None
        else pa.repeat(pa.scalar(value, arrow), count)
    )


def spread(array: Any, rows: Any, count: int) -> Any:
    """Return the values of some rows, in order, as a column of so many rows that is missing in
    all others.
    """
    if len(array) == count:
        return array
    if array.null_count == len(array):
        return pa.nulls(count, array.type)
    place = np.full(count, -1)
    place[rows] = np.arange(len(rows))
    return array.take(pa.array(place, mask=place < 0))


def scattered(parts: list[tuple[Any, Columns]], count: int) -> Columns:
    """Put parts of a block together again: each part is the numbers of its rows and their columns.

    A column may also have all rows of the block and be missing outside of the part.
    """
    made: Columns = {}
    for rows, columns in parts:
        for name, array in columns.items():
            whole = spread(array, rows, count)
            made[name] = first(made[name], whole) if name in made else whole
    return made
