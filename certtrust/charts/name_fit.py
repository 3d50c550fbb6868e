"""How registration names and the certificates' common names relate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..names.device_ids import hardware_ids, same_spelling, serials
from ..names.matching import begins_with_cn
from ..texts.labels import RELATIONS, percent, plural
from .drawing.palette import BAD, CAUSE_COLOURS, GOOD, OTHER, colour
from .drawing.rows import Part, Row, capacity, draw_rows, natural_height
from .drawing.sheet import WIDTH, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TONES = {
    "equal": GOOD,
    "cn begins name": GOOD,
    "cn begins hardware id": GOOD,
    "same device": CAUSE_COLOURS["time.validity"],
    "nothing in common": BAD,
    "no cn": BAD,
}


def name_relations(attempts: pd.DataFrame) -> pd.DataFrame:
    """Count how registration names and common names relate.

    Parameters
    ----------
    attempts : DataFrame
        Table ATTEMPTS or RESULTS.

    Returns
    -------
    DataFrame
        One row per relation that occurs, the most frequent first: relation (a key of
        `certtrust.texts.labels.RELATIONS`), devices, attempts, and of one of them registration_name, hardware_id
        and subject_cn. A device that registers in several ways counts under each.

    Examples
    --------
    >>> import certtrust as ct
    >>> int(name_relations(ct.attempts(ct.simulate(20, seed=1)))["devices"].sum()) > 10
    True
    """
    columns = ["device", "registration_name", "hardware_id", "subject_cn", "fingerprint"]
    judged = attempts[[*columns, "url"]]
    pairs = (
        judged[judged["url"].isna()]
        .groupby(columns, dropna=False, observed=True, sort=False)
        .size()
        .reset_index(name="attempts")
    )
    pairs["relation"] = _relation(pairs)
    grouped = pairs.groupby("relation", sort=False)
    counts = grouped.agg(
        devices=("device", "nunique"),
        attempts=("attempts", "sum"),
        registration_name=("registration_name", "first"),
        hardware_id=("hardware_id", "first"),
        subject_cn=("subject_cn", "first"),
    )
    return counts.sort_values(["devices", "attempts"], ascending=False, kind="stable").reset_index()


def _relation(pairs: pd.DataFrame) -> np.ndarray:
    name, hardware_id = pairs["registration_name"].astype("str"), pairs["hardware_id"].astype("str")
    cn = pairs["subject_cn"].astype("str")

    def begins(text: pd.Series) -> pd.Series:
        return begins_with_cn(text, cn).fillna(value=False).astype(bool)

    known_name = name.fillna(hardware_id).notna()
    tail = hardware_ids(cn)["tail"].fillna(serials(cn).str.slice(6))
    own_tail = serials(name.str.slice(stop=12)).str.slice(6).fillna(hardware_ids(name)["tail"])
    conditions = {
        "no certificate": pairs["fingerprint"].isna(),
        "no cn": cn.fillna("").str.strip() == "",
        "no name": ~known_name,
        "equal": (same_spelling(name) == same_spelling(cn)).fillna(value=False).astype(bool),
        "cn begins name": begins(name),
        "cn begins hardware id": begins(hardware_id),
        "same device": (tail == own_tail).fillna(value=False).astype(bool),
    }
    choices = [np.asarray(condition, dtype=bool) for condition in conditions.values()]
    return np.select(choices, list(conditions), "nothing in common")


def name_fit(
    attempts: pd.DataFrame,
    *,
    ax: Axes | None = None,
    width: float = WIDTH,
    height: float | None = None,
    theme: str | None = None,
) -> Axes:
    """Draw how registration names and common names relate, with an example of each relation.

    Parameters
    ----------
    attempts : DataFrame
        Table ATTEMPTS or RESULTS. The numbers are those of `name_relations`.
    ax, width, height, theme
        As for `certtrust.charts.causes`.

    Returns
    -------
    Axes
        One row per relation; an empty frame gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> "CN" in ct.charts.name_fit(ct.attempts(ct.simulate(20, seed=1))).get_title()
    True
    """
    counts = name_relations(attempts)
    with sheet(ax, width=width, height=height, theme=theme) as page:
        shown = counts.head(capacity(page, len(RELATIONS)))
        total = int(counts["devices"].sum())
        rows = [_row(shown.iloc[place], total, page.dark) for place in range(len(shown))]
        title = _headline(counts)
        page.lay_out(
            title,
            subtitle="Devices by how the name that they register with relates to the CN of their certificate"
            if len(counts)
            else "",
            content=natural_height(rows),
            alt=_alternative(title, counts),
        )
        if rows:
            draw_rows(page, rows)
        else:
            page.say("There is no attempt to look at.")
        return page.ax


def _row(count: pd.Series, total: int, dark: bool) -> Row:
    relation, devices = str(count["relation"]), int(count["devices"])
    tone = colour(_TONES.get(relation, OTHER), dark=dark)
    by_hardware_id = relation == "cn begins hardware id"
    name, cn = count["hardware_id" if by_hardware_id else "registration_name"], count["subject_cn"]
    example = f"{name} / CN {cn}" if isinstance(name, str) and isinstance(cn, str) else ""
    value = f"{devices:,} \u00b7 {percent(devices / total)}"
    return Row(RELATIONS[relation], value, [Part(devices, tone)], example)


def _headline(counts: pd.DataFrame) -> str:
    if counts.empty:
        return "No names to compare with a CN"
    sizes = counts.set_index("relation")["devices"]
    fits = int(sizes.reindex(["equal", "cn begins name", "cn begins hardware id"]).fillna(0).sum())
    share = percent(fits / sizes.sum())
    return f"The CN begins the name or hardware ID of {fits:,} of {plural(int(sizes.sum()), 'device')} ({share})"


def _alternative(title: str, counts: pd.DataFrame) -> str:
    listed = [
        f"{RELATIONS[relation]}: {devices:,}"
        for relation, devices in zip(counts["relation"], counts["devices"], strict=True)
    ]
    return f"Ranked bars of name relations. {title}. {'; '.join(listed)}."
