"""The modules that `import certtrust` loads."""

import subprocess
import sys

import certtrust as ct

HEAVY = (
    *("matplotlib", "ipywidgets", "dask", "distributed", "fsspec"),
    *("ssl", "socket", "IPython", "regex"),
)


def test_heavy_modules_are_loaded_on_first_use_only():
    """Importing the package in a fresh process loads none of the heavy modules."""
    code = (
        "import sys; import pandas, pyarrow, cryptography.x509, certifi, idna; before = "
        "set(sys.modules); "
        f"import certtrust; print(*({HEAVY!r} and [m for m in {HEAVY!r} if m in "
        f"set(sys.modules) - before]))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []


def test_every_public_name_can_be_reached():
    """Every name in `__all__` exists."""
    for name in ct.__all__:
        assert getattr(ct, name) is not None
