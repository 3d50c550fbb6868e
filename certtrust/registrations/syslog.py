"""Syslog lines as collectors write them: RFC 5424, RFC 3164, ISO stamps, with and without PRI.

The devices' documentation tells facility and severity only (the severity is always 6 and says nothing), not the
layout, so every layout of a collector is read and the message stays as it stands. Where no layout fits, the whole
line is the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import columns as typed
from . import messages, records, stamps
from .columns import NOTHING, TEXT, Columns, Notes, scattered, word
from .formats import About, Reader
from .lines import Block

NAME = "syslog"

_PRI = r"(?:<[0-9]{1,3}>)"
_NEW = rf"^(?:{_PRI}1 |1 [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T)"
_OLD = rf"^{_PRI}?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} "
_ISO = rf"^{_PRI}?[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}\S* "
_LAYOUTS = (_NEW, _OLD, _ISO)
_SAMPLE = 20
_STRUCTURED = r"^(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\"|\\.)*\])+ ?(?P<message>.*)$"
_TAG = r"^(?P<tag>[A-Za-z0-9_./-]{1,48})(?:\[[0-9]+\])?: ?(?P<message>.*)$"


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
    notes.add(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(block.lines)), 0), "blank line")
    host = envelope.pop("host")
    told = messages.read(envelope["details"], about.patterns, notes)
    made = messages.merged(envelope | records.host(host), told)
    return made | {"parse_error": notes.text}


def _envelope(lines: Any, about: About) -> Columns:
    """Return time, clock_unset, time_by, host, module, details and a note of each line."""
    parsers: tuple[Callable[[Any], Columns], ...] = (_new, partial(_old, about=about), _iso, _bare)
    layout = _layout(lines)
    parts = []
    for number in np.unique(layout):
        rows = np.flatnonzero(layout == number)
        some = lines if len(rows) == len(lines) else lines.take(pa.array(rows))
        parts.append((rows, parsers[number](some)))
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


def _words(lines: Any, count: int, wanted: tuple[int, ...]) -> list[Any]:
    """Cut each line into so many words, the last of which is the rest, and return some; a missing one is empty."""
    split = pc.split_pattern(lines, " ", max_splits=count - 1)
    flat, start = split.flatten(), split.offsets.to_numpy()
    sizes = np.diff(start)
    if (sizes == count).all():
        return [flat.take(pa.array(start[:-1] + place)) for place in wanted]
    return [pc.fill_null(flat.take(pa.array(start[:-1] + place, mask=place >= sizes)), "") for place in wanted]


def _without_pri(text: Any) -> Any:
    """Cut off the PRI at the beginning."""
    for size in (3, 4, 5):
        has = pc.match_substring_regex(text, f"^<[0-9]{{{size - 2}}}>")
        if pc.any(has).as_py():
            text = pc.if_else(has, pc.utf8_slice_codeunits(text, size), text)
    return text


def _new(lines: Any) -> Columns:
    time, host, module, structured, rest = _words(lines, 8, (1, 2, 3, 6, 7))
    plain = pc.equal(structured, "-")
    if not pc.all(plain).as_py():
        whole = pc.binary_join_element_wise(structured, rest, word(" "))
        after = pc.struct_field(pc.extract_regex(whole, _STRUCTURED), "message").cast(TEXT)
        rest = pc.if_else(plain, rest, pc.coalesce(after, whole))
    return _stamped(_known(time), {"host": _known(host), "module": _known(module), "details": _message(rest)})


def _iso(lines: Any) -> Columns:
    time, host, rest = _words(_without_pri(lines), 3, (0, 1, 2))
    module, message = _tagged(rest)
    return _stamped(time, {"host": host, "module": module, "details": message})


def _old(lines: Any, about: About) -> Columns:
    text = _without_pri(lines)
    time = stamps.moments(pc.utf8_slice_codeunits(text, 0, stamps.WIDTH), about.modified)
    host, rest = _words(pc.utf8_slice_codeunits(text, stamps.WIDTH + 1), 2, (0, 1))
    module, message = _tagged(rest)
    why = "the time has no year and the file has no date" if about.modified is None else "the time cannot be read"
    found = pc.is_valid(time)
    return {
        "time": time,
        "clock_unset": pc.if_else(found, pa.scalar(False), pa.scalar(None, pa.bool_())),
        "time_by": pc.if_else(found, word("file"), NOTHING),
        "note": pc.if_else(found, NOTHING, word(why)),
        "host": host,
        "module": module,
        "details": message,
    }


def _bare(lines: Any) -> Columns:
    message = _message(_without_pri(lines))
    nothing = pa.nulls(len(lines), TEXT)
    # The documented facts, facility and severity, allow a line that is PRI and message; without PRI it is a torn one.
    torn = pc.and_not(pc.is_valid(message), pc.match_substring_regex(lines, f"^{_PRI}"))
    note = pc.if_else(torn, word("no layout of a log line: all of it is taken as the message"), NOTHING)
    empty = {"time": pa.nulls(len(lines), typed.MOMENT), "clock_unset": pa.nulls(len(lines), pa.bool_())}
    return {**empty, "time_by": nothing, "note": note, "host": nothing, "module": nothing, "details": message}


def _stamped(text: Any, rest: Columns) -> Columns:
    notes = Notes(pa.nulls(len(text), TEXT))
    time, unset = typed.moments(text, notes)
    return {"time": time, "clock_unset": unset, "time_by": typed.stamped(time), "note": notes.text, **rest}


def _known(text: Any) -> Any:
    """Return a field of RFC 5424, where a hyphen means that there is none."""
    return pc.if_else(pc.equal(text, "-"), NOTHING, text)


def _message(text: Any) -> Any:
    return typed.blank_to_null(pc.utf8_ltrim(text, "\ufeff"))


def _tagged(rest: Any) -> tuple[Any, Any]:
    """Return the tag before a colon and the message after it; without a tag all is message."""
    if not pc.any(pc.match_substring_regex(rest, r"^[A-Za-z0-9_./-]{1,48}(?:\[[0-9]+\])?:")).as_py():
        return pa.nulls(len(rest), TEXT), _message(rest)
    found = pc.extract_regex(rest, _TAG)
    tag, message = (pc.struct_field(found, name).cast(TEXT) for name in ("tag", "message"))
    return tag, _message(pc.coalesce(message, rest))
