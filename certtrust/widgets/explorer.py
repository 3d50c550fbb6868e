"""FleetExplorer: filters, a chart that follows them, a table of devices, one device's diagnosis."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import traitlets

from ..advice.remedies.plan import remedies
from ..evaluation.attempts import attempts
from ..evaluation.check import check
from ..explanation.diagnosis import Diagnosis, explained
from ..fleet import Fleet, link
from ..report.reasons import reasons
from ..tables_for_people import guarded_csv
from ..texts.device_labels import labels_of
from ..texts.labels import cause_label, plural
from ..texts.markup import Markup, tag
from ..texts.sentences import in_its_language, say
from . import diagnosis_view
from .controls import action, download, field
from .filter_index import FILTERS, Criteria, Index, build
from .html_parts import Channel, Head, bars, button, device_table
from .styling import Panel, card, columns, day, html, minute, short, show
from .tables import cell, label

ROWS = 15
SORTED_BY = (
    "failed",
    "attempts",
    "device",
    "pbx",
    "model",
    "cause",
    "verdict",
    "last",
)
BARS_BY = ("cause", "pbx", "model")
SHOWN = (
    "device", "cause", "failed", "attempts", "pbx", "model", "registration_name", "last",
)  # fmt: skip
_NUMBERS = {"failed", "attempts"}
_FAR = 10**9
_MOVES = {"first_page": -_FAR, "previous_page": -1, "next_page": 1, "last_page": _FAR}
_NARROW = {"label": "90px", "width": "230px"}


class FleetExplorer(Panel):
    """Explore the registrations of a fleet: filter, sort, page, and look at one device.

    Parameters
    ----------
    fleet : Fleet
        Its registrations are judged at their own time; without a log, one would-be attempt per
        known device is.
    results : DataFrame, optional
        Table RESULTS of that fleet, where it is at hand already.
    actions : DataFrame, optional
        From `certtrust.remedies(fleet, results)`, where it is at hand already: the action that
        repairs a device is then named with its place in that plan.

    Attributes
    ----------
    cause, pbx, model, verdict, text : str
        What is kept; empty keeps everything. `text` is searched in names, models, places and
        addresses.
    since, until : Timestamp or None
        The time range.
    by : {"cause", "pbx", "model"}
        What the bars count.
    sort, descending, page
        The order of the devices, and the page that is shown, from 0.
    device : str
        The device whose diagnosis is shown.
    selection : DataFrame
        The rows of RESULTS that the filters keep.
    devices : DataFrame
        One row per device that they keep, in the order of the table.

    Examples
    --------
    >>> import certtrust as ct
    >>> explorer = ct.widgets.FleetExplorer(ct.simulate(30, seed=1))
    >>> explorer.cause = "certificate.trust"
    >>> set(explorer.selection["cause"])
    {'certificate.trust'}
    """

    cause = traitlets.Unicode()
    pbx = traitlets.Unicode()
    model = traitlets.Unicode()
    verdict = traitlets.Unicode()
    text = traitlets.Unicode()
    since = traitlets.Instance(pd.Timestamp, allow_none=True)
    until = traitlets.Instance(pd.Timestamp, allow_none=True)
    by = traitlets.Enum(list(BARS_BY), default_value="cause")
    sort = traitlets.Enum(list(SORTED_BY), default_value="failed")
    descending = traitlets.Bool(default_value=True)
    page = traitlets.Int()
    device = traitlets.Unicode()
    diagnosis = traitlets.Instance(Diagnosis, allow_none=True, read_only=True)

    def __init__(
        self,
        fleet: Fleet,
        *,
        results: pd.DataFrame | None = None,
        actions: pd.DataFrame | None = None,
    ) -> None:
        self._fleet, self._actions = fleet, actions
        if results is None:
            linked = self._fleet = link(fleet)
            results = check(
                attempts(linked, of="log" if len(fleet.registrations) else "devices")
            )
        self._index: Index = build(results)
        self._quiet = True
        self._build()
        super().__init__(
            self._layout(), static_parts=(self._count, self._bars, self._table)
        )
        self._connect()
        self._quiet = False
        self._filter()

    # What the user has

    @property
    def criteria(self) -> Criteria:
        """The filters as they stand."""
        kept = {name: getattr(self, name) for name in Criteria._fields}
        return Criteria(**kept)

    @property
    def selection(self) -> pd.DataFrame:
        """The rows of RESULTS that the filters keep."""
        return self._index.results[self._kept]

    @property
    def devices(self) -> pd.DataFrame:
        """One row per device that the filters keep, with its last attempt and why that failed."""
        return self._described(self._ordered, reasons_too=True)

    # How it is built

    def _build(self) -> None:
        menus = {name: self._filter_menu(name) for name in FILTERS}
        self._controls = {**menus, **self._further_controls()}
        self._days = _days(self._index)
        self._clear = action(
            "explorer.clear", self.clear, width="130px", icon="times"
        )
        self._export = action(
            "explorer.export", self._offer, width="130px", icon="download"
        )
        self._turn = {
            name: self._turning(name, move) for name, move in _MOVES.items()
        }
        self._count, self._bars, self._table, self._pages, self._link = (
            html() for _ in range(5)
        )
        self._shown = html(say("widgets.explorer.choose"))
        self._channel = Channel(self._receive)

    def _filter_menu(self, name: str) -> Any:
        words = self._index.words[name]
        every = say("widgets.explorer.all", count=len(words))
        options = [(every, ""), *((short(cell(word, name)), word) for word in words)]
        return field(
            ipywidgets.Dropdown,
            f"explorer.filter_by.{name}",
            options=options,
            **_NARROW,
        )

    def _further_controls(self) -> dict[str, Any]:
        bars_by = [(label(name), name) for name in BARS_BY]
        orders = [(_heading(name), name) for name in SORTED_BY]
        by_order: Any = {"options": orders, "label": "60px", "width": "210px"}
        ticked: Any = {"value": True, "indent": False, "width": "120px"}
        typed: Any = {"ensure_option": False, "continuous_update": False}
        return {
            "text": field(ipywidgets.Text, "explorer.text", **_NARROW),
            "by": field(ipywidgets.Dropdown, "explorer.by", options=bars_by),
            "sort": field(ipywidgets.Dropdown, "explorer.sort", **by_order),
            "descending": field(ipywidgets.Checkbox, "explorer.descending", **ticked),
            "device": field(ipywidgets.Combobox, "explorer.device", **typed),
        }

    def _turning(self, name: str, move: int) -> Any:
        return action(
            f"explorer.{name}", lambda: self._go(self.page + move), width="70px"
        )

    def _layout(self) -> list[Any]:
        controls = self._controls
        filters = [
            *(controls[name] for name in (*FILTERS, "text")),
            self._days,
            self._clear,
        ]
        order = [controls["sort"], controls["descending"], self._export, self._link]
        rows = (filters, order, [*self._turn.values(), self._pages])
        filters, order, pages = (
            ipywidgets.HBox(row).add_class("ct-filters") for row in rows
        )
        cards = {
            "filters": [filters, self._count],
            "why": [controls["by"], self._bars],
            "devices": [order, self._table, pages],
            "one_device": [controls["device"], self._shown],
        }
        made = {
            name: card(say(f"widgets.explorer.{name}"), *cards[name])
            for name in cards
        }
        both = columns(made["why"], made["devices"])
        last = made["one_device"].add_class("ct-device")
        return [self._channel.field, made["filters"], both, last]

    def _connect(self) -> None:
        for name, control in self._controls.items():
            traitlets.link((self, name), (control, "value"))
        self.observe(
            in_its_language(lambda _change: self._filter()),
            names=[*FILTERS, "text", "since", "until"],
        )
        self.observe(in_its_language(lambda _change: self._draw_bars()), names="by")
        self.observe(
            in_its_language(lambda _change: self._sort()),
            names=["sort", "descending"],
        )
        self.observe(
            in_its_language(lambda _change: self._draw_table()), names="page"
        )
        self.observe(in_its_language(lambda _change: self._explain()), names="device")
        self._days.observe(in_its_language(self._ranged), names="index")

    # What happens

    def clear(self) -> None:
        """Take all filters away."""
        self._quiet = True
        for name in (*FILTERS, "text"):
            setattr(self, name, "")
        self.since = self.until = None
        self._days.index = (0, len(self._days.options) - 1)
        self._quiet = False
        self._filter()

    def _receive(self, kind: str, value: str) -> None:
        if kind == "sort" and value in SORTED_BY:
            if value == self.sort:
                self.descending = not self.descending
            else:
                self.sort = value
        elif kind in FILTERS and value in self._index.words[kind]:
            setattr(self, kind, "" if getattr(self, kind) == value else value)
        elif kind == "device":
            self.device = value
        elif kind == "repair":
            self.repair()

    def _ranged(self, change: Any) -> None:
        first, last = change["new"]
        moments = [moment for _, moment in self._days.options]
        self._quiet = True
        self.since = moments[first] if first > 0 else None
        self.until = (
            moments[last] + pd.Timedelta(days=1) if last < len(moments) - 1 else None
        )
        self._quiet = False
        self._filter()

    def _filter(self) -> None:
        if self._quiet:
            return
        self._kept = self._index.matches(self.criteria)
        self._matches = self._index.devices(self._kept)
        show(self._link, "")
        self._draw_bars()
        self._sort()

    def _draw_bars(self) -> None:
        if self._quiet:
            return
        counts = self._index.counts(
            self._index.matches(self.criteria, but=self.by), self.by
        )
        show(self._bars, bars(counts, self.by, chosen=getattr(self, self.by)))

    def _sort(self) -> None:
        if self._quiet:
            return
        order = np.argsort(
            self._index.column(self._matches, self.sort), kind="stable"
        )
        self._ordered = self._matches.iloc[order[::-1] if self.descending else order]
        counts = {
            "devices": plural(len(self._matches), "device"),
            "attempts": plural(int(self._kept.sum()), "attempt"),
            "failed": int(self._matches["failed"].sum()),
        }
        show(
            self._count,
            tag("span", say("widgets.explorer.counted", **counts), role="status"),
        )
        if self.page:
            self.page = 0
        else:
            self._draw_table()

    def _go(self, page: int) -> None:
        self.page = min(max(page, 0), self._last_page())

    def _last_page(self) -> int:
        return max(0, (len(self._ordered) - 1) // ROWS)

    def _draw_table(self) -> None:
        first, last_page = self.page * ROWS, self._last_page()
        rows = self._described(self._ordered.iloc[first : first + ROWS])
        caption = say("widgets.explorer.no_rows")
        if len(rows):
            counts = {"first": first + 1, "last": first + len(rows)}
            total = plural(len(self._ordered), "device")
            caption = say("widgets.explorer.rows", **counts, devices=total)
        table = device_table(
            rows,
            [Head(name, _heading(name), number=name in _NUMBERS) for name in SHOWN],
            sort=self.sort,
            descending=self.descending,
            chosen=self.device,
            caption=caption,
        )
        show(self._table, table)
        show(
            self._pages,
            say("widgets.shared.page", page=self.page + 1, pages=last_page + 1),
        )
        for name, move in _MOVES.items():
            self._turn[name].disabled = self.page == (0 if move < 0 else last_page)
        self._controls["device"].options = tuple(rows["device"])

    def _described(
        self, table: pd.DataFrame, *, reasons_too: bool = False
    ) -> pd.DataFrame:
        """Return a table of devices in words."""
        last = self._index.results.iloc[table["last"].to_numpy()].reset_index(
            drop=True
        )
        causes = np.array([*self._index.words["cause"], None], dtype=object)
        names = ["device", "pbx", "model", "registration_name", "verdict"]
        counts = table[["failed", "attempts"]].reset_index(drop=True)
        frame = pd.concat(
            [last[names].astype("str"), counts, last["time"].rename("last")], axis=1
        )
        frame["label"] = labels_of(last)
        frame["cause"] = pd.Series(causes[table["cause"].to_numpy()], dtype="str")
        return frame.assign(**reasons(last)) if reasons_too else frame

    @cached_property
    def _by_label(self) -> dict[str, str]:
        """The devices by what people call them, which may be typed as well."""
        results = self._index.results
        named = results[results["device"].notna()].drop_duplicates("device")
        return dict(zip(labels_of(named), named["device"], strict=True))

    def _explain(self) -> None:
        """Show why the device's last failed attempt failed, else how its last one was judged."""
        names = self._index.words["device"]
        if self.device not in names and self.device in self._by_label:
            self.device = self._by_label[self.device]
            return
        if self.device not in names:
            self.set_trait("diagnosis", None)
            missing = say("widgets.explorer.no_such_device", device=self.device)
            show(
                self._shown,
                missing if self.device else say("widgets.explorer.choose"),
            )
            return
        rows = self._index.devices(
            self._index.codes["device"] == names.index(self.device)
        )
        result = self._index.results.iloc[rows["last"].to_numpy()]
        diagnosis = explained(result)
        parts = [
            _facts(result.iloc[0]),
            None if diagnosis.verdict == "fail" else _stated(result),
            diagnosis_view.verdict_html(diagnosis),
            diagnosis_view.steps_html(diagnosis),
        ]
        self._parts, self._row = parts, rows
        if result["cause"].notna().any():
            asking = say("widgets.explorer.repair")
            parts = [*parts, button(asking, "repair:", class_="ct-copy")]
        show(self._shown, parts)
        self.set_trait("diagnosis", diagnosis)
        self._draw_table()

    def repair(self) -> pd.DataFrame:
        """Return the actions that repair the chosen device, and show them below its diagnosis.

        Returns
        -------
        DataFrame
            As `certtrust.remedies` returns it, for the failures of this device alone.
        """
        names = self._index.words["device"]
        device = names.index(self.device) if self.device in names else -2
        failures = self._index.results[self._index.codes["device"] == device]
        if self._fleet.links is None:
            self._fleet = link(self._fleet)
        needed = remedies(self._fleet, failures)
        if self.device in names:
            show(self._shown, [*self._parts, _repairing(needed, self._actions)])
        return needed

    def _offer(self) -> None:
        """Offer the filtered devices as a file to download."""
        devices = plural(len(self._ordered), "device")
        words = say("widgets.explorer.download", devices=devices)
        data = guarded_csv(self.devices)
        show(self._link, download(words, "devices.csv", "text/csv", data))


