"""Finds people, and lists time zones."""

from functools import lru_cache
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound


def email_normalize(email: object) -> str:
    """The typed address as accounts are person by it; empty for nothing at all."""
    return str(email or "").strip().lower()


def person_get_by_email(*, email: str) -> User:
    """The person with this address, whatever its case; raises NotFound."""
    person = User.objects.filter(email=email_normalize(email)).first()
    if person is None:
        raise NotFound(_("There is no person with the address %(email)s.") % {"email": email})
    return person


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Names of the time zones that can be chosen, in order; UTC first."""
    return ("UTC", *sorted(available_timezones() - {"UTC"}))
