"""Many endpoints at once: outcomes, order, rate, folders that are gone on with, interruption."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from endpoint_servers import free_port, listening, many_endpoints, open_files, stall
from thoroughness import first

import certtrust as ct
from certtrust.endpoints import asking, fetch
from certtrust.endpoints.parts import Parts
from certtrust.endpoints.targets import targets
from certtrust.schema import CERTIFICATES, ENDPOINTS
from certtrust.table_files import read_csv, write_csv
from certtrust.testing import assert_frames_equal, small_fleet

trustme = pytest.importorskip("trustme")


@pytest.fixture(scope="module")
def authority() -> Any:
    """Return an intermediate CA under a root."""
    return trustme.CA().create_child_ca()


@pytest.fixture(scope="module")
def ports(
    authority: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, int]]:
    """Serve all addresses of 127.0.0.0/8: a port of TLS, and one that says nothing."""
    folder = tmp_path_factory.mktemp("many")
    leaf = authority.issue_cert("phone.example")
    (folder / "chain.pem").write_bytes(
        b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    )
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    with many_endpoints(folder) as running:
        yield running


def loopback(count: int, tls: int, mute: int, closed: int) -> list[str]:
    """Return endpoints in several networks, a tenth of them silent and a tenth refusing."""
    ports = {3: mute, 7: closed}
    return [
        f"127.{one % 7}.{one // 250}.{one % 250 + 1}:{ports.get(one % 10, tls)}"
        for one in range(count)
    ]


def leftovers() -> tuple[int, int]:
    """Return how many threads run and files are open, once those that end have ended."""
    for _ in range(50):
        threads = [one for one in threading.enumerate() if "certtrust" in one.name]
        if not threads:
            break
        time.sleep(0.02)
    return threading.active_count(), open_files()


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Check that neither a thread nor a socket is left."""
    before = leftovers()
    yield
    assert leftovers() == before


@pytest.mark.usefixtures("no_leaks")
def test_each_endpoint_has_one_row_in_the_order_given(ports: tuple[int, int]) -> None:
    """Outcomes, certificates and reasons stand in the tables; nothing is left behind."""
    tls, mute = ports
    closed = free_port()
    hosts = [f"127.0.0.1:{tls}", f"127.0.0.2:{closed}", f"127.0.0.3:{mute}"]
    hosts += ["no such host", f"127.0.0.4:{tls}", f"127.0.0.1:{tls}"]
    certificates, endpoints = ct.fetch_fleet(hosts, timeout=0.5)
    assert list(endpoints) == ENDPOINTS.names
    assert list(certificates) == CERTIFICATES.names
    assert endpoints["host"].tolist() == [
        *("127.0.0.1", "127.0.0.2", "127.0.0.3", "no such host", "127.0.0.4"),
    ]
    outcomes = ["open", "refused", "timeout", None, "open"]
    assert (
        endpoints["outcome"]
        .astype("object")
        .where(endpoints["outcome"].notna(), None)
        .tolist()
        == outcomes
    )
    assert endpoints["error"].isna().tolist() == [True, False, False, False, True]
    assert endpoints["asked_at"].isna().tolist() == [False, False, False, True, False]
    assert endpoints["latency"].notna().tolist() == [True, True, True, False, True]
    sources = [f"127.0.0.1:{tls}"] * 2 + [f"127.0.0.4:{tls}"] * 2
    assert certificates["source"].tolist() == sources
    assert certificates["position"].tolist() == [0, 1, 0, 1]
    fingerprints = certificates["fingerprint"].tolist()[:2]
    assert endpoints["certificates"].iloc[0] == fingerprints
    assert endpoints["certificates"].iloc[1] is None
    assert endpoints.attrs == {"interrupted": False, "before": 0}


def test_what_was_fetched_goes_into_rules_and_report(
    authority: Any, ports: tuple[int, int], tmp_path: Path
) -> None:
    """Attempts of a browser, verdicts, and a folder that read_fleet and the report take."""
    hosts = [f"localhost:{ports[0]}", f"127.0.0.9:{ports[0]}"]
    certificates, _ = ct.fetch_fleet(hosts, folder=tmp_path / "out")
    urls = {one: f"https://{one}/" for one in certificates["bundle"].unique()}
    trust = ct.read_trust_list(authority.cert_pem.bytes())
    results = ct.check(ct.browser_attempts(certificates, urls, trust))
    assert len(results) == 2
    assert results["trust_state"].tolist() == ["chain", "chain"]
    assert results["cause"].astype(str).tolist() == ["browser.name"] * 2
    fleet = ct.read_fleet(tmp_path / "out")
    assert fleet.certificates["fingerprint"].tolist() == (
        certificates["fingerprint"].tolist()
    )
    assert fleet.certificates["bundle"].tolist() == certificates["bundle"].tolist()


