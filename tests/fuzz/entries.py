"""The entry points: readers and their seeds."""

from __future__ import annotations

import io
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import certtrust as ct
from certtrust import limits
from certtrust.registrations import intervals
from certtrust.simulation.files import write

from . import seeds
from .mutations import LOG_TOKENS, PATTERN_TOKENS, TOKENS, Mutate, mutated


class Entry(NamedTuple):
    """A reader of files, its seeds, how they are mutated, and how many it reads at a time."""

    read: Callable[[Sequence[bytes]], Any]
    seeds: Callable[[], list[bytes]]
    mutate: Mutate
    at_once: int = 100
    seconds_per_byte: float = 2e-5


def _shown(frame: Any) -> None:
    """Write a frame, since a value that cannot be shown would crash later."""
    frame.to_csv(io.StringIO())


def certificates(files: Sequence[bytes]) -> None:
    """Read certificates, with a password."""
    _shown(ct.read_certificates(files, password="secret"))


def trust(files: Sequence[bytes]) -> None:
    """Read a trust list."""
    _shown(ct.read_trust_list(files))


def devices(files: Sequence[bytes]) -> None:
    """Read devices, with the format detected and with one format given."""
    table = ct.read_devices(files)
    _shown(table)
    ct.shared_hardware_ids(table)
    for form, of_form in _by_pick(files, ("json", "xml", "backup", "csv")):
        ct.read_devices(of_form, format=form)


def registrations(files: Sequence[bytes]) -> None:
    """Read registrations, with the format detected, and every third with one format given."""
    options: dict[str, Any] = {"workers": 1, "progress": False}
    table = ct.read_registrations(files, **options)
    _shown(table)
    if len(files[0]) % 16 == 0:
        ct.pattern_coverage(table)
        intervals(table)
    some = [data for data in files if len(data) % 3 == 0]
    forms = ("json", "query", "table", "csv", "syslog", "parquet")
    for form, of_form in _by_pick(some, forms):
        ct.read_registrations(of_form, format=form, **options)


def patterns(files: Sequence[bytes]) -> None:
    """Search messages for a pattern."""
    for data in files:
        _search(data)


def _search(data: bytes) -> None:
    pattern: Any = data.decode("utf-8", "surrogateescape")
    if len(data) % 7 == 0:
        pattern = {pattern[:3]: pattern}
    log = "<134>registration of 0090332f688a rejected xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy\n"
    with warnings.catch_warnings():
        # Python warns about nested sets.
        warnings.simplefilter("ignore", FutureWarning)
        _shown(
            ct.read_registrations(
                log * 5, patterns=pattern, workers=1, progress=False
            )
        )


def fleets(files: Sequence[bytes]) -> None:
    """Read files beside some of those of a sound fleet, as a folder, and judge the fleet."""
    choose = random.Random(files[0])
    sound = {name: data for name, data in _fleet().items() if choose.random() < 0.8}
    names = [f"{number}{choose.choice(_ENDINGS)}" for number in range(len(files))]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {
            **sound,
            **dict(zip(names, files, strict=True)),
        }.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        fleet = ct.read_fleet(folder)
        results = ct.check(ct.attempts(fleet))
        _shown(results)
        ct.findings(results)
        ct.causes(results)


_ENDINGS = ("", ".pem", ".json", ".log", ".csv", ".bin", ".xml", ".txt")


def diagnose(files: Sequence[bytes]) -> None:
    """Diagnose certificates with a scenario, a name and a list that depend on them."""
    for data in files:
        _diagnose(data)


def _diagnose(data: bytes) -> None:
    choose = random.Random(data)
    names = (
        None,
        "0090332f688a",
        "",
        "\ud800",
        "IP222-2f-68-8a",
        "x" * 5000,
        "\x1b[2J\n",
    )
    diagnosis = ct.diagnose(
        data,
        scenario=choose.choice(("browser", "h323-password", "h323-certificate")),
        registration_name=choose.choice(names),
        hardware_id=choose.choice(names),
        url=choose.choice(
            (None, "https://a.test/", "https://[::1", "\ud800", "https://\x00")
        ),
        trust=choose.choice((None, data, seeds.pem())),
        tls_only=choose.choice((None, True, False)),
        chain=choose.choice(((), data)),
    )
    repr(diagnosis)
    diagnosis._repr_html_()


def captures(files: Sequence[bytes]) -> None:
    """Read connections, and their certificates."""
    _shown(ct.handshakes(files))
    if len(files[0]) % 4 == 0:
        _shown(ct.read_certificates(files))
        _shown(ct.read_registrations(files, workers=1, progress=False))


def _by_pick(
    files: Sequence[bytes], names: tuple[str, ...]
) -> Iterator[tuple[str, list[bytes]]]:
    """Yield each name with the files whose beginnings draw it."""
    picks = [random.Random(data[:64]).choice(names) for data in files]
    for name in sorted(set(picks)):
        pairs = zip(picks, files, strict=True)
        yield name, [data for pick, data in pairs if pick == name]


@cache
def _fleet() -> dict[str, bytes]:
    """Return the files of a simulated fleet by their names."""
    with tempfile.TemporaryDirectory() as folder:
        write(ct.simulate(8, seed=0), folder)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


def fleet_seeds() -> list[bytes]:
    """Return the files of a simulated fleet, and those of other formats."""
    others = [*seeds.certificates(), *seeds.devices(), *seeds.registrations()]
    return [*_fleet().values(), *others]


def pattern_seeds() -> list[bytes]:
    """Return regular expressions, some with lookaround, some that take exponential time."""
    limits.PATTERN_SECONDS = 0.1
    return [
        rb"of (?P<registration_name>\S+) (?P<state>\w+)",
        rb"(?P<state>(x+x+)+y)(?=z)",
        rb"(?<=of )(?P<serial>[0-9a-f]{12})",
        rb"(?P<state>(a|b|ab)*c)\1?",
        rb"(?i)(?P<reason>rejec.?ed)|(?P<state>up)",
        rb"^(?:[^ ]* ){2,5}(?P<registration_name>.*)$",
    ]


ENTRIES = {
    "certificates": Entry(certificates, seeds.certificates, mutated(TOKENS)),
    "trust": Entry(trust, seeds.certificates, mutated(TOKENS)),
    "devices": Entry(devices, seeds.devices, mutated(LOG_TOKENS)),
    "registrations": Entry(registrations, seeds.registrations, mutated(LOG_TOKENS)),
    "captures": Entry(captures, seeds.captures, mutated(TOKENS)),
    "patterns": Entry(patterns, pattern_seeds, mutated(PATTERN_TOKENS), 1),
    "fleets": Entry(
        fleets, fleet_seeds, mutated(TOKENS + LOG_TOKENS), seconds_per_byte=1e-4
    ),
    "diagnose": Entry(diagnose, seeds.certificates, mutated(TOKENS), 1),
}
