"""Run the notebooks and store them with fresh outputs: `python notebooks/refresh.py [NAME ...]
[--to FOLDER]`.

Widgets are stored as their static twins only: no widget state goes into a notebook, so that
nothing that was pasted or uploaded can stay in one.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

HERE = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"


def run(
    path: Path, *, folder: Path = HERE, kernel: KernelManager | None = None
) -> nbformat.NotebookNode:
    """Return the notebook after all of its cells ran in a folder from which its paths hold.

    A kernel that is given forgets first what ran in it; else a new one is started.
    """
    notebook = nbformat.read(path, as_version=4)
    options: dict[str, Any] = {
        "timeout": 300,
        "kernel_name": "python3",
        "resources": {"metadata": {"path": str(folder)}},
        "store_widget_state": False,
        "record_timing": False,
    }
    if kernel is not None:
        options["km"] = kernel
        forgetting = new_notebook(cells=[new_code_cell("%reset -f")])
        NotebookClient(forgetting, **options).execute()
    NotebookClient(notebook, **options).execute()
    return clean(notebook)


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Keep of the metadata what a reader needs: nothing of the machine that ran the notebook."""
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": python, "language_info": {"name": "python"}}
    code_cells = 0
    for position, cell in enumerate(notebook.cells):
        cell.id = f"cell-{position:02d}"
        cell.metadata = {
            name: value
            for name, value in cell.metadata.items()
            if name in ("tags", "jupyter")
        }
        if cell.cell_type == "code":
            code_cells += 1
            cell.execution_count = code_cells
        for output in cell.get("outputs", []):
            if "execution_count" in output:
                output["execution_count"] = code_cells
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
        "names", nargs="*", help="beginnings of notebooks' names; all without any"
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=HERE,
        help="folder to store them in instead of their own",
    )
    options = parser.parse_args(arguments)
    # A bar appears only where the work is slow, so that stored outputs would differ.
    os.environ["TQDM_DISABLE"] = "1"
    kernel = KernelManager(kernel_name="python3")
    try:
        for path in sorted(HERE.glob("*.ipynb")):
            if not options.names or path.name.startswith(tuple(options.names)):
                nbformat.write(run(path, kernel=kernel), options.to / path.name)
                sys.stdout.write(f"{path.name}\n")
    finally:
        if kernel.has_kernel:
            kernel.shutdown_kernel(now=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
