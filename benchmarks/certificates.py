"""How long certificates take to become a frame: certtrust, three other ways in Python, and Go's
crypto/x509.

    python benchmarks/certificates.py                       # 100,000 certificates
    python benchmarks/certificates.py --sizes 10000 100000 1000000 --repeats 3 --odd 0.1

The contenders take turns reading the same PEM file, each in a process of its own. CPU time (user
and system) is measured, since other work on the machine disturbs it least. Their columns are
compared first.
"""

from __future__ import annotations

import argparse
import binascii
import hashlib
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures
import pandas as pd
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fleet_of_certificates import ders, pem

from certtrust.certificates.reading import read_certificates

HERE = Path(__file__).parent
_FRAME = (
    "subject",
    "subject_cn",
    "issuer",
    "serial_number",
    "version",
    "not_before",
    "not_after",
)
_EXTENSIONS = (
    "dns_names", "ip_addresses", "is_ca", "path_length", "key_usage", "extended_key_usage",
    "subject_key_id", "authority_key_id",
)  # fmt: skip
_KEY = ("key_type", "key_size", "signature_hash")
COLUMNS = ("fingerprint", *_FRAME, *_EXTENSIONS, *_KEY)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")
_USAGES = (
    ("digital_signature", "digitalSignature"), ("content_commitment", "nonRepudiation"),
    ("key_encipherment", "keyEncipherment"), ("data_encipherment", "dataEncipherment"),
    ("key_agreement", "keyAgreement"), ("key_cert_sign", "keyCertSign"), ("crl_sign", "cRLSign"),
)  # fmt: skip
_SLOW = ("asn1crypto",)


# The tuned loop: DER found by regular expression, each object read once and dropped


