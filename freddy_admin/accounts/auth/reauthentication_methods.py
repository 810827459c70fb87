"""Methods of reauthentication: password, code, passkey, single sign-on; one form at a time."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from allauth.account import app_settings as account
from allauth.account.adapter import get_adapter
from allauth.account.forms import ReauthenticateForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core.internal import ratelimit
from allauth.mfa import app_settings as mfa
from allauth.mfa.base.forms import ReauthenticateForm as CodeForm
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from allauth.mfa.webauthn.internal.flows import reauthenticate as reauthenticate_by_passkey
from allauth.utils import get_form_class
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.auth.pending_request import (
    FIELD_PREFIX,
    PendingRequest,
    is_reauthentication_submission,
    pending_request_store,
)
from freddy_admin.core.errors import PublicError
from freddy_admin.core.rate_limits import TooManyRequests

PASSWORD: Final = "password"  # noqa: S105  the name of a method
CODE, PASSKEY, OIDC = "code", "passkey", "single_sign_on"
_METHOD_BY_ALLAUTH_ID: Final = {
    "reauthenticate": PASSWORD,
    "mfa_reauthenticate:webauthn": PASSKEY,
    "mfa_reauthenticate": CODE,
    "single_sign_on": OIDC,
}


@dataclass(slots=True)
class ReauthenticationMethod:
    """One method, with its form where it has one; `name` is empty for a person who has none."""

    name: str
    form: forms.Form | None
    labels: dict[str, str]  # of all methods of this person by name, the one to offer first in front
    is_submitted: bool = False
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    js_data: dict[str, Any] = field(default_factory=dict)
    href: str = ""  # of the provider, where this is the method OIDC
    alternatives: list[dict[str, str]] = field(default_factory=list)

    def verify(self, request: HttpRequest) -> bool:
        """Whether this request proves who sends it, which is recorded and counts for 15 minutes.

        Attempts are counted before they are checked.
        """
        if not self.is_submitted or self.form is None:
            return False
        if not ratelimit.consume(
            request, app="allauth.account", action="reauthenticate", user=request.user
        ):
            self._show_error(request, TooManyRequests(60))
            return False
        try:
            if not self.form.is_valid():
                return False
        except PublicError as error:  # such as TooManySignIns
            self._show_error(request, error)
            return False
        if self.name == PASSWORD:
            reauthenticate_by_password(request)
        elif self.name == PASSKEY:
            reauthenticate_by_passkey(request, self.form.cleaned_data["credential"])
        else:
            self.form.save()  # type: ignore[attr-defined]
        return True

    def _show_error(self, request: HttpRequest, error: PublicError) -> None:
        self.status, self.headers = error.http_status, error.headers
        self.form = _build_form(request, self.name, is_bound=False)
        sentence = _("%(why)s What you typed is kept.") % {"why": error.message}
        self.form.errors[NON_FIELD_ERRORS] = self.form.error_class([sentence])

    def prepare_page_context(
        self, request: HttpRequest, pending: PendingRequest, *, back: str
    ) -> None:
        """Fill in what the page shows: a new passkey challenge, and the alternatives.

        Where one of them is OIDC, the pending request is stored in the session for it.
        """
        if self.name == PASSKEY:
            self.js_data = {"request_options": begin_authentication(request.user)}
        href = (
            _oidc_reauthentication_url(request, pending, back=back) if OIDC in self.labels else ""
        )
        self.href = href if self.name == OIDC else ""
        self.alternatives = [
            {"name": name, "label": label, "href": href if name == OIDC else ""}
            for name, label in self.labels.items()
            if name != self.name
        ]


def reauthentication_method_select(request: HttpRequest) -> ReauthenticationMethod:
    """The method that this request submits or asks for, else the first that this person has."""
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    labels = {_METHOD_BY_ALLAUTH_ID[method["id"]]: str(method["description"]) for method in methods}
    fields = request.POST if is_reauthentication_submission(request) else QueryDict()
    alternative = fields.get(f"{FIELD_PREFIX}-other", "")
    chosen = alternative or fields.get(f"{FIELD_PREFIX}-with", "")
    name = str(chosen) if chosen in labels else next(iter(labels), "")
    is_submitted = bool(chosen) and not alternative and chosen == name
    return ReauthenticationMethod(
        name, _build_form(request, name, is_bound=is_submitted), labels, is_submitted=is_submitted
    )


def _build_form(request: HttpRequest, name: str, *, is_bound: bool) -> Any:
    form_settings = {
        PASSWORD: (account.FORMS, "reauthenticate", ReauthenticateForm),
        CODE: (mfa.FORMS, "reauthenticate", CodeForm),
        PASSKEY: (mfa.FORMS, "reauthenticate_webauthn", ReauthenticateWebAuthnForm),
    }
    if name not in form_settings:
        return None
    form_class = get_form_class(*form_settings[name])
    data = request.POST if is_bound else None
    return form_class(user=request.user, data=data, prefix=FIELD_PREFIX)


def _oidc_reauthentication_url(request: HttpRequest, pending: PendingRequest, *, back: str) -> str:
    next_url = back or request.get_full_path()
    if not pending.is_navigation:
        name = pending_request_store(request, pending, path=request.get_full_path())
        next_url = f"{reverse('account_resume_request')}?{urlencode({'kept': name})}"
    return f"{reverse('oidc_reauthenticate')}?{urlencode({'next': next_url, 'go': 1})}"
