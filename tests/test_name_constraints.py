"""Name constraints: the subtree rules of RFC 5280, section 4.2.1.10, form by form."""

import ipaddress

import pytest
from cryptography import x509

from certtrust.trust.name_constraints import (
    ADDRESS,
    DNS,
    MAIL,
    URI,
    allowed,
    constraints,
    too_many,
)
from certtrust.x509.ber import BadEncoding

FORMS = {
    DNS: x509.DNSName,
    MAIL: x509.RFC822Name,
    URI: x509.UniformResourceIdentifier,
}


def limits(kind: int, permitted: list[str], excluded: list[str]) -> bytes:
    """Return the extension's value, as the cryptography package writes it."""

    def trees(values: list[str]) -> list[x509.GeneralName] | None:
        if kind == ADDRESS:
            return [
                x509.IPAddress(ipaddress.ip_network(value)) for value in values
            ] or None
        return [FORMS[kind](value) for value in values] or None

    return x509.NameConstraints(trees(permitted), trees(excluded)).public_bytes()


@pytest.mark.parametrize(
    ("kind", "base", "name", "within"),
    [
        (DNS, "example.com", "example.com", True),
        (DNS, "example.com", "a.b.example.com", True),
        (DNS, "example.com", "badexample.com", False),
        (DNS, "EXAMPLE.com", "a.example.com", True),
        (DNS, ".example.com", "a.example.com", True),
        (DNS, ".example.com", "example.com", False),
        (DNS, "", "anything.test", True),
        (DNS, "example.com", "*.example.com", True),
        (DNS, "a.example.com", "*.example.com", False),
        (MAIL, "example.com", ("user", "example.com"), True),
        (MAIL, "example.com", ("user", "mail.example.com"), False),
        (MAIL, ".example.com", ("user", "mail.example.com"), True),
        (MAIL, "user@example.com", ("user", "example.com"), True),
        (MAIL, "user@example.com", ("USER", "example.com"), False),
        (URI, "example.com", "example.com", True),
        (URI, "example.com", "www.example.com", False),
        (URI, ".example.com", "www.example.com", True),
        (ADDRESS, "192.0.2.0/24", ipaddress.ip_address("192.0.2.7").packed, True),
        (ADDRESS, "192.0.2.0/24", ipaddress.ip_address("192.0.3.7").packed, False),
        (ADDRESS, "192.0.2.0/24", ipaddress.ip_address("2001:db8::1").packed, False),
        (ADDRESS, "2001:db8::/32", ipaddress.ip_address("2001:db8::1").packed, True),
    ],
)
def test_a_name_lies_within_a_subtree_or_not(kind, base, name, within):
    """A name within the only permitted subtree is refused where that subtree is excluded."""
    assert allowed(constraints(limits(kind, [base], [])), [(kind, name)]) is within
    if not (kind == DNS and name.startswith("*.")):
        assert (
            allowed(constraints(limits(kind, [], [base])), [(kind, name)])
            is not within
        )


def test_a_wildcard_that_covers_an_excluded_name_is_refused():
    """`*.example.com` may be used as `a.example.com`."""
    for base, fits in (
        ("a.example.com", False),
        ("example.com", False),
        ("a.b.example.com", True),
        ("a.test", True),
    ):
        assert (
            allowed(constraints(limits(DNS, [], [base])), [(DNS, "*.example.com")])
            is fits
        )


def test_names_of_other_forms_are_free_and_unreadable_ones_are_not():
    """A constraint applies to its own form; malformed names of that form and unread names are
    refused.
    """
    only_dns = constraints(limits(DNS, ["example.com"], []))
    assert allowed(only_dns, [(MAIL, ("user", "example.net")), (URI, None)])
    assert not allowed(only_dns, [(DNS, None)])
    assert not allowed(only_dns, None)
    assert not allowed(only_dns, [(DNS, "a.example.com"), (DNS, "a.example.net")])


@pytest.mark.parametrize(
    "value",
    [
        b"\x30\x00",
        b"\x30\x02\xa0\x00",
        limits(DNS, ["x.example.com"], []).replace(b"x.", b"*."),
        bytes.fromhex("300ea00c300a8708c0000200ff00ff00"),
        bytes.fromhex("300ca00a30088706c0000200ffff"),
        limits(DNS, ["example.com"], [])[:-1],
    ],
)
def test_malformed_constraints_are_refused(value):
    """They are empty, cut short, or have a wildcard, a mask with holes or an address of odd
    size.
    """
    with pytest.raises(BadEncoding):
        constraints(value)


def test_a_hostile_number_of_comparisons_is_refused():
    """Hundreds of names are not compared with hundreds of subtrees."""
    many = constraints(limits(DNS, [], [f"x{number}.test" for number in range(600)]))
    assert allowed(many, [(DNS, "a.example.com")] * 400)
    assert not too_many(many, [(DNS, "a.example.com")] * 400)
    assert too_many(many, [(DNS, "a.example.com")] * 600)
