"""Times as people read them: relative at a glance, exact on hover, focus and in print.

A `UserTime` belongs to one page: its moment and the user's zone. Every time is put into words
once, here, and never in a template: localising inside a loop is what makes list pages slow.
"""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache

from django.utils import timezone
from django.utils.dateformat import DateFormat
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86_400
PAST, FUTURE, EITHER = "past", "future", "either"


@dataclass(frozen=True, slots=True)
class UserTime:
    """The moment and the zone of one page."""

    now: datetime
    zone: tzinfo
    # Asked for once: a page puts hundreds of times into words.
    language: str | None = field(default_factory=get_language)

    def format_exact(self, at: datetime) -> str:
        """`23 Nov 2026, 14:05:12 UTC`."""
        return _format_exact(at, self.zone, self.language)

    def format_clock(self, at: datetime, *, names_today: bool = False) -> str:
        """`14:05` today, `24 Nov, 14:05` on another day, with the year in another year.

        `names_today` names the day of today, too.
        """
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date() and not names_today:
            return f"{local:%H:%M}"
        style = _DAY_AND_MONTH if local.year == today.year else _DAY
        day = _format_date(local.date(), style, self.language)
        return _("%(day)s, %(time)s") % {"day": day, "time": f"{local:%H:%M}"}

    def format_relative(self, at: datetime, side: str = PAST) -> str:
        """`12 min ago`, `in 20 s`; held on its side: never "in -3 min"."""
        seconds = (self.now - at).total_seconds()
        return _format_relative(
            _clamp_to_side(seconds, side), _relative_time_phrases(self.language)
        )

    def render_ago(self, at: datetime) -> SafeString:
        """A moment that is over, as an element that goes on counting in the browser."""
        return self._render_time_element(at, self.format_relative(at, PAST), PAST)

    def render_until(self, at: datetime) -> SafeString:
        """A moment to come; once it is reached, `any moment`."""
        return self._render_time_element(at, self.format_relative(at, FUTURE), FUTURE)

    def render_clock(self, at: datetime) -> SafeString:
        """The time of the clock, with the exact one behind it."""
        return self._render_time_element(at, self.format_clock(at), "")

    def render_relative_and_clock(self, at: datetime, side: str = PAST) -> SafeString:
        """How long it is, and the time of the clock beside it."""
        relative = self._render_time_element(at, self.format_relative(at, side), side)
        return SafeString(
            f'{relative} <span class="fact-exact">{escape(self.format_clock(at))}</span>'
        )  # nosec B703

    def render_relative_cell(self, at: datetime, side: str = PAST) -> SafeString:
        """How long ago it is, for a list: reached by touch, shown while its row has the focus.

        A stop for the Tab key on every time of every row would make the list a desert to cross.
        """
        return self._render_time_element(at, self.format_relative(at, side), side, stop="-1")

    def render_clock_cell(self, at: datetime) -> SafeString:
        """The time of the clock, for a list or a table; no stop for the Tab key."""
        return self._render_time_element(at, self.format_clock(at), "", stop="-1")

    def render_time_of_day(self, at: datetime) -> SafeString:
        """`14:05:12` in a list whose heading names the day."""
        return self._render_time_element(at, f"{at.astimezone(self.zone):%H:%M:%S}", "", stop="-1")

    def format_time_range(self, start: datetime, end: datetime | None) -> str:
        """`23 Nov, 14:05 to 16:20`; the second day is named where it is another. None: now."""
        if end is None:
            return _("%(start)s until now") % {"start": self.format_clock(start)}
        is_same_day = start.astimezone(self.zone).date() == end.astimezone(self.zone).date()
        # "19 Nov, 03:30 to 03:44" would read as a quarter of an hour, also where it ends today.
        end_text = (
            self.format_hour_minute(end)
            if is_same_day
            else self.format_clock(end, names_today=True)
        )
        return _("%(start)s to %(end)s") % {"start": self.format_clock(start), "end": end_text}

    def format_hour_minute(self, at: datetime) -> str:
        """`14:05`, whatever the day."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def format_date(self, at: datetime) -> str:
        """`23 Nov`."""
        return _format_date(at.astimezone(self.zone).date(), _DAY_AND_MONTH, self.language)

    def format_day_heading(self, at: datetime) -> str:
        """`Today`, `Yesterday`, else `Sunday, 1 Mar 2026`."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone).date()
        near_day = {0: _("Today"), 1: _("Yesterday")}.get((today - local.date()).days)
        return near_day or _format_date(local.date(), _WEEKDAY_AND_DAY, self.language)

    def _render_time_element(
        self, at: datetime, words: str, side: str, stop: str = "0"
    ) -> SafeString:
        # Every part is ours (numbers, month names, zone names): nothing foreign gets in here.
        # Python's `escape`: Django's asks each argument whether it is a translation still to come.
        exact = html.escape(self.format_exact(at))
        rel = f' data-rel="{side}"' if side else ""
        return SafeString(  # nosec B703
            f'<time datetime="{at.isoformat()[:19]}Z" title="{exact}" '
            f'tabindex="{stop}"{rel}>{html.escape(words)}</time>'
        )


