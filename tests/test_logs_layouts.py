"""Logs as people and collectors write them: layouts, envelopes, lists, and files that mix them.

All lines are made up. Names of collectors say whose layout a line has.
"""

import json
import os
from datetime import UTC, datetime

import pandas as pd
import pytest

from certtrust import read_registrations

MESSAGE = "registration state=up name=0090332f688a prot=H.323/TLS"
DEVICE = "IP222-2f-68-8a"
LINE = f"<134>Nov 30 10:00:00 2026 {DEVICE} RELAY: {MESSAGE}"
ALARM = {
    "mt": "AddAlarm",
    "type": "alarm",
    "code": "0x00010002",
    "date": "1796032800",
    "host": DEVICE,
    "serial": "0090332f688a",
    "text": "Registration down",
    "details": '<relay prot="SH323"/>',
}
RECORD = json.dumps(ALARM)
NOON = datetime(2026, 11, 30, 10, tzinfo=UTC)


def read(text, **options):
    """Read a log, and hold that whatever came out can be shown and written."""
    data = text if isinstance(text, bytes) else text.encode()
    frame = read_registrations(data, workers=1, progress=False, **options)
    assert len(frame.to_csv()) > 0
    assert repr(frame)
    return frame


def is_up(frame):
    """Return True where each row is the registration of the message."""
    return (
        (frame["state"] == "up").all()
        and (frame["registration_name"] == "0090332f688a").all()
        and (frame["protocol"] == "H.323/TLS").all()
        and frame["parse_error"].isna().all()
    )


class TestStampsBehindAPri:
    """Stamps that go on differently than RFC 3164 says."""

    @pytest.mark.parametrize(
        "stamp",
        [
            "Nov 30 10:00:00 2026",
            "Nov 30 2026 10:00:00",
            "Nov 30 2026 10:00:00:",
            "Nov 30 11:00:00 CET 2026",
            "Nov 30 2026 11:00:00 CET",
            "Nov 30 2026 10:00:00.000",
            "Mon Nov 30 10:00:00 2026",
            "2026 Nov 30 10:00:00",
            "2026-11-30 10:00:00",
            "2026-11-30 10:00:00.000",
            "2026-11-30 10:00:00,000",
            "2026-11-30 11:00:00 +0100",
            "2026-11-30T11:00:00,000+0100",
            "2026/11/30 10:00:00",
            "30.11.2026 10:00:00",
            "30 Nov 2026 10:00:00",
            "30/Nov/2026:11:00:00 +0100",
            "20261130T100000Z",
            "20261130-10:00:00:000",
        ],
    )
    @pytest.mark.parametrize("beginning", ["<134>", ""])
    def test_time_host_and_tag_are_read(self, stamp, beginning):
        """Whatever other collectors put there, with a PRI and without one."""
        frame = read(f"{beginning}{stamp} {DEVICE} RELAY: {MESSAGE}")
        assert frame["time"].tolist() == [pd.Timestamp(NOON)]
        assert frame["hardware_id"].tolist() == [DEVICE]
        assert frame["module"].tolist() == ["RELAY"]
        assert is_up(frame)

    def test_what_has_no_year_gets_it_from_the_file_or_a_reason(self, tmp_path):
        """Milliseconds do not make it another stamp."""
        line = f"<134>Nov 30 10:00:00.123 {DEVICE} RELAY: {MESSAGE}"
        frame = read(line)
        assert frame["time"].isna().all()
        assert "no year" in frame["parse_error"][0]
        path = tmp_path / "LOG0.0"
        path.write_text(line)
        os.utime(path, (NOON.timestamp(), NOON.timestamp()))
        frame = read_registrations(path)
        assert frame["time"][0] == pd.Timestamp(NOON) + pd.Timedelta(milliseconds=123)
        assert frame["time_by"].tolist() == ["file as UTC"]


