"""Tables as people bring them: headings of their own, spreadsheets, times and serials in them."""

import builtins
import json
import sys

import pandas as pd
import pytest
from test_logs_layouts import read
from workbooks import workbook

from certtrust import (
    CerttrustError,
    headings,
    limits,
    read_certificates,
    read_devices,
    read_fleet,
    read_registrations,
    simulate,
    spreadsheets,
)
from certtrust.names.damaged_serials import mended
from certtrust.registrations import vocabulary
from certtrust.report.grounds import files_in_words


def cells(frame, *names):
    """Return the cells of columns, None where one is missing."""
    chosen = frame[list(names)].astype(object)
    return chosen.where(chosen.notna(), None).to_numpy().tolist()


class TestHeadings:
    """Headings in English and German, and those of one's own."""

    @pytest.mark.parametrize(
        ("heading", "column", "cell"),
        [
            ("Seriennummer", "serial", "0090332f688a"),
            ("MAC-Adresse", "serial", "0090332f688a"),
            ("MAC address", "serial", "0090332f688a"),
            ("Serial No.", "serial", "0090332f688a"),
            ("Hardware-ID", "hardware_id", "IP222-2f-68-8a"),
            ("HWID", "hardware_id", "IP222-2f-68-8a"),
            ("Benutzer", "registration_name", "mara"),
            ("User", "registration_name", "mara"),
            ("Name", "registration_name", "mara"),
            ("Grund", "reason", "No licence"),
            ("Reason", "reason", "No licence"),
            ("Telefonanlage", "pbx", "hq"),
            ("IP-Adresse", "remote_address", "192.0.2.1"),
            ("Protokoll", "protocol", "SIP"),
        ],
    )
    def test_of_registrations(self, heading, column, cell):
        """In any case, with any punctuation."""
        for spelling in (heading, heading.upper(), heading.replace("-", " ")):
            frame = read(f"Zeit;Status;{spelling}\n2026-11-30T10:00:00Z;up;{cell}\n")
            assert frame[column].tolist() == [cell]
            assert frame["parse_error"].isna().all()

    @pytest.mark.parametrize(
        ("word", "state"),
        [
            ("angemeldet", "up"), ("Registriert", "up"), ("nicht angemeldet", "down"),
            ("abgelehnt", "rejected"), ("Zeitüberschreitung", "timeout"),
            ("nicht autorisiert", "unauthorized"), ("Registered", "up"), ("offline", "down"),
        ],
    )  # fmt: skip
    def test_states_in_english_and_german(self, word, state):
        """As a column says them."""
        frame = read(f"Zeit;Status;Name\n2026-11-30T10:00:00Z;{word};a\n")
        assert frame["state"].tolist() == [state]

    def test_every_spelling_of_a_state_is_lower_case_and_means_one(self):
        """The table of spellings is what is looked up."""
        words = vocabulary.STATE_SPELLINGS | vocabulary.STATE_WORDS
        assert all(word == word.lower() for word in words)
        assert set(words.values()) <= set(vocabulary.STATES)

    @pytest.mark.parametrize("word", vocabulary.STATE_WORDS)
    def test_a_message_does_not_say_a_state_by_any_word(self, word):
        """Whatever else is online, or ok, is no registration."""
        assert read(f'<134>link state="{word}" id=1')["state"].isna().all()

    @pytest.mark.parametrize("text", ["Meldung", "Text", "msg"])
    def test_a_message_beside_a_device_and_its_state(self, text):
        """The other columns of a collector are its own; those of a device's state are not."""
        table = (
            f"Zeit;MAC-Adresse;Status;{text}\n2026-11-30T10:00:00Z;{{}};abgelehnt;x\n"
        )
        record = {"Zeit": "2026-11-30T10:00:00Z", "Status": "abgelehnt", text: "x"}
        address = "00:90:33:2f:68:8a"
        for log in (
            table.format(address),
            json.dumps({**record, "MAC-Adresse": address}),
        ):
            frame = read(log)
            expected = [["0090332f688a", "rejected", "x", None]]
            names = ("serial", "state", "details", "parse_error")
            assert cells(frame, *names) == expected

    def test_the_status_of_a_collector_is_not_a_registration_s(self):
        """Its message alone counts."""
        record = {"time": "2026-11-30T10:00:00Z", "status": "failed", "message": "x"}
        assert cells(read(json.dumps(record)), "state") == [[None]]

    def test_date_and_time_of_day_in_two_columns(self):
        """They are one time."""
        frame = read("Datum;Uhrzeit;Name;Status\n30.11.2026;10:15;a;up\n")
        assert frame["time"].tolist() == [pd.Timestamp("2026-11-30T10:15Z")]

    @pytest.mark.parametrize("form", ["csv", "json", "excel"])
    def test_headings_of_ones_own(self, form):
        """In each kind of table, for registrations and devices."""
        own = {"Gerät": "hardware_id", "Lage": "state"}
        rows = [["Gerät", "Lage"], ["0090332f688a", "up"]]
        text = {
            "csv": ";".join(rows[0]) + "\n" + ";".join(rows[1]) + "\n",
            "json": json.dumps(dict(zip(*rows, strict=True))),
            "excel": workbook({"a": rows}),
        }[form]
        frame = read(text, columns=own)
        assert cells(frame, "serial", "state") == [["0090332f688a", "up"]]
        devices = read_devices(
            text if isinstance(text, bytes) else text.encode(),
            columns={"Gerät": "hardware_id"},
        )
        assert devices["serial"].tolist() == ["0090332f688a"]

    @pytest.mark.parametrize("columns", [{"a": "b"}, {"a": 5}, "a", [("a", "time")]])
    def test_a_column_that_does_not_exist(self, columns):
        """The message names those that do."""
        for reader in (read_registrations, read_devices, read_certificates):
            with pytest.raises(CerttrustError, match="columns"):
                reader(b"a,b\n", columns=columns)

    @pytest.mark.parametrize(
        ("word", "flag"),
        [("an", True), ("Aktiv", True), ("✓", True), ("enabled", True),
         ("aus", False), ("inaktiv", False), ("✗", False), ("disabled", False)],
    )  # fmt: skip
    def test_flags_as_people_write_them(self, word, flag):
        """In words and in signs."""
        frame = read_devices(f"MAC;Nur TLS\n0090332f688a;{word}\n")
        assert cells(frame, "tls_only", "parse_error") == [[flag, None]]

    def test_devices_with_german_headings(self):
        """Values, too: ja and nein."""
        frame = read_devices(
            b"Seriennummer;Benutzer;Anzeigename;Durchwahl;Nur TLS;Modell\n"
            b"00-90-33-2F-68-8A;mara;Mara Peters;10003;ja;IP222\n"
        )
        assert cells(
            frame, "serial", "user", "long_name", "number", "tls_only", "model"
        ) == [["0090332f688a", "mara", "Mara Peters", "10003", True, "IP222"]]

    @pytest.mark.parametrize(
        "above",
        ["sep=;\n", "# export of November\n", "\n\n", "Liste\n\n", "#x\nsep=;\n"],
    )
    def test_what_stands_above_the_header(self, above):
        """It does no harm; a title is a row of its own in a log."""
        frame = read(
            f"{above}Zeit;Status;MAC\n2026-11-30T10:00:00Z;up;0090332f688a\n"
        )
        assert frame["serial"].dropna().tolist() == ["0090332f688a"]
        assert frame["line"].iloc[-1] == above.count("\n") + 2
        assert len(frame) == 1 + above.startswith("Liste")
        devices = read_devices(f"{above}MAC;Name\n0090332f688a;mara\n")
        assert cells(devices, "serial", "user") == [["0090332f688a", "mara"]]

    def test_carriage_returns_alone_in_a_device_list(self):
        """They end lines."""
        assert len(read_devices(b"MAC,Name\r0090332f688a,a\r0090332f688b,b\r")) == 2

    def test_the_import_list_stays_what_it_is(self):
        """Its first line looks like headings, its second one has the fields."""
        frame = read_devices(
            b"Employee;;;Number;MAC-Address\nlongName;displayName;name;number;hardwareID\n"
            b"Test;T;t;181;0090332fe666\n"
        )
        assert cells(frame, "serial", "user", "number") == [
            ["0090332fe666", "t", "181"]
        ]

    def test_what_headings_were_understood_as(self):
        """And the nearest name of what was not."""
        frame = headings("Seriennumer;Status;Zeit;Xyz\n")
        assert cells(frame, "heading", "column", "nearest") == [
            ["Seriennumer", None, "serial"],
            ["Status", "state", None],
            ["Zeit", "time", None],
            ["Xyz", None, None],
        ]
        record = json.dumps(
            {"@timestamp": "x", "host": {"name": "y"}, "message": "z"}
        )
        assert headings(record)["column"].tolist() == ["time", "host", "message"]
        book = workbook({"a": [["MAC", "Name"], ["0090332f688a", "x"]]})
        assert headings(book, "devices")["column"].tolist() == ["serial", "user"]
        own = headings(b"Datei;Zert\n", "certificates", columns={"Zert": "content"})
        assert own["column"].astype(object).tolist()[1] == "content"
        assert headings(b"\x00\x01").empty
        with pytest.raises(
            CerttrustError, match="registrations, devices, certificates"
        ):
            headings(b"", "trust")

    def test_a_list_of_which_nothing_is_understood_says_so(self):
        """With its headings."""
        frame = read_devices("Seriennumer;Foo\n1;2\n")
        assert "'Seriennumer' (nearest: serial), 'Foo'" in frame["parse_error"][0]


