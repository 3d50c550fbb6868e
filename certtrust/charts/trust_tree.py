"""Who issued the devices' certificates, as a tree, and how many PBXs trust what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from ..evaluation.ownership import leaves
from ..fleet import Fleet, link
from ..texts.labels import percent, plural, series
from ..texts.sentences import number, say, sentences
from .drawing.palette import BAD, CAUSE_COLOURS, GOOD, colour
from .drawing.record import Canvas, chart
from .drawing.rows import (
    Part,
    Row,
    capacity,
    draw_rows,
    natural_height,
    with_unit,
)
from .drawing.sheet import Key, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SELF_SIGNED = "Signed by the device itself"
UNNAMED_ISSUER = "an issuer without a name"
UNNAMED_CA = "CA without a CN"
EVERY_PBX = "every PBX"
SOME = CAUSE_COLOURS["time.validity"]
"""Colour of what some PBXs trust and others do not."""
LEGEND = ("by_every", "by_some", "by_none")
SUMS = ["devices", "trusted", "trusted_by_all"]
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
        of them whose own certificate or any CA above it stands in some PBX's list), trusted_by_all
        (those that every PBX with a list trusts so).

    Examples
    --------
    >>> import certtrust as ct
    >>> tree = issuer_tree(ct.simulate(20, seed=1))
    >>> bool((tree["trusted"] <= tree["devices"]).all())
    True
    """
    links = link(fleet).links
    assert links is not None  # noqa: S101 - that is what link() adds
    certificates = pd.concat([fleet.certificates[COLUMNS], fleet.trust[COLUMNS]])
    certificates = _distinct(certificates).set_index("fingerprint")
    lists = _lists(fleet.trust)
    parents = _parents(links, set(lists), set(certificates.index))
    own = _distinct(leaves(fleet.certificates[COLUMNS]))
    is_device = ~_flag(own["is_ca"]) | own["device"].notna()
    own = own[is_device & ~own["fingerprint"].isin(set(parents.values()))]
    is_ca = certificates["is_ca"]
    may_be_ca = set(is_ca.index[is_ca.isna()]) & lists.keys()
    issuers = set(is_ca.index[_flag(is_ca)]) | may_be_ca
    pbxs = pbxs_with_lists(fleet.trust)
    by_issuer = _by_issuer(own, parents, lists, issuers, pbxs)
    return _depth_first(by_issuer, parents, lists, certificates["subject_cn"])


def pbxs_with_lists(trust: pd.DataFrame) -> frozenset[str]:
    """Return the PBXs whose trust lists there are; a list of every PBX counts as one."""
    named = frozenset(trust["pbx"].dropna().astype("str").unique())
    return named or frozenset([EVERY_PBX] if len(trust) else [])


def _distinct(certificates: pd.DataFrame) -> pd.DataFrame:
    return certificates.dropna(subset="fingerprint").drop_duplicates("fingerprint")


def _flag(column: pd.Series) -> pd.Series:
    """Return True where the column is true, False where it is false or missing."""
    return column.fillna(value=False).astype(bool)


