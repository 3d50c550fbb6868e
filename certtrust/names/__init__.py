"""Which names fit: host names, registration names, serials and hardware IDs."""

from .certificate_names import certificate_names
from .matching import host_matches
from .prefixes import begins_with_cn

__all__ = ["begins_with_cn", "certificate_names", "host_matches"]
