"""The tables, and conforming to them."""

import pandas as pd
import pytest

import certtrust as ct
from certtrust import schema


@pytest.mark.parametrize("name", list(schema.TABLES))
def test_columns_gives_a_meaning_for_every_column(name):
    """Each column of each table is documented, and names are unique."""
    table = ct.columns(name.lower())
    assert table.columns.tolist() == ["name", "dtype", "meaning", "example"]
    assert table["name"].is_unique
    assert (table["meaning"].str.len() > 5).all()


def test_an_unknown_table_is_refused():
    """The error lists the known tables."""
    with pytest.raises(ct.CerttrustError, match="certificates, trust, links"):
        ct.columns("phones")


@pytest.mark.parametrize("name", list(schema.TABLES))
def test_conforming_gives_the_declared_dtypes_even_without_rows(name):
    """An empty frame has every column with its dtype, so that frames can be concatenated."""
    frame = schema.empty(schema.TABLES[name])
    expected = {
        column.name: {"list": "object", "bytes": "object"}.get(
            column.dtype, column.dtype
        )
        for column in schema.TABLES[name]
    }
    assert frame.dtypes.astype(str).to_dict() == expected


def test_conforming_adds_missing_columns_keeps_further_ones_and_leaves_the_argument_alone():
    """Absent columns are added without values, and extra columns follow at the end."""
    frame = pd.DataFrame({"true_cause": ["timeout"], "pbx": ["hq"]})
    conformed = schema.conform(frame, schema.REGISTRATIONS)
    assert conformed.columns[-1] == "true_cause"
    assert conformed["pbx"].tolist() == ["hq"]
    assert conformed.drop(columns=["pbx", "true_cause"]).isna().all(axis=None)
    assert frame.columns.tolist() == ["true_cause", "pbx"]


def test_empty_lists_are_not_shared_between_rows():
    """Changing the list of one row does not change another row."""
    frame = schema.conform(pd.DataFrame(index=range(2)), schema.CERTIFICATES)
    frame["dns_names"].iloc[0].append("a")
    assert frame["dns_names"].iloc[1] == []
