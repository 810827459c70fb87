"""What people enter about an incident: until when it is muted, and notes."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.core.forms import LineField
from freddy_admin.web.forms import PanelForm

REASON_LIMIT, NOTE_LIMIT = 200, 2_000
MUTE_CHOICES = (
    ("1", _l("for an hour")),
    ("4", _l("for 4 hours")),
    ("24", _l("for a day")),
    ("72", _l("for 3 days")),
    ("168", _l("for a week")),
)
UNTIL = "until"


class MuteForm(PanelForm):
    """Until when, and why. A moment is on the clock of the person who enters it."""

    hours = forms.ChoiceField(
        label=_l("Mute it"),
        choices=(*MUTE_CHOICES, (UNTIL, _l("until the time below"))),
        initial="4",
    )
    until = forms.DateTimeField(
        label=_l("Until"),
        required=False,
        help_text=_l("In your time zone. It counts where “until the time below” is chosen."),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        error_messages={"invalid": _l("Enter a day and a time, for example 2026-11-30 14:05.")},
    )
    reason = LineField(label=_l("Reason"), limit=REASON_LIMIT)

    def clean(self) -> dict[str, Any]:
        """Refuses a form that names no moment where one counts."""
        cleaned = super().clean() or self.cleaned_data
        is_missing = cleaned.get("hours") == UNTIL and not cleaned.get("until")
        if is_missing and "until" not in self.errors:
            self.add_error("until", _("Say until when."))
        return cleaned

    def muted_until(self, now: datetime) -> datetime:
        """The moment that was chosen; after `is_valid`."""
        hours = self.cleaned_data["hours"]
        if hours != UNTIL:
            return now + timedelta(hours=int(hours))
        until: datetime = self.cleaned_data["until"]
        return until


class NoteForm(PanelForm):
    """A note for the others: “Tom is on it”."""

    note = forms.CharField(
        label=_l("Note"),
        max_length=NOTE_LIMIT,
        widget=forms.Textarea({"rows": 2}),
        help_text=_l("Seen by the members of this organisation, and kept."),
    )
