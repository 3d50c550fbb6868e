"""Certificates in every kind of file: each block is a row, in order, and none is lost silently."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import subprocess
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import certifi
import pandas as pd
import pytest
import trustme
from certificate_oracles import cells
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs7,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from certtrust import schema
from certtrust.certificates.containers import pem as pem_container
from certtrust.certificates.reading import days_left, from_der, read_certificates
from certtrust.errors import CerttrustError
from certtrust.formats import About
from certtrust.x509.ber import encoded
from certtrust.x509.reader import REFUSED


class Issued:
    """A leaf with its key and its CA, in several encodings."""

    def __init__(self) -> None:
        authority = trustme.CA()
        leaf = authority.issue_cert(
            "phone.example.com", "192.0.2.7", common_name="0090332f688a"
        )
        self.pems = [leaf.cert_chain_pems[0].bytes(), authority.cert_pem.bytes()]
        self.key_pem = leaf.private_key_pem.bytes()
        self.certificates = [x509.load_pem_x509_certificate(pem) for pem in self.pems]
        self.ders = [
            certificate.public_bytes(Encoding.DER)
            for certificate in self.certificates
        ]
        self.key = load_pem_private_key(self.key_pem, None)
        self.bundle = b"".join(
            b"Certificate:\n    Data: text between\n" + pem for pem in self.pems
        )

    def pkcs12(self, password: bytes | None) -> bytes:
        """Return a key store."""
        protection = BestAvailableEncryption(password) if password else NoEncryption()
        leaf, authority = self.certificates
        return pkcs12.serialize_key_and_certificates(
            b"phone", self.key, leaf, [authority], protection
        )


@pytest.fixture(scope="module")
def issued() -> Issued:
    """Return the certificates that the files are made of."""
    return Issued()


def _lines(pem: bytes, prefix: bytes) -> bytes:
    return b"".join(prefix + line + b"\n" for line in pem.splitlines())


def _unwrapped(pem: bytes) -> bytes:
    head, *body, tail = pem.splitlines()
    return b"\n".join((head, b"".join(body), tail, b""))


SHAPES: dict[str, Callable[[Issued], bytes | str]] = {
    "PEM with text between": lambda i: i.bundle,
    "PEM as text": lambda i: i.bundle.decode(),
    "CRLF": lambda i: i.bundle.replace(b"\n", b"\r\n"),
    "CR": lambda i: i.bundle.replace(b"\n", b"\r"),
    "BOM": lambda i: b"\xef\xbb\xbf" + i.bundle,
    "UTF-16": lambda i: i.bundle.decode().encode("utf-16"),
    "no final newline": lambda i: i.bundle.rstrip(),
    "one line per block": lambda i: b"".join(_unwrapped(pem) for pem in i.pems),
    "indented in YAML": lambda i: b"tls.crt: |\n" + _lines(i.bundle, b"    "),
    "escaped in a quoted text": lambda i: 'ca: "' + i.bundle.decode().replace("\n", "\\n") + '"',
    "headers within a block": lambda i: i.bundle.replace(
        b"-----\nMI", b"-----\nX-Of: a\nY: b\n\nMI"
    ),
    "X509 CERTIFICATE": lambda i: i.bundle.replace(b" CERTIFICATE-", b" X509 CERTIFICATE-"),
    "DER back to back": lambda i: b"".join(i.ders),
    "DER with line ends between": lambda i: b"\r\n".join(i.ders),
    "PKCS#7 DER": lambda i: pkcs7.serialize_certificates(i.certificates, Encoding.DER),
    "PKCS#7 PEM": lambda i: pkcs7.serialize_certificates(i.certificates, Encoding.PEM),
    "PKCS#12 without a password": lambda i: i.pkcs12(None),
    "PKCS#12 with its password": lambda i: i.pkcs12(b"secret"),
    "base64, a line each": lambda i: b"\n".join(base64.b64encode(der) for der in i.ders),
    "base64 in paragraphs": lambda i: b"\n".join(base64.encodebytes(der) for der in i.ders),
    "hex in variables": lambda i: "\n".join(
        f"X509/0000{at} pb {der.hex()}" for at, der in enumerate(i.ders)
    ),
    "s_client -showcerts": lambda i: (
        b"CONNECTED(00000003)\n---\n 0 s:CN = x\n   i:CN = y\n" + i.bundle + b"---\n"
    ),
    "gzip": lambda i: gzip.compress(i.bundle),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_rows(issued: Issued, shape: str) -> None:
    """The same two certificates are read in order, with the device of the CN."""
    frame = read_certificates(SHAPES[shape](issued), password="secret")
    # PKCS#7 has a set of certificates, which DER sorts.
    order = sorted if "PKCS#7" in shape else list
    assert order(frame["der"]) == order(issued.ders)
    assert frame["parse_error"].isna().all()
    assert frame["position"].tolist() == [0, 1]
    assert set(frame["device"].dropna()) == {"0090332f688a"}
    assert len(set(frame["bundle"])) == 1
    assert [column.name for column in schema.CERTIFICATES] == list(frame.columns)


def test_certificates_in_pkcs7_are_not_changed(issued: Issued) -> None:
    """Even one that strict readers refuse is taken out byte for byte."""
    odd = issued.ders[0].replace(b"0090332f688a", b"009033\xff\xff\xff\xff\xff\xff")
    container = pkcs7.serialize_certificates(
        issued.certificates, Encoding.DER
    ).replace(issued.ders[0], odd)
    assert set(read_certificates(container)["der"]) == {odd, issued.ders[1]}


def test_the_trust_settings_that_openssl_appends_are_dropped(
    issued: Issued, tmp_path: Path
) -> None:
    """A `TRUSTED CERTIFICATE` block has the certificate and the purposes it is trusted for."""
    (tmp_path / "c.pem").write_bytes(issued.pems[0])
    command = [
        "openssl",
        "x509",
        "-in",
        tmp_path / "c.pem",
        "-addtrust",
        "clientAuth",
        "-trustout",
    ]
    trusted = subprocess.run(command, capture_output=True, check=True).stdout
    assert trusted.startswith(b"-----BEGIN TRUSTED CERTIFICATE-----")
    assert read_certificates(trusted)["der"].tolist() == issued.ders[:1]


def _key_files(issued: Issued) -> dict[str, bytes]:
    key = issued.key
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
    )
    locked = BestAvailableEncryption(b"secret")
    public = key.public_key()
    return {
        "PRIVATE KEY: a private key": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        "EC PRIVATE KEY: a private key": key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ),
        "ENCRYPTED PRIVATE KEY: a private key": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, locked
        ),
        "CERTIFICATE REQUEST: a certificate signing request": request.public_bytes(
            Encoding.PEM
        ),
        "PUBLIC KEY: a public key": public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ),
    }


def test_keys_and_requests_are_named_and_skipped(issued: Issued) -> None:
    """Each is a row that says what it is, in PEM and in DER, without any of its content."""
    for name, pem in _key_files(issued).items():
        frame = read_certificates(issued.pems[0] + pem + issued.pems[1])
        assert frame["parse_error"].iloc[1] == f"{name}, skipped"
        assert frame["der"].tolist() == [issued.ders[0], None, issued.ders[1]]
        assert pd.isna(frame["fingerprint"].iloc[1])
        der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
        alone = read_certificates(der)
        assert alone["parse_error"].tolist() == [
            f"{name.partition(': ')[2]}, skipped"
        ]
        assert alone["der"].tolist() == [None]


def test_rsa_and_dsa_keys_in_der_are_kept_out() -> None:
    """The traditional forms of private keys are sequences of integers."""
    numbers = b"".join(encoded(2, bytes([n + 1])) for n in range(8))
    assert read_certificates(encoded(0x30, encoded(2, b"\0") + numbers))[
        "parse_error"
    ].tolist() == ["a private key, skipped"]


def test_key_stores_need_their_password(issued: Issued) -> None:
    """Without the password, or with a wrong one, the file is a row that says so; the key never
    enters the frame.
    """
    store = issued.pkcs12(b"secret")
    assert read_certificates(store)["parse_error"].tolist() == [
        "PKCS#12: the password is missing"
    ]
    assert (
        "nvalid password"
        in read_certificates(store, password="wrong")["parse_error"].iloc[0]
    )
    frame = read_certificates(store, password=b"secret")
    secret = issued.key.private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )
    number = issued.key.private_numbers().private_value.to_bytes(32, "big")
    contents = "".join(
        cell.hex() if isinstance(cell, bytes) else str(cell)
        for row in cells(frame)
        for cell in row.values()
    )
    assert secret.hex() not in contents
    assert number.hex() not in contents


def test_a_key_store_with_an_odd_certificate_raises_no_warning(
    issued: Issued,
) -> None:
    """The row shows what cryptography warns about, here a negative serial number."""
    serial = issued.certificates[0].serial_number
    negative = issued.ders[0].replace(
        serial.to_bytes(20, "big"),
        (serial - (1 << 159)).to_bytes(20, "big", signed=True),
        1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        leaf = x509.load_der_x509_certificate(negative)
    store = pkcs12.serialize_key_and_certificates(
        None, issued.key, leaf, None, NoEncryption()
    )
    frame = read_certificates(store)
    assert frame["der"].tolist() == [negative]
    assert frame["serial_number"].tolist() == [format(serial - (1 << 159), "x")]


def test_a_key_store_that_asks_for_endless_hashing_is_refused(issued: Issued) -> None:
    """More than ten million rounds are not tried."""
    store = issued.pkcs12(b"secret")
    (salt_and_rounds,) = {
        store[at : at + 4]
        for at in range(len(store))
        if store[at : at + 4] == b"\x02\x02\x4e\x20"
    }
    hostile = store.replace(salt_and_rounds, b"\x02\x02\x7f\xff")
    assert (
        "rounds"
        not in read_certificates(hostile, password="secret")["parse_error"].iloc[0]
    )
    rounds = encoded(
        0x30, encoded(0x04, b"salt") + encoded(0x02, b"\x7f\xff\xff\xff")
    )
    _, inner = store[:4], store[4:]
    assert (
        "rounds of hashing"
        in read_certificates(encoded(0x30, inner + rounds))["parse_error"].iloc[0]
    )


def test_files_archives_and_globs(issued: Issued, tmp_path: Path) -> None:
    """The name of a file gives the device of all its rows, within archives too."""
    (tmp_path / "0090331a2b3c.pem").write_bytes(issued.bundle)
    (tmp_path / "hq-IP222-2f-68-8b.der").write_bytes(issued.ders[0])
    (tmp_path / "Swphone_user0.pem.gz").write_bytes(gzip.compress(issued.pems[1]))
    with zipfile.ZipFile(tmp_path / "phones.zip", "w") as archive:
        archive.writestr("north/00-90-33-2F-68-8C.crt", issued.bundle)
    with tarfile.open(tmp_path / "t.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "0090331a2b3c.pem", f"{'9c1f00112233' * 5}.pem")
    frame = read_certificates(tmp_path)
    assert dict(zip(frame["source"], frame["device"].fillna("?"), strict=True)) == {
        "0090331a2b3c.pem": "0090331a2b3c",
        "Swphone_user0.pem.gz": "swphone_user0",
        "hq-IP222-2f-68-8b.der": "IP222-2f-68-8b",
        "phones.zip/north/00-90-33-2F-68-8C.crt": "0090332f688c",
        f"t.tar.gz/{'9c1f00112233' * 5}.pem": "?",
    }
    assert len(frame) == 2 + 1 + 1 + 2 + 2
    assert len(read_certificates(str(tmp_path / "*.pem*"))) == 3


def test_several_processes_read_the_same(issued: Issued, tmp_path: Path) -> None:
    """With `workers`, files and archive members are shared among processes; the frame stays the
    same.
    """
    for at in range(5):
        (tmp_path / f"{at}.pem").write_bytes(issued.bundle)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("one.pem", issued.bundle)
    pd.testing.assert_frame_equal(
        read_certificates(tmp_path, workers=2), read_certificates(tmp_path)
    )


def test_tables_carry_certificates_and_devices(
    issued: Issued, tmp_path: Path
) -> None:
    """In Parquet, CSV, JSON and JSON lines, a row is a bundle, a cell may contain a chain, and
    an empty cell gives a row.
    """
    leaf, authority = (pem.decode() for pem in issued.pems)
    pd.DataFrame({"device": ["IP222-2F-68-8A", None], "der": issued.ders}).to_parquet(
        tmp_path / "a.parquet"
    )
    table = pd.DataFrame(
        {
            "Serial": ["0090331a2b3c", "", "x"],
            "PEM": [leaf + authority, "", authority],
        }
    )
    table.to_csv(tmp_path / "b.csv", index=False, sep=";")
    records = [
        {"host": "a.example.com", "tls": {"pem": leaf}},
        {"host": "b.example.com"},
    ]
    (tmp_path / "c.json").write_text(json.dumps(records).replace("/", "\\/"))
    (tmp_path / "d.jsonl").write_text(
        "\n".join(json.dumps(record) for record in records) + "\nno json"
    )
    frame = read_certificates(tmp_path)
    rows = [
        tuple(row[column] for column in ("bundle", "device", "parse_error"))
        for row in cells(frame)
    ]
    missing = "no certificate in this row"
    assert rows[:8] == [
        ("a.parquet#0", "IP222-2f-68-8a", None),
        ("a.parquet#1", None, None),
        (
            "b.csv#0",
            "0090331a2b3c",
            "named after 0090331a2b3c, but its CN is 0090332f688a",
        ),
        ("b.csv#0", "0090331a2b3c", None),
        ("b.csv#1", None, missing),
        ("b.csv#2", "x", None),
        ("c.json#0", "a.example.com", None),
        ("c.json#1", "b.example.com", missing),
    ]
    assert frame["fingerprint"].notna().sum() == 2 + 3 + 1 + 1


def test_one_column_is_a_table_only_with_cells(issued: Issued) -> None:
    """A word above PEM blocks is text; above quoted cells it is the name of their column."""
    for content in (
        b"chain\n" + issued.bundle,
        b'pem\n"' + issued.pems[0] + b'"\n"' + issued.pems[1] + b'"\n',
    ):
        frame = read_certificates(content)
        assert frame["der"].tolist() == issued.ders
        assert (frame["bundle"] == "<bytes>").all() == content.startswith(b"chain")


def test_a_hundred_thousand_problems_give_a_short_text() -> None:
    """The length of parse_error is bounded, whatever is in a certificate."""
    nothing = encoded(0x30, b"")
    extensions = encoded(
        0xA3,
        encoded(
            0x30,
            b"".join(
                encoded(0x30, encoded(6, bytes([1, n % 100]))) for n in range(99_999)
            ),
        ),
    )
    signed = encoded(0x30, encoded(2, b"\1") + nothing * 5 + extensions)
    (error,) = from_der([encoded(0x30, signed + nothing + encoded(3, b"\0"))])[
        "parse_error"
    ]
    assert error.startswith(REFUSED)
    assert len(error) < 5000


def test_a_table_of_another_kind_says_so(tmp_path: Path) -> None:
    """A Parquet file without certificates, and a damaged one, are rows with their reason."""
    pd.DataFrame({"name": ["x"]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + bytes(50) + b"PAR1")
    errors = read_certificates(tmp_path)["parse_error"].tolist()
    assert "without a column of certificates" in errors[0]
    assert "cannot be read" in errors[1]


def test_secrets_of_kubernetes(issued: Issued) -> None:
    """They have base64 of PEM, in YAML and in JSON; the key beside it is reported."""
    encoded_bundle, key = (
        base64.b64encode(content).decode()
        for content in (issued.bundle, issued.key_pem)
    )
    as_yaml = (
        f"apiVersion: v1\nkind: Secret\ndata:\n  "
        f"tls.crt: {encoded_bundle}\n  tls.key: {key}\n"
    )
    as_json = json.dumps(
        {
            "items": [
                {
                    "kind": "Secret",
                    "data": {"tls.crt": encoded_bundle, "tls.key": key},
                }
            ]
        }
    )
    wrapped = (
        base64.encodebytes(b"".join(issued.pems)).decode().replace("\n", "\n    ")
    )
    folded = (
        f"apiVersion: v1\nkind: Secret\ndata:\n  "
        f"tls.crt: >-\n    {wrapped}\n  tls.key: {key}\n"
    )
    for text in (as_yaml, as_json, folded):
        frame = read_certificates(text)
        assert frame["der"].tolist() == [*issued.ders, None]
        assert (
            frame["parse_error"].iloc[2] == "EC PRIVATE KEY: a private key, skipped"
        )


@pytest.mark.parametrize("size", range(56, 64))
def test_damaged_base64_of_pem_does_not_fail(size: int) -> None:
    """It is a row at any remaining length."""
    written = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n" + b"M" * 50)[:size]
    assert read_certificates(b"tls.crt: " + written)["parse_error"].notna().all()


def test_the_listing_of_a_device_has_no_der() -> None:
    """It gives names and dates, but no column that needs the certificate; unreadable values are
    reported.
    """
    listing = (
        '<info><servercert><certificate subject_cn="0090332f688a" issuer_cn="A &amp; B, CA" '
        'not_before="2019-05-01T00:00:00" not_after="2039-05-01 12:00:00"/>'
        "<certificate subject_cn='-- no CN --' issuer_cn='x' not_before='1556668800' "
        "not_after='01.05.2039'/>"
        "<certificate subject_cn='y' issuer_cn='x' not_before='03/04/2019' not_after='May  1 "
        "12:00:00 2039 GMT'/>"
        "</servercert><requests><request/></requests></info>"
    )
    frame = read_certificates(listing)
    assert frame["subject_cn"].fillna("?").tolist() == ["0090332f688a", "?", "y", "?"]
    assert frame["issuer"].iloc[0] == "CN=A & B\\, CA"
    assert frame["device"].iloc[0] == frame["serial"].iloc[0] == "0090332f688a"
    assert frame["not_after"].astype("str").tolist()[:3] == [
        "2039-05-01 12:00:00+00:00",
        "2039-05-01 00:00:00+00:00",
        "2039-05-01 12:00:00+00:00",
    ]
    assert frame["not_before"].dt.year.tolist()[:2] == [2019, 2019]
    assert frame["parse_error"].iloc[2] == "not_before: no time: '03/04/2019'"
    assert frame["parse_error"].iloc[3] == "a certificate signing request, skipped"
    for column in (
        "fingerprint",
        "der",
        "is_self_signed",
        "self_issued",
        "key_type",
        "is_ca",
    ):
        assert frame[column].isna().all()


def test_damaged_pem_is_a_row_with_its_reason(issued: Issued) -> None:
    """The END line is missing, the certificate is cut short, the content is not base64, or the
    BEGIN line does not end.
    """
    leaf = issued.pems[0]
    cases = {
        leaf.partition(b"-----END")[0]
        + issued.pems[1]: "PEM: the END line is missing",
        leaf[:400]: "cut short",
        b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"
        + leaf: "no SEQUENCE",
        b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"
        + leaf: "base64",
        b"-----BEGIN CERTIFICATE\n" + leaf: "a BEGIN line that does not end",
    }
    for content, reason in cases.items():
        frame = read_certificates(content)
        assert len(frame) == content.count(b"BEGIN")
        assert reason in frame["parse_error"].iloc[0], reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "nothing is there"), (b" \n", "nothing is there"), (b"hello\nworld",
    "no certificate is found"),
     (b"PK\x03\x04", "unreadable ZIP archive")],
)  # fmt: skip
def test_a_file_without_certificates_is_one_row(content: bytes, reason: str) -> None:
    """No file disappears."""
    frame = read_certificates(content)
    assert len(frame) == 1
    assert reason in frame["parse_error"].iloc[0]


def test_large_files_are_read_piece_by_piece(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No block is lost or cut at the end of a piece, and text around blocks does not matter."""
    content = issued.bundle * 3 + issued.key_pem + b"tail without a block"
    expected = read_certificates(content)
    for window in (100, 333, 1000, 1024, len(content) - 1):
        monkeypatch.setattr(pem_container, "WINDOW", window)
        parts = list(pem_container.read(io.BytesIO(content), About("list.pem")))
        ders = [part if isinstance(part, bytes) else part.der for part in parts]
        assert ders == expected["der"].tolist()


