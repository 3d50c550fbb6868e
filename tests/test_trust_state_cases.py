"""The published chain suites, run from where they lie: a verdict is trust at the case's time
and a valid leaf.
"""

import base64
import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from certtrust.certificates.reading import from_der
from certtrust.trust import trust_state

CASES = Path(__file__).parents[2] / "shared" / "cases"
PEM = re.compile("-----BEGIN [^-]+-----(.*?)-----END", re.DOTALL)

pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the published cases are not here"
)

ENTRY = (
    "the entry of the list is checked as any CA is, as "
    "OpenSSL does; this suite takes it as name and key alone"
)
REMAINING = {
    "chromium::expired-root/not-after": ENTRY,
    "chromium::expired-root/not-before": ENTRY,
    "chromium::root-basic-constraints-ca-false/main": ENTRY,
    "chromium::root-lacks-keycertsign-key-usage/main": ENTRY,
    "chromium::violates-pathlen-1-from-root/main": ENTRY,
    "limbo::rfc5280::root-missing-basic-constraints": (
        "a listed CA needs no basicConstraints; other suites accept it"
    ),
    "chromium::target-and-intermediate/trusted_leaf-root": (
        "a root is trusted as an issuer, however it is listed"
    ),
    "pkits::4.1.5::Section1ValidDSAParameterInheritanceTest5": "DSA keys that "
    "inherit parameters, which no peer reads",
}
"""Cases of scope path whose expectation is not met, with the reason."""
NOT_VALID = {
    "expired-root/": ENTRY,
    "root-basic-constraints-ca-false/": ENTRY,
    "root-lacks-keycertsign-key-usage/": ENTRY,
    "violates-pathlen-1-from-root/": ENTRY,
    "many-names/ok-all-types": (
        "its URI constraints are URIs, where RFC 5280 wants hosts; no peer accepts it"
    ),
}
"""Base chains whose root variant is not valid by the path rules."""


def cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of a file."""
    with gzip.open(CASES / name, "rt") as lines:
        return [json.loads(line) for line in lines]


def ders(*pems: str) -> list[bytes]:
    """Return the certificates of PEM texts."""
    return [base64.b64decode(block) for pem in pems for block in PEM.findall(pem)]


def owners(names: list[str], held: list[list[bytes]]) -> pd.Series:
    """Return the name of its case for each certificate."""
    return pd.Series(
        [name for name, each in zip(names, held, strict=True) for _ in each],
        dtype="str",
    )


@cache
def verdicts(name: str) -> pd.DataFrame:
    """Judge all cases of a file at once, each a device of its own with a PBX of its own."""
    known = cases(name)
    chain = [ders(case["peer"], *case["intermediates"]) for case in known]
    lists = [ders(*case["trusted"]) for case in known]
    names = [case["id"] for case in known]
    certificates = from_der([der for each in chain for der in each])
    certificates["bundle"] = pd.Series(
        [name for name, each in zip(names, chain, strict=True) for _ in each],
        dtype="str",
    )
    trust = from_der([der for each in lists for der in each])
    trust["pbx"] = owners(names, lists)
    leaves = certificates.drop_duplicates("bundle").reset_index(drop=True)
    question = leaves[["fingerprint", "bundle"]].assign(pbx=leaves["bundle"])
    # A certificate is judged by every chain that it came with, so cases that share one are
    # judged apart.
    turn = question.groupby("fingerprint").cumcount()
    parts = []
    for _, asked in question.groupby(turn):
        presented = certificates[certificates["bundle"].isin(asked["bundle"])]
        parts.append(asked.join(trust_state.judge(asked, presented, trust)))
    answer = pd.concat(parts).loc[question.index]
    times = [case["validation_time"] or "2026-01-01T00:00:00Z" for case in known]
    moment = pd.Series(pd.to_datetime(times, utc=True, format="ISO8601")).astype(
        "datetime64[us, UTC]"
    )
    state = trust_state.trust_at(answer, moment)["trust_state"].astype("str")
    seconds = moment.dt.floor("s")
    valid = (leaves["not_before"] <= seconds) & (seconds <= leaves["not_after"])
    result = pd.DataFrame(known).set_index("id")
    trusted = state.isin(["listed", "chain"])
    return result.assign(
        state=state.to_numpy(),
        moment=moment.array,
        is_trusted=trusted.to_numpy(),
        accepted=(trusted & valid).to_numpy(),
        wanted=result["expected"] == "SUCCESS",
        path=trust_state.path_at(answer, moment).to_numpy(),
    )


def core(scope: str) -> pd.DataFrame:
    """Return the core cases of a scope that do not contradict the page."""
    found = verdicts("chains.jsonl.gz")
    return found[
        found["core"] & (found["wiki_divergent"] == "no") & (found["scope"] == scope)
    ]


def test_path_cases_agree_but_for_the_known_ones():
    """What remains is the table above, no more and no less."""
    found = core("path")
    wrong = found.index[found["accepted"] != found["wanted"]]
    assert sorted(wrong) == sorted(REMAINING)
    assert 1 - len(wrong) / len(found) >= 0.97


def test_nothing_is_accepted_that_all_peers_refuse():
    """A false accept of what all six verifiers refuse would be a hole."""
    found = core("path")
    votes = found["peer_votes"].str.split("/", expand=True).astype(int)
    unanimous = (votes[0] == votes[1]) & (votes[1] > 0) & ~found["wanted"]
    assert unanimous.sum() > 100
    assert not found.loc[unanimous, "accepted"].any()


def _variants() -> pd.DataFrame:
    found = verdicts("chains_wiki.jsonl.gz")
    invalid = found.index.str.contains("|".join(map(re.escape, NOT_VALID)))
    return found.assign(invalid=invalid)


def test_what_is_in_the_list_decides():
    """Root, intermediate or leaf in the list: every valid chain is trusted."""
    found = _variants()
    wrong = found[~found["invalid"] & found["wanted"] & ~found["is_trusted"]]
    assert wrong.index.tolist() == []
    assert found.loc[found["wanted"] & ~found["invalid"], "topic"].nunique() == 3


def test_without_trust_everything_is_refused():
    """Nothing listed, an unrelated CA, an impostor of the same name, intermediates that are
    missing.
    """
    found = _variants()
    refused = found[~found["wanted"]]
    assert refused["topic"].nunique() >= 5
    assert refused.index[refused["is_trusted"]].tolist() == []


def test_every_exception_is_needed():
    """A base chain that is left out because its root variant is not valid is indeed refused
    there.
    """
    found = _variants()
    for part in NOT_VALID:
        roots = found[
            found.index.str.contains(re.escape(part)) & (found["topic"] == "wiki/root")
        ]
        assert len(roots)
        assert not roots["is_trusted"].any()


def test_the_path_is_one_of_the_chain_and_ends_in_the_list():
    """Whoever is accepted has a path from the leaf to an entry of the list, without repetition."""
    for name in ("chains.jsonl.gz", "chains_wiki.jsonl.gz"):
        found = verdicts(name)
        for path, trusted in zip(found["path"], found["is_trusted"], strict=True):
            assert bool(path) == trusted
            assert len(set(path)) == len(path)


@pytest.mark.parametrize("topic", ["path", "name"])
def test_each_case_alone_is_judged_as_among_the_others(topic):
    """Other devices' certificates and other lists do not change a verdict."""
    found = core(topic).iloc[::15]
    for name, case in found.iterrows():
        chain, entries = (
            ders(case["peer"], *case["intermediates"]),
            ders(*case["trusted"]),
        )
        certificates = from_der(chain, bundle="b")
        trust = from_der(entries).assign(
            pbx=pd.Series(pd.NA, range(len(entries)), dtype="str")
        )
        question = certificates.iloc[[0]][["fingerprint", "bundle"]].assign(pbx="hq")
        answer = question.join(trust_state.judge(question, certificates, trust))
        state = (
            trust_state.trust_at(answer, pd.Series([case["moment"]]))["trust_state"]
            .astype("str")
            .iloc[0]
        )
        assert state == case["state"], name
