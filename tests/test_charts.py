"""Charts: what they draw, their titles and texts, and that they change nothing else."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations as pairs
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.text import Text
from test_charts_frames import (
    KNOWN_CAUSES,
    make_actions,
    make_certificates,
    make_predictions,
    make_results,
)
from thoroughness import first

import certtrust as ct
from certtrust import charts, schema
from certtrust.charts.drawing.palette import CAUSE_COLOURS, FURTHER, GOOD, OTHER
from certtrust.charts.drawing.record import chart as make_chart
from certtrust.charts.drawing.record import charts_of
from certtrust.report.page import SECTIONS
from certtrust.testing import small_fleet
from certtrust.texts.labels import cause_label

Draw = Callable[..., Axes]


@pytest.fixture(scope="module")
def results() -> pd.DataFrame:
    """Return RESULTS with eight causes."""
    return make_results(causes=8, rows=600)


@pytest.fixture(scope="module")
def fleet() -> ct.Fleet:
    """Return a small simulated fleet with its links."""
    return small_fleet(40, seed=2)


def title(ax: Axes) -> str:
    """Return the headline on one line."""
    return " ".join(ax.get_title().split())


def axes_texts(ax: Axes) -> list[str]:
    """Return every text in the axes."""
    return [text.get_text() for text in ax.texts]


def bars(ax: Axes) -> list[Rectangle]:
    """Return the bars of the axes."""
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def test_causes_draws_the_numbers_of_causes(results: pd.DataFrame) -> None:
    """Each cause is a row of bars, as long as its number of attempts and in its own colour, the
    most frequent first.
    """
    ax = charts.causes(results, ax=charts.blank())
    counts = ct.causes(results)
    drawn = bars(ax)
    assert sum(bar.get_width() for bar in drawn) == pytest.approx(
        counts["attempts"].sum()
    )
    lengths: dict[float, float] = {}
    for bar in drawn:
        lengths[round(bar.get_y(), 6)] = (
            lengths.get(round(bar.get_y(), 6), 0) + bar.get_width()
        )
    ranked = (
        counts.groupby("cause", observed=True)["attempts"]
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    assert list(lengths.values()) == pytest.approx(ranked.tolist())
    assert sorted(lengths) == list(lengths)
    first = next(iter(ranked.index))
    assert to_hex(drawn[0].get_facecolor()) == charts.cause_colours([first])[first]
    share = ranked.iloc[0] / ranked.sum()
    assert (
        title(ax)
        == f"{cause_label(first)} explains {share:.0%} of {ranked.sum():,} failed attempts"
    )


def test_causes_distinguishes_evidence(results: pd.DataFrame) -> None:
    """Failures that a rule predicts are hatched, those that the log states are not, and a cause
    may have both.
    """
    ax = charts.causes(results, ax=charts.blank())
    counts = ct.causes(results)
    hatched = sum(bar.get_width() for bar in bars(ax) if bar.get_hatch())
    assert hatched == pytest.approx(
        counts.loc[counts["evidence"] == "rule", "attempts"].sum()
    )
    assert (counts["cause"] == "time.clock").sum() == 2
    assert {"predicted by a rule", "stated by the log"} <= set(axes_texts(ax))


def test_a_long_tail_folds_and_says_how_many() -> None:
    """Thirty causes become twelve rows, the last of which says how many causes it represents; no
    attempt is lost.
    """
    many = make_results(causes=30, rows=3000)
    ax = charts.causes(many, ax=charts.blank())
    counts = ct.causes(many.assign(evidence="any"))
    assert f"{len(counts) - 11} other causes" in axes_texts(ax)
    assert sum(bar.get_width() for bar in bars(ax)) == pytest.approx(
        counts["attempts"].sum()
    )


def test_timeline_stacks_the_failures_of_each_day(results: pd.DataFrame) -> None:
    """The stack is as high as the failures of the day, in one step per cause."""
    ax = charts.timeline(results, ax=charts.blank())
    counts = charts.failures_over_time(results)
    assert len(counts) == 30
    steps = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    assert len(steps) == counts.shape[1] - 1
    top = np.asarray(steps[-1].get_data().values)
    assert top.tolist() == counts.drop(columns="logged").sum(axis=1).tolist()
    failed = results[results["observed"] == "failed"]
    assert (
        top.tolist()
        == failed["time"]
        .dt.floor("D")
        .value_counts()
        .reindex(counts.index, fill_value=0)
        .tolist()
    )


@pytest.mark.parametrize("seconds", [1, 60, 600])
def test_timeline_of_a_log_between_two_round_moments(seconds: int) -> None:
    """It is drawn, and dated."""
    times = pd.to_datetime(["2026-10-20T18:01:05Z"] * 2)
    times += pd.to_timedelta([0, seconds], unit="s")
    log = pd.DataFrame({"time": times, "serial": "0090332f688a", "state": "rejected"})
    fleet = ct.read_fleet(log.to_csv(index=False))
    ax = charts.timeline(ct.check(ct.attempts(fleet)))
    assert len(ax.get_xticklabels()) > 0


def test_timeline_shows_gaps_of_the_log() -> None:
    """Days without a line of the log differ from days without failures, and are in the legend."""
    silent = make_results(causes=3, rows=400)
    silent = silent[
        (silent["time"] < "2026-03-10") | (silent["time"] >= "2026-03-15")
    ]
    counts = charts.failures_over_time(silent)
    assert (counts["logged"] == 0).sum() == 5
    ax = charts.timeline(silent, ax=charts.blank())
    assert "no log" in axes_texts(ax)
    spans = [patch for patch in ax.patches if patch.get_hatch()]
    assert [round(span.get_width()) for span in spans] == [5]
    assert "no log" not in axes_texts(
        charts.timeline(make_results(causes=3, rows=400), ax=charts.blank())
    )


@pytest.mark.parametrize(
    ("days", "freq"),
    [(0.05, "min"), (0.5, "10min"), (3, "h"), (100, "D"), (900, "W-MON")],
)
def test_timeline_chooses_its_step(days: float, freq: str) -> None:
    """The step follows from the span of the log, and can be chosen."""
    logged = make_results(causes=2, rows=200, days=days)
    chosen = charts.failures_over_time(logged)
    assert chosen.equals(charts.failures_over_time(logged, freq=freq))
    assert charts.failures_over_time(logged, freq="YS")["logged"].tolist()[0] > 0


def test_an_unknown_step_is_refused(results: pd.DataFrame) -> None:
    """An unknown step is the caller's mistake, and the message lists the known ones."""
    with pytest.raises(ValueError, match="W-MON"):
        charts.failures_over_time(results, freq="fortnight")


