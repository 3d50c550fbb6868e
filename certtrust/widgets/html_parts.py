"""The parts of the explorer and the what-if in HTML: bars, a table of devices, large numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import ipywidgets
import pandas as pd

from ..charts.drawing.palette import OTHER, cause_colours
from ..texts.labels import cause_label, percent, plural
from ..texts.markup import Content, Markup, tag
from ..texts.sentences import in_its_language, say
from .tables import cell

_SEND = Markup(
    "const b=this,s=b.dataset.say,r=b.closest('.ct-root'),i=r.querySelector('.ct-channel input');"
    "i.value=s+'#'+Date.now();"
    "for(const k of ['input','change'])i.dispatchEvent(new Event(k,{bubbles:true}));"
    # The answer draws the button anew: the keyboard goes on from there, and the answer is in sight.
    "let n=0;const t=setInterval(()=>{if(b.isConnected&&++n<100)return;clearInterval(t);"
    "[...r.querySelectorAll('[data-say]')].find(e=>e.dataset.say===s)?.focus({preventScroll:true});"
    "if(s.startsWith('device:'))"
    "r.querySelector('.ct-device')?.scrollIntoView({block:'nearest'})},30)"
)


class Channel:
    """Passes on to the kernel which button in a piece of HTML was pressed, by a hidden text field.

    ipywidgets has no table and no bars that can be pressed; buttons in HTML can be reached by
    keyboard and read aloud, and whatever they do can be done by an ordinary control as well.
    """

    def __init__(self, pressed: Callable[[str, str], Any]) -> None:
        self._pressed = pressed
        self.field = ipywidgets.Text(continuous_update=True).add_class("ct-channel")
        self.field.observe(in_its_language(self._receive), names="value")

    def _receive(self, change: Any) -> None:
        message, separator, _ = change["new"].rpartition("#")
        kind, colon, value = message.partition(":")
        if separator and colon:
            self._pressed(kind, value)


def button(content: Content, message: str, **attributes: object) -> Markup:
    """Return a button that sends a message to the widget that it stands in."""
    return tag(
        "button",
        content,
        type="button",
        data_say=message,
        onclick=_SEND,
        **attributes,
    )


def bars(counts: pd.DataFrame, by: str, *, chosen: str, top: int = 12) -> Markup:
    """Return a bar per value, each a button that filters by it.

    `counts` has the columns value, attempts and devices.
    """
    if counts.empty:
        return tag("p", say("widgets.bars.none"), class_="ct-hint")
    total, most = int(counts["attempts"].sum()), int(counts["attempts"].max())
    colours = _colours(counts["value"] if by == "cause" else ())
    rows: Any = counts.head(top).itertuples()
    items = []
    for row in rows:
        name = cause_label(row.value) if by == "cause" else row.value
        numbers = say(
            "widgets.bars.numbers",
            attempts=row.attempts,
            share=percent(row.attempts / total),
            devices=plural(row.devices, "device"),
        )
        bar = _bar(row.attempts / most, colours.get(row.value, _OTHER_COLOURS))
        pressed = "true" if row.value == chosen else "false"
        message = f"{by}:{row.value}"
        parts = [_title(name, numbers), bar]
        items.append(
            tag(
                "li",
                button(parts, message, class_="ct-bar-row", aria_pressed=pressed),
            )
        )
    rest = counts.iloc[top:]
    if len(rest):
        attempts = plural(int(rest["attempts"].sum()), "attempt")
        values = plural(len(rest), "further value")
        words = say("widgets.bars.rest", values=values, attempts=attempts)
        items.append(tag("li", words, class_="ct-hint"))
    return tag("ul", items, class_="ct-bars", aria_label=say(f"widgets.bars.{by}"))


def compared_bars(before: pd.Series, after: pd.Series) -> Markup:
    """Return two bars per cause, the devices that fail before and after."""
    counts = (
        pd.DataFrame({"before": before, "after": after}).fillna(0).astype("int64")
    )
    counts = counts[counts.any(axis=1)].sort_values(
        "before", ascending=False, kind="stable"
    )
    if counts.empty:
        return tag("p", say("widgets.compared.none"), class_="ct-hint")
    most = counts.to_numpy().max()
    colours = _colours(counts.index)
    items = []
    rows: Any = counts.itertuples(name=None)
    for cause, was, now in rows:
        numbers = plural(now, "device")
        if was != now:
            numbers = say("widgets.compared.numbers", before=was, after=numbers)
        pair = [
            _bar(was / most, colours[cause], "ct-bar ct-was"),
            _bar(now / most, colours[cause]),
        ]
        items.append(tag("li", _title(cause_label(cause), numbers), pair))
    note = tag("p", say("widgets.compared.note"), class_="ct-hint")
    title = say("widgets.compared.title")
    return tag("div", tag("ul", items, class_="ct-bars", aria_label=title), note)


_OTHER_COLOURS = f"--ct-bar:{OTHER[0]};--ct-bar-dark:{OTHER[1]}"


def _colours(causes: Iterable[str]) -> dict[str, str]:
    """Return the colours of each cause in a light and in a dark theme, as styles."""
    names = [str(cause) for cause in causes]
    light, dark = cause_colours(names), cause_colours(names, dark=True)
    return {
        name: f"--ct-bar:{light[name]};--ct-bar-dark:{dark[name]}" for name in names
    }


def _title(name: str, numbers: str) -> Markup:
    return tag("span", tag("bdi", name), tag("small", numbers), class_="ct-bar-text")


def _bar(share: float, colours: str, css: str = "ct-bar") -> Markup:
    return tag("span", class_=css, style=f"width:{100 * share:.1f}%;{colours}")


_LOOKS = {
    **dict.fromkeys(("device", "cause", "change", "before", "after"), "ct-long"),
    "last": "ct-when",
}
"""Classes of the cells of some columns."""


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
    """Return a page of devices; with `sort`, headings sort and a device's name chooses it."""
    titles = [_heading(head, sort, descending) for head in heads]
    body = [
        tag(
            "tr",
            [
                _cell(
                    row[head.name],
                    head,
                    live=sort is not None,
                    label=row.get("label"),
                )
                for head in heads
            ],
            class_="ct-chosen" if chosen and row["device"] == chosen else None,
        )
        for row in rows.to_dict(orient="records")
    ]
    parts = [
        tag("caption", caption),
        tag("thead", tag("tr", titles)),
        tag("tbody", body),
    ]
    inner = tag("table", parts, class_="ct-table")
    name = say("widgets.explorer.devices")
    return tag(
        "div", inner, class_="ct-wide", role="region", aria_label=name, tabindex="0"
    )


