"""The answers that the API's page documents, byte for byte, wherever the panel tells of a call."""

import csv
import html
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from freddy_admin.accounts.api_tokens import api_token_create
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.core import clock
from freddy_admin.ops.management.commands.check_now import format_check_line
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.import_rows import (
    import_row_check,
    import_row_leases_acquire,
    import_row_results_record,
)
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_results_record,
)
from freddy_admin.sync.checks.check_now import keys_check_now
from freddy_admin.sync.checks.execution import check_perform
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.sealing import api_key_context, canary_ensure, sealed_secret_set
from freddy_admin.vault.services.keys import api_key_create
from tests.aitronos.scripted_server import ScriptedConnection, ScriptedServer, response_bytes
from tests.vault.import_draft_data import import_draft_make
from tests.web.conftest import MakeKey, People, SignIn

REFUSED_401 = (
    b'{"success": false, "error": {"code": "AUTHENTICATION_REQUIRED", "message": "Authentication '
    b'required. Please provide a valid API key.", "system_message": "Missing or invalid '
    b'authorization header", "type": "authentication_error", "status": 401, "trace_id": '
    b'"req_abc123xyz", "timestamp": "2025-11-11T10:30:00Z", "details": {}}}'
)
REFUSED_403 = (
    b'{"success": false, "error": {"code": "INSUFFICIENT_PERMISSIONS", "message": "You do not have '
    b'permission to access this resource.", "system_message": "Insufficient permissions for this '
    b'operation", "type": "authorization_error", "status": 403, "trace_id": "req_def456uvw", '
    b'"timestamp": "2025-11-11T10:30:00Z", "details": {}}}'
)
GOOD_200 = (
    b'{"total_tools": 42, "enabled_tools": 1, "last_sync_at": "2025-11-15T10:30:00Z", '
    b'"next_sync_at": "2025-11-15T10:30:00Z", "sync_interval_hours": 1, '
    b'"incremental_sync_enabled": false}'
)
REQUEST_ID = "4bf92f3577b34da6"
# What anybody is told of each refusal, and what stands beside it for support alone.
TOLD = {
    401: (
        "401",
        "AUTHENTICATION_REQUIRED",
        "Authentication required. Please provide a valid API key.",
        "req_abc123xyz",
        REQUEST_ID,
    ),
    403: (
        "403",
        "INSUFFICIENT_PERMISSIONS",
        "You do not have permission to access this resource.",
        "req_def456uvw",
        REQUEST_ID,
    ),
}
FOR_SUPPORT = {
    401: ("Missing or invalid authorization header", "authentication_error"),
    403: ("Insufficient permissions for this operation", "authorization_error"),
}
BODIES = {401: REFUSED_401, 403: REFUSED_403}
SECRET = "oak_live_documented_0123456789abcdefghijklmnop"
ANA = Actor(name="Ana", id=1)
AskAitronos = Callable[[int], AitronosClient]


@pytest.fixture
def answering(settings: LazySettings) -> Iterator[AskAitronos]:
    """A client of an API that answers with this status and the documented body."""
    settings.AITRONOS_TOTAL_TIMEOUT = settings.AITRONOS_SYNC_TIMEOUT = 60
    servers: list[ScriptedServer] = []

    def serve(status: int) -> AitronosClient:
        body = BODIES.get(status, GOOD_200)
        answer = response_bytes(body, f"{status} X", headers={"x-request-id": REQUEST_ID})

        def script(talk: ScriptedConnection) -> None:
            while talk.read_request():
                talk.send(answer)

        servers.append(ScriptedServer(script))
        config = ClientConfig(servers[-1].base_url, connect_timeout=5, read_timeout=20)
        return AitronosClient(config, clock=clock.now)

    yield serve
    for server in servers:
        server.close()


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    key = make_key("Main", key={"organization_id": "org_alder"})
    canary_ensure()
    context = api_key_context(key.organisation_id, key.pk, key.version)
    sealed_secret_set(key, SECRET, context=context)
    key.save()
    return key


def _check_twice(client: AitronosClient) -> list[str]:
    """The lines of `check_now` after a confirmed refusal."""
    list(keys_check_now(client=client))
    return [format_check_line(report) for report in keys_check_now(client=client)]


