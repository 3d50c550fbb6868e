"""Chains made to cost time: loops, meshes and thousands of namesakes end in bounded work, and
truth is still found.
"""

import hashlib
from itertools import pairwise

import pandas as pd
import pytest
from chain_builder import asked, bundle, certificate, listed, outcome, year

from certtrust import limits
from certtrust.trust import links, paths, trust_state


@pytest.fixture
def checks(monkeypatch):
    """Count the signature checks."""
    made: list[bytes] = []
    real = links.verify_many
    monkeypatch.setattr(
        links, "verify_many", lambda *parts: made.extend(parts[0]) or real(*parts)
    )
    return made


def test_two_cas_that_sign_each_other_end(checks):
    """A loop without a root has no end to reach."""
    one, two = certificate("one", "two"), certificate("two", "one")
    leaf = certificate("leaf", "one", ca=None)
    assert outcome([leaf, one, two], [certificate("stranger")])[0] == "unknown CA"
    assert outcome([leaf, one, two], [two])[0] == "chain"
    assert len(checks) < 20


def test_a_mesh_of_cross_signed_cas_ends(monkeypatch):
    """Twelve CAs that all sign each other have millions of paths; the steps taken stay few."""
    steps = []
    real = paths._above
    monkeypatch.setattr(
        paths, "_above", lambda *question: steps.append(1) or real(*question)
    )
    names = [f"mesh {place}" for place in range(12)]
    mesh = [certificate(one, other) for one in names for other in names]
    leaf = certificate("leaf", names[0], ca=None)
    assert outcome([leaf, *mesh], [certificate("stranger")])[0] == "untrusted CA"
    root = certificate("root")
    state, path, _ = outcome([leaf, *mesh, certificate(names[-1], "root")], [root])
    assert (state, len(path)) == ("chain", 4)
    assert len(steps) < 5000


def test_a_mesh_with_name_constraints_ends():
    """Constraints keep paths apart that would else be one, so the bound on steps is what ends it.

    Its chains are longer than 32 CAs, so what would stand above is not known.
    """
    names = [f"bound {place}" for place in range(8)]
    mesh = [
        certificate(one, other, excluded=("example.net",))
        for one in names
        for other in names
    ]
    leaf = certificate("leaf", names[0], ca=None, dns=("example.com",))
    assert outcome([leaf, *mesh], [certificate("stranger")])[0] == "chain too long"
    state, path, _ = outcome(
        [leaf, *mesh], [certificate("root"), certificate(names[3])]
    )
    assert (state, len(path)) == ("chain", 3)


def test_one_true_issuer_among_a_thousand_namesakes_is_found(checks):
    """Without identifiers each key is tried until one fits; with them the first one does."""
    keys = [("crowd", place % 50) for place in range(1000)]
    crowd = [
        certificate("ca", own=key, signer=key, serial=place + 1)
        for place, key in enumerate(keys)
    ]
    for key_ids, most in ((False, 200), (True, 60)):
        true = certificate("ca", own="true", signer="true", key_ids=key_ids)
        leaf = certificate("leaf", "ca", signer="true", ca=None, key_ids=key_ids)
        checks.clear()
        state, path, _ = outcome([leaf], [*crowd, true])
        assert (state, path[-1]) == ("chain", hashlib.sha256(true).hexdigest())
        assert len(checks) <= 1001 + most


def test_namesakes_that_sign_nothing_of_each_other_share_a_budget(
    checks, monkeypatch
):
    """Each of them would try the key of every other one: quadratic, were the tries not shared."""
    monkeypatch.setattr(limits, "PATH_STEPS", 500)
    crowd = [
        certificate("ca", own=("lone", place), signer=("elsewhere", place))
        for place in range(120)
    ]
    certificates = bundle("b", *crowd)
    trust_state.link(certificates, listed(certificate("stranger")))
    assert len(checks) <= 120 + 500 + 1


def test_a_certificate_whose_issuers_name_has_too_many_keys_is_unknown(monkeypatch):
    """Its issuer may be among those that were not tried: neither a pass nor a failure."""
    crowd = [
        certificate("ca", own=("lone", place), signer=("elsewhere", place))
        for place in range(24)
    ]
    signed = [
        certificate("leaf", "ca", signer=("lone", place), ca=None)
        for place in range(0, 24, 2)
    ]
    monkeypatch.setattr(limits, "PATH_STEPS", 8)
    outcomes = [outcome([leaf], crowd)[0] for leaf in signed]
    assert set(outcomes) == {"chain", "unreadable"}
    shuffled = [outcome([leaf], crowd[::-1])[0] for leaf in signed]
    assert shuffled == outcomes
    judged = trust_state.judge(
        pd.DataFrame(
            {
                "fingerprint": [
                    hashlib.sha256(signed[outcomes.index("unreadable")]).hexdigest()
                ],
                "bundle": ["b"],
                "pbx": [None],
            },
            dtype="str",
        ),
        bundle("b", signed[outcomes.index("unreadable")]),
        listed(*crowd),
    )
    assert "more CAs of its issuer's name" in judged["trust_detail"].iloc[0]
    monkeypatch.setattr(limits, "PATH_STEPS", 20_000)
    assert {outcome([leaf], crowd)[0] for leaf in signed[::4]} == {"chain"}


def test_many_twins_of_one_key_are_one_check(checks):
    """Renewals of a CA under its old key: the signature is checked once, and each of them may
    end a path.
    """
    twins = [certificate("ca", serial=place + 1) for place in range(300)]
    leaf = certificate("leaf", "ca", ca=None)
    state, path, _ = outcome([leaf, *twins[:-1]], [twins[-1]])
    assert (state, path) == (
        "chain",
        [hashlib.sha256(each).hexdigest() for each in (leaf, twins[-1])],
    )
    assert len(checks) == 301


def test_a_long_chain_is_followed_and_an_endless_one_is_not():
    """Thirty CAs are more than enough; beyond the bound a chain counts as leading nowhere."""
    names = [f"step {place}" for place in range(60)]
    chain = [certificate(one, other) for one, other in pairwise(names)]
    leaf = certificate("leaf", names[0], ca=None)
    assert outcome([leaf, *chain[:25]], [chain[25]])[0] == "chain"
    assert outcome([leaf, *chain[:-1]], [chain[-1]])[0] != "chain"


def test_self_signed_namesakes_are_linear(checks):
    """Softphones that all call themselves the same and sign themselves: one check each."""
    phones = [
        certificate(
            "softphone", own=("phone", place), signer=("phone", place), ca=None
        )
        for place in range(200)
    ]
    certificates = pd.concat(
        [bundle(str(place), der) for place, der in enumerate(phones[:20])],
        ignore_index=True,
    )
    question = asked(certificates, *map(str, range(20)))
    answer = question.join(
        trust_state.judge(question, certificates, listed(*phones[10:]))
    )
    states = trust_state.trust_at(answer, pd.Series(year(2026), answer.index))[
        "trust_state"
    ].tolist()
    assert states == ["self-signed"] * 10 + ["listed"] * 10
    assert len(checks) == 200
