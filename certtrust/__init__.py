"""Explain why innovaphone phones and gateways fail to register: certificates, trust and names
of a whole fleet.

The names here are the public interface; `charts`, `testing`, `widgets`, `scale` and `endpoints`
are loaded on first use.
"""

from importlib import import_module
from typing import Any

from . import limits, monitoring, names
from .advice import (
    accepted_authorities,
    apply,
    changes,
    connection_lengths,
    contradictions,
    endings,
    forecast,
    impersonations,
    latest,
    missing,
    shared_keys,
    shared_names,
    tls_readiness,
    what_if,
)
from .advice.remedies.plan import remedies
from .advice.trust_lists.review import (
    short_trust_lists,
    trust_differences,
    trust_entries,
)
from .answer_tables import columns
from .captures import handshakes
from .certificates.reading import days_left, read_certificates
from .certificates.trust_lists import read_trust_list
from .devices import read_devices, shared_hardware_ids
from .errors import CerttrustError
from .evaluation.attempts import attempts, browser_attempts
from .evaluation.check import causes, check, compare
from .evaluation.rules import rules
from .explanation.diagnosis import Diagnosis, diagnose, explained
from .explanation.findings import findings
from .fleet import Fleet, link, read_fleet
from .handover import kit, pseudonymise
from .history import diff, trend
from .monitoring import renewals
from .names import certificate_names
from .registrations import pattern_coverage, read_registrations
from .simulation import simulate
from .texts.sentences import language
from .understood_headings import headings

__version__ = "0.1.0"

__all__ = [
    "CerttrustError",
    "Diagnosis",
    "Fleet",
    "accepted_authorities",
    "apply",
    "attempts",
    "browser_attempts",
    "causes",
    "certificate_names",
    "changes",
    "charts",
    "check",
    "columns",
    "compare",
    "connection_lengths",
    "contradictions",
    "days_left",
    "diagnose",
    "diff",
    "endings",
    "explained",
    "fetch_chain",
    "fetch_fleet",
    "findings",
    "forecast",
    "handshakes",
    "headings",
    "impersonations",
    "kit",
    "language",
    "latest",
    "limits",
    "link",
    "listen",
    "missing",
    "monitoring",
    "names",
    "pattern_coverage",
    "pseudonymise",
    "read_certificates",
    "read_devices",
    "read_fleet",
    "read_registrations",
    "read_trust_list",
    "remedies",
    "renewals",
    "rules",
    "scale",
    "shared_hardware_ids",
    "shared_keys",
    "shared_names",
    "short_trust_lists",
    "simulate",
    "testing",
    "tls_readiness",
    "trend",
    "trust_differences",
    "trust_entries",
    "what_if",
    "widgets",
]

_MODULES = {"charts", "scale", "testing", "widgets"}
_FUNCTIONS = {
    "fetch_chain": "endpoints.chain",
    "fetch_fleet": "endpoints.fetch",
    "listen": "endpoints.bench",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name in _FUNCTIONS:
        return getattr(import_module(f".{_FUNCTIONS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
