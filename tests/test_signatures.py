"""Signature checks: certificates signed by OpenSSL verify, and altered ones do not."""

import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from certtrust.x509.ber import SEQUENCE, children, content, encoded
from certtrust.x509.signatures import verify, verify_many
from certtrust.x509.structure import structure

RSA_2048 = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
PSS = ["-sigopt", "rsa_padding_mode:pss"]
PSS_OID = bytes.fromhex("06092a864886f70d01010a")
DSA_PARAMETERS = [
    "-pkeyopt",
    "dsa_paramgen_bits:2048",
    "-pkeyopt",
    "dsa_paramgen_q_bits:256",
]


def openssl(*arguments: str | Path, **options) -> bytes:
    """Run OpenSSL and return what it prints."""
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, capture_output=True, **options
    ).stdout


def key(directory: Path, algorithm: list[str]) -> Path:
    """Make a private key with OpenSSL."""
    path = directory / "key.pem"
    extra: list[str | Path] = []
    if algorithm[0] == "DSA":
        parameters = directory / "parameters.pem"
        openssl(
            "genpkey",
            "-genparam",
            "-algorithm",
            "DSA",
            *DSA_PARAMETERS,
            "-out",
            parameters,
        )
        extra = ["-paramfile", parameters]
    openssl("genpkey", *(extra or ["-algorithm", *algorithm]), "-out", path)
    return path


