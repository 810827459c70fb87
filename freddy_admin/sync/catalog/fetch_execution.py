"""One fetch of a catalog: open the secret, make the calls, return the result.

Runs in any thread. It touches the database to renew its lease before a further page, no more.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from freddy_admin.aitronos.client import AitronosClient, ApiClients
from freddy_admin.aitronos.errors import FailureKind, RequestTimedOut
from freddy_admin.aitronos.types import CallInfo, Connector
from freddy_admin.core import clock
from freddy_admin.core.leases import lease_renew
from freddy_admin.sync.catalog.types import CatalogItem
from freddy_admin.sync.checks.budget import CallUsage, call_usage
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.results import (
    CallFailure,
    LocalFailureKind,
    call_failure_from_error,
)
from freddy_admin.sync.key_leases import KeyLease, key_lease_open_secret
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot

log = logging.getLogger(__name__)

MAX_ITEMS = 2_000
MAX_PAGES = 20
PAGE_SIZE = 100
# A catalog of many pages may take as long as so many whole calls.
MAX_DURATION_IN_CALLS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogFetchClaim(KeyLease):
    """A lease on one catalog of a key."""

    kind: CatalogKind
    refresh_requested_at: datetime | None
    organization_id: str = ""  # at Aitronos: as it said, else as entered


@dataclass(frozen=True, slots=True)
class CatalogFetchResult:
    """The result of one claim: a whole catalog, or the reason why there is none."""

    claim: CatalogFetchClaim
    finished_at: datetime
    items: tuple[CatalogItem, ...] = field(default=(), repr=False)
    total: int = 0
    info: CallInfo | None = None
    failure: CallFailure | None = None
    calls: int = 0  # requests sent, of all pages

    @property
    def usage(self) -> CallUsage:
        """What it tells of the budget of calls."""
        usage = call_usage(
            self.info,
            self.failure,
            at=self.finished_at,
            environment=self.claim.environment,
        )
        return replace(usage, calls=self.calls)

    @property
    def key_id(self) -> int:
        """The key whose catalog it is."""
        return self.claim.key_id

    @property
    def token(self) -> str:
        """The token of the lease it ran under."""
        return self.claim.token

    @property
    def is_withheld(self) -> bool:
        """Whether the lease was over before every page had been requested."""
        return self.failure is not None and self.failure.kind == FailureKind.WITHHELD


def catalog_lease_duration() -> timedelta:
    """How long a fetch is leased for: one call, with a margin. Each further page renews it."""
    return check_policy().lease


def catalog_fetch(clients: ApiClients, claim: CatalogFetchClaim) -> CatalogFetchResult:
    """Fetch one whole catalog with this key, in its environment.

    Never raises: errors are in the result.
    """
    sent = _SentRequests()
    try:
        client = clients.for_environment(claim.environment)
        return _FETCHERS[claim.kind](client, claim, sent)
    except Exception as error:  # noqa: BLE001  one key must never take the others with it
        failure = call_failure_from_error(error)
        if failure.kind == LocalFailureKind.INTERNAL:
            # The type alone: the text of an unforeseen error is not ours to vouch for.
            log.error("A list of key %s broke: %s", claim.key_id, type(error).__name__)  # noqa: TRY400
        sent.calls += failure.calls
        return _build_failure_result(claim, failure, sent)


@dataclass(slots=True)
class _SentRequests:
    """How many requests a fetch has sent, also where a later page fails."""

    calls: int = 0


def _fetch_auth_configs(
    client: AitronosClient, claim: CatalogFetchClaim, sent: _SentRequests
) -> CatalogFetchResult:
    response = client.list_auth_configs(
        secret=key_lease_open_secret(claim),
        may_send=claim.deadline.covers,
    )
    sent.calls += response.info.requests_sent
    items = response.value.items[:MAX_ITEMS]
    result = _build_success_result(claim, items, response.value.total, response.info)
    return replace(result, calls=sent.calls)


def _fetch_connectors(
    client: AitronosClient, claim: CatalogFetchClaim, sent: _SentRequests
) -> CatalogFetchResult:
    connectors: dict[str, Connector] = {}
    last_start_at = time.monotonic() + (MAX_DURATION_IN_CALLS - 1) * settings.AITRONOS_TOTAL_TIMEOUT
    offset = 0
    for _ in range(MAX_PAGES):
        if offset and time.monotonic() > last_start_at:
            raise RequestTimedOut(FailureKind.TOTAL_TIMEOUT)
        response = client.list_connectors(
            secret=key_lease_open_secret(claim),
            offset=offset,
            limit=PAGE_SIZE,
            organization_id=claim.organization_id,
            # A fetch of many pages outlasts one lease.
            may_send=partial(_renew_lease, claim) if offset else claim.deadline.covers,
        )
        sent.calls += response.info.requests_sent
        page = response.value
        for connector in page.connectors:
            connectors.setdefault(connector.tool_key, connector)
        # The count and the items may differ: to see a connector twice is better than to miss one.
        step = min(page.returned, len(page.connectors))
        offset += step
        if not step or offset >= page.total:
            break
    items = tuple(connectors.values())[:MAX_ITEMS]
    result = _build_success_result(claim, items, page.total, response.info)
    return replace(result, calls=sent.calls)


def _renew_lease(claim: CatalogFetchClaim, seconds: float) -> bool:
    """Whether the lease is still ours, renewed for a call of so many real seconds."""
    deadline = lease_renew(
        CatalogSnapshot.objects.filter(pk=claim.row_id),
        token=claim.token,
        duration=catalog_lease_duration(),
    )
    return deadline is not None and deadline.covers(seconds)


def _build_success_result(
    claim: CatalogFetchClaim, items: tuple[CatalogItem, ...], total: int, info: CallInfo
) -> CatalogFetchResult:
    return CatalogFetchResult(
        claim=claim,
        finished_at=clock.now(),
        items=items,
        total=max(total, len(items)),
        info=info,
    )


def _build_failure_result(
    claim: CatalogFetchClaim, failure: CallFailure, sent: _SentRequests
) -> CatalogFetchResult:
    return CatalogFetchResult(
        claim=claim, finished_at=clock.now(), failure=failure, calls=sent.calls
    )


_Fetcher = Callable[[AitronosClient, CatalogFetchClaim, _SentRequests], CatalogFetchResult]
_FETCHERS: dict[CatalogKind, _Fetcher] = {
    CatalogKind.AUTH_CONFIGS: _fetch_auth_configs,
    CatalogKind.CONNECTORS: _fetch_connectors,
}
