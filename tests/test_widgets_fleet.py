"""FleetExplorer and WhatIf, driven by traits and controls and compared with the functions behind
them.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import json
import re

import ipywidgets
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipywidgets.embed import dependency_state
from thoroughness import first

import certtrust as ct
from certtrust.advice import latest, what_if
from certtrust.advice.changes import aligned_changes as changes
from certtrust.advice.changes import changed
from certtrust.advice.rehearsal import Rehearsal
from certtrust.advice.what_if import Settings
from certtrust.evaluation.check import counted
from certtrust.schema import REGISTRATIONS, empty
from certtrust.simulation import NOW
from certtrust.testing import small_fleet
from certtrust.widgets import CertificateTester, FleetExplorer, WhatIf, table
from certtrust.widgets.filter_index import Criteria, build
from certtrust.widgets.tables import label

FLEET = small_fleet(80, seed=5)
RESULTS = ct.check(ct.attempts(FLEET))


@pytest.fixture
def explorer():
    """Return an explorer of the whole fleet."""
    return FleetExplorer(FLEET, results=RESULTS)


@pytest.fixture
def whatif():
    """Return a what-if of the whole fleet, with nothing switched yet."""
    return WhatIf(FLEET)


# FleetExplorer


def test_without_a_filter_everything_is_there(explorer):
    """All attempts are selected, and each device has one row."""
    assert explorer.selection.equals(RESULTS)
    assert len(explorer.devices) == RESULTS["device"].nunique()
    assert explorer.devices["failed"].sum() == len(
        counted(RESULTS[RESULTS["device"].notna()])
    )


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_filters_select_what_pandas_selects(data):
    """Filters on cause, PBX, model, verdict and time select the same rows as comparisons in
    pandas.
    """
    index = build(RESULTS)
    chosen = {
        name: data.draw(st.sampled_from(["", *index.words[name]]))
        for name in ("cause", "pbx", "model", "verdict")
    }
    since = data.draw(st.sampled_from([None, NOW - pd.Timedelta(days=14)]))
    until = data.draw(st.sampled_from([None, NOW - pd.Timedelta(days=7)]))
    selected = index.matches(Criteria(**chosen, since=since, until=until))
    expected = pd.Series(data=True, index=RESULTS.index)
    for name, word in chosen.items():
        if word:
            expected &= (
                (RESULTS[name].astype("str") == word).fillna(value=False).astype(bool)
            )
    if chosen["cause"]:
        expected &= RESULTS.index.isin(counted(RESULTS).index)
    if since is not None:
        expected &= RESULTS["time"] >= since
    if until is not None:
        expected &= (RESULTS["time"] <= until) | RESULTS["time"].isna() & (
            since is None
        )
    assert (selected == expected.to_numpy()).all()


def test_the_bars_are_the_counts_of_the_package(explorer):
    """Attempts and devices per cause equal those of `causes`, with a filter on the PBX too."""
    counts = explorer._index.counts(explorer._kept, "cause").set_index("value")
    expected = ct.causes(RESULTS.assign(evidence="any")).set_index("cause")
    expected.index = expected.index.astype("str")
    assert counts["attempts"].to_dict() == expected["attempts"].to_dict()
    assert counts["devices"].to_dict() == expected["devices"].to_dict()
    explorer.pbx = RESULTS["pbx"].mode()[0]
    counts = explorer._index.counts(explorer._kept, "cause")
    assert counts["attempts"].sum() == len(
        counted(RESULTS[RESULTS["pbx"] == explorer.pbx])
    )


def test_pressing_a_bar_filters_and_pressing_it_again_clears(explorer):
    """Messages from buttons in HTML have the same effect as the ordinary controls."""
    cause = ct.causes(RESULTS)["cause"].astype("str").iloc[0]
    explorer._channel.field.value = f"cause:{cause}#1"
    assert explorer._controls["cause"].value == cause
    assert set(explorer.selection["cause"].astype("str")) == {cause}
    explorer._channel.field.value = f"cause:{cause}#2"
    assert explorer.cause == ""
    for nonsense in (
        "cause:no such#3",
        "sort:password#4",
        "x#5",
        "#6",
        "device:nobody#7",
        "::#8",
    ):
        explorer._channel.field.value = nonsense
    assert len(explorer.selection) == len(RESULTS)


@pytest.mark.parametrize(
    "name",
    first(
        ["failed", "device", "last", "attempts", "pbx", "model", "cause", "verdict"],
        3,
    ),
)
def test_the_table_sorts_by_every_heading(explorer, name):
    """The order is that of the shown words or numbers, ascending or descending."""
    explorer.sort = name
    values = explorer.devices[name]
    values = (
        values.map(ct.charts.cause_label, na_action="ignore")
        if name == "cause"
        else values
    )
    values = values.dropna()
    values = values.str.casefold() if values.dtype == "str" else values
    assert values.is_monotonic_decreasing
    explorer._channel.field.value = f"sort:{name}#1"
    assert not explorer.descending
    assert len(explorer.devices) == RESULTS["device"].nunique()


def test_pages_turn_and_stop_at_the_ends(explorer):
    """Every device is on exactly one page, and there is no page after the last."""
    listed_devices = []
    for _ in range(100):
        listed_devices += re.findall(
            r'data-say="device:([^"]*)"', explorer._table.value
        )
        if explorer._turn["next_page"].disabled:
            break
        explorer._turn["next_page"].click()
    assert (
        len(listed_devices) == len(set(listed_devices)) == RESULTS["device"].nunique()
    )
    explorer._turn["next_page"].click()
    assert explorer.page == explorer._last_page()
    explorer._turn["first_page"].click()
    assert explorer.page == 0


def test_a_device_shows_the_diagnosis_of_its_last_failure(explorer):
    """The verdict is that of the device's last failed attempt."""
    device = explorer.devices["device"].iloc[0]
    explorer.device = device
    rows = RESULTS[(RESULTS["device"] == device)]
    failed = counted(rows)
    last = (
        failed.sort_values("time").iloc[-1]
        if failed["time"].notna().any()
        else failed.iloc[-1]
    )
    assert explorer.diagnosis.verdict == last["verdict"]
    assert device in explorer._shown.value
    explorer.device = "nobody"
    assert explorer.diagnosis is None


