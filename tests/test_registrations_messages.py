"""What messages say: standard names, patterns of the user, the default set, coverage, and
intervals of failure.
"""

import re
import time
from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrust.captures.alerts import ALERTS as TLS_ALERTS
from certtrust.registrations import (
    PatternError,
    intervals,
    pattern_coverage,
    read_registrations,
)
from certtrust.registrations.field_values import TEXT
from certtrust.registrations.pairs import pairs, pairs_with_quotes
from certtrust.registrations.text.spans import Delimiters, Spans
from certtrust.registrations.vocabulary import (
    H225_REASONS,
    SIP_REASONS,
    reasons,
)


class TestReasons:
    """Reject reasons, status codes and alerts by their standard names."""

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("securityDenial", "securityDenial"),
            ("SECURITY_DENIAL", "securityDenial"),
            ("duplicate alias", "duplicateAlias"),
            ("rrj 11", "securityDenial"),
            ("H.225: 4", "duplicateAlias"),
            ("RegistrationReject(invalidAlias)", "invalidAlias"),
            ("reject reason: invalid-alias", "invalidAlias"),
            ("unknown CA", "unknown_ca"),
            ("tlsv1 alert unknown ca", "unknown_ca"),
            ("TLS alert: 45", "certificate_expired"),
            ("fatal alert bad_certificate", "bad_certificate"),
            ("alert 7", "alert 7"),
            ("401", "SIP 401 Unauthorized"),
            ("SIP/2.0 503 whatever", "SIP 503 Service Unavailable"),
            ("SIP 404 Not Found", "SIP 404 Not Found"),
            ("599", "599"),
            ("48", "48"),
            ("Timeout", "Timeout"),
            ("no licence left", "no licence left"),
            ("", ""),
            (None, None),
        ],
    )
    def test_known_spellings(self, text, name):
        """What no standard knows, and a number of which nothing tells what it numbers, stays as
        it stands.
        """
        assert reasons([text]) == [name]

    def test_every_standard_name_is_its_own(self):
        """A name that is read is written the same again."""
        names = [
            *H225_REASONS,
            *TLS_ALERTS.values(),
            *(f"SIP {code} {text}" for code, text in SIP_REASONS.items()),
        ]
        assert reasons(names) == names

    @given(st.text(max_size=30))
    def test_reading_twice_changes_nothing(self, text):
        """Whatever the text is."""
        once = reasons([text])
        assert reasons(once) == once


