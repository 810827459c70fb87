"""One writer at a time in an organisation; call inside a transaction.

PostgreSQL locks the row; SQLite's IMMEDIATE transactions let one writer in anyway. Whoever adds
something to an organisation locks its row first: an organisation that is being deleted then
raises NotFound instead of breaking a foreign key.
"""

from collections.abc import Collection

from django.utils.translation import gettext as _

from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation

_BATCH_SIZE = 500


def organisation_lock(*, organisation: Organisation, removal: bool = False) -> Organisation:
    """The organisation as it is now, locked; raises NotFound if it was deleted.

    With `removal`, rows that would refer to it are blocked, too.
    """
    rows = Organisation.objects.select_for_update(no_key=not removal)
    row = rows.filter(pk=organisation.pk).first()
    if row is None:
        raise _organisation_not_found()
    return row


def organisations_lock(ids: Collection[int]) -> None:
    """Lock these organisations in the order of their ids; raises NotFound if one was deleted."""
    sorted_ids, locked_count = sorted(set(ids)), 0
    for start in range(0, len(sorted_ids), _BATCH_SIZE):
        rows = Organisation.objects.select_for_update(no_key=True).order_by("pk")
        locked_count += len(
            rows.filter(pk__in=sorted_ids[start : start + _BATCH_SIZE]).values_list("pk")
        )
    if locked_count < len(sorted_ids):
        raise _organisation_not_found()


def _organisation_not_found() -> NotFound:
    return NotFound(_("This organisation was removed in the meantime."))
