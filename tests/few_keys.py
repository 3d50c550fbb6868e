"""RSA keys of tests: a few are made and used in turn, since each takes a tenth of a second."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import wraps

from cryptography.hazmat.primitives.asymmetric import rsa

_MOST = 12
"""More keys of a kind than any test needs to be different."""


def reuse_keys() -> None:
    """Let `rsa.generate_private_key` return earlier keys again, once there are enough of a size."""
    rsa.generate_private_key = _in_turn(rsa.generate_private_key)


def _in_turn(
    generate: Callable[..., rsa.RSAPrivateKey],
) -> Callable[..., rsa.RSAPrivateKey]:
    pools: defaultdict[tuple[int, int], list[rsa.RSAPrivateKey]] = defaultdict(list)
    calls: defaultdict[tuple[int, int], int] = defaultdict(int)

    @wraps(generate)
    def key(
        public_exponent: int, key_size: int, backend: object = None
    ) -> rsa.RSAPrivateKey:
        kind = (public_exponent, key_size)
        number = calls[kind] % _MOST
        calls[kind] += 1
        if number == len(pools[kind]):
            pools[kind].append(generate(public_exponent, key_size, backend))
        return pools[kind][number]

    return key
