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
    rows = np.concatenate([rows for rows, _ in kinds.values()])
    order = np.argsort(rows, kind="stable")
    kind = np.repeat(list(kinds), [len(names) for _, names in kinds.values()])
    names = pa.concat_arrays([names for _, names in kinds.values()])
    identity = [name for name in ("fingerprint", "device") if name in certificates]
    return (
        certificates[identity]
        .iloc[rows[order]]
        .assign(
            kind=pd.Categorical(kind[order], categories=list(kinds)),
            name=pd.array(names.take(pa.array(order)), dtype="str"),
        )
    )


def names_by_kind(frame: pd.DataFrame) -> dict[Kind, tuple[np.ndarray, Any]]:
    """Return the CNs, DNS names and addresses of certificates, each with their rows first."""
    return {
        "cn": common_names(frame),
        "dns": entries(frame["dns_names"]),
        "ip": entries(frame["ip_addresses"]),
    }


def common_names(frame: pd.DataFrame) -> tuple[np.ndarray, Any]:
    """Return the row of each CN, and all CNs as Arrow text, in the order of their rows."""
    last = text(frame["subject_cn"])
    has_cn = np.flatnonzero(as_mask(pc.is_valid(last)))
    if "subject" not in frame:
        return has_cn, last.take(pa.array(has_cn))
    subject = text(frame["subject"])
    count = pc.count_substring(subject, "CN=")
    several = pa.array(np.flatnonzero(as_mask(pc.greater(count, 1))))
    if not len(several):
        return has_cn, last.take(pa.array(has_cn))
    subjects = subject.take(several)
    distinct = subjects.unique()
    cns_of_distinct = pa.array(
        [_cns_of(name) for name in distinct.to_pylist()],
        type=pa.list_(pa.large_string()),
    )
    cns = cns_of_distinct.take(pc.index_in(subjects, distinct))
    rows, others = several.take(pc.list_parent_indices(cns)), cns.flatten()
    further = pc.fill_null(pc.not_equal(others, last.take(rows)), fill_value=True)
    every_row = np.concatenate([rows.filter(further).to_numpy(), has_cn])
    order = np.argsort(every_row, kind="stable")
    every = pa.concat_arrays([others.filter(further), last.take(pa.array(has_cn))])
    return every_row[order], every.take(pa.array(order))


_ATTRIBUTE = re.compile(r"(?:^|[,+])([^=,+\\]+)=((?:\\.|[^\\,+])*)", re.DOTALL)
_ESCAPE = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


def _cns_of(subject: str) -> list[str]:
    """Return the CNs of a name in RFC 4514 text, which gives them last first."""
    attributes = _ATTRIBUTE.findall(subject)[::-1]
    return [
        _unescaped(value) for key, value in attributes if key.strip().upper() == "CN"
    ]


def _unescaped(value: str) -> str:
    def plain(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[2]
        return bytes.fromhex(match[1].replace("\\", "")).decode(errors="replace")

    return _ESCAPE.sub(plain, value)


def entries(lists: pd.Series) -> tuple[np.ndarray, Any]:
    """Return all entries of a column of lists and the row of each."""
    exploded = lists.reset_index(drop=True).explode().dropna()
    return exploded.index.to_numpy(), text(exploded)


def subject_is_unread(frame: pd.DataFrame) -> np.ndarray:
    """Return where nothing is known of the subject: there is none, or it is unreadable."""
    columns = [name for name in ("subject", "fingerprint") if name in frame]
    other = columns[0] if columns else "subject_cn"
    return (frame["subject_cn"].isna() & frame[other].isna()).to_numpy()


def reader_reported(frame: pd.DataFrame, pattern: str) -> np.ndarray:
    """Return where the reader of the certificate reported something that fits the pattern."""
    if "certificate_error" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return as_mask(
        pc.match_substring_regex(text(frame["certificate_error"]), pattern)
    )