_SAME = ["action", "pbx", "device", "fingerprint", "name", "value"]


def _repairing(needed: pd.DataFrame, plan: pd.DataFrame | None) -> Markup:
    """Return what repairs a device, each action with its place in the plan of the fleet."""
    heading = tag("b", say("widgets.explorer.repairs", count=len(needed)))
    if needed.empty:
        words = tag("p", say("widgets.explorer.no_repair"), class_="ct-hint")
        return tag("div", words, class_="ct-repairs", role="status")
    ranks = pd.Series(index=needed.index, dtype="Int64")
    numbers = pd.DataFrame()
    if plan is not None:
        keys = [name for name in _SAME if name in plan and name in needed]
        both = needed[keys].astype("str").fillna("").reset_index()
        of_plan = plan[[*keys, "rank", "devices"]]
        of_plan = of_plan.assign(**of_plan[keys].astype("str").fillna(""))
        numbers = both.merge(of_plan, on=keys).set_index("index")
        ranks = numbers["rank"].reindex(needed.index).astype("Int64")
    items = [
        tag("li", step, _place_in_plan(rank, numbers, at))
        for at, step, rank in zip(needed.index, needed["step"], ranks, strict=True)
    ]
    listed = tag("ul", items, class_="ct-plan")
    return tag("div", heading, listed, class_="ct-repairs", role="status")


