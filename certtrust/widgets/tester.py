"""CertificateTester: one certificate, one scenario, and the answer that follows every change."""

from __future__ import annotations

import dataclasses
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from ..errors import CerttrustError
from ..evaluation.rules import SCENARIOS
from ..explanation.diagnosis import Diagnosis, diagnose
from ..fleet import Fleet
from ..schema import CERTIFICATES, TRUST, empty
from ..texts.markup import tag
from ..texts.sentences import in_its_language, say
from ..texts.translation import translated_text
from ..trust import trust_state
from . import diagnosis_view
from .acceptance import accepted, accepted_html
from .certificate_source import CertificateSource
from .chain_tree import chain, tree_html
from .controls import action, field
from .date_slider import DateSlider
from .reading import is_readable
from .side_by_side import compared_html
from .styling import DASH, Panel, card, columns, html, show, word_for
from .trust import TrustChoice, listed_frame

_FLAGS = {"unknown": None, "set": True, "cleared": False}
_REGISTRATION = ("registration_name", "hardware_id", "tls_only")
"""Fields that concern a registration; a browser is asked for its URL instead."""


class CertificateTester(Panel):
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
        The answer to what is entered; None as long as there is no certificate, or no URL for a
        browser.
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
        self._trust_choice = TrustChoice(
            fleet, None if trust is None else listed_frame(trust)
        )
        self._moment = DateSlider(at)
        self._flags = {
            say(f"widgets.tester.flags.{name}"): flag for name, flag in _FLAGS.items()
        }
        self._fields = self._build_fields()
        self._answer, self._chain, self._steps, self._texts = (
            html() for _ in range(4)
        )
        self._lists = empty(TRUST) if fleet is None else fleet.trust
        self._accepted, self._compared = (html() for _ in range(2))
        self._held: tuple[pd.Series, Diagnosis | None] | None = None
        self._check_everywhere = action(
            "tester.check_everywhere", self._show_accepted, width="150px"
        )
        self._hold = action("tester.hold", self.hold, width="150px")
        self._release = action("tester.release", self.release, width="110px")
        super().__init__(
            self._layout(),
            static_parts=(self._answer, self._chain, self._steps),
            certificates=empty(CERTIFICATES),
            scenario=scenario,
            registration_name=registration_name,
            hardware_id=hardware_id,
            url=url,
            tls_only=tls_only,
            at=self._moment.at,
        )
        self._connect()
        if certificate is not None:
            self._source.give(certificate)
        elif fleet is not None:
            self._source.give_device(device)
        # What is known of a device or a request stands back behind what the caller says.
        self._quiet = True
        self.registration_name = registration_name or self.registration_name
        self.hardware_id = hardware_id or self.hardware_id
        self.tls_only = self.tls_only if tls_only is None else tls_only
        self._quiet = False
        self._judge()

    def _build_fields(self) -> dict[str, Any]:
        # The registration by certificate comes first: it is what most ask about.
        scenarios = [
            (say(f"widgets.tester.scenarios.{name}"), name)
            for name in reversed(SCENARIOS)
        ]
        texts = ("registration_name", "hardware_id", "url")
        return {
            "scenario": field(
                ipywidgets.Dropdown, "tester.scenario", options=scenarios
            ),
            **{name: field(ipywidgets.Text, f"tester.{name}") for name in texts},
            "tls_only": field(
                ipywidgets.Dropdown, "tester.tls_only", options=list(self._flags)
            ),
        }

    def _layout(self) -> list[Any]:
        use = card(say("widgets.tester.use"), *self._fields.values())
        moment = card(say("widgets.tester.moment"), self._moment.box)
        left = ipywidgets.VBox(
            [self._source.box, use, self._trust_choice.box, moment]
        )
        answers = {"chain": self._chain, "steps": self._steps, "texts": self._texts}
        cards = [
            card(say(f"widgets.tester.{name}"), part)
            for name, part in answers.items()
        ]
        hints = {
            name: html(tag("p", say(f"widgets.tester.{name}"), class_="ct-hint"))
            for name in ("accepted_hint", "hold_hint")
        }
        everywhere = [hints["accepted_hint"], self._check_everywhere, self._accepted]
        buttons = ipywidgets.HBox([self._hold, self._release])
        both = [hints["hold_hint"], buttons, self._compared]
        cards += [
            card(say("widgets.tester.accepted"), *everywhere),
            card(say("widgets.tester.side_by_side"), *both),
        ]
        return [columns(left, ipywidgets.VBox([self._answer, *cards]))]

    def _connect(self) -> None:
        for name in ("scenario", "registration_name", "hardware_id", "url"):
            traitlets.link((self, name), (self._fields[name], "value"))
        words = (lambda flag: word_for(flag, self._flags), self._flags.__getitem__)
        traitlets.link(
            (self, "tls_only"), (self._fields["tls_only"], "value"), transform=words
        )
        traitlets.link((self, "at"), (self._moment, "at"))
        self.trust = self._trust_choice.trust
        self._trust_choice.observe(
            in_its_language(lambda change: _follow(self, change["new"])),
            names="trust",
        )
        self.observe(
            in_its_language(
                lambda change: _follow(self._trust_choice, change["new"])
            ),
            names="trust",
        )
        self.observe(
            in_its_language(self._forget_links), names=["certificates", "trust"]
        )
        self._source.observe(in_its_language(self._take), names="certificates")
        self.observe(in_its_language(self._take_own), names="certificates")
        self.observe(
            in_its_language(self._judge),
            names=["scenario", "url", "at", "trust", *_REGISTRATION],
        )

    # What else can be asked

    @property
    def is_request(self) -> bool:
        """Whether what is judged is a certificate request, which no CA has signed yet."""
        return self._signature_of_request is not None

    @property
    def _signature_of_request(self) -> bool | None:
        """Whether the signature of the request is valid; None for a certificate."""
        judged = self.certificates["fingerprint"].head(1).dropna().tolist()
        return self._source.requests.get(judged[0]) if judged else None

    @property
    def accepted(self) -> pd.DataFrame:
        """Where the certificate would be accepted: pbx, scenario, verdict, reason.

        Every PBX of the fleet whose list is known, and every scenario; for browsers a URL is
        needed. A request is trusted nowhere and refused nowhere yet.
        """
        lists = self._lists.head(0) if self.is_request else self._lists
        if self._what_is_missing(browser=False):
            lists = lists.head(0)
        return accepted(
            self.certificates,
            lists,
            url=self.url.strip(),
            registration_name=self.registration_name.strip() or None,
            hardware_id=self.hardware_id.strip() or None,
            tls_only=self.tls_only,
            at=self.at,
            links=trust_state.link(self.certificates, lists),
        )

    def hold(self) -> None:
        """Keep the judged certificate, to compare another one with it."""
        if len(self.certificates):
            self._held = (self.certificates.iloc[0], self.diagnosis)
        self._compare()

    def release(self) -> None:
        """Hold no certificate any more."""
        self._held = None
        self._compare()

    def _show_accepted(self) -> None:
        show(self._accepted, accepted_html(self.accepted))

    def _compare(self) -> None:
        self._release.disabled = self._held is None
        if self._held is None or self.certificates.empty:
            show(self._compared, "")
            return
        held, answer = self._held
        both = (answer, self.diagnosis)
        show(self._compared, compared_html(held, self.certificates.iloc[0], both))

    def _forget_links(self, _change: Any) -> None:
        self._links = None

    def _take(self, _change: Any) -> None:
        """Take over what was chosen, with what is known about its device, and nothing older."""
        if facts := self._source.facts:
            self._quiet = True
            self.registration_name = facts["registration_name"] or ""
            self.hardware_id = facts["hardware_id"] or ""
            self.tls_only = (
                None if facts["tls_only"] is None else bool(facts["tls_only"])
            )
            self._trust_choice.choose(facts["pbx"])
            if self._source.is_received:
                self._moment.set_now()
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
        for name in ("url", *_REGISTRATION):
            used = browser == (name == "url")
            self._fields[name].layout.display = "" if used else "none"
        missing = self._what_is_missing()
        show(self._accepted, "")
        if missing:
            self._ask(missing)
        else:
            self._explain()
        self._compare()

    def _what_is_missing(self, *, browser: bool = True) -> str:
        """Return what is still needed for a verdict, in words; "" where nothing is."""
        if self.certificates.empty:
            return self._source.problem or say("widgets.tester.no_certificate")
        if not is_readable(self.certificates.head(1)).all():
            reason = self.certificates["parse_error"].iloc[0]
            no_reason = say("widgets.tester.no_certificate")
            is_given = isinstance(reason, str)
            return translated_text(reason) if is_given else no_reason
        if browser and self.scenario == "browser" and not self.url.strip():
            return say("widgets.tester.no_url")
        return ""

    def _ask(self, wish: str) -> None:
        """Say what is needed, and leave nothing of an earlier answer."""
        self.explanation, self.call = "", ""
        show(self._answer, diagnosis_view.asking(wish))
        for part in (self._chain, self._steps, self._texts):
            show(part, DASH)
        self.set_trait("diagnosis", None)

    def _explain(self) -> None:
        options: dict[str, Any] = {"scenario": self.scenario}
        if self.scenario == "browser":
            options["url"] = self.url.strip()
        else:
            options["registration_name"] = self.registration_name.strip() or None
            options["hardware_id"] = self.hardware_id.strip() or None
            options["tls_only"] = self.tls_only
        # Signatures are verified once per certificate and list, not once per key that is pressed.
        listed = self.certificates.head(0) if self.trust is None else self.trust
        if self._links is None:
            self._links = trust_state.link(self.certificates, listed)
        # Nobody can trust what no CA has signed, and nobody refuses it yet.
        trust = None if self.is_request else self.trust
        shared: Any = {"trust": trust, "at": self.at, "links": self._links}
        try:
            diagnosis = diagnose(self.certificates, **shared, **options)
        except CerttrustError as problem:
            self._ask(str(problem))
            return
        if self.is_request:
            diagnosis = _before_signature(diagnosis)
        nodes = chain(diagnosis, self.certificates, trust, self._links)
        self.explanation = diagnosis_view.explanation(diagnosis, nodes)
        code = None if trust is None else diagnosis_view.Code("tester.trust")
        options |= {"trust": code, "at": f"{self.at:%Y-%m-%d %H:%M}"}
        self.call = diagnosis_view.python_call("tester.certificates", **options)
        answer = [self._request_html(), diagnosis_view.verdict_html(diagnosis)]
        show(self._answer, answer)
        show(self._chain, tree_html(nodes))
        show(self._steps, diagnosis_view.steps_html(diagnosis))
        texts = {
            "widgets.tester.explanation": self.explanation,
            "widgets.tester.call": self.call,
        }
        note = tag("p", say("widgets.tester.call_note"), class_="ct-hint")
        buttons = [diagnosis_view.copyable(*text) for text in texts.items()]
        show(self._texts, [*buttons, note])
        self.set_trait("diagnosis", diagnosis)

    def _request_html(self) -> Any:
        """Return what is known of a request, and what only its CA will decide."""
        signed = self._signature_of_request
        if signed is None:
            return None
        key = "request_valid" if signed else "request_invalid"
        words = say(f"widgets.tester.{key}")
        return tag("p", words, class_="ct-request", role="status")


_BY_THE_CA = (
    "certificate.trust",
    "browser.trust",
    "time.validity",
    "hygiene.weak_signature",
)
"""Rules about what only the signature of a CA decides."""


def _before_signature(diagnosis: Diagnosis) -> Diagnosis:
    """Say of what a request does not hold that its CA will decide it."""
    steps = diagnosis.steps.copy()
    is_open = steps["code"].isin(_BY_THE_CA) & steps["passed"].isna()
    steps.loc[is_open, "has"] = DASH
    steps.loc[is_open, "why"] = say("widgets.tester.not_signed_yet")
    steps.loc[is_open, "remedy"] = ""
    return dataclasses.replace(diagnosis, steps=steps)


def _follow(target: Any, trust: pd.DataFrame | None) -> None:
    # Frames cannot be compared as traitlets.link does; the same frame needs no second notice.
    if target.trust is not trust:
        target.trust = trust
