"""Compare the trust check of a large fleet with the bare signature verifications that it needs.

Run `python benchmarks/trust.py [devices] [--json FILE]`. The fleet is that of `large_fleet.py`,
kept in build/; its certificates and trust lists are read first. The floor is a plain loop of
`verify` over the very signatures that are checked, with loaded keys and prepared parts: in one
process, and in as many as there are cores. Then come linking the fleet, judging every device, and
judging them all under a second trust list. Times are medians, in processor time where one process
works and on the clock where several do.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import figures
import large_fleet
import pandas as pd
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from certtrust import limits, processes, read_certificates, read_trust_list
from certtrust.trust import trust_state

Job = tuple[bytes, bytes, bytes]
"""A public key, a signature and what it signs."""
RUNS = 3


def median(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the median seconds that a call takes."""
    return figures.timed(work, clock, RUNS)[0]


def jobs(links: pd.DataFrame, ders: pd.Series) -> Iterator[Job]:
    """Yield the signatures that links stand for."""
    for child, issuer in zip(links["child"], links["issuer"], strict=True):
        below = x509.load_der_x509_certificate(ders[child])
        key = x509.load_der_x509_certificate(ders[issuer]).public_key()
        yield key, below.signature, below.tbs_certificate_bytes


def verify_all(prepared: list[Job]) -> int:
    """Verify in a plain loop; return how many are right."""
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    ecdsa = ec.ECDSA(digest)
    for key, signature, signed in prepared:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, scheme, digest)
        else:
            key.verify(signature, signed, ecdsa)
    return len(prepared)


def mix(prepared: list[Job]) -> dict[str, int]:
    """Return how many signatures each kind of key has made."""
    return Counter(
        f"RSA-{key.key_size}" if isinstance(key, rsa.RSAPublicKey) else "P-256"
        for key, _, _ in prepared
    )


_share: list[Job] = []


def _prepare(links: pd.DataFrame, ders: pd.Series) -> None:
    _share[:] = jobs(links, ders)


def _verify_share(_: int) -> float:
    start = time.perf_counter()
    verify_all(_share)
    return time.perf_counter() - start


def bare_in_processes(links: pd.DataFrame, ders: pd.Series, cores: int) -> float:
    """Return the seconds in which so many processes verify all, once they are prepared."""
    context = multiprocessing.get_context("spawn")
    pools = []
    for number in range(cores):
        some = links.iloc[number::cores]
        needed = ders[ders.index.isin([*some["child"], *some["issuer"]])]
        pools.append(ProcessPoolExecutor(1, context, _prepare, (some, needed)))
    for pool in pools:
        pool.submit(_verify_share, 0).result()
    spent = []
    for _ in range(RUNS):
        waiting = [pool.submit(_verify_share, 0) for pool in pools]
        spent.append(max(future.result() for future in waiting))
    for pool in pools:
        pool.shutdown()
    return statistics.median(spent)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", type=int, nargs="?", default=100_000)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    build = Path("build")
    build.mkdir(exist_ok=True)
    folder = large_fleet.write(options.devices, build / f"fleet-{options.devices}")
    certificates = read_certificates(folder / "certificates")
    trust = read_trust_list(folder / "trust")
    pbx = trust["pbx"].iloc[0]
    lists = trust[trust["pbx"] == pbx]
    second = lists.iloc[:2]
    leaves = certificates[
        certificates["serial"].notna() | certificates["device"].notna()
    ]
    questions = leaves.drop_duplicates("bundle")[["fingerprint", "bundle"]].assign(
        pbx=pbx
    )
    both = pd.concat([certificates, trust]).drop_duplicates("fingerprint")
    ders = both.set_index("fingerprint")["der"]

    cpu = time.process_time
    limits.SIGNATURES_IN_PROCESSES = 1 << 60
    links = trust_state.link(certificates, lists)
    checked = links[links["verified"].notna() & links["issuer"].isin(ders.index)]
    prepared = [
        job
        for job, ok in zip(jobs(checked, ders), checked["verified"], strict=True)
        if ok
    ]
    figures_of: dict[str, float] = {
        "bare": median(lambda: verify_all(prepared), cpu),
        "linked": median(lambda: trust_state.link(certificates, lists), cpu),
        "judged": median(lambda: trust_state.judge(questions, certificates, lists), cpu),
        "second": median(lambda: trust_state.judge(questions, certificates, second, links), cpu),
    }  # fmt: skip
    cores = processes.cores()
    if cores > 1:
        limits.SIGNATURES_IN_PROCESSES = 1
        wall = time.perf_counter
        verified = checked[checked["verified"].fillna(value=False)]
        figures_of["bare, all cores"] = bare_in_processes(verified, ders, cores)
        figures_of["linked, all cores"] = median(
            lambda: trust_state.link(certificates, lists), wall
        )
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in mix(prepared).items())
    print(f"{len(questions):,} devices; {len(prepared):,} signatures: {kinds}")
    for name, seconds in figures_of.items():
        floor = figures_of["bare, all cores" if name.endswith("cores") else "bare"]
        per_device = seconds / len(questions) * 1e6
        print(
            f"{name:<20}{seconds:8.3f} s {per_device:7.1f} us a device"
            f" {seconds / floor:6.2f} of bare"
        )
    work = f"{len(questions):,} devices: "
    shown = [
        figures.Figure(
            work + name,
            seconds,
            "s",
            {
                "bare verifications": figures_of[
                    "bare" + (", all cores" if "cores" in name else "")
                ]
            },
            f"{kinds}; {cores} cores",
        )
        for name, seconds in figures_of.items()
        if not name.startswith("bare")
    ]
    figures.write(options.json, shown)


if __name__ == "__main__":
    main()
