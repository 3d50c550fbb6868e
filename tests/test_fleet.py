"""Whatever files people have: what each is taken for, why, and what of it is not understood."""

import io
import os
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import certtrust as ct
from certtrust.simulation import write
from certtrust.testing import assert_frames_equal, small_fleet
from certtrust.x509.pem import pem

FLEET = small_fleet(20, healthy=True)
LOG = "time,pbx,serial,state\n2026-03-02T10:11:25Z,hq,0090332f688a,rejected\n"
USERS = '{"h323": "mara", "loc": "hq", "devices": [{"hw": "0090332f688a"}]}'
FREE_TEXT = "phone 12 went away\nphone 13 went away\n"


def ders(frame):
    """Return the DER of the readable rows."""
    return frame["der"].dropna().tolist()


def leaf():
    """Return a device's certificate as PEM."""
    rows = FLEET.certificates
    return pem(ders(rows[rows["device"].notna() & ~rows["is_ca"].fillna(True)])[0])


def authorities(count=2):
    """Return CAs as PEM."""
    rows = FLEET.trust
    return "".join(map(pem, ders(rows[rows["is_ca"].fillna(False)])[:count]))


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes files and gives the folder."""

    def write_files(**files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(data)
        return tmp_path

    return write_files


def account(fleet, name):
    """Return the row of a file in `fleet.sources`."""
    rows = fleet.sources[fleet.sources["source"].str.endswith(name)]
    return rows.iloc[0]


KINDS = {
    "leaf.pem": (leaf, "certificates", 1),
    "log.csv": (lambda: LOG, "registrations", 1),
    "users.json": (lambda: USERS, "devices", 1),
    "alarms.json": (
        lambda: '{"mt": "AddAlarm", "type": "alarm", "code": "0x00010002"}',
        "registrations",
        1,
    ),
    "syslog": (lambda: "<134>state=up name=a\n", "registrations", 1),
    "objects.xml": (
        lambda: '<show><user h323="a"><device hw="0090332f688a"/></user></show>',
        "devices",
        1,
    ),
    "listing.xml": (
        lambda: '<info><certificate subject_cn="a"/></info>',
        "certificates",
        1,
    ),
    "certificate.der": (lambda: ders(FLEET.certificates)[0], "certificates", 1),
    "config.txt": (
        lambda: (
            "mod cmd FLASHDIR0 add-item 101 (cn=A)(h323=a)(loc=hq)"
            '(pbx=<user><device hw="0090332f688a"/></user>)\n'
        ),
        "devices",
        1,
    ),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("way", ["folder", "nested", "zip", "path", "list", "bytes"])
def test_what_a_file_holds_decides(name, way, tmp_path):
    """Whatever it is called, however deep it lies, and however it is given."""
    make, kind, rows = KINDS[name]
    content = make()
    data = content.encode() if isinstance(content, str) else content
    path = tmp_path / ("a/b" if way == "nested" else "") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    source = {"path": path, "list": [path], "bytes": data}.get(way, tmp_path)
    if way == "zip":
        path.unlink()
        source = tmp_path / "all.zip"
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr(f"deep/{name}", data)
    fleet = ct.read_fleet(source)
    assert len(getattr(fleet, kind)) == rows
    (only,) = fleet.sources.to_dict("records")
    assert (only["taken_for"], only["decided_by"]) == (kind, "content")
    assert (only["rows"], only["is_guess"]) == (rows, False)


def test_loose_files_give_the_tables_of_the_four_folders(tmp_path):
    """The same fleet, with its trust lists named after their PBXs."""
    sorted_files = write(FLEET, tmp_path / "sorted")
    expected = ct.read_fleet(sorted_files)
    loose = tmp_path / "loose"
    loose.mkdir()
    for path in sorted_files.glob("*/*"):
        name = f"trust-{path.name}" if path.parent.name == "trust" else path.name
        shutil.copy(path, loose / name)
    fleet = ct.read_fleet(loose)
    for name in ct.fleet.FOLDERS:
        assert_frames_equal(
            getattr(fleet, name).drop(columns=["source", "bundle"], errors="ignore"),
            getattr(expected, name).drop(
                columns=["source", "bundle"], errors="ignore"
            ),
            ordered=name != "trust",
        )
    lists = fleet.sources[fleet.sources["taken_for"] == "trust"]
    assert set(lists["pbx"]) == set(expected.trust["pbx"])
    assert lists["is_guess"].all()
    verdicts = [ct.check(ct.attempts(one))["verdict"] for one in (fleet, expected)]
    assert verdicts[0].tolist() == verdicts[1].tolist()


def test_a_file_of_authorities_is_a_guessed_list_of_every_pbx(folder):
    """It says that it is a guess, and why."""
    fleet = ct.read_fleet(folder(**{"a.pem": leaf(), "roots.pem": authorities()}))
    assert len(fleet.trust) == 2
    assert fleet.trust["pbx"].isna().all()
    assert set(fleet.certificates["source"]) == {"a.pem"}
    row = account(fleet, "roots.pem")
    assert (row["taken_for"], row["decided_by"]) == ("trust", "CAs only")
    assert row["is_guess"]
    assert row["rows"] == 2


def test_a_list_that_is_named_after_a_pbx_of_the_data_is_that_pbxs(folder):
    """And then no other file is guessed to be one."""
    files = {
        "hq.pem": leaf() + authorities(),
        "log.csv": LOG,
        "ca.pem": authorities(),
    }
    fleet = ct.read_fleet(folder(**files))
    assert fleet.trust["pbx"].unique().tolist() == ["hq"]
    assert set(fleet.certificates["source"]) == {"ca.pem"}
    assert account(fleet, "hq.pem")["decided_by"] == "name"


@pytest.mark.parametrize("given", ["path", "text", "list", "mapping"])
def test_the_caller_decides_about_trust(folder, given):
    """A file that is named as list is nothing else, and nothing is guessed."""
    root = folder(
        **{"a.pem": leaf(), "mine.pem": authorities(1), "ca.pem": authorities()}
    )
    path = root / "mine.pem"
    trust = {
        "path": path,
        "text": authorities(1),
        "list": [path],
        "mapping": {"hq": path},
    }
    fleet = ct.read_fleet(root, trust=trust[given])
    assert len(fleet.trust) == 1
    assert fleet.trust["pbx"].tolist() == (
        ["hq"] if given == "mapping" else [None]
    ) or (fleet.trust["pbx"].isna().all())
    left = {"a.pem", "ca.pem"} | ({"mine.pem"} if given == "text" else set())
    assert set(fleet.certificates["source"]) == left
    rows = fleet.sources[fleet.sources["taken_for"] == "trust"]
    assert rows["decided_by"].tolist() == ["argument"]
    assert not rows["is_guess"].any()


def test_a_certificate_of_a_device_is_no_list(folder):
    """A self-signed CA certificate that is named after a device belongs to it."""
    fleet = ct.read_fleet(folder(**{"0090332f688a.pem": authorities(1)}))
    assert fleet.trust.empty
    assert len(fleet.certificates) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Zertifikate", "certificates"), ("certficates", "certificates"),
        ("Trusted", "trust"), ("trust-lists", "trust"), ("Geräte", "devices"),
        ("logs", "registrations"), ("Registrations", "registrations"),
    ],
)  # fmt: skip
def test_a_folder_helps_where_content_does_not_tell(folder, name, kind):
    """In German, in capitals, and misspelt."""
    fleet = ct.read_fleet(folder(**{f"{name}/x.dat": "what is this\n"}))
    row = account(fleet, "x.dat")
    assert (row["taken_for"], row["decided_by"]) == (kind, "folder")
    assert len(getattr(fleet, kind)) == 1


def test_the_wrong_folder_does_not_decide(folder):
    """A log among the certificates is a log."""
    fleet = ct.read_fleet(
        folder(**{"certificates/log.csv": LOG, "trust/u.json": USERS})
    )
    assert (len(fleet.registrations), len(fleet.devices)) == (1, 1)
    assert fleet.certificates.empty
    assert fleet.trust.empty


@pytest.mark.parametrize(
    "name",
    ["untrusted.pem", "roots-removed.pem", "untrusted/a.pem", "not_trusted.pem"],
)
def test_what_is_expressly_not_trusted_is_no_list(name, tmp_path):
    """Neither its name nor that it holds CAs only makes it one."""
    authorities = small_fleet().trust
    file = tmp_path / "new" / name
    file.parent.mkdir(parents=True)
    file.write_text("".join(pem(der) for der in authorities["der"]))
    fleet = ct.read_fleet(tmp_path / "new")
    assert fleet.sources["taken_for"].tolist() == ["certificates"]
    assert fleet.trust.empty


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    """By itself and by its folder, however it is spelled."""
    file = tmp_path / "log.csv"
    file.write_text("time,state,serial\n2026-11-30T10:00:00Z,up,0090332f688a\n")
    fleet = ct.read_fleet([file, tmp_path, tmp_path / "." / "log.csv"])
    assert len(fleet.registrations) == 1
    assert fleet.sources["rows"].tolist() == [1]


def test_text_is_a_guessed_log_with_its_first_line(folder):
    """Lines that nothing matched are shown as they stand."""
    fleet = ct.read_fleet(folder(**{"phones.log": FREE_TEXT}))
    row = account(fleet, "phones.log")
    assert (row["taken_for"], row["decided_by"], row["is_guess"]) == (
        "registrations", "text", True,
    )  # fmt: skip
    assert (row["rows"], row["understood"]) == (2, 0)
    assert row["not_understood"] == "1: phone 12 went away"


NOT_UNDERSTOOD = {
    "empty.txt": (b"", "it is empty"),
    "list.csv": (b"color;size\nred;1\n", "headings that are not understood: 'color'"),
    "picture.png": (b"\x89PNG\r\n\x1a\n\x00\x00", "no certificates, devices or log"),
    "broken.zip": (b"PK\x03\x04broken", "unreadable ZIP archive"),
    "report.csv": (b"device,cause,why,remedy\na,b,c,d\n", "written by certtrust"),
    "links.parquet": (None, "no certificates, devices or log"),
}


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_accounted_for(folder, name):
    """It is in no table, and its row says why."""
    content, reason = NOT_UNDERSTOOD[name]
    if content is None:
        file = io.BytesIO()
        ct.link(FLEET).links.to_parquet(file)
        content = file.getvalue()
    fleet = ct.read_fleet(folder(**{name: content}))
    row = account(fleet, name)
    assert pd.isna(row["taken_for"])
    assert reason in row["not_understood"]
    assert (row["rows"], row["understood"]) == (0, 0)
    assert all(getattr(fleet, table).empty for table in ct.fleet.FOLDERS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_locked_folder_is_accounted_for(folder):
    """With the reason of the operating system."""
    root = folder(**{"mine/a.pem": leaf()})
    (root / "mine").chmod(0)
    try:
        row = account(ct.read_fleet(root), "mine")
    finally:
        (root / "mine").chmod(0o700)
    assert "Permission denied" in row["not_understood"]


def test_an_empty_folder_is_an_empty_fleet(tmp_path):
    """Nothing went in, and nothing comes out."""
    fleet = ct.read_fleet(tmp_path)
    assert fleet.sources.empty
    assert ct.check(ct.attempts(fleet)).empty


def test_a_hostile_archive_gives_rows_with_reasons(tmp_path):
    """A bomb and a path that leads outside harm nothing."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("/outside/outside.pem", leaf())
        archive.writestr("zeros.log", b"\x00" * (70 << 20))
    fleet = ct.read_fleet(path)
    assert len(fleet.certificates) == 1
    assert account(fleet, "outside.pem")["taken_for"] == "certificates"
    assert "unpacks to more" in str(account(fleet, "zeros.log")["not_understood"])
    assert not Path("/outside").exists()


