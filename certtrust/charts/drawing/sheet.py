"""The sheet that every chart is drawn on: style, margins, headline and legend, measured in points.

A chart either makes a figure of its own or draws into the axes that it is given. Axes that fill
their whole figure leave no room for a headline, so there the sheet sets the margins, and the height
where none is fixed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import CerttrustError
from ...texts.sentences import say
from .text import MISSING, balanced, families, plain, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.patches import Rectangle

WIDTH = 7.5
"""Width in inches of a chart's own figure: a notebook's column, half a slide, a printed page."""

MARGIN = 12.0
HEADROOM = 100.0
"""What headline, legend and margins are reckoned with before they are set, in points."""
TITLE, BODY, SMALL, TINY = 12.5, 9.5, 8.5, 7.0
EMPTY = 30.0
"""Height in points of axes that hold a sentence instead of a drawing."""
NARROW = 330.0
"""Below this width in points a sheet uses a smaller headline, and long labels take two lines."""


class Key(NamedTuple):
    """An entry of a legend: its colour, its words, and whether its area is hatched."""

    colour: str
    words: str
    hatched: bool = False


@dataclass(frozen=True)
class Ink:
    """The colours of a theme that carry no data."""

    background: str
    text: str
    muted: str
    line: str
    grid: str


_INK = (
    "axes.facecolor", "text.color", "xtick.color", "axes.edgecolor", "grid.color",
)  # fmt: skip
"""Where a style keeps the colours of an `Ink`, in their order."""


@dataclass
class Sheet:
    """Axes with their theme and the room that is left in them."""

    ax: Axes
    ink: Ink
    dark: bool
    free: bool
    height: float | None
    headline: float = field(default=0.0)

    @property
    def room(self) -> tuple[float, float]:
        """Width and height of the axes in points."""
        box, dpi = self.ax.get_window_extent(), figure_of(self.ax).dpi
        return box.width / dpi * 72, box.height / dpi * 72

    @property
    def width_inside(self) -> float:
        """Width in points that the axes will have, if nothing stands at their left or right."""
        if not self.free:
            return self.room[0]
        return _size(self.frame)[0] - 2 * MARGIN

    @property
    def frame(self) -> Figure | SubFigure:
        """The figure, or the part of a figure, that the axes lie in."""
        frame = self.ax.get_figure(root=False)
        return figure_of(self.ax) if frame is None else frame

    @property
    def wish(self) -> float | None:
        """Height in points that there is for the content; None where the chart decides."""
        if not self.free:
            return self.room[1]
        height = self._fixed_height
        return None if height is None else max(height - HEADROOM, 20.0)

    @property
    def _fixed_height(self) -> float | None:
        """Height in points that is given, by the caller or by a part of a figure."""
        if self.height is not None:
            return self.height * 72
        is_part = self.frame is not figure_of(self.ax)
        return _size(self.frame)[1] if is_part else None

    def lay_out(
        self,
        chart: str,
        title: str,
        *,
        content: float,
        numbers: str,
        subtitle: str = "",
        legend: Sequence[Key] = (),
        left: float = 0.0,
        right: float = 0.0,
        bottom: float = 0.0,
    ) -> bool:
        """Write the headline, place the axes, and return whether there is something to draw.

        Parameters
        ----------
        chart : str
            Name of the chart, for its sentences.
        title, subtitle : str
            Its headline and the line below it.
        content : float
            Wished height of the axes in points; 0 where there is nothing to draw, which the axes
            then say.
        numbers : str
            What is drawn, in words, for those who cannot see it.
        legend : sequence of Key
            Entries of the legend.
        left, right, bottom : float
            Room outside the axes for their labels, in points.
        """
        filled = content > 0
        if not filled:
            legend, content, left, right, bottom = (), EMPTY, 0.0, 0.0, 0.0
        full = self.width_inside
        size = TITLE if full >= NARROW else TITLE - 1.5
        bold = balanced(plain(title), full, size, bold=True)
        pieces, below = _below_title(self, subtitle, legend, full)
        self.headline = below + len(bold) * size * 1.25 + 4
        if self.free:
            self._place(content, left, right, bottom)
        shift = -left if self.free else 0.0
        self.ax.set_title(
            "\n".join(bold),
            loc="center",
            x=shift / max(self.room[0], 1.0),
            y=1.0,
            pad=below + 4,
            ha="left",
            fontsize=size,
            fontfamily=families(),
            parse_math=False,
        )
        for offset, above, text, colour, points in pieces:
            look = {"color": colour, "fontsize": points}
            self._note_from_corner(text, (shift + offset, above), **look)
        empty = "" if filled else say(f"charts.{chart}.empty")
        if filled:
            words = say(f"charts.{chart}.alt", title=title, numbers=numbers)
        else:
            self._say(empty)
            words = say("charts.shared.empty", title=title, empty=empty)
        self.ax.set_label(words)
        return filled

    def _place(
        self, content: float, left: float, right: float, bottom: float
    ) -> None:
        """Place the axes in their figure, and give it the height that the content needs."""
        figure = figure_of(self.ax)
        top = MARGIN + self.headline
        wide = _size(self.frame)[0]
        high = self._fixed_height or top + content + bottom + MARGIN
        if self.frame is figure:
            figure.set_size_inches(wide / 72, high / 72)
        box = (
            (MARGIN + left) / wide,
            min((MARGIN + bottom) / high, 0.9),
            max((wide - 2 * MARGIN - left - right) / wide, 0.05),
            max((high - top - bottom - MARGIN) / high, 0.05),
        )
        self.ax.set_position(box)

    def in_points(self) -> tuple[float, float]:
        """Make the coordinates points, downwards from the top left; return width and height."""
        wide, high = self.room
        self.ax.set_xlim(0, wide)
        self.ax.set_ylim(high, 0)
        self.ax.set_xticks([])
        self.ax.set_yticks([])
        self.ax.spines["bottom"].set_visible(False)
        return wide, high

    def tile(
        self, corner: tuple[float, float], size: tuple[float, float], **look: Any
    ) -> Rectangle:
        """Draw a coloured rectangle and return it; corner and size are in data coordinates."""
        from matplotlib.patches import Rectangle

        tile = Rectangle(corner, *size, linewidth=0)
        tile.set(facecolor=look["colour"], alpha=look["alpha"])
        self.ax.add_patch(tile)
        return tile

    def note(self, text: str, xy: tuple[float, float], **options: Any) -> Any:
        """Write small text at a place given in data coordinates, or as `xycoords` says."""
        words = plain(text)
        style: dict[str, Any] = {
            "fontsize": SMALL,
            "fontfamily": families(),
            "color": self.ink.muted,
            "textcoords": "offset points",
            "xytext": (0, 0),
            "parse_math": False,
            "annotation_clip": False,
        }
        return self.ax.annotate(words, xy, **{**style, **options})

    def _note_from_corner(
        self, text: str, offset: tuple[float, float], **options: Any
    ) -> None:
        """Write small text so many points from the upper left corner of the axes."""
        self.note(text, (0, 1), xycoords="axes fraction", xytext=offset, **options)

    def _say(self, text: str) -> None:
        """Write a sentence into axes that have nothing to show."""
        self.ax.set_axis_off()
        for number, line in enumerate(wrap(plain(text), self.room[0], BODY)):
            offset = (0.0, -6 - number * BODY * 1.2)
            self._note_from_corner(line, offset, va="top", fontsize=BODY)


class _Piece(NamedTuple):
    """A text of the headline: its offset from the axes' upper left corner, and how it looks."""

    right: float
    above: float
    text: str
    colour: str
    size: float


