"""Keys refused alike in one environment of Aitronos say nothing of those of another one."""

import pytest
from django.conf import LazySettings

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.sealing import api_key_context, sealed_secret_set
from tests.hand_clock import HandClock
from tests.web.conftest import People, SignIn
from tests.web.refused_alike_scene import ALIKE, AddKeys, check_due, check_twice, worker_loop


@pytest.fixture
def staging(unlimited_api: SandboxServer, settings: LazySettings) -> ApiEnvironment:
    """A second environment beside `default`, with a header of its own."""
    environment = ApiEnvironment("staging", f"{unlimited_api.base_url}/staging", ("api-key",))
    settings.AITRONOS_ENVIRONMENTS = (environment,)
    return environment


def test_keys_refused_alike_are_told_with_their_environments_settings_alone(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
    staging: ApiEnvironment,
    settings: LazySettings,
) -> None:
    # Keys made at production, said to be of staging: refused there, each and all.
    staging_keys = add_keys(3, of="beech", environment="staging")
    add_keys(8)
    place = f"staging ({staging.host})"
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
        for person in (people.admin, people.manager):
            for path in ("/", "/organisations/alder/"):
                page = signed_in(person).get(path).content.decode()
                assert page.count(f"Your 3 keys of {place} are {ALIKE}") == 1
                assert "Try AITRONOS_ENVIRONMENTS, staging.header" in page
                assert "Try AITRONOS_API_KEY_HEADER" not in page
                assert "Try AITRONOS_API_BASE_URL" not in page
                assert f"Base URL: {staging.base_url}\n" in page
                assert f"Base URL: {settings.AITRONOS_API_BASE_URL}\n" not in page
        system = signed_in(people.admin).get("/system/").content.decode()
        assert "staging.header" in system
        assert "Try AITRONOS_API_BASE_URL" not in system
        page = signed_in(people.admin).get("/?refused=401&environment=staging").content.decode()
        assert "3 keys" in page
        # One that works takes those of its own environment with it.
        key = staging_keys[0]
        secret = sandbox_key(Scenario.HEALTHY, "beech/0", environment="staging")
        context = api_key_context(key.organisation_id, key.pk, key.version, "staging")
        sealed_secret_set(key, secret, context=context)
        key.save()
        SyncStatus.objects.filter(key=key).update(next_check_at=hand_clock())
        loop.tick(wait=0)
        check_due(loop, hand_clock)
        retried = SyncStatus.objects.filter(key__in=staging_keys[1:], refusals__gt=2)
        assert retried.count() == 2


def test_refusals_of_two_environments_are_not_counted_together(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
    staging: ApiEnvironment,
) -> None:
    add_keys(2, is_rejected=True)
    add_keys(2, of="beech", is_rejected=True, environment="staging")
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
    page = signed_in(people.manager).get("/").content.decode()
    assert SyncStatus.objects.filter(refusal__startswith="401").count() == 4
    assert "refused in the same way" not in page
