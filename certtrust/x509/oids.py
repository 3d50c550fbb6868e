"""Names for object identifiers: algorithms, hashes, curves, attributes, purposes.

They are those of cryptography where it has one, so that values compare across tools, else the
standard's.
"""

from __future__ import annotations

from typing import NamedTuple

_RSA, _ECDSA, _DSA, _NIST = (
    "1.2.840.113549.1.1",
    "1.2.840.10045.4",
    "1.2.840.10040.4",
    "2.16.840.1.101.3.4",
)
PSS = f"{_RSA}.10"
_SHA = ("sha224", "sha256", "sha384", "sha512")
_SHA3 = ("sha3-224", "sha3-256", "sha3-384", "sha3-512")

HASHES: dict[str, str] = {
    "1.2.840.113549.2.2": "md2",
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    **dict(zip((f"{_NIST}.2.{arc}" for arc in (4, 1, 2, 3)), _SHA, strict=True)),
    **dict(zip((f"{_NIST}.2.{arc}" for arc in (7, 8, 9, 10)), _SHA3, strict=True)),
}
"""Hashes of the parameters of RSASSA-PSS by OID (RFC 4055, section 2.1)."""


class Signature(NamedTuple):
    """A signature algorithm: its name, its hash, and the type of key that makes it."""

    name: str
    hash: str | None
    key: str | None = None


SIGNATURES: dict[str, Signature] = {
    f"{_RSA}.2": Signature(f"{_RSA}.2", "md2", "RSA"),
    f"{_RSA}.3": Signature(f"{_RSA}.3", "md4", "RSA"),
    f"{_RSA}.4": Signature("md5WithRSAEncryption", "md5", "RSA"),
    f"{_RSA}.5": Signature("sha1WithRSAEncryption", "sha1", "RSA"),
    f"{_RSA}.14": Signature("sha224WithRSAEncryption", "sha224", "RSA"),
    f"{_RSA}.11": Signature("sha256WithRSAEncryption", "sha256", "RSA"),
    f"{_RSA}.12": Signature("sha384WithRSAEncryption", "sha384", "RSA"),
    f"{_RSA}.13": Signature("sha512WithRSAEncryption", "sha512", "RSA"),
    f"{_RSA}.15": Signature(f"{_RSA}.15", "sha512-224", "RSA"),
    f"{_RSA}.16": Signature(f"{_RSA}.16", "sha512-256", "RSA"),
    "1.3.36.3.3.1.2": Signature("1.3.36.3.3.1.2", "ripemd160", "RSA"),
    # OIW's own identifiers of the same schemes, which have no name in the RFCs.
    "1.3.14.3.2.3": Signature("1.3.14.3.2.3", "md5", "RSA"),
    "1.3.14.3.2.27": Signature("1.3.14.3.2.27", "sha1", "DSA"),
    "1.3.14.3.2.29": Signature("1.3.14.3.2.29", "sha1", "RSA"),
    f"{_ECDSA}.1": Signature("ecdsa-with-SHA1", "sha1", "EC"),
    **{
        f"{_ECDSA}.3.{arc}": Signature(f"ecdsa-with-{sha.upper()}", sha, "EC")
        for arc, sha in enumerate(_SHA, 1)
    },
    f"{_DSA}.3": Signature("dsa-with-sha1", "sha1", "DSA"),
    **{
        f"{_NIST}.3.{arc}": Signature(f"dsa-with-{sha}", sha, "DSA")
        for arc, sha in enumerate(_SHA, 1)
    },
    **{
        f"{_NIST}.3.{arc}": Signature(f"{_NIST}.3.{arc}", sha, "EC")
        for arc, sha in enumerate(_SHA3, 9)
    },
    **{
        f"{_NIST}.3.{arc}": Signature(f"{_NIST}.3.{arc}", sha, "RSA")
        for arc, sha in enumerate(_SHA3, 13)
    },
    "1.3.101.112": Signature("ed25519", None, "Ed25519"),
    "1.3.101.113": Signature("ed448", None, "Ed448"),
    f"{_NIST}.3.17": Signature("ML-DSA-44", None),
    f"{_NIST}.3.18": Signature("ML-DSA-65", None),
    f"{_NIST}.3.19": Signature("ML-DSA-87", None),
    "1.2.643.2.2.3": Signature("GOST R 34.11-94 with GOST R 34.10-2001", None),
    "1.2.643.7.1.1.3.2": Signature(
        "GOST R 34.10-2012 with GOST R 34.11-2012 (256 bit)", None
    ),
    "1.2.643.7.1.1.3.3": Signature(
        "GOST R 34.10-2012 with GOST R 34.11-2012 (512 bit)", None
    ),
    "1.2.156.10197.1.501": Signature("1.2.156.10197.1.501", "sm3"),
    "1.3.6.1.5.5.7.6.36": Signature("1.3.6.1.5.5.7.6.36", None),
}
"""Signature algorithms by OID (RFC 3279, 4055, 5758, 8410, 9881)."""