def test_heatmap_counts_by_group(results: pd.DataFrame) -> None:
    """The cells show the numbers of the cross table as shares of all attempts of their group, and
    the title names the group of which the largest share fails.
    """
    ax = charts.heatmap(results, "pbx", ax=charts.blank())
    counts = charts.causes_by_group(results, "pbx")
    failed = results[results["observed"] == "failed"]
    outside = pd.crosstab(failed["cause"].astype("str"), failed["pbx"])
    assert counts.to_dict() == outside.loc[counts.index, counts.columns].to_dict()
    attempts = results["pbx"].value_counts()
    worst = (counts.sum() / attempts).idxmax()
    assert title(ax).startswith(
        f"PBX {worst}: {counts[worst].sum():,} of {attempts[worst]:,} attempts fail"
    )
    for group in counts:
        words = f"{counts[group].sum()} of {attempts[group]} fail"
        assert words in axes_texts(ax)
        size = int(counts[group].iloc[0])
        assert f"{size} \u00b7 {size / attempts[group]:.0%}" in axes_texts(ax)


def test_a_few_failures_of_a_small_group_are_not_the_darkest(
    results: pd.DataFrame,
) -> None:
    """A PBX of four attempts that all fail is no headline beside one where most of many fail."""
    few = results[results["observed"] == "failed"].head(4).assign(pbx="tiny")
    both = pd.concat([results, few], ignore_index=True)
    assert "tiny" not in title(charts.heatmap(both, "pbx", ax=charts.blank()))


def test_unknown_groups_are_counted(results: pd.DataFrame) -> None:
    """A missing model is a group of its own; many groups fold into one with their number."""
    counts = charts.causes_by_group(results.assign(model=pd.NA), "model")
    assert counts.columns.tolist() == ["not known"]
    ax = charts.heatmap(
        results.assign(model=results["device"]), "model", ax=charts.blank()
    )
    assert any(word.endswith("more") for word in axes_texts(ax))


