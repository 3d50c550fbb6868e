"""The tables that functions return beyond those of a fleet: what each column means.

`columns` prints these and the tables of `certtrust.schema`; a test holds the functions to them.
"""

from __future__ import annotations

import pandas as pd

from .errors import UnknownTableError
from .schema import (
    CERTIFICATES,
    COUNT,
    DEVICES,
    FLAG,
    LIST,
    MOMENT,
    NUMBER,
    OBJECT,
    RESULTS,
    TABLES,
    TEXT,
    WORD,
    Column,
    Table,
)
from .texts.sentences import say

SHARE = "float64"
"""A share or another number with a fraction, never missing."""

_ATTEMPT = Column(
    "attempt", OBJECT, "label of the attempt in the index of the results", "17"
)
_DEVICE = Column(
    "device", TEXT, "serial or hardware ID of the device", "0090332f688a"
)
_PBX = Column("pbx", TEXT, "the PBX that it registers at", "hq")

FINDINGS = Table(
    "FINDINGS",
    "one rule that an attempt breaks, or that cannot be decided for it",
    (
        _ATTEMPT,
        _DEVICE,
        _PBX,
        Column(
            "scenario",
            WORD,
            "browser, h323-password or h323-certificate",
            "h323-certificate",
        ),
        Column("code", TEXT, "the rule", "certificate.trust"),
        Column(
            "passed",
            FLAG,
            "False where the rule is broken, missing where it cannot be decided",
            "False",
        ),
        Column(
            "requirement",
            WORD,
            "what the rule demands",
            "The certificate has to be trusted.",
        ),
        Column("citation", WORD, "its source", "page section 3.2, sentence 30"),
        Column("why", TEXT, "the reason in words, with the row's own values", "..."),
        Column("remedy", TEXT, "what to do, in words", "..."),
    ),
)

CAUSES = Table(
    "CAUSES",
    "one cause, and what it is known from",
    (
        Column(
            "cause",
            WORD,
            "code of the first failed rule, or what the log states",
            "certificate.trust",
        ),
        Column("evidence", WORD, "log (stated there) or rule (predicted)", "rule"),
        Column("attempts", COUNT, "attempts that fail for it", "74"),
        Column("devices", COUNT, "devices that these belong to", "12"),
        Column(
            "share", SHARE, "its share of all failed attempts, from 0 to 1", "0.56"
        ),
    ),
)

COMPARE = Table(
    "COMPARE",
    "one prediction; pass, fail or unknown is its index",
    (
        Column("up", COUNT, "attempts that succeeded", "135"),
        Column("failed", COUNT, "attempts that failed", "14"),
        Column(
            "not observed",
            COUNT,
            "attempts of which the log does not show how they went",
            "0",
        ),
    ),
)

REMEDIES = Table(
    "REMEDIES",
    "one action, in the order in which to carry them out",
    (
        Column("rank", COUNT, "1, 2, 3, ...", "1"),
        Column("action", WORD, "kind of action", "trust"),
        Column("pbx", TEXT, "where; missing where it does not matter", "hq"),
        Column(
            "device",
            TEXT,
            "which device; missing where it concerns several",
            "0090332f688a",
        ),
        Column(
            "fingerprint",
            TEXT,
            "the certificate that is trusted, renewed or replaced",
            "9c1f...e07b",
        ),
        Column("name", TEXT, "what it is called now", "reception"),
        Column("value", TEXT, "the name to use instead", "0090332f688a"),
        Column(
            "since",
            MOMENT,
            "from when on a new certificate has to be valid",
            "2026-03-02 10:11:25+00:00",
        ),
        Column("attempts", COUNT, "attempts that it repairs alone", "13"),
        Column("devices", COUNT, "devices that these belong to", "2"),
        Column(
            "attempts_cumulative",
            COUNT,
            "attempts repaired by this action and all before it",
            "13",
        ),
        Column("devices_cumulative", COUNT, "devices that these belong to", "2"),
        Column(
            "undecided",
            COUNT,
            "attempts that break no rule any more, but lack data for a verdict",
            "0",
        ),
        Column(
            "lets_in",
            COUNT,
            "for trust: known certificates of further devices that are let in",
            "8",
        ),
        Column("step", TEXT, "what to do, in words", "..."),
        Column("price", TEXT, "what it costs in trust or in work, in words", "..."),
        Column("instead", TEXT, "what would do as well, in words", "..."),
        Column(
            "pem",
            TEXT,
            "for trust: the certificate to upload, as PEM text",
            "-----BEGIN CERTIFICATE-----",
        ),
    ),
)

