"""Every command and snippet of the pages runs as it stands, and every link leads somewhere."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import certtrust as ct
from certtrust.cli import main
from certtrust.cli.command_line import _parser

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md", "notebooks/README.md", "data/fleet/README.md", "data/first-contact/README.md",
)  # fmt: skip
TEXT = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}


def blocks(*languages: str) -> list[str]:
    """Return the code blocks of the pages that are in one of some languages."""
    named = re.compile(
        rf"^```(?:{'|'.join(languages)})\n(.*?)^```", re.MULTILINE | re.DOTALL
    )
    return [block for text in TEXT.values() for block in named.findall(text)]


def commands() -> list[str]:
    """Return the commands of the blocks, and those within sentences that name a file of data/."""
    lines = [line for block in blocks("sh", "bat") for line in block.splitlines()]
    within = [
        command
        for text in TEXT.values()
        for command in re.findall(
            r"`(certtrust (?!simulate)[a-z]+ data/[^`]*)`", text
        )
    ]
    shown = [line.partition("#")[0].strip() for line in [*lines, *within]]
    return list(dict.fromkeys(filter(None, shown)))


def words_of(command: str) -> list[str]:
    """Return the words of a command, in the notation of Windows or not."""
    is_windows = command.startswith("py ")
    words = shlex.split(command, posix=not is_windows)
    if is_windows:
        words = [word.strip('"').replace("\\", "/") for word in words]
        words = words[3:] if words[:3] == ["py", "-m", "certtrust"] else words
        return ["certtrust", *words] if words[0] != "py" else words
    return words


OWN = [command for command in commands() if words_of(command)[0] == "certtrust"]
OTHERS = [command for command in commands() if command not in OWN]
SLOW = ("report", "start")
LIVE = re.compile("fetch|listen|check phone.example|report fetched")
"""Commands about hosts, which there are not: they are known to the program, and not run."""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the project's, in which commands may write."""
    for name in ("data", "notebooks", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", OWN)
def test_a_command_of_the_pages_is_one(command: str) -> None:
    """The program knows its words, and the files that it names are there."""
    given = _parser([]).parse_args(words_of(command)[1:])
    assert given.run
    for word in words_of(command):
        if word.startswith("data/"):
            assert (ROOT / word).exists(), command


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    "command",
    [
        command
        for command in OWN
        if words_of(command)[1] not in SLOW and not LIVE.search(command)
    ],
)
def test_a_quick_command_runs_as_it_stands(command: str) -> None:
    """It gives an answer, and is no misuse."""
    assert main(words_of(command)[1:]) in (0, 1, 3)


@pytest.mark.usefixtures("checkout")
@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "command",
    [
        command
        for command in OWN
        if words_of(command)[1] in SLOW and not LIVE.search(command)
    ],
)
def test_a_slow_command_runs_as_it_stands(command: str) -> None:
    """It gives an answer, and is no misuse."""
    assert main(words_of(command)[1:]) in (0, 1, 3)


@pytest.mark.parametrize("command", OTHERS)
def test_a_command_of_another_program_has_what_it_names(command: str) -> None:
    """Targets of make, extras and folders of pip, and notebooks exist."""
    words = words_of(command)
    if words[0] == "make":
        targets = re.findall(
            r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE
        )
        assert words[1] in targets
    elif words[0] in ("python", "py"):
        assert words[1:4] == ["-m", "pip", "install"]
        extras = re.findall(r"\[(\w+)\]", words[4])
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert set(extras) <= set(project["optional-dependencies"])
    else:
        raise AssertionError(f"nothing is known of {command!r}")


def snippets() -> list[str]:
    """Return the blocks of Python."""
    return blocks("python")


@pytest.mark.usefixtures("checkout")
@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "snippet", [text for text in snippets() if "phone.example" not in text]
)
def test_a_snippet_runs_as_it_stands(snippet: str) -> None:
    """In a fresh interpreter's names, in the folder of the project."""
    exec(compile(snippet, "README.md", "exec"), {})  # noqa: S102 - our own page
    plt.close("all")


@pytest.mark.parametrize("snippet", snippets())
def test_a_snippet_names_files_that_are_there(snippet: str) -> None:
    """And is Python."""
    compile(snippet, "README.md", "exec")
    for name in re.findall(r"\bct\.(\w+)", snippet):
        assert name in ct.__all__, name
    for path in re.findall(r'"(data/[^"]*)"', snippet):
        assert (ROOT / path).exists(), path


@pytest.mark.usefixtures("checkout")
def test_the_diagnosis_of_the_page_runs() -> None:
    """The shortest snippet in the default run."""
    snippet = next(text for text in snippets() if "ct.diagnose(" in text)
    exec(compile(snippet, "README.md", "exec"), {})  # noqa: S102 - our own page


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    """On a code host as in a checkout."""
    links = re.findall(
        r"\]\((?!https?:)([^)#]+)|(?:src|srcset)=\"(?!https?:)([^\"]+)\"", TEXT[page]
    )
    for target in (one or other for one, other in links):
        assert ((ROOT / page).parent / target).exists(), target


def test_links_hold_in_jupyterlab() -> None:
    """Its root is the project's folder, since links lead from the notebooks to the data."""
    recipe = (
        (ROOT / "Makefile").read_text().partition("lab: ")[2].partition("\n\n")[0]
    )
    assert "--ServerApp.root_dir=." in recipe
    assert "/lab/tree/notebooks" in recipe


def test_a_path_of_windows_is_written_so_that_python_takes_it() -> None:
    """With an r before the quotation marks; without it, backslash and U are an error."""
    before = re.findall(r'(.)"C:\\', "".join(TEXT.values()))
    assert before
    assert set(before) == {"r"}
    for path in (ROOT / "notebooks").glob("0[1-6]*.ipynb"):
        assert r"FLEET = r\"../data/" in path.read_text(encoding="utf-8"), path.name
