"""The steps of a what-if: what holds after them, and the plan that would make it so."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ..advice.rehearsal import Rehearsal
from ..advice.what_if import EVERY, Settings, without_entries
from ..schema import TRUST, conform
from ..texts.sentences import say
from ..x509.pem import pem


class Step(NamedTuple):
    """One switch: a trust-list entry (`value` = in the list), a flag, or the moment."""

    kind: str
    pbx: str
    value: Any
    fingerprint: str = ""


def lists(trust: pd.DataFrame, names: list[str]) -> dict[str, set[str]]:
    """Return the fingerprints in the list of each PBX that has one."""
    everyone = set(trust.loc[trust["pbx"].isna(), "fingerprint"].dropna())
    own = {
        name: set(entries.dropna())
        for name, entries in trust.dropna(subset=["pbx"]).groupby("pbx")[
            "fingerprint"
        ]
    }
    return {
        name: everyone | own.get(name, set())
        for name in names
        if everyone or name in own
    }


def in_list(entries: dict[str, set[str]], pbx: str) -> set[str]:
    """Return what is in the list of a PBX, or in that of every one."""
    if pbx == EVERY and entries:
        return set.intersection(*entries.values())
    return entries.get(pbx, set())


def settings(
    steps: tuple[Step, ...],
    rehearsal: Rehearsal,
    names: list[str],
    start: pd.Timestamp,
) -> tuple[Settings, pd.Timestamp]:
    """Return what holds after the steps, and the moment; a later step overrides earlier ones."""
    flags: dict[str, dict[str, Any]] = {"tls_only": {}, "authentication": {}}
    trust, at = rehearsal.fleet.trust, start
    for step in steps:
        if step.kind == "at":
            at = step.value
        elif step.kind == "trust":
            trust = relisted(trust, rehearsal.candidates, step, names)
        else:
            if step.pbx == EVERY:
                flags[step.kind].clear()
            flags[step.kind].pop(step.pbx, None)
            if step.value is not None:
                flags[step.kind][step.pbx] = step.value
    return Settings(trust, flags["tls_only"], flags["authentication"]), at


def relisted(
    trust: pd.DataFrame, candidates: pd.DataFrame, step: Step, names: list[str]
) -> pd.DataFrame:
    """Return the trust lists with one certificate put in or taken out.

    A list that loses its last entry is still a list, which trusts nothing.
    """
    mine = trust["fingerprint"].eq(step.fingerprint).fillna(value=False)
    where = names if step.pbx == EVERY else [step.pbx]
    if step.value:
        have = set(trust.loc[mine, "pbx"].dropna())
        entry = candidates[candidates["fingerprint"] == step.fingerprint].head(1)
        added = [entry.assign(pbx=name) for name in where if name not in have]
        return conform(pd.concat([trust, *added], ignore_index=True), TRUST)
    gone = mine & (
        trust["pbx"].isin(where) | (trust["pbx"].isna() & (step.pbx == EVERY))
    )
    return without_entries(trust, gone.to_numpy(dtype=bool))


def plan(
    steps: tuple[Step, ...], rehearsal: Rehearsal, names: list[str]
) -> pd.DataFrame:
    """Return what has to be done so that the fleet becomes as it is after the steps."""
    wanted, _ = settings(steps, rehearsal, names, pd.Timestamp(0, tz="UTC"))
    before, after = lists(rehearsal.fleet.trust, names), lists(wanted.trust, names)
    candidates = rehearsal.candidates.set_index("fingerprint")
    rows: list[dict[str, Any]] = []
    for pbx in names:
        was, now = before.get(pbx, set()), after.get(pbx, set())
        for action, fingerprints in (("trust", now - was), ("distrust", was - now)):
            rows += [
                _entry_action(action, pbx, candidates.loc[fingerprint], fingerprint)
                for fingerprint in sorted(fingerprints)
            ]
    for pbx, value in wanted.tls_only.items():
        verb = "set" if value else "clear"
        step = _at(f"{verb}_tls_only", pbx)
        rows.append(_flag_action(f"{verb} TLS only", pbx, str(value), step))
    for pbx, login in wanted.authentication.items():
        step = _at(f"use_{login}", pbx)
        rows.append(_flag_action(f"use {login}", pbx, login, step))
    columns = ["action", "pbx", "fingerprint", "name", "value", "step", "pem"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns, "str"))


def _flag_action(action: str, pbx: str, value: Any, step: str) -> dict[str, Any]:
    return {"action": action, "pbx": pbx or None, "value": value, "step": step}


def _entry_action(
    action: str, pbx: str, row: Any, fingerprint: str
) -> dict[str, Any]:
    name = row["subject_cn"] if isinstance(row["subject_cn"], str) else row["subject"]
    step = say(f"widgets.plan.{action}", name=name, pbx=pbx)
    uploads = action == "trust" and isinstance(row["der"], bytes)
    text = pem(row["der"]) if uploads else None
    facts = {"action": action, "pbx": pbx, "fingerprint": fingerprint, "name": name}
    return {**facts, "step": step, "pem": text}


def _at(key: str, pbx: str) -> str:
    """Return the words for a step at one PBX, or at every one."""
    return say(f"widgets.plan.{key}{'' if pbx else '_everywhere'}", pbx=pbx)
