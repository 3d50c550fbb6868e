"""Renewals for people and for tools that watch a fleet; each format is read by another program."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

import certtrust as ct
from certtrust import cli
from certtrust.monitoring import (
    Thresholds,
    calendar,
    metrics,
    plugin_status,
    renewals,
    status,
)
from certtrust.testing import fleet_of, small_fleet

FLEET = small_fleet()
NOW = pd.Timestamp("2026-11-30 12:00", tz="UTC")
HOSTILE = 'Ca|x="1"\\;,:\nBEGIN:VEVENT\r\nEND\t\u202e' + "\u00e4" * 90 + "\x00\x1b[2J"
PERFORMANCE = re.compile(
    r"'(?P<label>[^'=]+)'=(?P<value>-?[0-9.]+|U);(?P<warning>[0-9.:~@]*);"
    r"(?P<critical>[0-9.:~@]*);(?P<least>-?[0-9.]*)(;(?P<most>-?[0-9.]*))?"
)
"""One item of performance data, as the guidelines for plug-ins write it."""


@cache
def watched() -> ct.monitoring.Status:
    """Return what is watched of the fleet."""
    return status(FLEET)


def hostile_fleet() -> ct.Fleet:
    """Return a fleet whose names are made to break formats, and end soon."""
    names = dict.fromkeys(("subject_cn", "issuer_cn", "subject", "issuer"), HOSTILE)
    ends = NOW + pd.Timedelta(days=3)
    fleet = small_fleet()
    return dataclasses.replace(
        fleet,
        certificates=fleet.certificates.assign(**names, not_after=ends),
        trust=fleet.trust.assign(**names, pbx=HOSTILE, not_after=ends),
        registrations=fleet.registrations.assign(pbx=HOSTILE),
    )


@cache
def hostile() -> ct.monitoring.Status:
    """Return what is watched of it."""
    return status(hostile_fleet(), at=NOW)


def ending(days: float, role: str = "device", devices: int = 1) -> pd.DataFrame:
    """Return a table of renewals with one certificate."""
    table = watched().renewals.head(0)
    row = {
        "ends": NOW + pd.Timedelta(days=days),
        "days_left": days,
        "bucket": "1 week" if days >= 0 else "ended",
        "role": role,
        "device": "0090332f688a",
        "devices": devices,
        "fingerprint": "00",
        "subject_cn": "x",
    }
    return pd.concat([table, pd.DataFrame([row])]).astype(
        {"bucket": table["bucket"].dtype, "role": table["role"].dtype}
    )


def test_every_certificate_in_use_is_listed_once() -> None:
    """The newest one of each device, each CA of lists and chains, and what cannot be read."""
    table = watched().renewals
    read = table[table["role"].notna()]
    assert not read["fingerprint"].duplicated().any()
    listed = set(FLEET.trust["fingerprint"].dropna())
    assert listed <= set(read["fingerprint"])
    devices = ct.attempts(FLEET, of="devices").dropna(subset=["fingerprint"])
    assert set(devices["fingerprint"]) <= set(read["fingerprint"])
    assert table["ends"].dropna().is_monotonic_increasing


def test_the_devices_below_a_ca_are_those_that_it_makes_trusted() -> None:
    """A CA of a list counts at least the devices that reach the list through it."""
    table = watched().renewals.set_index("fingerprint")["devices"]
    results = ct.check(ct.attempts(FLEET, of="devices"), at=NOW)
    chained = results[results["trust_state"] == "chain"]
    assert len(chained)
    for entry, rows in chained.groupby("trusted_by"):
        assert table[entry] >= rows["device"].nunique()


def test_buckets_hold_what_ends_within_them() -> None:
    """Devices by weeks, CAs by months; each certificate is in the first that it fits."""
    table = renewals(FLEET, at=NOW, weeks=(1, 12, 520), months=(6, 600))
    words = table["bucket"].astype("str")
    assert set(words) > {"ended", "later"}
    for row, word in zip(table.itertuples(), words, strict=True):
        if word in ("later", "not known"):
            continue
        if word == "ended":
            assert row.ends < NOW
            continue
        count, unit = int(word.split()[0]), word.split()[1].rstrip("s")
        end = NOW + (
            pd.Timedelta(weeks=count)
            if unit == "week"
            else pd.DateOffset(months=count)
        )
        assert unit == ("month" if row.role == "CA" else "week")
        assert NOW <= row.ends <= end


@pytest.mark.parametrize(
    "bounds", [(2, 1), (0,), (-1, 3), (1.5,), ("1",), (True,), (1, 1), 3]
)
def test_bounds_that_are_none_are_refused(bounds) -> None:
    """They are ascending whole numbers above 0."""
    with pytest.raises(ct.CerttrustError, match="ascending whole numbers"):
        renewals(FLEET, weeks=bounds)
    with pytest.raises(ct.CerttrustError, match="ascending whole numbers"):
        renewals(FLEET, months=bounds)


def test_what_cannot_be_read_is_listed_and_has_no_bucket() -> None:
    """A torn file is a row with its reason, at the end."""
    torn = ct.read_certificates(b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    both = pd.concat([FLEET.certificates, torn], ignore_index=True)
    table = renewals(dataclasses.replace(FLEET, certificates=both))
    assert table["bucket"].iloc[-1] == "not known"
    assert isinstance(table["parse_error"].iloc[-1], str)
    empty = renewals(ct.read_fleet(b""))
    assert empty.empty
    assert empty.columns.tolist() == table.columns.tolist()


def test_an_end_beyond_all_calendars_is_later() -> None:
    """The end of the year 9999 is a legal one."""
    far = FLEET.certificates.assign(
        not_after=pd.Timestamp("9999-12-31 23:59:59", tz="UTC").as_unit("us")
    )
    fleet = dataclasses.replace(FLEET, certificates=far)
    table = renewals(fleet)
    own = table[table["role"] == "device"]
    assert set(own["bucket"]) == {"later"}
    assert b"VEVENT" in calendar(table) or len(calendar(table))
    assert "2.534023" in metrics(status(fleet)) or metrics(status(fleet))


def entries_in(text: str) -> list:
    """Return the entries of a calendar as another library reads them, which is slow to load."""
    from ical.calendar_stream import IcsCalendarStream

    return IcsCalendarStream.calendar_from_ics(text).events


def entries(table: pd.DataFrame) -> list:
    """Return the entries of a table's calendar."""
    return entries_in(calendar(table, made=NOW).decode())


