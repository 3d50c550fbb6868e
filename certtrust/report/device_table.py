"""The table of failing devices: its first rows as HTML, and every row as compact data."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from ..arrays import arrow
from ..texts.dates import figures
from ..texts.device_labels import labels_of
from ..texts.markup import Content, Markup, tag
from ..texts.sentences import number, say, sentences
from ..texts.visible import one_line

ROWS = 25
"""Rows that stand in the page as HTML, and that the script shows at a time."""

PHONE_ROWS = 10
"""Rows that the script shows at a time on a phone, where each takes four lines."""

PRINTED = 200
"""Rows that are printed at most."""

BUDGET = 5_200_000
"""Bytes that the data of all rows may take; the CSV beside the page has what is beyond it."""

COLUMNS = ("device", "pbx", "model", "title", "attempts", "last")
FILTERS = ("pbx", "model", "title")
"""Columns of few values, which are chosen from a list."""

_SAID = (
    *("unnamed", "status", "cut", "nobody", "printed"),
    *("repaired", "action", "unrepaired"),
)
_ALPHABET = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", np.uint8
)
_DAY = pd.Timedelta(days=1)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_EPOCH = datetime.datetime(1970, 1, 1)
_LABEL, _DEVICE, _PBX = "\1\2\3"
_TEXTS = "\x10\x11\x12\x13\x14\x15\x16\x17"
_TIMES = "\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
"""Stand in a template for what each row has of its own: control characters, which no sentence has.

The first of `_TEXTS`, or of `_TIMES`, is for the row's first value, the second for its second.
"""
_OVERHEAD = 16
"""Bytes of a row beside its own texts: line ends, codes and numbers."""
_LEAST = 4
"""Letters of a name from which on it is worth a place of its own in a template."""


def device_table(failing: pd.DataFrame, *, linked: int = 0) -> Iterator[Content]:
    """Yield the filters, the first rows, and the data from which the script shows all rows.

    Parameters
    ----------
    failing : DataFrame
        As in `Report.failing`.
    linked : int
        How many actions the page shows, as elements with the ids of `action_id`.
    """
    rows = shown_rows(failing)
    yield _filters()
    yield tag("p", "", class_="scripted", id="status", role="status", hidden=True)
    yield _first_rows(rows.head(ROWS), linked)
    yield _pager()
    yield tag(
        "script",
        Markup(as_script(data_of(rows))),
        type="application/json",
        id="device-data",
    )


def shown_rows(failing: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the table as people read them, each text on one line."""
    words = {
        name: failing[name].astype("str").fillna("").map(one_line)
        for name in ("pbx", "model", "title", "why", "remedy", "actions")
    }
    return pd.DataFrame(
        {
            "device": labels_of(failing).fillna(say("report.failing.unnamed")),
            **words,
            "attempts": failing["attempts"],
            "last": failing["last"],
            "cn": failing["subject_cn"].astype("str").fillna("").map(one_line),
            "name": failing["registration_name"]
            .astype("str")
            .fillna("")
            .map(one_line),
        }
    )


def _filters() -> Markup:
    words = sentences()["report"]["failing"]
    find = tag(
        "label",
        words["find"],
        tag(
            "input",
            type="search",
            id="find",
            placeholder=words["find_example"],
            autocomplete="off",
            spellcheck="false",
        ),
    )
    lists = [
        tag(
            "label",
            words[name],
            tag(
                "select",
                tag("option", words["all"], value=""),
                id=f"filter-{name}",
                data_filter=name,
            ),
        )
        for name in FILTERS
    ]
    least = tag(
        "label",
        words["least"],
        tag("input", type="number", id="least", min="1", inputmode="numeric"),
    )
    clear = tag("button", words["clear"], type="button", id="clear")
    return tag(
        "div", find, lists, least, clear, class_="filters scripted", hidden=True
    )


