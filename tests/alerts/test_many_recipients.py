"""Many recipients, many incidents, many workers: few messages, each once."""

from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.alerts.deliveries.grouping import deliveries_group
from freddy_admin.alerts.deliveries.planning import openings_plan
from freddy_admin.alerts.models import Channel, Delivery, DeliveryState, Incident, Message, Severity
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    channel_create,
    incident_create,
    incident_open,
    incidents_resolve,
    rule_make,
)
from tests.concurrency import run_concurrently, run_in_thread, shared_database
from tests.drill_scale import drill_count
from tests.hand_clock import HandClock

__all__ = ["shared_database"]
RECIPIENTS, INCIDENTS = drill_count(5_000), drill_count(2_800)


@pytest.fixture
def flow(hand_clock: HandClock) -> DeliveryFlow:
    return DeliveryFlow(hand_clock)


def managers_create(organisation: Organisation, count: int) -> None:
    now = clock.now()
    users = User.objects.bulk_create(
        User(email=f"person{n}@example.org", created_at=now) for n in range(count)
    )
    Membership.objects.bulk_create(
        Membership(organisation=organisation, user=user, role="manager", created_at=now)
        for user in users
    )


def incidents_create(organisation: Organisation, count: int) -> list[Incident]:
    now = clock.now()
    return Incident.objects.bulk_create(
        Incident(
            organisation=organisation,
            severity=Severity.ACTION_NEEDED,
            health_state="overdue",
            opened_at=now,
            noticed_at=now,
        )
        for _ in range(count)
    )


@pytest.mark.django_db
@pytest.mark.drill
def test_thousands_of_recipients_are_told_once_each(
    flow: DeliveryFlow, organisation: Organisation
) -> None:
    managers_create(organisation, RECIPIENTS)
    incident = incident_create(organisation)
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        openings_plan(incidents=[incident], now=clock.now())
    # In batches: the transaction of the check that found it stays short.
    assert len(queries) < 250
    flow.run(seconds=60)
    assert Message.objects.filter(kind="opened").count() == RECIPIENTS
    assert Message.objects.values("channel").distinct().count() == RECIPIENTS

    incidents_resolve(incident)
    flow.run(seconds=60)
    assert Message.objects.filter(kind="resolved").count() == RECIPIENTS
    assert not Delivery.objects.filter(send_at__isnull=False).exists()


@pytest.mark.django_db
@pytest.mark.drill
def test_thousands_of_incidents_for_ten_people_are_ten_messages_and_ten_ends(
    flow: DeliveryFlow, organisation: Organisation
) -> None:
    managers_create(organisation, 10)
    incidents = incidents_create(organisation, INCIDENTS)
    with transaction.atomic():
        openings_plan(incidents=incidents, now=clock.now())
    assert Delivery.objects.count() == 10 * INCIDENTS
    flow.run(seconds=60, step=60)
    assert Message.objects.count() == 10

    incidents_resolve(*incidents)
    flow.run(seconds=60, step=60)
    assert Message.objects.filter(kind="resolved").count() == 10
    assert Delivery.objects.filter(kind="resolved", message=None).count() == 0


@pytest.mark.django_db
def test_statements_of_the_drain_do_not_grow_with_the_incidents(
    flow: DeliveryFlow, organisation: Organisation
) -> None:
    rule_make(organisation, channel_create(organisation))
    counts = []
    for count in (1, 2, 40):  # the first one wakes the senders as well, on the engine
        with transaction.atomic():
            openings_plan(incidents=incidents_create(organisation, count), now=clock.now())
        flow.hand_clock.advance(seconds=60)
        with CaptureQueriesContext(connection) as queries:
            deliveries_group(now=clock.now())
        counts.append(len(queries))

    assert counts[1] == counts[2]


def told(kind: str) -> list[tuple[int, int]]:
    rows = Delivery.objects.filter(message__isnull=False, kind=kind)
    return sorted(rows.values_list("incident", "channel"))


def incidents_open(channel_count: int, incident_count: int, *, wait: HandClock) -> list[Incident]:
    """Incidents whose openings are due, for so many channels."""
    organisation = Organisation.objects.filter(slug="elm").first()
    if organisation is None:
        organisation = Organisation.objects.create(name="Elm", slug="elm", created_at=clock.now())
        names = [f"ops {n}" for n in range(channel_count)]
        rule_make(organisation, *(channel_create(organisation, name=name) for name in names))
    incidents = [incident_open(organisation) for _ in range(incident_count)]
    wait.advance(seconds=60)
    return incidents


def drain_all() -> None:
    while deliveries_group(now=clock.now()):
        pass


@pytest.mark.django_db(transaction=True)
def test_three_workers_make_one_message_of_what_belongs_together(
    shared_database: None, hand_clock: HandClock
) -> None:
    run_in_thread(partial(incidents_open, 4, 20, wait=hand_clock))
    for _ in range(2):
        run_concurrently([drain_all] * 3)

    def counts() -> tuple[int, int]:
        return Message.objects.count(), len(told("opened"))

    assert run_in_thread(counts) == (4, 4 * 20)


@pytest.mark.django_db(transaction=True)
def test_end_and_drain_at_once_leave_no_opening_without_an_end(
    shared_database: None, hand_clock: HandClock
) -> None:
    for _ in range(6):
        incidents = run_in_thread(partial(incidents_open, 3, 3, wait=hand_clock))
        run_concurrently([drain_all, partial(incidents_resolve, *incidents), drain_all])
        hand_clock.advance(seconds=60)
        run_in_thread(drain_all)

    def untold_states() -> set[str]:
        return set(Delivery.objects.filter(message=None).values_list("state", flat=True))

    assert run_in_thread(partial(told, "opened")) == run_in_thread(partial(told, "resolved"))
    # A reminder that was planned as its incident ended is dropped once it is due.
    hand_clock.advance(seconds=2 * 3600)
    run_in_thread(drain_all)
    assert run_in_thread(untold_states) <= {DeliveryState.DROPPED}


@pytest.mark.django_db(transaction=True)
def test_two_workers_plan_the_same_incident_once(
    shared_database: None, hand_clock: HandClock
) -> None:
    def create() -> Incident:
        organisation = Organisation.objects.create(name="Elm", slug="elm", created_at=clock.now())
        managers_create(organisation, 3)
        return incident_create(organisation)

    def plan() -> None:
        with transaction.atomic():
            openings_plan(incidents=[incident], now=clock.now())

    incident = run_in_thread(create)
    run_concurrently([plan] * 3)
    assert run_in_thread(Channel.objects.count) == run_in_thread(Delivery.objects.count) == 3
