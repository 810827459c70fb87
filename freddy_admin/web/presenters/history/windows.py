"""The stretches of time that pages look back over, and what they are called."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Window:
    """`word` stands in the address; "measured 97 % *of the week*", "unchanged *in these …*"."""

    word: str
    length: timedelta
    name: str | Promise
    short: str | Promise
    of: str | Promise
    within: str | Promise


DAY = Window(
    word="day",
    length=timedelta(days=1),
    name=_("Last 24 hours"),
    short=_("24 hours"),
    of=_("of the day"),
    within=_("in these 24 hours"),
)
WEEK = Window(
    word="week",
    length=timedelta(days=7),
    name=_("Last 7 days"),
    short=_("7 days"),
    of=_("of the week"),
    within=_("in these 7 days"),
)
MONTH = Window(
    word="month",
    length=timedelta(days=30),
    name=_("Last 30 days"),
    short=_("30 days"),
    of=_("of the 30 days"),
    within=_("in these 30 days"),
)
WINDOWS = (DAY, WEEK, MONTH)


def window_named(word: str) -> Window:
    """The window with this word; the month for any other."""
    return next((window for window in WINDOWS if window.word == word), MONTH)
