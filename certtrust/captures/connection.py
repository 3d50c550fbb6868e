"""A TCP connection put together again: what each side sent, in order, whatever order it came in.

A segment that comes again is taken once. What waits for a missing one is held within bounds, then
the missing one counts as lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from .. import limits
from .conversation import CLIENT, SERVER, Conversation, Side, sent_by_client
from .segments import ACK, FIN, RST, SYN

_AROUND = 1 << 32
_HALF = 1 << 31
_NEAR = 1 << 20
"""How far beyond what was seen a reset may lie to be believed: it may carry any number."""
_OVERHEAD = 128
"""Bytes that holding a segment takes beside its own."""


@dataclass(slots=True, eq=False)
class Direction:
    """The bytes that one end sends."""

    following: int | None = None
    """The sequence number of the byte that comes next."""
    delivered: int = 0
    """How many bytes came before it."""
    waiting: list[tuple[int, int, bytes]] = field(default_factory=list)
    """A heap of segments ahead of it: offset, length on the wire (negative), captured bytes."""
    waiting_bytes: int = 0
    is_seen: bool = False
    has_start: bool = False
    """Its first byte is known: by its SYN, or by what acknowledges that."""
    has_ended: bool = False
    end: int = 0
    """How many bytes there are before its FIN or RST."""
    acknowledged: int = 0
    """How many of them the other end had when it closed; a FIN counts as one."""

    def position(self, sequence: int, within: int = _HALF) -> int:
        """Return how many bytes come before a sequence number; 0 where that is not known."""
        if self.following is None:
            return 0
        ahead = _distance(self.following, sequence)
        return self.delivered + ahead if 0 < ahead <= within else 0


def _distance(begin: int, end: int) -> int:
    """Return how far a sequence number lies ahead of another, negative where behind."""
    return (end - begin + _HALF) % _AROUND - _HALF


class Connection:
    """One connection: its ends, its time, and the conversation within it."""

    __slots__ = (
        "closed_in",
        "conversation",
        "directions",
        "ends",
        "first",
        "flow",
        "follows_other_data",
        "has_beginning",
        "has_sides",
        "held",
        "is_followed",
        "is_registration",
        "is_reset",
        "isn",
        "last",
        "lost",
        "opened_by",
        "sides",
        "spoken_at",
        "stream",
    )

    def __init__(
        self, ends: tuple[bytes, bytes], flow: int, is_registration: bool
    ) -> None:
        self.ends = ends
        """Address and port of either end, as bytes."""
        self.flow = flow
        self.is_registration = is_registration
        self.stream: int | None = None
        self.directions = (Direction(), Direction())
        self.conversation = Conversation()
        self.sides = (self.conversation.client, self.conversation.server)
        self.has_sides = False
        """It is known which end is the client."""
        self.opened_by: int | None = None
        self.has_beginning = False
        self.follows_other_data = False
        """The beginning was seen, and was no TLS: STARTTLS, or a proxy."""
        self.isn: int | None = None
        self.first: int | None = None
        self.last: int | None = None
        self.spoken_at: int | None = None
        self.lost = 0
        self.is_reset = False
        self.closed_in: int | None = None
        self.is_followed = True
        self.held = 0
        """What it held when that was last counted."""

    @property
    def is_over(self) -> bool:
        """Return True where it was closed or reset."""
        return self.is_reset or all(way.has_ended for way in self.directions)

    @property
    def has_ended(self) -> bool:
        """Return True where one side closed or reset it."""
        return self.is_reset or any(way.has_ended for way in self.directions)

    @property
    def has_gaps(self) -> bool:
        """Return True where an end may have sent more than is known."""
        if self.lost or not self.has_beginning:
            return True
        if not all(way.is_seen for way in self.directions):
            return True
        # An end that refuses the connection sends a reset alone.
        has_data = any(way.delivered for way in self.directions)
        return has_data and not all(way.has_start for way in self.directions)

    @property
    def client(self) -> int:
        """Which end is the client."""
        if self.has_sides:
            return 0 if self.sides[0].name == CLIENT else 1
        return self._by_port() if self.opened_by is None else self.opened_by

    @property
    def is_of_no_interest(self) -> bool:
        """Return True where it speaks no TLS and nobody asks for it."""
        return (
            self.conversation.is_tls is False
            and not self.is_registration
            and self.conversation.offered is None
        )

    def begins_anew(self, sequence: int, flags: int, sender: int) -> bool:
        """Return True for a SYN of another connection between the same ends."""
        if not flags & SYN or flags & ACK:
            return False
        return self.has_beginning is False or (
            self.isn != sequence and (self.opened_by == sender or self.is_over)
        )

    def begins_late(self, seen: int, *, follows: bool) -> None:
        """Take note that the first segment is no SYN: other data came before, or it is lost.

        `seen` is what it acknowledges: what comes first of the other end may come in disorder.
        """
        self.follows_other_data = follows
        self.directions[1].following = seen

    def take(
        self,
        sender: int,
        flags: int,
        sequence: int,
        data: bytes,
        size: int,
        time: int | None,
        acknowledged: int | None = None,
    ) -> None:
        """Take a segment of one end (0 or 1), of which `data` was captured.

        What it acknowledges is of interest where it opens or closes the connection.
        """
        if self.first is None:
            self.first = time
        if time is not None:
            self.last = time
        way = self.directions[sender]
        way.is_seen = True
        if acknowledged is not None:
            other = self.directions[1 - sender]
            position = other.position(acknowledged, _NEAR)
            other.acknowledged = max(other.acknowledged, position)
        if flags & SYN:
            self._open(sender, flags, sequence, acknowledged)
            sequence = (sequence + 1) % _AROUND
        if size:
            if self.spoken_at is None:
                self.spoken_at = time
            if not self.has_sides:
                self._choose_sides(sender, data)
            self._order(sender, way, sequence, data, size, time)
        if flags & RST:
            self._event(time, sender, "RST")
            self.is_reset = True
            way.end = max(way.end, way.position(sequence + size, _NEAR))
        elif flags & FIN and not way.has_ended:
            self._event(time, sender, "FIN")
            way.has_ended = True
            way.end = max(way.end, way.position(sequence + size))

    def _event(self, time: int | None, sender: int, what: str) -> None:
        name = CLIENT if sender == self.client else SERVER
        self.conversation.event(time, name, what)

    def _open(
        self, sender: int, flags: int, sequence: int, acknowledged: int | None
    ) -> None:
        way, other = self.directions[sender], self.directions[1 - sender]
        way.has_start = True
        if way.following is None:
            way.following = (sequence + 1) % _AROUND
        if acknowledged is not None:
            other.has_start = True
            if other.following is None:
                other.following = acknowledged
        if not flags & ACK:
            self.isn = sequence
        if self.opened_by is None:
            self.opened_by = 1 - sender if flags & ACK else sender
            self.has_beginning = True

    def _by_port(self) -> int:
        """Return which end is the client where nothing else tells: the higher port."""
        one, other = (int.from_bytes(end[-2:]) for end in self.ends)
        return 0 if one > other else 1

    def _choose_sides(self, sender: int, data: bytes) -> None:
        client = self.opened_by
        if client is None:
            by_client = sent_by_client(data)
            if by_client is not None:
                client = sender if by_client else 1 - sender
        if client is None:
            client = self._by_port()
        talk = self.conversation
        ends = (talk.client, talk.server)
        self.sides = ends if client == 0 else (ends[1], ends[0])
        self.has_sides = True
        talk.begins_late = not self.has_beginning
        if self.follows_other_data:
            talk.note("TLS begins after other data")
        elif not self.has_beginning:
            talk.note("the beginning of the connection is not in the capture")

    # Order

    def _order(
        self,
        sender: int,
        way: Direction,
        sequence: int,
        data: bytes,
        size: int,
        time: int | None,
    ) -> None:
        if way.following is None:
            way.following = sequence
            self.sides[sender].begins_late = True
        ahead = _distance(way.following, sequence)
        if ahead > 0:
            self._hold(sender, way, way.delivered + ahead, data, size, time)
            return
        if ahead + size <= 0:
            return
        self._deliver(
            sender, way, data[-ahead:] if ahead else data, size + ahead, time
        )
        if way.waiting:
            self._catch_up(sender, way, time)

    def _deliver(
        self, sender: int, way: Direction, data: bytes, size: int, time: int | None
    ) -> None:
        way.following = ((way.following or 0) + size) % _AROUND
        way.delivered += size
        side = self.sides[sender]
        if data:
            self.conversation.feed(side, data, time)
        if len(data) < size:
            self._lose(side, size - len(data))

    def _lose(self, side: Side, size: int) -> None:
        self.lost += size
        self.conversation.lose(side, size)

    def _hold(
        self,
        sender: int,
        way: Direction,
        offset: int,
        data: bytes,
        size: int,
        time: int | None,
    ) -> None:
        if self.conversation.is_tls is False:
            return
        # The longer of two at one offset comes first, and nothing of the other remains.
        heappush(way.waiting, (offset, -size, data))
        way.waiting_bytes += len(data) + _OVERHEAD
        if way.waiting_bytes > limits.WAITING_BYTES:
            self.give_up(sender, time)

    def _catch_up(self, sender: int, way: Direction, time: int | None) -> None:
        """Deliver what waited and is now in turn."""
        while way.waiting and way.waiting[0][0] <= way.delivered:
            offset, size, data = heappop(way.waiting)
            way.waiting_bytes -= len(data) + _OVERHEAD
            past = way.delivered - offset
            if past < -size:
                self._deliver(sender, way, data[past:], -size - past, time)

    def give_up(self, sender: int, time: int | None) -> None:
        """Count as lost what is missing before the segments that wait."""
        way = self.directions[sender]
        while way.waiting:
            missing = way.waiting[0][0] - way.delivered
            if missing > 0:
                way.following = ((way.following or 0) + missing) % _AROUND
                way.delivered += missing
                self._lose(self.sides[sender], missing)
            self._catch_up(sender, way, time)

    @property
    def held_bytes(self) -> int:
        """Bytes of memory that grow with what was sent."""
        talk = self.conversation
        return sum(
            way.waiting_bytes
            + len(side.buffer)
            + len(side.handshake)
            + sum(map(len, side.certificates or ()))
            for way, side in zip(
                self.directions, (talk.client, talk.server), strict=True
            )
        )

    def finish(self) -> None:
        """Take what still waits; the connection has ended, or the capture."""
        for sender in (0, 1):
            self.give_up(sender, self.last)
            way = self.directions[sender]
            end = way.end
            # One more than was seen may be a FIN, and no record of TLS is that short.
            if not way.has_ended and way.acknowledged > way.delivered + 1:
                end = max(end, way.acknowledged)
            if end > way.delivered:
                self._lose(self.sides[sender], end - way.delivered)
            if not way.is_seen and self.conversation.is_tls:
                name = self.sides[sender].name
                self.conversation.note(
                    f"nothing that the {name} sent is in the capture"
                )
        if self.lost and self.conversation.is_tls is not False:
            self.conversation.note(f"{self.lost:,} bytes are missing in the capture")
