"""Trust lists in order: every entry with who needs it, short lists, and lists that differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ...answer_tables import SHORT_TRUST_LISTS, TRUST_DIFFERENCES, TRUST_ENTRIES
from ...arrays.arrow import as_mask
from ...arrays.grouping import first_positions
from ...evaluation.attempts import attempts
from ...evaluation.check import check, expect_results, moment_of
from ...evaluation.ownership import Ownership
from ...fleet import Fleet, expect_fleet, link
from ...schema import Table, conform
from ...texts.labels import plural
from ...texts.sentences import say
from ...trust import trust_state
from ..forecast import latest
from ..joins import microseconds
from ..remedies.fleet_copy import certificates_by_fingerprint
from ..remedies.trusting import Authorities
from .short_list import ShortList, short_list
from .trials import NOWHERE, Entries, Question, Trials, entries_by_pbx, trials


def trust_entries(
    fleet: Fleet,
    results: pd.DataFrame | None = None,
    *,
    at: pd.Timestamp | str | None = None,
) -> pd.DataFrame:
    """List every entry of every trust list: who needs it, and whether it may go.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    results : DataFrame, optional
        Table RESULTS of the fleet: whom the lists have to keep in. By default the latest attempt
        of each registration, and a would-be attempt of each device entry.
    at : Timestamp or str, optional
        The moment to judge at, where `results` are not given; by default each attempt's own
        time, else now. Entries are expired at this moment, else now.

    Returns
    -------
    DataFrame
        One row per entry, in the order of `fleet.trust`; see `certtrust.columns("trust_entries")`:

        ============== ========================================================================
        needed         True: without it alone, devices are no longer trusted. False: its removal
                       was tried, and nobody's trust changes. <NA>: nobody can tell, since a
                       certificate, an entry or the devices of the PBX are not known
        keep           True: it stands in the short list. False: it may go together with all
                       others that are marked so. <NA>: as above
        double         the list has the same certificate in another row, which stays
        expired        it has ended; it may stay useful to no path, and goes with the others
        without_device a CA of which no certificate of a device is known
        attempts       attempts that would no longer be trusted without it
        devices        the devices of these
        below          devices of this PBX that it lets in today, alone or beside others
        undecided      devices that may need it: what they present is not known in full
        remark         all this in words
        ============== ========================================================================

        Rows that stand for an empty list are none.

    Notes
    -----
    Trust alone is judged, so a device that fails for another reason as well counts: it needs its
    entry once that is mended. `needed` is about one removal. Two CAs of one chain are each not
    needed beside the other; `keep` says which may go together.

    What no file shows, no removal accounts for: a device that is in no log, no list of devices
    and no file of certificates.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.link(ct.simulate(60, seed=2, faults={}))
    >>> entries = trust_entries(fleet)
    >>> len(entries) == len(fleet.trust)
    True
    """
    review = _Review.of(fleet, results, at)
    return review.entries()


def short_trust_lists(
    fleet: Fleet,
    results: pd.DataFrame | None = None,
    *,
    at: pd.Timestamp | str | None = None,
) -> pd.DataFrame:
    """Return how short the list of each PBX could be, and the price of it.

    Parameters
    ----------
    fleet, results, at
        As of `trust_entries`, whose column `keep` says which entries these are.

    Returns
    -------
    DataFrame
        One row per PBX with a list, see `certtrust.columns("short_trust_lists")`: pbx, entries,
        kept, exact (no shorter list of these entries would do; lists of more than 20 entries are
        cut greedily), devices (that it keeps in), undecided (devices that it may lock out),
        locks_out (known certificates of further devices that only the present list trusts),
        single (devices that one entry alone keeps in, and more did before), first_end (when the
        first of its entries ends), price (these in words).

    Examples
    --------
    >>> import certtrust as ct
    >>> lists = short_trust_lists(ct.simulate(60, seed=2, faults={}))
    >>> bool((lists["kept"] <= lists["entries"]).all())
    True
    """
    review = _Review.of(fleet, results, at)
    return review.lists()


def trust_differences(
    fleet: Fleet,
    results: pd.DataFrame | None = None,
    *,
    at: pd.Timestamp | str | None = None,
) -> pd.DataFrame:
    """List the CAs that stand in some lists only, of PBXs whose devices are alike.

    Parameters
    ----------
    fleet, results, at
        As of `trust_entries`.

    Returns
    -------
    DataFrame
        One row per group of PBXs and CA: group (1, 2, ...), pbxs (of the group), issuers (whose
        certificates all of them have to trust), fingerprint, subject, listed_at, absent_at,
        unread_at (their lists lack it as far as they could be read), needed (at some PBX of
        `listed_at`), remark.

    Notes
    -----
    Devices are alike where their certificates have the same signers; those that signed
    themselves are left out, as is each device's own certificate in a list.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.link(ct.simulate(60, seed=2, faults={}))
    >>> trust_differences(fleet).columns[0]
    'group'
    """
    review = _Review.of(fleet, results, at)
    return review.differences()


@dataclass(frozen=True)
class _Review:
    fleet: Fleet
    results: pd.DataFrame
    moment: pd.Timestamp
    authorities: Authorities
    trials: Trials

    @classmethod
    def of(
        cls,
        fleet: Fleet,
        results: pd.DataFrame | None,
        at: pd.Timestamp | str | None,
    ) -> _Review:
        fleet = expect_fleet(fleet)
        fleet = fleet if fleet.links is not None else link(fleet)
        if results is None:
            results = _of_all(fleet, at)
        results = expect_results(results)
        moment = pd.Timestamp.now("UTC").as_unit("us")
        if at is not None:
            moment = moment_of(at)
        authorities = Authorities(fleet, certificates_by_fingerprint(fleet))
        made = trials(fleet, results, authorities)
        return cls(fleet, results, moment, authorities, made)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The entries: rows of TRUST that hold a certificate, or one that could not be read."""
        trust = self.fleet.trust
        is_entry = trust["fingerprint"].notna().to_numpy() | trust_state.unread(trust)
        return trust[is_entry]

    @cached_property
    def pbxs(self) -> set[str]:
        """Every PBX with a list of its own, or whose attempts ask for every PBX's."""
        pbxs_of_questions = {question.pbx for question in self.trials.questions}
        return {*self.rows["pbx"].dropna(), *pbxs_of_questions}

    @cached_property
    def listed(self) -> dict[str, Entries]:
        """The list of each PBX."""
        return entries_by_pbx(self.fleet, self.pbxs)

    @cached_property
    def questions(self) -> dict[str, list[Question]]:
        """The questions of each PBX."""
        by_pbx: dict[str, list[Question]] = {name: [] for name in self.pbxs}
        for question in self.trials.questions:
            by_pbx[question.pbx].append(question)
        return by_pbx

    @cached_property
    def ends(self) -> dict[str, int]:
        """When each entry ends, in microseconds since the epoch."""
        rows = self.rows.dropna(subset=["fingerprint", "not_after"])
        rows = rows.drop_duplicates("fingerprint")
        ends = microseconds(rows["not_after"]).tolist()
        return dict(zip(rows["fingerprint"], ends, strict=True))

    @cached_property
    def short(self) -> dict[str, ShortList]:
        """The short list of each PBX, which answers every question of it."""
        made: dict[Any, ShortList] = {}
        short = {}
        for name, questions in self.questions.items():
            key = (
                self.listed[name],
                frozenset(
                    (question.enough, question.is_exact) for question in questions
                ),
            )
            if key not in made:
                made[key] = short_list(questions, self.listed[name], self.ends)
            short[name] = made[key]
        return short

    @cached_property
    def undecided(self) -> dict[str, set[str]]:
        """The devices of each PBX that may need any entry of its list."""
        rows = self.trials.undecided
        anywhere = set(rows.loc[rows["pbx"].isna(), "device"])
        by_pbx = rows.groupby("pbx")["device"].agg(set).to_dict()
        return {name: anywhere | by_pbx.get(name, set()) for name in self.pbxs}

    @cached_property
    def by_entry(self) -> pd.DataFrame:
        """Who asks for which entry: pbx, fingerprint, device, rows, lost, unsure, certain."""
        questions = self.trials.questions
        pairs = pd.DataFrame(
            [
                (
                    number,
                    question.pbx,
                    entry,
                    entry in question.lost,
                    entry in question.unsure,
                    any(entry in entries for entries in question.enough),
                )
                for number, question in enumerate(questions)
                for entry in question.relevant
            ],
            columns=["question", "pbx", "fingerprint", "lost", "unsure", "helps"],
        )
        pairs = pairs.astype({"lost": bool, "unsure": bool, "helps": bool})
        rows_by_question = (
            self.trials.askers.value_counts(sort=False).rename("rows").reset_index()
        )
        return pairs.merge(rows_by_question, on="question")

    @cached_property
    def unplaced(self) -> set[str]:
        """The CAs above certificates of devices of which no attempt is known."""
        presented = set(self.results["fingerprint"].dropna())
        leaves = Ownership.of(self.fleet).leaves
        of_others = ~leaves["device"].isin(self.results["device"].dropna())
        others = leaves.loc[of_others & leaves["fingerprint"].notna(), "fingerprint"]
        names = set(others) - presented
        signed = self.authorities.signer.index
        positions = set(
            first_positions(
                pd.Series([*names], dtype="str"), signed.to_series()
            ).tolist()
        ) - {-1}
        below = self.authorities.below(self.rows["fingerprint"].dropna().unique())
        return {
            entry for entry, part in below.items() if not positions.isdisjoint(part)
        } | names

    def entries(self) -> pd.DataFrame:
        """Return table TRUST_ENTRIES."""
        rows = self.rows
        count = self.by_entry
        harmed = count[count["lost"] | count["unsure"]]
        keys = ["pbx", "fingerprint"]
        attempts_lost = harmed.groupby(keys)["rows"].sum()
        devices_lost = harmed.groupby(keys)["device"].nunique()
        helped = count[count["helps"]].groupby(keys)["device"].nunique()
        is_certain = count["lost"] & count["certain"]
        sure = {*count.loc[is_certain, keys].itertuples(index=False, name=None)}
        maybe = {*harmed[keys].itertuples(index=False, name=None)}
        unread = trust_state.unread(rows)
        double = self._doubles()
        cells = []
        for fingerprint, pbx, is_unread, is_double in zip(
            rows["fingerprint"], rows["pbx"], unread, double, strict=True
        ):
            names = sorted(self.pbxs) if pd.isna(pbx) else [pbx]
            states = [
                self._state(name, fingerprint, sure, maybe, unread=bool(is_unread))
                for name in names
            ]
            at = [(name, fingerprint) for name in names]
            undecided = set().union(*(self.undecided[name] for name in names))
            cells.append(
                {
                    "attempts": sum(int(attempts_lost.get(key, 0)) for key in at),
                    "devices": sum(int(devices_lost.get(key, 0)) for key in at),
                    "below": sum(int(helped.get(key, 0)) for key in at),
                    "undecided": len(undecided),
                    "needed": False if is_double else _any(s for s, _ in states),
                    "keep": False if is_double else _any(k for _, k in states),
                }
            )
        counts = pd.DataFrame(
            cells,
            index=rows.index,
            columns=["attempts", "devices", "below", "undecided", "needed", "keep"],
        )
        without = self._without_device(counts["below"], counts["undecided"])
        table = rows.assign(
            double=double,
            expired=_flags(rows["not_after"] < self.moment, rows["not_after"].isna()),
            without_device=without,
            **{str(name): column for name, column in counts.items()},
        )
        table = table.assign(needed=table["needed"].astype("boolean"))
        table = table.assign(keep=table["keep"].astype("boolean"))
        table = table.assign(remark=_remarks(table, unread))
        return _table(table, TRUST_ENTRIES)

    def _state(
        self, pbx: str, fingerprint: Any, sure: Any, maybe: Any, *, unread: bool
    ) -> tuple[bool | None, bool | None]:
        """Return whether an entry is needed in a list, and whether the short list has it."""
        if unread or pd.isna(fingerprint):
            return None, True
        nobody_known = pbx != NOWHERE and pbx not in self.trials.seen
        is_open = (
            bool(self.undecided[pbx]) or nobody_known or fingerprint in self.unplaced
        )
        kept = fingerprint in self.short[pbx].entries
        keep = True if kept else None if is_open else False
        if (pbx, fingerprint) in sure:
            return True, True
        if (pbx, fingerprint) in maybe or is_open:
            return None, keep
        return False, keep

    def _doubles(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which rows repeat an earlier one of their list, or one of every list."""
        rows = self.rows
        is_readable = rows["fingerprint"].notna()
        everywhere = set(rows.loc[rows["pbx"].isna() & is_readable, "fingerprint"])
        again = rows.duplicated(["pbx", "fingerprint"]) & is_readable
        also = rows["pbx"].notna() & rows["fingerprint"].isin(everywhere)
        doubles: np.ndarray[Any, np.dtype[np.bool_]] = (again | also).to_numpy()
        return doubles

    def _without_device(self, below: pd.Series, undecided: pd.Series) -> pd.Series:
        """Return which CAs no certificate of a device is known of."""
        rows = self.rows
        leaves = Ownership.of(self.fleet).leaves["fingerprint"].dropna()
        signed = self.authorities.signer.index.to_series()
        of_devices = set(first_positions(leaves, signed).tolist()) - {-1}
        signed_below = self.authorities.below(rows["fingerprint"].dropna().unique())
        has_signed = rows["fingerprint"].map(
            {
                entry: not of_devices.isdisjoint(part.tolist())
                for entry, part in signed_below.items()
            }
        )
        has_any = as_mask(has_signed.astype("boolean")) | (below > 0).to_numpy()
        is_ca = as_mask(rows["is_ca"])
        is_open = (undecided > 0).to_numpy() | rows["is_ca"].isna().to_numpy()
        return _flags(
            pd.Series(is_ca & ~has_any, index=rows.index), is_open & ~has_any
        )

    def lists(self) -> pd.DataFrame:
        """Return table SHORT_TRUST_LISTS."""
        unread = self.rows[self.rows["fingerprint"].isna()]
        cells = []
        for name in sorted(self.pbxs):
            if not self.listed[name]:
                continue
            short = self.short[name]
            gaps = (unread["pbx"].isna() | as_mask(unread["pbx"] == name)).sum()
            ends = [self.ends[entry] for entry in short.entries if entry in self.ends]
            cells.append(
                {
                    "pbx": None if name == NOWHERE else name,
                    "entries": len(self.listed[name]) + gaps,
                    "kept": len(short.entries) + gaps,
                    "exact": short.is_exact,
                    "devices": len(self._kept_in(name)),
                    "undecided": len(self.undecided[name]),
                    "locks_out": self._locked_out(name, short.entries),
                    "single": self._single(name, short.entries),
                    "first_end": min(ends, default=None),
                }
            )
        columns = [name for name in SHORT_TRUST_LISTS.names if name != "price"]
        table = pd.DataFrame(cells, columns=columns)
        table["first_end"] = pd.to_datetime(table["first_end"], unit="us", utc=True)
        table["price"] = pd.Series(
            [_price(row) for row in table.itertuples()], dtype="str"
        )
        return _table(table, SHORT_TRUST_LISTS)

    def _kept_in(self, pbx: str) -> set[str]:
        numbered = self._numbered.get(pbx, ())
        return {device for number, _ in numbered for device in self._askers[number]}

    def _single(self, pbx: str, kept: Entries) -> int:
        """Return the devices that one entry alone keeps in, and more did before."""
        numbers = [
            number
            for number, question in self._numbered.get(pbx, ())
            if len(question.enough) > 1
            and sum(entries <= kept for entries in question.enough) == 1
        ]
        devices = {device for number in numbers for device in self._askers[number]}
        return len(devices)

    @cached_property
    def _numbered(self) -> dict[str, list[tuple[int, Question]]]:
        numbered: dict[str, list[tuple[int, Question]]] = {}
        for number, question in enumerate(self.trials.questions):
            numbered.setdefault(question.pbx, []).append((number, question))
        return numbered

    @cached_property
    def _askers(self) -> dict[int, list[str]]:
        """The devices that ask each question."""
        askers = self.trials.askers
        return dict(askers.groupby("question")["device"].agg(list))

    def _locked_out(self, pbx: str, kept: Entries) -> int:
        """Return the certificates of further devices below entries that are not kept."""
        below = self._below_devices
        now = set().union(*(below.get(entry, set()) for entry in self.listed[pbx]))
        then = set().union(*(below.get(entry, set()) for entry in kept))
        return len(now - then)

    @cached_property
    def _below_devices(self) -> dict[str, set[int]]:
        leaves = Ownership.of(self.fleet).leaves["fingerprint"].dropna()
        signed = self.authorities.signer.index.to_series()
        of_devices = set(first_positions(leaves, signed).tolist()) - {-1}
        below = self.authorities.below(self.rows["fingerprint"].dropna().unique())
        return {
            entry: of_devices.intersection(part.tolist())
            for entry, part in below.items()
        }

    def differences(self) -> pd.DataFrame:
        """Return table TRUST_DIFFERENCES."""
        entries = self.entries()
        cas = entries[as_mask(entries["is_ca"]) & entries["fingerprint"].notna()]
        cells_of_cas = (cas[name] for name in ("pbx", "fingerprint", "needed"))
        needed = {
            (pbx, entry): flag for pbx, entry, flag in zip(*cells_of_cas, strict=True)
        }
        subjects = dict(zip(cas["fingerprint"], cas["subject"], strict=True))
        unread = self.rows[self.rows["fingerprint"].isna()]
        with_gaps = set(unread["pbx"].dropna())
        cells = []
        groups = sorted(self._alike().items(), key=lambda item: item[1])
        groups = [(issuers, names) for issuers, names in groups if len(names) > 1]
        for number, (issuers, names) in enumerate(groups, start=1):
            lists = {name: self.listed.get(name, frozenset()) for name in names}
            every = frozenset().union(*lists.values())
            for entry in sorted(every.intersection(subjects)):
                at = [name for name in names if entry in lists[name]]
                if len(at) == len(names):
                    continue
                others = [name for name in names if entry not in lists[name]]
                cells.append(
                    {
                        "group": number,
                        "pbxs": list(names),
                        "issuers": list(issuers),
                        "fingerprint": entry,
                        "subject": subjects[entry],
                        "listed_at": at,
                        "absent_at": [
                            name for name in others if name not in with_gaps
                        ],
                        "unread_at": [name for name in others if name in with_gaps],
                        "needed": _any(needed.get((name, entry)) for name in at),
                    }
                )
        without_words = [name for name in TRUST_DIFFERENCES.names if name != "remark"]
        table = pd.DataFrame(cells, columns=without_words)
        table["needed"] = table["needed"].astype("boolean")
        table["remark"] = pd.Series(
            [_difference(row) for row in table.itertuples()], dtype="str"
        )
        return _table(table, TRUST_DIFFERENCES)

    def _alike(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Return the PBXs with a list by the signers of their devices' certificates."""
        rows = self.results[["pbx", "fingerprint"]].dropna().drop_duplicates()
        signer = rows["fingerprint"].map(self.authorities.signer)
        names = certificates_by_fingerprint(self.fleet)["subject"]
        issued = rows.assign(issuer=signer.map(names))
        issued = issued[(signer != rows["fingerprint"]) & issued["issuer"].notna()]
        with_list = set(self.rows["pbx"].dropna())
        issued = issued[issued["pbx"].isin(with_list)]
        groups = issued.groupby("pbx")["issuer"]
        by_pbx = {name: tuple(sorted(set(part))) for name, part in groups}
        alike: dict[tuple[str, ...], tuple[str, ...]] = {}
        pairs: Iterable[Any] = by_pbx.items()
        for name, issuers in pairs:
            alike[issuers] = (*alike.get(issuers, ()), str(name))
        return alike


def _of_all(fleet: Fleet, at: pd.Timestamp | str | None) -> pd.DataFrame:
    """Return the results of all that the lists have to keep in."""
    logged = check(latest(attempts(fleet)), at=at)
    would_be = check(attempts(fleet, of="devices"), at=at)
    return pd.concat([logged, would_be], ignore_index=True)


def _any(flags: Iterable[bool | None]) -> bool | None:
    """Return True if one is, else missing if one is, else False."""
    values = [None if flag is None or pd.isna(flag) else bool(flag) for flag in flags]
    if True in values:
        return True
    return None if None in values or not values else False


def _flags(holds: pd.Series, missing: Any) -> pd.Series:
    return holds.astype("boolean").mask(missing)


def _table(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    return conform(frame, table)[table.names]


def _remarks(table: pd.DataFrame, unread: Any) -> pd.Series:
    """Return in words what is to be said of each entry."""
    rows: Iterable[Any] = table.itertuples()
    remarks = []
    for row, is_unread in zip(rows, unread, strict=True):
        keys = ["unread"] if is_unread else [_remark(row)]
        keys += [name for name in ("expired", "without_device") if _holds(row, name)]
        devices = plural(row.devices, "device")
        undecided = plural(row.undecided, "device")
        words = {"devices": devices, "undecided": undecided}
        parts = [say(f"trust_lists.remarks.{key}", **words) for key in keys]
        remarks.append(" ".join(parts))
    return pd.Series(remarks, index=table.index, dtype="str")


def _remark(row: Any) -> str:
    if row.double:
        return "double"
    if pd.isna(row.needed):
        return "open"
    if row.needed:
        return "needed"
    return "spare" if _holds(row, "keep") else "harmless"


def _holds(row: Any, flag: str) -> bool:
    value = getattr(row, flag)
    return not pd.isna(value) and bool(value)


def _price(row: Any) -> str:
    parts = []
    if row.undecided:
        parts.append(
            say(
                "trust_lists.price.undecided", devices=plural(row.undecided, "device")
            )
        )
    if row.locks_out:
        certificates = plural(row.locks_out, "device certificate")
        parts.append(say("trust_lists.price.locks_out", certificates=certificates))
    if row.single:
        parts.append(
            say("trust_lists.price.single", devices=plural(row.single, "device"))
        )
    if row.kept == row.entries:
        parts.append(say("trust_lists.price.same"))
    return " ".join(parts) or say("trust_lists.price.none")


def _difference(row: Any) -> str:
    if pd.isna(row.needed):
        key = "open"
    else:
        key = "needed" if row.needed else "spare"
    return say(f"trust_lists.differences.{key}")
