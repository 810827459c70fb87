"""Finding people."""

import logging
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.tokens import token_digest
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound

log = logging.getLogger(__name__)

LAST_USED_EVERY = timedelta(minutes=1)


def user_get(*, email: str) -> User:
    """The person with this address, whatever its case; raises NotFound."""
    found = User.objects.filter(email=email.strip().lower()).first()
    if found is None:
        raise NotFound(_("There is no person with the address %(email)s.") % {"email": email})
    return found


def api_token_user(*, token: str) -> User | None:
    """The active person this panel token belongs to, or None; notes its use once a minute."""
    # Always one digest and one look-up by it: what is wrong with a token does not show in time.
    found = ApiToken.objects.select_related("user").filter(digest=token_digest(token)).first()
    if found is None or not found.user.is_active:
        return None
    now = clock.now()
    if found.last_used_at is None or now - found.last_used_at >= LAST_USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_EVERY)
        _note_use(ApiToken.objects.filter(stale, pk=found.pk), now)
    return found.user


def _note_use(tokens: QuerySet[ApiToken], now: datetime) -> None:
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            tokens.update(last_used_at=now)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the answer with it.
        log.warning("The use of a token could not be noted: %s", type(error).__name__)


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Names of the time zones that can be chosen, in order; UTC first."""
    return ("UTC", *sorted(available_timezones() - {"UTC"}))
