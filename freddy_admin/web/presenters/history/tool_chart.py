"""Tools on and all tools over time, as step lines; where nothing was known there is a gap."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from freddy_admin.sync.history.spans import KeyHistory
from freddy_admin.web.presenters.history.windows import DAY, Window
from freddy_admin.web.presenters.times import Reading

WIDTH, HEIGHT = 1000, 200
_DOT = 3  # what was known for a moment alone is still seen
_TOPS = (1, 2, 3, 4, 5, 6, 8)


@dataclass(frozen=True, slots=True)
class Chart:
    """`words` say the essence; the paths are empty where nothing is known."""

    words: str
    enabled: str
    area: str
    total: str
    top: str
    middle: str
    ticks: list[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """From x0 to x1 so many tools were on, of so many."""

    x0: int
    x1: int
    enabled: int
    total: int


def tool_chart(history: KeyHistory, window: Window, on: Reading) -> Chart:
    """The chart of this window of a key's history."""
    part = history.last(window.length)
    known = list(_known(part))
    top = _top(max((max(one.enabled, one.total) for one in known), default=1))

    def height(number: int) -> int:
        return HEIGHT - round(HEIGHT * number / top)

    return Chart(
        words=_words(part, window, on),
        enabled="".join(_line(known, lambda one: height(one.enabled))),
        area="".join(_area(known, lambda one: height(one.enabled))),
        total="".join(_line(known, lambda one: height(one.total))),
        top=f"{top:,}",
        middle=f"{top // 2:,}",
        ticks=_ticks(part, window, on),
    )


def _known(part: KeyHistory) -> Iterator[_Known]:
    """What was known, in units of the chart; of several steps in one unit the last is drawn."""
    window = part.end - part.start
    ends = [*(step.at for step in part.tools[1:]), part.end]
    held: _Known | None = None
    for step, until in zip(part.tools, ends, strict=False):
        x0, x1 = (round(WIDTH * ((at - part.start) / window)) for at in (step.at, until))
        if held is not None and (step.enabled is None or held.x0 < x0):
            yield held
            held = None
        if step.enabled is not None and step.total is not None:
            held = _Known(x0, max(x1, min(x0 + _DOT, WIDTH)), step.enabled, step.total)
    if held is not None:
        yield held


def _line(known: Sequence[_Known], height: Callable[[_Known], int]) -> Iterator[str]:
    before: int | None = None
    for one in known:
        start = "V" if before is not None and one.x0 <= before else f"M{one.x0} "
        yield f"{start}{height(one)}H{one.x1}"
        before = one.x1


def _area(known: Sequence[_Known], height: Callable[[_Known], int]) -> Iterator[str]:
    for one in known:
        yield f"M{one.x0} {HEIGHT}V{height(one)}H{one.x1}V{HEIGHT}Z"


def _top(most: int) -> int:
    """The smallest round, even number that is not below."""
    scale = 1
    while True:
        for digit in _TOPS:
            if digit * scale >= max(most, 2) and digit * scale % 2 == 0:
                return digit * scale
        scale *= 10


def _ticks(part: KeyHistory, window: Window, on: Reading) -> list[str]:
    quarter = (part.end - part.start) / 4
    named = on.hour if window is DAY else on.date
    return [*(named(part.start + n * quarter) for n in range(4)), _("now")]


def _words(part: KeyHistory, window: Window, on: Reading) -> str:
    steps, within = part.tools, str(window.within)
    known = [step for step in steps if step.enabled is not None and step.total is not None]
    if not known:
        return _("No figures of tools %(within)s.") % {"within": within}
    if known[0].at - part.start > window.length / 100:
        # Who was not watched all the time is not told so.
        within = _("since %(at)s") % {"at": on.clock(known[0].at)}
    last, enabled = known[-1], {step.enabled or 0 for step in known}
    words = {
        "on": f"{last.enabled:,}",
        "total": f"{last.total:,}",
        "least": f"{min(enabled):,}",
        "most": f"{max(enabled):,}",
        "within": within,
    }
    if last is steps[-1]:
        now = _("%(on)s of %(total)s tools on") % words
    else:
        now = _("Not known now; last %(on)s of %(total)s tools on") % words
    if len({(step.enabled, step.total) for step in known}) == 1:
        return _("%(now)s, unchanged %(within)s.") % (words | {"now": now})
    if len(enabled) == 1:
        return _("%(now)s; the total changed %(within)s.") % (words | {"now": now})
    return _("%(now)s; between %(least)s and %(most)s %(within)s.") % (words | {"now": now})
