"""Which names fit: host names, registration names, serials and hardware IDs."""

from .matching import begins_with_cn, host_matches

__all__ = ["begins_with_cn", "host_matches"]
