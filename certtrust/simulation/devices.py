"""The devices of a synthetic fleet: what they are, at which PBX, and how they register."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from . import faults as causes
from .credentials import UNTRUSTED, certify, dealt
from .invented_names import FIRST_NAMES, LAST_NAMES
from .model import SOFT, Device
from .sites import Authorities, Site

_PHONES = (
    "IP222",
    "IP232",
    "IP241",
    "IP111",
    "IP112",
    "IP150",
    "IP102",
    "IP200A",
    "IP110A",
)
_OLD_PHONES = ("IP200A", "IP110A", "IP230", "IP240")
_GATEWAYS = ("IP29-2", "IP311", "IP411", "IP811", "IP302", "IP6010")
_KINDS = {"phone": 74, "gateway": 10, "softphone": 11, "mobile": 5}
_ALARMING = {"time.clock", "timeout", "unexplained"}
"""Causes that pass, so that an alarm is set and cleared."""
_GAPS = {"certificate": 2, "trust list": 2, "words": 1}
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ß": "ss", "é": "e"})


@dataclass
class _Making:
    """A fleet while it is made."""

    rng: Random
    cas: Authorities
    sites: Sequence[Site]
    variants: Iterator[str]
    users: dict[str, int] = field(default_factory=dict)
    made: list[Device] = field(default_factory=list)


def draw(
    rng: Random,
    cas: Authorities,
    sites: Sequence[Site],
    sickness: Sequence[frozenset[str]],
    gaps: float,
) -> list[Device]:
    """Draw one device for each set of causes; the trust lists get the self-signed certificates
    that they shall hold.
    """
    making = _Making(rng, cas, sites, dealt(rng, UNTRUSTED))
    missing = dealt(rng, _GAPS)
    for tail, ill in zip(
        rng.sample(range(0x000100, 0x1000000), len(sickness)), sickness, strict=True
    ):
        gap = next(missing) if rng.random() < gaps else None
        device = _device(making, ill, gap, f"009033{tail:06x}")
        making.made.append(device)
    return making.made


def _device(
    making: _Making, ill: frozenset[str], gap: str | None, serial: str
) -> Device:
    rng = making.rng
    possible = causes.scenarios(ill)
    scenario = possible[0] if len(possible) == 1 or rng.random() < 0.85 else possible[1]
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    variant = _variant(making.variants, kind, ill)
    if variant == "self-signed" and kind == "gateway":
        kind = "phone"
    gap = _possible_gap(gap, kind, ill)
    site = _site(rng, making.sites, ill, scenario, kind, variant, gap)
    user, long_name, number = _object(making, site, kind)
    models = (
        _GATEWAYS
        if kind == "gateway"
        else _OLD_PHONES
        if variant == "self-signed"
        else _PHONES
    )
    model = None if kind in SOFT else rng.choice(models)
    soft = f"{'Swphone' if kind == 'softphone' else 'Smartphone'}_{user}"
    device = Device(
        kind=kind,
        model=model,
        serial=serial if model else None,
        hardware_id=f"{model}-{serial[6:8]}-{serial[8:10]}-{serial[10:12]}"
        if model
        else soft,
        site=site,
        user=user,
        long_name=long_name,
        number=number,
        address=_address(len(making.made)),
        causes=ill,
        scenario=scenario,
        gap=gap,
    )
    _configure(rng, device)
    certify(rng, making.cas, device, variant, making.made)
    return device


def _variant(dealt: Iterator[str], kind: str, ill: frozenset[str]) -> str | None:
    """Return the way in which the certificate is not trusted, if it shall not be."""
    if "certificate.trust" not in ill:
        return None
    if kind in SOFT:
        return "self-signed"
    # What has no time stamp is judged at the present, when the CA has ended for certain.
    return next(
        variant
        for variant in dealt
        if variant != "expired CA" or "time.clock" not in ill
    )


def _possible_gap(gap: str | None, kind: str, ill: frozenset[str]) -> str | None:
    """Choose a gap that leaves no wrong conclusion: a name must not be blamed while the trust
    before it is unknown.
    """
    if gap == "trust list" and ill & {"certificate.name", "time.validity"}:
        return "certificate"
    # Its self-signed certificate stands in the trust list, so it would be known after all.
    if gap == "certificate" and kind in SOFT and "certificate.trust" not in ill:
        return "words"
    return gap


def _site(
    rng: Random,
    sites: Sequence[Site],
    ill: frozenset[str],
    scenario: str,
    kind: str,
    variant: str | None,
    gap: str | None,
) -> Site:
    """Choose a PBX at which the causes take effect and whose log can show them."""
    fitting = {
        "authority not listed": ("first authority",),
        "missing intermediate": ("root",),
        "expired CA": ("root", "own CA"),
        "broken signature": ("own CA",),
        "issuer is no CA": ("root", "authorities"),
    }.get(variant or "", ("root", "authorities", "first authority", "own CA"))
    if gap == "trust list" and "root" in fitting:
        return next(site for site in sites if not site.list_is_known)
    told_by_alarm = scenario == "h323-certificate" and kind not in SOFT and not gap
    told_by_alarm &= not ill & ({"transport.tls_only", *causes.LOGGED} - _ALARMING)
    known = [site for site in sites if site.list_is_known and site.style in fitting]
    possible = [site for site in known if site.log == "csv" or told_by_alarm]
    return rng.choices(possible, [_weight(site, ill) for site in possible])[0]


def _weight(site: Site, ill: frozenset[str]) -> float:
    """Return how likely the PBX is; an alarm log says nothing of healthy devices, but how long
    a failure lasted.
    """
    if site.log == "events":
        return 8 if ill & _ALARMING else 2 if ill else 1.2
    return 3 if site.style == "root" else 2


def _object(making: _Making, site: Site, kind: str) -> tuple[str, str, str]:
    """Return user, long name and number of the PBX object: its own, or for a soft client
    perhaps that of a phone.
    """
    rng = making.rng
    number = str(2000 + len(making.made))
    if kind == "gateway":
        return f"gw-{site.name}-{number}", f"Gateway {site.name} {number}", number
    if kind in SOFT and rng.random() < 0.5:
        taken = {device.user for device in making.made[-200:] if device.kind in SOFT}
        owners = [
            device
            for device in making.made[-200:]
            if device.site is site and device.kind == "phone"
        ]
        free = [device for device in owners if device.user not in taken]
        if free:
            owner = rng.choice(free)
            return owner.user, owner.long_name, owner.number
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    plain = f"{first[0]}{last}".lower().translate(_PLAIN)
    making.users[plain] = making.users.get(plain, 0) + 1
    return (
        plain if making.users[plain] == 1 else f"{plain}{making.users[plain]}",
        f"{first} {last}",
        number,
    )


def _address(index: int) -> str:
    """Return an address of the ranges for documentation: RFC 5737, and RFC 3849 where they are
    used up.
    """
    net, host = divmod(index, 250)
    nets = ("192.0.2", "198.51.100", "203.0.113")
    return (
        f"{nets[net]}.{host + 2}"
        if net < len(nets)
        else f"2001:db8:{net:x}::{host + 2:x}"
    )


def _configure(rng: Random, device: Device) -> None:
    """Set names, flags and protocol so that the TLS-only rules hold, unless they shall not."""
    ill = device.causes
    by_password = device.scenario == "h323-password"
    device.object_name = (
        device.hardware_id
        if device.serial is None or rng.random() < 0.7
        else device.serial
    )
    by_hardware_id = (
        device.kind == "phone"
        and device.object_name != device.serial
        and rng.random() < 0.5
    )
    if by_password:
        device.registration_name = device.user
    elif device.kind == "gateway":
        device.interfaces = tuple(f"TEL{n}" for n in range(1, rng.choice((2, 2, 3, 5))))
    elif by_hardware_id or device.serial is None:
        device.registration_name = device.hardware_id
    if "password.tls_only" in ill:
        device.tls_only = True
        device.via_proxy = rng.random() < 0.3
    elif by_password and rng.random() < 0.3:
        device.tls_only = device.via_proxy = device.proxy_allowed = True
    elif by_password and "time.clock" not in ill:
        device.protocol = rng.choice(
            ("H.323/TLS", "H.323/TCP", "H.323/UDP", "SIP", "SIPS")
        )
    elif not by_password:
        device.tls_only = device.site.log == "events" or rng.random() < 0.75
        device.proxy_allowed = device.tls_only and rng.random() < 0.3
    if "transport.tls_only" in ill:
        device.tls_only, device.proxy_allowed = True, False
        device.protocol = rng.choice(("H.323/TCP", "H.323/TCP", "H.323/UDP"))
