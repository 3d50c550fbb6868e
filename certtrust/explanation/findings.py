"""Findings: every broken or undecided rule of every attempt in words."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..arrays import threads
from ..arrays.arrow import as_mask
from ..arrays.grouping import Codes, codes, factorize_codes
from ..errors import CerttrustError
from ..evaluation.check import expect_results, required
from ..evaluation.requirements import NAMES, RULES, Rule
from ..names import device_ids
from ..names.matching import begins_with_cn
from ..names.registration_fit import registers_by_own_name, registration_fit
from ..texts.device_labels import LABELLED_BY, labels_of
from ..texts.sentences import (
    as_words,
    fields,
    fill,
    joined,
    language,
    say,
    sentences,
    spoken,
)
from ..texts.translation import FRAMES, translated
from ..trust import browser_verdict


def findings(results: pd.DataFrame, *, lang: str | None = None) -> pd.DataFrame:
    """List every broken or undecided rule of every attempt, with reason and remedy in words.

    Parameters
    ----------
    results : DataFrame
        Table RESULTS.
    lang : str, optional
        The language of the sentences, such as `de`; by default that of `certtrust.language`.

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
    >>> listed = ct.findings(ct.check(ct.attempts(ct.simulate(20, seed=1))))
    >>> listed["passed"].eq(True).any()
    np.False_
    """
    with spoken(lang):
        return _findings(results)


def _findings(results: pd.DataFrame) -> pd.DataFrame:
    results = expect_results(results)
    is_required = required(results)
    parts = [
        _to_explain(results[rule.code], is_required[rule.code]) for rule in RULES
    ]
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
    explained, at = np.unique(rows, return_inverse=True)
    at_of_rules = np.split(at, np.cumsum([len(part) for part in parts])[:-1])
    columns = _Columns(results, explained)
    sentences_of_rules = threads.parallel_map(
        lambda part: _sentences(columns, *part),
        list(zip(at_of_rules, RULES, strict=True)),
        len(results),
    )
    words = {
        name: _joined([of_rule[name] for of_rule in sentences_of_rules])
        for name in _EXPLAINED
    }
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


def _to_explain(outcome: pd.Series, is_required: npt.NDArray[np.bool_]) -> Codes:
    """Return the rows that break a rule, and those that require it and cannot be decided."""
    undecided = outcome.isna().to_numpy() & is_required
    return np.flatnonzero(as_mask(~outcome) | undecided)


def _repeated(values: list[str], number: Codes) -> Any:
    return pd.Categorical(values, categories=list(dict.fromkeys(values))).take(number)


def explain(results: pd.DataFrame, rule: Rule) -> dict[str, pd.Series]:
    """Return `why` and `remedy` for rows that break the rule, or that it cannot decide."""
    every = np.arange(len(results))
    return {
        name: _of_rows(words, results.index)
        for name, words in _sentences(_Columns(results, every), every, rule).items()
    }


def present(results: pd.DataFrame, rule: Rule) -> pd.Series:
    """Return in words what rows of RESULTS have of what the rule looks at."""
    return filled(rule.sentences["has"], results)


def filled(template: str, results: pd.DataFrame) -> pd.Series:
    """Return a template filled with the values of rows of RESULTS, as in the rules' words."""
    every = np.arange(len(results))
    rows = _Rows(_Columns(results, every), every)
    return _of_rows(_filled(template, rows), results.index)


_Numbered = tuple[Codes, pd.Series]
"""For each row the number of its sentence, and the distinct sentences."""


def _of_rows(words: _Numbered, index: pd.Index) -> pd.Series:
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


def _sentences(columns: _Columns, at: Codes, rule: Rule) -> dict[str, _Numbered]:
    """Return `why` and `remedy` of the rows that break the rule, or that it cannot decide."""
    wordings = _wordings(rule)
    kind = _kinds(_Rows(columns, at), rule, pd.Index(list(wordings)))
    rows_by_kind = {
        name: of_kind
        for number, name in enumerate(wordings)
        if len(of_kind := np.flatnonzero(kind == number))
    }
    if not rows_by_kind:
        return dict.fromkeys(_EXPLAINED, (at, pd.Series(dtype="str")))
    back = np.argsort(np.concatenate(list(rows_by_kind.values())))
    explained = {
        name: _Rows(columns, at[of_kind]) for name, of_kind in rows_by_kind.items()
    }
    numbered = {}
    for part in _EXPLAINED:
        number, distinct = _joined(
            [
                _filled(wordings[name][part], alike)
                for name, alike in explained.items()
            ]
        )
        numbered[part] = number[back], distinct
    return numbered


