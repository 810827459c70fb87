"""The sandbox serves two environments, each of which knows its own keys alone."""

from freddy_admin.sandbox.key_scenarios import (
    Scenario,
    organization_id_from_sandbox_key,
    sandbox_key,
)
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.sandbox.conftest import STATUS_PATH, send_request

LIVE = sandbox_key(Scenario.HEALTHY, "Alder")
STAGING = sandbox_key(Scenario.HEALTHY, "Alder", environment="staging")


def test_each_environment_takes_its_own_keys_and_refuses_the_other_ones(
    server: SandboxServer,
) -> None:
    paths = {"default": STATUS_PATH, "staging": f"/staging{STATUS_PATH}"}
    replies = {
        (place, key): send_request(server.base_url, path, key=key)
        for place, path in paths.items()
        for key in (LIVE, STAGING)
    }
    assert {name for name, reply in replies.items() if reply.status == 200} == {
        ("default", LIVE),
        ("staging", STAGING),
    }
    for refused in (replies["default", STAGING], replies["staging", LIVE]):
        assert (refused.status, refused.error["code"]) == (401, "INVALID_API_KEY")


def test_both_environments_have_a_health_route_and_ids_of_their_own(server: SandboxServer) -> None:
    for path in ("/v1/health/", "/staging/v1/health/"):
        assert send_request(server.base_url, path).status == 200
    assert send_request(server.base_url, "/elsewhere/v1/health/").status == 404
    ids = {organization_id_from_sandbox_key(key) for key in (LIVE, STAGING)}
    assert len(ids) == 2
