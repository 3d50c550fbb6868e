"""A real JupyterLab, a real Voila and Debian's Chromium; screenshots stay in
build/browser_notebooks.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import Server, jupyterlab

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "build" / "browser_notebooks"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HARMLESS = re.compile(
    "not trusted|authentication is disabled|without encryption|websocket_ping|"
    "Starting buffering|Discarding|Restoring connection|received signal"
)
"""What servers log of their own accord, whatever the notebook does."""


def pytest_collection_modifyitems(items):
    """All of these are slow, and need a browser."""
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.exhaustive)
            if CHROMIUM is None:
                item.add_marker(
                    pytest.mark.skip(reason="no chromium on this machine")
                )


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """A copy of the notebooks and the example fleet, as a user has them after a download."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def lab(site, tmp_path_factory) -> Iterator[Server]:
    """JupyterLab on that copy."""
    with jupyterlab(site, tmp_path_factory.mktemp("lab") / "lab.log") as server:
        yield server


class Watch:
    """What the browser's console complained about."""

    def __init__(self, page) -> None:
        self.complaints: list[str] = []
        page.on("pageerror", self._failed)
        page.on("console", self._heard)

    def _failed(self, error) -> None:
        # Notebook 7.6 has this of its own at every start, with an empty notebook, too.
        if "reading 'schema'" not in str(error):
            self.complaints.append(f"page error: {error}")

    def _heard(self, message) -> None:
        # A debugger that is stopped with its kernel, a widget that went with it, and Voila's
        # fonts from the network are told to the console by others; what the user sees is
        # asserted by the tests.
        harmless = (
            "debugger state",
            "widget model not found",
            "ERR_NAME_NOT_RESOLVED",
            "ERR_INTERNET_DISCONNECTED",
        )
        if message.type == "error" and not any(
            words in message.text for words in harmless
        ):
            self.complaints.append(
                f"{message.text} ({message.location.get('url', '')})"
            )


@pytest.fixture
def page(browser, request) -> Iterator:
    """A fresh page; at its end a screenshot is kept, and the console must have said nothing bad."""
    context = browser.new_context(
        viewport={"width": 1500, "height": 1300},
        permissions=["clipboard-read", "clipboard-write"],
        accept_downloads=True,
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    watch = Watch(page)
    yield page
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{request.node.name.replace('/', '-')}.png")
    context.close()
    assert watch.complaints == []


def complaints_of(server: Server) -> list[str]:
    """Return the warnings and errors in the server's log."""
    lines = server.log.read_text(errors="replace").splitlines()
    bad = [line for line in lines if re.search(r"\[[WEC] |Traceback|ERROR", line)]
    return [line for line in bad if not HARMLESS.search(line)]
