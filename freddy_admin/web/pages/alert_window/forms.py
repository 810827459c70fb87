"""The form of a maintenance window: when, for how long, of what, and why."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.alerts.models import MaintenanceWindow, WindowRecurrence
from freddy_admin.alerts.silences.services import WindowDetails
from freddy_admin.core.forms import LineField
from freddy_admin.web.forms import PanelForm
from freddy_admin.web.pages.profile.forms import TimeZoneSelect

REASON_LIMIT, TAG_LIMIT = 200, 40
MINUTES_PER_HOUR, LONGEST_HOURS = 60, 24 * 31


class WindowForm(PanelForm):
    """Times are those of a clock on the wall in `zone`; without `tags`, a tag is typed."""

    reason = LineField(
        label=_l("Reason"),
        limit=REASON_LIMIT,
        help_text=_l("Shown to members wherever the window holds something back."),
    )
    recurrence = forms.ChoiceField(
        label=_l("How often"),
        choices=[
            (WindowRecurrence.ONCE.value, _l("once")),
            (WindowRecurrence.WEEKLY.value, _l("every week, on the weekday of the day below")),
        ],
        widget=forms.RadioSelect,
        initial=WindowRecurrence.ONCE,
    )
    starts_on = forms.DateField(
        label=_l("Day"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _l("Enter a day, for example 2026-11-30.")},
    )
    starts_at = forms.TimeField(
        label=_l("Begins at"),
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M", "%H:%M:%S"],
        error_messages={"invalid": _l("Enter a time, for example 22:00.")},
    )
    hours = forms.IntegerField(
        label=_l("Lasts, in hours"), min_value=0, max_value=LONGEST_HOURS, initial=2
    )
    minutes = forms.IntegerField(label=_l("and minutes"), min_value=0, max_value=59, initial=0)
    zone = forms.CharField(
        label=_l("Time zone"),
        help_text=_l("Day and time are those of the clocks there, also over a clock change."),
        widget=TimeZoneSelect,
    )
    ends_on = forms.DateField(
        label=_l("Last day, if it repeats every week"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _l("Enter a day, for example 2026-11-30.")},
    )
    tag = LineField(
        label=_l("Only keys with this tag"),
        limit=TAG_LIMIT,
        required=False,
        help_text=_l("Without a tag, all keys."),
    )

    def __init__(self, *args: Any, tags: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if tags is not None:
            chosen = kwargs.get("initial", {}).get("tag", "")
            names = list(dict.fromkeys([*tags, *filter(None, [chosen])]))
            choices = [("", _("all keys")), *((name, name) for name in names)]
            self.fields["tag"].widget = forms.Select({"class": "form-select"}, choices)

    def clean(self) -> dict[str, Any]:
        """Refuses a window of no length, and a last day of one that comes once."""
        cleaned = super().clean() or self.cleaned_data
        length = (cleaned.get("hours") or 0) * MINUTES_PER_HOUR + (cleaned.get("minutes") or 0)
        if not length and not {"hours", "minutes"} & self.errors.keys():
            self.add_error("hours", _("Say how long it lasts."))
        if cleaned.get("recurrence") == WindowRecurrence.ONCE and cleaned.get("ends_on"):
            self.add_error(
                "ends_on", _("Leave this empty: a window that comes once ends by itself.")
            )
        return cleaned

    def to_window_details(self) -> WindowDetails:
        """What was entered, for the services; after `is_valid`."""
        values = self.cleaned_data
        return WindowDetails(
            reason=values["reason"],
            zone=values["zone"],
            starts_on=values["starts_on"],
            starts_at=values["starts_at"],
            minutes=values["hours"] * MINUTES_PER_HOUR + values["minutes"],
            recurrence=WindowRecurrence(values["recurrence"]),
            ends_on=values["ends_on"],
            tag=values["tag"],
        )


def window_initial(window: MaintenanceWindow | None, *, now: datetime, zone: str) -> dict[str, Any]:
    """What the form begins with: the window as it is, or today in the reader's zone."""
    if window is None:
        return {"starts_on": now.date(), "zone": zone}
    hours, minutes = divmod(window.minutes, MINUTES_PER_HOUR)
    return {
        "reason": window.reason,
        "recurrence": window.recurrence,
        "starts_on": window.starts_on,
        "starts_at": window.starts_at,
        "hours": hours,
        "minutes": minutes,
        "zone": window.zone,
        "ends_on": window.ends_on,
        "tag": window.tag,
    }
