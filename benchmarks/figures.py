"""Figures of benchmarks as data: each script writes its own with `--json FILE`."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Figure:
    """What one kind of work took, and what others took for the same in the same run.

    Parameters
    ----------
    work : str
        What was done, with its size: "100,000 certificates from PEM".
    value : float
        What it took.
    unit : str
        Of the value and of `against`: "µs per certificate", "s".
    against : dict
        What others took, by their names, in the same unit; ratios hold on other machines.
    note : str
        What else belongs to the figure, such as memory.
    """

    work: str
    value: float
    unit: str
    against: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def timed(
    work: Callable[[], Result],
    clock: Callable[[], float] = time.process_time,
    runs: int = 1,
) -> tuple[float, Result]:
    """Return the median seconds that a call takes, and its last result."""
    spent = []
    for _ in range(runs):
        start = clock()
        result = work()
        spent.append(clock() - start)
    return statistics.median(spent), result


def write(path: Path | None, figures: Iterable[Figure]) -> None:
    """Write figures as JSON, where a path was given."""
    if path is not None:
        rows = [asdict(figure) for figure in figures]
        path.write_text(
            json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8"
        )


def read(path: Path) -> list[Figure]:
    """Return the figures that `write` wrote."""
    return [Figure(**row) for row in json.loads(path.read_text("utf-8"))]


def shown(value: float) -> str:
    """Return a value with two digits that tell something: 0.052, 3.4, 120.

    >>> shown(0.0523), shown(3.42), shown(119.7)
    ('0.052', '3.4', '120')
    """
    if value == 0:
        return "0"
    digits = 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def ratios(figure: Figure) -> str:
    """Return how many times as long the others took."""
    return ", ".join(
        f"{name} {shown(other / figure.value)}x"
        for name, other in figure.against.items()
    )


def table(figures: Iterable[Figure]) -> str:
    """Return figures as a table in Markdown."""
    rows = ["| work | takes | others, times as long |", "|---|---|---|"]
    for figure in figures:
        note = f"; {figure.note}" if figure.note else ""
        taken = f"{shown(figure.value)} {figure.unit}{note}"
        rows.append(f"| {figure.work} | {taken} | {ratios(figure)} |")
    return "\n".join(rows)
