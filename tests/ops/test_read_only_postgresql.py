"""A PostgreSQL that refuses writes (25006), as after a failover, is reported and waited for."""

import threading
from collections.abc import Iterator

import pytest
from django.db import InternalError, connection
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import admin_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.worker_process import WorkerProcess
from freddy_admin.sync.worker.loop import WorkerLoop
from tests.ops.conftest import RunCommand

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="of PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]
EMAIL, PASSWORD = "root@example.org", "correct horse battery"
READ_ONLY_SENTENCE = "can only be read just now"


@pytest.fixture
def admin() -> User:
    return admin_create(actor=OPERATOR, email=EMAIL, password=PASSWORD)


@pytest.fixture
def standby(admin: User) -> Iterator[None]:
    """Every connection of the test is to a server that takes no writes."""
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["options"] = "-c default_transaction_read_only=on"
    yield
    connection.close()
    options.pop("options", None)


def _end_standby() -> None:
    connection.close()
    connection.settings_dict["OPTIONS"].pop("options")


@pytest.fixture
def browser(admin: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    return client


@pytest.mark.usefixtures("standby")
def test_sign_in_is_a_503_and_recovers_by_itself() -> None:
    client = Client(raise_request_exception=False)
    form = {"login": EMAIL, "password": PASSWORD}
    responses = [client.post("/accounts/login/", form) for _ in range(12)]
    assert {(response.status_code, response["Retry-After"]) for response in responses} == {
        (503, "20")
    }
    assert READ_ONLY_SENTENCE in responses[0].content.decode()
    _end_standby()
    assert client.post("/accounts/login/", form).status_code == 302


def test_read_only_database_serves_pages_and_refuses_files_and_forms(
    browser: Client, standby: None
) -> None:
    for address in ("/", "/profile/", "/audit/", "/people/", "/system/", "/accounts/sessions/"):
        assert browser.get(address).status_code in {200, 404}, address
    event_count = AuditEvent.objects.count()
    for response in (
        browser.get("/overview.csv"),
        browser.post("/profile/", {"name": "New", "time_zone": "UTC", "theme": "system"}),
        browser.post("/api/v1/keys/1/check"),
    ):
        assert (response.status_code, response["Retry-After"]) == (503, "20")
        assert READ_ONLY_SENTENCE in response.content.decode()
    assert AuditEvent.objects.count() == event_count
    readiness = browser.get("/readyz")
    assert (readiness.status_code, readiness.json()["parts"]["database"]) == (200, "read-only")


def test_write_refused_half_way_is_a_503(
    browser: Client, standby: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The database took writes when it was probed, and did not when the view wrote.
    monkeypatch.setattr("freddy_admin.web.middleware.write_failure_probe", lambda: None)
    for address, form in (
        ("/profile/", {"name": "New", "time_zone": "UTC", "theme": "system"}),
        ("/accounts/login/", {"login": EMAIL, "password": "wrong"}),
        ("/accounts/logout/", {}),
    ):
        response = browser.post(address, form)
        assert (address, response.status_code) == (address, 503)
        assert READ_ONLY_SENTENCE in response.content.decode()


@pytest.mark.usefixtures("standby")
def test_worker_waits_for_a_read_only_database_and_resumes() -> None:
    class RecordingEvent(threading.Event):
        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.waits += 1
            if self.waits == 3:
                _end_standby()
            return self.is_set()

    stopping, loop, faults = RecordingEvent(), WorkerLoop(parallel=1, name="test"), list[type]()
    tick = loop.tick

    def tick_and_record(*, wait: float) -> int:
        try:
            stored_count = tick(wait=0)
        except Exception as error:
            faults.append(type(error))
            raise
        stopping.set()
        return stored_count

    loop.tick = tick_and_record  # type: ignore[method-assign]
    assert WorkerProcess(loop, stopping).run()
    assert faults == [InternalError] * 3


@pytest.mark.usefixtures("standby")
def test_command_on_a_read_only_database_is_one_sentence(run_command: RunCommand) -> None:
    result = run_command("create_api_token", EMAIL, "--name", "x")
    assert result.code == 1
    assert "can be read and not written" in result.err
    assert "Traceback" not in result.err
