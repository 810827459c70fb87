"""The library's pages for signing in, where ours say more."""

from typing import Any

from allauth.account import views as library
from allauth.core.internal import ratelimit
from allauth.mfa.webauthn import views as passkeys
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in.first_visit import admin_exists


class SignInView(library.LoginView):  # type: ignore[misc]
    """Says where to begin in a panel that has nobody yet."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """For the template."""
        page: dict[str, Any] = super().get_context_data(**kwargs)
        mine = {"nobody_yet": not admin_exists(), "single_sign_on": ""}
        if settings.OIDC_ISSUER:
            mine["single_sign_on"] = settings.OIDC_NAME
        return page | mine


class ChangePasswordView(library.PasswordChangeView):  # type: ignore[misc]
    """For people who have a password; others choose their first one by a mailed link."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """On to where a link is asked for, where there is no password to change."""
        if isinstance(request.user, User) and not request.user.has_usable_password():
            messages.info(request, _("You have no password yet. Ask for a link to choose one."))
            return redirect("account_reset_password")
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer


class PasskeyQuestionView(passkeys.LoginWebAuthnView):  # type: ignore[misc]
    """Asks a browser for a passkey, which is a session each time: not without a limit."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The question, or 429."""
        held: HttpResponse | None = ratelimit.consume_or_429(
            request, app="allauth.account", action="passkey_asked", limit_get=True
        )
        return held or super().get(request, *args, **kwargs)
