"""Wording: what to do, what it costs and what would do as well, for each action, and the PEM to upload."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd

from ...arrays.arrow import true
from ...arrays.grouping import places
from ...evaluation.ownership import leaves
from ...fleet import Fleet
from ...texts.sentences import fill, sentences
from .actions import COLUMNS, KINDS, among, taken
from .set_cover import groups
from .trusting import Authorities

_MEANT = ("subject", "subject_cn", "issuer", "issuer_cn", "not_after", "is_ca", "der")


def worded(
    plan: pd.DataFrame, own: pd.DataFrame, fleet: Fleet, known: pd.DataFrame, authorities: Authorities
) -> pd.DataFrame:
    """Complete a counted plan by words, PEM texts, and whom a trust action lets in.

    `own` pairs the place of each action with the certificates of the attempts that it is for.
    """
    plan = plan.assign(lets_in=_lets_in(plan, own, fleet, authorities))
    of_action = places(plan["fingerprint"], known["fingerprint"])
    meant = {name: taken(known[name], of_action, plan.index) for name in _MEANT}
    shown = plan.assign(
        subject_cn=meant["subject_cn"].fillna(meant["subject"]),
        issuer_cn=meant["issuer_cn"].fillna(meant["issuer"]),
        not_after=meant["not_after"],
        list=("the trust list of the PBX " + plan["pbx"]).fillna("the trust list of every PBX"),
        entry=("the entry of " + plan["device"] + " at the PBX " + plan["pbx"]).fillna(
            "each entry of " + plan["device"].fillna("")
        ),
        others=plan["lets_in"],
    )
    variant = plan["action"].mask((plan["action"] == "trust") & true(meant["is_ca"]), "trust CA")
    self_signed = true(meant["subject"] == meant["issuer"])
    variant = variant.mask(variant.isin(["renew", "reissue"]) & self_signed, variant + " self-signed")
    texts = sentences()["actions"]
    parts = [(texts[kind], shown[variant == kind]) for kind in variant.unique()]
    words = {
        name: pd.concat([pd.Series(dtype="str"), *(fill(text[name], rows) for text, rows in parts)]).reindex(plan.index)
        for name in ("step", "price", "instead")
    }
    ders = zip(plan["action"] == "trust", meant["der"], strict=True)
    pems = [pem(der) if to_upload and isinstance(der, bytes) else None for to_upload, der in ders]
    counts = ["attempts", "devices", "attempts_cumulative", "devices_cumulative", "undecided"]
    return pd.DataFrame(
        {
            "rank": range(1, len(plan) + 1),
            "action": pd.Categorical(plan["action"], categories=list(KINDS)),
            **{name: plan[name] for name in (*COLUMNS, *counts, "lets_in")},
            **words,
            "pem": pd.Series(pems, index=plan.index, dtype="str"),
        }
    ).astype({"rank": "int64"})


def pem(der: bytes) -> str:
    """Return a certificate as PEM text (RFC 7468)."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


_LEAVES = ("fingerprint", "bundle", "subject", "issuer", "self_issued")


def _lets_in(plan: pd.DataFrame, own: pd.DataFrame, fleet: Fleet, authorities: Authorities) -> pd.Series:
    """Count the known device certificates, beyond those that the action is for, that it makes trusted too."""
    signed = authorities.signer.index.to_series()
    of_device = among(signed, leaves(fleet.certificates[[*_LEAVES]])["fingerprint"])
    certificates = groups(own["place"].to_numpy(), places(own["fingerprint"], signed), len(plan))
    trusting = plan["action"].isin(["trust", "renew CA"])
    entries = plan["fingerprint"][trusting]
    below = authorities.below(entries.unique())
    counts = np.zeros(len(plan), dtype=np.int64)
    let_in = np.zeros(len(signed) + 1, dtype=bool)
    for row, entry in zip(np.flatnonzero(trusting).tolist(), entries, strict=True):
        let_in[below[entry]] = of_device[below[entry]]
        counts[row] = let_in[below[entry]].sum() - let_in[certificates[row]].sum()
        let_in[below[entry]] = False
    return pd.Series(counts, index=plan.index).astype("Int64").where(trusting)
