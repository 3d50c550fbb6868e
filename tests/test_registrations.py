"""Reading registration logs: what the documentation of each format says comes out, and no line
is lost.
"""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from certtrust import schema
from certtrust.errors import SourceError
from certtrust.registrations import batches, read_registrations, to_parquet
from certtrust.table_files import write_csv, write_parquet

# Records in the shape of the documented event interface, as strict JSON, with values of our own.
ALARM = (
    '{"mt":"AddAlarm","type":"alarm","severity":1,"active":true,"code":"0x00010002","date":"1700000000",'
    '"host":"IP222-2f-68-8a","serial":"0090332f688a","source":"RELAY/RECH",'
    '"text":"Registration down",'
    '"xsl":"fault_relay.xsl","details":"<relay prot=\\"SH323\\"/>"}'
)
CLEAR = (
    ALARM.replace('"alarm"', '"clear"')
    .replace("true", "false")
    .replace("1700000000", "1700000060")
)
EVENT = (
    '{"mt":"AddEvent","type":"error","severity":2,"code":"0x0011005b","date":"1700000001",'
    '"host":"IP811-00-00-01","source":"IP","text":"No route to destination","details":"<route '
    'prot=\\"TCP\\"/>"}'
)
LOG = (
    '{"mt":"AddLog","time":"1700000002","date":"20231114-221322",'
    '"from":"IP811-00-00-01","msg":"state=up name=a"}'
)


def told(frame: pd.DataFrame, row: int = 0) -> dict[str, object]:
    """Return the cells of a row that are not missing, without those that every row has."""
    cells = frame.drop(columns=["source", "line", "raw"]).astype(object).iloc[row]
    return {str(name): cell for name, cell in cells.items() if not pd.isna(cell)}


class TestEvents:
    """AddEvent, AddAlarm and AddLog."""

    def test_a_set_alarm_says_that_the_registration_is_down(self):
        """Every documented field goes to its column."""
        assert told(read_registrations(ALARM)) == {
            "time": pd.Timestamp("2023-11-14 22:13:20", tz="UTC"),
            "clock_unset": False,
            "serial": "0090332f688a",
            "hardware_id": "IP222-2f-68-8a",
            "protocol": "H.323/TLS",
            "state": "down",
            "code": "0x00010002",
            "severity": "indeterminate",
            "module": "RELAY/RECH",
            "details": '<relay prot="SH323"/>',
            "matched_by": "alarm",
            "time_by": "line",
        }

    def test_its_clear_says_that_it_is_up(self):
        """A clear is told by its type, or by an alarm that is not active."""
        inactive = ALARM.replace("true", "false")
        frame = read_registrations(f"{CLEAR}\n{inactive}\n")
        assert frame["state"].tolist() == ["up", "up"]
        assert frame["matched_by"].tolist() == ["clear", "clear"]

    def test_other_codes_say_nothing_of_a_registration(self):
        """An event about a route has no state, whatever its protocol."""
        cells = told(read_registrations(EVENT))
        assert cells["severity"] == "major"
        assert cells["code"] == "0x0011005b"
        assert not {"state", "protocol", "registration_name"} & set(cells)

    def test_a_comment_of_timeout_is_a_timeout_and_the_address_of_record_a_name(self):
        """The fields Protocol, AOR and Comment are read from the details."""
        details = r"<relay prot=\"SIP\" aor=\"&lt;sip:a@x&gt;\" comment=\"Timeout\"/>"
        cells = told(
            read_registrations(ALARM.replace(r"<relay prot=\"SH323\"/>", details))
        )
        assert (
            cells["state"],
            cells["protocol"],
            cells["registration_name"],
            cells["reason"],
        ) == (
            "timeout",
            "SIP",
            "a",
            "Timeout",
        )

    def test_a_log_record_is_searched_for_its_message(self):
        """AddLog has its seconds in time, not in date, and a message."""
        cells = told(read_registrations(LOG))
        assert cells["time"] == pd.Timestamp("2023-11-14 22:13:22", tz="UTC")
        assert (cells["state"], cells["registration_name"], cells["matched_by"]) == (
            "up",
            "a",
            "pairs",
        )

    @pytest.mark.parametrize("stamp", ['"0"', "0", '"19700101-000005"', '"5"'])
    def test_time_zero_is_a_clock_that_was_not_set(self, stamp):
        """1970 is no date."""
        frame = read_registrations(LOG.replace('"1700000002"', stamp))
        assert frame["clock_unset"].tolist() == [True]
        assert frame["time"].isna().all()

    def test_unquoted_keys_are_named_as_the_problem(self):
        """An object literal of JavaScript, as documentation prints it, is no JSON."""
        frame = read_registrations('{ mt: "AddEvent", code: "0x00010002" }\n' + ALARM)
        assert "keys are not quoted" in frame["parse_error"][0]
        assert frame["raw"][0] == '{ mt: "AddEvent", code: "0x00010002" }'
        assert pd.isna(frame["parse_error"][1])

    def test_a_list_with_a_record_a_line(self):
        """The brackets keep their rows, and the commas do no harm."""
        frame = read_registrations(f"[\n{ALARM},\n{CLEAR}\n]\n".encode())
        assert frame["state"].astype(object).tolist()[1:3] == ["down", "up"]
        assert frame["parse_error"].notna().tolist() == [True, False, False, True]

    def test_a_serial_that_does_not_fit_the_hardware_id_is_kept(self):
        """Both stand as they are: the documentation's own sample does not fit."""
        cells = told(
            read_registrations(ALARM.replace("0090332f688a", "009033000000"))
        )
        assert (cells["serial"], cells["hardware_id"]) == (
            "009033000000",
            "IP222-2f-68-8a",
        )

    def test_numbers_and_texts_may_stand_for_one_another(self):
        """A severity as text and a date as number read the same."""
        other = ALARM.replace('"severity":1', '"severity":"1"').replace(
            '"1700000000"', "1700000000"
        )
        frame = read_registrations(f"{ALARM}\n{other}\n{ALARM}\n")
        assert len(frame.drop(columns=["line", "raw"]).drop_duplicates()) == 1

    def test_a_record_of_an_unknown_kind_is_named(self):
        """It keeps its row."""
        assert (
            "mt is none of" in read_registrations('{"mt":"AddTea"}')["parse_error"][0]
        )