class TestPairs:
    """Words of the form key=value."""

    KEYS: ClassVar = {"a": "first", "b": "second", "bb": "second"}
    FORMS = st.sampled_from(
        [
            ["a=1", "b=2,", "c=3"],
            ["A=1;", "x", "b=2"],
            ["x", 'a="1', '2",', "b=3"],
            ["a=1", "a=2", "bb=x=y", "b="],
            ["a=", "b=", "=", "a=="],
        ]
    )
    WORDS = st.lists(
        st.sampled_from(
            [
                "a=1",
                "A=2",
                "b=",
                "bb=x=y",
                "c=3",
                "ab",
                "=",
                "a",
                "",
                "a==",
                "b=ä",
                'a="1',
                '2"',
                "b=,;",
            ]
        ),
        max_size=6,
    )

    @given(st.lists(WORDS, min_size=1, max_size=90))
    def test_many_texts_at_once_give_what_each_gives(self, texts):
        """The first word of a name counts."""
        spans = Spans.of(pa.array([" ".join(words) for words in texts], TEXT))
        found = pairs(spans, Delimiters.of(spans.data, " ", "="), self.KEYS)
        expected = [self.first_of(words, lambda value: value) for words in texts]
        assert rows_of(found.values, len(texts)) == [values for values, _ in expected]
        assert names_of(found.twins, len(texts)) == [twins for _, twins in expected]

    @given(
        st.lists(FORMS | WORDS, min_size=1, max_size=90), st.text("=a ", max_size=3)
    )
    def test_texts_of_few_forms_give_what_each_gives(self, texts, before):
        """Whatever the other texts are, and whatever stands between the texts."""
        plain = [" ".join(words) for words in texts]
        whole = Spans.of(pa.array([before + text for text in plain], TEXT))
        spans = whole.skip(len(before))
        found = pairs_with_quotes(
            spans, Delimiters.of(spans.data, " ", "="), self.KEYS
        )
        expected = [self.with_quotes(text) for text in plain]
        assert rows_of(found.values, len(texts)) == [values for values, _ in expected]
        assert names_of(found.twins, len(texts)) == [twins for _, twins in expected]

    def with_quotes(self, text: str) -> tuple[dict[str, str], set[str]]:
        """Return the values of one text: word by word, or in order where one of them is quoted."""
        words = text.split(" ")
        if not any(word.partition("=")[2].startswith('"') for word in words):
            return self.first_of(words, lambda value: value.rstrip(",;"))
        return self.first_and_twins(
            (key, quoted or bare.rstrip(",;"))
            for key, quoted, bare in re.findall(
                r'(?:^|(?<=[\s,;]))([A-Za-z]+)=(?:"([^"]*)"|([^\s"]*))', text
            )
        )

    def first_of(
        self, words: list[str], ended: Callable[[str], str]
    ) -> tuple[dict[str, str], set[str]]:
        """Return the first value of each name among words, and the names that have others."""
        parts = [word.partition("=") for word in words]
        return self.first_and_twins(
            (key, ended(value)) for key, equals, value in parts if equals
        )

    def first_and_twins(
        self, values: Iterable[tuple[str, str]]
    ) -> tuple[dict[str, str], set[str]]:
        """Return the first value of each name, and the names that have others."""
        expected: dict[str, str] = {}
        twins = set()
        for key, value in values:
            name = self.KEYS.get(key.lower())
            if name and expected.setdefault(name, value).lower() != value.lower():
                twins.add(name)
        return expected, twins

    def test_values_in_quotes_keep_their_blanks(self):
        """Punctuation after a value is not part of it."""
        spans = Spans.of(pa.array(['x a="1 2", b=3;', "a=4, b=5.", None], TEXT))
        found = pairs_with_quotes(
            spans, Delimiters.of(spans.data, " ", "="), self.KEYS
        )
        assert rows_of(found.values, 3) == [
            {"first": "1 2", "second": "3"},
            {"first": "4", "second": "5."},
            {},
        ]

    def test_a_value_of_very_many_commas_is_cut_at_once(self):
        """Its letters are not taken off one by one, each time from all texts."""
        spans = Spans.of(pa.array(["a=1" + "," * 500_000, *["a=2;"] * 5000], TEXT))
        found = pairs_with_quotes(
            spans, Delimiters.of(spans.data, " ", "="), self.KEYS
        )
        values, _ = found
        first = values["first"].text()
        assert first.value_counts().field("counts").to_pylist() == [1, 5000]

    def test_a_text_of_very_many_pairs_is_no_form_for_all(self):
        """What one text in a sample holds costs the others nothing."""
        texts = [
            " ".join(f"k{number}=1" for number in range(20_000)) + " a=7",
            *["a=1 b=2"] * 50,
        ]
        spans = Spans.of(pa.array(texts, TEXT))
        found = pairs_with_quotes(
            spans, Delimiters.of(spans.data, " ", "="), self.KEYS
        )
        assert rows_of(found.values, 51) == [
            {"first": "7"},
            *[{"first": "1", "second": "2"}] * 50,
        ]


def rows_of(found: dict[str, Spans], count: int) -> list[dict[str, str]]:
    """Return the values of each text by name."""
    texts = {name: values.text().to_pylist() for name, values in found.items()}
    return [
        {name: text[row] for name, text in texts.items() if text[row] is not None}
        for row in range(count)
    ]


def names_of(twins: dict[str, npt.NDArray[np.int64]], count: int) -> list[set[str]]:
    """Return the names that each text gives different values."""
    return [
        {name for name, rows in twins.items() if row in rows} for row in range(count)
    ]


