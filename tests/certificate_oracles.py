"""Read certificates with cryptography and asn1crypto, as columns of CERTIFICATES."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

UNREAD = object()
"""Marks a column for which a library raises."""

_KEYS = {
    "RSA": rsa.RSAPublicKey,
    "EC": ec.EllipticCurvePublicKey,
    "DSA": dsa.DSAPublicKey,
    "Ed25519": ed25519.Ed25519PublicKey,
    "Ed448": ed448.Ed448PublicKey,
}
_PURPOSES = {
    x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
}
_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
    "encipher_only": "encipherOnly",
    "decipher_only": "decipherOnly",
}


def _value(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _last(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    attributes = name.get_attributes_for_oid(oid)
    return attributes[-1].value if attributes else None


def _oid_name(oid: x509.ObjectIdentifier, kinds: Any) -> str:
    """Return cryptography's name of an OID of the right kind, else the OID."""
    named = oid in vars(kinds).values() and oid._name != "Unknown OID"
    return _PURPOSES.get(oid) or (oid._name if named else oid.dotted_string)


def _algorithm(oid: x509.ObjectIdentifier) -> str:
    """Return the name of a signature algorithm; older versions have none for those of NIST."""
    name = _oid_name(oid, x509.SignatureAlgorithmOID)
    if name.startswith("2.16.840.1.101.3.4.3."):
        raise LookupError(name)
    return name


def _usage(value: x509.KeyUsage | None) -> str | None:
    if value is None:
        return None
    bits = [name for bit, name in _USAGES.items() if getattr(value, f"_{bit}")]
    return ",".join(bits)


