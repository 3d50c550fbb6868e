"""Containers made by other tools: certtool, keytool, certutil, pk12util, p11-kit and openssl.

No certificate that a tool wrote may be lost or changed. Tools that are not installed are skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import certtrust as ct

pytestmark = pytest.mark.exhaustive

PASSWORD = "a-Password-0815"
_WORDS = {
    "$PASSWORD": PASSWORD,
    "pass:$PASSWORD": f"pass:{PASSWORD}",
    "$NOTHING": "",
}
SIZE = 4
"""Certificates in each bundle: a CA and devices below it."""


class Tools:
    """Run tools in a folder with a CA and device certificates made by openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._issue()
        names = ["ca", *(f"p{number}" for number in range(1, SIZE))]
        self.pems = [(folder / f"{name}.pem").read_bytes() for name in names]
        (folder / "all.pem").write_bytes(b"".join(self.pems))
        (folder / "others.pem").write_bytes(self.pems[0] + b"".join(self.pems[2:]))
        self.ders = [
            x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
            for pem in self.pems
        ]
        for name, der in zip(names, self.ders, strict=True):
            (folder / f"{name}.der").write_bytes(der)

    def _issue(self) -> None:
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        self.run(
            f"openssl req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=CA"
        )
        for number in range(1, SIZE):
            subject = f"-subj /O=Example/CN=00903300000{number}"
            self.run(
                f"openssl req {key} -keyout p{number}.key -out p{number}.csr {subject}"
            )
            self.run(
                f"openssl x509 -req -in p{number}.csr -CA ca.pem -CAkey ca.key "
                f"-set_serial {number} -days 30 -out p{number}.pem"
            )

    def run(self, command: str) -> bytes:
        """Run a command in the folder; `$PASSWORD` in it is the password of all stores."""
        arguments = [_WORDS.get(part, part) for part in command.split()]
        if shutil.which(arguments[0]) is None:
            pytest.skip(f"{arguments[0]} is not installed")
        process = subprocess.run(
            arguments, cwd=self.folder, capture_output=True, check=False, input=b"\n"
        )
        assert process.returncode == 0, process.stderr.decode()
        return process.stdout

    def file(self, name: str) -> Path:
        """Return a file that a tool wrote."""
        return self.folder / name


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """Return the folder with certificates."""
    return Tools(tmp_path_factory.mktemp("tools"))


def _database(tools: Tools) -> None:
    """Make an NSS database with all certificates and the key of the first device."""
    if not tools.file("nss").exists():
        tools.file("nss").mkdir()
        tools.run("certutil -N -d sql:nss --empty-password")
        for name in ("ca", *(f"p{number}" for number in range(1, SIZE))):
            tools.run(f"certutil -A -d sql:nss -n {name} -t C,, -a -i {name}.pem")
        tools.run(
            "openssl pkcs12 -export -in p1.pem -inkey p1.key -name p1 -out nss.p12 "
            "-passout pass:$PASSWORD"
        )
        tools.run("pk12util -i nss.p12 -d sql:nss -W $PASSWORD -K $NOTHING")


