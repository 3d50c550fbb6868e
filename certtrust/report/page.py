"""The report as one HTML page that needs no network and no script to be read."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import pandas as pd

from ..charts.drawing.palette import CAUSE_COLOURS, OTHER
from ..evaluation.rules import rules as all_rules
from ..texts.labels import percent, plural
from ..texts.markup import Column, Markup, join, table, tag
from . import summary_text
from .content import Report
from .figures import dark_colours, figure

SHOWN = 100
"""Rows of a long table that the page shows; the CSV beside it has all."""

ACTIONS = 8
"""Actions that are shown with their price and the certificate to upload."""

DOORS = 10
"""Certificates that open other devices that the page shows."""

CARDS = 5
"""Causes that get a card with an example; the table below them has all."""


def page(report: Report, *, stem: str | None = None) -> str:
    """Return the report as a complete HTML document; the CSV files that it refers to begin with `stem`."""
    sections = [
        ("why", "Why registrations fail", _why(report)),
        ("first", "What to do first", _first(report, stem)),
        ("where", "When and where", [figure(report, name) for name in ("timeline", "heatmap", "combinations")]),
        ("sure", "How sure this is", [figure(report, "compared"), *_undecided(report)]),
        ("certificates", "The certificates", _certificates(report)),
        ("devices", "Which devices fail", _devices(report, stem)),
        ("impersonations", "Who may register as another device", _impersonations(report, stem)),
        ("rules", "The rules and where they stand", _rules()),
        ("inputs", "What was read", _inputs(report, stem)),
    ]
    links = [tag("li", tag("a", heading, href=f"#{anchor}")) for anchor, heading, _ in sections]
    body = [
        tag("header", _summary(report), tag("nav", tag("ul", links), aria_label="Sections")),
        tag("main", [tag("section", tag("h2", heading, id=anchor), content) for anchor, heading, content in sections]),
        tag("footer", _footer(report)),
    ]
    title = f"Registration report: {report.name}"
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(_read("page.css") + _dark())),
    ]
    script = tag("script", Markup(_read("page.js")))
    return "<!DOCTYPE html>\n" + tag("html", tag("head", head), tag("body", body, script), lang="en") + "\n"


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _dark() -> str:
    shell = {
        "--ink": "#e9edf1",
        "--muted": "#a3adb8",
        "--line": "#333a42",
        "--paper": "#15181d",
        "--tint": "#1f242b",
        "--good": "#5cc79a",
        "--link": "#8ab8ff",
    }
    drawn = {f"--c{light[1:]}": dark for light, dark in dark_colours().items()}
    values = "; ".join(f"{name}: {value}" for name, value in {**shell, **drawn}.items())
    return f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {values} }} }}\n"


def _summary(report: Report) -> Markup:
    summary = summary_text.summarise(report)
    tiles = [
        (f"{summary.failing_devices:,}", f"of {plural(summary.devices, 'device')} fail"),
        (f"{summary.failed:,}", f"of {plural(summary.attempts, 'attempt')} failed"),
        (percent(summary.by_rule / summary.failed) if summary.failed else "\u2013", "of the failures break a rule"),
        (f"{len(report.problems):,}", "lines or blocks could not be read in full"),
    ]
    return join(
        [
            tag("h1", "Why registrations fail: ", tag("bdi", report.name)),
            tag("p", summary_text.what_fails(report), class_="lead"),
            tag("p", summary_text.why(report)) if summary.failed else None,
            tag("dl", [tag("div", tag("dt", label), tag("dd", number)) for number, label in tiles], class_="tiles"),
        ]
    )


def _why(report: Report) -> Iterator[Markup]:
    if report.causes.empty:
        yield tag("p", "No attempt failed, and no rule predicts a failure.")
        return
    yield figure(report, "causes")
    total = int(report.causes["attempts"].sum())
    for _, cause in report.causes.head(CARDS).iterrows():
        yield _card(cause, total)
    if len(report.causes) > CARDS:
        rest = report.causes.iloc[CARDS:]
        yield tag("h3", "Further causes")
        columns = [
            Column("Cause"),
            Column("Attempts", number=True),
            Column("Devices", number=True),
            Column("For example", long=True),
        ]
        rows = zip(rest["title"], rest["attempts"], rest["devices"], rest["why"], strict=True)
        yield table("Further causes", columns, rows)


def _card(cause: pd.Series, total: int) -> Markup:
    code = str(cause["cause"])
    light, _ = CAUSE_COLOURS.get(code, OTHER)
    attempts, devices = int(cause["attempts"]), int(cause["devices"])
    numbers = f"{plural(attempts, 'attempt')} ({percent(attempts / total)}) of {plural(devices, 'device')}"
    demanded: list[Markup] = []
    if isinstance(cause["requirement"], str):
        demanded = [
            tag("dt", "What is required"),
            tag("dd", cause["requirement"], tag("br"), tag("small", f"{code}: {cause['citation']}")),
        ]
    facts = [
        *demanded,
        tag("dt", f"For example, {'the log says' if not demanded else 'what is there'}"),
        tag("dd", tag("bdi", cause["why"])),
        tag("dt", "What to do"),
        tag("dd", tag("bdi", cause["remedy"])),
    ]
    style = f"--cause: var(--c{light[1:]}, {light})"
    return tag(
        "article", tag("h3", cause["title"]), tag("small", numbers), tag("dl", facts), class_="card", style=style
    )


def _first(report: Report, stem: str | None) -> Iterator[Markup]:
    actions = report.remedies
    if actions.empty:
        yield tag("p", summary_text.first_remedy(report).capitalize() + ".")
        return
    yield figure(report, "remedies")
    yield tag("p", "In this order, each action repairs as much as possible of what is still broken:")
    yield tag(
        "ol",
        [tag("li", _action(action), class_="card do") for _, action in actions.head(ACTIONS).iterrows()],
        class_="plain",
    )
    rest = actions.iloc[ACTIONS:]
    if len(rest):
        shown = rest.head(SHOWN)
        columns = [
            Column("No.", number=True),
            Column("What to do", long=True),
            Column("Devices by itself", number=True),
            Column("Together", number=True),
        ]
        numbers = [shown[name].astype("int64") for name in ("rank", "devices", "devices_cumulative")]
        rows = zip(numbers[0], shown["step"], numbers[1], numbers[2], strict=True)
        known = table("Further actions", columns, rows)
        left_out = _left_out(len(shown), len(rest), stem, "-actions")
        yield tag("details", tag("summary", plural(len(rest), "further action")), left_out, known, class_="more")


def _left_out(shown: int, all_rows: int, stem: str | None, ending: str) -> Markup | None:
    """Say that a table is not complete, and where it is; nothing where it is complete."""
    if shown == all_rows:
        return None
    where = f" The file {stem}{ending}.csv beside this page has all." if stem else ""
    return tag("p", f"The first {shown:,} of {all_rows:,}.{where}")


def _action(action: pd.Series) -> list[Markup]:
    attempts, devices = int(action["attempts"]), int(action["devices"])
    alone = f"{plural(attempts, 'attempt')} of {plural(devices, 'device')}" if attempts else "nothing"
    together = plural(int(action["devices_cumulative"]), "device")
    further = [
        tag("p", tag("small", label, " ", tag("bdi", action[name])))
        for name, label in (("price", "Its price:"), ("instead", "Or instead:"))
        if isinstance(action[name], str) and action[name]
    ]
    pem = action["pem"]
    upload = (
        tag("details", tag("summary", "The certificate to upload (PEM)"), tag("pre", pem))
        if isinstance(pem, str)
        else None
    )
    return [
        tag("h3", tag("bdi", action["step"])),
        tag("p", tag("small", f"Repairs {alone} by itself; {together} together with all actions before it.")),
        *further,
        *([upload] if upload else []),
    ]


def _certificates(report: Report) -> Iterator[Markup]:
    for name in ("trust_tree", "name_fit", "expiry", "forecast"):
        yield figure(report, name)


def _devices(report: Report, stem: str | None) -> Iterator[Markup]:
    failing = report.failing
    if failing.empty:
        yield tag("p", "No device fails.")
        return
    shown = failing.head(SHOWN)
    yield tag("p", "One row per device, PBX and cause, those with most attempts first.")
    yield tag("p", "Press a heading to sort.", class_="scripted", hidden=True)
    yield join([_left_out(len(shown), len(failing), stem, "")])
    columns = [
        Column("Device", short=True),
        Column("PBX", short=True),
        Column("Model", short=True),
        Column("Cause"),
        Column("Attempts", number=True),
        Column("Last seen", short=True),
        Column("Why", long=True),
        Column("What to do", long=True),
    ]
    last = shown["last"].dt.strftime("%Y-%m-%d")
    values = [shown[name] for name in ("device", "pbx", "model", "title", "attempts")]
    rows = zip(*values, last, shown["why"], shown["remedy"], strict=True)
    yield table("Devices that fail", columns, rows)


def _impersonations(report: Report, stem: str | None) -> Iterator[Markup]:
    pairs = report.impersonations
    yield tag("p", summary_text.impersonations(report))
    if pairs.empty:
        return
    doors = pairs.drop_duplicates(["fingerprint", "subject_cn", "pbx"])
    shown = doors.head(DOORS)
    yield tag(
        "p",
        "Give each of these certificates a CN that is the whole name of its device, its serial or hardware ID. Until "
        "then, take the certificate or its CA out of the trust list, where nobody else needs it.",
    )
    yield join([_left_out(len(shown), len(doors), stem, "-impersonations")])
    columns = [
        Column("CN of the certificate", short=True),
        Column("Held by", short=True),
        Column("Trusted by the PBX", short=True),
        Column("Devices that it opens", number=True),
        Column("For example", short=True),
        Column("by the name", short=True),
    ]
    rows = (shown[name] for name in ("subject_cn", "device", "pbx", "opens", "victim", "name"))
    yield table("Who may register as another device", columns, zip(*rows, strict=True))


def _undecided(report: Report) -> Iterator[Markup]:
    if report.undecided.empty:
        yield tag("p", "Every attempt could be judged by every rule that applies to it.")
        return
    yield tag("h3", "What could not be decided")
    yield tag("p", "Where the data do not tell, no verdict is guessed. These data would decide more:")
    columns = [
        Column("Rule"),
        Column("Attempts", number=True),
        Column("Devices", number=True),
        Column("What is missing", long=True),
    ]
    found = report.undecided
    rows = zip(found["title"], found["attempts"], found["devices"], found["missing"], strict=True)
    yield table("Undecided rules", columns, rows)


def _rules() -> Iterator[Markup]:
    known = all_rules()
    yield tag(
        "p",
        "What is required, in our own words, with the place where it stands. \u201cPage\u201d is innovaphone's page ",
        tag("i", "Certificate names and trust relationships"),
        " (Reference 11r1).",
    )
    columns = [
        Column("Rule"),
        Column("What is required", long=True),
        Column("Source", long=True),
        Column("Not checked", long=True),
    ]
    rows = (
        ([row.title, tag("br"), tag("code", row.code)], row.requirement, row.citation, row.not_checked)
        for row in known.itertuples()
    )
    yield table("Rules", columns, rows)


def _inputs(report: Report, stem: str | None) -> Iterator[Markup]:
    read = report.inputs
    if read.empty:
        yield tag("p", "No file was read.")
        return
    kinds = read.groupby("kind", sort=False).agg(
        files=("source", "size"), rows=("rows", "sum"), unread=("unread", "sum")
    )
    columns = [
        Column("What"),
        Column("Files", number=True),
        Column("Rows", number=True),
        Column("Not read in full", number=True),
    ]
    numbers = kinds.astype("int64")
    yield table(
        "Files",
        columns,
        ([str(kind), *map(int, row)] for kind, row in zip(numbers.index, numbers.to_numpy(), strict=True)),
    )
    if report.problems.empty:
        yield tag("p", "Everything could be read.")
        return
    shown = report.problems.head(SHOWN)
    yield tag("h3", "What could not be read in full")
    yield join([_left_out(len(shown), len(report.problems), stem, "-unread")])
    columns = [Column("File", short=True), Column("Line or block", number=True), Column("Reason", long=True)]
    places = [None if pd.isna(place) else int(place) for place in shown["place"]]
    yield table("Problems", columns, zip(shown["source"], places, shown["parse_error"], strict=True))


def _footer(report: Report) -> Markup:
    made = f"{summary_text.day(report.made)} at {report.made:%H:%M} UTC"
    return tag(
        "p",
        f"Made by certtrust on {made}. Verdicts follow from the files alone; no device was asked.",
    )
