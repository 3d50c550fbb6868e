"""The formats of registration logs, one module each, in the order in which a file is tried for
them.
"""

from ...formats import listed

FORMATS = listed(
    __name__,
    (
        "json_lines",
        "query_strings",
        "phone_table",
        "csv_lines",
        "parquet",
        "syslog",
    ),
    helpers=("events", "journal"),
)
"""The formats by name."""

ANY_OTHER = FORMATS["syslog"]
"""What a file of no format is taken for: syslog takes any line as a message."""
