"""The registration attempts of synthetic devices over some weeks, each with its true cause."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

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

_TRUTH: dict[str, Any] = {
    "true_cause": pd.CategoricalDtype(list(CAUSES)),
    "true_failed": "str",
    "decidable": "boolean",
    "all_decidable": "boolean",
}

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
"""What is unknown of an attempt whose log line does not even name the device."""
_STATED = {"up": None, "timeout": "timeout", "unauthorized": "wrong_password"}
"""The cause that a state alone shows."""
_LASTING = {
    "wrong_password": 0.6,
    "unknown_user": 0.8,
    "already_registered": 0.4,
    "timeout": 0.3,
    "unexplained": 0.5,
}
"""Share of the failures explained by the log that last until its end."""


def registrations(rng: Random, devices: Sequence[Device]) -> pd.DataFrame:
    """Return the log of all devices as table REGISTRATIONS, followed by the truth."""
    rows = [row for device in devices for row in _of_device(rng, device)]
    rows.sort(key=lambda row: (row["source"], row["moment"]))
    names = [*REGISTRATIONS.names, *_TRUTH, "moment"]
    frame = pd.DataFrame(rows, columns=names, dtype="object")
    moments = pd.to_datetime(frame.pop("moment").astype("int64"), unit="s", utc=True)
    line = (
        frame.groupby("source").cumcount() + 1 + frame["source"].str.endswith(".csv")
    )
    is_set = ~frame["clock_unset"].astype(bool)
    frame = frame.assign(time=moments.dt.as_unit("us").where(is_set), line=line)
    return conform(frame.astype(_TRUTH), REGISTRATIONS)


def _of_device(rng: Random, device: Device) -> Iterator[Row]:
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
        for delay, interface in enumerate(device.interfaces or (None,)):
            real = _real(
                device,
                moment + delay,
                presented,
                trusted,
                interface,
                logged,
                clock_unset=count < unset_until,
            )
            truth = judge(real)
            if device.site.log == "csv":
                yield _csv_row(rng, device, interface, real, truth)
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
    """Return how many attempts lack a clock, and how many fail for what the log states."""
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


def _visible(device: Device, view: View) -> View:
    """Return what the fleet's files show, where the log line is complete."""
    if device.scenario == "h323-certificate" and device.gap == "certificate":
        view = view._replace(leaf=None, trusted=None)
    return view if device.site.list_is_known else view._replace(trusted=None)


def _csv_row(
    rng: Random, device: Device, interface: str | None, real: View, truth: Truth
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
    visible = _visible(device, real)
    if device.gap == "words" and rng.random() < 0.5:
        nothing: dict[str, Any] = dict.fromkeys(_WORDS)
        stated = _STATED.get(state, "unexplained")
        visible = visible._replace(**nothing, log_cause=stated)
        return row | _truth(truth, judge(visible))
    if device.gap == "words" and truth.cause in _H323_REASONS:
        reason, visible = None, visible._replace(log_cause="unexplained")
    by_password = device.scenario == "h323-password"
    # At a TLS-only entry a log may leave it out: it can only have been the certificate.
    is_stated = by_password or not device.tls_only or rng.random() < 0.75
    if "transport.tls_only" in device.causes and not by_password:
        is_stated = False
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
        if is_stated
        else None,
        "via_reverse_proxy": device.via_proxy,
        "reason": reason,
    }
    if visible.leaf is None:
        is_named = rng.random() < 0.3
    else:
        # Unnamed, a certificate that is not valid yet would not be taken for the device's.
        is_named = rng.random() < 0.5 or visible.leaf.not_before > real.moment
    if is_named and not by_password and real.leaf is not None:
        row["fingerprint"] = real.leaf.fingerprint
    return row | _truth(truth, judge(visible))


def _alarm(device: Device, real: View, truth: Truth) -> Row:
    """Return an alarm or its clear: device and transport, but neither name nor reason."""
    failed = truth.cause is not None
    visible = _visible(device, real)._replace(
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
        **_truth(truth, judge(visible)),
    }


def _no_route(rng: Random, device: Device) -> Row:
    """Return an event unrelated to registrations, of which logs have many."""
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


def _truth(truth: Truth, visible: Truth) -> Row:
    is_found = visible.cause == truth.cause
    return {
        "true_cause": truth.cause,
        "true_failed": ",".join(truth.failed),
        "decidable": visible.certain and is_found,
        "all_decidable": visible.complete
        and is_found
        and visible.failed == truth.failed,
    }


def _state(rng: Random, device: Device, truth: Truth) -> tuple[str, str | None]:
    """Return the state and the reason that the log shows.

    Which reason a PBX gives for a broken rule is unknown; these are drawn, and prove nothing.
    """
    if truth.cause is None:
        return "up", None
    if truth.failed:
        if "time.clock" in truth.failed and rng.random() < 0.6:
            return "timeout", None
        return "rejected", rng.choice(
            (None, None, "securityDenial", "undefinedReason")
        )
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
