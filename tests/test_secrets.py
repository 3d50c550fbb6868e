"""No byte of a private key leaves any reader: not in a frame, an error, a traceback or a widget.

Files with keys in every form are generated here and passed to every reader. All output is searched
for the secret part of each key, raw, in hex and in base64: 24 bytes in a row.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import re
import tarfile
import traceback
import urllib.parse
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from test_certificates import Issued
from thoroughness import share

import certtrust as ct
from certtrust.x509.ber import OCTET_STRING, OID, SEQUENCE, SET, encoded

PASSWORD = "Xq7-vMzt2.Lw9_kRe4+Hb6yGc3Jd8"


class Key(NamedTuple):
    """A private key and its secret numbers."""

    key: Any
    secrets: list[bytes]

    def der(
        self, form: PrivateFormat = PrivateFormat.PKCS8, password: str = ""
    ) -> bytes:
        """Return the key in DER."""
        return self._bytes(Encoding.DER, form, password)

    def pem(
        self, form: PrivateFormat = PrivateFormat.PKCS8, password: str = ""
    ) -> bytes:
        """Return the key in PEM."""
        return self._bytes(Encoding.PEM, form, password)

    def _bytes(self, encoding: Encoding, form: PrivateFormat, password: str) -> bytes:
        protection = (
            BestAvailableEncryption(password.encode()) if password else NoEncryption()
        )
        return bytes(self.key.private_bytes(encoding, form, protection))


def _numbers(*values: int) -> list[bytes]:
    return [value.to_bytes((value.bit_length() + 7) // 8, "big") for value in values]


class Files:
    """Files with private keys, by kind."""

    def __init__(self, folder: Path) -> None:
        self.issued = Issued()
        own = self.issued.key
        self.ec = Key(own, _numbers(own.private_numbers().private_value))
        big = rsa.generate_private_key(65537, 2048)
        parts = big.private_numbers()
        self.rsa = Key(
            big,
            _numbers(parts.d, parts.p, parts.q, parts.dmp1, parts.dmq1, parts.iqmp),
        )
        small = ed25519.Ed25519PrivateKey.generate()
        self.ed = Key(small, [small.private_bytes_raw()])
        self.leaf, self.root = self.issued.ders
        self.folder = folder
        self.by_kind = dict(self._plain())
        self.by_kind |= dict(self._wrapped())
        self.by_kind |= dict(self._in_tables())
        self.by_kind |= dict(self._in_archives())
        self.by_kind |= dict(self._cut())

    @property
    def secrets(self) -> list[bytes]:
        """Return the secret numbers of all keys."""
        return [
            number for key in (self.ec, self.rsa, self.ed) for number in key.secrets
        ]

    def store(self, password: str | None) -> bytes:
        """Return a PKCS#12 store with key and certificates."""
        protection = (
            NoEncryption()
            if password is None
            else BestAvailableEncryption(password.encode())
        )
        leaf, root = self.issued.certificates
        return pkcs12.serialize_key_and_certificates(
            b"phone", self.ec.key, leaf, [root], protection
        )

    def _plain(self) -> Iterator[tuple[str, bytes]]:
        traditional, pkcs8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8
        for name, key in (("EC", self.ec), ("RSA", self.rsa)):
            yield f"{name}, traditional DER", key.der(traditional)
            yield f"{name}, traditional PEM", key.pem(traditional)
            yield f"{name}, PKCS#8 DER", key.der(pkcs8)
            yield f"{name}, PKCS#8 PEM", key.pem(pkcs8)
            yield f"{name}, OpenSSH", key.pem(PrivateFormat.OpenSSH)
            yield f"{name}, encrypted PKCS#8", key.pem(pkcs8, PASSWORD)
            yield f"{name}, encrypted DER", key.der(pkcs8, PASSWORD)
            yield f"{name}, hex", key.der(pkcs8).hex().encode()
            yield f"{name}, hex in lines", _in_lines(key.der(pkcs8).hex()).encode()
            yield f"{name}, hex with colons", key.der(traditional).hex(":").encode()
            yield f"{name}, base64", base64.b64encode(key.der(pkcs8))
            yield f"{name}, base64 in lines", base64.encodebytes(key.der(pkcs8))
            yield f"{name}, base64 of PEM", base64.b64encode(key.pem(pkcs8))
            yield f"{name}, base64 for URLs", base64.urlsafe_b64encode(key.der(pkcs8))
            yield f"{name}, PPK", _ppk(key)
            yield f"{name}, JWK", _jwk(key)
        yield "Ed25519, PKCS#8 DER", self.ed.der()
        yield "Ed25519, PKCS#8 PEM", self.ed.pem()
        yield "Ed25519, OpenSSH", self.ed.pem(PrivateFormat.OpenSSH)
        yield "Ed25519, raw", self.ed.secrets[0]
        yield (
            "EC, explicit parameters",
            _armoured("EC PARAMETERS", b"\6\1\1") + (self.ec.pem(traditional)),
        )
        yield "PKCS#12 without password", self.store(None)
        yield "PKCS#12 with password", self.store(PASSWORD)
        yield "PKCS#12 in base64", base64.b64encode(self.store(None))
        yield "JKS", b"\xfe\xed\xfe\xed\0\0\0\2" + self.rsa.der()
        yield "JCEKS", b"\xce\xce\xce\xce\0\0\0\2" + self.rsa.der()

    def _wrapped(self) -> Iterator[tuple[str, bytes]]:
        key, pem = self.ec.der(), self.ec.pem()
        rsa_key, rsa_pem = self.rsa.der(), self.rsa.pem()
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
            yield f"{encoding}", rsa_pem.decode().encode(encoding)
            yield (
                f"{encoding} of base64",
                base64.b64encode(rsa_key).decode().encode(encoding),
            )
        yield "UTF-8 with a mark", b"\xef\xbb\xbf" + pem
        for name, before in (
            ("a newline", b"\n"), ("NUL", b"\0"), ("0xFF", b"\xff" * 9), ("text", b"key: "),
        ):  # fmt: skip
            yield f"{name} before DER", before + rsa_key
        for name, content in (
            ("a key", key), ("RSA", rsa_key), ("leaf and key", self.leaf + rsa_key),
            ("PKCS#12", self.store(None)), ("junk", self.leaf + b"junk" + key),
        ):  # fmt: skip
            for label in ("CERTIFICATE", "PKCS7", "PRIVATE KEY", "X"):
                yield f"{name} as {label}", _armoured(label, content)
        yield "in a SEQUENCE", encoded(SEQUENCE, rsa_key)
        yield "in a SEQUENCE behind a leaf", encoded(SEQUENCE, self.leaf + rsa_key)
        yield "in a SET", encoded(SET, rsa_key)
        yield "behind an OID", encoded(SEQUENCE, encoded(OID, b"\x2a\3\4") + rsa_key)
        yield "leaf, junk, key", self.leaf + b"junk" + rsa_key
        yield "leaf, key", self.leaf + rsa_key
        yield "leaf, key, PEM", self.issued.pems[0] + rsa_pem
        yield "key, leaf, PEM", rsa_pem + self.issued.pems[0]
        yield "in a PKCS#7", _pkcs7(self.leaf + rsa_key)
        yield "in the signature", _within_certificate(self.leaf, rsa_key)
        yield (
            "in the signature, PEM",
            _armoured("CERTIFICATE", _within_certificate(self.leaf, key)),
        )
        damaged = bytearray(_within_certificate(self.leaf, rsa_key))
        damaged[6] ^= 4
        yield "in the signature, damaged", bytes(damaged)
        yield "PEM with CR", rsa_pem.replace(b"\n", b"\r")
        yield "PEM in one line", rsa_pem.replace(b"\n", b"")
        yield (
            "PEM with headers",
            rsa_pem.replace(b"KEY-----\n", b"KEY-----\nProc-Type: 4\n\n", 1),
        )
        yield "PEM escaped for URLs", urllib.parse.quote(rsa_pem.decode()).encode()
        yield "PEM escaped as JSON", json.dumps(rsa_pem.decode()).encode()
        yield (
            "PEM with a wrong label",
            rsa_pem.replace(b"PRIVATE KEY", b"CERTIFICATE"),
        )
        yield "PEM without END", rsa_pem[: rsa_pem.rindex(b"-----END")]
        yield "PEM without BEGIN", rsa_pem[rsa_pem.index(b"\n") :]
        yield "two BEGIN lines", b"-----BEGIN CERTIFICATE-----\n" + rsa_pem

    def _in_tables(self) -> Iterator[tuple[str, bytes]]:
        text, key = self.rsa.pem().decode(), self.rsa.der()
        encoded_key = base64.b64encode(key).decode()
        yield "JSON", json.dumps([{"device": "a", "cert": text}]).encode()
        yield "JSON, base64", json.dumps({"items": [{"key": encoded_key}]}).encode()
        yield "JSON lines", json.dumps({"pem": text}).encode() * 2
        yield "JSON, cut", json.dumps([{"pem": text}]).encode()[:-40]
        yield (
            "JSON for devices",
            json.dumps(
                {"h323": "user0", "devices": [{"hw": "0090332f688a", "key": text}]}
            ).encode(),
        )
        yield "YAML", f"kind: Secret\ndata:\n  tls.key: {encoded_key}\n".encode()
        yield (
            "YAML, block",
            b"tls.key: |\n"
            + b"".join(b"  " + line + b"\n" for line in self.rsa.pem().splitlines()),
        )
        yield "CSV", f'device,cert\na,"{text}"\nb,{encoded_key}\n'.encode()
        yield "CSV, semicolons", f'pem;device\n"{text}";a\n'.encode()
        yield (
            "CSV for devices",
            f'user,hardware_id,key\na,b,"{encoded_key}"\n'.encode(),
        )
        yield "XML", f"<info><key>{text}</key></info>".encode()
        for column in ("der", "pem", "device"):
            rows = {"der": [self.leaf], column: [key]}
            yield f"Parquet, {column}", _parquet(pd.DataFrame(rows))
        yield "Parquet, text", _parquet(pd.DataFrame({"cert": [text, encoded_key]}))
        own = ct.read_certificates(self.leaf)
        own["der"] = [key]
        yield "CERTIFICATES as Parquet", _parquet(own)
        own["der"] = [base64.b64encode(key).decode()]
        yield "CERTIFICATES as CSV", own.to_csv(index=False).encode()

    def _in_archives(self) -> Iterator[tuple[str, bytes]]:
        members = {
            "a.pem": self.rsa.pem(),
            "b.der": self.ec.der(),
            "c": self.store(None),
        }
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        yield "ZIP", file.getvalue()
        for mode in ("w", "w:gz"):
            file = io.BytesIO()
            with tarfile.open(fileobj=file, mode=mode) as tar:
                for name, content in members.items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))
            yield f"tar, {mode}", file.getvalue()
        yield "gzip", gzip.compress(self.rsa.pem())
        yield "gzip, cut", gzip.compress(self.rsa.pem())[:-30]

    def _cut(self) -> Iterator[tuple[str, bytes]]:
        for name in ("EC, PKCS#8 DER", "RSA, PKCS#8 DER", "RSA, traditional DER",
            "PKCS#12 without password", "RSA, PKCS#8 PEM", "in a PKCS#7", "leaf, key",
            "RSA, encrypted DER", "Ed25519, PKCS#8 DER", "RSA as CERTIFICATE", "RSA, base64",
        ):  # fmt: skip
            content = self.by_kind[name]
            yield f"{name}, cut", content[:-9]
            yield f"{name}, the first byte cut", content[1:]
            yield f"{name}, first half", content[: len(content) * 3 // 4]
            yield f"{name}, another first length", content[:1] + b"\x84" + content[2:]


def _in_lines(text: str) -> str:
    return "\n".join(text[at : at + 64] for at in range(0, len(text), 64))


def _armoured(label: str, content: bytes) -> bytes:
    text = base64.encodebytes(content).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


def _ppk(key: Key) -> bytes:
    """Return a key in PuTTY's format, as far as it matters to a reader of certificates."""
    lines = _in_lines(base64.b64encode(key.der()).decode())
    return (
        "PuTTY-User-Key-File-3: x\nEncryption: none\nComment: phone\n"
        f"Private-Lines: {lines.count(chr(10)) + 1}\n{lines}\nPrivate-MAC: 00\n"
    ).encode()


def _jwk(key: Key) -> bytes:
    d = base64.urlsafe_b64encode(key.secrets[0]).decode().rstrip("=")
    return json.dumps({"kty": "x", "d": d}).encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def _pkcs7(inside: bytes) -> bytes:
    """Return a SignedData with arbitrary content in its set of certificates."""
    signed = (
        encoded(2, b"\1")
        + encoded(SET, b"")
        + encoded(SEQUENCE, encoded(OID, bytes.fromhex("2a864886f70d010701")))
        + encoded(0xA0, inside)
        + encoded(SET, b"")
    )
    oid = encoded(OID, bytes.fromhex("2a864886f70d010702"))
    return encoded(SEQUENCE, oid + encoded(0xA0, encoded(SEQUENCE, signed)))


def _within_certificate(leaf: bytes, key: bytes) -> bytes:
    """Return a certificate with a key inside it, after the signature."""
    return encoded(SEQUENCE, leaf[4:] + encoded(OCTET_STRING, key))


# The search

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_SAMPLED = 16
"""Distance of the positions that are looked up in an output, small enough for 24 bytes."""
_RAW, _HEX, _BASE64 = 8, 24, 12
"""Number of bytes looked up in each form in which 24 bytes of a secret may be written."""


def _runs(text: bytes, size: int) -> set[bytes]:
    return {text[at : at + size] for at in range(len(text) - size + 1)}


class Search:
    """Finds 24 bytes of a secret, in any form, in any output of the package."""

    def __init__(self, secrets: list[bytes]) -> None:
        written = [
            base64.b64encode(bytes(shift) + secret)[4 if shift else 0 : -4]
            for secret in secrets
            for shift in range(3)
        ]
        written += [text.translate(bytes.maketrans(b"+/", b"-_")) for text in written]
        self._needles = {
            _RAW: set().union(*(_runs(secret, _RAW) for secret in secrets)),
            _HEX: set().union(
                *(_runs(secret.hex().encode(), _HEX) for secret in secrets)
            ),
            _BASE64: set().union(*(_runs(text, _BASE64) for text in written)),
        }

    def leaks(self, output: object) -> bool:
        """Return True where the output has 24 bytes of a secret in a row."""
        text = b"\n".join(dict.fromkeys(_written(output)))
        bare = b"".join(
            text.replace(b"\\n", b"").translate(None, b"\0: \"',").split()
        )
        unescaped = _ESCAPE.sub(
            lambda digits: bytes.fromhex(digits[1].decode()), text
        )
        forms = (
            (text, _RAW), (text, _BASE64), (bare, _BASE64), (unescaped, _RAW),
            (bare.lower().replace(b"0x", b""), _HEX),
        )  # fmt: skip
        return any(
            written[at : at + size] in self._needles[size]
            for written, size in forms
            for at in range(0, len(written), _SAMPLED)
        )


def _written(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
        yield value.encode("latin-1", "ignore")
    elif isinstance(value, pd.DataFrame):
        for cell in value.to_numpy(dtype=object).ravel():
            yield from _written(cell)
        yield from _written(repr(value))
    elif isinstance(value, BaseException):
        while value is not None:
            yield from _written("".join(traceback.format_exception(value)))
            yield from _written([repr(value), *value.args])
            value = value.__cause__ or value.__context__
    elif isinstance(value, dict):
        yield from _written([*value, *value.values()])
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _written(item)
    else:
        yield from _written(repr(value))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return the files with keys."""
    return Files(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def search(files: Files) -> Search:
    """Return the search for the secrets of the files."""
    return Search([*files.secrets, PASSWORD.encode()])


def test_the_search_finds_secrets(files: Files, search: Search) -> None:
    """It finds them in each form used in files; without that, the tests below prove nothing."""
    names = (
        "EC, PKCS#8 DER", "RSA, hex with colons", "RSA, base64 for URLs", "RSA, PKCS#8 PEM",
        "Ed25519, PKCS#8 PEM", "utf-16-le", "PKCS#12 without password", "EC, hex in lines",
    )  # fmt: skip
    for name in names:
        content = files.by_kind[name]
        assert search.leaks(content), name
        assert search.leaks(content.decode("latin-1")), name
        assert search.leaks(ValueError(content)), name
        assert search.leaks(pd.DataFrame({"cell": [[content]]})), name
    for public in (files.issued.bundle, *files.issued.ders, b"", "certificate"):
        assert not search.leaks(public)
    assert len(files.by_kind) >= 150


# The readers


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except ct.CerttrustError as problem:
        return problem


def _fleet(folder: Path, content: bytes) -> list[object]:
    for name in ct.fleet.FOLDERS:
        (folder / name).mkdir(exist_ok=True, parents=True)
        (folder / name / "hq").write_bytes(content)
    fleet = ct.read_fleet(folder)
    return [fleet, *(getattr(fleet, name) for name in ct.fleet.FOLDERS)]


def _diagnosis(content: bytes, trust: bytes) -> list[object]:
    diagnosis = ct.diagnose(
        content, scenario="h323-certificate", trust=trust, registration_name="x"
    )
    return [repr(diagnosis), diagnosis._repr_html_(), diagnosis.steps, diagnosis.path]


READERS: dict[str, Callable[[Files, bytes], object]] = {
    "read_certificates": lambda _files, content: ct.read_certificates(content),
    "with a password": lambda _files, content: ct.read_certificates(
        content, password=PASSWORD
    ),
    "read_trust_list": lambda _files, content: ct.read_trust_list(content, pbx="hq"),
    "read_devices": lambda _files, content: ct.read_devices(content),
    "diagnose": lambda files, content: _diagnosis(content, files.root),
    "diagnose, trust": lambda files, content: _diagnosis(files.leaf, content),
}
_STEPS = {
    "diagnose": 5,
    "diagnose, trust": 16,
    "read_trust_list": 3,
    "with a password": 2,
}
"""Readers that share code with others get every second, third, fifth or sixteenth file only."""


def _leaking(search: Search, outputs: dict[str, Callable[[], object]]) -> list[str]:
    return [kind for kind, call in outputs.items() if search.leaks(_outcome(call))]


@pytest.mark.parametrize("name", READERS)
def test_no_reader_leaks_a_key(files: Files, search: Search, name: str) -> None:
    """Each reader gets files of every kind as bytes; by default, a different share of them."""
    kinds = share(
        list(files.by_kind)[:: _STEPS.get(name, 1)], list(READERS).index(name)
    )
    read = READERS[name]
    outputs = {kind: partial(read, files, files.by_kind[kind]) for kind in kinds}
    assert _leaking(search, outputs) == []


def test_no_fleet_has_a_key(files: Files, search: Search, tmp_path: Path) -> None:
    """Key files may be in a wrong folder, even among logs, where PEM is recognised by its label."""
    kinds = (
        "EC, PKCS#8 PEM", "RSA, OpenSSH", "EC, encrypted PKCS#8", "leaf, key, PEM",
        "key, leaf, PEM", "PEM without END", "PEM in one line", "PEM escaped as JSON", "JSON",
        "utf-16", "PEM with CR", "two BEGIN lines",
    )  # fmt: skip
    outputs = {kind: partial(_fleet, tmp_path, files.by_kind[kind]) for kind in kinds}
    assert _leaking(search, outputs) == []


def test_pasted_text_is_not_quoted(files: Files, search: Search) -> None:
    """Text that names no file is quoted in the error, unless it may be a key."""
    texts = {
        kind: content.decode("latin-1")
        for kind, content in files.by_kind.items()
        if "base64" in kind or "hex" in kind or "JWK" in kind or "OpenSSH" in kind
    }
    texts |= {f"{kind}, a part": text[7:90] for kind, text in texts.items()}
    for read in (ct.read_certificates, ct.read_trust_list, ct.read_devices):
        outputs = {kind: partial(read, text) for kind, text in texts.items()}
        assert _leaking(search, outputs) == []


def test_a_log_with_a_key_keeps_its_lines(files: Files, search: Search) -> None:
    """Each line of the key becomes a line without content; the other lines are read."""
    line = "Jan  1 00:00:01 hq registration up\n"
    for key in (files.ec.pem(), files.rsa.pem(), files.ec.pem(PrivateFormat.OpenSSH)):
        text = line + key.decode() + line + f"{json.dumps(key.decode())}\n" + line
        frame = ct.read_registrations(text.encode())
        assert not search.leaks(frame)
        assert len(frame) == text.count("\n")
        assert frame["raw"].iloc[[0, -1]].tolist() == [line.strip()] * 2
        assert (frame["raw"] == "(a line of a private key)").sum() == key.count(b"\n")
        cut = ct.read_registrations(
            (line + key.decode()[:-40] + "\n" + line).encode()
        )
        assert not search.leaks(cut)
        assert cut["raw"].iloc[[0, -1]].tolist() == [line.strip()] * 2
        written = "".join(
            f"Jan  1 00:00:01 hq {part}\n" for part in key.decode().split("\n")
        )
        assert not search.leaks(ct.read_registrations(written.encode()))


def test_the_widget_keeps_no_key(files: Files, search: Search) -> None:
    """Nothing that is pasted, and no password, stays in the state of any widget."""
    ipywidgets = pytest.importorskip("ipywidgets")
    tester = ct.widgets.CertificateTester()
    source = tester._source
    widgets = ipywidgets.widgets.widget._instances
    leaking = []
    for kind in list(files.by_kind)[::12]:
        content = files.by_kind[kind]
        source.password.value = PASSWORD
        source.paste.value = content.decode("latin-1")
        source.password.value = PASSWORD
        source._receive({"phone.pem": content})
        state = [widget.get_state() for widget in widgets.values()]
        if search.leaks(
            [state, source.certificates, source.problem, tester.explanation]
        ):
            leaking.append(kind)
    assert leaking == []


# Damage


def _damaged(content: bytes, draw: random.Random) -> bytes:
    """Return content with a few bytes changed, most of them in lengths and labels."""
    damaged = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 3))):
        at = draw.randrange(min(len(damaged), draw.choice((8, 60, len(damaged)))))
        damaged[at] = draw.choice(
            (0, 0x30, 0x2D, 0x0A, 0x82, 0x84, draw.randrange(256))
        )
    if draw.random() < 0.2:
        del damaged[draw.randrange(1, len(damaged)) :]
    return bytes(damaged)


def _test_damaged(files: Files, search: Search, count: int, seed: int) -> None:
    draw = random.Random(seed)
    contents = list(files.by_kind.values())
    damaged = [_damaged(draw.choice(contents), draw) for _ in range(count)]
    for content in damaged:
        frame = ct.read_certificates(content)
        ders = [der for der in frame["der"] if isinstance(der, bytes)]
        texts = frame[["parse_error", "subject", "issuer", "device", "source"]]
        assert not search.leaks([ders, *texts.to_numpy(dtype=object).tolist()]), (
            content
        )


def test_damaged_files_leak_no_key(files: Files, search: Search) -> None:
    """A hundred files with a key are damaged at random."""
    _test_damaged(files, search, 100, seed=1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(10))
def test_damage_by_the_thousand(files: Files, search: Search, seed: int) -> None:
    """20,000 files with a key are damaged at random."""
    _test_damaged(files, search, 2000, seed=100 + seed)
