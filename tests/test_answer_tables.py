"""What `ct.columns` says of the tables that functions return is what they return."""

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust import answer_tables, schema
from certtrust.testing import small_fleet

FLEET = small_fleet(12)
WIRE = ct.read_fleet(Path(__file__).parents[1] / "data" / "wire")
RESULTS = ct.check(ct.attempts(FLEET))
WORDS = {"OBJECT": "object", "TEXT": "str"}


@cache
def tables() -> dict[str, pd.DataFrame]:
    """Return each table as its function makes it."""
    actions = ct.remedies(FLEET, RESULTS)
    then = ct.check(ct.attempts(ct.apply(FLEET, actions.head(1))))
    return {
        "findings": ct.findings(RESULTS),
        "causes": ct.causes(RESULTS),
        "compare": ct.compare(RESULTS),
        "remedies": actions,
        "forecast": ct.forecast(FLEET, periods=1),
        "endings": ct.endings(FLEET),
        "changes": ct.changes(RESULTS, then),
        "missing": ct.missing(RESULTS),
        "contradictions": ct.contradictions(RESULTS),
        "impersonations": ct.impersonations(FLEET),
        "shared_keys": ct.shared_keys(FLEET),
        "shared_names": ct.shared_names(FLEET),
        "certificate_names": ct.certificate_names(FLEET.certificates),
        "rules": ct.rules(),
        "columns": ct.columns("links"),
        "pattern_coverage": ct.pattern_coverage(FLEET.registrations),
        "accepted_authorities": ct.accepted_authorities(WIRE.handshakes, WIRE.trust),
        "connection_lengths": ct.connection_lengths(
            WIRE.handshakes, WIRE.certificates
        ),
        "headings": ct.headings("Seriennummer;Status\n"),
        "trust_entries": ct.trust_entries(FLEET),
        "short_trust_lists": ct.short_trust_lists(FLEET),
        "trust_differences": ct.trust_differences(FLEET),
        "renewals": ct.renewals(FLEET),
        "trend": ct.trend([FLEET]),
        "tls_readiness": ct.tls_readiness(FLEET),
        "shared_hardware_ids": ct.shared_hardware_ids(FLEET.devices),
    }


def test_every_function_returns_the_columns_that_are_declared() -> None:
    """In this order, and none is forgotten on either side."""
    made = tables()
    declared = {name.lower() for name in answer_tables.ANSWERS} - {"latest"}
    assert set(made) == declared
    for name, frame in made.items():
        assert frame.columns.tolist() == ct.columns(name)["name"].tolist(), name


def test_declared_dtypes_are_those_of_the_functions() -> None:
    """Counts may be plain integers where none can be missing; labels are those of the caller."""
    for name, frame in tables().items():
        for column in answer_tables.ANSWERS[name.upper()]:
            dtype = str(frame[column.name].dtype)
            if column.dtype == schema.COUNT:
                assert dtype in ("int64", "Int64"), (name, column.name)
            elif column.dtype == schema.LIST:
                assert dtype == "object", (name, column.name)
            elif column.dtype != schema.OBJECT:
                assert dtype == column.dtype, (name, column.name)


def test_the_latest_rows_are_results() -> None:
    """They have the columns of RESULTS among those of the rules."""
    names = ct.columns("latest")["name"]
    assert set(names) <= set(ct.latest(RESULTS).columns)


def test_every_public_function_that_returns_a_table_has_its_columns() -> None:
    """A reader or a step is documented by the table that it makes, any other by its own name."""
    of_tables = {
        "read_certificates",
        "read_trust_list",
        "read_devices",
        "read_registrations",
    }
    of_tables |= {
        "handshakes",
        "fetch_chain",
        "fetch_fleet",
        "attempts",
        "browser_attempts",
        "check",
        "apply",
    }
    others = {
        "diagnose",
        "diff",
        "explained",
        "read_fleet",
        "link",
        "listen",
        "simulate",
        "days_left",
        "kit",
        "language",
        "pseudonymise",
        "what_if",
    }
    functions = {
        name
        for name in ct.__all__
        if callable(getattr(ct, name)) and not isinstance(getattr(ct, name), type)
    }
    named = {name.lower() for name in answer_tables.ANSWERS}
    assert functions - of_tables - others == named


@pytest.mark.parametrize("name", [None, 5, "phones", ""])
def test_what_is_no_table_is_answered_with_those_there_are(name: object) -> None:
    """Whatever it is."""
    with pytest.raises(ct.CerttrustError, match="findings"):
        ct.columns(name)
