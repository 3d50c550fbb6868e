"""Trust as the page has it: the certificate itself or any CA of its chain is in the list, by verified links."""

import hashlib
import subprocess

import pandas as pd
import pytest
from chain_builder import asked, bundle, certificate, listed, outcome, year

from certtrust.schema import CERTIFICATES, LINKS, TRUST, TRUST_STATES, empty
from certtrust.trust import links, trust_state

ROOT = certificate("root")
SUB = certificate("sub", "root")
LEAF = certificate("leaf", "sub", ca=None)


def ids(*ders: bytes) -> list[str]:
    """Return the fingerprints."""
    return [hashlib.sha256(der).hexdigest() for der in ders]


@pytest.mark.parametrize(
    ("entries", "state", "path"),
    [
        ([ROOT], "chain", [LEAF, SUB, ROOT]),
        ([SUB], "chain", [LEAF, SUB]),
        ([LEAF], "listed", [LEAF]),
        ([LEAF, SUB, ROOT], "listed", [LEAF]),
        ([ROOT, SUB], "chain", [LEAF, SUB]),
        ([certificate("stranger")], "unknown CA", []),
    ],
)
def test_any_certificate_of_the_chain_in_the_list_suffices(entries, state, path):
    """The page's rule; the shortest path is the one that is shown."""
    found, by, answer = outcome([LEAF, SUB], entries)
    assert (found, by) == (state, ids(*path))
    assert answer["trusted_by"].dropna().tolist() == ids(*path[-1:])


def _states() -> dict[str, tuple[list[bytes], list[bytes]]]:
    stranger = certificate("stranger")
    other = certificate("sub", "root", own="another key")
    no_ca = certificate("sub", "root", ca=False)
    expired = certificate("sub", "root", last=2021)
    itself = certificate("phone", ca=None)
    return {
        "self-signed": ([itself], [stranger]),
        "unknown CA": ([LEAF, SUB], [stranger]),
        "untrusted CA": ([LEAF, SUB, ROOT], [stranger]),
        "broken signature": ([LEAF, other], [ROOT]),
        "issuer is no CA": ([LEAF, no_ca], [ROOT]),
        "expired CA": ([LEAF, expired], [ROOT]),
        "no trust list": ([LEAF, SUB, ROOT], []),
        "unreadable": ([certificate("leaf", "root", ca=None, critical="1.2.3.4")], [ROOT]),
    }


@pytest.mark.parametrize("state", _states())
def test_why_it_is_not_trusted(state):
    """Each state has its own chain; the CA that is unknown and the one that is untrusted are told apart."""
    assert outcome(*_states()[state])[0] == state


def test_every_state_is_tried():
    """No state that the schema declares is left without a test."""
    elsewhere = {"listed", "chain", "no certificate"}
    assert {*_states(), *elsewhere} == set(TRUST_STATES)


def test_an_intermediate_that_nobody_presented_does_not_exist():
    """Another device's file holds the missing intermediate, and the PBX does not know of it."""
    certificates = pd.concat([bundle("a", LEAF), bundle("b", certificate("twin", "sub", ca=None), SUB)])
    question = asked(certificates, "a", "b")
    answer = question.join(trust_state.judge(question, certificates, listed(ROOT)))
    moment = pd.Series(year(2026), answer.index)
    assert trust_state.trust_at(answer, moment)["trust_state"].tolist() == ["unknown CA", "chain"]


def test_each_pbx_has_its_own_list():
    """A list belongs to one PBX, an entry without one to all, and a PBX without any entry has no list."""
    certificates = bundle("a", LEAF, SUB)
    question = pd.concat([asked(certificates, "a", pbx=pbx) for pbx in ("hq", "north", None)], ignore_index=True)
    lists = pd.concat([listed(ROOT, pbx="hq"), listed(certificate("stranger"), pbx="south")])
    states = trust_state.judge(question, certificates, lists)["trust_failure"].tolist()
    assert states == ["expired CA", "no trust list", "no trust list"], "expired CA: what it is while no path holds"
    everywhere = trust_state.judge(question, certificates, pd.concat([lists, listed(SUB, pbx=None)]))
    assert [len(paths) for paths in everywhere["trust_paths"]] == [1, 1, 1]


def test_a_re_keyed_ca_is_told_by_its_key():
    """Two CAs of one name: the one whose key signed is found, whatever stands first."""
    old, new = certificate("ca", own="old", signer="old"), certificate("ca", own="new", signer="new")
    leaf = certificate("phone", "ca", signer="new", ca=None)
    for order in ([old, new], [new, old]):
        assert outcome([leaf], order)[:2] == ("chain", ids(leaf, new))
    assert outcome([leaf], [old])[0] == "broken signature"


