"""What to do first: actions that can be applied, a ranked plan of them, the coming failures,
and what-ifs.
"""

from .authorities import accepted_authorities
from .changes import changes
from .connections import connection_lengths
from .forecast import endings, forecast, latest
from .impersonations import impersonations
from .missing import contradictions, missing
from .remedies.actions import apply, kinds
from .remedies.kinds import KINDS
from .shared_names_and_keys import shared_keys, shared_names
from .tls_readiness import tls_readiness
from .what_if import what_if

__all__ = [
    "KINDS",
    "accepted_authorities",
    "apply",
    "changes",
    "connection_lengths",
    "contradictions",
    "endings",
    "forecast",
    "impersonations",
    "kinds",
    "latest",
    "missing",
    "shared_keys",
    "shared_names",
    "tls_readiness",
    "what_if",
]
