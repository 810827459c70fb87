"""Lists in the database, as a worker would have stored them."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import Listing, ListingKind, Order, OrderKind, OrderState
from freddy_admin.vault.models import ApiKey

HERE = "/organisations/alder/"
CONNECTORS, AUTH = f"{HERE}connectors/", f"{HERE}auth-configs/"


def connector(tool_key: str, **more: Any) -> dict[str, Any]:
    plain = {"id": f"tool_{tool_key}", "tool_key": tool_key, "display_name": tool_key.title()}
    return plain | more


def listed(
    key: ApiKey,
    *items: dict[str, Any],
    kind: ListingKind = ListingKind.CONNECTORS,
    ago: float = 4,
    **more: Any,
) -> Listing:
    """A good list of `ago` minutes ago, apart from what a test changes."""
    at = clock.now() - timedelta(minutes=ago)
    plain: dict[str, Any] = {"total": len(items), "observed_at": at, "checked_at": at}
    return Listing.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        key_version=key.version,
        kind=kind,
        items=list(items),
        **plain | more,
    )


def ordered(key: ApiKey, tool_key: str, state: OrderState, **more: Any) -> Order:
    """A connector switched off by Ana a minute ago, apart from what a test changes."""
    at = clock.now() - timedelta(minutes=1)
    plain: dict[str, Any] = {
        "enable": False,
        "tool_name": tool_key.title(),
        "requested_at": at,
        "requested_by": "Ana (ana@example.org)",
        "finished_at": at + timedelta(seconds=2),
    }
    return Order.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        key_version=key.version,
        kind=OrderKind.SWITCH,
        state=state,
        tool_key=tool_key,
        **plain | more,
    )


def minutes_ago(number: float) -> datetime:
    return clock.now() - timedelta(minutes=number)


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(page: str) -> str:
    """What people read, without the markup."""
    inline = re.sub(r"</?(time|a|span|strong|code)[^>]*>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", inline).split())


def live(client: Client, seen: str, address: str):  # type: ignore[no-untyped-def]
    return client.get(address, headers={"x-live": "1", "x-seen": seen, "hx-request": "true"})


def names(page: str) -> list[str]:
    """What a list names, in order."""
    return re.findall(r'class="l-name">\s*<strong>([^<]*)<', page)
