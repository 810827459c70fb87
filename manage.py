#!/usr/bin/env python3
"""Freddy Admin's command line: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    """Run one command; a wrong setting is one sentence on stderr, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freddy_admin.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        settings.configured or settings.DEBUG  # noqa: B018  loads the settings file
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as wrong:
        sys.exit(f"Freddy Admin cannot start. {wrong}")


if __name__ == "__main__":
    main()
