"""Generated cases of the same kinds as the published suites: chains, names, certificates.

The published suites are not part of the repository. These cases have the same form and replace
them where they are missing, so that the same tests run on both. The expected result of each case
follows from how it is made, and is compared with cryptography's verifier, which shares no code
with the package.
"""

from __future__ import annotations

import datetime
import hashlib
from functools import cache
from typing import Any

import pandas as pd
from chain_builder import certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

HOST = "phone.example.com"
MOMENT = "2026-07-01T00:00:00+00:00"
_UNKNOWN_OID = "1.3.6.1.4.1.99999.1"


def _ca(subject: str, issuer: str | None = None, **options: Any) -> bytes:
    return certificate(
        subject, issuer, **{"cert_sign": True, "key_ids": True} | options
    )


def _leaf(issuer: str, **options: Any) -> bytes:
    fields = {"ca": False, "key_ids": True, "dns": (HOST,)} | options
    return certificate("0090332f688a", issuer, **fields)


def _pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


def _case(
    name: str,
    chain: list[bytes],
    trusted: list[bytes],
    fits: bool,
    *,
    topic: str = "path",
    host: str = HOST,
) -> dict[str, Any]:
    return {
        "id": f"generated::{name}",
        "topic": topic,
        "scope": topic,
        "core": True,
        "wiki_divergent": "no",
        "peer": _pem(chain[0]),
        "intermediates": [_pem(der) for der in chain[1:]],
        "trusted": [_pem(der) for der in trusted],
        "peer_name": {"kind": "DNS", "value": host},
        "validation_time": MOMENT,
        "expected": "SUCCESS" if fits else "FAILURE",
    }


@cache
def _sound() -> dict[str, tuple[list[bytes], list[bytes]]]:
    """Return chains without a fault: the leaf with the CAs sent with it, and the root."""
    root, middle, low = _ca("Root"), _ca("Middle", "Root"), _ca("Low", "Middle")
    bounded = _ca("Bounded", path_length=1)
    permitting = _ca("Permitting", permitted=("example.com",))
    excluding = _ca("Excluding", excluded=("example.net",))
    return {
        "signed by the root": ([_leaf("Root")], [root]),
        "one CA between": ([_leaf("Middle"), middle], [root]),
        "two CAs between": ([_leaf("Low"), low, middle], [root]),
        "two CAs in disorder": ([_leaf("Low"), middle, low], [root]),
        "path length kept": (
            [_leaf("Under"), _ca("Under", "Bounded", path_length=0)],
            [bounded],
        ),
        "permitted name": ([_leaf("Permitting")], [permitting]),
        "name that is not excluded": ([_leaf("Excluding")], [excluding]),
        "renewed root with its old key": (
            [_leaf("Root")],
            [_ca("Root", serial=7, first=2023)],
        ),
    }


