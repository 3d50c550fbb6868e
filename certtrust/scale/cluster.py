"""The cluster: workers of this machine by default, or those of a scheduler that is there."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ..errors import CerttrustError
from ..texts.sentences import say

_SECONDS_TO_CONNECT = 10
_LOST = re.compile("(?i)client .*closed|trying to connect|closed client")
_CHECKED: set[str] = set()
"""Connections whose workers were asked for their version; each task asks again."""
_OF_WORKERS = {
    # Sampling what a worker does takes a part of its only core.
    "distributed.worker.profile.enabled": False,
    # Dask gives memory back at once; getting it again page by page takes a fifth of the time.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 256 << 20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 256 << 20,
}
"""Settings of workers that are started here."""
_HERE, _DASHBOARD = "127.0.0.1", 8787
"""Where Dask's dashboard is by default, for this machine alone; else at a port that is free."""


def loaded(name: str) -> Any:
    """Return a module of Dask, which is loaded on first use.

    Raises
    ------
    CerttrustError
        If Dask is not installed.

    Examples
    --------
    >>> loaded("dask.dataframe").__name__
    'dask.dataframe'
    """
    try:
        return import_module(name)
    except ImportError as problem:
        raise CerttrustError(say("errors.scale.no_package")) from problem


def connect(cluster: Any = None, *, workers: int | None = None) -> Any:
    """Connect to a cluster; without it, the functions of `certtrust.scale` start one here.

    Parameters
    ----------
    cluster : str, distributed.Client or a cluster of Dask, optional
        The address of a scheduler, such as `"tcp://192.0.2.9:8786"`, or a client or cluster that
        is there already. By default workers are started on this machine; a script that does so
        has to guard its entry (`if __name__ == "__main__":`).
    workers : int, optional
        How many processes are started on this machine, each with one thread; by default one per
        processor. A cluster that is there already keeps its own.

    Returns
    -------
    distributed.Client
        The connection, which all later calls use. `dashboard_link` of it shows what the workers
        are doing. It is closed by `close()`, and workers of this machine are stopped then.

    Raises
    ------
    CerttrustError
        If Dask is not installed, nothing answers at the address, or a worker has another version
        of certtrust, or none.

    Examples
    --------
    >>> connect("tcp://127.0.0.1:1")  # doctest: +SKIP
    CerttrustError: no scheduler of Dask answered at tcp://127.0.0.1:1 within 10 seconds ...
    """
    distributed = loaded("distributed")
    if workers is not None and (type(workers) is not int or workers < 1):
        raise CerttrustError(say("errors.reading.workers", workers=repr(workers)))
    loaded("dask.dataframe")
    # Small tables go with the tasks: of what is scattered, a worker that is lost loses its part.
    loaded("dask").config.set(
        {"distributed.admin.large-graph-warning-threshold": "4GB"}
    )
    if cluster is None:
        client = _started(workers or os.cpu_count() or 1)
    elif isinstance(cluster, distributed.Client):
        client = cluster
    else:
        client = _connected(cluster)
    try:
        expect_same_version(client)
    except CerttrustError:
        if client is not cluster:
            client.close()
        raise
    return client


def _started(workers: int) -> Any:
    main = sys.modules["__main__"]
    if not hasattr(main, "__spec__"):
        # `%reset` of a notebook forgets what starting a process asks for.
        main.__spec__ = None
    with loaded("dask").config.set(_OF_WORKERS):
        return loaded("distributed").Client(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=f"{_HERE}:{_dashboard_port()}",
            # Every worker needs it, and takes a second to import it.
            preload=["dask.dataframe"],
            silence_logs=logging.CRITICAL,
        )


def _dashboard_port() -> int:
    """Return the usual port where it is free, else 0 for any; Dask warns of one that is taken."""
    import socket

    with socket.socket() as probe:
        return 0 if probe.connect_ex((_HERE, _DASHBOARD)) == 0 else _DASHBOARD


def _connected(cluster: Any) -> Any:
    try:
        return loaded("distributed").Client(cluster, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError, TypeError, ImportError) as problem:
        raise CerttrustError(
            say(
                "errors.scale.no_scheduler",
                address=cluster if isinstance(cluster, str) else repr(cluster),
                seconds=_SECONDS_TO_CONNECT,
            )
        ) from problem


def current_client() -> Any:
    """Return the connection that is there, else one to workers that are started here."""
    try:
        client = loaded("distributed").default_client()
    except ValueError:
        return connect()
    if client.id not in _CHECKED:
        expect_same_version(client)
    return client


def threads() -> int:
    """Return how many threads the workers of the cluster have together."""
    client = current_client()
    with clear_errors():
        return sum(client.nthreads().values())


def expect_same_version(client: Any) -> None:
    """Raise unless every worker has this version of certtrust.

    Raises
    ------
    CerttrustError
        With the workers, by address, that have another one, or none.
    """
    import pydoc

    name = f"{__name__.partition('.')[0]}.__version__"
    with clear_errors():
        # A function of the standard library, so that a worker without certtrust can answer.
        versions = client.run(pydoc.locate, name, on_error="return")
    own = pydoc.locate(name)
    others = {
        worker: version
        for worker, version in versions.items()
        # A worker that is lost while it is asked does no harm.
        if version != own and not isinstance(version, OSError)
    }
    if others:
        none = say("errors.scale.none")
        listed = ", ".join(
            f"{worker} {version or none}" for worker, version in others.items()
        )
        raise CerttrustError(say("errors.scale.versions", own=own, others=listed))
    _CHECKED.add(client.id)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what Dask raises where a cluster fails into an error that says what to do.

    Raises
    ------
    CerttrustError
        If the scheduler is gone, or workers were lost again and again over the same task.
    """
    distributed = loaded("distributed")
    lost = (
        distributed.client.ClosedClientError,
        distributed.client.FutureCancelledError,
        distributed.CancelledError,
        distributed.comm.CommClosedError,
        ConnectionError,
        TimeoutError,
    )
    try:
        yield
    except distributed.scheduler.KilledWorker as problem:
        raise CerttrustError(say("errors.scale.killed")) from problem
    except distributed.scheduler.NoValidWorkerError as problem:
        raise CerttrustError(say("errors.scale.no_worker")) from problem
    except lost as problem:
        raise CerttrustError(say("errors.scale.scheduler_gone")) from problem
    except (OSError, RuntimeError) as problem:
        # Dask has no classes of its own for a client that was closed or cannot connect.
        if _LOST.search(str(problem)) is None:
            raise
        raise CerttrustError(say("errors.scale.scheduler_gone")) from problem
