"""Tables as files of data: what was written is read again, value by value, and gives the same
results.
"""

import dataclasses
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples

import certtrust as ct
from certtrust import schema
from certtrust.table_files import read_csv, read_parquet, write_csv, write_parquet
from certtrust.testing import small_fleet

FLEET = small_fleet(25)
URLS = [f"https://phone{number}.example.com/" for number in range(3)]
ATTEMPTS = schema.conform(
    pd.concat(
        [
            ct.attempts(FLEET),
            ct.browser_attempts(
                FLEET.certificates.head(1), URLS, FLEET.trust, links=FLEET.links
            ),
        ],
        ignore_index=True,
    ),
    schema.ATTEMPTS,
)
RESULTS = ct.check(ATTEMPTS)
FRAMES = {
    "CERTIFICATES": FLEET.certificates,
    "TRUST": FLEET.trust,
    "LINKS": FLEET.links,
    "DEVICES": FLEET.devices,
    "REGISTRATIONS": FLEET.registrations[schema.REGISTRATIONS.names],
    "ATTEMPTS": ATTEMPTS[schema.ATTEMPTS.names],
    "RESULTS": RESULTS.drop(
        columns=["true_cause", "true_failed", "decidable", "all_decidable"]
    ),
}
# No carriage return, quote, separator or sign of any alphabet may be lost; surrogates are no text.
TEXTS = st.text(
    st.sampled_from('a",;\t\r\n \\[]{}=+ä€\x00\u2028𝄞')
    | st.characters(codec="utf-8"),
    max_size=8,
)
VALUES = {
    schema.TEXT: TEXTS,
    schema.WORD: TEXTS.filter(bool) | st.sampled_from(["up", "down"]),
    schema.FLAG: st.booleans(),
    schema.COUNT: st.integers(-(2**63), 2**63 - 1),
    schema.MOMENT: st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999).map(
        lambda microseconds: pd.Timestamp(microseconds, unit="us", tz="UTC").as_unit(
            "us"
        )
    ),
    schema.LIST: st.lists(TEXTS, max_size=3),
    schema.BYTES: st.binary(max_size=20),
}


def with_holes(
    frame: pd.DataFrame, table: schema.Table, data: st.DataObject
) -> pd.DataFrame:
    """Return some rows of a frame with values lost or replaced by any other of their type."""
    rows = data.draw(st.lists(st.integers(0, len(frame) - 1), max_size=5))
    made = frame.iloc[rows].copy()
    for column in data.draw(st.lists(st.sampled_from(table.columns), max_size=6)):
        cells = made[column.name].astype("object").tolist()
        values = VALUES.get(column.dtype, st.none())
        for row in range(len(cells)):
            if data.draw(st.booleans()):
                cells[row] = data.draw(st.none() | values)
        series = pd.Series(index=made.index, dtype="object")
        series[:] = (
            pd.Series([*cells, None], dtype="object").iloc[:-1].set_axis(made.index)
        )
        kept = column.dtype in (schema.LIST, schema.BYTES, schema.OBJECT)
        made[column.name] = series if kept else series.astype(column.dtype)
    return made


def as_parquet(frame: pd.DataFrame, table: schema.Table) -> pd.DataFrame:
    """Return a frame after it was a Parquet file."""
    file = io.BytesIO()
    write_parquet(frame, table, file)
    file.seek(0)
    return read_parquet(file, table)