def _below_title(
    sheet: Sheet, subtitle: str, legend: Sequence[Key], room: float
) -> tuple[list[_Piece], float]:
    """Set subtitle and legend; return their texts and the height that they take."""
    subtitles = wrap(plain(subtitle), room, SMALL)
    keys = _flow(legend, room)
    height = SMALL * (1.45 * len(subtitles) + 1.6 * len(keys)) + 6
    pieces, above = [], height
    for line in subtitles:
        above -= SMALL * 1.45
        pieces.append(_Piece(0.0, above, line, sheet.ink.muted, SMALL))
    for row in keys:
        above -= SMALL * 1.6
        for right, key in row:
            mark = "\u25a8" if key.hatched else "\u25a0"
            pieces.append(_Piece(right, above, mark, key.colour, SMALL + 1))
            pieces.append(_Piece(right + 12, above, key.words, sheet.ink.text, SMALL))
    return pieces, height


def _flow(legend: Sequence[Key], room: float) -> list[list[tuple[float, Key]]]:
    """Set the entries one after another and begin a new line where they do not fit."""
    lines: list[list[tuple[float, Key]]] = []
    right = room
    for key in legend:
        need = 12 + text_width(plain(key.words), SMALL) + 12
        if not lines or right + need - 12 > room:
            lines.append([])
            right = 0.0
        words = wrap(plain(key.words), room - 12, SMALL, lines=1)
        lines[-1].append((right, key._replace(words=words[0] if words else "")))
        right += need
    return lines


