"""What all tests share: no deadlines in property tests, since machines differ, and one driver
of the real browser.
"""

import os
import shutil

import pytest
from hypothesis import settings
from thoroughness import examples

settings.register_profile(
    "certtrust", deadline=None, print_blob=True, max_examples=examples(100)
)
settings.load_profile("certtrust")

# The command line speaks the language of the environment, and the tests read English.
os.environ["LC_ALL"] = "C.UTF-8"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def playwright_driver():
    """Playwright, once for all tests: a process can hold one of them."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright_driver):
    """Chromium without a window."""
    opened = playwright_driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield opened
    opened.close()
