"""One writer at a time in one organisation's keys; call inside a transaction.

PostgreSQL locks the rows; SQLite's IMMEDIATE transactions let one writer in anyway. The
organisation's row comes first, so that two new rows with the same secret cannot pass each other.
"""

from django.utils.translation import gettext as _

from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyLifecycle
from freddy_admin.vault.selectors import key_not_found


def key_lock(*, organisation: Organisation, key: ApiKey) -> ApiKey:
    """The key as it is now, locked, with its organisation; raises NotFound for a foreign one."""
    organisation = organisation_lock(organisation=organisation)
    rows = ApiKey.objects.select_for_update(no_key=True)
    locked_key = rows.filter(organisation=organisation, pk=key.pk).first()
    if locked_key is None:
        raise key_not_found()
    locked_key.organisation = organisation
    return locked_key


def unrevoked_key_lock(*, organisation: Organisation, key: ApiKey) -> ApiKey:
    """The key as it is now, locked; raises NotFound, and Conflict for a revoked key."""
    locked_key = key_lock(organisation=organisation, key=key)
    if locked_key.status == KeyLifecycle.REVOKED:
        raise Conflict(_("This key was revoked. Add a new one instead."))
    return locked_key


def candidate_lock(
    *, organisation: Organisation, key: ApiKey, version: int
) -> tuple[ApiKey, KeyCandidate]:
    """The key and its candidate of this version, both as they are now and locked.

    Raises Conflict if the candidate was discarded, kept or superseded in the meantime.
    """
    locked_key = key_lock(organisation=organisation, key=key)
    rows = KeyCandidate.objects.select_for_update(no_key=True)
    candidate = rows.filter(key=locked_key, version=version).first()
    if candidate is None:
        raise Conflict(
            _("This new key is not waiting any more: it was kept, discarded or pasted anew.")
        )
    return locked_key, candidate