def test_combinations_counts_rules_that_are_broken_together(
    results: pd.DataFrame,
) -> None:
    """Every failed attempt is counted under exactly the rules that it breaks."""
    counts = charts.broken_together(results)
    failed = results[results["observed"] == "failed"]
    assert counts["attempts"].sum() == len(failed)
    both = failed["certificate.trust"].eq(other=False) & failed["time.validity"].eq(
        other=False
    )
    holding = counts["rules"].map(
        lambda rules: {"certificate.trust", "time.validity"} <= set(rules)
    )
    assert counts.loc[holding, "attempts"].sum() == both.sum() > 0
    ax = charts.combinations(results, ax=charts.blank())
    several = counts.loc[counts["rules"].map(len) > 1, "attempts"].sum()
    assert title(ax).startswith(f"{several:,} of ")
    single = counts[counts["rules"].map(len) > 0].iloc[0]
    assert max(-bar.get_height() for bar in bars(ax)) > 0
    assert f"{single['attempts']:,}" in axes_texts(ax)


def test_compared_names_each_meeting(results: pd.DataFrame) -> None:
    """The tiles show the numbers of `compare`, and the title the share that is explained."""
    table = ct.compare(results)
    ax = charts.compared(results, ax=charts.blank())
    assert {
        f"{size:,}" for size in table[["up", "failed"]].to_numpy().ravel()
    } <= set(axes_texts(ax))
    explained, failed = int(table["failed"]["fail"]), int(table["failed"].sum())
    assert title(ax) == (
        f"The rules explain {explained:,} of {failed:,} "
        f"observed failures ({explained / failed:.0%})"
    )
    assert "Log: nothing" not in axes_texts(ax)


def test_expiry_distinguishes_devices_and_cas() -> None:
    """Devices are counted in bars, each CA has a line, copies count once, and today is marked."""
    certificates = make_certificates(60)
    today = pd.Timestamp("2026-11-23", tz="UTC")
    expiries = charts.expiries(pd.concat([certificates, certificates]), today=today)
    assert len(expiries) == len(certificates)
    assert (expiries["state"] == "expired").sum() == (
        certificates["not_after"] < today
    ).sum()
    ax = charts.expiry(certificates, today=today, ax=charts.blank())
    late = certificates[
        ~certificates["is_ca"].astype(bool) & (certificates["not_after"] < today)
    ]
    assert title(ax).startswith(f"{len(late)} of 60 device certificates have expired")
    assert "today" in axes_texts(ax)
    assert sum("Certification Authority" in word for word in axes_texts(ax)) == 6


def test_a_certificate_of_the_year_9999_does_not_squeeze_the_rest() -> None:
    """Ends far in the future are noted at the right edge, and do not stretch the scale."""
    certificates = make_certificates(30)
    far = certificates.head(1).assign(
        not_after=pd.Timestamp("9999-12-31", tz="UTC"), fingerprint="f"
    )
    ax = charts.expiry(
        pd.concat([certificates, far]), today="2026-11-23", ax=charts.blank()
    )
    assert any(word.endswith("later \u2192") for word in axes_texts(ax))
    assert all(int(tick.get_text()) < 2060 for tick in ax.get_xticklabels())


def test_trust_tree_counts_each_device_certificate_once(fleet: ct.Fleet) -> None:
    """The roots together have every device certificate, and no branch has more than its root."""
    tree = charts.issuer_tree(fleet)
    roots = tree[tree["depth"] == 0]
    own = ct.attempts(fleet, of="devices")["fingerprint"].dropna().unique()
    assert roots["devices"].sum() >= len(own)
    assert (tree["trusted"] <= tree["devices"]).all()
    devices_at_depth = {}
    for depth, devices in zip(tree["depth"], tree["devices"], strict=True):
        devices_at_depth[depth] = devices
        assert depth == 0 or devices <= devices_at_depth[depth - 1]
    ax = charts.trust_tree(fleet, ax=charts.blank())
    assert (tree["trusted_by_all"] <= tree["trusted"]).all()
    by_all, devices = int(roots["trusted_by_all"].sum()), int(roots["devices"].sum())
    assert f"{by_all:,} of {devices:,} device certificates" in title(ax)
    assert to_hex(bars(ax)[0].get_facecolor()) in (GOOD[0], GOOD[1])