FORECAST = Table(
    "FORECAST",
    "one date and cause",
    (
        Column(
            "date",
            MOMENT,
            "the moment of judgement, midnight UTC",
            "2026-12-01 00:00:00+00:00",
        ),
        Column("cause", WORD, "code of the first failed rule", "time.validity"),
        Column(
            "attempts", COUNT, "registrations that are predicted to fail then", "2"
        ),
        Column("devices", COUNT, "devices that these belong to", "2"),
        Column(
            "new_devices",
            COUNT,
            "those that did not fail for this cause at the date before",
            "0",
        ),
    ),
)

ENDINGS = Table(
    "ENDINGS",
    "one certificate whose end makes registrations fail",
    (
        Column(
            "ends", MOMENT, "last moment of its validity", "2027-01-01 00:00:00+00:00"
        ),
        Column(
            "role", WORD, "device, or CA (in the trust list or in a chain)", "device"
        ),
        Column("fingerprint", TEXT, "the certificate", "d937...4769"),
        Column("subject_cn", TEXT, "its common name", "009033089824"),
        Column("issuer_cn", TEXT, "that of its issuer", "Example Library Phones CA"),
        Column(
            "attempts",
            COUNT,
            "registrations that pass now and fail from then on because of it",
            "1",
        ),
        Column("devices", COUNT, "devices that these belong to", "1"),
    ),
)

CHANGES = Table(
    "CHANGES",
    "one registration that two results judge differently, the worst change first",
    (
        _DEVICE,
        _PBX,
        Column(
            "registration_name", TEXT, "the name that is registered", "0090332f688a"
        ),
        Column("interface", TEXT, "interface of a gateway", "TEL1"),
        Column("model", TEXT, "product, where it is known", "IP222"),
        Column("firmware", TEXT, "firmware version, where it is known", "13r2 dvl"),
        Column(
            "change",
            WORD,
            "broken, repaired, now unknown, now known, other cause, gone or new",
            "repaired",
        ),
        Column(
            "evidence",
            WORD,
            "rule (the rules predict it) or log (a new attempt shows it); missing for what is gone",
            "rule",
        ),
        Column("verdict_before", TEXT, "what the rules predicted before", "fail"),
        Column("cause_before", TEXT, "why it failed before", "certificate.trust"),
        Column("verdict_after", TEXT, "what they predict after", "pass"),
        Column("cause_after", TEXT, "why it fails after", "time.validity"),
        Column("observed_before", TEXT, "how its attempt went before", "failed"),
        Column("observed_after", TEXT, "how its latest attempt went", "up"),
    ),
)

RENEWALS = Table(
    "RENEWALS",
    "one certificate that a device presents, or of a CA, or that could not be read",
    (
        Column(
            "ends",
            MOMENT,
            "last moment of its validity; missing where not known",
            "2027-01-01 00:00:00+00:00",
        ),
        Column("days_left", NUMBER, "days until then, negative after it", "31.5"),
        Column(
            "bucket",
            WORD,
            "the first bound that it ends within: ended, 1 week, ..., 6 months, ..., later; or "
            "not known",
            "4 weeks",
        ),
        Column(
            "role", WORD, "device or CA; missing where it could not be read", "device"
        ),
        Column(
            "device",
            TEXT,
            "who presents it, where that is one device alone",
            "009033089824",
        ),
        Column(
            "devices",
            COUNT,
            "devices that present it; of a CA: whose chain it is in",
            "1",
        ),
        *CERTIFICATES.only(
            *("fingerprint", "subject_cn", "issuer_cn", "source", "parse_error")
        ),
    ),
)

TREND = Table(
    "TREND",
    "one run and cause; one row for a run without a failure, or that could not be read",
    (
        Column("date", MOMENT, "when the run was made", "2026-11-30 00:00:00+00:00"),
        Column("source", TEXT, "file or folder of the run", "fleet-2026-11-30.json"),
        Column(
            "cause",
            WORD,
            "why devices fail; missing where none does",
            "certificate.trust",
        ),
        Column("devices", COUNT, "devices that fail for it", "12"),
        Column(
            "failing",
            COUNT,
            "devices that fail at that run, whatever the cause",
            "55",
        ),
        Column(
            "undecided",
            COUNT,
            "devices that do not fail, and lack data for a verdict",
            "3",
        ),
        Column("all_devices", COUNT, "devices that were judged at that run", "191"),
        Column("parse_error", TEXT, "why a run could not be read", ""),
    ),
)

