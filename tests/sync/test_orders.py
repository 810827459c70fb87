"""Asking for a sync or a switch: who asked, once at a time, for this organisation alone."""

from datetime import timedelta
from uuid import uuid4

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.lifecycle import key_pause
from freddy_admin.sync.models import HistoryEvent, Order, OrderBatch, OrderState
from freddy_admin.sync.orders.placing import (
    batch_open,
    batch_orders,
    order_switch,
    order_sync,
    switch_orders,
    sync_orders,
)
from freddy_admin.sync.orders.startable import (
    one_of_each,
    rows_alike,
    same_reports,
    startable_rows,
    startable_these,
    syncs_order,
)
from freddy_admin.sync.rows import Filters
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.at_once import ON_SQLITE, at_once
from tests.sync.conftest import NOON, HandClock, MakeKey, figures, good, row_of
from tests.sync.test_recording import store

ANA = Actor("Ana", id=7, address="127.0.0.1")


def ask(key: ApiKey, organisation: Organisation, *, full: bool = False) -> Order:
    return order_sync(organisation=organisation, actor=ANA, key_id=key.pk, full=full)


def switch(key: ApiKey, organisation: Organisation, tool: str, *, enable: bool = False) -> Order:
    return order_switch(
        organisation=organisation,
        actor=ANA,
        key_id=key.pk,
        tool_key=tool,
        tool_name="Gmail",
        enable=enable,
    )


def test_a_sync_that_is_asked_for_waits_for_the_worker(
    key: ApiKey, organisation: Organisation
) -> None:
    order = ask(key, organisation, full=True)
    assert (order.state, order.full, order.requested_by) == (OrderState.QUEUED, True, "Ana")
    row = row_of(key)
    assert (row.order_at, row.order_by, row.order_state) == (NOON, "Ana", "queued")
    event = AuditEvent.objects.get(tag=Tag.SYNC_REQUESTED)
    assert (event.actor_name, event.organisation_id, event.address) == (
        "Ana",
        organisation.pk,
        "127.0.0.1",
    )
    told = HistoryEvent.objects.get(kind="person_did")
    assert (told.actor_name, told.details) == ("Ana", {"what": "sync", "full": True})


def test_while_one_runs_nobody_starts_another_and_is_told_whose_it_is(
    key: ApiKey, organisation: Organisation
) -> None:
    ask(key, organisation)
    with pytest.raises(Conflict, match="Ana"):
        ask(key, organisation)
    assert Order.objects.count() == 1


def test_another_key_is_not_locked_by_it(make_key: MakeKey, organisation: Organisation) -> None:
    ask(make_key("Sales"), organisation)
    ask(make_key("Support"), organisation)
    assert Order.objects.count() == 2


def test_a_key_of_another_organisation_is_not_there(key: ApiKey) -> None:
    other = Organisation.objects.create(name="Birch", slug="birch")
    with pytest.raises(NotFound):
        ask(key, other)
    with pytest.raises(NotFound):
        switch(key, other, "gmail")
    assert sync_orders(organisation=other, key_ids=[key.pk]) == {}
    assert switch_orders(organisation=other, key_id=key.pk) == []


def test_a_paused_or_revoked_key_asks_for_nothing(key: ApiKey, organisation: Organisation) -> None:
    key_pause(organisation=organisation, actor=ANA, key=key)
    with pytest.raises(Conflict, match="Resume"):
        ask(key, organisation)
    ApiKey.objects.update(paused_at=None, status=KeyStatus.REVOKED)
    with pytest.raises(NotFound):
        ask(key, organisation)


@pytest.mark.parametrize("tool", ["", "  ", ".", "..", "x" * 129, "a\nb"])
def test_what_names_no_connector_is_refused(
    key: ApiKey, organisation: Organisation, tool: str
) -> None:
    with pytest.raises(InvalidInput):
        switch(key, organisation, tool)


def test_a_switch_is_asked_for_once_per_connector(key: ApiKey, organisation: Organisation) -> None:
    order = switch(key, organisation, " gmail ")
    assert (order.tool_key, order.tool_name, order.enable) == ("gmail", "Gmail", False)
    with pytest.raises(Conflict):
        switch(key, organisation, "gmail", enable=True)
    switch(key, organisation, "slack")
    assert [one.tool_key for one in switch_orders(organisation=organisation, key_id=key.pk)] == [
        "slack",
        "gmail",
    ]
    assert AuditEvent.objects.filter(tag=Tag.CONNECTOR_SWITCH_REQUESTED).count() == 2


