"""Fix kits: carried out with their files, a fleet becomes what the plan promises."""

import csv
import dataclasses
import datetime
import email
import email.policy
import io
import json
import subprocess
import sys
from pathlib import Path, PureWindowsPath
from random import Random

import openpyxl
import pandas as pd
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

import certtrust as ct
from certtrust import cli
from certtrust.handover.file_names import file_names
from certtrust.testing import fleet_of, small_fleet
from certtrust.whole_files import new_directory

OIDS = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "C": NameOID.COUNTRY_NAME,
}
HAS_FILES = ("find CA", "renew CA", "trust", "renew", "reissue", "enrol")
EXAMPLE = Path(__file__).parents[1] / "data" / "first-contact"
HOSTILE = [
    "../../etc/passwd",
    "..\\..\\evil",
    "con",
    "CON.pem",
    "hq",
    "HQ",
    "a" * 300,
    "",
    "   ",
    "tab\tand\nline",
    "=cmd()",
    "Köln",
    "Ko\u0308ln",
    "\u202egnp.exe",
    "com1.txt",
    "com\u00b9",
    "name.",
]


class StandInCA:
    """A CA of the test, which signs what a kit asks for."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stand-in CA")])
        self.name = name
        self.certificate = self.sign(
            name, self.key.public_key(), self.key, is_ca=True
        )

    def sign(
        self, subject, public_key, key=None, *, since=None, names=(), is_ca=False
    ):
        """Return a certificate for this key, by the CA or by the key itself."""
        begin = (since or pd.Timestamp("2020-01-01", tz="UTC")).to_pydatetime()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if key else self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin.replace(tzinfo=None))
            .not_valid_after(datetime.datetime(2090, 1, 1))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), critical=False
            )
        return builder.sign(key or self.key, hashes.SHA256())


def pem_of(certificate):
    """Return the certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def issued(request, ca):
    """Return the certificate that a request asks for, and what has to be trusted for it."""
    parts = [
        x509.NameAttribute(OIDS[name], value, _validate=False)
        for name, value in request["subject"]
    ]
    names = [x509.DNSName(name) for name in request["dns_names"]]
    since = request["valid_from_at_the_latest"]
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = ca.sign(
        x509.Name(parts),
        key.public_key(),
        key if request["self_signed"] else None,
        since=since and pd.Timestamp(since),
        names=names,
    )
    return certificate, certificate if request["self_signed"] else ca.certificate


