"""Widgets keep the language that they were made in, also when a control is used later."""

import ipywidgets

import certtrust as ct
from certtrust.testing import small_fleet


def _words(widget):
    """Return all HTML that a widget shows."""
    own = [widget.value] if isinstance(widget, ipywidgets.HTML) else []
    within = getattr(widget, "children", ())
    return "\n".join([*own, *map(_words, within)])


def test_the_explorer_answers_in_its_language():
    """The block is over when a filter is chosen."""
    with ct.language("de"):
        explorer = ct.widgets.FleetExplorer(small_fleet())
    explorer.by = "pbx"
    explorer.text = "no such device"
    words = _words(explorer)
    assert "Mit diesen Filtern bleibt kein Gerät" in words
    assert "No device is left" not in words
    explorer.text = ""
    assert "Fehlanmeldungen nach PBX" in _words(explorer)


def test_the_tester_answers_in_its_language():
    """A verdict that changes is said in German."""
    with ct.language("de"):
        tester = ct.widgets.CertificateTester(fleet=small_fleet())
    tester.scenario = "browser"
    words = _words(tester)
    assert "Die URL eingeben" in words
    assert "Enter the URL" not in words