def test_an_empty_list_gives_empty_tables() -> None:
    """With all columns."""
    certificates, endpoints = ct.fetch_fleet([])
    assert (len(certificates), len(endpoints)) == (0, 0)
    assert list(endpoints) == ENDPOINTS.names
    again, _ = ct.fetch_fleet(endpoints)
    assert again.empty


def test_a_folder_is_gone_on_with(ports: tuple[int, int], tmp_path: Path) -> None:
    """What it holds is not asked again, and comes back the same in every value."""
    folder = tmp_path / "new" / "out"
    hosts = [f"127.0.0.{one}:{ports[0]}" for one in range(1, 5)]
    early = ct.fetch_fleet(hosts[:3], folder=folder)
    both = ct.fetch_fleet(hosts, folder=folder)
    assert both[1].attrs == {"interrupted": False, "before": 3}
    for old, new in zip(early, both, strict=True):
        old.attrs.clear()
        assert_frames_equal(new.head(len(old)), old)
    assert sorted(path.name for path in folder.iterdir()) == [
        "certificates.parquet",
        "endpoints.parquet",
    ]
    # Further endpoints do not push out those of an earlier list.
    third = ct.fetch_fleet([f"127.0.1.1:{ports[0]}"], folder=folder)
    assert third[1]["host"].tolist() == [
        *("127.0.1.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
    ]
    assert len(third[0]) == 10


@pytest.mark.parametrize("killed", first(["certificates-00001", "endpoints-00001"]))
def test_a_part_that_was_not_finished_is_asked_again(
    ports: tuple[int, int],
    tmp_path: Path,
    killed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever file a crash prevents, no endpoint is lost, none doubled."""
    hosts = [f"127.0.0.{one}:{ports[0]}" for one in range(1, 4)]
    whole = ct.fetch_fleet(hosts, folder=tmp_path / "whole")
    write = fetch.Parts.add.__globals__["write_parquet"]

    def fail(frame: pd.DataFrame, table: Any, file: Path) -> None:
        if file.stem == killed:
            raise OSError("disk full")
        write(frame, table, file)

    monkeypatch.setitem(Parts.add.__globals__, "write_parquet", fail)
    with pytest.raises(OSError, match="disk full"):
        ct.fetch_fleet(hosts, folder=tmp_path / "broken")
    monkeypatch.undo()
    again = ct.fetch_fleet(hosts, folder=tmp_path / "broken")
    assert again[1]["outcome"].tolist() == ["open"] * 3
    assert again[0]["fingerprint"].tolist() == whole[0]["fingerprint"].tolist()


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    """Certificates that were not fetched are not replaced."""
    ct.simulate(3, seed=1).certificates.to_parquet(tmp_path / "certificates.parquet")
    with pytest.raises(ct.CerttrustError, match="name a new folder"):
        ct.fetch_fleet(["127.0.0.1:1"], folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ct.CerttrustError, match="name another folder"):
        ct.fetch_fleet(["127.0.0.1:1"], folder=tmp_path / "file")


def interrupted(
    how: str, hosts: list[str], folder: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fetch, and end it after a while: by Ctrl-C, or by an event."""
    stop = threading.Event()
    end = stop.set if how == "event" else lambda: signal.raise_signal(signal.SIGINT)
    if how == "Ctrl-C":
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    else:
        timer = threading.Timer(0.5, end)
    timer.start()
    try:
        return ct.fetch_fleet(hosts, rate=60, timeout=0.6, folder=folder, stop=stop)
    finally:
        timer.join()


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("how", first(["Ctrl-C", "event"]))
def test_interrupted_it_loses_nothing_and_goes_on(
    ports: tuple[int, int], tmp_path: Path, how: str
) -> None:
    """What was asked is returned and kept; the rest is asked by the next call, and only that."""
    tls, mute = ports
    hosts = loopback(80, tls, mute, free_port())
    _, endpoints = interrupted(how, hosts, tmp_path)
    assert endpoints.attrs["interrupted"]
    assert len(endpoints) == 80
    asked = endpoints["outcome"].notna()
    assert 0 < asked.sum() < 80
    assert set(endpoints["error"][~asked]) == {
        "not asked: the run was interrupted first"
    }
    certificates, again = ct.fetch_fleet(
        hosts, rate=None, timeout=0.6, folder=tmp_path
    )
    assert again.attrs == {"interrupted": False, "before": int(asked.sum())}
    assert again["outcome"].value_counts().to_dict()["open"] == 64
    assert (again["asked_at"][asked] == endpoints["asked_at"][asked]).all()
    assert len(certificates) == 128


@pytest.mark.exhaustive
def test_interrupted_without_a_folder_the_rest_can_be_asked(
    ports: tuple[int, int],
) -> None:
    """The rows without an outcome are hosts for the next call."""
    hosts = loopback(60, *ports, free_port())
    _, endpoints = interrupted("event", hosts, None)
    rest = endpoints[endpoints["outcome"].isna()]
    _, asked = ct.fetch_fleet(rest, rate=None, timeout=0.5)
    assert len(asked) == len(rest) > 0
    assert asked["outcome"].notna().all()


def test_within_a_running_loop(ports: tuple[int, int]) -> None:
    """A notebook's own event loop runs already."""

    async def cell() -> Any:
        fetched = ct.fetch_chain("127.0.0.1", ports[0])
        return fetched, ct.fetch_fleet([f"127.0.0.2:{ports[0]}"])[1]

    fetched, endpoints = asyncio.run(cell())
    assert len(fetched) == 2
    assert endpoints["outcome"].tolist() == ["open"]


def test_no_more_connections_at_once_than_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Concurrency bounds sockets; a rate bounds how fast they are opened."""
    at_once, most = 0, 0

    async def ask(target: Any, *_: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return asking.Answer(target.host, target.port, outcome="refused", asked_at=0)

    monkeypatch.setattr(fetch, "ask", ask)
    hosts = [f"192.0.2.{one}" for one in range(1, 50)]
    ct.fetch_fleet(hosts, concurrency=5, rate=None)
    assert most == 5
    begun = time.monotonic()
    ct.fetch_fleet(hosts[:20], rate=40)
    assert time.monotonic() - begun >= 19 / 40


def test_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a row, and a look-up that hangs ends with the time that it has."""
    release = threading.Event()

    def lookup(host: str, *_: Any, **options: Any) -> Any:
        if options.get("flags") or host == "unknown.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        release.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(asking, "_LOOKUP_SECONDS", 0.3)
    begun = time.monotonic()
    _, endpoints = ct.fetch_fleet(["unknown.example", "slow.example"], timeout=0.2)
    assert time.monotonic() - begun < 10
    release.set()
    assert endpoints["outcome"].tolist() == ["unreachable"] * 2
    assert "not known" in endpoints["error"].iloc[0]
    assert "took too long" in endpoints["error"].iloc[1]


def test_what_fails_here_says_nothing_of_the_endpoint(
    monkeypatch: pytest.MonkeyPatch, ports: tuple[int, int]
) -> None:
    """Where no socket can be had, the row has no outcome, and says why."""
    own = socket.socket

    def exhausted(family: int = -1, *rest: Any) -> Any:
        if family == socket.AF_INET:
            raise OSError(24, "Too many open files")
        return own(family, *rest)

    monkeypatch.setattr(asking.socket, "socket", exhausted)
    answer = asyncio.run(
        asking.ask(
            asking.Target("127.0.0.1", ports[0]),
            fetch.manner_of(1),
            _numeric,
        )
    )
    assert answer.outcome is None
    assert "Too many open files" in str(answer.error)


async def _numeric(host: str, port: int) -> Any:
    return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))]


