"""Chains whose verdict turns on the name, in the browser scenario, through the public interface:
published ones and some made on the spot.
"""

import gzip
import json
from pathlib import Path

import generated_cases
import pytest
from thoroughness import first

import certtrust as ct

CASES = Path(__file__).parents[2] / "shared" / "cases" / "chains.jsonl.gz"

PAGE_ACCEPTS = {
    "limbo::rfc5280::san::ip-in-dns": (
        "a DNS name that is the address as text fits by the page's words"
    ),
    "limbo::webpki::san::mismatch-apex-subdomain-san": "the CN fits, and the page takes "
    "CN or DNS name",
    "limbo::webpki::san::unicode-emoji-san": "a U-label and its A-label are one name",
}
"""Where the page of 2017 accepts what today's browsers refuse, with the reason."""


def cases():
    """Return the core cases of scope name."""
    every = generated_cases.chains()
    if CASES.exists():
        with gzip.open(CASES, "rt") as lines:
            every = every + [json.loads(line) for line in lines]
    return [
        case
        for case in every
        if case["core"] and case["scope"] == "name" and case["wiki_divergent"] == "no"
    ]


@pytest.mark.parametrize("case", first(cases(), 12), ids=lambda case: case["id"])
def test_browsers_and_page_judge_the_name(case):
    """hygiene.browser equals the suite in every case; the page's own verdict does, but for the
    listed exceptions.
    """
    diagnosis = ct.diagnose(
        case["peer"],
        chain=case["intermediates"],
        trust=case["trusted"],
        scenario="browser",
        url=f"https://{case['peer_name']['value']}/",
        at=case["validation_time"],
    )
    accepted = case["expected"] == "SUCCESS"
    assert (
        diagnosis.steps.set_index("code").loc["hygiene.browser", "passed"] == accepted
    )
    assert (diagnosis.verdict == "pass") == (accepted or case["id"] in PAGE_ACCEPTS)
