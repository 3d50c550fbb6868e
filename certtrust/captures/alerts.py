"""Alerts of TLS by number and name (IANA, TLS Alerts), and what one says of a certificate.

Stacks differ in which alert they send for what; that of innovaphone is not documented. So an
alert is what its sender says, and no more is read from it than its name holds.
"""

from __future__ import annotations

from collections.abc import Collection

ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    52: "too_many_cids_requested",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    117: "general_error",
    120: "no_application_protocol",
    121: "ech_required",
}
"""The names by number; of an alert that is not here its number is shown."""

CLOSING = frozenset({"close_notify", "user_canceled"})
"""Alerts that end a connection and complain of nothing."""

UNTOLD = frozenset(
    {
        "no_certificate",
        "bad_certificate",
        "unsupported_certificate",
        "certificate_unknown",
        "access_denied",
        "decrypt_error",
    }
)
"""Alerts that refuse a certificate for a reason that their name does not tell."""
NONE_PRESENTED = frozenset(
    {"certificate_required", "no_certificate", "handshake_failure"}
)
"""What stacks send to a client that presents no certificate (40 by OpenSSL, before TLS 1.3)."""
VERSIONS = frozenset({"protocol_version", "inappropriate_fallback"})
"""Alerts about the version of TLS."""
ABOUT_CERTIFICATE = frozenset(
    {
        "bad_certificate",
        "unsupported_certificate",
        "certificate_revoked",
        "certificate_expired",
        "certificate_unknown",
        "unknown_ca",
    }
)
"""Alerts that are about the certificate of the other side, whichever side sends them."""
_REFUSING = UNTOLD | {"unknown_ca", "certificate_expired", "certificate_revoked"}


def refuses_certificate(alert: str, *, presented: Collection[str] | None) -> bool:
    """Return True where an alert of the server is about the client's certificate.

    Parameters
    ----------
    alert : str
        Its name.
    presented : collection of fingerprints or None
        What the client presented; empty = nothing, None = that was not seen.

    Examples
    --------
    >>> refuses_certificate("handshake_failure", presented=[])
    True
    >>> refuses_certificate("handshake_failure", presented=["9c1f"])
    False
    """
    if alert == "certificate_required":
        return True
    if presented is not None and not presented:
        return alert in NONE_PRESENTED
    return alert in _REFUSING


def alert_name(number: int) -> str:
    """Return the name of an alert, or `unknown_N` where the number has none.

    Examples
    --------
    >>> alert_name(48), alert_name(200)
    ('unknown_ca', 'unknown_200')
    """
    return ALERTS.get(number, f"unknown_{number}")
