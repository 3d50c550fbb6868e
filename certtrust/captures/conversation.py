"""What two sides say to each other in TLS, read from the bytes that each of them sent.

Records and messages may be cut anywhere. Of what is encrypted only sizes are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from .. import limits
from . import messages
from .alerts import CLOSING, alert_name
from .messages import BadMessageError

_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA, _HEARTBEAT = range(20, 25)
_LONGEST_RECORD = (1 << 14) + 2048
_SHORTEST_HIDDEN_ALERT = 18
"""Bytes: the two of the alert, and at least 16 of a code or of padding."""
_FATAL = 2
_MOST_EVENTS = 64
_header = Struct(">BHH").unpack_from

CLIENT, SERVER = "client", "server"


class Event(NamedTuple):
    """A message: microseconds since 1970, who sent it, and what it is."""

    time: int | None
    by: str
    what: str


@dataclass(slots=True, eq=False)
class Side:
    """What one side has said so far."""

    name: str
    buffer: bytearray = field(default_factory=bytearray)
    skip: int = 0
    """Bytes of a record that are still to come and need not be read."""
    handshake: bytearray = field(default_factory=bytearray)
    has_spoken: bool = False
    has_records: bool = False
    """A record, or a hello of SSL 2, was seen."""
    is_hidden: bool = False
    has_changed: bool = False
    """ChangeCipherSpec was seen."""
    has_finished: bool = False
    """An encrypted message of the handshake followed it."""
    may_be_hidden: bool = False
    """It changed before the version was known: what follows is a hello, or is hidden."""
    encrypted_records: int = 0
    is_stopped: bool = False
    begins_late: bool = False
    """Nothing says whether it sent more before its first segment."""
    has_lost: bool = False
    """Bytes are missing."""
    is_torn: bool = False
    """And where the next record begins is not known."""
    data_bytes: int = 0
    certificates: list[bytes] | None = None
    has_certificate_message: bool = False
    """One was seen, whether it could be read or not."""
    alerts: bytearray = field(default_factory=bytearray)
    """The first byte of an alert whose second comes in the next record."""
    key_exchange: bool = False


class Conversation:
    """Both sides, and what is known of the handshake between them."""

    __slots__ = (
        "alert",
        "alert_by",
        "authorities",
        "begins_late",
        "cipher",
        "client",
        "events",
        "has_hidden_alert",
        "hello_done",
        "is_established",
        "is_ssl2",
        "is_tls",
        "offered",
        "problems",
        "refused_by",
        "resumed",
        "server",
        "server_name",
        "version",
        "warned_by",
    )

    def __init__(self) -> None:
        self.client, self.server = Side(CLIENT), Side(SERVER)
        self.begins_late = False
        """Something else may have come before the first record."""
        self.is_tls: bool | None = None
        """Missing until enough bytes were seen."""
        self.server_name: str | None = None
        self.offered: int | None = None
        self.version: int | None = None
        self.cipher: int | None = None
        self.resumed: bool | None = None
        self.is_ssl2 = False
        self.authorities: list[str] | None = None
        self.alert: str | None = None
        self.alert_by: str | None = None
        self.refused_by: str | None = None
        self.warned_by: str | None = None
        """Who sent an alert that is no end by itself, since when nothing else was said."""
        self.has_hidden_alert = False
        """An alert came encrypted before the handshake was known to be over."""
        self.is_established = False
        self.hello_done = False
        self.problems: list[str] = []
        self.events: list[Event] = []

    # What the connection hands in

    def feed(self, side: Side, data: bytes | memoryview, time: int | None) -> None:
        """Take the next bytes of one side."""
        if side.skip:
            if side.skip >= len(data):
                side.skip -= len(data)
                return
            data = data[side.skip :]
            side.skip = 0
        if side.is_stopped:
            return
        if side.is_torn:
            if not _is_record(data):
                return
            side.is_torn = False
            side.has_spoken = side.has_records = self.is_tls = True
        side.buffer += data
        if not side.has_spoken and not self._begins(side):
            return
        self._records(side, time)

    def lose(self, side: Side, size: int) -> None:
        """Take note that bytes of one side are missing."""
        side.has_lost = True
        # What is missing may be what followed the warning.
        self.warned_by = None
        kept = min(size, side.skip)
        side.skip -= kept
        if kept == size or side.is_stopped:
            return
        if side.buffer or side.handshake:
            self.note(f"a message of the {side.name} is lost with what is missing")
        if len(side.buffer) >= 5 and side.has_records:
            # Where the record ends is known, and so where the next one begins.
            rest = 5 + _header(side.buffer)[2] - len(side.buffer)
            if size <= rest:
                side.skip = rest - size
                side.buffer.clear()
                side.handshake.clear()
                return
        side.buffer.clear()
        side.handshake.clear()
        side.is_torn = True
        # What was not seen is neither known to have been sent nor not to have been.
        side.has_spoken = side.has_spoken or self.is_tls is True

    def note(self, problem: str) -> None:
        """Add a reason why not everything is known."""
        if problem not in self.problems:
            self.problems.append(problem)

    def event(self, time: int | None, by: str, what: str) -> None:
        """Add to the list of who said what."""
        if len(self.events) < _MOST_EVENTS:
            self.events.append(Event(time, by, what))

    # Where it begins

    def _begins(self, side: Side) -> bool:
        """Return True as soon as a side's first bytes can be read as records."""
        data = side.buffer
        if len(data) < 2:
            if data[0] in _RECORD_TYPES or data[0] & 0x80:
                return False
        elif data[0] in _RECORD_TYPES and data[1] == 3:
            side.has_spoken = self.is_tls = True
            return True
        elif self._begins_with_ssl2(side):
            if len(data) < 5:
                return False
            side.has_spoken = self.is_tls = True
            return True
        self._is_other(side)
        return False

    def _begins_with_ssl2(self, side: Side) -> bool:
        head = bytes(side.buffer[:5])
        if not head[0] & 0x80:
            return False
        if side is self.server:
            return self.is_ssl2 and head[2:3] in (b"", b"\x04")
        return head[2:3] in (b"", b"\x01") and head[3:5] in _SSL2_VERSIONS

    def _is_other(self, side: Side) -> None:
        if self.begins_late or side.begins_late:
            # TLS came after something else, or the beginning is missing: wait for a record.
            side.buffer.clear()
            side.is_torn = side.has_spoken = True
            return
        if self.is_tls:
            self.note(f"what the {side.name} sent is no TLS")
        self.is_tls = False
        for one in (self.client, self.server):
            one.is_stopped = True
            one.buffer.clear()

    # Records

    def _records(self, side: Side, time: int | None) -> None:
        data, at = side.buffer, 0
        if data[0] & 0x80 and not side.has_records:
            at = self._ssl2(side, time)
            if not at or side.is_stopped:
                return
        side.has_records = True
        while len(data) - at >= 5:
            kind, version, size = _header(data, at)
            if (
                kind not in _RECORD_TYPES
                or version >> 8 != 3
                or size > _LONGEST_RECORD
            ):
                self._stop(side)
                return
            if side.may_be_hidden and kind == _HANDSHAKE:
                if len(data) - at < 9:
                    break
                # A hello that follows a request to say it again is in clear.
                own = int.from_bytes(data[at + 6 : at + 9]) + 4
                is_hello = data[at + 5] == messages.CLIENT_HELLO and own == size
                side.is_hidden, side.may_be_hidden = not is_hello, False
            if kind == _DATA or (kind != _ALERT and side.is_hidden):
                self._hidden(side, kind, size, time)
                at += 5 + size
                if at > len(data):
                    side.skip = at - len(data)
                    break
                continue
            if len(data) - at < 5 + size:
                break
            self._record(side, kind, bytes(data[at + 5 : at + 5 + size]), time)
            at += 5 + size
            if side.is_stopped:
                return
        del data[:at]

    def _stop(self, side: Side) -> None:
        side.is_stopped = True
        side.buffer.clear()
        if not self.is_established:
            self.note(
                f"what the {side.name} sent is no record of TLS from some byte on"
            )

    def _hidden(self, side: Side, kind: int, size: int, time: int | None) -> None:
        """Take note of an encrypted record."""
        if kind == _CHANGE_CIPHER:
            return
        self.warned_by = None
        side.encrypted_records += 1
        if kind == _DATA:
            if not side.data_bytes:
                self.event(time, side.name, "encrypted data")
            side.data_bytes += size
            if side is self.server and self._hides_late():
                # A server sends none before both sides have finished.
                self.is_established = self.is_established or not self.refused_by
        elif kind == _HANDSHAKE and side.has_changed and not side.has_finished:
            # TLS 1.3 has no encrypted record of this type.
            side.has_finished = True
            self.event(time, side.name, "Finished (encrypted)")
            if self.client.has_finished and self.server.has_finished:
                self.is_established = self.refused_by is None

    def _hides_late(self) -> bool:
        """Return True for versions before TLS 1.3, where the handshake itself is in clear."""
        return self.version is not None and not messages.is_encrypted_early(
            self.version
        )

    def _record(self, side: Side, kind: int, body: bytes, time: int | None) -> None:
        if kind == _ALERT:
            self._alert(side, body, time)
            return
        if kind == _CHANGE_CIPHER:
            self._change(side, time)
            return
        if kind == _HANDSHAKE:
            side.handshake += body
            self._messages(side, time)

    def _alert(self, side: Side, body: bytes, time: int | None) -> None:
        if len(body) >= _SHORTEST_HIDDEN_ALERT:
            side.encrypted_records += 1
            self.has_hidden_alert = self.has_hidden_alert or not self.is_established
            self.event(time, side.name, "Alert (encrypted)")
            return
        # Before TLS 1.3, a record may hold several of them, or half of one.
        side.alerts += body
        while len(side.alerts) >= 2:
            level, number = side.alerts[:2]
            del side.alerts[:2]
            self._alert_in_clear(side, level, number, time)

    def _alert_in_clear(
        self, side: Side, level: int, number: int, time: int | None
    ) -> None:
        name = alert_name(number)
        self.event(time, side.name, f"Alert {name}")
        weighs_more = self.refused_by is None and name not in CLOSING
        if self.alert is None or self.alert in CLOSING or weighs_more:
            self.alert, self.alert_by = name, side.name
        if self.is_established or self.refused_by or name in CLOSING:
            return
        if level == _FATAL:
            self.refused_by = side.name
            self.alert, self.alert_by = name, side.name
        else:
            self.warned_by = side.name

    def _change(self, side: Side, time: int | None) -> None:
        self.warned_by = None
        if side.has_changed:
            return
        self.event(time, side.name, "ChangeCipherSpec")
        side.has_changed = True
        if self.version is not None and messages.is_encrypted_early(self.version):
            # Sent for the sake of middleboxes, and without a meaning.
            return
        if side is self.client and self.offered is not None and not self.hello_done:
            # The same, before early data; or the server's hello comes later in the file.
            side.may_be_hidden = True
            return
        side.is_hidden = True
        side.handshake.clear()
        if (
            side is self.server
            and self.resumed is None
            and self.hello_done
            and not side.has_lost
        ):
            self.resumed = self.server.certificates is None and not side.key_exchange

    # Messages of the handshake

    def _ssl2(self, side: Side, time: int | None) -> int:
        data = side.buffer
        end = 2 + ((data[0] & 0x7F) << 8 | data[1])
        if len(data) < end:
            return 0
        if side is self.server or self.version == messages.SSL2:
            self._ssl2_server_hello(side, bytes(data[2:end]), time)
            return end
        self.event(time, side.name, "ClientHello (SSL 2)")
        self._hello(messages.ssl2_client_hello(bytes(data[2:end])))
        self.is_ssl2 = True
        return end

    def _ssl2_server_hello(self, side: Side, body: bytes, time: int | None) -> None:
        """Read the one message of SSL 2 that holds a certificate; no more of it is read."""
        self.event(time, side.name, "ServerHello (SSL 2)")
        self.version, self.resumed = messages.SSL2, bool(body[1:2] == b"\x01")
        self.hello_done = True
        size = int.from_bytes(body[5:7])
        certificate = body[11 : 11 + size]
        if size and len(certificate) == size:
            side.certificates = [certificate]
        self.note("SSL 2: only its hellos are read")
        for one in (self.client, self.server):
            one.is_stopped = True
            one.buffer = bytearray()

    def _messages(self, side: Side, time: int | None) -> None:
        data = side.handshake
        while len(data) >= 4 and not side.is_hidden:
            kind, size = data[0], int.from_bytes(data[1:4])
            if kind not in messages.NAMES or size > limits.HANDSHAKE_BYTES:
                self.note(
                    f"a handshake message of the {side.name} of type {kind} and"
                    f" {size:,} bytes, which is not read"
                )
                side.is_stopped = True
                data.clear()
                return
            if len(data) < 4 + size:
                return
            self.warned_by = None
            body = bytes(data[4 : 4 + size])
            del data[: 4 + size]
            self.event(time, side.name, self._read(side, kind, body))

    def _read(self, side: Side, kind: int, body: bytes) -> str:
        """Read a message; return what it is called."""
        what = messages.NAMES[kind]
        try:
            if kind == messages.CLIENT_HELLO and side is self.client:
                self._hello(messages.client_hello(body))
            elif kind == messages.SERVER_HELLO and side is self.server:
                what = self._answer(messages.server_hello(body))
            elif kind == messages.CERTIFICATE:
                side.has_certificate_message = True
                side.certificates = messages.certificates(body)
                if side is self.server:
                    self.resumed = False
                what = f"Certificate ({len(side.certificates)})"
            elif kind == messages.CERTIFICATE_REQUEST and side is self.server:
                self.authorities = messages.authorities(body, self.version)
                what = f"CertificateRequest ({len(self.authorities)})"
            elif kind in (12, messages.SERVER_HELLO_DONE, 16):
                side.key_exchange = True
        except BadMessageError as problem:
            self.note(f"{what} of the {side.name}: {problem}")
        if self.refused_by is None and kind == messages.CLIENT_KEY_EXCHANGE:
            self._nothing_presented()
        return what

    def _hello(self, hello: messages.ClientHello) -> None:
        self.offered = hello.version
        self.server_name = hello.server_name or self.server_name

    def _answer(self, hello: messages.ServerHello) -> str:
        self.version, self.cipher = hello.version, hello.cipher
        if hello.is_retry:
            return "HelloRetryRequest"
        self.hello_done = True
        if messages.is_encrypted_early(hello.version):
            self.client.is_hidden = self.server.is_hidden = True
            self.resumed = hello.has_shared_key
        return "ServerHello"

    def _nothing_presented(self) -> None:
        """Note that a client which goes on without a Certificate message has presented none."""
        if (
            self.client.certificates is None
            and not self.client.has_certificate_message
            and not self.client.has_lost
            and self.offered is not None
        ):
            self.client.certificates = []


