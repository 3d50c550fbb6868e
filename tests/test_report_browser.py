"""The report in a real Chromium: silent, without a request, readable on a phone, printable, and
with a table that finds every failing device.
"""

from __future__ import annotations

import os
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import certtrust as ct
from certtrust.report import explain_fleet, write_report
from certtrust.report.content import failing_devices
from certtrust.report.device_table import device_table
from certtrust.testing import small_fleet
from certtrust.texts.markup import tag

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
    page.evaluate(
        "document.querySelectorAll('details').forEach(d => { d.open = true; })"
    )
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


def test_the_answer_fits_on_one_screen(browser: Any, report_file: Path) -> None:
    """What fails, why, the first three actions and what is missing, without scrolling."""
    page, heard = opened_page(
        browser, report_file, viewport={"width": 1280, "height": 800}
    )
    bottom = page.locator("header nav").bounding_box()
    assert bottom["y"] + bottom["height"] < 800
    assert page.locator(".answer ol li").count() == 3
    assert page.locator(".answer .causes li").count() >= 3
    assert page.locator(".answer section").count() == 3
    assert page.locator("details.section[open]").count() == 1
    assert heard == []


def test_a_link_opens_its_section(browser: Any, report_file: Path) -> None:
    """A link on the first screen leads to what it speaks of, folded or not."""
    page, _ = opened_page(
        browser, report_file, viewport={"width": 390, "height": 800}
    )
    for anchor in ("why", "rules", "counts"):
        page.locator(f"nav a[href='#{anchor}']").click()
        page.wait_for_function(
            f"document.getElementById('{anchor}').checkVisibility()"
        )


def test_a_failing_device_leads_to_the_action_that_repairs_it(
    browser: Any, report_file: Path
) -> None:
    """From a row to its diagnosis, and from there to the action, twice and also after sorting."""
    page, heard = opened_page(
        browser, report_file, viewport={"width": 1280, "height": 800}
    )
    for _ in range(2):
        row = page.locator("table.devices tbody tr", has_text="Repaired by").first
        row.locator("summary").click()
        link = row.locator("a[href^='#action-']").first
        name = (link.get_attribute("href") or "").removeprefix("#")
        assert not page.locator(f"#{name}").is_visible()
        link.click()
        page.wait_for_function(
            f"document.getElementById('{name}').getBoundingClientRect().top < innerHeight"
        )
        assert page.locator(f"#{name}").is_visible()
        page.evaluate(
            "document.getElementById('first').closest('details').open = false"
        )
        page.locator("table.devices th button").first.click()
    assert heard == []


def shown_devices(page: Any) -> list[str]:
    """Return the devices in the table, in order."""
    return page.locator("table.devices tbody td:first-child").all_inner_texts()


