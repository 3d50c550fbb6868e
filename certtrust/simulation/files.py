"""A fleet as files in the formats of devices and PBXs, as far as these are known."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import CerttrustError
from ..fleet import Fleet
from ..texts.sentences import say
from ..whole_files import replacing
from ..x509.pem import pem

CSV_COLUMNS = (
    "time",
    "pbx",
    "serial",
    "hardware_id",
    "registration_name",
    "interface",
    "protocol",
    "authentication",
    "remote_address",
    "via_reverse_proxy",
    "state",
    "reason",
    "fingerprint",
)
TRUTH = ("true_cause", "true_failed", "decidable", "all_decidable")


def write(fleet: Fleet, directory: str | Path) -> Path:
    """Write a fleet as a directory for `read_fleet`, with a README and, if known, the truth.

    Parameters
    ----------
    fleet : Fleet
        Its sources are the names of the files: certificates and trust lists become PEM,
        devices PbxTableUsers objects, registrations alarms as JSON lines where their source
        ends in `.jsonl`, else certtrust's CSV.
    directory : path
        A new or an empty one: two fleets in one directory would be read as one.

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    CerttrustError
        If the directory already holds files, if a row has no source, or if its source lies
        outside of the directory.

    Examples
    --------
    >>> import tempfile
    >>> from certtrust import simulation
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write(simulation.simulate(3), folder)
    ...     sorted(path.name for path in written.iterdir())
    ['README.md', 'certificates', 'devices', 'registrations', 'trust', 'truth.csv']
    """
    root = Path(directory)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise CerttrustError(
            say("errors.simulation.not_empty", path=repr(str(directory)))
        )
    for folder, frame in (
        ("certificates", fleet.certificates),
        ("trust", fleet.trust),
    ):
        for name, part in _by_source(frame):
            _save(root / folder, name, "".join(map(pem, part["der"].dropna())))
    for name, part in _by_source(fleet.devices):
        _save(root / "devices", name, "[\n" + ",\n".join(_objects(part)) + "\n]\n")
    for name, part in _by_source(fleet.registrations):
        header = [] if _is_alarm_log(name) else [",".join(CSV_COLUMNS)]
        lines = [*header, *with_raw(part)["raw"], ""]
        _save(root / "registrations", name, "\n".join(lines))
    if set(TRUTH) <= set(fleet.registrations):
        truth = fleet.registrations[["source", "line", *TRUTH]]
        _save(root, "truth.csv", truth.to_csv(index=False, lineterminator="\n"))
    _save(root, "README.md", say("reading.simulation.readme"))
    return root


def with_raw(registrations: pd.DataFrame) -> pd.DataFrame:
    """Return the registrations with their lines in the files of `write` as `raw`."""
    is_csv = ~registrations["source"].map(_is_alarm_log).astype(bool)
    raw = pd.Series(index=registrations.index, dtype="object")
    raw[is_csv] = _csv_lines(registrations[is_csv])
    raw[~is_csv] = list(_event_lines(registrations[~is_csv]))
    return registrations.assign(raw=raw.astype("str"))


def _is_alarm_log(source: str) -> bool:
    return source.endswith(".jsonl")


def _by_source(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    if frame["source"].isna().any():
        raise CerttrustError(say("errors.simulation.no_source"))
    for name, part in frame.groupby("source", sort=False):
        yield str(name), part


def _save(folder: Path, name: str, text: str) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CerttrustError(
            say(
                "errors.simulation.outside",
                path=repr(name),
                directory=repr(str(folder)),
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8", newline="\n")


def _csv_lines(registrations: pd.DataFrame) -> list[str]:
    frame = registrations[list(CSV_COLUMNS)].assign(
        time=registrations["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").fillna("0"),
        via_reverse_proxy=registrations["via_reverse_proxy"].map(
            {True: "true", False: "false"}
        ),
    )
    return frame.to_csv(index=False, header=False, lineterminator="\n").splitlines()


def _event_lines(registrations: pd.DataFrame) -> Iterator[str]:
    """Yield a record per row: a set alarm, its clear, or an event of another kind."""
    severities = {"minor": 0, "indeterminate": 1, "major": 2}
    for row in registrations.astype("object").to_dict("records"):
        failed = row["state"] != "up"
        kind: dict[str, Any] = {"mt": "AddEvent", "type": "error"}
        text, template = "No route to destination", "fault_network.xsl"
        if isinstance(row["state"], str):
            word = "alarm" if failed else "clear"
            kind = {"mt": "AddAlarm", "type": word, "active": failed}
            text, template = "Registration down", "fault_relay.xsl"
        date = 0 if pd.isna(row["time"]) else int(row["time"].timestamp())
        record = kind | {
            "severity": severities.get(row["severity"]),
            "code": row["code"],
            "date": str(date),
            "host": row["hardware_id"],
            "serial": row["serial"],
            "source": row["module"],
            "text": text,
            "xsl": template,
            "details": row["details"],
        }
        yield json.dumps(record)


def _objects(devices: pd.DataFrame) -> Iterator[str]:
    """Yield replicated objects, one per user."""
    rows = devices.astype("object").to_dict("records")
    by_user = itertools.groupby(rows, key=lambda row: (row["pbx"], row["user"]))
    for (pbx, user), entries in by_user:
        first, *others = entries
        columns = {
            "guid": hashlib.sha256(f"{pbx}/{user}".encode()).hexdigest()[:32],
            "h323": user,
            "cn": first["long_name"],
            "node": first["location"],
            "loc": pbx,
            "hide": False,
            "e164": first["number"],
            "devices": [_entry(row) for row in (first, *others)],
        }
        record = {"mt": "ReplicateUpdate", "api": "PbxTableUsers", "columns": columns}
        yield json.dumps(record, ensure_ascii=False)


def _entry(row: dict[Hashable, Any]) -> dict[str, Any]:
    """Return a device of an object; unset flags are left out, as in documented samples."""
    flags = {"tls": row["tls_only"], "trusted": row["reverse_proxy"]}
    return {
        "hw": row["hardware_id"],
        "text": row["model"] if isinstance(row["model"], str) else row["long_name"],
    } | {key: True for key, flag in flags.items() if flag is True}
