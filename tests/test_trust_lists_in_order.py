"""Trust lists in order: what is called harmless changes nothing, what is called needed does."""

import dataclasses
import itertools
from random import Random

import numpy as np
import pandas as pd
import pytest

import certtrust as ct
from certtrust.advice.trust_lists.review import _of_all
from certtrust.advice.trust_lists.short_list import short_list
from certtrust.advice.trust_lists.trials import Question
from certtrust.advice.what_if import without_entries
from certtrust.schema import TRUST, conform
from certtrust.testing import fleet_of, small_fleet

SEEDS = [
    2,
    *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(100, 160)),
]


def disordered(seed: int, devices: int = 20) -> ct.Fleet:
    """Return a random fleet whose lists have grown: doubles, roots, strangers, what is unread."""
    rng = Random(seed)
    healthy = rng.random() < 0.4
    fleet = ct.simulate(devices, seed=seed, faults={} if healthy else None)
    trust, certificates = fleet.trust, fleet.certificates
    cas = certificates[certificates["is_ca"].eq(other=True)]
    cas = cas.drop_duplicates("fingerprint")
    pbxs = sorted(trust["pbx"].unique())
    parts = [trust]
    for _ in range(rng.randrange(12)):
        one = cas.sample(1, random_state=rng.randrange(10**6))
        parts.append(one.assign(pbx=rng.choice([*pbxs, None]), source="more.pem"))
    parts += [
        trust.sample(1, random_state=rng.randrange(10**6))
        for _ in range(rng.randrange(4))
    ]
    if rng.random() < 0.3:
        broken = pd.DataFrame({"pbx": [rng.choice(pbxs)], "source": ["x.pem"]})
        parts.append(conform(broken.assign(parse_error="not DER"), TRUST))
    trust = pd.concat([conform(part, TRUST) for part in parts], ignore_index=True)
    if rng.random() < 0.3:
        # Some devices present a chain that is not known.
        lost = (
            certificates["device"]
            .dropna()
            .drop_duplicates()
            .sample(3, random_state=seed)
        )
        certificates = certificates[~certificates["device"].isin(lost)]
    return ct.link(dataclasses.replace(fleet, trust=trust, certificates=certificates))


def trust_rule(fleet: ct.Fleet, results: pd.DataFrame) -> pd.DataFrame:
    """Return verdict and trust of all whom the lists have to keep in, at the same moments."""
    again = _of_all(fleet, None)
    at = results["judged_at"]
    again = ct.check(again[[*ct.columns("attempts")["name"]]], at=at)
    return again[["verdict", "certificate.trust"]].astype("str").fillna("unknown")


@pytest.mark.parametrize("seed", SEEDS)
def test_each_removal_does_what_the_entry_says(seed):
    """Harmless ones turn nobody, alone and all together; a needed one turns somebody."""
    fleet = disordered(seed, 20 if seed < 100 else 60)
    results = _of_all(fleet, None)
    entries = ct.trust_entries(fleet, results)
    before = trust_rule(fleet, results)
    for label in entries.index:
        needed = entries.loc[label, "needed"]
        if pd.isna(needed):
            continue
        gone = fleet.trust.index == label
        if needed:
            # Its doubles go with it.
            row = fleet.trust.loc[label]
            own = fleet.trust["pbx"].eq(row["pbx"]) | fleet.trust["pbx"].isna()
            same = fleet.trust["fingerprint"].eq(row["fingerprint"])
            gone = (same & (own | pd.isna(row["pbx"]))).to_numpy()
        without = dataclasses.replace(fleet, trust=without_entries(fleet.trust, gone))
        changed = (trust_rule(without, results) != before).any(axis=1)
        assert changed.any() == needed, (label, entries.loc[label])
    may_go = entries["keep"].eq(other=False).fillna(value=False).to_numpy(dtype=bool)
    gone = fleet.trust.index.isin(entries.index[may_go])
    without = dataclasses.replace(fleet, trust=without_entries(fleet.trust, gone))
    pd.testing.assert_frame_equal(trust_rule(without, results), before)


@pytest.mark.parametrize("seed", SEEDS[:1])
def test_the_short_lists_alone_keep_in_who_is_in(seed):
    """Also where nobody can tell of some entries: who passes today, passes with them."""
    fleet = disordered(seed)
    results = _of_all(fleet, None)
    entries = ct.trust_entries(fleet, results)
    kept = fleet.trust.index.isin(entries.index[entries["keep"].fillna(value=False)])
    short = dataclasses.replace(fleet, trust=without_entries(fleet.trust, ~kept))
    before, after = trust_rule(fleet, results), trust_rule(short, results)
    was_in = before["certificate.trust"] == "True"
    assert (after["certificate.trust"][was_in] == "True").all()
    lists = ct.short_trust_lists(fleet, results)
    assert (lists["kept"] <= lists["entries"]).all()
    assert lists["price"].str.len().gt(0).all()


