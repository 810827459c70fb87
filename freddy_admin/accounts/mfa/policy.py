"""Who needs a second factor, and whether a session has verified one."""

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from freddy_admin.accounts.models import User

VERIFIED_USER_KEY = "second_factor_of"


def is_second_factor_required(user: User) -> bool:
    """What REQUIRE_MFA (off, admins, all) says of this person."""
    if settings.REQUIRE_MFA == "all":
        return True
    return bool(settings.REQUIRE_MFA == "admins" and user.is_platform_admin)


def is_second_factor_verified(request: HttpRequest, user: User) -> bool:
    """Whether this very session verified a second factor, by using it or by setting it up.

    Another session of the person does not count: a thief with the password could wait for it.
    """
    if request.session.get(VERIFIED_USER_KEY) == user.pk:
        return True
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user))


def second_factor_types(user: User) -> set[str]:
    """The kinds the person has set up, "totp" and "webauthn"; one query."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    factors = Authenticator.objects.filter(user=user, type__in=kinds)
    return set(factors.values_list("type", flat=True))


def is_last_second_factor(authenticator: Authenticator) -> bool:
    """Whether the person has no other second factor; recovery codes do not count as one."""
    rest = Authenticator.objects.filter(user=authenticator.user).exclude(pk=authenticator.pk)
    return not rest.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def second_factor_mark_verified(request: HttpRequest, user: User) -> None:
    """Record in the session that the person set up a second factor in it."""
    request.session[VERIFIED_USER_KEY] = user.pk