def test_tables_that_were_saved_one_by_one_are_counted(tmp_path):
    """Their rows name other files, and belong to the saved one all the same."""
    saved = FLEET.save(tmp_path / "saved")
    loose = tmp_path / "loose"
    loose.mkdir()
    for name in ("certificates", "trust", "devices", "registrations"):
        shutil.copy(saved / f"{name}.parquet", loose / f"my-{name}.parquet")
    fleet = ct.read_fleet(loose)
    for name in ct.fleet.FOLDERS:
        assert len(getattr(fleet, name)) == len(getattr(FLEET, name))
        row = account(fleet, f"my-{name}.parquet")
        assert (row["taken_for"], row["rows"]) == (name, len(getattr(FLEET, name)))


def test_sources_come_back_with_a_saved_fleet(folder, tmp_path):
    """They say where the tables came from, and do not make two fleets differ."""
    fleet = ct.read_fleet(folder(**{"a.pem": leaf(), "log.csv": LOG}))
    again = ct.read_fleet(fleet.save(tmp_path / "saved"))
    pd.testing.assert_frame_equal(again.sources, fleet.sources)
    linked = ct.link(fleet)
    assert linked.sources is fleet.sources
    frames = {name: getattr(fleet, name) for name in (*ct.fleet.FOLDERS, "links")}
    assert ct.Fleet(**frames) == fleet
    assert fleet.sources.columns.tolist() == ct.columns("sources")["name"].tolist()


