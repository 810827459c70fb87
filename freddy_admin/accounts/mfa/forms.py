"""allauth's forms for second factors, which store less, refuse more and record it here."""

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

from freddy_admin.accounts.auth.signals import passkey_failure_record, passkey_rename_record
from freddy_admin.accounts.sessions import SecondFactorUnreadable, decrypt_text, encrypt_text
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.forms import BoundedForm, LineField
from freddy_admin.core.text_validation import line_clean

CREDENTIAL_LIMIT = 20_000
NAME_LIMIT = 60


class ActivateAuthenticatorAppForm(BoundedForm, totp.ActivateTOTPForm):  # type: ignore[misc]
    """Sets an authenticator app up; its secret waits encrypted in the session."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        # Not allauth's own `__init__`, which would store the secret in clear.
        super(totp.ActivateTOTPForm, self).__init__(*args, **kwargs)
        self.secret = _pending_totp_secret(context.request, is_new=not self.is_bound)


class RemoveAuthenticatorAppForm(BoundedForm, totp.DeactivateTOTPForm):  # type: ignore[misc]
    """Removes an authenticator app; it has no field."""


class PasskeyField(forms.JSONField):
    """The JSON object that a browser sends for a passkey; refuses anything else."""

    default_error_messages = {
        "max_length": _("This is too long for a passkey. Try again, or use another one."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=CREDENTIAL_LIMIT, **kwargs)

    def to_python(self, value: Any) -> Any:
        """The credential as a dictionary; raises ValidationError for anything else."""
        try:
            credential = super().to_python(value)
        except (RecursionError, ValidationError):
            credential = None
        if not isinstance(credential, dict) or not isinstance(credential.get("response"), dict):
            raise get_adapter().validation_error("incorrect_code")
        return credential

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Nothing: a credential is used once, or was wrong, so it is not shown again."""
        del data, initial

    def prepare_value(self, value: Any) -> str:
        """An empty field, for the script to fill."""
        del value
        return ""


class AddPasskeyForm(BoundedForm, passkeys.AddWebAuthnForm):  # type: ignore[misc]
    """Stores only what later sign-ins need of what the browser sent."""

    field_order = ["name", "passwordless", "credential"]
    name = LineField(label=_("Name"), limit=NAME_LIMIT, required=False)
    passwordless = forms.BooleanField(
        label=_("Let it open the panel alone, without my password"), required=False, initial=True
    )
    credential = PasskeyField(widget=forms.HiddenInput)

    def clean_name(self) -> str:
        """The name as one clean line; a generated name where none was given."""
        return _passkey_name_clean(super().clean_name())

    def clean(self) -> dict[str, Any]:
        """The fields as the library checked them, with the credential stripped."""
        with _library_errors_as_incorrect_code():
            cleaned: dict[str, Any] = super().clean() or {}
        if "credential" in cleaned:
            is_passwordless = bool(cleaned.get("passwordless"))
            cleaned["credential"] = _credential_strip(
                cleaned["credential"], is_passwordless=is_passwordless
            )
        return cleaned


class RenamePasskeyForm(BoundedForm, passkeys.EditWebAuthnForm):  # type: ignore[misc]
    """A new name for a passkey."""

    name = LineField(label=_("Name"), limit=NAME_LIMIT)

    def clean_name(self) -> str:
        """The name as one clean line."""
        return _passkey_name_clean(self.cleaned_data["name"])

    def save(self) -> Any:
        """Rename the passkey, and record it in the audit log."""
        passkey = super().save()
        passkey_rename_record(context.request, passkey)
        return passkey


class _PasskeyResponseMixin:
    """Refuses every wrong passkey response with one message, and records it in the audit log."""

    def clean_credential(self) -> Any:
        """The passkey whose response this is; raises ValidationError."""
        try:
            with _library_errors_as_incorrect_code():
                return super().clean_credential()  # type: ignore[misc]
        except ValidationError:
            passkey_failure_record(context.request, getattr(self, "user", None))
            raise get_adapter().validation_error("passkey_unknown") from None


class AuthenticateWithPasskeyForm(
    _PasskeyResponseMixin,
    BoundedForm,
    passkeys.AuthenticateWebAuthnForm,  # type: ignore[misc]
):
    """A passkey as the second factor, after the password."""

    credential = PasskeyField(widget=forms.HiddenInput)


class SignInWithPasskeyForm(_PasskeyResponseMixin, BoundedForm, passkeys.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey instead of address and password, where its person allowed that."""

    credential = PasskeyField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """The passkey; raises ValidationError, also for one that is a second factor alone."""
        passkey = super().clean_credential()
        if not _is_passwordless_allowed(passkey):
            passkey_failure_record(context.request, None)
            raise get_adapter().validation_error("passkey_unknown")
        return passkey


class ReauthenticateWithPasskeyForm(
    _PasskeyResponseMixin,
    BoundedForm,
    passkeys.ReauthenticateWebAuthnForm,  # type: ignore[misc]
):
    """A passkey once more, before a protected change."""

    credential = PasskeyField(widget=forms.HiddenInput)


def _pending_totp_secret(request: HttpRequest, *, is_new: bool) -> str:
    encrypted_secret = "" if is_new else str(request.session.get(SECRET_SESSION_KEY, ""))
    try:
        return decrypt_text(encrypted_secret)
    except SecondFactorUnreadable:
        secret = str(generate_totp_secret())
        request.session[SECRET_SESSION_KEY] = encrypt_text(secret)
        return secret


def _passkey_name_clean(name: str) -> str:
    try:
        return line_clean(name, field="name", limit=NAME_LIMIT)
    except InvalidInput as error:
        raise ValidationError(error.message) from None


@contextmanager
def _library_errors_as_incorrect_code() -> Iterator[None]:
    # The library reads bytes that anybody may send, and lets some of its errors through.
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError):
        raise get_adapter().validation_error("incorrect_code") from None


def _is_passwordless_allowed(passkey: Any) -> bool:
    # Passkeys from before "alone" was stored are allowed: not every browser reports "rk".
    extensions = passkey.data["credential"].get("clientExtensionResults", {})
    return extensions.get("alone", True) is True


def _credential_strip(credential: dict[str, Any], *, is_passwordless: bool) -> dict[str, Any]:
    extensions = credential.get("clientExtensionResults")
    properties = extensions.get("credProps") if isinstance(extensions, dict) else None
    is_resident = properties.get("rk") if isinstance(properties, dict) else None
    # Decoded and encoded again, so that nothing but base64 is stored.
    response = credential["response"]
    clean_response = {
        name: _base64_normalize(response[name]) for name in ("clientDataJSON", "attestationObject")
    }
    return {
        "id": _base64_normalize(credential["rawId"]),
        "rawId": _base64_normalize(credential["rawId"]),
        "type": "public-key",
        "response": clean_response,
        "clientExtensionResults": {
            "credProps": {"rk": is_passwordless and is_resident is True},
            "alone": is_passwordless,
        },
    }


def _base64_normalize(text: str) -> str:
    return str(websafe_encode(websafe_decode(text)))
