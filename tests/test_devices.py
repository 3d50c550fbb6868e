"""PBX objects and inventories: every documented form, three-valued flags, and devices that two
users have.
"""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples

from certtrust import schema, simulate
from certtrust.devices import read_devices, shared_hardware_ids
from certtrust.errors import SourceError
from certtrust.simulation.files import write
from certtrust.table_files import write_csv, write_parquet

# Made in the shape of the documented replication message, with values of our own.
USER = {
    "guid": "00112233445566778899aabbccddeeff",
    "h323": "reception",
    "cn": "Reception",
    "config": "Config",
    "node": "root",
    "loc": "hq",
    "e164": "100",
    "devices": [
        {"hw": "0090332F688A", "text": "phone", "tls": True, "sreg": True},
        {"hw": "ip29-2-01-02-03", "trusted": True, "tls": "-1"},
        {"hw": "Swphone_reception", "tls": False},
    ],
}
ROWS = [
    (
        "hq",
        "reception",
        "Reception",
        "100",
        "0090332F688A",
        "0090332f688a",
        None,
        True,
        False,
    ),
    (
        "hq",
        "reception",
        "Reception",
        "100",
        "ip29-2-01-02-03",
        None,
        "IP29-2",
        None,
        True,
    ),
    (
        "hq",
        "reception",
        "Reception",
        "100",
        "Swphone_reception",
        None,
        None,
        False,
        False,
    ),
]
CELLS = [
    "pbx",
    "user",
    "long_name",
    "number",
    "hardware_id",
    "serial",
    "model",
    "tls_only",
    "reverse_proxy",
]
LIST = (
    "Employee;;;Number;Node;PBX-Name;MAC-Address\r\n"
    "longName;displayName;name;number;node;pbx;hardwareID\r\n"
    "Reception;R;reception;100;root;hq;00-90-33-2f-68-8a\r\n"
    "No Phone;N;nobody;101;root;hq;\r\n"
    "torn;line\r\n"
)
BACKUP = (
    "config change PBX0 /on\r\n"
    "vars create X 0 00\r\n"
    "mod cmd FLASHDIR0 add-item 101 (cn=Reception (hall))(h323=reception)(loc=hq)(node=root)"
    '(pbx=<user pwd="00"><device hw="0090332f688a" tls="true"/><device '
    'hw="IP222-2f-68-8b"/></user>)(e164=100)\r\n'
    'mod cmd FLASHDIR0 add-item 101 (cn=Gone)(h323=gone)(pbx=<user pwd="00"/>)\r\n'
    'mod cmd FLASHDIR0 add-item 101 (cn=Torn)(pbx=<user pwd="00"><device hw="0090\r\n'
)


def cells(frame: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    """Return rows with None for what is missing."""
    rows = frame[list(names)].astype(object).itertuples(index=False, name=None)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in rows]


class TestJson:
    """Objects of the PBX interfaces, and the inventory."""

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda user: json.dumps(
                {"mt": "ReplicateUpdate", "api": "PbxTableUsers", "columns": user}
            ),
            lambda user: json.dumps({"mt": "GetObjectResult", **user}),
            lambda user: json.dumps({"mt": "GetObjectResult", "object": user}),
            lambda user: json.dumps([user]),
            lambda user: json.dumps(user, indent=2) + "\n",
            lambda user: (
                '{"mt":"ReplicateStartResult"}\n' + json.dumps({"columns": user})
            ),
        ],
    )
    def test_every_wrapping_gives_the_same_devices(self, wrap):
        """One row per device, hyphens in products included; an absent flag is false, -1 unknown."""
        frame = read_devices(wrap(USER).encode())
        assert cells(frame, *CELLS) == ROWS
        assert frame["parse_error"].isna().all()
        assert frame["location"].tolist() == ["root"] * 3

    def test_the_inventory_of_the_devices_app(self):
        """Product and version are told there, users and flags are not."""
        entry = {
            "id": 1,
            "hwId": "0090334100be",
            "name": "Kari",
            "product": "IP811",
            "version": "13r1 dvl",
            "type": "GW",
        }
        for log in (entry, [entry], {"mt": "GetDevicesResult", "devices": [entry]}):
            frame = read_devices(json.dumps(log).encode())
            assert cells(
                frame, "serial", "model", "firmware", "long_name", "user", "tls_only"
            ) == [("0090334100be", "IP811", "13r1 dvl", "Kari", None, None)]

    def test_a_bad_line_spoils_no_other(self):
        """It is named with its number."""
        line = json.dumps(USER)
        frame = read_devices(f"{line}\n{line[:50]}\n\n{line}\n")
        assert (
            frame["parse_error"].notna().tolist()
            == [False] * 3 + [True] + [False] * 3
        )
        assert "line 2" in frame["parse_error"][3]

    @pytest.mark.parametrize(
        "devices",
        [
            5,
            {"hw": "a"},
            [5, None, "a"],
            [{}],
            [{"hw": {}}],
            [{"hw": None, "tls": 7}],
        ],
    )
    def test_devices_of_another_kind_have_a_reason(self, devices):
        """Nothing is guessed."""
        frame = read_devices(json.dumps({"h323": "a", "devices": devices}))
        assert frame["parse_error"].notna().all()
        assert frame["user"].tolist() == ["a"] * len(frame)
        assert len(frame) >= 1

    def test_a_user_without_devices_has_no_row(self):
        """A row is a device."""
        assert read_devices('{"h323": "a", "devices": []}\n{"h323": "b"}\n').empty


