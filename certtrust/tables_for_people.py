"""Tables as people open them in a spreadsheet: CSV in their dialect, and Excel workbooks.

Nothing in them is run: a text that looks like a formula stays a text. Tables for programs are
written by `table_files`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from .arrays import arrow
from .errors import CerttrustError
from .texts.sentences import current_language, say
from .texts.visible import each_on_one_line, one_line

_SIGNS = "=+@|%\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212-"
"""Signs that begin a formula, also as wide, small and mathematical letters."""

_UNSEEN = '\\s\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufffd"'
"""What a spreadsheet may pass over before the sign: blanks, replaced letters, quotes."""

_FORMULA = f"^[{_UNSEEN}]*[{_SIGNS}]"
_FORMULA_AFTER_SEMICOLON = f";([{_UNSEEN}]*[{_SIGNS}])"
# Patterns without escapes of `re` beyond \s: Arrow's engine reads them in every version.

CELL = 32_000
"""Letters of a cell; what is longer than 32,767 goes on in the next cell of some spreadsheets."""

SHEET_ROWS = 1_048_575
"""Rows below the headings of one sheet; further ones go on in the next sheet."""

_SHEET_NAME = 31
_NARROWEST, _WIDEST = 6, 60
_MEASURED = 1_000


@dataclass(frozen=True)
class Dialect:
    """How a country's spreadsheets separate the cells of CSV, and write fractions."""

    separator: str = ","
    decimal: str = "."
    moment: str = "%Y-%m-%d %H:%M:%S"


ENGLISH = Dialect()
GERMAN = Dialect(separator=";", decimal=",", moment="%d.%m.%Y %H:%M:%S")
DIALECTS = {"en": ENGLISH, "de": GERMAN}
"""The dialects by language."""


def guarded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with texts of one line each, and an apostrophe where one would be run.

    The apostrophe also stands behind a semicolon, which separates cells in spreadsheets of many
    countries, whatever quotes are around the text.

    Examples
    --------
    >>> guarded(pd.DataFrame({"cn": ["=cmd()", "a;=1"], "n": [-1, 2]})).values.tolist()
    [["'=cmd()", -1], ["a;'=1", 2]]
    """
    texts = {
        name: pd.Series(pd.array(_without_formulas(lines), dtype="str"), frame.index)
        for name, lines in _lines(frame).items()
    }
    return frame.assign(**texts)


def _lines(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what is neither number nor moment as Arrow text of one line, no longer than a cell."""
    types = pd.api.types
    return {
        str(name): pc.utf8_slice_codeunits(
            each_on_one_line(arrow.text(column.astype("str"))), 0, CELL
        )
        for name, column in frame.items()
        if not (
            types.is_numeric_dtype(column) or types.is_datetime64_any_dtype(column)
        )
    }


def _without_formulas(lines: Any) -> Any:
    lines = pc.replace_substring_regex(lines, _FORMULA_AFTER_SEMICOLON, ";'\\1")
    return pc.replace_substring_regex(lines, f"({_FORMULA})", "'\\1")


def guarded_csv(frame: pd.DataFrame, dialect: Dialect | None = None) -> bytes:
    """Return the frame as UTF-8 CSV that a spreadsheet opens without running anything in it.

    Without a dialect, it is that of the language in which sentences are made.

    Examples
    --------
    >>> frame = pd.DataFrame({"days": [1.5]})
    >>> guarded_csv(frame, GERMAN).decode("utf-8-sig").splitlines()
    ['"days"', '"1,5"']
    """
    dialect = dialect or DIALECTS.get(current_language(), ENGLISH)
    text = guarded(frame).to_csv(
        index=False,
        date_format=dialect.moment,
        quoting=csv.QUOTE_ALL,
        lineterminator="\r\n",
        sep=dialect.separator,
        decimal=dialect.decimal,
    )
    return text.encode("utf-8-sig", "replace")