class TestExcel:
    """Workbooks are read row by row, or a row says why not."""

    def test_registrations(self):
        """Times, numbers and text, with the number of the row."""
        book = workbook(
            {
                "Log": [
                    ["Registrierungen"],
                    [],
                    ["Zeit", "Status", "Seriennummer", "Grund"],
                    [46356.5, "angemeldet", "0090332f688a"],
                    [
                        "30.11.2026 10:00:00",
                        "abgelehnt",
                        9033280177,
                        "securityDenial",
                    ],
                    [],
                    ["?", "up", "0090332f688c", 'a "b", c'],
                ]
            }
        )
        frame = read(book)
        assert frame["line"].tolist() == [1, 4, 5, 7]
        assert cells(frame, "state", "serial")[1:] == [
            ["up", "0090332f688a"],
            ["rejected", "009033280177"],
            ["up", "0090332f688c"],
        ]
        assert frame["time"].tolist()[1:3] == [
            pd.Timestamp("2026-11-30T12:00Z"),
            pd.Timestamp("2026-11-30T10:00Z"),
        ]
        assert frame["reason"].tolist()[3] == 'a "b", c'
        assert frame["parse_error"].notna().tolist() == [True, False, True, True]

    def test_devices_on_several_sheets(self):
        """A sheet without headings says so."""
        book = workbook(
            {
                "A": [["MAC", "Name"], ["0090332f688a", "mara"]],
                "B": [["Foo"], ["bar"]],
                "C": [["Hardware-ID", "Nur TLS"], ["IP222-2f-68-8b", "x"]],
            }
        )
        frame = read_devices(book)
        assert cells(frame, "user", "hardware_id", "tls_only")[::2] == [
            ["mara", None, None],
            [None, "IP222-2f-68-8b", True],
        ]
        assert "sheet 'B'" in frame["parse_error"][1]

    @pytest.mark.parametrize("order", [1, -1])
    def test_sheets_of_several_kinds(self, order):
        """Each is read as what it is, in whatever order, and by no other reader."""
        tables = {
            "Telefone": [["MAC", "Name", "Nur TLS"], ["0090332f688a", "mara", "ja"]],
            "Log": [
                ["Zeit", "Seriennummer", "Status"],
                ["2026-11-30 10:00", "0090332f688b", "abgelehnt"],
            ],
        }
        book = workbook(dict(list(tables.items())[::order]))
        fleet = read_fleet(book)
        assert sorted(fleet.sources["taken_for"]) == ["devices", "registrations"]
        assert fleet.sources["understood"].tolist() == [1, 1]
        devices, log = read_devices(book), read(book)
        assert cells(fleet.devices, "serial") == cells(devices, "serial")
        assert sorted(devices["serial"].dropna()) == ["0090332f688a"]
        assert sorted(log["serial"].dropna()) == ["0090332f688b"]
        assert log["state"].dropna().tolist() == ["rejected"]
        for frame, other in ((devices, "registrations"), (log, "devices")):
            reasons = frame["parse_error"].dropna().tolist()
            assert [other in reason for reason in reasons] == [True]
        assert files_in_words(fleet)[0] == "1 file: 1 of devices and 1 log."

    def test_a_workbook_of_certificates_in_a_fleet(self):
        """The column of certificates decides, as in CSV."""
        from base64 import b64encode

        made = simulate(1, seed=1, faults={})
        pem = b64encode(made.certificates["der"].iloc[0]).decode()
        book = workbook({"a": [["MAC", "Zertifikat"], ["0090332f688a", pem]]})
        fleet = read_fleet(book)
        assert fleet.sources["taken_for"].tolist() == ["certificates"]
        assert fleet.certificates["device"].tolist() == ["0090332f688a"]

    def test_certificates(self):
        """A column of PEM, and one of who presented it."""
        fleet = simulate(2, seed=1, faults={})
        from base64 import b64encode

        pem = b64encode(fleet.certificates["der"].iloc[0]).decode()
        book = workbook({"a": [["Gerät", "Zertifikat"], ["0090332f688a", pem]]})
        frame = read_certificates(book)
        assert (
            frame["fingerprint"].tolist()
            == fleet.certificates["fingerprint"].tolist()[:1]
        )
        assert frame["device"].tolist() == ["0090332f688a"]
        text = f"Ding;Zert\n0090332f688a;{pem}\n".encode()
        own = read_certificates(text, columns={"Ding": "device", "Zert": "content"})
        assert cells(own, "fingerprint", "device") == cells(
            frame, "fingerprint", "device"
        )

    def test_a_saved_workbook_among_other_files(self, tmp_path):
        """It is one file, and no archive of XML."""
        (tmp_path / "a.xlsx").write_bytes(
            workbook({"a": [["MAC", "Name"], ["0090332f688a", "mara"]]})
        )
        (tmp_path / "b.csv").write_text("MAC,Name\n0090332f688b,x\n")
        assert read_devices(tmp_path)["source"].tolist() == ["a.xlsx", "b.csv"]

    def test_without_the_library(self, monkeypatch):
        """The reason names the extra."""
        book = workbook({"a": [["MAC", "Name"], ["0090332f688a", "mara"]]})
        real = builtins.__import__

        def without(name, *rest, **options):
            if name == "python_calamine":
                raise ImportError(name)
            return real(name, *rest, **options)

        monkeypatch.delitem(sys.modules, "python_calamine", raising=False)
        monkeypatch.setattr(builtins, "__import__", without)
        for frame in (read_devices(book), read(book)):
            assert "certtrust[excel]" in frame["parse_error"][0]

    @pytest.mark.parametrize("cut", [60, 400, 900])
    def test_a_damaged_workbook(self, cut):
        """A row says that it cannot be read."""
        book = workbook({"a": [["MAC", "Name"], ["0090332f688a", "mara"]]})
        for frame in (read_devices(book[:cut]), read(book[:cut])):
            assert len(frame) == 1
            assert frame["parse_error"].notna().all()

    def test_a_cell_at_the_far_corner(self, monkeypatch):
        """It does not claim the memory of all cells before it."""
        monkeypatch.setattr(limits, "SHEET_CELLS", 1000)
        book = workbook({"a": [[], *[["MAC", "Name"]] * 600]})
        assert "spans 1,202 cells" in read_devices(book)["parse_error"][0]
        assert next(spreadsheets.sheets(b"PK", "devices", {}, all)).error is not None

    def test_a_private_key_in_a_cell_is_hidden(self):
        """As in lines."""
        key = "-----BEGIN PRIVATE KEY-----\nTUlJRXZn\n-----END PRIVATE KEY-----"
        book = workbook(
            {"a": [["Zeit", "Status", "Grund"], ["2026-11-30", "up", key], [key]]}
        )
        assert "TUlJRXZn" not in read(book).to_csv()


