"""One selector answers every question: narrowed, a page at a time, never more than is one's own."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit import selectors
from freddy_admin.audit.selectors import (
    AuditFilters,
    AuditScope,
    Cursor,
    audit_page,
    audit_stream,
    cursor_after,
)
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL = AuditScope(everything=True)
ADA, BOB = Actor(name="Ada", id=1), Actor(name="Bob", id=2)
VISITOR = Actor(name="somebody not signed in")
ACME, NORD = Place(1, "Acme"), Place(2, "Nord")


def write(hour: int, tag: Tag, actor: Actor, place: Place | None, subject: str) -> None:
    with clock.using(lambda: START + timedelta(hours=hour)):
        audit_record(tag=tag, actor=actor, place=place, subject=subject)


@pytest.fixture(autouse=True)
def log() -> None:
    write(0, Tag.KEY_ADDED, ADA, ACME, "Main key")
    write(1, Tag.KEY_REVOKED, BOB, NORD, "Old key")
    write(2, Tag.SIGNED_IN, ADA, None, "ada@example.org")
    write(3, Tag.SIGN_IN_FAILED, VISITOR, None, "bob@example.org")


def subjects(scope: AuditScope = ALL, **asked: object) -> list[str]:
    return [event.subject for event in audit_page(scope, AuditFilters(**asked)).events]  # type: ignore[arg-type]


def test_a_platform_admin_reads_everything_newest_first() -> None:
    assert subjects() == ["bob@example.org", "ada@example.org", "Old key", "Main key"]


def test_a_manager_reads_all_of_the_organisation_and_what_is_their_own() -> None:
    bob = AuditScope(managed=frozenset({1}), seen=frozenset({1, 2}), person_id=2)

    assert subjects(bob) == ["Old key", "Main key"]


def test_others_read_what_they_did_themselves_where_they_still_belong() -> None:
    ada = AuditScope(seen=frozenset({1}), person_id=1, email="ada@example.org")

    assert subjects(ada) == ["ada@example.org", "Main key"]
    assert subjects(AuditScope(person_id=1)) == ["ada@example.org"]


def test_failed_attempts_to_sign_in_are_told_to_whom_they_were_aimed_at() -> None:
    assert subjects(AuditScope(person_id=2, email="bob@example.org")) == ["bob@example.org"]
    assert subjects(AuditScope(person_id=3, email="eve@example.org")) == []


def test_no_filter_opens_another_organisation() -> None:
    ada = AuditScope(managed=frozenset({1}), seen=frozenset({1}), person_id=1)

    assert subjects(ada, organisation_id=2) == []
    assert subjects(ada, words="old") == []
    assert subjects(ada, actor_id=2) == []
    assert subjects(ada, organisation_words="nord") == []


@pytest.mark.parametrize(
    ("words", "found"),
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
def test_a_search_looks_at_who_what_and_where(words: str, found: list[str]) -> None:
    assert subjects(words=words) == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"tag": "key_added"}, ["Main key"]),
        ({"tag": "nonsense"}, []),
        ({"actor_id": 1}, ["ada@example.org", "Main key"]),
        ({"actor_words": "BOB"}, ["Old key"]),
        ({"organisation_id": 2}, ["Old key"]),
        ({"organisation_words": "acm"}, ["Main key"]),
        ({"since": START + timedelta(hours=2)}, ["bob@example.org", "ada@example.org"]),
        ({"until": START + timedelta(hours=1)}, ["Main key"]),
        ({"request_id": "abcdef"}, []),
    ],
)
def test_each_filter_narrows_the_list(asked: dict[str, object], found: list[str]) -> None:
    assert subjects(**asked) == found


@pytest.mark.parametrize(
    "scope", [ALL, AuditScope(managed=frozenset({1, 2}), seen=frozenset({1, 2}), person_id=1)]
)
def test_pages_follow_one_another_without_a_gap_in_both_directions(scope: AuditScope) -> None:
    for number in range(20):
        write(5 + number // 3, Tag.KEY_PAUSED, ADA, (ACME, NORD)[number % 2], f"Key {number}")
    whole = [event.pk for event in audit_page(scope, AuditFilters(), limit=100).events]
    forth, cursor = [], None
    while True:
        page = audit_page(scope, AuditFilters(), cursor=cursor, limit=4)
        forth += [event.pk for event in page.events]
        if not page.more:
            break
        cursor = cursor_after(page.events[-1])
    assert forth == whole
    assert len(set(forth)) == len(forth)

    back = audit_page(
        scope,
        AuditFilters(),
        cursor=Cursor(page.events[0].at, page.events[0].pk, newer=True),
        limit=4,
    )
    before = whole.index(page.events[0].pk)
    assert [event.pk for event in back.events] == whole[before - 4 : before]
    assert back.more
    assert [event.pk for event in audit_stream(scope, AuditFilters(), batch=4)] == whole


def test_a_search_for_a_text_goes_back_a_bounded_way_and_says_how_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selectors, "WINDOW", 3)
    filters = AuditFilters(words="main")
    page = audit_page(ALL, filters)

    assert page.events == []
    assert page.looked_back_to is not None
    assert page.looked_back_to.at == START + timedelta(hours=1)
    further = audit_page(ALL, filters, cursor=page.looked_back_to)
    assert [event.subject for event in further.events] == ["Main key"]
    assert further.looked_back_to is None
    assert [event.subject for event in audit_stream(ALL, filters)] == ["Main key"]


# Two seconds of CPU each, and the last one a question too deep for SQLite.
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Old key", "Main key"]),
        ({"words": "key"}, ["Old key", "Main key"]),
        ({"tag": "key_added"}, ["Main key"]),
        ({"actor_id": 2}, ["Old key"]),
        ({"request_id": "abcdef"}, []),
    ],
)
def test_a_manager_of_very_many_organisations_asks_no_more_than_others(
    asked: dict[str, object], found: list[str]
) -> None:
    places = frozenset(range(1, 1_501))
    many = AuditScope(managed=places, seen=places, person_id=2)
    with CaptureQueriesContext(connection) as queries:
        assert subjects(many, **asked) == found
    # Whether a clock was ahead, how far to look, and the log itself: in few ranges.
    assert len(queries) <= 3
    assert sum(query["sql"].count("SELECT") for query in queries) <= 10


def test_every_tag_has_a_sentence_of_its_own() -> None:
    labels = [str(tag.label) for tag in Tag]

    assert len(set(labels)) == len(labels)
    assert all(label and label[0].islower() for label in labels)
    assert max(len(tag.value) for tag in Tag) <= 40
