"""One list: open the secret, make the calls, say how it ended. No database, any thread."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError, FailureKind, TimedOut
from freddy_admin.aitronos.types import CallInfo, Connector
from freddy_admin.core import clock
from freddy_admin.sync.claims import SealedClaim, claim_secret
from freddy_admin.sync.lists.rows import Item
from freddy_admin.sync.models import ListingKind
from freddy_admin.sync.outcomes import OwnFailure, Problem, problem_of
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit

log = logging.getLogger(__name__)

MOST_ITEMS = 2_000
MOST_PAGES = 20
PER_PAGE = 100
# A list of many pages may take as long as so many whole calls.
CALLS_LONG = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingClaim(SealedClaim):
    """One list that is ours to fetch; its token is its own, for a key may have two under way."""

    kind: ListingKind
    wanted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListingEnded:
    """The end of one claim: a whole list, or the reason why there is none."""

    claim: ListingClaim
    finished_at: datetime
    items: tuple[Item, ...] = field(default=(), repr=False)
    total: int = 0
    info: CallInfo | None = None
    problem: Problem | None = None

    @property
    def key_id(self) -> int:
        """Whose list it is."""
        return self.claim.key_id

    @property
    def token(self) -> str:
        """The lease it ran under."""
        return self.claim.token

    @property
    def withheld(self) -> bool:
        """It was not asked for, or not whole: the lease was over before a page of it."""
        return self.problem is not None and self.problem.kind == FailureKind.WITHHELD


def listing_perform(client: AitronosClient, claim: ListingClaim) -> ListingEnded:
    """Fetch one whole list with this key. Never raises: every end is a `ListingEnded`."""
    try:
        return _FETCH[claim.kind](client, claim)
    except KeyUnreadable:
        return _failed(claim, Problem(kind=OwnFailure.KEY_UNREADABLE))
    except MasterKeyMisfit:
        return _failed(claim, Problem(kind=OwnFailure.MASTER_KEY_MISFIT))
    except AitronosError as error:
        return _failed(claim, problem_of(error))
    except Exception as error:  # noqa: BLE001  one key must never take the others with it
        # The type alone: the text of an unforeseen error is not ours to vouch for.
        log.error("A list of key %s broke: %s", claim.key_id, type(error).__name__)  # noqa: TRY400
        return _failed(claim, Problem(kind=OwnFailure.INTERNAL))


def _auth_configs(client: AitronosClient, claim: ListingClaim) -> ListingEnded:
    answer = client.list_auth_configs(
        secret=claim_secret(claim), connection=claim.connection, may_send=claim.age.covers
    )
    items = answer.value.items[:MOST_ITEMS]
    return _whole(claim, items, answer.value.total, answer.info)


def _connectors(client: AitronosClient, claim: ListingClaim) -> ListingEnded:
    found: dict[str, Connector] = {}
    last_start = time.monotonic() + (CALLS_LONG - 1) * settings.AITRONOS_TOTAL_TIMEOUT
    offset = 0
    for _ in range(MOST_PAGES):
        if offset and time.monotonic() > last_start:
            raise TimedOut(FailureKind.TOTAL_TIMEOUT)
        answer = client.list_connectors(
            secret=claim_secret(claim),
            connection=claim.connection,
            offset=offset,
            limit=PER_PAGE,
            may_send=claim.age.covers,
        )
        page = answer.value
        for one in page.connectors:
            found.setdefault(one.tool_key, one)
        # What is counted and what came may differ: to see one twice is better than to miss one.
        step = min(page.returned, len(page.connectors))
        offset += step
        if not step or offset >= page.total:
            break
    items = tuple(found.values())[:MOST_ITEMS]
    return _whole(claim, items, page.total, answer.info)


def _whole(
    claim: ListingClaim, items: tuple[Item, ...], total: int, info: CallInfo
) -> ListingEnded:
    return ListingEnded(
        claim=claim,
        finished_at=clock.now(),
        items=items,
        total=max(total, len(items)),
        info=info,
    )


def _failed(claim: ListingClaim, problem: Problem) -> ListingEnded:
    return ListingEnded(claim=claim, finished_at=clock.now(), problem=problem)


_FETCH: dict[ListingKind, Callable[[AitronosClient, ListingClaim], ListingEnded]] = {
    ListingKind.AUTH_CONFIGS: _auth_configs,
    ListingKind.CONNECTORS: _connectors,
}
