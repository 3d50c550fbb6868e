"""Text as it stands in a log to the typed columns of REGISTRATIONS, a block of lines at a time, in Arrow.

What cannot be read becomes missing and a note; what is absent becomes missing without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import identity, schema
from . import vocabulary
from .spans import Spans

TEXT = pa.large_string()
MOMENT = pa.timestamp("us", tz="UTC")
COLUMNS = {column.name: column for column in schema.REGISTRATIONS}

_ARROW = {
    schema.TEXT: TEXT,
    schema.WORD: pa.dictionary(pa.int32(), TEXT),
    schema.FLAG: pa.bool_(),
    schema.COUNT: pa.int64(),
    schema.MOMENT: MOMENT,
}
SCHEMA = pa.schema([(name, _ARROW[column.dtype]) for name, column in COLUMNS.items()])

NOTHING = pa.scalar(None, TEXT)

_SLACK = 1.02
"""How much more memory than its values text may take before it is copied."""

_END_OF_1970 = 365 * 24 * 3600 * 10**6
_FIRST, _LAST = pd.Timestamp("0001-01-01", tz="UTC").as_unit("us"), pd.Timestamp("9999-12-31 23:59:59.999999", tz="UTC")
"""The years that Python and pandas can show."""
_ZONED = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)?)$")

Columns = dict[str, Any]
"""Arrow arrays of one length by column name; words are plain text until `table` encodes them."""


class Notes:
    """What could not be read in each row of a block; several notes of a row are joined."""

    def __init__(self, problems: Any) -> None:
        self.text = problems

    def add(self, where: Any, note: Any) -> None:
        """Note a text (one for all, or an array) on the rows where a mask holds."""
        where = pc.fill_null(pa.array(where, pa.bool_()), False)
        note = pa.scalar(note, TEXT) if isinstance(note, str) else note
        if not pc.any(where).as_py():
            return
        if self.text.null_count < len(self.text):
            joined = pc.binary_join_element_wise(self.text, note, pa.scalar("; ", TEXT))
            note = pc.coalesce(joined, note)
        self.text = pc.if_else(where, note, self.text)


def word(text: str) -> Any:
    """Return a word as a scalar of the type that all text has here."""
    return pa.scalar(text, TEXT)


def stamped(time: Any) -> Any:
    """Return `line` where there is a time: the line itself tells all of it."""
    return pc.if_else(pc.is_valid(time), word("line"), NOTHING)


def blank(text: Any) -> Any:
    """Tell which texts are empty or nothing but white space."""
    letter = Spans.of(text).letter(0)
    maybe = (letter <= ord(" ")) | (letter > ord("~"))
    if maybe.any():
        rows = np.flatnonzero(maybe)
        maybe[rows] = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(text.take(pa.array(rows)))), 0)
    return pc.and_(pa.array(maybe), pc.is_valid(text))


def blank_to_null(text: Any) -> Any:
    """Trim white space and make what is then empty missing."""
    spans = Spans.of(text)
    full = spans.sizes > 0
    # White space is below the printable letters of ASCII or beyond them.
    odd = [(letter <= ord(" ")) | (letter > ord("~")) for letter in (spans.letter(0), spans.letter(-1))]
    if (full & (odd[0] | odd[1])).any():
        text = pc.utf8_trim_whitespace(text)
        full = pc.greater(pc.binary_length(text), 0)
    elif full.all():
        return text
    empty = pc.and_not(pc.is_valid(text), full)
    return pc.if_else(empty, NOTHING, text) if pc.any(empty).as_py() else text


def by_value(text: Any, function: Callable[[list[Any]], Iterable[Any]]) -> Any:
    """Apply a function of a list to the distinct values of a text array."""
    encoded = text.dictionary_encode()
    made = pa.array(function(encoded.dictionary.to_pylist()), TEXT)
    return made.take(encoded.indices)


def moments(text: Any, notes: Notes) -> tuple[Any, Any]:
    """Return times in UTC and whether the clock was not set, from ISO 8601 text or Unix time.

    Numbers are seconds since 1970, or milli-, micro- or nanoseconds where they would lie beyond the year 5000.
    """
    time = _moments_at_once(text)
    if time is None:
        time = _moments_by_value(text)
        notes.add(pc.and_(pc.is_null(time), pc.is_valid(text)), "the time cannot be read")
    since = time.cast(pa.int64())
    unset = pc.and_(pc.greater_equal(since, 0), pc.less(since, _END_OF_1970))
    return pc.if_else(unset, pa.scalar(None, MOMENT), time), unset


def _moments_at_once(text: Any) -> Any:
    """Return the times where all of them have the plain form of the first one, else None."""
    first = pc.index(pc.is_valid(text), True).as_py()
    if first < 0:
        return pa.nulls(len(text), MOMENT)
    sample = text[first].as_py().strip()
    form = pa.int64() if sample.isdigit() else MOMENT if _ZONED.search(sample) else pa.timestamp("us")
    try:
        parsed = text.cast(form)
    except pa.ArrowInvalid:
        return None
    if form == pa.int64():
        return _from_numbers(parsed)
    return parsed if form == MOMENT else parsed.cast(pa.int64()).cast(MOMENT)


def _from_numbers(number: Any) -> Any:
    smallest, largest = (pc.min_max(number)[key].as_py() for key in ("min", "max"))
    if smallest is None:
        return pa.nulls(len(number), MOMENT)
    if smallest < 0:
        return None
    if largest < 10**11:
        return pc.multiply(number, 10**6).cast(MOMENT)
    cells = pc.fill_null(number, 0).to_numpy()
    scaled = np.select(
        [cells < 10**11, cells < 10**14, cells < 10**17], [cells * 10**6, cells * 10**3, cells], cells // 1000
    )
    return pa.array(scaled, mask=pc.is_null(number).to_numpy(zero_copy_only=False)).cast(MOMENT)


def _moments_by_value(text: Any) -> Any:
    encoded = text.dictionary_encode()
    values = pd.Series(encoded.dictionary.to_pylist(), dtype="str").str.strip()
    number = values.str.fullmatch(r"[0-9]{1,19}(?:\.[0-9]{1,9})?").fillna(False).astype(bool)
    microseconds = [_microseconds(value) if plain else 0 for value, plain in zip(values, number, strict=True)]
    numbers = pd.Series(pd.to_datetime(np.array(microseconds, "int64"), unit="us", utc=True)).where(number)
    words = values.where(~number)
    iso = pd.to_datetime(words, format="ISO8601", utc=True, errors="coerce").astype("datetime64[us, UTC]")
    compact = pd.to_datetime(words, format="%Y%m%d-%H%M%S", utc=True, errors="coerce").astype("datetime64[us, UTC]")
    found = numbers.astype("datetime64[us, UTC]").fillna(compact).fillna(iso)
    # pandas reads -5 as a year, and cannot show it.
    found = found.where(found.between(_FIRST, _LAST))
    return pa.array(found, MOMENT, from_pandas=True).take(encoded.indices)


def serials(text: Any) -> Any:
    """Return what is a serial in any spelling as 12 lower-case hex digits; all else is missing."""
    return _spelled(text, "^[0-9a-f]{12}$", r"^\s*[0-9A-Fa-f][0-9A-Fa-f:.-]{10,15}[0-9A-Fa-f]\s*$", identity.serials)


def hardware_ids(text: Any) -> Any:
    """Return what is a hardware ID in its one spelling; all else is missing."""

    def one_spelling(series: pd.Series) -> pd.Series:
        return identity.same_spelling(series).where(identity.hardware_ids(series)["model"].notna())

    return _spelled(
        text,
        "^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}$",
        r"^\s*[A-Za-z].*-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}\s*$",
        one_spelling,
    )


def _microseconds(number: str) -> int:
    """Return Unix time in microseconds, from what its size says it is counted in."""
    whole, _, fraction = number.partition(".")
    count = int(whole)
    digits = 6 if count < 10**11 else 3 if count < 10**14 else 0
    if digits:
        return count * int(10**digits) + int(fraction.ljust(digits, "0")[:digits])
    return count if count < 10**17 else count // 1000


def _spelled(text: Any, right: str, likely: str, function: Callable[[pd.Series], pd.Series]) -> Any:
    """Keep what is spelled right already, and apply a function only to what may be another spelling of it."""
    if text.null_count == len(text):
        return text
    fits = pc.match_substring_regex(text, right)
    if pc.all(fits).as_py():
        return text
    kept = pc.if_else(fits, text, NOTHING)
    others = pc.if_else(pc.and_not(pc.match_substring_regex(text, likely), fits), text, NOTHING)
    if others.null_count == len(text):
        return kept
    return pc.coalesce(kept, by_value(others, lambda values: function(pd.Series(values, dtype="str")).array))


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


_PROTOCOL = {_plain(spelling): name for name, others in vocabulary.PROTOCOLS.items() for spelling in (name, *others)}
_STATE = {**{state: state for state in vocabulary.STATES}, **vocabulary.STATE_SPELLINGS}
_AUTHENTICATION = {name: name for name in vocabulary.AUTHENTICATIONS}
_FLAG = {**dict.fromkeys(("true", "1", "yes", "on"), "true"), **dict.fromkeys(("false", "0", "no", "off"), "false")}


def _one_of(known: dict[str, str], text: Any, note: str, notes: Notes) -> Any:
    """Return the known words; any other one is missing and noted."""
    made = by_value(text, lambda values: [known.get((value or "").strip().lower()) for value in values])
    notes.add(pc.and_(pc.is_null(made), pc.is_valid(text)), note)
    return made


def states(text: Any, notes: Notes) -> Any:
    """Return the registration states among the texts."""
    return _one_of(_STATE, text, f"the state is none of {', '.join(vocabulary.STATES)}", notes)


def authentications(text: Any, notes: Notes) -> Any:
    """Return certificate, password or none."""
    return _one_of(_AUTHENTICATION, text, f"the authentication is none of {', '.join(_AUTHENTICATION)}", notes)


def flags(text: Any, name: str, notes: Notes) -> Any:
    """Return true and false from their usual words."""
    return _one_of(_FLAG, text, f"{name} is neither true nor false", notes).cast(pa.bool_())


def protocols(text: Any) -> Any:
    """Return protocols by their one name; unknown ones stay as they stand."""
    return by_value(text, lambda values: [value and _PROTOCOL.get(_plain(value), value) for value in values])


def severities(text: Any) -> Any:
    """Return severities by name, from their number or name; unknown ones stay as they stand."""
    names = {str(number): name for number, name in enumerate(vocabulary.SEVERITIES)}
    return by_value(text, lambda values: [v and names.get(v, v.lower()) for v in values])


def fingerprints(text: Any) -> Any:
    """Return SHA-256 fingerprints in lower-case hex without separators; other texts stay as they stand."""
    if pc.all(pc.match_substring_regex(text, "^[0-9a-f]{64}$")).as_py():
        return text
    plain = pc.utf8_lower(pc.replace_substring(text, ":", ""))
    return pc.if_else(pc.match_substring_regex(plain, "^[0-9a-f]{64}$"), plain, text)


def first(*arrays: Any) -> Any:
    """Return the first value of each row; arrays of which nothing is needed are not copied."""
    told = [array for array in arrays if array is not None and array.null_count < len(array)]
    if not told:
        return next(array for array in arrays if array is not None)
    return pc.coalesce(*told) if len(told) > 1 and told[0].null_count else told[0]


_DEFAULT_NAME = rf"^(?P<serial>{identity.SERIAL})(?:-(?P<interface>[A-Za-z][A-Za-z0-9]*))?$"


def named(columns: Columns) -> Columns:
    """Complete the interface and the serial from a registration name of the default form, where they are missing."""
    name = columns.get("registration_name")
    if name is None or name.null_count == len(name):
        return columns
    plain = pc.match_substring_regex(name, "^[0-9a-f]{12}$")
    if pc.all(plain).as_py():
        serial, interface = name, pa.nulls(len(name), TEXT)
    else:
        parts = pc.extract_regex(pc.if_else(plain, NOTHING, name), _DEFAULT_NAME)
        serial = pc.if_else(plain, name, serials(pc.struct_field(parts, "serial")))
        interface = blank_to_null(pc.struct_field(parts, "interface"))
    # A device that is known by its hardware ID may register under any name, so the name tells its serial only
    # where nothing else tells who it is.
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
    return pa.nulls(count, arrow) if value is None else pa.repeat(pa.scalar(value, arrow), count)


def table(columns: Columns, count: int) -> Any:
    """Return a block's columns as an Arrow table with every column of REGISTRATIONS, in order and type."""
    exact: dict[int, Any] = {}
    arrays = []
    for field in SCHEMA:
        array = columns.get(field.name)
        if array is None or array.null_count == count:
            array = constant(None, count, field.type)
        elif pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        elif field.type == TEXT and field.name != "source":
            # Equal columns share their memory.
            array = exact[id(array)] if id(array) in exact else exact.setdefault(id(array), _exact(array))
        arrays.append(array if array.type == field.type else array.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _exact(text: Any) -> Any:
    """Return text without much beyond its values: room to grow, bytes of missing cells, or those of a whole block."""
    used = pc.sum(pc.binary_length(text)).as_py() or 0
    if text.buffers()[2] is not None and text.buffers()[2].size <= _SLACK * used:
        return text
    return text.take(pa.array(np.arange(len(text))))


def spread(array: Any, rows: Any, count: int) -> Any:
    """Return the values of some rows, in order, as a column of so many rows that is missing in all others."""
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


def frame(whole: Any) -> pd.DataFrame:
    """Return a table of these columns as a DataFrame of REGISTRATIONS, sharing the memory of all text."""
    series: dict[str, Any] = {}
    # Words first: their numbers shrink to a byte each, and what they took is let go of before the rest is made.
    for column in sorted(schema.REGISTRATIONS, key=lambda column: column.dtype != schema.WORD):
        chunked = whole.column(column.name)
        whole = whole.drop_columns([column.name])
        if column.dtype == schema.WORD:
            series[column.name] = pd.Series(chunked.unify_dictionaries().to_pandas()).astype("category")
            continue
        pa.default_memory_pool().release_unused()
        series[column.name] = _typed(chunked, column.dtype)
    return pd.DataFrame({name: series[name] for name in COLUMNS}, copy=False)


def _typed(chunked: Any, dtype: str) -> pd.Series:
    if dtype == schema.TEXT:
        return _text(chunked)
    if dtype == schema.MOMENT:
        return pd.Series(chunked.to_pandas()).astype("datetime64[us, UTC]")
    return _masked(chunked, dtype)


def _text(chunked: Any) -> pd.Series:
    return pd.Series(pd.array(chunked, dtype=pd.StringDtype("pyarrow", na_value=np.nan)))


def _masked(chunked: Any, dtype: str) -> pd.Series:
    empty = pc.is_null(chunked).to_numpy()
    values = (pc.fill_null(chunked, 0 if dtype == "Int64" else False) if chunked.null_count else chunked).to_numpy()
    values = values if values.flags.writeable else values.copy()
    array = pd.arrays.IntegerArray if dtype == "Int64" else pd.arrays.BooleanArray
    return pd.Series(array(values, empty))
