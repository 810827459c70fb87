"""The form of an alert rule: who is told, of what, when, and when not."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _l

from freddy_admin.alerts.models import AlertRule, Channel, Severity
from freddy_admin.alerts.rules.decisions import PLATFORM_ADMIN_ROLE
from freddy_admin.alerts.rules.services import DELAY_AT_MOST, NAME_LIMIT, RuleValues
from freddy_admin.core.forms import LineField
from freddy_admin.organisations.roles import Role
from freddy_admin.web.forms import PanelForm
from freddy_admin.web.pages.profile.forms import TimeZoneSelect

YES, NO = "yes", "no"
_ROLE_CHOICES = [
    (Role.MANAGER.value, _l("the managers")),
    (Role.OPERATOR.value, _l("the operators")),
    (Role.VIEWER.value, _l("the viewers")),
]
_FLEET_ROLE_CHOICES = [(PLATFORM_ADMIN_ROLE, _l("platform admins")), *_ROLE_CHOICES]
_TIME_OPTIONS: dict[str, Any] = {
    "required": False,
    "input_formats": ["%H:%M", "%H:%M:%S"],
    "error_messages": {"invalid": _l("Enter a time, for example 22:00.")},
}


def _choice(label: Any, yes: Any, no: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=[(YES, yes), (NO, no)],
        coerce=lambda value: value == YES,
        widget=forms.RadioSelect,
        initial=YES,
    )


class RuleForm(PanelForm):
    """A rule of an organisation; with `is_fleet` one of the whole panel."""

    name = LineField(
        label=_l("Name"),
        limit=NAME_LIMIT,
        help_text=_l("For yourselves, such as “on call” or “at night”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    severity = forms.ChoiceField(
        label=_l("Of what"),
        choices=[
            (Severity.ACTION_NEEDED.value, _l("what needs action")),
            (Severity.WARNING.value, _l("what needs action, and warnings")),
        ],
        widget=forms.RadioSelect,
        initial=Severity.ACTION_NEEDED.value,
    )
    causes_only = _choice(
        _l("Of which incidents"),
        _l("only of what organisations have in common, in one message"),
        _l("of the incidents of every organisation"),
    )
    roles = forms.MultipleChoiceField(
        label=_l("Who gets a mail"), required=False, widget=forms.CheckboxSelectMultiple
    )
    channels = forms.TypedMultipleChoiceField(
        label=_l("Which channels get a message"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
    )
    delay_minutes = forms.IntegerField(
        label=_l("Extra wait, in minutes"),
        min_value=0,
        max_value=DELAY_AT_MOST,
        initial=0,
        help_text=_l("What is over by then is not told by this rule."),
    )
    sends_reminders = _choice(
        _l("Reminders while it lasts"),
        _l("after 1 hour, 4 hours and 24 hours, then daily"),
        _l("none"),
    )
    quiet_from = forms.TimeField(
        label=_l("Quiet from"),
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        **_TIME_OPTIONS,
    )
    quiet_until = forms.TimeField(
        label=_l("Quiet until"),
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text=_l("What is still true by then is told. An earlier time is the next day's."),
        **_TIME_OPTIONS,
    )
    # A zone that does not exist is refused by the service.
    zone = forms.CharField(
        label=_l("Time zone of the quiet hours"),
        help_text=_l("The times are those of the clocks there, also over a clock change."),
        widget=TimeZoneSelect,
    )
    enabled = _choice(_l("This rule is"), _l("on"), _l("off"))

    def __init__(
        self,
        *args: Any,
        available_channels: Sequence[Channel],
        is_fleet: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = (  # type: ignore[attr-defined]
            _FLEET_ROLE_CHOICES if is_fleet else _ROLE_CHOICES
        )
        if available_channels:
            self.fields["channels"].choices = [  # type: ignore[attr-defined]
                (channel.pk, str(channel)) for channel in available_channels
            ]
        else:
            del self.fields["channels"]
        if not is_fleet:
            del self.fields["causes_only"]

    def to_rule_values(self) -> RuleValues:
        """What was entered, for the services; after `is_valid`."""
        values = dict(self.cleaned_data)
        return RuleValues(channel_ids=values.pop("channels", ()), **values)


def rule_initial(rule: AlertRule | None, *, zone: str) -> dict[str, Any]:
    """What the form begins with: the rule as it is, or the reader's zone."""
    if rule is None:
        return {"zone": zone, "causes_only": NO}
    names = ("name", "severity", "roles", "delay_minutes", "quiet_from", "quiet_until", "zone")
    initial = {name: getattr(rule, name) for name in names}
    for name in ("sends_reminders", "enabled", "causes_only"):
        initial[name] = YES if getattr(rule, name) else NO
    return initial | {"channels": [channel.pk for channel in rule.channels.all()]}
