"""Which certificates have to be renewed when, for people and for the tools that watch a fleet:
calendars (iCalendar), Prometheus and Nagios.
"""

from __future__ import annotations

from .calendar import calendar
from .nagios import Thresholds, plugin_status
from .prometheus import metrics
from .renewals import MONTHS, WEEKS, renewals
from .status import Status, status

__all__ = [
    "MONTHS",
    "WEEKS",
    "Status",
    "Thresholds",
    "calendar",
    "metrics",
    "plugin_status",
    "renewals",
    "status",
]
