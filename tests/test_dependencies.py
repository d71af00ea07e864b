"""What the product imports is declared in pyproject.toml, and what is declared there is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("chat", "payments", "intellispark")
OWN = {*PRODUCT, "tests"}

# Declared without an import, and why.
UNIMPORTED = {
    "django-stubs": "types for mypy",
    "djade": "a command of `make lint`",
    "djangorestframework-stubs": "types for mypy",
    "import-linter": "a command of `make lint`",
    "mypy": "a command of `make lint`",
    "pytest-asyncio": "a plugin of pytest",
    "pytest-playwright": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "a command of `make lint`",
    "types-tqdm": "types for mypy",
}


# Distributions that come as an extra of another, by whose name they are declared.
EXTRAS = {"psycopg-pool": "psycopg"}


def distribution(name: str) -> str:
    """One spelling for each name, as package indexes have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> tuple[set[str], set[str]]:
    """The distributions that the product asks for, and those that only development does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    def names(requirements: list[str]) -> set[str]:
        return {distribution(re.match(r"[\w.-]+", line)[0]) for line in requirements}

    return names(project["project"]["dependencies"]), names(project["dependency-groups"]["dev"])


def imported(*folders: str) -> set[str]:
    """Top-level modules of others that any file there imports."""
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if ".cache" in path.parts:  # what tests and benchmarks have installed
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - OWN - sys.stdlib_module_names


def providers(module: str) -> set[str]:
    """The distributions that bring that module, and those that bring it as an extra of theirs."""
    found = {distribution(name) for name in packages_distributions().get(module, [module])}
    return found | {EXTRAS[name] for name in found & {*EXTRAS}}


@pytest.mark.parametrize("module", sorted(imported(*PRODUCT)))
def test_what_the_product_imports_is_declared(module: str) -> None:
    assert providers(module) & declared()[0]


def test_what_is_declared_is_imported_or_has_a_reason() -> None:
    product, development = declared()
    bring = packages_distributions()
    used_by_product = {name for module in imported(*PRODUCT) for name in providers(module)}
    used_by_tests = {
        name for module in imported("tests") if module in bring for name in providers(module)
    }
    unimported = (product - used_by_product) | (development - used_by_tests)
    assert unimported == set(UNIMPORTED)
