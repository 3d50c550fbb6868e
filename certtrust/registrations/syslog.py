"""Syslog lines as collectors write them: RFC 5424, RFC 3164, ISO stamps, with and without PRI.

The devices' documentation tells facility and severity only (the severity is always 6 and says nothing), not the
layout, so every layout of a collector is read and the message stays as it stands. Where no layout fits, the whole
line is the message.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import columns as typed
from . import messages, records, stamps
from .columns import NOTHING, TEXT, Columns, Notes, scattered, spread, word
from .formats import About, Reader
from .lines import Block
from .spans import Flags, Spans, Words

NAME = "syslog"

_PRI = r"(?:<[0-9]{1,3}>)"
_NEW = rf"^(?:{_PRI}1 |1 [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T)"
_OLD = rf"^{_PRI}?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} "
_ISO = rf"^{_PRI}?[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}\S* "
_LAYOUTS = (_NEW, _OLD, _ISO)
_SAMPLE = 20
_STRUCTURED = r"^(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\"|\\.)*\])+ ?(?P<message>.*)$"
_TAG = r"^(?P<head>(?P<tag>[A-Za-z0-9_./-]{1,48})(?:\[[0-9]+\])?:)"


def sniff(head: str) -> bool:
    """Tell whether one of the first lines has a layout of syslog, or at least a PRI."""
    return any(re.match("|".join((*_LAYOUTS, f"^{_PRI}")), line) for line in head.split("\n")[:20])


def reader(_: str, about: About) -> Reader:
    """Return the reader of all lines."""
    return Reader(skip=0, parse=lambda block: _parse(block, about))


def _parse(block: Block, about: About) -> Columns:
    notes = Notes(block.problems)
    envelope = _envelope(block.lines, about)
    note = envelope.pop("note")
    notes.add(pc.is_valid(note), note)
    notes.add(typed.blank(block.lines), "blank line")
    host = envelope.pop("host")
    told = messages.read(envelope["details"], about.patterns, notes)
    made = messages.merged(envelope | records.host(host), told)
    return made | {"parse_error": notes.text}


def _envelope(lines: Any, about: About) -> Columns:
    """Return time, clock_unset, time_by, host, module, details and a note of each line."""
    parsers = (_new, partial(_old, about=about), _iso, _bare)
    layout = _layout(lines)
    most = np.bincount(layout).argmax()
    spans = Spans.of(lines)
    parts = []
    for number in np.unique(layout):
        has = layout == number
        rows = np.flatnonzero(has)
        # The lines of a file are mostly of one layout, which is quicker read from all of them than taken out.
        if number == most:
            parts.append((rows, parsers[number](spans, has)))
        else:
            parts.append((rows, parsers[number](spans.only(rows), np.ones(len(rows), bool))))
    return scattered(parts, len(lines))


def _layout(lines: Any) -> Any:
    """Return the number of the first layout that each line has."""
    layout = np.full(len(lines), len(_LAYOUTS))
    # The lines of a file mostly begin alike, and those that begin like one of RFC 5424 need no closer look.
    found = next(filter(None, (re.match(f"{_PRI}1 ", line) for line in lines.slice(0, _SAMPLE).to_pylist())), None)
    alike = pc.starts_with(lines, found[0]).to_numpy(zero_copy_only=False) if found else np.zeros(len(lines), bool)
    layout[alike] = 0
    rest = np.flatnonzero(~alike)
    others = lines if found is None else lines.take(pa.array(rest))
    for number in reversed(range(len(_LAYOUTS))):
        layout[rest[pc.match_substring_regex(others, _LAYOUTS[number]).to_numpy(zero_copy_only=False)]] = number
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


def _new(lines: Spans, has: Flags) -> Columns:
    words = Words(lines, " ")
    time, host, module = (_known(words.at(place).text(has)) for place in (1, 2, 3))
    structured = words.at(6)
    plain = (structured.sizes == 1) & (structured.letter(0) == ord("-"))
    message = words.after(7).text(has & plain)
    if (has & ~plain).any():
        rows = np.flatnonzero(has & ~plain)
        whole = words.after(6).only(rows).text()
        after = pc.struct_field(pc.extract_regex(whole, _STRUCTURED), "message").cast(TEXT)
        message = pc.coalesce(message, spread(pc.coalesce(after, whole), rows, len(has)))
    return _stamped(time, {"host": host, "module": module, "details": _message(message)})


def _iso(lines: Spans, has: Flags) -> Columns:
    words = Words(_without_pri(lines), " ")
    module, message = _tagged(words.after(2), has)
    return _stamped(words.at(0).text(has), {"host": words.at(1).text(has), "module": module, "details": message})


def _old(lines: Spans, has: Flags, *, about: About) -> Columns:
    text = _without_pri(lines)
    stamp = text._replace(stop=np.minimum(text.start + stamps.WIDTH, text.stop))
    time = stamps.moments(stamp.text(has), about.modified)
    words = Words(text.later(stamps.WIDTH + 1), " ")
    module, message = _tagged(words.after(1), has)
    why = "the time has no year and the file has no date" if about.modified is None else "the time cannot be read"
    found = pc.is_valid(time)
    return {
        "time": time,
        "clock_unset": pc.if_else(found, pa.scalar(False), pa.scalar(None, pa.bool_())),
        "time_by": pc.if_else(found, word("file"), NOTHING),
        "note": pc.if_else(pc.or_(found, pa.array(~has)), NOTHING, word(why)),
        "host": words.at(0).text(has),
        "module": module,
        "details": message,
    }


def _bare(lines: Spans, has: Flags) -> Columns:
    rest = _without_pri(lines)
    message = _message(rest.text(has))
    nothing = pa.nulls(len(has), TEXT)
    # The documented facts, facility and severity, allow a line that is PRI and message; without PRI it is a torn one.
    torn = pc.and_(pc.is_valid(message), pa.array(rest.start == lines.start))
    note = pc.if_else(torn, word("no layout of a log line: all of it is taken as the message"), NOTHING)
    empty = {"time": pa.nulls(len(has), typed.MOMENT), "clock_unset": pa.nulls(len(has), pa.bool_())}
    return {**empty, "time_by": nothing, "note": note, "host": nothing, "module": nothing, "details": message}


def _stamped(text: Any, rest: Columns) -> Columns:
    notes = Notes(pa.nulls(len(text), TEXT))
    time, unset = typed.moments(text, notes)
    return {"time": time, "clock_unset": unset, "time_by": typed.stamped(time), "note": notes.text, **rest}


def _known(text: Any) -> Any:
    """Return a field of RFC 5424, where a hyphen means that there is none."""
    unknown = pc.equal(text, "-")
    return pc.if_else(unknown, NOTHING, text) if pc.any(unknown).as_py() else text


def _message(text: Any) -> Any:
    if (Spans.of(text).letter(0) > ord("~")).any():
        text = pc.utf8_ltrim(text, "\ufeff")
    return typed.blank_to_null(text)


def _tagged(rest: Spans, has: Flags) -> tuple[Any, Any]:
    """Return the tag before a colon and the message after it; without a tag all is message."""
    # A tag holds no blank, so that the first words tell, among which are few different ones.
    first = Words(rest, " ").at(0).text(has).dictionary_encode()
    found = pc.extract_regex(first.dictionary, _TAG)
    size = pc.fill_null(pc.binary_length(pc.struct_field(found, "head")), 0).take(first.indices)
    message = rest.later(pc.fill_null(size, 0).to_numpy())
    return pc.struct_field(found, "tag").cast(TEXT).take(first.indices), _message(message.text(has))
