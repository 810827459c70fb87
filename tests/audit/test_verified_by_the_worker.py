"""Once a day the worker walks along the whole log, a little at a time, and says what it found."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.audit import rounds
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.rounds import audit_check, audit_round
from freddy_admin.audit.services import OPERATOR, audit_record
from freddy_admin.audit.tags import Tag
from tests.audit.conftest import Sql

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "SLICE", 4)


def walk(now: datetime) -> int:
    """How many rounds it took."""
    count = 1
    while audit_round(now=now):
        count += 1
    return count


def test_a_walk_goes_on_where_it_was(
    chained: list[AuditEvent], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert audit_round(now=NOON) is True
    half = audit_check()
    assert half is not None
    assert half.walk["place"] == 4
    assert half.verified_at is None

    assert audit_round(now=NOON) is False
    check = audit_check()
    assert check is not None
    assert (check.verified_at, check.events, check.problem, check.walk) == (NOON, 6, {}, {})
    assert "in order: 6 events" in caplog.text


def test_it_walks_again_a_day_later(chained: list[AuditEvent]) -> None:
    walk(NOON)
    assert walk(NOON + timedelta(hours=23)) == 1
    assert audit_check().verified_at == NOON  # type: ignore[union-attr]
    assert walk(NOON + timedelta(hours=24)) == 2


def test_what_was_left_without_a_link_is_linked_first(chained: list[AuditEvent]) -> None:
    audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
    walk(NOON)

    assert audit_check().events == 7  # type: ignore[union-attr]


def test_what_it_finds_is_kept_and_logged(
    chained: list[AuditEvent], by_hand: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    by_hand("UPDATE audit_auditevent SET subject = 'forged' WHERE id = %s", chained[4].pk)
    walk(NOON)

    check = audit_check()
    assert check is not None
    assert check.problem == {
        "wrong": "changed",
        "number": chained[4].pk,
        "at": chained[4].at.isoformat(),
    }
    assert "manage.py doctor" in caplog.text


def test_an_event_written_during_a_walk_does_no_harm(chained: list[AuditEvent]) -> None:
    audit_round(now=NOON)
    audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
    rounds.chain_catch_up()
    walk(NOON)

    check = audit_check()
    assert check is not None
    assert (check.events, check.problem) == (7, {})