TLS_READINESS = Table(
    "TLS_READINESS",
    "one model and firmware",
    (
        Column("model", TEXT, "product, missing where it is not known", "IP222"),
        Column("firmware", TEXT, "firmware version", "13r2 dvl"),
        Column("devices", COUNT, "devices that may register over TLS", "12"),
        Column("ready", COUNT, "those that speak a version that is taken", "4"),
        Column("locked_out", COUNT, "those that do not", "7"),
        Column("unknown", COUNT, "those of which no version was seen", "1"),
        Column("lowest", TEXT, "the oldest of their highest versions", "TLS 1.0"),
    ),
)

MISSING = Table(
    "MISSING",
    "one kind of data that is missing for a verdict, at one PBX",
    (
        Column("what", WORD, "the kind of data", "trust list"),
        Column("pbx", TEXT, "the PBX at which it is missing", "hq"),
        Column("devices", COUNT, "devices that lack a verdict for it", "4"),
        Column("attempts", COUNT, "their attempts", "25"),
        Column(
            "sentence", TEXT, "what is missing and where to get it, in words", "..."
        ),
    ),
)

CONTRADICTIONS = Table(
    "CONTRADICTIONS",
    "one attempt that succeeded against the rules",
    (
        _ATTEMPT,
        _DEVICE,
        _PBX,
        Column("code", TEXT, "the first failed rule", "certificate.trust"),
        Column("stale", WORD, "which data are probably out of date", "trust list"),
        Column("sentence", TEXT, "the same in words", "..."),
    ),
)

IMPERSONATIONS = Table(
    "IMPERSONATIONS",
    "one trusted certificate and a device whose name begins with its CN, at one PBX",
    (
        Column("fingerprint", TEXT, "the certificate", "9c1f...e07b"),
        Column("subject_cn", TEXT, "its common name", "009033"),
        Column(
            "device",
            TEXT,
            "its holder; missing where that is not known",
            "0090332f688a",
        ),
        Column("pbx", TEXT, "which trusts it, and where the victim registers", "hq"),
        Column("trust_state", WORD, "listed or chain, as in ATTEMPTS", "chain"),
        Column("opens", COUNT, "devices that it can register as there", "60"),
        Column("victim", TEXT, "the other device", "0090332f688b"),
        Column("name", TEXT, "its name that begins with the CN", "0090332f688b"),
    ),
)

SHARED_KEYS = Table(
    "SHARED_KEYS",
    "one key and device that holds it",
    (
        Column(
            "key", TEXT, "SHA-256 of the SubjectPublicKeyInfo in hex", "77ab...0c1d"
        ),
        Column("devices", COUNT, "devices that hold the key", "2"),
        Column("device", TEXT, "one of them", "0090332f688a"),
        Column("fingerprint", TEXT, "its certificate", "9c1f...e07b"),
        Column("subject_cn", TEXT, "the certificate's common name", "0090332f688a"),
    ),
)

SHARED_NAMES = Table(
    "SHARED_NAMES",
    "one CN that more than one key carries",
    (
        Column("subject_cn", TEXT, "the common name", "0090332f688a"),
        Column("keys", COUNT, "keys that carry it", "2"),
        Column("certificates", COUNT, "certificates that carry it", "2"),
        Column("devices", COUNT, "known devices that hold one of them", "1"),
    ),
)

CERTIFICATE_NAMES = Table(
    "CERTIFICATE_NAMES",
    "one name of one certificate",
    (
        Column("fingerprint", TEXT, "the certificate", "9c1f...e07b"),
        Column("device", TEXT, "who presented it", "0090332f688a"),
        Column("kind", WORD, "cn, dns or ip", "dns"),
        Column("name", TEXT, "the name", "phone.example.com"),
    ),
)

RULES = Table(
    "RULES",
    "one rule",
    (
        Column("code", TEXT, "its name everywhere", "certificate.trust"),
        Column(
            "scenario",
            TEXT,
            "the scenarios that require or show it, joined by commas",
            "h323-certificate",
        ),
        Column(
            "title", TEXT, "its name in words", "Certificate not trusted by the PBX"
        ),
        Column("requirement", TEXT, "what it requires", "..."),
        Column("citation", TEXT, "its source", "page section 3.2, sentence 30"),
        Column(
            "needs",
            TEXT,
            "the columns of an attempt that it reads, joined by commas",
            "fingerprint, pbx",
        ),
        Column(
            "remedy", TEXT, "what to do where it is broken, with placeholders", "..."
        ),
        Column("not_checked", TEXT, "what it does not check, with the reason", "..."),
        Column(
            "reading", TEXT, "what was decided where the article is silent", "..."
        ),
    ),
)

