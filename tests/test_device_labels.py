"""How a device is named to people: person, number and serial, and what is left out."""

from __future__ import annotations

import pandas as pd
import pytest

import certtrust as ct
from certtrust.testing import small_fleet
from certtrust.texts.device_labels import device_labels, labels_of

SERIAL = "0090332f688a"


@pytest.mark.parametrize(
    ("long_name", "number", "user", "label"),
    [
        ("Mara Peters", "10003", "mpeters", f"Mara Peters (10003), {SERIAL}"),
        (None, "10003", "mpeters", f"mpeters (10003), {SERIAL}"),
        (" ", "10003", None, f"number 10003, {SERIAL}"),
        ("Mara Peters", None, None, f"Mara Peters, {SERIAL}"),
        (SERIAL.upper(), "10003", SERIAL, f"number 10003, {SERIAL}"),
        ("10003", "10003", "10003", f"number 10003, {SERIAL}"),
        (None, None, None, SERIAL),
        ("Jörg Weiß", "10003", None, f"Jörg Weiß (10003), {SERIAL}"),
        ("مريم الحداد", "10003", None, f"{SERIAL}, مريم الحداد (10003)"),
        ("王小明", "10003", None, f"王小明 (10003), {SERIAL}"),
        ("a\u202eb\x1b[2J\nc", "1", None, f"a\ufffdb\ufffd[2J c (1), {SERIAL}"),
    ],
)
def test_a_label_has_the_parts_that_are_known(
    long_name: str | None, number: str | None, user: str | None, label: str
) -> None:
    """What is missing, blank or said twice is left out; what cannot be seen is replaced."""
    parts = [pd.Series([part], dtype="str") for part in (long_name, number, user)]
    assert device_labels(pd.Series([SERIAL]), *parts).tolist() == [label]


def test_without_a_device_the_person_is_named() -> None:
    """The parts that are left make the label, and no part makes none."""
    rows = pd.DataFrame({"device": [None, None], "long_name": ["Mara", None]})
    labels = labels_of(rows.astype("str"))
    assert labels.iloc[0] == "Mara"
    assert pd.isna(labels.iloc[1])


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_labels_keep_the_index_and_take_any_column_of_text(dtype: str) -> None:
    """An empty frame, other indexes, and columns of categories or objects are labelled alike."""
    rows = pd.DataFrame({"device": [SERIAL], "number": ["7"]}, index=["x"])
    labels = labels_of(rows.astype(dtype))
    assert labels.to_dict() == {"x": f"number 7, {SERIAL}"}
    assert labels_of(rows.astype(dtype).head(0)).empty


def test_attempts_tell_long_name_and_number() -> None:
    """Results name the person whose object holds the device, and nobody where two share it."""
    fleet = small_fleet(30)
    results = ct.check(ct.attempts(fleet))
    labels = labels_of(results)
    entry = fleet.devices.set_index("hardware_id").loc[results["hardware_id"].iloc[0]]
    assert labels.iloc[0].startswith(f"{entry['long_name']} ({entry['number']}), ")
    shared = fleet.devices.assign(user="other", long_name="Other", number="1")
    both = pd.concat([fleet.devices, shared], ignore_index=True)
    doubled = ct.attempts(
        ct.Fleet(fleet.certificates, fleet.trust, both, fleet.registrations)
    )
    assert doubled[["user", "long_name", "number"]].isna().all(axis=None)
    assert (labels_of(doubled) == doubled["device"]).all()
