"""Processes: a function for many jobs on all cores, where threads would wait for one another.

The workers are interpreters of our own that are told what to do through pipes. They import
certtrust and nothing of the program that started them, so that a script needs no
`if __name__ == "__main__"`, a notebook can start them on every system, and one ends at once when
the program that it works for is gone.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, TypeVar

from . import limits
from .arrays import threads
from .errors import CerttrustError
from .texts.sentences import current_language, language, say

Job = TypeVar("Job")
Result = TypeVar("Result")

_SIZE = struct.Struct("<Q")
_START = "from certtrust.processes import serve; serve()"
_AHEAD = 2
"""Jobs for each worker that are taken before their results are wanted."""

_inside_worker = False


def can_start() -> bool:
    """Return True where workers can be started: not in a browser, nor in a worker."""
    return bool(
        not _inside_worker
        and sys.executable
        and sys.platform != "emscripten"
        and not getattr(sys, "frozen", False)
        and threads.can_start()
    )


def cores() -> int:
    """Return how many processes have a core of their own; 1 where none can be started."""
    if not can_start():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
) -> Iterator[Result]:
    """Yield the result of a function for each job, in order, from several processes.

    Parameters
    ----------
    function : function
        One that stands in a module of certtrust under its own name.
    jobs : iterable
        What each call is given; it and the results can be pickled. Few jobs are taken ahead.
    workers : int, optional
        How many processes; by default one for each core. With one, or where none can be
        started, the calls are made in this process.

    Raises
    ------
    CerttrustError
        If two processes in turn end without a result of the same job.

    Notes
    -----
    What a call raises is raised here. A job whose process ends is done again in a new one. The
    language of sentences and `certtrust.limits` are those of the caller.
    """
    count = cores() if workers is None else workers
    if count < 2 or not can_start():
        yield from map(function, jobs)
        return
    try:
        first = _Worker()
    except OSError:
        yield from map(function, jobs)
        return
    yield from _run(function, jobs, count, first)


def _run(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    count: int,
    first: _Worker,
) -> Iterator[Result]:
    crew = _Crew(f"{function.__module__}:{function.__qualname__}", first)
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(count)
    try:
        for job in jobs:
            waiting.append(pool.submit(crew.carry_out, job))
            if len(waiting) >= _AHEAD * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        crew.dismiss()
        pool.shutdown()


class _WorkerEndedError(Exception):
    """A worker process that ended without an answer."""

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


class _Crew:
    """The workers of one run: each takes one job at a time."""

    def __init__(self, function: str, first: _Worker) -> None:
        self._about = {
            "function": function,
            "language": current_language(),
            "limits": {
                name: value for name, value in vars(limits).items() if name.isupper()
            },
        }
        self._workers = {first}
        self._idle = [first]
        self._lock = threading.Lock()
        self._is_over = False

    def carry_out(self, job: Any) -> Any:
        """Return the result of a job; one whose worker ends is given to another one, once."""
        try:
            return self._answer(job)
        except _WorkerEndedError:
            pass
        try:
            return self._answer(job)
        except _WorkerEndedError as end:
            raise CerttrustError(
                say("errors.processes.ended", status=str(end.status))
            ) from end

    def _answer(self, job: Any) -> Any:
        worker = self._worker()
        is_fine, answer = worker.ask({**self._about, "job": job})
        with self._lock:
            self._idle.append(worker)
        if is_fine:
            return answer
        raise answer

    def _worker(self) -> _Worker:
        with self._lock:
            if self._is_over:
                raise _WorkerEndedError(None)
            if self._idle:
                return self._idle.pop()
            worker = _Worker()
            self._workers.add(worker)
            return worker

    def dismiss(self) -> None:
        """End all workers, whatever they are doing."""
        with self._lock:
            self._is_over = True
            for worker in self._workers:
                worker.end()


class _Worker:
    """A worker process, as its program sees it."""

    def __init__(self) -> None:
        # Modules are those of this program, and never those that lie in a folder of its data.
        paths = [path or str(Path.cwd()) for path in sys.path]
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and our own words
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def ask(self, message: dict[str, Any]) -> tuple[bool, Any]:
        """Return whether a call went well, and what it returned, or raised."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - it was asked for
        assert stdout is not None  # noqa: S101
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            _send(stdin, content)
            answer = _receive(stdout)
        except OSError:
            answer = None
        if answer is None:
            self.end()
            raise _WorkerEndedError(self._process.returncode)
        is_fine, result = pickle.loads(answer)  # noqa: S301 - from our own worker
        return is_fine, result

    def end(self) -> None:
        """End the process at once."""
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _send(pipe: BinaryIO | Any, content: bytes) -> None:
    pipe.write(_SIZE.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: BinaryIO | Any) -> bytes | None:
    """Return the next message, None where there is none in full."""
    head = pipe.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    size = _SIZE.unpack(head)[0]
    content = pipe.read(size)
    return content if len(content) == size else None


def serve() -> None:
    """Do what comes through standard input, until it ends; this is all that a worker does."""
    global _inside_worker
    _inside_worker = True
    # Ctrl-C is for the program, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threads.keep_to_one()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints must not get into the answers
    messages: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(
        target=_listen, args=(sys.stdin.buffer, messages), daemon=True
    ).start()
    while True:
        # Nothing of one job is kept while the next one is waited for.
        _send(answers, _answer(messages.get()))


def _answer(message: bytes) -> bytes:
    """Return what a call gives, or raises, as bytes."""
    answer = _called(pickle.loads(message))  # noqa: S301 - from our own program
    try:
        content = pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL)
        if not answer[0]:
            pickle.loads(content)  # noqa: S301 - some exceptions cannot be made again
    except Exception:
        content = pickle.dumps((False, CerttrustError(repr(answer[1]))))
    return content


def _listen(pipe: BinaryIO, messages: SimpleQueue[bytes]) -> None:
    """Pass messages on, and end this process when there is nobody left to send them."""
    while (message := _receive(pipe)) is not None:
        messages.put(message)
    os._exit(0)


def _called(message: dict[str, Any]) -> tuple[bool, Any]:
    """Return whether a call went well, and what it returned, or raised."""
    module, _, name = message["function"].partition(":")
    for bound, value in message["limits"].items():
        setattr(limits, bound, value)
    try:
        with language(message["language"]):
            return True, getattr(importlib.import_module(module), name)(
                message["job"]
            )
    except Exception as error:
        return False, error
