"""What happens to a key, with what it means for its checks: one transaction for both."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.telling import Fate, Telling, happened_tell, key_tell, telling_store
from freddy_admin.sync.models import EventKind, KeySync, Listing
from freddy_admin.sync.observations import observations_forget
from freddy_admin.sync.recording import history_break
from freddy_admin.sync.row_changes import start_afresh
from freddy_admin.sync.states import State
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState
from freddy_admin.vault.services.candidates import candidate_promote
from freddy_admin.vault.services.keys import (
    api_key_pause,
    api_key_resume,
    api_key_revoke,
    api_key_update,
)

_BATCH = 500
_TOLD_AS = {CandidateState.UNTESTED: "kept_untested", CandidateState.DIFFERS: "kept_differing"}


def key_keep(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    version: int,
    state: CandidateState = CandidateState.UNTESTED,
) -> ApiKey:
    """Keep a candidate that a person decides on as the key's secret, and look at it at once.

    `state` is the one the person saw: UNTESTED, or DIFFERS. Raises Conflict where the candidate
    is another one or in another state by now.
    """
    if state not in _TOLD_AS:
        raise Conflict(_("There is nothing to decide about this new key. Look at it again."))
    with transaction.atomic():
        kept = candidate_promote(
            organisation=organisation, actor=actor, key=key, version=version, state=state
        )
        keys_watch(keys=[kept], actor=actor, what=_TOLD_AS[state])
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
        _told(changed, "edited", actor=actor)
    return changed


def key_pause(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Stop checking this key until a person resumes it."""
    with transaction.atomic():
        api_key_pause(organisation=organisation, actor=actor, key=key)
        row = KeySync.objects.select_for_update().filter(pk=key.pk).first()
        if row is not None and row.told_state != State.PAUSED:
            _row_told(row, Fate("paused", State.PAUSED), actor=actor)
            row.save()


def key_resume(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Check this key again, at once and as if seen for the first time; one that runs runs on."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, paused_at__isnull=False).exists():
            return
        resumed = api_key_resume(organisation=organisation, actor=actor, key=key)
        keys_watch(keys=[resumed], actor=actor, what="resumed")


def key_revoke(*, organisation: Organisation, actor: Actor, key: ApiKey) -> None:
    """Wipe the secret and forget the figures; history and audit log keep that there was a key."""
    with transaction.atomic():
        api_key_revoke(organisation=organisation, actor=actor, key=key)
        row = KeySync.objects.select_for_update().filter(pk=key.pk).first()
        if row is not None:
            _row_told(row, Fate("revoked", None), actor=actor)
            row.delete()
        Listing.objects.filter(key=key).delete()


def keys_watch(*, keys: Sequence[ApiKey], actor: Actor = WORKER, what: str = "replaced") -> None:
    """See to it that each of these keys has a row, starts afresh and is due at once.

    `what` happened to those that were watched before; the others were added.
    """
    now = clock.now()
    for start in range(0, len(keys), _BATCH):
        batch, telling = keys[start : start + _BATCH], Telling()
        with transaction.atomic():
            known = KeySync.objects.select_for_update().in_bulk([key.pk for key in batch])
            for row, key in ((known[key.pk], key) for key in batch if key.pk in known):
                history_break(row, telling=telling, now=now)
                start_afresh(row, version=key.version)
                _watched(row, what, actor=actor, now=now, telling=telling)
                row.save()
            new = [_new_row(key) for key in batch if key.pk not in known]
            for row in new:
                _watched(row, "added", actor=actor, now=now, telling=telling)
            KeySync.objects.bulk_create(new)
            telling_store(telling)
        publish = partial(observations_forget, rows=list(known.values()))
        transaction.on_commit(publish)


def _new_row(key: ApiKey) -> KeySync:
    return KeySync(key=key, organisation_id=key.organisation_id, key_version=key.version)


def _watched(row: KeySync, what: str, *, actor: Actor, now: datetime, telling: Telling) -> None:
    row.state, row.state_since, row.state_rule = State.NOT_CHECKED, now, 4
    row.next_check_at, row.updated_at = now, now
    # A check of the former secret that still runs keeps its lease, so that no two run at once;
    # its answer is thrown away for the version it asked for, and the key is due all the same.
    row.requested_at, row.requested_by = None, ""
    key_tell(telling, row, Fate(what, State.NOT_CHECKED), actor=actor.name, now=now)


def _row_told(row: KeySync, fate: Fate, *, actor: Actor) -> None:
    """Tell what happened to a watched key and what it means for its state."""
    telling, now = Telling(), clock.now()
    history_break(row, telling=telling, now=now)
    key_tell(telling, row, fate, actor=actor.name, now=now)
    telling_store(telling)


def _told(key: ApiKey, what: str, *, actor: Actor) -> None:
    """Tell what a person did with a key that changes nothing of its state."""
    happened_tell(key=key, kind=EventKind.KEY_CHANGED, details={"what": what}, actor=actor.name)