def _wordings(rule: Rule) -> dict[str, dict[str, Any]]:
    """Return the sentences of each kind of failure; "" is the rule's own, "?" is undecided."""
    texts = rule.sentences
    wordings = {
        kind: {**texts, **other} for kind, other in texts.get("variants", {}).items()
    }
    wordings[""] = texts
    add = sentences()["findings"]["add"]
    own = {"why": texts["unknown"]}
    for kind, words in {"": own, **texts.get("unknowns", {})}.items():
        remedy = add.replace("{missing}", words.get("missing", texts["missing"]))
        wordings[UNKNOWN + kind] = {"why": words["why"], "remedy": remedy}
    return wordings


class _Columns:
    """The columns of the rows that are explained by any rule, each looked at once for all rules."""

    def __init__(self, results: pd.DataFrame, rows: Codes) -> None:
        self._results = results
        self._rows = rows
        self._codes: dict[str, Codes] = {}

    def __contains__(self, column: str) -> bool:
        return column in self._results

    def codes(self, column: str, at: Codes) -> Codes:
        """Return numbers that are equal where the values are, of some of the rows."""
        if column not in self._codes:
            self._codes[column] = codes(self.values(column, slice(None)))
        return self._codes[column][at]

    def values(self, column: str, at: Codes | slice) -> pd.Series:
        """Return the values of some of the rows, numbered from 0."""
        # Taking from a frame copies the labels of its rows as well.
        return pd.Series(self._results[column].array.take(self._rows[at]))

    def missing(self, column: str, at: Codes) -> npt.NDArray[np.bool_]:
        """Return which of some rows have no value there."""
        return self._results[column].isna().to_numpy()[self._rows[at]]


class _Rows:
    """Rows that are explained together: what they share is put in words once."""

    def __init__(self, columns: _Columns, at: Codes) -> None:
        self._columns = columns
        self._at = at
        self._words: dict[str, tuple[Codes, Any]] = {}

    def __len__(self) -> int:
        return len(self._at)

    def only(self, some: npt.NDArray[np.bool_]) -> _Rows:
        """Return the rows where `some` is True."""
        return _Rows(self._columns, self._at[some])

    def missing(self, column: str) -> npt.NDArray[np.bool_]:
        """Return which rows have no value there."""
        return self._columns.missing(column, self._at)

    def distinct(self, columns: Iterable[str]) -> tuple[Codes, pd.DataFrame]:
        """Return a code for each row, equal where these columns are, and the first of each."""
        columns = list(columns)
        if _LISTS.isdisjoint(columns):
            numbers = (self._columns.codes(name, self._at) for name in columns)
            code, first = factorize_codes(*numbers)
        else:
            code = first = np.arange(len(self))
        at = self._at[first]
        values = {name: self._columns.values(name, at) for name in columns}
        return code, pd.DataFrame(values)

    def words(self, field: str) -> tuple[Codes, Any]:
        """Return a code for each row, and what a template's field shows for each code."""
        if field not in self._words:
            columns, derive = _DERIVED.get(
                field, ((field,), operator.itemgetter(field))
            )
            if not all(name in self._columns for name in columns):
                raise CerttrustError(f"nothing fills {field!r}")
            code, rows = self.distinct(columns)
            self._words[field] = code, as_words(derive(rows))
        return self._words[field]


def _kinds(explained: _Rows, rule: Rule, names: pd.Index) -> Codes:
    """Return the position of each row's kind of failure among `names`, else that of ""."""
    undecided = explained.missing(rule.code)
    kind = np.full(len(undecided), names.get_loc(""))
    if rule.variant:
        code, rows = explained.distinct(rule.varying)
        variant = names.get_indexer(pd.Index(rule.variant(rows)))[code]
        kind = np.where(variant >= 0, variant, kind)
    kind[undecided] = names.get_loc(UNKNOWN)
    if rule.unknown and undecided.any():
        code, rows = explained.only(undecided).distinct(rule.missing_by)
        variant = names.get_indexer(pd.Index(UNKNOWN + rule.unknown(rows)))[code]
        kind[undecided] = np.where(variant >= 0, variant, kind[undecided])
    return kind


