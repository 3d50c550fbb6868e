"""Lines as collectors and programs write them: RFC 5424, RFC 3164, ISO stamps, and others.

Of the devices' lines only facility and severity are documented (the severity is always 6 and says
nothing), not the layout, so every layout of a collector is read and the message stays as it
stands. A line of no layout of syslog may have another stamp: one that is a time wherever it
begins a line, or one that a sample of the file shows. Else the whole line is the message.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...formats import as_text
from ...names.device_ids import HARDWARE_ID, SERIAL
from .. import (
    contents,
    field_values,
    layouts,
    messages,
    record_fields,
    stamp_forms,
    times,
)
from ..field_values import TEXT, Columns, Notes, scatter
from ..line_format import Log, line_reader
from ..text.lines import Block
from ..text.spans import Delimiters, Mask, Spans, Words, as_mask, present

NAME = "syslog"

_NEW, _OLD, _ISO = range(3)
_OTHER = len(layouts.LAYOUTS)
_SAMPLE = 20
_STRUCTURED = r"^(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\"|\\.)*\])+ ?(?P<message>.*)$"
_TAG = r"^(?P<head>(?P<tag>[A-Za-z0-9_./-]{1,48})(?:\[[0-9]+\])?:)"
_GOES_ON = rf"^(?:(?:19|20)[0-9]{{2}}|{stamp_forms.ZONE_WORDS})(?:[ :]|$)"
"""What may stand behind a stamp of RFC 3164 and belongs to it: a year, or a zone."""
_BEHIND_STAMP = r"(?s)^[\])\"'.,:;|\s-]*(?P<rest>.*)$"
_KIWI = (
    r"(?s)^(?:[A-Za-z]+[0-9]?\.[A-Za-z]+\t(?P<host>[^\t]*)\t(?P<rest>.*)"
    r"|[A-Za-z0-9_.-]+\t(?P<record>\{.*\}))$"
)
"""What Kiwi writes behind the stamp: facility and level, host, message, parted by tabs. And what
fluentd does: a tag, and a record as JSON.
"""
_TIME_OF_DAY = r"^[\[(]?[0-9]{1,2}:[0-9]{2}:[0-9]{2}\b"
_DEVICE = rf"^(?:{SERIAL}|{HARDWARE_ID})$"


def sniff(head: bytes) -> bool:
    """Return True where one of the first lines has a layout of syslog, or at least a PRI."""
    lines = as_text(head).split("\n")[:_SAMPLE]
    return any(layouts.ANY_LAYOUT.match(line) for line in lines)


class Parts(NamedTuple):
    """The parts of lines, each missing where a line does not have it."""

    stamp: Spans
    host: Spans
    module: Spans
    message: Spans


def parse(block: Block, log: Log) -> Columns:
    """Return the columns of a block of lines."""
    notes = Notes(block.problems)
    read = columns(block.lines, notes, log)
    return read | {"parse_error": notes.text}


def columns(texts: Any, notes: Notes, log: Log) -> Columns:
    """Return the columns of lines; what could not be read is noted."""
    lines = Spans.of(texts)
    blanks = Delimiters.of(lines.data, " ", "=")
    layout = _layout(texts)
    parts = _parts(lines, layout, blanks)
    of_time = Notes(pa.nulls(len(texts), TEXT))
    envelope = _time(parts.stamp, layout == _OLD, log, of_time)
    others = np.flatnonzero((layout == _OTHER) & (parts.message.sizes > 0))
    if len(others) and (log.stamp is None or not log.stamp.words or log.depth):
        text = texts.take(pa.array(others))
        others = others[
            as_mask(pc.match_substring_regex(text, layouts.MAY_BE_STAMPED))
        ]
    if len(others):
        parts, envelope = _other_stamps(lines, parts, others, envelope, log, of_time)
    message = parts.message.strip("\ufeff")
    columns = contents.read(message, log, notes, blanks, present(envelope["time"]))
    # Where the message has a time of its own, the line's is not asked for.
    problems = of_time.text
    notes.add(present(problems) & ~_is_record(columns), problems)
    # Facility and severity alone are documented, so a line may be PRI and message; without PRI it
    # is a torn one.
    torn = (
        (layout == _OTHER)
        & (message.sizes > 0)
        & (parts.message.start == lines.start)
        & ~_is_record(columns)
    )
    if torn.any():
        of_day = np.flatnonzero(torn)
        text = texts.take(pa.array(of_day))
        of_day = of_day[as_mask(pc.match_substring_regex(text, _TIME_OF_DAY))]
        no_date = np.zeros(len(torn), bool)
        no_date[of_day] = True
        notes.add(no_date, "the time has no date")
        torn &= ~no_date
    notes.add(torn, "no layout of a log line: all of it is taken as the message")
    notes.add(field_values.blank(texts), "blank line")
    envelope |= {
        "module": parts.module.text(),
        **record_fields.host(parts.host.text()),
    }
    return messages.merge(envelope, columns)


def _is_record(columns: Columns) -> Mask:
    """Return which lines are records of their own: one was taken apart and stated a time."""
    stated = columns.get("clock_unset")
    count = len(columns["matched_by"])
    return np.zeros(count, bool) if stated is None else present(stated)


class Stamped(NamedTuple):
    """Times of lines: where they are read and local, where they have a year, and why not read."""

    since: Any
    is_read: Mask
    is_local: Mask
    has_year: Mask
    why: Any
    matches: Mask


def _other_stamps(
    lines: Spans, parts: Parts, rows: Any, envelope: Columns, log: Log, notes: Notes
) -> tuple[Parts, Columns]:
    """Return the parts and times of lines with the stamps of other programs."""
    looks_stamped = np.zeros(len(lines.start), bool)
    for form, words, source in _forms(log):
        if not len(rows):
            break
        some = lines.take(rows)
        text = some.text()
        pattern = layouts.line_pattern(form, words)
        stamped = _stamped(text, form, pattern, log)
        looks_stamped[rows] |= stamped.matches
        hits = stamped.is_read | (stamped.why >= 0)
        if not hits.any():
            continue
        of_hits = Stamped(*(part[hits] for part in stamped))
        envelope = _with_times(envelope, rows[hits], of_hits, source, log, notes)
        new = _behind(some.take(hits), text.filter(pa.array(hits)), pattern)
        pairs = zip(parts, new, strict=True)
        parts = Parts(*(part.replaced(rows[hits], other) for part, other in pairs))
        rows = rows[~hits]
    unread = np.zeros(len(looks_stamped), bool)
    unread[rows] = looks_stamped[rows]
    notes.add(unread, times.UNREAD)
    return parts, envelope


def _forms(log: Log) -> list[tuple[stamp_forms.Form, int, str]]:
    """Return the forms of stamps to try, the words before them, and what `time_by` says of them."""
    forms = [(form, 0, "line") for form in stamp_forms.STATED]
    learned = None if log.depth else log.stamp
    if learned is None:
        return forms
    is_stated = learned.form in stamp_forms.STATED and not learned.words
    source = "line" if is_stated else f"sample: {learned.form.name}"
    return [(learned.form, learned.words, source), *forms]


def _stamped(text: Any, form: stamp_forms.Form, pattern: str, log: Log) -> Stamped:
    """Return the times of lines by the pattern of a form."""
    if form is not stamp_forms.UNIX:
        stamps = stamp_forms.take_apart(text, pattern, day_first=log.clock.day_first)
        since, why = times.resolved(stamps, log.clock)
        is_stamp = stamps.is_valid | stamps.is_ambiguous
        return Stamped(
            since,
            why < 0,
            ~stamps.is_zoned,
            stamps.has_year,
            np.where(is_stamp, why, -1),
            stamps.matches,
        )
    digits = pc.struct_field(pc.extract_regex(text, pattern), "unix").cast(TEXT)
    clock = log.clock._replace(counts_seconds=True)
    since, is_read, _ = times.of_numbers(pc.fill_null(digits, "0"), clock)
    never = np.zeros(len(text), bool)
    none = np.full(len(text), -1)
    return Stamped(since, is_read & present(digits), never, ~never, none, never)


def _with_times(
    envelope: Columns,
    rows: Any,
    stamped: Stamped,
    source: str,
    log: Log,
    notes: Notes,
) -> Columns:
    """Return an envelope with the times of some rows, whose problems are noted."""
    count = len(envelope["time"])
    for reason in np.unique(stamped.why):
        if reason >= 0:
            unread = np.zeros(count, bool)
            unread[rows[stamped.why == reason]] = True
            notes.add(unread, times.reason(int(reason)))
    envelope = dict(envelope)
    for has_year in np.unique(stamped.has_year):
        some = stamped.has_year == has_year
        by = source if has_year or source != "line" else "file"
        part_notes = Notes(pa.nulls(int(some.sum()), TEXT))
        read_times = times.local_columns(
            stamped.since[some],
            stamped.is_read[some],
            stamped.is_local[some],
            part_notes,
            log.clock,
            by,
        )
        notes.add_text(rows[some], part_notes.text)
        for name, column in read_times.items():
            envelope[name] = field_values.coalesce(
                envelope[name], scatter(column, rows[some], count)
            )
    return envelope


def _behind(lines: Spans, text: Any, pattern: str) -> Parts:
    """Return host, tag and message behind a stamp.

    A line with a PRI has its host there, as RFC 3164 wants it; in any other line the word behind
    the stamp is a host only where it names a device.
    """
    stamped = _ending(lines, pc.struct_field(pc.extract_regex(text, pattern), "rest"))
    behind = pc.struct_field(pc.extract_regex(stamped.text(), _BEHIND_STAMP), "rest")
    rest = _ending(lines, behind)
    blanks = Delimiters.of(lines.data, " ")
    words = Words(rest, blanks)
    first = words.at(0).text()
    names_device = pc.match_substring_regex(pc.utf8_rtrim(first, ":"), _DEVICE)
    is_tag = as_mask(pc.match_substring_regex(first, _TAG))
    has_host = as_mask(names_device) | ((lines.byte_at(0) == ord("<")) & ~is_tag)
    host = words.at(0).rstrip(b":").where(has_host)
    start = np.where(has_host, words.from_index(1).start, rest.start)
    host, start, is_tabbed = _tabbed(rest, host, start)
    untagged = rest._replace(start=start)
    module, tagged = _tagged(untagged, blanks)
    is_tagged = (has_host | is_tabbed) & module.present
    message = untagged._replace(start=np.where(is_tagged, tagged.start, start))
    nothing = lines.where(np.zeros(len(lines.start), bool))
    return Parts(nothing, host, module.where(is_tagged), message)


def _ending(lines: Spans, ends: Any) -> Spans:
    """Return the ends of lines that are as long as these texts."""
    return lines._replace(start=lines.stop - pc.binary_length(ends).to_numpy())


def _tabbed(rest: Spans, host: Spans, start: Any) -> tuple[Spans, Any, Mask]:
    """Return host and beginning of messages that Kiwi or fluentd wrote, and which these are."""
    fields = pc.extract_regex(rest.text(), _KIWI)
    is_tabbed = as_mask(pc.is_valid(fields))
    if not is_tabbed.any():
        return host, start, is_tabbed
    size, record_size, host_size = (
        pc.fill_null(pc.binary_length(pc.struct_field(fields, part)), 0).to_numpy()
        for part in ("rest", "record", "host")
    )
    start = np.where(is_tabbed, rest.stop - size - record_size, start)
    stop = np.where(is_tabbed, start - 1, host.stop)
    begin = np.where(is_tabbed, stop - host_size, host.start)
    return Spans(rest.data, begin, stop), start, is_tabbed


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
    if not old.any():
        return times.read(stamp.text(), notes, log.clock)
    count = len(old)
    envelope: Columns = {}
    if not old.all():
        envelope = times.read(stamp.where(~old).text(), notes, log.clock)
    rows = np.flatnonzero(old)
    of_rows = times.without_year(stamp.take(rows).text(), log.modified)
    is_dated = present(of_rows)
    why = times.NO_YEAR if log.modified is None else times.UNREAD
    row_notes = Notes(pa.nulls(len(rows), TEXT))
    row_notes.add(~is_dated, why)
    since = np.asarray(pc.fill_null(of_rows.cast(pa.int64()), 0))
    dated = times.local_columns(
        since, is_dated, np.ones(len(rows), bool), row_notes, log.clock, "file"
    )
    notes.add_text(rows, row_notes.text)
    return {
        name: field_values.coalesce(envelope.get(name), scatter(column, rows, count))
        for name, column in dated.items()
    }


def _layout(lines: Any) -> Any:
    """Return the number of the first layout that each line has."""
    layout = np.full(len(lines), _OTHER)
    # The lines of a file mostly begin alike, and those that begin like one of RFC 5424 need no
    # closer look.
    sample = lines.slice(0, _SAMPLE).to_pylist()
    prefixes = [
        match[0] for line in sample if (match := re.match(f"{layouts.PRI}1 ", line))
    ]
    rest, others = np.arange(len(lines)), lines
    if prefixes:
        alike = as_mask(pc.starts_with(lines, prefixes[0]))
        layout[alike] = 0
        rest = np.flatnonzero(~alike)
        others = lines.take(pa.array(rest))
    for number in reversed(range(_OTHER)):
        matches = as_mask(pc.match_substring_regex(others, layouts.LAYOUTS[number]))
        layout[rest[matches]] = number
    layout[_goes_on(lines, layout == _OLD)] = _OTHER
    return layout


def _goes_on(lines: Any, old: Mask) -> Any:
    """Return the lines of RFC 3164 whose stamp goes on behind the seconds."""
    rows = np.flatnonzero(old)
    if not len(rows):
        return rows
    behind = _without_pri(Spans.of(lines).take(rows)).skip(times.WIDTH + 1)
    first = behind.byte_at(0)
    likely = (first == ord("1")) | (first == ord("2")) | ((first > 64) & (first < 91))
    rows, behind = rows[likely], behind.take(likely)
    if not len(rows):
        return rows
    return rows[as_mask(pc.match_substring_regex(behind.text(), _GOES_ON))]


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
    host, rest = _hosts(words, 0, blanks)
    return Parts(stamp, host, *_tagged(rest, blanks))


def _iso(lines: Spans, blanks: Delimiters) -> Parts:
    words = Words(_without_pri(lines), blanks)
    host, rest = _hosts(words, 1, blanks)
    if (host.byte_at(0) == ord("s")).any():
        # Container runtimes write the stream and whether a line is whole in the place of a host.
        of_container = host.starts_with(b"stdout") | host.starts_with(b"stderr")
        of_container &= (words.at(2).sizes == 1) & (host.sizes == 6)
        if of_container.any():
            host = host.where(~of_container)
            start = np.where(of_container, words.from_index(3).start, rest.start)
            rest = rest._replace(start=start)
    return Parts(words.at(0), host, *_tagged(rest, blanks))


def _hosts(words: Words, index: int, marks: Delimiters) -> tuple[Spans, Spans]:
    """Return the hosts at an index of lines, and what stands behind them.

    A word with an equals sign, or one that begins a record of JSON, is no host: then the message
    begins there.
    """
    host, rest = words.at(index), words.from_index(index + 1)
    first = np.searchsorted(marks.marks, host.start)
    is_pair = np.append(marks.marks, host.data.size).take(first) < host.stop
    no_host = is_pair | (host.byte_at(0) == ord("{"))
    if no_host.any():
        start = np.where(no_host, host.start, rest.start)
        host, rest = host.where(~no_host), rest._replace(start=start)
    return host, rest


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


read = line_reader(parse, stamped=True)