class TestStampsOfPrograms:
    """Layouts of sixteen kinds of systems, as lines of our own."""

    @pytest.mark.parametrize(
        ("line", "time", "by"),
        [
            ("2026-11-30 10:00:00,978 INFO [main] a.b.C: started", "10:00:00.978", "line"),
            ("[Mon Nov 30 10:00:00 2026] [notice] ready", "10:00:00", "line"),
            ("20261130-10:00:00:606|Step|30002312|on", "10:00:00.606", "line"),
            ("20261130-10:0:0:6|Step|30002312|on", "10:00:00.6", "line"),
            ("261130 100000 148 INFO dfs.Node: received", "10:00:00", "sample: yymmdd hhmmss"),
            ("26/11/30 10:00:00 INFO executor: running", "10:00:00", "sample: yy/mm/dd hh:mm:ss"),
            ("2026-11-30 10:00:00, Info  CBS  Loaded", "10:00:00", "line"),
            ("2026-11-30 10:00:00,747 - INFO  [Peer] - x", "10:00:00.747", "line"),
            ("app.log.1 2026-11-30 10:00:00.008 25 INFO x", "10:00:00.008",
             "sample: yyyy-mm-dd hh:mm:ss"),
            ("- 1796032800 2026.11.30 R02 x", "10:00:00", "sample: seconds since 1970"),
            ("7 node-246 unix.hw change 1796032800 1 x", "10:00:00",
             "sample: seconds since 1970"),
        ],
    )  # fmt: skip
    def test_a_stamp_is_found_and_told(self, line, time, by):
        """At the beginning, behind a bracket, a counter or a host."""
        frame = read("\n".join([line] * 4))
        assert frame["time"].tolist() == [pd.Timestamp(f"2026-11-30T{time}Z")] * 4
        zone = "" if "1970" in by else " as UTC"
        assert set(frame["time_by"].astype(str)) == {by + zone}
        assert frame["state"].isna().all()

    @pytest.mark.parametrize(
        "line", ["11-30 10:00:00.811  1702 D Manager: x", "[11.30 10:00:00] x - y"]
    )
    def test_without_a_year(self, line):
        """The reason says what is missing."""
        frame = read("\n".join([line] * 4))
        assert frame["parse_error"].str.contains("no year").all()

    def test_day_and_month_are_told_apart_by_the_file(self):
        """One date that leaves no doubt is enough; without any there is a reason."""
        lines = "03/04/2026 10:00:00 x\n05/04/2026 10:00:00 x\n"
        assert read(lines)["parse_error"].str.contains("told apart").all()
        by_day = read(f"{lines}25/04/2026 10:00:00 x\n")
        assert by_day["time"].dt.month.tolist() == [4, 4, 4]
        by_month = read(f"{lines}04/25/2026 10:00:00 x\n")
        assert by_month["time"].dt.month.tolist() == [3, 5, 4]

    def test_numbers_that_only_few_lines_have_are_no_times(self):
        """A counter is none."""
        frame = read("id 1796032800 seen\nid a seen\nid b seen\nid c seen\n")
        assert frame["time"].isna().all()


class TestJsonInLines:
    """Records within lines, and lines within records."""

    @pytest.mark.parametrize(
        "line",
        [
            f"<134>Nov 30 10:00:00 IP0011-25-0d-3f RELAY: {RECORD}",
            f"<134>{RECORD}",
            f"<134>1 2026-11-30T10:00:00Z gateway RELAY - - - {RECORD}",
            f"2026-11-30 10:00:00 gateway {RECORD}",
        ],
    )
    def test_an_event_in_a_line_is_the_event(self, line):
        """Code, state, serial and protocol are those of the bare record, and so is the time."""
        frame, bare = read(line), read(RECORD)
        if not line.endswith(f"gateway {RECORD}"):
            names = [
                "time",
                "serial",
                "hardware_id",
                "protocol",
                "state",
                "code",
                "matched_by",
            ]
            assert frame[names].astype(str).equals(bare[names].astype(str))
            assert frame["parse_error"].isna().all()

    @pytest.mark.parametrize(
        "line",
        [
            f"<134>Nov 30 10:00:00 2026 {DEVICE} a: @cee: {RECORD}",
            f"<134>1 2026-11-30T10:00:00Z {DEVICE} a - - - {RECORD}#012",
            f"2026-11-30T10:00:00Z {RECORD}",
            f"Nov 30 10:00:00 {RECORD}",
        ],
        ids=["mark of CEE", "line end spelled out", "no host", "no host, no year"],
    )
    def test_what_stands_around_an_event(self, line):
        """Neither a mark nor a missing host hides it."""
        frame = read(line)
        assert frame["serial"].tolist() == ["0090332f688a"]
        assert frame["state"].tolist() == ["down"]
        assert frame["code"].tolist() == ["0x00010002"]

    @pytest.mark.parametrize("stamp", ["2026-11-30T10:00:00Z", "Nov 30 10:00:00"])
    def test_a_pair_behind_the_stamp_is_no_host(self, stamp):
        """It belongs to the message."""
        frame = read(f"{stamp} serial=0090332f688a state=rejected\n")
        assert frame["serial"].tolist() == ["0090332f688a"]
        assert frame["state"].tolist() == ["rejected"]

    def test_alarm_and_clear_are_told_apart(self):
        """Not by their sentence, which is the same."""
        clear = json.dumps({**ALARM, "type": "clear"})
        frame = read(f"<134>{RECORD}\n<134>{clear}\n")
        assert frame["state"].tolist() == ["down", "up"]
        assert frame["matched_by"].tolist() == ["alarm", "clear"]


