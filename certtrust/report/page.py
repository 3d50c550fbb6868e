"""The report as one HTML page that needs no network and no script to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from ..captures.alerts import ABOUT_CERTIFICATE
from ..charts import CHARTS
from ..evaluation.rules import rules as all_rules
from ..evaluation.wire import WIRE_CAUSES
from ..texts.citations import ARTICLE, linked
from ..texts.dates import day, days, fields
from ..texts.labels import listed, percent, plural
from ..texts.markup import Column, Content, Markup, phrase, table, tag
from ..texts.sentences import number, say, sentences
from ..texts.translation import translated
from . import summary_text
from .answer import answer, cause_style
from .content import Report
from .counts import counts
from .device_table import ROWS, action_id, device_table
from .document import document
from .figures import figure
from .inventory import issuers

SHOWN = 100
"""Rows of a long table that the page shows; the CSV beside it has all."""

ACTIONS = 8
"""Actions that are shown with their price and the certificate to upload."""

IMPERSONATORS = 10
"""How many certificates that fit other devices the page shows."""

NUMBERS = {
    "attempts", "certificates", "client_bytes", "connections", "devices", "devices_cumulative",
    "ends_soon", "expired", "fail", "files", "longest", "number", "opens", "pass", "place", "rank",
    "rows", "server_bytes", "shortest", "unknown", "unread", "weak",
}  # fmt: skip
LONG = {
    "citation", "missing", "not_checked", "parse_error", "remedy", "requirement", "step", "what",
    "why",
}  # fmt: skip
SHORT = {"name", "pbx", "source", "subject_cn"}
"""Columns of tables that hold numbers, long texts, and short words."""

CARDS = 5
"""Causes that get a card with an example; the table below them has all."""


def page(report: Report, *, stem: str | None = None) -> str:
    """Return the report as an HTML document; the CSV files beside it begin with `stem`."""
    shown = [
        anchor
        for anchor in (SECTIONS if len(report.results) else ALWAYS)
        if anchor != "wire" or report.wire is not None
    ]
    links = [
        tag("li", tag("a", say(f"report.sections.{anchor}"), href=f"#{anchor}"))
        for anchor in shown
    ]
    navigation = say("report.page.navigation")
    made = {"on": day(report.made), "at": fields(report.made)["time"]}
    body = [
        tag(
            "header",
            answer(report),
            tag("nav", tag("ul", links), aria_label=navigation),
        ),
        tag("main", [_section(report, anchor, stem) for anchor in shown]),
        tag("footer", tag("p", say("report.page.made", **made))),
    ]
    title = say("report.page.title", name=report.name)
    return document(title, body, scripts=("page.js", "devices.js"))


def _section(report: Report, anchor: str, stem: str | None) -> Markup:
    """Return a section that is folded until its heading, or a link to it, is pressed."""
    parts = [_figures(report, anchor), SECTIONS[anchor](report, stem)]
    # A reader looks for a device in the table, and seldom for its chart.
    parts = parts[::-1] if anchor == "devices" else parts
    content = tag("div", parts, id=anchor, class_="content")
    heading = tag("summary", tag("h2", say(f"report.sections.{anchor}")))
    classes = "section print" if anchor in PRINTED else "section"
    return tag("details", heading, content, class_=classes, open=anchor in OPEN)


def _figures(report: Report, section: str) -> list[Markup]:
    return [
        figure(report, name)
        for name, chart in CHARTS.items()
        if chart.section == section
    ]


def _paragraph(key: str, /, **values: Content) -> Markup:
    return tag("p", phrase(f"report.{key}", **values))


def _table(name: str, frame: pd.DataFrame) -> Markup:
    """Return a frame as a table, with the headings of `[report.NAME]`."""
    columns = [
        Column(
            say(f"report.{name}.{column}"),
            column in NUMBERS,
            column in LONG,
            column in SHORT,
        )
        for column in frame
    ]
    rows = zip(*(frame[column].astype("object") for column in frame), strict=True)
    return table(say(f"report.{name}.label"), columns, rows)


def _left_out(
    shown: pd.DataFrame, complete: pd.DataFrame, stem: str | None, ending: str = ""
) -> Markup | None:
    """Say that a table is not complete, and where it is; nothing where it is complete."""
    if len(shown) == len(complete):
        return None
    form = "left_out_beside" if stem else "left_out"
    return _paragraph(
        f"page.{form}",
        shown=len(shown),
        rows=len(complete),
        file=f"{stem}{ending}.csv",
    )


def _why(report: Report, _stem: str | None) -> Iterator[Markup]:
    total = int(report.causes["attempts"].sum())
    for _, cause in report.causes.head(CARDS).iterrows():
        yield _card(cause, total)
    rest = report.causes.iloc[CARDS:]
    if len(rest):
        yield tag("h3", say("report.causes.label"))
        yield _table("causes", rest[["title", "attempts", "devices", "why"]])


def _card(cause: pd.Series, total: int) -> Markup:
    code = str(cause["cause"])
    attempts, devices = int(cause["attempts"]), int(cause["devices"])
    numbers = say(
        "report.card.numbers",
        attempts=plural(attempts, "attempt"),
        share=percent(attempts / total),
        devices=plural(devices, "device"),
    )
    by_rule = isinstance(cause["requirement"], str)
    source_of_cause = "seen" if code in WIRE_CAUSES else "stated"
    if code == "unexplained":
        source_of_cause = "example"
    source = tag("small", f"{code}: ", linked(str(cause["citation"])))
    facts = {
        "required": [cause["requirement"], tag("br"), source] if by_rule else None,
        "present" if by_rule else source_of_cause: tag("bdi", cause["why"]),
        "remedy": tag("bdi", cause["remedy"]),
    }
    described = [
        [tag("dt", say(f"report.card.{name}")), tag("dd", content)]
        for name, content in facts.items()
        if content
    ]
    heading = [tag("h3", cause["title"]), tag("small", numbers)]
    return tag(
        "article",
        heading,
        tag("dl", described),
        class_="card",
        style=cause_style(code),
    )


def _first(report: Report, stem: str | None) -> Iterator[Markup]:
    actions = report.remedies
    if actions.empty:
        return
    yield _paragraph("actions.intro")
    cards = [
        tag("li", _action(action), class_="card do", id=action_id(action["rank"]))
        for _, action in actions.head(ACTIONS).iterrows()
    ]
    yield tag("ol", cards, class_="plain")
    rest = actions.iloc[ACTIONS:]
    if len(rest):
        shown = rest.head(SHOWN)
        summary = tag("summary", plural(len(rest), "further action"))
        columns = ["rank", "step", "devices", "devices_cumulative"]
        left_out = _left_out(shown, rest, stem, "-actions")
        links = [
            tag("span", number(rank), id=action_id(rank)) for rank in shown["rank"]
        ]
        shown = shown.assign(rank=pd.Series(links, shown.index, dtype="object"))
        table_of_rest = _table("actions", shown[columns])
        yield tag("details", summary, left_out, table_of_rest, class_="more")


def _numbered(action: pd.Series) -> Markup:
    """Return what to do, after the number by which a device's row names the action."""
    step = tag("bdi", action["step"])
    return phrase(
        "charts.remedies.step", number=number(int(action["rank"])), step=step
    )


