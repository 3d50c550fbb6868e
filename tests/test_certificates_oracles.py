"""Compare the columns with what cryptography, asn1crypto and OpenSSL read, for certificates from
ten public suites and for generated ones of as many kinds.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import generated_cases
import pandas as pd
import pytest
from certificate_oracles import (
    ASN1CRYPTO,
    UNREAD,
    by_asn1crypto,
    by_cryptography,
    cells,
)

from certtrust.certificates.reading import from_der, read_certificates
from certtrust.x509.reader import REFUSED

CORPUS = Path(__file__).parents[2] / "shared" / "cases" / "certs.parquet"


@pytest.fixture(scope="module", params=["generated", "published"])
def corpus(request: pytest.FixtureRequest) -> pd.DataFrame:
    """Return the blobs of the suites, or generated ones."""
    if request.param == "generated":
        return generated_cases.certificates()
    if not CORPUS.exists():
        pytest.skip("the published cases are not here")
    return pd.read_parquet(CORPUS)


@pytest.fixture(scope="module")
def read(corpus: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the row that the package reads from each blob."""
    return cells(from_der(corpus["der"]))


def test_every_blob_gives_its_row(corpus: pd.DataFrame, tmp_path: Path) -> None:
    """Each blob gives one row or several, in order; other rows have a reason and no certificate.

    Bytes after a certificate are not part of it, and a few blobs contain more than one
    certificate. Cryptography loads neither, so only fingerprints of blobs that it loads are
    compared.
    """
    corpus.to_parquet(tmp_path / "certs.parquet")
    frame = read_certificates(tmp_path / "certs.parquet")
    certificates = corpus["sha256"][corpus["loads_in_cryptography"] == "yes"]
    assert set(certificates) <= set(frame["fingerprint"])
    once = frame["fingerprint"].drop_duplicates(keep=False)
    in_order = once[once.isin(set(certificates))].tolist()
    assert in_order == certificates[certificates.isin(set(once))].tolist()
    others = frame[frame["fingerprint"].isna()]
    assert others["parse_error"].notna().all()
    assert others["der"].isna().all()


def test_blobs_one_by_one_give_their_rows_too(corpus: pd.DataFrame) -> None:
    """Each blob is recognised without its type; only files with several blocks give several
    rows.
    """
    frame = read_certificates(corpus["der"].tolist())
    rows = frame.groupby("source").size()
    assert len(rows) == len(corpus)
    several = [2, 2, 2, 138] if len(corpus) > 1000 else []
    assert sorted(rows[rows > 1]) == several


def test_each_column_agrees_with_cryptography(
    corpus: pd.DataFrame, read: list[dict[str, Any]]
) -> None:
    """Every column that cryptography can read has the same value in the frame."""
    differences = []
    for row, der in zip(read, corpus["der"], strict=True):
        expected = by_cryptography(der) or {}
        differences += [
            (row["fingerprint"], column, row[column], value)
            for column, value in expected.items()
            if value is not UNREAD and row[column] != value
        ]
    assert differences == []


def test_certificates_refused_by_cryptography_are_marked(
    corpus: pd.DataFrame, read: list[dict[str, Any]]
) -> None:
    """A row is marked as refused exactly where this version of cryptography refuses to load the
    certificate, and its signature is not judged.
    """
    for row, der in zip(read, corpus["der"], strict=True):
        is_refused = by_cryptography(der) is None
        assert (row["parse_error"] or "").startswith(REFUSED) == is_refused
        if is_refused:
            assert row["is_self_signed"] is None