def test_cross_signing_gives_a_path_for_each_time():
    """One key under two roots: the path that is valid at the moment is taken, and none outside both spans."""
    early, late = certificate("early", last=2024), certificate("late", first=2023)
    by_early, by_late = certificate("sub", "early", last=2024), certificate("sub", "late", first=2023)
    chain, roots = [LEAF, by_early, by_late], [early, late]
    assert outcome(chain, roots, year(2022))[:2] == ("chain", ids(LEAF, by_early, early))
    assert outcome(chain, roots, year(2026))[:2] == ("chain", ids(LEAF, by_late, late))
    assert outcome(chain, [early], year(2026))[0] == "expired CA"
    assert outcome(chain, roots, year(2050))[0] == "expired CA"


def test_the_entry_must_be_valid_too_and_the_leaf_is_another_rules_matter():
    """OpenSSL checks the list's entry as well; the leaf's own dates are the rule time.validity."""
    assert outcome([LEAF, SUB], [certificate("root", last=2021)])[0] == "expired CA"
    assert outcome([certificate("leaf", "root", ca=None, last=2021)], [ROOT])[0] == "chain"
    _, _, answer = outcome([LEAF, SUB], [certificate("root", first=2022, last=2025)])
    path = answer["trust_paths"].iloc[0][0]
    spans = pd.to_datetime([path["not_before"], path["not_after"]], unit="us", utc=True)
    assert [spans[0].isoformat(), spans[1].isoformat(timespec="seconds")] == [
        "2022-01-01T00:00:00+00:00",
        "2025-12-31T00:00:00+00:00",
    ]
    last_second = pd.Timestamp("2025-12-31T00:00:00.5Z")
    assert outcome([LEAF, SUB], [certificate("root", first=2022, last=2025)], last_second)[0] == "chain"


@pytest.mark.parametrize(
    ("sub", "trusted_root", "trusted_sub"),
    [
        ({}, True, True),
        ({"ca": False}, False, False),
        ({"ca": None}, False, True),
        ({"cert_sign": True}, True, True),
        ({"cert_sign": False}, False, False),
        ({"path_length": 0}, True, True),
        ({"critical": "1.2.3.4"}, False, False),
        ({"excluded": ("example.com",)}, True, True),
    ],
)
def test_who_may_issue(sub, trusted_root, trusted_sub):
    """What an issuer must be, and that one without basicConstraints must stand in the list itself."""
    issuer = certificate("sub", "root", **sub)
    assert (outcome([LEAF, issuer], [ROOT])[0] == "chain") is trusted_root
    assert (outcome([LEAF, issuer], [issuer])[0] == "chain") is trusted_sub


def test_a_version_1_ca_counts_only_where_it_is_listed(tmp_path):
    """It has no basicConstraints, and old devices know no other."""

    def request(name: str) -> bytes:
        new = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.pem"]
        return subprocess.run([*new, "-subj", f"/CN={name}"], cwd=tmp_path, check=True, capture_output=True).stdout

    def signed(name: str, *by: str) -> bytes:
        sign = ["openssl", "x509", "-req", "-outform", "DER", "-sha1", "-out", f"{name}.der", *by]
        subprocess.run(sign, cwd=tmp_path, check=True, capture_output=True, input=request(name))
        return (tmp_path / f"{name}.der").read_bytes()

    def under(ca: str) -> list[str]:
        return ["-CA", f"{ca}.der", "-CAform", "DER", "-CAkey", f"{ca}.pem", "-CAcreateserial"]

    root = signed("root", "-signkey", "root.pem")
    sub = signed("sub", *under("root"))
    leaf = signed("leaf", *under("sub"))
    now = pd.Timestamp.now("UTC")
    assert outcome([leaf], [sub], now)[0] == "chain"
    assert outcome([sub], [root], now)[0] == "chain"
    assert outcome([leaf, sub], [root], now)[0] == "issuer is no CA"


def test_path_length_counts_what_is_not_self_issued():
    """A CA that signed its own new key does not use up the path length (RFC 5280, section 4.2.1.9)."""
    root = certificate("root", path_length=1)
    renewed = certificate("root", own="root 2", signer="root", serial=2)
    sub = certificate("sub", "root", signer="root 2")
    deeper = certificate("deeper", "sub")
    assert outcome([LEAF, sub, renewed], [root])[0] == "chain"
    leaf = certificate("leaf", "deeper", ca=None)
    assert outcome([leaf, deeper, sub, renewed], [root])[0] == "issuer is no CA"
    assert outcome([leaf, deeper, certificate("sub", "root", path_length=0)], [ROOT])[0] == "issuer is no CA"


