"""From what the wire shows to causes: tables, proofs, contradictions, the report."""

import dataclasses
import json
import ssl

import pandas as pd
import pytest
from capture_files import BEGUN, CLIENT, SERVER, packets, pcap

import certtrust as ct
from certtrust import cli, schema, simulation
from certtrust.charts.ladder import rungs
from certtrust.fleet import read_fleet
from certtrust.report import content as report_content
from certtrust.report import explain_fleet
from certtrust.report.exports import as_json
from certtrust.report.page import page
from certtrust.report.wire import wire_content
from certtrust.simulation import tls
from certtrust.simulation.packets import End, connection


def fleet_of(data: bytes, trust=None, devices=None) -> ct.Fleet:
    """Return a fleet of which nothing is known but a capture, and a list."""
    return ct.Fleet(
        ct.read_certificates(data),
        schema.empty(schema.TRUST) if trust is None else trust,
        schema.empty(schema.DEVICES) if devices is None else devices,
        ct.read_registrations(data),
        handshakes=ct.handshakes(data),
    )


@pytest.fixture(scope="module")
def simulated():
    """A simulated fleet with sound and unsound certificates."""
    return ct.simulate(60, seed=3)


def one(data: bytes, **known) -> dict:
    """Return the one result of a capture of one connection."""
    (row,) = ct.check(ct.attempts(fleet_of(data, **known))).to_dict("records")
    return row


def chain_of(fleet: ct.Fleet, device: str) -> list[bytes]:
    """Return what a device sends."""
    rows = fleet.certificates
    own = rows[rows["device"] == device]["bundle"].iloc[0]
    return rows[rows["bundle"] == own]["der"].tolist()


@pytest.fixture(scope="module")
def device(simulated):
    """A phone with a sound certificate of its own."""
    good = simulated.registrations
    good = good[good["true_cause"].isna() & good["fingerprint"].notna()]
    owners = simulated.certificates.set_index("fingerprint")
    names = good["fingerprint"].map(
        owners[~owners.index.duplicated()]["subject_cn"].to_dict()
    )
    known = set(simulated.certificates["device"].dropna())
    return next(
        name
        for name in names
        if isinstance(name, str) and name in known and len(name) == 12
    )


def test_each_connection_is_a_registration(simulated, device):
    """Who, where to, and the certificate; the name that is registered is not known."""
    data = pcap(packets("unknown CA", chain=chain_of(simulated, device)))
    (row,) = ct.read_registrations(data).to_dict("records")
    assert row["protocol"] == "H.323/TLS"
    assert row["remote_address"] == "192.0.2.7"
    assert row["pbx"] == SERVER.address
    assert (row["state"], row["reason"]) == ("rejected", "unknown_ca")
    assert row["serial"] == device
    assert not isinstance(row["registration_name"], str)
    (named,) = ct.read_registrations(data, pbx="hq")["pbx"]
    assert named == "hq"
    assert ct.read_registrations(data, pbx={SERVER.address: "x"})["pbx"].tolist() == [
        "x"
    ]
    elsewhere = ct.read_registrations(data, port=1301)
    assert "no connection on port 1301" in elsewhere["parse_error"].item()


def test_certificates_are_bundles_of_a_side_and_a_connection(simulated, device):
    """What a device did not send is not in its bundle."""
    chain = chain_of(simulated, device)
    other = packets(client=End("192.0.2.8", 50_000), begun=BEGUN + 500)
    seen = ct.read_certificates(pcap([*packets(chain=chain), *other]))
    sizes = seen.groupby("bundle").size()
    assert sorted(sizes) == sorted([len(chain), 2, 1, 2])
    assert set(seen["fingerprint"].dropna()) >= set(
        ct.handshakes(pcap(packets(chain=chain)))["client_certificates"].item()
    )


def test_a_success_proves_nothing(simulated, device):
    """TLS was established: no verdict, and nothing observed."""
    data = pcap(packets(chain=chain_of(simulated, device)))
    row = one(data, trust=simulated.trust.assign(pbx=None))
    assert row["verdict"] == "unknown"
    assert not isinstance(row["observed"], str)
    assert pd.isna(row["certificate.name"])


PROOFS = {
    "unknown CA": ("certificate.trust", "wire"),
    "no certificate": ("no_certificate", "wire"),
    "expired": ("time.validity", "wire"),
}


@pytest.mark.parametrize("kind", PROOFS)
def test_an_alert_is_the_cause(kind):
    """With its evidence, whatever is known beside it."""
    row = one(pcap(packets(kind)))
    assert (row["cause"], row["evidence"]) == PROOFS[kind]
    assert row["observed"] == "failed"


