"""The selector of the audit log: filtered, a page at a time, and only what a person may read."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit import selectors
from freddy_admin.audit.selectors import (
    AuditCursor,
    AuditFilters,
    AuditScope,
    audit_cursor_after_event,
    audit_event_page,
    audit_event_stream,
)
from freddy_admin.audit.services import Actor, OrganisationRef, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = AuditScope(is_unrestricted=True)
ADA, BOB = Actor(name="Ada", id=1), Actor(name="Bob", id=2)
VISITOR = Actor(name="somebody not signed in")
ACME, NORD = OrganisationRef(1, "Acme"), OrganisationRef(2, "Nord")


def record_event_at(
    hour: int, tag: AuditTag, actor: Actor, organisation: OrganisationRef | None, subject: str
) -> None:
    with clock.override_clock(lambda: START + timedelta(hours=hour)):
        audit_event_record(tag=tag, actor=actor, organisation=organisation, subject=subject)


@pytest.fixture(autouse=True)
def recorded_events() -> None:
    record_event_at(0, AuditTag.KEY_ADDED, ADA, ACME, "Main key")
    record_event_at(1, AuditTag.KEY_REVOKED, BOB, NORD, "Old key")
    record_event_at(2, AuditTag.SIGNED_IN, ADA, None, "ada@example.org")
    record_event_at(3, AuditTag.SIGN_IN_FAILED, VISITOR, None, "bob@example.org")


def found_subjects(scope: AuditScope = ADMIN, **filters: object) -> list[str]:
    return [event.subject for event in audit_event_page(scope, AuditFilters(**filters)).events]  # type: ignore[arg-type]


def test_a_platform_admin_reads_everything_newest_first() -> None:
    assert found_subjects() == ["bob@example.org", "ada@example.org", "Old key", "Main key"]


def test_a_manager_reads_all_of_the_organisation_and_their_own_events() -> None:
    bob = AuditScope(
        managed_organisation_ids=frozenset({1}),
        visible_organisation_ids=frozenset({1, 2}),
        person_id=2,
    )

    assert found_subjects(bob) == ["Old key", "Main key"]


def test_a_viewer_reads_their_own_events_in_organisations_they_belong_to() -> None:
    ada = AuditScope(visible_organisation_ids=frozenset({1}), person_id=1, email="ada@example.org")

    assert found_subjects(ada) == ["ada@example.org", "Main key"]
    assert found_subjects(AuditScope(person_id=1)) == ["ada@example.org"]


def test_a_person_reads_failed_attempts_to_sign_in_as_them() -> None:
    assert found_subjects(AuditScope(person_id=2, email="bob@example.org")) == ["bob@example.org"]
    assert found_subjects(AuditScope(person_id=3, email="eve@example.org")) == []


def test_no_filter_opens_another_organisation() -> None:
    ada = AuditScope(
        managed_organisation_ids=frozenset({1}),
        visible_organisation_ids=frozenset({1}),
        person_id=1,
    )

    assert found_subjects(ada, organisation_id=2) == []
    assert found_subjects(ada, text="old") == []
    assert found_subjects(ada, actor_id=2) == []
    assert found_subjects(ada, organisation_text="nord") == []


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("ada", ["ada@example.org", "Main key"]),
        ("NORD", ["Old key"]),
        ("key", ["Old key", "Main key"]),
        ("%", []),
        ("_", []),
        ("no such thing", []),
        ("x" * 5000, []),
    ],
)
def test_a_text_search_covers_actor_subject_and_organisation(
    text: str, subjects: list[str]
) -> None:
    assert found_subjects(text=text) == subjects


@pytest.mark.parametrize(
    ("filters", "subjects"),
    [
        ({"tag": "key_added"}, ["Main key"]),
        ({"tag": "nonsense"}, []),
        ({"actor_id": 1}, ["ada@example.org", "Main key"]),
        ({"actor_text": "BOB"}, ["Old key"]),
        ({"organisation_id": 2}, ["Old key"]),
        ({"organisation_text": "acm"}, ["Main key"]),
        ({"since": START + timedelta(hours=2)}, ["bob@example.org", "ada@example.org"]),
        ({"until": START + timedelta(hours=1)}, ["Main key"]),
        ({"request_id": "abcdef"}, []),
    ],
)
def test_each_filter_narrows_the_list(filters: dict[str, object], subjects: list[str]) -> None:
    assert found_subjects(**filters) == subjects


@pytest.mark.parametrize(
    "scope",
    [
        ADMIN,
        AuditScope(
            managed_organisation_ids=frozenset({1, 2}),
            visible_organisation_ids=frozenset({1, 2}),
            person_id=1,
        ),
    ],
)
def test_pages_follow_one_another_without_a_gap_in_both_directions(scope: AuditScope) -> None:
    for number in range(20):
        record_event_at(
            5 + number // 3, AuditTag.KEY_PAUSED, ADA, (ACME, NORD)[number % 2], f"Key {number}"
        )
    all_ids = [event.pk for event in audit_event_page(scope, AuditFilters(), limit=100).events]
    paged_ids, cursor = [], None
    while True:
        page = audit_event_page(scope, AuditFilters(), cursor=cursor, limit=4)
        paged_ids += [event.pk for event in page.events]
        if not page.has_more:
            break
        cursor = audit_cursor_after_event(page.events[-1])
    assert paged_ids == all_ids
    assert len(set(paged_ids)) == len(paged_ids)

    newer_page = audit_event_page(
        scope,
        AuditFilters(),
        cursor=AuditCursor(page.events[0].at, page.events[0].pk, newer=True),
        limit=4,
    )
    position = all_ids.index(page.events[0].pk)
    assert [event.pk for event in newer_page.events] == all_ids[position - 4 : position]
    assert newer_page.has_more
    assert [event.pk for event in audit_event_stream(scope, AuditFilters(), batch=4)] == all_ids


def test_a_text_search_reads_a_bounded_window_and_says_where_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selectors, "SEARCH_WINDOW_EVENTS", 3)
    filters = AuditFilters(text="main")
    page = audit_event_page(ADMIN, filters)

    assert page.events == []
    assert page.search_floor is not None
    assert page.search_floor.at == START + timedelta(hours=1)
    next_page = audit_event_page(ADMIN, filters, cursor=page.search_floor)
    assert [event.subject for event in next_page.events] == ["Main key"]
    assert next_page.search_floor is None
    assert [event.subject for event in audit_event_stream(ADMIN, filters)] == ["Main key"]


# Once these took two seconds of CPU each, and the last one was too deep for SQLite.
@pytest.mark.parametrize(
    ("filters", "subjects"),
    [
        ({}, ["Old key", "Main key"]),
        ({"text": "key"}, ["Old key", "Main key"]),
        ({"tag": "key_added"}, ["Main key"]),
        ({"actor_id": 2}, ["Old key"]),
        ({"request_id": "abcdef"}, []),
    ],
)
def test_a_manager_of_very_many_organisations_needs_few_queries(
    filters: dict[str, object], subjects: list[str]
) -> None:
    organisation_ids = frozenset(range(1, 1_501))
    manager = AuditScope(
        managed_organisation_ids=organisation_ids,
        visible_organisation_ids=organisation_ids,
        person_id=2,
    )
    with CaptureQueriesContext(connection) as queries:
        assert found_subjects(manager, **filters) == subjects
    # Events of a clock that was ahead, the end of the search, and the log: in few ranges.
    assert len(queries) <= 3
    assert sum(query["sql"].count("SELECT") for query in queries) <= 10


def test_tag_fits_into_its_column() -> None:
    assert max(len(tag) for tag in AuditTag) <= 40
