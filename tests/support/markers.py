"""Finds out what a test uses, so that `slow` is set by itself and no list of names is kept.

A test is slow when it, a fixture of it, or something of `tests` that one of them calls, starts a
process or drives a state machine.
"""

from __future__ import annotations

import inspect
import os
import subprocess
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test

STARTERS = (subprocess.Popen, subprocess.run, os.fork, run_state_machine_as_test)
OURS = "tests."

_known: dict[Any, bool] = {}
_slow: dict[Any, bool] = {}


def mark_slow(item: pytest.Item) -> None:
    """Mark it `slow`, if it is."""
    test = item.function  # type: ignore[attr-defined]  the same for all its parameters
    if test not in _slow:
        _slow[test] = any(starts(inspect.unwrap(each)) for each in _body_and_fixtures(item))
    if _slow[test]:
        item.add_marker(pytest.mark.slow)


def _body_and_fixtures(item: Any) -> Iterator[Any]:
    yield getattr(getattr(item.function, "hypothesis", None), "inner_test", item.function)
    for fixtures in item._fixtureinfo.name2fixturedefs.values():
        yield from (fixture.func for fixture in fixtures)


def starts(used: Any) -> bool:
    """Whether calling it may come upon one of STARTERS."""
    if used in STARTERS:
        return True
    if not inspect.isroutine(used) and not inspect.isclass(used):
        return False
    if not getattr(used, "__module__", None) or not used.__module__.startswith(OURS):
        return False
    if used not in _known:
        _known[used] = False  # while it is looked at: those who call each other end here
        _known[used] = any(starts(each) for each in _names(used))
    return _known[used]


def _names(used: Any) -> Iterator[Any]:
    """What the code of a function, or of the methods of a class, names of its module."""
    if inspect.isclass(used):
        methods = (getattr(each, "__func__", each) for each in vars(used).values())
        yield from (inspect.unwrap(each) for each in methods if callable(each))
        return
    function = inspect.unwrap(getattr(used, "__func__", used))
    if not isinstance(function, FunctionType):
        return
    named = set(_all_names(function.__code__))
    for name in named & {*function.__globals__}:
        value = function.__globals__[name]
        if isinstance(value, ModuleType):
            yield from (getattr(value, other) for other in named if hasattr(value, other))
        else:
            yield value


def _all_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:  # functions and comprehensions within
        if isinstance(constant, CodeType):
            yield from _all_names(constant)
