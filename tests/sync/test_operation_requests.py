"""Requests for a sync or a switch: by whom, one at a time, for this organisation alone."""

from datetime import timedelta
from uuid import uuid4

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.key_lifecycle import key_pause
from freddy_admin.sync.models import HistoryEvent, OperationBatch, OperationState, RemoteOperation
from freddy_admin.sync.operations.selectors import (
    batch_operation_list,
    latest_sync_operation_by_key,
    switch_operation_list,
)
from freddy_admin.sync.operations.services import (
    operation_batch_create,
    switch_operation_create,
    sync_operation_create,
)
from freddy_admin.sync.operations.startable_syncs import (
    drop_duplicate_figures,
    group_rows_by_figures,
    key_rows_sharing_sync,
    startable_sync_rows,
    startable_sync_rows_by_ids,
    sync_batch_create,
)
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.concurrency import IS_SQLITE, run_concurrently
from tests.sync.conftest import (
    NOON,
    HandClock,
    MakeKey,
    good_result,
    make_figures,
    sync_status_of,
)
from tests.sync.test_check_recording import store

ANA = Actor("Ana", id=7, address="127.0.0.1")


def request_sync(key: ApiKey, organisation: Organisation, *, full: bool = False) -> RemoteOperation:
    return sync_operation_create(organisation=organisation, actor=ANA, key_id=key.pk, full=full)


def request_switch(
    key: ApiKey, organisation: Organisation, tool_key: str, *, enable: bool = False
) -> RemoteOperation:
    return switch_operation_create(
        organisation=organisation,
        actor=ANA,
        key_id=key.pk,
        tool_key=tool_key,
        tool_name="Gmail",
        enable=enable,
    )


def test_a_requested_sync_is_queued_for_the_worker(key: ApiKey, organisation: Organisation) -> None:
    operation = request_sync(key, organisation, full=True)
    assert (operation.state, operation.full, operation.requested_by) == (
        OperationState.QUEUED,
        True,
        "Ana",
    )
    row = sync_status_of(key)
    assert (row.operation_requested_at, row.operation_requested_by, row.operation_state) == (
        NOON,
        "Ana",
        "queued",
    )
    event = AuditEvent.objects.get(tag=AuditTag.SYNC_REQUESTED)
    assert (event.actor_name, event.organisation_id, event.address) == (
        "Ana",
        organisation.pk,
        "127.0.0.1",
    )
    history_event = HistoryEvent.objects.get(kind="person_did")
    assert (history_event.actor_name, history_event.details) == (
        "Ana",
        {"what": "sync", "full": True},
    )


def test_a_second_sync_conflicts_and_the_message_names_who_requested_the_first(
    key: ApiKey, organisation: Organisation
) -> None:
    request_sync(key, organisation)
    with pytest.raises(Conflict, match="Ana"):
        request_sync(key, organisation)
    assert RemoteOperation.objects.count() == 1


def test_a_queued_sync_does_not_block_another_key(
    make_key: MakeKey, organisation: Organisation
) -> None:
    request_sync(make_key("Sales"), organisation)
    request_sync(make_key("Support"), organisation)
    assert RemoteOperation.objects.count() == 2


def test_a_key_of_another_organisation_is_not_found(key: ApiKey) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch")
    with pytest.raises(NotFound):
        request_sync(key, birch)
    with pytest.raises(NotFound):
        request_switch(key, birch, "gmail")
    assert latest_sync_operation_by_key(organisation=birch, key_ids=[key.pk]) == {}
    assert switch_operation_list(organisation=birch, key_id=key.pk) == []


def test_a_paused_or_revoked_key_requests_no_sync(key: ApiKey, organisation: Organisation) -> None:
    key_pause(organisation=organisation, actor=ANA, key=key)
    with pytest.raises(Conflict, match="Resume"):
        request_sync(key, organisation)
    ApiKey.objects.update(paused_at=None, status=KeyLifecycle.REVOKED)
    with pytest.raises(NotFound):
        request_sync(key, organisation)


@pytest.mark.parametrize("tool_key", ["", "  ", ".", "..", "x" * 129, "a\nb"])
def test_an_invalid_tool_key_is_refused(
    key: ApiKey, organisation: Organisation, tool_key: str
) -> None:
    with pytest.raises(InvalidInput):
        request_switch(key, organisation, tool_key)


def test_a_switch_is_requested_once_per_connector(key: ApiKey, organisation: Organisation) -> None:
    operation = request_switch(key, organisation, " gmail ")
    assert (operation.tool_key, operation.tool_name, operation.enable) == ("gmail", "Gmail", False)
    with pytest.raises(Conflict):
        request_switch(key, organisation, "gmail", enable=True)
    request_switch(key, organisation, "slack")
    assert [
        operation.tool_key
        for operation in switch_operation_list(organisation=organisation, key_id=key.pk)
    ] == [
        "slack",
        "gmail",
    ]
    assert AuditEvent.objects.filter(tag=AuditTag.CONNECTOR_SWITCH_REQUESTED).count() == 2


