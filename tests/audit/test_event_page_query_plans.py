"""However many events there are, a page reads a range of an index, without a sort or full scan."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit.selectors import AuditCursor, AuditFilters, AuditScope, audit_event_page
from freddy_admin.audit.services import OPERATOR, audit_event_record
from freddy_admin.audit.tags import AuditTag

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="PostgreSQL plans by how many rows there are"
    ),
]
AT = datetime(2026, 3, 1, tzinfo=UTC)
ADMIN = AuditScope(is_unrestricted=True)
MEMBER = AuditScope(
    managed_organisation_ids=frozenset({1, 2, 3}),
    visible_organisation_ids=frozenset(range(1, 9)),
    person_id=7,
    email="a@example.org",
)


@pytest.mark.parametrize("scope", [ADMIN, MEMBER], ids=["admin", "member"])
@pytest.mark.parametrize("cursor", [None, AuditCursor(AT, 5), AuditCursor(AT, 5, newer=True)])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"tag": "signed_in"},
        {"actor_id": 7},
        {"organisation_id": 1},
        {"since": AT, "until": AT},
        {"request_id": "abcdef012345"},
        {"text": "key"},
    ],
    ids=lambda filters: ",".join(filters) or "all",
)
def test_no_page_reads_the_whole_log(
    scope: AuditScope, cursor: AuditCursor | None, filters: dict[str, Any]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_event_page(scope, AuditFilters(**filters), cursor=cursor)
    for query in queries:
        if not query["sql"].startswith("SELECT"):
            continue
        plan = _explain(query["sql"])
        # A scan in an index's own order ends with the page; any other one reads everything.
        # So does a search without one: for the smallest id, from the first event on.
        steps = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
        assert [step for step in steps if "USING" not in step] == []
        if scope is ADMIN and not filters.get("request_id"):
            assert [step for step in plan if "TEMP B-TREE" in step] == []


def test_a_members_filter_by_tag_reads_a_range_for_each_organisation() -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_event_page(MEMBER, AuditFilters(tag="signed_in"))
    # The first query looks for events of a clock that was ahead.
    _first, plan = [_explain(query["sql"]) for query in queries]
    ranges = [
        step for step in plan if "audit_by_organisation_tag (organisation_id=? AND tag=?)" in step
    ]
    assert len(ranges) >= len(MEMBER.managed_organisation_ids)


@pytest.mark.parametrize("filters", [{"actor_id": 7}, {"request_id": "abcdef012345"}])
def test_a_filter_by_person_or_request_reads_one_range(filters: dict[str, Any]) -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_event_page(MEMBER, AuditFilters(**filters))
    # The first query looks for events of a clock that was ahead.
    _first, plan = [_explain(query["sql"]) for query in queries]
    assert len(plan) <= 2, "an index, and a sort of the few events at most"
    assert "audit_by_" in plan[0]


def test_recording_an_event_takes_one_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 1


def test_linking_an_event_takes_four_statements_more(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
    with (
        CaptureQueriesContext(connection) as queries,
        django_capture_on_commit_callbacks(execute=True),
    ):
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 5


def _explain(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]
