"""The public health routes: any shape is read, and only the words for well are well."""

from typing import Any

import pytest

from freddy_admin.aitronos.types import ServiceComponent, ServiceHealth
from tests.aitronos.conftest import MakeClient, StartServer
from tests.aitronos.scripted_server import respond_in_turn, response_bytes

VECTOR_STORE_DOWN = ServiceComponent("qdrant_vector_store", "unhealthy")


@pytest.mark.parametrize(
    ("status", "is_well"),
    [
        ("ok", True),
        ("Healthy", True),
        ("OK", True),
        ("unhealthy", False),
        ("degraded", False),
        ("up", False),
        ("", False),
        (None, False),
        (5, False),
        (["ok"], False),
    ],
    ids=repr,
)
def test_only_ok_and_healthy_are_well(
    start_server: StartServer, make_client: MakeClient, status: Any, is_well: bool
) -> None:
    client = make_client(start_server(respond_in_turn(response_bytes({"status": status}))))
    assert client.get_health().value.is_well is is_well


@pytest.mark.parametrize(
    ("body", "components"),
    [
        (
            {"components": [{"name": "qdrant_vector_store", "status": "unhealthy", "details": 1}]},
            [VECTOR_STORE_DOWN],
        ),
        (
            {"services": [{"name": "qdrant_vector_store", "status": "unhealthy"}]},
            [VECTOR_STORE_DOWN],
        ),
        ({"services": {"qdrant_vector_store": {"status": "unhealthy"}}}, [VECTOR_STORE_DOWN]),
        ({"components": {"qdrant_vector_store": "unhealthy"}}, [VECTOR_STORE_DOWN]),
        ({"components": {"qdrant_vector_store": False}}, [VECTOR_STORE_DOWN]),
        ({"components": ["x", None, {"name": 5, "status": "ok"}, {"name": "a"}]}, []),
        ({"components": "all of them"}, []),
        ({}, []),
    ],
    ids=repr,
)
def test_components_of_any_shape_are_read(
    start_server: StartServer, make_client: MakeClient, body: Any, components: Any
) -> None:
    server = start_server(respond_in_turn(response_bytes(body)))
    value = make_client(server).get_health_details().value
    assert value == ServiceHealth("", tuple(components))
    assert server.requests[0].startswith(b"GET /v1/health/details HTTP/1.1\r\n")
    assert b"key" not in server.requests[0].lower()


def test_components_are_cleaned_and_bounded(
    start_server: StartServer, make_client: MakeClient
) -> None:
    items = [{"name": "a\u202e" + "b" * 900, "status": "down\n"}] * 100
    client = make_client(start_server(respond_in_turn(response_bytes({"components": items}))))
    components = client.get_health_details().value.components
    assert len(components) == 20
    assert (len(components[0].name), components[0].status) == (64, "down")


@pytest.mark.parametrize(
    ("status", "is_well"),
    [
        ("healthy", True),
        ("Connected", True),
        ("enabled", True),
        ("disabled", True),
        ("unhealthy", False),
        ("degraded", False),
        ("error", False),
        ("something new", False),
    ],
)
def test_word_of_a_component_says_whether_it_is_well(status: str, is_well: bool) -> None:
    assert ServiceComponent("database", status).is_well is is_well
