"""The table of registrations that a phone shows, saved as text: a snapshot without a time.

Documented are its columns (ID, State, Number, Name, Gatekeeper Address, Gatekeeper Identifier,
Gatekeeper Instance, Protocol, Active) and its states. They may be parted by tabs, semicolons,
commas, bars or two and more blanks. Which phone it was is clear only where the file is named
after its serial or hardware ID.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from ...formats import as_text
from ...heading_rows import NO_HEADING
from .. import field_values, record_fields
from ..field_values import Columns, Notes, constant
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import Spans, as_mask

NAME = "table"
_COLUMNS = {
    "state": "state",
    "name": "registration_name",
    "gatekeeper address": "remote_address",
    "gatekeeper identifier": "pbx",
    "protocol": "protocol",
}
_SAMPLE = 20
"""Lines among which the heading is."""
_SEPARATORS = (r"\t", ";", ",", r"\|", r"[ ]{2,}")


def _heading(line: str) -> tuple[str, list[str]]:
    """Return what separates the columns in the heading, and their names."""
    line = line.strip().strip("|").strip()
    splits = [(separator, re.split(separator, line)) for separator in _SEPARATORS]
    separator, names = max(splits, key=lambda split: len(split[1]))
    return separator, [" ".join(name.strip(' "').lower().split()) for name in names]


def sniff(head: bytes) -> bool:
    """Return True where one of the first lines is the heading of that table."""
    return _find(as_text(head), {}) is not None


def _find(head: str, _: Mapping[str, str]) -> tuple[int, str] | None:
    """Return how many lines there are down to the heading, and the heading."""
    lines = re.split("\r\n|\n|\r", head)
    for number, line in enumerate(lines[:_SAMPLE], start=1):
        if NO_HEADING.match(line):
            return None
        names = _heading(line)[1]
        if {"id", "state"} <= set(names) and any(
            name.startswith("gatekeeper") or name == "protocol" for name in names
        ):
            return number, line
    return None


def _parse(block: Block, log: Log) -> Columns:
    separator, names = _heading(log.header)
    stem = PurePosixPath(log.name).name.split(".")[0]
    notes = Notes(block.problems)
    lines = pc.utf8_trim(block.lines, " |\t" if separator == r"\|" else " ")
    blank = Spans.of(lines).sizes == 0
    notes.add(blank, "blank line")
    cells = pc.split_pattern_regex(lines, separator)
    is_row = pc.equal(pc.list_value_length(cells), len(names))
    notes.add(
        ~as_mask(is_row) & ~blank, f"not the {len(names)} columns of the heading"
    )
    # A row with another number of cells gives none.
    first = pc.if_else(
        is_row, cells.offsets[:-1], pa.scalar(None, cells.offsets.type)
    )
    flat = cells.flatten()
    fields = {
        _COLUMNS[name]: pc.utf8_trim(flat.take(pc.add(first, index)), ' "')
        for index, name in enumerate(names)
        if name in _COLUMNS
    }
    phone = record_fields.host(constant(stem, len(block.lines)))
    columns = phone | record_fields.from_fields(fields, notes, log.clock)
    columns["serial"] = field_values.coalesce(phone["serial"], columns.get("serial"))
    return field_values.complete_from_name(columns) | {
        "matched_by": field_values.word_where(as_mask(is_row), "record"),
        "parse_error": notes.text,
    }


read = line_reader(_parse, heading=_find)
