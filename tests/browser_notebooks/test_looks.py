"""What is seen of the notebooks, light and dark: contrast, nothing cut, five screens, axe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import PICTURES, ROOT
from driving import opened, run_all, settled, widget
from looking import CONTRAST, CUT, END
from servers import jupyterlab, voila

AXE = os.environ.get("AXE_CORE", "")
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
SCREEN = 1000
SEEN = ".ct-root, .ct-paged, .jp-RenderedHTMLCommon"


@pytest.fixture(scope="module", params=["light", "dark"])
def themed(request, site, tmp_path_factory):
    """JupyterLab in a theme, and the theme."""
    log = tmp_path_factory.mktemp("looks") / f"{request.param}.log"
    with jupyterlab(site, log, theme=request.param) as server:
        yield server, request.param


def saved(page, name: str) -> None:
    """Keep a picture of the whole notebook."""
    height = page.evaluate(END)
    page.set_viewport_size({"width": 1280, "height": int(height) + 200})
    page.wait_for_timeout(700)
    page.evaluate(
        "() => document.querySelectorAll('.jp-NotebookPanel div')"
        ".forEach(part => { part.scrollTop = 0; })"
    )
    page.wait_for_timeout(300)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / name)
    page.set_viewport_size({"width": 1280, "height": SCREEN})


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_can_be_read(page, themed, name):
    """At 1280 pixels no text is fainter than 4.5:1, nothing is cut, and five screens hold it."""
    server, theme = themed
    page.set_viewport_size({"width": 1280, "height": SCREEN})
    opened(page, server, name)
    run_all(page, 240)
    page.wait_for_timeout(2000)
    saved(page, f"looks-{name[:2]}-{theme}.png")
    assert page.evaluate(CONTRAST, SEEN) == []
    assert page.evaluate(CUT, SEEN) == []
    assert page.evaluate(END) <= 5 * SCREEN
    # A chart is shown in the theme of the page, once.
    for one, shown in (("light", theme == "light"), ("dark", theme == "dark")):
        for picture in page.locator(f".certtrust-chart-{one}").all():
            assert picture.is_visible() == shown


def test_every_answer_of_the_controls_can_be_read(page, themed):
    """A diagnosis, what repairs it, every PBX, two certificates and a plan can be read as well."""
    server, theme = themed
    page.set_viewport_size({"width": 1280, "height": SCREEN})
    opened(page, server, "03-registration-failures.ipynb")
    run_all(page, 240)
    explorer = widget(page)
    settled(page, explorer.locator(".ct-link").first.click, explorer)
    repair = explorer.get_by_role("button", name="What repairs this device?")
    settled(page, repair.click, explorer, "of the plan")
    settled(
        page,
        explorer.get_by_role("button", name="Prepare CSV").click,
        explorer,
        "as CSV",
    )
    saved(page, f"looks-explorer-{theme}.png")
    assert page.evaluate(CONTRAST, SEEN) == []
    opened(page, server, "02-test-one-certificate.ipynb")
    run_all(page, 240)
    tester = widget(page)
    everywhere = tester.get_by_role("button", name="Check every PBX")
    settled(page, everywhere.click, tester, "4 PBXs")
    settled(
        page, tester.get_by_role("button", name="Hold this one").click, tester, "Held"
    )
    saved(page, f"looks-tester-{theme}.png")
    assert page.evaluate(CONTRAST, SEEN) == []
    assert page.evaluate(CUT, SEEN) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_voila_can_be_read_and_axe_finds_nothing_serious(
    page, site, tmp_path, name, theme
):
    """Contrast holds without JupyterLab, and axe-core (where AXE_CORE names it) is content."""
    with voila(
        site / "notebooks" / name, tmp_path / "voila.log", theme=theme
    ) as server:
        page.goto(server.url, timeout=120_000)
        page.wait_for_selector("text=Next:", timeout=120_000)
        page.wait_for_timeout(2500)
        PICTURES.mkdir(parents=True, exist_ok=True)
        picture = PICTURES / f"voila-looks-{name[:2]}-{theme}.png"
        page.screenshot(path=picture, full_page=True)
        faint = page.evaluate(CONTRAST, SEEN)
        violations = []
        if Path(AXE).is_file():
            page.add_script_tag(path=AXE)
            violations = page.evaluate("axe.run().then(result => result.violations)")
        page.goto("about:blank")
    assert faint == []
    serious = [
        (
            found["id"],
            found["help"],
            [node["html"][:200] for node in found["nodes"]][:3],
        )
        for found in violations
        if found["impact"] in ("serious", "critical")
    ]
    assert serious == []
