"""Unusual curves, parameters, lengths and times are read as far as they go, in bulk as singly."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from certificate_oracles import cells
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certtrust.certificates.reading import from_der
from certtrust.trust.issuers import issuer
from certtrust.x509 import fields, tolerant
from certtrust.x509.ber import INTEGER, OID, SEQUENCE, children, content, encoded
from certtrust.x509.reader import REFUSED
from certtrust.x509.structure import structure
from certtrust.x509.times import regular_times, time

_KEY = ec.generate_private_key(ec.SECP256R1())
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "0090331a2b3c")])
_EC = encoded(OID, bytes.fromhex("2a8648ce3d0201"))


def _with_extension(oid: x509.ObjectIdentifier, value: bytes) -> bytes:
    """Return a certificate with one extension of that value."""
    extension = x509.UnrecognizedExtension(oid, value)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(_KEY.public_key())
        .serial_number(77)
        .not_valid_before(dt.datetime(2024, 1, 1))
        .not_valid_after(dt.datetime(2034, 1, 1))
        .add_extension(extension, critical=False)
    )
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("oid", "curve", "size", "has_name"),
    [
        ("2a811ccf5501822d", "SM2", 256, True),
        ("672b010401", "wap-wsg-idm-ecid-wtls1", 113, True),
        ("2a8648ce3d03017f", "1.2.840.10045.3.1.127", None, False),
    ],
)
def test_curves_are_shown_by_name_or_else_by_oid(
    oid: str, curve: str, size: int | None, has_name: bool
) -> None:
    """A curve without a name is shown by its OID and reported as a problem."""
    algorithm = fields.key_algorithm(_EC + encoded(OID, bytes.fromhex(oid)))
    assert (
        algorithm.kind,
        algorithm.curve,
        algorithm.size,
        algorithm.problem is None,
    ) == (
        "EC",
        curve,
        size,
        has_name,
    )


def test_explicit_parameters_give_the_degree_of_a_binary_field() -> None:
    """The size of a key is that of its field: the degree where the field is binary (X9.62)."""
    basis = encoded(OID, bytes.fromhex("2a8648ce3d01020302"))
    binary = encoded(
        SEQUENCE, encoded(INTEGER, b"\0\xa3") + basis + encoded(INTEGER, b"\7")
    )
    field = encoded(SEQUENCE, encoded(OID, bytes.fromhex("2a8648ce3d0102")) + binary)
    algorithm = fields.key_algorithm(
        _EC + encoded(SEQUENCE, encoded(INTEGER, b"\1") + field)
    )
    assert (algorithm.size, algorithm.curve) == (163, None)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "3000",
        "30020500",
        "300406022a03",
        "300606022a033000",
        "301006022a03300a0208" + "7f" * 8,
    ],
)
def test_useless_explicit_parameters_are_reported(field: str) -> None:
    """Parameters may be empty, cut short, or of an impossible field."""
    for parameters in (
        b"",
        encoded(INTEGER, b"\1"),
        encoded(INTEGER, b"\1") + bytes.fromhex(field),
    ):
        algorithm = fields.key_algorithm(_EC + encoded(SEQUENCE, parameters))
        assert (algorithm.kind, algorithm.size, algorithm.curve) == ("EC", None, None)
        assert algorithm.problem


@pytest.mark.parametrize(
    ("arc", "value", "column", "cell"),
    [
        (17, "3003820161", "dns_names", ["a"]),
        (19, "30030101ff", "is_ca", True),
        (15, "030205a0", "key_usage", "digitalSignature,keyEncipherment"),
        (37, "300406022a03", "extended_key_usage", "1.2.3"),
        (14, "04020102", "subject_key_id", "0102"),
        (35, "300480020102", "authority_key_id", "0102"),
    ],
)
def test_bytes_after_a_value_are_reported_and_the_value_is_kept(
    arc: int, value: str, column: str, cell: object
) -> None:
    """The value of an extension is one element; it is shown although bytes follow it."""
    oid = x509.ObjectIdentifier(f"2.5.29.{arc}")
    (row,) = cells(from_der([_with_extension(oid, bytes.fromhex(value))]))
    assert (row[column], row["parse_error"]) == (cell, None)
    (row,) = cells(from_der([_with_extension(oid, bytes.fromhex(value) + b"\0")]))
    assert (row[column], row["parse_error"]) == (
        cell,
        f"extension 2.5.29.{arc}: bytes after the value",
    )


def test_a_certificate_beyond_three_octets_of_length_is_read() -> None:
    """Fields after an extension of sixteen megabytes are still read."""
    der = _with_extension(x509.ObjectIdentifier("1.2.3"), bytes(1 << 24))
    (row,) = cells(from_der([der]))
    assert (row["subject"], row["signature_hash"], row["parse_error"]) == (
        "CN=0090331a2b3c",
        "sha256",
        None,
    )


_GENERAL_NAME = st.tuples(
    st.sampled_from([0x82, 0x82, 0x82, 0x82, 0x87, 0x81]),
    st.one_of(
        st.sampled_from(
            [b"", b"a.example.com", b"\xc3\xbc.de", b"\xff", b"x" * 130, bytes(4)]
        ),
        st.binary(max_size=5),
    ),
).map(lambda pair: encoded(*pair))
# Lengths of no octet, of more than three, and with zeros in front, which DER forbids.
_ODD_LENGTHS = st.sampled_from(
    [
        "828400000003820161",
        "8280820161",
        "82810161",
        "8285000000000161",
        "82ff",
        "8284ff",
    ]
)
_LISTS = st.builds(
    lambda names, tail, tag: encoded(tag, b"".join(names)) + tail,
    st.lists(_GENERAL_NAME | _ODD_LENGTHS.map(bytes.fromhex), max_size=6)
    | st.integers(38, 43).map(lambda many: [encoded(0x82, b"n")] * many),
    st.sampled_from([b"", b"", b"", b"\0", b"\x82"]),
    st.sampled_from([SEQUENCE, SEQUENCE, SEQUENCE, 0x31]),
)


@given(st.lists(_LISTS, min_size=1, max_size=4))
def test_names_of_many_certificates_are_those_of_each(lists: list[bytes]) -> None:
    """For any lists of names, reading all at once gives the same as the tolerant reader."""
    ders = [
        _with_extension(x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME, names)
        for names in lists
    ]
    for row, der in zip(cells(from_der(ders)), ders, strict=True):
        single = tolerant.read(der)
        for column in ("dns_names", "ip_addresses", "other_names"):
            assert row[column] == single.get(column), column
        assert row["parse_error"] == single["parse_error"]


def _with_times(first: tuple[int, bytes], last: tuple[int, bytes]) -> bytes:
    """Return a certificate with this validity and an invalid signature."""
    der = _with_extension(x509.ObjectIdentifier("1.2.3"), b"\5\0")
    parts = children(content(der, SEQUENCE))
    fields_ = children(content(parts[0], SEQUENCE))
    fields_[4] = encoded(SEQUENCE, encoded(*first) + encoded(*last))
    return encoded(
        SEQUENCE, encoded(SEQUENCE, b"".join(fields_)) + b"".join(parts[1:])
    )


@pytest.mark.parametrize(
    ("tag", "text", "shown", "note"),
    [
        (0x17, b"240229235959Z", "2024-02-29 23:59:59", None),
        (0x17, b"500101000000Z", "1950-01-01", None),
        (0x18, b"20240229235959Z", "2024-02-29 23:59:59", None),
        (
            0x18,
            b"20240229235959.25Z",
            "2024-02-29 23:59:59.250",
            "a time with a fraction of a second",
        ),
        (
            0x18,
            b"20240229235959,5Z",
            "2024-02-29 23:59:59.500",
            "a time with a fraction of a second",
        ),
        (0x17, b"2402292359Z", "2024-02-29 23:59", "a time without seconds"),
        (0x18, b"2024022923Z", "2024-02-29 23:00", "a time without seconds"),
        (0x17, b"240229235959+0130", "2024-02-29 22:29:59", "a time with an offset"),
        (
            0x18,
            b"20240229235959-0130",
            "2024-03-01 01:29:59",
            "a time with an offset",
        ),
        (
            0x18,
            b"20240229235959",
            "2024-02-29 23:59:59",
            "a time without a zone, taken as UTC",
        ),
        (
            0x17,
            b"2402292359-0130",
            "2024-03-01 01:29",
            "a time with an offset, a time without seconds",
        ),
        (0x18, b"00000101000000Z", "0001-01-01", "the year 0, shown as the year 1"),
    ],
)
def test_columns_and_the_trust_rule_read_the_same_times(
    tag: int, text: bytes, shown: str, note: str | None
) -> None:
    """The time shown is the time that the trust rule uses, and an unusual form is reported."""
    der = _with_times((0x17, b"200101000000Z"), (tag, text))
    (row,) = cells(from_der([der]))
    assert pd.Timestamp(row["not_after"]) == pd.Timestamp(shown, tz="UTC")
    notes = [
        part
        for part in (row["parse_error"] or "").split("; ")
        if part and not part.startswith(REFUSED)
    ]
    assert notes == ([f"not_after: {note}"] if note else [])
    parts = structure(der)
    assert parts is not None
    issuer_fields = issuer(parts)
    assert issuer_fields is not None
    last_second = (
        pd.Timestamp(shown, tz="UTC").as_unit("us").to_datetime64().astype("int64")
        + 999_999
    )
    assert issuer_fields.not_after == last_second


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Z",
        b"240230000000Z",
        b"24010100000.Z",
        b"2401010000001Z",
        b"240101000000ZZ",
    ],
)
def test_an_invalid_time_is_missing_for_both(text: bytes) -> None:
    """Neither a column nor the trust rule makes a date of it."""
    der = _with_times((0x17, text), (0x17, b"300101000000Z"))
    (row,) = cells(from_der([der]))
    assert pd.isna(row["not_before"])
    assert "not_before: no time" in row["parse_error"]
    parts = structure(der)
    assert parts is not None
    assert issuer(parts) is None


@given(
    st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2049, 12, 31)), st.booleans()
)
def test_the_two_regular_forms_are_read_alike_by_both_readers(
    when: dt.datetime, is_long: bool
) -> None:
    """A regular time is the same moment, read in bulk or singly."""
    text = when.strftime("%Y%m%d%H%M%SZ").encode()
    tag, text = (0x18, text) if is_long else (0x17, text[2:])
    digits = np.frombuffer(text[:-1].rjust(14, b"0"), np.uint8).astype(np.int64)[
        :, None
    ]
    moments, sound = regular_times(np.array([is_long]), digits)
    assert (sound[0], moments[0]) == (True, time(tag, text).moment)
    assert time(tag, text).problem is None