def test_of_two_different_states_neither_is_read(tmp_path):
    """What two words of a message contradict each other in is noted; of other fields the first
    counts, and what is said twice is no contradiction.
    """
    lines = [
        "<134>state=up name=0090332f688a state=rejected",
        '<134>state=up name=0090332f688a reason="a b" state=rejected',
        "<134>state=up name=0090332f688a, name=0090332f688b",
        "<134>state=up name=0090332f688a state=UP",
        "<134>event=syslog&msg=state%3Dup%20name%3D0090332f688a&msg=state%3Drejected",
    ]
    path = tmp_path / "a.log"
    path.write_text("\n".join(lines), "utf-8")

    frame = read_registrations(path)

    states = frame["state"].astype("str").fillna("")
    assert states.tolist() == ["", "", "up", "up", "up"]
    none, first = (
        f"given twice with different values, of which {which} is read: "
        for which in ("none", "the first")
    )
    assert frame["parse_error"].fillna("").tolist() == [
        f"{none}state",
        f"{none}state",
        f"{first}registration_name",
        "",
        f"{first}msg",
    ]
    assert (frame["registration_name"] == "0090332f688a").all()


class TestPatterns:
    """The user's patterns, and the neutral default set."""

    LINES = (
        "<134>RAS 7 Reg-Fail 0090332f688a cause 11\n"
        "<134>ras 7 Reg-Fail IP222-2f-68-8b cause none\n"
        "<134>state=up name=a\n"
        "<134>link 1 up\n"
    )

    def test_named_groups_become_columns(self):
        """The first pattern that matches is taken; what none matches goes to the default set."""
        patterns = {
            "numbered": (
                r"(?P<module>RAS) \d+ Reg-(?P<state>Fail\w*) (?P<registration_name>\S+) "
                r"cause (?P<code>\d+)"
            ),
            "other": re.compile(
                r"ras \d+ reg-fail (?P<hardware_id>\S+) cause (?P<reason>.+)",
                re.IGNORECASE,
            ),
        }
        frame = read_registrations(self.LINES, patterns=patterns)
        assert frame["matched_by"].astype(object).tolist()[:3] == [
            "numbered",
            "other",
            "pairs",
        ]
        assert frame["registration_name"].tolist()[0] == "0090332f688a"
        assert frame["serial"].tolist()[0] == "0090332f688a"
        assert frame["hardware_id"].tolist()[1] == "IP222-2f-68-8b"
        assert frame["reason"].tolist()[1] == "none"
        assert frame["code"].tolist()[0] == "11"
        assert "state is none of" in frame["parse_error"][0]

    @pytest.mark.parametrize(
        "pattern",
        [
            r"Reg-Fail (?P<registration_name>(?<=Fail )\S+)",
            r"(Reg)-Fail (?P<reason>\S+)",
        ],
    )
    def test_what_the_fast_engine_cannot_do_is_done_all_the_same(self, pattern):
        """Looking around and groups without names are Python's."""
        assert (
            read_registrations(self.LINES, patterns=[pattern])["matched_by"].tolist()[
                0
            ]
            == "pattern 1"
        )

    @pytest.mark.parametrize(
        "pattern",
        [
            r"(?P<reason>(a+)+)$",
            r"(a|aa)+\((?P<reason>[(\]]+)",
            r"((?:(a*)*)*)(?P<reason>z)",
        ],
    )
    def test_a_search_takes_time_in_proportion_to_the_message(self, pattern):
        """Also where a group has no name: backtracking would not end on this one."""
        frame = read_registrations(
            f"<134>{'a' * 5000}!\n<134>aaa(](\n", patterns=pattern
        )
        assert frame["matched_by"].isna().tolist() == [True, "[(" not in pattern]

    @pytest.mark.parametrize(
        ("pattern", "said"),
        [
            ("(", "is not a regular expression"),
            ("a", "no named group"),
            ("(?P<colour>a)", "no column for colour"),
            (7, "not int"),
        ],
    )
    def test_a_pattern_that_cannot_be_used_raises(self, pattern, said):
        """The message names the pattern and what is wrong with it."""
        with pytest.raises(PatternError, match=said):
            read_registrations(self.LINES, patterns=pattern)

    @pytest.mark.parametrize(
        ("text", "cells"),
        [
            (
                "Registration of 0090332f688a rejected: securityDenial",
                ("0090332f688a", None, "rejected", "securityDenial"),
            ),
            (
                "registration IP222-2f-68-8a timed out",
                (None, "IP222-2f-68-8a", "timeout", None),
            ),
            (
                "register 009033010203-TEL1 failed, alert 48",
                ("009033010203-TEL1", None, "down", "unknown_ca"),
            ),
            ("registration 0090332f688a is up", ("0090332f688a", None, "up", None)),
            ("nobody registers here", (None, None, None, None)),
            ("the link is up", (None, None, None, None)),
        ],
    )
    def test_plain_sentences(self, text, cells):
        """A word of registration and a word of state make a sentence."""
        frame = read_registrations(f"<134>{text}\n").astype(object)
        found = frame[["registration_name", "hardware_id", "state", "reason"]].iloc[0]
        assert tuple(None if pd.isna(cell) else cell for cell in found) == cells

    def test_patterns_that_would_run_for_ages_do_not(self):
        """The engine takes linear time; nested repetitions are harmless."""
        begin = time.process_time()
        read_registrations(
            "<134>" + "a" * 5000 + "\n", patterns=r"^(?P<reason>(?:a+)+)$b"
        )
        assert time.process_time() - begin < 5


