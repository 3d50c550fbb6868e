"""What a message says about a registration: by the user's patterns, else by a neutral default set.

The texts that devices log for a registration are documented nowhere, so none of these patterns
claims to be a vendor's line. The default set reads `key=value` words and plain English
sentences; for the messages of a real device, give `patterns=` and look at `pattern_coverage`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import product
from time import thread_time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .. import limits
from ..captures.alerts import ALERTS as TLS_ALERTS
from ..errors import CerttrustError
from ..formats import DECISIVE
from ..json_values import note_on_twins
from ..names.device_ids import HARDWARE_ID, SERIAL
from ..texts.sentences import say
from . import field_values, record_fields
from .field_values import NULL, TEXT, Columns, Notes, scatter
from .pairs import Twins, pairs_with_quotes
from .text.spans import Delimiters, Mask, Positions, Spans, as_mask, present
from .vocabulary import H225_REASONS

KEYS = {
    "state": "state",
    "name": "registration_name",
    "registration_name": "registration_name",
    "hw": "hardware_id",
    "hardware_id": "hardware_id",
    "serial": "serial",
    "prot": "protocol",
    "protocol": "protocol",
    "addr": "remote_address",
    "remote_address": "remote_address",
    "auth": "authentication",
    "authentication": "authentication",
    "reason": "reason",
    "fingerprint": "fingerprint",
    "pbx": "pbx",
    "if": "interface",
    "interface": "interface",
    "rp": "via_reverse_proxy",
    "via_reverse_proxy": "via_reverse_proxy",
}
"""Columns by the keys of `key=value` words."""

_REASON = "|".join(
    sorted(
        (*H225_REASONS, *(name for name in TLS_ALERTS.values() if "_" in name)),
        key=len,
        reverse=True,
    )
)
SENTENCES = {
    "state": (
        r"(?i)\bregist(?:ration|er)\b.*?"
        r"(?P<negated>(?:\b(?:not|never|no longer|set|sets|setting)|n't)\s+(?:\w+\s+){0,2})?"
        r"\b(?P<state>rejected|unauthorized|timeout|timed out|failed|down|up)\b"
    ),
    "registration_name": (
        rf"(?:^|[\s\"'(=:])(?P<registration_name>(?:{SERIAL})(?:-[A-Z]+[0-9]+)?)"
        r"(?:$|[\s\"'),;])"
    ),
    "hardware_id": rf"(?:^|[\s\"'(=:])(?P<hardware_id>{HARDWARE_ID})(?:$|[\s\"'),;])",
    "reason": rf"(?i)\b(?P<reason>{_REASON}|(?:alert|SIP(?:/2\.0)?) \d{{2,3}})\b",
}
"""What a sentence with a form of "registration" and a word of state is searched for."""

_NO_REGISTRATION = r"(?i)\bno\s+(?:\w+\s+)?regist(?:ration|er)"

_MODULE = r"^(?P<module>[A-Z][A-Z0-9_/]+)[ ]+[0-9]+[ ]+[^ ]"
"""The one documented shape of a message: module, number, event."""


class PatternError(CerttrustError):
    """A message pattern that cannot be used."""


class Pattern(NamedTuple):
    """A named pattern.

    `linear` is its spelling for RE2, whose time is in proportion to the text; where there is none,
    `timed` is the same pattern for an engine that stops when its time is over.
    """

    name: str
    regex: re.Pattern[str]
    linear: str | None
    timed: Any = None


def compiled(patterns: Any) -> tuple[Pattern, ...]:
    """Check message patterns: a regular expression, several, or several by name."""
    if patterns is None:
        return ()
    if isinstance(patterns, str | bytes | re.Pattern):
        patterns = [patterns]
    if not isinstance(patterns, Mapping):
        if not isinstance(patterns, Iterable):
            raise PatternError(
                say("errors.reading.patterns_type", type=type(patterns).__name__)
            )
        patterns = {
            f"pattern {number}": regex
            for number, regex in enumerate(patterns, start=1)
        }
    return tuple(_compiled(str(name), regex) for name, regex in patterns.items())


def _compiled(name: str, regex: Any) -> Pattern:
    try:
        pattern = _of_text(regex)
        name.encode()
        linear = _for_re2(pattern)
        timed = None if linear else _timed(pattern)
    except (
        re.error,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        problem = say(
            "errors.reading.no_pattern",
            name=_shown(name),
            pattern=_shown(repr(regex)),
            problem=_shown(str(error)),
        )
        raise PatternError(problem) from error
    unknown = set(pattern.groupindex) - set(record_fields.FIELDS)
    if unknown or not pattern.groupindex:
        key = "errors.reading.unknown_group" if unknown else "errors.reading.no_group"
        raise PatternError(
            say(
                key,
                name=name,
                pattern=repr(pattern.pattern),
                groups=", ".join(sorted(unknown)),
                columns=", ".join(record_fields.FIELDS),
            )
        )
    return Pattern(name, pattern, linear, timed)


def _of_text(regex: Any) -> re.Pattern[str]:
    """Return a regular expression that can match text, which holds no lone surrogates."""
    pattern: re.Pattern[str] = re.compile(regex)
    if not isinstance(pattern.pattern, str):
        raise TypeError("it is of bytes, and logs are text")
    pattern.pattern.encode()
    return pattern


_QUOTED = 200
"""Characters of a pattern that an error quotes."""


def _shown(text: str) -> str:
    """Return a text as an error can quote it."""
    visible = text.encode("utf-8", "backslashreplace").decode()
    return visible if len(visible) <= _QUOTED else f"{visible[:_QUOTED]}..."


_FLAGS = ("ASCII", "IGNORECASE", "MULTILINE", "DOTALL", "VERBOSE")


def _timed(pattern: re.Pattern[str]) -> Any:
    """Return a pattern for an engine that takes a time limit; Python's own has none."""
    import regex  # few patterns need it

    flags = 0
    for name in _FLAGS:
        if pattern.flags & getattr(re, name):
            flags |= getattr(regex, name)
    try:
        return regex.compile(pattern.pattern, flags)
    except regex.error as error:
        raise ValueError(str(error)) from error


