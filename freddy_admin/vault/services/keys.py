"""Changes of a key by people: create, replace, update, pause, resume, revoke."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.fair_shares import waiting_requests_validate_limit
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.core.tasks import QueueName, wake
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisation_assignable_users
from freddy_admin.vault.duplicate_secrets import (
    key_details_validate_without_stored_key,
    secret_validate_not_duplicate,
)
from freddy_admin.vault.key_details import (
    KeyDetails,
    environment_clean,
    key_details_clean,
    key_tag_names,
    key_tags_set,
)
from freddy_admin.vault.locks import unrevoked_key_lock
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.sealing import api_key_context, canary_ensure, sealed_secret_set
from freddy_admin.vault.secret_format import is_secret_in_texts, secret_clean
from freddy_admin.vault.selectors import key_details_revision

_DETAIL_FIELDS = ("label", "owner", "organization_id", "grace_minutes", "expires_on")


@sensitive_variables("secret")
def api_key_create(
    *,
    organisation: Organisation,
    actor: Actor,
    details: KeyDetails,
    secret: str,
    environment: str = DEFAULT_ENVIRONMENT,
) -> ApiKey:
    """Create a key whose secret is a candidate that the worker tests; DRAFT until it is kept.

    It is tested and used in `environment` alone. Raises InvalidInput with its field, also if the
    organisation already has this secret, and TooManyWaiting.
    """
    details = _key_details_validate(organisation, details)
    secret, environment = secret_clean(secret), environment_clean(environment)
    with transaction.atomic():
        organisation = organisation_lock(organisation=organisation)
        texts = (organisation.name, details.label, details.organization_id, *details.tags)
        _texts_validate_without_secret(secret, texts, field="label")
        key_details_validate_without_stored_key(organisation=organisation, details=details)
        key = ApiKey.objects.create(
            organisation=organisation,
            label=details.label,
            organization_id=details.organization_id,
            owner=details.owner,
            grace_minutes=details.grace_minutes,
            expires_on=details.expires_on,
            status=KeyLifecycle.DRAFT,
            version=0,
            issued_version=0,
            created_at=clock.now(),
            environment=environment,
        )
        key_tags_set(key=key, names=details.tags)
        _candidate_create(key, secret, actor=actor, environment=environment)
        key_audit_record(
            AuditTag.KEY_ADDED,
            actor,
            key,
            tags=list(details.tags),
            **_environment_for_audit(environment),
        )
    return key


@sensitive_variables("secret")
def api_key_replace(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    secret: str,
    environment: str | None = None,
) -> KeyCandidate:
    """Seal a new secret beside the present one, which stays in use until the new one is kept.

    An existing candidate is superseded: of two concurrent replacements the later secret is tested,
    and recording a result of the earlier one raises Conflict. The key's own present secret may be
    pasted again, which repairs a damaged row, or moves it to another `environment` (None: the
    key's own): the new secret is tested there, and the key belongs there once it is kept.
    """
    secret = secret_clean(secret)
    environment = environment_clean(key.environment if environment is None else environment)
    with transaction.atomic():
        locked_key = unrevoked_key_lock(organisation=organisation, key=key)
        texts = (
            locked_key.organisation.name,
            locked_key.label,
            locked_key.organization_id,
            *key_tag_names(key=locked_key),
        )
        _texts_validate_without_secret(secret, texts, field="api_key")
        candidate = _candidate_create(locked_key, secret, actor=actor, environment=environment)
        key_audit_record(
            AuditTag.KEY_REPLACEMENT_REQUESTED,
            actor,
            locked_key,
            version=candidate.version,
            **_environment_for_audit(environment, former=locked_key.environment),
        )
    return candidate


def api_key_update(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    details: KeyDetails,
    revision: str | None = None,
) -> ApiKey:
    """Change label, owner, tags, grace, expiry and organization id; records old and new values.

    `revision`, if given, is the `selectors.key_details_revision` of the details a person saw:
    raises Conflict if they changed since, so that nobody undoes what they never saw.
    """
    details = _key_details_validate(organisation, details)
    with transaction.atomic():
        locked_key = unrevoked_key_lock(organisation=organisation, key=key)
        if revision is not None and revision != key_details_revision(key=locked_key):
            raise Conflict(
                _(
                    "Somebody else changed these details in the meantime, so yours were not "
                    "saved. Open the page again and look at what is there now."
                )
            )
        key_details_validate_without_stored_key(
            organisation=locked_key.organisation, details=details
        )
        old_details = _key_details_for_audit(locked_key)
        locked_key.label, locked_key.owner = details.label, details.owner
        locked_key.organization_id = details.organization_id
        locked_key.grace_minutes, locked_key.expires_on = details.grace_minutes, details.expires_on
        locked_key.save(update_fields=list(_DETAIL_FIELDS))
        key_tags_set(key=locked_key, names=details.tags)
        new_details = _key_details_for_audit(locked_key)
        changes = {
            name: [old_details[name], new_details[name]]
            for name in old_details
            if old_details[name] != new_details[name]
        }
        if changes:
            key_audit_record(AuditTag.KEY_CHANGED, actor, locked_key, changes=changes)
    return locked_key


def api_key_pause(*, organisation: Organisation, actor: Actor, key: ApiKey) -> ApiKey:
    """Stop checking this key; pausing a paused one changes nothing."""
    with transaction.atomic():
        locked_key = _non_draft_key_lock(organisation, key)
        if locked_key.paused_at is None:
            locked_key.paused_at, locked_key.paused_by = clock.now(), actor.name[:254]
            locked_key.save(update_fields=["paused_at", "paused_by"])
            key_audit_record(AuditTag.KEY_PAUSED, actor, locked_key)
    return locked_key


def api_key_resume(*, organisation: Organisation, actor: Actor, key: ApiKey) -> ApiKey:
    """Check this key again; resuming one that is not paused changes nothing."""
    with transaction.atomic():
        locked_key = _non_draft_key_lock(organisation, key)
        if locked_key.paused_at is not None:
            locked_key.paused_at, locked_key.paused_by = None, ""
            locked_key.save(update_fields=["paused_at", "paused_by"])
            key_audit_record(AuditTag.KEY_RESUMED, actor, locked_key)
    return locked_key


def api_key_revoke(*, organisation: Organisation, actor: Actor, key: ApiKey) -> ApiKey:
    """Wipe the secret for good, with its candidate; of two concurrent calls one succeeds.

    The version increases, so that a late result for the former secret is discarded. The hints
    stay, to name what was revoked. Raises Conflict for a draft or an already revoked key.
    """
    with transaction.atomic():
        locked_key = _non_draft_key_lock(organisation, key)
        KeyCandidate.objects.filter(key=locked_key).delete()
        locked_key.status, locked_key.revoked_at = KeyLifecycle.REVOKED, clock.now()
        locked_key.ciphertext, locked_key.master_key_id, locked_key.fingerprint = None, "", ""
        locked_key.paused_at, locked_key.paused_by = None, ""
        locked_key.issued_version += 1
        locked_key.version = locked_key.issued_version
        locked_key.save()
        key_audit_record(AuditTag.KEY_REVOKED, actor, locked_key)
        wal_truncate_on_commit()
    return locked_key


@sensitive_variables("secret")
def _candidate_create(key: ApiKey, secret: str, *, actor: Actor, environment: str) -> KeyCandidate:
    pending = KeyCandidate.objects.filter(state=CandidateState.PENDING).exclude(key=key)
    waiting_requests_validate_limit(
        of_organisation=pending.filter(key__organisation=key.organisation_id),
        of_person=pending.filter(created_by=actor.name[:254]),
    )
    # A new row each time, so that no lease, result or version of a former candidate stays.
    candidate = KeyCandidate(
        key=key,
        version=max(key.version, key.issued_version) + 1,
        created_at=clock.now(),
        created_by=actor.name[:254],
        environment=environment,
    )
    context = api_key_context(key.organisation_id, key.pk, candidate.version, environment)
    sealed_secret_set(candidate, secret, context=context)
    secret_validate_not_duplicate(key=key, fingerprint=candidate.fingerprint)
    canary_ensure()
    KeyCandidate.objects.filter(key=key).delete()
    wal_truncate_on_commit()
    candidate.save(force_insert=True)
    key.issued_version = candidate.version
    key.save(update_fields=["issued_version"])
    wake(QueueName.CANDIDATES)
    return candidate


def _environment_for_audit(environment: str, former: str = DEFAULT_ENVIRONMENT) -> dict[str, str]:
    # Where all keys belong to the default one, it is no news.
    return {} if environment == former == DEFAULT_ENVIRONMENT else {"environment": environment}


def _key_details_validate(organisation: Organisation, details: KeyDetails) -> KeyDetails:
    clean_details = key_details_clean(details)
    owner = clean_details.owner
    if owner is not None and owner not in organisation_assignable_users(organisation=organisation):
        raise InvalidInput(
            _("The owner must be somebody who can see this organisation."), field="owner"
        )
    return clean_details


def _non_draft_key_lock(organisation: Organisation, key: ApiKey) -> ApiKey:
    locked_key = unrevoked_key_lock(organisation=organisation, key=key)
    if locked_key.status == KeyLifecycle.DRAFT:
        raise Conflict(_("This key is still being tested. Keep it or throw it away first."))
    return locked_key


def _key_details_for_audit(key: ApiKey) -> dict[str, object]:
    return {
        "label": key.label,
        "organization_id": key.organization_id,
        "owner": key.owner.email if key.owner else None,
        "grace_minutes": key.grace_minutes,
        "expires_on": key.expires_on.isoformat() if key.expires_on else None,
        "tags": key_tag_names(key=key),
    }


def key_audit_record(tag: AuditTag, actor: Actor, key: ApiKey, **details: object) -> None:
    """Record one audit event about this key; `details` are short JSON values without a secret."""
    audit_event_record(
        tag=tag,
        actor=actor,
        organisation=organisation_audit_ref(key.organisation),
        subject=key.label,
        key_id=key.pk,
        **details,
    )


@sensitive_variables()
def _texts_validate_without_secret(secret: str, texts: Iterable[str], *, field: str) -> None:
    """Raise InvalidInput for `field` if one of these texts contains this new secret."""
    if is_secret_in_texts(secret, texts):
        raise InvalidInput(
            _("The key stands in another field, too, where everybody could read it. Remove it."),
            field=field,
        )
