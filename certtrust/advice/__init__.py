"""What to do first: actions that can be applied, a ranked plan of them, the coming failures, and what-ifs."""

from .forecast import endings, forecast, latest
from .impersonations import impersonations
from .missing import contradictions, missing
from .remedies.actions import KINDS, apply
from .shared_names_and_keys import shared_keys, shared_names
from .whatif import changes, what_if

__all__ = [
    "KINDS",
    "apply",
    "changes",
    "contradictions",
    "endings",
    "forecast",
    "impersonations",
    "latest",
    "missing",
    "shared_keys",
    "shared_names",
    "what_if",
]