def test_every_row_has_the_explanation_of_explained():
    """Scenario, steps, verdict and path equal those of `ct.explained` for rows of any scenario."""
    fleet = small_fleet(15, seed=5)
    registrations = fleet.registrations.copy()
    number = np.arange(len(registrations))
    registrations["protocol"] = (
        registrations["protocol"].astype("str").mask(number % 7 == 0, "SIP/TLS")
    )
    registrations["authentication"] = (
        registrations["authentication"].astype("str").mask(number % 5 < 2)
    )
    results = ct.check(
        ct.attempts(dataclasses.replace(fleet, registrations=registrations))
    )
    results = results.reset_index(drop=True)
    results["device"] = [
        f"device {position}" for position in range(len(results))
    ]  # so that each can be chosen
    explorer = FleetExplorer(fleet, results=results)
    seen = set()
    # One row of each kind of outcome is enough.
    kinds = ["scenario", "verdict", "cause", "observed", "trust_state"]
    for position in results.drop_duplicates(kinds).index:
        device = results["device"][position]
        explorer.device = device
        expected = ct.explained(results.iloc[[position]])
        assert explorer.diagnosis.to_dict() == expected.to_dict()
        assert explorer._shown.value.count("ct-mark") == len(expected.steps)
        for text in ("requirement", "has", "why", "remedy"):
            assert all(
                html.escape(words, quote=True) in explorer._shown.value
                for words in expected.steps[text]
            )
        seen.add(
            (len(expected.steps) > 0, " or " in expected.scenario, expected.verdict)
        )
    assert {steps for steps, _, _ in seen} == {True, False}
    assert {several for _, several, _ in seen} == {True, False}
    assert {verdict for _, _, verdict in seen} == {"pass", "fail", "unknown"}


def test_a_row_without_rules_says_so(explorer):
    """A registration over SIP has no steps and nothing that looks like a verdict."""
    sip = RESULTS.assign(scenario=None, protocol="SIP/TLS", verdict="unknown").iloc[
        :1
    ]
    explorer = FleetExplorer(FLEET, results=sip.assign(device="one"))
    explorer.device = "one"
    assert explorer.diagnosis.steps.empty
    assert "has no rule" in explorer._shown.value
    assert "ct-mark" not in explorer._shown.value


