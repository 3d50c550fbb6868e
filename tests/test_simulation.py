"""The simulated fleet: compare its signatures with openssl, its truth with the rules, and its
files with the readers.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from thoroughness import first

import certtrust as ct
from certtrust import simulation
from certtrust.errors import CerttrustError
from certtrust.schema import DEVICES, TABLES

SHIPPED = Path(__file__).parent.parent / "data" / "fleet"
OF_KEYS = ["fingerprint", "der", "subject_key_id", "authority_key_id", "raw"]
CERTIFICATE_CAUSES = {"certificate.trust", "certificate.name", "time.validity"}


@pytest.fixture(scope="module")
def fleet() -> ct.Fleet:
    """Return a fleet with the default faults."""
    return simulation.simulate(200, seed=7)


def failures(fleet: ct.Fleet) -> pd.DataFrame:
    """Return the attempts that really failed."""
    return fleet.registrations.dropna(subset="true_cause")


def device_names(rows: pd.DataFrame) -> pd.Series:
    """Return the serial or else the hardware ID of each row."""
    return rows["serial"].fillna(rows["hardware_id"])


class TestFaults:
    """The simulated failures are those that `faults` requests."""

    def test_a_healthy_fleet_fails_nowhere(self) -> None:
        """Without faults there are no failures, and no data are missing."""
        log = simulation.simulate(60, seed=1, faults={}).registrations
        assert log["true_cause"].isna().all()
        assert (log["true_failed"] == "").all()
        assert set(log["state"].dropna()) == {"up"}
        assert log["decidable"].all()

    @pytest.mark.parametrize("cause", first(simulation.CAUSES, 6))
    def test_each_cause_hits_its_share_of_the_devices(self, cause: str) -> None:
        """A single fault has only itself as cause, on the requested number of devices."""
        fleet = simulation.simulate(60, seed=2, faults={cause: 0.3})
        failed = failures(fleet)
        assert set(failed["true_cause"]) == {cause}
        assert device_names(failed).nunique() <= 18
        # A certificate that ends in the last days of the log may have no failed attempt.
        assert device_names(failed).nunique() >= 14
        assert set(failed["true_failed"]) == ({cause} if "." in cause else {""})

    @pytest.mark.parametrize(
        "causes",
        [
            ("certificate.trust", "certificate.name"),
            ("certificate.trust", "time.validity", "certificate.name"),
            ("time.clock", "certificate.trust"),
            ("transport.tls_only", "password.tls_only"),
            ("certificate.name", "timeout"),
            ("time.clock", "wrong_password"),
        ],
    )
    def test_several_causes_occur_together(self, causes: tuple[str, ...]) -> None:
        """All rules of the tuple fail together, and the first of them in order is the cause."""
        failed = failures(simulation.simulate(40, seed=3, faults={causes: 1.0}))
        together = ",".join(
            cause for cause in simulation.CAUSES if cause in causes and "." in cause
        )
        assert together in set(failed["true_failed"])
        assert failed.loc[
            failed["true_failed"] == together, "true_cause"
        ].unique().tolist() == [together.split(",")[0]]

    def test_an_unset_clock_and_a_plain_transport_exclude_each_other(self) -> None:
        """Only H.323/TLS requires a clock."""
        with pytest.raises(ct.CerttrustError, match="exclude each other"):
            simulation.simulate(
                40, seed=3, faults={("time.clock", "transport.tls_only"): 1.0}
            )

    def test_an_unknown_cause_is_refused_with_the_known_ones(self) -> None:
        """The message lists the valid names."""
        with pytest.raises(
            CerttrustError,
            match=r"certificate\.trst.*not a cause.*certificate\.trust.*wrong_password",
        ):
            simulation.simulate(5, faults={"certificate.trst": 0.5})

    @pytest.mark.parametrize(
        "faults",
        [
            {("password.tls_only", "certificate.trust"): 0.5},
            {("wrong_password", "certificate.name"): 0.5},
            {("timeout", "unknown_user"): 0.5},
            {("transport.tls_only", "wrong_password"): 0.1},
            {(): 0.1},
            {"timeout": -0.1},
            {"timeout": float("nan")},
            {"timeout": 0.7, "unexplained": 0.7},
        ],
    )
    def test_impossible_faults_are_refused(self, faults: dict[str, float]) -> None:
        """Causes may exclude each other, and shares may be out of range."""
        with pytest.raises(CerttrustError):
            simulation.simulate(5, faults=faults)

    def test_wrong_numbers_are_refused(self) -> None:
        """The number of devices and the share of gaps are bounded."""
        with pytest.raises(CerttrustError, match="number of devices"):
            simulation.simulate(-1)
        with pytest.raises(CerttrustError, match="gaps"):
            simulation.simulate(1, gaps=1.5)

    @pytest.mark.parametrize("devices", [0, 1, 2])
    def test_the_smallest_fleets_have_every_column(self, devices: int) -> None:
        """Even an empty fleet has them."""
        fleet = simulation.simulate(devices, seed=1)
        assert len(fleet.devices) == devices
        for name in ("certificates", "trust", "devices", "registrations"):
            assert (
                list(getattr(fleet, name))[: len(TABLES[name.upper()].names)]
                == TABLES[name.upper()].names
            )


class TestSeed:
    """The seed determines the fleet."""

    def test_only_keys_differ_between_two_runs(self) -> None:
        """All columns that do not depend on a key are equal row by row."""
        one, other = (simulation.simulate(100, seed=11) for _ in range(2))
        for name in ("certificates", "trust", "devices", "registrations"):
            left, right = getattr(one, name), getattr(other, name)
            stable = [column for column in left if column not in OF_KEYS]
            pd.testing.assert_frame_equal(left[stable], right[stable])
        assert not set(one.certificates["fingerprint"]) & set(
            other.certificates["fingerprint"]
        )

    def test_certificates_that_the_log_names_stay_the_same_ones(self) -> None:
        """A fingerprint differs between two runs, but belongs to the certificate at the same
        position.
        """
        positions = []
        for _ in range(2):
            fleet = simulation.simulate(80, seed=12)
            first = fleet.certificates.drop_duplicates("fingerprint").set_index(
                "fingerprint"
            )
            fingerprints = fleet.registrations["fingerprint"].dropna()
            positions.append(
                (first["source"] + first["position"].astype("str"))
                .reindex(fingerprints)
                .tolist()
            )
        assert positions[0] == positions[1]

    def test_the_order_of_sets_does_not_matter(self) -> None:
        """Python randomises hashes of strings in every process; the fleet stays the same."""
        program = (
            "import certtrust as ct; f = ct.simulate(30, seed=5);"
            "d = [f.devices, f.registrations.drop(columns=['fingerprint', 'raw']),"
            " f.certificates[['source', 'position', 'subject', 'issuer', 'serial_number', "
            "'not_before', 'not_after']]];"
            "import hashlib; print(hashlib.sha256(''.join(x.to_csv() for x in "
            "d).encode()).hexdigest())"
        )
        runs = [
            subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            )
            for seed in ("1", "2")
        ]
        assert runs[0].stdout == runs[1].stdout

    def test_seeds_vary(self) -> None:
        """Sites, customers, faults and devices differ between seeds."""
        fleets = [simulation.simulate(50, seed=seed) for seed in range(6)]
        assert (
            len({tuple(sorted(fleet.devices["pbx"].unique())) for fleet in fleets})
            == 6
        )
        assert (
            len({fleet.trust["organisation"].dropna().min() for fleet in fleets}) > 1
        )
        assert (
            len(
                {
                    tuple(failures(fleet)["true_cause"].value_counts().sort_index())
                    for fleet in fleets
                }
            )
            == 6
        )


class TestContents:
    """A fleet contains what it should, and none of it is real."""

    @pytest.mark.parametrize(
        "seed",
        [0, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (1, 2, 3))],
    )
    def test_every_cause_and_kind_of_device_occurs(self, seed: int) -> None:
        """A default fleet of 200 devices has all of them."""
        fleet = simulation.simulate(200, seed=seed)
        log, devices, certificates = (
            fleet.registrations,
            fleet.devices,
            fleet.certificates,
        )
        assert set(log["true_cause"].dropna()) == set(simulation.CAUSES)
        assert {"up", "timeout", "rejected", "unauthorized", "down"} == set(
            log["state"].dropna()
        )
        assert {"alarm", "clear", "event"} <= set(log["matched_by"].dropna())
        assert log["true_failed"].str.contains(",").any()
        assert (~log["decidable"]).any()
        assert log["clock_unset"].any()
        assert log.loc[log["clock_unset"], "time"].isna().all()
        assert log["via_reverse_proxy"].fillna(value=False).any()
        assert log["registration_name"].str.fullmatch(r"[0-9a-f]{12}-TEL\d").any()
        assert {"H.323/TLS", "H.323/TCP"} <= set(log["protocol"].dropna())
        assert devices["hardware_id"].str.startswith("Swphone_").any()
        assert devices["serial"].notna().any()
        assert set(devices["tls_only"]) == {True, False}
        assert devices["reverse_proxy"].any()
        leaves = certificates[~certificates["is_ca"]]
        assert leaves["self_issued"].any()
        assert (leaves["subject_cn"].str.len() < 8).any()
        assert {"RSA", "EC"} <= set(leaves["key_type"])
        issuers = {
            "innovaphone Device Certification Authority",
            "innovaphone Device Certification Authority 2",
        }
        assert issuers <= set(leaves["issuer_cn"])
        assert (leaves["not_after"] < simulation.NOW).any()
        assert fleet.trust["pbx"].nunique() == devices["pbx"].nunique() - 1
        assert fleet.trust.loc[~fleet.trust["is_ca"], "self_issued"].all()

    def test_the_log_ends_at_the_fixed_moment(self, fleet: ct.Fleet) -> None:
        """The fleet does not age: its log always covers the weeks before NOW."""
        time = fleet.registrations["time"].dropna()
        assert simulation.NOW.isoformat() == "2026-11-01T00:00:00+00:00"
        assert time.max() < simulation.NOW
        assert (
            simulation.NOW - pd.Timedelta(days=28)
            <= time.min()
            < simulation.NOW - pd.Timedelta(days=26)
        )

    def test_addresses_and_serials_are_for_documentation(
        self, fleet: ct.Fleet
    ) -> None:
        """Addresses are in the ranges of RFC 5737 and RFC 3849, and serials have the documented
        prefix.
        """
        nets = [
            ipaddress.ip_network(net)
            for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
        ]
        nets.append(ipaddress.ip_network("2001:db8::/32"))
        large = (
            simulation.simulate(800, seed=1, faults={})
            .registrations["remote_address"]
            .dropna()
        )
        for address in {*fleet.registrations["remote_address"].dropna(), *large}:
            assert any(ipaddress.ip_address(address) in net for net in nets)
        assert fleet.registrations["serial"].dropna().str.startswith("009033").all()
        assert (
            fleet.certificates["dns_names"]
            .explode()
            .dropna()
            .str.endswith("example.com")
            .all()
        )

    def test_every_subject_says_that_it_is_synthetic(self, fleet: ct.Fleet) -> None:
        """No certificate could be mistaken for one of a vendor or a customer."""
        organisations = pd.concat(
            [fleet.certificates["organisation"], fleet.trust["organisation"]]
        )
        assert organisations.str.contains("Synthetic|Example").all()

    def test_no_private_key_is_left(self, fleet: ct.Fleet, tmp_path: Path) -> None:
        """The files of a fleet contain none."""
        simulation.write(fleet, tmp_path)
        assert not any(
            b"PRIVATE" in path.read_bytes() for path in tmp_path.rglob("*.*")
        )


def openssl_accepts(
    leaf: str,
    chain: list[str],
    trusted: list[str],
    moment: pd.Timestamp,
    folder: Path,
) -> bool:
    """Return True where openssl accepts a leaf, with each entry of the trust list as an anchor."""
    for name, pems in (("leaf", [leaf]), ("chain", chain), ("trusted", trusted)):
        (folder / f"{name}.pem").write_text("".join(pems))
    files = [
        "-CAfile",
        f"{folder}/trusted.pem",
        "-untrusted",
        f"{folder}/chain.pem",
        f"{folder}/leaf.pem",
    ]
    at = ["-attime", str(int(moment.timestamp()))]
    command = [
        "openssl",
        "verify",
        "-partial_chain",
        "-no-CApath",
        "-no-CAstore",
        *at,
        *files,
    ]
    process = subprocess.run(command, capture_output=True, check=False)
    return process.returncode == 0


def pem(der: bytes) -> str:
    """Return a certificate as text."""
    return (
        f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END "
        f"CERTIFICATE-----\n"
    )


class TestTruth:
    """Compare the truth of an attempt with openssl and with the package's own results."""

    @pytest.mark.parametrize(
        "seed", [0, pytest.param(1, marks=pytest.mark.exhaustive)]
    )
    def test_openssl_agrees_on_trust_and_validity(
        self, seed: int, tmp_path: Path
    ) -> None:
        """Openssl accepts a logged certificate at its time exactly if neither rule truly fails."""
        faults = {
            "certificate.trust": 0.4,
            "time.validity": 0.2,
            ("certificate.trust", "time.validity"): 0.1,
        }
        fleet = simulation.simulate(90, seed=seed, faults=faults)
        text = {
            row.fingerprint: pem(row.der) for row in fleet.certificates.itertuples()
        }
        bundles = fleet.certificates.groupby("bundle")["fingerprint"].agg(list)
        bundle_of = fleet.certificates.drop_duplicates("fingerprint").set_index(
            "fingerprint"
        )["bundle"]
        entries = fleet.trust.groupby("pbx")["der"].agg(
            lambda ders: [pem(der) for der in ders]
        )
        named = fleet.registrations.dropna(subset=["fingerprint", "time"])
        named = named[named["pbx"].isin(entries.index)].drop_duplicates(
            ["fingerprint", "true_failed"]
        )
        seen = set()
        for row in named.itertuples():
            chain = [text[other] for other in bundles[bundle_of[row.fingerprint]]]
            accepted = openssl_accepts(
                text[row.fingerprint], chain, entries[row.pbx], row.time, tmp_path
            )
            assert accepted == (
                not {"certificate.trust", "time.validity"}
                & set(row.true_failed.split(","))
            ), row
            seen.add(accepted)
        assert seen == {True, False}
        assert len(named) > 40

    @pytest.mark.parametrize(
        "seed",
        [
            0,
            1,
            2,
            *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(3, 30)),
        ],
    )
    def test_the_cause_is_found_wherever_the_data_suffice(self, seed: int) -> None:
        """`cause` equals the truth where the data decide it, and otherwise never blames a
        certificate.
        """
        assert_causes_match_the_truth(simulation.simulate(200, seed=seed))

    @pytest.mark.parametrize(
        "examples", [4, pytest.param(40, marks=pytest.mark.exhaustive)]
    )
    def test_the_cause_is_found_in_any_mix(self, examples: int) -> None:
        """Causes occur in any combination, with few or many gaps in the data."""
        several = [
            ("certificate.trust", "certificate.name"),
            ("time.clock", "certificate.trust", "time.validity"),
            ("transport.tls_only", "password.tls_only", "timeout"),
            (
                "certificate.trust",
                "time.validity",
                "certificate.name",
                "unknown_user",
            ),
        ]
        causes = st.sampled_from([*simulation.CAUSES, *several])

        @settings(
            max_examples=examples, deadline=None, phases=[Phase.reuse, Phase.generate]
        )  # shrinking takes minutes
        @given(
            st.integers(0, 10_000),
            st.sampled_from([0.0, 0.3, 1.0]),
            st.lists(causes, unique=True, min_size=1),
        )
        def is_found(
            seed: int, gaps: float, chosen: list[str | tuple[str, ...]]
        ) -> None:
            faults = dict.fromkeys(chosen, 1 / len(chosen))
            assert_causes_match_the_truth(
                simulation.simulate(40, seed=seed, faults=faults, gaps=gaps)
            )

        is_found()

    @pytest.mark.exhaustive
    @pytest.mark.parametrize("seed", range(20))
    def test_the_cause_is_found_in_large_fleets(self, seed: int) -> None:
        """Fleets of 10,000 devices give the same."""
        assert_causes_match_the_truth(simulation.simulate(10_000, seed=seed))


