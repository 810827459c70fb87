"""What the sign-in library is told to do our way."""

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

from freddy_admin.accounts.addresses import client_address
from freddy_admin.accounts.models import User
from freddy_admin.accounts.second_factor.confirmation import recently_confirmed
from freddy_admin.accounts.second_factor.required import (
    second_factor_is_last,
    second_factor_required,
)
from freddy_admin.accounts.second_factor.sealing import seal, unseal
from freddy_admin.accounts.selectors import address_typed
from freddy_admin.accounts.signing_in.hashing import sign_in_slot
from freddy_admin.accounts.signing_in.known_devices import device_known
from freddy_admin.accounts.single_sign_on.links import is_linked

# What the throttle counts under where a request has no address, as on a Unix socket.
NO_ADDRESS: Final = "0.0.0.0"  # nosec B104  # noqa: S104


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by commands and by colleagues, never by strangers."""

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

    def get_client_ip(self, request: HttpRequest) -> str:
        """The throttle's idea of where a request comes from: the audit log's."""
        return client_address(request) or NO_ADDRESS

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before a password is hashed; raises ValidationError at a limit.

        A browser in which this very person signed in before has a few wrong passwords of its
        own. All others are counted for the account from their address, and for the account from
        anywhere: whoever guesses stops themselves, and never the person whose account it is.
        """
        device = device_known(request, str(credentials.get("email") or ""))
        if device:
            own = self._consume(request, "login_failed_device", key=device)
            if own:
                self._login_failed_rl_usage = own
                return
        super().pre_authenticate(request, **credentials)
        account = address_typed(credentials.get("email"))
        anywhere = self._consume(request, "login_failed_anywhere", key=account)
        if not anywhere:
            raise self.validation_error("too_many_login_attempts")
        # The right password gives both back.
        self._login_failed_rl_usage.usage.extend(anywhere.usage)

    @sensitive_variables("credentials")
    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The person or None; raises TooManySignIns before anything is counted or looked up."""
        with sign_in_slot(request, str(credentials.get("email") or "")):
            return super().authenticate(request, **credentials)

    def _consume(self, request: HttpRequest, action: str, *, key: str) -> Any:
        return ratelimit.consume(request, app="allauth.account", action=action, key=key)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Not the library's own, which holds the host and port that the sender named: another port
        # with each guess would begin to count anew.
        return f"{address_typed(credentials.get('email'))}:{ratelimit.get_ip(request)}"

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        # A new password from the mailed link: its owner is here, whoever guessed elsewhere.
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(
            request,
            app="allauth.account",
            action="login_failed_anywhere",
            key=address_typed(credentials.get("email")),
        )

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Back to the sign-in page, without a word about the account."""
        del request, user
        return HttpResponseRedirect(reverse("account_login"))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever signed in a moment ago need not type the password once more."""
        return not recently_confirmed(self.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """What this person can confirm with, the one to offer first in front."""
        words = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
            "mfa_reauthenticate": _("Use a code of your app, or a recovery code"),
        }
        found = {one["id"]: one for one in super().get_reauthentication_methods(user)}
        if is_linked(user=user):
            address = reverse("account_confirm_elsewhere")
            found["single_sign_on"] = {"id": "single_sign_on", "url": address}
            words["single_sign_on"] = _("Use single sign-on")
        return [found[name] | {"description": words[name]} for name in words if name in found]


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors are sealed at rest, and stay where they are required."""

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
        """For the database."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """From the database; raises SecondFactorUnreadable, which a form shows as a sentence."""
        return unseal(encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        """The picture with a white ground of its own, so that it can be scanned in the dark."""
        picture = BytesIO()
        qrcode.make(url, image_factory=SvgPathFillImage).save(picture)
        return picture.getvalue().decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last one while REQUIRE_MFA asks this person for one."""
        if not second_factor_required(authenticator.user):
            return True
        return not second_factor_is_last(authenticator)

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002
        """What a passkey is called until its person says otherwise."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The host a passkey is good for, and the name a device shows beside it."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": "Freddy Admin"}
