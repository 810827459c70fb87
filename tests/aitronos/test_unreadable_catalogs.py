"""A list that is not what was promised is one typed error that names the item and the field."""

import time
from typing import Any

import pytest

from freddy_admin.aitronos.errors import AitronosError, UnreadableResponse
from freddy_admin.aitronos.types import AuthConfig
from tests.aitronos.api_calls import (
    AUTH_CONFIG_BODY,
    AUTH_CONFIGS_BODY,
    CONNECTOR_BODY,
    CONNECTOR_PAGE_BODY,
    error_of,
    list_auth_configs,
    list_connectors,
)
from tests.aitronos.conftest import BOUNDED_SECONDS, MakeClient, StartServer
from tests.aitronos.scripted_server import respond_in_turn, response_bytes

VALUES_THAT_ARE_NO_TEXT = [5, 1.5, True, [], {}]
VALUES_THAT_ARE_NO_REQUIRED_TEXT = [*VALUES_THAT_ARE_NO_TEXT, None, "", " \u202e\x00"]
VALUES_THAT_ARE_NO_COUNT = ["1", None, True, -1, 1.0, 2**31, []]


def unreadable_field(error: AitronosError) -> str:
    """The field of an unreadable answer."""
    assert isinstance(error, UnreadableResponse)
    assert (error.http_status, error.attempts, error.request_sent) == (200, 1, True)
    assert error.detail
    return error.field


@pytest.mark.parametrize("field", ["id", "tool_key", "display_name"])
@pytest.mark.parametrize("value", VALUES_THAT_ARE_NO_REQUIRED_TEXT, ids=repr)
def test_connector_must_have_an_id_a_tool_key_and_a_name(
    start_server: StartServer, make_client: MakeClient, field: str, value: Any
) -> None:
    body = CONNECTOR_PAGE_BODY | {"connectors": [CONNECTOR_BODY, CONNECTOR_BODY | {field: value}]}
    error = error_of(
        list_connectors, make_client(start_server(respond_in_turn(response_bytes(body))))
    )
    assert unreadable_field(error) == f"connectors[1].{field}"


@pytest.mark.parametrize("value", VALUES_THAT_ARE_NO_REQUIRED_TEXT, ids=repr)
def test_auth_config_must_have_an_id(
    start_server: StartServer, make_client: MakeClient, value: Any
) -> None:
    configs = [AUTH_CONFIG_BODY, AUTH_CONFIG_BODY, AUTH_CONFIG_BODY | {"id": value}]
    body = AUTH_CONFIGS_BODY | {"auth_configs": configs}
    error = error_of(
        list_auth_configs, make_client(start_server(respond_in_turn(response_bytes(body))))
    )
    assert unreadable_field(error) == "auth_configs[2].id"


@pytest.mark.parametrize("value", [True, [], {}, None], ids=repr)
def test_field_on_which_nothing_hangs_hides_no_list(
    start_server: StartServer, make_client: MakeClient, value: Any
) -> None:
    names = ["description", "category", "connection_id", "release_channel"]
    odd_connector = CONNECTOR_BODY | dict.fromkeys(names, value)
    page = CONNECTOR_PAGE_BODY | {"connectors": [CONNECTOR_BODY, odd_connector]}
    odd_config = AUTH_CONFIG_BODY | dict.fromkeys(["toolkit", "type", "created_at"], value)
    configs = AUTH_CONFIGS_BODY | {"auth_configs": [AUTH_CONFIG_BODY, odd_config]}
    client = make_client(
        start_server(respond_in_turn(response_bytes(page), response_bytes(configs)))
    )
    connector = list_connectors(client).value.connectors[1]
    assert [getattr(connector, name) for name in names] == ["", "", "", ""]
    assert list_auth_configs(client).value.items[1] == AuthConfig("ac_1", "", "", "")


@pytest.mark.parametrize("value", [0, 1, "true", [], {}], ids=repr)
def test_is_connected_that_is_not_true_or_false_is_not_known(
    start_server: StartServer, make_client: MakeClient, value: Any
) -> None:
    body = CONNECTOR_PAGE_BODY | {"connectors": [CONNECTOR_BODY | {"is_connected": value}]}
    client = make_client(start_server(respond_in_turn(response_bytes(body))))
    assert list_connectors(client).value.connectors[0].is_connected is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2025-11-15T10:30:00Z", "2025-11-15T10:30:00Z"),
        ("soon", "soon"),
        ("2025-11-15", "2025-11-15"),
        ("15/11/2025\u202e", "15/11/2025"),
        (1763202600, "1763202600"),
        ("", ""),
    ],
    ids=repr,
)
def test_created_at_of_an_auth_config_is_kept_as_it_came(
    start_server: StartServer, make_client: MakeClient, value: Any, text: str
) -> None:
    body = AUTH_CONFIGS_BODY | {"auth_configs": [AUTH_CONFIG_BODY | {"created_at": value}]}
    client = make_client(start_server(respond_in_turn(response_bytes(body))))
    assert list_auth_configs(client).value.items[0].created_at == text


