"""A key is called in its own environment, and at the address of no other, whatever happens."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.api_client import api_client, api_clients
from freddy_admin.sync.checks.check_now import keys_check_now
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.sync.models import ApiHealth, CatalogKind, OperationState, RemoteOperation
from freddy_admin.sync.operations.remote_call import operation_send, operations_claim
from freddy_admin.sync.operations.results import operation_results_save
from freddy_admin.sync.operations.services import switch_operation_create, sync_operation_create
from freddy_admin.sync.operations.startable_syncs import group_rows_by_figures
from freddy_admin.sync.platform_status import (
    api_health_record,
    api_healths_list,
    api_healths_probe,
    missing_environment_key_counts,
)
from freddy_admin.sync.status.disagreements import key_disagreements
from freddy_admin.sync.status.organisation_rows import organisation_key_rows
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.selectors import overview_page
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import (
    ApiKey,
    CandidateState,
    ImportDraftRow,
    ImportRowState,
    KeyCandidate,
    KeyLifecycle,
)
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from freddy_admin.vault.services.import_drafts import import_draft_confirm, import_draft_create
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from freddy_admin.vault.services.reseal import api_keys_reseal
from tests.sync.catalog_results import fetch_all, request_refresh
from tests.sync.conftest import NOON, sync_status_of
from tests.sync.test_worker_loop import tick_until
from tests.vault.keyrings import DEFAULT_KEY, FIRST, override_keyring

ANA = Actor(name="Ana", id=1)
PRODUCTION_SECRET = sandbox_key(Scenario.HEALTHY, "Alder")
STAGING_SECRET = sandbox_key(Scenario.HEALTHY, "Alder", environment="staging")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[SandboxServer, SandboxServer]]:
    options = SandboxOptions(rate_limit=None, sync_seconds=0.0)
    with (
        SandboxServer(clock=SandboxClock(NOON, speed=0), options=options) as production,
        SandboxServer(clock=SandboxClock(NOON, speed=0), options=options) as staging,
    ):
        yield production, staging


@pytest.fixture
def production(servers: tuple[SandboxServer, SandboxServer]) -> SandboxServer:
    return servers[0]


@pytest.fixture
def staging(servers: tuple[SandboxServer, SandboxServer]) -> SandboxServer:
    return servers[1]


@pytest.fixture(autouse=True)
def two_environments(
    production: SandboxServer, staging: SandboxServer, settings: LazySettings
) -> Iterator[None]:
    """Production and staging, each a server; afterwards neither has seen a key of the other."""
    settings.AITRONOS_API_BASE_URL = production.base_url
    settings.AITRONOS_ENVIRONMENTS = (
        ApiEnvironment("staging", f"{staging.base_url}/staging", ("X-API-Key", "api-key")),
    )
    settings.AITRONOS_CONNECT_TIMEOUT = settings.AITRONOS_READ_TIMEOUT = 5.0
    before = production.request_counts.by_key.copy(), staging.request_counts.by_key.copy()
    yield
    at_production = production.request_counts.by_key - before[0]
    at_staging = staging.request_counts.by_key - before[1]
    assert not [key for key in at_production if key.startswith("oak_test_")]
    assert not [key for key in at_staging if key.startswith("oak_live_")]


def make_environment_key(
    organisation: Organisation, environment: str, *, secret: str = "", label: str = ""
) -> ApiKey:
    secrets = {"default": PRODUCTION_SECRET, "staging": STAGING_SECRET}
    row = ImportRow(
        organisation=organisation,
        label=label or environment,
        secret=secret or secrets[environment],
        environment=environment,
    )
    (result,) = api_keys_import(actor=ANA, rows=[row])
    assert result.key is not None
    key_monitoring_start(keys=[result.key])
    return result.key


def check_all() -> dict[str, str]:
    """Check every key; the failure of each by its label, "" where figures came."""
    return {report.key_label: report.failure for report in keys_check_now()}


def test_each_key_is_checked_at_the_address_of_its_environment(
    organisation: Organisation, production: SandboxServer, staging: SandboxServer
) -> None:
    before = production.request_counts.total, staging.request_counts.total
    keys = [make_environment_key(organisation, name) for name in ("default", "staging")]
    assert check_all() == {"default": "", "staging": ""}
    assert production.request_counts.by_key[PRODUCTION_SECRET] >= 1
    assert staging.request_counts.by_key[STAGING_SECRET] >= 1
    assert (
        production.request_counts.total - before[0],
        staging.request_counts.total - before[1],
    ) == (1, 1)
    assert [sync_status_of(key).outcome for key in keys] == ["good", "good"]


def test_catalogs_syncs_and_switches_go_to_the_environment_of_the_key(
    organisation: Organisation, staging: SandboxServer
) -> None:
    key = make_environment_key(organisation, "staging")
    for kind in CatalogKind:
        request_refresh(key, kind)
    assert [result.failure for result in fetch_all(api_clients())] == [None, None]
    sync_operation_create(organisation=organisation, actor=ANA, key_id=key.pk, full=False)
    switch_operation_create(
        organisation=organisation,
        actor=ANA,
        key_id=key.pk,
        tool_key="gmail",
        tool_name="Gmail",
        enable=False,
    )
    claims = operations_claim(limit=5, now=clock.now())
    operation_results_save([operation_send(api_clients(), claim) for claim in claims])
    failures = RemoteOperation.objects.values_list("kind", "error_kind", "error_http_status")
    assert {kind: status for kind, _, status in failures if status in {401, 403}} == {}
    assert staging.request_counts.by_path["/staging/v1/admin/composio/sync"] == 1
    assert staging.request_counts.by_path["/staging/v1/admin/composio/auth-configs"] == 1


def test_a_new_key_is_tested_and_used_in_the_environment_that_was_chosen(
    organisation: Organisation,
) -> None:
    key = api_key_create(
        organisation=organisation,
        actor=ANA,
        details=KeyDetails(label="Staging"),
        secret=STAGING_SECRET,
        environment="staging",
    )
    work_until_tested()
    key.refresh_from_db()
    assert (key.status, key.environment) == (KeyLifecycle.ACTIVE, "staging")
    event = AuditEvent.objects.filter(tag="key_added").get()
    assert event.details["environment"] == "staging"


def test_a_staging_key_at_production_is_refused_without_being_sent_to_staging(
    organisation: Organisation, staging: SandboxServer
) -> None:
    wrong = sandbox_key(Scenario.HEALTHY, "Wrong place", environment="staging")
    # A key that a person takes for one of production is asked there, as chosen.
    production_look = wrong.replace("oak_test_", "oak_prod_")
    key = api_key_create(
        organisation=organisation,
        actor=ANA,
        details=KeyDetails(label="Main"),
        secret=production_look,
    )
    work_until_tested()
    candidate = KeyCandidate.objects.get(key=key)
    assert (candidate.state, candidate.result_http_status) == (CandidateState.REFUSED, 401)
    assert staging.request_counts.by_key[production_look] == 0


def test_a_key_moves_to_another_environment_with_its_new_secret(
    organisation: Organisation, production: SandboxServer
) -> None:
    key = make_environment_key(organisation, "default")
    check_all()
    api_key_replace(
        organisation=organisation,
        actor=ANA,
        key=key,
        secret=STAGING_SECRET,
        environment="staging",
    )
    asked_before = production.request_counts.total
    work_until_tested()
    key.refresh_from_db()
    assert (key.environment, key.version) == ("staging", 2)
    check_all()
    assert production.request_counts.by_key[STAGING_SECRET] == 0
    # The health route alone was asked at production: the former secret is not used any more.
    assert production.request_counts.by_key[PRODUCTION_SECRET] <= asked_before


def test_a_secret_does_not_open_for_another_environment_than_it_was_sealed_for(
    organisation: Organisation, production: SandboxServer
) -> None:
    key = make_environment_key(organisation, "staging")
    ApiKey.objects.filter(pk=key.pk).update(environment="default")
    before = production.request_counts.total
    assert check_all() == {"staging": "key_unreadable"}
    assert production.request_counts.total == before


def test_keys_of_an_environment_that_was_taken_out_are_called_nowhere(
    organisation: Organisation,
    platform_admin: User,
    servers: tuple[SandboxServer, SandboxServer],
    settings: LazySettings,
) -> None:
    key = make_environment_key(organisation, "staging")
    settings.AITRONOS_ENVIRONMENTS = ()
    before = [server.request_counts.total for server in servers]
    assert check_all() == {"staging": "environment_missing"}
    request_refresh(key)
    (result,) = fetch_all(api_clients())
    assert result.failure is not None
    assert result.failure.kind == "environment_missing"
    sync_operation_create(organisation=organisation, actor=ANA, key_id=key.pk, full=False)
    (claim,) = operations_claim(limit=5, now=clock.now())
    operation_result = operation_send(api_clients(), claim)
    assert operation_result.state == OperationState.REFUSED
    assert [server.request_counts.total for server in servers] == before
    (row,) = organisation_key_rows(user=platform_admin, organisation=organisation, now=clock.now())
    assert (row.state, row.is_environment_missing) == (HealthState.UNKNOWN, True)
    assert missing_environment_key_counts() == {"staging": 1}


def test_keys_are_checked_again_within_a_period_of_their_environment_being_back(
    organisation: Organisation, settings: LazySettings
) -> None:
    key = make_environment_key(organisation, "staging")
    environments, settings.AITRONOS_ENVIRONMENTS = settings.AITRONOS_ENVIRONMENTS, ()
    for _ in range(8):
        check_all()
    wait = sync_status_of(key).next_check_at - clock.now()
    assert wait.total_seconds() <= settings.STATUS_CHECK_SECONDS * 1.06
    settings.AITRONOS_ENVIRONMENTS = environments
    assert check_all() == {"staging": ""}


def test_the_same_secret_in_another_environment_is_the_same_key(
    organisation: Organisation,
) -> None:
    make_environment_key(organisation, "staging", label="Rehearsal")
    with pytest.raises(InvalidInput, match=r"already here, as “Rehearsal \(staging\)”"):
        api_key_create(
            organisation=organisation,
            actor=ANA,
            details=KeyDetails(label="Second"),
            secret=STAGING_SECRET,
        )
    row = ImportRow(organisation=organisation, label="Third", secret=STAGING_SECRET)
    (result,) = api_keys_import(actor=ANA, rows=[row])
    assert (result.outcome, result.environment) == ("already here", "staging")


def test_pasted_rows_are_tested_and_saved_in_their_environment(
    organisation: Organisation, platform_admin: User
) -> None:
    make_environment_key(organisation, "default", label="Here")
    draft = import_draft_create(
        actor=ANA,
        user=platform_admin,
        data=(
            "organisation,label,api_key,organization_id,tags,environment\n"
            f"Alder,Staging,{STAGING_SECRET},,,Staging\n"
            f"Alder,Twice,{PRODUCTION_SECRET},,,staging\n"
            f"Alder,Odd,{sandbox_key(Scenario.HEALTHY, 'Odd')},,,production\n"
        ).encode(),
    )
    work_until_tested()
    rows = {row.label: row for row in draft.rows.all()}
    assert rows["Staging"].state == ImportRowState.WORKS
    assert rows["Twice"].state == ImportRowState.DUPLICATE
    assert "in the environment default" in rows["Twice"].problem
    assert rows["Odd"].state == ImportRowState.MALFORMED
    assert "environment: No such environment" in rows["Odd"].problem
    assert "default, staging" in rows["Odd"].problem
    import_draft_confirm(actor=ANA, user=platform_admin, draft_id=draft.pk)
    work_until(lambda: ApiKey.objects.filter(label="Staging").exists())
    assert ApiKey.objects.get(label="Staging").environment == "staging"
    assert check_all()["Staging"] == ""


def test_an_import_row_is_bound_to_its_environment(platform_admin: User) -> None:
    import_draft_create(
        actor=ANA,
        user=platform_admin,
        data=(
            "organisation,label,api_key,organization_id,tags,environment\n"
            f"Alder,Staging,{STAGING_SECRET},,,staging\n"
        ).encode(),
    )
    ImportDraftRow.objects.update(environment="default")
    work_until_tested()
    assert ImportDraftRow.objects.get().result_kind == "key_unreadable"


def test_a_new_master_key_seals_for_the_environment_again(organisation: Organisation) -> None:
    key = make_environment_key(organisation, "staging")
    with override_keyring(FIRST, DEFAULT_KEY):
        assert not api_keys_reseal(actor=ANA).unreadable
        key.refresh_from_db()
        assert check_all() == {"staging": ""}


def test_the_health_of_each_environment_is_kept(
    db: None, settings: LazySettings, production: SandboxServer
) -> None:
    settings.AITRONOS_ENVIRONMENTS = (
        *settings.AITRONOS_ENVIRONMENTS,
        ApiEnvironment("gone", "http://127.0.0.1:1", ("X-API-Key",)),
    )
    for _ in range(2):
        for health in api_healths_probe(api_clients()):
            api_health_record(health)
    found = [(place.name, health and health.reachable) for place, health in api_healths_list()]
    assert found == [("default", True), ("staging", True), ("gone", False)]
    assert ApiHealth.objects.count() == 3
    settings.AITRONOS_ENVIRONMENTS = ()
    assert [place.name for place, _ in api_healths_list()] == ["default"]


def test_a_client_made_for_one_environment_calls_no_other(organisation: Organisation) -> None:
    make_environment_key(organisation, "staging")
    client = AitronosClient(ClientConfig("http://127.0.0.1:9"), clock=clock.now)
    assert [report.failure for report in keys_check_now(client=client)] == ["environment_missing"]
    assert api_client("staging").config.environment == "staging"


def test_equal_figures_of_two_environments_are_two_syncs(
    organisation: Organisation, platform_admin: User
) -> None:
    live = sandbox_key(Scenario.HEALTHY, "Alder", shared_seed="same")
    test = sandbox_key(Scenario.HEALTHY, "Alder", shared_seed="same", environment="staging")
    make_environment_key(organisation, "default", secret=live)
    make_environment_key(organisation, "staging", secret=test)
    for _ in range(4):
        assert check_all() == {"default": "", "staging": ""}
    rows = organisation_key_rows(user=platform_admin, organisation=organisation, now=clock.now())
    assert rows[0].figures == rows[1].figures
    assert group_rows_by_figures(rows) == []
    assert key_disagreements(rows) == []  # although they report two organisation ids
    page = overview_page(user=platform_admin, filters=OverviewFilters(), now=clock.now())
    assert page.shared_sync_groups == []


def test_the_overview_filters_by_environment(
    organisation: Organisation, platform_admin: User
) -> None:
    for name in ("default", "staging"):
        make_environment_key(organisation, name)
    filters = OverviewFilters(environment="staging")
    page = overview_page(user=platform_admin, filters=filters, now=clock.now())
    assert [row.environment for row in page.rows] == ["staging"]
    assert page.matching == 1


def work_until_tested() -> None:
    """Run a worker until no candidate and no pasted row waits for its test."""
    work_until(
        lambda: (
            not KeyCandidate.objects.filter(state=CandidateState.PENDING).exists()
            and not ImportDraftRow.objects.filter(state=ImportRowState.WAITING).exists()
        )
    )


def work_until(condition: Callable[[], bool]) -> None:
    """Run a worker until this holds and no call is under way."""
    worker_loop = WorkerLoop(parallel=4, name="test")
    try:
        tick_until(worker_loop, condition)
    finally:
        worker_loop.stop()
