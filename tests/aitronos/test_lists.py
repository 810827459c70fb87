"""*List auth configs* and *List available connectors*: what is asked and what becomes of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from freddy_admin.aitronos.types import AuthConfig, AuthConfigs, Connector, ConnectorPage
from tests.aitronos.calls import (
    CONFIG,
    CONFIGS,
    CONNECTOR,
    LISTS,
    PAGE,
    error_of,
    list_auth_configs,
    list_connectors,
)
from tests.aitronos.conftest import KEY, MakeClient, Serve
from tests.aitronos.wire import answer, key_of, says

AT = datetime(2025, 11, 15, 10, 30, tzinfo=UTC)


def test_auth_configs_become_typed_values(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer(CONFIGS)))
    value = list_auth_configs(make_client(server)).value
    assert value == AuthConfigs((AuthConfig("ac_1", "gmail", "default", AT),), 1)
    assert server.requests[0].startswith(b"GET /v1/admin/composio/auth-configs HTTP/1.1\r\n")
    assert key_of(server.requests[0]) == KEY


def test_connectors_become_typed_values(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer(PAGE)))
    value = list_connectors(make_client(server)).value
    connector = Connector(
        "tool_1", "gmail", "Gmail", "Mail.", "communication", True, "conn_1", "stable"
    )
    assert value == ConnectorPage((connector,), ("communication", "crm"), 30, 1)
    assert server.requests[0].startswith(
        b"GET /v1/personal-connectors/available?limit=100&offset=0 HTTP/1.1\r\n"
    )


def test_a_part_of_the_connectors_can_be_asked_for(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer(PAGE)))
    make_client(server).list_connectors(secret=KEY, connection="1.1", offset=40, limit=20)
    assert b"available?limit=20&offset=40 HTTP" in server.requests[0]


@pytest.mark.parametrize("absent", [True, False])
def test_what_may_be_missing_is_empty(serve: Serve, make_client: MakeClient, absent: bool) -> None:
    def bare(whole: dict[str, Any], *required: str) -> dict[str, Any]:
        left = {} if absent else dict.fromkeys(whole)
        return left | {name: whole[name] for name in required}

    page = {"connectors": [bare(CONNECTOR, "id", "tool_key", "display_name")], "total": 1}
    page |= {"returned": 1} | ({} if absent else {"categories": None})
    configs = {"auth_configs": [bare(CONFIG, "id")], "total": 1}
    client = make_client(serve(says(answer(page), answer(configs))))
    value = list_connectors(client).value
    assert value.connectors == (Connector("tool_1", "gmail", "Gmail", "", "", None, "", ""),)
    assert value.categories == ()
    assert list_auth_configs(client).value.items == (AuthConfig("ac_1", "", "", None),)


def test_lists_may_be_empty(serve: Serve, make_client: MakeClient) -> None:
    page = {"connectors": [], "categories": [], "total": 0, "returned": 0}
    client = make_client(serve(says(answer(page), answer({"auth_configs": [], "total": 0}))))
    assert list_connectors(client).value == ConnectorPage((), (), 0, 0)
    assert list_auth_configs(client).value == AuthConfigs((), 0)


def test_texts_are_cleaned_and_cut(serve: Serve, make_client: MakeClient) -> None:
    long = "a\x00\u202e" + "b" * 900
    texts = dict.fromkeys(
        ("id", "tool_key", "display_name", "description", "category", "connection_id"), long
    )
    page = PAGE | {"connectors": [CONNECTOR | texts], "categories": [long, "", None, "crm"]}
    value = list_connectors(make_client(serve(says(answer(page))))).value
    one = value.connectors[0]
    found = [one.id, one.tool_key, one.display_name, one.description, one.category]
    assert [len(text) for text in found] == [128, 128, 120, 300, 64]
    assert all(text.startswith("a bbb") for text in found)
    assert (len(value.categories[0]), value.categories[1:]) == (64, ("crm",))


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_asked_for_again_where_that_may_help(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    call, body = LISTS[name]
    server = serve(says(answer("", "502 X"), answer(body)))
    assert call(make_client(server)).info.attempts == 2
    server = serve(says(answer("", "502 X")))
    assert error_of(call, make_client(server)).attempts == len(server.requests) == 3
