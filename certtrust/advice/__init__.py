"""What to do first: actions that can be applied, a ranked plan of them, the coming failures, and what-ifs."""

from .actions import KINDS, apply
from .forecast import endings, forecast
from .remedies import remedies

__all__ = ["KINDS", "apply", "endings", "forecast", "remedies"]