class TestQueryStrings:
    """The HTTP log message."""

    def test_the_documented_message(self):
        """Time, sender and message are read; the module is the first word of the message's
        documented shape.
        """
        line = (
            "event=syslog&time=1214319593&date=20080624-145953&from=IP24-1d-00-8d"
            "&msg=LOG_HTTP 3 TCP-Up 192.0.2.1:7"
        )
        cells = told(read_registrations(line.encode()))
        assert cells == {
            "time": pd.Timestamp("2008-06-24 14:59:53", tz="UTC"),
            "clock_unset": False,
            "hardware_id": "IP24-1d-00-8d",
            "module": "LOG_HTTP",
            "details": "LOG_HTTP 3 TCP-Up 192.0.2.1:7",
            "time_by": "line",
        }

    @pytest.mark.parametrize(
        "form",
        [
            "{}",
            "?{}",
            '192.0.2.9 - - [02/Mar/2026:10:11:25 +0000] "GET /log?{} HTTP/1.1" 200 2 "-" "agent"',
            "GET /log?{} HTTP/1.1",
            "2026-03-02 10:11:25 192.0.2.1 GET /log {} 80 - 192.0.2.9 agent 200 0",
        ],
    )
    def test_bare_with_a_question_mark_or_in_an_access_log(self, form):
        """The same query string gives the same row wherever it stands."""
        query = (
            "event=syslog&time=1700000000&from=IP24-1d-00-8d"
            "&msg=state%3Dup+name%3Da%2Bb%2520%C3%A4"
        )
        frame = read_registrations(
            (form.format(query) + "\n").encode(), format="query"
        )
        assert told(frame)["registration_name"] == "a+b%20ä"
        assert told(frame)["state"] == "up"

    def test_the_first_line_may_be_another_request(self):
        """A file is recognised by any of its first lines; other requests keep their rows."""
        log = (
            '1.2.3.4 - - [x] "GET / HTTP/1.1" 200 2\n'
            '1.2.3.4 - - [x] "GET /?event=syslog&time=0&msg=a HTTP/1.1" 200 2\n'
        )
        frame = read_registrations(log)
        assert "event=syslog is missing" in frame["parse_error"][0]
        assert frame["clock_unset"][1] is True or frame["clock_unset"][1]


