"""How much of a window of a key's history was on time, in words."""

from datetime import datetime
from math import floor

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.timeline import KeyHistory
from freddy_admin.web.pages.history.filters import TimeWindow
from freddy_admin.wording.sentences import render_text, say
from freddy_admin.wording.times import UserTime


def on_time_share(history: KeyHistory, window: TimeWindow, user_time: UserTime) -> str:
    """`98.2 % on time, measured 97 % of the week`, as a clause.

    Time without data is no share: where there is none now, the clause says since when and why, and
    where the history begins within the window, when.
    """
    share, gap = history.restrict_to_last(window.length).up_to_date_share, history.data_gap
    on_time = measured = ""
    if share.up_to_date is not None:
        on_time = format_percent_rounded_down(share.up_to_date, 1)
        measured = format_percent_rounded_down(share.measured_share, 0)
    if gap is not None and gap.state not in {None, HealthState.NOT_CHECKED}:
        if gap.start <= history.start:
            return _("No data in these 30 days: %(state)s") % {"state": gap.state.label}
        parts = {"at": user_time.format_clock(gap.start), "state": gap.state.label}
        if not on_time:
            return _("No data since %(at)s: %(state)s") % parts
        text = _("No data since %(at)s: %(state)s. Before that %(on_time)s on time")
        return text % (parts | {"on_time": on_time})
    begins_at = history.begins_at
    if begins_at is not None and begins_at > history.end - window.length:
        begin = _history_begin(begins_at, user_time)
        if not on_time:
            return begin
        return _("%(begin)s: %(on_time)s on time since") % {"begin": begin, "on_time": on_time}
    if not on_time:
        return _("no measured time yet")
    return render_text(say(window.share_text, on_time=on_time, measured=measured))


def _history_begin(at: datetime, user_time: UserTime) -> str:
    if at.astimezone(user_time.zone).date() == user_time.now.astimezone(user_time.zone).date():
        return _("History begins today")
    return _("History begins %(day)s") % {"day": user_time.format_date(at)}


def format_percent_rounded_down(share: float, digits: int) -> str:
    """Rounded down: `100 %` is all of it, and a little bit is never `0 %`."""
    scale = 10**digits
    whole = 100 * scale
    # Less than a millionth of a step is the floating point's, not the share's.
    parts = whole if share >= 1 else min(floor(share * whole + 1e-6), whole - 1)
    if parts == 0 and share > 0:
        return _("under %(least)s %%") % {"least": number_format(f"{1 / scale:g}")}
    return _("%(n)s %%") % {"n": number_format(f"{parts / scale:g}")}
