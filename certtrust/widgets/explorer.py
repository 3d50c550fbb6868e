"""FleetExplorer: filters, a chart that follows them, a table of devices, and the diagnosis of one of them."""

from __future__ import annotations

import base64
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import traitlets

from ..evaluation.attempts import attempts
from ..evaluation.check import check
from ..explanation.diagnosis import Diagnosis
from ..fleet import Fleet, link
from ..report.content import reasons
from ..report.exports import guarded
from ..texts.labels import cause_label, plural
from ..texts.markup import Markup, tag
from . import diagnosis_view
from .filter_index import FILTERS, Criteria, Index, build
from .html_parts import Channel, Head, bars, device_table
from .styling import DASH, FIELD, card, day, html, short, show, show_with_twin, style
from .tables import label

ROWS = 15
SORTED_BY = ("failed", "attempts", "device", "pbx", "model", "cause", "verdict", "last")
HEADS = (
    Head("device", "Device"),
    Head("cause", "Main cause"),
    Head("failed", "Failed", number=True),
    Head("attempts", "Attempts", number=True),
    Head("pbx", "PBX"),
    Head("model", "Model"),
    Head("registration_name", "Registers as"),
    Head("last", "Last seen (UTC)"),
)
_HINT = "This is a static copy. Run the notebook to get the controls: Run → Run All Cells."
_NARROW = {"width": "230px"}