_RECORD_TYPES = frozenset(range(20, 25))
_SSL2_VERSIONS = frozenset(
    {b"", b"\x00", b"\x03", b"\x00\x02", *(bytes((3, minor)) for minor in range(4))}
)
"""The versions that a hello in the form of SSL 2 offers, and how they begin."""


def sent_by_client(data: bytes | memoryview) -> bool | None:
    """Return whether records were sent by the client, missing where both sides could have."""
    at = 0
    while at + 6 <= len(data) and _is_record(data[at:]) and data[at] == _HANDSHAKE:
        end = at + 5 + _header(data, at)[2]
        message = at + 5
        while message + 4 <= min(end, len(data)):
            kind = data[message]
            if kind in _OF_CLIENT or kind in _OF_SERVER:
                return kind in _OF_CLIENT
            if kind != messages.CERTIFICATE:
                # Encrypted, or no message.
                return None
            message += 4 + int.from_bytes(data[message + 1 : message + 4])
        at = end
    return None


_OF_CLIENT = frozenset({messages.CLIENT_HELLO, messages.CLIENT_KEY_EXCHANGE, 15})
_OF_SERVER = frozenset(
    {
        messages.SERVER_HELLO,
        12,
        messages.CERTIFICATE_REQUEST,
        messages.SERVER_HELLO_DONE,
        22,
    }
)
"""Messages that one side alone sends in clear; both present certificates."""


def _is_record(data: bytes | memoryview) -> bool:
    if len(data) < 5 or data[0] not in _RECORD_TYPES:
        return False
    version, size = _header(data)[1:]
    return bool(0x300 <= version <= 0x304 and 0 < size <= _LONGEST_RECORD)
