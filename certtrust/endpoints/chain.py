"""Certificates off one live TLS endpoint."""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd

from ..errors import CerttrustError
from ..names import hosts
from ..texts.sentences import say
from . import starttls as ways
from .apart import Apart
from .asking import Answer, Manner, Target, ask
from .client import tolerant_context
from .lookups import lookups
from .targets import spelled, targets
from .to_frame import certificates_frame, endpoints_frame


def fetch_chain(
    host: str,
    port: int = 443,
    *,
    server_name: str | None = None,
    timeout: float = 5,
    starttls: str = ways.AUTO,
) -> pd.DataFrame:
    """Fetch the certificates that a TLS server presents, without judging them.

    Parameters
    ----------
    host : str
        Name or address, as it stands in a URL; `[::1]` and `::1` are both fine.
    port : int
        TCP port: 443 for HTTPS, 1300 for H.323/TLS, 5061 for SIPS, 636 for LDAPS.
    server_name : str, optional
        The name to ask for (SNI), where one address serves several; "" asks for none. By default
        `host`, if it is a name.
    timeout : float
        Seconds for the connection to each address of the host, and as many for the handshake.
        The look-up of a name has as many, and 5 at least.
    starttls : {"auto", "no", "ldap", "smtp"}
        Whether TLS begins within another protocol (STARTTLS); by default it does at ports 389
        (LDAP), 25 and 587 (SMTP).

    Returns
    -------
    DataFrame
        Table CERTIFICATES: one row per certificate, in the order in which the server sent them,
        its own first; source and bundle are `host:port`, device is the host.
        `attrs["endpoint"]` is a row of ENDPOINTS as a dict of plain values, None where missing:
        version, cipher and alert, how the handshake ended, and what of it clients of today would
        refuse.

    Raises
    ------
    CerttrustError
        If an argument makes no sense, the name is unknown, nothing answers or listens there, or
        the server speaks no TLS or sends no certificate. The message says which.

    Notes
    -----
    Nothing is verified, and no credentials are sent. TLS from 1.0 on, keys of any size and SHA-1
    are accepted, so that old devices answer: OpenSSL's security level is lowered for this
    connection alone, and `attrs["endpoint"]["weaknesses"]` says what needed that. No client
    certificate is offered; the certificates of a server that insists on one arrive before it
    refuses. What arrived before an alert, a reset or a stall is returned.

    Examples
    --------
    >>> fetch_chain("192.0.2.7", port=0)
    Traceback (most recent call last):
    certtrust.errors.CerttrustError: port 0 does not exist; ports are 1 to 65535
    """
    target = _target(host, port)
    manner = manner_of(timeout, starttls, server_name)

    async def work() -> Answer:
        with lookups() as lookup:
            return await ask(target, manner, lookup)

    apart = Apart(work)
    apart.start()
    (answer,) = apart.wait()
    if not answer.sent:
        raise CerttrustError(answer.error)
    certificates = certificates_frame([answer])
    row = endpoints_frame([answer], certificates).iloc[0]
    certificates.attrs["endpoint"] = {
        str(name): _plain(value) for name, value in row.items()
    }
    return certificates


def _plain(value: Any) -> Any:
    """Return a cell as JSON can hold it."""
    if isinstance(value, list):
        return value
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return None if pd.isna(value) else getattr(value, "item", lambda: value)()


def fetch_typed(text: str, *, timeout: float = 5) -> pd.DataFrame:
    """Fetch from one endpoint as somebody typed it: HOST, HOST:PORT or a URL.

    Raises
    ------
    CerttrustError
        As `fetch_chain`; also if it names no endpoint, or several.
    """
    listed = targets([text], 443)
    if len(listed) != 1:
        raise _error("one_host", text=repr(text), count=str(len(listed)))
    (target,) = listed
    if target.error is not None:
        raise CerttrustError(target.error)
    return fetch_chain(target.host, target.port, timeout=timeout)


def manner_of(
    timeout: float, starttls: str = ways.AUTO, server_name: str | None = None
) -> Manner:
    """Return how endpoints are asked.

    Raises
    ------
    CerttrustError
        If an argument makes no sense.
    """
    is_number = type(timeout) in (int, float)
    if not is_number or not 0 < timeout <= threading.TIMEOUT_MAX:
        raise _error("no_timeout", timeout=str(timeout))
    if starttls not in ways.WAYS:
        choices = ", ".join(ways.WAYS)
        raise _error("starttls", starttls=repr(starttls), choices=choices)
    name = server_name
    if name is not None and name != "":
        name = hosts.host(name) if isinstance(name, str) else None
        if name is None:
            raise _error("no_host", host=repr(server_name))
    return Manner(tolerant_context(), timeout, name, starttls)


def check_port(port: Any) -> None:
    """Raise a CerttrustError where this is no TCP port."""
    if type(port) is not int or not 0 < port < 65536:
        raise _error("no_port", port=repr(port))


def _target(host: Any, port: Any) -> Target:
    name = None
    if isinstance(host, str) and len(host) <= hosts.LONGEST_TEXT:
        name = spelled(host.removeprefix("[").removesuffix("]"))
    if name is None:
        has_port = isinstance(host, str) and hosts.host(host) is not None
        raise _error("port_in_host" if has_port else "no_host", host=repr(host))
    if ":" in host and ":" not in name:
        raise _error("port_in_host", host=repr(host))
    check_port(port)
    return Target(name, port)


def _error(key: str, **values: Any) -> CerttrustError:
    return CerttrustError(say(f"errors.endpoints.{key}", **values))
