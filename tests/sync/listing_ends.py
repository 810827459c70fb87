"""Lists and their ends, as a test says they are."""

import time
from datetime import datetime
from typing import Any

from freddy_admin.aitronos.types import Answer, AuthConfig, CallInfo, Connector, ConnectorPage
from freddy_admin.core import clock
from freddy_admin.sync.lists.calls import (
    ListingClaim,
    ListingEnded,
    listing_claims_take,
    listing_perform,
    listings_store,
)
from freddy_admin.sync.lists.rows import Item
from freddy_admin.sync.lists.services import listing_ask, listing_read
from freddy_admin.sync.models import Listing, ListingKind
from freddy_admin.sync.outcomes import Problem
from freddy_admin.vault.models import ApiKey

CONNECTORS = ListingKind.CONNECTORS
INFO = CallInfo(
    http_status=200,
    request_id="req-1",
    trace_id="",
    organization_id="org_1",
    processing_ms=None,
    elapsed_ms=12.0,
    attempts=1,
)


def connector(tool_key: str, **more: Any) -> Connector:
    plain: dict[str, Any] = {
        "id": f"tool_{tool_key}",
        "tool_key": tool_key,
        "display_name": tool_key.title(),
        "description": "",
        "category": "crm",
        "is_connected": None,
        "connection_id": "",
        "release_channel": "",
    }
    return Connector(**plain | more)


def auth_config(name: str, created_at: datetime | None = None) -> AuthConfig:
    return AuthConfig(id=name, toolkit="gmail", type="default", created_at=created_at)


def taken() -> ListingClaim:
    """The one list that is wanted, taken."""
    (claim,) = listing_claims_take(limit=5, now=clock.now())
    return claim


def brought(claim: ListingClaim, *items: Item, total: int | None = None) -> ListingEnded:
    return ListingEnded(
        claim=claim,
        finished_at=clock.now(),
        items=items,
        total=len(items) if total is None else total,
        info=INFO,
    )


def failed(claim: ListingClaim, kind: str = "read_timeout", **more: Any) -> ListingEnded:
    problem = Problem(kind=kind, **more)
    return ListingEnded(claim=claim, finished_at=clock.now(), problem=problem)


def fill(key: ApiKey, *items: Item, kind: ListingKind = CONNECTORS) -> Listing:
    """The key's list, fetched just now."""
    row, _ = Listing.objects.update_or_create(
        key=key,
        kind=kind,
        defaults={"wanted_at": clock.now()},
        create_defaults={
            "organisation_id": key.organisation_id,
            "key_version": key.version,
            "wanted_at": clock.now(),
        },
    )
    listings_store([brought(taken(), *items)])
    row.refresh_from_db()
    return row


def page(*tools: Connector, total: int, returned: int | None = None) -> ConnectorPage:
    count = len(tools) if returned is None else returned
    return ConnectorPage(connectors=tools, categories=(), total=total, returned=count)


class Pages:
    """A client that hands out these pages, one a call."""

    def __init__(self, *pages: ConnectorPage, takes: float = 0.0) -> None:
        self.pages, self.takes, self.asked = list(pages), takes, list[int]()

    def list_connectors(
        self, *, secret: str, offset: int = 0, limit: int = 100, **_: Any
    ) -> Answer[ConnectorPage]:
        self.asked.append(offset)
        time.sleep(self.takes)
        return Answer(self.pages[min(len(self.asked), len(self.pages)) - 1], INFO)


def want(key: ApiKey, kind: ListingKind = CONNECTORS) -> None:
    listing_ask(organisation=key.organisation, key=key, kind=kind, now=clock.now())


def run(client: Any) -> list[ListingEnded]:
    """Everything that is wanted, fetched and stored."""
    claims = listing_claims_take(limit=10, now=clock.now())
    ended = [listing_perform(client, claim) for claim in claims]
    listings_store(ended)
    return ended


def names(key: ApiKey) -> list[str]:
    """What is listed for it, by key."""
    view = listing_read(organisation=key.organisation, key=key, kind=CONNECTORS)
    return [one.tool_key for one in view.connectors]