ENVELOPES = {
    "GELF": json.dumps({"version": "1.1", "host": DEVICE, "short_message": MESSAGE,
                        "timestamp": 1796032800.0, "level": 6, "_x": "y"}),
    "Elastic": json.dumps({"@timestamp": "2026-11-30T10:00:00.000Z", "message": MESSAGE,
                           "host": {"name": DEVICE}, "agent": {"type": "filebeat"}}),
    "Elastic, a hit": json.dumps({"_index": "x", "_source": {
        "@timestamp": "2026-11-30T10:00:00Z", "message": MESSAGE,
        "host": {"hostname": DEVICE}}}),
    "Elastic, an answer": json.dumps({"took": 1, "hits": {"total": 1, "hits": [{
        "_index": "x", "_source": {"@timestamp": "2026-11-30T10:00:00Z",
                                   "message": MESSAGE, "host": {"name": DEVICE}}}]}}),
    "rsyslog": json.dumps({"timereported": "2026-11-30T11:00:00+01:00", "hostname": DEVICE,
                           "syslogtag": "RELAY:", "msg": f" {MESSAGE}"}),
    "syslog-ng": json.dumps({"PROGRAM": "RELAY", "MESSAGE": MESSAGE, "HOST": DEVICE,
                             "DATE": "Nov 30 11:00:00", "ISODATE": "2026-11-30T11:00:00+01:00"}),
    "fluentd": json.dumps({"time": "2026-11-30 11:00:00 +0100", "host": DEVICE,
                           "ident": "RELAY", "message": MESSAGE}),
    "fluentd, a file": "2026-11-30T11:00:00+01:00\tsyslog.local0\t"
                       + json.dumps({"host": DEVICE, "message": MESSAGE}),
    "Docker": json.dumps({"log": f"{LINE}\n", "stream": "stdout",
                          "time": "2026-11-30T10:00:00.000000000Z"}),
    "containerd": f"2026-11-30T10:00:00.000000000Z stdout F {LINE}",
    "Loki": json.dumps({"streams": [{"stream": {"host": DEVICE},
                                     "values": [["1796032800000000000", MESSAGE]]}]}),
    "Loki, an answer": json.dumps({"status": "success", "data": {
        "resultType": "streams", "result": [{"stream": {"host": DEVICE},
                                             "values": [["1796032800000000000", MESSAGE]]}]}}),
    "logcli": json.dumps({"labels": {"host": DEVICE}, "line": MESSAGE,
                          "timestamp": "2026-11-30T10:00:00Z"}),
    "Graylog, CSV": '"timestamp","source","message"\n'
                    f'"2026-11-30T10:00:00.000Z","{DEVICE}","{MESSAGE}"\n',
    "Splunk, CSV": '"_time",host,source,sourcetype,"_raw"\n'
                   f'"2026-11-30T11:00:00.000+0100",{DEVICE},"udp:514",syslog,"{LINE}"\n',
    "Splunk, JSON": json.dumps({"preview": False, "result": {
        "_time": "2026-11-30 11:00:00.000 CET", "host": DEVICE, "_raw": LINE}}),
    "Kiwi": f"2026-11-30 10:00:00\tLocal0.Info\t{DEVICE}\t{MESSAGE}",
    "a record in a record": json.dumps({"time": "2026-11-30T10:00:00Z", "log": json.dumps(
        {"@timestamp": "2026-11-30T10:00:00Z", "message": LINE})}),
}  # fmt: skip


