"""The notebooks run from top to bottom on the example fleet, say nothing untoward, and are
stored with outputs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """All notebooks after a run, one after another in a kernel that forgets in between."""
    folder = tmp_path_factory.mktemp("executed")
    command = [sys.executable, str(FOLDER / "refresh.py"), "--to", str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {
        path.name: nbformat.read(folder / path.name, as_version=4)
        for path in NOTEBOOKS
    }


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
        "\n".join("".join(each) for each in shown),
        flags=re.DOTALL,
    )


@pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS])
def test_a_notebook_runs_without_a_warning(executed, name):
    """No cell warns, writes to stderr or raises, and every chart that a cell asks for is there."""
    notebook = executed[name]
    for cell, output in outputs(notebook):
        assert output.get("name") != "stderr", (cell.source, output)
        assert not UNWANTED.search(text_of(output)), (
            cell.source,
            text_of(output)[:500],
        )
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith("ct.charts."):
            kinds = [
                kind for output in cell.outputs for kind in output.get("data", {})
            ]
            assert "image/png" in kinds, f"no picture from {cell.source!r}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_as_a_reader_on_a_code_host_needs_it(path):
    """Every code cell that shows something has its output; no path of a machine and no widget
    state is stored.
    """
    notebook = nbformat.read(path, as_version=4)
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
def test_what_is_stored_is_what_a_run_gives(executed, path):
    """The stored cells, and the words that they print, are those of a run now, so that no
    output is out of date.
    """
    stored = nbformat.read(path, as_version=4)
    fresh = executed[path.name]
    assert [cell.source for cell in stored.cells] == [
        cell.source for cell in fresh.cells
    ]
    for (cell, was), (_, now) in zip(outputs(stored), outputs(fresh), strict=True):
        assert text_of(was) == text_of(now), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_for_people_who_do_not_program(path):
    """A story: it begins with words, one path stands by itself to be changed, and code cells
    are few and short.
    """
    cells = nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert cells[0].cell_type == "markdown"
    assert code[0].startswith('FLEET = "../data/fleet"')
    assert sum("data/fleet" in source for source in code) == 1
    assert max(source.count("\n") for source in code) < 12
    assert (
        len([cell for cell in cells if cell.cell_type == "markdown"]) >= len(code) / 2
    )


def test_links_between_the_notebooks_lead_somewhere():
    """Every relative link in a text cell names a file that is there."""
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            for target in re.findall(
                r"\]\((?!https?:)([^)#]+)",
                cell.source if cell.cell_type == "markdown" else "",
            ):
                assert (FOLDER / target).exists(), (path.name, target)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_outputs_are_of_kinds_that_every_reader_shows(path):
    """Pictures, HTML without scripts or anything from elsewhere, and plain text beside each of
    them.
    """
    for cell, output in outputs(nbformat.read(path, as_version=4)):
        data = output.get("data", {"text/plain": output.get("text", "")})
        assert set(data) <= {"text/plain", "text/html", "image/png"}, cell.source
        assert "text/plain" in data, cell.source
        assert not re.search(
            r"<script|<iframe|<link|src=|@import|require\(",
            "".join(data.get("text/html", "")),
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
def test_a_notebook_bears_a_fleet_that_lacks_something(tmp_path, parts, path):
    """Where there is no log, no trust list or no certificate, words say so, and no cell ends in
    an error.
    """
    for part in parts:
        shutil.copytree(FLEET / part, tmp_path / part)
    notebook = nbformat.read(path, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = f"FLEET = {str(tmp_path)!r}"
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", store_widget_state=False
    ).execute(cwd=str(FOLDER))
    for cell, output in outputs(notebook):
        assert output.get("name") != "stderr", (cell.source, output)
