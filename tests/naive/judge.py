"""The rules for one attempt, in plain Python over the dicts of `fleets`.

Written from the article (Reference11r1) and the definitions of the rules alone: nothing here comes
from the package, nothing is vectorised, and each attempt is judged by itself. The three values of a
rule are True, False and None; None means that the files do not decide it.
"""

import datetime as dt
import hashlib
import re
import warnings
from functools import cache
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

RULES = {
    "h323-certificate": [
        "time.clock",
        "transport.tls_only",
        "certificate.trust",
        "time.validity",
        "certificate.name",
    ],
    "h323-password": ["time.clock", "transport.tls_only", "password.tls_only"],
}
HYGIENE = ["hygiene.weak_key", "hygiene.weak_signature", "hygiene.prefix"]
MOST_AUTHORITIES = 32


# Contents of a certificate


class Facts(NamedTuple):
    """Fields of one certificate."""

    fingerprint: str
    common_name: str | None
    subject: bytes
    issuer: bytes
    key: bytes
    not_before: dt.datetime
    not_after: dt.datetime
    is_ca: bool | None
    path_length: int | None
    cert_sign: bool | None
    unknown_critical: bool


@cache
def load(der: bytes) -> x509.Certificate:
    """Return the certificate as the cryptography package reads it."""
    return x509.load_der_x509_certificate(der)


@cache
def facts(der: bytes) -> Facts:
    """Return the fields of a certificate."""
    certificate = load(der)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about an empty CN
        subject, issuer = certificate.subject, certificate.issuer
    names = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    return Facts(
        fingerprint=hashlib.sha256(der).hexdigest(),
        common_name=names[-1].value if names else None,
        subject=subject.public_bytes(),
        issuer=issuer.public_bytes(),
        key=certificate.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        ),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_ca=constraints.ca if constraints else None,
        path_length=constraints.path_length if constraints else None,
        cert_sign=usage.key_cert_sign if usage else None,
        unknown_critical=any(
            extension.critical
            and isinstance(extension.value, x509.UnrecognizedExtension)
            for extension in certificate.extensions
        ),
    )


def label(block: dict[str, Any]) -> str:
    """Return a short description of a certificate in a file, for messages."""
    if block["cut"]:
        return "cut after its first line"
    own = facts(block["der"])
    kind = {True: "CA", False: "no CA", None: "no basicConstraints"}[own.is_ca]
    span = f"{own.not_before:%Y-%m-%d} to {own.not_after:%Y-%m-%d}"
    return f"{own.common_name!r} ({span}, {kind}, {own.fingerprint[:6]})"


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


@cache
def signed_by(der: bytes, issuer: bytes) -> bool:
    """Return True where the names match and the issuer's key verifies the signature."""
    if facts(der).issuer != facts(issuer).subject:
        return False
    child, key = load(der), load(issuer).public_key()
    signature, content = child.signature, child.tbs_certificate_bytes
    scheme = child.signature_algorithm_parameters
    if isinstance(key, rsa.RSAPublicKey) == isinstance(scheme, ec.ECDSA):
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, scheme, child.signature_hash_algorithm)
        else:
            key.verify(signature, content, scheme)
    except InvalidSignature:
        return False
    return True


# Names of devices


@cache
def serial(text: str | None) -> str | None:
    """Return the text in lower case where it is a serial."""
    return text.lower() if text and re.fullmatch(r"[0-9A-Fa-f]{12}", text) else None


@cache
def hardware_id(text: str | None) -> str | None:
    """Return the text in lower case where it is the hardware ID of a device or a soft client."""
    lower = (text or "").lower()
    return (
        lower
        if re.fullmatch(r".+(-[0-9a-f]{2}){3}|(swphone|smartphone)_.+", lower)
        else None
    )


@cache
def octets(text: str | None) -> str | None:
    """Return the last three octets of a serial or hardware ID, or None."""
    if serial(text):
        return serial(text)[-6:]
    match = re.fullmatch(
        r".+-([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})", (text or "").lower()
    )
    return "".join(match.groups()) if match else None


def without_interface(name: str | None, interface: str | None) -> str | None:
    """Return the name without a suffix such as `-TEL1` after a serial or a hardware ID."""
    if name and interface and name.endswith("-" + interface):
        return name[: -len(interface) - 1]
    base = (name or "").rpartition("-")[0]
    return base if not octets(name) and octets(base) else name