class TestDamagedSerials:
    """Serials that a spreadsheet has eaten."""

    @pytest.mark.parametrize(
        ("text", "serial", "note"),
        [
            ("9033280177", "009033280177", "dropped the zeros"),
            ("9033280177.0", "009033280177", "dropped the zeros"),
            ("9.033280177E+09", "009033280177", "as the number"),
            ("9,033280177E+09", "009033280177", "as the number"),
            ("1.3E+178", "00013e000177", "as the number"),
            ('="0090332f688a"', "0090332f688a", None),
            ("00 90 33 2F 68 8A", "0090332f688a", None),
            ("00.90.33.2f.68.8a", "0090332f688a", None),
            ("009033-2f688a", "0090332f688a", None),
            ("0:90:33:2f:68:8a", "0090332f688a", None),
            ("0x0090332f688a", "0090332f688a", None),
            ("90332F688A", "0090332f688a", "lacks the zeros"),
            ("9.03328E+09", None, "digits are lost"),
            ("9.0332E+181", None, "digits are lost"),
            ("8.09033E+11", None, "digits are lost"),
        ],
    )
    def test_mended_where_it_can_only_have_been_one(self, text, serial, note):
        """Else the reason says that it is lost; logs and device lists agree."""
        outcome = mended(text)
        assert outcome.serial == serial
        assert (outcome.note is None) == (note is None)
        quoted = '"' + text.replace('"', '""') + '"'
        log = read(f"time,state,serial\n2026-11-30T10:00:00Z,up,{quoted}\n")
        devices = read_devices(f"serial,user\n{quoted},a\n")
        for frame in (log, devices):
            assert cells(frame, "serial") == [[serial]]
            assert (note or "nan") in str(frame["parse_error"][0])

    @pytest.mark.parametrize(
        "text", ["12345", "2026", "1.5E+03", "Swphone_user0", "x"]
    )
    def test_what_was_no_serial_is_none(self, text):
        """A free name in the column of hardware IDs stays as it is."""
        assert mended(text) == (None, None)
        frame = read_devices(f"hardware_id,user\n{text},a\n")
        assert cells(frame, "hardware_id", "serial", "parse_error") == [
            [text, None, None]
        ]

    def test_the_identity_of_a_handset(self):
        """A DECT handset has no serial, and nothing is wrong with it."""
        frame = read_devices(b"serial,user\n000771234567*,a\n")
        assert cells(frame, "hardware_id", "serial", "parse_error") == [
            ["000771234567*", None, None]
        ]

    @pytest.mark.parametrize(
        ("address", "serial"),
        [
            ("2001:db8::290:33ff:fe46:af2", "009033460af2"),
            ("[fe80::0290:33ff:fe2f:688a]:1300", "0090332f688a"),
            ("fe80::8290:33ff:fe01:1", "809033010001"),
            ("fe80::201:3eff:fe01:1", "00013e010001"),
            ("2001:db8::1", None),
            ("192.0.2.1", None),
        ],
    )
    def test_an_address_made_of_the_serial(self, address, serial):
        """Where a row names no device, and it says so."""
        frame = read(
            f"time,state,remote_address\n2026-11-30T10:00:00Z,up,{address}\n"
        )
        assert cells(frame, "serial") == [[serial]]
        assert frame["parse_error"].notna().tolist() == [serial is not None]
        named = read(
            f"time,state,remote_address,registration_name\n0,up,{address},mara\n"
        )
        assert cells(named, "serial", "parse_error") == [[None, None]]
        proxied = read(
            f"time,state,remote_address,via_reverse_proxy\n0,up,{address},yes\n"
        )
        assert cells(proxied, "serial", "parse_error") == [[None, None]]


