"""Logs of Zeek and Suricata, as their documentation describes them."""

import base64
import json

import pandas as pd
import pytest

import certtrust as ct
from certtrust.simulation import simulate

HEADER = """#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tssl
#open\t2026-11-30-08-00-00
"""
FIELDS = {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "version": "string",
    "cipher": "string",
    "server_name": "string",
    "resumed": "bool",
    "last_alert": "string",
    "established": "bool",
    "ssl_history": "string",
    "cert_chain_fps": "vector[string]",
    "client_cert_chain_fps": "vector[string]",
}
LEAF, SERVER = "a" * 64, "b" * 64


def line(**changed):
    """Return a connection of ssl.log as a dict of the texts of TSV."""
    values = dict.fromkeys(FIELDS, "-") | {
        "ts": "1767225600.250000",
        "uid": "CHhAvVGS1DHFjwGM9",
        "id.orig_h": "192.0.2.7",
        "id.orig_p": "49160",
        "id.resp_h": "192.0.2.2",
        "id.resp_p": "1300",
        "version": "TLSv12",
        "cipher": "TLS_RSA_WITH_AES_128_CBC_SHA",
        "server_name": "pbx.example.com",
        "resumed": "F",
        "established": "T",
        "ssl_history": "CsxrnXGYIFtif",
        "cert_chain_fps": SERVER,
        "client_cert_chain_fps": LEAF,
    }
    return values | changed


def tsv(*lines):
    """Return a log with its header."""
    head = (
        "#fields\t"
        + "\t".join(FIELDS)
        + "\n#types\t"
        + "\t".join(FIELDS.values())
        + "\n"
    )
    rows = ["\t".join(values.values()) for values in lines]
    return (HEADER + head + "\n".join(rows) + "\n#close\t2026\n").encode()


def read(**changed):
    """Return the row of one connection."""
    (row,) = ct.handshakes(tsv(line(**changed))).to_dict("records")
    return row


def test_a_line_of_zeek():
    """Every column that the log has."""
    row = read()
    assert row["time"].isoformat() == "2026-01-01T00:00:00.250000+00:00"
    assert (row["client"], row["client_port"]) == ("192.0.2.7", 49160)
    assert (row["server"], row["server_port"]) == ("192.0.2.2", 1300)
    assert row["tls_version"] == "TLS 1.2"
    assert row["client_certificates"] == [LEAF]
    assert row["server_certificates"] == [SERVER]
    assert row["outcome"] == "established"
    assert row["resumed"] is False
    assert row["messages"][:2] == ["client - ClientHello", "server - ServerHello"]
    assert row["parse_error"] is None or row["parse_error"] != row["parse_error"]


ENDINGS = {
    "refused by server": {"last_alert": "unknown_ca", "ssl_history": "CsxrnXGYl"},
    "refused by client": {"last_alert": "unknown_ca", "ssl_history": "CsxknL"},
    "not visible": {"ssl_history": "Cs"},
    "cut off": {"last_alert": "close_notify", "ssl_history": "CsxrnL"},
}


@pytest.mark.parametrize("outcome", ENDINGS)
def test_how_it_ended(outcome):
    """Who sent the alert stands in the history; without an alert nothing is claimed."""
    row = read(established="F", **ENDINGS[outcome])
    assert row["outcome"] == outcome


@pytest.mark.parametrize(
    "ending",
    [
        {"last_alert": "close_notify", "ssl_history": "CsxrnXGYlL"},
        {"last_alert": "internal_error", "ssl_history": "CsxrnXGYlL"},
        {"last_alert": "close_notify", "ssl_history": "CsxrnXGYll"},
    ],
)
def test_of_several_alerts_the_log_names_the_last(ending):
    """Which of them ended the handshake is then not known."""
    row = read(established="F", **ending)
    assert row["outcome"] == "not visible"
    assert "several alerts" in row["parse_error"]


def test_an_alert_before_the_certificate_of_the_client():
    """Its name alone refuses nothing."""
    refused = {"established": "F", "last_alert": "access_denied"}
    none = {"client_cert_chain_fps": "(empty)"}
    logs = (
        tsv(line(**refused, **none, ssl_history="Csxrnl")),
        tsv(line(**refused, ssl_history="CsxrnXGYl")),
    )
    rows = pd.concat([ct.read_registrations(log) for log in logs])
    assert rows["state"].tolist() == ["rejected", "rejected"]
    assert (rows["authentication"] == "certificate").tolist() == [False, True]


def test_nothing_is_claimed_of_tls_13():
    """Zeek calls it established as soon as both sides encrypt; a refusal comes later."""
    assert read(version="TLSv13", ssl_history="CsiI")["outcome"] == "not visible"


