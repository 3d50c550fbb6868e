"""One line for Nagios, Icinga and their kin, with the exit code of a plug-in."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..errors import CerttrustError
from ..texts.dates import figures
from ..texts.labels import cause_label, listed, plural
from ..texts.sentences import say
from ..texts.visible import one_line
from .status import Status, expect_status

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
"""What a plug-in's exit codes mean."""
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_SHOWN = 10
_WIDEST = 60


@dataclass(frozen=True)
class Thresholds:
    """From when on a plug-in warns.

    Parameters
    ----------
    warning, critical : float
        Days that a device's certificate has left; an ended one is critical.
    ca_warning, ca_critical : float
        Days that a CA has left; one that no device's chain needs only warns.
    failing_warning, failing_critical : int, optional
        Failing devices: more than these; None never.
    """

    warning: float = 28
    critical: float = 14
    ca_warning: float = 180
    ca_critical: float = 60
    failing_warning: int | None = 0
    failing_critical: int | None = None

    def __post_init__(self) -> None:
        pairs = (
            (self.critical, self.warning),
            (self.ca_critical, self.ca_warning),
        )
        limits = (self.failing_warning, self.failing_critical)
        numbers = [*(number for pair in pairs for number in pair), *limits]
        negative = any(number is not None and not number >= 0 for number in numbers)
        if negative or any(critical > warning for critical, warning in pairs):
            raise CerttrustError(say("errors.monitoring.thresholds"))
        if None not in limits and limits[0] > limits[1]:  # type: ignore[operator]
            raise CerttrustError(say("errors.monitoring.thresholds"))


def plugin_status(
    status: Status, thresholds: Thresholds | None = None
) -> tuple[int, str]:
    """Return the exit code of a plug-in, and what it prints.

    Parameters
    ----------
    status : Status
        From `certtrust.monitoring.status`.
    thresholds : Thresholds, optional
        From when on it warns.

    Returns
    -------
    (int, str)
        0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. The first line is the state with the performance
        data behind a bar; details follow in further lines. Bars in names are replaced, since
        they would begin performance data.

    Notes
    -----
    UNKNOWN where neither a device nor a certificate was understood, and, unless something is worse,
    where something could not be read or no device has a verdict: then nothing says that all is
    well.

    Examples
    --------
    >>> import certtrust as ct
    >>> from certtrust.monitoring import status
    >>> code, text = plugin_status(status(ct.read_fleet(b"")))
    >>> code, text.splitlines()[0].partition(" | ")[0]
    (3, 'CERTTRUST UNKNOWN - nothing was understood')
    """
    limits, status = thresholds or Thresholds(), expect_status(status)
    if status.is_nothing:
        nothing = say("monitoring.nothing")
        return UNKNOWN, _first_line(UNKNOWN, nothing, status, limits)
    severity = _severity(status, limits)
    code = _code(status, limits, severity)
    urgent = status.renewals[severity > OK]
    text = _first_line(code, _summary(status, urgent, limits), status, limits)
    return code, "\n".join([text, *_details(status, urgent)])


def _severity(status: Status, limits: Thresholds) -> pd.Series:
    """Return the state of each certificate by its days left."""
    rows = status.renewals
    is_ca = (rows["role"] == "CA").fillna(value=False).astype(bool)
    left = rows["days_left"]
    warning = (~is_ca & (left < limits.warning)) | (
        is_ca & (left < limits.ca_warning)
    )
    critical = ~is_ca & (left < limits.critical)
    critical |= is_ca & (left < limits.ca_critical) & (rows["devices"] > 0)
    severity = warning.astype("int64") * WARNING
    return severity.mask(critical.fillna(value=False).astype(bool), CRITICAL)


def _code(status: Status, limits: Thresholds, severity: pd.Series) -> int:
    worst = int(severity.max()) if len(severity) else OK
    failing = status.failing_devices
    for limit, code in (
        (limits.failing_warning, WARNING),
        (limits.failing_critical, CRITICAL),
    ):
        if limit is not None and failing > limit:
            worst = max(worst, code)
    is_open = status.devices > 0 and status.undecided_devices == status.devices
    return UNKNOWN if worst == OK and (status.unread or is_open) else worst


def _summary(status: Status, urgent: pd.DataFrame, limits: Thresholds) -> str:
    parts = []
    if status.devices:
        devices = plural(status.devices, "device")
        failing = status.failing_devices
        parts.append(say("monitoring.failing", failing=failing, devices=devices))
    if open_devices := status.undecided_devices:
        parts.append(say("monitoring.undecided", count=open_devices))
    for role, days in (("device", limits.warning), ("CA", limits.ca_warning)):
        rows = urgent[urgent["role"] == role]
        ended = int((rows["days_left"] < 0).sum())
        for key, count in (("ended", ended), ("ending", len(rows) - ended)):
            if count:
                parts.append(
                    say(f"monitoring.{key}.{role}", count=count, days=f"{days:g}")
                )
    if status.unread:
        parts.append(say("monitoring.unread", count=status.unread))
    return listed(parts) or say("monitoring.fine")


def _first_line(code: int, text: str, status: Status, limits: Thresholds) -> str:
    return f"CERTTRUST {WORDS[code]} - {_safe(text)} | {_performance(status, limits)}"


def _performance(status: Status, limits: Thresholds) -> str:
    """Return the performance data: 'label'=value;warning;critical;least;most."""
    failing = [limits.failing_warning, limits.failing_critical]
    above = ["" if limit is None else str(limit) for limit in failing]
    data = [
        f"'failing'={status.failing_devices};{above[0]};{above[1]};0;{status.devices}",
        f"'undecided'={status.undecided_devices};;;0;{status.devices}",
        f"'unread'={status.unread};;;0;",
    ]
    bounds = {
        "device": (limits.warning, limits.critical),
        "CA": (limits.ca_warning, limits.ca_critical),
    }
    for role, (warning, critical) in bounds.items():
        left = status.renewals.loc[status.renewals["role"] == role, "days_left"]
        label = {"device": "days_left", "CA": "ca_days_left"}[role]
        value = "U" if left.dropna().empty else f"{left.min():.2f}"
        # A range that ends with a colon means: less than this is bad.
        data.append(f"'{label}'={value};{warning:g}:;{critical:g}:;;")
    return " ".join(data)


def _details(status: Status, urgent: pd.DataFrame) -> list[str]:
    """Return a line for each of the certificates that end first, and for the causes."""
    lines = []
    for row in urgent.head(_SHOWN).to_dict("records"):
        name = row["device"] if isinstance(row["device"], str) else row["subject_cn"]
        lines.append(
            say(
                f"monitoring.detail.{'over' if row['days_left'] < 0 else 'left'}",
                role=say(f"monitoring.roles.{row['role']}"),
                name=_name(name),
                issuer=_name(row["issuer_cn"]),
                date=figures(row["ends"]),
                count=abs(int(row["days_left"])),
            )
        )
    if rest := len(urgent) - min(len(urgent), _SHOWN):
        lines.append(say("monitoring.more", count=rest))
    failing = status.failing
    causes = failing.groupby(failing["cause"].astype("str"))["device"].nunique()
    for cause, count in causes.sort_values(ascending=False, kind="stable").items():
        devices = plural(int(count), "device")
        lines.append(
            say("monitoring.cause", cause=cause_label(str(cause)), devices=devices)
        )
    return [_safe(line) for line in lines]


def _name(name: object) -> str:
    if not isinstance(name, str):
        return say("values.missing")
    text = one_line(name)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}\u2026"


def _safe(text: str) -> str:
    return one_line(text).replace("|", "\u00a6")
