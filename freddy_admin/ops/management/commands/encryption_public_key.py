"""`manage.py encryption_public_key`: the value of ENCRYPTION_PUBLIC_KEY for a web process."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from freddy_admin.crypto.keyring import public_key_from_private_key
from freddy_admin.ops.operator_command import OperatorCommand


class Command(OperatorCommand):
    """The public half of the first of ENCRYPTION_KEYS, alone on stdout. It is no secret."""

    help = "Print the public half of the master key, with which a process can seal and not open."
    validates_database_version = False

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENCRYPTION_KEYS_KMS:
            self.write_line(
                settings.ENCRYPTION_PUBLIC_KEY
            )  # checked against them when they are opened
            return
        if not settings.ENCRYPTION_KEYS:
            raise CommandError(_("ENCRYPTION_KEYS is not set: there is nothing to derive it from."))
        self.write_line(public_key_from_private_key(settings.ENCRYPTION_KEYS[0]))
