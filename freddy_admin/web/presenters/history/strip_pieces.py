"""What a strip shows of spans: no more pieces than can be told apart, and none too thin to see."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from freddy_admin.sync.history.spans import Span
from freddy_admin.sync.states import NEEDS_YOU, RANK, State

WIDTH = 1000
LEAST = 5  # of WIDTH: more than a point on a narrow telephone
MOST = WIDTH // LEAST
# How much of the strip slivers may take beyond their due before the picture would mislead.
_LENT = WIDTH * 6 // 100


@dataclass(frozen=True, slots=True)
class Piece:
    """From `x` on, `width` wide: this state, alone or (`mixed`) with others in between."""

    start: datetime
    end: datetime
    state: State | None
    mixed: bool
    x: int
    width: int


def pieces(spans: Sequence[Span], start: datetime, end: datetime) -> list[Piece]:
    """The spans as they are where that can be drawn; else what is most of each small cell.

    A cell in which somebody was needed says so, however short it was.
    """
    window = end - start
    wanting = sum(max(0.0, LEAST - WIDTH * (span.length / window)) for span in spans)
    if len(spans) <= MOST and wanting <= _LENT:
        return _one_each(spans, [round(WIDTH * ((span.end - start) / window)) for span in spans])
    return list(_merged(spans, start, end))


def _one_each(spans: Sequence[Span], ends: list[int]) -> list[Piece]:
    """Each span at least LEAST wide: first pushed to the right, then what hangs over back."""
    bounds = [0]
    for end in ends:
        bounds.append(max(end, bounds[-1] + LEAST))
    bounds[-1] = WIDTH
    for place in range(len(bounds) - 2, 0, -1):
        bounds[place] = min(bounds[place], bounds[place + 1] - LEAST)
    return [
        Piece(span.start, span.end, span.state, mixed=False, x=x, width=after - x)
        for span, x, after in zip(spans, bounds, bounds[1:], strict=False)
    ]


def _merged(spans: Sequence[Span], start: datetime, end: datetime) -> Iterator[Piece]:
    step, held = (end - start) / MOST, list[tuple[State | None, bool]]()
    for place, lengths in enumerate(_lengths(spans, start, step)):
        state, mixed = _says(lengths), len(lengths) > 1
        if held and held[-1][0] != state:
            yield _piece(held, place, start, step)
            held = []
        held.append((state, mixed))
    yield _piece(held, MOST, start, step)


def _piece(
    cells: Sequence[tuple[State | None, bool]], after: int, start: datetime, step: timedelta
) -> Piece:
    first = after - len(cells)
    return Piece(
        start=start + first * step,
        end=start + after * step,
        state=cells[0][0],
        mixed=any(mixed for _, mixed in cells),
        x=first * LEAST,
        width=len(cells) * LEAST,
    )


def _lengths(
    spans: Sequence[Span], start: datetime, step: timedelta
) -> list[dict[State | None, timedelta]]:
    """How long each state lasted in each cell."""
    cells = [defaultdict[State | None, timedelta](timedelta) for _ in range(MOST)]
    for span in spans:
        first, last = int((span.start - start) / step), int((span.end - start) / step)
        for place in range(first, min(last + 1, MOST)):
            begins = start + place * step
            within = min(span.end, begins + step) - max(span.start, begins)
            if within > timedelta():
                cells[place][span.state] += within
    return list(cells)


def _says(lengths: Mapping[State | None, timedelta]) -> State | None:
    needing = [state for state in lengths if state is not None and state in NEEDS_YOU]
    if needing:
        return min(needing, key=RANK.__getitem__)
    return max(lengths, key=lengths.__getitem__, default=None)