def test_searching_finds_by_any_name(explorer):
    """Searching for a part of the CN, in upper or lower case, finds the device."""
    row = RESULTS[RESULTS["subject_cn"].notna()].iloc[0]
    explorer.text = row["subject_cn"].upper()
    assert row["device"] in set(explorer.selection["device"])
    explorer.text = "no such thing"
    assert explorer.selection.empty
    assert explorer.devices.empty
    explorer.clear()
    assert len(explorer.selection) == len(RESULTS)


def test_the_time_range_keeps_its_days(explorer):
    """Moving the handles selects whole days, both ends included."""
    explorer._days.index = (5, 10)
    moments = [moment for _, moment in explorer._days.options]
    times = explorer.selection["time"]
    assert times.min() >= moments[5]
    assert times.max() <= moments[10] + pd.Timedelta(days=1)
    assert len(times)


def test_the_csv_has_the_selection_and_no_formulas(explorer):
    """The download has the filtered devices; a name that a spreadsheet would run as a formula is
    escaped.
    """
    evil = RESULTS.assign(
        registration_name=RESULTS["registration_name"].mask(
            RESULTS["device"].notna(), "=cmd()"
        )
    )
    explorer = FleetExplorer(FLEET, results=evil)
    explorer.cause = "certificate.trust"
    explorer._export.click()
    data = re.search(r'base64,([^"]+)"', explorer._link.value).group(1)
    frame = pd.read_csv(io.BytesIO(base64.b64decode(data)), encoding="utf-8-sig")
    assert len(frame) == len(explorer.devices)
    assert frame["registration_name"].str.startswith("'=").all()


def test_a_fleet_without_a_log_is_explored_by_its_devices():
    """Without registrations each known device is judged; empty results give an empty table."""
    silent = ct.Fleet(
        FLEET.certificates,
        FLEET.trust,
        FLEET.devices,
        empty(REGISTRATIONS),
        FLEET.links,
    )
    assert len(FleetExplorer(silent).selection) == len(FLEET.devices)
    no_results = ct.check(ct.attempts(FLEET)).head(0)
    assert FleetExplorer(FLEET, results=no_results).devices.empty
    assert "No device" in FleetExplorer(FLEET, results=no_results)._table.value


def test_markup_in_a_log_is_shown_as_text():
    """A device name that looks like a script is only text."""
    evil = "<script>alert(1)</script>"
    odd = RESULTS.assign(
        device=RESULTS["device"].mask(RESULTS["device"].notna(), evil), model=evil
    )
    explorer = FleetExplorer(FLEET, results=odd)
    explorer.by = "model"
    explorer.device = evil
    shown = "".join(
        part.value
        for part in (
            explorer._bars,
            explorer._table,
            explorer._shown,
            explorer._count,
        )
    )
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown


# WhatIf


@pytest.mark.parametrize("seed", first(range(3)))
@pytest.mark.parametrize(
    ("options", "at"),
    first(
        [
            ({}, NOW),
            ({"tls_only": True}, NOW),
            ({"tls_only": False}, NOW),
            ({"authentication": "certificate"}, NOW),
            ({"authentication": "password"}, NOW),
            ({}, NOW + pd.Timedelta(days=8000)),
            ({"trust": "few"}, NOW),
        ],
        4,
    ),
)
def test_judging_kinds_equals_judging_every_row(seed, options, at):
    """The quick judgement agrees with attempts and check over all rows, for every kind of
    switch.
    """
    fleet = small_fleet(60, seed=seed)
    options = dict(options)
    trust = (
        fleet.trust.head(3).assign(pbx=None)
        if options.pop("trust", None)
        else fleet.trust
    )
    flags = {name: {"": value} for name, value in options.items()}
    switched = Settings(
        trust, flags.get("tls_only", {}), flags.get("authentication", {})
    )
    quick = Rehearsal(fleet).judge(switched, at)
    all_rows = ct.check(
        ct.attempts(what_if(fleet, trust=trust, **options)), at=at
    ).loc[quick.index]
    broken = (
        all_rows["cause"]
        .where(all_rows["verdict"] == "fail")
        .astype("object")
        .fillna("-")
    )
    assert (
        quick["verdict"].astype("str").tolist()
        == all_rows["verdict"].astype("str").tolist()
    )
    assert quick["cause"].astype("object").fillna("-").tolist() == broken.tolist()