def _first_rows(rows: pd.DataFrame, linked: int) -> Markup:
    words = sentences()["report"]["failing"]
    head = tag(
        "tr",
        [
            tag("th", words[name], scope="col", class_=_class(name), data_column=name)
            for name in COLUMNS
        ],
        tag("th", words["why"], scope="col"),
    )
    body = [tag("tr", _cells(row, words, linked)) for row in rows.to_dict("records")]
    table = tag("table", tag("thead", head), tag("tbody", body), class_="devices")
    return tag(
        "div",
        table,
        class_="wide",
        role="region",
        aria_label=words["label"],
        tabindex="0",
    )


def _class(name: str) -> str | None:
    return "number" if name in ("attempts", "last") else None


def _cells(row: dict[Any, Any], words: dict[str, str], linked: int) -> list[Markup]:
    last = row["last"]
    texts = {
        **{name: row[name] or "\u2013" for name in ("device", "pbx", "model")},
        "title": row["title"],
        "attempts": number(int(row["attempts"])),
        "last": "\u2013" if pd.isna(last) else figures(last),
    }
    cells = [
        tag("td", tag("bdi", text), class_=_class(name), data_head=words[name])
        for name, text in texts.items()
    ]
    reason = tag(
        "details",
        tag("summary", words["open"]),
        tag("p", tag("bdi", row["why"])),
        tag("p", tag("bdi", row["remedy"])),
        tag("p", _repaired_by(row["actions"], words, linked)),
    )
    return [*cells, tag("td", reason, class_="reason", data_head=words["why"])]


def action_id(rank: object) -> str:
    """Return the id of the element that shows an action, to which a device's row links."""
    return f"action-{rank}"


def _repaired_by(ranks: str, words: dict[str, str], linked: int) -> list[Content]:
    """Return the actions that repair a row, as links to those that the page shows."""
    if not ranks:
        return [words["unrepaired"]]
    links: list[Content] = []
    for rank in ranks.split(", "):
        name = words["action"].replace("{rank}", number(int(rank)))
        is_shown = int(rank) <= linked
        link = tag("a", name, href=f"#{action_id(rank)}") if is_shown else name
        links += [", " if links else " ", link]
    return [words["repaired"], *links]


def _pager() -> Markup:
    words = sentences()["report"]["failing"]
    buttons = [
        tag("button", words[name], type="button", id=name)
        for name in ("previous", "next")
    ]
    return tag("div", buttons, class_="pager scripted", hidden=True)


class _Sentence(NamedTuple):
    """A sentence of a row: what rows share of it, and what is the row's own."""

    template: str
    values: list[str]


def data_of(rows: pd.DataFrame) -> dict[str, Any]:
    """Return every row that fits into the budget, as columns.

    Parameters
    ----------
    rows : DataFrame
        From `shown_rows`.

    Returns
    -------
    dict
        `total` (rows there are), `rows` (rows that follow), `devices` (different ones of these),
        `texts` (sentences of the script), `device` and `values` (texts joined by line ends; a tab
        in a device stands for `head`), `attempts` and `last` (days since
        1970, 0 where not known) as packed numbers, and `pbx`, `model`, `title`, `why`,
        `remedy` and `actions` as distinct texts with packed numbers. Packed numbers are of equal
        width, in base 64, the highest digit first.
    """
    templates, values = _templates(rows)
    head = _common_head(rows["device"])
    rows = rows.assign(
        device=rows["device"].str.replace(head, "\t", n=1, regex=False)
    )
    # What comes once per distinct text is small, or the rows are few.
    own = pd.Series(values, rows.index, dtype="str") + rows["actions"]
    texts = arrow.text(rows["device"] + own)
    size = pc.binary_length(texts).to_numpy() + _OVERHEAD
    fits = int((size.cumsum() <= BUDGET).sum())
    rows, values = rows.head(fits), values[:fits]
    is_named = rows["device"] != say("report.failing.unnamed")
    devices = rows.loc[is_named, "device"].nunique()
    days = (rows["last"].dt.tz_localize(None) - pd.Timestamp(0)) // _DAY
    words = sentences()["report"]["failing"]
    return {
        "total": len(templates),
        "rows": fits,
        "size": ROWS,
        "phone": PHONE_ROWS,
        "printed": PRINTED,
        "separator": sentences()["numbers"]["separator"],
        "date": sentences()["dates"]["figures"],
        "texts": {name: words[name] for name in (*COLUMNS, "why", "open", *_SAID)},
        "devices": devices,
        "head": head,
        "device": "\n".join(rows["device"]),
        "values": "\n".join(values),
        "attempts": _packed(rows["attempts"].to_numpy(dtype=np.int64)),
        "last": _packed(days.fillna(0).clip(lower=0).to_numpy(dtype=np.int64)),
        **{name: _coded(rows[name]) for name in (*FILTERS, "actions")},
        **{name: _coded(templates[name].head(fits)) for name in ("why", "remedy")},
    }


