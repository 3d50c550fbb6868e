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
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CerttrustError
from ..names.device_ids import HARDWARE_ID, SERIAL
from ..texts.sentences import say
from . import field_values as typed
from . import record_fields
from .field_values import NOTHING, TEXT, Columns, Notes, spread
from .pairs import pairs_with_quotes
from .text.spans import Cuts, Flags, Places, Spans, holds, present
from .vocabulary import H225_REASONS, TLS_ALERTS

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
"""What the keys of `key=value` words are taken for."""

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
    """A named pattern; `fast` where the linear-time engine can carry it out."""

    name: str
    regex: re.Pattern[str]
    fast: bool


def compiled(patterns: Any) -> tuple[Pattern, ...]:
    """Check message patterns: a regular expression, several, or several by name; groups name
    columns.
    """
    if patterns is None:
        return ()
    if isinstance(patterns, str | re.Pattern):
        patterns = [patterns]
    if not isinstance(patterns, Mapping):
        if not isinstance(patterns, Iterable):
            raise PatternError(
                say("errors.reading.patterns_type", type=type(patterns).__name__)
            )
        patterns = {
            f"pattern {number}": each for number, each in enumerate(patterns, start=1)
        }
    return tuple(_compiled(str(name), regex) for name, regex in patterns.items())


def _compiled(name: str, regex: Any) -> Pattern:
    try:
        made = re.compile(regex)
    except (re.error, TypeError) as error:
        problem = say(
            "errors.reading.no_pattern", name=name, pattern=repr(regex), problem=error
        )
        raise PatternError(problem) from error
    unknown = set(made.groupindex) - set(record_fields.FIELDS)
    if unknown or not made.groupindex:
        key = "errors.reading.unknown_group" if unknown else "errors.reading.no_group"
        groups, columns = ", ".join(sorted(unknown)), ", ".join(record_fields.FIELDS)
        raise PatternError(
            say(
                key,
                name=name,
                pattern=repr(made.pattern),
                groups=groups,
                columns=columns,
            )
        )
    return Pattern(name, made, _runs_fast(made))


def _runs_fast(regex: re.Pattern[str]) -> bool:
    """Return True where the linear-time engine can run it: no look-around, back reference or
    rare flag.
    """
    if regex.flags & ~(re.UNICODE | re.IGNORECASE):
        return False
    try:
        pc.extract_regex(pa.array([""]), _spelled(regex))
    except pa.ArrowInvalid:
        return False
    return True


_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)", re.DOTALL)
"""An escape, a set of letters, or the beginning of a group without a name."""


def _spelled(regex: re.Pattern[str]) -> str:
    """Return the regular expression for an engine that wants a name for each group that it
    remembers.
    """
    text = _GROUP.sub(
        lambda found: "(?:" if found[0] == "(" else found[0], regex.pattern
    )
    return f"(?i){text}" if regex.flags & re.IGNORECASE else text


Told = tuple[Columns, Flags]
"""What a way of reading told of some messages, missing where it told nothing, and of which
messages it did.
"""


def read(
    message: Spans,
    patterns: tuple[Pattern, ...],
    notes: Notes,
    blanks: Cuts | None = None,
) -> Columns:
    """Return the columns that messages tell, and in `matched_by` the pattern that told them.

    Parameters
    ----------
    message : Spans
        Messages without white space at their ends, in the order of their bytes; an empty one is
        none.
    patterns : tuple of Pattern
        The user's patterns, which come first.
    notes : Notes
        What could not be read is added here.
    blanks : Cuts, optional
        Where blanks and equals signs stand in the bytes, where that is known already.

    Returns
    -------
    dict of Arrow arrays
        The details are the messages that no pattern took apart.
    """
    count = len(message.start)
    blanks = blanks or Cuts.of(message.octets, " ", "=")
    ways = [
        *((each.name, partial(_extracted, each)) for each in patterns),
        ("pairs", partial(_pairs, blanks)),
    ]
    names = list(dict.fromkeys((*(name for name, _ in ways), "sentence")))
    by = np.full(count, -1, np.int32)
    found: Columns = {}
    for name, way in ways:
        rows = np.flatnonzero(by < 0)
        fields, hit = way(message if len(rows) == count else message.only(rows))
        by[rows[hit]] = names.index(name)
        found |= _added(found, fields, rows, count)
    left = message.where((by < 0) & (message.sizes > 0)).text()
    rows, fields = _sentences(left)
    if len(rows):
        by[rows] = names.index("sentence")
        left = pc.if_else(pa.array(by < 0), left, NOTHING)
        found |= _added(found, fields, rows, count)
    made = record_fields.from_fields(found, notes)
    if "module" not in made:
        made["module"] = pc.struct_field(
            pc.extract_regex(left, _MODULE), "module"
        ).cast(TEXT)
    made["details"] = typed.first(made.get("details"), left)
    return made | {"matched_by": typed.coded(by, names)}


