"""HTML as values: text is escaped unless it is markup already, so nothing that was read acts."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .sentences import in_words, number, template
from .visible import visible

NO_MATH = "tex2jax_ignore mathjax_ignore"
"""Classes of elements in which a notebook is to take no `$` for mathematics."""

VOID = frozenset({"br", "col", "hr", "input", "link", "meta"})


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


Content = Any
"""Markup, or anything else, which is shown as text; None shows nothing; an iterable of these."""


def text(value: object) -> Markup:
    """Return the value as escaped text, with what cannot be seen, or turns the text, replaced.

    Examples
    --------
    >>> text("<b>&")
    '&lt;b&gt;&amp;'
    """
    return Markup(html.escape(visible(value), quote=True))


def phrase(key: str, /, **values: Content) -> Markup:
    """Return a sentence as `say` does, whose values may be markup.

    Examples
    --------
    >>> phrase("nouns.device", count=tag("b", 2))
    '<b>2</b> devices'
    """
    words = {
        name: value if isinstance(value, Markup) else text(in_words(value))
        for name, value in values.items()
    }
    return Markup(text(template(key, values.get("count"))).format_map(words))


def join(contents: Iterable[Content]) -> Markup:
    """Return the contents one after another."""
    return Markup("".join(_content(content) for content in contents))


def _content(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, (list, tuple, Iterator)):
        return join(content)
    return text(content)


def tag(name: str, /, *contents: Content, **attributes: object) -> Markup:
    """Return an element; attributes that are None or False are left out, `class_` is `class`.

    Examples
    --------
    >>> tag("p", "a < b", tag("br"), class_="note")
    '<p class="note">a &lt; b<br></p>'
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(contents)}</{name}>")


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and whether it holds numbers, long or short texts."""

    head: str
    number: bool = False
    long: bool = False
    short: bool = False


def table(
    label: str, columns: Sequence[Column], rows: Iterable[Sequence[Content]]
) -> Markup:
    """Return a table that scrolls sideways where it is wide, and stacks its cells on a phone.

    The page's script sorts it by the heading that is pressed.
    A number is written with separators and sorted by its value.
    """
    headings = [
        tag("th", column.head, scope="col", class_=_class(column))
        for column in columns
    ]
    head = tag("tr", headings)
    body = [tag("tr", map(_cell, columns, row)) for row in rows]
    inner = tag("table", tag("thead", head), tag("tbody", body), class_="sortable")
    return tag(
        "div", inner, class_="wide", role="region", aria_label=label, tabindex="0"
    )


def _class(column: Column) -> str | None:
    if column.number:
        return "number"
    if column.long:
        return "text"
    return "short" if column.short else None


def _cell(column: Column, value: Content) -> Markup:
    missing = not isinstance(value, (list, tuple)) and bool(pd.isna(value))
    shown = "\u2013" if missing else value
    if column.number and isinstance(value, int):
        shown = number(value)
    is_plain = column.number and not missing and not isinstance(value, Markup)
    sort = value if is_plain else None
    return tag(
        "td",
        tag("bdi", shown),
        class_=_class(column),
        data_head=column.head,
        data_sort=sort,
    )
