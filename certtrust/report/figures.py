"""The charts of a report: how one becomes SVG inside a page or a PNG beside it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from .. import charts
from ..charts.drawing.palette import BAD, CAUSE_COLOURS, FURTHER, GOOD, OTHER
from ..texts.markup import Markup, tag
from .content import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, NARROW = 7.5, 3.8
"""Widths in inches of the drawings for a desk and for a phone; the page shows what fits."""

MARGIN = 10
"""Points cut off at the left and right of a drawing, so that it lines up with the page's text."""

INK = {
    "#ffffff": "#15181d",
    "#1b2026": "#e9edf1",
    "#59626d": "#a3adb8",
    "#b4bac2": "#5c656f",
    "#e3e6ea": "#2c323a",
}
"""Colours of the light style and what they are on a dark page."""

FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


def dark_colours() -> dict[str, str]:
    """Return what each colour of a drawing becomes on a dark page."""
    return INK | dict([*CAUSE_COLOURS.values(), *FURTHER, OTHER, GOOD, BAD])


def figure(report: Report, name: str) -> Markup:
    """Return the chart as an HTML figure with a drawing for wide and one for narrow pages."""
    drawings = []
    for kind, width in (("desk", WIDE), ("phone", NARROW)):
        ax = charts.CHARTS[name].of_report(report, charts.blank(width=width))
        drawings.append(_svg(ax, f"{name}-{kind}", kind))
    return tag("figure", drawings, id=f"chart-{name}")


def _svg(ax: Axes, prefix: str, kind: str) -> Markup:
    """Return the drawing as SVG fit for a page: no size, no style sheet, ids of its own."""
    buffer = io.BytesIO()
    with charts.style():
        charts.figure_of(ax).savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None}
        )
    drawing = ElementTree.fromstring(buffer.getvalue())  # noqa: S314 - matplotlib has just written it
    width, height = map(float, drawing.attrib["viewBox"].split()[2:])
    for part in [
        *drawing.iterfind(f"{SVG}metadata"),
        *drawing.iterfind(f"{SVG}defs[{SVG}style]"),
    ]:
        drawing.remove(part)
    for element in drawing.iter():
        element.tag = element.tag.removeprefix(SVG)
        element.attrib = {
            name.removeprefix(XLINK): _fitted(name, value, prefix)
            for name, value in element.attrib.items()
        }
    drawing.attrib = {
        "class": kind,
        "viewBox": f"{MARGIN} 0 {width - 2 * MARGIN:g} {height:g}",
        "role": "img",
        "aria-label": charts.alternative_text(ax),
    }
    return Markup(ElementTree.tostring(drawing, encoding="unicode"))


def _fitted(name: str, value: str, prefix: str) -> str:
    """Return an attribute with ids of its own, the page's fonts, and colours that follow it."""
    if name == "id":
        return f"{prefix}-{value}"
    value = (
        f"#{prefix}-{value[1:]}"
        if name == f"{XLINK}href"
        else value.replace("url(#", f"url(#{prefix}-")
    )
    return re.sub(r"#[0-9a-f]{6}\b", _variable, value.replace("'DejaVu Sans'", FONTS))


def _variable(match: re.Match[str]) -> str:
    colour = match.group()
    return f"var(--c{colour[1:]},{colour})" if colour in dark_colours() else colour


def write_pictures(report: Report, directory: Path) -> list[Path]:
    """Write every chart as PNG, light and dark, and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, chart in charts.CHARTS.items():
        for theme, ending in (("light", ""), ("dark", "-dark")):
            path = directory / f"{name}{ending}.png"
            with charts.style():
                drawing = charts.figure_of(
                    chart.of_report(report, charts.blank(), theme=theme)
                )
                drawing.savefig(path, dpi=200, metadata={"Software": None})
            written.append(path)
    return written
