"""PEM: certificates as text."""

from __future__ import annotations

from base64 import b64encode


def pem(der: bytes) -> str:
    """Return a certificate as PEM text (RFC 7468)."""
    body = b64encode(der).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join(
        ["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]
    )
