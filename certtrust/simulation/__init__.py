"""A synthetic fleet whose true causes are known: real certificates, real signatures, invented everything else.

Names of persons, sites and customers are invented, addresses are those reserved for documentation, and the
serials below the documented prefix 00-90-33 are drawn at random and belong to no device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random

import pandas as pd

from ..certificates import from_der
from ..errors import CerttrustError
from ..fleet import Fleet
from ..schema import DEVICES, TRUST, conform
from .authorities import Issued
from .devices import draw
from .faults import CAUSES, Faults, drawn
from .files import with_raw, write
from .log import registrations
from .model import Device
from .sites import NOW_SECONDS, Site, authorities, sites

__all__ = ["CAUSES", "NOW", "simulate", "write"]

NOW = pd.Timestamp(NOW_SECONDS, unit="s", tz="UTC")
"""The moment at which the log of every simulated fleet ends, whatever the day that it is made on."""

_USUAL_GAPS = 0.06


def simulate(devices: int = 200, *, seed: int = 0, faults: Faults | None = None, gaps: float | None = None) -> Fleet:
    """Make a synthetic fleet with real certificates and signatures, whose true causes of failure are known.

    Parameters
    ----------
    devices : int
        Number of devices.
    seed : int
        The same seed gives the same fleet apart from keys, and so from fingerprints, key identifiers and
        signatures.
    faults : mapping of cause to share, optional
        Share of the devices that have the cause, for example `{"certificate.trust": 0.2}`. A tuple of causes
        puts all of them on one device: `{("certificate.trust", "certificate.name"): 0.1}`. The rest is healthy;
        `{}` is a healthy fleet. By default a mix of all causes that varies with the seed.
    gaps : float, optional
        Share of the devices of which the data do not tell all: the certificate is not known, or the trust list of
        the PBX is not, or the log is short of words. By default 0.06 in the default mix, else 0.

    Returns
    -------
    Fleet
        Registrations carry four columns beyond their table: `true_cause` (missing where it succeeded),
        `true_failed` (the codes of all rules that really fail, joined by commas), `decidable` (whether the
        data of the fleet suffice to find the cause) and `all_decidable` (to find every rule that fails).
        `check` passes them through.

    Raises
    ------
    CerttrustError
        If a cause is not known, causes exclude each other, or shares are no shares of one fleet.

    Notes
    -----
    The log covers the four weeks before `certtrust.simulation.NOW`. Judge the present of such a fleet at that
    moment: `check(attempts(fleet, of="devices"), at=simulation.NOW)`.

    Examples
    --------
    >>> fleet = simulate(20, seed=1, faults={"certificate.trust": 0.25})
    >>> failed = fleet.registrations.dropna(subset="true_cause")
    >>> failed["true_cause"].unique().tolist()
    ['certificate.trust']
    """
    if devices < 0:
        raise CerttrustError(f"devices={devices}; the number of devices is 0 or more")
    if gaps is not None and not 0 <= gaps <= 1:
        raise CerttrustError(f"gaps={gaps}; a share is between 0 and 1")
    rng = Random(seed)  # noqa: S311 - a reproducible example, no secret; the keys come from the system
    sickness = drawn(devices, faults, rng)
    cas = authorities(rng)
    pbxs = sites(rng, cas, devices)
    made = draw(rng, cas, pbxs, sickness, (_USUAL_GAPS if faults is None else 0) if gaps is None else gaps)
    fingerprints = {
        own.leaf.der: hashlib.sha256(own.leaf.der).hexdigest() for device in made for own in device.presented
    }
    log = registrations(rng, made, fingerprints)
    return Fleet(_certificates(rng, made), _trust(pbxs), _objects(made), with_raw(log))


def _certificates(rng: Random, devices: Sequence[Device]) -> pd.DataFrame:
    """Return what stands in the certificate files: most devices have their own, some share a site's bundle."""
    files: dict[str, dict[Issued, None]] = {}
    shared_cas: dict[str, dict[Issued, None]] = {}
    for device in devices:
        if device.gap == "certificate":
            continue
        newest = device.presented[-1]
        own_file = rng.random() < 0.75
        if not own_file and _may_share(device):
            bundle = f"export-{device.site.name}.pem"
            files.setdefault(bundle, {})[newest.leaf] = None
            shared_cas.setdefault(bundle, {}).update(dict.fromkeys(newest.chain[1:]))
            continue
        stem = device.serial if device.serial and rng.random() < 0.7 else device.hardware_id
        for former in device.presented[:-1]:
            files[f"{stem}-former.pem"] = dict.fromkeys(former.chain)
        files[f"{stem}.pem"] = dict.fromkeys(newest.chain)
    for bundle, cas in shared_cas.items():
        files[bundle].update(cas)
    blocks = [(name, issued.der) for name in sorted(files) for issued in files[name]]
    return from_der([der for _, der in blocks], source=[name for name, _ in blocks])


def _may_share(device: Device) -> bool:
    """Tell whether a bundle without the device's name loses nothing: the CN names it, and all CAs are there."""
    newest = device.presented[-1]
    whole = len(newest.chain) == len(newest.leaf.chain) and newest.leaf.issuer is not None
    return (
        whole
        and len(device.presented) == 1
        and newest.leaf.cn in device.own_names
        and ("certificate.trust" not in device.causes and device.serial is not None)
    )


def _trust(pbxs: Sequence[Site]) -> pd.DataFrame:
    entries = [
        (site.name, issued)
        for site in sorted(pbxs, key=lambda site: site.name)
        if site.list_is_known
        for issued in site.listed
    ]
    frame = from_der([issued.der for _, issued in entries], source=[f"{name}.pem" for name, _ in entries])
    return conform(frame.assign(pbx=pd.Series([name for name, _ in entries], dtype="str")), TRUST)


def _objects(devices: Sequence[Device]) -> pd.DataFrame:
    """Return the PBX objects, as far as their documented form can carry what is known of a device."""
    rows = [
        {
            "pbx": device.site.name,
            "user": device.user,
            "long_name": device.long_name,
            "number": device.number,
            "hardware_id": device.object_name,
            "serial": device.serial if device.object_name == device.serial else None,
            "model": device.model if device.object_name != device.serial else None,
            "tls_only": device.tls_only,
            "reverse_proxy": device.proxy_allowed,
            "location": "root",
            "source": f"{device.site.name}.json",
        }
        for device in sorted(devices, key=lambda device: (device.site.name, device.number))
    ]
    return conform(pd.DataFrame(rows), DEVICES)