def _heading(head: Head, sort: str | None, descending: bool) -> Markup:
    if sort is None:
        return tag("th", head.title, scope="col")
    order, arrow = "none", ""
    if head.name == sort:
        order, arrow = ("descending", " ▼") if descending else ("ascending", " ▲")
    title = [head.title, tag("span", arrow, aria_hidden="true")]
    inner = button(title, f"sort:{head.name}", class_="ct-sort")
    look = "ct-number" if head.number else None
    return tag("th", inner, scope="col", aria_sort=order, class_=look)


def _cell(value: Any, head: Head, *, live: bool, label: Any = None) -> Markup:
    if live and head.name == "device":
        words = value if label is None or pd.isna(label) else label
        inner = button(tag("bdi", words), f"device:{value}", class_="ct-link")
        return tag("td", inner, class_="ct-long")
    look = "ct-number" if head.number else _LOOKS.get(head.name)
    return tag("td", tag("bdi", cell(value, head.name)), class_=look)


def tiles(numbers: Sequence[tuple[str, object, str]]) -> Markup:
    """Return large numbers: what each counts, the number, and a class for its colour."""
    shown = [
        tag("div", tag("b", cell(value), class_=css or None), tag("span", words))
        for words, value, css in numbers
    ]
    return tag("div", shown, class_="ct-tiles", role="status")
