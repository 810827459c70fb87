import re

import pytest

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.sandbox.conftest import (
    NOON,
    QUICK_OPTIONS,
    STATUS_PATH,
    TRIGGER_SYNC_PATH,
    AskSandbox,
    send_request,
)


def test_request_without_a_key_gets_the_documented_envelope(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox()
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
        (sandbox_key(Scenario.REJECTED, "Oak"), 401, "INVALID_API_KEY"),
        (sandbox_key(Scenario.EXPIRED, "Oak"), 401, "API_KEY_EXPIRED"),
        (sandbox_key(Scenario.KEY_PAUSED, "Oak"), 401, "API_KEY_PAUSED"),
        (sandbox_key(Scenario.DEACTIVATED, "Oak"), 401, "API_KEY_DEACTIVATED"),
        (sandbox_key(Scenario.NOT_PERMITTED, "Oak"), 403, "INSUFFICIENT_PERMISSIONS"),
    ],
)
def test_refused_key_gets_its_code_on_every_route(
    ask_sandbox: AskSandbox, key: str, status: int, code: str
) -> None:
    for path, method in ((STATUS_PATH, "GET"), (TRIGGER_SYNC_PATH, "POST")):
        reply = ask_sandbox(path, key=key, method=method)
        assert (reply.status, reply.error["code"]) == (status, code)
        # A key that is known, and may not, is answered for its organisation.
        assert ("aitronos-organization" in reply.headers) == (status == 403)


def test_sandbox_takes_the_key_from_any_header_that_aitronos_knows() -> None:
    key = sandbox_key(Scenario.HEALTHY, "Oak")
    with SandboxServer(options=QUICK_OPTIONS) as server:
        for names in (("X-API-Key",), ("api-key",), ("API-KEY", "x-api-key"), ("X-Own", "api-key")):
            headers = dict.fromkeys(names, key)
            assert send_request(server.base_url, headers=headers).status == 200
        assert send_request(server.base_url, headers={"X-Own": key}).status == 401


def test_key_header_is_configurable() -> None:
    options = type(QUICK_OPTIONS)(key_headers=("x-own",), rate_limit=None)
    key = sandbox_key(Scenario.HEALTHY, "Oak")
    with SandboxServer(options=options) as server:
        assert send_request(server.base_url, headers={"X-Own": key}).status == 200
        assert send_request(server.base_url, key=key).status == 401


def test_error_never_repeats_the_key(ask_sandbox: AskSandbox) -> None:
    reply = ask_sandbox(key="a-real-key-pasted-by-mistake")
    assert b"pasted" not in reply.body
    assert "pasted" not in str(reply.headers)
