"""Pass fleets through files into the package and compare its results with the plain reading."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pandas as pd

import certtrust as ct

from . import fleets, judge

Answers = dict[tuple[str, int], dict[str, Any]]
"""Rows of RESULTS by the log's file name and line."""

MOST_SHOWN = 3


def seeds(default: range) -> list[int]:
    """Return the seeds to try: those of CERTTRUST_SEEDS, such as 500:520, else the default."""
    chosen = os.environ.get("CERTTRUST_SEEDS")
    return list(range(*map(int, chosen.split(":"))) if chosen else default)


def read(description: dict[str, Any], directory: Path) -> ct.Fleet:
    """Return a fleet that was written to files and read again."""
    return ct.read_fleet(fleets.write(description, directory))


def answers(results: pd.DataFrame) -> Answers:
    """Return the rows of RESULTS by file name and line, with None for what is missing."""
    rows = results.astype(object).where(results.notna(), None).to_dict("records")
    return {(Path(row["source"]).name, row["line"]): row for row in rows}


def differences(
    expected: dict[str, Any], answer: dict[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Return the expected value and the package's for each column in which they differ.

    The fingerprint is compared where the plain reading knows the certificate, and
    `hygiene.prefix` where it has an opinion or there is no certificate.
    """
    skipped = set()
    if expected["fingerprint"] is None:
        skipped.add("fingerprint")
    if (
        expected["hygiene.prefix"] is None
        and expected["hygiene.weak_key"] is not None
    ):
        skipped.add("hygiene.prefix")
    return {
        column: (value, answer[column])
        for column, value in expected.items()
        if column not in skipped and answer[column] != value
    }


def compare(description: dict[str, Any], directory: Path) -> tuple[int, list[str]]:
    """Return the number of attempts, and a text for each that the package judges differently."""
    results = ct.check(ct.attempts(read(description, directory)))
    by_line = answers(results)
    inventory, now = judge.take_inventory(description), dt.datetime.now(dt.UTC)
    texts = []
    for file in description["logs"]:
        for line, written in fleets.lines(file):
            row = judge.row_in(file, written)
            expected = judge.judge(row, inventory, now=now)
            answer = by_line.pop((file["name"], line), None)
            differing = (
                {"row": ("one", "none")}
                if answer is None
                else differences(expected, answer)
            )
            if differing:
                texts.append(
                    _text(description, file["name"], line, row, inventory, differing)
                )
    texts += [
        f"{name}, line {line}: no attempt is expected" for name, line in by_line
    ]
    return len(results), texts


def summary(seed: int, attempts: int, texts: list[str]) -> str:
    """Return a message with the first differences of a fleet."""
    shown = "\n\n".join(texts[:MOST_SHOWN])
    return f"seed {seed}: {len(texts)} of {attempts} attempts differ\n\n{shown}"


def _text(
    description: dict[str, Any],
    name: str,
    line: int,
    row: dict[str, Any],
    inventory: dict[str, Any],
    differing: dict[str, tuple[Any, Any]],
) -> str:
    device = judge.identify(row, inventory)
    own = [
        entry
        for entry in inventory["entries"]
        if judge.same_device(entry["hw"], device, inventory)
    ]
    report_lines = [f"{name}, line {line}: {row}", f"  device: {device}"]
    report_lines += [f"  entry: {entry}" for entry in own]
    for file in description["certificates"]:
        blocks = [
            block
            for block in file["blocks"]
            if _concerns(file["name"], block, row, device, inventory)
        ]
        if blocks:
            labels = "; ".join(judge.label(block) for block in blocks)
            report_lines.append(f"  certificates/{file['name']}: {labels}")
    for file in description["trust"]:
        if file["pbx"] in (row.get("pbx"), *(entry["pbx"] for entry in own)):
            entries = (
                "; ".join(judge.label(block) for block in file["blocks"]) or "empty"
            )
            report_lines.append(
                f"  trust/{file['pbx']}.pem ({file['content']}): {entries}"
            )
    report_lines += [
        f"  {column}: expected {a}, certtrust {b}"
        for column, (a, b) in differing.items()
    ]
    return "\n".join(report_lines)


def _concerns(
    name: str,
    block: dict[str, Any],
    row: dict[str, Any],
    device: dict[str, Any],
    inventory: dict[str, Any],
) -> bool:
    owner = judge.device_of_file(name)
    if owner is not None:
        return judge.same_device(owner, device, inventory)
    if judge.facts(block["der"]).fingerprint == row.get("fingerprint"):
        return True
    return judge.same_device(judge.facts(block["der"]).common_name, device, inventory)
