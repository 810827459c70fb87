"""Whatever the worker asks of Aitronos with a key is counted: as many calls as the API received."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.types import Connector
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import (
    Scenario,
    organization_id_from_sandbox_key,
    sandbox_key,
)
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.candidates.import_rows import (
    import_row_check,
    import_row_leases_acquire,
    import_row_results_record,
)
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_results_record,
)
from freddy_admin.sync.checks.execution import check_perform
from freddy_admin.sync.checks.leases import check_leases_acquire
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot, SyncStatus
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services.keys import api_key_create
from tests.sync.call_results import calls_by_group
from tests.sync.catalog_results import fetch_all, request_refresh
from tests.sync.conftest import MakeKey, sync_status_of
from tests.sync.operation_calls import client, sandbox, send_operation
from tests.sync.test_operation_requests import request_switch, request_sync
from tests.vault.import_draft_data import import_draft_make

__all__ = ["client", "sandbox"]
SECRET = sandbox_key(Scenario.HEALTHY, "Counted")
GROUP = f"default:reported:{organization_id_from_sandbox_key(SECRET)}"
CONNECTORS_PATH = "/v1/personal-connectors/available"


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key(secret=SECRET)


def check(client: AitronosClient) -> None:
    leases = check_leases_acquire(limit=9, now=clock.now(), policy=check_policy())
    check_results_record([check_perform(client, lease) for lease in leases])


def test_checks_lists_syncs_and_switches_are_counted(
    key: ApiKey, client: AitronosClient, sandbox: SandboxServer, organisation: Organisation
) -> None:
    count_before = sandbox.request_counts.by_key[SECRET]
    check(client)
    assert calls_by_group() == {GROUP: 1}
    request_refresh(key, CatalogKind.CONNECTORS)
    request_refresh(key, CatalogKind.AUTH_CONFIGS)
    (connectors, _auth_configs) = fetch_all(client)
    assert isinstance(connectors.items[0], Connector)
    assert calls_by_group() == {GROUP: 3}
    request_sync(key, organisation)
    send_operation(client)
    request_switch(key, organisation, connectors.items[0].tool_key)
    send_operation(client)
    assert calls_by_group() == {GROUP: 5}
    assert sandbox.request_counts.by_key[SECRET] - count_before == 5


def test_repeats_of_a_call_are_counted(
    make_key: MakeKey, client: AitronosClient, sandbox: SandboxServer
) -> None:
    secret = sandbox_key(Scenario.FLAKY, "Repeats")
    key = make_key(secret=secret)
    for _ in range(4):
        SyncStatus.objects.update(next_check_at=clock.now())
        check(client)
    # Every third call fails, and is made once more.
    assert sandbox.request_counts.by_key[secret] > 4
    group = f"default:reported:{organization_id_from_sandbox_key(secret)}"
    assert calls_by_group() == {group: sandbox.request_counts.by_key[secret]}
    assert sync_status_of(key).outcome == "good"


def test_tests_of_new_keys_and_of_pasted_rows_are_counted(
    client: AitronosClient, organisation: Organisation, platform_admin: User
) -> None:
    refused = sandbox_key(Scenario.REJECTED, "Nobody")
    for number, secret in enumerate((SECRET, refused)):
        api_key_create(
            organisation=organisation,
            actor=Actor("Ana", id=1),
            details=KeyDetails(label=str(number)),
            secret=secret,
        )
    leases = candidate_leases_acquire(limit=5)
    candidate_results_record([check_perform(client, lease) for lease in leases])
    # A refusal names no organisation: it counts for the one it was pasted into.
    unknown_group = f"default:organisation:{organisation.pk}"
    assert calls_by_group() == {GROUP: 1, unknown_group: 1}
    import_draft_make(
        platform_admin,
        f"{organisation.name},here,{sandbox_key(Scenario.REJECTED, 'Other')},,",
        f"New place,there,{sandbox_key(Scenario.HEALTHY, 'Counted/There')},,",
        f"New place,nowhere,{sandbox_key(Scenario.EXPIRED, 'Third')},,",
    )
    row_leases = import_row_leases_acquire(limit=5)
    assert len(row_leases) == 3
    import_row_results_record([import_row_check(client, lease) for lease in row_leases])
    assert calls_by_group() == {GROUP: 2, unknown_group: 2}


def test_a_429_to_one_key_holds_the_others_before_they_are_asked(
    make_key: MakeKey, client: AitronosClient, sandbox: SandboxServer
) -> None:
    healthy = sandbox_key(Scenario.HEALTHY, "Shared/a")
    sibling = make_key("sibling", secret=healthy)
    check(client)
    make_key("limited", secret=sandbox_key(Scenario.SPENDING_LIMIT, "Shared/b"))
    check(client)
    row = sync_status_of(sibling)
    assert row.hold_until is not None
    assert row.next_check_at >= row.hold_until > clock.now()


def test_the_list_of_connectors_is_asked_for_with_the_organisation_where_it_is_known(
    key: ApiKey, client: AitronosClient
) -> None:
    ApiKey.objects.filter(pk=key.pk).update(organization_id="org_typed_wrongly")
    request_refresh(key, CatalogKind.CONNECTORS)
    # The imitation refuses the id of another organisation, as the API does.
    (result,) = fetch_all(client)
    assert result.failure is not None
    assert result.failure.code == "ORGANIZATION_ACCESS_DENIED"
    check(client)
    request_refresh(key, CatalogKind.CONNECTORS)
    SyncStatus.objects.filter(pk=key.pk).update(hold_until=None)
    CatalogSnapshot.objects.update(refresh_requested_at=clock.now())
    (result,) = fetch_all(client)
    assert result.failure is None
