"""Aitronos echoes parts of a key wherever a response has room for them: the panel shows none.

Every table, the pages, exports, JSON and the log are searched for any eight characters in a row.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db.models import Model
from django.test import Client

from freddy_admin.accounts.api_tokens import api_token_create
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
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
from freddy_admin.sync.models import (
    CatalogKind,
    CatalogSnapshot,
    OperationState,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.sync.operations.services import sync_operation_create
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.sealing import api_key_context, canary_ensure, sealed_secret_set
from freddy_admin.vault.services.keys import api_key_create
from tests.aitronos.api_calls import AUTH_CONFIGS_BODY, CONNECTOR_PAGE_BODY, SYNC_STARTED_BODY
from tests.aitronos.scripted_server import (
    GOOD_BODY,
    ScriptedConnection,
    ScriptedServer,
    response_bytes,
)
from tests.aitronos.test_errors_hold_no_key import with_echoes
from tests.leak_search import substrings_of_length
from tests.sync.catalog_results import fetch_all as lists_fetched
from tests.sync.catalog_results import request_refresh
from tests.sync.operation_calls import send_operation
from tests.vault.import_draft_data import import_draft_make
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.url_crawler import response_body

OWN = "9a92Kq7Xw2Rk9Lm4Vt8Nb3Hs6Jd1Fg5Pc0YaTzQe4Uv"
SECRET = f"oak_live_{OWN}"
HIDDEN = [part.lower() for part in substrings_of_length(OWN, 8)]
# Eight and more characters of the key, in every encoding that a response may use.
ECHOES = (
    f"API key oak_live_…{OWN[2:16]}… is not valid",
    f"key {OWN[20:28].upper()}",
    f"k={'-'.join(OWN[8:22])}",
    f"k={''.join(f'%{ord(character):02x}' for character in OWN[11:23])}",
)
Answers = dict[tuple[str, str], bytes]


def find_echoes(text: str) -> list[str]:
    """The parts of the key in this text, also with punctuation between their characters."""
    lowered = text.lower()
    alphanumeric = "".join(filter(str.isalnum, lowered))
    return [part for part in HIDDEN if part in lowered or part in alphanumeric]


def echo_responses(echo: str) -> Answers:
    """The response to each call, with this text in every place that takes one."""
    head = {"x-request-id": f"req {echo[:100]}", "x-trace-id": echo, "aitronos-organization": echo}
    head = {name: value.replace("…", "...") for name, value in head.items()}
    members = ("message", "system_message", "type", "timestamp", "trace_id")
    error_body = {"code": echo[:60], "details": {"key": echo}} | dict.fromkeys(members, echo)
    refusal = response_bytes(
        {"error": error_body, "meta": {"request_id": echo}}, f"401 {OWN}", headers=head
    )

    def good(body: dict[str, Any]) -> bytes:
        return response_bytes(with_echoes(body, echo), headers=head)

    return {
        ("GET", "sync/status"): refusal,
        ("GET", "auth-configs"): good(AUTH_CONFIGS_BODY),
        ("GET", "available"): good(CONNECTOR_PAGE_BODY | {"returned": 1, "total": 1}),
        ("POST", "sync"): good(SYNC_STARTED_BODY),
        ("GET", "figures"): good(GOOD_BODY),
    }


@pytest.fixture
def client_of_answers(settings: LazySettings) -> Iterator[Callable[[Answers], AitronosClient]]:
    """A client of a server with these responses, found by method and the end of the path."""
    servers: list[ScriptedServer] = []
    # A lease lasts as long as the calls of this client may.
    settings.AITRONOS_TOTAL_TIMEOUT = settings.AITRONOS_SYNC_TIMEOUT = 60

    def serve(answers: Answers) -> AitronosClient:
        def script(talk: ScriptedConnection) -> None:
            while request := talk.read_request():
                method, target = request.split(b" ")[:2]
                path = target.decode().partition("?")[0]
                ends = (
                    response
                    for end, response in answers.items()
                    if _matches_request(end, method.decode(), path)
                )
                talk.send(next(ends))

        server = ScriptedServer(script)
        config = ClientConfig(server.base_url, connect_timeout=5, read_timeout=20)
        servers.append(server)
        return AitronosClient(config, clock=clock.now)

    yield serve
    for server in servers:
        server.close()


def _matches_request(end: tuple[str, str], method: str, path: str) -> bool:
    return method == end[0] and path.endswith(end[1])


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    key = make_key("Main")
    canary_ensure()
    sealed_secret_set(
        key, SECRET, context=api_key_context(key.organisation_id, key.pk, key.version)
    )
    key.save()
    return key


def all_stored_values() -> str:
    """Every value of every table."""
    models: list[type[Model]] = apps.get_models()
    return "\n".join(str(list(model._default_manager.values_list())) for model in models)


def pages(client: Client, bearer: str, key: ApiKey, order: RemoteOperation) -> Iterator[str]:
    """The bodies of all pages, exports and API responses about a key."""
    organisation_url = f"/organisations/{key.organisation.slug}/"
    for path in (
        *(
            "/",
            "/audit/",
            "/system/",
            "/overview.csv",
            "/audit.csv",
            f"{organisation_url}?show=failures",
        ),
        *(
            organisation_url,
            f"{organisation_url}keys/{key.pk}/",
            f"{organisation_url}keys/{key.pk}/sync/",
            f"{organisation_url}connectors/",
        ),
        *(f"{organisation_url}auth-configs/", f"{organisation_url}export/"),
    ):
        response = client.get(path, follow=True)
        assert response.status_code == 200, path
        yield response_body(response)
    for path in ("statuses", f"organisations/{key.organisation.slug}/events", f"orders/{order.pk}"):
        response = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {bearer}"})
        assert response.status_code == 200, path
        yield response.content.decode()


@pytest.mark.parametrize("echo", ECHOES)
def test_no_echoed_part_of_a_key_is_stored_shown_or_logged(
    echo: str,
    key: ApiKey,
    organisation: Organisation,
    people: People,
    signed_in: SignIn,
    client_of_answers: Callable[[Answers], AitronosClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of_answers(echo_responses(echo))
    for kind in (CatalogKind.CONNECTORS, CatalogKind.AUTH_CONFIGS):
        request_refresh(key, kind)
    lists_fetched(client)
    sync_operation_create(organisation=organisation, actor=Actor("Ana"), key_id=key.pk, full=True)
    order = send_operation(client)
    lines = [str(line) for line in keys_check_now(client=client)]

    row = SyncStatus.objects.get(pk=key.pk)
    assert (row.error_kind, order.state) == ("key_refused", OperationState.DONE)
    assert [len(snapshot.items) for snapshot in CatalogSnapshot.objects.all()] == [1, 1]
    bearer = api_token_create(actor=Actor("Ana"), user=people.admin, name="crawl")
    pages_text = "\n".join(pages(signed_in(people.admin), bearer, key, order))
    assert find_echoes(all_stored_values()) == []
    assert find_echoes(pages_text) == []
    assert find_echoes(caplog.text + "".join(lines)) == []
    # The echo was there and was cut out, and the words around it are kept.
    assert "…" in row.error_message
    assert pages_text.count("Gmail ") > 2


@pytest.mark.parametrize("echo", ECHOES)
def test_no_echoed_part_of_a_new_key_is_stored_or_shown(
    echo: str,
    organisation: Organisation,
    people: People,
    signed_in: SignIn,
    client_of_answers: Callable[[Answers], AitronosClient],
) -> None:
    client = client_of_answers(echo_responses(echo))
    details = KeyDetails(label="New")
    key = api_key_create(
        organisation=organisation, actor=Actor("Ana"), details=details, secret=SECRET
    )
    candidates = [check_perform(client, lease) for lease in candidate_leases_acquire(limit=9)]
    candidate_results_record(candidates)
    draft = import_draft_make(people.admin, f"Birch,Sales,{SECRET},,")
    rows = [import_row_check(client, lease) for lease in import_row_leases_acquire(limit=9)]
    assert len(import_row_results_record(rows)) == 1

    browser = signed_in(people.admin)
    pages_text = "".join(
        browser.get(path).content.decode()
        for path in (f"/organisations/alder/keys/{key.pk}/", f"/import/{draft.pk}/", "/")
    )
    assert pages_text.count("system_message:") == 2
    assert find_echoes(pages_text + all_stored_values()) == []


def test_key_search_finds_a_key_that_was_left_in(key: ApiKey) -> None:
    assert find_echoes(all_stored_values()) == []
    for part in (OWN[5:13], OWN[5:13].upper(), "-".join(OWN[30:38])):
        SyncStatus.objects.filter(pk=key.pk).update(error_message=f"key {part}")
        assert find_echoes(all_stored_values()), part
