"""People who go: the keys they looked after are nobody's then, in the same transaction."""

from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.organisations.members import member_remove
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.removing import person_remove
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.trail import key_record


@transaction.atomic
def member_take_out(*, organisation: Organisation, actor: Actor, user_id: int) -> User:
    """As `member_remove`, and no key here is theirs any more; of a platform admin they stay."""
    person = member_remove(organisation=organisation, actor=actor, user_id=user_id)
    if not person.is_platform_admin:
        _disown(person, actor, organisation)
    return person


@transaction.atomic
def person_take_out(*, actor: Actor, person_id: int) -> User:
    """As `person_remove`, with each key they looked after written down as nobody's."""
    owned = keys_owned(user_id=person_id)
    places = {key.organisation_id for key in owned}
    person = person_remove(actor=actor, person_id=person_id, besides=places)
    wal_empty_after_commit()  # of the keys they pasted and did not save
    for key in owned:
        _record(key, person, actor)
    return person


def keys_owned(*, user_id: int) -> list[ApiKey]:
    """The keys this person looks after, by organisation and label."""
    keys = ApiKey.objects.filter(owner=user_id).exclude(status=KeyStatus.REVOKED)
    found = keys.defer("ciphertext").select_related("organisation")
    return list(found.order_by("organisation__name", "label", "pk"))


def _disown(person: User, actor: Actor, organisation: Organisation) -> None:
    """The organisation's row is locked already."""
    owned = ApiKey.objects.filter(organisation=organisation, owner=person).defer("ciphertext")
    for key in owned.select_related("organisation"):
        _record(key, person, actor)
    owned.update(owner=None)


def _record(key: ApiKey, person: User, actor: Actor) -> None:
    key_record(Tag.KEY_CHANGED, actor, key, changes={"owner": [person.email, None]})