def random_questions(rng: Random, entries: list[str]) -> list[Question]:
    """Return questions of a made-up list, each with some alternatives."""
    made = []
    for _ in range(rng.randrange(1, 8)):
        some = {
            frozenset(rng.sample(entries, rng.randrange(1, 3)))
            for _ in range(rng.randrange(1, 4))
        }
        enough = tuple(s for s in some if not any(other < s for other in some))
        relevant = frozenset().union(*enough)
        made.append(Question("hq", relevant, enough, frozenset(), frozenset(), True))
    return made


@pytest.mark.parametrize("seed", range(60))
def test_no_shorter_list_would_do(seed):
    """Compared with every subset of the entries."""
    rng = Random(seed)
    entries = [f"{number:02}" for number in range(rng.randrange(2, 8))]
    questions = random_questions(rng, entries)
    made = short_list(questions, frozenset(entries), {})
    answers = [
        set(some)
        for size in range(len(entries) + 1)
        for some in itertools.combinations(entries, size)
        if all(any(e <= set(some) for e in question.enough) for question in questions)
    ]
    assert made.is_exact
    assert set(made.entries) in answers
    assert len(made.entries) == min(map(len, answers))


def test_a_long_list_is_cut_greedily_and_says_so():
    """More than 20 entries: short, but not vouched for as the shortest."""
    rng = Random(4)
    entries = [f"{number:02}" for number in range(40)]
    questions = [q for _ in range(12) for q in random_questions(rng, entries)]
    made = short_list(questions, frozenset(entries), {})
    assert not made.is_exact
    assert all(any(e <= made.entries for e in q.enough) for q in questions)
    assert len(made.entries) < 40


def test_a_certificate_that_is_not_known_makes_no_removal_harmless():
    """The device may present what only that entry lets in."""
    fleet = small_fleet(20, healthy=True)
    nobody = dataclasses.replace(fleet, certificates=fleet.certificates.head(0))
    entries = ct.trust_entries(nobody)
    asked = entries["undecided"] > 0
    assert asked.any()
    assert entries.loc[asked, "needed"].isna().all()
    assert not entries.loc[asked, "keep"].eq(other=False).any()


def test_a_list_whose_devices_are_not_known_is_left_alone():
    """Certificates and lists alone: nobody can tell who needs what."""
    fleet = small_fleet(20, healthy=True)
    part = dataclasses.replace(
        fleet,
        devices=fleet.devices.head(0),
        registrations=fleet.registrations.head(0),
    )
    entries = ct.trust_entries(part)
    assert len(entries)
    assert entries["needed"].isna().all()
    assert entries["keep"].isna().all()


def test_an_unread_entry_is_open_and_kept():
    """It is an entry all the same."""
    broken = conform(
        pd.DataFrame({"pbx": ["hq"], "source": ["x"], "parse_error": ["not DER"]}),
        TRUST,
    )
    entries = ct.trust_entries(fleet_of(trust=broken))
    assert len(entries) == 1
    assert entries["needed"].isna().all()
    assert entries["keep"].all()
    assert "could not be read" in entries["remark"].iloc[0]


def test_an_empty_fleet_has_no_entries():
    """Nor lists, nor differences, with the columns that are declared."""
    for function in (ct.trust_entries, ct.short_trust_lists, ct.trust_differences):
        frame = function(fleet_of())
        assert frame.empty
        assert (
            frame.columns.tolist() == ct.columns(function.__name__)["name"].tolist()
        )


def test_doubles_and_ended_cas_are_named():
    """The double goes, whoever needs the entry."""
    fleet = small_fleet(30, healthy=True)
    first = fleet.trust.head(1)
    trust = pd.concat([fleet.trust, first], ignore_index=True)
    twice = dataclasses.replace(fleet, trust=trust, links=None)
    entries = ct.trust_entries(twice)
    assert entries["double"].tolist() == [False] * (len(trust) - 1) + [True]
    assert not entries["keep"].iloc[-1]
    later = ct.trust_entries(twice, at="2099-01-01")
    assert later["expired"].all()


def test_lists_of_pbxs_with_like_devices_are_compared():
    """One list lacks a CA that the other has; the order of rows does not decide."""
    fleet = small_fleet(60, seed=9, healthy=True)
    results = _of_all(fleet, None)
    hq = sorted(fleet.trust["pbx"].dropna().unique())[0]
    of_hq = results[results["pbx"] == hq]
    other = of_hq.assign(pbx="branch")
    copied = fleet.trust[fleet.trust["pbx"] == hq].assign(pbx="branch")
    cas = copied[copied["is_ca"].eq(other=True)]
    fewer = copied.drop(cas.index[0])
    both = pd.concat([of_hq, other], ignore_index=True)
    trust = pd.concat([fleet.trust, fewer], ignore_index=True)
    changed = dataclasses.replace(fleet, trust=trust)
    differences = ct.trust_differences(changed, both)
    row = differences[differences["fingerprint"] == cas["fingerprint"].iloc[0]]
    assert row["listed_at"].tolist() == [[hq]]
    assert row["absent_at"].tolist() == [["branch"]]
    order = np.random.default_rng(1).permutation(len(trust))
    shuffled = dataclasses.replace(changed, trust=trust.iloc[order])
    again = ct.trust_differences(shuffled, both.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(differences, again)
