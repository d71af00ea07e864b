#!/usr/bin/env python
"""Django's command line for IntelliSpark."""

import os
import sys


def main() -> None:
    testing = sys.argv[1:2] == ["test"]
    os.environ.setdefault(
        "DJANGO_SETTINGS_MODULE", "tests.settings" if testing else "intellispark.settings"
    )
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