WHOLE: dict[str, tuple[str, ...]] = {
    "openssl x509 -text": ("openssl storeutl -text -certs -out out all.pem",),
    "openssl pkcs7": ("openssl crl2pkcs7 -nocrl -certfile all.pem -out out",),
    "openssl pkcs7, DER": (
        "openssl crl2pkcs7 -nocrl -certfile all.pem -outform DER -out out",
    ),
    "openssl pkcs7, printed": (
        "openssl crl2pkcs7 -nocrl -certfile all.pem -out p7",
        "openssl pkcs7 -in p7 -print_certs -text -out out",
    ),
    "openssl cms": (
        "openssl cms -sign -in ca.pem -signer p1.pem -inkey p1.key -nodetach "
        "-certfile others.pem -outform DER -out out -binary",
    ),
    "openssl pkcs12": (
        "openssl pkcs12 -export -in p1.pem -inkey p1.key -certfile all.pem -out out "
        "-passout pass:$PASSWORD",
    ),
    "openssl pkcs12, legacy": (
        "openssl pkcs12 -export -legacy -in p1.pem -inkey p1.key -certfile all.pem -out out "
        "-passout pass:$PASSWORD",
    ),
    "openssl pkcs12, certificates": (
        "openssl pkcs12 -export -nokeys -in all.pem -out out -passout pass:$PASSWORD",
    ),
    "openssl pkcs12, no encryption": (
        "openssl pkcs12 -export -nokeys -in all.pem -out out -passout pass: -certpbe NONE",
    ),
    "openssl pkcs12, no check": (
        "openssl pkcs12 -export -nokeys -nomac -in all.pem -out out -passout pass:$PASSWORD",
    ),
    "openssl, converted": (
        "openssl pkcs12 -export -nokeys -in all.pem -out p12 -passout pass:$PASSWORD",
        "openssl pkcs12 -in p12 -passin pass:$PASSWORD -nokeys -out out",
    ),
    "certtool p7": (
        "certtool --p7-generate --load-certificate all.pem --outfile out",
    ),
    "certtool p7, signed": (
        "certtool --p7-sign --load-certificate all.pem --load-privkey ca.key --infile ca.pem "
        "--p7-include-cert --outfile out --hash sha256",
    ),
    "certtool listing": ("certtool -i --infile all.pem --outfile out",),
    "certtool p12": (
        "certtool --to-p12 --load-certificate all.pem --load-privkey ca.key --p12-name x "
        "--password $PASSWORD --outder --outfile out",
    ),
    "certtool p12, PEM": (
        "certtool --to-p12 --load-certificate all.pem --load-privkey ca.key --p12-name x "
        "--password $PASSWORD --outfile out",
    ),
    "certtool p12, 3DES": (
        "certtool --to-p12 --load-certificate all.pem --load-privkey ca.key --p12-name x "
        "--password $PASSWORD --pkcs-cipher 3des-pkcs12 --outder --outfile out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_no_certificate_of_a_tool_is_lost(tools: Tools, name: str) -> None:
    """Each certificate is read at least once, and nothing else is."""
    for command in WHOLE[name]:
        tools.run(command)
    frame = ct.read_certificates(tools.file("out"), password=PASSWORD)
    expected = tools.ders[:1] if name == "certtool p7, signed" else tools.ders
    assert set(expected) <= set(frame["der"].dropna()) <= set(tools.ders), frame[
        "parse_error"
    ].tolist()
    assert frame["parse_error"].dropna().tolist() == []


def _keytool(tools: Tools, kind: str) -> Path:
    path = tools.file(f"store.{kind}")
    path.unlink(missing_ok=True)
    for name in ("ca", *(f"p{number}" for number in range(1, SIZE))):
        tools.run(
            f"keytool -importcert -noprompt -alias {name} -file {name}.pem -keystore {path} "
            f"-storetype {kind} -storepass $PASSWORD"
        )
    return path


def test_a_store_of_java_in_pkcs12(tools: Tools) -> None:
    """Keytool writes this kind by default; the certificates are trusted entries without keys."""
    frame = ct.read_certificates(_keytool(tools, "PKCS12"), password=PASSWORD)
    assert set(frame["der"]) == set(tools.ders), frame["parse_error"].tolist()


@pytest.mark.parametrize("kind", ["JKS", "JCEKS"])
def test_a_store_of_java_in_its_own_format_is_named(tools: Tools, kind: str) -> None:
    """It is not opened, and its row says what to do."""
    frame = ct.read_certificates(_keytool(tools, kind), password=PASSWORD)
    assert frame["der"].isna().all()
    assert frame["parse_error"].str.startswith("a Java key store, not opened").all()


def test_exports_of_keytool(tools: Tools) -> None:
    """It exports DER, PEM and a listing."""
    store = _keytool(tools, "PKCS12")
    shown = f"-keystore {store} -storepass $PASSWORD"
    exports: tuple[Callable[[], bytes], ...] = (
        lambda: tools.run(f"keytool -exportcert -alias p1 {shown}"),
        lambda: tools.run(f"keytool -exportcert -rfc -alias p1 {shown}"),
    )
    for export in exports:
        assert ct.read_certificates(export())["der"].tolist() == [tools.ders[1]]
    listed = ct.read_certificates(tools.run(f"keytool -list -rfc {shown}"))
    assert set(listed["der"].dropna()) == set(tools.ders)


def test_exports_of_certutil_and_pk12util(tools: Tools) -> None:
    """Certificates of an NSS database are exported one by one and in a key store of each kind."""
    _database(tools)
    for number, name in enumerate(("ca", "p1")):
        for form in ("-a", "-r"):
            data = tools.run(f"certutil -L -d sql:nss -n {name} {form}")
            assert ct.read_certificates(data)["der"].tolist() == [tools.ders[number]]
    for cipher in ("AES-256-CBC", "AES-128-CBC", "DES-EDE3-CBC"):
        tools.run(
            f"pk12util -o nss-out.p12 -n p1 -d sql:nss -W $PASSWORD -c {cipher} -C {cipher}"
        )
        frame = ct.read_certificates(tools.file("nss-out.p12"), password=PASSWORD)
        assert tools.ders[1] in frame["der"].tolist(), frame["parse_error"].tolist()
        wrong = ct.read_certificates(tools.file("nss-out.p12"), password="other")
        assert wrong["der"].isna().all()
        assert wrong["parse_error"].notna().all()


def _extracted(tools: Tools, form: str) -> Path:
    """Return what p11-kit's `trust` makes of the CAs that this machine trusts."""
    path = tools.file(f"extracted-{form}")
    if not path.exists():
        tools.run(
            f"trust extract --format={form} --filter=ca-anchors --purpose=server-auth {path}"
        )
    return path


@pytest.mark.parametrize(
    "form",
    [
        "pem-directory",
        "x509-directory",
        "openssl-bundle",
        "openssl-directory",
        "edk2-cacerts",
    ],
)
def test_no_certificate_of_p11_kit_is_lost(tools: Tools, form: str) -> None:
    """Each of its formats gives the certificates of its PEM bundle."""
    bundle = ct.read_certificates(_extracted(tools, "pem-bundle"))
    if not len(bundle["der"].dropna()):
        pytest.skip("this machine trusts no CA")
    frame = ct.read_certificates(_extracted(tools, form))
    assert set(frame["fingerprint"]) == set(bundle["fingerprint"])
    assert frame["parse_error"].dropna().tolist() == []


def test_the_objects_of_p11_kit(tools: Tools) -> None:
    """Its own files hold attributes and PEM; each certificate between them is read."""
    bundle = ct.read_certificates(_extracted(tools, "pem-bundle"))
    tools.file("objects.p11-kit").write_bytes(tools.run("trust dump"))
    frame = ct.read_certificates(tools.file("objects.p11-kit"))
    assert set(bundle["fingerprint"].dropna()) <= set(frame["fingerprint"])