class TestEnvelopes:
    """A collector's record is opened, and its message is read as any other."""

    @pytest.mark.parametrize("text", ENVELOPES.values(), ids=ENVELOPES)
    def test_time_host_and_message_are_read(self, text):
        """As if the line had stood there by itself."""
        frame = read(text)
        assert len(frame) == 1
        assert frame["time"].tolist() == [pd.Timestamp(NOON)]
        assert frame["hardware_id"].tolist() == [DEVICE]
        assert is_up(frame)
        assert frame["matched_by"].tolist() == ["pairs"]

    @pytest.mark.parametrize("text", ENVELOPES.values(), ids=ENVELOPES)
    def test_a_message_that_says_nothing_is_not_counted_as_read(self, text):
        """Coverage counts what was understood."""
        frame = read(text.replace(MESSAGE, "link is fine"))
        assert frame["state"].isna().all()
        assert frame["matched_by"].isna().all()

    @pytest.mark.parametrize(
        "event",
        [MESSAGE, {"name": "0090332f688a", "state": "up", "prot": "H.323/TLS"}],
        ids=["text", "record"],
    )
    @pytest.mark.parametrize("key", ["event", "payload"])
    def test_an_event_is_a_message_or_the_record_itself(self, key, event):
        """As Splunk's HTTP collector and queues of messages have them."""
        frame = read(json.dumps({"time": 1796032800.5, "host": "pbx", key: event}))
        assert frame["state"].tolist() == ["up"]
        assert frame["registration_name"].tolist() == ["0090332f688a"]

    def test_a_record_with_nothing_but_a_time_says_so(self):
        """It is not counted as read."""
        frame = read('{"time": "2026-11-30T10:00:00Z", "host": "a", "zzz": "up"}')
        assert "nothing but time and sender" in frame["parse_error"][0]

    def test_many_records_are_read_as_each(self):
        """At once, and with a bad one among them."""
        line = ENVELOPES["GELF"]
        frame = read("\n".join([line] * 300 + ["{torn", line]))
        assert (frame["state"] == "up").sum() == 301
        assert frame["parse_error"].notna().sum() == 1

    def test_the_zone_of_the_envelope_counts_where_the_line_has_none(self):
        """A stamp without a zone may be hours off."""
        inner = LINE.replace("10:00:00", "11:00:00")
        record = {"@timestamp": "2026-11-30T10:00:00Z", "message": inner}
        assert read(json.dumps(record))["time"].tolist() == [pd.Timestamp(NOON)]

    def test_a_clock_that_was_not_set_stays_so(self):
        """The time of the collector is not the device's."""
        query = "event=syslog&time=0&date=19700101-000000&from=IP24-1d-00-8d&msg=state%3Dup"
        frame = read(
            json.dumps({"@timestamp": "2026-11-30T10:00:00Z", "message": query})
        )
        assert frame["clock_unset"].tolist() == [True]
        assert frame["time"].isna().all()
        assert frame["hardware_id"].tolist() == ["IP24-1d-00-8d"]

    def test_envelopes_without_end_are_not_opened_without_end(self):
        """A bomb of records within records costs a bounded time."""
        message = MESSAGE
        for _ in range(12):
            message = json.dumps({"message": message, "time": "2026-11-30T10:00:00Z"})
        frame = read(message)
        assert len(frame) == 1
        assert frame["time"].tolist() == [pd.Timestamp(NOON)]


