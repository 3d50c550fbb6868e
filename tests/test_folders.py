"""The structure of the package: what each folder may import, the names of folders, and modules
named in docstrings.
"""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import certtrust as ct

PACKAGE = Path(ct.__file__).parent
ORDER = (
    *(
        "errors",
        "limits",
        "x509",
        "arrays",
        "texts",
        "schema",
        "answer_tables",
        "sources",
        "formats",
        "column_names",
        "json_values",
        "heading_rows",
        "spreadsheets",
        "xml_elements",
        "whole_files",
        "table_files",
        "tables_for_people",
        "understood_headings",
        "processes",
        "names",
    ),
    "captures",
    *("certificates", "devices"),
    *(
        "registrations",
        "trust",
        "fleet",
        "endpoints",
        "evaluation",
        "partitions",
        "explanation",
        "advice",
        "handover",
        "history",
        "monitoring",
        "scale",
        "charts",
    ),
    *("simulation", "testing", "report", "widgets", "cli", "__init__", "__main__"),
)
"""The data flow: a module imports from folders before its own, and from its own."""

MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = {path.name for path in PACKAGE.rglob("*") if path.is_dir()}


def _home(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(source: str, package: tuple[str, ...]) -> set[str]:
    """Return the folders and modules directly below `certtrust` that a module's source imports
    from.
    """
    homes = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = (*base, *(node.module.split(".") if node.module else ()))
        elif (
            isinstance(node, ast.ImportFrom)
            and str(node.module).split(".")[0] == "certtrust"
        ):
            target = tuple(str(node.module).split(".")[1:])
        elif isinstance(node, ast.Import):
            homes |= {
                alias.name.split(".")[1]
                for alias in node.names
                if alias.name.startswith("certtrust.")
            }
            homes |= {"__init__" for alias in node.names if alias.name == "certtrust"}
            continue
        else:
            continue
        homes |= (
            {target[0]}
            if target
            else {
                name.name if name.name in ORDER else "__init__" for name in node.names
            }
        )
    return homes


def test_every_folder_and_module_has_its_place_in_the_order() -> None:
    """A new folder has to be placed in the data flow."""
    assert {_home(path) for path in MODULES} <= set(ORDER)


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_module_imports_only_from_folders_before_its_own(path: Path) -> None:
    """Data and imports flow in one direction."""
    home = _home(path)
    package = path.relative_to(PACKAGE).parts[:-1]
    allowed = {
        *ORDER[: ORDER.index(home)],
        *({home} if path.parent != PACKAGE else ()),
    }
    assert imports(path.read_text(encoding="utf-8"), package) <= allowed


@pytest.mark.parametrize(
    ("source", "package", "homes"),
    [
        ("from ..trust.chains import link", ("fleet",), {"trust"}),
        ("from . import chains", ("trust",), {"trust"}),
        ("from .. import schema, __version__", ("report",), {"schema", "__init__"}),
        ("from ...arrays import arrow", ("devices", "formats"), {"arrays"}),
        ("import certtrust.widgets.tester, json", ("report",), {"widgets"}),
        (
            "import certtrust as ct\nfrom certtrust.names import hosts",
            ("x509",),
            {"__init__", "names"},
        ),
    ],
)
def test_every_form_of_import_is_seen(
    source: str, package: tuple[str, ...], homes: set[str]
) -> None:
    """The test above finds exactly what Python would import."""
    assert imports(source, package) == homes


def test_no_folder_has_the_name_of_a_public_function() -> None:
    """Otherwise `ct.name` is the folder or the function, depending on what was imported first."""
    folders = {
        path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()
    }
    public = {name for name in ct.__all__ if callable(getattr(ct, name))}
    assert folders & public == set()
    assert not callable(ct.names)


def test_no_folder_is_hidden_behind_a_function_of_its_name() -> None:
    """`certtrust.a.b` is always the folder b, since nothing else in a has that name."""
    for module in pkgutil.walk_packages(ct.__path__, "certtrust."):
        if module.ispkg:
            parent, name = module.name.rsplit(".", 1)
            folder = importlib.import_module(module.name)
            assert getattr(importlib.import_module(parent), name) is folder, (
                module.name
            )


def _docstrings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [
        ast.get_docstring(node) or ""
        for node in ast.walk(tree)
        if isinstance(node, owners)
    ]


def _exists(dotted: str) -> bool:
    """Return True where a dotted name leads from the package to a module, function or attribute."""
    parts = dotted.split(".")
    value = ct
    for depth, part in enumerate(parts[1:], start=1):
        try:
            value = getattr(value, part)
        except AttributeError:
            try:
                value = importlib.import_module(
                    ".".join(("certtrust", *parts[1 : depth + 1]))
                )
            except ImportError:
                return False
    return True


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_docstrings_name_only_modules_that_exist(path: Path) -> None:
    """Dotted names, file names and names of folders exist."""
    text = "\n".join(_docstrings(path))
    dotted = re.findall(r"\b(?:certtrust|ct)(?:\.[A-Za-z_]\w*)+", text)
    assert [name for name in dotted if not _exists(name)] == []
    files = {path.name for path in MODULES}
    assert [
        name for name in re.findall(r"\b\w+\.py\b", text) if name not in files
    ] == []
    assert [
        name for name in re.findall(r"`(\w+)/`", text) if name not in FOLDERS
    ] == []


def test_the_package_says_which_modules_are_loaded_on_first_use() -> None:
    """Its docstring names them in backticks, and each exists."""
    named = re.findall(r"`(\w+)`", ct.__doc__ or "")
    assert sorted(named) == sorted(
        ["charts", "endpoints", "scale", "testing", "widgets"]
    )
    for name in named:
        assert importlib.import_module(f"certtrust.{name}")
