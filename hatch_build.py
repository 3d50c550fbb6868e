"""What a wheel holds beyond the package: the notebooks and the example files of `certtrust start`.

The notebooks go in without their outputs, which are larger than the whole package.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = "certtrust/start_files"


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds the files to a wheel; an editable installation finds them in its checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to include."""
        if version != "standard":
            return
        root = Path(self.root)
        included = build_data["force_include"]
        included[str(root / "data")] = f"{INSIDE}/data"
        self._stripped = tempfile.TemporaryDirectory()
        for notebook in sorted((root / "notebooks").glob("*.ipynb")):
            stripped = Path(self._stripped.name, notebook.name)
            stripped.write_text(without_outputs(notebook), encoding="utf-8")
            included[str(stripped)] = f"{INSIDE}/notebooks/{notebook.name}"

    def finalize(self, version: str, build_data: dict[str, Any], path: str) -> None:
        """Take away the notebooks without outputs."""
        del build_data, path
        if version == "standard":
            self._stripped.cleanup()


def without_outputs(path: Path) -> str:
    """Return a notebook as text, as it is before it ran."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
