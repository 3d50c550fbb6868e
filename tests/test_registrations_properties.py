"""Properties of the readers of registration logs: nothing raises, no line is lost, and the size
of blocks is unseen.
"""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from registration_lines import lines as written
from thoroughness import examples

from certtrust import limits, simulate
from certtrust.captures import looks_like_capture
from certtrust.formats import as_text
from certtrust.registrations import field_values, reading, times, to_frame
from certtrust.registrations import read_registrations as read
from certtrust.registrations.field_values import Notes
from certtrust.registrations.formats import csv_lines, json_lines
from certtrust.registrations.text import lines
from certtrust.registrations.text.spans import present

# Lines of every format, whole and torn, with whatever may stand between them.
RECORD = (
    '{"mt":"AddAlarm","type":"alarm","active":true,'
    '"code":"0x00010002","date":"1700000000","host":"IP1-2f-68-8a"}'
)
LINES = [
    RECORD,
    RECORD[:-9],
    RECORD.replace('"1700000000"', "1700000000"),
    RECORD.replace('"type":"alarm"', '"type":5,"type":{}'),
    RECORD + RECORD,
    '{"mt":"AddLog","time":0,"from":"0090332f688a","msg":"state=up"}',
    '{"mt":"\\ud800\\u0000","time":1e3}',
    '{"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":"state=up name=a"}',
    '{"time":"2026-03-02","state":"up"}',
    '{"mt":',
    '"x"}',
    "[1,2]",
    "{ mt: 1 }",
    "{}",
    "",
    " \t",
    "event=syslog&time=1700000000&from=IP1-2f-68-8a&msg=state=up%20name=%C3%A4%",
    "?event=syslog&time=0&msg=a+b",
    'x "GET /?event=syslog&msg=%zz HTTP/1.1" 200',
    "<134>1 2026-03-02T10:11:25.5Z IP1-2f-68-8a app - - - state=rejected reason=48",
    '<13>1 - - - - - [a b="c\\]"] x="y',
    "<134>Mar  2 10:11:25 host tag: registration of 0090332f688a timed out",
    "<134>Feb 29 10:11:25 host",
    "2026-03-02T10:11:25+00:00 host tag: a",
    "<134>",
    "<1",
    "time,state,serial",
    "1700000000,up,0090332f688a",
    '1700000000,"u""p",0090332f688a',
    '"1700000000,up,0090332f688a',
    "1,2,3,4",
    "1,up\r2,down",
    "\r",
    "ID\tState\tProtocol",
    "1\tup\tH.323",
    "\x00\x00\x00",
    "ä€\u2028\x85\x0b\x0c\x1c",
    "PAR2",
]
BYTES = st.one_of(
    st.sampled_from([line.encode("utf-8", "surrogatepass") for line in LINES]),
    st.binary(max_size=40),
)
LOGS = st.lists(BYTES, max_size=12).map(b"\n".join)
OPTIONS = {"patterns": None, "workers": 1}


def in_blocks(log: bytes, size: int, form: str | None = None) -> pd.DataFrame:
    """Read a log in blocks of a size."""
    chosen = reading.options(form, **OPTIONS)._replace(block=size)
    tables = list(reading.tables(log, chosen, progress=False))
    return to_frame.frame(
        pa.concat_tables([field_values.SCHEMA.empty_table(), *tables])
    )


def line_count(log: bytes) -> int:
    """Count lines as everybody does: a last one may lack its end."""
    return log.count(b"\n") + (not log.endswith(b"\n") and bool(log))


