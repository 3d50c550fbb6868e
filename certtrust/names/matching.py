"""Which names a certificate fits: hosts of URLs, registration names and hardware IDs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..arrays.arrow import as_mask, flags, index_of, text
from ..errors import CerttrustError
from ..texts.sentences import say
from . import hosts as _hosts
from .certificate_names import (
    REFUSED,
    Kind,
    names_by_kind,
    reader_reported,
    subject_is_unread,
)
from .prefixes import begins_with_cn, ends_inside, paired
from .registration_fit import certificate_fits_registration, registration_fit

__all__ = [
    "begins_with_cn",
    "certificate_fits_registration",
    "certificate_fits_url",
    "ends_inside",
    "host_matches",
    "registration_fit",
    "url_hosts",
]

# What the reader says of a certificate that hides names.
_UNREAD_NAMES = r"(?:^|; )(?:subject|extensions|extension 2\.5\.29\.17): "


def host_matches(
    patterns: Iterable[Any], hosts: Iterable[Any], kind: Kind = "dns"
) -> pd.Series:
    """Return True for each pair where a certificate's name fits the host of a URL.

    Parameters
    ----------
    patterns : Series or list of str, n values
        One name of a certificate each.
    hosts : Series or list of str, n values
        The host of a URL each, as it stands there: in any case, with or without port, brackets
        and final dot, percent-encoded, with U-labels or A-labels.
    kind : {"dns", "cn", "ip"}
        What the patterns are: dNSName entries, common names, or iPAddress entries as text.

    Returns
    -------
    Series of boolean
        With the index of `patterns`; missing where the pattern or the host is missing.

    Raises
    ------
    CerttrustError
        If `kind` is another word, or the two have different lengths. Values pair up by position.

    Notes
    -----
    The article wants the "CN or DNS name" to match the host name or the IP address of the URL and
    says no more. Decided here, after RFC 6125 and the URL standard, and after the browsers
    where these are silent:

    - Case does not matter, nor does one final dot on either side. U-labels equal their A-labels.
    - `*` stands for exactly one whole label, the leftmost, and two labels must follow it:
      `*.example.com` fits `a.example.com` and neither `example.com` nor `a.b.example.com`;
      `*.com`, `w*.example.com` and `a.*.com` fit nothing. It stands for A-labels, too, and
      never for a part of an address.
    - An address fits an iPAddress entry and, as the article's words allow, a CN or DNS name that
      is this address as text, in any spelling of IPv6. `::ffff:192.0.2.7` is not `192.0.2.7`; a
      zone is ignored.
    - A host whose last label is a number is an address or nothing (`0x7f.1` is `127.0.0.1`), as
      in browsers.
    - A name with an empty label, a label over 63 characters, or any character but letters,
      digits, `-` and `_` never fits, and neither does one with blanks around it, a NUL, or a
      character that IDNA would replace by another one.

    Not checked: public suffixes (`*.co.uk` fits `a.co.uk`), and whether an A-label is valid
    Punycode.

    Examples
    --------
    >>> names = ["*.example.com", "a.b", None]
    >>> host_matches(names, ["Phone.Example.com:8443", "c.b", "a.b"]).tolist()
    [True, False, <NA>]
    >>> host_matches(["::1", "192.0.2.7"], ["[0:0:0:0:0:0:0:1]", "192.0.2.8"], kind="ip").tolist()
    [True, False]
    """
    if kind not in ("dns", "cn", "ip"):
        raise CerttrustError(say("errors.names.kind", kind=repr(kind)))
    index, presented, wanted = paired(patterns=patterns, hosts=hosts)
    missing = pc.or_(pc.is_null(presented), pc.is_null(wanted))
    spell = _hosts.from_addresses if kind == "ip" else _hosts.from_patterns
    fits = _fits(spell(presented), _hosts.from_hosts(wanted))
    return flags(fits, as_mask(missing), index)


def _fits(patterns: Any, hosts: Any) -> np.ndarray:
    """Return where names fit that are in the one spelling; an unreadable one fits nothing."""
    fits = as_mask(pc.equal(patterns, hosts))
    wild = as_mask(pc.starts_with(patterns, "*."))
    if wild.any():
        rows = pa.array(np.flatnonzero(wild))
        suffix = pc.utf8_slice_codeunits(patterns.take(rows), 1)
        fits[wild] = as_mask(
            pc.equal(
                suffix, pc.replace_substring_regex(hosts.take(rows), "^[^.]+", "")
            )
        )
    return fits


def url_hosts(urls: Iterable[Any]) -> pd.Series:
    """Return the host of each URL as it stands there, with the brackets of an IPv6 address.

    Parameters
    ----------
    urls : Series or list of str
        URLs of any scheme (`https://`, `wss://`), or without one (`phone.example:8443/admin`).

    Returns
    -------
    Series of str
        With the index of `urls`; missing where there is no URL or it names no host.

    Examples
    --------
    >>> url_hosts(["https://Admin@Phone.example:8443/x", "wss://[::1]/", "192.0.2.7"]).tolist()
    ['Phone.example', '[::1]', '192.0.2.7']
    """
    return pd.Series(_hosts.from_urls(text(urls)).to_pandas(), dtype="str").set_axis(
        index_of(urls)
    )


def certificate_fits_url(attempts: pd.DataFrame) -> pd.Series:
    """Return True where a CN or DNS name of the certificate fits the host or address of the URL.

    Parameters
    ----------
    attempts : DataFrame
        Columns url, subject, subject_cn, dns_names, ip_addresses; where they are there,
        fingerprint and certificate_error.

    Returns
    -------
    Series of boolean
        Missing where the URL names no host, where no name fits and not all names are known
        (there is no certificate, only a listing of it, or it could not be read in full), and
        where cryptography refuses the certificate.

    Notes
    -----
    Any CN of the subject and any entry of the subject alternative name will do, and a CN counts
    beside DNS names: the article says "CN or DNS name". Browsers of today differ, see
    `hygiene.browser`. How two names are compared stands in `host_matches`.
    """
    hosts = text(url_hosts(attempts["url"]))
    fits = np.zeros(len(attempts), dtype=bool)
    for kind, (rows, names) in names_by_kind(attempts).items():
        matches = host_matches(names, hosts.take(pa.array(rows)), kind=kind)
        fits[rows[as_mask(matches)]] = True
    unread = subject_is_unread(attempts) | _listing_only(attempts)
    unread |= reader_reported(attempts, _UNREAD_NAMES)
    unknown = as_mask(pc.is_null(hosts)) | reader_reported(attempts, REFUSED)
    return flags(fits, unknown | (unread & ~fits), attempts.index)


def _listing_only(frame: pd.DataFrame) -> np.ndarray:
    """Return where a device only listed the certificate, without its alternative names."""
    if "fingerprint" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return frame["fingerprint"].isna().to_numpy()
