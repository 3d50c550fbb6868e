"""CertificateTester: one certificate, one scenario, and the answer that follows every change."""

from __future__ import annotations

from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from ..errors import CerttrustError
from ..evaluation.rules import SCENARIOS
from ..explanation.diagnosis import Diagnosis, diagnose
from ..fleet import Fleet
from ..schema import CERTIFICATES, empty
from ..texts.markup import Markup, tag
from ..trust import trust_state
from . import diagnosis_view
from .certificate_source import CertificateSource
from .date_slider import MomentSlider
from .styling import DASH, FIELD, card, html, show, show_with_twin, style, word_for
from .trust import TrustChoice, listed_frame

_SCENARIOS = {
    "h323-certificate": "H.323/TLS, by certificate",
    "h323-password": "H.323/TLS, by password",
    "browser": "Browser, HTTPS or websocket",
}
_FLAGS = {"not known": None, "set": True, "not set": False}
_HINT = "This is a static copy. Run the notebook to get the controls: Run → Run All Cells."


class CertificateTester(ipywidgets.VBox):  # type: ignore[misc]
    """Test one certificate interactively: who presents it, for what, and at which moment.

    Parameters
    ----------
    certificate : bytes, PEM text, path or DataFrame, optional
        What to begin with; the first certificate is judged and the others belong to its chain.
    fleet : Fleet, optional
        Offers its certificates, and the trust lists of its PBXs.
    device : str, optional
        Serial, hardware ID or CN: what the fleet knows of it is filled in to begin with.
    scenario : {"h323-certificate", "h323-password", "browser"}
        What the certificate is used for.
    registration_name, hardware_id, url : str
        What the device registers as, and what the browser opens.
    trust : as certificate, optional
        The trust list; without it that of the first PBX of the fleet, else it is not known.
    tls_only : bool, optional
        Whether "TLS only" is set for the device.
    at : Timestamp or str, optional
        The moment to judge at; by default now.

    Attributes
    ----------
    certificates : DataFrame
        What is being tested, the judged certificate first.
    trust : DataFrame or None
        The entries that are ticked; None where no list is known.
    diagnosis : Diagnosis or None
        The answer to what is entered; None as long as there is no certificate, or no URL for a browser.
    explanation, call : str
        The diagnosis in words, and the Python call that gives it.

    Examples
    --------
    >>> import certtrust as ct
    >>> tester = ct.widgets.CertificateTester(fleet=ct.simulate(5, seed=1))
    >>> tester.scenario = "h323-password"
    >>> tester.tls_only = True
    >>> tester.diagnosis.verdict
    'fail'
    """

    certificates = traitlets.Instance(pd.DataFrame, allow_none=False)
    scenario = traitlets.Enum(list(SCENARIOS), default_value="h323-certificate")
    registration_name = traitlets.Unicode()
    hardware_id = traitlets.Unicode()
    url = traitlets.Unicode()
    trust = traitlets.Instance(pd.DataFrame, allow_none=True)
    tls_only = traitlets.Bool(default_value=None, allow_none=True)
    at = traitlets.Instance(pd.Timestamp)
    diagnosis = traitlets.Instance(Diagnosis, allow_none=True, read_only=True)

    def __init__(
        self,
        certificate: Any = None,
        *,
        fleet: Fleet | None = None,
        device: str = "",
        scenario: str = "h323-certificate",
        registration_name: str = "",
        hardware_id: str = "",
        url: str = "",
        trust: Any = None,
        tls_only: bool | None = None,
        at: pd.Timestamp | str | None = None,
    ) -> None:
        self.explanation, self.call = "", ""
        self._links: pd.DataFrame | None = None
        self._quiet = True
        self._source = CertificateSource(fleet)
        self._trust_choice = TrustChoice(fleet, None if trust is None else listed_frame(trust))
        self._moment = MomentSlider(at)
        self._fields = _fields()
        self._answer, self._chain, self._steps, self._texts = html(), html(), html(), html()
        super().__init__(
            certificates=empty(CERTIFICATES),
            scenario=scenario,
            registration_name=registration_name,
            hardware_id=hardware_id,
            url=url,
            tls_only=tls_only,
            at=self._moment.at,
        )
        self._lay_out()
        self._connect()
        if certificate is not None:
            self._source.give(certificate)
        elif fleet is not None:
            self._source.give_device(device)
        self._quiet = False
        self._judge()

    def _lay_out(self) -> None:
        fields = self._fields
        left = ipywidgets.VBox(
            [
                self._source.box,
                card("Use", *fields.values()),
                self._trust_choice.box,
                card("Moment", self._moment.box),
            ]
        )
        right = ipywidgets.VBox(
            [
                self._answer,
                card("Chain", self._chain),
                card("Step by step", self._steps),
                card("Take it along", self._texts),
            ]
        )
        left.add_class("ct-left")
        right.add_class("ct-right")
        columns = ipywidgets.HBox([left, right])
        columns.add_class("ct-columns")
        self.children = (html(style()), columns)
        self.add_class("ct-root")
        self.add_class("ct-live")

    def _connect(self) -> None:
        for name in ("scenario", "registration_name", "hardware_id", "url"):
            traitlets.link((self, name), (self._fields[name], "value"))
        words = (lambda flag: word_for(flag, _FLAGS), _FLAGS.__getitem__)
        traitlets.link((self, "tls_only"), (self._fields["tls_only"], "value"), transform=words)
        traitlets.link((self, "at"), (self._moment, "at"))
        self.trust = self._trust_choice.trust
        self._trust_choice.observe(lambda change: self._follow("trust", self, change["new"]), names="trust")
        self.observe(lambda change: self._follow("trust", self._trust_choice, change["new"]), names="trust")
        self.observe(self._forget_links, names=["certificates", "trust"])
        self._source.observe(self._take, names="certificates")
        self.observe(self._take_own, names="certificates")
        self.observe(
            self._judge, names=["scenario", "registration_name", "hardware_id", "url", "tls_only", "at", "trust"]
        )

    @staticmethod
    def _follow(name: str, target: Any, value: Any) -> None:
        # Frames cannot be compared as traitlets.link does; the same frame needs no second notification.
        if getattr(target, name) is not value:
            setattr(target, name, value)

    def _forget_links(self, _change: Any) -> None:
        self._links = None

    def _take(self, _change: Any) -> None:
        """Take over what was chosen, with what the fleet knows about its device."""
        known = self._source.known
        self._quiet = True
        if known is not None:
            self.registration_name = known.registration_name
            self.hardware_id = known.hardware_id
            self.tls_only = known.tls_only
            self._trust_choice.choose(known.pbx)
        self._quiet = False
        self.certificates = self._source.certificates

    def _take_own(self, _change: Any) -> None:
        if not self.certificates.empty:
            self._moment.span(self.certificates.iloc[0])
        self._judge()

    def _judge(self, _change: Any = None) -> None:
        if self._quiet:
            return
        browser = self.scenario == "browser"
        self._quiet = True
        self._trust_choice.browser = browser
        self._quiet = False
        for name, used in {
            "registration_name": not browser,
            "hardware_id": not browser,
            "tls_only": not browser,
            "url": browser,
        }.items():
            self._fields[name].layout.display = "" if used else "none"
        missing = self._what_is_missing()
        if missing:
            self.set_trait("diagnosis", None)
            show(self._answer, diagnosis_view.asking(missing))
            for each in (self._chain, self._steps, self._texts):
                show(each, DASH)
            return
        self._explain()

    def _what_is_missing(self) -> str:
        if self.certificates.empty:
            return "Paste a certificate, choose a file, or choose a device of the fleet."
        if self.scenario == "browser" and not self.url.strip():
            return "Enter the URL that the browser opens."
        return ""

    def _explain(self) -> None:
        browser = self.scenario == "browser"
        options: dict[str, Any] = {
            "scenario": self.scenario,
            "registration_name": None if browser else self.registration_name.strip() or None,
            "hardware_id": None if browser else self.hardware_id.strip() or None,
            "url": self.url.strip() if browser else None,
            "tls_only": None if browser else self.tls_only,
        }
        # Signatures are verified once per certificate and list, not once per key that is pressed.
        listed = self.certificates.head(0) if self.trust is None else self.trust
        self._links = trust_state.link(self.certificates, listed) if self._links is None else self._links
        try:
            diagnosis = diagnose(self.certificates, trust=self.trust, at=self.at, links=self._links, **options)
        except CerttrustError as problem:
            self.set_trait("diagnosis", None)
            show(self._answer, diagnosis_view.asking(str(problem)))
            return
        nodes = diagnosis_view.chain(diagnosis, self.certificates, self.trust, self._links)
        self.explanation = diagnosis_view.explanation(diagnosis, nodes)
        trust = None if self.trust is None else diagnosis_view.Code("tester.trust")
        self.call = diagnosis_view.python_call(
            "tester.certificates", **options, trust=trust, at=f"{self.at:%Y-%m-%d %H:%M}"
        )
        show(self._answer, diagnosis_view.verdict_html(diagnosis))
        show(self._chain, diagnosis_view.tree_html(nodes))
        show(self._steps, diagnosis_view.steps_html(diagnosis))
        note = "tester stands for this widget, as in tester = ct.widgets.CertificateTester(...)."
        show(
            self._texts,
            [
                diagnosis_view.copyable("explanation", self.explanation),
                diagnosis_view.copyable("Python call", self.call),
                tag("p", note, class_="ct-hint"),
            ],
        )
        self.set_trait("diagnosis", diagnosis)

    def _ipython_display_(self, **_options: Any) -> None:
        show_with_twin(self, [self._answer_markup()], _HINT)

    def _answer_markup(self) -> Any:
        return Markup(self._answer.value + self._chain.value + self._steps.value)


def _fields() -> dict[str, Any]:
    text = {"style": FIELD, "layout": {"width": "auto"}, "continuous_update": True}
    return {
        "scenario": ipywidgets.Dropdown(
            options=[(label, name) for name, label in _SCENARIOS.items()],
            description="Scenario",
            style=FIELD,
            layout={"width": "auto"},
        ),
        "registration_name": ipywidgets.Text(
            description="Registers as", placeholder="0090332f688a, or 009033010203-TEL1", **text
        ),
        "hardware_id": ipywidgets.Text(description="Hardware ID", placeholder="IP222-2f-68-8a", **text),
        "url": ipywidgets.Text(description="URL", placeholder="https://192.0.2.7/", **text),
        "tls_only": ipywidgets.Dropdown(
            options=list(_FLAGS), description="TLS only", style=FIELD, layout={"width": "auto"}
        ),
    }
