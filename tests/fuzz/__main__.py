"""Run an entry point for some seconds: `python -m tests.fuzz ENTRY SECONDS [SEED]`."""

from __future__ import annotations

import faulthandler
import hashlib
import random
import sys
import time
import warnings
from pathlib import Path

from certtrust import CerttrustError

from .entries import ENTRIES, Entry

OUT = Path("build/fuzz")
START_UP = 3.0
"""Seconds of processor time that any input may take."""
HANGS = 120.0
"""Seconds after which an input counts as a hang, and the run ends."""


def finding(entry: Entry, data: bytes) -> str | None:
    """Return what is wrong with reading an input, or None."""
    start = time.process_time()
    try:
        entry.read(data)
    except CerttrustError as error:
        str(error).encode()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return f"{type(error).__name__}: {str(error)[:300]!a}"
    seconds = time.process_time() - start
    bound = START_UP + entry.seconds_per_byte * len(data)
    if seconds > bound:
        return f"{seconds:.1f} s for {len(data)} bytes, more than {bound:.1f} s"
    return None


def run(name: str, seconds: float, seed: int = 0) -> tuple[int, list[str]]:
    """Return how many inputs were read, and the distinct findings, each saved and printed."""
    entry = ENTRIES[name]
    seeds = entry.seeds()
    choose = random.Random(seed)
    OUT.mkdir(parents=True, exist_ok=True)
    current = OUT / f"{name}-current"
    findings: dict[str, str] = {}
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = choose.choice(seeds)
        if count >= len(seeds):
            data = entry.mutate(data, seeds, choose)
        else:
            data = seeds[count]
        count += 1
        current.write_bytes(data)
        faulthandler.dump_traceback_later(HANGS, exit=True)
        problem = finding(entry, data)
        faulthandler.cancel_dump_traceback_later()
        if problem is not None and problem not in findings:
            digest = hashlib.sha256(data).hexdigest()[:12]
            path = OUT / f"{name}-{digest}"
            path.write_bytes(data)
            findings[problem] = str(path)
            print(_test_case(name, digest, data, problem), flush=True)
    current.unlink(missing_ok=True)
    return count, list(findings)


def _test_case(name: str, digest: str, data: bytes, problem: str) -> str:
    shown = (
        repr(data)
        if len(data) < 2000
        else f'Path("build/fuzz/{name}-{digest}").read_bytes()'
    )
    return (
        f"\n# {problem}\ndef test_{name}_{digest}():\n"
        f'    assert finding(ENTRIES["{name}"], {shown}) is None\n'
    )


def main() -> int:
    """Run the entries of the command line; return 1 where there was a finding."""
    names = list(ENTRIES) if sys.argv[1] == "all" else [sys.argv[1]]
    seconds, seed = float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    warnings.simplefilter("error")
    finding_count = 0
    for name in names:
        count, findings = run(name, seconds, seed)
        finding_count += len(findings)
        print(
            f"{name}: {count} inputs in {seconds:g} s, {len(findings)} findings",
            flush=True,
        )
    return 1 if finding_count else 0


if __name__ == "__main__":
    sys.exit(main())
