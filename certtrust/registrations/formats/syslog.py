"""Syslog lines as collectors write them: RFC 5424, RFC 3164, ISO stamps, with and without PRI.

Of the devices' lines only facility and severity are documented (the severity is always 6 and says
nothing), not the layout, so every layout of a collector is read and the message stays as it
stands. Where no layout fits, the whole line is the message.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...formats import as_text
from .. import field_values, messages, record_fields, times
from ..field_values import TEXT, Columns, Notes, scatter
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import Delimiters, Mask, Spans, Words, as_mask, present

NAME = "syslog"

_PRI = r"(?:<[0-9]{1,3}>)"
_NEW = rf"^(?:{_PRI}1 |1 [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T)"
_OLD = (
    rf"^{_PRI}?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    rf"[ 0-9][0-9] [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} "
)
_ISO = rf"^{_PRI}?[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}\S* "
_LAYOUTS = (_NEW, _OLD, _ISO)
_SAMPLE = 20
_STRUCTURED = r"^(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\"|\\.)*\])+ ?(?P<message>.*)$"
_TAG = r"^(?P<head>(?P<tag>[A-Za-z0-9_./-]{1,48})(?:\[[0-9]+\])?:)"


def sniff(head: bytes) -> bool:
    """Return True where one of the first lines has a layout of syslog, or at least a PRI."""
    lines = as_text(head).split("\n")[:_SAMPLE]
    return any(re.match("|".join((*_LAYOUTS, f"^{_PRI}")), line) for line in lines)


class Parts(NamedTuple):
    """The parts of lines, each missing where a line does not have it."""

    stamp: Spans
    host: Spans
    module: Spans
    message: Spans


def _parse(block: Block, log: Log) -> Columns:
    notes = Notes(block.problems)
    lines = Spans.of(block.lines)
    blanks = Delimiters.of(lines.data, " ", "=")
    layout = _layout(block.lines)
    parts = _parts(lines, layout, blanks)
    message = parts.message.strip("\ufeff")
    envelope = _time(parts.stamp, layout == _LAYOUTS.index(_OLD), log, notes)
    # Facility and severity alone are documented, so a line may be PRI and message; without PRI it
    # is a torn one.
    torn = (
        (layout == len(_LAYOUTS))
        & (message.sizes > 0)
        & (parts.message.start == lines.start)
    )
    notes.add(torn, "no layout of a log line: all of it is taken as the message")
    notes.add(field_values.blank(block.lines), "blank line")
    columns = messages.read(message, log.patterns, notes, blanks)
    envelope |= {
        "module": parts.module.text(),
        **record_fields.host(parts.host.text()),
    }
    return messages.merge(envelope, columns) | {"parse_error": notes.text}


def _parts(lines: Spans, layout: Any, blanks: Delimiters) -> Parts:
    """Split the lines, each by its layout."""
    splitters = (_new, _old, _iso, _bare)
    counts = np.bincount(layout)
    # Most lines of a file have one layout, which is split faster in all lines than in those taken
    # out.
    commonest = counts.argmax()
    parts = splitters[commonest](lines, blanks)
    for number in np.flatnonzero(counts):
        if number != commonest:
            rows = np.flatnonzero(layout == number)
            parts_of_rows = splitters[number](lines.take(rows), blanks)
            pairs = zip(parts, parts_of_rows, strict=True)
            parts = Parts(*(part.replaced(rows, new) for part, new in pairs))
    return parts


def _time(stamp: Spans, old: Mask, log: Log, notes: Notes) -> Columns:
    """Return time, clock_unset and time_by; stamps without a year get theirs from the file."""
    time, unset = times.moments(stamp.where(~old).text(), notes)
    by = np.where(present(time), 0, -1)
    if old.any():
        rows = np.flatnonzero(old)
        of_rows = times.without_year(stamp.take(rows).text(), log.modified)
        dated = scatter(of_rows, rows, len(old))
        is_dated = pc.is_valid(dated)
        time = pc.coalesce(time, dated)
        unset = pc.if_else(is_dated, pa.scalar(False), unset)
        why = (
            "the time has no year and the file has no date"
            if log.modified is None
            else "the time cannot be read"
        )
        notes.add(old & ~present(dated), why)
        by[present(dated)] = 1
    return {
        "time": time,
        "clock_unset": unset,
        "time_by": field_values.encode(by, ["line", "file"]),
    }


def _layout(lines: Any) -> Any:
    """Return the number of the first layout that each line has."""
    layout = np.full(len(lines), len(_LAYOUTS))
    # The lines of a file mostly begin alike, and those that begin like one of RFC 5424 need no
    # closer look.
    sample = lines.slice(0, _SAMPLE).to_pylist()
    prefixes = [match[0] for line in sample if (match := re.match(f"{_PRI}1 ", line))]
    rest, others = np.arange(len(lines)), lines
    if prefixes:
        alike = as_mask(pc.starts_with(lines, prefixes[0]))
        layout[alike] = 0
        rest = np.flatnonzero(~alike)
        others = lines.take(pa.array(rest))
    for number in reversed(range(len(_LAYOUTS))):
        matches = as_mask(pc.match_substring_regex(others, _LAYOUTS[number]))
        layout[rest[matches]] = number
    return layout


def _without_pri(lines: Spans) -> Spans:
    """Cut off the PRI at the beginning."""
    size = np.zeros(len(lines.start), np.int64)
    is_pri = lines.byte_at(0) == ord("<")
    for index in (1, 2, 3):
        digit = lines.byte_at(index)
        is_pri &= (digit >= ord("0")) & (digit <= ord("9"))
        size[is_pri & (lines.byte_at(index + 1) == ord(">"))] = index + 2
    return lines.skip(size)


def _new(lines: Spans, blanks: Delimiters) -> Parts:
    words = Words(lines, blanks)
    stamp, host, module = (_hyphen_to_null(words.at(index)) for index in (1, 2, 3))
    structured = words.at(6)
    message = words.from_index(7)
    has_data = (structured.sizes != 1) | (structured.byte_at(0) != ord("-"))
    rows = np.flatnonzero(has_data)
    if len(rows):
        rest = words.from_index(6).take(rows)
        text = rest.text()
        groups = pc.extract_regex(text, _STRUCTURED)
        behind = pc.coalesce(pc.struct_field(groups, "message").cast(TEXT), text)
        start = rest.stop - pc.binary_length(behind).to_numpy()
        message = message.replaced(rows, rest._replace(start=start))
    return Parts(stamp, host, module, message)


def _hyphen_to_null(field: Spans) -> Spans:
    """Return a field of RFC 5424, where a hyphen means that there is none."""
    short = field.sizes == 1
    if not short.any():
        return field
    return field.where(~short | (field.byte_at(0) != ord("-")))


def _old(lines: Spans, blanks: Delimiters) -> Parts:
    text = _without_pri(lines)
    stamp = text._replace(stop=np.minimum(text.start + times.WIDTH, text.stop))
    words = Words(text.skip(times.WIDTH + 1), blanks)
    return Parts(stamp, words.at(0), *_tagged(words.from_index(1), blanks))


def _iso(lines: Spans, blanks: Delimiters) -> Parts:
    words = Words(_without_pri(lines), blanks)
    return Parts(words.at(0), words.at(1), *_tagged(words.from_index(2), blanks))


def _bare(lines: Spans, _: Delimiters) -> Parts:
    nothing = lines.where(np.zeros(len(lines.start), bool))
    return Parts(nothing, nothing, nothing, _without_pri(lines))


def _tagged(rest: Spans, blanks: Delimiters) -> tuple[Spans, Spans]:
    """Return the tag before a colon and the message after it; without a tag all is message."""
    # A tag holds no blank, so it is in the first word, of which there are few different ones.
    first = Words(rest, blanks).at(0).text().dictionary_encode()
    groups = pc.extract_regex(first.dictionary, _TAG)
    head, tag = (
        pc.fill_null(pc.binary_length(pc.struct_field(groups, part)), 0)
        .take(first.indices)
        .to_numpy()
        for part in ("head", "tag")
    )
    return rest._replace(stop=rest.start + tag).where(tag > 0), rest.skip(head)


read = line_reader(_parse)
