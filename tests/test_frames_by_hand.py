"""Frames that a caller made or changed: an error names the table, the problem and a remedy."""

import dataclasses
import inspect
import tempfile

import pandas as pd
import pytest

import certtrust as ct

FLEET = ct.link(ct.simulate(12, seed=3, faults={"certificate.trust": 0.3}))
ATTEMPTS = ct.attempts(FLEET)
RESULTS = ct.check(ATTEMPTS)
PLAN = pd.DataFrame({"action": ["set clock"], "device": [RESULTS["device"].iloc[0]]})
ONE = FLEET.certificates.head(1)

OF_A_FLEET = {
    "apply": lambda fleet: ct.apply(fleet, PLAN),
    "attempts": ct.attempts,
    "endings": ct.endings,
    "forecast": ct.forecast,
    "impersonations": ct.impersonations,
    "link": ct.link,
    "kit": lambda fleet: ct.kit(fleet, PLAN, tempfile.mkdtemp()),
    "pseudonymise": ct.pseudonymise,
    "remedies": lambda fleet: ct.remedies(fleet, RESULTS),
    "renewals": ct.renewals,
    "tls_readiness": ct.tls_readiness,
    "short_trust_lists": ct.short_trust_lists,
    "trust_differences": ct.trust_differences,
    "trust_entries": ct.trust_entries,
    "shared_keys": ct.shared_keys,
    "shared_names": ct.shared_names,
    "what_if": lambda fleet: ct.what_if(fleet, tls_only=True),
}
HANDSHAKES = ct.handshakes(b"no capture")
OF_A_FRAME = {
    "accepted_authorities": (
        lambda frame: ct.accepted_authorities(frame, FLEET.trust),
        "HANDSHAKES",
        HANDSHAKES,
    ),
    "connection_lengths": (
        lambda frame: ct.connection_lengths(frame, FLEET.certificates),
        "HANDSHAKES",
        HANDSHAKES,
    ),
    "browser_attempts": (
        lambda frame: ct.browser_attempts(frame, "https://a/", FLEET.trust),
        "CERTIFICATES",
        ONE,
    ),
    "causes": (ct.causes, "RESULTS", RESULTS),
    "certificate_names": (ct.certificate_names, "CERTIFICATES", FLEET.certificates),
    "changes": (lambda frame: ct.changes(frame, RESULTS), "RESULTS", RESULTS),
    "check": (ct.check, "ATTEMPTS", ATTEMPTS),
    "compare": (ct.compare, "RESULTS", RESULTS),
    "contradictions": (ct.contradictions, "RESULTS", RESULTS),
    "days_left": (ct.days_left, "CERTIFICATES", FLEET.certificates),
    "diagnose": (
        lambda frame: ct.diagnose(frame, scenario="h323-password", tls_only=False),
        "CERTIFICATES",
        ONE,
    ),
    "explained": (ct.explained, "RESULTS", RESULTS.head(1)),
    "findings": (ct.findings, "RESULTS", RESULTS),
    "latest": (ct.latest, "ATTEMPTS", ATTEMPTS),
    "missing": (ct.missing, "RESULTS", RESULTS),
    "pattern_coverage": (ct.pattern_coverage, "REGISTRATIONS", FLEET.registrations),
    "remedies": (lambda frame: ct.remedies(FLEET, frame), "RESULTS", RESULTS),
    "shared_hardware_ids": (ct.shared_hardware_ids, "DEVICES", FLEET.devices),
}
NO_FRAMES = {
    "CerttrustError", "Diagnosis", "Fleet", "charts", "columns", "diff", "fetch_chain",
    "fetch_fleet", "language", "listen",
    "handshakes", "headings", "limits", "monitoring", "names", "read_certificates", "read_devices",
    "read_fleet", "read_registrations", "read_trust_list", "rules", "simulate", "testing", "trend",
    "scale", "widgets",
}  # fmt: skip
NEEDED = {
    "accepted_authorities": "server",
    "connection_lengths": "server",
    "causes": "cause",
    "changes": "verdict",
    "certificate_names": "dns_names",
    "compare": "verdict",
    "days_left": "not_after",
    "latest": "interface",
}
FRAMES = ("certificates", "trust", "devices", "registrations")


def test_every_public_function_is_tried_here():
    """A function that is added to the interface has to be added above."""
    assert {*OF_A_FLEET, *OF_A_FRAME} | NO_FRAMES == set(ct.__all__)


@pytest.mark.parametrize("name", OF_A_FLEET)
@pytest.mark.parametrize("wrong", [None, 5, "fleet", RESULTS, {}], ids=type)
def test_an_argument_that_is_no_fleet_is_refused(name, wrong):
    """The error says what is needed, and how to make it."""
    with pytest.raises(ct.CerttrustError, match=r"Fleet is needed.*read_fleet"):
        OF_A_FLEET[name](wrong)


