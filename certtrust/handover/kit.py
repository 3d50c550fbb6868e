"""Fix kits: a plan as files for those who carry it out, at each PBX, each device and each site."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..advice.remedies.actions import conformed
from ..advice.remedies.fleet_copy import certificates_by_fingerprint
from ..advice.remedies.kinds import BY_KIND
from ..errors import CerttrustError
from ..evaluation.attempts import attempts
from ..fleet import Fleet, expect_fleet, link
from ..tables_for_people import guarded_csv, workbook
from ..texts.labels import listed, plural
from ..texts.sentences import say, sentences
from ..texts.visible import encodable, one_line
from ..whole_files import new_directory
from ..x509.pem import pem
from .file_names import file_names
from .requests import Request, as_json, as_openssl, key_bits, subject_of, with_cn

_AT_PBX = ("clear TLS only", "allow reverse proxy")
"""Kinds that change an object of the PBX, beside those that change its trust list."""

_NEW_CERTIFICATE = ("renew", "reissue", "enrol")
_ROOT = "root"
"""The node of a PBX that has no others says nothing of a site."""


def kit(fleet: Fleet, plan: pd.DataFrame, directory: str | Path) -> list[Path]:
    """Write what those need who carry out a plan: files to upload, requests, lists of what to do.

    Parameters
    ----------
    fleet : Fleet
        The fleet that the plan was made for.
    plan : DataFrame
        What `remedies` returns, or some of its rows; or any frame that `apply` takes.
    directory : path
        A new or an empty folder. It is there in full or not at all.

    Returns
    -------
    list of Path
        The files, in the order in which to read them:

        ========================= ==============================================================
        README.txt                what is in the kit, and what it cannot do
        checklist.csv, .xlsx      every action, to be ticked off; .xlsx with `certtrust[excel]`
        pbxs/NAME/to-do.txt       what to do at one PBX, and at the devices that register there
        pbxs/NAME/upload.pem      the certificates to upload to its trust list, where there are any
        requests/NAME.cnf         one certificate to be had: the file for `openssl req`, with what
                                  to enter in the device's own form
        requests.json             all requests as data
        sites/NAME.eml            a mail to whoever is at the site
        actions.json              the actions as data, for `apply`
        ========================= ==============================================================

    Raises
    ------
    CerttrustError
        If the directory holds files, or the plan is none: an unknown kind of action, one that
        lacks a column, or a certificate that the fleet does not have.

    Notes
    -----
    No private key is made or written: a request is made on the device, or by whoever keeps its
    key. A CA that no file holds ("find CA"), or that has to be renewed, is named with all that is
    known of it, and is not in the kit.

    Examples
    --------
    >>> import tempfile
    >>> import certtrust as ct
    >>> fleet = ct.simulate(30, seed=1, faults={"certificate.trust": 0.3})
    >>> plan = ct.remedies(fleet, ct.check(ct.attempts(fleet)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = kit(fleet, plan, folder + "/kit")
    ...     files[0].name, any(path.name == "upload.pem" for path in files)
    ('README.txt', True)
    """
    content = _Kit.of(expect_fleet(fleet), plan)
    if not isinstance(directory, (str, os.PathLike)):
        kind = type(directory).__name__
        raise CerttrustError(say("errors.handover.no_folder", kind=kind))
    target = Path(directory)
    try:
        with new_directory(target) as new:
            names = _write(content, new)
    except FileExistsError:
        raise CerttrustError(
            say("errors.handover.not_empty", path=repr(str(directory)))
        ) from None
    return [target / name for name in names]


@dataclass(frozen=True)
class _Kit:
    """The actions of a plan in order, with where they are carried out and what they need."""

    fleet: Fleet
    actions: pd.DataFrame
    """As `conformed`, numbered from 0, with step, price and attempts."""
    places: pd.DataFrame
    """device, pbx, site, fingerprint, user: who registers where with what, once each."""
    certificates: pd.DataFrame

    @classmethod
    def of(cls, fleet: Fleet, plan: pd.DataFrame) -> _Kit:
        if not isinstance(plan, pd.DataFrame):
            kind = type(plan).__name__
            raise CerttrustError(say("errors.handover.no_plan", kind=kind))
        fleet = fleet if fleet.links is not None else link(fleet)
        actions = conformed(plan.reset_index(drop=True))
        titles = {
            kind: texts["title"] for kind, texts in sentences()["actions"].items()
        }
        step = plan["step"] if "step" in plan else actions["action"].map(titles)
        actions = actions.assign(
            step=step.array,
            price=plan["price"].array if "price" in plan else None,
            attempts=plan["attempts"].array if "attempts" in plan else None,
        )
        certificates = certificates_by_fingerprint(fleet)
        needed = actions.loc[actions["action"] != "enrol", "fingerprint"].dropna()
        absent = needed[~needed.isin(certificates.index)]
        if len(absent):
            raise CerttrustError(
                say("errors.advice.certificate", fingerprint=absent.iloc[0])
            )
        return cls(fleet, actions, _places(fleet), certificates)

    @cached_property
    def pbxs(self) -> list[str]:
        """Every PBX that a file names or an action concerns."""
        lists = self.fleet.trust["pbx"]
        columns = (self.places["pbx"], lists, self.actions["pbx"])
        return sorted(set(pd.concat(columns).dropna()))

    def devices_of(self, action: Any) -> list[str]:
        """Return the devices that an action changes."""
        if isinstance(action.device, str):
            return [action.device]
        if action.action not in _NEW_CERTIFICATE:
            return []
        holders = self.values("fingerprint", "device").get(action.fingerprint)
        return holders or self._by_file.get(action.fingerprint, [])

    def pbxs_of(self, action: Any) -> list[str]:
        """Return where an action has to be carried out, or where its device registers."""
        if isinstance(action.pbx, str):
            return [action.pbx]
        if _changes_list(action.action):
            return self.pbxs
        return self.of_devices(action, "pbx")

    def sites_of(self, action: Any) -> list[str]:
        """Return the sites of the devices of an action, of its PBXs where it is done there."""
        if _is_at_pbx(action.action):
            return self.pbxs_of(action)
        return self.of_devices(action, "site") or self.pbxs_of(action)

    def of_devices(self, action: Any, column: str) -> list[str]:
        """Return what the column of `places` holds for the devices of an action."""
        by_device = self.values("device", column)
        values = {
            value
            for device in self.devices_of(action)
            for value in by_device.get(device, ())
        }
        return sorted(values)

    def values(self, key: str, column: str) -> dict[Any, list[str]]:
        """Return the values of one column of `places` for each value of another."""
        if (key, column) not in self._values:
            pairs = self.places[[key, column]].dropna().drop_duplicates()
            pairs = pairs.sort_values(column)
            grouped = pairs.groupby(key, sort=False)[column]
            self._values[key, column] = grouped.agg(list).to_dict()
        return self._values[key, column]

    @cached_property
    def _values(self) -> dict[tuple[str, str], dict[Any, list[str]]]:
        return {}

    @cached_property
    def _by_file(self) -> dict[Any, list[str]]:
        """Return the devices that the names of files give to each certificate."""
        owned = self.fleet.certificates[["fingerprint", "device"]].dropna()
        owned = owned.drop_duplicates().sort_values("device")
        by_fingerprint = owned.groupby("fingerprint", sort=False)["device"]
        return dict(by_fingerprint.agg(list))

    @cached_property
    def rows(self) -> list[Any]:
        """The actions one by one."""
        plain = self.actions.astype("object").where(self.actions.notna(), None)
        return list(plain.itertuples())

    @cached_property
    def by_pbx(self) -> dict[str, list[Any]]:
        """The actions of each PBX."""
        rows: dict[str, list[Any]] = {name: [] for name in self.pbxs}
        for row in self.rows:
            for name in self.pbxs_of(row):
                rows[name].append(row)
        return rows

    @cached_property
    def requests(self) -> dict[int, Request]:
        """The request of each action that needs one, by the action's number."""
        wanted = {
            row.Index: "-".join([*self.devices_of(row), *self._suffix(row)])
            or str(row.fingerprint)
            for row in self.rows
            if row.action in _NEW_CERTIFICATE
        }
        times = Counter(wanted.values())
        keys = {
            number: name if times[name] == 1 else f"{name} {number}"
            for number, name in wanted.items()
        }
        files = file_names(keys.values())
        return {
            row.Index: self._request(row, f"requests/{files[keys[row.Index]]}.cnf")
            for row in self.rows
            if row.Index in keys
        }

    def _suffix(self, row: Any) -> list[str]:
        return [row.pbx] if row.action == "enrol" and isinstance(row.pbx, str) else []

    def _request(self, row: Any, file: str) -> Request:
        devices, pbxs = self.devices_of(row), self.pbxs_of(row)
        present = self._present(row)
        subject = subject_of(present)
        if row.value is not None:
            subject = with_cn(subject, row.value)
        is_self_signed = (
            row.action != "enrol"
            and isinstance(present.get("subject"), str)
            and present.get("subject") == present.get("issuer")
        )
        own = [present["issuer"]] if isinstance(present.get("issuer"), str) else []
        issuers = self._listed_cas(pbxs) if row.action == "enrol" else own
        if row.action == "enrol" and not self._is_own(present, devices):
            # Loaded from another device: its names are not this one's.
            present |= {"dns_names": (), "ip_addresses": ()}
        return Request(
            file,
            row.action,
            tuple(devices),
            tuple(pbxs),
            subject,
            tuple(present.get("dns_names") or ()),
            tuple(present.get("ip_addresses") or ()),
            key_bits(present),
            row.since,
            () if is_self_signed else tuple(issuers),
            is_self_signed,
            present.get("fingerprint") if row.action != "enrol" else None,
        )

    def _is_own(self, certificate: dict[str, Any], devices: list[str]) -> bool:
        """Return whether no other device holds the certificate."""
        holders = self.values("fingerprint", "device")
        return holders.get(certificate.get("fingerprint"), devices) == devices

    def _present(self, row: Any) -> dict[str, Any]:
        """Return the certificate that is replaced, as its row of table CERTIFICATES."""
        fingerprint = row.fingerprint
        if fingerprint is None:
            presented = self.of_devices(row, "fingerprint")
            fingerprint = presented[0] if presented else None
        for frame, position in self._positions:
            if fingerprint in position:
                cells = frame.iloc[position[fingerprint]]
                return {str(name): cell for name, cell in cells.items()}
        return {}

    @cached_property
    def _positions(self) -> list[tuple[pd.DataFrame, dict[str, int]]]:
        """Return both tables of certificates, and where in them each fingerprint stands."""
        frames = (self.fleet.certificates, self.fleet.trust)
        return [
            (frame, {text: row for row, text in enumerate(frame["fingerprint"])})
            for frame in frames
        ]

    def _listed_cas(self, pbxs: Sequence[str]) -> list[str]:
        trust = self.fleet.trust
        here = trust["pbx"].isin(pbxs) | trust["pbx"].isna()
        is_ca = trust["is_ca"].fillna(value=False)
        return sorted(set(trust.loc[here & is_ca, "subject"].dropna()))


def _changes_list(kind: str) -> bool:
    return BY_KIND[kind].entries is not None


def _is_at_pbx(kind: str) -> bool:
    return _changes_list(kind) or kind in _AT_PBX


def _places(fleet: Fleet) -> pd.DataFrame:
    """Return who registers where, by the log and by the device entries."""
    columns = ["device", "pbx", "location", "fingerprint", "user"]
    parts = [attempts(fleet, of=source)[columns] for source in ("log", "devices")]
    rows = pd.concat(parts, ignore_index=True).drop_duplicates()
    node = rows["location"]
    site = node.mask(node.str.strip().str.casefold().isin([_ROOT, ""]))
    return rows.assign(site=site.fillna(rows["pbx"])).drop(columns="location")


# Files


def _write(kit: _Kit, folder: Path) -> list[str]:
    files: dict[str, str | bytes] = {}
    table = _checklist(kit)
    files["checklist.csv"] = guarded_csv(table)
    problem = None
    try:
        files["checklist.xlsx"] = workbook(_sheets(kit, table))
    except CerttrustError as error:
        problem = str(error)
    for name, stem in file_names(kit.pbxs).items():
        files |= _of_pbx(kit, name, f"pbxs/{stem}")
    requests = kit.requests.values()
    files |= {request.file: as_openssl(request) for request in requests}
    if kit.requests:
        files["requests.json"] = as_json(requests)
    sites = _sites(kit)
    for name, stem in file_names(sites).items():
        files[f"sites/{stem}.eml"] = _mail(kit, name, sites[name])
    files["actions.json"] = _as_data(kit)
    files = {"README.txt": _readme(kit, problem), **files}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = encodable(content).encode()
        path.write_bytes(content)
    return list(files)


def _as_data(kit: _Kit) -> str:
    columns = ["action", "pbx", "device", "fingerprint", "name", "value", "since"]
    rows = [
        {
            name: value.isoformat() if isinstance(value, pd.Timestamp) else value
            for name, value in ((name, getattr(row, name)) for name in columns)
        }
        for row in kit.rows
    ]
    return json.dumps(rows, indent=1) + "\n"


def _checklist(kit: _Kit) -> pd.DataFrame:
    """Return the actions as a table to tick off, its headings in words."""
    words = sentences()["kit"]["checklist"]
    files = file_names(kit.pbxs)
    rows = []
    for row in kit.rows:
        pbxs, devices = kit.pbxs_of(row), kit.devices_of(row)
        users = kit.of_devices(row, "user")
        request = kit.requests.get(row.Index)
        use = request.file if request else None
        if _uploaded(kit, row) is not None:
            use = ", ".join(f"pbxs/{files[name]}/upload.pem" for name in pbxs)
        rows.append(
            {
                "done": None,
                "rank": row.Index + 1,
                "title": sentences()["actions"][row.action]["title"],
                "pbx": ", ".join(pbxs),
                "site": ", ".join(kit.sites_of(row)),
                "device": ", ".join(devices),
                "user": ", ".join(users),
                "step": row.step,
                "file": use,
                "price": row.price,
                "attempts": row.attempts,
            }
        )
    dtypes = dict.fromkeys(words, "str") | {"rank": "Int64", "attempts": "Int64"}
    table = pd.DataFrame(rows, columns=list(words)).astype(dtypes)
    return table.rename(columns=words)


def _sheets(kit: _Kit, checklist: pd.DataFrame) -> dict[str, pd.DataFrame]:
    sheets = {say("kit.sheets.checklist"): checklist}
    words = sentences()["kit"]["requests"]
    requests = pd.DataFrame(
        [
            {
                "file": request.file,
                "device": ", ".join(request.devices),
                "pbx": ", ".join(request.pbxs),
                "subject": request.subject_text,
                "dns_names": ", ".join(request.dns_names),
                "ip_addresses": ", ".join(request.ip_addresses),
                "key": f"RSA {request.key_bits}",
                "usage": ", ".join(_usages(request)),
                "issuers": "; ".join(request.issuers),
                "since": request.since,
            }
            for request in kit.requests.values()
        ],
        columns=list(words),
    )
    since = pd.to_datetime(requests["since"], utc=True)
    requests = requests.assign(since=since).rename(columns=words)
    return sheets | {say("kit.sheets.requests"): requests}


def _usages(request: Request) -> Iterable[str]:
    data = request.as_data()
    return [*data["key_usage"], *data["extended_key_usage"]]


def _uploaded(kit: _Kit, row: Any) -> bytes | None:
    """Return the certificate that an action uploads, None where it uploads none at hand."""
    if not BY_KIND[row.action].uploads:
        return None
    der = kit.certificates.loc[row.fingerprint, "der"]
    return der if isinstance(der, bytes) else None


def _of_pbx(kit: _Kit, name: str, folder: str) -> dict[str, str | bytes]:
    """Return the files of one PBX."""
    rows = kit.by_pbx[name]
    if not rows:
        return {}
    ders = [_uploaded(kit, row) for row in rows]
    uploads = dict.fromkeys(der for der in ders if der is not None)
    files: dict[str, str | bytes] = {}
    if uploads:
        files[f"{folder}/upload.pem"] = "".join(map(pem, uploads))
    at_pbx = [row for row in rows if _is_at_pbx(row.action)]
    at_devices = [row for row in rows if not _is_at_pbx(row.action)]
    lines = [say("kit.pbx.title", pbx=name), ""]
    if uploads:
        certificates = plural(len(uploads), "certificate")
        lines += [say("kit.pbx.upload", certificates=certificates), ""]
    for key, part in (("here", at_pbx), ("devices", at_devices)):
        if part:
            lines += [say(f"kit.pbx.{key}"), *_steps(kit, part), ""]
    return {f"{folder}/to-do.txt": "\n".join(lines), **files}


def _steps(kit: _Kit, rows: Iterable[Any]) -> list[str]:
    lines = []
    for row in rows:
        lines.append(f"[ ] {row.Index + 1}. {one_line(row.step)}")
        request = kit.requests.get(row.Index)
        if request:
            lines.append(f"       {say('kit.steps.request', file=request.file)}")
        if BY_KIND[row.action].uploads and _uploaded(kit, row) is None:
            words = {"fingerprint": row.fingerprint}
            lines.append(f"       {say('kit.steps.not_at_hand', **words)}")
        if row.action in ("find CA", "renew CA"):
            lines.append(f"       {say('kit.steps.ca', facts=_facts(kit, row))}")
        if isinstance(row.price, str):
            lines.append(f"       {say('kit.steps.price', price=row.price)}")
    return lines


def _facts(kit: _Kit, row: Any) -> str:
    """Return what tells a CA from others."""
    if row.action == "find CA":
        key = row.value or say("values.missing")
        return say("kit.steps.absent", name=row.name, key=key)
    subject = kit.certificates.loc[row.fingerprint, "subject"]
    return say("kit.steps.ended", name=subject, fingerprint=row.fingerprint)


def _sites(kit: _Kit) -> dict[str, list[Any]]:
    sites: dict[str, list[Any]] = {}
    for row in kit.rows:
        for site in kit.sites_of(row) or [say("kit.mail.elsewhere")]:
            sites.setdefault(site, []).append(row)
    return sites


def _mail(kit: _Kit, site: str, rows: list[Any]) -> bytes:
    """Return a draft that mail programs open: it has no sender and nobody to go to."""
    devices = {
        device
        for row in rows
        if not _is_at_pbx(row.action)
        for device in kit.devices_of(row)
    }
    mail = EmailMessage(policy=SMTP)
    steps = plural(len(rows), "action")
    mail["Subject"] = encodable(
        one_line(say("kit.mail.subject", site=site, steps=steps))
    )
    mail["X-Unsent"] = "1"
    pbxs = sorted({name for row in rows for name in kit.pbxs_of(row)})
    body = [
        say("kit.mail.opening", site=site),
        say("kit.mail.counts", devices=plural(len(devices), "device"), steps=steps),
        "",
        *_steps(kit, rows),
        "",
        say("kit.mail.files", pbxs=listed(pbxs)) if pbxs else "",
    ]
    mail.set_content(encodable("\n".join(body).rstrip() + "\n"))
    return mail.as_bytes()


def _readme(kit: _Kit, problem: str | None) -> str:
    counts = {
        "actions": plural(len(kit.rows), "action"),
        "requests": plural(len(kit.requests), "certificate"),
    }
    lines = [say("kit.readme.title"), "", say("kit.readme.counts", **counts), ""]
    keys = ["order", "checklist", "pbxs", "requests", "sites", "actions"]
    if not kit.rows:
        keys = ["nothing"]
    lines += [line for key in keys for line in (say(f"kit.readme.{key}"), "")]
    kinds = {row.action for row in kit.rows}
    if kinds & {"find CA", "renew CA"}:
        lines += [say("kit.readme.cas"), ""]
    if problem is not None:
        lines += [say("kit.readme.no_workbook", reason=problem), ""]
    lines.append(say("kit.readme.keys"))
    return "\n".join(lines) + "\n"