def test_every_address_of_a_name_is_tried(ports: tuple[int, int]) -> None:
    """The second answers where the first refuses."""

    async def both(_: str, port: int) -> Any:
        closed = ("127.0.0.1", free_port())
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", closed),
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.5", port)),
        ]

    target = asking.Target("phone.example", ports[0])
    answer = asyncio.run(asking.ask(target, fetch.manner_of(2), both))
    assert (answer.outcome, answer.address) == ("open", "127.0.0.5")
    assert answer.server_name == "phone.example"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hosts": 7}, "cannot take hosts from int"),
        ({"hosts": b"192.0.2.1"}, "cannot take hosts from bytes"),
        ({"hosts": [7]}, "cannot take hosts from int"),
        ({"hosts": "10.0.0.0/8"}, "16,777,216 addresses, more than the 65,536"),
        ({"hosts": "2001:db8::/64"}, "more than the 65,536"),
        ({"hosts": "hosts.txt"}, "there is no file hosts.txt"),
        ({"hosts": [], "port": 0}, "ports are 1 to 65535"),
        ({"hosts": [], "timeout": 0}, "leaves no time"),
        ({"hosts": [], "timeout": float("nan")}, "leaves no time"),
        ({"hosts": [], "concurrency": 0}, "give 1 or more"),
        ({"hosts": [], "rate": 0}, "endpoints per second"),
        ({"hosts": [], "starttls": "imap"}, "auto, no, ldap, smtp"),
        ({"hosts": pd.DataFrame({"phone": ["a"]})}, "name the column host"),
    ],
)
def test_mistakes_are_said_before_anything_is_asked(
    options: dict[str, Any], message: str
) -> None:
    """Each with what to do."""
    with pytest.raises(ct.CerttrustError, match=message):
        ct.fetch_fleet(**options)


