"""Packet captures: file formats, links, TCP put together again, and the messages of TLS."""

import gzip
import itertools
import random
import struct

import pandas as pd
import pytest
from capture_files import (
    BEGUN,
    CLIENT,
    SERVER,
    as_ipv6,
    block,
    interface,
    on_link,
    packet_block,
    packets,
    pcap,
    pcapng,
    section,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples, share

import certtrust as ct
from certtrust import limits
from certtrust.simulation import tls
from certtrust.simulation.packets import End, Packet, connection

SOURCE = ["source", "parse_error"]
ALERT = b"\x15\3\3\0\2"
"""What begins the record of an alert in TLS 1.2."""


def is_client(frame: Packet) -> bool:
    """Return True where the client of `packets` sent a frame."""
    return int.from_bytes(frame[1][34:36]) == CLIENT.port


def same(one, other) -> bool:
    """Return True where two frames say the same of the connections."""
    return (
        one.drop(columns=SOURCE)
        .astype("str")
        .equals(other.drop(columns=SOURCE).astype("str"))
    )


@pytest.fixture(scope="module")
def plain():
    """The connection that other forms are compared with."""
    return ct.handshakes(pcap(packets()))


def test_a_handshake_is_read(plain):
    """Addresses, versions, certificates, times and the outcome of one connection."""
    (row,) = plain.to_dict("records")
    assert (row["client"], row["client_port"]) == CLIENT
    assert (row["server"], row["server_port"]) == SERVER
    assert row["server_name"] == "pbx.example.com"
    assert row["tls_version"] == row["offered_version"] == "TLS 1.2"
    assert row["outcome"] == "established"
    assert row["resumed"] is False
    assert len(row["client_certificates"]) == 1
    assert len(row["server_certificates"]) == 2
    assert row["accepted_authorities"] == []
    assert row["time"].value // 1000 == BEGUN + 3 * 700
    assert row["stream"] == 0
    assert row["client_bytes"] == row["server_bytes"] == 36
    assert row["cipher"].startswith("TLS_ECDHE_ECDSA_WITH_")
    assert plain.loc[0, "parse_error"] is None or plain["parse_error"].isna().all()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_either_order_and_resolution(plain, order, nanoseconds):
    """The same row from each of the four."""
    data = pcap(packets(), order=order, nanoseconds=nanoseconds)
    assert same(ct.handshakes(data), plain)
    assert same(ct.handshakes(gzip.compress(data)), plain)


@pytest.mark.parametrize("minor", [2, 3])
def test_old_pcap_has_its_lengths_the_other_way_round(plain, minor):
    """Before 2.3 always, in 2.3 where the captured length is the greater."""
    assert same(ct.handshakes(pcap(packets(), minor=minor)), plain)


def test_pcap_with_longer_records(plain):
    """Kuznetzov's form has eight more bytes before each packet."""
    parts = [struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)]
    for time, frame in packets():
        size = len(frame)
        head = struct.pack("<IIII", *divmod(time, 1_000_000), size, size)
        parts += [head, bytes(8), frame]
    assert same(ct.handshakes(b"".join(parts)), plain)


@pytest.mark.parametrize("order", "<>")
def test_pcapng_of_either_order(plain, order):
    """The byte order of a section holds for its blocks."""
    assert same(ct.handshakes(pcapng(packets(), order=order)), plain)


def test_sections_of_different_order_and_interfaces_in_one_file():
    """Interfaces count anew in each section, and each has its link and its clock."""
    first, second = packets(), packets(client=End("192.0.2.8", 50000))
    nanoseconds = struct.pack(">HHB3xHH", 9, 1, 9, 0, 0)
    data = pcapng(first) + section(">") + interface(101, ">")
    data += interface(1, ">", nanoseconds)
    data += block(10, b"a secret of TLS", ">") + block(0xBAD, b"custom", ">")
    data += b"".join(
        packet_block(time * 1000, frame, 1, ">") for time, frame in second
    )
    seen = ct.handshakes(data)
    assert seen["client"].tolist() == ["192.0.2.7", "192.0.2.8"]
    assert (seen["outcome"] == "established").all()
    assert len(set(seen["time"])) == 1
    assert "secret" not in seen.to_string()