class TestXml:
    """Answers of the SOAP interface."""

    XML = (
        '<user cn="Reception" h323="reception" e164="100" loc="hq" node="root" guid="00">'
        '<device hw="0090332F688A" tls="true" trusted="false"/><device hw="IP222-2f-68-8b" '
        'tls="-1"/></user>'
        '<user cn="Gone" h323="gone"/>'
    )
    ROWS = (
        (
            "hq",
            "reception",
            "Reception",
            "100",
            "0090332F688A",
            "0090332f688a",
            None,
            True,
            False,
        ),
        (
            "hq",
            "reception",
            "Reception",
            "100",
            "IP222-2f-68-8b",
            None,
            "IP222",
            None,
            False,
        ),
    )

    @pytest.mark.parametrize(
        "wrap",
        [
            "{}",
            '<?xml version="1.0" encoding="utf-8"?><show>{}</show>',
            '<s:Envelope xmlns:s="urn:s"><s:Body><show>{}</show></s:Body></s:Envelope>',
        ],
    )
    def test_users_in_any_wrapping(self, wrap):
        """A flag that some device of the file has is false where it is absent."""
        frame = read_devices(wrap.format(self.XML))
        assert cells(frame, *CELLS) == list(self.ROWS)
        assert frame["parse_error"].isna().all()

    def test_an_answer_inside_of_the_envelope_as_text(self):
        """SOAP carries it escaped."""
        escaped = self.XML.replace("&", "&amp;").replace("<", "&lt;")
        assert cells(
            read_devices(f"<r><return>{escaped}</return></r>"), *CELLS
        ) == list(self.ROWS)

    def test_flags_that_no_device_has_are_unknown(self):
        """The file does not show that it writes them."""
        assert (
            read_devices('<user cn="a"><device hw="1"/></user>')["tls_only"]
            .isna()
            .all()
        )

    @pytest.mark.parametrize(
        "bomb",
        [
            '<!DOCTYPE a [<!ENTITY x "yyyy">]><user cn="&x;"><device hw="&x;"/></user>',
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><user><device '
            'hw="&x;"/></user>',
            '<user><device hw="&x;"/></user>',
        ],
    )
    def test_no_entity_is_resolved(self, bomb):
        """A document type is refused with the reason."""
        frame = read_devices(bomb)
        assert frame["hardware_id"].isna().all()
        assert "not XML" in frame["parse_error"].iloc[-1]

    def test_what_stands_before_the_tear_is_read(self):
        """And the tear is named."""
        frame = read_devices(self.XML[:-30])
        assert len(frame) == 3
        assert "not XML" in frame["parse_error"][2]


