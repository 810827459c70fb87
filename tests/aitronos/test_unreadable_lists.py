"""A list that is not what was promised is one typed error that names the item and the field."""

import time
from typing import Any

import pytest

from freddy_admin.aitronos.errors import AitronosError, UnreadableAnswer
from tests.aitronos.calls import (
    CONFIG,
    CONFIGS,
    CONNECTOR,
    PAGE,
    error_of,
    list_auth_configs,
    list_connectors,
)
from tests.aitronos.conftest import BOUNDED, MakeClient, Serve
from tests.aitronos.wire import answer, says

NO_TEXTS = [5, 1.5, True, [], {}]
NO_REQUIRED_TEXTS = [*NO_TEXTS, None, "", " \u202e\x00"]
NO_COUNTS = ["1", None, True, -1, 1.0, 2**31, []]


def unread(error: AitronosError) -> str:
    """The field of an unreadable answer."""
    assert isinstance(error, UnreadableAnswer)
    assert (error.http_status, error.attempts, error.sent) == (200, 1, True)
    assert error.detail
    return error.field


@pytest.mark.parametrize("field", ["id", "tool_key", "display_name"])
@pytest.mark.parametrize("value", NO_REQUIRED_TEXTS, ids=repr)
def test_a_connector_has_an_id_a_key_and_a_name(
    serve: Serve, make_client: MakeClient, field: str, value: Any
) -> None:
    body = PAGE | {"connectors": [CONNECTOR, CONNECTOR | {field: value}]}
    error = error_of(list_connectors, make_client(serve(says(answer(body)))))
    assert unread(error) == f"connectors[1].{field}"


@pytest.mark.parametrize("field", ["description", "category", "connection_id", "release_channel"])
@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
def test_the_other_texts_of_a_connector_are_texts_where_they_are_there(
    serve: Serve, make_client: MakeClient, field: str, value: Any
) -> None:
    body = PAGE | {"connectors": [*[CONNECTOR] * 3, CONNECTOR | {field: value}]}
    error = error_of(list_connectors, make_client(serve(says(answer(body)))))
    assert unread(error) == f"connectors[3].{field}"


@pytest.mark.parametrize("value", [0, 1, "true", [], {}], ids=repr)
def test_connected_is_true_or_false_or_not_said(
    serve: Serve, make_client: MakeClient, value: Any
) -> None:
    body = PAGE | {"connectors": [CONNECTOR | {"is_connected": value}]}
    error = error_of(list_connectors, make_client(serve(says(answer(body)))))
    assert unread(error) == "connectors[0].is_connected"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("id", value) for value in NO_REQUIRED_TEXTS),
        *(("toolkit", value) for value in NO_TEXTS),
        *(("type", value) for value in NO_TEXTS),
        *(("created_at", value) for value in ("", "soon", "2025-11-15", 1763202600, True, [])),
    ],
    ids=repr,
)
def test_a_field_of_an_auth_config_is_named(
    serve: Serve, make_client: MakeClient, field: str, value: Any
) -> None:
    body = CONFIGS | {"auth_configs": [CONFIG, CONFIG, CONFIG | {field: value}]}
    error = error_of(list_auth_configs, make_client(serve(says(answer(body)))))
    assert unread(error) == f"auth_configs[2].{field}"


@pytest.mark.parametrize("value", NO_COUNTS, ids=repr)
def test_totals_are_counts(serve: Serve, make_client: MakeClient, value: Any) -> None:
    for field in ("total", "returned"):
        client = make_client(serve(says(answer(PAGE | {field: value}))))
        assert unread(error_of(list_connectors, client)) == field
    client = make_client(serve(says(answer(CONFIGS | {"total": value}))))
    assert unread(error_of(list_auth_configs, client)) == "total"


@pytest.mark.parametrize("value", [None, {}, "x", 5, True], ids=repr)
def test_a_list_is_a_list(serve: Serve, make_client: MakeClient, value: Any) -> None:
    client = make_client(serve(says(answer(PAGE | {"connectors": value}))))
    assert unread(error_of(list_connectors, client)) == "connectors"
    client = make_client(serve(says(answer(CONFIGS | {"auth_configs": value}))))
    assert unread(error_of(list_auth_configs, client)) == "auth_configs"
    client = make_client(serve(says(answer(PAGE | {"categories": value or "x"}))))
    assert unread(error_of(list_connectors, client)) == "categories"


@pytest.mark.parametrize("value", [None, "x", 5, True, []], ids=repr)
def test_an_item_is_an_object(serve: Serve, make_client: MakeClient, value: Any) -> None:
    client = make_client(serve(says(answer(PAGE | {"connectors": [CONNECTOR, value]}))))
    assert unread(error_of(list_connectors, client)) == "connectors[1]"


@pytest.mark.parametrize("value", [5, True, [], {}], ids=repr)
def test_a_category_is_a_text(serve: Serve, make_client: MakeClient, value: Any) -> None:
    client = make_client(serve(says(answer(PAGE | {"categories": ["crm", value]}))))
    assert unread(error_of(list_connectors, client)) == "categories[1]"


def test_a_list_is_bounded(serve: Serve, make_client: MakeClient) -> None:
    body = {"auth_configs": [{"id": "x"}] * 2001, "total": 2001}
    error = error_of(list_auth_configs, make_client(serve(says(answer(body)))))
    assert (unread(error), error.detail) == ("auth_configs", "over 2000 items")
    body = PAGE | {"categories": ["x"] * 2001}
    assert unread(error_of(list_connectors, make_client(serve(says(answer(body)))))) == "categories"


def test_the_longest_list_is_read_in_time(serve: Serve, make_client: MakeClient) -> None:
    """Looking for each text in each other would take minutes."""
    item = {"id": "x" * 90, "tool_key": "oak_live_" * 9, "display_name": "oak_live_" * 9}
    body = PAGE | {"connectors": [item] * 2000, "categories": ["oak_live"] * 2000}
    client = make_client(serve(says(answer(body))))
    started = time.thread_time()
    value = list_connectors(client).value
    assert (len(value.connectors), len(value.categories)) == (2000, 2000)
    assert time.thread_time() - started < BOUNDED


def test_the_body_limit_holds_here_as_well(serve: Serve, make_client: MakeClient) -> None:
    body = PAGE | {"padding": "x" * 1_000_000}
    error = error_of(list_connectors, make_client(serve(says(answer(body)))))
    assert unread(error) == "body"


def test_a_name_that_stands_twice_in_an_item_is_refused(
    serve: Serve, make_client: MakeClient
) -> None:
    body = '{"auth_configs": [{"id": "a", "id": "b"}], "total": 1}'
    assert unread(error_of(list_auth_configs, make_client(serve(says(answer(body)))))) == "id"
