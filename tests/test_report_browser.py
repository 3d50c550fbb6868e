"""The report in a real Chromium: silent, without a request, readable on a phone, printable,
sortable.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from certtrust.report import explain_fleet, write_report
from certtrust.testing import small_fleet

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a fleet in which one device is called like a script."""
    fleet = small_fleet(60)
    log = fleet.registrations
    log.loc[log.index[:20], "registration_name"] = (
        "<script>document.title='run'</script>"
    )
    return write_report(
        explain_fleet(fleet), tmp_path_factory.mktemp("report") / "report.html"
    )[0]


def opened_page(browser: Any, path: Path, **options: Any) -> tuple[Any, list[str]]:
    """Open the file and return the page with everything that it complained of or asked for."""
    page = browser.new_context(**options).new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "request",
        lambda request: (
            heard.append(request.url) if request.url != path.as_uri() else None
        ),
    )
    page.goto(path.as_uri())
    return page, heard


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_without_a_sound_in_every_width(
    browser: Any, report_file: Path, width: int, scheme: str
) -> None:
    """No console message, no error, no request, and nothing wider than the window."""
    page, heard = opened_page(
        browser,
        report_file,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    assert page.title().startswith("Registration report")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.evaluate(
        "[...document.querySelectorAll('svg')].filter(s => s.checkVisibility()).map(s => "
        "s.classList[0])"
    )
    assert set(shown) == {"phone" if width < 540 else "desk"}
    assert heard == []


def test_dark_pages_have_dark_drawings(browser: Any, report_file: Path) -> None:
    """The background and the text of a drawing change with the page."""
    colours = []
    for scheme in ("light", "dark"):
        page, _ = opened_page(browser, report_file, color_scheme=scheme)
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        words = page.evaluate(
            "getComputedStyle(document.querySelector('svg.desk text')).fill"
        )
        colours.append((background, words))
    assert colours == [
        ("rgb(255, 255, 255)", "rgb(89, 98, 109)"),
        ("rgb(21, 24, 29)", "rgb(163, 173, 184)"),
    ]


def test_a_table_is_sorted_by_a_heading(browser: Any, report_file: Path) -> None:
    """A press on a heading sorts, another one turns the order, and the heading says so."""
    page, heard = opened_page(
        browser, report_file, viewport={"width": 1280, "height": 800}
    )
    cells = (
        "[...document.querySelectorAll('#devices ~ .wide tbody "
        "tr')].map(row => Number(row.cells[4].dataset.sort))"
    )
    head = page.locator("#devices ~ .wide th", has_text="Attempts")
    head.locator("button").click()
    falling = page.evaluate(cells)
    assert falling == sorted(falling, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    assert page.evaluate(cells) == falling[::-1] or page.evaluate(cells) == sorted(
        falling
    )
    assert heard == []


def test_without_script_the_page_reads_the_same(
    browser: Any, report_file: Path
) -> None:
    """With scripts switched off every section and drawing is there, and no promise of sorting."""
    page, _ = opened_page(
        browser,
        report_file,
        java_script_enabled=False,
        viewport={"width": 1280, "height": 800},
    )
    scripted, _ = opened_page(
        browser, report_file, viewport={"width": 1280, "height": 800}
    )
    for part in ("h2", "svg.desk", "tbody tr"):
        assert page.locator(part).count() == scripted.locator(part).count() > 5
    assert not page.get_by_text("Press a heading to sort").is_visible()


def test_the_page_prints(browser: Any, report_file: Path, tmp_path: Path) -> None:
    """Printed, it is a PDF of several pages."""
    page, heard = opened_page(browser, report_file)
    page.pdf(path=str(tmp_path / "report.pdf"), format="A4")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") >= 3
    assert heard == []
