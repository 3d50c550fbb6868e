"""What a second run costs where most files are unchanged: `python benchmarks/kept.py [devices]`.

The fleet is that of `large_fleet.py`, with its files cut into about a hundred per kind, so that one
of a hundred can change. Processor seconds of `read_fleet` and its signatures: without `keep`, with
an empty folder, with nothing changed, and with 1% of the files changed; and of all the work from
files to results, of which judging is done again. Results are compared with those of a full run.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import figures
import large_fleet
from figures import timed

import certtrust as ct
from certtrust.testing import assert_frames_equal

FILES = 100


def change(folder: Path, share: float) -> int:
    """Append a line to a share of the logs and device lists; return how many files changed."""
    files = sorted((folder / "registrations").iterdir()) + sorted(
        (folder / "devices").iterdir()
    )
    count = max(1, round(share * sum(path.is_file() for path in folder.rglob("*"))))
    for path in files[:: max(1, len(files) // count)][:count]:
        data = path.read_bytes()
        path.write_bytes(data + data.rstrip(b"\n").rpartition(b"\n")[2] + b"\n")
    return count


def main() -> None:
    """Measure, compare, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", type=int, nargs="?", default=20_000)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    build = Path("build")
    build.mkdir(exist_ok=True)
    made = large_fleet.write(
        options.devices, build / f"fleet-{options.devices}-in-{FILES}", files=FILES
    )
    with tempfile.TemporaryDirectory() as name:
        folder, state = Path(name) / "fleet", Path(name) / "state"
        shutil.copytree(made, folder)
        spent: dict[str, float] = {}
        spent["read and linked"], fleet = timed(
            lambda: ct.link(ct.read_fleet(folder))
        )
        spent["attempts and check"], _ = timed(lambda: ct.check(ct.attempts(fleet)))
        spent["first run with keep"], _ = timed(
            lambda: ct.read_fleet(folder, keep=state)
        )
        spent["nothing changed"], _ = timed(lambda: ct.read_fleet(folder, keep=state))
        count = change(folder, 0.01)
        spent["1% of the files changed"], again = timed(
            lambda: ct.read_fleet(folder, keep=state)
        )
        whole = ct.read_fleet(folder)
        for kind in ("certificates", "trust", "devices", "registrations"):
            assert_frames_equal(getattr(again, kind), getattr(whole, kind))
    first = spent["read and linked"]
    print(f"{options.devices:,} devices, {count} files changed; equal to a full run")
    for step, seconds in spent.items():
        print(f"{step:<26}{seconds:8.2f} s {seconds / first:7.1%} of the first")
    work = f"{options.devices:,} devices: "
    figures.write(
        options.json,
        [
            figures.Figure(work + step, seconds, "s", {"without keep": first})
            for step, seconds in spent.items()
            if step != "read and linked"
        ],
    )


if __name__ == "__main__":
    main()