class TestMixedFiles:
    """The format is decided by most of a sample, and by the line where a file mixes them."""

    @pytest.mark.parametrize(
        "first", ["[starting]", "{begin", "[", "{", "[{", '{"a": 1}']
    )
    def test_an_odd_first_line_decides_nothing(self, first):
        """Above a syslog file."""
        frame = read("\n".join([first, *[LINE] * 3]))
        assert frame["line"].tolist() == [1, 2, 3, 4]
        assert is_up(frame.iloc[1:])

    @pytest.mark.parametrize(
        "most", [LINE, RECORD, "event=syslog&time=1796032800&msg=x"]
    )
    def test_each_line_is_read_by_what_it_is(self, most):
        """Whatever most lines are."""
        query = "event=syslog&time=1796032800&from=IP24-1d-00-8d&msg=state%3Dup"
        frame = read("\n".join([*[most] * 5, LINE, RECORD, query]))
        last = frame.iloc[5:]
        assert last["state"].tolist() == ["up", "down", "up"]
        assert last["hardware_id"].tolist() == [DEVICE, DEVICE, "IP24-1d-00-8d"]
        assert last["time"].tolist() == [pd.Timestamp(NOON)] * 3
        assert last["parse_error"].isna().all()

    def test_a_line_of_another_kind_in_csv(self):
        """It has its own time, and spoils no other."""
        frame = read(
            f"time,state,serial\n2026-11-30T10:00:00Z,up,0090332f688a\n{LINE}\n{RECORD}\n"
        )
        assert frame["state"].tolist() == ["up", "up", "down"]
        assert frame["parse_error"].isna().all()

    def test_a_format_that_is_given_holds_for_all_lines(self):
        """Then nothing is guessed."""
        assert "not JSON" in read(LINE, format="json")["parse_error"][0]


class TestLists:
    """JSON that is not one record a line."""

    @pytest.mark.parametrize(
        "text",
        [
            f"[{RECORD},{RECORD}]",
            f"[{RECORD}, {RECORD}]\n",
            json.dumps([ALARM, ALARM], indent=2),
            f"{json.dumps(ALARM, indent=1)}\n{json.dumps(ALARM, indent=1)}\n",
            RECORD + RECORD,
            f"[{RECORD}]\n[{RECORD}]\n",
            f"{RECORD},\n{RECORD}\n",
        ],
    )
    def test_each_record_is_a_row(self, text):
        """With the line that it begins in, and nothing is wrong."""
        frame = read(text)
        assert frame["state"].tolist() == ["down", "down"]
        assert frame["serial"].tolist() == ["0090332f688a"] * 2
        assert frame["parse_error"].isna().all()
        assert frame["line"].is_monotonic_increasing
        assert [json.loads(raw.strip("[,]")) for raw in frame["raw"]] == [
            ALARM,
            ALARM,
        ]

    def test_a_list_that_breaks_off(self):
        """What came before is read, and the rest is said."""
        text = json.dumps([ALARM, ALARM], indent=2)
        frame = read(text[:-40])
        assert frame["state"].tolist()[0] == "down"
        assert frame["parse_error"].notna().any()

    def test_a_private_key_in_a_list_is_hidden(self):
        """As in lines."""
        key = "-----BEGIN PRIVATE KEY-----\nTUlJRXZn\n-----END PRIVATE KEY-----"
        frame = read(json.dumps([{**ALARM, "text": key}], indent=2))
        assert "TUlJRXZn" not in frame.to_csv()


