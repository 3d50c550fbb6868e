"""Syslog lines as collectors write them: RFC 5424, RFC 3164, ISO stamps, with and without PRI.

The devices' documentation tells facility and severity only (the severity is always 6 and says
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
from .. import field_values as typed
from .. import messages, record_fields, times
from ..field_values import TEXT, Columns, Notes, spread
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import Cuts, Flags, Spans, Words, present

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
    """The parts of lines, each missing where the line does not have it."""

    stamp: Spans
    host: Spans
    module: Spans
    message: Spans


def _parse(block: Block, log: Log) -> Columns:
    notes = Notes(block.problems)
    lines = Spans.of(block.lines)
    blanks = Cuts.of(lines.octets, " ", "=")
    layout = _layout(block.lines)
    parts = _parts(lines, layout, blanks)
    message = parts.message.stripped("\ufeff")
    made = _time(parts.stamp, layout == _LAYOUTS.index(_OLD), log, notes)
    # The documented facts, facility and severity, allow a line that is PRI and message; without
    # PRI it is a torn one.
    bare = np.flatnonzero(layout == len(_LAYOUTS))
    torn = np.zeros(len(layout), bool)
    torn[bare] = (message.sizes > 0)[bare] & (parts.message.start == lines.start)[bare]
    notes.add(torn, "no layout of a log line: all of it is taken as the message")
    notes.add(typed.blank(block.lines), "blank line")
    told = messages.read(message, log.patterns, notes, blanks)
    made |= {"module": parts.module.text(), **record_fields.host(parts.host.text())}
    return messages.merged(made, told) | {"parse_error": notes.text}


def _parts(lines: Spans, layout: Any, blanks: Cuts) -> Parts:
    """Take the lines apart, each after its layout."""
    readers = (_new, _old, _iso, _bare)
    counts = np.bincount(layout)
    # The lines of a file are mostly of one layout, which is quicker read from all of them than
    # taken out.
    most = counts.argmax()
    whole = readers[most](lines, blanks)
    for number in np.flatnonzero(counts):
        if number != most:
            rows = np.flatnonzero(layout == number)
            some = readers[number](lines.only(rows), blanks)
            whole = Parts(
                *(
                    every.replaced(rows, new)
                    for every, new in zip(whole, some, strict=True)
                )
            )
    return whole


def _time(stamp: Spans, old: Flags, log: Log, notes: Notes) -> Columns:
    """Return time, clock_unset and time_by; stamps without a year get theirs from the file."""
    time, unset = times.moments(stamp.where(~old).text(), notes)
    by = np.where(present(time), 0, -1)
    if old.any():
        rows = np.flatnonzero(old)
        dated = spread(
            times.without_year(stamp.only(rows).text(), log.modified), rows, len(old)
        )
        found = pc.is_valid(dated)
        time = pc.coalesce(time, dated)
        unset = pc.if_else(found, pa.scalar(False), unset)
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
        "time_by": typed.coded(by, ["line", "file"]),
    }


def _layout(lines: Any) -> Any:
    """Return the number of the first layout that each line has."""
    layout = np.full(len(lines), len(_LAYOUTS))
    # The lines of a file mostly begin alike, and those that begin like one of RFC 5424 need no
    # closer look.
    found = next(
        filter(
            None,
            (
                re.match(f"{_PRI}1 ", line)
                for line in lines.slice(0, _SAMPLE).to_pylist()
            ),
        ),
        None,
    )
    alike = (
        pc.starts_with(lines, found[0]).to_numpy(zero_copy_only=False)
        if found
        else np.zeros(len(lines), bool)
    )
    layout[alike] = 0
    rest = np.flatnonzero(~alike)
    others = lines if found is None else lines.take(pa.array(rest))
    for number in reversed(range(len(_LAYOUTS))):
        layout[
            rest[
                pc.match_substring_regex(others, _LAYOUTS[number]).to_numpy(
                    zero_copy_only=False
                )
            ]
        ] = number
    return layout


def _without_pri(lines: Spans) -> Spans:
    """Cut off the PRI at the beginning."""
    size = np.zeros(len(lines.start), np.int64)
    digits = lines.letter(0) == ord("<")
    for place in (1, 2, 3):
        letter = lines.letter(place)
        digits &= (letter >= ord("0")) & (letter <= ord("9"))
        size[digits & (lines.letter(place + 1) == ord(">"))] = place + 2
    return lines.later(size)


def _new(lines: Spans, blanks: Cuts) -> Parts:
    words = Words(lines, blanks)
    stamp, host, module = (_known(words.at(place)) for place in (1, 2, 3))
    structured = words.at(6)
    message = words.after(7)
    rows = np.flatnonzero((structured.sizes != 1) | (structured.letter(0) != ord("-")))
    if len(rows):
        rest = words.after(6).only(rows)
        text = rest.text()
        after = pc.struct_field(pc.extract_regex(text, _STRUCTURED), "message").cast(
            TEXT
        )
        start = rest.stop - pc.binary_length(pc.coalesce(after, text)).to_numpy()
        message = message.replaced(rows, rest._replace(start=start))
    return Parts(stamp, host, module, message)


def _known(field: Spans) -> Spans:
    """Return a field of RFC 5424, where a hyphen means that there is none."""
    short = field.sizes == 1
    return field.where(~short | (field.letter(0) != ord("-"))) if short.any() else field


def _old(lines: Spans, blanks: Cuts) -> Parts:
    text = _without_pri(lines)
    stamp = text._replace(stop=np.minimum(text.start + times.WIDTH, text.stop))
    words = Words(text.later(times.WIDTH + 1), blanks)
    return Parts(stamp, words.at(0), *_tagged(words.after(1), blanks))


def _iso(lines: Spans, blanks: Cuts) -> Parts:
    words = Words(_without_pri(lines), blanks)
    return Parts(words.at(0), words.at(1), *_tagged(words.after(2), blanks))


def _bare(lines: Spans, _: Cuts) -> Parts:
    nothing = lines.where(np.zeros(len(lines.start), bool))
    return Parts(nothing, nothing, nothing, _without_pri(lines))


def _tagged(rest: Spans, blanks: Cuts) -> tuple[Spans, Spans]:
    """Return the tag before a colon and the message after it; without a tag all is message."""
    # A tag holds no blank, so that the first words tell, among which are few different ones.
    first = Words(rest, blanks).at(0).text().dictionary_encode()
    found = pc.extract_regex(first.dictionary, _TAG)
    head, tag = (
        pc.fill_null(pc.binary_length(pc.struct_field(found, part)), 0)
        .take(first.indices)
        .to_numpy()
        for part in ("head", "tag")
    )
    return rest._replace(stop=rest.start + tag).where(tag > 0), rest.later(head)


read = line_reader(_parse)
