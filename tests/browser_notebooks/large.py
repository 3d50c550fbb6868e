"""A fleet of a hundred thousand devices with signed certificates, quickly made: one key for all
devices.
"""

from __future__ import annotations

import datetime
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import certtrust as ct
from certtrust.certificates.reading import from_der
from certtrust.schema import DEVICES, REGISTRATIONS, TRUST, conform

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
LOG_END = pd.Timestamp("2026-11-01", tz="UTC")
AUTHORITIES = (
    "Example Phones CA",
    "Example Phones CA 2",
    "Example Branch CA",
    "Example Old CA",
)
MODELS = ("IP111", "IP112", "IP222", "IP232", "IP29", "IP411")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
) -> bytes:
    years = 40 if subject == issuer else 5 + hash_of(subject) % 25
    builder = x509.CertificateBuilder(
        _name(issuer), _name(subject), key, 1000 + hash_of(subject)
    )
    builder = builder.not_valid_before(START).not_valid_after(
        START + datetime.timedelta(days=365 * years)
    )
    builder = builder.add_extension(
        x509.BasicConstraints(subject == issuer, None), critical=True
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)


def hash_of(text: str) -> int:
    """Return a number that only depends on the text."""
    return (
        sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 1_000_003
    )


def large_fleet(devices: int = 100_000, pbxs: int = 8) -> ct.Fleet:
    """Return a linked fleet with one registration per device; about a third of them fail, for
    various causes.
    """
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in AUTHORITIES]
    own = ec.generate_private_key(ec.SECP256R1()).public_key()
    serials = [f"009033{place:06x}" for place in range(devices)]
    which = np.array([hash_of(serial) % len(AUTHORITIES) for serial in serials])
    ders = [
        _certificate(serial, own, AUTHORITIES[authority], keys[authority])
        for serial, authority in zip(serials, which, strict=True)
    ]
    cas = from_der(
        [
            _certificate(name, key.public_key(), name, key)
            for name, key in zip(AUTHORITIES, keys, strict=True)
        ]
    )
    certificates = from_der(ders, source=[f"{serial}.pem" for serial in serials])
    random = np.random.default_rng(1)
    pbx = pd.Series(
        [f"pbx-{number:02d}" for number in random.integers(0, pbxs, devices)],
        dtype="str",
    )
    model = pd.Series(random.choice(MODELS, devices), dtype="str")
    tails = [f"{serial[6:8]}-{serial[8:10]}-{serial[10:]}" for serial in serials]
    entries = pd.DataFrame(
        {
            "pbx": pbx,
            "user": [f"user{place}" for place in range(devices)],
            "hardware_id": model + "-" + pd.Series(tails, dtype="str"),
            "serial": serials,
            "model": model,
            "tls_only": pd.array(random.random(devices) < 0.7, dtype="boolean"),
        }
    )
    lists = [
        cas.iloc[: 2 + place % 3].assign(pbx=f"pbx-{place:02d}")
        for place in range(pbxs)
    ]
    renamed = random.random(devices) < 0.05
    failed = random.random(devices) < 0.2
    registrations = pd.DataFrame(
        {
            "time": LOG_END
            - pd.to_timedelta(random.integers(0, 28 * 24 * 3600, devices), unit="s"),
            "clock_unset": pd.array(random.random(devices) < 0.01, dtype="boolean"),
            "pbx": pbx,
            "serial": serials,
            "registration_name": np.where(
                renamed, [f"room-{place}" for place in range(devices)], serials
            ),
            "protocol": np.where(
                random.random(devices) < 0.95, "H.323/TLS", "H.323/TCP"
            ),
            "authentication": np.where(
                random.random(devices) < 0.9, "certificate", "password"
            ),
            "via_reverse_proxy": pd.array([False] * devices, dtype="boolean"),
            "state": np.where(failed, "rejected", "up"),
            "source": "log.csv",
            "line": np.arange(2, devices + 2),
        }
    )
    trust = conform(pd.concat(lists, ignore_index=True), TRUST)
    fleet = ct.Fleet(
        certificates,
        trust,
        conform(entries, DEVICES),
        conform(registrations, REGISTRATIONS),
    )
    return ct.link(fleet)


def stored(path: Path, devices: int = 100_000) -> Path:
    """Make the fleet and keep it in a file, for a notebook to load."""
    if not path.exists():
        path.write_bytes(pickle.dumps(large_fleet(devices)))
    return path
