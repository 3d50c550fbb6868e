"""The command line: what it prints, what it writes, and how it speaks of mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    serialize_key_and_certificates,
)

import certtrust as ct
from certtrust.cli import main
from certtrust.simulation import write
from certtrust.testing import small_fleet


@pytest.fixture(scope="module")
def fleet() -> ct.Fleet:
    """A small synthetic fleet."""
    return small_fleet(12, seed=4)


@pytest.fixture(scope="module")
def directory(fleet: ct.Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That fleet as files."""
    return write(fleet, tmp_path_factory.mktemp("fleets") / "branch")


def pem(der: bytes, path: Path) -> Path:
    """Write a certificate as PEM."""
    path.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def chosen(
    fleet: ct.Fleet, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, str]:
    """A device's certificate, its issuer's, and the name that it carries."""
    links = ct.link(fleet).links
    assert links is not None
    by_fingerprint = (
        fleet.certificates.dropna(subset=["der"])
        .drop_duplicates("fingerprint")
        .set_index("fingerprint")
    )
    sure = links[links["verified"] & (links["child"] != links["issuer"])]
    own = ct.attempts(fleet)["fingerprint"]
    for child, issuer in zip(sure["child"], sure["issuer"], strict=True):
        if child in set(own) and {child, issuer} <= set(by_fingerprint.index):
            folder = tmp_path_factory.mktemp("certificates")
            leaf, ca = by_fingerprint.loc[child], by_fingerprint.loc[issuer]
            return (
                pem(leaf["der"], folder / "leaf.pem"),
                pem(ca["der"], folder / "ca.pem"),
                str(leaf["subject_cn"]),
            )
    raise AssertionError("the fleet has no device with an issuer")


