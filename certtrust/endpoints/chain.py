"""Certificates off a live TLS endpoint; nothing else in the package opens a connection."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

import pandas as pd

from ..certificates.reading import from_der
from ..errors import CerttrustError
from ..names import hosts
from ..texts.sentences import say


def fetch_chain(
    host: str, port: int = 443, *, server_name: str | None = None, timeout: float = 5
) -> pd.DataFrame:
    """Fetch the certificates that a TLS server presents, without judging them.

    Parameters
    ----------
    host : str
        Name or address, as it stands in a URL; `[::1]` and `::1` are both fine.
    port : int
        TCP port.
    server_name : str, optional
        The name to ask for (SNI), where one address serves several. By default `host`, if it is
        a name.
    timeout : float
        Seconds for the connection, and as many for the handshake. The look-up of a name is not
        counted.

    Returns
    -------
    DataFrame
        Table CERTIFICATES: one row per certificate, in the order in which the server sent them,
        its own first; source and bundle are `host:port`, device is the host.

    Raises
    ------
    CerttrustError
        If host, port or timeout make no sense, the name is unknown, nothing answers or listens
        there, or the server speaks no TLS or sends no certificate. The message says which.

    Notes
    -----
    Nothing is verified: any chain, TLS from 1.0 on and weak keys are accepted, so that old
    devices answer. No client certificate is offered; the certificates of a server that insists
    on one arrive before it refuses, and are returned.

    Examples
    --------
    >>> fetch_chain("192.0.2.7", port=0)
    Traceback (most recent call last):
    certtrust.errors.CerttrustError: port 0 does not exist; ports are 1 to 65535
    """
    for given in (host, host if server_name is None else server_name):
        if not isinstance(given, str):
            raise _error("no_host", host=repr(given))
    name, requested_name = hosts.host(host), hosts.host(server_name or host)
    if name is None or requested_name is None:
        raise _error("no_host", host=repr(host if name is None else server_name))
    if ":" in host and ":" not in name:
        raise _error("port_in_host", host=repr(host))
    if type(port) is not int or not 0 < port < 65536:
        raise _error("no_port", port=str(port))
    if type(timeout) not in (int, float) or not 0 < timeout <= threading.TIMEOUT_MAX:
        raise _error("no_timeout", timeout=str(timeout))
    endpoint = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    try:
        with socket.create_connection((name, port), timeout=timeout) as connection:
            ders = _presented(connection, requested_name, endpoint)
    except socket.gaierror as error:
        raise _error("unknown_name", name=name, reason=error.strerror) from error
    except TimeoutError as error:
        raise _error(
            "no_answer", endpoint=endpoint, timeout=f"{timeout:g}"
        ) from error
    except ConnectionRefusedError as error:
        raise _error("refused", endpoint=endpoint) from error
    except OSError as error:
        raise _error(
            "unreachable", endpoint=endpoint, reason=error.strerror or error
        ) from error
    return from_der(ders, source=endpoint, device=name)


def _presented(
    connection: socket.socket, server_name: str, endpoint: str
) -> list[bytes]:
    with _context().wrap_socket(
        connection, server_hostname=server_name, do_handshake_on_connect=False
    ) as tls:
        refusal: ssl.SSLError | None = None
        try:
            tls.do_handshake()
        except ssl.SSLError as error:
            refusal = error
        ders = _chain(tls)
    if not ders and refusal is not None:
        raise _error(
            "no_handshake", endpoint=endpoint, reason=_reason(refusal)
        ) from refusal
    if not ders:
        raise _error("no_certificate", endpoint=endpoint)
    return ders


def _error(key: str, **values: Any) -> CerttrustError:
    return CerttrustError(say(f"errors.endpoints.{key}", **values))


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
    context.options |= (
        0x4  # SSL_OP_LEGACY_SERVER_CONNECT, which has a name from Python 3.12 on
    )
    return context


def _chain(tls: ssl.SSLSocket) -> list[bytes]:
    """Return the certificates as they were sent; the method is public from Python 3.13 on."""
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return list(public())
    chain = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    return [certificate.public_bytes(_DER) for certificate in chain or ()]


_DER = 2  # _ssl.ENCODING_DER


def _reason(error: ssl.SSLError) -> str:
    if error.reason in (
        "WRONG_VERSION_NUMBER",
        "UNKNOWN_PROTOCOL",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
    ):
        return say("errors.endpoints.not_tls")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return say("errors.endpoints.closed")
    return (error.reason or str(error)).replace("_", " ").lower()