class TestSyslog:
    """Lines as collectors write them."""

    STAMPS = (
        "<134>1 2026-03-02T10:11:25Z {host} - - - - {text}",
        '<134>1 2026-03-02T11:11:25+01:00 {host} app 12 id [a@1 b="]\\" c"][d] {text}',
        "1 2026-03-02T10:11:25.000000Z {host} - - - - \ufeff{text}",
        "<134>Mar  2 10:11:25 {host} {text}",
        "Mar  2 10:11:25 {host} app[12]: {text}",
        "2026-03-02T10:11:25+00:00 {host} app: {text}",
        "<134>2026-03-02T10:11:25Z {host} {text}",
    )

    @pytest.mark.parametrize("layout", STAMPS)
    def test_every_layout_gives_the_same(self, layout, tmp_path):
        """Time in UTC, the device and its message."""
        path = tmp_path / "log"
        path.write_text(
            layout.format(
                host="IP222-2f-68-8a", text="state=rejected reason=securityDenial"
            )
            + "\n"
        )
        os.utime(path, (1772500000, 1772500000))
        cells = told(read_registrations(path))
        assert cells["time"] == pd.Timestamp("2026-03-02 10:11:25", tz="UTC")
        assert cells["hardware_id"] == "IP222-2f-68-8a"
        assert "details" not in cells
        assert (cells["state"], cells["reason"]) == ("rejected", "securityDenial")
        assert "parse_error" not in cells

    @pytest.mark.parametrize("layout", STAMPS)
    def test_a_message_that_no_pattern_matches_is_kept(self, layout):
        """Without its tag and the mark of its encoding; one that is taken apart stands in the
        raw line only.
        """
        assert read_registrations(layout.format(host="h", text="link 1 up").encode())[
            "details"
        ].tolist() == ["link 1 up"]

    @pytest.mark.parametrize(
        ("stamp", "time"),
        [
            ("Mar  2 10:00:00", "2026-03-02 10:00"),
            (
                "Mar  4 00:00:00",
                "2026-03-04 00:00",
            ),  # within the day that clocks may differ
            ("Mar  5 00:00:00", "2025-03-05 00:00"),
            ("Dec 31 23:59:59", "2025-12-31 23:59:59"),
            ("Feb 29 12:00:00", "2024-02-29 12:00"),
        ],
    )
    def test_the_year_comes_from_the_file(self, stamp, time, tmp_path):
        """It is the latest year in which the line is not after the file's date, and the row
        says so.
        """
        path = tmp_path / "old.log"
        path.write_text(f"<134>{stamp} host text\n")
        moment = pd.Timestamp("2026-03-03 06:00", tz="UTC").timestamp()
        os.utime(path, (moment, moment))
        frame = read_registrations(path)
        assert frame["time"][0] == pd.Timestamp(time, tz="UTC")
        assert frame["time_by"].tolist() == ["file as UTC"]

    @pytest.mark.parametrize(
        "stamp",
        ["Feb 30 10:00:00", "Mar  0 10:00:00", "Mar  2 25:00:00", "Mar  2 10:61:00"],
    )
    def test_a_date_that_does_not_exist_has_its_reason(self, stamp, tmp_path):
        """The rest of the line is read."""
        path = tmp_path / "old.log"
        path.write_text(f"<134>{stamp} host state=up\n")
        cells = told(read_registrations(path))
        assert (cells["parse_error"], cells["state"]) == (
            "the time cannot be read",
            "up",
        )

    def test_without_a_file_there_is_no_year(self):
        """Bytes have no date, so that the time is missing, with the reason."""
        frame = read_registrations(b"<134>Mar  2 10:11:25 host text\n")
        assert frame["time"].isna().all()
        assert "no year" in frame["parse_error"][0]

    def test_a_message_about_another_device_is_not_the_senders(self):
        """A PBX that logs a phone's registration is not taken for the phone."""
        line = "<134>1 2026-03-02T10:11:25Z IP0011-42-04-a7 - - - - state=up serial=0090332f688a"
        cells = told(read_registrations(line.encode()))
        assert cells["serial"] == "0090332f688a"
        assert "hardware_id" not in cells

    def test_severity_says_nothing(self):
        """PRI is not read: the devices' severity is always the same."""
        frame = read_registrations(b"<134>state=up name=a\n<131>state=up name=a\n")
        assert frame["severity"].isna().all()
        assert frame["state"].tolist() == ["up", "up"]

    def test_any_other_line_is_a_message_with_a_reason(self):
        """Text of no layout is kept whole."""
        frame = read_registrations(b"what is this\n")
        assert frame["details"].tolist() == ["what is this"]
        assert "no layout" in frame["parse_error"][0]


