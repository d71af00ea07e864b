"""Where npm reaches no registry, a test is skipped with one line, not with npm's log."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.npm import install_packages
from tests.support.ports import free_port

pytestmark = pytest.mark.once


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
def test_a_registry_that_is_away_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = {"name": "x", "version": "1.0.0", "dependencies": {"tiny": "1.0.0"}}
    away = f"http://127.0.0.1:{free_port()}/"
    tiny = {"version": "1.0.0", "resolved": f"{away}tiny-1.0.0.tgz"}
    lock = {**package, "lockfileVersion": 3, "packages": {"": package, "node_modules/tiny": tiny}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setenv("npm_config_registry", away)
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(RuntimeError) as told:
        install_packages(tmp_path)
    assert str(told.value) == f"npm could not install tests/{tmp_path.name}: ECONNREFUSED"
