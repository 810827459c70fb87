"""HEAD is no visit: nobody is written down or counted, and no work is asked for."""

from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.sync.models import KeySync
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.crawling import asked_for
from tests.web.two_tenants import Tenant, tenant_filled
from tests.web.undone import let_go

WRITING = ("INSERT", "UPDATE", "DELETE")
# Counts of limits: what HEAD could ask for without being counted would have no limit.
LIMITS = ("core_cache", "core_limitcount")


@pytest.fixture
def tenant(make_key: MakeKey, hand_clock: HandClock) -> Tenant:
    filled = tenant_filled("plain", make_key)
    # So long afterwards that every figure is to be looked at again, and every person noted.
    hand_clock.forward(hours=5)
    return filled


class _Writes:
    """The statements that write, of one block."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(WRITING) and not any(one in sql for one in LIMITS):
            self.statements.append(sql)
        return execute(sql, params, many, context)


def _written(client: Client, path: str, **headers: str) -> list[str]:
    writes = _Writes()
    with connection.execute_wrapper(writes):
        answer = client.head(path, headers=headers)
        let_go(answer)
    return writes.statements


def test_head_of_every_address_writes_no_row_for_anybody(
    tenant: Tenant, people: People, signed_in: SignIn
) -> None:
    manager, admin = tenant.manager, people.admin
    browsers = {
        "manager": signed_in(manager),
        "admin": signed_in(admin),
        "stranger": signed_in(people.stranger),
        "visitor": Client(),
    }
    written = {}
    for who, client in browsers.items():
        for asked in asked_for(tenant.ids, ""):
            if asked.method == "get" and not asked.live and not asked.route.startswith("api/"):
                written[who, asked.path] = _written(client, asked.path)
    for path in ("/api/v1/statuses", "/api/v1/organisations/plainslug/events"):
        for bearer in (tenant.bearer, "made-up"):
            headers = {"authorization": f"Bearer {bearer}"}
            written[bearer, path] = _written(browsers["visitor"], path, **headers)

    assert len(written) > 250
    assert {where: found for where, found in written.items() if found} == {}


@pytest.mark.parametrize(
    "path", ["/overview.csv", "/audit.csv", "/profile/export/", "/organisations/alder/export/"]
)
def test_head_of_an_export_has_the_head_of_its_file_and_takes_no_copy(
    path: str, people: People, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(people.manager)
    made = client.get(path)
    kind = made["Content-Type"]
    let_go(made)
    events = AuditEvent.objects.count()
    for name in ("organisation_zip", "person_takeout"):
        monkeypatch.setattr(f"freddy_admin.web.views.takeouts.{name}", _never)
    for _ in range(3):
        answer = client.head(path)
        assert (answer.status_code, _read(answer)) == (200, b"")
        assert answer["Content-Type"].partition(";")[0] == kind.partition(";")[0]
    assert AuditEvent.objects.count() == events
    assert {row.times for row in RepeatCount.objects.all()} == {0}


def test_a_visit_asks_for_a_check_and_head_does_not(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    row = KeySync.objects.get(key=make_key())
    due = hand_clock.forward(hours=1) and row.next_check_at
    KeySync.objects.filter(pk=row.pk).update(next_check_at=hand_clock().replace(year=2030))
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


def _read(answer: HttpResponse) -> bytes:
    if answer.streaming:
        return b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    return answer.content
