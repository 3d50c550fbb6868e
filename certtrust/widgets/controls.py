"""Controls whose labels, placeholders and tooltips stand in the file of sentences."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import ipywidgets

from ..texts.markup import Markup, tag
from ..texts.sentences import in_its_language, say, sentences
from .styling import html, short

_NO_MATH = {ord("$"): "\uff04", ord("\\"): "\uff3c"}
"""Signs that begin mathematics, and letters that look like them."""

_OVER = Markup(
    "event.preventDefault();event.stopPropagation();this.classList.add('ct-over')"
)
_LEFT = Markup("this.classList.remove('ct-over')")
_DROP = Markup(
    "event.preventDefault();event.stopPropagation();this.classList.remove('ct-over');"
    "const files=event.dataTransfer.files,input=HTMLInputElement.prototype,own=input.click;"
    # The button makes a file field of its own and clicks it; this time it gets what was dropped.
    "input.click=function(){this.files=files;this.dispatchEvent(new Event('change'))};"
    "try{if(files.length)this.closest('.ct-card').querySelector('.ct-upload').click()}"
    "finally{input.click=own}"
)


def field(
    kind: Any, key: str, *, label: str = "120px", width: str = "auto", **options: Any
) -> Any:
    """Return a field to fill in or to choose from.

    Parameters
    ----------
    kind : class
        A widget of ipywidgets that has a description.
    key : str
        The table below `[widgets]` with its description, and a placeholder where it has one.
    label, width : str
        The width of the description and of the whole field.
    **options
        Further traits.

    Examples
    --------
    >>> field(ipywidgets.Text, "tester.hardware_id").placeholder
    'IP222-2f-68-8a'
    """
    style = {"description_width": label}
    return kind(**_words(key), style=style, layout={"width": width}, **options)


def action(
    key: str, carried_out: Callable[[], Any], *, width: str, **options: Any
) -> Any:
    """Return a button that does something; its words are those of the table `key`."""
    button = ipywidgets.Button(**_words(key), layout={"width": width}, **options)
    button.on_click(in_its_language(lambda _button: carried_out()))
    return button


def entry_box(
    row: Any, label: str, *, ticked: bool, tick: Callable[[str, bool], Any]
) -> Any:
    """Return a check box for an entry of a trust list.

    Parameters
    ----------
    row : mapping
        A row of TRUST.
    label : str
        What the entry is called.
    ticked : bool
        Whether it is in the list.
    tick : function
        Gets its fingerprint, and whether it was ticked.
    """
    fingerprint = row["fingerprint"]
    names = {"name": short(row["subject"]), "fingerprint": fingerprint}
    box = ipywidgets.Checkbox(
        value=bool(ticked),
        # A check box typesets its label itself, and no class keeps it from doing so.
        description=label.translate(_NO_MATH),
        tooltip=say("widgets.shared.fingerprint", **names),
        indent=False,
        layout={"width": "auto"},
    )
    box.observe(
        in_its_language(lambda change: tick(fingerprint, bool(change["new"]))),
        names="value",
    )
    return box


def download(words: str, name: str, kind: str, data: bytes) -> Markup:
    """Return a link that holds a file of this MIME type, to be saved under the name."""
    content = base64.b64encode(data).decode()
    return tag(
        "a",
        words,
        href=f"data:{kind};base64,{content}",
        download=name,
        class_="ct-download",
    )


def upload(
    section: str, accepted: str, take: Callable[[dict[str, bytes]], Any]
) -> tuple[Any, Any]:
    """Return a button to choose files and a place to drop them on.

    Parameters
    ----------
    section : str
        The table below `[widgets]` that holds the words `upload` and `drop`.
    accepted : str
        File names that the button offers, by their endings.
    take : function
        Gets the contents by name; the button keeps nothing of them.
    """
    button = ipywidgets.FileUpload(
        accept=accepted, multiple=True, **_words(f"{section}.upload")
    )
    button.layout.width = "150px"

    def uploaded(change: Any) -> None:
        if change["new"]:
            contents = {
                file["name"]: bytes(file["content"]) for file in change["new"]
            }
            button.value = ()
            take(contents)

    button.observe(in_its_language(uploaded), names="value")
    scripts = {"ondragover": _OVER, "ondragleave": _LEFT, "ondrop": _DROP}
    zone = tag("div", say(f"widgets.{section}.drop"), class_="ct-drop", **scripts)
    return button.add_class("ct-upload"), html(zone)


def _words(key: str) -> dict[str, str]:
    words: Any = sentences()["widgets"]
    for part in key.split("."):
        words = words[part]
    return dict(words)