class TestLines:
    """Configuration backups, import lists and the own CSV."""

    def test_a_backup(self):
        """Only lines that add a user object count; one that is torn is named."""
        frame = read_devices(BACKUP.encode())
        assert cells(frame, *CELLS)[:2] == [
            (
                "hq",
                "reception",
                "Reception (hall)",
                "100",
                "0090332f688a",
                "0090332f688a",
                None,
                True,
                None,
            ),
            (
                "hq",
                "reception",
                "Reception (hall)",
                "100",
                "IP222-2f-68-8b",
                None,
                "IP222",
                False,
                None,
            ),
        ]
        assert "line 5" in frame["parse_error"][2]
        assert len(frame) == 3

    def test_an_import_list(self):
        """The second header line names the fields; flags are not told."""
        frame = read_devices(LIST.encode())
        assert cells(frame, *CELLS)[0] == (
            "hq", "reception", "Reception", "100", "00-90-33-2f-68-8a", "0090332f688a", None,
            None, None,
        )  # fmt: skip
        assert "line 5 has 2 fields" in frame["parse_error"][1]
        assert len(frame) == 2

    def test_own_csv(self):
        """One header line of DEVICES columns."""
        frame = read_devices(
            "hardware_id,user,tls_only,firmware\nip222-2f-68-8a,a,true,13r3\n0090332f688b,b,,\n"
        )
        assert frame["tls_only"].tolist() == [True, pd.NA]
        assert frame["model"].tolist()[0] == "IP222"
        assert frame["serial"].tolist()[1] == "0090332f688b"
        assert frame["firmware"].tolist()[0] == "13r3"


class TestSharedHardwareIds:
    """A hardware ID on two users is a finding."""

    def test_in_whichever_spelling(self):
        """Both rows are shown, with how many users have it."""
        owners = {
            "a": "0090332f688a",
            "b": "00:90:33:2F:68:8A",
            "c": "IP222-2f-68-8a",
            "d": "ip222-2F-68-8A",
            "e": "x",
        }
        users = [
            {"h323": name, "loc": "hq", "devices": [{"hw": hw}]}
            for name, hw in owners.items()
        ]
        found = shared_hardware_ids(read_devices(json.dumps(users).encode()))
        assert found[["identity", "users", "user"]].to_numpy().tolist() == [
            ["0090332f688a", 2, "a"],
            ["0090332f688a", 2, "b"],
            ["IP222-2f-68-8a", 2, "c"],
            ["IP222-2f-68-8a", 2, "d"],
        ]
        assert found.index.tolist() == [0, 1, 2, 3]

    def test_the_same_user_twice_and_an_inventory_are_none(self):
        """Only different users contend for a device."""
        users = [{"h323": "a", "devices": [{"hw": "1"}, {"hw": "1"}]}, {"hwId": "1"}]
        assert shared_hardware_ids(read_devices(json.dumps(users).encode())).empty


PIECES = [
    json.dumps(USER),
    TestXml.XML,
    BACKUP,
    LIST,
    *(
        "{",
        "[",
        "<user>",
        "<",
        "(pbx=<user",
        "\n",
        ";hardwareID;",
        '{"devices":[[]]}',
        "mod cmd FLASHDIR0 add-item ",
    ),
]
TORN = st.lists(st.sampled_from(PIECES), max_size=6).map(
    lambda parts: "".join(parts).encode()
)
CONTENT = st.one_of(st.binary(max_size=60), TORN)


