"""The first platform admin of an empty panel, made in the browser by whoever has the link."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import FirstLink, User
from freddy_admin.accounts.services import NAME_LIMIT, admin_create
from freddy_admin.accounts.signing_in.hashing import hashing_slot
from freddy_admin.accounts.tokens.digests import token_digest, token_make
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.either_clock import latest_now
from freddy_admin.core.errors import InvalidInput, NotFound
from freddy_admin.core.text import line_clean

LASTS_SECONDS = 3_600


def admin_exists() -> bool:
    """Whether somebody can look after the panel."""
    return User.objects.filter(is_platform_admin=True, is_active=True).exists()


@transaction.atomic
def first_link_make() -> str:
    """The secret of a new link that works once, within an hour; former ones end.

    Raises NotFound where there is an administrator.
    """
    _refuse_where_admin()
    FirstLink.objects.all().delete()
    token = token_make()
    expires = clock.now() + clock.passing(LASTS_SECONDS)
    FirstLink.objects.create(digest=token_digest(token), expires_at=expires)
    return token


def first_link_works(*, token: str) -> bool:
    """Whether this is the link; raises NotFound where there is an administrator by now."""
    _refuse_where_admin()
    return _living(token).exists()


@sensitive_variables("password", "token")
@hashing_slot()
@transaction.atomic
def first_admin_make(*, token: str, actor: Actor, name: str, email: str, password: str) -> User:
    """Use the link up and make the administrator; what is refused leaves the link as it was.

    Raises NotFound where there is an administrator, InvalidInput for a link that works no
    longer and for a bad name, address or password, TooManySignIns.
    """
    _refuse_where_admin()
    clean = line_clean(name, field="name", limit=NAME_LIMIT)
    # Whoever is second waits here for the first, and then finds nothing to use up.
    if not _living(token).update(used_at=clock.now()):
        raise InvalidInput(_("This link works no longer. Start the panel again for a new one."))
    person = admin_create(actor=actor, email=email, password=password)
    person.name = clean
    person.save(update_fields=["name"])
    return person


def _living(token: str) -> QuerySet[FirstLink]:
    # One that lasts longer than any was made while the clock was ahead.
    farthest = clock.now() + clock.passing(LASTS_SECONDS) + clock.AHEAD
    return FirstLink.objects.filter(
        digest=token_digest(token),
        used_at=None,
        expires_at__gt=latest_now(),
        expires_at__lt=farthest,
    )


def _refuse_where_admin() -> None:
    if admin_exists():
        raise NotFound(_("There is nothing here."))
