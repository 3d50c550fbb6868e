"""What the workers of a cluster are asked to do, under the conditions of whoever asks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from .. import limits
from ..arrays.threads import one_thread
from ..errors import CerttrustError
from ..texts.sentences import current_language, language, say
from .cluster import loaded

_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class AsHere:
    """A function that runs elsewhere as it would here: the same bounds, language and version."""

    function: Callable[..., Any]
    bounds: tuple[tuple[str, float], ...]
    language: str
    version: str

    @property
    def __name__(self) -> str:
        """The name of the function."""
        function = self.function
        while isinstance(function, partial):
            function = function.func
        return function.__name__.strip("_")

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Return what the function does.

        Raises
        ------
        CerttrustError
            If this worker has another version of certtrust.
        """
        own = _version()
        if own != self.version:
            others = say("errors.scale.one_worker", version=own)
            raise CerttrustError(
                say("errors.scale.versions", own=self.version, others=others)
            )
        own_bounds = _bounds()
        try:
            # Every core has a worker of its own, so that none starts processes or threads.
            _set_bounds({**dict(self.bounds), "SIGNATURES_IN_PROCESSES": sys.maxsize})
            with language(self.language), one_thread():
                return self.function(*args, **options)
        finally:
            _set_bounds(own_bounds)

    def __dask_tokenize__(self) -> object:
        from dask.base import normalize_token

        return normalize_token((self.function, self.bounds, self.language))


def as_here(function: Callable[..., Any]) -> AsHere:
    """Return a function for workers, with the bounds of `certtrust.limits` and the language of now.

    Examples
    --------
    >>> as_here(len)("two")
    3
    """
    bounds = tuple(_bounds().items())
    return AsHere(function, bounds, current_language(), _version())


def _bounds() -> dict[str, float]:
    return {name: bound for name, bound in vars(limits).items() if name.isupper()}


def _set_bounds(bounds: dict[str, float]) -> None:
    for name, bound in bounds.items():
        setattr(limits, name, bound)


def task(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function of Dask that makes tasks for workers, see `as_here`."""
    return loaded("dask").delayed(as_here(function), **options)


def _version() -> str:
    return str(import_module(_PACKAGE).__version__)
