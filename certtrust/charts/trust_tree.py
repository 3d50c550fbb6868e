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
    by_issuer = _by_issuer(own, parents, lists, issuers)
    return _depth_first(by_issuer, parents, lists, certificates["subject_cn"])


def _distinct(certificates: pd.DataFrame) -> pd.DataFrame:
    return certificates.dropna(subset="fingerprint").drop_duplicates("fingerprint")


def _flag(column: pd.Series) -> pd.Series:
    """Return True where the column is true, False where it is false or missing."""
    return column.fillna(value=False).astype(bool)


def _lists(trust: pd.DataFrame) -> dict[str, str]:
    named = trust.dropna(subset="fingerprint")
    pbx = named["pbx"].astype("str").fillna(EVERY_PBX)
    joined = pbx.groupby(named["fingerprint"]).agg(
        lambda names: ", ".join(sorted(set(names)))
    )
    return {str(fingerprint): str(names) for fingerprint, names in joined.items()}


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
    lists: dict[str, str],
    issuers: set[str],
) -> pd.DataFrame:
    """Return how many device certificates each issuer signed itself: devices, trusted.

    The index is the issuer's fingerprint, or `?` and its name where it is not at hand.
    """
    name = own["issuer_cn"].fillna(own["issuer"]).fillna(UNNAMED_ISSUER).astype("str")
    self_signed = _flag(own["is_self_signed"].fillna(own["self_issued"]))
    by_name = ("?" + name).mask(self_signed, SELF_SIGNED)
    issuer = own["fingerprint"].map(parents).astype("str").fillna(by_name)
    covered = {
        key: _is_covered(key, parents, lists, issuers) for key in issuer.unique()
    }
    is_listed = own["fingerprint"].isin(lists.keys())
    trusted = is_listed | issuer.map(covered).astype(bool)
    grouped = trusted.groupby(issuer.rename("issuer"))
    return pd.DataFrame({"devices": grouped.size(), "trusted": grouped.sum()})


def _is_covered(
    issuer: str, parents: dict[str, str], lists: dict[str, str], issuers: set[str]
) -> bool:
    """Return True where an issuer, or one above it by CAs only, stands in a list."""
    passed: set[str] = set()
    ca: str | None = issuer
    while ca in issuers and ca not in passed:
        if ca in lists:
            return True
        passed.add(ca)
        ca = parents.get(ca)
    return False


def _upwards(issuer: str, parents: dict[str, str]) -> list[str]:
    """Return the issuer and those above it, each once."""
    path = [issuer]
    while (above := parents.get(path[-1])) is not None and above not in path:
        path.append(above)
    return path


def _depth_first(
    by_issuer: pd.DataFrame,
    parents: dict[str, str],
    lists: dict[str, str],
    names: pd.Series,
) -> pd.DataFrame:
    """Add the issuers above, sum up, and list depth first with the largest branch first."""
    totals: dict[str, list[int]] = {}
    children: dict[str | None, set[str]] = {None: set()}
    for issuer, devices, trusted in by_issuer.itertuples():
        path = _upwards(str(issuer), parents)
        for ca, above in zip(path, [*path[1:], None], strict=True):
            sums = totals.setdefault(ca, [0, 0])
            sums[0], sums[1] = sums[0] + int(devices), sums[1] + int(trusted)
            children.setdefault(above, set()).add(ca)

    def smallest_first(issuer: str | None) -> list[str]:
        return sorted(children.get(issuer, ()), key=lambda ca: (totals[ca][0], ca))

    rows: list[tuple[int, str, str | None, str, int, int]] = []
    waiting = [(0, issuer) for issuer in smallest_first(None)]
    while waiting:
        depth, issuer = waiting.pop()
        fingerprint = issuer if issuer in names.index else None
        name = issuer.removeprefix("?")
        if fingerprint:
            cn = names[fingerprint]
            name = cn if isinstance(cn, str) and cn else UNNAMED_CA
        devices, trusted = totals[issuer]
        in_lists = lists.get(issuer, "")
        rows.append((depth, name, fingerprint, in_lists, devices, trusted))
        waiting += [(depth + 1, child) for child in smallest_first(issuer)]
    columns = ["depth", "issuer", "fingerprint", "listed", "devices", "trusted"]
    texts = dict.fromkeys(("issuer", "fingerprint", "listed"), "str")
    return pd.DataFrame(rows, columns=columns).astype(texts)


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
            draw_rows(page, with_unit(rows, first))
    return page.ax


def _row(node: pd.Series, good: str, bad: str) -> Row:
    devices, trusted = int(node["devices"]), int(node["trusted"])
    parts = [Part(trusted, good), Part(devices - trusted, bad)]
    remark = "" if node["issuer"] == SELF_SIGNED else say("charts.trust_tree.absent")
    if isinstance(node["fingerprint"], str):
        remark = _in_lists(node["listed"])
    label, depth = _label(node["issuer"]), int(node["depth"])
    return Row(label, number(devices), parts, remark, indent=depth)


def _label(issuer: str) -> str:
    """Return an issuer's name; where it has none, what it is."""
    return str(sentences()["charts"]["trust_tree"]["issuers"].get(issuer, issuer))


def _in_lists(listed: str) -> str:
    if not listed:
        return say("charts.trust_tree.unlisted")
    every = say("charts.trust_tree.every")
    pbxs = [every if pbx == EVERY_PBX else pbx for pbx in listed.split(", ")]
    return say("charts.trust_tree.listed", pbxs=", ".join(pbxs))


def _folded(rest: pd.DataFrame, good: str, bad: str) -> Row:
    direct = rest[rest["depth"] == 0]
    devices, trusted = int(direct["devices"].sum()), int(direct["trusted"].sum())
    parts = [Part(trusted, good), Part(devices - trusted, bad)]
    value = number(devices) if devices else ""
    return Row(plural(len(rest), "other issuer"), value, parts)


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
