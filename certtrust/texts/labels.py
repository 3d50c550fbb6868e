"""What a cause is called in a chart or a report: the title of its rule, in an administrator's words."""

from __future__ import annotations

from collections.abc import Sequence

from .sentences import say, sentences

RELATIONS: dict[str, str] = {
    "equal": "Name and CN are equal",
    "cn begins name": "CN begins the name",
    "cn begins hardware id": "CN begins the hardware ID",
    "same device": "Same device, spelled otherwise",
    "nothing in common": "Nothing in common",
    "no cn": "Certificate without a CN",
    "no certificate": "No certificate known",
    "no name": "No name known",
}
"""How a registration name and a certificate's CN relate; values of `relation` in `name_relations`."""


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
    found = texts["rules"].get(cause) or texts["causes"].get(cause) or {}
    return str(found.get("title", cause))


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
    if len(parts) < 2:
        return "".join(parts)
    return say("lists.last", first=say("lists.between").join(parts[:-1]), last=parts[-1])


def percent(share: float) -> str:
    """Return a share as whole per cent, without rounding something to nothing or a part to all.

    Examples
    --------
    >>> [percent(share) for share in (0.0, 0.001, 0.614, 0.999, 1.0)]
    ['0%', '<1%', '61%', '>99%', '100%']
    """
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"
