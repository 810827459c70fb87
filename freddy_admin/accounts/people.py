"""Administration of the people who use the panel, by its platform admins."""

from collections.abc import Collection
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.deactivation import sessions_delete
from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import NAME_LIMIT, person_get_or_create
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.text_validation import line_clean

LARGEST_ID = 2**63 - 1

person_access_reduction_started = Signal()
"""Sent before a person stops being a platform admin, or is deactivated or deleted.

With `person`, `actor` and `keeps_account`; inside the transaction and before the person is locked,
so that rooms above may lock their rows first.
"""
person_access_reduction_locked = Signal()
"""Sent once the person is locked, with `person`, `actor` and `keeps_account`.

Whatever they did until that moment is visible by now, and nothing more can follow.
"""


def person_get(*, person_id: int) -> User:
    """The person with this id; raises NotFound."""
    person = User.objects.filter(pk=person_id).first() if 0 < person_id <= LARGEST_ID else None
    if person is None:
        raise _person_not_found()
    return person


def person_ids_with_second_factor(*, ids: Collection[int]) -> set[int]:
    """The ids of those among `ids` who have a second factor; one query."""
    authenticators = Authenticator.objects.filter(user_id__in=list(ids))
    factors = authenticators.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return set(factors.values_list("user_id", flat=True))


def second_factors_list(*, user: User) -> list[dict[str, Any]]:
    """The kinds of second factor this person has set up, and when; without their secrets."""
    factors = Authenticator.objects.filter(user=user).order_by("created_at")
    return [
        {
            "kind": str(factor.type),
            "created_at": factor.created_at,
            "last_used_at": factor.last_used_at,
        }
        for factor in factors
    ]


@sensitive_variables("password")
@transaction.atomic
def person_create_from_invitation(*, actor: Actor, email: str, name: str, password: str) -> User:
    """Create the account of an invited person, whose address the mailed link has verified.

    Raises InvalidInput for a bad name or password, Conflict where there is an account.
    """
    clean_name = line_clean(name, field="name", limit=NAME_LIMIT)
    person, is_new = person_get_or_create(actor=actor, email=email, password=password)
    if not is_new:
        raise Conflict(_("There is an account with this address by now: sign in with it."))
    person.name = clean_name
    person.save(update_fields=["name"])
    return person


@transaction.atomic
def person_set_platform_admin(*, actor: Actor, person_id: int, is_admin: bool) -> User:
    """Make a person a platform admin, or no longer one, from their next request on.

    Invitations they sent as a platform admin are withdrawn when they are none any more. Raises
    NotFound, and Conflict for the last platform admin.
    """
    person = (
        _person_lock(person_id)
        if is_admin
        else _person_lock_for_access_reduction(person_id, actor, keeps_account=True)
    )
    if person.is_platform_admin == is_admin:
        return person
    if not is_admin:
        _reject_last_platform_admin(person)
    person.is_platform_admin = is_admin
    person.save(update_fields=["is_platform_admin"])
    tag = AuditTag.ADMIN_MADE if is_admin else AuditTag.ADMIN_UNMADE
    audit_event_record(tag=tag, actor=actor, subject=person.email)
    return person


@transaction.atomic
def person_set_active(*, actor: Actor, person_id: int, is_active: bool) -> User:
    """Activate or deactivate a person.

    Deactivating ends their sessions at once, suspends their API tokens, and withdraws their
    invitations for good. Raises NotFound, and Conflict for the last platform admin.
    """
    person = (
        _person_lock(person_id)
        if is_active
        else _person_lock_for_access_reduction(person_id, actor, keeps_account=False)
    )
    if person.is_active == is_active:
        return person
    if not is_active:
        _reject_last_platform_admin(person)
    person.is_active = is_active
    person.save(update_fields=["is_active"])
    if not is_active:
        sessions_delete(user=person)
    tag = AuditTag.PERSON_SWITCHED_ON if is_active else AuditTag.PERSON_SWITCHED_OFF
    audit_event_record(tag=tag, actor=actor, subject=person.email)
    return person


@transaction.atomic
def person_delete(*, actor: Actor, person_id: int) -> User:
    """Delete a person with their API tokens, saved views, second factors and sessions.

    The audit log keeps what they did, under their name as text. Raises NotFound, and Conflict
    for the last platform admin.
    """
    person = _person_lock_for_access_reduction(person_id, actor, keeps_account=False)
    _reject_last_platform_admin(person)
    sessions_delete(user=person)
    User.objects.filter(pk=person.pk).delete()
    audit_event_record(
        tag=AuditTag.PERSON_REMOVED, actor=actor, subject=person.email, name=person.name
    )
    return person


def _person_lock_for_access_reduction(person_id: int, actor: Actor, *, keeps_account: bool) -> User:
    """The person, locked; sends both signals where their rights over the panel are to shrink."""
    person = person_get(person_id=person_id)
    if person.is_platform_admin or not keeps_account:
        person_access_reduction_started.send(
            User, person=person, actor=actor, keeps_account=keeps_account
        )
    person = _person_lock(person_id)
    if person.is_platform_admin or not keeps_account:
        person_access_reduction_locked.send(
            User, person=person, actor=actor, keeps_account=keeps_account
        )
    return person


def _person_lock(person_id: int) -> User:
    """The person, locked after all platform admins: one order for everybody, so no deadlock."""
    admins = User.objects.select_for_update().filter(is_platform_admin=True).order_by("pk")
    admins_by_id = {admin.pk: admin for admin in admins}
    if person_id in admins_by_id:
        return admins_by_id[person_id]
    person = (
        User.objects.select_for_update().filter(pk=person_id).first()
        if 0 < person_id <= LARGEST_ID
        else None
    )
    if person is None:
        raise _person_not_found()
    return person


def _reject_last_platform_admin(person: User) -> None:
    active_admins = User.objects.filter(is_platform_admin=True, is_active=True)
    other_admins = active_admins.exclude(pk=person.pk)
    if person.is_platform_admin and person.is_active and not other_admins.exists():
        raise Conflict(
            _("%(name)s is the last platform admin. Make somebody else one first.")
            % {"name": person}
        )


def _person_not_found() -> NotFound:
    return NotFound(_("There is no such person. They may have been removed in the meantime."))
