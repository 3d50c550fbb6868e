"""Whom an action concerns: its device and its certificate's holders, as people name them."""

from __future__ import annotations

import pandas as pd

from ...arrays.arrow import as_mask
from ...arrays.grouping import distinct_rows, first_positions, first_row_positions
from ...texts.device_labels import LABELLED_BY, labels_of
from ...texts.labels import plural
from ...texts.sentences import say
from ..joins import among, values_at


def people(plan: pd.DataFrame, results: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the device of each action, and the holders of its certificate, in words.

    Parameters
    ----------
    plan : DataFrame
        Actions with pbx, device and fingerprint.
    results : DataFrame
        Table RESULTS, with every attempt of the devices that the plan touches.

    Returns
    -------
    dict of Series
        `device`, and `holder`: the devices that present the certificate, the first of them by
        name; both missing where nothing tells.
    """
    concerned = among(results["device"], plan["device"])
    presents = among(results["fingerprint"], plan["fingerprint"])
    rows = distinct_rows(
        results.loc[concerned | presents, [*LABELLED_BY, "pbx", "fingerprint"]]
    )
    rows = rows.assign(label=labels_of(rows))
    # A PBX that does not know the user names the bare device; another one may know more.
    is_bare = as_mask(rows["label"] == rows["device"])
    rows = rows.assign(is_bare=is_bare).sort_values(["is_bare", "label"])
    return {"device": _devices(plan, rows), "holder": _holders(plan, rows)}


def _devices(plan: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    exact = first_row_positions(
        (plan["device"], plan["pbx"]), (rows["device"], rows["pbx"])
    )
    loose = first_positions(plan["device"], rows["device"])
    at_pbx, anywhere = (
        values_at(rows["label"], position, plan.index) for position in (exact, loose)
    )
    return at_pbx.fillna(anywhere).fillna(plan["device"])


def _holders(plan: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    held = rows.dropna(subset=["fingerprint", "label"])
    held = held[among(held["fingerprint"], plan["fingerprint"])]
    held = held.drop_duplicates(["fingerprint", "device"])
    by_certificate = held.groupby("fingerprint", sort=False)["label"]
    words = by_certificate.first().astype("str")
    counts = by_certificate.size()
    for fingerprint in counts.index[counts > 1]:
        words[fingerprint] = say(
            "advice.holders",
            first=words[fingerprint],
            others=plural(int(counts[fingerprint]) - 1, "other device"),
        )
    return plan["fingerprint"].map(words).astype("str")
