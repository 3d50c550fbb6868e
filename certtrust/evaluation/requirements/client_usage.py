"""An opinion: a certificate that names its purposes names those of mutual TLS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...arrays.arrow import as_mask, text
from .rule import Rule, certificate_is_known

PURPOSES = ("serverAuth", "clientAuth")
ANY_PURPOSE = "anyExtendedKeyUsage"


Mask = npt.NDArray[np.bool_]


def _each_fits(values: pd.Series, *fitting: Callable[[set[str]], bool]) -> list[Mask]:
    """Return where a column of words fits each condition; an absent extension fits all."""
    encoded = text(values).dictionary_encode()
    named = [set(words.split(",")) for words in encoded.dictionary.to_pylist()]
    number = encoded.indices.fill_null(len(named)).to_numpy()
    return [
        np.array([*map(fits, named), True], dtype=bool)[number] for fits in fitting
    ]


def _fits_mutual_tls(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    # Only an RSA key can encipher another one (RFC 8813, section 3).
    with_rsa, otherwise = _each_fits(
        attempts["key_usage"],
        lambda usages: usages >= {"digitalSignature", "keyEncipherment"},
        lambda usages: "digitalSignature" in usages,
    )
    (purposes,) = _each_fits(
        attempts["extended_key_usage"],
        lambda named: ANY_PURPOSE in named or named.issuperset(PURPOSES),
    )
    is_rsa = as_mask(attempts["key_type"] == "RSA")
    fits = pd.Series(
        np.where(is_rsa, with_rsa, otherwise) & purposes, index=attempts.index
    )
    unread = attempts["certificate_error"].notna() | attempts["key_type"].isna()
    return fits.astype("boolean").where(
        certificate_is_known(attempts) & ~(unread & fits)
    )


RULES = (
    Rule(
        code="hygiene.client_usage",
        needs=(
            "key_usage",
            "extended_key_usage",
            "key_type",
            "certificate_error",
            "subject",
            "subject_cn",
        ),
        holds=_fits_mutual_tls,
        shown={"h323-certificate": 40},
    ),
)