def test_a_remedy_repairs_what_it_promises(whatif):
    """The first trust action of the plan repairs at least its devices; undo restores the fleet."""
    advice = ct.remedies(FLEET, latest(RESULTS))
    upload = advice[(advice["action"] == "trust") & (advice["devices"] > 0)].iloc[0]
    whatif.switch_entry(upload["fingerprint"], listed=True, pbx=upload["pbx"])
    repaired = whatif.changes[whatif.changes["change"] == "repaired"]
    assert repaired["device"].nunique() >= upload["devices"]
    assert upload["name"] is not None
    assert whatif.plan["action"].tolist() == ["trust"]
    assert "BEGIN CERTIFICATE" in whatif.plan["pem"].iloc[0]
    whatif._undo.click()
    assert whatif.changes.empty
    assert whatif.plan.empty


def test_the_changed_fleet_is_the_plan_applied(whatif):
    """Attempts and check give the verdicts of the widget for its `fleet`."""
    pbx = whatif._names[0]
    whatif.switch_tls_only(True, pbx=pbx)
    whatif.switch_authentication("certificate", pbx=whatif._names[1])
    entry = FLEET.trust[FLEET.trust["pbx"] == pbx]["fingerprint"].dropna().iloc[0]
    whatif.switch_entry(entry, listed=False, pbx=pbx)
    judged_again = ct.check(ct.attempts(whatif.fleet), at=whatif._start).loc[
        whatif.after.index
    ]
    assert (
        judged_again["verdict"].astype("str").tolist()
        == whatif.after["verdict"].astype("str").tolist()
    )
    assert len(whatif.plan) == 3


def test_steps_that_cancel_out_leave_no_plan(whatif):
    """An entry that is removed and added again, and a flag that is reset, need no action."""
    entry = FLEET.trust["fingerprint"].dropna().iloc[0]
    pbx = FLEET.trust["pbx"].dropna().iloc[0]
    whatif.switch_entry(entry, listed=False, pbx=pbx)
    whatif.switch_entry(entry, listed=True, pbx=pbx)
    whatif.switch_tls_only(True)
    whatif.switch_tls_only(None)
    assert whatif.plan.empty
    assert whatif.changes.empty
    assert len(whatif.steps) == 4


def test_a_list_that_is_emptied_stays_a_list(whatif):
    """Without entries nothing is trusted, which differs from an unknown list."""
    pbx = FLEET.trust["pbx"].dropna().iloc[0]
    for entry in (
        FLEET.trust.loc[FLEET.trust["pbx"] == pbx, "fingerprint"].dropna().unique()
    ):
        whatif.switch_entry(entry, listed=False, pbx=pbx)
    assert (whatif.fleet.trust["pbx"] == pbx).any()
    assert (
        not whatif.fleet.trust.loc[whatif.fleet.trust["pbx"] == pbx, "fingerprint"]
        .notna()
        .any()
    )


def test_the_controls_switch_and_show_the_current_state(whatif):
    """Boxes and menus add steps, and after an undo they show the state before."""
    box = whatif._entries.children[0]
    assert box.value
    box.value = False
    assert [step.kind for step in whatif.steps] == ["trust"]
    whatif._switches["tls_only"].value = whatif._switches["tls_only"].options[1]
    whatif._switches["authentication"].value = whatif._switches[
        "authentication"
    ].options[1]
    whatif._moment.slider.value = whatif._moment.slider.options[-1][1]
    assert [step.kind for step in whatif.steps] == [
        "trust",
        "tls_only",
        "authentication",
        "at",
    ]
    for _ in range(4):
        whatif._undo.click()
    assert whatif.steps == ()
    assert whatif._switches["tls_only"].value == "as it is"
    assert whatif._switches["authentication"].value == "as it is"
    assert whatif._moment.at == whatif._start
    assert whatif._entries.children[0].value
    whatif._switches["tls_only"].value = whatif._switches["tls_only"].options[2]
    whatif._reset.click()
    assert whatif.steps == ()


