"""Which endpoints are to be asked: from lists, files, networks, frames and fleets."""

from __future__ import annotations

import csv
import io
import ipaddress
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from .. import limits
from ..column_names import plain
from ..errors import CerttrustError
from ..fleet import Fleet
from ..formats import as_text
from ..names import hosts
from ..spreadsheets import is_workbook, texts_of_workbook
from ..texts.sentences import say
from ..texts.visible import one_line
from .asking import Target

_PORTS = {"https": 443, "wss": 443, "ldaps": 636, "ldap": 389, "sips": 5061}
"""Ports by the scheme of a URL."""
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+/[0-9.]+")
_ENTRY = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):[/\\]{2})?(?:[^/?#\\]*@)?"
    r"(?P<host>\[[^\]/?#\\]*\]|[^\]\[/?#\\]*?)(?::(?P<port>[0-9]{1,5}))?(?:[/?#\\].*)?",
    re.DOTALL,
)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_ZONE = re.compile(r"(?P<address>[0-9A-Fa-f:.]+)%(?P<zone>[\w.-]{1,32})")
_HEADINGS = (
    *("host", "host name", "fqdn", "dns name", "endpoint", "url", "address"),
    *("ip address", "ip", "ipv4", "ipv6", "remote address", "adresse", "ip adresse"),
    *("server", "server name", "rechner", "rechnername", "name"),
)
"""What the column of hosts is called; where several are there, the first of these."""
_PORT_HEADINGS = ("port", "tcp port", "server port")
_FILES = (".txt", ".csv", ".tsv", ".xlsx", ".lst", ".list")
_SHOWN = 80


class Entry(NamedTuple):
    """What somebody wrote: a host in any form, and a port beside it."""

    text: str
    port: int | None = None


def targets(source: Any, port: int) -> list[Target]:
    """Return the endpoints that `source` names, each once, in the order given.

    Parameters
    ----------
    source : str, path, iterable, DataFrame, Series or Fleet
        As `certtrust.fetch_fleet` takes it.
    port : int
        The port of entries that name none.

    Raises
    ------
    CerttrustError
        If the source is none of these, a file does not exist or holds no hosts, or a network is
        too large.
    """
    once: dict[tuple[str, int, str | None], Target] = {}
    for entry in entries(source):
        for target in _targets(entry, port):
            once.setdefault((target.host, target.port, target.error), target)
    return list(once.values())


def entries(source: Any) -> Iterator[Entry]:
    """Yield what a source names, as it stands there; what is missing is left out."""
    if isinstance(source, Fleet):
        yield from _of_registrations(source.registrations)
    elif isinstance(source, pd.DataFrame):
        yield from _of_frame(source)
    elif isinstance(source, os.PathLike):
        yield from _of_file(Path(source))
    elif isinstance(source, str):
        yield from _of_text(source)
    elif isinstance(source, (bytes, bytearray)) or not isinstance(source, Iterable):
        raise _error("no_hosts", kind=type(source).__name__)
    else:
        for one in source:
            yield from _of_item(one)


def _of_item(item: Any) -> Iterator[Entry]:
    if isinstance(item, str):
        yield Entry(item)
    elif isinstance(item, Entry | tuple) and len(item) == 2:
        yield Entry(str(item[0]), _port(item[1]))
    elif isinstance(item, os.PathLike):
        yield from _of_file(Path(item))
    elif isinstance(item, _ADDRESSES):
        yield Entry(str(item))
    elif not (pd.api.types.is_scalar(item) and pd.isna(item)):
        raise _error("no_hosts", kind=type(item).__name__)


_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)


def _port(value: Any) -> int | None:
    """Return a port that stands beside a host; a wrong one stays wrong, a missing one is None."""
    if pd.isna(value) or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0
    return int(number) if number.is_integer() else 0