@pytest.mark.parametrize(
    "path", ["/etc/ssl/certs/ca-certificates.crt", certifi.where()]
)
def test_system_bundles_are_read_without_a_lost_block(path: str) -> None:
    """Almost every CA that browsers and systems trust is self-signed and read without a remark."""
    if not Path(path).exists():
        pytest.skip("this system keeps its CAs elsewhere")
    frame = read_certificates(path)
    assert (
        len(frame)
        == Path(path).read_bytes().count(b"-----BEGIN CERTIFICATE-----")
        > 100
    )
    assert frame["parse_error"].isna().all()
    assert frame["is_ca"].all()
    assert frame["is_self_signed"].mean() > 0.95


def _self_signed(common_name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    start = pd.Timestamp("2020-01-01").to_pydatetime()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
    )
    builder = (
        builder.serial_number(5)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=9999))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("common_name", "serial", "model", "device"),
    [
        ("0090332f688a", "0090332f688a", None, "0090332f688a"),
        ("00:90:33:2F:68:8A", "0090332f688a", None, "0090332f688a"),
        ("IP222-2f-68-8a", None, "IP222", "IP222-2f-68-8a"),
        ("ip29-2-2F-68-8A", None, "IP29-2", "IP29-2-2f-68-8a"),
        ("phone.example.com", None, None, None),
        ("0090332f688", None, None, None),
    ],
)
def test_the_common_name_gives_the_device(
    common_name: str, serial: str | None, model: str | None, device: str | None
) -> None:
    """It may be a serial or a hardware ID in any spelling; another name gives no device."""
    (row,) = cells(from_der([_self_signed(common_name)]))
    assert (row["serial"], row["model"], row["device"]) == (serial, model, device)


