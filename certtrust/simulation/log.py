"""The registration attempts of synthetic devices over some weeks, each with what is true of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from ..schema import REGISTRATIONS, conform
from .faults import CAUSES, LOGGED
from .model import Device, Presented
from .sites import START, WINDOW
from .truth import Spans, Truth, View, judge, trusted_spans

REGISTRATION_DOWN = "0x00010002"
TLS_DETAILS = '<relay prot="SH323"/>'
NO_ROUTE = "0x0011005b"

Row = dict[str, Any]

_H323_REASONS = {
    "unknown_user": ("invalidAlias",),
    "already_registered": ("duplicateAlias",),
    "unexplained": (None, "undefinedReason", "resourceUnavailable"),
}
_SIP_REASONS = {
    "wrong_password": "SIP 401 Unauthorized",
    "unknown_user": "SIP 404 Not Found",
    "already_registered": "SIP 503 Service Unavailable",
}
_WORDS = (
    "scenario",
    "protocol",
    "tls_only",
    "through_allowed_proxy",
    "leaf",
    "trusted",
    "names",
)
"""What is not known of an attempt whose log line does not even say which device it was."""
_LASTING = {
    "wrong_password": 0.6,
    "unknown_user": 0.8,
    "already_registered": 0.4,
    "timeout": 0.3,
    "unexplained": 0.5,
}
"""How often a failure that the log explains is still there at the end."""


def registrations(
    rng: Random, devices: Sequence[Device], fingerprints: dict[bytes, str]
) -> pd.DataFrame:
    """Return the log of all devices as table REGISTRATIONS, with the columns of the truth after
    its own.
    """
    rows = [row for device in devices for row in _of_device(rng, device, fingerprints)]
    rows.sort(key=lambda row: (row["source"], row["moment"]))
    names = [
        *REGISTRATIONS.names,
        "true_cause",
        "true_failed",
        "decidable",
        "all_decidable",
        "moment",
    ]
    columns = {name: [row.get(name) for row in rows] for name in names}
    moment = np.array(columns.pop("moment"), dtype="int64") * 10**6
    time = pd.Series(pd.to_datetime(moment, unit="us", utc=True)).astype(
        "datetime64[us, UTC]"
    )
    unset = pd.Series(columns["clock_unset"], dtype="boolean")
    truth = {
        "true_cause": pd.Series(
            columns.pop("true_cause"), dtype=pd.CategoricalDtype(list(CAUSES))
        ),
        "true_failed": pd.Series(columns.pop("true_failed"), dtype="str"),
        "decidable": pd.Series(columns.pop("decidable"), dtype="boolean"),
        "all_decidable": pd.Series(columns.pop("all_decidable"), dtype="boolean"),
    }
    frame = pd.DataFrame(
        {name: pd.Series(cells, dtype="object") for name, cells in columns.items()}
    )
    frame["time"] = time.where(~unset.astype(bool))
    frame["line"] = (
        frame.groupby("source").cumcount() + 1 + frame["source"].str.endswith(".csv")
    )
    return conform(frame.assign(**truth), REGISTRATIONS)


def _of_device(
    rng: Random, device: Device, fingerprints: dict[bytes, str]
) -> Iterator[Row]:
    if device.site.log == "events" and rng.random() < 0.2:
        yield _no_route(rng, device)
    spans = [
        (own, trusted_spans(own.leaf, own.chain, device.site.listed))
        for own in device.presented
    ]
    moments = _moments(rng, device)
    unset_until, failing_until = _until(rng, device, len(moments))
    alarm_is_set = False
    for count, moment in enumerate(moments):
        presented, trusted = next(
            (own, span) for own, span in reversed(spans) if own.since <= moment
        )
        logged = (
            next(iter(device.causes & set(LOGGED)), None)
            if count < failing_until
            else None
        )
        for place, interface in enumerate(device.interfaces or (None,)):
            real = _real(
                device,
                moment + place,
                presented,
                trusted,
                interface,
                logged,
                clock_unset=count < unset_until,
            )
            truth = judge(real)
            if device.site.log == "csv":
                yield _csv_row(rng, device, interface, real, truth, fingerprints)
            elif truth.cause is not None or alarm_is_set:
                yield _alarm(device, real, truth)
            else:
                continue
            alarm_is_set = truth.cause is not None


def _moments(rng: Random, device: Device) -> list[int]:
    """Return when the device tries to register: each interface of a gateway does so each time."""
    most = 3 if device.interfaces else 8
    return sorted(
        START + int(rng.random() * (WINDOW - 60)) for _ in range(rng.randint(2, most))
    )


def _until(rng: Random, device: Device, attempts: int) -> tuple[int, int]:
    """Return the number of attempts without a clock, and of those that fail for what is no rule."""
    unset = attempts if rng.random() < 0.5 else math.ceil(attempts / 2)
    logged = next(iter(device.causes & set(LOGGED)), None)
    lasting = rng.random() < _LASTING.get(logged or "", 1)
    return (unset if "time.clock" in device.causes else 0), (
        attempts if lasting else math.ceil(attempts / 2)
    )


def _real(
    device: Device,
    moment: int,
    presented: Presented,
    trusted: Spans,
    interface: str | None,
    logged: str | None,
    *,
    clock_unset: bool,
) -> View:
    default = device.default_name(interface)
    name = device.registration_name or default
    names = {name, device.hardware_id}
    if name in device.own_names or name == default:
        # Serial and hardware ID are two spellings of one identity, so the CN may begin either.
        names |= device.own_names
    return View(
        scenario=device.scenario,
        clock_unset=clock_unset,
        moment=moment,
        protocol=device.protocol,
        tls_only=device.tls_only,
        through_allowed_proxy=device.via_proxy and device.proxy_allowed,
        leaf=presented.leaf,
        trusted=trusted,
        names=tuple(sorted(names)),
        log_cause=logged,
    )


def _known(device: Device, view: View) -> View:
    """Return what the fleet's files tell, where every word of the log line is there."""
    if device.scenario == "h323-certificate" and device.gap == "certificate":
        view = view._replace(leaf=None, trusted=None)
    return view if device.site.list_is_known else view._replace(trusted=None)


