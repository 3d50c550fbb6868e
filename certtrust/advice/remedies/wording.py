"""Wording: what to do, what it costs, what would do as well, and the PEM text to upload."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...arrays.arrow import as_mask
from ...arrays.grouping import first_positions
from ...evaluation.ownership import leaves
from ...fleet import Fleet
from ...texts.sentences import fill, sentences
from ...x509.pem import pem
from ..joins import among, values_at
from ..phrases import fill_by_kind
from .kinds import BY_KIND, KINDS
from .people import people
from .remedy import COLUMNS
from .set_cover import groups
from .trusting import Authorities

_SHOWN = ("subject", "subject_cn", "issuer", "issuer_cn", "not_after", "is_ca", "der")


def worded(
    plan: pd.DataFrame,
    presented: pd.DataFrame,
    fleet: Fleet,
    certificates: pd.DataFrame,
    authorities: Authorities,
    results: pd.DataFrame,
) -> pd.DataFrame:
    """Return a counted plan with words, PEM texts, and whom a trust action lets in.

    `presented` holds the position of each action with the fingerprints of the attempts that it
    is for, `results` tell whose devices these are.
    """
    plan = plan.assign(lets_in=_lets_in(plan, presented, fleet, authorities))
    position = first_positions(plan["fingerprint"], certificates["fingerprint"])
    of_action = pd.DataFrame(
        {name: values_at(certificates[name], position, plan.index) for name in _SHOWN}
    )
    uploads = plan["action"].isin([kind for kind in KINDS if BY_KIND[kind].uploads])
    pems = [
        pem(der) if isinstance(der, bytes) else None
        for der in of_action["der"].where(uploads)
    ]
    rank = pd.DataFrame({"rank": np.arange(1, len(plan) + 1)}, index=plan.index)
    return rank.join(plan).assign(
        action=pd.Categorical(plan["action"], categories=list(KINDS)),
        **_words(plan, of_action, people(plan, results)),
        pem=pd.Series(pems, index=plan.index, dtype="str"),
    )


def _words(
    plan: pd.DataFrame, certificates: pd.DataFrame, names: dict[str, pd.Series]
) -> dict[str, pd.Series]:
    """Return step, price and instead of each action, in the words of its kind."""
    words = sentences()
    where = words["advice"]["where"]
    at_pbx = plan["pbx"].notna()
    subject = certificates["subject_cn"].fillna(certificates["subject"])
    plan = plan.assign(device=names["device"])
    lies_ahead = as_mask(plan["since"] > pd.Timestamp.now("UTC"))
    values = plan[[*COLUMNS]].assign(
        subject_cn=subject,
        holder=names["holder"].fillna(subject),
        # What failed in the past cannot be repaired in the past.
        validity=fill(words["advice"]["valid_from"], plan).where(
            lies_ahead, words["advice"]["valid_now"]
        ),
        issuer_cn=certificates["issuer_cn"].fillna(certificates["issuer"]),
        not_after=certificates["not_after"],
        list=fill(where["list"], plan).where(at_pbx, fill(where["every list"], plan)),
        entry=fill(where["entry"], plan).where(
            at_pbx, fill(where["every entry"], plan)
        ),
        others=plan["lets_in"],
    )
    flags = {
        "is_ca": as_mask(certificates["is_ca"]),
        "self_signed": as_mask(certificates["subject"] == certificates["issuer"]),
    }
    key = plan["action"].astype("str")
    for kind, remedy in BY_KIND.items():
        if remedy.variant is not None:
            flag, variant = remedy.variant
            key = key.mask((plan["action"] == kind) & flags[flag], variant)
    return {
        part: fill_by_kind(
            {kind: texts[part] for kind, texts in words["actions"].items()},
            key,
            values,
        )
        for part in ("step", "price", "instead")
    }


def _lets_in(
    plan: pd.DataFrame,
    presented: pd.DataFrame,
    fleet: Fleet,
    authorities: Authorities,
) -> pd.Series:
    """Return how many further device certificates of the fleet each action makes trusted."""
    signed = authorities.signer.index.to_series()
    columns = ["fingerprint", "bundle", "subject", "issuer", "self_issued"]
    of_device = among(signed, leaves(fleet.certificates[columns])["fingerprint"])
    own = groups(
        presented["position"].to_numpy(),
        first_positions(presented["fingerprint"], signed),
        len(plan),
    )
    listing = [kind for kind in KINDS if BY_KIND[kind].entries]
    trusting = plan["action"].isin(listing) & plan["fingerprint"].notna()
    entries = plan["fingerprint"][trusting]
    below = authorities.below(entries.unique())
    counts = np.zeros(len(plan), dtype=np.int64)
    let_in = np.zeros(len(signed) + 1, dtype=bool)
    for row, entry in zip(np.flatnonzero(trusting).tolist(), entries, strict=True):
        let_in[below[entry]] = of_device[below[entry]]
        counts[row] = let_in[below[entry]].sum() - let_in[own[row]].sum()
        let_in[below[entry]] = False
    return pd.Series(counts, index=plan.index).astype("Int64").where(trusting)