def test_the_filter_sees_every_failing_device(
    browser: Any, report_file: Path
) -> None:
    """Each row of the CSV is found by its serial, its name, and by what its lists hold."""
    page, heard = opened_page(
        browser, report_file, viewport={"width": 1280, "height": 800}
    )
    rows = pd.read_csv(report_file.with_suffix(".csv"), dtype="str")
    devices = rows.dropna(subset=["device"])
    for _, row in devices.iloc[:: max(1, len(devices) // 12)].iterrows():
        page.fill("#find", f"{row['device'].upper()} {row['pbx']}")
        expected = devices[devices["device"] == row["device"]]
        expected = expected[expected["pbx"] == row["pbx"]]
        assert page.locator("table.devices tbody tr").count() == len(expected)
        assert all(row["device"] in text for text in shown_devices(page))
    page.fill("#find", "")
    title = rows["title"].iloc[0]
    page.select_option(
        "#filter-title", label=f"{title} ({sum(rows['title'] == title)})"
    )
    assert f"of {sum(rows['title'] == title)};" in page.inner_text("#status")
    page.locator("#clear").click()
    page.fill("#find", "no such device")
    assert "No failing device matches" in page.inner_text("#status")
    assert heard == []


def table_alone(failing: pd.DataFrame, directory: Path) -> Path:
    """Write a page that has nothing but the table of failing devices."""
    script = "".join(
        resources.files("certtrust.report").joinpath(name).read_text(encoding="utf-8")
        for name in ("page.js", "devices.js")
    )
    body = tag("body", *device_table(failing))
    path = directory / "table.html"
    path.write_text(
        f"<!DOCTYPE html><meta charset=utf-8>{body}<script>{script}</script>",
        encoding="utf-8",
    )
    return path


def test_a_hundred_thousand_failing_devices_are_all_found(
    browser: Any, tmp_path: Path
) -> None:
    """Every one of them, each with names, number and dates of its own, in less than 6 MB."""
    failing = failing_devices(ct.check(ct.attempts(small_fleet(30))))
    failing = failing.dropna(subset=["device", "long_name"])
    count = 100_000
    many = pd.concat([failing] * (count // len(failing) + 1)).head(count)
    old, many = many["device"], many.reset_index(drop=True)
    serials = [f"009033{row * 163 % 16**6:06x}" for row in range(count)]
    swapped = {
        name: [
            text.replace(one, other) if isinstance(text, str) else text
            for text, one, other in zip(many[name], old, serials, strict=True)
        ]
        for name in ("why", "remedy", "subject_cn", "registration_name")
    }
    path = table_alone(many.assign(device=serials, **swapped), tmp_path)
    assert path.stat().st_size < 5_500_000
    page, heard = opened_page(browser, path, viewport={"width": 1280, "height": 800})
    for row in (0, count // 2, count - 1):
        page.fill("#find", serials[row])
        assert [text[-12:] for text in shown_devices(page)] == [serials[row]]
        page.locator("table.devices tbody summary").click()
        reason = page.inner_text("table.devices tbody td.reason")
        assert many.assign(**swapped)["why"].iloc[row] in reason
    page.fill("#find", "")
    assert "of 100,000; different devices among them: 100,000." in page.inner_text(
        "#status"
    )
    assert heard == []


def test_umlauts_are_found_however_they_are_typed(
    browser: Any, tmp_path: Path
) -> None:
    """Müller is found as Müller, Muller and Mueller; a hardware ID finds its serial."""
    failing = failing_devices(ct.check(ct.attempts(small_fleet(30))))
    serial = failing["device"].dropna().iloc[0]
    names = ["Jörg Müßler", "王小明", *["x" * 60] * len(failing)][: len(failing)]
    named = failing.assign(long_name=pd.Series(names, dtype="str"))
    page, heard = opened_page(browser, table_alone(named, tmp_path))
    for words in ("müßler", "MUSSLER", "muessler", "jorg", "Joerg"):
        page.fill("#find", words)
        assert [text.split(" (")[0] for text in shown_devices(page)] == [
            "Jörg Müßler"
        ]
    page.fill("#find", "小明")
    assert len(shown_devices(page)) == 1
    end = "-".join(serial[start : start + 2] for start in (6, 8, 10))
    for words in (
        f"IP222-{end}",
        "-".join(serial[i : i + 2] for i in range(0, 12, 2)),
    ):
        page.fill("#find", words)
        assert serial in shown_devices(page)[0]
    assert heard == []


def test_the_table_is_sorted_and_paged(browser: Any, report_file: Path) -> None:
    """A press on a heading sorts all rows, another one turns the order, and the heading says so."""
    page, heard = opened_page(
        browser, report_file, viewport={"width": 1280, "height": 800}
    )
    head = page.locator("table.devices th", has_text="Failed attempts")
    numbers = page.locator("table.devices tbody td:nth-child(5)")
    head.locator("button").click()
    falling = [int(text) for text in numbers.all_inner_texts()]
    assert falling == sorted(falling, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    rising = [int(text) for text in numbers.all_inner_texts()]
    assert rising == sorted(rising)
    assert max(rising) <= max(falling)
    assert heard == []


def test_a_reason_is_the_same_with_and_without_script(
    browser: Any, report_file: Path
) -> None:
    """The script makes the very rows that stand in the page, and without it they are readable."""
    width = {"width": 1280, "height": 800}
    static, _ = opened_page(
        browser, report_file, java_script_enabled=False, viewport=width
    )
    scripted, heard = opened_page(browser, report_file, viewport=width)
    rows = "table.devices tbody tr"
    assert static.locator(rows).count() == scripted.locator(rows).count() > 5
    for text in ("h2", "table.devices td.reason", "table.devices td:nth-child(6)"):
        there = static.locator(text).all_text_contents()
        assert there == scripted.locator(text).all_text_contents()
    assert not static.locator(".filters").is_visible()
    assert scripted.locator(".filters").is_visible()
    assert heard == []


def test_the_page_prints_on_five_sheets_and_the_table(
    browser: Any, report_file: Path, tmp_path: Path
) -> None:
    """Printed, the answer and its reasons take five sheets at most; the table follows."""
    page, heard = opened_page(browser, report_file)
    page.pdf(path=str(tmp_path / "report.pdf"), format="A4")
    page.evaluate("document.getElementById('devices').parentElement.hidden = true")
    page.pdf(path=str(tmp_path / "without.pdf"), format="A4")
    sheets = {
        name: (tmp_path / f"{name}.pdf").read_bytes().count(b"/Type /Page\n")
        for name in ("report", "without")
    }
    assert 2 <= sheets["without"] <= 5
    assert sheets["report"] > sheets["without"]
    assert page.locator("details.section[open]").count() == 1
    assert heard == []


AXE = os.environ.get("AXE_CORE", "")


@pytest.mark.skipif(not Path(AXE).is_file(), reason="AXE_CORE names no axe.min.js")
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(
    browser: Any, report_file: Path, width: int, scheme: str
) -> None:
    """With everything unfolded; `npm pack axe-core` has the file that AXE_CORE names."""
    page, _ = opened_page(
        browser,
        report_file,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        bypass_csp=True,
    )
    page.evaluate(
        "document.querySelectorAll('details').forEach(d => { d.open = true; })"
    )
    page.add_script_tag(path=AXE)
    violations = page.evaluate("axe.run().then(result => result.violations)")
    serious = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"][:3]])
        for violation in violations
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []
