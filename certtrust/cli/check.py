"""`certtrust check`: the facts of one certificate, from a file or an endpoint, and the verdict."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CerttrustError
from ..evaluation.rules import SCENARIOS
from ..schema import UNDECIDED_STATES
from ..texts.labels import plural
from ..texts.sentences import say
from ..texts.translation import translated
from .endpoints import add_starttls, endpoint
from .passwords import add_passwords, asked_passwords, passwords
from .terminal import FAIL, PASS, UNKNOWN, Parser, tell

if TYPE_CHECKING:
    import pandas as pd

    from ..explanation.diagnosis import Diagnosis

NAME = "check"
_STATUS = {"pass": PASS, "fail": FAIL, "unknown": UNKNOWN}


def add(command: Parser) -> None:
    """Add the arguments of the command."""
    command.add("certificate", metavar="certificate")
    command.add("--scenario", choices=list(SCENARIOS))
    command.add("--registration-name", metavar="name")
    command.add("--hardware-id", metavar="id")
    command.add("--url", metavar="url")
    command.add("--trust", metavar="file", action="append")
    command.add("--chain", metavar="file", action="append", default=[])
    command.add("--tls-only", action=argparse.BooleanOptionalAction, default=None)
    command.add("--authentication", choices=["password", "certificate"])
    command.add("--at", metavar="date")
    command.add("--server-name", metavar="name")
    add_starttls(command)
    command.add("--json", action="store_true")
    add_passwords(command)
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Read, judge and tell; return the exit status."""
    from ..evaluation.check import moment_of
    from ..explanation.diagnosis import diagnose

    at = None if given.at is None else moment_of(given.at)
    frames = _read(given)
    certificate = frames[given.certificate]
    if certificate["fingerprint"].isna().all():
        remarks = translated(certificate["parse_error"])
        reasons = "; ".join(remarks.dropna().unique())
        words = {"file": given.certificate, "reason": reasons}
        tell(say("cli.check.unreadable", **words))
        return UNKNOWN
    url = given.url
    if url is None and (target := endpoint(given.certificate)):
        url = target.url
    scenario = given.scenario or ("browser" if url else "h323-certificate")
    listed = [frames[path] for path in given.trust or ()]
    diagnosis = diagnose(
        certificate,
        scenario=scenario,
        registration_name=given.registration_name,
        hardware_id=given.hardware_id,
        url=url,
        trust=_together(listed),
        tls_only=given.tls_only,
        authentication=given.authentication,
        chain=_together([frames[path] for path in given.chain])
        if given.chain
        else (),
        at=at,
    )
    certificates = _together(list(frames.values()))
    certificates.attrs = dict(certificate.attrs)
    facts = _facts(diagnosis, given.certificate, certificates)
    if given.json:
        content = {**diagnosis.to_dict(), "facts": facts}
        tell(json.dumps(content, indent=2, default=str))
    else:
        lines = [
            say("cli.check.fact", name=name, value=facts[name]) for name in facts
        ]
        tell("\n".join([*lines, "", str(diagnosis)]))
    return _STATUS[diagnosis.verdict]


def _read(given: argparse.Namespace) -> dict[str, pd.DataFrame]:
    """Return the certificates of each file, and of the endpoint, by how they were named."""
    from ..certificates.reading import read_certificates

    paths = [given.certificate, *(given.trust or []), *given.chain]
    fetched = {}
    if (target := endpoint(given.certificate)) is not None:
        from ..endpoints.chain import fetch_chain

        fetched[given.certificate] = fetch_chain(
            target.host,
            target.port,
            server_name=given.server_name,
            timeout=given.timeout,
            starttls=given.starttls,
        )
        paths = paths[1:]
    for path in paths:
        _need_file(path, may_be_host=path == given.certificate)
    words = passwords(given)

    def read(secrets: list[str]) -> dict[str, pd.DataFrame]:
        return {
            path: read_certificates(Path(path), password=secrets) for path in paths
        }

    frames = read(words)
    if more := asked_passwords(frames):
        frames = read([*words, *more])
    return {**fetched, **frames}


