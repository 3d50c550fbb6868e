"""Certificates off thousands of endpoints at once."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import pandas as pd

from ..errors import CerttrustError
from ..schema import CERTIFICATES, ENDPOINTS, empty
from ..texts.sentences import say
from . import starttls as ways
from .apart import Apart
from .asking import Answer, Manner, Target, ask, endpoint_text
from .chain import check_port, manner_of
from .lookups import lookups
from .parts import Frames, Parts, together
from .targets import spread, targets
from .to_frame import certificates_frame, endpoints_frame

_PART_ROWS, _PART_SECONDS = 2000, 30
"""A part is written after so many endpoints, or so many seconds."""
_SPARE_FILES = 64
"""Files that the process needs beside the connections."""
_SHOWN_AFTER = 2


def fetch_fleet(
    hosts: Any,
    *,
    port: int = 443,
    concurrency: int = 64,
    timeout: float = 5,
    rate: float | None = 200,
    starttls: str = ways.AUTO,
    folder: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    stop: threading.Event | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fetch the certificates of many endpoints at once, without judging them.

    Parameters
    ----------
    hosts : str, path, iterable, DataFrame, Series or Fleet
        Names, addresses, `host:port`, URLs and networks such as `192.0.2.0/24`, alone or in a
        list; a text file with one of them per line, or a CSV or Excel file with a column `host`
        (or `address`, `ip`, `url`) and perhaps `port`; a frame with such columns, ENDPOINTS among
        them; or a fleet, for the address that each of its devices last registered from.
    port : int
        Port of entries that name none.
    concurrency : int
        How many endpoints are asked at the same time.
    timeout : float
        Seconds for the connection to each address of a host, and as many for the handshake.
    rate : float or None
        How many endpoints are asked per second at most; None for no limit.
    starttls : {"auto", "no", "ldap", "smtp"}
        As for `certtrust.fetch_chain`.
    folder : path, optional
        Keep what was asked in this folder, as Parquet in parts that are whole or not there. What
        it holds from an earlier call is not asked again, and is returned as well; so a call that
        was interrupted goes on where it was. `read_fleet` and `certtrust report` read the folder.
    progress : bool, optional
        Show a progress bar; without it, one appears on a terminal or in a notebook after two
        seconds.
    stop : threading.Event, optional
        Set it, from another thread or a widget, to end early.
    seed : int
        Decides the order in which endpoints are asked.

    Returns
    -------
    certificates : DataFrame
        Table CERTIFICATES: what the endpoints presented; source and bundle are `host:port`,
        device is the host.
    endpoints : DataFrame
        Table ENDPOINTS: one row per host and port, in the order given, each once; an entry that
        names no host is a row without an outcome. `attrs["interrupted"]` is True where not all
        of them were asked; `attrs["before"]` counts those that the folder held already.

    Raises
    ------
    CerttrustError
        If an argument makes no sense, a file cannot be read, a network is larger than
        `certtrust.limits.NETWORK_ADDRESSES`, or the folder holds something else.

    Notes
    -----
    Ctrl-C, or the notebook's stop button, ends it early and loses nothing: what was asked by
    then is returned (and written), and the rest are rows without an outcome. The addresses of a
    network are spread over the whole run. Nothing is verified and no credentials are sent; see
    `certtrust.fetch_chain` for what else is true of each connection.

    Examples
    --------
    >>> certificates, endpoints = fetch_fleet(["not a host"])
    >>> endpoints["error"].tolist()
    ["'not a host' is neither a host name nor an address"]
    """
    check_port(port)
    if type(concurrency) is not int or concurrency < 1:
        raise _error("no_concurrency", concurrency=str(concurrency))
    if rate is not None and not (type(rate) in (int, float) and rate > 0):
        raise _error("no_rate", rate=str(rate))
    manner = manner_of(timeout, starttls)
    listed = targets(hosts, port)
    _check_files(min(concurrency, len(listed)))
    parts = None if folder is None else Parts(folder)
    before = (
        (empty(CERTIFICATES), empty(ENDPOINTS)) if parts is None else parts.answered()
    )
    due = _not_asked(listed, before)
    run = _Run(
        spread(due, seed), manner, concurrency, rate, parts, stop or threading.Event()
    )
    with _progress(progress, len(due)) as advance:
        is_whole = run.carry_out(advance)
    certificates, endpoints = _together(before, run, listed)
    if parts is not None and is_whole:
        answered = endpoints[endpoints["outcome"].notna()]
        parts.finish(certificates, answered.reset_index(drop=True))
    endpoints.attrs |= {"interrupted": not is_whole, "before": len(before[1])}
    return certificates, endpoints


