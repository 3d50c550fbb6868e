"""Two states of a fleet, wherever they are kept, and the trend of many."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust import cli
from certtrust.history import (
    Difference,
    State,
    difference,
    read_state,
    state_of,
    state_of_json,
    state_tables,
)
from certtrust.history.saved import date_in
from certtrust.report import as_json, explain_fleet
from certtrust.report.changes_page import (
    difference_json,
    difference_page,
    trend_json,
    trend_lines,
    trend_page,
)
from certtrust.testing import assert_frames_equal, fleet_of, small_fleet

FLEET = small_fleet()
NAMES = ("registrations", "devices", "certificates", "trust", "endings")


@cache
def report_json() -> str:
    """Return the JSON of the report on the fleet."""
    return as_json(explain_fleet(FLEET, name="HQ", periods=1))


def told(old: ct.Fleet, new: ct.Fleet) -> Difference:
    """Return the difference of two fleets, without what ends next."""
    return difference(state(old), state(new))


def state(fleet: ct.Fleet) -> State:
    """Return the state of a fleet, which is made once for the fleet that most tests begin with."""
    return first_state() if fleet is FLEET else state_of(fleet, months=None)


@cache
def first_state() -> State:
    """Return the state of the fleet that most tests begin with."""
    return state_of(FLEET, name="HQ", months=None)


def without(fleet: ct.Fleet, **rows: int) -> ct.Fleet:
    """Return the fleet without the first rows of some tables."""
    frames = {name: getattr(fleet, name).iloc[count:] for name, count in rows.items()}
    return dataclasses.replace(fleet, **frames)


def test_a_fleet_and_its_report_are_one_state(tmp_path: Path) -> None:
    """A fleet, and the JSON of its report as a file, say the same."""
    path = tmp_path / "report.json"
    path.write_text(report_json(), encoding="utf-8")
    found = difference(first_state(), read_state(path))
    assert found.is_nothing
    assert "Nothing changed." in str(found)


@pytest.mark.exhaustive
def test_a_fleet_its_files_and_its_report_are_one_state(tmp_path: Path) -> None:
    """As it was saved, as files and as the JSON of its report: the same in any pair."""
    (tmp_path / "report.json").write_text(report_json(), encoding="utf-8")
    ct.simulation.write(FLEET, tmp_path / "files")
    saved = FLEET.save(tmp_path / "saved")
    sources = [FLEET, saved, tmp_path / "report.json", tmp_path / "files", saved]
    for old, new in pairwise(sources):
        assert ct.diff(old, new).is_nothing, (old, new)


def test_a_state_survives_its_json() -> None:
    """Every table comes back the same in every value."""
    state = state_of(FLEET, name="HQ", months=24)
    report = {
        "format": "certtrust report",
        "name": "HQ",
        "state": state_tables(state),
    }
    read = state_of_json(json.dumps(report), name="report")
    assert (read.name, read.made) == (state.name, state.made)
    for name in NAMES:
        assert_frames_equal(getattr(read, name), getattr(state, name))


def test_the_json_of_a_report_names_version_and_moment() -> None:
    """The keys that were there before stay; those of the state follow."""
    content = json.loads(report_json())
    assert content["version"] == 1
    assert list(content)[-1] == "state"
    assert content["state"]["version"] == 1
    assert pd.Timestamp(content["state"]["made"]).tzinfo is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": "certtrust report", "x": [', "is damaged"),
        ("[" * 100_000, "is damaged"),
        ('{"format": "certtrust report", "name": "HQ"}', "older certtrust"),
        ('{"format": "certtrust diff"}', "is not the JSON"),
        ("[]", "is not the JSON"),
        ('{"format": "certtrust report", "name": 5, "state": {}}', "is damaged"),
        ('{"format": "certtrust report", "name": "HQ", "state": 5}', "is damaged"),
        (
            '{"format": "certtrust report", "name": "HQ", "state": {"version": 99}}',
            "in version 99",
        ),
        (
            '{"format": "certtrust report", "name": "HQ", "state": {"version": 1}}',
            "is damaged",
        ),
    ],
)
def test_damaged_and_old_reports_are_refused(content: str, message: str) -> None:
    """The error says what to do."""
    with pytest.raises(ct.CerttrustError, match=message):
        state_of_json(content, name="r.json")


@pytest.mark.parametrize(
    ("table", "cell"),
    [
        ("registrations", {"device": 5}),
        ("registrations", {"time": "yesterday"}),
        ("trust", {"pbx": ["hq"]}),
        ("endings", {"devices": "many"}),
        ("certificates", {"not_after": {}}),
    ],
)
def test_hostile_cells_of_a_report_are_refused(table: str, cell: object) -> None:
    """Whatever stands where a text, a number or a moment is needed."""
    content = json.loads(report_json())
    content["state"][table] = [cell]
    with pytest.raises(ct.CerttrustError, match="is damaged"):
        state_of_json(json.dumps(content), name="r.json")


def test_the_date_of_a_state_stands_in_its_name() -> None:
    """In the usual forms, and a serial number is none."""
    day = pd.Timestamp("2026-11-30", tz="UTC")
    for name in (
        "2026-11-30",
        "fleet_20261130",
        "2026.11.30-fleet.json",
        "a 2026_11_30",
    ):
        assert date_in(name) == day
    for name in ("009033112233", "2026-13-01", "12026-11-30", "v1.2.3", ""):
        assert date_in(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "trust",
        "certificates",
        pytest.param("registrations", marks=pytest.mark.exhaustive),
        pytest.param("devices", marks=pytest.mark.exhaustive),
    ],
)
def test_what_is_only_missing_is_neither_gone_nor_repaired(name: str) -> None:
    """Without a kind of data the difference says so, and draws no conclusion from it."""
    less = dataclasses.replace(FLEET, **{name: getattr(FLEET, name).iloc[:0]})
    found = told(FLEET, less)
    assert found.lost == (name,)
    assert "Only the old state has" in str(found)
    repaired = found.of_kind("repaired")
    assert repaired.empty
    assert told(less, FLEET).gained == (name,)
    if name == "certificates":
        assert found.certificates.empty
    if name == "trust":
        assert found.trust.empty
    assert not (found.devices["change"] == "gone").any()
    assert found.of_kind("gone").empty or name != "registrations"


def test_renewed_certificates_are_told_from_lost_ones() -> None:
    """A later end is a renewal; a file that cannot be read leaves it open."""
    old = FLEET
    owned = first_state().certificates
    owned = owned[owned["issuer_cn"].notna()]
    device, other = owned["device"].iloc[:2]
    rows = old.certificates["fingerprint"].isin(owned["fingerprint"].iloc[:1])
    later = old.certificates.assign(
        not_before=old.certificates["not_before"].mask(
            rows, pd.Timestamp("2026-01-01", tz="UTC")
        ),
        not_after=old.certificates["not_after"].mask(
            rows, pd.Timestamp("2090-01-01", tz="UTC")
        ),
        fingerprint=old.certificates["fingerprint"].mask(rows, "0" * 64),
    )
    found = told(old, dataclasses.replace(old, certificates=later)).certificates
    assert found[["device", "change"]].to_numpy().tolist() == [[device, "renewed"]]
    assert found["ends"].iloc[0] == pd.Timestamp("2090-01-01", tz="UTC")
    torn = later["fingerprint"].isin(owned["fingerprint"].iloc[1:2])
    broken = later.assign(
        parse_error=later["parse_error"].mask(torn, "torn"),
        **{
            name: later[name].mask(torn)
            for name in ("fingerprint", "subject", "subject_cn", "not_after", "der")
        },
        device=later["device"].mask(torn, other),
    )
    found = told(old, dataclasses.replace(old, certificates=broken)).certificates
    changes = dict(zip(found["device"], found["change"], strict=True))
    assert changes == {device: "renewed", other: "unreadable"}


def test_entries_of_trust_lists_come_and_go() -> None:
    """Each is named with its PBX, unless an entry of the other list cannot be read."""
    entry = FLEET.trust.iloc[0]
    found = told(FLEET, without(FLEET, trust=1)).trust
    assert found[["pbx", "change", "fingerprint"]].to_numpy().tolist() == [
        [entry["pbx"], "removed", entry["fingerprint"]]
    ]
    back = told(without(FLEET, trust=1), FLEET).trust
    assert back["change"].tolist() == ["added"]
    unread = FLEET.trust.head(1).assign(
        fingerprint=None, subject=None, subject_cn=None, der=None, parse_error="torn"
    )
    less = FLEET.trust.iloc[1:]
    half = dataclasses.replace(
        FLEET, trust=pd.concat([less, unread], ignore_index=True)
    )
    assert told(FLEET, half).trust["change"].tolist() == ["undecided"]
    own = FLEET.trust["pbx"] == entry["pbx"]
    whole = told(FLEET, dataclasses.replace(FLEET, trust=FLEET.trust[~own])).trust
    assert whole[["pbx", "change"]].to_numpy().tolist() == [
        [entry["pbx"], "no longer here"]
    ]


def test_a_list_of_every_pbx_is_compared_with_lists_of_single_ones() -> None:
    """Its entries are in each of them."""
    entries = FLEET.trust.drop_duplicates("fingerprint")
    common = dataclasses.replace(FLEET, trust=entries.assign(pbx=None))
    names = FLEET.trust["pbx"].unique()
    in_each_list = pd.concat(
        [entries.assign(pbx=name) for name in names], ignore_index=True
    )
    single = dataclasses.replace(FLEET, trust=in_each_list)
    assert told(common, single).trust.empty
    assert told(single, common).trust.empty
    fewer = dataclasses.replace(common, trust=common.trust.iloc[1:])
    found = told(common, fewer).trust
    assert found["pbx"].isna().all()
    assert found["change"].tolist() == ["removed"]


def test_attempts_without_a_device_are_counted() -> None:
    """They cannot be compared, and the difference says how many there are."""
    log = [{"serial": "0090332f688a", "state": "up"}, {"state": "rejected"}]
    found = told(fleet_of(registrations=log[:1]), fleet_of(registrations=log))
    assert found.registrations.empty
    assert "1 attempt of the new state names no device" in str(found)


def test_devices_appear_and_are_gone() -> None:
    """A device counts where no table mentions it, of those that both states have."""
    rows = [{"serial": f"0090332f688{digit}", "pbx": "hq"} for digit in "ab"]
    log = [{"serial": "0090332f688a", "state": "up"}]
    old = fleet_of(devices=rows[:1], registrations=log)
    new = fleet_of(devices=rows, registrations=log)
    found = told(old, new).devices
    assert found.to_numpy().tolist() == [["0090332f688b", "appeared", "devices"]]
    assert told(new, old).devices["change"].tolist() == ["gone"]
    # Only the log is there in both: of the entry nothing can be said.
    assert told(new, fleet_of(registrations=log)).devices.empty


class _Counter(HTMLParser):
    """Counts elements, and collects what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [
            str(value)
            for name, value in attrs
            if name in ("src", "href") and not str(value).startswith("#")
        ]


