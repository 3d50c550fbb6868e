"""Compare the trust check of a large fleet with the bare signature verifications that it needs.

Run `python benchmarks/trust.py [devices] [--keep FILE]`. It makes devices under four RSA-2048
CAs (the slow part; kept in FILE for another run), then prints the median time of each step over
several runs: the bare `verify` of every device certificate, linking and judging the fleet, and
judging it under a second trust list.
"""

from __future__ import annotations

import argparse
import datetime
import pickle
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certtrust.certificates.reading import from_der
from certtrust.trust import trust_state

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
CAS = 4


def name(text: str) -> x509.Name:
    """Return a distinguished name that consists of a common name."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(
    subject: str, key: object, issuer: str, signer: rsa.RSAPrivateKey, *, is_ca: bool
) -> bytes:
    """Return a certificate as DER."""
    builder = x509.CertificateBuilder(
        name(issuer), name(subject), key, x509.random_serial_number()
    )
    builder = builder.not_valid_before(START).not_valid_after(
        START + datetime.timedelta(days=7300)
    )
    builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    builder = builder.add_extension(
        x509.KeyUsage(not is_ca, *[False] * 4, is_ca, is_ca, False, False),
        critical=True,
    )
    if not is_ca:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(f"{subject}.example.com")]),
            False,
        )
        own, issuers = (
            x509.SubjectKeyIdentifier.from_public_key(public_key)
            for public_key in (key, signer.public_key())
        )
        builder = builder.add_extension(own, False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuers),
            False,
        )
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)


def fleet(devices: int) -> tuple[list[bytes], list[bytes]]:
    """Return the DER of the CAs and of the devices."""
    keys = [rsa.generate_private_key(65537, 2048) for _ in range(CAS)]
    cas = [
        certificate(f"CA {number}", key.public_key(), f"CA {number}", key, is_ca=True)
        for number, key in enumerate(keys)
    ]
    own = ec.generate_private_key(ec.SECP256R1()).public_key()
    leaves = [
        certificate(
            f"009033{number:06x}",
            own,
            f"CA {number % CAS}",
            keys[number % CAS],
            is_ca=False,
        )
        for number in range(devices)
    ]
    return cas, leaves


def timed(work: Callable[[], object], runs: int = 5) -> float:
    """Return the median seconds that a call takes."""
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def verification_loop(cas: list[bytes], leaves: list[bytes]) -> Callable[[], None]:
    """Return a plain loop of `verify` over all devices, with keys and signed parts prepared."""
    keys = [x509.load_der_x509_certificate(der).public_key() for der in cas]
    jobs = []
    for row, der in enumerate(leaves):
        loaded = x509.load_der_x509_certificate(der)
        jobs.append((keys[row % CAS], loaded.signature, loaded.tbs_certificate_bytes))
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()

    def loop() -> None:
        for key, signature, signed in jobs:
            key.verify(signature, signed, scheme, digest)

    return loop


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", type=int, nargs="?", default=100_000)
    parser.add_argument(
        "--keep", type=Path, help="file to keep the made certificates in"
    )
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        cas, leaves = pickle.loads(options.keep.read_bytes())  # noqa: S301 - written by this very script
    else:
        cas, leaves = fleet(options.devices)
        if options.keep:
            options.keep.write_bytes(pickle.dumps((cas, leaves)))
    certificates = from_der(
        leaves, bundle=[f"{row}.pem" for row in range(len(leaves))]
    )
    trust, second = (
        from_der(entries).assign(pbx=pd.Series(pd.NA, dtype="str"))
        for entries in (cas, cas[:2])
    )
    questions = certificates[["fingerprint", "bundle"]].assign(pbx="hq")
    verification = timed(verification_loop(cas, leaves))
    trust_check = timed(lambda: trust_state.judge(questions, certificates, trust))
    links = trust_state.link(certificates, trust)
    second_check = timed(
        lambda: trust_state.judge(questions, certificates, second, links)
    )
    outcome = trust_state.judge(questions, certificates, second, links)
    moment = pd.Series(pd.Timestamp("2026-01-01", tz="UTC"), questions.index)
    other_moment = timed(lambda: trust_state.trust_at(outcome, moment))
    print(f"{len(leaves)} devices under {CAS} CAs, RSA-2048")
    print(f"bare verifications       {verification:7.3f} s")
    print(
        f"trust check              {trust_check:7.3f} s  ({trust_check / verification:.2f} of bare)"
    )
    share = second_check / trust_check
    print(
        f"a second trust list      {second_check:7.3f} s  ({share:.1%} of the trust check)"
    )
    print(f"another moment           {other_moment:7.3f} s")


if __name__ == "__main__":
    main()
