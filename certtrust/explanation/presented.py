"""What a phone presented at the bench, with what a trust list makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..texts.dates import moment
from ..texts.labels import plural
from ..texts.sentences import say
from ..texts.translation import translated, translated_text
from ..texts.visible import one_line
from .diagnosis import Diagnosis, diagnose


class Presented(Protocol):
    """A listener that has seen phones: a `certtrust.endpoints.bench.Bench`."""

    @property
    def handshakes(self) -> pd.DataFrame:
        """Table HANDSHAKES."""

    def presented(self, connection: int) -> pd.DataFrame:
        """Return the certificates of one connection."""


@dataclass(frozen=True)
class Phone:
    """One connection to the bench: what was seen, and the diagnosis where there is one."""

    handshake: dict[str, Any]
    certificates: pd.DataFrame
    diagnosis: Diagnosis | None

    @property
    def name(self) -> str:
        """The CN of its certificate, "" where it has none."""
        names = self.certificates["subject_cn"].head(1).dropna()
        return one_line(names.iloc[0]) if len(names) else ""

    def head(self) -> str:
        """Return who connected, how, and what it presented."""
        seen = self.handshake
        return say(
            "bench.head",
            time=moment(seen["time"]),
            client=seen["client"],
            port=str(seen["client_port"]),
            offered=_text(seen["offered_version"]),
            version=_text(seen["tls_version"]),
            outcome=say(f"bench.outcomes.{seen['outcome']}"),
        )

    def presented(self) -> str:
        """Return what it presented."""
        listed = self.handshake["client_certificates"]
        if not isinstance(listed, list):
            return say("bench.not_seen")
        if not listed:
            return say("bench.nothing")
        issuer = self.certificates["issuer"].head(1).dropna()
        return say(
            "bench.presented",
            name=self.name or say("values.missing"),
            issuer=one_line(issuer.iloc[0]) if len(issuer) else say("values.missing"),
            certificates=plural(len(listed), "certificate"),
        )

    def notes(self) -> list[str]:
        """Return what else there is to say: an alert, and why it was not completed."""
        seen = self.handshake
        notes = []
        if isinstance(seen["alert"], str):
            by = say(f"bench.by.{seen['alert_by']}")
            notes.append(say("bench.alert", alert=seen["alert"], by=by))
        if isinstance(seen["parse_error"], str):
            notes.append(one_line(translated_text(seen["parse_error"])))
        remarks = translated(self.certificates["parse_error"])
        return [*notes, *map(one_line, remarks.dropna().unique())]

    def lines(self) -> list[str]:
        """Return everything as lines for a terminal."""
        lines = [self.head(), self.presented(), *self.notes()]
        return lines if self.diagnosis is None else [*lines, str(self.diagnosis)]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        seen = {name: _plain(value) for name, value in self.handshake.items()}
        certificates = self.certificates.drop(columns="der")
        return {
            "handshake": seen,
            "certificates": [
                {name: _plain(value) for name, value in row.items()}
                for row in certificates.to_dict("records")
            ],
            "diagnosis": self.diagnosis and self.diagnosis.to_dict(),
        }


def of_phone(
    bench: Presented,
    connection: int,
    trust: pd.DataFrame | None = None,
    registration_name: str | None = None,
) -> Phone:
    """Return one connection to the bench with its diagnosis as a registration by certificate.

    Parameters
    ----------
    bench : Bench
        What `certtrust.listen` gave.
    connection : int
        Its place in `bench.handshakes`, from 0.
    trust : DataFrame, optional
        The trust list of the PBX; without it, trust is not known.
    registration_name : str, optional
        What the phone registers as; without it, that is not known: it lies within TLS.
    """
    row = bench.handshakes.iloc[connection]
    certificates = bench.presented(connection)
    diagnosis = None
    if len(certificates) and certificates["fingerprint"].notna().iloc[0]:
        diagnosis = diagnose(
            certificates.head(1),
            scenario="h323-certificate",
            chain=certificates.iloc[1:],
            trust=trust,
            registration_name=registration_name,
        )
    seen = {str(name): value for name, value in row.to_dict().items()}
    return Phone(seen, certificates, diagnosis)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else say("values.missing")


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return value
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