def test_trust_tree_follows_the_lists(fleet: ct.Fleet) -> None:
    """Without any list nothing is covered; with every certificate listed everything is."""
    bare = ct.Fleet(
        fleet.certificates,
        fleet.trust.head(0),
        fleet.devices,
        fleet.registrations,
        fleet.links,
    )
    assert charts.issuer_tree(bare)["trusted"].sum() == 0
    everything = fleet.certificates.assign(pbx="hq")
    full = ct.Fleet(
        fleet.certificates,
        everything,
        fleet.devices,
        fleet.registrations,
        fleet.links,
    )
    tree = charts.issuer_tree(full)
    assert (tree["trusted"] == tree["devices"]).all()
    assert (tree["trusted_by_all"] == tree["devices"]).all()
    # A second PBX, which trusts nothing of it, leaves none that every PBX trusts.
    stranger = full.trust.head(1).assign(pbx="branch", fingerprint="0" * 64)
    lists = pd.concat([full.trust, stranger], ignore_index=True)
    tree = charts.issuer_tree(dataclasses.replace(full, trust=lists))
    assert (tree["trusted"] == tree["devices"]).all()
    assert tree["trusted_by_all"].sum() == 0


@pytest.mark.parametrize(
    ("name", "hardware_id", "cn", "relation"),
    [
        ("0090332f688a", None, "0090332f688a", "equal"),
        ("00-90-33-2F-68-8A", None, "0090332f688a", "equal"),
        ("009033010203-TEL1", None, "009033010203", "cn begins name"),
        ("0090332f688a", "IP222-2f-68-8a", "IP222-2f-68-8a", "cn begins hardware id"),
        ("0090332f688a", None, "IP222-2f-68-8a", "other spelling"),
        ("IP222-2f-68-8a", None, "0090332f688a", "other spelling"),
        ("reception", None, "phone.example.com", "nothing in common"),
        ("reception", None, "", "no cn"),
        (None, None, "0090332f688a", "no name"),
    ],
)
def test_name_relations(
    name: str | None, hardware_id: str | None, cn: str, relation: str
) -> None:
    """Names and CNs relate as in the examples of the article."""
    row = make_results(causes=1, rows=1).assign(
        registration_name=pd.Series([name], dtype="str"),
        hardware_id=pd.Series([hardware_id], dtype="str"),
        subject_cn=pd.Series([cn], dtype="str"),
        serial=pd.Series([None], dtype="str"),
    )
    assert charts.name_relations(row)["relation"].tolist() == [relation]
    assert charts.name_relations(row.assign(fingerprint=pd.NA))[
        "relation"
    ].tolist() == ["no certificate"]


def test_forecast_draws_devices_per_date() -> None:
    """The last step is as high as the number of devices at the last date, which the title gives."""
    predictions = make_predictions(4)
    ax = charts.forecast(predictions, ax=charts.blank())
    sums = predictions.groupby("date")["devices"].sum()
    steps = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    assert np.asarray(steps[-1].get_data().values).tolist() == sums.tolist()
    more = sums.iloc[-1] - sums.iloc[0]
    first = f"{sums.index[0]:%B %Y}"
    assert (
        f"{sums.iloc[-1]:,} devices will fail in November 2028, {more:,} more than in {first}"
        in title(ax)
    )


def test_a_forecast_of_days_gives_the_days() -> None:
    """Within one month, the name of the month would not distinguish both ends."""
    days = pd.date_range("2027-03-04", periods=3, freq="D", tz="UTC")
    predictions = pd.DataFrame(
        {"date": days, "cause": "time.validity", "devices": [1, 2, 5]}
    )
    assert (
        "5 devices will fail on 6 March 2027, 4 more than on 4 March 2027"
        in title(charts.forecast(predictions))
    )


def test_remedies_grow_to_all_that_can_be_repaired() -> None:
    """Each row ends at the cumulated number of devices; the tail folds; the title says how few
    actions repair half.
    """
    actions = make_actions(25)
    ax = charts.remedies(actions, ax=charts.blank())
    ends = [bar.get_x() + bar.get_width() for bar in bars(ax)][1::2]
    assert ends == pytest.approx(
        [*actions["devices_cumulative"][:9], actions["devices_cumulative"].iloc[-1]]
    )
    assert "16 more actions" in axes_texts(ax)
    half = (
        int(
            (
                actions["devices_cumulative"]
                >= actions["devices_cumulative"].iloc[-1] / 2
            ).idxmax()
        )
        + 1
    )
    assert title(ax).startswith(f"The first {half} of 25 actions repair")


