"""Compare reading registration logs with the plain ways of doing it, on synthetic lines.

Run `python benchmarks/registrations.py [lines] [formats] [ways] [--json FILE]` (5,000,000 lines
of json,syslog,csv,full and all ways by default; this package is always among the ways).
On a busy machine the CPU seconds tell more. The format `full` is a CSV with all columns of the
table, IPv6 addresses, fingerprints and unset clocks among them, which is read at the same speed
per byte as the plain one. Files are made once, in build/, with a torn, a blank and a foreign line
in every 10,000. Each way runs in a process of its own and has to give the same typed columns:
time in UTC, device, name, protocol, address, state and reason, and the line itself. Some ways
cannot keep the bad lines: those get a file without them where they would fail, and say so.

Run `python benchmarks/registrations.py stream [lines]` to stream a file (50,000,000 lines, the
same five million again and again) to Parquet with two workers.

Needs the dependency group `benchmark`.
"""

# ruff: noqa: S608 - paths and names in the queries are this script's own

import argparse
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import figures

BUILD = Path("build")
BAD = 10_000
STATES = ("up",) * 6 + ("rejected", "rejected", "timeout", "unauthorized")
COLUMNS = ("time", "host", "name", "addr", "prot", "state", "reason")

ENVELOPE = (
    r"^<\d{1,3}>1 (?P<time>\S+) (?P<host>\S+) (?P<module>\S+) "
    r"\S+ \S+ (?:-|(?:\[[^\]]*\])+) ?(?P<msg>.*)$"
)
MESSAGE = (
    r"state=(?P<state>\S+)(?: name=(?P<name>\S+))?(?: addr=(?P<addr>\S+))?(?: prot=(?P<prot>\S+))?"
    r"(?: reason=(?P<reason>\S+))?"
)
KEYS = (
    "mt",
    "type",
    "severity",
    "active",
    "code",
    "date",
    "host",
    "serial",
    "source",
    "details",
)


# Files


def rows(count: int) -> Iterator[tuple[int, str, str, str, str, str]]:
    """Yield second, serial, hardware ID, address, state and reason of made-up registrations."""
    draw = random.Random(7)
    for number in range(count):
        serial = f"009033{draw.randrange(100_000):06x}"
        state = STATES[draw.randrange(10)]
        address = (
            f"10.{draw.randrange(4)}.{draw.randrange(250)}.{draw.randrange(250)}"
        )
        hardware_id = f"IP222-{serial[6:8]}-{serial[8:10]}-{serial[10:]}"
        yield (
            1_770_000_000 + number // 10,
            serial,
            hardware_id,
            address,
            state,
            "securityDenial" if state[0] == "r" else "",
        )


def json_line(
    second: int, serial: str, host: str, _: str, state: str, reason: str
) -> str:
    """Return an event of the documented interface."""
    up = state == "up"
    details = f'<relay prot=\\"SH323\\" comment=\\"{reason}\\"/>'
    return (
        f'{{"mt":"AddAlarm","type":"{"clear" if up else "alarm"}",'
        f'"severity":1,"active":{"false" if up else "true"},'
        f'"code":"0x00010002","date":"{second}","host":"{host}","serial":"{serial}","source":"RELAY/RECH",'
        f'"details":"{details}"}}'
    )


def syslog_line(
    second: int, serial: str, host: str, address: str, state: str, reason: str
) -> str:
    """Return an RFC 5424 line; a fifth of the messages are not about a registration."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
    message = f"LOG_HTTP 3 TCP-Up {address}:7793 172.16.0.17:471 id {serial}"
    if int(serial[6:], 16) % 5:
        because = f" reason={reason}" if reason else ""
        message = f"registration state={state} name={serial} addr={address} prot=H.323/TLS{because}"
    return f"<134>1 {stamp} {host} RELAY/RECH - - - {message}"


def csv_line(
    second: int, serial: str, _: str, address: str, state: str, reason: str
) -> str:
    """Return a line of certtrust's own CSV."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
    told = f"H.323/TLS,certificate,{address},false,{state},{reason},indeterminate,RELAY/RECH"
    return f"{stamp},headquarters,{serial},{serial},{told}"


