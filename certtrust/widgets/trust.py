"""The trust list as check boxes: of a PBX, of a file, or of a browser."""

from __future__ import annotations

from functools import cache
from typing import Any

import certifi
import ipywidgets
import pandas as pd
import traitlets

from ..certificates.trust_lists import read_trust_list
from ..fleet import Fleet
from ..schema import TRUST, conform, empty
from ..texts.labels import plural
from ..texts.sentences import in_its_language, say
from .controls import action, entry_box, field, upload
from .reading import read
from .styling import card, containing, html, short, show, titled

SHOWN = 60
"""How many check boxes are drawn; a filter finds the others."""

NO_PBX = ""
"""Chosen where the list is that of no single PBX: given here, that of every PBX, or not known."""


@cache
def public_list() -> pd.DataFrame:
    """Return the public list of certifi, which stands for what browsers trust."""
    return read_trust_list(certifi.where())


def listed_frame(trust: Any) -> pd.DataFrame:
    """Return a trust list in any form that `certtrust.diagnose` takes as a frame."""
    if isinstance(trust, (list, tuple)) and not trust:
        return empty(TRUST)
    if isinstance(trust, pd.DataFrame):
        return conform(trust, TRUST)
    return read_trust_list(trust)


def entries_of(trust: pd.DataFrame, pbx: str) -> pd.DataFrame:
    """Return the entries that count at a PBX: its own and those of every PBX."""
    mine = (trust["pbx"] == pbx).fillna(value=False) | trust["pbx"].isna()
    return trust[mine & trust["fingerprint"].notna()].drop_duplicates("fingerprint")


