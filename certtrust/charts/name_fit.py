"""How registration names and the certificates' common names relate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from ..arrays.grouping import factorize_rows
from ..evaluation.check import required
from ..names.certificate_names import subject_is_unread
from ..names.device_ids import hardware_ids, same_spelling, serials
from ..names.matching import begins_with_cn
from ..names.registration_fit import certificate_fits_registration
from ..schema import ATTEMPTS, expect
from ..texts.labels import percent, plural, series, with_share
from ..texts.sentences import say
from .drawing.palette import BAD, CAUSE_COLOURS, GOOD, OTHER, colour
from .drawing.record import Canvas, chart
from .drawing.rows import Part, Row, capacity, draw_rows, natural_height
from .drawing.sheet import sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FITS = ("equal", "cn begins name", "cn begins hardware id", "other spelling")
"""The relations by which a PBX lets a device in."""

_TONES = {
    **dict.fromkeys(FITS, GOOD),
    "same device": CAUSE_COLOURS["time.validity"],
    "nothing in common": BAD,
    "no cn": BAD,
}
RULE = "certificate.name"
NAMES = ["registration_name", "hardware_id", "subject_cn"]
COLUMNS = [
    *("scenario", "protocol", "authentication", "url", "device", "serial"),
    *("hardware_id", "interface", "registration_name", "name_by"),
    *("subject_cn", "fingerprint"),
]


_READ = ("subject", "certificate_error")
"""Further columns that tell whether the certificate could be read, where they are there."""


def name_relations(attempts: pd.DataFrame) -> pd.DataFrame:
    """Count how registration names and common names relate.

    Parameters
    ----------
    attempts : DataFrame
        Table ATTEMPTS or RESULTS. Attempts to which the name rule does not apply, such as
        registrations by password, are left out.

    Returns
    -------
    DataFrame
        One row per relation that occurs, the most frequent first: relation ("equal", "cn begins
        name", "cn begins hardware id", "other spelling" = serial and hardware ID of one device,
        "same device" = of the same device, but the name does not begin with it, "nothing in
        common", "no cn", "no certificate", "not read" or "no name"), devices, attempts, and of
        one of them registration_name, hardware_id and subject_cn. A device that registers in
        several ways counts under each.

    Examples
    --------
    >>> import certtrust as ct
    >>> int(name_relations(ct.attempts(ct.simulate(20, seed=1)))["devices"].sum()) > 10
    True
    """
    return _counts(_pairs(expect(attempts, ATTEMPTS, COLUMNS)))


def _pairs(attempts: pd.DataFrame) -> pd.DataFrame:
    """Return the distinct names and certificates of each device, and how they relate."""
    further = [name for name in _READ if name in attempts]
    asking = attempts.loc[_asks(attempts), [*COLUMNS, *further]]
    # Devices repeat the same attempt again and again.
    code, first = factorize_rows(asking, asking.columns)
    pairs = asking.iloc[first].reset_index(drop=True)
    pairs = pairs.assign(
        attempts=np.bincount(code, minlength=len(first)),
        unread=subject_is_unread(pairs) & pairs["fingerprint"].notna(),
        fits=certificate_fits_registration(pairs),
    )
    return pairs.assign(relation=_relation(pairs))


def _counts(pairs: pd.DataFrame) -> pd.DataFrame:
    grouped = pairs.groupby("relation", sort=False)
    counts = grouped.agg(
        devices=("device", "nunique"),
        attempts=("attempts", "sum"),
        **{name: (name, "first") for name in NAMES},
    )
    order = ["devices", "attempts"]
    return counts.sort_values(order, ascending=False, kind="stable").reset_index()


def _asks(attempts: pd.DataFrame) -> np.ndarray:
    """Return True where the name rule applies, or may apply as far as is known."""
    kind = ["scenario", "protocol", "authentication"]
    grouped = attempts.groupby(kind, dropna=False, observed=True, sort=False)
    by_kind = required(attempts[kind].drop_duplicates())[RULE]
    return by_kind[grouped.ngroup().to_numpy()] & attempts["url"].isna().to_numpy()


def _relation(pairs: pd.DataFrame) -> np.ndarray:
    name = pairs["registration_name"].astype("str")
    hardware_id = pairs["hardware_id"].astype("str")
    cn = pairs["subject_cn"].astype("str")
    octets = hardware_ids(cn)["tail"].fillna(serials(cn).str.slice(6))
    own_octets = serials(name.str.slice(stop=12)).str.slice(6)
    own_octets = own_octets.fillna(hardware_ids(name)["tail"])
    conditions = {
        "no certificate": pairs["fingerprint"].isna(),
        "not read": pairs["unread"],
        "no cn": cn.fillna("").str.strip() == "",
        "no name": name.isna() & hardware_id.isna(),
        "equal": same_spelling(name) == same_spelling(cn),
        "cn begins name": begins_with_cn(name, cn),
        "cn begins hardware id": begins_with_cn(hardware_id, cn),
        "other spelling": pairs["fits"],
        "same device": octets == own_octets,
    }
    holds = [
        condition.fillna(value=False).to_numpy(dtype=bool)
        for condition in conditions.values()
    ]
    return np.select(holds, list(conditions), "nothing in common")


class Relations(NamedTuple):
    """What the chart is drawn from.

    Parameters
    ----------
    counts : DataFrame
        As of `name_relations`.
    devices : int
        The devices that are asked for a CN that fits.
    misfits : int
        Those of them of which a name does not fit.
    several : int
        Those that register in several ways.
    exempt : int
        Devices that register without being asked.
    """

    counts: pd.DataFrame
    devices: int
    misfits: int
    several: int
    exempt: int


def relations_of(attempts: pd.DataFrame) -> Relations:
    """Return what the chart is drawn from; `attempts` are those of `name_fit`."""
    attempts = expect(attempts, ATTEMPTS, COLUMNS)
    pairs = _pairs(attempts)
    devices = int(pairs["device"].nunique())
    ways = pairs[["device", "relation"]].dropna(subset="device").drop_duplicates()
    registering = attempts.loc[attempts["url"].isna(), "device"].nunique()
    return Relations(
        _counts(pairs),
        devices,
        int(pairs.loc[~pairs["relation"].isin(FITS), "device"].nunique()),
        int(ways.loc[ways["device"].duplicated(), "device"].nunique()),
        int(registering) - devices,
    )


def sum_of_relations(parts: Sequence[Relations]) -> Relations:
    """Return what the chart of a fleet is drawn from, given its parts.

    Each device is in one part. The example of a relation is that of the first part that has it.
    """
    every = pd.concat([part.counts for part in parts], ignore_index=True)
    every = every.astype({"devices": "int64", "attempts": "int64"})
    grouped = every.groupby("relation", sort=False)
    sums = grouped.agg(
        devices=("devices", "sum"),
        attempts=("attempts", "sum"),
        **{name: (name, "first") for name in NAMES},
    )
    order = ["devices", "attempts"]
    return Relations(
        sums.sort_values(order, ascending=False, kind="stable").reset_index(),
        *(
            sum(numbers)
            for numbers in zip(*(part[1:] for part in parts), strict=True)
        ),
    )


def _draw(relations: Relations, **canvas: Unpack[Canvas]) -> Axes:
    counts, total = relations.counts, relations.devices
    with sheet(**canvas) as page:
        shown = counts.head(capacity(page, len(counts)))
        rows = [_row(count, total, page.dark) for _, count in shown.iterrows()]
        if page.lay_out(
            "name_fit",
            _title(total, relations.misfits),
            subtitle=_subtitle(relations) if rows else "",
            content=natural_height(rows, page),
            numbers=series(
                say(
                    "charts.name_fit.row",
                    relation=relation_label(relation),
                    devices=devices,
                )
                for relation, devices in zip(
                    counts["relation"], counts["devices"], strict=True
                )
            ),
        ):
            draw_rows(page, rows)
    return page.ax


@chart(
    section="certificates",
    feed=lambda report: {"relations": report.relations},
    draw_numbers=_draw,
)
def name_fit(attempts: pd.DataFrame, **canvas: Unpack[Canvas]) -> Axes:
    """Draw how registration names and common names relate, with an example of each relation.

    Parameters
    ----------
    attempts : DataFrame
        Table ATTEMPTS or RESULTS. The numbers are those of `name_relations`.
    **canvas
        Where and how to draw: ax, width, height, theme.

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
    return _draw(relations_of(attempts), **canvas)


def relation_label(relation: str) -> str:
    """Return in words how a name and a CN relate; `relation` is one of `name_relations`."""
    return say(f"charts.name_fit.relations.{relation}")


def _row(count: pd.Series, total: int, dark: bool) -> Row:
    relation, devices = str(count["relation"]), int(count["devices"])
    tone = colour(_TONES.get(relation, OTHER), dark=dark)
    by_hardware_id = relation == "cn begins hardware id"
    name = count["hardware_id" if by_hardware_id else "registration_name"]
    cn = count["subject_cn"]
    has_both = isinstance(name, str) and isinstance(cn, str)
    example = say("charts.name_fit.example", name=name, cn=cn) if has_both else ""
    value = with_share(devices, devices, total)
    return Row(relation_label(relation), value, [Part(devices, tone)], example)


def _subtitle(relations: Relations) -> str:
    parts = [say("charts.name_fit.subtitle")]
    if relations.several:
        parts.append(say("charts.name_fit.several", count=relations.several))
    if relations.exempt:
        devices = plural(relations.exempt, "device")
        parts.append(say("charts.name_fit.exempt", devices=devices))
    return series(parts)


def _title(total: int, misfits: int) -> str:
    if not total:
        return say("charts.name_fit.nothing")
    return say(
        "charts.name_fit.title",
        fits=total - misfits,
        devices=plural(total, "device"),
        share=percent((total - misfits) / total),
    )
