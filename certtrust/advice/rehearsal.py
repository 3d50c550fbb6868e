"""A rehearsal of what-ifs that answers at once: one registration of each kind is judged again,
not every one.

Registrations are of one kind where everything that the rules look at is the same up to the
device's own name: PBX, flags, protocol, who signed the certificate, whether its name fits,
whether it is valid at the moment. One of each kind goes the way of every attempt, and its
verdict holds for all of its kind.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from ..arrays.arrow import true
from ..arrays.grouping import Codes, alike, combine, distinct, places, same_sets
from ..evaluation.attempts import joined
from ..evaluation.check import CAUSES, VERDICTS, check
from ..evaluation.ownership import Ownership
from ..evaluation.rules import BY_CODE
from ..fleet import Fleet, link
from ..names import matching
from .excerpt import Excerpt, Source
from .forecast import latest
from .remedies.failures import RULES
from .remedies.fleet_copy import among
from .what_if import EVERY, Settings

_BY_KIND = ("time.clock", "certificate.trust", "time.validity", "certificate.name")
"""Rules whose outcome, or what it depends on, is told apart below; of all others the columns
that they need.
"""

_FACTS = (
    *(
        "pbx",
        "protocol",
        "authentication",
        "via_reverse_proxy",
        "reverse_proxy",
        "tls_only",
        "clock_unset",
    ),
    *("issuer", "certificate_error"),
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
        The latest attempt of each registration, or of each known device where there is no log.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = link(fleet)
        self._ownership = Ownership.of(self.fleet)
        self._of: Source = "log" if len(fleet.registrations) else "devices"
        attempts = joined(self.fleet, self._ownership, self._of)
        self._pbx = attempts["pbx"]
        self.rows = latest(attempts) if self._of == "log" else attempts
        self.kinds = self._kinds()
        self._at: pd.Timestamp | None = None

    def changed(self, settings: Settings) -> Fleet:
        """Return a copy of the fleet with the settings."""
        return settings.applied(
            self.fleet, self._pbx.reindex(self.fleet.registrations.index)
        )

    def judge(self, settings: Settings, at: pd.Timestamp) -> pd.DataFrame:
        """Judge every row under the settings, at a moment.

        Returns
        -------
        DataFrame
            Index of `rows`: device, pbx, verdict, cause (a broken rule only, missing where none
            is broken).
        """
        if at != self._at:
            self._at = at
            self._kind, self._part = self._representatives(at)
        part = self._part
        better = settings.applied(
            part.fleet, self._pbx.reindex(part.fleet.registrations.index)
        )
        judged = check(part.attempts(better), at=at)
        broken = judged["cause"].where(judged["verdict"] == "fail").astype(CAUSES)
        verdict, cause = (
            codes.cat.codes.to_numpy()[self._kind]
            for codes in (judged["verdict"], broken)
        )
        return pd.DataFrame(
            {
                "device": self.rows["device"],
                "pbx": self.rows["pbx"],
                "verdict": pd.Categorical.from_codes(verdict, dtype=VERDICTS),
                "cause": pd.Categorical.from_codes(cause, dtype=CAUSES),
            },
            index=self.rows.index,
        )

    def _representatives(self, at: pd.Timestamp) -> tuple[Codes, Excerpt]:
        """Return the kind of each row at a moment, and what decides about the first row of each
        kind.
        """
        early = (self.rows["not_before"] > at).to_numpy().astype(np.int64)
        ended = (self.rows["not_after"] < at.floor("s")).to_numpy().astype(np.int64)
        kind, first = combine(self.kinds, early, ended)
        return kind, Excerpt.take(
            self.fleet, self._ownership, self.rows.iloc[first], self._of
        )

    def _kinds(self) -> Codes:
        """Number the rows by all facts that do not depend on the moment."""
        rows = self.rows
        others = [code for code in RULES if code not in _BY_KIND]
        names = dict.fromkeys(
            [*_FACTS, *(name for code in others for name in BY_CODE[code].needs)]
        )
        probe = self._without_settings()
        facts = rows[[*names]].assign(
            _scenario=probe["scenario"],
            _has_entry=probe["tls_only"].notna(),
            _fits=matching.certificate_fits_registration(rows),
            _no_time=rows["time"].isna(),
        )
        return combine(
            alike(facts, facts.columns)[0], self._entry_sets(), *self._signers()
        )[0]

    def _without_settings(self) -> pd.DataFrame:
        """Return the rows as they would be if no flag and no log said how they authenticate.

        So it comes to light what each is by its name, and whether there is an entry whose flag
        counts.
        """
        part = Excerpt.take(self.fleet, self._ownership, self.rows, self._of)
        silent = Settings(
            part.fleet.trust, tls_only={EVERY: False}, authentication={EVERY: None}
        )
        return part.attempts(silent.applied(part.fleet))

    def _entry_sets(self) -> Codes:
        """Number the rows by the PBXs of their device's entries, where their own PBX has no
        entries.
        """
        device, pbx = self._ownership.entered, self.fleet.devices["pbx"]
        elsewhere = self.rows["device"].mask(among(self.rows["pbx"], pbx))
        return _set_numbers(elsewhere, device, pd.factorize(pbx)[0])

    def _signers(self) -> list[Codes]:
        """Number the rows by what trust in a certificate depends on: its signers, what came
        with it, or itself.
        """
        own, certificates = self.rows["fingerprint"], self.fleet.certificates
        if self._constrains_names():
            return [pd.factorize(own)[0]]
        links = self.fleet.links
        assert links is not None  # noqa: S101 - `link` has made them
        checks, _ = combine(
            *(pd.factorize(links[name])[0] for name in ("issuer", "verified"))
        )
        bundles = certificates[["fingerprint", "bundle"]].dropna()
        presented = among(bundles["fingerprint"], own)
        together = bundles[presented].merge(
            bundles[~presented], on="bundle", suffixes=("", "_beside")
        )
        beside = pd.factorize(together["fingerprint_beside"])[0]
        by_itself = self.rows["self_issued"].fillna(value=True).to_numpy(dtype=bool)
        itself = among(own, self.candidates["fingerprint"]) | by_itself
        return [
            _set_numbers(own, links["child"], checks),
            _set_numbers(own, together["fingerprint"], beside),
            pd.factorize(own.where(itself))[0],
        ]

    def _constrains_names(self) -> bool:
        """Return True where a CA constrains names, so that trust depends on the names of each
        certificate.
        """
        certificates = self.fleet.certificates
        may_be_ca = certificates["is_ca"].fillna(value=True).astype(bool)
        ders = pd.concat([certificates.loc[may_be_ca, "der"], self.fleet.trust["der"]])
        return any(_NAME_CONSTRAINTS in der for der in ders if isinstance(der, bytes))

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """Certificates that a trust list may hold: its entries, all CAs, and certificates that
        sign themselves.
        """
        both = pd.concat([self.fleet.trust, self.fleet.certificates], ignore_index=True)
        both = both[both["fingerprint"].notna()].drop_duplicates("fingerprint")
        listed = among(both["fingerprint"], self.fleet.trust["fingerprint"])
        may_be_listed = listed | true(both["is_ca"]) | true(both["self_issued"])
        candidates: pd.DataFrame = both[may_be_listed].reset_index(drop=True)
        return candidates


def _set_numbers(texts: pd.Series, owners: pd.Series, members: Codes) -> Codes:
    """Return for each text the number of the set of members that it owns; -1 where it owns none."""
    known = distinct(owners)
    owner = places(owners, known)
    number, _ = same_sets(owner[owner >= 0], members[owner >= 0])
    return np.append(number, -1)[places(texts, known)]
