"""Host names and addresses in one spelling, in which names and hosts compare as text.

The spelling: names in lower case with A-labels and without the final dot, IPv4 addresses as
four decimal numbers, IPv6 addresses compressed and without brackets. Text that is neither
becomes missing.

A host is read as the URL standard reads it (https://url.spec.whatwg.org/#host-parsing), for
that is how it reaches a browser: percent-encoding, U-labels, ports and the short and
hexadecimal forms of IPv4. A certificate's name is read strictly: nobody types it, and a lenient
reading would only help an impostor.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import idna
import pyarrow as pa
import pyarrow.compute as pc

_LABEL = "[a-z0-9_-]+"
_WORD = rf"(?:{_LABEL}\.)*[a-z][a-z0-9_-]*"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
# Nearly every value is in the one spelling but for its case, and regular expressions settle these.
_PLAIN_HOST = rf"^(?:{_WORD}|{_IPV4})$"
_WITH_PORT = r"^([A-Za-z0-9._-]{1,253}):[0-9]{0,5}$"
_PLAIN_PATTERN = rf"^(?:(?:\*\.{_LABEL}\.)?{_WORD}|{_IPV4})$"
_PLAIN_ADDRESS = rf"^{_IPV4}$"

_URL = (
    r"^(?s:(?:(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2,})?(?:[^/?#\\]*@)?"
    r"(?P<host>\[[^\]/?#\\]*\]|[^\]\[:/?#\\]*)(?::[0-9]*)?(?:[/?#\\].*)?)$"
)

LONGEST_LABEL = 63
LONGEST_NAME = 253
LONGEST_TEXT = 1024
"""No host is longer, not even percent-encoded."""


def from_urls(urls: Any) -> Any:
    """Return the host of each URL as it stands there, missing where there is none."""
    trimmed = pc.ascii_trim(urls, characters="".join(map(chr, range(0x21))))
    host = pc.struct_field(pc.extract_regex(trimmed, _URL), "host")
    return pc.if_else(pc.equal(host, ""), pa.scalar(None, pa.large_string()), host)


def from_hosts(hosts: Any) -> Any:
    """Return each host of a URL in the one spelling."""
    # A port alone makes no host odd, and there may be one behind each.
    if pc.any(pc.match_substring(hosts, ":")).as_py():
        hosts = pc.replace_substring_regex(hosts, _WITH_PORT, r"\1")
    return _spelled(hosts, _PLAIN_HOST, host)


def from_patterns(patterns: Any) -> Any:
    """Return each DNS name or CN in the one spelling; a wildcard keeps its `*.`."""
    return _spelled(patterns, _PLAIN_PATTERN, pattern)


def from_addresses(addresses: Any) -> Any:
    """Return each iPAddress entry in the one spelling."""
    return _spelled(addresses, _PLAIN_ADDRESS, address)


def _spelled(values: Any, plain: str, one: Callable[[str], str | None]) -> Any:
    lower = pc.ascii_lower(values)
    easy = pc.and_(
        pc.match_substring_regex(lower, plain),
        pc.less_equal(pc.binary_length(lower), LONGEST_LABEL),
    )
    odd = values.filter(pc.invert(easy))
    distinct = odd.unique()
    spelled = pa.array(
        [one(value) for value in distinct.to_pylist()], type=pa.large_string()
    )
    return pc.replace_with_mask(
        lower,
        pc.fill_null(pc.invert(easy), False),
        spelled.take(pc.index_in(odd, distinct)),
    )


def host(value: str) -> str | None:
    """Return one host of a URL in the one spelling, None where it is no host.

    Examples
    --------
    >>> addresses = "[::1]:443", "Phone.EXAMPLE.", "b%C3%BCcher.example", "0x7f.1", "a b"
    >>> [host(address) for address in addresses]
    ['::1', 'phone.example', 'xn--bcher-kva.example', '127.0.0.1', None]
    """
    if len(value) > LONGEST_TEXT:
        return None
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::[0-9]*)?", value)
    if bracketed or value.count(":") > 1:
        # The zone of a link-local address says where to send, not to whom.
        inner = (bracketed[1] if bracketed else value).partition("%")[0]
        return address(inner) if ":" in inner else None
    name, _, port = value.partition(":")
    if port and not re.fullmatch("[0-9]+", port):
        return None
    try:
        mapped = idna.uts46_remap(unquote(name), False, False)
    except UnicodeError:
        return None
    labels = mapped.removesuffix(".").split(".")
    if _is_number(labels[-1]):
        return _ipv4(labels)
    return _name(labels)


def pattern(value: str) -> str | None:
    """Return one DNS name or CN in the one spelling, None where it can name no host.

    Examples
    --------
    >>> [pattern(name) for name in ("*.Example.COM", "*.com", "w*.example.com", "192.0.2.7")]
    ['*.example.com', None, None, '192.0.2.7']
    """
    if len(value) > LONGEST_TEXT:
        return None
    as_address = address(value)
    if as_address is not None:
        return as_address
    name = unicodedata.normalize("NFC", value.lower())
    wildcard = name.startswith("*.")
    name = name[2:] if wildcard else name
    if not name.isascii():
        try:
            if idna.uts46_remap(name, False, False) != name:
                # look-alikes that a browser would map away do not stand for what they map to
                return None
        except UnicodeError:
            return None
    labels = name.removesuffix(".").split(".")
    if _is_number(labels[-1]) or (wildcard and len(labels) < 2):
        return None
    spelled = _name(labels)
    return f"*.{spelled}" if wildcard and spelled else spelled


def address(value: str) -> str | None:
    """Return one IP address in the one spelling, None where it is none.

    Examples
    --------
    >>> [address("2001:DB8:0::1"), address("192.0.2.7"), address("192.0.2.07")]
    ['2001:db8::1', '192.0.2.7', None]
    """
    try:
        return str(ipaddress.ip_address(value)) if "%" not in value else None
    except ValueError:
        return None


def _is_number(label: str) -> bool:
    return bool(re.fullmatch("[0-9]+|0x[0-9a-f]*", label))


def _ipv4(labels: list[str]) -> str | None:
    """Return the address that the URL standard reads out of labels that end in a number."""
    if (
        len(labels) > 4
        or not all(map(_is_number, labels))
        or max(map(len, labels)) > LONGEST_LABEL
    ):
        return None
    try:
        numbers = [
            int(label, _base(label)) if label != "0x" else 0 for label in labels
        ]
    except ValueError:
        return None
    *head, last = numbers
    if any(number > 255 for number in head) or last >= 256 ** (4 - len(head)):
        return None
    return str(
        ipaddress.IPv4Address(
            sum(number << 8 * (3 - byte) for byte, number in enumerate(head)) + last
        )
    )


def _base(label: str) -> int:
    if label.startswith("0x"):
        return 16
    return 8 if label.startswith("0") and label != "0" else 10


def _name(labels: list[str]) -> str | None:
    spelled = [_a_label(label) for label in labels]
    if None in spelled:
        return None
    name = ".".join(label for label in spelled if label)
    return name if len(name) <= LONGEST_NAME else None


def _a_label(label: str) -> str | None:
    """Return the label in ASCII, by those of IDNA's rules that browsers check, too."""
    if len(label) > LONGEST_LABEL:
        return None
    if not label.isascii():
        label = "xn--" + label.encode("punycode").decode("ascii")
    fits = re.fullmatch(_LABEL, label) and len(label) <= LONGEST_LABEL
    return label if fits else None
