"""Help for tests of code that builds on certtrust: fleets made quickly, and frames compared.

Everything here is synthetic; nothing of it is a sample of a vendor's log or certificate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import pandas as pd

from .certificates.reading import read_certificates
from .certificates.trust_lists import read_trust_list
from .fleet import FOLDERS, Fleet, link
from .schema import CERTIFICATES, DEVICES, REGISTRATIONS, TRUST, conform, empty
from .simulation import simulate

Rows = Iterable[Mapping[str, Any]]
Certificate = bytes | str


def small_fleet(devices: int = 40, *, seed: int = 3, healthy: bool = False) -> Fleet:
    """Return a simulated fleet with its links; the same one at every call, and yours to change.

    Parameters
    ----------
    devices : int
        How many devices it has.
    seed : int
        Another seed, another fleet.
    healthy : bool
        Without a fault; by default every usual fault occurs.

    Returns
    -------
    Fleet
        As `certtrust.simulate` makes it, with its true causes.

    Examples
    --------
    >>> len(small_fleet(12).devices) >= 12
    True
    """
    fleet = _simulated(devices, seed, healthy)
    frames = {name: getattr(fleet, name).copy() for name in (*FOLDERS, "links")}
    return dataclasses.replace(fleet, **frames)


@lru_cache(maxsize=16)
def _simulated(devices: int, seed: int, healthy: bool) -> Fleet:
    return link(simulate(devices, seed=seed, faults={} if healthy else None))


def fleet_of(
    certificates: Mapping[str, Certificate] | Iterable[Certificate] = (),
    *,
    trust: Any = None,
    devices: Rows = (),
    registrations: Rows = (),
) -> Fleet:
    """Put a fleet together from certificates and from rows that are written out.

    Parameters
    ----------
    certificates : iterable of PEM or DER, or mapping
        Each is a bundle of its own; a mapping says which device each one belongs to.
    trust : anything that `read_trust_list` reads, or a frame of table TRUST, optional
        The trust list of every PBX; without it no list is known.
    devices, registrations : iterable of mappings
        Rows of the tables DEVICES and REGISTRATIONS; what is left out is missing. A
        registration without a `state` is up.

    Returns
    -------
    Fleet
        Its frames have the columns and dtypes that the readers give them.

    Raises
    ------
    SourceError
        If the trust list cannot be found.

    Examples
    --------
    >>> rows = [{"serial": "0090332f688a"}, {"registration_name": "x", "state": "rejected"}]
    >>> fleet_of(registrations=rows).registrations["state"].tolist()
    ['up', 'rejected']
    """
    owned = isinstance(certificates, Mapping)
    named = (
        certificates.items()
        if isinstance(certificates, Mapping)
        else enumerate(certificates)
    )
    read = [
        read_certificates(content).assign(
            source=f"{number}.pem",
            bundle=f"{number}.pem",
            **({"device": name} if owned else {}),
        )
        for number, (name, content) in enumerate(named)
    ]
    if trust is None:
        trust = empty(TRUST)
    log = [{"state": "up", **row} for row in registrations]
    return Fleet(
        conform(pd.concat(read, ignore_index=True), CERTIFICATES)
        if read
        else empty(CERTIFICATES),
        trust if isinstance(trust, pd.DataFrame) else read_trust_list(trust),
        conform(pd.DataFrame([dict(row) for row in devices]), DEVICES),
        conform(pd.DataFrame(log), REGISTRATIONS),
    )


def assert_frames_equal(
    left: pd.DataFrame, right: pd.DataFrame, *, ordered: bool = True
) -> None:
    """Raise unless two frames say the same: equal columns, rows and cells.

    Two missing cells are equal, and so are a text and a category of that name; row labels do
    not matter.

    Parameters
    ----------
    left, right : DataFrame
        Frames of the same table.
    ordered : bool
        False: the rows may stand in any order.

    Raises
    ------
    AssertionError
        With the first column that differs, and how.

    Examples
    --------
    >>> one = pd.DataFrame({"device": ["a", "b"]})
    >>> assert_frames_equal(one, one[::-1], ordered=False)
    """
    pd.testing.assert_frame_equal(_plain(left, ordered), _plain(right, ordered))


def _plain(frame: pd.DataFrame, ordered: bool) -> pd.DataFrame:
    """Return the frame with words as text and rows numbered, sorted unless their order counts."""
    words = {
        str(name): column.astype("str")
        for name, column in frame.items()
        if isinstance(column.dtype, pd.CategoricalDtype)
    }
    plain = frame.assign(**words)
    if not ordered:
        plain = plain.loc[plain.map(repr).sort_values([*map(str, plain)]).index]
    return plain.reset_index(drop=True)
