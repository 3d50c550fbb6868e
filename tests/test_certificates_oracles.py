"""The columns against what cryptography, asn1crypto and OpenSSL read, on certificates from ten
public suites, and on generated ones of as many kinds.
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
    """Return what the package reads of each blob."""
    return cells(from_der(corpus["der"]))


def test_every_blob_gives_its_row(corpus: pd.DataFrame, tmp_path: Path) -> None:
    """Each blob is a row or several, in order; what is no certificate keeps a reason alone.

    Bytes behind a certificate are no part of it, and a few blobs hold more than one
    certificate, so the fingerprints are compared where cryptography, which takes neither, loads
    the blob.
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
    """As content of unknown kind each blob is found; only files that hold several blocks give
    several rows.
    """
    frame = read_certificates(corpus["der"].tolist())
    rows = frame.groupby("source").size()
    assert len(rows) == len(corpus)
    several = [2, 2, 2, 138] if len(corpus) > 1000 else []
    assert sorted(rows[rows > 1]) == several


def test_each_column_agrees_with_cryptography(
    corpus: pd.DataFrame, read: list[dict[str, Any]]
) -> None:
    """Where cryptography tells a column, the frame tells the same, for every certificate and
    column.
    """
    differences = []
    for row, der in zip(read, corpus["der"], strict=True):
        told = by_cryptography(der) or {}
        differences += [
            (row["fingerprint"], column, row[column], value)
            for column, value in told.items()
            if value is not UNREAD and row[column] != value
        ]
    assert differences == []


def test_what_cryptography_refuses_is_marked(
    corpus: pd.DataFrame, read: list[dict[str, Any]]
) -> None:
    """A row says that it is refused exactly where cryptography refuses to load it, and has no
    verdict of its own.
    """
    for row, loads in zip(read, corpus["loads_in_cryptography"], strict=True):
        assert (row["parse_error"] or "").startswith(REFUSED) == (loads == "no")
        if loads == "no":
            assert row["is_self_signed"] is None


EXPLAINED = {
    # asn1crypto counts whole octets of a modulus or a point: 4095 bits are 4096 to it, P-521
    # has 528; and a key whose point has not the size of its named curve has the size of the
    # point to it.
    "key_size": lambda ours, theirs, row: (
        ours is not None and (0 <= theirs - ours < 8 or row["curve"] is not None)
    ),
    # asn1crypto decodes punycode, and a host's bits behind a mask; the frame shows what is in
    # the certificate.
    "dns_names": lambda ours, theirs, _: len(ours) == len(theirs),
    "ip_addresses": lambda ours, theirs, _: (
        len(ours) == len([each for each in theirs if each])
    ),
    # Ed25519 has no hash of its own in X.509; asn1crypto names the one inside the scheme. An
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
    # cryptography's spelling, curves without a name, and explicit parameters that are those of
    # a named curve.
    "curve": lambda ours, theirs, _: (
        theirs is None or (ours or "").lower() == theirs or theirs[0].isdigit()
    ),
    # The year 0 is no date of pandas or Python, and is shown as the year 1.
    "not_before": lambda ours, theirs, _: (
        ours.year == 1 and getattr(theirs, "year", 0) == 0
    ),
    # UTF-8 within a TeletexString, as devices write it; asn1crypto reads it as Latin-1.
    "subject_cn": lambda ours, theirs, _: ours == theirs.encode("latin-1").decode(),
}
"""Differences to asn1crypto that are meant, by column."""


@pytest.mark.exhaustive
def test_differences_to_asn1crypto_are_explained(
    corpus: pd.DataFrame, read: list[dict[str, Any]]
) -> None:
    """What asn1crypto tells otherwise is either explained, or a field that the certificate
    contradicts itself in.
    """
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
                each in (row["parse_error"] or "")
                for each in (
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
def test_what_openssl_and_asn1crypto_both_read_is_in_the_frame(
    corpus: pd.DataFrame, read: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Of certificates that cryptography refuses, nothing is lost that both OpenSSL and
    asn1crypto read.
    """
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
        told = subprocess.run(command, capture_output=True, check=False)
        if told.returncode:
            continue
        others = by_asn1crypto(der)
        said = dict(
            line.split("=", 1)
            for line in told.stdout.decode("latin-1").splitlines()
            if "=" in line
        )
        if others.get("serial_number", UNREAD) is not UNREAD:
            serial = said["serial"].lower().lstrip("0") or "0"
            assert row["serial_number"] == serial
        for column, label in (("not_before", "notBefore"), ("not_after", "notAfter")):
            if (
                others.get(column, UNREAD) is not UNREAD
                and "Bad time" not in said.get(label, "Bad time")
                and row[column] is None
            ):
                lost.append((row["fingerprint"], column, said[label]))
        lost += [
            (row["fingerprint"], column, value)
            for column, value in others.items()
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
