"""Trust as the page has it: the certificate itself or any CA of its chain is in the list, by
verified links.
"""

import hashlib
import subprocess

import pandas as pd
import pytest
from chain_builder import asked, bundle, certificate, listed, outcome, year

from certtrust.schema import CERTIFICATES, LINKS, TRUST, TRUST_STATES, conform, empty
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
        "unreadable": (
            [certificate("leaf", "root", ca=None, critical="1.2.3.4")],
            [ROOT],
        ),
    }


@pytest.mark.parametrize("state", _states())
def test_why_it_is_not_trusted(state):
    """Each state has its own chain; the CA that is unknown and the one that is untrusted are
    told apart.
    """
    assert outcome(*_states()[state])[0] == state


def test_every_state_is_tried():
    """No state that the schema declares is left without a test."""
    elsewhere = {
        "listed",
        "chain",
        "no certificate",
        "incomplete trust list",
        "incomplete chain",
    }
    elsewhere |= {"chain too long", "too many names"}
    assert {*_states(), *elsewhere} == set(TRUST_STATES)


def test_an_intermediate_that_nobody_presented_does_not_exist():
    """Another device's file holds the missing intermediate, and the PBX does not know of it."""
    certificates = pd.concat(
        [bundle("a", LEAF), bundle("b", certificate("twin", "sub", ca=None), SUB)]
    )
    question = asked(certificates, "a", "b")
    answer = question.join(trust_state.judge(question, certificates, listed(ROOT)))
    moment = pd.Series(year(2026), answer.index)
    assert trust_state.trust_at(answer, moment)["trust_state"].tolist() == [
        "unknown CA",
        "chain",
    ]


def test_each_pbx_has_its_own_list():
    """A list belongs to one PBX, an entry without one to all, and a PBX without any entry has
    no list.
    """
    certificates = bundle("a", LEAF, SUB)
    question = pd.concat(
        [asked(certificates, "a", pbx=pbx) for pbx in ("hq", "north", None)],
        ignore_index=True,
    )
    lists = pd.concat(
        [listed(ROOT, pbx="hq"), listed(certificate("stranger"), pbx="south")]
    )
    states = trust_state.judge(question, certificates, lists)[
        "trust_failure"
    ].tolist()
    assert states == ["expired CA", "no trust list", "no trust list"], (
        "expired CA: what it is while no path holds"
    )
    everywhere = trust_state.judge(
        question, certificates, pd.concat([lists, listed(SUB, pbx=None)])
    )
    assert [len(paths) for paths in everywhere["trust_paths"]] == [1, 1, 1]


def test_a_re_keyed_ca_is_told_by_its_key():
    """Two CAs of one name: the one whose key signed is found, whatever stands first."""
    old, new = (
        certificate("ca", own="old", signer="old"),
        certificate("ca", own="new", signer="new"),
    )
    leaf = certificate("phone", "ca", signer="new", ca=None)
    for order in ([old, new], [new, old]):
        assert outcome([leaf], order)[:2] == ("chain", ids(leaf, new))
    assert outcome([leaf], [old])[0] == "broken signature"


def test_cross_signing_gives_a_path_for_each_time():
    """One key under two roots: the path that is valid at the moment is taken, and none outside
    both spans.
    """
    early, late = certificate("early", last=2024), certificate("late", first=2023)
    by_early, by_late = (
        certificate("sub", "early", last=2024),
        certificate("sub", "late", first=2023),
    )
    chain, roots = [LEAF, by_early, by_late], [early, late]
    assert outcome(chain, roots, year(2022))[:2] == (
        "chain",
        ids(LEAF, by_early, early),
    )
    assert outcome(chain, roots, year(2026))[:2] == (
        "chain",
        ids(LEAF, by_late, late),
    )
    assert outcome(chain, [early], year(2026))[0] == "expired CA"
    assert outcome(chain, roots, year(2050))[0] == "expired CA"


