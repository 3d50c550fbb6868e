"""Where a certificate comes from: the fleet, pasted text, a file, or a host."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from ..certificates.reading import read_certificates
from ..certificates.requests import is_request
from ..errors import CerttrustError
from ..evaluation.attempts import attempts
from ..evaluation.ownership import leaves
from ..fleet import Fleet
from ..schema import CERTIFICATES, conform, empty
from ..texts.labels import plural
from ..texts.sentences import fill, in_its_language, say, sentences
from ..texts.translation import translated
from .controls import action, field, upload
from .reading import Reading, read, readable
from .styling import DASH, card, containing, html, short, show, titled

SHOWN = 50
ACCEPTED = ".pem,.crt,.cer,.der,.txt,.p7b,.p7c,.p12,.pfx,.zip"
_FACTS = ["registration_name", "hardware_id", "tls_only", "pbx"]


class CertificateSource(traitlets.HasTraits):
    """Controls that yield certificates.

    Attributes
    ----------
    certificates : DataFrame
        The one to judge first, then the others; none where nothing could be read.
    facts : dict
        registration_name, hardware_id, tls_only and pbx of the device that presents it, None
        where missing: what the fleet holds about it or, for what was pasted or dropped, its CN
        as the name and nothing else. Empty for a certificate that a program gave.
    is_received : bool
        The certificate was pasted, dropped or chosen as a file.
    problem : str
        Why there is no certificate in what was given last.
    """

    certificates = traitlets.Instance(pd.DataFrame)

    def __init__(self, fleet: Fleet | None = None) -> None:
        super().__init__(certificates=empty(CERTIFICATES))
        self.facts: dict[str, Any] = {}
        self.is_received = False
        self.problem = ""
        self.requests: dict[str, bool] = {}
        self._fleet = fleet
        self._read = empty(CERTIFICATES)
        self._password = ""
        self._busy = False
        self._build()
        self._connect()

    def _build(self) -> None:
        self.search = field(ipywidgets.Text, "certificate_source.search")
        self.choice = field(
            ipywidgets.Select, "certificate_source.choice", options=[], rows=6
        )
        self.paste = field(ipywidgets.Textarea, "certificate_source.paste", rows=5)
        self.password = field(
            ipywidgets.Password,
            "certificate_source.password",
            continuous_update=False,
        )
        self.upload, drop_zone = upload("certificate_source", ACCEPTED, self._receive)
        self.host = field(
            ipywidgets.Text, "certificate_source.host", continuous_update=False
        )
        fetch = action("certificate_source.fetch", self._fetch, width="90px")
        self.judged = field(
            ipywidgets.Dropdown, "certificate_source.judged", options=[]
        )
        self.judged.layout.display = "none"
        self.note = html()
        private = html(say("widgets.certificate_source.private")).add_class("ct-hint")
        panes = {
            "fleet": ipywidgets.VBox([self.search, self.choice]),
            "paste": ipywidgets.VBox([self.paste, private]),
            "file": ipywidgets.VBox([self.password, self.upload, drop_zone, private]),
            "host": ipywidgets.VBox([self.host, fetch]),
        }
        if self._fleet is None:
            del panes["fleet"]
        else:
            self._offer()
        words = sentences()["widgets"]["certificate_source"]["ways"]
        self.way = ipywidgets.ToggleButtons(
            options=[(words[way]["title"], pane) for way, pane in panes.items()],
            tooltips=[words[way]["tooltip"] for way in panes],
            style={"button_width": "90px"},
        )
        pane = ipywidgets.VBox([self.way.value])
        self.way.observe(
            in_its_language(
                lambda change: pane.set_trait("children", [change["new"]])
            ),
            names="value",
        )
        title = say("widgets.certificate_source.title")
        self.box = card(title, self.way, pane, self.judged, self.note)

    def _connect(self) -> None:
        self.search.observe(
            in_its_language(lambda _change: self._offer()), names="value"
        )
        self.choice.observe(in_its_language(self._choose), names="value")
        self.paste.observe(in_its_language(self._pasted), names="value")
        self.password.observe(in_its_language(self._take_password), names="value")
        self.judged.observe(
            in_its_language(lambda _change: self._judge()), names="value"
        )

    @cached_property
    def _offered(self) -> pd.DataFrame:
        """The fleet's own certificates by fingerprint, each with what its device registers as."""
        fleet = self._fleet
        if fleet is None:
            return pd.DataFrame()
        own = leaves(fleet.certificates).dropna(subset=["fingerprint"])
        own = own.drop_duplicates("fingerprint")
        both = pd.concat([attempts(fleet, of="devices"), attempts(fleet)])
        last = both.dropna(subset=["fingerprint"]).drop_duplicates(
            "fingerprint", keep="last"
        )
        named = own.rename(columns={"device": "named_by_file"}).set_index(
            "fingerprint"
        )
        certificates = named[["bundle", "named_by_file", "subject_cn", "issuer_cn"]]
        offered = certificates.join(
            last.set_index("fingerprint")[["device", "model", *_FACTS]]
        )
        device = offered["device"].fillna(offered["named_by_file"])
        device = device.fillna(offered["subject_cn"])
        words = offered[["model", "pbx", "issuer_cn"]].astype("str").fillna(DASH)
        words["name"] = device.fillna("?")
        template = sentences()["widgets"]["certificate_source"]["line"]
        line = fill(template, words)
        haystack = line + " " + offered["subject_cn"].fillna("")
        return offered.assign(line=line, haystack=haystack)

    def _offer(self) -> None:
        offered = self._offered
        matches = offered[containing(offered["haystack"], self.search.value)]
        shown = matches.head(SHOWN)
        self._busy = True
        lines = map(short, shown["line"])
        self.choice.options = list(zip(lines, shown.index, strict=True))
        self.choice.value = None
        self._busy = False
        key = "first_matches" if len(matches) > SHOWN else "counted"
        counts = {"shown": SHOWN, "matches": len(matches)}
        certificates = plural(len(offered), "certificate")
        words = say(
            f"widgets.certificate_source.{key}", certificates=certificates, **counts
        )
        show(self.note, words)

    def give_device(self, device: str) -> None:
        """Choose the first certificate of the fleet that has this text in its line.

        Where none of the device's certificates could be read, the problem is the reason.
        """
        self.search.value = device
        if self.choice.options:
            self.choice.value = self.choice.options[0][1]
        elif self._fleet is not None:
            certificates = self._fleet.certificates
            reasons = certificates["parse_error"][certificates["device"] == device]
            self.problem = "; ".join(translated(reasons).dropna().unique())

    def _choose(self, change: Any) -> None:
        if self._busy or change["new"] is None or self._fleet is None:
            return
        row = self._offered.loc[change["new"]]
        everything = self._fleet.certificates
        bundle = everything[everything["bundle"] == row["bundle"]]
        first = bundle["fingerprint"] == change["new"]
        self.facts = {
            name: None if pd.isna(row[name]) else row[name] for name in _FACTS
        }
        self.is_received = False
        self.problem = ""
        self._take(pd.concat([bundle[first].head(1), bundle[~first]]))

    def give(self, certificate: Any) -> None:
        """Take certificates in any form that `certtrust.diagnose` takes."""
        if isinstance(certificate, (str, bytes)) and _holds_request(certificate):
            data = (
                certificate.encode() if isinstance(certificate, str) else certificate
            )
            self._receive({say("widgets.reading.given"): data})
            return
        if not isinstance(certificate, pd.DataFrame):
            certificate = read_certificates(certificate)
        self.is_received = False
        self._take_read(
            readable(conform(certificate, CERTIFICATES), say("widgets.reading.given"))
        )

    def _pasted(self, change: Any) -> None:
        # Whatever it is, it is read at once: half of a key must not wait in the field either.
        if change["new"].strip():
            self.paste.value = ""
            self._receive(
                {
                    say("widgets.reading.pasted"): change["new"].encode(
                        "utf-8", "replace"
                    )
                }
            )

    def _fetch(self) -> None:
        """Take what the host presents that was typed, as if it had been dropped here."""
        from ..endpoints.chain import fetch_typed

        text = self.host.value.strip()
        if not text:
            return
        self.is_received = True
        show(self.note, say("widgets.certificate_source.fetching", host=text))
        try:
            fetched = fetch_typed(text)
        except CerttrustError as problem:
            self._take_read(Reading(empty(CERTIFICATES), (str(problem),)))
            return
        self._take_read(readable(fetched, text))

    def _take_password(self, change: Any) -> None:
        """Keep the password for the next file only, and where no notebook is saved with it."""
        if change["new"]:
            self._password = change["new"]
            self.password.value = ""
            self.password.placeholder = say(
                "widgets.certificate_source.password_taken"
            )

    def _receive(self, contents: dict[str, bytes]) -> None:
        password, self._password = self._password, ""
        self.password.placeholder = _password_placeholder()
        self.is_received = True
        self._take_read(read(contents, password=password))

    def _take_read(self, reading: Reading) -> None:
        self.requests |= reading.requests
        self.facts = {}
        words = " ".join(reading.notes)
        self.problem = "" if len(reading.certificates) else words
        show(self.note, words)
        self._take(reading.certificates)

    def _take(self, certificates: pd.DataFrame) -> None:
        """Judge the first certificate that issues no other one; the user may choose another."""
        self._read = certificates.reset_index(drop=True)
        own = leaves(self._read).index
        order = [*own, *self._read.index.difference(own)]
        self._busy = True
        self.judged.options = [
            (titled(self._read.loc[position]), position) for position in order
        ]
        self.judged.value = order[0] if order else None
        self.judged.layout.display = "" if len(order) > 1 else "none"
        self._busy = False
        self._judge()

    def _judge(self) -> None:
        if not self._busy:
            first = self._read.index == self.judged.value
            parts = [self._read[first], self._read[~first]]
            certificates = pd.concat(parts, ignore_index=True)
            if self.is_received:
                self.facts = _proposed(certificates)
            self.certificates = certificates


def _holds_request(certificate: str | bytes) -> bool:
    data = certificate.encode() if isinstance(certificate, str) else certificate
    return is_request(data)


def _proposed(certificates: pd.DataFrame) -> dict[str, Any]:
    """Return what is assumed of a certificate that nothing else is known of: its name is its CN."""
    names = certificates["subject_cn"].head(1).dropna().tolist()
    return {**dict.fromkeys(_FACTS), "registration_name": names[0] if names else None}


def _password_placeholder() -> str:
    words = sentences()["widgets"]["certificate_source"]["password"]
    return str(words["placeholder"])