class FleetExplorer(ipywidgets.VBox):  # type: ignore[misc]
    """Explore the registrations of a fleet: filter, sort, page, and look at one device.

    Parameters
    ----------
    fleet : Fleet
        Its registrations are judged at their own time; without a log, one would-be attempt per known device is.
    results : DataFrame, optional
        Table RESULTS of that fleet, where it is at hand already.

    Attributes
    ----------
    cause, pbx, model, verdict, text : str
        What is kept; empty keeps everything. `text` is searched in names, models, places and addresses.
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
    by = traitlets.Enum(["cause", "pbx", "model"], default_value="cause")
    sort = traitlets.Enum(list(SORTED_BY), default_value="failed")
    descending = traitlets.Bool(default_value=True)
    page = traitlets.Int()
    device = traitlets.Unicode()
    diagnosis = traitlets.Instance(Diagnosis, allow_none=True, read_only=True)

    def __init__(self, fleet: Fleet, *, results: pd.DataFrame | None = None) -> None:
        if results is None:
            linked = link(fleet)
            results = check(attempts(linked, of="log" if len(fleet.registrations) else "devices"))
        self._index: Index = build(results)
        self._quiet = True
        self._build()
        super().__init__(list(self._layout()))
        self.add_class("ct-root")
        self.add_class("ct-live")
        self._connect()
        self._quiet = False
        self._filter()

    # What the user has

    @property
    def criteria(self) -> Criteria:
        """The filters as they stand."""
        return Criteria(self.cause, self.pbx, self.model, self.verdict, self.text, self.since, self.until)

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
        words = self._index.words
        choices = {
            name: [(f"All ({len(words[name])})", ""), *((_shown(name, word), word) for word in words[name])]
            for name in FILTERS
        }
        self._filters = {
            name: ipywidgets.Dropdown(
                options=choices[name], description=label(name), style={"description_width": "90px"}, layout=_NARROW
            )
            for name in FILTERS
        }
        self._text = ipywidgets.Text(
            description="Search", placeholder="name, CN, user ...", style={"description_width": "90px"}, layout=_NARROW
        )
        self._days = _days(self._index)
        self._clear = ipywidgets.Button(description="Clear filters", icon="times", layout={"width": "130px"})
        self._count = html()
        self._by = ipywidgets.Dropdown(
            options=[("Cause", "cause"), ("PBX", "pbx"), ("Model", "model")], description="Bars by", style=FIELD
        )
        self._bars, self._table, self._pages = html(), html(), html()
        self._order = ipywidgets.Dropdown(
            options=[(_title(name), name) for name in SORTED_BY],
            description="Sort by",
            style={"description_width": "60px"},
            layout={"width": "210px"},
        )
        self._down = ipywidgets.Checkbox(
            value=True, description="largest first", indent=False, layout={"width": "120px"}
        )
        self._turn = {
            name: ipywidgets.Button(description=name, tooltip=f"{name} page", layout={"width": "70px"})
            for name in ("First", "Back", "Next", "Last")
        }
        self._one = ipywidgets.Combobox(
            placeholder="serial or name", description="Device", ensure_option=False, continuous_update=False
        )
        self._shown = html("Choose a device in the table to see why it fails and what to do.")
        self._export = ipywidgets.Button(description="Prepare CSV", icon="download", layout={"width": "130px"})
        self._link = html()
        self._channel = Channel(self._heard)

    def _layout(self) -> tuple[Any, ...]:
        filters = ipywidgets.HBox([*self._filters.values(), self._text, self._days, self._clear])
        filters.add_class("ct-filters")
        left = card("Why", self._by, self._bars)
        left.add_class("ct-left")
        order = ipywidgets.HBox([self._order, self._down, self._export, self._link])
        pages = ipywidgets.HBox([*self._turn.values(), self._pages])
        for row in (order, pages):
            row.add_class("ct-filters")
        right = card("Devices", order, self._table, pages)
        right.add_class("ct-right")
        columns = ipywidgets.HBox([left, right])
        columns.add_class("ct-columns")
        return (
            html(style()),
            self._channel.field,
            card("Filters", filters, self._count),
            columns,
            card("One device", self._one, self._shown, css="ct-device"),
        )

    def _connect(self) -> None:
        for name in FILTERS:
            traitlets.link((self, name), (self._filters[name], "value"))
        traitlets.link((self, "text"), (self._text, "value"))
        traitlets.link((self, "by"), (self._by, "value"))
        traitlets.link((self, "sort"), (self._order, "value"))
        traitlets.link((self, "descending"), (self._down, "value"))
        traitlets.link((self, "device"), (self._one, "value"))
        self.observe(lambda _change: self._filter(), names=[*FILTERS, "text", "since", "until"])
        self.observe(lambda _change: self._draw_bars(), names="by")
        self.observe(lambda _change: self._sort(), names=["sort", "descending"])
        self.observe(lambda _change: self._draw_table(), names="page")
        self.observe(lambda _change: self._explain(), names="device")
        self._days.observe(self._ranged, names="index")
        self._clear.on_click(lambda _button: self.clear())
        self._export.on_click(lambda _button: self._offer())
        for name, move in {"First": -(10**9), "Back": -1, "Next": 1, "Last": 10**9}.items():
            self._turn[name].on_click(lambda _button, move=move: self._go(self.page + move))

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

    def _heard(self, kind: str, value: str) -> None:
        if kind == "sort" and value in SORTED_BY:
            if value == self.sort:
                self.descending = not self.descending
            else:
                self.sort = value
        elif kind in FILTERS and value in self._index.words[kind]:
            setattr(self, kind, "" if getattr(self, kind) == value else value)
        elif kind == "device":
            self.device = value

    def _ranged(self, change: Any) -> None:
        first, last = change["new"]
        moments = [moment for _, moment in self._days.options]
        self._quiet = True
        self.since = moments[first] if first > 0 else None
        self.until = moments[last] + pd.Timedelta(days=1) if last < len(moments) - 1 else None
        self._quiet = False
        self._filter()

    def _filter(self) -> None:
        if self._quiet:
            return
        self._kept = self._index.matches(self.criteria)
        self._found = self._index.devices(self._kept)
        show(self._link, "")
        self._draw_bars()
        self._sort()

    def _draw_bars(self) -> None:
        if self._quiet:
            return
        counts = self._index.counts(self._index.matches(self.criteria, but=self.by), self.by)
        show(self._bars, bars(counts, self.by, chosen=getattr(self, self.by)))

    def _sort(self) -> None:
        if self._quiet:
            return
        order = np.argsort(self._index.column(self._found, self.sort), kind="stable")
        self._ordered = self._found.iloc[order[::-1] if self.descending else order]
        show(self._count, self._counted())
        if self.page:
            self.page = 0
        else:
            self._draw_table()

    def _counted(self) -> Markup:
        failed = int(self._found["failed"].sum())
        return tag(
            "span",
            tag("b", plural(len(self._found), "device")),
            f" with {plural(int(self._kept.sum()), 'attempt')}, of which {failed:,} failed.",
            role="status",
        )

    def _go(self, page: int) -> None:
        self.page = min(max(page, 0), self._last_page())

    def _last_page(self) -> int:
        return max(0, (len(self._ordered) - 1) // ROWS)

    def _draw_table(self) -> None:
        first = self.page * ROWS
        rows = self._described(self._ordered.iloc[first : first + ROWS])
        caption = f"{first + 1:,} to {first + len(rows):,} of {plural(len(self._ordered), 'device')}"
        table = device_table(
            rows,
            HEADS,
            sort=self.sort,
            descending=self.descending,
            chosen=self.device,
            caption=caption if len(rows) else "No device is left by these filters.",
        )
        show(self._table, table)
        show(self._pages, f"Page {self.page + 1:,} of {self._last_page() + 1:,}")
        for name, dead in {
            "First": self.page == 0, "Back": self.page == 0,
            "Next": self.page == self._last_page(), "Last": self.page == self._last_page(),
        }.items():  # fmt: skip
            self._turn[name].disabled = dead
        self._one.options = tuple(rows["device"])

    def _described(self, table: pd.DataFrame, *, reasons_too: bool = False) -> pd.DataFrame:
        """Return a table of devices in words."""
        last = self._index.results.iloc[table["last"].to_numpy()]
        words = np.array([*self._index.words["cause"], None], dtype=object)
        frame = pd.DataFrame(
            {
                "device": last["device"].to_numpy(),
                **{name: last[name].astype("str").to_numpy() for name in ("pbx", "model", "registration_name")},
                "failed": table["failed"].to_numpy(),
                "attempts": table["attempts"].to_numpy(),
                "cause": pd.Series(words[table["cause"].to_numpy()], dtype="str"),
                "verdict": last["verdict"].astype("str").to_numpy(),
                "last": last["time"].to_numpy(),
            }
        )
        frame["last"] = pd.to_datetime(frame["last"], utc=True)
        if reasons_too:
            told = reasons(last.reset_index(drop=True))
            frame = frame.assign(**told)
        return frame

    def _explain(self) -> None:
        """Show why the last failed attempt of the device failed, else how its last one was judged."""
        words = self._index.words["device"]
        if self.device not in words:
            self.set_trait("diagnosis", None)
            show(self._shown, f"{self.device}: no such device." if self.device else "Choose a device in the table.")
            return
        rows = self._index.devices(self._index.codes["device"] == words.index(self.device))
        result = self._index.results.iloc[rows["last"].to_numpy()].head(1)
        diagnosis = diagnosis_view.of_result(result)
        told = reasons(result)
        cause = result["cause"].astype("str").iloc[0]
        by_log = tag(
            "p", tag("b", cause_label(cause)), tag("br"), told["why"].iloc[0], tag("br"), told["remedy"].iloc[0]
        )
        row = result.iloc[0]
        facts = f"{self.device} at PBX {_text(row['pbx'])}, model {_text(row['model'])}, {_when(row['time'])}."
        seen = {"up": "The registration was up.", "failed": "The registration failed."}.get(str(row["observed"]), "")
        show(
            self._shown,
            [
                tag("p", f"{facts} {seen}"),
                by_log if told["why"].iloc[0] and diagnosis.verdict != "fail" else None,
                diagnosis_view.verdict_html(diagnosis),
                diagnosis_view.steps_html(diagnosis),
            ],
        )
        self.set_trait("diagnosis", diagnosis)
        self._draw_table()

    def _offer(self) -> None:
        """Offer the filtered devices as a file to download."""
        data = guarded(self.devices).to_csv(index=False, date_format="%Y-%m-%d %H:%M:%S").encode("utf-8-sig")
        address = f"data:text/csv;base64,{base64.b64encode(data).decode()}"
        said = f"Download {plural(len(self._ordered), 'device')} as CSV"
        show(self._link, tag("a", said, href=address, download="devices.csv"))

    def _ipython_display_(self, **_options: Any) -> None:
        show_with_twin(self, [Markup(self._count.value + self._bars.value + self._table.value)], _HINT)


def _shown(name: str, word: str) -> str:
    return cause_label(word) if name == "cause" else short(word)


def _title(name: str) -> str:
    return next((head.title for head in HEADS if head.name == name), label(name))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else DASH


def _when(moment: Any) -> str:
    return "at a time that is not known" if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M} UTC"


def _days(index: Index) -> Any:
    """Return a range slider over the days of the log."""
    times = index.results["time"].dropna()
    first, last = (times.min(), times.max()) if len(times) else (pd.Timestamp("2000-01-01", tz="UTC"),) * 2
    step = max(1, int((last - first).days // 120))
    days = pd.date_range(first.normalize(), last.normalize(), freq=f"{step}D")
    options = [(f" {day(each)} ", each) for each in days]  # the slider puts a hyphen between two of them
    return ipywidgets.SelectionRangeSlider(
        options=options,
        index=(0, len(options) - 1),
        description="From, to",
        style={"description_width": "90px"},
        layout={"width": "420px", "display": "" if len(options) > 1 else "none"},
        continuous_update=False,
    )
