"""Actions of the JSON API: requesting a check, starting a sync, following the operation."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.sync.models import RemoteOperation, SyncStatus
from freddy_admin.sync.models.operations import OperationState
from tests.api.api_client import ApiClient
from tests.web.conftest import MakeKey, People


@pytest.fixture
def program(people: People) -> ApiClient:
    return ApiClient(people.operator, "act")


def test_a_check_is_asked_for_once(program: ApiClient, make_key: MakeKey) -> None:
    key = make_key()
    first_response, second_response = (program.post(f"keys/{key.pk}/check") for _ in range(2))
    assert (first_response.status_code, first_response.json()) == (
        202,
        {"answer": "asked", "held_until": None},
    )
    assert (second_response.status_code, second_response.json()["answer"]) == (202, "joined")
    assert SyncStatus.objects.get().requested_at == clock.now()


def test_requester_is_the_person_of_the_token(program: ApiClient, make_key: MakeKey) -> None:
    program.post(f"keys/{make_key().pk}/check")
    event = AuditEvent.objects.filter(tag="check_requested").get()
    assert event.actor_name == "Operator, by the token “board” (operator@example.org)"
    assert event.address == "127.0.0.1"
    assert event.organisation_name == "Alder"


def test_a_check_that_is_not_needed_says_why(program: ApiClient, make_key: MakeKey) -> None:
    now = clock.now()
    fresh_key = make_key("Fresh", checked_at=now - timedelta(seconds=5))
    held_key = make_key("Held", hold_until=now + timedelta(minutes=5))
    response = program.post(f"keys/{fresh_key.pk}/check")
    assert (response.status_code, response.json()["answer"]) == (200, "just_checked")
    response = program.post(f"keys/{held_key.pk}/check")
    assert (response.status_code, response.json()) == (
        200,
        {"answer": "held", "held_until": "2026-03-02T12:05:00Z"},
    )


@pytest.mark.parametrize("action", ["check", "sync"])
def test_a_paused_key_is_409_with_a_sentence(
    action: str, program: ApiClient, make_key: MakeKey
) -> None:
    key = make_key(key={"paused_at": clock.now(), "paused_by": "Ann"})
    answer = program.post(f"keys/{key.pk}/{action}")
    assert (answer.status_code, "Resume" in answer.json()["detail"]) == (409, True)
    assert not RemoteOperation.objects.exists()


@pytest.mark.parametrize(
    ("body", "full"), [(None, False), (b"{}", False), (b'{"full": true}', True)]
)
def test_a_sync_is_asked_for_and_can_be_followed(
    body: bytes | None, full: bool, program: ApiClient, make_key: MakeKey
) -> None:
    key = make_key("Main")
    answer = program.post(f"keys/{key.pk}/sync", body)
    order = RemoteOperation.objects.get()
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/orders/{order.pk}")
    assert answer.json() == {
        "id": order.pk,
        "kind": "sync",
        "state": "queued",
        "organisation": "Alder",
        "organisation_slug": "alder",
        "key_id": key.pk,
        "key_label": "Main",
        "full": full,
        "tool_key": None,
        "enable": None,
        "requested_at": "2026-03-02T12:00:00Z",
        "requested_by": "Operator, by the token “board”",
        "sent_at": None,
        "finished_at": None,
        "confirmed_sync_at": None,
        "error": None,
    }
    assert program.get(f"orders/{order.pk}").json() == answer.json()


def test_a_second_sync_waits_for_the_first(program: ApiClient, make_key: MakeKey) -> None:
    key = make_key()
    program.post(f"keys/{key.pk}/sync")
    second_response = program.post(f"keys/{key.pk}/sync")
    assert second_response.status_code == 409
    assert (
        "Operator, by the token “board” asked for runs already" in second_response.json()["detail"]
    )
    assert RemoteOperation.objects.count() == 1


def test_operation_says_how_it_ended(program: ApiClient, people: People, make_key: MakeKey) -> None:
    key = make_key()
    program.post(f"keys/{key.pk}/sync")
    RemoteOperation.objects.update(
        state=OperationState.REFUSED,
        finished_at=clock.now(),
        error_kind="rate_limited",
        error_http_status=429,
        trace_id="trc_1",
    )
    # The view permission is enough to read an operation, whoever requested it.
    body = ApiClient(people.viewer).get(f"orders/{RemoteOperation.objects.get().pk}").json()
    assert (body["state"], body["finished_at"]) == ("refused", "2026-03-02T12:00:00Z")
    assert (body["error"]["code"], body["error"]["http_status"]) == ("rate_limited", 429)
    assert body["error"]["trace_id"] == "trc_1"
    assert body["error"]["message"]


@pytest.mark.parametrize("action", ["check", "sync"])
def test_viewer_may_not_act_even_with_an_act_token(
    action: str, people: People, make_key: MakeKey
) -> None:
    answer = ApiClient(people.viewer, "act").post(f"keys/{make_key().pk}/{action}")
    assert (answer.status_code, "viewer" in answer.json()["detail"]) == (403, True)
    assert not RemoteOperation.objects.exists()
