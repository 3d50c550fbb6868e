"""Mutated input gives rows or CerttrustError, in time proportional to the input."""

import random

import pytest
from fuzz.__main__ import finding
from fuzz.entries import ENTRIES
from thoroughness import share

from certtrust import limits


@pytest.fixture(autouse=True)
def bounds(monkeypatch):
    """Put the bounds back that seeds move."""
    monkeypatch.setattr(limits, "PATTERN_SECONDS", limits.PATTERN_SECONDS)


@pytest.mark.parametrize("name", ENTRIES)
def test_some_mutated_inputs(name):
    """A share of the seeds, and a few of the mutations of `make fuzz`, give no finding."""
    entry = ENTRIES[name]
    seeds = entry.seeds()
    choose = random.Random(name)
    count = 2 if name == "fleets" else 10
    inputs = [entry.mutate(choose.choice(seeds), seeds, choose) for _ in range(count)]
    for data in [*share(seeds), *inputs]:
        assert finding(entry, data) is None, data[:200]


def test_a_crash_is_a_finding():
    """An exception of another type does not pass."""
    entry = ENTRIES["devices"]

    def crashes(data: bytes) -> None:
        raise KeyError(data)

    assert finding(entry._replace(read=crashes), b"x") == "KeyError: \"b'x'\""
