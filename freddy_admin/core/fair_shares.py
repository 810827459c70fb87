"""Fair shares: whose waiting row is next, so that nobody's many rows hold up anybody's few.

A row counts for its parties: the organisation it belongs to, or the person who asked for it. Who
holds the fewest of a pool's slots gets the next one, and nobody ever holds all of them. Each
process counts what it holds itself: its slots are shared fairly, so those of all processes are.
"""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Any, Final

from django.db.models import Min, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict

Party = tuple[str, Any]  # a column and its value
Parties = tuple[Party, ...]

# So many of the longest waiting rows are read at least. Are there more, they may be of few
# parties: who else waits is asked by a statement that passes over all of those, so now and then.
_SMALLEST_WINDOW: Final = 50
_OTHERS_SECONDS: Final = 0.5

# Of one organisation, or one person, in each kind of request.
MAX_WAITING_REQUESTS: Final = 100


class TooManyWaiting(Conflict):
    """So much waits already that nothing more is taken in."""

    reference = "E009"
    http_status = 429

    @property
    def headers(self) -> dict[str, str]:
        """When to ask again, in seconds: a guess at when the first of them will have begun."""
        return {"Retry-After": "10"}


def waiting_requests_validate_limit(
    *, of_organisation: QuerySet[Any], of_person: QuerySet[Any] | None = None
) -> None:
    """Raises TooManyWaiting where as many of these rows wait as may; one or two statements."""
    if _is_at_limit(of_organisation):
        raise TooManyWaiting(
            _("%(n)d requests of this organisation wait already. Ask again when some have ended.")
            % {"n": MAX_WAITING_REQUESTS}
        )
    if of_person is not None and _is_at_limit(of_person):
        raise TooManyWaiting(
            _("%(n)d of your requests wait already. Ask again when some have ended.")
            % {"n": MAX_WAITING_REQUESTS}
        )


def _is_at_limit(rows: QuerySet[Any]) -> bool:
    return len(rows.order_by().values_list("pk")[:MAX_WAITING_REQUESTS]) >= MAX_WAITING_REQUESTS


class Shares:
    """Who holds how many of a pool's slots; `columns` say which parties a row counts for.

    A column that is null counts for nobody. No party holds more than `limit`.
    """

    def __init__(self, *columns: str, limit: int) -> None:
        self.columns, self.limit = columns, limit
        self._held: Counter[Party] = Counter()
        self._asked_for_others_at: datetime | None = None

    def hold(self, parties: Parties) -> None:
        """One more slot is held for these parties."""
        self._held.update(parties)

    def release(self, parties: Parties) -> None:
        """A slot of these parties is free again."""
        for party in parties:
            self._held[party] -= 1
            if self._held[party] <= 0:
                del self._held[party]

    def pick(self, rows: QuerySet[Any], *, limit: int) -> dict[int, Parties]:
        """Up to `limit` of the waiting `rows` by their ids, with their parties, in fair order.

        Reads as few rows as it can: `rows` are to have an index by their order. Locks nothing.
        """
        if limit < 1:
            return {}
        full_parties = [party for party, count in self._held.items() if count >= self.limit]
        rows = self._exclude(rows, full_parties)
        window = max(_SMALLEST_WINDOW, 2 * limit)
        values = list(rows.values_list("pk", *self.columns)[:window])
        # With a party for each slot, the order of the rows is fair: each gets one at most.
        are_few_parties = len({tuple(columns) for _pk, *columns in values}) < limit
        if len(values) == window and are_few_parties and self._may_ask_for_others():
            values += self._others(rows, values, limit)
        return self._choose(((pk, self._parties(columns)) for pk, *columns in values), limit)

    def _parties(self, values: Iterable[Any]) -> Parties:
        pairs = zip(self.columns, values, strict=True)
        return tuple((column, value) for column, value in pairs if value is not None)

    def _exclude(self, rows: QuerySet[Any], parties: Iterable[Party]) -> QuerySet[Any]:
        values_by_column: dict[str, list[Any]] = {}
        for column, value in parties:
            values_by_column.setdefault(column, []).append(value)
        for column, values in values_by_column.items():
            rows = rows.exclude(**{f"{column}__in": values})
        return rows

    def _may_ask_for_others(self) -> bool:
        now, asked_at = clock.now(), self._asked_for_others_at
        pause = clock.real_seconds_to_panel_duration(_OTHERS_SECONDS)
        if asked_at is not None and abs(now - asked_at) < pause:
            return False
        self._asked_for_others_at = now
        return True

    def _others(
        self, rows: QuerySet[Any], values: Iterable[tuple[Any, ...]], limit: int
    ) -> list[tuple[Any, ...]]:
        """A waiting row of each party that has none among `values`."""
        seen_parties = {party for _pk, *columns in values for party in self._parties(columns)}
        groups = self._exclude(rows, seen_parties).order_by().values_list(*self.columns)
        groups = groups.annotate(first_pk=Min("pk")).order_by("first_pk")[:limit]
        return [(pk, *columns) for *columns, pk in groups]

    def _choose(self, rows: Iterable[tuple[int, Parties]], limit: int) -> dict[int, Parties]:
        ids_by_parties: dict[Parties, deque[int]] = {}
        for pk, parties in rows:
            ids_by_parties.setdefault(parties, deque()).append(pk)
        held, chosen = self._held.copy(), dict[int, Parties]()
        # Among those who hold as many: who waits longest, which is the order of the rows.
        heap = [
            (largest_count(held, parties), place, parties)
            for place, parties in enumerate(ids_by_parties)
        ]
        heapify(heap)
        while heap and len(chosen) < limit:
            count, place, parties = heappop(heap)
            held_now = largest_count(held, parties)
            if held_now >= self.limit and parties:
                continue
            if held_now == count:
                ids = ids_by_parties[parties]
                chosen[ids.popleft()] = parties
                held.update(parties)
                if not ids:
                    continue
                held_now = largest_count(held, parties) if parties else count + 1
            heappush(heap, (held_now, place, parties))
        return chosen


def largest_count(counts: Counter[Party], parties: Parties) -> int:
    """The count of that of the parties which has the largest one; 0 without any party."""
    if len(parties) == 1:
        return counts[parties[0]]
    return max((counts[party] for party in parties), default=0)
