"""Large logs: the lines themselves wait on disk, and are the same."""

from __future__ import annotations

import errno
import tempfile

import pandas as pd
import pytest

import certtrust as ct
from certtrust.registrations import to_frame
from certtrust.testing import assert_frames_equal

LOG = "time,state,serial,details\n" + "".join(
    f"{1_700_000_000 + number},up,0090332f{number % 9_999:04d},Grüße {number}\n"
    for number in range(2_000)
)


def read(monkeypatch: pytest.MonkeyPatch, in_memory: int) -> tuple[pd.DataFrame, int]:
    """Return the rows of the log, and how often lines were put on disk."""
    calls = 0
    put = to_frame.on_disk

    def counting(texts: object) -> object:
        nonlocal calls
        calls += 1
        return put(texts)

    monkeypatch.setattr(ct.limits, "LOG_BYTES_IN_MEMORY", in_memory)
    monkeypatch.setattr(to_frame, "on_disk", counting)
    frame = ct.read_registrations([LOG.encode(), LOG.encode(), LOG.encode()])
    monkeypatch.undo()
    return frame, calls


def test_lines_on_disk_are_the_same_as_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each block of lines in a file of its own changes no value."""
    inside, never = read(monkeypatch, 1 << 30)
    outside, often = read(monkeypatch, 100)
    assert (never, often) == (0, 3)
    assert_frames_equal(outside, inside)
    assert outside["raw"].iloc[1_999] == LOG.splitlines()[-1]
    picked = outside.sample(50, random_state=1)
    assert_frames_equal(picked, inside.loc[picked.index])
    assert outside["raw"].str.contains("Grüße").all()


def test_lines_stay_in_memory_where_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk without room costs memory, and no row."""
    inside, _ = read(monkeypatch, 1 << 30)

    class Full:
        def __init__(self, **_named: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", Full)
        outside, often = read(patch, 100)
    assert often == 3
    assert_frames_equal(outside, inside)
