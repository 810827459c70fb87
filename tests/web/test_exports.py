"""The overview for spreadsheets and for machines."""

import csv
import io
import json

import pytest
from django.test import Client

from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.formulas import cell_safe
from tests.web.conftest import MakeKey, People, SignIn

FIELDS = [
    "organisation", "organisation_slug", "key_id", "key_label", "state", "state_since",
    "total_tools", "enabled_tools", "last_sync_at", "next_sync_at", "sync_interval_hours",
    "incremental_sync_enabled", "checked_at", "observed_at", "error",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|calc", " =1",
     "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\u200b=1", "\ufeff=1", "\x00=1", "%0A"],
)  # fmt: skip
def test_a_cell_that_begins_like_a_formula_is_made_harmless(text: str) -> None:
    assert cell_safe(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["x;{}=1+1", "a; {}@SUM(A1)", 'x;"{}=1', "b;\n{}-1", "x;{}\uff1d1"]
)
def test_nor_does_a_formula_hide_behind_a_semicolon(text: str) -> None:
    assert cell_safe(text.format("")) == text.format("'")


@pytest.mark.parametrize(
    "text", ["a; b", "note: x; grace: 5", "Alder", "1 = 1", "a@b", "ä", "42", ""]
)
def test_an_ordinary_cell_stays_as_it_is(text: str) -> None:
    assert cell_safe(text) == text


def test_the_file_holds_every_key_and_is_written_down(
    people: People, signed_in: SignIn, every_state: dict[State, ApiKey]
) -> None:
    Organisation.objects.filter(slug="alder").update(name='=cmd|"x"')
    answer = signed_in(people.viewer).get("/overview.csv")
    lines = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert {line["state"] for line in lines} == set(State.values)
    assert {line["organisation"] for line in lines} == {'\'=cmd|"x"'}
    assert answer["Content-Type"].startswith("text/csv")
    assert AuditEvent.objects.filter(tag="exported").count() == 1


def test_the_file_obeys_the_filters(
    people: People, signed_in: SignIn, every_state: dict[State, ApiKey]
) -> None:
    text = signed_in(people.viewer).get("/overview.csv?state=late").getvalue().decode()
    assert len(text.strip().splitlines()) == 2


def _ask(token: str) -> object:
    return Client().get("/api/v1/statuses", headers={"authorization": f"Bearer {token}"})


def test_machines_get_the_fields_in_their_order(
    people: People, every_state: dict[State, ApiKey], other: Organisation, make_key: MakeKey
) -> None:
    make_key("Foreign", at=other)
    answer = _ask(api_token_create(actor=OPERATOR, user=people.viewer, name="x"))
    told = json.loads(answer.content)  # type: ignore[attr-defined]
    assert list(told) == ["generated_at", "statuses"]
    assert told["generated_at"] == "2026-03-02T12:00:00Z"
    assert [list(one) for one in told["statuses"]] == [FIELDS] * len(every_state)
    assert [one["state"] for one in told["statuses"]] == State.values
    by_state = {one["state"]: one for one in told["statuses"]}
    assert by_state["up_to_date"]["error"] is None
    refused = by_state["key_rejected"]["error"]
    assert list(refused) == ["code", "http_status", "message", "trace_id"]
    assert (refused["http_status"], refused["trace_id"]) == (401, None)
    assert by_state["key_unreadable"]["error"]["http_status"] is None


def test_machines_get_the_trace_of_a_failure(people: People, make_key: MakeKey) -> None:
    make_key(outcome="failed", error_kind="server_error", trace_id="trc_1")
    answer = _ask(api_token_create(actor=OPERATOR, user=people.viewer, name="x"))
    [told] = json.loads(answer.content)["statuses"]  # type: ignore[attr-defined]
    assert told["error"]["trace_id"] == "trc_1"


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "ü"])
def test_a_machine_without_a_token_is_told_how(token: str, db: None) -> None:
    answer = Client().get(
        "/api/v1/statuses", headers={"authorization": f"Bearer {token}".encode().decode("latin-1")}
    )
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/json"
    assert "detail" in answer.json()


def test_a_signed_in_person_is_no_token(people: People, signed_in: SignIn) -> None:
    assert signed_in(people.admin).get("/api/v1/statuses").status_code == 401


def test_the_schema_is_behind_the_sign_in_and_there_is_no_docs_page(
    people: People, signed_in: SignIn
) -> None:
    assert Client().get("/api/v1/openapi.json").status_code == 302
    schema = signed_in(people.viewer).get("/api/v1/openapi.json").json()
    assert "/api/v1/statuses" in schema["paths"]
    assert signed_in(people.viewer).get("/api/v1/docs").status_code == 404