def test_report_writes_the_page_and_prints_a_summary(
    directory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first line says where the page is, five lines what it says; the status says that
    something fails.
    """
    pictures: list[Path] = []
    monkeypatch.setattr(
        "certtrust.report.exports.write_pictures",
        lambda _report, folder: pictures.append(folder) or [],
    )
    page, data = tmp_path / "out.html", tmp_path / "out.json"
    status = main(
        [
            "report",
            str(directory),
            "-o",
            str(page),
            "--json",
            str(data),
            "--png",
            str(tmp_path / "png"),
        ]
    )
    said = capsys.readouterr()
    assert status == 1
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].split() == ["Report:", str(page)]
    assert [line.split(":")[0] for line in lines[1:]] == [
        "Devices",
        "Attempts",
        "Explained",
        "Top causes",
        "First remedy",
    ]
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert json.loads(data.read_text())["name"] == "branch"
    assert (tmp_path / "out.csv").exists()
    assert pictures == [tmp_path / "png"]


def test_report_without_predicted_failures(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fleet in which no rule is broken gives status 0."""
    devices = tmp_path / "fleet" / "devices"
    devices.mkdir(parents=True)
    for file in (directory / "devices").iterdir():
        (devices / file.name).write_bytes(file.read_bytes())
    status = main(["report", str(tmp_path / "fleet"), "-o", str(tmp_path / "r.html")])
    assert status == 0
    assert "there is no log" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "no-such-fleet"], ["no-such-fleet", "not a directory"]),
        (
            ["report", ".", "-o", "no-such-folder/report.html"],
            ["no-such-folder", "does not exist"],
        ),
        (["report", ".", "-o", "."], ["is a folder"]),
        (
            ["check", "no-such.pem", "--scenario", "h323-password"],
            ["there is no file no-such.pem"],
        ),
        (["check", "here.pem", "--scenario", "browser"], ["url"]),
        (
            [
                "check",
                "here.pem",
                "--scenario",
                "h323-password",
                "--trust",
                "list.pem",
            ],
            ["there is no file list.pem"],
        ),
        (
            ["check", "here.pem", "--scenario", "h323-password", "--at", "someday"],
            ["someday", "not a moment"],
        ),
        (["check", "empty.pem", "--scenario", "h323-password"], ["no certificate"]),
        (["simulate", "full"], ["full", "not an empty folder"]),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    arguments: list[str],
    words: list[str],
    chosen: tuple[Path, Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistake gives status 2 and one line on standard error, without a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.pem").write_bytes(chosen[0].read_bytes())
    (tmp_path / "empty.pem").write_text("nothing here\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("certtrust: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["check"],
        ["check", "a.pem", "--scenario", "telepathy"],
        ["simulate", "x", "--devices", "-3"],
    ],
)
def test_wrong_arguments_are_misuse(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What the parser refuses ends with status 2, the reason, and where to find help."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("certtrust: ")
    assert "--help" in said


def check_of(leaf: Path, name: str, time_format: str) -> list[str]:
    """Return the arguments of a check at the first moment of a certificate."""
    certificate = x509.load_pem_x509_certificate(leaf.read_bytes())
    moment = certificate.not_valid_before_utc.strftime(time_format)
    of_registration = ["--scenario", "h323-certificate", "--registration-name", name]
    return ["check", str(leaf), *of_registration, "--at", moment]


def test_check_follows_the_trust_list(
    chosen: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With its issuer in the list a certificate passes; with another CA's list it fails, and
    the words say why.
    """
    leaf, ca, name = chosen
    arguments = check_of(leaf, name, "%Y-%m-%dT%H:%M:%S")
    assert main([*arguments, "--trust", str(ca), "--tls-only"]) == 0
    assert "pass" in capsys.readouterr().out
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    assert (
        main([*arguments, "--trust", str(stranger), "--no-tls-only", "--json"]) == 1
    )
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "fail"
    broken = [step for step in found["steps"] if step["passed"] is False]
    assert [step["code"] for step in broken] == ["certificate.trust"]
    assert broken[0]["why"]
    assert broken[0]["remedy"]


def test_check_says_unknown_where_the_list_is_not_given(
    chosen: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a trust list the verdict is unknown, and that is no predicted failure."""
    leaf, _, name = chosen
    arguments = check_of(leaf, name, "%Y-%m-%d %H:%M:%S")
    assert main([*arguments, "--tls-only"]) == 0
    assert "unknown" in capsys.readouterr().out


def test_names_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name with control characters is printed without them."""
    assert (
        main(["check", str(tmp_path / "x\x1b[2J.pem"), "--scenario", "h323-password"])
        == 2
    )
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\ufffd[2J.pem" in said


def test_a_reader_that_has_enough_is_no_error(chosen: tuple[Path, Path, str]) -> None:
    """Where the output is cut off, as by `head`, nothing is complained of."""
    command = [
        sys.executable,
        "-m",
        "certtrust.cli",
        "check",
        str(chosen[0]),
        "--scenario",
        "h323-password",
        "--json",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_simulate_writes_a_fleet_that_report_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder that `simulate` makes is one that `read_fleet` reads, with so many devices."""
    assert (
        main(["simulate", str(tmp_path / "new"), "--devices", "7", "--seed", "5"])
        == 0
    )
    assert f"certtrust report {tmp_path / 'new'}" in capsys.readouterr().out
    assert len(ct.read_fleet(tmp_path / "new").devices) == len(
        small_fleet(7, seed=5).devices
    )


@pytest.fixture(scope="module")
def locked(
    chosen: tuple[Path, Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder of a fleet with a key store under each of two passwords."""
    certificate = x509.load_pem_x509_certificate(chosen[0].read_bytes())
    folder = tmp_path_factory.mktemp("locked")
    for kind, secret in (
        ("certificates", "first-secret"),
        ("trust", "second secret"),
    ):
        (folder / kind).mkdir()
        store = serialize_key_and_certificates(
            None, None, None, [certificate], BestAvailableEncryption(secret.encode())
        )
        (folder / kind / "hq.p12").write_bytes(store)
    return folder


CHECK = ["--scenario", "h323-certificate"]


def test_each_file_is_opened_by_one_of_the_passwords(
    locked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They come from the command line and from files, and open what they fit."""
    lines = tmp_path / "passwords.txt"
    lines.write_text("nonsense\nsecond secret\n")
    given = ["--password", "first-secret", "--password-file", str(lines)]
    stores = [str(locked / kind / "hq.p12") for kind in ("certificates", "trust")]
    arguments = ["check", stores[0], *CHECK, "--trust", stores[1], *given]
    assert main(arguments) in (0, 1)
    assert "✓ certificate.trust" in capsys.readouterr().out
    page = tmp_path / "r.html"
    assert main(["report", str(locked), "-o", str(page), *given]) == 0
    capsys.readouterr()
    assert not (tmp_path / "r-unread.csv").exists()
    assert "secret" not in page.read_text(encoding="utf-8")


def test_a_wrong_password_is_that_files_row(
    locked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other file is read, and no password is repeated anywhere."""
    arguments = ["report", str(locked), "-o", str(tmp_path / "r.html")]
    data = tmp_path / "r.json"
    arguments += ["--password", "first-secret", "--json", str(data)]
    assert main(arguments) == 0
    (problem,) = json.loads(data.read_text())["problems"]
    assert problem["kind"] == "trust"
    assert "password" in problem["parse_error"]
    written = "".join(path.read_text("utf-8") for path in tmp_path.iterdir())
    said = capsys.readouterr()
    assert "first-secret" not in written + said.out + said.err


@pytest.mark.parametrize("answers", [["first-secret", "second secret"], ["", ""]])
def test_a_terminal_is_asked_once_for_each_file(
    locked: Path,
    tmp_path: Path,
    answers: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An empty answer leaves the file unread; without a terminal nobody is asked."""
    questions: list[str] = []

    def answer(question: str, stream: object = None) -> str:
        assert stream is sys.stderr
        questions.append(question)
        return answers[len(questions) - 1]

    monkeypatch.setattr("getpass.getpass", answer)
    page = tmp_path / "r.html"
    assert main(["report", str(locked), "-o", str(page)]) == 0
    assert questions == []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["report", str(locked), "-o", str(page)]) == 0
    assert len(questions) == 2
    for question, kind in zip(questions, ("certificates", "trust"), strict=True):
        assert f"{kind}/hq.p12" in question
    data = tmp_path / "r.json"
    questions.clear()
    assert main(["report", str(locked), "-o", str(page), "--json", str(data)]) == 0
    left = json.loads(data.read_text())["problems"]
    assert [row["kind"] for row in left] == (
        [] if answers[0] else ["certificates", "trust"]
    )
    said = capsys.readouterr()
    assert "secret" not in said.out + said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", ".", "--pasword", "geheim"],
        ["report", ".", "--pa=geheim"],
        ["check", "a.pem", "--password=geheim"],
        ["check", "a.pem", "--scenario", "x", "--password", "geheim"],
        ["simulate", ".", "--password", "geheim"],
    ],
)
def test_no_mistake_repeats_a_password(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong with the command, its message has no password in it."""
    with pytest.raises(SystemExit):
        main(arguments)
    said = capsys.readouterr()
    assert "geheim" not in said.out + said.err


def test_a_file_of_passwords_has_to_be_text(
    chosen: tuple[Path, Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key store that is named by mistake is told so, without its content."""
    (tmp_path / "p").write_bytes(b"\xff\xfe\x00")
    arguments = [
        "check",
        str(chosen[0]),
        *CHECK,
        "--password-file",
        str(tmp_path / "p"),
    ]
    assert main(arguments) == 2
    assert "not text" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "check", "simulate"])
def test_help_names_every_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command explains itself."""
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "usage: certtrust" in capsys.readouterr().out
