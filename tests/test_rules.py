"""The reference of the rules, generated from the code that enforces them."""

import inspect
import re
import string

import pytest

import certtrust as ct
from certtrust.evaluation.check import CAUSES, causes
from certtrust.evaluation.requirements import BY_CODE, HYGIENE, RULES, SCENARIOS
from certtrust.explanation.findings import _DERIVED
from certtrust.schema import RESULTS
from certtrust.texts.sentences import sentences

PAGE_RULES = {
    "browser.trust",
    "browser.name",
    "certificate.trust",
    "certificate.name",
    "password.tls_only",
    "transport.tls_only",
    "time.clock",
    "time.validity",
}


def test_every_rule_of_the_design_is_documented():
    """Each rule has its scenario, requirement, citation, needs, remedy, and its limits."""
    rules = ct.rules().set_index("code")
    assert set(rules.index) >= PAGE_RULES
    assert (rules.drop(columns="reading").map(len) > 0).all(axis=None)


def test_hygiene_is_never_required():
    """An opinion may be shown with a scenario, but decides no verdict."""
    required = {code for codes in SCENARIOS.values() for code in codes}
    shown = {code for codes in HYGIENE.values() for code in codes}
    assert required >= PAGE_RULES
    assert not any(code.startswith("hygiene.") for code in required)
    assert all(code.startswith("hygiene.") for code in shown)


def templates() -> list[tuple[str, str]]:
    """Return every template with its location in the file."""
    located_templates = []
    for section in ("rules", "causes"):
        for code, texts in sentences()[section].items():
            groups = {code: texts}
            for kind in ("variants", "unknowns"):
                groups |= {
                    f"{code} {kind} {name}": variant
                    for name, variant in texts.get(kind, {}).items()
                }
            for location, group in groups.items():
                located_templates += [
                    (f"{location}.{key}", text)
                    for key, text in group.items()
                    if isinstance(text, str)
                ]
    return located_templates


@pytest.mark.parametrize(("location", "template"), templates())
def test_sentences_use_only_columns_of_results(location, template):
    """Each placeholder is a column of a result, or a text derived from one."""
    fields = {
        field
        for _, field, _, _ in string.Formatter().parse(template)
        if field is not None
    }
    assert fields <= {*RESULTS.names, *_DERIVED}, location


def test_every_cause_has_an_example_in_its_own_words():
    """The documentation of `causes` shows one sentence per cause, made from its template."""
    notes = inspect.getdoc(causes).partition("Notes")[2]
    shown = re.findall(r"^(\S+)\n((?:    .+\n)+)", notes, re.MULTILINE)
    examples = {cause: " ".join(text.split()) for cause, text in shown}
    assert PAGE_RULES <= set(examples) <= set(CAUSES.categories)
    for cause, example in examples.items():
        template = sentences()["rules" if cause in BY_CODE else "causes"][cause][
            "why"
        ]
        pattern = re.sub(r"\\{\w+\\}", ".+", re.escape(template))
        assert re.fullmatch(pattern, example), (cause, example)


def test_needed_columns_exist():
    """The columns that a rule declares exist in RESULTS."""
    for rule in RULES:
        assert set(rule.needs) <= set(RESULTS.names), rule.code


def test_texts_are_one_file():
    """The TOML file of sentences has these tables."""
    assert set(sentences()) >= {"rules", "causes", "trust_states"}
