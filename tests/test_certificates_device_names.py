"""The device in the name of a file, and names that only look like one."""

from __future__ import annotations

import io
import zipfile

import pytest
import trustme

from certtrust.certificates.device_names import device_in
from certtrust.certificates.reading import read_certificates


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("0090332f688a.pem", "0090332f688a"),
        ("192.168.0.7_0090332f688a.pem", "0090332f688a"),
        ("0090.332f.688a.pem", "0090.332f.688a"),
        ("0090332f688a.example.com.pem", "0090332f688a"),
        ("00-90-33-2F-68-8C.crt", "00-90-33-2F-68-8C"),
        ("phone_0090332F688A.PEM", "0090332F688A"),
        ("0090332f688a-TEL1.p7b", "0090332f688a"),
        ("0090332f688a (2).pem", "0090332f688a"),
        ("north/hq-IP222-2f-68-8a.pem.gz", "IP222-2f-68-8a"),
        ("ip29-2-2F-68-8A.cer", "ip29-2-2F-68-8A"),
        ("IP222-10-11-25.pem", "IP222-10-11-25"),
        ("phone-ab-cd-ef.pem", "phone-ab-cd-ef"),
        ("Swphone_max.muster.pem", "Swphone_max.muster"),
        ("Swphone_max.muster.crt.pem", "Swphone_max.muster"),
        ("Swphone_max (1).pem", "Swphone_max"),
        ("Smartphone_kim.x_2026-03-02.p12", "Smartphone_kim.x"),
        ("<bytes>/0090332f688a.pem", "0090332f688a"),
        ("009033123456.pem", "009033123456"),
        ("001122334455.pem", "001122334455"),
        ("0090332f688a_2026-03-02.pem", "0090332f688a"),
        ("20260302T101125_0090332f688a.pem", "0090332f688a"),
        ("2026-03-02_IP222-2f-68-8a.pem", "IP222-2f-68-8a"),
        ("202603021011_0090332f688a.pem", "0090332f688a"),
        ("phone-26-03-02_0090332f688a.pem", "0090332f688a"),
        ("<bytes>", None),
        ("<bytes 0090332f688a>", None),
        ("123e4567-e89b-12d3-a456-0090332f688a.pem", None),
        ("{123e4567-e89b-12d3-a456-426614174000}.pem", None),
        ("202603021011.pem", None),
        ("phone-202603021011.pem", None),
        ("020320261011.pem", None),
        ("260302101125.pem", None),
        ("020326101125.pem", None),
        ("26-03-02-10-11-25.pem", None),
        ("2026-03-02-10-11-25.pem", None),
        ("phone-2026-03-02-10-11-25.pem", None),
        ("phone-26-03-02.pem", None),
        ("backup-02-03-26.pem", None),
        ("cert-10-11-25.pem", None),
        ("IP222-2026-03-02-10-11.pem", None),
        ("9c1f00112233deadbeef.pem", None),
        ("0090332f688ab.pem", None),
        ("hq.pem", None),
    ],
)
def test_the_device_in_a_name(name: str, device: str | None) -> None:
    """The whole stem counts, apart from known endings, dates and UUIDs."""
    assert device_in(name) == device


def test_members_of_an_archive_that_came_as_bytes_have_names() -> None:
    """The archive has no name, but its members do."""
    pem = trustme.CA().cert_pem.bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("north/192.0.2.7_0090.332f.688a.pem", pem)
        members.writestr("Swphone_Max.Muster.pem", pem)
    frame = read_certificates(archive.getvalue())
    assert frame["device"].tolist() == ["0090332f688a", "swphone_max.muster"]
