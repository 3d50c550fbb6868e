"""The parts of the explorer and the what-if in HTML: bars, a table of devices, and large numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ipywidgets
import pandas as pd

from ..charts.drawing.palette import OTHER, cause_colours
from ..texts.labels import cause_label, percent, plural
from ..texts.markup import Content, Markup, tag
from .tables import cell, label

_SEND = (
    "const b=this,s=b.dataset.say,r=b.closest('.ct-root'),i=r.querySelector('.ct-channel input');"
    "i.value=s+'#'+Date.now();"
    "i.dispatchEvent(new Event('input',{bubbles:true}));i.dispatchEvent(new Event('change',{bubbles:true}));"
    # The answer draws the button anew: the keyboard shall go on from there, and what was asked for be in sight.
    "let n=0;const t=setInterval(()=>{if(b.isConnected&&++n<100)return;clearInterval(t);"
    "[...r.querySelectorAll('[data-say]')].find(e=>e.dataset.say===s)?.focus({preventScroll:true});"
    "if(s.startsWith('device:'))r.querySelector('.ct-device')?.scrollIntoView({block:'nearest'})},30)"
)


class Channel:
    """Tells the kernel which button in a piece of HTML was pressed, by way of a hidden text field.

    ipywidgets has no table and no bars that can be pressed; buttons in HTML can be reached by keyboard and read
    aloud, and whatever they do can be done by an ordinary control as well.
    """

    def __init__(self, heard: Any) -> None:
        self._heard = heard
        self.field = ipywidgets.Text(continuous_update=True)
        self.field.add_class("ct-channel")
        self.field.observe(self._said, names="value")

    def _said(self, change: Any) -> None:
        message, separator, _ = change["new"].rpartition("#")
        kind, colon, value = message.partition(":")
        if separator and colon:
            self._heard(kind, value)


def button(content: Content, say: str, **attributes: object) -> Markup:
    """Return a button that says something to the widget that it stands in."""
    return tag("button", content, type="button", data_say=say, onclick=Markup(_SEND), **attributes)


def bars(counts: pd.DataFrame, by: str, *, chosen: str, top: int = 12) -> Markup:
    """Return a bar per value, each a button that filters by it; `counts` has value, attempts and devices."""
    if counts.empty:
        return tag("p", "No failed attempt is left by these filters.", class_="ct-hint")
    total, most = int(counts["attempts"].sum()), int(counts["attempts"].max())
    colours = cause_colours(counts["value"]) if by == "cause" else {}
    dark = cause_colours(counts["value"], dark=True) if by == "cause" else {}
    rows = [
        _bar(row, most, total, by, chosen, (colours.get(str(row.value), OTHER[0]), dark.get(str(row.value), OTHER[1])))
        for row in counts.head(top).itertuples()
    ]
    rest = counts.iloc[top:]
    if len(rest):
        more = f"{plural(len(rest), 'further value')} with {plural(int(rest['attempts'].sum()), 'attempt')}."
        rows.append(tag("li", more, class_="ct-hint"))
    return tag("ul", rows, class_="ct-bars", aria_label=f"Failed attempts by {label(by).lower()}")


def _bar(row: Any, most: int, total: int, by: str, chosen: str, colours: tuple[str, str]) -> Markup:
    name = cause_label(row.value) if by == "cause" else row.value
    numbers = f"{row.attempts:,} · {percent(row.attempts / total)} · {plural(row.devices, 'device')}"
    style = f"width:{100 * row.attempts / most:.1f}%;--ct-bar:{colours[0]};--ct-bar-dark:{colours[1]}"
    inside = [
        tag("span", tag("bdi", name), tag("small", numbers), class_="ct-bar-text"),
        tag("span", class_="ct-bar", style=style),
    ]
    pressed = "true" if row.value == chosen else "false"
    return tag("li", button(inside, f"{by}:{row.value}", class_="ct-bar-row", aria_pressed=pressed))


def compared_bars(before: pd.Series, after: pd.Series) -> Markup:
    """Return two bars per cause, the devices that fail before and after."""
    causes = [str(each) for each in before.index.union(after.index)]
    causes = sorted(
        (each for each in causes if before.get(each, 0) or after.get(each, 0)), key=lambda each: -before.get(each, 0)
    )
    if not causes:
        return tag("p", "No rule is broken, neither before nor after.", class_="ct-hint")
    most = max(max(before.get(each, 0), after.get(each, 0)) for each in causes)
    light, dark = cause_colours(causes), cause_colours(causes, dark=True)
    rows = []
    for cause in causes:
        was, now = int(before.get(cause, 0)), int(after.get(cause, 0))
        numbers = tag("small", plural(was, "device") if was == now else f"{was:,} → {plural(now, 'device')}")
        colours = f"--ct-bar:{light[cause]};--ct-bar-dark:{dark[cause]}"
        sizes = ((was, "ct-bar ct-was"), (now, "ct-bar"))
        pair = [tag("span", class_=css, style=f"width:{100 * size / most:.1f}%;{colours}") for size, css in sizes]
        rows.append(tag("li", tag("span", tag("bdi", cause_label(cause)), numbers, class_="ct-bar-text"), pair))
    note = tag("p", "Upper bar: before. Lower bar: after.", class_="ct-hint")
    return tag("div", tag("ul", rows, class_="ct-bars", aria_label="Failing devices by cause, before and after"), note)


_LONG = ("cause", "change", "before", "after")


class Head(NamedTuple):
    """A column of a table of devices: name, heading, and whether it holds numbers."""

    name: str
    title: str
    number: bool = False


def device_table(
    rows: pd.DataFrame,
    heads: Sequence[Head],
    *,
    caption: str,
    sort: str | None = None,
    descending: bool = False,
    chosen: str = "",
) -> Markup:
    """Return a page of devices; with `sort`, headings sort, and a device's name shows its diagnosis."""
    head = [_heading(each, sort, descending) if sort else tag("th", each.title, scope="col") for each in heads]
    body = [
        tag(
            "tr",
            [_cell(row, each, live=sort is not None) for each in heads],
            class_="ct-chosen" if chosen and row["device"] == chosen else None,
        )
        for row in rows.to_dict(orient="records")
    ]
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", tag("tr", head)), tag("tbody", body), class_="ct-table"),
        class_="ct-wide",
        role="region",
        aria_label="Devices",
        tabindex="0",
    )


def _heading(head: Head, sort: str, descending: bool) -> Markup:
    mine = head.name == sort
    arrow = (" ▼" if descending else " ▲") if mine else ""
    order = ("descending" if descending else "ascending") if mine else "none"
    inside = button([head.title, tag("span", arrow, aria_hidden="true")], f"sort:{head.name}", class_="ct-sort")
    return tag("th", inside, scope="col", aria_sort=order, class_="ct-number" if head.number else None)


def _cell(row: dict[Any, Any], head: Head, *, live: bool) -> Markup:
    value = row[head.name]
    if live and head.name == "device":
        return tag("td", button(tag("bdi", str(value)), f"device:{value}", class_="ct-link"))
    look = (
        "ct-number" if head.number else "ct-long" if head.name in _LONG else "ct-when" if head.name == "last" else None
    )
    return tag("td", tag("bdi", cell(value, head.name)), class_=look)


def tiles(numbers: Sequence[tuple[str, object, str]]) -> Markup:
    """Return large numbers with what they count, each with a class for its colour."""
    shown = [
        tag(
            "div",
            tag("b", f"{value:,}" if isinstance(value, int) else value, class_=css or None),
            tag("span", words),
        )
        for words, value, css in numbers
    ]
    return tag("div", shown, class_="ct-tiles", role="status")
