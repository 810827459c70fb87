"""Switching a connector on or off: what the address asks for, and the form that confirms it."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from freddy_admin.core.forms import BoundedForm
from freddy_admin.sync.operations.services import tool_key_clean


@dataclass(frozen=True, slots=True)
class ConnectorToggle:
    """Which connector to switch, and whether on or off."""

    tool_key: str
    enable: bool


def parse_connector_toggle(values: QueryDict) -> ConnectorToggle:
    """The toggle in the address; on unless it says off. Raises InvalidInput without a valid key."""
    return ConnectorToggle(
        tool_key_clean(values.get("tool", "")), enable=values.get("on", "1") != "0"
    )


class ConnectorToggleForm(BoundedForm):
    """The one tick that confirms: what is switched stands in the address."""

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