HEADER = (
    "time,pbx,serial,registration_name,protocol,authentication,remote_address,via_reverse_proxy,state,reason,severity,"
    "module"
)
FULL_HEADER = (
    "time,clock_unset,pbx,serial,hardware_id,registration_name,interface,protocol,authentication,"
    "remote_address,via_reverse_proxy,state,reason,fingerprint,code,severity,module,details,"
    "source,line,matched_by,time_by,raw,parse_error"
)


def full_line(
    second: int, serial: str, host: str, address: str, state: str, reason: str
) -> str:
    """Return a line with all columns of REGISTRATIONS; the clock of some devices is not set."""
    number = int(serial[6:], 16)
    unset = number % 50 == 0
    stamp = "0" if unset else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
    last = address.rpartition(".")[2]
    cells = (
        stamp,
        "true" if unset else "false",
        "headquarters",
        serial,
        host,
        f"{serial}-TEL1",
        "TEL1",
        "H.323/TLS",
        "certificate",
        f"2001:db8:{number % 4}:{last}:290:33ff:fe{serial[6:8]}:{serial[8:]}",
        "false",
        state,
        reason or "none",
        f"{number:08x}" * 8,
        "0x00010002",
        "indeterminate",
        "RELAY/RECH",
        f'<relay prot="SH323" id="{number}"/>'.replace('"', "'"),
        "hq.log",
        str(number),
        "alarm",
        "line",
        f"registration {state} of {serial}",
        "",
    )
    return ",".join(cells)


WRITERS = {
    "json": json_line,
    "syslog": syslog_line,
    "csv": csv_line,
    "full": full_line,
}
HEADERS = {"csv": HEADER, "full": FULL_HEADER}


