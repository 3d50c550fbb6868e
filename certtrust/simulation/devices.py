"""The devices of a synthetic fleet: what they are, at which PBX, and how they register."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from . import faults
from .credentials import UNTRUSTED, certify, deal
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
"""Causes that go away, so that an alarm is set and cleared."""
_GAPS = {"certificate": 2, "trust list": 2, "words": 1}
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ß": "ss", "é": "e"})


@dataclass
class _Making:
    """A fleet in the making."""

    rng: Random
    cas: Authorities
    sites: Sequence[Site]
    variants: Iterator[str]
    users: dict[str, int] = field(default_factory=dict)
    made: list[Device] = field(default_factory=list)


def draw_devices(
    rng: Random,
    cas: Authorities,
    sites: Sequence[Site],
    causes: Sequence[frozenset[str]],
    gaps: float,
) -> list[Device]:
    """Return one device for each set of causes; sound self-signed certificates become listed."""
    making = _Making(rng, cas, sites, deal(rng, UNTRUSTED))
    missing = deal(rng, _GAPS)
    tails = rng.sample(range(0x000100, 0x1000000), len(causes))
    for tail, ill in zip(tails, causes, strict=True):
        gap = next(missing) if rng.random() < gaps else None
        making.made.append(_device(making, ill, gap, f"009033{tail:06x}"))
    return making.made


def _device(
    making: _Making, ill: frozenset[str], gap: str | None, serial: str
) -> Device:
    rng = making.rng
    possible = faults.scenarios(ill)
    scenario = (
        possible[0] if len(possible) == 1 or rng.random() < 0.85 else possible[1]
    )
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    variant = _variant(making.variants, kind, ill)
    if variant == "self-signed" and kind == "gateway":
        kind = "phone"
    gap = _possible_gap(gap, kind, ill)
    site = _site(rng, making.sites, ill, scenario, kind, variant, gap)
    user, long_name, number = _object(making, site, kind)
    if kind in SOFT:
        model = None
        hardware_id = f"{'Swphone' if kind == 'softphone' else 'Smartphone'}_{user}"
    else:
        phones = _OLD_PHONES if variant == "self-signed" else _PHONES
        model = rng.choice(_GATEWAYS if kind == "gateway" else phones)
        hardware_id = f"{model}-{serial[6:8]}-{serial[8:10]}-{serial[10:12]}"
    device = Device(
        kind=kind,
        model=model,
        serial=serial if model else None,
        hardware_id=hardware_id,
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


def _variant(variants: Iterator[str], kind: str, ill: frozenset[str]) -> str | None:
    """Return why the certificate is not trusted, None where it is."""
    if "certificate.trust" not in ill:
        return None
    if kind in SOFT:
        return "self-signed"
    # Without a time stamp, an attempt is judged at the present, when the CA has surely ended.
    return next(
        variant
        for variant in variants
        if variant != "expired CA" or "time.clock" not in ill
    )


def _possible_gap(gap: str | None, kind: str, ill: frozenset[str]) -> str | None:
    """Return a gap that suggests no wrong cause, such as the name where trust is unknown."""
    if gap == "trust list" and ill & {"certificate.name", "time.validity"}:
        return "certificate"
    # A self-signed certificate is in the trust list, so it would be known after all.
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
    """Return a PBX at which the causes take effect and whose log can show them."""
    fitting = {
        "authority not listed": ("first authority",),
        "missing intermediate": ("root",),
        "expired CA": ("root", "own CA"),
        "broken signature": ("own CA",),
        "issuer is no CA": ("root", "authorities"),
    }.get(variant or "", ("root", "authorities", "first authority", "own CA"))
    if gap == "trust list" and "root" in fitting:
        return next(site for site in sites if not site.list_is_known)
    can_alarm = scenario == "h323-certificate" and kind not in SOFT and not gap
    can_alarm &= not ill & ({"transport.tls_only", *faults.LOGGED} - _ALARMING)
    possible = [
        site
        for site in sites
        if site.list_is_known
        and site.style in fitting
        and (site.log == "csv" or can_alarm)
    ]
    return rng.choices(possible, [_weight(site, ill) for site in possible])[0]


def _weight(site: Site, ill: frozenset[str]) -> float:
    """Return the weight of the PBX; an alarm log shows no healthy devices, but how failures end."""
    if site.log == "events":
        return 8 if ill & _ALARMING else 2 if ill else 1.2
    return 3 if site.style == "root" else 2


def _object(making: _Making, site: Site, kind: str) -> tuple[str, str, str]:
    """Return user, long name and number of the PBX object; soft clients may share a phone's."""
    rng = making.rng
    number = str(2000 + len(making.made))
    if kind == "gateway":
        return f"gw-{site.name}-{number}", f"Gateway {site.name} {number}", number
    if kind in SOFT and rng.random() < 0.5:
        recent = making.made[-200:]
        taken = {device.user for device in recent if device.kind in SOFT}
        free = [
            device
            for device in recent
            if device.site is site
            and device.kind == "phone"
            and device.user not in taken
        ]
        if free:
            owner = rng.choice(free)
            return owner.user, owner.long_name, owner.number
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    plain = f"{first[0]}{last}".lower().translate(_PLAIN)
    making.users[plain] = making.users.get(plain, 0) + 1
    suffix = "" if making.users[plain] == 1 else str(making.users[plain])
    return plain + suffix, f"{first} {last}", number


def _address(index: int) -> str:
    """Return a documentation address: of RFC 5737, then of RFC 3849 once those are used up."""
    net, host = divmod(index, 250)
    nets = ("192.0.2", "198.51.100", "203.0.113")
    return (
        f"{nets[net]}.{host + 2}"
        if net < len(nets)
        else f"2001:db8:{net:x}::{host + 2:x}"
    )


def _configure(rng: Random, device: Device) -> None:
    """Set names, flags and protocol so that the TLS-only rules hold, except those to break."""
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
        device.interfaces = tuple(
            f"TEL{n}" for n in range(1, rng.choice((2, 2, 3, 5)))
        )
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
