"""Wording: what to do, what it costs and what would do as well, for each action, and the PEM to upload."""

from __future__ import annotations

import base64

import pandas as pd

from ..fleet import Fleet
from ..owners import leaves
from ..texts import fill, sentences
from .actions import COLUMNS, KINDS
from .trusting import Authorities


def worded(
    plan: pd.DataFrame, own: list[set[str]], fleet: Fleet, known: pd.DataFrame, authorities: Authorities
) -> pd.DataFrame:
    """Complete a counted plan by words, PEM texts, and whom a trust action lets in.

    `own` holds, for each action, the certificates of the attempts that it is for.
    """
    plan = plan.assign(lets_in=_lets_in(plan, own, fleet, authorities))
    shown = plan.assign(
        **{name: known[name].reindex(plan["fingerprint"]).array for name in ("subject_cn", "issuer_cn", "not_after")},
        list=("the trust list of the PBX " + plan["pbx"]).fillna("the trust list of every PBX"),
        entry=("the entry of " + plan["device"] + " at the PBX " + plan["pbx"]).fillna(
            "each entry of " + plan["device"].fillna("")
        ),
        others=plan["lets_in"],
    )
    is_ca = known["is_ca"].reindex(plan["fingerprint"]).fillna(value=False).to_numpy(dtype=bool)
    shown["subject_cn"] = shown["subject_cn"].fillna(
        known["subject"].reindex(plan["fingerprint"]).set_axis(shown.index)
    )
    shown["issuer_cn"] = shown["issuer_cn"].fillna(known["issuer"].reindex(plan["fingerprint"]).set_axis(shown.index))
    variant = plan["action"].where(~((plan["action"] == "trust") & is_ca), "trust CA")
    self_signed = (known["subject"] == known["issuer"]).reindex(plan["fingerprint"]).fillna(value=False).to_numpy()
    variant = variant.mask(variant.isin(["renew", "reissue"]) & self_signed, variant + " self-signed")
    words = {name: pd.Series("", index=plan.index, dtype="str") for name in ("step", "price", "instead")}
    for kind in variant.unique():
        texts = sentences()["actions"][kind]
        rows = shown[variant == kind]
        for name, column in words.items():
            column[rows.index] = fill(texts[name], rows)
    to_upload = (plan["action"] == "trust").to_numpy()
    der = known["der"].reindex(plan["fingerprint"]).to_numpy()
    pems = [
        pem(each) if trust and isinstance(each, bytes) else None for trust, each in zip(to_upload, der, strict=True)
    ]
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


_OWN = ("fingerprint", "bundle", "subject", "issuer", "self_issued")


def _lets_in(plan: pd.DataFrame, own: list[set[str]], fleet: Fleet, authorities: Authorities) -> pd.Series:
    """Count the known device certificates, beyond those that the action is for, that it makes trusted too."""
    trusting = plan["action"].isin(["trust", "renew CA"])
    devices = set(
        leaves(fleet.certificates[["fingerprint", "bundle", "subject", "issuer", "self_issued"]])[
            "fingerprint"
        ].dropna()
    )
    below = authorities.below(plan.loc[trusting, "fingerprint"].unique())
    counts = [
        len((below[fingerprint] & devices) - own[place]) if asked else pd.NA
        for place, (asked, fingerprint) in enumerate(zip(trusting, plan["fingerprint"], strict=True))
    ]
    return pd.Series(counts, index=plan.index, dtype="Int64")