def workbook(sheets: Mapping[str, pd.DataFrame]) -> bytes:
    """Return tables as an Excel workbook (.xlsx), one sheet each, without any formula.

    Parameters
    ----------
    sheets : mapping of str to DataFrame
        Each table by the name of its sheet; what a sheet may not be called is changed, and a
        table that is longer than a sheet goes on in the next one.

    Returns
    -------
    bytes
        The headings stay in sight, every column has a filter, and columns are as wide as what
        stands in them. Moments are UTC. Texts are cells of text, and stay so when they are
        edited.

    Raises
    ------
    CerttrustError
        If XlsxWriter is not installed: `pip install 'certtrust[excel]'`.

    Examples
    --------
    >>> workbook({"devices": pd.DataFrame({"cn": ["=cmd()"]})})[:2]
    b'PK'
    """
    try:
        import xlsxwriter
    except ImportError:
        raise CerttrustError(say("errors.writing.no_excel")) from None
    content = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(content, options) as book:
        formats = {
            "heading": book.add_format(
                {"bold": True, "bottom": 1, "num_format": "@"}
            ),
            # A text that is edited in place would else become the formula that it looks like.
            "text": book.add_format({"num_format": "@", "quote_prefix": True}),
            "moment": book.add_format({"num_format": say("numbers.excel_moment")}),
        }
        names: set[str] = set()
        for name, part in _parts(sheets):
            _fill(book.add_worksheet(_sheet_name(name, names)), part, formats)
    return content.getvalue()


def _parts(sheets: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    for name, frame in sheets.items():
        for start in range(0, max(len(frame), 1), SHEET_ROWS):
            yield name, frame.iloc[start : start + SHEET_ROWS]


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a name that Excel allows and that no other sheet has."""
    allowed = re.sub(r"[\[\]:*?/\\]", "_", one_line(name)).strip("' ")
    stem = allowed[:_SHEET_NAME].strip("' ") or "_"
    unique, number = stem, 1
    # "History" is the name of a sheet of Excel's own.
    while unique.casefold() in taken or unique.casefold() == "history":
        number += 1
        ending = f" {number}"
        unique = stem[: _SHEET_NAME - len(ending)] + ending
    taken.add(unique.casefold())
    return unique


def _fill(sheet: Any, frame: pd.DataFrame, formats: Mapping[str, Any]) -> None:
    lines = _lines(frame)
    for number, (name, column) in enumerate(frame.items()):
        sheet.write_string(0, number, one_line(name)[:CELL], formats["heading"])
        width = len(str(name)) + 3  # the button of the filter takes room
        if str(name) in lines:
            texts = lines[str(name)].to_pylist()
            for row, text in enumerate(texts, start=1):
                if text:
                    sheet.write_string(row, number, text, formats["text"])
            shown = [len(text) for text in texts[:_MEASURED] if text]
            width = max([width, *shown])
        elif pd.api.types.is_datetime64_any_dtype(column):
            width = max(width, 16)
            _write_moments(sheet, number, column, formats)
        else:
            _write_numbers(sheet, number, column)
        sheet.set_column(number, number, min(max(width + 1, _NARROWEST), _WIDEST))
    sheet.freeze_panes(1, 0)
    if len(frame.columns):
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)


def _write_moments(
    sheet: Any, number: int, column: pd.Series, formats: Mapping[str, Any]
) -> None:
    moments = (
        column.dt.tz_convert("UTC").dt.tz_localize(None)
        if (column.dt.tz is not None)
        else column
    )
    for row, moment in enumerate(moments, start=1):
        if pd.isna(moment):
            continue
        # A day of Excel's calendar lies between the years 1900 and 9999.
        if moment.year < 1900:
            text = f"{moment:%Y-%m-%d %H:%M}"
            sheet.write_string(row, number, text, formats["text"])
        else:
            day = moment.to_pydatetime(warn=False)
            sheet.write_datetime(row, number, day, formats["moment"])


def _write_numbers(sheet: Any, number: int, column: pd.Series) -> None:
    is_flag = pd.api.types.is_bool_dtype(column)
    for row, value in enumerate(column, start=1):
        if pd.isna(value):
            continue
        if is_flag:
            sheet.write_boolean(row, number, bool(value))
        elif abs(value) == float("inf"):
            sheet.write_string(row, number, str(value))
        else:
            sheet.write_number(row, number, value)