def tuned(path: Path) -> pd.DataFrame:
    """Read with cryptography as fast as a loop goes."""
    rows = [
        _tuned_row(binascii.a2b_base64(body))
        for body in _PEM.findall(path.read_bytes())
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _tuned_row(der: bytes) -> tuple[Any, ...]:
    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return (fingerprint, *[None] * (len(COLUMNS) - 1))
    return (
        fingerprint,
        *_tried(_frame, certificate, len(_FRAME)),
        *_tried(_extensions, certificate, len(_EXTENSIONS)),
        *_tried(_key, certificate, len(_KEY)),
    )


def _tried(
    part: Callable[[x509.Certificate], tuple[Any, ...]],
    certificate: x509.Certificate,
    size: int,
) -> Any:
    try:
        return part(certificate)
    except ValueError:
        return (None,) * size


def _frame(certificate: x509.Certificate) -> tuple[Any, ...]:
    subject = certificate.subject
    common_names = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return (
        subject.rfc4514_string(),
        common_names[-1].value if common_names else None,
        certificate.issuer.rfc4514_string(),
        format(certificate.serial_number, "x"),
        certificate.version.value + 1,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def _extensions(certificate: x509.Certificate) -> tuple[Any, ...]:
    dns: list[str] = []
    addresses: list[str] = []
    is_ca = path_length = usage = purposes = subject_key = authority_key = None
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            dns = value.get_values_for_type(x509.DNSName)
            addresses = [
                str(address) for address in value.get_values_for_type(x509.IPAddress)
            ]
        elif isinstance(value, x509.BasicConstraints):
            is_ca, path_length = value.ca, value.path_length
        elif isinstance(value, x509.KeyUsage):
            usage = ",".join([name for bit, name in _USAGES if getattr(value, bit)])
        elif isinstance(value, x509.ExtendedKeyUsage):
            purposes = ",".join([purpose._name for purpose in value])
        elif isinstance(value, x509.SubjectKeyIdentifier):
            subject_key = value.digest.hex()
        elif isinstance(value, x509.AuthorityKeyIdentifier):
            authority_key = (
                value.key_identifier.hex() if value.key_identifier else None
            )
    return (
        dns,
        addresses,
        is_ca,
        path_length,
        usage,
        purposes,
        subject_key,
        authority_key,
    )


def _key(certificate: x509.Certificate) -> tuple[Any, ...]:
    key = certificate.public_key()
    kind = (
        "RSA"
        if isinstance(key, rsa.RSAPublicKey)
        else "EC"
        if isinstance(key, ec.EllipticCurvePublicKey)
        else None
    )
    return (
        kind,
        getattr(key, "key_size", None),
        certificate.signature_hash_algorithm.name,
    )


# The idiomatic way: load the bundle, keep the objects, read them column by column


def idiomatic(path: Path) -> pd.DataFrame:
    """Read with cryptography as its documentation shows."""
    certificates = x509.load_pem_x509_certificates(path.read_bytes())
    return pd.DataFrame(
        {
            "certificate": certificates,
            "fingerprint": [
                certificate.fingerprint(hashes.SHA256()).hex()
                for certificate in certificates
            ],
            "subject": [
                certificate.subject.rfc4514_string() for certificate in certificates
            ],
            "subject_cn": [
                certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[
                    -1
                ].value
                for certificate in certificates
            ],
            "issuer": [
                certificate.issuer.rfc4514_string() for certificate in certificates
            ],
            "serial_number": [
                format(certificate.serial_number, "x") for certificate in certificates
            ],
            "version": [
                certificate.version.value + 1 for certificate in certificates
            ],
            "not_before": [
                certificate.not_valid_before_utc for certificate in certificates
            ],
            "not_after": [
                certificate.not_valid_after_utc for certificate in certificates
            ],
            **{
                name: [
                    read(_extension(certificate, kind))
                    for certificate in certificates
                ]
                for name, (kind, read) in _IDIOMATIC.items()
            },
            "key_type": [
                type(certificate.public_key()).__name__
                for certificate in certificates
            ],
            "key_size": [
                certificate.public_key().key_size for certificate in certificates
            ],
            "signature_hash": [
                certificate.signature_hash_algorithm.name
                for certificate in certificates
            ],
        }
    )


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_IDIOMATIC: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "dns_names": (
        x509.SubjectAlternativeName,
        lambda names: names.get_values_for_type(x509.DNSName) if names else [],
    ),
    "ip_addresses": (
        x509.SubjectAlternativeName,
        lambda names: names.get_values_for_type(x509.IPAddress) if names else [],
    ),
    "is_ca": (x509.BasicConstraints, lambda value: value and value.ca),
    "path_length": (x509.BasicConstraints, lambda value: value and value.path_length),
    "key_usage": (
        x509.KeyUsage,
        lambda value: ",".join(name for bit, name in _USAGES if getattr(value, bit)),
    ),
    "extended_key_usage": (
        x509.ExtendedKeyUsage,
        lambda value: ",".join(purpose._name for purpose in value),
    ),
    "subject_key_id": (x509.SubjectKeyIdentifier, lambda value: value.digest.hex()),
    "authority_key_id": (
        x509.AuthorityKeyIdentifier,
        lambda value: value.key_identifier.hex(),
    ),
}


def with_asn1crypto(path: Path) -> pd.DataFrame:
    """Read with asn1crypto."""
    rows = []
    for body in _PEM.findall(path.read_bytes()):
        der = binascii.a2b_base64(body)
        rows.append(
            (hashlib.sha256(der).hexdigest(), *_asn1_row(asn1.Certificate.load(der)))
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _asn1_row(certificate: asn1.Certificate) -> tuple[Any, ...]:
    constraints, usage = (
        certificate.basic_constraints_value,
        certificate.key_usage_value,
    )
    purposes = certificate.extended_key_usage_value
    return (
        certificate.subject.human_friendly,
        certificate.subject.native["common_name"],
        certificate.issuer.human_friendly,
        format(certificate.serial_number, "x"),
        certificate["tbs_certificate"]["version"].native,
        certificate.not_valid_before,
        certificate.not_valid_after,
        certificate.valid_domains,
        certificate.valid_ips,
        constraints and constraints["ca"].native,
        constraints and constraints["path_len_constraint"].native,
        usage and ",".join(sorted(usage.native)),
        purposes and ",".join(purposes.native),
        (certificate.key_identifier or b"").hex(),
        (certificate.authority_key_identifier or b"").hex(),
        certificate.public_key.algorithm,
        certificate.public_key.bit_size,
        certificate.hash_algo,
    )


CONTENDERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "certtrust": read_certificates,
    "tuned cryptography loop": tuned,
    "idiomatic cryptography": idiomatic,
    "asn1crypto": with_asn1crypto,
}


# Measuring


def _write(path: Path, count: int, odd: float) -> None:
    with path.open("wb") as file:
        file.writelines(pem(ders(count, odd_share=odd)))


def _take(source: Path, path: Path, count: int) -> None:
    """Write the first certificates of a file to another."""
    with source.open("rb") as file, path.open("wb") as out:
        for line in file:
            out.write(line)
            count -= line.startswith(b"-----END")
            if not count:
                return


def run_here(name: str, path: Path) -> dict[str, float]:
    """Run one contender in this process."""
    warnings.simplefilter("ignore")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    frame = CONTENDERS[name](path)
    seconds = time.process_time() - start
    allocated = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    der_bytes = sum(map(len, frame["der"])) if "der" in frame else 0
    return {
        "seconds": seconds,
        "rows": len(frame),
        "bytes": (allocated - der_bytes) / max(len(frame), 1),
    }


def _run(name: str, path: Path, go: Path | None) -> dict[str, float]:
    command = (
        [str(go), str(path)]
        if name == "Go"
        else [sys.executable, __file__, "--contender", name, "--file", str(path)]
    )
    output = subprocess.run(
        command, capture_output=True, check=True, text=True
    ).stdout
    return dict(json.loads(output.splitlines()[-1]))


def _go(folder: Path) -> Path | None:
    if shutil.which("go") is None:
        return None
    program = folder / "certificates"
    build = ["go", "build", "-o", str(program), str(HERE / "certificates.go")]
    subprocess.run(
        build,
        check=True,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "GO111MODULE": "off"},
    )
    return program


