"""The certificates of synthetic devices, sound ones and those with a fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from .authorities import DAY, Issued, day, device_certificate
from .invented_names import ROOMS
from .model import SOFT, Device, Presented
from .sites import NOW_SECONDS, START, SYNTHETIC, WINDOW, Authorities

_WHOLE = 9


UNTRUSTED = {
    "authority not listed": 4,
    "untrusted CA": 2,
    "missing intermediate": 2,
    "self-signed": 1,
    "missing root": 1,
    "expired CA": 1,
    "broken signature": 1,
    "issuer is no CA": 1,
}
"""The ways in which a certificate is not trusted, with their weights."""


def deal(rng: Random, weights: Mapping[str, int]) -> Iterator[str]:
    """Deal words like cards, deck after deck, so that even a small fleet has each of them."""
    while True:
        deck = [word for word, weight in weights.items() for _ in range(weight)]
        rng.shuffle(deck)
        yield from deck


def certify(
    rng: Random,
    cas: Authorities,
    device: Device,
    variant: str | None,
    others: Sequence[Device],
) -> None:
    """Give the device its certificate, with its faults."""
    may_copy = (
        device.causes == {"certificate.name"}
        and device.gap is None
        and rng.random() < 0.15
    )
    if may_copy and (copied := _copy(rng, device, others)):
        device.presented.append(copied)
        return
    issuer, sent = _issuer(rng, cas, device, variant)
    cn = _common_name(rng, device, issuer, cas)
    begins, ends = _span(rng, device, issuer)
    own_ca = issuer is not None and issuer.organisation != SYNTHETIC
    names: tuple[str, ...] = ()
    if own_ca and rng.random() < 0.7:
        names = (f"{device.user}.example.com", device.address)
    rsa_bits = 0
    if issuer is not None and rng.random() >= 0.7:
        rsa_bits = 1024 if begins < day(2013) else 2048

    def issue(span: tuple[int, int], since: int = 0) -> Presented:
        organisation = issuer.organisation if issuer and own_ca else SYNTHETIC
        leaf = device_certificate(
            rng, cn, organisation, span, issuer=issuer, names=names, rsa_bits=rsa_bits
        )
        return Presented(leaf, leaf.chain[:sent], since)

    if own_ca and not device.causes and device.gap is None and rng.random() < 0.15:
        renewal = START + int(rng.uniform(0.2, 0.8) * WINDOW)
        device.presented.append(issue((begins, renewal + 20 * DAY)))
        device.presented.append(issue((renewal, renewal + 730 * DAY), renewal))
        return
    device.presented.append(issue((begins, ends)))
    if issuer is None and variant is None and device.scenario == "h323-certificate":
        device.site.listed.append(device.presented[-1].leaf)


def _copy(rng: Random, device: Device, others: Sequence[Device]) -> Presented | None:
    """Return the certificate of another device, whose configuration was loaded into this one."""
    sound = [
        other
        for other in others[-200:]
        if other.site is device.site
        and not other.causes
        and not other.gap
        and other.serial
        and other.presented[-1].leaf.issuer
        and other.presented[-1].leaf.organisation == SYNTHETIC
    ]
    return rng.choice(sound).presented[-1] if sound and device.serial else None


def _issuer(
    rng: Random, cas: Authorities, device: Device, variant: str | None
) -> tuple[Issued | None, int]:
    """Return the issuer (None = the device itself), and how much of the chain is sent."""
    if variant is None:
        if device.kind in SOFT or (
            device.kind == "phone" and device.gap is None and rng.random() < 0.03
        ):
            return None, _WHOLE
        # A log without time is judged at the present, whenever that is: nothing else may have
        # ended by then.
        lasting = [
            ca
            for ca in device.site.issuers
            if ca is not cas.own_ending or "time.clock" not in device.causes
        ]
        return rng.choice(lasting), rng.choice((_WHOLE, _WHOLE, _WHOLE, 2))
    issuers: dict[str, tuple[Issued | None, int]] = {
        "self-signed": (None, _WHOLE),
        "authority not listed": (cas.second, _WHOLE),
        "untrusted CA": (cas.foreign, _WHOLE),
        "missing intermediate": (cas.own, 1),
        "missing root": (cas.foreign, 2),
        "expired CA": (cas.own_expired, _WHOLE),
        "broken signature": (cas.own_lost, 1),
        "issuer is no CA": (cas.no_ca, _WHOLE),
    }
    return issuers[variant]


def _span(rng: Random, device: Device, issuer: Issued | None) -> tuple[int, int]:
    if "time.validity" in device.causes:
        # Without a time stamp, an attempt is judged at the present, so it must fail throughout.
        dated = "time.clock" not in device.causes
        if dated and device.site.log == "csv" and rng.random() < 0.25:
            return START + int(rng.uniform(0.2, 3) * WINDOW), day(2050)
        latest = 0.7 * WINDOW if dated else 0
        begins = START - int(rng.uniform(800, 1500)) * DAY
        return begins, START + int(rng.uniform(-500 * DAY, latest))
    if (
        "time.clock" in device.causes
        or issuer is None
        or issuer.organisation == SYNTHETIC
    ):
        first = 2009 if issuer is None else 1971 + issuer.not_before // (365 * DAY)
        year = rng.randrange(first, 2026)
        begins = day(year, rng.randrange(1, 13), rng.randrange(1, 28))
        return begins, day(year + 35, 6, 30)
    begins = START - int(rng.uniform(10, 500)) * DAY
    return begins, NOW_SECONDS + int(rng.uniform(15, 1100)) * DAY


def _common_name(
    rng: Random, device: Device, issuer: Issued | None, cas: Authorities
) -> str | None:
    if "certificate.name" in device.causes:
        return _unfit_name(
            rng, device, free=issuer is None or issuer.organisation != SYNTHETIC
        )
    if device.serial is None:
        return device.hardware_id
    if issuer is not None and issuer.organisation == cas.customer:
        if rng.random() < 0.08:
            # So short a CN begins the names of many devices: it fits, and lets others in.
            name = device.registration_name or device.serial
            return name[: 5 if name == device.hardware_id else 6]
        return device.serial
    return rng.choice((device.serial, device.hardware_id))


def _unfit_name(rng: Random, device: Device, *, free: bool) -> str | None:
    """Return a CN that the registration name does not begin with; perhaps change that name."""
    stranger = f"009033{rng.randrange(0x1000000):06x}"
    if device.serial is None:
        return rng.choice((f"{device.hardware_id}-old", "softphone", stranger))
    choices = (
        ["other interface", "stranger"]
        if device.kind == "gateway"
        else ["renamed", "renamed", "stranger"]
    )
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
