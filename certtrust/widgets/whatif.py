"""WhatIf: switch trust lists, flags and the moment, and see who is repaired and who breaks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import traitlets

from ..advice.changes import CHANGES, aligned_changes, changed
from ..advice.rehearsal import Rehearsal
from ..advice.what_if import EVERY, Settings
from ..fleet import Fleet
from ..tables_for_people import guarded_csv
from ..texts.device_labels import labels_of
from ..texts.labels import cause_label, plural
from ..texts.markup import Markup, tag
from ..texts.sentences import in_its_language, say
from .controls import action, download, entry_box, field
from .date_slider import DateSlider
from .html_parts import Head, compared_bars, device_table, tiles
from .steps import Step, in_list, lists, plan, settings
from .styling import (
    Panel,
    card,
    columns,
    containing,
    day,
    html,
    minute,
    short,
    show,
    word_for,
)

SHOWN = 40
ROWS = 12
_SWITCHES: dict[str, dict[str, Any]] = {
    "tls_only": {"as_it_is": None, "set": True, "cleared": False},
    "authentication": {
        "as_it_is": None,
        "certificate": "certificate",
        "password": "password",
    },
}
"""Menus of what holds for all devices of a PBX: the keys of their words, and what these mean."""
_KINDS = ("repaired", "broken", "now unknown", "now known", "other cause")
_COLUMNS = ("device", "pbx", "change", "before", "after")


class WhatIf(Panel):
    """Try out a change before it is made; neither a PBX nor the fleet itself is changed.

    Parameters
    ----------
    fleet : Fleet
        The latest attempt of each registration is judged, or each known device where there is
        no log.
    at : Timestamp or str, optional
        The moment to judge at to begin with; by default the end of the log, else now.

    Attributes
    ----------
    steps : tuple of Step
        What was switched, in order.
    before, after : DataFrame
        What the rules say without and with the steps: device, pbx, verdict, cause.
    changes : DataFrame
        Who is repaired and who breaks, as `certtrust.changes` lists it.
    plan : DataFrame
        What would have to be done: action, pbx, fingerprint, name, value, step (in words), pem.
    fleet : Fleet
        A copy of the fleet with the steps carried out.

    Examples
    --------
    >>> import certtrust as ct
    >>> whatif = ct.widgets.WhatIf(ct.simulate(30, seed=1))
    >>> whatif.switch_tls_only(True)
    >>> whatif.plan["action"].tolist()
    ['set TLS only']
    >>> whatif.undo()
    >>> len(whatif.changes)
    0
    """

    steps = traitlets.Tuple()
    page = traitlets.Int()

    def __init__(self, fleet: Fleet, *, at: pd.Timestamp | str | None = None) -> None:
        self._rehearsal = Rehearsal(fleet)
        rows = self._rehearsal.rows
        end = rows["time"].max()
        self._moment = DateSlider(
            end.ceil("D") if at is None and pd.notna(end) else at
        )
        self._start = self._moment.at
        in_ten_years = self._start + pd.Timedelta(days=3650)
        self._moment.span({"not_before": self._start, "not_after": in_ten_years})
        self._quiet = True
        frames = (rows, fleet.trust, fleet.devices)
        self._names = sorted(
            {name for part in frames for name in part["pbx"].dropna()}
        )
        self.before = self._rehearsal.judge(*self._settings(()))
        self._device = pd.factorize(self.before["device"])[0]
        self.after = self.before
        self._change = changed(self.before, self.after)
        self._build()
        parts = (self._numbers, self._chart, self._actions, self._list)
        super().__init__(self._layout(), static_parts=parts)
        self._connect()
        self._quiet = False
        self._follow()

    # What the user has

    def switch_entry(
        self, fingerprint: str, *, listed: bool, pbx: str = EVERY
    ) -> None:
        """Put a certificate into the trust list of a PBX, or of every one, or take it out."""
        self._add(Step("trust", pbx, listed, fingerprint))

    def switch_tls_only(self, value: bool | None, *, pbx: str = EVERY) -> None:
        """Set or clear "TLS only" at all devices of a PBX, or of every one; None undoes that."""
        self._add(Step("tls_only", pbx, value))

    def switch_authentication(self, value: str | None, *, pbx: str = EVERY) -> None:
        """Let the devices log in by "certificate" or "password"; None leaves it as it is."""
        self._add(Step("authentication", pbx, value))

    def switch_moment(self, at: pd.Timestamp) -> None:
        """Judge at another moment."""
        self._add(Step("at", EVERY, at))

    def undo(self) -> None:
        """Take the last step back."""
        self.steps = self.steps[:-1]

    @property
    def changes(self) -> pd.DataFrame:
        """Who is repaired and who breaks, as `certtrust.changes` lists it."""
        rows = self._change < len(CHANGES)
        return aligned_changes(self.before[rows], self.after[rows])

    @property
    def rows(self) -> pd.DataFrame:
        """The attempts that are judged, as table ATTEMPTS has them."""
        return self._rehearsal.rows

    @property
    def plan(self) -> pd.DataFrame:
        """What would have to be done to make it so; a change of the moment is nothing to do."""
        return plan(self.steps, self._rehearsal, self._names)

    @property
    def fleet(self) -> Fleet:
        """A copy of the fleet with the steps carried out."""
        return self._rehearsal.changed(self._settings(self.steps)[0])

    # How it is built

    def _build(self) -> None:
        pbxs = [
            (_say("every_pbx"), EVERY),
            *((short(pbx), pbx) for pbx in self._names),
        ]
        at_first = self._names[0] if self._names else EVERY
        self._pbx = _field(ipywidgets.Dropdown, "pbx", options=pbxs, value=at_first)
        self._search = _field(ipywidgets.Text, "search")
        self._entries = ipywidgets.VBox().add_class("ct-scroll")
        self._drawn: list[str] = []
        self._choices = {kind: self._choices_at(kind) for kind in _SWITCHES}
        self._switches = {
            kind: _field(ipywidgets.Dropdown, kind, options=list(choices))
            for kind, choices in self._choices.items()
        }
        self._undo = _action("undo", self.undo, icon="undo")
        self._reset = _action(
            "reset", lambda: self.set_trait("steps", ()), icon="times"
        )
        kinds = [(_say(f"kinds.{kind}"), kind) for kind in _KINDS]
        kinds = [(_say("all_changes"), ""), *kinds]
        narrow: Any = {"label": "50px", "width": "230px"}
        self._kind = _field(ipywidgets.Dropdown, "show", options=kinds, **narrow)
        self._back = _action("back", lambda: self._turn(self.page - 1), width="80px")
        self._next = _action("next", lambda: self._turn(self.page + 1), width="80px")
        self._export = _action("export", self._offer, width="140px", icon="download")
        self._note, self._numbers, self._chart, self._list = (
            html() for _ in range(4)
        )
        self._pages, self._actions, self._links = (html() for _ in range(3))

    def _choices_at(self, kind: str) -> dict[str, Any]:
        """Return the choices of a menu by their words, which name the PBX that is chosen."""
        pbx = self._pbx.value
        where = _say("every_pbx") if pbx == EVERY else short(pbx)
        return {
            _say(f"choices.{word}", pbx=where): value
            for word, value in _SWITCHES[kind].items()
        }

    def _layout(self) -> list[Any]:
        buttons = ipywidgets.HBox([self._undo, self._reset])
        pager = ipywidgets.HBox([self._kind, self._back, self._next, self._pages])
        pager.add_class("ct-filters")
        cards = {
            "trust": [self._pbx, self._search, self._entries, self._note],
            # The same menu as above: what is set here is set at the PBX that it shows.
            "devices": [self._pbx, *self._switches.values()],
            "moment": [self._moment.box],
            "plan": [buttons, self._actions, self._export, self._links],
            "numbers": [self._numbers],
            "causes": [self._chart],
            "changes": [pager, self._list],
        }
        made = [card(_say(f"cards.{name}"), *parts) for name, parts in cards.items()]
        return [columns(ipywidgets.VBox(made[:4]), ipywidgets.VBox(made[4:]))]

    def _connect(self) -> None:
        for control in (self._pbx, self._search):
            control.observe(
                in_its_language(lambda _change: self._show_switches()), names="value"
            )
        for kind, menu in self._switches.items():
            menu.observe(in_its_language(self._switching(kind)), names="value")
        self._moment.observe(
            in_its_language(
                lambda change: self._switched(Step("at", EVERY, change["new"]))
            ),
            names="at",
        )
        self._kind.observe(
            in_its_language(lambda _change: self._turn(0)), names="value"
        )
        self.observe(in_its_language(lambda _change: self._follow()), names="steps")

    def _switching(self, kind: str) -> Any:
        """Return what is called when the menu of this kind is set."""

        def switched(change: Any) -> None:
            # Without a word there is no choice: the words are being changed.
            if change["new"] is not None and not self._quiet:
                value = self._choices[kind][change["new"]]
                self._switched(Step(kind, self._pbx.value, value))

        return switched

    # What happens

    def _add(self, step: Step) -> None:
        # A slider that is dragged is one step, wherever it passed by.
        dragged = step.kind == "at" and self.steps and self.steps[-1].kind == "at"
        self.steps = (*(self.steps[:-1] if dragged else self.steps), step)

    def _switched(self, step: Step) -> None:
        """Take the step of a control, unless it was the widget itself that set the control."""
        if not self._quiet:
            self._add(step)

    def _follow(self) -> None:
        self._show_switches()
        self._judge()

    def _settings(self, steps: tuple[Step, ...]) -> tuple[Settings, pd.Timestamp]:
        return settings(steps, self._rehearsal, self._names, self._start)

    def _show_switches(self) -> None:
        """Let the controls show what holds at the chosen PBX, after all steps."""
        (now, at), pbx = self._settings(self.steps), self._pbx.value
        self._quiet = True
        for kind, menu in self._switches.items():
            values: Mapping[str, Any] = getattr(now, kind)
            value = values.get(pbx, values.get(EVERY))
            self._choices[kind] = self._choices_at(kind)
            if menu.options != tuple(self._choices[kind]):
                menu.options = tuple(self._choices[kind])
            menu.value = word_for(value, self._choices[kind])
        self._moment.at = at
        self._show_entries(now.trust, pbx)
        self._quiet = False

    def _show_entries(self, trust: pd.DataFrame, pbx: str) -> None:
        now = lists(trust, self._names)
        listed_now = in_list(now, pbx)
        matches = self._matching_entries(listed_now, pbx)
        self._draw_entries(matches.head(SHOWN))
        notes = [] if pbx == EVERY or pbx in now else [_say("no_list")]
        notes.append(_say("in_list", count=len(listed_now)))
        if len(matches) > SHOWN:
            notes.append(_say("more", count=len(matches) - SHOWN))
        show(self._note, " ".join(notes))

    def _matching_entries(self, listed: set[str], pbx: str) -> pd.DataFrame:
        """Return the certificates that the search keeps: listed ones and busy CAs first."""
        entries = self._rehearsal.candidates
        name = (
            entries["subject_cn"]
            .fillna(entries["subject"])
            .fillna(say("widgets.shared.no_name"))
        )
        devices = entries["fingerprint"].map(self._signed).fillna(0).astype("int64")
        originally = in_list(lists(self._rehearsal.fleet.trust, self._names), pbx)
        entries = entries.assign(
            label=name.astype("str"),
            devices=devices,
            listed=entries["fingerprint"].isin(listed),
            first=entries["fingerprint"].isin(originally),
        )
        matches = entries[containing(entries["label"], self._search.value)]
        order = {"first": False, "devices": False, "label": True}
        return matches.sort_values(
            list(order), ascending=list(order.values()), kind="stable"
        )

    def _draw_entries(self, entries: pd.DataFrame) -> None:
        """Show the entries; boxes that stay only change their tick, which is quicker by far."""
        fingerprints = entries["fingerprint"].tolist()
        if fingerprints != self._drawn:
            self._entries.children = tuple(
                map(self._entry, entries.to_dict("records"))
            )
            self._drawn = fingerprints
        for box, listed in zip(
            self._entries.children, entries["listed"], strict=True
        ):
            box.value = bool(listed)

    def _entry(self, row: Any) -> Any:
        words = {"name": short(row["label"]), "day": day(row["not_after"])}
        devices = plural(row["devices"], "device")
        key = "entry_signing" if row["devices"] else "entry"
        label = _say(key, **words, devices=devices)
        return entry_box(row, label, ticked=row["listed"], tick=self._ticked)

    def _ticked(self, fingerprint: str, listed: bool) -> None:
        self._switched(Step("trust", self._pbx.value, listed, fingerprint))

    @cached_property
    def _labels(self) -> pd.Series:
        """How each device is named to people, by its serial or hardware ID."""
        rows = self._rehearsal.rows
        named = rows[rows["device"].notna()].drop_duplicates("device")
        return labels_of(named).set_axis(named["device"])

    @cached_property
    def _signed(self) -> pd.Series:
        """How many of the judged certificates each CA has signed itself."""
        links = self._rehearsal.fleet.links
        if links is None:
            return pd.Series(dtype="int64")
        verified = links["verified"].fillna(value=False).astype(bool)
        judged = set(self._rehearsal.rows["fingerprint"].dropna())
        signed = verified & links["child"].isin(judged)
        return links[signed & (links["child"] != links["issuer"])].value_counts(
            "issuer"
        )

    def _judge(self) -> None:
        self.after = self.before
        if self.steps:
            self.after = self._rehearsal.judge(*self._settings(self.steps))
        self._change = changed(self.before, self.after)
        failing = (self._failing(self.before), self._failing(self.after))
        show(self._numbers, self._tiles())
        show(self._chart, compared_bars(*failing))
        show(self._actions, self._plan_in_words())
        show(self._links, "")
        self._undo.disabled = self._reset.disabled = not self.steps
        self._turn(0)

    def _tiles(self) -> Markup:
        looks = {"repaired": "ct-good", "broken": "ct-bad", "now unknown": ""}
        counts = {
            kind: self._devices(self._change == CHANGES.index(kind)) for kind in looks
        }
        for key, frame in (("fail_before", self.before), ("fail_after", self.after)):
            counts[key] = self._devices((frame["verdict"] == "fail").to_numpy())
        return tiles(
            [
                (_say(f"tiles.{key}"), count, looks.get(key, ""))
                for key, count in counts.items()
            ]
        )

    def _devices(self, rows: Any) -> int:
        """Count the devices of the chosen rows."""
        named = self._device[rows]
        return int(np.count_nonzero(np.bincount(named[named >= 0], minlength=1)))

    def _failing(self, frame: pd.DataFrame) -> pd.Series:
        """Count the devices per broken rule."""
        cause = frame["cause"].cat
        codes = cause.codes.to_numpy()
        counts = {
            word: self._devices(codes == code)
            for code, word in enumerate(cause.categories)
        }
        return pd.Series(counts)

    def _turn(self, page: int) -> None:
        """Show a page of the registrations that differ, the worst change first."""
        kind, worst = self._kind.value, len(CHANGES)
        chosen = self._change == CHANGES.index(kind) if kind else self._change < worst
        rows = np.flatnonzero(chosen)
        rows = rows[np.argsort(self._change[rows], kind="stable")]
        last = max(0, (len(rows) - 1) // ROWS)
        self.page = min(max(page, 0), last)
        self._back.disabled, self._next.disabled = self.page == 0, self.page == last
        here = rows[self.page * ROWS : self.page * ROWS + ROWS]
        caption = _say("differ", count=len(rows)) if len(rows) else _say("nobody")
        heads = [Head(name, _say(f"columns.{name}")) for name in _COLUMNS]
        show(self._list, device_table(self._in_words(here), heads, caption=caption))
        numbers = {"page": self.page + 1, "pages": last + 1}
        show(self._pages, say("widgets.shared.page", **numbers))

    def _in_words(self, rows: Any) -> pd.DataFrame:
        """Return what differs in these rows, in words."""
        differing = aligned_changes(self.before.iloc[rows], self.after.iloc[rows])
        kinds = {kind: _say(f"kinds.{kind}") for kind in _KINDS}
        device = differing["device"].map(self._labels).fillna(_say("no_device"))
        outcomes = {
            when: _outcome(differing[f"verdict_{when}"], differing[f"cause_{when}"])
            for when in ("before", "after")
        }
        change = differing["change"].astype("str").map(kinds)
        return differing[["pbx"]].assign(device=device, change=change, **outcomes)

    def _plan_in_words(self) -> Markup:
        steps = self.plan["step"]
        _, at = self._settings(self.steps)
        when = say("widgets.shared.judged_at", at=minute(at))
        if steps.empty:
            return tag("p", _say("no_steps", when=when), class_="ct-hint")
        items = tag("ol", [tag("li", step) for step in steps], class_="ct-plan")
        return tag("div", items, tag("p", when, class_="ct-hint"))

    def _offer(self) -> None:
        """Offer the plan as a table and, where certificates have to be uploaded, as PEM text."""
        steps = self.plan
        csv = guarded_csv(steps.drop(columns="pem"))
        links = [download(_say("download_plan"), "plan.csv", "text/csv", csv)]
        if steps["pem"].notna().any():
            pem = "".join(steps["pem"].dropna().unique()).encode()
            kind = "application/x-pem-file"
            links.append(download(_say("download_pem"), "upload.pem", kind, pem))
        show(self._links, tag("p", links))


def _say(key: str, **values: Any) -> str:
    return say(f"widgets.what_if.{key}", **values)


def _field(kind: Any, key: str, **options: Any) -> Any:
    return field(kind, f"what_if.{key}", **options)


def _action(
    key: str, carried_out: Any, *, width: str = "148px", **options: Any
) -> Any:
    return action(f"what_if.{key}", carried_out, width=width, **options)


def _outcome(verdict: pd.Series, cause: pd.Series) -> pd.Series:
    words = {word: _say(f"verdicts.{word}") for word in ("pass", "fail", "unknown")}
    label = cause.map(cause_label, na_action="ignore").astype("str")
    return label.fillna(verdict.map(words))