def _key_type(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    names = (name for name, kind in _KEYS.items() if isinstance(key, kind))
    return next(names, certificate.public_key_algorithm_oid.dotted_string)


def _names(certificate: x509.Certificate, kind: Any) -> list[str]:
    value = _value(certificate, x509.SubjectAlternativeName)
    return [str(entry) for entry in value.get_values_for_type(kind)] if value else []


def _others(certificate: x509.Certificate) -> int | None:
    value = _value(certificate, x509.SubjectAlternativeName)
    if value is None:
        return None
    return sum(
        not isinstance(entry, x509.DNSName | x509.IPAddress) for entry in value
    )


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


CRYPTOGRAPHY: dict[str, Callable[[x509.Certificate], Any]] = {
    "subject": lambda c: c.subject.rfc4514_string(),
    "subject_cn": lambda c: _last(c.subject, x509.NameOID.COMMON_NAME),
    "organisation": lambda c: _last(c.subject, x509.NameOID.ORGANIZATION_NAME),
    "country": lambda c: _last(c.subject, x509.NameOID.COUNTRY_NAME),
    "issuer": lambda c: c.issuer.rfc4514_string(),
    "issuer_cn": lambda c: _last(c.issuer, x509.NameOID.COMMON_NAME),
    "serial_number": lambda c: format(c.serial_number, "x"),
    "version": lambda c: c.version.value + 1,
    "not_before": lambda c: c.not_valid_before_utc,
    "not_after": lambda c: c.not_valid_after_utc,
    "dns_names": lambda c: _names(c, x509.DNSName),
    "ip_addresses": lambda c: _names(c, x509.IPAddress),
    "other_names": _others,
    "is_ca": lambda c: getattr(_value(c, x509.BasicConstraints), "ca", None),
    "path_length": lambda c: getattr(
        _value(c, x509.BasicConstraints), "path_length", None
    ),
    "key_usage": lambda c: _usage(_value(c, x509.KeyUsage)),
    "extended_key_usage": lambda c: (
        None
        if (value := _value(c, x509.ExtendedKeyUsage)) is None
        else ",".join(_oid_name(oid, x509.ExtendedKeyUsageOID) for oid in value)
    ),
    "key_type": _key_type,
    "key_size": lambda c: getattr(c.public_key(), "key_size", None),
    "curve": lambda c: getattr(getattr(c.public_key(), "curve", None), "name", None),
    "signature_hash": lambda c: getattr(c.signature_hash_algorithm, "name", None),
    "signature_algorithm": lambda c: _algorithm(c.signature_algorithm_oid),
    "subject_key_id": lambda c: _hex(
        getattr(_value(c, x509.SubjectKeyIdentifier), "digest", None)
    ),
    "authority_key_id": lambda c: _hex(
        getattr(_value(c, x509.AuthorityKeyIdentifier), "key_identifier", None)
    ),
    "self_issued": lambda c: c.subject == c.issuer,
}
"""How to read each column with cryptography."""


def _tried(read: Callable[[Any], Any], certificate: Any) -> Any:
    try:
        return read(certificate)
    except Exception:  # any exception means that the library has not read the column
        return UNREAD


def by_cryptography(der: bytes) -> dict[str, Any] | None:
    """Return the columns as cryptography reads them, UNREAD where it raises; None where it
    refuses to load.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            certificate = x509.load_der_x509_certificate(der)
        except (ValueError, x509.InvalidVersion):
            return None
        return {
            column: _tried(read, certificate) for column, read in CRYPTOGRAPHY.items()
        } | {"fingerprint": hashlib.sha256(der).hexdigest()}


def _attribute(name: asn1.Name, oid: str) -> str | None:
    values = [
        pair["value"].native
        for rdn in name.chosen
        for pair in rdn
        if pair["type"].dotted == oid
    ]
    return values[-1] if values else None


def _asn1_alt(certificate: asn1.Certificate, kind: str) -> list[str]:
    value = certificate.subject_alt_name_value
    return (
        [entry.native for entry in value if entry.name == kind]
        if value is not None
        else []
    )


def _asn1_usages(certificate: asn1.Certificate) -> str | None:
    value = certificate.key_usage_value
    if value is None:
        return None
    bits = value.native
    names = (
        "digital_signature", "non_repudiation", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return ",".join(
        rfc_name
        for name, rfc_name in zip(names, _USAGES.values(), strict=True)
        if name in bits
    )


def _asn1_key_type(certificate: asn1.Certificate) -> str:
    names = {
        "rsa": "RSA",
        "rsassa_pss": "RSA",
        "ec": "EC",
        "dsa": "DSA",
        "ed25519": "Ed25519",
        "ed448": "Ed448",
    }
    algorithm = certificate.public_key.algorithm
    return names.get(algorithm, algorithm)


ASN1CRYPTO: dict[str, Callable[[asn1.Certificate], Any]] = {
    "subject_cn": lambda c: _attribute(c.subject, "2.5.4.3"),
    "organisation": lambda c: _attribute(c.subject, "2.5.4.10"),
    "country": lambda c: _attribute(c.subject, "2.5.4.6"),
    "issuer_cn": lambda c: _attribute(c.issuer, "2.5.4.3"),
    "serial_number": lambda c: format(c.serial_number, "x"),
    "version": lambda c: int(c["tbs_certificate"]["version"].native[1:]),
    "not_before": lambda c: c.not_valid_before,
    "not_after": lambda c: c.not_valid_after,
    "dns_names": lambda c: _asn1_alt(c, "dns_name"),
    "ip_addresses": lambda c: _asn1_alt(c, "ip_address"),
    "is_ca": lambda c: (
        None
        if c.basic_constraints_value is None
        else c.basic_constraints_value["ca"].native
    ),
    "path_length": lambda c: (
        None
        if c.basic_constraints_value is None
        else c.basic_constraints_value["path_len_constraint"].native
    ),
    "key_usage": _asn1_usages,
    "key_type": _asn1_key_type,
    "key_size": lambda c: c.public_key.bit_size,
    "curve": lambda c: (
        c.public_key.curve[1] if c.public_key.curve[0] == "named" else None
    ),
    "signature_hash": lambda c: c.hash_algo.replace("_", "-"),
    "subject_key_id": lambda c: _hex(c.key_identifier),
    "authority_key_id": lambda c: _hex(c.authority_key_identifier),
}
"""How to read a column with asn1crypto, for the columns that it supports."""


def by_asn1crypto(der: bytes) -> dict[str, Any]:
    """Return the columns as asn1crypto reads them, UNREAD where it raises; an empty dict where
    it refuses to load.
    """
    try:
        certificate = asn1.Certificate.load(der)
    except (ValueError, TypeError):
        return {}
    return {column: _tried(read, certificate) for column, read in ASN1CRYPTO.items()}


def cells(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as plain Python, missing as None."""
    records = frame.to_dict("records")
    return [
        {str(name): None if _is_missing(cell) else cell for name, cell in row.items()}
        for row in records
    ]


def _is_missing(cell: Any) -> bool:
    return (
        cell is None
        or cell is pd.NA
        or cell is pd.NaT
        or (isinstance(cell, float) and math.isnan(cell))
    )