def _check_files(connections: int) -> None:
    """Raise a CerttrustError where the process may not open so many connections."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit != resource.RLIM_INFINITY and connections + _SPARE_FILES > limit:
        raise _error("few_files", concurrency=connections, limit=limit)


def _not_asked(listed: list[Target], before: Frames) -> list[Target]:
    answered = _pairs([before])
    return [
        target
        for target in listed
        if target.error is None and (target.host, target.port) not in answered
    ]


@dataclass
class _Run:
    """Targets that are being asked: in a loop apart, while this thread keeps what comes."""

    due: list[Target]
    manner: Manner
    concurrency: int
    rate: float | None
    parts: Parts | None
    stop: threading.Event
    kept: list[Frames] = field(default_factory=list)
    _answers: list[Answer] = field(default_factory=list)
    _came: SimpleQueue[Answer] = field(default_factory=SimpleQueue)
    _once: dict[bytes, bytes] = field(default_factory=dict)
    _written: int = 0
    """How many of the frames that are kept have been written."""

    def carry_out(self, advance: Callable[[int], object]) -> bool:
        """Ask everything; return False where that was interrupted."""
        if not self.due:
            return True
        apart, is_interrupted = Apart(self._ask_all), False
        apart.start()
        try:
            self._follow(apart, advance)
        except KeyboardInterrupt:
            is_interrupted = True
            apart.end()
        except BaseException:
            apart.end()
            raise
        finally:
            self._take(advance)
            self._flush()
        if not (is_interrupted or self.stop.is_set()):
            apart.wait()
        return len(_pairs(self.kept)) == len(self.due)

    def _follow(self, apart: Apart[None], advance: Callable[[int], object]) -> None:
        written = time.monotonic()
        while not apart.is_over(0.05):
            self._take(advance)
            is_due = time.monotonic() - written > _PART_SECONDS
            if len(self._answers) >= _PART_ROWS or (is_due and self._answers):
                self._flush()
                written = time.monotonic()
            if self.stop.is_set():
                apart.end()

    def _take(self, advance: Callable[[int], object]) -> None:
        with suppress(Empty):
            while True:
                answer = self._came.get_nowait()
                answer.sent = [self._once.setdefault(der, der) for der in answer.sent]
                self._answers.append(answer)
                advance(1)

    def _flush(self) -> None:
        """Make frames of what came since the last time, and write them.

        An interruption may end this anywhere; it is called again then, and what was done twice
        is taken once in the end.
        """
        if self._answers:
            certificates = certificates_frame(self._answers)
            endpoints = endpoints_frame(self._answers, certificates)
            self.kept.append((certificates, endpoints))
            self._answers = []
        while self.parts is not None and self._written < len(self.kept):
            certificates, endpoints = self.kept[self._written]
            is_asked = endpoints["outcome"].notna()
            self.parts.add(certificates, endpoints[is_asked].reset_index(drop=True))
            self._written += 1

    async def _ask_all(self) -> None:
        waiting = iter(self.due)
        pace = _Pace(self.rate)
        with lookups() as lookup:

            async def work() -> None:
                for target in waiting:
                    await pace.wait()
                    self._came.put(await ask(target, self.manner, lookup))

            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.concurrency, len(self.due))):
                    group.create_task(work())


class _Pace:
    """A rate that is kept by waiting."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 0 if rate is None else 1 / rate
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for the next turn."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._gap
        if turn > now:
            await asyncio.sleep(turn - now)


def _together(before: Frames, run: _Run, listed: list[Target]) -> Frames:
    """Return everything that is known, in the order in which endpoints were given."""
    missing = _unasked(before, run, listed)
    frames = [before, *run.kept, (empty(CERTIFICATES), missing)]
    certificates = together([pair[0] for pair in frames], ["bundle", "position"])
    endpoints = together([pair[1] for pair in frames], ["host", "port"])
    order = {
        (target.host, target.port): position for position, target in enumerate(listed)
    }
    last = len(order)
    pairs = zip(endpoints["host"], endpoints["port"], strict=True)
    positions = [order.get(pair, last) for pair in pairs]
    endpoints = endpoints.assign(_position=positions).sort_values(
        "_position", kind="stable"
    )
    endpoints = endpoints.drop(columns="_position").reset_index(drop=True)
    sources = _sources(endpoints)
    position = certificates["source"].map(sources)
    ordered = certificates.assign(_position=position).sort_values(
        ["_position", "position"], kind="stable"
    )
    return ordered.drop(columns="_position").reset_index(drop=True), endpoints


def _sources(endpoints: pd.DataFrame) -> dict[str, int]:
    """Return the place of each endpoint by what it is called in CERTIFICATES."""
    pairs = zip(endpoints["host"], endpoints["port"], strict=True)
    return {
        endpoint_text(host, port): position
        for position, (host, port) in enumerate(pairs)
    }


def _pairs(frames: list[Frames]) -> set[tuple[str, int]]:
    """Return host and port of all endpoints."""
    return {
        pair
        for _, endpoints in frames
        for pair in zip(endpoints["host"], endpoints["port"], strict=True)
    }


def _unasked(before: Frames, run: _Run, listed: list[Target]) -> pd.DataFrame:
    """Return rows of the entries that were not asked: no hosts, or not their turn yet."""
    answered = _pairs([before, *run.kept])
    interrupted = say("endpoints.interrupted")
    answers = [
        Answer(target.host, target.port, error=target.error or interrupted)
        for target in listed
        if target.error is not None or (target.host, target.port) not in answered
    ]
    return endpoints_frame(answers, empty(CERTIFICATES))


@contextmanager
def _progress(wanted: bool | None, total: int) -> Iterator[Callable[[int], object]]:
    """Provide a function that adds endpoints to the progress bar, if there is one."""
    is_watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not (is_watched if wanted is None else wanted):
        yield lambda _: None
        return
    # It loads the notebook's widgets, which others do not need.
    from tqdm.auto import tqdm

    delay = _SHOWN_AFTER if wanted is None else 0
    with tqdm(total=total, unit=say("endpoints.unit"), delay=delay) as bar:
        yield bar.update


def _error(key: str, **values: Any) -> CerttrustError:
    return CerttrustError(say(f"errors.endpoints.{key}", **values))
