"""How far a page of all keys reaches, so that not all of them are sorted for fifty.

The counts say in which states its lines are. Of the last of these, which often is that of most
keys, the first organisations by name are enough. A guess, which `reached` proves: where it was
wrong, because names and states are spread unevenly or a check came between, all are sorted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.expiry import urgent_until
from freddy_admin.sync.querying import NOW
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import NEEDS_YOU, WORST_FIRST, State
from freddy_admin.vault.models import ApiKey

_WORTH_IT = 500  # keys; fewer are sorted in no time


@dataclass(frozen=True, slots=True)
class Reach:
    """The states that are needed whole, and the last one; 0 organisations: all of them."""

    whole: tuple[State, ...]
    last: State
    organisations: int
    urgent: bool  # what expires within days is needed whole, whatever its state

    @property
    def states(self) -> tuple[State, ...]:
        """All that may be in these lines."""
        return (*self.whole, self.last)


def reach_of(counts: Mapping[State, int], *, urgent: int, until: int) -> Reach | None:
    """What the first `until` lines, worst first, are taken from; None: simply sort all.

    The `urgent` ones, which expire within days although their state needs nobody, come right
    after those that need somebody, and are among the counts of the later states.
    """
    total, passed, whole = sum(counts.values()), 0, list[State]()
    if total < _WORTH_IT:
        return None
    between = urgent
    for state in (one for one in WORST_FIRST if counts.get(one) and one is not State.PAUSED):
        number = counts[state]
        if state not in NEEDS_YOU:
            number, passed, between = max(1, number - urgent), passed + between, 0
        if passed + number >= until:
            organisations = _organisations(until - passed, number / total, total)
            return Reach(tuple(whole), state, organisations, bool(urgent) and not between)
        whole.append(state)
        passed += number
    return None


def _organisations(lines: int, share: float, total: int) -> int:
    # Twice as many as are needed if each has a single key; powers of two, for few statements.
    number = 1 << int(2 * max(1, lines) / share + 8).bit_length()
    return number if number < total / 4 else 0


def within(reach: Reach) -> Q:
    """Rows that may be among those lines, and all that are: each part from an index."""
    if reach.organisations:
        first = Organisation.objects.order_by("name").values("pk")[: reach.organisations]
        wanted, whole = Q(organisation__in=first), reach.whole
    else:
        wanted, whole = Q(), reach.states
    aged = Q(unknown_at__lt=NOW)
    if State.UNKNOWN in whole:
        # With the states, of which there are no others, it is found in the index.
        wanted |= Q(state__in=whole) | Q(state__in=WORST_FIRST) & aged
    elif whole:
        # Not what is unknown by now: of the last state, it would hide those that come before it.
        wanted |= Q(state__in=whole) & ~aged
    if reach.urgent:
        keys = ApiKey.objects.filter(expires_on__lte=urgent_until(NOW))
        wanted |= Q(key__in=keys.values("pk"))
    return wanted


def reached(rows: Sequence[KeyRow], reach: Reach, *, lines: int) -> bool:
    """Whether these are the lines: as many as there must be, and none from further down."""
    near = (row.state in reach.states or (reach.urgent and row.expires_urgently) for row in rows)
    return len(rows) == lines and all(near)
