"""One writer at a time in an organisation; call inside a transaction.

PostgreSQL locks the row; SQLite's IMMEDIATE transactions let one writer in anyway. Whoever adds
something to an organisation locks its row first: what is being removed then answers NotFound,
and does not break a foreign key.
"""

from collections.abc import Collection

from django.utils.translation import gettext as _

from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation

_BATCH = 500


def organisation_lock(*, organisation: Organisation, removal: bool = False) -> Organisation:
    """The organisation as it is now, locked; raises NotFound if it is gone.

    For a `removal`, also against rows that would refer to it.
    """
    rows = Organisation.objects.select_for_update(no_key=not removal)
    found = rows.filter(pk=organisation.pk).first()
    if found is None:
        raise _removed()
    return found


def organisations_lock(ids: Collection[int]) -> None:
    """Lock these organisations, in the order of their ids; raises NotFound if one is gone."""
    ordered, found = sorted(set(ids)), 0
    for start in range(0, len(ordered), _BATCH):
        rows = Organisation.objects.select_for_update(no_key=True).order_by("pk")
        found += len(rows.filter(pk__in=ordered[start : start + _BATCH]).values_list("pk"))
    if found < len(ordered):
        raise _removed()


def _removed() -> NotFound:
    return NotFound(_("This organisation was removed in the meantime."))
