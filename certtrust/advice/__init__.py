"""What to do first: actions that can be applied, a ranked plan of them, the coming failures, and what-ifs."""

from .actions import KINDS, apply
from .forecast import endings, forecast, latest
from .gaps import contradictions, missing
from .impersonations import impersonations
from .remedies import remedies
from .shared import shared_keys, shared_names
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
    "remedies",
    "shared_keys",
    "shared_names",
    "what_if",
]
