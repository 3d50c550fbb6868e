"""Make data/first-contact out of data/fleet: `python .ci/first_contact.py [FOLDER]`.

The folder holds what people usually start with: loose certificates, a trust list, an Excel list and
a collector's log. All of it is made up, as the fleet is that it is taken from.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd

import certtrust as ct

ROOT = Path(__file__).parents[1]
FLEET = ROOT / "data" / "fleet"
PBX, DEVICES, LINES_PER_DEVICE = "lucerne", 8, 3
HEADINGS = ("Name", "Nummer", "Seriennummer", "Modell", "TLS only", "Stockwerk")
TEXTS = ("long_name", "number")
EPOCH = (2026, 11, 1, 0, 0, 0)
"""When the members of the workbook were made, so that each run gives the same bytes."""


def chosen(fleet: ct.Fleet) -> pd.DataFrame:
    """Return attempts of a few devices of one PBX, half of which fail for their certificate."""
    results = ct.check(ct.attempts(fleet))
    rows = results[(results["pbx"] == PBX) & results["serial"].notna()]
    files = {path.stem for path in (FLEET / "certificates").iterdir()}
    rows = rows[rows["serial"].isin(files) & (rows["certificate_by"] == "device")]
    is_failing = (rows["cause"] == "certificate.trust").groupby(rows["serial"]).any()
    half = DEVICES // 2
    serials = [
        *is_failing.index[is_failing][:half],
        *is_failing.index[~is_failing][:half],
    ]
    return rows[rows["serial"].isin(serials)].sort_values("time")


def log_lines(attempts: pd.DataFrame) -> Iterator[str]:
    """Yield lines as a collector might write them; the texts are invented."""
    last = attempts.groupby("serial").tail(LINES_PER_DEVICE)
    for row in last.itertuples():
        stamp = row.time.strftime("%Y-%m-%dT%H:%M:%S+00:00")
        pairs = {
            "pbx": PBX,
            "serial": row.serial,
            "protocol": row.protocol,
            "authentication": row.authentication,
            "state": row.state,
            "reason": row.reason,
        }
        words = (
            f"{key}={text}" for key, text in pairs.items() if isinstance(text, str)
        )
        yield f"{stamp} collector.example.com registrations: {' '.join(words)}"


def tails(devices: pd.DataFrame) -> pd.Series:
    """Return the last six digits of each device's serial or hardware ID."""
    names = devices["hardware_id"].fillna(devices["serial"])
    return names.str.replace("-", "").str[-6:].str.lower()


def workbook(rows: list[tuple[str, ...]], path: Path) -> None:
    """Write rows of text as the one sheet of an Excel workbook."""
    cells = "".join(
        "<row>"
        + "".join(
            f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row
        )
        + "</row>"
        for row in rows
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Telefone" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship '
        f'Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}'
        "</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, xml in parts.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, f'<?xml version="1.0" encoding="UTF-8"?>{xml}')


def main(folder: Path = ROOT / "data" / "first-contact") -> None:
    """Write the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    fleet = ct.read_fleet(FLEET)
    attempts = chosen(fleet)
    serials = sorted(attempts["serial"].unique())
    for serial in serials:
        pem = (FLEET / "certificates" / f"{serial}.pem").read_text(encoding="ascii")
        (folder / f"{serial}.pem").write_text(pem, encoding="ascii", newline="\n")
    trust = (FLEET / "trust" / f"{PBX}.pem").read_text(encoding="ascii")
    (folder / "trust.pem").write_text(trust, encoding="ascii", newline="\n")
    log = "\n".join([*log_lines(attempts), ""])
    (folder / "collector.log").write_text(log, encoding="utf-8", newline="\n")
    entries = fleet.devices.assign(tail=tails(fleet.devices))
    names = entries.drop_duplicates("tail").set_index("tail")
    listed = [(serial, names.loc[serial[-6:]]) for serial in serials]
    rows = [
        (
            *(entry[name] if isinstance(entry[name], str) else "" for name in TEXTS),
            serial,
            entry["model"] if isinstance(entry["model"], str) else "",
            {True: "ja", False: "nein"}.get(entry["tls_only"], ""),
            "Erdgeschoss",
        )
        for serial, entry in listed
    ]
    workbook([HEADINGS, *rows], folder / "phones.xlsx")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
