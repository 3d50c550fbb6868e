"""What a chart is to the page, the pictures and the docs: one record, made beside its function."""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from ...errors import CerttrustError
from ...texts.sentences import sentences
from .sheet import sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SENTENCES = ("title", "nothing", "empty", "alt")
"""What each chart says: its headline, the headline and the sentence of one that has nothing to
draw, and the words for those who cannot see it."""


class Canvas(TypedDict, total=False):
    """Where and how a chart is drawn."""

    ax: Axes | None
    width: float
    height: float | None
    theme: str | None


Feed = Callable[[Any], Mapping[str, Any]]
"""Returns the arguments that a report, `certtrust.report.Report`, has for a chart."""

Draw = TypeVar("Draw", bound="Callable[..., Axes]")


@dataclass(frozen=True)
class Chart:
    """A chart as the report knows it.

    Parameters
    ----------
    name : str
        Its function, its file and its table of sentences are called so.
    section : str, optional
        The section of the report's page that it stands in, a key of `[report.sections]`; None for
        one that is drawn from more than one report holds.
    draw : function
        What draws it.
    feed : function
        Returns the arguments that a report has for it: those of `draw_numbers`, else of `draw`.
    draw_numbers : function, optional
        What draws numbers that are counted already.
    """

    name: str
    section: str | None
    draw: Callable[..., Axes]
    feed: Feed | None
    draw_numbers: Callable[..., Axes] | None = None

    def of_report(self, report: Any, ax: Axes, *, theme: str = "light") -> Axes:
        """Draw what the report holds; only a chart of a section can be."""
        return self.drawer(report)(ax=ax, theme=theme)

    def drawer(self, report: Any) -> Callable[..., Axes]:
        """Return what draws the report on any Axes, its numbers counted once."""
        assert self.feed is not None  # noqa: S101 - `charts_of` has checked it
        return partial(self.draw_numbers or self.draw, **self.feed(report))


def chart(
    *,
    section: str | None = None,
    feed: Feed | None = None,
    draw_numbers: Callable[..., Axes] | None = None,
) -> Callable[[Draw], Draw]:
    """Make a function a chart, with its record and the options that all charts share."""

    def recorded(draw: Draw) -> Draw:
        record = Chart(draw.__name__, section, draw, feed, draw_numbers)
        vars(draw).update(chart=record, __signature__=_signature(draw))
        draw.__doc__ = inspect.cleandoc(draw.__doc__ or "").replace(_SHORT, _OPTIONS)
        return draw

    return recorded


_SHORT = """\
**canvas
    Where and how to draw: ax, width, height, theme."""

_OPTIONS = """\
ax : Axes, optional
    Where to draw; a new figure without it. Axes that fill their whole figure leave its
    margins, and its height where `height` is not given, to the chart.
width, height : float, optional
    Size of a new figure in inches; without a height the chart takes what it needs.
theme : {"light", "dark"}, optional
    Colours; without it the background of `ax` decides, for a new figure matplotlib's
    `figure.facecolor`: light, or dark after `plt.style.use("dark_background")`."""


def _signature(draw: Callable[..., Axes]) -> inspect.Signature:
    """Return the signature with `**canvas` written out."""
    own = inspect.signature(draw)
    kept = [
        part for part in own.parameters.values() if part.kind is not part.VAR_KEYWORD
    ]
    return own.replace(
        parameters=[*kept, *inspect.signature(sheet).parameters.values()]
    )


def charts_of(package: str, exported: Iterable[object]) -> dict[str, Chart]:
    """Return the charts of a report among what a package exports, in that order, by name.

    Parameters
    ----------
    package : str
        The folder of charts, as a dotted name; each of its modules is a chart.
    exported : iterable
        What it imports from them.

    Raises
    ------
    CerttrustError
        If a module's chart is not among them, or lacks its section or a sentence: the message says
        what.
    """
    records = [getattr(draw, "chart", None) for draw in exported]
    charts = {record.name: record for record in records if isinstance(record, Chart)}
    for module in pkgutil.iter_modules(sys.modules[package].__path__):
        if module.name not in charts and not module.ispkg:
            raise CerttrustError(
                f"{package}.{module.name} is in no list: a chart needs the line "
                f"`from .{module.name} import {module.name} as {module.name}` in {package}, "
                f"and `@chart` above its "
                "function of that name"
            )
    for record in charts.values():
        _check(record)
    return {name: record for name, record in charts.items() if record.section}


def _check(record: Chart) -> None:
    texts = sentences("en")
    lacking = [
        part for part in SENTENCES if part not in texts["charts"].get(record.name, {})
    ]
    if lacking:
        raise CerttrustError(
            f"[charts.{record.name}] in texts/en.toml lacks {', '.join(lacking)}"
        )
    sections = texts["report"]["sections"]
    if record.section is None and record.feed is None:
        return
    if record.section not in sections or record.feed is None:
        raise CerttrustError(
            f"the chart {record.name} names the section {record.section!r}; those of the page "
            f"are {', '.join(sections)}"
        )
