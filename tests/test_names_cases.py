"""The published host-name suites: the package agrees wherever all verifiers do, unless the
article says otherwise.
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import generated_cases
import pandas as pd
import pytest

from certtrust.names import matching as names

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
published = pytest.mark.skipif(
    not CASES.is_dir(), reason="the published cases are not here"
)

ADDRESS = (
    "by the article a CN or DNS name may match the IP "
    "address of the URL; RFC 6125 requires an iPAddress entry"
)
EXCEPTIONS = {
    ("dns", "127.0.0.1", "127.0.0.1"): ADDRESS,
    ("dns", "::6.7.8.9", "::6.7.8.9"): ADDRESS,
}
"""Rows on which all verifiers agree and the package follows the article, with the reason."""

CN_BESIDE_SAN = (
    "the article says CN or DNS name: a CN counts beside a subject alternative name"
)
PARTIAL_WILDCARD = "a wildcard is a whole label"
PUBLIC_SUFFIX = "public suffixes are not known here"
CERTIFICATE_EXCEPTIONS = {
    ("8.8.8.8", ("8.8.8.8",), ()): ADDRESS,
    ("8.8.8.8", ("8.8.8.8",), ("8.8.8.8",)): ADDRESS,
    ("127.0.0.1", (), ("127.0.0.1",)): ADDRESS,
    ("a.com", ("a.com",), ("*.a.com",)): CN_BESIDE_SAN,
    ("b.a.com", ("*.a.com",), ("omg.com",)): CN_BESIDE_SAN,
    ("localhost", ("localhost",), ("a.com",)): CN_BESIDE_SAN,
    ("b.a.com", (), ("*b.a.com",)): PARTIAL_WILDCARD,
    ("a-cb.a.com", (), ("*b.a.com",)): PARTIAL_WILDCARD,
    ("example.co.uk", (), ("*.co.uk",)): PUBLIC_SUFFIX,
    ("foo.co.uk", (), ("*.co.uk.",)): PUBLIC_SUFFIX,
    ("foo.co.uk.", (), ("*.co.uk.",)): PUBLIC_SUFFIX,
    ("xn--poema-9qae5a.com.br", (), ("*.com.br",)): PUBLIC_SUFFIX,
    ("::6.7.8.9", (), ("::6.7.8.9",)): ADDRESS,
    ("[::4.5.6.9]", (), ()): "an IPv6 address in a URL has brackets",
}
"""Certificates that the suite judges differently: (host, CNs, DNS names) and the reason."""


def _rows() -> pd.DataFrame:
    with gzip.open(CASES / "names.csv.gz", "rt", newline="") as file:
        # A bare carriage return splits one record into halves without a verdict.
        rows = [
            row for row in csv.DictReader(file) if row["expected_match"] in ("0", "1")
        ]
    votes = [row["peer_votes"].split("/") for row in rows]
    return pd.DataFrame(
        {
            "kind": [row["cert_pattern_type"] for row in rows],
            "pattern": [json.loads(row["pattern_json"]) for row in rows],
            "host": [json.loads(row["host_json"]) for row in rows],
            "expected": [row["expected_match"] == "1" for row in rows],
            "unanimous": [agreeing == applicable for agreeing, applicable in votes],
        }
    )


def _judged(rows: pd.DataFrame) -> pd.Series:
    parts = [
        names.host_matches(rows_of_kind["pattern"], rows_of_kind["host"], kind=kind)
        for kind, rows_of_kind in rows.groupby("kind")
    ]
    return pd.concat(parts).reindex(rows.index)


def test_generated_names_match_as_expected() -> None:
    """Letter case, wildcards, final dots, A-labels and addresses follow RFC 6125."""
    columns = ["kind", "pattern", "host", "expected"]
    rows = pd.DataFrame(generated_cases.NAMES, columns=columns)
    different = rows[_judged(rows) != rows["expected"]]
    assert different.to_dict("records") == []


@published
def test_unanimous_rows_agree_apart_from_the_listed_exceptions() -> None:
    """Rows on which the verifiers agree have the same result, with exactly the listed
    exceptions.
    """
    rows = _rows().query("unanimous")
    different = rows[_judged(rows) != rows["expected"]]
    assert len(rows) > 180
    assert set(
        different[["kind", "pattern", "host"]].itertuples(index=False, name=None)
    ) == set(EXCEPTIONS)


@published
def test_disputed_rows_get_a_verdict_too() -> None:
    """Where the suites disagree, the result is the documented one and never missing."""
    rows = _rows()
    assert _judged(rows).notna().all()
    conflicts = pd.DataFrame(json.loads((CASES / "names_conflicts.json").read_text()))
    judged = names.host_matches(conflicts["pattern"], conflicts["host"])
    decided = dict(
        zip(
            conflicts[["pattern", "host"]].itertuples(index=False, name=None),
            judged,
            strict=True,
        )
    )
    # One final dot is ignored on either side, a wildcard needs two labels, and no public suffix
    # is known.
    assert {pair for pair, fits in decided.items() if not fits} == {
        (".", "."),
        ("*.com", "example.com"),
        ("*.com", "example.com."),
        ("www.*.com", "www.*.com"),
    }


@published
def test_certificates_of_the_suites() -> None:
    """Certificates match their hosts as in the suites, with the listed exceptions."""
    with gzip.open(CASES / "names_cert.jsonl.gz", "rt") as file:
        cases = [json.loads(line) for line in file]
    frame = pd.DataFrame(
        {
            # An IPv6 address in a URL has brackets, which the suite leaves out.
            "url": [f"https://{_in_url(case['host'])}/" for case in cases],
            "subject": [
                ",".join(f"CN={cn}" for cn in reversed(case["cn"])) for case in cases
            ],
            "subject_cn": [case["cn"][-1] if case["cn"] else None for case in cases],
            "dns_names": [case["dns"] for case in cases],
            "ip_addresses": [case["ip"] for case in cases],
        }
    )
    fits = names.certificate_fits_url(frame)
    different = {
        (case["host"], tuple(case["cn"]), tuple(case["dns"]))
        for case, fit in zip(cases, fits, strict=True)
        if fit is pd.NA or bool(fit) != bool(case["expected"])
    }
    assert different == set(CERTIFICATE_EXCEPTIONS)


def _in_url(host: str) -> str:
    return (
        f"[{host}]" if ":" in host and "[" not in host and "%" not in host else host
    )
