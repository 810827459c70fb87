"""Requests of people: each wakes its queue, and no more are taken in than may wait."""

from collections.abc import Callable
from typing import Any

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock, fair_shares
from freddy_admin.core.fair_shares import TooManyWaiting
from freddy_admin.core.tasks import EmbeddedTasks, QueueName, adapter_install, adapter_remove
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.catalog.services import catalog_fetch_request
from freddy_admin.sync.checks.requests import CheckRequestOutcome, check_request
from freddy_admin.sync.models import (
    CatalogSnapshot,
    OperationState,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.sync.operations.services import switch_operation_create, sync_operation_create
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services.keys import api_key_create
from tests.sync.conftest import HandClock, MakeKey

ANA, BEN = Actor(name="Ana", id=1), Actor(name="Ben", id=2)
OF_ORGANISATION, OF_PERSON = "requests of this organisation wait", "of your requests wait"
Ask = Callable[[ApiKey, Actor], object]


@pytest.fixture(autouse=True)
def _two_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_shares, "MAX_WAITING_REQUESTS", 2)


@pytest.fixture
def other_organisation(db: None, hand_clock: HandClock) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch", created_at=hand_clock())


def ask_check(key: ApiKey, actor: Actor) -> object:
    return check_request(organisation=key.organisation, actor=actor, key_id=key.pk)


def ask_sync(key: ApiKey, actor: Actor) -> object:
    return sync_operation_create(
        organisation=key.organisation, actor=actor, key_id=key.pk, full=False
    )


def ask_switch(key: ApiKey, actor: Actor) -> object:
    return switch_operation_create(
        organisation=key.organisation,
        actor=actor,
        key_id=key.pk,
        tool_key="gmail",
        tool_name="Gmail",
        enable=True,
    )


def ask_new_key(key: ApiKey, actor: Actor) -> object:
    return api_key_create(
        organisation=key.organisation,
        actor=actor,
        details=KeyDetails(label=f"New {key.pk}"),
        secret=f"oak_live_new_{key.pk}_0123456789abcdef",
    )


def ask_catalog(key: ApiKey, actor: Actor) -> object:
    return catalog_fetch_request(
        organisation=key.organisation, actor=actor, key_id=key.pk, kind="connectors"
    )


@pytest.mark.parametrize("ask", [ask_check, ask_sync, ask_switch, ask_new_key, ask_catalog])
def test_more_than_may_wait_of_one_organisation_is_refused_and_others_are_not(
    make_key: MakeKey, other_organisation: Organisation, ask: Ask
) -> None:
    first, second, third = (make_key(f"k{number}") for number in range(3))
    ask(first, ANA)
    ask(second, BEN)
    with pytest.raises(TooManyWaiting, match=OF_ORGANISATION) as refusal:
        ask(third, Actor(name="Eve", id=3))
    assert (refusal.value.http_status, refusal.value.headers) == (429, {"Retry-After": "10"})
    ask(make_key("other", at=other_organisation), BEN)


@pytest.mark.parametrize("ask", [ask_check, ask_sync, ask_switch, ask_new_key])
def test_more_than_may_wait_of_one_person_is_refused_and_of_others_is_not(
    make_key: MakeKey, other_organisation: Organisation, organisation: Organisation, ask: Ask
) -> None:
    ask(make_key("a", at=organisation), ANA)
    ask(make_key("b", at=other_organisation), ANA)
    third = make_key("c", at=organisation)
    with pytest.raises(TooManyWaiting, match=OF_PERSON):
        ask(third, ANA)
    ask(third, BEN)


def test_a_repeated_request_joins_the_waiting_one_however_many_wait(make_key: MakeKey) -> None:
    keys = [make_key("a"), make_key("b")]
    for key in keys:
        ask_check(key, ANA)
    result = check_request(organisation=keys[0].organisation, actor=ANA, key_id=keys[0].pk)
    assert result.outcome is CheckRequestOutcome.JOINED


def test_what_has_ended_makes_room(make_key: MakeKey) -> None:
    keys = [make_key(f"k{number}") for number in range(3)]
    for key in keys[:2]:
        for ask in (ask_check, ask_sync, ask_new_key, ask_catalog):
            ask(key, ANA)
    SyncStatus.objects.update(requested_at=None)
    RemoteOperation.objects.update(state=OperationState.DONE)
    KeyCandidate.objects.update(state=CandidateState.UNTESTED)
    CatalogSnapshot.objects.update(requested_at=None, checked_at=clock.now())
    for ask in (ask_check, ask_sync, ask_new_key, ask_catalog):
        ask(keys[2], ANA)


@pytest.mark.parametrize(
    ("ask", "queue"),
    [
        (ask_check, QueueName.CHECK_REQUESTS),
        (ask_sync, QueueName.OPERATIONS),
        (ask_switch, QueueName.OPERATIONS),
        (ask_new_key, QueueName.CANDIDATES),
        (ask_catalog, QueueName.CATALOGS),
    ],
)
def test_a_request_wakes_its_queue_once_it_is_committed(
    key: ApiKey,
    ask: Ask,
    queue: QueueName,
    django_capture_on_commit_callbacks: Any,
) -> None:
    class Listener(EmbeddedTasks):
        def __init__(self) -> None:
            super().__init__()
            self.woken: list[str] = []

        def wake(self, queue: str) -> None:
            self.woken.append(queue)

    listener = Listener()
    adapter_install(listener)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            ask(key, ANA)
            assert listener.woken == []
    finally:
        adapter_remove(listener)
    assert listener.woken == [queue]
