"""Once a day the worker verifies the whole log, a little at a time, and logs the result."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.audit import chain_verification
from freddy_admin.audit.chain_verification import (
    audit_verification_get,
    audit_verification_run_step,
)
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, audit_event_record
from freddy_admin.audit.tags import AuditTag
from tests.audit.conftest import SqlRunner

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_verification, "EVENTS_PER_RUN", 4)


def run_verification(now: datetime) -> int:
    """Verify the whole log; returns how many runs it took."""
    count = 1
    while audit_verification_run_step(now=now):
        count += 1
    return count


def test_a_verification_continues_where_it_was(
    chained_events: list[AuditEvent], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert audit_verification_run_step(now=NOON) is True
    unfinished = audit_verification_get()
    assert unfinished is not None
    assert unfinished.progress["place"] == 4
    assert unfinished.verified_at is None

    assert audit_verification_run_step(now=NOON) is False
    verification = audit_verification_get()
    assert verification is not None
    assert (
        verification.verified_at,
        verification.events,
        verification.problem,
        verification.progress,
    ) == (NOON, 6, {}, {})
    assert "in order: 6 events" in caplog.text


def test_the_log_is_verified_again_a_day_later(chained_events: list[AuditEvent]) -> None:
    run_verification(NOON)
    assert run_verification(NOON + timedelta(hours=23)) == 1
    assert audit_verification_get().verified_at == NOON  # type: ignore[union-attr]
    assert run_verification(NOON + timedelta(hours=24)) == 2


def test_unlinked_events_are_linked_before_the_verification(
    chained_events: list[AuditEvent],
) -> None:
    audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
    run_verification(NOON)

    assert audit_verification_get().events == 7  # type: ignore[union-attr]


def test_a_problem_is_stored_and_logged(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner, caplog: pytest.LogCaptureFixture
) -> None:
    unguarded_sql(
        "UPDATE audit_auditevent SET subject = 'forged' WHERE id = %s", chained_events[4].pk
    )
    run_verification(NOON)

    verification = audit_verification_get()
    assert verification is not None
    assert verification.problem == {
        "wrong": "changed",
        "number": chained_events[4].pk,
        "at": chained_events[4].at.isoformat(),
    }
    assert "manage.py doctor" in caplog.text


def test_an_event_recorded_during_a_verification_is_no_problem(
    chained_events: list[AuditEvent],
) -> None:
    audit_verification_run_step(now=NOON)
    audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
    chain_verification.chain_append_missing()
    run_verification(NOON)

    verification = audit_verification_get()
    assert verification is not None
    assert (verification.events, verification.problem) == (7, {})
