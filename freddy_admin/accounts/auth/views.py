"""allauth's views for signing in, passwords and passkeys, where they do more here."""

from typing import Any

from allauth.account import views as library
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from freddy_admin.accounts.auth.backends import TooManySignIns, sign_in_hashing_slot
from freddy_admin.accounts.auth.first_admin_setup_link import admin_exists
from freddy_admin.accounts.auth.pending_request import ACTION_SUBMIT, pending_request_pop
from freddy_admin.accounts.auth.rate_limits import attempt_count
from freddy_admin.accounts.auth.reauthentication import is_recently_authenticated
from freddy_admin.accounts.models import EMAIL_INPUT_LIMIT, User
from freddy_admin.accounts.people import is_last_second_factor
from freddy_admin.core.json_responses import error_response


class SignInView(library.LoginView):  # type: ignore[misc]
    """Points to the set-up in an empty panel, and queues who signs in before hashing."""

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; a sign-in waits for a slot before anything is counted or looked up."""
        if request.method != "POST":
            response: HttpResponse = super().dispatch(request, *args, **kwargs)
            return response
        try:
            with sign_in_hashing_slot(request, request.POST.get("login", "")):
                if attempt_count(request, ("sign_in", "")) is None:
                    response = ratelimit.respond_429(request)
                else:
                    response = super().dispatch(request, *args, **kwargs)
        except TooManySignIns as error:
            response = self._too_many_sign_ins_response(request, error)
        return response

    def _too_many_sign_ins_response(
        self, request: HttpRequest, error: TooManySignIns
    ) -> HttpResponse:
        """429: the form, with all that was typed but the password."""
        if get_adapter(request).is_ajax(request):
            return _suppress_request_log(error_response(error))
        login = request.POST.get("login", "")[:EMAIL_INPUT_LIMIT]
        form = self.get_form_class()(request=request, initial={"login": login})
        context = self.get_context_data(form=form, too_many_message=error.message)
        return _suppress_request_log(
            self.render_to_response(context, status=429, headers=error.headers)
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """allauth's context, with `is_panel_empty` and `oidc_name` (empty without a provider)."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        # A sign-in that was refused in an overload must cost no query.
        is_panel_empty = "too_many_message" not in kwargs and not admin_exists()
        extra_context = {"is_panel_empty": is_panel_empty, "oidc_name": ""}
        if settings.OIDC_ISSUER:
            extra_context["oidc_name"] = settings.OIDC_NAME
        return context | extra_context


class ChangePasswordView(library.PasswordChangeView):  # type: ignore[misc]
    """For people who have a password; others choose their first one by a mailed link."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page, or a redirect to the password reset where there is no password to change."""
        if isinstance(request.user, User) and not request.user.has_usable_password():
            messages.info(request, _("You have no password yet. Ask for a link to choose one."))
            return redirect("account_reset_password")
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response


class PasskeyChallengeView(passkeys.LoginWebAuthnView):  # type: ignore[misc]
    """The challenge for a passkey; rate-limited, because each one creates a session."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The challenge, or 429."""
        if attempt_count(request, ("passkey_asked", ""), limit_get=True) is None:
            refusal: HttpResponse = ratelimit.respond_429(request)
            return refusal
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response


class RemoveAuthenticatorAppView(totp.DeactivateTOTPView):  # type: ignore[misc]
    """Says what signing in asks for afterwards."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The library's context, with `is_last_second_factor`."""
        is_last = is_last_second_factor(self.authenticator)
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"is_last_second_factor": is_last}


class RemovePasskeyView(passkeys.RemoveWebAuthnView):  # type: ignore[misc]
    """Refuses to remove the last second factor of somebody of whom one is required."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The library's context, with `is_last_second_factor`."""
        is_last = is_last_second_factor(self.object)
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"is_last_second_factor": is_last}

    def form_valid(self, form: Form) -> HttpResponse:
        """Remove the passkey, or say why it stays."""
        adapter = get_mfa_adapter()
        if adapter.can_delete_authenticator(self.object):
            response: HttpResponse = super().form_valid(form)
            return response
        messages.error(self.request, adapter.error_messages["cannot_delete_authenticator"])
        return HttpResponseRedirect(str(self.success_url))


@require_safe
def pending_request_resume_view(request: HttpRequest) -> HttpResponse:
    """Back from the provider: the stored request, with a button that sends it."""
    stored_request = (
        pending_request_pop(request, request.GET.get("kept", ""))
        if is_recently_authenticated(request)
        else None
    )
    if stored_request is None:
        messages.info(request, _("There is nothing to continue here. Start again where you were."))
        return redirect("overview")
    context = stored_request | {"then": ACTION_SUBMIT}
    return render(request, "account/resume_request.html", context)


def login_and_redirect(request: HttpRequest, user: User, *, to: str) -> HttpResponse:
    """Sign `user` in; a redirect to `to`, or first to the second factor where one is due."""
    record_authentication(request, user, method="password", email=user.email)
    response: HttpResponse = perform_login(
        request, user, email_verification="none", redirect_url=to
    )
    return response


def _suppress_request_log(response: HttpResponse) -> HttpResponse:
    # The queue logs once a minute how many there were; a line for each would flood the log.
    setattr(response, "_has_been_logged", True)  # noqa: B010  the attribute that Django reads
    return response
