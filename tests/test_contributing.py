"""CONTRIBUTING.md: its six additions are carried out, and what is forgotten is named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


def run(code: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run code with the package below `root`."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command,
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


SECTIONS = sections((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def test_there_are_six_additions() -> None:
    """What people add is written down."""
    assert len(SECTIONS) == 6


@pytest.mark.parametrize("heading", SECTIONS)
def test_an_addition_works_as_written_and_what_is_forgotten_is_named(
    heading: str, tmp_path: Path
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

    def outcome(variant: str) -> subprocess.CompletedProcess[str]:
        carry_out(variants[variant], tmp_path / variant)
        code = (
            "\n".join(tries)
            if variant == "whole"
            else "import certtrust, certtrust.charts"
        )
        return run(code, tmp_path / variant)

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip(variants, pool.map(outcome, variants), strict=True))
    assert outcomes.pop("whole").returncode == 0, outcomes
    for left in left_out:
        block = blocks[left]
        error = outcomes[str(left)].stderr.strip().splitlines()[-1:]
        allowed = (
            "CerttrustError" if block.after else "CerttrustError|ModuleNotFoundError"
        )
        assert re.match(rf"[\w.]*({allowed}): ", " ".join(error)), (
            f"without {block}: {error}"
        )
        assert any(name in error[0] for name in [*names, *titles[left]]) or not names


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