def test_pages_and_json_hold_every_row() -> None:
    """The page is one file without network, with hostile names escaped."""
    hostile = "<script>alert(1)</script>|\n"
    log = [{"serial": "0090332f688a", "registration_name": hostile, "state": "up"}]
    later = [{**log[0], "state": "rejected", "time": "2026-03-02T10:11:25Z"}]
    found = told(fleet_of(registrations=log), fleet_of(registrations=later))
    page = difference_page(found)
    reader = _Counter()
    reader.feed(page)
    assert reader.fetched == []
    assert "<script>alert" not in page
    assert page.count("0090332f688a") >= 1
    content = json.loads(difference_json(found))
    assert content["format"] == "certtrust diff"
    assert [row["device"] for row in content["newly_failing"]] == ["0090332f688a"]
    assert content["registrations"][0]["registration_name"] == hostile
    assert "alert(1)" in str(found)
    assert len(str(found).splitlines()) == 4
    assert "<script>" not in found._repr_html_()


def runs(folder: Path) -> Path:
    """Write three runs and two other things, and return their folder."""
    folder.mkdir()
    for month, fleet in (("10", FLEET), ("09", without(FLEET, trust=10**6))):
        fleet.save(folder / f"fleet-2026-{month}-01")
    (folder / "last.json").write_text(report_json(), encoding="utf-8")
    (folder / "note.txt").write_text("hello", encoding="utf-8")
    (folder / "undated").mkdir()
    return folder


