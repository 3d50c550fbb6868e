"""What a message says about a registration: by the user's patterns, else by a neutral default set.

The texts that devices log for a registration are documented nowhere, so none of these patterns claims to be a
vendor's line. The default set reads `key=value` words and plain English sentences; for the messages of a real
device, give `patterns=` and look at `pattern_coverage`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CerttrustError
from ..identity import HARDWARE_ID, SERIAL
from . import columns as typed
from . import records
from .columns import NOTHING, TEXT, Columns, Notes, spread, word
from .pairs import pairs_with_quotes
from .spans import Spans
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
    sorted((*H225_REASONS, *(name for name in TLS_ALERTS.values() if "_" in name)), key=len, reverse=True)
)
SENTENCES = {
    "state": r"(?i)\bregist(?:ration|er)\b.*?\b(?P<state>rejected|unauthorized|timeout|timed out|failed|down|up)\b",
    "registration_name": rf"(?:^|[\s\"'(=:])(?P<registration_name>(?:{SERIAL})(?:-[A-Z]+[0-9]+)?)(?:$|[\s\"'),;])",
    "hardware_id": rf"(?:^|[\s\"'(=:])(?P<hardware_id>{HARDWARE_ID})(?:$|[\s\"'),;])",
    "reason": rf"(?i)\b(?P<reason>{_REASON}|(?:alert|SIP(?:/2\.0)?) \d{{2,3}})\b",
}
"""What a sentence with a form of "registration" and a word of state is searched for."""

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
    """Check message patterns: a regular expression, several, or several by name; groups name columns."""
    if patterns is None:
        return ()
    if isinstance(patterns, str | re.Pattern):
        patterns = [patterns]
    if not isinstance(patterns, Mapping):
        if not isinstance(patterns, Iterable):
            raise PatternError(f"patterns are regular expressions, not {type(patterns).__name__}")
        patterns = {f"pattern {number}": each for number, each in enumerate(patterns, start=1)}
    return tuple(_compiled(str(name), regex) for name, regex in patterns.items())


def _compiled(name: str, regex: Any) -> Pattern:
    try:
        made = re.compile(regex)
    except (re.error, TypeError) as error:
        raise PatternError(f"{name} {regex!r} is no regular expression: {error}") from error
    unknown = set(made.groupindex) - set(records.FIELDS)
    if unknown or not made.groupindex:
        what = f"has no column for {', '.join(sorted(unknown))}" if unknown else "has no named group"
        raise PatternError(f"{name} {made.pattern!r} {what}; groups are named {', '.join(records.FIELDS)}")
    return Pattern(name, made, _runs_fast(made))


def _runs_fast(regex: re.Pattern[str]) -> bool:
    """Tell whether the linear-time engine can carry it out: all but look-around, back references and rare flags."""
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
    """Return the regular expression for an engine that wants a name for each group that it remembers."""
    text = _GROUP.sub(lambda found: "(?:" if found[0] == "(" else found[0], regex.pattern)
    return f"(?i){text}" if regex.flags & re.IGNORECASE else text


def read(text: Any, patterns: tuple[Pattern, ...], notes: Notes) -> Columns:
    """Return the columns that messages tell, and in `matched_by` the pattern that told them."""
    count = len(text)
    matched: Any = pa.nulls(count, TEXT)
    found: Columns = {}
    for pattern in patterns:
        fields, hit = _extracted(text, pattern)
        found, matched = _first(found, matched, fields, hit, pattern.name)
    fields = pairs_with_quotes(text, KEYS)
    telling = [fields[name] for name in ("state", "reason", "registration_name") if name in fields]
    if telling:
        found, matched = _first(found, matched, fields, pc.is_valid(pc.coalesce(*telling)), "pairs")
    fields, hit = _sentences(text, matched)
    found, matched = _first(found, matched, fields, hit, "sentence")
    return _with_module(records.from_fields(found, notes), text, matched) | {"matched_by": matched}


def _first(found: Columns, matched: Any, fields: Columns, hit: Any, name: str) -> tuple[Columns, Any]:
    """Add what a pattern found to the rows that no earlier pattern matched."""
    new = pc.and_(pc.is_null(matched), hit)
    if not pc.any(new).as_py():
        return found, matched
    every = pc.all(new).as_py()
    added = {key: values if every else pc.if_else(new, values, NOTHING) for key, values in fields.items()}
    both = {key: pc.coalesce(found[key], added[key]) for key in added if key in found}
    return found | added | both, pc.if_else(new, word(name), matched)


def _extracted(text: Any, pattern: Pattern) -> tuple[Columns, Any]:
    names = list(pattern.regex.groupindex)
    if pattern.fast:
        found = pc.extract_regex(text, _spelled(pattern.regex))
        return {name: pc.struct_field(found, name).cast(TEXT) for name in names}, pc.is_valid(found)
    matches = [pattern.regex.search(each) if each is not None else None for each in text.to_pylist()]
    fields = {name: pa.array([match and match[name] for match in matches], TEXT) for name in names}
    return fields, pa.array([match is not None for match in matches])


def _sentences(text: Any, matched: Any) -> tuple[Columns, Any]:
    """Search the messages that are left and speak of a registration for the parts of a sentence."""
    rows, some = _left(text, matched)
    about_it = pc.fill_null(pc.match_substring(some, "regist", ignore_case=True), False).to_numpy(zero_copy_only=False)
    if not about_it.any():
        return {}, pa.nulls(len(text), pa.bool_())
    rows, some = rows[about_it], some.filter(pa.array(about_it))
    found = {name: pc.struct_field(pc.extract_regex(some, regex), name) for name, regex in SENTENCES.items()}
    fields = {name: spread(values.cast(TEXT), rows, len(text)) for name, values in found.items()}
    return fields, pc.is_valid(fields["state"])


def _left(text: Any, matched: Any) -> tuple[Any, Any]:
    """Return the numbers and the texts of the messages that no pattern matched."""
    rows = np.flatnonzero(pc.is_null(matched).to_numpy(zero_copy_only=False))
    return rows, text if len(rows) == len(text) else text.take(pa.array(rows))


def _with_module(made: Columns, text: Any, matched: Any) -> Columns:
    """Fill the module of messages of the documented shape, where no pattern told it."""
    if "module" in made:
        return made
    rows, some = _left(text, matched)
    module = pc.struct_field(pc.extract_regex(some, _MODULE), "module").cast(TEXT)
    return made | {"module": spread(module, rows, len(text))}


def merged(made: Columns, told: Columns) -> Columns:
    """Complete the columns of an envelope by those of its message; what the message says comes first.

    Where the message names another device than the envelope, who sent it is not who registered. A message that a
    pattern took apart is not kept a second time beside the raw line.
    """
    both = {name: typed.first(told[name], made[name]) for name in told if name in made}
    named = [pc.is_valid(told[name]) for name in ("serial", "hardware_id") if name in told]
    if named:
        other = named[0] if len(named) == 1 else pc.or_(*named)
        other = pc.and_not(other, _same_device(made, told))
        for name in ("serial", "hardware_id"):
            sender = made.get(name, pa.nulls(len(other), TEXT))
            sender = pc.if_else(other, NOTHING, sender)
            both[name] = typed.first(told.get(name), sender)
    left = pc.if_else(pc.is_null(told["matched_by"]), made["details"], NOTHING)
    both["details"] = typed.first(told.get("details"), left)
    return made | told | both


def _same_device(made: Columns, told: Columns) -> Any:
    """Tell where the last three octets of the envelope's and the message's device are the same."""
    (one, known), (other, also_known) = _octets(made), _octets(told)
    return pa.array((one == other).all(axis=1) & known & also_known)


def _octets(columns: Columns) -> tuple[Any, Any]:
    """Return the last six hex digits of each device as letters, and where there is one."""
    letters, known = None, None
    # They stand together at the end of a serial, and are parted by hyphens in a hardware ID.
    for name, places in (("hardware_id", (-8, -7, -5, -4, -2, -1)), ("serial", (-6, -5, -4, -3, -2, -1))):
        text = columns.get(name)
        if text is None or text.null_count == len(text):
            continue
        spans = Spans.of(text)
        found, has = spans.letters(places), spans.sizes >= 8
        letters = found if letters is None else np.where(has[:, None], found, letters)
        known = has if known is None else known | has
    count = len(next(iter(columns.values())))
    if letters is None or known is None:
        return np.zeros((count, 6), np.uint8), np.zeros(count, bool)
    return letters, known
