"""Fetching lists: claimed once, every page of them, and stored only where they still belong."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.lists import fetch as listing_fetch
from freddy_admin.sync.lists.calls import (
    listing_claims_take,
    listing_perform,
    listings_store,
)
from freddy_admin.sync.models import Listing, ListingKind
from freddy_admin.vault.master_keys import master_key_state
from freddy_admin.vault.models import ApiKey, MasterKeyCanary
from tests.sync.conftest import MakeKey
from tests.sync.listing_ends import CONNECTORS, Pages, names, page, run, want

PLANTED = "oak_live_healthy_PLANTEDPLANTEDPLANTED_0123456789abcdef"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[AitronosClient]:
    config = ClientConfig(sandbox.base_url, connect_timeout=5, read_timeout=1, total_timeout=60)
    made = AitronosClient(config, clock=clock.now)
    yield made
    made.close()


@pytest.fixture
def real_clock(key: ApiKey) -> Iterator[None]:
    with clock.using(lambda: datetime.now(UTC)):
        yield


@pytest.mark.usefixtures("real_clock")
def test_both_lists_of_a_key_are_fetched_beside_each_other(
    client: AitronosClient, make_key: MakeKey
) -> None:
    key = make_key("Two", secret=key_for(Scenario.HEALTHY, "Two"))
    want(key)
    want(key, ListingKind.AUTH_CONFIGS)
    claims = listing_claims_take(limit=5, now=clock.now())
    assert {(one.key_id, one.kind) for one in claims} == {
        (key.pk, CONNECTORS),
        (key.pk, ListingKind.AUTH_CONFIGS),
    }
    assert len({one.token for one in claims}) == 2
    ended = [listing_perform(client, claim) for claim in claims]
    assert {(one.key_id, one.token) for one in ended} == {(c.key_id, c.token) for c in claims}
    assert listings_store(ended) == [key.pk, key.pk]
    for row in Listing.objects.all():
        assert row.total == len(row.items) > 0
        assert (row.observed_at, row.error_kind, row.wanted_at) == (row.checked_at, "", None)
        assert (row.lease_token, row.lease_until) == ("", None)
        assert row.request_id


@pytest.mark.usefixtures("real_clock")
def test_every_page_of_connectors_is_fetched(
    client: AitronosClient,
    sandbox: SandboxServer,
    make_key: MakeKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing_fetch, "PER_PAGE", 4)
    secret = key_for(Scenario.HEALTHY, "Paged")
    key = make_key("Paged", secret=secret)
    want(key)
    run(client)
    row = Listing.objects.get()
    assert len(set(names(key))) == row.total > 4
    assert sandbox.requests_seen.by_key[secret] == -(-row.total // 4)


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
@pytest.mark.parametrize("listed", ListingKind.values)
def test_a_call_that_fails_says_why_and_frees_its_lease(
    scenario: Scenario,
    kind: str,
    status: int | None,
    listed: str,
    client: AitronosClient,
    make_key: MakeKey,
) -> None:
    key = make_key(scenario.value, secret=key_for(scenario, "Acme"))
    want(key, ListingKind(listed))
    run(client)
    row = Listing.objects.get()
    assert (row.error_kind, row.error_http_status) == (kind, status)
    assert (row.observed_at, row.items, row.wanted_at) == (None, [], None)
    assert row.lease_token == ""


@pytest.mark.usefixtures("real_clock")
def test_the_secret_is_nowhere_but_in_the_call(
    client: AitronosClient,
    sandbox: SandboxServer,
    make_key: MakeKey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    key = make_key("Planted", secret=PLANTED)
    want(key)
    want(key, ListingKind.AUTH_CONFIGS)
    claims = listing_claims_take(limit=5, now=clock.now())
    ended = [listing_perform(client, claim) for claim in claims]
    listings_store(ended)
    assert sandbox.requests_seen.by_key[PLANTED] >= 2
    names(key)
    assert "PLANTED" not in repr(claims) + repr(ended) + str(ended) + caplog.text
    assert "ciphertext" not in repr(claims)
    assert "PLANTED" not in repr(list(Listing.objects.values()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM core_cache")
        assert "PLANTED" not in repr(cursor.fetchall())


class Breaks:
    """A client with an error nobody foresaw, that has the secret in its text."""

    def list_connectors(self, *, secret: str, **_: object) -> None:
        raise RuntimeError(f"broke with {secret}")


def test_an_unforeseen_error_is_our_own_and_its_text_is_not_repeated(
    make_key: MakeKey, caplog: pytest.LogCaptureFixture
) -> None:
    key = make_key("Planted", secret=PLANTED)
    want(key)
    (ended,) = run(Breaks())
    assert ended.problem is not None
    assert (ended.problem.kind, Listing.objects.get().error_kind) == ("internal", "internal")
    assert f"A list of key {key.pk} broke: RuntimeError" in caplog.text
    assert "PLANTED" not in caplog.text + repr(ended)


def test_a_damaged_row_is_said_of_that_key_and_nothing_is_sent(key: ApiKey) -> None:
    stored = bytearray(key.ciphertext or b"")
    stored[-1] ^= 1
    ApiKey.objects.filter(pk=key.pk).update(ciphertext=bytes(stored))
    want(key)
    client = Pages(page(total=0))
    run(client)
    assert (Listing.objects.get().error_kind, client.asked) == ("key_unreadable", [])


def test_a_wiped_key_is_unreadable(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(ciphertext=None)
    want(key)
    run(Pages(page(total=0)))
    assert Listing.objects.get().error_kind == "key_unreadable"


def test_a_master_key_that_is_missing_is_the_platforms_fault(key: ApiKey) -> None:
    master_key_state(fresh=True)
    MasterKeyCanary.objects.create(master_key_id="gone", ciphertext=b"x", created_at=clock.now())
    ApiKey.objects.filter(pk=key.pk).update(master_key_id="gone")
    master_key_state(fresh=True)
    want(key)
    run(Pages(page(total=0)))
    assert Listing.objects.get().error_kind == "master_key_misfit"
