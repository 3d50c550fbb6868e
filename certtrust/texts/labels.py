"""Labels in words: causes, counts with their nouns, lists, shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .sentences import say, sentences


def cause_label(cause: str) -> str:
    """Return the cause in plain words, or the cause itself where it has no title.

    Examples
    --------
    >>> cause_label("certificate.trust")
    'Certificate not trusted by the PBX'
    >>> cause_label("solar flare")
    'solar flare'
    """
    texts = sentences()
    entry = texts["rules"].get(cause) or texts["causes"].get(cause) or {}
    return str(entry.get("title", cause))


def plural(count: int, noun: str) -> str:
    """Return the count with its noun in the right number; the nouns stand in the file of sentences.

    Examples
    --------
    >>> plural(1, "device"), plural(1204, "device"), plural(2, "entry")
    ('1 device', '1,204 devices', '2 entries')
    """
    return say(f"nouns.{noun}", count=count)


def listed(parts: Sequence[str]) -> str:
    """Return parts as a list in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return _enumerated(parts, "last")


def _enumerated(parts: Sequence[str], form: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    first = say("lists.between").join(parts[:-1])
    return say(f"lists.{form}", first=first, last=parts[-1])


def either(parts: Sequence[str]) -> str:
    """Return parts of which one holds.

    Examples
    --------
    >>> either(["a", "b", "c"]), either(["a"])
    ('a, b or c', 'a')
    """
    return _enumerated(parts, "either")


def series(parts: Iterable[str]) -> str:
    """Return parts one after another, each of which may hold a list itself.

    Examples
    --------
    >>> series(["a and b: 3", "c: 1"])
    'a and b: 3; c: 1'
    """
    return say("lists.series").join(parts)


def percent(share: float) -> str:
    """Return a share as whole per cent, without rounding something to nothing or a part to all.

    Examples
    --------
    >>> [percent(share) for share in (0.0, 0.001, 0.614, 0.999, 1.0)]
    ['0%', '<1%', '61%', '>99%', '100%']
    """
    if 0 < share < 0.005:
        return say("numbers.less", share=say("numbers.percent", number=1))
    if 0.995 <= share < 1:
        return say("numbers.more", share=say("numbers.percent", number=99))
    return say("numbers.percent", number=round(100 * share))


def with_share(amount: int | str, part: float, whole: float) -> str:
    """Return an amount with its share of a whole.

    Examples
    --------
    >>> with_share("3 attempts", 3, 12)
    '3 attempts · 25%'
    """
    share = percent(part / max(whole, 1))
    return say("charts.shared.value", amount=amount, share=share)


def thousands(count: int) -> str:
    """Return a number in whole thousands, for where there is no room for all of it.

    Examples
    --------
    >>> thousands(1_234_567)
    '1,235k'
    """
    return say("numbers.thousands", count=round(count / 1000))