class TestTimes:
    """Numbers that are dates, and stamps without a zone."""

    @pytest.mark.parametrize(
        ("text", "time"),
        [
            ("20261130", "2026-11-30"),
            ("20261130101112", "2026-11-30T10:11:12"),
            ("46356.5", "2026-11-30T12:00"),
            ("30.11.2026 10:15", "2026-11-30T10:15"),
            ("30.11.26 10:15", "2026-11-30T10:15"),
            ("11/30/2026 10:15 PM", "2026-11-30T22:15"),
            ("30 Nov 2026 10:15", "2026-11-30T10:15"),
            ("Mon, 30 Nov 2026 10:15:00 +0100", "2026-11-30T09:15"),
            ("Nov 30, 2026 @ 10:15:00.250", "2026-11-30T10:15:00.25"),
            ("2026-11-30 10:15:00 UTC+2", "2026-11-30T08:15"),
            ("30.11.2026 10:15 GMT-03:30", "2026-11-30T13:45"),
            ("2026-11-30 10:15:00 JST", "2026-11-30T01:15"),
            ("1796032800", "2026-11-30T10:00"),
            ("1796032800000", "2026-11-30T10:00"),
            ("1796032800.25", "2026-11-30T10:00:00.25"),
        ],
    )
    @pytest.mark.parametrize("others", [[], ["2026-03-02T10:11:25Z"], ["0", "soon"]])
    def test_a_time_is_read(self, text, time, others):
        """Alone, and among others."""
        rows = "\n".join(f"{cell};up" for cell in (text, *others))
        frame = read(f"time;state\n{rows}\n")
        assert frame["time"][0] == pd.Timestamp(time, tz="UTC")
        assert not frame["clock_unset"][0]
        assert pd.isna(frame["parse_error"][0])

    @pytest.mark.parametrize(
        "text",
        [
            "1601-01-01T00:00:00Z",
            "1899-12-30 00:00:00",
            "1900-01-01",
            "1904-01-01T01:00:00",
        ],
    )
    @pytest.mark.parametrize("others", [[], ["2026-03-02T10:11:25Z"], ["soon"]])
    def test_the_zero_time_of_another_calendar_is_no_time(self, text, others):
        """The clock was not set, as with 1970."""
        rows = "\n".join(f"{cell};up" for cell in (text, *others))
        frame = read(f"time;state\n{rows}\n")
        assert cells(frame[:1], "time", "clock_unset") == [[None, True]]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("46356", "day of a spreadsheet"),
            ("12345678901234", "plausible"),
            ("9999999999999999999", "plausible"),
            ("1.79E+09", "rounded"),
            ("-5", "cannot be read"),
            ("03/04/2026 10:00", "told apart"),
            ("31.02.2026 10:00", "cannot be read"),
            ("soon", "cannot be read"),
        ],
    )
    def test_no_time_and_a_reason(self, text, reason):
        """Neither a time nor an unset clock."""
        frame = read(f"time;state\n{text};up\n")
        assert cells(frame, "time", "clock_unset") == [[None, None]]
        assert reason in frame["parse_error"][0]

    def test_the_seconds_of_a_documented_record_are_seconds(self):
        """There a small number is the clock of a device that was just switched on."""
        record = {
            "mt": "AddAlarm",
            "type": "alarm",
            "date": "46356",
            "code": "0x00010002",
        }
        frame = read(json.dumps(record))
        assert frame["clock_unset"].tolist() == [True]
        assert frame["parse_error"].isna().all()

    def test_a_time_zone(self):
        """Stamps without one are in it; others keep theirs, and time_by says which is which."""
        text = (
            "time;state\n2026-11-30 10:00:00;up\n2026-07-30 10:00:00;up\n"
            "2026-11-30T10:00:00Z;up\n1796032800;up\n0;up\n30.11.2026 10:00;up\n"
        )
        frame = read(text, timezone="Europe/Berlin")
        assert frame["time"].dt.hour.tolist()[:4] == [9, 8, 10, 10]
        assert frame["time"].dt.hour.tolist()[5] == 9
        local = "line as Europe/Berlin"
        assert cells(frame, "time_by") == [
            [local],
            [local],
            ["line"],
            ["line"],
            [None],
            [local],
        ]
        assert read(text)["time_by"].astype(object).tolist()[0] == "line as UTC"

    def test_hours_that_a_change_of_the_clocks_repeats_or_leaves_out(self):
        """They are noted."""
        frame = read(
            "time;state\n2026-10-25 02:30:00;up\n2026-03-29 02:30:00;up\n",
            timezone="Europe/Berlin",
        )
        assert frame["time"].dt.hour.tolist() == [0, 1]
        assert "twice" in frame["parse_error"][0]
        assert "left this time out" in frame["parse_error"][1]

    def test_a_time_zone_in_lines(self):
        """Of any layout."""
        lines = (
            "<134>Nov 30 10:00:00 2026 h t: state=up\n2026-11-30T10:00:00 h t: state=up\n"
            "2026-11-30 10:00:00 x\n"
        )
        frame = read(lines, timezone="Europe/Berlin")
        assert frame["time"].dt.hour.tolist() == [9, 9, 9]

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", 5, "../etc"])
    def test_no_such_time_zone(self, zone):
        """The message says how one is named."""
        with pytest.raises(CerttrustError, match="Europe/Berlin"):
            read("time;state\n", timezone=zone)


