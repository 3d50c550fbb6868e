"""The devices of a synthetic fleet: what they are, how they register, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from . import faults as causes
from .authorities import DAY, Issued, day, device_certificate
from .sites import NOW_SECONDS, START, SYNTHETIC, WINDOW, Authorities, Site
from .words import FIRST_NAMES, LAST_NAMES, ROOMS

_PHONES = ("IP222", "IP232", "IP241", "IP111", "IP112", "IP150", "IP102", "IP200A", "IP110A")
_OLD_PHONES = ("IP200A", "IP110A", "IP230", "IP240")
_GATEWAYS = ("IP29-2", "IP311", "IP411", "IP811", "IP302", "IP6010")
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ß": "ss", "é": "e"})
_SOFT = ("softphone", "mobile")


@dataclass(eq=False)
class Device:
    """A device with its PBX object, its certificate and everything that decides its fate."""

    kind: str
    model: str | None
    serial: str | None
    hardware_id: str
    site: Site
    user: str
    long_name: str
    number: str
    causes: frozenset[str]
    scenario: str
    tls_only: bool
    protocol: str
    address: str
    registration_name: str | None
    """What it registers with; None = its default, the serial, for a gateway followed by the interface."""
    interfaces: tuple[str, ...] = ()
    object_name: str = ""
    """The hardware ID in the PBX object: the serial or the hardware ID proper."""
    via_proxy: bool = False
    proxy_allowed: bool = False
    presented: list[Presented] = field(default_factory=list)
    gap: str | None = None
    """What is missing in the data: its certificate, the trust list of its PBX, or words in its log lines."""

    @property
    def own_names(self) -> set[str]:
        """Both spellings of the device's identity."""
        return {name for name in (self.serial, self.hardware_id) if name}


@dataclass(eq=False)
class Presented:
    """A certificate with the chain that the device sends, from a moment on."""

    leaf: Issued
    chain: tuple[Issued, ...]
    since: int = 0


def draw(
    rng: Random, cas: Authorities, sites: Sequence[Site], sickness: Sequence[frozenset[str]], gaps: float
) -> list[Device]:
    """Draw one device for each set of causes; a trust list gets the self-signed certificates that it shall hold."""
    tails = rng.sample(range(0x000100, 0x1000000), len(sickness))
    users: dict[str, int] = {}
    devices = []
    for index, (tail, ill) in enumerate(zip(tails, sickness, strict=True)):
        gap = rng.choice(("certificate", "certificate", "trust list", "words")) if rng.random() < gaps else None
        devices.append(_device(rng, cas, sites, ill, gap, f"009033{tail:06x}", index, users))
    return devices


def _device(
    rng: Random,
    cas: Authorities,
    sites: Sequence[Site],
    ill: frozenset[str],
    gap: str | None,
    serial: str,
    index: int,
    users: dict[str, int],
) -> Device:
    possible = causes.scenarios(ill)
    scenario = possible[0] if len(possible) == 1 or rng.random() < 0.85 else possible[1]
    kind = rng.choices(("phone", "gateway", "softphone", "mobile"), (74, 10, 11, 5))[0]
    variant = _trust_variant(rng, kind, ill) if "certificate.trust" in ill else None
    if variant == "self-signed" and kind == "gateway":
        kind = "phone"
    gap = _possible_gap(gap, kind, ill)
    site = _site(rng, sites, ill, scenario, kind, variant, gap)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    user = _user(f"{first[0]}{last}", users)
    soft = kind in _SOFT
    models = _GATEWAYS if kind == "gateway" else _OLD_PHONES if variant == "self-signed" else _PHONES
    model = None if soft else rng.choice(models)
    hardware_id = (
        f"{'Swphone' if kind == 'softphone' else 'Smartphone'}_{user}"
        if soft
        else f"{model}-{serial[6:8]}-{serial[8:10]}-{serial[10:12]}"
    )
    device = Device(
        kind=kind,
        model=model,
        serial=None if soft else serial,
        hardware_id=hardware_id,
        site=site,
        user=f"gw-{user}" if kind == "gateway" else user,
        long_name=f"Gateway {site.name} {index + 1}" if kind == "gateway" else f"{first} {last}",
        number=str(2000 + index),
        causes=ill,
        scenario=scenario,
        tls_only=False,
        protocol="H.323/TLS",
        address=_address(index),
        registration_name=None,
        gap=gap,
    )
    _configure(rng, device)
    _certify(rng, cas, device, variant)
    return device