def test_an_alert_that_does_not_tell_its_reason():
    """The refusal is proven; the reason is a broken rule's, which is then predicted."""
    with_rule = one(pcap(packets("not yet valid")), trust=None)
    # Judged at a moment at which the certificate, which is made today, is not valid yet.
    assert (with_rule["cause"], with_rule["evidence"]) == ("time.validity", "rule")
    now = int(pd.Timestamp.now("UTC").value // 1000)
    certificates = ct.read_certificates(pcap(packets()))
    trusting = schema.conform(certificates.assign(pbx=None), schema.TRUST)
    flights = packets(begun=now)
    row = one(_alert_instead(flights, 46), trust=trusting)
    assert (row["cause"], row["evidence"]) == ("certificate_refused", "wire")


def _alert_instead(frames, number: int) -> bytes:
    """Return a capture in which the server answers the client's certificate with an alert."""
    flights = list(tls.handshake("accepted", "TLSv1_2"))[:3]
    flights.append(tls.Flight(False, bytes([21, 3, 3, 0, 2, 2, number])))
    client, begun = End("192.0.2.7", 49160), frames[0].time
    return pcap(connection(client, SERVER, begun, flights))


def test_a_proof_against_the_data_names_what_is_stale():
    """The list covers the certificate, and the PBX calls it that of an unknown CA."""
    now = int(pd.Timestamp.now("UTC").value // 1000)
    data = _alert_instead(packets(begun=now), 48)
    trust = schema.conform(ct.read_certificates(data).assign(pbx=None), schema.TRUST)
    results = ct.check(ct.attempts(fleet_of(data, trust=trust)))
    (row,) = ct.contradictions(results).to_dict("records")
    assert (row["code"], row["stale"]) == ("certificate.trust", "trust list")
    assert "before it changed" in row["sentence"]
    (why,) = report_content.reasons(results)["why"]
    assert "with the alert unknown_ca" in why
    table = ct.compare(results, of="wire")
    assert table.loc["certificate.trust", "pass"] == 1
    expired = _alert_instead(packets(begun=now), 45)
    results = ct.check(ct.attempts(fleet_of(expired, trust=trust)))
    assert ct.contradictions(results)["stale"].tolist() == ["clock"]
    with pytest.raises(ct.CerttrustError, match="attempts"):
        ct.compare(results, of="rules")


@pytest.mark.parametrize("number", [40, 42, 48, 49])
@pytest.mark.parametrize(
    "answers", [b"", tls.handshake("accepted", "TLSv1_2")[1].data]
)
def test_an_alert_before_the_certificate_is_not_about_it(number, answers):
    """The client had presented nothing yet: the server ended TLS, and refused no certificate."""
    hello = tls.handshake("accepted", "TLSv1_2")[0]
    ended = tls.Flight(False, answers + bytes([21, 3, 3, 0, 2, 2, number]))
    row = one(pcap(connection(CLIENT, SERVER, BEGUN, [hello, ended])))
    assert row["observed"] == "failed"
    assert not isinstance(row["authentication"], str)
    assert row["evidence"] != "wire"


def test_nobody_lacks_a_certificate_who_was_asked_for_none():
    """40 after a handshake without a CertificateRequest is about something else."""
    accepting, connecting = tls.contexts("accepted", "TLSv1_2")
    accepting.verify_mode = ssl.CERT_NONE
    flights = tls._conversation(accepting, connecting)[:3]
    flights.append(tls.Flight(False, bytes([21, 3, 3, 0, 2, 2, 40])))
    data = pcap(connection(CLIENT, SERVER, BEGUN, flights))
    assert ct.handshakes(data)["client_certificates"].tolist() == [[]]
    assert one(data)["evidence"] != "wire"


def test_an_alert_about_versions():
    """70 is about TLS itself."""
    flights = [
        tls.handshake("accepted", "TLSv1_2")[0],
        tls.Flight(False, bytes([21, 3, 3, 0, 2, 2, 70])),
    ]
    row = one(pcap(connection(End("192.0.2.7", 1), SERVER, BEGUN, flights)))
    assert (row["cause"], row["evidence"]) == ("tls_version", "wire")


def test_a_device_list_names_the_pbx(simulated, device):
    """The address of the server stands for the PBX until a device's only entry names it."""
    devices = pd.DataFrame(
        {
            "pbx": ["berlin"],
            "hardware_id": [device],
            "serial": [device],
            "tls_only": [True],
        }
    )
    devices = schema.conform(devices, schema.DEVICES)
    data = pcap(packets(chain=chain_of(simulated, device)))
    row = one(data, devices=devices)
    assert row["pbx"] == "berlin"
    assert row["scenario"] == "h323-certificate"
    assert one(data)["pbx"] == SERVER.address


def test_the_whole_way_from_a_capture_to_known_causes(tmp_path):
    """A fleet of which only the capture, the lists and the objects are known."""
    fleet = ct.simulate(30, seed=11)
    trace = tmp_path / "captures" / "trace.pcap"
    trace.parent.mkdir()
    made = simulation.write_capture(fleet, trace)
    simulation.write(
        dataclasses.replace(
            fleet,
            certificates=fleet.certificates.head(0),
            registrations=fleet.registrations.head(0),
        ),
        tmp_path / "known",
    )
    trace.parent.rename(tmp_path / "known" / "captures")
    names = {
        address: name for name, address in simulation.pbx_addresses(fleet).items()
    }
    seen = read_fleet(tmp_path / "known", pbx=names)
    assert len(seen.handshakes) == len(seen.registrations) == len(made)
    results = ct.check(ct.attempts(seen))
    ends = ["client", "client_port"]
    rows = seen.handshakes.assign(label=results.index).merge(made, on=ends)
    judged = results.loc[rows["label"]].reset_index(drop=True)
    refused = rows["kind"].isin(["unknown CA", "expired", "not yet valid"])
    visible = rows["version"] != "TLS 1.3"
    shown = refused & visible
    assert shown.sum() > 5
    assert (judged["observed"][shown] == "failed").all()
    assert (
        judged["cause"].astype("str")[shown]
        == rows["true_cause"].astype("str")[shown]
    ).all()
    assert judged["observed"][~shown].isna().all()
    assert not (judged["evidence"][~shown] == "wire").any()
    assert ct.contradictions(results).empty
    saved = read_fleet(seen.save(tmp_path / "saved"))
    pd.testing.assert_frame_equal(saved.handshakes, seen.handshakes)


@pytest.fixture
def of_two():
    """A fleet of two connections, one of which the PBX refused, with a list that it names."""
    refused = packets("unknown CA", client=End("192.0.2.8", 7))
    return fleet_of(pcap([*packets(), *refused]))


def test_what_the_report_says_of_the_wire(of_two):
    """Outcomes, proofs, and their limits in words; nothing where nothing was captured."""
    results = ct.check(ct.attempts(of_two))
    content = wire_content(of_two, results)
    assert content.outcomes["connections"].sum() == 2
    assert content.proven["title"].tolist() == ["Certificate not trusted by the PBX"]
    assert content.contradicted.empty
    without = dataclasses.replace(of_two, handshakes=None)
    assert wire_content(without, results) is None
    files = report_content.inputs(of_two)
    assert "handshakes" in set(files["kind"])


@pytest.mark.exhaustive
def test_the_page_has_a_section_of_the_wire_where_there_is_a_capture(of_two):
    """With its chart, and in JSON; without a capture, it is not spoken of."""
    report = explain_fleet(of_two, periods=1)
    html = page(report)
    assert "What the wire shows" in html
    assert 'id="chart-ladder"' in html
    assert json.loads(as_json(report))["wire_proven"]
    without = dataclasses.replace(of_two, handshakes=None)
    report = explain_fleet(without, periods=1)
    assert "What the wire shows" not in page(report)
    assert not [
        name for name in json.loads(as_json(report)) if name.startswith("wire")
    ]


def _ended_by(by_client: bool, number: int) -> ct.Fleet:
    """Return a connection in which a side answers the other's first flight with an alert."""
    hello, answer = tls.handshake("accepted", "TLSv1_2")[:2]
    flights = [hello, answer] if by_client else [hello]
    flights.append(tls.Flight(by_client, bytes([21, 3, 3, 0, 2, 2, number])))
    return fleet_of(pcap(connection(CLIENT, SERVER, BEGUN, flights)))


@pytest.mark.usefixtures("without_charts")
def test_an_alert_that_no_rule_explains_is_named():
    """It is not said that nothing tells why."""
    html = page(explain_fleet(_ended_by(False, 120), periods=1))
    assert "with the alert no_application_protocol, and no rule explains it" in html
    assert "neither a rule nor the log says why" not in html


@pytest.mark.usefixtures("without_charts")
def test_an_alert_of_the_client_is_about_the_pbx_only_where_its_name_says_so():
    """A client ends TLS for other reasons, too."""
    about = "about the certificate of the PBX"
    assert about in page(explain_fleet(_ended_by(True, 48), periods=1))
    assert about not in page(explain_fleet(_ended_by(True, 40), periods=1))


def test_accepted_authorities_are_compared_with_the_list(simulated):
    """A name that the list lacks means that the list is older than what the PBX uses."""
    subject = simulated.trust["subject"].dropna().iloc[0]
    seen = ct.handshakes(pcap(packets())).assign(
        accepted_authorities=[[subject.upper(), "CN=Another CA"]]
    )
    table = ct.accepted_authorities(seen, simulated.trust)
    assert dict(zip(table["authority"], table["listed"], strict=True)) == {
        "CN=Another CA": False,
        subject.upper(): True,
    }
    none = ct.accepted_authorities(seen, simulated.trust.head(0))
    assert none["listed"].isna().all()


def test_long_and_short_connections_under_one_name(simulated, device):
    """A hint: how often, how long, how much."""
    chain = chain_of(simulated, device)
    short = packets(chain=chain)
    long = packets(
        chain=chain, client=End("192.0.2.7", 5), begun=BEGUN + 9, lasting=600
    )
    data = pcap(sorted([*short, *long]))
    (row,) = ct.connection_lengths(
        ct.handshakes(data), ct.read_certificates(data)
    ).to_dict("records")
    assert (row["name"], row["connections"]) == (device, 2)
    assert row["shortest"] < 1
    assert row["longest"] > 600


def test_the_ladder():
    """Who sent what; the message that ended it stands out, and the words are all there."""
    seen = ct.handshakes(
        pcap([*packets(), *packets("expired", client=End("192.0.2.8", 7))])
    )
    ax = ct.charts.ladder(seen)
    assert "certificate_expired" in ax.get_title()
    assert "ClientHello" in ct.charts.alternative_text(ax)
    assert "succeeded" in ct.charts.ladder(seen, 0).get_title()
    with pytest.raises(ct.CerttrustError, match="no connection 7"):
        ct.charts.ladder(seen, 7)
    together = rungs(["client 0.1 A", "client 0.1 B", "server 0.1 C", "server - D"])
    assert [rung.words for rung in together] == ["A, B", "C", "D"]


def test_the_command_line(tmp_path, capsys):
    """A line for each connection, JSON, CSV, and an exit status that says what was found."""
    good, bad = tmp_path / "good.pcap", tmp_path / "bad.pcap"
    good.write_bytes(pcap(packets()))
    bad.write_bytes(pcap(packets("unknown CA")))
    assert cli.main(["handshakes", str(good)]) == 0
    assert "established" in capsys.readouterr().out
    table = tmp_path / "all.csv"
    assert cli.main(["handshakes", str(good), str(bad), "--csv", str(table)]) == 1
    assert "refused by server (unknown_ca)" in capsys.readouterr().out
    assert len(pd.read_csv(table)) == 2
    half = tmp_path / "half.pcap"
    half.write_bytes(pcap(packets()[:5]))
    assert cli.main(["handshakes", str(half)]) == 0
    assert "[the capture ends within the handshake]" in capsys.readouterr().out
    again = connection(CLIENT, SERVER, BEGUN, tls.resumption("TLSv1_2"))
    half.write_bytes(pcap(again))
    assert cli.main(["handshakes", str(half)]) == 0
    assert "established  session resumed" in capsys.readouterr().out
    assert cli.main(["handshakes", str(bad), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["alert"] == "unknown_ca"
    (tmp_path / "none").write_text("nothing")
    assert cli.main(["handshakes", str(tmp_path / "none")]) == 3
    assert cli.main(["handshakes", str(tmp_path / "absent.pcap")]) == 2
    with pytest.raises(SystemExit):
        cli.main(["handshakes", str(good), "--port", "0"])


def test_simulate_writes_a_capture(tmp_path, capsys):
    """`certtrust simulate --capture`, and the report of what it wrote."""
    target = tmp_path / "fleet"
    arguments = ["simulate", str(target), "--devices", "8", "--capture"]
    assert cli.main(arguments) == 0
    capsys.readouterr()
    fleet = read_fleet(target)
    assert fleet.handshakes["outcome"].notna().all()
    assert len(fleet.registrations) > len(fleet.handshakes)
    with pytest.raises(ct.CerttrustError, match="true_failed"):
        simulation.write_capture(fleet, tmp_path / "x.pcap")