def test_a_history_of_runs_draws_the_trend(tmp_path: Path) -> None:
    """Runs stand in the order of their dates; what is none is a row with its reason."""
    table = ct.trend(runs(tmp_path / "runs"))
    read = table[table["parse_error"].isna()]
    assert read["date"].is_monotonic_increasing
    assert read["source"].unique().tolist() == [
        "fleet-2026-09-01",
        "fleet-2026-10-01",
        "last.json",
    ]
    unread = table[table["parse_error"].notna()]
    assert unread["source"].tolist() == ["note.txt", "undated"]
    assert len(trend_lines(table)) == 5
    assert json.loads(trend_json(table))["runs"][0]["source"] == "fleet-2026-09-01"
    page = trend_page(table, "runs")
    assert "note.txt" in page
    assert 'id="chart-trend"' in page


def test_the_trend_counts_as_a_state_does() -> None:
    """Each run has the devices that fail at it, and those without a verdict."""
    table = ct.trend([FLEET])
    latest = ct.latest(ct.check(ct.attempts(FLEET)))
    failing = latest[
        (latest["observed"] == "failed")
        | (latest["observed"].isna() & (latest["verdict"] == "fail"))
    ]
    assert set(table["failing"]) == {failing["device"].nunique()}
    by_cause = failing.groupby(failing["cause"].astype("str"))["device"].nunique()
    assert table.set_index("cause")["devices"].to_dict() == by_cause.to_dict()
    for wrong, message in (("nowhere", "is not a folder"),):
        with pytest.raises(ct.CerttrustError, match=message):
            ct.trend(wrong)


