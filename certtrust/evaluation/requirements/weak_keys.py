"""An opinion: keys are of today's strength, and signatures use today's hashes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .rule import Rule, as_flags, certificate_is_known

WEAK_HASHES = ("md2", "md4", "md5", "sha1")
WITHOUT_HASH = ("ed25519", "ed448")
"""Signature algorithms that have no hash of their own."""


def _key_is_strong(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    kind = attempts["key_type"]
    least = np.where(kind.isin(["RSA", "DSA"]), 2048, np.where(kind == "EC", 224, 0))
    strong = as_flags(attempts["key_size"] >= least)
    return strong.where(kind.notna() & certificate_is_known(attempts))


def _hash_is_current(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    used = attempts["signature_hash"]
    stated = used.notna() | attempts["signature_algorithm"].isin(WITHOUT_HASH)
    return as_flags(~used.isin(WEAK_HASHES)).where(
        stated & certificate_is_known(attempts)
    )


_KNOWN_BY = ("subject", "subject_cn")

RULES = (
    Rule(
        code="hygiene.weak_key",
        needs=("key_type", "key_size", *_KNOWN_BY),
        holds=_key_is_strong,
        shown={"browser": 20, "h323-certificate": 10},
    ),
    Rule(
        code="hygiene.weak_signature",
        needs=("signature_hash", "signature_algorithm", *_KNOWN_BY),
        holds=_hash_is_current,
        shown={"browser": 30, "h323-certificate": 20},
    ),
)
