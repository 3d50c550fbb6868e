"""A certificate with another CN: the one at hand reissued, or one by a CA that the PBX trusts."""

from __future__ import annotations

import hashlib

import pandas as pd

from ....arrays.grouping import first_positions
from ....schema import CERTIFICATES, conform
from ...joins import among, values_at
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FOREVER, FleetCopy
from ..remedy import Remedy
from .login import use_certificate
from .renewal import renew

_NAME = "certificate.name"
_VALIDITY = "time.validity"
_TRANSPORT = "transport.tls_only"
_ANY = ("password.tls_only", "certificate.trust", _VALIDITY, _NAME)
_LONG_AGO = pd.Timestamp("1970-01-01T00:00:00Z").as_unit("us")
_ISSUER = "a CA that the PBX trusts"


def _reissuing(failures: Failures) -> Proposals:
    keys = ["fingerprint"]
    of_one_device = failures.broken(_NAME) & failures.of_one_device
    fitting = failures.fitting_cns(of_one_device, keys)
    return {
        rule: failures.with_fitting_cn(_affected(failures, rule), keys, fitting)
        for rule in (_VALIDITY, _NAME)
    }


def _enrolling(failures: Failures) -> Proposals:
    """Return proposals that mend any fault of a certificate and settle an unknown transport."""
    keys = ["device", "pbx"]
    pbx, listed = failures.rows["pbx"], failures.fleet.trust["pbx"]
    has_list = among(pbx, listed) | (listed.isna().any() & pbx.notna().to_numpy())
    fitting = failures.fitting_cns(failures.broken(*_ANY) & has_list, keys)
    chosen = {rule: _affected(failures, rule) for rule in _ANY}
    chosen[_TRANSPORT] = failures.becomes_tls
    return {
        rule: failures.with_fitting_cn(cases, keys, fitting)
        for rule, cases in chosen.items()
    }


def _affected(failures: Failures, rule: str) -> Flags:
    return failures.broken(rule) | failures.undecided(rule)


def _reissue(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy with the certificate renewed and `value` as its CN."""
    copy = renew(copy, actions)
    rows = copy.fleet.certificates
    position = first_positions(rows["fingerprint"], actions["fingerprint"])
    cn = values_at(actions["value"], position, rows.index)
    subject = "CN=" + cn.str.replace(r"([,+\"\\<>;=#])", r"\\\1", regex=True)
    named = rows.assign(
        subject_cn=cn.fillna(rows["subject_cn"]),
        subject=subject.fillna(rows["subject"]),
    )
    return copy.with_frames(certificates=named)


def _enrol(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """Return the copy where the device presents a new certificate that the PBX lists.

    Its CN is `value`; who would issue it cannot be known here.
    """
    planned = _planned(actions)
    new = conform(planned.drop(columns="pbx"), CERTIFICATES)
    certificates = pd.concat([copy.fleet.certificates, new], ignore_index=True)
    copy = copy.with_frames(certificates=certificates).with_trust_entries(planned)
    rows = copy.fleet.registrations
    position = copy.actions_of_registrations(actions)
    presented = values_at(planned["fingerprint"], position, rows.index)
    copy = copy.with_registrations(fingerprint=presented.fillna(rows["fingerprint"]))
    return use_certificate(copy, actions)


def _planned(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the new certificate of each action, with the PBX that trusts it."""
    actions = actions.reset_index(drop=True)
    device, pbx = actions["device"], actions["pbx"].fillna("")
    seeds = ("planned for " + device + " at " + pbx).str.encode("utf-8", "replace")
    return pd.DataFrame(
        {
            "pbx": actions["pbx"],
            "fingerprint": [hashlib.sha256(seed).hexdigest() for seed in seeds],
            "source": "planned",
            "bundle": "planned " + device + " " + pbx,
            "position": 0,
            "device": device,
            "subject": "CN=" + actions["value"],
            "subject_cn": actions["value"],
            "issuer": f"CN={_ISSUER}",
            "issuer_cn": _ISSUER,
            "not_before": actions["since"].fillna(_LONG_AGO),
            "not_after": FOREVER,
            "is_ca": False,
            "self_issued": False,
        }
    )


REMEDIES = (
    Remedy(
        "reissue",
        cost=4000,
        meets=(_VALIDITY, _NAME),
        needs=("fingerprint", "value"),
        dated=True,
        variant=("self_signed", "reissue self-signed"),
        propose=_reissuing,
        carry_out=_reissue,
    ),
    Remedy(
        "enrol",
        cost=10000,
        meets=(*_ANY, _TRANSPORT),
        needs=("device", "value"),
        dated=True,
        propose=_enrolling,
        carry_out=_enrol,
    ),
)