EXPLAINED = {
    # asn1crypto counts whole octets of a modulus or a point, so that 4095 bits become 4096 and
    # P-521 has 528. It takes the size of the point where that differs from the named curve.
    "key_size": lambda ours, theirs, row: (
        ours is not None and (0 <= theirs - ours < 8 or row["curve"] is not None)
    ),
    # asn1crypto decodes punycode, and address bits outside a mask; the frame shows the bytes of
    # the certificate.
    "dns_names": lambda ours, theirs, _: len(ours) == len(theirs),
    "ip_addresses": lambda ours, theirs, _: (
        len(ours) == len([address for address in theirs if address])
    ),
    # Ed25519 has no separate hash in X.509; asn1crypto gives the one inside the scheme. An
    # unknown hash has no name, and dsaWithSHA (1.3.14.3.2.13) is SHA-0, which asn1crypto calls
    # SHA-1.
    "signature_hash": lambda ours, theirs, row: (
        ours is None
        and (
            row["signature_algorithm"] in ("ed25519", "ed448", "1.3.14.3.2.13")
            or theirs[0].isdigit()
        )
    ),
    # Kinds that the table names by OID.
    "key_type": lambda ours, theirs, _: (
        ours[0].isdigit() and theirs in ("x25519", "x448", "rsaes_oaep")
    ),
    # Spellings of cryptography, curves without a name, and explicit parameters of a named curve.
    "curve": lambda ours, theirs, _: (
        theirs is None or (ours or "").lower() == theirs or theirs[0].isdigit()
    ),
    # Neither pandas nor Python has a year 0, so it is shown as the year 1.
    "not_before": lambda ours, theirs, _: (
        ours.year == 1 and getattr(theirs, "year", 0) == 0
    ),
    # UTF-8 within a TeletexString, as devices write it; asn1crypto reads it as Latin-1.
    "subject_cn": lambda ours, theirs, _: ours == theirs.encode("latin-1").decode(),
}
"""Intended differences from asn1crypto, by column."""


@pytest.mark.exhaustive
def test_differences_to_asn1crypto_are_explained(
    corpus: pd.DataFrame, read: list[dict[str, Any]]
) -> None:
    """Each difference is explained above, or the certificate contradicts itself in that field."""
    unexplained: Counter[str] = Counter()
    for row, der in zip(read, corpus["der"], strict=True):
        for column, theirs in by_asn1crypto(der).items():
            ours = row[column]
            if theirs is UNREAD or ours == _comparable(theirs):
                continue
            explain = EXPLAINED.get(column)
            if explain and explain(ours, theirs, row):
                continue
            contradicts_itself = any(
                problem in (row["parse_error"] or "")
                for problem in (
                    "occurs",
                    "beyond 64 bits",
                    "basicConstraints",
                    "cut short",
                )
            )
            unexplained[column] += not contradicts_itself
    assert +unexplained == Counter()
    assert set(EXPLAINED) <= set(ASN1CRYPTO)


def _comparable(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return value


@pytest.mark.exhaustive
def test_the_frame_has_every_field_that_openssl_and_asn1crypto_read(
    corpus: pd.DataFrame, read: list[dict[str, Any]], tmp_path: Path
) -> None:
    """No field is lost that both read in a certificate that cryptography refuses."""
    lost = []
    for row, (der, loads) in zip(
        read,
        corpus[["der", "loads_in_cryptography"]].itertuples(index=False),
        strict=True,
    ):
        if loads == "yes":
            continue
        file = tmp_path / "certificate.der"
        file.write_bytes(der)
        command = [
            "openssl",
            "x509",
            "-inform",
            "DER",
            "-in",
            file,
            "-noout",
            "-serial",
            "-dates",
        ]
        process = subprocess.run(command, capture_output=True, check=False)
        if process.returncode:
            continue
        asn1_fields = by_asn1crypto(der)
        openssl_fields = dict(
            line.split("=", 1)
            for line in process.stdout.decode("latin-1").splitlines()
            if "=" in line
        )
        if asn1_fields.get("serial_number", UNREAD) is not UNREAD:
            serial = openssl_fields["serial"].lower().lstrip("0") or "0"
            assert row["serial_number"] == serial
        for column, label in (("not_before", "notBefore"), ("not_after", "notAfter")):
            if (
                asn1_fields.get(column, UNREAD) is not UNREAD
                and "Bad time" not in openssl_fields.get(label, "Bad time")
                and row[column] is None
            ):
                lost.append((row["fingerprint"], column, openssl_fields[label]))
        lost += [
            (row["fingerprint"], column, value)
            for column, value in asn1_fields.items()
            if value is not UNREAD
            and value not in (None, [], "")
            and row[column] in (None, [])
            if column
            in (
                "subject_cn",
                "issuer_cn",
                "organisation",
                "country",
                "dns_names",
                "version",
            )
        ]
    assert lost == []