def test_the_entry_must_be_valid_too_and_the_leaf_is_another_rules_matter():
    """OpenSSL checks the list's entry as well; the leaf's own dates are the rule time.validity."""
    assert outcome([LEAF, SUB], [certificate("root", last=2021)])[0] == "expired CA"
    assert (
        outcome([certificate("leaf", "root", ca=None, last=2021)], [ROOT])[0]
        == "chain"
    )
    _, _, answer = outcome([LEAF, SUB], [certificate("root", first=2022, last=2025)])
    path = answer["trust_paths"].iloc[0][0]
    spans = pd.to_datetime(
        [path["not_before"], path["not_after"]], unit="us", utc=True
    )
    assert [spans[0].isoformat(), spans[1].isoformat(timespec="seconds")] == [
        "2022-01-01T00:00:00+00:00",
        "2025-12-31T00:00:00+00:00",
    ]
    last_second = pd.Timestamp("2025-12-31T00:00:00.5Z")
    assert (
        outcome(
            [LEAF, SUB], [certificate("root", first=2022, last=2025)], last_second
        )[0]
        == "chain"
    )


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
    """What an issuer must be, and that one without basicConstraints must stand in the list
    itself.
    """
    issuer = certificate("sub", "root", **sub)
    assert (outcome([LEAF, issuer], [ROOT])[0] == "chain") is trusted_root
    assert (outcome([LEAF, issuer], [issuer])[0] == "chain") is trusted_sub


