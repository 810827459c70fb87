"""Limits on wrong codes of a second factor.

A code has six digits, so guesses must end: NIST SP 800-63B allows a hundred in a row. Whoever types
codes knows the password already, and must not be able to lock its owner out: a browser that the
owner used before has a count of its own, a passkey needs no code, and the mailed link to a new
password makes a browser known and the guesser's password worthless.
"""

from collections.abc import Callable
from typing import Any, Final

from allauth.account.adapter import get_adapter as account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as library
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from freddy_admin.accounts.auth.known_devices import known_device_id
from freddy_admin.accounts.auth.rate_limits import attempt_count, attempts_clear
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import actor_from_user, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.forms import BoundedForm

DAILY_LIMIT_MESSAGE: Final = _(
    "Too many wrong codes were typed for this account, so none is taken here for up to a day. "
    "If it is yours: sign in from a browser you used before, or with a passkey. If it was not you "
    "who typed them, somebody knows your password: choose a new one by “Forgotten your "
    "password?”. That also lets you in here again."
)


class _ThrottledCodeMixin:
    """Counts each code before it is checked."""

    user: User
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        """The code, if it is right; else records the failure and raises ValidationError."""
        clear_failures = code_attempt_consume(context.request, self.user)
        code = str(self.cleaned_data["code"])
        authenticators = Authenticator.objects.filter(user=self.user)
        factors = list(authenticators.exclude(type=Authenticator.Type.WEBAUTHN))
        for factor in factors:
            if factor.wrap().validate_code(code):
                factor.user = self.user
                self.authenticator = factor
                clear_failures()
                return code
        # The failure is reported of the app, as allauth does it.
        factors.sort(key=lambda factor: factor.type != Authenticator.Type.TOTP)
        if factors:
            self._emit_authentication_failed(factors[0])
        raise get_adapter().validation_error("incorrect_code")

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)  # type: ignore[misc]


class AuthenticateWithCodeForm(_ThrottledCodeMixin, BoundedForm, library.AuthenticateForm):  # type: ignore[misc]
    """A code as the second factor, after the password."""


class ReauthenticateWithCodeForm(_ThrottledCodeMixin, BoundedForm, library.ReauthenticateForm):  # type: ignore[misc]
    """A code once more, before a protected change."""


def code_attempt_consume(request: HttpRequest, user: User) -> Callable[[], None]:
    """Count one code for this person; raises ValidationError at a limit.

    Returns the function to call for a right code: it clears the failures counted before.
    """
    device_id, account = known_device_id(request, user.email), str(user.pk)
    device_limit = ("code_failed_device", f"{account}:{device_id}")
    if device_id and attempt_count(request, device_limit):
        return lambda: attempts_clear(request, device_limit)
    of_account, in_a_day = ("code_failed", account), ("code_failed_in_a_day", account)
    here = attempt_count(request, ("code_failed_here", ""))
    if here is None or attempt_count(request, of_account) is None:
        raise account_adapter().validation_error("too_many_login_attempts")
    if attempt_count(request, in_a_day) is None:
        _code_limit_record(request, user)
        raise ValidationError(DAILY_LIMIT_MESSAGE)

    def clear_failures() -> None:
        here.rollback()
        attempts_clear(request, of_account, in_a_day)

    return clear_failures


def _code_limit_record(request: HttpRequest, user: User) -> None:
    # Once a day: further refusals say nothing new.
    if attempt_count(request, ("code_limit_told", str(user.pk))):
        actor = actor_from_user(user if request.user == user else None, request)
        audit_event_record(tag=AuditTag.SECOND_FACTOR_LIMITED, actor=actor, subject=user.email)
