"""Logs from strangers: no crash, no hang, and a row with its reason for what is wrong."""

import io
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from certtrust import CerttrustError, limits, pattern_coverage
from certtrust.registrations import PatternError, intervals, read_registrations


def read(source, **options) -> pd.DataFrame:
    """Return the registrations of a log."""
    return read_registrations(source, progress=False, workers=1, **options)


def parquet(columns: dict | list, names: list[str] | None = None) -> bytes:
    """Return columns as a Parquet file."""
    table = pa.table(columns, names=names) if names else pa.table(columns)
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


class TestPatterns:
    """A pattern is bounded in time, or it is the caller's mistake."""

    @pytest.mark.parametrize(
        "pattern",
        [
            r"(?P<state>(x+x+)+y)(?=z)",
            r"(?<=x)(?P<state>(x+)+y)",
            r"(?P<state>(x+x+)+y)\1",
        ],
    )
    def test_exponential_time(self, pattern, monkeypatch):
        """What was not searched says so, and is read by the default patterns."""
        monkeypatch.setattr(limits, "PATTERN_SECONDS", 0.05)
        hostile = "x" * 20_000 + "z"
        log = f"<134>{hostile}\n<134>{hostile}\n<134>name=a state=up\n"
        table = read(log, patterns={"mine": pattern})
        assert table["registration_name"].tolist()[2] == "a"
        assert table["matched_by"].tolist()[2] == "pairs"
        note = "not searched for mine: it took more than 0.05 seconds on these lines"
        assert table["parse_error"].fillna("").tolist() == [note, note, note]

    def test_looking_around(self):
        """Where there is time enough, such a pattern is as good as any other."""
        log = "<134>Reg-Fail a\n<134>Reg-OK b\n"
        pattern = re.compile(
            r"(?<=reg-fail )(?P<registration_name>\S+)", re.IGNORECASE
        )
        table = read(log, patterns=pattern)
        assert table["registration_name"].fillna("").tolist() == ["a", ""]
        assert table["parse_error"].isna().all()

    @pytest.mark.parametrize(
        "patterns",
        [
            "(" * 5000 + "(?P<state>x)" + ")" * 5000,
            "(?P<state>a{99999999999})",
            b"(?P<state>x)",
            re.compile(b"(?P<state>x)"),
            [b"(?P<state>x)"],
            "(?P<state>\ud800)",
            {"\ud800": "(?P<state>x)"},
            [None],
            5,
        ],
    )
    def test_what_is_no_pattern_for_text(self, patterns):
        """The error can be shown."""
        with pytest.raises(PatternError) as error:
            read("<134>x\n", patterns=patterns)
        assert len(str(error.value).encode()) < 1000


@pytest.mark.parametrize("workers", ["2", 2.5, 0, -1, True, float("nan"), [1]])
def test_workers_that_are_no_number(workers):
    """The error says what is wanted."""
    with pytest.raises(CerttrustError, match="workers must be 1 or more"):
        read_registrations("<134>x\n", workers=workers)


@pytest.mark.parametrize("form", [5, ["csv"], "x"])
def test_formats_that_there_are_not(form):
    """The error names those that there are."""
    with pytest.raises(CerttrustError, match="there is no format"):
        read("<134>x\n", format=form)


class TestHeader:
    """A header of any size is read, or what is wrong with it is said."""

    def test_beyond_64_kilobytes(self):
        """The last column is read too."""
        names = ",".join(f"column{number}" for number in range(20_000))
        header = f"time,state,{names},serial\n"
        assert len(header) > 1 << 17
        row = "1700000000,up," + "," * 20_000 + "0090332f688a\n"
        table = read(header + row)
        assert table["serial"].tolist() == ["0090332f688a"]
        assert table["line"].tolist() == [2]

    def test_beyond_the_longest_line(self, monkeypatch):
        """The header's row says why nothing is read."""
        monkeypatch.setattr(limits, "LINE_BYTES", 100)
        header = "time,state," + "x" * 200 + ",serial\n"
        table = read(header + "1700000000,up,,0090332f688a\n")
        assert table["line"].tolist() == [1, 2]
        assert table["parse_error"].tolist() == [
            "a line of 218 bytes is not read; the longest that is has 100",
            "the header is not read",
        ]

    def test_in_latin_1(self):
        """As any other line."""
        data = "time;state;serial;größe\n1700000000;up;0090332f688a;1\n"
        table = read(data.encode("latin-1"))
        assert table["state"].tolist() == ["up"]