def test_self_signed_is_verified(issued: Issued) -> None:
    """Equal names are not enough: a changed signature gives False, a refused certificate a
    missing value.
    """
    der = _self_signed("softphone")
    broken = der[:-1] + bytes([der[-1] ^ 1])
    frame = from_der([der, broken, issued.ders[0], der + b"\0"])
    assert frame["self_issued"].tolist()[:3] == [True, True, False]
    assert frame["is_self_signed"].astype("object").tolist() == [
        True,
        False,
        False,
        pd.NA,
    ]
    assert frame["parse_error"].iloc[3].startswith(REFUSED)


def test_from_der_keeps_order_and_names() -> None:
    """Certificates of a handshake are one bundle with the host as device, and are numbered
    within each source.
    """
    der = _self_signed("x")
    frame = from_der(
        [der, der, der],
        source=["a", "b", "a"],
        bundle="handshake",
        device="Phone.example.com",
    )
    assert frame["position"].tolist() == [0, 0, 1]
    assert frame["bundle"].unique().tolist() == ["handshake"]
    assert frame["device"].unique().tolist() == ["phone.example.com"]
    named = from_der([der, der], source=["IP222-2f-68-8a.pem", "<der>"])
    assert named["device"].fillna("?").tolist() == ["IP222-2f-68-8a", "?"]
    assert from_der([]).dtypes.astype("str").equals(frame.dtypes.astype("str"))