class TestJournal:
    """The journal's JSON export."""

    def test_time_in_microseconds_and_message(self):
        """The journal's own stamp counts, in microseconds since 1970."""
        line = (
            '{"__REALTIME_TIMESTAMP":"1700000000123456","_HOSTNAME":"IP24-1d-00-8d",'
            '"MESSAGE":"state=up name=a"}'
        )
        cells = told(read_registrations(line))
        assert cells["time"] == pd.Timestamp("2023-11-14 22:13:20.123456", tz="UTC")
        assert (cells["hardware_id"], cells["state"]) == ("IP24-1d-00-8d", "up")

    def test_a_message_of_bytes_is_no_failure(self):
        """The journal writes what is no text as a list of numbers."""
        frame = read_registrations(
            '{"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":[110,97,109,101,32,255]}'
        )
        assert frame["details"].tolist() == ["name \ufffd"]


class TestOwnFormats:
    """The package's own CSV, JSON lines and Parquet."""

    CSV = (
        "state;time;serial;hardware_id;via_reverse_proxy;extra;reason\n"
        'rejected;1700000000;00-90-33-2F-68-8A;;yes;x;"TLS alert 48"\n'
        "up;2023-11-14T22:13:20+00:00;;ip222-2F-68-8A;false;x;\n"
        "unauthorized;0;0090332f688a;;;x;401\n"
    )

    def test_any_separator_order_and_subset(self):
        """Columns are known by name; one of another name is passed over."""
        frame = read_registrations(self.CSV)
        assert frame["line"].tolist() == [2, 3, 4]
        assert frame["state"].tolist() == ["rejected", "up", "unauthorized"]
        assert frame["serial"].tolist()[::2] == ["0090332f688a"] * 2
        assert frame["hardware_id"][1] == "IP222-2f-68-8a"
        assert frame["via_reverse_proxy"].tolist() == [True, False, pd.NA]
        assert frame["reason"].tolist()[::2] == ["unknown_ca", "SIP 401 Unauthorized"]
        assert frame["time"][0] == frame["time"][1]
        assert frame["clock_unset"].tolist() == [False, False, True]
        assert frame["parse_error"].isna().all()

    def test_a_torn_line_spoils_no_other(self):
        """A quote that is not closed ends with its line; the wrong number of fields is a reason."""
        frame = read_registrations(
            'time,state,serial\n1700000000,"up,0090332f688a\n\n1,2\n1700000000,up,0090332f688a\n'
        )
        assert frame["line"].tolist() == [2, 3, 4, 5]
        assert frame["state"].isna().tolist() == [True, True, True, False]
        assert [str(error)[:8] for error in frame["parse_error"]] == [
            "not CSV:",
            "blank li",
            "2 fields",
            "nan",
        ]

    def test_a_carriage_return_inside_of_a_line_is_named(self):
        """It neither ends the line nor makes two records of it."""
        frame = read_registrations(
            b"time,state,serial\n1,up\r2,down\n1700000000,up,\r\n"
        )
        assert frame["parse_error"].notna().tolist() == [True, False]
        assert frame["line"].tolist() == [2, 3]

    def test_a_header_of_unknown_names_is_named(self):
        """Where CSV is asked for, but the columns are others."""
        assert (
            "header names no column"
            in read_registrations("a,b\n1,2\n", format="csv")["parse_error"][0]
        )

    def test_words_that_are_none_are_named(self):
        """A state, flag or serial that cannot be one is missing, with its reason."""
        frame = read_registrations(
            "state,serial,via_reverse_proxy,time\nsleeping,12,maybe,soon\n"
        )
        assert (
            frame[["state", "serial", "via_reverse_proxy", "time"]]
            .isna()
            .all(axis=None)
        )
        for said in (
            "state is none",
            "serial is not",
            "neither true nor false",
            "time cannot be read",
        ):
            assert said in frame["parse_error"][0]

    def test_json_lines_of_the_same_columns(self):
        """An object a line, with the columns as keys."""
        frame = read_registrations(
            '{"time":1700000000,"state":"up","registration_name":"009033010203-TEL1"}\n{"x":1}\n'
        )
        assert told(frame) == {
            "time": pd.Timestamp("2023-11-14 22:13:20", tz="UTC"),
            "clock_unset": False,
            "serial": "009033010203",
            "registration_name": "009033010203-TEL1",
            "interface": "TEL1",
            "state": "up",
            "matched_by": "record",
            "time_by": "line",
        }
        assert "without a key that is known" in frame["parse_error"][1]

    def test_parquet_of_the_package_reads_as_it_was(self, tmp_path):
        """Where it came from and what was wrong with it are kept."""
        log = f"{ALARM}\n{CLEAR}\n{{ torn\n{LOG}\n"
        assert to_parquet(log, tmp_path / "log.parquet") == 4
        pd.testing.assert_frame_equal(
            read_registrations(tmp_path / "log.parquet"),
            read_registrations(log),
            check_categorical=False,
        )

    def test_parquet_from_elsewhere(self, tmp_path):
        """Columns of any suitable type are taken; the rows are numbered."""
        made = pd.DataFrame(
            {
                "time": pd.to_datetime(
                    ["2026-03-02 10:00+01:00", "1970-01-01 00:00Z"], utc=True
                ),
                "serial": ["0090332F688A", None],
                "state": pd.Categorical(["up", "rejected"]),
                "code": [7, 8],
                "other": [1, 2],
            }
        )
        made.to_parquet(tmp_path / "other.parquet")
        frame = read_registrations(tmp_path / "other.parquet")
        assert frame["line"].tolist() == [1, 2]
        assert frame["code"].tolist() == ["7", "8"]
        assert frame["clock_unset"].tolist() == [False, True]
        assert frame["serial"].tolist()[0] == "0090332f688a"
        assert frame["state"].tolist() == ["up", "rejected"]

    def test_a_broken_parquet_file_is_a_row(self):
        """It has nothing to count but itself."""
        frame = read_registrations([b"PAR1 and no more", b"time,state\n1,up\n"])
        assert len(frame) == 2
        assert "Parquet" in frame["parse_error"][0]