def test_a_sync_of_yesterday_is_no_longer_shown_with_the_key(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    request_sync(key, organisation)
    assert set(latest_sync_operation_by_key(organisation=organisation, key_ids=[key.pk])) == {
        key.pk
    }
    hand_clock.advance(days=1, seconds=1)
    assert latest_sync_operation_by_key(organisation=organisation, key_ids=[key.pk]) == {}


def test_a_batch_shows_each_user_their_own_organisations(
    key: ApiKey, make_key: MakeKey, organisation: Organisation, operator: User, platform_admin: User
) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch")
    foreign = make_key("Other", at=birch)
    batch = operation_batch_create(actor=ANA)
    for batch_key in (key, foreign):
        sync_operation_create(
            organisation=batch_key.organisation,
            actor=ANA,
            key_id=batch_key.pk,
            full=False,
            batch=batch,
        )
    operations = batch_operation_list(user=operator, batch_id=batch.pk)
    assert [operation.key_id for operation in operations] == [key.pk]
    assert len(batch_operation_list(user=platform_admin, batch_id=batch.pk)) == 2
    Membership.objects.all().delete()
    with pytest.raises(NotFound):
        batch_operation_list(user=operator, batch_id=batch.pk)
    with pytest.raises(NotFound):
        batch_operation_list(user=platform_admin, batch_id=uuid4())


def test_startable_keys_are_those_whose_sync_the_user_may_start(
    key: ApiKey, make_key: MakeKey, organisation: Organisation, operator: User
) -> None:
    paused = make_key("Paused")
    key_pause(organisation=organisation, actor=ANA, key=paused)
    now = clock.now()
    rows = startable_sync_rows(user=operator, filters=OverviewFilters(), now=now)
    assert [row.key_id for row in rows] == [key.pk]
    Membership.objects.update(role=Role.VIEWER)
    assert startable_sync_rows(user=operator, filters=OverviewFilters(), now=now) == []
    with pytest.raises(InvalidInput):
        startable_sync_rows_by_ids(user=operator, key_ids=[key.pk], now=now)


def test_a_batch_of_more_than_a_hundred_keys_is_refused(operator: User) -> None:
    with pytest.raises(InvalidInput, match="100"):
        startable_sync_rows_by_ids(user=operator, key_ids=list(range(101)), now=clock.now())


def test_keys_with_the_same_figures_are_grouped(make_key: MakeKey, operator: User) -> None:
    last_sync_at, next_sync_at = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    keys = [make_key(label) for label in ("A", "B", "C")]
    for key in keys[:2]:
        store(key, good_result(key, make_figures(last_sync_at, next_sync_at)))
    store(
        keys[2], good_result(keys[2], make_figures(last_sync_at, next_sync_at + timedelta(hours=1)))
    )
    now = clock.now()
    rows = startable_sync_rows_by_ids(user=operator, key_ids=[key.pk for key in keys], now=now)
    assert [[row.key_label for row in group] for group in group_rows_by_figures(rows)] == [
        ["A", "B"]
    ]
    assert [row.key_label for row in drop_duplicate_figures(rows)] == ["A", "C"]
    assert [
        row.key_label for row in key_rows_sharing_sync(user=operator, row=rows[0], now=now)
    ] == ["B"]
    assert key_rows_sharing_sync(user=operator, row=rows[2], now=now) == []


def test_keys_without_a_last_sync_are_not_grouped(make_key: MakeKey, operator: User) -> None:
    keys = [make_key(label) for label in ("A", "B")]
    for key in keys:
        store(key, good_result(key, make_figures(None, None, 0)))
    rows = startable_sync_rows_by_ids(
        user=operator, key_ids=[key.pk for key in keys], now=clock.now()
    )
    assert group_rows_by_figures(rows) == []
    assert key_rows_sharing_sync(user=operator, row=rows[0], now=clock.now()) == []


def test_a_batch_names_the_keys_it_left_out(
    make_key: MakeKey, organisation: Organisation, operator: User
) -> None:
    keys = [make_key(label) for label in ("A", "B")]
    rows = startable_sync_rows_by_ids(
        user=operator, key_ids=[key.pk for key in keys], now=clock.now()
    )
    request_sync(keys[0], organisation)
    batch, skipped_messages = sync_batch_create(user=operator, actor=ANA, rows=rows, full=True)
    assert batch is not None
    operations = batch_operation_list(user=operator, batch_id=batch.pk)
    assert [operation.key.label for operation in operations] == ["B"]
    assert len(skipped_messages) == 1
    assert "Ana" in skipped_messages[0]


def test_a_batch_without_a_sync_is_not_saved(
    make_key: MakeKey, organisation: Organisation, operator: User
) -> None:
    key = make_key()
    rows = startable_sync_rows_by_ids(user=operator, key_ids=[key.pk], now=clock.now())
    Membership.objects.all().delete()
    batch, skipped_messages = sync_batch_create(user=operator, actor=ANA, rows=rows, full=False)
    assert (batch, len(skipped_messages)) == (None, 1)
    assert not OperationBatch.objects.exists()


@pytest.mark.skipif(IS_SQLITE, reason="threads need a database on disk")
@pytest.mark.django_db(transaction=True)
def test_one_of_two_concurrent_requests_starts_the_sync(
    key: ApiKey, organisation: Organisation
) -> None:
    def request_outcome() -> str:
        try:
            request_sync(key, organisation)
        except Conflict:
            return "conflict"
        return "placed"

    assert sorted(run_concurrently([request_outcome, request_outcome])) == ["conflict", "placed"]
