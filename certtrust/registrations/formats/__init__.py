"""The formats of registration logs, one module each, in the order in which they are tried."""

from ...formats import listed

FORMATS = listed(
    __name__,
    (
        "wire",
        "json_lines",
        "query_strings",
        "phone_table",
        "csv_lines",
        "excel",
        "parquet",
        "fault_lists",
        "octet_counts",
        "syslog",
    ),
    helpers=("events", "journal"),
)
"""The formats by name."""

ANY_OTHER = FORMATS["syslog"]
"""The format for all other files: syslog reads any line as a message."""
