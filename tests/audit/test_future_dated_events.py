"""Events that a clock wrote while it was ahead are listed where they were written, not on top."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.selectors import (
    AuditFilters,
    AuditScope,
    audit_cursor_after_event,
    audit_event_count,
    audit_event_page,
    audit_event_stream,
)
from freddy_admin.audit.services import Actor, OrganisationRef, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
ADMIN = AuditScope(is_unrestricted=True)
MEMBER = AuditScope(
    managed_organisation_ids=frozenset({1, 2}),
    visible_organisation_ids=frozenset({1, 2}),
    person_id=9,
)
ADA = Actor(name="Ada", id=1)
ORGANISATIONS = (OrganisationRef(1, "Acme"), OrganisationRef(2, "Nord"))
NUMBERS = list(range(12))
FUTURE_NUMBERS = range(4, 8)


@pytest.fixture(autouse=True)
def recorded_events() -> None:
    for number in NUMBERS:
        at = START + number * HOUR + (YEAR if number in FUTURE_NUMBERS else timedelta())
        with clock.override_clock(lambda at=at: at):
            audit_event_record(
                tag=AuditTag.KEY_ADDED,
                actor=ADA,
                organisation=ORGANISATIONS[number % 2],
                subject=str(number),
            )


@pytest.fixture(autouse=True)
def _now() -> object:
    with clock.override_clock(lambda: START + 12 * HOUR):
        yield


def _event_numbers(events: list[AuditEvent]) -> list[int]:
    return [int(event.subject) for event in events]


@pytest.mark.parametrize("scope", [ADMIN, MEMBER], ids=["admin", "member"])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
def test_future_events_are_listed_in_the_order_they_were_written(
    scope: AuditScope, limit: int
) -> None:
    events = list(audit_event_stream(scope, AuditFilters(), batch=limit))
    assert _event_numbers(events) == NUMBERS[::-1]


@pytest.mark.parametrize("scope", [ADMIN, MEMBER], ids=["admin", "member"])
def test_a_page_with_future_events_leads_back_to_the_page_before_it(scope: AuditScope) -> None:
    page = audit_event_page(scope, AuditFilters(), limit=3)
    while page.has_more:
        next_page = audit_event_page(
            scope, AuditFilters(), cursor=audit_cursor_after_event(page.events[-1]), limit=3
        )
        back_cursor = replace(audit_cursor_after_event(next_page.events[0]), newer=True)
        assert (
            audit_event_page(scope, AuditFilters(), cursor=back_cursor, limit=3).events
            == page.events
        )
        page = next_page


def test_a_filter_by_day_finds_future_events_where_they_are_listed() -> None:
    day_filter = AuditFilters(since=START, until=START + timedelta(days=1))
    assert _event_numbers(audit_event_page(ADMIN, day_filter).events) == NUMBERS[::-1]
    later_filter = AuditFilters(since=START + 5 * HOUR)
    assert _event_numbers(audit_event_page(ADMIN, later_filter).events) == [11, 10, 9, 8]


def test_a_text_search_finds_future_events() -> None:
    page = audit_event_page(ADMIN, AuditFilters(organisation_id=1, text="Ada"))
    assert _event_numbers(page.events) == [10, 8, 6, 4, 2, 0]


def test_future_events_do_not_count_towards_a_limit() -> None:
    since = clock.now() - 24 * HOUR
    assert audit_event_count(actor_id=1, tags=[AuditTag.KEY_ADDED], since=since) == len(
        NUMBERS
    ) - len(FUTURE_NUMBERS)


def test_listing_future_events_changes_nothing_in_the_log() -> None:
    times = dict(AuditEvent.objects.values_list("subject", "at"))
    list(audit_event_stream(ADMIN, AuditFilters()))
    assert dict(AuditEvent.objects.values_list("subject", "at")) == times
    assert times["5"] == START + 5 * HOUR + YEAR
