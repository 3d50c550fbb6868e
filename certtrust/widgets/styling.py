"""How the widgets look: a style sheet that follows the notebook's theme, and what all share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import ipywidgets
import pandas as pd
from IPython.display import HTML, display

from ..texts.dates import figures
from ..texts.markup import NO_MATH, Content, Markup, join, tag
from ..texts.sentences import say
from ..texts.visible import encodable, one_line

MARKS = {"pass": "✓", "fail": "✗", "unknown": "?"}

DASH = "\u2013"
LONGEST = 80


_NAMING = tag(
    "span",
    class_="ct-naming",
    onanimationstart=Markup(
        "const r=this.closest('.ct-root');let n=0;"
        "const t=setInterval(()=>{r.querySelectorAll('.noUi-handle').forEach(h=>{"
        "let e=h,l;while(e&&e!==r&&!l){l=e.querySelector(':scope>.widget-label');"
        "e=e.parentElement}"
        "if(l)h.setAttribute('aria-label',l.textContent)});"
        "if(++n>20||!r.isConnected)clearInterval(t)},250)"
    ),
)
"""Gives the handles of sliders the names of their sliders, which ipywidgets leaves to others."""


class Panel(ipywidgets.VBox):  # type: ignore[misc]
    """A widget that stands by itself in a notebook.

    Parameters
    ----------
    children : sequence of Widget
        What it holds, one below the other.
    static_parts : sequence of HTML widgets
        Those of them that a static copy shows.
    **traits
        Values of its own traits.
    """

    def __init__(
        self, children: Sequence[Any], static_parts: Sequence[Any], **traits: Any
    ) -> None:
        super().__init__([html([style(), _NAMING]), *children], **traits)
        self.add_class("ct-root").add_class("ct-live")
        self._static_parts = static_parts

    def _ipython_display_(self, **_options: Any) -> None:
        twin = join(Markup(part.value) for part in self._static_parts)
        show_with_twin(self, twin, say("widgets.shared.static"))


def columns(left: Any, right: Any) -> Any:
    """Return two groups of controls side by side, or below one another where there is no room."""
    sides = [left.add_class("ct-left"), right.add_class("ct-right")]
    return ipywidgets.HBox(sides).add_class("ct-columns")


def style() -> Markup:
    """Return the style sheet as an element; each widget carries it, as it may stand alone."""
    sheet = resources.files(__package__).joinpath("widgets.css").read_text("utf-8")
    return tag("style", Markup(sheet))


def html(content: Content = "", **options: Any) -> Any:
    """Return an HTML widget that shows the content; text in it is escaped unless it is Markup."""
    return ipywidgets.HTML(str(_keyboard(content)), **options)


def show(widget: Any, content: Content) -> None:
    """Show the content in an HTML widget."""
    widget.value = str(_keyboard(content))


def _keyboard(content: Content) -> Markup:
    # JupyterLab would take the Enter key on a focused button for its own command.
    return tag("div", content, class_=NO_MATH, data_lm_suppress_shortcuts="true")


def card(title: str, *children: Any, css: str = "ct-card") -> Any:
    """Return a group of controls under a heading."""
    heading = html(tag("h4", title, class_="ct-heading"))
    return ipywidgets.VBox([heading, *children]).add_class("ct-card").add_class(css)


def short(words: object) -> str:
    """Return foreign text as it can stand in a menu: bounded, and nothing invisible in it.

    Examples
    --------
    >>> short("gnp\u202e.exe"), len(short("x" * 500))
    ('gnp\ufffd.exe', 80)
    """
    text = one_line(str(words)[: LONGEST + 1])
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def word_for(value: Any, choices: Mapping[str, Any]) -> str:
    """Return the word that stands for a value in a menu of words.

    Menus hold the words themselves: ipywidgets takes the value None for "nothing is chosen", and
    shows a blank.
    """
    return {meaning: word for word, meaning in choices.items()}[value]


def containing(texts: pd.Series, words: str) -> pd.Series:
    """Return True for texts that hold the words, whatever their case; empty words fit all."""
    folded = texts.str.casefold()
    return folded.str.contains(encodable(words).strip().casefold(), regex=False)


def minute(moment: pd.Timestamp) -> str:
    """Return a moment to the minute, in figures."""
    return f"{figures(moment)} {moment:%H:%M}"


def title_of(row: Any) -> str:
    """Return what a certificate is called: its CN, else its subject; "" where neither is known."""
    names = (row["subject_cn"], row["subject"])
    return next((name for name in names if isinstance(name, str) and name), "")


def titled(row: Any) -> str:
    """Return what a certificate is called, and how long it is valid."""
    name = short(title_of(row) or say("widgets.shared.no_name"))
    return say("widgets.shared.until", name=name, day=day(row["not_after"]))


def day(moment: Any) -> str:
    """Return the date of a moment, and a dash where there is none."""
    return DASH if pd.isna(moment) else figures(moment)


def show_with_twin(widget: Any, twin: Content, hint: str) -> None:
    """Display a widget and a static twin, which readers without a live notebook see instead.

    The twin is an output of its own: it is what a code host shows, what JupyterLab shows of a
    notebook that is not trusted yet, and what remains when a saved notebook is opened again and its
    widget is gone. Style sheets hide it as long as the widget lives, and hide the message that
    stands in a lost widget's place.
    """
    note = tag("p", hint, class_="ct-hint")
    shown = tag("div", style(), twin, note, class_=f"ct-root ct-twin {NO_MATH}")
    display(HTML(str(shown)))  # type: ignore[no-untyped-call]
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    outputs = {"text/plain": "", "application/vnd.jupyter.widget-view+json": view}
    display(outputs, raw=True)  # type: ignore[no-untyped-call]
