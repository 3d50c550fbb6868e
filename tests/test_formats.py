"""Formats: every module of a folder is listed and complete, and reads a file from its
beginning.
"""

import gzip
import io
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrust import devices, registrations
from certtrust.errors import CerttrustError
from certtrust.formats import HEAD, About, as_text, begin, listed, recognise
from certtrust.registrations.field_values import Notes
from certtrust.registrations.record_fields import from_fields

COMPLETE = (
    'NAME = "one"\ndef sniff(head): return '
    'head.startswith(b"1")\ndef read(stream, about): return iter(())\n'
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that makes a package of modules and lists them."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(names, **modules):
        folder = tmp_path / "folder_of_formats"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(source)
        try:
            return listed("folder_of_formats", names, helpers=("helper",))
        finally:
            for name in [
                name for name in sys.modules if name.startswith("folder_of_formats")
            ]:
                del sys.modules[name]

    return make


def test_a_complete_list_gives_the_formats_in_its_order(package):
    """The keys are the names of the formats; helpers are left out."""
    other = COMPLETE.replace("one", "two").replace("1", "2")
    formats = package(("b", "a"), a=COMPLETE, b=other, helper="")
    assert list(formats) == ["two", "one"]
    assert recognise(formats.values(), b"12") is formats["one"]
    assert recognise(formats.values(), b"3") is None


@pytest.mark.parametrize(
    ("names", "modules", "missing"),
    [
        (
            ("a",),
            {"a": COMPLETE, "b": COMPLETE},
            r"folder_of_formats\.b is not in the list",
        ),
        (("a", "b"), {"a": COMPLETE}, r"lists the format b, but has no b\.py"),
        (
            ("a",),
            {"a": COMPLETE.replace("NAME", "TITLE")},
            "a is listed as a format but has no NAME",
        ),
        (("a",), {"a": COMPLETE.replace("sniff", "look")}, "has no sniff"),
        (("a",), {"a": COMPLETE.replace("read", "parse")}, "has no read"),
        (("a", "b"), {"a": COMPLETE, "b": COMPLETE}, "two formats are called 'one'"),
    ],
)
def test_an_incomplete_list_or_format_is_refused(package, names, modules, missing):
    """The error names the missing file, line or part of the format."""
    with pytest.raises(CerttrustError, match=missing):
        package(names, **modules)


@given(
    data=st.binary(max_size=50)
    | st.integers(0, 3).map(lambda extra: bytes(HEAD + extra)),
    zipped=st.booleans(),
)
def test_a_format_sees_the_file_from_its_beginning(data, zipped):
    """The stream need not be seekable."""
    stream = (
        gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(data)))
        if zipped
        else io.BytesIO(data)
    )
    if zipped:
        stream.seekable = lambda: False
    head, restarted = begin(stream)
    assert head == data[:HEAD]
    assert restarted.read(7) + restarted.read() == data


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_beginning_is_text_in_every_encoding(encoding):
    """A cut in the middle of a character does not damage others."""
    assert as_text("ID\tä€".encode(encoding)[:-1]).startswith("ID\tä")


@pytest.mark.parametrize(
    "formats",
    [devices.FORMATS, registrations.formats.FORMATS],
    ids=["devices", "registrations"],
)
@given(
    head=st.binary(max_size=200)
    | st.text(st.sampled_from('{[<,;|\t"=\n aID'), max_size=60).map(str.encode)
)
def test_recognising_a_format_never_raises(formats, head):
    """A format reads whatever it recognises without raising."""
    for form in formats.values():
        if form.sniff(head) and form.NAME != "parquet":
            list(form.read(io.BytesIO(head), About("name")))


def test_a_misspelled_field_is_named() -> None:
    """The error names the field, so that its data are not lost silently."""
    notes = Notes(pa.nulls(1, pa.large_string()))
    with pytest.raises(CerttrustError, match="fields serail;"):
        from_fields({"serail": pa.array(["0090332f688a"], pa.large_string())}, notes)
    with pytest.raises(CerttrustError, match="cells long_nam;"):
        devices._table([{"long_nam": "Reception"}])
