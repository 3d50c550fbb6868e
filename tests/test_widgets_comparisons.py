"""CertificateTester: every PBX at once, two certificates side by side, and requests."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import certtrust as ct
from certtrust.certificates.requests import is_request, read_request
from certtrust.errors import CerttrustError
from certtrust.testing import small_fleet
from certtrust.widgets import CertificateTester
from certtrust.widgets.acceptance import accepted

NAME = "0090332f688a"
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def fleet() -> ct.Fleet:
    """Return a small fleet with several PBXs."""
    return small_fleet(20, seed=2)


def make_request(name: str = NAME, *, dns: str = "phone.example.com") -> bytes:
    """Return a request as PEM text."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(dns)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = builder.add_extension(names, critical=False).sign(KEY, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def forged(pem: bytes) -> bytes:
    """Return a request as DER whose signature is another one."""
    der = bytearray(x509.load_pem_x509_csr(pem).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return bytes(der)


@pytest.mark.exhaustive
def test_every_pbx_and_scenario_is_asked(fleet: ct.Fleet) -> None:
    """Each answer is that of `diagnose` with the list of that PBX alone."""
    tester = CertificateTester(fleet=fleet)
    answers = tester.accepted
    pbxs = fleet.trust["pbx"].dropna().unique()
    assert set(answers["pbx"]) == set(pbxs)
    assert len(answers) == 2 * len(pbxs)
    for row in answers.itertuples():
        own = fleet.trust["pbx"].isna() | (fleet.trust["pbx"] == row.pbx)
        alone = ct.diagnose(
            tester.certificates,
            scenario=row.scenario,
            registration_name=tester.registration_name or None,
            hardware_id=tester.hardware_id or None,
            tls_only=tester.tls_only,
            trust=fleet.trust[own.fillna(value=False)],
            at=tester.at,
        )
        assert row.verdict == alone.verdict
        assert (row.reason == "") == (row.verdict == "pass")
    tester._check_everywhere.click()
    assert all(pbx in tester._accepted.value for pbx in pbxs)
    tester.tls_only = True
    assert "<table" not in tester._accepted.value, "an answer to an earlier question"


@pytest.mark.exhaustive
def test_a_url_adds_browsers_and_no_list_gives_no_row(fleet: ct.Fleet) -> None:
    """A browser has its own list, so that all PBXs have one answer; without lists there is none."""
    tester = CertificateTester(fleet=fleet, url=f"https://{NAME}/")
    assert set(tester.accepted["scenario"]) >= {"browser", "h323-certificate"}
    bare = accepted(tester.certificates, fleet.trust.head(0), at=tester.at)
    assert bare.columns.tolist() == ["pbx", "scenario", "verdict", "reason"]
    assert bare.empty
    assert CertificateTester().accepted.empty


def test_two_certificates_stand_side_by_side(fleet: ct.Fleet) -> None:
    """What is held stays while another one is chosen; what differs is marked, until released."""
    tester = CertificateTester(fleet=fleet)
    tester.hold()
    held = tester.certificates.iloc[0]["subject_cn"]
    assert "ct-differs" not in tester._compared.value
    others = [value for _, value in tester._source.choice.options]
    tester._source.choice.value = others[-1]
    chosen = tester.certificates.iloc[0]["subject_cn"]
    assert held in tester._compared.value
    assert chosen in tester._compared.value
    assert "ct-differs" in tester._compared.value
    tester.release()
    assert "<table" not in tester._compared.value


@pytest.mark.parametrize("way", ["pasted", "given"])
def test_a_request_is_judged_by_its_names(way: str) -> None:
    """The name decides already; trust, validity and signature stay unknown until it is signed."""
    pem = make_request()
    tester = CertificateTester(pem if way == "given" else None)
    if way == "pasted":
        tester._source.paste.value = pem.decode()
    assert tester.is_request
    assert tester.registration_name == NAME
    assert tester.diagnosis.verdict == "unknown"
    passed = tester.diagnosis.steps.set_index("code")["passed"]
    assert passed["certificate.name"] is True or passed["certificate.name"]
    assert passed[["certificate.trust", "time.validity"]].isna().all()
    assert "signature is valid" in tester._answer.value
    assert "cannot be taken apart" not in tester._steps.value
    tester.registration_name = "reception"
    assert tester.diagnosis.verdict == "fail"
    assert tester.accepted.empty


def test_a_request_is_never_trusted_whatever_the_list() -> None:
    """A list that holds everything does not make a request trusted, nor refused."""
    everything = ct.simulate(5, seed=1).certificates
    tester = CertificateTester(make_request(), trust=everything)
    assert tester.diagnosis.verdict == "unknown"


def test_a_forged_request_is_told() -> None:
    """A signature that does not fit is said, and no verdict turns it into a pass."""
    tester = CertificateTester(forged(make_request()))
    assert tester.is_request
    assert "is not valid" in tester._answer.value
    assert tester.diagnosis.verdict != "pass"


def test_a_request_holds_nothing_that_only_a_ca_decides() -> None:
    """Names and key are those of the request; issuer, validity and signature are missing."""
    request = read_request(
        make_request(dns="tür.example.com".encode("idna").decode())
    )
    row = request.certificate.iloc[0]
    assert request.is_signed
    assert row["subject_cn"] == NAME
    assert list(row["dns_names"]) == ["xn--tr-xka.example.com"]
    assert row["key_type"] == "EC"
    for name in ("issuer", "not_before", "not_after", "serial_number", "der"):
        assert row[[name]].isna().all(), name


@pytest.mark.parametrize(
    "data",
    [
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
        b"-----BEGIN CERTIFICATE REQUEST-----",
        make_request()[:200],
    ],
)
def test_a_damaged_request_has_a_reason(data: bytes) -> None:
    """It is an error of ours with the reason, and the tester shows it and no verdict."""
    assert is_request(data)
    with pytest.raises(CerttrustError):
        read_request(data)
    tester = CertificateTester(data)
    assert tester.diagnosis is None
    assert "cannot be read" in tester._answer.value


def test_hostile_names_of_a_request_do_not_act() -> None:
    """Names are escaped wherever they stand."""
    tester = CertificateTester(make_request("<script>alert(1)</script>"))
    tester.hold()
    for part in (tester._answer, tester._steps, tester._compared, tester._chain):
        assert "<script" not in part.value


def test_a_request_is_judged_by_the_name_that_was_given() -> None:
    """Its own CN is a guess, and no answer to whoever asks for another name."""
    tester = CertificateTester(make_request(), registration_name="reception")
    assert tester.registration_name == "reception"
    assert tester.diagnosis.verdict == "fail"
