"""Every change of people."""

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import Theme, User
from freddy_admin.accounts.selectors import address_typed, time_zones
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.forms import TEXT_AT_MOST
from freddy_admin.core.text import length_check, line_clean

ADDRESS_LIMIT = 254
NAME_LIMIT = 120


@sensitive_variables("password")
def admin_create(*, actor: Actor, email: str, password: str) -> User:
    """Make a platform admin who can sign in at once.

    Raises InvalidInput for a bad address or password, Conflict where the address is taken.
    """
    address = address_clean(email)
    if User.objects.filter(email=address).exists():
        raise _taken(address)
    return _person_create(actor, address, password, is_platform_admin=True)


@sensitive_variables("password")
def person_ensure(*, actor: Actor, email: str, password: str | None) -> tuple[User, bool]:
    """The person with this address and whether they were made now, their address verified.

    A person who exists keeps the password they have. Without a password the new person sets one
    through “forgotten password”. Raises InvalidInput for a bad address or password.
    """
    address = address_clean(email)
    found = User.objects.filter(email=address).first()
    if found is not None:
        return found, False
    return _person_create(actor, address, password), True


@transaction.atomic
def profile_update(*, actor: Actor, user: User, name: str, time_zone: str, theme: str) -> User:
    """Change what a person says of themselves; raises InvalidInput with the field."""
    user.name = line_clean(name, field="name", limit=NAME_LIMIT, required=False)
    if time_zone not in time_zones():
        raise InvalidInput(_("Choose a time zone from the list."), field="time_zone")
    if theme not in Theme.values:
        raise InvalidInput(_("Choose one of the looks offered."), field="theme")
    user.time_zone, user.theme = time_zone, theme
    user.save(update_fields=["name", "time_zone", "theme"])
    audit_record(tag=Tag.PERSON_CHANGED, actor=actor, subject=user.email)
    return user


def address_clean(email: str) -> str:
    """The address as it is stored: stripped, lower case; raises InvalidInput."""
    try:
        length_check(email, field="email", limit=ADDRESS_LIMIT)
        _disguise_refuse(email)
        address = address_typed(email)
        validate_email(address)
    except (InvalidInput, ValidationError):
        raise InvalidInput(
            _("Give an e-mail address like ada@example.org."), field="email"
        ) from None
    return address


def _disguise_refuse(email: str) -> None:
    # The sign for kelvin is a “k” in lower case: such an address would become somebody else's.
    if any(not sign.isascii() and sign.lower()[0].isascii() for sign in email):
        raise ValidationError("")


@sensitive_variables("password")
def _person_create(
    actor: Actor, address: str, password: str | None, *, is_platform_admin: bool = False
) -> User:
    person = User(email=address, is_platform_admin=is_platform_admin)
    if password is None:
        person.set_unusable_password()
    else:
        _password_accept(password, person)
        person.set_password(password)
    try:
        with transaction.atomic():
            person.save()
            EmailAddress.objects.create(user=person, email=address, verified=True, primary=True)
            audit_record(
                tag=Tag.PERSON_CREATED,
                actor=actor,
                subject=address,
                platform_admin=is_platform_admin,
            )
    except IntegrityError:
        raise _taken(address) from None
    return person


@sensitive_variables("password")
def _password_accept(password: str, person: User) -> None:
    length_check(password, field="password", limit=TEXT_AT_MOST)
    try:
        validate_password(password, person)
    except ValidationError as refused:
        raise InvalidInput(" ".join(refused.messages), field="password") from None


def _taken(address: str) -> Conflict:
    return Conflict(
        _("There is already a person with the address %(email)s.") % {"email": address},
        field="email",
    )
