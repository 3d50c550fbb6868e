"""Who issued the devices' certificates, as a tree, and which issuers stand in a trust list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import pandas as pd

from ..evaluation.ownership import leaves
from ..fleet import Fleet, link
from ..texts.labels import percent, plural, series
from ..texts.sentences import number, say, sentences
from .drawing.palette import BAD, GOOD, colour
from .drawing.record import Canvas, chart
from .drawing.rows import Part, Row, capacity, draw_rows, natural_height
from .drawing.sheet import Key, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SELF_SIGNED = "Signed by the device itself"
UNNAMED_ISSUER = "an issuer without a name"
UNNAMED_CA = "CA without a CN"
EVERY_PBX = "every PBX"
COLUMNS = [
    "fingerprint", "bundle", "device", "subject", "subject_cn", "issuer", "issuer_cn", "is_ca",
    "self_issued", "is_self_signed",
]  # fmt: skip


def issuer_tree(fleet: Fleet) -> pd.DataFrame:
    """Return the issuers of the devices' certificates as a tree, from the roots down.

    Parameters
    ----------
    fleet : Fleet
        Links that it does not have are verified.

    Returns
    -------
    DataFrame
        One row per issuer, parents before their children, larger branches first: depth, issuer
        (common name), fingerprint (missing where the issuer is known by name only, or where devices
        sign for themselves), listed (comma-joined PBXs whose trust list holds it; empty = none),
        devices (certificates of devices that hang on it, its own branches included), trusted (those
        of them whose own certificate or any CA above it stands in some PBX's list).

    Examples
    --------
    >>> import certtrust as ct
    >>> tree = issuer_tree(ct.simulate(20, seed=1))
    >>> bool((tree["trusted"] <= tree["devices"]).all())
    True
    """
    links = link(fleet).links
    assert links is not None  # noqa: S101 - that is what link() adds
    known = pd.concat([fleet.certificates[COLUMNS], fleet.trust[COLUMNS]])
    known = (
        known.dropna(subset="fingerprint")
        .drop_duplicates("fingerprint")
        .set_index("fingerprint")
    )
    lists = _lists(fleet.trust)
    parent = _parents(links, set(lists), set(known.index))
    own = (
        leaves(fleet.certificates[COLUMNS])
        .dropna(subset="fingerprint")
        .drop_duplicates("fingerprint")
    )
    is_ca = own["is_ca"].fillna(value=False).astype(bool)
    own = own[
        (~is_ca | own["device"].notna())
        & ~own["fingerprint"].isin(set(parent.values()))
    ]
    says = known["is_ca"]
    issuers = set(says.index[says.fillna(value=False)]) | (
        set(says.index[says.isna()]) & lists.keys()
    )
    return _ranked(
        _hung(own, parent, lists, issuers), parent, lists, known["subject_cn"]
    )


def _lists(trust: pd.DataFrame) -> dict[str, str]:
    named = trust.dropna(subset="fingerprint")
    pbx = named["pbx"].astype("str").fillna(EVERY_PBX)
    joined = pbx.groupby(named["fingerprint"]).agg(
        lambda names: ", ".join(sorted(set(names)))
    )
    return {str(fingerprint): str(names) for fingerprint, names in joined.items()}


def _parents(links: pd.DataFrame, listed: set[str], known: set[str]) -> dict[str, str]:
    """Return one verified issuer per certificate, one of a trust list first; roots have none."""
    sure = links[
        links["verified"].fillna(value=False).astype(bool)
        & (links["child"] != links["issuer"])
    ]
    sure = sure[sure["issuer"].isin(known)]
    sure = sure.assign(outside=~sure["issuer"].isin(listed)).sort_values(
        "outside", kind="stable"
    )
    return dict(sure.drop_duplicates("child")[["child", "issuer"]].to_numpy().tolist())


def _hung(
    own: pd.DataFrame, parent: dict[str, str], lists: dict[str, str], issuers: set[str]
) -> pd.DataFrame:
    """Return how many device certificates hang directly on each issuer: key, devices, trusted."""
    issuer = own["fingerprint"].map(parent)
    alone = (
        own["is_self_signed"]
        .fillna(own["self_issued"])
        .fillna(value=False)
        .astype(bool)
    )
    by_name = "?" + own["issuer_cn"].fillna(own["issuer"]).fillna(
        UNNAMED_ISSUER
    ).astype("str")
    key = issuer.fillna(by_name.mask(alone, SELF_SIGNED))
    above = {name: _is_covered(name, parent, lists, issuers) for name in key.unique()}
    trusted = own["fingerprint"].isin(lists.keys()) | key.map(above).astype(bool)
    grouped = pd.DataFrame({"key": key, "trusted": trusted}).groupby("key")["trusted"]
    return pd.DataFrame({"devices": grouped.size(), "trusted": grouped.sum()})


def _is_covered(
    issuer: str, parent: dict[str, str], lists: dict[str, str], issuers: set[str]
) -> bool:
    """Return True where an issuer, or one above it by CAs only, stands in a list."""
    seen: set[str] = set()
    place: str | None = issuer
    while place in issuers and place not in seen:
        if place in lists:
            return True
        seen.add(place)
        place = parent.get(place)
    return False


def _ranked(
    hung: pd.DataFrame, parent: dict[str, str], lists: dict[str, str], names: pd.Series
) -> pd.DataFrame:
    """Add the issuers above, sum up, and list depth first with the largest branch first."""
    totals: dict[str, list[int]] = {}
    children: dict[str | None, set[str]] = {None: set()}
    for key, devices, trusted in zip(
        hung.index, hung["devices"], hung["trusted"], strict=True
    ):
        place, way = str(key), list[str]()
        while place not in way:
            way.append(place)
            sums = totals.setdefault(place, [0, 0])
            sums[0], sums[1] = sums[0] + int(devices), sums[1] + int(trusted)
            above = parent.get(place)
            above = None if above in way else above
            children.setdefault(above, set()).add(place)
            if above is None:
                break
            place = above
    rows: list[tuple[int, str, str | None, str, int, int]] = []
    waiting = [
        (0, key)
        for key in sorted(children[None], key=lambda key: (totals[key][0], key))
    ]
    while waiting:
        depth, key = waiting.pop()
        bare = key[1:] if key.startswith("?") else key
        known = key in names.index
        title = (
            (names[key] if isinstance(names[key], str) and names[key] else UNNAMED_CA)
            if known
            else bare
        )
        devices, trusted = totals[key]
        rows.append(
            (
                depth,
                str(title),
                key if known else None,
                lists.get(key, ""),
                devices,
                trusted,
            )
        )
        waiting += [
            (depth + 1, child)
            for child in sorted(
                children.get(key, ()), key=lambda key: (totals[key][0], key)
            )
        ]
    columns = ["depth", "issuer", "fingerprint", "listed", "devices", "trusted"]
    return pd.DataFrame(rows, columns=columns).astype(
        {"issuer": "str", "fingerprint": "str", "listed": "str"}
    )


@chart(section="certificates", feed=lambda report: {"fleet": report.fleet})
def trust_tree(fleet: Fleet, *, top: int = 14, **canvas: Unpack[Canvas]) -> Axes:
    """Draw who issued the devices' certificates, as a tree, and what of it the trust lists hold.

    Parameters
    ----------
    fleet : Fleet
        The numbers are those of `issuer_tree(fleet)`.
    top : int
        How many issuers get a row; the rest folds into one that says how many they are.
    **canvas
        Where and how to draw: ax, width, height, theme.

    Returns
    -------
    Axes
        One indented row per issuer; an empty fleet gives axes with a headline only.

    Examples
    --------
    >>> import certtrust as ct
    >>> title = ct.charts.trust_tree(ct.simulate(20, seed=1)).get_title()
    >>> "device certificates" in " ".join(title.split())
    True
    """
    tree = issuer_tree(fleet)
    with sheet(**canvas) as page:
        shown = max(min(top, capacity(page, top)), 1)
        good, bad = colour(GOOD, dark=page.dark), colour(BAD, dark=page.dark)
        rows = [_row(node, good, bad) for _, node in tree.head(shown).iterrows()]
        if len(tree) > shown:
            rows[-1] = _folded(tree.iloc[shown - 1 :], good, bad)
        if page.lay_out(
            "trust_tree",
            _title(tree),
            subtitle=say("charts.trust_tree.subtitle") if rows else "",
            legend=[
                Key(good, say("charts.trust_tree.covered")),
                Key(bad, say("charts.trust_tree.uncovered")),
            ],
            content=natural_height(rows),
            numbers=_numbers(tree),
        ):
            first = say("charts.trust_tree.value", count=int(tree["devices"].iloc[0]))
            draw_rows(
                page, [rows[0]._replace(value=first, short=rows[0].value), *rows[1:]]
            )
    return page.ax


def _row(node: pd.Series, good: str, bad: str) -> Row:
    devices, trusted = int(node["devices"]), int(node["trusted"])
    parts = [Part(trusted, good), Part(devices - trusted, bad)]
    remark = "" if node["issuer"] == SELF_SIGNED else say("charts.trust_tree.absent")
    if isinstance(node["fingerprint"], str):
        remark = _in_lists(node["listed"])
    return Row(
        _label(node["issuer"]),
        number(devices),
        parts,
        remark,
        indent=int(node["depth"]),
    )


def _label(issuer: str) -> str:
    """Return an issuer's name; where it has none, what it is."""
    return str(sentences()["charts"]["trust_tree"]["issuers"].get(issuer, issuer))


def _in_lists(listed: str) -> str:
    if not listed:
        return say("charts.trust_tree.unlisted")
    every = say("charts.trust_tree.every")
    return say(
        "charts.trust_tree.listed",
        pbxs=", ".join(
            every if pbx == EVERY_PBX else pbx for pbx in listed.split(", ")
        ),
    )


def _folded(rest: pd.DataFrame, good: str, bad: str) -> Row:
    direct = rest[rest["depth"] == 0]
    devices, trusted = int(direct["devices"].sum()), int(direct["trusted"].sum())
    parts = [Part(trusted, good), Part(devices - trusted, bad)]
    return Row(
        plural(len(rest), "other issuer"), number(devices) if devices else "", parts
    )


def _title(tree: pd.DataFrame) -> str:
    roots = tree[tree["depth"] == 0]
    devices, trusted = int(roots["devices"].sum()), int(roots["trusted"].sum())
    if not devices:
        return say("charts.trust_tree.nothing")
    certificates = plural(devices, "device certificate")
    return say(
        "charts.trust_tree.title",
        trusted=trusted,
        certificates=certificates,
        share=percent(trusted / devices),
    )


def _numbers(tree: pd.DataFrame) -> str:
    return series(
        say(
            f"charts.trust_tree.{'branch' if node['depth'] else 'root'}",
            issuer=_label(node["issuer"]),
            devices=int(node["devices"]),
            lists=_in_lists(node["listed"]),
        )
        for _, node in tree.head(20).iterrows()
    )
