"""Stand-in keys: of the same kind and size as others, and kept by nobody.

The keys of RSA share primes with each other: that makes thousands of them in seconds, and they
have nothing to protect.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import cache
from itertools import combinations, count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    rsa,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ...x509.ber import (
    BIT_STRING,
    INTEGER,
    SEQUENCE,
    BadEncoding,
    children,
    content,
    encoded,
)
from ...x509.signatures import load_public_key
from .words import Pseudonyms

_BY_OPENSSL = 1024
"""Below, no library makes RSA keys any more."""
_LARGEST = 8192
"""RSA keys beyond take minutes each."""


class StandInKeys:
    """A key for each key of a fleet: equal ones get equal ones."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._public: dict[bytes, bytes] = {}
        self._private: dict[bytes, Any] = {}
        self._moduli: dict[int, Iterator[tuple[int, int]]] = {}

    def private(self, public_key: bytes) -> Any:
        """Return the private key that stands in for a SubjectPublicKeyInfo, None for none."""
        self.public(public_key)
        maker = self._private.get(public_key)
        if callable(maker):
            self._private[public_key] = maker = maker()
        return maker

    def public(self, public_key: bytes) -> bytes:
        """Return the SubjectPublicKeyInfo that stands in for another one."""
        if public_key not in self._public:
            self._public[public_key] = self._made(public_key)
        return self._public[public_key]

    def _made(self, public_key: bytes) -> bytes:
        key = load_public_key(public_key)
        if isinstance(key, rsa.RSAPublicKey) and key.key_size <= _LARGEST:
            return self._rsa(public_key, key)
        made: Any = None
        if isinstance(key, ec.EllipticCurvePublicKey):
            made = ec.generate_private_key(key.curve)
        elif isinstance(key, dsa.DSAPublicKey):
            made = _dsa_parameters(key.key_size).generate_private_key()
        elif isinstance(key, ed25519.Ed25519PublicKey):
            made = ed25519.Ed25519PrivateKey.generate()
        elif isinstance(key, ed448.Ed448PublicKey):
            made = ed448.Ed448PrivateKey.generate()
        if made is None:
            return self._opaque(public_key)
        self._private[public_key] = made
        public = made.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey):
            return self._point(public_key, public)
        form = PublicFormat.SubjectPublicKeyInfo
        return bytes(public.public_bytes(Encoding.DER, form))

    def _rsa(self, public_key: bytes, key: rsa.RSAPublicKey) -> bytes:
        exponent = key.public_numbers().e
        if key.key_size not in self._moduli:
            self._moduli[key.key_size] = _factors(key.key_size)
        primes = next(
            (p, q)
            for p, q in self._moduli[key.key_size]
            if _is_invertible(exponent, (p - 1) * (q - 1))
        )
        self._private[public_key] = lambda: _private_rsa(*primes, exponent)
        modulus = primes[0] * primes[1]
        numbers = _integer(modulus) + _integer(exponent)
        return _with_bits(public_key, encoded(SEQUENCE, numbers))

    def _point(self, public_key: bytes, public: ec.EllipticCurvePublicKey) -> bytes:
        bits = content(children(content(public_key, SEQUENCE))[1], BIT_STRING)
        form = (
            PublicFormat.CompressedPoint
            if bits[1:2] in (b"\x02", b"\x03")
            else PublicFormat.UncompressedPoint
        )
        return _with_bits(public_key, public.public_bytes(Encoding.X962, form))

    def _opaque(self, public_key: bytes) -> bytes:
        """Return a key that cannot be handled any better than the one that it stands for."""
        try:
            algorithm, bits = children(content(public_key, SEQUENCE))
            inside = content(bits, BIT_STRING)
            made = self._pseudonyms.other_bytes(inside[1:], "key")
            try:
                modulus, exponent = children(content(inside[1:], SEQUENCE))
                plain = content(modulus, INTEGER)
                odd = bytearray(self._pseudonyms.integer(plain))
                odd[-1] |= 1
                odd[:2] = plain[:2]  # so that its size in bits stays
                made = encoded(SEQUENCE, encoded(INTEGER, bytes(odd)) + exponent)
            except (BadEncoding, ValueError, IndexError):
                pass
            return encoded(
                SEQUENCE, algorithm + encoded(BIT_STRING, inside[:1] + made)
            )
        except (BadEncoding, ValueError, IndexError):
            return encoded(
                SEQUENCE, self._pseudonyms.other_bytes(public_key[2:], "key")
            )


def _with_bits(public_key: bytes, bits: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo with the same algorithm and other bits."""
    algorithm = children(content(public_key, SEQUENCE))[0]
    return encoded(SEQUENCE, algorithm + encoded(BIT_STRING, b"\0" + bits))


def _integer(value: int) -> bytes:
    return encoded(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _is_invertible(exponent: int, order: int) -> bool:
    try:
        pow(exponent, -1, order)
    except ValueError:
        return False
    return True


def _factors(bits: int) -> Iterator[tuple[int, int]]:
    """Yield distinct pairs of primes whose product has so many bits."""
    pool: list[tuple[int, int]] = []
    used: set[tuple[int, int]] = set()
    for _ in count():
        pool.append(_primes(bits))
        for (p, _), (_, q) in combinations(pool, 2):
            if (p, q) not in used and (p * q).bit_length() == bits:
                used.add((p, q))
                yield p, q
        p, q = pool[-1]
        yield p, q


def _primes(bits: int) -> tuple[int, int]:
    if bits >= _BY_OPENSSL:
        numbers = rsa.generate_private_key(65537, bits).private_numbers()
        return max(numbers.p, numbers.q), min(numbers.p, numbers.q)
    while True:
        p, q = _small_prime((bits + 1) // 2), _small_prime(bits // 2)
        if p != q and (p * q).bit_length() == bits:
            return p, q


def _small_prime(bits: int) -> int:
    while True:
        number = secrets.randbits(bits) | 3 << bits - 2 | 1
        if all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7)):
            return number


def _private_rsa(p: int, q: int, exponent: int) -> Any:
    d = pow(exponent, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(exponent, p * q),
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


@cache
def _dsa_parameters(bits: int) -> dsa.DSAParameters:
    return dsa.generate_parameters(bits)