COLUMNS = Table(
    "COLUMNS",
    "one column of a table",
    (
        Column("name", TEXT, "the column", "fingerprint"),
        Column("dtype", TEXT, "its dtype", "str"),
        Column("meaning", TEXT, "what it holds", "..."),
        Column("example", TEXT, "one value", "9c1f...e07b"),
    ),
)

PATTERN_COVERAGE = Table(
    "PATTERN_COVERAGE",
    "a pattern that matched lines of a log, or a shape of lines that none matched",
    (
        Column(
            "matched_by",
            TEXT,
            "the pattern or format; missing for what none matched",
            "pairs",
        ),
        Column("shape", TEXT, "the message with its numbers masked", "link <n> up"),
        Column("rows", COUNT, "lines", "12"),
        Column("share", SHARE, "their share of all lines, from 0 to 1", "0.4"),
        Column("example", TEXT, "one such message", "link 1 up"),
        Column(
            "regex",
            TEXT,
            "the shape as a regular expression, to become a pattern by naming its groups",
            "link\\s+\\d+\\s+up",
        ),
    ),
)

SHARED_HARDWARE_IDS = Table(
    "SHARED_HARDWARE_IDS",
    "one device entry whose hardware ID another user has as well",
    (
        Column(
            "identity",
            TEXT,
            "the hardware ID in one spelling, the serial where it is one",
            "0090332f688a",
        ),
        Column("users", COUNT, "how many users have it", "2"),
        *DEVICES.columns,
    ),
)

LATEST = Table(
    "LATEST",
    "the last row in time of each device and registration name",
    RESULTS.columns,
)

ACCEPTED_AUTHORITIES = Table(
    "ACCEPTED_AUTHORITIES",
    "one CA that a server named in its requests for a certificate",
    (
        Column("server", TEXT, "address of the server", "192.0.2.2"),
        Column("server_port", COUNT, "its TCP port", "1300"),
        Column("authority", TEXT, "name of the CA (RFC 4514)", "CN=Example CA"),
        Column("connections", COUNT, "connections in which it was named", "6"),
        Column(
            "first_seen", MOMENT, "the first of them", "2026-10-05 08:58:31+00:00"
        ),
        Column("last_seen", MOMENT, "the last of them", "2026-10-29 09:12:08+00:00"),
        Column("listed", FLAG, "the trust list holds a CA of that name", "True"),
    ),
)

CONNECTION_LENGTHS = Table(
    "CONNECTION_LENGTHS",
    "one name and server, and how long its connections last",
    (
        Column(
            "name",
            TEXT,
            "CN of the client's certificate, else its address",
            "0090332f688a",
        ),
        Column("server", TEXT, "address of the server", "192.0.2.2"),
        Column("connections", COUNT, "how many there were", "6"),
        Column("shortest", SHARE, "seconds of the shortest", "0.01"),
        Column("median", SHARE, "seconds of the median", "0.01"),
        Column("longest", SHARE, "seconds of the longest", "7181.0"),
        Column(
            "client_bytes", "Float64", "bytes of application data, the median", "36"
        ),
        Column("server_bytes", "Float64", "the same by the server", "36"),
    ),
)

HEADINGS = Table(
    "HEADINGS",
    "one heading of a table, or key of JSON records",
    (
        Column("source", TEXT, "the file", "phones.xlsx"),
        Column("heading", TEXT, "the heading", "Seriennummer"),
        Column("column", TEXT, "what it means; missing = not understood", "serial"),
        Column("nearest", TEXT, "the column with the most similar name", "serial"),
    ),
)

TRUST_ENTRIES = Table(
    "TRUST_ENTRIES",
    "one entry of a trust list",
    (
        *TABLES["TRUST"].only(
            "pbx",
            "fingerprint",
            "subject",
            "subject_cn",
            "issuer",
            "is_ca",
            "not_after",
            "source",
            "position",
            "parse_error",
        ),
        Column(
            "needed",
            FLAG,
            "without it alone devices are no longer trusted; <NA> = nobody can tell",
            "True",
        ),
        Column(
            "keep",
            FLAG,
            "it stands in the short list; False = it may go, together with all others that "
            "may; <NA> = nobody can tell",
            "True",
        ),
        Column(
            "double", FLAG, "the list has the same certificate in another row", ""
        ),
        Column("expired", FLAG, "it has ended", "False"),
        Column(
            "without_device",
            FLAG,
            "a CA of which no certificate of a device is known; <NA> = there may be one",
            "False",
        ),
        Column("attempts", COUNT, "attempts no longer trusted without it", "12"),
        Column("devices", COUNT, "the devices of these", "4"),
        Column("below", COUNT, "devices at its PBX that it lets in today", "9"),
        Column(
            "undecided",
            COUNT,
            "devices that may need it, since what they present is not known in full",
            "0",
        ),
        Column("remark", TEXT, "all this in words", "Needed: ..."),
    ),
)

