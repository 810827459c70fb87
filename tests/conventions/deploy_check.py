"""Part of `make lint`: Django's deployment checks, on settings as in production."""

import base64
import os
import secrets
import sys


def main() -> None:
    """Exit with a non-zero code if a migration is missing or a setting is unsafe."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="freddy_admin.settings",
        ENV_FILE=os.devnull,
        SECRET_KEY=secrets.token_hex(32),
        ENCRYPTION_KEYS=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        DEBUG="false",
        ALLOWED_HOSTS="panel.example.org",
        DATABASE_URL="sqlite:///:memory:",
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    call_command("check", "--deploy", "--fail-level", "WARNING")


if __name__ == "__main__":
    sys.exit(main())
