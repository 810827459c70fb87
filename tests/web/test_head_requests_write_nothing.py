"""HEAD requests write nothing: no event, no count, no requested check."""

from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.sync.models import SyncStatus
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response
from tests.web.tenant_factory import Tenant, create_filled_tenant
from tests.web.url_crawler import list_crawl_requests

WRITING = ("INSERT", "UPDATE", "DELETE")
# Rate limits count HEAD too, or it would have no limit.
LIMITS = ("core_cache", "core_ratelimitcount", "accounts_attempthistory")


@pytest.fixture
def tenant(make_key: MakeKey, hand_clock: HandClock) -> Tenant:
    filled = create_filled_tenant("plain", make_key)
    # So much later that every key is due for a check and every session for a touch.
    hand_clock.advance(hours=5)
    return filled


class _Writes:
    """Records the SQL statements of a block that write, but for counts of rate limits."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(WRITING) and not any(table in sql for table in LIMITS):
            self.statements.append(sql)
        return execute(sql, params, many, context)


def _head_write_statements(client: Client, path: str, **headers: str) -> list[str]:
    writes = _Writes()
    with connection.execute_wrapper(writes):
        answer = client.head(path, headers=headers)
        close_response(answer)
    return writes.statements


def test_head_of_every_url_writes_no_row(tenant: Tenant, people: People, signed_in: SignIn) -> None:
    manager, admin = tenant.manager, people.admin
    browsers = {
        "manager": signed_in(manager),
        "admin": signed_in(admin),
        "stranger": signed_in(people.stranger),
        "visitor": Client(),
    }
    written_by_request = {}
    for role, client in browsers.items():
        for crawl_request in list_crawl_requests(tenant.ids, ""):
            if (
                crawl_request.method == "get"
                and not crawl_request.is_live
                and not crawl_request.route.startswith("api/")
            ):
                written_by_request[role, crawl_request.path] = _head_write_statements(
                    client, crawl_request.path
                )
    for path in ("/api/v1/statuses", "/api/v1/organisations/plainslug/events"):
        for bearer in (tenant.bearer, "made-up"):
            headers = {"authorization": f"Bearer {bearer}"}
            written_by_request[bearer, path] = _head_write_statements(
                browsers["visitor"], path, **headers
            )

    assert len(written_by_request) > 250
    assert {
        request_name: written_tables
        for request_name, written_tables in written_by_request.items()
        if written_tables
    } == {}


@pytest.mark.parametrize(
    "path", ["/overview.csv", "/audit.csv", "/profile/export/", "/organisations/alder/export/"]
)
def test_head_of_an_export_has_its_headers_and_exports_nothing(
    path: str, people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(people.manager)
    get_response = client.get(path)
    kind = get_response["Content-Type"]
    close_response(get_response)
    events = AuditEvent.objects.count()
    for name in ("organisation.views.organisation_export_zip", "person.export.person_export"):
        monkeypatch.setattr(f"freddy_admin.web.pages.{name}", _never)
    for _ in range(3):
        answer = client.head(path)
        assert (answer.status_code, _response_bytes(answer)) == (200, b"")
        assert answer["Content-Type"].partition(";")[0] == kind.partition(";")[0]
    assert AuditEvent.objects.count() == events
    assert {row.times for row in RepeatCount.objects.all()} == {0}


def test_get_requests_a_check_and_head_does_not(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    row = SyncStatus.objects.get(key=make_key())
    due = hand_clock.advance(hours=1) and row.next_check_at
    SyncStatus.objects.filter(pk=row.pk).update(next_check_at=hand_clock().replace(year=2030))
    client = signed_in(people.viewer)
    for path in ("/", "/organisations/alder/", f"/organisations/alder/keys/{row.key_id}/"):
        assert client.head(path).status_code == 200
    row.refresh_from_db()
    assert row.next_check_at.year == 2030

    client.get("/")
    row.refresh_from_db()
    assert row.next_check_at == hand_clock() != due


def _never(*_: object, **__: object) -> None:
    raise AssertionError("the copy was made")


def _response_bytes(answer: HttpResponse) -> bytes:
    if answer.streaming:
        return b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    return answer.content
