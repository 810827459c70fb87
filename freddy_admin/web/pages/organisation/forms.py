"""Forms of an organisation: its name, and its deletion."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.core.forms import LineField
from freddy_admin.organisations.services import NAME_MAX_LENGTH
from freddy_admin.web.forms import ConfirmationForm, PanelForm


class OrganisationForm(PanelForm):
    """The name of an organisation."""

    name = LineField(
        label=_l("Name"),
        limit=NAME_MAX_LENGTH,
        help_text=_l("The customer or department, as your colleagues call it."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class OrganisationDeleteForm(ConfirmationForm):
    """The organisation's name, typed, so that nothing is removed by a slip."""

    name = forms.CharField(
        label=_l("Type the organisation's name to confirm"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        """The name."""
        return self.typed_text(
            "name", refusal=_("This is not the organisation's name. Nothing was removed.")
        )
