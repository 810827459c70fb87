"""Operations as pages and programs read them: those of organisations that a person sees."""

from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import OperationState, RemoteOperation, SyncStatus
from freddy_admin.sync.operations.selectors import is_sync_confirmation_late, operation_get
from freddy_admin.vault.models import ApiKey
from tests.people import People
from tests.sync.conftest import HandClock, good_result
from tests.sync.test_check_recording import store
from tests.sync.test_operation_requests import request_sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def operation(key: ApiKey, organisation: Organisation) -> RemoteOperation:
    store(key, good_result(key))
    return request_sync(key, organisation)


def test_operation_is_read_by_those_who_see_its_organisation(
    people: People, operation: RemoteOperation, organisation: Organisation
) -> None:
    for user in (people.viewer, people.admin):
        found = operation_get(user=user, operation_id=operation.pk)
        assert (found.pk, found.organisation.slug, found.key.label) == (
            operation.pk, "alder", "Main",
        )  # fmt: skip
    assert operation_get(
        user=people.viewer, operation_id=operation.pk, organisation_ids=[organisation.pk]
    )


def test_operation_out_of_reach_is_missing_in_the_same_words(
    people: People, operation: RemoteOperation, other_organisation: Organisation
) -> None:
    attempts: list[tuple[User, int, list[int] | None]] = [
        (people.stranger, operation.pk, None),
        (people.viewer, operation.pk + 1, None),
        (people.admin, operation.pk, [other_organisation.pk]),
        (people.viewer, operation.pk, []),
    ]
    messages = set()
    for user, operation_id, organisation_ids in attempts:
        with pytest.raises(NotFound) as raised:
            operation_get(user=user, operation_id=operation_id, organisation_ids=organisation_ids)
        messages.add(raised.value.message)
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("grace_minutes", "minutes", "is_late"),
    [(None, 59, False), (None, 61, True), (5, 4, False), (5, 6, True)],
)
def test_sync_that_was_not_seen_after_the_grace_is_late(
    grace_minutes: int | None,
    minutes: float,
    is_late: bool,
    operation: RemoteOperation,
    hand_clock: HandClock,
) -> None:
    """The grace of a key that syncs every four hours is an hour, unless it has one of its own."""
    ApiKey.objects.filter(pk=operation.key_id).update(grace_minutes=grace_minutes)
    fresh = RemoteOperation.objects.select_related("key__sync_status").get(pk=operation.pk)
    now = clock.now() + timedelta(minutes=minutes)
    assert is_sync_confirmation_late(fresh, now=now) is is_late


def test_sync_of_a_key_that_is_checked_no_more_is_never_seen(operation: RemoteOperation) -> None:
    SyncStatus.objects.all().delete()
    fresh = RemoteOperation.objects.select_related("key").get(pk=operation.pk)
    assert fresh.state == OperationState.QUEUED
    assert is_sync_confirmation_late(fresh, now=clock.now())
