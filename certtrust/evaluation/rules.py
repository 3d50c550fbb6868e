"""The rules of the page, one small vectorised function each, with the sentence that it cites.

Sentences of the page are numbered through from its title, fragments and headings included; sections are
1 introduction, 2 browser, 3.1 H.323/TLS by password, 3.2 H.323/TLS by certificate. A rule returns True
(holds), False (is broken) or <NA> (the data do not tell) for each attempt at a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..arrays.arrow import true
from ..names import matching
from ..names.device_ids import SOFT_CLIENT, hardware_ids, same_spelling, serials
from ..schema import TRUSTED_STATES, UNDECIDED_STATES
from ..texts.sentences import sentences
from ..trust import browser_verdict

Check = Callable[[pd.DataFrame, pd.Series], pd.Series]

SCENARIOS: dict[str, tuple[str, ...]] = {
    "browser": ("browser.trust", "time.validity", "browser.name"),
    "h323-password": ("time.clock", "transport.tls_only", "password.tls_only"),
    "h323-certificate": (
        "time.clock",
        "transport.tls_only",
        "certificate.trust",
        "time.validity",
        "certificate.name",
    ),
}
"""What each scenario requires of the endpoint, in the order in which a failure is named as the cause."""

HYGIENE: dict[str, tuple[str, ...]] = {
    "browser": ("hygiene.browser", "hygiene.weak_key", "hygiene.weak_signature"),
    "h323-password": (),
    "h323-certificate": ("hygiene.weak_key", "hygiene.weak_signature", "hygiene.prefix"),
}
"""Opinions that are shown beside a scenario and never decide its verdict."""

TRUSTED = TRUSTED_STATES

WEAK_HASHES = ("md2", "md4", "md5", "sha1")
WITHOUT_HASH = ("ed25519", "ed448")
"""Signature algorithms that have no hash of their own."""


NAMES = (
    "registration_name",
    "hardware_id",
    "serial",
    "interface",
    "name_by",
    "device",
    "subject",
    "subject_cn",
    "certificate_error",
)
"""All that a rule on names looks at: devices try again and again under the same names."""


@dataclass(frozen=True)
class Rule:
    """A requirement: its code, its source, the columns that it needs and the function that decides it."""

    code: str
    citation: str
    needs: tuple[str, ...]
    holds: Check
    variant: Callable[[pd.DataFrame], pd.Series] | None = None
    """Which kind of failure it is, where the explanation depends on it."""
    varying: tuple[str, ...] = ()
    """The columns that the kinds of failure are told by."""
    of_names: bool = False
    """It looks at the columns `NAMES` alone, and so is decided once for attempts that are alike in them."""

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that require the rule, or show it as hygiene."""
        return tuple(name for name in SCENARIOS if self.code in SCENARIOS[name] + HYGIENE[name])

    @property
    def sentences(self) -> dict[str, Any]:
        """The rule's title, requirement, and the templates of why and remedy."""
        found: dict[str, Any] = sentences()["rules"][self.code]
        return found


def _flags(values: pd.Series) -> pd.Series:
    return values.astype("boolean")


