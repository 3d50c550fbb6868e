"""WhatIf: switch trust lists, flags and the moment, and see who is repaired and who breaks."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import traitlets

from ..advice import changes
from ..advice.rehearsal import Rehearsal
from ..advice.what_if import CHANGES, EVERY, Settings, changed
from ..fleet import Fleet
from ..report.exports import guarded
from ..texts.labels import cause_label, plural
from ..texts.markup import Markup, tag
from ..texts.sentences import say
from .date_slider import MomentSlider
from .html_parts import Channel, Head, compared_bars, device_table, tiles
from .steps import Step, in_list, lists, plan, settings
from .styling import (
    FIELD,
    card,
    day,
    html,
    short,
    show,
    show_with_twin,
    style,
    word_for,
)

SHOWN = 40
ROWS = 12
_FLAGS = {"as_it_is": None, "set": True, "cleared": False}
_LOGINS = {"as_it_is": None, "certificate": "certificate", "password": "password"}
_KINDS = ("repaired", "broken", "now unknown", "now known", "other cause")
_COLUMNS = ("device", "pbx", "change", "before", "after")


class WhatIf(ipywidgets.VBox):  # type: ignore[misc]
    """Try out a change before it is made: nothing is changed at any PBX, and the fleet itself
    stays as it is.

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
        Who is repaired, who breaks: as `certtrust.changes` tells.
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
        self._trial = Rehearsal(fleet)
        end = self._trial.rows["time"].max()
        self._moment = MomentSlider(
            at if at is not None else None if pd.isna(end) else end.ceil("D")
        )
        self._start = self._moment.at
        self._moment.span(
            {
                "not_before": self._start,
                "not_after": self._start + pd.Timedelta(days=3650),
            }
        )
        self._quiet = True
        self._names = sorted(
            {
                *self._trial.rows["pbx"].dropna(),
                *fleet.trust["pbx"].dropna(),
                *fleet.devices["pbx"].dropna(),
            }
        )
        self.before = self._trial.judge(*self._settings(()))
        self._device = pd.factorize(self.before["device"])[0]
        self.after = self.before
        self._change = changed(self.before, self.after)
        self._build()
        super().__init__(list(self._layout()))
        self.add_class("ct-root")
        self.add_class("ct-live")
        self._connect()
        self._quiet = False
        self._show_switches()
        self._judge()

    # What the user has

    def switch_entry(self, fingerprint: str, *, listed: bool, pbx: str = EVERY) -> None:
        """Put a certificate into the trust list of a PBX, or of every one, or take it out."""
        self._add(Step("trust", pbx, listed, fingerprint))

    def switch_tls_only(self, value: bool | None, *, pbx: str = EVERY) -> None:
        """Set or clear "TLS only" at all device entries of a PBX, or of every one; None leaves
        it as it is.
        """
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
        """Who is repaired and who breaks, as `certtrust.changes` tells."""
        rows = self._change < len(CHANGES)
        return changes(self.before[rows], self.after[rows])

    @property
    def plan(self) -> pd.DataFrame:
        """What would have to be done to make it so; a change of the moment is nothing to do."""
        return plan(self.steps, self._trial, self._names)

    @property
    def fleet(self) -> Fleet:
        """A copy of the fleet with the steps carried out."""
        return self._trial.changed(self._settings(self.steps)[0])

    # How it is built

    def _build(self) -> None:
        wide = {"width": "auto"}
        self._flags = {_say(f"flags.{key}"): value for key, value in _FLAGS.items()}
        self._logins = {_say(f"logins.{key}"): value for key, value in _LOGINS.items()}
        kinds = [(_say(f"kinds.{kind}"), kind) for kind in _KINDS]
        self._pbx = ipywidgets.Dropdown(
            options=[
                (_say("every_pbx"), EVERY),
                *((short(name), name) for name in self._names),
            ],
            value=self._names[0] if self._names else EVERY,
            description=_say("at"),
            style=FIELD,
            layout=wide,
        )
        self._search = ipywidgets.Text(
            description=_say("search"),
            placeholder=_say("part_of_a_name"),
            style=FIELD,
            layout=wide,
        )
        self._entries = ipywidgets.VBox()
        self._entries.add_class("ct-scroll")
        self._drawn: list[str] = []
        self._note = html()
        self._tls = ipywidgets.Dropdown(
            options=list(self._flags),
            description=_say("tls_only"),
            style=FIELD,
            layout=wide,
        )
        self._login = ipywidgets.Dropdown(
            options=list(self._logins),
            description=_say("authentication"),
            style=FIELD,
            layout=wide,
        )
        self._undo = _button("undo", icon="undo")
        self._reset = _button("reset", icon="times")
        self._numbers, self._chart, self._list, self._pages = (
            html(),
            html(),
            html(),
            html(),
        )
        self._kind = ipywidgets.Dropdown(
            options=[(_say("all_changes"), ""), *kinds],
            description=_say("show"),
            style={"description_width": "50px"},
        )
        self._back = _button("back", layout={"width": "80px"})
        self._next = _button("next", layout={"width": "80px"})
        self._actions, self._links = html(), html()
        self._export = _button("export", icon="download", layout={"width": "140px"})
        self._channel = Channel(lambda _kind, _value: None)

    def _layout(self) -> tuple[Any, ...]:
        left = ipywidgets.VBox(
            [
                card(
                    _say("cards.trust"),
                    self._pbx,
                    self._search,
                    self._entries,
                    self._note,
                ),
                card(_say("cards.devices"), self._tls, self._login),
                card(_say("cards.moment"), self._moment.box),
                card(
                    _say("cards.plan"),
                    ipywidgets.HBox([self._undo, self._reset]),
                    self._actions,
                    self._export,
                    self._links,
                ),
            ]
        )
        pager = ipywidgets.HBox([self._kind, self._back, self._next, self._pages])
        pager.add_class("ct-filters")
        right = ipywidgets.VBox(
            [
                card(_say("cards.numbers"), self._numbers),
                card(_say("cards.causes"), self._chart),
                card(_say("cards.changes"), pager, self._list),
            ]
        )
        left.add_class("ct-left")
        right.add_class("ct-right")
        columns = ipywidgets.HBox([left, right])
        columns.add_class("ct-columns")
        return html(style()), self._channel.field, columns

    def _connect(self) -> None:
        self._pbx.observe(lambda _change: self._show_switches(), names="value")
        self._search.observe(lambda _change: self._show_switches(), names="value")
        self._tls.observe(
            lambda change: self._switched("tls_only", self._flags[change["new"]]),
            names="value",
        )
        self._login.observe(
            lambda change: self._switched(
                "authentication", self._logins[change["new"]]
            ),
            names="value",
        )
        self._moment.observe(
            lambda change: self._switched("at", change["new"]), names="at"
        )
        self._undo.on_click(lambda _button: self.undo())
        self._reset.on_click(lambda _button: self.set_trait("steps", ()))
        self._kind.observe(lambda _change: self._turn(0), names="value")
        self._back.on_click(lambda _button: self._turn(self.page - 1))
        self._next.on_click(lambda _button: self._turn(self.page + 1))
        self._export.on_click(lambda _button: self._offer())
        self.observe(lambda _change: self._follow(), names="steps")

    # What happens

    def _add(self, step: Step) -> None:
        # A slider that is dragged is one step, wherever it passed by.
        dragged = step.kind == "at" and self.steps and self.steps[-1].kind == "at"
        self.steps = (*(self.steps[:-1] if dragged else self.steps), step)

    def _switched(self, kind: str, value: Any) -> None:
        if not self._quiet:
            self._add(Step(kind, EVERY if kind == "at" else self._pbx.value, value))

    def _ticked(self, fingerprint: str, listed: bool) -> None:
        if not self._quiet:
            self._add(Step("trust", self._pbx.value, listed, fingerprint))

    def _follow(self) -> None:
        self._show_switches()
        self._judge()

    def _settings(self, steps: tuple[Step, ...]) -> tuple[Settings, pd.Timestamp]:
        return settings(steps, self._trial, self._names, self._start)

    def _show_switches(self) -> None:
        """Let the controls say what holds at the chosen PBX, after all steps."""
        (now, at), pbx = self._settings(self.steps), self._pbx.value
        self._quiet = True
        self._tls.value = word_for(
            now.tls_only.get(pbx, now.tls_only.get(EVERY)), self._flags
        )
        self._login.value = word_for(
            now.authentication.get(pbx, now.authentication.get(EVERY)), self._logins
        )
        self._moment.at = at
        self._show_entries(now.trust, pbx)
        self._quiet = False

    def _show_entries(self, trust: pd.DataFrame, pbx: str) -> None:
        now, originals = (
            lists(trust, self._names),
            lists(self._trial.fleet.trust, self._names),
        )
        here, first = in_list(now, pbx), in_list(originals, pbx)
        offered = self._trial.candidates
        label = (
            offered["subject_cn"]
            .fillna(offered["subject"])
            .fillna(_say("no_name"))
            .astype("str")
        )
        weight = offered["fingerprint"].map(self._signed).fillna(0).astype("int64")
        offered = offered.assign(
            label=label, weight=weight, listed=offered["fingerprint"].isin(here)
        )
        offered = offered.assign(first=offered["fingerprint"].isin(first))
        wanted = self._search.value.strip().casefold()
        found = (
            offered[offered["label"].str.casefold().str.contains(wanted, regex=False)]
            if wanted
            else offered
        )
        found = found.sort_values(
            ["first", "weight", "label"], ascending=[False, False, True], kind="stable"
        )
        self._draw_entries(found.head(SHOWN))
        notes = [] if pbx == EVERY or pbx in now else [_say("no_list")]
        notes.append(_say("in_list", count=len(here)))
        if len(found) > SHOWN:
            notes.append(_say("more", count=len(found) - SHOWN))
        show(self._note, " ".join(notes))

    def _draw_entries(self, found: pd.DataFrame) -> None:
        """Show the entries; boxes that are there already only change their tick, which is
        quicker by far.
        """
        wanted = found["fingerprint"].tolist()
        if wanted != self._drawn:
            self._entries.children = tuple(
                self._entry(row) for row in found.itertuples()
            )
            self._drawn = wanted
        for box, listed in zip(self._entries.children, found["listed"], strict=True):
            box.value = bool(listed)

    def _entry(self, row: Any) -> Any:
        words = {"name": short(row.label), "day": day(row.not_after)}
        box = ipywidgets.Checkbox(
            value=bool(row.listed),
            description=_say(
                "entry_signing", **words, devices=plural(row.weight, "device")
            )
            if row.weight
            else _say("entry", **words),
            tooltip=_say(
                "fingerprint", name=short(row.subject), fingerprint=row.fingerprint
            ),
            indent=False,
            layout={"width": "auto"},
        )
        box.observe(
            lambda change: self._ticked(row.fingerprint, bool(change["new"])),
            names="value",
        )
        return box

    @cached_property
    def _signed(self) -> pd.Series:
        """How many of the judged certificates each CA has signed itself."""
        links = self._trial.fleet.links
        if links is None:
            return pd.Series(dtype="int64")
        made = links[
            links["verified"].fillna(value=False).astype(bool)
            & (links["child"] != links["issuer"])
        ]
        return (
            made[made["child"].isin(set(self._trial.rows["fingerprint"].dropna()))]
            .groupby("issuer")
            .size()
        )

    def _judge(self) -> None:
        self.after = (
            self._trial.judge(*self._settings(self.steps))
            if self.steps
            else self.before
        )
        self._change = changed(self.before, self.after)
        show(self._numbers, self._counted())
        show(
            self._chart,
            compared_bars(self._failing(self.before), self._failing(self.after)),
        )
        show(self._actions, self._told())
        show(self._links, "")
        self._undo.disabled = self._reset.disabled = not self.steps
        self._turn(0)

    def _counted(self) -> Markup:
        looks = {"repaired": "ct-good", "broken": "ct-bad", "now unknown": ""}
        numbers: list[tuple[str, object, str]] = [
            (
                _say(f"tiles.{kind}"),
                self._devices(self._change == CHANGES.index(kind)),
                css,
            )
            for kind, css in looks.items()
        ]
        for key, frame in (("fail_before", self.before), ("fail_after", self.after)):
            count = self._devices((frame["verdict"] == "fail").to_numpy())
            numbers.append((_say(f"tiles.{key}"), count, ""))
        return tiles(numbers)

    def _devices(self, rows: Any) -> int:
        """Count the devices of the chosen rows."""
        named = self._device[rows]
        return int(np.count_nonzero(np.bincount(named[named >= 0], minlength=1)))

    def _failing(self, frame: pd.DataFrame) -> pd.Series:
        """Count the devices per broken rule."""
        cause = frame["cause"].cat
        codes = cause.codes.to_numpy()
        return pd.Series(
            {
                word: self._devices(codes == number)
                for number, word in enumerate(cause.categories)
            }
        )

    def _turn(self, page: int) -> None:
        kind = self._kind.value
        rows = (
            self._change == CHANGES.index(kind) if kind else self._change < len(CHANGES)
        )
        found = np.flatnonzero(rows)[np.argsort(self._change[rows], kind="stable")]
        last = max(0, (len(found) - 1) // ROWS)
        self.page = min(max(page, 0), last)
        self._back.disabled, self._next.disabled = self.page == 0, self.page == last
        here = found[self.page * ROWS : self.page * ROWS + ROWS]
        shown = changes(self.before.iloc[here], self.after.iloc[here])
        rows = pd.DataFrame(
            {
                "device": shown["device"].fillna(_say("no_device")).astype("str"),
                "pbx": shown["pbx"],
                "change": shown["change"]
                .astype("str")
                .map({kind: _say(f"kinds.{kind}") for kind in _KINDS}),
                "before": _outcome(shown["verdict_before"], shown["cause_before"]),
                "after": _outcome(shown["verdict_after"], shown["cause_after"]),
            }
        )
        caption = _say("differ", count=len(found)) if len(found) else _say("nobody")
        heads = [Head(name, _say(f"columns.{name}")) for name in _COLUMNS]
        show(self._list, device_table(rows, heads, caption=caption))
        show(self._pages, _say("page", page=self.page + 1, pages=last + 1))

    def _told(self) -> Markup:
        steps = self.plan["step"]
        _, moved = self._settings(self.steps)
        when = _say("judged_at", moment=f"{moved:%Y-%m-%d %H:%M}")
        if steps.empty:
            return tag("p", _say("no_steps", when=when), class_="ct-hint")
        return tag(
            "div",
            tag("ol", [tag("li", step) for step in steps], class_="ct-plan"),
            tag("p", when, class_="ct-hint"),
        )

    def _offer(self) -> None:
        """Offer the plan as a table and, where certificates have to be uploaded, as PEM text."""
        made = self.plan
        table = (
            guarded(made.drop(columns="pem")).to_csv(index=False).encode("utf-8-sig")
        )
        links = [_download(_say("download_plan"), "plan.csv", "text/csv", table)]
        if made["pem"].notna().any():
            text = "".join(made["pem"].dropna().unique()).encode()
            links.append(
                _download(
                    _say("download_pem"), "upload.pem", "application/x-pem-file", text
                )
            )
        show(self._links, [tag("p", each) for each in links])

    def _ipython_display_(self, **_options: Any) -> None:
        parts = (self._numbers, self._chart, self._actions, self._list)
        show_with_twin(
            self, [Markup("".join(part.value for part in parts))], _say("static")
        )


def _say(key: str, **values: Any) -> str:
    return say(f"widgets.what_if.{key}", **values)


def _button(key: str, **options: Any) -> Any:
    return ipywidgets.Button(
        description=_say(f"{key}.label"), tooltip=_say(f"{key}.tooltip"), **options
    )


def _download(words: str, name: str, kind: str, data: bytes) -> Markup:
    return tag(
        "a",
        words,
        href=f"data:{kind};base64,{base64.b64encode(data).decode()}",
        download=name,
    )


def _outcome(verdict: pd.Series, cause: pd.Series) -> pd.Series:
    words = verdict.map(
        {word: _say(f"verdicts.{word}") for word in ("pass", "fail", "unknown")}
    )
    return cause.map(cause_label, na_action="ignore").astype("str").fillna(words)
