"""What really happened to an attempt, and what of it the data of the fleet show.

Plain Python over the simulated devices: it shares no code with the rules, which are tested
against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .authorities import Issued
from .faults import REQUIRED

Spans = tuple[tuple[int, int], ...]
_ALWAYS = (-(1 << 62), 1 << 62)


class View(NamedTuple):
    """An attempt as an observer sees it; None = unknown to him."""

    scenario: str | None
    clock_unset: bool
    moment: int
    protocol: str | None
    tls_only: bool | None
    through_allowed_proxy: bool | None
    leaf: Issued | None
    trusted: Spans | None
    """Times in which the PBX trusts the certificate, whatever its own validity."""
    names: tuple[str, ...] | None
    log_cause: str | None
    """The cause that the log itself states; "unexplained" for a failure without a reason."""


class Truth(NamedTuple):
    """The cause, and every rule that fails."""

    cause: str | None
    failed: tuple[str, ...]
    certain: bool
    """No rule before the cause is undecided."""
    complete: bool
    """No rule is undecided."""


def trusted_spans(
    leaf: Issued, chain: Sequence[Issued], listed: Iterable[Issued]
) -> Spans:
    """Return when the certificate is trusted: it is listed itself, or a valid CA above it is."""
    entries = set(listed)
    if leaf in entries:
        return (_ALWAYS,)
    at_hand = entries | set(chain)
    begin, end = _ALWAYS
    spans = []
    above = leaf.issuer
    while above is not None and above in at_hand and above.is_ca:
        begin, end = max(begin, above.not_before), min(end, above.not_after)
        if above in entries:
            spans.append((begin, end))
        above = above.issuer
    return tuple(spans)


def judge(view: View) -> Truth:
    """Return the cause and the failed rules, as far as the view shows them."""
    if view.protocol is not None and view.protocol.startswith("SIP"):
        return Truth(view.log_cause, (), certain=True, complete=True)
    if view.scenario is None:
        return _undecided(view)
    outcomes = {rule: _holds(rule, view) for rule in REQUIRED[view.scenario]}
    failed = tuple(rule for rule, holds in outcomes.items() if holds is False)
    complete = None not in outcomes.values()
    if not failed:
        return Truth(view.log_cause, (), certain=complete, complete=complete)
    # The first rule that does not hold for certain is the cause, unless it is undecided.
    first = next(rule for rule, holds in outcomes.items() if not holds)
    return Truth(failed[0], failed, certain=first == failed[0], complete=complete)


def _undecided(view: View) -> Truth:
    """Return what both scenarios agree on."""
    one, other = (judge(view._replace(scenario=name)) for name in REQUIRED)
    certain = one.cause == other.cause and one.certain and other.certain
    return one._replace(
        certain=certain, complete=certain and one.failed == other.failed
    )


def _holds(rule: str, view: View) -> bool | None:
    if rule == "time.clock":
        if not view.clock_unset or view.protocol in ("H.323/TCP", "H.323/UDP"):
            return True
        return (
            False
            if view.protocol == "H.323/TLS" or view.scenario == "h323-certificate"
            else None
        )
    if rule in ("transport.tls_only", "password.tls_only"):
        if view.tls_only is None:
            return None
        over_tls = rule == "transport.tls_only" and view.protocol == "H.323/TLS"
        return not view.tls_only or over_tls or bool(view.through_allowed_proxy)
    if view.leaf is None:
        return None
    if rule == "certificate.trust":
        return (
            None
            if view.trusted is None
            else any(a <= view.moment <= b for a, b in view.trusted)
        )
    if rule == "time.validity":
        return view.leaf.not_before <= view.moment <= view.leaf.not_after
    if view.names is None:
        return None
    cn = view.leaf.cn
    return bool(cn) and any(
        name.lower().startswith(str(cn).lower()) for name in view.names
    )
