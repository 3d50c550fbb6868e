"""What a cause is called in a chart or a report: the title of its rule, in an administrator's words."""

from __future__ import annotations

from .sentences import sentences

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


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return the count with its noun in the right number.

    Examples
    --------
    >>> plural(1, "device"), plural(1204, "device"), plural(2, "entry", "entries")
    ('1 device', '1,204 devices', '2 entries')
    """
    word = noun if count == 1 else nouns or noun + "s"
    return f"{count:,} {word}"


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