class TestCoverage:
    """What patterns matched, and what the rest looks like."""

    def test_shapes_with_numbers_masked(self):
        """The most frequent shape first; rows add up."""
        log = "".join(
            f"<134>LOG_HTTP {n} TCP-Up 192.0.2.{n}:80 from 0090332f68{n:02x}\n"
            for n in range(9)
        )
        log += "<134>state=up name=a\n<134>IP222-2f-68-8a rebooted\n"
        found = pattern_coverage(read_registrations(log))
        assert found["matched_by"].astype(object).tolist()[0] == "pairs"
        assert found["shape"].tolist()[1:] == [
            "LOG_HTTP <n> TCP-Up <address> from <serial>",
            "<hardware_id> rebooted",
        ]
        assert found["rows"].tolist() == [1, 9, 1]
        assert found["share"].sum() == pytest.approx(1)

    @given(
        st.lists(
            st.text(st.characters(exclude_characters="\n"), min_size=1, max_size=25),
            min_size=1,
            max_size=8,
        )
    )
    def test_the_regex_of_a_shape_matches_its_example(self, messages):
        """A user can start from it."""
        log = read_registrations(
            "".join(f"<134>{message}\n" for message in messages).encode(
                "utf-8", "replace"
            )
        )
        found = pattern_coverage(log)
        assert found["rows"].sum() == len(log)
        for row in found.dropna(subset=["regex"]).itertuples():
            assert re.search(row.regex, row.example), row

    def test_what_is_beyond_the_number_of_shapes_is_counted(self):
        """In a last row."""
        log = read_registrations("".join(f"<134>{letter}\n" for letter in "abcdef"))
        found = pattern_coverage(log, shapes=2)
        assert found["rows"].tolist() == [1, 1, 4]
        assert found["shape"].iloc[-1] == "(4 further shapes)"

    def test_an_empty_table_has_no_coverage(self):
        """And no division by nothing."""
        assert pattern_coverage(read_registrations(b"")).empty