def _csv_row(
    rng: Random,
    device: Device,
    interface: str | None,
    real: View,
    truth: Truth,
    fingerprints: dict[bytes, str],
) -> Row:
    state, reason = _state(rng, device, truth)
    row: Row = {
        "moment": real.moment,
        "clock_unset": real.clock_unset,
        "pbx": device.site.name,
        "remote_address": device.address,
        "state": state,
        "source": f"{device.site.name}.csv",
        "matched_by": "record",
        "time_by": None if real.clock_unset else "line",
    }
    known = _known(device, real)
    if device.gap == "words" and rng.random() < 0.5:
        stated = (
            "timeout"
            if state == "timeout"
            else "wrong_password"
            if state == "unauthorized"
            else "unexplained"
        )
        nothing: dict[str, Any] = dict.fromkeys(_WORDS)
        known = known._replace(**nothing, log_cause=stated if state != "up" else None)
        return row | _truth(truth, judge(known))
    if device.gap == "words" and truth.cause in _H323_REASONS:
        reason, known = None, known._replace(log_cause="unexplained")
    by_password = device.scenario == "h323-password"
    # At a TLS-only entry a log may leave it out: it can only have been the certificate.
    told = by_password or not device.tls_only or rng.random() < 0.75
    if "transport.tls_only" in device.causes and not by_password:
        told = False
    name = device.registration_name
    if name is None and rng.random() < 0.85:
        name = device.default_name(interface)
    row |= {
        "serial": device.serial,
        "hardware_id": device.hardware_id,
        "registration_name": name,
        "interface": interface,
        "protocol": device.protocol,
        "authentication": ("password" if by_password else "certificate")
        if told
        else None,
        "via_reverse_proxy": device.via_proxy,
        "reason": reason,
    }
    # Without it, a certificate that is not valid yet would not be taken for the device's.
    names_certificate = known.leaf is not None and (
        rng.random() < 0.5 or known.leaf.not_before > real.moment
    )
    unknown_one = known.leaf is None and rng.random() < 0.3
    if not by_password and real.leaf is not None and (names_certificate or unknown_one):
        row["fingerprint"] = fingerprints[real.leaf.der]
    return row | _truth(truth, judge(known))


def _alarm(device: Device, real: View, truth: Truth) -> Row:
    """Return an alarm, or its clear: it tells who and over what, but not under which name, and
    no reason.
    """
    failed = truth.cause is not None
    known = _known(device, real)._replace(
        names=tuple(name for name in (device.serial, device.hardware_id) if name),
        log_cause="unexplained" if failed else None,
    )
    return {
        "moment": real.moment,
        "clock_unset": real.clock_unset,
        "serial": device.serial,
        "hardware_id": device.hardware_id,
        "protocol": device.protocol,
        "state": "down" if failed else "up",
        "code": REGISTRATION_DOWN,
        "severity": "indeterminate",
        "module": "RELAY/RECH",
        "details": TLS_DETAILS,
        "source": f"{device.site.name}.jsonl",
        "matched_by": "alarm" if failed else "clear",
        "time_by": None if real.clock_unset else "line",
        **_truth(truth, judge(known)),
    }


def _no_route(rng: Random, device: Device) -> Row:
    """Return an event that has nothing to do with registrations, as logs have many."""
    route = (
        f'src-addr="{device.address}" src-port="24" '
        f'dst-addr="198.51.100.1" dst-port="80" prot="TCP"'
    )
    return {
        "moment": START + int(rng.random() * WINDOW),
        "clock_unset": False,
        "serial": device.serial,
        "hardware_id": device.hardware_id,
        "code": NO_ROUTE,
        "severity": "indeterminate",
        "module": "IP",
        "details": f'<route {route} cause="Destination interface down"/>',
        "source": f"{device.site.name}.jsonl",
        "matched_by": "event",
        "time_by": "line",
        "true_failed": "",
        "decidable": True,
        "all_decidable": True,
    }


def _truth(truth: Truth, known: Truth) -> Row:
    return {
        "true_cause": truth.cause,
        "true_failed": ",".join(truth.failed),
        "decidable": known.certain and known.cause == truth.cause,
        "all_decidable": known.complete
        and known.cause == truth.cause
        and known.failed == truth.failed,
    }


def _state(rng: Random, device: Device, truth: Truth) -> tuple[str, str | None]:
    """Return the state and the reason that the log shows.

    Which reason a PBX gives for a failed rule is not known; these are drawn, and prove nothing.
    """
    if truth.cause is None:
        return "up", None
    if truth.failed:
        if "time.clock" in truth.failed and rng.random() < 0.6:
            return "timeout", None
        return "rejected", rng.choice((None, None, "securityDenial", "undefinedReason"))
    by_sip = device.protocol.startswith("SIP")
    reason = (
        _SIP_REASONS.get(truth.cause)
        if by_sip
        else rng.choice(_H323_REASONS.get(truth.cause, (None,)))
    )
    state = {"timeout": "timeout", "wrong_password": "unauthorized"}.get(
        truth.cause, "rejected"
    )
    return state, reason
