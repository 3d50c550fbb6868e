"""Serials and hardware IDs in every spelling."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrust.names import device_ids

OCTETS = st.lists(st.integers(0, 255), min_size=6, max_size=6)
PRODUCTS = st.sampled_from(["IP222", "ip29-2", "IP0011", "IPVA", "ip110A", "IP29-4"])


@given(OCTETS, st.sampled_from(["", ":", "-"]), st.booleans())
def test_a_serial_reads_the_same_in_every_spelling(octets, separator, upper):
    """Separators and case do not matter."""
    text = separator.join(f"{octet:02x}" for octet in octets)
    spelled = pd.Series([text.upper() if upper else text])
    assert device_ids.serials(spelled).tolist() == [bytes(octets).hex()]


@given(PRODUCTS, OCTETS, st.booleans())
def test_a_hardware_id_is_read_from_the_right(product, octets, upper):
    """The last three octets are the tail, and everything before them, with its hyphens, is the
    product.
    """
    text = "-".join([product, *(f"{octet:02x}" for octet in octets[3:])])
    parts = device_ids.hardware_ids(pd.Series([text.upper() if upper else text]))
    assert parts.iloc[0].tolist() == [product.upper(), bytes(octets[3:]).hex()]


@given(st.text())
def test_any_text_is_normalised_without_an_error(text):
    """Normalising it again changes nothing."""
    once = device_ids.same_spelling(pd.Series([text], dtype="str"))
    assert device_ids.same_spelling(once).tolist() == once.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "phone",
        "0090332f688",
        "0090332f688a0",
        "IP222-2f-68",
        "2f-68-8a",
        "0090:332f688a",
    ],
)
def test_other_names_are_missing(text):
    """Names that merely resemble a serial or hardware ID are neither."""
    assert device_ids.serials(pd.Series([text])).isna().all()
    assert device_ids.hardware_ids(pd.Series([text]))["tail"].isna().all()


def test_missing_stays_missing():
    """A missing text has no normalised spelling."""
    assert device_ids.same_spelling(pd.Series([None], dtype="str")).isna().all()
