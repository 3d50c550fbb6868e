"""The words of registration logs and their standard spelling: states, protocols, reject
reasons, alerts.

Numbers and names are those of the standards (H.225.0, RFC 3261, RFC 8446 with its predecessors)
and of the documented event interface; what is in none of them stays as it stands in the log.
"""

from __future__ import annotations

import re

from ..captures.alerts import ALERTS as TLS_ALERTS

REGISTRATION_DOWN = "0x00010002"
"""The event code of a failing registration."""

STATES = ("up", "timeout", "rejected", "unauthorized", "down")
FAILED_STATES = STATES[1:]

STATE_SPELLINGS = {
    "registered": "up",
    "timed out": "timeout",
    "timed-out": "timeout",
    "reject": "rejected",
    "unauthorised": "unauthorized",
    "failed": "down",
}
"""What else says a state."""

STATE_WORDS = {
    "failure": "down",
    "ok": "up",
    "success": "up",
    "successful": "up",
    "online": "up",
    "offline": "down",
    "unregistered": "down",
    "not registered": "down",
    "refused": "rejected",
    "denied": "rejected",
    "wrong password": "unauthorized",
    "angemeldet": "up",
    "registriert": "up",
    "erfolgreich": "up",
    "abgemeldet": "down",
    "nicht angemeldet": "down",
    "nicht registriert": "down",
    "getrennt": "down",
    "fehlgeschlagen": "down",
    "gescheitert": "down",
    "fehler": "down",
    "abgelehnt": "rejected",
    "zurückgewiesen": "rejected",
    "abgewiesen": "rejected",
    "verweigert": "rejected",
    "zeitüberschreitung": "timeout",
    "zeitueberschreitung": "timeout",
    "nicht autorisiert": "unauthorized",
    "nicht berechtigt": "unauthorized",
    "unberechtigt": "unauthorized",
    "falsches passwort": "unauthorized",
    "falsches kennwort": "unauthorized",
}
"""What says a state in the column of a table, and may say something else in a message."""

SEVERITIES = ("minor", "indeterminate", "major")
"""Severities of events and alarms, by their number."""

AUTHENTICATIONS = ("certificate", "password", "none")

PROTOCOLS = {
    "H.323/TLS": ("h323/tls", "h323tls", "h.323s", "sh323"),
    "H.323/TCP": ("h323/tcp", "h323tcp"),
    "H.323/UDP": ("h323/udp", "h323udp"),
    "H.323": ("h323",),
    "SIP/TCP": ("siptcp",),
    "SIPS": ("sip/tls", "siptls"),
    "SIP": ("sip/udp", "sipudp"),
}
"""Names of protocols and what else they are spelled like; `sh323` for H.323/TLS is an inference
from its initial.
"""

H225_REASONS = (
    "discoveryRequired",
    "invalidRevision",
    "invalidCallSignalAddress",
    "invalidRASAddress",
    "duplicateAlias",
    "invalidTerminalType",
    "undefinedReason",
    "transportNotSupported",
    "transportQOSNotSupported",
    "resourceUnavailable",
    "invalidAlias",
    "securityDenial",
    "fullRegistrationRequired",
    "additiveRegistrationNotSupported",
    "invalidTerminalAliases",
    "genericDataReason",
    "neededFeatureNotSupported",
    "securityError",
)
"""RegistrationRejectReason of H.225.0 by the number of its choice."""

SIP_REASONS = {
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""Reason phrases of RFC 3261 by status code."""

_ALERT = re.compile(
    r"^(?:(?:tls|ssl)(?:v[\d.]+)?[\s:_-]*)?(?:(?:fatal|warning)[\s:_-]+)?alert[\s:_(#=-]*",
    re.IGNORECASE,
)
_SIP = re.compile(
    r"^(?:sip(?:/2\.0)?[\s:/_-]*)?(?P<code>[3-6]\d\d)(?:\b.*)?$", re.IGNORECASE
)
_H225 = re.compile(
    r"^(?:h\.?225|rrj|registrationreject|reject(?:[\s_-]*reason)?)[\s:_(#=-]*",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Return the letters and digits of a text, in lower case.

    Examples
    --------
    >>> plain("H.323/TLS")
    'h323tls'
    """
    return "".join(letter for letter in text.lower() if letter.isalnum())


_H225_BY_NAME = {plain(name): name for name in H225_REASONS}
_H225_BY_NUMBER = dict(enumerate(H225_REASONS))
_ALERT_BY_NAME = {plain(name): name for name in TLS_ALERTS.values()}


def reasons(texts: list[str | None]) -> list[str | None]:
    """Return each reason by its standard name; one that no standard has stays as it stands.

    Reject reasons of H.225.0 and TLS alerts are recognised by name in any spelling, and by
    number where the text says what is numbered; SIP status codes by number.

    Examples
    --------
    >>> reasons(["security denial", "TLS alert 48", "SIP/2.0 404", "rrj 4", "No licence"])
    ['securityDenial', 'unknown_ca', 'SIP 404 Not Found', 'duplicateAlias', 'No licence']
    """
    return [None if text is None else _reason(text) for text in texts]


def _reason(text: str) -> str:
    text = text.strip()
    name = plain(text)
    if standard := _H225_BY_NAME.get(name) or _ALERT_BY_NAME.get(name):
        return standard
    if match := _ALERT.match(text):
        rest = plain(text[match.end() :])
        return _ALERT_BY_NAME.get(rest) or _by_number(rest, TLS_ALERTS) or text
    if match := _H225.match(text):
        rest = plain(text[match.end() :])
        return _H225_BY_NAME.get(rest) or _by_number(rest, _H225_BY_NUMBER) or text
    if (match := _SIP.match(text)) and (
        phrase := SIP_REASONS.get(int(match["code"]))
    ):
        return f"SIP {match['code']} {phrase}"
    return text


def _by_number(text: str, names: dict[int, str]) -> str | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 4
    return names.get(int(text)) if is_number else None