def test_a_calendar_has_one_entry_per_ca_and_week() -> None:
    """All that ends within the buckets is in one of them, on the day of the first end."""
    table = renewals(FLEET, at=NOW, weeks=(1000,), months=(600,))
    due = table[~table["bucket"].isin(["ended", "later", "not known"])]
    own = due[due["role"] == "device"]
    weeks = {
        (row.issuer_cn, row.ends.date() - timedelta(days=row.ends.weekday()))
        for row in own.itertuples()
    }
    events = entries(table)
    assert len(events) == len(weeks) + int((due["role"] == "CA").sum())
    days = {event.dtstart for event in events}
    assert days <= set(due["ends"].dt.date)
    assert all(event.dtend - event.dtstart == timedelta(days=1) for event in events)
    assert len({event.uid for event in events}) == len(events)
    text = "".join(str(event.description) for event in events)
    assert all(name in text for name in own["device"].dropna().head(20))


def test_a_calendar_made_anew_keeps_its_entries() -> None:
    """The same certificates have the same identifiers, in whatever order."""
    table = renewals(FLEET, at=NOW, weeks=(1000,))
    again = renewals(FLEET, at=NOW + pd.Timedelta(days=1), weeks=(1000,))
    ours, theirs = ({event.uid for event in entries(one)} for one in (table, again))
    assert theirs <= ours
    mixed = table.sample(frac=1, random_state=1)
    assert {event.uid for event in entries(mixed)} == ours


def test_a_calendar_is_written_as_the_standard_asks() -> None:
    """Lines end with CR LF and have 75 octets at most, whatever names hold."""
    for table in (watched().renewals, hostile().renewals):
        content = calendar(table, made=NOW)
        assert content.endswith(b"\r\n")
        lines = content.split(b"\r\n")
        assert max(map(len, lines)) <= 75
        assert not any(b"\n" in line or b"\r" in line for line in lines)
        content.decode()