def is_text(log: bytes) -> bool:
    """Tell whether bytes are lines: no archive, no Parquet file, no capture, no UTF-16."""
    begins = (b"PAR1", b"PK", b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff")
    return not log.startswith(begins) and not looks_like_capture(log)


def is_document(log: bytes) -> bool:
    """Tell whether records of JSON stand in lists, or several of them in one line."""
    return not json_lines.is_lines(as_text(log), is_whole=True)


def lines_without_a_row(frame: pd.DataFrame, log: bytes) -> set[int]:
    """Return them, and fail unless they are a header and what says nothing above it."""
    numbers = frame["line"].tolist()
    assert numbers == sorted(set(numbers))
    without = set(range(1, line_count(log) + 1)) - set(numbers)
    texts = [line.strip() for line in log.split(b"\n")]
    header = max(without, default=0)
    assert all(
        number == header or texts[number - 1][:1] in (b"", b"#", b";", b",", b"|")
        for number in without
    )
    return without


@given(
    log=LOGS.filter(is_text), form=st.sampled_from([None, "json", "query", "syslog"])
)
@settings(max_examples=examples(300))
def test_nothing_raises_and_rows_out_are_lines_in(log, form):
    """Whatever the lines are, and whichever format they are taken for."""
    if form != "query" and is_document(log):
        return  # its records have a row each, wherever they begin
    frame = read(log, format=form, workers=1, progress=False)
    without = lines_without_a_row(frame, log)
    assert not without or form is None


@given(log=LOGS.filter(is_text), form=st.sampled_from(["csv", "table"]))
@settings(max_examples=examples(150))
def test_with_a_header_all_other_lines_are_rows(log, form):
    """The header is the first line, whatever it is, or one below lines that say nothing."""
    frame = read(log, format=form, workers=1, progress=False)
    without = lines_without_a_row(frame, log)
    assert bool(without) == bool(log)
    assert len(frame) + len(without) == line_count(log)


@given(
    log=LOGS,
    form=st.sampled_from([None, "json", "query", "syslog", "csv", "table"]),
    size=st.integers(1, 400),
)
@example(log="\n".join(LINES).encode("utf-8", "surrogatepass"), form="json", size=7)
@settings(max_examples=examples(200))
def test_the_size_of_blocks_is_unseen(log, form, size):
    """A frame depends on the bytes, not on how they are cut."""
    if not is_text(log):
        return
    pd.testing.assert_frame_equal(
        in_blocks(log, size, form), in_blocks(log, 1 << 20, form)
    )


@given(
    log=st.lists(st.sampled_from(LINES[:10]), min_size=1, max_size=300).map(
        "\n".join
    ),
    size=st.integers(500, 9000),
)
@settings(max_examples=examples(40))
def test_threads_keep_the_order(log, size):
    """Several workers give the frame of one."""
    one = reading.options("json", **OPTIONS)._replace(block=size)
    read_ones = [
        to_frame.frame(
            pa.concat_tables(
                [
                    field_values.SCHEMA.empty_table(),
                    *reading.tables(log.encode(), chosen),
                ]
            )
        )
        for chosen in (one, one._replace(threads=3))
    ]
    pd.testing.assert_frame_equal(*read_ones)


@given(
    rows=st.lists(
        st.text('a",\t\r ä\x00', max_size=9)
        | st.sampled_from(['"a",""', '"a""b","c"', '"a"b,c', '"a"\t""']),
        max_size=12,
    ),
    count=st.integers(1, 3),
    separator=st.sampled_from(",\t"),
)
@settings(max_examples=examples(400))
def test_lines_of_csv_at_once_are_those_of_the_csv_module(rows, count, separator):
    """Whether quoted or not, and with the reason of each that is none."""
    text, positions = (
        pa.array(rows, field_values.TEXT),
        {"state": 0, "reason": count - 1},
    )
    fields, reasons = csv_lines._fields(text, separator, count, positions)
    expected, why = csv_lines._split_one_by_one(text, separator, count, positions)
    assert {name: values.to_pylist() for name, values in fields.items()} == {
        name: values.to_pylist() for name, values in expected.items()
    }
    assert reasons.to_pylist() == why.to_pylist()


def test_csv_of_very_many_quoted_fields():
    """More than a pattern can count are split one by one."""
    names = [*(f"x{number}" for number in range(3000)), "state", "serial"]
    cells = [*(f'"{number}"' for number in range(3000)), '"up"', "0090332f688a"]
    frame = read(
        "\n".join([",".join(names), ",".join(cells), ",".join(cells)]), format="csv"
    )
    assert frame["state"].tolist() == ["up", "up"]


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(),
        st.text(max_size=8),
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
RECORDS = st.dictionaries(
    st.sampled_from([*json_lines.KEYS[:12], "other"]), VALUES, max_size=6
)


@given(records=st.lists(RECORDS, min_size=1, max_size=6))
@settings(max_examples=examples(200))
def test_objects_at_once_are_those_one_by_one(records):
    """The quick parser of many lines gives what the careful one of each line gives, or leaves
    it to that one.
    """
    text = pa.array([json.dumps(record) for record in records], field_values.TEXT)
    at_once = json_lines._parse_at_once(text, np.ones(len(records), bool))
    one_by_one, reasons, ambiguities = json_lines._parse_one_by_one(text)
    assert reasons.null_count == ambiguities.null_count == len(records)
    if at_once is None:
        return
    kinds = json_lines._kinds(one_by_one)
    assert json_lines._kinds(at_once).tolist() == kinds.tolist()
    for row, kind in enumerate(kinds):
        keys = json_lines._KEYS_OF_KIND[kind]
        assert [at_once[key][row].as_py() for key in keys] == [
            one_by_one[key][row].as_py() for key in keys
        ]


STAMPS = st.one_of(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(str),
    st.datetimes(
        datetime(1969, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)
    ).map(datetime.isoformat),
    st.integers(0, 4 * 10**18).map(str),
    st.floats(0, 10**10).map("{:.3f}".format),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{0,8}(Z|[+-]0[0-9]:[0-9]{2})?",
        fullmatch=True,
    ),
    st.sampled_from(
        [
            "2026-03-02",
            "20260302-101125",
            "soon",
            "2026",
            "2026-03-02 10",
            "1e5",
            "-1",
            "٣",
        ]
    ),
)


