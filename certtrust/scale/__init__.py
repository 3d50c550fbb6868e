"""The same verbs on a cluster of Dask, for fleets that outgrow one machine.

Certificates and registrations are Dask frames, whose partitions the workers read themselves;
trust lists, device entries and answers are small, and frames of pandas. Dask is an extra
(`pip install 'certtrust[scale]'`), and loaded on first use.
"""

from __future__ import annotations

from .accounts import account
from .cluster import connect
from .frames import collect, to_parquet
from .joining import attempts
from .judging import causes, check, findings
from .planning import remedies
from .reading import partitions, read_certificates, read_fleet, read_registrations

__all__ = [
    "account",
    "attempts",
    "causes",
    "check",
    "collect",
    "connect",
    "findings",
    "partitions",
    "read_certificates",
    "read_fleet",
    "read_registrations",
    "remedies",
    "to_parquet",
]
