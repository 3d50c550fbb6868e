"""`password=`: one, several, or a function, for every reader that may open a key store."""

from pathlib import Path

import pytest
from chain_builder import certificate, key
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)

import certtrust as ct

PASSWORDS = {"one.p12": "hut", "two.p12": "stock"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two key stores that have different passwords."""
    directory = tmp_path_factory.mktemp("stores")
    for name, password in PASSWORDS.items():
        leaf = x509.load_der_x509_certificate(certificate(name, "Root", ca=False))
        encryption = BestAvailableEncryption(password.encode())
        content = pkcs12.serialize_key_and_certificates(
            None, key(name), leaf, None, encryption
        )
        (directory / name).write_bytes(content)
    return directory


def names(folder: Path, password: object, **options: object) -> list[str]:
    """Return the CN of each row, or the reason why there is none."""
    frame = ct.read_certificates(folder, password=password, **options)
    return frame["subject_cn"].fillna(frame["parse_error"]).tolist()


def test_several_passwords_are_tried_for_each_store(folder: Path) -> None:
    """A store that no password opens has a row with the reason."""
    assert names(folder, ["hut", b"stock"]) == ["one.p12", "two.p12"]
    first, second = names(folder, "hut")
    assert first == "one.p12"
    assert second.startswith("PKCS#12: ")


@pytest.mark.parametrize("workers", [None, 2])
def test_a_function_is_called_for_each_store(
    folder: Path, workers: int | None
) -> None:
    """It gets the name of the file, and may return None."""
    assert names(folder, password_of, workers=workers) == ["one.p12", "two.p12"]
    missing = names(folder, no_password, workers=workers)
    assert missing == ["PKCS#12: the password is missing"] * 2


def password_of(name: str) -> str:
    """Return the password of a store by its file's name."""
    return PASSWORDS[Path(name).name]


def no_password(name: str) -> None:
    """Return no password."""


def test_every_reader_accepts_passwords(folder: Path, tmp_path: Path) -> None:
    """It works for trust lists, fleets and single certificates too."""
    (tmp_path / "certificates").mkdir()
    for name in PASSWORDS:
        (tmp_path / "certificates" / name).write_bytes((folder / name).read_bytes())
    fleet = ct.read_fleet(tmp_path, password=password_of)
    assert fleet.certificates["parse_error"].isna().all()
    trust = ct.read_trust_list(folder / "one.p12", password=password_of)
    assert trust["subject_cn"].tolist() == ["one.p12"]
    diagnosis = ct.diagnose(
        folder / "one.p12",
        trust=folder / "two.p12",
        password=password_of,
        scenario="h323-certificate",
        registration_name="one.p12",
    )
    trusted = diagnosis.steps.set_index("code").loc["certificate.trust", "passed"]
    assert trusted is not None
    assert not trusted


@pytest.mark.parametrize("password", [123, [None], lambda _: 5])
def test_an_invalid_password_is_a_mistake(folder: Path, password: object) -> None:
    """The error says what a password may be."""
    with pytest.raises(ct.CerttrustError, match="a password is text or bytes"):
        ct.read_certificates(folder, password=password)
