"""Charts of what logs and fleets hold: strays, names that are alike, letters of the world."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from test_charts_frames import make_actions, make_predictions, make_results
from test_charts_layout import assert_readable

import certtrust as ct
from certtrust import charts
from certtrust.charts.drawing import text
from certtrust.errors import CerttrustError
from certtrust.testing import small_fleet

BRANCHES = [f"standort-nord-{number:02d}" for number in range(6)]
LONG = [
    f"Zertifizierungsstelle der Universit\u00e4t zu K\u00f6ln, Fernsprecher {n}"
    for n in "12"
]
CHINESE = "\u5317\u4eac\u603b\u90e8"


def texts(ax: Axes) -> list[str]:
    """Return every text in the axes."""
    return [words.get_text() for words in ax.texts]


@pytest.mark.parametrize("width", [3.8, 7.5])
@pytest.mark.parametrize("names", [BRANCHES, LONG], ids=["branches", "long"])
def test_labels_that_are_cut_stay_different(names: list[str], width: float) -> None:
    """Names that begin alike are told apart in the heads of the heatmap and in rows."""
    results = make_results(rows=400)
    pbx = pd.Series(
        [names[row % len(names)] for row in range(len(results))], dtype="str"
    )
    results = results.assign(pbx=pbx)
    ax = charts.heatmap(results, "pbx", ax=charts.blank(width=width))
    assert_readable(ax)
    heads = [
        words.get_text() for words in ax.texts if words.get_fontweight() == "bold"
    ]
    assert len(heads) == len(set(heads)) > 1
    ax = charts.causes(results, "pbx", ax=charts.blank(width=width))
    assert_readable(ax)


def test_only_a_common_beginning_is_given_up_where_there_is_little_room() -> None:
    """Cut labels fit their room, differ, and keep what tells them apart."""
    labels = [f"{'x' * 40}{number}{'y' * 40}" for number in range(3)]
    cut = text.tell_apart(labels, 50, 9)
    assert len(set(cut)) == 3
    assert all(text.text_width(label, 9) <= 50 for label in cut)
    assert text.tell_apart(["same", "same"], 50, 9) == ["same", "same"]


@pytest.mark.parametrize("stray", ["2000-01-01", "0001-01-01", "9999-12-31"])
def test_a_stray_line_does_not_squeeze_the_timeline(stray: str) -> None:
    """A line of another century is told beside the axis, and the weeks of the log are drawn."""
    results = make_results(rows=276)
    bare = charts.failures_over_time(results)
    first = results.index[results["observed"] == "failed"][0]
    time = results["time"].astype("datetime64[us, UTC]").copy()
    time[first] = pd.Timestamp(stray, tz="UTC").as_unit("us")
    strayed = results.assign(time=time)
    counts = charts.failures_over_time(strayed)
    assert counts.index[0] >= bare.index[0]
    assert counts.index[-1] <= bare.index[-1]
    failed = (results["observed"] == "failed").sum()
    assert counts.drop(columns="logged").to_numpy().sum() == failed - 1
    ax = charts.timeline(strayed, ax=charts.blank())
    assert any(
        "1 failure on" in words and "not shown" in words for words in texts(ax)
    )


def test_an_even_log_has_no_strays() -> None:
    """Nothing is left out of a log without gaps, nor of one with few lines."""
    for days, rows in ((3000, 500), (1, 300), (0.001, 50), (30, 3), (30, 1)):
        results = make_results(rows=rows, days=days)
        assert charts.failures_over_time(results)["logged"].sum() == rows


def test_the_labels_of_remedies_are_whole() -> None:
    """The sentence of an action is cut neither in a notebook nor on a phone."""
    actions = make_actions(4)
    who = "Mara Peters (10003), 0090332f688a"
    step = f"Upload the certificate of {who} itself to the trust list of the PBX {LONG[0]}."
    actions = actions.assign(step=step)
    for width in (3.8, 7.5):
        ax = charts.remedies(actions, ax=charts.blank(width=width))
        assert step.rstrip(".") in " ".join(texts(ax))
        assert_readable(ax)


def test_the_forecast_marks_the_ca_that_ends() -> None:
    """An end within the forecast is a line with its CA, date and number of devices."""
    predictions = make_predictions(3)
    date = predictions["date"].drop_duplicates().iloc[2]
    ends = pd.DataFrame(
        {
            "ends": [date, date],
            "role": pd.Categorical(["CA", "device"]),
            "subject_cn": ["Phones CA", "0090332f688a"],
            "attempts": [20, 1],
            "devices": [14, 1],
        }
    )
    ax = charts.forecast(predictions, ends, ax=charts.blank())
    words = f"{date:%Y-%m-%d}: the CA Phones CA expires, affecting 14 devices"
    assert f"A: {words}" in texts(ax)
    assert words in charts.alternative_text(ax)
    assert "0090332f688a" not in charts.alternative_text(ax)
    assert_readable(ax)


def test_the_name_rule_is_drawn_only_where_it_applies() -> None:
    """Who registers by password, or with a certificate that nobody read, is no failure of names."""
    results = make_results(rows=30).assign(
        registration_name="reception", hardware_id=None, subject_cn="phone"
    )
    results = results.astype({"hardware_id": "str"})
    by_password = results.assign(scenario="h323-password", authentication="password")
    assert charts.name_relations(by_password).empty
    half = pd.concat([results.head(10), by_password.tail(20)], ignore_index=True)
    ax = charts.name_fit(half, ax=charts.blank())
    assert "the name rule does not apply" in " ".join(texts(ax))
    unread = results.assign(
        subject_cn=pd.Series(pd.NA, index=results.index, dtype="str"),
        subject=pd.Series(pd.NA, index=results.index, dtype="str"),
    )
    assert charts.name_relations(unread)["relation"].tolist() == ["not read"]


def test_names_fit_as_the_rule_says() -> None:
    """In a fleet the devices counted as fitting are those that the rule passes."""
    results = ct.check(ct.attempts(small_fleet(60, seed=4)))
    asked = results[results["scenario"] == "h323-certificate"]
    relations = charts.name_relations(asked)
    fits = relations["relation"].isin(charts.name_fit.__globals__["FITS"])
    assert relations.loc[fits, "attempts"].sum() == asked["certificate.name"].sum()


@pytest.mark.parametrize("by", ["model", "firmware", "issuer", "pbx"])
def test_causes_by_a_column(by: str) -> None:
    """A row per value says how many of its attempts fail; its parts are the causes."""
    results = make_results(rows=400).assign(issuer_cn="Phones CA")
    column = {"issuer": "issuer_cn"}.get(by, by)
    ax = charts.causes(results, by, ax=charts.blank())
    failed = results[results["observed"] == "failed"]
    for value, attempts in results[column].value_counts().items():
        size = (failed[column] == value).sum()
        assert any(
            words.startswith(f"{size} of {attempts} fail") for words in texts(ax)
        )
    assert_readable(ax)
    with pytest.raises(CerttrustError, match="colour"):
        charts.causes(results, by="colour")


def test_since_when_devices_fail() -> None:
    """A device counts once per cause, at its first failure, and whether it worked before."""
    days = pd.date_range("2026-10-01", periods=4, tz="UTC")
    results = make_results(rows=4).assign(
        time=days,
        device=pd.Series(["a", "a", "a", "b"], dtype="str"),
        observed=["up", "failed", "failed", "failed"],
        cause=pd.Categorical([None, "timeout", "timeout", "timeout"]),
        verdict="pass",
    )
    first = charts.first_failures(results)
    assert first["since"].tolist() == [days[1], days[3]]
    assert first["worked_before"].tolist() == [True, False]
    events = pd.DataFrame({"time": ["2026-10-02"], "what": ["New list at hq"]})
    ax = charts.since_when(results, events=events, ax=charts.blank())
    assert "A: 2026-10-02: New list at hq" in texts(ax)
    assert ax.get_title().startswith("1 device began to fail")
    assert_readable(ax)


def test_since_when_marks_the_end_of_a_ca_within_the_log() -> None:
    """The end of a CA is named where it lies within the log, and not where it does not."""
    fleet = small_fleet(30, seed=1)
    results = ct.check(ct.attempts(fleet))
    middle = results["time"].dropna().sort_values().iloc[len(results) // 2]
    is_ca = fleet.trust["is_ca"].fillna(value=False)
    ends = fleet.trust["not_after"].mask(is_ca, middle)
    ended = dataclasses.replace(fleet, trust=fleet.trust.assign(not_after=ends))
    assert " expires" in charts.alternative_text(
        charts.since_when(results, ended, ax=charts.blank())
    )
    assert " expires" not in charts.alternative_text(
        charts.since_when(results, fleet, ax=charts.blank())
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("rows", [0, 3, 600])
def test_the_dashboard_fits_a_slide(rows: int, theme: str) -> None:
    """Four charts and a headline, none over another, whatever there is to show."""
    results = make_results(rows=rows)
    results["pbx"] = [BRANCHES[row % 6] for row in range(rows)]
    results = results.astype({"pbx": "str"})
    figure = charts.dashboard(results, actions=make_actions(rows and 5), theme=theme)
    assert len(figure.subfigs) == 4
    assert_readable(figure.axes[0])
    assert figure.get_size_inches().tolist() == [13.33, 7.5]
    assert " fail, in " in texts(figure.axes[0])[0]


def test_a_new_chart_is_dark_where_matplotlib_is() -> None:
    """`plt.style.use("dark_background")` at the top of a notebook is all that is needed."""
    plt = pytest.importorskip("matplotlib.pyplot")
    with mpl.style.context("dark_background"):
        ax = charts.causes(make_results(rows=50))
    assert to_hex(ax.get_facecolor()) == "#15181d"
    plt.close(ax.get_figure())


def test_a_themed_chart_holds_both_pictures_and_its_words() -> None:
    """One picture is hidden by itself; the words of hostile names do not act."""
    results = make_results(rows=50).assign(pbx='<script>"&')
    themed = charts.themed(charts.heatmap, results, "pbx")
    html = themed._repr_html_()
    assert html.count("<img") == html.count("data:image/png;base64,") == 2
    assert html.count('display:none"') == 1
    assert "<script" not in html
    assert themed.light != themed.dark
    assert repr(themed).startswith("Cells of causes")


def test_a_letter_without_a_font_is_told() -> None:
    """What no font has is a box, and a note says what would show it; the words keep the name."""
    missing = "\U00010000"
    results = make_results(rows=50).assign(pbx=f"north {missing}")
    ax = charts.heatmap(results, "pbx", ax=charts.blank())
    assert any("no font here has this letter" in words for words in texts(ax))
    assert_readable(ax)
    plain = charts.heatmap(make_results(rows=50), "pbx", ax=charts.blank())
    assert not any("no font here" in words for words in texts(plain))


def font_of_squares(folder: Path) -> Path:
    """Write a font that has a square for each letter of a Chinese name."""
    letters = sorted(set(CHINESE))
    builder = FontBuilder(1000)
    names = [f"u{ord(letter):x}" for letter in letters]
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap(dict(zip(map(ord, letters), names, strict=True)))
    pen = TTGlyphPen(None)
    for turn, point in enumerate([(0, 0), (900, 0), (900, 900), (0, 900)]):
        (pen.lineTo if turn else pen.moveTo)(point)
    pen.closePath()
    square = pen.glyph()
    builder.setupGlyf(dict.fromkeys([".notdef", *names], square))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Noto Sans CJK SC", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=900)
    builder.setupPost()
    builder.save(folder / "squares.ttf")
    return folder / "squares.ttf"


def test_a_font_is_used_as_soon_as_it_is_installed(
    tmp_path, monkeypatch, caplog
) -> None:
    """Letters that only a further font has are drawn with it and measured by it, although
    matplotlib listed the fonts before; that it has no bold letters is not logged.
    """
    font = font_of_squares(tmp_path)
    manager = font_manager.fontManager
    without = [entry for entry in manager.ttflist if entry.name == text.FAMILIES[0]]
    monkeypatch.setattr(manager, "ttflist", without)
    installed: list[str] = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: installed)
    try:
        text._list_new_fonts.cache_clear()
        assert text.plain(CHINESE) == text.MISSING * len(CHINESE)
        text._list_new_fonts.cache_clear()
        (tmp_path / "torn.ttf").write_bytes(b"no font")
        installed += [str(tmp_path / "torn.ttf"), str(font)]
        with charts.style():
            assert text.plain(CHINESE) == CHINESE
            width = text.text_width(CHINESE, 10)
            assert width == pytest.approx(10 * len(CHINESE) * text.SLACK)
            results = make_results(rows=50).assign(pbx=CHINESE)
            ax = charts.heatmap(results, "pbx", ax=charts.blank())
            assert any(CHINESE in words for words in texts(ax))
            assert_readable(ax)
        assert caplog.records == []
    finally:
        text._list_new_fonts.cache_clear()
        text._font.cache_clear()
        text._letters.cache_clear()
        text._installed.cache_clear()


RESULTS_CHARTS = (
    *("causes", "combinations", "compared", "dashboard", "heatmap"),
    *("name_fit", "since_when", "timeline"),
    *("broken_together", "failures_over_time", "first_failures", "name_relations"),
)
OTHER_CHARTS = ("expiries", "expiry", "forecast", "remedies", "trend")


@pytest.mark.parametrize("name", [*RESULTS_CHARTS, *OTHER_CHARTS])
def test_what_is_no_such_table_is_refused_in_words(name: str) -> None:
    """A frame without the columns, or no frame at all, is the caller's mistake."""
    for given in (pd.DataFrame(), 3, None):
        with pytest.raises(CerttrustError, match="table"):
            getattr(charts, name)(given)


