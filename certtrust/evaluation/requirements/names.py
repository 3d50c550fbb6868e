"""The names of the certificate fit the registration name, or the URL."""

from __future__ import annotations

import pandas as pd

from ...arrays.arrow import as_mask
from ...names import device_ids, matching
from ..wire import seen_on_wire
from .rule import NAMES, Rule, chosen, without_certificate


def _registration_name_fits(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    fits = matching.certificate_fits_registration(attempts)
    # The name lies within TLS; the certificate alone says nothing of it.
    return fits.mask(seen_on_wire(attempts) & attempts["registration_name"].isna())


def _last_octets(names_of_devices: pd.Series) -> pd.Series:
    serial = device_ids.serials(names_of_devices).str.slice(6)
    return serial.fillna(device_ids.hardware_ids(names_of_devices)["tail"])


def _owner_of_cn(attempts: pd.DataFrame) -> pd.Series:
    cn = attempts["subject_cn"].fillna("")
    spelled = device_ids.same_spelling(cn)
    own = (spelled == attempts["device"]) | (
        spelled == device_ids.same_spelling(attempts["hardware_id"])
    )
    own |= cn == attempts["user"]
    octets, own_octets = _last_octets(cn), _last_octets(attempts["device"])
    other = (octets != own_octets) & octets.notna() & own_octets.notna()
    kinds = {
        "no CN": cn.str.strip() == "",
        "own CN": as_mask(own),
        "another's CN": as_mask(other),
    }
    return chosen(attempts.index, kinds)


def _missing(attempts: pd.DataFrame) -> pd.Series:
    name = attempts["registration_name"].fillna(attempts["hardware_id"])
    by_hardware_id = device_ids.hardware_ids(name)["tail"].notna()
    kinds = {
        **without_certificate(attempts),
        "no name": name.isna() | seen_on_wire(attempts),
        "serial": by_hardware_id,
    }
    return chosen(attempts.index, kinds).fillna("hardware ID")


def _url_fits(attempts: pd.DataFrame, _moment: pd.Series) -> pd.Series:
    return matching.certificate_fits_url(attempts)


def _missing_for_url(attempts: pd.DataFrame) -> pd.Series:
    return chosen(attempts.index, without_certificate(attempts))


RULES = (
    Rule(
        code="certificate.name",
        needs=NAMES,
        holds=_registration_name_fits,
        required={"h323-certificate": 50},
        stale="certificate",
        variant=_owner_of_cn,
        varying=("device", "user", "hardware_id", "subject_cn"),
        unknown=_missing,
        missing_by=(
            "registration_name",
            "hardware_id",
            "subject",
            "subject_cn",
            "certificate_error",
            "matched_by",
        ),
        of_names=True,
    ),
    Rule(
        code="browser.name",
        needs=(
            *(
                "url",
                "fingerprint",
                "subject",
                "subject_cn",
                "dns_names",
                "ip_addresses",
                "certificate_error",
            ),
        ),
        holds=_url_fits,
        required={"browser": 30},
        stale="certificate",
        unknown=_missing_for_url,
        missing_by=("subject", "subject_cn", "certificate_error"),
    ),
)
