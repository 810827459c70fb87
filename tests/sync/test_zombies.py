"""Whoever was stopped and wakes up after the end of its lease starts and switches nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync import lease_age
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.models import Order, OrderState
from freddy_admin.sync.orders import calls
from freddy_admin.sync.orders.calls import order_perform
from freddy_admin.sync.orders.results import orders_lose, orders_store
from tests.at_once import alone, shared
from tests.flows.waiting import until
from tests.sync.conftest import HandClock, MakeKey, row_of
from tests.sync.ordering import asked, keyed, sandbox, sent, take
from tests.sync.stopping import Paused, other, pause, zombie
from tests.sync.test_orders import ask, switch

__all__ = ["other", "pause", "sandbox", "shared", "zombie"]
ANA = Actor(name="Ana", id=1)


@pytest.fixture
def stop(
    request: pytest.FixtureRequest, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Ten minutes pass, by one clock alone or by another worker's deed."""

    def by_the_boot() -> None:
        at = lease_age.boot_seconds() + 600
        monkeypatch.setattr(lease_age, "boot_seconds", lambda: at)

    def by_the_database() -> None:
        now = Now() + timedelta(minutes=10)
        monkeypatch.setattr(calls, "Now", lambda: ExpressionWrapper(now, DateTimeField()))

    def given_up() -> None:
        Order.objects.update(state=OrderState.UNCLEAR)

    def taken_over() -> None:
        Order.objects.update(lease_token="another")

    def away() -> None:
        refused = OperationalError("server closed the connection")
        monkeypatch.setattr(calls, "Now", _raising(refused))

    ways: dict[str, Callable[[], object]] = {
        "wall": lambda: hand_clock.forward(minutes=10),
        "boot": by_the_boot,
        "database": by_the_database,
        "given up": given_up,
        "taken over": taken_over,
        "database away": away,
    }
    way = ways[request.param]
    return lambda: (way(), None)[1]


def _raising(error: Exception) -> Callable[[], object]:
    def refuse() -> object:
        raise error

    return refuse


STOPS = ["wall", "boot", "database", "given up", "taken over", "database away"]


@pytest.mark.parametrize("stop", STOPS, indirect=True)
def test_a_stopped_worker_does_not_start_a_sync_late(
    stop: Callable[[], None],
    make_key: MakeKey,
    organisation: Organisation,
    zombie: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key, before = keyed(make_key, Scenario.HEALTHY), asked(sandbox)
    ask(key, organisation)
    (claim,) = take()
    pause.happens = stop
    ended = order_perform(zombie, claim)
    assert asked(sandbox) == before
    assert (ended.state, ended.problem and ended.problem.kind) == (OrderState.REFUSED, "withheld")


def test_a_sync_that_was_asked_for_anew_is_the_only_one_that_is_sent(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    zombie: AitronosClient,
    other: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key, before = keyed(make_key, Scenario.HEALTHY), asked(sandbox)
    ask(key, organisation)
    (claim,) = take()

    def the_others_go_on() -> None:
        hand_clock.forward(minutes=5)
        assert orders_lose(now=clock.now()) == 1
        assert Order.objects.get().state == OrderState.UNCLEAR
        ask(key, organisation)
        assert sent(other).state == OrderState.DONE

    pause.happens = the_others_go_on
    ended = order_perform(zombie, claim)
    assert asked(sandbox) - before == 1
    orders_store([ended])
    first, second = Order.objects.order_by("pk")
    # By now it is certain, and said, that the first one was not started.
    assert (first.state, first.error_kind) == (OrderState.REFUSED, "withheld")
    assert second.state == OrderState.DONE
    assert row_of(key).order_state == OrderState.DONE


def test_a_stopped_worker_switches_no_connector_late(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    zombie: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key, before = keyed(make_key, Scenario.HEALTHY), sandbox.requests_seen.total
    switch(key, organisation, "gmail")
    (claim,) = take()
    pause.happens = lambda: hand_clock.forward(minutes=5)
    assert orders_store([order_perform(zombie, claim)]) == [claim.order_id]
    assert sandbox.requests_seen.total == before
    order = Order.objects.get()
    assert (order.state, order.error_kind) == (OrderState.REFUSED, "withheld")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shared")
def test_the_engine_sends_what_waits_and_looks_at_the_row_in_a_thread_of_its_own(
    make_key: MakeKey, organisation: Organisation, other: AitronosClient, sandbox: SandboxServer
) -> None:
    before = asked(sandbox)

    def run() -> Order:
        place = Organisation.objects.create(name="Elm", slug="elm", created_at=clock.now())
        ask(make_key(secret=key_for(Scenario.HEALTHY, "Elm"), at=place), place)
        engine = Engine(client=other)
        try:
            assert until(lambda: engine.tick(wait=0.05) >= 0 and _ended(), seconds=60)
        finally:
            engine.stop()
        return Order.objects.get()

    order = alone(run)
    assert (order.state, order.error_kind) == (OrderState.DONE, "")
    assert asked(sandbox) - before == 1


def _ended() -> bool:
    return not Order.objects.filter(finished_at=None).exists()
