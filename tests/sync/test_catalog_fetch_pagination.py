"""A catalog of many pages is fetched whole, or not at all, and never without an end."""

import time
from typing import Any

import pytest

from freddy_admin.aitronos.types import ApiResponse, AuthConfigList, ConnectorPage
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot
from freddy_admin.vault.models import ApiKey
from tests.sync.catalog_results import (
    CALL_INFO,
    OneEnvironment,
    PagedClient,
    auth_config,
    connector,
    connector_keys,
    connector_page,
    fetch_all,
    request_refresh,
)


@pytest.mark.parametrize(
    ("pages", "offsets", "tool_keys"),
    [
        ([connector_page(total=0)], [0], []),
        # A total above what is sent, then an empty page.
        ([connector_page(connector("a"), total=9), connector_page(total=9)], [0, 1], ["a"]),
        # `returned` is more than what is sent, or less: nothing is left out.
        (
            [
                connector_page(connector("a"), total=2, returned=50),
                connector_page(connector("b"), total=2),
            ],
            [0, 1],
            ["a", "b"],
        ),
        (
            [
                connector_page(connector("a"), connector("b"), total=2, returned=1),
                connector_page(total=2),
            ],
            [0, 1],
            ["a", "b"],
        ),
        # One connector twice: the first stays.
        (
            [
                connector_page(connector("a", display_name="One"), total=2),
                connector_page(connector("a", display_name="Two"), total=2),
            ],
            [0, 1],
            ["a"],
        ),
        # A page that is whole ends it at once.
        ([connector_page(connector("a"), total=1)], [0], ["a"]),
    ],
)
def test_a_fetch_ends_with_the_last_page(
    pages: list[ConnectorPage], offsets: list[int], tool_keys: list[str], key: ApiKey
) -> None:
    request_refresh(key)
    client = PagedClient(*pages)
    fetch_all(client)
    assert (client.requested_offsets, connector_keys(key)) == (offsets, tool_keys)


def test_a_catalog_without_an_end_is_left_after_twenty_pages(key: ApiKey) -> None:
    request_refresh(key)
    client = PagedClient(connector_page(*(connector(f"t{n}") for n in range(100)), total=10**6))
    fetch_all(client)
    assert len(client.requested_offsets) == 20
    snapshot = CatalogSnapshot.objects.get()
    assert (len(snapshot.items), snapshot.total) == (100, 10**6)


def test_a_snapshot_holds_at_most_two_thousand_items(key: ApiKey) -> None:
    request_refresh(key)
    pages = [
        connector_page(*(connector(f"t{200 * start + n}") for n in range(200)), total=4000)
        for start in range(20)
    ]
    fetch_all(PagedClient(*pages))
    snapshot = CatalogSnapshot.objects.get()
    assert (len(snapshot.items), snapshot.total) == (2000, 4000)
    assert snapshot.items[0] == {
        "id": "tool_t0",
        "tool_key": "t0",
        "display_name": "T0",
        "category": "crm",
    }


def test_auth_configs_beyond_two_thousand_are_counted(key: ApiKey) -> None:
    class ManyAuthConfigsClient(OneEnvironment):
        def list_auth_configs(self, *, secret: str, **_: Any) -> ApiResponse[AuthConfigList]:
            items = tuple(auth_config(f"ac_{n}") for n in range(2001))
            return ApiResponse(AuthConfigList(items, 5), CALL_INFO)

    request_refresh(key, CatalogKind.AUTH_CONFIGS)
    fetch_all(ManyAuthConfigsClient())
    snapshot = CatalogSnapshot.objects.get()
    # The total says five and thousands are sent: these are counted.
    assert (len(snapshot.items), snapshot.total) == (2000, 2000)


def test_one_time_limit_holds_for_all_pages_together(
    key: ApiKey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_refresh(key)
    client = PagedClient(
        connector_page(connector("a"), total=9), connector_page(connector("b"), total=9)
    )
    begun_at = time.monotonic()

    def each_call_takes_as_long_as_it_may() -> float:
        return begun_at + len(client.requested_offsets) * float(settings.AITRONOS_TOTAL_TIMEOUT)

    monkeypatch.setattr(time, "monotonic", each_call_takes_as_long_as_it_may)
    fetch_all(client)
    assert len(client.requested_offsets) < 5
    snapshot = CatalogSnapshot.objects.get()
    # Half a catalog is not saved.
    assert (snapshot.error_kind, snapshot.items) == ("total_timeout", [])