ATTRIBUTES: dict[str, str] = {
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
"""Short names of attributes (RFC 4514, section 3); others are written by OID."""

_SEC, _X962, _BRAINPOOL = "1.3.132.0", "1.2.840.10045.3", "1.3.36.3.3.2.8.1.1"
CURVES: dict[str, tuple[str, int]] = {
    f"{_X962}.1.1": ("secp192r1", 192),
    f"{_X962}.1.7": ("secp256r1", 256),
    **{
        f"{_SEC}.{arc}": (curve, int("".join(filter(str.isdigit, curve[4:-2]))))
        for arc, curve in {
            6: "secp112r1", 7: "secp112r2", 28: "secp128r1", 29: "secp128r2", 9: "secp160k1",
            8: "secp160r1", 30: "secp160r2", 31: "secp192k1", 32: "secp224k1", 33: "secp224r1",
            10: "secp256k1", 34: "secp384r1", 35: "secp521r1", 4: "sect113r1", 5: "sect113r2",
            22: "sect131r1", 23: "sect131r2", 1: "sect163k1", 2: "sect163r1", 15: "sect163r2",
            24: "sect193r1", 25: "sect193r2", 26: "sect233k1", 27: "sect233r1", 3: "sect239k1",
            16: "sect283k1", 17: "sect283r1", 36: "sect409k1", 37: "sect409r1", 38: "sect571k1",
            39: "sect571r1",
        }.items()
    },
    **{
        f"{_X962}.1.{arc}": (curve, int(curve[5:8]))
        for arc, curve in enumerate((
            "prime192v2", "prime192v3", "prime239v1", "prime239v2", "prime239v3",
        ), 2)
    },
    **{
        f"{_X962}.0.{arc}": (curve, int(curve[5:8]))
        for arc, curve in enumerate((
            "c2pnb163v1", "c2pnb163v2", "c2pnb163v3", "c2pnb176v1", "c2tnb191v1", "c2tnb191v2",
            "c2tnb191v3", "c2onb191v4", "c2onb191v5", "c2pnb208w1", "c2tnb239v1", "c2tnb239v2",
            "c2tnb239v3", "c2onb239v4", "c2onb239v5", "c2pnb272w1", "c2pnb304w1", "c2tnb359v1",
            "c2pnb368w1", "c2tnb431r1",
        ), 1)
    },
    **{
        f"{_BRAINPOOL}.{2 * at + 1 + twisted}": (f"brainpoolP{size}{kind}1", size)
        for at, size in enumerate((160, 192, 224, 256, 320, 384, 512))
        for twisted, kind in enumerate("rt")
    },
    **{
        f"2.23.43.1.4.{arc}": (f"wap-wsg-idm-ecid-wtls{arc}", size)
        for arc, size in {
            1: 113, 3: 163, 4: 113, 5: 163, 6: 112, 7: 160, 8: 112, 9: 160, 10: 233, 11: 233,
            12: 224,
        }.items()
    },
    "1.2.156.10197.1.301": ("SM2", 256),
}  # fmt: skip
"""Named curves by OID: name and field size in bits (SEC 2, X9.62, RFC 5639, WTLS, GM/T 0003)."""

KEY_TYPES: dict[str, str] = {
    f"{_RSA}.1": "RSA",
    PSS: "RSA",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
"""Kinds of public keys by OID; another kind is named by its OID."""

KEY_USAGES = (
    "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
)  # fmt: skip
"""Bits of KeyUsage in order (RFC 5280, section 4.2.1.3)."""

_PURPOSE = "1.3.6.1.5.5.7.3"
PURPOSES: dict[str, str] = {
    f"{_PURPOSE}.1": "serverAuth",
    f"{_PURPOSE}.2": "clientAuth",
    f"{_PURPOSE}.3": "codeSigning",
    f"{_PURPOSE}.4": "emailProtection",
    f"{_PURPOSE}.8": "timeStamping",
    f"{_PURPOSE}.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.4.1.311.20.2.2": "msSmartcardLogin",
    "1.3.6.1.5.2.3.5": "pkInitKDC",
}
"""Extended key usages by OID (RFC 5280, section 4.2.1.12); others are written by OID."""

SUBJECT_KEY_ID, KEY_USAGE, SUBJECT_ALT_NAME = (
    bytes((0x55, 0x1D, arc)) for arc in (14, 15, 17)
)
BASIC_CONSTRAINTS, NAME_CONSTRAINTS = (bytes((0x55, 0x1D, arc)) for arc in (19, 30))
AUTHORITY_KEY_ID, EXTENDED_KEY_USAGE = (bytes((0x55, 0x1D, arc)) for arc in (35, 37))
"""The extensions that are read, as the content of their OIDs, which end in the arc below 2.5.29."""
INFORMATION_ACCESS = bytes.fromhex("2b06010505070101")