# Comparing


def _same_columns(path: Path, go: Path | None) -> None:
    """Raise where certtrust and the other readers disagree."""
    frame = read_certificates(path).set_index("fingerprint")
    loop = tuned(path).set_index("fingerprint")
    for column in COLUMNS[1:]:
        pairs = zip(frame[column].tolist(), loop[column].tolist(), strict=True)
        assert all(_missing(theirs) or ours == theirs for ours, theirs in pairs), (
            column
        )
    if go is not None:
        lines = subprocess.run(
            [go, path, "rows"], capture_output=True, check=True, text=True
        ).stdout.splitlines()[1:]
        for line in lines:
            cells = line.split("\t")
            row = frame.loc[cells[0]]
            moments = [
                str(int(row[column].timestamp()))
                for column in ("not_before", "not_after")
            ]
            texts = ("subject", "subject_cn", "issuer", "serial_number", "version")
            assert cells[1:8] == [
                *(str(row[column]) for column in texts),
                *moments,
            ], cells[0]
            assert cells[8] == " ".join(row["dns_names"])
            assert (
                cells[10]
                == str(not _missing(row["is_ca"]) and bool(row["is_ca"])).lower()
            )
            rest = (*COLUMNS[12:14], *_KEY, *COLUMNS[14:16])
            assert cells[13:] == [
                "" if _missing(row[column]) else str(row[column]) for column in rest
            ], cells[0]


def _missing(cell: Any) -> bool:
    return not isinstance(cell, list) and bool(pd.isna(cell))


def main() -> None:
    """Compare, measure, print a table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sizes", type=int, nargs="+", default=[100_000])
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument(
        "--odd", type=float, default=0.0, help="share of certificates that are odd"
    )
    options.add_argument("--json", type=Path, help="file for the figures")
    options.add_argument("--contender", help=argparse.SUPPRESS)
    options.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.contender:
        print(json.dumps(run_here(chosen.contender, chosen.file)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        go = _go(folder)
        print(
            "| certificates | contender | us per certificate (median) | min - max | x certtrust "
            "| bytes per certificate beyond the DER |"
        )
        print("|---|---|---|---|---|---|")
        figures.write(
            chosen.json,
            [
                _measure(folder, size, chosen.odd, chosen.repeats, go)
                for size in chosen.sizes
            ],
        )


def _measure(
    folder: Path, size: int, odd: float, repeats: int, go: Path | None
) -> figures.Figure:
    """Print what each contender took, and return the figure."""
    path, few = folder / f"{size}.pem", folder / "few.pem"
    _write(path, size, odd)
    _take(path, few, min(size, 5000))
    _same_columns(few, go)
    names = [*CONTENDERS, *(["Go"] if go else [])]
    if odd:  # the others stop at the first certificate that they refuse
        names = ["certtrust", "tuned cryptography loop", *(["Go"] if go else [])]
    runs_by_contender: dict[str, list[dict[str, float]]] = {
        contender: [] for contender in names
    }
    for _ in range(repeats):
        for contender in names:
            runs_by_contender[contender].append(
                _run(contender, few if contender in _SLOW else path, go)
            )
    own_median = statistics.median(
        run["seconds"] / run["rows"] for run in runs_by_contender["certtrust"]
    )
    medians: dict[str, float] = {}
    note = ""
    for contender, runs in runs_by_contender.items():
        times = sorted(
            run["seconds"] / (run["rows"] + run.get("refused", 0)) * 1e6
            for run in runs
        )
        memory = (
            f"{statistics.median(run['bytes'] for run in runs):.0f}"
            if contender == "certtrust"
            else ""
        )
        median = medians[contender] = statistics.median(times)
        if contender == "certtrust":
            note = f"{float(memory) / 1000:.1f} kB of memory each beyond the DER"
        span, ratio = f"{times[0]:.1f} - {times[-1]:.1f}", median / own_median / 1e6
        print(
            f"| {size:,} | {contender} | {median:.1f} | {span} | {ratio:.2f} | {memory} |",
            flush=True,
        )
    path.unlink()
    return figures.Figure(
        work=f"{size:,} certificates from PEM",
        value=medians.pop("certtrust"),
        unit="µs each",
        against=medians,
        note=note,
    )


if __name__ == "__main__":
    main()
