"""What a clock that was ahead has written stands where it was written, and never on top."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.audit.counting import audit_count
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.selectors import (
    AuditFilters,
    AuditScope,
    audit_page,
    audit_stream,
    cursor_after,
)
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
ALL = AuditScope(everything=True)
MEMBER = AuditScope(managed=frozenset({1, 2}), seen=frozenset({1, 2}), person_id=9)
ADA = Actor(name="Ada", id=1)
PLACES = (Place(1, "Acme"), Place(2, "Nord"))
NUMBERS = list(range(12))
AHEAD = range(4, 8)


@pytest.fixture(autouse=True)
def log() -> None:
    for number in NUMBERS:
        at = START + number * HOUR + (YEAR if number in AHEAD else timedelta())
        with clock.using(lambda at=at: at):
            audit_record(
                tag=Tag.KEY_ADDED, actor=ADA, place=PLACES[number % 2], subject=str(number)
            )


@pytest.fixture(autouse=True)
def _now() -> object:
    with clock.using(lambda: START + 12 * HOUR):
        yield


def _numbers(events: list[AuditEvent]) -> list[int]:
    return [int(event.subject) for event in events]


@pytest.mark.parametrize("scope", [ALL, MEMBER], ids=["admin", "member"])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
def test_they_are_read_in_the_order_they_were_written(scope: AuditScope, limit: int) -> None:
    events = list(audit_stream(scope, AuditFilters(), batch=limit))
    assert _numbers(events) == NUMBERS[::-1]


@pytest.mark.parametrize("scope", [ALL, MEMBER], ids=["admin", "member"])
def test_a_page_leads_back_to_the_page_before_it(scope: AuditScope) -> None:
    page = audit_page(scope, AuditFilters(), limit=3)
    while page.more:
        following = audit_page(scope, AuditFilters(), cursor=cursor_after(page.events[-1]), limit=3)
        back = replace(cursor_after(following.events[0]), newer=True)
        assert audit_page(scope, AuditFilters(), cursor=back, limit=3).events == page.events
        page = following


def test_a_search_by_day_finds_them_where_they_stand() -> None:
    day = AuditFilters(since=START, until=START + timedelta(days=1))
    assert _numbers(audit_page(ALL, day).events) == NUMBERS[::-1]
    later = AuditFilters(since=START + 5 * HOUR)
    assert _numbers(audit_page(ALL, later).events) == [11, 10, 9, 8]


def test_a_search_for_something_finds_them_too() -> None:
    found = audit_page(ALL, AuditFilters(organisation_id=1, words="Ada"))
    assert _numbers(found.events) == [10, 8, 6, 4, 2, 0]


def test_they_use_up_nobodys_share_of_an_hour_for_a_year() -> None:
    since = clock.now() - 24 * HOUR
    assert audit_count(actor_id=1, tags=[Tag.KEY_ADDED], since=since) == len(NUMBERS) - len(AHEAD)


def test_nothing_of_the_log_is_changed() -> None:
    stamps = dict(AuditEvent.objects.values_list("subject", "at"))
    list(audit_stream(ALL, AuditFilters()))
    assert dict(AuditEvent.objects.values_list("subject", "at")) == stamps
    assert stamps["5"] == START + 5 * HOUR + YEAR