HEADINGS = "Anzeigename;MAC-Adresse;Nur TLS;"
LISTS = {
    "semicolons.csv": f"{HEADINGS}Stockwerk\r\nMara;00-90-33-2f-68-8a;ja;2\r\n",
    "mark.csv": f"\ufeff{HEADINGS}Stockwerk\r\nMara;0090332f688a;ja;2\r\n",
    "old.csv": f"{HEADINGS}Geschoß\r\nMara;0090332f688a;ja;2\r\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_ones_own_are_read_and_unknown_headings_named(folder, name):
    """In German, with a byte-order mark, in the encoding of old Windows programs."""
    encoding = "cp1252" if name == "old.csv" else "utf-8"
    fleet = ct.read_fleet(folder(**{name: LISTS[name].encode(encoding)}))
    assert fleet.devices["serial"].tolist() == ["0090332f688a"]
    assert fleet.devices["tls_only"].tolist() == [True]
    row = account(fleet, name)
    assert (row["taken_for"], row["decided_by"]) == ("devices", "content")
    unknown = "Geschoß" if name == "old.csv" else "Stockwerk"
    assert unknown in row["unread_headings"]


def test_columns_say_what_ones_own_headings_mean(folder):
    """In every table that has such a column; one that no table has is a mistake."""
    list_of_devices = "Gerät;Name\n0090332f688a;Mara\n"
    log = "Gerät;Zeit;Status\n0090332f688a;2026-03-02T10:11:25Z;abgelehnt\n"
    root = folder(**{"list.csv": list_of_devices, "log.csv": log})
    fleet = ct.read_fleet(root, columns={"Gerät": "serial"})
    assert fleet.devices["serial"].tolist() == ["0090332f688a"]
    assert fleet.registrations["serial"].tolist() == ["0090332f688a"]
    assert fleet.sources["unread_headings"].isna().all()
    with pytest.raises(ct.CerttrustError, match="colour"):
        ct.read_fleet(root, columns={"Gerät": "colour"})


def test_times_without_a_zone_are_those_of_the_caller(folder):
    """The readers get what they are told."""
    log = "serial;time;state\n0090332f688a;2026-03-02 10:11:25;up\n"
    fleet = ct.read_fleet(folder(**{"log.csv": log}), timezone="Europe/Berlin")
    assert fleet.registrations["time"].tolist() == [
        pd.Timestamp("2026-03-02 09:11:25", tz="UTC")
    ]


def test_the_examples_of_first_contact_are_one_fleet():
    """Loose certificates, a trust list, an Excel list and a collector's log in one folder."""
    fleet = ct.read_fleet(EXAMPLES)
    kinds = fleet.sources["taken_for"].value_counts()
    assert kinds.to_dict() == {
        "certificates": 8, "trust": 1, "devices": 1, "registrations": 1,
    }  # fmt: skip
    assert (fleet.sources["rows"] == fleet.sources["understood"]).all()
    assert len(fleet.devices) == 8
    assert "Stockwerk" in account(fleet, "phones.xlsx")["unread_headings"]
    results = ct.check(ct.attempts(fleet))
    causes = set(ct.causes(results)["cause"])
    assert causes == {"certificate.trust"}
    assert results["verdict"].isin(["pass", "fail"]).sum() > 15


EXAMPLES = Path(__file__).parents[1] / "data" / "first-contact"


def test_a_value_below_the_headings_is_no_heading(tmp_path: Path) -> None:
    """The authentication `certificate` of a row makes no table of certificates of a log."""
    (tmp_path / "log.csv").write_text(
        "time,pbx,serial,registration_name,protocol,authentication,state\n"
        "1700000000,hq,009033000001,mara,H.323/TLS,password,up\n"
        ",hq,009033000002,,H.323/TLS,certificate,\n"
    )
    fleet = ct.read_fleet(tmp_path)
    assert fleet.sources["taken_for"].tolist() == ["registrations"]
    assert len(fleet.registrations) == 2
