"""A TLS client over bytes: what a server says in a handshake, kept as far as it came.

Nothing here opens a connection. What arrives is read twice: by OpenSSL, which carries on the
handshake, and by the parser of packet captures, which sees what OpenSSL does not tell: the
certificates of a handshake that broke off, alerts by their names, ciphers by theirs.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any

from ..captures.alerts import CLOSING
from ..captures.ciphers import cipher_name
from ..captures.conversation import CLIENT, SERVER, Conversation
from ..captures.messages import is_encrypted_early, version_name
from .alert_names import received_alert

_DER = 2  # _ssl.ENCODING_DER
_LEGACY_SERVERS = (
    0x4  # SSL_OP_LEGACY_SERVER_CONNECT, which has a name from Python 3.12 on
)
_NO_TLS = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "UNKNOWN_PROTOCOL",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
        "PACKET_LENGTH_TOO_LONG",
    }
)
"""What OpenSSL calls bytes that are no record of TLS."""


def tolerant_context() -> ssl.SSLContext:
    """Return a context that any server can talk to: nothing is verified, and nothing too weak.

    TLS from 1.0 on, keys of any size and signatures with SHA-1 are accepted: OpenSSL's security
    level is 0 for connections of this context, and for no others of the process.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
    context.options |= _LEGACY_SERVERS
    return context


class Client:
    """One handshake with a server: bytes of the server in, bytes for it out."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name
        )
        self._talk = Conversation()
        self._failure: ssl.SSLError | None = None
        self._has_ended = False
        self.received = 0
        """Bytes that the server has sent."""
        self.is_done = False
        """The handshake is complete, as far as this side can tell."""

    @property
    def is_over(self) -> bool:
        """Return True where the handshake is complete or has failed."""
        return self.is_done or self.has_failed

    @property
    def has_failed(self) -> bool:
        """Return True where the server, or OpenSSL here, refused to go on."""
        return self._failure is not None

    def receive(self, data: bytes) -> None:
        """Take what the server sent; no bytes mean that it closed the connection."""
        if not data:
            self._has_ended = True
            self._incoming.write_eof()
            return
        self.received += len(data)
        self._talk.feed(self._talk.server, data, None)
        self._incoming.write(data)

    def proceed(self) -> bytes:
        """Carry on the handshake; return what is to be sent."""
        if not self.is_over:
            try:
                self._tls.do_handshake()
                self.is_done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as problem:
                self._failure = problem
        if sent := self._outgoing.read():
            self._talk.feed(self._talk.client, sent, None)
        return sent

    def is_answered(self) -> bool:
        """Return True where the server said something after the handshake, or refused it.

        In TLS 1.3 the client is done before the server has seen its answer: a server that wants
        a certificate refuses only then.
        """
        before = self._incoming.pending
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return before > 0 or self._has_ended
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        except ssl.SSLError as problem:
            self._failure = problem
        return True

    def farewell(self) -> bytes:
        """Return the notice of the end that a polite client sends."""
        if not self.has_failed:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
        return self._outgoing.read()

    # What is known by now

    @property
    def certificates(self) -> list[bytes]:
        """The certificates as DER, in the order in which they were sent."""
        in_clear = self._talk.server.certificates
        return self._chain() if in_clear is None else list(in_clear)

    @property
    def presents_none(self) -> bool:
        """Return True where the server's list of certificates came, and is empty."""
        return self._talk.server.certificates == []

    def _chain(self) -> list[bytes]:
        """Return what OpenSSL has read; the method is public from Python 3.13 on."""
        public: Any = getattr(self._tls, "get_unverified_chain", None)
        if public is not None:
            return list(public() or ())
        chain = self._tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        return [certificate.public_bytes(_DER) for certificate in chain or ()]

    @property
    def tls_version(self) -> str | None:
        """The version that the server chose."""
        version = self._talk.version
        return None if version is None else version_name(version)

    @property
    def is_hidden_early(self) -> bool:
        """Return True where the server answers the end of the handshake after it."""
        version = self._talk.version
        return version is not None and is_encrypted_early(version)

    @property
    def cipher(self) -> str | None:
        """The cipher suite that the server chose, by its IANA name."""
        cipher = self._talk.cipher
        return None if cipher is None else cipher_name(cipher)

    @property
    def is_tls(self) -> bool | None:
        """Whether the server speaks TLS; None where nothing came that tells."""
        if self._talk.server.has_records:
            return True
        is_other = self._talk.is_tls is False or self._reason in _NO_TLS
        return False if is_other else None

    @property
    def alert(self) -> tuple[str, str] | None:
        """The alert that was sent, and who sent it, where there was one."""
        talk = self._talk
        # What is sent to a server that has hung up says nothing of it.
        is_late = self._has_ended and talk.alert_by == CLIENT
        if talk.alert and talk.alert_by and talk.alert not in CLOSING and not is_late:
            return talk.alert, talk.alert_by
        name = received_alert(self._reason)
        return (name, SERVER) if name else None

    @property
    def is_refused_here(self) -> bool:
        """Return True where OpenSSL could not go on with what the server said."""
        if self._failure is None or self._has_ended:
            return False
        alert = self.alert
        return alert is None or alert[1] == CLIENT

    @property
    def reason(self) -> str:
        """Why the handshake failed, in OpenSSL's words."""
        return (self._reason or str(self._failure or "")).replace("_", " ").lower()

    @property
    def _reason(self) -> str:
        return "" if self._failure is None else self._failure.reason or ""
