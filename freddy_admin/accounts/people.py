"""Everybody who uses the panel, as its platform admins look after them."""

from collections.abc import Collection
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.ending import sessions_end
from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import NAME_LIMIT, person_ensure
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.text import line_clean

LARGEST_ID = 2**63 - 1

person_lowering = Signal()
"""Somebody's rights over the panel are about to shrink: they are no platform admin any more, are
switched off or removed. With `person`, `actor` and `keeps_account`; inside the transaction, and
before the person is locked, so that rooms above may lock what is theirs first.
"""
person_locked = Signal()
"""The same, sent once more when the person is locked: what they did until that moment is there to
be seen by now, and no more will come.
"""


def person_get(*, person_id: int) -> User:
    """One of them; raises NotFound."""
    found = User.objects.filter(pk=person_id).first() if 0 < person_id <= LARGEST_ID else None
    if found is None:
        raise _no_person()
    return found


def second_factor_people(*, ids: Collection[int]) -> set[int]:
    """Who of these people has a second factor; one query."""
    factors = Authenticator.objects.filter(user_id__in=list(ids))
    kinds = factors.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return set(kinds.values_list("user_id", flat=True))


def second_factors_of(*, user: User) -> list[dict[str, Any]]:
    """Which kinds this person has set up, and when; nothing of their secrets."""
    factors = Authenticator.objects.filter(user=user).order_by("created_at")
    return [
        {"kind": str(one.type), "created_at": one.created_at, "last_used_at": one.last_used_at}
        for one in factors
    ]


@sensitive_variables("password")
@transaction.atomic
def person_invited_create(*, actor: Actor, email: str, name: str, password: str) -> User:
    """Make the account of somebody who came by a mailed link, their address verified by it.

    Raises InvalidInput for a bad name or password, Conflict where there is an account.
    """
    clean = line_clean(name, field="name", limit=NAME_LIMIT)
    person, made = person_ensure(actor=actor, email=email, password=password)
    if not made:
        raise Conflict(_("There is an account with this address by now: sign in with it."))
    person.name = clean
    person.save(update_fields=["name"])
    return person


@transaction.atomic
def person_admin_set(*, actor: Actor, person_id: int, is_admin: bool) -> User:
    """Make somebody a platform admin, or no longer one, from their next request on.

    What they invited to as one is withdrawn with it.
    Raises NotFound, and Conflict for the last platform admin.
    """
    person = _lock(person_id) if is_admin else _lower(person_id, actor, keeps_account=True)
    if person.is_platform_admin == is_admin:
        return person
    if not is_admin:
        _refuse_last(person)
    person.is_platform_admin = is_admin
    person.save(update_fields=["is_platform_admin"])
    tag = Tag.ADMIN_MADE if is_admin else Tag.ADMIN_UNMADE
    audit_record(tag=tag, actor=actor, subject=person.email)
    return person


@transaction.atomic
def person_switch(*, actor: Actor, person_id: int, is_active: bool) -> User:
    """Let somebody in again, or keep them out: their sessions end at once, tokens rest.

    What they invited to is withdrawn, for good.
    Raises NotFound, and Conflict for the last platform admin.
    """
    person = _lock(person_id) if is_active else _lower(person_id, actor, keeps_account=False)
    if person.is_active == is_active:
        return person
    if not is_active:
        _refuse_last(person)
    person.is_active = is_active
    person.save(update_fields=["is_active"])
    if not is_active:
        sessions_end(user=person)
    tag = Tag.PERSON_SWITCHED_ON if is_active else Tag.PERSON_SWITCHED_OFF
    audit_record(tag=tag, actor=actor, subject=person.email)
    return person


@transaction.atomic
def person_delete(*, actor: Actor, person_id: int) -> User:
    """Remove a person with tokens, saved views, second factors and sessions.

    The audit log keeps what they did, under their name as text. Raises NotFound, and Conflict
    for the last platform admin.
    """
    person = _lower(person_id, actor, keeps_account=False)
    _refuse_last(person)
    sessions_end(user=person)
    User.objects.filter(pk=person.pk).delete()
    audit_record(tag=Tag.PERSON_REMOVED, actor=actor, subject=person.email, name=person.name)
    return person


def _lower(person_id: int, actor: Actor, *, keeps_account: bool) -> User:
    """The person, locked, with what hangs on the rights they are about to lose told to end."""
    person = person_get(person_id=person_id)
    if person.is_platform_admin or not keeps_account:
        person_lowering.send(User, person=person, actor=actor, keeps_account=keeps_account)
    person = _lock(person_id)
    if person.is_platform_admin or not keeps_account:
        person_locked.send(User, person=person, actor=actor, keeps_account=keeps_account)
    return person


def _lock(person_id: int) -> User:
    """The person as they are now, locked after all platform admins, in one order for everybody."""
    admins = User.objects.select_for_update().filter(is_platform_admin=True).order_by("pk")
    found = {one.pk: one for one in admins}
    if person_id in found:
        return found[person_id]
    person = (
        User.objects.select_for_update().filter(pk=person_id).first()
        if 0 < person_id <= LARGEST_ID
        else None
    )
    if person is None:
        raise _no_person()
    return person


def _refuse_last(person: User) -> None:
    others = User.objects.filter(is_platform_admin=True, is_active=True).exclude(pk=person.pk)
    if person.is_platform_admin and person.is_active and not others.exists():
        raise Conflict(
            _("%(name)s is the last platform admin. Make somebody else one first.")
            % {"name": person}
        )


def _no_person() -> NotFound:
    return NotFound(_("There is no such person. They may have been removed in the meantime."))
