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
from .reading import read
from .styling import FIELD, card, day, drop_zone, html, short, show

SHOWN = 60
"""How many check boxes are drawn; a filter finds the others."""

UNKNOWN = "(not known)"
OWN = "(entries given here)"


@cache
def public_list() -> pd.DataFrame:
    """Return the public list of certifi, which stands for what browsers trust."""
    return read_trust_list(certifi.where())


def listed_frame(trust: Any) -> pd.DataFrame:
    """Return a trust list in any form that `certtrust.diagnose` takes as a frame."""
    if isinstance(trust, pd.DataFrame):
        return conform(trust, TRUST)
    return empty(TRUST) if isinstance(trust, (list, tuple)) and not trust else read_trust_list(trust)


def entries_of(fleet: Fleet | None, pbx: str | None) -> pd.DataFrame:
    """Return the entries that count at a PBX: its own and those of every PBX."""
    if fleet is None or pbx is None:
        return empty(TRUST)
    trust = fleet.trust
    return trust[((trust["pbx"] == pbx) | trust["pbx"].isna()) & trust["fingerprint"].notna()]


class TrustChoice(traitlets.HasTraits):
    """Check boxes of a trust list; `trust` holds the ticked entries, None where no list is known."""

    trust = traitlets.Instance(pd.DataFrame, allow_none=True)
    browser = traitlets.Bool()

    def __init__(self, fleet: Fleet | None = None, given: pd.DataFrame | None = None) -> None:
        super().__init__()
        self._fleet = fleet
        self._entries = empty(TRUST) if given is None else given
        self._known = given is not None
        self._ticked = {False: set(self._entries["fingerprint"].dropna()), True: set()}
        self._busy = False
        self._build(sorted(fleet.trust["pbx"].dropna().unique()) if fleet is not None else [])
        self._connect()
        if given is None and len(self.pbx.options) > 1:
            self.choose(self.pbx.options[1])
        else:
            self._draw()

    def _build(self, names: list[str]) -> None:
        first = OWN if self._known else UNKNOWN
        self.pbx = ipywidgets.Dropdown(
            options=[first, *names], description="PBX", style=FIELD, layout={"width": "auto"}
        )
        self.public = ipywidgets.Checkbox(
            value=True, description="The public CAs that browsers know", indent=False, layout={"width": "auto"}
        )
        self.search = ipywidgets.Text(
            description="Find entry", placeholder="part of a name", style=FIELD, layout={"width": "auto"}
        )
        self.boxes = ipywidgets.VBox()
        self.boxes.add_class("ct-scroll")
        self.every = ipywidgets.Button(description="Tick all", layout={"width": "90px"})
        self.none = ipywidgets.Button(description="Tick none", layout={"width": "90px"})
        self.upload = ipywidgets.FileUpload(
            accept=".pem,.crt,.cer,.der,.p7b,.p7c",
            multiple=True,
            description="Add entries",
            tooltip="Certificates or CAs that the list shall hold",
            layout={"width": "130px"},
        )
        self.upload.add_class("ct-upload")
        self.note = html()
        buttons = ipywidgets.HBox([self.every, self.none, self.upload])
        self.box = card(
            "Trust list",
            self.pbx,
            self.public,
            self.search,
            self.boxes,
            buttons,
            drop_zone("or drop entries here"),
            self.note,
        )

    def _connect(self) -> None:
        self.pbx.observe(lambda change: self._choose(change["new"]), names="value")
        self.public.observe(lambda _change: self._publish(), names="value")
        self.search.observe(lambda _change: self._draw(), names="value")
        self.every.on_click(lambda _button: self._tick_all(set(self._entries["fingerprint"].dropna())))
        self.none.on_click(lambda _button: self._tick_all(set()))
        self.upload.observe(self._add, names="value")
        self.observe(lambda _change: self._draw(), names="browser")
        self.observe(self._given, names="trust")

    def choose(self, pbx: str | None) -> None:
        """Offer the list of a PBX, all of it ticked; a PBX without a list has none that is known."""
        wanted = pbx if pbx in self.pbx.options else self.pbx.options[0]
        if self.pbx.value != wanted:
            self.pbx.value = wanted
        else:
            self._choose(wanted)

    def _choose(self, pbx: str) -> None:
        if pbx in (UNKNOWN, OWN):
            self._known = pbx == OWN
            self._entries = self._entries if self._known else empty(TRUST)
        else:
            self._entries = entries_of(self._fleet, pbx).drop_duplicates("fingerprint")
            self._known = True
        self._ticked[False] = set(self._entries["fingerprint"].dropna())
        self._ticked[True] &= self._ticked[False]
        self._draw()

    def _given(self, change: Any) -> None:
        """Take a list that was set from outside: all of it ticked."""
        if self._busy:
            return
        self._known = change["new"] is not None
        self._entries = conform(change["new"], TRUST) if self._known else empty(TRUST)
        self._ticked[self.browser] = set(self._entries["fingerprint"].dropna())
        self._draw(publish=False)

    def _add(self, change: Any) -> None:
        if not change["new"]:
            return
        reading = read({each["name"]: bytes(each["content"]) for each in change["new"]})
        self.upload.value = ()
        added = conform(reading.certificates, TRUST)
        if len(added):
            self._entries = pd.concat([self._entries, added], ignore_index=True).drop_duplicates("fingerprint")
            self._known = True
            self._ticked[self.browser] |= set(added["fingerprint"])
        self._draw()
        show(self.note, " ".join(reading.notes))

    def _tick_all(self, fingerprints: set[str]) -> None:
        self._ticked[self.browser] = fingerprints
        self._draw()

    def _draw(self, *, publish: bool = True) -> None:
        """Draw a check box for each entry that the search finds."""
        self.public.layout.display = "" if self.browser else "none"
        entries = self._entries[self._entries["fingerprint"].notna()]
        self.search.layout.display = "" if len(entries) > 8 else "none"
        wanted = self.search.value.strip().casefold()
        names = entries["subject_cn"].fillna(entries["subject"]).fillna("(without a name)")
        found = entries[names.str.casefold().str.contains(wanted, regex=False)] if wanted else entries
        self.boxes.children = tuple(self._box(row) for row in found.head(SHOWN).itertuples())
        more = f" {len(found) - SHOWN:,} more: narrow the search." if len(found) > SHOWN else ""
        show(self.note, (f"{plural(len(entries), 'entry')}.{more}" if self._known else "No list is known."))
        if publish:
            self._publish()

    def _box(self, row: Any) -> Any:
        name = row.subject_cn if isinstance(row.subject_cn, str) and row.subject_cn else str(row.subject)
        box = ipywidgets.Checkbox(
            value=row.fingerprint in self._ticked[self.browser],
            description=f"{short(name)} · until {day(row.not_after)}",
            tooltip=f"{short(row.subject)}, SHA-256 {row.fingerprint}",
            indent=False,
            layout={"width": "auto"},
        )
        box.observe(lambda change: self._tick(row.fingerprint, change["new"]), names="value")
        return box

    def _tick(self, fingerprint: str, ticked: bool) -> None:
        chosen = self._ticked[self.browser]
        (chosen.add if ticked else chosen.discard)(fingerprint)
        self._publish()

    def _publish(self) -> None:
        kept = self._entries[self._entries["fingerprint"].isin(self._ticked[self.browser])]
        if self.browser and self.public.value:
            kept = pd.concat([public_list(), kept], ignore_index=True)
        self._busy = True
        # These are the entries of one list, whosever it is.
        self.trust = kept.drop(columns="pbx") if self._known or self.browser else None
        self._busy = False