def test_a_client_without_a_certificate():
    """An empty message is none presented; no message in TLS 1.3 is not seen."""
    row = read(
        established="F",
        last_alert="handshake_failure",
        ssl_history="CsxrnXGl",
        client_cert_chain_fps="(empty)",
    )
    assert row["client_certificates"] == []
    hidden = read(version="TLSv13", ssl_history="Cs", client_cert_chain_fps="(empty)")
    assert hidden["client_certificates"] is None


def test_a_list_that_the_log_leaves_out_is_not_empty():
    """The history has a Certificate message, and nothing says how many were in it."""
    left_out = {name: value for name, value in line().items() if "fps" not in name}
    seen = ct.handshakes(json.dumps({"_path": "ssl", **left_out}).encode())
    assert seen["client_certificates"].isna().all()
    assert seen["server_certificates"].isna().all()


def test_lines_of_other_logs_are_counted_and_no_connections():
    """Zeek may write all of its logs into one stream."""
    of_ssl = json.dumps({"_path": "ssl", **line()})
    of_conn = json.dumps({"_path": "conn", "id.orig_h": "x", "id.resp_h": "y"})
    seen = ct.handshakes(f"{of_ssl}\n{of_conn}\n".encode())
    assert len(seen) == 1
    assert seen.attrs["packets"]["<bytes>"]["lines of other logs"] == 1


def test_addresses_are_written_as_captures_have_them():
    """Suricata writes IPv6 in full."""
    event = {
        "timestamp": "2026-01-01T00:00:00.000000+0000",
        "event_type": "tls",
        "src_ip": "2001:0db8:0000:0000:0000:0000:0000:0001",
        "dest_ip": "no address",
        "tls": {"version": "TLS 1.2", "chain": [""], "certificate": ""},
    }
    (row,) = ct.handshakes(json.dumps(event).encode()).to_dict("records")
    assert (row["client"], row["server"]) == ("2001:db8::1", "no address")
    assert row["server_certificates"] is None


def test_an_alert_without_its_name():
    """116 has its name in Zeek since 7.0."""
    row = read(established="F", last_alert="unknown-116", ssl_history="Csl")
    assert row["alert"] == "certificate_required"
    row = read(established="F", last_alert="unknown-200", ssl_history="Csl")
    assert row["alert"] == "unknown_200"


def test_separators_are_read_from_the_header():
    """All of them can be changed."""
    data = tsv(line(server_name="(none)", client_cert_chain_fps=f"{LEAF}|{SERVER}"))
    head, _, body = data.decode().partition("#path")
    head = head.replace("\\x09", "\\x3b").replace("\t", ";")
    head = head.replace("separator;,", "separator;|").replace("(empty)", "(none)")
    changed = head + "#path" + body.replace("\t", ";")
    (row,) = ct.handshakes(changed.encode()).to_dict("records")
    assert row["client_certificates"] == [LEAF, SERVER]
    assert row["server_name"] is None or row["server_name"] != row["server_name"]


def test_escaped_bytes_are_what_they_stand_for():
    """A separator, a control character, a character of two bytes."""
    assert read(server_name="a\\x09b")["server_name"] == "a\tb"
    assert read(server_name="f\\xc3\\xbcr.example")["server_name"] == "für.example"


def test_lines_that_do_not_fit_are_rows_with_their_reason():
    """Nothing is lost: too few fields, an overlong line, a header that comes again."""
    good = tsv(line())
    data = good[:-12] + b"1767225600\ttorn\n" + good
    seen = ct.handshakes(data)
    assert len(seen) == 3
    assert "2 fields where the header has 15" in seen["parse_error"].dropna().item()


@pytest.mark.parametrize(
    "time",
    [1767225600.25, 1767225600250, "2026-01-01T00:00:00.250000Z"],
    ids=["seconds", "milliseconds", "ISO"],
)
def test_json_lines(time):
    """The same row from JSON, with each form of time that Zeek writes."""
    values = line()
    values |= {
        "ts": time,
        "id.orig_p": 49160,
        "id.resp_p": 1300,
        "established": True,
        "resumed": False,
        "cert_chain_fps": [SERVER],
        "client_cert_chain_fps": [LEAF],
    }
    values = {key: value for key, value in values.items() if value != "-"}
    json_row = ct.handshakes(json.dumps(values).encode() + b"\n")
    of_tsv = ct.handshakes(tsv(line()))
    assert (
        json_row.drop(columns="source")
        .astype("str")
        .equals(of_tsv.drop(columns="source").astype("str"))
    )


