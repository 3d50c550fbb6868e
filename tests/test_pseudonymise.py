"""Copies under pseudonyms: every verdict stays, and nothing of the original does."""

import base64
import dataclasses
import datetime
import ipaddress
import re
from functools import cache
from pathlib import Path

import idna
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from generated_cases import certificates as generated_certificates
from generated_cases import chains
from hypothesis import given
from hypothesis import strategies as st

import certtrust as ct
from certtrust import cli
from certtrust.certificates.reading import from_der
from certtrust.handover import judged_differently, left_out, write_bundle
from certtrust.handover.pseudonyms.words import Pseudonyms
from certtrust.schema import TRUST, conform
from certtrust.testing import fleet_of, small_fleet
from certtrust.x509.structure import structure

DATA = Path(__file__).parents[1] / "data"
CORPUS = Path(__file__).parents[2] / "shared" / "cases" / "certs.parquet"
KEY = b"a key of the test, no secret"
SEEDS = [
    3,
    *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(200, 225)),
]


def counts(fleet: ct.Fleet) -> dict[str, object]:
    """Return what a fleet comes to, in numbers and words without a name."""
    results = ct.check(ct.attempts(fleet))
    rules = [name for name in ct.rules()["code"] if name in results]
    findings = ct.findings(results)
    plan = ct.remedies(fleet, results)
    return {
        "rules": results[rules].astype("str").fillna("-").to_numpy().tolist(),
        "trust": results["trust_state"].astype("str").fillna("-").tolist(),
        "causes": ct.causes(results).astype("str").to_numpy().tolist(),
        "findings": findings["code"].value_counts().sort_index().to_dict(),
        "impersonations": len(ct.impersonations(fleet)),
        "shared keys": len(ct.shared_keys(fleet)),
        "shared names": len(ct.shared_names(fleet)),
        "missing": len(ct.missing(results)),
        "devices": results["device"].nunique(),
        "plan": sorted(plan["action"].astype("str")),
        "repaired": plan["attempts_cumulative"].max() if len(plan) else 0,
        "needed": ct.trust_entries(fleet, results)["needed"].astype("str").tolist(),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_every_verdict_cause_and_count_stays(seed):
    """On a random fleet; its columns of the truth are left out."""
    fleet = ct.link(ct.simulate(15 if seed < 100 else 120, seed=seed))
    copy = ct.pseudonymise(fleet)
    assert len(judged_differently(fleet, copy)) == 0
    before, after = counts(fleet), counts(copy)
    assert before == after
    for name in ("certificates", "trust", "devices", "registrations", "links"):
        assert len(getattr(copy, name)) == len(getattr(fleet, name))
        assert (
            getattr(copy, name).columns.tolist() == ct.columns(name)["name"].tolist()
        )


@pytest.mark.parametrize(
    "folder",
    [
        "first-contact",
        pytest.param("fleet", marks=pytest.mark.exhaustive),
        pytest.param("wire", marks=pytest.mark.exhaustive),
    ],
)
def test_the_examples_are_judged_as_before(folder):
    """Those of files, of a fleet and of a capture."""
    fleet = ct.read_fleet(DATA / folder)
    copy = ct.pseudonymise(fleet)
    assert len(judged_differently(fleet, copy)) == 0
    if fleet.handshakes is not None:
        authorities = [
            ct.accepted_authorities(one.handshakes, one.trust)["listed"].tolist()
            for one in (fleet, copy)
        ]
        assert authorities[0] == authorities[1]


@pytest.fixture(scope="module")
def chain_fleet():
    """A fleet with one PBX for each generated chain, its leaf registered there."""
    parts, lists, log = [], [], []
    for case in chains():
        ders = [
            x509.load_pem_x509_certificate(text.encode()).public_bytes(Encoding.DER)
            for text in (case["peer"], *case["intermediates"])
        ]
        name = case["id"]
        parts.append(from_der(ders, source=name))
        trusted = ct.read_certificates("".join(case["trusted"]))
        lists.append(conform(trusted.assign(pbx=name, source=name), TRUST))
        own = parts[-1]["fingerprint"].iloc[0]
        log.append(
            {
                "pbx": name,
                "registration_name": "phone.example.com",
                "protocol": "H.323/TLS",
                "authentication": "certificate",
                "clock_unset": False,
                "fingerprint": own,
                "time": pd.Timestamp("2026-06-01", tz="UTC"),
                "state": "rejected",
            }
        )
    fleet = fleet_of(trust=pd.concat(lists, ignore_index=True), registrations=log)
    certificates = pd.concat(parts, ignore_index=True)
    return dataclasses.replace(fleet, certificates=certificates)


def test_every_kind_of_chain_is_trusted_as_before(chain_fleet):
    """Path lengths, name constraints, renewed and crossed roots, impostors."""
    copy = ct.pseudonymise(chain_fleet)
    before, after = (
        ct.check(ct.attempts(one))["trust_state"].astype("str").tolist()
        for one in (chain_fleet, copy)
    )
    assert before == after
    assert len(set(before)) > 4


def signed(key, cn="Anna Müller", *, digest=None, signer=None, issuer=None):
    """Return a certificate with many extensions that name somebody."""
    digest = (
        digest
        if digest or isinstance(key, ed25519.Ed25519PrivateKey)
        else hashes.SHA256()
    )
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Müller & Söhne"),
            x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "anna@mueller.example"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, cn),
        ]
    )
    names = [
        x509.DNSName("pbx.mueller.example"),
        x509.DNSName("*.mueller.example"),
        x509.RFC822Name("anna@mueller.example"),
        x509.UniformResourceIdentifier("https://portal.mueller.example/anna"),
        x509.IPAddress(ipaddress.ip_address("203.0.113.77")),
        x509.DirectoryName(name),
        x509.OtherName(
            x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x0canna@mueller"
        ),
    ]
    point = x509.DistributionPoint(
        [x509.UniformResourceIdentifier("ldap://ldap.mueller.example/cn=crl")],
        None,
        None,
        None,
    )
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(public)
        .serial_number(0x7EDCBA9876543210FEDC)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2049, 12, 31))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.CRLDistributionPoints([point]), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
        .add_extension(
            x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"raw bytes of Anna"
            ),
            critical=False,
        )
    )
    return builder.sign(signer or key, digest)


