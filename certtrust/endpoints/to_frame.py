"""Answers of endpoints as frames: tables ENDPOINTS and CERTIFICATES."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..captures.handshake import fingerprint
from ..captures.to_frame import SIDES, moments
from ..certificates.reading import from_der
from ..schema import ENDPOINTS, conform
from .asking import NO_CERTIFICATE, OUTCOMES, Answer, endpoint_text

_OUTCOME = pd.CategoricalDtype(pd.Index(OUTCOMES, dtype="str"))
_OLD_VERSIONS = ("SSL 2", "SSL 3", "TLS 1.0", "TLS 1.1")
_OLD_HASHES = ("md2", "md4", "md5", "sha1")
_PLAIN = (
    *("host", "port", "address", "server_name", "alert", "tls_version", "cipher"),
    *("latency", "error"),
)


def certificates_frame(answers: Sequence[Answer]) -> pd.DataFrame:
    """Return table CERTIFICATES of what the endpoints sent, in their order."""
    rows = [(der, answer) for answer in answers for der in answer.sent]
    endpoints = [endpoint_text(answer.host, answer.port) for _, answer in rows]
    return from_der(
        [der for der, _ in rows],
        source=endpoints,
        device=[answer.host for _, answer in rows],
    )


def endpoints_frame(
    answers: Sequence[Answer], certificates: pd.DataFrame
) -> pd.DataFrame:
    """Return table ENDPOINTS of answers whose certificates were read."""
    weak = _weak_certificates(certificates)
    frame = pd.DataFrame(
        {
            **{name: [getattr(one, name) for one in answers] for name in _PLAIN},
            "outcome": pd.Categorical(
                [answer.outcome for answer in answers], dtype=_OUTCOME
            ),
            "alert_by": pd.Categorical(
                [answer.alert_by for answer in answers], dtype=SIDES
            ),
            "asked_at": moments([answer.asked_at for answer in answers]),
        }
    )
    frame["weaknesses"] = pd.Series(
        [_weaknesses(answer, weak) for answer in answers], dtype="object"
    )
    frame["certificates"] = pd.Series(
        [_fingerprints(answer) for answer in answers], dtype="object"
    )
    return conform(frame, ENDPOINTS)[ENDPOINTS.names]


def _fingerprints(answer: Answer) -> list[str] | None:
    if not answer.sent:
        return [] if answer.outcome == NO_CERTIFICATE else None
    return [fingerprint(der) for der in answer.sent]


def _weaknesses(answer: Answer, weak: dict[str, list[str]]) -> list[str] | None:
    """Return what a client of today refuses about an endpoint; None where no TLS was seen."""
    if answer.tls_version is None:
        return None
    seen = [answer.tls_version] if answer.tls_version in _OLD_VERSIONS else []
    for der in answer.sent:
        seen += weak.get(fingerprint(der), [])
    return list(dict.fromkeys(seen))


def _weak_certificates(certificates: pd.DataFrame) -> dict[str, list[str]]:
    """Return what is weak about certificates, by fingerprint."""
    rows = certificates.dropna(subset="fingerprint").drop_duplicates("fingerprint")
    kind = rows["key_type"].astype("str")
    size = rows["key_size"]
    is_small = (kind.isin(["RSA", "DSA"]) & (size < 2048)) | (
        (kind == "EC") & (size < 224)
    )
    is_root = rows["self_issued"].fillna(value=False).astype(bool)
    alone = ~rows["bundle"].duplicated(keep=False)
    is_old = rows["signature_hash"].isin(_OLD_HASHES) & (~is_root | alone)
    keys = (kind + " " + size.astype("str")).where(
        is_small.fillna(value=False).astype(bool)
    )
    hashes = rows["signature_hash"].astype("str").str.upper().where(is_old)
    hashes = hashes.str.replace("SHA1", "SHA-1")
    both = zip(rows["fingerprint"], keys, hashes, strict=True)
    return {
        name: [word for word in words if isinstance(word, str)]
        for name, *words in both
        if any(isinstance(word, str) for word in words)
    }
