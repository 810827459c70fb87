"""The library's forms for second factors, where ours keep less, refuse more and write it down."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp import forms as totp
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, generate_totp_secret
from allauth.mfa.webauthn import forms as passkeys
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_decode, websafe_encode

from freddy_admin.accounts.second_factor.sealing import SecondFactorUnreadable, seal, unseal
from freddy_admin.accounts.signing_in.signals import passkey_failed, passkey_renamed
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.forms import BoundedForm, LineField
from freddy_admin.core.text import line_clean

ANSWER_LIMIT = 20_000
NAME_LIMIT = 60


class ActivateAppForm(BoundedForm, totp.ActivateTOTPForm):  # type: ignore[misc]
    """Sets an authenticator app up; its secret waits in the session sealed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        # Not the library's own beginning, which would put the secret there in clear.
        super(totp.ActivateTOTPForm, self).__init__(*args, **kwargs)
        self.secret = _secret(context.request, anew=not self.is_bound)


class PasskeyField(forms.JSONField):
    """What a browser says of a passkey: a small JSON object, whatever else is sent."""

    default_error_messages = {
        "max_length": _("This is too long for a passkey. Try again, or use another one."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=ANSWER_LIMIT, **kwargs)

    def to_python(self, value: Any) -> Any:
        """The object; raises ValidationError for anything that is not one."""
        try:
            found = super().to_python(value)
        except (RecursionError, ValidationError):
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("response"), dict):
            raise get_adapter().validation_error("incorrect_code")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Nothing of it is shown again: it served once, or it was wrong."""
        del data, initial

    def prepare_value(self, value: Any) -> str:
        """An empty field, for the script to fill."""
        del value
        return ""


class AddPasskeyForm(BoundedForm, passkeys.AddWebAuthnForm):  # type: ignore[misc]
    """Keeps of what the browser sent what is needed later, and no more."""

    field_order = ["name", "passwordless", "credential"]
    name = LineField(label=_("Name"), limit=NAME_LIMIT, required=False)
    passwordless = forms.BooleanField(
        label=_("Let it open the panel alone, without my password"), required=False, initial=True
    )
    credential = PasskeyField(widget=forms.HiddenInput)

    def clean_name(self) -> str:
        """One clean line; one of ours where none was given."""
        return _line(super().clean_name())

    def clean(self) -> dict[str, Any]:
        """Checked by the library, then cut down."""
        with _unreadable_is_wrong():
            cleaned: dict[str, Any] = super().clean() or {}
        if "credential" in cleaned:
            alone = bool(cleaned.get("passwordless"))
            cleaned["credential"] = _kept(cleaned["credential"], alone=alone)
        return cleaned


class RenamePasskeyForm(BoundedForm, passkeys.EditWebAuthnForm):  # type: ignore[misc]
    """Another name, so that several can be told apart."""

    name = LineField(label=_("Name"), limit=NAME_LIMIT)

    def clean_name(self) -> str:
        """One clean line."""
        return _line(self.cleaned_data["name"])

    def save(self) -> Any:
        """Rename, and write it down."""
        passkey = super().save()
        passkey_renamed(context.request, passkey)
        return passkey


class _Answered:
    """A passkey's answer: whatever is wrong with it is the same refusal, written down."""

    def clean_credential(self) -> Any:
        """The passkey that answered; raises ValidationError."""
        try:
            with _unreadable_is_wrong():
                return super().clean_credential()  # type: ignore[misc]
        except ValidationError:
            passkey_failed(context.request, getattr(self, "user", None))
            raise get_adapter().validation_error("passkey_unknown") from None


class ShowPasskeyForm(_Answered, BoundedForm, passkeys.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """As the second factor, after the password."""

    credential = PasskeyField(widget=forms.HiddenInput)


class SignInWithPasskeyForm(_Answered, BoundedForm, passkeys.LoginWebAuthnForm):  # type: ignore[misc]
    """Instead of address and password, where its person let it."""

    credential = PasskeyField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """As for any, and not one that is for after the password."""
        passkey = super().clean_credential()
        if not _may_alone(passkey):
            passkey_failed(context.request, None)
            raise get_adapter().validation_error("passkey_unknown")
        return passkey


class ConfirmWithPasskeyForm(_Answered, BoundedForm, passkeys.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """To show once more that it is still them."""

    credential = PasskeyField(widget=forms.HiddenInput)


def _secret(request: HttpRequest, *, anew: bool) -> str:
    sealed = "" if anew else str(request.session.get(SECRET_SESSION_KEY, ""))
    try:
        return unseal(sealed)
    except SecondFactorUnreadable:
        secret = str(generate_totp_secret())
        request.session[SECRET_SESSION_KEY] = seal(secret)
        return secret


def _line(name: str) -> str:
    try:
        return line_clean(name, field="name", limit=NAME_LIMIT)
    except InvalidInput as refused:
        raise ValidationError(refused.message) from None


@contextmanager
def _unreadable_is_wrong() -> Iterator[None]:
    # The library reads bytes that anybody may send, and lets some of its errors through.
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError):
        raise get_adapter().validation_error("incorrect_code") from None


def _may_alone(passkey: Any) -> bool:
    # Those from before this was kept may: not every browser says what a device made of it.
    told = passkey.data["credential"].get("clientExtensionResults", {})
    return told.get("alone", True) is True


def _kept(credential: dict[str, Any], *, alone: bool) -> dict[str, Any]:
    told = credential.get("clientExtensionResults")
    told = told.get("credProps") if isinstance(told, dict) else None
    resident = told.get("rk") if isinstance(told, dict) else None
    # Read and written once more: base64 and nothing else, whatever stood between.
    sent = credential["response"]
    clean = {name: _base64(sent[name]) for name in ("clientDataJSON", "attestationObject")}
    return {
        "id": _base64(credential["rawId"]),
        "rawId": _base64(credential["rawId"]),
        "type": "public-key",
        "response": clean,
        "clientExtensionResults": {"credProps": {"rk": alone and resident is True}, "alone": alone},
    }


def _base64(text: str) -> str:
    return str(websafe_encode(websafe_decode(text)))
