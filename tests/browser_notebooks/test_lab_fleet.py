"""FleetExplorer and WhatIf in JupyterLab: every control is used once, and its result is
asserted.
"""

from __future__ import annotations

import pytest
from conftest import complaints_of
from driving import KERNEL_READY, opened, run_all, settled, widget


@pytest.fixture
def explorer(page, lab):
    """The explorer of notebook 03, alive."""
    opened(page, lab, "03-registration-failures.ipynb")
    run_all(page)
    return widget(page)


@pytest.fixture
def whatif(page, lab):
    """The what-if of notebook 04, alive."""
    opened(page, lab, "04-what-if.ipynb")
    run_all(page)
    return widget(page)


def test_bars_filters_search_and_time(page, lab, explorer):
    """A bar filters and clears, menus filter, the search finds, the time range narrows, and all
    can be cleared.
    """
    first = explorer.locator(".ct-bar-row").first
    name = first.locator("bdi").inner_text()
    everything = explorer.locator("[role=status]").first.inner_text()
    settled(page, first.click, explorer)
    cause = explorer.get_by_label("Cause", exact=True)
    assert cause.locator("option:checked").inner_text().replace("\xa0", " ") == name
    assert explorer.locator(".ct-bar-row[aria-pressed=true]").count() == 1
    settled(page, explorer.locator(".ct-bar-row[aria-pressed=true]").click, explorer)
    for menu in ("Cause", "PBX", "Model", "The rules say"):
        settled(
            page,
            lambda menu=menu: explorer.get_by_label(menu, exact=True).select_option(
                index=1
            ),
            explorer,
        )
        settled(
            page,
            lambda: explorer.get_by_role("button", name="Clear filters").click(),
            explorer,
        )
    for by in ("PBX", "Model", "Cause"):
        settled(
            page,
            lambda by=by: explorer.get_by_label("Bars by").select_option(by),
            explorer,
        )
    settled(page, lambda: explorer.get_by_label("Search").fill("Swphone"), explorer)
    assert "wphone" in explorer.locator("tbody td").first.inner_text()
    settled(
        page,
        lambda: explorer.get_by_label("Search").fill("nothing is called so"),
        explorer,
        "No device matches",
    )
    settled(
        page,
        lambda: explorer.get_by_role("button", name="Clear filters").click(),
        explorer,
    )
    explorer.get_by_role("slider").first.focus()
    settled(
        page, lambda: [page.keyboard.press("ArrowRight") for _ in range(12)], explorer
    )
    settled(
        page,
        lambda: explorer.get_by_role("button", name="Clear filters").click(),
        explorer,
        everything,
    )
    assert complaints_of(lab) == []


def test_table_sorts_pages_and_explains_a_device(page, lab, explorer):
    """Headings and the menu sort, buttons turn pages, a device's name shows its diagnosis, and
    the CSV downloads.
    """
    rows = explorer.locator("tbody tr")
    for heading in (
        "Device",
        "PBX",
        "Model",
        "Failed",
        "Attempts",
        "Main cause",
        "Last seen (UTC)",
    ):
        settled(
            page,
            lambda heading=heading: (
                explorer.locator("th").get_by_role("button", name=heading).click()
            ),
            explorer,
        )
        assert (
            explorer.locator("th[aria-sort=ascending],th[aria-sort=descending]")
            .inner_text()
            .startswith(heading)
        )
    settled(
        page,
        lambda: explorer.get_by_label("Sort by").select_option("Device"),
        explorer,
    )
    settled(page, lambda: explorer.get_by_label("largest first").click(), explorer)
    for button, page_number in (
        ("Next", "Page 2 of"),
        ("Back", "Page 1 of"),
        ("Last", "Page 13 of 13"),
        ("First", "Page 1 of"),
    ):
        settled(
            page,
            lambda b=button: explorer.get_by_role(
                "button", name=b, exact=True
            ).click(),
            explorer,
            page_number,
        )
    device = rows.first.locator("button")
    name = device.inner_text()
    device.focus()
    settled(page, lambda: page.keyboard.press("Enter"), explorer, f"{name} at PBX")
    assert explorer.locator(".ct-steps").count() >= 1
    other = rows.nth(1).locator("button").inner_text()
    field = explorer.get_by_label("Device", exact=True)
    field.fill(other)
    settled(page, lambda: page.keyboard.press("Enter"), explorer, f"{other} at PBX")
    settled(
        page,
        lambda: explorer.get_by_role("button", name="Prepare CSV").click(),
        explorer,
        "Download",
    )
    with page.expect_download() as download:
        explorer.get_by_role("link", name="Download").click()
    content = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert content[0].startswith('"device","pbx","model"')
    assert len(content) > 100
    assert complaints_of(lab) == []


