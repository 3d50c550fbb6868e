"""Time the reading of a capture of mixed traffic, and compare with tshark where it is installed.

Run `python benchmarks/captures.py [megabytes] [captures] [--json FILE]` (1,000 by default). The
traffic is made once and kept in build/: speech (UDP), transfers and short connections without
TLS (TCP), and among them the handshakes of a simulated fleet, or the packets of the pcap files
given. Prints microseconds per packet and the peak memory of the process that reads.
"""

import argparse
import io
import resource
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import figures
import numpy as np

import certtrust as ct
from certtrust import simulation
from certtrust.captures.pcap import read

SEED = 7
SPEECH_EVERY, TRANSFER_OF, SHORT_OF = 0.4, 1460, 300
FIELDS = (
    "tcp.stream",
    "tls.handshake.extensions_server_name",
    "tls.handshake.version",
    "tls.handshake.certificate",
    "tls.alert_message.desc",
)


def frame(
    payload: bytes,
    source: int,
    target: int,
    ports: tuple[int, int],
    *,
    sequence: int = 0,
    flags: int | None = None,
) -> bytes:
    """Return an Ethernet frame of TCP, or of UDP where there are no flags."""
    if flags is None:
        transport = struct.pack(">HHHH", *ports, 8 + len(payload), 0)
    else:
        transport = struct.pack(
            ">HHIIBBHHH", *ports, sequence, 0, 0x50, flags, 65535, 0, 0
        )
    length = 20 + len(transport) + len(payload)
    protocol = 17 if flags is None else 6
    ip = struct.pack(
        ">BBHHHBBHII", 0x45, 0, length, 0, 0, 64, protocol, 0, source, target
    )
    return bytes(12) + b"\x08\x00" + ip + transport + payload


def noise(rng: np.random.Generator, count: int) -> list[bytes]:
    """Return the frames of traffic without TLS."""
    frames: list[bytes] = []
    speech, block = rng.bytes(172), rng.bytes(TRANSFER_OF)
    flow = 0
    while len(frames) < count:
        flow += 1
        source, target = 0x0A000000 + flow % 5000, 0x0A010000 + flow % 50
        kind = rng.random()
        if kind < SPEECH_EVERY:
            frames += [frame(speech, source, target, (5004, 5004 + flow % 99))] * 50
            continue
        ports = (1024 + flow % 60000, 80)
        size = 200 if kind < 0.5 else 4
        back = (ports[1], ports[0])
        frames.append(frame(b"", source, target, ports, flags=2))
        frames.append(frame(b"", target, source, back, flags=18))
        frames.append(
            frame(
                b"GET / HTTP/1.1\r\n" * 5, source, target, ports, sequence=1, flags=24
            )
        )
        for part in range(size):
            at = 1 + part * TRANSFER_OF
            frames.append(frame(block, target, source, back, sequence=at, flags=16))
            if part % 2:
                frames.append(
                    frame(b"", source, target, ports, sequence=81, flags=16)
                )
        frames.append(frame(b"", source, target, ports, sequence=81, flags=17))
    return frames


def simulated(path: Path) -> list[str]:
    """Return the capture of a simulated fleet, made beside another one."""
    made = path.with_name("handshakes.pcap")
    simulation.write_capture(simulation.simulate(200, seed=SEED), made)
    return [str(made)]


def handshakes_of(paths: list[str]) -> list[bytes]:
    """Return the frames of captures."""
    frames = []
    for path in paths:
        opened = ct.sources.sources(path)
        for source in opened:
            with source.open() as stream:
                for batch in read(io.BytesIO(stream.read())):
                    frames += [
                        batch.data[start:stop]
                        for start, stop in zip(batch.starts, batch.stops, strict=True)
                    ]
    return frames


def shifted(frames: list[bytes], by: int) -> list[bytes]:
    """Return frames with the last octets of both addresses moved, so that they are others'."""
    moved = bytearray(b"".join(frames))
    at = 0
    for one in frames:
        for octet in (27, 31):
            moved[at + octet] = by >> 8 & 0xFF
        for octet in (28, 32):
            moved[at + octet] = by & 0xFF
        at += len(one)
    ends = np.cumsum([len(one) for one in frames]).tolist()
    return [bytes(moved[a:b]) for a, b in zip([0, *ends], ends, strict=False)]


def make(path: Path, megabytes: int, captures: list[str]) -> None:
    """Write a capture of about so many megabytes."""
    rng = np.random.default_rng(SEED)
    ours = handshakes_of(captures)
    size, second, block = 0, 1_700_000_000, 0
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        while size < megabytes << 20:
            block += 1
            frames = noise(rng, 10_000)
            some = shifted(ours, block)[:2_000]
            for at, one in enumerate(some):
                frames.insert(at * (len(frames) // max(1, len(some))), one)
            for number, one in enumerate(frames):
                file.write(
                    struct.pack("<IIII", second + block, number, len(one), len(one))
                )
                file.write(one)
                size += 16 + len(one)


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("megabytes", type=int, nargs="?", default=1000)
    parser.add_argument("captures", nargs="*", help="pcap files with handshakes")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    megabytes = options.megabytes
    path = Path("build") / f"mixed-{megabytes}.pcap"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        make(path, megabytes, options.captures or simulated(path))
    begun, worked = time.perf_counter(), time.process_time()
    seen = ct.handshakes(path)
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    packets = next(iter(seen.attrs["packets"].values()))["packets"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(
        f"certtrust {seconds:7.2f} s  {seconds / packets * 1e6:6.2f} us per packet"
        f"  ({worked / packets * 1e6:.2f} of the processor)"
        f"  {packets:,} packets  {len(seen):,} connections  peak {peak:.0f} MB"
    )
    others: dict[str, float] = {}
    if shutil.which("tshark"):
        wanted = [part for name in FIELDS for part in ("-e", name)]
        begun = time.perf_counter()
        with tempfile.TemporaryFile() as output:
            subprocess.run(
                ["tshark", "-r", str(path), "-Y", "tls", "-T", "fields", *wanted],
                stdout=output,
                check=True,
            )
        other = time.perf_counter() - begun
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = used.ru_utime + used.ru_stime
        others["tshark"] = busy / packets * 1e6
        print(
            f"tshark    {other:7.2f} s  {other / packets * 1e6:6.2f} us per packet"
            f"  ({busy / packets * 1e6:.2f} of the processor: {busy / worked:.1f} times)"
        )
    size = path.stat().st_size / 1e9
    figures.write(
        options.json,
        [
            figures.Figure(
                work=f"{packets:,} packets of a capture ({size:.1f} GB), {len(seen):,} connections",
                value=worked / packets * 1e6,
                unit="µs per packet",
                against=others,
                note=f"{peak / 1000:.1f} GB of memory",
            )
        ],
    )


if __name__ == "__main__":
    main()
