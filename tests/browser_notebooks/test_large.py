"""A hundred thousand devices in JupyterLab: how long a filter and a switch take, from click to
changed page.
"""

from __future__ import annotations

from conftest import PICTURES
from driving import milliseconds, opened, run_all, summed_up, widget
from large import stored

CODE = """import pickle
from pathlib import Path

from certtrust.widgets import FleetExplorer, WhatIf

fleet = pickle.loads(Path("large.pkl").read_bytes())"""


def test_filters_and_switches_of_a_large_fleet(page, lab, site):
    """Every answer comes; the times are written to build/browser_notebooks/large.json, for the
    notes.
    """
    import nbformat

    stored(site / "notebooks" / "large.pkl")
    cells = [
        CODE,
        "explorer = FleetExplorer(fleet)\nexplorer",
        "whatif = WhatIf(fleet)\nwhatif",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
    )
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, site / "notebooks" / "large.ipynb")
    opened(page, lab, "large.ipynb")
    run_all(page, 300)
    explorer, whatif = widget(page, 0), widget(page, 1)
    times = {
        "explorer: press a bar": [
            milliseconds(page, explorer, ".ct-bar-row", ".ct-right") for _ in range(4)
        ],
        "explorer: sort by a heading": [
            milliseconds(page, explorer, ".ct-sort", ".ct-right") for _ in range(4)
        ],
        "explorer: another PBX": [
            milliseconds(
                page,
                explorer,
                ".ct-filters > :nth-child(2) select",
                ".ct-right",
                option=option,
            )
            for option in (1, 2, 3, 0)
        ],
        "what-if: TLS only": [
            milliseconds(
                page,
                whatif,
                # The first menu of the card chooses the PBX, the second one is "TLS only".
                ".ct-left > :nth-child(2) .widget-dropdown + .widget-dropdown select",
                ".ct-right",
                option=option,
            )
            for option in (1, 2, 0)
        ],
        "what-if: an entry of a trust list": [
            milliseconds(page, whatif, ".ct-scroll input[type=checkbox]", ".ct-right")
            for _ in range(4)
        ],
    }
    summed_up(times, PICTURES / "large.json")
    assert all(times.values())