def _trust_variant(rng: Random, kind: str, ill: frozenset[str]) -> str:
    if kind in _SOFT:
        return "self-signed"
    weights = {
        "self-signed": 12,
        "authority not listed": 30,
        "untrusted CA": 16,
        "missing intermediate": 16,
        "missing root": 8,
        # What has no time stamp is judged at the present, when the CA has ended for certain.
        "expired CA": 0 if "time.clock" in ill else 10,
        "broken signature": 6,
        "issuer is no CA": 2,
    }
    return rng.choices(list(weights), list(weights.values()))[0]


def _possible_gap(gap: str | None, kind: str, ill: frozenset[str]) -> str | None:
    """Choose a gap that leaves no wrong conclusion: a name must not be blamed while the trust before it is unknown."""
    if gap == "trust list" and ill & {"certificate.name", "time.validity"}:
        return "certificate"
    # Its self-signed certificate stands in the trust list, so it would be known after all.
    if gap == "certificate" and kind in _SOFT and "certificate.trust" not in ill:
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
    }.get(variant or "", ("root", "authorities", "first authority", "own CA"))
    if gap == "trust list" and "root" in fitting:
        return next(site for site in sites if not site.list_is_known)
    told_by_alarm = scenario == "h323-certificate" and kind not in _SOFT and not gap
    told_by_alarm &= not ill & {"transport.tls_only", *causes.LOGGED}
    known = [site for site in sites if site.list_is_known and site.style in fitting]
    possible = [site for site in known if site.log == "csv" or told_by_alarm]
    # An alarm log shows failures only: of the healthy devices at that PBX nothing is heard.
    weights = [3 if site.style == "root" else 1.2 if site.log == "events" and not ill else 2 for site in possible]
    return rng.choices(possible, weights)[0]


def _user(name: str, taken: dict[str, int]) -> str:
    plain = name.lower().translate(_PLAIN)
    taken[plain] = taken.get(plain, 0) + 1
    return plain if taken[plain] == 1 else f"{plain}{taken[plain]}"


def _address(index: int) -> str:
    """Return an address of the ranges for documentation: RFC 5737, and RFC 3849 where they are used up."""
    net, host = divmod(index, 250)
    nets = ("192.0.2", "198.51.100", "203.0.113")
    return f"{nets[net]}.{host + 2}" if net < len(nets) else f"2001:db8:{net:x}::{host + 2:x}"


def _configure(rng: Random, device: Device) -> None:
    """Set the flags and the protocol so that the TLS-only rules hold, unless they shall not."""
    ill = device.causes
    by_password = device.scenario == "h323-password"
    device.object_name = device.hardware_id if device.serial is None or rng.random() < 0.7 else device.serial
    if device.kind == "gateway":
        device.interfaces = tuple(f"TEL{n}" for n in range(1, rng.choice((2, 2, 3, 5))))
    if by_password:
        device.registration_name = device.user
        device.interfaces = ()
    elif device.serial is None or (
        device.kind == "phone" and device.object_name != device.serial and rng.random() < 0.5
    ):
        device.registration_name = device.hardware_id
    if "password.tls_only" in ill:
        device.tls_only = True
        device.via_proxy = rng.random() < 0.3
    elif by_password and rng.random() < 0.3:
        device.tls_only = device.via_proxy = device.proxy_allowed = True
    elif by_password:
        clock = "time.clock" in ill
        device.protocol = "H.323/TLS" if clock else rng.choice(("H.323/TLS", "H.323/TCP", "H.323/UDP", "SIP", "SIPS"))
    else:
        device.tls_only = bool(ill & {"transport.tls_only"}) or device.site.log == "events" or rng.random() < 0.75
        device.proxy_allowed = device.tls_only and rng.random() < 0.3
    if "transport.tls_only" in ill:
        device.tls_only, device.proxy_allowed = True, False
        device.protocol = rng.choice(("H.323/TCP", "H.323/TCP", "H.323/UDP"))