# Contents of the files of a fleet


class Presented(NamedTuple):
    """One certificate in one file; `der` is None where it cannot be read."""

    der: bytes | None
    device: str | None
    file: str


def take_inventory(fleet: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of all files, arranged for looking up what an attempt needs."""
    files = fleet["certificates"]
    entries = [entry for file in fleet["devices"] for entry in entries_in(file)]
    rows = [row_in(file, row) for file in fleet["logs"] for row in file["rows"]]
    spellings = [
        *(name for file in files for name in devices_of_file(file)),
        *(entry["hw"] for entry in entries),
        *(row.get("serial") for row in rows),
        *(
            without_interface(row.get("registration_name"), row.get("interface"))
            for row in rows
        ),
    ]
    serials = serials_by_octets(spellings)
    presented = [
        certificate for file in files for certificate in presented_in(file, serials)
    ]
    return {
        "presented": presented,
        "entries": entries,
        "serials": serials,
        "bundles": {
            file["name"]: [
                block["der"] for block in file["blocks"] if not block["cut"]
            ]
            for file in fleet["certificates"]
        },
        "damaged": {
            certificate.file for certificate in presented if certificate.der is None
        },
        "trust": {file["pbx"]: trust_list(file) for file in fleet["trust"]},
    }


def serials_by_octets(spellings: list[str | None]) -> dict[str | None, set[str]]:
    """Return the serials of a fleet by their last three octets."""
    by_octets: dict[str | None, set[str]] = {}
    for spelling in spellings:
        if serial_number := serial(spelling):
            by_octets.setdefault(octets(serial_number), set()).add(serial_number)
    return by_octets


def devices_of_file(file: dict[str, Any]) -> list[str | None]:
    """Return the device in the name of a file, else the devices in the CNs of its certificates."""
    owner = device_of_file(file["name"])
    if owner:
        return [owner]
    ders = [block["der"] for block in file["blocks"] if not block["cut"]]
    return [_device_name(facts(der).common_name) for der in ders]


def presented_in(
    file: dict[str, Any],
    serials: dict[str | None, set[str]],
) -> list[Presented]:
    """Return the certificates of a file with the device that each belongs to.

    In a file named after a device, certificates belong to that device, except issuers of another
    certificate in the file, and CAs with another name beside certificates that are no CAs. In any
    other file, each certificate belongs to the device that its CN names.
    """
    owner = device_of_file(file["name"])
    ders = [block["der"] for block in file["blocks"] if not block["cut"]]
    if owner is None:
        named = [
            Presented(der, _device_name(facts(der).common_name), file["name"])
            for der in ders
        ]
    else:
        leaves = [
            der
            for der in ders
            if not any(names_as_issuer(other, der) for other in ders)
        ]
        inventory = {"serials": serials}
        device = {
            "serial": serial(owner) or joined(owner, inventory),
            "hardware_id": owner,
        }
        plain = [der for der in leaves if not facts(der).is_ca] or leaves
        own_cas = [
            der
            for der in leaves
            if same_device(facts(der).common_name, device, inventory)
        ]
        plain = [*plain, *own_cas]
        named = [
            Presented(der, owner if der in plain else None, file["name"])
            for der in ders
        ]
    cut = [
        Presented(None, owner, file["name"])
        for block in file["blocks"]
        if block["cut"]
    ]
    return named + cut


def names_as_issuer(der: bytes, issuer: bytes) -> bool:
    """Return True where a certificate, not self-issued, names the other one as its issuer."""
    return facts(der).subject != facts(der).issuer == facts(issuer).subject


def device_of_file(name: str) -> str | None:
    """Return the serial or hardware ID in the name of a file."""
    stem = name.rsplit(".", 1)[0]
    for candidate in (stem, re.sub(r"[-_](former|old|v\d)$", "", stem)):
        if _device_name(candidate):
            return _device_name(candidate)
    return None


def _device_name(text: str | None) -> str | None:
    return serial(text) or hardware_id(text)


def trust_list(file: dict[str, Any]) -> dict[str, Any]:
    """Return the certificates of a trust list, and whether all of it could be read."""
    if file["content"] == "page":
        return {"ders": [], "whole": False}
    return {
        "ders": [block["der"] for block in file["blocks"] if not block["cut"]],
        "whole": not any(block["cut"] for block in file["blocks"]),
    }


def entries_in(file: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the device entries of a file with flags that are True, False or None (not stated)."""
    return [
        {
            "pbx": entry["pbx"],
            "user": entry["user"],
            "hw": entry["hw"],
            "tls": _flag(file, entry, "tls"),
            "trusted": _flag(file, entry, "trusted"),
        }
        for entry in file["entries"]
    ]


def _flag(file: dict[str, Any], entry: dict[str, Any], name: str) -> bool | None:
    value = entry[name]
    if file["format"] == "import list" or value == -1:
        return None
    if value == "absent":
        if file["format"] == "xml":
            written = any(other[name] != "absent" for other in file["entries"])
            return False if written else None
        return False if file["format"] == "json" else None
    return value


def row_in(file: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a row of a log."""
    if file["format"] != "events":
        return row
    columns = {
        "time": row["time"],
        "hardware_id": row["hardware_id"],
        "serial": row.get("serial"),
        "protocol": {"SH323": "H.323/TLS", "SIP": "SIP"}.get(row["prot"]),
        "state": "down" if row["type"] == "alarm" else "up",
    }
    return {column: value for column, value in columns.items() if value is not None}


# One attempt


def judge(
    row: dict[str, Any],
    inventory: dict[str, Any],
    *,
    now: dt.datetime,
    at: dt.datetime | None = None,
) -> dict[str, Any]:
    """Return scenario, rules, verdict and cause of one row of a log."""
    time = dt.datetime.fromtimestamp(row["time"], dt.UTC) if row.get("time") else None
    device = identify(row, inventory)
    entries = [
        entry
        for entry in inventory["entries"]
        if same_device(entry["hw"], device, inventory)
    ]
    device["spellings"] = spellings(device, entries)
    pbx = row.get("pbx") or only({entry["pbx"] for entry in entries})
    entries_at_pbx = entries_at(pbx, entries, inventory)
    flags = {
        name: agreed([entry[name] for entry in entries_at_pbx])
        for name in ("tls", "trusted")
    }
    der = certificate_of(row, device, inventory, time or now)
    scenario = scenario_of(row, device, flags)
    moment = at or time or now
    rule_values = {
        "time.clock": clock(row),
        "transport.tls_only": transport(row, flags),
        "password.tls_only": password(row, flags),
        "certificate.trust": trust(der, pbx, inventory, moment),
        "time.validity": validity(der, moment),
        "certificate.name": name(der, row, device),
    }
    if der is not None:
        rule_values |= hygiene(der, row, device)
    possible = [scenario] if scenario else list(RULES)
    if is_sip(row) or row.get("authentication") == "none":
        possible = []
    required = {
        code
        for possible_scenario in possible
        for code in [*RULES[possible_scenario], *HYGIENE_OF[possible_scenario]]
    }
    verdicts = {
        verdict([rule_values[code] for code in RULES[possible_scenario]])
        for possible_scenario in possible
    }
    overall = verdicts.pop() if len(verdicts) == 1 else "unknown"
    codes = [
        *dict.fromkeys([*RULES["h323-password"], *RULES["h323-certificate"]]),
        *HYGIENE,
    ]
    return {
        "scenario": scenario,
        "fingerprint": facts(der).fingerprint
        if der is not None
        else row.get("fingerprint"),
        **{
            code: rule_values.get(code) if code in required else None
            for code in codes
        },
        "verdict": overall,
        "cause": cause(
            row,
            overall,
            [(code, rule_values.get(code)) for code in codes if code in required],
        ),
    }


HYGIENE_OF: dict[str, list[str]] = {"h323-certificate": HYGIENE, "h323-password": []}


def verdict(values: list[bool | None]) -> str:
    """Return fail where a rule is broken, pass where all hold, else unknown."""
    if any(value is False for value in values):
        return "fail"
    return "pass" if all(values) else "unknown"


def cause(
    row: dict[str, Any], final: str, rules: list[tuple[str, bool | None]]
) -> str | None:
    """Return the first broken rule of a predicted failure, else what the log states."""
    if final == "fail":
        return next(code for code, value in rules if value is False)
    state, reason = row.get("state"), row.get("reason")
    if state in (None, "up"):
        return None
    if state == "unauthorized":
        return "wrong_password"
    if state == "timeout":
        return "timeout"
    named = {"invalidAlias": "unknown_user", "duplicateAlias": "already_registered"}
    return named.get(reason, "unexplained")


# Who registers, and with which certificate


def identify(row: dict[str, Any], inventory: dict[str, Any]) -> dict[str, Any]:
    """Return serial and hardware ID of the device, from the row or joined by three octets."""
    base = without_interface(row.get("registration_name"), row.get("interface"))
    number = serial(row.get("serial"))
    hardware = (row.get("hardware_id") or "").lower() or None
    if number is None and hardware is None:
        number, hardware = serial(base), hardware_id(base)
        if base and not number and not hardware:
            number, hardware = device_of_user(base, row.get("pbx"), inventory)
    elif number is None and serial(base) and octets(hardware) == octets(base):
        number = serial(base)
    elif hardware is None and hardware_id(base) and octets(number) == octets(base):
        hardware = hardware_id(base)
    return {"serial": number or joined(hardware, inventory), "hardware_id": hardware}


def device_of_user(
    user: str,
    pbx: str | None,
    inventory: dict[str, Any],
) -> tuple[str | None, str | None]:
    """Return serial and hardware ID of the only device entered for a user of the PBX."""
    entries = [
        entry
        for entry in inventory["entries"]
        if (entry["user"], entry["pbx"]) == (user, pbx)
    ]
    entered = {entry["hw"].lower() for entry in entries}
    return serial(only(entered)), hardware_id(only(entered))


def only(values: set[Any]) -> Any:
    """Return the value where there is exactly one."""
    return next(iter(values)) if len(values) == 1 else None


def joined(hardware: str | None, inventory: dict[str, Any]) -> str | None:
    """Return the only serial of the fleet that ends in the octets of a hardware ID."""
    return only(inventory["serials"].get(octets(hardware), set()))


def same_device(
    spelling: str | None, device: dict[str, Any], inventory: dict[str, Any]
) -> bool:
    """Return True where a serial or hardware ID belongs to the device.

    A hardware ID whose octets two serials share belongs to neither.
    """
    if spelling is None:
        return False
    if octets(spelling) and device["serial"]:
        return (serial(spelling) or joined(spelling, inventory)) == device["serial"]
    return spelling.lower() == device["hardware_id"]


def spellings(
    device: dict[str, Any], entries: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the serial and the hardware ID of a device, as far as they are known."""
    hardware = device["hardware_id"] or next(
        (hardware_id(entry["hw"]) for entry in entries if hardware_id(entry["hw"])),
        None,
    )
    return {"serial": device["serial"], "hardware_id": hardware}


def certificate_of(
    row: dict[str, Any],
    device: dict[str, Any],
    inventory: dict[str, Any],
    moment: dt.datetime,
) -> bytes | None:
    """Return the certificate that the log names, else the newest one issued by that moment."""
    if row.get("fingerprint"):
        return next(
            (
                certificate.der
                for certificate in inventory["presented"]
                if certificate.der is not None
                and facts(certificate.der).fingerprint == row["fingerprint"]
            ),
            None,
        )
    own = [
        certificate.der
        for certificate in inventory["presented"]
        if same_device(certificate.device, device, inventory)
    ]
    if None in own:
        return None
    issued = [der for der in own if facts(der).not_before <= moment]
    return max(issued, key=lambda der: facts(der).not_before, default=None)


def entries_at(
    pbx: str | None, entries: list[dict[str, Any]], inventory: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the device's entries at a PBX, or at all PBXs where the files have none of that PBX.

    Objects are replicated, so those of another PBX stand in for a PBX that was not exported.
    """
    exported = any(entry["pbx"] == pbx for entry in inventory["entries"])
    return (
        [entry for entry in entries if entry["pbx"] == pbx] if exported else entries
    )


def agreed(values: list[bool | None]) -> bool | None:
    """Return the value that all entries agree on, or None."""
    return values[0] if len(set(values)) == 1 else None


# Scenario and rules


def is_sip(row: dict[str, Any]) -> bool:
    """Return True where the attempt is no H.323 registration."""
    return (row.get("protocol") or "").startswith("SIP")


def scenario_of(
    row: dict[str, Any], device: dict[str, Any], flags: dict[str, Any]
) -> str | None:
    """Return how the device authenticates: from the log, else from TLS only or from its name.

    A registration through a reverse proxy that the entry allows need not use TLS.
    """
    if is_sip(row) or row.get("authentication") == "none":
        return None
    if row.get("authentication"):
        return "h323-" + row["authentication"]
    by_hardware = row.get("protocol") == "H.323/TLS" and registers_by_device(
        row, device
    )
    by_tls_only = flags["tls"] and not carried(row, flags)
    return "h323-certificate" if by_tls_only or by_hardware else None


def registers_by_device(row: dict[str, Any], device: dict[str, Any]) -> bool:
    """Return True where the name is the device's serial or hardware ID, or there is none."""
    base = without_interface(row.get("registration_name"), row.get("interface"))
    if base is None:
        return bool(device["serial"] or device["hardware_id"])
    own = [spelling for spelling in device["spellings"].values() if spelling]
    return bool(serial(base) or hardware_id(base) or base.lower() in own)


def is_own_name(row: dict[str, Any], device: dict[str, Any]) -> bool:
    """Return True where the name is the serial or hardware ID of this device."""
    base = without_interface(
        row.get("registration_name"), row.get("interface")
    ).lower()
    number, hardware = (
        device["spellings"]["serial"],
        device["spellings"]["hardware_id"],
    )
    if serial(base) and number:
        return base == number
    if octets(base):
        return octets(base) in (octets(number), octets(hardware))
    return base == hardware


def over_tls(row: dict[str, Any]) -> bool:
    """Return True where the log says TLS, or says that a certificate was presented, which needs
    TLS.
    """
    by_certificate = row.get("authentication") == "certificate"
    return row.get("protocol") == "H.323/TLS" or (
        by_certificate and row.get("protocol") in (None, "H.323")
    )


def clock(row: dict[str, Any]) -> bool | None:
    """Return whether the clock is set, which only H.323/TLS requires."""
    if row.get("protocol") in ("H.323/TCP", "H.323/UDP"):
        return True
    if row.get("time") is None:
        return None
    if row["time"] == 0:
        return False if over_tls(row) else None
    return True


def carried(row: dict[str, Any], flags: dict[str, Any]) -> bool | None:
    """Return whether a reverse proxy that the entry allows carries the registration."""
    if row.get("via_reverse_proxy") is False or flags["trusted"] is False:
        return False
    return True if row.get("via_reverse_proxy") and flags["trusted"] else None


def transport(row: dict[str, Any], flags: dict[str, Any]) -> bool | None:
    """Return whether a device with TLS only registers over TLS or through a reverse proxy."""
    protocol = row.get("protocol")
    if over_tls(row) or flags["tls"] is False or carried(row, flags):
        return True
    if protocol in ("H.323/TCP", "H.323/UDP") and flags["tls"]:
        return carried(row, flags)
    return None


def password(row: dict[str, Any], flags: dict[str, Any]) -> bool | None:
    """Return whether a password may be used: with TLS only just through a reverse proxy."""
    if flags["tls"] is False or carried(row, flags):
        return True
    return carried(row, flags) if flags["tls"] else None


def validity(der: bytes | None, moment: dt.datetime) -> bool | None:
    """Return whether the certificate is valid at the moment."""
    return (
        None
        if der is None
        else facts(der).not_before <= moment <= facts(der).not_after
    )


def name(
    der: bytes | None, row: dict[str, Any], device: dict[str, Any]
) -> bool | None:
    """Return whether the registration name begins with the CN, in any spelling of the device."""
    if der is None:
        return None
    cn = facts(der).common_name
    if not cn:
        return False
    registration_name = row.get("registration_name")
    number, hardware = (
        device["spellings"]["serial"],
        device["spellings"]["hardware_id"],
    )
    base = without_interface(registration_name, row.get("interface"))
    if registration_name and not is_own_name(row, device):
        return registration_name.startswith(cn)
    if registration_name is None and number is None and hardware is None:
        return None
    cn = cn.lower()
    interface = (
        f"-{row['interface']}".lower() if row.get("interface") and number else ""
    )
    names = [registration_name, base, number, hardware, (number or "") + interface]
    if any(spelling.lower().startswith(cn) for spelling in names if spelling):
        return True
    if hardware is None:
        return begins_unknown_hardware_id(cn, number)
    if number is None and octets(hardware):
        return begins_unknown_serial(cn, octets(hardware))
    return False


def begins_unknown_hardware_id(cn: str, number: str) -> bool | None:
    """Return whether the hardware ID of a serial, whose model is unknown, begins with a CN."""
    if octets(cn):
        return octets(cn) == octets(number)
    return None if re.fullmatch(r"[a-z][a-z0-9-]*", cn) else False


def begins_unknown_serial(cn: str, last: str) -> bool | None:
    """Return whether the serial of a hardware ID, of which three octets are known, begins with a
    CN.
    """
    if not re.fullmatch(r"[0-9a-f]{1,12}", cn) or not last.startswith(cn[6:]):
        return False
    return True if len(cn) == 12 else None


def hygiene(
    der: bytes, row: dict[str, Any], device: dict[str, Any]
) -> dict[str, bool | None]:
    """Return opinions on key, hash and where the CN ends in the registration name."""
    public, certificate = load(der).public_key(), load(der)
    strength = 2048 if isinstance(public, rsa.RSAPublicKey) else 224
    return {
        "hygiene.weak_key": public.key_size >= strength,
        "hygiene.weak_signature": certificate.signature_hash_algorithm.name
        not in ("md5", "sha1"),
        "hygiene.prefix": ends_well(facts(der).common_name, row, device),
    }


def ends_well(
    cn: str | None, row: dict[str, Any], device: dict[str, Any]
) -> bool | None:
    """Return whether a CN at the start of the registration name ends at the end of a part.

    A serial or a hardware ID has no parts, since a piece of it would fit every such device.
    """
    registration_name = row.get("registration_name")
    if registration_name is None:
        return None
    if cn and is_own_name(row, device):
        registration_name, cn = registration_name.lower(), cn.lower()
    if not cn or not registration_name.startswith(cn):
        return True
    base = without_interface(registration_name, row.get("interface"))
    inside = (serial(base) or hardware_id(base)) and len(cn) < len(base)
    return not inside and not re.match(
        "[A-Za-z0-9]{2}", cn[-1] + registration_name[len(cn) :]
    )


# Trust


def trust(
    der: bytes | None,
    pbx: str | None,
    inventory: dict[str, Any],
    moment: dt.datetime,
) -> bool | None:
    """Return whether the PBX's list has the certificate or a CA of its chain."""
    entries = inventory["trust"].get(pbx)
    if der is None or entries is None or facts(der).unknown_critical:
        return None
    if der in entries["ders"]:
        return True
    bundles = [file for file, ders in inventory["bundles"].items() if der in ders]
    answers = [
        climb(der, inventory["bundles"][file], entries["ders"], moment)
        for file in bundles
    ]
    if True in answers:
        return True
    # An unreadable block cannot be the issuer of a self-signed certificate.
    chain_is_complete = signed_by(der, der) or not any(
        file in inventory["damaged"] for file in bundles
    )
    is_complete = entries["whole"] and chain_is_complete
    return False if is_complete and None not in answers else None


def climb(
    leaf: bytes,
    bundle: list[bytes],
    listed: list[bytes],
    moment: dt.datetime,
) -> bool | None:
    """Return whether any path up leads to an entry of the list; None where one is too long."""
    members = list(dict.fromkeys([*bundle, *listed]))
    too_long = False
    paths = [[leaf]]
    while paths:
        path = paths.pop()
        for issuer in members:
            if issuer in path or not may_issue(issuer, path, listed, moment):
                continue
            if len(path) > MOST_AUTHORITIES:
                too_long = True
            elif issuer in listed:
                return True
            else:
                paths.append([*path, issuer])
    return None if too_long else False


def may_issue(
    issuer: bytes, path: list[bytes], listed: list[bytes], moment: dt.datetime
) -> bool:
    """Return whether a certificate may extend a path as the issuer of its last certificate."""
    own, leaf = facts(issuer), facts(path[0])
    if (own.subject, own.key) == (leaf.subject, leaf.key):
        return False
    if own.is_ca is False or own.cert_sign is False:
        return False
    if own.is_ca is None and issuer not in listed:
        return False
    if not own.not_before <= moment <= own.not_after:
        return False
    between = [der for der in path[1:] if facts(der).subject != facts(der).issuer]
    if own.path_length is not None and len(between) > own.path_length:
        return False
    return signed_by(path[-1], issuer)
