"""Quick what-ifs: one registration of each kind is judged again instead of all of them.

Registrations are of one kind where everything that the rules look at is the same up to the
device's own name: PBX, flags, protocol, who signed the certificate, whether its name fits,
whether it is valid at the moment. One of each kind is judged like any other attempt, and its
verdict holds for all of its kind.
"""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np
import pandas as pd

from ..arrays.arrow import as_mask
from ..arrays.grouping import (
    Codes,
    distinct,
    factorize_codes,
    factorize_rows,
    factorize_sets,
    first_positions,
)
from ..evaluation.attempts import joined
from ..evaluation.check import CAUSES, VERDICTS, check
from ..evaluation.ownership import Ownership
from ..evaluation.rules import BY_CODE
from ..fleet import Fleet, link
from ..names import matching
from .changes import REGISTRATION
from .excerpt import Excerpt, Source
from .forecast import latest
from .joins import among
from .remedies.failures import RULES
from .what_if import EVERY, Settings

_BY_KIND = ("time.clock", "certificate.trust", "time.validity", "certificate.name")
"""Rules that the kinds account for by their outcome, or by what decides it.

For all others, the kinds differ where the columns do that the rule needs.
"""

_FACTS = (
    "pbx",
    "protocol",
    "authentication",
    "via_reverse_proxy",
    "reverse_proxy",
    "tls_only",
    "clock_unset",
    "issuer",
    "certificate_error",
)
_NAME_CONSTRAINTS = b"\x06\x03\x55\x1d\x1e"


