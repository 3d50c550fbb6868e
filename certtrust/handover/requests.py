"""Certificate requests: who needs a certificate, and exactly which one, as data and for OpenSSL.

A request needs the device's private key, so it is made on the device or by whoever keeps its
keys; what stands here is what to ask for. The usages are those that the vendor names for mutual
TLS (innovaphone wiki, Howto: Sign an innovaphone certificate request using a 3rd party CA).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from cryptography import x509
from cryptography.x509.oid import NameOID

from ..texts.dates import moment
from ..texts.sentences import say
from ..texts.visible import one_line

KEY_USAGE = ("digitalSignature", "keyEncipherment")
EXTENDED_KEY_USAGE = ("serverAuth", "clientAuth")
KEY_BITS = 2048
"""The least that is asked for; devices make RSA keys of 1024, 2048 and 4096 bits."""

_MOST_BITS = 4096
_SHORT = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.COUNTRY_NAME: "C",
}
"""The parts of a subject that a device's form for requests has."""

_CONTROL = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"}


@dataclass(frozen=True)
class Request:
    """One certificate to be had.

    Its file and its devices, why (`action`) and at which PBXs it has to be trusted, its names,
    its key, from when on it has to be valid, who has to sign it, and which one it replaces.
    """

    file: str
    action: str
    devices: tuple[str, ...]
    pbxs: tuple[str, ...]
    subject: tuple[tuple[str, str], ...]
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    key_bits: int
    since: pd.Timestamp | None
    issuers: tuple[str, ...]
    is_self_signed: bool
    replaces: str | None

    def as_data(self) -> dict[str, Any]:
        """Return the request as JSON knows it."""
        return {
            "file": self.file,
            "action": self.action,
            "devices": list(self.devices),
            "pbxs": list(self.pbxs),
            "subject": [list(part) for part in self.subject],
            "dns_names": list(self.dns_names),
            "ip_addresses": list(self.ip_addresses),
            "key": {"type": "RSA", "bits": self.key_bits},
            "signature_hash": "sha256",
            "key_usage": list(KEY_USAGE),
            "extended_key_usage": list(EXTENDED_KEY_USAGE),
            "valid_from_at_the_latest": self.since and self.since.isoformat(),
            "issuers": list(self.issuers),
            "self_signed": self.is_self_signed,
            "replaces": self.replaces,
        }

    @property
    def subject_text(self) -> str:
        """The subject as RFC 4514 text."""
        return ",".join(
            f"{name}={_escaped(value)}" for name, value in reversed(self.subject)
        )


def subject_of(certificate: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the parts of a certificate's subject that a request can have, in their order."""
    parts: list[tuple[str, str]] = []
    text = certificate.get("subject")
    if isinstance(text, str):
        try:
            name = x509.Name.from_rfc4514_string(text)
        except ValueError:
            name = x509.Name([])
        parts = [
            (_SHORT[part.oid], str(part.value))
            for part in name
            if part.oid in _SHORT and str(part.value)
        ]
    if not parts and isinstance(certificate.get("subject_cn"), str):
        parts = [("CN", str(certificate["subject_cn"]))]
    return tuple(parts)


def with_cn(
    subject: Iterable[tuple[str, str]], cn: str
) -> tuple[tuple[str, str], ...]:
    """Return the subject with this CN alone."""
    others = (part for part in subject if part[0] != "CN")
    return (*others, ("CN", cn))


def key_bits(certificate: Mapping[str, Any]) -> int:
    """Return the size of RSA key to ask for: that of the present one, if it is strong enough."""
    size = certificate.get("key_size")
    if certificate.get("key_type") != "RSA" or size is None or pd.isna(size):
        return KEY_BITS
    return int(size) if KEY_BITS <= int(size) <= _MOST_BITS else KEY_BITS


def as_json(requests: Iterable[Request]) -> str:
    """Return all requests as a JSON list."""
    data = [request.as_data() for request in requests]
    return json.dumps(data, indent=1, ensure_ascii=True) + "\n"


def as_openssl(request: Request) -> str:
    """Return the request as a file for `openssl req -new -config FILE`."""
    notes = [
        say("kit.request.title", devices=", ".join(request.devices)),
        say("kit.request.usage"),
    ]
    if request.is_self_signed:
        notes.append(say("kit.request.self_signed"))
    else:
        issuers = "; ".join(request.issuers) or say("values.missing")
        notes.append(say("kit.request.issuers", issuers=issuers))
    if request.since is not None:
        notes.append(say("kit.request.since", since=moment(request.since)))
    notes += [say("kit.request.device"), say("kit.request.elsewhere")]
    names = [
        *(f"DNS.{n} = {_value(name)}" for n, name in enumerate(request.dns_names, 1)),
        *(f"IP.{n} = {_value(ip)}" for n, ip in enumerate(request.ip_addresses, 1)),
    ]
    lines = [
        *(f"# {one_line(note)}" for note in notes),
        "[req]",
        "prompt = no",
        "utf8 = yes",
        "string_mask = utf8only",
        f"default_bits = {request.key_bits}",
        "default_md = sha256",
        "distinguished_name = subject",
        "req_extensions = extensions",
        "[subject]",
        *(
            f"{number}.{name} = {_value(value)}"
            for number, (name, value) in enumerate(request.subject)
        ),
        "[extensions]",
        "basicConstraints = critical,CA:FALSE",
        f"keyUsage = critical,{','.join(KEY_USAGE)}",
        f"extendedKeyUsage = {','.join(EXTENDED_KEY_USAGE)}",
        *(["subjectAltName = @names", "[names]", *names] if names else []),
    ]
    return "\n".join(lines) + "\n"


def _value(text: str) -> str:
    """Return a text as a value in OpenSSL's files of settings, quotes and variables disarmed."""
    escaped = re.sub(r'([\\"$])', r"\\\1", text)
    # Between quotes, a backslash takes the next letter as it is: a line end stands outside.
    for letter, word in _CONTROL.items():
        escaped = escaped.replace(letter, f'"{word}"')
    return f'"{escaped}"'


def _escaped(value: str) -> str:
    escaped = re.sub(r'([,+"\\<>;=])', r"\\\1", value)
    return re.sub(r"^([ #])|( )$", r"\\\1\2", escaped)
