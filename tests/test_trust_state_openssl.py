"""Random chains against OpenSSL: what it accepts with -partial_chain is accepted, and what it
refuses has its reason.

OpenSSL prefers the longest chain and does not turn back, so it may miss a path that is there.
It is then given that path alone, and must accept it.
"""

import random
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chain_builder import asked, bundle, certificate, listed, year
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from certtrust.trust import trust_state

STRANGER = certificate("stranger")


def accepts(
    directory: Path,
    leaf: bytes,
    presented: list[bytes],
    entries: list[bytes],
    at: pd.Timestamp,
) -> bool:
    """Ask OpenSSL."""
    files = {"leaf": [leaf], "presented": presented, "entries": entries or [STRANGER]}
    for name, ders in files.items():
        pems = [
            load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in ders
        ]
        (directory / name).write_bytes(b"".join(pems))
    command = [
        "openssl",
        "verify",
        "-partial_chain",
        "-no-CApath",
        "-no-CAstore",
        "-attime",
        str(int(at.timestamp())),
    ]
    command += [
        "-CAfile",
        "entries",
        *(["-untrusted", "presented"] if presented else []),
        "leaf",
    ]
    done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    return done.returncode == 0


def scenario(
    rng: random.Random,
) -> tuple[bytes, list[bytes], list[bytes], pd.Timestamp]:
    """Make a chain of depth 0 to 4 with faults and by-ways: the leaf, what is presented, the
    list, the moment.
    """
    depth = rng.randrange(5)
    key_ids = rng.random() < 0.5
    # Two keys of one name in one path are told apart by OpenSSL by their identifiers only.
    names = [
        f"ca {rng.randrange(3) if key_ids and rng.random() < 0.2 else place}"
        for place in range(depth)
    ]
    keys = [(name, place) for place, name in enumerate(names)]
    cas: list[bytes] = []
    for place, name in enumerate(names):
        above = min(place + 1, depth - 1)
        options = {
            "key_ids": key_ids,
            "serial": rng.randrange(1, 4),
            **_fault(rng, root=above == place),
        }
        wrong = rng.random() < 0.06
        signer = ("wrong", place) if wrong else keys[above]
        cas.append(
            certificate(name, names[above], own=keys[place], signer=signer, **options)
        )
        if (
            rng.random() < 0.3
        ):  # cross-signed by another CA of the chain, or by a root of its own
            other = rng.randrange(depth)
            options = {"key_ids": key_ids, **_fault(rng, root=False)}
            cas.append(
                certificate(
                    name, names[other], own=keys[place], signer=keys[other], **options
                )
            )
        if rng.random() < 0.2:  # another CA of the same name
            cas.append(
                certificate(
                    name, own=("twin", name), signer=("twin", name), key_ids=key_ids
                )
            )
    issuer, signer = (names[0], keys[0]) if depth else ("leaf", "leaf")
    signer = ("wrong", "leaf") if depth and rng.random() < 0.06 else signer
    leaf = certificate(
        "leaf",
        issuer,
        own="leaf",
        signer=signer,
        ca=rng.choice([None, None, False, True]),
        key_ids=key_ids,
    )
    presented = [each for each in cas if rng.random() < 0.85]
    rng.shuffle(presented)
    whole = [leaf, *cas]
    count = rng.choice([0, 1, 1, 1, 1, 2, 2, 3])
    entries = rng.sample(whole, min(count, len(whole)))
    return leaf, presented, entries, year(rng.choice([2021, 2026, 2026, 2026, 2033]))


def _fault(rng: random.Random, *, root: bool) -> dict[str, Any]:
    """Return what is odd about a CA, most often nothing.

    One without basicConstraints has a keyUsage here: without any, OpenSSL refuses it in the
    list as well.
    """
    faults: list[dict[str, Any]] = [
        {"last": 2024},
        {"first": 2030},
        {"ca": False},
        {"ca": None, "cert_sign": True},
        {"cert_sign": False},
        {"cert_sign": True},
        {"path_length": 0},
        {"path_length": 1},
    ]
    return rng.choice(faults) if rng.random() < (0.15 if root else 0.25) else {}


def compare(directory: Path, scenarios: int, seed: int) -> tuple[int, int]:
    """Compare scenarios, judged all at once; return how many both accept and how many OpenSSL
    missed.
    """
    rng = random.Random(seed)
    drawn = [scenario(rng) for _ in range(scenarios)]
    certificates = pd.concat(
        [
            bundle(str(at), leaf, *presented)
            for at, (leaf, presented, _, _) in enumerate(drawn)
        ]
    )
    trust = pd.concat(
        [listed(*entries, pbx=str(at)) for at, (*_, entries, _) in enumerate(drawn)]
    )
    question = asked(certificates, *map(str, range(scenarios)))
    question["pbx"] = question["bundle"]
    answer = question.join(trust_state.judge(question, certificates, trust))
    moment = pd.Series([at for *_, at in drawn])
    path = trust_state.path_at(answer, moment)
    states = trust_state.trust_at(answer, moment)["trust_state"]
    both = missed = 0
    der = dict(zip(certificates["fingerprint"], certificates["der"], strict=True))
    der |= dict(zip(trust["fingerprint"], trust["der"], strict=True))
    for number, (leaf, presented, entries, at) in enumerate(drawn):
        theirs = accepts(directory, leaf, presented, entries, at)
        ours = states[number] in ("listed", "chain")
        assert ours or not theirs, (
            f"scenario {number} of seed {seed}: OpenSSL accepts, {states[number]}"
        )
        both += theirs
        if ours and not theirs:
            *below, entry = [der[each] for each in path[number]]
            assert accepts(directory, leaf, below[1:], [entry], at), (
                f"scenario {number} of seed {seed}: no such path"
            )
            missed += 1
    return both, missed


def test_random_chains(tmp_path):
    """A sample, large enough that both verdicts and the by-ways occur in it."""
    both, _ = compare(tmp_path, 120, seed=1)
    assert 20 < both < 100


@pytest.mark.exhaustive
def test_two_thousand_random_chains(tmp_path):
    """The whole demand; in some of them OpenSSL misses the path."""
    both, missed = compare(tmp_path, 2000, seed=2)
    assert both > 400
    assert missed > 0
