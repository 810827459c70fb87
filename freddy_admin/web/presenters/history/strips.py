"""A strip of time by state: the height says how well it was, so that colour is not needed.

Drawn here, in units of its own that the page stretches over the width it has.
"""

from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.history.spans import KeyHistory, Span
from freddy_admin.sync.states import NEEDS_YOU, State
from freddy_admin.web.presenters.history.shares import share_words, state_shares
from freddy_admin.web.presenters.history.strip_pieces import Piece, pieces
from freddy_admin.web.presenters.history.windows import Window
from freddy_admin.web.presenters.states import LOOKS, QUIET
from freddy_admin.web.presenters.times import Reading

HEIGHT, SWATCH = 24, 24


@dataclass(frozen=True, slots=True)
class Mark:
    """How a state is drawn: a bar of this height from the ground, a dotted line, or nothing."""

    shape: str
    height: int
    tone: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One window: its name, how much was on time, and the whole in a sentence."""

    name: str
    share: str
    label: str
    drawing: SafeString


@dataclass(frozen=True, slots=True)
class LegendItem:
    """What a height and a colour mean; the drawing is SWATCH wide."""

    drawing: SafeString
    words: str


def strip(history: KeyHistory, window: Window, on: Reading) -> Strip:
    """The strip of this window of a key's history."""
    part = history.last(window.length)
    share = share_words(part.share, str(window.of))
    spread = state_shares(part.spans, part.end - part.start, _word)
    return Strip(
        name=str(window.name),
        share=share,
        label=f"{window.name}: {share}. {spread}.",
        drawing=format_html_join(
            "", "{}", ((_piece(one, on),) for one in pieces(part.spans, part.start, part.end))
        ),
    )


def legend(spans: tuple[Span, ...]) -> list[LegendItem]:
    """The states that occur, the best first, each as it is drawn."""
    occur = {span.state for span in spans}
    known = [state for state in reversed(State) if state in occur]
    drawn = sorted(known, key=lambda state: -mark_of_state(state).height)
    shown = [*drawn, *([None] if None in occur else [])]
    return [LegendItem(_drawn(mark_of_state(one), 0, SWATCH), _word(one)) for one in shown]


def mark_of_state(state: State | None) -> Mark:
    """How this state is drawn."""
    if state is None:
        return NOTHING
    if state is State.PAUSED:
        return Mark("dots", 2, QUIET)
    usual = THIRD if state in NEEDS_YOU else 2 * THIRD
    return Mark("bar", _HEIGHTS.get(state, usual), LOOKS[state].tone)


THIRD, THIN = HEIGHT // 3, 3
NOTHING = Mark("nothing", HEIGHT, QUIET)
_HEIGHTS = {State.UP_TO_DATE: HEIGHT, State.UNKNOWN: THIN, State.NOT_CHECKED: THIN}


def _word(state: State | None) -> str:
    return str(state.label) if state else _("Not watched yet")


def _piece(piece: Piece, on: Reading) -> SafeString:
    end = piece.end if piece.end < on.now else None
    words = {"state": _word(piece.state), "when": on.stretch(piece.start, end)}
    if not piece.mixed:
        title = _("%(state)s, %(when)s") % words
    elif piece.state in NEEDS_YOU:
        title = _("%(state)s at times, %(when)s") % words
    else:
        title = _("Mostly: %(state)s, %(when)s") % words
    return _drawn(mark_of_state(piece.state), piece.x, piece.width, title)


def _drawn(mark: Mark, x: int, width: int, title: str = "") -> SafeString:
    named = format_html("<title>{}</title>", title) if title else ""
    if mark.shape == "dots":
        return format_html(
            '<path class="strip-dots" d="M{} {}h{}" vector-effect="non-scaling-stroke">{}</path>',
            x,
            HEIGHT - mark.height,
            width,
            named,
        )
    return format_html(
        '<rect class="strip-{} tone-{}" x="{}" y="{}" width="{}" height="{}">{}</rect>',
        mark.shape,
        mark.tone,
        x,
        HEIGHT - mark.height,
        width,
        mark.height,
        named,
    )
