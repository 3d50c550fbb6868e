"""The kinds of remedies: one record each, related ones in one file."""

from __future__ import annotations

import importlib
import pkgutil

from ....errors import CerttrustError
from ..remedy import Remedy, checked

FILES = (
    "trust_lists",
    "clock",
    "transport",
    "login",
    "entry_flags",
    "renewal",
    "registration_name",
    "new_certificate",
)
"""The files of this folder; each has a tuple `REMEDIES`."""

_present = {module.name for module in pkgutil.iter_modules(__path__)}
for _name in sorted(_present ^ set(FILES)):
    if _name in _present:
        raise CerttrustError(
            f"the remedies in {_name}.py are not in use: add {_name!r} to FILES in {__name__}"
        )
    raise CerttrustError(
        f"{__name__} names {_name!r} in FILES, and has no file {_name}.py with REMEDIES"
    )

REMEDIES: tuple[Remedy, ...] = checked(
    [
        remedy
        for file in FILES
        for remedy in importlib.import_module(f".{file}", __name__).REMEDIES
    ]
)

BY_KIND = {
    remedy.kind: remedy for remedy in sorted(REMEDIES, key=lambda remedy: remedy.cost)
}

KINDS = tuple(BY_KIND)
"""The kinds, lowest cost first: of two that repair as much, `remedies` takes the earlier one."""
