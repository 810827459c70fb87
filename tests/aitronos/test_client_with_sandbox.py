"""The client and the sandbox were both written from the API page: they understand each other."""

from collections.abc import Iterator

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError, ServerError, UnexpectedStatus
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.aitronos.api_calls import (
    ALL_CALLS,
    OPERATION_CALLS,
    error_of,
    list_connectors,
    start_sync,
)
from tests.aitronos.conftest import NOON, MakeClient, fetch_sync_status
from tests.sandbox.conftest import QUICK_OPTIONS

HEALTHY_KEY = sandbox_key(Scenario.HEALTHY, "Oak")
TRIGGER_SYNC_PATH = "/v1/admin/composio/sync"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK_OPTIONS) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer, make_client: MakeClient) -> AitronosClient:
    return make_client(sandbox.base_url)


def test_started_sync_becomes_the_last_one(client: AitronosClient) -> None:
    previous = fetch_sync_status(client, key=HEALTHY_KEY).value
    response = client.start_sync(secret=HEALTHY_KEY, full=True, read_timeout=5)
    assert response.value.tools_synced == response.value.tools_updated == previous.total_tools
    assert (response.value.tools_unchanged, response.value.sync_mode) == (0, "full")
    assert response.info.organization_id.startswith("org_")
    assert fetch_sync_status(client, key=HEALTHY_KEY).value.last_sync_at == NOON


def test_connectors_come_page_by_page(client: AitronosClient) -> None:
    all_connectors = list_connectors(client, HEALTHY_KEY).value
    assert all_connectors.total == all_connectors.returned == len(all_connectors.connectors) > 2
    assert {item.category for item in all_connectors.connectors} <= set(all_connectors.categories)
    pages = [
        client.list_connectors(secret=HEALTHY_KEY, offset=offset, limit=2).value
        for offset in range(0, all_connectors.total, 2)
    ]
    assert tuple(item for page in pages for item in page.connectors) == all_connectors.connectors


def test_auth_configs_are_listed(client: AitronosClient) -> None:
    value = client.list_auth_configs(secret=HEALTHY_KEY).value
    assert value.total == len(value.items) > 0
    assert all(item.toolkit and item.type and item.created_at for item in value.items)


def test_disabled_tool_is_no_longer_listed(client: AitronosClient) -> None:
    tool = list_connectors(client, HEALTHY_KEY).value.connectors[0]
    switched = client.switch_tool(secret=HEALTHY_KEY, tool_key=tool.tool_key, enabled=False).value
    assert (switched.tool_key, switched.tool_id, switched.is_enabled) == (
        tool.tool_key,
        tool.id,
        False,
    )
    assert tool not in list_connectors(client, HEALTHY_KEY).value.connectors
    client.switch_tool(secret=HEALTHY_KEY, tool_key=tool.tool_key, enabled=True)
    assert tool in list_connectors(client, HEALTHY_KEY).value.connectors


@pytest.mark.parametrize("tool_key", ["no such", "a/b", "../status", "%2F", "工具", "a?b"])
def test_unknown_tool_is_a_404_whatever_its_key(client: AitronosClient, tool_key: str) -> None:
    with pytest.raises(UnexpectedStatus) as excinfo:
        client.switch_tool(secret=HEALTHY_KEY, tool_key=tool_key, enabled=True)
    assert (excinfo.value.http_status, excinfo.value.code) == (404, "RESOURCE_NOT_FOUND")
    assert excinfo.value.message == "The requested tool was not found."


def test_vanished_sync_may_have_been_started(
    client: AitronosClient, sandbox: SandboxServer
) -> None:
    key = sandbox_key(Scenario.SYNC_VANISHES, "Oak")
    error = error_of(start_sync, client, key)
    assert (error.kind, error.request_sent, error.attempts) == ("connection_lost", True, 1)
    assert sandbox.request_counts.by_path[TRIGGER_SYNC_PATH] == 1
    assert fetch_sync_status(client, key=key).value.last_sync_at == NOON


def test_refused_sync_carries_its_reason(client: AitronosClient, sandbox: SandboxServer) -> None:
    error = error_of(start_sync, client, sandbox_key(Scenario.SYNC_REFUSED, "Oak"))
    assert isinstance(error, UnexpectedStatus)
    assert (error.http_status, error.code) == (409, "CONFLICT")
    assert error.message == "A connector sync is already running."
    assert sandbox.request_counts.by_path[TRIGGER_SYNC_PATH] == 1


def test_failing_sync_is_a_server_error(client: AitronosClient, sandbox: SandboxServer) -> None:
    error = error_of(start_sync, client, sandbox_key(Scenario.SYNC_FAILS, "Oak"))
    assert isinstance(error, ServerError)
    assert (error.http_status, error.request_sent) == (500, True)
    assert sandbox.request_counts.by_path[TRIGGER_SYNC_PATH] == 1


def test_ignored_sync_gets_a_successful_response(client: AitronosClient) -> None:
    key = sandbox_key(Scenario.SYNC_IGNORED, "Oak")
    previous = fetch_sync_status(client, key=key).value
    assert start_sync(client, key).value.status == "completed"
    assert fetch_sync_status(client, key=key).value == previous


@pytest.mark.parametrize("name", ALL_CALLS)
@pytest.mark.parametrize("scenario", Scenario)
def test_every_scenario_ends_in_a_value_or_a_typed_error(
    sandbox: SandboxServer, make_client: MakeClient, scenario: Scenario, name: str
) -> None:
    client = make_client(sandbox.base_url, read_timeout=0.2, total_timeout=2)
    key = sandbox_key(scenario, "Oak")
    request_sent = True
    try:
        if name == "start_sync":
            client.start_sync(secret=key, full=False, read_timeout=0.2)
        else:
            ALL_CALLS[name][0](client, key)
    except AitronosError as error:
        request_sent = error.request_sent
    assert request_sent
    assert sandbox.request_counts.wait_for(1)
    if name in OPERATION_CALLS:
        assert sandbox.request_counts.by_key[key] == 1
