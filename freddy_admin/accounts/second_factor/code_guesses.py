"""Codes of a second factor: how many wrong ones are taken, and from whom.

A code has six digits, so guesses must end: NIST SP 800-63B allows a hundred in a row. Whoever types
codes knows the password already, and must not be able to lock its owner out: a browser that the
owner used before has guesses of its own, a passkey needs no code, and the mailed link to a new
password makes a browser known and the guesser's password worthless.
"""

from collections.abc import Callable
from typing import Any, Final

from allauth.account.adapter import get_adapter as account_adapter
from allauth.core import context
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as library
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from freddy_admin.accounts.actors import actor_for
from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in.known_devices import device_known
from freddy_admin.audit.services import audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.forms import BoundedForm

NO_MORE_TODAY: Final = _(
    "Too many wrong codes were typed for this account, so none is taken here for up to a day. "
    "If it is yours: sign in from a browser you used before, or with a passkey. If it was not you "
    "who typed them, somebody knows your password: choose a new one by “Forgotten your "
    "password?”. That also lets you in here again."
)


class _Guessed:
    """Counts the code before it is looked at."""

    user: User
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        """The code, if it is right; raises ValidationError, and writes down that it was wrong."""
        forgive = code_guess_count(context.request, self.user)
        code = str(self.cleaned_data["code"])
        found = Authenticator.objects.filter(user=self.user)
        factors = list(found.exclude(type=Authenticator.Type.WEBAUTHN))
        for factor in factors:
            if factor.wrap().validate_code(code):
                factor.user = self.user
                self.authenticator = factor
                forgive()
                return code
        # The app is told about first, as the library has it.
        factors.sort(key=lambda one: one.type != Authenticator.Type.TOTP)
        if factors:
            self._emit_authentication_failed(factors[0])
        raise get_adapter().validation_error("incorrect_code")

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)  # type: ignore[misc]


class ShowCodeForm(_Guessed, BoundedForm, library.AuthenticateForm):  # type: ignore[misc]
    """After the password."""


class ConfirmWithCodeForm(_Guessed, BoundedForm, library.ReauthenticateForm):  # type: ignore[misc]
    """To show once more that it is still them."""


def code_guess_count(request: HttpRequest, user: User) -> Callable[[], None]:
    """Count one code for this person; raises ValidationError where no more is taken.

    What comes back is called for a right one, and takes the wrong ones before it back.
    """
    device = device_known(request, user.email)
    if device and _consumed(request, "code_failed_device", f"{user.pk}:{device}"):
        return lambda: _forgotten(request, "code_failed_device", f"{user.pk}:{device}")
    account, here = str(user.pk), _consumed(request, "code_failed_here", "")
    if not here or not _consumed(request, "code_failed", account):
        raise account_adapter().validation_error("too_many_login_attempts")
    if not _consumed(request, "code_failed_in_a_day", account):
        _limit_record(request, user)
        raise ValidationError(NO_MORE_TODAY)

    def forgive() -> None:
        here.rollback()
        _forgotten(request, "code_failed", account)
        _forgotten(request, "code_failed_in_a_day", account)

    return forgive


def _limit_record(request: HttpRequest, user: User) -> None:
    # Once: what is refused afterwards says nothing new.
    if _consumed(request, "code_limit_told", str(user.pk)):
        actor = actor_for(user if request.user == user else None, request)
        audit_record(tag=Tag.SECOND_FACTOR_LIMITED, actor=actor, subject=user.email)


def _consumed(request: HttpRequest, action: str, key: str) -> Any:
    return ratelimit.consume(request, app="allauth.account", action=action, key=key)


def _forgotten(request: HttpRequest, action: str, key: str) -> None:
    ratelimit.clear(request, app="allauth.account", action=action, key=key)
