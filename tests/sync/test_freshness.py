"""What is fresh is served; what is not is served too, and a check is asked for once."""

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
from freddy_admin.sync.freshness import Answer, check_request, statuses_ask
from freddy_admin.sync.lifecycle import key_change, key_pause, key_resume, key_revoke
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.selectors import organisation_rows
from freddy_admin.sync.states import State
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, failed, good, lease, refused, row_of

ANA = Actor(name="Ana", id=1)
M, S = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def seen_key(key: ApiKey) -> ApiKey:
    lease(key)
    checks_store([good(key)])
    return key


def look(user: User, organisation: Organisation) -> int:
    now = clock.now()
    rows = organisation_rows(user=user, organisation=organisation, now=now)
    return statuses_ask(rows=rows, now=now)


def test_a_fresh_status_is_served_without_a_wish(
    seen_key: ApiKey, person: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.forward(seconds=59)
    assert look(person, organisation) == 0


def test_an_older_one_is_asked_for_once_however_many_people_look(
    seen_key: ApiKey, person: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.forward(seconds=60)
    assert look(person, organisation) == 1
    assert row_of(seen_key).next_check_at == clock.now()
    hand_clock.forward(seconds=1)
    assert [look(person, organisation) for _ in range(20)] == [0] * 20


@pytest.mark.parametrize("end", [failed, refused])
def test_a_key_that_fails_or_is_refused_keeps_its_own_pace(
    seen_key: ApiKey, person: User, organisation: Organisation, hand_clock: HandClock, end: Any
) -> None:
    lease(seen_key)
    checks_store([end(seen_key)])
    planned = row_of(seen_key).next_check_at
    hand_clock.forward(seconds=61 if end is failed else 30)
    assert look(person, organisation) == 0
    assert row_of(seen_key).next_check_at == planned


def test_looking_costs_no_write_while_nothing_is_stale(
    seen_key: ApiKey, person: User, organisation: Organisation, django_assert_num_queries: Any
) -> None:
    rows = organisation_rows(user=person, organisation=organisation, now=NOON)
    with django_assert_num_queries(0):
        statuses_ask(rows=rows, now=NOON)


def wish(organisation: Organisation, key: ApiKey) -> Answer:
    return check_request(organisation=organisation, actor=ANA, key_id=key.pk).answer


def test_a_persons_wish_makes_the_key_due_and_is_written_down(
    seen_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.forward(seconds=10)
    assert wish(organisation, seen_key) is Answer.ASKED
    row = row_of(seen_key)
    assert (row.requested_at, row.requested_by) == (clock.now(), "Ana")
    assert row.next_check_at == clock.now()
    assert AuditEvent.objects.filter(tag="check_requested", actor_name="Ana").count() == 1


def test_a_second_wish_joins_the_first(
    seen_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.forward(seconds=10)
    wish(organisation, seen_key)
    assert wish(organisation, seen_key) is Answer.JOINED
    assert AuditEvent.objects.filter(tag="check_requested").count() == 1


def test_a_wish_joins_a_check_that_runs(
    seen_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.forward(seconds=10)
    lease(seen_key)
    assert wish(organisation, seen_key) is Answer.JOINED


def test_a_result_of_under_ten_seconds_is_the_answer(
    seen_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.forward(seconds=9)
    assert wish(organisation, seen_key) is Answer.JUST_CHECKED


def test_a_result_from_the_future_is_no_answer(
    seen_key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    hand_clock.forward(hours=-1)
    assert wish(organisation, seen_key) is Answer.ASKED


def test_a_database_that_can_only_be_read_does_not_stop_the_reading(
    seen_key: ApiKey,
    person: User,
    organisation: Organisation,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OperationalError("attempt to write a readonly database")

    hand_clock.forward(seconds=60)
    monkeypatch.setattr(QuerySet, "update", refuse)
    assert look(person, organisation) == 0


def test_another_grace_has_the_key_looked_at_again(
    seen_key: ApiKey, organisation: Organisation
) -> None:
    planned = row_of(seen_key).next_check_at
    same = KeyDetails(label="Other words")
    key_change(organisation=organisation, actor=ANA, key=seen_key, details=same)
    assert row_of(seen_key).next_check_at == planned
    other = KeyDetails(label="Other words", grace_minutes=5)
    key_change(organisation=organisation, actor=ANA, key=seen_key, details=other)
    assert row_of(seen_key).next_check_at == NOON


def test_a_wish_ignores_our_back_off_but_not_a_wait_that_aitronos_asked_for(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    lease(key)
    checks_store([failed(key)])
    hand_clock.forward(seconds=10)
    assert wish(organisation, key) is Answer.ASKED
    lease(key)
    checks_store([failed(key, "rate_limited", retry_after=90.0)])
    hand_clock.forward(seconds=89)
    held = check_request(organisation=organisation, actor=ANA, key_id=key.pk)
    assert (held.answer, held.held_until) == (Answer.HELD, clock.now() + S)
    hand_clock.forward(seconds=1)
    assert wish(organisation, key) is Answer.ASKED


def test_a_finished_check_ends_the_wish(
    seen_key: ApiKey, organisation: Organisation, person: User, hand_clock: HandClock
) -> None:
    hand_clock.forward(seconds=10)
    wish(organisation, seen_key)
    (row,) = organisation_rows(user=person, organisation=organisation, now=clock.now())
    assert row.check_pending
    lease(seen_key)
    checks_store([failed(seen_key)])
    (row,) = organisation_rows(user=person, organisation=organisation, now=clock.now())
    assert not row.check_pending


def test_a_paused_key_is_not_checked_and_a_foreign_one_not_found(
    seen_key: ApiKey, organisation: Organisation
) -> None:
    other = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    with pytest.raises(NotFound):
        wish(other, seen_key)
    key_pause(organisation=organisation, actor=ANA, key=seen_key)
    with pytest.raises(Conflict):
        wish(organisation, seen_key)


def test_a_resumed_key_starts_afresh_at_once_and_keeps_what_was_seen(
    seen_key: ApiKey, organisation: Organisation, hand_clock: HandClock, person: User
) -> None:
    key_pause(organisation=organisation, actor=ANA, key=seen_key)
    hand_clock.forward(hours=3)
    key_resume(organisation=organisation, actor=ANA, key=seen_key)
    row = row_of(seen_key)
    assert (row.state, row.next_check_at) == (State.NOT_CHECKED, clock.now())
    assert (row.figures_are_former, row.total_tools, row.first_observed_at) == (True, 42, None)
    lease(seen_key)
    checks_store([good(seen_key)])
    row = row_of(seen_key)
    assert (row.figures_are_former, row.first_observed_at) == (False, clock.now())


def test_resuming_a_key_that_runs_changes_nothing(
    seen_key: ApiKey, organisation: Organisation
) -> None:
    key_resume(organisation=organisation, actor=ANA, key=seen_key)
    assert row_of(seen_key).state == State.UP_TO_DATE


def test_a_revoked_key_leaves_no_figures(seen_key: ApiKey, organisation: Organisation) -> None:
    key_revoke(organisation=organisation, actor=ANA, key=seen_key)
    assert not KeySync.objects.filter(pk=seen_key.pk).exists()
    seen_key.refresh_from_db()
    assert seen_key.ciphertext is None
