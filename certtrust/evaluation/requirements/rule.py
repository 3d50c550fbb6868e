"""A rule of the article as one record: its rank in the scenarios, and what decides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ...arrays.arrow import as_mask
from ...texts.sentences import sentences

Check = Callable[[pd.DataFrame, pd.Series], pd.Series]
"""Takes attempts and their moments; returns True (holds), False (is broken) or <NA> (unknown)."""
Kind = Callable[[pd.DataFrame], pd.Series]
"""Takes rows of RESULTS; returns the name of each one's wording, missing for the rule's own."""

STALE = ("trust list", "certificate", "device entry", "clock", "TLS version")
"""Which data a contradiction between a rule and the log puts in doubt."""

NAMES = (
    "registration_name",
    "hardware_id",
    "serial",
    "interface",
    "device",
    "subject",
    "subject_cn",
    "certificate_error",
    "matched_by",
)
"""All that a rule on names looks at: devices try again and again under the same names."""


@dataclass(frozen=True)
class Rule:
    """A requirement, or an opinion that is shown beside the requirements of a scenario.

    Its sentences stand in the file of sentences, in `rules."<code>"`.
    """

    code: str
    needs: tuple[str, ...]
    """The columns of an attempt that decide it, beside the moment."""
    holds: Check
    required: Mapping[str, int] = field(default_factory=dict)
    """The scenarios that require it, with its rank among their causes; the lowest is named."""
    shown: Mapping[str, int] = field(default_factory=dict)
    """The scenarios that show it as an opinion, with its rank among these."""
    stale: str | None = None
    """What is probably out of date where a registration succeeded against it: one of `STALE`."""
    stale_if_seen: str | None = None
    """The same where the log names the certificate by its fingerprint."""
    variant: Kind | None = None
    """Which kind of failure it is, where the explanation depends on it."""
    varying: tuple[str, ...] = ()
    """The columns that `variant` looks at."""
    unknown: Kind | None = None
    """What is missing to decide it, where that depends on the row."""
    missing_by: tuple[str, ...] = ()
    """The columns that `unknown` looks at."""
    only_where: str | None = None
    """The column without which it asks nothing, and is not shown among the steps of a diagnosis."""
    of_names: bool = False
    """It looks at the columns `NAMES` alone: attempts that are alike in them are decided once."""

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that require the rule, or show it as hygiene."""
        return tuple(dict.fromkeys([*self.required, *self.shown]))

    @property
    def sentences(self) -> dict[str, Any]:
        """The rule's title, requirement, citation, and the templates of why and remedy."""
        texts: dict[str, Any] = sentences()["rules"][self.code]
        return texts

    @property
    def citation(self) -> str:
        """Where the demand stands: section and sentence of the article, or another source."""
        return str(self.sentences["citation"])


def as_flags(values: pd.Series) -> pd.Series:
    """Return a comparison as three-valued flags."""
    return values.astype("boolean")


def chosen(index: pd.Index, kinds: Mapping[str, Any]) -> pd.Series:
    """Return for each row the first of the kinds whose mask holds, missing where none does."""
    kind_of_row = pd.Series(None, index=index, dtype="str")
    for kind, mask in reversed(list(kinds.items())):
        kind_of_row = kind_of_row.mask(mask, kind)
    return kind_of_row


def certificate_is_known(attempts: pd.DataFrame) -> pd.Series:
    """Return where something is known of the certificate that was presented."""
    return attempts["subject"].notna() | attempts["subject_cn"].notna()


def over_tls(attempts: pd.DataFrame) -> pd.Series:
    """Return whether H.323/TLS is used; without a protocol a login by certificate proves it."""
    protocol = attempts["protocol"]
    stated = protocol.isin(["H.323/TLS", "H.323/TCP", "H.323/UDP"])
    by_certificate = ~stated & as_mask(attempts["authentication"] == "certificate")
    return (
        as_flags(protocol == "H.323/TLS")
        .where(stated)
        .mask(by_certificate, other=True)
    )


def through_allowed_proxy(attempts: pd.DataFrame) -> pd.Series:
    """Return whether a reverse proxy that the device's entry allows carried the registration."""
    return attempts["via_reverse_proxy"] & attempts["reverse_proxy"]


def without_certificate(attempts: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the kinds of what is missing where there is no certificate, or it is unreadable."""
    reported = attempts["certificate_error"].notna()
    nothing = ~certificate_is_known(attempts)
    return {"no certificate": nothing & ~reported, "unreadable": reported}
