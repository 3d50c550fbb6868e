"""Bundles: a fleet in one folder, to be sent to whoever looks into a case."""

from __future__ import annotations

from pathlib import Path

from ..errors import CerttrustError
from ..fleet import Fleet, expect_fleet, link
from ..tables_for_people import guarded_csv
from ..texts.labels import plural
from ..texts.sentences import say
from ..whole_files import new_directory
from .pseudonyms.fleet import judged_differently, left_out, pseudonymise

TABLES = "fleet"
"""The folder of the saved fleet within a bundle, for `read_fleet`."""


def write_bundle(
    fleet: Fleet, directory: str | Path, *, pseudonyms: bool = True
) -> list[Path]:
    """Write a fleet as a folder that can be sent away.

    Parameters
    ----------
    fleet : Fleet
        It is not changed.
    directory : path
        A new or an empty folder. It is there in full or not at all.
    pseudonyms : bool
        Send a copy by `pseudonymise`; False: the fleet as it is, with all names.

    Returns
    -------
    list of Path
        README.txt (what is in the bundle and what is not), left-out.csv (rows of which something
        is left out, where there are any), differing.csv (attempts that the copy judges
        otherwise, where there are any), and the folder `fleet`, which `read_fleet` reads.

    Raises
    ------
    CerttrustError
        If the directory holds files.

    Examples
    --------
    >>> import tempfile
    >>> import certtrust as ct
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_bundle(ct.simulate(4, seed=1), folder + "/bundle")
    ...     copy = ct.read_fleet(folder + "/bundle/fleet")
    ...     files[0].name, len(copy.certificates) > 0
    ('README.txt', True)
    """
    fleet = link(expect_fleet(fleet))
    sent = pseudonymise(fleet) if pseudonyms else fleet
    target = Path(directory)
    tables = {}
    if pseudonyms:
        tables = {
            "left-out.csv": left_out(sent),
            "differing.csv": judged_differently(fleet, sent),
        }
    tables = {name: table for name, table in tables.items() if len(table)}
    try:
        with new_directory(target) as new:
            for name, table in tables.items():
                (new / name).write_bytes(guarded_csv(table))
            sent.save(new / TABLES)
            readme = _readme(sent, list(tables), pseudonyms=pseudonyms)
            (new / "README.txt").write_text(readme, encoding="utf-8")
    except FileExistsError:
        raise CerttrustError(
            say("errors.handover.not_empty", path=repr(str(directory)))
        ) from None
    return [target / name for name in ("README.txt", *tables, TABLES)]


def _readme(fleet: Fleet, tables: list[str], *, pseudonyms: bool) -> str:
    counts = {
        "certificates": plural(len(fleet.certificates), "certificate"),
        "entries": plural(len(fleet.trust), "entry"),
        "devices": plural(len(fleet.devices), "device"),
        "rows": plural(len(fleet.registrations), "row"),
    }
    keys = ["pseudonyms", "kept"] if pseudonyms else ["names"]
    lines = [say("bundle.title", **counts), "", say("bundle.read", folder=TABLES)]
    lines += [part for key in keys for part in ("", say(f"bundle.{key}"))]
    for name in tables:
        key = name.removesuffix(".csv").replace("-", "_")
        lines += ["", say(f"bundle.{key}", file=name)]
    return "\n".join(lines) + "\n"
