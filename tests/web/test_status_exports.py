"""Exports of statuses stream, say what the pages say, and are the same in parts and as a whole."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.api_tokens import api_token_create
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status import export
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.sync.status.selectors import overview_key_rows
from freddy_admin.vault.key_details import key_tags_bulk_create
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.pages.overview.filters import OVERVIEW_PARAMS
from freddy_admin.wording.failures import failure_wording
from tests.web.conftest import HandClock, MakeKey, People, SignIn

PATH = "/api/v1/statuses"


class Program:
    """A program with a token of this person."""

    def __init__(self, user: User) -> None:
        token = api_token_create(actor=OPERATOR, user=user, name="x")
        self._headers = {"authorization": f"Bearer {token}"}

    def get(self, query: str = "", **headers: str) -> HttpResponseBase:
        """The response, not read yet."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        client = Client(raise_request_exception=False)
        response: HttpResponseBase = client.get(PATH + query, headers=self._headers | names)
        return response

    def statuses(self, query: str = "") -> list[dict[str, Any]]:
        """The statuses of the answer."""
        return self.answer(query)["statuses"]  # type: ignore[no-any-return]

    def answer(self, query: str = "") -> dict[str, Any]:
        """The answer."""
        return json.loads(_content(self.get(query)))  # type: ignore[no-any-return]


def _content(response: HttpResponseBase) -> bytes:
    content: bytes = response.getvalue()  # type: ignore[attr-defined]
    return content


def _utc(at: Any) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def _expected(row: KeyRow) -> dict[str, Any]:
    """The status of a row, as the pages have it."""
    figures, error = row.figures, row.error
    return {
        "organisation": row.organisation_name,
        "organisation_slug": row.organisation_slug,
        "key_id": row.key_id,
        "key_label": row.key_label,
        "state": row.state.value,
        "state_since": _utc(row.state_since),
        "total_tools": figures.total_tools if figures else None,
        "enabled_tools": figures.enabled_tools if figures else None,
        "last_sync_at": _utc(figures.last_sync_at) if figures else None,
        "next_sync_at": _utc(figures.next_sync_at) if figures else None,
        "sync_interval_hours": figures.sync_interval_hours if figures else None,
        "incremental_sync_enabled": figures.incremental_sync_enabled if figures else None,
        "checked_at": _utc(row.checked_at),
        "observed_at": _utc(row.observed_at),
        "error": {
            "code": error.code or error.kind,
            "http_status": error.http_status,
            "message": error.message or str(failure_wording(error).words),
            "trace_id": error.trace_id or None,
            "request_id": error.request_id or None,
            "kind": error.kind,
        }
        if error
        else None,
        "tags": list(row.tags),
        "organization_id": row.known_organization_id or None,
        "owner": row.owner_name or None,
        "environment": row.environment,
    }


@pytest.fixture
def fleet(
    people: People,
    key_in_every_state: dict[HealthState, ApiKey],
    other_organisation: Organisation,
    make_key: MakeKey,
) -> list[ApiKey]:
    """Keys in every state, of two organisations, with owners, tags and texts of every kind."""
    keys = [
        make_key('Ä "quoted" \\ key \u2028', key={"owner": people.operator}),
        make_key("Nameless", key={"owner": people.viewer}, reported_organization_id="org_told"),
        make_key("Theirs", at=other_organisation, key={"owner": people.manager}),
        make_key("Failed", outcome="failed", error_kind="server_error", trace_id="trc_1"),
    ]
    User.objects.filter(pk=people.viewer.pk).update(name="")
    key_tags_bulk_create([(keys[0], ("emea", "Finance")), (keys[2], ("theirs",))])
    return [*key_in_every_state.values(), *keys]


def test_api_says_of_each_key_what_the_pages_say(
    people: People, fleet: list[ApiKey], hand_clock: HandClock
) -> None:
    for hours in (0, 30):  # later on, all of them are unknown or paused
        hand_clock.advance(hours=hours)
        for user in (people.viewer, people.manager, people.admin, people.stranger):
            user.refresh_from_db()
            rows = overview_key_rows(user=user, filters=OverviewFilters(), now=clock.now())
            assert Program(user).statuses() == [_expected(row) for row in rows]


