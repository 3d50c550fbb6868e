"""Run the notebooks and store them with fresh outputs: `python notebooks/refresh.py [NAME ...]
[--to FOLDER]`.

Widgets are stored as their static twins only: no widget state goes into a notebook, so that
nothing that was pasted or uploaded can stay in one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"


def run(path: Path, *, folder: Path = HERE) -> nbformat.NotebookNode:
    """Return the notebook as it is after all of its cells ran, in a folder from which its paths
    hold.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
    ).execute()
    return clean(notebook)


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Keep of the metadata what a reader needs: nothing of the machine that ran the notebook."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place:02d}"
        cell.metadata = {
            name: value
            for name, value in cell.metadata.items()
            if name in ("tags", "jupyter")
        }
        for output in cell.get("outputs", []):
            _without_lost_widgets(output)
    return notebook


def _without_lost_widgets(output: Any) -> None:
    """Take out the view of a widget, which has no meaning without its kernel; its twin stays."""
    if "data" in output and VIEW in output["data"]:
        del output["data"][VIEW]
        output["data"].setdefault("text/plain", "")


def main(arguments: list[str] | None = None) -> int:
    """Refresh the named notebooks, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "names", nargs="*", help="beginnings of the notebooks' names; all without any"
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=HERE,
        help="folder to store them in instead of their own",
    )
    options = parser.parse_args(arguments)
    for path in sorted(HERE.glob("*.ipynb")):
        if not options.names or path.name.startswith(tuple(options.names)):
            nbformat.write(run(path), options.to / path.name)
            sys.stdout.write(f"{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
