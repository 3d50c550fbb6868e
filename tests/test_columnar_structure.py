"""Reading the structures of many certificates at once equals reading each one, for any bytes."""

import base64
import gzip
import json
import re
from pathlib import Path

import generated_cases
import numpy as np
import pytest
from chain_builder import certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples

from certtrust.x509.columnar_structure import Structures
from certtrust.x509.extensions import usable
from certtrust.x509.structure import structure

CASES = Path(__file__).parents[2] / "shared" / "cases" / "chains.jsonl.gz"
PARTS = (
    "signed",
    "inner_algorithm",
    "issuer",
    "subject",
    "public_key",
    "algorithm",
    "signature",
)
SOME = [
    certificate(
        "leaf", "ca", ca=None, dns=("a.example.com", "b.example.com"), key_ids=True
    ),
    certificate("ca", cert_sign=True, path_length=3, permitted=("example.com",)),
    certificate("bare", ca=None),
    certificate("odd", critical="1.2.3.4"),
]


def agree(ders: list[bytes]) -> None:
    """Compare every part of every certificate with the functions that read a single one."""
    many = Structures(ders)
    single = [structure(der) for der in ders]
    assert many.readable.tolist() == [parts is not None for parts in single]
    assert [many[row] for row in range(len(ders))] == single
    readable_rows = [row for row, parts in enumerate(single) if parts is not None]
    for name in PARTS:
        column = many.column(name, np.array(readable_rows, dtype=np.int64))
        assert column == [getattr(single[row], name) for row in readable_rows]
    for row in readable_rows:
        assert many.usable[row] == usable(single[row])


@settings(max_examples=examples(300), deadline=None)
@given(st.data())
def test_damaged_certificates_agree(data):
    """Both readings agree where a few octets are changed, cut off or added."""
    ders = []
    for der in data.draw(st.lists(st.sampled_from(SOME), min_size=1, max_size=4)):
        noise = bytearray(der)
        for _ in range(data.draw(st.integers(0, 3))):
            noise[data.draw(st.integers(0, len(noise) - 1))] = data.draw(
                st.integers(0, 255)
            )
        end = (
            data.draw(st.integers(0, len(noise)))
            if data.draw(st.integers(0, 9)) == 0
            else len(noise)
        )
        ders.append(
            bytes(noise[:end])
            + data.draw(
                st.binary(max_size=2)
                if data.draw(st.integers(0, 9)) == 0
                else st.just(b"")
            )
        )
    agree(ders)


def test_the_parts_are_those_that_cryptography_sees():
    """Signed part, names, key and signature equal those of an independent reader."""
    many = Structures(SOME)
    rows = np.arange(len(SOME))
    loaded = [x509.load_der_x509_certificate(der) for der in SOME]
    assert many.column("signed", rows) == [
        certificate.tbs_certificate_bytes for certificate in loaded
    ]
    assert many.column("signature", rows) == [
        certificate.signature for certificate in loaded
    ]
    assert many.column("issuer", rows) == [
        certificate.issuer.public_bytes() for certificate in loaded
    ]
    assert many.column("subject", rows) == [
        certificate.subject.public_bytes() for certificate in loaded
    ]
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert many.column("public_key", rows) == [
        certificate.public_key().public_bytes(*form) for certificate in loaded
    ]
    assert many.usable.tolist() == [True, True, True, False]


def test_generated_certificates_agree():
    """They have each kind of key, name and extension."""
    corpus = generated_cases.certificates()
    agree(corpus.loc[corpus["loads_in_cryptography"] == "yes", "der"].tolist())


@pytest.mark.skipif(not CASES.exists(), reason="the published cases are not here")
def test_published_certificates_agree():
    """They are thousands of certificates made by others."""
    pem_block = re.compile("-----BEGIN [^-]+-----(.*?)-----END", re.DOTALL)
    ders: dict[bytes, None] = {}
    with gzip.open(CASES, "rt") as lines:
        for line in lines:
            case = json.loads(line)
            for pem in (case["peer"], *case["intermediates"], *case["trusted"]):
                ders |= dict.fromkeys(
                    base64.b64decode(block) for block in pem_block.findall(pem)
                )
    assert len(ders) > 1000
    agree(list(ders))


def test_no_certificates_have_no_structures():
    """An empty list gives an empty list."""
    agree([])
