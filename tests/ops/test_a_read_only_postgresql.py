"""A PostgreSQL that refuses writes (25006), as after a failover: told, waited for, and over."""

import threading
from collections.abc import Iterator

import pytest
from django.db import InternalError, connection
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import admin_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.worker import Worker
from freddy_admin.sync.engine import Engine
from tests.ops.conftest import Run

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="of PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]
EMAIL, PASSWORD = "root@example.org", "correct horse battery"
SAYS = "can only be read just now"


@pytest.fixture
def admin() -> User:
    return admin_create(actor=OPERATOR, email=EMAIL, password=PASSWORD)


@pytest.fixture
def standby(admin: User) -> Iterator[None]:
    """From here on every connection is one to a server that takes no writes."""
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["options"] = "-c default_transaction_read_only=on"
    yield
    connection.close()
    options.pop("options", None)


def _leader_again() -> None:
    connection.close()
    connection.settings_dict["OPTIONS"].pop("options")


@pytest.fixture
def browser(admin: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    return client


@pytest.mark.usefixtures("standby")
def test_signing_in_is_503_and_works_again_by_itself() -> None:
    client = Client(raise_request_exception=False)
    form = {"login": EMAIL, "password": PASSWORD}
    answers = [client.post("/accounts/login/", form) for _ in range(12)]
    assert {(answer.status_code, answer["Retry-After"]) for answer in answers} == {(503, "20")}
    assert SAYS in answers[0].content.decode()
    _leader_again()
    assert client.post("/accounts/login/", form).status_code == 302


def test_pages_are_read_files_and_forms_are_not(browser: Client, standby: None) -> None:
    for address in ("/", "/profile/", "/audit/", "/people/", "/system/", "/accounts/sessions/"):
        assert browser.get(address).status_code in {200, 404}, address
    before = AuditEvent.objects.count()
    for answer in (
        browser.get("/overview.csv"),
        browser.post("/profile/", {"name": "New", "time_zone": "UTC", "theme": "system"}),
        browser.post("/api/v1/keys/1/check"),
    ):
        assert (answer.status_code, answer["Retry-After"]) == (503, "20")
        assert SAYS in answer.content.decode()
    assert AuditEvent.objects.count() == before
    told = browser.get("/readyz")
    assert (told.status_code, told.json()["parts"]["database"]) == (200, "read-only")


def test_a_write_that_is_refused_half_way_is_503(
    browser: Client, standby: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It could be written when we asked, and could not when it came to it.
    monkeypatch.setattr("freddy_admin.web.database_faults.write_fault_now", lambda: None)
    for address, form in (
        ("/profile/", {"name": "New", "time_zone": "UTC", "theme": "system"}),
        ("/accounts/login/", {"login": EMAIL, "password": "wrong"}),
        ("/accounts/logout/", {}),
    ):
        answer = browser.post(address, form)
        assert (address, answer.status_code) == (address, 503)
        assert SAYS in answer.content.decode()


@pytest.mark.usefixtures("standby")
def test_the_worker_waits_and_goes_on_by_itself() -> None:
    class Patient(threading.Event):
        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.waits += 1
            if self.waits == 3:
                _leader_again()
            return self.is_set()

    stopping, engine, faults = Patient(), Engine(parallel=1, name="test"), list[type]()
    tick = engine.tick

    def watched(*, wait: float) -> int:
        try:
            done = tick(wait=0)
        except Exception as error:
            faults.append(type(error))
            raise
        stopping.set()
        return done

    engine.tick = watched  # type: ignore[method-assign]
    assert Worker(engine, stopping).run()
    assert faults == [InternalError] * 3


@pytest.mark.usefixtures("standby")
def test_a_command_says_it_in_one_sentence(run: Run) -> None:
    ended = run("create_api_token", EMAIL, "--name", "x")
    assert ended.code == 1
    assert "can be read and not written" in ended.err
    assert "Traceback" not in ended.err
