"""The charts of a report: which there are, and how one becomes SVG inside a page or a PNG beside it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from .. import charts
from ..charts.drawing.palette import BAD, CAUSE_COLOURS, FURTHER, GOOD, OTHER
from ..texts.markup import Markup, tag
from .content import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[[Report, "Axes", str], "Axes"]

FIGURES: dict[str, Draw] = {
    "causes": lambda report, ax, theme: charts.causes(report.results, ax=ax, theme=theme),
    "remedies": lambda report, ax, theme: charts.remedies(report.remedies, ax=ax, theme=theme),
    "timeline": lambda report, ax, theme: charts.timeline(report.results, ax=ax, theme=theme),
    "heatmap": lambda report, ax, theme: charts.heatmap(report.results, _grouping(report), ax=ax, theme=theme),
    "combinations": lambda report, ax, theme: charts.combinations(report.results, ax=ax, theme=theme),
    "compared": lambda report, ax, theme: charts.compared(report.results, ax=ax, theme=theme),
    "trust_tree": lambda report, ax, theme: charts.trust_tree(report.fleet, ax=ax, theme=theme),
    "name_fit": lambda report, ax, theme: charts.name_fit(report.results, ax=ax, theme=theme),
    "expiry": lambda report, ax, theme: charts.expiry(_certificates(report), today=report.made, ax=ax, theme=theme),
    "forecast": lambda report, ax, theme: charts.forecast(report.forecast, ax=ax, theme=theme),
}
"""The charts of the page, by name."""

WIDE, NARROW = 7.5, 3.8
"""Widths in inches of the drawing for a desk and of the one for a phone; the page shows the one that fits."""

MARGIN = 10
"""Points at the left and right of a drawing that are cut off, so that it lines up with the page's text."""

INK = {
    "#ffffff": "#15181d",
    "#1b2026": "#e9edf1",
    "#59626d": "#a3adb8",
    "#b4bac2": "#5c656f",
    "#e3e6ea": "#2c323a",
}
"""Colours of the light style and what they are on a dark page."""

FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"

_COLOUR = re.compile(r"#[0-9a-f]{6}\b")


def dark_colours() -> dict[str, str]:
    """Return what each colour of a drawing becomes on a dark page."""
    return INK | dict([*CAUSE_COLOURS.values(), *FURTHER, OTHER, GOOD, BAD])


def _grouping(report: Report) -> str:
    """Return the column to group causes by: PBXs where there are several, else models."""
    return "pbx" if len(report.results["pbx"].dropna().unique()) > 1 else "model"


def _certificates(report: Report) -> pd.DataFrame:
    return pd.concat([report.fleet.certificates, report.fleet.trust], ignore_index=True)


def figure(report: Report, name: str) -> Markup:
    """Return the chart as an HTML figure with a drawing for wide and one for narrow pages."""
    drawings = []
    for kind, width in (("desk", WIDE), ("phone", NARROW)):
        ax = FIGURES[name](report, charts.blank(width=width), "light")
        drawings.append(_svg(ax, f"{name}-{kind}", kind))
    return tag("figure", drawings, id=f"chart-{name}")


def _svg(ax: Axes, prefix: str, kind: str) -> Markup:
    """Return the drawing as an SVG element fit for a page: no size, no style sheet, ids of its own."""
    buffer = io.StringIO()
    with charts.style():
        charts.figure_of(ax).savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, count=1, flags=re.DOTALL)
    drawing = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", drawing, count=1, flags=re.DOTALL)
    head, body = drawing.split(">", 1)
    width, height = _size(head)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    # Tags only: a name that is drawn may itself look like a colour or an id.
    body = re.sub(r"<[^>]*>", lambda found: _fitted(found.group(), prefix), body)
    box = f"{MARGIN} 0 {width - 2 * MARGIN:g} {height:g}"
    seen = tag("svg", Markup("\n"), class_=kind, viewBox=box, role="img", aria_label=charts.alternative_text(ax))
    return Markup(seen.removesuffix("</svg>") + body.strip())


def _fitted(element: str, prefix: str) -> str:
    """Return a tag of a drawing with ids of its own, the page's fonts, and colours that follow the page."""
    element = re.sub(r'\bid="', f'id="{prefix}-', element)
    element = re.sub(r"url\(#", f"url(#{prefix}-", element)
    element = re.sub(r'xlink:href="#', f'href="#{prefix}-', element)
    return _COLOUR.sub(_variable, element.replace("'DejaVu Sans'", FONTS))


def _size(head: str) -> tuple[float, float]:
    """Return width and height that the opening tag of a drawing names."""
    numbers = head.split('viewBox="', 1)[1].split('"', 1)[0].split()
    return float(numbers[2]), float(numbers[3])


def _variable(found: re.Match[str]) -> str:
    colour = found.group()
    return f"var(--c{colour[1:]},{colour})" if colour in dark_colours() else colour


def write_pictures(report: Report, directory: Path) -> list[Path]:
    """Write every chart as PNG, light and dark, and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in FIGURES.items():
        for theme in ("light", "dark"):
            path = directory / (f"{name}.png" if theme == "light" else f"{name}-dark.png")
            with charts.style():
                charts.figure_of(draw(report, charts.blank(), theme)).savefig(
                    path, dpi=200, metadata={"Software": None}
                )
            written.append(path)
    return written
