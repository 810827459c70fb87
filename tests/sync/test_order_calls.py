"""An order's call: sent once at most, and what is concluded of its end."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError, FailureKind
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.lifecycle import key_pause
from freddy_admin.sync.models import HistoryEvent, KeySync, Listing, Order, OrderKind, OrderState
from freddy_admin.sync.order_calls import (
    OrderClaim,
    order_claims_take,
    order_perform,
    state_after,
)
from freddy_admin.sync.order_results import order_claims_abandon, orders_lose, orders_store
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, MakeKey, figures, good, row_of
from tests.sync.test_orders import ask, switch
from tests.sync.test_recording import store

ANA = Actor("Ana")
SYNC = "/v1/admin/composio/sync"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    options = SandboxOptions(sync_seconds=0.0)
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=options) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[AitronosClient]:
    client = AitronosClient(ClientConfig(sandbox.base_url, read_timeout=2.0), clock=clock.now)
    yield client
    client.close()


def take() -> list[OrderClaim]:
    return order_claims_take(limit=5, now=clock.now())


def sent(client: AitronosClient) -> Order:
    (claim,) = take()
    orders_store([order_perform(client, claim)])
    return Order.objects.get(pk=claim.order_id)


def keyed(make_key: MakeKey, scenario: Scenario) -> ApiKey:
    return make_key(secret=key_for(scenario, f"Order {scenario}"))


def asked(sandbox: SandboxServer) -> int:
    return sandbox.requests_seen.by_path[SYNC]


def test_a_sync_is_sent_and_its_figures_are_kept(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    ask(key, organisation, full=True)
    order = sent(client)
    assert order.state == OrderState.DONE
    assert order.result["mode"] == "full"
    assert order.result["synced"] == order.result["updated"] > 0
    assert order.request_id.startswith("req_")
    row = row_of(key)
    assert (row.order_state, row.next_check_at) == ("done", NOON)
    told = HistoryEvent.objects.filter(kind="person_did").order_by("pk").last()
    assert told is not None
    assert (told.actor_name, told.details["what"], told.details["outcome"]) == (
        "Ana",
        "sync_ended",
        "done",
    )
    assert AuditEvent.objects.filter(tag="sync_ended").count() == 1


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        (Scenario.SYNC_REFUSED, OrderState.REFUSED),
        (Scenario.SYNC_FAILS, OrderState.UNCLEAR),
        (Scenario.SYNC_VANISHES, OrderState.UNCLEAR),
        (Scenario.REJECTED, OrderState.REFUSED),
        (Scenario.NOT_PERMITTED, OrderState.REFUSED),
        (Scenario.FIREWALL, OrderState.REFUSED),
        (Scenario.RATE_LIMITED, OrderState.REFUSED),
        (Scenario.UNAVAILABLE, OrderState.UNCLEAR),
        (Scenario.REDIRECT, OrderState.REFUSED),
        (Scenario.WRONG_TYPES, OrderState.DONE),
    ],
)
def test_whatever_comes_back_it_was_sent_once(
    scenario: Scenario,
    state: OrderState,
    make_key: MakeKey,
    organisation: Organisation,
    client: AitronosClient,
    sandbox: SandboxServer,
) -> None:
    key, before = keyed(make_key, scenario), asked(sandbox)
    ask(key, organisation)
    order = sent(client)
    assert (order.state, asked(sandbox) - before) == (state, 1)
    assert take() == []
    shown = "" if state == OrderState.REFUSED else state
    assert row_of(key).order_state == shown


def test_where_nothing_listens_nothing_was_started(key: ApiKey, organisation: Organisation) -> None:
    ask(key, organisation)
    deaf = AitronosClient(ClientConfig("http://127.0.0.1:9"), clock=clock.now)
    order = sent(deaf)
    assert (order.state, order.error_kind) == (OrderState.REFUSED, "connection_refused")


def test_a_time_out_leaves_unknown_whether_it_was_started(
    make_key: MakeKey,
    organisation: Organisation,
    client: AitronosClient,
    sandbox: SandboxServer,
    settings: LazySettings,
) -> None:
    settings.AITRONOS_SYNC_TIMEOUT = 0.2
    key, before = keyed(make_key, Scenario.HANGING), asked(sandbox)
    ask(key, organisation)
    order = sent(client)
    assert (order.state, order.error_kind) == (OrderState.UNCLEAR, "read_timeout")
    assert asked(sandbox) - before == 1


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


def test_a_key_paused_meanwhile_sends_nothing(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    ask(key, organisation)
    key_pause(organisation=organisation, actor=ANA, key=key)
    order = sent(client)
    assert (order.state, order.error_kind) == (OrderState.REFUSED, "key_changed")


def test_a_damaged_key_sends_nothing(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    sealed = bytearray(bytes(key.ciphertext or b""))
    sealed[-1] ^= 1
    ApiKey.objects.filter(pk=key.pk).update(ciphertext=bytes(sealed))
    ask(key, organisation)
    order = sent(client)
    assert (order.state, order.error_kind) == (OrderState.REFUSED, "key_unreadable")


def test_a_missing_master_key_is_told_apart(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    ApiKey.objects.filter(pk=key.pk).update(master_key_id="0000000000000000")
    ask(key, organisation)
    assert sent(client).state == OrderState.REFUSED


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


def test_a_revoked_key_takes_its_overlay_along_but_not_the_record(
    key: ApiKey, organisation: Organisation, client: AitronosClient
) -> None:
    ask(key, organisation)
    (claim,) = take()
    KeySync.objects.filter(pk=key.pk).delete()
    ended = order_perform(client, claim)
    assert orders_store([ended]) == [claim.order_id]


def test_a_switch_is_sent_and_the_list_is_wanted_again(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    Listing.objects.create(
        organisation=organisation, key=key, kind="connectors", key_version=key.version
    )
    page = client.list_connectors(
        secret=key_for(Scenario.HEALTHY, f"Order {Scenario.HEALTHY}"), connection="x"
    )
    tool = page.value.connectors[0].tool_key
    switch(key, organisation, tool)
    order = sent(client)
    assert (order.state, order.kind) == (OrderState.DONE, OrderKind.SWITCH)
    assert Listing.objects.get().wanted_at == NOON
    again = client.list_connectors(
        secret=key_for(Scenario.HEALTHY, f"Order {Scenario.HEALTHY}"), connection="x"
    )
    assert tool not in {one.tool_key for one in again.value.connectors}
    told = HistoryEvent.objects.filter(kind="person_did").order_by("pk").last()
    assert told is not None
    assert told.details["what"] == "switch_ended"
    assert told.details["enable"] is False


def test_an_unknown_connector_is_refused(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    switch(keyed(make_key, Scenario.HEALTHY), organisation, "no/such?tool")
    order = sent(client)
    assert (order.state, order.error_http_status) == (OrderState.REFUSED, 404)


def test_a_switch_whose_answer_cannot_be_read_is_not_known() -> None:
    error = AitronosError(FailureKind.UNREADABLE_ANSWER, http_status=200)
    assert state_after(error, kind=OrderKind.SWITCH) == OrderState.UNCLEAR
    assert state_after(error, kind=OrderKind.SYNC) == OrderState.DONE


def test_what_nobody_foresaw_is_not_known(key: ApiKey, organisation: Organisation) -> None:
    class Broken:
        def start_sync(self, **_: object) -> None:
            raise RuntimeError("unforeseen")

    ask(key, organisation)
    (claim,) = take()
    ended = order_perform(Broken(), claim)  # type: ignore[arg-type]
    assert (ended.state, ended.problem and ended.problem.kind) == (OrderState.UNCLEAR, "internal")


def test_no_secret_is_in_a_claim_or_its_end(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    secret = key_for(Scenario.SYNC_FAILS, "Planted")
    ask(make_key(secret=secret), organisation)
    (claim,) = take()
    ended = order_perform(client, claim)
    orders_store([ended])
    shown = repr(claim) + repr(ended) + repr(Order.objects.values().get())
    assert secret not in shown
    assert claim.ciphertext is not None
    assert repr(claim.ciphertext) not in shown


def test_the_engine_sends_what_waits(
    make_key: MakeKey, organisation: Organisation, client: AitronosClient
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    ask(key, organisation)
    engine = Engine(client=client)
    try:
        for _ in range(100):
            engine.tick(wait=0.05)
            if Order.objects.get().state == OrderState.DONE:
                break
        assert Order.objects.get().state == OrderState.DONE
    finally:
        engine.stop()


def test_nothing_is_taken_without_room(key: ApiKey, organisation: Organisation) -> None:
    ask(key, organisation)
    assert order_claims_take(limit=0, now=clock.now()) == []