@pytest.mark.parametrize("name", ["failures_over_time", "first_failures"])
def test_times_without_a_zone_are_utc(name: str) -> None:
    """As in every other function that takes results."""
    results = make_results(rows=60)
    naive = results.assign(time=results["time"].dt.tz_localize(None))
    count = getattr(charts, name)
    pd.testing.assert_frame_equal(count(naive), count(results))


def test_charts_of_time_take_times_without_a_zone() -> None:
    """Results and fleets from a CSV or a database have such times."""
    results = make_results(rows=60)
    results = results.assign(time=results["time"].dt.tz_localize(None))
    fleet = small_fleet()
    certificates = fleet.certificates
    for column in ("not_before", "not_after"):
        plain = certificates[column].dt.tz_localize(None)
        certificates = certificates.assign(**{column: plain})
    fleet = dataclasses.replace(fleet, certificates=certificates)
    assert charts.timeline(results).get_title()
    assert charts.since_when(results, fleet).get_title()
    assert charts.expiry(certificates).get_title()


def test_several_columns_to_count_by_are_refused() -> None:
    """A chart groups by one column."""
    for draw in (charts.causes, charts.heatmap):
        with pytest.raises(CerttrustError, match="to count by"):
            draw(make_results(rows=20), by=["pbx", "model"])