def _size(frame: Figure | SubFigure) -> tuple[float, float]:
    """Return width and height in points."""
    points = 72 / frame.dpi
    return frame.bbox.width * points, frame.bbox.height * points


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds the axes."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise CerttrustError(say("errors.charts.axes"))
    return figure


def alternative_text(ax: Axes) -> str:
    """Return what the chart shows, in words, for those who cannot see it.

    Parameters
    ----------
    ax : Axes
        Axes that a chart of this package returned.

    Returns
    -------
    str
        The headline and the numbers behind it; it is kept as the label of the axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> ax.set_label("Three devices fail")
    >>> alternative_text(ax)
    'Three devices fail'
    """
    return str(ax.get_label())


def _is_dark(colour: Any) -> bool:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.4


def _fills_its_figure(ax: Axes) -> bool:
    return bool((abs(ax.get_position().get_points() - [[0, 0], [1, 1]]) < 1e-6).all())


def blank(*, width: float = WIDTH, height: float = 1.0) -> Axes:
    """Return axes that fill a figure unknown to pyplot: for files, not for notebooks."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure.add_axes((0.0, 0.0, 1.0, 1.0))


@contextmanager
def style(theme: str = "light") -> Iterator[None]:
    """Apply the style while a figure is saved: text stays text in SVG, files do not vary by run."""
    import matplotlib.style

    here = resources.files(__package__)
    names = ["certtrust.mplstyle"]
    if theme == "dark":
        names.append("certtrust-dark.mplstyle")
    styled = matplotlib.style.context([str(here / name) for name in names])
    with styled, _silent_about_weights():
        matplotlib.rcParams["font.family"] = families()
        yield


@contextmanager
def _silent_about_weights() -> Iterator[None]:
    """Keep it out of logs that a further font has no bold letters; they are drawn as they are."""

    def is_other(record: logging.LogRecord) -> bool:
        return "font weight" not in record.getMessage()

    logger = logging.getLogger("matplotlib.font_manager")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


@contextmanager
def sheet(
    *,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
) -> Iterator[Sheet]:
    """Open a sheet in the package's style; the style ends with the block."""
    import matplotlib as mpl

    if theme is None:
        behind: Any = mpl.rcParams["figure.facecolor"]
        if ax is not None:
            behind = figure_of(ax).get_facecolor()
        theme = "dark" if _is_dark(behind) else "light"
    if theme not in ("light", "dark"):
        raise CerttrustError(say("errors.charts.theme", theme=repr(theme)))
    if ax is None:
        import matplotlib.pyplot as plt

        # Loads the backend here: a notebook's one sets itself interactive, which the end of the
        # style would undo.
        plt.draw_if_interactive()  # type: ignore[no-untyped-call]
    with style(theme):
        if ax is None:
            figure = plt.figure(figsize=(width, height or 1.0))
            ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        rc: Any = mpl.rcParams
        ink = Ink(*(mpl.colors.to_hex(rc[name]) for name in _INK))
        opened = Sheet(ax, ink, theme == "dark", _fills_its_figure(ax), height)
        _dress(opened)
        yield opened
        _note_missing_letters(opened)


def _dress(opened: Sheet) -> None:
    """Apply the style to axes that were made outside of it."""
    ax, ink = opened.ax, opened.ink
    ax.set_facecolor(ink.background)
    if opened.free:
        figure_of(ax).set_facecolor(ink.background)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(ink.line)
        spine.set_linewidth(0.8)
    ax.tick_params(
        colors=ink.muted, labelsize=SMALL, width=0.8, labelfontfamily=families()
    )
    ax.tick_params(axis="y", length=0)
    ax.set_axisbelow(True)


def _note_missing_letters(opened: Sheet) -> None:
    """Say below the drawing that letters are replaced, and what would show them."""
    ax = opened.ax
    texts = [ax.title, *ax.texts, *ax.get_xticklabels()]
    if any(MISSING in text.get_text() for text in texts):
        words = wrap(say("charts.shared.letters"), opened.width_inside, TINY, lines=1)
        corner: dict[str, Any] = {
            "xycoords": "axes fraction",
            "xytext": (0, -MARGIN - SMALL),
        }
        if opened.free:
            corner = {"xycoords": opened.frame.transSubfigure, "xytext": (MARGIN, 2)}
        note = words[0] if words else ""
        opened.note(note, (0, 0), va="bottom", fontsize=TINY, **corner)