def carried_out(fleet, kit, folder):
    """Return the fleet of a folder in which somebody has carried out the kit, with its files."""
    ca = StandInCA()
    actions = pd.DataFrame(json.loads((kit / "actions.json").read_text()))
    # What no file can do: clocks are set, and names and flags changed at devices and PBXs.
    rest = actions[~actions["action"].isin(HAS_FILES)]
    fleet = ct.apply(fleet, rest) if len(rest) else fleet
    log, certificates = fleet.registrations, fleet.certificates
    is_set = log["time"].isna() & ~log["clock_unset"]
    now = pd.Timestamp.now("UTC").floor("s")
    log = log.assign(time=log["time"].mask(is_set, now))
    trust = {
        str(name): list(part["der"].dropna())
        for name, part in fleet.trust.groupby("pbx")
    }
    for folder_of_pbx in (kit / "pbxs").iterdir():
        upload = folder_of_pbx / "upload.pem"
        if upload.exists():
            read = ct.read_certificates(upload)
            assert read["parse_error"].isna().all()
            trust.setdefault(folder_of_pbx.name, []).extend(read["der"])
    for row in actions[actions["action"] == "renew CA"].itertuples():
        # Whoever runs the CA certifies its key anew; here the stand-in does it.
        old = fleet.trust.loc[fleet.trust["fingerprint"] == row.fingerprint, "der"]
        old = pd.concat(
            [
                old,
                certificates.loc[
                    certificates["fingerprint"] == row.fingerprint, "der"
                ],
            ]
        )
        ended = x509.load_der_x509_certificate(old.iloc[0])
        new = ca.sign(ended.subject, ended.public_key(), is_ca=True)
        der = new.public_bytes(serialization.Encoding.DER)
        trust.setdefault(row.pbx, []).append(der)
    requests = []
    if (kit / "requests.json").exists():
        requests = json.loads((kit / "requests.json").read_text())
    new_files = {}
    for request in requests:
        certificate, anchor = issued(request, ca)
        der = certificate.public_bytes(serialization.Encoding.DER)
        anchor_der = anchor.public_bytes(serialization.Encoding.DER)
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        owner = request["devices"][0]
        lists = request["pbxs"] or list(trust)
        if request["replaces"] is not None:
            # Where a list holds the certificate itself, the new one is uploaded there, too.
            replaced = log["fingerprint"] == request["replaces"]
            log = log.assign(
                fingerprint=log["fingerprint"].mask(replaced, fingerprint)
            )
            is_old = certificates["fingerprint"] == request["replaces"]
            cells = [
                der if old else cell
                for old, cell in zip(is_old, certificates["der"], strict=True)
            ]
            certificates = certificates.assign(der=cells)
            for name in lists:
                trust.setdefault(name, []).append(anchor_der)
        else:
            new_files[f"new-{len(new_files)}"] = (owner, pem_of(certificate))
            own = ct.attempts(fleet)
            mine = own["device"].isin(request["devices"]) & own["pbx"].isin(lists)
            presents = own.index[mine]
            log = log.assign(
                fingerprint=log["fingerprint"].mask(
                    log.index.isin(presents), fingerprint
                ),
                authentication=log["authentication"]
                .astype("str")
                .mask(log.index.isin(presents), "certificate"),
            )
            for name in lists:
                trust.setdefault(name, []).append(anchor_der)
    changed = dataclasses.replace(fleet, registrations=log, certificates=certificates)
    ct.simulation.write(
        dataclasses.replace(changed, trust=fleet.trust.head(0)), folder
    )
    (folder / "trust").mkdir(exist_ok=True)
    for name, ders in trust.items():
        text = "".join(
            pem_of(x509.load_der_x509_certificate(der)) for der in dict.fromkeys(ders)
        )
        (folder / "trust" / f"{name}.pem").write_text(text)
    for name, (owner, text) in new_files.items():
        place = folder / "certificates" / name / f"{owner}.pem"
        place.parent.mkdir()
        place.write_text(text)
    return ct.read_fleet(folder)


def promised_and_true(fleet, tmp_path, kinds):
    """Return how many attempts the plan repairs, by its own words and with the kit's files."""
    results = ct.check(ct.attempts(fleet))
    plan = ct.remedies(fleet, results, kinds=kinds)
    ct.kit(fleet, plan, tmp_path / "kit")
    better = carried_out(fleet, tmp_path / "kit", tmp_path / "fleet")
    assert len(better.registrations) == len(fleet.registrations)
    key = ["source", "line"]
    after = ct.check(ct.attempts(better), at=None)
    before = results.set_index(key)
    after = after.set_index(key).reindex(before.index)
    # Seen to succeed: nothing to repair, whatever the rules predict.
    repairable = (before["verdict"] == "fail") & (before["observed"] != "up")
    repaired = (repairable & (after["verdict"] == "pass")).sum()
    broken = (before["verdict"] == "pass") & (after["verdict"] != "pass")
    return plan, repaired, broken.sum()


KINDS = tuple(kind for kind in ct.advice.KINDS if kind != "find CA")