def test_no_two_rows_share_a_list(issued: Issued) -> None:
    """Changing a list in one row does not change another row."""
    frame = from_der([issued.ders[1], issued.ders[1], b"0"])
    for column in ("dns_names", "ip_addresses"):
        assert len({id(cell) for cell in frame[column]}) == 3
        assert frame[column].tolist() == [[], [], []]


def test_days_left_counts_from_a_moment() -> None:
    """Days have fractions and are negative after the end; far dates work, and each row may have
    a moment of its own.
    """
    ends = ["2026-02-01", "2025-12-31 12:00", "9999-12-31 23:59:59", None]
    not_after = pd.to_datetime(pd.Series(ends), utc=True, format="ISO8601").astype(
        "datetime64[us, UTC]"
    )
    frame = pd.DataFrame({"not_after": not_after})
    assert days_left(frame, "2026-01-01").tolist()[:2] == [31.0, -0.5]
    assert days_left(frame, "2026-01-01").iloc[2] > 2_900_000
    assert pd.isna(days_left(frame, "2026-01-01").iloc[3])
    moments = pd.Series(
        pd.to_datetime(
            ["2026-01-31", "2025-12-31", "2026-01-01", "2026-01-01"], utc=True
        )
    )
    assert days_left(frame, moments).tolist()[:2] == [1.0, 0.5]
    assert (days_left(frame).iloc[:2] < 100_000).all()
    with pytest.raises(CerttrustError, match="ISO form"):
        days_left(frame, "01.06.2026")