_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)", re.DOTALL)
"""An escape, a set of characters, or the beginning of a group without a name."""


def _for_re2(regex: re.Pattern[str]) -> str | None:
    """Return the regular expression for Arrow, which wants a name for each capturing group.

    None where RE2 cannot run it: for look-around, back references and rare flags.
    """
    if regex.flags & ~(re.UNICODE | re.IGNORECASE):
        return None
    text = _GROUP.sub(
        lambda match: "(?:" if match[0] == "(" else match[0], regex.pattern
    )
    if regex.flags & re.IGNORECASE:
        text = f"(?i){text}"
    try:
        pc.extract_regex(pa.array([""]), text)
    except pa.ArrowInvalid:
        return None
    return text


class Extracted(NamedTuple):
    """The fields of some messages, missing where they have none, and which messages have any."""

    fields: Columns
    matches: Mask
    skipped: Mask | None = None
    """Which messages were not searched, since the time was over."""
    twins: Twins | None = None
    """Which messages give a field two different values."""


def read(
    message: Spans,
    patterns: tuple[Pattern, ...],
    notes: Notes,
    blanks: Delimiters | None = None,
) -> Columns:
    """Return the columns of messages, and in `matched_by` the pattern that they come from.

    Parameters
    ----------
    message : Spans
        Messages without white space at their ends, in the order of their bytes; an empty one is
        none.
    patterns : tuple of Pattern
        The user's patterns, which come first.
    notes : Notes
        What could not be read is added here.
    blanks : Delimiters, optional
        Where blanks and equals signs stand in the bytes; computed where it is not given.

    Returns
    -------
    dict of Arrow arrays
        The details are the messages that no pattern took apart.
    """
    count = len(message.start)
    blanks = blanks or Delimiters.of(message.data, " ", "=")
    extractors = [
        *((pattern.name, partial(_by_pattern, pattern)) for pattern in patterns),
        ("pairs", partial(_by_pairs, blanks)),
    ]
    names = list(dict.fromkeys((*(name for name, _ in extractors), "sentence")))
    by = np.full(count, -1, np.int32)
    fields: Columns = {}
    for name, extract in extractors:
        rows = np.flatnonzero(by < 0)
        extracted = extract(message if len(rows) == count else message.take(rows))
        by[rows[extracted.matches]] = names.index(name)
        fields |= _completed(fields, extracted.fields, rows, count)
        if extracted.skipped is not None:
            skipped = np.zeros(count, bool)
            skipped[rows] = extracted.skipped
            notes.add(skipped, _out_of_time(name))
        for field, twins in (extracted.twins or {}).items():
            differ = np.zeros(count, bool)
            differ[rows[twins]] = True
            unread = [field] if field in DECISIVE else []
            notes.add(differ, note_on_twins([field], unread))
    unmatched = message.where((by < 0) & (message.sizes > 0)).text()
    rows, values = _by_sentence(unmatched)
    if len(rows):
        by[rows] = names.index("sentence")
        unmatched = pc.if_else(pa.array(by < 0), unmatched, NULL)
        fields |= _completed(fields, values, rows, count)
    columns = record_fields.from_fields(fields, notes)
    if "module" not in columns:
        module = pc.struct_field(pc.extract_regex(unmatched, _MODULE), "module")
        columns["module"] = module.cast(TEXT)
    columns["details"] = field_values.coalesce(columns.get("details"), unmatched)
    return columns | {"matched_by": field_values.encode(by, names)}


