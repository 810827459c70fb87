"""allauth's forms where they must behave differently here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account import forms as library
from allauth.account.adapter import get_adapter
from allauth.core import context
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import base36_to_int
from django.utils.translation import gettext_lazy as _

from freddy_admin.accounts.api_tokens import api_tokens_revoke_all
from freddy_admin.accounts.auth.password_reset import password_reset_request_create
from freddy_admin.accounts.models import email_normalize
from freddy_admin.audit.services import actor_from_user
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import machine_clock_lag
from freddy_admin.core.forms import BoundedForm

_RESET_TOKEN_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)  # from which Django's tokens count


class SignInForm(BoundedForm, library.LoginForm):  # type: ignore[misc]
    """Labels the login "E-mail address" as every page does, and marks it for password managers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget.attrs["autocomplete"] = "username"


class ResetPasswordForm(BoundedForm, library.ResetPasswordForm):  # type: ignore[misc]
    """Asks for a link by mail; known and unknown addresses cost the same work."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail address")
        self.fields["email"].widget.attrs["autocomplete"] = "username"

    def clean_email(self) -> str:
        """The address as the library cleans it; whose it is, the worker looks up."""
        return str(get_adapter().clean_email(email_normalize(self.cleaned_data["email"])))

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Record the request, whether or not the address belongs to a person."""
        del request, kwargs
        email = str(self.cleaned_data["email"])
        password_reset_request_create(email=email)
        return email


class ResetLinkForm(BoundedForm, library.UserTokenForm):  # type: ignore[misc]
    """Checks the mailed link by both clocks: one made while the clock was ahead lasts too long."""

    def clean(self) -> dict[str, Any]:
        """The fields; raises ValidationError for a link that is invalid or made in the future."""
        cleaned: dict[str, Any] = super().clean() or {}
        token_seconds = base36_to_int(cleaned["key"].split("-")[0])
        created_at = _RESET_TOKEN_EPOCH + timedelta(seconds=token_seconds)
        expires_at = created_at + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        is_from_future = created_at > timezone.now() + clock.FUTURE_TOLERANCE
        if is_from_future or expires_at < timezone.now() + machine_clock_lag():
            raise get_adapter().validation_error("invalid_password_reset")
        return cleaned


class ChangePasswordForm(BoundedForm, library.ChangePasswordForm):  # type: ignore[misc]
    """A new password, chosen by somebody who is signed in."""


class ReauthenticateWithPasswordForm(BoundedForm, library.ReauthenticateForm):  # type: ignore[misc]
    """The password once more, before a protected change."""


class NewPasswordForm(BoundedForm, library.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, chosen on the page that the mailed link leads to."""

    tokens = forms.BooleanField(
        label=_("Somebody else may have used my account: revoke all my panel tokens, too"),
        required=False,
    )

    def save(self) -> None:
        """Set the password, and revoke all API tokens where that was ticked."""
        super().save()
        if self.cleaned_data["tokens"]:
            actor = actor_from_user(self.user, context.request)
            api_tokens_revoke_all(actor=actor, user=self.user)
