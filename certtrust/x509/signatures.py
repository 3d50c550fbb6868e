"""Signatures: whether a certificate's signature verifies under another certificate's key.

Whether that certificate may issue and is trusted is decided elsewhere. Devices in the field carry
SHA-1 and MD5 signatures and version 1 certificates, which `verify_directly_issued_by` and most
verifiers refuse, so the issuer key's own `verify` is called on the signed bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    padding,
    rsa,
)
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .ber import (
    CONTEXT_0,
    INTEGER,
    OID,
    SEQUENCE,
    BadEncoding,
    children,
    content,
    dotted,
    encoded,
)
from .oids import HASHES, PSS, SIGNATURES
from .structure import structure

Check = Callable[[bytes, bytes], object]
"""Takes signature and signed bytes, raises InvalidSignature."""

RSA, EC, DSA = rsa.RSAPublicKey, ec.EllipticCurvePublicKey, dsa.DSAPublicKey
ED25519, ED448 = ed25519.Ed25519PublicKey, ed448.Ed448PublicKey

_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - devices in the field have it; its weakness is hygiene
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-224": hashes.SHA3_224(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
}
_KEYS: dict[str, type[Any]] = {
    "RSA": RSA,
    "EC": EC,
    "DSA": DSA,
    "Ed25519": ED25519,
    "Ed448": ED448,
}
_SCHEMES: dict[str, tuple[type[Any], Any]] = {
    oid: (_KEYS[scheme.key], _DIGESTS[scheme.hash] if scheme.hash else None)
    for oid, scheme in SIGNATURES.items()
    if scheme.key is not None and (scheme.hash is None or scheme.hash in _DIGESTS)
}
_MGF1 = "1.2.840.113549.1.1.8"
_RSA_KEY = bytes.fromhex(
    "300d06092a864886f70d0101010500"
)  # AlgorithmIdentifier rsaEncryption, NULL
# A hostile key must not buy seconds of arithmetic. OpenSSL stops at the same modulus.
_RSA_BITS, _RSA_EXPONENT_BITS = 16384, 64
_KEY_BYTES = 4096  # more than any key within these bounds takes


def verify(child: bytes, issuer: bytes) -> bool | None:
    """Return True where the signature of `child` verifies under the key of `issuer`.

    Nothing else is compared: neither names nor dates, nor whether `issuer` may issue. A
    certificate whose two signature algorithm fields differ does not verify (RFC 5280, section
    4.1.1.2).

    Parameters
    ----------
    child, issuer : bytes
        Certificates as DER.

    Returns
    -------
    bool or None
        None where a certificate cannot be taken apart, or where the algorithm or the key cannot
        be handled: unknown algorithms, curves given by parameters, RSA beyond 16,384 bits. It
        never raises.

    Examples
    --------
    >>> verify(b"", b"") is None
    True
    """
    below, above = structure(child), structure(issuer)
    if below is None or above is None:
        return None
    algorithm = below.algorithm if below.algorithm == below.inner_algorithm else None
    return verify_many(
        [below.signed], [below.signature], [algorithm], [above.public_key]
    )[0]


def verify_many(
    signed: Sequence[bytes],
    signatures: Sequence[bytes],
    algorithms: Sequence[bytes | None],
    keys: Sequence[bytes],
) -> list[bool | None]:
    """Return for many signatures whether they verify; every distinct key is loaded once.

    `algorithms` holds the algorithm beside the signature, or None where the signed one differs.
    A second thread helps little, since cryptography's `verify` mostly keeps the interpreter's
    lock; `certtrust.trust.links` shares very many between processes.
    """
    checks: dict[tuple[bytes, bytes], Check | Literal[False] | None] = {}
    jobs: list[Check | Literal[False] | None] = []
    for key, algorithm in zip(keys, algorithms, strict=True):
        if algorithm is not None and (key, algorithm) not in checks:
            checks[key, algorithm] = _check(key, algorithm)
        jobs.append(False if algorithm is None else checks[key, algorithm])
    return _run(jobs, signatures, signed)


def verify_some(parts: tuple[Sequence[Any], ...]) -> list[bool | None]:
    """Return what `verify_many` does, of its arguments as one: a job of another process."""
    signed, signatures, algorithms, keys = parts
    return verify_many(signed, signatures, algorithms, keys)


def _run(
    checks: Sequence[Check | Literal[False] | None],
    signatures: Sequence[bytes],
    signed: Sequence[bytes],
) -> list[bool | None]:
    answers: list[bool | None] = []
    for check, signature, message in zip(checks, signatures, signed, strict=True):
        if check is None or check is False:
            answers.append(check)
            continue
        try:
            check(signature, message)
            answers.append(True)
        except InvalidSignature:
            answers.append(False)
        except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm):
            answers.append(None)  # such as a salt of 2^80 bytes
    return answers


def _check(public_key: bytes, algorithm: bytes) -> Check | Literal[False] | None:
    """Return the check under this key; False for a key of another type, None if unknown."""
    try:
        oid, parameters = _identifier(algorithm)
        key_oid, key_parameters = _identifier(
            children(content(public_key, SEQUENCE))[0]
        )
        kind, digest = (RSA, None) if oid == PSS else _SCHEMES.get(oid, (None, None))
        key = _load(public_key, key_oid)
        if kind is None or key is None:
            return None
        if not isinstance(key, kind) or (key_oid == PSS and oid != PSS):
            return False
        if oid == PSS:
            used = _pss(parameters)
            if (
                key_oid == PSS
                and key_parameters
                and not _within(used, _pss(key_parameters))
            ):
                return False
            scheme = padding.PSS(padding.MGF1(used.mask_digest), used.salt)
            return lambda signature, signed: key.verify(
                signature, signed, scheme, used.digest
            )
    except (BadEncoding, LookupError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return _plain(key, digest)


def _plain(key: Any, digest: Any) -> Check:
    if isinstance(key, RSA):
        scheme = padding.PKCS1v15()
        return lambda signature, signed: key.verify(signature, signed, scheme, digest)
    if isinstance(key, EC):
        ecdsa = ec.ECDSA(digest)
        return lambda signature, signed: key.verify(signature, signed, ecdsa)
    if isinstance(key, DSA):
        return lambda signature, signed: key.verify(signature, signed, digest)
    return lambda signature, signed: key.verify(signature, signed)


def _identifier(algorithm: bytes) -> tuple[str, bytes]:
    """Return the OID of an AlgorithmIdentifier, and its parameters."""
    inside = content(algorithm, SEQUENCE)
    parts = children(inside)
    return dotted(content(parts[0], OID)), inside[len(parts[0]) :]


def _load(public_key: bytes, key_oid: str) -> Any:
    """Return the key, or None where arithmetic with it would be unbounded."""
    if (
        key_oid == PSS
    ):  # the same key under the name of its only use, which not every release loads
        bits = children(content(public_key, SEQUENCE))[1]
        public_key = encoded(SEQUENCE, _RSA_KEY + bits)
    if len(public_key) > _KEY_BYTES:
        return None
    key = load_der_public_key(public_key)
    bounded = not isinstance(key, RSA) or (
        key.key_size <= _RSA_BITS
        and key.public_numbers().e.bit_length() <= _RSA_EXPONENT_BITS
    )
    return key if bounded else None


class _Pss(NamedTuple):
    digest: hashes.HashAlgorithm
    mask_digest: hashes.HashAlgorithm
    salt: int


def _within(used: _Pss, demanded: _Pss) -> bool:
    """Return True where a signature keeps to what its key demands (RFC 4055, section 3.3)."""
    hashes_used, hashes_demanded = (
        (one.digest.name, one.mask_digest.name) for one in (used, demanded)
    )
    return hashes_used == hashes_demanded and used.salt >= demanded.salt


def _pss(parameters: bytes) -> _Pss:
    """Return RSASSA-PSS-params (RFC 4055, section 3.1)."""
    digest, mask_digest, salt = _DIGESTS["sha1"], _DIGESTS["sha1"], 20
    fields = children(content(parameters, SEQUENCE)) if parameters else []
    for field in fields:
        inside = content(field, field[0])
        if field[0] == CONTEXT_0:
            digest = _digest(inside)
        elif field[0] == 0xA1:
            oid, mask = _identifier(inside)
            if oid != _MGF1:
                raise UnsupportedAlgorithm(oid)
            mask_digest = _digest(mask)
        elif field[0] == 0xA2:
            salt = int.from_bytes(content(inside, INTEGER), "big")
        elif field[0] != 0xA3 or content(inside, INTEGER) != b"\1":
            raise UnsupportedAlgorithm("PSS parameters")
    return _Pss(digest, mask_digest, salt)


def _digest(algorithm: bytes) -> hashes.HashAlgorithm:
    return _DIGESTS[HASHES[_identifier(algorithm)[0]]]


def load_public_key(public_key: bytes) -> Any:
    """Return the key of a SubjectPublicKeyInfo, None where signatures under it are not checked."""
    try:
        key_oid, _ = _identifier(children(content(public_key, SEQUENCE))[0])
        return _load(public_key, key_oid)
    except (BadEncoding, LookupError, ValueError, TypeError, UnsupportedAlgorithm):
        return None


def sign(private_key: Any, algorithm: bytes, signed: bytes) -> bytes | None:
    """Return a signature by an AlgorithmIdentifier, which `verify_many` then finds right.

    None where the algorithm is none of this key, or is not known.
    """
    try:
        oid, parameters = _identifier(algorithm)
        public = private_key.public_key()
        if oid == PSS:
            used = _pss(parameters)
            scheme = padding.PSS(padding.MGF1(used.mask_digest), used.salt)
            signature = private_key.sign(signed, scheme, used.digest)
        else:
            kind, digest = _SCHEMES[oid]
            if not isinstance(public, kind):
                return None
            if kind is RSA:
                signature = private_key.sign(signed, padding.PKCS1v15(), digest)
            elif kind is EC:
                signature = private_key.sign(signed, ec.ECDSA(digest))
            elif kind is DSA:
                signature = private_key.sign(signed, digest)
            else:
                signature = private_key.sign(signed)
    except (
        *(BadEncoding, LookupError, ValueError, TypeError, OverflowError),
        UnsupportedAlgorithm,
    ):
        return None
    return bytes(signature)
