"""Print the oldest version that pyproject.toml allows of each dependency, and of what the extras
for Excel, monitoring and clusters need, as constraints for pip.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(
    (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
)
extras = PROJECT["project"]["optional-dependencies"]
further = [*extras["excel"], *extras["monitoring"], *extras["scale"]]
for requirement in (*PROJECT["project"]["dependencies"], *further):
    if floor := re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?>=([\w.]+)", requirement):
        print(f"{floor[1]}=={floor[2]}")
