"""Time the path from attempts to advice on a large simulated fleet: check, findings, causes,
remedies, impersonations.

Run `python benchmarks/advice.py [devices] [attempts] [--json FILE]` (100,000 and 1,000,000 by
default). The
fleet is simulated once and kept in build/, with its trust links verified; its log is repeated
with shifted times until it has the requested number of rows. Prints the seconds and the number
of rows of each step, and the peak memory of the process.
"""

import argparse
import dataclasses
import pickle
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures
import pandas as pd

import certtrust as ct
from certtrust import simulation
from certtrust.advice import apply, impersonations, latest
from certtrust.advice.remedies.plan import remedies

SEED = 7


def fleet_of(devices: int, rows: int) -> ct.Fleet:
    """Return the linked fleet with a log of `rows` rows."""
    kept = Path("build") / f"fleet-{devices}-{SEED}.pickle"
    if kept.exists():
        fleet = pickle.loads(kept.read_bytes())  # noqa: S301 - written by this very script
    else:
        fleet = ct.link(simulation.simulate(devices, seed=SEED))
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(pickle.dumps(fleet))
    log = fleet.registrations
    copies = -(-rows // len(log))
    shifted = [
        log.assign(time=log["time"] + pd.Timedelta(minutes=17 * copy))
        for copy in range(copies)
    ]
    return dataclasses.replace(
        fleet, registrations=pd.concat(shifted, ignore_index=True).head(rows)
    )


def timed(name: str, work: Callable[[], Any]) -> tuple[float, Any]:
    """Run, print and return the seconds and the result."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    size = f"{len(result):>10,} rows" if isinstance(result, pd.DataFrame) else ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:<28}{seconds:>7.2f} s {size:<18} peak {peak:.2f} GB", flush=True)
    return seconds, result


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", type=int, nargs="?", default=100_000)
    parser.add_argument("attempts", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    fleet = fleet_of(options.devices, options.attempts)
    print(fleet)
    _, attempts = timed("attempts", lambda: ct.attempts(fleet))
    total = 0.0
    seconds, results = timed("check", lambda: ct.check(attempts))
    total += seconds
    for name, work in (
        ("findings", lambda: ct.findings(results)),
        ("causes", lambda: ct.causes(results, by=["model", "pbx"])),
        ("remedies", lambda: remedies(fleet, results)),
        ("impersonations", lambda: impersonations(fleet, at=simulation.NOW)),
    ):
        seconds, frame = timed(name, work)
        total += seconds
        if name == "remedies":
            plan = frame
    print(f"{'all five':<28}{total:>7.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    work = (
        f"{options.devices:,} devices, {options.attempts:,} attempts: check, findings, causes,"
        " remedies (each tried on a copy), impersonations"
    )
    figures.write(
        options.json,
        [figures.Figure(work, total, "s", note=f"{peak:.1f} GB of memory")],
    )
    timed("remedies of the latest", lambda: remedies(fleet, latest(results)))
    _, better = timed("apply the plan", lambda: apply(fleet, plan))
    after = ct.check(ct.attempts(better), at=results["judged_at"])
    failed = (results["verdict"] == "fail") & (results["observed"] != "up").fillna(
        value=True
    )
    repaired = (after["verdict"][failed] == "pass").sum()
    print(
        f"promised {plan['attempts_cumulative'].iloc[-1]:,}, true {repaired:,} of {failed.sum():,} "
        f"failed attempts"
    )
    timed("forecast", lambda: ct.forecast(fleet))


if __name__ == "__main__":
    main()
