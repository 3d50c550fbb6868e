"""Very many signatures are shared between processes, with the same links as in one."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import certtrust as ct
from certtrust import limits, processes
from certtrust.trust import links, trust_state


@pytest.fixture(scope="module")
def fleet() -> ct.Fleet:
    """Return the sample fleet."""
    return ct.read_fleet("data/fleet")


def linked(fleet: ct.Fleet) -> pd.DataFrame:
    """Return the links of a fleet, none of them known."""
    return trust_state.link(fleet.certificates, fleet.trust)


def test_jobs_are_put_together_in_order(
    fleet: ct.Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links from parts of any size are those of all signatures at once."""
    whole = linked(fleet)
    jobs: list[int] = []

    def run(function: Any, parts: Any) -> Any:
        for part in parts:
            jobs.append(len(part[0]))
            yield function(part)

    monkeypatch.setattr(processes, "cores", lambda: 2)
    monkeypatch.setattr(processes, "run", run)
    monkeypatch.setattr(links, "_AT_ONCE", 7)
    monkeypatch.setattr(limits, "SIGNATURES_IN_PROCESSES", 10)
    pd.testing.assert_frame_equal(linked(fleet), whole)
    assert len(jobs) > 1
    assert max(jobs) == 7


def test_small_fleets_stay_in_the_process(
    fleet: ct.Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process is started for few signatures, nor where none can be."""

    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(processes, "run", never)
    linked(fleet)
    monkeypatch.setattr(limits, "SIGNATURES_IN_PROCESSES", 1)
    monkeypatch.setattr(processes, "cores", lambda: 1)
    linked(fleet)


@pytest.mark.exhaustive
def test_other_processes_give_the_same_links(
    fleet: ct.Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two real processes verify what one does."""
    whole = linked(fleet)
    monkeypatch.setattr(processes, "cores", lambda: 2)
    monkeypatch.setattr(links, "_AT_ONCE", 50)
    monkeypatch.setattr(limits, "SIGNATURES_IN_PROCESSES", 1)
    pd.testing.assert_frame_equal(linked(fleet), whole)
