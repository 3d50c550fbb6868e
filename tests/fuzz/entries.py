"""The entry points: readers and their seeds."""

from __future__ import annotations

import io
import random
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import certtrust as ct
from certtrust import limits
from certtrust.registrations import intervals
from certtrust.simulation.files import write

from . import seeds
from .mutations import LOG_TOKENS, PATTERN_TOKENS, TOKENS, Mutate, mutated


class Entry(NamedTuple):
    """A reader of bytes, its seeds, and how they are mutated."""

    read: Callable[[bytes], Any]
    seeds: Callable[[], list[bytes]]
    mutate: Mutate
    seconds_per_byte: float = 2e-5


def _shown(frame: Any) -> None:
    """Write a frame, since a value that cannot be shown would crash later."""
    frame.to_csv(io.StringIO())


def certificates(data: bytes) -> None:
    """Read certificates, with a password."""
    _shown(ct.read_certificates(data, password="secret"))


def trust(data: bytes) -> None:
    """Read a trust list."""
    _shown(ct.read_trust_list(data))


def devices(data: bytes) -> None:
    """Read devices, with the format detected and with one format given."""
    table = ct.read_devices(data)
    _shown(table)
    ct.shared_hardware_ids(table)
    ct.read_devices(data, format=_pick(data, ("json", "xml", "backup", "csv")))


def registrations(data: bytes) -> None:
    """Read registrations, with the format detected and with one format given."""
    options: dict[str, Any] = {"workers": 1, "progress": False}
    table = ct.read_registrations(data, **options)
    _shown(table)
    if len(data) % 4 == 0:
        ct.pattern_coverage(table)
        intervals(table)
    forms = ("json", "query", "table", "csv", "syslog", "parquet")
    ct.read_registrations(data, format=_pick(data, forms), **options)


def patterns(data: bytes) -> None:
    """Search messages for a pattern."""
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


def fleets(data: bytes) -> None:
    """Read the members of a ZIP archive as a folder of files, and judge the fleet."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in _members(data).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        fleet = ct.read_fleet(folder)
        results = ct.check(ct.attempts(fleet))
        _shown(results)
        ct.findings(results)
        ct.causes(results)


def diagnose(data: bytes) -> None:
    """Diagnose a certificate with a scenario, a name and a list that depend on it."""
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


def _pick(data: bytes, names: tuple[str, ...]) -> str:
    return random.Random(data[:64]).choice(names)


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def fleet_seeds() -> list[bytes]:
    """Return simulated fleets as ZIP archives."""
    archives = []
    for number in range(2):
        with tempfile.TemporaryDirectory() as folder:
            write(ct.simulate(8, seed=number), folder)
            paths = [path for path in Path(folder).rglob("*") if path.is_file()]
            archives.append(
                _packed(
                    {
                        path.relative_to(folder).as_posix(): path.read_bytes()
                        for path in paths
                    }
                )
            )
    return archives


def mutated_fleet(data: bytes, _: list[bytes], choose: random.Random) -> bytes:
    """Return a fleet with one or two files mutated."""
    members = _members(data)
    contents = list(members.values())
    for name in choose.sample(
        sorted(members), min(len(members), choose.randint(1, 2))
    ):
        members[name] = mutated(TOKENS)(members[name], contents, choose)
    return _packed(members)


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
    "patterns": Entry(patterns, pattern_seeds, mutated(PATTERN_TOKENS)),
    "fleets": Entry(fleets, fleet_seeds, mutated_fleet, 1e-4),
    "diagnose": Entry(diagnose, seeds.certificates, mutated(TOKENS)),
}
