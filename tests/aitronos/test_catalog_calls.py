"""*List auth configs* and *List available connectors*: what is asked and what becomes of it."""

from typing import Any

import pytest

from freddy_admin.aitronos.types import AuthConfig, AuthConfigList, Connector, ConnectorPage
from tests.aitronos.api_calls import (
    AUTH_CONFIG_BODY,
    AUTH_CONFIGS_BODY,
    CATALOG_CALLS,
    CONNECTOR_BODY,
    CONNECTOR_PAGE_BODY,
    error_of,
    list_auth_configs,
    list_connectors,
)
from tests.aitronos.conftest import KEY, MakeClient, StartServer
from tests.aitronos.scripted_server import request_key, respond_in_turn, response_bytes

CREATED_AT = "2025-11-15T10:30:00Z"


def test_auth_configs_become_typed_values(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes(AUTH_CONFIGS_BODY)))
    value = list_auth_configs(make_client(server)).value
    assert value == AuthConfigList((AuthConfig("ac_1", "gmail", "default", CREATED_AT),), 1)
    assert server.requests[0].startswith(b"GET /v1/admin/composio/auth-configs HTTP/1.1\r\n")
    assert request_key(server.requests[0]) == KEY


def test_connectors_become_typed_values(start_server: StartServer, make_client: MakeClient) -> None:
    server = start_server(respond_in_turn(response_bytes(CONNECTOR_PAGE_BODY)))
    value = list_connectors(make_client(server)).value
    connector = Connector(
        "tool_1", "gmail", "Gmail", "Mail.", "communication", True, "conn_1", "stable"
    )
    assert value == ConnectorPage((connector,), ("communication", "crm"), 30, 1)
    assert server.requests[0].startswith(
        b"GET /v1/personal-connectors/available?limit=100&offset=0 HTTP/1.1\r\n"
    )


def test_connectors_can_be_requested_by_offset_and_limit(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes(CONNECTOR_PAGE_BODY)))
    make_client(server).list_connectors(secret=KEY, offset=40, limit=20)
    assert b"available?limit=20&offset=40 HTTP" in server.requests[0]


def test_organisation_is_named_to_the_list_of_connectors_alone(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes(CONNECTOR_PAGE_BODY)))
    make_client(server).list_connectors(secret=KEY, organization_id="org_a&b c")
    assert b"offset=0&organization_id=org_a%26b+c HTTP" in server.requests[0]
    list_connectors(make_client(server))
    assert b"organization_id" not in server.requests[1]


@pytest.mark.parametrize("is_absent", [True, False])
def test_absent_optional_fields_of_a_catalog_are_empty(
    start_server: StartServer, make_client: MakeClient, is_absent: bool
) -> None:
    def with_required_fields(body: dict[str, Any], *required: str) -> dict[str, Any]:
        fields = {} if is_absent else dict.fromkeys(body)
        return fields | {name: body[name] for name in required}

    page = {
        "connectors": [with_required_fields(CONNECTOR_BODY, "id", "tool_key", "display_name")],
        "total": 1,
    }
    page |= {"returned": 1} | ({} if is_absent else {"categories": None})
    configs = {"auth_configs": [with_required_fields(AUTH_CONFIG_BODY, "id")], "total": 1}
    client = make_client(
        start_server(respond_in_turn(response_bytes(page), response_bytes(configs)))
    )
    value = list_connectors(client).value
    assert value.connectors == (Connector("tool_1", "gmail", "Gmail", "", "", None, "", ""),)
    assert value.categories == ()
    assert list_auth_configs(client).value.items == (AuthConfig("ac_1", "", "", ""),)


def test_catalogs_may_be_empty(start_server: StartServer, make_client: MakeClient) -> None:
    page = {"connectors": [], "categories": [], "total": 0, "returned": 0}
    client = make_client(
        start_server(
            respond_in_turn(response_bytes(page), response_bytes({"auth_configs": [], "total": 0}))
        )
    )
    assert list_connectors(client).value == ConnectorPage((), (), 0, 0)
    assert list_auth_configs(client).value == AuthConfigList((), 0)


def test_texts_of_a_catalog_are_cleaned_and_cut(
    start_server: StartServer, make_client: MakeClient
) -> None:
    long = "a\x00\u202e" + "b" * 900
    texts = dict.fromkeys(
        ("id", "tool_key", "display_name", "description", "category", "connection_id"), long
    )
    page = CONNECTOR_PAGE_BODY | {
        "connectors": [CONNECTOR_BODY | texts],
        "categories": [long, "", None, "crm"],
    }
    value = list_connectors(make_client(start_server(respond_in_turn(response_bytes(page))))).value
    connector = value.connectors[0]
    texts = [
        connector.id,
        connector.tool_key,
        connector.display_name,
        connector.description,
        connector.category,
    ]
    assert [len(text) for text in texts] == [128, 128, 120, 300, 64]
    assert all(text.startswith("a bbb") for text in texts)
    assert (len(value.categories[0]), value.categories[1:]) == (64, ("crm",))


@pytest.mark.parametrize("name", CATALOG_CALLS)
def test_catalog_call_is_retried_where_that_may_help(
    start_server: StartServer, make_client: MakeClient, name: str
) -> None:
    call, body = CATALOG_CALLS[name]
    server = start_server(respond_in_turn(response_bytes("", "502 X"), response_bytes(body)))
    assert call(make_client(server)).info.attempts == 2
    server = start_server(respond_in_turn(response_bytes("", "502 X")))
    assert error_of(call, make_client(server)).attempts == len(server.requests) == 3
