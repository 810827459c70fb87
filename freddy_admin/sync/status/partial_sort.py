"""Which keys a page of all keys can hold, so that not all of them are sorted for fifty.

The counts say in which states its lines are. Of the last of these, which often is that of most
keys, the first organisations by name are enough. A guess, verified by `is_partial_sort_complete`:
where it was wrong, because names and states are spread unevenly or a check came between, all are
sorted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, STATES_WORST_FIRST, HealthState
from freddy_admin.sync.status.key_expiry import expiry_urgent_cutoff
from freddy_admin.sync.status.queries import NOW_PARAM
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey

_MIN_KEYS = 500  # keys; fewer are sorted in no time


@dataclass(frozen=True, slots=True)
class PartialSort:
    """The states that are needed whole, and the last one; 0 organisations: all of them."""

    whole_states: tuple[HealthState, ...]
    last_state: HealthState
    organisations: int
    urgent: bool  # what expires within days is needed whole, whatever its state

    @property
    def states(self) -> tuple[HealthState, ...]:
        """All that may be in these lines."""
        return (*self.whole_states, self.last_state)


def partial_sort_plan(
    counts: Mapping[HealthState, int], *, urgent: int, line_count: int
) -> PartialSort | None:
    """What the first `line_count` lines, worst first, are taken from; None: simply sort all.

    The `urgent` ones, which expire within days although their state needs nobody, come right
    after those that need somebody, and are among the counts of the later states.
    """
    total, passed_lines, whole_states = sum(counts.values()), 0, list[HealthState]()
    if total < _MIN_KEYS:
        return None
    urgent_ahead = urgent
    for state in (
        state
        for state in STATES_WORST_FIRST
        if counts.get(state) and state is not HealthState.PAUSED
    ):
        count = counts[state]
        if state not in STATES_NEEDING_ACTION:
            count, passed_lines, urgent_ahead = (
                max(1, count - urgent),
                passed_lines + urgent_ahead,
                0,
            )
        if passed_lines + count >= line_count:
            organisations = _organisations_needed(line_count - passed_lines, count / total, total)
            return PartialSort(
                tuple(whole_states), state, organisations, bool(urgent) and not urgent_ahead
            )
        whole_states.append(state)
        passed_lines += count
    return None


def _organisations_needed(lines: int, share: float, total: int) -> int:
    # Twice as many as are needed if each has a single key; powers of two, for few statements.
    count = 1 << int(2 * max(1, lines) / share + 8).bit_length()
    return count if count < total / 4 else 0


def partial_sort_q(plan: PartialSort) -> Q:
    """The condition of all rows that may be on the page: each part of it uses an index."""
    if plan.organisations:
        organisation_ids = Organisation.objects.order_by("name").values("pk")[: plan.organisations]
        condition, whole_states = Q(organisation__in=organisation_ids), plan.whole_states
    else:
        condition, whole_states = Q(), plan.states
    is_stale = Q(unknown_at__lt=NOW_PARAM)
    if HealthState.UNKNOWN in whole_states:
        # With the states, of which there are no others, it is found in the index.
        condition |= Q(state__in=whole_states) | Q(state__in=STATES_WORST_FIRST) & is_stale
    elif whole_states:
        # Not what is unknown by now: of the last state, it would hide those that come before it.
        condition |= Q(state__in=whole_states) & ~is_stale
    if plan.urgent:
        keys = ApiKey.objects.filter(expires_on__lte=expiry_urgent_cutoff(NOW_PARAM))
        condition |= Q(key__in=keys.values("pk"))
    return condition


def is_partial_sort_complete(rows: Sequence[KeyRow], plan: PartialSort, *, lines: int) -> bool:
    """Whether `rows` are the page: as many as there must be, and none from further down."""
    are_in_plan = (
        row.state in plan.states or (plan.urgent and row.is_expiry_urgent) for row in rows
    )
    return len(rows) == lines and all(are_in_plan)
