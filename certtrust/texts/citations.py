"""Citations with links: where a requirement stands, one click away."""

from __future__ import annotations

import re

from .markup import Markup, join, tag, text

_WIKI = "https://wiki.innovaphone.com/index.php?title="

ARTICLE = f"{_WIKI}Reference11r1:Certificate_names_and_trust_relationships"
"""The address of the article that the rules are about; citations call it the page."""

_PLACES = {
    r"page section [\d.]+": ARTICLE,
    r"innovaphone wiki, H\.460\.17": f"{_WIKI}Reference11r1:Concept_H.323_over_TCP/TLS_(H.460.17)",
    r"innovaphone wiki, Certificates": f"{_WIKI}Reference9:General/Certificates",
    r"innovaphone wiki, Certificate management \(16r1\)": (
        f"{_WIKI}Reference16r1:Certificate_management"
    ),
    r"innovaphone wiki, Howto: Sign an innovaphone certificate request using a 3rd party CA": (
        f"{_WIKI}Howto:Sign_an_innovaphone_certificate_request_using_a_3rd_party_CA"
    ),
    r"RFC \d+": "https://www.rfc-editor.org/rfc/rfc",
}
"""How citations name a place, and the address of it; that of an RFC ends in its number."""

_NAMED = re.compile("|".join(f"({place})" for place in _PLACES))


def linked(citation: str) -> Markup:
    """Return a citation as HTML in which each place that has an address is a link to it.

    Examples
    --------
    >>> linked("page section 2, sentence 16; section 1, sentence 8")[:11]
    '<a href="ht'
    >>> linked("RFC 9155: MD5")
    '<a href="https://www.rfc-editor.org/rfc/rfc9155" rel="noreferrer">RFC 9155</a>: MD5'
    """
    parts = []
    end = 0
    for match in _NAMED.finditer(citation):
        parts += [text(citation[end : match.start()]), _link(match)]
        end = match.end()
    return join([*parts, text(citation[end:])])


def _link(match: re.Match[str]) -> Markup:
    words = match[0]
    address = list(_PLACES.values())[int(match.lastindex or 1) - 1]
    if words.startswith("RFC "):
        address += words.removeprefix("RFC ")
    return tag("a", words, href=address, rel="noreferrer")
