"""A fleet as the files of a fleet directory, in the formats that devices and PBXs have, as far
as they are known.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from base64 import b64encode
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import CerttrustError
from ..fleet import Fleet
from ..texts.sentences import say

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
_TEXTS = {
    True: ("Registration down", "fault_relay.xsl"),
    False: ("No route to destination", "fault_network.xsl"),
}
TRUTH = ("true_cause", "true_failed", "decidable", "all_decidable")


def write(fleet: Fleet, directory: str | Path) -> Path:
    """Write a fleet as a directory that `read_fleet` reads, with a README and the truth, where
    it is known.

    Parameters
    ----------
    fleet : Fleet
        Its sources give the names of the files: certificates and trust lists become PEM,
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
    for folder, frame in (("certificates", fleet.certificates), ("trust", fleet.trust)):
        for name, part in _by_source(frame):
            _save(
                root / folder, name, "".join(_pem(der) for der in part["der"].dropna())
            )
    for name, part in _by_source(fleet.devices):
        _save(root / "devices", name, "[\n" + ",\n".join(_objects(part)) + "\n]\n")
    for name, part in _by_source(fleet.registrations):
        alarms = _is_alarm_log(name)
        lines = (
            list(_event_lines(part))
            if alarms
            else [",".join(CSV_COLUMNS), *_csv_lines(part)]
        )
        _save(root / "registrations", name, "\n".join(lines) + "\n")
    if set(TRUTH) <= set(fleet.registrations):
        truth = fleet.registrations[["source", "line", *TRUTH]]
        _save(root, "truth.csv", truth.to_csv(index=False, lineterminator="\n"))
    _save(root, "README.md", say("reading.simulation.readme"))
    return root


def with_raw(registrations: pd.DataFrame) -> pd.DataFrame:
    """Return the registrations with the very lines that `write` makes of them as `raw`."""
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
    path.write_text(text, encoding="utf-8", newline="\n")


def _pem(der: bytes) -> str:
    text = b64encode(der).decode()
    body = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def _seconds(registrations: pd.DataFrame) -> pd.Series:
    """Return Unix time, 0 where the clock was not set."""
    time = registrations["time"]
    return (time.fillna(pd.Timestamp(0, tz="UTC")).astype("int64") // 10**6).astype(
        "int64"
    )


def _csv_lines(registrations: pd.DataFrame) -> list[str]:
    if registrations.empty:
        return []
    seconds = _seconds(registrations)
    iso = np.datetime_as_string(seconds.to_numpy().astype("datetime64[s]"))
    time = pd.Series(iso, index=registrations.index).astype("str") + "Z"
    frame = registrations[list(CSV_COLUMNS)].assign(time=time.where(seconds != 0, "0"))
    frame["via_reverse_proxy"] = frame["via_reverse_proxy"].map(
        {True: "true", False: "false"}
    )
    return frame.to_csv(index=False, header=False, lineterminator="\n").splitlines()


def _event_lines(registrations: pd.DataFrame) -> Iterator[str]:
    """Yield a record per row: a set alarm, its clear, or an event of another kind."""
    severities = {"minor": 0, "indeterminate": 1, "major": 2}
    columns = (
        "hardware_id",
        "serial",
        "state",
        "code",
        "severity",
        "module",
        "details",
    )
    cells = [registrations[name].astype("object") for name in columns]
    for seconds, host, serial, state, code, severity, module, details in zip(
        _seconds(registrations), *cells, strict=True
    ):
        about_registration = isinstance(state, str)
        failed = state != "up"
        kind: dict[str, Any] = {"mt": "AddEvent", "type": "error"}
        if about_registration:
            kind = {
                "mt": "AddAlarm",
                "type": "alarm" if failed else "clear",
                "active": failed,
            }
        text, template = _TEXTS[about_registration]
        record = kind | {
            "severity": severities.get(severity),
            "code": code,
            "date": str(seconds),
            "host": host,
            "serial": serial,
            "source": module,
            "text": text,
            "xsl": template,
            "details": details,
        }
        yield json.dumps(record)


def _objects(devices: pd.DataFrame) -> Iterator[str]:
    """Yield replicated objects, one per user."""
    rows = devices.astype("object").to_dict("records")
    for (pbx, user), entries in itertools.groupby(
        rows, key=lambda row: (row["pbx"], row["user"])
    ):
        listed = list(entries)
        columns = {
            "guid": hashlib.sha256(f"{pbx}/{user}".encode()).hexdigest()[:32],
            "h323": user,
            "cn": listed[0]["long_name"],
            "node": listed[0]["location"],
            "loc": pbx,
            "hide": False,
            "e164": listed[0]["number"],
            "devices": [_entry(row) for row in listed],
        }
        yield json.dumps(
            {"mt": "ReplicateUpdate", "api": "PbxTableUsers", "columns": columns},
            ensure_ascii=False,
        )


def _entry(row: dict[Hashable, Any]) -> dict[str, Any]:
    """Return a device of an object; a flag that is not set is left out, as in documented
    samples.
    """
    flags = {"tls": row["tls_only"], "trusted": row["reverse_proxy"]}
    return {
        "hw": row["hardware_id"],
        "text": row["model"] if isinstance(row["model"], str) else row["long_name"],
    } | {key: True for key, flag in flags.items() if flag is True}
