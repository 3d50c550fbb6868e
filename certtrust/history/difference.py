"""What changed between two states of a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..advice.changes import changes
from ..arrays.arrow import as_mask
from ..schema import MOMENT, TEXT, TRUST, WORD, Column, Table, conform
from ..texts.markup import Content, Markup, join, tag
from ..texts.sentences import say
from . import words
from .saved import read_state
from .state import State

KINDS = ("registrations", "devices", "certificates", "trust")
"""Kinds of data that a state may lack."""

CERTIFICATES = Table(
    "CERTIFICATE_CHANGES",
    "one device whose certificate is another one",
    (
        Column("device", TEXT, "serial or hardware ID of the device"),
        Column(
            "change",
            WORD,
            "renewed (expires later), replaced (does not), first seen, no longer here, or "
            "unreadable",
        ),
        Column(
            "subject_cn", TEXT, "common name of the certificate, the new one if known"
        ),
        Column("issuer_cn", TEXT, "that of its issuer"),
        Column("issuer_before", TEXT, "that of the issuer of the old one"),
        Column("ended", MOMENT, "until when the old one is valid"),
        Column("ends", MOMENT, "until when the new one is valid"),
        Column("fingerprint_before", TEXT, "the old one"),
        Column("fingerprint", TEXT, "the new one"),
    ),
)
LISTS = Table(
    "TRUST_CHANGES",
    "one entry of a trust list that came or went",
    (
        *TRUST.only("pbx"),
        Column(
            "change",
            WORD,
            "removed, added, or undecided (the other list has entries that cannot be read); of a "
            "whole list: no longer here, or first seen",
        ),
        Column("name", TEXT, "what the entry is called"),
        Column("ends", MOMENT, "until when it is valid"),
        *TRUST.only("fingerprint"),
    ),
)
DEVICES = Table(
    "DEVICE_CHANGES",
    "one device that appeared or is gone",
    (
        Column("device", TEXT, "serial or hardware ID of the device"),
        Column("change", WORD, "appeared or gone"),
        Column(
            "tables",
            TEXT,
            "where it is mentioned: registrations, devices, certificates",
        ),
    ),
)
_CERTIFICATE_CHANGES = (
    *("unreadable", "no longer here", "replaced", "renewed", "first seen"),
)
_LIST_CHANGES = ("removed", "undecided", "added", "no longer here", "first seen")


@dataclass(frozen=True, repr=False)
class Difference:
    """What changed between two states of a fleet.

    Parameters
    ----------
    old, new : State
        The two states.
    registrations : DataFrame
        Table CHANGES, see `certtrust.changes`.
    certificates : DataFrame
        One row per device whose certificate is another one: device, change, subject_cn, issuer_cn,
        issuer_before, ended, ends, fingerprint_before, fingerprint.
    trust : DataFrame
        One row per entry that came or went, and PBX (missing = every one): pbx, change, name,
        ends, fingerprint.
    devices : DataFrame
        One row per device that appeared or is gone: device, change, tables.
    expiring : DataFrame
        What ends next, as in `certtrust.endings`.
    lost, gained : tuple of str
        Kinds of data that only the old, and only the new state has: what is missing now is
        neither gone nor repaired.
    """

    old: State
    new: State
    registrations: pd.DataFrame
    certificates: pd.DataFrame
    trust: pd.DataFrame
    devices: pd.DataFrame
    expiring: pd.DataFrame
    lost: tuple[str, ...]
    gained: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether nothing changed."""
        frames = (self.registrations, self.certificates, self.trust, self.devices)
        return all(frame.empty for frame in frames) and not (self.lost or self.gained)

    @property
    def newly_failing(self) -> pd.DataFrame:
        """The registrations that fail now, and did not or were not there before.

        Where the old state knows no registration at all, none of them is new.
        """
        rows = self.registrations
        failing = rows["observed_after"].eq("failed") | (
            rows["observed_after"].isna() & rows["verdict_after"].eq("fail")
        )
        is_new = (rows["change"] == "new") & bool(len(self.old.registrations))
        chosen = (rows["change"] == "broken") | (is_new & failing)
        return rows[as_mask(chosen)]

    def __repr__(self) -> str:
        frames = ("registrations", "certificates", "trust", "devices")
        sizes = ", ".join(f"{len(getattr(self, name))} {name}" for name in frames)
        return f"Difference({sizes})"

    def __str__(self) -> str:
        return "\n".join(words.lines(self))

    def _repr_html_(self) -> str:
        parts: list[Content] = [tag("p", tag("b", words.heading(self)))]
        parts += [tag("p", remark) for remark in words.remarks(self)]
        if self.is_nothing:
            parts.append(tag("p", say("history.nothing")))
        for section in words.sections(self):
            rest = len(section.rows) - words.SHOWN_IN_NOTEBOOK
            more = tag("p", say("history.more", count=rest)) if rest > 0 else None
            heading = tag("p", tag("b", section.heading))
            parts += [
                heading,
                _table(section.rows.head(words.SHOWN_IN_NOTEBOOK)),
                more,
            ]
        return join(parts)

    def of_kind(self, *kinds: str) -> pd.DataFrame:
        """Return the registrations with a kind of change, such as "repaired"."""
        return self.registrations[as_mask(self.registrations["change"].isin(kinds))]