@given(stamps=st.lists(st.none() | STAMPS, min_size=1, max_size=5))
@settings(max_examples=examples(400))
def test_times_at_once_are_those_of_each_value(stamps):
    """The quick cast of a block accepts only what the careful way accepts, with the same
    outcome.
    """
    text = pa.array(stamps, field_values.TEXT)
    at_once = times._of_one_form(text)
    if at_once is not None:
        time, is_local = at_once
        carefully, local = times._of_any_form(
            text, Notes(pa.nulls(len(text), field_values.TEXT)), times.ANY_CLOCK
        )
        assert time.to_pylist() == carefully.to_pylist()
        assert set(local[present(time)]) <= {is_local}


@given(
    moments=st.lists(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))),
    form=st.sampled_from(("%FT%TZ", "%F %T", "%F", "soon", "0")),
    draw=st.randoms(use_true_random=False),
)
@settings(max_examples=examples(100))
def test_a_clock_that_is_not_set_changes_no_other_time(moments, form, draw):
    """Among times of one form, 0 is read at once, as the careful way reads it."""
    stamps = [moment.strftime(form) for moment in moments] + ["0", None]
    draw.shuffle(stamps)
    text = pa.array(stamps, field_values.TEXT)
    none = pa.nulls(len(text), field_values.TEXT)
    at_once, carefully = Notes(none), Notes(none)
    columns = times.read(text, at_once)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "_of_one_form_or_zero", lambda _: None)
        patch.setattr(times, "_of_one_form", lambda _: None)
        expected = times.read(text, carefully)
    for name, column in expected.items():
        assert columns[name].to_pylist() == column.to_pylist(), name
    assert at_once.text.to_pylist() == carefully.text.to_pylist()


@given(
    moment=st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 31)),
    digits=st.integers(0, 6),
)
def test_every_iso_time_is_read_as_it_is(moment, digits):
    """Against the standard library's own reading."""
    text = (
        moment.isoformat(timespec="microseconds")[: 20 + digits if digits else 19]
        + "Z"
    )
    notes = Notes(pa.nulls(1, field_values.TEXT))
    columns = times.read(pa.array([text], field_values.TEXT), notes)
    assert columns["time"].to_pylist() == [datetime.fromisoformat(text)]
    assert columns["clock_unset"].to_pylist() == [False]


