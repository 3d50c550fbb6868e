"""Print the oldest version that pyproject.toml allows of each dependency, as constraints for
pip.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(
    (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
)
for requirement in PROJECT["project"]["dependencies"]:
    if floor := re.fullmatch(r"([\w-]+)>=([\w.]+)", requirement):
        print(f"{floor[1]}=={floor[2]}")
