"""The form that confirms that a connector is switched: what is switched stands in the address."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from freddy_admin.core.forms import BoundedForm


class ConnectorToggleForm(BoundedForm):
    """The one tick that confirms."""

    understood = forms.BooleanField(
        widget=forms.CheckboxInput({"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, organisation_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["understood"]
        field.label = _("I understand that this may affect more than %(name)s.") % {
            "name": organisation_name
        }
        field.error_messages["required"] = _("Tick this to go on.")
