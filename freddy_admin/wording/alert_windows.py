"""What is said of maintenance windows: when they are, of what, what they do."""

from datetime import date, datetime, time
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.wording.sentences import Moment, MomentStyle, Sentence, Text, say
from freddy_admin.wording.times import format_duration

WINDOW_RULE: Final = _(
    "A window holds messages back, and nothing else: states and incidents are shown as they are. "
    "What is still true when it ends is told then, and whoever was told that something broke is "
    "told that it is well again."
)
_WEEKLY: Final[tuple[Text, ...]] = (
    _("Every Monday at {time} ({zone}), for {duration}."),
    _("Every Tuesday at {time} ({zone}), for {duration}."),
    _("Every Wednesday at {time} ({zone}), for {duration}."),
    _("Every Thursday at {time} ({zone}), for {duration}."),
    _("Every Friday at {time} ({zone}), for {duration}."),
    _("Every Saturday at {time} ({zone}), for {duration}."),
    _("Every Sunday at {time} ({zone}), for {duration}."),
)


def window_schedule(
    *, is_weekly: bool, starts_on: date, starts_at: time, minutes: int, zone: str
) -> Sentence:
    """When a window is, on the wall's clock in its zone, and how long it lasts."""
    text = _("On {day} at {time} ({zone}), for {duration}.")
    return say(
        _WEEKLY[starts_on.weekday()] if is_weekly else text,
        day=starts_on,
        time=f"{starts_at:%H:%M}",
        zone=zone.replace("_", " "),
        duration=format_duration(minutes * 60),
    )


def window_last_day(ends_on: date) -> Sentence:
    """The last day of a weekly window."""
    return say(_("For the last time on {day}."), day=ends_on)


def window_scope(*, organisation: str, tag: str) -> Sentence:
    """Of what it is; without an organisation, of all."""
    if organisation and tag:
        return say(_("{organisation}: keys with the tag {tag}"), organisation=organisation, tag=tag)
    if organisation:
        return say("{organisation}", organisation=organisation)
    if tag:
        return say(_("Every organisation: keys with the tag {tag}"), tag=tag)
    return say(_("Every organisation"))


def window_occurrence(start: datetime, end: datetime, now: datetime) -> Sentence:
    """Until when it is in force, or when it is next; times in the reader's zone."""
    if start <= now:
        return say(_("In force until {until}."), until=Moment(end))
    until_start = Moment(start, MomentStyle.UNTIL)
    return say(_("Next {away}: {start}."), away=until_start, start=Moment(start))
