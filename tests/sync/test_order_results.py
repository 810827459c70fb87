"""What became of an order: told once, watched, confirmed by the sync that is seen."""

from datetime import timedelta

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.scenarios import Scenario
from freddy_admin.sync.models import HistoryEvent, KeySync, Order, OrderState
from freddy_admin.sync.orders.calls import (
    order_perform,
)
from freddy_admin.sync.orders.results import (
    order_claims_abandon,
    orders_expire,
    orders_lose,
    orders_store,
)
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, MakeKey, figures, good, row_of
from tests.sync.ordering import client, keyed, sandbox, sent, take
from tests.sync.test_orders import ask
from tests.sync.test_recording import store

__all__ = ["client", "sandbox"]
ANA = Actor("Ana")


def test_a_worker_that_dies_in_the_middle_sends_nothing_again(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    ask(key, organisation)
    (claim,) = take()
    assert (take(), orders_lose(now=clock.now())) == ([], 0)
    hand_clock.forward(minutes=5)
    assert orders_lose(now=clock.now()) == 1
    order = Order.objects.get(pk=claim.order_id)
    assert (order.state, order.error_kind) == (OrderState.UNCLEAR, "worker_lost")
    assert take() == []
    assert row_of(key).order_state == "unclear"


def test_what_no_worker_takes_for_half_an_hour_is_given_up_unsent(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    ask(key, organisation)
    hand_clock.forward(minutes=31)
    assert take() == []
    assert (orders_expire(now=clock.now()), orders_expire(now=clock.now())) == (1, 0)
    order = Order.objects.get()
    assert (order.state, order.error_kind) == (OrderState.REFUSED, "not_taken")
    assert row_of(key).order_state == ""


def test_without_a_worker_nobody_stays_locked_out(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    ask(key, organisation)
    hand_clock.forward(minutes=31)
    ask(key, organisation)
    states = Order.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [OrderState.REFUSED, OrderState.QUEUED]


def test_an_answer_that_comes_after_all_is_the_truth(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    ask(key, organisation)
    (claim,) = take()
    ended = order_perform(client, claim)
    hand_clock.forward(minutes=5)
    orders_lose(now=clock.now())
    assert orders_store([ended]) == [claim.order_id]
    assert Order.objects.get(pk=claim.order_id).state == OrderState.DONE
    assert orders_store([ended]) == []


def test_a_worker_that_ends_in_order_says_that_nobody_knows(
    key: ApiKey, organisation: Organisation
) -> None:
    ask(key, organisation)
    order_claims_abandon(take(), now=clock.now())
    assert Order.objects.get().state == OrderState.UNCLEAR


def test_the_overlay_goes_when_the_last_sync_passes_the_request(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    last, due = NOON - timedelta(hours=3), NOON + timedelta(hours=1)
    store(key, good(key, figures(last, due)))
    hand_clock.forward(minutes=2, milliseconds=700)
    ask(key, organisation)
    sent(client)
    hand_clock.forward(minutes=1)
    row = store(key, good(key, figures(last, due)))
    assert (row.order_state, row.order_by) == ("done", "Ana")
    assert row.next_check_at == clock.now() + timedelta(seconds=60)
    # Aitronos names whole seconds: the request's own second counts.
    synced = NOON + timedelta(minutes=2)
    row = store(key, good(key, figures(synced, due)))
    assert (row.order_state, row.order_at, row.order_by) == ("", None, "")
    assert Order.objects.get().confirmed_sync_at == synced
    seen = HistoryEvent.objects.get(kind="sync_seen")
    assert (seen.at, seen.actor_name) == (synced, "Ana")


def test_a_sync_seen_before_its_answer_came_is_confirmed_with_the_answer(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    store(key, good(key))
    hand_clock.forward(minutes=1)
    ask(key, organisation)
    (claim,) = take()
    ended = order_perform(client, claim)
    hand_clock.forward(seconds=30)
    synced = NOON + timedelta(seconds=80)
    row = store(key, good(key, figures(synced, NOON + timedelta(hours=4))))
    assert (row.order_at, row.order_by) == (NOON + timedelta(minutes=1), "Ana")
    orders_store([ended])
    assert row_of(key).order_state == ""
    assert Order.objects.get().confirmed_sync_at == synced


def test_a_sync_that_came_before_it_was_sent_is_not_what_was_asked_for(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient, hand_clock: HandClock
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    store(key, good(key))
    ask(key, organisation)
    hand_clock.forward(minutes=10)
    planned = figures(NOON + timedelta(minutes=5), NOON + timedelta(hours=4))
    store(key, good(key, planned))
    assert HistoryEvent.objects.get(kind="sync_seen").actor_name == ""
    sent(client)
    row = store(key, good(key, planned))
    assert (row.order_state, row.order_by) == ("done", "Ana")
    assert Order.objects.get().confirmed_sync_at is None
    synced = hand_clock.forward(minutes=1)
    store(key, good(key, figures(synced, NOON + timedelta(hours=4))))
    assert Order.objects.get().confirmed_sync_at == synced
    assert HistoryEvent.objects.get(kind="sync_seen", at=synced).actor_name == "Ana"


def test_the_key_shows_that_its_order_is_on_its_way(
    key: ApiKey, organisation: Organisation
) -> None:
    ask(key, organisation)
    take()
    assert row_of(key).order_state == "sending"


def test_a_clock_set_back_locks_nobody_out(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    ask(key, organisation)
    take()
    hand_clock.forward(days=-1)
    assert orders_lose(now=clock.now()) == 1
    assert row_of(key).order_state == "unclear"


def test_a_revoked_key_takes_its_overlay_along_but_not_the_record(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    ask(key, organisation)
    (claim,) = take()
    KeySync.objects.filter(pk=key.pk).delete()
    ended = order_perform(client, claim)
    assert orders_store([ended]) == [claim.order_id]