class TestFraming:
    """How lines and messages are parted."""

    @pytest.mark.parametrize("between", ["", "\n", "\r\n"])
    def test_counted_octets(self, between):
        """RFC 6587, with line ends behind the messages or without."""
        new = f"<134>1 2026-11-30T10:00:00Z {DEVICE} RELAY - - - {MESSAGE}"
        frame = read(between.join(f"{len(text)} {text}" for text in (new, new, LINE)))
        assert frame["time"].tolist() == [pd.Timestamp(NOON)] * 3
        assert frame["hardware_id"].tolist() == [DEVICE] * 3
        assert is_up(frame)

    def test_a_counted_message_of_several_lines_is_one(self):
        """And one with a wrong count loses no other."""
        two = f"<134>Nov 30 10:00:00 2026 {DEVICE} RELAY: state=up\nname=0090332f688a"
        text = f"{len(two)} {two}9 <134>state=up name=a{len(LINE)} {LINE}"
        frame = read(text)
        assert (
            frame["registration_name"].iloc[[0, -1]].tolist() == ["0090332f688a"] * 2
        )
        assert "".join(frame["raw"]).replace("#012", "\n").count("state=up") == 3

    @pytest.mark.parametrize("escape", ["#012", "#015#012", "#000", "#012#012"])
    def test_escaped_control_characters_end_a_value(self, escape):
        """As rsyslog writes them."""
        frame = read(
            f"<134>state=up name=0090332f688a{escape}\n<134>name=a{escape}state=up\n"
        )
        assert frame["registration_name"].tolist() == ["0090332f688a", "a"]
        assert frame["state"].tolist() == ["up", "up"]

    def test_carriage_returns_alone(self):
        """The line ends of old spreadsheets."""
        frame = read("time,state,serial\r2026-11-30T10:00:00Z,up,0090332f688a\r")
        assert frame["serial"].tolist() == ["0090332f688a"]

    @pytest.mark.parametrize("separator", [",", ";", "|", "\t", ", ", "; "])
    def test_pairs_without_blanks(self, separator):
        """Whatever parts them, the name is the name alone."""
        pairs = [
            "state=rejected",
            "name=0090332f688a",
            "reason=securityDenial",
            "prot=SIP",
        ]
        frame = read(f"<134>{separator.join(pairs)}")
        row = frame.astype(object).iloc[0]
        assert row[["state", "registration_name", "reason", "protocol"]].tolist() == [
            "rejected", "0090332f688a", "securityDenial", "SIP",
        ]  # fmt: skip

    def test_pairs_with_quotes_and_without_blanks(self):
        """A separator in quotes parts nothing."""
        frame = read('<134>state=up,name="room,x=1",prot=SIP')
        assert frame["registration_name"].tolist() == ["room,x=1"]

    def test_a_value_with_a_comma_stays_whole(self):
        """Where no key follows it."""
        frame = read("<134>state=up name=room,1 prot=SIP")
        assert frame["registration_name"].tolist() == ["room,1"]


class TestListsOfFaults:
    """Alarms and faults as a device lists them, and what is not documented."""

    def test_an_entry_is_a_row(self):
        """Its state is told by the documented code alone."""
        frame = read(
            '<faults><fault type="error" severity="1" time="1796032800" code="0x00010002">'
            "<text>Registration down</text></fault>\n"
            '<alarm type="alarm" severity="2" time="1796032800"><text>Fan</text></alarm></faults>'
        )
        assert frame["time"].tolist() == [pd.Timestamp(NOON)] * 2
        assert frame["state"].astype(object).where(frame["state"].notna(), None).tolist() == [
            "down", None,
        ]  # fmt: skip
        assert frame["details"].tolist() == ["Registration down", "Fan"]
        assert frame["severity"].tolist() == ["indeterminate", "major"]
        assert frame["line"].tolist() == [1, 2]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('<show><reg a="1"/></show>', "not documented"),
            ("<x><y/></x>", "without an alarm"),
            ('<!DOCTYPE a [<!ENTITY b "c">]><a/>', "document type"),
            ('<faults><fault type="error" time="1"', "not XML"),
            ("<a>" * 200, "nested"),
        ],
    )
    def test_all_else_is_a_row_with_its_reason(self, text, reason):
        """Nothing is invented, and nothing is lost."""
        assert read(text)["parse_error"].str.contains(reason).all()


class TestStampsThatAreNone:
    """A stamp that is no time has its reason."""

    @pytest.mark.parametrize(
        ("stamp", "reason"),
        [
            ("2026-13-40 10:00:00", "cannot be read"),
            ("31.02.2026 10:00:00", "cannot be read"),
            ("Nov 31 10:00:00 2026", "cannot be read"),
            ("10:00:00", "no date"),
            ("[10:00:00]", "no date"),
            ("03/04/2026 10:00:00", "told apart"),
        ],
    )
    def test_the_reason_is_told(self, stamp, reason):
        """And the message is read nevertheless."""
        frame = read(f"{stamp} {MESSAGE}")
        assert frame["time"].isna().all()
        assert reason in frame["parse_error"][0]
        assert frame["state"].tolist() == ["up"]
