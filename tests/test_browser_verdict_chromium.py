"""A real Chromium opens the sites, and the package has the same verdicts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

import certtrust as ct
from certtrust.certificates.reading import from_der

pytest.importorskip("asn1crypto")
pytest.importorskip("playwright")
from browser.chromium import CERTUTIL, CHROMIUM, served, trust_in, visit
from browser.sites import Site, sites

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(
        not (CHROMIUM and CERTUTIL),
        reason="needs chromium, and certutil of libnss3-tools",
    ),
]


def _verdict(site: Site) -> bool:
    certificates = from_der([issued.der for issued in site.chain])
    trust = from_der([issued.der for issued in site.listed])
    attempts = ct.browser_attempts(
        certificates, {str(certificates["fingerprint"].iloc[0]): site.url}, trust
    )
    return bool(ct.check(attempts)["hygiene.browser"].iloc[0])


def test_chromium_agrees(playwright_driver: Any, tmp_path: Path) -> None:
    """Exactly those sites open that pass `hygiene.browser`."""
    visited = sites()
    # As Chromium's guide for Linux says, a server's own certificate is listed as a peer, and
    # anything else as a CA.
    listed = {
        issued.der: (issued.pem, "P,," if issued is site.chain[0] else "C,,")
        for site in visited
        for issued in site.listed
    }
    trust_in(tmp_path / "home", list(listed.values()))
    with contextlib.ExitStack() as running:
        urls = []
        for number, site in enumerate(visited):
            directory = tmp_path / str(number)
            directory.mkdir()
            urls.append(
                (site.url, running.enter_context(served(site.chain, directory)))
            )
        answers = visit(playwright_driver, urls, tmp_path / "home")
    different = {
        site.name: answer or "opened"
        for site, answer in zip(visited, answers, strict=True)
        if (answer == "") != _verdict(site)
    }
    assert len(visited) > 25
    assert different == {}
