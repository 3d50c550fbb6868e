"""Remedies: the smallest set of actions that repairs what can be repaired, the most useful ones first."""

from __future__ import annotations

import pandas as pd

from ..fleet import Fleet


def remedies(fleet: Fleet, results: pd.DataFrame) -> pd.DataFrame:
    """Rank the actions that turn predicted failures into passes, so that the first ones repair most devices.

    Parameters
    ----------
    fleet : Fleet
        The fleet that `results` were made from.
    results : DataFrame
        Table RESULTS of `attempts(fleet)` or `attempts(fleet, of="devices")`, or some of its rows.

    Returns
    -------
    DataFrame
        One row per action, in the order in which to carry them out:

        =================== ==========================================================================
        rank                1, 2, 3, ...
        action              category: what kind of action, see `certtrust.advice.KINDS`
        pbx, device         where; missing where it does not matter
        fingerprint         the certificate that is trusted, renewed or replaced
        name, value         what it is called now, and the very name to use instead
        attempts, devices   how many it repairs alone, and of how many devices these are
        attempts_cumulative how many are repaired by this action and all before it together
        devices_cumulative  of how many devices these are
        undecided           attempts that, by all actions so far, break no known rule any more, but whose
                            data do not suffice for a verdict; never counted as repaired
        lets_in             for trust: known certificates of further devices that are let in as well
        step                what to do, in words
        price               what it costs in trust or in work, in words
        instead             another action that would do, in words
        pem                 for trust: the certificate to upload, as PEM text
        =================== ==========================================================================
    """
    raise NotImplementedError