def test_the_selection_is_a_frame_in_the_next_cell(page, explorer):
    """What the controls chose is at hand in Python as `explorer.selection`."""
    settled(page, explorer.locator(".ct-bar-row").first.click, explorer)
    page.locator(".jp-Notebook-footer").click()
    page.wait_for_function("() => document.activeElement.matches('.jp-Cell')")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.activeElement.matches('.jp-Cell .cm-content')"
    )
    page.keyboard.insert_text(
        "print('chosen', len(explorer.selection), explorer.selection['cause'].nunique())"
    )
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "() => /chosen \\d+ 1/.test(document.querySelector('.jp-Notebook').innerText)"
    )


def test_every_switch_of_a_what_if(page, lab, whatif):
    """Entries, TLS only, login, moment, scope, search, list, pages, undo, start over, and the
    plan as files.
    """
    plan = whatif.locator(".ct-card", has_text="Start over")
    box = whatif.locator(".ct-scroll input:checked").first
    settled(page, box.click, whatif, "Remove the certificate")
    settled(
        page,
        lambda: whatif.get_by_label("TLS only").select_option(index=1),
        plan,
        'Set "TLS only"',
    )
    settled(
        page,
        lambda: whatif.get_by_label("Devices log in").select_option(index=1),
        plan,
        "log in with their",
    )
    whatif.get_by_role("slider").first.focus()
    settled(page, lambda: page.keyboard.press("End"), whatif)
    for kind in ("repaired", "broken", "all changes"):
        whatif.get_by_label("Show", exact=True).select_option(kind)
        page.wait_for_timeout(400)
        # A busy kernel gets a choice later than the click on a button that follows it.
        page.wait_for_function(KERNEL_READY)
    settled(
        page,
        lambda: whatif.get_by_role("button", name="Next", exact=True).click(),
        whatif,
        "Page 2 of",
    )
    settled(
        page,
        lambda: whatif.get_by_role("button", name="Back", exact=True).click(),
        whatif,
        "Page 1 of",
    )
    whatif.get_by_role("button", name="Undo").click()
    whatif.get_by_role("button", name="Undo").click()
    page.wait_for_function(
        "each => !each.innerText.includes('log in with their')",
        arg=plan.element_handle(),
    )
    settled(
        page,
        lambda: whatif.get_by_label("At", exact=True).first.select_option(
            "every PBX"
        ),
        whatif,
    )
    whatif.get_by_label("Find entry").fill("Certification Authority")
    page.wait_for_function(
        """() => {
            const entries = [...document.querySelectorAll('.ct-scroll .widget-label-basic')];
            return entries.length > 0
                && entries.every(each => each.innerText.includes('Authority'));
        }"""
    )
    settled(
        page,
        whatif.locator(".ct-scroll input:not(:checked)").first.click,
        plan,
        "Upload the certificate",
    )
    settled(
        page,
        lambda: whatif.get_by_role("button", name="Prepare plan").click(),
        whatif,
        "Download the plan",
    )
    for link, begins in (
        ("Download the plan", '"action",'),
        ("Download the certificates", "-----BEGIN"),
    ):
        with page.expect_download() as download:
            whatif.get_by_role("link", name=link).click()
        assert (
            download.value.path().read_text(encoding="utf-8-sig").startswith(begins)
        )
    settled(
        page,
        lambda: whatif.get_by_role("button", name="Start over").click(),
        plan,
        "Nothing has been changed yet",
    )
    assert complaints_of(lab) == []
