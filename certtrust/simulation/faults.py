"""What can go wrong in a synthetic fleet, and with which share of the devices.

The codes of the rules are written here a second time on purpose: the rules are tested against
the simulation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from random import Random

from ..errors import CerttrustError
from ..texts.labels import listed
from ..texts.sentences import say

REQUIRED: dict[str, tuple[str, ...]] = {
    "h323-password": ("time.clock", "transport.tls_only", "password.tls_only"),
    "h323-certificate": (
        "time.clock",
        "transport.tls_only",
        "certificate.trust",
        "time.validity",
        "certificate.name",
    ),
}
"""The rules of each scenario in the order in which a failure is named as the cause."""

LOGGED: tuple[str, ...] = (
    "wrong_password",
    "unknown_user",
    "already_registered",
    "timeout",
    "unexplained",
)
"""Causes that no certificate explains; only the log may state them."""

CAUSES: tuple[str, ...] = tuple(
    dict.fromkeys([*itertools.chain(*REQUIRED.values()), *LOGGED])
)
"""Every cause that `simulate` takes."""

Faults = (
    Mapping[str, float]
    | Mapping[tuple[str, ...], float]
    | Mapping[str | tuple[str, ...], float]
)
"""Share of the devices by cause, or by several causes on one device."""

_POSSIBLE: dict[str, set[str]] = {
    "password.tls_only": {"h323-password"},
    "wrong_password": {"h323-password"},
    "certificate.trust": {"h323-certificate"},
    "time.validity": {"h323-certificate"},
    "certificate.name": {"h323-certificate"},
}

_USUAL: dict[tuple[str, ...], float] = {
    ("certificate.trust",): 0.11,
    ("certificate.name",): 0.05,
    ("time.clock",): 0.03,
    ("time.validity",): 0.03,
    ("password.tls_only",): 0.03,
    ("transport.tls_only",): 0.02,
    ("wrong_password",): 0.015,
    ("timeout",): 0.015,
    ("unknown_user",): 0.01,
    ("already_registered",): 0.01,
    ("unexplained",): 0.01,
    ("certificate.trust", "certificate.name"): 0.015,
    ("certificate.trust", "time.validity"): 0.01,
    ("time.clock", "certificate.name"): 0.005,
    ("transport.tls_only", "password.tls_only"): 0.005,
    ("certificate.trust", "time.validity", "certificate.name"): 0.005,
}
_ALL_CAUSES_FROM = 100
"""From this many devices on, every usual combination of causes occurs at least once."""


def scenarios(causes: frozenset[str]) -> list[str]:
    """Return the scenarios in which these causes can meet on one device."""
    possible = set(REQUIRED)
    for cause in causes & _POSSIBLE.keys():
        possible &= _POSSIBLE[cause]
    # A password over a plain transport breaks both TLS-only rules, so the transport alone fails
    # by certificate only.
    if "transport.tls_only" in causes and "password.tls_only" not in causes:
        possible &= {"h323-certificate"}
    # Only H.323/TLS needs a set clock, and over H.323/TLS the transport is right.
    if {"time.clock", "transport.tls_only"} <= causes:
        possible = set()
    return sorted(possible)


def draw_causes(
    devices: int, faults: Faults | None, rng: Random
) -> list[frozenset[str]]:
    """Return the causes of each device, in random order; an empty set is a healthy device.

    Raises
    ------
    CerttrustError
        If a cause is unknown, causes cannot meet on one device, or shares do not add up.
    """
    if faults is None:
        counts = {
            frozenset(causes): _usual_count(
                share * rng.uniform(0.5, 1.6), devices, rng
            )
            for causes, share in _USUAL.items()
        }
    else:
        counts = {
            causes: _count(share, devices)
            for causes, share in _checked(faults).items()
        }
    drawn = [causes for causes, count in counts.items() for _ in range(count)][
        :devices
    ]
    drawn += [frozenset()] * (devices - len(drawn))
    rng.shuffle(drawn)
    return drawn


def _usual_count(share: float, devices: int, rng: Random) -> int:
    least = 1 if devices >= _ALL_CAUSES_FROM else 0
    return max(least, math.floor(share * devices + rng.random()))


def _count(share: float, devices: int) -> int:
    return 0 if share == 0 else max(1, math.floor(share * devices + 0.5))


def _checked(faults: Faults) -> dict[frozenset[str], float]:
    shares: dict[frozenset[str], float] = {}
    for key, share in faults.items():
        causes = frozenset({key} if isinstance(key, str) else key)
        unknown = sorted(causes - set(CAUSES))
        if unknown or not causes:
            raise CerttrustError(
                say(
                    "errors.simulation.no_cause",
                    cause=repr(unknown or key),
                    causes=", ".join(CAUSES),
                )
            )
        if not scenarios(causes) or len(causes & set(LOGGED)) > 1:
            raise CerttrustError(
                say("errors.simulation.excluded", causes=listed(sorted(causes)))
            )
        if not 0 <= share <= 1:
            raise CerttrustError(
                say("errors.simulation.share", cause=repr(key), share=share)
            )
        shares[causes] = shares.get(causes, 0.0) + share
    if sum(shares.values()) > 1 + 1e-9:
        raise CerttrustError(
            say("errors.simulation.shares", total=f"{sum(shares.values()):.3g}")
        )
    return shares
