"""Switching a connector: after a confirmation, by managers, and on the record."""

import re

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.sync.models import Order, OrderState
from freddy_admin.sync.orders.placing import order_switch
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import HandClock, MakeKey, People, SignIn, seen_of
from tests.web.listings import (
    CONNECTORS,
    HERE,
    connector,
    listed,
    live,
    ordered,
    page_of,
    text_of,
)

ITEMS = (connector("gmail"), connector("slack"), connector("xero"))


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    """With three connectors listed."""
    made = make_key()
    listed(made, *ITEMS)
    return made


@pytest.fixture
def viewer(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def switch(key: ApiKey, tool: str = "gmail", on: int = 0) -> str:
    return f"{HERE}keys/{key.pk}/connectors/switch/?tool={tool}&on={on}"


def news(page: str) -> list[str]:
    """What is said above the list."""
    found = re.findall(r'<p class="notice-title">(.*?)</p>', page, re.DOTALL)
    return [text_of(one) for one in found]


def record(page: str) -> list[str]:
    found = re.findall(r'<li class="switch .*?</li>', page, re.DOTALL)
    return [text_of(one) for one in found]


def test_only_a_manager_is_offered_to_switch(
    people: People, signed_in: SignIn, viewer: Client, manager: Client, key: ApiKey
) -> None:
    for client in (viewer, signed_in(people.operator)):
        page = page_of(client, CONNECTORS)
        assert "Switch off" not in page
        assert "connectors/switch/" not in page
    page = page_of(manager, CONNECTORS)
    assert page.count("Switch off") == 3
    assert switch(key).replace("&", "&amp;") in page
    assert "Switch on another connector by its key" in page


def test_nothing_is_switched_with_a_paused_key(manager: Client, key: ApiKey) -> None:
    ApiKey.objects.update(paused_at=clock.now())
    assert "connectors/switch/" not in page_of(manager, CONNECTORS)
    page = manager.post(switch(key), {"understood": "on"}).content.decode()
    assert "This key is paused." in page
    assert not Order.objects.exists()


@pytest.mark.parametrize(("on", "does"), [(0, "hidden from"), (1, "shown in")])
def test_the_confirmation_says_whom_it_may_affect(
    on: int, does: str, manager: Client, key: ApiKey
) -> None:
    text = text_of(page_of(manager, switch(key, on=on)))
    assert f"The connector will be {does} the list of available connectors." in text
    assert "Aitronos may apply this to more than this organisation." in text
    assert f"Switch {'on' if on else 'off'} “Gmail” with the key “Main”? gmail" in text
    assert "I understand that this may affect more than Alder." in text
    assert not Order.objects.exists()


def test_nothing_happens_without_the_tick(manager: Client, key: ApiKey) -> None:
    for sent in ({}, {"understood": ""}, {"other": "on"}):
        page = manager.post(switch(key), sent).content.decode()
        assert "Tick this to go on." in page
    assert not Order.objects.exists()


def test_a_switch_is_ordered_written_down_and_followed(
    manager: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    answer = manager.post(switch(key), {"understood": "on"})
    assert answer["Location"] == f"{CONNECTORS}?key={key.pk}"
    order = Order.objects.get()
    assert (order.tool_key, order.tool_name, order.enable) == ("gmail", "Gmail", False)
    assert AuditEvent.objects.filter(tag="connector_switch_requested").count() == 1
    hand_clock.forward(seconds=5)
    page = page_of(manager, answer["Location"])
    assert news(page) == ["Switching Gmail off, asked by Manager 5 s ago"]
    assert "It waits for the worker." in page
    assert page.count("data-pending") == 1
    assert page.count("Switch off") == 2
    assert "Switching…" in page
    done = hand_clock.forward(seconds=2)
    Order.objects.update(state=OrderState.DONE, finished_at=done)
    changed = live(manager, seen_of(page), answer["Location"])
    assert changed.status_code == 200
    page = changed.content.decode()
    assert news(page) == ["Gmail was switched off, asked by Manager 7 s ago"]
    assert "data-pending" not in page
    assert live(manager, seen_of(page), answer["Location"]).status_code == 204


def test_what_takes_long_is_not_asked_about_all_the_time(
    manager: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    ordered(key, "gmail", OrderState.SENDING, finished_at=None)
    hand_clock.forward(seconds=1)
    page = page_of(manager, CONNECTORS)
    assert news(page) == ["Switching Gmail off, asked by Ana 1 min ago"]
    assert "It was sent; there is no answer yet." in page
    assert "data-pending" not in page


def test_the_same_connector_is_not_switched_twice_at_once(manager: Client, key: ApiKey) -> None:
    sent = {"understood": "on"}
    manager.post(switch(key), sent)
    page = manager.post(switch(key, on=1), sent).content.decode()
    assert "This was asked for already, a moment ago." in page
    assert Order.objects.count() == 1


def test_what_was_switched_off_here_can_be_switched_on_again(
    manager: Client, viewer: Client, key: ApiKey
) -> None:
    ordered(key, "zork", OrderState.DONE, result={"message": "Tool <i>disabled</i>."})
    page = page_of(manager, CONNECTORS)
    (told,) = record(page)
    assert told.startswith("Zork was switched off, asked by Ana 1 min ago Aitronos says: “Tool")
    assert told.endswith("&lt;i&gt;disabled&lt;/i&gt;.” Switch on: Zork")
    assert switch(key, "zork", 1).replace("&", "&amp;") in page
    # The name is known from the record, for the list has it no more.
    assert "Switch on “Zork”" in text_of(page_of(manager, switch(key, "zork", 1)))
    seen = page_of(viewer, CONNECTORS)
    assert "Zork was switched off" in text_of(seen)
    assert "connectors/switch/" not in seen


@pytest.mark.parametrize(
    ("later", "offered"),
    [
        ({"state": OrderState.DONE, "enable": True}, False),
        ({"state": OrderState.QUEUED, "enable": True, "finished_at": None}, False),
        ({"state": OrderState.REFUSED, "enable": True}, True),
        ({"state": OrderState.UNCLEAR, "enable": False}, True),
    ],
)
def test_switching_on_is_offered_where_it_is_off_by_the_latest_word(
    later: dict[str, object], offered: bool, manager: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    ordered(key, "zork", OrderState.DONE)
    hand_clock.forward(minutes=2)
    ordered(key, "zork", **later)  # type: ignore[arg-type]
    page = page_of(manager, CONNECTORS)
    assert ("Switch on: Zork" in record(page)[0]) is offered
    assert "Switch on: Zork" not in record(page)[1]


def test_what_is_listed_again_is_not_offered(manager: Client, key: ApiKey) -> None:
    ordered(key, "gmail", OrderState.DONE)
    assert "Switch on: Gmail" not in text_of(page_of(manager, CONNECTORS))


def test_the_record_is_short_and_keeps_what_is_still_off(
    manager: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    ordered(key, "zork", OrderState.DONE)
    for _ in range(25):
        hand_clock.forward(minutes=1)
        ordered(key, "gmail", OrderState.DONE, enable=True)
    page = page_of(manager, CONNECTORS)
    assert len(record(page)) == 21
    assert record(page)[-1].startswith("Zork was switched off")
    assert news(page) == ["Gmail was switched on, asked by Ana 1 min ago"]


@pytest.mark.parametrize(
    ("order", "sentences"),
    [
        (
            {
                "state": OrderState.REFUSED,
                "error_kind": "unexpected_status",
                "error_http_status": 404,
                "error_message": "Unknown tool.",
            },
            [
                "Zork was not switched off",
                "Aitronos knows no connector with the key zork.",
                "Aitronos says: “Unknown tool.”",
            ],
        ),
        (
            {"state": OrderState.REFUSED, "error_kind": "key_refused", "error_http_status": 401},
            ["Zork was not switched off", "Key refused."],
        ),
        (
            {"state": OrderState.REFUSED, "error_kind": "key_changed", "enable": True},
            ["Zork was not switched on", "The API key was changed or paused before this was sent."],
        ),
        (
            {"state": OrderState.UNCLEAR, "error_kind": "worker_lost"},
            [
                "Nobody knows whether Zork was switched off",
                "The worker stopped before an answer came. It was not sent again.",
            ],
        ),
        (
            {"state": OrderState.UNCLEAR, "error_kind": "read_timeout", "enable": True},
            ["Nobody knows whether Zork was switched on", "It was not sent again."],
        ),
    ],
)
def test_what_became_of_a_switch_is_said_in_words(
    order: dict[str, object], sentences: list[str], manager: Client, key: ApiKey
) -> None:
    ordered(key, "zork", **order)  # type: ignore[arg-type]
    text = text_of(page_of(manager, CONNECTORS))
    assert [one for one in sentences if one not in text] == []


@pytest.mark.parametrize("tool", ["", "%20", "..", "a%00b", "x" * 129, "%E2%80%AE"])
def test_a_key_that_names_no_connector_leads_back_with_a_word(
    tool: str, manager: Client, key: ApiKey
) -> None:
    for answer in (
        manager.get(switch(key, tool), follow=True),
        manager.post(switch(key, tool), {"understood": "on"}, follow=True),
    ):
        assert answer.redirect_chain == [(f"{CONNECTORS}?key={key.pk}", 302)]
        assert "Give the connector&#x27;s key, such as gmail" in answer.content.decode()
    assert not Order.objects.exists()


def test_a_connector_that_is_not_listed_can_be_named_by_its_key(
    manager: Client, key: ApiKey
) -> None:
    manager.post(f"{HERE}keys/{key.pk}/connectors/switch/?tool=+hub/spot%3F+", {"understood": "on"})
    order = Order.objects.get()
    assert (order.tool_key, order.tool_name, order.enable) == ("hub/spot?", "hub/spot?", True)


def test_a_key_that_is_not_in_use_switches_nothing(manager: Client, key: ApiKey) -> None:
    ApiKey.objects.update(status="revoked")
    assert manager.get(switch(key)).status_code == 404
    assert manager.post(switch(key), {"understood": "on"}).status_code == 404


def test_hostile_names_are_text_on_every_page(manager: Client, make_key: MakeKey) -> None:
    bad = "<script>alert(1)</script>"
    key = make_key(bad)
    listed(key, connector(bad))
    ordered(key, bad, OrderState.UNCLEAR, tool_name=bad, requested_by=f"{bad} (a@b)")
    ordered(key, "z", OrderState.DONE, tool_name=bad, result={"message": bad})
    for address in (CONNECTORS, f"{HERE}keys/{key.pk}/connectors/switch/?tool={bad}&on=0"):
        page = page_of(manager, address)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_orders_of_another_key_are_not_in_the_record(
    manager: Client, key: ApiKey, make_key: MakeKey
) -> None:
    ordered(make_key("Zulu"), "gmail", OrderState.DONE)
    assert record(page_of(manager, f"{CONNECTORS}?key={key.pk}")) == []


def test_an_order_from_elsewhere_shows_here_too(viewer: Client, key: ApiKey) -> None:
    order_switch(
        organisation=key.organisation,
        actor=Actor(name="operator (command line)"),
        key_id=key.pk,
        tool_key="gmail",
        tool_name="",
        enable=False,
    )
    assert news(page_of(viewer, CONNECTORS)) == ["Switching gmail off, asked by operator just now"]
