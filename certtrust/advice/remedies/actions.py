"""Actions: changes to a fleet as rows of data, and a copy of the fleet with them carried out."""

from __future__ import annotations

import pandas as pd

from ...errors import CerttrustError, MissingColumnError
from ...evaluation.attempts import is_registration
from ...evaluation.ownership import Ownership
from ...fleet import Fleet, expect_fleet
from ...texts.labels import listed
from ...texts.sentences import say, sentences
from .fleet_copy import FleetCopy
from .kinds import BY_KIND, KINDS
from .remedy import COLUMNS


def kinds() -> pd.DataFrame:
    """Return every kind of action, the cheapest one first.

    Returns
    -------
    DataFrame
        One row per kind: action, title, cost (the lower one wins between kinds that repair as
        much), meets (rules that it mends), needs (required columns of an action), step, price,
        instead (templates of what to do, what it costs in trust or in work, and what would do
        as well).

    Examples
    --------
    >>> kinds().set_index("action").loc["rename", "needs"]
    'device, value'
    """
    texts = sentences()["actions"]
    return pd.DataFrame(
        {
            "action": remedy.kind,
            "title": texts[remedy.kind]["title"],
            "cost": remedy.cost,
            "meets": ", ".join(remedy.meets),
            "needs": ", ".join(remedy.needs),
            **{
                name: texts[remedy.kind][name]
                for name in ("step", "price", "instead")
            },
        }
        for remedy in BY_KIND.values()
    )


def apply(fleet: Fleet, actions: pd.DataFrame) -> Fleet:
    """Return a copy of the fleet as if the actions had been carried out before the log began.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    actions : DataFrame
        Rows of `remedies`, or any frame with the column action and those that its kinds need
        (`certtrust.advice.kinds`):

        =========== ==============================================================================
        action      what kind of action, one of `certtrust.advice.KINDS`
        pbx         where; missing: at every PBX, or in every trust list
        device      the device whose registrations or entries to change
        fingerprint the certificate that is trusted, renewed or replaced
        name        the present registration name, or the issuer of "find CA"
        value       the new registration name, the new CN, or the key identifier of "find CA"
        since       from when on a new certificate is valid; it has no end
        =========== ==============================================================================

    Returns
    -------
    Fleet
        To be judged by `check(attempts(...))` like any other. Nothing can be signed here: a
        renewed or reissued certificate keeps its fingerprint, its signature and so its position
        in chains and lists; only its dates and its CN change in the frame. A CA that is not at
        hand is represented by the certificates of the fleet that it signed.

    Raises
    ------
    MissingColumnError
        If there is no column action.
    CerttrustError
        If an action is of an unknown kind, lacks a column that its kind needs, or is to trust a
        certificate that the fleet does not have.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1, faults={"time.clock": 0.2})
    >>> device = ct.attempts(fleet).query("clock_unset")["device"].iloc[0]
    >>> better = apply(fleet, pd.DataFrame({"action": ["set clock"], "device": [device]}))
    >>> before, after = (log["clock_unset"] for log in (fleet.registrations, better.registrations))
    >>> bool(before.sum() > after.sum())
    True
    """
    fleet = expect_fleet(fleet)
    ownership = Ownership.of(fleet)
    registered = ownership.owners(fleet.registrations)
    return applied(fleet, actions, registered, ownership.entered)


def applied(
    fleet: Fleet, actions: pd.DataFrame, registered: pd.Series, entered: pd.Series
) -> Fleet:
    """Return what `apply` does, given the device of each registration and device entry."""
    # A log line that says nothing of a registration is no attempt, and must not become one.
    registered = registered.where(is_registration(fleet.registrations))
    copy = FleetCopy(fleet, registered, entered)
    for kind, chosen in conformed(actions).groupby("action", sort=False):
        copy = BY_KIND[str(kind)].carry_out(copy, chosen)
    return copy.fleet


def conformed(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the actions that a caller passed, with the columns that their kinds read.

    Raises
    ------
    MissingColumnError
        If there is no column action.
    CerttrustError
        If an action is of an unknown kind, or lacks a column that its kind needs.
    """
    if "action" not in actions:
        raise MissingColumnError(say("errors.advice.no action"))
    kind = actions["action"].astype("str")
    check_kinds(kind.dropna().unique().tolist())
    if kind.isna().any():
        raise CerttrustError(
            say("errors.advice.missing kind", kinds=", ".join(KINDS))
        )
    columns = actions.reindex(columns=[*COLUMNS]).astype(COLUMNS)
    for remedy in BY_KIND.values():
        lacks = columns.loc[kind == remedy.kind, [*remedy.needs]].isna().any()
        for name in lacks.index[lacks]:
            words = {"kind": remedy.kind, "name": name, "needs": listed(remedy.needs)}
            raise CerttrustError(say("errors.advice.incomplete", **words))
    return columns.assign(action=kind)


def check_kinds(kinds: list[str]) -> None:
    """Raise a CerttrustError unless each of these is a kind of action."""
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise CerttrustError(
            say("errors.advice.kind", kind=", ".join(unknown), kinds=", ".join(KINDS))
        )