def test_name_constraints_bind_each_leaf_by_its_own_names():
    """Leaves of one issuer are told apart where a CA above them has constraints."""
    root = certificate("root", permitted=("example.com",))
    fits = certificate("a", "sub", ca=None, dns=("phone.example.com",))
    leaves = [fits, certificate("b", "sub", ca=None, dns=("phone.example.net",)), certificate("c", "sub", ca=None)]
    certificates = pd.concat([bundle(str(place), leaf, SUB) for place, leaf in enumerate(leaves)], ignore_index=True)
    question = asked(certificates, "0", "1", "2")
    answer = trust_state.judge(question, certificates, listed(root))
    assert [len(paths) for paths in answer["trust_paths"]] == [1, 0, 1]
    assert answer["trust_failure"].tolist() == ["expired CA", "issuer is no CA", "expired CA"]


def test_a_listed_certificate_is_trusted_by_its_fingerprint():
    """Even where it cannot be read; only one that RFC 5280 forbids to use is left unknown."""
    broken = LEAF[:-1]
    assert outcome([broken], [broken])[0] == "listed"
    assert outcome([broken], [ROOT])[0] == "unreadable"
    forbidden = certificate("phone", ca=None, critical="1.2.3.4")
    assert outcome([forbidden], [forbidden])[0] == "unreadable"


def test_what_is_not_known_is_no_certificate():
    """No fingerprint, or one that no table holds; a listing without the certificate itself is unreadable."""
    question = pd.DataFrame({"fingerprint": [None, "00", ids(LEAF)[0]], "bundle": None, "pbx": "hq"}, dtype="str")
    certificates = bundle("a", LEAF).assign(der=None)
    assert trust_state.judge(question, certificates, listed(ROOT))["trust_failure"].tolist() == [
        "no certificate",
        "no certificate",
        "unreadable",
    ]


def test_a_missing_moment_decides_only_what_does_not_depend_on_it():
    """A listed certificate and a missing CA need no moment; a path does."""
    for entries, state in (([LEAF], "listed"), ([certificate("stranger")], "unknown CA"), ([ROOT], pd.NA)):
        answer = outcome([LEAF, SUB], entries)[2].drop(columns=["trust_state", "trusted_by"])
        found = trust_state.trust_at(answer, pd.Series([pd.NaT], dtype="datetime64[us, UTC]"))["trust_state"].iloc[0]
        assert pd.isna(found) if state is pd.NA else found == state


def test_each_link_is_verified_once_and_another_list_or_moment_costs_nothing(monkeypatch):
    """Three devices share a CA: one check each, one for the CA, one for the root, and none afterwards."""
    asked_for = []
    real = links.verify_many
    monkeypatch.setattr(links, "verify_many", lambda *parts: asked_for.extend(parts[0]) or real(*parts))
    leaves = [certificate(name, "sub", ca=None) for name in "abc"]
    certificates = pd.concat([bundle(str(place), leaf, SUB, ROOT) for place, leaf in enumerate(leaves)])
    known = trust_state.link(certificates, listed(ROOT))
    assert len(asked_for) == len(known) == 5
    assert known["verified"].all()
    question = asked(certificates, "0", "1", "2")
    for entries in ([ROOT], [SUB], leaves, [certificate("sub", "root", serial=9)]):
        answer = trust_state.judge(question, certificates, listed(*entries), known)
        assert answer["trust_paths"].map(bool).all()
    assert len(asked_for) == 6, "only the entry that was never seen"
    assert trust_state.link(certificates, listed(ROOT), known).equals(known)


def test_links_may_be_missing_or_partial():
    """Whatever is missing is verified when it is needed."""
    certificates = bundle("a", LEAF, SUB)
    question, trust = asked(certificates, "a"), listed(ROOT)
    known = trust_state.link(certificates, trust)
    whole = trust_state.judge(question, certificates, trust, known)
    for part in (None, empty(LINKS), known.iloc[:1], known.iloc[1:]):
        assert trust_state.judge(question, certificates, trust, part).equals(whole)


def test_the_frames_are_not_changed_and_the_index_is_kept():
    """Every arrow is a pure function; rows may repeat and their labels mean nothing."""
    certificates, trust = bundle("a", LEAF, SUB), listed(ROOT)
    question = asked(certificates, "a").loc[[0, 0, 0]].set_axis([7, 7, -1])
    before = [frame.copy() for frame in (question, certificates, trust)]
    answer = trust_state.judge(question, certificates, trust)
    assert answer.index.tolist() == [7, 7, -1]
    assert answer["trust_paths"].iloc[0] is answer["trust_paths"].iloc[2]
    for frame, copy in zip((question, certificates, trust), before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_nothing_in_nothing_out():
    """Empty tables are answered with empty tables."""
    question = pd.DataFrame(columns=["fingerprint", "bundle", "pbx"], dtype="str")
    answer = question.join(trust_state.judge(question, empty(CERTIFICATES), empty(TRUST)))
    moment = pd.Series([], dtype="datetime64[us, UTC]")
    assert trust_state.trust_at(answer, moment).empty
    assert trust_state.path_at(answer, moment).empty
    assert trust_state.link(empty(CERTIFICATES), empty(TRUST)).empty
