"""The command line: what it prints, what it writes, and how it speaks of mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
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
    """The first line says what fails, then come the page, the files, five lines of what it says,
    and what is missing; the status says that something fails.
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
    assert "fail to register" in lines[0]
    assert lines[1].split() == ["Report:", str(page)]
    heads = [line.split(":")[0] for line in lines[2:]]
    assert list(dict.fromkeys(heads)) == [
        "Files",
        "Devices",
        "Attempts",
        "Explained",
        "Top causes",
        "First remedy",
        "Missing",
    ]
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert json.loads(data.read_text())["name"] == "branch"
    assert (tmp_path / "out.csv").exists()
    assert pictures == [tmp_path / "png"]


@pytest.mark.usefixtures("without_charts")
def test_devices_alone_are_not_reassuring(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing can be judged, the status is 3, and what is missing is said."""
    devices = tmp_path / "fleet" / "devices"
    devices.mkdir(parents=True)
    for file in (directory / "devices").iterdir():
        (devices / file.name).write_bytes(file.read_bytes())
    status = main(["report", str(tmp_path / "fleet"), "-o", str(tmp_path / "r.html")])
    assert status == 3
    said = capsys.readouterr().out
    assert said.startswith("No registration log was read, and ")
    assert "could not be checked, since data are missing" in said
    assert "TLS only" in said
    assert "Missing:       The certificates of" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "no-such-fleet"], ["no-such-fleet", "no file or directory"]),
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
            ["someday", "not a date or time"],
        ),
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


def test_check_of_a_certificate_that_is_listed_itself(
    chosen: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One file may be both."""
    leaf, _, name = chosen
    arguments = check_of(leaf, name, "%Y-%m-%dT%H:%M:%S")
    assert main([*arguments, "--trust", str(leaf), "--tls-only"]) == 0
    assert "pass" in capsys.readouterr().out


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
    """Without a trust list the verdict is unknown, which has its own status."""
    leaf, _, name = chosen
    arguments = check_of(leaf, name, "%Y-%m-%d %H:%M:%S")
    assert main([*arguments, "--tls-only"]) == 3
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
        "certtrust",
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
        assert process.wait() in (0, 3)


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


@pytest.mark.usefixtures("without_charts")
def test_each_file_is_opened_by_one_of_the_passwords(
    locked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They come from the command line and from files, and open what they fit."""
    lines = tmp_path / "passwords.txt"
    lines.write_text("nonsense\nsecond secret\n")
    given = ["--password", "first-secret", "--password-file", str(lines)]
    stores = [str(locked / kind / "hq.p12") for kind in ("certificates", "trust")]
    arguments = ["check", stores[0], *CHECK, "--trust", stores[1], *given]
    assert main(arguments) in (0, 1, 3)
    assert "✓ certificate.trust" in capsys.readouterr().out
    page = tmp_path / "r.html"
    assert main(["report", str(locked), "-o", str(page), *given]) == 0
    capsys.readouterr()
    assert not (tmp_path / "r-unread.csv").exists()
    assert "secret" not in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("without_charts")
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
    printed = capsys.readouterr()
    assert "first-secret" not in written + printed.out + printed.err


@pytest.mark.usefixtures("without_charts")
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
    assert main(["report", str(locked), "-o", str(page)]) == 3
    assert questions == []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    status = 0 if answers[0] else 3
    assert main(["report", str(locked), "-o", str(page)]) == status
    assert len(questions) == 2
    for question, kind in zip(questions, ("certificates", "trust"), strict=True):
        assert f"{kind}/hq.p12" in question
    data = tmp_path / "r.json"
    questions.clear()
    arguments = ["report", str(locked), "-o", str(page), "--json", str(data)]
    assert main(arguments) == status
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
        ["check", "a.pem", "b.pem", "--password=geheim"],
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


@pytest.mark.parametrize(
    "command",
    ["report", "check", "certificates", "rules", "columns", "simulate", "start"],
)
def test_help_names_every_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command explains itself."""
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "usage: certtrust" in capsys.readouterr().out


FACTS = (
    "CN: ",
    "Names: ",
    "Issued by: ",
    "Valid: ",
    "Key: ",
    "Trusted by: ",
    "Judged at: ",
)


def test_check_shows_the_facts_before_the_verdict(
    chosen: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """CN, names, issuer, dates, key, the trusting entry and the moment; then the verdict."""
    leaf, ca, name = chosen
    arguments = check_of(leaf, name, "%Y-%m-%dT%H:%M:%S")
    assert main([*arguments, "--trust", str(ca), "--tls-only"]) == 0
    said = capsys.readouterr().out
    assert f"CN: {name}\n" in said
    (subject,) = ct.read_certificates(ca)["subject"]
    assert f"Trusted by: {subject}\n" in said
    positions = [said.index(fact) for fact in FACTS]
    assert positions == sorted(positions)
    assert positions[-1] < said.index("h323-certificate: pass")


def test_check_needs_nothing_but_the_certificate(
    chosen: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a scenario it is the registration by certificate; what is missing is unknown."""
    assert main(["check", str(chosen[0])]) == 3
    said = capsys.readouterr().out
    assert f"CN: {chosen[2]}\n" in said
    assert "Trusted by: not known" in said


@pytest.mark.parametrize("content", [b"nothing here\n", bytes(range(256)), b""])
def test_what_holds_no_certificate_is_unknown(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random bytes pass nothing: status 3, and the reason."""
    (tmp_path / "x.pem").write_bytes(content)
    assert main(["check", str(tmp_path / "x.pem")]) == 3
    assert capsys.readouterr().out.startswith("No certificate could be read from ")


def test_a_key_before_the_certificate_does_not_matter(
    chosen: tuple[Path, Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The facts are those of the certificate, and the verdict is the same."""
    leaf, ca, name = chosen
    key = trustme.CA().issue_cert("a.example").private_key_pem.bytes()
    (tmp_path / "both.pem").write_bytes(key + leaf.read_bytes())
    arguments = check_of(tmp_path / "both.pem", name, "%Y-%m-%d")[2:-1]
    moment = check_of(leaf, name, "%Y-%m-%dT%H:%M:%S")[-1]
    command = ["check", str(tmp_path / "both.pem"), *arguments, moment]
    assert main([*command, "--trust", str(ca), "--tls-only"]) == 0
    assert f"CN: {name}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "date", ["01.12.2026", "1/12/2026", "12-01-2026", "tomorrow"]
)
@pytest.mark.parametrize("command", ["check", "report"])
def test_only_iso_dates_are_moments(
    command: str,
    date: str,
    chosen: tuple[Path, Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody has to guess which number is the month."""
    page = ["-o", str(tmp_path / "r.html")] if command == "report" else []
    assert main([command, str(chosen[0]), "--at", date, *page]) == 2
    assert date in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_check_asks_a_live_endpoint(
    chosen: tuple[Path, Path, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """HOST:PORT is asked for its certificates, and judged as what a browser opens."""
    asked: list[tuple[str, int]] = []

    def fetch(host: str, port: int, **_options: object) -> object:
        asked.append((host, port))
        return ct.read_certificates(chosen[0])

    monkeypatch.setattr("certtrust.endpoints.chain.fetch_chain", fetch)
    assert main(["check", "phone.example:1300", "--trust", str(chosen[1])]) == 1
    assert main(["check", "[2001:db8::7]:443", "--trust", str(chosen[1])]) == 1
    assert main(["check", "phone.example", "--trust", str(chosen[1])]) == 1
    assert (
        main(["check", "https://phone.example:8443/x", "--trust", str(chosen[1])])
        == 1
    )
    assert asked == [
        ("phone.example", 1300),
        ("[2001:db8::7]", 443),
        ("phone.example", 443),
        ("phone.example", 8443),
    ]
    said = capsys.readouterr().out
    assert "browser: fail" in said
    assert "✓ browser.trust" in said


def test_a_drive_of_windows_is_no_host(capsys: pytest.CaptureFixture[str]) -> None:
    r"""`C:\phone.pem` is a file that is not there, and so is `C:1`."""
    for path in ("C:\\phone.pem", "C:1"):
        assert main(["check", path]) == 2
        assert "there is no file" in capsys.readouterr().err


def test_certificates_are_listed(
    chosen: tuple[Path, Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table, as JSON and as CSV; what could not be read is named."""
    leaf, ca, name = chosen
    (tmp_path / "notes.txt").write_text("nothing here\n")
    paths = [str(leaf), str(ca), str(tmp_path / "notes.txt")]
    assert main(["certificates", *paths]) == 0
    said = capsys.readouterr().out
    assert said.startswith("2 certificates in 3 files; expired: ")
    assert name in said
    assert "notes.txt: no certificate is found" in said
    assert main(["certificates", *paths, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["subject_cn"] == name
    assert "der" not in rows[0]
    assert main(["certificates", *paths, "--csv"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert '"fingerprint"' in heading
    assert len(lines) == 3
    assert main(["certificates", str(tmp_path / "notes.txt")]) == 3


def test_rules_and_columns_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule with its source, each table with its columns."""
    assert main(["rules"]) == 0
    said = capsys.readouterr().out
    assert all(code in said for code in ct.rules()["code"])
    assert main(["rules", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(ct.rules())
    assert main(["columns"]) == 0
    names = [
        line.split()[0] for line in capsys.readouterr().out.splitlines()[1:] if line
    ]
    for name in ("results", "findings", "remedies", "sources"):
        assert name in names
        assert main(["columns", name.upper()]) == 0
        said = capsys.readouterr().out
        assert all(column in said for column in ct.columns(name)["name"])
    assert main(["columns", "phones"]) == 2


def test_start_lays_out_what_the_notebooks_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Notebooks, the example fleet and the files of first contact; the words say how to go on."""
    target = tmp_path / "try it"
    assert main(["start", str(target)]) == 0
    said = capsys.readouterr().out
    assert f'jupyter lab "{target}"' in said
    assert len(list((target / "notebooks").glob("*.ipynb"))) >= 4
    assert len(ct.read_fleet(target / "data" / "fleet").devices) == 200
    assert list((target / "data" / "first-contact").iterdir())
    assert not list(target.rglob("refresh.py"))
    for notebook in target.rglob("*.ipynb"):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        text = "".join("".join(cell["source"]) for cell in cells)
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (notebook.parent / link).exists(), (notebook.name, link)
    assert main(["start", str(target)]) == 2


NOTHING_UNDERSTOOD = {
    "free.log": (b"phone 12 went away\n", "free.log: phone 12 went away"),
    "list.xlsx": (b"PK\x03\x04broken", "list.xlsx: unreadable ZIP archive"),
    "list.csv": (b"colour;size\r\nred;1\r\n", "'colour', 'size'"),
    "umlaut.csv": ("Größe;Farbe\r\n1;rot\r\n".encode("cp1252"), "'Größe', 'Farbe'"),
}


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("name", NOTHING_UNDERSTOOD)
def test_nothing_understood_is_said_first(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 3, the first thing that was not understood, and a page all the same."""
    content, words = NOTHING_UNDERSTOOD[name]
    (tmp_path / name).write_bytes(content)
    page = tmp_path / "page.html"
    assert main(["report", str(tmp_path / name), "-o", str(page)]) == 3
    said = capsys.readouterr().out
    assert said.startswith("Nothing in 1 file was understood")
    assert words in said
    assert "nothing to repair" not in said
    if name == "free.log":
        assert r"phone\s+\d+\s+went\s+away" in said
    assert "Nothing in 1 file was understood" in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("without_charts")
def test_little_understood_is_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Less than half of the lines: how many, the first, and a pattern that reads the rest."""
    log = tmp_path / "phones.log"
    lines = ["<134>state=up serial=0090332f688a"]
    lines += [f"<134>phone 0090332f688{digit} gone" for digit in "bcd"]
    log.write_text("\n".join(lines) + "\n")
    written = str(tmp_path / "r.html")
    main(["report", str(log), "-o", written])
    said = capsys.readouterr().out
    assert said.startswith("Only 1 of 4 lines of the log were understood")
    assert "line 2 of " in said
    pattern = r"phone (?P<serial>\S+) (?P<reason>gone)"
    main(["report", str(log), "-o", written, "--pattern", pattern])
    assert not capsys.readouterr().out.startswith("Only")


@pytest.mark.usefixtures("without_charts")
def test_several_paths_are_one_fleet(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Certificates from here, a log from there, the trust list named."""
    parts = [str(directory / name) for name in ("certificates", "registrations")]
    (trust, *_) = sorted((directory / "trust").iterdir())
    page = str(tmp_path / "r.html")
    assert main(["report", *parts, "--trust", str(trust), "-o", page]) == 1
    said = capsys.readouterr().out
    assert "1 trust list" in said
    assert "guess" not in said


@pytest.mark.parametrize(
    ("variables", "arguments", "begins"),
    [
        ({}, ["--lang", "de", "rules"], "time.clock (h323"),
        (
            {"LANG": "de_AT.UTF-8"},
            ["check", "none.pem"],
            "certtrust: es gibt keine Datei",
        ),
        (
            {"LC_ALL": "C", "LANG": "de_DE"},
            ["check", "none.pem"],
            "certtrust: there is no",
        ),
        ({"LANG": "fr_FR"}, ["check", "none.pem"], "certtrust: there is no file"),
        (
            {"LANG": "de"},
            ["--lang=en", "check", "none.pem"],
            "certtrust: there is no file",
        ),
        (
            {},
            ["check", "--lang", "de"],
            "certtrust: diese Argumente fehlen: ZERTIFIKAT",
        ),
        (
            {},
            ["--lang", "fr", "rules"],
            "certtrust: there are no sentences in the lang",
        ),
    ],
)
def test_the_language_is_that_of_the_option_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    arguments: list[str],
    begins: str,
) -> None:
    """LC_ALL comes before LANG; a language that there is not is English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with suppress(SystemExit):
        main(arguments)
    written = capsys.readouterr()
    assert (written.out + written.err).startswith(begins)
