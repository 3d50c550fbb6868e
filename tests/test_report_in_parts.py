"""The report of a fleet in parts: it says what the report of the whole fleet says."""

import dataclasses
import importlib
import json

import pandas as pd
import pytest
from test_partitions import entangled

import certtrust as ct
from certtrust import processes
from certtrust.evaluation.ownership import Ownership
from certtrust.partitions import split
from certtrust.report import as_json, explain_fleet, page
from certtrust.report.partial import KEPT
from certtrust.testing import assert_frames_equal, small_fleet

FRAMES = (
    *("causes", "comparison", "failing", "undecided", "missing", "remedies"),
    *("forecast", "endings", "impersonations", "inputs", "problems"),
    *("combinations",),
)


@pytest.fixture
def in_parts(monkeypatch):
    """Return what judges a fleet in parts of a few rows, in this process."""

    def explained(fleet, rows=60, workers=1, **options):
        with monkeypatch.context() as patch:
            dealing = importlib.import_module("certtrust.partitions.split")
            patch.setattr(dealing, "ROWS", rows)
            patch.setattr(processes, "cores", lambda: workers)
            assert len(split(fleet)) > 2
            return explain_fleet(fleet, periods=2, **options)

    return explained


def assert_reports_equal(parts, whole):
    """Compare all frames, what is kept of results, and the state that comparisons read."""
    for name in FRAMES:
        assert_frames_equal(getattr(parts, name), getattr(whole, name))
    assert_frames_equal(parts.results, whole.results[[*KEPT]])
    assert parts.relations[1:] == whole.relations[1:]
    numbers = ["relation", "devices", "attempts"]
    assert_frames_equal(
        parts.relations.counts[numbers],
        whole.relations.counts[numbers],
        ordered=False,
    )
    states = [json.loads(as_json(report))["state"] for report in (parts, whole)]
    assert states[0]["registrations"] == states[1]["registrations"]
    assert states[0]["certificates"] == states[1]["certificates"]
    assert states[0]["nameless"] == states[1]["nameless"]


def test_a_report_in_parts_says_what_the_whole_says(in_parts):
    """Every table is equal, the plan and its order as well."""
    fleet = small_fleet(30, seed=4)

    parts, whole = in_parts(fleet), explain_fleet(fleet, periods=2)

    assert_reports_equal(parts, whole)
    assert parts.remedies["attempts"].sum() > 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(24))
def test_reports_of_entangled_fleets_say_what_the_whole_says(seed, in_parts):
    """Devices share certificates, bundles and names, and some lines are nobody's."""
    fleet = entangled(small_fleet(40, seed=seed % 3), seed)
    at = "2026-10-20" if seed % 2 else None

    parts, whole = (
        in_parts(fleet, rows=90, at=at),
        explain_fleet(fleet, periods=2, at=at),
    )

    assert_reports_equal(parts, whole)


@pytest.mark.exhaustive
def test_plans_of_parts_are_those_of_remedies(in_parts):
    """The plan that parts make is the public one."""
    for seed in range(6):
        fleet = small_fleet(80, seed=seed)
        results = ct.check(ct.attempts(fleet))

        plan = in_parts(fleet).remedies

        assert_frames_equal(plan, ct.remedies(fleet, results))


@pytest.mark.exhaustive
def test_a_report_of_device_entries_in_parts(in_parts):
    """A fleet without a log is dealt by its device entries."""
    fleet = small_fleet(200, seed=2)
    fleet = dataclasses.replace(fleet, registrations=fleet.registrations.head(0))

    assert_reports_equal(in_parts(fleet), explain_fleet(fleet, periods=2))


@pytest.mark.exhaustive
def test_a_report_of_captures_in_parts(in_parts):
    """What the wire proves is put together, too."""
    fleet = ct.link(ct.read_fleet("data/wire"))

    parts, whole = in_parts(fleet, rows=5), explain_fleet(fleet, periods=2)

    assert parts.wire is not None
    assert whole.wire is not None
    for name, frame in vars(whole.wire).items():
        assert_frames_equal(getattr(parts.wire, name), frame)


@pytest.mark.exhaustive
def test_parts_are_judged_in_processes(in_parts):
    """Two processes give what one gives, in the language of the caller."""
    fleet = small_fleet(60, seed=4)
    with ct.language("de"):
        whole = explain_fleet(fleet, periods=2)
        parts = in_parts(fleet, workers=2)

        assert_reports_equal(parts, whole)
        assert page(parts).count("<tr") == page(whole).count("<tr")


def test_ownership_of_a_part_knows_the_serials_of_the_whole():
    """A hardware ID belongs to no serial where two of the whole fleet end like it."""
    fleet = small_fleet(40)
    parts = split(fleet, 4)

    assert all(
        set(part.ownership.serials) == set(Ownership.of(fleet).serials)
        for part in parts
    )


def test_empty_parts_add_nothing(in_parts):
    """Where one device has all attempts, the other parts are empty."""
    fleet = small_fleet(30, seed=1)
    first = fleet.registrations.head(1)
    log = pd.concat([first] * 130, ignore_index=True)
    fleet = dataclasses.replace(fleet, registrations=log)

    assert_reports_equal(in_parts(fleet), explain_fleet(fleet, periods=2))
