"""Compare the verdicts of random fleets, read from files, with a plain reading of the rules."""

import pytest
from naive import authorities, fleets, judge
from naive.comparison import compare, seeds, summary
from thoroughness import first

SERIAL, HARDWARE_ID = "0090332f688a", "IP222-2f-68-8a"

ATTEMPTS = 125
"""Attempts in a fleet: 8 fleets are 1,000 attempts, 160 are 20,000."""


@pytest.mark.parametrize("seed", first(seeds(range(8)), 4))
def test_package_and_plain_reading_agree(seed, tmp_path):
    """Each rule, verdict, scenario and cause equals that of the plain reading."""
    attempts, texts = compare(fleets.fleet(seed, attempts=ATTEMPTS), tmp_path)

    assert attempts == ATTEMPTS
    if texts:
        pytest.fail(summary(seed, attempts, texts), pytrace=False)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", seeds(range(1000, 1160)))
def test_package_and_plain_reading_agree_on_many_fleets(seed, tmp_path):
    """They agree on 20,000 attempts."""
    attempts, texts = compare(fleets.fleet(seed, attempts=ATTEMPTS), tmp_path)

    assert attempts == ATTEMPTS
    if texts:
        pytest.fail(summary(seed, attempts, texts), pytrace=False)


@pytest.mark.parametrize(
    ("steps", "listed", "trusted"),
    [
        (32, 1, True),
        (33, 1, None),
        (40, 20, True),
        (40, 1, None),
        (33, None, None),
        (5, None, False),
    ],
)
def test_long_chains_are_climbed_as_far_as_32_authorities(
    steps, listed, trusted, tmp_path
):
    """Whether more than 32 CAs lead to the list is unknown; both readings say so."""
    members = authorities.ladder(steps)
    lowest = members[-1]
    leaf = authorities.certificate(
        authorities.name(SERIAL),
        1,
        lowest["subject"],
        lowest["own"],
        not_before=authorities.moment(2020),
        not_after=authorities.moment(2080),
    )
    other = authorities.certificate(
        authorities.name("Other"),
        2,
        authorities.name("Other"),
        2,
        not_before=authorities.moment(2020),
        not_after=authorities.moment(2080),
        ca=True,
    )
    ders = [leaf, *(member["der"] for member in reversed(members))]
    entry = other if listed is None else members[listed - 1]["der"]
    row = {"pbx": "hq", "serial": SERIAL, "protocol": "H.323/TLS", "time": 1780000000}
    description = small_fleet(ders, [entry], row)

    assert plain_answer(description)["certificate.trust"] is trusted
    _, texts = compare(description, tmp_path)
    if texts:
        pytest.fail(texts[0], pytrace=False)


@pytest.mark.parametrize(
    ("common_name", "registration_name", "identity", "holds"),
    [
        (SERIAL, SERIAL, {"serial": SERIAL}, True),
        (SERIAL, f"{SERIAL}-TEL1", {"serial": SERIAL}, True),
        (SERIAL, None, {"serial": SERIAL}, True),
        (HARDWARE_ID, SERIAL, {"serial": SERIAL}, True),
        (HARDWARE_ID, None, {"serial": SERIAL}, True),
        (HARDWARE_ID, "0090332f6800", {"serial": "0090332f6800"}, False),
        (SERIAL, HARDWARE_ID, {"hardware_id": HARDWARE_ID}, True),
        ("IP222", SERIAL, {"serial": SERIAL}, None),
        ("IP222", SERIAL, {"serial": SERIAL, "hardware_id": HARDWARE_ID}, True),
        ("IP222", SERIAL, {"serial": SERIAL, "hardware_id": "IP111-2f-68-8a"}, False),
        (SERIAL, "room-1", {"serial": SERIAL, "hardware_id": HARDWARE_ID}, False),
        (
            HARDWARE_ID,
            "room-1",
            {"serial": SERIAL, "hardware_id": HARDWARE_ID},
            False,
        ),
        ("room", "room-1", {"serial": SERIAL}, True),
        ("Swphone_ada", "SWPHONE_ADA", {"hardware_id": "Swphone_ada"}, True),
        ("", SERIAL, {"serial": SERIAL}, False),
        (None, SERIAL, {"serial": SERIAL}, False),
    ],
)
def test_names_hold_as_decided(
    common_name, registration_name, identity, holds, tmp_path
):
    """A device's serial and hardware ID are two spellings of one name; other names have one."""
    leaf = authorities.certificate(
        authorities.name(common_name),
        1,
        authorities.name(common_name),
        1,
        not_before=authorities.moment(2020),
        not_after=authorities.moment(2080),
    )
    row = {
        "pbx": "hq",
        "protocol": "H.323/TLS",
        "time": 1780000000,
        "state": "up",
        **identity,
    }
    row |= {"authentication": "certificate", "fingerprint": fleets.fingerprint(leaf)}
    if registration_name:
        row["registration_name"] = registration_name
    description = small_fleet([leaf], [leaf], row)

    assert plain_answer(description)["certificate.name"] is holds
    _, texts = compare(description, tmp_path)
    if texts:
        pytest.fail(texts[0], pytrace=False)


def small_fleet(presented, trusted, row):
    """Return a fleet of one attempt, one file of certificates and one trust list."""

    def blocks(ders):
        return [{"der": der, "cut": False} for der in ders]

    return {
        "certificates": [
            {"name": f"{SERIAL}.pem", "form": "pem", "blocks": blocks(presented)}
        ],
        "trust": [{"pbx": "hq", "content": "list", "blocks": blocks(trusted)}],
        "devices": [],
        "logs": [{"name": "records.csv", "format": "own csv", "rows": [row]}],
    }


def plain_answer(description):
    """Return the result of the plain reading for the only attempt."""
    (file,) = description["logs"]
    row = judge.row_in(file, file["rows"][0])
    return judge.judge(
        row, judge.take_inventory(description), now=authorities.moment(2026)
    )