@cache
def odd_ders() -> dict[str, bytes]:
    """Return certificates by many kinds of keys, also by hashes that nobody should use."""
    strong = rsa.generate_private_key(65537, 2048)
    keys = {
        "RSA": strong,
        "EC": ec.generate_private_key(ec.SECP384R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    made = {
        name: signed(key).public_bytes(Encoding.DER) for name, key in keys.items()
    }
    for name, oid, digest in (
        ("MD5", "2a864886f70d010104", hashes.MD5()),  # noqa: S303
        ("SHA-1", "2a864886f70d010105", hashes.SHA1()),  # noqa: S303
    ):
        made[name] = _resigned(made["RSA"], strong, bytes.fromhex(oid), digest)
    broken = bytearray(made["EC"])
    broken[-1] ^= 1
    made["broken"] = bytes(broken)
    return made


def _resigned(der, key, oid, digest):
    """Return a certificate signed by an algorithm that no builder offers."""
    modern = bytes.fromhex("2a864886f70d01010b")
    assert len(oid) == len(modern)
    signed_part = structure(der).signed.replace(modern, oid)
    signature = key.sign(signed_part, padding.PKCS1v15(), digest)
    rest = structure(der).algorithm.replace(modern, oid)
    whole = (
        signed_part + rest + der[-len(signature) - 5 : -len(signature)] + signature
    )
    return der[:4] + whole


def test_stand_ins_have_the_kind_of_key_hash_and_signature_of_the_original():
    """RSA, EC and Ed25519; MD5 and SHA-1; what was broken stays so."""
    ders = odd_ders()
    rows = from_der(ders.values(), source=[f"{name}.der" for name in ders])
    fleet = ct.link(dataclasses.replace(fleet_of(), certificates=rows))
    copy = ct.pseudonymise(fleet)
    facts = [
        *("key_type", "key_size", "curve", "signature_hash", "signature_algorithm"),
        *("is_self_signed", "not_after", "other_names", "country", "version"),
    ]
    pd.testing.assert_frame_equal(copy.certificates[facts], rows[facts])
    assert rows["signature_hash"].tolist()[3:5] == ["md5", "sha1"]
    assert rows["is_self_signed"].tolist() == [True] * 5 + [False]
    assert copy.links["verified"].tolist() == fleet.links["verified"].tolist()
    assert copy.certificates["parse_error"].isna().all()


@pytest.mark.parametrize(
    "corpus",
    [
        "generated",
        pytest.param(
            "published",
            marks=[
                pytest.mark.exhaustive,
                pytest.mark.skipif(not CORPUS.exists(), reason="corpus is not here"),
            ],
        ),
    ],
)
def test_certificates_of_every_kind_keep_their_facts(corpus):
    """What cannot be rebuilt is left out, in a row that says so."""
    frame = (
        generated_certificates() if corpus == "generated" else pd.read_parquet(CORPUS)
    )
    ders = frame["der"].tolist()
    rows = from_der(ders, source=[f"{n}.der" for n in range(len(ders))])
    copy = ct.pseudonymise(dataclasses.replace(fleet_of(), certificates=rows))
    made = copy.certificates
    assert len(made) == len(rows)
    lost = left_out(copy)
    is_lost = made["der"].isna() & rows["der"].notna()
    assert set(np.flatnonzero(is_lost)) <= set(lost["row"])
    facts = ["is_ca", "key_type", "key_size", "signature_algorithm", "not_after"]
    kept = ~is_lost
    pd.testing.assert_frame_equal(
        made.loc[kept, facts].astype("str"), rows.loc[kept, facts].astype("str")
    )
    readable = np.array([structure(der) is not None for der in ders])
    assert (is_lost & readable).mean() < 0.03
    for old, new in zip(rows["der"], made["der"], strict=True):
        if new is not None:
            assert structure(old).signature not in new
            assert structure(old).public_key[-40:] not in new


# Nothing is left


HOSTILE = {
    "long_name": "Änne Groß-Öttinger",
    "user": "anne.oettinger",
    "number": "0049301234567",
    "location": "Headquarters Südstadt",
}


@cache
def named_fleet() -> ct.Fleet:
    """Return a fleet with names, addresses and damage in every column that may hold some."""
    fleet = ct.simulate(12, seed=8)
    odd = from_der(odd_ders().values(), source="Müller export.pem")
    unread = odd.head(2).assign(
        der=[b"cut short: Frau Oettinger", None],
        fingerprint=["ab" * 32, None],
        parse_error="extensions: Frau Oettinger stands here",
        source="Oettinger secret.pem",
    )
    devices = fleet.devices.assign(
        **{
            name: fleet.devices[name].mask(fleet.devices.index == 0, value)
            for name, value in HOSTILE.items()
        },
        firmware="build for Oettinger GmbH",
        parse_error="line 3: Oettinger,broken",
    )
    log = fleet.registrations.assign(
        details="<x name='Oettinger'/>",
        raw=fleet.registrations["raw"] + " Oettinger",
        reason="No licence for Oettinger",
        module="OETTINGER_MODULE",
        my_own_column="Oettinger",
        parse_error="not JSON: Oettinger",
    )
    listed = conform(unread.head(1).assign(pbx="Zweigstelle"), TRUST)
    return ct.link(
        ct.Fleet(
            pd.concat([fleet.certificates, odd, unread], ignore_index=True),
            pd.concat([fleet.trust, listed], ignore_index=True),
            devices,
            log,
        )
    )


def originals(fleet: ct.Fleet) -> set[str]:
    """Return every text of a fleet that names somebody, but what stays by intention."""
    columns = {
        "devices": [
            "user",
            "long_name",
            "number",
            "hardware_id",
            "serial",
            "location",
        ],
        "registrations": [
            "serial",
            "hardware_id",
            "registration_name",
            "reason",
            "module",
        ],
        "certificates": [
            "subject_cn",
            "issuer_cn",
            "organisation",
            "source",
            "device",
        ],
        "trust": ["subject_cn", "pbx"],
    }
    texts = {"Oettinger", "Müller", "mueller.example", "Anna", "my_own_column"}
    texts |= {"203.0.113.77", "raw bytes of", "secret", "Zweigstelle"}
    for table, names in columns.items():
        for name in names:
            texts |= set(getattr(fleet, table)[name].dropna())
    texts |= set(fleet.registrations["remote_address"].dropna())
    texts |= set(fleet.registrations["raw"].dropna())
    for names in fleet.certificates["dns_names"]:
        texts |= set(names)
    stay = {"securityDenial", "softphone"} | set(fleet.devices["model"].dropna())
    # A short word, or a short number, may turn up by chance.
    return {
        text
        for text in texts - stay
        if len(text) >= (10 if re.fullmatch("[0-9a-f]+", text.lower()) else 6)
        or text == "Anna"
    } - {"Anna"}


def pieces(fleet: ct.Fleet) -> set[bytes]:
    """Return the bytes of certificates that tell which they were."""
    made = set()
    both = pd.concat([fleet.certificates, fleet.trust])
    for der in both["der"].dropna().unique():
        parts = structure(der)
        if parts is None:
            made.add(der[:16])
            continue
        made |= {parts.signature[:16], parts.signature[-16:]}
        made |= {parts.public_key[-32:], parts.subject, parts.issuer}
    for column in (
        "fingerprint",
        "serial_number",
        "subject_key_id",
        "authority_key_id",
    ):
        texts = both[column].dropna()
        made |= {
            bytes.fromhex(text.zfill(len(text) + len(text) % 2))
            for text in texts
            if len(text) > 12
        }
    return made


def spelled(data: bytes) -> set[bytes]:
    """Return bytes as they are, in hex, and in base64 wherever they may begin in it."""
    ways = {data, data.hex().encode(), data.hex().upper().encode()}
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data)
        start = 0 if before == 0 else before + 1
        ways.add(text[start : len(text) - 4])
    return ways


def content(folder: Path) -> bytes:
    """Return all that a folder holds: its files as they are, and the cells of their tables."""
    parts = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        parts.append(path.read_bytes())
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            parts.append(repr(table.schema.metadata).encode())
            for row in table.to_pylist():
                for name, cell in row.items():
                    parts.append(name.encode())
                    parts.append(
                        cell if isinstance(cell, bytes) else str(cell).encode()
                    )
    return b"\n".join(parts)


def test_nothing_of_the_original_is_left_in_any_file(tmp_path):
    """Searched byte for byte: as it is, in hex, base64 and UTF-16, in every case of letters."""
    fleet = named_fleet()
    # The search finds what is there: in the fleet as it is, that is nearly all.
    fleet.save(tmp_path / "plain")
    plain = content(tmp_path / "plain").lower()
    there = [text.encode().lower() in plain for text in originals(fleet)]
    assert sum(there) / len(there) > 0.9
    write_bundle(fleet, tmp_path / "bundle")
    found = content(tmp_path / "bundle")
    lower = found.lower()
    assert len(found) > 10_000
    for text in originals(fleet):
        for way in (text, text.encode("utf-16-le"), text.encode("utf-16-be")):
            data = way.encode() if isinstance(way, str) else way
            assert data.lower() not in lower, text
        if len(text) >= 8:
            for way in spelled(text.encode()):
                assert way not in found, text
    for piece in pieces(fleet):
        for way in spelled(piece):
            assert way not in found, piece


def test_the_bundle_reads_back_as_the_copy_and_lists_what_is_left_out(tmp_path):
    """The unread certificates are rows with a reason, and in the list."""
    fleet = named_fleet()
    files = write_bundle(fleet, tmp_path / "bundle")
    copy = ct.read_fleet(tmp_path / "bundle" / "fleet")
    assert len(copy.certificates) == len(fleet.certificates)
    assert (
        copy.certificates["parse_error"].iloc[-1].startswith("extensions: left out")
    )
    assert len(judged_differently(fleet, copy)) == 0
    assert [path.name for path in files][:2] == ["README.txt", "left-out.csv"]
    assert b"PRIVATE KEY" not in content(tmp_path / "bundle")
    with pytest.raises(ct.CerttrustError, match="not an empty folder"):
        write_bundle(fleet, tmp_path / "bundle")


# Pseudonyms of texts

NAMES = [
    *("0090332f688a", "00-90-33-2F-68-8A", "0090.332f.688a", "IP222-2f-68-8a"),
    *("ip222-2F-68-8A", "009033010203-TEL1", "Swphone_mayer", "IP29-2-01-02-0a"),
    *("phone-201.example.com", "*.example.com", "Müller", "room 12", "0201", ""),
    *("aabbccddeeff", "aabbcc", "00", "0", "IP222-", "IP222-2f-6", "0090332f6"),
]
texts = st.one_of(
    st.sampled_from(NAMES),
    st.text(max_size=20),
    st.text("0123456789abcdefABCDEF:.-", max_size=20),
    st.builds(
        lambda name, size: name[:size], st.sampled_from(NAMES), st.integers(0, 20)
    ),
)


def is_plain(text: str) -> bool:
    """Return True but for addresses and A-labels, which are pseudonymised as a whole."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "xn--" not in text.lower()
    return False


@given(texts, texts)
def test_a_text_begins_with_another_where_their_pseudonyms_do(one, other):
    """In both directions, with and without regard to case."""
    if not (is_plain(one) and is_plain(other)):
        return
    made = Pseudonyms(KEY, [*NAMES, one, other])
    new, new_other = made.text(one), made.text(other)
    # Marks belong to the letter before them.
    if not any(0x300 <= ord(letter) < 0x370 for letter in one + other):
        assert new.startswith(new_other) == one.startswith(other)
    assert (new == new_other) == (one == other)
    if one.isascii() and other.isascii():
        assert (new.lower() == new_other.lower()) == (one.lower() == other.lower())
    assert (
        re.sub("[A-Za-z]", "a", new)
        == re.sub(
            "[0-9]", lambda match: new[match.start()], re.sub("[A-Za-z]", "a", one)
        )
        or not one.isascii()
    )


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3), st.booleans())
def test_serial_and_hardware_id_end_in_the_same_octets(octets, upper):
    """In every spelling."""
    tail = [f"{octet:02X}" if upper else f"{octet:02x}" for octet in octets]
    serial, spelling = "009033" + "".join(tail), "00:90:33:" + ":".join(tail)
    dotted = f"0090.33{tail[0]}.{tail[1]}{tail[2]}"
    hardware_id = "IP222-" + "-".join(tail)
    made = Pseudonyms(KEY, [serial, spelling, dotted, hardware_id])
    new = made.text(serial)
    assert new.startswith("009033")
    assert new[6:] != serial[6:]
    assert made.text(spelling) == "00:90:33:" + ":".join(
        (new[6:8], new[8:10], new[10:])
    )
    assert made.text(dotted) == f"0090.33{new[6:8]}.{new[8:]}"
    assert made.text(hardware_id) == f"IP222-{new[6:8]}-{new[8:10]}-{new[10:]}"


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 32))
def test_two_addresses_share_a_network_where_their_pseudonyms_do(one, other, size):
    """Name constraints go by that."""
    made = Pseudonyms(KEY)
    if one.version != other.version:
        return
    first, second = (
        ipaddress.ip_network(f"{address}/{size}", strict=False)
        for address in (one, other)
    )
    new, new_other = (
        ipaddress.ip_network(f"{made.address(address)}/{size}", strict=False)
        for address in (one, other)
    )
    assert (new == new_other) == (first == second)


def test_hosts_keep_their_labels_and_u_labels_their_a_labels():
    """A wildcard of a domain stays one of that domain."""
    made = Pseudonyms(KEY)
    host, wild = made.text("pbx.münchen.example"), made.text("*.münchen.example")
    assert wild == "*." + host.partition(".")[2]
    a_label = made.text(idna.encode("pbx.münchen.example").decode())
    assert a_label == idna.encode(host).decode()


def test_one_key_gives_one_set_of_pseudonyms():
    """So that a later case can be compared; no key is too short."""
    fleet = small_fleet(8)
    one, same = (ct.pseudonymise(fleet, key=KEY).devices for _ in range(2))
    pd.testing.assert_frame_equal(one, same)
    other = ct.pseudonymise(fleet).devices
    assert set(one["user"]).isdisjoint(other["user"])
    with pytest.raises(ct.CerttrustError, match="too short"):
        ct.pseudonymise(fleet, key=b"short")


def test_an_empty_fleet_has_an_empty_copy(tmp_path):
    """And its bundle is a fleet without rows."""
    copy = ct.pseudonymise(fleet_of())
    assert copy == copy
    assert not len(copy.certificates)
    write_bundle(fleet_of(), tmp_path / "bundle")
    assert not len(ct.read_fleet(tmp_path / "bundle" / "fleet").devices)


def test_the_command_writes_a_bundle_with_or_without_names(tmp_path, capsys):
    """Without the option it warns."""
    source = str(DATA / "first-contact")
    assert (
        cli.main(["bundle", source, "-o", str(tmp_path / "a"), "--pseudonymise"]) == 0
    )
    assert "personal data" not in capsys.readouterr().out
    assert cli.main(["bundle", source, "-o", str(tmp_path / "b")]) == 0
    assert "personal data" in capsys.readouterr().out
    assert cli.main(["bundle", source, "-o", str(tmp_path / "b")]) == 2


def test_the_fleet_is_not_changed():
    """Nor any of its frames."""
    fleet = small_fleet(8)
    before = {name: getattr(fleet, name).copy() for name in ("devices", "trust")}
    ct.pseudonymise(fleet)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(fleet, name), frame)


def test_dsa_keys_stand_in_for_dsa_keys():
    """With parameters of their own."""
    key = dsa.generate_private_key(1024)  # noqa: S505 - old keys are data here
    der = signed(key).public_bytes(Encoding.DER)
    rows = from_der([der], source="dsa.der")
    copy = ct.pseudonymise(dataclasses.replace(fleet_of(), certificates=rows))
    assert copy.certificates["is_self_signed"].tolist() == [True]
    assert copy.certificates["key_size"].tolist() == [1024]
