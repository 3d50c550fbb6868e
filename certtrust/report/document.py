"""An HTML page that needs no network and no script to be read: what all pages share."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib import resources

from ..texts.markup import Content, Markup, tag
from ..texts.sentences import current_language
from .figures import dark_colours


def document(
    title: str, body: Iterable[Content], *, scripts: Iterable[str] = ("page.js",)
) -> str:
    """Return a page with the look of the report.

    Parameters
    ----------
    title : str
        What the page is called.
    body : iterable of markup or text
        What it shows.
    scripts : iterable of str
        Files of this folder that become its one script, by whose digest its policy knows it.

    Examples
    --------
    >>> "<title>A &lt; B</title>" in document("A < B", [])
    True
    """
    script = "".join(map(_read, scripts))
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(_read("page.css") + _dark())),
    ]
    html = tag(
        "html",
        tag("head", head),
        tag("body", list(body), tag("script", Markup(script))),
        lang=current_language(),
    )
    return f"<!DOCTYPE html>\n{html}\n"


def _digest(script: str) -> str:
    """Return what the policy of the page knows its one script by."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _dark() -> str:
    """Return the colours of drawings on a dark page."""
    pairs = dark_colours().items()
    values = "; ".join(f"--c{light[1:]}: {dark}" for light, dark in pairs)
    dark_screen = "@media screen and (prefers-color-scheme: dark)"
    return f"{dark_screen} {{ :root {{ {values} }} }}\n"
