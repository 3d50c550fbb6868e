"""Findings: every broken or undecided rule of every attempt in words, with the attempt's own
names.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays import threads
from ..arrays.arrow import as_mask
from ..arrays.grouping import Codes, codes, factorize_codes
from ..evaluation.check import required
from ..evaluation.requirements import NAMES, RULES, Rule
from ..names import device_ids
from ..names.matching import begins_with_cn
from ..names.registration_fit import registers_by_own_name, registration_fit
from ..texts.sentences import fill, say, sentences
from ..trust import browser_verdict


def findings(results: pd.DataFrame) -> pd.DataFrame:
    """List every broken or undecided rule of every attempt, with the reason and the remedy in
    words.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.

    Returns
    -------
    DataFrame
        One row per attempt and rule that it breaks (`passed` False) or that cannot be decided
        (`passed` <NA>): attempt (label in the index of `results`), device, pbx, scenario, code,
        passed, requirement, citation, why, remedy. Hygiene rules are listed where they are
        broken only.

    Examples
    --------
    >>> import certtrust as ct
    >>> found = ct.findings(ct.check(ct.attempts(ct.simulate(20, seed=1))))
    >>> found["passed"].eq(True).any()
    np.False_
    """
    asked = required(results)
    parts = [_found(results[rule.code], asked[rule.code]) for rule in RULES]
    rows = np.concatenate(parts)
    order = np.argsort(rows, kind="stable")
    rule = np.repeat(np.arange(len(RULES)), [len(part) for part in parts])[order]
    undecided = [
        results[rule.code].isna().to_numpy()[part]
        for rule, part in zip(RULES, parts, strict=True)
    ]
    passed = pd.arrays.BooleanArray(
        np.zeros(len(rows), dtype=bool), np.concatenate(undecided)[order]
    )
    told = threads.parallel_map(
        lambda part: _sentences(results, *part),
        list(zip(parts, RULES, strict=True)),
        len(results),
    )
    words = {name: _joined([each[name] for each in told]) for name in _TOLD}
    return pd.DataFrame(
        {
            "attempt": results.index.take(rows[order]),
            **{
                name: results[name].array.take(rows[order])
                for name in ("device", "pbx", "scenario")
            },
            "code": pd.array([rule.code for rule in RULES], dtype="str").take(rule),
            "passed": passed,
            "requirement": _repeated(
                [rule.sentences["requirement"] for rule in RULES], rule
            ),
            "citation": _repeated([rule.citation for rule in RULES], rule),
            **{
                name: distinct.array.take(number[order])
                for name, (number, distinct) in words.items()
            },
        }
    )


def _found(outcome: pd.Series, asked: npt.NDArray[np.bool_]) -> Codes:
    """Return the rows that break a rule, and those that require it and cannot be decided."""
    return np.flatnonzero(as_mask(~outcome) | (outcome.isna().to_numpy() & asked))


def _repeated(values: list[str], number: Codes) -> Any:
    return pd.Categorical(values, categories=list(dict.fromkeys(values))).take(number)


def explain(found: pd.DataFrame, rule: Rule) -> dict[str, pd.Series]:
    """Return `why` and `remedy` in words for rows of RESULTS that break the rule, or that it
    cannot decide.
    """
    told = _sentences(found, np.arange(len(found)), rule)
    return {name: _each(words, found.index) for name, words in told.items()}


def present(results: pd.DataFrame, rule: Rule) -> pd.Series:
    """Return in words what the rows of RESULTS hold of that which the rule looks at."""
    return filled(rule.sentences["has"], results)


def filled(template: str, results: pd.DataFrame) -> pd.Series:
    """Fill a template with the values of rows of RESULTS, named as in the words of the rules."""
    every = np.arange(len(results))
    return _each(_filled(template, _Rows(results, every), every), results.index)


_Numbered = tuple[Codes, pd.Series]
"""For each row the number of its sentence, and the distinct sentences."""


def _each(words: _Numbered, index: pd.Index) -> pd.Series:
    number, distinct = words
    return pd.Series(distinct.array.take(number), index=index)


def _joined(parts: list[_Numbered]) -> _Numbered:
    before = np.cumsum([0, *(len(distinct) for _, distinct in parts)])
    numbers = [
        number + offset for (number, _), offset in zip(parts, before, strict=False)
    ]
    return np.concatenate(numbers), pd.concat(
        [distinct for _, distinct in parts], ignore_index=True
    )


def _sentences(results: pd.DataFrame, rows: Codes, rule: Rule) -> dict[str, _Numbered]:
    """Return `why` and `remedy` of the rows that break the rule, or that it cannot decide."""
    texts = rule.sentences
    kinds = {
        kind: {**texts, **other} for kind, other in texts.get("variants", {}).items()
    }
    kinds[""] = texts
    add = sentences()["findings"]["add"]
    for kind, words in {
        "": {"why": texts["unknown"]},
        **texts.get("unknowns", {}),
    }.items():
        remedy = add.replace("{missing}", words.get("missing", texts["missing"]))
        kinds[UNKNOWN + kind] = {"why": words["why"], "remedy": remedy}
    meant = _Rows(results, rows)
    kind = _kinds(meant, rule, pd.Index(list(kinds)))
    where = [
        (each, here)
        for place, each in enumerate(kinds)
        if len(here := np.flatnonzero(kind == place))
    ]
    if not where:
        return dict.fromkeys(_TOLD, (rows, pd.Series(dtype="str")))
    back = np.argsort(np.concatenate([here for _, here in where]))
    told = {}
    for name in _TOLD:
        number, distinct = _joined(
            [_filled(kinds[each][name], meant, here) for each, here in where]
        )
        told[name] = number[back], distinct
    return told


class _Rows:
    """Rows of RESULTS that are spoken of together; each of their columns is numbered once,
    whoever asks for it.
    """

    def __init__(self, results: pd.DataFrame, rows: Codes) -> None:
        self._results = results
        self._rows = rows
        self._numbers: dict[str, Codes] = {}

    def missing(self, column: str) -> npt.NDArray[np.bool_]:
        """Tell which rows have no value there."""
        return self._results[column].isna().to_numpy()[self._rows]

    def alike(self, columns: Iterable[str], here: Codes) -> tuple[Codes, pd.DataFrame]:
        """Return for each row here the number of those that are alike in these columns, and the
        first of each.
        """
        columns = list(columns)
        if _LISTS.isdisjoint(columns):
            number, first = factorize_codes(
                *(self._number(name)[here] for name in columns)
            )
            here = here[first]
        else:
            number = np.arange(len(here))
        return number, self._results[columns].iloc[self._rows[here]]

    def _number(self, column: str) -> Codes:
        if column not in self._numbers:
            self._numbers[column] = codes(self._results[column].iloc[self._rows])
        return self._numbers[column]


def _kinds(meant: _Rows, rule: Rule, known: pd.Index) -> Codes:
    """Return the place of the wording of each row: of its kind of failure, else "", which is
    the rule's own.
    """
    undecided = meant.missing(rule.code)
    kind = np.full(len(undecided), known.get_loc(""))
    if rule.variant:
        number, seen = meant.alike(rule.varying, np.arange(len(kind)))
        variant = known.get_indexer(pd.Index(rule.variant(seen)))[number]
        kind = np.where(variant >= 0, variant, kind)
    kind[undecided] = known.get_loc(UNKNOWN)
    if rule.unknown and undecided.any():
        rows = np.flatnonzero(undecided)
        number, seen = meant.alike(rule.missing_by, rows)
        variant = known.get_indexer(pd.Index(UNKNOWN + rule.unknown(seen)))[number]
        kind[rows] = np.where(variant >= 0, variant, kind[rows])
    return kind


def _filled(template: str, meant: _Rows, here: Codes) -> _Numbered:
    """Fill a template once for rows that are alike in what it shows."""
    fields = [field for _, field, _, _ in string.Formatter().parse(template) if field]
    columns = dict.fromkeys(
        column
        for field in fields
        for column in _DERIVED.get(field, ((field,), None))[0]
    )
    if not columns:
        return np.zeros(len(here), dtype=np.int64), pd.Series([template], dtype="str")
    number, seen = meant.alike(columns, here)
    derived = {
        field: words(seen)
        for field in fields
        if field in _DERIVED
        for words in [_DERIVED[field][1]]
    }
    filled = fill(template, seen.assign(**derived))
    if template.startswith("{"):
        filled = filled.str.replace(
            _beginning(), lambda found: found[0].upper(), regex=True
        )
    return number, filled


def _beginning() -> str:
    """Return a pattern of the first letter of words that stand for a name, and begin a sentence
    in upper case.
    """
    texts = sentences()["findings"]
    words = [
        texts["unnamed_device"],
        texts["the_device"],
        texts["named_pbx"].partition("{")[0],
        texts["the_pbx"],
    ]
    return (
        "^(?:"
        + "|".join(
            f"{re.escape(word[0])}(?={re.escape(word[1:])})" for word in words if word
        )
        + ")"
    )


def _names(rows: pd.DataFrame, *, with_cn: bool) -> pd.Series:
    cns = rows["subject_cn"].astype("object") if with_cn else [None] * len(rows)
    none = say("findings.no_names")
    lists = zip(cns, rows["dns_names"], rows["ip_addresses"], strict=True)
    named = [
        ", ".join(
            dict.fromkeys(
                [
                    *([cn] if isinstance(cn, str) else []),
                    *_listed(dns),
                    *_listed(addresses),
                ]
            )
        )
        or none
        for cn, dns, addresses in lists
    ]
    return pd.Series(named, index=rows.index, dtype="str")


def _who(device: pd.Series, name: pd.Series) -> pd.Series:
    """Return the device, but not in the very words that it registers as."""
    same = as_mask(device.str.lower() == name.str.lower())
    return device.fillna(say("findings.unnamed_device")).mask(
        same, say("findings.the_device")
    )


def _if_told(
    key: str, rows: pd.DataFrame, column: str, otherwise: str = ""
) -> pd.Series:
    """Return a sentence filled with a column, and something else where that is missing."""
    return fill(sentences()["findings"][key], rows).where(
        rows[column].notna(), otherwise
    )


def _registered_as(rows: pd.DataFrame) -> pd.Series:
    return rows["registration_name"].fillna(rows["hardware_id"])


def _the_name(rows: pd.DataFrame) -> pd.Series:
    named = rows.assign(registered_as=_registered_as(rows))
    return _if_told("named", named, "registered_as", say("findings.unnamed"))


def _inferred(rows: pd.DataFrame) -> pd.Series:
    """Return what was inferred where a CN fits only a spelling that nothing tells."""
    texts = sentences()["findings"]
    words = {
        "serial": texts["inferred_from_serial"],
        "hardware ID": texts["inferred_from_hardware_id"],
    }
    return registration_fit(rows)["inferred_from"].map(words).astype("str").fillna("")


def _other_spelling(rows: pd.DataFrame) -> pd.Series:
    """Return the other one of serial and hardware ID where a device registers by one of them
    and both are known.
    """
    by_serial = device_ids.leading_serials(rows["registration_name"], "(?s:.*)").notna()
    other = rows["hardware_id"].where(by_serial, rows["serial"])
    other = other.where(
        registers_by_own_name(rows) & as_mask(other != _registered_as(rows))
    )
    return _if_told("other_spelling", rows.assign(other_name=other), "other_name")


def _shown_cn(rows: pd.DataFrame) -> pd.Series:
    """Return the CN with what the eye does not see: a blank at its end, a character that looks
    like another.
    """
    texts = sentences()["findings"]

    def shown_one(cn: str) -> str:
        oddities = [texts["oddities"][kind] for kind, odd in _BLANKS.items() if odd(cn)]
        unusual = dict.fromkeys(
            letter for letter in cn if unicodedata.category(letter) in _UNSEEN
        )
        template = texts["oddities"]["unusual character"]
        oddities += [
            template.format(character=f"U+{ord(letter):04X}")
            for letter in unusual
            if letter not in " -_"
        ]
        return (
            texts["odd_cn"].format(cn=cn, oddity="; ".join(oddities))
            if oddities
            else cn
        )

    return rows["subject_cn"].map(shown_one, na_action="ignore").astype("str")


def _trust_meaning(rows: pd.DataFrame) -> pd.Series:
    meaning = rows["trust_state"].astype("str").map(sentences()["trust_states"])
    return meaning + _if_told("detail", rows, "trust_detail")


def _fitting_cn(device: pd.Series, name: pd.Series) -> pd.Series:
    """Return the device's own name where the registration name begins with it, as it does for
    every interface.
    """
    begins = begins_with_cn(name, device).fillna(value=False).astype(bool)
    return device.where(begins, name)


def _listed(value: Any) -> list[str]:
    # Lists are arrays in a file that pandas read.
    return list(value) if isinstance(value, list | np.ndarray) else []


_TOLD = ("why", "remedy")
UNKNOWN = "?"
"""What the names of wordings begin with that are used where a rule cannot be decided."""
_BLANKS: dict[str, Callable[[str], bool]] = {
    "blank at the start": lambda cn: cn.startswith(" "),
    "blank at the end": lambda cn: cn.endswith(" "),
}
_UNSEEN = ("Zs", "Zl", "Zp", "Cc", "Cf", "Pd")
_LISTS = {"dns_names", "ip_addresses", "browser_paths"}
_NAMES = ("subject_cn", "dns_names", "ip_addresses")
_DERIVED: dict[str, tuple[tuple[str, ...], Callable[[pd.DataFrame], pd.Series]]] = {
    "device": (
        ("device",),
        lambda rows: rows["device"].fillna(say("findings.unnamed_device")),
    ),
    "who": (
        ("device", "registration_name", "hardware_id"),
        lambda rows: _who(rows["device"], _registered_as(rows)),
    ),
    "subject_name": (
        ("subject_cn", "subject"),
        lambda rows: rows["subject_cn"].fillna(rows["subject"]),
    ),
    "issuer_name": (
        ("issuer_cn", "issuer"),
        lambda rows: rows["issuer_cn"].fillna(rows["issuer"]),
    ),
    "clock": (
        ("clock_unset",),
        lambda rows: rows["clock_unset"].map(
            {True: say("findings.clock_unset"), False: say("findings.clock_set")}
        ),
    ),
    "registered_as": (("registration_name", "hardware_id"), _registered_as),
    "the_name": (("registration_name", "hardware_id"), _the_name),
    "around": (("time",), lambda rows: _if_told("around", rows, "time")),
    "shown_cn": (("subject_cn",), _shown_cn),
    "inferred": ((*NAMES, "name_by"), _inferred),
    "other_spelling": (NAMES, _other_spelling),
    "fitting_cn": (
        ("device", "registration_name", "hardware_id"),
        lambda rows: _fitting_cn(rows["device"], _registered_as(rows)),
    ),
    "the_pbx": (
        ("pbx",),
        lambda rows: _if_told("named_pbx", rows, "pbx", say("findings.the_pbx")),
    ),
    "trust_meaning": (("trust_state", "trust_detail"), _trust_meaning),
    "trust_detail_behind": (
        ("trust_detail",),
        lambda rows: _if_told("detail", rows, "trust_detail"),
    ),
    "certificate_names": (_NAMES, lambda rows: _names(rows, with_cn=True)),
    "alternative_names": (_NAMES, lambda rows: _names(rows, with_cn=False)),
    "browser_why": (
        (
            "url",
            *_NAMES,
            "not_before",
            "not_after",
            "fingerprint",
            "browser_paths",
            "judged_at",
        ),
        lambda rows: browser_verdict.browser_verdict(rows, rows["judged_at"])["why"],
    ),
}
"""What templates show beside the columns themselves: the columns that it is made of, and how."""