def _completed(
    fields: Columns, values: Columns, rows: Positions, count: int
) -> Columns:
    """Return the fields for which there are values in some rows, completed by these."""
    return {
        name: field_values.coalesce(fields.get(name), scatter(new, rows, count))
        for name, new in values.items()
    }


def _by_pattern(pattern: Pattern, message: Spans) -> Extracted:
    names = list(pattern.regex.groupindex)
    text = message.where(message.sizes > 0).text()
    if pattern.linear:
        groups = pc.extract_regex(text, pattern.linear)
        fields = {name: pc.struct_field(groups, name).cast(TEXT) for name in names}
        return Extracted(fields, present(groups))
    matches, skipped = _searched(pattern.timed, text.to_pylist())
    fields = {
        name: pa.array([match and match[name] for match in matches], TEXT)
        for name in names
    }
    is_match = np.array([match is not None for match in matches], bool)
    return Extracted(fields, is_match, skipped)


def _searched(pattern: Any, texts: list[str | None]) -> tuple[list[Any], Mask]:
    """Return the match in each text, and which texts were skipped since the time was over."""
    # The time of this thread, since others may run meanwhile.
    start = thread_time()
    matches: list[Any] = [None] * len(texts)
    skipped = np.zeros(len(texts), bool)
    for row, text in enumerate(texts):
        if text is None:
            continue
        left = limits.PATTERN_SECONDS - (thread_time() - start)
        try:
            matches[row] = pattern.search(text, timeout=left) if left > 0 else None
            skipped[row] = left <= 0
        except (TimeoutError, MemoryError):
            skipped[row] = True
    return matches, skipped


def _out_of_time(name: str) -> str:
    seconds = limits.PATTERN_SECONDS
    return f"not searched for {name}: it took more than {seconds:g} seconds on these lines"


def _by_pairs(blanks: Delimiters, message: Spans) -> Extracted:
    values, twins = pairs_with_quotes(message, blanks, KEYS)
    conclusive = [
        values[name].present
        for name in ("state", "reason", "registration_name")
        if name in values
    ]
    if not conclusive:
        return Extracted({}, np.zeros(len(message.start), bool))
    matches = np.logical_or.reduce(conclusive)
    any_value = np.logical_or.reduce([value.present for value in values.values()])
    if (any_value & ~matches).any():
        values = {name: value.where(matches) for name, value in values.items()}
    fields = {name: value.text() for name, value in values.items()}
    for name in twins.keys() & DECISIVE:
        differ = np.zeros(len(matches), bool)
        differ[twins[name]] = True
        fields[name] = pc.if_else(pa.array(differ), NULL, fields[name])
    return Extracted(fields, matches, twins=twins)


