"""Where a certificate comes from: the fleet, pasted text, or a file."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import ipywidgets
import pandas as pd
import traitlets

from ..certificates.reading import read_certificates
from ..evaluation.attempts import attempts
from ..evaluation.ownership import leaves
from ..fleet import Fleet
from ..schema import CERTIFICATES, conform, empty
from .reading import read
from .styling import DASH, FIELD, card, day, drop_zone, html, short, show

SHOWN = 50
ACCEPTED = ".pem,.crt,.cer,.der,.txt,.p7b,.p7c,.p12,.pfx,.zip"
PRIVACY = "What is pasted or uploaded is read once and not kept: neither here nor in the saved notebook."


class Known(NamedTuple):
    """What the fleet knows about the device that presents a certificate."""

    registration_name: str
    hardware_id: str
    tls_only: bool | None
    pbx: str | None


class CertificateSource(traitlets.HasTraits):
    """Controls that yield certificates; `certificates` has the one to judge first, `known` what goes with it."""

    certificates = traitlets.Instance(pd.DataFrame)

    def __init__(self, fleet: Fleet | None = None) -> None:
        super().__init__(certificates=empty(CERTIFICATES))
        self.known: Known | None = None
        self._fleet = fleet
        self._read = empty(CERTIFICATES)
        self._busy = False
        self._build()
        self._connect()

    def _build(self) -> None:
        ways = ["Fleet", "Paste", "File"] if self._fleet is not None else ["Paste", "File"]
        self.way = ipywidgets.ToggleButtons(
            options=ways,
            description="",
            style={"button_width": "90px"},
            tooltips=[f"Certificate: {way}" for way in ways],
        )
        auto = {"width": "auto"}
        self.search = ipywidgets.Text(
            description="Find device", placeholder="serial, hardware ID, CN or PBX", style=FIELD, layout=auto
        )
        self.choice = ipywidgets.Select(options=[], description="Certificate", rows=6, style=FIELD, layout=auto)
        self.paste = ipywidgets.Textarea(
            description="PEM text",
            placeholder="-----BEGIN CERTIFICATE-----",
            rows=5,
            style=FIELD,
            layout=auto,
        )
        self.upload = ipywidgets.FileUpload(
            accept=ACCEPTED,
            multiple=True,
            description="Choose files",
            tooltip="PEM, DER, PKCS#7 or PKCS#12; a chain may come in one file or in several",
            layout={"width": "150px"},
        )
        self.upload.add_class("ct-upload")
        self.password = ipywidgets.Password(
            description="Password", placeholder="for a PKCS#12 file, before it is chosen", style=FIELD, layout=auto
        )
        self.judged = ipywidgets.Dropdown(options=[], description="Judge", style=FIELD, layout=auto)
        self.note = html()
        self._panes = {
            "Fleet": ipywidgets.VBox([self.search, self.choice]),
            "Paste": ipywidgets.VBox([self.paste, html(PRIVACY).add_class("ct-hint")]),
            "File": ipywidgets.VBox(
                [self.password, self.upload, drop_zone("or drop files here"), html(PRIVACY).add_class("ct-hint")]
            ),
        }
        self._pane = ipywidgets.VBox()
        self.box = card("Certificate", self.way, self._pane, self.judged, self.note)
        self.judged.layout.display = "none"
        self._turn_to(ways[0])
        if self._fleet is not None:
            self._offer()

    def _connect(self) -> None:
        self.way.observe(lambda change: self._turn_to(change["new"]), names="value")
        self.search.observe(lambda _change: self._offer(), names="value")
        self.choice.observe(self._choose, names="value")
        self.paste.observe(self._pasted, names="value")
        self.upload.observe(self._uploaded, names="value")
        self.judged.observe(lambda _change: self._judge(), names="value")

    def _turn_to(self, way: str) -> None:
        self._pane.children = (self._panes[way],)

    @cached_property
    def _offered(self) -> pd.DataFrame:
        """The fleet's own certificates, one row each, with what their device registers as."""
        fleet = self._fleet
        if fleet is None:
            return pd.DataFrame()
        owned = leaves(fleet.certificates).dropna(subset=["fingerprint"]).drop_duplicates("fingerprint")
        used = pd.concat([attempts(fleet, of="devices"), attempts(fleet)]).dropna(subset=["fingerprint"])
        used = used.drop_duplicates("fingerprint", keep="last").set_index("fingerprint")
        kept = used[["device", "registration_name", "hardware_id", "tls_only", "pbx", "model"]]
        offered = owned[["fingerprint", "bundle", "subject_cn", "issuer_cn"]].join(kept, on="fingerprint")
        own = offered["device"].fillna(owned["device"]).fillna(offered["subject_cn"]).fillna("?")
        labels = own + " · " + offered["model"].fillna(DASH) + " · " + offered["pbx"].fillna(DASH)
        labels += " · issued by " + offered["issuer_cn"].fillna(DASH)
        return offered.assign(label=labels, haystack=(labels + " " + offered["subject_cn"].fillna("")).str.casefold())

    def _offer(self) -> None:
        wanted = self.search.value.strip().casefold()
        rows = self._offered
        found = rows[rows["haystack"].str.contains(wanted, regex=False)] if wanted else rows
        shown = found.head(SHOWN)
        self._busy = True
        self.choice.options = list(zip(map(short, shown["label"]), shown["fingerprint"], strict=True))
        self.choice.value = None
        self._busy = False
        more = f" The first {SHOWN} are listed." if len(found) > SHOWN else ""
        show(self.note, f"{len(found):,} of {len(rows):,} certificates.{more}")

    def give_device(self, device: str) -> None:
        """Choose the first certificate of the fleet that has this text in its line."""
        self.search.value = device
        if self.choice.options:
            self.choice.value = self.choice.options[0][1]

    def _choose(self, change: Any) -> None:
        if self._busy or change["new"] is None or self._fleet is None:
            return
        row = self._offered.set_index("fingerprint").loc[change["new"]]
        everything = self._fleet.certificates
        bundle = everything[everything["bundle"] == row["bundle"]]
        first = bundle["fingerprint"] == change["new"]
        self.known = Known(
            _text(row["registration_name"]),
            _text(row["hardware_id"]),
            None if pd.isna(row["tls_only"]) else bool(row["tls_only"]),
            row["pbx"] if isinstance(row["pbx"], str) else None,
        )
        self._take(pd.concat([bundle[first].head(1), bundle[~first]]))

    def give(self, certificate: Any) -> None:
        """Take certificates in any form that `certtrust.diagnose` takes."""
        frame = certificate if isinstance(certificate, pd.DataFrame) else read_certificates(certificate)
        self.known = None
        self._take(conform(frame, CERTIFICATES))

    def _pasted(self, change: Any) -> None:
        text = change["new"]
        if not text.strip():
            return
        if text.count("-----BEGIN") != text.count("-----END") or "-----END" not in text:
            show(self.note, "Paste the whole block, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.")
            return
        self.paste.value = ""
        self._received({"pasted text": text.encode("utf-8", "replace")})

    def _uploaded(self, change: Any) -> None:
        if not change["new"]:
            return
        contents = {each["name"]: bytes(each["content"]) for each in change["new"]}
        self.upload.value = ()
        self._received(contents)

    def _received(self, contents: dict[str, bytes]) -> None:
        reading = read(contents, password=self.password.value)
        self.password.value = ""
        if len(reading.certificates):
            self.known = None
            self._take(reading.certificates)
        show(self.note, " ".join(reading.notes))

    def _take(self, frame: pd.DataFrame) -> None:
        """Judge the first certificate that issues no other one; the user may choose another."""
        self._read = frame.reset_index(drop=True)
        own = leaves(self._read)
        order = [*own.index, *self._read.index.difference(own.index)]
        options = [(_label(self._read.loc[place]), place) for place in order]
        self._busy = True
        self.judged.options = options
        self.judged.value = order[0] if order else None
        self.judged.layout.display = "" if len(options) > 1 else "none"
        self._busy = False
        self._judge()

    def _judge(self) -> None:
        if self._busy or self.judged.value is None:
            return
        first = self._read.index == self.judged.value
        self.certificates = pd.concat([self._read[first], self._read[~first]], ignore_index=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _label(row: Any) -> str:
    name = row["subject_cn"] if isinstance(row["subject_cn"], str) and row["subject_cn"] else row["subject"]
    return f"{short(name)} · until {day(row['not_after'])}"
