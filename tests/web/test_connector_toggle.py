"""Switching a connector: after a confirmation, by managers, audited and logged on the page."""

import re

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.operations.services import switch_operation_create
from freddy_admin.vault.models import ApiKey
from tests.web.catalog_snapshots import (
    CONNECTORS_URL,
    ORGANISATION_URL,
    connector_item,
    create_snapshot,
    create_switch_operation,
    get_page,
    request_live_update,
    visible_text_of,
)
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of

ITEMS = (connector_item("gmail"), connector_item("slack"), connector_item("xero"))


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    """A key with three connectors in its catalog."""
    key = make_key()
    create_snapshot(key, *ITEMS)
    return key


@pytest.fixture
def viewer_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def toggle_url(key: ApiKey, tool: str = "gmail", enable: int = 0) -> str:
    return f"{ORGANISATION_URL}keys/{key.pk}/connectors/switch/?tool={tool}&on={enable}"


def announcements(page: str) -> list[str]:
    """The titles of the notices above the catalog."""
    matches = re.findall(r'<p class="notice-title">(.*?)</p>', page, re.DOTALL)
    return [visible_text_of(html) for html in matches]


def toggle_log_rows(page: str) -> list[str]:
    matches = re.findall(r'<li class="toggle .*?</li>', page, re.DOTALL)
    return [visible_text_of(html) for html in matches]


def test_only_a_manager_is_offered_the_connector_switch(
    people: People, signed_in: SignIn, viewer_client: Client, manager_client: Client, key: ApiKey
) -> None:
    for client in (viewer_client, signed_in(people.operator)):
        page = get_page(client, CONNECTORS_URL)
        assert "Switch off" not in page
        assert "connectors/switch/" not in page
    page = get_page(manager_client, CONNECTORS_URL)
    assert page.count("Switch off") == 3
    assert toggle_url(key).replace("&", "&amp;") in page
    assert "Switch on another connector by its key" in page


def test_paused_key_switches_no_connector(manager_client: Client, key: ApiKey) -> None:
    ApiKey.objects.update(paused_at=clock.now())
    assert "connectors/switch/" not in get_page(manager_client, CONNECTORS_URL)
    page = manager_client.post(toggle_url(key), {"understood": "on"}).content.decode()
    assert "This key is paused." in page
    assert not RemoteOperation.objects.exists()


@pytest.mark.parametrize(("enable", "expected_effect"), [(0, "hidden from"), (1, "shown in")])
def test_the_confirmation_says_whom_it_may_affect(
    enable: int, expected_effect: str, manager_client: Client, key: ApiKey
) -> None:
    text = visible_text_of(get_page(manager_client, toggle_url(key, enable=enable)))
    assert f"The connector will be {expected_effect} the list of available connectors." in text
    assert "Aitronos may apply this to more than this organisation." in text
    assert f"Switch {'on' if enable else 'off'} “Gmail” with the key “Main”? gmail" in text
    assert "I understand that this may affect more than Alder." in text
    assert not RemoteOperation.objects.exists()


def test_connector_is_not_switched_without_the_tick(manager_client: Client, key: ApiKey) -> None:
    for fields in ({}, {"understood": ""}, {"other": "on"}):
        page = manager_client.post(toggle_url(key), fields).content.decode()
        assert "Tick this to go on." in page
    assert not RemoteOperation.objects.exists()


