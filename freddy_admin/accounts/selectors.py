"""Finding people."""

from datetime import timedelta
from functools import lru_cache
from zoneinfo import available_timezones

from django.db.models import Q
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.tokens import token_digest
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound

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
        ApiToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
    return found.user


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Names of the time zones that can be chosen, in order; UTC first."""
    return ("UTC", *sorted(available_timezones() - {"UTC"}))
