"""The form of a person's own profile."""

from django import forms
from django.utils.translation import gettext_lazy as _l

from freddy_admin.accounts.models import Theme
from freddy_admin.accounts.services import NAME_LIMIT as PERSON_NAME_LIMIT
from freddy_admin.core.forms import LineField
from freddy_admin.web.forms import PanelForm
from freddy_admin.web.pages.profile.time_zone_widget import TimeZoneSelect


class ProfileForm(PanelForm):
    """A user's own name, time zone and theme."""

    name = LineField(
        label=_l("Name"),
        required=False,
        limit=PERSON_NAME_LIMIT,
        help_text=_l("Shown as the owner of keys and in the audit log."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    # A zone that does not exist is refused by the service.
    time_zone = forms.CharField(
        label=_l("Time zone"),
        help_text=_l("All times are shown in this zone."),
        widget=TimeZoneSelect,
    )
    theme = forms.ChoiceField(label=_l("Look"), choices=Theme.choices)
