"""The sites: the certificates of each server, the browser's trust list, and the verdict of
Chromium 156.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from asn1crypto import core, x509

from .pki import (
    DAY,
    NOW,
    Issued,
    below,
    issue,
    leaf,
    new_key,
    root,
    unknown_extension,
)


@dataclass(frozen=True)
class Site:
    """A server: its URL, the certificates it sends, the browser's list, and whether it opens."""

    name: str
    url: str
    chain: Sequence[Issued]
    listed: Sequence[Issued]
    opens: bool


_ROOT = root("Listed Root", key="RSA-2048")
_STRANGER = root("Unlisted Root")
_PAST = {"start": NOW - 9 * DAY, "end": NOW - DAY}
_FUTURE = {"start": NOW + DAY, "end": NOW + 9 * DAY}


def _dns(name: str) -> x509.GeneralName:
    return x509.GeneralName("dns_name", name)


def _extension(oid: str, value: str) -> dict[str, object]:
    return {
        "extn_id": oid,
        "critical": False,
        "extn_value": core.ParsableOctetString(bytes.fromhex(value)),
    }


def _host(name: str) -> str:
    return f"{name.replace(' ', '-').lower()}.example"


def _leaves() -> list[Site]:
    """Return sites that differ in their own certificate, issued by the listed root."""

    def issued(name: str, opens: bool, **options: object) -> Site:
        host = _host(name)
        return Site(
            name, f"https://{host}/", [leaf(_ROOT, host, **options)], [_ROOT], opens
        )

    return [
        issued("valid", True),
        issued("expired", False, **_PAST),
        issued("not yet valid", False, **_FUTURE),
        issued("ten years", True, end=NOW + 3650 * DAY),
        issued("no end", True, end=NOW.replace(year=9999, month=12, day=31)),
        issued("broken signature", False, broken=True),
        issued("RSA of 1024 bits", True, key="RSA-1024"),
        issued("P-384", True, key="P-384"),
        issued("P-521", False, key="P-521"),
        issued("Ed25519", False, key="Ed25519"),
        issued("SHA-1", False, hash_name="sha1"),
        issued("SHA-512", True, hash_name="sha512"),
        issued("PSS", True, pss=True),
        issued("PSS with SHA-1", False, pss=True, hash_name="sha1"),
        issued("usage for servers", True, usages=["server_auth"]),
        issued("usage for clients only", False, usages=["client_auth"]),
        issued("usage for anything", True, usages=["any_extended_key_usage"]),
        issued(
            "key usage of a server",
            True,
            key_usage=["digital_signature", "key_encipherment"],
        ),
        issued(
            "key encipherment only",
            False,
            key="RSA-2048",
            key_usage=["key_encipherment"],
        ),
        issued("server is a CA", True, ca=True),
        issued(
            "unknown critical extension",
            False,
            further=[unknown_extension(critical=True)],
        ),
        issued(
            "unknown extension", True, further=[unknown_extension(critical=False)]
        ),
    ]


def _named() -> list[Site]:
    """Return sites that differ in their names."""

    def named(name: str, url: str, opens: bool, *dns: str, **options: object) -> Site:
        return Site(name, url, [leaf(_ROOT, *dns, **options)], [_ROOT], opens)

    return [
        named("wrong name", "https://wrong.example/", False, "other.example"),
        named("CN only", "https://cn.example/", False, cn="cn.example"),
        named(
            "CN beside another name",
            "https://cn2.example/",
            False,
            "other.example",
            cn="cn2.example",
        ),
        named("wildcard", "https://a.wild.example/", True, "*.wild.example"),
        named(
            "wildcard two labels up",
            "https://a.b.wild.example/",
            False,
            "*.wild.example",
        ),
        named("wildcard on itself", "https://wild.example/", False, "*.wild.example"),
        named(
            "wildcard within a label",
            "https://www.part.example/",
            False,
            "w*.part.example",
        ),
        named("wildcard over a top level", "https://top.local/", False, "*.local"),
        named(
            "wildcard over a public suffix", "https://shop.co.uk/", False, "*.co.uk"
        ),
        named(
            "wildcard for a U-label",
            "https://b\u00fccher.wild.example/",
            True,
            "*.wild.example",
        ),
        named(
            "A-label for a U-label",
            "https://b\u00fccher.example/",
            True,
            "xn--bcher-kva.example",
        ),
        named("upper case", "https://upper.example/", True, "UPPER.EXAMPLE"),
        named("final dot of the URL", "https://dot.example./", True, "dot.example"),
        named(
            "final dot of the name", "https://dot2.example/", True, "dot2.example."
        ),
        named("single label", "https://intranet/", True, "intranet"),
        named("underscore", "https://a_b.example/", True, "a_b.example"),
        named("NUL in a name", "https://nul.example/", False, "nul.example\0.evil"),
        named("address", "https://192.0.2.1/", True, ips=["192.0.2.1"]),
        named("other address", "https://192.0.2.2/", False, ips=["192.0.2.3"]),
        named("address as DNS name", "https://192.0.2.4/", False, "192.0.2.4"),
        named("address as CN", "https://192.0.2.5/", False, cn="192.0.2.5"),
        named("IPv6 address", "https://[2001:db8::1]/", True, ips=["2001:db8::1"]),
        named(
            "name for an address entry",
            "https://name.example/",
            False,
            ips=["192.0.2.6"],
        ),
        Site(
            "empty subject",
            "https://empty.example/",
            [issue({}, _ROOT, dns=["empty.example"], san_critical=True)],
            [_ROOT],
            True,
        ),
        Site(
            "empty subject and uncritical names",
            "https://empty2.example/",
            [issue({}, _ROOT, dns=["empty2.example"])],
            [_ROOT],
            False,
        ),
        Site(
            "malformed address beside the name",
            "https://five.example/",
            [
                issue(
                    {"common_name": "x"},
                    _ROOT,
                    further=[_extension("2.5.29.17", _FIVE)],
                )
            ],
            [_ROOT],
            False,
        ),
    ]


