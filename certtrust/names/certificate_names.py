"""Every name that a certificate holds: its CNs, DNS names and addresses."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import as_mask, text
from ..schema import CERTIFICATES, expect
from ..x509 import reader

Kind = Literal["dns", "cn", "ip"]
_NAMES = ("subject_cn", "dns_names", "ip_addresses")

REFUSED = f"^{reader.REFUSED}"
"""Pattern of what the reader reports of a certificate whose content must not be relied on."""


def certificate_names(certificates: pd.DataFrame) -> pd.DataFrame:
    """Return every name of every certificate, one per row.

    Parameters
    ----------
    certificates : DataFrame
        Table CERTIFICATES, or any frame with subject, subject_cn, dns_names and ip_addresses.

    Returns
    -------
    DataFrame
        fingerprint, device (as far as the frame has them), kind (cn, dns or ip) and name; the
        index is the row of the certificate, repeated. A certificate without names has no row.

    Examples
    --------
    >>> frame = pd.DataFrame({"subject": ["CN=phone,CN=lobby"], "subject_cn": ["phone"],
    ...                       "dns_names": [["phone.example"]], "ip_addresses": [["192.0.2.7"]]})
    >>> certificate_names(frame).values.tolist()
    [['cn', 'lobby'], ['cn', 'phone'], ['dns', 'phone.example'], ['ip', '192.0.2.7']]
    """
    certificates = expect(certificates, CERTIFICATES, _NAMES)
    kinds = names_by_kind(certificates)
    rows = np.concatenate([found for found, _ in kinds.values()])
    order = np.argsort(rows, kind="stable")
    kind = np.repeat(list(kinds), [len(found) for found, _ in kinds.values()])
    name = pd.concat(
        [pd.Series(found.to_pandas(), dtype="str") for _, found in kinds.values()],
        ignore_index=True,
    )
    identity = [
        column for column in ("fingerprint", "device") if column in certificates
    ]
    table = certificates[identity].iloc[rows[order]]
    return table.assign(
        kind=pd.Categorical(kind[order], categories=list(kinds)),
        name=name.iloc[order].to_numpy(),
    ).astype({"name": "str"})


def names_by_kind(frame: pd.DataFrame) -> dict[Kind, tuple[np.ndarray, Any]]:
    """Return the CNs, DNS names and addresses of certificates, each as the rows they stand in
    and the names.
    """
    return {
        "cn": common_names(frame),
        "dns": entries(frame["dns_names"]),
        "ip": entries(frame["ip_addresses"]),
    }


def common_names(frame: pd.DataFrame) -> tuple[np.ndarray, Any]:
    """Return all CNs of certificates, in the order of their rows, and the row of each; first
    the rows.
    """
    last = text(frame["subject_cn"])
    if "subject" not in frame:
        rows = np.flatnonzero(~as_mask(pc.is_null(last)))
        return rows, last.take(pa.array(rows))
    subject = text(frame["subject"])
    several = pa.array(
        np.flatnonzero(as_mask(pc.greater(pc.count_substring(subject, "CN="), 1)))
    )
    texts = subject.take(several)
    distinct = texts.unique()
    lists = pa.array(
        [_cns_of(value) for value in distinct.to_pylist()],
        type=pa.list_(pa.large_string()),
    )
    more = lists.take(pc.index_in(texts, distinct))
    beside, others = several.take(pc.list_parent_indices(more)), more.flatten()
    new = pc.fill_null(pc.not_equal(others, last.take(beside)), fill_value=True)
    own = pa.array(np.flatnonzero(as_mask(pc.is_valid(last))))
    rows = np.concatenate([beside.filter(new).to_numpy(), own.to_numpy()])
    order = np.argsort(rows, kind="stable")
    return rows[order], pa.concat_arrays([others.filter(new), last.take(own)]).take(
        pa.array(order)
    )


_ATTRIBUTE = re.compile(r"(?:^|[,+])([^=,+\\]+)=((?:\\.|[^\\,+])*)", re.DOTALL)
_ESCAPE = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


def _cns_of(subject: str) -> list[str]:
    """Read the CNs out of a name as RFC 4514 text, which gives them last first."""
    found = [
        _unescaped(value)
        for key, value in _ATTRIBUTE.findall(subject)
        if key.strip().upper() == "CN"
    ]
    return found[::-1]


def _unescaped(value: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return (
            bytes.fromhex(match[1].replace("\\", "")).decode(errors="replace")
            if match[1]
            else match[2]
        )

    return _ESCAPE.sub(plain, value)


def entries(lists: pd.Series) -> tuple[np.ndarray, Any]:
    """Return all entries of a column of lists and the row of each."""
    exploded = lists.reset_index(drop=True).explode().dropna()
    return exploded.index.to_numpy(), text(exploded)


def subject_is_unread(frame: pd.DataFrame) -> np.ndarray:
    """Return where nothing is known of the subject: there is no certificate, or it could not be
    read.
    """
    witness = next(
        (name for name in ("subject", "fingerprint") if name in frame), "subject_cn"
    )
    return (frame["subject_cn"].isna() & frame[witness].isna()).to_numpy()


def reader_reported(frame: pd.DataFrame, pattern: str) -> np.ndarray:
    """Return where the reader of the certificate reported something that fits the pattern."""
    if "certificate_error" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return as_mask(pc.match_substring_regex(text(frame["certificate_error"]), pattern))
