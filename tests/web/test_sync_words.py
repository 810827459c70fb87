"""What became of a sync that somebody asked for, in plain words."""

from django.test import Client

from freddy_admin.sync.models import KeySync, Order, OrderState
from tests.web.conftest import HandClock, MakeKey
from tests.web.test_syncs import SYNC, operator, settle, text

__all__ = ["operator"]


def test_the_figures_of_the_answer_are_shown_until_the_sync_is_seen(
    operator: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    operator.post(SYNC.format(key.pk))
    settle(
        Order.objects.get(),
        OrderState.DONE,
        result={"synced": 1042, "created": 1, "updated": 3, "unchanged": 1038},
    )
    page = text(operator.get("/organisations/alder/"))
    assert "1,042 tools: 1 new, 3 changed, 1,038 as they were." in page
    assert "until its status names the new sync" in page
    assert "sync requested 12:00 by Operator, not seen yet" in text(operator.get("/"))
    hand_clock.forward(minutes=16)
    page = text(operator.get("/organisations/alder/"))
    assert "Not finished yet" in page
    assert "not finished yet" in text(operator.get("/"))


def test_what_nobody_knows_is_said_so(operator: Client, make_key: MakeKey) -> None:
    key = make_key()
    operator.post(SYNC.format(key.pk))
    settle(Order.objects.get(), OrderState.UNCLEAR, error_kind="worker_lost")
    page = text(operator.get("/organisations/alder/"))
    assert "We do not know whether it was started." in page
    assert "It is not sent again" in page


def test_a_refusal_quotes_aitronos_and_a_fault_speaks_of_no_status(
    operator: Client, make_key: MakeKey
) -> None:
    said = {"error_kind": "unexpected_status", "error_http_status": 409, "error_message": "Busy."}
    for state, error, words in (
        (OrderState.REFUSED, said, "Aitronos refused (409). Aitronos says: “Busy.”"),
        (
            OrderState.UNCLEAR,
            {"error_kind": "server_error", "error_http_status": 500},
            "Aitronos had an error of its own (500). It is not sent again",
        ),
    ):
        key = make_key(str(state))
        operator.post(SYNC.format(key.pk))
        settle(Order.objects.get(key_id=key.pk), state, **error)
        assert words in text(operator.get(f"/organisations/alder/keys/{key.pk}/"))


def test_a_sync_that_was_refused_says_why(operator: Client, make_key: MakeKey) -> None:
    key = make_key()
    operator.post(SYNC.format(key.pk))
    order = Order.objects.get()
    settle(order, OrderState.REFUSED, error_kind="rate_limited", error_http_status=429)
    KeySync.objects.update(order_state="", order_at=None)
    page = text(operator.get("/organisations/alder/"))
    assert "Not started" in page
    assert "Nothing was started." in page
