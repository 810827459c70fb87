"""The form that confirms the removal of a person."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.models import email_normalize
from freddy_admin.web.forms import PanelForm


class PersonDeleteForm(PanelForm):
    """The person's e-mail address, typed, so that nobody is removed by a slip."""

    email = forms.CharField(
        label=_l("Type the person's e-mail address to confirm"),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_email(self) -> str:
        """The address in any form that is the same one, such as in capitals."""
        email = str(self.cleaned_data["email"])
        if email_normalize(email) != email_normalize(self.expected):
            raise forms.ValidationError(_("This is not the person's address. Nobody was removed."))
        return email