@pytest.mark.parametrize("name", OF_A_FLEET)
def test_a_fleet_of_frames_made_by_hand(name):
    """A list instead of a frame, a missing column and flags as text are refused with the table."""
    function = OF_A_FLEET[name]
    with pytest.raises(
        ct.CerttrustError, match=r"table TRUST, a pandas DataFrame, is needed.*list"
    ):
        function(dataclasses.replace(FLEET, trust=[]))
    for table in FRAMES:
        frame = getattr(FLEET, table)
        column = frame.columns[1]
        without = dataclasses.replace(FLEET, **{table: frame.drop(columns=column)})
        with pytest.raises(
            ct.CerttrustError, match=f"{table.upper()}.*{column}.*read_"
        ):
            function(without)
    text = dataclasses.replace(FLEET, devices=FLEET.devices.assign(tls_only="ja"))
    with pytest.raises(
        ct.CerttrustError, match=r"tls_only of table DEVICES.*boolean"
    ):
        function(text)


@pytest.mark.parametrize("name", OF_A_FRAME)
def test_a_frame_of_another_kind_or_without_a_column(name):
    """The error names the table, the column, and the function that makes such a frame."""
    function, table, frame = OF_A_FRAME[name]
    for wrong in (FLEET, 5, None, []):
        if name != "diagnose":
            with pytest.raises(
                ct.CerttrustError,
                match=f"table {table}, a pandas DataFrame, is needed",
            ):
                function(wrong)
    needed = NEEDED.get(name, "source" if table != "DEVICES" else "hardware_id")
    with pytest.raises(ct.CerttrustError, match=f"{table}.*{needed}.* makes it"):
        function(frame.drop(columns=needed))
    twice = pd.concat([frame, frame[[needed]]], axis=1)
    with pytest.raises(ct.CerttrustError, match=f"{table}.*{needed} twice"):
        function(twice)


@pytest.mark.parametrize(
    "name", [name for name, (_, table, _) in OF_A_FRAME.items() if table == "RESULTS"]
)
def test_results_with_values_of_another_kind(name):
    """An invalid time is refused by every function that reads it."""
    function, _, frame = OF_A_FRAME[name]
    if name not in ("causes", "changes", "compare"):
        with pytest.raises(ct.CerttrustError, match=r"judged_at of table RESULTS"):
            function(frame.assign(judged_at="yesterday"))


def test_columns_of_python_objects_are_converted():
    """A frame with all columns as objects gives the same results."""
    declared = ATTEMPTS[ct.columns("attempts")["name"]]
    plain = declared.astype("object")
    pd.testing.assert_frame_equal(
        ct.check(plain, at="2026-01-01"), ct.check(declared, at="2026-01-01")
    )
    objects = {}
    for name in FRAMES:
        columns = ct.columns(name)["name"]
        objects[name] = getattr(FLEET, name)[columns].astype("object")
    pd.testing.assert_frame_equal(
        ct.attempts(dataclasses.replace(FLEET, **objects)), declared
    )


def test_half_a_surrogate_pair_in_a_name_is_replaced():
    """UTF-8 cannot encode it; the name changes, and nothing raises."""
    name = pd.Series(["user\ud800"] * len(ATTEMPTS), ATTEMPTS.index, dtype="object")
    results = ct.check(ATTEMPTS.assign(registration_name=name))
    assert (results["registration_name"] == "user?").all()
    user = pd.Series(["user\udfff"] * len(FLEET.devices), dtype="object")
    devices = FLEET.devices.assign(user=user)
    assert len(ct.attempts(dataclasses.replace(FLEET, devices=devices))) == len(
        ATTEMPTS
    )
    names, cns = ["a\ud800", "b"], ["a\ud800", "b\udfff"]
    assert ct.names.begins_with_cn(names, cns).tolist() == [True, False]
    assert ct.names.host_matches(names, cns).tolist() == [False, False]
    diagnosis = ct.diagnose(
        ONE,
        scenario="h323-certificate",
        registration_name="a\ud800",
        hardware_id="\ud800",
    )
    assert str(diagnosis)


@pytest.mark.parametrize("function", [ct.names.begins_with_cn, ct.names.host_matches])
@pytest.mark.parametrize("wrong", [None, 5, "text", b"bytes", RESULTS], ids=type)
def test_the_name_rules_take_columns(function, wrong):
    """A single text does not count as a column of characters."""
    first, second = list(inspect.signature(function).parameters)[:2]
    with pytest.raises(
        ct.CerttrustError, match=f"{first} must be a Series or a list"
    ):
        function(wrong, ["a"])
    with pytest.raises(
        ct.CerttrustError, match=f"{second} must be a Series or a list"
    ):
        function(["a"], wrong)
