"""The ways to confirm: a password, a code, a passkey, single sign-on; one is asked at a time."""

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

from freddy_admin.accounts.second_factor.typed import (
    PREFIX,
    Typed,
    is_answer,
    typed_lay_aside,
)
from freddy_admin.core.errors import PublicError
from freddy_admin.core.limits import TooManyRequests

PASSWORD: Final = "password"  # noqa: S105  the name of a way
CODE, PASSKEY, ELSEWHERE = "code", "passkey", "single_sign_on"
_OURS: Final = {
    "reauthenticate": PASSWORD,
    "mfa_reauthenticate:webauthn": PASSKEY,
    "mfa_reauthenticate": CODE,
    "single_sign_on": ELSEWHERE,
}


@dataclass(slots=True)
class Way:
    """One way, with its form where it has one; `name` is empty for who can confirm in none."""

    name: str
    form: forms.Form | None
    words: dict[str, str]  # what each way of this person is called, the one to offer first in front
    tried: bool = False
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    js_data: dict[str, Any] = field(default_factory=dict)
    href: str = ""  # of this one, where it leads over a provider
    others: list[dict[str, str]] = field(default_factory=list)

    def accepted(self, request: HttpRequest) -> bool:
        """Whether this request shows that it is them, which then counts for a quarter of an hour.

        Tries are counted before they are looked at.
        """
        if not self.tried or self.form is None:
            return False
        if not ratelimit.consume(
            request, app="allauth.account", action="reauthenticate", user=request.user
        ):
            self._refuse(request, TooManyRequests(60))
            return False
        try:
            if not self.form.is_valid():
                return False
        except PublicError as refused:  # such as too many who sign in at this moment
            self._refuse(request, refused)
            return False
        if self.name == PASSWORD:
            reauthenticate_by_password(request)
        elif self.name == PASSKEY:
            reauthenticate_by_passkey(request, self.form.cleaned_data["credential"])
        else:
            self.form.save()  # type: ignore[attr-defined]
        return True

    def _refuse(self, request: HttpRequest, refused: PublicError) -> None:
        self.status, self.headers = refused.http_status, refused.headers
        self.form = _form(request, self.name, sent=False)
        sentence = _("%(why)s What you typed is kept.") % {"why": refused.message}
        self.form.errors[NON_FIELD_ERRORS] = self.form.error_class([sentence])

    def ready(self, request: HttpRequest, typed: Typed, *, back: str) -> None:
        """Before it is shown: a passkey is asked for anew each time.

        Where there is a way over a provider, what was typed is laid aside for it.
        """
        if self.name == PASSKEY:
            self.js_data = {"request_options": begin_authentication(request.user)}
        href = _elsewhere(request, typed, back=back) if ELSEWHERE in self.words else ""
        self.href = href if self.name == ELSEWHERE else ""
        self.others = [
            {"name": name, "words": words, "href": href if name == ELSEWHERE else ""}
            for name, words in self.words.items()
            if name != self.name
        ]


def way_of(request: HttpRequest) -> Way:
    """The way that this request takes or wants to see, else the first that this person has."""
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    words = {_OURS[one["id"]]: str(one["description"]) for one in methods}
    sent = request.POST if is_answer(request) else QueryDict()
    wanted = sent.get(f"{PREFIX}-other", "")
    taken = wanted or sent.get(f"{PREFIX}-with", "")
    name = str(taken) if taken in words else next(iter(words), "")
    tried = bool(taken) and not wanted and taken == name
    return Way(name, _form(request, name, sent=tried), words, tried=tried)


def _form(request: HttpRequest, name: str, *, sent: bool) -> Any:
    kinds = {
        PASSWORD: (account.FORMS, "reauthenticate", ReauthenticateForm),
        CODE: (mfa.FORMS, "reauthenticate", CodeForm),
        PASSKEY: (mfa.FORMS, "reauthenticate_webauthn", ReauthenticateWebAuthnForm),
    }
    if name not in kinds:
        return None
    found = get_form_class(*kinds[name])
    return found(user=request.user, data=request.POST if sent else None, prefix=PREFIX)


def _elsewhere(request: HttpRequest, typed: Typed, *, back: str) -> str:
    to = back or request.get_full_path()
    if not typed.opens:
        kept = typed_lay_aside(request, typed, path=request.get_full_path())
        to = f"{reverse('account_confirmed')}?{urlencode({'kept': kept})}"
    return f"{reverse('account_confirm_elsewhere')}?{urlencode({'next': to, 'go': 1})}"
