"""The worker's kinds of work beside each other: checks, and the errands that people wait for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.core import clock
from freddy_admin.sync.candidates import (
    candidate_claims_release,
    candidate_claims_take,
    candidates_store,
)
from freddy_admin.sync.checks import check_perform
from freddy_admin.sync.imports import (
    ImportClaim,
    ImportTested,
    import_claims_release,
    import_claims_take,
    import_perform,
    imports_keep,
    imports_store,
)
from freddy_admin.sync.leases import Claim, claims_release
from freddy_admin.sync.lists.calls import (
    ListingClaim,
    ListingEnded,
    listing_claims_release,
    listing_claims_take,
    listing_perform,
    listings_store,
)
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.orders.calls import (
    OrderClaim,
    OrderEnded,
    order_claims_take,
    order_perform,
)
from freddy_admin.sync.orders.results import (
    order_claims_abandon,
    orders_expire,
    orders_lose,
    orders_store,
)
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.rounds import CallPool

PARALLEL = 64
CANDIDATES_AT_ONCE = 8
IMPORTS_AT_ONCE = 8
LISTS_AT_ONCE = 4
# A sync holds its slot for minutes: so many may run before others wait.
ORDERS_AT_ONCE = 16

Checks = CallPool[Claim, Checked, KeySync]


def checks_pool(client: AitronosClient, parallel: int) -> Checks:
    """Where keys are checked."""
    return CallPool(
        client,
        parallel=parallel,
        # As many again as run: they begin within one call's time limit, not half of a lease.
        backlog=parallel,
        perform=check_perform,
        store=checks_store,
        release=claims_release,
    )


class Errands:
    """Candidates, imports, orders and lists: each kind has threads of its own."""

    def __init__(self, client: AitronosClient) -> None:
        self._candidates: CallPool[Claim, Checked, int] = CallPool(
            client,
            parallel=CANDIDATES_AT_ONCE,
            perform=check_perform,
            store=candidates_store,
            release=candidate_claims_release,
            name="candidate",
        )
        self._imports: CallPool[ImportClaim, ImportTested, int] = CallPool(
            client,
            parallel=IMPORTS_AT_ONCE,
            perform=import_perform,
            store=imports_store,
            release=import_claims_release,
            name="import",
        )
        # No backlog: an order that is claimed is sent at once, or nobody could say whether it was.
        self._orders: CallPool[OrderClaim, OrderEnded, int] = CallPool(
            client,
            parallel=ORDERS_AT_ONCE,
            perform=order_perform,
            store=orders_store,
            release=_abandon,
            name="order",
        )
        self._lists: CallPool[ListingClaim, ListingEnded, int] = CallPool(
            client,
            parallel=LISTS_AT_ONCE,
            perform=listing_perform,
            store=listings_store,
            release=listing_claims_release,
            name="list",
        )

    @property
    def running(self) -> int:
        """How many are under way."""
        return sum(pool.running for pool in self._pools)

    def take(self, *, now: datetime) -> bool:
        """Take what waits; whether anything did."""
        found = [
            self._candidates.submit(candidate_claims_take(limit=self._candidates.free, now=now)),
            self._imports.submit(import_claims_take(limit=self._imports.free, now=now)),
            imports_keep(),
            orders_lose(now=now),
            orders_expire(now=now),
            self._orders.submit(order_claims_take(limit=self._orders.free, now=now)),
            self._lists.submit(listing_claims_take(limit=self._lists.free, now=now)),
        ]
        return any(found)

    def collect(self) -> int:
        """Store what has ended; how many."""
        return sum(len(pool.collect(wait=0)[0]) for pool in self._pools)

    def stop(self) -> None:
        """Give back what can be given back, and say of the rest that nobody knows."""
        for pool in self._pools:
            pool.stop()

    @property
    def _pools(self) -> tuple["CallPool[Any, Any, Any]", ...]:
        return self._candidates, self._imports, self._orders, self._lists


def _abandon(claims: Sequence[OrderClaim]) -> None:
    order_claims_abandon(claims, now=clock.now())
