"""Whoever was stopped and wakes up after the end of its lease sends nothing and writes nothing."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.connections import CALL
from freddy_admin.aitronos.resolving import Address, Resolver
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync import lease_age
from freddy_admin.sync.candidates import candidate_claims_take, candidates_store
from freddy_admin.sync.checks import check_perform
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.leases import Claim, claims_take
from freddy_admin.sync.lists.calls import (
    listing_claims_take,
    listing_perform,
    listings_store,
)
from freddy_admin.sync.models import Listing, Order, OrderState
from freddy_admin.sync.orders import calls
from freddy_admin.sync.orders.calls import order_perform
from freddy_admin.sync.orders.results import orders_lose, orders_store
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import checks_store
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services.keys import api_key_replace
from tests.at_once import alone, shared
from tests.flows.waiting import until
from tests.sync.conftest import HandClock, MakeKey, row_of
from tests.sync.ordering import asked, keyed, sandbox, sent, take
from tests.sync.test_orders import ask, switch

__all__ = ["sandbox", "shared"]
ANA = Actor(name="Ana", id=1)
STATUS = "/v1/admin/composio/sync/status"


class Paused(Resolver):
    """A way to the other side on which something happens, while the worker stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.happens: Callable[[], object] = lambda: None

    def resolve(self, host: str, port: int, *, seconds: float) -> list[Address]:
        happens, self.happens = self.happens, lambda: None
        # What another worker calls meanwhile knows nothing of our thread's call.
        ours = dict(vars(CALL))
        happens()
        vars(CALL).update(ours)
        return super().resolve(host, port, seconds=seconds)


@pytest.fixture
def pause() -> Paused:
    return Paused()


@pytest.fixture
def zombie(sandbox: SandboxServer, pause: Paused) -> Iterator[AitronosClient]:
    """The client of the worker that is stopped."""
    yield from _client(sandbox, pause)


@pytest.fixture
def other(sandbox: SandboxServer) -> Iterator[AitronosClient]:
    """The client of a worker that runs on."""
    yield from _client(sandbox, None)


def _client(sandbox: SandboxServer, resolver: Resolver | None) -> Iterator[AitronosClient]:
    config = ClientConfig(sandbox.base_url, connect_timeout=5, read_timeout=2.0)
    client = AitronosClient(config, clock=clock.now, resolver=resolver)
    yield client
    client.close()


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


def _claimed(key: ApiKey) -> Claim:
    claims = claims_take(limit=5, now=clock.now(), policy=policy())
    assert [one.key_id for one in claims] == [key.pk]
    return claims[0]


def test_a_stopped_worker_checks_no_key_late(
    make_key: MakeKey,
    hand_clock: HandClock,
    zombie: AitronosClient,
    other: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    seen, claim = sandbox.requests_seen.by_path, _claimed(key)
    before = seen[STATUS]

    def another_worker_checks() -> None:
        hand_clock.forward(minutes=5)
        assert len(checks_store([check_perform(other, _claimed(key))])) == 1

    pause.happens = another_worker_checks
    late = check_perform(zombie, claim)
    stored = row_of(key)
    assert checks_store([late]) == []
    assert seen[STATUS] - before == 1
    assert (row_of(key).checked_at, row_of(key).outcome) == (stored.checked_at, "good")


def test_a_key_that_nobody_took_up_stays_due(
    make_key: MakeKey, hand_clock: HandClock, zombie: AitronosClient, pause: Paused
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    claim = _claimed(key)
    pause.happens = lambda: hand_clock.forward(minutes=5)
    assert checks_store([check_perform(zombie, claim)]) == []
    row = row_of(key)
    assert (row.checked_at, row.failures, row.lease_token, row.error_kind) == (None, 0, "", "")
    assert _claimed(key).key_id == key.pk


def test_a_list_is_not_fetched_late(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    zombie: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key, before = keyed(make_key, Scenario.HEALTHY), sandbox.requests_seen.total
    Listing.objects.create(
        organisation=organisation,
        key=key,
        kind="connectors",
        key_version=key.version,
        wanted_at=clock.now(),
    )
    (claim,) = listing_claims_take(limit=5, now=clock.now())
    pause.happens = lambda: hand_clock.forward(hours=1)
    assert listings_store([listing_perform(zombie, claim)]) == []
    row = Listing.objects.get()
    assert (row.lease_token, row.error_kind, row.checked_at) == ("", "", None)
    assert (row.wanted_at, sandbox.requests_seen.total) == (claim.wanted_at, before)


def test_a_new_key_is_not_tested_late_and_an_old_test_counts_for_nothing(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    zombie: AitronosClient,
    other: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    api_key_replace(
        organisation=organisation,
        actor=ANA,
        key=key,
        secret=key_for(Scenario.REJECTED, "New"),
    )
    (claim,) = candidate_claims_take(limit=5, now=clock.now())
    before = sandbox.requests_seen.total
    pause.happens = lambda: hand_clock.forward(minutes=5)
    candidates_store([check_perform(zombie, claim)])
    assert sandbox.requests_seen.total == before
    (again,) = candidate_claims_take(limit=5, now=clock.now())
    early = check_perform(other, again)
    hand_clock.forward(minutes=5)
    (last,) = candidate_claims_take(limit=5, now=clock.now())
    assert candidates_store([early]) == []
    assert KeyCandidate.objects.get().state == CandidateState.PENDING
    candidates_store([check_perform(other, last)])
    assert KeyCandidate.objects.get().state == CandidateState.REFUSED


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
