"""Answers for notebooks: a sentence first, then the table that it was made from."""

from __future__ import annotations

from typing import Any

import pandas as pd
from IPython.display import HTML

from ..advice.changes import changes
from ..advice.impersonations import impersonations
from ..evaluation.attempts import attempts
from ..evaluation.check import causes, counted
from ..explanation.findings import findings
from ..fleet import FOLDERS, Fleet, link
from ..texts.dates import figures
from ..texts.device_labels import labels_of
from ..texts.labels import cause_label, percent, plural
from ..texts.markup import Markup, tag
from ..texts.sentences import say
from ..texts.translation import translated
from .tables import markup
from .whatif import WhatIf

TOP = 3
"""How many causes are named in words."""


def log_end(fleet: Fleet) -> pd.Timestamp:
    """Return the last time of the log, at which it is looked at; now where there is none.

    Examples
    --------
    >>> import certtrust as ct
    >>> log_end(ct.simulate(5, seed=1)).year
    2026
    """
    last = fleet.registrations["time"].max()
    return pd.Timestamp.now("UTC") if pd.isna(last) else last


def inventory(fleet: Fleet) -> HTML:
    """Say what was read: certificates, what has expired, trust lists, devices, registrations.

    Parameters
    ----------
    fleet : Fleet
        From `certtrust.read_fleet`.

    Returns
    -------
    IPython.display.HTML
        A sentence and a table: kind, rows, files, rows with a remark.

    Examples
    --------
    >>> import certtrust as ct
    >>> "certificates" in inventory(ct.simulate(5, seed=1)).data
    True
    """
    now = log_end(fleet)
    distinct = fleet.certificates.drop_duplicates("fingerprint")
    distinct = distinct[distinct["fingerprint"].notna()]
    sentence = say(
        "widgets.answers.inventory",
        certificates=plural(len(distinct), "certificate"),
        expired=int((distinct["not_after"] < now).sum()),
        day=figures(now),
        lists=plural(len(fleet.trust["pbx"].dropna().unique()), "trust list"),
        devices=plural(len(fleet.devices), "device entry"),
        registrations=plural(len(fleet.registrations), "registration"),
    )
    rows = []
    for kind in FOLDERS:
        part: pd.DataFrame = getattr(fleet, kind)
        files, remarks = (
            part["source"].nunique(),
            int(part["parse_error"].notna().sum()),
        )
        rows.append((say(f"widgets.answers.kinds.{kind}"), len(part), files, remarks))
    heads = ["kind", "rows", "files", "remarks"]
    titles = {name: say(f"widgets.answers.read.{name}") for name in heads}
    return _answer(sentence, markup(pd.DataFrame(rows, columns=heads), titles))


def remarks(fleet: Fleet, *, rows: int = 6) -> HTML:
    """List what could not be read, or not in full, with its file and the reason.

    Examples
    --------
    >>> import certtrust as ct
    >>> "in full" in remarks(ct.simulate(5, seed=1)).data
    True
    """
    parts = [
        getattr(fleet, kind)[["source", "parse_error"]].assign(
            kind=say(f"widgets.answers.kinds.{kind}")
        )
        for kind in FOLDERS
    ]
    unread = pd.concat(parts, ignore_index=True).dropna(subset="parse_error")
    unread = unread.assign(parse_error=translated(unread["parse_error"]))
    sentence = say("widgets.answers.remarks", count=len(unread))
    columns = ["kind", "source", "parse_error"]
    titles = {
        "kind": say("widgets.answers.read.kind"),
        "source": say("widgets.columns.source"),
        "parse_error": say("widgets.columns.parse_error"),
    }
    return _answer(sentence, markup(unread[columns], titles, rows=rows))


def main_causes(results: pd.DataFrame) -> HTML:
    """Say how many devices fail, and name the causes that explain most failures.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Examples
    --------
    >>> import certtrust as ct
    >>> "1. " in main_causes(ct.check(ct.attempts(ct.simulate(20, seed=1)))).data
    True
    """
    failed = counted(results)
    devices = plural(results["device"].nunique(), "device")
    sentence = say(
        "widgets.answers.failing",
        failing=failed["device"].nunique(),
        devices=devices,
        failed=len(failed),
        attempts=plural(len(results), "attempt"),
    )
    counts = causes(results.assign(evidence="any")).head(TOP)
    rows: Any = counts[["cause", "share", "devices"]].itertuples(index=False)
    ranked = [
        tag(
            "div",
            say(
                "widgets.answers.cause",
                rank=str(rank),
                cause=cause_label(str(cause)),
                share=percent(share),
                devices=plural(devices, "device"),
            ),
        )
        for rank, (cause, share, devices) in enumerate(rows, start=1)
    ]
    return _answer(sentence, *ranked)


