"""A device of a synthetic fleet, and the certificate that it presents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .authorities import Issued
from .sites import Site

SOFT = ("softphone", "mobile")
"""Kinds of devices without a MAC address of their own."""


@dataclass(frozen=True, eq=False)
class Presented:
    """A certificate with the chain that the device sends, from a moment on."""

    leaf: Issued
    chain: Sequence[Issued]
    since: int = 0


@dataclass(eq=False)
class Device:
    """A device with its PBX object, its certificates, and all that decides its attempts."""

    kind: str
    model: str | None
    serial: str | None
    hardware_id: str
    site: Site
    user: str
    long_name: str
    number: str
    address: str
    causes: frozenset[str]
    scenario: str
    gap: str | None
    """What the data lack: its certificate, the trust list of its PBX, or words in its lines."""
    object_name: str = ""
    """The hardware ID in the PBX object: the serial, or the hardware ID proper."""
    registration_name: str | None = None
    """None = the default: the serial, for a gateway followed by the interface."""
    interfaces: tuple[str, ...] = ()
    protocol: str = "H.323/TLS"
    tls_only: bool = False
    proxy_allowed: bool = False
    via_proxy: bool = False
    presented: list[Presented] = field(default_factory=list)

    @property
    def own_names(self) -> set[str]:
        """Both spellings of the device's identity."""
        return {name for name in (self.serial, self.hardware_id) if name}

    def default_name(self, interface: str | None) -> str:
        """Return the name that it registers with by default."""
        if self.serial is None:
            return self.hardware_id
        return f"{self.serial}-{interface}" if interface else self.serial