@cache
def chains() -> list[dict[str, Any]]:
    """Return chains, most of them with one fault, and the expected result of each."""
    root = _ca("Root")
    sound = [
        _case(name, chain, trusted, True)
        for name, (chain, trusted) in _sound().items()
    ]
    faults: dict[str, tuple[list[bytes], list[bytes]]] = {
        "expired leaf": ([_leaf("Root", last=2025)], [root]),
        "leaf of the future": ([_leaf("Root", first=2027)], [root]),
        "expired CA": ([_leaf("Old"), _ca("Old", "Root", last=2025)], [root]),
        "CA of the future": ([_leaf("New"), _ca("New", "Root", first=2027)], [root]),
        "expired root": ([_leaf("Gone")], [_ca("Gone", last=2025)]),
        "missing CA": ([_leaf("Low"), _ca("Low", "Middle")], [root]),
        "unknown root": ([_leaf("Root")], [_ca("Other")]),
        "impostor root": (
            [_leaf("Root")],
            [_ca("Root", own="impostor", signer="impostor")],
        ),
        "signed by another key": ([_leaf("Root", signer="impostor")], [root]),
        "CA signed by another key": (
            [_leaf("Middle"), _ca("Middle", "Root", signer="impostor")],
            [root],
        ),
        "issuer is no CA": (
            [_leaf("User"), certificate("User", "Root", ca=False, key_ids=True)],
            [root],
        ),
        "issuer without basicConstraints": (
            [_leaf("User"), certificate("User", "Root", ca=None, key_ids=True)],
            [root],
        ),
        "issuer may not sign certificates": (
            [_leaf("Mute"), _ca("Mute", "Root", cert_sign=False)],
            [root],
        ),
        "path too long": (
            [_leaf("Low"), _ca("Low", "Short"), _ca("Short", "Root", path_length=0)],
            [root],
        ),
        "name that is not permitted": (
            [_leaf("Permitting", dns=("phone.example.net",))],
            [_ca("Permitting", permitted=("example.com",))],
        ),
        "excluded name": (
            [_leaf("Excluding", dns=("phone.example.net",))],
            [_ca("Excluding", excluded=("example.net",))],
        ),
        "unknown critical extension of a CA": (
            [_leaf("Odd"), _ca("Odd", "Root", critical=_UNKNOWN_OID)],
            [root],
        ),
        "self-signed, not listed": ([_leaf("0090332f688a")], [root]),
    }
    hosts = {
        "another host": ("other.example.com", (HOST,), False),
        "wildcard": (HOST, ("*.example.com",), True),
        "wildcard one label short": ("example.com", ("*.example.com",), False),
        "wildcard one label long": ("a.b.example.com", ("*.example.com",), False),
        "other case": (HOST, (HOST.upper(),), True),
        "second name": (HOST, ("other.example.com", HOST), True),
        "name within a longer one": (f"x{HOST}", (HOST,), False),
    }
    return (
        sound
        + [_case(name, *fault, False) for name, fault in faults.items()]
        + [
            _case(
                name, [_leaf("Root", dns=dns)], [root], fits, topic="name", host=host
            )
            for name, (host, dns, fits) in hosts.items()
        ]
    )


@cache
def chain_variants() -> list[dict[str, Any]]:
    """Return the sound chains with each kind of trust list."""
    variants = []
    for name, (chain, trusted) in _sound().items():
        lists = {"root": (trusted, True), "leaf": ([chain[0]], True)}
        if len(chain) > 1:
            lists["intermediate"] = ([chain[1]], True)
        lists["nothing"] = ([], False)
        lists["unrelated"] = ([_ca("Unrelated")], False)
        lists["impostor"] = (
            [_ca("Root", own="impostor", signer="impostor", serial=9)],
            False,
        )
        variants += [
            _case(f"{name}::trust={kind}", chain, entries, fits, topic=f"wiki/{kind}")
            for kind, (entries, fits) in lists.items()
        ]
        if len(chain) > 1:
            variants.append(
                _case(f"{name}::alone", chain[:1], trusted, False, topic="wiki/alone")
            )
    return variants


def accepted_by_cryptography(case: dict[str, Any]) -> bool:
    """Return whether cryptography's verifier of server certificates accepts a chain."""
    loaded = {
        part: [x509.load_pem_x509_certificate(pem.encode()) for pem in case[part]]
        for part in ("intermediates", "trusted")
    }
    if not loaded["trusted"]:
        return False
    verifier = (
        PolicyBuilder()
        .store(Store(loaded["trusted"]))
        .time(datetime.datetime.fromisoformat(case["validation_time"]))
        .build_server_verifier(x509.DNSName(case["peer_name"]["value"]))
    )
    peer = x509.load_pem_x509_certificate(case["peer"].encode())
    try:
        verifier.verify(peer, loaded["intermediates"])
    except VerificationError:
        return False
    return True


NAMES = [
    ("dns", "a", "a", True),
    ("dns", "a", "b", False),
    ("dns", "", "a", False),
    ("dns", "A.example.com", "a.EXAMPLE.com", True),
    ("dns", "a.example.com", "b.a.example.com", False),
    ("dns", "*.example.com", "a.example.com", True),
    ("dns", "*.example.com", "b.a.example.com", False),
    ("dns", "*.example.com", "example.com", False),
    ("dns", "a.*.com", "a.example.com", False),
    ("dns", "*", "a", False),
    ("dns", "w*.example.com", "www.example.com", False),
    ("dns", "*w.example.com", "www.example.com", False),
    ("dns", "a.example.com.", "a.example.com", True),
    ("dns", "xn--bcher-kva.example", "xn--bcher-kva.example", True),
    ("dns", "*.xn--bcher-kva.example", "a.xn--bcher-kva.example", True),
    ("ip", "192.0.2.7", "192.0.2.7", True),
    ("ip", "192.0.2.7", "192.0.2.8", False),
    ("ip", "2001:db8::7", "2001:db8:0:0:0:0:0:7", True),
    ("ip", "2001:db8::7", "2001:db8::8", False),
    ("ip", "192.0.2.7", "a.example.com", False),
]
"""Names of a certificate and of a host by RFC 6125: kind, pattern, host, and whether they fit."""


