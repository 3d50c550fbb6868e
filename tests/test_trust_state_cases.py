"""Chain suites, published and generated: a chain is accepted where it is trusted at the time of
the case and its leaf is valid.
"""

import base64
import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import generated_cases
import pandas as pd
import pytest

from certtrust.certificates.reading import from_der
from certtrust.trust import trust_state

CASES = Path(__file__).parents[2] / "shared" / "cases"
PEM = re.compile("-----BEGIN [^-]+-----(.*?)-----END", re.DOTALL)

GENERATED, PUBLISHED = "generated", "published"
SUITES = (GENERATED, PUBLISHED) if CASES.is_dir() else (GENERATED,)
SOURCES = {
    (GENERATED, "chains"): generated_cases.chains,
    (GENERATED, "variants"): generated_cases.chain_variants,
    (PUBLISHED, "chains"): "chains.jsonl.gz",
    (PUBLISHED, "variants"): "chains_wiki.jsonl.gz",
}

every_suite = pytest.mark.parametrize("suite", SUITES)

ENTRY = (
    "list entries are checked like any other CA, as OpenSSL does; this suite uses only their "
    "name and key"
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


def cases(suite: str, kind: str) -> list[dict[str, Any]]:
    """Return the cases of a suite, whole chains or variants of their trust lists."""
    source = SOURCES[suite, kind]
    if callable(source):
        return source()
    with gzip.open(CASES / source, "rt") as lines:
        return [json.loads(line) for line in lines]


def ders(*pems: str) -> list[bytes]:
    """Return the certificates of PEM texts."""
    return [base64.b64decode(block) for pem in pems for block in PEM.findall(pem)]


def case_names(names: list[str], chains: list[list[bytes]]) -> pd.Series:
    """Return the case name of each certificate."""
    return pd.Series(
        [name for name, ders in zip(names, chains, strict=True) for _ in ders],
        dtype="str",
    )


@cache
def verdicts(suite: str, kind: str) -> pd.DataFrame:
    """Judge all cases of a file at once, each a device of its own with a PBX of its own."""
    judged = cases(suite, kind)
    chains = [ders(case["peer"], *case["intermediates"]) for case in judged]
    lists = [ders(*case["trusted"]) for case in judged]
    names = [case["id"] for case in judged]
    certificates = from_der([der for chain in chains for der in chain])
    certificates["bundle"] = case_names(names, chains)
    trust = from_der([der for entries in lists for der in entries])
    trust["pbx"] = case_names(names, lists)
    leaves = certificates.drop_duplicates("bundle").reset_index(drop=True)
    rows = leaves[["fingerprint", "bundle"]].assign(pbx=leaves["bundle"])
    # A certificate is judged by every chain that contains it, so cases that share one are
    # judged separately.
    turn = rows.groupby("fingerprint").cumcount()
    parts = []
    for _, part in rows.groupby(turn):
        presented = certificates[certificates["bundle"].isin(part["bundle"])]
        parts.append(part.join(trust_state.judge(part, presented, trust)))
    answer = pd.concat(parts).loc[rows.index]
    times = [case["validation_time"] or "2026-01-01T00:00:00Z" for case in judged]
    moment = pd.Series(pd.to_datetime(times, utc=True, format="ISO8601")).astype(
        "datetime64[us, UTC]"
    )
    state = trust_state.trust_at(answer, moment)["trust_state"].astype("str")
    seconds = moment.dt.floor("s")
    valid = (leaves["not_before"] <= seconds) & (seconds <= leaves["not_after"])
    result = pd.DataFrame(judged).set_index("id")
    trusted = state.isin(["listed", "chain"])
    return result.assign(
        state=state.to_numpy(),
        moment=moment.array,
        is_trusted=trusted.to_numpy(),
        accepted=(trusted & valid).to_numpy(),
        wanted=result["expected"] == "SUCCESS",
        path=trust_state.path_at(answer, moment).to_numpy(),
    )


def core(suite: str, scope: str) -> pd.DataFrame:
    """Return the core cases of a scope that do not contradict the article."""
    results = verdicts(suite, "chains")
    return results[
        results["core"]
        & (results["wiki_divergent"] == "no")
        & (results["scope"] == scope)
    ]


@every_suite
def test_path_cases_agree_apart_from_the_known_ones(suite):
    """The remaining differences are exactly those of the table above."""
    judged = core(suite, "path")
    wrong = judged.index[judged["accepted"] != judged["wanted"]]
    assert sorted(wrong) == sorted(REMAINING if suite == PUBLISHED else ())
    assert judged["wanted"].nunique() == 2


def test_another_verifier_expects_the_same_of_the_generated_cases():
    """Cryptography accepts exactly the cases made without a fault."""
    for case in generated_cases.chains() + generated_cases.chain_variants():
        expected = case["expected"] == "SUCCESS"
        assert generated_cases.accepted_by_cryptography(case) == expected, case["id"]


@pytest.mark.skipif(PUBLISHED not in SUITES, reason="no votes of published verifiers")
def test_nothing_is_accepted_that_all_peers_refuse():
    """Accepting a chain that all six verifiers refuse would be a hole."""
    judged = core(PUBLISHED, "path")
    votes = judged["peer_votes"].str.split("/", expand=True).astype(int)
    unanimous = (votes[0] == votes[1]) & (votes[1] > 0) & ~judged["wanted"]
    assert unanimous.sum() > 100
    assert not judged.loc[unanimous, "accepted"].any()


def _variants(suite: str) -> pd.DataFrame:
    judged = verdicts(suite, "variants")
    invalid = judged.index.str.contains("|".join(map(re.escape, NOT_VALID)))
    return judged.assign(invalid=invalid)


@every_suite
def test_a_listed_certificate_of_the_chain_suffices(suite):
    """Root, intermediate or leaf in the list: every valid chain is trusted."""
    judged = _variants(suite)
    wrong = judged[~judged["invalid"] & judged["wanted"] & ~judged["is_trusted"]]
    assert wrong.index.tolist() == []
    assert judged.loc[judged["wanted"] & ~judged["invalid"], "topic"].nunique() == 3


@every_suite
def test_without_trust_everything_is_refused(suite):
    """The list is empty, or has an unrelated CA or an impostor, or intermediates are missing."""
    judged = _variants(suite)
    refused = judged[~judged["wanted"]]
    assert refused["topic"].nunique() >= 4
    assert refused.index[refused["is_trusted"]].tolist() == []


@pytest.mark.skipif(
    PUBLISHED not in SUITES, reason="its exceptions are of that suite"
)
def test_every_exception_is_needed():
    """The root variant of each base chain that is left out is indeed refused."""
    judged = _variants(PUBLISHED)
    for part in NOT_VALID:
        of_part = judged.index.str.contains(re.escape(part))
        roots = judged[of_part & (judged["topic"] == "wiki/root")]
        assert len(roots)
        assert not roots["is_trusted"].any()


@every_suite
@pytest.mark.parametrize("kind", ["chains", "variants"])
def test_the_path_is_one_of_the_chain_and_ends_in_the_list(suite, kind):
    """A trusted leaf has a path to an entry of the list, without repetition."""
    judged = verdicts(suite, kind)
    for path, trusted in zip(judged["path"], judged["is_trusted"], strict=True):
        assert bool(path) == trusted
        assert len(set(path)) == len(path)


@every_suite
@pytest.mark.parametrize("topic", ["path", "name"])
def test_each_case_is_judged_alike_alone_and_among_others(suite, topic):
    """Certificates of other devices and other lists do not change a verdict."""
    judged = core(suite, topic)
    for name, case in judged.iloc[:: 1 + len(judged) // 20].iterrows():
        chain, entries = (
            ders(case["peer"], *case["intermediates"]),
            ders(*case["trusted"]),
        )
        certificates = from_der(chain, bundle="b")
        trust = from_der(entries).assign(
            pbx=pd.Series(pd.NA, range(len(entries)), dtype="str")
        )
        rows = certificates.iloc[[0]][["fingerprint", "bundle"]].assign(pbx="hq")
        answer = rows.join(trust_state.judge(rows, certificates, trust))
        state = (
            trust_state.trust_at(answer, pd.Series([case["moment"]]))["trust_state"]
            .astype("str")
            .iloc[0]
        )
        assert state == case["state"], name