def test_hostile_names_stay_within_their_entry() -> None:
    """A line end in a name begins no entry, and the name can be read."""
    events = entries(hostile().renewals)
    due = hostile().renewals
    assert 0 < len(events) <= len(due)
    assert all(event.dtstart == date(2026, 12, 3) for event in events)
    assert any('Ca|x="1"\\;,: BEGIN:VEVENT END' in event.summary for event in events)


def families(state: ct.monitoring.Status) -> dict:
    """Return the samples of each metric as Prometheus' own parser reads them."""
    text = metrics(state)
    assert text.endswith("\n")
    return {
        family.name: family.samples for family in text_string_to_metric_families(text)
    }


def test_prometheus_reads_the_numbers() -> None:
    """They are those of the status, without timestamps and without a series twice."""
    state = watched()
    read = families(state)
    by_outcome = {
        sample.labels["outcome"]: sample.value for sample in read["certtrust_devices"]
    }
    assert by_outcome["fail"] == state.failing_devices
    assert sum(by_outcome.values()) == state.devices
    counted = sum(sample.value for sample in read["certtrust_certificates"])
    assert counted + state.unread == len(state.renewals)
    ends = read["certtrust_certificate_not_after_timestamp_seconds"]
    rows = state.renewals.set_index("fingerprint")["ends"]
    for sample in ends:
        fingerprint = sample.labels["fingerprint"]
        assert sample.value == rows[fingerprint].timestamp()
        assert sample.timestamp is None
    for samples in read.values():
        series = [tuple(sorted(sample.labels.items())) for sample in samples]
        assert len(series) == len(set(series))


def test_hostile_names_are_labels_as_they_stand() -> None:
    """Quotes, backslashes and line ends come back the same."""
    read = families(hostile())
    ends = read["certtrust_certificate_not_after_timestamp_seconds"]
    assert {sample.labels["subject_cn"] for sample in ends} == {HOSTILE}
    failing = read["certtrust_failing_devices"]
    assert {sample.labels["pbx"] for sample in failing} == {HOSTILE}


def performance(text: str) -> dict[str, re.Match[str]]:
    """Return the performance data of a plug-in's output, which has one bar."""
    first, *rest = text.splitlines()
    assert first.count("|") == 1
    assert not any("|" in line for line in rest)
    items = first.partition(" | ")[2].split(" ")
    matches = [PERFORMANCE.fullmatch(item) for item in items]
    assert all(matches), items
    return {str(match["label"]): match for match in matches if match}


def test_a_plugin_says_what_it_found() -> None:
    """The first line holds the state, the numbers and the thresholds."""
    for state in (watched(), hostile()):
        code, text = plugin_status(state)
        word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[code]
        assert text.startswith(f"CERTTRUST {word} - ")
        numbers = performance(text)
        assert float(numbers["failing"]["value"]) == state.failing_devices
        assert float(numbers["failing"]["most"]) == state.devices
        assert numbers["days_left"]["warning"] == "28:"
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (ending(400), 0),
        (ending(28), 0),
        (ending(27.9), 1),
        (ending(14), 1),
        (ending(13.9), 2),
        (ending(-1), 2),
        (ending(181, "CA"), 0),
        (ending(179, "CA"), 1),
        (ending(59, "CA"), 2),
        (ending(-9, "CA"), 2),
        (ending(-9, "CA", devices=0), 1),
    ],
)
def test_a_plugin_warns_by_its_thresholds(table, code) -> None:
    """Less than so many days; a CA that nobody needs is never critical."""
    state = dataclasses.replace(
        watched(), registrations=watched().registrations.head(0), renewals=table
    )
    assert plugin_status(state)[0] == code


def test_a_plugin_warns_of_failing_devices() -> None:
    """More than so many; without a threshold never."""
    state = dataclasses.replace(watched(), renewals=ending(400))
    failing = state.failing_devices
    assert failing > 1
    assert plugin_status(state)[0] == 1
    quiet = Thresholds(failing_warning=None)
    assert plugin_status(state, quiet)[0] == 0
    assert plugin_status(state, Thresholds(failing_warning=failing))[0] == 0
    loud = Thresholds(failing_critical=failing - 1)
    assert plugin_status(state, loud)[0] == 2