class Rehearsal:
    """The latest registrations of a fleet, to be judged under other settings.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.

    Attributes
    ----------
    fleet : Fleet
        The same with links.
    rows : DataFrame
        The latest attempt of each registration, or one of each device where there is no log.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = link(fleet)
        self._ownership = Ownership.of(self.fleet)
        self._of: Source = "log" if len(fleet.registrations) else "devices"
        attempts = joined(self.fleet, self._ownership, self._of)
        self._pbx = attempts["pbx"]
        self.rows = latest(attempts) if self._of == "log" else attempts
        self._kinds = self._lasting_kinds()
        self._at: pd.Timestamp | None = None

    def changed(self, settings: Settings) -> Fleet:
        """Return a copy of the fleet with the settings."""
        return self._applied(settings, self.fleet)

    def _applied(self, settings: Settings, fleet: Fleet) -> Fleet:
        return settings.applied(fleet, self._pbx.reindex(fleet.registrations.index))

    def judge(self, settings: Settings, at: pd.Timestamp) -> pd.DataFrame:
        """Return the verdict of every row under the settings at a moment.

        Returns
        -------
        DataFrame
            Index of `rows`: device, pbx, registration_name, interface, verdict, cause (a broken
            rule only, missing where none is broken).
        """
        if at != self._at:
            self._at = at
            self._kind, self._part = self._representatives(at)
        changed = self._applied(settings, self._part.fleet)
        results = check(self._part.attempts(changed), at=at)
        broken = results["cause"].where(results["verdict"] == "fail").astype(CAUSES)
        verdict, cause = (
            column.cat.codes.to_numpy()[self._kind]
            for column in (results["verdict"], broken)
        )
        return self.rows[list(REGISTRATION)].assign(
            verdict=pd.Categorical.from_codes(verdict, dtype=VERDICTS),
            cause=pd.Categorical.from_codes(cause, dtype=CAUSES),
        )

    def _representatives(self, at: pd.Timestamp) -> tuple[Codes, Excerpt]:
        """Return the kind of each row at a moment, and the part that decides one row per kind."""
        early = (self.rows["not_before"] > at).to_numpy().astype(np.int64)
        ended = (self.rows["not_after"] < at.floor("s")).to_numpy().astype(np.int64)
        kind, first = factorize_codes(self._kinds, early, ended)
        rows = self.rows.iloc[first]
        return kind, Excerpt.take(self.fleet, self._ownership, rows, self._of)

    def _lasting_kinds(self) -> Codes:
        """Return a code for each row by all facts that do not depend on the moment."""
        rows = self.rows
        needs = [BY_CODE[code].needs for code in RULES if code not in _BY_KIND]
        names = dict.fromkeys(itertools.chain(_FACTS, *needs))
        bare = self._without_settings()
        facts = rows[[*names]].assign(
            _scenario=bare["scenario"],
            _has_entry=bare["tls_only"].notna(),
            _fits=matching.certificate_fits_registration(rows),
            _no_time=rows["time"].isna(),
        )
        code, _ = factorize_rows(facts, facts.columns)
        return factorize_codes(code, self._entry_sets(), *self._signers())[0]

    def _without_settings(self) -> pd.DataFrame:
        """Return the rows as they would be if neither flags nor log stated an authentication.

        This shows the scenario by name alone, and whether there is an entry whose flag counts.
        """
        part = Excerpt.take(self.fleet, self._ownership, self.rows, self._of)
        settings = Settings(
            part.fleet.trust, tls_only={EVERY: False}, authentication={EVERY: None}
        )
        return part.attempts(settings.applied(part.fleet))

    def _entry_sets(self) -> Codes:
        """Return codes of the PBXs with entries of the device, where its own PBX has none."""
        device, pbx = self._ownership.entered, self.fleet.devices["pbx"]
        elsewhere = self.rows["device"].mask(among(self.rows["pbx"], pbx))
        return _set_codes(elsewhere, device, pd.factorize(pbx)[0])

    def _signers(self) -> list[Codes]:
        """Return codes of what trust in each certificate depends on.

        That is its signers, what came with it, and in some cases the certificate itself.
        """
        own, certificates = self.rows["fingerprint"], self.fleet.certificates
        if self._constrains_names():
            return [pd.factorize(own)[0]]
        links = self.fleet.links
        assert links is not None  # noqa: S101 - `link` has made them
        checks, _ = factorize_codes(
            *(pd.factorize(links[name])[0] for name in ("issuer", "verified"))
        )
        bundles = certificates[["fingerprint", "bundle"]].dropna()
        presented = among(bundles["fingerprint"], own)
        together = bundles[presented].merge(
            bundles[~presented], on="bundle", suffixes=("", "_beside")
        )
        beside = pd.factorize(together["fingerprint_beside"])[0]
        may_be_self_issued = ~as_mask(self.rows["self_issued"].eq(other=False))
        itself = among(own, self.candidates["fingerprint"]) | may_be_self_issued
        return [
            _set_codes(own, links["child"], checks),
            _set_codes(own, together["fingerprint"], beside),
            pd.factorize(own.where(itself))[0],
        ]

    def _constrains_names(self) -> bool:
        """Return True where a CA constrains names: then trust depends on each leaf's names."""
        certificates = self.fleet.certificates
        may_be_ca = ~as_mask(certificates["is_ca"].eq(other=False))
        ders = pd.concat(
            [certificates.loc[may_be_ca, "der"], self.fleet.trust["der"]]
        )
        return any(_NAME_CONSTRAINTS in der for der in ders if isinstance(der, bytes))

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """Certificates for a trust list: its entries, all CAs, and all self-issued ones."""
        both = pd.concat(
            [self.fleet.trust, self.fleet.certificates], ignore_index=True
        )
        both = both[both["fingerprint"].notna()].drop_duplicates("fingerprint")
        listed = among(both["fingerprint"], self.fleet.trust["fingerprint"])
        may_be_listed = listed | as_mask(both["is_ca"]) | as_mask(both["self_issued"])
        candidates: pd.DataFrame = both[may_be_listed].reset_index(drop=True)
        return candidates


def _set_codes(texts: pd.Series, owners: pd.Series, members: Codes) -> Codes:
    """Return a code for the set of members that each text owns, -1 where it owns none."""
    distinct_owners = distinct(owners)
    owner = first_positions(owners, distinct_owners)
    code, _ = factorize_sets(owner[owner >= 0], members[owner >= 0])
    return np.append(code, -1)[first_positions(texts, distinct_owners)]
