"""Whose waiting row is next: of who holds the fewest, however many others wait."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.models import OutboxMessage
from tests.hand_clock import HandClock, hand_clock_block

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = OutboxMessage.objects.order_by("requested_at", "pk")
pytestmark = pytest.mark.django_db


def create_waiting(party: str, count: int, *, lane: str = "a", seconds_ago: int = 0) -> None:
    first_id = OutboxMessage.objects.count()
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            lane=lane,
            kind="k",
            object_id=first_id + number,
            party=party,
            requested_at=NOON - timedelta(seconds=seconds_ago),
        )
        for number in range(count)
    )


def pick(shares: Shares, limit: int) -> list[str]:
    """The parties of the rows picked, in order."""
    picked = shares.pick(ROWS, limit=limit)
    return [" ".join(str(value) for _column, value in parties) for parties in picked.values()]


def test_parties_are_served_in_turn_the_longest_waiting_first() -> None:
    create_waiting("alder", 3, seconds_ago=9)
    create_waiting("birch", 2, seconds_ago=5)
    create_waiting("cedar", 1)
    shares = Shares("party", limit=9)
    expected = ["alder", "birch", "cedar", "alder", "birch", "alder"]
    assert pick(shares, 9) == expected
    assert pick(shares, 4) == expected[:4]


def test_rows_of_one_party_are_picked_in_their_own_order() -> None:
    create_waiting("alder", 3)
    assert list(Shares("party", limit=9).pick(ROWS, limit=9)) == list(
        ROWS.values_list("pk", flat=True)
    )


def test_who_holds_the_fewest_slots_is_next() -> None:
    create_waiting("alder", 9, seconds_ago=9)
    create_waiting("birch", 9)
    shares = Shares("party", limit=9)
    for _ in range(2):
        shares.hold((("party", "alder"),))
    assert pick(shares, 4) == ["birch", "birch", "alder", "birch"]
    shares.release((("party", "alder"),))
    shares.release((("party", "alder"),))
    assert pick(shares, 2) == ["alder", "birch"]


def test_no_party_holds_more_than_the_limit_though_nobody_else_waits() -> None:
    create_waiting("alder", 9)
    shares = Shares("party", limit=3)
    assert pick(shares, 9) == ["alder"] * 3
    for _ in range(3):
        shares.hold((("party", "alder"),))
    assert pick(shares, 9) == []


def test_a_row_counts_for_each_of_its_parties() -> None:
    """Two accounts of one organisation have its share, and one account of two has its own."""
    for party, lane in (("ana", "alder"), ("ben", "alder"), ("eve", "birch"), ("eve", "cedar")):
        create_waiting(party, 4, lane=lane)
    create_waiting("pia", 4, lane="pine")
    picked = pick(Shares("party", "lane", limit=2), 9)
    people, places = (Counter(name.split()[index] for name in picked) for index in (0, 1))
    assert picked[:3] == ["ana alder", "eve birch", "pia pine"]
    assert (places["alder"], people["eve"], people["pia"]) == (2, 2, 2)


def test_a_party_behind_thousands_of_others_rows_is_seen_at_once() -> None:
    create_waiting("alder", 1_500, seconds_ago=99)
    create_waiting("birch", 1_500, seconds_ago=50)
    create_waiting("cedar", 1)
    assert pick(Shares("party", limit=9), 3) == ["alder", "birch", "cedar"]


def test_who_waits_behind_many_rows_is_asked_twice_a_second_at_most() -> None:
    create_waiting("alder", 150)

    def count_statements(shares: Shares) -> int:
        with CaptureQueriesContext(connection) as queries:
            shares.pick(ROWS, limit=2)
        return len(queries)

    with hand_clock_block(NOON) as source:
        assert isinstance(source, HandClock)
        shares, counts = Shares("party", limit=9), []
        for seconds in (0.0, 0.2, 0.2, 0.2):
            source.advance(seconds=seconds)
            counts.append(count_statements(shares))
    assert counts == [2, 1, 1, 2]


def test_few_waiting_rows_are_read_by_one_statement_and_none_without_room() -> None:
    create_waiting("alder", 9)
    shares = Shares("party", limit=9)
    with CaptureQueriesContext(connection) as queries:
        assert len(shares.pick(ROWS, limit=5)) == 5
        assert shares.pick(ROWS, limit=0) == {}
    assert len(queries) == 1


def test_rows_without_a_party_keep_their_order_and_have_no_limit() -> None:
    create_waiting("alder", 3)
    assert len(Shares(limit=1).pick(ROWS, limit=3)) == 3
