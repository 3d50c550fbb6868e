"""Captures from outside: what tshark reads in them, what truly happened, and Zeek's own logs."""

import json
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust.captures.alerts import alert_name
from certtrust.fleet import Fleet
from certtrust.schema import DEVICES, empty

CASES = Path(__file__).parents[2] / "shared" / "cases" / "captures"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")

VERSIONS = {
    "0x0300": "SSL 3",
    "0x0301": "TLS 1.0",
    "0x0302": "TLS 1.1",
    "0x0303": "TLS 1.2",
    "0x0304": "TLS 1.3",
    "0x7f13": "TLS 1.3 draft 19",
    "0x7f17": "TLS 1.3 draft 23",
}
NO_MESSAGES = {
    ("ssl-and-ssh-using-sslh.pcap", 0),  # SSH on a port of TLS
    ("tls13-ech.pcap", 0),  # the middle of a connection, encrypted
}
BEYOND = {
    "tls-fragmented-handshake.pcap"  # tshark does not put its Certificate message together
}
REGISTRATIONS = CASES / "registrations"
TRACE = REGISTRATIONS / "registrations.pcap.gz"


def expected(path: Path) -> list[dict]:
    """Return tshark's reading, one connection each."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def seen():
    """Every connection of the captures, by file and stream."""
    frame = ct.handshakes(str(CASES / "*.pcap"))
    registrations = ct.handshakes(TRACE)
    both = pd.concat([frame, registrations], ignore_index=True)
    name = both["source"].str.rpartition("/")[2].str.removesuffix(".gz")
    return both.set_index([name, both["stream"]]).sort_index()


@pytest.mark.parametrize(
    "path",
    [CASES / "expected.jsonl", REGISTRATIONS / "expected.jsonl"],
    ids=lambda path: path.parent.name,
)
def test_all_that_tshark_reads_is_there(path, seen):
    """Ends, time, name, version, both chains, alerts, and how many CAs are accepted."""
    for case in expected(path):
        key = (case["capture"], case["stream"])
        if key in NO_MESSAGES:
            assert case["types"] == []
            assert key not in seen.index
            continue
        (row,) = seen.loc[[key]].to_dict("records")
        ends = [f"{row[side]}:{row[f'{side}_port']}" for side in ("client", "server")]
        assert ends == [case["client"], case["server"]]
        assert row["time"].value // 1000 == round(case["time"] * 1e6)
        assert case["server_name"] == (
            row["server_name"] if isinstance(row["server_name"], str) else None
        )
        if case["version"]:
            assert row["tls_version"] == VERSIONS[case["version"]]
        for side in ("client", "server"):
            sent = case[f"{side}_certificates"]
            assert (row[f"{side}_certificates"] or []) == sent or (
                not sent and case["capture"] in BEYOND
            )
        assert (
            len(row["accepted_authorities"] or []) == case["certificate_authorities"]
        )
        alerts = [(by, alert_name(number)) for by, _, number in case["alerts"]]
        own = (
            [(row["alert_by"], row["alert"])] if isinstance(row["alert"], str) else []
        )
        assert own == alerts
        if case["application_data"]:
            assert row["client_bytes"] + row["server_bytes"] > 0


@pytest.fixture(scope="module")
def truth():
    """What each client of the registrations was, by its port."""
    cases = expected(REGISTRATIONS / "truth.jsonl")
    return {case["port"]: case for case in cases}


OUTCOMES = {
    "plain text": "not TLS",
    "reset": "cut off",
}
ALERTS = {
    "expired": "certificate_expired",
    "not yet valid": "bad_certificate",
    "no certificate": "handshake_failure",
    "other CA": "unknown_ca",
    "second device CA": "unknown_ca",
    "softphone": "unknown_ca",
}


def test_each_registration_ended_as_it_did(truth):
    """Up to TLS 1.2 as it truly did; in TLS 1.3 nothing is claimed that cannot be seen."""
    seen = ct.handshakes(TRACE)
    assert len(seen) == len(truth)
    for row in seen.to_dict("records"):
        case = truth[row["client_port"]]
        kind = case["kind"]
        if kind in OUTCOMES:
            assert row["outcome"] == OUTCOMES[kind]
            continue
        if case["version"] == "TLSv1.3":
            assert row["outcome"] == "not visible"
            assert row["client_certificates"] is None
            continue
        assert row["client_certificates"] == case["client_certificates"]
        assert row["server_certificates"] == case["server_certificates"]
        if case["accepted"]:
            assert row["outcome"] == "established"
        else:
            assert row["outcome"] == "refused by server"
            assert row["alert"] == ALERTS[kind]


@pytest.fixture(scope="module")
def results():
    """The registrations, judged with the trust list of their PBX."""
    fleet = Fleet(
        ct.read_certificates(TRACE),
        ct.read_trust_list(REGISTRATIONS / "trust" / "pbx.pem"),
        empty(DEVICES),
        ct.read_registrations(TRACE),
    )
    return ct.check(ct.attempts(fleet))


CAUSES = {
    "expired": ("time.validity", "wire"),
    "not yet valid": ("time.validity", "rule"),
    "no certificate": ("no_certificate", "wire"),
    "other CA": ("certificate.trust", "wire"),
    "second device CA": ("certificate.trust", "wire"),
    "softphone": ("certificate.trust", "wire"),
}


def test_each_refusal_has_its_cause_and_no_prediction_contradicts_one(results, truth):
    """An unknown CA and an expired certificate are told as just that, none wrongly."""
    ports = ct.handshakes(TRACE).set_index("stream")["client_port"]
    registrations = ct.read_registrations(TRACE)
    streams = registrations["details"].str.removeprefix("tcp.stream ").astype("int64")
    kinds = streams.map(ports).map(lambda port: truth[port]["kind"])
    failed = results[results["observed"] == "failed"]
    assert len(failed) == 52
    for label, row in failed[["cause", "evidence"]].astype("str").iterrows():
        assert tuple(row) == CAUSES[kinds[label]]
    assert results.loc[results["observed"].isna(), "cause"].isna().all()
    assert ct.contradictions(results).empty
    assert ct.compare(results, of="wire")["pass"].sum() == 0


def test_logs_of_zeek_are_read_and_agree_with_the_captures(seen):
    """No line is lost; of the same connection both say the same, or Zeek says less."""
    logs = CASES / "zeek"
    zeek = ct.handshakes(logs)
    lines = sum(
        not line.startswith("#") and bool(line.strip())
        for path in logs.glob("*/ssl.log")
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    assert zeek["outcome"].notna().sum() + _headers(logs) == lines
    ends = ["client", "client_port", "server", "server_port"]
    both = zeek.dropna(subset=ends).merge(seen, on=ends, suffixes=("", "_seen"))
    own = {  # other captures with the same ends, whose bytes were changed
        "tls-1.2-protocol-error.pcap",
        "tls1.2-protocol-violation.pcap",
        "tls1.2-late-protocol-error.pcap",
    }
    both = both[~both["source_seen"].str.rpartition("/")[2].isin(own)]
    assert len(both) > 35
    for column in ("tls_version", "cipher", "server_certificates", "resumed"):
        assert both[column].astype("str").equals(both[f"{column}_seen"].astype("str"))
    agree = both["outcome"].astype("str") == both["outcome_seen"].astype("str")
    assert (agree | (both["outcome"] == "not visible")).all()


def _headers(logs: Path) -> int:
    """Return how many of the logs have a header without #, which is no connection."""
    return sum(
        path.read_text(encoding="utf-8").startswith("uid\t")
        for path in logs.glob("*/ssl.log")
    )


def test_certificates_of_zeek_are_all_there():
    """A row for each line of x509.log, with the certificate itself where the log has it."""
    logs = CASES / "zeek" / "scripts.policy.protocols.ssl.log-certs-base64"
    rows = ct.read_certificates(logs / "x509.log")
    assert rows["der"].notna().all()
    assert len(rows) == 3
    others = CASES / "zeek" / "scripts.base.protocols.ssl.basic" / "x509.log"
    named = ct.read_certificates(others)
    assert named["der"].isna().all()
    assert named["fingerprint"].notna().all()
    assert named["not_after"].notna().all()
