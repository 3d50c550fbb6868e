"""Handshakes of OpenSSL: stored ones of every version, and live ones where tcpdump is there."""

import contextlib
import itertools
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from thoroughness import first

import certtrust as ct
from certtrust.simulation import tls

STORED = Path(__file__).parent / "samples" / "captures"
LIVE = [
    ("unknown CA", "TLSv1_2"),
    ("accepted", "TLSv1_3"),
    ("no certificate", "TLSv1"),
    *itertools.product(tls.KINDS, tls.VERSIONS),
]
"""Kinds and versions; all but the first few for exhaustive runs."""
ALERTS = {
    "unknown CA": "unknown_ca",
    "expired": "certificate_expired",
    "not yet valid": "bad_certificate",
    "no certificate": "handshake_failure",
}


def expect(row: dict, kind: str, version: str) -> None:
    """Hold a row against what the client truly was."""
    if version == "TLSv1_3":
        assert row["outcome"] == "not visible"
        assert row["client_certificates"] is row["server_certificates"] is None
        return
    assert len(row["client_certificates"]) == (kind != "no certificate")
    if kind == "accepted":
        assert row["outcome"] == "established"
    else:
        assert row["outcome"] == "refused by server"
        assert row["alert"] == ALERTS[kind]


def test_stored_handshakes_of_every_version():
    """What each client was, and nothing else."""
    lines = (STORED / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    truth = {case["port"]: case for case in map(json.loads, lines)}
    seen = ct.handshakes(STORED / "openssl.pcap.gz")
    assert len(seen) == len(truth) == 20
    for row in seen.to_dict("records"):
        case = truth[row["client_port"]]
        expect(row, case["kind"], case["version"])


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Answer one connection as a PBX would: shake hands, read a little, and close."""
    opened, _ = listener.accept()
    opened.settimeout(5)
    try:
        with context.wrap_socket(opened, server_side=True) as secured:
            secured.recv(1)
            secured.sendall(b"x")
    except OSError:
        opened.close()


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not here")
@pytest.mark.parametrize(("kind", "version"), first(LIVE, 3))
def test_live_handshakes_on_loopback(kind, version, tmp_path):
    """The same from a capture of this machine's own loopback."""
    try:
        accepting, connecting = tls.contexts(kind, version)
    except ssl.SSLError as problem:
        pytest.skip(str(problem))
    trace = tmp_path / "trace.pcap"
    with trace.open("wb") as file, _listening() as listener:
        port = listener.getsockname()[1]
        command = ["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", "-"]
        command += ["tcp", "port", str(port)]
        # It gives up its rights, so that it may not write into the folder itself.
        with subprocess.Popen(
            command, stdout=file, stderr=subprocess.PIPE, text=True
        ) as capturing:
            if not any("listening" in line for line in capturing.stderr):
                pytest.skip("tcpdump may not capture here")
            _converse(listener, accepting, connecting)
            time.sleep(0.5)
            capturing.terminate()
    (row,) = ct.handshakes(trace, port=port).to_dict("records")
    expect(row, kind, version)


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _converse(
    listener: socket.socket, accepting: ssl.SSLContext, connecting: ssl.SSLContext
) -> None:
    """Connect once; whether that succeeds is not of interest."""
    server = threading.Thread(target=_serve, args=(listener, accepting))
    server.start()
    address = listener.getsockname()
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, 5) as plain,
        connecting.wrap_socket(plain, server_hostname="pbx.example.com") as secured,
    ):
        secured.sendall(b"x")
        secured.recv(1)
    server.join()
