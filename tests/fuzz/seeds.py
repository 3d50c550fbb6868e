"""Seeds: files of each format from the simulator, the containers and the samples."""

from __future__ import annotations

import base64
import io
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs7,
    pkcs12,
)

import certtrust as ct
from certtrust.schema import CERTIFICATES, DEVICES, REGISTRATIONS
from certtrust.simulation.files import write
from certtrust.table_files import write_csv, write_parquet

SAMPLES = Path(__file__).parent.parent / "samples"


@cache
def fleet() -> ct.Fleet:
    """Return a simulated fleet."""
    return ct.simulate(12, seed=5)


@cache
def _files() -> dict[str, list[bytes]]:
    """Return the files of a fleet by their folder."""
    files: dict[str, list[bytes]] = {}
    with tempfile.TemporaryDirectory() as folder:
        write(fleet(), folder)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                within = path.relative_to(folder).parts[0]
                files.setdefault(within, []).append(path.read_bytes()[:4_000])
    return files


def _samples(folder: str) -> list[bytes]:
    paths = sorted((SAMPLES / folder).iterdir())
    return [path.read_bytes() for path in paths if path.name != "README.md"]


def _stored(frame: pd.DataFrame, table: object) -> list[bytes]:
    """Return a table as Parquet and CSV of this package, and as Parquet of another tool."""
    files = []
    for save in (write_parquet, write_csv):
        file = io.BytesIO()
        save(frame, table, file)  # type: ignore[operator]
        files.append(file.getvalue())
    file = io.BytesIO()
    plain = frame.drop(columns=["der"], errors="ignore").astype("str")
    pq.write_table(pa.Table.from_pandas(plain, preserve_index=False), file)
    return [*files, file.getvalue()]


@cache
def _ders() -> list[bytes]:
    frame = fleet().certificates
    return [bytes(der) for der in frame["der"].dropna()][:4]


def pem() -> bytes:
    """Return a few certificates as PEM."""
    return b"".join(
        x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        for der in _ders()
    )


@cache
def certificates() -> list[bytes]:
    """Return certificates in various containers."""
    ders = _ders()
    loaded = [x509.load_der_x509_certificate(der) for der in ders]
    store = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(loaded[0], b"a")],
        BestAvailableEncryption(b"secret"),
    )
    return [
        ders[0],
        b"".join(ders),
        pem(),
        pem().decode().encode("utf-16"),
        pkcs7.serialize_certificates(loaded, Encoding.DER),
        pkcs7.serialize_certificates(loaded, Encoding.PEM),
        store,
        base64.encodebytes(ders[0]),
        ders[0].hex().encode(),
        ders[1].hex(":").encode(),
        pem().replace(b"\n", b"%0A").replace(b"+", b"%2B"),
        *_stored(fleet().certificates.head(4), CERTIFICATES),
    ]


@cache
def devices() -> list[bytes]:
    """Return device lists of every format."""
    return [
        *_samples("devices"),
        *_files().get("devices", []),
        *_stored(fleet().devices.head(5), DEVICES),
    ]


@cache
def registrations() -> list[bytes]:
    """Return logs of every format."""
    return [
        *_samples("registrations"),
        *_files().get("registrations", []),
        *_stored(fleet().registrations.head(8), REGISTRATIONS),
    ]
