"""Print the oldest version that pyproject.toml allows of each dependency, and of what reads Excel
lists, as constraints for pip.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(
    (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
)
tables = PROJECT["project"]["optional-dependencies"]["excel"]
for requirement in (*PROJECT["project"]["dependencies"], *tables):
    if floor := re.fullmatch(r"([\w-]+)>=([\w.]+)", requirement):
        print(f"{floor[1]}=={floor[2]}")