def test_a_plugin_does_not_say_ok_of_what_it_does_not_know() -> None:
    """Nothing understood, something unread, or no verdict at all is UNKNOWN."""
    nothing = status(ct.read_fleet(b"hello"))
    assert plugin_status(nothing)[0] == 3
    performance(plugin_status(nothing)[1])
    quiet = Thresholds(failing_warning=None)
    unread = ending(400)
    unread = pd.concat([unread, unread.assign(bucket="not known", days_left=None)])
    unread["bucket"] = unread["bucket"].astype(watched().renewals["bucket"].dtype)
    state = dataclasses.replace(watched(), renewals=unread)
    assert plugin_status(state, quiet)[0] == 3
    blind = fleet_of(devices=[{"serial": "0090332f688a", "pbx": "hq"}])
    assert plugin_status(status(blind), quiet)[0] == 3


@pytest.mark.parametrize(
    "numbers",
    [
        {"warning": 3},
        {"critical": -1},
        {"ca_critical": 1000},
        {"failing_warning": 5, "failing_critical": 3},
        {"warning": float("nan")},
    ],
)
def test_thresholds_that_contradict_each_other_are_refused(numbers) -> None:
    """A critical threshold is not reached before its warning."""
    with pytest.raises(ct.CerttrustError, match="thresholds must be"):
        Thresholds(**numbers)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It exits as plug-ins do, and writes the files."""
    fleet = str(FLEET.save(tmp_path / "fleet"))
    metrics_file, ics = tmp_path / "certtrust.prom", tmp_path / "renewals.ics"
    options = ["--prometheus", str(metrics_file), "--ics", str(ics)]
    options += ["--weeks", "1, 4", "--failing-critical", "0"]
    assert cli.main(["watch", fleet, *options]) == 2
    performance(capsys.readouterr().out)
    assert list(text_string_to_metric_families(metrics_file.read_text("utf-8")))
    assert entries_in(ics.read_text("utf-8"))
    (tmp_path / "note.txt").write_text("hello", encoding="utf-8")
    assert cli.main(["watch", str(tmp_path / "note.txt")]) == 3
    capsys.readouterr()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere|at all"],
        [".", "--warning", "soon"],
        [".", "--weeks", "2,1"],
        [".", "--nonsense"],
        [".", "--lang", "xx"],
        [".", "--warning", "5", "--critical", "9"],
        [".", "--at", "tomorrow"],
        [".", "--prometheus", "no/such/folder/x.prom"],
        [],
    ],
)
def test_a_mistake_is_unknown_and_never_critical(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who calls a plug-in takes 2 for CRITICAL and 1 for a warning."""
    monkeypatch.chdir(tmp_path)
    try:
        code = cli.main(["watch", *arguments])
    except SystemExit as stop:
        code = stop.code
    assert code == 3
    assert "|" not in capsys.readouterr().out


def test_a_failure_within_is_unknown_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A traceback would exit with 1, which is a warning."""

    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("out | of order")

    monkeypatch.setattr("certtrust.fleet.read_fleet", broken)
    assert cli.main(["watch", "."]) == 3
    assert capsys.readouterr().out.startswith("CERTTRUST UNKNOWN - RuntimeError")


def test_without_the_libraries_the_error_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are an extra."""
    monkeypatch.setitem(__import__("sys").modules, "icalendar", None)
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with pytest.raises(ct.CerttrustError, match=r"certtrust\[monitoring\]"):
        calendar(watched().renewals)
    with pytest.raises(ct.CerttrustError, match=r"certtrust\[monitoring\]"):
        metrics(watched())


@pytest.mark.exhaustive
def test_formats_of_random_fleets_are_read_by_other_programs() -> None:
    """Whatever fleet and bounds."""
    for seed in range(6):
        fleet = small_fleet(30, seed=seed + 60)
        state = status(fleet, weeks=(1, 4, 200 * (seed + 1)), months=(6, 120))
        families(state)
        entries(state.renewals)
        performance(plugin_status(state)[1])