def _signed(key: Any, *extensions: x509.ExtensionType, **fields: Any) -> bytes:
    name = fields.get("name", x509.Name([]))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(fields.get("serial", 1))
        .not_valid_before(fields.get("first", datetime.datetime(2020, 1, 1)))
        .not_valid_after(fields.get("last", datetime.datetime(2049, 12, 31)))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    edwards = isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    digest = None if edwards else fields.get("digest", hashes.SHA256())
    return builder.sign(key, digest).public_bytes(Encoding.DER)


@cache
def certificates() -> pd.DataFrame:
    """Return certificates of many kinds, sound and damaged, in the columns of the published
    corpus: der, sha256, and whether cryptography loads each.
    """
    oid = x509.NameOID
    curve = ec.generate_private_key(ec.SECP256R1())
    keys = [
        rsa.generate_private_key(65537, 2048),
        curve,
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
        ed448.Ed448PrivateKey.generate(),
    ]
    names = [
        x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])
        for parts in (
            [(oid.COMMON_NAME, "0090332f688a")],
            [(oid.COUNTRY_NAME, "DE"), (oid.COMMON_NAME, 'Küche, "2" <b>')],
            [(oid.COMMON_NAME, "one"), (oid.COMMON_NAME, "two")],
            [(oid.ORGANIZATION_NAME, "电话"), (oid.EMAIL_ADDRESS, "a@example.com")],
            [(oid.COMMON_NAME, " 0090332f688a\u00a0")],
        )
    ]
    extensions = [
        x509.BasicConstraints(True, 3),
        x509.KeyUsage(True, True, True, True, True, True, True, True, False),
        x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]),
        x509.SubjectAlternativeName(
            [
                x509.DNSName("*.example.com"),
                x509.RFC822Name("a@example.com"),
                x509.UniformResourceIdentifier("sip:a@example.com"),
            ]
        ),
        x509.SubjectKeyIdentifier.from_public_key(curve.public_key()),
        x509.AuthorityKeyIdentifier(b"\1\2", None, None),
        x509.CertificatePolicies(
            [x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)]
        ),
        x509.NameConstraints([x509.DNSName("example.com")], None),
        x509.UnrecognizedExtension(x509.ObjectIdentifier(_UNKNOWN_OID), b"\5\0"),
    ]
    ders = [_signed(key, name=names[0]) for key in keys]
    ders += [_signed(curve, name=name) for name in names]
    ders += [_signed(curve, extension) for extension in extensions]
    ders += [_signed(curve, *extensions), _signed(curve, serial=1 << 150)]
    ders += [
        _signed(keys[0], digest=digest)
        for digest in (hashes.SHA384(), hashes.SHA512(), hashes.SHA3_256())
    ]
    far = datetime.datetime(9999, 12, 31, 23, 59, 59)
    ders += [
        _signed(curve, first=datetime.datetime(1950, 1, 1), last=far),
        _signed(curve, first=datetime.datetime(2050, 1, 1), last=far),
    ]
    sound = ders[-1]
    ders += [
        sound[:-1],
        sound[: len(sound) // 2],
        sound.replace(b"\x06\x08\x2a", b"\x06\x88\x2a"),
    ]
    ders += [
        sound[:4] + sound[8:],
        b"0\3\2\1\1",
        b"no certificate",
        ders[0][:20] + b"\0" * 40,
    ]
    return pd.DataFrame(
        {
            "der": ders,
            "sha256": [hashlib.sha256(der).hexdigest() for der in ders],
            "loads_in_cryptography": [_loads(der) for der in ders],
        }
    )


def _loads(der: bytes) -> str:
    try:
        x509.load_der_x509_certificate(der)
    except ValueError:
        return "no"
    return "yes"
