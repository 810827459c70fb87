"""The JSON API under requests that its schema allows, and many that it does not: never a 500.

`make drills` sends twenty times as many.
"""

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

from freddy_admin.accounts import api_tokens
from freddy_admin.alerts.models import Incident, Severity
from freddy_admin.api import permissions
from freddy_admin.api.ninja_api import api
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.rate_limits import RateLimit
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.operations.services import sync_operation_create
from tests.api.api_client import ApiClient
from tests.drill_scale import RUN_FULL_DRILLS
from tests.web.conftest import MakeKey, People
from tests.web.fuzz_rollback_helpers import count_rows, keep_connection, rollback_block

pytestmark = pytest.mark.drill
# Of every response: no 500, a status and a shape that the schema names.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
MODES = {"as described": GenerationMode.POSITIVE, "against it": GenerationMode.NEGATIVE}
RIGHT = {"GET": 200, "POST": 202, "POST /api/v1/incidents/{uid}/acknowledge": 200}


@pytest.fixture(autouse=True)
def _disable_rate_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PER_TOKEN", "WRONG_TOKENS"):
        monkeypatch.setattr(api_tokens, name, RateLimit(name, amount=10**9, seconds=60))
    monkeypatch.setattr(
        permissions, "API_WRITE_LIMIT", RateLimit("program-writes", amount=10**9, seconds=60)
    )


# Records of denied access and of unknown tokens.
WRITTEN_DOWN = {"audit.AuditEvent": 0}


@pytest.fixture
def url_parameters(organisation: Organisation, make_key: MakeKey) -> dict[str, Any]:
    """URL parameters that exist: with made-up ones alone every response would be a 404."""
    key, synced = make_key("Main"), make_key("Synced")
    order = sync_operation_create(
        organisation=organisation, actor=Actor("Ana"), key_id=synced.pk, full=False
    )
    incident = Incident.objects.create(
        organisation=organisation,
        severity=Severity.ACTION_NEEDED,
        health_state=HealthState.OVERDUE,
        opened_at=clock.now(),
        noticed_at=clock.now(),
    )
    return {
        "slug": organisation.slug,
        "key_id": key.pk,
        "order_id": order.pk,
        "uid": str(incident.uid),
    }


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
def test_every_api_response_is_one_that_the_schema_describes(
    path: str, method: str, mode: str, people: People, url_parameters: dict[str, Any]
) -> None:
    program = ApiClient(people.manager, "act")
    headers = {"Authorization": f"Bearer {program.token}", "Host": "localhost"}
    cases = _document()[path][method].as_strategy(generation_mode=MODES[mode])
    statuses: set[int] = set()

    @settings(
        max_examples=400 if RUN_FULL_DRILLS else 20,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, real=st.booleans(), user_index=st.integers(0, 9))
    def ask(case: Any, real: bool, user_index: int) -> None:
        if real:
            path_values = {
                name: value for name, value in url_parameters.items() if f"{{{name}}}" in path
            }
            case.path_parameters = {**(case.path_parameters or {}), **path_values}
        with rollback_block():
            row_counts_before = count_rows() | WRITTEN_DOWN
            with keep_connection():
                answer = case.call(headers=headers if user_index else {"Host": "localhost"})
            case.validate_response(answer, checks=CHECKS)
            statuses.add(answer.status_code)
            if answer.status_code >= 400 or method == "GET":
                assert count_rows() | WRITTEN_DOWN == row_counts_before

    ask()
    if mode == "as described":
        assert RIGHT.get(f"{method} {path}", RIGHT[method]) in statuses
    assert 401 in statuses


HEADERS = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=200)


@settings(
    max_examples=600 if RUN_FULL_DRILLS else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(value=st.one_of(HEADERS, HEADERS.map(lambda text: f"Bearer {text}")))
@pytest.mark.django_db
def test_arbitrary_text_is_never_accepted_as_a_token(value: str) -> None:
    with rollback_block():
        answer = Client().get("/api/v1/statuses", headers={"authorization": value})
    assert answer.status_code == 401
    assert answer.json()["detail"]


@settings(
    max_examples=800 if RUN_FULL_DRILLS else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda t: t.encode())))
def test_sync_is_started_once_or_refused_whatever_the_body(
    body: bytes, people: People, url_parameters: dict[str, Any]
) -> None:
    with rollback_block():
        row_counts_before = count_rows()
        program = ApiClient(people.manager, "act")
        answer = program.post(f"keys/{url_parameters['key_id']}/sync", body)
        assert answer.status_code in {202, 400, 422}
        if answer.status_code != 202:
            assert count_rows() | {"audit.AuditEvent": 0} == row_counts_before | {
                "audit.AuditEvent": 0
            }
