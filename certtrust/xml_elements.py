"""A walk over the elements of XML: bounded in depth, and told where it ends early.

The text is parsed inside an element of our own, so that it may be a document, a piece of one or
several, and a document type, with any entity, cannot occur.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.parsers import expat

from . import limits
from .formats import too_deep

_DECLARATION = re.compile(r"<\?xml[^<>]*\?>")

Start = Callable[[str, dict[str, str], int], None]
"""What takes the name of an element without its prefix, its attributes and its line."""


class _TooDeepError(Exception):
    """An element is nested too deep."""


def walk(
    xml: str, start: Start, end: Callable[[], None], text: Callable[[str], None]
) -> str | None:
    """Call functions for each element that begins, that ends, and for text in between.

    Parameters
    ----------
    xml : str
        The elements.
    start, end, text : function
        What takes them, in the order of the file.

    Returns
    -------
    str or None
        Why the XML could not be read to its end.

    Examples
    --------
    >>> names = []
    >>> walk("<a><b/></a><c>", lambda name, *_: names.append(name), lambda: None, print)
    'not XML: mismatched tag in line 1'
    >>> names
    ['a', 'b', 'c']
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if depth > limits.NESTING:
            raise _TooDeepError
        depth += 1
        if depth > 1:
            start(name.rpartition(":")[2], attributes, parser.CurrentLineNumber)

    def finish(_: str) -> None:
        nonlocal depth
        depth -= 1
        if depth:
            end()

    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    parser.CharacterDataHandler = text
    try:
        whole = f"<elements>{_DECLARATION.sub('', xml)}</elements>"
        parser.Parse(whole.encode("utf-8", "replace"), True)
    except expat.ExpatError as problem:
        message = expat.errors.messages[problem.code]
        return f"not XML: {message} in line {problem.lineno}"
    except _TooDeepError:
        return f"{too_deep()}: read up to line {parser.CurrentLineNumber}"
    return None
