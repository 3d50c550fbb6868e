"""Charts in every size: no text covers another one, and none leaves the figure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations as pairs
from typing import Any

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from test_charts_frames import (
    make_actions,
    make_certificates,
    make_predictions,
    make_results,
)
from thoroughness import first

from certtrust import charts

Draw = Callable[..., Axes]

OF_RESULTS: dict[str, Draw] = {
    "causes": charts.causes,
    "timeline": charts.timeline,
    "heatmap": charts.heatmap,
    "combinations": charts.combinations,
    "compared": charts.compared,
    "name_fit": charts.name_fit,
}
SIZES = {
    "phone": {"width": 3.8},
    "notebook": {"width": 7.5},
    "slide": {"width": 12.0, "height": 5.0},
}


class Recorder(RendererAgg):
    """A renderer that records every line of text that it draws, and where."""

    def __init__(self, figure: Figure) -> None:
        """Take the size of the figure."""
        super().__init__(*figure.bbox.size, figure.dpi)
        self.drawn: list[tuple[str, Bbox]] = []

    def draw_text(
        self,
        _gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        **_options: Any,
    ) -> None:
        """Record the line with the box that it would cover, in pixels from the lower left."""
        assert angle == 0
        width, height, descent = self.get_text_width_height_descent(
            s, prop, ismath=False
        )
        if s.strip():
            self.drawn.append(
                (s, Bbox.from_bounds(x, self.height - y - descent, width, height))
            )


def drawn_texts(ax: Axes) -> list[tuple[str, Bbox]]:
    """Return every line of text that is drawn, with the box that it covers in pixels."""
    figure = charts.figure_of(ax)
    recorder = Recorder(figure)
    figure.draw(recorder)
    return recorder.drawn


def assert_readable(ax: Axes, *, inside: bool = True) -> None:
    """Fail where two texts overlap by more than a pixel, or one leaves the figure."""
    texts = drawn_texts(ax)
    assert set(filter(None, ax.get_title().split("\n"))) <= {text for text, _ in texts}
    frame = charts.figure_of(ax).bbox
    for (one, a), (other, b) in pairs(texts, 2):
        wide, high = (
            min(a.x1, b.x1) - max(a.x0, b.x0),
            min(a.y1, b.y1) - max(a.y0, b.y0),
        )
        assert wide <= 1 or high <= 1, (
            f"{one!r} and {other!r} overlap by {wide:.0f} x {high:.0f} pixels"
        )
    for text, box in texts if inside else []:
        assert box.x0 >= frame.x0 - 1, f"{text!r} leaves the figure at the left"
        assert box.x1 <= frame.x1 + 1, f"{text!r} leaves the figure at the right"
        assert box.y0 >= frame.y0 - 1, f"{text!r} leaves the figure at the bottom"
        assert box.y1 <= frame.y1 + 1, f"{text!r} leaves the figure at the top"


def fresh(size: dict[str, float]) -> dict[str, object]:
    """Return arguments for drawing on a new figure of that size, unknown to pyplot."""
    return {"ax": charts.blank(width=size["width"]), "height": size.get("height")}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", first([0, 30, 1, 10], 2))
@pytest.mark.parametrize("chart", OF_RESULTS)
def test_no_text_overlaps(chart: str, count: int, size: str) -> None:
    """Every chart of results is readable with zero to thirty causes, on a phone, in a notebook
    and on a slide.
    """
    results = make_results(causes=count, rows=500)
    assert_readable(OF_RESULTS[chart](results, **fresh(SIZES[size])))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", first([30, 0, 1], 2))
def test_no_text_overlaps_in_charts_of_other_frames(count: int, size: str) -> None:
    """Ends of certificates, forecasts and remedies are readable in every size."""
    assert_readable(
        charts.expiry(
            make_certificates(count), today="2026-11-23", **fresh(SIZES[size])
        )
    )
    assert_readable(charts.forecast(make_predictions(count), **fresh(SIZES[size])))
    assert_readable(charts.remedies(make_actions(count), **fresh(SIZES[size])))


@pytest.mark.parametrize("chart", first(OF_RESULTS, 3))
def test_a_hundred_thousand_devices(chart: str, large: pd.DataFrame) -> None:
    """Large numbers fit: 400,000 attempts of 100,000 devices, on the narrowest page."""
    assert_readable(OF_RESULTS[chart](large, **fresh(SIZES["phone"])))


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    """Return RESULTS of 100,000 devices."""
    return make_results(causes=30, rows=400_000)


@pytest.mark.parametrize("chart", OF_RESULTS)
def test_charts_side_by_side(chart: str) -> None:
    """In two axes of one figure, each chart folds what does not fit and stays in its axes."""
    figure = Figure(figsize=(12, 4.5))
    left, right = figure.subplots(1, 2, gridspec_kw={"top": 0.6, "wspace": 0.3})
    results = make_results(causes=30, rows=500)
    OF_RESULTS[chart](results, ax=left)
    OF_RESULTS[chart](results, ax=right)
    assert_readable(left, inside=False)


def test_overlapping_text_is_found() -> None:
    """The check itself detects a text over another one, and one that leaves the figure."""
    ax = charts.causes(make_results(causes=3, rows=100), **fresh(SIZES["phone"]))
    assert_readable(ax)
    word = ax.annotate(
        "over the title",
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 40),
        textcoords="offset points",
    )
    with pytest.raises(AssertionError, match="overlap"):
        assert_readable(ax)
    word.set_position((260, -300))
    with pytest.raises(AssertionError, match="leaves the figure"):
        assert_readable(ax)


@pytest.mark.parametrize("days", [0.0005, 0.04, 2, 40, 400, 3000, 30_000])
def test_timeline_of_minutes_and_of_decades(days: float) -> None:
    """A log of a minute, of years or of decades gives at most 131 steps, all failures, and
    readable dates.
    """
    results = make_results(causes=4, rows=300, days=days)
    counts = charts.failures_over_time(results)
    assert len(counts) <= 131
    assert counts["logged"].sum() == 300
    assert (
        counts.drop(columns="logged").to_numpy().sum()
        == (results["observed"] == "failed").sum()
    )
    for size in SIZES.values():
        ax = charts.timeline(results, **fresh(size))
        assert_readable(ax)
        assert len(ax.get_xticklabels()) >= (days > 0.001)


def test_long_and_foreign_names_are_cut_to_fit() -> None:
    """Long, foreign, multi-line and formula-like names are drawn as text on one line, shortened
    with an ellipsis.
    """
    hostile = [
        "$x^2$ and $\\frac{1}",
        "line\nbreak\x00\u202e",
        "\u96fb\u8a71" * 40,
        "w" * 300,
        "<script>alert(1)</script>",
    ]
    results = make_results(causes=4, rows=300)
    results["pbx"] = pd.Series(hostile * 60, dtype="str")
    results["subject_cn"] = results["pbx"]
    for chart in ("heatmap", "name_fit", "causes"):
        ax = OF_RESULTS[chart](results, **fresh(SIZES["phone"]))
        assert_readable(ax)
        assert all(
            letter.isprintable() or letter == "\n"
            for text, _ in drawn_texts(ax)
            for letter in text
        )