_FIVE = "30158705010203040582" + f"{len('five.example'):02x}" + b"five.example".hex()


def _chains() -> list[Site]:
    """Return sites that differ in their CAs."""

    def through(
        name: str,
        opens: bool,
        *,
        sent: bool = True,
        listed: bool = False,
        **options: object,
    ) -> Site:
        middle, host = below(_ROOT, f"{name} CA", **options), _host(f"{name} ca")
        chain = [leaf(middle, host), middle] if sent else [leaf(middle, host)]
        return Site(
            name, f"https://{host}/", chain, [middle] if listed else [_ROOT], opens
        )

    def under(
        name: str,
        opens: bool,
        between: Callable[[Issued], Issued] | None = None,
        **options: object,
    ) -> Site:
        top, host = root(f"{name} Root", **options), _host(f"{name} root")
        middle = [between(top)] if between else []
        return Site(
            name,
            f"https://{host}/",
            [leaf([*middle, top][0], host), *middle],
            [top],
            opens,
        )

    return [
        through("intermediate", True),
        through("intermediate not sent", False, sent=False),
        through("only the intermediate listed", True, listed=True),
        through("expired intermediate", False, **_PAST),
        through("expired and listed intermediate", False, listed=True, **_PAST),
        through("intermediate that is no CA", False, ca=False),
        through("intermediate without basicConstraints", False, ca=None),
        through("that one listed", True, ca=None, listed=True),
        through("intermediate that may not sign", False, key_usage=["crl_sign"]),
        through("intermediate signed with SHA-1", False, hash_name="sha1"),
        through("that one listed by its own", True, hash_name="sha1", listed=True),
        through("intermediate for clients", False, usages=["client_auth"]),
        through("intermediate with a key on P-521", True, key="P-521"),
        through("intermediate with a key of Ed25519", False, key="Ed25519"),
        through("constrained to these names", True, permitted=[_dns("example")]),
        through("constrained to other names", False, permitted=[_dns("test")]),
        through("excluded names", False, excluded=[_dns("example")]),
        through("path length for one", True, path_length=0),
        under("unlisted", True),
        under("root signed with SHA-1", True, hash_name="sha1"),
        under("root of version 1", True, version=1),
        under("expired root", False, **_PAST),
        under("root that is no CA", False, ca=False),
        under("root for clients", False, usages=["client_auth"]),
        under("root constrained to other names", False, permitted=[_dns("test")]),
        under(
            "root with a path length for one",
            False,
            lambda top: below(top, "Between"),
            path_length=0,
        ),
        under("root that may not sign", False, key_usage=["crl_sign"]),
    ]


def _strangers() -> list[Site]:
    """Return sites that are not in the list, and a few complicated ones."""
    alone = leaf(None, "alone.example")
    listed_leaf = leaf(None, "known.example")
    as_ca = leaf(None, "as-ca.example", ca=True)
    key = new_key("RSA-2048")
    old, new = (
        below(_ROOT, "Renewed", key=key, **_PAST),
        below(_ROOT, "Renewed", key=key),
    )
    weak = below(_ROOT, "Twin", key=key, hash_name="sha1")
    strong = below(_ROOT, "Twin", key=key)
    impostor = root("Listed Root")
    return [
        Site(
            "unknown CA",
            "https://unknown.example/",
            [leaf(_STRANGER, "unknown.example")],
            [_ROOT],
            False,
        ),
        Site(
            "unknown CA sent",
            "https://sent.example/",
            [leaf(_STRANGER, "sent.example"), _STRANGER],
            [_ROOT],
            False,
        ),
        Site(
            "CA of the same name",
            "https://impostor.example/",
            [leaf(impostor, "impostor.example")],
            [_ROOT],
            False,
        ),
        Site("self-signed", "https://alone.example/", [alone], [_ROOT], False),
        Site(
            "self-signed and listed",
            "https://known.example/",
            [listed_leaf],
            [listed_leaf],
            True,
        ),
        Site(
            "self-signed CA and listed",
            "https://as-ca.example/",
            [as_ca],
            [as_ca],
            True,
        ),
        Site(
            "an expired twin of the intermediate first",
            "https://renewed.example/",
            [leaf(new, "renewed.example"), old, new],
            [_ROOT],
            True,
        ),
        Site(
            "a weak twin of the intermediate first",
            "https://twin.example/",
            [leaf(weak, "twin.example"), weak, strong],
            [_ROOT],
            True,
        ),
        Site(
            "expired, with another name, of an unknown CA",
            "https://all-wrong.example/",
            [leaf(_STRANGER, "other.example", **_PAST)],
            [_ROOT],
            False,
        ),
    ]


@cache
def sites() -> tuple[Site, ...]:
    """Return all sites, each with its own certificates."""
    return (*_leaves(), *_named(), *_chains(), *_strangers())
