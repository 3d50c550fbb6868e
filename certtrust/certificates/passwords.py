"""Passwords of key stores: one, several to try in turn, or a function of the file's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import CerttrustError
from ..texts.sentences import say

Fixed = str | bytes | Sequence[str | bytes] | None
Passwords = Fixed | Callable[[str], Fixed]
"""What callers give as `password=`; a function is called for each key store that is met."""

Secrets = tuple[bytes, ...] | Callable[[str], Fixed]
"""The same after a first look: bytes, or the function."""


def checked(passwords: Passwords) -> Secrets:
    """Return the passwords as bytes, or the function as it is.

    Raises
    ------
    CerttrustError
        If one of them is neither text nor bytes.
    """
    return passwords if callable(passwords) else _as_bytes(passwords)


def passwords_for(name: str, secrets: Secrets | None) -> tuple[bytes, ...]:
    """Return the passwords to try on the key store of this name.

    Raises
    ------
    CerttrustError
        If a function returns one that is neither text nor bytes.
    """
    return _as_bytes(secrets(name)) if callable(secrets) else secrets or ()


def _as_bytes(passwords: Fixed) -> tuple[bytes, ...]:
    several = isinstance(passwords, (list, tuple))
    tried: Any = passwords if several else () if passwords is None else (passwords,)
    for password in tried:
        if not isinstance(password, str | bytes):
            kind = type(password).__name__
            raise CerttrustError(say("errors.certificates.password", kind=kind))
    return tuple(
        password.encode(errors="replace") if isinstance(password, str) else password
        for password in tried
    )