class TestInput:
    """Any source, any damage."""

    def test_a_mixed_directory(self, tmp_path):
        """Formats are told apart file by file."""
        for name, text in (
            ("a.json", json.dumps(USER)),
            ("b.xml", TestXml.XML),
            ("c.txt", BACKUP),
            ("d.csv", LIST),
        ):
            (tmp_path / name).write_text(text)
        (tmp_path / "e.bin").write_bytes(b"\x00\x01nothing")
        frame = read_devices(tmp_path)
        assert frame["source"].unique().tolist() == [
            "a.json",
            "b.xml",
            "c.txt",
            "d.csv",
            "e.bin",
        ]
        assert "no format" in frame["parse_error"].iloc[-1]

    def test_what_is_simulated_is_read(self, tmp_path):
        """A simulated fleet's objects come back as they were."""
        fleet = simulate(40, seed=3)
        write(fleet, tmp_path / "fleet")
        found = read_devices(tmp_path / "fleet" / "devices")
        names = [
            "pbx",
            "user",
            "long_name",
            "number",
            "hardware_id",
            "serial",
            "model",
            "tls_only",
            "reverse_proxy",
        ]
        assert set(cells(found, *names)) == set(cells(fleet.devices, *names))
        assert len(found) == len(fleet.devices)

    def test_encodings(self):
        """UTF-16 by its mark, UTF-8 with a mark, else Latin-1."""
        text = json.dumps(
            {"cn": "Müller", "devices": [{"hw": "1"}]}, ensure_ascii=False
        )
        for content in (
            text.encode(),
            b"\xef\xbb\xbf" + text.encode(),
            text.encode("utf-16"),
            text.encode("latin-1"),
        ):
            assert read_devices(content)["long_name"].tolist() == ["Müller"]

    def test_a_format_must_be_known(self):
        """The message names those that are."""
        with pytest.raises(SourceError, match="json, xml, backup, csv"):
            read_devices(b"", format="tea")

    def test_nothing_gives_an_empty_table(self):
        """In the types of the schema."""
        pd.testing.assert_frame_equal(read_devices(b""), schema.empty(schema.DEVICES))

    @given(CONTENT, st.sampled_from([None, "json", "xml", "backup", "csv"]))
    @settings(max_examples=examples(300))
    def test_nothing_raises(self, content, form):
        """Every row has a device or a reason."""
        if content.startswith((b"PK", b"\x1f\x8b")):
            return
        frame = read_devices(content, format=form)
        assert (
            frame["hardware_id"].notna()
            | frame["serial"].notna()
            | frame["parse_error"].notna()
        ).all()

    @pytest.mark.parametrize(
        "content",
        [
            b"[" * 500_000,
            b'{"a":' * 200_000,
            b"<user>" * 200_000,
            b"mod cmd FLASHDIR0 add-item " + b"(pbx=<user" * 200_000,
            b"mod cmd FLASHDIR0 add-item (pbx=<user/>)" + b"(a=" * 300_000,
            b'{"h323":\n' * 3_000,
        ],
    )
    def test_hostile_content_takes_no_ages(self, content):
        """Deep nesting and endless repetition are reasons."""
        assert len(read_devices(content)) <= 100_000


SAMPLES = Path(__file__).parent / "samples" / "devices"


@pytest.mark.parametrize(
    ("value", "told"),
    [('"maybe"', False), ("[]", False), ("-1", True), ('""', True), ("1", True)],
)
def test_a_flag_that_cannot_be_read_says_so(value, told):
    """Unknown for a reason is not unknown for want of a value."""
    frame = read_devices(
        f'{{"h323":"a","devices":[{{"hw":"0090332f688a","tls":{value}}}]}}\n'
    )
    assert frame["parse_error"].isna().tolist() == [told]
    assert told or frame["tls_only"].isna().tolist() == [True]
    assert told or "tls is neither true nor false" in frame["parse_error"][0]


class TestSamples:
    """The documented samples, one per format."""

    @pytest.mark.parametrize(
        ("name", "rows", "tls_only"),
        [
            ("replication.jsonl", 5, [True, False, True, False, False]),
            ("soap.xml", 5, [True, False, True, False, False]),
            ("backup.txt", 5, [True, False, True, False, False]),
            ("import-list.csv", 2, [None, None]),
            ("inventory.json", 2, [None, None]),
        ],
    )
    def test_every_device_of_a_sample_is_read(self, name, rows, tls_only):
        """Without a problem."""
        frame = read_devices(SAMPLES / name)
        assert len(frame) == rows
        assert frame["parse_error"].isna().all()
        assert [value for (value,) in cells(frame, "tls_only")] == tls_only

    def test_a_device_of_two_users_is_found_in_the_samples(self):
        """Reception's phone stands at the hall as well."""
        found = shared_hardware_ids(read_devices(SAMPLES / "replication.jsonl"))
        assert found["user"].tolist() == ["reception", "hall"]


