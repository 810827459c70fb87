"""`manage.py rotate_encryption`: seals every key anew with the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from freddy_admin.audit.services import OPERATOR
from freddy_admin.crypto.errors import PrivateKeysMissing
from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.vault.master_key_state import MasterKeyUsage
from freddy_admin.vault.services.reseal import UnreadableRow, api_keys_reseal


class Command(OperatorCommand):
    """May be stopped and run again; the panel goes on meanwhile. Exit code 1 if rows stay shut."""

    help = "Seal every stored key anew with the first of ENCRYPTION_KEYS."
    unwraps_master_keys = True

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = api_keys_reseal(actor=OPERATOR)
        except PrivateKeysMissing:
            raise CommandError(
                _("ENCRYPTION_KEYS is not set: this process cannot open keys.")
            ) from None
        self.write_line(
            _(
                "Sealed anew: %(keys)d keys, %(candidates)d new keys that wait for their test, "
                "%(rows)d of imports that nobody has confirmed yet, %(secrets)d of channels."
            )
            % {
                "keys": report.keys,
                "candidates": report.candidates,
                "rows": report.import_rows,
                "secrets": report.channel_secrets,
            }
        )
        for usage in report.usage:
            self.write_line(_master_key_usage_line(usage))
        for row in report.unreadable:
            self.write_line(_unreadable_row_line(row))
        if report.unreadable:
            raise CommandError(
                _("%(count)d could not be opened and stay as they are.")
                % {"count": len(report.unreadable)}
            )


def _master_key_usage_line(usage: MasterKeyUsage) -> str:
    values = {"id": usage.master_key_id, "rows": usage.rows}
    if usage.is_sealing_key:
        return _("Master key %(id)s: %(rows)d rows, and it seals what is new.") % values
    if not usage.rows and usage.is_in_keyring:
        return _("Master key %(id)s: 0 rows under the former key; it can go now.") % values
    if not usage.rows:
        return _("Master key %(id)s: 0 rows, and it is not in the ring.") % values
    return _("Master key %(id)s: %(rows)d rows still need it. Keep it in the ring.") % values


def _unreadable_row_line(row: UnreadableRow) -> str:
    return _("Not opened: %(organisation)s / %(label)s (master key %(id)s): %(reason)s") % {
        "organisation": row.organisation,
        "label": row.label,
        "id": row.master_key_id,
        "reason": row.reason,
    }
