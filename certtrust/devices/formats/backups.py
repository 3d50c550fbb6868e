"""PBX objects in the lines of a configuration backup.

Such a line is `mod cmd FLASHDIR0 add-item 101 (cn=..)..(pbx=<user ../>)`. It is documented with a
user element; that devices are its children, as in the SOAP form, is inferred. How parentheses are
escaped is not documented, so a value ends where `)(` follows, and the element at its own end. All
other lines of a backup are no PBX objects and are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from ...formats import About, as_text
from .entries import Entry, content, entries, failed
from .xml_objects import User, absent_flags, parse

NAME = "backup"
_ITEM = re.compile(r"^[ \t]*mod cmd FLASHDIR\d+ add-item\b", re.MULTILINE)
_CONFIGURATION = re.compile(r"^(?:config change|vars create|mod cmd) ", re.MULTILINE)
_BEGIN = "(pbx=<user"


def sniff(head: bytes) -> bool:
    """Return True where a line adds an item, or where the lines are those of a configuration."""
    lines = as_text(head)
    return bool(_ITEM.search(lines) or _CONFIGURATION.search(lines))


def read(stream: BinaryIO, _: About) -> Iterator[Entry]:
    """Yield the entries of all lines that add a user object."""
    users: list[User | str] = []
    for number, line in enumerate(content(stream).split("\n"), start=1):
        if _ITEM.match(line) and _BEGIN in line:
            users += _users(line, number)
    absent = absent_flags([user for user in users if not isinstance(user, str)])
    for user in users:
        if isinstance(user, str):
            yield failed(user)
        else:
            yield from entries(*user, absent=absent)


def _users(line: str, number: int) -> list[User | str]:
    """Return the users in a line, and the reason where there is more that could not be read."""
    begin = line.index(_BEGIN)
    end = max(line.rfind(close) + len(close) - 1 for close in ("/>)", "</user>)"))
    if end < begin:
        return [f"line {number}: the user object is cut off"]
    values = _values(line[:begin]) | _values(line[end + 1 :])
    objects, error = parse(line[begin + len("(pbx=") : end])
    users: list[User | str] = [
        ({**user, **values}, devices) for user, devices in objects
    ]
    return [*users, f"line {number}: {error}"] if error else users


def _values(text: str) -> dict[str, str]:
    """Return the values of `(name=value)(name=value)`, which may hold parentheses but no `)(`."""
    inside = text.partition("(")[2].strip().removesuffix(")")
    parts = (part.partition("=") for part in inside.split(")("))
    return {name.strip(): value for name, equals, value in parts if equals}