def _action(action: pd.Series) -> list[Content]:
    attempts, devices = int(action["attempts"]), int(action["devices"])
    repairs = say(
        f"report.action.{'repairs' if attempts else 'repairs_nothing'}",
        attempts=plural(attempts, "attempt"),
        devices=plural(devices, "device"),
        together=plural(int(action["devices_cumulative"]), "device"),
    )
    further = [
        phrase(f"report.action.{name}", words=tag("bdi", action[name]))
        for name in ("price", "instead")
        if isinstance(action[name], str) and action[name]
    ]
    upload = [
        tag("summary", say("report.action.pem")),
        tag("pre", action["pem"], tabindex="0"),
    ]
    return [
        tag("h3", _numbered(action)),
        tag("p", tag("small", repairs)),
        [tag("p", tag("small", words)) for words in further],
        tag("details", upload) if isinstance(action["pem"], str) else None,
    ]


def _devices(report: Report, stem: str | None) -> Iterator[Content]:
    failing = report.failing
    if failing.empty:
        yield _paragraph("failing.none")
        return
    yield _paragraph("failing.intro")
    if len(failing) > ROWS:
        key = "static_beside" if stem else "static"
        words = {"shown": ROWS, "rows": len(failing), "file": f"{stem}.csv"}
        yield tag("noscript", _paragraph(f"failing.{key}", **words))
    yield from device_table(failing, linked=ACTIONS + SHOWN)


def _impersonations(report: Report, stem: str | None) -> Iterator[Content]:
    pairs = report.impersonations
    yield tag("p", summary_text.impersonations(report))
    if pairs.empty:
        return
    impersonators = pairs.drop_duplicates(["fingerprint", "subject_cn", "pbx"])
    shown = impersonators.head(IMPERSONATORS)
    shown = shown.assign(
        **{
            name: summary_text.device_names(report, shown[name])
            for name in ("device", "victim")
        }
    )
    yield _paragraph("impersonations.remedy")
    yield _left_out(shown, impersonators, stem, "-impersonations")
    yield _table(
        "impersonations",
        shown[["subject_cn", "device", "pbx", "opens", "victim", "name"]],
    )


def _sure(report: Report, _stem: str | None) -> Iterator[Markup]:
    if report.undecided.empty:
        yield _paragraph("undecided.none")
        return
    yield tag("h3", say("report.undecided.heading"))
    yield _paragraph("undecided.intro")
    yield _table(
        "undecided", report.undecided[["title", "attempts", "devices", "missing"]]
    )


