"""Handshakes over bytes that were changed on the way: an ending each, and never an exception."""

from __future__ import annotations

import ssl
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrust.captures.handshake import Handshake
from certtrust.endpoints.asking import ALERT, RESET, Target, _refused
from certtrust.endpoints.client import Client, tolerant_context
from certtrust.endpoints.own_certificate import new_identity
from certtrust.endpoints.server import Server, accepting_context

trustme = pytest.importorskip("trustme")

CHANGES = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=6
)
CUT = st.integers(0, 4000)


@cache
def server_context(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a server with a chain of two."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().create_child_ca().issue_cert("phone.example").configure_cert(context)
    context.minimum_version = context.maximum_version = version
    return context


@cache
def client_context() -> ssl.SSLContext:
    """Return the context of all clients here."""
    return tolerant_context()


def changed(flight: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    """Return bytes of which some are others, and the end is missing or not."""
    data = bytearray(flight)
    for position, value in changes:
        data[position % len(data)] = value
    return bytes(data[:cut]) if cut % 2 else bytes(data)


@given(st.booleans(), CHANGES, CUT, st.booleans())
def test_a_changed_answer_of_a_server(
    is_old: bool, changes: list[tuple[int, int]], cut: int, ends: bool
) -> None:
    """The client has certificates or none, and one of the outcomes."""
    version = ssl.TLSVersion.TLSv1_2 if is_old else ssl.TLSVersion.TLSv1_3
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context(version).wrap_bio(incoming, outgoing, server_side=True)
    client = Client(client_context(), "phone.example")
    incoming.write(client.proceed())
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    client.receive(changed(outgoing.read(), changes, cut))
    client.proceed()
    if ends and not client.is_over:
        client.receive(b"")
        client.proceed()
    assert len(client.certificates) in range(10)
    assert client.alert is None or all(client.alert)
    assert client.is_tls in (True, False, None)
    if client.is_over and not client.is_done:
        assert _refused(client, Target("phone.example", 443)).outcome in (
            ALERT,
            RESET,
        )
    client.is_answered()
    client.farewell()


@cache
def bench_context() -> object:
    """Return a bench's context."""
    pytest.importorskip("OpenSSL")
    return accepting_context(new_identity())


@given(CHANGES, CUT, st.booleans())
def test_a_changed_hello_of_a_client(
    changes: list[tuple[int, int]], cut: int, again: bool
) -> None:
    """The bench has a row with an outcome."""
    client = Client(client_context(), "pbx.example")
    hello = client.proceed()
    server = Server(bench_context())
    data = changed(hello, changes, cut)
    for time in (1, 2) if again else (1,):
        server.receive(data, time)
        server.proceed(time)
    row = server.row(1)
    assert isinstance(row, Handshake)
    assert row.outcome in (
        "cut off",
        "not TLS",
        "refused by server",
        "refused by client",
    )
    server.farewell()


def test_unchanged_both_are_done() -> None:
    """What the tests above change is a handshake that is completed."""
    client, server = Client(client_context(), "pbx.example"), Server(bench_context())
    for _ in range(4):
        if sent := client.proceed():
            server.receive(sent, 1)
        if answer := server.proceed(1):
            client.receive(answer)
    assert client.is_done
    assert server.is_done
    assert server.row(1).client_certificates == []
    assert len(client.certificates) == 1