def test_missing_data_are_drawn_and_do_not_look_like_a_repair() -> None:
    """Devices without a verdict are a layer of their own."""
    silent = without(FLEET, registrations=10**6)
    blind = without(silent, trust=10**6, certificates=10**6)
    table = ct.trend([blind])
    assert table["undecided"].iloc[0] > 0
    drawn = ct.charts.trend(table)
    assert (
        "without a verdict" in ct.charts.alternative_text(drawn) or drawn.get_title()
    )
    labels = [str(patch.get_label()) for patch in drawn.patches]
    assert any("data are missing" in label for label in labels)
    assert (
        ct.charts.trend(table.iloc[:0]).get_title() == "No run with a date was read"
    )


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their exit statuses, files and mistakes."""
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    new.write_text(report_json(), encoding="utf-8")
    before = json.loads(report_json())
    for row in before["state"]["registrations"]:
        row |= {"verdict": "pass", "observed": "up", "time": "2026-01-01T00:00:00Z"}
    old.write_text(json.dumps(before), encoding="utf-8")
    page = tmp_path / "page.html"
    assert cli.main(["diff", str(new), str(new), "-o", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "The page is" in capsys.readouterr().out
    assert cli.main(["diff", str(old), str(new), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["newly_failing"]
    (tmp_path / "nothing.txt").write_text("hello", encoding="utf-8")
    assert cli.main(["diff", str(tmp_path / "nothing.txt"), str(new)]) == 3
    assert cli.main(["diff", str(tmp_path / "nowhere"), str(new)]) == 2
    capsys.readouterr()
    folder = tmp_path / "runs"
    folder.mkdir()
    assert cli.main(["trend", str(folder)]) == 2
    (folder / "note.txt").write_text("hello", encoding="utf-8")
    assert cli.main(["trend", str(folder)]) == 3
    (folder / "run.json").write_text(report_json(), encoding="utf-8")
    picture = tmp_path / "trend.png"
    options = ["-o", str(page), "--png", str(picture)]
    assert cli.main(["trend", str(folder), *options]) == 1
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "Not read: note.txt" in capsys.readouterr().out


def differs_as_told(before: ct.Fleet, after: ct.Fleet) -> None:
    """Assert that a difference is what the tables of both states say, device by device."""
    found = ct.diff(before, after)
    sides = [
        set(zip(fleet.trust["pbx"], fleet.trust["fingerprint"], strict=True))
        for fleet in (before, after)
    ]
    both = set(before.trust["pbx"]) & set(after.trust["pbx"])
    for word, own, other in (("removed", *sides), ("added", *sides[::-1])):
        told = found.trust[found.trust["change"] == word]
        expected = {entry for entry in own - other if entry[0] in both}
        assert set(zip(told["pbx"], told["fingerprint"], strict=True)) == expected
    failing = [set(ct.trend([fleet])["failing"]) for fleet in (before, after)]
    again = difference(state(before), state(after))
    assert_frames_equal(again.registrations, found.registrations)
    now = found.newly_failing["device"].nunique()
    assert now <= max(failing[1])


@pytest.mark.exhaustive
def test_differences_of_random_fleets_are_what_their_tables_say() -> None:
    """Entries and certificates taken away at random are found, and nothing else."""
    for seed in range(6):
        fleet = small_fleet(30 + 10 * seed, seed=seed + 40)
        less = dataclasses.replace(
            fleet,
            trust=fleet.trust.sample(frac=0.7, random_state=seed),
            certificates=fleet.certificates.sample(frac=0.9, random_state=seed),
        )
        differs_as_told(fleet, less)
        differs_as_told(less, fleet)
