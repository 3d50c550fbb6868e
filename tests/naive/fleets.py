"""Random fleets as plain dicts, and the files that hold them.

A fleet is a dict of four lists of files. `judge` reads the same dicts, so each contains only what
its file contains:

- `certificates`: name, form ("pem" or "der") and blocks; a block is `{"der": ..., "cut": bool}`
- `trust`: name of the PBX, blocks, and content ("list", or "page" for a web page saved instead)
- `devices`: name, format, and entries with pbx, user, hw, tls, trusted
- `logs`: name, format, and rows of REGISTRATIONS columns, without the columns that are missing
"""

import base64
import csv
import datetime as dt
import hashlib
import io
import json
from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import quoteattr

from . import authorities as ca

MODELS = ["IP222", "IP232", "IP111", "ip29-2", "IP1130", "IP811"]
FREE_NAMES = ["room-1", "kitchen", "ada", "max.muster", "hall"]
PROTOCOLS = [
    *["H.323/TLS"] * 10,
    "H.323/TCP",
    "H.323/UDP",
    "H.323",
    "SIP",
    "SIPS",
    None,
]
AUTHENTICATIONS = [*["certificate"] * 6, *["password"] * 3, *[None] * 6, "none"]
STATES = [
    *[("up", None)] * 6,
    ("rejected", None),
    ("rejected", "securityDenial"),
    ("rejected", "duplicateAlias"),
    ("rejected", "invalidAlias"),
    ("unauthorized", None),
    ("timeout", None),
    (None, None),
]
COLUMNS = [
    "time",
    "clock_unset",
    "pbx",
    "serial",
    "hardware_id",
    "registration_name",
    "interface",
    "protocol",
    "authentication",
    "via_reverse_proxy",
    "state",
    "reason",
    "fingerprint",
]
PAIRS = {
    "registration_name": "name",
    "serial": "serial",
    "hardware_id": "hw",
    "protocol": "prot",
    "authentication": "auth",
    "via_reverse_proxy": "rp",
    "state": "state",
    "reason": "reason",
    "fingerprint": "fingerprint",
    "pbx": "pbx",
}