def _filled(template: str, explained: _Rows) -> _Numbered:
    """Return a template filled once for rows that are alike in what it shows."""
    shown = dict.fromkeys(fields(template))
    if not shown:
        return np.zeros(len(explained), dtype=np.int64), pd.Series(
            [template], dtype="str"
        )
    number, first = factorize_codes(*(explained.words(field)[0] for field in shown))
    words = {}
    for field in shown:
        code, texts = explained.words(field)
        words[field] = texts.take(code[first])
    sentence = joined(template, words, len(first))
    if template.startswith("{"):
        sentence = sentence.str.replace(
            _beginning(), lambda match: match[0].upper(), regex=True
        )
    return number, sentence


def _beginning() -> str:
    """Return a pattern of the first letter of words for a name, upper case in a sentence."""
    texts = sentences()["findings"]
    words = [
        texts["unnamed_device"],
        texts["the_device"],
        texts["named_pbx"].partition("{")[0],
        texts["the_pbx"],
    ]
    starts = (
        f"{re.escape(word[0])}(?={re.escape(word[1:])})" for word in words if word
    )
    return f"^(?:{'|'.join(starts)})"


def _names(rows: pd.DataFrame, *, with_cn: bool) -> pd.Series:
    """Return the names of each certificate, joined by commas."""
    names = [
        [*listed_names(dns), *listed_names(addresses)]
        for dns, addresses in zip(
            rows["dns_names"], rows["ip_addresses"], strict=True
        )
    ]
    if with_cn:
        cns = rows["subject_cn"].astype("object")
        names = [
            [cn, *others] if isinstance(cn, str) else others
            for cn, others in zip(cns, names, strict=True)
        ]
    none = say("findings.no_names")
    joined = [", ".join(dict.fromkeys(of_row)) or none for of_row in names]
    return pd.Series(joined, index=rows.index, dtype="str")


def _device(rows: pd.DataFrame) -> pd.Series:
    labels = labels_of(rows).where(rows["device"].notna())
    return labels.fillna(say("findings.unnamed_device"))


def _who(rows: pd.DataFrame) -> pd.Series:
    """Return the device, but not in the very words that it registers as."""
    labels = _device(rows)
    same = as_mask(labels.str.lower() == _registered_as(rows).str.lower())
    return labels.mask(same, say("findings.the_device"))


def _if_there(
    key: str, rows: pd.DataFrame, column: str, otherwise: str = ""
) -> pd.Series:
    """Return a sentence filled with a column, and something else where that is missing."""
    sentence = fill(sentences()["findings"][key], rows)
    return sentence.where(rows[column].notna(), otherwise)


def _registered_as(rows: pd.DataFrame) -> pd.Series:
    return rows["registration_name"].fillna(rows["hardware_id"])


def _the_name(rows: pd.DataFrame) -> pd.Series:
    named = rows.assign(registered_as=_registered_as(rows))
    return _if_there("named", named, "registered_as", say("findings.unnamed"))


def _inferred(rows: pd.DataFrame) -> pd.Series:
    """Return what was inferred where a CN fits only a spelling that nothing states."""
    texts = sentences()["findings"]
    words = {
        "serial": texts["inferred_from_serial"],
        "hardware ID": texts["inferred_from_hardware_id"],
    }
    return registration_fit(rows)["inferred_from"].map(words).astype("str").fillna("")


def _other_spelling(rows: pd.DataFrame) -> pd.Series:
    """Return a device's serial where it registers by its hardware ID, and the reverse."""
    by_serial = device_ids.leading_serials(
        rows["registration_name"], "(?s:.*)"
    ).notna()
    other = rows["hardware_id"].where(by_serial, rows["serial"])
    other = other.where(
        registers_by_own_name(rows) & as_mask(other != _registered_as(rows))
    )
    return _if_there("other_spelling", rows.assign(other_name=other), "other_name")


def _shown_cn(rows: pd.DataFrame) -> pd.Series:
    """Return the CN with what the eye does not see: blanks at its ends, odd characters."""
    texts = sentences()["findings"]

    def shown(cn: str) -> str:
        oddities = [
            texts["oddities"][kind] for kind, odd in _BLANKS.items() if odd(cn)
        ]
        template = texts["oddities"]["unusual character"]
        oddities += [
            template.format(character=f"U+{ord(letter):04X}")
            for letter in dict.fromkeys(cn)
            if unicodedata.category(letter) in _UNSEEN and letter not in " -_"
        ]
        if not oddities:
            return cn
        return str(texts["odd_cn"].format(cn=cn, oddity="; ".join(oddities)))

    return rows["subject_cn"].map(shown, na_action="ignore").astype("str")