class TestIntervals:
    """Alarms and clears, failures and returns."""

    @staticmethod
    def log(*records: tuple[int, str, str]) -> pd.DataFrame:
        """Return alarms from (second, serial, type)."""
        return read_registrations(
            "".join(
                f'{{"mt":"AddAlarm","type":"{kind}","code":"0x00010002",'
                f'"date":"{1700000000 + second}",'
                f'"serial":"{serial}","source":"R"}}\n'
                for second, serial, kind in records
            ).encode()
        )

    A, B = "0090332f688a", "0090332f688b"

    def test_set_and_clear_pair_up(self):
        """By device, whatever the order of the lines."""
        found = intervals(
            self.log(
                (60, self.A, "clear"),
                (0, self.A, "alarm"),
                (30, self.B, "alarm"),
                (50, self.B, "clear"),
            )
        )
        assert found["serial"].tolist() == [self.A, self.B]
        assert found["duration"].dt.total_seconds().tolist() == [60, 20]
        assert found["status"].tolist() == ["closed", "closed"]
        assert found[["first", "last"]].to_numpy().tolist() == [[1, 0], [2, 3]]

    def test_what_lacks_its_other_half_stays_visible(self):
        """An alarm without a clear is open, a clear without an alarm unbegun."""
        found = intervals(self.log((5, self.A, "clear"), (9, self.A, "alarm")))
        assert found["status"].tolist() == ["unbegun", "open"]
        assert found["start"].isna().tolist() == [True, False]
        assert found["end"].isna().tolist() == [False, True]
        assert found["records"].tolist() == [0, 1]

    def test_a_repeated_alarm_is_one_failure(self):
        """It counts its records."""
        found = intervals(
            self.log(
                (0, self.A, "alarm"),
                (5, self.A, "alarm"),
                (9, self.A, "clear"),
                (9, self.A, "clear"),
            )
        )
        assert found["records"].tolist() == [0, 2] or found["records"].tolist() == [
            2,
            0,
        ]
        assert sorted(found["status"]) == ["closed", "unbegun"]

    def test_a_registration_that_is_up_again_ends_its_failure(self):
        """Logs of any format; "up" alone is nothing."""
        log = (
            "time,registration_name,state\n5,a,up\n1700000001,a,up\n"
            "1700000002,a,rejected\n1700000004,a,unauthorized\n"
        )
        found = intervals(
            read_registrations(log + "1700000009,a,up\n1700000010,b,timeout\n")
        )
        assert found["registration_name"].tolist() == ["a", "b"]
        assert found["state"].astype(object).tolist() == ["rejected", "timeout"]
        assert found["status"].tolist() == ["closed", "open"]

    def test_records_without_a_time_stand_alone(self):
        """They cannot be put in order."""
        log = "time,registration_name,state\n0,a,rejected\n0,a,rejected\n1700000009,a,up\n"
        found = intervals(read_registrations(log))
        assert found["status"].tolist() == ["open", "open"]
        assert found["start"].isna().all()

    def test_nothing_fails_in_an_empty_log(self):
        """The columns are there."""
        found = intervals(read_registrations(b""))
        assert found.empty
        assert {"start", "end", "duration", "status"} <= set(found)

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 30),
                st.sampled_from(["0090332f688a", "0090332f688b"]),
                st.sampled_from(["alarm", "clear"]),
            ),
            max_size=25,
        )
    )
    def test_every_alarm_and_clear_is_in_one_interval(self, records):
        """Against a plain loop over the records in order of time."""
        found = intervals(self.log(*records))
        state: dict[str, int] = {}
        expected = []
        for second, serial, kind in sorted(records, key=lambda record: record[0]):
            if kind == "alarm":
                state.setdefault(serial, second)
            else:
                expected.append((serial, state.pop(serial, None), second))
        expected += [(serial, second, None) for serial, second in state.items()]
        epoch = pd.Timestamp(1700000000, unit="s", tz="UTC")

        def offset(moment: pd.Timestamp) -> int | None:
            return None if pd.isna(moment) else int((moment - epoch).total_seconds())

        made = [
            (row.serial, offset(row.start), offset(row.end))
            for row in found.itertuples()
        ]
        assert sorted(made, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("sentence", "state"),
    [
        ("registration of 0090332f688a was not rejected", None),
        ("registration is not up yet", None),
        ("Registration wasn't rejected", None),
        ("registration has never been unauthorized", None),
        ("registration no longer down", None),
        ("registration was set up", None),
        ("no registration was rejected", None),
        ("registration rejected, not retrying until up", "rejected"),
        ("registration timed out, not rejected", "timeout"),
        ("registration is up", "up"),
        ("Notice: registration failed", "down"),
    ],
)
def test_what_a_sentence_denies_is_no_state(sentence, state):
    """It stays in the details, and the words of another part of the sentence deny nothing."""
    frame = read_registrations(f"<134>{sentence}\n")
    assert [None if pd.isna(value) else value for value in frame["state"]] == [state]
    assert pd.isna(frame["details"][0]) == (state is not None)
