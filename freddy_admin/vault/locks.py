"""One writer at a time in one organisation's keys; call inside a transaction.

PostgreSQL locks the rows; SQLite's IMMEDIATE transactions let one writer in anyway. The
organisation's row comes first, so that two new rows with the same secret cannot pass each other.
"""

from django.utils.translation import gettext as _

from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyStatus
from freddy_admin.vault.selectors import key_not_found


def key_lock(*, organisation: Organisation, key: ApiKey) -> ApiKey:
    """The key as it is now, locked, with its organisation; NotFound unless it is theirs."""
    place = organisation_lock(organisation=organisation)
    rows = ApiKey.objects.select_for_update(no_key=True)
    found = rows.filter(organisation=place, pk=key.pk).first()
    if found is None:
        raise key_not_found()
    found.organisation = place
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
