"""A list of many pages is fetched whole, or not at all, and never without an end."""

from typing import Any

import pytest

from freddy_admin.aitronos.types import Answer, AuthConfigs, ConnectorPage
from freddy_admin.sync.models import Listing, ListingKind
from freddy_admin.vault.models import ApiKey
from tests.sync.listing_ends import INFO, Pages, auth_config, connector, names, page, run, want


@pytest.mark.parametrize(
    ("pages", "asked", "found"),
    [
        ([page(total=0)], [0], []),
        # It says there are more, and sends none.
        ([page(connector("a"), total=9), page(total=9)], [0, 1], ["a"]),
        # It counts more than it sends, or less: nothing is left out.
        (
            [page(connector("a"), total=2, returned=50), page(connector("b"), total=2)],
            [0, 1],
            ["a", "b"],
        ),
        (
            [page(connector("a"), connector("b"), total=2, returned=1), page(total=2)],
            [0, 1],
            ["a", "b"],
        ),
        # The same one twice: the first stays.
        (
            [
                page(connector("a", display_name="One"), total=2),
                page(connector("a", display_name="Two"), total=2),
            ],
            [0, 1],
            ["a"],
        ),
        # Nothing but the end of the list ends it, whatever came twice.
        ([page(connector("a"), total=1)], [0], ["a"]),
    ],
)
def test_pages_end_when_there_are_no_more(
    pages: list[ConnectorPage], asked: list[int], found: list[str], key: ApiKey
) -> None:
    want(key)
    client = Pages(*pages)
    run(client)
    assert (client.asked, names(key)) == (asked, found)


def test_a_list_without_an_end_is_left_after_twenty_pages(key: ApiKey) -> None:
    want(key)
    client = Pages(page(*(connector(f"t{n}") for n in range(100)), total=10**6))
    run(client)
    assert len(client.asked) == 20
    row = Listing.objects.get()
    assert (len(row.items), row.total) == (100, 10**6)


def test_two_thousand_items_are_kept_and_no_more(key: ApiKey) -> None:
    want(key)
    pages = [
        page(*(connector(f"t{200 * start + n}") for n in range(200)), total=4000)
        for start in range(20)
    ]
    run(Pages(*pages))
    row = Listing.objects.get()
    assert (len(row.items), row.total) == (2000, 4000)
    assert row.items[0] == {
        "id": "tool_t0",
        "tool_key": "t0",
        "display_name": "T0",
        "category": "crm",
    }


def test_auth_configs_beyond_two_thousand_are_counted(key: ApiKey) -> None:
    class Many:
        def list_auth_configs(self, *, secret: str, **_: Any) -> Answer[AuthConfigs]:
            items = tuple(auth_config(f"ac_{n}") for n in range(2001))
            return Answer(AuthConfigs(items, 5), INFO)

    want(key, ListingKind.AUTH_CONFIGS)
    run(Many())
    row = Listing.objects.get()
    # It says five and sends thousands: what came is counted.
    assert (len(row.items), row.total) == (2000, 2000)


def test_one_limit_holds_for_all_pages_together(key: ApiKey, settings: Any) -> None:
    settings.AITRONOS_TOTAL_TIMEOUT = 0.05
    want(key)
    client = Pages(page(connector("a"), total=9), page(connector("b"), total=9), takes=0.06)
    run(client)
    assert len(client.asked) < 5
    row = Listing.objects.get()
    # Half a list is no list.
    assert (row.error_kind, row.items) == ("total_timeout", [])
