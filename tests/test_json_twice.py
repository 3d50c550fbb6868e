"""What stands in one record twice with different values is noted, and nothing of it decides."""

import json
import ssl

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples

import certtrust as ct
from certtrust import json_values
from certtrust.testing import assert_frames_equal, small_fleet

SERIAL, OTHER = "0090332f688a", "0090332f688b"
PLAIN = '{"time":"2026-10-05T10:00:00Z","serial":"0090332f688a","state":"rejected"}\n'


@pytest.mark.parametrize(
    ("text", "value", "keys"),
    [
        ('{"a": 1, "a": 1}', {"a": 1}, []),
        ('{"a": 1, "a": 2, "a": 1}', {"a": 1}, ["a"]),
        ('{"a": null, "a": " ", "a": 2}', {"a": 2}, []),
        ('{"a": 1, "a": true}', {"a": 1}, ["a"]),
        ('{"a": [1], "\\u0061": [2]}', {"a": [1]}, ["a"]),
        ('[{"b": {"a": 1, "a": 2}}, {"b": 1}]', [{"b": {"a": 1}}, {"b": 1}], ["b.a"]),
        ('{"b": {"a": 1}, "b": {"a": 1, "a": 2}}', {"b": {"a": 1}}, ["b"]),
        ('{"\\u001b": 1, "\\u001b": 2}', {"\x1b": 1}, ["?"]),
    ],
)
def test_the_first_value_counts_and_the_key_is_named(text, value, keys):
    """Equal values and empty ones are no contradiction; what is written again has all values."""
    read = json_values.loads(text)
    assert json_values.twins(read) == keys
    assert json.loads(json.dumps(read)) == value
    assert json_values.twins(json_values.loads(json_values.dumps(read))) == keys


def registrations(text: str) -> pd.DataFrame:
    """Return the registrations of a text."""
    return ct.read_registrations(text, progress=False)


def record(*pairs: tuple[str, object]) -> str:
    """Return an object, on one line, whose keys may be there twice."""
    parts = (f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)
    return f"{{{','.join(parts)}}}\n"


def event(*pairs: tuple[str, object]) -> str:
    """Return a record of a registration with some more pairs."""
    return record(("time", "2026-10-05T10:00:00Z"), ("serial", SERIAL), *pairs)


FIRST, NONE = (
    f"given twice with different values, of which {read} is read: {{}}"
    for read in ("the first", "none")
)


@pytest.mark.parametrize(
    ("line", "state", "note"),
    [
        (event(("serial", OTHER), ("state", "up")), "up", FIRST.format("serial")),
        (event(("serial", SERIAL), ("state", "up")), "up", None),
        (event(("state", "up"), ("state", "rejected")), None, NONE.format("state")),
        (event(("state", "up"), ("else", 1), ("else", 2)), "up", None),
        (
            event(("log", {"pbx": "a"}), ("state", "up"), ("log", {"pbx": "b"})),
            "up",
            FIRST.format("log"),
        ),
    ],
)
@pytest.mark.parametrize("around", ["", PLAIN * 300])
def test_a_line_of_a_log(line, state, note, around):
    """A line says so, alone and in the midst of others, which stay as they are."""
    rows = registrations(around + line + around)
    row = rows.iloc[len(rows) // 2]
    assert row["serial"] == SERIAL
    assert (row["state"] if pd.notna(row["state"]) else None) == state
    assert (row["parse_error"] if pd.notna(row["parse_error"]) else None) == note
    others = rows.drop(index=row.name)
    assert others["parse_error"].isna().all()
    assert (others["state"] == "rejected").all()


@pytest.mark.parametrize(
    "document",
    [
        '[\n{"serial": "0090332f688a",\n "serial": "0090332f688b", "state": "up"}\n]',
        '{"streams": [{"stream": {"serial": "0090332f688a", "serial": "0090332f688b"},'
        ' "values": [["1767225600000000000", "up"]]}]}',
    ],
)
def test_a_document(document):
    """Records keep what is twice in them when they are taken out of a document."""
    (note,) = registrations(document)["parse_error"]
    assert FIRST.format("serial") in note


def test_no_list_of_records_is_lost():
    """Of two lists under the same key both are read."""
    one, other = (
        f'{{"serial": "{serial}", "state": "up"}}' for serial in (SERIAL, OTHER)
    )
    rows = registrations(f'{{"entries":\n[{one}],\n"entries": [{other}]}}')
    assert rows["serial"].tolist() == [SERIAL, OTHER]
    assert rows["parse_error"].isna().all()


def test_half_a_pair_of_surrogates_in_a_key():
    """A key that no text can hold is read as far as it can be."""
    rows = registrations('{"\\ud800serial":"0090332f688a","state":"up"}\n' * 3)
    assert (rows["state"] == "up").all()


KEYS = st.sampled_from(
    ["serial", "state", "pbx", "mt", "MESSAGE", "log", "x", "host"]
)
VALUES = st.sampled_from(
    [None, "", "up", "rejected", SERIAL, 1, 1.5, True, {"pbx": "a"}]
)


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6))
def test_lines_are_read_alike_alone_and_together(pairs):
    """The reader of many lines at once agrees with the careful one."""
    line = event(*pairs)
    alone = registrations(line)
    together = registrations(line + line + PLAIN * 2).head(1)
    columns = [name for name in alone if name not in ("source", "line", "raw")]
    assert_frames_equal(alone[columns], together[columns])