def _common_head(labels: pd.Series) -> str:
    """Return what stands before the last letters of most labels, such as `, 009033`."""
    heads = labels.str.extract(r"(, .{6})[^,]*$")[0].dropna()
    return str(heads.mode().iloc[0]) if len(heads) else "\t"


def _coded(texts: pd.Series) -> dict[str, Any]:
    codes, distinct = pd.factorize(texts)
    return {"texts": distinct.tolist(), "codes": _packed(codes)}


def _packed(numbers: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return numbers from 0 on as text of equal width."""
    width = 1
    while numbers.max(initial=0) >= 64**width:
        width += 1
    powers = 64 ** np.arange(width - 1, -1, -1)
    digits = numbers[:, None] // powers % 64
    return {"width": width, "digits": _ALPHABET[digits].tobytes().decode("ascii")}


def _templates(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the templates of why and remedy, and what fills those of each row, tab by tab."""
    templates: dict[str, list[str]] = {"why": [], "remedy": []}
    filling = []
    columns = [
        rows[name] for name in ("device", "pbx", "cn", "name", "why", "remedy")
    ]
    for label, pbx, cn, name, *texts in zip(*columns, strict=True):
        values: list[str] = []
        own = [word for word in (cn, name) if len(word) >= _LEAST]
        for key, text in zip(templates, texts, strict=True):
            templates[key].append(_template(text, label, pbx, own, values))
        filling.append("\t".join(values))
    return pd.DataFrame(templates, dtype="str"), filling


def _template(
    text: str, label: str, pbx: str, names: list[str], values: list[str]
) -> str:
    """Return the text with a mark for each part that is the row's own; add these to `values`."""
    for part, mark in ((label, _LABEL), (label.rpartition(", ")[2], _DEVICE)):
        text = text.replace(part, mark) if part else text
    for name in names:
        if name in text:
            text = text.replace(name, _mark(name, values, _TEXTS) or name)
    if len(pbx) >= _LEAST:
        text = text.replace(pbx, _PBX)

    def shorter(match: re.Match[str]) -> str:
        minutes = _minutes(match[0])
        mark = minutes and _mark(minutes, values, _TIMES)
        return mark or match[0]

    return _MOMENT.sub(shorter, text)


def _mark(value: str, values: list[str], marks: str) -> str | None:
    """Return the mark for a value of the row, which is added to them; None where they are many."""
    if value not in values and len(values) < len(marks):
        values.append(value)
    return marks[values.index(value)] if value in values else None


def _minutes(moment: str) -> str | None:
    """Return a moment as minutes since 1970 in hexadecimal, None where there is no such moment."""
    try:
        since = datetime.datetime.fromisoformat(moment) - _EPOCH
    except ValueError:
        return None
    return format(since // datetime.timedelta(minutes=1), "x")


def as_script(data: dict[str, Any]) -> str:
    r"""Return the data as JSON that ends no script element, whatever texts are in it.

    Examples
    --------
    >>> as_script({"a": "</script>"})
    '{"a":"\\u003c/script\\u003e"}'
    """
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written
