"""Make a large synthetic fleet as files: `python benchmarks/large_fleet.py DEVICES DIRECTORY`.

The directory is one that `read_fleet` takes: `certificates/` (Parquet, one PEM chain per device),
`trust/` (one PEM list per PBX, for five of six PBXs), `devices/` and `registrations/` (CSV), with
several files per kind and ten attempts per device. Every certificate is distinct and truly
signed: three of four by RSA-2048, a fifth by P-256, the rest by RSA-4096, which also is the key
of all roots. `DIRECTORY.truth/` beside it holds the true cause of each attempt.

A device depends on its number and the seed alone, keys and signatures apart. All cores share the
work; `--processes` and `--files` say otherwise. What is there is kept: a second run returns at
once.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import hashlib
import itertools
import multiprocessing
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

ATTEMPTS = 10
DEVICES_PER_PBX = 1667
MOST_DEVICES = 1 << 24
"""Serials of one manufacturer's prefix, 009033."""
DEVICES_PER_FILE = 25_000
FEWEST_FILES = 4
START = np.datetime64("2026-10-04T00:00:00", "s")
WINDOW = 28 * 86_400
"""Seconds that the log spans."""
MODELS = ("IP222", "IP232", "IP241", "IP111", "IP112", "IP150", "IP102")
FAULTS = {
    "certificate.trust": 0.06,
    "certificate.name": 0.05,
    "time.validity": 0.03,
    "time.clock": 0.03,
    "password.tls_only": 0.03,
    "transport.tls_only": 0.02,
    "wrong_password": 0.015,
    "timeout": 0.015,
    "unknown_user": 0.01,
    "already_registered": 0.01,
}
"""Share of the devices by their one true cause; the others register."""
STATES = {
    "": ("up", ""),
    "wrong_password": ("unauthorized", ""),
    "timeout": ("timeout", ""),
    "unknown_user": ("rejected", "invalidAlias"),
    "already_registered": ("rejected", "duplicateAlias"),
}
"""State and reason in the log by cause; any other cause is a rejection without a reason."""
README = """# A synthetic fleet

Everything here is made up by `benchmarks/large_fleet.py`: devices, certificates, keys and logs.
Addresses and domains are those reserved for documentation. The private keys were thrown away.
"""

_SERIAL = secrets.token_bytes(15)
_CN = {12: "009033a1b2c3", 14: "IP222-a1-b2-c3"}
"""Placeholders of a template by the length of the common name."""
_HOST = "009033d4e5f6"
_NOT_BEFORE, _NOT_AFTER = (
    dt.datetime(2019, 5, 1, 11, 22, 33),
    dt.datetime(2031, 8, 9, 10, 11, 12),
)
_SELF = "self-signed"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Authority(NamedTuple):
    """A CA: its private key (PKCS#8), its certificate, and the DER of the one above it."""

    name: str
    key: bytes
    der: bytes
    above: tuple[bytes, ...] = ()


class Part(NamedTuple):
    """One worker's share: the devices of one file per kind."""

    number: int
    start: int
    stop: int
    devices: int
    seed: int
    root: Path
    truth: Path


# Authorities and trust lists


def _name(common_name: str, organisation: str = "Example AG") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, signer: Any, *, is_ca: bool
) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(not is_ca, *[False] * 4, is_ca, is_ca, False, False)
    own = x509.SubjectKeyIdentifier.from_public_key(key)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer)
    return (
        x509.CertificateBuilder(issuer, subject, key)
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(own, critical=False)
        .add_extension(above, critical=False)
    )


