"""Who was told, when, by which channel, what it answered: of an incident, and over all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.deliveries.ledger import (
    LOG_PAGE_SIZE,
    LogFilters,
    deliveries_log,
    incident_ledger,
)
from freddy_admin.alerts.models import (
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    Message,
)
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import Access, organisation_access_get
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_factories import (
    channel_create,
    due_messages_send,
    incident_create,
    message_create,
    scripted_transport,
)
from tests.hand_clock import NOON, HandClock
from tests.people import People

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hand_clock")]


@pytest.fixture
def incident(organisation: Organisation) -> Incident:
    return incident_create(organisation)


def access_of(user: User, organisation: Organisation) -> Access:
    return organisation_access_get(user=user, slug=organisation.slug)


def test_ledger_says_who_was_told_when_and_what_was_answered(
    incident: Incident, organisation: Organisation, manager: User, hand_clock: HandClock
) -> None:
    hook = channel_create(organisation)
    message_create(hook, incident)
    with scripted_transport():
        hand_clock.advance(minutes=1)
        assert due_messages_send() == 1
    waiting = Delivery.objects.create(
        incident=incident,
        channel=person_channel_get(manager),
        kind=DeliveryKind.OPENED,
        created_at=hand_clock.at,
    )
    first, second = incident_ledger(incident=incident, access=access_of(manager, organisation))
    assert (first.channel, first.state, first.at) == (hook, "sent", NOON + timedelta(minutes=1))
    assert (first.answer, first.answer_status, first.attempts) == ("ok", 200, 1)
    assert (second.delivery, second.state, second.attempts) == (waiting, "waiting", 0)


def test_delivery_of_a_worker_that_is_lost_may_have_arrived(
    incident: Incident, organisation: Organisation, manager: User, hand_clock: HandClock
) -> None:
    message = message_create(channel_create(organisation), incident)
    Message.objects.update(state=DeliveryState.SENDING, sending_since=NOON)
    message.deliveries.update(state=DeliveryState.SENDING)
    access = access_of(manager, organisation)
    hand_clock.advance(seconds=120)
    assert incident_ledger(incident=incident, access=access)[0].state == DeliveryState.SENDING
    hand_clock.advance(seconds=1)
    (entry,) = incident_ledger(incident=incident, access=access)
    assert entry.state == DeliveryState.MAY_HAVE_ARRIVED


def test_ledger_of_another_organisations_incident_is_not_found(
    incident: Incident, stranger: User, other_organisation: Organisation
) -> None:
    with pytest.raises(NotFound):
        incident_ledger(incident=incident, access=access_of(stranger, other_organisation))


def test_answer_of_a_channel_of_the_whole_panel_is_for_platform_admins(
    incident: Incident, organisation: Organisation, people: People
) -> None:
    message_create(channel_create(None, name="Fleet"), incident)
    with scripted_transport():
        due_messages_send()
    (of_member,) = incident_ledger(
        incident=incident, access=access_of(people.manager, organisation)
    )
    (of_admin,) = incident_ledger(incident=incident, access=access_of(people.admin, organisation))
    assert (of_member.state, of_member.answer, of_member.answer_status) == ("sent", "", None)
    assert (of_admin.answer, of_admin.answer_status) == ("ok", 200)


def test_ledger_is_one_query_however_many_were_told(
    incident: Incident,
    organisation: Organisation,
    manager: User,
    django_assert_num_queries: Callable[..., object],
) -> None:
    for _ in range(5):
        message_create(channel_create(organisation), incident)
    access = access_of(manager, organisation)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        names = [str(entry.channel) for entry in incident_ledger(incident=incident, access=access)]
    assert len(names) == 5


def test_log_is_of_the_organisations_whose_alerts_a_person_manages(
    incident: Incident,
    organisation: Organisation,
    other_organisation: Organisation,
    people: People,
) -> None:
    message_create(channel_create(organisation), incident)
    message_create(channel_create(other_organisation), incident_create(other_organisation))

    def seen_by(user: User) -> list[str]:
        page = deliveries_log(user=user, filters=LogFilters())
        return [entry.delivery.incident.organisation.name for entry in page.entries]

    assert seen_by(people.manager) == ["Alder"]
    assert seen_by(people.stranger) == ["Birch"]
    assert seen_by(people.operator) == seen_by(people.viewer) == []
    assert seen_by(people.admin) == ["Birch", "Alder"]


def test_log_is_filtered_by_channel_kind_state_and_organisation(
    incident: Incident, organisation: Organisation, manager: User, people: People
) -> None:
    hook, slack = channel_create(organisation), channel_create(organisation, kind=ChannelKind.SLACK)
    message_create(hook, incident)
    message_create(slack, incident)
    Delivery.objects.filter(channel=slack).update(state=DeliveryState.GIVEN_UP)

    def channels(filters: LogFilters, user: User = manager) -> list[str]:
        return [entry.channel.kind for entry in deliveries_log(user=user, filters=filters).entries]

    assert channels(LogFilters(channel_id=hook.pk)) == ["webhook"]
    assert channels(LogFilters(channel_kind="slack")) == ["slack"]
    assert channels(LogFilters(state="given_up")) == ["slack"]
    assert channels(LogFilters(organisation_slug="alder")) == ["slack", "webhook"]
    assert channels(LogFilters(organisation_slug="birch")) == []
    assert channels(LogFilters(channel_id=hook.pk), people.stranger) == []


def test_log_is_of_what_was_told_and_names_what_is_planned_where_asked(
    organisation: Organisation, manager: User, hand_clock: HandClock
) -> None:
    incident, channel = incident_create(organisation), channel_create(organisation)
    planned = {"send_at": hand_clock.at, "created_at": hand_clock.at}
    message_create(channel, incident)
    for number in (1, 2):
        state = DeliveryState.WAITING if number == 2 else DeliveryState.HELD
        Delivery.objects.create(
            incident=incident, channel=channel, kind=DeliveryKind.REMINDER, number=number,
            state=state, **planned,
        )  # fmt: skip

    def kinds(**filters: str) -> list[tuple[str, int]]:
        page = deliveries_log(user=manager, filters=LogFilters(**filters))
        return [(entry.delivery.kind, entry.delivery.number) for entry in page.entries]

    assert kinds() == [("reminder", 1), ("opened", 0)]
    assert kinds(state="waiting") == [("reminder", 2)]


def test_log_comes_in_pages(organisation: Organisation, manager: User) -> None:
    channel = channel_create(organisation)
    for _ in range(LOG_PAGE_SIZE + 1):
        message_create(channel, incident_create(organisation))
    newest = deliveries_log(user=manager, filters=LogFilters())
    assert len(newest.entries) == LOG_PAGE_SIZE
    older = deliveries_log(user=manager, filters=LogFilters(before=newest.older_before))
    assert (len(older.entries), older.older_before) == (1, None)
    assert older.entries[0].delivery.pk < newest.entries[-1].delivery.pk