def _by_sentence(text: Any) -> tuple[Positions, Columns]:
    """Return which messages are sentences about a registration's state, and their fields."""
    rows = np.flatnonzero(as_mask(pc.match_substring(pc.ascii_lower(text), "regist")))
    if len(rows):
        candidates = text.take(pa.array(rows))
        states = pc.extract_regex(candidates, SENTENCES["state"])
        # What a sentence denies, or what is set up, is no state.
        states = as_mask(pc.equal(pc.struct_field(states, "negated"), ""))
        denied = as_mask(pc.match_substring_regex(candidates, _NO_REGISTRATION))
        rows = rows[states & ~denied]
    if not len(rows):
        return rows, {}
    sentences = text.take(pa.array(rows))
    return rows, {
        name: pc.struct_field(pc.extract_regex(sentences, regex), name).cast(TEXT)
        for name, regex in SENTENCES.items()
    }


EXACT = "line"
"""What `time_by` says of a time whose line names its zone."""
TAKEN_FOR_UTC = " as UTC"
"""How it ends where the line does not."""


def merge(envelope: Columns, message: Columns) -> Columns:
    """Return the columns of an envelope and its message, of which the message comes first.

    Where the message names another device than the envelope, who sent it is not who registered.
    Where it has a time of its own, be it one of a clock that was not set, that time counts,
    unless it names no zone and the envelope does.
    A message that a pattern took apart is not kept a second time beside the raw line.
    """
    if "clock_unset" in message and "clock_unset" in envelope:
        envelope = dict(envelope)
        stamped = pc.is_valid(message["clock_unset"])
        vague = pc.ends_with(field_values.decoded(message["time_by"]), TAKEN_FOR_UTC)
        exact = pc.equal(field_values.decoded(envelope["time_by"]), EXACT)
        is_better = pc.fill_null(pc.and_kleene(vague, exact), False)
        if pc.any(is_better).as_py():
            message = dict(message)
            for name in ("time", "time_by", "clock_unset"):
                field = field_values.decoded(message[name])
                nothing = pa.scalar(None, field.type)
                message[name] = pc.if_else(is_better, nothing, field)
            stamped = pc.is_valid(message["clock_unset"])
        if pc.any(stamped).as_py():
            for name in ("time", "time_by", "clock_unset"):
                field = field_values.decoded(envelope[name])
                nothing = pa.scalar(None, field.type)
                envelope[name] = pc.if_else(stamped, nothing, field)
    both = {
        name: field_values.coalesce(message[name], envelope[name])
        for name in message
        if name in envelope
    }
    named = [present(message[name]) for name in _TAIL_SHIFTS if name in message]
    another = np.logical_or.reduce(named) if named else np.zeros(0, bool)
    if (
        another.any()
        and (another := another & ~_same_device(envelope, message)).any()
    ):
        for name in _TAIL_SHIFTS:
            if name in envelope:
                sender = pc.if_else(pa.array(another), NULL, envelope[name])
                both[name] = field_values.coalesce(message.get(name), sender)
    if "details" in envelope:
        is_unmatched = pc.is_null(message["matched_by"])
        details = pc.if_else(is_unmatched, envelope["details"], NULL)
        both["details"] = field_values.coalesce(details, message.get("details"))
    return envelope | message | both


_TAIL_SHIFTS = {"hardware_id": (0, 24, 48), "serial": (16, 32, 48)}
"""Bits to the last three octets in the last eight characters: a hardware ID has hyphens there."""


def _same_device(envelope: Columns, message: Columns) -> Mask:
    """Return True where both name a device and the names end in the same three octets."""
    same = np.zeros(len(next(iter(message.values()))), bool)
    for sender, device in product(_tails(envelope), _tails(message)):
        same |= (sender == device) & (device != 0)
    return same


def _tails(columns: Columns) -> list[npt.NDArray[np.uint64]]:
    """Return the last three octets of hardware IDs and serials as numbers; 0 where none is."""
    tails = []
    for name, shifts in _TAIL_SHIFTS.items():
        if name in columns:
            device = Spans.of(columns[name])
            eight = device.eight_bytes(np.maximum(device.stop - 8, 0))
            octets = [
                eight >> np.uint64(shift) & np.uint64(0xFFFF) for shift in shifts
            ]
            tail = octets[0] | octets[1] << np.uint64(16) | octets[2] << np.uint64(32)
            tails.append(np.where(device.sizes >= 8, tail, np.uint64(0)))
    return tails
