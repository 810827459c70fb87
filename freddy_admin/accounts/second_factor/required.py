"""Who needs a second factor, and whether this session has shown one."""

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from freddy_admin.accounts.models import User

SESSION_KEY = "second_factor_of"


def second_factor_required(user: User) -> bool:
    """What REQUIRE_MFA (off, admins, all) says of this person."""
    if settings.REQUIRE_MFA == "all":
        return True
    return bool(settings.REQUIRE_MFA == "admins" and user.is_platform_admin)


def second_factor_shown(request: HttpRequest, user: User) -> bool:
    """Whether this very session proved a second factor, by using it or by setting it up.

    That another session of the same person did so is no proof: a stolen password could wait.
    """
    if request.session.get(SESSION_KEY) == user.pk:
        return True
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user))


def second_factors(user: User) -> set[str]:
    """The kinds the person has set up, "totp" and "webauthn"; one query."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    found = Authenticator.objects.filter(user=user, type__in=kinds)
    return set(found.values_list("type", flat=True))


def second_factor_is_last(authenticator: Authenticator) -> bool:
    """Whether the person would have none without this one; recovery codes alone are none."""
    others = Authenticator.objects.filter(user=authenticator.user).exclude(pk=authenticator.pk)
    return not others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def second_factor_remember(request: HttpRequest, user: User) -> None:
    """Note that the person set up a second factor in this session."""
    request.session[SESSION_KEY] = user.pk
