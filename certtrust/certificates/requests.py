"""Certificate requests (PKCS#10, RFC 2986): what a certificate made of one would hold."""

from __future__ import annotations

import datetime
import hashlib
from typing import NamedTuple

import pandas as pd
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ..errors import CerttrustError
from .reading import read_certificates

BEGIN = (b"-----BEGIN CERTIFICATE REQUEST", b"-----BEGIN NEW CERTIFICATE REQUEST")
_OF_THE_CA = (
    "issuer", "issuer_cn", "serial_number", "not_before", "not_after", "signature_hash",
    "signature_algorithm", "signature_oid", "authority_key_id", "self_issued", "is_self_signed",
    "der", "parse_error", "device",
)  # fmt: skip
"""What a request does not say: it is left to the CA that signs it."""


class Request(NamedTuple):
    """A request as a row of CERTIFICATES, and whether its own signature is valid."""

    certificate: pd.DataFrame
    is_signed: bool


def is_request(data: bytes) -> bool:
    """Return True where the content is a request: as PEM text, or as DER."""
    if any(begin in data for begin in BEGIN):
        return True
    try:
        x509.load_der_x509_csr(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def read_request(data: bytes) -> Request:
    """Read a certificate request.

    Parameters
    ----------
    data : bytes
        PEM text or DER; of several requests the first is read.

    Returns
    -------
    Request
        The certificate has one row of table CERTIFICATES with the names, the key and the usages
        that are asked for; its fingerprint is that of the request. What only the CA decides, such
        as issuer and validity, is missing, and so is `der`.

    Raises
    ------
    CerttrustError
        If it cannot be read; the message is the reason.

    Examples
    --------
    >>> is_request(b"-----BEGIN CERTIFICATE-----")
    False
    """
    try:
        if any(begin in data for begin in BEGIN):
            request = x509.load_pem_x509_csr(data[min(_begins(data)) :])
        else:
            request = x509.load_der_x509_csr(data)
        row = read_certificates(_as_certificate(request)).head(1)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.InvalidVersion,
    ) as problem:
        raise CerttrustError(str(problem)) from problem
    fingerprint = hashlib.sha256(request.public_bytes(Encoding.DER)).hexdigest()
    blank = row.head(0).reindex([0]).astype(row.dtypes.to_dict())
    certificate = row.assign(
        **{name: blank[name].array for name in _OF_THE_CA if name in row},
        fingerprint=pd.array([fingerprint], dtype=row["fingerprint"].dtype),
    )
    return Request(certificate, _is_signed(request))


def _begins(data: bytes) -> list[int]:
    return [at for at in (data.find(begin) for begin in BEGIN) if at >= 0]


def _is_signed(request: x509.CertificateSigningRequest) -> bool:
    try:
        return bool(request.is_signature_valid)
    except (ValueError, UnsupportedAlgorithm, InvalidSignature):
        return False


def _as_certificate(request: x509.CertificateSigningRequest) -> bytes:
    """Return a certificate of what is asked for, signed with a key that is thrown away.

    The readers take it apart like any other; what is not of the request is taken out again.
    """
    begin = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(x509.Name([]))
        .public_key(request.public_key())  # type: ignore[arg-type]
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin)
    )
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    key = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
