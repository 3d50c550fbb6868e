"""The exceptions of the package: raised for a caller's mistake, never for a problem in the data."""


class CerttrustError(ValueError):
    """A call that cannot be carried out; the message says what, where, and what to do.

    In a notebook the message stands alone: the way to it through this package helps nobody.
    """

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UnknownTableError(CerttrustError):
    """A table name that the schema does not know."""


class SourceError(CerttrustError):
    """A path or glob that names nothing readable."""


class MissingColumnError(CerttrustError):
    """A frame that lacks a column which the function needs."""
