"""An opinion: a certificate that names its purposes names those of mutual TLS."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...arrays.arrow import text
from .rule import Rule, certificate_is_known

PURPOSES = ("serverAuth", "clientAuth")
ANY_PURPOSE = "anyExtendedKeyUsage"


def _names_every(values: pd.Series, wanted: tuple[str, ...], *, instead: str | None = None) -> pd.Series:
    """Return where a column of words names all that is wanted; an extension that is absent forbids nothing."""
    encoded = text(values).dictionary_encode()
    named = [set(words.split(",")) for words in encoded.dictionary.to_pylist()]
    every = np.array([set(wanted) <= words or instead in words for words in named] + [True], dtype=bool)
    return pd.Series(every[encoded.indices.fill_null(len(named)).to_numpy()], index=values.index)


def _fits_mutual_tls(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    signs = _names_every(attempts["key_usage"], ("digitalSignature",))
    # Only an RSA key can encipher another one (RFC 8813, section 3).
    enciphers = _names_every(attempts["key_usage"], ("keyEncipherment",)) | (attempts["key_type"] != "RSA")
    purposes = _names_every(attempts["extended_key_usage"], PURPOSES, instead=ANY_PURPOSE)
    fits = signs & enciphers & purposes
    unread = attempts["certificate_error"].notna() | attempts["key_type"].isna()
    return fits.astype("boolean").where(certificate_is_known(attempts) & ~(unread & fits))


RULES = (
    Rule(
        code="hygiene.client_usage",
        needs=("key_usage", "extended_key_usage", "key_type", "certificate_error", "subject", "subject_cn"),
        holds=_fits_mutual_tls,
        shown={"h323-certificate": 40},
    ),
)
