"""TLS connections as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ..texts.sentences import number, say
from ..texts.translation import translated_text


def connection_lines(handshakes: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each connection, then what was counted, and what could not be read."""
    connections = handshakes[handshakes["outcome"].notna()]
    for row in connections.to_dict("records"):
        yield _line({str(name): value for name, value in row.items()})
    for row in handshakes[handshakes["outcome"].isna()].to_dict("records"):
        yield say(
            "report.connections.unread",
            source=row["source"],
            problem=translated_text(row["parse_error"]),
        )
    for source, counts in handshakes.attrs.get("packets", {}).items():
        if counts.get("packets"):
            yield _packets(source, counts)
    if connections.empty:
        yield say("report.connections.none")
        return
    outcomes = connections["outcome"].astype("str").value_counts()
    yield say(
        "report.connections.total",
        connections=len(connections),
        outcomes=", ".join(
            say(
                "report.connections.outcome",
                count=int(count),
                outcome=say(f"outcomes.{outcome}"),
            )
            for outcome, count in outcomes.items()
        ),
    )


def _line(row: Mapping[str, Any]) -> str:
    alert = row["alert"]
    shown = isinstance(alert, str)
    time = row["time"]
    line = say(
        "report.connections.line",
        time="-" if pd.isna(time) else time.strftime("%Y-%m-%d %H:%M:%S.%f"),
        client=_end(row["client"], row["client_port"]),
        server=_end(row["server"], row["server_port"]),
        version=row["tls_version"] if isinstance(row["tls_version"], str) else "-",
        outcome=say(f"outcomes.{row['outcome']}"),
        alert=say("report.connections.alert", alert=alert) if shown else "",
        names=_presented(row["client_certificates"], row["resumed"]),
    ).rstrip()
    note = row["parse_error"]
    if not isinstance(note, str):
        return line
    return say("report.connections.note", line=line, note=translated_text(note))


def _presented(fingerprints: Any, resumed: Any) -> str:
    """Return the beginning of the client's fingerprint, or why there is none."""
    if not isinstance(fingerprints, list):
        is_resumed = pd.notna(resumed) and bool(resumed)
        return say("report.connections.resumed") if is_resumed else ""
    return (
        fingerprints[0][:16]
        if fingerprints
        else say("report.connections.no_certificate")
    )


def _end(address: Any, port: Any) -> str:
    text = str(address) if isinstance(address, str) else "?"
    shown = f"[{text}]" if ":" in text else text
    return shown if pd.isna(port) else f"{shown}:{port}"


def _packets(source: str, counts: Mapping[str, int]) -> str:
    numbers = {
        "packets": "packets",
        "tcp": "TCP",
        "not_tcp": "not TCP",
        "not_ip": "not IP",
        "fragments": "fragments",
        "damaged": "damaged",
    }
    words = {name: number(counts.get(key, 0)) for name, key in numbers.items()}
    return say("report.connections.packets", source=source, **words)
