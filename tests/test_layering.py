"""The arrows of the data flow, read from the sources: who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "pymargin"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ADAPTERS = ("pymargin.adapters", "pymargin.cli", "pymargin.__main__")
# What rules and oracle may use of the package besides themselves.
WORDS = {"pymargin.errors", "pymargin.modes", "pymargin._extras"}


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(body: list[ast.stmt], *, inside_functions: bool) -> Iterator[ast.stmt]:
    for node in body:
        if is_type_checking(node):
            continue
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not inside_functions:
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, name, []), inside_functions=inside_functions)
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body, inside_functions=inside_functions)


def imports(path: Path, *, inside_functions: bool = True) -> set[str]:
    """Return the modules that a source imports, those for type checkers aside."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in statements(tree.body, inside_functions=inside_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = module_of(path).split(".")
            if path.name != "__init__.py":
                package = package[:-1]
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from pymargin import oracle` imports a module; `from pymargin.errors import X` not.
            is_name = module != "pymargin" or not node.names
            found |= {module} if is_name else {f"pymargin.{alias.name}" for alias in node.names}
    return found


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def sources_of(package: str) -> list[Path]:
    return [path for path in SOURCES if within(module_of(path), package)]


@pytest.mark.parametrize("package", ["pymargin.rules", "pymargin.oracle", "pymargin.notices"])
def test_rules_and_oracle_import_neither_the_core_nor_numpy(package):
    for path in sources_of(package):
        for module in imports(path):
            assert not within(module, "numpy", "pymargin._core"), path


@pytest.mark.parametrize("package", ["pymargin.rules", "pymargin.oracle"])
def test_rules_and_oracle_know_no_other_part(package):
    sources = sources_of(package)
    assert sources
    for path in sources:
        for module in imports(path):
            own = within(module, package) or module in WORDS
            assert own or not within(module, "pymargin"), f"{path} imports {module}"


def test_notices_know_only_schedules_and_words():
    for path in sources_of("pymargin.notices"):
        for module in imports(path):
            own = within(module, "pymargin.notices") or module in WORDS
            known = own or module == "pymargin.rules.schedules"
            assert known or not within(module, "pymargin"), f"{path} imports {module}"


def test_api_never_imports_adapters_when_it_is_imported():
    for path in SOURCES:
        if within(module_of(path), *ADAPTERS):
            continue
        for module in imports(path, inside_functions=False):
            assert not within(module, *ADAPTERS), f"{path} imports {module}"


def test_api_never_imports_the_command_line():
    for path in SOURCES:
        if not within(module_of(path), "pymargin.cli", "pymargin.__main__"):
            for module in imports(path):
                assert not within(module, "pymargin.cli"), f"{path} imports {module}"


def test_nothing_imports_tests_or_their_tools():
    tools = ("tests", "strategies", "ties", "pytest", "hypothesis", "conftest")
    for path in SOURCES:
        for module in imports(path):
            assert not within(module, *tools), f"{path} imports {module}"


def test_optional_packages_are_never_imported_at_the_top():
    for path in SOURCES:
        if within(module_of(path), "pymargin.cli"):
            continue
        for module in imports(path, inside_functions=False):
            extras = ("pyarrow", "pandas", "polars", "click", "rich", "lxml")
            assert not within(module, *extras), f"{path} imports {module}"


def test_the_oracle_is_the_only_reader_of_its_formulas_besides_explain():
    """The API must not answer from the slow definition in place of the core."""
    for path in SOURCES:
        module = module_of(path)
        if within(module, "pymargin.oracle", "pymargin.explain", *ADAPTERS):
            continue
        for imported in imports(path):
            assert not within(imported, "pymargin.oracle"), f"{path} imports {imported}"


def test_imports_are_found_in_the_sources():
    found = imports(PACKAGE / "explain.py")
    assert {"pymargin.oracle", "pymargin.errors", "collections.abc"} <= found
    assert "pymargin.accounts" not in found