class TestPhoneTable:
    """The table of registrations that a phone shows."""

    @pytest.mark.parametrize("separator", ["\t", ";", ",", "|", "   "])
    def test_states_names_and_the_gatekeeper(self, separator, tmp_path):
        """Whatever parts the columns; the phone is known from the file's name."""
        names = (
            "ID",
            "State",
            "Number",
            "Name",
            "Gatekeeper Address",
            "Gatekeeper Identifier",
            "Protocol",
            "Active",
        )
        rows = (("1", "up", "201", "0090332f688a", "192.0.2.1", "hq", "H.323", "yes"),
                ("2", "unauthorized", "202", "fax", "192.0.2.1", "hq", "SIP", "no"))  # fmt: skip
        text = "\n".join(separator.join(row) for row in (names, *rows)) + "\n"
        (tmp_path / "0090332F688A.txt").write_text(text)
        frame = read_registrations(tmp_path)
        assert frame["state"].tolist() == ["up", "unauthorized"]
        assert frame["registration_name"].tolist() == ["0090332f688a", "fax"]
        assert frame["pbx"].tolist() == ["hq", "hq"]
        assert frame["serial"].tolist() == ["0090332f688a"] * 2
        assert frame["time"].isna().all()
        assert frame["line"].tolist() == [2, 3]

    def test_a_row_of_another_size_keeps_its_line(self):
        """Cells that cannot be told apart are not guessed."""
        frame = read_registrations(
            "ID;State;Protocol\n1;up\n\n2;timeout;SIP\n", format="table"
        )
        assert frame["state"].isna().tolist() == [True, True, False]
        assert frame["parse_error"].isna().tolist() == [False, False, True]


