"""The library's forms where ours must behave otherwise."""

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

from freddy_admin.accounts.actors import actor_for
from freddy_admin.accounts.signing_in.resets import reset_ask
from freddy_admin.accounts.tokens.panel_tokens import api_tokens_revoke_all
from freddy_admin.core import clock
from freddy_admin.core.either_clock import behind
from freddy_admin.core.forms import BoundedForm

_TOKENS_START = datetime(2001, 1, 1, tzinfo=UTC)  # from which Django's tokens count


class SignInForm(BoundedForm, library.LoginForm):  # type: ignore[misc]
    """Says "e-mail address" as every other page, and tells a password keeper what it is."""

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
        return str(get_adapter().clean_email(self.cleaned_data["email"].lower()))

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Note the wish, whoever's it is."""
        del request, kwargs
        email = str(self.cleaned_data["email"])
        reset_ask(email=email)
        return email


class ResetLinkForm(BoundedForm, library.UserTokenForm):  # type: ignore[misc]
    """Looks at the mailed link, by either clock: one that was made ahead would last too long."""

    def clean(self) -> dict[str, Any]:
        """What the library says of it; raises ValidationError also where its time is to come."""
        cleaned: dict[str, Any] = super().clean() or {}
        made = _TOKENS_START + timedelta(seconds=base36_to_int(cleaned["key"].split("-")[0]))
        over = made + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        if made > timezone.now() + clock.AHEAD or over < timezone.now() + behind():
            raise get_adapter().validation_error("invalid_password_reset")
        return cleaned


class ChangePasswordForm(BoundedForm, library.ChangePasswordForm):  # type: ignore[misc]
    """Another password, by somebody who is signed in."""


class ConfirmWithPasswordForm(BoundedForm, library.ReauthenticateForm):  # type: ignore[misc]
    """To show once more that it is still them."""


class NewPasswordForm(BoundedForm, library.ResetPasswordKeyForm):  # type: ignore[misc]
    """The page that the mailed link leads to."""

    tokens = forms.BooleanField(
        label=_("Somebody else may have used my account: revoke all my panel tokens, too"),
        required=False,
    )

    def save(self) -> None:
        """Set the password, and revoke what was asked for."""
        super().save()
        if self.cleaned_data["tokens"]:
            actor = actor_for(self.user, context.request)
            api_tokens_revoke_all(actor=actor, user=self.user)