def test_progress_goes_to_the_error_stream(
    issued: Issued, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bar is shown only on request."""
    read_certificates(issued.bundle)
    assert capsys.readouterr().err == ""
    read_certificates(issued.bundle, progress=True)
    assert "certificates" in capsys.readouterr().err


@given(st.text("MIDabc+/= \n", max_size=200))
def test_any_base64_gives_a_row(text: str) -> None:
    """Letters, blanks and padding may be in any order."""
    assert len(read_certificates(text.encode())) >= 1


@given(st.binary(max_size=300), st.integers(0, 5))
def test_any_content_gives_a_row(data: bytes, shape: int) -> None:
    """Each source has a row that says something."""
    content = [data, b"-----BEGIN CERTIFICATE-----" + data, b"0\x82" + data, b"{" + data,
        b"<info><certificate " + data,
               b"pem,device\n" + data][shape]  # fmt: skip
    frame = read_certificates(content)
    assert len(frame) >= 1
    has_content = (
        frame[["fingerprint", "parse_error", "subject_cn", "issuer_cn"]]
        .notna()
        .any(axis=1)
    )
    assert has_content.all()


def test_private_keys_never_enter_a_frame_however_they_are_damaged(
    issued: Issued,
) -> None:
    """No part of a PEM key that is cut short is in the frame."""
    draw = random.Random(1)
    secret = issued.key.private_numbers().private_value.to_bytes(32, "big")
    for _ in range(50):
        cut = issued.key_pem[: draw.randrange(60, len(issued.key_pem))]
        frame = read_certificates(issued.pems[0] + cut)
        assert not any(secret[:8] in der for der in frame["der"].dropna())