def as_csv(frame: pd.DataFrame, table: schema.Table) -> pd.DataFrame:
    """Return a frame after it was a CSV file."""
    file = io.BytesIO()
    write_csv(frame, table, file)
    return read_csv(file.getvalue(), table)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame as CSV can give it: rows numbered, words with the categories that occur."""
    words = [
        name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)
    ]
    texts = {name: frame[name].astype("str").astype("category") for name in words}
    return frame.assign(**texts).reset_index(drop=True)


@pytest.mark.parametrize("name", FRAMES)
def test_every_table_is_read_again_as_it_was(name):
    """In both forms, with every type and every row."""
    frame, table = FRAMES[name], schema.TABLES[name]
    assert len(frame)
    pd.testing.assert_frame_equal(as_parquet(frame, table), frame)
    pd.testing.assert_frame_equal(plain(as_csv(frame, table)), plain(frame))
    pd.testing.assert_frame_equal(as_parquet(frame.iloc[:0], table), frame.iloc[:0])
    pd.testing.assert_frame_equal(
        plain(as_csv(frame.iloc[:0], table)), plain(frame.iloc[:0])
    )


@given(name=st.sampled_from(sorted(FRAMES)), data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_whatever_the_values_are(name, data):
    """Empty text is not missing text, an empty list no missing list, and no sign gets lost."""
    table = schema.TABLES[name]
    frame = with_holes(FRAMES[name], table, data)
    pd.testing.assert_frame_equal(as_parquet(frame, table), frame)
    pd.testing.assert_frame_equal(plain(as_csv(frame, table)), plain(frame))


@given(name=st.sampled_from(["DEVICES", "REGISTRATIONS"]), data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_readers_give_their_own_table_as_it_was_written(name, data):
    """Whatever stands in it, since nothing is completed or read anew."""
    table = schema.TABLES[name]
    frame = with_holes(FRAMES[name], table, data)
    read = {"DEVICES": ct.read_devices, "REGISTRATIONS": ct.read_registrations}[name]
    for write in (write_parquet, write_csv):
        file = io.BytesIO()
        write(frame, table, file)
        pd.testing.assert_frame_equal(plain(read(file.getvalue())), plain(frame))


@pytest.mark.parametrize("form", [as_parquet, as_csv])
def test_attempts_and_results_give_the_same_results(form):
    """Judged, explained and counted again, they say what they said."""
    attempts = form(ATTEMPTS, schema.ATTEMPTS)
    pd.testing.assert_frame_equal(
        plain(ct.check(attempts, at=RESULTS["judged_at"])),
        as_extra(plain(RESULTS), form),
    )
    results = form(RESULTS, schema.RESULTS)
    pd.testing.assert_frame_equal(
        plain(ct.findings(results)), plain(ct.findings(RESULTS))
    )
    pd.testing.assert_frame_equal(
        plain(ct.causes(results)), plain(ct.causes(RESULTS))
    )
    of_log = len(RESULTS) - len(URLS)
    pd.testing.assert_frame_equal(
        ct.remedies(FLEET, results.head(of_log)),
        ct.remedies(FLEET, RESULTS.head(of_log)),
    )


def as_extra(frame: pd.DataFrame, form: object) -> pd.DataFrame:
    """Return results with the columns beyond the table as a form can give them: CSV knows no
    words there.
    """
    return (
        frame.assign(true_cause=frame["true_cause"].astype("str"))
        if form is as_csv
        else frame
    )


def test_pandas_itself_writes_results_and_reads_them():
    """A user needs no function of this package for it."""
    file = io.BytesIO()
    RESULTS.to_parquet(file)
    results = pd.read_parquet(file)
    again = ct.check(results, at=RESULTS["judged_at"])
    for name in ("verdict", "cause"):
        assert again[name].astype("str").equals(RESULTS[name].astype("str"))
    findings = ["code", "passed", "why", "remedy"]
    pd.testing.assert_frame_equal(
        ct.findings(results)[findings], ct.findings(RESULTS)[findings]
    )
    pd.testing.assert_frame_equal(
        as_parquet(results, schema.RESULTS), as_parquet(RESULTS, schema.RESULTS)
    )


def test_a_file_of_another_table_says_so():
    """With the table, and what is wrong."""
    with pytest.raises(ct.CerttrustError, match="table LINKS"):
        read_parquet(io.BytesIO(b"PAR1PAR1"), schema.LINKS)
    for content in (
        b"",
        b"child,verified\na,perhaps\n",
        b"child,child\na,b\n",
        b"child,x\n1\n",
    ):
        with pytest.raises(ct.CerttrustError, match="table LINKS"):
            read_csv(content, schema.LINKS)
    with pytest.raises(ct.CerttrustError, match="table CERTIFICATES"):
        read_csv(b"der,dns_names\n?,[\n", schema.CERTIFICATES)


INDEXES = [
    pd.RangeIndex(4),
    pd.Index(list("baba"), name="site", dtype="str"),
    pd.DatetimeIndex(
        ["2026-03-02", "2026-03-01", "2026-03-04", None], tz="UTC", name="day"
    ),
    pd.Index([7, 7, -1, 0]),
]


@pytest.mark.parametrize("index", INDEXES, ids=str)
@pytest.mark.parametrize("linked", [True, False])
def test_a_saved_fleet_is_read_as_it_was(tmp_path, index, linked):
    """Links, index, further columns and categories included."""
    tables = {
        name: getattr(FLEET, name).head(4).set_axis(index)
        for name in ct.fleet.FOLDERS
    }
    fleet = ct.Fleet(**tables, links=FLEET.links if linked else None)
    again = ct.read_fleet(fleet.save(tmp_path / "saved"))
    for name in (*ct.fleet.FOLDERS, *(["links"] if linked else [])):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(fleet, name))
    assert (again.links is None) is not linked


def test_a_saved_fleet_gives_the_same_results(tmp_path):
    """From attempts to remedies."""
    again = ct.read_fleet(FLEET.save(tmp_path))
    results = ct.check(ct.attempts(again))
    pd.testing.assert_frame_equal(results, ct.check(ct.attempts(FLEET)))
    pd.testing.assert_frame_equal(
        ct.remedies(again, results), ct.remedies(FLEET, results)
    )


def test_saving_again_replaces_what_was_saved(tmp_path):
    """And leaves nothing behind that belongs to another fleet."""
    FLEET.save(tmp_path)
    dataclasses.replace(FLEET, devices=FLEET.devices.head(1), links=None).save(
        tmp_path
    )
    again = ct.read_fleet(tmp_path)
    assert len(again.devices) == 1
    assert again.links is None
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet"}


def test_a_fleet_is_saved_nowhere_near_other_files(tmp_path):
    """They would be lost or read as part of it."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ct.CerttrustError, match="already contains something"):
        FLEET.save(tmp_path)
    (tmp_path / "notes.txt").unlink()
    FLEET.save(tmp_path)
    (tmp_path / "trust").mkdir()
    with pytest.raises(ct.CerttrustError, match="keep one of the two"):
        ct.read_fleet(tmp_path)
    (tmp_path / "trust").rmdir()
    (tmp_path / "trust.parquet").unlink()
    with pytest.raises(ct.CerttrustError, match=r"without trust\.parquet"):
        ct.read_fleet(tmp_path)
    (tmp_path / "trust.parquet").write_bytes(b"PAR1")
    with pytest.raises(ct.CerttrustError, match="table TRUST"):
        ct.read_fleet(tmp_path)


@pytest.mark.parametrize("name", ["DEVICES", "REGISTRATIONS"])
def test_a_byte_order_mark_before_a_written_table_changes_nothing(name):
    """Spreadsheets put one there when they save; cells may hold line ends."""
    table = getattr(schema, name)
    frame = getattr(small_fleet(), name.lower()).assign(source="a\nb")
    file = io.BytesIO()
    write_csv(frame, table, file)
    written, marked = file.getvalue(), b"\xef\xbb\xbf" + file.getvalue()
    pd.testing.assert_frame_equal(read_csv(marked, table), read_csv(written, table))
    reader = {"DEVICES": ct.read_devices, "REGISTRATIONS": ct.read_registrations}[
        name
    ]
    pd.testing.assert_frame_equal(reader(marked), reader(written))


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf\xef\xbb\xbf"time"\n1\n',
        b"a" * 200_000 + b"\n1\n",
        b"\xff\n1\n",
        b"",
    ],
)
def test_what_is_no_csv_of_a_table_says_so(content):
    """A heading that Python's and Arrow's CSV take for different names is refused."""
    with pytest.raises(ct.CerttrustError, match="not a file of the table LINKS"):
        read_csv(content, schema.LINKS)
