"""What people do with a key: add, replace, describe, pause, resume, revoke."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisation_people
from freddy_admin.vault.details import KeyDetails, details_clean
from freddy_admin.vault.duplicates import refuse_second_copy
from freddy_admin.vault.locks import kept_key_lock
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyStatus
from freddy_admin.vault.sealing import Row, canary_ensure, seal_into
from freddy_admin.vault.secrets import secret_clean
from freddy_admin.vault.selectors import details_revision
from freddy_admin.vault.tagging import tags_give, tags_of
from freddy_admin.vault.telling import refuse_stored, refuse_told
from freddy_admin.vault.trail import key_record

_DETAILS = ("label", "owner", "organization_id", "grace_minutes", "expires_on")


@sensitive_variables("secret")
def api_key_draft(
    *, organisation: Organisation, actor: Actor, details: KeyDetails, secret: str
) -> ApiKey:
    """A new key, sealed as a candidate that the worker tests next; status DRAFT until it is kept.

    Raises InvalidInput with the field it is about, also where the organisation has this key.
    """
    details = _checked(organisation, details)
    secret = secret_clean(secret)
    with transaction.atomic():
        place = organisation_lock(organisation=organisation)
        told = (place.name, details.label, details.organization_id, *details.tags)
        refuse_told(secret, told, field="label")
        refuse_stored(organisation=place, details=details)
        key = ApiKey.objects.create(
            organisation=place,
            label=details.label,
            organization_id=details.organization_id,
            owner=details.owner,
            grace_minutes=details.grace_minutes,
            expires_on=details.expires_on,
            status=KeyStatus.DRAFT,
            version=0,
            issued_version=0,
            created_at=clock.now(),
        )
        tags_give(key=key, names=details.tags)
        _candidate_seal(key, secret, actor=actor)
        key_record(Tag.KEY_ADDED, actor, key, tags=list(details.tags))
    return key


@sensitive_variables("secret")
def api_key_replace(
    *, organisation: Organisation, actor: Actor, key: ApiKey, secret: str
) -> KeyCandidate:
    """Seal a new secret beside the present one, which stays in use until the new one is kept.

    A candidate that is there already is superseded: of two people who paste at once the later
    one's key is tested, and an answer about the earlier one meets a Conflict. The key's own
    present secret may be pasted again, which repairs a damaged row.
    """
    secret = secret_clean(secret)
    with transaction.atomic():
        found = kept_key_lock(organisation=organisation, key=key)
        told = (found.organisation.name, found.label, found.organization_id, *tags_of(key=found))
        refuse_told(secret, told, field="api_key")
        candidate = _candidate_seal(found, secret, actor=actor)
        key_record(Tag.KEY_REPLACED, actor, found, version=candidate.version)
    return candidate


def api_key_update(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    details: KeyDetails,
    revision: str | None = None,
) -> ApiKey:
    """Change label, owner, tags, grace and the id at Aitronos; records old and new values.

    `revision`, if given, is that of the details a person saw (`selectors.details_revision`):
    raises Conflict where they are others by now, so that nobody undoes what they never saw.
    """
    details = _checked(organisation, details)
    with transaction.atomic():
        found = kept_key_lock(organisation=organisation, key=key)
        if revision is not None and revision != details_revision(key=found):
            raise Conflict(
                _(
                    "Somebody else changed these details in the meantime, so yours were not "
                    "saved. Open the page again and look at what is there now."
                )
            )
        refuse_stored(organisation=found.organisation, details=details)
        before = _described(found)
        found.label, found.owner = details.label, details.owner
        found.organization_id = details.organization_id
        found.grace_minutes, found.expires_on = details.grace_minutes, details.expires_on
        found.save(update_fields=list(_DETAILS))
        tags_give(key=found, names=details.tags)
        after = _described(found)
        changes = {
            name: [before[name], after[name]] for name in before if before[name] != after[name]
        }
        if changes:
            key_record(Tag.KEY_CHANGED, actor, found, changes=changes)
    return found


def api_key_pause(*, organisation: Organisation, actor: Actor, key: ApiKey) -> ApiKey:
    """Stop checking this key; pausing a paused one changes nothing."""
    with transaction.atomic():
        found = _in_use(organisation, key)
        if found.paused_at is None:
            found.paused_at, found.paused_by = clock.now(), actor.name[:254]
            found.save(update_fields=["paused_at", "paused_by"])
            key_record(Tag.KEY_PAUSED, actor, found)
    return found


def api_key_resume(*, organisation: Organisation, actor: Actor, key: ApiKey) -> ApiKey:
    """Check this key again; resuming one that runs changes nothing."""
    with transaction.atomic():
        found = _in_use(organisation, key)
        if found.paused_at is not None:
            found.paused_at, found.paused_by = None, ""
            found.save(update_fields=["paused_at", "paused_by"])
            key_record(Tag.KEY_RESUMED, actor, found)
    return found


def api_key_revoke(*, organisation: Organisation, actor: Actor, key: ApiKey) -> ApiKey:
    """Wipe the secret for good, with a candidate that waits; of two who revoke, one wins.

    The version moves on, so that an answer to the former secret is thrown away. The hints stay:
    they name what was revoked. Raises Conflict for a draft or an already revoked key.
    """
    with transaction.atomic():
        found = _in_use(organisation, key)
        KeyCandidate.objects.filter(key=found).delete()
        found.status, found.revoked_at = KeyStatus.REVOKED, clock.now()
        found.ciphertext, found.master_key_id, found.fingerprint = None, "", ""
        found.paused_at, found.paused_by = None, ""
        found.issued_version += 1
        found.version = found.issued_version
        found.save()
        key_record(Tag.KEY_REVOKED, actor, found)
        wal_empty_after_commit()
    return found


@sensitive_variables("secret")
def _candidate_seal(key: ApiKey, secret: str, *, actor: Actor) -> KeyCandidate:
    # A new row each time: lease, outcome and version of a former candidate go with it.
    candidate = KeyCandidate(
        key=key,
        version=max(key.version, key.issued_version) + 1,
        created_at=clock.now(),
        created_by=actor.name[:254],
    )
    row = Row(organisation_id=key.organisation_id, key_id=key.pk, version=candidate.version)
    seal_into(candidate, secret, row=row)
    refuse_second_copy(key=key, fingerprint=candidate.fingerprint)
    canary_ensure()
    KeyCandidate.objects.filter(key=key).delete()
    wal_empty_after_commit()
    candidate.save(force_insert=True)
    key.issued_version = candidate.version
    key.save(update_fields=["issued_version"])
    return candidate


def _checked(organisation: Organisation, details: KeyDetails) -> KeyDetails:
    cleaned = details_clean(details)
    owner = cleaned.owner
    if owner is not None and owner not in organisation_people(organisation=organisation):
        raise InvalidInput(
            _("The owner must be somebody who can see this organisation."), field="owner"
        )
    return cleaned


def _in_use(organisation: Organisation, key: ApiKey) -> ApiKey:
    found = kept_key_lock(organisation=organisation, key=key)
    if found.status == KeyStatus.DRAFT:
        raise Conflict(_("This key is still being tested. Keep it or throw it away first."))
    return found


def _described(key: ApiKey) -> dict[str, object]:
    return {
        "label": key.label,
        "organization_id": key.organization_id,
        "owner": key.owner.email if key.owner else None,
        "grace_minutes": key.grace_minutes,
        "expires_on": key.expires_on.isoformat() if key.expires_on else None,
        "tags": tags_of(key=key),
    }
