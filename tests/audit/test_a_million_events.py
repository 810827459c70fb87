"""However many there are, a page reads a range of an index: no sort, no look at every row."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit.selectors import AuditFilters, AuditScope, Cursor, audit_page
from freddy_admin.audit.services import OPERATOR, audit_record
from freddy_admin.audit.tags import Tag

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="PostgreSQL plans by how many rows there are"
    ),
]
AT = datetime(2026, 3, 1, tzinfo=UTC)
ALL = AuditScope(everything=True)
MEMBER = AuditScope(
    managed=frozenset({1, 2, 3}), seen=frozenset(range(1, 9)), person_id=7, email="a@example.org"
)


@pytest.mark.parametrize("scope", [ALL, MEMBER], ids=["admin", "member"])
@pytest.mark.parametrize("cursor", [None, Cursor(AT, 5), Cursor(AT, 5, newer=True)])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"tag": "signed_in"},
        {"actor_id": 7},
        {"organisation_id": 1},
        {"since": AT, "until": AT},
        {"request_id": "abcdef012345"},
        {"words": "key"},
    ],
    ids=lambda asked: ",".join(asked) or "all",
)
def test_no_page_reads_the_whole_log(
    scope: AuditScope, cursor: Cursor | None, asked: dict[str, Any]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_page(scope, AuditFilters(**asked), cursor=cursor)
    for query in queries:
        if not query["sql"].startswith("SELECT"):
            continue
        plan = _plan(query["sql"])
        # A scan in an index's own order ends with the page; any other one reads everything.
        assert [step for step in plan if step.startswith("SCAN") and "USING" not in step] == []
        if scope is ALL and not asked.get("request_id"):
            assert [step for step in plan if "TEMP B-TREE" in step] == []


def test_a_member_who_looks_for_a_kind_reads_it_organisation_by_organisation() -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_page(MEMBER, AuditFilters(tag="signed_in"))
    # The first one asks whether a clock was ahead.
    _first, plan = [_plan(query["sql"]) for query in queries]
    ranges = [
        step for step in plan if "audit_by_organisation_tag (organisation_id=? AND tag=?)" in step
    ]
    assert len(ranges) >= len(MEMBER.managed)


@pytest.mark.parametrize("asked", [{"actor_id": 7}, {"request_id": "abcdef012345"}])
def test_a_person_or_a_request_is_looked_for_in_one_range(asked: dict[str, Any]) -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_page(MEMBER, AuditFilters(**asked))
    # The first one asks whether a clock was ahead.
    _first, plan = [_plan(query["sql"]) for query in queries]
    assert len(plan) <= 2, "an index, and a sort of the few events at most"
    assert "audit_by_" in plan[0]


def test_adding_an_event_takes_few_statements() -> None:
    with CaptureQueriesContext(connection) as queries:
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 1


def test_linking_an_event_takes_few_statements(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
    with (
        CaptureQueriesContext(connection) as queries,
        django_capture_on_commit_callbacks(execute=True),
    ):
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 5


def _plan(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]
