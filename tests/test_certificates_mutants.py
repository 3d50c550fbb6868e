"""Damaged certificates: a column that cryptography still reads has the same value in the frame,
and nothing raises.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from certificate_oracles import UNREAD, by_cryptography, cells
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certtrust.certificates.reading import from_der
from certtrust.x509 import columnar, tolerant
from certtrust.x509.ber import SEQUENCE, element, encoded
from certtrust.x509.reader import REFUSED

CORPUS = Path(__file__).parents[2] / "shared" / "cases" / "certs.parquet"
_AT_ONCE = 2000


def _names(rich: bool) -> x509.Name:
    oid = x509.NameOID
    plain = [
        x509.NameAttribute(oid.ORGANIZATION_NAME, "Example AG"),
        x509.NameAttribute(oid.COMMON_NAME, "0090331a2b3c"),
    ]
    if not rich:
        return x509.Name(plain)
    return x509.Name(
        [
            x509.NameAttribute(oid.COUNTRY_NAME, "DE"),
            x509.NameAttribute(oid.EMAIL_ADDRESS, "a@example.com"),
            x509.NameAttribute(
                oid.ORGANIZATIONAL_UNIT_NAME, ' #quoted "x", y+z;<b>\\ '
            ),
            *plain,
            x509.NameAttribute(oid.COMMON_NAME, "Zweite Ü"),
        ]
    )


@pytest.fixture(scope="module")
def seeds() -> list[bytes]:
    """Return certificates of several kinds, from which the mutants are made."""
    usage = x509.KeyUsage(True, False, True, False, True, True, False, True, False)
    keys = [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ]
    certificates = []
    for number, key in enumerate(keys * 2):
        start = (
            dt.datetime(2019, 5, 1, 1, 2, 3)
            if number % 2
            else dt.datetime(2051, 5, 1, 1, 2, 3)
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(_names(rich=number > 2))
            .issuer_name(_names(rich=number % 2 == 0))
            .serial_number(2 ** (8 * number + 3) - 1)
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=365 * 40))
            .public_key(key.public_key())
            .add_extension(
                x509.BasicConstraints(
                    ca=number % 2 == 0,
                    path_length=number if number % 2 == 0 else None,
                ),
                critical=True,
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
                critical=False,
            )
            .add_extension(usage, critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [
                        x509.ExtendedKeyUsageOID.CLIENT_AUTH,
                        x509.ObjectIdentifier("1.2.3"),
                    ]
                ),
                critical=False,
            )
        )
        if number:
            names = [x509.DNSName(f"p{n}.example.com") for n in range(number)]
            others = [
                x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
                x509.RFC822Name("a@example.com"),
            ]
            builder = builder.add_extension(
                x509.SubjectAlternativeName([*names, *others]), critical=False
            )
        signer_hash = (
            None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        )
        certificates.append(builder.sign(key, signer_hash).public_bytes(Encoding.DER))
    return certificates


def _flipped(der: bytes, draw: random.Random) -> bytes:
    changed = bytearray(der)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _replaced(der: bytes, draw: random.Random) -> bytes:
    changed = bytearray(der)
    changed[draw.randrange(len(changed))] = draw.choice(
        (0, 1, 2, 3, 4, 5, 6, 0x0C, 0x13, 0x17, 0x18, 0x30, 0x7F, 0x80, 0xFF)
    )
    return bytes(changed)


def _truncated(der: bytes, draw: random.Random) -> bytes:
    return der[: draw.randrange(len(der))]


def _with_lengths_changed(der: bytes, draw: random.Random) -> bytes:
    """Change the length octet of one element somewhere in the tree."""
    changed = bytearray(der)
    positions = list(_element_positions(der))
    at = draw.choice(positions)
    changed[at + 1] = (changed[at + 1] + draw.choice((-2, -1, 1, 2))) & 0xFF
    return bytes(changed)


def _element_positions(der: bytes) -> list[int]:
    """Return the positions at which the elements of a certificate begin."""
    positions, waiting = [], [(0, len(der))]
    while waiting:
        at, end = waiting.pop()
        while at < end:
            tag, start, stop, after = element(der, at, end)
            positions.append(at)
            if tag & 0x20:
                waiting.append((start, stop))
            at = after
    return positions


def _with_extensions_moved(der: bytes, draw: random.Random) -> bytes:
    """Duplicate, reorder, drop or damage extensions, and correct all lengths around them."""
    signed, algorithm, signature = _children(_content(der))
    parts = _children(_content(signed))
    extensions = _children(_content(_content(parts[-1])))
    change = draw.randrange(4)
    position = draw.randrange(len(extensions))
    if change == 0:
        extensions.insert(draw.randrange(len(extensions)), extensions[position])
    elif change == 1:
        draw.shuffle(extensions)
    elif change == 2:
        del extensions[position]
    else:
        oid, *_, value = _children(_content(extensions[position]))
        damaged = bytearray(_content(value))
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        extensions[position] = encoded(SEQUENCE, oid + encoded(4, bytes(damaged)))
    parts[-1] = encoded(0xA3, encoded(SEQUENCE, b"".join(extensions)))
    return encoded(
        SEQUENCE, encoded(SEQUENCE, b"".join(parts)) + algorithm + signature
    )


def _with_a_value_changed(der: bytes, draw: random.Random) -> bytes:
    """Replace the content of one element, and correct all lengths around it."""
    return _rebuilt(der, draw, draw.choice(_element_positions(der)), 0)


def _rebuilt(data: bytes, draw: random.Random, target: int, base: int) -> bytes:
    parts = []
    for at, part in _children_at(data):
        content = _content(part)
        if base + at == target:
            tag = draw.choice(
                (
                    part[0],
                    part[0],
                    0x0C,
                    0x13,
                    0x14,
                    0x16,
                    0x1E,
                    0x1C,
                    0x03,
                    0x02,
                    0x17,
                    0x18,
                    0x05,
                )
            )
            content = draw.choice(
                (
                    b"",
                    b"\0",
                    content * 2,
                    content[:-1],
                    draw.randbytes(draw.randrange(12)),
                    b"\xff" + content,
                )
            )
            parts.append(encoded(tag, content))
        elif part[0] & 0x20 and base + at < target < base + at + len(part):
            parts.append(
                encoded(
                    part[0],
                    _rebuilt(
                        content, draw, target, base + at + len(part) - len(content)
                    ),
                )
            )
        else:
            parts.append(part)
    return b"".join(parts)


def _children_at(data: bytes) -> list[tuple[int, bytes]]:
    children, at = [], 0
    while at < len(data):
        after = element(data, at, len(data))[3]
        children.append((at, data[at:after]))
        at = after
    return children


def _children(data: bytes) -> list[bytes]:
    return [part for _, part in _children_at(data)]


def _content(part: bytes) -> bytes:
    _, start, stop, _ = element(part, 0, len(part))
    return part[start:stop]


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped, _replaced, _truncated, _with_lengths_changed, _with_extensions_moved,
    _with_a_value_changed, _with_a_value_changed, _with_extensions_moved,
)  # fmt: skip


def _differences(mutants: list[bytes]) -> list[tuple[str, str, object, object]]:
    """Return the cells in which the frame and cryptography disagree."""
    differences = []
    for row, der in zip(cells(from_der(mutants)), mutants, strict=True):
        expected = by_cryptography(der)
        if (expected is None) != (row["parse_error"] or "").startswith(REFUSED):
            differences.append(
                (der.hex(), "parse_error", row["parse_error"], expected)
            )
        differences += [
            (der.hex(), column, row[column], value)
            for column, value in (expected or {}).items()
            if value is not UNREAD and row[column] != value
        ]
    return differences


def _mutants(seeds: list[bytes], count: int, seed: int) -> list[bytes]:
    draw = random.Random(seed)
    mutants = []
    for at in range(count):
        damage = DAMAGES[at % len(DAMAGES)]
        mutants.append(damage(draw.choice(seeds), draw))
    return mutants


def test_mutants_have_the_columns_that_cryptography_reads(seeds: list[bytes]) -> None:
    """They agree for a few thousand certificates with every kind of damage."""
    assert _differences(_mutants(seeds, 3000, seed=1)) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(50))
def test_mutants_by_the_hundred_thousand(seeds: list[bytes], seed: int) -> None:
    """They agree for 100,000 damaged certificates, 2,000 at a time."""
    assert _differences(_mutants(seeds, _AT_ONCE, seed=1000 + seed)) == []


@pytest.mark.exhaustive
@pytest.mark.skipif(not CORPUS.exists(), reason="the published cases are not here")
@pytest.mark.parametrize("seed", range(10))
def test_mutants_of_published_certificates(seed: int) -> None:
    """They agree for 20,000 damaged certificates of the public suites, which have many more
    forms.
    """
    draw = random.Random(seed)
    published = pd.read_parquet(CORPUS, columns=["der", "loads_in_cryptography"])
    sound = published.loc[published["loads_in_cryptography"] == "yes", "der"].tolist()
    mutants = []
    while len(mutants) < _AT_ONCE:
        der = draw.choice(sound)
        try:
            mutants.append(draw.choice(DAMAGES)(der, draw))
        except (ValueError, IndexError):
            mutants.append(_flipped(der, draw))
    assert _differences(mutants) == []


def test_both_readers_agree(seeds: list[bytes]) -> None:
    """Certificates that the columnar reader accepts as regular have the same values, and no
    remark, in the tolerant one.
    """
    loaded = [
        der
        for der in _mutants(seeds, 4000, seed=7)
        if by_cryptography(der) is not None
    ]
    columns, odd = columnar.read(loaded)
    lists = {
        name: column if isinstance(column, list) else _plain(column)
        for name, column in columns.items()
    }
    assert 0 < odd.sum() < len(loaded)
    for at, der in enumerate(loaded):
        if not odd[at]:
            row = tolerant.read(der)
            assert row["parse_error"] is None
            assert {name: column[at] for name, column in lists.items()} == {
                name: row.get(name) for name in lists
            }


def _plain(column: object) -> list[object]:
    """Return an Arrow column as a list, times as the tolerant reader counts them."""
    series = column.to_pandas() if str(column.type).startswith("timestamp") else None  # type: ignore[attr-defined]
    return column.to_pylist() if series is None else series.astype("int64").tolist()  # type: ignore[attr-defined]
