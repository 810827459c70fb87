"""A read-only or full database: pages are shown, all else is 503 with the reason."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DataError, IntegrityError, InternalError, OperationalError, connection
from django.http import HttpRequest
from django.test import Client

from freddy_admin.accounts import middleware
from freddy_admin.accounts.models import User
from freddy_admin.core.write_failures import write_failure_from_error
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.api.api_client import ApiClient
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.tenant_factory import create_filled_tenant
from tests.web.test_tenant_isolation import crawler_of
from tests.web.url_crawler import list_crawl_requests


@pytest.fixture
def stale_key(make_key: MakeKey, hand_clock: HandClock) -> ApiKey:
    """A key for which every page would request a check."""
    key = make_key()
    now = hand_clock.advance(minutes=2)
    SyncStatus.objects.update(next_check_at=now.replace(minute=30))
    return key


@pytest.fixture
def client(people: People, signed_in: SignIn, stale_key: ApiKey) -> Client:
    """The browser of a viewer who signed in while the database was writable."""
    return signed_in(people.viewer)


@contextmanager
def unwritable_database() -> Iterator[None]:
    """The database takes no writes within the block; on PostgreSQL until the test's end."""
    sqlite = connection.vendor == "sqlite"
    connection.check_constraints()  # what PostgreSQL puts off would need to lock rows later
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only=ON" if sqlite else "SET TRANSACTION READ ONLY")
    try:
        yield
    finally:
        if sqlite:  # past Django, which refuses queries after a test has failed
            connection.connection.execute("PRAGMA query_only=OFF")


@pytest.fixture
def read_only_database(client: Client) -> Iterator[None]:
    with unwritable_database():
        yield


def database_error(
    kind: type[Exception], sqlstate: str, text: str = "in the server's tongue"
) -> Exception:
    """An error as PostgreSQL's driver and Django hand it on."""
    cause = Exception(text)
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    error = kind(text)
    error.__cause__ = cause
    return error


@pytest.mark.usefixtures("read_only_database")
@pytest.mark.parametrize("address", ["/", "/organisations/alder/", "key", "/audit/", "/profile/"])
def test_pages_stay_readable_with_a_read_only_database(
    address: str, client: Client, stale_key: ApiKey
) -> None:
    if address == "key":
        address = f"/organisations/alder/keys/{stale_key.pk}/"
    answer = client.get(address)
    assert answer.status_code == 200
    if address not in {"/audit/", "/profile/"}:
        assert "Up to date" in answer.content.decode()


EXPORTS = {
    *("overview.csv", "alerts.csv", "audit.csv", "profile/export/"),
    *("people/<number:person_id>/export/", "organisations/<slug:slug>/export/"),
}
# A passkey challenge is stored in the session.
ASKS_BY_SESSION = "accounts/2fa/passkeys/login/"
SAYS = "can only be read just now"


@pytest.mark.parametrize("role", ["admin", "nobody"])
def test_every_page_opens_and_no_form_can_be_sent_with_a_read_only_database(
    role: str, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    tenant = create_filled_tenant("plain", make_key)
    crawler = crawler_of(people.admin, Client() if role == "nobody" else signed_in(people.admin))
    crawler.client.raise_request_exception = False
    crawl_requests = [
        crawl_request
        for crawl_request in list_crawl_requests(tenant.ids, extra_ids_of="own")
        if role == "admin" or not crawl_request.is_live
    ]
    page_requests = [
        crawl_request
        for crawl_request in crawl_requests
        if crawl_request.method == "get" and not crawl_request.is_live
    ]
    status_before = {
        crawl_request.route: crawler.send(crawl_request, tenant).status
        for crawl_request in page_requests
    }
    with unwritable_database():
        crawl_responses = {
            crawl_request: crawler.send(crawl_request, tenant) for crawl_request in crawl_requests
        }
    lost_pages = {
        crawl_request.route: answer.status
        for crawl_request, answer in crawl_responses.items()
        if crawl_request.method == "get"
        and answer.status not in {status_before[crawl_request.route], 204}
    }
    # Visitors get no export anyway.
    expected_lost = {ASKS_BY_SESSION} if role == "nobody" else EXPORTS
    assert lost_pages == dict.fromkeys(expected_lost, 503)
    assert {
        (crawl_request.route, answer.status)
        for crawl_request, answer in crawl_responses.items()
        if crawl_request.method == "post"
        if answer.status != 503 or SAYS not in answer.body or "Retry-After" not in answer.headers
    } == {("healthz", 405)}


@pytest.mark.parametrize("password", ["correct horse battery", "wrong horse battery"])
def test_sign_in_with_a_read_only_database_is_neither_wrong_nor_rate_limited(
    people: People, password: str
) -> None:
    people.viewer.set_password("correct horse battery")
    people.viewer.save()
    form = {"login": people.viewer.email, "password": password}
    with unwritable_database():
        answers = [Client().post("/accounts/login/", form) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer["Retry-After"] for answer in answers} == {"20"}
    page = answers[-1].content.decode()
    assert SAYS in page
    assert "on our side" not in page


def test_api_reads_with_a_read_only_database_and_refuses_writes(
    people: People, make_key: MakeKey
) -> None:
    key, program = make_key(), ApiClient(people.operator, "act")
    with unwritable_database():
        statuses_response = program.get("statuses")
        check_response = program.post(f"keys/{key.pk}/check")
    assert statuses_response.status_code == 200
    assert (check_response.status_code, check_response["Retry-After"]) == (503, "20")
    assert SAYS in check_response.json()["detail"]


def test_a_session_that_cannot_be_saved_hides_no_page(
    people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(people.viewer)
    touch_session = middleware.session_touch

    def changing(request: HttpRequest, user: User) -> bool:
        request.session["looked"] = True
        return touch_session(request, user)

    monkeypatch.setattr(middleware, "session_touch", changing)
    with unwritable_database():
        assert client.get("/profile/").status_code == 200


FAULTS = [
    (OperationalError("attempt to write a readonly database"), "can only be read just now"),
    (OperationalError("database or disk is full"), "is full"),
    (OperationalError("disk I/O error"), "is full"),
    (database_error(InternalError, "25006"), "can only be read just now"),
    (database_error(OperationalError, "53100"), "is full"),
    (database_error(OperationalError, "57P01"), "cannot reach its database"),
    (database_error(OperationalError, "53200"), "cannot reach its database"),
    (database_error(OperationalError, "40001"), "cannot reach its database"),
]


@pytest.mark.parametrize(("fault", "sentence"), FAULTS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_refused_write_is_explained_for_every_database_error(
    fault: Exception,
    sentence: str,
    method: str,
    people: People,
    signed_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: object) -> None:
        raise fault

    monkeypatch.setattr("freddy_admin.web.pages.profile.views.profile_update", refuse)
    monkeypatch.setattr("freddy_admin.web.csv_responses.audit_event_record", refuse)
    client = signed_in(people.viewer)
    client.raise_request_exception = False
    answer = (
        client.get("/overview.csv")
        if method == "get"
        else client.post("/profile/", {"name": "V", "time_zone": "UTC", "theme": "system"})
    )
    assert (answer.status_code, answer["Retry-After"]) == (503, "20")
    assert sentence in answer.content.decode()


def test_programming_error_is_still_a_500() -> None:
    bug = database_error(DataError, "22001")
    bug.__context__ = ValueError("no room: disk is full of read-only things")
    assert write_failure_from_error(bug) is None
    # Where there is an SQLSTATE, the text of the error proves nothing.
    assert (
        write_failure_from_error(
            database_error(IntegrityError, "23505", "(disk is full) read-only")
        )
        is None
    )
