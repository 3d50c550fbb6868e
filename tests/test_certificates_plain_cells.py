"""Certificates in columns of tables: the quick way gives what the careful one gives."""

from __future__ import annotations

import base64
import csv
import gc
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples

import certtrust as ct
from certtrust import limits
from certtrust.certificates.blocks import Block
from certtrust.certificates.containers import contents, tables
from certtrust.certificates.plain_cells import certificates_of_each
from certtrust.certificates.regular_csv import regular
from certtrust.formats import About
from certtrust.x509 import reader

CHAINS = [
    path.read_bytes()
    for path in sorted(Path("data/fleet/certificates").glob("*.pem"))[:24]
]
DERS = [
    base64.b64decode("".join(block.split()))
    for chain in CHAINS
    for block in chain.decode().split("-----")[2::4]
]


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Return a cell that was damaged, or written in another way."""
    at = draw.randrange(len(data) + 1)
    way = draw.randrange(12)
    if way == 0:
        return data[:at]
    if way == 1:
        return data[:at] + draw.randbytes(1) + data[at + 1 :]
    if way == 2:
        return data[:at] + draw.choice((b"-", b":", b"\\", b" ", b"=")) + data[at:]
    if way == 3:
        return data.replace(b"\n", draw.choice((b"\r\n", b"\n\n", b"", b"\\n")))
    if way == 4:
        return draw.choice((b"\n", b"\xef\xbb\xbf", b"-----", b"key: ")) + data
    if way == 5:
        return data + draw.choice((b"\n\n ", b"text", b"\0", data, data[:99]))
    if way == 6:
        return data.replace(b"CERTIFICATE", b"PRIVATE KEY")
    if way == 7:
        return data[:at] + data[at + draw.randrange(4) :]
    return data


def cell(draw: random.Random) -> bytes:
    """Return a cell of one of the forms in which tables hold certificates."""
    form = draw.randrange(4)
    if form == 0:
        return mutated(draw.choice(CHAINS), draw)
    if form == 1:
        return mutated(draw.choice(DERS), draw)
    if form == 2:
        return mutated(base64.b64encode(draw.choice(DERS)), draw)
    return mutated(draw.choice(CHAINS) + draw.choice(CHAINS), draw)


def careful(data: bytes) -> list[Any]:
    """Return what a cell holds, without the blocks that only say so."""
    about = About("table", None, {"depth": 1})
    return [
        item.der if isinstance(item, Block) and item == Block(item.der) else item
        for item in contents(data, about)
    ]


@given(st.randoms(use_true_random=False))
def test_plain_cells_hold_what_the_careful_way_finds(draw: random.Random) -> None:
    """A cell that is taken as plain has the very certificates that its containers yield."""
    cells = [cell(draw) for _ in range(80)]
    for data, ders in zip(cells, certificates_of_each(cells), strict=True):
        assert not ders or ders == careful(data)


def test_ordinary_cells_are_plain() -> None:
    """PEM chains, DER and base64 take the quick way; other text between the blocks does not."""
    in_base64 = [base64.b64encode(der) for der in DERS]
    with_crlf = [chain.replace(b"\n", b"\r\n") for chain in CHAINS]
    for cells in (CHAINS * 3, DERS, in_base64, with_crlf * 3, [*CHAINS, *with_crlf]):
        assert all(certificates_of_each(cells))
    assert certificates_of_each([b"text\n" + CHAINS[0]]) == [()]


def _tables(cells: list[bytes], names: list[Any]) -> Iterator[bytes]:
    texts = [data.decode("latin-1") for data in cells]
    frame = pd.DataFrame({"device": names, "certificate": texts})
    yield frame.assign(certificate=cells).to_parquet()
    yield frame.to_parquet()
    yield frame.to_csv(index=False).encode()
    yield frame.to_json(orient="records").encode()
    yield "\n".join(map(json.dumps, frame.to_dict("records"))).encode()


@settings(max_examples=examples(20), deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 6))
def test_tables_are_read_alike(draw: random.Random, size: int) -> None:
    """Rows, errors, bundles and devices of a table are those of the careful way."""
    cells = [draw.choice((cell(draw), b"")) for _ in range(size)] + [CHAINS[0]]
    names = [draw.choice(("0090330a0b0c", "IP222-0a-0b-0c", None)) for _ in cells]
    for table in _tables(cells, names):
        quick = ct.read_certificates(table)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                tables, "certificates_of_each", lambda some: [[]] * len(some)
            )
            patch.setattr(reader, "_MOSTLY", -1)
            patch.setattr(tables, "regular", lambda *_: None)
            pd.testing.assert_frame_equal(quick, ct.read_certificates(table))


def test_depth_is_bounded_in_plain_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way minds the bound on containers within one another."""
    monkeypatch.setattr(limits, "CONTAINER_DEPTH", 1)
    table = pd.DataFrame({"certificate": [CHAINS[0].decode()]}).to_csv(index=False)
    (problem,) = ct.read_certificates(table)["parse_error"]
    assert problem == "more than 1 containers within one another"


def test_equal_certificates_are_read_once() -> None:
    """Repeated certificates of a batch have the columns of the first one, row by row."""
    repeated = [*DERS, *DERS[::-1], b"0", DERS[0], b"0"]
    quick = reader.read(repeated)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_MOSTLY", -1)
        every = reader.read(repeated)
    for name, column in every.items():
        assert list(quick[name]) == list(column), name


@settings(max_examples=examples(600))
@given(st.text(alphabet='a,;" \n\r\t', max_size=24), st.sampled_from(",;"))
def test_regular_csv_has_the_fields_that_csv_reads(text: str, separator: str) -> None:
    """Where CSV is taken as regular, `csv` finds the same records and fields."""
    table = regular(text.encode(), separator)
    if table is None:
        return
    lines = io.StringIO(text, newline="")
    header, *records = [
        record
        for record in csv.reader(lines, delimiter=separator, skipinitialspace=True)
        if record
    ] or [[]]
    assert table.header() == header
    width = max(map(len, records), default=1)
    cells = [
        [cell.decode() for cell in row if cell is not None]
        for row in zip(
            *(table.cells(at, 0, table.size) for at in range(width)), strict=True
        )
    ]
    assert cells == records


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ordinary_csv_is_regular(end: str) -> None:
    """What pandas and spreadsheets write takes the quick way, with quotes and without."""
    text = end.join(['a,"b"', '"1","2', '3"', "", "4,5"])
    table = regular(text.encode(), ",")
    assert table is not None
    assert table.header() == ["a", "b"]
    assert [table.cells(at, 1, 2) for at in range(3)] == [[b"4"], [b"5"], [None]]


def test_devices_of_a_column_have_one_spelling() -> None:
    """Whatever a batch of devices mixes, each is spelled as identities are compared."""
    names = ["0090332f688a", "00:90:33:2F:68:8A", "ip222-2F-68-8A", "Reception", None]
    frame = pd.DataFrame({"device": names, "certificate": DERS[0]})
    expected = ["0090332f688a", "0090332f688a", "IP222-2f-68-8a", "reception"]
    devices = ct.read_certificates(frame.to_parquet())["device"]
    assert devices.tolist()[:4] == expected
    serials = ct.read_certificates(frame.head(1).to_parquet())["device"]
    assert serials.tolist() == expected[:1]


def test_the_collector_runs_again_after_reading() -> None:
    """Reading holds the garbage collector back, and lets it go whatever happens."""

    def torn() -> Iterator[bytes]:
        yield DERS[0]
        raise RuntimeError("torn")

    ct.read_certificates(DERS[0])
    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="torn"):
        ct.read_certificates(torn())
    assert gc.isenabled()