class TestOwnTable:
    """DEVICES as it was written, in Parquet and in CSV."""

    TABLE = read_devices([json.dumps(USER), LIST, BACKUP, b"nothing of any format"])

    @pytest.mark.parametrize("holes", [False, True])
    def test_it_is_read_as_it_was(self, tmp_path, holes):
        """Sources, reasons and holes included: nothing is completed that was missing."""
        table = self.TABLE.copy()
        assert table["parse_error"].notna().any()
        if holes:
            table.loc[
                ::2, ["serial", "model", "tls_only", "parse_error", "long_name"]
            ] = pd.NA
            table.loc[1, "long_name"] = 'two\r\nlines; "and" more'
        write_parquet(table, schema.DEVICES, tmp_path / "a.parquet")
        write_csv(table, schema.DEVICES, tmp_path / "b.csv")
        table.to_parquet(tmp_path / "c.parquet")
        table.to_csv(tmp_path / "d.csv", index=False)
        # What pandas wrote may as well be a form that somebody filled in: there, holes are
        # completed.
        for name in (
            "a.parquet",
            "b.csv",
            *(() if holes else ("c.parquet", "d.csv")),
        ):
            pd.testing.assert_frame_equal(
                read_devices(tmp_path / name), table, obj=name
            )
        assert len(read_devices(tmp_path)) == 4 * len(table)

    def test_a_form_that_was_filled_in_is_completed(self, tmp_path):
        """All columns stand there, and most are empty."""
        form = pd.DataFrame(
            {"hardware_id": ["0090332F688A", "IP222-2f-68-8b"]},
            columns=schema.DEVICES.names,
        )
        form.to_csv(tmp_path / "form.csv", index=False)
        form.to_parquet(tmp_path / "form.parquet")
        for name in ("form.csv", "form.parquet"):
            frame = read_devices(tmp_path / name)
            assert cells(frame, "serial", "model") == [
                ("0090332f688a", None),
                (None, "IP222"),
            ]
            assert frame["source"].tolist() == [f"{tmp_path}/{name}"] * 2

    def test_some_columns_are_an_export_from_elsewhere(self, tmp_path):
        """Serials and models are completed, and a serial that stands beside a hardware ID is
        kept.
        """
        rows = pd.DataFrame(
            {
                "hardware_id": ["IP222-2f-68-8a", None, "0090332f688b", None],
                "serial": ["00-90-33-2F-68-8A", "9.03328E+09", None, None],
                "tls_only": ["yes", "-1", "no", "yes"],
            }
        )
        rows.to_parquet(tmp_path / "a.parquet")
        rows.to_csv(tmp_path / "b.csv", index=False)
        for name in ("a.parquet", "b.csv"):
            frame = read_devices(tmp_path / name)
            assert cells(frame, "serial", "model", "tls_only", "parse_error") == [
                ("0090332f688a", "IP222", True, None),
                (
                    None,
                    None,
                    None,
                    "a spreadsheet has rounded the serial 9.03328E+09: its digits are lost",
                ),
                ("0090332f688b", None, False, None),
            ]
            assert frame["source"].tolist() == [f"{tmp_path}/{name}"] * 3

    def test_a_table_with_torn_lines_is_read_line_by_line(self, tmp_path):
        """What cannot be read says so."""
        self.TABLE.to_csv(tmp_path / "torn.csv", index=False)
        with (tmp_path / "torn.csv").open("a") as file:
            file.write("hq,torn\n")
        frame = read_devices(tmp_path / "torn.csv")
        assert frame["serial"].notna().sum() == self.TABLE["serial"].notna().sum()
        assert "has 2 fields" in frame["parse_error"].iloc[-1]

    @pytest.mark.parametrize("content", [b"PAR1", b"PAR1" * 20])
    def test_a_broken_parquet_file_is_a_row(self, content):
        """With the reason."""
        assert "Parquet" in read_devices(content)["parse_error"][0]


def replicated(mt: str, guid: str | None = "a", **columns: object) -> str:
    """Return a message of the change stream of PBX objects."""
    named = {} if guid is None else {"guid": guid}
    return json.dumps(
        {"mt": mt, "api": "PbxTableUsers", "columns": {**named, **columns}}
    )


FIRST = {"h323": "one", "devices": [{"hw": "0090332f688a", "tls": True}]}
THEN = {"h323": "one", "devices": [{"hw": "0090332f688b"}]}
START = (
    '{"mt":"ReplicateStart","api":"PbxTableUsers",'
    '"columns":{"h323":{"update":true},"devices":{"update":true}}}'
)


