"""A slider over the life of a certificate: from before its issue to beyond its expiry."""

from __future__ import annotations

from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from ..texts.dates import in_utc
from ..texts.sentences import in_its_language
from .controls import action, field
from .styling import minute

STEPS = 120
_LAST = pd.Timestamp("9999-12-31", tz="UTC")

Position = tuple[str, pd.Timestamp]
"""What the slider says at a moment."""


def positions(
    begin: pd.Timestamp, end: pd.Timestamp, *also: pd.Timestamp
) -> list[Position]:
    """Return the slider's positions: evenly spread over the span, and the given ones exactly.

    Examples
    --------
    >>> begin, end = pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2030-01-01", tz="UTC")
    >>> [label for label, _ in positions(begin, end)][::60]
    ['2019-07-02', '2025-02-25', '2030-10-23']
    """
    begin, end = begin.as_unit("us"), max(begin, end).as_unit("us")
    day = pd.Timedelta(days=1).as_unit("us")
    span = max(end - begin, 20 * day)
    first = begin - span // 20
    last = end + min(span // 10, _LAST.as_unit("us") - end)
    spread = pd.date_range(first, last, periods=STEPS + 1, unit="us").normalize()
    # The day after the end is the first one on which the certificate is no longer valid.
    exact = (moment.as_unit("us") for moment in also if first <= moment <= last)
    points = {*spread, *exact, begin, end}
    return [(minute(point).removesuffix(" 00:00"), point) for point in sorted(points)]


class DateSlider(traitlets.HasTraits):
    """A date slider; `at` is the chosen moment, whether the slider has a position there or not."""

    at = traitlets.Instance(pd.Timestamp)

    def __init__(self, at: pd.Timestamp | str | None = None) -> None:
        now = pd.Timestamp.now("UTC").floor("min").as_unit("us")
        self.now = now
        self._life = (now - pd.Timedelta(days=365), now + pd.Timedelta(days=365))
        self._offering = False
        super().__init__(at=now if at is None else in_utc(at).as_unit("us"))
        self.slider = field(
            ipywidgets.SelectionSlider,
            "date_slider.at",
            options=self._positions(),
            value=self.at,
            continuous_update=True,
        )
        now_button = action("date_slider.now", self.set_now, width="80px")
        self.box = ipywidgets.VBox([self.slider, now_button])
        self.slider.observe(in_its_language(self._slid), names="value")
        self.observe(in_its_language(self._follow), names="at")

    def set_now(self) -> None:
        """Choose the present moment."""
        self.now = pd.Timestamp.now("UTC").floor("min").as_unit("us")
        self.at = self.now

    def span(self, certificate: Any) -> None:
        """Let the slider cover the certificate's life."""
        begin, end = certificate["not_before"], certificate["not_after"]
        bounds = [self.now if pd.isna(bound) else bound for bound in (begin, end)]
        self._life = (bounds[0], bounds[1])
        self._offer()

    def _positions(self) -> list[Position]:
        (begin, end), at = self._life, self.at
        return positions(min(begin, at), max(end, at), self.now, at, begin, end)

    def _offer(self) -> None:
        self._offering = True
        self.slider.options = self._positions()
        self.slider.value = self.at
        self._offering = False

    def _slid(self, change: Any) -> None:
        if not self._offering and change["new"] is not None:
            self.at = change["new"]

    def _follow(self, _change: Any) -> None:
        if self.slider.value != self.at:
            self._offer()
