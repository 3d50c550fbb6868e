"""Retake the pictures of notebooks/README.md that show pages and controls, in Voila:
`python tests/browser_notebooks/retake.py`.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from driving import settled, widget
from PIL import Image
from playwright.sync_api import sync_playwright
from servers import voila

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PICTURES = NOTEBOOKS / "pictures"
SECTIONS = {"walk-causes": 0, "walk-plan": 1, "walk-reasons": 2}
"""The pictures of sections of notebook 03, by the place of the section's heading."""
CHARTS_SHOWN = 1
"""Charts of a section that its picture shows."""


def main() -> int:
    """Take every picture anew."""
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as temporary:
        options = {
            "executable_path": shutil.which("chromium"),
            "args": ["--no-sandbox"],
        }
        browser = driver.chromium.launch(**options)
        page = browser.new_page(viewport={"width": 1240, "height": 6000})
        page.set_default_timeout(120_000)
        log = Path(temporary) / "voila.log"
        with _dashboard(page, "03-registration-failures", log):
            for name, place in SECTIONS.items():
                _take_section(page, name, place)
            explorer = widget(page)
            settled(page, explorer.locator(".ct-link").first.click, explorer)
            repair = explorer.get_by_role("button", name="What repairs this device?")
            settled(page, repair.click, explorer, "of the plan")
            _save(explorer.screenshot(), "walk-explorer")
        with _dashboard(page, "02-test-one-certificate", log):
            _save(widget(page).screenshot(), "tester")
        with _dashboard(page, "04-what-if", log):
            whatif = widget(page)
            tls_only = whatif.get_by_label("TLS only")
            settled(page, lambda: tls_only.select_option(index=1), whatif)
            _save(whatif.screenshot(), "what-if")
    return 0


@contextmanager
def _dashboard(page: Any, name: str, log: Path) -> Iterator[None]:
    with voila(NOTEBOOKS / f"{name}.ipynb", log) as server:
        page.goto(server.url)
        page.wait_for_selector("text=Next:")
        page.wait_for_timeout(3000)
        yield
        page.goto("about:blank")


def _take_section(page: Any, name: str, place: int) -> None:
    """Take what stands from a heading to the section's first charts, or to the next heading."""
    box = page.evaluate(
        """([place, charts]) => {
            const heads = [...document.querySelectorAll('h2')];
            const top = heads[place].getBoundingClientRect().top + scrollY;
            let end = heads[place + 1].getBoundingClientRect().top + scrollY;
            const images = [...document.querySelectorAll('img.certtrust-chart-light')]
                .map(image => image.getBoundingClientRect().bottom + scrollY)
                .filter(bottom => bottom > top && bottom < end);
            if (images.length >= charts) end = images[charts - 1] + 8;
            return {x: 4, y: top - 4, width: 1220, height: end - top - 4};
        }""",
        [place, CHARTS_SHOWN],
    )
    _save(page.screenshot(full_page=True, clip=box), name)


def _save(png: bytes, name: str) -> None:
    """Save a picture with few colours, which is a third as large."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(128)
    picture.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
