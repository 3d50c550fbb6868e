"""A fleet on a Dask cluster: the same rows as on one machine, each accounted for."""

from __future__ import annotations

import dataclasses
import io
import itertools
import random
import shutil
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples, first

import certtrust as ct
from certtrust.errors import CerttrustError, SourceError
from certtrust.registrations import ranges, reading, to_frame
from certtrust.scale import cluster as cluster_module
from certtrust.scale import dealing, files, frames, joining, planning
from certtrust.scale.here import as_here
from certtrust.sources import Source
from certtrust.testing import assert_frames_equal, small_fleet

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")

FLEET = "data/fleet"
AT = "2026-10-09"


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of one thread, for all tests of this file."""
    client = ct.scale.connect(workers=2)
    yield client
    client.close()


@pytest.fixture(scope="module")
def fleet(cluster):  # noqa: ARG001
    """The example fleet, read by the workers in small partitions, and kept by them."""
    read = ct.scale.read_fleet(FLEET, part_bytes=600_000)
    return dataclasses.replace(
        read,
        certificates=read.certificates.persist(),
        registrations=read.registrations.persist(),
    )


@pytest.fixture(scope="module")
def results(fleet):
    """Its results, kept by the workers."""
    return ct.scale.check(ct.scale.attempts(fleet, parts=2), at=AT).persist()


@pytest.fixture(scope="module")
def one_machine():
    """The example fleet and its results on one machine."""
    read = ct.read_fleet(FLEET)
    return read, ct.check(ct.attempts(read), at=AT)


def test_results_are_those_of_one_machine(results, one_machine):
    """Row for row, label for label, with the same dtypes."""
    whole = ct.scale.collect(results)
    assert whole.index.equals(one_machine[1].index)
    assert_frames_equal(whole, one_machine[1])
    assert list(map(str, whole.dtypes)) == list(map(str, one_machine[1].dtypes))


def test_findings_and_causes_are_those_of_one_machine(results, one_machine):
    """Answers that partitions give together are those of the whole."""
    assert_frames_equal(
        ct.scale.collect(ct.scale.findings(results)), ct.findings(one_machine[1])
    )
    for by in (None, ["model", "pbx"]):
        expected = ct.causes(one_machine[1], by)
        assert_frames_equal(ct.scale.causes(results, by), expected)


def test_every_row_is_accounted_for(fleet, results, one_machine):
    """As many rows of each source as on one machine, and an attempt for each registration."""
    for table in ("devices", "trust"):
        assert_frames_equal(getattr(fleet, table), getattr(one_machine[0], table))
    account = ct.scale.account(fleet, results)
    for table, group in account.groupby("table"):
        rows = getattr(one_machine[0], table)
        sizes = rows.groupby("source", sort=False).size()
        assert dict(zip(group["source"], group["rows"], strict=True)) == dict(sizes)
        assert group["unread"].sum() == rows["parse_error"].notna().sum()
    log = account[account["table"] == "registrations"]
    assert log["complete"].all()
    assert log["attempts"].sum() == len(one_machine[1])


@pytest.mark.usefixtures("cluster")
def test_a_torn_and_a_vanished_file_cost_their_own_rows(tmp_path):
    """Each has a row with its reason, and the others are read."""
    for name in ("a", "b", "c"):
        log = "time,state,serial\n1700000000,up,0090332f688a\n"
        (tmp_path / f"{name}.csv").write_text(log)
    (tmp_path / "b.csv").write_bytes(b'time,state,serial\n1700000000,up,"0090')
    rows = ct.scale.read_registrations(f"{tmp_path}/*.csv", part_bytes=10)
    (tmp_path / "c.csv").unlink()
    whole = ct.scale.collect(rows)
    assert whole["serial"].tolist()[:1] == ["0090332f688a"]
    assert len(whole) == 3
    assert "unreadable file" in whole["parse_error"].iloc[2]
    assert whole["parse_error"].notna().tolist() == [False, True, True]


@pytest.mark.usefixtures("cluster")
def test_device_entries_in_an_archive_are_those_of_one_machine(tmp_path):
    """A member of an archive cannot be sent to a worker, and is read beside the others."""
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "a.pem").write_text("nothing")
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "a.csv").write_text("pbx,serial\ngraz,0090332f688a\n")
    with zipfile.ZipFile(tmp_path / "devices" / "b.zip", "w") as archive:
        archive.writestr("c.csv", "pbx,serial\ngraz,0090332f688b\n")
    (tmp_path / "devices" / "d.csv").write_text("pbx,serial\nwien,0090332f688c\n")
    devices = ct.scale.read_fleet(tmp_path, part_bytes=1000).devices
    assert devices["serial"].str[-1].tolist() == ["a", "b", "c"]
    assert_frames_equal(devices, ct.read_fleet(tmp_path).devices)


@pytest.mark.exhaustive
def test_what_is_written_is_read_by_one_machine(fleet, one_machine, tmp_path):
    """Parquet of partitions, as a fleet and by each reader."""
    for name in ("certificates", "registrations"):
        ct.scale.to_parquet(getattr(fleet, name), tmp_path / name)
    assert len(list((tmp_path / "certificates").iterdir())) > 1
    again = ct.read_fleet(tmp_path)
    for name in ("certificates", "registrations"):
        assert_frames_equal(getattr(again, name), getattr(one_machine[0], name))
    with pytest.raises(CerttrustError, match="already contains"):
        ct.scale.to_parquet(fleet.certificates, tmp_path / "certificates")


# Without a cluster


def _whole(data, chosen):
    source = Source("log", 1.7e9, None, lambda: io.BytesIO(data))
    return to_frame.frame_of(reading.tables([source], chosen, progress=False))


def _in_ranges(data, size, chosen):
    """Return the rows of a log that is read in ranges, and how many there are."""
    begins = ranges.beginning(lambda: io.BytesIO(data), chosen)
    if begins is None:
        return None
    cuts = files.divided(len(data), begins, size)
    if len(cuts) < 2:
        return None
    counts = [ranges.count(lambda: io.BytesIO(data), *cut) for cut in cuts]
    source = Source("log", 1.7e9, None, lambda: io.BytesIO(data))
    parts = [
        ranges.read_range(source, *cut, begins, counts[:number], chosen)
        for number, cut in enumerate(cuts)
    ]
    return pd.concat(parts, ignore_index=True)


def _logs():
    serials = [f"00903300{number:04x}" for number in range(1800)]
    states = itertools.cycle(("up", "rejected", "timeout", "x,y"))
    rows = list(zip(serials, states, strict=False))
    noise = "." * 30
    return {
        "csv": "a title\nsep=,\ntime,state,serial,details\n"
        + "".join(f"1700000000,{state},{serial},{noise}\n" for serial, state in rows),
        "json": "".join(
            f'{{"time":17000,"state":"{state}","serial":"{serial}","details":"{noise}"}}\n'
            for serial, state in rows
        ),
        "syslog": "".join(
            f"<134>Mar  1 10:00:00 host app: name={serial} state={state} {noise}\r\n"
            for serial, state in rows
        ),
        "own stamps": "".join(
            f"25/03/2026 10:00:00 [x] name={serial} state={state} {noise}\n"
            for serial, state in rows
        ),
        "query": "".join(
            f"event=syslog&time=17000&msg=name={serial}+state={state}{noise}\n"
            for serial, state in rows
        ),
    }


@pytest.mark.parametrize("name", first(_logs(), 2))
@settings(max_examples=examples(20))
@given(data=st.data())
def test_a_log_in_ranges_is_the_log(name, data):
    """Whatever the ranges, and whatever is torn, foreign or overlong in it."""
    text = _logs()[name].encode()
    chance = random.Random(data.draw(st.integers(0, 1 << 30)))
    junk = (
        b"\xff\xfe\n",
        b'{"time": 1}\n',
        b"\n",
        b"a" * 70_000 + b"\n",
        b'"',
        b"\r",
    )
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(junk) + text[at:]
    chosen = reading.options(None, None, 1)
    rows = _in_ranges(text, chance.randrange(1, 60_000), chosen)
    if rows is not None:
        assert_frames_equal(rows, _whole(text, chosen))


@pytest.mark.parametrize(
    "data",
    [
        b"time,state,serial\n1700000000,up,0090332f688a\n",
        _logs()["csv"].encode("utf-16"),
        b"\x1f\x8b" + bytes(100_000),
        b"[\n" + b'{"time": 1,\n "state": "up"},\n' * 5000 + b"{}]",
        b"x" * 1_000_000,
    ],
    ids=["short", "UTF-16", "compressed", "one document", "one line"],
)
def test_what_cannot_be_divided_by_lines_is_one_partition(data):
    """Such a file has no beginning that other ranges could be read behind."""
    chosen = reading.options(None, None, 1)
    assert ranges.beginning(lambda: io.BytesIO(data), chosen) is None


def test_a_private_key_in_a_log_is_noticed_at_any_boundary():
    """Its lines can be told only from its first one on, so that such a log is not divided."""
    log = _logs()["syslog"].encode()
    key = b"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
    data = log + key + log
    cuts = files.divided(len(data), 70_000, 70_000)
    counts = [ranges.count(lambda: io.BytesIO(data), *cut) for cut in cuts]
    assert sum(held.has_key for held in counts) >= 1
    assert sum(held.lines for held in counts) == data.count(b"\n")


@pytest.mark.parametrize("count", [1, 2, 3, 8, 40])
def test_rows_arrive_in_the_partition_of_their_part(count):
    """Dask deals by a hash of its own, which is used to reach each partition."""
    rows = pd.DataFrame({"number": np.arange(count)})
    parts = [dask.delayed(dealing.parcels(rows, np.arange(count)))] * 5
    shuffled = joining._shuffled(parts, count)
    for number, packed in enumerate(dask.compute(*shuffled, scheduler="sync")):
        arrived = dealing.unpacked(packed, rows.head(0))
        assert arrived["number"].tolist() == [number] * 5


def _slices(frame, labels, count):
    """Return a Dask frame of consecutive rows, those of one label together."""
    code = pd.factorize(labels)[0]
    step = max(1, -(-(code.max(initial=0) + 1) // count))
    parts = [
        dask.delayed(frame[code // step == number].reset_index(drop=True))
        for number in range(count)
    ]
    return frames.from_parts(parts, frame.head(0))


def _on_dask(fleet, slices):
    log = fleet.registrations
    return dataclasses.replace(
        fleet,
        certificates=_slices(
            fleet.certificates, fleet.certificates["bundle"], slices
        ),
        registrations=_slices(log, np.arange(len(log)), slices + 1),
    )


@pytest.mark.parametrize(
    ("seed", "of"), first(itertools.product((2, 1, 0), ("log", "devices")))
)
def test_attempts_of_parts_are_those_of_the_fleet(seed, of):
    """Row for row, however a fleet is cut, with links and without."""
    fleet = small_fleet(25, seed=seed)
    fleet = dataclasses.replace(fleet, links=fleet.links if seed else None)
    attempts = joining._joined(_on_dask(fleet, 1 + seed), of, 1 + seed)
    parts = dask.compute(*attempts.to_delayed(), scheduler="sync")
    whole = frames.together(parts)
    expected = ct.attempts(fleet, of)
    assert whole.index.equals(expected.index)
    assert_frames_equal(whole, expected)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("seed", "of"), [(2, "log"), (1, "log"), (0, "devices")])
def test_the_plan_of_parts_is_that_of_the_fleet(monkeypatch, seed, of):
    """Action by action, in every word; parts give their cases."""
    monkeypatch.setattr(planning, "computed", _here)
    fleet = small_fleet(25, seed=seed)
    fleet = dataclasses.replace(fleet, links=None if seed == 1 else fleet.links)
    large = _on_dask(fleet, 3)
    results = ct.scale.check(joining._joined(large, of, 3), at=AT)
    plan = ct.scale.remedies(large, results)
    expected = ct.remedies(fleet, ct.check(ct.attempts(fleet, of), at=AT))
    assert len(plan)
    assert_frames_equal(plan, expected)


def _here(tasks, *, progress=None):  # noqa: ARG001
    return list(dask.compute(*tasks, scheduler="sync"))


def test_a_fleet_with_nothing_in_it_has_no_attempts():
    """Empty frames are no error."""
    fleet = small_fleet(3)
    nothing = ct.Fleet(*(getattr(fleet, name).head(0) for name in ct.fleet.FOLDERS))
    attempts = joining._joined(_on_dask(nothing, 2), "log", 2)
    parts = dask.compute(*attempts.to_delayed(), scheduler="sync")
    assert_frames_equal(frames.together(parts), ct.attempts(nothing))


def test_files_are_named_as_on_one_machine(tmp_path):
    """By folder, glob, path and several of them; far away, by what fsspec lists."""
    shutil.copytree(f"{FLEET}/registrations", tmp_path / "logs")
    (tmp_path / "logs" / ".hidden").write_text("x")
    for source in (str(tmp_path), f"{tmp_path}/logs/*", [f"{tmp_path}/logs"]):
        expected = ct.read_registrations(source)["source"].drop_duplicates()
        assert [file.name for file in files.files_of(source)] == expected.tolist()
    listed = [file.name for file in files.files_of(f"file://{tmp_path}")]
    assert listed == [file.name for file in files.files_of(str(tmp_path))]
    import fsspec

    store = fsspec.filesystem("memory")
    store.put(f"{tmp_path}/logs", "/certtrust-test/logs", recursive=True)
    far = files.files_of("memory://certtrust-test")
    assert [file.name for file in far] == listed
    rows = ct.read_registrations([item for file in far for item in file.unit()])
    near = ct.read_registrations(str(tmp_path))
    assert_frames_equal(rows.drop(columns="time_by"), near.drop(columns="time_by"))
    with pytest.raises(SourceError, match="no file matches"):
        files.files_of("memory://certtrust-test/nothing/*.csv")
    with pytest.raises(SourceError, match="cannot be listed"):
        files.files_of("nonsense://bucket/*")


def test_without_dask_it_says_what_to_install(monkeypatch):
    """The first call names the extra."""
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(CerttrustError, match=r"pip install 'certtrust\[scale\]'"):
        ct.scale.read_certificates(FLEET)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ct.scale.connect("tcp://127.0.0.1:1"), "no scheduler of Dask"),
        (lambda: ct.scale.connect(workers=0), "workers must be 1 or more"),
        (lambda: ct.scale.collect(pd.DataFrame()), "not DataFrame"),
        (lambda: ct.scale.attempts(None), "NoneType"),
        (lambda: ct.scale.attempts(small_fleet(3), of="x"), "made from 'log'"),
        (lambda: ct.scale.attempts(small_fleet(3), parts=0), "parts must be"),
        (lambda: ct.scale.read_certificates(FLEET, part_bytes=0), "part_bytes"),
        (lambda: ct.scale.read_certificates("no/such", part_bytes=9), "there is no"),
        (lambda: ct.scale.read_registrations(FLEET, format="x"), "no format"),
        (lambda: ct.scale.read_fleet(f"{FLEET}/trust", part_bytes=9), "no files in"),
    ],
)
def test_a_mistake_is_told(call, message, monkeypatch):
    """What was given, and what to give instead."""
    monkeypatch.setattr(cluster_module, "_SECONDS_TO_CONNECT", 0.2)
    with pytest.raises(CerttrustError, match=message):
        call()


def test_workers_have_the_bounds_and_the_language_of_here(monkeypatch):
    """They are taken along when a task is made."""
    monkeypatch.setattr(ct.limits, "LINE_BYTES", 77)
    with ct.language("de"):
        asked = as_here(
            lambda: (ct.limits.LINE_BYTES, ct.texts.sentences.say("reading.lines"))
        )
    monkeypatch.setattr(ct.limits, "LINE_BYTES", 1 << 20)
    assert asked() == (77, "Zeilen")


def test_another_version_on_a_worker_is_an_error(monkeypatch):
    """It names both."""
    asked = as_here(len)
    monkeypatch.setattr(ct, "__version__", "0.0.1")
    with pytest.raises(CerttrustError, match=r"needs certtrust .*0\.0\.1"):
        asked("two")