def test_an_answer_of_yesterday_is_no_longer_shown_with_the_key(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    ask(key, organisation)
    assert set(sync_orders(organisation=organisation, key_ids=[key.pk])) == {key.pk}
    hand_clock.forward(days=1, seconds=1)
    assert sync_orders(organisation=organisation, key_ids=[key.pk]) == {}


def test_a_batch_shows_each_person_their_own_organisations(
    key: ApiKey, make_key: MakeKey, organisation: Organisation, person: User, platform_admin: User
) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch")
    foreign = make_key("Other", at=birch)
    batch = batch_open(actor=ANA)
    for place, one in ((organisation, key), (birch, foreign)):
        order_sync(organisation=place, actor=ANA, key_id=one.pk, full=False, batch=batch)
    assert [one.key_id for one in batch_orders(user=person, batch_id=batch.pk)] == [key.pk]
    assert len(batch_orders(user=platform_admin, batch_id=batch.pk)) == 2
    Membership.objects.all().delete()
    with pytest.raises(NotFound):
        batch_orders(user=person, batch_id=batch.pk)
    with pytest.raises(NotFound):
        batch_orders(user=platform_admin, batch_id=uuid4())


def test_only_keys_whose_sync_one_may_start_are_offered(
    key: ApiKey, make_key: MakeKey, organisation: Organisation, person: User
) -> None:
    paused = make_key("Paused")
    key_pause(organisation=organisation, actor=ANA, key=paused)
    now = clock.now()
    offered = startable_rows(user=person, filters=Filters(), now=now)
    assert [row.key_id for row in offered] == [key.pk]
    Membership.objects.update(role=Role.VIEWER)
    assert startable_rows(user=person, filters=Filters(), now=now) == []
    with pytest.raises(InvalidInput):
        startable_these(user=person, key_ids=[key.pk], now=now)


def test_more_than_a_hundred_at_once_are_too_many(person: User) -> None:
    with pytest.raises(InvalidInput, match="100"):
        startable_these(user=person, key_ids=list(range(101)), now=clock.now())


def test_keys_that_report_the_same_are_named_before_they_are_started(
    make_key: MakeKey, person: User
) -> None:
    last, following = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    keys = [make_key(label) for label in ("A", "B", "C")]
    for one in keys[:2]:
        store(one, good(one, figures(last, following)))
    store(keys[2], good(keys[2], figures(last, following + timedelta(hours=1))))
    now = clock.now()
    rows = startable_these(user=person, key_ids=[one.pk for one in keys], now=now)
    assert [[row.key_label for row in group] for group in same_reports(rows)] == [["A", "B"]]
    assert [row.key_label for row in one_of_each(rows)] == ["A", "C"]
    assert [row.key_label for row in rows_alike(user=person, row=rows[0], now=now)] == ["B"]
    assert rows_alike(user=person, row=rows[2], now=now) == []


def test_keys_without_a_last_sync_are_not_taken_for_the_same(
    make_key: MakeKey, person: User
) -> None:
    keys = [make_key(label) for label in ("A", "B")]
    for one in keys:
        store(one, good(one, figures(None, None, 0)))
    rows = startable_these(user=person, key_ids=[one.pk for one in keys], now=clock.now())
    assert same_reports(rows) == []
    assert rows_alike(user=person, row=rows[0], now=clock.now()) == []


def test_several_are_asked_for_and_those_left_out_are_named(
    make_key: MakeKey, organisation: Organisation, person: User
) -> None:
    keys = [make_key(label) for label in ("A", "B")]
    rows = startable_these(user=person, key_ids=[one.pk for one in keys], now=clock.now())
    ask(keys[0], organisation)
    batch, left_out = syncs_order(user=person, actor=ANA, rows=rows, full=True)
    assert batch is not None
    assert [one.key.label for one in batch_orders(user=person, batch_id=batch.pk)] == ["B"]
    assert len(left_out) == 1
    assert "Ana" in left_out[0]


def test_a_batch_of_nothing_is_no_batch(
    make_key: MakeKey, organisation: Organisation, person: User
) -> None:
    key = make_key()
    rows = startable_these(user=person, key_ids=[key.pk], now=clock.now())
    Membership.objects.all().delete()
    batch, left_out = syncs_order(user=person, actor=ANA, rows=rows, full=False)
    assert (batch, len(left_out)) == (None, 1)
    assert not OrderBatch.objects.exists()


@pytest.mark.skipif(ON_SQLITE, reason="threads need a database on disk")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_press_at_once_one_starts_it(key: ApiKey, organisation: Organisation) -> None:
    def press() -> str:
        try:
            ask(key, organisation)
        except Conflict:
            return "conflict"
        return "placed"

    assert sorted(at_once([press, press])) == ["conflict", "placed"]
