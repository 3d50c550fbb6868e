"""What the bench listener presents: a certificate that it makes, or one that is given to it.

The key stays in memory and goes nowhere but into OpenSSL.
"""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from ..errors import CerttrustError
from ..texts.sentences import say

_NAME = "certtrust bench"
_DAYS = 30
_PEM_KEY = re.compile(
    rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL
)


class Identity(NamedTuple):
    """A private key, its certificate, and the CAs above it."""

    key: Any
    certificate: Any
    above: list[Any]


def new_identity() -> Identity:
    """Return a new RSA key, which phones of any age can use, and a certificate signed by itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begin,
        not_valid_after=begin + datetime.timedelta(days=_DAYS),
    )
    return Identity(key, builder.sign(key, hashes.SHA256()), [])


def given_identity(source: Any, password: str | None) -> Identity:
    """Return what a file of PEM or PKCS#12 holds.

    Parameters
    ----------
    source : path or bytes
        The file.
    password : str, optional
        What its key is encrypted with.

    Raises
    ------
    CerttrustError
        If it cannot be read, or holds no certificate with its key.
    """
    is_path = isinstance(source, (str, os.PathLike))
    shown = str(source) if is_path else type(source).__name__
    secret = password.encode() if password else None
    try:
        data = Path(source).read_bytes() if is_path else bytes(source)
        key, chain = (
            _pem(data, secret) if b"-----BEGIN" in data else _p12(data, secret)
        )
    except OSError as problem:
        raise _error(shown, problem.strerror or str(problem)) from None
    except Exception:  # what a library says of a key is not repeated
        raise _error(shown, say("endpoints.no_identity")) from None
    if key is None or not chain:
        raise _error(shown, say("endpoints.no_identity"))
    public = _public(key.public_key())
    own = [one for one in chain if _public(one.public_key()) == public]
    if not own:
        raise _error(shown, say("endpoints.other_key"))
    return Identity(key, own[0], [one for one in chain if one is not own[0]])


def _pem(data: bytes, password: bytes | None) -> tuple[Any, list[Any]]:
    block = _PEM_KEY.search(data)
    if block is None:
        return None, []
    try:
        key = serialization.load_pem_private_key(block[0], password)
    except TypeError:
        # A password was given, and this key is not encrypted.
        key = serialization.load_pem_private_key(block[0], None)
    return key, list(x509.load_pem_x509_certificates(data))


def _p12(data: bytes, password: bytes | None) -> tuple[Any, list[Any]]:
    key, certificate, others = pkcs12.load_key_and_certificates(data, password)
    return key, [one for one in (certificate, *others) if one is not None]


def _public(key: Any) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat
    return bytes(key.public_bytes(encoding, form.SubjectPublicKeyInfo))


def _error(source: str, reason: str) -> CerttrustError:
    return CerttrustError(
        say("errors.endpoints.own_certificate", source=source, reason=reason)
    )
