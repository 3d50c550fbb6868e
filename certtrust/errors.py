"""The exceptions of the package: raised for a caller's mistake, never for a problem in the data."""


class CerttrustError(ValueError):
    """A call that cannot be carried out; the message says what, where, and what to do."""


class UnknownTableError(CerttrustError):
    """A table name that the schema does not know."""


class SourceError(CerttrustError):
    """A path or glob that names nothing readable."""


class MissingColumnError(CerttrustError):
    """A frame that lacks a column which the function needs."""
