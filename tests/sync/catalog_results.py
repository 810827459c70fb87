"""Catalog items and fetch results made up for tests, and clients that return them."""

from collections.abc import Callable
from typing import Any

from freddy_admin.aitronos.errors import FailureKind, RequestWithheld
from freddy_admin.aitronos.types import (
    ApiResponse,
    AuthConfig,
    CallInfo,
    Connector,
    ConnectorPage,
)
from freddy_admin.core import clock
from freddy_admin.sync.catalog.fetch_execution import (
    CatalogFetchClaim,
    CatalogFetchResult,
    catalog_fetch,
)
from freddy_admin.sync.catalog.fetch_leases import catalog_fetches_claim, catalog_results_save
from freddy_admin.sync.catalog.selectors import catalog_items_get
from freddy_admin.sync.catalog.services import catalog_request_refresh
from freddy_admin.sync.catalog.types import CatalogItem
from freddy_admin.sync.checks.results import CallFailure
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot
from freddy_admin.vault.models import ApiKey

CONNECTORS = CatalogKind.CONNECTORS
CALL_INFO = CallInfo(
    request_id="req-1",
    trace_id="",
    organization_id="org_1",
    elapsed_ms=12.0,
    attempts=1,
)


def connector(tool_key: str, **changes: Any) -> Connector:
    values: dict[str, Any] = {
        "id": f"tool_{tool_key}",
        "tool_key": tool_key,
        "display_name": tool_key.title(),
        "description": "",
        "category": "crm",
        "is_connected": None,
        "connection_id": "",
        "release_channel": "",
    }
    return Connector(**values | changes)


def auth_config(name: str, created_at: str = "") -> AuthConfig:
    return AuthConfig(id=name, toolkit="gmail", type="default", created_at=created_at)


def claim_single_fetch() -> CatalogFetchClaim:
    """Claim the only requested fetch."""
    (claim,) = catalog_fetches_claim(limit=5, now=clock.now())
    return claim


def fetch_succeeded(
    claim: CatalogFetchClaim, *items: CatalogItem, total: int | None = None
) -> CatalogFetchResult:
    return CatalogFetchResult(
        claim=claim,
        finished_at=clock.now(),
        items=items,
        total=len(items) if total is None else total,
        info=CALL_INFO,
    )


def fetch_failed(
    claim: CatalogFetchClaim, kind: str = "read_timeout", **more: Any
) -> CatalogFetchResult:
    failure = CallFailure(kind=kind, **more)
    return CatalogFetchResult(claim=claim, finished_at=clock.now(), failure=failure)


def store_catalog(
    key: ApiKey, *items: CatalogItem, kind: CatalogKind = CONNECTORS
) -> CatalogSnapshot:
    """Save these items as the key's catalog, fetched just now."""
    snapshot, _ = CatalogSnapshot.objects.update_or_create(
        key=key,
        kind=kind,
        defaults={"refresh_requested_at": clock.now()},
        create_defaults={
            "organisation_id": key.organisation_id,
            "key_version": key.version,
            "refresh_requested_at": clock.now(),
        },
    )
    catalog_results_save([fetch_succeeded(claim_single_fetch(), *items)])
    snapshot.refresh_from_db()
    return snapshot


def connector_page(*tools: Connector, total: int, returned: int | None = None) -> ConnectorPage:
    count = len(tools) if returned is None else returned
    return ConnectorPage(connectors=tools, categories=(), total=total, returned=count)


class OneEnvironment:
    """A client made up for tests is the one of every environment."""

    def for_environment(self, name: str) -> Any:
        del name
        return self


class PagedClient(OneEnvironment):
    """A client that returns these pages, one a call, each after `takes` seconds.

    It sends nothing that the caller's lease does not cover for `call_seconds`.
    """

    def __init__(self, *pages: ConnectorPage, call_seconds: float = 1.0) -> None:
        self.pages, self.requested_offsets = list(pages), list[int]()
        self.call_seconds = call_seconds
        self.before_answer: Callable[[], object] = lambda: None

    def list_connectors(
        self, *, offset: int = 0, may_send: Callable[[float], bool], **_: Any
    ) -> ApiResponse[ConnectorPage]:
        if not may_send(self.call_seconds):
            raise RequestWithheld(FailureKind.WITHHELD)
        self.requested_offsets.append(offset)
        self.before_answer()
        return ApiResponse(
            self.pages[min(len(self.requested_offsets), len(self.pages)) - 1], CALL_INFO
        )


def request_refresh(key: ApiKey, kind: CatalogKind = CONNECTORS) -> None:
    catalog_request_refresh(organisation=key.organisation, key=key, kind=kind, now=clock.now())


def fetch_all(client: Any) -> list[CatalogFetchResult]:
    """Fetch and save every requested catalog; returns the results."""
    claims = catalog_fetches_claim(limit=10, now=clock.now())
    results = [catalog_fetch(client, claim) for claim in claims]
    catalog_results_save(results)
    return results


def connector_keys(key: ApiKey) -> list[str]:
    """The tool keys of the connectors in the key's catalog."""
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=CONNECTORS)
    return [connector.tool_key for connector in stored_items]
