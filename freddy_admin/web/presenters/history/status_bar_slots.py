"""The slots of a status bar: no more than can be distinguished, and none too thin to see."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from freddy_admin.sync.health_states import STATE_RANK, STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.history.state_spans import StateSpan

BAR_WIDTH = 1000
MIN_SLOT_WIDTH = 5  # of BAR_WIDTH: more than a point on a narrow telephone
MAX_SLOTS = BAR_WIDTH // MIN_SLOT_WIDTH
# How much of the bar thin slots may take beyond their share before the picture misleads.
_MAX_WIDENING = BAR_WIDTH * 6 // 100


@dataclass(frozen=True, slots=True)
class StatusBarSlot:
    """From `x` on, `width` wide: this state, alone or (`mixed`) with others in between."""

    start: datetime
    end: datetime
    state: HealthState | None
    mixed: bool
    x: int
    width: int


def status_bar_slots(
    spans: Sequence[StateSpan], start: datetime, end: datetime
) -> list[StatusBarSlot]:
    """A slot per span where that can be drawn; else the dominant state of each small cell.

    A cell in which a state needed action shows that state, however short it was.
    """
    window = end - start
    wanting = sum(max(0.0, MIN_SLOT_WIDTH - BAR_WIDTH * (span.duration / window)) for span in spans)
    if len(spans) <= MAX_SLOTS and wanting <= _MAX_WIDENING:
        return _slot_per_span(
            spans, [round(BAR_WIDTH * ((span.end - start) / window)) for span in spans]
        )
    return list(_merged_slots(spans, start, end))


def _slot_per_span(spans: Sequence[StateSpan], ends: list[int]) -> list[StatusBarSlot]:
    """A slot per span, each at least MIN_SLOT_WIDTH wide: pushed right first, then back left."""
    bounds = [0]
    for end in ends:
        bounds.append(max(end, bounds[-1] + MIN_SLOT_WIDTH))
    bounds[-1] = BAR_WIDTH
    for index in range(len(bounds) - 2, 0, -1):
        bounds[index] = min(bounds[index], bounds[index + 1] - MIN_SLOT_WIDTH)
    return [
        StatusBarSlot(span.start, span.end, span.state, mixed=False, x=x, width=next_x - x)
        for span, x, next_x in zip(spans, bounds, bounds[1:], strict=False)
    ]


def _merged_slots(
    spans: Sequence[StateSpan], start: datetime, end: datetime
) -> Iterator[StatusBarSlot]:
    step, cells = (end - start) / MAX_SLOTS, list[tuple[HealthState | None, bool]]()
    for index, lengths in enumerate(_state_durations_per_cell(spans, start, step)):
        state, mixed = _dominant_state(lengths), len(lengths) > 1
        if cells and cells[-1][0] != state:
            yield _slot_of_cells(cells, index, start, step)
            cells = []
        cells.append((state, mixed))
    yield _slot_of_cells(cells, MAX_SLOTS, start, step)


def _slot_of_cells(
    cells: Sequence[tuple[HealthState | None, bool]],
    end_index: int,
    start: datetime,
    step: timedelta,
) -> StatusBarSlot:
    first_index = end_index - len(cells)
    return StatusBarSlot(
        start=start + first_index * step,
        end=start + end_index * step,
        state=cells[0][0],
        mixed=any(mixed for _, mixed in cells),
        x=first_index * MIN_SLOT_WIDTH,
        width=len(cells) * MIN_SLOT_WIDTH,
    )


def _state_durations_per_cell(
    spans: Sequence[StateSpan], start: datetime, step: timedelta
) -> list[dict[HealthState | None, timedelta]]:
    """How long each state lasted in each cell."""
    cells = [defaultdict[HealthState | None, timedelta](timedelta) for _ in range(MAX_SLOTS)]
    for span in spans:
        first, last = int((span.start - start) / step), int((span.end - start) / step)
        for index in range(first, min(last + 1, MAX_SLOTS)):
            cell_start = start + index * step
            overlap = min(span.end, cell_start + step) - max(span.start, cell_start)
            if overlap > timedelta():
                cells[index][span.state] += overlap
    return list(cells)


def _dominant_state(lengths: Mapping[HealthState | None, timedelta]) -> HealthState | None:
    states_needing_action = [
        state for state in lengths if state is not None and state in STATES_NEEDING_ACTION
    ]
    if states_needing_action:
        return min(states_needing_action, key=STATE_RANK.__getitem__)
    return max(lengths, key=lengths.__getitem__, default=None)
