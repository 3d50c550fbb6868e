"""Widgets for notebooks and Voila: one certificate tested, a fleet explored, a change tried out,
phones watched at the bench.

A widget holds traits and callbacks; every value that it shows is computed by a function of the
package.
Only this package imports ipywidgets.
"""

from __future__ import annotations

from .bench import Bench
from .explorer import FleetExplorer
from .tables import table
from .tester import CertificateTester
from .whatif import WhatIf

__all__ = ["Bench", "CertificateTester", "FleetExplorer", "WhatIf", "table"]