def test_an_old_log_is_joined_by_the_identifiers_of_files():
    """Until Zeek 4.0; with the certificates in base64 the fingerprints are certain."""
    certificates = simulate(2, seed=1).certificates
    row = certificates.dropna(subset=["der"]).iloc[0]
    ssl = tsv(line()).decode().replace("chain_fps", "chain_fuids")
    ssl = ssl.replace(LEAF, "Fleaf").replace(SERVER, "Funknown")
    x509 = (
        HEADER.replace("\tssl", "\tx509")
        + "#fields\tts\tid\tcertificate.serial\tcertificate.subject\tcert\n"
        + f"1\tFleaf\t0A\t{row['subject']}\t{base64.b64encode(row['der']).decode()}\n"
    )
    for sources in ([ssl.encode(), x509.encode()], [x509.encode(), ssl.encode()]):
        (seen,) = ct.handshakes(sources).to_dict("records")
        assert seen["client_certificates"] == [row["fingerprint"]]
        assert seen["server_certificates"] is None
        assert "no SHA-256" in seen["parse_error"]
    read_back = ct.read_certificates(x509.encode())
    assert read_back["fingerprint"].tolist() == [row["fingerprint"]]


def event(**changed):
    """Return an event of eve.json."""
    tls = {
        "subject": "C=DE, O=Example, CN=pbx.example",
        "issuerdn": "O=Example, CN=Example CA",
        "serial": "00:A1",
        "fingerprint": "8f:51",
        "sni": "pbx.example",
        "version": "TLSv1",
        "notbefore": "2025-01-01T00:00:00",
        "notafter": "2027-01-01T00:00:00",
    }
    return {
        "timestamp": "2026-11-30T09:00:00.000001+0100",
        "flow_id": 1234567890123456,
        "event_type": "tls",
        "src_ip": "192.0.2.21",
        "src_port": 49160,
        "dest_ip": "192.0.2.2",
        "dest_port": 1300,
        "proto": "TCP",
        "tls": tls | changed,
    }


def eve(*events) -> bytes:
    """Return a log of events."""
    return "".join(json.dumps(one) + "\n" for one in events).encode()


def test_an_event_of_suricata():
    """What it says, and no more: neither an outcome nor a fingerprint."""
    client = {"subject": "CN=009033aabbcc", "issuerdn": "CN=Example Device CA"}
    seen = ct.handshakes(eve(event(client=client), {"event_type": "dns"}))
    (row,) = seen.to_dict("records")
    assert row["time"].isoformat() == "2026-11-30T08:00:00.000001+00:00"
    assert row["tls_version"] == "TLS 1.0"
    assert row["server_name"] == "pbx.example"
    assert row["outcome"] == "not visible"
    assert row["client_certificates"] is row["server_certificates"] is None
    assert "no certificate of the client" in row["parse_error"]
    assert next(iter(seen.attrs["packets"].values()))["events of other types"] == 1
    certificates = ct.read_certificates(eve(event(client=client)))
    assert certificates["subject"].tolist() == [
        "CN=009033aabbcc",
        "CN=pbx.example,O=Example,C=DE",
    ]
    assert certificates["serial_number"].tolist()[1] == "a1"
    assert certificates["device"].tolist()[0] == "009033aabbcc"
    registrations = ct.read_registrations(eve(event(client=client)))
    assert registrations["serial"].tolist() == ["009033aabbcc"]
    assert registrations["state"].isna().all()


def test_chains_of_suricata():
    """With `custom`, the certificates themselves are there."""
    rows = simulate(2, seed=1).certificates.dropna(subset=["der"]).head(2)
    chain = [base64.b64encode(der).decode() for der in rows["der"]]
    (row,) = ct.handshakes(eve(event(chain=chain))).to_dict("records")
    assert row["server_certificates"] == rows["fingerprint"].tolist()
    (row,) = ct.handshakes(eve(event(session_resumed=True))).to_dict("records")
    assert row["resumed"] is True


def test_lines_of_suricata_that_cannot_be_read():
    """Each is a row with its reason."""
    data = eve(event()) + b"{torn\n[1]\n\n" + eve({**event(), "tls": None})
    seen = ct.handshakes(data)
    assert len(seen) == 4
    assert seen["parse_error"].tolist()[1].startswith("line 2: no JSON")
    assert seen["parse_error"].tolist()[2:] == [
        "line 3: no JSON object",
        "line 5: an event of TLS without its object",
    ]


def test_a_log_without_certificates_decides_nothing():
    """Names and dates alone give no verdict on trust, whatever else is known."""
    fleet = simulate(3, seed=1, faults={})
    logs = tsv(line())
    x509 = (
        HEADER.replace("\tssl", "\tx509")
        + "#fields\tts\tfingerprint\tcertificate.serial\tcertificate.subject"
        + "\tcertificate.issuer\tcertificate.not_valid_before\tcertificate.not_valid_after\n"
        + f"1\t{LEAF}\t0A\tCN=009033aabbcc\tCN=Example CA\t1700000000\t1900000000\n"
    ).encode()
    own = ct.Fleet(
        ct.read_certificates(x509),
        fleet.trust,
        fleet.devices,
        ct.read_registrations(logs),
    )
    (row,) = ct.check(ct.attempts(own)).to_dict("records")
    assert row["verdict"] == "unknown"
    assert row["subject_cn"] == "009033aabbcc"
    assert row["certificate.trust"] is not True
