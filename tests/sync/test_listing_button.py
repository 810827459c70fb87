"""*Check now* for a list: written down, first in the queue, and never twice for one wish."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.freshness import Answer
from freddy_admin.sync.lists.calls import listing_claims_take, listings_store
from freddy_admin.sync.lists.services import listing_read, listing_request
from freddy_admin.sync.models import KeySync
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import HandClock, MakeKey
from tests.sync.listing_ends import CONNECTORS, brought, connector, failed, fill, taken, want

ANA = Actor(name="Ana", id=1)


def press(key: ApiKey, kind: str = "connectors") -> Answer:
    return listing_request(
        organisation=key.organisation, actor=ANA, key_id=key.pk, kind=kind
    ).answer


def again(key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_related("organisation").get(pk=key.pk)


def test_a_key_that_was_asked_to_wait_with_a_status_waits_with_its_lists(key: ApiKey) -> None:
    until = clock.now() + timedelta(minutes=3)
    KeySync.objects.filter(pk=key.pk).update(hold_until=until)
    want(key)
    answer = listing_request(
        organisation=key.organisation, actor=ANA, key_id=key.pk, kind="connectors"
    )
    assert (answer.answer, answer.held_until) == (Answer.HELD, until)
    assert listing_claims_take(limit=5, now=clock.now()) == []


def test_the_button_is_written_down_and_goes_first(
    key: ApiKey, make_key: MakeKey, hand_clock: HandClock
) -> None:
    want(make_key("Other"))
    hand_clock.forward(seconds=1)
    assert press(key) is Answer.ASKED
    (event,) = AuditEvent.objects.filter(tag="check_requested")
    assert (event.subject, event.details) == ("Main", {"kind": "connectors"})
    (first,) = listing_claims_take(limit=1, now=clock.now())
    assert first.key_id == key.pk


def test_a_second_press_joins_and_one_just_after_the_result_gets_it(
    key: ApiKey, hand_clock: HandClock
) -> None:
    press(key)
    assert press(key) is Answer.JOINED
    claim = taken()
    assert press(key) is Answer.JOINED
    listings_store([brought(claim, connector("gmail"))])
    hand_clock.forward(seconds=9)
    assert press(key) is Answer.JUST_CHECKED
    hand_clock.forward(seconds=1)
    assert press(key) is Answer.ASKED
    assert AuditEvent.objects.filter(tag="check_requested").count() == 2


def test_a_call_that_was_asked_for_by_a_look_is_joined_by_the_button(key: ApiKey) -> None:
    want(key)
    listing_claims_take(limit=5, now=clock.now())
    assert press(key) is Answer.JOINED


def test_the_result_of_a_former_key_is_no_answer_to_the_button(key: ApiKey) -> None:
    fill(key, connector("gmail"))
    ApiKey.objects.filter(pk=key.pk).update(version=2)
    assert press(again(key)) is Answer.ASKED


def test_a_result_of_the_future_is_no_answer_to_the_button(
    key: ApiKey, hand_clock: HandClock
) -> None:
    fill(key, connector("gmail"))
    hand_clock.forward(seconds=-5)
    assert press(key) is Answer.ASKED


@pytest.mark.parametrize(
    ("kind", "key_id"),
    [("connectors", 10**30), ("connectors", 0), ("connectors", 999), ("bogus", None)],
)
def test_what_is_not_there_cannot_be_asked_for(kind: str, key_id: int | None, key: ApiKey) -> None:
    with pytest.raises(NotFound):
        listing_request(
            organisation=key.organisation,
            actor=ANA,
            key_id=key.pk if key_id is None else key_id,
            kind=kind,
        )


def test_another_organisations_key_cannot_be_asked_for_or_read(key: ApiKey) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=clock.now())
    fill(key, connector("gmail"))
    with pytest.raises(NotFound):
        listing_request(organisation=birch, actor=ANA, key_id=key.pk, kind="connectors")
    assert listing_read(organisation=birch, key=key, kind=CONNECTORS).items == ()


def test_a_paused_keys_list_cannot_be_asked_for(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(paused_at=clock.now())
    with pytest.raises(Conflict, match="paused"):
        press(key)


def test_the_button_waits_where_aitronos_asked_us_to(key: ApiKey, hand_clock: HandClock) -> None:
    want(key)
    listings_store([failed(taken(), "rate_limited", retry_after=600.0)])
    hand_clock.forward(minutes=5)
    assert press(key) is Answer.HELD