def test_simple_packets_have_no_time():
    """A block without a time gives a row without a time."""
    offset = struct.pack("<HHqHH", 14, 8, 1_700_000_000, 0, 0)
    simple = [
        block(3, struct.pack("<I", len(frame)) + frame) for _, frame in packets()
    ]
    seen = ct.handshakes(section() + interface(options=offset) + b"".join(simple))
    assert seen["outcome"].tolist() == ["established"]
    assert seen[["time", "duration"]].isna().all(axis=None)
    assert seen["messages"].item()[0] == "client - ClientHello"
    timed = [packet_block(*frame) for frame in packets()]
    mixed = ct.handshakes(section() + interface() + b"".join(timed[:5] + simple[5:]))
    assert mixed["duration"].between(0, 0.0028).all()


LINKS = {
    "VLAN": (1, bytes(12) + b"\x81\x00\x00\x05\x08\x00"),
    "QinQ": (1, bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00"),
    "Linux cooked": (113, bytes(14) + b"\x08\x00"),
    "Linux cooked 2": (276, b"\x08\x00" + bytes(18)),
    "raw": (101, b""),
    "raw, by some writers": (12, b""),
    "IPv4": (228, b""),
    "loopback, little-endian": (0, b"\x02\x00\x00\x00"),
    "loopback, big-endian": (0, b"\x00\x00\x00\x02"),
    "loopback of OpenBSD": (108, b"\x00\x00\x00\x02"),
}


@pytest.mark.parametrize("name", LINKS)
def test_links(plain, name):
    """IP is found behind each kind of link."""
    link, head = LINKS[name]
    assert same(ct.handshakes(pcap(on_link(packets(), head), link=link)), plain)


EXTENSIONS = {
    "none": (b"", 6),
    "hop by hop": (bytes([6, 0]) + bytes(6), 0),
    "two": (bytes([60, 1]) + bytes(14) + bytes([6, 0]) + bytes(6), 43),
    "authentication": (bytes([6, 4]) + bytes(22), 51),
    "fragment that is the whole": (bytes([6, 0, 0, 0]) + bytes(4), 44),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_ipv6(plain, name):
    """TCP is found behind extension headers."""
    seen = ct.handshakes(pcap(as_ipv6(packets(), *EXTENSIONS[name])))
    assert seen["client"].tolist() == ["::c000:207"]
    ends = ["client", "server"]
    assert same(seen.drop(columns=ends), plain.drop(columns=ends))


def test_what_is_no_tcp_is_counted():
    """Fragments, UDP, what is no IP and what is cut off: not read, and not lost."""
    frames = packets()
    udp = frames[0].frame[:23] + b"\x11" + frames[0].frame[24:]
    fragment = frames[3].frame[:20] + b"\x20\x00" + frames[3].frame[22:]
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    odd = [
        Packet(BEGUN, frame) for frame in (udp, fragment, arp, frames[4].frame[:50])
    ]
    seen = ct.handshakes(pcap([*frames, *odd]))
    (counts,) = seen.attrs["packets"].values()
    assert counts["packets"] == len(frames) + 4
    assert counts["not TCP"] == counts["fragments"] == counts["not IP"] == 1
    assert counts["damaged"] == 1
    assert counts["TCP"] == len(frames)
    in_ipv6 = as_ipv6(frames[:1], bytes([6, 0, 0, 1]) + bytes(4), 44)
    (counts,) = ct.handshakes(pcap(in_ipv6)).attrs["packets"].values()
    assert counts["fragments"] == 1


def test_a_link_that_is_not_read_is_said():
    """Nothing is silently dropped."""
    seen = ct.handshakes(pcap(packets(), link=147))
    assert "link type 147" in seen["parse_error"].item()


# TCP


def shuffled(seed: int) -> list[Packet]:
    """Return a connection with its data in disorder, doubled, and split at odd places."""
    rng = random.Random(seed)
    frames = [Packet(0, frame) for _, frame in packets()]
    head, data = frames[:3], frames[3:-3]
    pieces = [piece for packet in data for piece in _split(packet.frame, rng)]
    pieces += rng.sample(pieces, len(pieces) // 2)
    rng.shuffle(pieces)
    in_order = [*head, *(Packet(0, piece) for piece in pieces), *frames[-3:]]
    return [
        Packet(BEGUN + 10 * number, frame)
        for number, (_, frame) in enumerate(in_order)
    ]


def _split(frame: bytes, rng: random.Random) -> list[bytes]:
    """Return a segment as several that overlap."""
    head, data = frame[:54], frame[54:]
    (sequence,) = struct.unpack_from(">I", head, 38)
    pieces = []
    at = 0
    while at < len(data):
        size = rng.randrange(1, 400)
        begin = max(0, at - rng.randrange(0, 30))
        piece = data[begin : at + size]
        changed = bytearray(head)
        struct.pack_into(">H", changed, 16, 40 + len(piece))
        struct.pack_into(">I", changed, 38, sequence + begin)
        pieces.append(bytes(changed) + piece)
        at += size
    return pieces or [frame]


@settings(max_examples=examples(80))
@given(seed=st.integers(0, 1 << 32))
def test_segments_in_any_order_doubled_and_overlapping(plain, seed):
    """What was said does not depend on how its segments came."""
    seen = ct.handshakes(pcap(shuffled(seed)))
    of_time = ["time", "duration", "messages"]
    assert same(seen.drop(columns=of_time), plain.drop(columns=of_time))


def test_sequence_numbers_that_wrap(plain):
    """A connection whose numbers pass 2^32."""
    frames = []
    for time, frame in packets():
        changed = bytearray(frame)
        by_client = struct.unpack_from(">H", frame, 36)[0] == 1300
        shift = 0xFFFFFF00 if by_client else 0xFFFFFE00
        moved = struct.unpack_from(">I", frame, 38)[0] + shift
        struct.pack_into(">I", changed, 38, moved & 0xFFFFFFFF)
        frames.append(Packet(time, bytes(changed)))
    assert same(ct.handshakes(pcap(frames)), plain)


def test_each_lost_segment_is_noted():
    """Whichever is lost: the row stays, says so, and is established only where that is certain."""
    frames = packets()
    for lost in range(len(frames)):
        kept = frames[:lost] + frames[lost + 1 :]
        seen = ct.handshakes(pcap(kept))
        assert len(seen) == 1
        has_data = len(frames[lost].frame) > 54
        (row,) = seen.to_dict("records")
        assert row["outcome"] in ("established", "not visible")
        assert isinstance(row["parse_error"], str) or not has_data
        for side in ("client_certificates", "server_certificates"):
            assert row[side] is None or len(row[side]) in (1, 2)


def test_an_alert_is_read_whatever_was_lost_before_it():
    """Where the next record begins is known, or shows at the beginning of a segment."""
    long_chain = [bytes([48]) * 3000]
    frames = packets("unknown CA", chain=long_chain)
    carrying = [
        number
        for number, packet in enumerate(frames)
        if len(packet.frame) > 54 and b"\x15\x03\x03\x00\x02" not in packet.frame
    ]
    assert len(carrying) >= 5
    for lost in carrying:
        seen = ct.handshakes(pcap(frames[:lost] + frames[lost + 1 :]))
        assert seen["outcome"].tolist() == ["refused by server"]
        assert "missing" in seen["parse_error"].item()


def test_a_snap_length_is_noted():
    """Packets that are kept in part only."""
    parts = [pcap([])]
    for time, frame in packets():
        kept = frame[:96]
        seconds, rest = divmod(time, 1_000_000)
        parts += [struct.pack("<IIII", seconds, rest, len(kept), len(frame)), kept]
    seen = ct.handshakes(b"".join(parts))
    (row,) = seen.to_dict("records")
    assert "bytes are missing in the capture" in row["parse_error"]
    assert row["outcome"] == "not visible"
    assert next(iter(seen.attrs["packets"].values()))["cut short"] > 0


def test_a_connection_without_its_beginning():
    """The hello is there: all is read. It is not: a registration has its row all the same."""
    seen = ct.handshakes(pcap(packets()[3:]))
    assert seen["outcome"].tolist() == ["established"]
    assert "beginning" in seen["parse_error"].item()
    late = ct.handshakes(pcap(packets()[12:]))
    assert late["outcome"].tolist() == ["not visible"]
    elsewhere = packets(server=End("192.0.2.2", 443))[9:]
    assert len(ct.handshakes(pcap(elsewhere))) == 0


def test_wherever_a_capture_begins_and_ends_the_sides_are_right():
    """Two files of a rotated capture: each says what it holds, and neither the opposite."""
    frames = packets("unknown CA")
    for cut in range(1, len(frames)):
        first = ct.handshakes(pcap(frames[:cut]))
        second = ct.handshakes(pcap(frames[cut:]))
        rows = pd.concat([first, second])
        assert (rows["server_port"] == SERVER.port).all()
        assert rows["outcome"].isin(["refused by server", "not visible"]).all()
        assert rows["alert_by"].dropna().tolist() == ["server"]
        assert (rows["parse_error"].notna() | rows["alert"].notna()).all()


def test_ports_that_are_used_again():
    """Two connections between the same ends are two rows, whether the first was closed or not."""
    later = packets("unknown CA", begun=BEGUN + 9_000_000)
    for first in (packets(), packets()[:-3]):
        again = [
            Packet(time, frame[:38] + _later(frame) + frame[42:])
            for time, frame in later
        ]
        seen = ct.handshakes(pcap([*first, *again]))
        assert seen["outcome"].tolist() == ["established", "refused by server"]
        assert seen["stream"].tolist() == [0, 1]


def _later(frame: bytes) -> bytes:
    """Return the sequence number of a segment, one million further."""
    return (int.from_bytes(frame[38:42]) + 1_000_000).to_bytes(4)


def test_the_order_of_directions_in_the_file_does_not_matter():
    """A tap may write what the server sent before what it answers."""
    frames = packets()
    moved = [frames[0], frames[1], frames[2], frames[5], frames[3], frames[4]]
    seen = ct.handshakes(pcap([*moved, *frames[6:]]))
    assert seen["outcome"].tolist() == ["established"]


def test_connections_are_let_go_within_bounds(monkeypatch):
    """Of too many open connections the longest silent ones are rows that say so."""
    monkeypatch.setattr(limits, "CAPTURE_CONNECTIONS", 3)
    frames = []
    for number in range(9):
        client = End("192.0.2.9", 50_000 + number)
        frames += packets(client=client, begun=BEGUN + number * 1_000_000)[:6]
    seen = ct.handshakes(pcap(frames))
    assert len(seen) == 9
    assert seen["parse_error"].str.contains("let go").sum() == 6


def test_what_waits_is_bounded(monkeypatch):
    """Bytes ahead of a missing segment are held up to a bound, then it counts as lost."""
    monkeypatch.setattr(limits, "WAITING_BYTES", 2_000)
    frames = packets(lasting=1)
    kept = frames[:3] + frames[4:]
    seen = ct.handshakes(pcap(kept))
    assert "bytes are missing" in seen["parse_error"].item()


# TLS


OUTCOMES = {
    "accepted": ("established", None),
    "unknown CA": ("refused by server", "unknown_ca"),
    "expired": ("refused by server", "certificate_expired"),
    "not yet valid": ("refused by server", "bad_certificate"),
    "no certificate": ("refused by server", "handshake_failure"),
}


def of_openssl(kind: str, version: str) -> list[Packet]:
    """Return a connection, where this machine's OpenSSL has the version."""
    import ssl

    try:
        return packets(kind, version)
    except ssl.SSLError as problem:
        pytest.skip(f"no {version} here: {problem}")


@pytest.mark.parametrize("kind", OUTCOMES)
@pytest.mark.parametrize("version", tls.VERSIONS)
def test_each_version_and_what_refuses(kind, version):
    """Up to TLS 1.2 the alert tells; in TLS 1.3 nothing does, and nothing is guessed."""
    seen = ct.handshakes(pcap(of_openssl(kind, version)))
    (row,) = seen.to_dict("records")
    words = {"TLSv1": "TLS 1.0"}.get(
        version, version.replace("v", " ").replace("_", ".")
    )
    assert row["tls_version"] == row["offered_version"] == words
    if version == "TLSv1_3":
        assert row["outcome"] == "not visible"
        assert row["client_certificates"] is row["server_certificates"] is None
        assert not isinstance(row["alert"], str)
        return
    outcome, alert = OUTCOMES[kind]
    assert row["outcome"] == outcome
    assert row["alert"] == alert or (
        alert is None and not isinstance(row["alert"], str)
    )
    assert len(row["client_certificates"]) == (kind != "no certificate")
    assert row["resumed"] is False


def test_a_connection_that_is_reset_is_cut_off():
    """No alert, no data: the handshake ended before it was over."""
    flights = tls.handshake("accepted", "TLSv1_2")
    for count in range(3):
        frames = connection(CLIENT, SERVER, BEGUN, flights[:count], reset=True)
        assert ct.handshakes(pcap(frames))["outcome"].tolist() == ["cut off"]


@pytest.mark.parametrize("reset", [True, False])
def test_what_a_close_acknowledges_was_sent(reset):
    """An alert that the capture lost is not taken for a connection that was cut off."""
    frames = packets("unknown CA", reset=reset)
    kept = [frame for frame in frames if frame[1][54:56] != ALERT[:2]]
    assert len(kept) == len(frames) - 1
    if not reset:
        # That of the server alone would tell as well.
        kept = [frame for frame in kept if not frame[1][47] & 1 or is_client(frame)]
    (row,) = ct.handshakes(pcap(kept)).to_dict("records")
    assert row["outcome"] == "not visible"
    assert "bytes are missing" in row["parse_error"]


@pytest.mark.parametrize("kind", ["accepted", "unknown CA"])
@pytest.mark.parametrize("warning", [b"", b"\x15\3\3\0\2\1\x70"])
def test_whatever_two_packets_are_lost_nothing_else_is_claimed(kind, warning):
    """How it ended is seen or not, and never taken for another ending."""
    hello, answer, *rest = tls.handshake(kind, "TLSv1_2")
    answer = tls.Flight(False, warning + answer.data)
    frames = connection(CLIENT, SERVER, BEGUN, [hello, answer, *rest])
    (truth,) = ct.handshakes(pcap(frames)).to_dict("records")
    pairs = list(itertools.combinations(range(len(frames)), 2))
    for lost in share(pairs):
        kept = [frame for at, frame in enumerate(frames) if at not in lost]
        (row,) = ct.handshakes(pcap(kept)).to_dict("records")
        assert row["outcome"] in (truth["outcome"], "not visible"), lost
        assert row["client_port"] == CLIENT.port, lost


def test_a_capture_of_which_nothing_can_be_read_says_why():
    """Headers that the snap length cut off, or what stands between Ethernet and IP."""
    short = [Packet(time, frame[:40]) for time, frame in packets()]
    (row,) = ct.handshakes(pcap(short)).to_dict("records")
    assert row["parse_error"] == "no connection can be read: 18 damaged"
    tunnel = on_link(packets(), bytes(12) + b"\x88\x64\x11\0\0\1\0\0\0\x21")
    (row,) = ct.handshakes(pcap(tunnel)).to_dict("records")
    assert row["parse_error"] == "no connection can be read: 18 not IP"


def test_a_reset_with_any_number_is_no_loss():
    """What lies far from all that was sent is not believed."""
    frames = connection(CLIENT, SERVER, BEGUN, [], reset=True)
    time, reset = frames[-1]
    reset = reset[:38] + (1 << 29).to_bytes(4) + reset[42:]
    seen = ct.handshakes(pcap([*frames[:-1], Packet(time, reset)]))
    assert seen["outcome"].tolist() == ["cut off"]
    assert seen["parse_error"].isna().all()


def test_one_direction_proves_what_it_holds():
    """Nothing is said of what the other side may have sent."""
    frames = packets("unknown CA")
    of_client = [frame for frame in frames if is_client(frame)]
    of_server = [frame for frame in frames if not is_client(frame)]
    (row,) = ct.handshakes(pcap(of_client)).to_dict("records")
    assert row["outcome"] == "not visible"
    assert row["parse_error"] == "nothing that the server sent is in the capture"
    (row,) = ct.handshakes(pcap(of_server)).to_dict("records")
    assert (row["outcome"], row["alert"]) == ("refused by server", "unknown_ca")
    assert row["client_certificates"] is None


def test_alerts_share_records_and_are_split_over_them():
    """Both are allowed before TLS 1.3 (RFC 5246, section 6.2.1)."""
    flights = tls.handshake("unknown CA", "TLSv1_2")[:-1]
    for data in (
        b"\x15\3\3\0\4\2\x30\1\0",
        b"\x15\3\3\0\1\2\x15\3\3\0\1\x30",
    ):
        ended = [*flights, tls.Flight(False, data)]
        seen = ct.handshakes(pcap(connection(CLIENT, SERVER, BEGUN, ended)))
        assert seen["outcome"].tolist() == ["refused by server"]
        assert seen["alert"].tolist() == ["unknown_ca"]


def test_an_encrypted_alert_before_the_end_tells_nothing():
    """Whether it refused is hidden, so that the connection was not just cut off."""
    flights = tls.handshake("accepted", "TLSv1_2")[:3]
    hidden = tls.Flight(False, b"\x15\3\3\0\x1a" + bytes(26))
    frames = connection(CLIENT, SERVER, BEGUN, [*flights, hidden])
    assert ct.handshakes(pcap(frames))["outcome"].tolist() == ["not visible"]


def test_a_capture_that_ends_within_a_handshake_tells_nothing():
    """What is not in the file is no refusal."""
    seen = ct.handshakes(pcap(packets()[:4]))
    assert seen["outcome"].tolist() == ["not visible"]
    assert "capture ends" in seen["parse_error"].item()


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_resumed_session_has_no_certificates(version):
    """Noted as resumed; which certificates were presented once is not known from it."""
    flights = tls.resumption(version)
    (row,) = ct.handshakes(pcap(connection(CLIENT, SERVER, BEGUN, flights))).to_dict(
        "records"
    )
    assert row["resumed"] is True
    assert row["client_certificates"] is row["server_certificates"] is None
    hidden = version == "TLSv1_3"
    assert row["outcome"] == ("not visible" if hidden else "established")


def answered(hello: bytes, answer: bytes, port=1300) -> bytes:
    """Return a capture of a connection of two flights."""
    flights = [tls.Flight(True, hello), tls.Flight(False, answer)]
    flights = [flight for flight in flights if flight.data]
    return pcap(connection(CLIENT, End("192.0.2.2", port), BEGUN, flights))


def test_plain_text_on_the_port_of_registrations():
    """It is a row there, and none elsewhere, where nobody spoke TLS."""
    assert ct.handshakes(answered(b"GET / HTTP/1.1\r\n", b"400"))[
        "outcome"
    ].tolist() == ["not TLS"]
    assert len(ct.handshakes(answered(b"GET / HTTP/1.1\r\n", b"400", 80))) == 0
    assert (
        len(ct.handshakes(answered(b"GET / HTTP/1.1\r\n", b"400", 80), port=80)) == 1
    )
    hello = tls.handshake("accepted", "TLSv1_2")[0].data
    seen = ct.handshakes(answered(hello, b"HTTP/1.1 400 Bad Request\r\n", 80))
    assert seen["outcome"].tolist() == ["not TLS"]
    assert seen["server_name"].tolist() == ["pbx.example.com"]


def test_alerts_by_their_numbers():
    """Named alerts, unknown ones, and that of a client."""
    hello = tls.handshake("accepted", "TLSv1_2")[0].data
    for number, name in ((70, "protocol_version"), (200, "unknown_200")):
        alert = bytes([21, 3, 3, 0, 2, 2, number])
        (row,) = ct.handshakes(answered(hello, alert)).to_dict("records")
        assert (row["outcome"], row["alert"]) == ("refused by server", name)
        assert row["alert_by"] == "server"
    server = tls.handshake("accepted", "TLSv1_2")[1].data
    flights = [
        tls.Flight(True, hello),
        tls.Flight(False, server),
        tls.Flight(True, bytes([21, 3, 3, 0, 2, 2, 48])),
    ]

    seen = ct.handshakes(pcap(connection(CLIENT, SERVER, BEGUN, flights)))
    assert seen["outcome"].tolist() == ["refused by client"]


def test_a_warning_does_not_end_a_handshake():
    """unrecognized_name at level 1 is shown, and the handshake goes on."""
    flights = list(tls.handshake("accepted", "TLSv1_2"))
    warning = bytes([21, 3, 3, 0, 2, 1, 112])
    flights[1] = tls.Flight(False, warning + flights[1].data)

    seen = ct.handshakes(pcap(connection(CLIENT, SERVER, BEGUN, flights)))
    assert seen["outcome"].tolist() == ["established"]
    assert seen["alert"].tolist() == ["unrecognized_name"]


def test_a_warning_after_which_nothing_comes_is_a_refusal():
    """Whatever its level, it is the last that was said before the end."""
    hello = tls.handshake("accepted", "TLSv1_2")[0].data
    seen = ct.handshakes(answered(hello, bytes([21, 3, 3, 0, 2, 1, 46])))
    assert seen["outcome"].tolist() == ["refused by server"]
    closed = ct.handshakes(answered(hello, bytes([21, 3, 3, 0, 2, 1, 0])))
    assert closed["outcome"].tolist() == ["cut off"]


def test_a_hello_of_ssl_2():
    """It is named, and so is the version that it offers."""
    hello = b"\x01\x03\x01\x00\x03\x00\x00\x00\x10\x00\x00\x2f" + bytes(16)
    data = bytes([0x80 | len(hello) >> 8, len(hello) & 0xFF]) + hello
    (row,) = ct.handshakes(answered(data, b"")).to_dict("records")
    assert row["offered_version"] == "TLS 1.0"
    assert "ClientHello (SSL 2)" in row["messages"][0]


def test_records_of_any_size():
    """Messages over many records, and many messages in one."""
    flights = []
    for by_client, data in tls.handshake("accepted", "TLSv1_2"):
        cut = b""
        at = 0
        while at + 5 <= len(data):
            size = int.from_bytes(data[at + 3 : at + 5])
            body = data[at + 5 : at + 5 + size]
            pieces = [body]
            if data[at] == 22 and body[0] in (1, 2, 11, 12):
                pieces = [body[part : part + 7] for part in range(0, size, 7)]
            for piece in pieces:
                cut += data[at : at + 3] + len(piece).to_bytes(2) + piece
            at += 5 + size
        flights.append(tls.Flight(by_client, cut))

    seen = ct.handshakes(pcap(connection(CLIENT, SERVER, BEGUN, flights)))
    assert seen["outcome"].tolist() == ["established"]
    assert len(seen["client_certificates"].item()) == 1


# Damage


def test_cut_at_every_byte():
    """A capture that ends anywhere gives what came before, and says where it ends."""
    data = pcap(packets("unknown CA"))
    whole = ct.handshakes(data)
    step = max(1, len(data) // examples(120))
    for end in range(1, len(data), step):
        seen = ct.handshakes(data[:end])
        assert len(seen) in (1, 2)
        assert (
            seen["parse_error"].notna().any()
            or same(
                seen[["outcome"]].assign(source="", parse_error=""),
                whole[["outcome"]].assign(source="", parse_error=""),
            )
            or seen["outcome"].iloc[0] in ("refused by server", "not visible")
        )


def test_no_capture():
    """Neither an error nor an empty table."""
    for data in (b"", b"text", bytes(30), b"\xd4\xc3\xb2\xa1", pcap([])[:23]):
        seen = ct.handshakes(data)
        assert len(seen) == 1
        assert seen["parse_error"].notna().all()


def test_a_length_that_lies_ends_the_reading():
    """A packet of four gigabytes is damage; what came before is there."""
    data = pcap(packets()) + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0)
    seen = ct.handshakes(data + bytes(100))
    assert seen["outcome"].tolist()[0] == "established"
    assert "bytes at byte" in seen["parse_error"].tolist()[1]


@settings(max_examples=examples(60))
@given(seed=st.integers(0, 1 << 32))
def test_mutants_give_rows(seed):
    """Whatever is changed in a capture, there are rows, and each has an outcome or a reason."""
    rng = random.Random(seed)
    kind = rng.choice(list(OUTCOMES))
    make = rng.choice((pcap, pcapng))
    data = bytearray(make(packets(kind, rng.choice(tls.VERSIONS[2:]))))
    for _ in range(rng.choice((1, 3, 20))):
        at = rng.randrange(len(data))
        if rng.random() < 0.7:
            data[at] = rng.randrange(256)
        else:
            del data[at : at + rng.randrange(1, 60)]
    seen = ct.handshakes(bytes(data))
    assert (seen["outcome"].notna() | seen["parse_error"].notna()).all()
    ct.read_certificates(bytes(data))


@pytest.mark.parametrize("port", [0, 65_536, "1300", True])
def test_a_port_that_is_none(port):
    """A caller's mistake is an error that says what to do."""
    with pytest.raises(ct.CerttrustError, match="TCP port"):
        ct.handshakes(b"", port=port)


def test_an_end_that_speaks_to_itself():
    """Source and target are the same: a row, and nothing hangs."""
    frames = packets(client=SERVER, server=SERVER)
    seen = ct.handshakes(pcap(frames))
    assert len(seen) == 1
    assert (seen["outcome"].notna() | seen["parse_error"].notna()).all()
