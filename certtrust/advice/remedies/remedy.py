"""A remedy as one record: what it mends, what it costs, what it needs, how it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...errors import CerttrustError
from ...evaluation.rules import SCENARIOS
from ...schema import MOMENT, TEXT
from ...texts.sentences import sentences
from .failures import Failures, Proposals
from .fleet_copy import FleetCopy
from .trusting import Untrusted

COLUMNS: dict[str, Any] = {
    "pbx": TEXT,
    "device": TEXT,
    "fingerprint": TEXT,
    "name": TEXT,
    "value": TEXT,
    "since": MOMENT,
}
"""The columns of an action beside its kind; each kind reads some of them."""

_WORDS = ("title", "step", "price", "instead")


@dataclass(frozen=True)
class Remedy:
    """One kind of action.

    Parameters
    ----------
    kind : str
        Its name, which is also the key of its words in the table `actions` of the sentences.
    cost : int
        Decides between remedies that meet as many needs: the lowest cost wins. The costs of two
        kinds are 100 apart, since each CA between a trusted entry and the device counts one.
    meets : tuple of str
        Codes of the rules that it can mend.
    needs : tuple of str
        The columns that an action of this kind must have, among `COLUMNS`.
    carry_out : function
        Takes a copy of a fleet and the actions of this kind, and returns a copy with them
        carried out.
    propose : function, optional
        Takes the failures and returns the actions that would mend them, by the rules in
        `meets`: frames with the columns case and those of an action, as `Failures.proposals`
        makes them.
    entries : function, optional
        Instead of `propose`, for a remedy that changes a trust list: takes the untrusted
        certificates and returns the entries that would make them trusted: row, columns of an
        action and, where they differ in it, steps.
    dated : bool
        Whether it makes a certificate that has to be valid from the earliest failure on.
    uploads : bool
        Whether the certificate of the action is uploaded as it stands, so that its PEM text is
        of use.
    variant : two str, optional
        A flag of the action's certificate ("is_ca" or "self_signed") and the key of the words
        to use where it is set.
    """

    kind: str
    cost: int
    meets: tuple[str, ...]
    needs: tuple[str, ...]
    carry_out: Callable[[FleetCopy, pd.DataFrame], FleetCopy]
    propose: Callable[[Failures], Proposals] | None = None
    entries: Callable[[Untrusted], pd.DataFrame] | None = None
    dated: bool = False
    uploads: bool = False
    variant: tuple[str, str] | None = None

    def check(self) -> None:
        """Raise a CerttrustError where the record lacks a part or names what does not exist."""
        rules = {code for codes in SCENARIOS.values() for code in codes}
        if not self.meets or not rules.issuperset(self.meets):
            raise CerttrustError(
                f"the remedy {self.kind!r} meets {self.meets}; name rules that decide a verdict"
            )
        if not self.needs or not COLUMNS.keys() >= set(self.needs):
            raise CerttrustError(
                f"the remedy {self.kind!r} needs {self.needs}; name some of {', '.join(COLUMNS)}"
            )
        if (self.propose is None) == (self.entries is None):
            raise CerttrustError(
                f"the remedy {self.kind!r} has to have one of propose and entries"
            )
        texts = sentences()["actions"]
        for key in (self.kind, *(self.variant or ())[1:]):
            absent = [name for name in _WORDS if name not in texts.get(key, {})]
            if absent:
                raise CerttrustError(
                    f"the remedy {self.kind!r} lacks its sentences: add {', '.join(absent)} to "
                    f'[actions."{key}"] '
                    "in texts/en.toml"
                )


def checked(remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies, once all are complete and no two share a name or a cost."""
    for remedy in remedies:
        remedy.check()
        for other in remedies:
            if other is not remedy and (
                other.kind == remedy.kind or abs(other.cost - remedy.cost) < 100
            ):
                raise CerttrustError(
                    f"the remedies {remedy.kind!r} and {other.kind!r} have costs of "
                    f"{remedy.cost} and {other.cost}; "
                    "give each kind another name, and a cost that is 100 away from every other one"
                )
    return tuple(remedies)