def _trust_meaning(rows: pd.DataFrame) -> pd.Series:
    meaning = rows["trust_state"].astype("str").map(sentences()["trust_states"])
    return meaning + _detail(rows)


def _detail(rows: pd.DataFrame) -> pd.Series:
    details = translated(rows["trust_detail"])
    return _if_there("detail", rows.assign(trust_detail=details), "trust_detail")


def _ca_validity(rows: pd.DataFrame) -> pd.Series:
    """Return how long the ways to the trust list are or were valid, seen from the moment."""
    cells = rows["trust_paths"].to_numpy(dtype=object)
    # Rows about one certificate share one list of ways.
    code, _ = pd.factorize(np.fromiter(map(id, cells), np.int64, len(cells)))
    _, first = np.unique(code, return_index=True)
    begins, ends = (
        pd.Series(
            pd.to_datetime(
                [choose(path[bound] for path in cells[row]) for row in first],
                unit="us",
                utc=True,
            ).take(code),
            index=rows.index,
        )
        for bound, choose in (("not_before", min), ("not_after", max))
    )
    texts = sentences()["findings"]
    late, early = (
        fill(texts[sentence], moments.to_frame("moment"))
        for sentence, moments in (("ca_expired", ends), ("ca_early", begins))
    )
    otherwise = fill(texts["ca_untimely"], rows[["judged_at"]])
    words = late.where(rows["judged_at"] > ends, otherwise)
    return words.mask(rows["judged_at"] < begins, early)


def _browser_why(rows: pd.DataFrame) -> pd.Series:
    with language(FRAMES):
        why = browser_verdict.browser_verdict(rows, rows["judged_at"])["why"]
    return translated(why)


def _fitting_cn(device: pd.Series, name: pd.Series) -> pd.Series:
    """Return the device's own name where the registration name begins with it, else that."""
    begins = begins_with_cn(name, device).fillna(value=False).astype(bool)
    return device.where(begins, name)


def listed_names(value: Any) -> list[str]:
    """Return the names in a cell of a column of lists."""
    # Lists are arrays in a file that pandas read.
    return list(value) if isinstance(value, list | np.ndarray) else []


_EXPLAINED = ("why", "remedy")
UNKNOWN = "?"
"""What the names of wordings begin with that are used where a rule cannot be decided."""
_BLANKS: dict[str, Callable[[str], bool]] = {
    "blank at the start": lambda cn: cn.startswith(" "),
    "blank at the end": lambda cn: cn.endswith(" "),
}
_UNSEEN = ("Zs", "Zl", "Zp", "Cc", "Cf", "Pd")
_LISTS = {"dns_names", "ip_addresses", "browser_paths", "trust_paths"}
_NAMES = ("subject_cn", "dns_names", "ip_addresses")
_DERIVED: dict[str, tuple[tuple[str, ...], Callable[[pd.DataFrame], pd.Series]]] = {
    "device": (LABELLED_BY, _device),
    "who": ((*LABELLED_BY, "registration_name", "hardware_id"), _who),
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
    "around": (("time",), lambda rows: _if_there("around", rows, "time")),
    "shown_cn": (("subject_cn",), _shown_cn),
    "inferred": ((*NAMES, "name_by"), _inferred),
    "other_spelling": (NAMES, _other_spelling),
    "fitting_cn": (
        ("device", "registration_name", "hardware_id"),
        lambda rows: _fitting_cn(rows["device"], _registered_as(rows)),
    ),
    "the_pbx": (
        ("pbx",),
        lambda rows: _if_there("named_pbx", rows, "pbx", say("findings.the_pbx")),
    ),
    "certificate_error": (
        ("certificate_error",),
        lambda rows: translated(rows["certificate_error"]),
    ),
    "trust_meaning": (("trust_state", "trust_detail"), _trust_meaning),
    "trust_detail_behind": (
        ("trust_detail",),
        _detail,
    ),
    "ca_validity": (("trust_paths", "judged_at"), _ca_validity),
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
        _browser_why,
    ),
}
"""What templates show beside columns: the columns that each field is made of, and how."""
