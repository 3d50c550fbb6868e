"""Chains built to waste time: loops, meshes and thousands of namesakes take bounded work, and the
right path is still found.
"""

import hashlib
from itertools import pairwise

import pandas as pd
import pytest
from chain_builder import bundle, certificate, leaves_of, listed, outcome, year

from certtrust import limits
from certtrust.trust import links, paths, trust_state


@pytest.fixture
def checks(monkeypatch):
    """Return a list to which each signature check is added."""
    verified: list[bytes] = []
    original = links.verify_many
    monkeypatch.setattr(
        links,
        "verify_many",
        lambda *parts: verified.extend(parts[0]) or original(*parts),
    )
    return verified


def test_two_cas_that_sign_each_other_end(checks):
    """Following a loop without a root ends."""
    one, two = certificate("one", "two"), certificate("two", "one")
    leaf = certificate("leaf", "one", ca=None)
    assert outcome([leaf, one, two], [certificate("stranger")])[0] == "unknown CA"
    assert outcome([leaf, one, two], [two])[0] == "chain"
    assert len(checks) < 20


def test_a_mesh_of_cross_signed_cas_ends(monkeypatch):
    """Twelve CAs that all sign each other have millions of paths; few steps are taken."""
    steps = []
    original = paths._above
    monkeypatch.setattr(
        paths, "_above", lambda *arguments: steps.append(1) or original(*arguments)
    )
    names = [f"mesh {number}" for number in range(12)]
    mesh = [certificate(one, other) for one in names for other in names]
    leaf = certificate("leaf", names[0], ca=None)
    assert outcome([leaf, *mesh], [certificate("stranger")])[0] == "untrusted CA"
    root = certificate("root")
    state, path, _ = outcome([leaf, *mesh, certificate(names[-1], "root")], [root])
    assert (state, len(path)) == ("chain", 4)
    assert len(steps) < 5000


def test_a_mesh_with_name_constraints_ends():
    """Constraints keep paths apart that would otherwise be one, so only the bound on steps ends
    the search.

    Its chains are longer than 32 CAs, so the CAs above them are unknown.
    """
    names = [f"bound {number}" for number in range(8)]
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
    """Without key identifiers the keys are tried until one fits; with them the first one fits."""
    keys = [("crowd", number % 50) for number in range(1000)]
    crowd = [
        certificate("ca", own=key, signer=key, serial=number + 1)
        for number, key in enumerate(keys)
    ]
    for key_ids, allowance in ((False, 200), (True, 60)):
        issuer = certificate("ca", own="true", signer="true", key_ids=key_ids)
        leaf = certificate("leaf", "ca", signer="true", ca=None, key_ids=key_ids)
        checks.clear()
        state, path, _ = outcome([leaf], [*crowd, issuer])
        assert (state, path[-1]) == ("chain", hashlib.sha256(issuer).hexdigest())
        assert len(checks) <= 1001 + allowance


def test_unrelated_namesakes_share_a_budget(checks, monkeypatch):
    """Trying the key of each one for every other would be quadratic without a common budget."""
    monkeypatch.setattr(limits, "PATH_STEPS", 500)
    crowd = [
        certificate("ca", own=("lone", number), signer=("elsewhere", number))
        for number in range(120)
    ]
    certificates = bundle("b", *crowd)
    trust_state.link(certificates, listed(certificate("stranger")))
    assert len(checks) <= 120 + 500 + 1


def test_a_certificate_whose_issuers_name_has_too_many_keys_is_unknown(monkeypatch):
    """Its issuer may be among those not tried, so this is neither a pass nor a failure."""
    crowd = [
        certificate("ca", own=("lone", number), signer=("elsewhere", number))
        for number in range(24)
    ]
    signed = [
        certificate("leaf", "ca", signer=("lone", number), ca=None)
        for number in range(0, 24, 2)
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
    assert "more CAs with its issuer's name" in judged["trust_detail"].iloc[0]
    monkeypatch.setattr(limits, "PATH_STEPS", 20_000)
    assert {outcome([leaf], crowd)[0] for leaf in signed[::4]} == {"chain"}


def test_many_twins_of_one_key_are_one_check(checks):
    """For renewals of a CA under its old key the signature is checked once, and each of them may
    end a path.
    """
    twins = [certificate("ca", serial=number + 1) for number in range(300)]
    leaf = certificate("leaf", "ca", ca=None)
    state, path, _ = outcome([leaf, *twins[:-1]], [twins[-1]])
    assert (state, path) == (
        "chain",
        [hashlib.sha256(der).hexdigest() for der in (leaf, twins[-1])],
    )
    assert len(checks) == 301


def test_a_long_chain_is_followed_and_an_endless_one_is_not():
    """A chain of 26 CAs is followed; beyond the bound it is not."""
    names = [f"step {number}" for number in range(60)]
    chain = [certificate(one, other) for one, other in pairwise(names)]
    leaf = certificate("leaf", names[0], ca=None)
    assert outcome([leaf, *chain[:25]], [chain[25]])[0] == "chain"
    assert outcome([leaf, *chain[:-1]], [chain[-1]])[0] != "chain"


def test_self_signed_namesakes_are_linear(checks):
    """Self-signed certificates of softphones with one common name take one check each."""
    phones = [
        certificate(
            "softphone", own=("phone", number), signer=("phone", number), ca=None
        )
        for number in range(200)
    ]
    certificates = pd.concat(
        [bundle(str(number), der) for number, der in enumerate(phones[:20])],
        ignore_index=True,
    )
    leaves = leaves_of(certificates, *map(str, range(20)))
    answer = leaves.join(
        trust_state.judge(leaves, certificates, listed(*phones[10:]))
    )
    states = trust_state.trust_at(answer, pd.Series(year(2026), answer.index))[
        "trust_state"
    ].tolist()
    assert states == ["self-signed"] * 10 + ["listed"] * 10
    assert len(checks) == 200
