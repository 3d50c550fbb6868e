"""Partitions: what parts of a fleet say, put together, equals what the whole fleet says."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from naive import fleets
from naive.comparison import read
from thoroughness import first

import certtrust as ct
from certtrust.partitions import judge, split, together
from certtrust.testing import fleet_of, small_fleet

AT = pd.Timestamp("2026-10-01T00:00:00Z")


def put_together(parts, at=AT):
    """Return the results of all parts in the order of the whole."""
    parts = [*parts]
    return together(
        [judge(part, at=at) for part in parts], [part.positions for part in parts]
    )


def assert_parts_equal_whole(fleet, count, of="log", at=AT):
    """Compare every column, label and dtype."""
    whole = ct.check(ct.attempts(fleet, of=of), at=at)
    pd.testing.assert_frame_equal(put_together(split(fleet, count, of=of), at), whole)


def shuffled(fleet, seed):
    """Return a fleet with the rows of all its tables in another order."""
    frames = {
        name: getattr(fleet, name).sample(frac=1, random_state=seed + number)
        for number, name in enumerate(
            ("certificates", "trust", "devices", "registrations")
        )
    }
    return dataclasses.replace(fleet, **frames)


def entangled(fleet, seed):
    """Return a fleet in which devices have to do with one another in every way that occurs."""
    random = np.random.default_rng(seed)
    log, devices, certificates = (
        frame.copy()
        for frame in (fleet.registrations, fleet.devices, fleet.certificates)
    )

    def some(frame, share):
        return frame.index[random.random(len(frame)) < share]

    def others(frame, column, rows):
        return random.choice(frame[column].to_numpy(dtype=object), len(rows))

    # Certificates of other devices, named in the log and presented by several.
    rows = some(log, 0.2)
    log.loc[rows, "fingerprint"] = others(certificates, "fingerprint", rows)
    rows = some(certificates, 0.15)
    certificates.loc[rows, "device"] = others(devices, "serial", rows)
    copies = certificates.loc[some(certificates, 0.15)]
    copies = copies.assign(
        device=others(devices, "serial", copies), bundle=copies["bundle"] + " again"
    )
    # Bundles of several devices, none at all, and certificates that cannot be read.
    rows = some(certificates, 0.1)
    certificates.loc[rows, "bundle"] = random.choice(["all.pem", None], len(rows))
    torn = certificates.loc[some(certificates, 0.05)]
    torn = torn.assign(
        **dict.fromkeys(("fingerprint", "subject", "subject_cn", "issuer"), None),
        der=None,
        is_ca=pd.NA,
        parse_error="torn",
    )
    certificates = pd.concat([certificates, copies, torn], ignore_index=True)
    # Lines without a serial, of users, of hardware IDs that end alike, and of nobody.
    rows = some(log, 0.3)
    log.loc[rows, ["serial", "hardware_id"]] = None
    log.loc[rows, "registration_name"] = others(devices, "user", rows)
    rows = some(log, 0.1)
    tails = devices["serial"].str[6:]
    spelled = "IP222-" + tails.str[:2] + "-" + tails.str[2:4] + "-" + tails.str[4:]
    log.loc[rows, "serial"] = None
    log.loc[rows, "hardware_id"] = random.choice(spelled.dropna(), len(rows))
    rows = some(log, 0.05)
    nothing = ["serial", "hardware_id", "registration_name", "fingerprint"]
    log.loc[rows, nothing] = None
    rows = some(log, 0.05)
    log.loc[rows, [*nothing, "state", "protocol", "authentication"]] = None
    # Devices at several PBXs, of which some entries disagree; serials that end alike.
    again = devices.loc[some(devices, 0.3)]
    again = again.assign(pbx=others(devices, "pbx", again), tls_only=True)
    twins = devices.loc[some(devices, 0.1)]
    twins = twins.assign(serial="009044" + twins["serial"].str[6:], hardware_id=None)
    nameless = devices.head(2).assign(serial=None, hardware_id=None)
    devices = pd.concat([nameless, devices, again, twins], ignore_index=True)
    return ct.link(
        dataclasses.replace(
            fleet,
            certificates=certificates,
            devices=devices,
            registrations=log,
            links=None,
        )
    )


@pytest.mark.parametrize("seed", first(range(120), 2))
def test_parts_of_an_entangled_fleet_say_what_the_whole_says(seed):
    """Every column of every row is equal, whatever devices share, in any order of rows."""
    fleet = entangled(small_fleet(40, seed=seed % 3), seed)
    count, of = 2 + seed % 5, "devices" if seed % 4 == 1 else "log"

    assert_parts_equal_whole(shuffled(fleet, seed), count, of)


@pytest.mark.parametrize("seed", first(range(12), 1))
def test_parts_of_fleets_from_files_say_what_the_whole_says(seed, tmp_path):
    """These fleets have damaged files, several entries per device and odd names."""
    fleet = ct.link(read(fleets.fleet(seed, attempts=125), tmp_path))

    assert_parts_equal_whole(fleet, 4)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(20, 40))
def test_parts_of_device_entries_say_what_the_whole_says(seed, tmp_path):
    """Would-be attempts are dealt like those of a log."""
    fleet = ct.link(read(fleets.fleet(seed, attempts=125), tmp_path))

    assert_parts_equal_whole(fleet, 4, "devices")


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 160))
def test_parts_of_many_fleets_from_files_say_what_the_whole_says(seed, tmp_path):
    """Also without links, which each part then verifies by itself."""
    fleet = read(fleets.fleet(seed, attempts=125), tmp_path)

    assert_parts_equal_whole(fleet, 7)
    assert_parts_equal_whole(ct.link(fleet), 3)


def test_parts_of_a_capture_say_what_the_whole_says():
    """Connections are of the device whose certificate they show; what was seen counts."""
    fleet = ct.link(ct.read_fleet("data/wire"))

    assert_parts_equal_whole(fleet, 3)


def test_profiles_count_in_every_part():
    """The TLS profile of a PBX decides about attempts of all parts."""
    profiles = pd.DataFrame({"pbx": [None], "tls_profile": ["strict"]}, dtype="str")
    fleet = dataclasses.replace(ct.read_fleet("data/wire"), profiles=profiles)

    assert_parts_equal_whole(ct.link(fleet), 3)


def test_attempts_without_a_time_are_judged_at_one_moment():
    """All parts take the same now."""
    fleet = small_fleet(30)
    log = fleet.registrations
    log = log.assign(time=log["time"].where(log["time"].isna()))
    parts = [*split(dataclasses.replace(fleet, registrations=log), 3)]

    moments = pd.concat([judge(part, now=AT)["judged_at"] for part in parts])

    assert (moments == AT).all()


@pytest.mark.parametrize("of", ["log", "devices"])
def test_empty_fleets_have_parts(of):
    """There is no row, and no error."""
    fleet = fleet_of()

    assert_parts_equal_whole(fleet, 3, of)
    assert len(split(fleet)) == 1


def test_parts_are_small():
    """What a part has of other parts is what its own rows need, and the CAs."""
    fleet = small_fleet(200, seed=1, healthy=True)
    parts = [*split(fleet, 5)]

    for part in parts:
        assert len(part.fleet.certificates) < 0.4 * len(fleet.certificates)
        assert len(part.fleet.devices) < 0.4 * len(fleet.devices)
    assert sum(len(part.positions) for part in parts) == len(ct.attempts(fleet))


def test_a_certificate_in_all_bundles_is_not_in_all_parts_of_it():
    """A CA that came with each device is needed once; its copies stay where they belong."""
    fleet = small_fleet(200, seed=1, healthy=True)
    parts = [*split(fleet, 10)]

    rows = sum(len(part.fleet.certificates) for part in parts)

    assert rows < 1.6 * len(fleet.certificates)
