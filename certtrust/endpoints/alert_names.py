"""Alerts by their names, in what OpenSSL says of a failure."""

from __future__ import annotations

import re

from ..captures.alerts import ALERTS

_RECEIVED = re.compile(
    r"(?:sslv3|ssl/tls|tlsv1|tlsv13)[ _](?:alert[ _])?(?P<name>\w+)"
)
_NAMES = frozenset(ALERTS.values())


def received_alert(reason: str) -> str | None:
    """Return the alert of the other side that a reason names, None where it is none.

    Examples
    --------
    >>> received_alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"), received_alert("BAD_LENGTH")
    ('certificate_required', None)
    >>> received_alert("ssl/tls alert bad certificate")
    'bad_certificate'
    """
    match = _RECEIVED.fullmatch(reason.lower().replace(" ", "_"))
    return match["name"] if match and match["name"] in _NAMES else None
