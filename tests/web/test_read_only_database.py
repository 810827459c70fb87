"""A database that can only be read, or is full: pages are shown, all else is 503 with why."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DataError, IntegrityError, InternalError, OperationalError, connection
from django.http import HttpRequest
from django.test import Client

from freddy_admin.accounts import middleware
from freddy_admin.accounts.models import User
from freddy_admin.core.database_writes import write_fault_of
from freddy_admin.sync.models import KeySync
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.crawling import asked_for
from tests.web.machines import Program
from tests.web.test_nothing_of_others import crawler_of
from tests.web.two_tenants import tenant_filled


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


@contextmanager
def unwritable() -> Iterator[None]:
    """A database that can only be read, from here to the end of the test's transaction."""
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
def read_only(client: Client) -> Iterator[None]:
    with unwritable():
        yield


def coded(kind: type[Exception], sqlstate: str, text: str = "in the server's tongue") -> Exception:
    """An error as PostgreSQL's driver and Django hand it on."""
    cause = Exception(text)
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    error = kind(text)
    error.__cause__ = cause
    return error


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("address", ["/", "/organisations/alder/", "key", "/audit/", "/profile/"])
def test_pages_stay_readable(address: str, client: Client, stale: ApiKey) -> None:
    if address == "key":
        address = f"/organisations/alder/keys/{stale.pk}/"
    answer = client.get(address)
    assert answer.status_code == 200
    if address not in {"/audit/", "/profile/"}:
        assert "Up to date" in answer.content.decode()


EXPORTS = {
    *("overview.csv", "audit.csv", "profile/export/"),
    *("people/<number:person_id>/export/", "organisations/<slug:slug>/export/"),
}
# Its question is a session that the answer must find again.
ASKS_BY_SESSION = "accounts/2fa/passkeys/login/"
SAYS = "can only be read just now"


@pytest.mark.parametrize("who", ["admin", "nobody"])
def test_no_page_is_lost_and_nothing_can_be_sent(
    who: str, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    tenant = tenant_filled("plain", make_key)
    crawler = crawler_of(people.admin, Client() if who == "nobody" else signed_in(people.admin))
    crawler.client.raise_request_exception = False
    everything = [
        one for one in asked_for(tenant.ids, along="own") if who == "admin" or not one.live
    ]
    shown = [one for one in everything if one.method == "get" and not one.live]
    before = {one.route: crawler.ask(one, tenant).status for one in shown}
    with unwritable():
        now = {one: crawler.ask(one, tenant) for one in everything}
    lost = {
        one.route: answer.status
        for one, answer in now.items()
        if one.method == "get" and answer.status not in {before[one.route], 204}
    }
    # Signed out, nobody gets a file anyway.
    needing = {ASKS_BY_SESSION} if who == "nobody" else EXPORTS
    assert lost == dict.fromkeys(needing, 503)
    assert {
        (one.route, answer.status)
        for one, answer in now.items()
        if one.method == "post"
        if answer.status != 503 or SAYS not in answer.body or "Retry-After" not in answer.headers
    } == {("healthz", 405)}


@pytest.mark.parametrize("password", ["correct horse battery", "wrong horse battery"])
def test_signing_in_is_neither_wrong_nor_too_often(people: People, password: str) -> None:
    people.viewer.set_password("correct horse battery")
    people.viewer.save()
    form = {"login": people.viewer.email, "password": password}
    with unwritable():
        answers = [Client().post("/accounts/login/", form) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer["Retry-After"] for answer in answers} == {"20"}
    page = answers[-1].content.decode()
    assert SAYS in page
    assert "on our side" not in page


def test_programs_read_on_and_are_told_what_cannot_be_saved(
    people: People, make_key: MakeKey
) -> None:
    key, program = make_key(), Program(people.operator, "act")
    with unwritable():
        read = program.get("statuses")
        sent = program.post(f"keys/{key.pk}/check")
    assert read.status_code == 200
    assert (sent.status_code, sent["Retry-After"]) == (503, "20")
    assert SAYS in sent.json()["detail"]


def test_a_session_that_cannot_be_saved_hides_no_page(
    people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(people.viewer)
    changed = middleware.session_seen

    def changing(request: HttpRequest, user: User) -> bool:
        request.session["looked"] = True
        return changed(request, user)

    monkeypatch.setattr(middleware, "session_seen", changing)
    with unwritable():
        assert client.get("/profile/").status_code == 200


FAULTS = [
    (OperationalError("attempt to write a readonly database"), "can only be read just now"),
    (OperationalError("database or disk is full"), "is full"),
    (OperationalError("disk I/O error"), "is full"),
    (coded(InternalError, "25006"), "can only be read just now"),
    (coded(OperationalError, "53100"), "is full"),
    (coded(OperationalError, "57P01"), "cannot reach its database"),
    (coded(OperationalError, "53200"), "cannot reach its database"),
    (coded(OperationalError, "40001"), "cannot reach its database"),
]


@pytest.mark.parametrize(("fault", "says"), FAULTS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_refused_write_is_told_whatever_it_was_refused_for(
    fault: Exception,
    says: str,
    method: str,
    people: People,
    signed_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: object) -> None:
        raise fault

    monkeypatch.setattr("freddy_admin.web.views.profile.profile_update", refuse)
    monkeypatch.setattr("freddy_admin.web.csv_lines.audit_record", refuse)
    client = signed_in(people.viewer)
    client.raise_request_exception = False
    answer = (
        client.get("/overview.csv")
        if method == "get"
        else client.post("/profile/", {"name": "V", "time_zone": "UTC", "theme": "system"})
    )
    assert (answer.status_code, answer["Retry-After"]) == (503, "20")
    assert says in answer.content.decode()


def test_a_fault_of_ours_is_still_ours() -> None:
    bug = coded(DataError, "22001")
    bug.__context__ = ValueError("no room: disk is full of read-only things")
    assert write_fault_of(bug) is None
    # Where there is a code, words of a person prove nothing.
    assert write_fault_of(coded(IntegrityError, "23505", "(disk is full) read-only")) is None
