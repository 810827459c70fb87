"""The form that confirms the removal of a person."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.models import email_normalize
from freddy_admin.web.forms import ConfirmationForm


class PersonDeleteForm(ConfirmationForm):
    """The person's e-mail address, typed, so that nobody is removed by a slip."""

    email = forms.CharField(
        label=_l("Type the person's e-mail address to confirm"),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_email(self) -> str:
        """The address."""
        return self.typed_text(
            "email", refusal=_("This is not the person's address. Nobody was removed.")
        )

    def matches(self, typed: str) -> bool:
        """Whether this is the address, in any form that is the same one, such as in capitals."""
        return email_normalize(typed) == email_normalize(self.expected)
