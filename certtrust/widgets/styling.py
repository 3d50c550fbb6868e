"""How the widgets look: one style sheet that follows the notebook's theme, and what their pieces share."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import ipywidgets
import pandas as pd
from IPython.display import HTML, display

from ..texts.markup import Content, Markup, tag

MARKS = {"pass": "✓", "fail": "✗", "unknown": "?"}

DASH = "\u2013"
LONGEST = 80

FIELD = {"description_width": "120px"}
WIDE = {"width": "auto"}


def style() -> Markup:
    """Return the style sheet as an element; every widget carries it, since each may stand alone on a page."""
    return Markup(f"<style>{resources.files(__package__).joinpath('widgets.css').read_text('utf-8')}</style>")


def html(content: Content = "", **options: Any) -> Any:
    """Return an HTML widget that shows the content; text in it is escaped unless it is Markup."""
    return ipywidgets.HTML(str(_keyboard(content)), **options)


def show(widget: Any, content: Content) -> None:
    """Show the content in an HTML widget."""
    widget.value = str(_keyboard(content))


def _keyboard(content: Content) -> Markup:
    # JupyterLab would take the Enter key on a focused button for its own command.
    return tag("div", content, data_lm_suppress_shortcuts="true")


def card(title: str, *children: Any, css: str = "") -> Any:
    """Return a group of controls under a heading."""
    box = ipywidgets.VBox([html(tag("h4", title, class_="ct-heading")), *children])
    box.add_class("ct-card")
    if css:
        box.add_class(css)
    return box


def short(words: object) -> str:
    """Return foreign text as it can stand in a menu or beside a box: of bounded length, nothing invisible in it.

    Examples
    --------
    >>> short("gnp\u202e.exe"), len(short("x" * 500))
    ('gnp\ufffd.exe', 80)
    """
    seen = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(words)[: LONGEST + 1])
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1] + "…"


def word_for(value: Any, choices: Mapping[str, Any]) -> str:
    """Return the word that stands for a value in a menu of words.

    Menus hold the words themselves: ipywidgets takes the value None for "nothing is chosen", and shows a blank.
    """
    return {meaning: word for word, meaning in choices.items()}[value]


_DROP = (
    "event.preventDefault();event.stopPropagation();this.classList.remove('ct-over');"
    "const files=event.dataTransfer.files,input=HTMLInputElement.prototype,own=input.click;"
    # The button makes a file field of its own and clicks it; this time the field gets what was dropped.
    "input.click=function(){this.files=files;this.dispatchEvent(new Event('change'))};"
    "try{if(files.length)this.closest('.ct-card').querySelector('.ct-upload').click()}finally{input.click=own}"
)


def drop_zone(words: str) -> Any:
    """Return a place to drop files on, which go the way of the upload button (class ct-upload) of the same card."""
    over = "event.preventDefault();event.stopPropagation();this.classList.add('ct-over')"
    handlers = {"ondragover": over, "ondragleave": "this.classList.remove('ct-over')", "ondrop": _DROP}
    return html(tag("div", words, class_="ct-drop", **{name: Markup(code) for name, code in handlers.items()}))


def verdict_of(passed: Any) -> str:
    """Return the word for a three-valued outcome."""
    return "unknown" if pd.isna(passed) else "pass" if passed else "fail"


def day(moment: Any) -> str:
    """Return the date of a moment, and a dash where there is none."""
    return DASH if pd.isna(moment) else f"{moment:%Y-%m-%d}"


def show_with_twin(widget: Any, twin: Content, hint: str) -> None:
    """Display a widget together with a static twin, which readers without a live notebook see instead.

    The twin is an output of its own: it is what a code host shows, what JupyterLab shows of a notebook that is not
    trusted yet, and what remains when a saved notebook is opened again and its widget is gone. Style sheets hide
    it as long as the widget lives, and hide the message that stands in a lost widget's place.
    """
    shown = tag("div", style(), twin, tag("p", hint, class_="ct-hint"), class_="ct-root ct-twin")
    display(HTML(str(shown)))  # type: ignore[no-untyped-call]
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"text/plain": "", "application/vnd.jupyter.widget-view+json": view}, raw=True)  # type: ignore[no-untyped-call]