class TestColumnsTwice:
    """Of two columns of one name the first counts, and a row where they differ says so."""

    NOTE = "the column time is there twice, with different values; the first is read"

    def test_csv(self):
        """Names differ in case only."""
        log = "Time,time,state\n1700000000,1700000060,up\n,1700000060,up\n1,1,up\n"
        table = read(log)
        assert table["time"].dt.second.fillna(-1).tolist() == [20, 20, -1]
        assert table["time"].dt.minute.fillna(-1).tolist() == [13, 14, -1]
        assert table["parse_error"].fillna("").tolist() == [self.NOTE, "", ""]

    def test_parquet(self):
        """Which may have any columns."""
        times = [
            pa.array(["1700000000", None]),
            pa.array(["1700000060", "1700000060"]),
        ]
        data = parquet([*times, pa.array(["up", "up"])], ["time", "time", "state"])
        table = read(data)
        assert table["time"].dt.minute.tolist() == [13, 14]
        assert table["parse_error"].fillna("").tolist() == [self.NOTE, ""]


class TestParquet:
    """A cell that is not what its column should hold costs that cell."""

    @pytest.mark.parametrize("unit", ["s", "ms", "us"])
    def test_times_out_of_range(self, unit):
        """They have a reason, and the others are read."""
        seconds = {"s": 1, "ms": 1000, "us": 10**6}[unit]
        stamps = pa.array([2**60, -(2**61), 1_700_000_000 * seconds], pa.int64())
        data = parquet({"time": stamps.cast(pa.timestamp("us")), "state": ["up"] * 3})
        if unit != "us":
            # Parquet has no seconds, and Arrow writes none that overflow.
            stamps = stamps.cast(pa.timestamp("ms"))
            data = parquet({"time": stamps, "state": ["up"] * 3})
        table = read(data)
        assert table["time"].isna().tolist()[:2] == [True, True]
        assert table["parse_error"].tolist()[:2] == ["the time cannot be read"] * 2
        assert table["state"].tolist() == ["up"] * 3
        repr(table)

    def test_a_line_that_is_no_number(self):
        """One cell costs no other row."""
        lines = [str(number) for number in range(10, 20)]
        lines[5] = "x"
        table = read(parquet({"line": lines, "state": ["up"] * 10}))
        assert table["line"].tolist() == [10, 11, 12, 13, 14, 6, 16, 17, 18, 19]
        notes = table["parse_error"].dropna()
        assert notes.tolist() == ["the line is no number: the row's is given"]
        assert notes.index.tolist() == [5]

    def test_a_column_of_lists(self):
        """Each row that has one says so."""
        table = read(parquet({"reason": [[1], None], "state": ["up", "up"]}))
        assert table["parse_error"].fillna("").tolist() == [
            "the column reason holds list<element: int64>, not text",
            "",
        ]

    def test_rows_out_of_nothing(self):
        """Runs of one value take no room."""
        data = parquet({"state": pa.nulls(5_000_000, pa.string())})
        assert read(data)["parse_error"].tolist() == [
            f"reading stopped: 5,000,000 rows in {len(data):,} bytes; 1,000,000 are the most "
            "that is read"
        ]

    def test_no_column_of_ours(self):
        """One row for the file."""
        assert read(parquet({"x": [1]}))["parse_error"].tolist() == [
            "reading stopped: the file has no column of REGISTRATIONS"
        ]


@pytest.mark.parametrize("levels", [101, 1000, 100_000])
def test_json_nested_too_deep(levels):
    """On every Python alike."""
    record = '{"state": "up", "details": ' + "[" * levels + "]" * levels + "}"
    assert read(record + "\n")["parse_error"].tolist() == [
        "not JSON that can be read: nested more than 100 levels deep"
    ]


def test_surrogates():
    """Half a character is shown as a question mark."""
    table = read(
        r'{"registration_name": "\ud800", "pbx": "x\udfff", "state": "up"}' + "\n"
    )
    assert table.loc[0, ["registration_name", "pbx"]].tolist() == ["?", "x?"]


class TestTablesMadeByHand:
    """A table that lacks a column, or holds something else, is the caller's mistake."""

    @pytest.mark.parametrize("function", [pattern_coverage, intervals])
    @pytest.mark.parametrize("table", [None, 5, pd.DataFrame({"x": [1]})])
    def test_other_tables(self, function, table):
        """The error names table and remedy."""
        with pytest.raises(
            CerttrustError, match=r"REGISTRATIONS.*read_registrations"
        ):
            function(table)

    def test_a_time_that_is_none(self):
        """The error names the column."""
        table = read("time,state,serial\n1700000000,up,0090332f688a\n")
        with pytest.raises(
            CerttrustError, match="column time of table REGISTRATIONS"
        ):
            intervals(table.assign(time="x"))


@pytest.mark.parametrize("torn", ["", '{"mt": "AddAl'])
def test_json_may_follow_many_blank_lines(torn):
    """What a file is shows where it begins to say something, however far down that is."""
    record = '{"date": "1790000000", "state": "up", "serial": "009033000001"}'
    read = read_registrations(("\n" * 2_000 + f"{torn}\n{record}\n").encode())
    assert read["serial"].dropna().tolist() == ["009033000001"]
