"""A chart in both themes: a notebook shows the one that goes with it, light or dark."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ..drawing.sheet import WIDTH, alternative_text, blank, figure_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 144
CLASS = "certtrust-chart"

SWITCH = (
    "body[data-jp-theme-light=false]",  # JupyterLab, Notebook 7, Voila
    "body.vscode-dark",
    "body.vscode-high-contrast:not(.vscode-high-contrast-light)",
    "html[theme=dark]",  # Colab
)
"""What a page says of itself where it is dark."""


@dataclass(frozen=True)
class Themed:
    """A chart as pictures in both themes, with its words for those who cannot see it."""

    light: bytes
    dark: bytes
    width: int
    words: str

    def _repr_html_(self) -> str:
        dark = ",".join(f"{page} .{CLASS}-dark" for page in SWITCH)
        light = ",".join(f"{page} .{CLASS}-light" for page in SWITCH)
        # The second picture is hidden by itself, too, where a style sheet is not let in.
        return (
            f"<style>{dark}{{display:inline !important}}"
            f"{light}{{display:none !important}}</style>"
            f"{self._picture('light', '')}{self._picture('dark', ';display:none')}"
        )

    def _picture(self, theme: str, hidden: str) -> str:
        data = base64.b64encode(getattr(self, theme)).decode("ascii")
        return (
            f'<img class="{CLASS}-{theme}" alt="{escape(self.words)}" '
            f'style="width:{self.width}px;max-width:100%{hidden}" '
            f'src="data:image/png;base64,{data}">'
        )

    def __repr__(self) -> str:
        """Return what the chart shows, in words."""
        return self.words


def themed(
    draw: Callable[..., Axes], *arguments: Any, width: float = WIDTH, **options: Any
) -> Themed:
    r"""Draw a chart light and dark, for a notebook that shows the one that goes with its theme.

    Parameters
    ----------
    draw : function
        A chart of `certtrust.charts`.
    *arguments, **options
        What it draws, and its options.
    width : float
        Width in inches.

    Returns
    -------
    Themed
        What a notebook shows where it ends a cell: in JupyterLab, Notebook 7, Voila, VS Code and
        Colab the picture of the theme, elsewhere the light one; with a text for screen readers.

    Examples
    --------
    >>> import certtrust as ct
    >>> results = ct.check(ct.attempts(ct.simulate(20, seed=1)))
    >>> ct.charts.themed(ct.charts.causes, results).light.startswith(b"\x89PNG")
    True
    """
    pictures: dict[str, bytes] = {}
    words = ""
    for theme in ("light", "dark"):
        with style(theme), io.BytesIO() as stream:
            ax = draw(*arguments, ax=blank(width=width), theme=theme, **options)
            optimised = {"optimize": True}
            figure_of(ax).savefig(stream, dpi=DPI, pil_kwargs=optimised)
            pictures[theme] = stream.getvalue()
        words = alternative_text(ax)
    return Themed(**pictures, width=round(width * 96), words=words)
