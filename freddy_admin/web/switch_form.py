"""Switching a connector: what the address asks for, and the word that makes it a decision."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from freddy_admin.core.forms import BoundedForm
from freddy_admin.sync.orders.placing import tool_key_clean


@dataclass(frozen=True, slots=True)
class Wish:
    """Which connector is to be on or off."""

    tool_key: str
    enable: bool


def switch_wish(values: QueryDict) -> Wish:
    """What is asked for; switching on unless it says off. Raises InvalidInput without a key."""
    return Wish(tool_key_clean(values.get("tool", "")), enable=values.get("on", "1") != "0")


class SwitchForm(BoundedForm):
    """Nothing but the tick: what is switched stands in the address."""

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
