"""Pseudonyms of texts, addresses and bytes: other ones of the same form, in the same relations.

Each letter becomes another one of its kind, and which one depends on what stands before it. So a
text begins with another one exactly where their pseudonyms do; case, digits, hex digits, blanks
and signs stay what they are. Labels of host names, and parts of a path, each begin anew. The last
three octets of a serial and of a hardware ID, in any spelling, become the same ones.

What rules and readers know by heart stays: the beginnings of the vendor's serials, names of
products, `Swphone_` and the like, `xn--`, the wildcard.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from random import Random

import idna

from ...names.damaged_serials import BEGINNINGS
from ...names.device_ids import HARDWARE_ID, SERIAL

_DIGITS = "0123456789"
_HEX = "abcdef"
_OTHERS = "ghijklmnopqrstuvwxyz"
_BY_MARK = (
    "\u00e4\u00eb\u00ef\u00f6\u00fc",
    "\u00e1\u00e9\u00ed\u00f3\u00fa\u00fd",
    "\u00e0\u00e8\u00ec\u00f2\u00f9",
    "\u00e2\u00ea\u00ee\u00f4\u00fb",
    "\u00e3\u00f1\u00f5",
    "\u00e6\u00f0\u00f8\u00fe",
)
"""Letters that carry the same mark: one letter or two, a pseudonym is spelled the same way."""
_SOFT_CLIENTS = ("swphone_", "smartphone_", "swph_")
_PRODUCT = re.compile(r"ip\d+[a-z]{0,3}(?:-\d)?")
_SERIAL_HEAD = re.compile(rf"({SERIAL})(?![0-9A-Za-z])")
_HARDWARE_ID = re.compile(rf"({HARDWARE_ID})(?![0-9A-Za-z])")
_SEPARATORS = ":.-"
_ANEW = "./@\\"
_NETS = (
    *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.168.0.0/16", "224.0.0.0/4", "fe80::/10", "fc00::/7", "ff00::/8", "::/96"),
)
"""Networks of which an address says no more than what kind it is: it stays in them."""


class Pseudonyms:
    """Pseudonyms under one key, for the texts of one fleet.

    Parameters
    ----------
    key : bytes
        Whoever has it can tell whose pseudonym one is.
    texts : iterable of str
        All names of the fleet: they show which beginnings are those of serials and hardware IDs.
    """

    def __init__(self, key: bytes, texts: Iterable[str] = ()) -> None:
        self._key = key
        self._heads: dict[str, str] = {}
        """What stands before the last three octets, with the digits of a serial in it."""
        self._fixed: dict[tuple[str, str], set[str]] = {}
        self._tables: dict[tuple[str, str], dict[str, str]] = {}
        self._texts: dict[str, str] = {}
        for text in texts:
            self._learn(text.strip().lower())
        self._head_prefixes = {
            head[:size]: _hex_digits(head[:size])
            for head, digits in self._heads.items()
            if digits
            for size in range(1, len(head) + 1)
        }
        for beginning in BEGINNINGS:
            for size, digit in enumerate(beginning):
                self._fix("oui", beginning[:size], digit)
                self._fix("text", beginning[:size], digit)

    def _learn(self, text: str) -> None:
        if match := _SERIAL_HEAD.match(text):
            spelled = match[1]
            head = spelled
            for _ in range(6):
                head = head.rstrip(_SEPARATORS)[:-1]
            self._heads[head] = _hex_digits(head)
        elif match := _HARDWARE_ID.match(text):
            head = match[1][:-8]
            self._heads[head] = ""
            if _PRODUCT.fullmatch(head[:-1]):
                self._keep(head[:-1])
        for word in _SOFT_CLIENTS:
            if text.startswith(word):
                self._keep(word)

    def _keep(self, word: str) -> None:
        for size, letter in enumerate(word):
            self._fix("text", word[:size], letter)

    def _fix(self, kind: str, before: str, letter: str) -> None:
        self._fixed.setdefault((kind, before), set()).add(letter)

    # Texts

    def text(self, text: str) -> str:
        """Return the pseudonym of a text."""
        if text not in self._texts:
            self._texts[text] = self._spelled(text)
        return self._texts[text]

    def _spelled(self, text: str) -> str:
        if (address := _address(text)) is not None:
            return str(self.address(address))
        made, before = [], ""
        for unit in _units(text):
            made.append(self._letter(unit, before))
            before = self._followed(before, unit)
        return self._with_a_labels(text, "".join(made))

    def _followed(self, before: str, unit: str) -> str:
        """Return what stands before the next letter, as far as that matters."""
        plain = unicodedata.normalize("NFC", unit).lower()
        if plain.isspace():
            return f"{before} " if before and not before.endswith(" ") else before
        then = before + plain
        if plain in _ANEW and not any(head.startswith(then) for head in self._heads):
            in_tail = self._tail(then)
            return then if in_tail and plain == "." else ""
        tail = self._tail(before)
        if tail is not None and len(tail) == 6 and not plain.isalnum():
            return ""  # behind a serial: the interface
        return then

    def _tail(self, before: str) -> str | None:
        """Return the digits of the last three octets that are there, None outside of them."""
        for size in range(len(before), 0, -1):
            if before[:size] in self._heads:
                rest = before[size:]
                digits = _hex_digits(rest)
                if len(digits) <= 6 and not rest.strip("0123456789abcdef:.-"):
                    return digits
        return None

    def _letter(self, unit: str, before: str) -> str:
        composed = unicodedata.normalize("NFC", unit)
        if len(composed) != 1:
            # Marks that no single letter carries stay, on another letter.
            return self._letter(unit[0], before) + unit[1:]
        lower = composed.lower()
        alphabet = _alphabet(lower)
        if not alphabet:
            return unit
        kind, context = self._context(before)
        new = self._table(kind, context, alphabet)[lower]
        if composed != lower and len(new.upper()) == 1:
            new = new.upper()
        return unicodedata.normalize("NFD", new) if len(unit) > 1 else new

    def _context(self, before: str) -> tuple[str, str]:
        tail = self._tail(before)
        if tail is not None and len(tail) < 6:
            return "tail", tail
        digits = self._head_prefixes.get(before)
        if before == "" or digits is not None:
            return ("oui", digits or "") if digits else ("text", "")
        return "text", before.rstrip(" ")

    def _table(self, kind: str, context: str, alphabet: str) -> dict[str, str]:
        key = (f"{kind}/{alphabet[:1]}", context)
        if key not in self._tables:
            fixed = self._fixed.get((kind, context), set())
            if alphabet == _DIGITS and kind != "tail" and not context.strip("0"):
                fixed = fixed | {"0"}  # zeros at the beginning stay
            moved = [letter for letter in alphabet if letter not in fixed]
            table = {letter: letter for letter in alphabet}
            seed = hmac.digest(self._key, repr((key, alphabet)).encode(), "sha256")
            order = list(moved)
            rng = Random(seed)  # noqa: S311 - seeded by a keyed hash
            # One cycle (Sattolo): no letter stays what it is.
            for last in range(len(order) - 1, 0, -1):
                other = rng.randrange(last)
                order[last], order[other] = order[other], order[last]
            table.update(zip(moved, order, strict=True))
            self._tables[key] = table
        return self._tables[key]

    def _with_a_labels(self, text: str, made: str) -> str:
        """Return the pseudonym with A-labels that are those of the U-labels' pseudonyms."""
        if "xn--" not in text.lower():
            return made
        old, new = text.split("."), made.split(".")
        for number, label in enumerate(old):
            if label.lower().startswith("xn--") and number < len(new):
                try:
                    own = idna.decode(label)
                    new[number] = idna.encode(self.text(own), uts46=True).decode()
                except (idna.IDNAError, UnicodeError):
                    new[number] = label[:4] + self.text(label[4:])
        return ".".join(new)

    # Addresses and bytes

    def address(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address
    ) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """Return another address: two share a network exactly where their pseudonyms do."""
        size = address.max_prefixlen
        bits = f"{int(address):0{size}b}"
        kept = _kept_bits(size)
        made = "".join(
            bit if bits[:at] in kept else str(int(bit) ^ self._bit(size, bits[:at]))
            for at, bit in enumerate(bits)
        )
        return type(address)(int(made, 2))

    def _bit(self, size: int, before: str) -> int:
        return hmac.digest(self._key, f"{size}/{before}".encode(), "sha256")[0] & 1

    def packed_address(self, packed: bytes) -> bytes:
        """Return the pseudonym of 4 or 16 bytes, or of as many with a mask behind them."""
        size = len(packed)
        if size in (4, 16) and size != 8:
            return self.address(ipaddress.ip_address(packed)).packed
        if size in (8, 32):
            network, mask = packed[: size // 2], packed[size // 2 :]
            other = self.address(ipaddress.ip_address(network)).packed
            host = any(
                bit & ~on & 0xFF for bit, on in zip(network, mask, strict=True)
            )
            if not host:
                other = bytes(bit & on for bit, on in zip(other, mask, strict=True))
            return other + mask
        return self.other_bytes(packed)

    def other_bytes(self, data: bytes, use: str = "bytes") -> bytes:
        """Return as many other bytes, the same for the same ones."""
        made = b""
        while len(made) < len(data):
            part = f"{use}/{len(made)}/".encode() + data
            made += hmac.digest(self._key, part, "sha256")
        return made[: len(data)]

    def integer(self, content: bytes) -> bytes:
        """Return the content of another INTEGER of the same length and sign; short ones stay."""
        if len(content) < 3:
            return content
        made = bytearray(self.other_bytes(content, "integer"))
        made[0] = (
            content[0]
            if content[0] in (0, 0xFF)
            else made[0] & 0x7F | content[0] & 0x80
        )
        if content[0] in (0, 0xFF):
            made[1] = made[1] & 0x7F | content[1] & 0x80
        elif made[0] in (0, 0xFF):
            made[0] ^= 1
        return bytes(made)

    def fingerprint(self, fingerprint: str) -> str:
        """Return another fingerprint for a certificate that is not at hand."""
        made = self.other_bytes(fingerprint.lower().encode(), "fingerprint")
        digest = hashlib.sha256(made).hexdigest()
        return digest[: len(fingerprint)]

    def distinguished_name(self, text: str) -> str:
        """Return the pseudonym of RFC 4514 text: the values change, the types stay."""
        parts = re.split(r"((?<!\\)(?:\\\\)*[,+])", text)
        return "".join(
            part if number % 2 else self._attribute(part)
            for number, part in enumerate(parts)
        )

    def _attribute(self, text: str) -> str:
        name, equals, value = text.partition("=")
        if not equals:
            return self.text(text)
        if name.strip().upper() in ("C", "COUNTRYNAME"):
            return text
        if value.startswith("#"):
            return (
                f"{name}=#{self.other_bytes(value.encode()).hex()[: len(value) - 1]}"
            )
        return f"{name}={self.text(value)}"


def _hex_digits(text: str) -> str:
    return "".join(letter for letter in text if letter not in _SEPARATORS)


def _units(text: str) -> list[str]:
    """Return letters with the marks that follow them."""
    units: list[str] = []
    for letter in text:
        if units and unicodedata.combining(letter):
            units[-1] += letter
        else:
            units.append(letter)
    return units


@cache
def _alphabet(letter: str) -> str:
    """Return the letters of the same kind, nothing for a sign that stays."""
    if len(letter) != 1:
        return ""
    for alphabet in (_DIGITS, _HEX, _OTHERS, *_BY_MARK):
        if letter in alphabet:
            return alphabet
    if letter.isascii() or not letter.isalnum() or ord(letter) < 0x100:
        return ""
    first = ord(letter) & ~0xFF
    kind = unicodedata.category(letter)
    return (
        "".join(
            other
            for other in map(chr, range(first, first + 0x100))
            if unicodedata.category(other) == kind
            and other.lower() == other
            and len(other.upper()) == 1
            and unicodedata.normalize("NFKC", other) == other
            and unicodedata.normalize("NFD", other) == other
        )
        if unicodedata.normalize("NFD", letter) == letter
        else letter
    )


def _address(
    text: str,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=2)
def _kept_bits(size: int) -> frozenset[str]:
    """Return the beginnings of addresses whose next bit stays."""
    kept = set()
    for text in _NETS:
        net = ipaddress.ip_network(text)
        if net.max_prefixlen == size:
            bits = f"{int(net.network_address):0{size}b}"
            kept |= {bits[:at] for at in range(net.prefixlen)}
    return frozenset(kept)
