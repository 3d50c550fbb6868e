"""All notebooks in JupyterLab, as they are stored, run, saved, opened again, and after a
restart of the kernel.
"""

from __future__ import annotations

import pytest
from conftest import ROOT, complaints_of
from driving import menu, opened, run_all, widget

NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
WIDGETS = ("CertificateTester(", "FleetExplorer(", "WhatIf(")
WITH_WIDGETS = [
    name
    for name in NAMES
    if any(
        widget in (ROOT / "notebooks" / name).read_text(encoding="utf-8")
        for widget in WIDGETS
    )
]
LOST = "Error displaying widget"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_without_a_complaint(page, lab, name):
    """Run All leaves no error, no warning and nothing on stderr; the console and the server's
    log stay clean.
    """
    opened(page, lab, name)
    run_all(page)
    assert (
        page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    )
    assert LOST not in page.locator(".jp-Notebook").inner_text()
    assert complaints_of(lab) == []


@pytest.mark.parametrize("name", WITH_WIDGETS)
def test_a_stored_notebook_shows_the_static_twin(page, lab, name):
    """Before anything ran, a twin stands where the widget will be, without an error box."""
    opened(page, lab, name)
    twin = page.locator(
        ".ct-twin, .jp-RenderedHTMLCommon", has_text="This is a static copy"
    ).first
    assert twin.is_visible()
    assert LOST not in page.locator(".jp-Notebook").inner_text()


@pytest.mark.parametrize("name", WITH_WIDGETS)
def test_a_notebook_survives_a_restart_and_being_opened_again(page, lab, name):
    """Run, restart the kernel, save, open again: the twin is back, no error box stands
    anywhere, and it runs again.
    """
    opened(page, lab, name)
    run_all(page)
    live = widget(page)
    assert not page.locator(".ct-twin").first.is_visible()
    menu(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    page.wait_for_timeout(1500)
    assert LOST not in page.locator(".jp-Notebook").inner_text()
    assert live.count() in (0, 1)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2500)
    opened(page, lab, name)
    page.wait_for_timeout(3000)
    assert page.locator(".ct-twin").first.is_visible()
    assert not page.get_by_text(LOST).locator("visible=true").count()
    run_all(page)
    assert widget(page).is_visible()