class TestSources:
    """Any input, any mixture."""

    def test_a_mixed_directory(self, tmp_path):
        """Formats are told apart file by file, in archives and under gzip too."""
        (tmp_path / "events.jsonl").write_text(ALARM + "\n")
        (tmp_path / "log.csv").write_text(
            "time,state,serial\n1700000000,up,0090332f688a\n"
        )
        (tmp_path / "messages.1.gz").write_bytes(
            gzip.compress(b"<134>state=up name=a\n")
        )
        with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
            archive.writestr("query.log", "event=syslog&time=1700000000&msg=a\n")
        with tarfile.open(tmp_path / "rest.tgz", "w:gz") as archive:
            member = tarfile.TarInfo("journal.json")
            data = b'{"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":"state=up name=a"}\n'
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        (tmp_path / "nothing.log").write_bytes(b"")
        frame = read_registrations(tmp_path)
        assert frame["source"].tolist() == [
            "events.jsonl",
            "log.csv",
            "messages.1.gz",
            "more.zip/query.log",
            "rest.tgz/journal.json",
        ]
        assert frame["parse_error"].isna().all()
        assert frame["matched_by"].tolist()[:3] == ["alarm", "record", "pairs"]

    def test_files_and_content_in_every_shape(self, tmp_path):
        """A path, bytes, an open file and the text itself give the same rows."""
        path = tmp_path / "events.jsonl"
        path.write_text(ALARM + "\n" + CLEAR + "\n")
        with path.open("rb") as stream:
            shapes = [
                path,
                str(path),
                path.read_bytes(),
                stream,
                path.read_text(),
                [path],
            ]
            frames = [
                read_registrations(shape).drop(columns="source") for shape in shapes
            ]
        for frame in frames[1:]:
            pd.testing.assert_frame_equal(frame, frames[0])

    def test_a_damaged_archive_is_a_row(self, tmp_path):
        """What was read before stays."""
        whole = gzip.compress(
            b"<134>1 2026-03-02T10:11:25Z h - - - - text number %d\n" * 5000
        )
        (tmp_path / "log.gz").write_bytes(whole[:-20])
        frame = read_registrations(tmp_path)
        assert "reading stopped" in frame["parse_error"].iloc[-1]

    def test_a_format_may_be_given(self):
        """Then nothing is sniffed, and a wrong one shows in the rows."""
        frame = read_registrations(b"<134>state=up name=a\n", format="json")
        assert "not JSON" in frame["parse_error"][0]

    @pytest.mark.parametrize("options", [{"format": "tea"}, {"workers": 0}])
    def test_a_callers_mistake_raises(self, options):
        """The message names what is possible."""
        with pytest.raises(SourceError, match=r"formats are wire, json|1 or more"):
            read_registrations(b"", **options)

    def test_nothing_gives_an_empty_table(self):
        """With all columns in their types."""
        frame = read_registrations(b"")
        pd.testing.assert_frame_equal(
            frame, schema.empty(schema.REGISTRATIONS), check_categorical=False
        )
        assert len(frame) == 0

    def test_batches_are_the_table_in_parts(self, tmp_path):
        """Together they have the rows of the whole."""
        paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
        for path in paths:
            path.write_text(f"{ALARM}\n{CLEAR}\n")
        parts = list(batches(paths))
        whole = read_registrations(paths)
        assert len(parts) == 2
        assert (
            pd.concat(part["raw"] for part in parts).tolist() == whole["raw"].tolist()
        )


def test_the_frame_is_of_the_table():
    """Columns, order and types are those of the schema, whatever the format."""
    expected = schema.empty(schema.REGISTRATIONS)
    for log in (
        ALARM,
        "time,state\n1,up\n",
        b"<134>x\n",
        b"event=syslog&time=1&msg=x\n",
    ):
        frame = read_registrations(log)
        assert list(frame) == list(expected)
        kinds = [
            (str(a), str(b))
            for a, b in zip(frame.dtypes, expected.dtypes, strict=True)
        ]
        assert all(a == b for a, b in kinds), kinds


def test_a_progress_bar_appears_when_asked_for(capsys):
    """Short work is quiet by itself."""
    read_registrations(ALARM)
    assert capsys.readouterr().err == ""
    read_registrations(ALARM, progress=True)
    assert "lines" in capsys.readouterr().err


SAMPLES = Path(__file__).parent / "samples" / "registrations"
SAME = [
    "serial",
    "registration_name",
    "protocol",
    "state",
    "reason",
    "remote_address",
    "fingerprint",
    "pbx",
]


