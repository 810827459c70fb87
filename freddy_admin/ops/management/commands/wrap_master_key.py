"""`manage.py wrap_master_key --kms-key ID`: the master keys as AWS KMS wraps them."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.core.configuration import DEBUG_MASTER_KEY
from freddy_admin.crypto.keyring import private_key_bytes, public_key_of
from freddy_admin.crypto.kms import KEY_LENGTH, Kms
from freddy_admin.ops.command import OperatorCommand, wrong_use


class Command(OperatorCommand):
    """Two lines for the settings on stdout, neither of them a secret; stores nothing."""

    help = "Wrap ENCRYPTION_KEYS with AWS KMS; --new makes another one and puts it first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--kms-key", required=True, metavar="ID", help="the KMS key: its id, alias/… or ARN"
        )
        parser.add_argument("--new", action="store_true", help="make a new master key")

    def handle(self, *args: Any, kms_key: str, new: bool, **options: Any) -> None:
        if not settings.AWS_REGION:
            raise wrong_use(_("AWS_REGION is not set: it says where KMS is, such as eu-central-1."))
        present = [] if DEBUG_MASTER_KEY in settings.ENCRYPTION_KEYS else settings.ENCRYPTION_KEYS
        if not present and not new:
            raise CommandError(
                _("ENCRYPTION_KEYS is not set, so there is nothing to wrap; --new makes one.")
            )
        raw = [private_key_bytes(key) for key in present]
        if new:
            raw.insert(0, secrets.token_bytes(KEY_LENGTH))
        kms = Kms(region=settings.AWS_REGION, endpoint=settings.AWS_KMS_ENDPOINT)
        wrapped = kms.wrap(raw, key_id=kms_key)
        # What is wrapped already stays as it is, behind the new one.
        every = ",".join([*wrapped, *settings.ENCRYPTION_KEYS_KMS])
        public = public_key_of(raw[0])
        self.line(f"ENCRYPTION_KEYS_KMS=aws-kms:{every}")
        self.line(f"ENCRYPTION_PUBLIC_KEY={public}")
        self.hint(_("Put both lines into the settings and take ENCRYPTION_KEYS out."))
