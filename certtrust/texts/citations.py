"""Citations with links: where a requirement stands, one click away."""

from __future__ import annotations

import re

from .markup import Markup, tag, text

_WIKI = "https://wiki.innovaphone.com/index.php?title="

ARTICLE = f"{_WIKI}Reference11r1:Certificate_names_and_trust_relationships"
"""The address of the article that the rules are about; citations call it the page."""

_IN_WIKI = "innovaphone[ -][wW]iki, "

_PLACES = {
    r"(?:section|Abschnitt) [\d.]+, (?:sentence|Satz|Sätze)": ARTICLE,
    rf"{_IN_WIKI}H\.460\.17": f"{_WIKI}Reference11r1:Concept_H.323_over_TCP/TLS_(H.460.17)",
    rf"{_IN_WIKI}Certificates": f"{_WIKI}Reference9:General/Certificates",
    rf"{_IN_WIKI}Certificate management \(16r1\)": (
        f"{_WIKI}Reference16r1:Certificate_management"
    ),
    rf"{_IN_WIKI}Howto: Sign an innovaphone certificate request using a 3rd party CA": (
        f"{_WIKI}Howto:Sign_an_innovaphone_certificate_request_using_a_3rd_party_CA"
    ),
    rf"{_IN_WIKI}(Reference\w+:[\w/]+)": rf"{_WIKI}\1",
    r"RFC (\d+)": r"https://www.rfc-editor.org/rfc/rfc\1",
}
"""How citations in any of the languages name a place, and the address of it."""

_BETWEEN = re.compile("(?<=;) |(?<=,) (?=RFC)")
"""What stands between the sources of a citation."""


def linked(citation: str) -> Markup:
    """Return a citation as HTML in which each source that has an address is a link to it.

    Examples
    --------
    >>> linked("SDK; RFC 9155: MD5")
    'SDK; <a href="https://www.rfc-editor.org/rfc/rfc9155" rel="noreferrer">RFC 9155: MD5</a>'
    """
    sources = [_source(words) for words in _BETWEEN.split(citation)]
    return Markup(" ".join(sources))


def _source(words: str) -> Markup:
    for pattern, address in _PLACES.items():
        if match := re.search(pattern, words):
            return tag("a", words, href=match.expand(address), rel="noreferrer")
    return text(words)
