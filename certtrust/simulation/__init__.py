"""A synthetic fleet with known causes of failure, and with real certificates and signatures.

Everything else is invented: names of persons, sites and customers are made up, addresses are
those reserved for documentation, and serials are drawn at random below the documented prefix
00-90-33 and belong to no device.
"""

from __future__ import annotations

from random import Random

import pandas as pd

from ..errors import CerttrustError
from ..fleet import Fleet
from ..texts.sentences import say
from .capture import pbx_addresses, write_capture
from .devices import draw_devices
from .faults import CAUSES, Faults, draw_causes
from .files import with_raw, write
from .frames import certificates, objects, trust
from .log import registrations
from .sites import NOW_SECONDS, authorities, sites

__all__ = ["CAUSES", "NOW", "pbx_addresses", "simulate", "write", "write_capture"]

NOW = pd.Timestamp(NOW_SECONDS, unit="s", tz="UTC")
"""The moment at which the log of every simulated fleet ends, on whatever day it is made."""

_USUAL_GAPS = 0.06


def simulate(
    devices: int = 200,
    *,
    seed: int = 0,
    faults: Faults | None = None,
    gaps: float | None = None,
) -> Fleet:
    """Return a synthetic fleet with real certificates, whose true causes of failure are known.

    Parameters
    ----------
    devices : int
        Number of devices.
    seed : int
        The same seed gives the same fleet apart from keys, and so from fingerprints, key
        identifiers and signatures.
    faults : mapping of cause to share, optional
        Share of the devices that have the cause, for example `{"certificate.trust": 0.2}`. A
        tuple of causes puts all of them on one device: `{("certificate.trust",
        "certificate.name"): 0.1}`. The rest is healthy; `{}` is a healthy fleet. By default a
        mix of all causes that varies with the seed.
    gaps : float, optional
        Share of the devices with incomplete data: the certificate or the trust list of the PBX
        is unknown, or the log leaves out details. By default 0.06 in the default mix, else 0.

    Returns
    -------
    Fleet
        Registrations carry four columns beyond their table: `true_cause` (missing where it
        succeeded), `true_failed` (the codes of all rules that really fail, joined by commas),
        `decidable` (whether the data of the fleet suffice to find the cause) and
        `all_decidable` (to find every rule that fails). `check` passes them through.

    Raises
    ------
    CerttrustError
        If a cause is unknown, causes exclude each other, or shares do not add up.

    Notes
    -----
    The log covers the four weeks before `certtrust.simulation.NOW`. Judge the state of such a
    fleet at that moment: `check(attempts(fleet, of="devices"), at=simulation.NOW)`.

    A device takes about 0.6 ms, less than half of it for the signature, and 15 kB.

    Examples
    --------
    >>> fleet = simulate(20, seed=1, faults={"certificate.trust": 0.25})
    >>> failed = fleet.registrations.dropna(subset="true_cause")
    >>> failed["true_cause"].unique().tolist()
    ['certificate.trust']
    """
    if devices < 0:
        raise CerttrustError(say("errors.simulation.devices", devices=devices))
    if gaps is not None and not 0 <= gaps <= 1:
        raise CerttrustError(say("errors.simulation.gaps", gaps=gaps))
    if gaps is None:
        gaps = _USUAL_GAPS if faults is None else 0
    rng = Random(seed)  # noqa: S311 - a reproducible example, no secret; the keys come from the system
    causes = draw_causes(devices, faults, rng)
    cas = authorities(rng)
    pbxs = sites(rng, cas, devices)
    made = draw_devices(rng, cas, pbxs, causes, gaps)
    log = registrations(rng, made)
    return Fleet(certificates(rng, made), trust(pbxs), objects(made), with_raw(log))
