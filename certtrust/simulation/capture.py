"""The connections of a simulated fleet as a packet capture, taken beside its PBXs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
from cryptography.x509 import load_der_x509_certificate

from ..arrays.arrow import as_mask
from ..captures import REGISTRATION_PORT
from ..errors import CerttrustError
from ..evaluation.attempts import attempts
from ..fleet import Fleet
from ..texts.sentences import say
from . import tls
from .packets import End, Packet, connection, write_pcap

TRUTH = "true_failed"
_OVER_TLS13 = 0.1
_FIRST_PORT, _PORTS = 49_152, 16_000


def write_capture(fleet: Fleet, path: str | Path, *, seed: int = 0) -> pd.DataFrame:
    """Write what a capture beside the PBXs of a simulated fleet would hold.

    Parameters
    ----------
    fleet : Fleet
        By `simulate`, or read back from its directory with the columns of the truth.
    path : path
        The pcap file to write.
    seed : int
        Which connections use TLS 1.3, where nothing but the hellos can be seen.

    Returns
    -------
    DataFrame
        One row per connection: registration (its label in `fleet.registrations`), client,
        client_port, server, pbx, kind (what TLS made of it), version, and true_cause.

    Raises
    ------
    CerttrustError
        If the registrations lack the truth.

    Notes
    -----
    Each registration over H.323/TLS at a known time is a connection, with the bytes of a real
    handshake. Where the true cause lies in TLS, the PBX ends it with the alert that OpenSSL
    sends for it; what fails by its name or its password fails within TLS, where nobody sees it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import certtrust as ct
    >>> from certtrust import simulation
    >>> fleet = ct.simulate(5, seed=1, faults={})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trace = pathlib.Path(folder, "trace.pcap")
    ...     made = simulation.write_capture(fleet, trace)
    ...     len(ct.handshakes(trace)) == len(made)
    True
    """
    if TRUTH not in fleet.registrations:
        raise CerttrustError(say("errors.simulation.no_truth"))
    rng = Random(seed)  # noqa: S311 - a reproducible example, no secret
    addresses = pbx_addresses(fleet)
    chains = _chains(fleet)
    names = {pbx: _names(fleet, pbx) for pbx in addresses}
    packets: list[Packet] = []
    made = []
    for number, row in enumerate(_connections(fleet, chains)):
        chain = chains[row["bundle"], row["fingerprint"]]
        version = "TLSv1_3" if rng.random() < _OVER_TLS13 else "TLSv1_2"
        kind = _kind(row)
        client = End(row["remote_address"], _FIRST_PORT + number % _PORTS)
        server = End(addresses[row["pbx"]], REGISTRATION_PORT)
        flights = tls.handshake(kind, version)
        if version != "TLSv1_3":
            flights = [
                tls.Flight(True, tls.with_certificates(data, chain))
                if by_client
                else tls.Flight(False, tls.with_authorities(data, names[row["pbx"]]))
                for by_client, data in flights
            ]
        begun = int(row["time"].value // 1000)
        # What is let in stays; what fails within TLS is gone at once.
        is_up = kind == "accepted" and pd.isna(row["true_cause"])
        lasting = rng.randrange(600, 7_200) if is_up else 0
        packets += connection(client, server, begun, flights, lasting=lasting)
        made.append(
            {
                "registration": row["registration"],
                "client": client.address,
                "client_port": client.port,
                "server": server.address,
                "pbx": row["pbx"],
                "kind": kind,
                "version": version.replace("_", ".").replace("v", " "),
                "true_cause": row["true_cause"],
            }
        )
    write_pcap(packets, path)
    return pd.DataFrame(made)


def pbx_addresses(fleet: Fleet) -> dict[str, str]:
    """Return the address at which the capture shows each PBX of a simulated fleet."""
    names = sorted(set(fleet.registrations["pbx"].dropna()))
    return {
        name: f"198.51.100.{number % 250 + 1}" for number, name in enumerate(names)
    }


def _connections(
    fleet: Fleet, chains: dict[tuple[str, str], list[bytes]]
) -> Iterator[dict[Hashable, Any]]:
    """Yield the attempts that a capture shows, with the certificate that was presented."""
    rows = attempts(fleet)
    rows = rows.assign(registration=rows.index)
    shown = as_mask(rows["protocol"] == "H.323/TLS") & rows["time"].notna()
    shown &= rows["remote_address"].notna() & rows["pbx"].notna()
    for row in rows[shown].to_dict("records"):
        if (row["bundle"], row["fingerprint"]) in chains:
            yield row


def _chains(fleet: Fleet) -> dict[tuple[str, str], list[bytes]]:
    """Return what is sent with each certificate: those above it in its bundle, in order."""
    columns = ["bundle", "fingerprint", "subject", "issuer", "der"]
    chains = {}
    for bundle, part in fleet.certificates[columns].groupby("bundle", sort=False):
        rows = part.dropna(subset=["der"]).to_dict("records")
        by_subject = {row["subject"]: row for row in reversed(rows)}
        for row in rows:
            chain = [row]
            while (
                above := by_subject.get(chain[-1]["issuer"])
            ) is not None and above not in chain:
                chain.append(above)
            ders = [one["der"] for one in chain]
            chains[str(bundle), row["fingerprint"]] = ders
    return chains


def _names(fleet: Fleet, pbx: str) -> list[bytes]:
    """Return the names of the CAs in the list of a PBX, as its CertificateRequest has them."""
    listed = fleet.trust[(fleet.trust["pbx"] == pbx) & fleet.trust["is_ca"]]
    subjects = [
        load_der_x509_certificate(der).subject.public_bytes()
        for der in listed["der"].dropna()
    ]
    return list(dict.fromkeys(subjects))


def _kind(row: dict[Hashable, Any]) -> str:
    """Return which handshake shows what truly happened."""
    failed = str(row[TRUTH]).split(",")
    if row["authentication"] == "password":
        # The article lets a phone log in by password with any certificate.
        return "accepted"
    if "certificate.trust" in failed:
        return "unknown CA"
    if "time.validity" in failed:
        return "not yet valid" if row["time"] < row["not_before"] else "expired"
    return "accepted"