def cause_examples(results: pd.DataFrame, *, rows: int = 8) -> HTML:
    """Explain each rule that is broken by one device that breaks it, and what would repair it.

    Examples
    --------
    >>> import certtrust as ct
    >>> "<table" in cause_examples(ct.check(ct.attempts(ct.simulate(20, seed=1)))).data
    True
    """
    broken = _broken(results)
    examples = broken.drop_duplicates("code").rename(columns={"code": "cause"})
    columns = ["cause", "why", "remedy"]
    return HTML(str(markup(examples, columns, rows=rows)))  # type: ignore[no-untyped-call]


def first_action(actions: pd.DataFrame) -> HTML:
    """Say which action repairs most devices, and how many.

    Parameters
    ----------
    actions : DataFrame
        From `certtrust.remedies`.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1)
    >>> actions = ct.remedies(fleet, ct.check(ct.attempts(fleet)))
    >>> "repairs" in first_action(actions).data
    True
    """
    if actions.empty:
        return _answer(say("widgets.answers.no_action"))
    best = actions.sort_values("devices", ascending=False, kind="stable").iloc[0]
    return _answer(
        best["step"],
        say(
            "widgets.answers.repairs",
            devices=plural(int(best["devices"]), "device"),
            attempts=plural(int(best["attempts"]), "failed attempt"),
        ),
    )


def several_reasons(results: pd.DataFrame, *, rows: int = 8) -> HTML:
    """List the devices that break more than one rule: repairing one does not help them.

    Examples
    --------
    >>> import certtrust as ct
    >>> "more than one" in several_reasons(ct.check(ct.attempts(ct.simulate(20, seed=1)))).data
    True
    """
    once = _broken(results).drop_duplicates(["device", "code"])
    labels = _labels(results)
    by_device = once.groupby("device", sort=False)["code"]
    reasons = by_device.agg(
        reasons="nunique", which=lambda codes: "; ".join(map(cause_label, codes))
    ).reset_index()
    several = reasons[reasons["reasons"] > 1]
    several = several.sort_values("reasons", ascending=False, kind="stable")
    several = several.assign(device=several["device"].map(labels))
    sentence = say("widgets.answers.several", count=len(several))
    titles = {
        "device": say("widgets.columns.device"),
        "reasons": say("widgets.answers.reasons"),
        "which": say("widgets.answers.which"),
    }
    return _answer(sentence, markup(several, titles, rows=rows))


def locked_out(fleet: Fleet, *, rows: int = 6) -> HTML:
    """Say whom "TLS only" at every device would lock out.

    Parameters
    ----------
    fleet : Fleet
        Its latest registrations are judged, on a copy.

    Examples
    --------
    >>> import certtrust as ct
    >>> "TLS only" in locked_out(ct.simulate(20, seed=1)).data
    True
    """
    strict = WhatIf(fleet)
    strict.switch_tls_only(True)
    differing = changes(strict.before, strict.after)
    broken = differing[differing["change"] == "broken"]
    labels = _labels(strict.rows)
    shown = broken.assign(device=broken["device"].map(labels))
    sentence = say("widgets.answers.locked_out", count=broken["device"].nunique())
    columns = ["device", "pbx", "cause_after"]
    return _answer(sentence, markup(shown, columns, rows=rows))


def false_identities(fleet: Fleet, *, rows: int = 6) -> HTML:
    """Say which trusted certificates would let their holder register as another device.

    Examples
    --------
    >>> import certtrust as ct
    >>> "certificate" in false_identities(ct.simulate(20, seed=1)).data
    True
    """
    fleet = link(fleet)
    pairs = impersonations(fleet)
    trusted = pairs.drop_duplicates(["fingerprint", "subject_cn", "pbx"])
    sentence = say(
        "widgets.answers.identities",
        count=trusted["fingerprint"].nunique(),
        devices=plural(pairs["victim"].nunique(), "device"),
    )
    people = _labels(attempts(fleet, of="devices"))
    held_by = trusted["device"].map(people).fillna(trusted["device"])
    trusted = trusted.assign(device=held_by)
    names = ["subject_cn", "device", "pbx", "opens", "name"]
    titles = {name: say(f"widgets.answers.identity.{name}") for name in names}
    return _answer(sentence, markup(trusted, titles, rows=rows))


def _answer(sentence: str, *further: str) -> HTML:
    """Return a sentence in bold, and what follows it."""
    first = tag("p", tag("b", sentence))
    rest = [part if isinstance(part, Markup) else tag("p", part) for part in further]
    return HTML(str(tag("div", first, rest)))  # type: ignore[no-untyped-call]


def _broken(results: pd.DataFrame) -> pd.DataFrame:
    """Return the findings of failed attempts about rules that decide."""
    listed = findings(counted(results))
    is_advice = listed["code"].str.startswith("hygiene.")
    return listed[listed["passed"].eq(other=False).fillna(value=False) & ~is_advice]


def _labels(rows: pd.DataFrame) -> pd.Series:
    """Return how each device is named to people, by its name in the tables."""
    named = rows[rows["device"].notna()].drop_duplicates("device")
    return labels_of(named).set_axis(named["device"])
