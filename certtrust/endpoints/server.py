"""A TLS server over bytes that takes whatever certificate a client presents.

The standard library refuses client certificates that it does not trust, so OpenSSL is used through
pyOpenSSL here: its callback takes any. It comes with `certtrust[listen]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..captures.alerts import CLOSING
from ..captures.ciphers import cipher_name
from ..captures.conversation import CLIENT, SERVER, Conversation
from ..captures.handshake import CUT_OFF, ESTABLISHED, NOT_TLS, Handshake, fingerprint
from ..captures.messages import version_name
from ..errors import CerttrustError
from ..texts.sentences import say
from .alert_names import received_alert

if TYPE_CHECKING:
    from .own_certificate import Identity

_READ = 1 << 16


def accepting_context(identity: Identity) -> Any:
    """Return a context of pyOpenSSL that asks for a certificate and takes any, or none.

    TLS 1.0 to 1.3, keys of any size and SHA-1 are accepted by connections of this context alone.
    Sessions are not resumed, since a resumed one presents no certificate.

    Raises
    ------
    CerttrustError
        If pyOpenSSL is not installed.
    """
    try:
        from OpenSSL import SSL
    except ImportError as problem:
        raise CerttrustError(say("errors.endpoints.no_listen_package")) from problem
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_privatekey(identity.key)
    context.use_certificate(identity.certificate)
    for certificate in identity.above:
        context.add_extra_chain_cert(certificate)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(b"ALL:!aNULL:!eNULL:@SECLEVEL=0")
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_id(b"certtrust")
    context.set_verify(SSL.VERIFY_PEER, _take_any)
    return context


def _take_any(*_: Any) -> bool:
    return True


class Server:
    """One handshake with a client: bytes of the client in, bytes for it out."""

    def __init__(self, context: Any) -> None:
        from OpenSSL import SSL, crypto

        self._ssl, self._crypto = SSL, crypto
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self._talk = Conversation()
        self._failure: str | None = None
        self.received = 0
        """Bytes that the client has sent."""
        self.is_done = False

    @property
    def is_over(self) -> bool:
        """Return True where the handshake is complete, or cannot be."""
        return self.is_done or self._failure is not None or self.is_other

    @property
    def is_other(self) -> bool:
        """Return True where what came is not TLS."""
        return self._talk.is_tls is False

    def receive(self, data: bytes, time: int) -> None:
        """Take what the client sent, at a time in microseconds since 1970."""
        self.received += len(data)
        self._talk.feed(self._talk.client, data, time)
        self._tls.bio_write(data)

    def proceed(self, time: int) -> bytes:
        """Carry on the handshake; return what is to be sent."""
        if not self.is_over:
            try:
                self._tls.do_handshake()
                self.is_done = True
            except self._ssl.WantReadError:
                pass
            except self._ssl.Error as problem:
                self._failure = _reason(problem)
        if sent := self._outgoing():
            self._talk.feed(self._talk.server, sent, time)
        return sent

    def farewell(self) -> bytes:
        """Return the notice of the end."""
        if self.is_done:
            try:
                self._tls.shutdown()
            except self._ssl.Error:
                return b""
        return self._outgoing()

    def _outgoing(self) -> bytes:
        sent = b""
        try:
            while True:
                sent += self._tls.bio_read(_READ)
        except self._ssl.WantReadError:
            return sent

    def row(self, first: int) -> Handshake:
        """Return what was seen as a row; `first` is when it began."""
        talk = self._talk
        row = Handshake(
            server_name=talk.server_name,
            alert=talk.alert,
            alert_by=talk.alert_by,
            outcome=self._outcome(),
            resumed=False if talk.version is not None else None,
            messages=[
                f"{event.by} {((event.time or first) - first) / 1e6:.6f} {event.what}"
                for event in talk.events
            ],
            parse_error="; ".join(talk.problems) or None,
        )
        if talk.offered is not None:
            row.offered_version = version_name(talk.offered)
        if talk.version is not None:
            row.tls_version = version_name(talk.version)
            row.accepted_authorities = []
        if talk.cipher is not None:
            row.cipher = cipher_name(talk.cipher)
        if (row.alert is None or row.alert in CLOSING) and self._failure:
            row.alert = received_alert(self._failure)
            row.alert_by = CLIENT if row.alert else None
        if (sent := self._presented()) is not None:
            row.client_sent = list(sent)
            row.client_certificates = [fingerprint(der) for der in sent]
        return row

    def _presented(self) -> list[bytes] | None:
        """Return the client's certificates, leaf first; None where it did not come to that."""
        if self._talk.client.certificates is not None:
            return self._talk.client.certificates
        leaf = self._tls.get_peer_certificate()
        if leaf is None:
            return [] if self.is_done else None
        # OpenSSL's chain of a client begins above its own certificate.
        chain = [leaf, *(self._tls.get_peer_cert_chain() or ())]
        form = self._crypto.FILETYPE_ASN1
        return [self._crypto.dump_certificate(form, one) for one in chain]

    def _outcome(self) -> str:
        if self.is_other:
            return NOT_TLS
        if self.is_done:
            return ESTABLISHED
        if self._failure is None:
            return CUT_OFF
        by_client = self._talk.alert_by == CLIENT or received_alert(self._failure)
        return f"refused by {CLIENT if by_client else SERVER}"


def _reason(problem: Any) -> str:
    """Return the first reason of an error of pyOpenSSL."""
    errors: Any = problem.args[0] if problem.args else ()
    is_list = isinstance(errors, list) and errors
    return str(errors[0][-1]) if is_list else str(problem) or type(problem).__name__
