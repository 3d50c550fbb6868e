"""A coroutine in an event loop and a thread of its own: notebooks have a running loop already."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Apart(Generic[Result]):
    """A coroutine that runs apart until it is done or cancelled.

    Parameters
    ----------
    work : function
        Returns what is to be awaited; called within the loop.
    """

    def __init__(self, work: Callable[[], Awaitable[Result]]) -> None:
        self._work = work
        self._results: list[Result] = []
        self._problem: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._has_begun = threading.Event()
        # The language of sentences is that of whoever begins this.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run,
            args=(self._run,),
            name="certtrust endpoints",
            daemon=True,
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseException as problem:
            self._problem = problem
        finally:
            self._has_begun.set()

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._has_begun.set()
        self._results.append(await self._work())

    def cancel(self) -> None:
        """Ask it to end; `is_over` tells when it has."""
        self._has_begun.wait()
        if self._loop is not None and self._task is not None:
            # A loop that is closed has nothing left to cancel.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)

    def is_over(self, seconds: float = 0) -> bool:
        """Return True where it has ended, after waiting for that so long at most."""
        if seconds:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def end(self) -> None:
        """Cancel it and wait until it has ended."""
        self.cancel()
        while not self.is_over(0.1):
            pass

    def wait(self) -> list[Result]:
        """Wait until it is over, whatever interrupts that; return its result, none if cancelled.

        Raises
        ------
        Exception
            What the coroutine raised.
        """
        try:
            while not self.is_over(0.1):
                pass
        except BaseException:
            self.end()
            raise
        if self._problem is not None:
            raise self._problem
        return self._results
