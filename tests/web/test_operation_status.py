"""The wording of a requested sync's state and result."""

from django.test import Client

from freddy_admin.sync.models import OperationState, RemoteOperation, SyncStatus
from tests.web.conftest import HandClock, MakeKey
from tests.web.test_sync_start_pages import SYNC, finish_operation, operator_client, page_text

__all__ = ["operator_client"]


def test_figures_of_the_response_are_shown_until_the_sync_is_observed(
    operator_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    operator_client.post(SYNC.format(key.pk))
    finish_operation(
        RemoteOperation.objects.get(),
        OperationState.DONE,
        result={"synced": 1042, "created": 1, "updated": 3, "unchanged": 1038},
    )
    page = page_text(operator_client.get("/organisations/alder/"))
    assert "1,042 tools: 1 new, 3 changed, 1,038 as they were." in page
    assert "until its status names the new sync" in page
    assert "sync requested 12:00 by Operator, not seen yet" in page_text(operator_client.get("/"))
    hand_clock.advance(minutes=16)
    page = page_text(operator_client.get("/organisations/alder/"))
    assert "Not finished yet" in page
    assert "not finished yet" in page_text(operator_client.get("/"))


def test_unknown_result_of_an_operation_is_called_unknown(
    operator_client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    operator_client.post(SYNC.format(key.pk))
    finish_operation(
        RemoteOperation.objects.get(), OperationState.UNCLEAR, error_kind="worker_lost"
    )
    page = page_text(operator_client.get("/organisations/alder/"))
    assert "We do not know whether it was started." in page
    assert "It is not sent again" in page


def test_refusal_quotes_aitronos_and_a_connection_error_names_no_status(
    operator_client: Client, make_key: MakeKey
) -> None:
    columns = {
        "error_kind": "unexpected_status",
        "error_http_status": 409,
        "error_message": "Busy.",
    }
    for state, error, words in (
        (OperationState.REFUSED, columns, "Aitronos refused (409). Aitronos says: “Busy.”"),
        (
            OperationState.UNCLEAR,
            {"error_kind": "server_error", "error_http_status": 500},
            "Aitronos had an error of its own (500). It is not sent again",
        ),
    ):
        key = make_key(str(state))
        operator_client.post(SYNC.format(key.pk))
        finish_operation(RemoteOperation.objects.get(key_id=key.pk), state, **error)
        assert words in page_text(operator_client.get(f"/organisations/alder/keys/{key.pk}/"))


def test_a_sync_that_was_refused_says_why(operator_client: Client, make_key: MakeKey) -> None:
    key = make_key()
    operator_client.post(SYNC.format(key.pk))
    order = RemoteOperation.objects.get()
    finish_operation(
        order, OperationState.REFUSED, error_kind="rate_limited", error_http_status=429
    )
    SyncStatus.objects.update(operation_state="", operation_requested_at=None)
    page = page_text(operator_client.get("/organisations/alder/"))
    assert "Not started" in page
    assert "Nothing was started." in page
