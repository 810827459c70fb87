"""The library's forms where ours must behave otherwise."""

from typing import Any

from allauth.account import forms as library
from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from freddy_admin.accounts.resets import reset_ask


class ResetPasswordForm(library.ResetPasswordForm):  # type: ignore[misc]
    """Asks for a link by mail; known and unknown addresses cost the same work."""

    def clean_email(self) -> str:
        """The address as the library cleans it; whose it is, the worker looks up."""
        return str(get_adapter().clean_email(self.cleaned_data["email"].lower()))

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Note the wish, whoever's it is."""
        del request, kwargs
        email = str(self.cleaned_data["email"])
        reset_ask(email=email)
        return email
