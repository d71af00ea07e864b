"""Tests can fail, and wait for what must come. Read from their sources, by names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
SOURCES = {
    path: ast.parse(path.read_text())
    for path in sorted(HERE.rglob("*.py"))
    if not {"node_modules", "bench"} & {*path.parts}
}
CHECKS = {"raises", "expect", "fail", "validate_schema"}  # of others
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def named(tree: ast.AST) -> Iterator[Named]:
    return (node for node in ast.walk(tree) if isinstance(node, Named))


def used_names(node: ast.AST) -> set[str]:
    """What is named in there, `a.b` as `b`."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def that_check() -> set[str]:
    """The names of all functions and classes of the tests in which something may be refused."""
    every = [node for tree in SOURCES.values() for node in named(tree)]
    uses = [(node.name, used_names(node)) for node in every]
    checking = {*CHECKS} | {
        node.name
        for node in every
        if any(isinstance(each, ast.Assert | ast.Raise) for each in ast.walk(node))
    }
    while more := {name for name, used in uses if name not in checking and used & checking}:
        checking |= more
    return checking


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(HERE)}:{node.lineno}"  # type: ignore[attr-defined]


def test_every_test_checks_something() -> None:
    checking = that_check()
    idle = [
        f"{place(path, node)} {node.name}"
        for path, tree in SOURCES.items()
        for node in named(tree)
        if node.name.startswith("test_") and node.name not in checking
    ]
    assert idle == []


def test_no_assertion_is_forgiven_conditional_or_about_constants() -> None:
    """A handler around it may swallow its failure; one within a handler may never be reached."""
    empty = []
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert) and not used_names(node.test):
                empty.append(place(path, node))
            if isinstance(node, ast.ExceptHandler):
                asserts = [each for each in ast.walk(node) if isinstance(each, ast.Assert)]
                empty += [place(path, each) for each in asserts]
            if isinstance(node, ast.Try) and any(
                _catches_assertions(each) for each in node.handlers
            ):
                asserts = [each for line in node.body for each in ast.walk(line)]
                empty += [place(path, each) for each in asserts if isinstance(each, ast.Assert)]
    assert empty == []


def _catches_assertions(handler: ast.ExceptHandler) -> bool:
    caught = {"BaseException"} if handler.type is None else used_names(handler.type)
    return bool(caught & {"AssertionError", "Exception", "BaseException"})


def test_browser_tests_wait_for_what_must_come() -> None:
    """Timers of a page are moved by `page.clock`; everything else is waited for."""
    waits = [
        place(path, node)
        for path, tree in SOURCES.items()
        if path.parent.name == "e2e"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"wait_for_timeout", "sleep"}
    ]
    assert waits == []
