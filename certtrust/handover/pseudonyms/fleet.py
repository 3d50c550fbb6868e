"""`pseudonymise`: a copy of a fleet that names nobody, and in which all verdicts stay."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...arrays.arrow import as_mask
from ...captures.alerts import ALERTS
from ...certificates.reading import from_der
from ...errors import CerttrustError
from ...evaluation.attempts import attempts
from ...evaluation.check import check
from ...fleet import Fleet, expect_fleet, link
from ...registrations.vocabulary import H225_REASONS, SIP_REASONS
from ...schema import (
    CERTIFICATES,
    DEVICES,
    HANDSHAKES,
    PROFILES,
    REGISTRATIONS,
    SOURCES,
    TRUST,
    Table,
    conform,
)
from ...texts.sentences import say
from ...x509.oids import (
    CURVES,
    HASHES,
    KEY_TYPES,
    KEY_USAGES,
    PURPOSES,
    SIGNATURES,
)
from ...x509.reader import REFUSED
from .certificates import StandIns
from .words import Pseudonyms

MARK = "left out of this copy:"
"""What `parse_error` says of a row of which something is left out."""

_REBUILT = f"{MARK} a certificate that cannot be rebuilt under other names"
_ATTEMPTS = 20
"""Keys that are tried until no pseudonym is the name of somebody else in the fleet."""

_NAMES = {
    "devices": (
        "pbx",
        "user",
        "long_name",
        "number",
        "hardware_id",
        "serial",
        "model",
    ),
    "registrations": (
        *("pbx", "serial", "hardware_id", "registration_name", "interface"),
        "remote_address",
    ),
    "certificates": ("device", "subject_cn", "issuer_cn", "serial", "model"),
    "trust": ("pbx", "subject_cn", "issuer_cn"),
}
_LONG_ENOUGH = 6
"""Letters from which on a name is unlikely to be a pseudonym by chance."""

_NO_CERTIFICATE = re.compile(
    r"(?:, skipped|holds no certificates|nothing is there|the list is empty)$"
)
_UNREAD_PARTS = ("subject: ", "extensions: ", "extension 2.5.29.17: ")
"""What a reader says that the rules on names go by."""

_FIRMWARE = re.compile(r"\d{1,2}[rR]\d(?:[ .]?[\w.]{1,12}){0,4}|\d+(?:\.\d+){0,4}")
_CODE = re.compile(r"0x[0-9a-fA-F]{1,8}|\d{1,6}")
_RESPONSE = re.compile(r"(?:SIP[ /]?)?\d{3}\b")
_ENDING = re.compile(
    r"\.(?:pem|der|crt|cer|p7b|p12|pfx|csv|json|jsonl|xml|txt|log|xlsx|pcap"
    r"|pcapng|parquet|zip|gz)$",
    re.IGNORECASE,
)
_REASONS = {*H225_REASONS, *SIP_REASONS.values(), *ALERTS.values()}
_KEPT: dict[str, tuple[str, ...]] = {
    "CERTIFICATES": (
        *("version", "not_before", "not_after", "is_ca", "path_length", "key_size"),
        *("other_names", "self_issued", "is_self_signed"),
    ),
    "DEVICES": ("tls_only", "reverse_proxy"),
    "REGISTRATIONS": ("time", "clock_unset", "via_reverse_proxy", "line"),
    "HANDSHAKES": (
        *("time", "client_port", "server_port", "alert_by", "duration", "resumed"),
        *("client_bytes", "server_bytes", "stream"),
    ),
    "PROFILES": (),
    "SOURCES": ("taken_for", "decided_by", "is_guess", "rows", "understood"),
}
"""The columns that name nobody, by table; what stands neither here nor has a pseudonym is left
out, so that a new column gives nothing away.
"""

_STATES = {"up", "timeout", "rejected", "unauthorized", "down"}
_AUTHENTICATIONS = {"certificate", "password", "none"}
_OUTCOMES = {
    *("established", "refused by server", "refused by client", "cut off"),
    *("not TLS", "not visible"),
}
_CIPHER = re.compile(r"(?:TLS|SSL)_[A-Z0-9_]+|(?:0x|unknown[-_ ])[0-9A-Fa-f]+")
_VERSION = re.compile(r"(?:SSL|TLS|DTLS)[ v]?[0-9][0-9.]*|(?:0x)?[0-9A-Fa-f]{4}")
_ALERT = re.compile("|".join(map(re.escape, ALERTS.values())) + r"|unknown_\d+")
_MESSAGE = re.compile(r"(?:client|server) \d+\.\d+ [A-Za-z_ ]{1,40}")
_WORDS = (
    *("key_usage", "extended_key_usage", "key_type", "curve"),
    *("signature_hash", "signature_algorithm"),
)
_KNOWN = {
    *KEY_USAGES,
    *PURPOSES.values(),
    *KEY_TYPES.values(),
    *HASHES.values(),
    *(name for name, _ in CURVES.values()),
    *(scheme.name for scheme in SIGNATURES.values()),
    *(scheme.hash for scheme in SIGNATURES.values() if scheme.hash),
}
_MATCHED_BY = {"event", "alarm", "clear", "record", "wire"}
_TIME_BY = re.compile(r"(?:line|file|sample)(?: as UTC)?")
_FACTS = (
    *("version", "not_before", "not_after", "is_ca", "path_length", "key_usage"),
    *("extended_key_usage", "key_type", "key_size", "curve", "signature_hash"),
    *("signature_algorithm", "self_issued", "is_self_signed", "other_names"),
)
"""What a stand-in has to have in common with its certificate."""


def pseudonymise(fleet: Fleet, *, key: bytes | None = None) -> Fleet:
    """Return a copy of a fleet that names nobody, and in which every verdict and cause stays.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    key : bytes, optional
        At least 16 bytes: the same key gives the same pseudonyms of names, so that two fleets
        stay comparable. Whoever has it can try out whose pseudonym one is. By default one that
        is thrown away.

    Returns
    -------
    Fleet
        The same rows in the same order, with the columns of their tables alone. Names, users,
        numbers, addresses, hosts, serials and files have pseudonyms of the same form and in the
        same relations: what began with a CN still does. Each certificate is a stand-in of the
        same structure, with other names, serial number, key (of the same kind and size) and
        fingerprint, signed by the stand-in of its issuer, also by MD5 and SHA-1; a signature
        that did not verify still does not.

        Kept as they are: dates, kinds of keys and hashes, usages, countries, flags, states,
        standard reasons and codes, firmware versions, product names of the vendor's form, and
        the beginnings 00-90-33, 80-90-33 and 00-01-3E of serials, which rules go by.

        Left out: the lines of logs (`raw`), `details`, columns of your own, and the bytes of
        what could not be read or rebuilt. Such rows stay, and say so in `parse_error`; see
        `certtrust.handover.left_out`.

    Raises
    ------
    CerttrustError
        If the key is too short.

    Notes
    -----
    What the copy still tells: how many devices and PBXs there are and when they registered, how
    long names are, and which of them are alike. A serial has a million spellings at most below
    its beginning, so that a pseudonym may by chance be the serial of a device of somebody else.

    Examples
    --------
    >>> import certtrust as ct
    >>> fleet = ct.simulate(8, seed=1)
    >>> copy = pseudonymise(fleet)
    >>> before, after = (ct.check(ct.attempts(one)) for one in (fleet, copy))
    >>> before["cause"].tolist() == after["cause"].tolist()
    True
    >>> set(fleet.devices["user"]) & set(copy.devices["user"])
    set()
    """
    fleet = expect_fleet(fleet)
    if key is not None and (not isinstance(key, bytes) or len(key) < 16):
        raise CerttrustError(say("errors.handover.key"))
    has_links = fleet.links is not None
    fleet = link(fleet)
    names = list(dict.fromkeys(_names(fleet)))
    work = _Copy(fleet, _pseudonyms(names, key))
    made = Fleet(
        work.certificates(fleet.certificates, CERTIFICATES),
        work.certificates(fleet.trust, TRUST),
        work.devices(),
        work.registrations(),
        handshakes=work.handshakes(),
        profiles=work.profiles(),
        sources=work.sources(),
    )
    return link(made) if has_links else made


def left_out(fleet: Fleet) -> pd.DataFrame:
    """List what a copy by `pseudonymise` lacks, of what its fleet had in some form.

    Returns
    -------
    DataFrame
        One row per block, entry or line: table, row (its position), source (a pseudonym), why.

    Examples
    --------
    >>> import certtrust as ct
    >>> len(left_out(pseudonymise(ct.simulate(4, seed=1, faults={}))))
    0
    """
    parts = []
    for name in ("certificates", "trust", "devices", "registrations", "handshakes"):
        frame = getattr(fleet, name)
        if frame is None:
            continue
        rows = np.flatnonzero(
            as_mask(frame["parse_error"].str.contains(MARK, regex=False))
        )
        chosen = frame.iloc[rows]
        parts.append(
            pd.DataFrame(
                {
                    "table": name,
                    "row": rows,
                    "source": chosen["source"].array,
                    "why": chosen["parse_error"].array,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _names(fleet: Fleet) -> Iterable[str]:
    """Yield every name of the fleet that a pseudonym stands in for."""
    for table, columns in _NAMES.items():
        for column in columns:
            yield from getattr(fleet, table)[column].dropna().unique()
    for frame in (fleet.certificates, fleet.trust):
        for names in frame["dns_names"]:
            yield from names if isinstance(names, list) else ()


def _pseudonyms(names: list[str], key: bytes | None) -> Pseudonyms:
    """Return pseudonyms of which none is the name of somebody else, as far as that is possible."""
    long = {name.lower() for name in names if len(name) >= _LONG_ENOUGH}
    pseudonyms = Pseudonyms(key or secrets.token_bytes(32), names)
    for _ in range(_ATTEMPTS if key is None and len(long) < 10_000 else 0):
        made = {pseudonyms.text(name).lower() for name in names}
        if made.isdisjoint(long):
            break
        pseudonyms = Pseudonyms(secrets.token_bytes(32), names)
    return pseudonyms


class _Copy:
    """The tables of one fleet under their pseudonyms."""

    def __init__(self, fleet: Fleet, pseudonyms: Pseudonyms) -> None:
        self._fleet = fleet
        self._pseudonyms = pseudonyms
        self._ders = self._stand_ins()
        self._fingerprints: dict[str, str] = {}
        self._subjects: dict[str, str] = {}
        self._learn_subjects()

    # Certificates

    def _stand_ins(self) -> dict[str, bytes | None]:
        """Return the stand-in of each certificate by its fingerprint, None where there is none."""
        both = pd.concat(
            [
                frame[["fingerprint", "der", *_FACTS]]
                for frame in (self._fleet.trust, self._fleet.certificates)
            ]
        )
        both = both[both["der"].notna()].drop_duplicates("fingerprint")
        der = dict(zip(both["fingerprint"], both["der"], strict=True))
        links = self._fleet.links
        assert links is not None  # noqa: S101 - `pseudonymise` has made them
        verified = links[as_mask(links["verified"])]
        signers = {
            der[child]: der[issuer]
            for child, issuer in zip(
                verified["child"], verified["issuer"], strict=True
            )
            if child in der and issuer in der
        }
        own = both.loc[as_mask(both["is_self_signed"]), "der"]
        signers |= {one: one for one in own if one not in signers}
        stand_ins = StandIns(self._pseudonyms, signers)
        made = {text: stand_ins.certificate(one) for text, one in der.items()}
        return self._alike(both, made)

    def _alike(
        self, both: pd.DataFrame, made: dict[str, bytes | None]
    ) -> dict[str, bytes | None]:
        """Return the stand-ins without those that differ in what no name may change."""
        built = both[both["fingerprint"].map(made).notna()]
        again = from_der([made[text] or b"" for text in built["fingerprint"]])
        facts = [*_FACTS]
        before, after = (
            frame[facts].astype("object").astype("str").reset_index(drop=True)
            for frame in (built, again)
        )
        same = (before.fillna("") == after.fillna("")).all(axis=1).to_numpy()
        return {
            **dict.fromkeys(made),
            **{
                text: made[text]
                for text, is_same in zip(built["fingerprint"], same, strict=True)
                if is_same
            },
        }

    def fingerprint(self, fingerprint: str) -> str:
        """Return the fingerprint of the stand-in, an invented one where there is none."""
        text = fingerprint.lower()
        if text not in self._fingerprints:
            der = self._ders.get(text)
            self._fingerprints[text] = (
                self._pseudonyms.fingerprint(text)
                if der is None
                else hashlib.sha256(der).hexdigest()
            )
        return self._fingerprints[text]

    def _learn_subjects(self) -> None:
        """Learn how the names of stand-ins are written, so that other tables write them so."""
        texts = [text for text, der in self._ders.items() if der is not None]
        again = from_der([self._ders[text] or b"" for text in texts])
        both = pd.concat([self._fleet.trust, self._fleet.certificates])
        both = both.drop_duplicates("fingerprint").set_index("fingerprint").loc[texts]
        for column in ("subject", "issuer"):
            pairs = zip(both[column], again[column], strict=True)
            self._subjects |= {
                old: new
                for old, new in pairs
                if isinstance(old, str) and isinstance(new, str)
            }

    def distinguished_name(self, text: str) -> str:
        """Return the pseudonym of a name in RFC 4514 text."""
        return self._subjects.get(text) or self._pseudonyms.distinguished_name(text)

    def certificates(self, frame: pd.DataFrame, table: Table) -> pd.DataFrame:
        """Return table CERTIFICATES or TRUST under pseudonyms."""
        frame = frame.reset_index(drop=True)
        fingerprint = frame["fingerprint"].str.lower()
        ders = [
            self._ders.get(text) if isinstance(der, bytes) else None
            for text, der in zip(fingerprint, frame["der"], strict=True)
        ]
        built = np.array([der is not None for der in ders], dtype=bool)
        again = from_der([der for der in ders if der is not None])
        again = again.set_axis(np.flatnonzero(built))
        rest = self._unbuilt(frame[~built])
        both = conform(pd.concat([again, rest]).sort_index(), table)
        both = both.assign(
            parse_error=self._errors(frame, both["parse_error"], built),
            position=frame["position"],
            source=self._each(frame["source"], self._file),
            bundle=self._each(frame["bundle"], self._file),
            device=self._each(frame["device"], self._pseudonyms.text),
            der=pd.Series(ders, index=frame.index, dtype="object"),
        )
        if "pbx" in table.names:
            both = both.assign(pbx=self._each(frame["pbx"], self._pseudonyms.text))
        return conform(both, table)[table.names]

    def _unbuilt(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of certificates without a stand-in, as a listing would have them."""
        name, text = self.distinguished_name, self._pseudonyms.text
        texts = {"subject": name, "issuer": name, "fingerprint": self.fingerprint}
        texts |= dict.fromkeys(
            ("subject_cn", "issuer_cn", "organisation", "serial", "model"), text
        )
        texts |= dict.fromkeys(
            ("serial_number", "subject_key_id", "authority_key_id"), self._digits
        )
        texts |= dict.fromkeys(("country", *_WORDS), self._known_words)
        lists = {
            column: pd.Series(
                [[text(one) for one in cell] for cell in frame[column]],
                index=frame.index,
                dtype="object",
            )
            for column in ("dns_names", "ip_addresses")
        }
        columns = {
            name: self._each(frame[name], change) for name, change in texts.items()
        }
        kept = frame[[*_KEPT["CERTIFICATES"]]].assign(
            **columns, **lists, parse_error=frame["parse_error"]
        )
        return conform(kept, CERTIFICATES)

    def _known_words(self, text: str) -> str:
        """Return words of X.509 as they are, and pseudonyms of others."""
        return ",".join(
            word
            if word in _KNOWN or re.fullmatch(r"[A-Z]{2}|\d+(?:\.\d+)+", word)
            else self._pseudonyms.text(word)
            for word in text.split(",")
        )

    def _digits(self, text: str) -> str:
        """Return hex digits with others in their place; short ones stay."""
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        if len(digits) <= 4:
            return text
        made = self._pseudonyms.other_bytes(digits.lower().encode(), "digits").hex()
        longer = made * (len(digits) // len(made) + 1)
        return sign + longer[: len(digits)]

    def _errors(
        self, frame: pd.DataFrame, again: pd.Series, built: np.ndarray[Any, Any]
    ) -> pd.Series:
        """Return what could not be read, in words that repeat nothing of it."""
        cells = []
        had_der = frame["der"].notna()
        for old, new, is_built, der in zip(
            frame["parse_error"], again, built, had_der, strict=True
        ):
            if is_built:
                noted = isinstance(old, str) and not isinstance(new, str)
                cells.append(f"{MARK} a note of the reader" if noted else new)
            elif isinstance(old, str):
                cells.append(_reason(old))
            else:
                cells.append(_REBUILT if der else None)
        return pd.Series(cells, index=frame.index, dtype="str")

    # Other tables

    def devices(self) -> pd.DataFrame:
        """Return table DEVICES under pseudonyms."""
        frame, text = self._fleet.devices, self._pseudonyms.text
        names = {name: self._each(frame[name], text) for name in _NAMES["devices"]}
        return self._like(
            frame,
            DEVICES,
            **names,
            location=self._each(frame["location"], text),
            firmware=self._each(frame["firmware"], self._unless(_FIRMWARE)),
            source=self._each(frame["source"], self._file),
            parse_error=self._each(frame["parse_error"], _reason),
        )

    def registrations(self) -> pd.DataFrame:
        """Return table REGISTRATIONS under pseudonyms, without the lines themselves."""
        frame, text = self._fleet.registrations, self._pseudonyms.text
        names = {
            name: self._each(frame[name], text) for name in _NAMES["registrations"]
        }
        error = self._each(frame["parse_error"], _reason)
        lost = as_mask(frame["matched_by"].isna() & frame["raw"].notna())
        return self._like(
            frame,
            REGISTRATIONS,
            **names,
            protocol=self._each(frame["protocol"], self._protocol),
            state=self._each(frame["state"], self._word(_STATES)),
            authentication=self._each(
                frame["authentication"], self._word(_AUTHENTICATIONS)
            ),
            reason=self._each(frame["reason"], self._reason),
            fingerprint=self._each(frame["fingerprint"], self.fingerprint),
            code=self._each(frame["code"], self._unless(_CODE)),
            module=self._each(frame["module"], text),
            matched_by=self._each(frame["matched_by"], self._word(_MATCHED_BY)),
            time_by=self._each(frame["time_by"], self._unless(_TIME_BY)),
            severity=self._each(
                frame["severity"], self._word({"minor", "indeterminate", "major"})
            ),
            source=self._each(frame["source"], self._file),
            parse_error=error.mask(
                lost & error.isna(), f"{MARK} a line that no format matched"
            ),
        )

    def handshakes(self) -> pd.DataFrame | None:
        """Return table HANDSHAKES under pseudonyms."""
        frame = self._fleet.handshakes
        if frame is None:
            return None
        text = self._pseudonyms.text
        names = {
            name: self._each(frame[name], text)
            for name in ("client", "server", "server_name")
        }
        prints = {
            name: self._lists(frame[name], self.fingerprint)
            for name in ("client_certificates", "server_certificates")
        }
        return self._like(
            frame,
            HANDSHAKES,
            **names,
            **prints,
            cipher=self._each(frame["cipher"], self._unless(_CIPHER)),
            alert=self._each(frame["alert"], self._unless(_ALERT)),
            outcome=self._each(frame["outcome"], self._word(_OUTCOMES)),
            **{
                name: self._each(frame[name], self._unless(_VERSION))
                for name in ("offered_version", "tls_version")
            },
            messages=self._lists(frame["messages"], self._unless(_MESSAGE)),
            accepted_authorities=self._lists(
                frame["accepted_authorities"], self.distinguished_name
            ),
            source=self._each(frame["source"], self._file),
            parse_error=self._each(frame["parse_error"], _reason),
        )

    def profiles(self) -> pd.DataFrame | None:
        """Return table PROFILES under pseudonyms."""
        frame = self._fleet.profiles
        if frame is None:
            return None
        return self._like(
            frame,
            PROFILES,
            pbx=self._each(frame["pbx"], self._pseudonyms.text),
            tls_profile=self._each(
                frame["tls_profile"], self._word({"normal", "strict"})
            ),
        )

    def sources(self) -> pd.DataFrame | None:
        """Return table SOURCES under pseudonyms, without what was not understood."""
        frame = self._fleet.sources
        if frame is None:
            return None
        return self._like(
            frame,
            SOURCES,
            source=self._each(frame["source"], self._file),
            pbx=self._each(frame["pbx"], self._pseudonyms.text),
            not_understood=self._each(frame["not_understood"], _reason),
            unread_headings=self._each(frame["unread_headings"], _reason),
        )

    def _like(
        self, frame: pd.DataFrame, table: Table, **columns: Any
    ) -> pd.DataFrame:
        """Return the table with these columns, and those that name nobody; others are missing."""
        frame = frame.reset_index(drop=True)
        kept = [name for name in _KEPT[table.name] if name in frame]
        changed = {
            name: column.set_axis(frame.index)
            if isinstance(column, pd.Series)
            else column
            for name, column in columns.items()
        }
        made = frame[kept].assign(**changed)
        words = {
            str(name): column.cat.remove_unused_categories()
            for name, column in made.items()
            if isinstance(column.dtype, pd.CategoricalDtype)
        }
        return conform(made.assign(**words), table)[table.names]

    def _each(
        self, column: pd.Series, change: Callable[[str], str | None]
    ) -> pd.Series:
        """Return a column with each of its distinct texts changed."""
        texts = column.astype("str")
        made = {text: change(text) for text in texts.dropna().unique()}
        changed = texts.map(made).astype("str")
        is_word = isinstance(column.dtype, pd.CategoricalDtype)
        return changed.astype("category") if is_word else changed

    def _lists(self, column: pd.Series, change: Callable[[str], str]) -> pd.Series:
        cells = [
            [change(text) for text in cell] if isinstance(cell, list) else cell
            for cell in column
        ]
        return pd.Series(cells, index=column.index, dtype="object")

    def _file(self, name: str) -> str:
        """Return the pseudonym of a file's name; its ending stays."""
        ending = _ENDING.search(name)
        stem = name[: ending.start()] if ending else name
        return self._pseudonyms.text(stem) + (ending[0] if ending else "")

    def _unless(self, pattern: re.Pattern[str]) -> Callable[[str], str]:
        """Return the function that leaves alone what has this form."""
        return lambda text: (
            text if pattern.fullmatch(text) else self._pseudonyms.text(text)
        )

    def _word(self, words: set[str]) -> Callable[[str], str]:
        return lambda text: text if text in words else self._pseudonyms.text(text)

    def _protocol(self, text: str) -> str:
        protocol = re.match(r"H\.323(?:/(?:TLS|TCP|UDP))?|SIPS|SIP(?:/TCP)?", text)
        if protocol is None:
            return self._pseudonyms.text(text)
        return protocol[0] + self._pseudonyms.text(text[protocol.end() :])

    def _reason(self, text: str) -> str:
        if text in _REASONS:
            return text
        if match := _RESPONSE.match(text):
            return match[0] + self._pseudonyms.text(text[match.end() :])
        return self._pseudonyms.text(text)


def _reason(error: str) -> str:
    """Return why something could not be read, without a word of it.

    What rules go by stays: that it is no certificate at all, and which part was not read.
    """
    if match := _NO_CERTIFICATE.search(error):
        joint = "" if match[0].startswith(",") else " "
        return MARK + joint + match[0]
    mark = f"{MARK} what could not be read"
    parts = [REFUSED] if error.startswith(REFUSED) else []
    parts += [
        part
        for part in _UNREAD_PARTS
        if re.search(f"(?:^|; ){re.escape(part)}", error)
    ]
    return "; ".join(f"{part}{mark}" for part in parts) or mark


def judged_differently(fleet: Fleet, copy: Fleet) -> pd.DataFrame:
    """Return the attempts of which verdict or cause differ between a fleet and its copy.

    Returns
    -------
    DataFrame
        One row per attempt: row (position), verdict and cause of both; none where all stayed.
    """
    now = pd.Timestamp.now("UTC")
    columns = ["verdict", "cause"]
    parts = []
    sources: tuple[Literal["log", "devices"], ...] = ("log", "devices")
    for of in sources:
        results = []
        for one in (fleet, copy):
            rows = attempts(one, of=of)
            at = rows["time"].fillna(now)
            judged = check(rows, at=at)[columns].astype("str").fillna("")
            results.append(judged.reset_index(drop=True))
        before, after = results
        differs = (before != after).any(axis=1)
        both = before[differs].join(after[differs].add_suffix("_of_copy"))
        parts.append(both.rename_axis("row").reset_index().assign(of=of))
    return pd.concat(parts, ignore_index=True)