@pytest.mark.parametrize("value", VALUES_THAT_ARE_NO_COUNT, ids=repr)
def test_totals_must_be_counts(
    start_server: StartServer, make_client: MakeClient, value: Any
) -> None:
    for field in ("total", "returned"):
        client = make_client(
            start_server(respond_in_turn(response_bytes(CONNECTOR_PAGE_BODY | {field: value})))
        )
        assert unreadable_field(error_of(list_connectors, client)) == field
    client = make_client(
        start_server(respond_in_turn(response_bytes(AUTH_CONFIGS_BODY | {"total": value})))
    )
    # Of a list without pages the number of items tells the same.
    assert list_auth_configs(client).value.total == 1


@pytest.mark.parametrize("value", [None, {}, "x", 5, True], ids=repr)
def test_catalog_must_be_a_list(
    start_server: StartServer, make_client: MakeClient, value: Any
) -> None:
    client = make_client(
        start_server(respond_in_turn(response_bytes(CONNECTOR_PAGE_BODY | {"connectors": value})))
    )
    assert unreadable_field(error_of(list_connectors, client)) == "connectors"
    client = make_client(
        start_server(respond_in_turn(response_bytes(AUTH_CONFIGS_BODY | {"auth_configs": value})))
    )
    assert unreadable_field(error_of(list_auth_configs, client)) == "auth_configs"
    client = make_client(
        start_server(
            respond_in_turn(response_bytes(CONNECTOR_PAGE_BODY | {"categories": value or "x"}))
        )
    )
    assert unreadable_field(error_of(list_connectors, client)) == "categories"


@pytest.mark.parametrize("value", [None, "x", 5, True, []], ids=repr)
def test_catalog_item_must_be_an_object(
    start_server: StartServer, make_client: MakeClient, value: Any
) -> None:
    client = make_client(
        start_server(
            respond_in_turn(
                response_bytes(CONNECTOR_PAGE_BODY | {"connectors": [CONNECTOR_BODY, value]})
            )
        )
    )
    assert unreadable_field(error_of(list_connectors, client)) == "connectors[1]"


@pytest.mark.parametrize("value", [5, True, [], {}], ids=repr)
def test_category_must_be_a_text(
    start_server: StartServer, make_client: MakeClient, value: Any
) -> None:
    client = make_client(
        start_server(
            respond_in_turn(response_bytes(CONNECTOR_PAGE_BODY | {"categories": ["crm", value]}))
        )
    )
    assert unreadable_field(error_of(list_connectors, client)) == "categories[1]"


def test_catalog_length_is_bounded(start_server: StartServer, make_client: MakeClient) -> None:
    body = {"auth_configs": [{"id": "x"}] * 2001, "total": 2001}
    error = error_of(
        list_auth_configs, make_client(start_server(respond_in_turn(response_bytes(body))))
    )
    assert (unreadable_field(error), error.detail) == ("auth_configs", "over 2000 items")
    body = CONNECTOR_PAGE_BODY | {"categories": ["x"] * 2001}
    assert (
        unreadable_field(
            error_of(
                list_connectors, make_client(start_server(respond_in_turn(response_bytes(body))))
            )
        )
        == "categories"
    )


def test_longest_catalog_is_parsed_in_time(
    start_server: StartServer, make_client: MakeClient
) -> None:
    """Looking for each text in each other would take minutes."""
    item = {"id": "x" * 90, "tool_key": "oak_live_" * 9, "display_name": "oak_live_" * 9}
    body = CONNECTOR_PAGE_BODY | {"connectors": [item] * 2000, "categories": ["oak_live"] * 2000}
    client = make_client(start_server(respond_in_turn(response_bytes(body))))
    started_at = time.thread_time()
    value = list_connectors(client).value
    assert (len(value.connectors), len(value.categories)) == (2000, 2000)
    assert time.thread_time() - started_at < BOUNDED_SECONDS


def test_body_limit_holds_for_catalogs(start_server: StartServer, make_client: MakeClient) -> None:
    body = CONNECTOR_PAGE_BODY | {"padding": "x" * 1_000_000}
    error = error_of(
        list_connectors, make_client(start_server(respond_in_turn(response_bytes(body))))
    )
    assert unreadable_field(error) == "body"


def test_duplicate_name_in_an_item_is_refused(
    start_server: StartServer, make_client: MakeClient
) -> None:
    body = '{"auth_configs": [{"id": "a", "id": "b"}], "total": 1}'
    assert (
        unreadable_field(
            error_of(
                list_auth_configs, make_client(start_server(respond_in_turn(response_bytes(body))))
            )
        )
        == "id"
    )
