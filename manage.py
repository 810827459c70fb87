#!/usr/bin/env python3
"""Freddy Admin's command line: `python manage.py help` lists the commands."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run one command; a wrong setting or database is one sentence on stderr, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freddy_admin.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import Error as DatabaseFault

    from freddy_admin.core.errors import PublicError

    try:
        if sys.argv[1:2] in (["runserver"], ["testserver"]):
            # Here and not in a thread of the reloader, which would print a traceback and go on.
            _validate_development_server(uses_own_database=sys.argv[1] == "runserver")
        settings.configured or settings.DEBUG  # noqa: B018  loads the settings file
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as wrong:
        sys.exit(f"Freddy Admin cannot start. {wrong}{_hint()}")
    except PublicError as refusal:
        sys.exit(f"Freddy Admin cannot start. {refusal}")
    except DatabaseFault as error:
        # Commands of Django's own, such as shell; those of the panel say it themselves.
        if "--traceback" in sys.argv:
            raise
        from freddy_admin.core.database_errors import database_error_message

        sys.exit(database_error_message(error))


def _validate_development_server(*, uses_own_database: bool) -> None:
    import django
    from django.conf import settings

    from freddy_admin.conf.setting_parsers import validate_debug_hosts

    validate_debug_hosts(debug=settings.DEBUG, hosts=settings.ALLOWED_HOSTS)
    if uses_own_database:
        django.setup()
        from freddy_admin.core.database_version import database_version_validate

        database_version_validate()


def _hint() -> str:
    if "ENV_FILE" in os.environ or (Path(__file__).resolve().parent / ".env").exists():
        return ""
    return " There is no .env beside manage.py: copy .env.example and fill it in."


if __name__ == "__main__":
    main()
