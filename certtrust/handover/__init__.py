"""What is handed to others: kits for those who carry out a plan, and copies to give away."""

from .bundle import write_bundle
from .kit import kit
from .pseudonyms.fleet import judged_differently, left_out, pseudonymise

__all__ = ["judged_differently", "kit", "left_out", "pseudonymise", "write_bundle"]
