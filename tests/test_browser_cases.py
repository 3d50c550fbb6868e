"""Published and generated chains whose verdict depends on the name, in the browser scenario of
the public interface.
"""

import gzip
import json
from pathlib import Path

import generated_cases
import pytest
from thoroughness import first

import certtrust as ct

CASES = Path(__file__).parents[2] / "shared" / "cases" / "chains.jsonl.gz"

ARTICLE_ACCEPTS = {
    "limbo::rfc5280::san::ip-in-dns": (
        "a DNS name that is the address as text matches by the wording of the article"
    ),
    "limbo::webpki::san::mismatch-apex-subdomain-san": "the CN matches, and the article "
    "accepts CN or DNS name",
    "limbo::webpki::san::unicode-emoji-san": "a U-label and its A-label are one name",
}
"""Names that the article of 2017 accepts and today's browsers refuse, with the reason."""


def cases():
    """Return the core cases about names."""
    all_cases = generated_cases.chains()
    if CASES.exists():
        with gzip.open(CASES, "rt") as lines:
            all_cases = all_cases + [json.loads(line) for line in lines]
    return [
        case
        for case in all_cases
        if case["core"] and case["scope"] == "name" and case["wiki_divergent"] == "no"
    ]


@pytest.mark.parametrize("case", first(cases(), 12), ids=lambda case: case["id"])
def test_browsers_and_article_judge_the_name(case):
    """hygiene.browser equals the suite in every case; the verdict by the article does, apart
    from the listed exceptions.
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
    assert (diagnosis.verdict == "pass") == (
        accepted or case["id"] in ARTICLE_ACCEPTS
    )
