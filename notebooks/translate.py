"""Make the German twin of a notebook from its cells, and store it with fresh outputs:
`python notebooks/translate.py`.

Code stays as it is, but for the path to the example and the language; the text cells come from
`notebooks/de/NAME.toml`. A text that is not translated there ends it, and is named.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import nbformat
from refresh import run

HERE = Path(__file__).parent
_EXAMPLE = 'r"../data'
_READING = "fleet = ct.link(ct.read_fleet(FLEET))"


def twin(name: str) -> nbformat.NotebookNode:
    """Return the German twin of a notebook, without outputs.

    Raises
    ------
    ValueError
        If a text cell is not translated, or a translation has no cell any more.
    """
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    texts = tomllib.loads((HERE / "de" / f"{name}.toml").read_text(encoding="utf-8"))
    german = {
        cell["english"].strip(): cell["german"].strip() for cell in texts["cells"]
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = _in_german(cell.source, texts.get("comments", {}))
            cell.outputs, cell.execution_count = [], None
        elif cell.source.strip() in german:
            cell.source = german.pop(cell.source.strip())
        else:
            raise ValueError(f"not translated in {name}.toml: {cell.source!r}")
    if german:
        raise ValueError(f"no cell of {name}.ipynb any more: {next(iter(german))!r}")
    return notebook


def _in_german(code: str, comments: dict[str, str]) -> str:
    """Return a code cell with the path from the folder of the twin, and in its language."""
    code = code.replace(_EXAMPLE, 'r"../../data')
    for english, german in comments.items():
        code = code.replace(english, german)
    return code.replace(_READING, f'ct.language("de").use()\n{_READING}')


def main() -> int:
    """Make the twin of each notebook that is translated."""
    for texts in sorted((HERE / "de").glob("*.toml")):
        path = texts.with_suffix(".ipynb")
        nbformat.write(twin(texts.stem), path)
        nbformat.write(run(path, folder=path.parent), path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
