"""Registration logs of every documented format as one table, a row per line.

The formats: `json` (events, alarms, log records, the journal's export, what collectors write
around a message, certtrust's own), `query` (HTTP log messages), `table` (the registrations that a
phone shows), `csv` and `excel` (with headings of ours or of one's own), `parquet`, `xml` (lists
of alarms and faults), `octets` (syslog with counted octets) and `syslog` (any other lines);
`wire` are the connections on TCP port 1300 in packet captures and in logs of Zeek and Suricata.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from .. import schema
from ..captures import REGISTRATION_PORT, Handshake, registration_ports
from ..table_files import metadata
from ..whole_files import replacing
from . import field_values, to_frame, wire
from .coverage import pattern_coverage
from .failures import intervals
from .messages import PatternError
from .reading import options, tables

__all__ = [
    "PatternError",
    "batches",
    "intervals",
    "of_handshakes",
    "pattern_coverage",
    "read_registrations",
    "to_parquet",
]


def read_registrations(
    source: Any,
    *,
    format: str | None = None,  # noqa: A002 - the public name
    patterns: Any = None,
    columns: Mapping[str, str] | None = None,
    timezone: Any = None,
    port: int | Iterable[int] = REGISTRATION_PORT,
    pbx: str | Mapping[str, str] | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    r"""Read registration logs into one row per line or record; no line is lost, none is invented.

    Parameters
    ----------
    source : path, glob, directory, bytes, str, open file, or an iterable of these
        Logs, also in ZIP or tar archives and compressed with gzip; a directory may mix formats.
    format : str, optional
        json, query, table, csv, excel, parquet, xml, octets, wire or syslog; by default each file's
        beginning tells, and a line that is clearly of another format is read as such.
    patterns : regular expression, or several in a list or by name in a dict, optional
        What messages (syslog, HTTP, AddLog, journal) are searched for before the neutral
        default set; named groups name columns of REGISTRATIONS, such as
        `(?P<registration_name>\S+)`. A search takes time in proportion to the message, except
        where a pattern looks around or refers back: such a one may take
        `limits.PATTERN_SECONDS` per block of lines, and `parse_error` names the messages that
        it was not searched for in.
    columns : dict, optional
        Which column of REGISTRATIONS a heading of one's own means, in CSV, Excel and JSON:
        `{"Gerät": "hardware_id"}`. Usual headings in English and German are known; beside the
        columns, `date`, `host` (who sent a record) and `message` (a text to be read as a line)
        can be meant. `certtrust.headings` shows what a file's headings are taken for.
    timezone : str or tzinfo, optional
        The time zone of stamps that name none, such as `"Europe/Berlin"`; by default they are
        taken for UTC. `time_by` says which stamps that were, and as what they were taken.
    port : int or several, optional
        TCP ports of H.323/TLS: in a packet capture, or a log of Zeek or Suricata, each
        connection there is a row. Its `state` is `rejected` where an alert of the PBX ended the
        handshake; that TLS was established says nothing of the registration within it.
    pbx : str or mapping of address to name, optional
        What the PBX of such connections is called; else `pbx` is the address of the server.
    workers : int, optional
        Number of threads; all processors by default.
    progress : bool, optional
        Show a progress bar always or never; by default only on long work.

    Returns
    -------
    DataFrame
        Table REGISTRATIONS (see `certtrust.columns`), in input order. A line that cannot be
        read in full keeps its row, with the reason in `parse_error`. Times are in UTC; a line
        without a year gets the latest one that is not after the file's date, and `time_by` says
        so.

    Raises
    ------
    SourceError
        If a path names nothing, or there is no such format.
    CerttrustError
        If there is no such time zone, or no such column.
    PatternError
        If a pattern is no regular expression, or has no group that is named like a column.

    Notes
    -----
    Documented by the vendor are the records of events, alarms and logs, the HTTP log message,
    and the words of the registration state. Texts of syslog messages are not: the default
    patterns are certtrust's own.

    Examples
    --------
    >>> log = "<134>LOG 3 Reg-Fail 0090332f688a tls\n<134>name=0090332f688a state=up\n"
    >>> pattern = r"Reg-Fail (?P<registration_name>\S+)"
    >>> read_registrations(log, patterns=pattern)["matched_by"].tolist()
    ['pattern 1', 'pairs']
    """
    chosen = options(format, patterns, workers, columns, timezone, port=port, pbx=pbx)
    return to_frame.frame_of(tables(source, chosen, progress=progress))


def of_handshakes(
    rows: Sequence[Handshake],
    *,
    port: int | Iterable[int] = REGISTRATION_PORT,
    pbx: str | Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return table REGISTRATIONS of connections, as `read_registrations` of their files does."""
    return to_frame.frame(wire.table(rows, registration_ports(port), pbx))


def batches(
    source: Any,
    *,
    format: str | None = None,  # noqa: A002 - the public name
    patterns: Any = None,
    columns: Mapping[str, str] | None = None,
    timezone: Any = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Iterator[pd.DataFrame]:
    r"""Yield the rows of `read_registrations` a bounded part at a time, for logs beyond memory.

    Examples
    --------
    >>> sum(len(part) for part in batches("time,state,serial\n1700000000,up,0090332f688a\n"))
    1
    """
    for table in tables(
        source,
        options(format, patterns, workers, columns, timezone),
        progress=progress,
    ):
        yield to_frame.frame(table)


def to_parquet(
    source: Any,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the public name
    patterns: Any = None,
    columns: Mapping[str, str] | None = None,
    timezone: Any = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> int:
    r"""Read registration logs of any size into a Parquet file, and return how many rows it has.

    `read_registrations` of the file gives the same table as of the logs; memory holds a few
    blocks of lines.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = "time,state,serial\n1700000000,up,0090332f688a\n"
    ...     to_parquet(log, pathlib.Path(folder, "log.parquet"))
    1
    """
    import pyarrow.parquet as pq  # which loads ssl

    rows = 0
    stored = field_values.SCHEMA.with_metadata(metadata(schema.REGISTRATIONS))
    chosen = options(format, patterns, workers, columns, timezone)
    with (
        replacing(path) as new,
        pq.ParquetWriter(new, stored, compression="zstd") as writer,
    ):
        for table in tables(source, chosen, progress=progress):
            writer.write_table(table.replace_schema_metadata(stored.metadata))
            rows += len(table)
    return rows