def _certify(rng: Random, cas: Authorities, device: Device, variant: str | None) -> None:
    """Issue the device's certificate, with the faults that concern it."""
    issuer, chain_length = _issuer(rng, cas, device, variant)
    cn = _common_name(rng, device, issuer, cas)
    span = _span(rng, device, issuer)
    own_ca = issuer is not None and issuer.organisation != SYNTHETIC
    organisation = issuer.organisation if issuer and own_ca else SYNTHETIC
    names = (f"{device.user}.example.com", device.address) if own_ca and rng.random() < 0.7 else ()
    by_rsa = issuer is not None and rng.random() < 0.3
    renewed = own_ca and not device.causes and device.gap is None and rng.random() < 0.15
    if renewed:
        moment = START + int(rng.uniform(0.2, 0.8) * WINDOW)
        former = device_certificate(
            rng, cn, organisation, (span[0], moment + 20 * DAY), issuer=issuer, names=names, by_rsa=by_rsa
        )
        device.presented.append(Presented(former, tuple(former.chain[:chain_length])))
        span = (moment, moment + 730 * DAY)
    leaf = device_certificate(rng, cn, organisation, span, issuer=issuer, names=names, by_rsa=by_rsa)
    since = span[0] if renewed else 0
    device.presented.append(Presented(leaf, tuple(leaf.chain[:chain_length]), since))
    if issuer is None and variant is None and device.scenario == "h323-certificate":
        device.site.listed.append(leaf)


def _issuer(rng: Random, cas: Authorities, device: Device, variant: str | None) -> tuple[Issued | None, int]:
    """Return who issues the certificate (None = the device itself) and how much of the chain is sent along."""
    whole = 9
    if variant is None:
        if device.kind in _SOFT or (device.kind == "phone" and device.gap is None and rng.random() < 0.03):
            return None, whole
        if "time.clock" in device.causes:
            # A log without time is judged at the present, whenever that is: nothing else may fail by then.
            return rng.choice([ca for ca in device.site.issuers if ca is not cas.own_ending]), whole
        return rng.choice(device.site.issuers), rng.choice((whole, whole, whole, 2))
    issuers: dict[str, tuple[Issued | None, int]] = {
        "self-signed": (None, whole),
        "authority not listed": (cas.second, whole),
        "untrusted CA": (cas.foreign, whole),
        "missing intermediate": (cas.own, 1),
        "missing root": (cas.foreign, 2),
        "expired CA": (cas.own_expired, whole),
        "broken signature": (cas.own_lost, 1),
        "issuer is no CA": (cas.no_ca, whole),
    }
    return issuers[variant]


def _span(rng: Random, device: Device, issuer: Issued | None) -> tuple[int, int]:
    if "time.validity" in device.causes:
        began = START - int(rng.uniform(800, 1500)) * DAY
        early = "time.clock" not in device.causes and device.site.log == "csv" and rng.random() < 0.25
        if early:
            return START + int(rng.uniform(0.2, 3) * WINDOW), day(2050)
        return began, START + int(rng.uniform(-500 * DAY, 0.7 * WINDOW))
    if "time.clock" in device.causes or issuer is None or issuer.organisation == SYNTHETIC:
        year = rng.randrange(max(2009, 1 + _year(issuer)), 2026)
        return day(year, rng.randrange(1, 13), rng.randrange(1, 28)), day(year + 35, 6, 30)
    begun = START - int(rng.uniform(10, 500)) * DAY
    return begun, NOW_SECONDS + int(rng.uniform(15, 1100)) * DAY


def _year(issuer: Issued | None) -> int:
    return 2009 if issuer is None else 1970 + issuer.not_before // (365 * DAY)


def _common_name(rng: Random, device: Device, issuer: Issued | None, cas: Authorities) -> str | None:
    if "certificate.name" in device.causes:
        return _unfit_name(rng, device, free=issuer is None or issuer.organisation != SYNTHETIC)
    if device.serial is None:
        return device.hardware_id
    if issuer is not None and issuer.organisation == cas.customer:
        if rng.random() < 0.08:
            # A CN this short begins the names of many devices: it fits, and lets others in.
            name = device.registration_name or device.serial
            return name[: 5 if name == device.hardware_id else 6]
        return device.serial
    return rng.choice((device.serial, device.hardware_id))


def _unfit_name(rng: Random, device: Device, *, free: bool) -> str | None:
    """Give the device a registration name or its certificate a CN so that the one does not start with the other."""
    stranger = f"009033{rng.randrange(0x1000000):06x}"
    if device.serial is None:
        return rng.choice((f"{device.hardware_id}-old", "softphone", stranger))
    choices = ["renamed", "renamed", "stranger"]
    if device.kind == "gateway":
        choices = ["other interface", "stranger"]
    if free:
        choices += ["host name", "host name", "none"]
    kind = rng.choice(choices)
    if kind == "renamed":
        device.registration_name = f"{rng.choice(ROOMS)}-{rng.randrange(1, 100)}"
        return device.serial
    if kind == "other interface":
        return f"{device.serial}-TEL9"
    if kind == "host name":
        return f"phone-{device.number}.example.com"
    return stranger if kind == "stranger" else None