def _table(rows: pd.DataFrame) -> Markup:
    left = {"style": "text-align:left"}
    names = [say(f"history.columns.{name}") for name in rows]
    head = tag("tr", [tag("th", name, scope="col", **left) for name in names])
    cells = rows.to_numpy(dtype=object).tolist()
    body = [tag("tr", [tag("td", cell, **left) for cell in row]) for row in cells]
    return tag("table", tag("thead", head), tag("tbody", body))


def diff(
    old: Any,
    new: Any,
    *,
    old_at: pd.Timestamp | str | None = None,
    new_at: pd.Timestamp | str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Difference:
    """Compare a fleet with what it was before.

    Parameters
    ----------
    old, new : path, Fleet, or anything that `read_fleet` reads
        The JSON of a report (`certtrust report --json`), a fleet that `Fleet.save` wrote, a folder
        of files, or a fleet. A date in the name of a file or folder, such as 2026-11-30, says
        when it was made.
    old_at, new_at : Timestamp or str, optional
        The moments, if the names do not say them; attempts that have a time of their own are judged
        at that. By default the last moment of the log, else now.
    options : mapping, optional
        Further arguments of `read_fleet`, such as passwords.

    Returns
    -------
    Difference
        What fails newly, what is repaired, which certificates were renewed, which devices appeared
        or are gone, how the trust lists changed, and what ends next: as frames, as text (`str`),
        and in a notebook.

    Raises
    ------
    CerttrustError
        If the JSON of a report is damaged, or an older version wrote it.
    SourceError
        If there is no such file or folder.

    Notes
    -----
    Data that only one of the two has make no difference: without the log, the list or the
    certificates a device is neither gone nor repaired. `Difference.lost` and `Difference.gained`
    name them.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(20, seed=1, faults={})
    >>> locked = ct.what_if(fleet, trust=fleet.trust.iloc[:0])
    >>> diff(fleet, locked).lost
    ('trust',)
    """
    return difference(
        read_state(old, at=old_at, months=None, options=options),
        read_state(new, at=new_at, options=options),
    )


def difference(old: State, new: State) -> Difference:
    """Compare two states of a fleet.

    Parameters
    ----------
    old, new : State
        From `read_state`.

    Returns
    -------
    Difference

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.history import state_of
    >>> state = state_of(ct.simulate(20, seed=1))
    >>> difference(state, state).is_nothing
    True
    """
    ends = new.endings["ends"]
    return Difference(
        old=old,
        new=new,
        registrations=_registrations(old, new),
        certificates=_certificates(old, new),
        trust=_trust(old, new),
        devices=_devices(old, new),
        expiring=new.endings[as_mask(ends >= new.made)].reset_index(drop=True),
        lost=tuple(kind for kind in KINDS if old.has(kind) and not new.has(kind)),
        gained=tuple(kind for kind in KINDS if new.has(kind) and not old.has(kind)),
    )


def _registrations(old: State, new: State) -> pd.DataFrame:
    """Return what `changes` says; what only a log names is not gone because the log is missing."""
    rows = changes(old.registrations, new.registrations)
    if new.has("registrations") or not old.has("registrations"):
        return rows
    is_gone = rows["change"] == "gone"
    was_known = rows["observed_before"].notna() | (
        rows["verdict_before"] != "unknown"
    )
    rows["change"] = rows["change"].mask(is_gone, "now unknown")
    rows = rows[as_mask(was_known | ~is_gone)]
    return rows.sort_values("change", kind="stable", ignore_index=True)


def _certificates(old: State, new: State) -> pd.DataFrame:
    if not (old.has("certificates") and new.has("certificates")):
        return conform(pd.DataFrame(), CERTIFICATES)
    both = old.certificates.merge(
        new.certificates, on="device", how="outer", suffixes=("_old", "_new")
    )
    both = both[~as_mask(both["fingerprint_old"] == both["fingerprint_new"])]
    was, now = (
        both[f"fingerprint_{side}"].notna() | both[f"subject_cn_{side}"].notna()
        for side in ("old", "new")
    )
    unreadable = both["parse_error_new"].notna() & ~now
    later = as_mask(both["not_after_new"] > both["not_after_old"])
    listed = both["fingerprint_new"].isna() | both["fingerprint_old"].isna()
    # A listing has no fingerprint: dates and names tell whether it is the same certificate.
    same = listed & was & now
    for name in ("subject_cn", "issuer_cn", "not_before", "not_after"):
        same &= (both[f"{name}_old"] == both[f"{name}_new"]) | (
            both[f"{name}_old"].isna() & both[f"{name}_new"].isna()
        )
    kinds = [unreadable, was & ~now, was & now & later, was & now, now]
    words = ["unreadable", "no longer here", "renewed", "replaced", "first seen"]
    change = np.select([as_mask(kind) for kind in kinds], words, default="")
    rows = pd.DataFrame(
        {
            "device": both["device"],
            "change": pd.Categorical(change, _CERTIFICATE_CHANGES, ordered=True),
            "subject_cn": both["subject_cn_new"].fillna(both["subject_cn_old"]),
            "issuer_cn": both["issuer_cn_new"].fillna(both["issuer_cn_old"]),
            "issuer_before": both["issuer_cn_old"],
            "ended": both["not_after_old"],
            "ends": both["not_after_new"],
            "fingerprint_before": both["fingerprint_old"],
            "fingerprint": both["fingerprint_new"],
        }
    )
    rows = rows[as_mask(rows["change"].notna() & ~same)]
    in_order = rows.sort_values(["change", "device"], kind="stable")
    return _declared(in_order, CERTIFICATES)


def _trust(old: State, new: State) -> pd.DataFrame:
    """Return which entries came or went; a list that one side lacks has neither."""
    before, after = _lists_of_both(old.trust, new.trust)
    pbxs_of_both = set(before["pbx"]) & set(after["pbx"])
    sides = [side[side["pbx"].isin(pbxs_of_both)] for side in (before, after)]
    keys = ["pbx", "fingerprint"]
    rows = []
    for this, other, word in (
        (sides[0], sides[1], "removed"),
        (sides[1], sides[0], "added"),
    ):
        entries = this[this["fingerprint"].notna()].drop_duplicates(keys)
        present = entries[keys].merge(other[keys], how="left", indicator=True)
        absent = (present.drop_duplicates(keys)["_merge"] == "left_only").to_numpy()
        moved = entries[absent]
        unread = other.loc[
            other["fingerprint"].isna() & ~other["is_empty"], "pbx"
        ].unique()
        # An entry that cannot be read over there may be this one.
        change = np.where(moved["pbx"].isin(unread), "undecided", word)
        rows.append(moved.assign(change=change))
    for this, other, word in (
        (before, after, "no longer here"),
        (after, before, "first seen"),
    ):
        whole = this.loc[~this["pbx"].isin(other["pbx"]), ["pbx"]].drop_duplicates()
        # Where one side has no list at all, that is said once, and not of each PBX.
        rows.append(whole.head(len(whole) if len(other) else 0).assign(change=word))
    together = pd.concat(rows, ignore_index=True)
    together = together.assign(
        pbx=together["pbx"].mask(together["pbx"] == _EVERY),
        name=together["subject_cn"].fillna(together["subject"]),
        ends=together["not_after"],
        change=pd.Categorical(together["change"], _LIST_CHANGES, ordered=True),
    )
    in_order = together.sort_values(["pbx", "change", "name", "fingerprint"])
    return _declared(in_order, LISTS)


_EVERY = "\0every"
"""Stands for the list of every PBX among names of PBXs, which hold no such character."""


def _lists_of_both(
    before: pd.DataFrame, after: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lists with `is_empty`, those of every PBX repeated for each where they have to be.

    That is where the other side has lists of single PBXs only.
    """
    named = pd.concat([before["pbx"], after["pbx"]]).dropna().unique()
    has_common = [bool(side["pbx"].isna().any()) for side in (before, after)]
    sides = []
    for side, common, other in zip(
        (before, after), has_common, reversed(has_common), strict=True
    ):
        everywhere = side[side["pbx"].isna()]
        if common and not other and len(named):
            copies = [everywhere.assign(pbx=pbx) for pbx in named]
            side = pd.concat([side[side["pbx"].notna()], *copies], ignore_index=True)
        # A list that is known to have no entry is one row without a certificate.
        is_empty = side["parse_error"].eq("the list is empty")
        sides.append(
            side.assign(pbx=side["pbx"].fillna(_EVERY), is_empty=as_mask(is_empty))
        )
    return sides[0], sides[1]


def _devices(old: State, new: State) -> pd.DataFrame:
    """Return the devices that only one side mentions, as far as the other has such data."""
    parts = []
    for this, other, word in ((old, new, "gone"), (new, old, "appeared")):
        alone = this.devices[~this.devices["device"].isin(other.devices["device"])]
        alone = alone.astype({"table": "str"})
        other_has_table = alone["table"].map(other.has).astype("bool")
        grouped = alone.assign(other_has_table=other_has_table).groupby("device")
        tables = grouped["table"].agg(lambda names: ", ".join(sorted(names)))
        # Mentioned only where the other side has no such data: that it is new or gone is not known.
        tables = tables[grouped["other_has_table"].all()]
        parts.append(
            pd.DataFrame(
                {"device": tables.index, "change": word, "tables": tables.array}
            )
        )
    together = pd.concat(parts, ignore_index=True)
    return _declared(together, DEVICES)


def _declared(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    return conform(rows, table)[table.names].reset_index(drop=True)