def _lists(trust: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the PBXs whose list holds a certificate, by its fingerprint."""
    named = trust.dropna(subset="fingerprint")
    pbx = named["pbx"].astype("str").fillna(EVERY_PBX)
    joined = pbx.groupby(named["fingerprint"]).agg(frozenset)
    return {str(fingerprint): names for fingerprint, names in joined.items()}


def _parents(
    links: pd.DataFrame, listed: set[str], readable: set[str]
) -> dict[str, str]:
    """Return one verified issuer per certificate, one of a trust list first; roots have none."""
    verified = links[_flag(links["verified"]) & (links["child"] != links["issuer"])]
    verified = verified[verified["issuer"].isin(readable)]
    verified = verified.assign(unlisted=~verified["issuer"].isin(listed))
    first = verified.sort_values("unlisted", kind="stable").drop_duplicates("child")
    return dict(first[["child", "issuer"]].to_numpy().tolist())


def _by_issuer(
    own: pd.DataFrame,
    parents: dict[str, str],
    lists: dict[str, frozenset[str]],
    issuers: set[str],
    pbxs: frozenset[str],
) -> pd.DataFrame:
    """Return how many certificates each issuer signed: devices, trusted, trusted_by_all.

    The index is the issuer's fingerprint, or `?` and its name where it is not at hand.
    """
    name = own["issuer_cn"].fillna(own["issuer"]).fillna(UNNAMED_ISSUER).astype("str")
    self_signed = _flag(own["is_self_signed"].fillna(own["self_issued"]))
    by_name = ("?" + name).mask(self_signed, SELF_SIGNED)
    issuer = own["fingerprint"].map(parents).astype("str").fillna(by_name)
    above = {key: _trusting(key, parents, lists, issuers) for key in issuer.unique()}
    nobody: frozenset[str] = frozenset()
    itself = [lists.get(key, nobody) for key in own["fingerprint"]]
    trusting = [
        listed | above[key] for listed, key in zip(itself, issuer, strict=True)
    ]
    flags = {
        "trusted": [bool(names) for names in trusting],
        "trusted_by_all": [
            bool(names) and (EVERY_PBX in names or names >= pbxs)
            for names in trusting
        ],
    }
    counted = pd.DataFrame(flags, index=own.index, dtype=bool)
    grouped = counted.groupby(issuer.rename("issuer"))
    return grouped.sum().assign(devices=grouped.size())[SUMS]


def _trusting(
    issuer: str,
    parents: dict[str, str],
    lists: dict[str, frozenset[str]],
    issuers: set[str],
) -> frozenset[str]:
    """Return the PBXs whose list holds an issuer, or one above it by CAs only."""
    passed: set[str] = set()
    trusting: frozenset[str] = frozenset()
    ca: str | None = issuer
    while ca in issuers and ca not in passed:
        trusting |= lists.get(ca, frozenset())
        passed.add(ca)
        ca = parents.get(ca)
    return trusting


def _upwards(issuer: str, parents: dict[str, str]) -> list[str]:
    """Return the issuer and those above it, each once."""
    path = [issuer]
    while (above := parents.get(path[-1])) is not None and above not in path:
        path.append(above)
    return path


def _depth_first(
    by_issuer: pd.DataFrame,
    parents: dict[str, str],
    lists: dict[str, frozenset[str]],
    names: pd.Series,
) -> pd.DataFrame:
    """Add the issuers above, sum up, and list depth first with the largest branch first."""
    totals: dict[str, list[int]] = {}
    children: dict[str | None, set[str]] = {None: set()}
    for issuer, *sizes in by_issuer.itertuples():
        path = _upwards(str(issuer), parents)
        for ca, above in zip(path, [*path[1:], None], strict=True):
            sums = totals.setdefault(ca, [0] * len(sizes))
            sums[:] = [sum(pair) for pair in zip(sums, map(int, sizes), strict=True)]
            children.setdefault(above, set()).add(ca)

    def smallest_first(issuer: str | None) -> list[str]:
        return sorted(children.get(issuer, ()), key=lambda ca: (totals[ca][0], ca))

    rows: list[tuple[Any, ...]] = []
    waiting = [(0, issuer) for issuer in smallest_first(None)]
    while waiting:
        depth, issuer = waiting.pop()
        fingerprint = issuer if issuer in names.index else None
        name = issuer.removeprefix("?")
        if fingerprint:
            cn = names[fingerprint]
            name = cn if isinstance(cn, str) and cn else UNNAMED_CA
        in_lists = ", ".join(sorted(lists.get(issuer, ())))
        rows.append((depth, name, fingerprint, in_lists, *totals[issuer]))
        waiting += [(depth + 1, child) for child in smallest_first(issuer)]
    columns = [
        "depth", "issuer", "fingerprint", "listed", "devices", "trusted", "trusted_by_all",
    ]  # fmt: skip
    texts = dict.fromkeys(("issuer", "fingerprint", "listed"), "str")
    return pd.DataFrame(rows, columns=columns).astype(texts)


def _numbers_of(fleet: Fleet) -> dict[str, Any]:
    return {"tree": issuer_tree(fleet), "pbxs": pbxs_with_lists(fleet.trust)}


def _draw(
    tree: pd.DataFrame,
    pbxs: frozenset[str],
    *,
    top: int = 14,
    **canvas: Unpack[Canvas],
) -> Axes:
    with sheet(**canvas) as page:
        shown = max(min(top, capacity(page, top)), 1)
        tones = [colour(pair, dark=page.dark) for pair in (GOOD, SOME, BAD)]
        rows = [_row(node, tones, pbxs) for _, node in tree.head(shown).iterrows()]
        if len(tree) > shown:
            rows[-1] = _folded(tree.iloc[shown - 1 :], tones)
        if page.lay_out(
            "trust_tree",
            _title(tree, pbxs),
            subtitle=_subtitle(pbxs) if rows else "",
            legend=[
                Key(tone, say(f"charts.trust_tree.{by}"))
                for tone, by in zip(tones, LEGEND, strict=True)
                if by != "by_some" or len(pbxs) > 1
            ],
            content=natural_height(rows, page),
            numbers=_numbers(tree, pbxs),
        ):
            first = say("charts.trust_tree.value", count=int(tree["devices"].iloc[0]))
            draw_rows(page, with_unit(rows, first))
    return page.ax


@chart(
    section="certificates",
    feed=lambda report: _numbers_of(report.fleet),
    draw_numbers=_draw,
)
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
    return _draw(**_numbers_of(fleet), top=top, **canvas)


def _subtitle(pbxs: frozenset[str]) -> str:
    lists = plural(0 if EVERY_PBX in pbxs else len(pbxs), "trust list")
    if EVERY_PBX in pbxs:
        lists = say("charts.trust_tree.for_all")
    return say("charts.trust_tree.subtitle", lists=lists)


def _parts(sums: pd.Series, tones: Sequence[str]) -> list[Part]:
    """Return what every PBX trusts, what some do, and what none does."""
    devices, trusted, by_all = (
        int(sums[name]) for name in ("devices", "trusted", "trusted_by_all")
    )
    sizes = (by_all, trusted - by_all, devices - trusted)
    return [Part(size, tone) for size, tone in zip(sizes, tones, strict=True)]


def _row(node: pd.Series, tones: Sequence[str], pbxs: frozenset[str]) -> Row:
    remark = "" if node["issuer"] == SELF_SIGNED else say("charts.trust_tree.absent")
    if isinstance(node["fingerprint"], str):
        remark = _in_lists(node["listed"], pbxs)
    label, depth = _label(node["issuer"]), int(node["depth"])
    value = number(int(node["devices"]))
    return Row(label, value, _parts(node, tones), remark, indent=depth)


def _label(issuer: str) -> str:
    """Return an issuer's name; where it has none, what it is."""
    return str(sentences()["charts"]["trust_tree"]["issuers"].get(issuer, issuer))


def _in_lists(listed: str, pbxs: frozenset[str]) -> str:
    if not listed:
        return say("charts.trust_tree.unlisted")
    names = listed.split(", ")
    if EVERY_PBX in names:
        return say("charts.trust_tree.everywhere")
    return say(
        "charts.trust_tree.listed",
        count=len(names),
        lists=plural(len(pbxs), "PBX"),
        pbxs=", ".join(names),
    )


def _folded(rest: pd.DataFrame, tones: Sequence[str]) -> Row:
    sums = rest[rest["depth"] == 0][SUMS].sum()
    value = number(int(sums["devices"])) if sums["devices"] else ""
    return Row(plural(len(rest), "other issuer"), value, _parts(sums, tones))


def _title(tree: pd.DataFrame, pbxs: frozenset[str]) -> str:
    roots = tree[tree["depth"] == 0]
    devices, trusted, by_all = (int(roots[name].sum()) for name in SUMS)
    if not devices:
        return say("charts.trust_tree.nothing")
    return say(
        f"charts.trust_tree.{'title' if len(pbxs) > 1 else 'one_list'}",
        trusted=by_all,
        certificates=plural(devices, "device certificate"),
        share=percent(by_all / devices),
        some=trusted - by_all,
        none=devices - trusted,
    )


def _numbers(tree: pd.DataFrame, pbxs: frozenset[str]) -> str:
    return series(
        say(
            f"charts.trust_tree.{'branch' if node['depth'] else 'root'}",
            issuer=_label(node["issuer"]),
            devices=int(node["devices"]),
            lists=_in_lists(node["listed"], pbxs),
        )
        for _, node in tree.head(20).iterrows()
    )
