"""allauth's adapters: where the sign-in library must behave differently here."""

from io import BytesIO
from typing import Any, Final

import qrcode  # type: ignore[import-untyped]
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from qrcode.image.svg import SvgPathFillImage  # type: ignore[import-untyped]

from freddy_admin.accounts.auth.backends import sign_in_hashing_slot
from freddy_admin.accounts.auth.known_devices import known_device_id
from freddy_admin.accounts.auth.rate_limits import attempt_count, attempts_clear
from freddy_admin.accounts.auth.reauthentication import is_recently_authenticated
from freddy_admin.accounts.models import User, email_normalize
from freddy_admin.accounts.oidc.account_links import is_account_linked
from freddy_admin.accounts.people import is_last_second_factor
from freddy_admin.accounts.sessions import decrypt_text, encrypt_text
from freddy_admin.audit.services import client_ip

# What the throttle counts under where a request has no address, as on a Unix socket.
FALLBACK_IP: Final = "0.0.0.0"  # nosec B104  # noqa: S104
SILENT_MESSAGES: Final = {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are created by commands and by colleagues, never by strangers."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The e-mail address or the password is not correct."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for themselves."""
        del request
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """`next` may lead to a page of this panel alone, named by its path."""
        if not url or not url.startswith("/"):
            return False
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """The library's messages, but for those that say what a person sees anyway."""
        if message_template not in SILENT_MESSAGES:
            super().add_message(request, level, message_template, *args, **kwargs)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The throttle's idea of where a request comes from: the audit log's."""
        return client_ip(request) or FALLBACK_IP

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before a password is hashed; raises ValidationError at a limit.

        A browser in which this very person signed in before has a few wrong passwords of its
        own. All others are counted for the account from their address, and for the account from
        anywhere: whoever guesses stops themselves, and never the person whose account it is.
        """
        email = email_normalize(credentials.get("email"))
        device_id = known_device_id(request, email)
        # allauth rolls it back for the right password.
        self._login_failed_rl_usage = (
            attempt_count(request, ("login_failed_device", device_id)) if device_id else None
        )
        if self._login_failed_rl_usage is None:
            self._login_failed_rl_usage = attempt_count(
                request,
                ("login_failed", _account_and_ip_key(request, email)),
                ("login_failed_anywhere", email),
            )
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    @sensitive_variables("credentials")
    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The person or None; raises TooManySignIns before anything is counted or looked up."""
        with sign_in_hashing_slot(request, str(credentials.get("email") or "")):
            return super().authenticate(request, **credentials)

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        # The owner chose a new password by the mailed link: guesses made elsewhere count no more.
        email = email_normalize(credentials.get("email"))
        attempts_clear(
            request,
            ("login_failed", _account_and_ip_key(request, email)),
            ("login_failed_anywhere", email),
        )

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Back to the sign-in page, without a word about the account."""
        del request, user
        return HttpResponseRedirect(reverse("account_login"))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever signed in a moment ago need not type the password once more."""
        return not is_recently_authenticated(self.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """What this person can confirm with, the method to offer first in front."""
        labels = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
            "mfa_reauthenticate": _("Use a code of your app, or a recovery code"),
        }
        methods = {method["id"]: method for method in super().get_reauthentication_methods(user)}
        if is_account_linked(user=user):
            url = reverse("oidc_reauthenticate")
            methods["single_sign_on"] = {"id": "single_sign_on", "url": url}
            labels["single_sign_on"] = _("Use single sign-on")
        return [
            methods[method_id] | {"description": label}
            for method_id, label in labels.items()
            if method_id in methods
        ]


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors are encrypted at rest, and cannot be removed where they are required."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _(
            "This was not accepted. An app shows another code every 30 seconds, and a recovery "
            "code works once."
        ),
        "passkey_unknown": _(
            "This passkey is not known here. Try another one, or sign in without."
        ),
        "cannot_delete_authenticator": _(
            "This panel requires a second factor of you, so it cannot be removed."
        ),
    }

    def encrypt(self, text: str) -> str:
        """The text as it is stored in the database."""
        return encrypt_text(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The stored text; raises SecondFactorUnreadable, which a form shows as an error."""
        return decrypt_text(encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        """The QR code on a white ground of its own, so that it can be scanned in the dark theme."""
        svg = BytesIO()
        qrcode.make(url, image_factory=SvgPathFillImage).save(svg)
        return svg.getvalue().decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """False for the last second factor while REQUIRE_MFA asks this person for one."""
        if not authenticator.user.is_second_factor_required:
            return True
        return not is_last_second_factor(authenticator)

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002
        """What a passkey is called until its person says otherwise."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The host a passkey is good for, and the name a device shows beside it."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": "Freddy Admin"}


def _account_and_ip_key(request: HttpRequest, email: str) -> str:
    # Not allauth's key, which holds the host and port of the Host header: another port with each
    # guess would begin a new count.
    return f"{email}:{ratelimit.get_ip(request)}"
