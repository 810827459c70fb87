"""Starting syncs: the dialog, a batch of several, and the progress of both."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import OperationBatch, OperationState, RemoteOperation, SyncStatus
from freddy_admin.sync.operations.services import sync_operation_create
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of

SYNC = "/organisations/alder/keys/{}/sync/"
NEW = "/syncs/new/"


@pytest.fixture
def operator_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.operator)


def page_text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def finish_operation(order: RemoteOperation, state: OperationState, **more: Any) -> None:
    """Finish an operation as the worker does."""
    RemoteOperation.objects.filter(pk=order.pk).update(state=state, finished_at=clock.now(), **more)
    SyncStatus.objects.filter(pk=order.key_id).update(operation_state=state)


def test_the_dialog_says_what_will_happen_and_starts_nothing(
    operator_client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    page = page_text(operator_client.get(SYNC.format(key.pk)))
    assert "never sent a second time" in page
    assert "What has changed" in page
    assert "Everything, from the start" in page
    assert not RemoteOperation.objects.exists()


def test_sync_is_requested_in_the_chosen_mode(operator_client: Client, make_key: MakeKey) -> None:
    key, other_key = make_key("Sales"), make_key("Support")
    answer = operator_client.post(SYNC.format(key.pk), {"mode": "full"})
    assert answer["Location"] == f"/organisations/alder/#key-{key.pk}"
    operator_client.post(SYNC.format(other_key.pk), {"mode": "rubbish"})
    full = dict(RemoteOperation.objects.values_list("key__label", "full"))
    assert full == {"Sales": True, "Support": False}


def test_running_sync_is_locked_for_everyone_and_names_who_started_it(
    operator_client: Client, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    key = make_key()
    operator_client.post(SYNC.format(key.pk), {"mode": "incremental"})
    manager = signed_in(people.manager)
    page = page_text(manager.get("/organisations/alder/"))
    assert "Sync asked for by Operator…" in page
    assert "Requested" in page
    assert "Waiting for the worker" in page
    dialog = page_text(manager.get(SYNC.format(key.pk)))
    assert "runs already" in dialog
    second_response = manager.post(SYNC.format(key.pk), {"mode": "full"}, follow=True)
    assert "A sync that Operator asked for runs already" in page_text(second_response)
    assert RemoteOperation.objects.count() == 1


def test_start_sync_is_the_button_where_a_sync_helps(
    operator_client: Client, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    key = make_key(state=HealthState.OVERDUE)
    page = page_text(operator_client.get("/"))
    assert f'href="{SYNC.format(key.pk)}"' in page
    viewer = page_text(signed_in(people.viewer).get("/"))
    assert "Start a sync</span>" not in viewer
    assert "An operator starts a sync." in viewer
    panel = page_text(signed_in(people.viewer).get("/organisations/alder/"))
    assert "A sync has to be started." in panel
    assert "Start a sync." not in panel


def test_a_rejected_or_paused_key_offers_no_sync(
    operator_client: Client, make_key: MakeKey
) -> None:
    make_key("Refused", state=HealthState.KEY_REJECTED, refusals=2, unknown_at=None)
    make_key("Paused", key={"paused_at": clock.now(), "paused_by": "Ann"})
    assert '/sync/"' not in operator_client.get("/organisations/alder/").content.decode()
    assert "Nothing to start" in page_text(operator_client.get(NEW))


def test_batch_of_syncs_is_chosen_confirmed_and_started(
    operator_client: Client, make_key: MakeKey
) -> None:
    late_key = make_key("Sales", state=HealthState.LATE, sync_interval_hours=2)
    healthy_key = make_key("Support")
    page = page_text(operator_client.get(NEW))
    assert f'value="{late_key.pk}" checked' in page
    assert f'value="{healthy_key.pk}"' in page
    assert f'value="{healthy_key.pk}" checked' not in page
    confirm = page_text(
        operator_client.post(NEW, {"key": [late_key.pk, healthy_key.pk], "mode": "full"})
    )
    assert "Start 2 syncs?" in confirm
    assert not RemoteOperation.objects.exists()
    fields = {"key": [late_key.pk, healthy_key.pk], "mode": "full", "start": "all"}
    answer = operator_client.post(NEW, fields)
    batch = OperationBatch.objects.get()
    assert answer["Location"] == f"/syncs/{batch.pk}/"
    assert list(batch.operations.values_list("full", flat=True)) == [True, True]


def test_unchecked_key_is_not_said_to_have_never_synced(
    operator_client: Client, make_key: MakeKey
) -> None:
    make_key(state=HealthState.NOT_CHECKED, observed_at=None, total_tools=None, enabled_tools=None)
    page = page_text(operator_client.get(NEW))
    assert "Not checked yet" in page
    assert "never" not in page.partition("<tbody>")[2].partition("</tbody>")[0]


def test_keys_that_may_share_one_sync_are_named_first(
    operator_client: Client, make_key: MakeKey
) -> None:
    keys = [make_key(label) for label in ("Sales", "Support")]
    fields = {"key": [key.pk for key in keys]}
    confirm = page_text(operator_client.post(NEW, fields))
    assert "These 2 report the same figures: Alder (Sales), Alder (Support)." in confirm
    assert "It may be one sync" in confirm
    operator_client.post(NEW, fields | {"start": "one_each"})
    assert RemoteOperation.objects.count() == 1
    dialog = page_text(operator_client.get(SYNC.format(keys[1].pk)))
    assert "These report the same sync: Alder (Sales)." in dialog


def test_empty_choice_of_keys_says_what_to_do(operator_client: Client, make_key: MakeKey) -> None:
    make_key()
    answer = operator_client.post(NEW, {"key": ["x", "-1", "9" * 30, "²"]}, follow=True)
    assert "Choose at least one" in page_text(answer)
    many = operator_client.post(NEW, {"key": list(range(1, 150))}, follow=True)
    assert "Choose at most 100" in page_text(many)


def test_another_organisations_key_is_never_started(
    people: People, signed_in: SignIn, make_key: MakeKey, other_organisation: Organisation
) -> None:
    foreign_key = make_key("Foreign", at=other_organisation)
    operator_client = signed_in(people.operator)
    assert "Foreign" not in page_text(operator_client.get(NEW))
    answer = operator_client.post(NEW, {"key": [foreign_key.pk], "start": "all"}, follow=True)
    assert "Choose at least one" in page_text(answer)
    assert not RemoteOperation.objects.exists()
    assert operator_client.get(SYNC.format(foreign_key.pk)).status_code == 404


def test_viewer_has_no_sync_to_start(people: People, signed_in: SignIn, make_key: MakeKey) -> None:
    make_key()
    viewer = signed_in(people.viewer)
    assert "Nothing to start" in page_text(viewer.get(NEW))
    assert "/syncs/new/" not in page_text(viewer.get("/"))


def test_batch_shows_each_operation_and_how_many_have_finished(
    operator_client: Client, make_key: MakeKey
) -> None:
    keys = [make_key(label, sync_interval_hours=n) for n, label in enumerate("ABC", 1)]
    operator_client.post(NEW, {"key": [key.pk for key in keys], "start": "all"})
    batch = OperationBatch.objects.get()
    page = operator_client.get(f"/syncs/{batch.pk}/")
    assert "0 of 3 syncs have ended" in page_text(page)
    assert "data-pending" in page_text(page)
    first_operation, second_operation, third_operation = batch.operations.order_by("pk")
    finish_operation(
        first_operation, OperationState.DONE, result={"synced": 1, "created": 0, "updated": 0}
    )
    finish_operation(
        second_operation, OperationState.REFUSED, error_kind="key_refused", error_http_status=401
    )
    finish_operation(third_operation, OperationState.UNCLEAR, error_kind="read_timeout")
    live_headers = {"X-Live": "1", "X-Seen": shown_digests_of(page.content.decode())}
    live_update = operator_client.get(f"/syncs/{batch.pk}/", headers=live_headers)
    assert "3 of 3 syncs have ended · 1 not started · 1 not known" in page_text(live_update)
    assert "data-pending" not in page_text(live_update)
    assert "<title>" not in page_text(live_update)
    live_headers["X-Seen"] = shown_digests_of(live_update.content.decode())
    assert operator_client.get(f"/syncs/{batch.pk}/", headers=live_headers).status_code == 204


def test_batch_stops_promising_a_check_once_the_grace_is_over(
    operator_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key(sync_interval_hours=1)
    operator_client.post(NEW, {"key": [key.pk], "start": "all"})
    batch = OperationBatch.objects.get()
    finish_operation(batch.operations.get(), OperationState.DONE)
    page = operator_client.get(f"/syncs/{batch.pk}/")
    assert "We look every minute" in page_text(page)
    hand_clock.advance(minutes=16)
    live_headers = {"X-Live": "1", "X-Seen": shown_digests_of(page.content.decode())}
    later = page_text(operator_client.get(f"/syncs/{batch.pk}/", headers=live_headers))
    assert "Not finished yet" in later
    assert "We look every minute" not in later


def test_batch_says_when_a_sync_should_have_been_observed_by_now(
    operator_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    operator_client.post(NEW, {"key": [key.pk], "start": "all"})
    batch = OperationBatch.objects.get()
    finish_operation(RemoteOperation.objects.get(), OperationState.DONE, result={"synced": 1})
    page = operator_client.get(f"/syncs/{batch.pk}/")
    assert "Not finished yet" not in page_text(page)
    hand_clock.advance(minutes=16)
    live_headers = {"X-Live": "1", "X-Seen": shown_digests_of(page.content.decode())}
    assert "Not finished yet" in page_text(
        operator_client.get(f"/syncs/{batch.pk}/", headers=live_headers)
    )


def test_keys_that_aitronos_refuses_are_not_offered(
    operator_client: Client, make_key: MakeKey
) -> None:
    make_key("Refused", state=HealthState.KEY_REJECTED, refusals=2, unknown_at=None)
    assert "Nothing to start" in page_text(operator_client.get(NEW))


def test_a_batch_shows_a_stranger_nothing_and_others_their_part(
    people: People, signed_in: SignIn, make_key: MakeKey, other_organisation: Organisation
) -> None:
    Membership.objects.create(
        organisation=other_organisation, user=people.operator, role=Role.OPERATOR
    )
    own_key = make_key("Mine")
    foreign_key = make_key("Theirs", at=other_organisation, sync_interval_hours=9)
    operator_client = signed_in(people.operator)
    operator_client.post(NEW, {"key": [own_key.pk, foreign_key.pk], "start": "all"})
    page = f"/syncs/{OperationBatch.objects.get().pk}/"
    text = page_text(signed_in(people.viewer).get(page))
    assert "Alder" in text
    assert "Birch" not in text
    assert "0 of 1 sync" in text
    Membership.objects.filter(user=people.stranger).delete()
    assert signed_in(people.stranger).get(page).status_code == 404
    assert operator_client.get(f"/syncs/{uuid4()}/").status_code == 404


def test_running_sync_is_left_out_of_a_batch_and_named(
    operator_client: Client, make_key: MakeKey, organisation: Organisation
) -> None:
    busy_key, free_key = make_key("Busy"), make_key("Free", sync_interval_hours=3)
    sync_operation_create(
        organisation=organisation, actor=Actor("Ana"), key_id=busy_key.pk, full=False
    )
    assert "disabled" in page_text(operator_client.get(NEW))
    fields = {"key": [busy_key.pk, free_key.pk], "start": "all"}
    page = page_text(operator_client.post(NEW, fields, follow=True))
    assert "Alder: A sync that Ana asked for runs already." in page
    none = page_text(operator_client.post(NEW, {"key": [busy_key.pk], "start": "all"}, follow=True))
    assert "runs already" in none
    assert OperationBatch.objects.count() == 1


def test_text_from_aitronos_is_never_markup_in_sync_pages(
    operator_client: Client, make_key: MakeKey
) -> None:
    make_key()
    operator_client.post(SYNC.format(SyncStatus.objects.get().pk))
    order, markup = RemoteOperation.objects.get(), "<img src=x onerror=alert(1)>"
    finish_operation(order, OperationState.REFUSED, error_kind="server_error", error_message=markup)
    RemoteOperation.objects.update(requested_by=markup)
    for path in ("/organisations/alder/", "/"):
        assert markup not in operator_client.get(path).content.decode()


@pytest.mark.parametrize("key_id", [0, 2**63, 9_999_999_999_999_999_999])
def test_unknown_key_id_is_404(operator_client: Client, key_id: int) -> None:
    page = f"/organisations/alder/keys/{key_id}/sync/"
    assert [operator_client.get(page).status_code, operator_client.post(page).status_code] == [
        404,
        404,
    ]
