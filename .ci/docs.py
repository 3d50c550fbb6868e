"""Write the reference into build/docs: public names by task, every table and every rule.

Run by `make docs`. A warning of pdoc is an error.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pandas as pd
import pdoc
import pdoc.doc
import pdoc.render

import certtrust as ct
from certtrust.schema import TABLES

TASKS = {
    "Read files": (
        "read_fleet read_certificates read_trust_list read_devices read_registrations "
        "pattern_coverage fetch_chain limits"
    ),
    "Judge a fleet": (
        "Fleet link attempts browser_attempts check "
        "causes compare rules names certificate_names"
    ),
    "Explain": "findings explained diagnose Diagnosis missing contradictions",
    "Repair": "remedies apply what_if changes latest",
    "Look ahead": (
        "forecast endings days_left impersonations "
        "shared_keys shared_names shared_hardware_ids"
    ),
    "Show": "charts widgets columns",
    "Try out": "simulate testing",
    "Errors": "CerttrustError",
}
"""Every public name, by what one does with it."""


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame of text as a Markdown table."""
    rows = [
        frame.columns,
        ["---"] * frame.shape[1],
        *frame.astype("str").fillna("").to_numpy(),
    ]
    cells = [
        [str(cell).replace("|", "\\|").replace("\n", " ") for cell in row]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def front_page() -> str:
    """Return what stands above the reference: names by task, then tables and rules."""
    named = sorted(" ".join(TASKS.values()).split())
    if named != sorted(ct.__all__):
        raise SystemExit(
            f"names without a task, or twice: {sorted(set(named) ^ set(ct.__all__))}"
        )
    parts = [ct.__doc__ or "", "## Public names by task"]
    for task, names in TASKS.items():
        parts.append(
            f"**{task}**: "
            + ", ".join(f"`certtrust.{name}`" for name in names.split())
        )
    parts.append("## Tables")
    for table in TABLES:
        parts += [f"### {table}", markdown(ct.columns(table))]
    parts += ["## Rules", markdown(ct.rules())]
    return "\n\n".join(parts)


def main(directory: str) -> None:
    """Write the pages."""
    warnings.simplefilter("error")
    for name in ct.__all__:
        setattr(
            ct, name, getattr(ct, name)
        )  # pdoc looks at what is loaded, not at what would be
    ct.__doc__ = front_page()
    pdoc.render.configure(docformat="numpy")
    pdoc.pdoc("certtrust", output_directory=Path(directory))


if __name__ == "__main__":
    main(sys.argv[1])
