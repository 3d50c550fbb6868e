"""Draw the pictures of the charts for the README, light and dark: `python notebooks/gallery.py`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

import certtrust as ct
from certtrust.charts import CHARTS, blank, dashboard, figure_of, style
from certtrust.report import explain_fleet

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
GALLERY = PICTURES / "gallery"
OF_README = ("causes", "trust_tree")
"""Charts that the README of the project shows, too."""
DPI = 80


def main() -> int:
    """Draw every chart of the example fleet, the ladder of the example capture, and a slide."""
    GALLERY.mkdir(parents=True, exist_ok=True)
    report = explain_fleet(ct.read_fleet(HERE / "../data/fleet"))
    wire = explain_fleet(ct.read_fleet(HERE / "../data/wire"))
    for theme in ("light", "dark"):
        with style(theme):
            for name, chart in CHARTS.items():
                source = wire if name == "ladder" else report
                figure = figure_of(chart.of_report(source, blank(), theme=theme))
                _save(figure, GALLERY / f"{name}-{theme}.png")
                if name in OF_README:
                    ending = "-dark" if theme == "dark" else ""
                    _save(figure, PICTURES / f"{name}{ending}.png", dpi=160)
            by_model = CHARTS["causes"].draw(
                report.results, "model", ax=blank(), theme=theme
            )
            _save(figure_of(by_model), GALLERY / f"causes-by-model-{theme}.png")
            slide = dashboard(report.results, actions=report.remedies, theme=theme)
            _save(slide, GALLERY / f"dashboard-{theme}.png")
    return 0


def _save(figure: Figure, path: Path, *, dpi: int = DPI) -> None:
    """Save a picture with few colours, which is a third as large."""
    with io.BytesIO() as stream:
        figure.savefig(stream, dpi=dpi)
        picture = Image.open(stream).convert("RGB").quantize(128)
        picture.save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
