"""The client and the imitation were both written from the API page: they understand each other."""

from collections.abc import Iterator

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError, ServerError, UnexpectedStatus
from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.aitronos.calls import CHANGES, EVERY, error_of, list_connectors, start_sync
from tests.aitronos.conftest import NOON, MakeClient, ask
from tests.sandbox.conftest import QUICK

HEALTHY = key_for(Scenario.HEALTHY, "Oak")
TRIGGER = "/v1/admin/composio/sync"


@pytest.fixture
def imitation() -> Iterator[SandboxServer]:
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK) as running:
        yield running


@pytest.fixture
def client(imitation: SandboxServer, make_client: MakeClient) -> AitronosClient:
    return make_client(imitation.base_url)


def test_a_started_sync_becomes_the_last_one(client: AitronosClient) -> None:
    before = ask(client, key=HEALTHY).value
    answered = client.start_sync(secret=HEALTHY, full=True, read_timeout=5)
    assert answered.value.tools_synced == answered.value.tools_updated == before.total_tools
    assert (answered.value.tools_unchanged, answered.value.sync_mode) == (0, "full")
    assert answered.info.organization_id.startswith("org_")
    assert ask(client, key=HEALTHY).value.last_sync_at == NOON


def test_the_connectors_come_page_by_page(client: AitronosClient) -> None:
    whole = list_connectors(client, HEALTHY).value
    assert whole.total == whole.returned == len(whole.connectors) > 2
    assert {one.category for one in whole.connectors} <= set(whole.categories)
    pages = [
        client.list_connectors(secret=HEALTHY, connection="1.1", offset=offset, limit=2).value
        for offset in range(0, whole.total, 2)
    ]
    assert tuple(one for page in pages for one in page.connectors) == whole.connectors


def test_auth_configs_are_listed(client: AitronosClient) -> None:
    value = client.list_auth_configs(secret=HEALTHY, connection="1.1").value
    assert value.total == len(value.items) > 0
    assert all(one.toolkit and one.type and one.created_at for one in value.items)


def test_a_tool_that_was_switched_off_is_no_longer_listed(client: AitronosClient) -> None:
    tool = list_connectors(client, HEALTHY).value.connectors[0]
    switched = client.switch_tool(secret=HEALTHY, tool_key=tool.tool_key, enabled=False).value
    assert (switched.tool_key, switched.tool_id, switched.is_enabled) == (
        tool.tool_key,
        tool.id,
        False,
    )
    assert tool not in list_connectors(client, HEALTHY).value.connectors
    client.switch_tool(secret=HEALTHY, tool_key=tool.tool_key, enabled=True)
    assert tool in list_connectors(client, HEALTHY).value.connectors


@pytest.mark.parametrize("tool_key", ["no such", "a/b", "../status", "%2F", "工具", "a?b"])
def test_an_unknown_tool_is_a_404_whatever_it_is_called(
    client: AitronosClient, tool_key: str
) -> None:
    with pytest.raises(UnexpectedStatus) as caught:
        client.switch_tool(secret=HEALTHY, tool_key=tool_key, enabled=True)
    assert (caught.value.http_status, caught.value.code) == (404, "RESOURCE_NOT_FOUND")
    assert caught.value.message == "The requested tool was not found."


def test_a_sync_that_vanishes_may_have_been_started(
    client: AitronosClient, imitation: SandboxServer
) -> None:
    key = key_for(Scenario.SYNC_VANISHES, "Oak")
    error = error_of(start_sync, client, key)
    assert (error.kind, error.sent, error.attempts) == ("connection_lost", True, 1)
    assert imitation.requests_seen.by_path[TRIGGER] == 1
    assert ask(client, key=key).value.last_sync_at == NOON


def test_a_refused_sync_says_why(client: AitronosClient, imitation: SandboxServer) -> None:
    error = error_of(start_sync, client, key_for(Scenario.SYNC_REFUSED, "Oak"))
    assert isinstance(error, UnexpectedStatus)
    assert (error.http_status, error.code) == (409, "CONFLICT")
    assert error.message == "A connector sync is already running."
    assert imitation.requests_seen.by_path[TRIGGER] == 1


def test_a_failing_sync_is_a_server_error(client: AitronosClient, imitation: SandboxServer) -> None:
    error = error_of(start_sync, client, key_for(Scenario.SYNC_FAILS, "Oak"))
    assert isinstance(error, ServerError)
    assert (error.http_status, error.sent) == (500, True)
    assert imitation.requests_seen.by_path[TRIGGER] == 1


def test_an_ignored_sync_is_answered_well(client: AitronosClient) -> None:
    key = key_for(Scenario.SYNC_IGNORED, "Oak")
    before = ask(client, key=key).value
    assert start_sync(client, key).value.status == "completed"
    assert ask(client, key=key).value == before


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("scenario", Scenario)
def test_every_scenario_ends_in_a_value_or_a_typed_error(
    imitation: SandboxServer, make_client: MakeClient, scenario: Scenario, name: str
) -> None:
    client = make_client(imitation.base_url, read_timeout=0.2, total_timeout=2)
    key = key_for(scenario, "Oak")
    sent = True
    try:
        if name == "start_sync":
            client.start_sync(secret=key, full=False, read_timeout=0.2)
        else:
            EVERY[name][0](client, key)
    except AitronosError as error:
        sent = error.sent
    assert sent
    assert imitation.requests_seen.wait_for(1)
    if name in CHANGES:
        assert imitation.requests_seen.by_key[key] == 1
