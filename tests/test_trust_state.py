"""Trust as the article defines it: the certificate itself or any CA of its chain is in the trust
list, and the signatures that lead there are verified.
"""

import hashlib
import subprocess

import pandas as pd
import pytest
from chain_builder import bundle, certificate, leaves_of, listed, outcome, year

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
    """The article says so; the shortest path is the one shown."""
    trust, fingerprints, answer = outcome([LEAF, SUB], entries)
    assert (trust, fingerprints) == (state, ids(*path))
    assert answer["trusted_by"].dropna().tolist() == ids(*path[-1:])


def _states() -> dict[str, tuple[list[bytes], list[bytes]]]:
    stranger = certificate("stranger")
    other = certificate("sub", "root", own="another key")
    no_ca = certificate("sub", "root", ca=False)
    expired = certificate("sub", "root", last=2021)
    self_signed = certificate("phone", ca=None)
    return {
        "self-signed": ([self_signed], [stranger]),
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
def test_each_state_of_an_untrusted_certificate(state):
    """Each state has a chain of its own; an unknown CA is distinguished from an untrusted one."""
    assert outcome(*_states()[state])[0] == state


def test_every_state_is_tried():
    """Every state that the schema declares has a test."""
    elsewhere = {
        "listed",
        "chain",
        "no certificate",
        "incomplete trust list",
        "incomplete chain",
    }
    elsewhere |= {"chain too long", "too many names"}
    assert {*_states(), *elsewhere} == set(TRUST_STATES)


def test_an_intermediate_that_was_not_presented_does_not_count():
    """The missing intermediate is in another device's file, which the PBX never sees."""
    certificates = pd.concat(
        [bundle("a", LEAF), bundle("b", certificate("twin", "sub", ca=None), SUB)]
    )
    leaves = leaves_of(certificates, "a", "b")
    answer = leaves.join(trust_state.judge(leaves, certificates, listed(ROOT)))
    moment = pd.Series(year(2026), answer.index)
    assert trust_state.trust_at(answer, moment)["trust_state"].tolist() == [
        "unknown CA",
        "chain",
    ]


def test_each_pbx_has_its_own_list():
    """A list belongs to one PBX, an entry without a PBX to all of them, and a PBX without any
    entry has no list.
    """
    certificates = bundle("a", LEAF, SUB)
    leaves = pd.concat(
        [leaves_of(certificates, "a", pbx=pbx) for pbx in ("hq", "north", None)],
        ignore_index=True,
    )
    lists = pd.concat(
        [listed(ROOT, pbx="hq"), listed(certificate("stranger"), pbx="south")]
    )
    states = trust_state.judge(leaves, certificates, lists)["trust_failure"].tolist()
    assert states == ["expired CA", "no trust list", "no trust list"], (
        "expired CA: the state at a moment when no path is valid"
    )
    everywhere = trust_state.judge(
        leaves, certificates, pd.concat([lists, listed(SUB, pbx=None)])
    )
    assert [len(paths) for paths in everywhere["trust_paths"]] == [1, 1, 1]


def test_a_re_keyed_ca_is_recognised_by_its_key():
    """Of two CAs with one name the one whose key signed is chosen, in any order."""
    old, new = (
        certificate("ca", own="old", signer="old"),
        certificate("ca", own="new", signer="new"),
    )
    leaf = certificate("phone", "ca", signer="new", ca=None)
    for order in ([old, new], [new, old]):
        assert outcome([leaf], order)[:2] == ("chain", ids(leaf, new))
    assert outcome([leaf], [old])[0] == "broken signature"


def test_cross_signing_gives_a_path_for_each_time():
    """A CA key is certified by two roots: the path that is valid at the moment is taken, and
    none outside both spans.
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


def test_the_entry_must_be_valid_too_and_another_rule_checks_the_leaf():
    """OpenSSL checks the entry as well; the dates of the leaf are left to time.validity."""
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
def test_requirements_for_an_issuer(sub, trusted_root, trusted_sub):
    """An issuer has to be a CA that may sign; one without basicConstraints has to be in the list
    itself.
    """
    issuer = certificate("sub", "root", **sub)
    assert (outcome([LEAF, issuer], [ROOT])[0] == "chain") is trusted_root
    assert (outcome([LEAF, issuer], [issuer])[0] == "chain") is trusted_sub


def test_a_version_1_ca_counts_only_where_it_is_listed(tmp_path):
    """It has no basicConstraints, and old devices have no other kind of CA."""

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
    lower = certificate("deeper", "sub")
    assert outcome([LEAF, sub, renewed], [root])[0] == "chain"
    leaf = certificate("leaf", "deeper", ca=None)
    assert outcome([leaf, lower, sub, renewed], [root])[0] == "issuer is no CA"
    assert (
        outcome([leaf, lower, certificate("sub", "root", path_length=0)], [ROOT])[0]
        == "issuer is no CA"
    )


def test_name_constraints_bind_each_leaf_by_its_own_names():
    """Leaves of one issuer may differ where a CA above them has constraints."""
    root = certificate("root", permitted=("example.com",))
    fits = certificate("a", "sub", ca=None, dns=("phone.example.com",))
    leaves = [
        fits,
        certificate("b", "sub", ca=None, dns=("phone.example.net",)),
        certificate("c", "sub", ca=None),
    ]
    certificates = pd.concat(
        [bundle(str(number), leaf, SUB) for number, leaf in enumerate(leaves)],
        ignore_index=True,
    )
    rows = leaves_of(certificates, "0", "1", "2")
    answer = trust_state.judge(rows, certificates, listed(root))
    assert [len(paths) for paths in answer["trust_paths"]] == [1, 0, 1]
    assert answer["trust_failure"].tolist() == [
        "expired CA",
        "issuer is no CA",
        "expired CA",
    ]


def test_a_listed_certificate_is_trusted_by_its_fingerprint():
    """It need not even be readable; one that RFC 5280 forbids to use stays unknown."""
    broken = LEAF[:-1]
    assert outcome([broken], [broken])[0] == "listed"
    assert outcome([broken], [ROOT])[0] == "unreadable"
    forbidden = certificate("phone", ca=None, critical="1.2.3.4")
    assert outcome([forbidden], [forbidden])[0] == "unreadable"


def test_an_unknown_fingerprint_is_no_certificate():
    """A missing fingerprint and one that no table contains have no certificate; a row without
    DER is unreadable.
    """
    leaves = pd.DataFrame(
        {"fingerprint": [None, "00", ids(LEAF)[0]], "bundle": None, "pbx": "hq"},
        dtype="str",
    )
    certificates = bundle("a", LEAF).assign(der=None)
    assert trust_state.judge(leaves, certificates, listed(ROOT))[
        "trust_failure"
    ].tolist() == [
        "no certificate",
        "no certificate",
        "unreadable",
    ]


def test_a_missing_moment_decides_only_what_does_not_depend_on_it():
    """A listed certificate and a missing CA can be judged without a moment; a path cannot."""
    for entries, state in (
        ([LEAF], "listed"),
        ([certificate("stranger")], "unknown CA"),
        ([ROOT], pd.NA),
    ):
        answer = outcome([LEAF, SUB], entries)[2].drop(
            columns=["trust_state", "trusted_by"]
        )
        trust = trust_state.trust_at(
            answer, pd.Series([pd.NaT], dtype="datetime64[us, UTC]")
        )["trust_state"].iloc[0]
        assert pd.isna(trust) if state is pd.NA else trust == state


def test_each_link_is_verified_once_and_another_list_or_moment_costs_nothing(
    monkeypatch,
):
    """Three devices that share a CA take one check each, plus one for the CA and one for the
    root, and none afterwards.
    """
    verified = []
    real = links.verify_many
    monkeypatch.setattr(
        links,
        "verify_many",
        lambda *parts: verified.extend(parts[0]) or real(*parts),
    )
    leaves = [certificate(name, "sub", ca=None) for name in "abc"]
    certificates = pd.concat(
        [bundle(str(number), leaf, SUB, ROOT) for number, leaf in enumerate(leaves)]
    )
    known_links = trust_state.link(certificates, listed(ROOT))
    assert len(verified) == len(known_links) == 5
    assert known_links["verified"].all()
    rows = leaves_of(certificates, "0", "1", "2")
    for entries in ([ROOT], [SUB], leaves, [certificate("sub", "root", serial=9)]):
        answer = trust_state.judge(rows, certificates, listed(*entries), known_links)
        assert answer["trust_paths"].map(bool).all()
    assert len(verified) == 6, "only the entry that was never seen"
    assert trust_state.link(certificates, listed(ROOT), known_links).equals(
        known_links
    )


def test_links_may_be_missing_or_partial():
    """Missing links are verified when they are needed."""
    certificates = bundle("a", LEAF, SUB)
    leaves, trust = leaves_of(certificates, "a"), listed(ROOT)
    known_links = trust_state.link(certificates, trust)
    expected = trust_state.judge(leaves, certificates, trust, known_links)
    for some_links in (
        None,
        empty(LINKS),
        known_links.iloc[:1],
        known_links.iloc[1:],
    ):
        assert trust_state.judge(leaves, certificates, trust, some_links).equals(
            expected
        )


def test_the_frames_are_not_changed_and_the_index_is_kept():
    """Judging is a pure function; rows may repeat and their labels mean nothing."""
    certificates, trust = bundle("a", LEAF, SUB), listed(ROOT)
    leaves = leaves_of(certificates, "a").loc[[0, 0, 0]].set_axis([7, 7, -1])
    before = [frame.copy() for frame in (leaves, certificates, trust)]
    answer = trust_state.judge(leaves, certificates, trust)
    assert answer.index.tolist() == [7, 7, -1]
    assert answer["trust_paths"].iloc[0] is answer["trust_paths"].iloc[2]
    for frame, copy in zip((leaves, certificates, trust), before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_empty_tables_give_empty_tables():
    """No row comes out where none went in."""
    leaves = pd.DataFrame(columns=["fingerprint", "bundle", "pbx"], dtype="str")
    answer = leaves.join(trust_state.judge(leaves, empty(CERTIFICATES), empty(TRUST)))
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
    states = answer.join(
        trust_state.trust_at(answer, pd.Series([year(2026)] * len(leaf), leaf.index))
    )
    return states["trust_state"].tolist(), states["trust_detail"].fillna("").tolist()


def test_a_list_that_was_read_in_part_can_trust_but_not_refuse():
    """Its entries count, anything else is unknown with the reason, and other lists are not
    affected.
    """
    certificates = bundle("b", LEAF, SUB)
    self_signed = bundle("s", certificate("phone", ca=None))
    both = pd.concat([certificates, self_signed], ignore_index=True)
    leaf = pd.concat(
        [
            leaves_of(certificates, "b"),
            leaves_of(self_signed, "s"),
            leaves_of(certificates, "b", pbx="lab"),
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
    only_unread = conform(pd.DataFrame([{**UNREAD, "pbx": "hq"}]), TRUST)
    assert _state(leaf.head(2), both, only_unread)[0] == ["incomplete trust list"] * 2
    empty_list = conform(
        pd.DataFrame([{"parse_error": "the list is empty", "pbx": "hq"}]), TRUST
    )
    assert _state(leaf.head(2), both, empty_list)[0] == ["unknown CA", "self-signed"]


def test_a_chain_that_was_read_in_part_cannot_be_refused():
    """The unread part may hold the missing CA; a self-signed certificate needs none."""
    self_signed = certificate("phone", ca=None)
    for ders, entry, state in (
        ([LEAF], ROOT, "incomplete chain"),
        ([LEAF, SUB], ROOT, "chain"),
        ([self_signed], ROOT, "self-signed"),
    ):
        readable = bundle("b", *ders)
        certificates = _with_unread(readable, bundle="b").drop(columns="pbx")
        assert _state(leaves_of(readable, "b"), certificates, listed(entry))[0] == [
            state
        ]
    key = {"parse_error": "PRIVATE KEY: a private key, skipped", "bundle": "b"}
    certificates = conform(
        pd.concat([bundle("b", LEAF), pd.DataFrame([key])], ignore_index=True),
        CERTIFICATES,
    )
    assert _state(leaves_of(certificates, "b"), certificates, listed(ROOT))[0] == [
        "unknown CA"
    ]


def test_every_file_with_the_certificate_is_searched_for_its_chain():
    """A certificate alone in one file and with its chain in another is trusted in both."""
    alone, together = bundle("a", LEAF), bundle("b", LEAF, SUB)
    root = listed(ROOT)
    for frames in ((alone, together), (together, alone)):
        certificates = pd.concat(frames, ignore_index=True)
        states, _ = _state(leaves_of(certificates, "a", "b"), certificates, root)
        assert states == ["chain", "chain"]
        answer = trust_state.judge(
            leaves_of(certificates, "a", "b"), certificates, root
        )["trust_paths"]
        assert answer.iloc[0] == answer.iloc[1]
    states, _ = _state(
        leaves_of(certificates, "a", "b"),
        certificates,
        listed(certificate("stranger")),
    )
    assert states == ["unknown CA", "unknown CA"]
    reaching = pd.concat([alone, bundle("b", LEAF, SUB, ROOT)], ignore_index=True)
    assert _state(
        leaves_of(reaching, "a"), reaching, listed(certificate("stranger"))
    )[0] == ["untrusted CA"]


def test_chains_of_two_files_are_not_put_together():
    """Half a chain in one file and the other half in another do not make one chain."""
    middle = certificate("middle", "sub")
    leaf = certificate("device", "middle", ca=None)
    certificates = pd.concat(
        [bundle("a", leaf, middle), bundle("b", leaf, SUB)], ignore_index=True
    )
    assert (
        _state(leaves_of(certificates, "a", "b"), certificates, listed(ROOT))[0]
        == ["unknown CA"] * 2
    )


def test_a_renewed_self_signed_certificate_is_not_trusted_by_the_old_one():
    """The same name and key mean the same holder, which is no CA of its own chain."""
    old, new = (
        certificate("phone", ca=None, last=2025),
        certificate("phone", ca=None, first=2024, serial=2),
    )
    valid = certificate("phone", ca=True, serial=3)
    assert outcome([new], [old])[0] == "self-signed"
    assert outcome([new], [valid])[0] == "self-signed"
    assert outcome([new], [old, new])[0] == "listed"


def test_a_self_signed_certificate_may_have_empty_names():
    """Subject and issuer are empty; a second certificate with that key changes nothing."""
    self_signed = certificate("", ca=None)
    twin = certificate("", ca=None, serial=2)
    assert outcome([self_signed], [ROOT])[0] == "self-signed"
    assert outcome([self_signed], [twin])[0] == "self-signed"
    assert outcome([self_signed], [self_signed])[0] == "listed"


def _tower(ca_count):
    """Return a leaf and `ca_count` CAs above it, the last one a root."""
    ca_names = [f"ca{number}" for number in range(ca_count)]
    cas = [
        certificate(name, issuer)
        for name, issuer in zip(ca_names, [*ca_names[1:], ca_names[-1]], strict=True)
    ]
    return [certificate("high leaf", ca_names[0], ca=None), *cas]


def test_more_than_32_authorities_are_not_followed():
    """The 32nd CA may be the listed one; whether a longer chain is trusted is unknown."""
    for ca_count, state in (
        (32, "chain"),
        (33, "chain too long"),
        (40, "chain too long"),
    ):
        ders = _tower(ca_count)
        assert outcome(ders[:-1], [ders[-1]])[0] == state
    assert outcome(_tower(40)[:5], [ROOT])[0] == "unknown CA"
    assert outcome(_tower(32), [ROOT])[0] == "untrusted CA"


def test_too_many_names_under_constraints_are_unknown():
    """Beyond the bound they are not compared, so the state is neither good nor bad."""
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
            "the CA narrow: its path length is 0, but 1 CA is below it",
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
def test_the_detail_names_the_authority_that_may_not_issue(ders, entry, detail):
    """It gives the limit with its value and the CA that has it."""
    state, _, answer = outcome(ders, [entry])
    assert (state, answer["trust_detail"].iloc[0]) == ("issuer is no CA", detail)


def test_the_detail_names_an_extension_that_is_not_understood():
    """Its state alone would not say why the certificate cannot be verified."""
    leaf = certificate("leaf", "root", ca=None, critical="1.2.3.4")
    state, _, answer = outcome([leaf], [ROOT])
    assert state == "unreadable"
    assert answer["trust_detail"].tolist() == [
        "its critical extension 1.2.3.4 is not understood"
    ]
