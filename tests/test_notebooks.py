"""The notebooks run from top to bottom on the example fleet without warnings, and are stored with
their outputs.
"""

from __future__ import annotations

import calendar
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shared_work import once

FOLDER = Path(__file__).parent.parent / "notebooks"
FLEET = FOLDER.parent / "data" / "fleet"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

UNWANTED = re.compile(
    r"Warning\b|Traceback|Error displaying|model not found", re.IGNORECASE
)
HERE = re.escape(str(Path(__file__).parents[1]))
MACHINE = re.compile(
    rf"{HERE}|{re.escape(str(Path.home()))}/|(?<![\w.])(/home/|/tmp/|/Users/|[A-Z]:\\\\)|site-packages"
)

LOOKS_AHEAD = "ct.forecast("
"""A cell with this counts from today on, so that dates and numbers change with the month."""
DATES_AND_COUNTS = re.compile(rf"\d+|{'|'.join(calendar.month_name[1:])}")
DRAWN = re.compile(r'data:image/[^"]+')
"""A picture, which each version of matplotlib writes in another way; its words stand beside it."""


def notebook_of(path):
    """Return a notebook; its library takes seconds to load, and most processes need none."""
    import nbformat

    return nbformat.read(path, as_version=4)


def run_all(folder):
    """Write all notebooks after a run in one kernel, which is reset between them."""
    command = [sys.executable, str(FOLDER / "refresh.py"), "--to", str(folder)]
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600
    )
    assert process.returncode == 0, process.stderr[-4000:]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return all notebooks after a run."""
    folder = once(tmp_path_factory, "executed", run_all)
    return {path.name: notebook_of(folder / path.name) for path in NOTEBOOKS}


def outputs(notebook):
    """Return (cell, output) pairs of all code cells."""
    return [
        (cell, output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def text_of(output) -> str:
    """Return everything that an output shows as text, pictures left out."""
    data = output.get("data", {})
    shown = [
        output.get("text", ""),
        *(value for kind, value in data.items() if kind.startswith("text/")),
    ]
    return re.sub(
        r"<style>.*?</style>",
        "",
        "\n".join("".join(part) for part in shown),
        flags=re.DOTALL,
    )


@pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS])
def test_a_notebook_runs_without_a_warning(executed, name):
    """No cell warns, writes to stderr or raises, and every chart is shown."""
    notebook = executed[name]
    for cell, output in outputs(notebook):
        assert output.get("name") != "stderr", (cell.source, output)
        assert not UNWANTED.search(text_of(output)), (
            cell.source,
            text_of(output)[:500],
        )
    for cell in notebook.cells:
        if cell.cell_type == "code" and "ct.charts.themed(" in cell.source:
            html = "".join(text_of(output) for output in cell.outputs)
            pictures = html.count('src="data:image/png;base64,')
            assert pictures == html.count(' alt="') == 2, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_in_a_form_that_code_hosts_show(path):
    """Code cells are stored with their outputs, without paths of a machine or widget state."""
    import nbformat

    notebook = notebook_of(path)
    nbformat.validate(notebook)
    stored = path.read_text(encoding="utf-8")
    assert not MACHINE.search(re.sub(r'"image/png": "[^"]*"', "", stored))
    assert "widgets" not in notebook.metadata
    assert "widget-view" not in stored
    counts = [
        cell.execution_count for cell in notebook.cells if cell.cell_type == "code"
    ]
    assert counts == list(range(1, len(counts) + 1)), (
        "run `python notebooks/refresh.py`"
    )
    assert len(outputs(notebook)) > len(counts) / 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_outputs_equal_those_of_a_run(executed, path):
    """Neither stored cells nor their text outputs are out of date."""
    stored = notebook_of(path)
    fresh = executed[path.name]
    assert [cell.source for cell in stored.cells] == [
        cell.source for cell in fresh.cells
    ]
    for (cell, was), (_, now) in zip(outputs(stored), outputs(fresh), strict=True):
        words, again = (DRAWN.sub("", text_of(one)) for one in (was, now))
        if LOOKS_AHEAD in cell.source:  # from the coming month on, whichever that is
            words, again = (DATES_AND_COUNTS.sub("", one) for one in (words, again))
        assert words == again, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_suits_people_who_do_not_program(path):
    """It begins with text, has one path to change, and its code cells are few and short."""
    cells = notebook_of(path).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert cells[0].cell_type == "markdown"
    example = "data/wire" if path.name.startswith("05") else "data/fleet"
    assert code[0].startswith(f'FLEET = r"../{example}"  # ')
    assert sum(example in source for source in code) == 1
    for source in code:
        assert len([line for line in source.split("\n") if line.strip()]) <= 3, source
    assert "**" in cells[0].source.split("\n")[2], "it begins with its question"
    words = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "Run All" not in words, "Voila shows these words, and has no such menu"
    assert (
        len([cell for cell in cells if cell.cell_type == "markdown"]) >= len(code) / 2
    )


def test_links_between_the_notebooks_lead_somewhere():
    """Every relative link in a text cell leads to an existing file."""
    for path in NOTEBOOKS:
        for cell in notebook_of(path).cells:
            for target in re.findall(
                r"\]\((?!https?:)([^)#]+)",
                cell.source if cell.cell_type == "markdown" else "",
            ):
                assert (FOLDER / target).exists(), (path.name, target)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_outputs_are_of_kinds_that_every_reader_shows(path):
    """They are pictures or HTML without scripts or external content, each with plain text."""
    for cell, output in outputs(notebook_of(path)):
        data = output.get("data", {"text/plain": output.get("text", "")})
        assert set(data) <= {"text/plain", "text/html", "image/png"}, cell.source
        assert "text/plain" in data, cell.source
        assert not re.search(
            r"<script|<iframe|<link|src=|@import|require\(",
            "".join(data.get("text/html", "")).replace(
                'src="data:image/png;base64,', ""
            ),
        )


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "parts",
    [
        ["certificates"],
        ["registrations"],
        ["certificates", "devices"],
        ["certificates", "devices", "registrations"],
    ],
)
def test_a_notebook_runs_on_an_incomplete_fleet(tmp_path, parts, path):
    """Without a log, trust lists or devices, no cell ends in an error."""
    for part in parts:
        shutil.copytree(FLEET / part, tmp_path / part)
    notebook = notebook_of(path)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = f"FLEET = {str(tmp_path)!r}"
    from nbclient import NotebookClient

    NotebookClient(
        notebook, timeout=300, kernel_name="python3", store_widget_state=False
    ).execute(cwd=str(FOLDER))
    for cell, output in outputs(notebook):
        assert output.get("name") != "stderr", (cell.source, output)


@pytest.mark.parametrize("texts", sorted((FOLDER / "de").glob("*.toml")), ids=str)
def test_the_german_twin_is_made_of_the_same_cells(texts, monkeypatch):
    """`python notebooks/translate.py` was run after the last change of either."""
    monkeypatch.syspath_prepend(FOLDER)
    translate = importlib.import_module("translate")
    stored = notebook_of(texts.with_suffix(".ipynb"))
    expected = [cell.source for cell in translate.twin(texts.stem).cells]
    assert [cell.source for cell in stored.cells] == expected
