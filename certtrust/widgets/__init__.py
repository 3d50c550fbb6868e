"""Widgets for notebooks and Voila: one certificate tested, a fleet explored, a change tried out,
phones watched at the bench.

A widget holds traits and callbacks; every value that it shows is computed by a function of the
package.
Only this package imports ipywidgets.
"""

from __future__ import annotations

from .answers import (
    cause_examples,
    false_identities,
    first_action,
    inventory,
    locked_out,
    log_end,
    main_causes,
    remarks,
    several_reasons,
)
from .bench import Bench
from .explorer import FleetExplorer
from .tables import table
from .tester import CertificateTester
from .whatif import WhatIf

__all__ = [
    "Bench",
    "CertificateTester",
    "FleetExplorer",
    "WhatIf",
    "cause_examples",
    "false_identities",
    "first_action",
    "inventory",
    "locked_out",
    "log_end",
    "main_causes",
    "remarks",
    "several_reasons",
    "table",
]
