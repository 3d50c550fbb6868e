"""Answers for notebooks, and tables that page."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd
import pytest

import certtrust as ct
from certtrust import widgets
from certtrust.schema import RESULTS, empty
from certtrust.testing import small_fleet
from certtrust.texts.device_labels import labels_of
from certtrust.widgets.tables import MOST

FLEET = small_fleet(25, seed=2)
RESULTS_OF_FLEET = ct.check(ct.attempts(FLEET))


def bold(answer) -> str:
    """Return the sentence that an answer begins with."""
    return re.search(r"<b>(.*?)</b>", answer.data)[1]


@pytest.mark.exhaustive
def test_numbers_in_the_answers_are_those_of_the_tables() -> None:
    """Counts in sentences agree with the frames."""
    failed = RESULTS_OF_FLEET[RESULTS_OF_FLEET["observed"] == "failed"]
    words = bold(widgets.main_causes(RESULTS_OF_FLEET))
    assert words.startswith(f"{failed['device'].nunique()} of ")
    assert f"in {len(failed)} of {len(RESULTS_OF_FLEET)} attempts" in words
    actions = ct.remedies(FLEET, RESULTS_OF_FLEET)
    best = actions.loc[actions["devices"].idxmax()]
    assert bold(widgets.first_action(actions)).replace("&quot;", '"') == best["step"]
    whatif = widgets.WhatIf(FLEET)
    whatif.switch_tls_only(True)
    broken = whatif.changes["change"] == "broken"
    count = whatif.changes.loc[broken, "device"].nunique()
    assert f" {count} device" in bold(widgets.locked_out(FLEET))
    pairs = ct.impersonations(FLEET)
    devices = f"{pairs['victim'].nunique()} device"
    assert devices in bold(widgets.false_identities(FLEET))


def test_devices_are_named_by_their_persons() -> None:
    """Where DEVICES knows a person, tables and the explorer say so."""
    named = RESULTS_OF_FLEET["long_name"].notna() & RESULTS_OF_FLEET["device"].notna()
    row = RESULTS_OF_FLEET[named].iloc[0]
    explorer = widgets.FleetExplorer(FLEET, results=RESULTS_OF_FLEET)
    explorer.text = str(row["long_name"])
    assert row["device"] in set(explorer.devices["device"])
    assert str(row["long_name"]) in explorer._table.value
    label = labels_of(row.to_frame().T).iloc[0]
    explorer.device = label
    assert explorer.device == row["device"]
    assert explorer.diagnosis is not None


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "part", ["certificates", "trust", "devices", "registrations"]
)
def test_answers_of_an_empty_table(part: str) -> None:
    """Without certificates, lists, devices or a log there is an answer, and no error."""
    frame = getattr(FLEET, part).head(0)
    bare = dataclasses.replace(FLEET, links=None, **{part: frame})
    results = ct.check(ct.attempts(bare))
    for answer in (
        widgets.inventory(bare),
        widgets.remarks(bare),
        widgets.main_causes(results),
        widgets.first_action(ct.remedies(bare, results)),
        widgets.several_reasons(results),
        widgets.cause_examples(results),
        widgets.locked_out(bare),
        widgets.false_identities(bare),
    ):
        assert answer.data
    assert "0 of 0 devices" in bold(widgets.main_causes(empty(RESULTS)))


def test_a_table_holds_its_further_pages() -> None:
    """Rows beyond the first page are hidden, the buttons turn pages, and the total is told."""
    frame = pd.DataFrame({"pbx": [f"hq-{row}" for row in range(MOST + 7)]})
    shown = widgets.table(frame, rows=8).data
    rows = re.findall(r"<tr[^>]*>(?=<td)", shown)
    assert len(rows) == MOST
    assert sum("display:none" in row for row in rows) == MOST - 8
    assert f"The first 8 of {MOST + 7} rows." in shown
    assert f"Only the first {MOST} can be shown." in shown
    assert shown.count("<button") == 2
    assert "<button" not in widgets.table(frame.head(8), rows=8).data


@pytest.mark.exhaustive
def test_the_explorer_names_the_action_that_repairs_a_device() -> None:
    """The action for the chosen device stands below its diagnosis, with its place in the plan."""
    actions = ct.remedies(FLEET, RESULTS_OF_FLEET)
    explorer = widgets.FleetExplorer(FLEET, results=RESULTS_OF_FLEET, actions=actions)
    device = actions["device"].dropna().iloc[0]
    explorer.device = device
    assert "repair:" in explorer._shown.value
    needed = explorer.repair()
    assert len(needed)
    assert "ct-repairs" in explorer._shown.value
    assert re.search(r"No\. \d+ of the plan", explorer._shown.value)
    explorer.device = "nobody"
    assert explorer.repair().empty


def test_set_everywhere_names_its_scope() -> None:
    """The menus say at which PBX they act, and follow the PBX that is chosen."""
    whatif = widgets.WhatIf(FLEET)
    for pbx in [value for _, value in whatif._pbx.options if value]:
        whatif._pbx.value = pbx
        options = whatif._switches["tls_only"].options
        assert options[1] == f"set at all devices of {pbx}"
        assert whatif.steps == ()
    whatif._switches["tls_only"].value = whatif._switches["tls_only"].options[1]
    assert [step.pbx for step in whatif.steps] == [pbx]


def test_downloads_look_like_buttons() -> None:
    """What is prepared to be downloaded is a link with the looks of a button."""
    explorer = widgets.FleetExplorer(FLEET, results=RESULTS_OF_FLEET)
    explorer._export.click()
    assert 'class="ct-download"' in explorer._link.value
