"""Finding people."""

from functools import lru_cache
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound


def address_typed(typed: object) -> str:
    """What somebody typed as an address, as accounts are found by it; empty for nothing at all."""
    return str(typed or "").strip().lower()


def user_get(*, email: str) -> User:
    """The person with this address, whatever its case; raises NotFound."""
    found = User.objects.filter(email=address_typed(email)).first()
    if found is None:
        raise NotFound(_("There is no person with the address %(email)s.") % {"email": email})
    return found


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Names of the time zones that can be chosen, in order; UTC first."""
    return ("UTC", *sorted(available_timezones() - {"UTC"}))
