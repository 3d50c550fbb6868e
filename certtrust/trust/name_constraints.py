"""Name constraints: which names the certificates below a CA may carry (RFC 5280, section 4.2.1.10).

Handled are DNS names, IP addresses, mail addresses, URIs and directory names. A name of another
form is refused where a constraint speaks of that form, and so is a name that is malformed; a
malformed extension makes the CA unusable.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from ..texts.sentences import say
from ..x509.ber import SEQUENCE, BadEncoding, children, content, element
from ..x509.distinguished_names import (
    COMMON_NAME,
    EMAIL_ADDRESS,
    Name,
    comparable,
    texts,
)
from ..x509.extensions import value
from ..x509.oids import SUBJECT_ALT_NAME
from ..x509.structure import Structure

MAIL, DNS, DIRECTORY, URI, ADDRESS = 0x81, 0x82, 0xA4, 0x86, 0x87
_PERMITTED, _EXCLUDED = 0xA0, 0xA1
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_DNS_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_LOCAL_PART = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"(?:[^\"\\]|\\.)+\""
)
_AUTHORITY = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:@\[\]]+)(?::\d*)?(?:[/?#].*)?",
    re.DOTALL,
)
_IPV4 = re.compile(r"[0-9.]+")
_COMPARISONS = 1 << 18
"""For one certificate under one CA; beyond, which takes hostile lists, nothing is known."""
_SHOWN = 3
_FORMS = {
    MAIL: "mail",
    DNS: "dns",
    DIRECTORY: "directory",
    URI: "uri",
    ADDRESS: "address",
}

Value = str | bytes | Name | tuple[str, str] | None
"""A name in the form that it is compared in; None where it is malformed."""


class Constraints(NamedTuple):
    """Permitted and excluded subtrees, by the tag of their name form."""

    permitted: dict[int, list[Value]]
    excluded: dict[int, list[Value]]


Names = list[tuple[int, Value]]
"""The names of a certificate, each with the tag of its form."""


def constraints(extension: bytes | None) -> Constraints | None:
    """Read the content of a nameConstraints extension; None where there is none.

    Raises
    ------
    BadEncoding
        If it is malformed, empty, or says what RFC 5280 does not allow.
    """
    if extension is None:
        return None
    subtrees_by_form = Constraints({}, {})
    parts = children(content(extension, SEQUENCE))
    if [part[0] for part in parts] not in (
        [_PERMITTED],
        [_EXCLUDED],
        [_PERMITTED, _EXCLUDED],
    ):
        raise BadEncoding("name constraints are empty or malformed")
    for part in parts:
        subtrees = children(content(part, part[0]))
        if not subtrees:
            raise BadEncoding("an empty list of subtrees")
        for subtree in subtrees:
            fields = children(content(subtree, SEQUENCE))
            if len(fields) != 1 and fields[1:] != [b"\x80\x01\x00"]:
                raise BadEncoding("a subtree with minimum or maximum")
            kind, base = _read(fields[0], _BASES)
            if base is None and kind in _BASES:
                raise BadEncoding("a malformed subtree")
            bases = subtrees_by_form[part[0] == _EXCLUDED]
            bases.setdefault(kind, []).append(base)
    return subtrees_by_form


def names(parts: Structure, *, leaf: bool) -> Names | None:
    """Return all names of a certificate that constraints may bind, None if unreadable.

    These are the alternative names, the subject, the mail addresses in it and, as OpenSSL has
    it, the common names of a leaf that read as a host name of several labels while its
    alternative names tell no host.
    """
    try:
        extension = value(parts, SUBJECT_ALT_NAME)
        encoded = [] if extension is None else children(content(extension, SEQUENCE))
        names = [_read(name, _NAMES) for name in encoded]
        subject = comparable(parts.subject)
        if subject:
            mails = texts(parts.subject, EMAIL_ADDRESS)
            names += [(DIRECTORY, subject), *((MAIL, _mail(mail)) for mail in mails)]
            if leaf and not any(kind in (DNS, ADDRESS) for kind, _ in names):
                hosts = [text.lower() for text in texts(parts.subject, COMMON_NAME)]
                names += [
                    (DNS, host)
                    for host in hosts
                    if "." in host and _DNS_NAME.fullmatch(host)
                ]
    except (BadEncoding, IndexError):
        return None
    return None if subject is None else names


def too_many(limits: Constraints, names: Names | None) -> bool:
    """Return whether comparing these names is too much work, so that nothing is known of them."""
    return names is not None and _comparisons(limits, names) > _COMPARISONS


def allowed(limits: Constraints, names: Names | None) -> bool:
    """Return whether all names lie within the constraints; names that could not be read do not."""
    return objection(limits, names) is None


def objection(limits: Constraints, names: Names | None) -> str | None:
    """Return why the first name outside the constraints is so, None where all are inside."""
    if names is None:
        return say("trust.constraints.unread")
    for kind, name in names:
        permitted, excluded = limits.permitted.get(kind), limits.excluded.get(kind)
        if permitted is None and excluded is None:
            continue
        within = _WITHIN.get(kind)
        if name is None or within is None:
            return say("trust.constraints.not_comparable", name=_shown(kind, name))
        for base in excluded or ():
            if within(name, base) or _may_stand_for(kind, name, base):
                words = {"name": _shown(kind, name), "base": _shown(kind, base)}
                return say("trust.constraints.excluded", **words)
        if permitted is not None and not any(
            within(name, base) for base in permitted
        ):
            bases = ", ".join(_shown(kind, base) for base in permitted[:_SHOWN])
            more = ", ..." if len(permitted) > _SHOWN else ""
            return say(
                "trust.constraints.not_permitted",
                bases=bases + more,
                name=_shown(kind, name),
            )
    return None


def _shown(kind: int, value: Value) -> str:
    """Return a name or a base in words; a base of addresses is an address and its mask."""
    form = say(f"trust.constraints.forms.{_FORMS.get(kind, 'other')}")
    if value is None:
        return form
    if isinstance(value, bytes):
        half = len(value) // 2
        parts = (value,) if len(value) in (4, 16) else (value[:half], value[half:])
        addresses = "/".join(str(ipaddress.ip_address(part)) for part in parts)
        return say("trust.constraints.of_form", form=form, name=addresses)
    if kind == MAIL and isinstance(value, tuple):
        return say(
            "trust.constraints.of_form", form=form, name="@".join(map(str, value))
        )
    named = isinstance(value, str)
    return (
        say("trust.constraints.of_form", form=form, name=repr(value))
        if named
        else form
    )


def _comparisons(limits: Constraints, names: Names) -> int:
    kinds = Counter(kind for kind, _ in names)
    return sum(
        count * len(part.get(kind, ()))
        for kind, count in kinds.items()
        for part in limits
    )


def _read(
    name: bytes, readers: dict[int, Callable[[bytes], Value]]
) -> tuple[int, Value]:
    kind, start, end, _ = element(name, strict=True)
    reader = readers.get(kind)
    return kind, None if reader is None else reader(name[start:end])


def _ascii(text: bytes) -> str:
    """Return the text; what is not ASCII becomes a character that no pattern lets pass."""
    return text.decode("ascii", "replace")


def _dns(text: str) -> str | None:
    text = text.lower()
    return text if _DNS_NAME.fullmatch(text) else None


def _mail(text: str) -> tuple[str, str] | None:
    local, _, host = text.rpartition("@")
    return (
        (local, host.lower())
        if _LOCAL_PART.fullmatch(local) and _HOST.fullmatch(host.lower())
        else None
    )


def _uri(text: str) -> str | None:
    match = _AUTHORITY.fullmatch(text.lower())
    host = match[1] if match else ""
    return host if _HOST.fullmatch(host) and not _IPV4.fullmatch(host) else None


def _host_base(text: str) -> str | None:
    text = text.lower()
    return text if not text or _HOST.fullmatch(text.removeprefix(".")) else None


def _mail_base(text: str) -> Value:
    return _mail(text) if "@" in text else _host_base(text)


def _address_base(base: bytes) -> bytes | None:
    if len(base) not in (8, 32):
        return None
    mask = base[len(base) // 2 :]
    bits = f"{int.from_bytes(mask, 'big'):0{8 * len(mask)}b}"
    return None if "01" in bits else base


_NAMES: dict[int, Callable[[bytes], Value]] = {
    MAIL: lambda text: _mail(_ascii(text)),
    DNS: lambda text: _dns(_ascii(text)),
    URI: lambda text: _uri(_ascii(text)),
    ADDRESS: lambda address: address if len(address) in (4, 16) else None,
    DIRECTORY: comparable,
}
_BASES: dict[int, Callable[[bytes], Value]] = {
    MAIL: lambda text: _mail_base(_ascii(text)),
    DNS: lambda text: _host_base(_ascii(text)),
    URI: lambda text: _host_base(_ascii(text)),
    ADDRESS: _address_base,
    DIRECTORY: comparable,
}


def _dns_within(name: str, base: str) -> bool:
    return (
        not base
        or name == base
        or name.endswith(base if base[0] == "." else "." + base)
    )


def _host_within(name: str, base: str) -> bool:
    return not base or (name.endswith(base) if base[0] == "." else name == base)


def _mail_within(name: tuple[str, str], base: str | tuple[str, str]) -> bool:
    return name == base if isinstance(base, tuple) else _host_within(name[1], base)


def _address_within(name: bytes, base: bytes) -> bool:
    if 2 * len(name) != len(base):
        return False
    address, network, mask = (
        int.from_bytes(part, "big")
        for part in (name, base[: len(name)], base[len(name) :])
    )
    return address & mask == network & mask


def _directory_within(name: Name, base: Name) -> bool:
    return name[: len(base)] == base


def _may_stand_for(kind: int, name: Value, base: Value) -> bool:
    """Return whether a wildcard DNS name covers the top of an excluded subtree."""
    return (
        kind == DNS
        and isinstance(name, str)
        and isinstance(base, str)
        and name.startswith("*.")
        and base.partition(".")[2] == name[2:]
        and not base.startswith(".")
    )


_WITHIN: dict[int, Callable[..., bool]] = {
    MAIL: _mail_within,
    DNS: _dns_within,
    URI: _host_within,
    ADDRESS: _address_within,
    DIRECTORY: _directory_within,
}
