"""Properties that hold between two runs on random fleets, with another order or more data."""

import copy
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from naive import authorities, fleets, judge
from naive.comparison import seeds
from thoroughness import share

import certtrust as ct

Description = dict[str, Any]

NOW = pd.Timestamp("2026-06-01", tz="UTC")
RULES = [
    "time.clock",
    "transport.tls_only",
    "password.tls_only",
    "certificate.trust",
    "time.validity",
    "certificate.name",
    "hygiene.weak_key",
    "hygiene.weak_signature",
    "hygiene.prefix",
]
ANSWER = [
    "scenario",
    "fingerprint",
    *RULES,
    "verdict",
    "cause",
    "observed",
    "explained",
]

ATTEMPTS = 48

FEW = seeds(range(20, 21))
MANY = seeds([21, *range(2000, 2060)])


def parametrized_by_seed(
    few: list[int],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that runs a test on a few fleets, and on many in exhaustive runs."""
    many = [pytest.param(seed, marks=pytest.mark.exhaustive) for seed in MANY]
    return pytest.mark.parametrize("seed", [*few, *many])


fleet_seeds = parametrized_by_seed(FEW)
slow_fleet_seeds = parametrized_by_seed(FEW[:1])
"""For tests with many runs per fleet."""


@cache
def described(seed: int) -> Description:
    """Return a small random fleet, to be copied before it is changed."""
    return fleets.fleet(seed, attempts=ATTEMPTS)


@cache
def fleet_of(seed: int) -> ct.Fleet:
    """Return the fleet of a seed, read from files."""
    with tempfile.TemporaryDirectory() as directory:
        return ct.link(ct.read_fleet(fleets.write(described(seed), Path(directory))))


@cache
def results_of(seed: int) -> pd.DataFrame:
    """Return the results of the fleet of a seed."""
    return ct.check(ct.attempts(fleet_of(seed)))


class Runs:
    """The fleets of one test, each in its own directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.number = 0

    def folder(self) -> Path:
        """Return a new directory."""
        self.number += 1
        folder = self.directory / f"run-{self.number}"
        folder.mkdir()
        return folder

    def read(self, description: Description) -> ct.Fleet:
        """Return the fleet, read from files."""
        return ct.read_fleet(fleets.write(description, self.folder()))

    def judged(self, description: Description) -> dict[str, list[tuple[Any, ...]]]:
        """Return the results of the rows of each log, in their order."""
        return by_file(ct.check(ct.attempts(self.read(description))))


@pytest.fixture
def runs(tmp_path):
    """Return a maker of fleets below a temporary directory."""
    return Runs(tmp_path)


def plain(frame: pd.DataFrame, columns: list[str] = ANSWER) -> list[tuple[Any, ...]]:
    """Return rows as tuples, None for what is missing."""
    picked = frame[columns].astype(object)
    return list(picked.where(picked.notna(), None).itertuples(index=False, name=None))


def changed(after: dict[str, list[Any]], before: dict[str, list[Any]]) -> list[str]:
    """Return texts that describe the first rows that differ."""
    counts = [
        {name: len(rows) for name, rows in run.items()} for run in (before, after)
    ]
    if counts[0] != counts[1]:
        return [f"rows: {counts[0]} -> {counts[1]}"]
    texts = []
    for name, rows in before.items():
        for position, (old, new) in enumerate(zip(rows, after[name], strict=True)):
            values = zip(ANSWER, old, new, strict=True)
            words = [f"{column}: {a} -> {b}" for column, a, b in values if a != b]
            if words:
                texts.append(f"{name}, row {position}: " + ", ".join(words))
    return texts[:3]


def assert_same(after: dict[str, list[Any]], before: dict[str, list[Any]]) -> None:
    """Fail with the first rows that differ."""
    texts = changed(after, before)
    if texts:
        pytest.fail("\n".join(texts), pytrace=False)


def by_file(results: pd.DataFrame) -> dict[str, list[tuple[Any, ...]]]:
    """Return the results by the name of the log, in the order of its lines."""
    ordered = results.sort_values("line", kind="stable")
    names = ordered["source"].map(lambda source: Path(source).name)
    return {name: plain(rows) for name, rows in ordered.groupby(names)}


def shuffled(
    description: Description, random: Random
) -> tuple[Description, dict[str, list[int]]]:
    """Return the fleet with the parts of every file shuffled, and the new order of the logs."""
    other = copy.deepcopy(description)
    for file in [*other["certificates"], *other["trust"]]:
        random.shuffle(file["blocks"])
        if any(block["cut"] for block in file["blocks"]):
            file["blocks"].sort(key=lambda block: block["cut"])
    for file in other["devices"]:
        random.shuffle(file["entries"])
    orders = {}
    for file in other["logs"]:
        orders[file["name"]] = random.sample(
            range(len(file["rows"])), len(file["rows"])
        )
        file["rows"] = [file["rows"][position] for position in orders[file["name"]]]
    return other, orders


# Order, places, copies


@fleet_seeds
def test_order_within_files_does_not_matter(seed, runs):
    """Certificates, entries and rows may be in any order."""
    description = described(seed)
    other, orders = shuffled(description, Random(seed))

    before = by_file(results_of(seed))
    expected = {
        name: [before[name][i] for i in order] for name, order in orders.items()
    }

    assert_same(runs.judged(other), expected)


@fleet_seeds
def test_order_of_rows_in_tables_does_not_matter(seed):
    """The frames of a fleet may be sorted in any way."""
    fleet = fleet_of(seed)
    tables = {
        name: getattr(fleet, name).sample(frac=1, random_state=seed)
        for name in ("certificates", "trust", "devices", "registrations")
    }

    after = ct.check(ct.attempts(replace(fleet, **tables)))

    assert_same(by_file(after), by_file(results_of(seed)))


@fleet_seeds
def test_archives_change_nothing(seed, runs):
    """The files of a folder may be in an archive instead."""
    description = described(seed)
    folder = runs.folder()
    for name, files in fleets.texts(description).items():
        (folder / name).mkdir()
        if name == "trust":
            for file, content in files.items():
                (folder / name / file).write_bytes(content)
        elif files:
            with zipfile.ZipFile(folder / name / "all.zip", "w") as archive:
                for file, content in files.items():
                    archive.writestr(file, content)

    after = by_file(ct.check(ct.attempts(ct.read_fleet(folder))))

    assert_same(after, by_file(results_of(seed)))


@fleet_seeds
def test_folders_below_the_kinds_change_nothing(seed, runs):
    """Certificates, devices and logs may be in subfolders."""
    description = described(seed)
    folder = runs.folder()
    for name, files in fleets.texts(description).items():
        for number, (file, content) in enumerate(files.items()):
            below = folder / name / (f"part {number % 3}" if name != "trust" else "")
            below.mkdir(parents=True, exist_ok=True)
            (below / file).write_bytes(content)

    after = by_file(ct.check(ct.attempts(ct.read_fleet(folder))))

    assert_same(after, by_file(results_of(seed)))


@fleet_seeds
def test_rows_twice_give_results_twice(seed, runs):
    """A log with every row twice gives every result twice."""
    description = described(seed)
    twice = copy.deepcopy(description)
    for file in twice["logs"]:
        file["rows"] *= 2

    expected = {name: rows * 2 for name, rows in by_file(results_of(seed)).items()}

    assert_same(runs.judged(twice), expected)


@fleet_seeds
def test_certificates_and_entries_twice_change_nothing(seed, runs):
    """A second copy of a certificate or an entry adds nothing."""
    description = described(seed)
    twice = copy.deepcopy(description)
    for file in [*twice["certificates"], *twice["trust"]]:
        if file.get("form") != "der" and not any(
            block["cut"] for block in file["blocks"]
        ):
            file["blocks"] *= 2
    for file in twice["devices"]:
        file["entries"] *= 2

    assert_same(runs.judged(twice), by_file(results_of(seed)))


@fleet_seeds
def test_names_of_pbxs_do_not_matter(seed, runs):
    """PBXs may have any names."""
    description = described(seed)
    names = {"hq": "zentrale-01", "lab-2": "Werk.Nord", "plant": "a", "master": "m"}
    other = copy.deepcopy(description)
    for file in other["trust"]:
        file["pbx"] = names[file["pbx"]]
    for entry in (entry for file in other["devices"] for entry in file["entries"]):
        entry["pbx"] = names[entry["pbx"]]
    for row in (
        row for file in other["logs"] for row in file["rows"] if row.get("pbx")
    ):
        row["pbx"] = names[row["pbx"]]

    assert_same(runs.judged(other), by_file(results_of(seed)))


@fleet_seeds
def test_times_may_all_be_shifted(seed, runs):
    """The same fleet some years later has the same results."""
    later = pd.Timedelta(days=1461)
    shifted = fleets.fleet(seed, attempts=ATTEMPTS, later=later.to_pytimedelta())
    without = [column for column in ANSWER if column != "fingerprint"]
    tables = []
    for fleet, moment in ((fleet_of(seed), NOW), (runs.read(shifted), NOW + later)):
        attempts = ct.attempts(fleet)
        results = ct.check(attempts, at=attempts["time"].fillna(moment))
        tables.append(plain(results[results["time"].notna()], without))

    assert tables[1] == tables[0]


# More and less data


@fleet_seeds
def test_more_trust_never_fails_anything(seed, runs):
    """Adding entries to a list that was read in full never causes a failure."""
    description = described(seed)
    more = copy.deepcopy(description)
    random = Random(seed)
    for file in more["trust"]:
        if file["content"] == "list" and not any(
            block["cut"] for block in file["blocks"]
        ):
            everything = [
                {"der": block["der"], "cut": False}
                for source in description["certificates"]
                for block in source["blocks"]
            ]
            file["blocks"] += random.sample(everything, min(5, len(everything)))

    before = results_of(seed)
    after = ct.check(ct.attempts(runs.read(more)))

    assert not (before["verdict"].ne("fail") & after["verdict"].eq("fail")).any()
    assert not (before["verdict"].eq("pass") & after["verdict"].ne("pass")).any()
    for rule in RULES:
        trusted = before[rule].eq(True).fillna(False)
        assert after[rule][trusted].eq(True).all()


@fleet_seeds
def test_nothing_passes_without_its_certificate(seed):
    """Without certificates no verdict by certificate is a pass, and no other becomes one."""
    fleet, before = fleet_of(seed), results_of(seed)
    after = ct.check(
        ct.attempts(replace(fleet, certificates=fleet.certificates.head(0)))
    )

    assert not (
        after["scenario"].eq("h323-certificate") & after["verdict"].eq("pass")
    ).any()
    assert not (before["verdict"].ne("pass") & after["verdict"].eq("pass")).any()
    assert (
        after[["certificate.trust", "time.validity", "certificate.name"]]
        .isna()
        .all(axis=None)
    )


# PBXs are not removed: without one in the log, that of the device's entry counts instead.
LESS: dict[str, Callable[[Description], None]] = {
    "no serials in logs": lambda less: remove_column(less, "serial"),
    "no hardware IDs in logs": lambda less: remove_column(less, "hardware_id"),
    "no fingerprints": lambda less: remove_column(less, "fingerprint"),
    "no states": lambda less: remove_column(less, "reason"),
    "no devices": lambda less: less["devices"].clear(),
    "no certificates": lambda less: less["certificates"].clear(),
    "no trust": lambda less: less["trust"].clear(),
}


def remove_column(less: Description, column: str) -> None:
    """Remove a column from every row of a log that may lack it."""
    for file in less["logs"]:
        if file["format"] == "events" and column == "hardware_id":
            continue
        for row in file["rows"]:
            row.pop(column, None)


@slow_fleet_seeds
def test_a_scenario_that_follows_from_less_follows_from_more(seed, runs):
    """More data never remove a scenario or change it."""
    more = by_file(results_of(seed))
    texts = []
    for missing, remove in LESS.items():
        less = copy.deepcopy(described(seed))
        remove(less)
        for name, rows in runs.judged(less).items():
            for position, (first, second) in enumerate(
                zip(rows, more[name], strict=True)
            ):
                if first[0] not in (None, second[0]):
                    texts.append(
                        f"{name}, row {position}, {missing}: {first[0]} -> {second[0]}"
                    )

    assert not texts[:3]


# One row, one remedy, one moment


def rows_with_certificate(
    fleet: ct.Fleet, results: pd.DataFrame
) -> Iterator[pd.Series]:
    """Yield the results whose certificate is in one bundle and whose PBX has a list."""
    lists = set(fleet.trust["pbx"])
    bundles = fleet.certificates.groupby("fingerprint")["bundle"].nunique()
    for _, row in results.iterrows():
        is_known = (
            row["fingerprint"] in bundles.index and bundles[row["fingerprint"]] == 1
        )
        if row["scenario"] == "h323-certificate" and is_known and row["pbx"] in lists:
            yield row


@slow_fleet_seeds
def test_diagnosis_is_the_check_of_one_row(seed):
    """Both agree on trust and validity, and on names that are not those of a device."""
    fleet, results = fleet_of(seed), results_of(seed)
    tried = 0
    for row in rows_with_certificate(fleet, results):
        if pd.isna(row["registration_name"]) or row["name_by"] == "default":
            continue
        bundle = fleet.certificates[fleet.certificates["bundle"] == row["bundle"]]
        own = bundle["fingerprint"] == row["fingerprint"]
        diagnosis = ct.diagnose(
            bundle[own],
            scenario="h323-certificate",
            registration_name=row["registration_name"],
            hardware_id=None if pd.isna(row["hardware_id"]) else row["hardware_id"],
            trust=fleet.trust[fleet.trust["pbx"] == row["pbx"]],
            tls_only=None if pd.isna(row["tls_only"]) else row["tls_only"],
            chain=bundle[~own],
            at=row["judged_at"],
            links=fleet.links,
        )
        steps = diagnosis.steps.set_index("code")["passed"]
        free = judge.octets(row["registration_name"]) is None
        for code in [
            "certificate.trust",
            "time.validity",
            *["certificate.name"] * free,
        ]:
            passed = None if pd.isna(steps[code]) else bool(steps[code])
            expected = None if pd.isna(row[code]) else bool(row[code])
            assert passed == expected, (code, row["source"], row["line"])
        tried += 1
    if not tried:
        pytest.skip(
            "no list of this fleet was read, or no certificate arrived just once"
        )


def is_failing(results: pd.DataFrame) -> pd.Series:
    """Return which attempts failed, or are predicted to fail where nothing was observed."""
    failed = results["observed"].eq("failed") | results["observed"].isna()
    return failed.fillna(True) & results["verdict"].eq("fail")


def repaired(
    fleet: ct.Fleet, results: pd.DataFrame, actions: pd.DataFrame
) -> pd.DataFrame:
    """Return the failed rows that pass once the actions are applied."""
    better = ct.check(ct.attempts(ct.apply(fleet, actions)), at=results["judged_at"])
    return results[is_failing(results) & better["verdict"].eq("pass")]


@slow_fleet_seeds
def test_remedies_repair_what_they_promise(seed):
    """Each action alone, and all up to it together, repair the promised attempts and devices."""
    fleet, results = fleet_of(seed), results_of(seed)
    plan = ct.remedies(fleet, results)
    steps = plan.to_dict("records")
    for position in share(range(len(steps))):
        step = steps[position]
        alone = repaired(fleet, results, plan.iloc[[position]])
        together = repaired(fleet, results, plan.iloc[: position + 1])
        assert len(alone) == step["attempts"], step["step"]
        assert alone["device"].nunique() == step["devices"], step["step"]
        assert len(together) == step["attempts_cumulative"], step["step"]
        assert together["device"].nunique() == step["devices_cumulative"], step[
            "step"
        ]
    better = ct.check(ct.attempts(ct.apply(fleet, plan)), at=results["judged_at"])
    works = results["verdict"].eq("pass")
    assert better.loc[works, "verdict"].eq("pass").all()


@fleet_seeds
def test_what_if_with_other_trust_is_the_rebuilt_fleet(seed, runs):
    """Replacing the trust lists in the frame equals replacing them in the files."""
    description = described(seed)
    other = copy.deepcopy(description)
    other["trust"] = fleets.fleet(seed + 1, attempts=ATTEMPTS)["trust"]
    rebuilt = runs.read(other)

    imagined = ct.check(ct.attempts(ct.what_if(fleet_of(seed), trust=rebuilt.trust)))

    assert_same(by_file(imagined), by_file(ct.check(ct.attempts(rebuilt))))


def test_old_links_do_not_decide_a_verdict(runs):
    """A CA renewed with the same key counts, though the links were made with the old list."""
    device, authority = (
        authorities.name("0090332f688a"),
        authorities.name("Example CA"),
    )
    leaf, expired, renewed = (
        authorities.certificate(
            subject,
            key,
            authority,
            2,
            not_before=authorities.moment(first),
            not_after=authorities.moment(last),
            ca=subject == authority,
        )
        for subject, key, first, last in (
            (device, 1, 2020, 2080),
            (authority, 2, 2010, 2020),
            (authority, 2, 2019, 2080),
        )
    )
    row = {
        "pbx": "hq",
        "serial": "0090332f688a",
        "protocol": "H.323/TLS",
        "time": 1780000000,
    }
    lists = [[{"der": der, "cut": False}] for der in (expired, renewed)]
    before, after = (
        runs.read(
            {
                "certificates": [
                    {
                        "name": "0090332f688a.pem",
                        "form": "pem",
                        "blocks": [{"der": leaf, "cut": False}],
                    }
                ],
                "trust": [{"pbx": "hq", "content": "list", "blocks": blocks}],
                "devices": [],
                "logs": [{"name": "records.csv", "format": "own csv", "rows": [row]}],
            }
        )
        for blocks in lists
    )

    linked = ct.check(ct.attempts(ct.what_if(ct.link(before), trust=after.trust)))

    assert_same(by_file(linked), by_file(ct.check(ct.attempts(after))))


@fleet_seeds
@pytest.mark.parametrize("flag", [True, False])
def test_what_if_with_tls_only_is_the_rebuilt_fleet(seed, flag, runs):
    """Setting TLS only at every entry in the frame equals setting it in the files."""
    description = copy.deepcopy(described(seed))
    other = copy.deepcopy(description)
    for file in [*description["devices"], *other["devices"]]:
        file["format"] = "json" if file["format"] == "import list" else file["format"]
    for entry in (entry for file in other["devices"] for entry in file["entries"]):
        entry["tls"] = flag

    imagined = ct.check(
        ct.attempts(ct.what_if(runs.read(description), tls_only=flag))
    )

    assert_same(by_file(imagined), runs.judged(other))


@fleet_seeds
@pytest.mark.parametrize("authentication", ["certificate", "password"])
def test_what_if_with_another_authentication_is_the_rebuilt_fleet(
    seed, authentication, runs
):
    """Changing the authentication in the frame equals changing it in the logs, over H.323."""
    description = copy.deepcopy(described(seed))
    description["logs"] = [
        file for file in description["logs"] if file["format"] != "events"
    ]
    for row in (row for file in description["logs"] for row in file["rows"]):
        row.setdefault("protocol", "H.323")
    other = copy.deepcopy(description)
    for row in (row for file in other["logs"] for row in file["rows"]):
        if row["protocol"].startswith("H.323"):
            row["authentication"] = authentication

    imagined = ct.check(
        ct.attempts(ct.what_if(runs.read(description), authentication=authentication))
    )

    assert_same(by_file(imagined), runs.judged(other))


@fleet_seeds
def test_what_if_without_an_authority_is_the_rebuilt_fleet(seed, runs):
    """Retiring a certificate in the frame equals removing it from the files."""
    description = described(seed)
    listed = [
        block["der"] for file in description["trust"] for block in file["blocks"]
    ]
    listed_whole = [
        block["der"]
        for file in description["trust"]
        for block in file["blocks"]
        if file["content"] == "list" and not block["cut"]
    ]
    if not listed_whole:
        pytest.skip("no list of this fleet holds anything")
    retired = max(sorted(set(listed_whole)), key=listed.count)
    other = copy.deepcopy(description)
    for file in other["trust"]:
        file["blocks"] = [
            block for block in file["blocks"] if block["der"] != retired
        ]

    imagined = ct.what_if(fleet_of(seed), retire=fleets.fingerprint(retired))

    assert_same(by_file(ct.check(ct.attempts(imagined))), runs.judged(other))


@fleet_seeds
def test_forecast_is_the_check_of_a_later_moment(seed):
    """For each date it counts failing latest attempts, and failing devices without an attempt."""
    fleet = fleet_of(seed)
    times = fleet.registrations["time"]
    past = times.isna() | times.le(pd.Timestamp.now(tz="UTC"))
    fleet = replace(fleet, registrations=fleet.registrations[past])
    attempts = ct.latest(ct.attempts(fleet))
    would_be = ct.attempts(fleet, of="devices")
    would_be = ct.latest(would_be[~would_be["device"].isin(attempts["device"])])
    coming = ct.forecast(fleet, periods=3, freq="4YS")
    assert coming["date"].nunique() == 3
    for date, counted in coming.groupby("date"):
        results = pd.concat(
            [ct.check(table, at=date) for table in (attempts, would_be)]
        )
        failing = results[results["verdict"].eq("fail")]
        expected = failing["cause"].astype("str").value_counts().to_dict()
        counts = counted.set_index(counted["cause"].astype("str"))[
            "attempts"
        ].to_dict()
        assert {cause: count for cause, count in counts.items() if count} == expected


@fleet_seeds
def test_sums_agree(seed):
    """Causes, findings and the cross table count the rows of the results."""
    results = results_of(seed)
    failed = results["observed"].eq("failed")
    failed |= results["observed"].isna() & results["verdict"].eq("fail")

    causes = ct.causes(results)
    assert causes["attempts"].sum() == failed.sum()
    counted = results[failed]["cause"].astype("str").value_counts().to_dict()
    assert (
        causes.set_index(causes["cause"].astype("str"))["attempts"].to_dict()
        == counted
    )
    for column in ("pbx", "device", "scenario"):
        by_group = ct.causes(results, by=column)
        assert by_group["attempts"].sum() == failed.sum(), column
        sums = (
            by_group.groupby(by_group["cause"].astype("str"))["attempts"]
            .sum()
            .to_dict()
        )
        assert sums == counted, column
    crossed = ct.compare(results)
    assert crossed.sum(axis=None) == len(results)
    for verdict, row in crossed.iterrows():
        for observed, count in row.items():
            seen = results["observed"].astype("str").fillna("not observed")
            assert count == (results["verdict"].eq(verdict) & seen.eq(observed)).sum()
    findings = ct.findings(results)
    for rule in RULES[:6]:
        broken = findings["code"].eq(rule) & findings["passed"].eq(False).fillna(
            False
        )
        assert broken.sum() == results[rule].eq(False).sum(), rule


def test_the_fleets_are_varied():
    """The random fleets have every feature that the properties are about."""
    descriptions = [described(seed) for seed in range(20, 40)]
    files = [
        file for description in descriptions for file in description["certificates"]
    ]
    blocks = [block for file in files for block in file["blocks"]]
    facts = [judge.facts(block["der"]) for block in blocks if not block["cut"]]
    rows = [
        row
        for description in descriptions
        for file in description["logs"]
        for row in file["rows"]
    ]
    expected = [
        judge.judge(
            judge.row_in(file, row),
            judge.take_inventory(description),
            now=authorities.moment(2026),
        )
        for description in descriptions[:5]
        for file in description["logs"]
        for row in file["rows"]
    ]

    assert any(block["cut"] for block in blocks)
    assert {fact.is_ca for fact in facts} == {True, False, None}
    assert {"", None} <= {fact.common_name for fact in facts}
    assert any(row.get("time") == 0 for row in rows)
    assert any("." in (row.get("hardware_id") or "") for row in rows)
    assert {description["verdict"] for description in expected} == {
        "pass",
        "fail",
        "unknown",
    }
    assert {"h323-certificate", "h323-password", None} == {
        description["scenario"] for description in expected
    }
