"""Bench: phones that connect to a listener, one row each, as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..endpoints.bench import Bench as Listener
from ..explanation.presented import Phone, of_phone
from ..texts.markup import Markup, tag
from ..texts.sentences import in_its_language, say, sentences
from . import diagnosis_view
from .styling import DASH, MARKS, Panel, card, html, minute, short, show
from .trust import listed_frame

_SHOWN = 200
"""Rows that are shown, the newest first; the frames hold all of them."""


class Bench(Panel):
    """Watch a bench: each phone that connects is a row, with what a trust list makes of it.

    Parameters
    ----------
    listener : Bench of `certtrust.listen`
        What is watched.
    trust : bytes, PEM text, path or DataFrame, optional
        The trust list of the PBX; without it, trust is not known.
    registration_name : str, optional
        What the phones register as; it lies within TLS, and is not known without this.

    Attributes
    ----------
    phones : list of Phone
        What is shown, in the order of the listener's `handshakes`; each has `handshake`,
        `certificates` and `diagnosis`.

    Examples
    --------
    Within one cell of a notebook, which ends after ten minutes or with the stop button::

        with ct.listen(address="192.0.2.10") as bench:
            display(ct.widgets.Bench(bench, trust="trust/hq.pem"))
            bench.wait(600)

    >>> import certtrust as ct
    >>> with ct.listen(0) as listener:
    ...     len(Bench(listener).phones)
    0
    """

    def __init__(
        self,
        listener: Listener,
        *,
        trust: Any = None,
        registration_name: str | None = None,
    ) -> None:
        self.phones: list[Phone] = []
        self._listener = listener
        self._trust = None if trust is None else listed_frame(trust)
        self._name = registration_name
        self._lock = threading.Lock()
        self._head, self._table, self._last = html(), html(), html()
        cards = [
            card(say("widgets.bench.title"), self._head, self._table),
            card(say("widgets.bench.last"), self._last),
        ]
        super().__init__(cards, static_parts=(self._head, self._table, self._last))
        self._update()
        listener.observe(in_its_language(self._update))

    def _update(self) -> None:
        """Show what has come; called from the listener's thread, too."""
        with self._lock:
            for number in range(len(self.phones), len(self._listener)):
                phone = of_phone(self._listener, number, self._trust, self._name)
                self.phones.append(phone)
            self._show()

    def _show(self) -> None:
        lines = [tag("div", repr(self._listener))]
        if self._listener.warning:
            lines.append(tag("div", self._listener.warning, class_="ct-hint"))
        if self._trust is None:
            lines.append(tag("div", say("widgets.bench.no_trust"), class_="ct-hint"))
        show(self._head, lines)
        if not self.phones:
            show(
                self._table, tag("p", say("widgets.bench.waiting"), class_="ct-hint")
            )
            show(self._last, DASH)
            return
        show(self._table, _table(self.phones))
        show(self._last, _details(self.phones[-1]))


def _table(phones: list[Phone]) -> Markup:
    words = sentences()["widgets"]["bench"]["columns"]
    head = [tag("th", word, scope="col") for word in words.values()]
    rows = [
        tag("tr", [tag("td", cell) for cell in _cells(number, phone)])
        for number, phone in reversed(list(enumerate(phones, start=1)))
    ]
    return tag("table", tag("thead", tag("tr", head)), tag("tbody", rows[:_SHOWN]))


def _cells(number: int, phone: Phone) -> Iterator[str]:
    seen = phone.handshake
    yield str(number)
    yield minute(seen["time"])
    yield str(seen["client"])
    yield short(phone.name) or DASH
    issuer = phone.certificates["issuer_cn"].head(1).dropna()
    yield short(issuer.iloc[0]) if len(issuer) else DASH
    versions = (seen["tls_version"], seen["offered_version"])
    yield " / ".join(one if isinstance(one, str) else DASH for one in versions)
    yield str(len(phone.certificates))
    yield say(f"bench.outcomes.{seen['outcome']}")
    if phone.diagnosis is None:
        yield DASH
        return
    state = phone.diagnosis.result["trust_state"].iloc[0]
    trust = DASH if pd.isna(state) else say(f"trust_states.{state}")
    yield f"{MARKS[phone.diagnosis.verdict]} {trust}"


def _details(phone: Phone) -> list[Markup]:
    lines = [phone.head(), phone.presented(), *phone.notes()]
    shown = [tag("div", line) for line in lines]
    if phone.diagnosis is None:
        return shown
    verdict = diagnosis_view.verdict_html(phone.diagnosis)
    return [*shown, verdict, diagnosis_view.steps_html(phone.diagnosis)]
