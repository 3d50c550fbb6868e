"""Where IP begins in a frame: Ethernet with VLANs, Linux cooked, raw IP and loopback.

The numbers of the link types are those of tcpdump.org; 12 and 14 are raw IP by some writers.
"""

from __future__ import annotations

import numpy as np

from .batches import Fields, Ints

UNKNOWN = -1
"""Stands for the link of an interface that a capture does not describe."""
ETHERNET, LINUX_COOKED, LINUX_COOKED_2 = 1, 113, 276
LOOPBACK, OPENBSD_LOOPBACK = 0, 108
_ANY_IP = frozenset({12, 14, 101, 228, 229})
KNOWN = _ANY_IP | {
    ETHERNET,
    LINUX_COOKED,
    LINUX_COOKED_2,
    LOOPBACK,
    OPENBSD_LOOPBACK,
}

_VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300)
_MOST_TAGS = 4
_IP4, _IP6 = 0x0800, 0x86DD
_FAMILIES_OF_IP6 = (10, 24, 28, 30)
"""Address families of IPv6 in Linux, the BSDs and macOS; IPv4 is 2 in all of them."""


def ip_positions(fields: Fields, starts: Ints, stops: Ints, link: int) -> Ints:
    """Return where each packet's IP header begins, or -1 where what follows is no IP."""
    if link in _ANY_IP:
        at, is_ip = starts, np.ones(len(starts), bool)
    elif link == ETHERNET:
        at, is_ip = _after_tags(fields, starts + 12)
    elif link == LINUX_COOKED:
        at, is_ip = _after_tags(fields, starts + 14)
    elif link == LINUX_COOKED_2:
        at, is_ip = _after_tags(fields, starts)
        # The protocol stands first here, and the other 18 bytes of the header behind it.
        at = at + 18
    elif link in (LOOPBACK, OPENBSD_LOOPBACK):
        family = fields.word(starts)
        # In the byte order of the host that captured, which need not be the file's.
        family = np.where(family > 0xFFFF, family >> 24, family)
        at, is_ip = starts + 4, np.isin(family, (2, *_FAMILIES_OF_IP6))
    else:
        at, is_ip = starts, np.zeros(len(starts), bool)
    return np.where(is_ip & (at + 20 <= stops), at, -1)


def _after_tags(fields: Fields, types: Ints) -> tuple[Ints, Ints]:
    """Return what follows the EtherType and any VLAN tags, and where that is IP."""
    kind = fields.short(types)
    at = types
    for _ in range(_MOST_TAGS):
        is_tag = np.isin(kind, _VLAN_TAGS)
        if not is_tag.any():
            break
        at = np.where(is_tag, at + 4, at)
        kind = np.where(is_tag, fields.short(at), kind)
    return at + 2, (kind == _IP4) | (kind == _IP6)
