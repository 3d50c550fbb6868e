"""Run an entry point for some seconds: `python -m tests.fuzz ENTRY SECONDS [SEED]`."""

from __future__ import annotations

import faulthandler
import hashlib
import random
import shutil
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from certtrust import CerttrustError

from .entries import ENTRIES, Entry

OUT = Path("build/fuzz")
START_UP = 3.0
"""Seconds of processor time that any input may take."""
HANGS = 600.0
"""Seconds after which inputs count as a hang, and the run ends; long, for loaded machines."""


def finding(entry: Entry, *files: bytes) -> str | None:
    """Return what is wrong with reading files at once, or None.

    Files that are refused together are read one by one, so that one of them hides no other.
    """
    start = time.process_time()
    try:
        entry.read(files)
    except CerttrustError as error:
        str(error).encode()
        if len(files) > 1:
            problems = (finding(entry, data) for data in files)
            return next((problem for problem in problems if problem), None)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return f"{type(error).__name__}: {str(error)[:300]!a}"
    seconds = time.process_time() - start
    size = sum(map(len, files))
    bound = START_UP + entry.seconds_per_byte * size
    if seconds > bound:
        return f"{seconds:.1f} s for {size} bytes, more than {bound:.1f} s"
    return None


def run(name: str, seconds: float, seed: int = 0) -> tuple[int, list[str]]:
    """Return how many inputs were read, and the distinct findings, each saved and printed."""
    entry = ENTRIES[name]
    seeds = entry.seeds()
    choose = random.Random(seed)
    current = OUT / f"{name}-current"
    findings: dict[str, Path] = {}
    files: list[bytes] = []
    waiting, count, end = list(seeds), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        if not waiting:
            waiting = [
                entry.mutate(choose.choice(seeds), seeds, choose)
                for _ in range(entry.at_once)
            ]
        files, waiting = waiting[: entry.at_once], waiting[entry.at_once :]
        _save(current, files)
        faulthandler.dump_traceback_later(HANGS, exit=True)
        problem = finding(entry, *files)
        faulthandler.cancel_dump_traceback_later()
        count += len(files)
        for culprits, reason in _isolated(entry, files, problem):
            if reason not in findings:
                findings[reason] = OUT / f"{name}-{_digest(culprits)}"
                _save(findings[reason], culprits)
                print(_test_case(name, culprits, reason), flush=True)
    if current.exists():
        shutil.rmtree(current)
    return count, list(map(str, findings.values()))


def _isolated(
    entry: Entry, files: Sequence[bytes], problem: str | None
) -> list[tuple[Sequence[bytes], str]]:
    """Return the files that are a finding by themselves, else all where they are one together."""
    if problem is None:
        return []
    reasons = [finding(entry, data) for data in files]
    alone: list[tuple[Sequence[bytes], str]] = [
        ([data], reason)
        for data, reason in zip(files, reasons, strict=True)
        if reason is not None
    ]
    return alone or [(files, problem)]


def _save(folder: Path, files: Sequence[bytes]) -> None:
    """Write files into a folder of their own, in order."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for number, data in enumerate(files):
        (folder / f"{number:02}").write_bytes(data)


def _digest(files: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(files)).hexdigest()[:12]


def _test_case(name: str, files: Sequence[bytes], problem: str) -> str:
    digest = _digest(files)
    shown = ", ".join(map(repr, files))
    if len(shown) >= 2000:
        folder = f'sorted(Path("build/fuzz/{name}-{digest}").iterdir())'
        shown = f"*[path.read_bytes() for path in {folder}]"
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
