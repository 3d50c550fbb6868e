"""Verdicts of random fleets, through files, against a plain reading of the rules."""

import pytest
from naive import fleets
from naive.comparison import compare, seeds, summary

ATTEMPTS = 125
"""Attempts in a fleet: 8 fleets are 1,000 attempts, 160 are 20,000."""


@pytest.mark.parametrize("seed", seeds(range(8)))
def test_package_and_plain_reading_agree(seed, tmp_path):
    """Each rule, verdict, scenario and cause is what the plain reading gives."""
    attempts, texts = compare(fleets.fleet(seed, attempts=ATTEMPTS), tmp_path)

    assert attempts == ATTEMPTS
    if texts:
        pytest.fail(summary(seed, attempts, texts), pytrace=False)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", seeds(range(1000, 1160)))
def test_package_and_plain_reading_agree_on_many_fleets(seed, tmp_path):
    """The same for 20,000 attempts."""
    attempts, texts = compare(fleets.fleet(seed, attempts=ATTEMPTS), tmp_path)

    assert attempts == ATTEMPTS
    if texts:
        pytest.fail(summary(seed, attempts, texts), pytrace=False)
