"""Notebook 7, which shares JupyterLab's parts but not its shell: the notebooks run, and their
widgets answer.
"""

from __future__ import annotations

import pytest
from conftest import PICTURES, complaints_of
from driving import menu, opened, settled, widget
from servers import jupyterlab

pytest.importorskip("notebook", minversion="7")

ANSWERS = {
    "02-test-one-certificate.ipynb": lambda live: live.get_by_label(
        "Registers as"
    ).fill("reception"),
    "03-registration-failures.ipynb": lambda live: live.locator(
        ".ct-bar-row"
    ).first.click(),
    "04-what-if.ipynb": lambda live: live.get_by_label("TLS only").select_option(
        index=1
    ),
}


@pytest.fixture(scope="module")
def classic(site, tmp_path_factory):
    """Notebook 7 on the copy of the notebooks."""
    with jupyterlab(
        site,
        tmp_path_factory.mktemp("notebook") / "notebook.log",
        application="notebook",
    ) as server:
        yield server


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_widget_answers_in_notebook_7(page, classic, name):
    """The twin stands there before the run, the widget after it; a control is answered, and
    nobody complains.
    """
    opened(page, classic, name, path="notebooks")
    assert page.locator(".ct-twin").first.is_visible()
    menu(page, "Run", "Run All Cells")
    live = widget(page)
    assert not page.locator(".ct-twin").first.is_visible()
    settled(page, lambda: ANSWERS[name](live), live)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"notebook7-{name[:2]}.png")
    assert complaints_of(classic) == []
