"""Fetching catalogs: every page, with errors in the result and the secret nowhere."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.catalog import fetch_execution as fetch_module
from freddy_admin.sync.catalog.fetch_execution import catalog_fetch
from freddy_admin.sync.catalog.fetch_leases import catalog_fetches_claim, catalog_results_save
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot
from freddy_admin.vault.master_key_state import master_key_state
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from tests.sync.catalog_results import (
    CONNECTORS,
    OneEnvironment,
    PagedClient,
    connector_keys,
    connector_page,
    fetch_all,
    request_refresh,
)
from tests.sync.conftest import MakeKey

PLANTED = "oak_live_healthy_PLANTEDPLANTEDPLANTED_0123456789abcdef"


@pytest.fixture
def client(sandbox: SandboxServer) -> AitronosClient:
    config = ClientConfig(sandbox.base_url, connect_timeout=5, read_timeout=1, total_timeout=60)
    return AitronosClient(config, clock=clock.now)


@pytest.fixture
def real_clock(key: ApiKey) -> Iterator[None]:
    with clock.override_clock(lambda: datetime.now(UTC)):
        yield


@pytest.mark.usefixtures("real_clock")
def test_both_catalogs_of_a_key_are_fetched_beside_each_other(
    client: AitronosClient, make_key: MakeKey
) -> None:
    key = make_key("Two", secret=sandbox_key(Scenario.HEALTHY, "Two"))
    request_refresh(key)
    request_refresh(key, CatalogKind.AUTH_CONFIGS)
    claims = catalog_fetches_claim(limit=5, now=clock.now())
    assert {(claim.key_id, claim.kind) for claim in claims} == {
        (key.pk, CONNECTORS),
        (key.pk, CatalogKind.AUTH_CONFIGS),
    }
    assert len({claim.row_id for claim in claims}) == 2
    results = [catalog_fetch(client, claim) for claim in claims]
    assert {(claim.key_id, claim.token) for claim in results} == {
        (claim.key_id, claim.token) for claim in claims
    }
    assert catalog_results_save(results) == [key.pk, key.pk]
    for snapshot in CatalogSnapshot.objects.all():
        assert snapshot.total == len(snapshot.items) > 0
        assert (snapshot.observed_at, snapshot.error_kind, snapshot.refresh_requested_at) == (
            snapshot.checked_at,
            "",
            None,
        )
        assert (snapshot.lease_token, snapshot.lease_until) == ("", None)
        assert snapshot.request_id


@pytest.mark.usefixtures("real_clock")
def test_every_page_of_connectors_is_fetched(
    client: AitronosClient,
    sandbox: SandboxServer,
    make_key: MakeKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch_module, "PAGE_SIZE", 4)
    secret = sandbox_key(Scenario.HEALTHY, "Paged")
    key = make_key("Paged", secret=secret)
    request_refresh(key)
    fetch_all(client)
    snapshot = CatalogSnapshot.objects.get()
    assert len(set(connector_keys(key))) == snapshot.total > 4
    assert sandbox.request_counts.by_key[secret] == -(-snapshot.total // 4)


@pytest.mark.usefixtures("real_clock")
@pytest.mark.parametrize(
    ("scenario", "kind", "status"),
    [
        (Scenario.REJECTED, "key_refused", 401),
        (Scenario.NOT_PERMITTED, "key_not_permitted", 403),
        (Scenario.ERROR_HTML, "server_error", 500),
        (Scenario.NOT_JSON, "unreadable_answer", 200),
        (Scenario.WRONG_TYPES, "unreadable_answer", 200),
        (Scenario.HANGING, "read_timeout", None),
        (Scenario.REDIRECT, "unexpected_status", 302),
    ],
)
@pytest.mark.parametrize("listed", CatalogKind.values)
def test_a_failed_fetch_says_why_and_releases_its_lease(
    scenario: Scenario,
    kind: str,
    status: int | None,
    listed: str,
    client: AitronosClient,
    make_key: MakeKey,
) -> None:
    key = make_key(scenario.value, secret=sandbox_key(scenario, "Acme"))
    request_refresh(key, CatalogKind(listed))
    fetch_all(client)
    snapshot = CatalogSnapshot.objects.get()
    assert (snapshot.error_kind, snapshot.error_http_status) == (kind, status)
    assert (snapshot.observed_at, snapshot.items, snapshot.refresh_requested_at) == (None, [], None)
    assert snapshot.lease_token == ""


@pytest.mark.usefixtures("real_clock")
def test_a_fetch_leaves_the_secret_nowhere_but_in_the_call(
    client: AitronosClient,
    sandbox: SandboxServer,
    make_key: MakeKey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    key = make_key("Planted", secret=PLANTED)
    request_refresh(key)
    request_refresh(key, CatalogKind.AUTH_CONFIGS)
    claims = catalog_fetches_claim(limit=5, now=clock.now())
    results = [catalog_fetch(client, claim) for claim in claims]
    catalog_results_save(results)
    assert sandbox.request_counts.by_key[PLANTED] >= 2
    connector_keys(key)
    assert "PLANTED" not in repr(claims) + repr(results) + str(results) + caplog.text
    assert "ciphertext" not in repr(claims)
    assert "PLANTED" not in repr(list(CatalogSnapshot.objects.values()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM core_cache")
        assert "PLANTED" not in repr(cursor.fetchall())


class BrokenClient(OneEnvironment):
    """A client that raises an unforeseen error with the secret in its text."""

    def list_connectors(self, *, secret: str, **_: object) -> None:
        raise RuntimeError(f"broke with {secret}")


def test_an_unforeseen_error_is_internal_and_its_text_is_not_logged(
    make_key: MakeKey, caplog: pytest.LogCaptureFixture
) -> None:
    key = make_key("Planted", secret=PLANTED)
    request_refresh(key)
    (result,) = fetch_all(BrokenClient())
    assert result.failure is not None
    assert (result.failure.kind, CatalogSnapshot.objects.get().error_kind) == (
        "internal",
        "internal",
    )
    assert f"A list of key {key.pk} broke: RuntimeError" in caplog.text
    assert "PLANTED" not in caplog.text + repr(result)


def test_a_damaged_ciphertext_is_unreadable_and_nothing_is_sent(key: ApiKey) -> None:
    ciphertext = bytearray(key.ciphertext or b"")
    ciphertext[-1] ^= 1
    ApiKey.objects.filter(pk=key.pk).update(ciphertext=bytes(ciphertext))
    request_refresh(key)
    client = PagedClient(connector_page(total=0))
    fetch_all(client)
    assert (CatalogSnapshot.objects.get().error_kind, client.requested_offsets) == (
        "key_unreadable",
        [],
    )


def test_a_wiped_key_is_unreadable(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(ciphertext=None)
    request_refresh(key)
    fetch_all(PagedClient(connector_page(total=0)))
    assert CatalogSnapshot.objects.get().error_kind == "key_unreadable"


def test_a_missing_master_key_is_a_master_key_misfit(key: ApiKey) -> None:
    master_key_state(fresh=True)
    MasterKeyCanary.objects.create(master_key_id="gone", ciphertext=b"x", created_at=clock.now())
    ApiKey.objects.filter(pk=key.pk).update(master_key_id="gone")
    master_key_state(fresh=True)
    request_refresh(key)
    fetch_all(PagedClient(connector_page(total=0)))
    assert CatalogSnapshot.objects.get().error_kind == "master_key_misfit"
