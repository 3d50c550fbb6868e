"""The trend: how many devices failed, and why, at each of many runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..answer_tables import TREND
from ..arrays.arrow import as_mask
from ..errors import CerttrustError
from ..evaluation.check import CAUSES, counted
from ..schema import conform
from ..texts.sentences import say
from .saved import date_in, is_report, read_state
from .state import State


def trend(source: Any) -> pd.DataFrame:
    """Count the failing devices of each run of a history.

    Parameters
    ----------
    source : path, or iterable of what `certtrust.diff` compares
        A folder of runs: the JSON of reports (`certtrust report --json`), and folders of files or
        saved fleets with a date in their names.

    Returns
    -------
    DataFrame
        One row per run and cause, in the order of the dates: date, source, cause, devices,
        failing, undecided, all_devices, parse_error. What is no run is a row with the reason.

    Raises
    ------
    CerttrustError
        If there is no such folder, or nothing in it.

    Examples
    --------
    >>> import certtrust as ct
    >>> table = trend([ct.simulate(20, seed=1), ct.simulate(20, seed=2)])
    >>> bool((table["failing"] <= table["all_devices"]).all())
    True
    """
    rows = [row for run in _runs(source) for row in _rows(run)]
    table = conform(pd.DataFrame(rows), TREND)
    table["cause"] = table["cause"].astype("str").astype(CAUSES)
    by = ["date", "source", "devices", "cause"]
    ascending = [True, True, False, True]
    return table.sort_values(by, ascending=ascending, ignore_index=True)


def _runs(source: Any) -> Iterable[Any]:
    if isinstance(source, Iterable) and not isinstance(source, (str, Path)):
        return list(source)
    if not isinstance(source, (str, Path)):
        raise CerttrustError(say("errors.history.no_folder", path=repr(source)))
    folder = Path(source)
    if not folder.is_dir():
        raise CerttrustError(say("errors.history.no_folder", path=str(folder)))
    runs = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not runs:
        raise CerttrustError(say("errors.history.no_runs", path=str(folder)))
    return runs


def _rows(run: Any) -> list[dict[str, Any]]:
    about = {"source": str(Path(run).name) if isinstance(run, (str, Path)) else None}
    try:
        state = _state(run)
    except (CerttrustError, OSError) as problem:
        return [{**about, "parse_error": str(problem)}]
    about["source"] = about["source"] or state.name
    failing, undecided = _failing(state)
    devices = state.registrations["device"]
    counts = {
        **about,
        "date": state.made,
        "failing": failing["device"].nunique(),
        "undecided": int(np.size(undecided)),
        "all_devices": devices.nunique(),
    }
    causes = failing.groupby(failing["cause"].astype("str"))["device"].nunique()
    return [
        {**counts, "cause": cause, "devices": size} for cause, size in causes.items()
    ] or [{**counts, "devices": 0}]


def _state(run: Any) -> State:
    if isinstance(run, Path):
        if run.is_file() and not is_report(run):
            raise CerttrustError(say("errors.history.no_report", source=run.name))
        if run.is_dir() and date_in(run.name) is None:
            raise CerttrustError(say("errors.history.no_date", source=run.name))
    state = read_state(run, months=None)
    if state.is_nothing:
        raise CerttrustError(say("errors.history.nothing", source=state.name))
    return state


def _failing(state: State) -> tuple[pd.DataFrame, Any]:
    """Return the failing registrations, and the devices of which no verdict is known."""
    rows = state.registrations
    failing = counted(rows)
    open_rows = rows[rows["observed"].isna() & as_mask(rows["verdict"] == "unknown")]
    undecided = open_rows["device"].unique()
    return failing, undecided[~np.isin(undecided, failing["device"].unique())]
