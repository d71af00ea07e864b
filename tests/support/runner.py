"""`manage.py test`, carried out by the same program as `make test`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from tests.run import run


class PytestRunner:
    """Django's test runner interface. Labels are paths, as pytest takes them."""

    def __init__(self, *, keepdb: bool = False, **options: Any) -> None:
        self.keepdb = keepdb

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--keepdb", action="store_true", help="Keep the test databases.")

    def run_tests(self, test_labels: list[str], **options: Any) -> int:
        return run([*test_labels, *(["--reuse-db"] if self.keepdb else [])])
