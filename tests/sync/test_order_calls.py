"""An order's call: sent once at most, and what is concluded of its end."""

import pytest
from django.conf import LazySettings

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError, FailureKind
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.lifecycle import key_pause
from freddy_admin.sync.models import HistoryEvent, Listing, Order, OrderKind, OrderState
from freddy_admin.sync.orders.calls import (
    order_claims_take,
    order_perform,
    state_after,
)
from freddy_admin.sync.orders.results import orders_store
from freddy_admin.vault.models import ApiKey
from tests.flows.waiting import until
from tests.sync.conftest import NOON, MakeKey, row_of
from tests.sync.ordering import asked, client, keyed, sandbox, sent, take
from tests.sync.test_orders import ask, switch

__all__ = ["client", "sandbox"]
ANA = Actor("Ana")


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
        (Scenario.WRONG_TYPES, OrderState.UNCLEAR),
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
    assert until(lambda: asked(sandbox) - before == 1)


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


@pytest.mark.parametrize(
    ("field", "state"),
    [
        ("tools_synced", OrderState.DONE),
        ("message", OrderState.DONE),
        ("job_id", OrderState.UNCLEAR),
        ("status", OrderState.UNCLEAR),
        ("Content-Type", OrderState.UNCLEAR),
        ("body", OrderState.UNCLEAR),
        ("headers", OrderState.UNCLEAR),
    ],
)
def test_a_sync_is_done_only_where_its_answer_names_its_job(field: str, state: OrderState) -> None:
    error = AitronosError(FailureKind.UNREADABLE_ANSWER, http_status=200, field=field)
    assert state_after(error, kind=OrderKind.SYNC) == state


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


def test_nothing_is_taken_without_room(key: ApiKey, organisation: Organisation) -> None:
    ask(key, organisation)
    assert order_claims_take(limit=0, now=clock.now()) == []
