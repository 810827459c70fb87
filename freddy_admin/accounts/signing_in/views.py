"""The library's pages for signing in, where ours say more."""

from typing import Any

from allauth.account import views as library
from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from allauth.mfa.webauthn import views as passkeys
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in.first_visit import admin_exists
from freddy_admin.accounts.signing_in.hashing import TooManySignIns, sign_in_slot
from freddy_admin.accounts.signing_in.known_devices import ADDRESS_LIMIT
from freddy_admin.core.machines import refusal


class SignInView(library.LoginView):  # type: ignore[misc]
    """Says where to begin in a panel that has nobody yet; one at a time, while many sign in."""

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; who signs in waits for a slot before anything is counted or looked up."""
        if request.method != "POST":
            answer: HttpResponse = super().dispatch(request, *args, **kwargs)
            return answer
        try:
            with sign_in_slot(request, request.POST.get("login", "")):
                answer = super().dispatch(request, *args, **kwargs)
        except TooManySignIns as refused:
            answer = self._refusal(request, refused)
        return answer

    def _refusal(self, request: HttpRequest, refused: TooManySignIns) -> HttpResponse:
        """429: the form, with all that was typed but the password."""
        if get_adapter(request).is_ajax(request):
            return _unlogged(refusal(refused))
        typed = request.POST.get("login", "")[:ADDRESS_LIMIT]
        form = self.get_form_class()(request=request, initial={"login": typed})
        page = self.get_context_data(form=form, too_many=refused.message)
        return _unlogged(self.render_to_response(page, status=429, headers=refused.headers))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """For the template."""
        page: dict[str, Any] = super().get_context_data(**kwargs)
        # Who is refused because many sign in costs no query.
        nobody = "too_many" not in kwargs and not admin_exists()
        mine = {"nobody_yet": nobody, "single_sign_on": ""}
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


def _unlogged(answer: HttpResponse) -> HttpResponse:
    # The queue says once a minute how many they are; a line for each would flood the log.
    setattr(answer, "_has_been_logged", True)  # noqa: B010  Django's own mark
    return answer