def _visible(answer: Any) -> str:
    """The words of a page outside of the texts for support."""
    page = re.sub(r"<textarea.*?</textarea>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def _support_text(answer: Any) -> str:
    texts = re.findall(r"<textarea[^>]*readonly>(.*?)</textarea>", answer.content.decode(), re.S)
    assert len(texts) == 1
    return html.unescape(texts[0])


def _assert_is_told_to_support(text: str, status: int, settings: LazySettings) -> None:
    for words in (*TOLD[status], *FOR_SUPPORT[status], "2025-11-11T10:30:00Z"):
        assert words in text
    assert f"system_message: {FOR_SUPPORT[status][0]}\ntype: {FOR_SUPPORT[status][1]}\n" in text
    assert f"trace_id: {TOLD[status][3]}\nx-request-id: {REQUEST_ID}" in text
    assert f"Base URL: {settings.AITRONOS_API_BASE_URL}\n" in text
    assert f"Header with the key: {', '.join(settings.AITRONOS_API_KEY_HEADER)}\n" in text
    assert SECRET[9:] not in text


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_of_a_key_is_on_its_page_and_in_every_copy(
    status: int,
    key: ApiKey,
    manager: Client,
    people: People,
    answering: AskAitronos,
    settings: LazySettings,
) -> None:
    (line,) = _check_twice(answering(status))
    for words in (*TOLD[status], *FOR_SUPPORT[status]):
        assert words in line

    page = manager.get(f"/organisations/alder/keys/{key.pk}/")
    assert TOLD[status][2] in _visible(page)
    _assert_is_told_to_support(_support_text(page), status, settings)

    bearer = api_token_create(actor=OPERATOR, user=people.manager, name="x")
    authorization = {"authorization": f"Bearer {bearer}"}
    (entry,) = Client().get("/api/v1/statuses", headers=authorization).json()["statuses"]
    kind = {401: "key_refused", 403: "key_not_permitted"}[status]
    assert entry["error"] == {
        "code": TOLD[status][1],
        "http_status": status,
        "message": TOLD[status][2],
        "trace_id": TOLD[status][3],
        "request_id": REQUEST_ID,
        "kind": kind,
    }
    assert entry["organization_id"] == "org_alder"

    file = manager.get("/overview.csv").getvalue().decode("utf-8-sig")
    (cells,) = csv.DictReader(io.StringIO(file))
    columns = ("error_http_status", "error_code", "error_message", "trace_id", "request_id")
    assert tuple(cells[column] for column in columns) == TOLD[status]
    assert cells["error"] == kind


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_of_a_new_key_is_on_its_page(
    status: int,
    organisation: Organisation,
    manager: Client,
    answering: AskAitronos,
    settings: LazySettings,
) -> None:
    details = KeyDetails(label="New", organization_id="org_alder")
    draft = api_key_create(organisation=organisation, actor=ANA, details=details, secret=SECRET)
    client = answering(status)
    leases = candidate_leases_acquire(limit=9)
    candidate_results_record([check_perform(client, lease) for lease in leases])

    page = manager.get(f"/organisations/alder/keys/{draft.pk}/")
    for words in TOLD[status]:
        assert words in _visible(page)
    text = _support_text(page)
    _assert_is_told_to_support(text, status, settings)
    assert "Organisation: Alder\n" in text
    assert "Organisation id at Aitronos: org_alder\n" in text


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_of_a_pasted_row_is_in_the_row(
    status: int, manager: Client, people: People, answering: AskAitronos, settings: LazySettings
) -> None:
    draft = import_draft_make(people.manager, f"Alder,Sales,{SECRET},org_alder,")
    client = answering(status)
    rows = [import_row_check(client, lease) for lease in import_row_leases_acquire(limit=9)]
    import_row_results_record(rows)

    page = manager.get(f"/import/{draft.pk}/")
    for words in TOLD[status]:
        assert words in _visible(page)
    _assert_is_told_to_support(_support_text(page), status, settings)


def test_good_answer_is_told_in_every_place(
    key: ApiKey, manager: Client, people: People, answering: AskAitronos
) -> None:
    client = answering(200)
    _check_twice(client)
    page = _visible(manager.get(f"/organisations/alder/keys/{key.pk}/"))
    for words in ("1 / 42", "15 Nov", "every hour", "Incremental sync off"):
        assert words in page

    bearer = api_token_create(actor=OPERATOR, user=people.manager, name="x")
    authorization = {"authorization": f"Bearer {bearer}"}
    (entry,) = Client().get("/api/v1/statuses", headers=authorization).json()["statuses"]
    figures = {
        "total_tools": 42,
        "enabled_tools": 1,
        "last_sync_at": "2025-11-15T10:30:00Z",
        "next_sync_at": "2025-11-15T10:30:00Z",
        "sync_interval_hours": 1,
        "incremental_sync_enabled": False,
    }
    assert {name: entry[name] for name in figures} == figures
    assert entry["error"] is None
    file = manager.get("/overview.csv").getvalue().decode("utf-8-sig")
    (cells,) = csv.DictReader(io.StringIO(file))
    assert {name: cells[name] for name in figures} == {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in figures.items()
    }

    draft = import_draft_make(people.manager, f"Alder,Sales,{SECRET}2,,")
    rows = [import_row_check(client, lease) for lease in import_row_leases_acquire(limit=9)]
    import_row_results_record(rows)
    assert "42 tools, 1 on" in _visible(manager.get(f"/import/{draft.pk}/"))
