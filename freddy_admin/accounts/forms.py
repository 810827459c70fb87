"""The library's forms where ours must behave otherwise."""

from typing import Any

from allauth.account import forms as library
from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from freddy_admin.accounts.later import later


class ResetPasswordForm(library.ResetPasswordForm):  # type: ignore[misc]
    """Asks for a link by mail; known and unknown addresses take the same time."""

    def clean_email(self) -> str:
        """The address as the library cleans it; whose it is, is looked up later."""
        return str(get_adapter().clean_email(self.cleaned_data["email"].lower()))

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Look the person up and send the mail once the answer is out."""

        def send() -> None:
            super(ResetPasswordForm, self).clean_email()
            super(ResetPasswordForm, self).save(request, **kwargs)

        later(send)
        return str(self.cleaned_data["email"])
