"""Notebooks as dashboards: Voila shows them without code, and their widgets answer."""

from __future__ import annotations

import pytest
from conftest import PICTURES, complaints_of
from driving import settled, widget
from servers import voila

FIRST_CLICK = {
    "02-test-one-certificate.ipynb": lambda live: live.get_by_role(
        "button", name="Tick none"
    ),
    "03-registration-failures.ipynb": lambda live: live.locator(".ct-bar-row").first,
    "04-what-if.ipynb": lambda live: live.locator(".ct-scroll input:checked").first,
}


@pytest.mark.parametrize("name", sorted(FIRST_CLICK))
def test_a_dashboard_without_code(page, site, tmp_path, name):
    """The story, charts and live widgets are there, code is not, and a click is answered."""
    with voila(site / "notebooks" / name, tmp_path / "voila.log") as server:
        page.goto(server.url, timeout=120_000)
        live = widget(page)
        page.wait_for_timeout(1500)
        assert (
            page.locator(
                ".jp-CodeMirrorEditor, .jp-InputArea-editor .cm-content"
            ).count()
            == 0
        )
        assert "import certtrust" not in page.locator("body").inner_text()
        assert not page.locator(".ct-twin").first.is_visible()
        button = FIRST_CLICK[name](live)
        if name.startswith("02"):
            button.click()
            page.wait_for_function(
                "() => !document.querySelector('.ct-live .ct-scroll input:checked')"
            )
        else:
            settled(page, button.click, live)
        assert complaints_of(server) == []
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"voila-{name[:2]}.png")
        page.goto(
            "about:blank"
        )  # before the server goes, whose page would complain about that