SHORT_TRUST_LISTS = Table(
    "SHORT_TRUST_LISTS",
    "the trust list of one PBX, and how short it could be",
    (
        Column("pbx", TEXT, "whose list; missing = that of any other PBX", "hq"),
        Column("entries", COUNT, "entries of the list", "9"),
        Column("kept", COUNT, "entries of the short list", "3"),
        Column("exact", FLAG, "no shorter list of these entries would do", "True"),
        Column("devices", COUNT, "devices that both lists let in", "140"),
        Column("undecided", COUNT, "devices that the short list may lock out", "0"),
        Column(
            "locks_out",
            COUNT,
            "certificates of devices below entries of the present list alone",
            "5",
        ),
        Column(
            "single",
            COUNT,
            "devices that one entry alone keeps in, and more did before",
            "12",
        ),
        Column(
            "first_end",
            MOMENT,
            "when the first entry of the short list ends",
            "2031-01-01 00:00:00+00:00",
        ),
        Column("price", TEXT, "the price in words", "..."),
    ),
)

TRUST_DIFFERENCES = Table(
    "TRUST_DIFFERENCES",
    "one CA that some lists lack, of PBXs whose devices are alike",
    (
        Column("group", COUNT, "number of the group of PBXs, from 1", "1"),
        Column("pbxs", LIST, "the PBXs of the group", "[graz, lucerne]"),
        Column("issuers", LIST, "signers of their devices' certificates", "[CN=CA]"),
        *TABLES["TRUST"].only("fingerprint", "subject"),
        Column("listed_at", LIST, "PBXs whose list has it", "[graz]"),
        Column("absent_at", LIST, "PBXs whose list lacks it", "[lucerne]"),
        Column(
            "unread_at",
            LIST,
            "PBXs whose list lacks it, as far as it could be read",
            "",
        ),
        Column("needed", FLAG, "devices need it where it is listed", "False"),
        Column("remark", TEXT, "what to do about it, in words", "..."),
    ),
)

ANSWERS: dict[str, Table] = {
    table.name: table
    for table in (
        FINDINGS,
        CAUSES,
        COMPARE,
        REMEDIES,
        FORECAST,
        ENDINGS,
        CHANGES,
        MISSING,
        CONTRADICTIONS,
        IMPERSONATIONS,
        SHARED_KEYS,
        SHARED_NAMES,
        CERTIFICATE_NAMES,
        RULES,
        COLUMNS,
        PATTERN_COVERAGE,
        SHARED_HARDWARE_IDS,
        ACCEPTED_AUTHORITIES,
        CONNECTION_LENGTHS,
        HEADINGS,
        RENEWALS,
        TREND,
        TLS_READINESS,
        LATEST,
        TRUST_ENTRIES,
        SHORT_TRUST_LISTS,
        TRUST_DIFFERENCES,
    )
}
"""The tables by the names of the functions that return them, in capitals."""


def columns(table: str) -> pd.DataFrame:
    """Return the columns of a table: name, dtype, meaning and an example.

    Parameters
    ----------
    table : str
        Name of a table in any case: of a fleet ("certificates", "trust", "links", "devices",
        "registrations", "sources"), "attempts" or "results", or of a function that returns a
        table, such as "findings" or "remedies".

    Returns
    -------
    DataFrame
        One row per column, in order: name, dtype, meaning, example.

    Raises
    ------
    UnknownTableError
        If there is no such table.

    Examples
    --------
    >>> columns("links")["name"].tolist()
    ['child', 'issuer', 'verified']
    >>> "devices_cumulative" in set(columns("remedies")["name"])
    True
    """
    every = {**TABLES, **ANSWERS}
    declared = every.get(str(table).upper())
    if declared is None:
        names = ", ".join(name.lower() for name in every)
        raise UnknownTableError(
            say("errors.reading.unknown_table", table=repr(table), tables=names)
        )
    rows = [
        (column.name, column.dtype, column.meaning, column.example)
        for column in declared
    ]
    return pd.DataFrame(rows, columns=["name", "dtype", "meaning", "example"])


def tables() -> pd.DataFrame:
    """Return the tables: name, row (what one row is) and columns (how many).

    Examples
    --------
    >>> tables().set_index("name").loc["links", "columns"].tolist()
    3
    """
    every = {**TABLES, **ANSWERS}
    rows = [
        (name.lower(), table.row, len(table.columns)) for name, table in every.items()
    ]
    return pd.DataFrame(rows, columns=["name", "row", "columns"])
