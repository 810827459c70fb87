"""`manage.py rotate_encryption`: seals every key anew with the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from freddy_admin.audit.services import OPERATOR
from freddy_admin.crypto.errors import NoPrivateKeys
from freddy_admin.ops.command import OperatorCommand
from freddy_admin.vault.master_keys import MasterKeyUse
from freddy_admin.vault.resealed import UnreadableRow
from freddy_admin.vault.services.reseal import api_keys_reseal


class Command(OperatorCommand):
    """May be stopped and run again; the panel goes on meanwhile. Exit code 1 if rows stay shut."""

    help = "Seal every stored key anew with the first of ENCRYPTION_KEYS."
    opens_keys = True

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = api_keys_reseal(actor=OPERATOR)
        except NoPrivateKeys:
            raise CommandError(
                _("ENCRYPTION_KEYS is not set: this process cannot open keys.")
            ) from None
        self.line(
            _(
                "Sealed anew: %(keys)d keys, %(candidates)d new keys that wait for their test, "
                "%(rows)d of imports that nobody has confirmed yet."
            )
            % {"keys": report.keys, "candidates": report.candidates, "rows": report.import_rows}
        )
        for use in report.usage:
            self.line(_counted(use))
        for row in report.unreadable:
            self.line(_unreadable(row))
        if report.unreadable:
            raise CommandError(
                _("%(count)d could not be opened and stay as they are.")
                % {"count": len(report.unreadable)}
            )


def _counted(use: MasterKeyUse) -> str:
    words = {"id": use.master_key_id, "rows": use.rows}
    if use.seals:
        return _("Master key %(id)s: %(rows)d rows, and it seals what is new.") % words
    if not use.rows and use.in_ring:
        return _("Master key %(id)s: 0 rows under the former key; it can go now.") % words
    if not use.rows:
        return _("Master key %(id)s: 0 rows, and it is not in the ring.") % words
    return _("Master key %(id)s: %(rows)d rows still need it. Keep it in the ring.") % words


def _unreadable(row: UnreadableRow) -> str:
    return _("Not opened: %(organisation)s / %(label)s (master key %(id)s): %(reason)s") % {
        "organisation": row.organisation,
        "label": row.label,
        "id": row.master_key_id,
        "reason": row.reason,
    }