@given(
    moment=st.datetimes(datetime(1972, 1, 1), datetime(2150, 12, 31)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    later=st.floats(-0.99, 360),
)
def test_year_less_stamps_get_the_year_they_had(moment, later):
    """A file that is changed within a year after its line tells the line's year."""
    if (moment.month, moment.day) == (2, 29):
        later = min(later, 300)
    text = pa.array(
        [f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S}"], field_values.TEXT
    )
    modified = (pd.Timestamp(moment, tz="UTC") + pd.Timedelta(days=later)).as_unit(
        "us"
    )
    assert times.without_year(text, modified).to_pylist() == [
        moment.replace(tzinfo=UTC)
    ]


@given(text=st.text(max_size=20).filter(lambda text: "\n" not in text))
def test_what_is_no_stamp_is_missing(text):
    """Any other text of any width."""
    moments = times.without_year(
        pa.array([text, None], field_values.TEXT),
        pd.Timestamp("2026-03-02", tz="UTC"),
    )
    assert moments.to_pylist() == [None, None]


class TestHostileInput:
    """Nothing crashes, hangs or takes memory without bounds."""

    @pytest.mark.parametrize(
        "form", [None, "json", "query", "csv", "table", "syslog"]
    )
    @pytest.mark.parametrize(
        "piece",
        [
            b"{",
            b"[",
            b'"',
            b"a=b ",
            b"&event=syslog",
            b"<134>",
            b"\x00",
            b"\xff",
            b"a,",
        ],
    )
    def test_a_very_long_line(self, piece, form):
        """It keeps its row, with its length as the reason; its neighbours are read."""
        size = 3 * limits.LINE_BYTES
        log = b"time,state\n" + piece * (size // len(piece)) + b"\n1700000000,up\n"
        frame = read(log, format=form, workers=1, progress=False)
        assert frame["line"].iloc[-2:].tolist() == [2, 3]
        assert (
            f"a line of {size // len(piece) * len(piece)} bytes"
            in frame["parse_error"].iloc[-2]
        )
        assert len(frame["raw"].iloc[-2]) < 2 * lines.SHOWN

    @pytest.mark.parametrize("size", [1000, 1 << 16, 1 << 20, 5 << 20])
    def test_long_lines_in_blocks_of_any_size(self, size):
        """How long a line was is known wherever blocks end, with and without a last line end."""
        log = (
            b"x" * (4 * limits.LINE_BYTES)
            + b"\r\n"
            + b"y" * (limits.LINE_BYTES + 1)
            + b"\n"
            + b"z" * (3 * limits.LINE_BYTES)
        )
        pd.testing.assert_frame_equal(in_blocks(log, size), in_blocks(log, 64 << 20))

    @pytest.mark.parametrize(
        "inside", ["[" * 200_000, '{"a":' * 150_000, '{"mt":"' + "x" * 900_000 + '"']
    )
    def test_deep_and_long_records(self, inside):
        """Nesting beyond what a parser can take is a reason, not a crash."""
        frame = read(f"{RECORD}\n{inside}\n{RECORD}\n", format="json", progress=False)
        assert frame["parse_error"].isna().tolist() == [True, False, True]

    @pytest.mark.parametrize(
        "line",
        ["a=b " * 200_000, "state=up " * 100_000, "&a=b" * 200_000, "%41" * 300_000],
    )
    @pytest.mark.parametrize("form", ["syslog", "query"])
    def test_lines_of_nothing_but_words(self, line, form):
        """Only so many words of a message are looked at."""
        assert len(read(f"<134>{line}\n<134>b\n", format=form, progress=False)) == 2

    def test_utf16_with_and_without_bad_ends(self):
        """A byte-order mark tells; an odd last byte is replaced."""
        text = f"{RECORD}\r\n{RECORD}\r\n"
        for encoding in ("utf-16", "utf-16-be"):
            log = (b"" if encoding == "utf-16" else b"\xfe\xff") + text.encode(
                encoding
            )
            frame = read(log)
            assert frame["parse_error"].isna().all()
            assert frame["state"].tolist() == ["down", "down"]
            pd.testing.assert_frame_equal(in_blocks(log, 5), frame)
        assert len(read(b"\xff\xfea")) == 1

    def test_latin1_says_so(self):
        """A line that is no UTF-8 is read as Latin-1; the others are not touched."""
        frame = read(
            "<134>name=Müller state=up\n".encode("latin-1")
            + "<134>name=Müller state=up\n".encode()
        )
        assert frame["registration_name"].tolist() == ["Müller", "Müller"]
        assert "not UTF-8 at byte 11: read as Latin-1" in frame["parse_error"][0]
        assert pd.isna(frame["parse_error"][1])

    def test_nul_characters_are_named(self):
        """They stay in the raw line."""
        frame = read(b"<134>state=up\x00 name=a\n")
        assert "NUL" in frame["parse_error"][0]
        assert frame["raw"][0] == "<134>state=up\x00 name=a"

    def test_byte_order_mark_and_crlf(self):
        """Neither becomes part of a value."""
        frame = read(b"\xef\xbb\xbftime,state\r\n1700000000,up\r\n\r\n")
        assert frame["state"].tolist()[0] == "up"
        assert frame["raw"].tolist() == ["1700000000,up", ""]

    @pytest.mark.parametrize(
        "time",
        [
            "-5",
            "-0001-01-01",
            "10000-01-01",
            "99999999999999999999",
            "2026-02-30T00:00:00Z",
        ],
    )
    def test_times_that_nothing_can_show(self, time):
        """They are none, and the frame can be looked at."""
        frame = read(f"time,state\n1700000000,up\n{time},up\n")
        assert frame["time"].isna().tolist() == [False, True]
        assert "time cannot be read" in frame["parse_error"][1]
        assert "2023-11-14" in str(frame)

    def test_a_field_with_ten_thousand_digits(self):
        """It is no time, and no number is made of it."""
        frame = read("time,state\n" + "9" * 10_000 + ",up\n")
        assert "time cannot be read" in frame["parse_error"][0]

    @pytest.mark.exhaustive
    def test_a_hundred_megabytes_in_one_line(self, tmp_path):
        """Memory stays at a few blocks."""
        path = tmp_path / "long.log"
        with path.open("wb") as file:
            file.write(b"<134>state=up name=a\n")
            for _ in range(100):
                file.write(b"x" * (1 << 20))
            file.write(b"\n<134>state=up name=b\n")
        before = pa.total_allocated_bytes()
        frame = read(path)
        assert frame["registration_name"].tolist()[::2] == ["a", "b"]
        assert "104857600 bytes" in frame["parse_error"][1]
        assert pa.total_allocated_bytes() - before < 1 << 20


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    """Return the registrations of a simulated fleet, in the spelling that readers give."""
    return simulate(60, seed=5).registrations


KEPT_BY = {
    "csv": set(read("time,state\n").columns) - {"source", "line", "raw", "matched_by",
    "time_by", "parse_error"},
    "message": {
        "time", "serial", "registration_name", "interface", "protocol", "authentication",
        "remote_address", "via_reverse_proxy", "state", "reason", "fingerprint", "pbx",
    },
    "events": {"time", "clock_unset", "serial", "protocol", "code", "severity"},
}  # fmt: skip


@pytest.mark.parametrize(
    "form", ["csv", "json", "log", "query", "rfc3164", "rfc5424", "journal", "events"]
)
def test_what_is_written_is_read(form, simulated, tmp_path):
    """A simulated fleet's log comes back from every format with all that the format carries."""
    path = tmp_path / "log"
    path.write_text("\n".join(written(simulated, form)) + "\n", encoding="utf-8")
    frame = read(path)
    kept = KEPT_BY[
        "csv"
        if form in ("csv", "json")
        else "events"
        if form == "events"
        else "message"
    ]
    # What says nothing of a registration is no message for the patterns, and no alarm.
    telling = simulated[["state", "reason", "registration_name"]].notna().any(axis=1)
    rows = np.flatnonzero(telling | (form in ("csv", "json")))
    if form == "events":
        rows = np.flatnonzero(simulated["state"].notna() & simulated["code"].notna())
        assert (frame["state"].iloc[rows].astype("str") == "up").tolist() == (
            simulated["state"].iloc[rows].astype("str") == "up"
        ).tolist()
    assert len(frame) == len(simulated)
    assert frame["parse_error"].isna().all()
    for name in kept & set(simulated):
        expected = [
            None if pd.isna(cell) else cell
            for cell in simulated[name].astype(object).iloc[rows]
        ]
        actual = [
            None if pd.isna(cell) else cell
            for cell in frame[name].astype(object).iloc[rows]
        ]
        assert actual == expected, name
