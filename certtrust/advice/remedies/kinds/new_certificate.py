"""A certificate with another CN: the one at hand issued anew, or a new one by a CA that the PBX
trusts.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from ....arrays.grouping import places
from ....schema import CERTIFICATES, TRUST, conform
from ..failures import Failures, Flags, Proposals
from ..fleet_copy import FOREVER, FleetCopy, among, taken
from ..remedy import Remedy
from .login import use_certificate
from .renewal import renew

_NAME = "certificate.name"
_VALIDITY = "time.validity"
_TRANSPORT = "transport.tls_only"
_ANY = ("password.tls_only", "certificate.trust", _VALIDITY, _NAME)
_LONG_AGO = pd.Timestamp("1970-01-01T00:00:00Z").as_unit("us")
_ISSUER = "a CA that the PBX trusts"


def _concerned(failures: Failures, rule: str) -> Flags:
    return failures.broken(rule) | failures.undecided(rule)


def _reissued(failures: Failures) -> Proposals:
    keys = ("fingerprint",)
    fitting = failures.fitting_cns(
        failures.broken(_NAME) & failures.of_one_device, keys
    )
    return {
        rule: failures.with_fitting_cn(_concerned(failures, rule), keys, fitting)
        for rule in (_VALIDITY, _NAME)
    }


def _enrolled(failures: Failures) -> Proposals:
    """Mend whatever is wrong with a certificate and, where the transport is not known, settle
    that as well.
    """
    keys = ("device", "pbx")
    pbx, listed = failures.rows["pbx"], failures.fleet.trust["pbx"]
    has_list = among(pbx, listed) | (listed.isna().any() & pbx.notna().to_numpy())
    fitting = failures.fitting_cns(failures.breaking_any(_ANY) & has_list, keys)
    chosen = {rule: _concerned(failures, rule) for rule in _ANY}
    chosen[_TRANSPORT] = failures.becomes_tls
    return {
        rule: failures.with_fitting_cn(cases, keys, fitting)
        for rule, cases in chosen.items()
    }


def _reissue(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The certificate is renewed, with `value` as its CN."""
    copy = renew(copy, actions)
    rows = copy.fleet.certificates
    cn = taken(
        actions["value"],
        places(rows["fingerprint"], actions["fingerprint"]),
        rows.index,
    )
    subject = "CN=" + cn.str.replace(r"([,+\"\\<>;=#])", r"\\\1", regex=True)
    named = {
        "subject_cn": rows["subject_cn"].mask(cn.notna(), cn),
        "subject": rows["subject"].mask(cn.notna(), subject),
    }
    return copy.having(certificates=rows.assign(**named))


def _enrol(copy: FleetCopy, actions: pd.DataFrame) -> FleetCopy:
    """The device registers by a certificate with `value` as its CN that stands in the list of
    its PBX.

    Who would issue it cannot be known here.
    """
    planned = _planned(actions)
    new = conform(planned.drop(columns="pbx"), CERTIFICATES)
    certificates = pd.concat([copy.fleet.certificates, new], ignore_index=True)
    copy = copy.having(certificates=certificates).listing(conform(planned, TRUST))
    rows = copy.fleet.registrations
    position = copy.actions_of_registrations(actions)
    presented = taken(planned["fingerprint"], position, rows.index)
    copy = copy.registering(
        fingerprint=rows["fingerprint"].mask(position >= 0, presented)
    )
    return use_certificate(copy, actions)


def _planned(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the certificates that the actions ask for, each with the PBX that trusts it."""
    actions = actions.reset_index(drop=True)
    device, pbx = actions["device"], actions["pbx"].fillna("")
    seeds = "planned for " + device + " at " + pbx
    return pd.DataFrame(
        {
            "pbx": actions["pbx"],
            "fingerprint": [
                hashlib.sha256(seed.encode(errors="replace")).hexdigest()
                for seed in seeds
            ],
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
        propose=_reissued,
        carry_out=_reissue,
    ),
    Remedy(
        "enrol",
        cost=10000,
        meets=(*_ANY, _TRANSPORT),
        needs=("device", "value"),
        dated=True,
        propose=_enrolled,
        carry_out=_enrol,
    ),
)
