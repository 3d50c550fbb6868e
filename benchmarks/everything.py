"""Run all benchmarks and write their figures to one file, with a chart: `make benchmark`.

`python benchmarks/everything.py [--full] [--keep] [SCRIPT...]`. Small sizes take a few minutes;
`--full` runs the sizes of the README, best on a machine that does nothing else. The figures go
into `build/benchmarks.json` and the chart into `build/benchmarks.png`. `--keep` also puts them
into `benchmarks/figures.json`, in place of those of the same scripts, and writes the tables of the
README and of `benchmarks/README.md` from it.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import figures
from figures import Figure

HERE = Path(__file__).parent
KEPT = HERE / "figures.json"
SPECIAL = ("names.py",)
"""Scripts whose figures stand in `benchmarks/README.md` alone."""
READMES = {HERE.parent / "README.md": SPECIAL, HERE / "README.md": ()}
"""The files that have a table of the kept figures, and the scripts that it leaves out."""
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
RUNS: dict[str, tuple[list[str], list[str]]] = {
    "certificates.py": (
        ["--sizes", "20000", "--repeats", "3"],
        ["--sizes", "100000", "1000000"],
    ),
    "registrations.py": (["500000"], ["5000000"]),
    "names.py": (["200000"], ["1000000"]),
    "captures.py": (["100"], ["1000"]),
    "trust.py": (["10000"], ["100000"]),
    "advice.py": (["10000", "100000"], ["100000", "1000000"]),
    "report.py": (["5000", "10000"], ["10000", "100000", "1000000"]),
    "scale.py": (["--devices", "10000"], ["--devices", "200000", "--kill"]),
}
"""The arguments of each script, small and full."""


def main() -> None:
    """Run, gather, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help="these alone")
    parser.add_argument("--full", action="store_true", help="the sizes of the README")
    parser.add_argument("--keep", action="store_true", help="write the tables")
    options = parser.parse_args()
    build = Path("build")
    build.mkdir(exist_ok=True)
    scripts = options.scripts or list(RUNS)
    measured = {script: _measured(script, full=options.full) for script in scripts}
    text = as_json(measured)
    (build / "benchmarks.json").write_text(text, "utf-8")
    every = [figure for rows in measured.values() for figure in rows]
    draw(every, build / "benchmarks.png")
    print(figures.table(every))
    if options.keep:
        kept = figures_of(KEPT) if KEPT.exists() else {}
        KEPT.write_text(as_json(kept | measured), "utf-8")
        for readme, left_out in READMES.items():
            written = with_table(readme.read_text("utf-8"), KEPT, left_out)
            readme.write_text(written, "utf-8")


def _measured(script: str, *, full: bool) -> list[Figure]:
    sizes = RUNS[script][full]
    print(f"{script} {' '.join(sizes)}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        command = [sys.executable, str(HERE / script), *sizes, "--json", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return figures.read(path)


def as_json(measured: Mapping[str, list[Figure]]) -> str:
    """Return figures by script, with the machine, as JSON."""
    rows = {
        script: [asdict(one) for one in measured[script]]
        for script in RUNS
        if script in measured
    }
    content = {"machine": machine(), "figures": rows}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def figures_of(path: Path) -> dict[str, list[Figure]]:
    """Return the figures of a file by script."""
    rows = json.loads(path.read_text("utf-8"))["figures"]
    return {script: [Figure(**row) for row in part] for script, part in rows.items()}


def machine() -> dict[str, str]:
    """Return what the figures were measured on."""
    packages = ("cryptography", "pandas", "numpy", "pyarrow")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def with_table(readme: str, kept: Path, left_out: Sequence[str] = ()) -> str:
    """Return a README with the table of the kept figures between its two marks."""
    rows = [
        figure
        for script, part in figures_of(kept).items()
        if script not in left_out
        for figure in part
    ]
    where = json.loads(kept.read_text("utf-8"))["machine"]
    versions = ", ".join(
        f"{name} {where[name].rpartition('.')[0]}"
        for name in ("python", "cryptography", "pandas")
    )
    heading = (
        f"On {where['cores']} cores ({versions}); ratios hold better than times."
    )
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{heading}\n\n{figures.table(rows)}\n{END}{after}"


def draw(measured: list[Figure], path: Path) -> None:
    """Draw how many times as long others take, a bar for each, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    bars = [
        (f"{figure.work}: {name}", other / figure.value)
        for figure in measured
        for name, other in figure.against.items()
    ]
    drawing, axes = plt.subplots(
        figsize=(10, 1 + 0.28 * len(bars)), layout="constrained"
    )
    labels, values = zip(*reversed(bars), strict=True)
    colours = ["#0072B2" if value >= 1 else "#D55E00" for value in values]
    axes.barh(labels, [value - 1 for value in values], left=1, color=colours)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel(
        "times as long as certtrust (logarithmic); below 1 others are faster"
    )
    slower = sum(value >= 1 for value in values)
    axes.set_title(f"{slower} of {len(values)} other ways take longer", loc="left")
    for row, value in enumerate(values):
        is_slower = value >= 1
        axes.annotate(
            f"{figures.shown(value)}x",
            (value, row),
            (4 if is_slower else -4, 0),
            textcoords="offset points",
            va="center",
            ha="left" if is_slower else "right",
            fontsize=8,
        )
    axes.margins(x=0.15, y=0.01)
    axes.tick_params(labelsize=8)
    drawing.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
