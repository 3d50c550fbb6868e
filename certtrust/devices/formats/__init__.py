"""The formats of device lists, one module each, in the order in which they are tried."""

from ...formats import listed

FORMATS = listed(
    __name__,
    (
        "json_objects",
        "xml_objects",
        "backups",
        "csv_lines",
        "excel",
        "parquet",
    ),
    helpers=("entries",),
)
"""The formats by name."""