CHARTS: dict[str, Callable[[Axes | None, str], Axes]] = {
    **{
        name: lambda ax, theme, name=name: getattr(charts, name)(
            RESULTS, ax=ax, theme=theme
        )  # type: ignore[misc]
        for name in (
            "causes",
            "timeline",
            "heatmap",
            "combinations",
            "compared",
            "name_fit",
        )
    },
    "expiry": lambda ax, theme: charts.expiry(
        make_certificates(20), ax=ax, theme=theme
    ),
    "forecast": lambda ax, theme: charts.forecast(
        make_predictions(3), ax=ax, theme=theme
    ),
    "remedies": lambda ax, theme: charts.remedies(
        make_actions(5), ax=ax, theme=theme
    ),
}
RESULTS = make_results(causes=5, rows=200)


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_draws_in_its_axes_in_both_themes(name: str) -> None:
    """A chart returns the axes passed to it, in the colours of the theme, with an alternative
    text.
    """
    for theme, background in (("light", "#ffffff"), ("dark", "#15181d")):
        ax = Figure(figsize=(6, 4)).add_subplot()
        before = dict(mpl.rcParams)
        assert CHARTS[name](ax, theme) is ax
        assert dict(mpl.rcParams) == before
        assert to_hex(ax.get_facecolor()) == background
        alternative_text = charts.alternative_text(ax)
        assert title(ax) in " ".join(alternative_text.split())
        assert len(alternative_text) > len(title(ax)) + 20
        assert any(letter.isdigit() for letter in title(ax))


def test_a_new_figure_is_made_without_axes() -> None:
    """Without axes a chart makes a figure that pyplot knows, which a notebook shows."""
    plt = pytest.importorskip("matplotlib.pyplot")
    ax = charts.causes(RESULTS)
    assert plt.gcf() is ax.get_figure()
    assert ax.get_figure().get_figwidth() == 7.5
    plt.close(ax.get_figure())


def test_the_theme_follows_the_figure_and_wrong_ones_are_refused() -> None:
    """On a dark figure a chart is dark by default; an unknown theme raises."""
    ax = Figure(facecolor="black").add_subplot()
    assert to_hex(charts.causes(RESULTS, ax=ax).get_facecolor()) == "#15181d"
    with pytest.raises(ValueError, match="'light' and 'dark'"):
        charts.causes(RESULTS, theme="sepia")


def test_empty_frames_give_empty_titled_axes() -> None:
    """Having nothing to draw is no error: the axes have a headline that says so."""
    no_results = make_results(causes=3, rows=50).head(0)
    for name in (
        "causes",
        "timeline",
        "heatmap",
        "combinations",
        "compared",
        "name_fit",
    ):
        ax = getattr(charts, name)(no_results, ax=charts.blank())
        assert title(ax)
        assert not bars(ax)
    empty = ct.Fleet(
        *(
            schema.empty(schema.TABLES[name])
            for name in ("CERTIFICATES", "TRUST", "DEVICES", "REGISTRATIONS")
        )
    )
    assert (
        title(charts.trust_tree(empty, ax=charts.blank())) == "No device certificates"
    )
    assert (
        title(charts.expiry(make_certificates(0), ax=charts.blank()))
        == "No certificates with a known expiry date"
    )
    assert (
        title(charts.forecast(make_predictions(0), ax=charts.blank()))
        == "No device is predicted to fail"
    )
    assert (
        title(charts.remedies(make_actions(0), ax=charts.blank()))
        == "The plan has no action"
    )


def test_nothing_is_changed_by_drawing(fleet: ct.Fleet) -> None:
    """Drawing leaves the frames as they are."""
    before, certificates = RESULTS.copy(), fleet.certificates.copy()
    for draw in CHARTS.values():
        draw(charts.blank(), "light")
    charts.trust_tree(fleet, ax=charts.blank())
    pd.testing.assert_frame_equal(RESULTS, before)
    pd.testing.assert_frame_equal(fleet.certificates, certificates)


def test_every_cause_has_a_label_and_a_colour() -> None:
    """No known cause is shown by its code, and each cause of the palette has its own colour on
    either background.
    """
    assert all(cause_label(cause) != cause for cause in KNOWN_CAUSES)
    assert set(CAUSE_COLOURS) <= set(KNOWN_CAUSES)
    for dark in (False, True):
        colours = charts.cause_colours(KNOWN_CAUSES, dark=dark)
        assert len({colours[cause] for cause in CAUSE_COLOURS}) == len(CAUSE_COLOURS)