def assert_causes_match_the_truth(fleet: ct.Fleet) -> None:
    """Compare the causes and all broken rules with the truth."""
    results = ct.check(ct.attempts(fleet))
    sure = results["decidable"].astype(bool)
    cause, truth = (
        results["cause"].astype("object"),
        results["true_cause"].astype("object"),
    )
    wrong = results[sure & (cause.fillna("") != truth.fillna(""))]
    assert wrong.empty, wrong.iloc[0].to_dict()
    blamed = results[~sure & cause.isin(CERTIFICATE_CAUSES)]
    assert blamed.empty, blamed.iloc[0].to_dict()
    rules = [cause for cause in simulation.CAUSES if "." in cause]
    broken = results[rules].eq(other=False).fillna(value=False).astype(bool)
    broken_rules = pd.Series(
        [",".join(broken.columns[row]) for row in broken.to_numpy()],
        index=results.index,
        dtype="str",
    )
    partly = results[
        results["all_decidable"].astype(bool)
        & (broken_rules != results["true_failed"])
    ]
    assert partly.empty, partly.iloc[0].to_dict()
    for code in rules:
        invented = (
            sure
            & results["scenario"].notna()
            & broken[code]
            & ~results["true_failed"].str.contains(code, regex=False)
        )
        assert not invented.any(), results[invented].iloc[0].to_dict()


