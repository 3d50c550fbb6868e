"""Wording: what to do, what it costs and what would do as well, for each action, and the PEM to
upload.
"""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd

from ...arrays.arrow import true
from ...arrays.grouping import places
from ...evaluation.ownership import leaves
from ...fleet import Fleet
from ...texts.sentences import fill, sentences
from ..phrases import fill_each
from .fleet_copy import among, taken
from .kinds import BY_KIND, KINDS
from .remedy import COLUMNS
from .set_cover import groups
from .trusting import Authorities

_SHOWN = ("subject", "subject_cn", "issuer", "issuer_cn", "not_after", "is_ca", "der")


def worded(
    plan: pd.DataFrame,
    own: pd.DataFrame,
    fleet: Fleet,
    known: pd.DataFrame,
    authorities: Authorities,
) -> pd.DataFrame:
    """Complete a counted plan by words, PEM texts, and whom a trust action lets in.

    `own` pairs the position of each action with the certificates of the attempts that it is for.
    """
    plan = plan.assign(lets_in=_lets_in(plan, own, fleet, authorities))
    of_action = places(plan["fingerprint"], known["fingerprint"])
    certificates = pd.DataFrame(
        {name: taken(known[name], of_action, plan.index) for name in _SHOWN}
    )
    words = _words(plan, certificates)
    uploads = plan["action"].isin([kind for kind in KINDS if BY_KIND[kind].uploads])
    ders = zip(uploads, certificates["der"], strict=True)
    pems = [
        pem(der) if to_upload and isinstance(der, bytes) else None
        for to_upload, der in ders
    ]
    counts = [
        "attempts",
        "devices",
        "attempts_cumulative",
        "devices_cumulative",
        "undecided",
    ]
    return pd.DataFrame(
        {
            "rank": range(1, len(plan) + 1),
            "action": pd.Categorical(plan["action"], categories=list(KINDS)),
            **{name: plan[name] for name in (*COLUMNS, *counts, "lets_in")},
            **words,
            "pem": pd.Series(pems, index=plan.index, dtype="str"),
        }
    ).astype({"rank": "int64"})


def _words(plan: pd.DataFrame, certificates: pd.DataFrame) -> dict[str, pd.Series]:
    """Return step, price and instead of each action, in the words of its kind."""
    all_words = sentences()
    where = all_words["advice"]["where"]
    at_pbx = plan["pbx"].notna()
    shown = plan[[*COLUMNS]].assign(
        subject_cn=certificates["subject_cn"].fillna(certificates["subject"]),
        issuer_cn=certificates["issuer_cn"].fillna(certificates["issuer"]),
        not_after=certificates["not_after"],
        list=fill(where["list"], plan).where(at_pbx, fill(where["every list"], plan)),
        entry=fill(where["entry"], plan).where(
            at_pbx, fill(where["every entry"], plan)
        ),
        others=plan["lets_in"],
    )
    flags = {
        "is_ca": true(certificates["is_ca"]),
        "self_signed": true(certificates["subject"] == certificates["issuer"]),
    }
    key = plan["action"].astype("str")
    for kind, (flag, words) in (
        (kind, remedy.variant) for kind, remedy in BY_KIND.items() if remedy.variant
    ):
        key = key.mask((plan["action"] == kind) & flags[flag], words)
    return {
        part: fill_each(
            {kind: words[part] for kind, words in all_words["actions"].items()},
            key,
            shown,
        )
        for part in ("step", "price", "instead")
    }


def pem(der: bytes) -> str:
    """Return a certificate as PEM text (RFC 7468)."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(
        ["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]
    )


_LEAVES = ("fingerprint", "bundle", "subject", "issuer", "self_issued")


def _lets_in(
    plan: pd.DataFrame, own: pd.DataFrame, fleet: Fleet, authorities: Authorities
) -> pd.Series:
    """Count the known device certificates, beyond those that the action is for, that it makes
    trusted too.
    """
    signed = authorities.signer.index.to_series()
    of_device = among(signed, leaves(fleet.certificates[[*_LEAVES]])["fingerprint"])
    certificates = groups(
        own["position"].to_numpy(), places(own["fingerprint"], signed), len(plan)
    )
    listing = [kind for kind in KINDS if BY_KIND[kind].entries]
    trusting = plan["action"].isin(listing) & plan["fingerprint"].notna()
    entries = plan["fingerprint"][trusting]
    below = authorities.below(entries.unique())
    counts = np.zeros(len(plan), dtype=np.int64)
    let_in = np.zeros(len(signed) + 1, dtype=bool)
    for row, entry in zip(np.flatnonzero(trusting).tolist(), entries, strict=True):
        let_in[below[entry]] = of_device[below[entry]]
        counts[row] = let_in[below[entry]].sum() - let_in[certificates[row]].sum()
        let_in[below[entry]] = False
    return pd.Series(counts, index=plan.index).astype("Int64").where(trusting)
