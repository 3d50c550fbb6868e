"""The table of failing devices: its data hold every row, whole, and nothing that acts."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certtrust as ct
from certtrust.advice.remedies.plan import planned
from certtrust.report import device_table
from certtrust.report.content import failing_devices
from certtrust.report.device_table import as_script, data_of, shown_rows
from certtrust.testing import small_fleet

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def failing() -> pd.DataFrame:
    """The failing devices of a small fleet."""
    fleet = ct.link(small_fleet(60))
    results = ct.check(ct.attempts(fleet))
    return failing_devices(results, planned(fleet, results).ranks)


def unpacked(packed: dict[str, object]) -> list[int]:
    """Read packed numbers as the page's script does."""
    digits, width = str(packed["digits"]), int(str(packed["width"]))
    numbers = []
    for start in range(0, len(digits), width):
        number = 0
        for digit in digits[start : start + width]:
            number = 64 * number + DIGITS.index(digit)
        numbers.append(number)
    return numbers


def texts_of(column: dict[str, object]) -> list[str]:
    """Read a column of few texts as the page's script does."""
    return [column["texts"][code] for code in unpacked(column["codes"])]


def read(data: dict[str, object]) -> pd.DataFrame:
    """Return the rows that the page's script would show."""
    rows = int(str(data["rows"]))
    lines = {
        name: str(data[name]).split("\n") if rows else []
        for name in ("device", "values")
    }
    coded = ("pbx", "model", "title", "actions")
    columns = {name: texts_of(data[name]) for name in coded}
    labels = [label.replace("\t", str(data["head"])) for label in lines["device"]]
    frame = pd.DataFrame({"device": labels, **columns}, dtype="object")
    for name in ("why", "remedy"):
        frame[name] = [
            _sentence(template, label, pbx, values.split("\t"))
            for template, label, pbx, values in zip(
                texts_of(data[name]),
                frame["device"],
                frame["pbx"],
                lines["values"],
                strict=True,
            )
        ]
    for name in ("attempts", "last"):
        frame[name] = unpacked(data[name])
    return frame


def _sentence(template: str, label: str, pbx: str, values: list[str]) -> str:
    def own(match: re.Match[str]) -> str:
        code = ord(match[0])
        if code < 4:
            return (label, label.rpartition(", ")[2], pbx)[code - 1]
        if code < 24:
            return values[code - 16]
        minutes = pd.Timedelta(minutes=int(values[code - 24], 16))
        return f"{pd.Timestamp(0) + minutes:%Y-%m-%d %H:%M}"

    return re.sub("[\x01-\x03\x10-\x1f]", own, template)


def test_the_data_give_back_every_row(failing: pd.DataFrame) -> None:
    """Each failing device with its PBX, cause, numbers, reason and remedy, word by word."""
    rows = shown_rows(failing)
    back = read(json.loads(as_script(data_of(rows))))
    assert len(back) == len(failing) > 10
    assert {"", "1"} <= set(rows["actions"])
    for name in ("device", "pbx", "model", "title", "why", "remedy", "actions"):
        assert back[name].tolist() == rows[name].tolist()
    assert back["attempts"].tolist() == rows["attempts"].tolist()
    days = pd.to_datetime(back["last"], unit="D").where(back["last"] > 0)
    assert (
        days.dropna() == rows["last"].dropna().dt.tz_localize(None).dt.floor("D")
    ).all()


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            *[st.text(alphabet="ab0, \t\x04\x10\n<&'\"é王-:2026", max_size=12)] * 6
        ),
        min_size=1,
        max_size=8,
    )
)
def test_hostile_names_come_back_as_one_line(
    texts: list[tuple[str, str, str, str, str, str]],
) -> None:
    """Names that look like marks, markup or dates are what `one_line` makes of them."""
    names = ["device", "long_name", "pbx", "subject_cn", "registration_name", "why"]
    failing = pd.DataFrame(texts, columns=names, dtype="str").assign(
        number=None,
        user=None,
        model="m",
        title="t",
        actions="1, 20",
        attempts=1,
        last=pd.Timestamp("2026-01-02 03:04", tz="UTC"),
    )
    joined = failing["why"] + failing["subject_cn"] + " 2026-01-02 03:04 UTC "
    failing = failing.assign(
        why=joined + failing["device"], remedy=joined[::-1].array
    )
    rows = shown_rows(failing)
    written = as_script(data_of(rows))
    assert not set("<>&") & set(written)
    back = read(json.loads(written))
    for name in ("device", "pbx", "why", "remedy"):
        assert back[name].tolist() == rows[name].tolist()


def test_what_does_not_fit_is_left_to_the_csv(
    failing: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data stop at the budget, and say how many rows there are."""
    monkeypatch.setattr(device_table, "BUDGET", 600)
    rows = shown_rows(failing)
    data = data_of(rows)
    assert 0 < data["rows"] < data["total"] == len(rows)
    assert read(data)["device"].tolist() == rows["device"].head(data["rows"]).tolist()


def test_a_hundred_thousand_devices_fit(failing: pd.DataFrame) -> None:
    """With serial, name and number of its own, each takes a few dozen bytes of the page."""
    count = 100_000
    one = failing[failing["cause"] == "certificate.trust"].head(1)
    many = one.loc[one.index.repeat(4_000)].reset_index(drop=True)
    serials = pd.Series([f"009033{row:06x}" for row in range(len(many))], dtype="str")
    label = f"{one['long_name'].iloc[0]} ({one['number'].iloc[0]}), {one['device'].iloc[0]}"
    names = "Mara Peters " + serials.str[-4:]
    new = names + " (" + serials.str[-5:] + "), " + serials
    many = many.assign(
        device=serials, subject_cn=serials, long_name=names, number=serials.str[-5:],
        why=[one["why"].iloc[0].replace(label, text) for text in new],
    )  # fmt: skip
    data = data_of(shown_rows(many))
    size = len(as_script(data).encode())
    assert data["rows"] == len(many)
    assert size * count / len(many) < 5_200_000