def test_switch_is_requested_audited_and_followed(
    manager_client: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    answer = manager_client.post(toggle_url(key), {"understood": "on"})
    assert answer["Location"] == f"{CONNECTORS_URL}?key={key.pk}"
    order = RemoteOperation.objects.get()
    assert (order.tool_key, order.tool_name, order.enable) == ("gmail", "Gmail", False)
    assert AuditEvent.objects.filter(tag="connector_switch_requested").count() == 1
    hand_clock.advance(seconds=5)
    page = get_page(manager_client, answer["Location"])
    assert announcements(page) == ["Switching Gmail off, asked by Manager 5 s ago"]
    assert "It waits for the worker." in page
    assert page.count("data-pending") == 1
    assert page.count("Switch off") == 2
    assert "Switching…" in page
    finished_at = hand_clock.advance(seconds=2)
    RemoteOperation.objects.update(state=OperationState.DONE, finished_at=finished_at)
    live_update = request_live_update(manager_client, shown_digests_of(page), answer["Location"])
    assert live_update.status_code == 200
    page = live_update.content.decode()
    assert announcements(page) == ["Gmail was switched off, asked by Manager 7 s ago"]
    assert "data-pending" not in page
    assert (
        request_live_update(manager_client, shown_digests_of(page), answer["Location"]).status_code
        == 204
    )


def test_long_running_switch_is_polled_slowly(
    manager_client: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    create_switch_operation(key, "gmail", OperationState.SENDING, finished_at=None)
    hand_clock.advance(seconds=1)
    page = get_page(manager_client, CONNECTORS_URL)
    assert announcements(page) == ["Switching Gmail off, asked by Ana 1 min ago"]
    assert "It was sent; there is no answer yet." in page
    assert "data-pending" not in page


def test_the_same_connector_is_not_switched_twice_at_once(
    manager_client: Client, key: ApiKey
) -> None:
    fields = {"understood": "on"}
    manager_client.post(toggle_url(key), fields)
    page = manager_client.post(toggle_url(key, enable=1), fields).content.decode()
    assert "This was asked for already, a moment ago." in page
    assert RemoteOperation.objects.count() == 1


def test_connector_switched_off_here_can_be_switched_on_again(
    manager_client: Client, viewer_client: Client, key: ApiKey
) -> None:
    create_switch_operation(
        key, "zork", OperationState.DONE, result={"message": "Tool <i>disabled</i>."}
    )
    page = get_page(manager_client, CONNECTORS_URL)
    (toggle_row,) = toggle_log_rows(page)
    assert toggle_row.startswith(
        "Zork was switched off, asked by Ana 1 min ago Aitronos says: “Tool"
    )
    assert toggle_row.endswith("&lt;i&gt;disabled&lt;/i&gt;.” Switch on: Zork")
    assert toggle_url(key, "zork", 1).replace("&", "&amp;") in page
    # The name comes from the operation, as the catalog no longer lists the connector.
    assert "Switch on “Zork”" in visible_text_of(
        get_page(manager_client, toggle_url(key, "zork", 1))
    )
    viewer_page = get_page(viewer_client, CONNECTORS_URL)
    assert "Zork was switched off" in visible_text_of(viewer_page)
    assert "connectors/switch/" not in viewer_page


@pytest.mark.parametrize(
    ("later", "is_offered"),
    [
        ({"state": OperationState.DONE, "enable": True}, False),
        ({"state": OperationState.QUEUED, "enable": True, "finished_at": None}, False),
        ({"state": OperationState.REFUSED, "enable": True}, True),
        ({"state": OperationState.UNCLEAR, "enable": False}, True),
    ],
)
def test_switching_on_is_offered_where_the_latest_operation_switched_off(
    later: dict[str, object],
    is_offered: bool,
    manager_client: Client,
    key: ApiKey,
    hand_clock: HandClock,
) -> None:
    create_switch_operation(key, "zork", OperationState.DONE)
    hand_clock.advance(minutes=2)
    create_switch_operation(key, "zork", **later)  # type: ignore[arg-type]
    page = get_page(manager_client, CONNECTORS_URL)
    assert ("Switch on: Zork" in toggle_log_rows(page)[0]) is is_offered
    assert "Switch on: Zork" not in toggle_log_rows(page)[1]


def test_connector_that_is_listed_again_is_not_offered(manager_client: Client, key: ApiKey) -> None:
    create_switch_operation(key, "gmail", OperationState.DONE)
    assert "Switch on: Gmail" not in visible_text_of(get_page(manager_client, CONNECTORS_URL))


def test_toggle_log_is_short_and_keeps_connectors_that_are_still_off(
    manager_client: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    create_switch_operation(key, "zork", OperationState.DONE)
    for _ in range(25):
        hand_clock.advance(minutes=1)
        create_switch_operation(key, "gmail", OperationState.DONE, enable=True)
    page = get_page(manager_client, CONNECTORS_URL)
    assert len(toggle_log_rows(page)) == 21
    assert toggle_log_rows(page)[-1].startswith("Zork was switched off")
    assert announcements(page) == ["Gmail was switched on, asked by Ana 1 min ago"]


@pytest.mark.parametrize(
    ("order", "sentences"),
    [
        (
            {
                "state": OperationState.REFUSED,
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
            {
                "state": OperationState.REFUSED,
                "error_kind": "key_refused",
                "error_http_status": 401,
            },
            ["Zork was not switched off", "Aitronos does not accept this API key."],
        ),
        (
            {"state": OperationState.REFUSED, "error_kind": "key_changed", "enable": True},
            ["Zork was not switched on", "The API key was changed or paused before this was sent."],
        ),
        (
            {"state": OperationState.UNCLEAR, "error_kind": "worker_lost"},
            [
                "Nobody knows whether Zork was switched off",
                "The worker stopped before an answer came. It was not sent again.",
            ],
        ),
        (
            {"state": OperationState.UNCLEAR, "error_kind": "read_timeout", "enable": True},
            ["Nobody knows whether Zork was switched on", "It was not sent again."],
        ),
    ],
)
def test_result_of_a_switch_is_said_in_words(
    order: dict[str, object], sentences: list[str], manager_client: Client, key: ApiKey
) -> None:
    create_switch_operation(key, "zork", **order)  # type: ignore[arg-type]
    text = visible_text_of(get_page(manager_client, CONNECTORS_URL))
    assert [sentence for sentence in sentences if sentence not in text] == []


@pytest.mark.parametrize("tool", ["", "%20", "..", "a%00b", "x" * 129, "%E2%80%AE"])
def test_invalid_tool_key_leads_back_with_a_message(
    tool: str, manager_client: Client, key: ApiKey
) -> None:
    for answer in (
        manager_client.get(toggle_url(key, tool), follow=True),
        manager_client.post(toggle_url(key, tool), {"understood": "on"}, follow=True),
    ):
        assert answer.redirect_chain == [(f"{CONNECTORS_URL}?key={key.pk}", 302)]
        assert "Give the connector&#x27;s key, such as gmail" in answer.content.decode()
    assert not RemoteOperation.objects.exists()


def test_a_connector_that_is_not_listed_can_be_named_by_its_key(
    manager_client: Client, key: ApiKey
) -> None:
    manager_client.post(
        f"{ORGANISATION_URL}keys/{key.pk}/connectors/switch/?tool=+hub/spot%3F+",
        {"understood": "on"},
    )
    order = RemoteOperation.objects.get()
    assert (order.tool_key, order.tool_name, order.enable) == ("hub/spot?", "hub/spot?", True)


def test_a_key_that_is_not_in_use_switches_nothing(manager_client: Client, key: ApiKey) -> None:
    ApiKey.objects.update(status="revoked")
    assert manager_client.get(toggle_url(key)).status_code == 404
    assert manager_client.post(toggle_url(key), {"understood": "on"}).status_code == 404


def test_hostile_names_are_text_on_every_page(manager_client: Client, make_key: MakeKey) -> None:
    markup = "<script>alert(1)</script>"
    key = make_key(markup)
    create_snapshot(key, connector_item(markup))
    create_switch_operation(
        key, markup, OperationState.UNCLEAR, tool_name=markup, requested_by=f"{markup} (a@b)"
    )
    create_switch_operation(
        key, "z", OperationState.DONE, tool_name=markup, result={"message": markup}
    )
    for address in (
        CONNECTORS_URL,
        f"{ORGANISATION_URL}keys/{key.pk}/connectors/switch/?tool={markup}&on=0",
    ):
        page = get_page(manager_client, address)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_operations_of_another_key_are_not_in_the_toggle_log(
    manager_client: Client, key: ApiKey, make_key: MakeKey
) -> None:
    create_switch_operation(make_key("Zulu"), "gmail", OperationState.DONE)
    assert toggle_log_rows(get_page(manager_client, f"{CONNECTORS_URL}?key={key.pk}")) == []


def test_operation_requested_elsewhere_is_in_the_toggle_log(
    viewer_client: Client, key: ApiKey
) -> None:
    switch_operation_create(
        organisation=key.organisation,
        actor=Actor(name="operator (command line)"),
        key_id=key.pk,
        tool_key="gmail",
        tool_name="",
        enable=False,
    )
    assert announcements(get_page(viewer_client, CONNECTORS_URL)) == [
        "Switching gmail off, asked by operator just now"
    ]
