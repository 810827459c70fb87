"""The people who use the panel: found, created, changed, switched off and deleted."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import Theme, User, email_canonicalize, email_normalize
from freddy_admin.accounts.session_list import sessions_delete
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH
from freddy_admin.core.text_validation import (
    is_invisible_character,
    line_clean,
    validate_text_length,
)

EMAIL_LIMIT = 254
NAME_LIMIT = 120
LARGEST_ID = 2**63 - 1

# Both are sent, with `person`, `actor` and `keeps_account`, when a person stops being a platform
# admin, or is deactivated or deleted. The first one inside the transaction and before the person is
# locked, so that rooms above may lock their rows first. The second once the person is locked:
# whatever they did until that moment is visible by now, and nothing more can follow.
person_access_reduction_started = Signal()
person_access_reduction_locked = Signal()


def person_get(*, person_id: int) -> User:
    """The person with this id; raises NotFound."""
    person = User.objects.filter(pk=person_id).first() if 0 < person_id <= LARGEST_ID else None
    if person is None:
        raise _person_not_found()
    return person


def person_get_by_email(*, email: str) -> User:
    """The person with this address, in whatever form it is typed; raises NotFound."""
    person = User.objects.filter(email=email_normalize(email)).first()
    if person is None:
        raise NotFound(_("There is no person with the address %(email)s.") % {"email": email})
    return person


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Names of the time zones that can be chosen, in order; UTC first."""
    return ("UTC", *sorted(available_timezones() - {"UTC"}))


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


def second_factor_types(user: User) -> set[str]:
    """The kinds the person has set up, "totp" and "webauthn"; one query."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    factors = Authenticator.objects.filter(user=user, type__in=kinds)
    return set(factors.values_list("type", flat=True))


def is_last_second_factor(authenticator: Authenticator) -> bool:
    """Whether the person has no other second factor; recovery codes do not count as one."""
    rest = Authenticator.objects.filter(user=authenticator.user).exclude(pk=authenticator.pk)
    return not rest.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


@sensitive_variables("password")
def admin_create(*, actor: Actor, email: str, password: str) -> User:
    """Make a platform admin who can sign in at once.

    Raises InvalidInput for a bad address or password, Conflict where the address is taken.
    """
    email = email_clean(email)
    if User.objects.filter(email=email).exists():
        raise _email_taken_error(email)
    return _person_create(actor, email, password, is_platform_admin=True)


@sensitive_variables("password")
def person_get_or_create(*, actor: Actor, email: str, password: str | None) -> tuple[User, bool]:
    """The person with this address, and whether they were created now, the address verified.

    A person who exists keeps the password they have. Without a password the new person sets one
    through “forgotten password”. Raises InvalidInput for a bad address or password.
    """
    email = email_clean(email)
    person = User.objects.filter(email=email).first()
    if person is not None:
        return person, False
    return _person_create(actor, email, password), True


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
def profile_update(*, actor: Actor, user: User, name: str, time_zone: str, theme: str) -> User:
    """Change a person's name, time zone and theme; raises InvalidInput with the field."""
    user.name = line_clean(name, field="name", limit=NAME_LIMIT, required=False)
    if time_zone not in time_zones():
        raise InvalidInput(_("Choose a time zone from the list."), field="time_zone")
    if theme not in Theme.values:
        raise InvalidInput(_("Choose one of the looks offered."), field="theme")
    user.time_zone, user.theme = time_zone, theme
    user.save(update_fields=["name", "time_zone", "theme"])
    audit_event_record(tag=AuditTag.PERSON_CHANGED, actor=actor, subject=user.email)
    return user


def email_clean(email: str) -> str:
    """The address in the one form in which it is stored; raises InvalidInput."""
    try:
        validate_text_length(email, field="email", limit=EMAIL_LIMIT)
        canonical_email = email_canonicalize(email)
        validate_email(canonical_email)
        validate_text_length(canonical_email, field="email", limit=EMAIL_LIMIT)
    except (InvalidInput, ValidationError, ValueError):
        message = (
            _("There is an invisible character in this address: type it instead of pasting it.")
            if any(map(is_invisible_character, email[:EMAIL_LIMIT].strip()))
            else _("Give an e-mail address like ada@example.org.")
        )
        raise InvalidInput(message, field="email") from None
    return canonical_email


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


@sensitive_variables("password")
def _person_create(
    actor: Actor, email: str, password: str | None, *, is_platform_admin: bool = False
) -> User:
    person = User(email=email, is_platform_admin=is_platform_admin)
    if password is None:
        person.set_unusable_password()
    else:
        _password_validate(password, person)
        person.set_password(password)
    try:
        with transaction.atomic():
            person.save()
            EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
            audit_event_record(
                tag=AuditTag.PERSON_CREATED,
                actor=actor,
                subject=email,
                platform_admin=is_platform_admin,
            )
    except IntegrityError:
        raise _email_taken_error(email) from None
    return person


@sensitive_variables("password")
def _password_validate(password: str, person: User) -> None:
    validate_text_length(password, field="password", limit=DEFAULT_TEXT_MAX_LENGTH)
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="password") from None


def _email_taken_error(email: str) -> Conflict:
    return Conflict(
        _("There is already a person with the address %(email)s.") % {"email": email},
        field="email",
    )
