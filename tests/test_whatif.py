"""What-ifs: another configuration is another input, and the difference of two results is a
frame.
"""

import pandas as pd
import pytest

import certtrust as ct
from certtrust.advice import changes, what_if
from certtrust.testing import small_fleet


@pytest.fixture(scope="module")
def fleet():
    """Return a linked fleet without faults, some of whose devices log in with a password."""
    return small_fleet(80, seed=4, healthy=True)


def judged(fleet, **options):
    """Return the results of a fleet under the what-if."""
    return ct.check(ct.attempts(what_if(fleet, **options)))


def test_tls_only_for_everybody_ends_every_password(fleet):
    """By the article: with TLS only set, a registration by password is not possible."""
    before, after = judged(fleet), judged(fleet, tls_only=True)
    password = (before["scenario"] == "h323-password") & ~before[
        "via_reverse_proxy"
    ].fillna(value=False)
    assert password.any()
    assert set(after.loc[password, "verdict"]) == {"fail"}
    assert set(after.loc[password, "cause"].astype("str")) <= {
        "password.tls_only",
        "transport.tls_only",
    }
    assert set(judged(fleet, tls_only=False).loc[password, "verdict"]) == {"pass"}


def test_without_passwords_everything_is_judged_by_its_certificate(fleet):
    """Every registration over H.323 is then one of the certificate scenario."""
    after = judged(fleet, authentication="certificate")
    assert set(after["scenario"].dropna()) == {"h323-certificate"}


def test_an_empty_list_trusts_nobody_and_the_old_list_trusts_again(fleet):
    """A list may be swapped, and swapped back."""
    before = judged(fleet)
    nobody = judged(
        fleet,
        trust=ct.schema.conform(
            pd.DataFrame({"parse_error": ["empty"]}), ct.schema.TRUST
        ),
    )
    asked = before["scenario"] == "h323-certificate"
    assert not nobody.loc[asked, "certificate.trust"].any()
    assert judged(fleet, trust=fleet.trust)["verdict"].equals(before["verdict"])


def test_a_retired_ca_takes_down_what_hangs_on_it_alone(fleet):
    """By its name or its fingerprint, what it alone made trusted is not trusted any more, and
    nothing else changes.
    """
    before = judged(fleet)
    chained = before[before["trust_state"] == "chain"]
    entry = chained["trusted_by"].value_counts().index[0]
    after = judged(fleet, retire=entry)
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
    """A CA that no list holds, and a word that is no way to authenticate."""
    with pytest.raises(ct.CerttrustError, match="no trust list holds 'Nobody'"):
        what_if(fleet, retire="Nobody")
    with pytest.raises(ct.CerttrustError, match="by certificate or by password"):
        what_if(fleet, authentication="smile")


def test_a_what_if_leaves_the_fleet_alone(fleet):
    """It works on copies, and without options it is the same fleet."""
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


def results_of(*verdicts, index=None):
    """Return the columns of results that a difference is made of."""
    frame = pd.DataFrame(verdicts, columns=["verdict", "cause"], index=index)
    return frame.assign(device="d", pbx="p")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (("pass", None), ("fail", "time.clock"), "broken"),
        (("unknown", None), ("fail", "time.clock"), "broken"),
        (("fail", "time.clock"), ("pass", None), "repaired"),
        (("fail", "time.clock"), ("pass", "timeout"), "repaired"),
        (("fail", "time.clock"), ("unknown", None), "now unknown"),
        (("pass", None), ("unknown", None), "now unknown"),
        (("unknown", None), ("pass", None), "now known"),
        (("fail", "time.clock"), ("fail", "certificate.name"), "other cause"),
        (("fail", "time.clock"), ("fail", "time.clock"), None),
        (("pass", "timeout"), ("pass", None), None),
        (("unknown", None), ("unknown", None), None),
    ],
)
def test_each_change_has_its_name(before, after, change):
    """By verdicts, and by causes where both fail."""
    found = changes(results_of(before), results_of(after))
    assert found["change"].tolist() == ([] if change is None else [change])


def test_labels_that_occur_twice_are_refused():
    """Which of two attempts of one label changed cannot be told."""
    twice, once = (
        results_of(("pass", None), ("pass", None), index=[5, 5]),
        results_of(("pass", None), index=[5]),
    )
    for before, after in ((twice, once), (once, twice), (twice, twice)):
        with pytest.raises(ct.CerttrustError, match="more than once"):
            changes(before, after)


def test_rows_that_one_side_lacks_are_listed_last():
    """The worst changes come first; labels are those of the results."""
    before = results_of(
        ("pass", None), ("pass", None), ("fail", "time.clock"), index=[5, 6, 7]
    )
    after = results_of(
        ("fail", "time.clock"), ("pass", None), ("pass", None), index=[6, 7, 8]
    )
    found = changes(before, after)
    assert list(zip(found["attempt"], found["change"], strict=True)) == [
        (6, "broken"),
        (7, "repaired"),
        (5, "gone"),
        (8, "new"),
    ]
    assert found["device"].notna().all()
