"""Containers of certificates: content decides, nothing is lost, and no key enters a frame."""

from __future__ import annotations

import base64
import codecs
import random
import struct
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from test_certificates import Issued
from thoroughness import examples

from certtrust import CerttrustError
from certtrust.certificates.reading import read_certificates
from certtrust.certificates.trust_lists import read_trust_list
from certtrust.x509.ber import OID, SEQUENCE, encoded, only


@pytest.fixture(scope="module")
def issued() -> Issued:
    """Return the certificates that the containers are made of."""
    return Issued()


def _armoured(label: str, content: bytes) -> bytes:
    text = base64.encodebytes(content)
    return (
        f"-----BEGIN {label}-----\n".encode()
        + text
        + f"-----END {label}-----\n".encode()
    )


def _key(issued: Issued, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return issued.key.private_bytes(Encoding.DER, form, NoEncryption())


def _pkcs7(issued: Issued) -> bytes:
    return pkcs7.serialize_certificates(issued.certificates, Encoding.DER)


def _indefinite(der: bytes) -> bytes:
    return b"\x30\x80" + only(der, SEQUENCE) + b"\0\0"


LABELS = (
    "CERTIFICATE",
    "CERTIFICATE CHAIN",
    "X509 CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "PKCS7",
    "CMS",
    "PKCS12",
    "X",
)


@pytest.mark.parametrize("label", LABELS)
def test_the_content_of_a_block_decides_not_its_label(
    issued: Issued, label: str
) -> None:
    """`certutil -encode` puts CERTIFICATE around any file, and other tools use other labels."""
    both = set(issued.ders)
    for content in (
        _pkcs7(issued),
        issued.pkcs12(None),
        b"".join(issued.ders),
        issued.bundle,
    ):
        frame = read_certificates(_armoured(label, content))
        assert set(frame["der"]) == both
        assert frame["parse_error"].isna().all()
    assert (
        read_certificates(_armoured(label, issued.ders[0]))["der"].tolist()
        == issued.ders[:1]
    )
    key = read_certificates(_armoured(label, _key(issued)))
    assert (key["der"].tolist(), key["parse_error"].tolist()) == (
        [None],
        ["a private key, skipped"],
    )


def test_a_certificate_with_the_label_of_a_key_is_read(issued: Issued) -> None:
    """Nothing else is read from such a block."""
    assert (
        read_certificates(_armoured("PRIVATE KEY", issued.ders[0]))["der"].tolist()
        == issued.ders[:1]
    )
    frame = read_certificates(_armoured("PRIVATE KEY", b"".join(issued.ders)))
    assert frame["parse_error"].tolist() == ["PRIVATE KEY: a private key, skipped"]


def test_a_block_of_several_keeps_its_place(issued: Issued) -> None:
    """Positions number all certificates in order."""
    frame = read_certificates(
        issued.pems[1]
        + _armoured("CERTIFICATE", issued.pkcs12(None))
        + issued.pems[1]
    )
    assert frame["der"].tolist() == [issued.ders[1], *issued.ders, issued.ders[1]]
    assert frame["position"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("after", "note"),
    [
        (b"\n", None),
        (b"\r\n \t\r\n", None),
        (b"\x1a", "1 byte after the certificate"),
        (bytes(10), "10 bytes after the certificate"),
        (b"\xff" * 300, "300 bytes after the certificate"),
        (b"\nsigned-off", "10 bytes after the certificate"),
    ],
)
def test_bytes_after_der_do_not_change_it(
    issued: Issued, after: bytes, note: str | None
) -> None:
    """The certificate keeps its fingerprint; anything but white space is reported."""
    alone = read_certificates(issued.ders[0])
    for content in (
        issued.ders[0] + after,
        _armoured("CERTIFICATE", issued.ders[0] + after),
    ):
        frame = read_certificates(content)
        assert frame["fingerprint"].tolist() == alone["fingerprint"].tolist()
        assert frame["parse_error"].fillna("").tolist() == [note or ""]
    both = read_certificates(issued.ders[0] + after + issued.ders[1])
    assert both["der"].tolist() == issued.ders
    assert both["parse_error"].fillna("").tolist() == [note or "", ""]


@pytest.mark.parametrize("before", [b"\n", b"\0", b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_bytes_before_der_do_not_change_it(issued: Issued, before: bytes) -> None:
    """Some tools write a line end or a byte-order mark first; a key after it is recognised too."""
    assert (
        read_certificates(before + issued.ders[0])["der"].tolist() == issued.ders[:1]
    )
    assert read_certificates(before + _key(issued))["parse_error"].tolist() == [
        "a private key, skipped"
    ]


def test_a_key_after_a_certificate_is_a_block_of_its_own(issued: Issued) -> None:
    """There may be bytes between them."""
    for between in (b"", b"\n", b"junk"):
        frame = read_certificates(issued.ders[0] + between + _key(issued))
        assert frame["der"].tolist() == [issued.ders[0], None]
        assert frame["parse_error"].iloc[1] == "a private key, skipped"


def _blanks(text: str, size: int, between: str) -> str:
    return between.join(text[at : at + size] for at in range(0, len(text), size))


def _dump(der: bytes, group: int) -> str:
    lines = []
    for at in range(0, len(der), 16):
        part = der[at : at + 16]
        letters = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in part)
        lines.append(f"{at:08x}: {_blanks(part.hex(), group, ' '):<40}  {letters}")
    return "\n".join(lines)


TEXTS: dict[str, Callable[[bytes], str]] = {
    "hex in one line": bytes.hex,
    "hex in upper case": lambda der: der.hex().upper(),
    "hex in lines": lambda der: _blanks(der.hex(), 60, "\n"),
    "hex with colons": lambda der: _blanks(der.hex(), 2, ":"),
    "hex of a running configuration": lambda der: (
        "crypto pki certificate chain A\n certificate ca 01\n  "
        + _blanks(der.hex(), 8, " ")
        + "\n  quit\n"
    ),
    "hex of C": lambda der: (
        "unsigned char der[] = {"
        + ", ".join(f"0x{octet:02x}" for octet in der)
        + "};"
    ),
    "hex dump in fours": lambda der: _dump(der, 4),
    "hex dump in twos": lambda der: _dump(der, 2),
    "URL-escaped base64": lambda der: urllib.parse.quote(
        base64.b64encode(der).decode(), safe=""
    ),
    "base64 in lines": lambda der: base64.encodebytes(der).decode(),
}


@pytest.mark.parametrize("form", TEXTS)
def test_der_in_letters_is_read(issued: Issued, form: str) -> None:
    """A certificate may be in hex or base64 in any layout; a key is reported and kept out."""
    text = TEXTS[form](issued.ders[0])
    assert read_certificates(text.encode())["der"].tolist() == issued.ders[:1]
    assert read_certificates(text.encode("utf-16"))["der"].tolist() == issued.ders[:1]
    frame = read_certificates(TEXTS[form](_key(issued)).encode())
    assert frame["der"].tolist() == [None]
    assert frame["parse_error"].tolist() == ["a private key, skipped"]


@pytest.mark.parametrize("quoted", [urllib.parse.quote, urllib.parse.quote_plus])
def test_pem_escaped_as_in_a_url_is_read(
    issued: Issued, quoted: Callable[[str], str]
) -> None:
    """Proxies pass on one or more certificates in a header."""
    text = quoted(issued.bundle.decode())
    assert read_certificates(text)["der"].tolist() == issued.ders
    assert (
        read_certificates(f"X-Client-Cert: {text}\r\n".encode())["der"].tolist()
        == issued.ders
    )


@pytest.mark.parametrize(
    "encoding",
    [
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "utf-32-be",
        "utf-8-sig",
    ],
)
@pytest.mark.parametrize("comment", ["", "Gerät €\n"])
def test_text_of_any_width_is_read(
    issued: Issued, encoding: str, comment: str
) -> None:
    """It may have a byte-order mark and letters beyond ASCII; keys are reported as usual."""
    text = comment + issued.bundle.decode() + issued.key_pem.decode()
    frame = read_certificates(text.encode(encoding))
    assert frame["der"].tolist() == [*issued.ders, None]
    assert "a private key" in frame["parse_error"].iloc[2]


def test_ber_of_indefinite_length_is_read(issued: Issued) -> None:
    """EST servers send PKCS#7 like this, in lines of base64."""
    ber = _indefinite(_pkcs7(issued))
    for content in (
        ber,
        base64.encodebytes(ber),
        base64.b64encode(ber),
        _armoured("PKCS7", ber),
    ):
        assert set(read_certificates(content)["der"]) == set(issued.ders)


def test_key_stores_of_java_are_named(issued: Issued) -> None:
    """JKS and JCEKS are recognised by their magic number; none of their bytes are kept."""
    for number in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
        store = number + b"\0\0\0\2" + _key(issued)
        for content in (
            store,
            base64.b64encode(store),
            _armoured("CERTIFICATE", store),
        ):
            frame = read_certificates(content)
            assert frame["der"].tolist() == [None]
            assert (
                frame["parse_error"]
                .iloc[0]
                .startswith("a Java key store, not opened: export it with keytool")
            )


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_containers_within_one_another_come_to_an_end(
    issued: Issued, mark: bytes
) -> None:
    """Each byte-order mark is one; a few are read, and many are a row with the reason."""
    data, encoding = issued.bundle, "utf-8"
    if mark == codecs.BOM_UTF16_LE:
        data, encoding = data.decode().encode("utf-16-le"), "utf-16-le"
    again = "\ufeff".encode(encoding)
    assert set(read_certificates(mark + again + data)["der"]) == set(issued.ders)
    frame = read_certificates(mark + again * 5000 + data)
    assert frame["der"].isna().all()
    assert frame["parse_error"].tolist() == [
        "more than 16 containers within one another"
    ]


def _efi_list(ders: list[bytes]) -> bytes:
    """Return an EFI signature list for each certificate, as p11-kit writes them."""
    kind = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
    return b"".join(
        kind + struct.pack("<III", 44 + len(der), 0, 16 + len(der)) + bytes(16) + der
        for der in ders
    )


def test_efi_signature_lists_are_read(issued: Issued) -> None:
    """Several certificates of one size may share a list; other kinds of lists are named."""
    content = _efi_list(issued.ders)
    frame = read_certificates(content)
    assert frame["der"].tolist() == issued.ders
    assert frame["parse_error"].isna().all()
    der = issued.ders[0]
    entry = bytes(16) + der
    sizes = struct.pack("<III", 28 + 4 + 2 * len(entry), 4, len(entry))
    shared = content[:16] + sizes + b"head" + 2 * entry
    assert read_certificates(shared)["der"].tolist() == [der, der]
    other = bytes(16) + struct.pack("<III", 28, 0, 1)
    frame = read_certificates(content + other)
    assert frame["der"].tolist() == [*issued.ders, None]
    assert frame["parse_error"].iloc[-1] == (
        "EFI signature list: no certificates, but another kind"
    )


def test_a_damaged_efi_signature_list_keeps_what_comes_before(issued: Issued) -> None:
    """A list that is cut off or contradicts itself is a row with its reason."""
    content = _efi_list(issued.ders)
    for damaged, reason in (
        (content[:-1], "cut off, or its size is wrong"),
        (content + b"\0\0", "2 bytes too many"),
        (content + content[:16] + bytes(12), "cut off, or its size is wrong"),
        (
            content + content[:16] + struct.pack("<III", 38, 0, 17) + bytes(10),
            "its sizes contradict each other",
        ),
    ):
        frame = read_certificates(damaged)
        assert frame["parse_error"].iloc[-1] == f"EFI signature list: {reason}"
        kept = frame["der"].iloc[:-1].tolist()
        assert kept
        assert kept == issued.ders[: len(kept)]


def test_a_key_store_without_protection_is_read_where_strict_readers_refuse_it(
    issued: Issued,
) -> None:
    """A friendlyName in UTF-8 instead of UTF-16 does not prevent reading the certificates."""
    store = issued.pkcs12(None)
    name = "phone".encode("utf-16-be")
    in_utf8 = store.replace(encoded(0x1E, name), encoded(0x0C, b"phonephone"))
    assert in_utf8 != store
    frame = read_certificates(in_utf8)
    assert set(frame["der"]) == set(issued.ders)
    assert frame["parse_error"].isna().all()


def test_a_damaged_key_store_gives_the_true_reason(issued: Issued) -> None:
    """It is the damage, not a missing password; certificates before the damage are still read."""
    for store in (issued.pkcs12(None), issued.pkcs12(b"secret")):
        for password in (None, "secret"):
            frame = read_certificates(store[:-9], password=password)
            assert (
                frame["parse_error"].iloc[-1]
                == "PKCS#12: cut short: 9 bytes are missing"
            )
    assert set(read_certificates(issued.pkcs12(None)[:-9])["der"].dropna()) == set(
        issued.ders
    )


def test_impossible_passwords_are_refused_with_a_reason(issued: Issued) -> None:
    """They have a zero byte or a lone surrogate, or are neither text nor bytes."""
    store = issued.pkcs12(b"secret")
    assert read_certificates(store, password="se\0cret")["parse_error"].tolist() == [
        "PKCS#12: a password holds no zero byte"
    ]
    assert (
        read_certificates(store, password="\ud800")["parse_error"]
        .str.startswith("PKCS#12: ")
        .all()
    )
    with pytest.raises(CerttrustError, match="a password is text or bytes, not int"):
        read_certificates(store, password=5)  # type: ignore[arg-type]


def _holding_keys(issued: Issued) -> list[bytes]:
    key, traditional = _key(issued), _key(issued, PrivateFormat.TraditionalOpenSSL)
    leaf = issued.ders[0]
    return [
        key,
        traditional,
        issued.pkcs12(None),
        encoded(SEQUENCE, key),
        encoded(SEQUENCE, leaf + key),
        leaf + b"junk" + key,
        b"\0" + key,
        _armoured("CERTIFICATE", key),
        _armoured("CERTIFICATE", leaf + key),
        base64.encodebytes(key),
        issued.key_pem.decode().encode("utf-16"),
        b"\xfe\xed\xfe\xed\0\0\0\2" + key,
        encoded(SEQUENCE, encoded(OID, b"\x2a\3\4") + key),
    ]


def test_no_byte_of_a_key_enters_a_frame_however_its_file_is_damaged(
    issued: Issued,
) -> None:
    """Files with a private key are read whole, with changed bytes and cut short."""
    draw = random.Random(5)
    secret = issued.key.private_numbers().private_value.to_bytes(32, "big")
    for content in _holding_keys(issued):
        for turn in range(examples(12)):
            damaged = bytearray(content)
            for _ in range(0 if turn == 0 else draw.choice((1, 1, 2))):
                damaged[draw.randrange(min(len(damaged), draw.choice((8, 60))))] = (
                    draw.randrange(256)
                )
            if turn and draw.random() < 0.2:
                del damaged[draw.randrange(1, len(damaged)) :]
            frame = read_certificates(bytes(damaged))
            der_bytes = b"".join(
                der for der in frame["der"] if isinstance(der, bytes)
            )
            errors = " ".join(frame["parse_error"].dropna())
            assert secret[:8] not in der_bytes
            assert secret[8:16] not in der_bytes
            assert secret[:4].hex() not in errors


def test_a_certificate_that_swallowed_the_beginning_of_a_key_is_not_kept() -> None:
    """Its length is wrong, and the file ends within the second number of the key."""
    certificate = bytearray(Issued().ders[0])
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    size = int.from_bytes(certificate[2:4], "big") + len(key)
    certificate[2:4] = size.to_bytes(2, "big")
    frame = read_certificates(bytes(certificate) + key[:200])
    assert frame["der"].isna().all()
    assert frame["parse_error"].notna().all()


@pytest.mark.parametrize("quote", ["", "'"])
def test_a_key_in_a_table_that_lost_a_quote_names_no_device(
    issued: Issued, quote: str
) -> None:
    """Its lines become rows of their own, whose first column is that of the device."""
    key = issued.key_pem.decode()
    table = f"device,certificate\n0090332f688a,{quote}{key}0090332f688b,x\n"
    frame = read_certificates(table.encode())
    devices = set(frame["device"].dropna())
    assert devices == {"0090332f688a", "0090332f688b"}


def test_a_key_in_a_table_cell_is_skipped(issued: Issued, tmp_path: Path) -> None:
    """Neither a foreign table nor one of this package puts a key into a frame."""
    pd.DataFrame({"der": [_key(issued), issued.ders[0]]}).to_parquet(
        tmp_path / "a.parquet"
    )
    frame = read_certificates(tmp_path)
    assert frame["der"].tolist() == [None, issued.ders[0]]
    own = read_certificates(issued.ders[0])
    own["der"] = [_key(issued)]
    own.to_parquet(tmp_path / "a.parquet")
    frame = read_certificates(tmp_path)
    assert (frame["der"].tolist(), frame["parse_error"].tolist()) == (
        [None],
        ["a private key, skipped"],
    )


# Tables of this package


@pytest.fixture
def folder(issued: Issued, tmp_path: Path) -> Path:
    """Return a folder with bundles, devices, keys, listings, damaged files and empty ones."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "0090331a2b3c.pem").write_bytes(issued.bundle + issued.key_pem)
    (folder / "b.der").write_bytes(issued.ders[1] + b"zz")
    (folder / "c.txt").write_bytes(b"hello")
    (folder / "d.pem").write_bytes(b"")
    odd = issued.ders[0].replace(bytes.fromhex("551d11"), bytes.fromhex("551d13"))
    (folder / "e.pem").write_bytes(_armoured("CERTIFICATE", odd))
    (folder / "f.xml").write_text(
        '<info><certificate subject_cn="0090332f688a" issuer_cn="A, &quot;B&quot;" '
        'not_before="2019-05-01" '
        'not_after="01.05.2039"/></info>'
    )
    pd.DataFrame({"device": ["IP222-2f-68-8a", None], "der": issued.ders}).to_parquet(
        folder / "g.parquet"
    )
    return folder


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_tables_are_read_back_unchanged(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    """CERTIFICATES and TRUST are read from a file, its folder or its bytes, including rows
    without a certificate.
    """

    def written(frame: pd.DataFrame, name: str) -> Path:
        path = tmp_path / name / f"table.{suffix}"
        path.parent.mkdir()
        frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(
            path, index=False
        )
        return path

    certificates, trust = read_certificates(folder), read_trust_list(folder)
    one = read_trust_list(folder, pbx="hq")
    everybody = read_trust_list(folder / "0090331a2b3c.pem")
    path = written(certificates, "certificates")
    for source in (path, path.parent, path.read_bytes()):
        pd.testing.assert_frame_equal(read_certificates(source), certificates)
    for name, frame in (("trust", trust), ("one", one), ("everybody", everybody)):
        path = written(frame, name)
        for source in (path, path.parent, path.read_bytes()):
            pd.testing.assert_frame_equal(read_trust_list(source), frame)
    assert read_certificates(written(certificates.iloc[:0], "nothing")).empty


def test_a_table_cannot_contradict_its_certificates(
    issued: Issued, tmp_path: Path
) -> None:
    """The columns are read from the DER again, and errors are kept."""
    broken = issued.ders[0].replace(bytes.fromhex("551d11"), bytes.fromhex("551d13"))
    frame = read_certificates(broken)
    assert frame["parse_error"].notna().all()
    frame.assign(subject_cn="other", is_ca=True, parse_error=None).to_parquet(
        tmp_path / "a.parquet"
    )
    pd.testing.assert_frame_equal(read_certificates(tmp_path), frame)


# Trust lists that cannot be read


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "hq.p12",
            lambda issued: issued.pkcs12(b"secret"),
            "PKCS#12: the password is missing",
        ),
        ("hq.pem", lambda issued: issued.pems[1][:60], "the END line is missing"),
        (
            "hq.pem",
            lambda _: b"<html><body>Please log in</body></html>",
            "no certificate is found",
        ),
        ("hq.jks", lambda _: b"\xfe\xed\xfe\xed\0\0\0\2", "a Java key store"),
        ("hq.pem", lambda _: b"see the other server\n", "no certificate is found"),
    ],
)
def test_a_trust_list_that_cannot_be_read_says_so(
    issued: Issued,
    tmp_path: Path,
    name: str,
    content: Callable[[Issued], bytes],
    reason: str,
) -> None:
    """It is not an empty list: its row has the PBX, no certificate and the reason."""
    (tmp_path / name).write_bytes(content(issued))
    for frame in (
        read_trust_list(tmp_path),
        read_trust_list(tmp_path / name, pbx="hq"),
    ):
        assert frame["pbx"].tolist() == ["hq"]
        assert reason in frame["parse_error"].iloc[0]
        assert "empty" not in frame["parse_error"].iloc[0]


def test_a_trust_list_read_in_part_says_so(issued: Issued, tmp_path: Path) -> None:
    """One row has what was read, the other the reason why there may be more."""
    (tmp_path / "hq.pem").write_bytes(issued.pems[1] + issued.pems[0][:200])
    frame = read_trust_list(tmp_path)
    assert frame["pbx"].tolist() == ["hq", "hq"]
    assert frame["parse_error"].notna().tolist() == [False, True]


def test_a_trust_list_may_have_a_password(issued: Issued, tmp_path: Path) -> None:
    """It works as for any other file of certificates."""
    (tmp_path / "hq.p12").write_bytes(issued.pkcs12(b"secret"))
    frame = read_trust_list(tmp_path, password="secret")
    assert (frame["der"].tolist(), frame["pbx"].tolist()) == (
        issued.ders,
        ["hq", "hq"],
    )
