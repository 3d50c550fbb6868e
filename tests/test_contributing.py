"""CONTRIBUTING.md: its six additions are carried out, and what is forgotten is named."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from thoroughness import share

import certtrust as ct

ROOT = Path(__file__).parents[1]
PACKAGE = Path(ct.__file__).parent


class Block(NamedTuple):
    """A code block: the file that it is or goes to, the line that it goes behind, and its code."""

    file: str
    after: str
    code: str


def sections(text: str) -> dict[str, list[Block]]:
    """Return the code blocks of each section that begins with `### Add`, by its heading."""
    parts = re.split(r"^#{2,3} ", text, flags=re.MULTILINE)[1:]
    named = {part.split("\n", 1)[0]: part for part in parts}
    return {
        heading: [
            _block(code)
            for code in re.findall(
                r"^```\w+\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL
            )
        ]
        for heading, part in named.items()
        if heading.startswith("Add ")
    }


def _block(code: str) -> Block:
    first, rest = code.split("\n", 1)
    place = first.removeprefix("# ")
    if place == "try":
        return Block("", "", rest)
    if place.startswith("in "):
        file, after = place.removeprefix("in ").split(", after: ", 1)
        return Block(file, after, rest)
    return Block(place, "", rest)


def carry_out(blocks: list[Block], root: Path) -> None:
    """Apply blocks to a copy of the package below `root`."""
    shutil.copytree(PACKAGE, root / PACKAGE.name)
    for block in blocks:
        path = root / block.file
        if not block.after:
            assert not path.exists(), f"{block.file} is there already"
            path.write_text(block.code, encoding="utf-8")
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines.count(block.after) == 1, (
            f"{block.file} has not just one line {block.after!r}"
        )
        lines.insert(lines.index(block.after) + 1, block.code)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


_SERVER = """
import contextlib, importlib, json, os, sys, traceback, warnings
for line in sys.stdin:
    request = json.loads(line)
    for name in list(sys.modules):
        if name.partition(".")[0] == "certtrust":
            del sys.modules[name]
    sys.path[0] = request["root"]
    os.chdir(request["root"])
    importlib.invalidate_caches()
    error = ""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            exec(request["code"], {"__name__": "__main__"})
        except Exception as problem:
            error = "".join(traceback.format_exception_only(problem))
    print(json.dumps(error), flush=True)
"""
"""Runs code with the package that stands in a folder; the libraries are loaded once for all."""

Run = Callable[[str, Path], str]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Return a function that runs code with the package in a folder, and returns its error."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        requests, answers = server.stdin, server.stdout
        assert requests is not None
        assert answers is not None

        def error_of(code: str, root: Path) -> str:
            print(
                json.dumps({"code": code, "root": str(root)}),
                file=requests,
                flush=True,
            )
            return str(json.loads(answers.readline()))

        yield error_of
        requests.close()


SECTIONS = sections((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def test_there_are_six_additions() -> None:
    """What people add is written down."""
    assert len(SECTIONS) == 6


@pytest.mark.parametrize("heading", SECTIONS)
def test_an_addition_works_as_written_and_what_is_forgotten_is_named(
    heading: str, tmp_path: Path, run: Run
) -> None:
    """The blocks together run; without any one the import fails, and the error names it (by
    default a share of them is left out, in exhaustive runs each).
    """
    blocks = [block for block in SECTIONS[heading] if block.file]
    tries = [block.code for block in SECTIONS[heading] if not block.file]
    assert blocks
    assert tries
    names = [Path(block.file).stem for block in blocks if not block.after]
    titles = [
        re.findall(r'^\[.*?"(.+)"\]$', block.code, re.MULTILINE) for block in blocks
    ]
    left_out = share(range(len(blocks)), list(SECTIONS).index(heading))
    variants = {
        "whole": blocks,
        **{str(left): [*blocks[:left], *blocks[left + 1 :]] for left in left_out},
    }

    errors = {}
    for variant, chosen in variants.items():
        root = tmp_path / variant
        carry_out(chosen, root)
        is_whole = variant == "whole"
        code = "\n".join(tries) if is_whole else "import certtrust, certtrust.charts"
        errors[variant] = run(code, root)
    assert errors.pop("whole") == "", errors
    for left in left_out:
        block = blocks[left]
        error = " ".join(errors[str(left)].strip().splitlines()[-1:])
        allowed = (
            "CerttrustError" if block.after else "CerttrustError|ModuleNotFoundError"
        )
        assert re.match(rf"[\w.]*({allowed}): ", error), f"without {block}: {error}"
        assert any(name in error for name in [*names, *titles[left]]) or not names


def test_blocks_are_read_and_applied(tmp_path: Path) -> None:
    """A new file, lines behind a line, and code to try are told apart; a wrong place is found."""
    text = (
        "### Add x\n```python\n# certtrust/x.py\nX = 1\n```\n```toml\n# "
        "in certtrust/y.toml, after: [y]\na = 1\n```\n"
    )
    text += "```python\n# try\nassert True\n```\n"
    assert sections(text) == {
        "Add x": [
            Block("certtrust/x.py", "", "X = 1\n"),
            Block("certtrust/y.toml", "[y]", "a = 1\n"),
            Block("", "", "assert True\n"),
        ]
    }
    with pytest.raises(AssertionError, match="no such line"):
        carry_out([Block("certtrust/texts/en.toml", "no such line", "")], tmp_path)
