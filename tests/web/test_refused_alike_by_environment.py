"""Keys refused alike in one environment of Aitronos say nothing of those of another one."""

import re

import pytest
from django.conf import LazySettings

from freddy_admin.audit.services import WORKER
from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.key_lifecycle import key_candidate_accept
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.sealing import api_key_context, sealed_secret_set
from freddy_admin.vault.services.keys import api_key_replace
from tests.flows.wait import wait_until
from tests.hand_clock import HandClock
from tests.web.conftest import People, SignIn
from tests.web.refused_alike_scene import ALIKE, AddKeys, check_due, check_twice, worker_loop


@pytest.fixture
def staging(unlimited_api: SandboxServer, settings: LazySettings) -> ApiEnvironment:
    """A second environment beside `default`, with a header of its own."""
    environment = ApiEnvironment("staging", f"{unlimited_api.base_url}/staging", ("api-key",))
    settings.AITRONOS_ENVIRONMENTS = (environment,)
    return environment


def seal_staging_secret(key: ApiKey) -> None:
    secret = sandbox_key(Scenario.HEALTHY, f"beech/{key.label}", environment="staging")
    context = api_key_context(key.organisation_id, key.pk, key.version, "staging")
    sealed_secret_set(key, secret, context=context)
    key.save()


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
        seal_staging_secret(key)
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


@pytest.mark.usefixtures("staging")
def test_a_key_that_works_at_staging_says_nothing_of_those_refused_at_production(
    unlimited_api: SandboxServer,
    add_keys: AddKeys,
    people: People,
    signed_in: SignIn,
    hand_clock: HandClock,
) -> None:
    [working_key] = add_keys(1, of="beech", environment="staging")
    seal_staging_secret(working_key)
    unknown_keys = add_keys(3, is_rejected=True)
    manager = signed_in(people.manager)
    with worker_loop() as loop:
        check_twice(loop, hand_clock)
    working = SyncStatus.objects.get(pk=working_key.pk)
    assert (working.outcome, working.reported_organization_id[:4]) == ("good", "org_")
    unknown = SyncStatus.objects.filter(key__in=unknown_keys)
    assert set(unknown.values_list("refusal", flat=True)) == {"401 INVALID_API_KEY"}
    # The two environments may well call different organisations by one and the same id.
    unknown.update(reported_organization_id=working.reported_organization_id)
    for path in ("/", "/organisations/alder/"):
        page = manager.get(path).content.decode()
        assert re.search(f"Your 3 keys of default \\([^)]*\\) are {ALIKE}", page)
        assert "Replace the key" not in page
    key_page = f"/organisations/alder/keys/{unknown_keys[0].pk}/"
    assert "This key alone" not in manager.get(key_page).content.decode()
    # A key of their own environment that works does say something.
    ApiKey.objects.filter(pk=working_key.pk).update(environment="default")
    page = manager.get("/").content.decode()
    assert ALIKE not in page
    assert page.count("Replace the key") == 3
    assert "This key alone" in manager.get(key_page).content.decode()


def test_an_id_at_aitronos_does_not_move_with_a_key_to_another_environment(
    unlimited_api: SandboxServer, add_keys: AddKeys, hand_clock: HandClock, staging: ApiEnvironment
) -> None:
    moved_key, kept_key = add_keys(2)
    with worker_loop() as loop:
        check_due(loop, hand_clock)
        reported_ids = SyncStatus.objects.values_list("reported_organization_id", flat=True)
        assert all(reported_ids)
        replace_untested(moved_key, loop, environment=staging.name)
        replace_untested(kept_key, loop, environment="default")
    assert SyncStatus.objects.get(pk=moved_key.pk).reported_organization_id == ""
    assert SyncStatus.objects.get(pk=kept_key.pk).reported_organization_id.startswith("org_")


def replace_untested(key: ApiKey, loop: WorkerLoop, *, environment: str) -> None:
    """Give the key a secret that could not be tested, which a person accepts all the same."""
    secret = sandbox_key(Scenario.NOT_JSON, f"new/{key.label}", environment=environment)
    candidate = api_key_replace(
        organisation=key.organisation, actor=WORKER, key=key, secret=secret, environment=environment
    )
    untested = KeyCandidate.objects.filter(key=key, state=CandidateState.UNTESTED)
    assert wait_until(lambda: loop.tick(wait=0.02) >= 0 and untested.exists(), seconds=30)
    key_candidate_accept(
        organisation=key.organisation, actor=WORKER, key=key, version=candidate.version
    )
