import re

import pytest

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import NOON, QUICK, STATUS, TRIGGER, Ask, ask_at


def test_without_a_key_the_documented_envelope_comes(ask: Ask) -> None:
    reply = ask()
    error = reply.error
    assert reply.status == 401
    assert reply.json["success"] is False
    assert re.fullmatch(r"req_\w+", error.pop("trace_id"))
    assert reply.headers["x-request-id"]
    assert error == {
        "code": "AUTHENTICATION_REQUIRED",
        "message": "Authentication required. Please provide a valid API key.",
        "system_message": "Missing or invalid authorization header",
        "type": "authentication_error",
        "status": 401,
        "timestamp": NOON.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "details": {},
    }


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("nobody", 401, "INVALID_API_KEY"),
        (key_for(Scenario.REJECTED, "Oak"), 401, "INVALID_API_KEY"),
        (key_for(Scenario.EXPIRED, "Oak"), 401, "API_KEY_EXPIRED"),
        (key_for(Scenario.KEY_PAUSED, "Oak"), 401, "API_KEY_PAUSED"),
        (key_for(Scenario.DEACTIVATED, "Oak"), 401, "API_KEY_DEACTIVATED"),
        (key_for(Scenario.NOT_PERMITTED, "Oak"), 403, "INSUFFICIENT_PERMISSIONS"),
    ],
)
def test_a_refused_key_gets_its_code_on_every_route(
    ask: Ask, key: str, status: int, code: str
) -> None:
    for path, method in ((STATUS, "GET"), (TRIGGER, "POST")):
        reply = ask(path, key=key, method=method)
        assert (reply.status, reply.error["code"]) == (status, code)
        assert "aitronos-organization" not in reply.headers


def test_the_header_of_the_key_can_be_another() -> None:
    options = type(QUICK)(key_header="api-key", rate_limit=None)
    key = key_for(Scenario.HEALTHY, "Oak")
    with SandboxServer(options=options) as server:
        assert ask_at(server.base_url, headers={"api-key": key}).status == 200
        assert ask_at(server.base_url, key=key).status == 401


def test_a_refusal_never_repeats_the_key(ask: Ask) -> None:
    reply = ask(key="a-real-key-pasted-by-mistake")
    assert b"pasted" not in reply.body
    assert "pasted" not in str(reply.headers)
