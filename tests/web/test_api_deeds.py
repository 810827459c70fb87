"""What programs may ask for: a check, a sync, and what became of it."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.sync.models import KeySync, Order
from freddy_admin.sync.models.orders import OrderState
from tests.web.conftest import MakeKey, People
from tests.web.machines import Program


@pytest.fixture
def program(people: People) -> Program:
    return Program(people.operator, "act")


def test_a_check_is_asked_for_once(program: Program, make_key: MakeKey) -> None:
    key = make_key()
    first, second = (program.post(f"keys/{key.pk}/check") for _ in range(2))
    assert (first.status_code, first.json()) == (202, {"answer": "asked", "held_until": None})
    assert (second.status_code, second.json()["answer"]) == (202, "joined")
    assert KeySync.objects.get().requested_at == clock.now()


def test_who_asked_is_the_person_by_the_token(program: Program, make_key: MakeKey) -> None:
    program.post(f"keys/{make_key().pk}/check")
    event = AuditEvent.objects.filter(tag="check_requested").get()
    assert event.actor_name == "Operator, by the token “board” (operator@example.org)"
    assert event.address == "127.0.0.1"
    assert event.organisation_name == "Alder"


def test_a_check_that_is_not_needed_says_why(program: Program, make_key: MakeKey) -> None:
    now = clock.now()
    fresh = make_key("Fresh", checked_at=now - timedelta(seconds=5))
    held = make_key("Held", hold_until=now + timedelta(minutes=5))
    told = program.post(f"keys/{fresh.pk}/check")
    assert (told.status_code, told.json()["answer"]) == (200, "just_checked")
    told = program.post(f"keys/{held.pk}/check")
    assert (told.status_code, told.json()) == (
        200,
        {"answer": "held", "held_until": "2026-03-02T12:05:00Z"},
    )


@pytest.mark.parametrize("what", ["check", "sync"])
def test_a_paused_key_is_409_with_a_sentence(
    what: str, program: Program, make_key: MakeKey
) -> None:
    key = make_key(key={"paused_at": clock.now(), "paused_by": "Ann"})
    answer = program.post(f"keys/{key.pk}/{what}")
    assert (answer.status_code, "Resume" in answer.json()["detail"]) == (409, True)
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("body", "full"), [(None, False), (b"{}", False), (b'{"full": true}', True)]
)
def test_a_sync_is_asked_for_and_can_be_followed(
    body: bytes | None, full: bool, program: Program, make_key: MakeKey
) -> None:
    key = make_key("Main")
    answer = program.post(f"keys/{key.pk}/sync", body)
    order = Order.objects.get()
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


def test_a_second_sync_waits_for_the_first(program: Program, make_key: MakeKey) -> None:
    key = make_key()
    program.post(f"keys/{key.pk}/sync")
    second = program.post(f"keys/{key.pk}/sync")
    assert second.status_code == 409
    assert "Operator, by the token “board” asked for runs already" in second.json()["detail"]
    assert Order.objects.count() == 1


def test_an_order_tells_how_it_ended(program: Program, people: People, make_key: MakeKey) -> None:
    key = make_key()
    program.post(f"keys/{key.pk}/sync")
    Order.objects.update(
        state=OrderState.REFUSED,
        finished_at=clock.now(),
        error_kind="rate_limited",
        error_http_status=429,
        trace_id="trc_1",
    )
    # To look is enough to read; who asked does not matter.
    told = Program(people.viewer).get(f"orders/{Order.objects.get().pk}").json()
    assert (told["state"], told["finished_at"]) == ("refused", "2026-03-02T12:00:00Z")
    assert (told["error"]["code"], told["error"]["http_status"]) == ("rate_limited", 429)
    assert told["error"]["trace_id"] == "trc_1"
    assert told["error"]["message"]


@pytest.mark.parametrize("what", ["check", "sync"])
def test_a_viewer_may_not_even_with_a_token_to_act(
    what: str, people: People, make_key: MakeKey
) -> None:
    answer = Program(people.viewer, "act").post(f"keys/{make_key().pk}/{what}")
    assert (answer.status_code, "viewer" in answer.json()["detail"]) == (403, True)
    assert not Order.objects.exists()
