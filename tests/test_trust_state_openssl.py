"""Compare random chains with OpenSSL: whatever it accepts with -partial_chain is accepted here.

OpenSSL prefers the longest chain and does not backtrack, so it may miss an existing path. It is
then shown that path alone, and has to accept it.
"""

import random
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chain_builder import bundle, certificate, leaves_of, listed, year
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
    """Return True where OpenSSL accepts the leaf."""
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
    process = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    return process.returncode == 0


def scenario(
    rng: random.Random,
) -> tuple[bytes, list[bytes], list[bytes], pd.Timestamp]:
    """Return a chain of 0 to 4 CAs with faults and side branches: the leaf, the presented CAs,
    the trust list and the moment.
    """
    depth = rng.randrange(5)
    key_ids = rng.random() < 0.5
    # OpenSSL distinguishes two keys of one name in a path only by their identifiers.
    names = [
        f"ca {rng.randrange(3) if key_ids and rng.random() < 0.2 else level}"
        for level in range(depth)
    ]
    keys = [(name, level) for level, name in enumerate(names)]
    cas: list[bytes] = []
    for level, name in enumerate(names):
        above = min(level + 1, depth - 1)
        options = {
            "key_ids": key_ids,
            "serial": rng.randrange(1, 4),
            **_fault(rng, root=above == level),
        }
        wrong = rng.random() < 0.06
        signer = ("wrong", level) if wrong else keys[above]
        cas.append(
            certificate(name, names[above], own=keys[level], signer=signer, **options)
        )
        if (
            rng.random() < 0.3
        ):  # cross-signed by another CA of the chain, or by a root of its own
            other = rng.randrange(depth)
            options = {"key_ids": key_ids, **_fault(rng, root=False)}
            cas.append(
                certificate(
                    name, names[other], own=keys[level], signer=keys[other], **options
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
    presented = [ca for ca in cas if rng.random() < 0.85]
    rng.shuffle(presented)
    everything = [leaf, *cas]
    count = rng.choice([0, 1, 1, 1, 1, 2, 2, 3])
    entries = rng.sample(everything, min(count, len(everything)))
    return leaf, presented, entries, year(rng.choice([2021, 2026, 2026, 2026, 2033]))


def _fault(rng: random.Random, *, root: bool) -> dict[str, Any]:
    """Return what is unusual about a CA, most often nothing.

    A CA without basicConstraints has a keyUsage here, since OpenSSL refuses one with neither
    even in the list.
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
    """Judge all scenarios at once and compare; return how many both accept and how many OpenSSL
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
    leaves = leaves_of(certificates, *map(str, range(scenarios)))
    leaves["pbx"] = leaves["bundle"]
    answer = leaves.join(trust_state.judge(leaves, certificates, trust))
    moment = pd.Series([at for *_, at in drawn])
    path = trust_state.path_at(answer, moment)
    states = trust_state.trust_at(answer, moment)["trust_state"]
    both_accept = missed = 0
    der = dict(zip(certificates["fingerprint"], certificates["der"], strict=True))
    der |= dict(zip(trust["fingerprint"], trust["der"], strict=True))
    for number, (leaf, presented, entries, at) in enumerate(drawn):
        openssl_accepts = accepts(directory, leaf, presented, entries, at)
        certtrust_accepts = states[number] in ("listed", "chain")
        assert certtrust_accepts or not openssl_accepts, (
            f"scenario {number} of seed {seed}: OpenSSL accepts, {states[number]}"
        )
        both_accept += openssl_accepts
        if certtrust_accepts and not openssl_accepts:
            *below, entry = [der[fingerprint] for fingerprint in path[number]]
            assert accepts(directory, leaf, below[1:], [entry], at), (
                f"scenario {number} of seed {seed}: no such path"
            )
            missed += 1
    return both_accept, missed


def test_random_chains(tmp_path):
    """The sample is large enough that both verdicts and the side branches occur in it."""
    both, _ = compare(tmp_path, 60, seed=1)
    assert 10 < both < 50


@pytest.mark.exhaustive
def test_two_thousand_random_chains(tmp_path):
    """In some of them OpenSSL misses the path."""
    both, missed = compare(tmp_path, 2000, seed=2)
    assert both > 400
    assert missed > 0
