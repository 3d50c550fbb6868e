"""The table of registrations that a phone shows, saved as text: a snapshot without a time.

Documented are its columns (ID, State, Number, Name, Gatekeeper Address, Gatekeeper Identifier, Gatekeeper Instance,
Protocol, Active) and its states. They may be parted by tabs, semicolons, commas, bars or two and more blanks. The
phone itself is known only where the file is named after its serial or hardware ID.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from .. import field_values as typed
from .. import record_fields
from ..field_values import TEXT, Columns, Notes, constant
from ..text.lines import Block
from ..text.spans import Spans, holds
from . import About, Reader

NAME = "table"
_TAKEN_FOR = {
    "state": "state",
    "name": "registration_name",
    "gatekeeper address": "remote_address",
    "gatekeeper identifier": "pbx",
    "protocol": "protocol",
}
_SEPARATORS = (r"\t", ";", ",", r"\|", r"[ ]{2,}")


def _header(head: str) -> tuple[str, list[str]]:
    first = head.partition("\n")[0].strip().strip("|").strip()
    cut = [(separator, re.split(separator, first)) for separator in _SEPARATORS]
    separator, names = max(cut, key=lambda each: len(each[1]))
    return separator, [" ".join(name.strip(' "').lower().split()) for name in names]


def sniff(head: str) -> bool:
    """Tell whether the first line is the heading of that table."""
    names = _header(head)[1]
    return {"id", "state"} <= set(names) and any(name.startswith("gatekeeper") or name == "protocol" for name in names)


def reader(head: str, about: About) -> Reader:
    """Return the reader of the lines below this heading."""
    separator, names = _header(head)
    stem = PurePosixPath(about.name).name.split(".")[0]
    return Reader(skip=1, parse=partial(_parse, separator=separator, names=names, stem=stem))


def _parse(block: Block, *, separator: str, names: list[str], stem: str) -> Columns:
    notes = Notes(block.problems)
    lines = pc.utf8_trim(block.lines, " |\t" if separator == r"\|" else " ")
    blank = Spans.of(lines).sizes == 0
    notes.add(blank, "blank line")
    cells = pc.split_pattern_regex(lines, separator)
    sized = pc.equal(pc.list_value_length(cells), len(names))
    notes.add(~holds(sized) & ~blank, f"not the {len(names)} columns of the heading")
    # The start of each row's cells; a row with another number of cells gives none.
    start = pc.if_else(sized, cells.offsets[:-1], pa.scalar(None, cells.offsets.type))
    flat = cells.flatten()
    fields = {
        _TAKEN_FOR[name]: pc.utf8_trim(flat.take(pc.add(start, place)), ' "')
        for place, name in enumerate(names)
        if name in _TAKEN_FOR
    }
    device = record_fields.host(constant(stem, len(block.lines)))
    made = {**device, **record_fields.from_fields(fields, notes)}
    made["serial"] = pc.coalesce(device["serial"], made.get("serial", pa.nulls(len(block.lines), TEXT)))
    matched = typed.marked(holds(sized), "record")
    return typed.named(made) | {"matched_by": matched, "parse_error": notes.text}