def _authority(
    name: str, key: PrivateKey, above: Authority | None = None
) -> Authority:
    signer = key if above is None else _private_key(above)
    issuer = name if above is None else above.name
    certificate = (
        _builder(_name(name), _name(issuer), key.public_key(), signer.public_key(), is_ca=True)
        .serial_number(x509.random_serial_number())
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    return Authority(
        name,
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        certificate.public_bytes(Encoding.DER),
        () if above is None else (above.der,),
    )


def authorities() -> dict[str, Authority]:
    """Return the roots and the CAs that issue for devices, each by a short name."""

    def new(bits: int) -> PrivateKey:
        if bits == 256:
            return ec.generate_private_key(ec.SECP256R1())
        return rsa.generate_private_key(65537, bits)

    roots = {
        short: _authority(f"Example {short.title()} Root", new(4096))
        for short in ("factory", "company", "legacy", "forgotten")
    }
    issuing = {
        "factory 1": _authority("Example Device CA", new(2048), roots["factory"]),
        "factory 2": _authority("Example Device CA 2", new(2048), roots["factory"]),
        "company 1": _authority("Example Telephony CA", new(256), roots["company"]),
        "forgotten 1": _authority("Example Pilot CA", new(2048), roots["forgotten"]),
    }
    return roots | issuing


ISSUERS = ("factory 1", "factory 2", "company 1", "legacy")
ISSUER_SHARES = (0.40, 0.36, 0.20, 0.04)


def _private_key(authority: Authority) -> Any:
    """Return a key that was just made, so that it need not be tested for a fifth of a second."""
    return load_der_private_key(
        authority.key, None, unsafe_skip_rsa_key_validation=True
    )


def pbxs(devices: int) -> int:
    """Return the number of PBXs."""
    return max(1, round(devices / DEVICES_PER_PBX))


def pbx_name(number: Any) -> str:
    """Return what a PBX is called."""
    return f"pbx-{number:04d}"


def has_list(number: int) -> bool:
    """Return True for the PBXs whose trust list was exported, five of six."""
    return number % 6 != 5


def _write_lists(cas: dict[str, Authority], devices: int, folder: Path) -> None:
    """Write the list of each PBX: roots, or the CAs below them, and CAs of others."""
    folder.mkdir(parents=True)
    by_root = ("factory", "company", "legacy")
    by_issuer = ("factory 1", "factory 2", "company 1", "legacy")
    for number in filter(has_list, range(pbxs(devices))):
        listed = by_issuer if number % 4 == 3 else by_root
        text = b"".join(pem(cas[short].der) for short in listed)
        (folder / f"{pbx_name(number)}.pem").write_bytes(text)


# Certificates


class Template(NamedTuple):
    """The signed part of a certificate, with placeholders for what differs between devices."""

    signed: bytes
    algorithm: bytes
    common_name: str
    own_key: bytes
    own_id: bytes


def _template(
    issuer: Authority | None, key: str, cn_length: int, rsa_key: Any
) -> Template:
    """Return the template of an issuer (None for self-signed), a kind of key and of name."""
    own = rsa_key if key == "rsa" else ec.generate_private_key(ec.SECP256R1())
    signer = own if issuer is None else _private_key(issuer)
    common_name = _CN[cn_length]
    subject = _name(common_name)
    public = own.public_key()
    alt_names = x509.SubjectAlternativeName([x509.DNSName(f"{_HOST}.example.com")])
    builder = _builder(
        subject,
        subject if issuer is None else _name(issuer.name),
        public,
        signer.public_key(),
        is_ca=False,
    )
    certificate = (
        builder.serial_number(int.from_bytes(b"\x5e" + _SERIAL, "big"))
        .add_extension(alt_names, critical=False)
        .sign(signer, hashes.SHA256())
    )
    signed, der = (
        certificate.tbs_certificate_bytes,
        certificate.public_bytes(Encoding.DER),
    )
    at = 4 + len(signed)
    algorithm = der[at : at + 2 + der[at + 1]]
    own_id = x509.SubjectKeyIdentifier.from_public_key(public).digest
    return Template(signed, algorithm, common_name, _key_bytes(public), own_id)


def _key_bytes(public: Any) -> bytes:
    """Return the part of a public key that differs between keys of its kind."""
    if isinstance(public, rsa.RSAPublicKey):
        return public.public_numbers().n.to_bytes(public.key_size // 8, "big")
    return bytes(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _assembled(signed: bytes, algorithm: bytes, signature: bytes) -> bytes:
    value = b"\x03" + _length(len(signature) + 1) + b"\0" + signature
    body = signed + algorithm + value
    return b"\x30" + _length(len(body)) + body


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes(2 if size > 0xFF else 1, "big")
    return bytes([0x80 | len(octets)]) + octets


class Press:
    """What makes certificates in one process: loaded keys, and templates on demand."""

    def __init__(self, cas: dict[str, Authority]) -> None:
        self.cas = cas
        self.keys: dict[str, Any] = {
            short: _private_key(ca) for short, ca in cas.items()
        }
        self._rsa_key = rsa.generate_private_key(65537, 2048)
        self._templates: dict[tuple[str, str, int], Template] = {}

    def certificate(
        self,
        issuer: str,
        key: str,
        common_name: str,
        host: str,
        dates: tuple[str, str],
    ) -> bytes:
        """Return a new certificate as DER, with a key of its own; RSA keys belong to nobody."""
        of_kind = (issuer, key, len(common_name))
        if of_kind not in self._templates:
            ca = None if issuer == _SELF else self.cas[issuer]
            self._templates[of_kind] = _template(
                ca, key, len(common_name), self._rsa_key
            )
        template = self._templates[of_kind]
        signer = None if issuer == _SELF else self.keys[issuer]
        if key == "rsa":
            modulus = bytearray(secrets.token_bytes(256))
            modulus[0] |= 0x80
            modulus[-1] |= 1
            own_key = bytes(modulus)
        else:
            private = ec.generate_private_key(ec.SECP256R1())
            own_key = _key_bytes(private.public_key())
            signer = signer or private
        # A key identifier may be any hash of the key (RFC 5280, section 4.2.1.2).
        own_id = hashlib.sha1(own_key, usedforsecurity=False).digest()
        signed = template.signed.replace(_SERIAL, secrets.token_bytes(15), 1)
        signed = signed.replace(template.common_name.encode(), common_name.encode())
        signed = signed.replace(_HOST.encode(), host.encode(), 1)
        signed = signed.replace(
            f"{_NOT_BEFORE:%y%m%d%H%M%SZ}".encode(), dates[0].encode(), 1
        )
        signed = signed.replace(
            f"{_NOT_AFTER:%y%m%d%H%M%SZ}".encode(), dates[1].encode(), 1
        )
        signed = signed.replace(template.own_key, own_key, 1)
        signed = signed.replace(template.own_id, own_id)
        return _assembled(signed, template.algorithm, _signature(signer, signed))


def _signature(signer: Any, signed: bytes) -> bytes:
    if isinstance(signer, rsa.RSAPrivateKey):
        return signer.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return bytes(signer.sign(signed, ec.ECDSA(hashes.SHA256())))


def pem(der: bytes) -> bytes:
    """Return a certificate as a PEM block."""
    text = base64.b64encode(der)
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN CERTIFICATE-----\n" + lines + b"\n-----END CERTIFICATE-----\n"


# Devices


def _random(numbers: np.ndarray, seed: int, use: int) -> np.ndarray:
    """Return uniform numbers below 1 that depend on a number, the seed and their use alone."""
    offset = (seed * 1009 + use) * 0x9E3779B97F4A7C15 % (1 << 64)
    mixed = numbers.astype(np.uint64) + np.uint64(offset)
    for shift, factor in (
        (30, 0xBF58476D1CE4E5B9),
        (27, 0x94D049BB133111EB),
        (31, 1),
    ):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return (mixed >> np.uint64(11)) / float(1 << 53)


def _drawn(
    words: Sequence[str], shares: Sequence[float], random: np.ndarray
) -> np.ndarray:
    return np.array(words)[
        np.searchsorted(np.cumsum(shares)[:-1], random, side="right")
    ]


class Devices:
    """Devices by column, from their numbers."""

    def __init__(self, numbers: np.ndarray, devices: int, seed: int) -> None:
        def random(use: int) -> np.ndarray:
            return _random(numbers, seed, use)

        def is_below(share: float, use: int) -> np.ndarray:
            return random(use) < share

        tails = (numbers * 7_368_787 + seed * 4_099 + 0x331) % MOST_DEVICES
        octets = [tail.to_bytes(3, "big").hex("-") for tail in tails.tolist()]
        self.serial = np.array(["009033" + tail.replace("-", "") for tail in octets])
        self.model = _drawn(MODELS, [1 / len(MODELS)] * len(MODELS), random(1))
        self.hardware_id = np.array(
            [
                f"{model}-{tail}"
                for model, tail in zip(self.model, octets, strict=True)
            ]
        )
        self.pbx_number = numbers % pbxs(devices)
        self.pbx = np.array([pbx_name(number) for number in self.pbx_number.tolist()])
        self.user = np.array([f"user{number}" for number in numbers.tolist()])
        self.cause = _drawn(
            [*FAULTS, ""], [*FAULTS.values(), 1 - sum(FAULTS.values())], random(2)
        )
        self.by_password = np.isin(
            self.cause, ["password.tls_only", "wrong_password"]
        )
        self.by_password |= (self.cause == "") & is_below(0.12, 3)
        self.tls_only = ~self.by_password | (self.cause == "password.tls_only")
        is_legacy = self.cause == "transport.tls_only"
        self.protocol = np.where(is_legacy, "H.323/TCP", "H.323/TLS")
        self.registration_name = np.where(
            self.by_password,
            self.user,
            np.where(is_below(0.5, 4), self.hardware_id, self.serial),
        )
        self.issuer = _drawn(ISSUERS, ISSUER_SHARES, random(5))
        untrusted = self.cause == "certificate.trust"
        self.issuer = np.where(
            untrusted, np.where(is_below(0.3, 6), _SELF, "forgotten 1"), self.issuer
        )
        self.key = np.where(is_below(0.15, 7) | (self.issuer == _SELF), "ec", "rsa")
        desks = np.array(
            [f"desk-{number % 10**7:07d}" for number in numbers.tolist()]
        )
        is_named = self.cause == "certificate.name"
        own = np.where(is_below(0.5, 8), self.hardware_id, self.serial)
        self.common_name = np.where(is_named, desks, own)
        issued = np.datetime64("2019-01-01", "s") + (
            random(9) * 5 * 365 * 86_400
        ).astype("m8[s]")
        ended = np.datetime64("2026-09-01", "s") - (random(10) * 300 * 86_400).astype(
            "m8[s]"
        )
        lasting = (
            issued
            + (random(11) * 5 * 365 * 86_400).astype("m8[s]")
            + 9 * 365 * 86_400
        )
        self.not_before = issued
        self.not_after = np.where(self.cause == "time.validity", ended, lasting)
        self.with_root = is_below(0.3, 12)
        self.states = np.array(
            [STATES.get(cause, ("rejected", "")) for cause in self.cause.tolist()]
        )


def _utc_times(moments: np.ndarray) -> list[str]:
    texts = np.datetime_as_string(moments, unit="s").tolist()
    return [
        f"{text[2:4]}{text[5:7]}{text[8:10]}{text[11:13]}{text[14:16]}{text[17:19]}Z"
        for text in texts
    ]


def _chains(devices: Devices, press: Press) -> Iterator[tuple[bytes, str]]:
    """Yield the PEM chain of each device, and the fingerprint of its own certificate."""
    above: dict[tuple[str, bool], bytes] = {(_SELF, False): b"", (_SELF, True): b""}
    for short, ca in press.cas.items():
        is_root = not ca.above
        above[short, False] = b"" if is_root else pem(ca.der)
        above[short, True] = pem(ca.der) + b"".join(map(pem, ca.above))
    rows = zip(
        devices.issuer.tolist(),
        devices.key.tolist(),
        devices.common_name.tolist(),
        devices.serial.tolist(),
        _utc_times(devices.not_before),
        _utc_times(devices.not_after),
        devices.with_root.tolist(),
        strict=True,
    )
    for issuer, key, common_name, host, begin, end, with_root in rows:
        der = press.certificate(issuer, key, common_name, host, (begin, end))
        yield pem(der) + above[issuer, with_root], hashlib.sha256(der).hexdigest()


def _registrations(
    devices: Devices, fingerprints: list[str], numbers: np.ndarray, seed: int
) -> tuple[pa.Table, pa.Table]:
    """Return the log lines of the devices in the order of time, and the truth of each."""
    row = np.repeat(np.arange(len(numbers)), ATTEMPTS)
    attempt = np.repeat(numbers, ATTEMPTS) * ATTEMPTS + np.tile(
        np.arange(ATTEMPTS), len(numbers)
    )
    seconds = (_random(attempt, seed, 20) * WINDOW).astype(np.int64)
    order = np.argsort(seconds, kind="stable")
    row, attempt, seconds = row[order], attempt[order], seconds[order]
    unset = devices.cause[row] == "time.clock"
    moments = pc.strftime(
        pa.array(START + seconds.astype("m8[s]")), "%Y-%m-%dT%H:%M:%SZ"
    )
    is_named = (_random(attempt, seed, 21) < 0.5) & ~devices.by_password[row]

    def of_row(values: Any) -> pa.Array:
        return pa.array(values).take(pa.array(row))

    nothing = pa.scalar(None, pa.string())
    log = pa.table(
        {
            "time": pc.if_else(pa.array(unset), "0", moments),
            "pbx": of_row(devices.pbx),
            "serial": of_row(devices.serial),
            "hardware_id": of_row(devices.hardware_id),
            "registration_name": of_row(devices.registration_name),
            "interface": pa.nulls(len(row), pa.string()),
            "protocol": of_row(devices.protocol),
            "authentication": of_row(
                np.where(devices.by_password, "password", "certificate")
            ),
            "remote_address": of_row(
                [f"2001:db8:{number >> 16:x}::{number & 0xFFFF:x}" for number in numbers.tolist()]
            ),
            "via_reverse_proxy": pa.array(np.zeros(len(row), dtype=bool)),
            "state": of_row(devices.states[:, 0]),
            "reason": of_row([reason or None for reason in devices.states[:, 1].tolist()]),
            "fingerprint": pc.if_else(pa.array(is_named), of_row(fingerprints), nothing),
        }
    )  # fmt: skip
    truth = pa.table(
        {
            "line": np.arange(2, len(row) + 2),
            "true_cause": of_row([cause or None for cause in devices.cause.tolist()]),
        }
    )
    return log, truth


# Files


_press: Press | None = None


def _begin(cas: dict[str, Authority]) -> None:
    global _press
    _press = Press(cas)


def _write_part(part: Part) -> int:
    """Write the files of one part; return the number of its devices."""
    assert _press is not None
    numbers = np.arange(part.start, part.stop)
    devices = Devices(numbers, part.devices, part.seed)
    chains, fingerprints = zip(*_chains(devices, _press), strict=True)
    name = f"part-{part.number:03d}"
    texts = pa.array(chains, pa.binary()).cast(pa.string())
    certificates = pa.table({"device": devices.serial, "chain": texts})
    pq.write_table(
        certificates,
        part.root / "certificates" / f"{name}.parquet",
        compression="zstd",
    )
    objects = pa.table(
        {
            "pbx": devices.pbx,
            "user": devices.user,
            "long_name": [f"Synthetic User {number}" for number in numbers.tolist()],
            "number": [str(2000 + number) for number in numbers.tolist()],
            "hardware_id": devices.hardware_id,
            "tls_only": devices.tls_only,
            "reverse_proxy": np.zeros(len(numbers), dtype=bool),
            "location": pa.array(["root"] * len(numbers)),
        }
    )
    unquoted = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    pa_csv.write_csv(objects, part.root / "devices" / f"{name}.csv", unquoted)
    log, truth = _registrations(devices, list(fingerprints), numbers, part.seed)
    pa_csv.write_csv(log, part.root / "registrations" / f"{name}.csv", unquoted)
    pq.write_table(truth, part.truth / f"{name}.parquet", compression="zstd")
    return part.stop - part.start


def write(
    devices: int,
    directory: str | Path,
    *,
    seed: int = 7,
    files: int | None = None,
    processes: int | None = None,
    progress: bool = False,
) -> Path:
    """Write the fleet and return its directory; one that is there with as many is kept.

    Parameters
    ----------
    devices : int
        Number of devices, at most `MOST_DEVICES`.
    directory : path
        Where to write; `DIRECTORY.truth` beside it gets the true causes, by file and line.
    seed : int
        Of everything but keys and signatures.
    files : int, optional
        Files per kind; one per 25,000 devices by default, four at least.
    processes : int, optional
        All cores by default.
    progress : bool
        Say on standard error how far it is.
    """
    if not 0 < devices <= MOST_DEVICES:
        raise ValueError(f"{devices} devices; from 1 to {MOST_DEVICES:,} can be made")
    final = Path(directory)
    about = README + f"\n{devices} devices, seed {seed}\n"
    if (final / "README.md").is_file() and (final / "README.md").read_text() == about:
        return final
    if final.exists():
        raise ValueError(
            f"{final} is there, and holds another fleet: remove it first"
        )
    root = final.with_name(f"{final.name}.unfinished")
    truth = final.with_name(f"{final.name}.truth")
    for folder in (root, truth):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in ("certificates", "devices", "registrations"):
        (root / folder).mkdir(parents=True)
    truth.mkdir()
    cas = authorities()
    _write_lists(cas, devices, root / "trust")
    parts = files or max(FEWEST_FILES, -(-devices // DEVICES_PER_FILE))
    bounds = [devices * number // parts for number in range(parts + 1)]
    work = [
        Part(number, start, stop, devices, seed, root, truth)
        for number, (start, stop) in enumerate(itertools.pairwise(bounds))
        if stop > start
    ]
    done, since = 0, time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        processes or os.cpu_count(), context, _begin, (cas,)
    ) as pool:
        for made in pool.map(_write_part, work):
            done += made
            if progress:
                spent = time.perf_counter() - since
                print(
                    f"\r{done:,} of {devices:,} devices, {spent:.0f} s",
                    end="",
                    file=sys.stderr,
                )
    if progress:
        print(file=sys.stderr)
    (root / "README.md").write_text(about)
    root.rename(final)
    return final


def main() -> None:
    """Write a fleet as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", type=int)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--files", type=int, help="files per kind")
    parser.add_argument("--processes", type=int, help="all cores by default")
    options = parser.parse_args()
    print(write(**vars(options), progress=True))


if __name__ == "__main__":
    main()