class TestSamples:
    """The documented samples, one per format."""

    @pytest.mark.parametrize(
        "path", sorted(SAMPLES.glob("*.[!m]*")), ids=lambda path: path.name
    )
    def test_every_line_of_a_sample_is_read(self, path):
        """Rows out are lines in, without a problem, and something is told of every line but
        events of other codes.
        """
        frame = read_registrations(path)
        headers = path.suffix in (".csv", ".tsv")
        assert len(frame) == len(path.read_text().splitlines()) - headers
        assert frame["parse_error"].isna().all()
        assert frame["matched_by"].notna().all()

    def test_samples_of_one_log_tell_the_same(self):
        """The same registrations in several formats."""
        expected = read_registrations(SAMPLES / "own.csv")[SAME]
        for name in (
            "own.jsonl",
            "log-records.jsonl",
            "http-log.txt",
            "access.log",
            "rfc5424.log",
            "journal.jsonl",
        ):
            found = read_registrations(SAMPLES / name)[SAME]
            pd.testing.assert_frame_equal(
                found, expected, check_categorical=False, obj=name
            )

    def test_the_directory_of_samples(self):
        """All formats side by side."""
        frame = read_registrations(SAMPLES)
        assert frame["source"].nunique() == len(list(SAMPLES.iterdir())) - 1


def test_a_list_of_objects_over_several_lines():
    """The list's own marks may stand in lines of their own or beside the objects."""
    one, other = (
        '{"time":"1700000000","state":"up"}',
        '{"time":"1700000060","state":"timeout"}',
    )
    for log in (f"[{one},\n{other}]\n", f"{one},\n{other}\n"):
        frame = read_registrations(log)
        assert frame["state"].tolist() == ["up", "timeout"]
        assert frame["parse_error"].isna().all()
    framed = read_registrations(f"[\n{one},\n{other}\n]\n")
    assert framed["state"].astype(object).tolist()[1:3] == ["up", "timeout"]


def test_a_journal_field_that_was_given_twice():
    """Its texts are one message."""
    frame = read_registrations(
        '{"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":["state=up name=a","again"]}\n'
    )
    assert frame["registration_name"].tolist() == ["a"]
    assert frame["parse_error"].isna().all()


@pytest.mark.parametrize(
    "text",
    [
        "event=syslog&time=1700000000&from=IP1-2f-68-8a&msg=a",
        "?event=syslog&time=1&msg=a",
    ],
)
def test_one_log_message_as_text_is_no_path(text):
    """Although it has no line end."""
    assert read_registrations(text)["details"].tolist() == ["a"]


def test_categories_are_those_that_occur():
    """In the order in which they do."""
    frame = read_registrations(
        "<134>1 2026-03-02T10:11:25Z h a - - - state=up name=a\n<134>link 1\n<134>state=down "
        "name=b\n"
    )
    assert {
        name: list(frame[name].cat.categories)
        for name in ("matched_by", "time_by", "state", "protocol")
    } == {
        "matched_by": ["pairs"],
        "time_by": ["line"],
        "state": ["up", "down"],
        "protocol": [],
    }


class TestOwnTable:
    """REGISTRATIONS as it was written, in Parquet and in CSV."""

    LOGS = (
        b'{"mt":"AddAlarm","type":"alarm","active":true,"code":"0x00010002","date":"0","host":"IP1-2f-68-8a"}\n{"x',
        b"<134>1 2026-03-02T10:11:25.000001Z IP1-2f-68-8a app - - - state=rejected reason=48 "
        b"name=a\xff\n\n<1\n",
        b"time,state,serial\n1700000000,up,0090332f688a\n1,2\n",
    )

    @pytest.mark.parametrize("holes", [False, True])
    def test_it_is_read_as_it_was(self, tmp_path, holes):
        """Sources, lines, reasons and holes included: nothing is completed that was missing."""
        table = read_registrations(list(self.LOGS))
        assert table["parse_error"].notna().any()
        if holes:
            for name in (
                "serial",
                "state",
                "matched_by",
                "line",
                "clock_unset",
                "time",
                "parse_error",
            ):
                table.loc[::2, name] = None
            table.loc[1, "details"] = 'two\r\nlines, "and" more'
        write_parquet(table, schema.REGISTRATIONS, tmp_path / "a.parquet")
        write_csv(table, schema.REGISTRATIONS, tmp_path / "b.csv")
        table.to_parquet(tmp_path / "c.parquet")
        table.to_csv(tmp_path / "d.csv", index=False)
        # What pandas wrote may as well be a form that somebody filled in: there, holes are
        # completed.
        for name in (
            "a.parquet",
            "b.csv",
            *(() if holes else ("c.parquet", "d.csv")),
        ):
            again = read_registrations(tmp_path / name)
            if name == "d.csv":  # in which an empty line and a missing one look alike
                again["raw"] = again["raw"].fillna("")
            pd.testing.assert_frame_equal(
                again, table, check_categorical=False, obj=name
            )

    def test_a_table_with_torn_lines_is_read_line_by_line(self, tmp_path):
        """What cannot be read says so."""
        table = read_registrations(self.LOGS[2])
        write_csv(table, schema.REGISTRATIONS, tmp_path / "torn.csv")
        with (tmp_path / "torn.csv").open("a") as file:
            file.write("torn,line\n")
        frame = read_registrations(tmp_path / "torn.csv")
        assert frame["state"].tolist()[0] == "up"
        assert "fields where the header has" in frame["parse_error"].iloc[-1]

    def test_it_stays_what_it_was_however_often_it_is_written(self, tmp_path):
        """Also by the writer of large logs."""
        first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
        assert to_parquet(list(self.LOGS), first) == to_parquet(first, second) == 7
        again = read_registrations(second)
        pd.testing.assert_frame_equal(
            again, read_registrations(list(self.LOGS)), check_categorical=False
        )


