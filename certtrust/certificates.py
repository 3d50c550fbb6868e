"""Certificates of any shape as one frame: table CERTIFICATES, one row per certificate found.

`read_certificates` reads files and content; `from_der` makes the same rows of DER that is already
in memory. A row that cryptography refuses to load has a `parse_error` that begins with "certificate: ".
"""

from __future__ import annotations

import binascii
import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from .identity import HARDWARE_ID, SERIAL, hardware_ids, same_spelling, serials
from .schema import CERTIFICATES, conform
from .sources import sources

_PEM = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]*)-----END")
_FREE = r"Swphone_[^.]*|Smartphone[^.]*"
_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _last(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    found = name.get_attributes_for_oid(oid)
    return str(found[-1].value) if found else None


def _key(certificate: x509.Certificate) -> dict[str, Any]:
    key = certificate.public_key()
    kinds = {
        "RSA": rsa.RSAPublicKey,
        "EC": ec.EllipticCurvePublicKey,
        "Ed25519": ed25519.Ed25519PublicKey,
        "Ed448": ed448.Ed448PublicKey,
        "DSA": dsa.DSAPublicKey,
    }
    kind = next((name for name, each in kinds.items() if isinstance(key, each)), None)
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else None
    return {"key_type": kind, "key_size": getattr(key, "key_size", None), "curve": curve}


def _extensions(certificate: x509.Certificate) -> dict[str, Any]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    subject_key = _extension(certificate, x509.SubjectKeyIdentifier)
    authority_key = _extension(certificate, x509.AuthorityKeyIdentifier)
    dns = names.get_values_for_type(x509.DNSName) if names else []
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)] if names else []
    return {
        "dns_names": dns,
        "ip_addresses": addresses,
        "other_names": len(list(names)) - len(dns) - len(addresses) if names else 0,
        "is_ca": constraints.ca if constraints else None,
        "path_length": constraints.path_length if constraints else None,
        "key_usage": ",".join(_USAGES[each] for each in _USAGES if getattr(usage, each)) if usage else None,
        "extended_key_usage": ",".join(each._name for each in purposes) if purposes else None,
        "subject_key_id": subject_key.digest.hex() if subject_key else None,
        "authority_key_id": authority_key.key_identifier.hex()
        if authority_key and authority_key.key_identifier
        else None,
    }


def _row(der: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {"fingerprint": hashlib.sha256(der).hexdigest(), "der": der, "dns_names": []}
    row["ip_addresses"] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            row |= {
                "subject": certificate.subject.rfc4514_string(),
                "subject_cn": _last(certificate.subject, x509.NameOID.COMMON_NAME),
                "organisation": _last(certificate.subject, x509.NameOID.ORGANIZATION_NAME),
                "country": _last(certificate.subject, x509.NameOID.COUNTRY_NAME),
                "issuer": certificate.issuer.rfc4514_string(),
                "issuer_cn": _last(certificate.issuer, x509.NameOID.COMMON_NAME),
                "serial_number": format(certificate.serial_number, "x"),
                "version": certificate.version.value + 1,
                "not_before": certificate.not_valid_before_utc,
                "not_after": certificate.not_valid_after_utc,
                "signature_hash": getattr(certificate.signature_hash_algorithm, "name", None),
                "signature_algorithm": certificate.signature_algorithm_oid._name,
                "self_issued": certificate.subject == certificate.issuer,
            }
            row |= _key(certificate) | _extensions(certificate)
    except Exception as problem:  # noqa: BLE001
        row["parse_error"] = f"certificate: {problem}"
    return row


def _with_identities(frame: pd.DataFrame, device: str | None) -> pd.DataFrame:
    common_name = frame["subject_cn"]
    serial, hardware = serials(common_name), hardware_ids(common_name)["model"]
    stem = frame["source"].str.replace(r"^.*/", "", regex=True).str.replace(r"\.[^.]*$", "", regex=True)
    pattern = rf"(?<![0-9A-Za-z])({SERIAL}|{HARDWARE_ID}|{_FREE})(?![0-9A-Za-z])"
    named = stem.map(lambda text: (re.findall(pattern, text) or [None])[0]).astype("str")
    from_cn = common_name.where(serial.notna() | hardware.notna())
    presented = named.fillna(device) if device else named
    return frame.assign(model=hardware, serial=serial, device=same_spelling(presented.fillna(from_cn)))


def from_der(
    ders: Iterable[bytes],
    *,
    source: str | Sequence[str] = "<der>",
    bundle: str | Sequence[str] | None = None,
    device: str | None = None,
) -> pd.DataFrame:
    """Return the CERTIFICATES rows of certificates in DER.

    Parameters
    ----------
    ders : iterable of bytes
        One certificate each.
    source, bundle : str or sequence of str
        Where they come from and what arrived together, for all or one by one; `bundle` is `source` by default.
    device : str, optional
        Who presented them, where the name of the source does not tell.
    """
    rows = [_row(der) for der in ders]
    names = [source] * len(rows) if isinstance(source, str) else list(source)
    frame = conform(pd.DataFrame(rows), CERTIFICATES)
    frame["source"] = pd.Series(names, dtype="str")
    frame["bundle"] = frame["source"] if bundle is None else pd.Series(bundle, index=frame.index, dtype="str")
    frame["position"] = frame.groupby("source").cumcount().astype("Int64")
    return conform(_with_identities(frame, device), CERTIFICATES)


def _blocks(data: bytes) -> Iterator[bytes]:
    found = _PEM.findall(data)
    return (binascii.a2b_base64(each) for each in found) if found else iter([data])


def read_certificates(
    source: Any, *, password: str | bytes | None = None, workers: int | None = None, progress: bool | None = None
) -> pd.DataFrame:
    """Read certificates into a frame, one row per certificate found."""
    names, ders = [], []
    for each in sources(source):
        with each.open() as stream:
            for der in _blocks(stream.read()):
                names.append(each.name)
                ders.append(der)
    return from_der(ders, source=names)