@pytest.mark.parametrize(
    "seed",
    [
        11,
        *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(40, 60)),
    ],
)
def test_a_kit_that_is_carried_out_repairs_what_its_plan_promises(seed, tmp_path):
    """The PEM that was written is uploaded, the requests are signed, all is read anew."""
    fleet = ct.simulate(12 if seed == 11 else 150, seed=seed)
    plan, repaired, broken = promised_and_true(fleet, tmp_path, KINDS)
    assert len(plan)
    assert repaired >= plan["attempts_cumulative"].iloc[-1] > 0
    assert broken == 0


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The kit of a fleet, with the plan that it is for."""
    fleet = small_fleet(14, seed=6)
    plan = ct.remedies(fleet, ct.check(ct.attempts(fleet)))
    folder = tmp_path_factory.mktemp("example") / "kit"
    return plan, folder, ct.kit(fleet, plan, folder)


def test_a_kit_has_a_place_for_every_action(example):
    """Each PBX of the plan has its list; each action stands in the checklist, once."""
    plan, folder, files = example
    assert [path.exists() for path in files] == [True] * len(files)
    assert sorted(files) == sorted(p for p in folder.rglob("*") if p.is_file())
    text = (folder / "checklist.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["What to do"] for row in rows] == plan["step"].tolist()
    lists = {
        path.parent.name: path.read_text() for path in folder.glob("pbxs/*/to-do.txt")
    }
    for row in plan[plan["pbx"].notna()].itertuples():
        assert f"[ ] {row.rank}. {row.step}" in lists[row.pbx]
    uploads = plan[plan["pem"].notna()]
    for name, part in uploads.groupby("pbx"):
        text = (folder / "pbxs" / str(name) / "upload.pem").read_text()
        assert text == "".join(part["pem"])


def test_openpyxl_reads_the_checklist_without_a_formula(example):
    """Headings stay in sight, each column has a filter and a width, every text is a text."""
    plan, folder, _ = example
    book = openpyxl.load_workbook(folder / "checklist.xlsx")
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(
            sheet.column_dimensions[cell.column_letter].width > 5 for cell in sheet[1]
        )
        assert all(cell.data_type != "f" for row in sheet for cell in row)
    table = book.worksheets[0]
    assert table.max_row == len(plan) + 1
    steps = [cell.value for cell in table["H"]]
    assert steps[1:] == plan["step"].tolist()


def test_a_mail_of_a_site_is_one_that_mail_programs_open(example):
    """With a subject, nobody to go to, and each step of the site."""
    plan, folder, _ = example
    mails = list(folder.glob("sites/*.eml"))
    texts = []
    for path in mails:
        mail = email.message_from_bytes(
            path.read_bytes(), policy=email.policy.default
        )
        assert mail["To"] is None
        assert mail["X-Unsent"] == "1"
        assert mail["Subject"]
        texts.append(mail.get_content())
    assert all(any(step in text for text in texts) for step in plan["step"])


def test_openssl_makes_the_request_that_a_file_describes(example, tmp_path):
    """With its subject and names, and the usages that the vendor names."""
    _, folder, _ = example
    wanted = json.loads((folder / "requests.json").read_text())
    request = max(wanted, key=lambda one: len(one["dns_names"]))
    made = make_request(folder / request["file"], tmp_path)
    assert subject_parts(made) == [tuple(part) for part in request["subject"]]
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.key_encipherment
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(purposes) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == request["dns_names"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == request[
        "ip_addresses"
    ]


def make_request(config, tmp_path):
    """Return the request that `openssl req` makes of a file."""
    out = tmp_path / "request.pem"
    command = ["openssl", "req", "-new", "-newkey", "rsa", "-nodes"]
    paths = ["-config", config, "-keyout", tmp_path / "key.pem", "-out", out]
    subprocess.run([*command, *map(str, paths)], check=True, capture_output=True)
    return x509.load_pem_x509_csr(out.read_bytes())


def subject_parts(made):
    """Return the parts of a subject by their short names, in order."""
    names = {oid: name for name, oid in OIDS.items()}
    return [(names[part.oid], part.value) for part in made.subject]


@pytest.mark.parametrize(
    "cn", ['a$b"c\\d', "# no note", " blanks ", "line\nend", "O=x,CN=y", "Grün", "'"]
)
def test_a_hostile_name_reaches_openssl_as_it_is(cn, tmp_path):
    """Quotes, variables and line ends of its files of settings are disarmed."""
    fleet = fleet_of(devices=[{"pbx": "hq", "hardware_id": "0090332f688a"}])
    action = {"action": "enrol", "device": "0090332f688a", "pbx": "hq", "value": cn}
    ct.kit(fleet, pd.DataFrame([action]), tmp_path / "kit")
    (request,) = json.loads((tmp_path / "kit" / "requests.json").read_text())
    made = make_request(tmp_path / "kit" / request["file"], tmp_path)
    assert subject_parts(made) == [("CN", cn)]


def test_hostile_names_of_devices_and_pbxs_stay_in_the_folder(tmp_path):
    """Each PBX has a folder of its own, each device a request of its own."""
    devices = [{"pbx": name, "hardware_id": name} for name in HOSTILE]
    actions = [
        {"action": "enrol", "device": name or "x", "pbx": name, "value": "cn"}
        for name in HOSTILE
    ]
    files = ct.kit(fleet_of(devices=devices), pd.DataFrame(actions), tmp_path / "kit")
    root = (tmp_path / "kit").resolve()
    assert all(path.resolve().is_relative_to(root) for path in files)
    assert len(list(root.glob("requests/*.cnf"))) == len(HOSTILE)
    assert len(list(root.glob("pbxs/*/to-do.txt"))) == len(HOSTILE)
    assert list(tmp_path.iterdir()) == [tmp_path / "kit"]


@given(st.lists(st.text(max_size=80) | st.sampled_from(HOSTILE), max_size=12))
def test_names_of_files_are_safe_and_distinct_whatever_the_names(names):
    """On Windows, on Linux, and where case or composition of letters does not count."""
    made = file_names(names)
    assert set(made) == set(names)
    assert len({name.casefold() for name in made.values()}) == len(made)
    for name in made.values():
        assert (
            not PureWindowsPath(name).is_reserved()
            if sys.version_info < (3, 13)
            else True
        )
        assert 0 < len(name.encode()) < 250
        assert not set(name) & set('<>:"/\\|?*\0')
        assert name.isprintable()
        assert name.strip(". ") == name
        assert not name.startswith("-")
    assert file_names(reversed(names)) == made


def test_a_folder_that_holds_files_is_refused(tmp_path):
    """And stays as it was; an empty one is taken."""
    plan = pd.DataFrame({"action": ["set clock"], "device": ["0090332f688a"]})
    fleet = fleet_of()
    (tmp_path / "kit").mkdir()
    ct.kit(fleet, plan, tmp_path / "kit")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ct.CerttrustError, match="not an empty folder"):
        ct.kit(fleet, plan, tmp_path / "kit")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path):
    """Nor is anything of it."""

    def fill():
        with new_directory(tmp_path / "kit") as new:
            (new / "half").write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_no_key_is_written(example):
    """Nor anything that is labelled as one."""
    _, folder, _ = example
    content = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    assert b"PRIVATE KEY" not in content


def test_an_empty_plan_gives_a_kit_that_says_so(tmp_path):
    """There is nothing to do, and nothing to upload."""
    fleet = small_fleet(6, healthy=True)
    plan = ct.remedies(fleet, ct.check(ct.attempts(fleet)))
    assert plan.empty
    ct.kit(fleet, plan, tmp_path / "kit")
    assert "nothing to do" in (tmp_path / "kit" / "README.txt").read_text()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (None, "remedies"),
        (pd.DataFrame({"device": ["x"]}), "action"),
        (pd.DataFrame({"action": ["pray"]}), "pray"),
        (pd.DataFrame({"action": ["trust"], "fingerprint": ["00"]}), "00"),
    ],
)
def test_what_is_no_plan_is_refused_before_anything_is_written(
    plan, message, tmp_path
):
    """With what is wrong about it."""
    with pytest.raises(ct.CerttrustError, match=message):
        ct.kit(fleet_of(), plan, tmp_path / "kit")
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize("directory", [None, 3])
def test_what_is_no_path_is_refused(directory):
    """In words that say what to give."""
    plan = pd.DataFrame({"action": []})
    with pytest.raises(ct.CerttrustError, match="give the path"):
        ct.kit(fleet_of(), plan, directory)


def test_a_kit_of_a_fleet_without_devices_and_lists(tmp_path):
    """Certificates and a log alone: there is a plan, and a kit for it."""
    whole = small_fleet(8, seed=5)
    part = dataclasses.replace(
        whole, devices=whole.devices.head(0), trust=whole.trust.head(0)
    )
    plan = ct.remedies(part, ct.check(ct.attempts(part)))
    files = ct.kit(part, plan, tmp_path / "kit")
    assert files[0].name == "README.txt"


def test_a_certificate_of_which_only_the_fingerprint_is_known_is_named(tmp_path):
    """No file can be uploaded for it, and the list says so."""
    whole = small_fleet(12, seed=5)
    known = whole.certificates.assign(der=None)
    fleet = dataclasses.replace(whole, certificates=known, trust=whole.trust.head(0))
    fingerprint = known["fingerprint"].iloc[0]
    plan = {"action": ["trust"], "pbx": ["hq"], "fingerprint": [fingerprint]}
    ct.kit(fleet, pd.DataFrame(plan), tmp_path / "kit")
    text = (tmp_path / "kit" / "pbxs" / "hq" / "to-do.txt").read_text()
    assert fingerprint in text
    assert not (tmp_path / "kit" / "pbxs" / "hq" / "upload.pem").exists()


def test_names_of_a_foreign_certificate_are_not_asked_for(tmp_path):
    """Two devices present one certificate: neither gets the other's names with a new one."""
    rows = [
        {"pbx": "hq", "serial": f"00903300000{n}", "protocol": "H.323/TLS"}
        for n in (1, 2)
    ]
    ca = StandInCA()
    names = [x509.DNSName("one.example.com")]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "009033000001")])
    own = ca.sign(subject, ca.key.public_key(), names=names)
    fleet = fleet_of(
        [pem_of(own)],
        registrations=[
            {**row, "fingerprint": own.fingerprint(hashes.SHA256()).hex()}
            for row in rows
        ],
    )
    actions = [
        {"action": "enrol", "device": row["serial"], "pbx": "hq", "value": "x"}
        for row in rows
    ]
    ct.kit(fleet, pd.DataFrame(actions), tmp_path / "kit")
    asked = json.loads((tmp_path / "kit" / "requests.json").read_text())
    assert [one["dns_names"] for one in asked] == [[], []]