@pytest.mark.parametrize(
    "about",
    [
        b"{",
        b"[]",
        b'{"table": "REGISTRATIONS"}',
        b'{"table": "REGISTRATIONS", "categories": 1}',
    ],
)
def test_a_parquet_file_that_claims_to_be_written_here(about):
    """Its columns are of other types, or their values of none that fits."""
    for states, time in ((["up", None], "2026-03-02"), ([1, 2], "never")):
        table = pa.table(
            {
                "state": states,
                "time": [time] * 2,
                "raw": pa.array(["ä", "x"], pa.string()),
            }
        )
        table = table.append_column(
            "details", pa.array(["other", "text"], pa.string())
        )
        file = io.BytesIO()
        pq.write_table(table.replace_schema_metadata({b"certtrust": about}), file)
        frame = read_registrations(file.getvalue())
        assert frame["raw"].dropna().tolist() in (["ä", "x"], [])
        assert frame["details"].dropna().tolist() in (["other", "text"], [])
        assert frame["raw"].notna().all() or "Parquet" in frame["parse_error"][0]


class TestTimesThatAreNone:
    """Times that nothing can show, and the zero times of clocks that were not set."""

    @pytest.mark.parametrize(
        "time",
        ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "0000-06-01 12:00:00"],
    )
    @pytest.mark.parametrize("others", [[], ["2026-03-02T10:11:25Z"], ["soon"]])
    def test_no_time_and_a_reason(self, time, others):
        """Whatever stands beside them, and the frame can be looked at and written."""
        frame = read_registrations(
            "\n".join(
                ["time,state", f"{time},up", *(f"{other},up" for other in others)]
            )
        )
        assert pd.isna(frame["time"][0])
        assert not frame["clock_unset"].fillna(False)[0]
        assert "time cannot be read" in frame["parse_error"][0]
        assert "up" in frame.to_csv()
        assert "NaT" in repr(frame)

    @pytest.mark.parametrize(
        "time",
        [
            "1970-01-01T00:00:00+01:00",
            "1970-01-01T00:00:00+14:00",
            "1970-06-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "0001-01-01 00:00:00",
            "0",
        ],
    )
    @pytest.mark.parametrize("others", [[], ["2026-03-02T10:11:25Z"], ["soon"]])
    def test_the_clock_was_not_set(self, time, others):
        """Midnight of 1970 east of Greenwich, and the zero time of Go and .NET."""
        frame = read_registrations(
            "\n".join(
                ["time,state", f"{time},up", *(f"{other},up" for other in others)]
            )
        )
        assert pd.isna(frame["time"][0])
        assert frame["clock_unset"][0]
        assert pd.isna(frame["parse_error"][0])

    def test_so_in_parquet(self, tmp_path):
        """Where times are numbers of another unit and range."""
        times = np.array(
            [
                "0000-06-01",
                "0001-01-01",
                "1969-12-31T23:00",
                "2026-03-02",
                "12000-01-01",
            ],
            "M8[s]",
        )
        pq.write_table(
            pa.table({"time": times, "state": ["up"] * 5}), tmp_path / "times.parquet"
        )
        frame = read_registrations(tmp_path / "times.parquet")
        assert frame["time"].notna().tolist() == [False, False, False, True, False]
        assert frame["clock_unset"].fillna(False).tolist() == [
            False,
            True,
            True,
            False,
            False,
        ]
        assert frame["parse_error"].notna().tolist() == [
            True,
            False,
            False,
            False,
            True,
        ]
        assert "2026" in repr(frame)