@pytest.mark.parametrize(
    "query", ["", "?state=late", "?sort=-checked", "?q=quoted", "?state=needs_you&move=others"]
)
def test_csv_holds_the_rows_of_the_page_in_its_order(
    query: str, people: People, signed_in: SignIn, fleet: list[ApiKey]
) -> None:
    filters = OVERVIEW_PARAMS.parse(QueryDict(query.removeprefix("?")))
    for user in (people.viewer, people.admin):
        answer = signed_in(user).get(f"/overview.csv{query}")
        lines = list(csv.DictReader(io.StringIO(_content(answer).decode("utf-8-sig"))))
        rows = list(overview_key_rows(user=user, filters=filters, now=clock.now()))
        assert [line["key_id"] for line in lines] == [str(row.key_id) for row in rows]
        for line, row in zip(lines, rows, strict=True):
            assert line["state"] == row.state.value
            assert line["owner"] == row.owner_name
            assert line["tags"] == "|".join(row.tags)
            expected = str(row.figures.incremental_sync_enabled).lower() if row.figures else ""
            assert line["incremental_sync_enabled"] == expected
            assert line["last_sync_at"] == (_utc(row.figures and row.figures.last_sync_at) or "")


def test_parts_by_cursor_are_the_whole_by_key_id(people: People, fleet: list[ApiKey]) -> None:
    program = Program(people.admin)
    whole, parts, query = program.statuses(), list[Any](), "?limit=5"
    while True:
        answer = program.answer(query)
        assert list(answer) == ["generated_at", "statuses", "next_cursor"]
        assert len(answer["statuses"]) <= 5
        parts += answer["statuses"]
        if answer["next_cursor"] is None:
            break
        query = f"?limit=5&cursor={answer['next_cursor']}"
    assert parts == sorted(whole, key=lambda status: int(status["key_id"]))
    assert list(program.answer()) == ["generated_at", "statuses"]


def test_cursor_of_a_key_that_is_gone_leads_on(people: People, fleet: list[ApiKey]) -> None:
    program = Program(people.admin)
    first = program.answer("?limit=3")
    ApiKey.objects.filter(pk=int(first["next_cursor"])).delete()
    ids = [status["key_id"] for status in program.statuses(f"?cursor={first['next_cursor']}")]
    assert ids == sorted(
        ApiKey.objects.filter(pk__gt=int(first["next_cursor"])).values_list("pk", flat=True)
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=many", "limit"),
        ("?cursor=abc", "cursor"),
        ("?cursor=-1", "cursor"),
        ("?cursor=" + "9" * 30, "cursor"),
    ],
)
def test_cursor_or_limit_that_cannot_be_taken_is_named(
    query: str, field: str, people: People
) -> None:
    answer = Program(people.viewer).get(query)
    assert answer.status_code == 422
    body = json.loads(_content(answer))
    assert body["detail"]
    assert [wrong["field"] for wrong in body["fields"]] == [f"query.{field}"]
    assert body["fields"][0]["message"]


def test_unchanged_statuses_are_answered_with_304(
    people: People, fleet: list[ApiKey], hand_clock: HandClock
) -> None:
    program = Program(people.viewer)
    etag = program.get()["ETag"]
    assert etag.startswith('W/"')
    hand_clock.advance(seconds=2)
    answer = program.get(if_none_match=etag)
    assert (answer.status_code, _content(answer), answer["ETag"]) == (304, b"", etag)
    assert program.get("?limit=2", if_none_match=etag).status_code == 200


def _rename_organisation(key: ApiKey, people: People) -> None:
    Organisation.objects.filter(pk=key.organisation_id).update(name="Renamed")


def _rename_key(key: ApiKey, people: People) -> None:
    ApiKey.objects.filter(pk=key.pk).update(label="Renamed")


def _rename_owner(key: ApiKey, people: People) -> None:
    User.objects.filter(pk=people.operator.pk).update(name="Renamed")


def _tag(key: ApiKey, people: People) -> None:
    key_tags_bulk_create([(key, ("new",))])


def _raise_role(key: ApiKey, people: People) -> None:
    Membership.objects.filter(user=people.viewer).update(role="manager")


