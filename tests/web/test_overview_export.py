"""The overview as CSV and as JSON."""

import csv
import io
import json

import pytest
from django.test import Client

from freddy_admin.accounts.api_tokens import api_token_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.key_details import key_tags_bulk_create
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.csv_responses import escape_csv_cell
from tests.web.conftest import MakeKey, People, SignIn

FIELDS = [
    "organisation", "organisation_slug", "key_id", "key_label", "state", "state_since",
    "total_tools", "enabled_tools", "last_sync_at", "next_sync_at", "sync_interval_hours",
    "incremental_sync_enabled", "checked_at", "observed_at", "error",
    "tags", "organization_id", "owner", "environment",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|calc", " =1",
     "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\u200b=1", "\ufeff=1", "\x00=1", "%0A"],
)  # fmt: skip
def test_a_cell_that_begins_like_a_formula_is_made_harmless(text: str) -> None:
    assert escape_csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["x;{}=1+1", "a; {}@SUM(A1)", 'x;"{}=1', "b;\n{}-1", "x;{}\uff1d1"]
)
def test_formula_behind_a_semicolon_is_made_harmless(text: str) -> None:
    assert escape_csv_cell(text.format("")) == text.format("'")


@pytest.mark.parametrize(
    "text", ["a; b", "note: x; grace: 5", "Alder", "1 = 1", "a@b", "ä", "42", ""]
)
def test_an_ordinary_cell_stays_as_it_is(text: str) -> None:
    assert escape_csv_cell(text) == text


def test_overview_export_holds_every_key_and_is_audited(
    people: People, signed_in: SignIn, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    Organisation.objects.filter(slug="alder").update(name='=cmd|"x"')
    answer = signed_in(people.viewer).get("/overview.csv")
    lines = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert {line["state"] for line in lines} == set(HealthState.values)
    assert {line["organisation"] for line in lines} == {'\'=cmd|"x"'}
    assert answer["Content-Type"].startswith("text/csv")
    assert AuditEvent.objects.filter(tag="exported").count() == 1


def test_overview_export_obeys_the_filters(
    people: People, signed_in: SignIn, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    text = signed_in(people.viewer).get("/overview.csv?state=late").getvalue().decode()
    assert len(text.strip().splitlines()) == 2


def _get_statuses(token: str) -> object:
    return Client().get("/api/v1/statuses", headers={"authorization": f"Bearer {token}"})


def test_statuses_api_keeps_its_field_order(
    people: People,
    key_in_every_state: dict[HealthState, ApiKey],
    other_organisation: Organisation,
    make_key: MakeKey,
) -> None:
    make_key("Foreign", at=other_organisation)
    answer = _get_statuses(api_token_create(actor=OPERATOR, user=people.viewer, name="x"))
    body = json.loads(answer.content)  # type: ignore[attr-defined]
    assert list(body) == ["generated_at", "statuses"]
    assert body["generated_at"] == "2026-03-02T12:00:00Z"
    assert [list(status) for status in body["statuses"]] == [FIELDS] * len(key_in_every_state)
    assert [status["state"] for status in body["statuses"]] == HealthState.values
    by_state = {status["state"]: status for status in body["statuses"]}
    assert by_state["up_to_date"]["error"] is None
    error = by_state["key_rejected"]["error"]
    assert list(error) == ["code", "http_status", "message", "trace_id", "request_id", "kind"]
    assert (error["http_status"], error["trace_id"]) == (401, None)
    assert by_state["key_unreadable"]["error"]["http_status"] is None


def test_statuses_api_carries_the_trace_of_a_failure(people: People, make_key: MakeKey) -> None:
    make_key(outcome="failed", error_kind="server_error", trace_id="trc_1")
    answer = _get_statuses(api_token_create(actor=OPERATOR, user=people.viewer, name="x"))
    [status] = json.loads(answer.content)["statuses"]  # type: ignore[attr-defined]
    assert status["error"]["trace_id"] == "trc_1"


def test_export_and_api_carry_tags_owner_and_organisation_id(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    key = make_key("Main", key={"owner": people.operator}, reported_organization_id="org_told")
    key_tags_bulk_create([(key, ("emea", "Finance"))])
    make_key("Plain", key={"organization_id": "org_typed"}, reported_organization_id="org_told")
    answer = _get_statuses(api_token_create(actor=OPERATOR, user=people.viewer, name="x"))
    statuses = json.loads(answer.content)["statuses"]  # type: ignore[attr-defined]
    assert [
        (status["tags"], status["organization_id"], status["owner"]) for status in statuses
    ] == [(["Finance", "emea"], "org_told", "Operator"), ([], "org_typed", None)]
    text = signed_in(people.viewer).get("/overview.csv").getvalue().decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(line["tags"], line["organization_id"], line["owner"]) for line in lines] == [
        ("Finance|emea", "org_told", "Operator"),
        ("", "org_typed", ""),
    ]


def test_columns_of_the_overview_export_are_appended_never_reordered(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    text = signed_in(people.viewer).get("/overview.csv").getvalue().decode("utf-8-sig")
    assert text.splitlines()[0].split(",") == [
        *("organisation", "organisation_slug", "key", "key_id", "state", "state_since"),
        *("last_sync_at", "next_sync_at", "enabled_tools", "total_tools", "sync_interval_hours"),
        *("checked_at", "observed_at", "owner", "error", "key_expires_on"),
        *("incremental_sync_enabled", "tags", "organization_id", "error_code"),
        *("error_http_status", "error_message", "trace_id", "request_id", "environment"),
    ]


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "ü"])
def test_api_request_without_a_token_is_told_how_to_authenticate(token: str, db: None) -> None:
    answer = Client().get(
        "/api/v1/statuses", headers={"authorization": f"Bearer {token}".encode().decode("latin-1")}
    )
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/json"
    assert "detail" in answer.json()


def test_session_of_a_person_is_no_api_token(people: People, signed_in: SignIn) -> None:
    assert signed_in(people.admin).get("/api/v1/statuses").status_code == 401


def test_the_schema_is_behind_the_sign_in_and_there_is_no_docs_page(
    people: People, signed_in: SignIn
) -> None:
    assert Client().get("/api/v1/openapi.json").status_code == 302
    schema = signed_in(people.viewer).get("/api/v1/openapi.json").json()
    assert "/api/v1/statuses" in schema["paths"]
    assert signed_in(people.viewer).get("/api/v1/docs").status_code == 404
