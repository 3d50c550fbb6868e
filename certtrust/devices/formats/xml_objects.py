"""PBX objects as XML: `<user ..><device hw=../></user>`, as the SOAP interface wraps it.

Documented are `user` with cn, h323, e164 and guid, and its children `device` with hw. Inferred:
that the flags are attributes with the names of the JSON form, tls and trusted; an absent one is
read as false only where some device of the same file has it, since the file then shows that it
writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from ...formats import About, as_text
from ...xml_elements import walk
from .entries import FLAGS, Entry, content, entries, failed

NAME = "xml"
_DOCUMENT_TYPE = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?<!DOCTYPE", re.IGNORECASE)
_INNER_XML = 3
"""Levels of XML as the text of an element of XML."""

User = tuple[dict[str, Any], list[Any]]
"""The attributes of a user element, and those of its devices."""


def sniff(head: bytes) -> bool:
    """Return True where the text begins with an element."""
    return as_text(head).lstrip().startswith("<")


def read(stream: BinaryIO, _: About) -> Iterator[Entry]:
    """Yield the entries of all user elements, and why the text could not be read to its end."""
    xml = content(stream)
    if _DOCUMENT_TYPE.match(xml):
        yield failed(
            "not XML that is read here: a document type can define entities; take <!DOCTYPE "
            "...> out first"
        )
        return
    users, error = parse(xml)
    absent = absent_flags(users)
    for user, devices in users:
        yield from entries(user, devices, absent=absent)
    if error or not users:
        yield failed(error or "XML without a user element")


def absent_flags(users: list[User]) -> dict[str, bool | None]:
    """Return what a flag is that a device does not have: false where another device has it."""
    written = {key for _, devices in users for device in devices for key in device}
    return {key: False if key in written else None for key in FLAGS.values()}


def parse(xml: str, depth: int = 0) -> tuple[list[User], str | None]:
    """Return the user elements with their devices, and what is wrong with the XML."""
    users: list[User] = []
    # What stands in an element as text, and is XML itself: SOAP answers come so.
    inner: list[str] = []
    # For each open element, how many user elements it is in.
    path: list[int] = [0]

    def start(name: str, attributes: dict[str, str], _: int) -> None:
        if name == "user":
            users.append((attributes, []))
        elif name == "device" and path[-1]:
            users[-1][1].append(attributes)
        path.append(path[-1] + (name == "user"))

    def end() -> None:
        path.pop()
        inner.append("\n")

    error = walk(xml, start, end, inner.append)
    text = "".join(inner)
    if "<user" in text and depth < _INNER_XML:
        more, error_inside = parse(text, depth + 1)
        return users + more, error or error_inside
    return users, error