def _record_a_check(key: ApiKey, people: People) -> None:
    SyncStatus.objects.filter(pk=key.pk).update(updated_at=clock.now() + timedelta(seconds=1))


def _revoke(key: ApiKey, people: People) -> None:
    ApiKey.objects.filter(pk=key.pk).update(status="revoked")


CHANGES = [
    *(_rename_organisation, _rename_key, _rename_owner, _tag, _raise_role),
    *(_record_a_check, _revoke),
]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_in_a_status_changes_its_etag(
    change: Any, people: People, fleet: list[ApiKey]
) -> None:
    program, owned = Program(people.viewer), fleet[-4]
    etag = program.get()["ETag"]
    change(owned, people)
    assert program.get(if_none_match=etag).status_code == 200


def test_state_that_the_clock_alone_changes_changes_the_etag(
    people: People, fleet: list[ApiKey], hand_clock: HandClock
) -> None:
    program = Program(people.viewer)
    etag = program.get()["ETag"]
    hand_clock.advance(hours=30)
    assert program.get(if_none_match=etag).status_code == 200


def test_more_keys_take_no_more_statements_until_a_batch_is_full(
    people: People, fleet: list[ApiKey], make_key: MakeKey
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            _content(program.get())
        return len(queries)

    program = Program(people.admin)
    program.get()
    before = statements()
    for number in range(10):
        make_key(f"More {number}")
    assert statements() == before


def test_nothing_of_the_database_is_held_while_an_answer_is_sent(
    people: People, fleet: list[ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXPORT_BATCH", 2)
    answer = Program(people.admin).get()
    assert isinstance(answer, StreamingHttpResponse)
    pieces = iter(answer.streaming_content)
    next(pieces), next(pieces)
    # Written while the reader waits: on SQLite, no statement that is read any more stands open.
    last = max(fleet, key=lambda key: key.pk)
    SyncStatus.objects.filter(pk=last.pk).update(updated_at=clock.now())
    with CaptureQueriesContext(connection) as queries:
        next(pieces)
    assert not [query for query in queries if "CURSOR" in query["sql"].upper()]
    assert len(list(pieces)) > 3


def _failing_batches(**arguments: Any) -> Iterator[export.StatusBatch]:
    yield next(export.status_batches(**arguments))
    raise OperationalError("gone")


def _sent_until_it_fails(response: Any) -> bytes:
    sent = list[bytes]()
    with pytest.raises(OperationalError):
        sent.extend(response.streaming_content)
    return b"".join(sent)


def test_answer_that_fails_in_the_middle_is_no_json(
    people: People, fleet: list[ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXPORT_BATCH", 5)
    monkeypatch.setattr("freddy_admin.api.routes.status_batches", _failing_batches)
    sent = _sent_until_it_fails(Program(people.admin).get())
    assert b'"key_id"' in sent
    with pytest.raises(json.JSONDecodeError):
        json.loads(sent)


def test_failure_of_an_answer_of_one_batch_is_an_error(
    people: People, fleet: list[ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freddy_admin.api.routes.status_batches", _failing_batches)
    answer = Program(people.admin).get()
    assert answer.status_code == 503
    assert json.loads(_content(answer))["detail"]


def test_csv_that_fails_in_the_middle_says_so(
    people: People, signed_in: SignIn, fleet: list[ApiKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freddy_admin.web.pages.overview.views.status_batches", _failing_batches)
    sent = _sent_until_it_fails(signed_in(people.admin).get("/overview.csv"))
    lines = sent.decode("utf-8-sig").splitlines()
    assert len(lines) > 2
    assert lines[-1] == "This file is not complete: the database failed. Fetch it again."


def test_answer_of_thousands_of_keys_is_sent_in_pieces_of_one_batch(
    people: People, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXPORT_BATCH", 10)
    for number in range(60):
        make_key(f"Key {number}")
    program = Program(people.admin)
    program.answer()
    answer, largest = program.get(), 0
    tracemalloc.start()
    for piece in answer.streaming_content:  # type: ignore[attr-defined]
        largest = max(largest, piece.count(b'"key_id"'))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert largest == 10
    assert peak < 1_000_000