class TestFiles:
    """A fleet that was written to files is read back unchanged."""

    def test_the_fleet_survives_its_files(
        self, fleet: ct.Fleet, tmp_path: Path
    ) -> None:
        """All certificates, trust lists, device flags and log lines come back, in order."""
        back = ct.read_fleet(simulation.write(fleet, tmp_path))
        for name in ("certificates", "trust"):
            columns = ["fingerprint", "source", "bundle", "position"] + (
                ["pbx"] if name == "trust" else []
            )
            left, right = (
                getattr(one, name).sort_values(columns)[columns]
                for one in (fleet, back)
            )
            pd.testing.assert_frame_equal(
                left.reset_index(drop=True), right.reset_index(drop=True)
            )
        pd.testing.assert_frame_equal(
            fleet.devices, back.devices[DEVICES.names], check_categorical=False
        )
        ours = [
            column
            for column in TABLES["REGISTRATIONS"].names
            if column in back.registrations
        ]
        left, right = (
            one.registrations[ours].astype({"line": "int64"}) for one in (fleet, back)
        )
        for column in ours:
            assert (
                left[column].astype("object").fillna("-").tolist()
                == right[column].astype("object").fillna("-").tolist()
            )

    def test_the_same_devices_are_joined_with_the_same_certificates(
        self, fleet: ct.Fleet, tmp_path: Path
    ) -> None:
        """Writing and reading files changes no verdict."""
        back = ct.read_fleet(simulation.write(fleet, tmp_path))
        one, other = (ct.check(ct.attempts(copy)) for copy in (fleet, back))
        for column in ("fingerprint", "scenario", "verdict", "cause", "trust_state"):
            assert (
                one[column].astype("object").fillna("-").tolist()
                == other[column].astype("object").fillna("-").tolist()
            )

    def test_the_truth_is_stored_beside_the_data(
        self, fleet: ct.Fleet, tmp_path: Path
    ) -> None:
        """The truth of each log line is found by file and line."""
        simulation.write(fleet, tmp_path)
        truth = pd.read_csv(tmp_path / "truth.csv", keep_default_na=False)
        assert truth["source"].tolist() == fleet.registrations["source"].tolist()
        assert truth["line"].tolist() == fleet.registrations["line"].tolist()
        assert (
            truth["true_cause"].tolist()
            == fleet.registrations["true_cause"].astype("object").fillna("").tolist()
        )

    def test_two_fleets_do_not_mix(self, fleet: ct.Fleet, tmp_path: Path) -> None:
        """A directory that is not empty is left alone."""
        (tmp_path / "mine.txt").write_text("keep me")
        with pytest.raises(CerttrustError, match="empty"):
            simulation.write(fleet, tmp_path)

    def test_nothing_is_written_outside_of_the_directory(
        self, tmp_path: Path
    ) -> None:
        """A source with a path outside, or a missing one, is refused."""
        fleet = simulation.simulate(3, seed=1)
        stray = ct.Fleet(
            fleet.certificates.assign(source="../../stray.pem"),
            *list(vars(fleet).values())[1:],
        )
        with pytest.raises(CerttrustError, match="outside"):
            simulation.write(stray, tmp_path / "one")
        nameless = ct.Fleet(
            fleet.certificates.assign(source=None), *list(vars(fleet).values())[1:]
        )
        with pytest.raises(CerttrustError, match="source"):
            simulation.write(nameless, tmp_path / "two")
        assert not (tmp_path / "stray.pem").exists()


class TestShippedFleet:
    """The fleet in `data/fleet`."""

    def test_it_is_small_and_says_that_it_is_synthetic(self) -> None:
        """It has 200 devices in less than 3 MB, and a README."""
        assert (
            sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file())
            < 3_000_000
        )
        assert re.search(
            r"synthetic", (SHIPPED / "README.md").read_text(), re.IGNORECASE
        )
        assert len(ct.read_devices(SHIPPED / "devices")) == 200

    def test_its_causes_are_found(self) -> None:
        """The results of the files agree with the truth stored beside them."""
        fleet = ct.read_fleet(SHIPPED)
        truth = (
            pd.read_csv(SHIPPED / "truth.csv")
            .fillna({"true_failed": ""})
            .set_index(["source", "line"])
        )
        lines = pd.MultiIndex.from_frame(
            fleet.registrations[["source", "line"]].astype({"line": "int64"})
        )
        truth = truth.reindex(lines).set_index(fleet.registrations.index)
        assert truth["decidable"].notna().all()
        with_truth = fleet.registrations.assign(**truth)
        assert_causes_match_the_truth(
            ct.Fleet(fleet.certificates, fleet.trust, fleet.devices, with_truth)
        )