def test_without_xlsxwriter_the_rest_is_written_and_said(tmp_path, monkeypatch):
    """The table is there as CSV."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    plan = pd.DataFrame({"action": ["set clock"], "device": ["0090332f688a"]})
    files = {path.name for path in ct.kit(fleet_of(), plan, tmp_path / "kit")}
    assert "checklist.csv" in files
    assert "checklist.xlsx" not in files
    assert "certtrust[excel]" in (tmp_path / "kit" / "README.txt").read_text()


@pytest.mark.exhaustive
def test_the_example_fleet_has_a_kit(tmp_path):
    """As a new user would try it."""
    fleet = ct.read_fleet(EXAMPLE.parent / "fleet")
    plan = ct.remedies(fleet, ct.check(ct.attempts(fleet)))
    files = {path.name for path in ct.kit(fleet, plan, tmp_path / "kit")}
    assert {"README.txt", "checklist.xlsx", "upload.pem", "requests.json"} <= files


def test_the_command_writes_a_kit(tmp_path, capsys):
    """Status 1: there is something to do."""
    assert cli.main(["kit", str(EXAMPLE), "-o", str(tmp_path / "kit")]) == 1
    assert "README.txt" in capsys.readouterr().out
    assert (tmp_path / "kit" / "checklist.csv").exists()
    assert cli.main(["kit", str(EXAMPLE), "-o", str(tmp_path / "kit")]) == 2


def test_hostile_texts_are_texts_in_csv_and_workbook():
    """Whatever they begin with, in cells and headings."""
    from certtrust.tables_for_people import GERMAN, guarded_csv, workbook

    rng = Random(5)
    texts = [*HOSTILE, "@SUM(1)", "+1", "-1", "http://x/", "x" * 40_000]
    rng.shuffle(texts)
    frame = pd.DataFrame(
        {
            "=1": texts,
            "n": [1.5, None, float("inf"), *range(len(texts) - 3)],
            "flag": pd.array(
                [True, None, *[False] * (len(texts) - 2)], dtype="boolean"
            ),
            "when": pd.to_datetime(
                ["2026-01-02", *[None] * (len(texts) - 1)], utc=True
            ),
        }
    )
    data = workbook({"a/b:c[d]": frame, "A_B_c_D_": frame, "History": frame.head(0)})
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert len(book.sheetnames) == 3
    for sheet in book:
        assert all(cell.data_type != "f" for row in sheet for cell in row)
        assert not sheet._hyperlinks
    assert book.worksheets[0]["D2"].value == datetime.datetime(2026, 1, 2)
    assert book.worksheets[0]["B2"].value == 1.5
    text = guarded_csv(frame, GERMAN).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    assert rows[1][1] == "1,5"
    assert not [cell for row in rows[1:] for cell in row if cell[:1] in "=@" and cell]
