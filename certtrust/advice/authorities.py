"""The trust list of a PBX, seen from outside: the CAs that its CertificateRequest names."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..schema import HANDSHAKES, TRUST, expect

_COLUMNS = ("server", "server_port", "accepted_authorities", "time")


def accepted_authorities(
    handshakes: pd.DataFrame,
    trust: pd.DataFrame,
    *,
    pbx: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Compare the CAs that servers say they accept with the trust lists at hand.

    Parameters
    ----------
    handshakes : DataFrame
        Table HANDSHAKES.
    trust : DataFrame
        Table TRUST; a list counts for the server whose address or name is its `pbx`, and for
        every server where it has none. Where no list has the name of any server, all of them
        count for all.
    pbx : mapping of address to name, optional
        What the PBX at an address is called in `trust`.

    Returns
    -------
    DataFrame
        One row per server and CA: server, server_port, authority (RFC 4514), connections,
        first_seen, last_seen, listed (<NA> where no list is at hand). A server that names none
        has no row.

    Notes
    -----
    The names are a lower bound: a PBX may trust more than it names (RFC 5246, section 7.4.4), so
    an entry of the list that is not named proves nothing. A name that the list lacks means that
    the list at hand is older than what the PBX uses. Names are compared as text; a name is no
    proof of which of several keys is meant.

    Examples
    --------
    >>> import certtrust as ct
    >>> seen = ct.handshakes(b"no capture")
    >>> accepted_authorities(seen, ct.simulate(2).trust).columns.tolist()[:3]
    ['server', 'server_port', 'authority']
    """
    handshakes = expect(handshakes, HANDSHAKES, _COLUMNS)
    trust = expect(trust, TRUST, ("subject", "pbx"))
    named = handshakes[list(_COLUMNS)].explode("accepted_authorities")
    named = named.dropna(subset=["accepted_authorities"])
    named = named.rename(columns={"accepted_authorities": "authority"})
    counts = (
        named.astype({"authority": "str"})
        .groupby(["server", "server_port", "authority"], sort=True, observed=True)
        .agg(
            connections=("authority", "size"),
            first_seen=("time", "min"),
            last_seen=("time", "max"),
        )
        .reset_index()
    )
    names = counts["server"].replace(dict(pbx or {}))
    return counts.assign(listed=_listed(counts, names, trust))


def _listed(counts: pd.DataFrame, names: pd.Series, trust: pd.DataFrame) -> pd.Series:
    """Return where the list of the server has a certificate of that subject."""
    is_named = trust["pbx"].isin(names)
    subjects = trust.assign(key=_key(trust["subject"]))
    of_all = subjects if not is_named.any() else subjects[trust["pbx"].isna()]
    own = set(zip(subjects["pbx"][is_named], subjects["key"][is_named], strict=True))
    common = set(of_all["key"].dropna())
    keys = _key(counts["authority"])
    listed = keys.isin(common) | pd.Series(
        [pair in own for pair in zip(names, keys, strict=True)],
        index=counts.index,
        dtype=bool,
    )
    has_list = names.isin(trust["pbx"][is_named]) | bool(len(of_all))
    return listed.astype("boolean").where(has_list)


def _key(names: pd.Series) -> pd.Series:
    return names.astype("str").str.casefold().str.split().str.join(" ")
