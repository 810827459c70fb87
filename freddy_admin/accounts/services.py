"""Creates people and changes their profiles."""

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import Theme, User
from freddy_admin.accounts.person_lookup import email_normalize, time_zones
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH
from freddy_admin.core.text_validation import line_clean, validate_text_length

EMAIL_LIMIT = 254
NAME_LIMIT = 120


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
    """The address as it is stored: stripped, lower case; raises InvalidInput."""
    try:
        validate_text_length(email, field="email", limit=EMAIL_LIMIT)
        _email_reject_lookalike(email)
        normalized_email = email_normalize(email)
        validate_email(normalized_email)
    except (InvalidInput, ValidationError):
        raise InvalidInput(
            _("Give an e-mail address like ada@example.org."), field="email"
        ) from None
    return normalized_email


def _email_reject_lookalike(email: str) -> None:
    # The sign for kelvin is a “k” in lower case: such an address would become somebody else's.
    if any(not char.isascii() and char.lower()[0].isascii() for char in email):
        raise ValidationError("")


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
