"""Shares of time in words, rounded so that they never claim too much."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from math import floor

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.state_spans import StateSpan, UpToDateShare
from freddy_admin.web.presenters.history.time_windows import TimeWindow
from freddy_admin.wording.sentences import Phrases, Sentence, say


def on_time_share(share: UpToDateShare, window: TimeWindow) -> Sentence:
    """`98.2 % on time, measured 97 % of the week`, as a clause."""
    if share.up_to_date is None:
        return say(_("no measured time yet"))
    return say(
        window.share_text,
        on_time=format_percent_rounded_down(share.up_to_date, 1),
        measured=format_percent_rounded_down(share.measured_share, 0),
    )


def format_percent_rounded_down(share: float, digits: int) -> str:
    """Rounded down: `100 %` is all of it, and a little bit is never `0 %`."""
    scale = 10**digits
    whole = 100 * scale
    # Less than a millionth of a step is the floating point's, not the share's.
    parts = whole if share >= 1 else min(floor(share * whole + 1e-6), whole - 1)
    if parts == 0 and share > 0:
        return _("under %(least)s %%") % {"least": number_format(f"{1 / scale:g}")}
    return _("%(n)s %%") % {"n": number_format(f"{parts / scale:g}")}


def state_shares(
    spans: Iterable[StateSpan], window: timedelta, state_label: Callable[[HealthState | None], str]
) -> Phrases:
    """`Up to date 90 %, Overdue 10 %`: how the window was spent, the longest first."""
    lengths: Counter[HealthState | None] = Counter()
    for span in spans:
        lengths[span.state] += span.duration / window if window else 0  # type: ignore[assignment]
    shares = (
        say(
            _("{state} {percent}"),
            state=state_label(state),
            percent=format_percent_rounded_down(part, 0),
        )
        for state, part in sorted(lengths.items(), key=lambda pair: -pair[1])
    )
    return Phrases(tuple(shares), ", ")
