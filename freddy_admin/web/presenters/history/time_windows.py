"""The time windows of histories, and what they are called."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A window; `word` stands in the address, `share_text` says how much of it was on time."""

    word: str
    length: timedelta
    name: str | Promise
    short: str | Promise
    share_text: str | Promise


DAY_WINDOW = TimeWindow(
    word="day",
    length=timedelta(days=1),
    name=_("Last 24 hours"),
    short=_("24 hours"),
    share_text=_("{on_time} on time, measured {measured} of the day"),
)
WEEK_WINDOW = TimeWindow(
    word="week",
    length=timedelta(days=7),
    name=_("Last 7 days"),
    short=_("7 days"),
    share_text=_("{on_time} on time, measured {measured} of the week"),
)
MONTH_WINDOW = TimeWindow(
    word="month",
    length=timedelta(days=30),
    name=_("Last 30 days"),
    short=_("30 days"),
    share_text=_("{on_time} on time, measured {measured} of the 30 days"),
)
TIME_WINDOWS = (DAY_WINDOW, WEEK_WINDOW, MONTH_WINDOW)


def time_window_get(word: str) -> TimeWindow:
    """The window with this word; the month for any other."""
    return next((window for window in TIME_WINDOWS if window.word == word), MONTH_WINDOW)
