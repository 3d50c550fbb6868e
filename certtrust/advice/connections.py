"""How long the TLS connections under one name last: a hint at what happens within them."""

from __future__ import annotations

import pandas as pd

from ..schema import CERTIFICATES, HANDSHAKES, expect

_COLUMNS = (
    "client",
    "server",
    "client_certificates",
    "outcome",
    "duration",
    "client_bytes",
    "server_bytes",
)


def connection_lengths(
    handshakes: pd.DataFrame, certificates: pd.DataFrame
) -> pd.DataFrame:
    """Sum up how long the established connections of each name lasted.

    Parameters
    ----------
    handshakes : DataFrame
        Table HANDSHAKES.
    certificates : DataFrame
        Table CERTIFICATES, for the names of what the clients presented.

    Returns
    -------
    DataFrame
        One row per name and server, most connections first: name (the CN of the client's
        certificate, else its address), server, connections, shortest, median, longest
        (seconds), client_bytes and server_bytes (of application data, the median).

    Notes
    -----
    This is a hint and no proof. A registration lasts; a phone that is refused within TLS, for
    its name or its password, is likely to come again and again, each time for a moment. But so
    does one whose network fails.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(2)
    >>> len(connection_lengths(ct.handshakes(b"no capture"), fleet.certificates))
    0
    """
    handshakes = expect(handshakes, HANDSHAKES, _COLUMNS)
    certificates = expect(certificates, CERTIFICATES, ("fingerprint", "subject_cn"))
    rows = handshakes[handshakes["outcome"] == "established"][list(_COLUMNS)]
    leaf = rows["client_certificates"].map(
        lambda fingerprints: fingerprints[0] if fingerprints else None
    )
    names = certificates[["fingerprint", "subject_cn"]].dropna()
    names = names.drop_duplicates("fingerprint")
    name = leaf.map(names.set_index("fingerprint")["subject_cn"]).astype("str")
    grouped = rows.assign(name=name.fillna(rows["client"])).groupby(
        ["name", "server"], sort=True
    )
    lengths = grouped.agg(
        connections=("duration", "size"),
        shortest=("duration", "min"),
        median=("duration", "median"),
        longest=("duration", "max"),
        client_bytes=("client_bytes", "median"),
        server_bytes=("server_bytes", "median"),
    ).reset_index()
    return lengths.sort_values(
        "connections", ascending=False, kind="stable", ignore_index=True
    )
