"""Issue certificates with any extension, algorithm or mistake, for servers opened by a browser."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos, core, keys, pem, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
_SERIALS = itertools.count(0x5EED0001)
_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P-224": ec.SECP224R1,
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
    "K-256": ec.SECP256K1,
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


@dataclass(frozen=True)
class Issued:
    """A certificate as DER and the private key that belongs to it."""

    der: bytes
    key: Any

    @property
    def pem(self) -> bytes:
        """Return the certificate as PEM."""
        return bytes(pem.armor("CERTIFICATE", self.der))

    @property
    def key_pem(self) -> bytes:
        """Return the private key as PEM."""
        return bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    @property
    def subject(self) -> x509.Name:
        """Return the subject."""
        return x509.Certificate.load(self.der).subject


def new_key(kind: str) -> Any:
    """Make a private key: "RSA-<bits>", "P-256" and other curves, "Ed25519" or "DSA"."""
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    return (
        dsa.generate_private_key(2048)
        if kind == "DSA"
        else ed25519.Ed25519PrivateKey.generate()
    )


def issue(
    subject: Mapping[str, str],
    issuer: Issued | None = None,
    *,
    key: Any = "P-256",
    hash_name: str = "sha256",
    pss: bool = False,
    version: int = 3,
    ca: bool | None = None,
    path_length: int | None = None,
    dns: Iterable[str] = (),
    ips: Iterable[str] = (),
    emails: Iterable[str] = (),
    san_critical: bool = False,
    key_usage: Iterable[str] = (),
    usages: Iterable[str] = (),
    usages_critical: bool = False,
    permitted: Iterable[x509.GeneralName] = (),
    excluded: Iterable[x509.GeneralName] = (),
    further: Iterable[x509.Extension] = (),
    start: datetime.datetime = NOW - DAY,
    end: datetime.datetime = NOW + 90 * DAY,
    serial: int | None = None,
    issuer_name: Mapping[str, str] | None = None,
    key_ids: bool = True,
    broken: bool = False,
) -> Issued:
    """Issue a certificate, self-signed by default."""
    private = new_key(key) if isinstance(key, str) else key
    signer = issuer.key if issuer else private
    spki = keys.PublicKeyInfo.load(
        private.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
    )
    named = x509.Name.build(dict(subject), use_printable=False)
    extensions: list[Any] = list(further)
    if ca is not None or path_length is not None:
        value: dict[str, Any] = {"ca": bool(ca)}
        if path_length is not None:
            value["path_len_constraint"] = path_length
        extensions.append(_extension("basic_constraints", value, critical=True))
    names = [x509.GeneralName("dns_name", name) for name in dns]
    names += [x509.GeneralName("ip_address", address) for address in ips]
    names += [x509.GeneralName("rfc822_name", email) for email in emails]
    if names:
        extensions.append(
            _extension("subject_alt_name", names, critical=san_critical)
        )
    if key_usage:
        extensions.append(_extension("key_usage", set(key_usage), critical=True))
    if usages:
        extensions.append(
            _extension("extended_key_usage", list(usages), critical=usages_critical)
        )
    subtrees = {
        side: [{"base": name, "minimum": 0} for name in names_of_side]
        for side, names_of_side in (
            ("permitted_subtrees", list(permitted)),
            ("excluded_subtrees", list(excluded)),
        )
        if names_of_side
    }
    if subtrees:
        extensions.append(_extension("name_constraints", subtrees, critical=True))
    if key_ids and version == 3:
        extensions.append(_extension("key_identifier", spki.sha1, critical=False))
    issued_by = (
        x509.Name.build(dict(issuer_name), use_printable=False)
        if issuer_name
        else None
    )
    body = x509.TbsCertificate(
        {
            "version": f"v{version}",
            "serial_number": serial if serial is not None else next(_SERIALS),
            "signature": _algorithm(signer, hash_name, pss=pss),
            "issuer": issued_by or (issuer.subject if issuer else named),
            "validity": {"not_before": _time(start), "not_after": _time(end)},
            "subject": named,
            "subject_public_key_info": spki,
            **({"extensions": extensions} if extensions and version == 3 else {}),
        }
    )
    signature = _sign(signer, hash_name, body.dump(), pss=pss)
    if broken:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    certificate = x509.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": _algorithm(signer, hash_name, pss=pss),
            "signature_value": signature,
        }
    )
    return Issued(certificate.dump(), private)


def root(name: str, **options: Any) -> Issued:
    """Issue a root CA."""
    return issue(
        {"common_name": name},
        **{"ca": True, "key_usage": ("key_cert_sign", "crl_sign"), **options},
    )


def below(issuer: Issued, name: str, **options: Any) -> Issued:
    """Issue an intermediate CA."""
    return issue(
        {"common_name": name},
        issuer,
        **{"ca": True, "key_usage": ("key_cert_sign", "crl_sign"), **options},
    )


def leaf(
    issuer: Issued | None, *names: str, cn: str = "site", **options: Any
) -> Issued:
    """Issue a server's certificate for these DNS names."""
    return issue({"common_name": cn}, issuer, dns=names, **options)


def _extension(name: str, value: Any, *, critical: bool) -> dict[str, Any]:
    return {"extn_id": name, "critical": critical, "extn_value": value}


def unknown_extension(*, critical: bool) -> dict[str, Any]:
    """Return an extension with an unknown OID."""
    return {
        "extn_id": "1.3.6.1.4.1.55555.1",
        "critical": critical,
        "extn_value": core.OctetString(b"\x05\x00").contents,
    }


def _time(moment: datetime.datetime) -> x509.Time:
    if moment.year < 2050:
        return x509.Time("utc_time", moment)
    return x509.Time("general_time", moment)


def _algorithm(
    signer: Any, hash_name: str, *, pss: bool
) -> algos.SignedDigestAlgorithm:
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return algos.SignedDigestAlgorithm({"algorithm": "ed25519"})
    if pss:
        digest = {"algorithm": hash_name}
        return algos.SignedDigestAlgorithm(
            {
                "algorithm": "rsassa_pss",
                "parameters": {
                    "hash_algorithm": digest,
                    "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": digest},
                    "salt_length": _HASHES[hash_name].digest_size,
                },
            }
        )
    family = {rsa.RSAPrivateKey: "rsa", dsa.DSAPrivateKey: "dsa"}
    name = next(
        (word for kind, word in family.items() if isinstance(signer, kind)), "ecdsa"
    )
    return algos.SignedDigestAlgorithm({"algorithm": f"{hash_name}_{name}"})


def _sign(signer: Any, hash_name: str, body: bytes, *, pss: bool) -> bytes:
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return signer.sign(body)
    digest = _HASHES[hash_name]()
    if isinstance(signer, rsa.RSAPrivateKey):
        scheme: Any = (
            padding.PSS(padding.MGF1(digest), digest.digest_size)
            if pss
            else padding.PKCS1v15()
        )
        return signer.sign(body, scheme, digest)
    if isinstance(signer, dsa.DSAPrivateKey):
        return signer.sign(body, digest)
    return bytes(signer.sign(body, ec.ECDSA(digest)))
