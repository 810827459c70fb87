"""`manage.py wrap_master_key --kms-key ID`: the master keys as AWS KMS wraps them."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.conf.master_key_settings import DEBUG_MASTER_KEY
from freddy_admin.crypto.keyring import decode_private_key, public_key_from_private_bytes
from freddy_admin.crypto.kms import MASTER_KEY_LENGTH, KmsClient
from freddy_admin.ops.operator_command import OperatorCommand, usage_error


class Command(OperatorCommand):
    """Two lines for the settings on stdout, neither of them a secret; stores nothing."""

    help = "Wrap ENCRYPTION_KEYS with AWS KMS; --new makes another one and puts it first."
    validates_database_version = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--kms-key", required=True, metavar="ID", help="the KMS key: its id, alias/… or ARN"
        )
        parser.add_argument("--new", action="store_true", help="make a new master key")

    def handle(self, *args: Any, kms_key: str, new: bool, **options: Any) -> None:
        if not settings.AWS_REGION:
            raise usage_error(
                _("AWS_REGION is not set: it says where KMS is, such as eu-central-1.")
            )
        present_keys = (
            [] if DEBUG_MASTER_KEY in settings.ENCRYPTION_KEYS else settings.ENCRYPTION_KEYS
        )
        if not present_keys and not new:
            raise CommandError(
                _("ENCRYPTION_KEYS is not set, so there is nothing to wrap; --new makes one.")
            )
        raw_keys = [decode_private_key(key) for key in present_keys]
        if new:
            raw_keys.insert(0, secrets.token_bytes(MASTER_KEY_LENGTH))
        kms = KmsClient(region=settings.AWS_REGION, endpoint=settings.AWS_KMS_ENDPOINT)
        wrapped = kms.wrap(raw_keys, key_id=kms_key)
        # What is wrapped already stays as it is, behind the new one.
        wrapped_keys = ",".join([*wrapped, *settings.ENCRYPTION_KEYS_KMS])
        public_key = public_key_from_private_bytes(raw_keys[0])
        self.write_line(f"ENCRYPTION_KEYS_KMS=aws-kms:{wrapped_keys}")
        self.write_line(f"ENCRYPTION_PUBLIC_KEY={public_key}")
        self.write_hint(_("Put both lines into the settings and take ENCRYPTION_KEYS out."))
