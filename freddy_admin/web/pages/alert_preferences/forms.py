"""The form of what a person gets by mail."""

from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _l

from freddy_admin.alerts.models import AlertPreferences, DigestFrequency
from freddy_admin.alerts.preferences import PreferenceValues
from freddy_admin.web.forms import PanelForm

YES, NO = "yes", "no"
FIELDS = tuple(PreferenceValues.__slots__)
_INCIDENT_CHOICES = [(YES, _l("As the rules of each organisation say")), (NO, _l("None"))]
_HOUR_CHOICES = [(str(hour), f"{hour:02d}:00") for hour in range(24)]
_WEEKDAY_CHOICES = [(str(number), name) for number, name in WEEKDAYS.items()]
_QUIET_CHOICES = [
    (YES, _l("If anything changed or is wrong")),
    (NO, _l("Always, so that I see that it comes")),
]


class AlertPreferencesForm(PanelForm):
    """Mails about incidents, quiet hours, the digest."""

    gets_mail = forms.ChoiceField(label=_l("Mails about incidents"), choices=_INCIDENT_CHOICES)
    quiet_from = forms.TimeField(
        label=_l("Quiet from"),
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text=_l(
            "In your time zone. What happens meanwhile is told afterwards, if still true."
        ),
    )
    quiet_until = forms.TimeField(
        label=_l("Quiet until"),
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text=_l("An end before the beginning is on the next day."),
    )
    digest = forms.ChoiceField(
        label=_l("Digest"),
        choices=DigestFrequency.choices,
        help_text=_l("One mail with a line for each organisation: what is new, what recovered."),
    )
    digest_hour = forms.ChoiceField(label=_l("Digest at"), choices=_HOUR_CHOICES)
    digest_weekday = forms.ChoiceField(label=_l("A weekly one on"), choices=_WEEKDAY_CHOICES)
    digest_skips_quiet = forms.ChoiceField(label=_l("Send the digest"), choices=_QUIET_CHOICES)

    def values(self) -> PreferenceValues:
        """What was chosen."""
        data = self.cleaned_data
        return PreferenceValues(
            gets_mail=data["gets_mail"] == YES,
            quiet_from=data["quiet_from"],
            quiet_until=data["quiet_until"],
            digest=data["digest"],
            digest_hour=int(data["digest_hour"]),
            digest_weekday=int(data["digest_weekday"]),
            digest_skips_quiet=data["digest_skips_quiet"] == YES,
        )


def initial_values(preferences: AlertPreferences) -> dict[str, Any]:
    """What the form shows at first."""
    values = {name: getattr(preferences, name) for name in FIELDS}
    yes_no = {True: YES, False: NO}
    return {
        name: yes_no[value] if isinstance(value, bool) else value for name, value in values.items()
    }