def made(form: str, count: int, *, clean: bool = False) -> Path:
    """Return the file of a format, made if it is not there."""
    path = BUILD / f"registrations-{count}{'-clean' if clean else ''}.{form}"
    if not path.exists():
        BUILD.mkdir(exist_ok=True)
        with path.with_suffix(".part").open("w", encoding="utf-8") as file:
            if form in HEADERS:
                file.write(HEADERS[form] + "\n")
            for number, row in enumerate(rows(count)):
                line = WRITERS[form](*row)
                if not clean and number % BAD < 3:
                    line = (line[: len(line) // 2], "", "what is this?")[number % BAD]
                file.write(line + "\n")
        path.with_suffix(".part").rename(path)
    return path


# Ways


def certtrust(path: Path) -> Any:
    """Read with this package."""
    from certtrust import read_registrations

    return read_registrations(path, workers=2, progress=False)


def json_pandas(path: Path) -> Any:
    """pandas.read_json."""
    import pandas as pd

    frame = pd.read_json(path, lines=True, dtype=False, convert_dates=False)
    return typed(frame, "date")


def json_python(path: Path) -> Any:
    """The json module, line by line."""
    import pandas as pd

    records = []
    with path.open() as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError as error:
                record = {"error": str(error)}
            records.append(
                (line, *(record.get(key) for key in KEYS), record.get("error"))
            )
    return typed(pd.DataFrame(records, columns=["raw", *KEYS, "error"]), "date")


def json_pyarrow(path: Path) -> Any:
    """pyarrow.json with its threads."""
    from pyarrow import json as pj

    return typed(
        pj.read_json(path, pj.ReadOptions(block_size=8 << 20)).to_pandas(), "date"
    )


def json_polars(path: Path) -> Any:
    """polars.read_ndjson."""
    import polars as pl

    frame = pl.read_ndjson(path)
    return frame.with_columns(
        pl.from_epoch(pl.col("date").cast(pl.Int64)),
        pl.col("type", "code", "source").cast(pl.Categorical),
    ).to_pandas()


def json_duckdb(path: Path) -> Any:
    """duckdb.read_json, bad lines dropped."""
    import duckdb

    columns = dict.fromkeys(KEYS, "VARCHAR")
    return duckdb.sql(
        f"select to_timestamp(date::bigint) as time, * from read_json('{path}', "
        f"format='newline_delimited', "
        f"ignore_errors=true, columns={columns})"
    ).df()


def json_duckdb_lines(path: Path) -> Any:
    """duckdb, each line as text, JSON functions where it is valid."""
    import duckdb

    paths = ",".join(f"'$.{key}'" for key in KEYS)
    names = ", ".join(
        f"x[{place}] as {key}" for place, key in enumerate(KEYS, start=1)
    )
    return duckdb.sql(
        f"select to_timestamp(x[6]::bigint) as time, {names}, raw, x is null as error from "
        f"(select raw, case when "
        f"json_valid(raw) then json_extract_string(raw, [{paths}]) end as x from "
        f"{duckdb_lines(path)})"
    ).df()


def json_polars_lines(path: Path) -> Any:
    """polars, each line as text, a JSON path per key."""
    import polars as pl

    lines = polars_lines(path)
    frame = lines.with_columns(
        **{key: pl.col("raw").str.json_path_match(f"$.{key}") for key in KEYS}
    )
    return frame.with_columns(
        time=pl.from_epoch(pl.col("date").cast(pl.Int64, strict=False))
    ).to_pandas()


def syslog_pandas(path: Path) -> Any:
    """Pandas str.extract."""
    import pandas as pd

    lines = pd.Series(path.read_text().split("\n")[:-1], dtype="str", name="raw")
    envelope = lines.str.extract(ENVELOPE)
    message = envelope["msg"].str.extract(MESSAGE)
    return typed(pd.concat([lines, envelope, message], axis=1), "time")


def syslog_python(path: Path) -> Any:
    """The re module, line by line."""
    import pandas as pd

    envelope, message = re.compile(ENVELOPE), re.compile(MESSAGE)
    nothing = (None,) * 4, (None,) * 5
    records = []
    with path.open() as file:
        for line in file:
            outer = envelope.match(line)
            inner = message.search(outer["msg"]) if outer else None
            records.append(
                (
                    line,
                    *(outer.groups() if outer else nothing[0]),
                    *(inner.groups() if inner else nothing[1]),
                )
            )
    names = ["raw", *envelope.groupindex, *message.groupindex]
    return typed(pd.DataFrame(records, columns=names), "time")


def syslog_pyarrow(path: Path) -> Any:
    """Pyarrow extract_regex."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lines = pc.split_pattern(
        pa.array([path.read_text().removesuffix("\n")], pa.large_string()), "\n"
    ).flatten()
    outer = pc.extract_regex(lines, ENVELOPE)
    inner = pc.extract_regex(pc.struct_field(outer, "msg"), MESSAGE)
    arrays = {"raw": lines} | {
        name: pc.struct_field(groups, name)
        for groups, regex in ((outer, ENVELOPE), (inner, MESSAGE))
        for name in re.compile(regex).groupindex
    }
    return typed(pa.table(arrays).to_pandas(), "time")


def syslog_polars(path: Path) -> Any:
    """Polars extract_groups."""
    import polars as pl

    frame = (
        polars_lines(path)
        .with_columns(pl.col("raw").str.extract_groups(ENVELOPE).alias("outer"))
        .unnest("outer")
    )
    frame = frame.with_columns(
        pl.col("msg").str.extract_groups(MESSAGE).alias("inner")
    ).unnest("inner")
    return frame.with_columns(
        pl.col("time").str.to_datetime("%+", time_zone="UTC", strict=False),
        pl.col("state", "prot").cast(pl.Categorical),
    ).to_pandas()


def syslog_duckdb(path: Path) -> Any:
    """Duckdb regexp_extract."""
    import duckdb

    def plain(regex: str) -> tuple[str, str]:
        names = list(re.compile(regex).groupindex)
        return re.sub(r"\?P<\w+>", "", regex), str(names)

    (outer, outer_names), (inner, inner_names) = plain(ENVELOPE), plain(MESSAGE)
    return duckdb.sql(
        f"select try_cast(o.time as timestamptz) as time, o.host, o.module, o.msg, i.*, raw "
        f"from (select raw, o, "
        f"regexp_extract(o.msg, '{inner}', {inner_names}) as i from (select raw, "
        f"regexp_extract(raw, '{outer}', "
        f"{outer_names}) as o from {duckdb_lines(path)}))"
    ).df()


def csv_pandas(path: Path) -> Any:
    """pandas.read_csv with its C engine."""
    import pandas as pd

    return typed(pd.read_csv(path, dtype="str", on_bad_lines="skip"), "time")


def csv_pandas_pyarrow(path: Path) -> Any:
    """pandas.read_csv with the pyarrow engine."""
    import pandas as pd

    return typed(pd.read_csv(path, dtype="str", engine="pyarrow"), "time")


def csv_python(path: Path) -> Any:
    """The csv module, line by line."""
    import csv

    import pandas as pd

    with path.open() as file:
        names = next(file).strip().split(",")
        missing = [None] * len(names)
        records = []
        for line in file:
            cells = next(csv.reader([line]), [])
            right = len(cells) == len(names)
            records.append(
                [
                    *(cells if right else missing),
                    line,
                    None if right else f"{len(cells)} fields",
                ]
            )
    return typed(pd.DataFrame(records, columns=[*names, "raw", "error"]), "time")


def csv_pyarrow(path: Path) -> Any:
    """pyarrow.csv, bad lines dropped."""
    from pyarrow import csv as pc

    options = pc.ParseOptions(invalid_row_handler=lambda _: "skip")
    return typed(pc.read_csv(path, parse_options=options).to_pandas(), "time")


def csv_polars(path: Path) -> Any:
    """polars.read_csv, short lines filled."""
    import polars as pl

    frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
    return frame.with_columns(
        pl.col("time").str.to_datetime("%+", time_zone="UTC", strict=False)
    ).to_pandas()


def csv_polars_lines(path: Path) -> Any:
    """polars, each line as text, then split."""
    import polars as pl

    names = HEADER.split(",")
    lines = polars_lines(path)
    split = lines.with_columns(
        pl.col("raw")
        .str.split_exact(",", len(names))
        .struct.rename_fields([*names, "more"])
        .alias("x")
    )
    return (
        split.unnest("x")
        .with_columns(
            pl.col("time").str.to_datetime("%+", time_zone="UTC", strict=False),
            pl.col("state", "protocol", "authentication").cast(pl.Categorical),
        )
        .to_pandas()
    )


def csv_duckdb(path: Path) -> Any:
    """duckdb.read_csv, bad lines dropped."""
    import duckdb

    return duckdb.sql(
        f"select try_cast(time as timestamptz) as at, * from read_csv('{path}', header=true, "
        f"all_varchar=true, "
        "ignore_errors=true, auto_detect=false, delim=',', columns="
        f"{dict.fromkeys(HEADER.split(','), 'VARCHAR')})"
    ).df()


def csv_duckdb_lines(path: Path) -> Any:
    """duckdb, each line as text, then split."""
    import duckdb

    names = ", ".join(
        f"x[{place}] as {name}"
        for place, name in enumerate(HEADER.split(","), start=1)
    )
    return duckdb.sql(
        f"select try_cast(x[1] as timestamptz) as at, {names}, raw from (select raw, "
        f"string_split(raw, ',') as x "
        f"from {duckdb_lines(path)})"
    ).df()


def typed(frame: Any, time_column: str) -> Any:
    """Give a frame its times and categories."""
    import pandas as pd

    if time_column == "date":
        frame["time"] = pd.to_datetime(
            pd.to_numeric(frame["date"], errors="coerce"), unit="s", utc=True
        )
    else:
        frame["time"] = pd.to_datetime(
            frame["time"], format="ISO8601", utc=True, errors="coerce"
        )
    words = {
        "state",
        "prot",
        "protocol",
        "authentication",
        "type",
        "code",
        "source",
    } & set(frame)
    return frame.astype(dict.fromkeys(words, "category"))


def duckdb_lines(path: Path) -> str:
    """Return a table of the lines of a file."""
    return (
        f"read_csv('{path}', columns={{'raw': 'VARCHAR'}}, delim='\x01', quote='', escape='', "
        f"header=false, "
        "auto_detect=false, null_padding=true)"
    )


def polars_lines(path: Path) -> Any:
    """Return the lines of a file."""
    import polars as pl

    return pl.read_csv(
        path, has_header=False, new_columns=["raw"], separator="\x01", quote_char=None
    )


KEPT, LOST, CLEAN = "kept", "lost", "a file without any"
WAYS: dict[str, dict[Callable[[Path], Any], str]] = {
    "json": {
        certtrust: KEPT,
        json_pandas: CLEAN,
        json_python: KEPT,
        json_pyarrow: CLEAN,
        json_polars: CLEAN,
        json_polars_lines: KEPT,
        json_duckdb: LOST,
        json_duckdb_lines: KEPT,
    },
    "syslog": {
        certtrust: KEPT,
        syslog_pandas: KEPT,
        syslog_python: KEPT,
        syslog_pyarrow: KEPT,
        syslog_polars: KEPT,
        syslog_duckdb: KEPT,
    },
    "csv": {
        certtrust: KEPT,
        csv_pandas: LOST,
        csv_pandas_pyarrow: CLEAN,
        csv_python: KEPT,
        csv_pyarrow: LOST,
        csv_polars: LOST,
        csv_polars_lines: KEPT,
        csv_duckdb: LOST,
        csv_duckdb_lines: KEPT,
    },
    "full": {certtrust: KEPT, csv_pandas: LOST, csv_pandas_pyarrow: CLEAN},
}


# Runs


def one(form: str, way: str, path: Path) -> None:
    """Run one way and print seconds, CPU seconds, rows and peak memory."""
    work = next(reader for reader in WAYS[form] if reader.__name__ == way)
    # A small file first, so that imports and first uses are nobody's time.
    work(made(form, 1000, clean=WAYS[form][work] == CLEAN))
    begin, used = time.perf_counter(), time.process_time()
    frame = work(path)
    seconds, used = time.perf_counter() - begin, time.process_time() - used
    print(
        json.dumps(
            [
                seconds,
                used,
                len(frame),
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            ]
        )
    )


def compare(
    count: int, forms: list[str], ways: list[str]
) -> Iterator[figures.Figure]:
    """Print a table of the ways of each format, and yield the figure of each."""
    for form in forms:
        size = made(form, count).stat().st_size
        print(f"\n{form}: {count:,} lines, {size / 1e9:.2f} GB\n")
        print(
            "| way | seconds | CPU seconds | times certtrust | rows | peak memory, times the "
            "file | bad lines |"
        )
        print("|---|--:|--:|--:|--:|--:|---|", flush=True)
        ours = 0.0
        others: dict[str, float] = {}
        note = ""
        for way, bad in WAYS[form].items():
            if ways and way is not certtrust and way.__name__ not in ways:
                continue
            path = made(form, count, clean=bad == CLEAN)
            command = [sys.executable, __file__, "one", form, way.__name__, str(path)]
            ended = subprocess.run(
                command, capture_output=True, text=True, check=False
            )
            if ended.returncode:
                why = (
                    ended.stderr.strip().splitlines()
                    or [f"signal {-ended.returncode}"]
                )[-1][:90]
                print(
                    f"| {way.__doc__} | failed: {why} | | | | | {bad} |", flush=True
                )
                continue
            seconds, used, rows, peak = json.loads(ended.stdout.splitlines()[-1])
            if way is certtrust:
                ours, note = seconds, f"memory {peak / size:.1f} times the file"
            else:
                name = str(way.__doc__).rstrip(".")
                others[name] = seconds
            print(
                f"| {way.__doc__} | {seconds:.1f} | {used:.1f} | {seconds / ours:.1f} | "
                f"{rows:,} | {peak / size:.1f} "
                f"| {bad} |",
                flush=True,
            )
        yield figures.Figure(
            work=f"{count:,} lines of {_FORMS[form]} ({size / 1e9:.2g} GB)",
            value=ours,
            unit="s",
            against=others,
            note=note,
        )


_FORMS = {
    "json": "JSON",
    "syslog": "syslog",
    "csv": "CSV",
    "full": "CSV with all columns",
}


def stream(count: int) -> None:
    """Stream a file of so many lines to Parquet with two workers."""
    from certtrust.registrations import to_parquet

    part, path, target = (
        made("syslog", 5_000_000),
        BUILD / "stream.syslog",
        BUILD / "stream.parquet",
    )
    with path.open("wb") as whole:
        for _ in range(count // 5_000_000):
            with part.open("rb") as lines:
                shutil.copyfileobj(lines, whole, 1 << 20)
    begin = time.perf_counter()
    rows = to_parquet(path, target, workers=2, progress=False)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{rows:,} lines, {path.stat().st_size / 1e9:.2f} GB, to "
        f"{target.stat().st_size / 1e9:.2f} GB of Parquet "
        f"in {seconds:.0f} s; peak memory {peak / 1e9:.2f} GB"
    )
    path.unlink()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    words = options.words
    if words[:1] == ["one"]:
        one(words[1], words[2], Path(words[3]))
    elif words[:1] == ["stream"]:
        stream(int(words[1]) if words[1:] else 50_000_000)
    else:
        forms, ways = ([part.split(",") for part in words[1:3]] + [[], []])[:2]
        count = int(words[0]) if words else 5_000_000
        figures.write(options.json, list(compare(count, forms or list(WAYS), ways)))


if __name__ == "__main__":
    main()