def format_day(day: date) -> str:
    """`8 Mar 2026`."""
    return _format_date(day, _DAY, get_language())


def parse_time(value: object) -> datetime | None:
    """A time as JSON keeps it; None for anything else, and where no calendar can show it."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1 < at.year < 9999 else None


def get_user_time(now: datetime) -> UserTime:
    """For the person whose request is being answered."""
    return UserTime(now=now, zone=timezone.get_current_timezone())


def _format_relative(seconds: float, words: Mapping[str, str]) -> str:
    # Positive seconds are over, negative ones to come; -0.0 and less read as the future.
    size = abs(seconds)
    side = "past" if seconds > 0 else "future"
    if size < 5:
        return words[f"{side}_now"]
    for unit, length, limit in _RELATIVE_UNITS:
        if size < limit:
            number = int(size // length)
            return words[f"{side}_{unit}"].replace("{n}", str(number))
    number = int(size // DAY)
    return words[f"{side}_day"].replace("{n}", str(number))


def browser_time_units_json() -> str:
    """The phrases of relative times as JSON, so that the browser counts on in this language."""
    return _relative_time_phrases_json(get_language())


def format_duration(seconds: float) -> str:
    """A length of time: `20 s`, `15 min`, `6 h`, `3 days`."""
    if seconds < MINUTE:
        return _("%(n)d s") % {"n": seconds}
    if seconds < HOUR:
        return _("%(n)d min") % {"n": round(seconds / MINUTE)}
    if seconds < 2 * DAY:
        hours = seconds / HOUR
        text = f"{hours:.0f}" if hours == int(hours) else f"{hours:.1f}"
        return _("%(n)s h") % {"n": text}
    days = round(seconds / DAY)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def precise_duration(span: timedelta) -> str:
    """A length of time, in seconds up to two hours: 302 s is not 5 min where it is compared."""
    seconds = span.total_seconds()
    exact = seconds < 2 * HOUR and seconds % MINUTE
    return _("%(n)d s") % {"n": round(seconds)} if exact else format_duration(seconds)


def format_interval(hours: int) -> str:
    """How often something comes: `every hour`, `every 6 hours`, `every day`, `every 30 days`."""
    days, rest = divmod(hours, 24)
    if days and not rest:
        return ngettext("every day", "every %(n)d days", days) % {"n": days}
    return ngettext("every hour", "every %(n)d hours", hours) % {"n": hours}


_RELATIVE_UNITS = (("s", 1, MINUTE), ("min", MINUTE, HOUR), ("h", HOUR, 2 * DAY))


def _clamp_to_side(seconds: float, side: str) -> float:
    if side == PAST:
        return max(seconds, 0.001)
    if side == FUTURE:
        return min(seconds, -0.001)
    return seconds


@lru_cache(maxsize=4096)
def _format_exact(at: datetime, zone: tzinfo, language: str | None) -> str:
    # Kept: a list shows the same moments again and again, and this was a tenth of its time.
    local = at.astimezone(zone)
    return _("%(day)s, %(time)s %(zone)s") % {
        "day": _format_date(local.date(), _DAY, language),
        "time": f"{local:%H:%M:%S}",
        "zone": local.tzname(),
    }


_DAY, _DAY_AND_MONTH, _WEEKDAY_AND_DAY = "j M Y", "j M", "l, j M Y"


@lru_cache(maxsize=4096)
def _format_date(day: date, style: str, language: str | None) -> str:
    # Kept, too: many moments lie on few days.
    del language  # part of the cache's key: the month is named in the active language
    return DateFormat(day).format(
        {
            _DAY: pgettext("format of a day", "j M Y"),
            _DAY_AND_MONTH: pgettext("format of a day", "j M"),
            _WEEKDAY_AND_DAY: pgettext("format of a day", "l, j M Y"),
        }[style]
    )


@lru_cache(maxsize=8)
def _relative_time_phrases(language: str | None) -> dict[str, str]:
    del language  # the key of the cache: gettext answers in the active language
    return {
        "past_now": _("just now"),
        "past_s": _("{n} s ago"),
        "past_min": _("{n} min ago"),
        "past_h": _("{n} h ago"),
        "past_day": _("{n} days ago"),
        "future_now": pgettext("very soon", "any moment"),
        "future_s": _("in {n} s"),
        "future_min": _("in {n} min"),
        "future_h": _("in {n} h"),
        "future_day": _("in {n} days"),
    }


@lru_cache(maxsize=8)
def _relative_time_phrases_json(language: str | None) -> str:
    return json.dumps(_relative_time_phrases(language), ensure_ascii=True)
