"""What was asked, in a folder: parts as they come, put together at the end.

Every file is whole or not there. A part of certificates is written before the part of endpoints
that names them, so an endpoint that counts as asked has its certificates.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import CerttrustError
from ..schema import CERTIFICATES, ENDPOINTS, Table, empty
from ..table_files import read_parquet, write_parquet
from ..texts.sentences import say

Frames = tuple[pd.DataFrame, pd.DataFrame]
"""Certificates, and endpoints."""


class Parts:
    """A folder that holds what was asked so far.

    Parameters
    ----------
    folder : path
        Made where it is missing.

    Raises
    ------
    CerttrustError
        If it cannot be made, or holds certificates that are not of endpoints.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise _error("no_folder", folder=folder, reason=reason) from problem
        if not self._endpoints.exists() and self._certificates.exists():
            raise _error("other_folder", folder=folder)

    @property
    def _endpoints(self) -> Path:
        return self.folder / "endpoints.parquet"

    @property
    def _certificates(self) -> Path:
        return self.folder / "certificates.parquet"

    def _numbered(self) -> list[Path]:
        return sorted(self.folder.glob("endpoints-[0-9]*.parquet"))

    @staticmethod
    def _beside(endpoints: Path) -> Path:
        return endpoints.with_name(
            endpoints.name.replace("endpoints", "certificates", 1)
        )

    def answered(self) -> Frames:
        """Return what was asked before, each endpoint once."""
        certificates, endpoints = [empty(CERTIFICATES)], [empty(ENDPOINTS)]
        whole = [self._endpoints] if self._endpoints.exists() else []
        for path in (*whole, *self._numbered()):
            endpoints.append(_read(path, ENDPOINTS))
            if (beside := self._beside(path)).exists():
                certificates.append(_read(beside, CERTIFICATES))
        return (
            together(certificates, ["bundle", "position"]),
            together(endpoints, ["host", "port"]),
        )

    def add(self, certificates: pd.DataFrame, endpoints: pd.DataFrame) -> None:
        """Write another part."""
        numbers = [int(path.stem.partition("-")[2]) for path in self._numbered()]
        number = max(numbers, default=0) + 1
        path = self.folder / f"endpoints-{number:05}.parquet"
        write_parquet(certificates, CERTIFICATES, self._beside(path))
        write_parquet(endpoints, ENDPOINTS, path)

    def finish(self, certificates: pd.DataFrame, endpoints: pd.DataFrame) -> None:
        """Write everything as two files, and take the parts away."""
        write_parquet(endpoints, ENDPOINTS, self._endpoints)
        write_parquet(certificates, CERTIFICATES, self._certificates)
        for path in self._numbered():
            self._beside(path).unlink(missing_ok=True)
            path.unlink()


def _read(path: Path, table: Table) -> pd.DataFrame:
    frame = read_parquet(path, table)
    missing = [name for name in table.names if name not in frame]
    if missing:
        problem = say("endpoints.no_columns", columns=", ".join(missing))
        raise _error("unread_file", path=path, reason=problem)
    return frame[table.names]


def together(frames: list[pd.DataFrame], identity: list[str]) -> pd.DataFrame:
    """Return the rows of frames of one table, those that are the same by `identity` once."""
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(filled, ignore_index=True).drop_duplicates(
        identity, ignore_index=True
    )


def _error(key: str, **values: Any) -> CerttrustError:
    return CerttrustError(say(f"errors.endpoints.{key}", **values))
