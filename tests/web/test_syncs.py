"""Starting syncs: the dialog, several at once, and how they go."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.models import KeySync, Order, OrderBatch, OrderState
from freddy_admin.sync.orders.placing import order_sync
from freddy_admin.sync.states import State
from tests.web.conftest import HandClock, MakeKey, People, SignIn, seen_of

SYNC = "/organisations/alder/keys/{}/sync/"
NEW = "/syncs/new/"


@pytest.fixture
def operator(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.operator)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def settle(order: Order, state: OrderState, **more: Any) -> None:
    """As the worker leaves an order that has ended."""
    Order.objects.filter(pk=order.pk).update(state=state, finished_at=clock.now(), **more)
    KeySync.objects.filter(pk=order.key_id).update(order_state=state)


def test_the_dialog_says_what_will_happen_and_starts_nothing(
    operator: Client, make_key: MakeKey
) -> None:
    key = make_key()
    page = text(operator.get(SYNC.format(key.pk)))
    assert "never sent a second time" in page
    assert "What has changed" in page
    assert "Everything, from the start" in page
    assert not Order.objects.exists()


def test_a_sync_is_asked_for_in_the_way_that_was_chosen(
    operator: Client, make_key: MakeKey
) -> None:
    key, other = make_key("Sales"), make_key("Support")
    answer = operator.post(SYNC.format(key.pk), {"mode": "full"})
    assert answer["Location"] == f"/organisations/alder/#key-{key.pk}"
    operator.post(SYNC.format(other.pk), {"mode": "rubbish"})
    full = dict(Order.objects.values_list("key__label", "full"))
    assert full == {"Sales": True, "Support": False}


def test_while_it_runs_it_is_locked_for_everyone_with_who_started_it(
    operator: Client, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    key = make_key()
    operator.post(SYNC.format(key.pk), {"mode": "incremental"})
    manager = signed_in(people.manager)
    page = text(manager.get("/organisations/alder/"))
    assert "Sync asked for by Operator…" in page
    assert "Requested" in page
    assert "Waiting for the worker" in page
    dialog = text(manager.get(SYNC.format(key.pk)))
    assert "runs already" in dialog
    again = manager.post(SYNC.format(key.pk), {"mode": "full"}, follow=True)
    assert "A sync that Operator asked for runs already" in text(again)
    assert Order.objects.count() == 1


def test_where_a_sync_helps_starting_one_is_the_button(
    operator: Client, make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    key = make_key(state=State.OVERDUE)
    page = text(operator.get("/"))
    assert f'href="{SYNC.format(key.pk)}"' in page
    viewer = text(signed_in(people.viewer).get("/"))
    assert "Start a sync</span>" not in viewer
    assert "An operator starts a sync." in viewer
    panel = text(signed_in(people.viewer).get("/organisations/alder/"))
    assert "A sync has to be started." in panel
    assert "Start a sync." not in panel


def test_a_rejected_or_paused_key_offers_no_sync(operator: Client, make_key: MakeKey) -> None:
    make_key("Refused", state=State.KEY_REJECTED, refusals=2, unknown_at=None)
    make_key("Paused", key={"paused_at": clock.now(), "paused_by": "Ann"})
    assert '/sync/"' not in operator.get("/organisations/alder/").content.decode()
    assert "Nothing to start" in text(operator.get(NEW))


def test_several_are_chosen_confirmed_and_started(operator: Client, make_key: MakeKey) -> None:
    late = make_key("Sales", state=State.LATE, sync_interval_hours=2)
    well = make_key("Support")
    page = text(operator.get(NEW))
    assert f'value="{late.pk}" checked' in page
    assert f'value="{well.pk}"' in page
    assert f'value="{well.pk}" checked' not in page
    confirm = text(operator.post(NEW, {"key": [late.pk, well.pk], "mode": "full"}))
    assert "Start 2 syncs?" in confirm
    assert not Order.objects.exists()
    chosen = {"key": [late.pk, well.pk], "mode": "full", "start": "all"}
    answer = operator.post(NEW, chosen)
    batch = OrderBatch.objects.get()
    assert answer["Location"] == f"/syncs/{batch.pk}/"
    assert list(batch.orders.values_list("full", flat=True)) == [True, True]


def test_who_was_not_looked_at_yet_is_not_said_to_have_never_synced(
    operator: Client, make_key: MakeKey
) -> None:
    make_key(state=State.NOT_CHECKED, observed_at=None, total_tools=None, enabled_tools=None)
    page = text(operator.get(NEW))
    assert "Not checked yet" in page
    assert "never" not in page.partition("<tbody>")[2].partition("</tbody>")[0]


def test_those_that_may_be_one_sync_are_named_first(operator: Client, make_key: MakeKey) -> None:
    keys = [make_key(label) for label in ("Sales", "Support")]
    chosen = {"key": [key.pk for key in keys]}
    confirm = text(operator.post(NEW, chosen))
    assert "These 2 report the same figures: Alder (Sales), Alder (Support)." in confirm
    assert "It may be one sync" in confirm
    operator.post(NEW, chosen | {"start": "one_each"})
    assert Order.objects.count() == 1
    dialog = text(operator.get(SYNC.format(keys[1].pk)))
    assert "These report the same sync: Alder (Sales)." in dialog


def test_choosing_nothing_says_what_to_do(operator: Client, make_key: MakeKey) -> None:
    make_key()
    answer = operator.post(NEW, {"key": ["x", "-1", "9" * 30, "²"]}, follow=True)
    assert "Choose at least one" in text(answer)
    many = operator.post(NEW, {"key": list(range(1, 150))}, follow=True)
    assert "Choose at most 100" in text(many)


def test_another_organisations_key_is_never_started(
    people: People, signed_in: SignIn, make_key: MakeKey, other: Organisation
) -> None:
    foreign = make_key("Foreign", at=other)
    operator = signed_in(people.operator)
    assert "Foreign" not in text(operator.get(NEW))
    answer = operator.post(NEW, {"key": [foreign.pk], "start": "all"}, follow=True)
    assert "Choose at least one" in text(answer)
    assert not Order.objects.exists()
    assert operator.get(SYNC.format(foreign.pk)).status_code == 404


def test_a_person_who_only_looks_has_nothing_to_start(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    viewer = signed_in(people.viewer)
    assert "Nothing to start" in text(viewer.get(NEW))
    assert "/syncs/new/" not in text(viewer.get("/"))


def test_a_batch_shows_how_each_goes_and_how_many_have_ended(
    operator: Client, make_key: MakeKey
) -> None:
    keys = [make_key(label, sync_interval_hours=n) for n, label in enumerate("ABC", 1)]
    operator.post(NEW, {"key": [key.pk for key in keys], "start": "all"})
    batch = OrderBatch.objects.get()
    page = operator.get(f"/syncs/{batch.pk}/")
    assert "0 of 3 syncs have ended" in text(page)
    assert "data-pending" in text(page)
    first, second, third = batch.orders.order_by("pk")
    settle(first, OrderState.DONE, result={"synced": 1, "created": 0, "updated": 0})
    settle(second, OrderState.REFUSED, error_kind="key_refused", error_http_status=401)
    settle(third, OrderState.UNCLEAR, error_kind="read_timeout")
    live = {"X-Live": "1", "X-Seen": seen_of(page.content.decode())}
    changed = operator.get(f"/syncs/{batch.pk}/", headers=live)
    assert "3 of 3 syncs have ended · 1 not started · 1 not known" in text(changed)
    assert "data-pending" not in text(changed)
    assert "<title>" not in text(changed)
    live["X-Seen"] = seen_of(changed.content.decode())
    assert operator.get(f"/syncs/{batch.pk}/", headers=live).status_code == 204


def test_a_batch_stops_promising_to_look_once_the_grace_is_over(
    operator: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key(sync_interval_hours=1)
    operator.post(NEW, {"key": [key.pk], "start": "all"})
    batch = OrderBatch.objects.get()
    settle(batch.orders.get(), OrderState.DONE)
    page = operator.get(f"/syncs/{batch.pk}/")
    assert "We look every minute" in text(page)
    hand_clock.forward(minutes=16)
    live = {"X-Live": "1", "X-Seen": seen_of(page.content.decode())}
    later = text(operator.get(f"/syncs/{batch.pk}/", headers=live))
    assert "Not finished yet" in later
    assert "We look every minute" not in later


def test_a_batch_says_when_a_sync_should_have_been_seen_by_now(
    operator: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    operator.post(NEW, {"key": [key.pk], "start": "all"})
    batch = OrderBatch.objects.get()
    settle(Order.objects.get(), OrderState.DONE, result={"synced": 1})
    page = operator.get(f"/syncs/{batch.pk}/")
    assert "Not finished yet" not in text(page)
    hand_clock.forward(minutes=16)
    live = {"X-Live": "1", "X-Seen": seen_of(page.content.decode())}
    assert "Not finished yet" in text(operator.get(f"/syncs/{batch.pk}/", headers=live))


def test_keys_that_aitronos_refuses_are_not_offered(operator: Client, make_key: MakeKey) -> None:
    make_key("Refused", state=State.KEY_REJECTED, refusals=2, unknown_at=None)
    assert "Nothing to start" in text(operator.get(NEW))


def test_a_batch_shows_a_stranger_nothing_and_others_their_part(
    people: People, signed_in: SignIn, make_key: MakeKey, other: Organisation
) -> None:
    Membership.objects.create(organisation=other, user=people.operator, role=Role.OPERATOR)
    mine, theirs = make_key("Mine"), make_key("Theirs", at=other, sync_interval_hours=9)
    operator = signed_in(people.operator)
    operator.post(NEW, {"key": [mine.pk, theirs.pk], "start": "all"})
    page = f"/syncs/{OrderBatch.objects.get().pk}/"
    seen = text(signed_in(people.viewer).get(page))
    assert "Alder" in seen
    assert "Birch" not in seen
    assert "0 of 1 sync" in seen
    Membership.objects.filter(user=people.stranger).delete()
    assert signed_in(people.stranger).get(page).status_code == 404
    assert operator.get(f"/syncs/{uuid4()}/").status_code == 404


def test_one_that_runs_already_is_left_out_and_named(
    operator: Client, make_key: MakeKey, organisation: Organisation
) -> None:
    busy, free = make_key("Busy"), make_key("Free", sync_interval_hours=3)
    order_sync(organisation=organisation, actor=Actor("Ana"), key_id=busy.pk, full=False)
    assert "disabled" in text(operator.get(NEW))
    chosen = {"key": [busy.pk, free.pk], "start": "all"}
    page = text(operator.post(NEW, chosen, follow=True))
    assert "Alder: A sync that Ana asked for runs already." in page
    none = text(operator.post(NEW, {"key": [busy.pk], "start": "all"}, follow=True))
    assert "runs already" in none
    assert OrderBatch.objects.count() == 1


def test_words_from_outside_stay_words(operator: Client, make_key: MakeKey) -> None:
    make_key()
    operator.post(SYNC.format(KeySync.objects.get().pk))
    order, evil = Order.objects.get(), "<img src=x onerror=alert(1)>"
    settle(order, OrderState.REFUSED, error_kind="server_error", error_message=evil)
    Order.objects.update(requested_by=evil)
    for path in ("/organisations/alder/", "/"):
        assert evil not in operator.get(path).content.decode()


@pytest.mark.parametrize("key_id", [0, 2**63, 9_999_999_999_999_999_999])
def test_a_number_that_no_key_has_is_not_there(operator: Client, key_id: int) -> None:
    page = f"/organisations/alder/keys/{key_id}/sync/"
    assert [operator.get(page).status_code, operator.post(page).status_code] == [404, 404]
