"""A difference in words: its sections, and their rows as cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..arrays.arrow import as_mask
from ..texts.dates import days, fields
from ..texts.device_labels import labels_by_device
from ..texts.labels import cause_label, listed, plural
from ..texts.sentences import say
from ..texts.visible import one_line

if TYPE_CHECKING:
    from .difference import Difference
    from .state import State

SHOWN = 20
"""Rows of a section that the text shows; the page and the JSON have all."""

SHOWN_IN_NOTEBOOK = 5
"""Rows of a section that a notebook shows; the frames of the difference have all."""


@dataclass(frozen=True)
class Section:
    """One kind of change: its heading, and a row per change with cells in words."""

    name: str
    heading: str
    rows: pd.DataFrame


def sections(difference: Difference) -> list[Section]:
    """Return the sections that have rows, what is worst first."""
    made = (
        Section(name, _heading(name, rows), _without_empty_columns(rows))
        for name, rows in ((name, make(difference)) for name, make in _ROWS.items())
        if len(rows)
    )
    return list(made)


def _without_empty_columns(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.loc[:, [bool((rows[name] != "").any()) for name in rows]]


def heading(difference: Difference) -> str:
    """Return which states are compared."""
    old, new = (_called(state) for state in (difference.old, difference.new))
    return say("history.heading", old=old, new=new)


def remarks(difference: Difference) -> list[str]:
    """Return what has to be known to read the sections: what one side lacks, or leaves open."""
    sentences = [
        say(
            f"history.{word}",
            kinds=listed([say(f"history.kinds.{kind}") for kind in kinds]),
        )
        for word, kinds in (("lost", difference.lost), ("gained", difference.gained))
        if kinds
    ]
    sentences += [
        say(f"history.nameless_{side}", count=state.nameless)
        for side, state in (("old", difference.old), ("new", difference.new))
        if state.nameless
    ]
    predicted = _predicted(difference.of_kind("repaired"))
    if predicted:
        sentences.append(say("history.predicted", count=predicted))
    return sentences


def lines(difference: Difference) -> list[str]:
    """Return the difference as lines of text."""
    text = [heading(difference), *remarks(difference)]
    if difference.is_nothing:
        text.append(say("history.nothing"))
    for section in sections(difference):
        text += ["", section.heading]
        shown = section.rows.head(SHOWN)
        cells = shown.to_numpy(dtype=object).tolist()
        between = say("history.between")
        text += [f"  {one_line(between.join(filter(None, row)))}" for row in cells]
        if rest := len(section.rows) - len(shown):
            text.append(f"  {say('history.more', count=rest)}")
    return text


def _called(state: State) -> str:
    return say("history.state", name=state.name, **fields(state.made))


def _heading(name: str, rows: pd.DataFrame) -> str:
    if "device" not in rows:
        return say(f"history.sections.{name}", count=len(rows))
    devices = plural(int(rows["device"].replace("", None).nunique()), "device")
    return say(f"history.sections.{name}", devices=devices)


def _predicted(rows: pd.DataFrame) -> int:
    return int(rows.loc[as_mask(rows["evidence"] == "rule"), "device"].nunique())


def _texts(values: pd.Series) -> pd.Series:
    return values.astype("str").fillna("")


def _days(values: pd.Series) -> pd.Series:
    return days(values).fillna("")


def _causes(values: pd.Series) -> pd.Series:
    return values.map(cause_label, na_action="ignore").astype("str").fillna("")


def _words(table: str, values: pd.Series) -> pd.Series:
    texts = values.astype("str")
    words = {word: say(f"history.{table}.{word}") for word in texts.dropna().unique()}
    return texts.map(words).astype("str").fillna("")


def _called_by(difference: Difference, devices: pd.Series) -> pd.Series:
    """Return how people name devices, by the new state, else by the old one."""
    labels = {
        **labels_by_device(difference.old.registrations),
        **labels_by_device(difference.new.registrations),
    }
    return _texts(devices.map(labels).astype("str").fillna(devices))


def _registrations(
    difference: Difference, rows: pd.DataFrame, **further: pd.Series
) -> pd.DataFrame:
    own_name = rows["registration_name"].mask(
        rows["registration_name"] == rows["device"]
    )
    return pd.DataFrame(
        {
            "device": _called_by(difference, rows["device"]),
            "registration_name": _texts(own_name),
            "pbx": _texts(rows["pbx"]),
            **further,
        }
    )


def _newly_failing(difference: Difference) -> pd.DataFrame:
    rows = difference.newly_failing
    return _registrations(
        difference,
        rows,
        cause=_causes(rows["cause_after"]),
        evidence=_words("evidence", rows["evidence"]),
    )


def _repaired(difference: Difference) -> pd.DataFrame:
    rows = difference.of_kind("repaired")
    return _registrations(
        difference,
        rows,
        cause_before=_causes(rows["cause_before"]),
        evidence=_words("evidence", rows["evidence"]),
    )


def _other_cause(difference: Difference) -> pd.DataFrame:
    rows = difference.of_kind("other cause")
    return _registrations(
        difference,
        rows,
        cause_before=_causes(rows["cause_before"]),
        cause=_causes(rows["cause_after"]),
    )


def _unknown(difference: Difference) -> pd.DataFrame:
    rows = difference.of_kind("now unknown")
    return _registrations(
        difference, rows, cause_before=_causes(rows["cause_before"])
    )


def _known(difference: Difference) -> pd.DataFrame:
    return _registrations(difference, difference.of_kind("now known"))


def _certificates(difference: Difference) -> pd.DataFrame:
    rows = difference.certificates
    return pd.DataFrame(
        {
            "device": _called_by(difference, rows["device"]),
            "change": _words("certificates", rows["change"]),
            "subject_cn": _texts(rows["subject_cn"]),
            "issuer_cn": _texts(rows["issuer_cn"]),
            "ended": _days(rows["ended"]),
            "ends": _days(rows["ends"]),
        }
    )


def _trust(difference: Difference) -> pd.DataFrame:
    rows = difference.trust
    return pd.DataFrame(
        {
            "pbx": _texts(rows["pbx"].fillna(say("history.every_pbx"))),
            "change": _words("trust", rows["change"]),
            "name": _texts(rows["name"]),
            "ends": _days(rows["ends"]),
            "fingerprint": _texts(rows["fingerprint"].str.slice(stop=16)),
        }
    )


def _devices(kind: str) -> Callable[[Difference], pd.DataFrame]:
    def rows(difference: Difference) -> pd.DataFrame:
        chosen = difference.devices[as_mask(difference.devices["change"] == kind)]
        tables = chosen["tables"].map(
            lambda names: listed(
                [say(f"history.kinds.{name}") for name in names.split(", ")]
            )
        )
        devices = _called_by(difference, chosen["device"])
        return pd.DataFrame({"device": devices, "tables": _texts(tables)})

    return rows


def _moved(kind: str, change: str) -> Callable[[Difference], pd.DataFrame]:
    """Return the registrations that came or went, of devices that did neither."""

    def rows(difference: Difference) -> pd.DataFrame:
        moved = difference.of_kind(kind)
        devices = difference.devices
        own = devices.loc[as_mask(devices["change"] == change), "device"]
        moved = moved[~moved["device"].isin(own)]
        failing = moved.index.isin(difference.newly_failing.index)
        return _registrations(difference, moved[~failing])

    return rows


def _expiring(difference: Difference) -> pd.DataFrame:
    rows = difference.expiring
    return pd.DataFrame(
        {
            "ends": _days(rows["ends"]),
            "role": _words("roles", rows["role"]),
            "subject_cn": _texts(rows["subject_cn"]),
            "issuer_cn": _texts(rows["issuer_cn"]),
            "devices": [plural(int(count), "device") for count in rows["devices"]],
        }
    )


_ROWS: dict[str, Callable[[Any], pd.DataFrame]] = {
    "newly_failing": _newly_failing,
    "other_cause": _other_cause,
    "now_unknown": _unknown,
    "repaired": _repaired,
    "now_known": _known,
    "certificates": _certificates,
    "trust": _trust,
    "appeared": _devices("appeared"),
    "gone": _devices("gone"),
    "new_registrations": _moved("new", "appeared"),
    "gone_registrations": _moved("gone", "gone"),
    "expiring": _expiring,
}