class TestAllColumns:
    """A CSV with every column of the table, as another program writes it."""

    def test_it_is_read_as_it_was(self, tmp_path):
        """Line by line, where rows came from included."""
        frame = simulate(20, seed=1).registrations
        frame.to_csv(tmp_path / "a.csv", index=False)
        again = read_registrations(tmp_path / "a.csv")
        for name in (
            "time",
            "clock_unset",
            "serial",
            "state",
            "source",
            "line",
            "raw",
            "time_by",
        ):
            pd.testing.assert_series_equal(
                again[name].astype(str), frame[name].astype(str), check_index=False
            )

    def test_unset_clocks_among_times(self):
        """Each kind is read, whatever stands beside it."""
        frame = read(
            "time,state\n0,up\n2026-11-30T10:00:00Z,up\n0001-01-01T00:00:00Z,up\n5,up\n"
        )
        assert frame["clock_unset"].tolist() == [True, False, True, True]
        assert frame["time"].notna().tolist() == [False, True, False, False]


class TestEncodings:
    """What spreadsheets save: one byte a letter, or UTF-16."""

    @pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    @pytest.mark.parametrize("above", ["", "Übersicht\n\n"])
    def test_a_heading_with_an_umlaut(self, codec, above):
        """It is understood, below a title too."""
        text = f"{above}Gerät\tÜber Reverse Proxy\tStatus\n0090332f688a\tja\tup\n"
        frame = read(text.encode(codec), columns={"Gerät": "hardware_id"}).iloc[-1:]
        assert cells(frame, "serial", "via_reverse_proxy", "state") == [
            ["0090332f688a", True, "up"]
        ]


def test_cells_in_quotes_are_parted_by_bars_too() -> None:
    """The bar parts fields; it is no alternative in a pattern."""
    log = b'time|serial|state|reason\n1700000000|009033000001|rejected|"a|b"\n'
    row = read_registrations(log, format="csv").iloc[0]
    assert (row["serial"], row["state"]) == ("009033000001", "rejected")
    assert row["reason"] == "a|b"
