"""Device lists from strangers: no crash, no hang, and a row with its reason for what is wrong."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from certtrust import CerttrustError, limits, simulate
from certtrust.devices import read_devices, shared_hardware_ids


def reasons(data, **options) -> list:
    """Return why each row could not be read."""
    return read_devices(data, **options)["parse_error"].tolist()


def parquet(columns: dict | list, names: list[str] | None = None) -> bytes:
    """Return columns as a Parquet file."""
    table = pa.table(columns, names=names) if names else pa.table(columns)
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


class TestNesting:
    """What is nested too deep is told, on every Python."""

    @pytest.mark.parametrize("levels", [101, 1000, 100_000])
    def test_json(self, levels):
        """RecursionError of one Python is no error of another."""
        assert reasons("[" * levels + "1" + "]" * levels) == [
            "line 1 is not JSON that is read: nested more than 100 levels deep"
        ]

    def test_json_of_as_many_levels_as_are_read(self, monkeypatch):
        """The bound is a setting."""
        monkeypatch.setattr(limits, "NESTING", 5)
        user = '{"h323": "a", "devices": [{"hw": "0090332f688a"}]}'
        assert read_devices(f"[[{user}]]")["user"].tolist() == ["a"]
        assert reasons(f"[[[{user}]]]") == [
            "line 1 is not JSON that is read: nested more than 5 levels deep"
        ]

    def test_xml(self):
        """What was read before counts."""
        user = '<user h323="a"><device hw="0090332f688a"/></user>\n'
        table = read_devices(user + "<a>" * 40_000 + "<device/>" * 40_000)
        assert table["user"].tolist()[0] == "a"
        assert table["parse_error"].tolist()[1:] == [
            "nested more than 100 levels deep: read up to line 2"
        ]

    def test_xml_as_text_in_xml(self):
        """As SOAP answers have it, with a declaration of its own."""
        user = '<user h323="a"><device hw="0090332f688a"/></user>'
        xml = f"<a>&lt;?xml version='1.0'?>{user.replace('<', '&lt;')}</a>"
        assert read_devices(xml)["user"].tolist() == ["a"]


class TestTornJson:
    """A torn value costs its own line; what follows is read."""

    def test_values_over_several_lines(self):
        """They need not stand on one line each."""
        user = json.dumps(
            {"h323": "a", "devices": [{"hw": "0090332f688a"}]}, indent=1
        )
        table = read_devices(f"{user}\n{user}\n[1,\n{user}")
        assert table["user"].dropna().tolist() == ["a", "a", "a"]
        assert table["parse_error"].dropna().tolist() == [
            "line 17 is not JSON: Expecting ',' delimiter"
        ]

    def test_every_torn_line_has_its_row(self):
        """None is lost."""
        assert len(reasons("[1,1,\n" * 90)) == 90

    def test_a_number_of_many_digits(self):
        """Python refuses to convert it."""
        assert "line 1 is not JSON" in reasons("[" + "1" * 5000 + "]")[0]


class TestSurrogates:
    """Half a character is shown as a question mark."""

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (r'{"\ud800": 1}', "not a PBX object: its keys are ?"),
            (r'{"mt": "\udfff"}', "a message ? without a PBX object or a device"),
            ('{"\ud800": 1}', "not a PBX object: its keys are ?"),
        ],
    )
    def test_in_a_reason(self, text, reason):
        """A reason quotes keys and kinds of messages."""
        assert reasons(text) == [reason]

    def test_in_a_device(self):
        """Every cell can be written to a file."""
        user = r'{"h323": "\ud800", "loc": "x\udfff", "devices": [{"hw": "\ud800"}]}'
        table = read_devices(user)
        assert table.loc[0, ["user", "pbx", "hardware_id"]].tolist() == [
            "?",
            "x?",
            "?",
        ]


class TestColumnsTwice:
    """Of two columns of one name the first counts, and a row where they differ says so."""

    NOTE = "the column hardware_id is there twice, with different values; the first is read"
    ROWS = (
        ("0090332f688a", "0090332f688b"),
        ("0090332f688a", "0090332f688a"),
        ("", "0090332f688a"),
    )

    def check(self, table):
        """Compare with what `ROWS` should give."""
        assert table["serial"].tolist() == ["0090332f688a"] * 3
        assert table["parse_error"].fillna("").tolist() == [self.NOTE, "", ""]

    def test_csv(self):
        """Names differ in case only."""
        lines = ["hardware_id,Hardware_ID", *map(",".join, self.ROWS)]
        self.check(read_devices("\n".join(lines)))

    def test_parquet(self):
        """Which may have any columns."""
        columns = [pa.array(column) for column in zip(*self.ROWS, strict=True)]
        self.check(read_devices(parquet(columns, ["hardware_id"] * 2)))


class TestParquet:
    """A file that claims more than it holds, or holds something else."""

    def test_rows_out_of_nothing(self):
        """Runs of one value take no room."""
        data = parquet({"serial": pa.nulls(5_000_000, pa.string())})
        assert reasons(data) == [
            f"5,000,000 rows in {len(data):,} bytes; 1,000,000 are the most that is read"
        ]

    def test_a_table_of_ours_with_a_column_of_another_type(self):
        """Each row gets its reason."""
        from certtrust.schema import DEVICES
        from certtrust.table_files import write_parquet

        file = io.BytesIO()
        write_parquet(simulate(3, seed=1).devices, DEVICES, file)
        stored = pq.read_table(file)
        index = stored.schema.get_field_index("tls_only")
        words = pa.array(["maybe"] * len(stored))
        changed = stored.set_column(index, "tls_only", words)
        file = io.BytesIO()
        pq.write_table(changed, file)
        assert reasons(file.getvalue()) == [
            "tls_only is neither true nor false"
        ] * len(stored)


def test_a_header_that_is_no_csv():
    """A cell beyond what the csv module takes is no crash."""
    assert len(reasons(b"\r\x00", format="csv")) == 1
    header = 'hardware_id,"' + "x" * 200_000
    assert len(reasons(f"{header}\n0090332f688a,y", format="csv")) == 1


def test_xml_without_users_has_its_reason():
    """It is not lost."""
    assert reasons("<a><b/></a>") == ["XML without a user element"]


@pytest.mark.parametrize("form", [5, ["csv"], "x", b"csv"])
def test_formats_that_there_are_not(form):
    """The error names those that there are."""
    with pytest.raises(CerttrustError, match="there is no format"):
        read_devices("x\ny", format=form)


@pytest.mark.parametrize("table", [None, 5, simulate(1, seed=1)])
def test_what_is_no_table_of_devices(table):
    """The error names table and remedy."""
    with pytest.raises(CerttrustError, match=r"DEVICES.*read_devices"):
        shared_hardware_ids(table)


def test_a_table_without_a_column():
    """The error names it."""
    table = read_devices("<a/>").drop(columns="number")
    with pytest.raises(CerttrustError, match=r"DEVICES lacks the columns number"):
        shared_hardware_ids(table)
