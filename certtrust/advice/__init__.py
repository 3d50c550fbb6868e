"""What to do first: actions that can be applied, a ranked plan of them, the coming failures, and what-ifs."""

from .forecast import endings, forecast
from .remedies import remedies

__all__ = ["endings", "forecast", "remedies"]
