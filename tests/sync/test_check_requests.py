"""A fresh status requests no check; a stale one is served too, and requests one check."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.policy import status_request_refresh
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.requests import (
    CheckRequestOutcome,
    check_request,
)
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_pause, key_resume, key_revoke, key_update
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.organisation_rows import organisation_key_rows
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import (
    NOON,
    HandClock,
    failed_result,
    good_result,
    lease_key,
    refused_result,
    sync_status_of,
)

ANA = Actor(name="Ana", id=1)
M, S = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def checked_key(key: ApiKey) -> ApiKey:
    lease_key(key)
    check_results_record([good_result(key)])
    return key


def view_page(user: User, organisation: Organisation) -> int:
    now = clock.now()
    rows = organisation_key_rows(user=user, organisation=organisation, now=now)
    return status_request_refresh(rows=rows, now=now)


def test_a_fresh_status_requests_no_check(
    checked_key: ApiKey, operator: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.advance(seconds=59)
    assert view_page(operator, organisation) == 0


def test_a_stale_status_requests_one_check_however_many_people_look(
    checked_key: ApiKey, operator: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.advance(seconds=60)
    assert view_page(operator, organisation) == 1
    assert sync_status_of(checked_key).next_check_at == clock.now()
    hand_clock.advance(seconds=1)
    assert [view_page(operator, organisation) for _ in range(20)] == [0] * 20


@pytest.mark.parametrize("make_result", [failed_result, refused_result])
def test_a_key_that_fails_or_is_refused_keeps_its_own_pace(
    checked_key: ApiKey,
    operator: User,
    organisation: Organisation,
    hand_clock: HandClock,
    make_result: Any,
) -> None:
    lease_key(checked_key)
    check_results_record([make_result(checked_key)])
    planned = sync_status_of(checked_key).next_check_at
    hand_clock.advance(seconds=61 if make_result is failed_result else 30)
    assert view_page(operator, organisation) == 0
    assert sync_status_of(checked_key).next_check_at == planned


def test_a_page_writes_nothing_while_no_status_is_stale(
    checked_key: ApiKey, operator: User, organisation: Organisation, django_assert_num_queries: Any
) -> None:
    rows = organisation_key_rows(user=operator, organisation=organisation, now=NOON)
    with django_assert_num_queries(0):
        status_request_refresh(rows=rows, now=NOON)


def request_check(organisation: Organisation, key: ApiKey) -> CheckRequestOutcome:
    return check_request(organisation=organisation, actor=ANA, key_id=key.pk).outcome


def test_a_persons_request_makes_the_key_due_and_is_audited(
    checked_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.advance(seconds=10)
    assert request_check(organisation, checked_key) is CheckRequestOutcome.ASKED
    row = sync_status_of(checked_key)
    assert (row.requested_at, row.requested_by) == (clock.now(), "Ana")
    assert row.next_check_at == clock.now()
    assert AuditEvent.objects.filter(tag="check_requested", actor_name="Ana").count() == 1


def test_a_second_request_joins_the_first(
    checked_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.advance(seconds=10)
    request_check(organisation, checked_key)
    assert request_check(organisation, checked_key) is CheckRequestOutcome.JOINED
    assert AuditEvent.objects.filter(tag="check_requested").count() == 1


def test_a_request_joins_a_check_that_runs(
    checked_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.advance(seconds=10)
    lease_key(checked_key)
    assert request_check(organisation, checked_key) is CheckRequestOutcome.JOINED


def test_a_result_under_ten_seconds_old_answers_a_request(
    checked_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.advance(seconds=9)
    assert request_check(organisation, checked_key) is CheckRequestOutcome.JUST_CHECKED


def test_a_result_from_the_future_does_not_answer_a_request(
    checked_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.advance(hours=-1)
    assert request_check(organisation, checked_key) is CheckRequestOutcome.ASKED


def test_a_read_only_database_does_not_stop_a_page(
    checked_key: ApiKey,
    operator: User,
    organisation: Organisation,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OperationalError("attempt to write a readonly database")

    hand_clock.advance(seconds=60)
    monkeypatch.setattr(QuerySet, "update", refuse)
    assert view_page(operator, organisation) == 0


def test_another_grace_makes_the_key_due(checked_key: ApiKey, organisation: Organisation) -> None:
    planned = sync_status_of(checked_key).next_check_at
    same_grace = KeyDetails(label="Other words")
    key_update(organisation=organisation, actor=ANA, key=checked_key, details=same_grace)
    assert sync_status_of(checked_key).next_check_at == planned
    shorter_grace = KeyDetails(label="Other words", grace_minutes=5)
    key_update(organisation=organisation, actor=ANA, key=checked_key, details=shorter_grace)
    assert sync_status_of(checked_key).next_check_at == NOON


def test_a_request_ignores_our_back_off_but_not_a_wait_that_aitronos_asked_for(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    lease_key(key)
    check_results_record([failed_result(key)])
    hand_clock.advance(seconds=10)
    assert request_check(organisation, key) is CheckRequestOutcome.ASKED
    lease_key(key)
    check_results_record([failed_result(key, "rate_limited", retry_after=90.0)])
    hand_clock.advance(seconds=89)
    request = check_request(organisation=organisation, actor=ANA, key_id=key.pk)
    assert (request.outcome, request.held_until) == (CheckRequestOutcome.HELD, clock.now() + S)
    hand_clock.advance(seconds=1)
    assert request_check(organisation, key) is CheckRequestOutcome.ASKED


def test_a_finished_check_ends_the_request(
    checked_key: ApiKey, organisation: Organisation, operator: User, hand_clock: HandClock
) -> None:
    hand_clock.advance(seconds=10)
    request_check(organisation, checked_key)
    (row,) = organisation_key_rows(user=operator, organisation=organisation, now=clock.now())
    assert row.is_check_pending
    lease_key(checked_key)
    check_results_record([failed_result(checked_key)])
    (row,) = organisation_key_rows(user=operator, organisation=organisation, now=clock.now())
    assert not row.is_check_pending


def test_a_paused_key_is_not_checked_and_a_foreign_one_not_found(
    checked_key: ApiKey, organisation: Organisation
) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    with pytest.raises(NotFound):
        request_check(birch, checked_key)
    key_pause(organisation=organisation, actor=ANA, key=checked_key)
    with pytest.raises(Conflict):
        request_check(organisation, checked_key)


def test_a_resumed_key_is_reset_at_once_and_keeps_its_figures(
    checked_key: ApiKey, organisation: Organisation, hand_clock: HandClock, operator: User
) -> None:
    key_pause(organisation=organisation, actor=ANA, key=checked_key)
    hand_clock.advance(hours=3)
    key_resume(organisation=organisation, actor=ANA, key=checked_key)
    row = sync_status_of(checked_key)
    assert (row.state, row.next_check_at) == (HealthState.NOT_CHECKED, clock.now())
    assert (row.figures_are_former, row.total_tools, row.first_observed_at) == (True, 42, None)
    lease_key(checked_key)
    check_results_record([good_result(checked_key)])
    row = sync_status_of(checked_key)
    assert (row.figures_are_former, row.first_observed_at) == (False, clock.now())


def test_resuming_an_unpaused_key_changes_nothing(
    checked_key: ApiKey, organisation: Organisation
) -> None:
    key_resume(organisation=organisation, actor=ANA, key=checked_key)
    assert sync_status_of(checked_key).state == HealthState.UP_TO_DATE


def test_a_revoked_key_leaves_no_figures(checked_key: ApiKey, organisation: Organisation) -> None:
    key_revoke(organisation=organisation, actor=ANA, key=checked_key)
    assert not SyncStatus.objects.filter(pk=checked_key.pk).exists()
    checked_key.refresh_from_db()
    assert checked_key.ciphertext is None
