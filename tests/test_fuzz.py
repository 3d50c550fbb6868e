"""Mutated input gives rows or CerttrustError, in time proportional to the input."""

import random

import pytest
from fuzz.__main__ import finding
from fuzz.entries import ENTRIES


@pytest.mark.parametrize("name", ENTRIES)
def test_some_mutated_inputs(name):
    """A few of those that `make fuzz` makes; each seed is one of them."""
    entry = ENTRIES[name]
    seeds = entry.seeds()
    choose = random.Random(name)
    count = 2 if name == "fleets" else 10
    inputs = [entry.mutate(choose.choice(seeds), seeds, choose) for _ in range(count)]
    for data in [*seeds, *inputs]:
        assert finding(entry, data) is None, data[:200]


def test_what_is_wrong_is_found():
    """Neither a crash nor a hang passes."""
    entry = ENTRIES["devices"]

    def crashes(data: bytes) -> None:
        raise KeyError(data)

    assert finding(entry._replace(read=crashes), b"x") == "KeyError: \"b'x'\""
