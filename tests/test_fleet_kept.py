"""`read_fleet(keep=)`: a second run reads only what changed, and returns what a full run does."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import examples, first

import certtrust as ct
from certtrust import limits
from certtrust.fleet import kept
from certtrust.testing import assert_frames_equal

SAMPLE = Path("data/fleet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a small fleet as files of many kinds."""
    return small(tmp_path / "fleet")


def small(root: Path) -> Path:
    """Write a part of the sample fleet: PEM, a table, an archive, PBX objects and logs."""
    pems = sorted((SAMPLE / "certificates").glob("*.pem"))
    for name in ("devices", "registrations", "trust"):
        (root / name).mkdir(parents=True)
        for path in sorted((SAMPLE / name).iterdir())[-2:]:
            head = path.read_text().splitlines(keepends=True)
            lines = head if name == "trust" else head[:30]
            (root / name / path.name).write_text("".join(lines))
    (root / "certificates").mkdir()
    for path in pems[:6]:
        shutil.copy(path, root / "certificates")
    texts = [path.read_text() for path in pems[12:16]]
    names = [path.stem for path in pems[12:16]]
    table = pd.DataFrame({"device": names, "certificate": texts})
    table.to_parquet(root / "certificates" / "more.parquet")
    table.head(2).to_csv(root / "certificates" / "some.csv", index=False)
    with zipfile.ZipFile(root / "certificates" / "others.zip", "w") as archive:
        for path in pems[16:19]:
            archive.write(path, path.name)
    (root / "notes.bin").write_bytes(b"\0\1\2")
    return root


def age(path: Path, seconds: float = 60) -> None:
    """Let a file have been changed a while ago, as files have that nobody touches."""
    past = path.stat().st_mtime_ns - int(seconds * 1e9)
    os.utime(path, ns=(past, past))


def assert_same(left: ct.Fleet, right: ct.Fleet) -> None:
    """Raise unless two fleets have the same rows and the same account of their files."""
    for name in ("certificates", "trust", "devices", "registrations"):
        assert_frames_equal(getattr(left, name), getattr(right, name))
    assert left.sources is not None
    assert right.sources is not None
    assert_frames_equal(
        left.sources.drop(columns="kept_since"),
        right.sources.drop(columns="kept_since"),
    )


def read_again(fleet: ct.Fleet) -> set[str]:
    """Return the files that a run has read."""
    assert fleet.sources is not None
    return set(fleet.sources["source"][fleet.sources["kept_since"].isna()])


def same_size_and_time(path: Path) -> None:
    """Change a byte of a file, and nothing of its size and times that a program can set."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    at = data.index(b"009033") if b"009033" in data else len(data) // 2
    data[at + 6 : at + 7] = b"f" if data[at + 6 : at + 7] != b"f" else b"e"
    path.write_bytes(bytes(data))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def append(path: Path) -> None:
    """Append the last line once more."""
    data = path.read_bytes()
    path.write_bytes(data + data.rstrip(b"\n").rpartition(b"\n")[2] + b"\n")


def rename(path: Path) -> None:
    """Give a file another name."""
    path.rename(path.with_name(f"{path.stem}-b{path.suffix}"))


def double(path: Path) -> None:
    """Copy a file beside itself."""
    shutil.copy2(path, path.with_name(f"{path.stem}-a{path.suffix}"))


CHANGES: list[Callable[[Path], Any]] = [
    append,
    rename,
    double,
    Path.unlink,
    same_size_and_time,
    Path.touch,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()),
]


def test_an_unchanged_fleet_is_not_read_again(folder: Path, tmp_path: Path) -> None:
    """The second run opens no file whose size and times are as they were, and says so."""
    for path in filter(Path.is_file, folder.rglob("*")):
        age(path)
    first = ct.read_fleet(folder, keep=tmp_path / "state")
    assert first.links is not None
    assert read_again(first) == set(first.sources["source"])
    second = ct.read_fleet(folder, keep=tmp_path / "state")
    assert read_again(second) == set()
    assert_same(first, second)
    assert_same(second, ct.read_fleet(folder))
    assert_frames_equal(first.links, second.links, ordered=False)


@settings(max_examples=examples(20) // 3, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_changes_the_result_is_that_of_a_full_run(
    draw: random.Random,
) -> None:
    """Files that come, go, grow, are renamed or rewritten: rows equal those of a full run."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = small(Path(name) / "fleet")
        for _ in range(3):
            assert_same(
                ct.read_fleet(folder, keep=Path(name) / "state"),
                ct.read_fleet(folder),
            )
            files = sorted(filter(Path.is_file, folder.rglob("*")))
            for path in draw.sample(files, min(len(files), draw.randrange(4))):
                draw.choice(CHANGES)(path)
                if path.is_file() and draw.random() < 0.3:
                    age(path, draw.choice((1, 100)))