def _trusted(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    state = attempts["trust_state"]
    decided = state.notna() & ~state.isin(UNDECIDED_STATES)
    return _flags(state.isin(TRUSTED_STATES)).where(decided)


def _trust_state(attempts: pd.DataFrame) -> pd.Series:
    return attempts["trust_state"].astype("str")


def _registration_name_fits(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return matching.certificate_fits_registration(attempts)


def _last_octets(names_of_devices: pd.Series) -> pd.Series:
    return serials(names_of_devices).str.slice(6).fillna(hardware_ids(names_of_devices)["tail"])


def _whose_cn(attempts: pd.DataFrame) -> pd.Series:
    cn = attempts["subject_cn"].fillna("")
    spelled = same_spelling(cn)
    own = (spelled == attempts["device"]) | (spelled == same_spelling(attempts["hardware_id"]))
    own |= cn == attempts["user"]
    octets, own_octets = _last_octets(cn), _last_octets(attempts["device"])
    other = (octets != own_octets) & octets.notna() & own_octets.notna()
    variant = pd.Series("another's CN", index=attempts.index, dtype="str").where(true(other))
    return variant.mask(true(own), "own CN").mask(cn.str.strip() == "", "no CN")


def _url_fits(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return matching.certificate_fits_url(attempts)


def _through_allowed_proxy(attempts: pd.DataFrame) -> pd.Series:
    return attempts["via_reverse_proxy"] & attempts["reverse_proxy"]


def _over_tls(attempts: pd.DataFrame) -> pd.Series:
    """Return whether H.323/TLS is used; a certificate in the log proves it where the protocol is not told."""
    protocol = attempts["protocol"]
    over_tls = _flags(protocol == "H.323/TLS").where(protocol.isin(["H.323/TLS", "H.323/TCP", "H.323/UDP"]))
    return over_tls.mask(over_tls.isna() & true(attempts["authentication"] == "certificate"), other=True)


def _transport_fits(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return ~attempts["tls_only"] | _over_tls(attempts) | _through_allowed_proxy(attempts)


def _password_is_possible(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return ~attempts["tls_only"] | _through_allowed_proxy(attempts)


def _proxy_is_not_allowed(attempts: pd.DataFrame) -> pd.Series:
    through_proxy = attempts["via_reverse_proxy"].fillna(value=False).astype(bool)
    return pd.Series("reverse proxy", index=attempts.index, dtype="str").where(through_proxy)


def _clock_is_set(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    clock_unset = attempts["clock_unset"]
    is_set = (~clock_unset).mask(clock_unset.isna() & attempts["time"].notna(), other=True)
    return is_set | ~_over_tls(attempts)


def _is_valid(attempts: pd.DataFrame, moment: pd.Series) -> pd.Series:
    moment = moment.dt.floor("s")  # validity counts in whole seconds, the last one included
    begun = _flags(attempts["not_before"] <= moment).where(attempts["not_before"].notna())
    not_ended = _flags(attempts["not_after"] >= moment).where(attempts["not_after"].notna())
    return begun & not_ended


def _expired_or_early(attempts: pd.DataFrame) -> pd.Series:
    moment = attempts["judged_at"]
    early = attempts["not_before"] > moment
    variant = pd.Series("expired", index=attempts.index, dtype="str").where(attempts["not_after"] < moment)
    return variant.mask(early, "not yet valid")


def _key_is_strong(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    kind = attempts["key_type"]
    least = np.where(kind.isin(["RSA", "DSA"]), 2048, np.where(kind == "EC", 224, 0))
    return _flags(attempts["key_size"] >= least).where(kind.notna() & _certificate_is_known(attempts))


def _hash_is_current(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    used = attempts["signature_hash"]
    without_hash = attempts["signature_algorithm"].isin(WITHOUT_HASH)
    return _flags(~used.isin(WEAK_HASHES)).where((used.notna() | without_hash) & _certificate_is_known(attempts))


def _ends_at_a_boundary(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    name, cn = attempts["registration_name"], attempts["subject_cn"]
    inside = matching.ends_inside(name, cn)
    # The name of a soft client counts in upper or lower case where it is its hardware ID.
    soft = np.flatnonzero(name.str.fullmatch(SOFT_CLIENT).fillna(value=False))
    in_any_case = matching.ends_inside(name.iloc[soft].str.lower(), cn.iloc[soft].str.lower())
    inside.iloc[soft] = inside.iloc[soft] | in_any_case
    return (~inside).where(_certificate_is_known(attempts))


def _certificate_is_known(attempts: pd.DataFrame) -> pd.Series:
    return attempts["subject"].notna() | attempts["subject_cn"].notna()


def _browsers_accept(attempts: pd.DataFrame, moment: pd.Series) -> pd.Series:
    return _flags(browser_verdict.browser_verdict(attempts, moment)["accepted"])


RULES: tuple[Rule, ...] = (
    Rule(
        "time.clock",
        "innovaphone wiki, H.460.17: every device needs a valid time for H.323/TLS; HTTP log format: time 0 = not set",
        ("clock_unset", "time", "protocol", "authentication"),
        _clock_is_set,
    ),
    Rule(
        "transport.tls_only",
        "page section 3.1, sentence 26; SDK, PbxTableUsers: TLS only = verified certificate or trusted reverse proxy",
        ("tls_only", "protocol", "authentication", "via_reverse_proxy", "reverse_proxy"),
        _transport_fits,
    ),
    Rule(
        "password.tls_only",
        "page section 3.1, sentence 26; SDK, PbxTableUsers: a trusted reverse proxy satisfies TLS only",
        ("tls_only", "via_reverse_proxy", "reverse_proxy"),
        _password_is_possible,
        _proxy_is_not_allowed,
        ("via_reverse_proxy",),
    ),
    Rule(
        "certificate.trust",
        "page section 3.2, sentences 31, 35 and 36, by the checks of section 1, sentences 8, 9 and 10",
        ("fingerprint", "trust_paths", "trust_failure"),
        _trusted,
        _trust_state,
        ("trust_state",),
    ),
    Rule(
        "browser.trust",
        "page section 2, sentence 16, by the checks of section 1, sentences 8, 9 and 10",
        ("fingerprint", "trust_paths", "trust_failure"),
        _trusted,
        _trust_state,
        ("trust_state",),
    ),
    Rule(
        "time.validity",
        "RFC 5280, section 4.1.2.5; innovaphone wiki, Certificates: expired certificates are rejected",
        ("not_before", "not_after"),
        _is_valid,
        _expired_or_early,
        ("not_before", "not_after", "judged_at"),
    ),
    Rule(
        "certificate.name",
        "page section 3.2, sentences 32, 33 and 34; section 1, sentence 11",
        ("registration_name", "hardware_id", "serial", "interface", "subject_cn"),
        _registration_name_fits,
        _whose_cn,
        ("device", "user", "hardware_id", "subject_cn"),
        of_names=True,
    ),
    Rule(
        "browser.name",
        "page section 2, sentence 17; section 1, sentences 11 and 12",
        ("url", "subject", "dns_names", "ip_addresses"),
        _url_fits,
    ),
    Rule(
        "hygiene.weak_key",
        "NIST SP 800-131A Rev. 2; innovaphone wiki, Certificate management (16r1): 1024-bit RSA is deprecated",
        ("key_type", "key_size"),
        _key_is_strong,
    ),
    Rule(
        "hygiene.weak_signature",
        "RFC 9155: MD5 and SHA-1 signatures are deprecated",
        ("signature_hash",),
        _hash_is_current,
    ),
    Rule(
        "hygiene.prefix",
        "own finding on page section 3.2, sentence 33: a plain prefix also begins longer names",
        ("registration_name", "subject_cn"),
        _ends_at_a_boundary,
        of_names=True,
    ),
    Rule(
        "hygiene.browser",
        "RFC 9525 (names), RFC 5280 section 6 (path), and the behaviour of current browsers",
        ("url", "dns_names", "ip_addresses", "browser_paths"),
        _browsers_accept,
    ),
)

BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}


def rules() -> pd.DataFrame:
    """Return every rule: what it demands, where that stands, what it needs and what it does not check.

    Returns
    -------
    DataFrame
        One row per rule: code, scenario (those that require or show it, joined by a comma), title,
        requirement, citation, needs (columns of an attempt), remedy, not_checked (with the reason).

    Examples
    --------
    >>> rules().set_index("code").loc["browser.name", "scenario"]
    'browser'
    """
    rows = [
        {
            "code": rule.code,
            "scenario": ", ".join(rule.scenarios),
            "title": rule.sentences["title"],
            "requirement": rule.sentences["requirement"],
            "citation": rule.citation,
            "needs": ", ".join(rule.needs),
            "remedy": rule.sentences["remedy"],
            "not_checked": sentences()["not_checked"][rule.code],
        }
        for rule in RULES
    ]
    return pd.DataFrame(rows)
