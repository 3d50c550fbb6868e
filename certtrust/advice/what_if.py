"""What-ifs: the same fleet under other settings, and the difference of two results."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays.arrow import true
from ..arrays.grouping import Codes, combine
from ..errors import CerttrustError
from ..fleet import Fleet, expect_fleet
from ..schema import RESULTS, TRUST, conform, expect
from ..texts.sentences import say

EVERY = ""
"""Stands for every PBX."""

CHANGES = (
    "broken",
    "repaired",
    "now unknown",
    "now known",
    "other cause",
    "gone",
    "new",
)
"""Kinds of difference between two verdicts of one attempt, the worst first."""


@dataclass(frozen=True)
class Settings:
    """What differs from a fleet as it is.

    Parameters
    ----------
    trust : DataFrame
        Table TRUST: the trust lists instead of those of the fleet.
    tls_only : mapping of str to bool
        "TLS only" at every device entry of a PBX, or of `EVERY` one; what is said of one PBX wins.
    authentication : mapping of str to {"certificate", "password", None}
        How every registration at a PBX authenticates that is not known to be SIP; None = the
        log does not say.
    """

    trust: pd.DataFrame
    tls_only: Mapping[str, bool] = field(default_factory=dict)
    authentication: Mapping[str, str | None] = field(default_factory=dict)

    def applied(self, fleet: Fleet, pbx: pd.Series | None = None) -> Fleet:
        """Return a copy of the fleet with these settings.

        Parameters
        ----------
        fleet : Fleet
            It is not changed.
        pbx : Series of str, optional
            The PBX of each registration, where more is known than the log says.
        """
        devices, log = fleet.devices, fleet.registrations
        if self.tls_only:
            flags = _switched(devices["tls_only"], devices["pbx"], self.tls_only)
            devices = devices.assign(tls_only=flags.astype("boolean"))
        if self.authentication:
            # The article says nothing about how SIP authenticates.
            h323 = ~true(log["protocol"].astype("str").str.startswith("SIP"))
            pbx = log["pbx"] if pbx is None else pbx
            words = _switched(
                log["authentication"].astype("str"), pbx, self.authentication, h323
            )
            log = log.assign(authentication=words.astype("category"))
        return dataclasses.replace(
            fleet, trust=self.trust, devices=devices, registrations=log
        )


def _switched(
    values: pd.Series,
    pbx: pd.Series,
    settings: Mapping[str, Any],
    where: npt.NDArray[np.bool_] | bool = True,
) -> pd.Series:
    """Return the values with the setting of every PBX, then that of the row's own, where it may
    be switched.
    """
    for name in sorted(settings, key=lambda name: name != EVERY):
        rows = where & (
            true(pbx == name) if name != EVERY else np.ones(len(values), dtype=bool)
        )
        values = values.mask(rows, settings[name])
    return values


def what_if(
    fleet: Fleet,
    *,
    trust: pd.DataFrame | None = None,
    tls_only: bool | None = None,
    authentication: str | None = None,
    retire: str | Sequence[str] | None = None,
) -> Fleet:
    """Return a copy of the fleet with another configuration, to be judged like any other.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    trust : DataFrame, optional
        Table TRUST: the trust lists instead of those that are there; entries without pbx stand
        in every list.
    tls_only : bool, optional
        "TLS only" set (or cleared) at every device entry.
    authentication : {"certificate", "password"}, optional
        How every registration over H.323 authenticates: "certificate" = password authentication
        is gone.
    retire : str or sequence of str, optional
        CAs by fingerprint, or by common name, that leave every trust list. What hangs on them
        stays trusted where another CA of its chain is in the list: that is the page's rule, and
        no retired CA changes it.

    Returns
    -------
    Fleet

    Raises
    ------
    CerttrustError
        If a CA to retire is in no list, or `authentication` is another word.

    Notes
    -----
    Another moment is asked of `check` itself: `check(attempts(fleet), at="2028-01-01")`.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.link(ct.simulate(40, seed=2, faults={}))
    >>> before = ct.check(ct.attempts(fleet))

    Which registrations end when nobody may log in with a password any more?

    >>> after = ct.check(ct.attempts(what_if(fleet, authentication="certificate")))
    >>> set(changes(before, after)["change"].unique()) <= {"broken", "now unknown"}
    True

    When every device entry says "TLS only", when the lists hold one CA alone, when a CA is
    retired, and in 2071:

    >>> strict = ct.check(ct.attempts(what_if(fleet, tls_only=True)))
    >>> one_ca = ct.check(ct.attempts(what_if(fleet, trust=fleet.trust.head(1).assign(pbx=None))))
    >>> retired = ct.check(ct.attempts(what_if(fleet, retire=fleet.trust["fingerprint"].iloc[0])))
    >>> later = ct.check(ct.attempts(fleet), at="2071-01-01")
    >>> bool((later["verdict"] == "pass").sum() < (before["verdict"] == "pass").sum())
    True
    """
    fleet = expect_fleet(fleet)
    if authentication not in (None, "certificate", "password"):
        raise CerttrustError(
            say("errors.advice.authentication", word=repr(authentication))
        )
    if all(setting is None for setting in (trust, tls_only, authentication, retire)):
        return fleet
    lists = fleet.trust if trust is None else conform(trust, TRUST)
    if retire is not None:
        lists = _retired(lists, [retire] if isinstance(retire, str) else retire)
    flags = {} if tls_only is None else {EVERY: tls_only}
    words: dict[str, str | None] = (
        {} if authentication is None else {EVERY: authentication}
    )
    return Settings(lists, flags, words).applied(fleet)


def _retired(trust: pd.DataFrame, cas: Sequence[str]) -> pd.DataFrame:
    """Take CAs, by fingerprint or common name, out of every list."""
    gone = np.zeros(len(trust), dtype=bool)
    for name in cas:
        matches = true(
            trust["fingerprint"].eq(name.lower()) | trust["subject_cn"].eq(name)
        )
        if not matches.any():
            raise CerttrustError(say("errors.advice.retired", name=name))
        gone |= matches
    return without_entries(trust, gone)


def without_entries(trust: pd.DataFrame, gone: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Take entries out of the trust lists; a list that becomes empty stays a known one.

    Examples
    --------
    >>> lists = pd.DataFrame({"pbx": ["hq", "hq", "hotel"], "fingerprint": ["00", "01", "00"]})
    >>> left = without_entries(lists, np.array([True, False, True]))
    >>> left[["pbx", "fingerprint", "parse_error"]].fillna("-").values.tolist()
    [['hq', '01', '-'], ['hotel', '-', 'the list is empty']]
    """
    kept = trust[~gone]
    pbx = trust["pbx"].fillna("")
    emptied = trust.loc[
        gone & ~pbx.isin(pbx[~gone]).to_numpy(), ["pbx"]
    ].drop_duplicates()
    emptied = conform(emptied.assign(parse_error="the list is empty"), TRUST)
    return conform(pd.concat([kept, emptied], ignore_index=True), TRUST)


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List the attempts whose verdict or cause differs between two results.

    Parameters
    ----------
    before, after : DataFrame
        Table RESULTS of the same attempts, told by their labels; rows that only one of them has
        are listed too.

    Returns
    -------
    DataFrame
        One row per attempt that changed, the worst change first: attempt (its label), device,
        pbx, change (category: broken = passed and fails now, repaired, now unknown, now known =
        passes now and was not decided, other cause, gone, new), verdict_before, verdict_after,
        cause_before, cause_after. An attempt that was not decided and fails now is broken.

    Raises
    ------
    CerttrustError
        If a label occurs twice in one of the results.

    Examples
    --------
    >>> import certtrust as ct
    >>> attempts = ct.attempts(ct.simulate(20, seed=1, faults={}))
    >>> now, then = ct.check(attempts), ct.check(attempts, at="2071-01-01")
    >>> changes(now, then)["change"].unique().tolist()
    ['broken']
    >>> len(changes(now, now))
    0
    """
    before, after = (expect(results, RESULTS) for results in (before, after))
    if not (before.index.is_unique and after.index.is_unique):
        raise CerttrustError(say("errors.advice.labels of results"))
    labels = before.index.append(after.index.difference(before.index, sort=False))
    sides: dict[str, Any] = {}
    for side, results in (("before", before), ("after", after)):
        for name in ("verdict", "cause"):
            # A cause that only the log states belongs to what was observed, and no what-if
            # changes that.
            column = (
                results[name].where(results["verdict"] == "fail")
                if name == "cause"
                else results[name]
            )
            sides[f"{name}_{side}"] = column.astype("str").reindex(labels)
    frame = pd.DataFrame(sides, index=labels)
    was, now = frame["verdict_before"], frame["verdict_after"]
    kinds: dict[str, Any] = {
        "other cause": (was == "fail")
        & (now == "fail")
        & (frame["cause_before"] != frame["cause_after"]),
        "repaired": (was == "fail") & (now == "pass"),
        "now unknown": was.isin(["pass", "fail"]) & (now == "unknown"),
        "now known": (was == "unknown") & (now == "pass"),
        "broken": was.isin(["pass", "unknown"]) & (now == "fail"),
        "gone": ~labels.isin(after.index),
        "new": ~labels.isin(before.index),
    }
    change = pd.Series(pd.NA, index=labels, dtype="str")
    for kind, rows in kinds.items():
        change = change.mask(rows, kind)
    who = pd.concat(
        [before[["device", "pbx"]], after.loc[labels[len(before) :], ["device", "pbx"]]]
    )
    worded = pd.Categorical(change, categories=list(CHANGES), ordered=True)
    differences = pd.concat([who.assign(change=worded), frame], axis="columns")
    differences = differences[differences["change"].notna()].sort_values(
        "change", kind="stable"
    )
    return differences.rename_axis("attempt").reset_index()


def changed(before: pd.DataFrame, after: pd.DataFrame) -> Codes:
    """Return the kind of change of each row, as its position in `CHANGES`; beyond the last
    where there is none.

    Parameters
    ----------
    before, after : DataFrame, n rows
        Verdict and cause of the same attempts in the same order.
    """
    frames = (before, after)
    columns = [
        frame[name].cat.codes.to_numpy()
        for frame in frames
        for name in ("verdict", "cause")
    ]
    kind, first = combine(*(column.astype(np.int64) for column in columns))
    differences = changes(
        *(frame.iloc[first].reset_index(drop=True) for frame in frames)
    )
    number = np.full(len(first), len(CHANGES), dtype=np.int64)
    number[differences["attempt"].to_numpy(dtype=np.int64)] = differences[
        "change"
    ].cat.codes.to_numpy()
    return number[kind]
