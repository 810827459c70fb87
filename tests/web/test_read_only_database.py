"""A full database, or one that can only be read, takes no page and no export with it."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.sync.models import KeySync
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import HandClock, MakeKey, People, SignIn


@pytest.fixture
def stale(make_key: MakeKey, hand_clock: HandClock) -> ApiKey:
    """A key of which every page would ask for a check."""
    key = make_key()
    now = hand_clock.forward(minutes=2)
    KeySync.objects.update(next_check_at=now.replace(minute=30))
    return key


@pytest.fixture
def client(people: People, signed_in: SignIn, stale: ApiKey) -> Client:
    """Of somebody who signed in while the database still took that."""
    return signed_in(people.viewer)


@pytest.fixture
def read_only(client: Client) -> Iterator[None]:
    sqlite = connection.vendor == "sqlite"
    connection.check_constraints()  # what PostgreSQL puts off would need to lock rows later
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only=ON" if sqlite else "SET TRANSACTION READ ONLY")
    yield
    if sqlite:  # past Django, which refuses queries after a test has failed
        connection.connection.execute("PRAGMA query_only=OFF")


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("address", ["/", "/organisations/alder/", "key", "/audit/", "/profile/"])
def test_pages_stay_readable(address: str, client: Client, stale: ApiKey) -> None:
    if address == "key":
        address = f"/organisations/alder/keys/{stale.pk}/"
    answer = client.get(address)
    assert answer.status_code == 200
    if address not in {"/audit/", "/profile/"}:
        assert "Up to date" in answer.content.decode()


@pytest.mark.usefixtures("read_only")
def test_the_file_is_handed_out_though_nobody_can_write_that_down(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/overview.csv")
    assert b"up_to_date" in answer.getvalue()
    assert not AuditEvent.objects.filter(tag="exported").exists()
    assert "An event (exported) could not be written down" in caplog.text
