"""The benchmarks run, and the tables of figures are those that were kept."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import certtrust as ct

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that runs all the others."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("everything", "figures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("everything")


def test_tables_are_made_of_the_kept_figures(
    everything: ModuleType, tmp_path: Path
) -> None:
    """A table stands between its marks, with what was measured, and what it was measured on."""
    figure = everything.Figure("work", 2.0, "s", {"another way": 5.0})
    kept = tmp_path / "figures.json"
    kept.write_text(everything.as_json({"trust.py": [figure]}), "utf-8")
    for readme in everything.READMES:
        written = everything.with_table(readme.read_text("utf-8"), kept)
        assert "| work | 2.0 s | another way 2.5x |" in written
        assert everything.with_table(written, kept) == written
        without = everything.with_table(written, kept, ["trust.py"])
        assert "another way" not in without


def test_every_script_is_described_and_run(everything: ModuleType) -> None:
    """No benchmark is forgotten: each is in the table of scripts, and what measures is run."""
    described = (BENCHMARKS / "README.md").read_text("utf-8")
    scripts = {path.name for path in BENCHMARKS.glob("*.py")}
    helpers = {"everything.py", "figures.py", "fleet_of_certificates.py"}
    assert {
        name for name in scripts - helpers if f"`{name}`" not in described
    } == set()
    measuring = {
        path.name
        for path in BENCHMARKS.glob("*.py")
        if '"--json"' in path.read_text("utf-8")
    }
    assert measuring - helpers == set(everything.RUNS)


def test_a_script_writes_its_figures(
    everything: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of one script gives figures, with what the plain way takes beside them."""
    names = importlib.import_module("names")
    path = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["names.py", "500", "--json", str(path)])
    names.main()
    measured = everything.figures.read(path)
    assert all(figure.value > 0 and figure.against for figure in measured)
    everything.draw(measured, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 10_000


@pytest.mark.exhaustive
def test_a_large_fleet_is_truly_signed_and_its_causes_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the generator writes down as the cause of each line is what `check` finds."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    large_fleet = importlib.import_module("large_fleet")
    folder = large_fleet.write(60, tmp_path / "fleet", files=2, processes=1)
    fleet = ct.link(ct.read_fleet(folder))
    results = ct.check(ct.attempts(fleet))
    truth = pd.concat(
        pd.read_parquet(path).assign(name=path.stem)
        for path in tmp_path.glob("fleet.truth/*.parquet")
    )
    assert fleet.links is not None
    assert fleet.links["verified"].all()
    assert len(results) == len(truth) == 600
    causes = results.assign(name=results["source"].map(lambda path: Path(path).stem))
    both = causes.merge(truth, on=["name", "line"], validate="one_to_one")
    assert len(both) == 600
    judged, true = (both[name].astype("str") for name in ("cause", "true_cause"))
    assert judged.fillna("").tolist() == true.fillna("").tolist()
    assert true.nunique() > 5