def root(directory: Path, algorithm: list[str], *options: str) -> bytes:
    """Make a self-signed certificate with OpenSSL, as DER."""
    path = key(directory, algorithm)
    return openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        path,
        "-subj",
        "/CN=ca",
        "-outform",
        "DER",
        *options,
    )


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        (RSA_2048, ["-md5"]),
        (RSA_2048, ["-sha1"]),
        (RSA_2048, ["-sha224"]),
        (RSA_2048, ["-sha256"]),
        (RSA_2048, ["-sha384"]),
        (RSA_2048, ["-sha512"]),
        (RSA_2048, ["-sha3-256"]),
        (RSA_2048, ["-sha256", *PSS]),
        (RSA_2048, ["-sha1", *PSS]),
        (
            RSA_2048,
            [
                "-sha512",
                *PSS,
                "-sigopt",
                "rsa_pss_saltlen:20",
                "-sigopt",
                "rsa_mgf1_md:sha256",
            ],
        ),
        (["RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"], ["-sha256"]),
        (["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha1"]),
        (["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha256"]),
        (["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-sha384"]),
        (["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], ["-sha512"]),
        (["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha3-256"]),
        (["ED25519"], []),
        (["ED448"], []),
        (["DSA"], ["-sha256"]),
        (["DSA"], ["-sha1"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_signatures_of_openssl_verify_and_changed_certificates_do_not(
    tmp_path, algorithm, options
):
    """Every supported algorithm verifies, and a change in the signed part is detected."""
    der = root(tmp_path, algorithm, *options)
    assert verify(der, der) is True
    changed = der.replace(b"\x0c\x02ca", b"\x0c\x02cb", 1)
    assert changed != der
    assert verify(changed, der) is False
    assert verify(der, changed) is True, "only the key of the issuer is used"


def test_a_version_1_certificate_verifies(tmp_path):
    """The oldest devices have version 1 certificates."""
    path = key(tmp_path, RSA_2048)
    request = openssl("req", "-new", "-key", path, "-subj", "/CN=old")
    der = openssl(
        "x509", "-req", "-signkey", path, "-outform", "DER", "-sha256", input=request
    )
    parts = structure(der)
    assert parts is not None
    assert parts.version == 1
    assert verify(der, der) is True


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    """Return a leaf and its issuer."""
    return _issued(ec.generate_private_key(ec.SECP256R1()))


def _issued(issuer_key, leaf_key=None, digest=hashes.SHA256) -> tuple[bytes, bytes]:
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    leaf_key = leaf_key or ec.generate_private_key(ec.SECP256R1())
    ders = []
    for subject, public in (
        ("leaf", leaf_key.public_key()),
        ("ca", issuer_key.public_key()),
    ):
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")]),
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
            public,
            7,
            start,
            start + datetime.timedelta(days=36500),
        )
        ders.append(builder.sign(issuer_key, digest()).public_bytes(Encoding.DER))
    return ders[0], ders[1]


def test_another_key_does_not_verify(pair):
    """Another key gives False, whether of the same kind or not."""
    leaf, issuer = pair
    assert verify(leaf, issuer) is True
    assert verify(leaf, leaf) is False
    _, other_kind = _issued(rsa.generate_private_key(65537, 2048))
    assert verify(leaf, other_kind) is False


def test_differing_algorithm_fields_do_not_verify(tmp_path):
    """RFC 5280, section 4.1.1.2: the signed and the unsigned algorithm field must be the same."""
    der = root(tmp_path, RSA_2048, "-sha256")
    sha256, sha384 = (bytes.fromhex(f"2a864886f70d01010{last}") for last in "bc")
    head, tail = der[: der.rindex(sha256)], der[der.rindex(sha256) + len(sha256) :]
    assert verify(head + sha384 + tail, der) is False
    assert verify(der.replace(sha256, sha384, 1), der) is False


def test_unsupported_input_is_unknown(pair):
    """Missing certificates, unknown algorithms and keys of monstrous size give None at once."""
    leaf, issuer = pair
    assert verify(b"", issuer) is None
    assert verify(leaf, b"\x30\x80\0\0") is None
    parts = structure(leaf)
    assert parts is not None
    unknown = bytes.fromhex("300a06082a8648ce3d04037f")
    assert verify(leaf.replace(parts.algorithm, unknown), issuer) is None
    huge = rsa.RSAPublicNumbers(65537, (1 << 20000) + 1).public_key()
    assert _under(huge, leaf) is None
    slow = rsa.RSAPublicNumbers((1 << 2000) + 1, (1 << 2048) - 1).public_key()
    assert _under(slow, leaf) is None


def _under(public, der: bytes) -> bool | None:
    parts = structure(der)
    key_info = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    rsa_sha256 = bytes.fromhex("300d06092a864886f70d01010b0500")
    return verify_many([parts.signed], [parts.signature], [rsa_sha256], [key_info])[0]


def test_many_are_answered_in_order(pair):
    """The answers equal those of single checks, across chunks and threads."""
    leaf, issuer = pair
    parts = structure(leaf)
    times = 1000
    keys = [
        parts.public_key,
        structure(issuer).public_key,
        b"\x30\0",
        structure(issuer).public_key,
    ] * times
    algorithms = [parts.algorithm, parts.algorithm, parts.algorithm, None] * times
    answers = verify_many(
        [parts.signed] * 4 * times, [parts.signature] * 4 * times, algorithms, keys
    )
    assert answers == [False, True, None, False] * times


@given(st.data())
def test_no_bytes_make_it_raise(pair, data):
    """Truncated and changed certificates give an answer, never an exception."""
    leaf, issuer = pair
    noise = bytearray(leaf)
    for _ in range(data.draw(st.integers(1, 4))):
        noise[data.draw(st.integers(0, len(noise) - 1))] = data.draw(
            st.integers(0, 255)
        )
    mutated = (
        bytes(noise[: data.draw(st.integers(0, len(noise)))])
        if data.draw(st.booleans())
        else bytes(noise)
    )
    assert verify(mutated, issuer) in (True, False, None)
    assert verify(leaf, mutated) in (True, False, None)
    if mutated != leaf:
        assert verify(mutated, issuer) is not True


@pytest.fixture(scope="module")
def pss(tmp_path_factory) -> dict[str, bytes]:
    """Return certificates signed by one RSA key with PSS, each with other hashes or salt length."""
    path = key(tmp_path_factory.mktemp("pss"), RSA_2048)
    ders = {}
    for name, digest, mask, salt in (
        ("sha256/32", "sha256", "sha256", 32),
        ("sha256/20", "sha256", "sha256", 20),
        ("sha256/48", "sha256", "sha256", 48),
        ("sha512/32", "sha512", "sha256", 32),
        ("sha256 by sha1/32", "sha256", "sha1", 32),
    ):
        scheme = [
            "-sigopt",
            f"rsa_pss_saltlen:{salt}",
            "-sigopt",
            f"rsa_mgf1_md:{mask}",
        ]
        subject = ["-subj", "/CN=ca", "-outform", "DER"]
        ders[name] = openssl(
            "req",
            "-x509",
            "-new",
            "-key",
            path,
            f"-{digest}",
            *PSS,
            *scheme,
            *subject,
        )
    return ders


@pytest.mark.parametrize(
    ("used", "verifies"),
    [
        ("sha256/32", True),
        ("sha256/48", True),
        ("sha256/20", False),
        ("sha512/32", False),
        ("sha256 by sha1/32", False),
    ],
)
def test_a_signature_follows_the_parameters_of_a_pss_key(pss, used, verifies):
    """A key may require a hash, a mask and a minimum salt length (RFC 4055); without parameters
    it accepts any.
    """
    required = structure(pss["sha256/32"]).algorithm
    _, bits = children(content(structure(pss[used]).public_key, SEQUENCE))
    parts = structure(pss[used])
    for algorithm, expected in (
        (required, verifies),
        (encoded(SEQUENCE, PSS_OID), True),
    ):
        restricted = encoded(SEQUENCE, algorithm + bits)
        answers = verify_many(
            [parts.signed], [parts.signature], [parts.algorithm], [restricted]
        )
        assert answers == [expected]


def test_a_salt_longer_than_any_number_of_the_library_is_no_answer():
    """The algorithm cannot be handled; nothing is raised."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    key = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    salt = encoded(0xA2, encoded(0x02, b"\1" + bytes(10)))
    algorithm = encoded(0x30, PSS_OID + encoded(0x30, salt))
    assert verify_many([b"signed"], [bytes(256)], [algorithm], [key]) == [None]
