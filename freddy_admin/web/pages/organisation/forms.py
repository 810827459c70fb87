"""Forms of an organisation: its name, and its deletion."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.core.forms import LineField
from freddy_admin.core.text_validation import typed_text_matches
from freddy_admin.organisations.services import NAME_MAX_LENGTH
from freddy_admin.web.forms import PanelForm


class OrganisationForm(PanelForm):
    """The name of an organisation."""

    name = LineField(
        label=_l("Name"),
        limit=NAME_MAX_LENGTH,
        help_text=_l("The customer or department, as your colleagues call it."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class OrganisationDeleteForm(PanelForm):
    """The organisation's name, typed, so that nothing is removed by a slip."""

    name = forms.CharField(
        label=_l("Type the organisation's name to confirm"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_name(self) -> str:
        """The name, whatever kinds of spaces stand in it."""
        name = str(self.cleaned_data["name"])
        if not typed_text_matches(name, self.expected):
            raise forms.ValidationError(
                _("This is not the organisation's name. Nothing was removed.")
            )
        return name