def _need_file(path: str, *, may_be_host: bool = False) -> None:
    """Raise a CerttrustError where this is no file."""
    if Path(path).is_dir():
        raise CerttrustError(say("errors.cli.folder_for_file", path=path))
    if not Path(path).is_file():
        is_word = may_be_host and path.replace("-", "").isalnum()
        key = "no_file_or_host" if is_word else "no_file"
        raise CerttrustError(say(f"errors.cli.{key}", path=path))


def read_files(paths: list[str], words: list[str]) -> pd.DataFrame:
    """Return the certificates of several files together."""
    from ..certificates.reading import read_certificates

    for path in paths:
        _need_file(path)
    frames = [read_certificates(Path(path), password=words) for path in paths]
    together: pd.DataFrame = _together(frames)
    return together


def _together(frames: list[pd.DataFrame]) -> Any:
    import pandas as pd

    return pd.concat(frames, ignore_index=True) if frames else None


def _facts(
    diagnosis: Diagnosis, source: str, certificates: pd.DataFrame
) -> dict[str, str]:
    """Return what the certificate is, in words, by what each fact is called."""
    import pandas as pd

    from ..certificates.reading import days_left
    from ..texts.dates import moment

    row = diagnosis.result.iloc[0]
    own = certificates[certificates["fingerprint"] == row["fingerprint"]].iloc[0]
    at = row["judged_at"]
    days = days_left(diagnosis.result, at).iloc[0]
    nothing = say("values.missing")
    ends = [own["not_before"], own["not_after"]]
    dates = [nothing if pd.isna(end) else moment(end) for end in ends]
    key = [own["key_type"], own["key_size"], own["signature_hash"]]
    values = {
        "file": source,
        "cn": nothing if pd.isna(own["subject_cn"]) else own["subject_cn"],
        "names": ", ".join(diagnosis.names) or nothing,
        "issuer": nothing if pd.isna(own["issuer"]) else own["issuer"],
        "valid": say("cli.check.valid", first=dates[0], last=dates[1]),
        "key": ", ".join(str(part) for part in key if not pd.isna(part)) or nothing,
        "trusted_by": _anchor(diagnosis, certificates),
        "fingerprint": str(row["fingerprint"]),
        "at": moment(at),
    }
    if not pd.isna(days):
        form = "left" if days >= 0 else "over"
        values["valid"] += say(f"cli.check.{form}", count=abs(int(days)))
    values |= _connection(certificates)
    return {say(f"cli.check.facts.{name}"): value for name, value in values.items()}


def _connection(certificates: pd.DataFrame) -> dict[str, str]:
    """Return how an endpoint presented the certificates, nothing where they are from files."""
    seen = certificates.attrs.get("endpoint")
    if seen is None:
        return {}
    nothing = say("values.missing")
    version, cipher, weak = (
        seen[name] if isinstance(seen[name], (str, list)) else nothing
        for name in ("tls_version", "cipher", "weaknesses")
    )
    certificates_sent = plural(len(seen["certificates"]), "certificate")
    facts = {"tls": say("cli.check.tls", version=version, cipher=cipher)}
    facts["handshake"] = say("cli.check.sent", certificates=certificates_sent)
    if isinstance(seen["alert"], str):
        by = say(f"cli.check.by.{seen['alert_by']}")
        facts["handshake"] += say("cli.check.alert", alert=seen["alert"], by=by)
    if isinstance(seen["error"], str):
        facts["handshake"] += f"; {seen['error']}"
    if weak and isinstance(weak, list):
        facts["weaknesses"] = ", ".join(weak)
    return facts


def _anchor(diagnosis: Diagnosis, certificates: pd.DataFrame) -> str:
    """Return the name of the entry of the list that the certificate reaches."""
    if not diagnosis.path:
        state = diagnosis.result["trust_state"].iloc[0]
        key = "open_anchor" if state in UNDECIDED_STATES else "no_anchor"
        return say(f"cli.check.{key}", state=say(f"trust_states.{state}"))
    names = certificates.set_index("fingerprint")["subject"]
    anchor = diagnosis.path[-1]
    rows = names[names.index == anchor].dropna()
    return str(rows.iloc[0]) if len(rows) else say("cli.check.public", anchor=anchor)
