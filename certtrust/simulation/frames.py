"""The simulated devices as the tables of a fleet, with what its files would contain."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pandas as pd

from ..certificates.reading import from_der
from ..schema import DEVICES, TRUST, conform
from .authorities import Issued
from .model import Device
from .sites import Site


def certificates(rng: Random, devices: Sequence[Device]) -> pd.DataFrame:
    """Return the certificate files: most devices have their own, some share a site's bundle."""
    files: dict[str, dict[Issued, None]] = {}
    owners: dict[str, str] = {}
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
        stem = (
            device.serial
            if device.serial and rng.random() < 0.7
            else device.hardware_id
        )
        for own in device.presented:
            name = f"{stem}.pem" if own is newest else f"{stem}-former.pem"
            files[name], owners[name] = dict.fromkeys(own.chain), str(stem)
    for bundle, cas in shared_cas.items():
        files[bundle].update(cas)
    names = [name for name in sorted(files) for _ in files[name]]
    return from_der(
        [issued.der for name in sorted(files) for issued in files[name]],
        source=names,
        device=[owners.get(name) for name in names],
    )


def _may_share(device: Device) -> bool:
    """Return True where a shared bundle loses nothing: the CN names the device, no CA is absent."""
    newest = device.presented[-1]
    return (
        len(newest.chain) == len(newest.leaf.chain)
        and newest.leaf.issuer is not None
        and len(device.presented) == 1
        and newest.leaf.cn in device.own_names
        and "certificate.trust" not in device.causes
        and device.serial is not None
    )


def trust(pbxs: Sequence[Site]) -> pd.DataFrame:
    """Return the trust lists that are known."""
    sites = sorted(pbxs, key=lambda site: site.name)
    sites = [site for site in sites if site.list_is_known]
    names = [site.name for site in sites for _ in site.listed]
    frame = from_der(
        [issued.der for site in sites for issued in site.listed],
        source=[f"{name}.pem" for name in names],
    )
    return conform(frame.assign(pbx=pd.array(names, dtype="str")), TRUST)


def objects(devices: Sequence[Device]) -> pd.DataFrame:
    """Return the PBX objects, with as much of a device as their documented form can hold."""
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
        for device in sorted(
            devices, key=lambda device: (device.site.name, device.number)
        )
    ]
    return conform(pd.DataFrame(rows), DEVICES)