def _place_in_plan(rank: Any, numbers: pd.DataFrame, at: Any) -> Markup | None:
    if pd.isna(rank):
        return None
    devices = plural(int(numbers["devices"].loc[at]), "device")
    words = say("widgets.explorer.in_plan", rank=int(rank), devices=devices)
    return tag("span", " ", words, class_="ct-soft")


def _heading(name: str) -> str:
    return say(f"widgets.explorer.columns.{name}")


def _facts(row: pd.Series) -> Markup:
    """Return who tried when, and with which outcome."""
    names = {name: cell(row[name]) for name in ("pbx", "model")}
    names["device"] = cell(labels_of(row.to_frame().T).iloc[0])
    if pd.isna(row["time"]):
        facts = say("widgets.explorer.facts_without_time", **names)
    else:
        facts = say("widgets.explorer.facts", **names, at=minute(row["time"]))
    is_observed = row["observed"] in ("up", "failed")
    outcome = (
        [" ", say(f"widgets.explorer.{row['observed']}")] if is_observed else None
    )
    return tag("p", facts, outcome)


def _stated(result: pd.DataFrame) -> Markup | None:
    """Return the cause that the log states, why it is one and what to do; None without one."""
    words = reasons(result)
    why, remedy = (words[name].iloc[0] for name in ("why", "remedy"))
    cause = cause_label(str(result["cause"].iloc[0]))
    return (
        tag("p", tag("b", cause), tag("br"), why, tag("br"), remedy) if why else None
    )


def _days(index: Index) -> Any:
    """Return a range slider over the days of the log."""
    times = index.results["time"].dropna()
    unknown = pd.Timestamp("2000-01-01", tz="UTC")
    first, last = (times.min(), times.max()) if len(times) else (unknown, unknown)
    step = max(1, int((last - first).days // 120))
    days = pd.date_range(first.normalize(), last.normalize(), freq=f"{step}D")
    slider = field(
        ipywidgets.SelectionRangeSlider,
        "explorer.days",
        # A hyphen comes between two of them.
        options=[(f" {day(moment)} ", moment) for moment in days],
        index=(0, len(days) - 1),
        label="90px",
        width="420px",
        continuous_update=False,
    )
    slider.layout.display = "" if len(days) > 1 else "none"
    return slider
