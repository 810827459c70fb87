"""The first platform admin of an empty panel, created in the browser by a one-time link."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.api_tokens import token_digest, token_generate
from freddy_admin.accounts.auth.backends import known_person_hashing_slot
from freddy_admin.accounts.models import SetupLink, User
from freddy_admin.accounts.people import NAME_LIMIT, admin_create
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import later_clock_now
from freddy_admin.core.errors import InvalidInput, NotFound
from freddy_admin.core.text_validation import line_clean

LIFETIME_SECONDS = 3_600


def admin_exists() -> bool:
    """Whether there is an active platform admin."""
    return User.objects.filter(is_platform_admin=True, is_active=True).exists()


@transaction.atomic
def setup_link_create() -> str:
    """The token of a new link that works once, within an hour; former links are deleted.

    Raises NotFound where there is an administrator.
    """
    _reject_if_admin_exists()
    SetupLink.objects.all().delete()
    token = token_generate()
    expires_at = clock.now() + clock.real_seconds_to_panel_duration(LIFETIME_SECONDS)
    SetupLink.objects.create(digest=token_digest(token), expires_at=expires_at)
    return token


def setup_link_is_valid(*, token: str) -> bool:
    """Whether a link with this token works; raises NotFound where there is an administrator."""
    _reject_if_admin_exists()
    return _valid_setup_links(token).exists()


@sensitive_variables("password", "token")
@known_person_hashing_slot()
@transaction.atomic
def first_admin_create(*, token: str, actor: Actor, name: str, email: str, password: str) -> User:
    """Use the link up and create the administrator; an error leaves the link usable.

    Raises NotFound where there is an administrator, InvalidInput for a link that works no
    longer and for a bad name, address or password, TooManySignIns.
    """
    _reject_if_admin_exists()
    clean_name = line_clean(name, field="name", limit=NAME_LIMIT)
    # A second request waits here for the first, and then finds no link to use up.
    if not _valid_setup_links(token).update(used_at=clock.now()):
        raise InvalidInput(_("This link works no longer. Start the panel again for a new one."))
    person = admin_create(actor=actor, email=email, password=password)
    person.name = clean_name
    person.save(update_fields=["name"])
    return person


def _valid_setup_links(token: str) -> QuerySet[SetupLink]:
    # A link that expires later than this was created while the clock was ahead.
    latest_expiry = (
        clock.now()
        + clock.real_seconds_to_panel_duration(LIFETIME_SECONDS)
        + clock.FUTURE_TOLERANCE
    )
    return SetupLink.objects.filter(
        digest=token_digest(token),
        used_at=None,
        expires_at__gt=later_clock_now(),
        expires_at__lt=latest_expiry,
    )


def _reject_if_admin_exists() -> None:
    if admin_exists():
        raise NotFound(_("There is nothing here."))