def test_a_change_of_equal_size_and_time_is_seen(
    folder: Path, tmp_path: Path
) -> None:
    """A file that was changed at once, or given its old time, is never silently stale."""
    state = tmp_path / "state"
    ct.read_fleet(folder, keep=state)
    log = next((folder / "registrations").glob("*.csv"))
    same_size_and_time(log)
    again = ct.read_fleet(folder, keep=state)
    assert read_again(again) == {log.name}
    assert_same(again, ct.read_fleet(folder))


def test_a_copied_state_and_fleet_compare_contents(
    folder: Path, tmp_path: Path
) -> None:
    """Where only number and time of status differ, as after a restore, the SHA-256 decides."""
    state = tmp_path / "state"
    for path in filter(Path.is_file, folder.rglob("*")):
        age(path)
    ct.read_fleet(folder, keep=state)
    for path in filter(Path.is_file, folder.rglob("*")):
        copy = path.with_suffix(".copy")
        shutil.copy2(path, copy)
        copy.replace(path)
    assert read_again(ct.read_fleet(folder, keep=state)) == set()


def damaged_index(state: Path) -> None:
    """Change a byte of the index."""
    data = bytearray((state / kept.INDEX).read_bytes())
    data[len(data) // 2] ^= 1
    (state / kept.INDEX).write_bytes(bytes(data))


def damaged_rows(state: Path) -> None:
    """Change a byte of the rows that were kept."""
    path = next(state.glob("*/registrations.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "harm",
    first(
        [
            damaged_rows,
            damaged_index,
            lambda state: (state / kept.INDEX).unlink(),
            lambda state: (state / kept.INDEX).write_bytes(b""),
            lambda state: shutil.rmtree(next(state.glob("segment-*"))),
            lambda state: next(state.glob("*/links.parquet")).unlink(),
        ],
        kept=2,
    ),
)
def test_a_damaged_state_is_not_used(
    folder: Path, tmp_path: Path, harm: Callable[[Path], Any]
) -> None:
    """All files are read again where the folder is not what was written, and then kept."""
    state = tmp_path / "state"
    whole = ct.read_fleet(folder, keep=state)
    harm(state)
    again = ct.read_fleet(folder, keep=state)
    assert read_again(again) == set(again.sources["source"])
    assert_same(whole, again)
    assert read_again(ct.read_fleet(folder, keep=state)) == set()


def test_other_options_and_versions_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read with other options, bounds, words or another version is of no use."""
    state = tmp_path / "state"
    ct.read_fleet(folder, keep=state)
    assert read_again(ct.read_fleet(folder, keep=state, timezone="Europe/Berlin"))
    with ct.language("de"):
        assert read_again(ct.read_fleet(folder, keep=state, timezone="Europe/Berlin"))
    monkeypatch.setattr(limits, "LINE_BYTES", limits.LINE_BYTES - 1)
    assert read_again(ct.read_fleet(folder, keep=state))
    assert not read_again(ct.read_fleet(folder, keep=state))
    monkeypatch.setattr(kept, "_code", lambda: "of another version")
    assert read_again(ct.read_fleet(folder, keep=state))


def test_key_stores_are_read_each_time(folder: Path, tmp_path: Path) -> None:
    """A file that asks for a password is not kept, so that no password has to be."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        pkcs12,
    )

    store = pkcs12.serialize_key_and_certificates(
        b"a",
        ec.generate_private_key(ec.SECP256R1()),
        None,
        None,
        BestAvailableEncryption(b"x"),
    )
    (folder / "certificates" / "store.p12").write_bytes(store)
    state = tmp_path / "state"
    for password in ("x", None, "x"):
        fleet = ct.read_fleet(folder, keep=state, password=password)
        assert_same(fleet, ct.read_fleet(folder, password=password))
    assert read_again(fleet) == {"store.p12"}
    assert b"password" not in (state / kept.INDEX).read_bytes()


def test_trust_lists_that_the_caller_names_are_no_files_of_the_fleet(
    folder: Path, tmp_path: Path
) -> None:
    """A file goes from the fleet to trust= and back, and is read as what it then is."""
    listed = next((folder / "trust").glob("*.pem"))
    for trust in (None, listed, None):
        fleet = ct.read_fleet(folder, keep=tmp_path / "state", trust=trust)
        assert_same(fleet, ct.read_fleet(folder, trust=trust))


def test_only_new_signatures_are_verified(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run verifies nothing that the first one did."""
    from certtrust.trust import links

    state = tmp_path / "state"
    ct.read_fleet(folder, keep=state)
    counts: list[int] = []
    verify = links.verify_many
    monkeypatch.setattr(
        links,
        "verify_many",
        lambda *parts: counts.append(len(parts[0])) or verify(*parts),
    )
    extra = sorted((SAMPLE / "certificates").glob("*.pem"))[20]
    shutil.copy(extra, folder / "certificates")
    fleet = ct.read_fleet(folder, keep=state)
    assert read_again(fleet) == {extra.name}
    assert sum(counts) <= len(ct.read_certificates(extra)) * 3
    expected = ct.check(ct.attempts(ct.read_fleet(folder)), at="2026-11-01")
    assert_frames_equal(ct.check(ct.attempts(fleet), at="2026-11-01"), expected)


def test_segments_are_cleared_up(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many runs with changes leave few folders, and none that is of no use."""
    monkeypatch.setattr(kept, "_MOST_SEGMENTS", 2)
    state = tmp_path / "state"
    for number in range(4):
        extra = folder / "registrations" / f"extra-{number}.csv"
        shutil.copy(next((folder / "registrations").glob("*.csv")), extra)
        ct.read_fleet(folder, keep=state)
    assert len(list(state.glob("segment-*"))) <= 3
    assert_same(ct.read_fleet(folder, keep=state), ct.read_fleet(folder))


@pytest.mark.parametrize("inside", [".", "state"])
def test_the_state_lies_outside(folder: Path, inside: str) -> None:
    """A folder within the files would be read as files of the fleet."""
    with pytest.raises(ct.CerttrustError, match="outside"):
        ct.read_fleet(folder, keep=folder / inside)


def test_nothing_of_others_is_overwritten(folder: Path, tmp_path: Path) -> None:
    """A folder with anything else in it is refused, and left as it is."""
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ct.CerttrustError, match="holds something else"):
        ct.read_fleet(folder / "devices", keep=tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_that_is_open_to_all_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    """What anybody can write to says nothing about signatures."""
    state = tmp_path / "state"
    ct.read_fleet(folder, keep=state)
    assert state.stat().st_mode & 0o077 == 0
    state.chmod(0o777)
    with pytest.raises(ct.CerttrustError, match="everybody"):
        ct.read_fleet(folder, keep=state)


def test_an_interrupted_run_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the state is written leaves the old one, and nothing beside it."""
    state = tmp_path / "state"
    ct.read_fleet(folder, keep=state)
    before = sorted(path.name for path in state.iterdir())

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kept, "replacing", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ct.read_fleet(folder, keep=state)
    assert sorted(path.name for path in state.iterdir()) == before
    assert read_again(ct.read_fleet(folder, keep=state)) == set()


def test_a_saved_fleet_keeps_its_account(folder: Path, tmp_path: Path) -> None:
    """`save` writes which files were unchanged since when."""
    for path in filter(Path.is_file, folder.rglob("*")):
        age(path)
    ct.read_fleet(folder, keep=tmp_path / "state")
    fleet = ct.read_fleet(folder, keep=tmp_path / "state")
    saved = ct.read_fleet(fleet.save(tmp_path / "saved"))
    assert_frames_equal(saved.sources, fleet.sources)
    assert dataclasses.replace(saved, sources=None).sources is None


def test_it_is_said_what_was_read(folder: Path, tmp_path: Path) -> None:
    """The line of `certtrust report --keep` counts the files read, and those that were not."""
    from certtrust.fleet.keeping import in_words

    count = len(ct.read_fleet(folder, keep=tmp_path / "state").sources)
    fleet = ct.read_fleet(folder, keep=tmp_path / "state")
    assert in_words(fleet).startswith(f"Files read: 0 of {count}; unchanged since 2")
    with ct.language("de"):
        fleet = ct.read_fleet(folder, keep=tmp_path / "state")
        assert in_words(fleet).startswith(f"Gelesene Dateien: {count} von {count}")