def _of_text(text: str) -> Iterator[Entry]:
    """Yield the hosts of a file of that name, else the one host, URL or network."""
    path = Path(text)
    is_network = _NETWORK.fullmatch(text.strip()) is not None
    if not is_network and text and "://" not in text:
        is_path = os.sep in text or spelled(text) is None
        if _is_there(path.is_file) or (is_path and _is_there(path.is_dir)):
            yield from _of_file(path)
            return
        if path.suffix.lower() in _FILES:
            raise _error("no_file", path=text)
    yield Entry(text)


def _is_there(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except (OSError, ValueError):
        return False


def _of_registrations(registrations: pd.DataFrame) -> Iterator[Entry]:
    """Yield the address that each device last registered from; a proxy's is not its own."""
    rows = registrations[registrations["remote_address"].notna()]
    rows = rows[~rows["via_reverse_proxy"].fillna(value=False).astype(bool)]
    rows = rows.sort_values("time", kind="stable", na_position="first")
    device = rows["serial"].fillna(rows["hardware_id"]).fillna(rows["remote_address"])
    last = rows[~device.duplicated(keep="last")]
    for text in last["remote_address"].unique():
        yield Entry(str(text))


def _of_frame(frame: pd.DataFrame) -> Iterator[Entry]:
    names = {plain(str(name)): name for name in reversed(frame.columns)}
    column = next((names[name] for name in _PLAIN_HEADINGS if name in names), None)
    if column is None:
        headings = ", ".join(map(str, frame.columns))
        raise _error("no_column", headings=headings)
    port = next((names[name] for name in _PLAIN_PORTS if name in names), None)
    ports = [None] * len(frame) if port is None else frame[port].tolist()
    for host, number in zip(frame[column].tolist(), ports, strict=True):
        if not pd.isna(host) and str(host).strip():
            yield Entry(str(host), _port(number))


_PLAIN_HEADINGS = tuple(dict.fromkeys(map(plain, _HEADINGS)))
_PLAIN_PORTS = tuple(map(plain, _PORT_HEADINGS))


def _of_file(path: Path) -> Iterator[Entry]:
    if path.is_dir():
        raise _error("folder", path=path)
    try:
        data = path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise _error("unread_file", path=path, reason=reason) from problem
    if is_workbook(data[:4096]):
        sheets = texts_of_workbook(data)
        if isinstance(sheets, str):
            raise _error("unread_file", path=path, reason=sheets)
        rows = [row for sheet in sheets for row in sheet]
    else:
        if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise _error("unread_file", path=path, reason=say("endpoints.no_text"))
        try:
            rows = _rows_of_text(as_text(data))
        except csv.Error as problem:
            raise _error("unread_file", path=path, reason=problem) from problem
    yield from _of_rows(rows, path)


def _rows_of_text(text: str) -> list[list[str]]:
    """Return lines as rows of cells; a line of text alone is one cell."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    heads = Counter("".join(lines[:5]))
    separator = max(";,\t", key=lambda sign: heads[sign])
    if not heads[separator]:
        return [[line] for line in lines]
    return list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))


def _of_rows(rows: list[list[str]], path: Path) -> Iterator[Entry]:
    """Yield hosts out of a table: below its heading, or of a table of one column."""
    rows = [[cell.strip() for cell in row] for row in rows if any(row)]
    if not rows:
        return
    headings = [plain(cell) for cell in rows[0]]
    column = next(
        (headings.index(name) for name in _PLAIN_HEADINGS if name in headings), None
    )
    if column is None and max(map(len, rows)) > 1:
        if _target(rows[0][0], 1).error is None and "." in rows[0][0]:
            # No headings: hosts come first, and a number beside them is a port.
            column, headings = 0, ["", plain(_PORT_HEADINGS[0])]
            rows.insert(0, [])
        else:
            shown = one_line(", ".join(rows[0]))[:_SHOWN]
            raise _error("no_column", headings=f"{path}: {shown}")
    elif column is None:
        column = 0
        rows.insert(0, [])
    ports = [headings.index(name) for name in _PLAIN_PORTS if name in headings]
    for row in rows[1:]:
        if len(row) > column and row[column]:
            beside = [row[at] for at in ports if at < len(row)]
            yield Entry(row[column], _port(beside[0]) if beside else None)


def _targets(entry: Entry, port: int) -> Iterator[Target]:
    text = entry.text.strip()
    if not _NETWORK.fullmatch(text):
        yield _target(text, port if entry.port is None else entry.port)
        return
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        yield _wrong("no_network", text, entry.port or port)
        return
    if network.num_addresses > limits.NETWORK_ADDRESSES:
        counts = {
            "addresses": f"{network.num_addresses:,}",
            "limit": f"{limits.NETWORK_ADDRESSES:,}",
        }
        raise _error("large_network", network=text, **counts)
    number = port if entry.port is None else entry.port
    wrong = _target(str(network[0]), number).error
    for address in network.hosts():
        yield Target(str(address), number, wrong)


def _target(text: str, port: int) -> Target:
    """Return the endpoint that an entry names, or the entry with what is wrong with it."""
    if text.count(":") > 1 and "/" not in text and "[" not in text:
        parts: dict[str, str | None] = {"host": text}
    else:
        match = _ENTRY.fullmatch(text) if len(text) <= hosts.LONGEST_TEXT else None
        parts = match.groupdict() if match else {"host": None}
    scheme = (parts.get("scheme") or "").lower()
    number = int(parts.get("port") or _PORTS.get(scheme, port))
    written = parts["host"] or ""
    name = spelled(written.removeprefix("[").removesuffix("]"))
    if name is None:
        return _wrong("no_host", text, number)
    if not 0 < number < 1 << 16:
        return Target(name, number, say("errors.endpoints.no_port", port=str(number)))
    return Target(name, number)


def spelled(written: str) -> str | None:
    """Return a host in the one spelling, an IPv6 address with the zone that leads to it."""
    # The URL standard reads 7 as 0.0.0.7; whoever lists hosts means no such thing.
    if not written or re.search(r"\s", written) or _NUMBER.fullmatch(written):
        return None
    if zoned := _ZONE.fullmatch(written):
        address = hosts.address(zoned["address"])
        return None if address is None else f"{address}%{zoned['zone']}"
    return hosts.host(f"[{written}]" if ":" in written else written)


def _wrong(key: str, text: str, port: int) -> Target:
    """Return an entry that names no host; a password within it is not repeated."""
    shown = one_line(re.sub(r"[^/\s]*@", "", text))[:_SHOWN]
    return Target(shown, port, say(f"errors.endpoints.{key}", host=repr(shown)))


def _error(key: str, **values: Any) -> CerttrustError:
    return CerttrustError(say(f"errors.endpoints.{key}", **values))


def spread(listed: list[Target], seed: int) -> list[Target]:
    """Return targets in an order that comes back to each network as late as can be.

    The addresses of a network (24 bits of IPv4, 64 of IPv6, the domain of a name) are spread
    evenly over the whole run, in an order that chance decides.

    Examples
    --------
    >>> mixed = spread([Target(f"192.0.{net}.{one}", 443) for net in (2, 3) for one in (1, 2)], 0)
    >>> [target.host[:7] for target in mixed] in (["192.0.2", "192.0.3"] * 2,
    ...     ["192.0.3", "192.0.2"] * 2, ["192.0.2", "192.0.3", "192.0.3", "192.0.2"],
    ...     ["192.0.3", "192.0.2", "192.0.2", "192.0.3"])
    True
    """
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    shuffled = list(listed)
    chance.shuffle(shuffled)
    networks = [_network(target.host) for target in shuffled]
    sizes, counted = Counter(networks), Counter[str]()
    due = []
    for position, network in enumerate(networks):
        due.append(((counted[network] + chance.random()) / sizes[network], position))
        counted[network] += 1
    return [shuffled[position] for _, position in sorted(due)]


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.partition(".")[2] or host
    bits = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network((address, bits), strict=False))