class TrustChoice(traitlets.HasTraits):
    """Check boxes of a trust list; `trust` holds the ticked entries, None without a known list."""

    trust = traitlets.Instance(pd.DataFrame, allow_none=True)
    browser = traitlets.Bool()

    def __init__(
        self, fleet: Fleet | None = None, given: pd.DataFrame | None = None
    ) -> None:
        super().__init__()
        self._lists = empty(TRUST) if fleet is None else fleet.trust
        self._own = entries_of(self._lists, NO_PBX) if given is None else given
        self._own_is_known = given is not None or len(self._own) > 0
        self._entries, self._list_is_known = self._own, self._own_is_known
        self._ticked = {
            False: set(self._entries["fingerprint"].dropna()),
            True: set(),
        }
        self._busy = False
        own = "every" if self._own_is_known else "unknown"
        self._build("given" if given is not None else own)
        self._connect()
        if given is None and len(self.pbx.options) > 1:
            self.choose(self.pbx.options[1][1])
        else:
            self._draw()

    def _build(self, own: str) -> None:
        names = sorted(self._lists["pbx"].dropna().unique())
        options = [
            (say(f"widgets.trust.{own}"), NO_PBX),
            *((short(name), name) for name in names),
        ]
        self.pbx = field(ipywidgets.Dropdown, "trust.pbx", options=options)
        self.public = field(
            ipywidgets.Checkbox, "trust.public", value=True, indent=False
        )
        self.search = field(ipywidgets.Text, "trust.search")
        self.boxes = ipywidgets.VBox().add_class("ct-scroll")
        self.every = action("trust.tick_all", self._tick_all, width="90px")
        self.none = action(
            "trust.tick_none", lambda: self._tick_these(set()), width="90px"
        )
        self.upload, drop_zone = upload(
            "trust", ".pem,.crt,.cer,.der,.p7b,.p7c", self._add
        )
        self.note = html()
        buttons = ipywidgets.HBox([self.every, self.none, self.upload])
        above = [self.pbx, self.public, self.search, self.boxes]
        title = say("widgets.trust.title")
        self.box = card(title, *above, buttons, drop_zone, self.note)

    def _connect(self) -> None:
        self.pbx.observe(
            in_its_language(lambda change: self._choose(change["new"])), names="value"
        )
        self.public.observe(
            in_its_language(lambda _change: self._publish()), names="value"
        )
        self.search.observe(
            in_its_language(lambda _change: self._draw()), names="value"
        )
        self.observe(in_its_language(lambda _change: self._draw()), names="browser")
        self.observe(in_its_language(self._given), names="trust")

    def choose(self, pbx: str | None) -> None:
        """Offer the list of a PBX, all of it ticked; one without a list has none that is known."""
        offered = {name for _, name in self.pbx.options}
        chosen = pbx if pbx and pbx in offered else NO_PBX
        if self.pbx.value != chosen:
            self.pbx.value = chosen
        else:
            self._choose(chosen)

    def _choose(self, pbx: str) -> None:
        if pbx == NO_PBX:
            self._entries, self._list_is_known = self._own, self._own_is_known
        else:
            self._entries, self._list_is_known = entries_of(self._lists, pbx), True
        self._ticked[False] = set(self._entries["fingerprint"].dropna())
        self._ticked[True] &= self._ticked[False]
        self._draw()

    def _given(self, change: Any) -> None:
        """Take a list that was set from outside: all of it ticked."""
        if self._busy:
            return
        self._list_is_known = change["new"] is not None
        self._entries = (
            conform(change["new"], TRUST) if self._list_is_known else empty(TRUST)
        )
        self._ticked[self.browser] = set(self._entries["fingerprint"].dropna())
        self._draw(publish=False)

    def _add(self, contents: dict[str, bytes]) -> None:
        reading = read(contents)
        added = conform(reading.certificates, TRUST)
        if len(added):
            entries = pd.concat([self._entries, added], ignore_index=True)
            self._entries = entries.drop_duplicates("fingerprint")
            self._list_is_known = True
            self._ticked[self.browser] |= set(added["fingerprint"])
        self._draw()
        show(self.note, " ".join(reading.notes))

    def _tick_all(self) -> None:
        self._tick_these(set(self._entries["fingerprint"].dropna()))

    def _tick_these(self, fingerprints: set[str]) -> None:
        self._ticked[self.browser] = fingerprints
        self._draw()

    def _draw(self, *, publish: bool = True) -> None:
        """Draw a check box for each entry that the search finds."""
        self.public.layout.display = "" if self.browser else "none"
        entries = self._entries[self._entries["fingerprint"].notna()]
        self.search.layout.display = "" if len(entries) > 8 else "none"
        names = entries["subject_cn"].fillna(entries["subject"]).fillna("")
        matches = entries[containing(names, self.search.value)]
        rows = matches.head(SHOWN).to_dict(orient="records")
        self.boxes.children = tuple(map(self._box, rows))
        show(self.note, self._counted(len(entries), len(matches) - len(rows)))
        if publish:
            self._publish()

    def _counted(self, entries: int, more: int) -> str:
        if not self._list_is_known:
            return say("widgets.trust.no_list")
        key = "widgets.trust.first_entries" if more else "widgets.trust.counted"
        return say(key, entries=plural(entries, "entry"), more=more)

    def _box(self, row: Any) -> Any:
        ticked = row["fingerprint"] in self._ticked[self.browser]
        return entry_box(row, titled(row), ticked=ticked, tick=self._tick)

    def _tick(self, fingerprint: str, ticked: bool) -> None:
        chosen = self._ticked[self.browser]
        (chosen.add if ticked else chosen.discard)(fingerprint)
        self._publish()

    def _publish(self) -> None:
        kept = self._entries[
            self._entries["fingerprint"].isin(self._ticked[self.browser])
        ]
        if self.browser and self.public.value:
            kept = pd.concat([public_list(), kept], ignore_index=True)
        self._busy = True
        # The entries are those of one list, no matter of which PBX.
        self.trust = (
            kept.drop(columns="pbx") if self._list_is_known or self.browser else None
        )
        self._busy = False