def test_numbers_and_list_are_those_of_changes(whatif):
    """Numbers and list agree with `changes` on all rows."""
    whatif.switch_tls_only(True)
    expected = changes(whatif.before, whatif.after)
    assert whatif.changes["change"].astype("str").value_counts().to_dict() == (
        expected["change"].astype("str").value_counts().to_dict()
    )
    assert np.count_nonzero(whatif._change < 7) == len(expected)
    broken = expected.loc[expected["change"] == "broken", "device"].nunique()
    assert f'<b class="ct-bad">{broken}</b>' in whatif._numbers.value
    whatif._kind.value = "repaired"
    assert ("No device is affected" in whatif._list.value) == (
        expected["change"] != "repaired"
    ).all()
    assert (changed(whatif.before, whatif.before) >= 7).all()


def test_the_plan_can_be_downloaded(whatif):
    """The plan is a CSV, and the certificates to upload are PEM that can be read again."""
    box = next(box for box in whatif._entries.children if not box.value)
    box.value = True
    whatif._export.click()
    links = re.findall(r'href="data:([^;]+);base64,([^"]+)"', whatif._links.value)
    table_of, pem = (base64.b64decode(data) for _, data in links)
    assert pd.read_csv(io.BytesIO(table_of), encoding="utf-8-sig")[
        "action"
    ].tolist() == ["trust"]
    assert (
        ct.read_certificates(pem)["fingerprint"].iloc[0]
        == whatif.plan["fingerprint"].iloc[0]
    )


# Tables, twins and the package


def test_a_table_has_labels_and_is_escaped():
    """Headings and causes have labels, dates and shares are short, and markup is text."""
    frame = pd.DataFrame(
        {
            "cause": ["certificate.trust"],
            "share": [0.5],
            "subject_cn": ["<b>x"],
            "not_after": [NOW],
            "n": [1234],
        }
    )
    shown = table(frame).data
    for words in (
        "Certificate not trusted by the PBX",
        "50%",
        "&lt;b&gt;x",
        "2026-11-01",
        "1,234",
        label("subject_cn"),
    ):
        assert words in shown
    assert "first 1 of 2 rows" in table(pd.concat([frame, frame]), rows=1).data
    assert "No rows." in table(frame.head(0)).data


@pytest.mark.parametrize(
    "make", [lambda: FleetExplorer(FLEET, results=RESULTS), lambda: WhatIf(FLEET)]
)
def test_a_widget_is_displayed_with_a_static_twin(make, monkeypatch):
    """There are two outputs: static HTML for readers without a kernel, and the widget itself."""
    shown = []
    monkeypatch.setattr(
        "certtrust.widgets.styling.display",
        lambda *args, **_kwargs: shown.append(args[0]),
    )
    widget = make()
    widget._ipython_display_()
    twin, view = shown
    assert "static copy" in twin.data
    assert "ct-twin" in twin.data
    assert (
        view["application/vnd.jupyter.widget-view+json"]["model_id"]
        == widget.model_id
    )


def widgets_within(widget):
    """Return the widget and all widgets in it."""
    return [
        widget,
        *(
            model
            for child in getattr(widget, "children", ())
            for model in widgets_within(child)
        ),
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: FleetExplorer(FLEET, results=RESULTS),
        lambda: WhatIf(FLEET),
        lambda: CertificateTester(fleet=FLEET),
    ],
)
def test_a_widget_uses_only_what_every_notebook_program_can_show(make):
    """It has only standard controls, a state in the standard form, and no script."""
    import nbformat

    widget = make()
    for model in widgets_within(widget):
        modules = {model._model_module, model._view_module} - {None}
        assert modules <= {"@jupyter-widgets/base", "@jupyter-widgets/controls"}
        if isinstance(model, ipywidgets.HTML):
            assert not re.search(
                r"<script|<iframe|<link|src=|@import|require\(", model.value
            )
    state = dependency_state(widget, drop_defaults=False)
    widget_state = {"version_major": 2, "version_minor": 0, "state": state}
    notebook = nbformat.v4.new_notebook(
        metadata={
            "widgets": {"application/vnd.jupyter.widget-state+json": widget_state}
        }
    )
    nbformat.validate(notebook)
    assert json.loads(nbformat.writes(notebook))["metadata"]["widgets"]
