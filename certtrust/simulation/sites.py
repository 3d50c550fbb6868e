"""The PBXs of a synthetic fleet: which CAs there are, and which ones each trust list has."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from .authorities import DAY, Issued, authority, day, device_certificate
from .invented_names import CUSTOMERS, TOWNS

NOW_SECONDS = day(2026, 11, 1)
"""The moment at which the log of every simulated fleet ends."""
WINDOW = 28 * DAY
"""The time that the log covers."""
START = NOW_SECONDS - WINDOW

SYNTHETIC = "Synthetic example data"
"""Organisation in the name of every certificate that stands for a real vendor's."""

_STYLES = ("root", "authorities", "first authority", "own CA")
_DEVICES_PER_FURTHER_SITE = 400
_SITES_AT_MOST = 60


@dataclass(frozen=True)
class Authorities:
    """Every CA of a fleet, and two certificates that only look like one."""

    customer: str
    root: Issued
    first: Issued
    second: Issued
    own_root: Issued
    own: Issued
    own_ending: Issued
    own_expired: Issued
    own_lost: Issued
    foreign: Issued
    no_ca: Issued


@dataclass(eq=False)
class Site:
    """A PBX: how its trust list was filled, and in which form its log is kept."""

    name: str
    style: str
    log: str
    listed: list[Issued]
    list_is_known: bool = True
    issuers: list[Issued] = field(default_factory=list)
    """The CAs whose certificates it trusts today."""


def authorities(rng: Random) -> Authorities:
    """Return the CAs of a fleet.

    The names of the two device CAs are the documented ones; that of the root above them is
    unknown, and this one is invented. One CA of the customer ends within two years after the
    log, one has ended before or ends during it.
    """
    customer = rng.choice(CUSTOMERS)
    root = authority(
        rng,
        "Synthetic Root of Device Certification",
        SYNTHETIC,
        (day(2008), day(2070)),
        by_rsa=True,
    )
    name = "innovaphone Device Certification Authority"
    first = authority(
        rng, name, SYNTHETIC, (day(2009), day(2065)), issuer=root, by_rsa=True
    )
    second = authority(
        rng, f"{name} 2", SYNTHETIC, (day(2017), day(2068)), issuer=root, by_rsa=True
    )
    own_root = authority(rng, f"{customer} Root CA", customer, (day(2014), day(2064)))
    own_name = f"{customer} Phones CA"
    expiry = START + int(rng.uniform(-400 * DAY, 0.6 * WINDOW))
    ending = NOW_SECONDS + int(rng.uniform(200, 650)) * DAY
    foreign_root = authority(
        rng, "Example Hotel Root CA", "Example Hotel", (day(2015), day(2065))
    )
    return Authorities(
        customer=customer,
        root=root,
        first=first,
        second=second,
        own_root=own_root,
        own=authority(
            rng, own_name, customer, (day(2020), day(2062)), issuer=own_root
        ),
        own_ending=authority(
            rng, f"{own_name} 2022", customer, (day(2022), ending), issuer=own_root
        ),
        own_expired=authority(
            rng, f"{own_name} 2016", customer, (day(2016), expiry), issuer=own_root
        ),
        # The same name under the same root, but the key that was lost before the CA was set up
        # again.
        own_lost=authority(
            rng, own_name, customer, (day(2019), day(2060)), issuer=own_root
        ),
        foreign=authority(
            rng,
            "Example Hotel Devices CA",
            "Example Hotel",
            (day(2016), day(2063)),
            issuer=foreign_root,
        ),
        no_ca=device_certificate(
            rng,
            "009033000001",
            SYNTHETIC,
            (day(2018), day(2063)),
            issuer=second,
            keep_key=True,
        ),
    )


def sites(rng: Random, cas: Authorities, devices: int) -> list[Site]:
    """Return the PBXs: one per style of trust list, one of unknown list, more in large fleets."""
    further = min(_SITES_AT_MOST, devices // _DEVICES_PER_FURTHER_SITE)
    names = rng.sample(TOWNS, len(TOWNS))
    names += [f"branch{number:02}" for number in range(1, further + 1)]
    styles = list(_STYLES) + [rng.choice(_STYLES) for _ in range(further)]
    made = [
        _site(names[n], style, cas, "events" if style == "authorities" else "csv")
        for n, style in enumerate(styles)
    ]
    unseen = _site(names[len(styles)], "root", cas, "csv")
    unseen.list_is_known = False
    return [*made, unseen]


def _site(name: str, style: str, cas: Authorities, log: str) -> Site:
    own = [cas.own, cas.own_ending]
    listed, issuers = {
        "root": ([cas.root, cas.own_root], [cas.first, cas.second, *own]),
        "authorities": ([cas.first, cas.second], [cas.first, cas.second]),
        "first authority": ([cas.first], [cas.first]),
        "own CA": ([*own, cas.own_expired], own),
    }[style]
    return Site(name, style, log, list(listed), issuers=list(issuers))