def test_two_spellings_of_a_state_are_one():
    """In a table whose column is there twice."""
    rows = registrations(
        "time,serial,state,state\n"
        f"2026-10-05T10:00:00Z,{SERIAL},Up,up\n2026-10-05T10:00:00Z,{SERIAL},up,rejected\n"
    )
    assert rows["state"].astype("str").fillna("").tolist() == ["up", ""]
    note = "the column state is there twice, with different values; none is read"
    assert rows["parse_error"].fillna("").tolist() == ["", note]
    assert devices(f"hardware_id,tls_only,tls_only\n{SERIAL},1,true\n")[
        "tls_only"
    ].all()


def devices(text: str) -> pd.DataFrame:
    """Return the devices of a text."""
    return ct.read_devices(text)


def test_a_user_and_its_devices():
    """A user's note is on each of its devices, a device's own on this one; a flag is unknown."""
    rows = devices(
        '{"cn": "A", "cn": "B", "h323": "a", "devices": ['
        f'{{"hw": "{SERIAL}", "tls": true, "tls": false}}, {{"hw": "{OTHER}"}}]}}'
    )
    assert rows["hardware_id"].tolist() == [SERIAL, OTHER]
    assert rows["tls_only"].isna().tolist() == [True, False]
    assert rows["parse_error"].tolist() == [
        f"{FIRST.format('cn')}; {NONE.format('tls')}",
        FIRST.format("cn"),
    ]


def test_no_list_of_devices_is_lost():
    """Of two lists of devices both are read."""
    one, other = (f'[{{"hw": "{serial}"}}]' for serial in (SERIAL, OTHER))
    rows = devices(f'{{"h323": "a", "devices": {one}, "devices": {other}}}')
    assert rows["hardware_id"].tolist() == [SERIAL, OTHER]
    assert rows["parse_error"].isna().all()


@pytest.mark.parametrize(
    ("text", "name", "note"),
    [
        (
            record(("hwId", SERIAL), ("name", "A"), ("name", "B")),
            "A",
            FIRST.format("name"),
        ),
        (
            record(("hardware_id", SERIAL), ("tls_only", "1"), ("tls_only", "0")),
            None,
            NONE.format("tls_only"),
        ),
        (
            f"hardware_id;tls_only;tls_only\n{SERIAL};1;0\n",
            None,
            "the column tls_only is there twice, with different values; none is read",
        ),
    ],
)
def test_other_records_of_devices(text, name, note):
    """An inventory, our own records and tables say so too."""
    (row,) = devices(text).itertuples()
    assert (row.hardware_id, row.parse_error) == (SERIAL, note)
    assert row.long_name == name if name else pd.isna(row.long_name)
    assert pd.isna(row.tls_only)


@pytest.fixture(scope="module")
def two_certificates() -> list[str]:
    """Return two certificates as PEM."""
    return [
        ssl.DER_cert_to_PEM_cert(der)
        for der in small_fleet(6).certificates["der"].dropna()[:2]
    ]


def quoted(pem: str) -> str:
    """Return PEM as a cell of CSV."""
    return f'"{pem}"'


@pytest.mark.parametrize("form", ["json", "lines", "csv"])
def test_no_certificate_is_lost(form, two_certificates):
    """Of two certificates in one record both are read."""
    one, other = two_certificates
    line = record(("device", "a"), ("pem", one), ("pem", other))
    text = {
        "json": f"[\n{line}]",
        "lines": line + line,
        "csv": f"device;pem;pem\na;{quoted(one)};{quoted(other)}\n",
    }[form]
    read = ct.read_certificates(text)
    singles = ct.read_certificates(one + other)["fingerprint"]
    assert set(read["fingerprint"].dropna()) == set(singles)
    notes = set(read["parse_error"].dropna())
    expected = "given twice with different values: pem"
    assert notes == (set() if form == "csv" else {expected})


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            '{{"device": "a", "device": "b", "pem": {}}}',
            "given twice with different values: device",
        ),
        ("device;device;pem\na;b;{}\n", "a row that names several devices"),
    ],
)
def test_a_certificate_of_two_devices_is_of_none(text, note, two_certificates):
    """A certificate whose record names two devices keeps its own name."""
    pem = two_certificates[0]
    cell = json.dumps(pem) if text.startswith("{") else quoted(pem)
    read = ct.read_certificates(text.format(cell))
    assert note in read["parse_error"].tolist()
    alone = ct.read_certificates(pem)
    assert read["device"].dropna().tolist() == alone["device"].dropna().tolist()


def test_logs_of_network_monitors():
    """Connections of Suricata and Zeek have the note."""
    suricata = (
        '{"timestamp":"2026-11-30T09:00:00.1+0100","event_type":"tls","src_ip":"192.0.2.7",'
        '"src_ip":"192.0.2.8","dest_ip":"192.0.2.2","tls":{"version":"TLS 1.2"}}\n'
    )
    zeek = (
        '{"_path":"ssl","ts":1,"id.orig_h":"192.0.2.7","id.orig_p":1,"id.resp_h":"192.0.2.2",'
        '"id.resp_p":1300,"version":"TLSv12","version":"TLSv13","cipher":"x"}\n'
    )
    for log, key in ((suricata, "src_ip"), (zeek, "version")):
        (note,) = ct.handshakes(log.encode())["parse_error"]
        assert FIRST.format(key) in note
    table = (
        "#path\tssl\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tversion\n"
        "1\t192.0.2.7\t1\t192.0.2.2\t1300\tTLSv12\tTLSv13\n"
    )
    (note,) = ct.handshakes(table.encode())["parse_error"]
    assert FIRST.format("version") in note