def test_an_unknown_cause_keeps_its_colour() -> None:
    """It has the same colour wherever it occurs."""
    colour = charts.cause_colours(["solar flare"])["solar flare"]
    assert (
        charts.cause_colours(["timeout", "gremlins", "solar flare"])["solar flare"]
        == colour
    )


DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""Effect of each deficiency on linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)."""


def linear(colour: str) -> np.ndarray:
    """Return linear RGB."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE 1976 Lab of linear RGB under D65."""
    matrix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    x, y, z = (matrix @ rgb) / np.array([0.95047, 1.0, 1.08883])
    x, y, z = (
        np.cbrt(part) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (x, y, z)
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", DEFICIENCIES)
@pytest.mark.parametrize("dark", [False, True])
def test_everyone_can_distinguish_causes(sight: str, dark: bool) -> None:
    """Any two causes differ by 17 or more in Lab, also for people with colour blindness."""
    perceived = {
        cause: lab(np.clip(DEFICIENCIES[sight] @ linear(colour), 0, 1))
        for cause, colour in charts.cause_colours(CAUSE_COLOURS, dark=dark).items()
    }
    near = {
        (one, other): np.linalg.norm(perceived[one] - perceived[other])
        for one, other in pairs(perceived, 2)
    }
    assert min(near.values()) >= 17, min(near, key=near.__getitem__)


@pytest.mark.parametrize(
    ("dark", "background"), [(False, "#ffffff"), (True, "#15181d")]
)
def test_causes_stand_out_from_the_background(dark: bool, background: str) -> None:
    """The contrast is 3 or more, as WCAG requires for graphics."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    under = float(linear(background) @ weights)
    for cause, colour in charts.cause_colours(CAUSE_COLOURS, dark=dark).items():
        high, low = sorted((float(linear(colour) @ weights), under), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3, cause


def test_further_colours_are_not_those_of_causes() -> None:
    """Folded, good and unknown parts never have the colour of a cause."""
    taken = {colour for pair in CAUSE_COLOURS.values() for colour in pair}
    assert taken.isdisjoint(
        colour for pair in (*FURTHER, OTHER, GOOD) for colour in pair
    )


def test_importing_the_charts_does_not_load_matplotlib() -> None:
    """Importing the package and its charts does not load matplotlib; drawing does."""
    code = "import sys, certtrust; certtrust.charts.causes; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


OF_MANY_REPORTS = ("trend",)
"""Charts that no single report has the data for."""


def test_every_chart_has_a_section_and_documents_its_options() -> None:
    """The list has the file of each chart, its section exists in the report, and `help` shows the
    shared options.
    """
    files = {path.stem for path in Path(charts.__file__).parent.glob("*.py")} - {
        "__init__"
    }
    assert {*charts.CHARTS, *OF_MANY_REPORTS} == files
    for name in OF_MANY_REPORTS:
        assert getattr(charts, name).chart.section is None
    assert {chart.section for chart in charts.CHARTS.values()} <= set(SECTIONS)
    for name in files:
        chart = getattr(charts, name).chart
        assert chart.draw is getattr(charts, name)
        assert name in charts.__all__
        assert {"ax", "width", "height", "theme"} <= set(
            inspect.signature(chart.draw).parameters
        )
        assert "**canvas" not in str(chart.draw.__doc__)
        assert "ax : Axes, optional" in str(chart.draw.__doc__)


def test_a_chart_that_lacks_something_is_refused() -> None:
    """The error names a section that the report does not have, or missing sentences."""

    def with_chart(name: str, section: str) -> list[object]:
        def draw(**canvas: Axes) -> Axes:
            return canvas["ax"]

        draw.__name__ = name
        return [*vars(charts).values(), make_chart(section=section, feed=dict)(draw)]

    with pytest.raises(
        ct.CerttrustError, match=r"\[charts.weather\] in texts/en.toml lacks title"
    ):
        charts_of("certtrust.charts", with_chart("weather", "why"))
    with pytest.raises(
        ct.CerttrustError,
        match="causes names the section 'sky'; those of the page are why",
    ):
        charts_of("certtrust.charts", with_chart("causes", "sky"))
    with pytest.raises(
        ct.CerttrustError, match=r"certtrust\.charts\.forecast is in no list"
    ):
        charts_of(
            "certtrust.charts",
            [
                value
                for value in vars(charts).values()
                if value is not charts.forecast
            ],
        )


def test_an_empty_chart_has_an_alternative_text() -> None:
    """It is the headline and the sentence of the chart."""
    alternative_text = charts.alternative_text(
        charts.causes(RESULTS.head(0), ax=charts.blank())
    )
    assert (
        alternative_text
        == "No failed attempts. No attempt failed, and no rule predicts a failure."
    )


ENGLISH = re.compile(
    r"\b(of|the|and|not|by|with|more|other|devices?|fail(ed|s)?|attempts?|expire[ds]?|trusted|"
    r"certificates?|today|later|listed|March|May|October|December|Oct|Dec|Mar)\b"
)
GERMAN: dict[str, Callable[[pd.DataFrame, ct.Fleet], Axes]] = {
    "causes": lambda results, _: charts.causes(results, ax=charts.blank()),
    "causes by model": lambda results, _: charts.causes(
        results, "model", ax=charts.blank()
    ),
    "timeline": lambda results, _: charts.timeline(results, ax=charts.blank()),
    "since_when": lambda results, fleet: charts.since_when(
        results, fleet, ax=charts.blank()
    ),
    "heatmap": lambda results, _: charts.heatmap(results, "pbx", ax=charts.blank()),
    "combinations": lambda results, _: charts.combinations(
        results, ax=charts.blank()
    ),
    "compared": lambda results, _: charts.compared(results, ax=charts.blank()),
    "name_fit": lambda results, _: charts.name_fit(results, ax=charts.blank()),
    "trust_tree": lambda _, fleet: charts.trust_tree(fleet, ax=charts.blank()),
    "expiry": lambda _, fleet: charts.expiry(
        fleet.certificates, today="2026-10-05", ax=charts.blank()
    ),
    "forecast": lambda _, fleet: charts.forecast(
        ct.forecast(fleet, periods=3), ct.endings(fleet), ax=charts.blank()
    ),
    "remedies": lambda results, fleet: charts.remedies(
        ct.remedies(fleet, results), ax=charts.blank()
    ),
}


@pytest.mark.parametrize("name", first(GERMAN, len(GERMAN) - 2))
def test_a_chart_is_german_in_german(name: str, fleet: ct.Fleet) -> None:
    """Title, legend, axes and the words for screen readers follow `ct.language`."""
    judged = ct.check(ct.attempts(fleet))
    with ct.language("de"):
        german = GERMAN[name](judged, fleet)
        texts = [text.get_text() for text in charts.figure_of(german).findobj(Text)]
    words = [*texts, charts.alternative_text(german)]
    words = [text.replace("Synthetic Root of", "") for text in words]
    assert [text for text in words if ENGLISH.search(text)] == []
    english = GERMAN[name](judged, fleet)
    assert title(english) != title(german)
    assert any(
        ENGLISH.search(text) for text in [title(english), *axes_texts(english)]
    )


def test_a_name_relation_counts_each_device_once(fleet: ct.Fleet) -> None:
    """The headline and what is not shown add up to the devices that register; rows may overlap."""
    judged = ct.check(ct.attempts(fleet))
    ax = charts.name_fit(judged, ax=charts.blank())
    relations = charts.name_relations(judged)
    shown = int(re.search(r"of (\d+) devices", title(ax))[1])
    text = " ".join(axes_texts(ax))
    hidden = re.search(r"not shown: (\d+) device", text)
    rest = int(hidden[1]) if hidden else 0
    assert shown + rest == judged.loc[judged["url"].isna(), "device"].nunique()
    assert relations["devices"].sum() >= shown
    if relations["devices"].sum() > shown:
        assert "several rows" in text


def test_a_remark_stands_behind_its_label_at_every_resolution(
    results: pd.DataFrame,
) -> None:
    """Hinting widens text at some resolutions; a remark is never drawn over its label."""
    ax = charts.causes(results, ax=charts.blank())
    figure = charts.figure_of(ax)
    for hinting, dpi in (("default", 80), ("force_autohint", 100), ("none", 72)):
        figure.set_dpi(dpi)
        with mpl.rc_context({"text.hinting": hinting}):
            figure.canvas.draw()
            boxes = {text.get_text(): text.get_window_extent() for text in ax.texts}
        label = boxes[cause_label("certificate.trust")]
        remarks = [box for text, box in boxes.items() if text.endswith("devices")]
        assert remarks
        assert not any(box.overlaps(label) for box in remarks)