def _wire(report: Report, _stem: str | None) -> Iterator[Content]:
    wire = report.wire
    if wire is None:
        return
    yield _paragraph(
        "wire.intro", connections=int(wire.outcomes["connections"].sum())
    )
    shown = wire.outcomes.head(SHOWN)
    outcomes = shown["outcome"].map(sentences()["outcomes"])
    yield _table("outcomes", shown.assign(outcome=outcomes).fillna(""))
    by_client = wire.outcomes[wire.outcomes["outcome"] == "refused by client"]
    about_pbx = by_client.loc[by_client["alert"].isin(ABOUT_CERTIFICATE), "alert"]
    if len(about_pbx):
        named = listed(sorted(set(about_pbx)))
        yield _paragraph("wire.by_client", alerts=named)
    yield _paragraph("wire.limits")
    if len(wire.proven):
        yield tag("h3", say("report.proven.heading"))
        yield _paragraph("proven.intro")
        yield _table("proven", wire.proven)
    if len(wire.contradicted):
        yield tag("h3", say("report.contradicted.heading"))
        shown = wire.contradicted.head(SHOWN)
        yield tag("ul", [tag("li", tag("bdi", text)) for text in shown["sentence"]])
    if len(wire.authorities):
        yield tag("h3", say("report.authorities.heading"))
        yield _paragraph("authorities.intro")
        in_words = wire.authorities["listed"].map(
            {True: say("report.authorities.yes"), False: say("report.authorities.no")}
        )
        shown = wire.authorities.assign(
            listed=in_words.astype("str").fillna(say("report.authorities.open"))
        )
        columns = ["server", "authority", "connections", "listed"]
        yield _table("authorities", shown.head(SHOWN)[columns])
    if len(wire.lengths):
        yield tag("h3", say("report.lengths.heading"))
        yield _paragraph("lengths.intro")
        columns = ["name", "server", "connections", "shortest", "longest"]
        columns += ["client_bytes", "server_bytes"]
        yield _table("lengths", wire.lengths.head(SHOWN)[columns].round(3))


def _rules(_report: Report, _stem: str | None) -> Iterator[Markup]:
    rules = all_rules()
    codes = [tag("code", code) for code in rules["code"]]
    titles = [
        [title, tag("br"), code]
        for title, code in zip(rules["title"], codes, strict=True)
    ]
    rules["title"] = pd.Series(titles, dtype="object")
    sources = [linked(citation) for citation in rules["citation"]]
    rules["citation"] = pd.Series(sources, dtype="object")
    article = tag("a", say("report.rules.article"), href=ARTICLE, rel="noreferrer")
    yield _paragraph("rules.intro", article=article)
    yield _table("rules", rules[["title", "requirement", "citation", "not_checked"]])


def _inputs(report: Report, stem: str | None) -> Iterator[Content]:
    files = report.inputs
    if files.empty:
        yield _paragraph("inputs.none")
        return
    grouped = files.groupby("kind", sort=False)
    kinds = grouped.agg(
        files=("source", "size"), rows=("rows", "sum"), unread=("unread", "sum")
    ).astype("int64")
    kinds.insert(0, "kind", [say(f"report.kinds.{kind}") for kind in kinds.index])
    yield _table("inputs", kinds)
    if report.problems.empty:
        yield _paragraph("problems.none")
        return
    shown = report.problems.head(SHOWN)
    yield tag("h3", say("report.problems.heading"))
    yield _left_out(shown, report.problems, stem, "-unread")
    remarks = translated(shown["parse_error"])
    columns = ["source", "place", "parse_error"]
    yield _table("problems", shown.assign(parse_error=remarks)[columns])


def _counts(report: Report, _stem: str | None) -> Iterator[Content]:
    yield _paragraph("counts.intro")
    yield _table("counts", counts(report))


def _certificates(report: Report, _stem: str | None) -> Iterator[Markup]:
    """Show who issued the certificates, where they are all that there is to show."""
    if len(report.results):
        return
    by_issuer = issuers(report.fleet, report.at)
    if len(by_issuer):
        ends = {name: days(by_issuer[name]) for name in ("first_end", "last_end")}
        yield _table("issuers", by_issuer.assign(**ends).head(SHOWN))


SECTIONS: dict[str, Callable[[Report, str | None], Iterable[Content]]] = {
    "devices": _devices,
    "why": _why,
    "first": _first,
    "impersonations": _impersonations,
    "where": lambda _report, _stem: (),
    "sure": _sure,
    "wire": _wire,
    "certificates": _certificates,
    "counts": _counts,
    "rules": _rules,
    "inputs": _inputs,
}
"""The sections of the page: what follows a section's charts."""

ALWAYS = ("certificates", "impersonations", "counts", "rules", "inputs")
"""The sections that say something where there is no attempt."""

OPEN = ("devices",)
"""Sections that are not folded: which device is meant is what readers look up."""

PRINTED = ("devices", "why", "first", "impersonations", "sure")
"""Sections that stand on paper as well, opened; the table of devices comes last there."""
