"""What all tests share: no deadlines in property tests, since machines differ, and one driver
of the real browser.
"""

import importlib
import os
import shutil
import signal
from collections import Counter

import pytest
from few_keys import reuse_keys
from hypothesis import settings
from thoroughness import SHARE, examples

settings.register_profile(
    "certtrust", deadline=None, print_blob=True, max_examples=examples(100)
)
settings.load_profile("certtrust")

reuse_keys()

# The command line speaks the language of the environment, and the tests read English.
os.environ["LC_ALL"] = "C.UTF-8"

SAMPLED = frozenset(
    f"test_{name}.py"
    for name in [
        "advice_actions",
        "advice_forecast",
        "advice_impersonations",
        "advice_missing",
        "advice_remedies",
        "answer_tables",
        "attempts",
        "bench",
        "browser_verdict",
        "captures",
        "certificates",
        "certificates_containers",
        "certificates_mutants",
        "certificates_oracles",
        "changes",
        "charts",
        "charts_faults",
        "charts_frames",
        "charts_layout",
        "check",
        "cli",
        "cli_endpoints",
        "columnar_structure",
        "device_labels",
        "devices",
        "diagnosis",
        "diagnosis_equals_check",
        "endpoints_handshakes",
        "fetch_fleet",
        "findings",
        "fleet",
        "fleet_kept",
        "fuzz",
        "history",
        "hostile_files",
        "kit",
        "logs_layouts",
        "logs_tables",
        "monitoring",
        "naive_reference",
        "ownership",
        "partitions",
        "passwords",
        "pseudo_language",
        "pseudonymise",
        "registrations",
        "registrations_messages",
        "registrations_properties",
        "report",
        "report_devices",
        "report_spreadsheets",
        "run_properties",
        "secrets",
        "signatures",
        "simulation",
        "table_files",
        "tls_profile",
        "trust_lists_in_order",
        "trust_state",
        "trust_state_cases",
        "trust_state_hostile",
        "trust_state_naive",
        "visible",
        "whatif",
        "whole_files",
        "widgets_answers",
        "widgets_comparisons",
        "widgets_fleet",
        "widgets_pseudo_language",
        "widgets_tester",
        "wire",
    ]
)
"""Slow files of tests, of which a run of all tests takes every fourth one; `make check-all` takes
all, and so does whoever names a file.
"""
STEP = max(1, round(1 / SHARE))
_WHOLE = "CERTTRUST_WHOLE_RUN"


def pytest_configure(config):
    """Tell the processes that share the tests whether all files are run, and mind Ctrl-C."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ.setdefault(_WHOLE, "1")
    # A shell lets what it starts in the background ignore Ctrl-C, which tests send to themselves.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leave out what a run of all tests does not take."""
    if _WHOLE not in os.environ or SHARE >= 1:
        return
    numbers = Counter()
    kept, left = [], []
    for item in items:
        is_kept = item.path.name not in SAMPLED or numbers[item.path.name] % STEP == 0
        numbers[item.path.name] += 1
        (kept if is_kept else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.fixture
def without_charts(monkeypatch):
    """Pages without drawings, which take most of their time."""
    module = importlib.import_module("certtrust.report.page")
    monkeypatch.setattr(module, "CHARTS", {})


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
