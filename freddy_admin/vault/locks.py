"""One writer at a time in one organisation's keys; call inside a transaction.

PostgreSQL locks the rows; SQLite's IMMEDIATE transactions let one writer in anyway. The
organisation's row comes first, so that two new rows with the same secret cannot pass each other.
"""

from collections.abc import Collection

from django.utils.translation import gettext as _

from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyStatus
from freddy_admin.vault.selectors import key_not_found

_BATCH = 500


def organisations_lock(ids: Collection[int]) -> None:
    """Lock these organisations' rows, in the order of their ids; NotFound if one is gone."""
    ordered, found = sorted(set(ids)), 0
    for start in range(0, len(ordered), _BATCH):
        rows = Organisation.objects.select_for_update(no_key=True).order_by("pk")
        found += len(rows.filter(pk__in=ordered[start : start + _BATCH]).values_list("pk"))
    if found < len(ordered):
        raise NotFound(_("This organisation was removed in the meantime."))


def key_lock(*, organisation: Organisation, key: ApiKey) -> ApiKey:
    """The key as it is now, locked, with its organisation; NotFound unless it is theirs."""
    organisations_lock([organisation.pk])
    rows = ApiKey.objects.select_for_update(no_key=True)
    found = rows.filter(organisation=organisation, pk=key.pk).first()
    if found is None:
        raise key_not_found()
    found.organisation = organisation
    return found


def kept_key_lock(*, organisation: Organisation, key: ApiKey) -> ApiKey:
    """As `key_lock`; raises Conflict for a revoked key, which nothing brings back."""
    found = key_lock(organisation=organisation, key=key)
    if found.status == KeyStatus.REVOKED:
        raise Conflict(_("This key was revoked. Add a new one instead."))
    return found


def candidate_lock(
    *, organisation: Organisation, key: ApiKey, version: int
) -> tuple[ApiKey, KeyCandidate]:
    """The key and its candidate of this very version, both as they are now and locked.

    Raises Conflict if it was discarded, kept, or superseded by a newer one in the meantime.
    """
    found = key_lock(organisation=organisation, key=key)
    rows = KeyCandidate.objects.select_for_update(no_key=True)
    candidate = rows.filter(key=found, version=version).first()
    if candidate is None:
        raise Conflict(
            _("This new key is not waiting any more: it was kept, discarded or pasted anew.")
        )
    return found, candidate
