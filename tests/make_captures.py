"""Make the stored capture of `tests/samples/captures`: `python tests/make_captures.py`.

One connection of each kind of client and each version, by this machine's OpenSSL. What each is
stands in `truth.jsonl`, by the port of the client.
"""

import gzip
import json
from pathlib import Path

from certtrust.simulation import tls
from certtrust.simulation.packets import End, connection, write_pcap

FOLDER = Path(__file__).parent / "samples" / "captures"
BEGUN = 1_767_225_600_000_000
FIRST_PORT = 50_000


def main() -> None:
    """Write the capture and its truth."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    packets, truth = [], []
    for version in tls.VERSIONS:
        for kind in tls.KINDS:
            client = End("192.0.2.7", FIRST_PORT + len(truth))
            server = End("192.0.2.2", 1300)
            begun = BEGUN + len(truth) * 1_000_000
            flights = tls.handshake(kind, version)
            packets += connection(client, server, begun, flights)
            truth.append({"port": client.port, "kind": kind, "version": version})
    plain = FOLDER / "openssl.pcap"
    write_pcap(packets, plain)
    packed = gzip.compress(plain.read_bytes(), 9, mtime=0)
    plain.with_suffix(".pcap.gz").write_bytes(packed)
    plain.unlink()
    lines = "".join(json.dumps(case) + "\n" for case in truth)
    (FOLDER / "truth.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
