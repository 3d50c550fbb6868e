"""What-ifs: a changed configuration is judged like any other."""

import pandas as pd
import pytest

import certtrust as ct
from certtrust.advice import what_if
from certtrust.testing import small_fleet


@pytest.fixture(scope="module")
def fleet():
    """Return a linked fleet without faults, some of whose devices log in with a password."""
    return small_fleet(80, seed=4, healthy=True)


def results_under(fleet, **options):
    """Return the results of a fleet under the what-if."""
    return ct.check(ct.attempts(what_if(fleet, **options)))


def test_tls_only_everywhere_excludes_every_password(fleet):
    """The article says that with TLS only set, a registration by password is not possible."""
    before, after = results_under(fleet), results_under(fleet, tls_only=True)
    password = (before["scenario"] == "h323-password") & ~before[
        "via_reverse_proxy"
    ].fillna(value=False)
    assert password.any()
    assert set(after.loc[password, "verdict"]) == {"fail"}
    assert set(after.loc[password, "cause"].astype("str")) <= {
        "password.tls_only",
        "transport.tls_only",
    }
    assert set(results_under(fleet, tls_only=False).loc[password, "verdict"]) == {
        "pass"
    }


def test_without_passwords_everything_is_judged_by_its_certificate(fleet):
    """Every registration over H.323 then belongs to the certificate scenario."""
    after = results_under(fleet, authentication="certificate")
    assert set(after["scenario"].dropna()) == {"h323-certificate"}


def test_an_empty_list_trusts_nobody_and_the_old_list_trusts_again(fleet):
    """A list may be replaced and put back."""
    before = results_under(fleet)
    with_empty_list = results_under(
        fleet,
        trust=ct.schema.conform(
            pd.DataFrame({"parse_error": ["empty"]}), ct.schema.TRUST
        ),
    )
    by_certificate = before["scenario"] == "h323-certificate"
    assert not with_empty_list.loc[by_certificate, "certificate.trust"].any()
    assert results_under(fleet, trust=fleet.trust)["verdict"].equals(
        before["verdict"]
    )


def test_retiring_a_ca_affects_only_what_it_made_trusted(fleet):
    """A CA is given by name or fingerprint; certificates trusted by others do not change."""
    before = results_under(fleet)
    chained = before[before["trust_state"] == "chain"]
    entry = chained["trusted_by"].value_counts().index[0]
    after = results_under(fleet, retire=entry)
    hit = before["trusted_by"] == entry
    assert not (after.loc[hit, "trusted_by"] == entry).any()
    assert after.loc[~hit, "trust_state"].equals(before.loc[~hit, "trust_state"])
    name = fleet.trust.loc[fleet.trust["fingerprint"] == entry, "subject_cn"].iloc[0]
    assert len(what_if(fleet, retire=name).trust) <= len(
        what_if(fleet, retire=entry).trust
    )


def test_retiring_the_last_entry_leaves_a_known_list(fleet):
    """A list without entries trusts nobody; it does not become an unknown one."""
    lone = fleet.trust.head(1)
    after = what_if(fleet, trust=lone, retire=lone["fingerprint"].iloc[0])
    assert after.trust["pbx"].tolist() == lone["pbx"].tolist()
    assert after.trust["fingerprint"].isna().all()


def test_mistakes_are_refused(fleet):
    """A CA that is in no list and an unknown way to authenticate raise."""
    with pytest.raises(ct.CerttrustError, match="no trust list contains 'Nobody'"):
        what_if(fleet, retire="Nobody")
    with pytest.raises(ct.CerttrustError, match="by certificate or by password"):
        what_if(fleet, authentication="smile")


def test_a_what_if_leaves_the_fleet_alone(fleet):
    """It works on copies, and without options it returns the same fleet."""
    copies = [
        frame.copy() for frame in (fleet.trust, fleet.devices, fleet.registrations)
    ]
    what_if(
        fleet,
        tls_only=True,
        authentication="password",
        retire=fleet.trust["fingerprint"].iloc[0],
    )
    for before, now in zip(
        copies, (fleet.trust, fleet.devices, fleet.registrations), strict=True
    ):
        pd.testing.assert_frame_equal(before, now)
    assert what_if(fleet) is fleet
