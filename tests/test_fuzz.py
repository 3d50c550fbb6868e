"""Mutated input gives rows or CerttrustError, in time proportional to the input."""

import random
from collections.abc import Sequence

import pytest
from fuzz.__main__ import finding
from fuzz.entries import ENTRIES
from thoroughness import share

from certtrust import CerttrustError, limits


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
    inputs = [entry.mutate(choose.choice(seeds), seeds, choose) for _ in range(25)]
    files = [*share(seeds), *inputs]
    for start in range(0, len(files), entry.at_once):
        assert finding(entry, *files[start : start + entry.at_once]) is None


def test_a_crash_is_a_finding():
    """An exception of another type does not pass."""
    entry = ENTRIES["devices"]

    def crashes(files: Sequence[bytes]) -> None:
        raise KeyError(files[0])

    assert finding(entry._replace(read=crashes), b"x") == "KeyError: \"b'x'\""


def test_a_file_that_is_refused_hides_no_other():
    """Files that are refused together are read one by one."""

    def refuses_or_crashes(files: Sequence[bytes]) -> None:
        if b"bad" in files:
            raise CerttrustError("bad")
        raise KeyError("x")

    entry = ENTRIES["devices"]._replace(read=refuses_or_crashes)
    assert finding(entry, b"bad") is None
    assert finding(entry, b"bad", b"x") == "KeyError: \"'x'\""
