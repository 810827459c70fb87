"""What happens to a key, with what it means for its checks: one transaction for both."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.observations import observations_forget
from freddy_admin.sync.recording import start_afresh
from freddy_admin.sync.states import State
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services.candidates import candidate_promote
from freddy_admin.vault.services.keys import (
    api_key_pause,
    api_key_resume,
    api_key_revoke,
    api_key_update,
)

_BATCH = 500


def key_keep(*, organisation: Organisation, actor: Actor, key: ApiKey, version: int) -> ApiKey:
    """Keep a candidate that could not be tested as the key's secret, and look at it at once.

    Raises Conflict where the candidate is another one by now, or was refused.
    """
    with transaction.atomic():
        kept = candidate_promote(
            organisation=organisation, actor=actor, key=key, version=version, untested=True
        )
        keys_watch(keys=[kept])
    return kept


def key_change(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    details: KeyDetails,
    revision: str | None = None,
) -> ApiKey:
    """Change what is said of a key; with another grace it is looked at again at once.

    `revision` and what is raised: as for the vault's `api_key_update`.
    """
    with transaction.atomic():
        changed = api_key_update(
            organisation=organisation, actor=actor, key=key, details=details, revision=revision
        )
        if changed.grace_minutes != key.grace_minutes:
            KeySync.objects.filter(pk=key.pk).update(next_check_at=clock.now())
    return changed


def key_pause(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Stop checking this key until a person resumes it."""
    api_key_pause(organisation=organisation, actor=actor, key=key)


def key_resume(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Check this key again, at once and as if seen for the first time; one that runs runs on."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, paused_at__isnull=False).exists():
            return
        resumed = api_key_resume(organisation=organisation, actor=actor, key=key)
        keys_watch(keys=[resumed])


def key_revoke(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Wipe the secret and forget the figures; the audit log keeps that there was a key."""
    with transaction.atomic():
        api_key_revoke(organisation=organisation, actor=actor, key=key)
        KeySync.objects.filter(pk=key.pk).delete()


def keys_watch(*, keys: Sequence[ApiKey]) -> None:
    """See to it that each of these keys has a row, starts afresh and is due at once."""
    now = clock.now()
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        with transaction.atomic():
            known = KeySync.objects.select_for_update().in_bulk([key.pk for key in batch])
            for row, key in ((known[key.pk], key) for key in batch if key.pk in known):
                start_afresh(row, version=key.version)
                _due_at_once(row, now=now)
                row.save()
            new = [_new_row(key, now=now) for key in batch if key.pk not in known]
            KeySync.objects.bulk_create(new)
        publish = partial(observations_forget, rows=list(known.values()))
        transaction.on_commit(publish)


def _new_row(key: ApiKey, *, now: datetime) -> KeySync:
    row = KeySync(key=key, organisation_id=key.organisation_id, key_version=key.version)
    _due_at_once(row, now=now)
    return row


def _due_at_once(row: KeySync, *, now: datetime) -> None:
    row.state, row.state_since, row.state_rule = State.NOT_CHECKED, now, 4
    row.next_check_at, row.updated_at = now, now
    # A check of the former secret that still runs keeps its lease, so that no two run at once;
    # its answer is thrown away for the version it asked for, and the key is due all the same.
    row.requested_at, row.requested_by = None, ""
