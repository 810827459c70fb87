"""Catalog snapshots and switch operations, as a worker would have stored them."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import (
    CatalogKind,
    CatalogSnapshot,
    OperationKind,
    OperationState,
    RemoteOperation,
)
from freddy_admin.vault.models import ApiKey

ORGANISATION_URL = "/organisations/alder/"
CONNECTORS_URL = f"{ORGANISATION_URL}connectors/"
AUTH_CONFIGS_URL = f"{ORGANISATION_URL}auth-configs/"


def connector_item(tool_key: str, **more: Any) -> dict[str, Any]:
    defaults = {"id": f"tool_{tool_key}", "tool_key": tool_key, "display_name": tool_key.title()}
    return defaults | more


def create_snapshot(
    key: ApiKey,
    *items: dict[str, Any],
    kind: CatalogKind = CatalogKind.CONNECTORS,
    ago: float = 4,
    **more: Any,
) -> CatalogSnapshot:
    """A successful snapshot of `ago` minutes ago, apart from what a test changes."""
    at = clock.now() - timedelta(minutes=ago)
    defaults: dict[str, Any] = {"total": len(items), "observed_at": at, "checked_at": at}
    return CatalogSnapshot.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        key_version=key.version,
        kind=kind,
        items=list(items),
        **defaults | more,
    )


def create_switch_operation(
    key: ApiKey, tool_key: str, state: OperationState, **more: Any
) -> RemoteOperation:
    """A connector switched off by Ana a minute ago, apart from what a test changes."""
    at = clock.now() - timedelta(minutes=1)
    defaults: dict[str, Any] = {
        "enable": False,
        "tool_name": tool_key.title(),
        "requested_at": at,
        "requested_by": "Ana (ana@example.org)",
        "finished_at": at + timedelta(seconds=2),
    }
    return RemoteOperation.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        key_version=key.version,
        kind=OperationKind.SWITCH,
        state=state,
        tool_key=tool_key,
        **defaults | more,
    )


def time_minutes_ago(number: float) -> datetime:
    return clock.now() - timedelta(minutes=number)


def get_page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def visible_text_of(page: str) -> str:
    """The text of a page without its markup."""
    inline = re.sub(r"</?(time|a|span|strong|code)[^>]*>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", inline).split())


def request_live_update(client: Client, shown_digests: str, address: str):  # type: ignore[no-untyped-def]
    return client.get(
        address, headers={"x-live": "1", "x-seen": shown_digests, "hx-request": "true"}
    )


def listed_names(page: str) -> list[str]:
    """The names of the rows of a catalog page, in order."""
    return re.findall(r'class="catalog-name">\s*<strong>([^<]*)<', page)
