"""SECURITY.md lists every bound with its value, and names tests that exist."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from certtrust import limits

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def bounds() -> dict[str, tuple[float, str]]:
    """Return each bound of the module with its value and its docstring."""
    body = ast.parse(Path(limits.__file__).read_text(encoding="utf-8")).body
    documented = {}
    for statement, text in pairwise(body):
        if isinstance(statement, ast.Assign):
            (name,) = (target.id for target in statement.targets)
            documented[name] = (
                getattr(limits, name),
                " ".join(text.value.value.split()),
            )
    return documented


def test_the_page_lists_every_bound_with_its_value():
    """Each has one row, with the text of the module."""
    rows = [
        f"| `{name}` | {value:,} | {text} |"
        for name, (value, text) in bounds().items()
    ]
    assert re.findall(r"^\| `[A-Z_]+` \|.*$", PAGE, re.MULTILINE) == rows


@pytest.mark.parametrize("name", re.findall(r"`(tests/[\w./]+)`", PAGE))
def test_each_test_that_it_names_exists(name):
    """Each promise has a test."""
    assert (ROOT / name).exists()