def test_a_version_1_ca_counts_only_where_it_is_listed(tmp_path):
    """It has no basicConstraints, and old devices know no other."""

    def request(name: str) -> bytes:
        new = [
            "openssl",
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.pem",
        ]
        return subprocess.run(
            [*new, "-subj", f"/CN={name}"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        ).stdout

    def signed(name: str, *by: str) -> bytes:
        sign = [
            "openssl",
            "x509",
            "-req",
            "-outform",
            "DER",
            "-sha1",
            "-out",
            f"{name}.der",
            *by,
        ]
        subprocess.run(
            sign, cwd=tmp_path, check=True, capture_output=True, input=request(name)
        )
        return (tmp_path / f"{name}.der").read_bytes()

    def under(ca: str) -> list[str]:
        return [
            "-CA",
            f"{ca}.der",
            "-CAform",
            "DER",
            "-CAkey",
            f"{ca}.pem",
            "-CAcreateserial",
        ]

    root = signed("root", "-signkey", "root.pem")
    sub = signed("sub", *under("root"))
    leaf = signed("leaf", *under("sub"))
    now = pd.Timestamp.now("UTC")
    assert outcome([leaf], [sub], now)[0] == "chain"
    assert outcome([sub], [root], now)[0] == "chain"
    assert outcome([leaf, sub], [root], now)[0] == "issuer is no CA"


def test_path_length_counts_what_is_not_self_issued():
    """A CA that signed its own new key does not use up the path length (RFC 5280, section
    4.2.1.9).
    """
    root = certificate("root", path_length=1)
    renewed = certificate("root", own="root 2", signer="root", serial=2)
    sub = certificate("sub", "root", signer="root 2")
    deeper = certificate("deeper", "sub")
    assert outcome([LEAF, sub, renewed], [root])[0] == "chain"
    leaf = certificate("leaf", "deeper", ca=None)
    assert outcome([leaf, deeper, sub, renewed], [root])[0] == "issuer is no CA"
    assert (
        outcome([leaf, deeper, certificate("sub", "root", path_length=0)], [ROOT])[0]
        == "issuer is no CA"
    )


def test_name_constraints_bind_each_leaf_by_its_own_names():
    """Leaves of one issuer are told apart where a CA above them has constraints."""
    root = certificate("root", permitted=("example.com",))
    fits = certificate("a", "sub", ca=None, dns=("phone.example.com",))
    leaves = [
        fits,
        certificate("b", "sub", ca=None, dns=("phone.example.net",)),
        certificate("c", "sub", ca=None),
    ]
    certificates = pd.concat(
        [bundle(str(place), leaf, SUB) for place, leaf in enumerate(leaves)],
        ignore_index=True,
    )
    question = asked(certificates, "0", "1", "2")
    answer = trust_state.judge(question, certificates, listed(root))
    assert [len(paths) for paths in answer["trust_paths"]] == [1, 0, 1]
    assert answer["trust_failure"].tolist() == [
        "expired CA",
        "issuer is no CA",
        "expired CA",
    ]


def test_a_listed_certificate_is_trusted_by_its_fingerprint():
    """Even where it cannot be read; only one that RFC 5280 forbids to use is left unknown."""
    broken = LEAF[:-1]
    assert outcome([broken], [broken])[0] == "listed"
    assert outcome([broken], [ROOT])[0] == "unreadable"
    forbidden = certificate("phone", ca=None, critical="1.2.3.4")
    assert outcome([forbidden], [forbidden])[0] == "unreadable"


def test_what_is_not_known_is_no_certificate():
    """No fingerprint, or one that no table holds; a listing without the certificate itself is
    unreadable.
    """
    question = pd.DataFrame(
        {"fingerprint": [None, "00", ids(LEAF)[0]], "bundle": None, "pbx": "hq"},
        dtype="str",
    )
    certificates = bundle("a", LEAF).assign(der=None)
    assert trust_state.judge(question, certificates, listed(ROOT))[
        "trust_failure"
    ].tolist() == [
        "no certificate",
        "no certificate",
        "unreadable",
    ]


def test_a_missing_moment_decides_only_what_does_not_depend_on_it():
    """A listed certificate and a missing CA need no moment; a path does."""
    for entries, state in (
        ([LEAF], "listed"),
        ([certificate("stranger")], "unknown CA"),
        ([ROOT], pd.NA),
    ):
        answer = outcome([LEAF, SUB], entries)[2].drop(
            columns=["trust_state", "trusted_by"]
        )
        found = trust_state.trust_at(
            answer, pd.Series([pd.NaT], dtype="datetime64[us, UTC]")
        )["trust_state"].iloc[0]
        assert pd.isna(found) if state is pd.NA else found == state


def test_each_link_is_verified_once_and_another_list_or_moment_costs_nothing(
    monkeypatch,
):
    """Three devices share a CA: one check each, one for the CA, one for the root, and none
    afterwards.
    """
    asked_for = []
    real = links.verify_many
    monkeypatch.setattr(
        links,
        "verify_many",
        lambda *parts: asked_for.extend(parts[0]) or real(*parts),
    )
    leaves = [certificate(name, "sub", ca=None) for name in "abc"]
    certificates = pd.concat(
        [bundle(str(place), leaf, SUB, ROOT) for place, leaf in enumerate(leaves)]
    )
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
    answer = question.join(
        trust_state.judge(question, empty(CERTIFICATES), empty(TRUST))
    )
    moment = pd.Series([], dtype="datetime64[us, UTC]")
    assert trust_state.trust_at(answer, moment).empty
    assert trust_state.path_at(answer, moment).empty
    assert trust_state.link(empty(CERTIFICATES), empty(TRUST)).empty


UNREAD = {"parse_error": "PEM: the END line is missing"}


def _with_unread(frame, **columns):
    """Return the frame and a row of the same bundle or list that could not be read."""
    row = pd.DataFrame([{**UNREAD, **columns}])
    return conform(pd.concat([frame, row], ignore_index=True), TRUST)


def _state(leaf, certificates, trust):
    answer = leaf.join(trust_state.judge(leaf, certificates, trust))
    found = answer.join(
        trust_state.trust_at(answer, pd.Series([year(2026)] * len(leaf), leaf.index))
    )
    return found["trust_state"].tolist(), found["trust_detail"].fillna("").tolist()


def test_a_list_that_was_not_read_whole_can_trust_and_cannot_refuse():
    """What it holds counts, what it lacks is unknown with the reason; other lists are not
    concerned.
    """
    certificates = bundle("b", LEAF, SUB)
    itself = bundle("s", certificate("phone", ca=None))
    both = pd.concat([certificates, itself], ignore_index=True)
    leaf = pd.concat(
        [
            asked(certificates, "b"),
            asked(itself, "s"),
            asked(certificates, "b", pbx="lab"),
        ]
    )
    leaf = leaf.reset_index(drop=True)
    other = listed(certificate("stranger"), pbx="lab")
    holding = _with_unread(
        pd.concat([listed(ROOT), other]), pbx="hq", source="hq.pem"
    )
    states, details = _state(leaf, both, holding)
    assert states == ["chain", "incomplete trust list", "unknown CA"]
    assert details[1:] == ["hq.pem: PEM: the END line is missing", ""]
    for pbx, lab in (("hq", "unknown CA"), (None, "incomplete trust list")):
        broken = _with_unread(other, pbx=pbx)
        states, _ = _state(leaf, both, broken)
        assert states[2] == lab
    only = conform(pd.DataFrame([{**UNREAD, "pbx": "hq"}]), TRUST)
    assert _state(leaf.head(2), both, only)[0] == ["incomplete trust list"] * 2
    empty_list = conform(
        pd.DataFrame([{"parse_error": "the list is empty", "pbx": "hq"}]), TRUST
    )
    assert _state(leaf.head(2), both, empty_list)[0] == ["unknown CA", "self-signed"]


def test_a_chain_that_was_not_read_whole_cannot_be_refused():
    """A CA may be missing that stood in the file; a certificate signed by itself needs none."""
    itself = certificate("phone", ca=None)
    for ders, entry, state in (
        ([LEAF], ROOT, "incomplete chain"),
        ([LEAF, SUB], ROOT, "chain"),
        ([itself], ROOT, "self-signed"),
    ):
        whole = bundle("b", *ders)
        certificates = _with_unread(whole, bundle="b").drop(columns="pbx")
        assert _state(asked(whole, "b"), certificates, listed(entry))[0] == [state]
    key = {"parse_error": "PRIVATE KEY: a private key, skipped", "bundle": "b"}
    certificates = conform(
        pd.concat([bundle("b", LEAF), pd.DataFrame([key])], ignore_index=True),
        CERTIFICATES,
    )
    assert _state(asked(certificates, "b"), certificates, listed(ROOT))[0] == [
        "unknown CA"
    ]


def test_a_chain_is_looked_for_wherever_the_certificate_arrived():
    """Alone in one file and with its chain in another, it is trusted, whichever of them is
    asked about.
    """
    alone, together = bundle("a", LEAF), bundle("b", LEAF, SUB)
    root = listed(ROOT)
    for frames in ((alone, together), (together, alone)):
        certificates = pd.concat(frames, ignore_index=True)
        states, _ = _state(asked(certificates, "a", "b"), certificates, root)
        assert states == ["chain", "chain"]
        answer = trust_state.judge(asked(certificates, "a", "b"), certificates, root)[
            "trust_paths"
        ]
        assert answer.iloc[0] == answer.iloc[1]
    states, _ = _state(
        asked(certificates, "a", "b"), certificates, listed(certificate("stranger"))
    )
    assert states == ["unknown CA", "unknown CA"]
    reaching = pd.concat([alone, bundle("b", LEAF, SUB, ROOT)], ignore_index=True)
    assert _state(asked(reaching, "a"), reaching, listed(certificate("stranger")))[
        0
    ] == ["untrusted CA"]


def test_chains_of_two_files_are_not_put_together():
    """Certificates of one file complete a chain; the lower half in one and the upper in another
    do not.
    """
    middle = certificate("middle", "sub")
    leaf = certificate("device", "middle", ca=None)
    certificates = pd.concat(
        [bundle("a", leaf, middle), bundle("b", leaf, SUB)], ignore_index=True
    )
    assert (
        _state(asked(certificates, "a", "b"), certificates, listed(ROOT))[0]
        == ["unknown CA"] * 2
    )


def test_a_renewed_self_signed_certificate_is_not_trusted_by_the_old_one():
    """The same name and key is the same holder: it is no CA of its own chain."""
    old, new = (
        certificate("phone", ca=None, last=2025),
        certificate("phone", ca=None, first=2024, serial=2),
    )
    valid = certificate("phone", ca=True, serial=3)
    assert outcome([new], [old])[0] == "self-signed"
    assert outcome([new], [valid])[0] == "self-signed"
    assert outcome([new], [old, new])[0] == "listed"


def test_names_that_are_empty_do_not_hide_a_signature_by_the_own_key():
    """Empty subject and issuer: signed by itself, also beside another one of that key."""
    itself = certificate("", ca=None)
    twin = certificate("", ca=None, serial=2)
    assert outcome([itself], [ROOT])[0] == "self-signed"
    assert outcome([itself], [twin])[0] == "self-signed"
    assert outcome([itself], [itself])[0] == "listed"


def _tower(floors):
    """Return a leaf and so many CAs above it, the last one a root."""
    names = [f"ca{number}" for number in range(floors)]
    cas = [
        certificate(name, issuer)
        for name, issuer in zip(names, [*names[1:], names[-1]], strict=True)
    ]
    return [certificate("high leaf", names[0], ca=None), *cas]


def test_more_than_32_authorities_are_not_followed():
    """The 32nd CA may be the list's; whether a longer chain leads there is unknown."""
    for floors, state in (
        (32, "chain"),
        (33, "chain too long"),
        (40, "chain too long"),
    ):
        ders = _tower(floors)
        assert outcome(ders[:-1], [ders[-1]])[0] == state
    assert outcome(_tower(40)[:5], [ROOT])[0] == "unknown CA"
    assert outcome(_tower(32), [ROOT])[0] == "untrusted CA"


def test_names_beyond_counting_are_unknown():
    """So many names under so many constraints are not compared, and nothing is known of them."""
    bases = tuple(f"n{number}.example" for number in range(600))
    authority = certificate("limits", permitted=bases)
    for names, state in ((400, "chain"), (600, "too many names")):
        leaf = certificate(
            "named",
            "limits",
            ca=None,
            dns=tuple(f"a.n{number}.example" for number in range(names)),
        )
        assert outcome([leaf], [authority])[0] == state


@pytest.mark.parametrize(
    ("ders", "entry", "detail"),
    [
        (
            [certificate("leaf", "mid", ca=None), certificate("mid", "narrow")],
            certificate("narrow", path_length=0),
            "the CA narrow: its path length is 0, but 1 CA stands below it",
        ),
        (
            [certificate("leaf", "mute", ca=None)],
            certificate("mute", cert_sign=False),
            "the CA mute: its keyUsage lacks keyCertSign: digitalSignature",
        ),
        (
            [certificate("leaf", "no", ca=None)],
            certificate("no", ca=False),
            "the CA no: its basicConstraints say that it is no CA",
        ),
        (
            [certificate("leaf", "v1", ca=None), certificate("v1", "root", ca=None)],
            ROOT,
            "the CA v1: it has no basicConstraints, and is not itself in the trust list",
        ),
        (
            [certificate("leaf", "odd", ca=None)],
            certificate("odd", critical="1.2.3.4"),
            "the CA odd: its critical extension 1.2.3.4 is not understood",
        ),
        (
            [certificate("leaf", "limits", ca=None, dns=("a.other",))],
            certificate("limits", permitted=("example",)),
            "the CA limits: its name constraints permit the DNS name 'example', not the DNS "
            "name 'a.other'",
        ),
        (
            [certificate("leaf", "limits", ca=None, dns=("a.bad",))],
            certificate("limits", excluded=("bad",)),
            "the CA limits: its name constraints exclude the DNS name 'a.bad' by the DNS name "
            "'bad'",
        ),
    ],
)
def test_which_authority_may_not_issue_and_why(ders, entry, detail):
    """The limit is named with its value and with the CA that has it."""
    state, _, answer = outcome(ders, [entry])
    assert (state, answer["trust_detail"].iloc[0]) == ("issuer is no CA", detail)


def test_what_cannot_be_verified_says_why():
    """An extension that is not understood is named."""
    leaf = certificate("leaf", "root", ca=None, critical="1.2.3.4")
    state, _, answer = outcome([leaf], [ROOT])
    assert state == "unreadable"
    assert answer["trust_detail"].tolist() == [
        "its critical extension 1.2.3.4 is not understood"
    ]