def fleet(
    seed: int, *, attempts: int = 100, later: dt.timedelta = ca.NOT_LATER
) -> dict[str, Any]:
    """Return the random fleet of a seed, with all its times shifted by `later`."""
    random = Random(seed)
    pbxs = ["hq", "lab-2", "plant"][: random.choice([1, 2, 3])]
    members = ca.authorities(random, later)
    if random.random() < 0.1:
        members += ca.ladder(random.choice([31, 32, 33, 40]), later)
    devices = [_device(random) for _ in range(attempts // 6)]
    devices += _twins(random, devices)
    for position, device in enumerate(devices):
        device["pbx"] = random.choice(pbxs)
        device["user"] = f"user{position}"
        device["leaves"] = _leaves(random, device, devices, members, position, later)
    return {
        "seed": seed,
        "certificates": _certificate_files(random, devices, members),
        "trust": _trust_files(random, pbxs, devices, members),
        "devices": _device_files(random, pbxs, devices),
        "logs": later_rows(_logs(random, pbxs, devices, attempts), later),
    }


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate in hex."""
    return hashlib.sha256(der).hexdigest()


# Devices and their certificates


def _device(random: Random) -> dict[str, Any]:
    if random.random() < 0.2:
        user = (
            f"{random.choice(['ada', 'max.muster', 'kim'])}{random.randrange(1000)}"
        )
        kind = random.choice(["Swphone_", "Smartphone_"])
        return {"serial": None, "hardware_id": kind + user, "interfaces": []}
    octets = [f"{random.randrange(256):02x}" for _ in range(3)]
    model = random.choice(MODELS)
    return {
        "serial": "009033" + "".join(octets),
        "hardware_id": "-".join([model, *octets]),
        "interfaces": ["TEL1", "TEL2"] if model == "IP811" else [],
    }


def _twins(random: Random, devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return devices of another prefix and model that share the last octets of an existing one."""
    return [
        {
            "serial": "809033" + device["serial"][6:],
            "hardware_id": "IP305" + device["hardware_id"][-9:],
            "interfaces": [],
        }
        for device in devices
        if device["serial"] and random.random() < 0.02
    ]


def _common_name(
    random: Random,
    device: dict[str, Any],
    devices: list[dict[str, Any]],
) -> str | None:
    own = [
        spelling for spelling in (device["serial"], device["hardware_id"]) if spelling
    ]
    if random.random() < 0.78:
        return random.choice(own)
    stranger = random.choice(devices)
    model = device["hardware_id"].rsplit("-", 3)[0]
    return random.choice(
        [
            "",
            None,
            random.choice(own).upper(),
            random.choice(own)[:8],
            model,
            stranger["serial"] or stranger["hardware_id"],
            stranger["hardware_id"],
            random.choice(FREE_NAMES),
            "phone.example.com",
        ]
    )


def _leaves(
    random: Random,
    device: dict[str, Any],
    devices: list[dict[str, Any]],
    members: list[dict[str, Any]],
    position: int,
    later: dt.timedelta,
) -> list[dict[str, Any]]:
    """Return the device's certificates, each with a chain of CAs above it."""
    leaves = []
    for turn in range(random.choice([0, 1, 1, 1, 1, 2, 3])):
        own = random.choice([-1, -3, *[1000 * position + turn + 100] * 6])
        subject = ca.name(_common_name(random, device, devices))
        first, last = random.choice(
            [
                (2016, 2080),
                (2017, 2080),
                (2018, 2080),
                (2020, 2070),
                (2021, 2075),
                (2019, 2025),
                (2031, 2080),
                (2012, 2020),
            ]
        )
        is_self_signed = random.random() < 0.15
        if is_self_signed:
            issuer, signer = subject, own
        else:
            above = random.choice(members)
            issuer, signer = above["subject"], above["own"]
        der = ca.certificate(
            subject,
            own,
            issuer,
            signer,
            not_before=ca.moment(first, 97 * position + 7 * turn) + later,
            not_after=ca.moment(last) + later,
            ca=random.choice([None, None, False, True])
            if is_self_signed
            else random.choice([None, False]),
            unknown_critical=random.random() < 0.02,
            pss=signer < -2 and random.random() < 0.2,
        )
        odd = random.random()
        if signer < 0 and odd < 0.1:
            der = ca.with_sha1(der, signer)
        elif odd > 0.97:
            der = ca.with_broken_signature(der)
        chain = [] if is_self_signed else ca.chain(random, members, issuer, signer)
        leaves.append({"der": der, "chain": chain})
    return leaves


# Files of certificates and trust lists


def _certificate_files(
    random: Random, devices: list[dict[str, Any]], members: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = []
    names: set[str] = set()
    exported: list[list[bytes]] = [[], []]
    for device in devices:
        together: list[bytes] = []
        for leaf in device["leaves"]:
            exports = random.choice(
                [*["file"] * 2, "file, alone", "file, chain", "chain", "alone"]
            )
            if "chain" in exports:
                exported[0] += [leaf["der"], *leaf["chain"]]
            if "alone" in exports:
                exported[1].append(leaf["der"])
            if "file" in exports:
                together += [leaf["der"], *_presented(random, leaf["chain"], members)]
                if random.random() < 0.7:
                    _add_file(random, files, names, device, together)
                    together = []
        if together:
            _add_file(random, files, names, device, together)
    for number, ders in enumerate(exported, 1):
        if ders:
            files.append(
                {
                    "name": f"export-{number}.pem",
                    "form": "pem",
                    "blocks": _blocks(ders),
                }
            )
    random.shuffle(files)
    return files


def _presented(
    random: Random, chain: list[bytes], members: list[dict[str, Any]]
) -> list[bytes]:
    """Return the CAs that a device sends: its whole chain, part of it, none, or others."""
    choice = random.random()
    if choice < 0.5:
        return chain
    if choice < 0.7:
        return []
    if choice < 0.85:
        return chain[: random.randrange(len(chain) + 1)]
    return random.sample([member["der"] for member in members], min(2, len(members)))


def _add_file(
    random: Random,
    files: list[dict[str, Any]],
    names: set[str],
    device: dict[str, Any],
    ders: list[bytes],
) -> None:
    spelling = random.choice(
        [text for text in (device["serial"], device["hardware_id"]) if text]
    )
    suffixes = ["", "-former", "_old", "-v2"] if "." not in spelling else [""]
    free = [
        spelling + suffix for suffix in suffixes if spelling + suffix not in names
    ]
    if not free:
        return
    names.add(free[0])
    blocks = _blocks(list(dict.fromkeys(ders)))
    if random.random() < 0.3:
        random.shuffle(blocks)
    if random.random() < 0.03:
        blocks[-1]["cut"] = True
    form = (
        "der"
        if len(blocks) == 1 and not blocks[0]["cut"] and random.random() < 0.3
        else "pem"
    )
    files.append({"name": f"{free[0]}.{form}", "form": form, "blocks": blocks})


def _blocks(ders: list[bytes]) -> list[dict[str, Any]]:
    return [{"der": der, "cut": False} for der in ders]


def _trust_files(
    random: Random,
    pbxs: list[str],
    devices: list[dict[str, Any]],
    members: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    files = []
    for pbx in pbxs:
        fate = random.random()
        if fate < 0.07:
            continue
        share = random.choice([0.2, 0.5, 0.8])
        ders = [member["der"] for member in members if random.random() < share]
        leaves = [leaf["der"] for device in devices for leaf in device["leaves"]]
        ders += [der for der in leaves if random.random() < 0.1]
        blocks = _blocks([] if fate < 0.12 else ders)
        if blocks and fate > 0.93:
            blocks[-1]["cut"] = True
        content = "page" if 0.89 < fate < 0.93 else "list"
        files.append({"pbx": pbx, "content": content, "blocks": blocks})
    return files


# Files of device entries


def _device_files(
    random: Random,
    pbxs: list[str],
    devices: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    entries = []
    elsewhere = random.random() < 0.06
    for device in devices:
        if random.random() < 0.12:
            continue
        for turn in range(random.choice([1, 1, 1, 1, 2])):
            spellings = [
                one for one in (device["serial"], device["hardware_id"]) if one
            ]
            spelling = random.choice(spellings)
            if device["serial"] and random.random() < 0.1:
                spelling = (
                    spelling.upper() if spelling == device["serial"] else spelling
                )
            entries.append(
                {
                    "pbx": "master"
                    if elsewhere
                    else random.choice([*[device["pbx"]] * 9, *pbxs]),
                    "user": device["user"] + ("-b" if turn else ""),
                    "hw": spelling,
                    "tls": random.choice([True, True, False, False, "absent", -1]),
                    "trusted": random.choice([True, False, "absent", "absent", -1]),
                }
            )
    formats = ["json", "json", "xml", "own csv", "import list"]
    files = [
        {"name": "objects-1", "format": random.choice(formats), "entries": []},
        {"name": "objects-2", "format": random.choice(formats), "entries": []},
    ]
    for entry in entries:
        random.choice(files)["entries"].append(entry)
    return [file for file in files if file["entries"]]


# Logs


def _logs(
    random: Random,
    pbxs: list[str],
    devices: list[dict[str, Any]],
    attempts: int,
) -> list[dict[str, Any]]:
    files = [
        {"name": "records.csv", "format": "own csv", "rows": []},
        {"name": "records.jsonl", "format": "own json", "rows": []},
        {"name": "messages.jsonl", "format": "log records", "rows": []},
        {"name": "events.jsonl", "format": "events", "rows": []},
    ]
    for _ in range(attempts):
        file = random.choices(files, [5, 3, 2, 2])[0]
        device = random.choice(devices)
        if file["format"] == "events":
            row = _event(
                random,
                random.choice([device for device in devices if device["serial"]]),
            )
        else:
            row = _row(random, pbxs, device, random.choice(devices))
        if file["format"] == "log records":
            row.pop("interface", None)
            row.setdefault("state", "up")
        file["rows"].append(row)
    return [file for file in files if file["rows"]]


def later_rows(
    files: list[dict[str, Any]], later: dt.timedelta
) -> list[dict[str, Any]]:
    """Return the logs with all times shifted, except those that are missing or zero."""
    for row in (row for file in files for row in file["rows"]):
        if row.get("time"):
            row["time"] += int(later.total_seconds())
    return files


def _time(random: Random) -> int:
    year = random.choice([2022, 2023, 2025, 2026, 2026, 2026, 2034])
    return int(ca.moment(year, random.randrange(31_000_000)).timestamp())


def _event(random: Random, device: dict[str, Any]) -> dict[str, Any]:
    row = {
        "type": random.choice(["alarm", "alarm", "clear"]),
        "time": 0 if random.random() < 0.1 else _time(random),
        "hardware_id": device["hardware_id"],
        "prot": random.choice(["SH323", "SH323", "SIP", None]),
    }
    if random.random() < 0.7:
        row["serial"] = device["serial"]
    return row


def _row(
    random: Random,
    pbxs: list[str],
    device: dict[str, Any],
    stranger: dict[str, Any],
) -> dict[str, Any]:
    clock = random.random()
    state, reason = random.choice(STATES)
    row = {
        "time": _time(random) if clock < 0.88 else 0 if clock < 0.95 else None,
        "pbx": device["pbx"]
        if random.random() < 0.9
        else random.choice([*pbxs, None]),
        "serial": device["serial"] if random.random() < 0.6 else None,
        "hardware_id": device["hardware_id"] if random.random() < 0.5 else None,
        "protocol": random.choice(PROTOCOLS),
        "authentication": random.choice(AUTHENTICATIONS),
        "via_reverse_proxy": random.choice([True, False, False, None]),
        "state": state,
        "reason": reason,
    }
    row |= _registration_name(random, device)
    if random.random() < 0.03 and stranger["serial"]:
        row["registration_name"] = random.choice(
            [stranger["serial"], stranger["hardware_id"]]
        )
    if random.random() < 0.2 and device["leaves"]:
        row["fingerprint"] = fingerprint(random.choice(device["leaves"])["der"])
    elif random.random() < 0.02:
        row["fingerprint"] = f"{random.randrange(16**64):064x}"
    columns = {column: value for column, value in row.items() if value is not None}
    if not columns.keys() & {
        "state",
        "registration_name",
        "protocol",
        "authentication",
    }:
        columns["state"] = "up"
    return columns


def _registration_name(random: Random, device: dict[str, Any]) -> dict[str, Any]:
    serial, hardware_id = device["serial"], device["hardware_id"]
    if device["interfaces"]:
        interface = random.choice(device["interfaces"])
        return random.choice(
            [
                {
                    "registration_name": f"{serial}-{interface}",
                    "interface": interface,
                },
                {"registration_name": f"{serial}-{interface}"},
                {"interface": interface},
                {
                    "registration_name": f"{hardware_id}-{interface}",
                    "interface": interface,
                },
                {
                    "registration_name": random.choice(FREE_NAMES),
                    "interface": interface,
                },
            ]
        )
    own = [hardware_id, hardware_id, hardware_id.upper()]
    choices = [*own, random.choice(FREE_NAMES), device["user"], None]
    if serial:
        choices += [serial, serial, serial]
    chosen = random.choice(choices)
    return {} if chosen is None else {"registration_name": chosen}


# Writing


def write(description: dict[str, Any], directory: Path) -> Path:
    """Write the files of a fleet below a directory, and return the directory."""
    for folder, files in texts(description).items():
        (directory / folder).mkdir(parents=True)
        for file_name, content in files.items():
            (directory / folder / file_name).write_bytes(content)
    return directory


def texts(description: dict[str, Any]) -> dict[str, dict[str, bytes]]:
    """Return the content of every file by folder and name."""
    return {
        "certificates": {
            file["name"]: file["blocks"][0]["der"]
            if file["form"] == "der"
            else pem(file["blocks"])
            for file in description["certificates"]
        },
        "trust": {
            f"{file['pbx']}.pem": _trust_list(file) for file in description["trust"]
        },
        "devices": {
            file["name"] + _ENTRIES[file["format"]][0]: _ENTRIES[file["format"]][1](
                file["entries"]
            )
            for file in description["devices"]
        },
        "registrations": {file["name"]: _log(file) for file in description["logs"]},
    }


def _log(file: dict[str, Any]) -> bytes:
    return _ROWS[file["format"]](file["rows"])


def pem(blocks: list[dict[str, Any]]) -> bytes:
    """Return PEM text; a cut block ends after its first line, so that it contains no name."""
    lines = []
    for block in blocks:
        body = base64.encodebytes(block["der"]).decode().split()
        lines.append("-----BEGIN CERTIFICATE-----")
        if block["cut"]:
            lines += body[:1]
        else:
            lines += [*body, "-----END CERTIFICATE-----"]
    return "".join(line + "\n" for line in lines).encode()


def _trust_list(file: dict[str, Any]) -> bytes:
    if file["content"] == "page":
        return (
            b"<!DOCTYPE html><html><body><form>Please log in.</form></body></html>\n"
        )
    return pem(file["blocks"])


def _flags(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        flag: entry[flag] for flag in ("tls", "trusted") if entry[flag] != "absent"
    }


def _users_json(entries: list[dict[str, Any]]) -> bytes:
    lines = [
        {
            "mt": "ReplicateUpdate",
            "api": "PbxTableUsers",
            "columns": {
                "guid": hashlib.md5(repr(entry).encode()).hexdigest(),  # noqa: S324
                "h323": entry["user"],
                "cn": entry["user"].title(),
                "loc": entry["pbx"],
                "devices": [{"hw": entry["hw"], **_flags(entry)}],
            },
        }
        for entry in entries
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _users_xml(entries: list[dict[str, Any]]) -> bytes:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<show>"]
    for entry in entries:
        attributes = {
            flag: str(value).lower() for flag, value in _flags(entry).items()
        }
        flags = "".join(
            f" {flag}={quoteattr(value)}" for flag, value in attributes.items()
        )
        lines.append(
            f"<user h323={quoteattr(entry['user'])} loc={quoteattr(entry['pbx'])}>"
            f"<device hw={quoteattr(entry['hw'])}{flags}/></user>"
        )
    return "".join(line + "\n" for line in [*lines, "</show>"]).encode()


def _csv(header: list[str], rows: list[list[Any]], separator: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(
        [header, *rows]
    )
    return text.getvalue().encode()


def _entries_csv(entries: list[dict[str, Any]]) -> bytes:
    def cell(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value in (-1, "absent") else str(value)

    keys = ["pbx", "user", "hw", "tls", "trusted"]
    rows = [[cell(entry[key]) for key in keys] for entry in entries]
    return _csv(["pbx", "user", "hardware_id", "tls_only", "reverse_proxy"], rows)


def _import_list(entries: list[dict[str, Any]]) -> bytes:
    titles = ["Employee", "", "", "Number", "Node", "PBX-Name", "MAC-Address"]
    fields = [
        "longName",
        "displayName",
        "name",
        "number",
        "node",
        "pbx",
        "hardwareID",
    ]
    rows = []
    for entry in entries:
        user, pbx = entry["user"], entry["pbx"]
        rows.append([user.title(), "", user, "1", "root", pbx, entry["hw"]])
    return _csv(titles, [fields, *rows], ";")


_ENTRIES = {
    "json": (".jsonl", _users_json),
    "xml": (".xml", _users_xml),
    "own csv": (".csv", _entries_csv),
    "import list": (".csv", _import_list),
}


def _cell(column: str, value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if column == "time" and value:
        return dt.datetime.fromtimestamp(value, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def _records_csv(rows: list[dict[str, Any]]) -> bytes:
    cells = [
        [_cell(column, row.get(column, "")) for column in COLUMNS] for row in rows
    ]
    return _csv(COLUMNS, cells)


def _records_json(rows: list[dict[str, Any]]) -> bytes:
    cells = [
        {column: _cell(column, value) for column, value in row.items()}
        for row in rows
    ]
    return "".join(json.dumps(row) + "\n" for row in cells).encode()


def _messages(rows: list[dict[str, Any]]) -> bytes:
    lines = []
    for row in rows:
        words_and_values = {
            word: _cell(name, row[name])
            for name, word in PAIRS.items()
            if name in row
        }
        words = [f"{word}={value}" for word, value in words_and_values.items()]
        line = {"mt": "AddLog", "msg": " ".join(words)}
        if "time" in row:
            line["time"] = str(row["time"])
        if "hardware_id" in row:
            line["from"] = row["hardware_id"]
        lines.append(json.dumps(line) + "\n")
    return "".join(lines).encode()


def _events(rows: list[dict[str, Any]]) -> bytes:
    lines = []
    for row in rows:
        line = {
            "mt": "AddAlarm",
            "type": row["type"],
            "active": row["type"] == "alarm",
            "severity": 1,
            "code": "0x00010002",
            "date": str(row["time"]),
            "host": row["hardware_id"],
            "source": "RELAY/RECH",
            "text": "Registration down",
            "details": f'<relay prot="{row["prot"]}"/>' if row["prot"] else "",
        }
        if "serial" in row:
            line["serial"] = row["serial"]
        lines.append(json.dumps(line) + "\n")
    return "".join(lines).encode()


_ROWS = {
    "own csv": _records_csv,
    "own json": _records_json,
    "log records": _messages,
    "events": _events,
}


def lines(file: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of a log, each with its line number."""
    first = 2 if file["format"] == "own csv" else 1
    return list(enumerate(file["rows"], first))