class TestChanges:
    """Messages that say what has changed since."""

    @pytest.mark.parametrize(
        "kind", ["ReplicateUpdate", "ReplicateAdd", "ReplicateNextResult"]
    )
    @pytest.mark.parametrize("as_list", [False, True])
    def test_the_last_message_of_an_object_counts(self, kind, as_list):
        """It holds all of the object; other objects stay, and the start is no object."""
        lines = [
            START,
            replicated("ReplicateNextResult", **FIRST),
            replicated(
                "ReplicateNextResult",
                "b",
                h323="two",
                devices=[{"hw": "IP222-2f-68-8c"}],
            ),
            replicated(kind, **THEN),
        ]
        frame = read_devices(f"[{','.join(lines)}]" if as_list else "\n".join(lines))
        assert cells(frame, "user", "hardware_id", "tls_only", "parse_error") == [
            ("two", "IP222-2f-68-8c", False, None),
            ("one", "0090332f688b", False, None),
        ]

    def test_what_was_taken_away_is_gone_until_it_is_added_again(self):
        """Wherever the message names it."""
        removed = ('{"mt":"ReplicateDel","guid":"a"}', replicated("ReplicateDel"))
        for gone in removed:
            assert read_devices(
                f"{replicated('ReplicateAdd', **FIRST)}\n{gone}"
            ).empty
            again = read_devices(f"{gone}\n{replicated('ReplicateAdd', **FIRST)}")
            assert again["user"].tolist() == ["one"]
        nameless = read_devices(
            replicated("ReplicateAdd", **FIRST) + '\n{"mt":"ReplicateDel"}'
        )
        assert nameless["user"].tolist()[0] == "one"
        assert "ReplicateDel" in nameless["parse_error"][1]

    def test_objects_in_no_message_stay_each(self):
        """Two lists of objects in one file are no stream."""
        user = json.dumps({"guid": "a", **FIRST})
        assert len(read_devices(f"{user}\n{user}")) == 2

    @pytest.mark.parametrize("wrap", [lambda device: device, lambda device: [device]])
    def test_messages_of_the_devices_app(self, wrap):
        """Updated, added, provisioned and removed."""
        one = {"id": 1, "hwId": "0090334100be", "product": "IP811", "version": "13r1"}
        messages = [
            {
                "mt": "GetDevicesResult",
                "devices": [
                    one,
                    {"id": 2, "hwId": "0090334100bf", "product": "IP222"},
                ],
            },
            {"mt": "DeviceUpdate", "device": wrap({**one, "version": "13r2"})},
            {"mt": "DeviceAdded", "device": wrap({"id": 3, "hwId": "0090334100c0"})},
            {
                "mt": "DeviceProvisioned",
                "device": wrap({"id": 4, "hwId": "0090334100c1"}),
            },
            {"mt": "DeviceRemoved", "device": wrap({"id": 2})},
        ]
        frame = read_devices("\n".join(map(json.dumps, messages)))
        assert cells(frame, "serial", "model", "firmware", "parse_error") == [
            ("0090334100be", "IP811", "13r2", None),
            ("0090334100c0", None, None, None),
            ("0090334100c1", None, None, None),
        ]

    def test_what_a_device_says_of_itself(self):
        """Its id is its serial."""
        frame = read_devices(
            '{"mt":"SysclientIdentify","id":"009033460af2","product":"IP222","version":"13r2"}'
        )
        assert cells(frame, "serial", "model", "firmware") == [
            ("009033460af2", "IP222", "13r2")
        ]

    @pytest.mark.parametrize(
        "content",
        [
            '{"mt":"Hello"}',
            "<show/>",
            '{"mt":"DeviceUpdate"}',
            '{"mt":"ReplicateDel"}',
        ],
    )
    def test_other_messages_and_xml_without_users_say_so(self, content):
        """None is passed over."""
        frame = read_devices(content)
        assert len(frame) == 1
        assert frame["parse_error"].notna().all()


@pytest.mark.parametrize(
    ("word", "flag", "noted"),
    [
        *((word, True, False) for word in ("ja", "Wahr", "x", "Y", "1", "true")),
        *((word, False, False) for word in ("nein", "falsch", "n", "0", "FALSE")),
        *((word, None, False) for word in ("", "-1")),
        *((word, None, True) for word in ("vielleicht", "2")),
    ],
)
def test_flags_as_people_write_them(word, flag, noted):
    """What is neither true nor false says so."""
    frame = read_devices(f"hardware_id,tls_only\n0090332f688a,{word}\n")
    assert cells(frame, "tls_only") == [(flag,)]
    assert frame["parse_error"].notna()[0] == noted
