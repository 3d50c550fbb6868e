"""How much of a stranger's file is read: bounds that keep time and memory in proportion.

Every bound is a plain number, read each time it is needed, so that a program can move it::

    import certtrust as ct

    ct.limits.PATH_LENGTH = 64

What meets a bound is never dropped silently: its row says in `parse_error`, or in the reason of
its verdict, which bound it met. SECURITY.md lists them with what they protect from.
"""

UNPACKED_FREELY = 64 << 20
"""Bytes that a compressed input may unpack to, whatever its own size."""
UNPACKED_RATIO = 256
"""How many times its own size a larger one may unpack to: logs reach 100, bombs 1,000."""
ARCHIVE_MEMBERS = 100_000
"""Members of one archive that are read."""
TABLE_ROWS = 50_000_000
"""Rows of one Parquet file; a small file can claim any number of them."""
TABLE_ROWS_FREELY = 1_000_000
"""Rows that a Parquet file may have, whatever its own size."""
TABLE_ROWS_PER_BYTE = 4
"""Rows for each byte of a larger one."""
SHEET_CELLS = 10_000_000
"""Cells that a sheet of an Excel workbook may span; a cell at its far corner claims them all."""
NESTING = 100
"""Levels of brackets in JSON and of elements in XML."""
CONTAINER_DEPTH = 16
"""Containers of certificates within one another, such as base64 in a cell of a table."""
LINE_BYTES = 1 << 20
"""Bytes of one line of a log; of a longer one the beginning is kept and nothing is read."""
LOG_BYTES_IN_MEMORY = 256 << 20
"""Bytes of lines of a log, column `raw`, that stay in memory; more wait in files without names."""
KEY_DERIVATION_ROUNDS = 10_000_000
"""Rounds of key derivation that one file may ask for, all its key stores together."""
KEY_DERIVATION_ROUNDS_PER_BYTE = 1_000
"""Rounds that the members of an archive may ask for beyond that, for each of its bytes."""
PATH_LENGTH = 32
"""CAs in one certification path."""
PATH_STEPS = 20_000
"""Steps of the search for the paths of one certificate."""
SIGNATURES_IN_PROCESSES = 50_000
"""So many signatures are shared by several processes, whose start costs about a second."""
PATTERN_SECONDS = 5.0
"""Seconds of processor time per block of lines for a user's pattern that looks around."""

PACKET_BYTES = 262_144
"""Bytes of one packet of a capture, as in libpcap; a longer one is damage."""
CAPTURE_BLOCK_BYTES = 16 << 20
"""Bytes of one block of a pcapng file."""
CAPTURE_INTERFACES = 65_536
"""Network interfaces of one pcapng file."""
CAPTURE_CONNECTIONS = 20_000
"""Connections of a capture that are followed at once; beyond, the longest silent are let go."""
CAPTURE_STREAMS = 1_000_000
"""Connections of a capture that get a number, `stream`, as Wireshark counts them."""
CAPTURE_BYTES_HELD = 64 << 20
"""Bytes of unfinished handshakes that are held for all connections of a capture together."""
WAITING_BYTES = 256 << 10
"""Bytes of one direction that are held while a segment before them is missing."""
HANDSHAKE_BYTES = 1 << 20
"""Bytes of one handshake message."""

NETWORK_ADDRESSES = 65_536
"""Addresses of one network in CIDR notation that `fetch_fleet` asks."""
PEER_BYTES = 256 << 10
"""Bytes that the other side may send in one handshake, an endpoint or a phone at the bench."""
BENCH_HANDSHAKES = 64
"""Handshakes that `listen` carries on at once; further phones wait."""
BENCH_ROWS = 10_000
"""Connections that `listen` keeps; later ones are closed unread, and counted."""


def unpacked(size: int) -> int:
    """Return the bytes that a compressed input of this size may unpack to."""
    return max(UNPACKED_FREELY, UNPACKED_RATIO * size)


def table_rows(size: int) -> int:
    """Return the rows that a Parquet file of this size may have."""
    return min(TABLE_ROWS, max(TABLE_ROWS_FREELY, TABLE_ROWS_PER_BYTE * size))
