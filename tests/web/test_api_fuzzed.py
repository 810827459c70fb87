"""The JSON API, asked everything its own document allows and much that it does not: never a 500."""

from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from freddy_admin.accounts.tokens import bearer
from freddy_admin.audit.services import Actor
from freddy_admin.core.limits import Limit
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.orders.placing import order_sync
from freddy_admin.web.machines import gate
from freddy_admin.web.machines.api import api
from tests.drills import drill_share
from tests.web.conftest import MakeKey, People
from tests.web.machines import Program
from tests.web.undone import connection_kept, rows_now, undone

pytestmark = pytest.mark.drill
# What every answer must be: no 500, a status and a shape that the document names.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
MODES = {"as described": GenerationMode.POSITIVE, "against it": GenerationMode.NEGATIVE}
RIGHT = {"GET": 200, "POST": 202}


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PER_TOKEN", "WRONG_TOKENS"):
        monkeypatch.setattr(bearer, name, Limit(name, most=10**9, seconds=60))
    monkeypatch.setattr(gate, "BY_PROGRAMS", Limit("program-writes", most=10**9, seconds=60))


# Who is refused, and which token is none.
WRITTEN_DOWN = {"audit.AuditEvent": 0}


@pytest.fixture
def here(organisation: Organisation, make_key: MakeKey) -> dict[str, Any]:
    """What is really there: asked for with made-up names alone, nothing would be found."""
    key, synced = make_key("Main"), make_key("Synced")
    order = order_sync(organisation=organisation, actor=Actor("Ana"), key_id=synced.pk, full=False)
    return {"slug": organisation.slug, "key_id": key.pk, "order_id": order.pk}


def _document() -> Any:
    document = schemathesis.openapi.from_dict(api.get_openapi_schema())
    document.app = WSGIHandler()
    return document


OPERATIONS = [
    (path, method.upper())
    for path, methods in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items()
    for method in methods
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_asked_the_answer_is_one_that_is_described(
    path: str, method: str, mode: str, people: People, here: dict[str, Any]
) -> None:
    program = Program(people.manager, "act")
    headers = {"Authorization": f"Bearer {program.token}", "Host": "localhost"}
    cases = _document()[path][method].as_strategy(generation_mode=MODES[mode])
    seen: set[int] = set()

    @settings(
        max_examples=drill_share(400),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, real=st.booleans(), signed=st.integers(0, 9))
    def ask(case: Any, real: bool, signed: int) -> None:
        if real:
            found = {name: value for name, value in here.items() if f"{{{name}}}" in path}
            case.path_parameters = {**(case.path_parameters or {}), **found}
        with undone():
            before = rows_now() | WRITTEN_DOWN
            with connection_kept():
                answer = case.call(headers=headers if signed else {"Host": "localhost"})
            case.validate_response(answer, checks=CHECKS)
            seen.add(answer.status_code)
            if answer.status_code >= 400 or method == "GET":
                assert rows_now() | WRITTEN_DOWN == before

    ask()
    if mode == "as described":
        assert RIGHT[method] in seen
    assert 401 in seen


HEADERS = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=200)


@settings(max_examples=drill_share(600), deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.one_of(HEADERS, HEADERS.map(lambda text: f"Bearer {text}")))
@pytest.mark.django_db
def test_whatever_stands_for_a_token_is_none(value: str) -> None:
    with undone():
        answer = Client().get("/api/v1/statuses", headers={"authorization": value})
    assert answer.status_code == 401
    assert answer.json()["detail"]


@settings(max_examples=drill_share(800), deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda t: t.encode())))
def test_whatever_the_body_is_a_sync_is_started_once_or_refused(
    body: bytes, people: People, here: dict[str, Any]
) -> None:
    with undone():
        before = rows_now()
        program = Program(people.manager, "act")
        answer = program.post(f"keys/{here['key_id']}/sync", body)
        assert answer.status_code in {202, 400, 422}
        if answer.status_code != 202:
            assert rows_now() | {"audit.AuditEvent": 0} == before | {"audit.AuditEvent": 0}
