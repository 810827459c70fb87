"""Removes members and people; their keys lose the owner in the same transaction."""

from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.organisations.members import member_remove
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.person_deletion import person_delete_with_memberships
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.services.keys import key_audit_record


@transaction.atomic
def member_offboard(*, organisation: Organisation, actor: Actor, user_id: int) -> User:
    """Remove a member and clear the owner of their keys here; a platform admin stays owner."""
    person = member_remove(organisation=organisation, actor=actor, user_id=user_id)
    if not person.is_platform_admin:
        _api_keys_remove_owner(person, actor, organisation)
    return person


@transaction.atomic
def person_offboard(*, actor: Actor, person_id: int) -> User:
    """Delete a person; each key they owned gets an audit event that its owner is gone."""
    owned_keys = owned_api_keys_list(user_id=person_id)
    organisation_ids = {key.organisation_id for key in owned_keys}
    person = person_delete_with_memberships(
        actor=actor, person_id=person_id, extra_organisation_ids=organisation_ids
    )
    wal_truncate_on_commit()  # their unsaved import drafts are deleted with them
    for key in owned_keys:
        _owner_removal_record(key, person, actor)
    return person


def owned_api_keys_list(*, user_id: int) -> list[ApiKey]:
    """Unrevoked keys this person owns, by organisation and label."""
    keys = ApiKey.objects.filter(owner=user_id).exclude(status=KeyLifecycle.REVOKED)
    unsealed_keys = keys.defer("ciphertext").select_related("organisation")
    return list(unsealed_keys.order_by("organisation__name", "label", "pk"))


def _api_keys_remove_owner(person: User, actor: Actor, organisation: Organisation) -> None:
    """Clear the owner of the person's keys; the organisation's row is locked already."""
    owned_keys = ApiKey.objects.filter(organisation=organisation, owner=person).defer("ciphertext")
    for key in owned_keys.select_related("organisation"):
        _owner_removal_record(key, person, actor)
    owned_keys.update(owner=None)


def _owner_removal_record(key: ApiKey, person: User, actor: Actor) -> None:
    key_audit_record(AuditTag.KEY_CHANGED, actor, key, changes={"owner": [person.email, None]})
