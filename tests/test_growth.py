"""Twice the input takes at most two and a half times as long, for every reader of untrusted
files.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from certtrust import CerttrustError
from certtrust.certificates.containers import CONTAINERS
from certtrust.devices.formats import FORMATS as DEVICES
from certtrust.formats import About, as_text
from certtrust.registrations.formats import FORMATS as REGISTRATIONS

pytestmark = pytest.mark.exhaustive

LARGEST = 1 << 17
DOUBLINGS = 3
MOST = 2.5**DOUBLINGS
QUICK = 0.1
"""Seconds for the largest input below which times are not compared."""

OPENINGS = {
    "json": (
        *(b"[", b"{", b'{"a":', b"[1,", b"[1,\n", b'{"h323":"a"}', b"[x\n", b'["', b"\\u12"),
        *(b'{"a":1,"a":', b'{"a":1,"a":2}'),
    ),
    "xml": (b"<a>", b"<a", b"<?xml ", b"<?xml x='", b"<!--", b"<![CDATA[", b"&lt;", b"&#"),
    "backup": (b"mod cmd FLASHDIR0 add-item 1 (pbx=<user />)\n", b"mod cmd ", b"(pbx=<user", b")("),
    "csv": (b"a,", b'"a",', b'"', b'""', b"hardware_id,serial\n", b"time,state,serial\n", b";"),
    "parquet": (b"PAR1", b"PAR1\x15\x04"),
    "query": (b"event=syslog&", b"a=b&", b"?event=syslog&msg=%41", b"%", b"+", b"a="),
    "table": (b"ID\tState\tProtocol\n", b"  ", b"|", b"ID|State|Protocol\n"),
    "syslog": (b"<134>", b"<134>1 ", b"Mar  2 10:11:25 ", b'[a b="', b"a: ", b'a="b '),
    "certificates": (
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN ",
        b"-----",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"MIIB",
        b"30 82 ",
        b"3082",
        b"0x30, ",
        b"30:82:",
        b"%2D",
        b"%0A",
        b"LS0tLS1CRUdJTi",
        b"Certificate:\n    Data:\n",
        b"subject=CN = a\n",
        b"a = b, ",
        b"\x30\x80",
        b"\x30\x82\x01\x00",
        b"\x30\x03\x02\x01\x01",
        b"\xfe\xed\xfe\xed\x00\x00\x00\x02",
        b"\x00\x30",
        b"M\x00",
        b"fingerprint,der\n",
    ),
    "all": (
        *(b" ", b"\n", b"\r", b"\r\n", b"\t", b"\0", b"#", b"# \n", b"\\", b"'"),
        *(b"()", b"[]", b"=", b"\xff", b"\xff\xfe", "ä".encode()),
    ),
}  # fmt: skip
ENDS = (b"", b"x")


def inputs(name: str) -> Iterator[Callable[[int], bytes]]:
    """Yield functions that make input of a size from an opening, repetitions and an end."""
    own = OPENINGS.get(name, OPENINGS["certificates"])
    for token in (*own, *OPENINGS["all"]):
        for begin in dict.fromkeys((b"", own[0])):
            for end in ENDS:

                def make(
                    size: int,
                    begin: bytes = begin,
                    token: bytes = token,
                    end: bytes = end,
                ) -> bytes:
                    return begin + token * (size // len(token)) + end

                yield make


def seconds(work: Callable[[bytes], object], data: bytes) -> float:
    """Return the CPU seconds that the work takes."""
    as_text.cache_clear()
    start = time.process_time()
    with suppress(CerttrustError, OSError):
        work(data)
    return time.process_time() - start


def too_slow(
    work: Callable[[bytes], object], make: Callable[[int], bytes]
) -> str | None:
    """Return a description of the growth where time grows too fast, else None."""
    if seconds(work, make(LARGEST)) < QUICK:
        return None
    sizes = [LARGEST >> step for step in (DOUBLINGS, 0)]
    small, large = (
        min(seconds(work, make(size)) for _ in range(2)) for size in sizes
    )
    if large < QUICK or large <= MOST * small:
        return None
    return f"{make(40)[:60]!r}: {small:.3f} s, eight times as much {large:.3f} s"


def reading(form, *, only_own: bool) -> Callable[[bytes], object]:
    """Return a function that reads all of an input with a format."""
    options = {"password": None} if only_own else {"threads": 1}

    def read(data: bytes) -> None:
        if only_own and not form.sniff(data):
            return
        for _ in form.read(io.BytesIO(data), About("x", None, options)):
            pass

    return read


FORMS = [
    pytest.param(form, form.NAME, is_container, id=f"{folder}-{name}")
    for folder, forms, is_container in (
        ("devices", DEVICES, False),
        ("registrations", REGISTRATIONS, False),
        ("certificates", CONTAINERS, True),
    )
    for name, form in forms.items()
]


@pytest.mark.parametrize(("form", "name", "is_container"), FORMS)
@pytest.mark.parametrize("part", ["sniff", "read"])
def test_time_grows_as_the_input_does(form, name, is_container, part):
    """It is measured over three doublings, on repeated tokens of each format."""
    key = "certificates" if is_container else name
    work = form.sniff if part == "sniff" else reading(form, only_own=is_container)
    slow = [problem for make in inputs(key) if (problem := too_slow(work, make))]
    assert slow == []


def test_quadratic_time_is_found():
    """The measurement detects it, and accepts linear time."""

    def quadratic(data: bytes) -> None:
        count = len(data) // 10
        sum(1 for row in range(count) for _ in range(0, row, 20))

    assert too_slow(quadratic, lambda size: b"x" * size) is not None
    assert too_slow(bytes.split, lambda size: b"x " * size) is None
