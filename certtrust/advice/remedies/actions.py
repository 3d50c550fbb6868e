"""Actions: changes to a fleet as rows of data, and the copy of a fleet in which they had been
carried out.
"""

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
    """Return every kind of action, the most welcome one first.

    Returns
    -------
    DataFrame
        One row per kind: action, title, cost (what decides between kinds that repair as much),
        meets (rules that it mends), needs (columns of an action that it cannot do without),
        step, price, instead (templates of what to do, what it costs in trust or in work, and
        what would do as well).

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
            **{name: texts[remedy.kind][name] for name in ("step", "price", "instead")},
        }
        for remedy in BY_KIND.values()
    )


def apply(fleet: Fleet, actions: pd.DataFrame) -> Fleet:
    """Return a copy of the fleet in which the actions had been carried out before its log was
    written.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    actions : DataFrame
        Rows of `remedies`, or any frame with the column action and those that its kinds need, see
        `certtrust.advice.kinds`:

        =========== ==============================================================================
        action      what kind of action, one of `certtrust.advice.KINDS`
        pbx         where; missing: at every PBX, or in every trust list
        device      whose registrations or entries are meant
        fingerprint the certificate that is trusted, renewed or replaced
        name        what is called otherwise: the registration name, or the issuer of "find CA"
        value       the new registration name, the new CN, or the key identifier of "find CA"
        since       from when on a new certificate is valid; it has no end
        =========== ==============================================================================

    Returns
    -------
    Fleet
        What would have been, to be judged by `check(attempts(...))` like any other. Nothing can
        be signed here: a renewed or reissued certificate keeps its fingerprint, its signature
        and so its place in chains and lists, and only its dates and its CN are replaced in the
        frame. A CA that is not at hand is stood in for by the known certificates that it
        signed.

    Raises
    ------
    MissingColumnError
        If there is no column action.
    CerttrustError
        If an action is of no known kind, lacks what its kind cannot do without, or is to trust
        a certificate that the fleet does not have.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1, faults={"time.clock": 0.2})
    >>> device = ct.attempts(fleet).query("clock_unset")["device"].iloc[0]
    >>> better = apply(fleet, pd.DataFrame({"action": ["set clock"], "device": [device]}))
    >>> before, after = (each.registrations["clock_unset"].sum() for each in (fleet, better))
    >>> bool(before > after)
    True
    """
    fleet = expect_fleet(fleet)
    ownership = Ownership.of(fleet)
    registered = ownership.owners(fleet.registrations)
    return applied(fleet, actions, registered, ownership.entered)


def applied(
    fleet: Fleet, actions: pd.DataFrame, registered: pd.Series, entered: pd.Series
) -> Fleet:
    """Do what `apply` does, where the device of each registration and of each device entry is
    known already.
    """
    # A log line that says nothing of a registration is no attempt, and must not become one.
    copy = FleetCopy(
        fleet, registered.where(is_registration(fleet.registrations)), entered
    )
    for kind, chosen in _conformed(actions).groupby("action", sort=False):
        copy = BY_KIND[str(kind)].carry_out(copy, chosen)
    return copy.fleet


def _conformed(actions: pd.DataFrame) -> pd.DataFrame:
    if "action" not in actions:
        raise MissingColumnError(say("errors.advice.no action"))
    kind = actions["action"].astype("str")
    check_kinds(kind.dropna().unique().tolist())
    if kind.isna().any():
        raise CerttrustError(say("errors.advice.missing kind", kinds=", ".join(KINDS)))
    columns = {
        name: actions[name].astype(dtype)
        if name in actions
        else pd.Series(pd.NA, index=actions.index, dtype=dtype)
        for name, dtype in COLUMNS.items()
    }
    for remedy in BY_KIND.values():
        for name in remedy.needs:
            if (columns[name].isna() & (kind == remedy.kind)).any():
                needs = listed(remedy.needs)
                raise CerttrustError(
                    say(
                        "errors.advice.incomplete",
                        kind=remedy.kind,
                        name=name,
                        needs=needs,
                    )
                )
    return pd.DataFrame({"action": kind, **columns})


def check_kinds(kinds: list[str]) -> None:
    """Make sure that each of these is a kind of action.

    Raises
    ------
    CerttrustError
        If one is not.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise CerttrustError(
            say("errors.advice.kind", kind=", ".join(unknown), kinds=", ".join(KINDS))
        )
