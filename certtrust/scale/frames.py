"""Dask frames of our tables: made of parts that are tasks, and collected into one of pandas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..arrays.threads import progress_bar
from ..errors import CerttrustError
from ..schema import TABLES, Table
from ..table_files import write_parquet
from ..texts.sentences import say
from .cluster import clear_errors, current_client, loaded
from .here import task

NUMBERED = "numbered anew"
"""Name of an index that orders rows and means nothing to the user."""
_SHOWN_AFTER = 3.0


def from_parts(parts: Sequence[Any], meta: pd.DataFrame) -> Any:
    """Return a Dask frame of tasks that each make a frame of the same table."""
    dask = loaded("dask")
    meta = loaded("dask.dataframe.utils").clear_known_categories(meta)
    parts = list(parts) or [dask.delayed(meta)]
    # Lists and bytes are objects, which Dask would turn into text.
    with dask.config.set({"dataframe.convert-string": False}):
        return loaded("dask.dataframe").from_delayed(
            parts, meta=meta, verify_meta=False
        )


def expect_dask(frame: Any) -> Any:
    """Return a Dask frame that a caller passed.

    Raises
    ------
    CerttrustError
        If it is something else.
    """
    if not isinstance(frame, loaded("dask.dataframe").DataFrame):
        kind = type(frame).__name__
        raise CerttrustError(say("errors.scale.no_frame", kind=kind))
    return frame


def collect(frame: Any, *, progress: bool | None = None) -> pd.DataFrame:
    """Compute a Dask frame of `certtrust.scale`, and return it as one machine would have made it.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        What a function of `certtrust.scale` returned.
    progress : bool, optional
        Show a progress bar, with the address of the cluster's dashboard, always or never; by
        default after a few seconds.

    Returns
    -------
    DataFrame
        The rows in input order, with the labels that they have on one machine.

    Raises
    ------
    CerttrustError
        If `frame` is no Dask frame, the scheduler is gone, or workers were lost over and over,
        most often because their memory did not suffice.

    Examples
    --------
    >>> import certtrust as ct
    >>> ct.scale.collect(ct.scale.read_certificates("fleet/certificates"))  # doctest: +SKIP
    """
    frame = expect_dask(frame)
    return together(computed(frame.to_delayed(), progress=progress))


def together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the parts of one table as one frame, in the order of its labels where it has them."""
    filled = [part for part in parts if len(part)] or list(parts[:1])
    whole: pd.DataFrame = loaded("dask.dataframe.dispatch").concat(filled)
    is_labelled = not isinstance(filled[0].index, pd.RangeIndex)
    if is_labelled:
        whole = whole.sort_index(kind="stable")
    is_numbered = is_labelled and whole.index.name != NUMBERED
    return whole if is_numbered else whole.reset_index(drop=True)


def computed(tasks: Iterable[Any], *, progress: bool | None = None) -> list[Any]:
    """Return what tasks make, by the workers of the cluster, with a progress bar."""
    distributed = loaded("distributed")
    client = current_client()
    options: dict[str, Any] = {} if progress is None else {"disable": not progress}
    delay = _SHOWN_AFTER if progress is None else 0
    with clear_errors():
        text = say("reading.partitions", dashboard=client.dashboard_link)
        futures = client.compute(list(tasks))
        try:
            with progress_bar(
                total=len(futures), desc=text, delay=delay, leave=False, **options
            ) as bar:
                for future in distributed.as_completed(futures):
                    if future.status != "finished":
                        break
                    bar.update()
            return list(client.gather(futures))
        except BaseException:
            client.cancel(futures)
            raise


def to_parquet(
    frame: Any, directory: str | Path, *, progress: bool | None = None
) -> Path:
    """Write a Dask frame as Parquet, a file for each partition, by the workers.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        What a function of `certtrust.scale` returned.
    directory : path
        A new or an empty folder that every worker reaches by the same path.
    progress : bool, optional
        As in `certtrust.scale.collect`.

    Returns
    -------
    Path
        The directory. `certtrust.read_certificates` and `read_registrations` read it, and so do
        `read_fleet` in a folder of that name, and pandas.

    Raises
    ------
    CerttrustError
        If the frame is none of our tables, the folder is not empty, or as in
        `certtrust.scale.collect`.

    Examples
    --------
    >>> import certtrust as ct
    >>> log = ct.scale.read_registrations("logs/*.csv")  # doctest: +SKIP
    >>> ct.scale.to_parquet(log, "fleet/registrations")  # doctest: +SKIP
    """
    frame = expect_dask(frame)
    declared = _table_of(frame)
    root = Path(directory).absolute()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise CerttrustError(say("errors.scale.folder", path=repr(str(directory))))
    root.mkdir(parents=True, exist_ok=True)
    write = task(_write_part)
    tasks = [
        write(part, declared, root / f"part-{number:06d}.parquet")
        for number, part in enumerate(frame.to_delayed())
    ]
    computed(tasks, progress=progress)
    return root


def _write_part(part: pd.DataFrame, table: Table, path: Path) -> int:
    write_parquet(part, table, path)
    return len(part)


def _table_of(frame: Any) -> Table:
    """Return the table that a frame is: the largest one that it has all columns of."""
    names = set(frame.columns)
    tables = [table for table in TABLES.values() if names.issuperset(table.names)]
    if not tables:
        raise CerttrustError(say("errors.scale.no_table"))
    return max(tables, key=lambda table: len(table.names))
