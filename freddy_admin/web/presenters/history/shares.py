"""Shares of time in words that never say more than is true."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from math import floor

from django.utils.translation import gettext as _

from freddy_admin.sync.history.spans import Share, Span
from freddy_admin.sync.states import State


def share_words(share: Share, of: str) -> str:
    """`98.2 % on time, measured 97 % of the week`; `of` names the window."""
    if share.on_time is None:
        return _("no measured time yet")
    on_time, measured = percent(share.on_time, 1), percent(share.measured, 0)
    words = {"on_time": on_time, "measured": measured, "of": of}
    return _("%(on_time)s on time, measured %(measured)s %(of)s") % words


def percent(share: float, digits: int) -> str:
    """Rounded down: `100 %` is all of it, and a little bit is never `0 %`."""
    scale = 10**digits
    whole = 100 * scale
    # Less than a millionth of a step is the floating point's, not the share's.
    parts = whole if share >= 1 else min(floor(share * whole + 1e-6), whole - 1)
    if parts == 0 and share > 0:
        return _("under %(least)s %%") % {"least": f"{1 / scale:g}"}
    return _("%(n)s %%") % {"n": f"{parts / scale:g}"}


def state_shares(
    spans: Iterable[Span], window: timedelta, named: Callable[[State | None], str]
) -> str:
    """`Up to date 90 %, Overdue 10 %`: how the window was spent, the longest first."""
    lengths: Counter[State | None] = Counter()
    for span in spans:
        lengths[span.state] += span.length / window if window else 0  # type: ignore[assignment]
    return ", ".join(
        f"{named(state)} {percent(part, 0)}"
        for state, part in sorted(lengths.items(), key=lambda pair: -pair[1])
    )