def _added(found: Columns, fields: Columns, rows: Places, count: int) -> Columns:
    """Return the columns of the fields of some rows, after what was found in them before."""
    return {
        name: typed.first(found.get(name), spread(values, rows, count))
        for name, values in fields.items()
    }


def _extracted(pattern: Pattern, message: Spans) -> Told:
    names = list(pattern.regex.groupindex)
    text = message.where(message.sizes > 0).text()
    if pattern.fast:
        found = pc.extract_regex(text, _spelled(pattern.regex))
        return {
            name: pc.struct_field(found, name).cast(TEXT) for name in names
        }, present(found)
    matches = [
        pattern.regex.search(each) if each is not None else None
        for each in text.to_pylist()
    ]
    fields = {
        name: pa.array([match and match[name] for match in matches], TEXT)
        for name in names
    }
    return fields, np.array([match is not None for match in matches], bool)


def _pairs(blanks: Cuts, message: Spans) -> Told:
    found = pairs_with_quotes(message, blanks, KEYS)
    telling = [
        found[name].present
        for name in ("state", "reason", "registration_name")
        if name in found
    ]
    if not telling:
        return {}, np.zeros(len(message.start), bool)
    hit = np.logical_or.reduce(telling)
    if (
        np.logical_or.reduce([values.present for values in found.values()]) & ~hit
    ).any():
        found = {name: values.where(hit) for name, values in found.items()}
    return {name: values.text() for name, values in found.items()}, hit


def _sentences(text: Any) -> tuple[Places, Columns]:
    """Search the messages that speak of a registration for the parts of a sentence, and return
    those that have them.
    """
    rows = np.flatnonzero(holds(pc.match_substring(pc.ascii_lower(text), "regist")))
    if len(rows):
        some = text.take(pa.array(rows))
        states = pc.extract_regex(some, SENTENCES["state"])
        # What a sentence denies, or what is set up, is no state.
        stated = holds(pc.equal(pc.struct_field(states, "negated"), ""))
        rows = rows[stated & ~holds(pc.match_substring_regex(some, _NO_REGISTRATION))]
    if not len(rows):
        return rows, {}
    some = text.take(pa.array(rows))
    found = {
        name: pc.struct_field(pc.extract_regex(some, regex), name)
        for name, regex in SENTENCES.items()
    }
    return rows, {name: values.cast(TEXT) for name, values in found.items()}


def merged(made: Columns, told: Columns) -> Columns:
    """Complete the columns of an envelope by those of its message; what the message says comes
    first.

    Where the message names another device than the envelope, who sent it is not who registered.
    A message that a pattern took apart is not kept a second time beside the raw line.
    """
    both = {name: typed.first(told[name], made[name]) for name in told if name in made}
    named = [present(told[name]) for name in _OCTETS if name in told]
    if (
        named
        and (other := np.logical_or.reduce(named) & ~_same_device(made, told)).any()
    ):
        for name in _OCTETS:
            if name in made:
                both[name] = typed.first(
                    told.get(name), pc.if_else(pa.array(other), NOTHING, made[name])
                )
    if "details" in made:
        left = pc.if_else(pc.is_null(told["matched_by"]), made["details"], NOTHING)
        both["details"] = typed.first(left, told["details"])
    return made | told | both


_OCTETS = {"hardware_id": (0, 24, 48), "serial": (16, 32, 48)}
"""Where the last three octets stand among the bits of the last eight letters: a hardware ID has
hyphens in between.
"""


def _same_device(made: Columns, told: Columns) -> Flags:
    """Return True where the envelope's and the message's device end in the same three octets."""
    same = np.zeros(len(told["matched_by"]), bool)
    for one, other in product(_OCTETS, _OCTETS):
        if one in made and other in told:
            sender, device = Spans.of(made[one]), Spans.of(told[other])
            rows = np.flatnonzero((sender.sizes >= 8) & (device.sizes >= 8))
            mine, its = (
                sender.eight(sender.stop[rows] - 8),
                device.eight(device.stop[rows] - 8),
            )
            differ = np.zeros(len(rows), np.uint64)
            for here, there in zip(_OCTETS[one], _OCTETS[other], strict=True):
                differ |= (mine >> np.uint64(here)) ^ (its >> np.uint64(there))
            same[rows] |= differ << np.uint64(48) == 0
    return same
