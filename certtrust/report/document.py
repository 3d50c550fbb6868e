"""An HTML page that needs no network and no script to be read: what all pages share."""

from __future__ import annotations

from collections.abc import Iterable

from ..texts.markup import Content, Markup, tag
from ..texts.sentences import current_language
from .page import _dark, _read

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def document(title: str, body: Iterable[Content]) -> str:
    """Return a page with a title and the look of the report.

    Examples
    --------
    >>> "<title>A &lt; B</title>" in document("A < B", [])
    True
    """
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(_read("page.css") + _dark())),
    ]
    script = tag("script", Markup(_read("page.js")))
    html = tag(
        "html",
        tag("head", head),
        tag("body", list(body), script),
        lang=current_language(),
    )
    return f"<!DOCTYPE html>\n{html}\n"