def test_a_fault_at_one_endpoint_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, ports: tuple[int, int]
) -> None:
    """It is a row without an outcome, and is asked again by the next call."""
    own = asking._spoken

    async def faulty(connection: Any, target: Any, *rest: Any) -> None:
        if target.host == "127.0.0.2":
            raise ValueError("a fault")
        await own(connection, target, *rest)

    monkeypatch.setattr(asking, "_spoken", faulty)
    _, endpoints = ct.fetch_fleet([f"127.0.0.{one}:{ports[0]}" for one in (1, 2, 3)])
    assert endpoints["outcome"].isna().tolist() == [False, True, False]
    assert "a fault" in endpoints["error"].iloc[1]


def test_the_table_goes_to_csv_and_back(
    ports: tuple[int, int], tmp_path: Path
) -> None:
    """Like every table, the same in every value."""
    _, endpoints = ct.fetch_fleet([f"127.0.0.1:{ports[0]}", "x y"])
    endpoints.attrs.clear()
    write_csv(endpoints, ENDPOINTS, tmp_path / "endpoints.csv")
    assert_frames_equal(read_csv(tmp_path / "endpoints.csv", ENDPOINTS), endpoints)


def test_more_connections_than_the_process_may_open() -> None:
    """It is said before any is opened, with what to do."""
    resource = pytest.importorskip("resource")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limit[1]))
    try:
        with pytest.raises(ct.CerttrustError, match="raise the limit"):
            ct.fetch_fleet("127.0.0.0/24", concurrency=200)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def test_a_fleet_names_the_addresses_of_its_devices() -> None:
    """That from which each registered last, without those of proxies."""
    fleet = small_fleet(10)
    rows = fleet.registrations.head(4).assign(
        serial=["009033000001", "009033000001", "009033000002", "009033000003"],
        remote_address=["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"],
        via_reverse_proxy=[False, False, False, True],
        time=pd.to_datetime(
            ["2026-01-02", "2026-01-01", "2026-01-01", "2026-01-01"], utc=True
        ),
    )
    asked = targets(replace(fleet, registrations=rows), 1300)
    assert sorted((one.host, one.port) for one in asked) == [
        ("192.0.2.1", 1300),
        ("192.0.2.3", 1300),
    ]


@pytest.mark.exhaustive
@pytest.mark.usefixtures("no_leaks")
def test_two_thousand_endpoints(ports: tuple[int, int], tmp_path: Path) -> None:
    """A tenth silent, a tenth refusing; interrupted in the middle, the rest is asked later."""
    hosts = loopback(2000, *ports, free_port())
    certificates, endpoints = ct.fetch_fleet(hosts)
    counts = endpoints["outcome"].value_counts()
    assert counts[counts > 0].to_dict() == {
        "open": 1600,
        "refused": 200,
        "timeout": 200,
    }
    assert len(certificates) == 3200
    stop = threading.Event()
    timer = threading.Timer(6, stop.set)
    timer.start()
    _, half = ct.fetch_fleet(hosts, folder=tmp_path, stop=stop)
    timer.join()
    asked = int(half["outcome"].notna().sum())
    assert 0 < asked < 2000
    again, whole = ct.fetch_fleet(hosts, folder=tmp_path)
    assert whole.attrs == {"interrupted": False, "before": asked}
    assert whole["outcome"].value_counts().to_dict() == counts.to_dict()
    assert again["fingerprint"].tolist() == certificates["fingerprint"].tolist()


def test_a_silent_server_holds_nobody_up() -> None:
    """Endpoints behind it are asked in the meantime."""
    with listening(stall) as port:
        begun = time.monotonic()
        hosts = [f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}"]
        _, endpoints = ct.fetch_fleet(hosts, timeout=0.5, rate=None)
    assert time.monotonic() - begun < 5
    assert endpoints["outcome"].tolist() == ["timeout", "refused"]


def test_sentences_are_in_the_language_of_the_caller() -> None:
    """Those of the loop that runs apart, too."""
    hosts = [f"127.0.0.1:{free_port()}", "a b"]
    english = ct.fetch_fleet(hosts)[1]["error"]
    with ct.language("de"):
        german = ct.fetch_fleet(hosts)[1]["error"]
        with pytest.raises(ct.CerttrustError) as problem:
            ct.fetch_chain("127.0.0.1", free_port())
    assert (german != english).all()
    assert "nothing listens" not in str(problem.value)
