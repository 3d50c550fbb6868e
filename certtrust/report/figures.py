"""The charts of a report: how one becomes SVG inside a page or a PNG beside it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from .. import charts
from ..charts.drawing.palette import BAD, CAUSE_COLOURS, FURTHER, GOOD, OTHER
from ..texts.markup import Markup, tag
from ..whole_files import replacing
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
    draw = charts.CHARTS[name].drawer(report)
    return figure_of(name, lambda ax: draw(ax=ax, theme="light"))


def figure_of(name: str, draw: Callable[[Axes], Axes]) -> Markup:
    """Return what a function draws as an HTML figure, once for wide and once for narrow pages."""
    drawings = []
    for kind, width in (("desk", WIDE), ("phone", NARROW)):
        ax = draw(charts.blank(width=width))
        alternative = charts.alternative_text(ax)
        drawings.append(
            _fit_for_page(_drawn(ax), f"{name}-{kind}", kind, alternative)
        )
    return tag("figure", drawings, id=f"chart-{name}")


def _drawn(ax: Axes) -> ElementTree.Element:
    """Return the chart as matplotlib writes it in SVG."""
    buffer = io.BytesIO()
    without_date = {"Date": None, "Creator": None}
    with charts.style():
        charts.figure_of(ax).savefig(buffer, format="svg", metadata=without_date)
    return ElementTree.fromstring(buffer.getvalue())  # noqa: S314 - matplotlib's own


def _fit_for_page(
    drawing: ElementTree.Element, prefix: str, kind: str, alternative: str
) -> Markup:
    """Return the drawing without size and style sheet, with ids that no other drawing has."""
    for part in (f"{SVG}metadata", f"{SVG}defs[{SVG}style]"):
        for element in drawing.findall(part):
            drawing.remove(element)
    for element in drawing.iter():
        element.tag = element.tag.removeprefix(SVG)
        element.attrib = {
            name.removeprefix(XLINK): _attribute(name, value, prefix)
            for name, value in element.attrib.items()
        }
    width, height = map(float, drawing.attrib["viewBox"].split()[2:])
    drawing.attrib = {
        "class": kind,
        "viewBox": f"{MARGIN} 0 {width - 2 * MARGIN:g} {height:g}",
        "role": "img",
        "aria-label": alternative,
    }
    return Markup(ElementTree.tostring(drawing, encoding="unicode"))


def _attribute(name: str, value: str, prefix: str) -> str:
    """Return the value with prefixed ids, the page's fonts, and colours that follow its theme."""
    if name == "id":
        return f"{prefix}-{value}"
    if name == f"{XLINK}href":
        return f"#{prefix}-{value[1:]}"
    value = value.replace("url(#", f"url(#{prefix}-").replace("'DejaVu Sans'", FONTS)
    return re.sub(r"#[0-9a-f]{6}\b", _variable, value)


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
            write_picture(partial(chart.of_report, report, theme=theme), path)
            written.append(path)
    return written


def write_picture(draw: Callable[[Axes], Axes], path: Path) -> None:
    """Write what a function draws as PNG."""
    with charts.style():
        drawing = charts.figure_of(draw(charts.blank()))
        with replacing(path) as new:
            drawing.savefig(new, format="png", dpi=200, metadata={"Software": None})
